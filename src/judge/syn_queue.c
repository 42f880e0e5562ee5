/* Judges the SYN queues of the listeners that run here without SYN cookies. */
#include "epolltune/syn_queue.h"

#include <math.h>

#include "epolltune/doing.h"
#include "epolltune/quantity.h"

#define DROPS "TcpExt.ListenDrops"
#define MAX_SYN_KNOB "net.ipv4.tcp_max_syn_backlog"
/* A full queue has room for a moment whenever a handshake ends: that share of it may be free. */
#define FREE_SHARE 16

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
	r.holds = r.by_max_syn ? admits : r.holds;
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

const struct listener *syn_queue_fullest(const struct accept_queues *q)
{
	const struct listener *worst = NULL;
	for (size_t i = 0; i < q->listeners.count; i++) {
		const struct listener *l = &q->listeners.at[i];
		if (l->half_open && (!worst || fullness(q, l) > fullness(q, worst)))
			worst = l;
	}
	return worst;
}

static bool is_full(const struct listener *l, int64_t holds)
{
	return l->half_open && (int64_t)l->half_open + (int64_t)l->half_open / FREE_SHARE >= holds;
}

int64_t syn_queue_drops(const struct host_counters *c)
{
	int64_t drops = host_counter(c, DROPS), overflows = host_counter(c, QUEUE_OVERFLOWS);
	return drops < 0 || overflows < 0 ? 0 : drops - overflows;
}

void syn_queue_judge(const struct queue_watch *w)
{
	const struct accept_queues *q = w->after;
	const struct listener *l = syn_queue_fullest(q);
	int64_t grown = syn_queue_drops(&q->counters) - syn_queue_drops(&w->before->counters);
	struct wording words = {0};
	char name[WORDING_TEXT];
	if (q->cookies != 0 || !l)
		return;
	struct syn_room room = room_of(q, l);
	if (!is_full(l, room.holds))
		return;
	process_words(&words, l->owner < 0 ? NULL : &q->listeners.processes[l->owner], l->address);
	wording_set(&words, "listener", "%s", listener_name(&q->listeners, l, name, sizeof(name)));
	wording_set(&words, "half_open", "%s", quantity_count(l->half_open).text);
	wording_set(&words, "capacity", "%s", quantity_count((uint64_t)room.holds).text);
	wording_set(&words, "limit", "%s", quantity_count(l->limit).text);
	wording_set(&words, "max_syn", "%s",
		    room.by_max_syn ? quantity_plain((uint64_t)q->max_syn).text : "");
	wording_set(&words, "grown", "%s", grown > 0 ? quantity_count((uint64_t)grown).text : "");
	wording_set(&words, "window", "%s", quantity_seconds(w->seconds).text);
	wording_flag(&words, "watched", w->seconds > 0);
	struct finding *f = report_finding(w->report, "syn-queue.dropping", &words);
	finding_evidence(f, "half-open connections", "connections", l->half_open, NAN);
	finding_evidence(f, "ListenDrops without ListenOverflows", "packets", (double)grown, NAN);
	if (grown <= 0)
		f->level = LEVEL_WARNING;
	if (!room.by_max_syn)
		return;
	f->remedy = REMEDY_KERNEL;
	finding_propose(f, MAX_SYN_KNOB, quantity_plain((uint64_t)q->max_syn).text, "");
}
