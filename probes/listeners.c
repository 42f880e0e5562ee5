/* What runs here: listeners that are full, processes at their limits, memory of TCP, and what the
 * kernel has counted. All is judged by what the machine shows, nothing by the target. */
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
#define TCP_MEM "net.ipv4.tcp_mem"
#define ORPHANS "net.ipv4.tcp_max_orphans"
#define OVERFLOWS "TcpExt.ListenOverflows"
#define COOKIES "TcpExt.TCPReqQFullDoCookies"

/* The queue was full in that share of the ticks: a longer one does not help. */
#define SLOW_SHARE 0.9
/* A process with fewer descriptors left than that is at its limit: servers keep some in reserve. */
#define FILES_RESERVE 8
/* More listeners in trouble than that are counted. */
#define GROUPS_NAMED 8
#define ORPHANS_NEAR_PERCENT 80

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
	struct host_counters counters;
	int64_t somaxconn, max_orphans; /* REPORT_NONE: unknown */
	int64_t memory_max;             /* pages, the third field of tcp_mem; REPORT_NONE */
	char tcp_mem[KNOB_VALUE];
	uint64_t page_bytes; /* 0: unknown */
	double uptime_s;     /* 0: unknown */
	bool initial;        /* the machine's own network namespace, or a captured machine */
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

/* The owner of a listener that is well is not looked for. */
static bool in_trouble(const struct listener *l, void *arg)
{
	const struct sample *s = arg;
	return was_full(s, l) || waits(s, l);
}

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	struct host_identity identity;
	struct host_facts facts;
	struct err why = {0};
	char text[KNOB_VALUE];
	(void)o;
	(void)e;
	s->somaxconn = s->max_orphans = s->memory_max = REPORT_NONE;
	s->at_s = now_s();
	host_counters(h, &s->counters, NULL);
	if (host_live(h) && listeners_read(h, &s->listeners, &why))
		report_text(s->unlisted, "%s", why.text);
	listeners_own(h, &s->listeners, in_trouble, s, NULL);
	knob_number(BACKLOG_KNOB, h, &s->somaxconn);
	knob_number(ORPHANS, h, &s->max_orphans);
	if (!knob_read(knob_find(TCP_MEM), h, s->tcp_mem, NULL))
		knob_field(s->tcp_mem, 2, &s->memory_max);
	host_facts(h, &facts);
	s->page_bytes = facts.page_bytes;
	if (host_read(h, "proc/uptime", text, sizeof(text), NULL) > 0)
		s->uptime_s = strtod(text, NULL);
	s->initial = !host_live(h) || (!host_identity(h, &identity, NULL) && identity.initial);
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
	size_t sockets;        /* in all */
	size_t full, full_now; /* those that were seen full, and are */
	uint64_t depth, room;  /* of all */
	uint64_t grown;        /* drops of the full ones in the window */
	uint64_t total;        /* drops of all since they were made */
	uint32_t seen_full;    /* ticks that saw the fullest one full */
	uint32_t seen_depth;   /* its largest depth */
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
	/* Of a socket that was never full they are other packets. The count wraps. */
	if (full && earlier)
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
	return g->fullest->kind == LISTENER_TCP && g->full && g->grown && w->overflows;
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
	const char *help;
};

static struct doing doing_of(const struct process *p)
{
	struct doing d = {.help = "find out what it waits for (a disk, a lock, another server), or "
				  "add workers"};
	if (at_file_limit(p)) {
		report_text(d.what, "has %s of %s descriptors open, its soft limit",
			    quantity_count(p->open).text, quantity_count(p->soft).text);
		d.help = "raise that limit";
	} else if (p->state == 'T') {
		report_text(d.what, "is stopped (state T)");
		d.help = "resume or restart it, or add workers";
	} else if (p->state == 't') {
		report_text(d.what, "is stopped by a tracer (state t)");
		d.help = "end the debugger or strace that has stopped it";
	} else if (p->state == 'Z' || p->state == 'X') {
		report_text(d.what, "has exited (state %c)", p->state);
		d.help = "restart the server";
	} else if (p->state == 'R') {
		report_text(d.what, "is runnable (state R)");
		d.help = "add workers or CPUs, or let it do less for each connection";
	} else if (p->state == 'D') {
		report_text(d.what, "is in uninterruptible sleep (state D)%s%s",
			    p->waits_in[0] ? " in " : "", p->waits_in);
	} else if (strstr(p->waits_in, "ep_poll") || strstr(p->waits_in, "epoll")) {
		report_text(d.what, "sleeps in epoll_wait() though connections wait: it does not "
				    "watch this listener now");
		d.help = "see its own limit on connections (such as worker_connections of nginx), "
			 "or whether another worker has the listener";
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

/* A power of two, four times what there is. */
static uint64_t more_than(uint64_t now)
{
	uint64_t more = 1;
	while (more < 4 * now && more < UINT32_MAX)
		more *= 2;
	return more;
}

/* The line of a known server's configuration that sets `name` to `value`; "" without one. */
static void words_line(struct wording *words, const char *as, const char *line, const char *name,
		       uint64_t value)
{
	struct wording number = {0};
	char text[WORDING_TEXT] = "";
	wording_set(&number, name, "%s", quantity_plain(value).text);
	if (line)
		wording_fill(&number, line, text, sizeof(text));
	wording_set(words, as, "%s", text);
}

static void words_process(struct wording *words, const struct watch *w, const struct listener *l)
{
	const struct process *p = owner_of(w, l);
	const struct server_row *server = p ? server_row_find(p->name) : NULL;
	struct doing doing = {0};
	if (p)
		doing = doing_of(p);
	wording_set(words, "who", "%s", p ? p->name : l->address);
	wording_set(words, "process", "%s", p ? p->name : "");
	wording_set(words, "pid", "%d", p ? (int)p->pid : 0);
	wording_set(words, "unit", "%s", p ? p->unit : "");
	wording_set(words, "doing", "%s", doing.what);
	wording_set(words, "help", "%s", doing.help ? doing.help : "");
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
	int64_t allowed = w->after->somaxconn;
	bool kernel = kernel_limits(w, l);
	uint64_t more = allowed == REPORT_NONE || kernel ? more_than(l->limit + UINT64_C(1))
							 : (uint64_t)allowed;
	wording_set(words, "somaxconn", "%s",
		    allowed == REPORT_NONE ? "" : quantity_plain((uint64_t)allowed).text);
	wording_flag(words, "kernel", kernel);
	wording_set(words, "backlog", "%s", quantity_plain(more).text);
	words_line(words, "line", server ? server->backlog_line : NULL, "backlog", more);
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
	wording_flag(words, "slow", group_slow(g, w) || accepts_not(owner_of(w, l)));
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

static void group_overflowing(const struct watch *w, const struct group *g, const char *more)
{
	struct finding *f = queue_finding(w, g, "accept-queue.overflowing", more);
	finding_evidence(f, "packets dropped", "packets", (double)g->grown, NAN);
	finding_evidence(f, "packets dropped a second", "/s", (double)g->grown / w->seconds, NAN);
	finding_evidence(f, "ListenOverflows", "packets", (double)growth(w, OVERFLOWS), NAN);
	if (kernel_limits(w, g->fullest)) {
		f->remedy = REMEDY_KERNEL;
		finding_propose(f, BACKLOG_KNOB, quantity_plain((uint64_t)w->after->somaxconn).text,
				"");
	}
	if (group_slow(g, w))
		group_finding(w, g, "accept-queue.slow", "");
}

/* No counter shows the clients that the kernel refuses: a queue that stays full refuses all. */
static void group_unix_full(const struct watch *w, const struct group *g, const char *more)
{
	struct finding *f = queue_finding(w, g, "accept-queue.unix.full", more);
	if (group_slow(g, w))
		f->level = LEVEL_CRITICAL;
}

static void group_judge(const struct watch *w, const struct group *g, const char *more)
{
	if (group_dropping(g, w))
		group_overflowing(w, g, more);
	else if (g->fullest->kind == LISTENER_UNIX)
		group_unix_full(w, g, more);
	else
		queue_finding(w, g, "accept-queue.full", more);
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

/* The groups in trouble, those that drop most first; the caller frees them. NULL: there are none,
 * or no memory. */
static struct group *groups_find(const struct watch *w, size_t *count)
{
	const struct listeners *all = &w->after->listeners;
	struct group *found = all->count ? calloc(all->count, sizeof(*found)) : NULL;
	*count = 0;
	for (size_t i = 0; found && i < all->count;) {
		struct group g = {0};
		size_t first = i;
		while (i < all->count && same_group(&all->at[first], &all->at[i]))
			group_add(&g, w, &all->at[i++]);
		if (group_asks(&g, w))
			found[(*count)++] = g;
	}
	if (*count)
		qsort(found, *count, sizeof(*found), by_drops);
	return found;
}

static void judge_queues(struct watch *w)
{
	size_t count;
	CLEAN(free_pointer) struct group *groups = groups_find(w, &count);
	for (size_t i = 0; groups && i < count; i++)
		w->blamed |= group_dropping(&groups[i], w);
	for (size_t i = 0; groups && i < count && i < GROUPS_NAMED; i++)
		group_judge(w, &groups[i],
			    !i && count > GROUPS_NAMED ? quantity_count(count - GROUPS_NAMED).text
						       : "");
}

static void files_finding(const struct watch *w, const struct listener *l, const struct process *p)
{
	const struct server_row *server = server_row_find(p->name);
	uint64_t more = more_than(p->soft);
	struct wording words = {0};
	char name[WORDING_TEXT], limit[KNOB_VALUE];
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
	words_line(&words, "line", server ? server->files_line : NULL, "files", more);
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
		hidden += all->at[i].owner < 0 &&
			  (was_full(w->after, &all->at[i]) || waits(w->after, &all->at[i]));
	if (w->after->unlisted[0]) {
		wording_set(&words, "why", "%s", w->after->unlisted);
		report_finding(w->report, "listeners.unlisted", &words);
	} else if (all->hidden && hidden) {
		wording_set(&words, "count", "%s", quantity_count(hidden).text);
		wording_flag(&words, "several", hidden > 1);
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

static struct quantity_shown pages(const struct sample *s, int64_t count)
{
	return quantity_show(QUANTITY_SIZE,
			     (uint64_t)count * (s->page_bytes ? s->page_bytes : 4096));
}

static void judge_memory(const struct watch *w)
{
	const struct sample *s = w->after;
	int64_t used = host_counter(&s->counters, "sockstat.TCP.mem");
	struct wording words = {0};
	if (s->memory_max == REPORT_NONE || used <= s->memory_max)
		return;
	wording_set(&words, "used", "%s", quantity_count((uint64_t)used).text);
	wording_set(&words, "bytes", "%s", pages(s, used).text);
	wording_set(&words, "max", "%s", quantity_count((uint64_t)s->memory_max).text);
	wording_set(&words, "max_bytes", "%s", pages(s, s->memory_max).text);
	struct finding *f = report_finding(w->report, "buffers.memory.exhausted", &words);
	finding_propose(f, TCP_MEM, s->tcp_mem, "");
	finding_evidence(f, "sockstat.TCP.mem", "pages", (double)used, NAN);
}

static void judge_orphans(const struct watch *w)
{
	const struct sample *s = w->after;
	int64_t now = host_counter(&s->counters, "sockstat.TCP.orphan");
	struct wording words = {0};
	if (s->max_orphans <= 0 ||
	    (double)now * 100 < (double)s->max_orphans * ORPHANS_NEAR_PERCENT)
		return;
	wording_set(&words, "now", "%s", quantity_count((uint64_t)now).text);
	wording_set(&words, "max", "%s", quantity_count((uint64_t)s->max_orphans).text);
	wording_flag(&words, "over", now >= s->max_orphans);
	struct finding *f = report_finding(w->report, "orphans.near", &words);
	finding_propose(f, ORPHANS, quantity_plain((uint64_t)s->max_orphans).text, "");
	finding_evidence(f, "sockstat.TCP.orphan", "connections", (double)now, NAN);
}

/* Counters of loss and of lack, the worst first. `grows`: growth without a named listener is a
 * warning. */
static const struct loss {
	const char *counter;
	bool grows;
} losses[] = {
	{OVERFLOWS, true},
	{"TcpExt.TCPReqQFullDrop", true},
	{"TcpExt.TCPAbortOnMemory", true},
	{"TcpExt.TCPTimeWaitOverflow", true},
	{"TcpExt.PruneCalled", true},
	{"TcpExt.RcvPruned", true},
	{"TcpExt.TCPRcvQDrop", true},
	{"TcpExt.TCPBacklogDrop", true},
	{"TcpExt.TCPMemoryPressures", true},
	{COOKIES, false},
	{"TcpExt.TCPRcvCollapsed", false},
};
#define LOSSES (sizeof(losses) / sizeof(*losses))
/* More than those are in the table only. */
#define LOSSES_TITLED 4

static const char *short_name(const char *counter) { return strchr(counter, '.') + 1; }

struct titled {
	char text[WORDING_TEXT];
	size_t count;
};

/* "PruneCalled 9 300, TCPRcvQDrop 12 and 3 more" */
static void titled_add(struct titled *t, const char *sign, const struct loss *l, int64_t value)
{
	if (t->count++ < LOSSES_TITLED)
		report_append(t->text, "%s%s %s%s", t->text[0] ? ", " : "", short_name(l->counter),
			      sign, quantity_count((uint64_t)value).text);
}

static void titled_end(struct titled *t)
{
	if (t->count > LOSSES_TITLED)
		report_append(t->text, " and %zu more", t->count - LOSSES_TITLED);
}

static const char *counter_what(const char *counter)
{
	for (size_t i = 0; i < counter_row_count(); i++)
		if (!strcmp(counter_row_at(i)->name, counter))
			return counter_row_at(i)->what;
	return "";
}

static void judge_growth(const struct watch *w)
{
	struct wording words = {0};
	struct titled title = {0};
	char what[WORDING_TEXT] = "";
	for (size_t i = 0; i < LOSSES; i++) {
		int64_t grown = growth(w, losses[i].counter);
		bool named = w->blamed && !strcmp(losses[i].counter, OVERFLOWS);
		if (grown <= 0 || !losses[i].grows || named)
			continue;
		if (!title.count)
			report_text(what, "%s: %s", short_name(losses[i].counter),
				    counter_what(losses[i].counter));
		titled_add(&title, "+", &losses[i], grown);
	}
	if (!title.count)
		return;
	titled_end(&title);
	wording_set(&words, "counters", "%s", title.text);
	wording_set(&words, "window", "%s", window_of(w).text);
	wording_set(&words, "what", "%s", what);
	struct finding *f = report_finding(w->report, "counters.growing", &words);
	for (size_t i = 0; i < LOSSES; i++)
		if (losses[i].grows && growth(w, losses[i].counter) > 0)
			finding_evidence(f, short_name(losses[i].counter), "",
					 (double)growth(w, losses[i].counter), NAN);
}

static void past_table(struct finding *f, const struct watch *w)
{
	finding_table(f, "counter");
	finding_column(f, "total", "");
	if (w->seconds > 0)
		finding_column(f, "in the window", "");
	for (size_t i = 0; i < LOSSES; i++) {
		int64_t total = host_counter(&w->after->counters, losses[i].counter);
		if (total <= 0)
			continue;
		double *row = finding_row(f, short_name(losses[i].counter));
		row[0] = (double)total;
		if (w->seconds > 0)
			row[1] = (double)growth(w, losses[i].counter);
	}
}

static void judge_past(const struct watch *w)
{
	struct wording words = {0};
	struct titled title = {0};
	for (size_t i = 0; i < LOSSES; i++) {
		int64_t total = host_counter(&w->after->counters, losses[i].counter);
		if (total > 0)
			titled_add(&title, "", &losses[i], total);
	}
	if (!title.count)
		return;
	titled_end(&title);
	wording_set(&words, "counters", "%s", title.text);
	wording_flag(&words, "initial", w->after->initial);
	wording_set(&words, "age", "%s",
		    w->after->uptime_s > 0 ? quantity_ago(w->after->uptime_s).text : "");
	past_table(report_finding(w->report, "counters.past", &words), w);
}

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	struct watch w = watch_make(before, after, m, r);
	judge_queues(&w);
	judge_files(&w);
	judge_cookies(&w);
	judge_memory(&w);
	judge_orphans(&w);
	judge_growth(&w);
	judge_past(&w);
	judge_hidden(&w);
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
	.summary = "what runs here: full accept queues, processes at their limits, kernel counters",
	.mode = PROBE_FIRST,
	.place = PROBE_HOST,
	.observation = &observation,
};
