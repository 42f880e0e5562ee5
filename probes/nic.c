/* Interfaces and the softnet layer, watched for a while: what grows meanwhile is a finding, an old
 * total a note at most. A higher maximum alone is no reason to propose anything. */
#include "epolltune/probe.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/knob.h"
#include "epolltune/nic.h"
#include "epolltune/quantity.h"

#define RING "nic.ring"
#define QUEUES "nic.queues"

#define CPUS 1024
/* One CPU does it all: that share of the packets, and that share of its time spent on them. */
#define ONE_CPU_PACKETS 0.9
#define ONE_CPU_TIME 0.5
/* A busy machine has some squeezes a second; fewer than that are no problem. */
#define SQUEEZES_PER_S 10
/* Old totals are reported from one in a thousand packets on. */
#define PAST_SHARE 0.001
#define PAST_MIN 100
#define COALESCE_US 100

#define RESETS_LINK "most drivers reset the link to change it"

/* The machine at one moment. */
struct sample {
	struct nics nics;   /* physical ones */
	struct nics all;    /* all, their statistics */
	char unlisted[200]; /* why the interfaces could not be listed; "": they are */
	struct softnet softnet;
	bool have_softnet;
	int64_t max_backlog, budget, budget_usecs; /* REPORT_NONE: not visible */
	struct cpu_time {
		uint64_t softirq, all; /* clock ticks */
	} cpu[CPUS];
	double uptime_s; /* 0: unknown */
};

static int64_t sysctl_number(const struct host *h, const char *name)
{
	char value[KNOB_VALUE];
	int64_t number = REPORT_NONE;
	if (knob_read(knob_find(name), h, value, NULL) == 0)
		knob_field(value, 0, &number);
	return number;
}

/* "cpu3 user nice system idle iowait irq softirq steal …" (proc_stat(5)). */
static void cpu_line(const char *line, struct sample *s)
{
	char *at;
	unsigned long cpu = strtoul(line + strlen("cpu"), &at, 10);
	for (size_t i = 0; cpu < CPUS && i < 8; i++) {
		uint64_t ticks = strtoull(at, &at, 10);
		s->cpu[cpu].all += ticks;
		if (i == 6)
			s->cpu[cpu].softirq = ticks;
	}
}

static void cpu_times(const struct host *h, struct sample *s)
{
	CLEAN(free_pointer) char *text = NULL;
	if (host_read_all(h, "proc/stat", &text, NULL) < 0)
		return;
	for (char *save, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, "cpu", 3) && line[3] != ' ')
			cpu_line(line, s);
}

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	struct err why = {0};
	char uptime[64];
	(void)o;
	(void)e;
	if (nics_read(h, NIC_REAL, &s->nics, &why) || nics_read(h, NIC_STATISTICS, &s->all, &why))
		report_text(s->unlisted, "%s",
			    host_live(h) ? why.text : "the capture does not contain them");
	s->have_softnet = softnet_read(h, &s->softnet, NULL) == 0;
	s->max_backlog = sysctl_number(h, "net.core.netdev_max_backlog");
	s->budget = sysctl_number(h, "net.core.netdev_budget");
	s->budget_usecs = sysctl_number(h, "net.core.netdev_budget_usecs");
	cpu_times(h, s);
	if (host_read(h, "proc/uptime", uptime, sizeof(uptime), NULL) > 0)
		s->uptime_s = strtod(uptime, NULL);
	return 0;
}

static void sample_release(struct sample *s)
{
	nics_free(&s->nics);
	nics_free(&s->all);
	softnet_free(&s->softnet);
}

/* What was watched: the same machine twice, or once; then nothing has grown. */
struct watch {
	const struct sample *before, *after;
	double seconds; /* 0: there is one sample */
	bool beside;
	bool ours; /* most packets of the window came through interfaces of this namespace */
	uint64_t received;        /* packets by these interfaces, in the window */
	struct softnet_cpu grown; /* of all CPUs, in the window */
	double busiest_share;     /* of the packets, by the busiest CPU */
	double busiest_softirq;   /* of its time */
	uint32_t busiest;
	unsigned cpus; /* that took a tenth of the packets at least */
};

/* The growth of a row of softnet_stat; its counters wrap at 32 bits. */
static struct softnet_cpu cpu_grown(const struct watch *w, const struct softnet_cpu *after)
{
	const struct softnet *s = &w->before->softnet;
	for (size_t i = 0; i < s->count; i++) {
		const struct softnet_cpu *b = &s->at[i];
		if (b->cpu == after->cpu)
			return (struct softnet_cpu){
				.cpu = b->cpu,
				.processed = (uint32_t)(after->processed - b->processed),
				.dropped = (uint32_t)(after->dropped - b->dropped),
				.time_squeeze = (uint32_t)(after->time_squeeze - b->time_squeeze)};
	}
	return (struct softnet_cpu){.cpu = after->cpu};
}

static double softirq_share(const struct watch *w, uint32_t cpu)
{
	if (cpu >= CPUS || w->after->cpu[cpu].all <= w->before->cpu[cpu].all)
		return 0;
	const struct cpu_time *b = &w->before->cpu[cpu], *a = &w->after->cpu[cpu];
	return (double)(a->softirq - b->softirq) / (double)(a->all - b->all);
}

static void watch_softnet(struct watch *w)
{
	const struct softnet *s = &w->after->softnet;
	uint64_t most = 0;
	for (size_t i = 0; i < s->count; i++) {
		struct softnet_cpu g = cpu_grown(w, &s->at[i]);
		w->grown.processed += g.processed;
		w->grown.dropped += g.dropped;
		w->grown.time_squeeze += g.time_squeeze;
		if (g.processed > most) {
			most = g.processed;
			w->busiest = g.cpu;
		}
	}
	for (size_t i = 0; most && i < s->count; i++)
		w->cpus += cpu_grown(w, &s->at[i]).processed * 10 >= w->grown.processed;
	if (most)
		w->busiest_share = (double)most / (double)w->grown.processed;
	w->busiest_softirq = softirq_share(w, w->busiest);
}

static const struct nic *nic_by_index(const struct nics *n, uint32_t index)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->at[i].index == index)
			return &n->at[i];
	return NULL;
}

/* Another interface has received what it receives. */
static bool stacked(const struct nic *n)
{
	static const char *const kinds[] = {"bond",    "bridge", "team",   "vlan",
					    "macvlan", "ipvlan", "macsec", "vrf"};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(n->kind, kinds[i]))
			return true;
	return false;
}

/* Packets of the window; none by an interface that was there for a part of it. */
static uint64_t received_by(const struct watch *w, const struct nic *n)
{
	const struct nic *a = nic_by_index(&w->after->all, n->index);
	const struct nic *b = nic_by_index(&w->before->all, n->index);
	uint64_t after = a ? a->statistics.rx_packets.value : 0;
	uint64_t before = b ? b->statistics.rx_packets.value : UINT64_MAX;
	return after > before ? after - before : 0;
}

static struct watch watch_of(const struct sample *before, const struct sample *after,
			     const struct moment *m)
{
	struct watch w = {.before = before, .after = after, .beside = m->beside};
	if (before == after)
		return w;
	w.seconds = m->seconds;
	watch_softnet(&w);
	for (size_t i = 0; i < after->all.count; i++)
		if (!stacked(&after->all.at[i]))
			w.received += received_by(&w, &after->all.at[i]);
	/* Softnet counts for every namespace, also for those of the experiments. */
	w.ours = 2 * w.received >= w.grown.processed;
	return w;
}

/* " 3 days ago"; "" if unknown */
static const char *age_text(double seconds, char text[32])
{
	static const struct {
		double below, unit;
		const char *name;
	} units[] = {{120, 1, "seconds"},
		     {2 * 3600, 60, "minutes"},
		     {2 * 86400, 3600, "hours"},
		     {0, 86400, "days"}};
	size_t i = 0;
	text[0] = 0;
	while (i < 3 && seconds >= units[i].below)
		i++;
	if (seconds > 0)
		snprintf(text, 32, " %.0f %s ago", seconds / units[i].unit, units[i].name);
	return text;
}

/* {count}, in a {window}, {beside} what. */
static void words_growth(const struct watch *w, uint64_t count, struct wording *words)
{
	wording_set(words, "count", "%s", quantity_show(QUANTITY_COUNT, count).text);
	wording_set(words, "window", "%.1f s", w->seconds);
	wording_set(words, "beside", "%s",
		    w->beside ? ", while this check's experiments kept CPUs busy; --probe nic "
				"watches without them"
			      : "");
}

static void detail_fill(struct wall *wall, const struct wording *words)
{
	wording_fill(words, wall_row_find(wall->name)->detail, wall->detail, sizeof(wall->detail));
}

struct decimal {
	char text[24];
};

static struct decimal decimal(uint64_t value)
{
	struct decimal d;
	snprintf(d.text, sizeof(d.text), "%" PRIu64, value);
	return d;
}

/* Proposes a value that no lab can try. `n`: the device whose knob it is, or NULL. */
static void propose(struct finding *f, const char *knob, const struct nic *n, const char *current,
		    const char *proposed, const char *untried)
{
	char name[48];
	snprintf(name, sizeof(name), "%s%s%s", knob, n ? "@" : "", n ? n->name : "");
	finding_propose(f, name, current, proposed);
	f->tried = proposed[0] ? TRIED_NOT : TRIED_NONE;
	report_text(f->outcome, "%s", untried);
}

/* One column of softnet_stat: its wall, findings and knob. */
struct column {
	const char *wall, *grows, *past;
	const char *counter, *unit;
	int64_t limit;    /* of the wall */
	const char *knob; /* that binds, its value and the kernel's default */
	int64_t value;
	uint64_t usual, grown, total;
	double min_per_s; /* slower growth is no problem */
};

/* Softnet counts 32 bits for each CPU; the interfaces' own counters do not wrap. */
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

static void column_grows(const struct watch *w, const struct column *c, struct report *r)
{
	struct wording words = {0};
	words_growth(w, c->grown, &words);
	wording_set(&words, "cost", "%s", knob_find(c->knob)->cost);
	struct finding *f = report_finding(r, c->grows, &words);
	finding_evidence(f, c->counter, c->unit, (double)c->grown, NAN);
	if (c->value == REPORT_NONE) {
		finding_propose(f, c->knob, "", "");
		return;
	}
	uint64_t twice = 2 * (uint64_t)c->value;
	propose(f, c->knob, NULL, decimal((uint64_t)c->value).text,
		decimal(twice > c->usual ? twice : c->usual).text,
		"one value for the whole machine");
}

static void column_wall(const struct watch *w, const struct column *c, struct wall *wall)
{
	struct wording words = {0};
	char age[32];
	words_growth(w, c->total, &words);
	wording_set(&words, "readable", "%s", w->after->have_softnet ? "yes" : "");
	wording_set(&words, "age", "%s", age_text(w->after->uptime_s, age));
	if (w->seconds > 0)
		wording_set(&words, "grown", "%s",
			    c->grown ? quantity_show(QUANTITY_COUNT, c->grown).text : "none");
	wording_set(&words, "foreign", "%s", c->grown && !w->ours ? "yes" : "");
	wording_set(&words, "hidden", "%s", c->limit == REPORT_NONE ? "yes" : "");
	report_text(wall->knob, "%s", c->knob);
	wall->limit = c->limit;
	if (w->after->have_softnet)
		wall->verdict = report_verdict(c->limit, REPORT_NONE);
	detail_fill(wall, &words);
}

static void judge_column(const struct watch *w, const struct column *c, struct report *r)
{
	struct wall *wall = report_wall(r, c->wall);
	column_wall(w, c, wall);
	if (c->grown && w->ours && (double)c->grown >= c->min_per_s * w->seconds) {
		column_grows(w, c, r);
		wall->verdict = VERDICT_TIGHT;
	} else if (past_matters(c->total, packets_total(w->after))) {
		struct wording words = {0};
		wording_set(&words, "history", "%s", wall->detail);
		wording_set(&words, "none", "%s", w->seconds > 0 && !c->grown ? "yes" : "");
		report_finding(r, c->past, &words);
	}
}

/* A round ends by its number of packets or by its time: by time when fewer packets arrived than so
 * many full rounds hold (net/core/dev.c, net_rx_action()). */
static bool ended_by_time(const struct watch *w)
{
	uint64_t packets = w->received > w->grown.processed ? w->received : w->grown.processed;
	return w->after->budget >= 0 && w->after->budget_usecs >= 0 &&
	       packets < w->grown.time_squeeze * (uint64_t)w->after->budget;
}

static void judge_softnet(const struct watch *w, struct report *r)
{
	struct softnet_cpu total = softnet_total(&w->after->softnet);
	const struct column backlog = {.wall = "softnet.backlog",
				       .grows = "softnet.backlog.drops",
				       .past = "softnet.backlog.past",
				       .counter = "softnet_stat column 2 (dropped)",
				       .unit = "packets",
				       .limit = w->after->max_backlog,
				       .knob = "net.core.netdev_max_backlog",
				       .value = w->after->max_backlog,
				       .usual = 1000,
				       .grown = w->grown.dropped,
				       .total = total.dropped};
	struct column budget = {.wall = "softnet.budget",
				.grows = "softnet.budget.squeezed",
				.past = "softnet.budget.past",
				.counter = "softnet_stat column 3 (time_squeeze)",
				.unit = "rounds",
				.limit = w->after->budget,
				.knob = "net.core.netdev_budget",
				.value = w->after->budget,
				.usual = 300,
				.grown = w->grown.time_squeeze,
				.total = total.time_squeeze,
				.min_per_s = SQUEEZES_PER_S};
	if (ended_by_time(w)) {
		budget.knob = "net.core.netdev_budget_usecs";
		budget.value = w->after->budget_usecs;
		budget.usual = 2000;
	}
	judge_column(w, &backlog, r);
	judge_column(w, &budget, r);
}

static bool has_default_route(const struct sample *s, const struct nic *n)
{
	for (size_t i = 0; i < s->all.count; i++)
		if (s->all.at[i].default_route &&
		    nic_stands_on(&s->all, s->all.at[i].name, n->name))
			return true;
	return false;
}

/* The one below the default route, else the first that is up; NULL: there is none. */
static const struct nic *main_nic(const struct sample *s)
{
	const struct nic *first = NULL;
	for (size_t i = 0; !s->unlisted[0] && i < s->nics.count; i++) {
		const struct nic *n = &s->nics.at[i];
		if (!n->up)
			continue;
		if (has_default_route(s, n))
			return n;
		if (!first)
			first = n;
	}
	return first;
}

/* The wall of a setting of the main interface. `limit` 0: unknown */
static void device_wall(const struct sample *s, const struct nic *n, uint64_t limit, uint64_t max,
			struct wording *words, struct wall *wall)
{
	wording_set(words, "device", "%s", n ? n->name : "");
	wording_set(words, "max", "%s", limit ? decimal(max).text : "");
	wording_set(words, "why", "%s", s->unlisted);
	if (limit)
		wall->limit = (int64_t)limit;
	wall->verdict = n || s->unlisted[0] ? report_verdict(wall->limit, REPORT_NONE) : VERDICT_NA;
	detail_fill(wall, words);
}

/* Packets that an interface lost because it had no room, by the counter that shows the largest
 * number: several count the same packets. */
struct loss {
	const char *counter; /* that grew most */
	uint64_t grown;
	const char *past; /* with the largest total */
	uint64_t total;
};

static void loss_add(struct loss *l, const char *counter, struct nic_number before,
		     struct nic_number after)
{
	bool both = before.known && after.known && after.value > before.value;
	if (both && after.value - before.value > l->grown) {
		l->counter = counter;
		l->grown = after.value - before.value;
	}
	if (after.known && after.value > l->total) {
		l->past = counter;
		l->total = after.value;
	}
}

static struct nic_number statistic_find(const struct nic *n, const char *name)
{
	return n ? nic_get(n, nic_field_find("statistics", name)) : (struct nic_number){0};
}

static struct nic_number counter_find(const struct nic *n, const char *name)
{
	for (size_t i = 0; n && i < n->counter_count; i++)
		if (!strcmp(n->counters[i].name, name))
			return (struct nic_number){true, n->counters[i].value};
	return (struct nic_number){0};
}

static struct nic_number queue_overruns(const struct nic *n, const char *name)
{
	struct nic_number sum = {0};
	(void)name;
	for (size_t i = 0; n && i < n->queue_count; i++) {
		sum.known |= n->queues[i].hw_drop_overruns.known;
		sum.value += n->queues[i].hw_drop_overruns.value;
	}
	return sum;
}

/* The names of a full ring: the kernel's, and drivers' own. */
static struct loss loss_of(const struct nic *before, const struct nic *after)
{
	static const struct {
		struct nic_number (*find)(const struct nic *, const char *);
		const char *name;
	} counters[] = {
		{statistic_find, "rx_missed_errors"},    {statistic_find, "rx_fifo_errors"},
		{statistic_find, "rx_over_errors"},      {counter_find, "rx_no_dma_resources"},
		{counter_find, "rx_out_of_buffer"},      {counter_find, "rx_discards_phy"},
		{counter_find, "rx_discards"},           {counter_find, "port.rx_dropped"},
		{counter_find, "rx_dropped.nic"},        {counter_find, "rx_overruns"},
		{counter_find, "rx_queue_full"},         {counter_find, "rx_no_bufs"},
		{counter_find, "rx_fw_discards"},        {counter_find, "rx_out_of_resource"},
		{queue_overruns, "rx-hw-drop-overruns"},
	};
	struct loss l = {0};
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		loss_add(&l, counters[i].name, counters[i].find(before, counters[i].name),
			 counters[i].find(after, counters[i].name));
	return l;
}

static void ring_overrun(const struct watch *w, const struct nic *n, const struct loss *l,
			 struct report *r)
{
	struct wording words = {0};
	const struct nic_rings *ring = &n->rings;
	bool room = ring->rx.known && ring->rx_max.known && ring->rx.value < ring->rx_max.value;
	uint64_t proposed =
		2 * ring->rx.value < ring->rx_max.value ? 2 * ring->rx.value : ring->rx_max.value;
	words_growth(w, l->grown, &words);
	wording_set(&words, "device", "%s", n->name);
	wording_set(&words, "counter", "%s", l->counter);
	wording_set(&words, "max", "%" PRIu64, ring->rx_max.value);
	wording_set(&words, "settable", "%s", ring->rx.known ? "yes" : "");
	if (room)
		wording_set(&words, "proposed", "%" PRIu64, proposed);
	struct finding *f = report_finding(r, "nic.ring.overrun", &words);
	finding_evidence(f, l->counter, "packets", (double)l->grown, NAN);
	if (room)
		propose(f, "device.ring.rx", n, decimal(ring->rx.value).text,
			decimal(proposed).text, RESETS_LINK);
	else
		f->remedy = REMEDY_NONE;
	report_wall(r, RING)->verdict = VERDICT_TIGHT;
}

static void ring_past(const struct watch *w, const struct nic *n, const struct loss *l,
		      struct report *r)
{
	struct wording words = {0};
	char age[32];
	words_growth(w, l->total, &words);
	wording_set(&words, "device", "%s", n->name);
	wording_set(&words, "counter", "%s", l->past);
	wording_set(&words, "age", "%s", age_text(w->after->uptime_s, age));
	wording_set(&words, "none", "%s", w->seconds > 0 ? "yes" : "");
	report_finding(r, "nic.ring.past", &words);
}

static void judge_ring(const struct watch *w, struct report *r)
{
	struct wording words = {0};
	struct wall *wall = report_wall(r, RING);
	const struct nic *first = main_nic(w->after);
	report_text(wall->knob, "device.ring.rx");
	device_wall(w->after, first, first ? first->rings.rx.value : 0,
		    first ? first->rings.rx_max.value : 0, &words, wall);
	for (size_t i = 0; i < w->after->nics.count; i++) {
		const struct nic *n = &w->after->nics.at[i];
		struct loss l = loss_of(nics_find(&w->before->nics, n->name), n);
		if (l.grown)
			ring_overrun(w, n, &l, r);
		else if (past_matters(l.total, n->statistics.rx_packets.value + l.total))
			ring_past(w, n, &l, r);
	}
}

/* The receive queues, and their maximum. */
static uint64_t queues_of(const struct nic *n, uint64_t *max)
{
	const struct nic_channels *c = &n->channels;
	if (c->combined.known && c->combined.value) {
		*max = c->combined_max.value;
		return c->combined.value;
	}
	if (c->rx.known && c->rx.value) {
		*max = c->rx_max.value;
		return c->rx.value;
	}
	*max = n->link.rx_queues.value;
	return n->link.rx_queues.value;
}

static bool rps_on(const struct nic *n)
{
	for (size_t i = 0; i < n->queue_count; i++)
		if (n->queues[i].direction == NIC_RX && n->queues[i].cpus &&
		    strspn(n->queues[i].cpus, "0,") != strlen(n->queues[i].cpus))
			return true;
	return false;
}

/* All CPUs that are online, as rps_cpus takes them: "3", "ffffffff,ffffffff". False: more than the
 * text holds. */
static bool cpus_mask(const struct softnet *s, char mask[80])
{
	uint32_t words[8] = {0};
	size_t used = 0;
	for (size_t i = 0; i < s->count; i++) {
		if (s->at[i].cpu >= 256)
			return false;
		words[s->at[i].cpu / 32] |= 1u << s->at[i].cpu % 32;
	}
	for (size_t g = 8; g-- > 0;)
		if (used || words[g])
			used += (size_t)snprintf(mask + used, 80 - used, used ? ",%08x" : "%x",
						 words[g]);
	return used;
}

/* The interface that received almost all packets of the window; NULL: none. */
static const struct nic *busy_nic(const struct watch *w)
{
	for (size_t i = 0; w->received && i < w->after->nics.count; i++) {
		const struct nic *n = &w->after->nics.at[i];
		if ((double)received_by(w, n) >= ONE_CPU_PACKETS * (double)w->received)
			return n;
	}
	return NULL;
}

/* How the packets of an interface could be spread over more CPUs. */
struct spread {
	uint64_t queues;
	uint64_t more; /* queues that it can have; 0: no more */
	char mask[80]; /* of rps_cpus, where more queues are not possible; "": no help */
};

static struct spread spread_of(const struct nic *n, const struct softnet *cpus)
{
	struct spread s = {0};
	uint64_t max;
	s.queues = queues_of(n, &max);
	if (s.queues < max && s.queues < cpus->count)
		s.more = max < cpus->count ? max : cpus->count;
	else if (s.queues != 1 || rps_on(n) || !cpus_mask(cpus, s.mask))
		s.mask[0] = 0;
	return s;
}

/* `n`: the interface that received the packets, or NULL: packets of loopback stay on their sender's
 * CPU, and the queues of an interface do not change that. */
static void one_cpu(const struct watch *w, const struct nic *n, struct report *r)
{
	struct wording words = {0};
	struct spread s = n ? spread_of(n, &w->after->softnet) : (struct spread){0};
	words_growth(w, w->grown.processed, &words);
	wording_set(&words, "cpu", "%u", w->busiest);
	wording_set(&words, "cpus", "%zu", w->after->softnet.count);
	wording_set(&words, "share", "%.0f %%", 100 * w->busiest_share);
	wording_set(&words, "softirq", "%.0f %%", 100 * w->busiest_softirq);
	wording_set(&words, "device", "%s", n ? n->name : "");
	wording_set(&words, "queues", "%" PRIu64, s.queues);
	wording_set(&words, "plural", "%s", s.queues == 1 ? "" : "s");
	wording_set(&words, "more", "%s", s.more ? "yes" : "");
	wording_set(&words, "rps", "%s", s.mask);
	struct finding *f = report_finding(r, "nic.queues.one-cpu", &words);
	finding_evidence(f, "packets taken by the busiest CPU", "%", 100 * w->busiest_share, NAN);
	finding_evidence(f, "its time spent on softirqs", "%", 100 * w->busiest_softirq, NAN);
	if (s.more)
		propose(f, "device.channels", n, decimal(s.queues).text, decimal(s.more).text,
			RESETS_LINK);
	else if (s.mask[0])
		propose(f, "device.rps_cpus", n, "0", s.mask, knob_scope_untried(KNOB_DEVICE));
	else
		f->remedy = REMEDY_NONE;
	if (n)
		report_wall(r, QUEUES)->verdict = VERDICT_TIGHT;
	else
		f->level = LEVEL_NOTE;
}

static void judge_queues(const struct watch *w, struct report *r)
{
	struct wording words = {0};
	struct wall *wall = report_wall(r, QUEUES);
	const struct nic *n = main_nic(w->after);
	uint64_t max = 0, queues = n ? queues_of(n, &max) : 0;
	size_t cpus = w->after->softnet.count;
	bool watched = w->ours && w->grown.processed;
	words_growth(w, w->grown.processed, &words);
	wording_set(&words, "cpus", "%zu", cpus);
	wording_set(&words, "took", "%s", watched ? decimal(w->cpus).text : "");
	report_text(wall->knob, "device.channels");
	device_wall(w->after, n, queues, max, &words, wall);
	if (n && watched && cpus > 1 && w->busiest_share >= ONE_CPU_PACKETS &&
	    w->busiest_softirq >= ONE_CPU_TIME)
		one_cpu(w, busy_nic(w), r);
}

/* Settings that cost an epoll server something whatever the counters show. */
static void judge_offloads(const struct nic *n, struct wording *words, struct report *r)
{
	static const struct {
		const char *feature, *offload, *reason, *option;
	} offloads[] = {
		{"rx-gro", "generic receive offload",
		 "Each packet passes through the stack alone, where GRO would merge those of one "
		 "connection. Leave it off if this machine forwards for others.",
		 "gro"},
		{"tx-tcp-segmentation", "TCP segmentation offload",
		 "The kernel cuts outgoing data into packets, which the device could do.", "tso"},
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

static void judge_qdisc(const struct nic *n, struct wording *words, struct report *r)
{
	static const char *const shapers[] = {"netem", "tbf", "htb", "hfsc", "cbq", "red"};
	wording_set(words, "qdisc", "%s", n->qdisc);
	for (size_t i = 0; i < sizeof(shapers) / sizeof(*shapers); i++)
		if (!strcmp(n->qdisc, shapers[i]))
			report_finding(r, "nic.qdisc", words);
}

static void judge_coalescing(const struct nic *n, struct wording *words, struct report *r)
{
	const struct nic_coalesce *c = &n->coalesce;
	if (!c->rx_usecs.known || c->rx_usecs.value < COALESCE_US ||
	    (c->adaptive_rx.known && c->adaptive_rx.value))
		return;
	wording_set(words, "usecs", "%" PRIu64, c->rx_usecs.value);
	propose(report_finding(r, "nic.coalesce", words), "device.coalesce.rx-usecs", n,
		decimal(c->rx_usecs.value).text, "", "");
}

static void judge_affinity(const struct nic *n, size_t cpus, struct wording *words,
			   struct report *r)
{
	uint64_t max, queues = queues_of(n, &max);
	if (queues < 2 || cpus < 2 || n->irq_count < queues)
		return;
	const char *first = n->irqs[0].affinity;
	for (size_t i = 0; i < n->irq_count; i++) {
		const char *affinity = n->irqs[i].affinity;
		if (!affinity || strcmp(affinity, first) != 0 || strpbrk(affinity, ",-"))
			return;
	}
	wording_set(words, "cpu", "%s", first);
	wording_set(words, "queues", "%" PRIu64, queues);
	report_finding(r, "nic.affinity", words);
}

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	struct watch w = watch_of(before, after, m);
	judge_softnet(&w, r);
	judge_ring(&w, r);
	judge_queues(&w, r);
	for (size_t i = 0; i < after->nics.count; i++) {
		const struct nic *n = &after->nics.at[i];
		struct wording words = {0};
		if (!n->up)
			continue;
		wording_set(&words, "device", "%s", n->name);
		judge_offloads(n, &words, r);
		judge_qdisc(n, &words, r);
		judge_coalescing(n, &words, r);
		judge_affinity(n, after->softnet.count, &words, r);
	}
}

static const char *const walls[] = {"softnet.backlog", "softnet.budget", RING, QUEUES, NULL};

static const struct observation observation = {
	.walls = walls,
	.size = sizeof(struct sample),
	.window = true,
	.sample = sample_take,
	.release = sample_release,
	.judge = observation_judge,
};

const struct probe probe_nic = {
	.name = "nic",
	.summary = "watches network cards and softnet: lost packets, queues, backlog, budget",
	.mode = PROBE_OBSERVER,
	.place = PROBE_HOST,
	.observation = &observation,
};
