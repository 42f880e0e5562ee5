/* Watches interfaces and the softnet layer. Losses during the window, and of cards those since an
 * earlier report, are findings, older ones at most notes. A value below its maximum does not cause
 * a proposal. */
#include "epolltune/probe.h"

#include <inttypes.h>
#include <linux/pkt_sched.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/counters.h"
#include "epolltune/knob_value.h"
#include "epolltune/nic.h"
#include "epolltune/quantity.h"
#include "epolltune/since.h"
#include "epolltune/subject.h"

#define RING "nic.ring"
#define QUEUES "nic.queues"

static const char *const walls[] = {"softnet.backlog", "softnet.budget", RING, QUEUES, NULL};

/* The shares of all packets, and of its time on softirqs, that make one CPU the bottleneck. */
#define ONE_CPU_PACKETS 0.9
#define ONE_CPU_TIME 0.5
/* Squeezes per second up to which a busy machine has no problem; beyond them it has one where the
 * budget is below the kernel's own, the softirqs have no time left on the busiest CPU, or packets
 * were dropped. Otherwise the rest of the work is done a softirq later: net/core/dev.c,
 * net_rx_action(). */
#define SQUEEZES_PER_S 10
#define BUDGET 300 /* net.core.netdev_budget by default */
/* Drops a second of this namespace's own interfaces that are the backlog's, wherever most packets
 * arrive: fewer may be of protocols that nothing receives. */
#define OWN_DROPS_PER_S 10
/* Totals since boot are reported from one in a thousand packets on. */
#define PAST_SHARE 0.001
#define PAST_MIN 100
#define COALESCE_US 100
/* A machine of that many CPUs has others than the one that serves a single queue. */
#define MANY_CPUS 4

#define RESETS_LINK "most drivers reset the link to change it"

/* The machine at one moment. */
struct sample {
	struct nics nics;   /* physical interfaces */
	struct nics all;    /* statistics of all interfaces */
	char unlisted[200]; /* why the interfaces could not be listed; "": they were */
	struct softnet softnet;
	struct err no_softnet;                     /* why it could not be read; code 0: it was */
	int64_t max_backlog, budget, budget_usecs; /* REPORT_NONE: not visible */
	struct host_cpu_times cpus;
	bool own_netns;   /* host_own_netns() */
	double uptime_s;  /* 0: unknown */
	char online[120]; /* lists of CPUs; "": unknown */
	char server[120]; /* that the server in question may use */
	bool outside;     /* of the network namespace that the check left */
	struct host_identity identity;
};

static const struct err *sample_unread(const struct sample *s) { return &s->no_softnet; }

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	struct err why = {0};
	if (nics_read(h, NIC_REAL, &s->nics, &why) || nics_read(h, NIC_STATISTICS, &s->all, &why))
		report_text(s->unlisted, "%s",
			    host_live(h) ? why.text : "the capture does not contain them");
	softnet_read(h, &s->softnet, &s->no_softnet);
	s->max_backlog = s->budget = s->budget_usecs = REPORT_NONE;
	knob_number("net.core.netdev_max_backlog", h, &s->max_backlog);
	knob_number("net.core.netdev_budget", h, &s->budget);
	knob_number("net.core.netdev_budget_usecs", h, &s->budget_usecs);
	host_cpu_times(h, &s->cpus, NULL);
	s->own_netns = host_own_netns(h);
	s->uptime_s = host_uptime(h);
	if (host_read(h, "sys/devices/system/cpu/online", s->online, sizeof(s->online), NULL) < 0)
		s->online[0] = 0;
	s->outside = o->outside.look == OUTSIDE_HERE;
	if (o->since)
		host_identity(h, &s->identity, NULL);
	if (s->outside) /* an earlier report names the one that it entered */
		s->identity.netns[0] = 0;
	if (o->subject && host_live(h))
		subject_cpu_list(h, o->subject, s->server, sizeof(s->server));
	return 0;
}

/* A window that is not longer may have none of the card's losses, or those of another time. */
#define INTERVAL_PART 1.1

static uint64_t sample_window_us(const struct sample *s)
{
	uint64_t longest = 0;
	for (size_t i = 0; i < s->nics.count; i++) {
		uint64_t us = s->nics.at[i].up ? nic_loss_interval_us(&s->nics.at[i]) : 0;
		longest = us > longest ? us : longest;
	}
	return (uint64_t)((double)longest * INTERVAL_PART);
}

static void sample_release(struct sample *s)
{
	nics_free(&s->nics);
	nics_free(&s->all);
	softnet_free(&s->softnet);
}

/* Two samples of the machine, or one twice: then no counter has grown. */
struct nic_watch {
	const struct sample *before, *after;
	double seconds; /* 0: one sample */
	bool ours;      /* most packets of the window came through interfaces of this namespace */
	uint64_t received;           /* packets of these interfaces, in the window */
	uint64_t dropped;            /* by a full backlog; at most what these interfaces dropped */
	struct softnet_growth grown; /* in the window */
	double busiest_softirq;      /* of the busiest CPU's time */
	bool saturated;              /* by that, and most packets are those of this namespace */
	const struct nic *one_cpu; /* whose packets one CPU takes, as a finding says; NULL: none */
};

static struct nic_watch watch_of(const struct sample *before, const struct sample *after,
				 const struct moment *m)
{
	struct nic_watch w = {.before = before, .after = after};
	uint64_t taken = 0;
	if (before == after)
		return w;
	w.seconds = m->seconds;
	w.grown = softnet_growth(&before->softnet, &after->softnet);
	w.busiest_softirq = host_softirq_share(&before->cpus, &after->cpus, w.grown.busiest);
	w.received = nics_received(&before->all, &after->all);
	/* Softnet counts the packets of all namespaces, those of the experiments included, and
	 * again at each bond, VLAN or master above an interface. */
	for (size_t i = 0; i < after->all.count; i++)
		taken += nic_received(&before->all, &after->all, after->all.at[i].index);
	w.ours = 2 * taken >= w.grown.total.processed;
	w.saturated = w.ours && w.busiest_softirq >= ONE_CPU_TIME;
	w.dropped = nics_dropped(&before->all, &after->all);
	if (w.dropped > w.grown.total.dropped)
		w.dropped = w.grown.total.dropped;
	return w;
}

/* Sets {count} and {window}. */
static void words_growth(const struct nic_watch *w, uint64_t count, struct wording *words)
{
	wording_set(words, "count", "%s", quantity_show(QUANTITY_COUNT, count).text);
	wording_set(words, "window", "%s", quantity_seconds(w->seconds).text);
}

/* Proposes a value ("": none) that no lab can try. `n`: the device that has the knob, or NULL. */
static void propose(struct finding *f, const char *knob, const struct nic *n, const char *current,
		    const char *proposed, const char *untried)
{
	finding_propose_device(f, knob, n ? n->name : "", current, proposed);
	f->tried = proposed[0] ? TRIED_NOT : TRIED_NONE;
	report_text(f->outcome, "%s", untried);
}

/* One column of softnet_stat: its wall, findings and knob. */
struct loss_column {
	const char *wall, *grows, *past;
	const char *counter, *unit;
	int64_t limit;    /* of the wall */
	const char *knob; /* the one that binds, its value and usual value */
	int64_t value;
	int64_t usual;
	uint64_t grown, total;
	uint64_t local; /* of `grown`, what this namespace may have lost */
	/* Whether the interfaces of this namespace counted it; otherwise it is likely only where
	 * most packets are this namespace's. */
	bool counted;
	double min; /* minimum of `local` that is a problem */
};

/* Softnet counters have 32 bits and wrap; those of the interfaces do not. */
static uint64_t packets_total(const struct sample *s)
{
	uint64_t processed = softnet_total(&s->softnet).processed, received = 0;
	for (size_t i = 0; i < s->all.count; i++)
		received += s->all.at[i].statistics.rx_packets.value;
	return received > processed ? received : processed;
}

static bool past_matters(uint64_t lost, uint64_t packets)
{
	return lost >= PAST_MIN && (double)lost >= PAST_SHARE * (double)packets;
}

static void column_grows(const struct nic_watch *w, const struct loss_column *c, struct report *r)
{
	struct wording words = {0};
	words_growth(w, c->local, &words);
	wording_set(&words, "cost", "%s", knob_find(c->knob)->cost);
	wording_set(&words, "knob", "%s", c->knob);
	wording_flag(&words, "hidden", c->value == REPORT_NONE);
	struct finding *f = report_finding(r, c->grows, &words);
	finding_evidence(f, c->counter, c->unit, (double)c->local, NAN);
	int64_t max = knob_find(c->knob)->max;
	if (c->value < 0 || c->value >= max) {
		finding_propose(f, c->knob, "", "");
		return;
	}
	int64_t twice = c->value > max / 2 ? max : 2 * c->value;
	propose(f, c->knob, NULL, quantity_plain((uint64_t)c->value).text,
		quantity_plain((uint64_t)(twice > c->usual ? twice : c->usual)).text,
		"one value for the whole machine");
}

static void column_wall(const struct nic_watch *w, const struct loss_column *c, struct wall *wall)
{
	struct wording words = {0};
	words_growth(w, c->total, &words);
	wording_flag(&words, "readable", !w->after->no_softnet.code);
	wording_set(&words, "age", "%s", quantity_ago(w->after->uptime_s).text);
	if (w->seconds > 0)
		wording_set(&words, "grown", "%s",
			    c->grown ? quantity_show(QUANTITY_COUNT, c->grown).text : "none");
	bool ours = c->counted || w->ours;
	wording_flag(&words, "foreign", c->grown && !ours);
	wording_flag(&words, "elsewhere", c->grown && ours && !c->local);
	wording_flag(&words, "hidden", c->limit == REPORT_NONE);
	report_text(wall->knob, "%s", c->knob);
	wall->limit = c->limit;
	if (!w->after->no_softnet.code)
		wall->verdict = report_verdict(c->limit, REPORT_NONE);
	wall_fill(wall, &words);
}

static void judge_column(const struct nic_watch *w, const struct loss_column *c, struct report *r)
{
	struct wall *wall = report_wall(r, c->wall);
	column_wall(w, c, wall);
	if (c->local && (c->counted || w->ours) && (double)c->local >= c->min) {
		column_grows(w, c, r);
		wall->verdict = VERDICT_TIGHT;
	} else if (past_matters(c->total > c->grown ? c->total - c->grown : 0,
				packets_total(w->before))) {
		struct wording words = {0};
		wording_set(&words, "history", "%s", wall->detail);
		wording_flag(&words, "none", w->seconds > 0 && !c->grown);
		report_finding(r, c->past, &words);
	}
}

/* A round ends by its number of packets or by its time (net/core/dev.c, net_rx_action()). It was
 * the time if fewer packets arrived than that many full rounds hold. */
static bool ended_by_time(const struct nic_watch *w)
{
	uint64_t packets =
		w->received > w->grown.total.processed ? w->received : w->grown.total.processed;
	return w->after->budget >= 0 && w->after->budget_usecs >= 0 &&
	       packets < w->grown.total.time_squeeze * (uint64_t)w->after->budget;
}

static bool squeezes_harm(const struct nic_watch *w)
{
	bool lost = w->dropped > 0;
	for (size_t i = 0; i < w->after->nics.count; i++) {
		const struct nic *n = &w->after->nics.at[i];
		lost |= nic_loss(nics_find(&w->before->nics, n->name), n, NIC_LOSS_RING).grown > 0;
	}
	bool small = w->after->budget >= 0 && w->after->budget < BUDGET;
	return lost || small || w->busiest_softirq >= ONE_CPU_TIME;
}

static void judge_softnet(const struct nic_watch *w, struct report *r)
{
	struct softnet_cpu total = softnet_total(&w->after->softnet);
	const struct loss_column backlog = {
		.wall = "softnet.backlog",
		.grows = "softnet.backlog.drops",
		.past = "softnet.backlog.past",
		.counter = "softnet_stat column 2 (dropped)",
		.unit = "packets",
		.limit = w->after->max_backlog,
		.knob = "net.core.netdev_max_backlog",
		.value = w->after->max_backlog,
		.usual = 1000,
		.grown = w->grown.total.dropped,
		.local = w->dropped,
		/* enqueue_to_backlog() counts at the interface. A container's
		 * packets pass softnet again outside: it never has most. */
		.counted =
			w->after->own_netns && (double)w->dropped >= OWN_DROPS_PER_S * w->seconds,
		.total = total.dropped,
		.min = LOSS_SHARE * (double)w->received};
	struct loss_column budget = {.wall = "softnet.budget",
				     .grows = "softnet.budget.squeezed",
				     .past = "softnet.budget.past",
				     .counter = "softnet_stat column 3 (time_squeeze)",
				     .unit = "rounds",
				     .limit = w->after->budget,
				     .knob = "net.core.netdev_budget",
				     .value = w->after->budget,
				     .usual = BUDGET,
				     .grown = w->grown.total.time_squeeze,
				     .local = w->grown.total.time_squeeze,
				     .total = total.time_squeeze,
				     .min = squeezes_harm(w) ? SQUEEZES_PER_S * w->seconds
							     : (double)UINT64_MAX};
	if (ended_by_time(w)) {
		budget.knob = "net.core.netdev_budget_usecs";
		budget.value = w->after->budget_usecs;
		budget.usual = 2000;
	}
	judge_column(w, &backlog, r);
	judge_column(w, &budget, r);
}

/* Sets {device}, and {master} for the function of one. */
static void words_device(const struct sample *s, const struct nic *n, struct wording *words)
{
	const struct nic *master = n ? nics_master(&s->all, n) : NULL;
	wording_set(words, "device", "%s", n ? n->name : "");
	wording_set(words, "driver", "%s", n ? n->driver : "");
	wording_set(words, "master", "%s", master ? master->name : "");
}

static const struct nic *main_nic(const struct sample *s)
{
	return s->unlisted[0] ? NULL : nics_main(&s->nics, &s->all);
}

/* Judges the wall of a setting of the main interface. `limit` 0: unknown. */
static void device_wall(const struct sample *s, const struct nic *n, uint64_t limit, uint64_t max,
			struct wording *words, struct wall *wall)
{
	words_device(s, n, words);
	wording_set(words, "max", "%s", limit ? quantity_plain(max).text : "");
	wording_set(words, "why", "%s", s->unlisted);
	if (limit)
		wall->limit = (int64_t)limit;
	wall->verdict = n || s->unlisted[0] ? report_verdict(wall->limit, REPORT_NONE) : VERDICT_NA;
	wall_fill(wall, words);
}

static void ring_overrun(const struct nic_watch *w, const struct nic *n, const struct nic_loss *l,
			 struct report *r)
{
	struct wording words = {0};
	const struct nic_rings *ring = &n->rings;
	bool room = ring->rx.known && ring->rx_max.known && ring->rx.value < ring->rx_max.value;
	uint64_t proposed =
		2 * ring->rx.value < ring->rx_max.value ? 2 * ring->rx.value : ring->rx_max.value;
	words_growth(w, l->grown, &words);
	words_device(w->after, n, &words);
	wording_set(&words, "counter", "%s", l->grew);
	wording_flag(&words, "among", l->kind == NIC_LOSS_AMONG);
	wording_set(&words, "max", "%" PRIu64, ring->rx_max.value);
	wording_flag(&words, "settable", ring->rx.known);
	if (room)
		wording_set(&words, "proposed", "%" PRIu64, proposed);
	struct finding *f = report_finding(r, "nic.ring.overrun", &words);
	finding_evidence(f, l->grew, "packets", (double)l->grown, NAN);
	if (room)
		propose(f, "device.ring.rx", n, quantity_plain(ring->rx.value).text,
			quantity_plain(proposed).text, RESETS_LINK);
	else
		f->remedy = REMEDY_NONE;
	report_wall(r, RING)->verdict = VERDICT_TIGHT;
}

/* A total since the driver was loaded. */
static void loss_past(const struct nic_watch *w, const struct nic *n, const struct nic_loss *l,
		      const char *id, struct report *r)
{
	struct wording words = {0};
	words_growth(w, l->total, &words);
	words_device(w->after, n, &words);
	wording_set(&words, "counter", "%s", l->counter);
	wording_set(&words, "age", "%s", quantity_ago(w->after->uptime_s).text);
	wording_flag(&words, "none", w->seconds > 0 && !l->grown);
	wording_flag(&words, "among", l->kind == NIC_LOSS_AMONG);
	report_finding(r, id, &words);
}

/* Packets that it received and sent, or with `before` did so since. */
static uint64_t nic_packets(const struct nic *before, const struct nic *n)
{
	uint64_t now = n->statistics.rx_packets.value + n->statistics.tx_packets.value;
	uint64_t then =
		before ? before->statistics.rx_packets.value + before->statistics.tx_packets.value
		       : 0;
	return now > then ? now - then : 0;
}

static void allowance_exceeded(const struct nic_watch *w, const struct nic *n,
			       const struct nic_loss *l, struct report *r)
{
	struct wording words = {0};
	const struct counter_row *row = counter_row_find(l->grew);
	words_growth(w, l->grown, &words);
	words_device(w->after, n, &words);
	wording_set(&words, "counter", "%s", l->grew);
	wording_set(&words, "action", "%s", row ? row->action : "");
	wording_flag(&words, "refused", l->kind == NIC_LOSS_REFUSED);
	struct finding *f = report_finding(r, "nic.allowance.exceeded", &words);
	finding_evidence(f, l->grew, "packets", (double)l->grown, NAN);
	finding_evidence(f, "since the driver was loaded", "packets", (double)l->total, NAN);
}

/* The provider's limits. A few shaped packets of a burst do no harm. */
static void judge_allowances(const struct nic_watch *w, const struct nic *n, struct report *r)
{
	const struct nic *before = nics_find(&w->before->nics, n->name);
	for (size_t i = 0; i < nic_loss_count(); i++) {
		struct nic_loss l = nic_loss_at(i, before, n);
		if (l.kind != NIC_LOSS_SHAPED && l.kind != NIC_LOSS_REFUSED)
			continue;
		if (l.grown && (l.kind == NIC_LOSS_REFUSED ||
				past_matters(l.grown, nic_packets(before, n) + l.grown)))
			allowance_exceeded(w, n, &l, r);
		else if (past_matters(l.total, nic_packets(NULL, n) + l.total))
			loss_past(w, n, &l, "nic.allowance.past", r);
	}
}

/* One may be damaged anywhere: so many of a window, and so large a share, delay connections. */
#define ERRORS_MIN 10
#define ERRORS_SHARE PAST_SHARE

/* `passed`: packets that were not lost. */
static bool errors_matter(uint64_t lost, uint64_t passed)
{
	return lost >= ERRORS_MIN && (double)lost >= ERRORS_SHARE * (double)(passed + lost);
}

static uint64_t without(uint64_t count, uint64_t part) { return count > part ? count - part : 0; }

/* `ring`: packets that its ring lost, which some drivers add to the errors. */
static void judge_errors(const struct nic_watch *w, const struct nic *n, uint64_t ring,
			 struct report *r)
{
	const struct nic *before = nics_find(&w->before->nics, n->name);
	struct nic_loss l = nic_loss(before, n, NIC_LOSS_OTHER);
	struct wording words = {0};
	l.grown = without(l.grown, ring);
	if (!l.grown)
		return;
	words_growth(w, l.grown, &words);
	words_device(w->after, n, &words);
	wording_set(&words, "counter", "%s", l.grew);
	wording_flag(&words, "sends", nic_loss_sends(l.grew));
	struct finding *f = report_finding(r, "nic.errors", &words);
	finding_evidence(f, l.grew, "packets", (double)l.grown, NAN);
	if (!errors_matter(l.grown, nic_packets(before, n)))
		finding_to_note(f);
}

/* Whether so many are lost that it delays connections. What the kernel itself drops at a full
 * backlog is in the counter of a ring among others too. */
static bool ring_grows(const struct nic_watch *w, const struct nic *before, const struct nic *n,
		       struct nic_loss *l)
{
	if (l->kind != NIC_LOSS_AMONG)
		return l->grown && (double)l->grown >= LOSS_SHARE * (double)nic_packets(before, n);
	l->grown = without(l->grown, w->grown.total.dropped);
	l->total = without(l->total, softnet_total(&w->after->softnet).dropped);
	return errors_matter(l->grown, nic_packets(before, n));
}

static void judge_ring(const struct nic_watch *w, struct report *r)
{
	struct wording words = {0};
	struct wall *wall = report_wall(r, RING);
	const struct nic *first = main_nic(w->after);
	wording_flag(&words, "silent", first && !nic_loss_counted(first));
	report_text(wall->knob, "device.ring.rx");
	device_wall(w->after, first, first ? first->rings.rx.value : 0,
		    first ? first->rings.rx_max.value : 0, &words, wall);
	for (size_t i = 0; i < w->after->nics.count; i++) {
		const struct nic *n = &w->after->nics.at[i];
		const struct nic *before = nics_find(&w->before->nics, n->name);
		struct nic_loss l = nic_loss(before, n, NIC_LOSS_RING);
		bool grows = ring_grows(w, before, n, &l);
		if (grows)
			ring_overrun(w, n, &l, r);
		else if (past_matters(l.total, n->statistics.rx_packets.value + l.total))
			loss_past(w, n, &l, "nic.ring.past", r);
		if (!grows)
			judge_errors(w, n, l.kind == NIC_LOSS_AMONG ? 0 : l.grown, r);
		judge_allowances(w, n, r);
	}
}

/* Of the cards that a report records, and of the counters of their losses. */
#define CARDS_RECORDED 8
#define LOSSES_RECORDED 40
#define COUNTER_NAME sizeof(((struct report_counter *)NULL)->name)
#define PACKETS "packets"

/* A card and an earlier report. */
struct card_since {
	const struct since *since;
	const struct nic *n;
	bool outside;
	bool restarted; /* its counters began again at 0 */
};

/* "nic-eth0.rx_missed_errors"; of a card outside "out-eth0.rx_missed_errors". */
static void card_counter(bool outside, const struct nic *n, const char *name,
			 char text[COUNTER_NAME])
{
	snprintf(text, COUNTER_NAME, "%s-%s.%.*s", outside ? "out" : "nic", n->name,
		 (int)(COUNTER_NAME - sizeof("nic-.") - NIC_NAME), name);
}

static size_t card_losses(const struct nic *n)
{
	size_t count = 0;
	for (size_t k = 0; k < nic_loss_count(); k++)
		count += nic_loss_at(k, NULL, n).total > 0;
	return count;
}

/* What a card has lost, and of how many packets; without counters that are 0. `add` is called for
 * each of them. */
static void cards_count(const struct sample *s,
			void (*add)(void *to, const char *name, int64_t value), void *to)
{
	char name[COUNTER_NAME];
	size_t losses = 0;
	for (size_t i = 0; i < s->nics.count && i < CARDS_RECORDED; i++) {
		const struct nic *n = &s->nics.at[i];
		size_t all = losses + card_losses(n);
		if (!n->running || all > LOSSES_RECORDED)
			continue;
		losses = all;
		card_counter(s->outside, n, PACKETS, name);
		add(to, name, (int64_t)nic_packets(NULL, n));
		for (size_t k = 0; k < nic_loss_count(); k++) {
			struct nic_loss l = nic_loss_at(k, NULL, n);
			if (!l.total)
				continue;
			card_counter(s->outside, n, l.counter, name);
			add(to, name, (int64_t)l.total);
		}
	}
}

static void report_add(void *report, const char *name, int64_t value)
{
	report_counter(report, name, value);
}

static void counters_add(void *counters, const char *name, int64_t value)
{
	const char *in = strchr(name, '.');
	char card[COUNTER_NAME];
	snprintf(card, sizeof(card), "%.*s", (int)(in - name), name);
	host_counter_add(counters, card, in + 1, value);
}

/* One that the report of its card does not have was 0. */
static struct nic_number card_then(size_t i, const void *of)
{
	const struct card_since *c = of;
	char name[COUNTER_NAME];
	card_counter(c->outside, c->n, nic_loss_name(i), name);
	if (c->restarted)
		return (struct nic_number){true, 0};
	int64_t then = report_counter_value(c->since->report, name);
	return (struct nic_number){true, then > 0 ? (uint64_t)then : 0};
}

/* What the kernel dropped at a full backlog is in the counter of a ring among others. */
static uint64_t backlog_since(const struct nic_watch *w, const struct since *s)
{
	int64_t then = report_counter_value(s->report, COUNTER_SOFTNET_DROPPED);
	uint64_t now = softnet_total(&w->after->softnet).dropped;
	return then > 0 && !since_reset(s, COUNTER_SOFTNET_DROPPED) ? without(now, (uint64_t)then)
								    : now;
}

static bool since_matters(const struct nic_loss *l, uint64_t passed)
{
	if (l->kind == NIC_LOSS_RING)
		return loss_matters((int64_t)l->grown, (int64_t)passed);
	if (l->kind == NIC_LOSS_REFUSED)
		return l->grown >= LOSS_FEW;
	return errors_matter(l->grown, passed);
}

static void card_lost(const struct nic_watch *w, const struct card_since *c,
		      const struct nic_loss *l, struct report *r)
{
	struct wording words = {0};
	const struct counter_row *row = counter_row_find(l->grew);
	bool ring = l->kind == NIC_LOSS_RING || l->kind == NIC_LOSS_AMONG;
	bool provider = l->kind == NIC_LOSS_SHAPED || l->kind == NIC_LOSS_REFUSED;
	bool again = c->restarted && !c->since->all;
	since_words(c->since, again ? SINCE_RESTART : c->since->all, r->time, &words);
	if (again) {
		wording_set(&words, "since", "since its driver was loaded");
		wording_set(&words, "after", "since its driver was loaded");
	}
	words_device(w->after, c->n, &words);
	wording_set(&words, "count", "%s", quantity_count(l->grown).text);
	wording_set(&words, "counter", "%s", l->grew);
	wording_set(&words, "action", "%s", row ? row->action : "");
	wording_flag(&words, "ring", ring);
	wording_flag(&words, "among", l->kind == NIC_LOSS_AMONG);
	wording_flag(&words, "provider", provider);
	wording_flag(&words, "refused", l->kind == NIC_LOSS_REFUSED);
	struct finding *f = report_finding(r, "nic.since", &words);
	f->remedy = provider ? REMEDY_PROVIDER : REMEDY_DEVICE;
	finding_evidence(f, l->grew, "packets", (double)l->grown, NAN);
}

/* The packets of a card since the report; -1: it is not in both. Their number falls where the
 * driver was loaded again, while a counter of losses may also fall as queues are removed. One that
 * came from another network namespace may be another card. */
static int64_t card_passed(struct card_since *c)
{
	char name[COUNTER_NAME];
	card_counter(c->outside, c->n, PACKETS, name);
	int64_t now = host_counter(c->since->now, name);
	int64_t then = report_counter_value(c->since->report, name);
	c->restarted = c->since->all == SINCE_REBOOT || now < then;
	if (now < 0 || c->since->all == SINCE_NETNS || (then < 0 && !c->restarted))
		return -1;
	return c->restarted ? now : now - then;
}

/* What the cards have lost since an earlier report that has their packets. */
static void judge_since(const struct nic_watch *w, const struct probe_options *o, struct report *r)
{
	static const enum nic_loss_kind kinds[] = {NIC_LOSS_RING, NIC_LOSS_SHAPED, NIC_LOSS_REFUSED,
						   NIC_LOSS_OTHER};
	CLEAN(free_pointer)
	struct host_counters *now = o && o->since ? calloc(1, sizeof(*now)) : NULL;
	cards_count(w->after, report_add, r);
	if (!now)
		return;
	cards_count(w->after, counters_add, now);
	const struct since s = since_make(o, &w->after->identity, now);
	for (size_t i = 0; i < w->after->nics.count && i < CARDS_RECORDED; i++) {
		struct card_since c = {
			.since = &s, .n = &w->after->nics.at[i], .outside = w->after->outside};
		int64_t passed = card_passed(&c);
		uint64_t ring = 0;
		for (size_t k = 0; passed >= 0 && k < sizeof(kinds) / sizeof(*kinds); k++) {
			struct nic_loss l = nic_loss_since(c.n, kinds[k], card_then, &c);
			if (l.kind == NIC_LOSS_AMONG)
				l.grown = without(l.grown, backlog_since(w, &s));
			if (l.kind == NIC_LOSS_RING)
				ring = l.grown;
			if (l.kind == NIC_LOSS_OTHER)
				l.grown = without(l.grown, ring);
			if (since_matters(&l, (uint64_t)passed))
				card_lost(w, &c, &l, r);
		}
	}
}

/* How to spread the packets of an interface over more CPUs. */
struct spreading {
	uint64_t queues;
	bool one;                /* of several: the RSS table uses no other */
	uint64_t more;           /* queues to set; 0: it cannot have more */
	char mask[SOFTNET_MASK]; /* rps_cpus, if more queues are not possible; "": does not help */
};

static struct spreading spreading_of(const struct nic *n, const struct softnet *cpus)
{
	struct spreading s = {0};
	uint64_t max;
	s.queues = nic_receive_queues(n, &max);
	/* Drivers keep a table that was set, and others do not fill theirs with more queues either.
	 */
	bool narrow = n->rss.queues.known && n->rss.queues.value < s.queues;
	s.one = narrow && n->rss.queues.value == 1;
	if (narrow)
		s.mask[0] = 0;
	else if (s.queues < max && s.queues < cpus->count)
		s.more = max < cpus->count ? max : cpus->count;
	else if (s.queues != 1 || nic_spread(n, NIC_RX) == NIC_SPREAD_ON ||
		 !softnet_mask(cpus, s.mask))
		s.mask[0] = 0;
	return s;
}

/* `n`: the interface that received the packets; NULL: none, such as for packets of loopback, which
 * stay on their sender's CPU. */
static void one_cpu(const struct nic_watch *w, const struct nic *n, struct report *r)
{
	struct wording words = {0};
	struct spreading s = n ? spreading_of(n, &w->after->softnet) : (struct spreading){0};
	/* More queues do not help where one CPU serves them all. */
	const char *irq_cpu = n && s.queues > 1 ? nic_irq_cpu(n) : NULL;
	if (irq_cpu)
		s.more = 0;
	words_growth(w, w->grown.total.processed, &words);
	wording_set(&words, "cpu", "%u", w->grown.busiest);
	wording_set(&words, "cpus", "%zu", w->after->softnet.count);
	wording_set(&words, "share", "%.0f %%", 100 * w->grown.busiest_share);
	wording_set(&words, "softirq", "%.0f %%", 100 * w->busiest_softirq);
	words_device(w->after, n, &words);
	wording_set(&words, "irqs", "%s", irq_cpu ? irq_cpu : "");
	wording_set(&words, "queues", "%" PRIu64, s.queues);
	wording_set(&words, "plural", "%s", s.queues == 1 ? "" : "s");
	wording_flag(&words, "table", s.one);
	wording_flag(&words, "more", s.more);
	wording_set(&words, "rps", "%s", s.mask);
	struct finding *f = report_finding(r, "nic.queues.one-cpu", &words);
	finding_evidence(f, "packets taken by the busiest CPU", "%", 100 * w->grown.busiest_share,
			 NAN);
	finding_evidence(f, "its time spent on softirqs", "%", 100 * w->busiest_softirq, NAN);
	if (s.more)
		propose(f, "device.channels", n, quantity_plain(s.queues).text,
			quantity_plain(s.more).text, RESETS_LINK);
	else if (s.mask[0])
		propose(f, "device.rps_cpus", n, "0", s.mask, knob_scope_untried(KNOB_DEVICE));
	else
		f->remedy = REMEDY_NONE;
	if (n)
		report_wall(r, QUEUES)->verdict = VERDICT_TIGHT;
	else
		f->level = LEVEL_NOTE;
}

static void words_placement(const struct nic *n, const struct sample *s, struct wording *words)
{
	struct nic_placement p = nic_placement(n, s->online, s->server);
	wording_set(words, "irqs", "%s", p.irq_cpus);
	wording_set(words, "rps", "%s", nic_spread_name(p.rps));
	wording_set(words, "xps", "%s", nic_spread_name(p.xps));
}

static void judge_queues(struct nic_watch *w, struct report *r)
{
	struct wording words = {0};
	struct wall *wall = report_wall(r, QUEUES);
	const struct nic *n = main_nic(w->after);
	uint64_t max = 0, queues = n ? nic_receive_queues(n, &max) : 0;
	size_t cpus = w->after->softnet.count;
	bool watched = w->ours && w->grown.total.processed;
	words_growth(w, w->grown.total.processed, &words);
	wording_set(&words, "cpus", "%zu", cpus);
	wording_set(&words, "took", "%s", watched ? quantity_plain(w->grown.cpus).text : "");
	if (n)
		words_placement(n, w->after, &words);
	report_text(wall->knob, "device.channels");
	device_wall(w->after, n, queues, max, &words, wall);
	if (n && watched && cpus > 1 && w->grown.busiest_share >= ONE_CPU_PACKETS && w->saturated) {
		w->one_cpu = nics_carrier(&w->after->nics, &w->before->all, &w->after->all,
					  ONE_CPU_PACKETS);
		one_cpu(w, w->one_cpu, r);
	}
}

/* Reports settings that slow an epoll server down, without regard to counters. */
static void judge_offloads(const struct nic *n, struct wording *words, struct report *r)
{
	static const struct {
		const char *feature, *offload, *reason, *option;
	} offloads[] = {
		{"rx-gro", "generic receive offload",
		 "Each packet passes through the stack alone; GRO would merge those of one "
		 "connection. Leave it off if this machine is a router.",
		 "gro"},
		{"tx-tcp-segmentation", "TCP segmentation offload",
		 "The kernel cuts outgoing data into packets; the device could do that.", "tso"},
	};
	for (size_t i = 0; i < sizeof(offloads) / sizeof(*offloads); i++) {
		const struct nic_feature *f = nic_feature(n, offloads[i].feature);
		if (!f || f->active || !f->changeable)
			continue;
		wording_set(words, "offload", "%s", offloads[i].offload);
		wording_set(words, "reason", "%s", offloads[i].reason);
		wording_set(words, "option", "%s", offloads[i].option);
		report_finding(r, "nic.offload", words);
	}
}

static bool is_shaper(const char *qdisc)
{
	static const char *const shapers[] = {"netem", "tbf", "htb", "hfsc", "cbq", "red"};
	for (size_t i = 0; i < sizeof(shapers) / sizeof(*shapers); i++)
		if (!strcmp(qdisc, shapers[i]))
			return true;
	return false;
}

/* The root, or one of those below it: each queue of a card may have its own. */
static void judge_qdisc(const struct nic *n, struct wording *words, struct report *r)
{
	const char *shaper = is_shaper(n->qdisc) ? n->qdisc : NULL;
	for (size_t i = 0; !shaper && i < n->qdisc_count; i++)
		shaper = is_shaper(n->qdiscs[i].kind) ? n->qdiscs[i].kind : NULL;
	wording_set(words, "qdisc", "%s", shaper ? shaper : "");
	if (shaper)
		report_finding(r, "nic.qdisc", words);
}

static void judge_qdisc_drops(const struct nic_watch *w, const struct nic *n, struct wording *words,
			      struct report *r)
{
	const struct nic *was = w->seconds > 0 ? nics_at(&w->before->all, n->index) : NULL;
	struct nic_qdisc_loss l = was ? nic_qdisc_loss(was, n) : (struct nic_qdisc_loss){0};
	if (!l.grown)
		return;
	uint32_t parent = l.most->parent;
	words_growth(w, l.grown, words);
	wording_flag(words, "several", l.grown > 1);
	wording_set(words, "qdisc", "%s", l.most->kind);
	if (parent != TC_H_ROOT)
		wording_set(words, "parent", "%x:%x", TC_H_MAJ(parent) >> 16, TC_H_MIN(parent));
	wording_set(words, "others", "%s", l.count > 1 ? quantity_count(l.count - 1).text : "");
	struct finding *f = report_finding(r, "nic.qdisc.dropping", words);
	finding_evidence(f, "packets dropped", "packets", (double)l.grown, NAN);
}

/* Of the packets sent: so many are no sign of a long queue, but a link that is full. */
#define CONGESTED_SHARE 0.01

/* What controls congestion drops a few packets wherever TCP finds out how fast it may send. */
static void judge_congestion(const struct nic_watch *w, const struct nic *n, struct wording *words,
			     struct report *r)
{
	const struct nic *was = w->seconds > 0 ? nics_at(&w->before->all, n->index) : NULL;
	struct nic_qdisc_loss l = was ? nic_qdisc_loss(was, n) : (struct nic_qdisc_loss){0};
	if (l.controlled < ERRORS_MIN)
		return;
	double sent =
		(double)without(n->statistics.tx_packets.value, was->statistics.tx_packets.value);
	double share = (double)l.controlled / (sent + (double)l.controlled);
	if (share < CONGESTED_SHARE)
		return;
	words_growth(w, l.controlled, words);
	wording_set(words, "qdisc", "%s", l.controls->kind);
	wording_set(words, "share", "%.0f", 100 * share);
	struct finding *f = report_finding(r, "nic.qdisc.congested", words);
	finding_evidence(f, "packets dropped", "packets", (double)l.controlled, NAN);
	finding_evidence(f, "packets sent", "packets", sent, NAN);
}

/* Whether it sends what this namespace sends: the other end of a veth pair or of a TAP device in a
 * bridge is a guest's, that of a macvtap always, and an ifb takes what was received. */
static bool sends_own(const struct nic *n)
{
	bool pair = !strcmp(n->kind, "veth") || !strcmp(n->kind, "tun");
	return !(pair && n->master) && strcmp(n->kind, "macvtap") != 0 &&
	       strcmp(n->kind, "ifb") != 0;
}

/* Whether what it sends is judged: outside of the server's namespace its own veth pairs are, those
 * of other containers not. */
static bool sends_here(const struct probe_options *o, const struct nic *n)
{
	if (!o || o->outside.look != OUTSIDE_HERE || !o->outside.end_count || !n->peer)
		return sends_own(n);
	for (size_t i = 0; i < o->outside.end_count; i++)
		if (o->outside.ends[i] == n->index)
			return true;
	return false;
}

/* What its other end does not take: a process that reads a TUN device too slowly, or a veth that
 * receives through NAPI and whose ring is full (drivers/net/tun.c, tun_net_xmit(),
 * drivers/net/veth.c, veth_xmit()). A veth without NAPI counts what the softnet backlog drops.
 * WireGuard also counts packets to a peer that is away. */
static void judge_virtual(const struct nic_watch *w, const struct nic *n, struct wording *words,
			  struct report *r)
{
	const struct nic *was = w->seconds > 0 ? nics_at(&w->before->all, n->index) : NULL;
	bool tun = !strcmp(n->kind, "tun");
	if (!was || !n->running || (!tun && strcmp(n->kind, "veth") != 0))
		return;
	uint64_t lost = without(n->statistics.tx_dropped.value, was->statistics.tx_dropped.value);
	if (!tun)
		lost = without(lost, w->grown.total.dropped);
	if (!errors_matter(lost, nic_packets(was, n)))
		return;
	words_growth(w, lost, words);
	wording_set(words, "counter", "tx_dropped");
	wording_flag(words, "sends", true);
	wording_flag(words, "tun", tun);
	wording_flag(words, "veth", !tun);
	struct finding *f = report_finding(r, "nic.errors", words);
	finding_evidence(f, "tx_dropped", "packets", (double)lost, NAN);
	f->remedy = tun ? REMEDY_APPLICATION : REMEDY_NONE;
}

/* A tunnel counts as dropped what finds its own queue full, and packets of protocols that nothing
 * receives, of which there are few; where the packets are steered to other CPUs again, what the
 * softnet backlog drops too. */
static void judge_unpacked(const struct nic_watch *w, const struct nic *n, struct report *r)
{
	const struct nic *was = w->seconds > 0 ? nics_at(&w->before->all, n->index) : NULL;
	struct wording words = {0};
	if (!was || !n->running || !nic_unpacks(n))
		return;
	uint64_t lost =
		without(without(n->statistics.rx_dropped.value, was->statistics.rx_dropped.value),
			w->grown.total.dropped);
	/* What IPsec refuses counts as both. */
	if (!strncmp(n->kind, "vti", 3) || !strcmp(n->kind, "xfrm"))
		lost = without(lost, without(n->statistics.rx_errors.value,
					     was->statistics.rx_errors.value));
	if ((double)lost < OWN_DROPS_PER_S * w->seconds ||
	    !errors_matter(lost, nic_packets(was, n)))
		return;
	words_growth(w, lost, &words);
	words_device(w->after, n, &words);
	wording_set(&words, "kind", "%s", n->kind);
	wording_flag(&words, "macsec", !strcmp(n->kind, "macsec"));
	if (w->after->max_backlog != REPORT_NONE)
		wording_set(&words, "backlog", "%s",
			    quantity_plain((uint64_t)w->after->max_backlog).text);
	struct finding *f = report_finding(r, "nic.tunnel.dropping", &words);
	finding_evidence(f, "rx_dropped", "packets", (double)lost, NAN);
}

/* Firewalls drop there on purpose: a note. What they drop is counted nowhere else (net/core/dev.c,
 * tc_run()). */
static void judge_filters(const struct nic_watch *w, const struct nic *n, struct wording *words,
			  struct report *r)
{
	const struct nic *was = w->seconds > 0 ? nics_at(&w->before->all, n->index) : NULL;
	uint64_t dropped = was ? nic_filters_loss(was, n) : 0;
	if (!was || !errors_matter(dropped, nic_packets(was, n)))
		return;
	words_growth(w, dropped, words);
	wording_flag(words, "clsact", !strcmp(n->filters.kind, "clsact"));
	struct finding *f = report_finding(r, "nic.filters.dropping", words);
	finding_evidence(f, "packets dropped", "packets", (double)dropped, NAN);
}

static void judge_qdiscs(const struct nic_watch *w, const struct probe_options *o, struct report *r)
{
	for (size_t i = 0; i < w->after->all.count; i++) {
		const struct nic *n = &w->after->all.at[i];
		struct wording words = {0};
		if (!n->up)
			continue;
		judge_unpacked(w, n, r);
		if (!sends_here(o, n))
			continue;
		words_device(w->after, n, &words);
		judge_qdisc(n, &words, r);
		judge_qdisc_drops(w, n, &words, r);
		judge_congestion(w, n, &words, r);
		judge_virtual(w, n, &words, r);
		judge_filters(w, n, &words, r);
	}
}

static void judge_coalescing(const struct nic *n, struct wording *words, struct report *r)
{
	const struct nic_coalesce *c = &n->coalesce;
	if (!c->rx_usecs.known || c->rx_usecs.value < COALESCE_US ||
	    (c->adaptive_rx.known && c->adaptive_rx.value))
		return;
	wording_set(words, "usecs", "%" PRIu64, c->rx_usecs.value);
	propose(report_finding(r, "nic.coalesce", words), "device.coalesce.rx-usecs", n,
		quantity_plain(c->rx_usecs.value).text, "", "");
}

/* Where its work is done. Without harm that is a note for --verbose. */
static void placement_find(const struct nic_watch *w, const char *id, const struct wording *words,
			   struct report *r)
{
	struct finding *f = report_finding(r, id, words);
	bool harm = w->saturated;
	if (harm)
		f->level = LEVEL_WARNING;
	for (size_t i = 0; walls[i]; i++)
		harm |= report_wall(r, walls[i])->verdict == VERDICT_TIGHT;
	f->quiet = f->quiet && !harm;
}

static void judge_placement(const struct nic_watch *w, const struct nic *n, struct wording *words,
			    struct report *r)
{
	size_t cpus = w->after->softnet.count;
	uint64_t max, queues = nic_receive_queues(n, &max);
	const char *cpu = nic_irq_cpu(n);
	struct nic_placement p = nic_placement(n, w->after->online, w->after->server);
	char mask[SOFTNET_MASK] = "";
	wording_set(words, "cpu", "%s", cpu ? cpu : "");
	wording_set(words, "cpus", "%zu", cpus);
	wording_set(words, "irqs", "%s", p.irq_cpus);
	wording_set(words, "server", "%s", w->after->server);
	wording_set(words, "online", "%s", w->after->online);
	wording_set(words, "queues", "%" PRIu64, queues);
	if (n == w->one_cpu)
		return;
	if (cpu && queues > 1 && cpus > 1 && n->irq_count >= queues)
		placement_find(w, "nic.affinity", words, r);
	else if (p.beside_server)
		placement_find(w, "nic.server-cpus", words, r);
	if (p.offline)
		placement_find(w, "nic.offline-cpus", words, r);
	if (queues == 1 && p.rps == NIC_SPREAD_OFF && cpus >= MANY_CPUS &&
	    softnet_mask(&w->after->softnet, mask)) {
		wording_set(words, "mask", "%s", mask);
		placement_find(w, "nic.one-queue", words, r);
	}
}

/* What the network namespace of a server in a container does not show: its packets cross the card,
 * the qdiscs and the neighbour table of the one outside. */
static void judge_entered(const struct probe_options *o, struct report *r)
{
	struct wording words = {0};
	if (!o || !o->entered || o->outside.look != OUTSIDE_UNSEEN)
		return;
	wording_set(&words, "who", "%s", o->subject ? o->subject->name : "");
	report_finding(r, "nic.outside", &words);
}

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	struct nic_watch w = watch_of(before, after, m);
	judge_entered(m->options, r);
	judge_softnet(&w, r);
	judge_ring(&w, r);
	judge_since(&w, m->options, r);
	judge_queues(&w, r);
	judge_qdiscs(&w, m->options, r);
	for (size_t i = 0; i < after->nics.count; i++) {
		const struct nic *n = &after->nics.at[i];
		struct wording words = {0};
		if (!n->up)
			continue;
		words_device(after, n, &words);
		/* Its function meets them instead. */
		if (nics_vf(&after->nics, n))
			continue;
		judge_offloads(n, &words, r);
		judge_coalescing(n, &words, r);
		judge_placement(&w, n, &words, r);
	}
}

static const struct observation observation = {
	.walls = walls,
	.size = sizeof(struct sample),
	.window = true,
	.outside = true,
	.sample = sample_take,
	.window_us = sample_window_us,
	.unread = sample_unread,
	.release = sample_release,
	.judge = observation_judge,
};

const struct probe probe_nic = {
	.name = "nic",
	.summary = "watches network cards and softnet: lost packets, queues, backlog, budget",
	.mode = PROBE_FIRST,
	.place = PROBE_HOST,
	.observation = &observation,
};
