/* Judges the processes of listeners that are halted or out of descriptors. */
#include "epolltune/process_limits.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "epolltune/cleanup.h"
#include "epolltune/doing.h"
#include "epolltune/knob_value.h"
#include "epolltune/order.h"
#include "epolltune/quantity.h"
#include "judge/nofile.h"

/* The limit to give it. */
static void more_words(struct wording *words, const struct process *p,
		       const struct accept_queues *q)
{
	const struct server_row *server = server_row_find(p->name);
	uint64_t more = quantity_more(p->soft);
	char line[WORDING_TEXT];
	bool allowed = q->nr_open < 0 || more <= (uint64_t)q->nr_open;
	nofile_words(words, more, p->hard, q->nr_open, q->openrc);
	/* Its help is then a command that closes no connection. */
	wording_flag(words, "now",
		     process_at_file_limit(p) && allowed && !server_files_at_start(server));
	wording_set(
		words, "line", "%s",
		server_line(server ? server->files_line : NULL, "files", more, line, sizeof(line)));
}

/* Processes of the subject that accept, now or in turns, and are not stuck; 0: it has none, or it
 * is not visible which accept. */
static size_t others_accept(const struct accept_queues *q)
{
	const struct subject *of = q->subject;
	size_t all = of && !of->unshown ? of->acceptor_count + of->in_turns : 0;
	return all > q->stuck_count ? all - q->stuck_count : 0;
}

/* `others`: processes of the same server that accept. */
static void files_finding(const struct queue_watch *w, const struct listener *l,
			  const struct process *p, bool waits, size_t others)
{
	struct wording words = {0};
	char name[WORDING_TEXT], limit[KNOB_VALUE];
	process_words(&words, p, l->address);
	wording_set(&words, "listener", "%s",
		    listener_name(&w->after->listeners, l, name, sizeof(name)));
	wording_set(&words, "waiting", "%s", waits ? quantity_count(l->depth).text : "");
	wording_set(&words, "others", "%s", others ? quantity_count(others).text : "");
	wording_flag(&words, "several", waits ? l->depth > 1 : others > 1);
	wording_set(&words, "open", "%s", quantity_count(p->open).text);
	wording_set(&words, "soft", "%s", quantity_count(p->soft).text);
	wording_set(&words, "hard", "%s",
		    p->hard == HOST_UNLIMITED ? "unlimited" : quantity_count(p->hard).text);
	more_words(&words, p, w->after);
	struct finding *f = report_finding(w->report, "descriptors.process.exhausted", &words);
	finding_evidence(f, "open descriptors", "descriptors", (double)p->open, NAN);
	if (waits)
		finding_evidence(f, "connections that wait", "connections", l->depth, NAN);
	if (p->hard == HOST_UNLIMITED)
		snprintf(limit, sizeof(limit), "%" PRIu64 " unlimited", p->soft);
	else
		snprintf(limit, sizeof(limit), "%" PRIu64 " %" PRIu64, p->soft, p->hard);
	finding_propose(f, "RLIMIT_NOFILE", limit, "");
	if (!waits && !subject_has(w->after->subject, l))
		f->level = LEVEL_WARNING;
}

static const struct process *process_among(const struct process *at, size_t count,
					   const struct process *p)
{
	for (size_t i = 0; i < count; i++)
		if (process_same(&at[i], p))
			return &at[i];
	return NULL;
}

/* Whether it had no descriptor left at both looks. */
static bool stays_out_of_files(const struct queue_watch *w, const struct process *p)
{
	const struct listeners *all = &w->before->listeners;
	const struct process *before = process_among(all->processes, all->process_count, p);
	return before && process_out_of_files(before) && process_out_of_files(p);
}

/* Processes at their limit, each once, by its listener where most connections wait. */
static void judge_files(const struct queue_watch *w)
{
	const struct listeners *all = &w->after->listeners;
	for (size_t p = 0; p < all->process_count; p++) {
		const struct listener *worst = NULL, *quiet = NULL;
		for (size_t i = 0; i < all->count; i++) {
			const struct listener *l = &all->at[i];
			if (l->owner != (int)p)
				continue;
			if (!quiet || subject_has(w->after->subject, l))
				quiet = l;
			if (queue_waits(w->after, l) && (!worst || l->depth > worst->depth))
				worst = l;
		}
		if (worst && process_at_file_limit(&all->processes[p]))
			files_finding(w, worst, &all->processes[p], true, 0);
		else if (quiet && stays_out_of_files(w, &all->processes[p]))
			files_finding(w, quiet, &all->processes[p], false,
				      subject_has(w->after->subject, quiet)
					      ? others_accept(w->after)
					      : 0);
	}
}

/* The first of `halted`. `s`: NULL: it is not the subject's. */
static void halted_finding(const struct queue_watch *w, const struct subject *s,
			   const struct process *halted, size_t count, const char *address)
{
	const struct process *p = halted;
	struct wording words = {0};
	process_words(&words, p, address);
	size_t others = count - halted_words(&words, p, halted, count);
	wording_set(&words, "address", "%s", s ? "" : address);
	wording_set(&words, "others", "%s", others ? quantity_count(others).text : "");
	wording_flag(&words, "several", others > 1);
	wording_set(&words, "acceptors", "%s",
		    s && s->acceptor_count > 1 ? quantity_count(s->acceptor_count).text : "");
	wording_flag(&words, "served", !subject_is_datagrams(s));
	wording_flag(&words, "datagrams", subject_listens(s, LISTENER_UDP));
	struct finding *f = report_finding(w->report, "listeners.halted", &words);
	finding_evidence(f, "processes halted", "", (double)count, NAN);
	/* A tracer stops a process for moments. */
	if (p->state == 't' || !s)
		f->level = LEVEL_WARNING;
}

/* Halted processes of other servers, each once. What says that a queue is in trouble names those of
 * its listener. */
static void judge_halted(const struct queue_watch *w)
{
	const struct listeners *all = &w->after->listeners, *were = &w->before->listeners;
	for (size_t p = 0; p < all->process_count; p++) {
		const struct process *now = &all->processes[p],
				     *was = process_among(were->processes, were->process_count,
							  now);
		const struct listener *own = NULL;
		bool named = !process_halted(now) || !was || !process_halted(was);
		for (size_t i = 0; i < all->count && !named; i++) {
			const struct listener *l = &all->at[i];
			if (l->owner != (int)p)
				continue;
			own = own ? own : l;
			named = queue_in_trouble(w->after, l) || subject_has(w->after->subject, l);
		}
		if (own && !named)
			halted_finding(w, NULL, now, 1, own->address);
	}
}

/* Its listener where most connections wait, or else its first one; NULL: those of UDP are not among
 * them. */
static const struct listener *subject_worst(const struct queue_watch *w)
{
	const struct listeners *all = &w->after->listeners;
	const struct listener *worst = NULL, *first = NULL;
	for (size_t i = 0; i < all->count; i++) {
		const struct listener *l = &all->at[i];
		if (!subject_has(w->after->subject, l))
			continue;
		first = first ? first : l;
		if (queue_waits(w->after, l) && (!worst || l->depth > worst->depth))
			worst = l;
	}
	return worst ? worst : first;
}

/* A process at its limit that is not the owner of a listener. */
static void spent_finding(const struct queue_watch *w, const struct process *p, size_t others)
{
	const struct listener *l = subject_worst(w);
	const struct listeners *own = &w->after->subject->listeners;
	/* That of a captured server may have none. */
	struct listener other = own->count ? own->at[0] : (struct listener){0};
	other.owner = -1; /* of another list */
	other.depth = 0;  /* of an earlier look; of UDP it is bytes */
	files_finding(w, l ? l : &other, p, l && queue_waits(w->after, l), others);
}

/* Processes of the subject that share a listener with others, which may accept. */
static void judge_spent(const struct queue_watch *w)
{
	const struct accept_queues *was = w->before, *now = w->after;
	for (size_t i = 0; i < now->stuck_count; i++) {
		const struct process *p = &now->stuck[i];
		/* Of an owner judge_files() reports. */
		if (!process_out_of_files(p) || !process_among(was->stuck, was->stuck_count, p) ||
		    process_among(now->listeners.processes, now->listeners.process_count, p))
			continue;
		spent_finding(w, p, others_accept(now));
		return;
	}
}

/* The worst first: a tracer stops a process for moments. */
static int by_tracer(const void *a, const void *b)
{
	const struct process *x = a, *y = b;
	if ((x->state == 't') != (y->state == 't'))
		return x->state == 't' ? 1 : -1;
	return ORDER(x->pid, y->pid);
}

/* The same of those that are halted, at both looks. */
static void judge_stopped(const struct queue_watch *w)
{
	const struct accept_queues *was = w->before, *now = w->after;
	const struct subject *s = now->subject;
	CLEAN(free_pointer) struct process *halted = NULL;
	size_t count = 0;
	for (size_t i = 0; i < now->stuck_count; i++) {
		const struct process *p = &now->stuck[i];
		if (!process_halted(p) || !process_among(was->stuck, was->stuck_count, p))
			continue;
		if (!halted)
			halted = calloc(now->stuck_count, sizeof(*halted));
		if (!halted)
			return;
		halted[count++] = *p;
	}
	if (!count)
		return;
	qsort(halted, count, sizeof(*halted), by_tracer);
	halted_finding(w, s, halted, count, s->listeners.count ? s->listeners.at[0].address : "");
}

void process_limits_judge(const struct queue_watch *w)
{
	judge_files(w);
	judge_stopped(w);
	judge_spent(w);
	judge_halted(w);
}
