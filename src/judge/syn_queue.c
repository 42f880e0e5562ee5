/* Judges the SYN queues of the listeners that run here without SYN cookies. */
#include "epolltune/syn_queue.h"

#include <math.h>

#include "epolltune/doing.h"
#include "epolltune/quantity.h"

#define DROPS "TcpExt.ListenDrops"
#define MAX_SYN_KNOB "net.ipv4.tcp_max_syn_backlog"
/* A full queue has room for a moment whenever a handshake ends: that share of it may be free. */
#define FREE_SHARE 16

int64_t syn_queue_capacity(int64_t max_syn) { return max_syn - (max_syn >> 2) + 1; }

int64_t syn_queue_setting(int64_t enough) { return (enough - 1) / 3 * 4 + (enough - 1) % 3; }

/* tcp_max_syn_backlog counts without cookies only. */
static bool max_syn_binds(const struct accept_queues *q, const struct listener *l)
{
	return q->cookies == 0 && q->max_syn != REPORT_NONE &&
	       syn_queue_capacity(q->max_syn) < (int64_t)l->limit + 1;
}

static int64_t room_of(const struct accept_queues *q, const struct listener *l)
{
	return max_syn_binds(q, l) ? syn_queue_capacity(q->max_syn) : (int64_t)l->limit + 1;
}

static double fullness(const struct accept_queues *q, const struct listener *l)
{
	return (double)l->half_open / (double)room_of(q, l);
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

/* Before 6.14 a queue holds one less than its backlog allows now. */
static bool is_full(const struct accept_queues *q, const struct listener *l)
{
	int64_t room = room_of(q, l) - !max_syn_binds(q, l);
	return l->half_open && (int64_t)l->half_open + (int64_t)l->half_open / FREE_SHARE >= room;
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
	if (q->cookies != 0 || !l || !is_full(q, l))
		return;
	bool by_sysctl = max_syn_binds(q, l);
	process_words(&words, l->owner < 0 ? NULL : &q->listeners.processes[l->owner], l->address);
	wording_set(&words, "listener", "%s", listener_name(&q->listeners, l, name, sizeof(name)));
	wording_set(&words, "half_open", "%s", quantity_count(l->half_open).text);
	wording_set(&words, "capacity", "%s", quantity_count((uint64_t)room_of(q, l)).text);
	wording_set(&words, "limit", "%s", quantity_count(l->limit).text);
	wording_set(&words, "max_syn", "%s",
		    by_sysctl ? quantity_plain((uint64_t)q->max_syn).text : "");
	wording_set(&words, "grown", "%s", grown > 0 ? quantity_count((uint64_t)grown).text : "");
	wording_set(&words, "window", "%s", quantity_seconds(w->seconds).text);
	wording_flag(&words, "watched", w->seconds > 0);
	struct finding *f = report_finding(w->report, "syn-queue.dropping", &words);
	finding_evidence(f, "half-open connections", "connections", l->half_open, NAN);
	finding_evidence(f, "ListenDrops without ListenOverflows", "packets", (double)grown, NAN);
	if (grown <= 0)
		f->level = LEVEL_WARNING;
	if (!by_sysctl)
		return;
	f->remedy = REMEDY_KERNEL;
	finding_propose(f, MAX_SYN_KNOB, quantity_plain((uint64_t)q->max_syn).text, "");
}
