/* Judges the accept queues of the listeners that run here. */
#include "epolltune/accept_queues.h"

#include <math.h>
#include <stdlib.h>

#include "epolltune/cleanup.h"
#include "epolltune/counters.h"
#include "epolltune/doing.h"
#include "epolltune/order.h"
#include "epolltune/quantity.h"
#include "judge/blame.h"
#include "judge/queue_lag.h"
#include "judge/queue_seen.h"
#include "judge/settings.h"

/* The queue was full in that share of the ticks: a longer one does not help. */
#define SLOW_SHARE 0.9
/* Counters and queues are not read at one moment: a smaller share of what arrives may be none. */
#define ACCEPTS_SHARE 0.1
/* Connections that wait in a queue of unknown rate and are worth a note, and how long those of a
 * server that is not the subject wait in a saturated queue. */
#define DEPTH_NOTED 100
#define PATIENCE_S 1.0
/* More listeners in trouble than that are counted. */
#define GROUPS_NAMED 8
/* The same of listeners that dropped packets since an earlier report. */
#define DROPPERS_NAMED 3

/* The sockets of one address: one, or several by SO_REUSEPORT. */
struct group {
	const struct listener *fullest;
	size_t sockets;                 /* in all */
	size_t full, full_now;          /* those that were seen full, and are */
	size_t idled;                   /* those where some wait and none is seen to be accepted */
	uint64_t depth, room;           /* of all */
	uint64_t grown;                 /* drops at a full queue in the window */
	uint64_t stray;                 /* of those that were not seen full: maybe other packets */
	const struct listener *idle;    /* where most wait and none is accepted; NULL: none */
	uint64_t total;                 /* drops of all since they were made */
	uint64_t stayed, left;          /* of all, as in struct queue_seen */
	uint32_t seen_full;             /* ticks that saw the fullest one full */
	uint32_t seen_depth;            /* its largest depth */
	uint64_t seen_min;              /* its smallest; 0: it was empty at one, or is unknown */
	const struct listener *dropper; /* that dropped most since the earlier report */
	uint64_t since;                 /* drops of all since then */
	struct queue_course course;     /* of all, but for `arrived` */
	bool made;                      /* a socket is new: where the course began is unknown */
	bool emptied;                   /* a socket had none to accept at one look */
	struct queue_lag lag;
	/* The one that most wait at, of those that accept too slowly while the sums do not show it;
	 * NULL: none. And how many do. */
	const struct listener *laggard;
	size_t laggards;
	/* Of one socket alone: those of its address, and whether its share of the arrivals is
	 * estimated. */
	size_t siblings;
	bool even;
	bool own;    /* a socket is the subject's */
	bool halted; /* connections wait for a process that does not accept */
};

int64_t queue_growth(const struct queue_watch *w, const char *counter)
{
	int64_t grown = host_counter_delta(&w->before->counters, &w->after->counters, counter);
	return grown > 0 ? grown : 0;
}

double moment_stall_s(const struct moment *m)
{
	uint64_t usual_us = target_default().stall_us, us = m->target->stall_us;
	return (double)(m->options->stall_seen && us > usual_us ? usual_us : us) / 1e6;
}

struct queue_watch accept_queues_watch(const struct accept_queues *before,
				       const struct accept_queues *after, const struct moment *m,
				       struct report *r)
{
	struct queue_watch w = {
		.before = before,
		.after = after,
		.report = r,
		.target = m->target,
		.stall_s = moment_stall_s(m),
		.rate_per_s = m->target->datagrams_only ? 0 : (double)m->target->rate_per_s};
	/* Both samples of a captured machine are read now. */
	if (m->seconds > 0)
		w.seconds = m->live ? after->at_s - before->at_s : m->seconds;
	w.overflows = queue_growth(&w, COUNTER_LISTEN_OVERFLOWS) > 0 ||
		      host_counter(&after->counters, COUNTER_LISTEN_OVERFLOWS) < 0;
	return w;
}

double queue_fullness(const struct listener *l) { return (double)l->depth / (l->limit + 1.0); }

static void group_add_since(struct group *g, const struct accept_queues *s,
			    const struct listener *l)
{
	uint64_t dropped = queue_dropped_since(s, l);
	if (!g->dropper || dropped > queue_dropped_since(s, g->dropper))
		g->dropper = l;
	g->since += dropped;
}

static const struct process *owner_of(const struct queue_watch *w, const struct listener *l)
{
	return l->owner < 0 ? NULL : &w->after->listeners.processes[l->owner];
}

static const struct server_row *server_of(const struct queue_watch *w, const struct listener *l)
{
	return backlog_server(&w->after->listeners, l, w->after->subject);
}

/* Whether the target's clients come to it: not to one of the subject that is set aside, unless it
 * has no other. */
static bool is_of_target(const struct queue_watch *w, const struct listener *l)
{
	const struct subject *s = w->after->subject;
	const struct listener *own = s ? listeners_find(&s->listeners, l->cookie) : NULL;
	return own && (!own->aside || !subject_listens(s, l->kind));
}

/* Whether the server may have been in one stall of the target since before the window. */
static bool stall_explains(const struct queue_watch *w) { return w->seconds < 2 * w->stall_s; }

/* Whether its process shows that it does not accept, and the queue not that another does: workers
 * may share it. */
static bool listener_halted(const struct queue_watch *w, const struct listener *l)
{
	const struct queue_seen *seen = queue_seen_find(w->after, l->cookie);
	bool drained = seen && (seen->drained || seen->last > l->depth);
	return process_accepts_not(owner_of(w, l)) && !drained;
}

/* Whether connections wait and none is seen to be accepted: the process shows it, or the queue has
 * not become shorter. A stall that the target allows is worth a word of the subject only. */
static bool is_idle(const struct queue_watch *w, const struct listener *l)
{
	const struct queue_seen *seen = queue_seen_find(w->after, l->cookie);
	const struct process *p = owner_of(w, l);
	/* Of a process at its limit another finding reports. */
	if (!queue_waits(w->after, l) || (p && process_at_file_limit(p)))
		return false;
	if (stall_explains(w) && !subject_has(w->after->subject, l))
		return listener_halted(w, l);
	return listener_halted(w, l) || (seen && !seen->drained && l->depth >= seen->last);
}

static uint64_t min_of(const struct listener *earlier, const struct listener *l,
		       const struct queue_seen *seen)
{
	uint64_t min = earlier && earlier->depth < l->depth ? earlier->depth : l->depth;
	return !seen ? 0 : seen->min < min ? seen->min : min;
}

static void group_add_course(struct group *g, const struct listener *earlier,
			     const struct listener *l, const struct queue_seen *seen)
{
	uint64_t min = min_of(earlier, l, seen);
	g->made |= !earlier;
	g->emptied |= !min;
	g->course.min += min;
	g->course.start += earlier ? earlier->depth : 0;
	g->course.middle += seen ? seen->middle : 0;
	g->course.end += l->depth;
	g->course.drained += seen ? seen->drained : 0;
	if (seen && seen->last > l->depth)
		g->course.drained += seen->last - l->depth;
}

/* Those of TCP are of the network namespace. No counter has those of UNIX: but where a client waits
 * since the middle of the window, none that came after it was accepted, and what was is what left
 * the queue since then; as many a second before. */
static int64_t group_arrived(const struct group *g, const struct queue_watch *w)
{
	if (g->fullest->kind == LISTENER_TCP)
		return host_counter(&w->after->counters, COUNTER_PASSIVE_OPENS) < 0
			       ? REPORT_NONE
			       : queue_growth(w, COUNTER_PASSIVE_OPENS);
	double half_s = w->after->at_s - w->after->middle_at_s;
	if (!g->stayed || half_s <= 0)
		return REPORT_NONE;
	return (int64_t)g->course.end - (int64_t)g->course.start +
	       llround((double)g->left * w->seconds / half_s);
}

static void group_lag(struct group *g, const struct queue_watch *w)
{
	struct queue_course c = g->course;
	c.seconds = g->made ? 0 : w->seconds;
	c.halved = w->after->ticks;
	c.min = g->emptied ? 0 : c.min;
	c.arrived = group_arrived(g, w);
	if (g->even && c.arrived > 0)
		c.arrived = (int64_t)subject_part((uint64_t)c.arrived, g->siblings);
	bool own = subject_has(w->after->subject, g->fullest);
	g->lag = queue_lag_of(&c, w->stall_s, own ? w->stall_s : fmax(w->stall_s, PATIENCE_S));
	/* A program of the server may spread them otherwise. */
	if (g->even && (double)c.min <= fmax(w->stall_s, PATIENCE_S) * g->lag.accept_per_s)
		g->lag.lags = g->lag.saturated = false;
}

static void group_add(struct group *g, const struct queue_watch *w, const struct listener *l)
{
	const struct listener *earlier = listeners_find(&w->before->listeners, l->cookie);
	const struct queue_seen *seen = queue_seen_find(w->after, l->cookie);
	bool full = queue_was_full(w->after, l) || (earlier && queue_is_full(earlier));
	uint32_t seen_full = seen ? seen->full : 0;
	g->sockets++;
	g->full += full;
	g->full_now += queue_is_full(l);
	g->depth += l->depth;
	g->room += l->limit + UINT64_C(1);
	g->total += l->drops;
	g->stayed += seen ? seen->stayed : 0;
	g->left += seen ? seen->left : 0;
	group_add_since(g, w->after, l);
	group_add_course(g, earlier, l, seen);
	if (earlier) /* the count wraps */
		*(full ? &g->grown : &g->stray) += (uint32_t)(l->drops - earlier->drops);
	bool idle = is_idle(w, l);
	g->idled += idle;
	g->own |= subject_has(w->after->subject, l);
	g->halted |= l->depth && listener_halted(w, l);
	if (idle && (!g->idle || l->depth > g->idle->depth))
		g->idle = l;
	if (g->fullest &&
	    (seen_full < g->seen_full ||
	     (seen_full == g->seen_full && queue_fullness(l) <= queue_fullness(g->fullest))))
		return;
	g->fullest = l;
	g->seen_full = seen_full;
	g->seen_min = min_of(earlier, l, seen);
	g->seen_depth = seen && seen->depth > l->depth ? seen->depth : l->depth;
	if (earlier && earlier->depth > g->seen_depth)
		g->seen_depth = earlier->depth;
}

/* One socket of several as a group of its own. The arrivals of all are a bound of what it accepts;
 * where that hides it, its part of them is. */
static struct group group_of_one(const struct queue_watch *w, const struct listener *l,
				 size_t siblings)
{
	struct group one = {.siblings = siblings};
	group_add(&one, w, l);
	group_lag(&one, w);
	if (one.lag.lags || one.lag.saturated)
		return one;
	one.even = true;
	group_lag(&one, w);
	return one;
}

/* The kernel sends each socket its part of the clients, however many wait there: one that is slow
 * is hidden by the sums of its address. */
static void group_find_laggards(struct group *g, const struct queue_watch *w,
				const struct listener *first)
{
	if (g->sockets < 2 || g->fullest->kind != LISTENER_TCP || g->lag.lags || g->lag.saturated)
		return;
	for (size_t i = 0; i < g->sockets; i++) {
		struct group one = group_of_one(w, &first[i], g->sockets);
		if (!one.lag.known || (!one.lag.lags && !one.lag.saturated))
			continue;
		g->laggards++;
		if (!g->laggard || first[i].depth > g->laggard->depth)
			g->laggard = &first[i];
	}
}

static bool group_dropping(const struct group *g, const struct queue_watch *w)
{
	return g->fullest->kind == LISTENER_TCP && g->grown && w->overflows;
}

/* A UNIX socket whose queue was full at any look: no counter shows whom it refused, nor that it
 * refused none. */
static bool group_refuses(const struct group *g)
{
	return g->fullest->kind == LISTENER_UNIX && g->full;
}

/* Longer than a stall of the target explains, unless the process shows that it does not accept. */
static bool group_always_full(const struct group *g, const struct queue_watch *w)
{
	bool stalls = stall_explains(w) && !listener_halted(w, g->fullest);
	return w->after->ticks && g->seen_full >= SLOW_SHARE * w->after->ticks && !stalls;
}

/* Whether it was full, and never half empty for longer than a stall of the target explains: a place
 * that an accept leaves is taken at once. At twice the rate of its server a queue is full half of
 * the time only. */
static bool group_never_empties(const struct group *g, const struct queue_watch *w)
{
	return w->after->ticks && g->seen_full && !stall_explains(w) &&
	       2 * g->seen_min > g->fullest->limit;
}

/* Whether it has called listen(fd, 0) to accept none, as at its limit on connections. */
static bool is_paused(const struct queue_watch *w, const struct listener *l)
{
	const struct server_row *server = server_of(w, l);
	return !l->limit && server && server->pauses;
}

/* Whether its server does not accept, or its queue was full all the time. */
static bool group_stuck(const struct group *g, const struct queue_watch *w)
{
	return group_always_full(g, w) || listener_halted(w, g->fullest) ||
	       is_paused(w, g->fullest);
}

/* What the target asks of it: of one socket its part. */
static double group_needed(const struct queue_watch *w, const struct group *g)
{
	return g->siblings ? w->rate_per_s / (double)g->siblings : w->rate_per_s;
}

/* Whether the server that the target is for accepts less than it needs, with connections to accept
 * all the time. */
static bool group_short(const struct queue_watch *w, const struct group *g)
{
	return g->lag.saturated && is_of_target(w, g->fullest) && !g->even &&
	       g->lag.accept_max_per_s < group_needed(w, g);
}

/* Whether more connections arrive than are accepted: no backlog helps. */
static bool group_slow(const struct group *g, const struct queue_watch *w)
{
	return group_stuck(g, w) || group_never_empties(g, w) || group_short(w, g);
}

/* What the target asks of it or, where that is less than it has, the longest queue that needs no
 * sysctl: it was full anyway. */
static uint64_t backlog_of(const struct queue_watch *w, const struct listener *l, size_t sockets)
{
	const struct subject *s = w->after->subject;
	int64_t allowed = w->after->somaxconn, asked = 0;
	if (!s || subject_has(s, l))
		asked = backlog_asked(w->target, l->kind, sockets, w->after->kernel, l->limit,
				      backlog_usual(l, server_of(w, l)));
	if (asked)
		return (uint64_t)asked;
	return allowed == REPORT_NONE || somaxconn_binds(l->limit, allowed)
		       ? quantity_more(l->limit + UINT64_C(1))
		       : (uint64_t)allowed;
}

/* Whether somaxconn does: not where the kernel has called listen() itself. */
static bool kernel_limits(const struct queue_watch *w, const struct listener *l)
{
	bool unheld = l->owner < 0 && w->after->listeners.unheld;
	return !unheld && somaxconn_binds(l->limit, w->after->somaxconn);
}

/* The backlog for a listener whose address has that many sockets, and the line that sets it. */
static void words_backlog(struct wording *words, const struct queue_watch *w,
			  const struct listener *l, size_t sockets)
{
	const struct server_row *server = backlog_row(l, server_of(w, l));
	char line[WORDING_TEXT];
	int64_t allowed = w->after->somaxconn;
	uint64_t more = backlog_of(w, l, sockets);
	wording_set(words, "somaxconn", "%s",
		    allowed == REPORT_NONE ? "" : quantity_plain((uint64_t)allowed).text);
	wording_flag(words, "kernel", kernel_limits(w, l));
	wording_flag(words, "raise", somaxconn_binds((int64_t)more - 1, allowed));
	wording_set(words, "backlog", "%s", quantity_plain(more).text);
	wording_set(words, "line", "%s",
		    server_line(server ? server->backlog_line : NULL, "backlog", more, line,
				sizeof(line)));
	backlog_effect_word(words, "effect", l, server);
	if (server) { /* also of systemd, or by the script of the subject */
		wording_set(words, "server", "%s", server->name);
		wording_set(words, "default", "%s", server->backlog);
	}
}

static struct owner_cpu_watch cpu_watch(const struct queue_watch *w)
{
	return (struct owner_cpu_watch){&w->before->cpu, &w->after->cpu_middle, &w->after->cpu};
}

/* Of a listener of the subject all that accept are known. */
static void words_owner(struct wording *words, const struct queue_watch *w,
			const struct listener *l)
{
	const struct accept_queues *q = w->after;
	const struct process *p = owner_of(w, l);
	listener_words(words, &q->listeners, l);
	if (p && subject_has(q->subject, l))
		halted_words(words, p, q->stuck, q->stuck_count);
	else if (p)
		halted_words(words, p, q->listeners.processes, q->listeners.process_count);
	else
		wording_set(words, "many", "%s", "");
	const struct owner_cpu_watch cpu = cpu_watch(w);
	owner_cpu_words(&cpu, p, words);
}

static struct quantity_shown rate_text(double a_second)
{
	return quantity_measured(QUANTITY_COUNT, (uint64_t)(a_second + 0.5));
}

static void words_group(struct wording *words, const struct queue_watch *w, const struct group *g)
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
		    w->seconds > 0 ? rate_text((double)g->grown / w->seconds).text : "");
	wording_set(words, "total", "%s", quantity_count(g->total).text);
	wording_set(words, "group", "%s", g->sockets > 1 ? quantity_count(g->sockets).text : "");
	wording_set(words, "stuck", "%s", quantity_count(g->full).text);
	wording_set(words, "sum", "%s", quantity_count(g->depth).text);
	wording_set(words, "room", "%s", quantity_count(g->room).text);
	wording_set(words, "looks", "%s",
		    w->after->ticks ? quantity_count(w->after->ticks).text : "");
	wording_set(words, "full", "%s", quantity_count(g->seen_full).text);
	wording_flag(words, "once", !(w->seconds > 0));
	wording_flag(words, "sampled", w->after->ticks && g->seen_full);
	if (g->seen_full && g->seen_full < w->after->ticks && g->seen_min)
		wording_set(words, "min", "%s", quantity_count(g->seen_min).text);
	else
		wording_set(words, "min", "%s", "");
	if (group_short(w, g)) {
		wording_set(words, "accept", "%s", rate_text(g->lag.accept_per_s).text);
		wording_set(words, "needed", "%s", rate_text(group_needed(w, g)).text);
	}
	wording_flag(words, "slow",
		     group_slow(g, w) || (g->lag.saturated && !group_dropping(g, w)));
	words_owner(words, w, l);
	words_backlog(words, w, l, g->sockets);
}

static struct finding *group_finding(const struct queue_watch *w, const struct group *g,
				     const char *id, const char *more)
{
	struct wording words = {0};
	words_group(&words, w, g);
	wording_set(&words, "more", "%s", more);
	return report_finding(w->report, id, &words);
}

static struct finding *queue_finding(const struct queue_watch *w, const struct group *g,
				     const char *id, const char *more)
{
	struct finding *f = group_finding(w, g, id, more);
	finding_evidence(f, "accept queue", "connections", g->seen_depth, NAN);
	finding_evidence(f, "its capacity", "connections", g->fullest->limit + 1.0, NAN);
	return f;
}

/* Names the kernel's limit where that is the one that binds. */
static void finding_blame(struct finding *f, const struct queue_watch *w, const struct listener *l)
{
	if (!kernel_limits(w, l))
		return;
	f->remedy = REMEDY_KERNEL;
	finding_propose(f, SOMAXCONN_KNOB, quantity_plain((uint64_t)w->after->somaxconn).text, "");
}

/* Names whose limit takes the CPU of its server. */
static void finding_deny(struct finding *f, const struct queue_watch *w, const struct listener *l)
{
	const struct owner_cpu_watch cpu = cpu_watch(w);
	enum finding_remedy remedy = owner_cpu_remedy(&cpu, owner_of(w, l));
	if (remedy != REMEDY_NONE)
		f->remedy = remedy;
}

static void group_overflowing(const struct queue_watch *w, const struct group *g, const char *more)
{
	struct finding *f = queue_finding(w, g, "accept-queue.overflowing", more);
	finding_evidence(f, "packets dropped", "packets", (double)g->grown, NAN);
	finding_evidence(f, "packets dropped a second", "/s", (double)g->grown / w->seconds, NAN);
	finding_evidence(f, "ListenOverflows of the namespace", "packets",
			 (double)queue_growth(w, COUNTER_LISTEN_OVERFLOWS), NAN);
	if (group_slow(g, w))
		finding_deny(group_finding(w, g, "accept-queue.slow", ""), w, g->fullest);
	else
		finding_blame(f, w, g->fullest);
}

/* Whether none is accepted, for certain: a queue that does not become shorter may have as many
 * arrivals as its server accepts. Of a group, others may be accepted. */
static bool group_accepts_none(const struct group *g, const struct queue_watch *w)
{
	return listener_halted(w, g->idle) ||
	       (g->idled == g->sockets && g->lag.known &&
		g->lag.accept_per_s <= ACCEPTS_SHARE * g->lag.arrive_per_s);
}

/* One client of a port that only this host reaches, as of a debugger or for management. */
static bool is_minor(const struct listener *l) { return listener_on_loopback(l) && l->depth == 1; }

/* Connections that no process is seen to accept, in a queue that has room. */
static void group_waiting(const struct queue_watch *w, const struct group *g, const char *more)
{
	const struct listener *l = g->idle;
	bool halted = listener_halted(w, l), brief = !halted && stall_explains(w);
	struct wording words = {0};
	char name[WORDING_TEXT];
	wording_set(&words, "listener", "%s",
		    listener_name(&w->after->listeners, l, name, sizeof(name)));
	wording_set(&words, "depth", "%s", quantity_count(l->depth).text);
	wording_flag(&words, "several", l->depth > 1);
	wording_flag(&words, "none", !brief && group_accepts_none(g, w));
	wording_set(&words, "window", "%s", quantity_seconds(w->seconds).text);
	wording_set(&words, "longer", "%s", brief ? quantity_seconds(2 * w->stall_s).text : "");
	wording_set(&words, "accept", "%s",
		    g->lag.lags && g->lag.known && g->sockets == 1
			    ? rate_text(g->lag.accept_per_s).text
			    : "");
	wording_set(&words, "group", "%s", g->sockets > 1 ? quantity_count(g->sockets).text : "");
	wording_set(&words, "stuck", "%s", quantity_count(g->idled).text);
	wording_set(&words, "looks", "%s",
		    w->after->ticks ? quantity_count(w->after->ticks).text : "");
	words_owner(&words, w, l);
	wording_set(&words, "more", "%s", more);
	struct finding *f = report_finding(w->report, "accept-queue.waiting", &words);
	finding_evidence(f, "accept queue", "connections", l->depth, NAN);
	if (is_of_target(w, l) ? !brief : halted && !is_minor(l))
		f->level = LEVEL_CRITICAL;
	if (brief)
		f->answer[0] = 0;
}

/* Whether all that arrives by TCP does here. */
static bool group_alone(const struct queue_watch *w, const struct group *g)
{
	const struct listeners *all = &w->after->listeners;
	for (size_t i = 0; i < all->count; i++)
		if (all->at[i].kind == LISTENER_TCP &&
		    !listener_shares_arrivals(&all->at[i], g->fullest))
			return false;
	return true;
}

/* Whether the counters show that it accepts, though the ticks do not: all of it, not one of its
 * sockets. Clients that connect again as soon as they are served keep the depth as it is. */
static bool group_accepts(const struct queue_watch *w, const struct group *g)
{
	return g->lag.known && g->idled * 2 > g->sockets && !group_accepts_none(g, w) &&
	       group_alone(w, g);
}

/* Whether connections wait at one of its sockets and none is accepted there. */
static bool group_waits(const struct queue_watch *w, const struct group *g)
{
	return g->idle && !group_accepts(w, g);
}

/* Whether many wait in a queue of unknown rate: one sample does not show it, nor do arrivals at
 * several listeners. */
static bool group_deep(const struct queue_watch *w, const struct group *g)
{
	const struct process *p = owner_of(w, g->fullest);
	uint64_t min = w->after->ticks ? g->course.min : g->depth;
	return min >= DEPTH_NOTED && !g->full_now && !(p && process_at_file_limit(p));
}

/* Full, and nothing was seen to be dropped: clients may be about to retransmit. */
static void group_full(const struct queue_watch *w, const struct group *g, const char *id,
		       const char *more)
{
	struct finding *f = queue_finding(w, g, id, more);
	if (group_stuck(g, w) || group_short(w, g))
		f->level = LEVEL_CRITICAL;
	if (group_slow(g, w))
		finding_deny(f, w, g->fullest);
}

/* More arrives than is accepted, into a queue that still has room. */
static void group_lagging(const struct queue_watch *w, const struct group *g, size_t laggards,
			  const char *more)
{
	const struct listener *l = g->fullest;
	const struct queue_lag *lag = &g->lag;
	struct wording words = {0};
	words_group(&words, w, g);
	wording_flag(&words, "known", lag->known);
	wording_flag(&words, "saturated", lag->saturated);
	wording_set(&words, "needed", "%s",
		    group_short(w, g) ? rate_text(group_needed(w, g)).text : "");
	wording_flag(&words, "others",
		     l->kind == LISTENER_TCP && (g->siblings || !group_alone(w, g)));
	wording_set(&words, "siblings", "%s", g->siblings ? quantity_count(g->siblings).text : "");
	wording_set(&words, "laggards", "%s", quantity_count(laggards).text);
	wording_flag(&words, "even", g->even);
	wording_set(&words, "from", "%s", g->made ? "" : quantity_count(g->course.start).text);
	wording_set(&words, "arrive", "%s", rate_text(lag->arrive_per_s).text);
	wording_set(&words, "accept", "%s", rate_text(lag->accept_per_s).text);
	wording_set(&words, "wait", "%s",
		    isinf(lag->wait_s) ? "" : quantity_seconds(lag->wait_s).text);
	wording_set(&words, "window", "%s", quantity_seconds(w->seconds).text);
	wording_set(&words, "more", "%s", more);
	struct finding *f = report_finding(
		w->report, lag->lags ? "accept-queue.growing" : "accept-queue.standing", &words);
	finding_evidence(f, "accept queue", "connections", (double)g->depth, NAN);
	if (lag->saturated)
		finding_evidence(f, "accepted a second", "/s", lag->accept_per_s, NAN);
	if ((lag->lags && lag->known && !g->even && is_of_target(w, l)) || group_short(w, g))
		f->level = LEVEL_CRITICAL;
	if (lag->lags || lag->saturated)
		finding_deny(f, w, l);
	else
		finding_to_note(f);
}

static void group_judge(const struct queue_watch *w, const struct group *g, const char *more)
{
	struct group one = {0};
	if (g->laggard)
		one = group_of_one(w, g->laggard, g->sockets);
	if (group_dropping(g, w))
		group_overflowing(w, g, more);
	else if (group_refuses(g))
		group_full(w, g, "accept-queue.unix.full", more);
	else if (!g->full_now && group_waits(w, g))
		group_waiting(w, g, more);
	else if (!g->full_now && g->laggard)
		group_lagging(w, &one, g->laggards, more);
	else if (!g->full_now)
		group_lagging(w, g, 0, more);
	else
		group_full(w, g, "accept-queue.full", more);
}

/* Full now, dropping, growing, standing, or not accepting: a queue that was full for a moment and
 * lost nothing, as the counters show, is no trouble. */
static bool group_asks(const struct group *g, const struct queue_watch *w)
{
	return g->full_now || group_dropping(g, w) || group_refuses(g) || group_waits(w, g) ||
	       g->lag.lags || g->lag.saturated || g->laggard || group_deep(w, g);
}

/* The subject's, however many others are in trouble. */
static int own_first(const struct group *x, const struct group *y) { return y->own - x->own; }

static int by_weight(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	if (own_first(x, y))
		return own_first(x, y);
	if (x->grown != y->grown)
		return ORDER(y->grown, x->grown);
	if (x->halted != y->halted)
		return y->halted - x->halted;
	return ORDER(y->depth, x->depth);
}

static bool group_dropped(const struct group *g, const struct queue_watch *w) { return g->since; }

static int by_drops_since(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	if (own_first(x, y))
		return own_first(x, y);
	return ORDER(y->since, x->since);
}

/* Which of them the overflows are of. */
static void groups_blame(struct group *groups, size_t count, const struct queue_watch *w)
{
	const uint64_t overflows = (uint64_t)queue_growth(w, COUNTER_LISTEN_OVERFLOWS);
	CLEAN(free_pointer) struct dropper *drops = calloc(count, sizeof(*drops));
	if (!drops)
		return;
	for (size_t i = 0; i < count; i++)
		drops[i] = (struct dropper){.drops = groups[i].grown + groups[i].stray,
					    .full = groups[i].grown,
					    .at = i};
	droppers_settle(drops, count, overflows);
	for (size_t i = 0; i < count; i++)
		groups[drops[i].at].grown = drops[i].lost;
}

/* The groups that are asked for, in that order; the caller frees them. NULL: there are none, or no
 * memory. */
static struct group *groups_find(const struct queue_watch *w,
				 bool (*asked)(const struct group *, const struct queue_watch *),
				 int (*order)(const void *, const void *), size_t *count)
{
	const struct listeners *all = &w->after->listeners;
	struct group *found = all->count ? calloc(all->count, sizeof(*found)) : NULL;
	size_t groups = 0;
	*count = 0;
	for (size_t i = 0; found && i < all->count; groups++) {
		size_t end = listeners_group(all, i);
		const struct listener *first = &all->at[i];
		do
			group_add(&found[groups], w, &all->at[i]);
		while (++i < end);
		group_lag(&found[groups], w);
		group_find_laggards(&found[groups], w, first);
	}
	if (groups)
		groups_blame(found, groups, w);
	for (size_t i = 0; i < groups; i++)
		if (asked(&found[i], w))
			found[(*count)++] = found[i];
	if (*count)
		qsort(found, *count, sizeof(*found), order);
	return found;
}

void accept_queues_judge(struct queue_watch *w)
{
	size_t count;
	CLEAN(free_pointer) struct group *groups = groups_find(w, group_asks, by_weight, &count);
	for (size_t i = 0; groups && i < count; i++)
		w->blamed |= group_dropping(&groups[i], w);
	for (size_t i = 0; groups && i < count && i < GROUPS_NAMED; i++)
		group_judge(w, &groups[i],
			    !i && count > GROUPS_NAMED ? quantity_count(count - GROUPS_NAMED).text
						       : "");
}

/* Of the drops of a socket only those can be handshakes at a full queue that ListenOverflows counts
 * as well: the others are stray packets. */
static void group_dropped_finding(const struct queue_watch *w, const struct group *g,
				  const char *more)
{
	const struct since *s = &w->after->since;
	uint64_t overflows = (uint64_t)since_growth(s, COUNTER_LISTEN_OVERFLOWS);
	struct wording words = {0};
	char name[WORDING_TEXT];
	listener_words(&words, &w->after->listeners, g->dropper);
	words_backlog(&words, w, g->dropper, g->sockets);
	wording_set(&words, "listener", "%s",
		    listener_name(&w->after->listeners, g->dropper, name, sizeof(name)));
	since_words(s, since_reset(s, COUNTER_LISTEN_OVERFLOWS), w->report->time, &words);
	wording_set(&words, "dropped", "%s",
		    quantity_count(g->since < overflows ? g->since : overflows).text);
	wording_flag(&words, "most", g->since > overflows);
	wording_set(&words, "drops", "%s", quantity_count(g->since).text);
	wording_set(&words, "overflows", "%s", quantity_count(overflows).text);
	wording_set(&words, "more", "%s", more);
	struct finding *f = report_finding(w->report, "accept-queue.dropped", &words);
	finding_evidence(f, "packets dropped since", "packets", (double)g->since, NAN);
	finding_evidence(f, "ListenOverflows of the namespace since", "packets", (double)overflows,
			 NAN);
	finding_blame(f, w, g->dropper);
}

/* Those that dropped next to none of what the worst did may have dropped stray packets only. */
void accept_queues_judge_since(const struct queue_watch *w)
{
	size_t count;
	CLEAN(free_pointer)
	struct group *groups = groups_find(w, group_dropped, by_drops_since, &count);
	uint64_t worst = 0;
	size_t asked = count;
	for (size_t i = 0; i < asked; i++)
		worst = groups[i].since > worst ? groups[i].since : worst;
	for (size_t i = count = 0; i < asked; i++)
		if (!blame_is_little(groups[i].since, worst))
			groups[count++] = groups[i];
	for (size_t i = 0; i < count && i < DROPPERS_NAMED; i++)
		group_dropped_finding(w, &groups[i],
				      !i && count > DROPPERS_NAMED
					      ? quantity_count(count - DROPPERS_NAMED).text
					      : "");
}
