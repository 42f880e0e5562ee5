/* Judges the SYN queues of the listeners that run here without SYN cookies. */
#include "epolltune/syn_queue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/counters.h"
#include "epolltune/doing.h"
#include "epolltune/order.h"
#include "epolltune/quantity.h"
#include "judge/blame.h"

#define MAX_SYN_KNOB "net.ipv4.tcp_max_syn_backlog"
/* That share of a full queue may be free. */
#define FREE_SHARE 16
/* A listener that drops packets for no known reason drops what clients send where it drops so many
 * a second, more than it lets in, and a tenth of all that arrives, and where neither connections
 * that were reset nor handshakes that are half open may explain a tenth of them: a client that has
 * closed answers each segment with a RST, and one retransmits a SYN whose answer is lost. */
#define FILTERED_PER_S 10
#define FILTERED_PART 10
/* Segments that were on their way when a client closed, at most: a send buffer of 4 MiB, the
 * default maximum, holds no more. */
#define IN_FLIGHT 2048
/* More listeners that drop are counted. */
#define DROPPERS_NAMED 4

static int64_t above_limit(unsigned kernel) { return kernel >= KERNEL(6, 14); }

struct syn_room syn_queue_room(int64_t limit, int64_t max_syn, int64_t cookies, unsigned kernel)
{
	struct syn_room r = {.holds = limit + above_limit(kernel)};
	int64_t admits = max_syn == REPORT_NONE ? r.holds : max_syn - (max_syn >> 2) + 1;
	if (cookies == 2)
		r.holds = INT64_MAX;
	if (cookies != 0)
		return r;
	r.at_most = max_syn == REPORT_NONE;
	r.by_max_syn = admits < r.holds;
	r.holds = !r.by_max_syn ? r.holds : admits > 0 ? admits : 0;
	return r;
}

int64_t syn_queue_limit(int64_t enough, unsigned kernel) { return enough - above_limit(kernel); }

int64_t syn_queue_setting(int64_t enough) { return (enough - 1) / 3 * 4 + (enough - 1) % 3; }

static struct syn_room room_of(const struct accept_queues *q, const struct listener *l)
{
	return syn_queue_room(l->limit, q->max_syn, q->cookies, q->kernel);
}

static double fullness(const struct accept_queues *q, const struct listener *l)
{
	int64_t holds = room_of(q, l).holds;
	return (double)l->half_open / (double)(holds ? holds : 1);
}

bool syn_queue_is_full(int64_t half_open, int64_t holds)
{
	return half_open > 0 && half_open + half_open / FREE_SHARE >= holds;
}

static bool is_full(const struct accept_queues *q, const struct listener *l)
{
	return syn_queue_is_full(l->half_open, room_of(q, l).holds);
}

const struct listener *syn_queue_full(const struct accept_queues *q)
{
	const struct listener *worst = NULL;
	for (size_t i = 0; i < q->listeners.count; i++) {
		const struct listener *l = &q->listeners.at[i];
		if (is_full(q, l) && (!worst || fullness(q, l) > fullness(q, worst)))
			worst = l;
	}
	return worst;
}

/* Of those on loopback, none reaches clients of other hosts. */
static bool is_smaller(const struct listener *l, const struct listener *than)
{
	if (!than || listener_on_loopback(l) != listener_on_loopback(than))
		return !than || !listener_on_loopback(l);
	return l->limit < than->limit;
}

const struct listener *syn_queue_smallest(const struct accept_queues *q)
{
	const struct listener *smallest = NULL;
	for (size_t i = 0; i < q->listeners.count; i++) {
		const struct listener *l = &q->listeners.at[i];
		if (l->kind == LISTENER_TCP && is_smaller(l, smallest))
			smallest = l;
	}
	return smallest;
}

/* Those of missing routes; the others are of ICMP. */
#define UNROUTED 2

/* At most so many of the drops have that cause. Of ICMP errors those that came from elsewhere: more
 * that were sent than received went elsewhere, and are no evidence of those. */
static int64_t caused_by(const struct syn_drops_cause *c,
			 int64_t (*value)(const void *of, const char *counter), const void *of)
{
	int64_t all = value(of, c->counter), sent = c->sent ? value(of, c->sent) : 0;
	int64_t others = sent > 0 && sent <= all ? all - sent : all;
	return others > 0 ? others : 0;
}

struct syn_drops syn_drops_of(int64_t (*value)(const void *of, const char *counter), const void *of)
{
	int64_t drops = value(of, COUNTER_LISTEN_DROPS),
		overflows = value(of, COUNTER_LISTEN_OVERFLOWS),
		flooded = value(of, COUNTER_SYN_DROPS);
	struct syn_drops d = {0};
	if (drops < 0 || overflows < 0 || drops <= overflows)
		return d;
	d.rest = drops - overflows;
	d.flooded = flooded > d.rest ? d.rest : flooded > 0 ? flooded : 0;
	for (size_t i = 0; syn_drops_cause(i); i++) {
		int64_t other = caused_by(syn_drops_cause(i), value, of);
		d.other += other;
		d.ended += i >= UNROUTED ? other : 0;
	}
	return d;
}

static int64_t total_of(const void *counters, const char *name)
{
	return host_counter(counters, name);
}

int64_t syn_queue_drops(const struct host_counters *c) { return syn_drops_of(total_of, c).rest; }

static int64_t growth_of(const void *pair, const char *name)
{
	const struct host_counters *const *c = pair;
	return host_counter_delta(c[0], c[1], name);
}

struct syn_drops syn_drops_between(const struct host_counters *before,
				   const struct host_counters *after)
{
	const struct host_counters *const pair[] = {before, after};
	return syn_drops_of(growth_of, pair);
}

int64_t syn_drops_lost(const struct syn_drops *d, int64_t cookies)
{
	int64_t lost = cookies == 0 ? d->rest - d->other : 0;
	return lost > d->flooded ? lost : d->flooded;
}

/* The sockets of one address. */
struct address_drops {
	const struct listener *worst, *fullest; /* fullest: of those that are full; NULL: none */
	uint64_t drops, worst_drops;            /* in the window */
	uint64_t early;                         /* in its first half */
	bool halved;                            /* that is known */
	bool own;                               /* one is the subject's */
	bool named;                             /* it has to be */
	uint64_t half_open;                     /* now */
};

static void address_drops_add(struct address_drops *d, const struct queue_watch *w,
			      const struct listener *l)
{
	const struct accept_queues *q = w->after;
	const struct listener *earlier = listeners_find(&w->before->listeners, l->cookie);
	/* The count wraps. */
	uint64_t drops =
		l->kind == LISTENER_TCP && earlier ? (uint32_t)(l->drops - earlier->drops) : 0;
	uint32_t middle;
	d->halved = queue_dropped(q, l, &middle);
	d->early += drops ? (uint32_t)(middle - earlier->drops) : 0;
	d->drops += drops;
	d->half_open += l->half_open;
	d->own |= subject_has(q->subject, l);
	if (is_full(q, l) && (!d->fullest || fullness(q, l) > fullness(q, d->fullest)))
		d->fullest = l;
	if (drops > d->worst_drops || !d->worst) {
		d->worst_drops = drops;
		d->worst = l;
	}
}

/* Each address; the caller frees them. NULL: there are none, or no memory. */
static struct address_drops *address_drops_find(const struct queue_watch *w, size_t *count)
{
	const struct listeners *all = &w->after->listeners;
	struct address_drops *found = all->count ? calloc(all->count, sizeof(*found)) : NULL;
	*count = 0;
	for (size_t i = 0; found && i < all->count; ++*count)
		for (size_t end = listeners_group(all, i); i < end; i++)
			address_drops_add(&found[*count], w, &all->at[i]);
	return found;
}

/* A SYN that the kernel drops is one of the drops of its listener too (include/net/tcp.h,
 * tcp_listendrop()), which count stray packets besides. */
static int64_t drops_within(const struct address_drops *d, int64_t lost)
{
	return (int64_t)d->drops < lost ? (int64_t)d->drops : lost;
}

/* Marks those that are full and returns what of `lost` they do not account for; 0: next to none, as
 * counters are not read at one moment. */
static int64_t full_mark(struct address_drops *all, size_t count, int64_t lost)
{
	int64_t left = lost;
	for (size_t i = 0; i < count; i++) {
		all[i].named = all[i].fullest;
		if (all[i].named)
			left -= drops_within(&all[i], left);
	}
	return left > 0 && !blame_is_little((uint64_t)left, (uint64_t)lost) ? left : 0;
}

/* Marks those of the others whose drops account for what was lost, and returns what they do not. */
static int64_t lost_mark(struct address_drops *all, size_t count, int64_t lost)
{
	CLEAN(free_pointer) struct dropper *drops = calloc(count, sizeof(*drops));
	size_t others = 0;
	if (!drops)
		return lost;
	for (size_t i = 0; i < count; i++)
		if (!all[i].named)
			drops[others++] = (struct dropper){.drops = all[i].drops, .at = i};
	size_t blamed = lost > 0 ? droppers_blame(drops, others, (uint64_t)lost) : 0;
	for (size_t i = 0; i < blamed; i++)
		all[drops[i].at].named = true;
	return blamed ? 0 : lost;
}

/* The marked ones, the subject's before others. */
static int by_weight(const void *a, const void *b)
{
	const struct address_drops *x = a, *y = b;
	if (x->named != y->named)
		return y->named - x->named;
	if (x->own != y->own)
		return y->own - x->own;
	return ORDER(y->drops, x->drops);
}

void deferred_words(struct wording *words, const struct accept_queues *q)
{
	int64_t count = host_counter(&q->counters, COUNTER_DEFER_DROPS);
	wording_set(words, "deferred", "%s", count > 0 ? quantity_count((uint64_t)count).text : "");
}

static struct finding *dropping_finding(const struct queue_watch *w, const struct listener *l,
					int64_t grown, bool between, const char *more)
{
	const struct accept_queues *q = w->after;
	struct syn_room room = room_of(q, l);
	struct wording words = {0};
	char name[WORDING_TEXT];
	listener_words(&words, &q->listeners, l);
	wording_set(&words, "listener", "%s", listener_name(&q->listeners, l, name, sizeof(name)));
	wording_flag(&words, "between", between);
	wording_set(&words, "half_open", "%s", quantity_count(l->half_open).text);
	wording_set(&words, "capacity", "%s", quantity_count((uint64_t)room.holds).text);
	wording_set(&words, "limit", "%s", quantity_count(l->limit).text);
	wording_set(&words, "max_syn", "%s",
		    room.by_max_syn ? quantity_plain((uint64_t)q->max_syn).text : "");
	wording_set(&words, "grown", "%s", grown > 0 ? quantity_count((uint64_t)grown).text : "");
	wording_set(&words, "window", "%s", quantity_seconds(w->seconds).text);
	wording_flag(&words, "watched", w->seconds > 0);
	if (!between)
		deferred_words(&words, q);
	wording_set(&words, "more", "%s", more);
	struct finding *f = report_finding(w->report, "syn-queue.dropping", &words);
	finding_evidence(f, "half-open connections", "connections", l->half_open, NAN);
	finding_evidence(f, loss_name(loss_row_find(COUNTER_LISTEN_DROPS)), "packets",
			 (double)grown, NAN);
	if (!room.by_max_syn)
		return f;
	f->remedy = REMEDY_KERNEL;
	finding_propose(f, MAX_SYN_KNOB, quantity_plain((uint64_t)q->max_syn).text, "");
	return f;
}

/* SYNs that no listener can be named for. Like those of a listener that is named, but was not seen
 * full, they are critical for the subject only. */
static void unnamed_finding(const struct queue_watch *w, const char *counter, int64_t lost)
{
	struct wording words = {0};
	const char *plain = counter_short(counter), *name = loss_name(loss_row_find(counter));
	wording_set(&words, "counters", "%s %s", quantity_count((uint64_t)lost).text, name);
	wording_set(&words, "window", "%s", quantity_seconds(w->seconds).text);
	wording_set(&words, "what", "%s: %s", plain, counter_row_find(counter)->what);
	bool dropping = w->after->subject && queues_may_drop(w, lost);
	wording_flag(&words, "dropping", dropping);
	struct finding *f = report_finding(w->report, "counters.growing", &words);
	finding_evidence(f, name, "packets", (double)lost, NAN);
	if (dropping)
		f->level = LEVEL_CRITICAL;
}

/* Names those that are full, and those that account for what was `lost` besides, and returns what
 * none does. `rest`: all SYNs that were dropped. */
static int64_t droppers_judge(const struct queue_watch *w, int64_t rest, int64_t lost)
{
	size_t count, named = 0;
	CLEAN(free_pointer) struct address_drops *all = address_drops_find(w, &count);
	if (!count)
		return lost;
	lost = lost_mark(all, count, full_mark(all, count, lost));
	qsort(all, count, sizeof(*all), by_weight);
	while (named < count && all[named].named)
		named++;
	for (size_t i = 0; i < named && i < DROPPERS_NAMED; i++) {
		const struct address_drops *d = &all[i];
		const struct listener *l = d->fullest ? d->fullest : d->worst;
		int64_t grown = drops_within(d, rest);
		struct finding *f = dropping_finding(
			w, l, grown, !d->fullest,
			!i && named > DROPPERS_NAMED ? quantity_count(named - DROPPERS_NAMED).text
						     : "");
		if (d->fullest ? grown <= 0 : !subject_has(w->after->subject, l))
			f->level = LEVEL_WARNING;
	}
	return lost;
}

void syn_queue_judge(const struct queue_watch *w)
{
	struct syn_drops d = syn_drops_between(&w->before->counters, &w->after->counters);
	int64_t lost = syn_drops_lost(&d, w->after->cookies);
	bool dropping = w->after->cookies == 0;
	if (dropping)
		lost = droppers_judge(w, d.rest, lost);
	int64_t flooded = d.flooded < lost ? d.flooded : lost;
	if (dropping && lost > flooded)
		unnamed_finding(w, COUNTER_LISTEN_DROPS, lost);
	else if (flooded > 0)
		unnamed_finding(w, COUNTER_SYN_DROPS, flooded);
}

/* What else a listener's drops count, at most: an ACK at a full accept queue counts twice, and a
 * packet of a handshake that is dropped for another reason once (net/ipv4/tcp_minisocks.c,
 * tcp_check_req()). */
static int64_t drops_explained(const struct queue_watch *w)
{
	static const char *const counters[] = {
		COUNTER_LISTEN_DROPS,     COUNTER_LISTEN_DROPS, COUNTER_COOKIES_SENT,
		COUNTER_EMBRYONIC_RESETS, COUNTER_DEFER_DROPS,  "TcpExt.TSEcrRejected",
		"TcpExt.PAWSEstab",
	};
	int64_t sum = 0;
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		sum += queue_growth(w, counters[i]);
	return sum;
}

/* The counter of a reason for most of these drops; NULL: a filter has none. */
static const char *filter_counter(const struct queue_watch *w, int64_t dropped)
{
	static const char *const reasons[] = {
		"TcpExt.TCPMD5NotFound", "TcpExt.TCPMD5Unexpected", "TcpExt.TCPMD5Failure",
		"TcpExt.TCPAORequired",  "TcpExt.TCPAOKeyNotFound", "TcpExt.TCPAOBad",
		"TcpExt.TCPMinTTLDrop",
	};
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (2 * queue_growth(w, reasons[i]) > dropped)
			return reasons[i];
	return NULL;
}

/* The RSTs that answered segments, at most: of a connection that was reset the first ended it, the
 * others met the listener. */
static int64_t resets_of(const struct queue_watch *w)
{
	int64_t sent = queue_growth(w, COUNTER_SEGMENTS_OUT),
		resets = queue_growth(w, COUNTER_ESTABLISHED_RESETS) * IN_FLIGHT;
	return resets < sent ? resets : sent;
}

/* Whether it dropped packets in both halves of the window: what one client answers is a burst. */
static bool drops_throughout(const struct address_drops *d)
{
	uint64_t late = d->drops > d->early ? d->drops - d->early : 0,
		 less = d->early < late ? d->early : late;
	return d->halved && !blame_is_little(less, d->drops);
}

/* The packets that it drops before its queues; 0: none, or too few. */
static int64_t filtered(const struct queue_watch *w, const struct address_drops *d)
{
	const struct host_counters *c = &w->after->counters;
	int64_t dropped = (int64_t)d->drops - drops_explained(w);
	int64_t part = dropped / FILTERED_PART;
	bool known = w->after->listeners.counted && host_counter(c, COUNTER_PASSIVE_OPENS) >= 0 &&
		     host_counter(c, COUNTER_SEGMENTS_IN) >= 0;
	bool most = dropped > queue_growth(w, COUNTER_PASSIVE_OPENS) &&
		    dropped >= queue_growth(w, COUNTER_SEGMENTS_IN) / FILTERED_PART &&
		    part > queue_growth(w, COUNTER_ESTABLISHED_RESETS) && dropped > resets_of(w) &&
		    part > (int64_t)d->half_open && drops_throughout(d);
	return known && most && (double)dropped >= FILTERED_PER_S * w->seconds ? dropped : 0;
}

static void filtered_finding(const struct queue_watch *w, const struct address_drops *d,
			     int64_t dropped)
{
	const struct listeners *all = &w->after->listeners;
	const char *counter = filter_counter(w, dropped);
	const struct counter_row *row = counter ? counter_row_find(counter) : NULL;
	double rate = (double)dropped / w->seconds;
	struct wording words = {0};
	char name[WORDING_TEXT];
	listener_words(&words, all, d->worst);
	wording_set(&words, "listener", "%s", listener_name(all, d->worst, name, sizeof(name)));
	wording_set(&words, "rate", "%s",
		    quantity_measured(QUANTITY_COUNT, (uint64_t)(rate + 0.5)).text);
	wording_set(&words, "count", "%s", quantity_count((uint64_t)dropped).text);
	wording_set(&words, "window", "%s", quantity_seconds(w->seconds).text);
	wording_set(&words, "opens", "%s",
		    quantity_count((uint64_t)queue_growth(w, COUNTER_PASSIVE_OPENS)).text);
	wording_set(&words, "counter", "%s", row ? counter_short(counter) : "");
	wording_set(&words, "what", "%s", row ? row->what : "");
	wording_set(&words, "action", "%s", row ? row->action : "");
	struct finding *f = report_finding(w->report, "syn-queue.filtered", &words);
	finding_evidence(f, "packets dropped", "packets", (double)dropped, NAN);
	finding_evidence(f, COUNTER_PASSIVE_OPENS, "connections",
			 (double)queue_growth(w, COUNTER_PASSIVE_OPENS), NAN);
}

void syn_filter_judge(const struct queue_watch *w)
{
	size_t count;
	CLEAN(free_pointer) struct address_drops *all = address_drops_find(w, &count);
	for (size_t i = 0; w->seconds > 0 && i < count; i++) {
		int64_t dropped = filtered(w, &all[i]);
		if (dropped)
			filtered_finding(w, &all[i], dropped);
	}
}
