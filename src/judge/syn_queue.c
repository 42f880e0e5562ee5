/* Judges the SYN queues of the listeners that run here without SYN cookies. */
#include "epolltune/syn_queue.h"

#include <math.h>

#include "epolltune/doing.h"
#include "epolltune/quantity.h"

#define FLOODED "TcpExt.TCPReqQFullDrop"
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

const char *syn_drops_other(size_t i)
{
	static const char *const others[] = {
		"Ip.OutNoRoutes",       "Ip6.OutNoRoutes",   "Icmp.InDestUnreachs",
		"Icmp.InTimeExcds",     "Icmp.InParmProbs",  "Icmp6.InDestUnreachs",
		"Icmp6.InParmProblems", "Icmp6.InTimeExcds",
	};
	return i < sizeof(others) / sizeof(*others) ? others[i] : NULL;
}

struct syn_drops syn_drops_of(int64_t (*value)(const void *of, const char *counter), const void *of)
{
	int64_t drops = value(of, LISTEN_DROPS), overflows = value(of, QUEUE_OVERFLOWS),
		flooded = value(of, FLOODED);
	struct syn_drops d = {0};
	if (drops < 0 || overflows < 0 || drops <= overflows)
		return d;
	d.rest = drops - overflows;
	d.flooded = flooded > d.rest ? d.rest : flooded > 0 ? flooded : 0;
	for (size_t i = 0; syn_drops_other(i); i++) {
		int64_t other = value(of, syn_drops_other(i));
		d.other += other > 0 ? other : 0;
	}
	return d;
}

static int64_t total_of(const void *counters, const char *name)
{
	return host_counter(counters, name);
}

int64_t syn_queue_drops(const struct host_counters *c) { return syn_drops_of(total_of, c).rest; }

static int64_t growth_of(const void *watch, const char *counter)
{
	const struct queue_watch *w = watch;
	return host_counter_delta(&w->before->counters, &w->after->counters, counter);
}

/* The sockets of one address. */
struct droppers {
	const struct listener *worst;
	uint64_t drops, worst_drops; /* in the window */
};

static void droppers_add(struct droppers *d, const struct queue_watch *w, const struct listener *l)
{
	const struct listener *earlier = listeners_find(&w->before->listeners, l->cookie);
	/* The count wraps. */
	uint64_t drops =
		l->kind == LISTENER_TCP && earlier ? (uint32_t)(l->drops - earlier->drops) : 0;
	d->drops += drops;
	if (drops > d->worst_drops) {
		d->worst_drops = drops;
		d->worst = l;
	}
}

/* The listener whose drops account for what was lost, if the others have dropped next to none;
 * NULL: unknown. The drops of a socket count stray packets too. */
static const struct listener *dropper_find(const struct queue_watch *w, uint64_t lost)
{
	const struct listeners *all = &w->after->listeners;
	struct droppers worst = {0};
	uint64_t sum = 0;
	for (size_t i = 0; i < all->count;) {
		struct droppers d = {0};
		size_t first = i;
		do {
			droppers_add(&d, w, &all->at[i++]);
		} while (i < all->count && listener_same_address(&all->at[first], &all->at[i]));
		sum += d.drops;
		if (d.drops > worst.drops)
			worst = d;
	}
	bool accounts = worst.drops * 10 >= lost * 9 && (sum - worst.drops) * 10 <= lost;
	return accounts ? worst.worst : NULL;
}

static struct finding *dropping_finding(const struct queue_watch *w, const struct listener *l,
					int64_t grown, bool between)
{
	const struct accept_queues *q = w->after;
	struct syn_room room = room_of(q, l);
	struct wording words = {0};
	char name[WORDING_TEXT];
	process_words(&words, l->owner < 0 ? NULL : &q->listeners.processes[l->owner], l->address);
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
	struct finding *f = report_finding(w->report, "syn-queue.dropping", &words);
	finding_evidence(f, "half-open connections", "connections", l->half_open, NAN);
	finding_evidence(f, LISTEN_DROPS_REST, "packets", (double)grown, NAN);
	if (!room.by_max_syn)
		return f;
	f->remedy = REMEDY_KERNEL;
	finding_propose(f, MAX_SYN_KNOB, quantity_plain((uint64_t)q->max_syn).text, "");
	return f;
}

/* SYNs that no listener can be named for. */
static void unnamed_finding(const struct queue_watch *w, int64_t lost)
{
	struct wording words = {0};
	wording_set(&words, "counters", "%s " LISTEN_DROPS_REST,
		    quantity_count((uint64_t)lost).text);
	wording_set(&words, "window", "%s", quantity_seconds(w->seconds).text);
	wording_set(&words, "what", "ListenDrops: %s", counter_row_find(LISTEN_DROPS)->what);
	struct finding *f = report_finding(w->report, "counters.growing", &words);
	finding_evidence(f, LISTEN_DROPS_REST, "packets", (double)lost, NAN);
}

void syn_queue_judge(const struct queue_watch *w)
{
	const struct accept_queues *q = w->after;
	const struct listener *l = syn_queue_fullest(q);
	struct syn_drops d = syn_drops_of(growth_of, w);
	if (q->cookies != 0)
		return;
	if (l && is_full(l, room_of(q, l).holds)) {
		struct finding *f = dropping_finding(w, l, d.rest, false);
		if (d.rest <= 0)
			f->level = LEVEL_WARNING;
		return;
	}
	int64_t lost = d.rest - d.other;
	l = lost > 0 ? dropper_find(w, (uint64_t)lost) : NULL;
	if (l && !subject_has(q->subject, l))
		dropping_finding(w, l, lost, true)->level = LEVEL_WARNING;
	else if (l)
		dropping_finding(w, l, lost, true);
	else if (lost > d.flooded) /* probe counters reports the others */
		unnamed_finding(w, lost - d.flooded);
}
