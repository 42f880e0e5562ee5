/* What runs here: listeners that are full, and processes at their limits. All is judged by what the
 * machine shows, nothing by the target. */
#include "epolltune/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "epolltune/cleanup.h"
#include "epolltune/knob.h"
#include "epolltune/listener.h"
#include "epolltune/quantity.h"

#define BACKLOG_KNOB "net.core.somaxconn"
#define OVERFLOWS "TcpExt.ListenOverflows"
#define COOKIES "TcpExt.TCPReqQFullDoCookies"

/* The queue was full in that share of the ticks: a longer one does not help. */
#define SLOW_SHARE 0.9
/* A process with fewer descriptors left than that is at its limit: servers keep some in reserve. */
#define FILES_RESERVE 8
/* More listeners in trouble than that are counted. */
#define GROUPS_NAMED 8
/* The same of listeners that dropped packets since an earlier report. */
#define DROPPERS_NAMED 3

/* How often a listener was seen in trouble at a tick. */
struct seen {
	uint64_t cookie;
	uint32_t full, waiting, depth;
};

struct sample {
	double at_s; /* monotonic */
	unsigned ticks;
	struct seen *seen;
	size_t seen_count;
	struct listeners listeners;
	char unlisted[200]; /* why there are none on this live machine; "": they are all */
	const struct subject *subject; /* NULL: none was named */
	struct host_counters counters;
	int64_t somaxconn; /* REPORT_NONE: unknown */
	struct since since;
};

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool is_full(const struct listener *l) { return l->depth > l->limit; }

static const struct seen *seen_find(const struct sample *s, uint64_t cookie)
{
	for (size_t i = 0; i < s->seen_count; i++)
		if (s->seen[i].cookie == cookie)
			return &s->seen[i];
	return NULL;
}

static struct seen *seen_add(struct sample *s, uint64_t cookie)
{
	const struct seen *found = seen_find(s, cookie);
	if (found)
		return &s->seen[found - s->seen];
	struct seen *more = realloc(s->seen, (s->seen_count + 1) * sizeof(*more));
	if (!more)
		return NULL;
	s->seen = more;
	more[s->seen_count] = (struct seen){.cookie = cookie};
	return &more[s->seen_count++];
}

static int sample_tick(const struct host *h, struct sample *s, struct err *e)
{
	struct listeners now = {0};
	struct err unread;
	int rc = 0;
	if (!listeners_read(h, &now, &unread))
		s->ticks++;
	for (size_t i = 0; i < now.count && !rc; i++) {
		const struct listener *l = &now.at[i];
		if (!l->depth)
			continue;
		struct seen *seen = seen_add(s, l->cookie);
		if (!seen) {
			rc = err_set(e, ENOMEM, "no memory for listeners");
			break;
		}
		seen->waiting++;
		seen->full += is_full(l);
		if (l->depth > seen->depth)
			seen->depth = l->depth;
	}
	listeners_free(&now);
	return rc;
}

/* Whether connections wait in it whenever it is looked at. */
static bool waits(const struct sample *s, const struct listener *l)
{
	const struct seen *seen = seen_find(s, l->cookie);
	return l->depth && (!s->ticks || (seen && seen->waiting == s->ticks));
}

static bool was_full(const struct sample *s, const struct listener *l)
{
	const struct seen *seen = seen_find(s, l->cookie);
	return is_full(l) || (seen && seen->full);
}

/* Packets that a listener has dropped since the earlier report; 0 unless some met a full queue. */
static uint64_t dropped_since(const struct sample *s, const struct listener *l)
{
	return since_growth(&s->since, OVERFLOWS) > 0 ? since_drops(&s->since, l) : 0;
}

static bool in_trouble(const struct sample *s, const struct listener *l)
{
	return was_full(s, l) || waits(s, l) || dropped_since(s, l);
}

/* The owner of a listener that is well is not looked for, unless it is the subject's. */
static bool is_wanted(const struct listener *l, void *sample)
{
	const struct sample *s = sample;
	return in_trouble(s, l) || subject_has(s->subject, l);
}

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	struct host_identity identity = {0};
	struct err why = {0};
	(void)e;
	s->somaxconn = REPORT_NONE;
	s->subject = o->subject;
	s->at_s = now_s();
	host_counters(h, &s->counters, NULL);
	if (o->since)
		host_identity(h, &identity, NULL);
	s->since = since_make(o->since, identity.boot, &s->counters);
	if (host_live(h) && listeners_read(h, &s->listeners, &why))
		report_text(s->unlisted, "%s", why.text);
	if (host_live(h) && host_counter(&s->counters, COOKIES) > 0)
		listeners_half_open(h, &s->listeners, NULL);
	if (s->subject)
		listeners_adopt(h, &s->listeners, &s->subject->listeners, NULL);
	listeners_own(h, &s->listeners, is_wanted, s, NULL);
	knob_number(BACKLOG_KNOB, h, &s->somaxconn);
	return 0;
}

static void sample_release(struct sample *s)
{
	listeners_free(&s->listeners);
	free(s->seen);
}

/* The sockets of one address: one, or several by SO_REUSEPORT. */
struct group {
	const struct listener *fullest;
	size_t sockets;                 /* in all */
	size_t full, full_now;          /* those that were seen full, and are */
	uint64_t depth, room;           /* of all */
	uint64_t grown;                 /* drops of the full ones in the window */
	uint64_t total;                 /* drops of all since they were made */
	uint32_t seen_full;             /* ticks that saw the fullest one full */
	uint32_t seen_depth;            /* its largest depth */
	const struct listener *dropper; /* that dropped most since the earlier report */
	uint64_t since;                 /* drops of all since then */
};

/* What was watched. */
struct watch {
	const struct sample *before, *after;
	struct report *report;
	double seconds; /* 0: there is one sample */
	double stall_s; /* that the target allows */
	bool overflows; /* ListenOverflows grew, or this kernel does not count them */
	bool blamed;    /* a listener is named for them */
};

/* A counter's growth; 0 where nothing was watched. */
static int64_t growth(const struct watch *w, const char *counter)
{
	int64_t grown = host_counter_delta(&w->before->counters, &w->after->counters, counter);
	return grown > 0 ? grown : 0;
}

static struct watch watch_make(const struct sample *before, const struct sample *after,
			       const struct moment *m, struct report *r)
{
	struct watch w = {.before = before,
			  .after = after,
			  .report = r,
			  .stall_s = (double)m->target->stall_us / 1e6};
	if (m->seconds > 0)
		w.seconds = after->at_s - before->at_s;
	w.overflows = growth(&w, OVERFLOWS) > 0 || host_counter(&after->counters, OVERFLOWS) < 0;
	return w;
}

static bool same_group(const struct listener *a, const struct listener *b)
{
	return a->kind == b->kind && !strcmp(a->address, b->address);
}

static double fullness(const struct listener *l) { return (double)l->depth / (l->limit + 1.0); }

static void group_add_since(struct group *g, const struct sample *s, const struct listener *l)
{
	uint64_t dropped = dropped_since(s, l);
	if (!g->dropper || dropped > dropped_since(s, g->dropper))
		g->dropper = l;
	g->since += dropped;
}

static void group_add(struct group *g, const struct watch *w, const struct listener *l)
{
	const struct listener *earlier = listeners_find(&w->before->listeners, l->cookie);
	const struct seen *seen = seen_find(w->after, l->cookie);
	bool full = was_full(w->after, l) || (earlier && is_full(earlier));
	uint32_t seen_full = seen ? seen->full : 0;
	g->sockets++;
	g->full += full;
	g->full_now += is_full(l);
	g->depth += l->depth;
	g->room += l->limit + UINT64_C(1);
	g->total += l->drops;
	group_add_since(g, w->after, l);
	/* Of a socket that was never full they may be other packets: only those of the server in
	 * question count. The count wraps. */
	if ((full || subject_has(w->after->subject, l)) && earlier)
		g->grown += (uint32_t)(l->drops - earlier->drops);
	if (g->fullest && (seen_full < g->seen_full ||
			   (seen_full == g->seen_full && fullness(l) <= fullness(g->fullest))))
		return;
	g->fullest = l;
	g->seen_full = seen_full;
	g->seen_depth = seen && seen->depth > l->depth ? seen->depth : l->depth;
	if (earlier && earlier->depth > g->seen_depth)
		g->seen_depth = earlier->depth;
}

static bool group_dropping(const struct group *g, const struct watch *w)
{
	return g->fullest->kind == LISTENER_TCP && g->grown && w->overflows;
}

static const struct process *owner_of(const struct watch *w, const struct listener *l)
{
	return l->owner < 0 ? NULL : &w->after->listeners.processes[l->owner];
}

static bool at_file_limit(const struct process *p)
{
	return p->soft && p->open && p->soft != HOST_UNLIMITED && p->open + FILES_RESERVE > p->soft;
}

/* What a process does, a predicate, and what helps where its queue is full. */
struct doing {
	char what[160];
	char help[160];
};

static struct doing doing_of(const struct process *p)
{
	struct doing d = {.help = "find out what it waits for (a disk, a lock, another server), or "
				  "add workers"};
	if (at_file_limit(p)) {
		report_text(d.what, "has %s of %s descriptors open, its soft limit",
			    quantity_count(p->open).text, quantity_count(p->soft).text);
		report_text(d.help, "raise that limit (prlimit --pid %d --nofile=N)", (int)p->pid);
	} else if (p->state == 'T') {
		report_text(d.what, "is stopped (state T)");
		report_text(d.help, "resume it (kill -CONT %d) or restart it", (int)p->pid);
	} else if (p->state == 't') {
		report_text(d.what, "is stopped by a tracer (state t)");
		report_text(d.help, "end the debugger or strace that has stopped it");
	} else if (p->state == 'Z' || p->state == 'X') {
		report_text(d.what, "has exited (state %c)", p->state);
		report_text(d.help, "restart the server");
	} else if (p->state == 'R') {
		report_text(d.what, "is runnable (state R)");
		report_text(d.help, "add workers or CPUs, or let it do less for each connection");
	} else if (p->state == 'D') {
		report_text(d.what, "is in uninterruptible sleep (state D)%s%s",
			    p->waits_in[0] ? " in " : "", p->waits_in);
	} else if (strstr(p->waits_in, "ep_poll") || strstr(p->waits_in, "epoll")) {
		report_text(d.what, "sleeps in epoll_wait() though connections wait: it does not "
				    "watch this listener now");
		report_text(d.help,
			    "see its own limit on connections (such as worker_connections of "
			    "nginx), or whether another worker has the listener");
	} else if (p->waits_in[0]) {
		report_text(d.what, "sleeps in %s", p->waits_in);
	} else if (p->state) {
		report_text(d.what, "sleeps (state %c)", p->state);
	}
	return d;
}

/* Whether one look shows that a process does not accept. */
static bool accepts_not(const struct process *p)
{
	return p && (at_file_limit(p) || (p->state && strchr("TtZX", p->state)));
}

/* Longer than a stall of the target explains, unless the process shows that it does not accept. */
static bool group_slow(const struct group *g, const struct watch *w)
{
	bool stalls = w->seconds < 2 * w->stall_s && !accepts_not(owner_of(w, g->fullest));
	return w->after->ticks && g->seen_full >= SLOW_SHARE * w->after->ticks && !stalls;
}

/* Whether its server does not accept: no backlog helps. */
static bool group_idle(const struct group *g, const struct watch *w)
{
	return group_slow(g, w) || accepts_not(owner_of(w, g->fullest));
}

/* A power of two, four times what there is. */
static uint64_t more_than(uint64_t now)
{
	uint64_t more = 1;
	while (more < 4 * now && more < UINT32_MAX)
		more *= 2;
	return more;
}

static void words_process(struct wording *words, const struct watch *w, const struct listener *l)
{
	const struct process *p = owner_of(w, l);
	const struct server_row *server = p ? server_row_find(p->name) : NULL;
	struct doing doing = {.help = "run the check as root to see the process"};
	if (p)
		doing = doing_of(p);
	wording_set(words, "who", "%s", p ? p->name : l->address);
	wording_set(words, "process", "%s", p ? p->name : "");
	wording_set(words, "pid", "%d", p ? (int)p->pid : 0);
	wording_flag(words, "worker", p && p->pid != p->root);
	wording_set(words, "unit", "%s", p ? p->unit : "");
	wording_set(words, "doing", "%s", doing.what);
	wording_set(words, "help", "%s", doing.help);
	wording_set(words, "server", "%s", server ? server->name : "");
	wording_set(words, "default", "%s", server ? server->backlog : "");
}

/* Whether the kernel's limit is the one that binds. */
static bool kernel_limits(const struct watch *w, const struct listener *l)
{
	return w->after->somaxconn != REPORT_NONE && (int64_t)l->limit >= w->after->somaxconn;
}

/* The longest queue that needs no sysctl, and the line that asks for it. */
static void words_backlog(struct wording *words, const struct watch *w, const struct listener *l)
{
	const struct process *p = owner_of(w, l);
	const struct server_row *server = p ? server_row_find(p->name) : NULL;
	char line[WORDING_TEXT];
	int64_t allowed = w->after->somaxconn;
	bool kernel = kernel_limits(w, l);
	uint64_t more = allowed == REPORT_NONE || kernel ? more_than(l->limit + UINT64_C(1))
							 : (uint64_t)allowed;
	wording_set(words, "somaxconn", "%s",
		    allowed == REPORT_NONE ? "" : quantity_plain((uint64_t)allowed).text);
	wording_flag(words, "kernel", kernel);
	wording_set(words, "backlog", "%s", quantity_plain(more).text);
	wording_set(words, "line", "%s",
		    server_line(server ? server->backlog_line : NULL, "backlog", more, line,
				sizeof(line)));
	wording_set(words, "effect", "%s", server ? server->backlog_effect : "after a restart");
}

static void words_group(struct wording *words, const struct watch *w, const struct group *g)
{
	const struct listener *l = g->fullest;
	char name[WORDING_TEXT];
	wording_set(words, "listener", "%s",
		    listener_name(&w->after->listeners, l, name, sizeof(name)));
	wording_set(words, "depth", "%s", quantity_count(g->seen_depth).text);
	wording_set(words, "capacity", "%s", quantity_count(l->limit + UINT64_C(1)).text);
	wording_flag(words, "now", g->full_now);
	wording_flag(words, "seen", g->full);
	wording_set(words, "rate", "%s",
		    w->seconds > 0
			    ? quantity_measured(QUANTITY_COUNT,
						(uint64_t)((double)g->grown / w->seconds + 0.5))
				      .text
			    : "");
	wording_set(words, "total", "%s", quantity_count(g->total).text);
	wording_set(words, "group", "%s", g->sockets > 1 ? quantity_count(g->sockets).text : "");
	wording_set(words, "stuck", "%s", quantity_count(g->full).text);
	wording_set(words, "sum", "%s", quantity_count(g->depth).text);
	wording_set(words, "room", "%s", quantity_count(g->room).text);
	wording_set(words, "looks", "%s",
		    w->after->ticks ? quantity_count(w->after->ticks).text : "");
	wording_set(words, "full", "%s", quantity_count(g->seen_full).text);
	wording_flag(words, "slow", group_idle(g, w));
	words_process(words, w, l);
	words_backlog(words, w, l);
}

static struct finding *group_finding(const struct watch *w, const struct group *g, const char *id,
				     const char *more)
{
	struct wording words = {0};
	words_group(&words, w, g);
	wording_set(&words, "more", "%s", more);
	return report_finding(w->report, id, &words);
}

static struct finding *queue_finding(const struct watch *w, const struct group *g, const char *id,
				     const char *more)
{
	struct finding *f = group_finding(w, g, id, more);
	finding_evidence(f, "accept queue", "connections", g->seen_depth, NAN);
	finding_evidence(f, "its limit", "connections", g->fullest->limit, NAN);
	return f;
}

/* Names the kernel's limit where that is the one that binds. */
static void finding_blame(struct finding *f, const struct watch *w, const struct listener *l)
{
	if (!kernel_limits(w, l))
		return;
	f->remedy = REMEDY_KERNEL;
	finding_propose(f, BACKLOG_KNOB, quantity_plain((uint64_t)w->after->somaxconn).text, "");
}

static void group_overflowing(const struct watch *w, const struct group *g, const char *more)
{
	struct finding *f = queue_finding(w, g, "accept-queue.overflowing", more);
	finding_evidence(f, "packets dropped", "packets", (double)g->grown, NAN);
	finding_evidence(f, "packets dropped a second", "/s", (double)g->grown / w->seconds, NAN);
	finding_evidence(f, "ListenOverflows", "packets", (double)growth(w, OVERFLOWS), NAN);
	finding_blame(f, w, g->fullest);
	if (group_slow(g, w))
		group_finding(w, g, "accept-queue.slow", "");
}

/* Full, and nothing was seen to be dropped: clients may be about to retransmit. */
static void group_full(const struct watch *w, const struct group *g, const char *id,
		       const char *more)
{
	struct finding *f = queue_finding(w, g, id, more);
	if (group_idle(g, w))
		f->level = LEVEL_CRITICAL;
}

static void group_judge(const struct watch *w, const struct group *g, const char *more)
{
	if (group_dropping(g, w))
		group_overflowing(w, g, more);
	else if (g->fullest->kind == LISTENER_UNIX)
		group_full(w, g, "accept-queue.unix.full", more);
	else
		group_full(w, g, "accept-queue.full", more);
}

/* Full now, or dropping: a queue that was full for a moment and lost nothing is no trouble. */
static bool group_asks(const struct group *g, const struct watch *w)
{
	return g->full_now || group_dropping(g, w);
}

static int by_drops(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	return (x->grown < y->grown) - (x->grown > y->grown);
}

static bool group_dropped(const struct group *g, const struct watch *w)
{
	(void)w;
	return g->since;
}

static int by_drops_since(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	return (x->since < y->since) - (x->since > y->since);
}

/* The groups that are asked for, in that order; the caller frees them. NULL: there are none, or no
 * memory. */
static struct group *groups_find(const struct watch *w,
				 bool (*asked)(const struct group *, const struct watch *),
				 int (*order)(const void *, const void *), size_t *count)
{
	const struct listeners *all = &w->after->listeners;
	struct group *found = all->count ? calloc(all->count, sizeof(*found)) : NULL;
	*count = 0;
	for (size_t i = 0; found && i < all->count;) {
		struct group g = {0};
		size_t first = i;
		while (i < all->count && same_group(&all->at[first], &all->at[i]))
			group_add(&g, w, &all->at[i++]);
		if (asked(&g, w))
			found[(*count)++] = g;
	}
	if (*count)
		qsort(found, *count, sizeof(*found), order);
	return found;
}

static void judge_queues(struct watch *w)
{
	size_t count;
	CLEAN(free_pointer) struct group *groups = groups_find(w, group_asks, by_drops, &count);
	for (size_t i = 0; groups && i < count; i++)
		w->blamed |= group_dropping(&groups[i], w);
	for (size_t i = 0; groups && i < count && i < GROUPS_NAMED; i++)
		group_judge(w, &groups[i],
			    !i && count > GROUPS_NAMED ? quantity_count(count - GROUPS_NAMED).text
						       : "");
}

/* Of the drops of a socket only those can be handshakes at a full queue that ListenOverflows counts
 * as well: the others are stray packets. */
static void group_dropped_finding(const struct watch *w, const struct group *g, const char *more)
{
	const struct since *s = &w->after->since;
	uint64_t overflows = (uint64_t)since_growth(s, OVERFLOWS);
	struct wording words = {0};
	char name[WORDING_TEXT];
	words_process(&words, w, g->dropper);
	words_backlog(&words, w, g->dropper);
	wording_set(&words, "listener", "%s",
		    listener_name(&w->after->listeners, g->dropper, name, sizeof(name)));
	since_words(s, w->report->time, &words);
	wording_set(&words, "dropped", "%s",
		    quantity_count(g->since < overflows ? g->since : overflows).text);
	wording_flag(&words, "most", g->since > overflows);
	wording_set(&words, "drops", "%s", quantity_count(g->since).text);
	wording_set(&words, "overflows", "%s", quantity_count(overflows).text);
	wording_set(&words, "more", "%s", more);
	struct finding *f = report_finding(w->report, "accept-queue.dropped", &words);
	finding_evidence(f, "packets dropped since", "packets", (double)g->since, NAN);
	finding_evidence(f, "ListenOverflows since", "packets", (double)overflows, NAN);
	finding_blame(f, w, g->dropper);
}

/* Those that dropped less than a tenth of the worst may have dropped stray packets only. */
static void judge_since(const struct watch *w)
{
	size_t count;
	CLEAN(free_pointer)
	struct group *groups = groups_find(w, group_dropped, by_drops_since, &count);
	while (count && groups[count - 1].since * 10 < groups[0].since)
		count--;
	for (size_t i = 0; i < count && i < DROPPERS_NAMED; i++)
		group_dropped_finding(w, &groups[i],
				      !i && count > DROPPERS_NAMED
					      ? quantity_count(count - DROPPERS_NAMED).text
					      : "");
}

static void files_finding(const struct watch *w, const struct listener *l, const struct process *p)
{
	const struct server_row *server = server_row_find(p->name);
	uint64_t more = more_than(p->soft);
	struct wording words = {0};
	char name[WORDING_TEXT], line[WORDING_TEXT], limit[KNOB_VALUE];
	words_process(&words, w, l);
	wording_set(&words, "listener", "%s",
		    listener_name(&w->after->listeners, l, name, sizeof(name)));
	wording_set(&words, "waiting", "%s", quantity_count(l->depth).text);
	wording_flag(&words, "several", l->depth > 1);
	wording_set(&words, "open", "%s", quantity_count(p->open).text);
	wording_set(&words, "soft", "%s", quantity_count(p->soft).text);
	wording_set(&words, "hard", "%s",
		    p->hard == HOST_UNLIMITED ? "unlimited" : quantity_count(p->hard).text);
	wording_set(&words, "files", "%s", quantity_plain(more).text);
	wording_set(
		&words, "line", "%s",
		server_line(server ? server->files_line : NULL, "files", more, line, sizeof(line)));
	struct finding *f = report_finding(w->report, "descriptors.process.exhausted", &words);
	finding_evidence(f, "open descriptors", "descriptors", (double)p->open, NAN);
	finding_evidence(f, "connections that wait", "connections", l->depth, NAN);
	if (p->hard == HOST_UNLIMITED)
		snprintf(limit, sizeof(limit), "%" PRIu64 " unlimited", p->soft);
	else
		snprintf(limit, sizeof(limit), "%" PRIu64 " %" PRIu64, p->soft, p->hard);
	finding_propose(f, "RLIMIT_NOFILE", limit, "");
}

/* Processes at their limit, each once, by its listener where most connections wait. */
static void judge_files(const struct watch *w)
{
	const struct listeners *all = &w->after->listeners;
	for (size_t p = 0; p < all->process_count; p++) {
		const struct listener *most = NULL;
		for (size_t i = 0; i < all->count; i++)
			if (all->at[i].owner == (int)p && waits(w->after, &all->at[i]) &&
			    (!most || all->at[i].depth > most->depth))
				most = &all->at[i];
		if (most && at_file_limit(&all->processes[p]))
			files_finding(w, most, &all->processes[p]);
	}
}

/* What an ordinary user cannot see is said once. */
static void judge_hidden(const struct watch *w)
{
	const struct listeners *all = &w->after->listeners;
	struct wording words = {0};
	size_t hidden = 0;
	for (size_t i = 0; i < all->count; i++)
		hidden += all->at[i].owner < 0 && is_wanted(&all->at[i], (void *)w->after);
	if (w->after->unlisted[0]) {
		wording_set(&words, "why", "%s", w->after->unlisted);
		report_finding(w->report, "listeners.unlisted", &words);
	} else if (all->hidden && hidden) {
		wording_set(&words, "count", "%s", quantity_count(hidden).text);
		wording_flag(&words, "several", hidden > 1);
		wording_flag(&words, "subject", w->after->subject);
		report_finding(w->report, "listeners.hidden", &words);
	}
}

static struct quantity_shown window_of(const struct watch *w)
{
	return quantity_measured(QUANTITY_DURATION, (uint64_t)(w->seconds * 1e6));
}

/* The listener whose handshakes fill most of its SYN queue. */
static const struct listener *most_half_open(const struct watch *w)
{
	const struct listeners *all = &w->after->listeners;
	const struct listener *most = NULL;
	for (size_t i = 0; i < all->count; i++) {
		const struct listener *l = &all->at[i];
		if (l->half_open && (!most || l->half_open / (l->limit + 1.0) >
						      most->half_open / (most->limit + 1.0)))
			most = l;
	}
	return most;
}

static void judge_cookies(const struct watch *w)
{
	int64_t total = host_counter(&w->after->counters, COOKIES), grown = growth(w, COOKIES);
	const struct listener *most = most_half_open(w);
	struct wording words = {0};
	char name[WORDING_TEXT];
	if (total <= 0)
		return;
	wording_set(&words, "total", "%s", quantity_count((uint64_t)total).text);
	wording_set(&words, "grown", "%s", grown ? quantity_count((uint64_t)grown).text : "");
	wording_set(&words, "window", "%s", window_of(w).text);
	wording_flag(&words, "watched", w->seconds > 0);
	if (most) {
		wording_set(&words, "listener", "%s",
			    listener_name(&w->after->listeners, most, name, sizeof(name)));
		wording_set(&words, "half_open", "%s", quantity_count(most->half_open).text);
		wording_set(&words, "limit", "%s", quantity_count(most->limit).text);
	}
	struct finding *f = report_finding(w->report, "syn-queue.cookies", &words);
	finding_evidence(f, "TCPReqQFullDoCookies", "SYNs", (double)(grown ? grown : total), NAN);
	if (!grown) {
		f->level = LEVEL_NOTE;
		f->answer[0] = 0;
	}
}

/* Overflows of which no listener was seen full. */
static void judge_unseen(const struct watch *w)
{
	int64_t grown = growth(w, OVERFLOWS);
	struct wording words = {0};
	if (grown <= 0 || w->blamed)
		return;
	wording_set(&words, "counters", "ListenOverflows +%s",
		    quantity_count((uint64_t)grown).text);
	wording_set(&words, "window", "%s", window_of(w).text);
	wording_set(&words, "what", "ListenOverflows: %s", counter_row_find(OVERFLOWS)->what);
	struct finding *f = report_finding(w->report, "counters.growing", &words);
	finding_evidence(f, "ListenOverflows", "", (double)grown, NAN);
}

/* A subject whose sockets are gone, all or some. */
static void judge_subject(const struct watch *w)
{
	const struct subject *s = w->after->subject;
	struct wording words = {0};
	const struct listener *gone = NULL;
	char name[WORDING_TEXT];
	size_t left = 0;
	for (size_t i = 0; s && i < s->listeners.count; i++) {
		const struct listener *l = &s->listeners.at[i];
		if (listeners_find(&w->after->listeners, l->cookie))
			left++;
		else if (!gone)
			gone = l;
	}
	if (!gone || w->after->unlisted[0])
		return;
	wording_set(&words, "listener", "%s",
		    listener_name(&s->listeners, gone, name, sizeof(name)));
	wording_set(&words, "who", "%s", s->name[0] ? s->name : gone->address);
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
	bool trouble;
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	double fx = fullness(x->l), fy = fullness(y->l);
	if (x->trouble != y->trouble)
		return x->trouble ? -1 : 1;
	if (fx != fy)
		return fx > fy ? -1 : 1;
	return (x->l > y->l) - (x->l < y->l);
}

static void record_all(const struct watch *w)
{
	const struct listeners *all = &w->after->listeners;
	CLEAN(free_pointer)
	struct ranked *ranked = all->count ? calloc(all->count, sizeof(*ranked)) : NULL;
	for (size_t i = 0; ranked && i < all->count; i++)
		ranked[i] = (struct ranked){&all->at[i], is_wanted(&all->at[i], (void *)w->after)};
	if (ranked)
		qsort(ranked, all->count, sizeof(*ranked), by_rank);
	for (size_t i = 0; ranked && i < all->count; i++)
		record(w->report, all, ranked[i].l, w->after->subject);
}

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	struct watch w = watch_make(before, after, m, r);
	judge_queues(&w);
	judge_files(&w);
	judge_cookies(&w);
	judge_unseen(&w);
	judge_hidden(&w);
	judge_subject(&w);
	judge_since(&w);
	record_all(&w);
}

static const struct observation observation = {
	.size = sizeof(struct sample),
	.window = true,
	.sample = sample_take,
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
