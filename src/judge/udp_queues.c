/* Judges the receive buffers of the UDP sockets that run here. */
#include "epolltune/udp_queues.h"

#include <math.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/doing.h"
#include "epolltune/quantity.h"
#include "epolltune/subject_listeners.h"

/* The sockets of one kind of trouble: the one to name, and its company. */
struct trouble {
	const struct listener *worst; /* NULL: none */
	int64_t weight;
	bool own;            /* the subject's */
	size_t group, stuck; /* sockets of its address, and those of them in such trouble */
	size_t others;       /* in such trouble, of other addresses */
	bool apart;          /* the rest of its group has room */
};

struct looks {
	const struct udp_watch *w;
	const struct listener_index *before;
};

/* The size of the next datagram is not known. */
static bool holds_tenths(const struct listener *l, uint64_t parts)
{
	return l->depth && UINT64_C(10) * l->depth >= parts * l->limit;
}

bool udp_queue_full(const struct listener *l) { return holds_tenths(l, 9); }

/* The same of one that is watched: what a socket has dropped did not fit. */
static bool is_full(const struct listener *l) { return holds_tenths(l, l->drops ? 5 : 9); }

bool udp_queue_wanted(const struct listener *l) { return l->drops || is_full(l); }

/* What a socket has dropped meanwhile, where the kernel counted full buffers or a lack of memory
 * too, or lacks it. */
static int64_t dropped(const struct looks *k, const struct listener *now)
{
	bool full = k->w->exhausted || k->w->errors + k->w->memory > 0 ||
		    (k->w->errors6 + k->w->memory6 > 0 && now->ipv6);
	const struct listener *was =
		full && now->drops ? listener_index_find(k->before, now->cookie) : NULL;
	return was ? (int64_t)(uint32_t)(now->drops - was->drops) : 0;
}

/* Longer than a stall of the target explains. */
static bool is_long(const struct udp_watch *w) { return w->seconds >= 2 * w->stall_s; }

/* Whether a full buffer holds what it held. */
static bool holds_same(const struct looks *k, const struct listener *now)
{
	const struct listener *was =
		is_full(now) ? listener_index_find(k->before, now->cookie) : NULL;
	return was && was->depth == now->depth;
}

static bool stays_full(const struct looks *k, const struct listener *now)
{
	return holds_same(k, now) && is_long(k->w);
}

/* What waits in a buffer of which nothing was read, and that nothing was dropped at. */
static int64_t unread(const struct looks *k, const struct listener *now)
{
	if (!holds_same(k, now))
		return 0;
	return listener_index_find(k->before, now->cookie)->drops == now->drops ? now->depth : 0;
}

static void trouble_add(struct trouble *t, const struct looks *k, const struct listener *l,
			int64_t weight)
{
	bool own = subject_has_datagrams(k->w->subject, k->w->after, l);
	t->others++;
	if (t->worst && (own < t->own || (own == t->own && weight <= t->weight)))
		return;
	t->worst = l;
	t->own = own;
	t->weight = weight;
}

static void trouble_add_group(struct trouble *t, const struct looks *k, const struct listener *l,
			      int64_t weight)
{
	if (!listener_shares_arrivals(l, t->worst))
		return;
	t->group++;
	t->stuck += weight > 0;
	t->others -= weight > 0;
	t->apart &= weight > 0 || !is_full(l);
}

static struct trouble trouble_find(const struct looks *k,
				   int64_t (*weigh)(const struct looks *, const struct listener *))
{
	const struct listeners *all = k->w->after;
	struct trouble t = {.apart = true};
	for (size_t i = 0; i < all->count; i++) {
		int64_t weight = weigh(k, &all->at[i]);
		if (weight > 0)
			trouble_add(&t, k, &all->at[i], weight);
	}
	for (size_t i = 0; t.worst && i < all->count; i++)
		trouble_add_group(&t, k, &all->at[i], weigh(k, &all->at[i]));
	t.apart &= t.stuck < t.group;
	return t;
}

static const struct process *reader_of(const struct looks *k, const struct listener *l)
{
	return l->owner < 0 ? NULL : &k->w->after->processes[l->owner];
}

static void count_set(struct wording *words, const char *name, size_t count, bool shown)
{
	wording_set(words, name, "%s", shown ? quantity_count(count).text : "");
}

static void words_process(struct wording *words, const struct looks *k, const struct listener *l)
{
	const struct process *p = reader_of(k, l);
	listener_words(words, k->w->after, l);
	if (p)
		halted_words(words, p, k->w->after->processes, k->w->after->process_count);
	wording_flag(words, "halted", p && process_halted(p));
	wording_set(words, "state", "%.*s", p && p->state ? 1 : 0, p ? &p->state : "");
	wording_set(words, "waits_in", "%s", p ? p->waits_in : "");
}

static void trouble_words(struct wording *words, const struct looks *k, const struct trouble *t)
{
	const struct listener *l = t->worst;
	char name[WORDING_TEXT];
	words_process(words, k, l);
	wording_set(words, "socket", "%s", listener_name(k->w->after, l, name, sizeof(name)));
	wording_set(words, "drops", "%s", quantity_count(l->drops).text);
	wording_set(words, "queued", "%s", quantity_show(QUANTITY_SIZE, l->depth).text);
	wording_set(words, "buffer", "%s", quantity_show(QUANTITY_SIZE, l->limit).text);
	wording_set(words, "window", "%s", quantity_seconds(k->w->seconds).text);
	wording_set(words, "port", ":%u", l->port);
	count_set(words, "group", t->group, t->group > 1);
	count_set(words, "stuck", t->stuck, true);
	count_set(words, "others", t->others, t->others);
	wording_flag(words, "several", t->others > 1);
	wording_flag(words, "several_stuck", t->stuck > 1);
	wording_flag(words, "apart", t->apart);
}

static void evidence_buffer(struct finding *f, const struct listener *l)
{
	finding_evidence(f, "bytes that wait to be read", "B", l->depth, NAN);
	finding_evidence(f, "receive buffer", "B", l->limit, NAN);
}

static void judge_unread(const struct looks *k)
{
	struct trouble t = trouble_find(k, unread);
	struct wording words = {0};
	if (!t.worst)
		return;
	trouble_words(&words, k, &t);
	struct finding *f = report_finding(k->w->report, "udp.receive.waiting", &words);
	if (t.own)
		f->level = LEVEL_CRITICAL;
	evidence_buffer(f, t.worst);
}

static int64_t filled(const struct looks *k, const struct listener *now)
{
	bool once = k->w->seconds <= 0;
	return udp_queue_full(now) && (once || unread(k, now)) ? now->depth : 0;
}

/* One look, or a window that a stall may be as long as, does not show whether a full one is read.
 */
static void judge_full(const struct looks *k)
{
	struct trouble t = trouble_find(k, filled);
	struct wording words = {0};
	if (!t.worst)
		return;
	const struct process *p = reader_of(k, t.worst);
	trouble_words(&words, k, &t);
	wording_flag(&words, "watched", k->w->seconds > 0);
	wording_set(&words, "longer", "%s", quantity_seconds(2 * k->w->stall_s).text);
	struct finding *f = report_finding(k->w->report, "udp.receive.full", &words);
	if (p && process_halted(p))
		f->level = LEVEL_CRITICAL;
	evidence_buffer(f, t.worst);
}

/* Whether no buffer helps: its process does not run, or its siblings have room all the while. */
static bool is_unserved(const struct looks *k, const struct trouble *t)
{
	const struct process *p = reader_of(k, t->worst);
	return (p && process_halted(p)) || (t->apart && stays_full(k, t->worst));
}

static bool judge_dropping(const struct looks *k)
{
	struct trouble t = trouble_find(k, dropped);
	const int64_t memory = k->w->memory + k->w->memory6, full = k->w->errors + k->w->errors6;
	struct wording words = {0};
	if (!t.worst)
		return false;
	bool by_memory = memory > full || (k->w->exhausted && full < t.weight);
	trouble_words(&words, k, &t);
	wording_set(&words, "grown", "%s", quantity_count((uint64_t)t.weight).text);
	wording_flag(&words, "unserved", is_unserved(k, &t));
	wording_flag(&words, "memory", by_memory);
	wording_flag(&words, "exhausted", k->w->exhausted);
	struct finding *f = report_finding(k->w->report, "udp.receive.overflowing", &words);
	if (t.own)
		f->level = LEVEL_CRITICAL;
	if (by_memory && !is_unserved(k, &t))
		f->remedy = REMEDY_KERNEL;
	finding_evidence(f, "dropped by the socket", "datagrams", (double)t.weight, NAN);
	if (k->w->errors)
		finding_evidence(f, "UdpRcvbufErrors", "datagrams", (double)k->w->errors, NAN);
	if (k->w->errors6)
		finding_evidence(f, "Udp6RcvbufErrors", "datagrams", (double)k->w->errors6, NAN);
	if (memory)
		finding_evidence(f, "UdpMemErrors and Udp6MemErrors", "datagrams", (double)memory,
				 NAN);
	finding_evidence(f, "receive buffer", "B", t.worst->limit, NAN);
	return true;
}

/* Sockets of its own requests come and go, as those of DNS: beside listeners they show nothing. */
static void judge_closed(const struct udp_watch *w)
{
	const struct subject *s = w->subject;
	const struct listener *closed = NULL;
	if (!w->listed || !subject_is_datagrams(s))
		return;
	for (size_t i = 0; i < s->listeners.count; i++) {
		const struct listener *l = &s->listeners.at[i];
		if (l->kind != LISTENER_UDP || l->aside)
			continue;
		if (listeners_find(w->after, l->cookie))
			return;
		closed = closed ? closed : l;
	}
	if (closed)
		subject_closed_finding(w->report, s, closed, false);
}

bool udp_queues_judge(const struct udp_watch *w)
{
	CLEAN(listener_index_free) struct listener_index before = listener_index_make(w->before);
	const struct looks k = {w, &before};
	judge_closed(w);
	if (w->seconds <= 0) {
		judge_full(&k);
		return false;
	}
	bool named = judge_dropping(&k);
	if (is_long(w))
		judge_unread(&k);
	else
		judge_full(&k);
	return named;
}
