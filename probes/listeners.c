/* What runs here: listeners that are full, and processes at their limits. All is judged by what the
 * machine shows, nothing by the target. */
#include "epolltune/probe.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "epolltune/accept_queues.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/counters.h"
#include "epolltune/doing.h"
#include "epolltune/elsewhere.h"
#include "epolltune/knob_value.h"
#include "epolltune/listener.h"
#include "epolltune/machine_limits.h"
#include "epolltune/nic.h"
#include "epolltune/order.h"
#include "epolltune/process_limits.h"
#include "epolltune/published.h"
#include "epolltune/quantity.h"
#include "epolltune/subject_listeners.h"
#include "epolltune/syn_queue.h"

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
	return queue_in_trouble(q, l) || subject_has(q->subject, l) || l == q->half_open ||
	       l->upstream || l->front;
}

static bool is_stuck(const struct process *p)
{
	return process_halted(p) || process_out_of_files(p);
}

static int sample_tick(const struct host *h, struct sample *s, struct err *e)
{
	CLEAN(listeners_free) struct listeners now = {0};
	struct accept_queues *q = &s->queues;
	double at_s = clock_s();
	if (listeners_read(h, &now, NULL))
		return 0;
	int rc = accept_queues_tick(q, &now, e);
	if (rc || !accept_queues_halved(q))
		return rc;
	q->middle_at_s = at_s;
	if (listeners_waiting(h, &now, queue_compares, q, &q->waited, NULL))
		waiting_free(&q->waited);
	/* An owner whose queue was empty at the first look was not looked for there. */
	listeners_own(h, &now, queue_lingers, q, NULL);
	return owner_cpu_read(h, &now, queue_lingers, q, &q->cpu_middle, e);
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
	return queues_drop(q) || host_counter(&q->counters, COUNTER_SYN_COOKIES) > 0 ||
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

static bool takes_page(const struct host *h, const struct accept_queues *q)
{
	CLEAN(nics_freep) struct nics nics = {0};
	if (!q->subject ||
	    !subject_aside(q->subject, LISTENER_UDP, datagram_taken(1, true)).smallest)
		return false;
	return nics_read(h, NIC_REAL, &nics, NULL) || nics_take_page(&nics, q->kernel);
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
	q->openrc = host_has_openrc(h);
	q->first_netns = !host_own_netns(h);
	q->uptime_s = host_uptime(h);
	q->page = takes_page(h, q);
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
		published_read(h, q->subject, &q->published);
	if (q->subject)
		listeners_adopt(h, &q->listeners, &q->subject->listeners, NULL);
	/* Those that are not visible are not known to be behind it. */
	if (q->subject)
		subject_upstreams_read(h, q->subject, &q->listeners, &q->upstreams, NULL);
	if (q->subject)
		front_read(h, q->subject, &q->listeners, &q->front);
	listeners_own(h, &q->listeners, is_named, q, NULL);
	/* Nothing waits, and no counter grows, where such a process accepts and closes, or shares
	 * its listener with others. */
	listeners_own_by(h, &q->listeners, is_stuck, NULL);
	/* One that was asked for is the one that is meant. */
	if (!o->subject && !o->guest && !o->entered)
		listeners_elsewhere(h, &s->elsewhere, NULL);
	owner_cpu_read(h, &q->listeners, is_wanted, q, &q->cpu, NULL);
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
	return host_counter(&s->queues.counters, COUNTER_LISTEN_OVERFLOWS) < 0
		       ? &s->queues.counters.unread
		       : &nothing;
}

static void sample_release(struct sample *s)
{
	listeners_free(&s->queues.listeners);
	listeners_elsewhere_free(&s->elsewhere);
	waiting_free(&s->queues.waited);
	owner_cpu_free(&s->queues.cpu);
	owner_cpu_free(&s->queues.cpu_middle);
	free(s->queues.seen);
	free(s->queues.stuck);
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

/* Of a server whose listener is visible, and whose workers, of another user, are not. */
static void judge_veiled(const struct queue_watch *w)
{
	const struct subject *s = w->after->subject;
	struct wording words = {0};
	if (!s || !s->veiled)
		return;
	wording_set(&words, "who", "%s", s->name);
	wording_set(&words, "count", "%s", quantity_count(s->veiled).text);
	wording_flag(&words, "several", s->veiled > 1);
	report_finding(w->report, "listeners.veiled", &words);
}

static struct quantity_shown window_of(const struct queue_watch *w)
{
	return quantity_seconds(w->seconds);
}

static void judge_cookies(const struct queue_watch *w)
{
	int64_t total = host_counter(&w->after->counters, COUNTER_SYN_COOKIES),
		grown = queue_growth(w, COUNTER_SYN_COOKIES);
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
	wording_flag(&words, "initial", w->after->first_netns);
	wording_set(&words, "age", "%s",
		    w->after->uptime_s > 0 ? quantity_ago(w->after->uptime_s).text : "");
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
		finding_to_note(f);
	}
}

/* Overflows of which no listener was seen full. */
static void judge_unseen(const struct queue_watch *w)
{
	int64_t grown = queue_growth(w, COUNTER_LISTEN_OVERFLOWS);
	struct wording words = {0};
	if (grown <= 0 || w->blamed)
		return;
	wording_set(&words, "counters", "%s ListenOverflows", quantity_count((uint64_t)grown).text);
	wording_set(&words, "window", "%s", window_of(w).text);
	wording_set(&words, "what", "ListenOverflows: %s",
		    counter_row_find(COUNTER_LISTEN_OVERFLOWS)->what);
	bool dropping = queues_may_drop(w, grown);
	wording_flag(&words, "dropping", dropping);
	struct finding *f = report_finding(w->report, "counters.growing", &words);
	finding_evidence(f, "ListenOverflows", "", (double)grown, NAN);
	if (dropping)
		f->level = LEVEL_CRITICAL;
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

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	struct queue_watch w = accept_queues_watch(&before->queues, &after->queues, m, r);
	accept_queues_judge(&w);
	process_limits_judge(&w);
	machine_tasks_judge(&w, &before->tasks, &after->tasks);
	machine_files_judge(&w, &before->files, &after->files);
	machine_tables_judge(&w, after->memory_bytes);
	judge_cookies(&w);
	syn_queue_judge(&w);
	syn_filter_judge(&w);
	judge_unseen(&w);
	judge_hidden(&w, after);
	judge_veiled(&w);
	subject_listeners_judge(&w, !after->unlisted.code);
	elsewhere_judge(&after->elsewhere, r);
	elsewhere_waiting_judge(&before->elsewhere, &after->elsewhere, m->seconds, r);
	elsewhere_drops_judge(&before->elsewhere, &after->elsewhere, m->seconds, r);
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
