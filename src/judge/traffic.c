#include "judge/traffic.h"

#include <stdlib.h>

#include "epolltune/order.h"
#include "epolltune/quantity.h"

/* A server pauses while connections wait in its queue and the queue does not get shorter. One look
 * may see a connection that is about to be accepted. */
#define LOOKS_SURE 2
/* Of the connections that arrived between two looks so many may have been accepted by another
 * listener's server, as 1 in: the counter is of the namespace. */
#define ACCEPTED_ELSEWHERE 4

/* What a look says of all queues together. */
enum still {
	STILL_NOT, /* connections were accepted, and there is one listener only */
	/* Another listener may have them: a queue that got deeper than usual was not served. */
	STILL_PERHAPS,
	STILL_SURE,
};

/* The queue at the look before this one; NULL: it is new. It is mostly at the same place. */
static const struct traffic_queue *queue_before(const struct traffic *t, uint64_t cookie,
						size_t place)
{
	const struct traffic_queue *before = t->queues[!(t->looks & 1)];
	for (size_t i = 0; i < t->queue_count; i++) {
		const struct traffic_queue *q = &before[(place + i) % t->queue_count];
		if (q->cookie == cookie)
			return q;
	}
	return NULL;
}

static struct traffic_queue queue_now(struct traffic *t, const struct listener *l, size_t place,
				      uint64_t now, enum still still)
{
	const struct traffic_queue *before = queue_before(t, l->cookie, place);
	struct traffic_queue q = {.cookie = l->cookie, .depth = l->depth, .moved_ns = now};
	q.usual = before && before->usual > l->depth ? before->usual : l->depth;
	if (!before || !l->depth || l->depth < before->depth || still == STILL_NOT) {
		if (before && before->depth > q.usual)
			q.usual = before->depth;
		return q;
	}
	q.usual = before->usual;
	q.moved_ns = before->moved_ns;
	q.still = before->still + 1;
	if (q.still >= LOOKS_SURE && (still == STILL_SURE || l->depth > q.usual) &&
	    now - q.moved_ns > t->longest_ns)
		t->longest_ns = now - q.moved_ns;
	return q;
}

static void traffic_queues_add(struct traffic *t, const struct traffic_look *look, enum still still)
{
	struct traffic_queue *queues = t->queues[t->looks & 1];
	size_t count = 0, end = 0;
	enum still of = still;
	for (size_t i = 0; i < look->l->count && count < TRAFFIC_QUEUES; i++) {
		const struct listener *l = &look->l->at[i];
		/* The sockets of a SO_REUSEPORT group have servers of their own. */
		if (i == end) {
			end = listeners_group(look->l, i);
			of = end - i > 1 ? STILL_SURE : still;
		}
		if (look->wanted(l, look->arg) && (!look->timed || look->timed(l, look->arg))) {
			queues[count] = queue_now(t, l, count, look->at_ns, of);
			count++;
		}
	}
	t->queue_count = count;
}

static void slot_begin(struct traffic *t, uint64_t now)
{
	t->slot_ns = now;
	t->slot_opened = t->opened;
	t->slot_datagrams = t->datagrams;
}

static void slot_add(struct traffic *t, uint64_t now)
{
	uint64_t ns = now - t->slot_ns;
	if (ns < TRAFFIC_SLOT_NS)
		return;
	double per_s = (double)(t->opened - t->slot_opened) * 1e9 / (double)ns;
	double datagrams = (double)(t->datagrams - t->slot_datagrams) * 1e9 / (double)ns;
	if (per_s > t->peak_per_s)
		t->peak_per_s = per_s;
	if (datagrams > t->datagrams_peak_per_s)
		t->datagrams_peak_per_s = datagrams;
	slot_begin(t, now);
}

/* A 32-bit kernel's counter wraps. */
static int64_t grown(int64_t was, int64_t now) { return now > was ? now - was : 0; }

/* A server that starts meanwhile has those that were dropped before it listened, too. */
static void dropped_add(struct traffic *t, const struct traffic_look *look, bool begins)
{
	if (begins)
		t->last_dropped = -1;
	if (look->dropped < 0)
		return;
	if (t->last_dropped >= 0)
		t->dropped += (uint64_t)grown(t->last_dropped, look->dropped);
	t->last_dropped = look->dropped;
}

void traffic_add(struct traffic *t, const struct traffic_look *look)
{
	uint64_t waiting = 0;
	bool served = look->only_udp, begins = !t->looks || look->begins;
	for (size_t i = 0; i < look->l->count; i++) {
		bool ours = look->wanted(&look->l->at[i], look->arg);
		waiting += look->l->at[i].depth;
		served |= ours;
		t->others |= !ours;
	}
	if (!t->looks)
		t->first_ns = t->last_ns = t->slot_ns = look->at_ns;
	if (begins || !served)
		t->last_opened = look->opened;
	if (begins || !served || !t->udp)
		t->last_datagrams = look->datagrams;
	if (begins)
		t->queue_count = 0;
	if (!served) {
		t->absent_ns += look->at_ns - t->last_ns;
		slot_begin(t, look->at_ns);
	} else if (!begins && look->at_ns - t->last_ns > t->gap_ns) {
		t->gap_ns = look->at_ns - t->last_ns;
	}
	int64_t arrived = grown(t->last_opened, look->opened);
	int64_t accepted = arrived - ((int64_t)waiting - (int64_t)t->waiting);
	enum still still = accepted <= arrived / ACCEPTED_ELSEWHERE ? STILL_SURE
			   : look->l->count > 1                     ? STILL_PERHAPS
								    : STILL_NOT;
	t->opened += (uint64_t)arrived;
	dropped_add(t, look, begins);
	t->datagrams += (uint64_t)grown(t->last_datagrams, look->datagrams);
	t->last_datagrams = look->datagrams;
	t->udp = look->udp;
	traffic_queues_add(t, look, still);
	slot_add(t, look->at_ns);
	t->waiting = waiting;
	t->last_opened = look->opened;
	t->last_ns = look->at_ns;
	t->looks++;
}

static uint64_t whole(double value) { return value > 0 ? (uint64_t)(value + 0.5) : 0; }

/* Sets the mean of so many, at least 1 if there were any, and the peak, at least the mean. */
static void rate_sum(uint64_t all, double seconds, double most, uint64_t *mean, uint64_t *peak)
{
	*mean = seconds > 0 ? whole((double)all / seconds) : 0;
	if (all && !*mean)
		*mean = 1;
	*peak = whole(most) > *mean ? whole(most) : *mean;
}

/* Sorts the values. */
static struct observed_share shares(uint64_t *values, size_t count)
{
	struct observed_share s = {.count = count};
	if (!count)
		return s;
	qsort(values, count, sizeof(*values), u64_compare);
	s.p50 = values[(count - 1) * 50 / 100];
	s.p95 = values[(count - 1) * 95 / 100];
	s.p99 = values[(count - 1) * 99 / 100];
	return s;
}

void traffic_sum(const struct traffic *t, const struct connections *c, uint64_t max_open,
		 struct report_observed *out)
{
	uint64_t rtt[CONNECTIONS_SAMPLE], bps[CONNECTIONS_SAMPLE], window[CONNECTIONS_SAMPLE];
	size_t rtts = 0, rates = 0, windows = 0;
	uint64_t ns = t->last_ns - t->first_ns - t->absent_ns;
	double seconds = (double)ns / 1e9;
	for (size_t i = 0; i < c->count; i++) {
		const struct connection *one = &c->at[i];
		if (one->rtt_us)
			rtt[rtts++] = one->rtt_us;
		if (!one->delivered || one->app_limited)
			continue;
		bps[rates++] = one->delivered * 8;
		if (one->rtt_us)
			window[windows++] =
				whole((double)one->delivered * (double)one->rtt_us / 1e6);
	}
	*out = (struct report_observed){
		.us = ns / 1000,
		.connections = max_open,
		.opened = t->opened,
		.stall_us = t->longest_ns / 1000,
		.gap_us = t->gap_ns / 1000,
		.dropped = t->dropped,
		.others = t->others,
		.udp = t->udp,
		.sampled = c->count,
		.rtt_us = shares(rtt, rtts),
		.bandwidth_bps = shares(bps, rates),
		.window_bytes = shares(window, windows).p95,
	};
	rate_sum(t->opened, seconds, t->peak_per_s, &out->rate_per_s, &out->peak_per_s);
	rate_sum(t->datagrams, seconds, t->datagrams_peak_per_s, &out->datagrams_per_s,
		 &out->datagrams_peak_per_s);
}

static uint64_t or_usual(uint64_t seen, uint64_t usual) { return seen ? seen : usual; }

struct target observed_target(const struct report_observed *o, const struct target *usual)
{
	struct target t = *usual;
	t.connections = or_usual(o->connections, 1);
	t.rate_per_s = or_usual(o->rate_per_s, 1);
	if (!o->udp_others)
		t.datagrams_per_s = or_usual(o->datagrams_per_s, usual->datagrams_per_s);
	/* That none was longer while it was observed does not show that none will be. */
	if (o->stall_us > usual->stall_us)
		t.stall_us = quantity_round(QUANTITY_DURATION, o->stall_us);
	t.rtt_us = or_usual(quantity_round(QUANTITY_DURATION, o->rtt_us.p95), usual->rtt_us);
	/* The fast clients are rarely those that are far away. */
	double bps = 8e6 * (double)o->window_bytes / (double)t.rtt_us;
	t.bandwidth_bps =
		or_usual(quantity_round(QUANTITY_BANDWIDTH, whole(bps)), usual->bandwidth_bps);
	return t;
}

uint64_t observed_datagrams(const struct report_observed *o, uint64_t percent)
{
	uint64_t all = (o->datagrams_per_s * percent + 99) / 100;
	return all < o->datagrams_peak_per_s ? o->datagrams_peak_per_s : all;
}

struct target observed_headroom(const struct report_observed *o, const struct target *seen,
				uint64_t percent)
{
	struct target t = *seen;
	t.connections = (seen->connections * percent + 99) / 100;
	t.rate_per_s = (seen->rate_per_s * percent + 99) / 100;
	if (t.rate_per_s < o->peak_per_s)
		t.rate_per_s = o->peak_per_s;
	if (o->datagrams_per_s && !o->udp_others)
		t.datagrams_per_s = observed_datagrams(o, percent);
	return t;
}
