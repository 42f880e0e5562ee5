/* What runs here: listeners that are full, and processes at their limits. All is judged by what the
 * machine shows, nothing by the target. */
#include "epolltune/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/accept_queues.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/doing.h"
#include "epolltune/knob_value.h"
#include "epolltune/listener.h"
#include "epolltune/nofile.h"
#include "epolltune/order.h"
#include "epolltune/quantity.h"
#include "epolltune/syn_queue.h"

/* Servers of other network namespaces that a note names. */
#define ELSEWHERE_NAMED 4
/* Tables by the soft limit that are worth a note, a soft limit that suffices for most servers, and
 * the highest one that fs.nr_open allows. */
#define TABLES_MIN (UINT64_C(1) << 30)
#define FILES_USUAL 1048576
#define FILES_MAX (UINT64_C(1) << 31)

/* Open files of the machine that leave less than one in so many are worth a warning; less than one
 * in so many more are none: accept() takes one that is closed, and fails until then. */
#define FILES_NEAR 20
#define FILES_SPENT 1000

#define COOKIES "TcpExt.TCPReqQFullDoCookies"

struct sample {
	struct accept_queues queues;
	struct subject_tasks tasks; /* of the subject */
	struct listeners_elsewhere elsewhere;
	struct host_files files; /* of the machine; max 0: unknown */
	uint64_t memory_bytes;   /* of the machine; 0: unknown */
	struct err unlisted;     /* why there are no listeners; code 0: those of TCP are all */
	bool live;
};

/* The owner of a listener that is well is not looked for, unless it is the subject's. */
static bool is_wanted(const struct listener *l, void *queues)
{
	const struct accept_queues *q = queues;
	return queue_in_trouble(q, l) || subject_has(q->subject, l) || l == q->half_open;
}

static bool is_stuck(const struct process *p)
{
	return process_halted(p) || process_out_of_files(p);
}

static int sample_tick(const struct host *h, struct sample *s, struct err *e)
{
	CLEAN(listeners_free) struct listeners now = {0};
	struct accept_queues *q = &s->queues;
	if (listeners_read(h, &now, NULL))
		return 0;
	int rc = accept_queues_tick(q, &now, e);
	if (!rc && accept_queues_halved(q) &&
	    listeners_waiting(h, &now, queue_compares, q, &q->waited, NULL))
		waiting_free(&q->waited);
	return rc;
}

/* The listeners, and before these who waits at those of which that is compared. */
static void listeners_take(const struct host *h, struct sample *s)
{
	struct accept_queues *q = &s->queues;
	CLEAN(listeners_free) struct listeners before = {0};
	CLEAN(waiting_free) struct waiting_list now = {0};
	bool compared = q->waited.count && !listeners_read(h, &before, NULL) &&
			!listeners_waiting(h, &before, queue_compares, q, &now, NULL);
	listeners_read(h, &q->listeners, &s->unlisted);
	if (compared)
		accept_queues_compare(q, &now);
}

/* The kernel walks all its connections for them: where a SYN queue may have been full, or SYNs are
 * dropped before it, only. */
static bool half_open_wanted(const struct accept_queues *q)
{
	return queues_drop(q) || host_counter(&q->counters, COOKIES) > 0 ||
	       (q->cookies == 0 && syn_queue_drops(&q->counters) > 0);
}

/* Those that may have dropped SYNs are named as well. */
static bool is_named(const struct listener *l, void *queues)
{
	const struct accept_queues *q = queues;
	bool floods = q->cookies == 0 && syn_queue_drops(&q->counters) > 0;
	return is_wanted(l, queues) ||
	       (l->kind == LISTENER_TCP && l->drops && (floods || queues_drop(q)));
}

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	struct host_identity identity = {0};
	struct host_facts facts;
	struct accept_queues *q = &s->queues;
	q->somaxconn = q->max_syn = q->cookies = q->nr_open = REPORT_NONE;
	/* That of --run is not on this host. */
	q->subject = o->guest ? NULL : o->subject;
	q->at_s = clock_s();
	knob_number("net.core.somaxconn", h, &q->somaxconn);
	knob_number("net.ipv4.tcp_max_syn_backlog", h, &q->max_syn);
	knob_number("net.ipv4.tcp_syncookies", h, &q->cookies);
	knob_number("fs.nr_open", h, &q->nr_open);
	host_facts(h, &facts);
	q->kernel = host_kernel(h);
	s->memory_bytes = facts.memory_bytes;
	if (host_files(h, &s->files, NULL))
		s->files = (struct host_files){0};
	host_counters(h, &q->counters, NULL);
	if (o->since)
		host_identity(h, &identity, NULL);
	q->since = since_make(o, &identity, &q->counters);
	s->live = host_live(h);
	listeners_take(h, s);
	if (host_live(h) && half_open_wanted(q))
		listeners_half_open(h, &q->listeners, NULL);
	q->half_open = syn_queue_full(q);
	if (q->subject)
		listeners_adopt(h, &q->listeners, &q->subject->listeners, NULL);
	listeners_own(h, &q->listeners, is_named, q, NULL);
	/* Nothing waits, and no counter grows, where such a process accepts and closes, or shares
	 * its listener with others. */
	listeners_own_by(h, &q->listeners, is_stuck, NULL);
	/* One that was asked for is the one that is meant. */
	if (!o->subject && !o->guest && !o->entered)
		listeners_elsewhere(h, &s->elsewhere, NULL);
	int rc = q->subject ? subject_tasks_read(h, q->subject, &s->tasks, e) : 0;
	return q->subject && !rc
		       ? subject_acceptors(h, q->subject, is_stuck, &q->stuck, &q->stuck_count, e)
		       : rc;
}

/* A kernel without sock_diag, and a capture of one, have no list that could be read. */
static bool is_lacking(const struct sample *s) { return s->unlisted.code == EOPNOTSUPP; }

static const struct err *sample_unread(const struct sample *s)
{
	static const struct err nothing;
	if (s->unlisted.code && !is_lacking(s))
		return &s->unlisted;
	return host_counter(&s->queues.counters, QUEUE_OVERFLOWS) < 0 ? &s->queues.counters.unread
								      : &nothing;
}

static void sample_release(struct sample *s)
{
	listeners_free(&s->queues.listeners);
	listeners_elsewhere_free(&s->elsewhere);
	waiting_free(&s->queues.waited);
	free(s->queues.seen);
	free(s->queues.stuck);
}

/* The limit to give it. */
static void more_words(struct wording *words, const struct process *p, int64_t nr_open)
{
	const struct server_row *server = server_row_find(p->name);
	uint64_t more = quantity_more(p->soft);
	char line[WORDING_TEXT];
	nofile_words(words, more, p->hard, nr_open);
	wording_set(
		words, "line", "%s",
		server_line(server ? server->files_line : NULL, "files", more, line, sizeof(line)));
}

/* Processes of the subject that accept and are not stuck; 0: it has none, or it is not visible
 * which accept. */
static size_t others_accept(const struct sample *s)
{
	const struct subject *of = s->queues.subject;
	return !of || of->unshown || of->acceptor_count <= s->queues.stuck_count
		       ? 0
		       : of->acceptor_count - s->queues.stuck_count;
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
	more_words(&words, p, w->after->nr_open);
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
static void judge_files(const struct queue_watch *w, const struct sample *after)
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
				      subject_has(w->after->subject, quiet) ? others_accept(after)
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
	struct listener other = w->after->subject->listeners.at[0];
	other.owner = -1; /* of another list */
	other.depth = 0;  /* of an earlier look; of UDP it is bytes */
	files_finding(w, l ? l : &other, p, l && queue_waits(w->after, l), others);
}

/* Processes of the subject that share a listener with others, which may accept. */
static void judge_spent(const struct queue_watch *w, const struct sample *after)
{
	const struct accept_queues *was = w->before, *now = w->after;
	for (size_t i = 0; i < now->stuck_count; i++) {
		const struct process *p = &now->stuck[i];
		/* Of an owner judge_files() reports. */
		if (!process_out_of_files(p) || !process_among(was->stuck, was->stuck_count, p) ||
		    process_among(now->listeners.processes, now->listeners.process_count, p))
			continue;
		spent_finding(w, p, others_accept(after));
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

/* What start of a process fails for: none has room for one more. */
struct exhausted {
	uint64_t used, max; /* 0, 0: there is room */
	const char *limit;
	bool machine; /* of all users */
};

static struct exhausted tasks_exhausted(const struct subject_tasks *t)
{
	if (t->max && t->max != HOST_UNLIMITED && t->used >= t->max)
		return (struct exhausted){t->used, t->max, "RLIMIT_NPROC", false};
	if (t->threads_max && t->threads >= t->threads_max)
		return (struct exhausted){t->threads, t->threads_max, "kernel.threads-max", true};
	if (t->pids_max && t->threads >= t->pids_max)
		return (struct exhausted){t->threads, t->pids_max, "kernel.pid_max", true};
	return (struct exhausted){0};
}

/* The subject can start no process and no thread, at both looks. */
static void judge_tasks(const struct queue_watch *w, const struct sample *before,
			const struct sample *after)
{
	const struct subject *s = after->queues.subject;
	struct exhausted x = tasks_exhausted(&after->tasks);
	struct wording words = {0};
	if (!s || !x.max || !tasks_exhausted(&before->tasks).max)
		return;
	wording_set(&words, "who", "%s", s->name);
	wording_set(&words, "pid", "%d", (int)after->tasks.pid);
	wording_set(&words, "used", "%s", quantity_count(x.used).text);
	wording_set(&words, "max", "%s", quantity_count(x.max).text);
	wording_set(&words, "limit", "%s", x.limit);
	wording_flag(&words, "machine", x.machine);
	wording_set(&words, "more", "%s", quantity_plain(quantity_more(x.max)).text);
	unit_words(&words, unit_service(s->unit), s->manager);
	struct finding *f = report_finding(w->report, "listeners.processes", &words);
	finding_evidence(f, "processes and threads", "processes", (double)x.used, NAN);
}

static bool files_left_below(const struct host_files *f, uint64_t share)
{
	return f->max && (f->allocated >= f->max || f->max - f->allocated < f->max / share);
}

/* fs.file-max bounds every process without CAP_SYS_ADMIN, also one of no target (fs/file_table.c,
 * alloc_empty_file()). */
static void judge_machine_files(const struct queue_watch *w, const struct sample *before,
				const struct sample *after)
{
	const struct host_files *f = &after->files;
	bool spent =
		files_left_below(f, FILES_SPENT) && files_left_below(&before->files, FILES_SPENT);
	struct wording words = {0};
	if (!files_left_below(f, FILES_NEAR) || !files_left_below(&before->files, FILES_NEAR))
		return;
	uint64_t left = f->max > f->allocated ? f->max - f->allocated : 0;
	wording_set(&words, "open", "%s", quantity_count(f->allocated).text);
	wording_set(&words, "max", "%s", quantity_count(f->max).text);
	wording_set(&words, "left", "%s", quantity_count(left).text);
	wording_set(&words, "more", "%s", quantity_plain(f->max * 2).text);
	wording_flag(&words, "spent", spent);
	struct finding *x = report_finding(w->report, "descriptors.system.exhausted", &words);
	finding_evidence(x, "open files", "descriptors", (double)f->allocated, NAN);
	finding_propose(x, "fs.file-max", quantity_plain(f->max).text, "");
	if (!spent)
		x->level = LEVEL_WARNING;
}

static void tables_finding(const struct process *p, const struct server_row *server,
			   uint64_t memory, struct report *r)
{
	double bytes = (double)p->soft * (double)server->files_bytes;
	struct wording words = {0};
	char line[WORDING_TEXT];
	process_words(&words, p, "");
	wording_set(&words, "soft", "%s", quantity_count(p->soft).text);
	wording_set(&words, "each", "%" PRIu64, server->files_bytes);
	wording_set(&words, "bytes", "%s", quantity_measured(QUANTITY_SIZE, (uint64_t)bytes).text);
	wording_set(&words, "memory", "%s",
		    memory ? quantity_show(QUANTITY_SIZE, memory).text : "");
	wording_set(&words, "files", "%s", quantity_plain(FILES_USUAL).text);
	wording_set(&words, "line", "%s",
		    server_line(server->files_bound, "files", FILES_USUAL, line, sizeof(line)));
	struct finding *f = report_finding(r, "descriptors.process.large", &words);
	if (memory && bytes > (double)memory)
		f->level = LEVEL_WARNING;
	else
		f->answer[0] = 0;
	finding_evidence(f, "tables", "B", bytes, NAN);
}

/* A known server that sizes tables by its soft limit; its processes have the same. */
static void judge_tables(const struct queue_watch *w, uint64_t memory)
{
	const struct listeners *all = &w->after->listeners;
	for (size_t i = 0; i < all->count; i++) {
		const struct listener *l = &all->at[i];
		const struct process *p = l->owner < 0 ? NULL : &all->processes[l->owner];
		const struct server_row *server = p ? server_row_find(p->name) : NULL;
		if (!server || !subject_has(w->after->subject, l) || p->soft >= FILES_MAX ||
		    p->soft * server->files_bytes < TABLES_MIN)
			continue;
		tables_finding(p, server, memory, w->report);
		return;
	}
}

/* What an ordinary user cannot see is said once. */
static void judge_hidden(const struct queue_watch *w, const struct sample *s)
{
	const struct listeners *all = &w->after->listeners;
	struct wording words = {0};
	size_t hidden = 0;
	for (size_t i = 0; i < all->count; i++)
		hidden += all->at[i].owner < 0 && is_wanted(&all->at[i], (void *)w->after);
	bool local = all->unlisted >> LISTENER_UNIX & 1 &&
		     !subject_listens(w->after->subject, LISTENER_TCP);
	wording_flag(&words, "local", local);
	wording_set(&words, "why", "%s", s->unlisted.text);
	if (is_lacking(s) && !s->live)
		report_finding(w->report, "listeners.uncaptured", &words);
	else if (is_lacking(s) || local)
		report_finding(w->report, "listeners.unlisted", &words);
	wording_set(&words, "count", "%s", quantity_count(hidden).text);
	wording_flag(&words, "several", hidden > 1);
	wording_flag(&words, "subject", w->after->subject);
	wording_flag(&words, "apart", all->apart);
	if ((all->hidden || all->apart) && hidden)
		report_finding(w->report, "listeners.hidden", &words);
	if (all->cut && hidden)
		report_finding(w->report, "listeners.unsearched", &words);
}

static struct quantity_shown window_of(const struct queue_watch *w)
{
	return quantity_seconds(w->seconds);
}

static void judge_cookies(const struct queue_watch *w)
{
	int64_t total = host_counter(&w->after->counters, COOKIES),
		grown = queue_growth(w, COOKIES);
	const struct listener *full = syn_queue_full(w->after),
			      *smallest = full ? NULL : syn_queue_smallest(w->after);
	struct wording words = {0};
	char name[WORDING_TEXT];
	if (total <= 0)
		return;
	wording_set(&words, "total", "%s", quantity_count((uint64_t)total).text);
	/* With 2 a cookie answers every SYN: that does not show a full SYN queue. */
	bool always = w->after->cookies == 2;
	wording_flag(&words, "always", always);
	wording_set(&words, "grown", "%s",
		    grown && !always ? quantity_count((uint64_t)grown).text : "");
	wording_set(&words, "window", "%s", window_of(w).text);
	wording_flag(&words, "watched", w->seconds > 0);
	if (full)
		deferred_words(&words, w->after);
	wording_set(&words, "listener", "%s",
		    full ? listener_name(&w->after->listeners, full, name, sizeof(name)) : "");
	wording_set(&words, "smallest", "%s",
		    smallest ? listener_name(&w->after->listeners, smallest, name, sizeof(name))
			     : "");
	wording_set(&words, "half_open", "%s", full ? quantity_count(full->half_open).text : "");
	wording_set(&words, "limit", "%s",
		    full || smallest ? quantity_count((full ? full : smallest)->limit).text : "");
	struct finding *f = report_finding(w->report, "syn-queue.cookies", &words);
	finding_evidence(f, "TCPReqQFullDoCookies", "SYNs", (double)(grown ? grown : total), NAN);
	if (!grown || always) {
		f->level = LEVEL_NOTE;
		f->answer[0] = 0;
	}
}

/* Overflows of which no listener was seen full. */
static void judge_unseen(const struct queue_watch *w)
{
	int64_t grown = queue_growth(w, QUEUE_OVERFLOWS);
	struct wording words = {0};
	if (grown <= 0 || w->blamed)
		return;
	wording_set(&words, "counters", "%s ListenOverflows", quantity_count((uint64_t)grown).text);
	wording_set(&words, "window", "%s", window_of(w).text);
	wording_set(&words, "what", "ListenOverflows: %s", counter_row_find(QUEUE_OVERFLOWS)->what);
	struct finding *f = report_finding(w->report, "counters.growing", &words);
	finding_evidence(f, "ListenOverflows", "", (double)grown, NAN);
}

/* Sockets of other servers at an address of the subject: clients reach them as well. */
static void judge_siblings(const struct queue_watch *w)
{
	const struct listeners *all = &w->after->listeners;
	const struct subject *s = w->after->subject;
	const struct listener *smallest = NULL;
	struct wording words = {0};
	size_t own = 0, others = 0;
	for (size_t i = 0; i < all->count; i++) {
		const struct listener *l = &all->at[i];
		bool theirs = l->kind == LISTENER_TCP && s && !subject_has(s, l) &&
			      subject_receives(l, (void *)s);
		if (theirs && (!smallest || l->limit < smallest->limit))
			smallest = l;
	}
	for (size_t i = 0; smallest && i < all->count; i++)
		if (listener_shares_arrivals(&all->at[i], smallest))
			*(subject_has(s, &all->at[i]) ? &own : &others) += 1;
	if (!own) /* there are none, or its own is closed: these may be of its next start */
		return;
	wording_set(&words, "who", "%s", s->name[0] ? s->name : smallest->address);
	wording_set(&words, "pid", "%d", (int)s->pid);
	wording_set(&words, "own", "%s", quantity_count(own).text);
	wording_set(&words, "all", "%s", quantity_count(own + others).text);
	wording_set(&words, "address", "%s", smallest->address);
	wording_set(&words, "limit", "%s", quantity_count(smallest->limit).text);
	struct finding *f = report_finding(w->report, "listeners.siblings", &words);
	finding_evidence(f, "smallest backlog of the others", "connections", smallest->limit, NAN);
}

/* java.net.ServerSocket has 50 by default, a transfer by FTP 1 to 5; gRPC has somaxconn.
 */
#define CHOSEN_BACKLOG 50

/* Whether clients may come to one that was set aside: some do, or other hosts reach it, and its
 * port may be a configured one (gRPC: 50051). */
static bool may_serve(const struct listener *l)
{
	return l->used ||
	       (l->kind == LISTENER_TCP && !listener_on_loopback(l) && l->limit > CHOSEN_BACKLOG);
}

/* The smallest TCP listener of these. */
static const struct listener *aside_port(const struct subject *s)
{
	const struct listener *min = NULL;
	for (size_t i = 0; i < s->listeners.count; i++) {
		const struct listener *l = &s->listeners.at[i];
		if (l->kind == LISTENER_TCP && l->aside && may_serve(l) &&
		    (!min || l->limit < min->limit))
			min = l;
	}
	return min;
}

/* `only`: no listener of its kind is judged; `level`: of the finding. */
static void aside_finding(const struct queue_watch *w, const struct listener *l, uint64_t needed,
			  bool small, bool only)
{
	struct wording words = {0};
	char name[WORDING_TEXT], address[LISTENER_ADDRESS];
	bool udp = l->kind == LISTENER_UDP, loopback = listener_on_loopback(l);
	wording_set(&words, "listener", "%s",
		    listener_name(&w->after->subject->listeners, l, name, sizeof(name)));
	wording_set(&words, "address", "%s", listener_plain(l, address));
	wording_set(&words, "limit", "%s", quantity_plain(l->limit).text);
	wording_set(&words, "needed", "%s", quantity_count(needed).text);
	wording_flag(&words, "small", small);
	wording_flag(&words, "udp", udp);
	wording_flag(&words, "loopback", loopback);
	wording_flag(&words, "only", only);
	wording_set(&words, "clients", "%s", l->used ? quantity_count(l->clients).text : "");
	struct finding *f = report_finding(w->report, "listeners.aside", &words);
	if (only || may_serve(l))
		f->level = LEVEL_WARNING;
	else
		f->answer[0] = 0;
}

/* Listeners of the subject that the walls leave out, and that would be short, or are all that the
 * target could mean. */
static void judge_aside(const struct queue_watch *w, const struct target *t)
{
	const struct subject *s = w->after->subject;
	const struct {
		enum listener_kind kind;
		uint64_t needed;
	} kinds[] = {{LISTENER_TCP, t->datagrams_only ? 0 : target_accept_queue(t)},
		     {LISTENER_UDP, target_datagrams(t)}};
	for (size_t i = 0; s && i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct subject_queue q = subject_aside(s, kinds[i].kind, t->datagram_bytes);
		bool udp = kinds[i].kind == LISTENER_UDP, small = q.holds < kinds[i].needed;
		/* Then the load of TCP has no verdict. */
		bool only = !udp && !subject_listens(s, LISTENER_TCP) && !t->datagrams_per_s;
		const struct listener *port = udp ? NULL : aside_port(s);
		if (!q.smallest || (!small && !only))
			continue;
		if (port && port != q.smallest && port->limit + UINT64_C(1) < kinds[i].needed)
			aside_finding(w, port, kinds[i].needed, true, false);
		aside_finding(w, q.smallest, kinds[i].needed, small, only);
	}
}

/* A subject whose sockets are closed, all or some. */
static void judge_subject(const struct queue_watch *w)
{
	const struct subject *s = w->after->subject;
	struct wording words = {0};
	const struct listener *closed = NULL;
	char name[WORDING_TEXT];
	size_t left = 0;
	for (size_t i = 0; s && i < s->listeners.count; i++) {
		const struct listener *l = &s->listeners.at[i];
		if (l->kind == LISTENER_UDP) /* not one of those that are watched */
			left++;
		else if (l->aside) /* clients do not miss it: it may be of one transfer */
			continue;
		else if (listeners_find(&w->after->listeners, l->cookie))
			left++;
		else if (!closed)
			closed = l;
	}
	if (!closed)
		return;
	wording_set(&words, "listener", "%s",
		    listener_name(&s->listeners, closed, name, sizeof(name)));
	wording_set(&words, "who", "%s", s->name[0] ? s->name : closed->address);
	wording_set(&words, "endpoint", "%s", closed->address);
	wording_flag(&words, "left", left);
	report_finding(w->report, "listeners.closed", &words);
}

static void record(struct report *r, const struct listeners *all, const struct listener *l,
		   const struct subject *subject)
{
	struct report_listener *to = report_listener(r);
	const struct process *p = l->owner < 0 ? NULL : &all->processes[l->owner];
	to->kind = l->kind;
	report_text(to->address, "%s", l->address);
	to->depth = l->depth;
	to->limit = l->limit;
	to->drops = l->drops;
	to->half_open = all->counted ? l->half_open : REPORT_NONE;
	to->cookie = l->cookie;
	to->pid = p ? p->pid : 0;
	to->subject = subject_has(subject, l);
	report_text(to->process, "%s", p ? p->name : "");
	report_text(to->unit, "%s", p ? p->unit : "");
}

/* The order of the report, which has room for some. */
struct ranked {
	const struct listener *l;
	bool own, trouble;
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	double fx = queue_fullness(x->l), fy = queue_fullness(y->l);
	if (x->own != y->own)
		return x->own ? -1 : 1;
	if (x->trouble != y->trouble)
		return x->trouble ? -1 : 1;
	if (fx != fy)
		return fx > fy ? -1 : 1;
	return ORDER(x->l, y->l);
}

static void record_all(const struct queue_watch *w)
{
	const struct listeners *all = &w->after->listeners;
	CLEAN(free_pointer)
	struct ranked *ranked = all->count ? calloc(all->count, sizeof(*ranked)) : NULL;
	for (size_t i = 0; ranked && i < all->count; i++)
		ranked[i] =
			(struct ranked){&all->at[i], subject_has(w->after->subject, &all->at[i]),
					is_wanted(&all->at[i], (void *)w->after)};
	if (ranked)
		qsort(ranked, all->count, sizeof(*ranked), by_rank);
	for (size_t i = 0; ranked && i < all->count; i++)
		record(w->report, all, ranked[i].l, w->after->subject);
}

/* The queue and limits of what accepts for a server in a container are walls, but not the only
 * ones. */
static void judge_forwarder(const struct queue_watch *w)
{
	const struct subject *s = w->after->subject;
	const struct listener *l = s ? subject_queue(s, LISTENER_TCP).smallest : NULL;
	struct wording words = {0};
	if (!l || !forwarder_row_find(s->name, l->port))
		return;
	wording_set(&words, "who", "%s", s->name);
	wording_set(&words, "pid", "%d", (int)s->pid);
	report_finding(w->report, "listeners.forwarder", &words);
}

/* Servers that this check does not see: each network namespace has queues of its own. */
static void judge_elsewhere(const struct listeners_elsewhere *x, struct report *r)
{
	char names[WORDING_TEXT] = "";
	struct wording words = {0};
	size_t count = 0, late = 0, denied = 0;
	pid_t pid = 0;
	for (size_t i = 0; i < x->count; i++) {
		const struct netns_elsewhere *n = &x->at[i];
		late += n->unread;
		denied += n->denied && !n->unread;
		if (!n->listens && !n->unread && !n->denied)
			continue;
		if (!pid || (n->listens && !count))
			pid = n->pid;
		if (n->listens && count++ < ELSEWHERE_NAMED)
			report_append(names, "%s%s (pid %d)", names[0] ? ", " : "", n->name,
				      (int)n->pid);
	}
	if (!pid)
		return;
	const size_t unread = late + denied;
	wording_set(&words, "count", "%s", count ? quantity_count(count).text : "");
	wording_flag(&words, "several", count > 1);
	wording_set(&words, "names", "%s", names);
	wording_set(&words, "more", "%s",
		    count > ELSEWHERE_NAMED ? quantity_count(count - ELSEWHERE_NAMED).text : "");
	wording_set(&words, "unread", "%s", unread ? quantity_count(unread).text : "");
	wording_flag(&words, "late", late);
	wording_flag(&words, "denied", denied);
	wording_set(&words, "pid", "%d", (int)pid);
	struct finding *f = report_finding(r, "listeners.elsewhere", &words);
	finding_evidence(f, "network namespaces with listeners", "", (double)count, NAN);
	if (unread)
		finding_evidence(f, "network namespaces not looked at", "", (double)unread, NAN);
}

/* Handshakes that the listeners of another network namespace dropped between the looks. */
struct drops_elsewhere {
	int64_t drops, overflows;
};

static struct drops_elsewhere drops_between(const struct listeners_elsewhere *before,
					    const struct netns_elsewhere *now)
{
	struct drops_elsewhere grown = {0};
	for (size_t i = 0; i < before->count; i++) {
		const struct netns_elsewhere *was = &before->at[i];
		if (was->netns != now->netns || was->drops < 0 || now->drops < was->drops)
			continue;
		grown.drops = now->drops - was->drops;
		if (was->overflows >= 0 && now->overflows > was->overflows)
			grown.overflows = now->overflows - was->overflows;
	}
	return grown;
}

/* By the one that drops most. */
static void judge_drops_elsewhere(const struct sample *before, const struct sample *after,
				  double seconds, struct report *r)
{
	const struct listeners_elsewhere *x = &after->elsewhere;
	const struct netns_elsewhere *worst = NULL;
	struct drops_elsewhere max = {0};
	struct wording words = {0};
	size_t count = 0;
	for (size_t i = 0; i < x->count && seconds > 0; i++) {
		struct drops_elsewhere one = drops_between(&before->elsewhere, &x->at[i]);
		count += one.drops > 0;
		if (one.drops <= max.drops)
			continue;
		max = one;
		worst = &x->at[i];
	}
	if (!worst)
		return;
	wording_set(&words, "who", "%s", worst->name);
	wording_set(&words, "pid", "%d", (int)worst->pid);
	wording_set(&words, "drops", "%s", quantity_count((uint64_t)max.drops).text);
	wording_set(&words, "overflows", "%s", quantity_count((uint64_t)max.overflows).text);
	wording_set(&words, "window", "%s", quantity_seconds(seconds).text);
	wording_set(&words, "more", "%s", count > 1 ? quantity_count(count - 1).text : "");
	struct finding *f = report_finding(r, "listeners.elsewhere.dropping", &words);
	finding_evidence(f, "ListenDrops", "packets", (double)max.drops, NAN);
	finding_evidence(f, "ListenOverflows", "packets", (double)max.overflows, NAN);
}

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	struct queue_watch w = accept_queues_watch(&before->queues, &after->queues, m, r);
	accept_queues_judge(&w);
	judge_files(&w, after);
	judge_stopped(&w);
	judge_spent(&w, after);
	judge_halted(&w);
	judge_tasks(&w, before, after);
	judge_machine_files(&w, before, after);
	judge_tables(&w, after->memory_bytes);
	judge_cookies(&w);
	syn_queue_judge(&w);
	syn_filter_judge(&w);
	judge_unseen(&w);
	judge_hidden(&w, after);
	if (!after->unlisted.code)
		judge_subject(&w);
	judge_siblings(&w);
	judge_aside(&w, m->target);
	judge_forwarder(&w);
	judge_elsewhere(&after->elsewhere, r);
	judge_drops_elsewhere(before, after, m->seconds, r);
	accept_queues_judge_since(&w);
	record_all(&w);
}

static const struct observation observation = {
	.size = sizeof(struct sample),
	.window = true,
	.sample = sample_take,
	.unread = sample_unread,
	.tick = sample_tick,
	.release = sample_release,
	.judge = observation_judge,
};

const struct probe probe_listeners = {
	.name = "listeners",
	.summary = "what runs here: full accept queues, processes at their limits, SYN cookies",
	.mode = PROBE_FIRST,
	.place = PROBE_HOST,
	.observation = &observation,
};
