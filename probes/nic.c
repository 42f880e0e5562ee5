/* Network cards and the softnet layer behind them, watched for a while: a counter that grows
 * meanwhile is a finding, an old total is at most a note. Nothing is proposed because a maximum is
 * higher. */
#include "epolltune/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "epolltune/knob.h"
#include "epolltune/nic.h"
#include "epolltune/quantity.h"

#define RING "nic.ring"
#define QUEUES "nic.queues"
#define BACKLOG "softnet.backlog"
#define BUDGET "softnet.budget"

#define WINDOW_US 500000
#define CPUS 1024
/* One CPU does it all: that share of the packets, and that share of its time spent on them. */
#define ONE_CPU_PACKETS 0.9
#define ONE_CPU_TIME 0.5
/* Squeezes a second that are worth a word; a busy machine has some now and then. */
#define SQUEEZES_PER_S 10
/* Old totals are told from one in a thousand packets on. */
#define PAST_SHARE 0.001
#define PAST_LEAST 100
#define COALESCE_US 100

/* The machine at one moment. */
struct sample {
	struct nics nics; /* real ones, whole */
	struct nics all;  /* all, their statistics */
	struct softnet softnet;
	bool have_softnet;
	struct nic_number max_backlog, budget, budget_usecs;
	struct cpu_time {
		uint64_t softirq, all; /* clock ticks */
	} cpu[CPUS];
	double uptime_s; /* 0: not known */
	double at_s;
};

static struct nic_number sysctl_number(const struct host *h, const char *name)
{
	char value[KNOB_VALUE];
	struct err ignored;
	int64_t number = 0;
	struct nic_number n = {0};
	if (knob_read(knob_find(name), h, value, &ignored) == 0 &&
	    knob_field(value, 0, &number) == 0 && number >= 0)
		n = (struct nic_number){true, (uint64_t)number};
	return n;
}

/* "cpu3 user nice system idle iowait irq softirq steal …" (proc_stat(5)). */
static void cpu_line(const char *line, struct sample *s)
{
	unsigned cpu;
	uint64_t t[8] = {0};
	if (sscanf(line,
		   "cpu%u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %" SCNu64 " %" SCNu64,
		   &cpu, &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) < 8 ||
	    cpu >= CPUS)
		return;
	s->cpu[cpu].softirq = t[6];
	for (size_t i = 0; i < 8; i++)
		s->cpu[cpu].all += t[i];
}

static void cpu_times(const struct host *h, struct sample *s)
{
	struct err ignored;
	char *text = NULL;
	if (host_read_all(h, "proc/stat", &text, &ignored) < 0)
		return;
	for (char *save, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, "cpu", 3) && line[3] != ' ')
			cpu_line(line, s);
	free(text);
}

static int sample_take(const struct host *h, struct sample *s, struct err *e)
{
	struct timespec now;
	struct err ignored;
	char uptime[64];
	memset(s, 0, sizeof(*s));
	int rc = nics_read(h, NIC_REAL, &s->nics, e);
	if (rc == 0)
		rc = nics_read(h, NIC_STATISTICS, &s->all, e);
	s->have_softnet = softnet_read(h, &s->softnet, &ignored) == 0;
	s->max_backlog = sysctl_number(h, "net.core.netdev_max_backlog");
	s->budget = sysctl_number(h, "net.core.netdev_budget");
	s->budget_usecs = sysctl_number(h, "net.core.netdev_budget_usecs");
	cpu_times(h, s);
	if (host_read(h, "proc/uptime", uptime, sizeof(uptime), &ignored) > 0)
		s->uptime_s = strtod(uptime, NULL);
	clock_gettime(CLOCK_MONOTONIC, &now);
	s->at_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	return rc;
}

static void sample_free(struct sample *s)
{
	nics_free(&s->nics);
	nics_free(&s->all);
	softnet_free(&s->softnet);
}

/* What was watched: the same machine twice, or once when `window_s` is 0. */
struct watch {
	const struct sample *before, *after;
	double window_s;
	bool ours;         /* most packets of the window came in by interfaces of this namespace */
	uint64_t received; /* packets by these interfaces, in the window */
	struct softnet_cpu grown; /* of all CPUs, in the window */
	double busiest_share;     /* of the packets, by the busiest CPU */
	double busiest_softirq;   /* of its time */
	uint32_t busiest;
	unsigned cpus; /* that took a tenth of the packets at least */
};

static struct nic_number grown(struct nic_number before, struct nic_number after)
{
	if (!before.known || !after.known || after.value < before.value)
		return (struct nic_number){0};
	return (struct nic_number){true, after.value - before.value};
}

static const struct softnet_cpu *cpu_find(const struct softnet *s, uint32_t cpu)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->at[i].cpu == cpu)
			return &s->at[i];
	return NULL;
}

/* The counters wrap at 32 bits. */
static uint64_t grown32(uint64_t before, uint64_t after) { return (uint32_t)(after - before); }

static void watch_softnet(struct watch *w)
{
	uint64_t most = 0;
	for (size_t i = 0; i < w->after->softnet.count; i++) {
		const struct softnet_cpu *a = &w->after->softnet.at[i];
		const struct softnet_cpu *b = cpu_find(&w->before->softnet, a->cpu);
		if (!b)
			continue;
		uint64_t packets = grown32(b->processed, a->processed);
		w->grown.processed += packets;
		w->grown.dropped += grown32(b->dropped, a->dropped);
		w->grown.time_squeeze += grown32(b->time_squeeze, a->time_squeeze);
		if (packets > most) {
			most = packets;
			w->busiest = a->cpu;
		}
	}
	for (size_t i = 0; i < w->after->softnet.count; i++) {
		const struct softnet_cpu *a = &w->after->softnet.at[i];
		const struct softnet_cpu *b = cpu_find(&w->before->softnet, a->cpu);
		if (b && grown32(b->processed, a->processed) * 10 >= w->grown.processed)
			w->cpus++;
	}
	if (w->grown.processed)
		w->busiest_share = (double)most / (double)w->grown.processed;
	if (w->busiest < CPUS) {
		const struct cpu_time *b = &w->before->cpu[w->busiest];
		const struct cpu_time *a = &w->after->cpu[w->busiest];
		if (a->all > b->all)
			w->busiest_softirq =
				(double)(a->softirq - b->softirq) / (double)(a->all - b->all);
	}
}

static uint64_t grown64(uint64_t before, uint64_t after)
{
	return after > before ? after - before : 0;
}

static const struct nic *nic_by_index(const struct nics *n, uint32_t index)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->at[i].index == index)
			return &n->at[i];
	return NULL;
}

/* What comes by these has come by another interface already. */
static bool stacked(const struct nic *n)
{
	static const char *const kinds[] = {"bond",    "bridge", "team",   "vlan",
					    "macvlan", "ipvlan", "macsec", "vrf"};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(n->kind, kinds[i]))
			return true;
	return false;
}

/* Packets of the window, by the interfaces that were there all the time. */
static uint64_t received_by(const struct watch *w, const struct nic *n)
{
	const struct nic *a = nic_by_index(&w->after->all, n->index);
	const struct nic *b = nic_by_index(&w->before->all, n->index);
	return a && b ? grown64(b->statistics.rx_packets.value, a->statistics.rx_packets.value) : 0;
}

static uint64_t received(const struct watch *w)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < w->after->all.count; i++)
		if (!stacked(&w->after->all.at[i]))
			sum += received_by(w, &w->after->all.at[i]);
	return sum;
}

static struct watch watch_of(const struct sample *before, const struct sample *after)
{
	struct watch w = {.before = before, .after = after};
	if (before == after)
		return w;
	w.window_s = after->at_s - before->at_s;
	watch_softnet(&w);
	/* Softnet counts for every namespace, and our own experiments run in some: only what these
	 * interfaces brought in is the host's own. */
	w.received = received(&w);
	w.ours = 2 * w.received >= w.grown.processed;
	return w;
}

static const char *age_text(double seconds, char text[32])
{
	if (seconds <= 0)
		return "boot";
	if (seconds < 120)
		snprintf(text, 32, "boot %.0f seconds ago", seconds);
	else if (seconds < 2 * 3600)
		snprintf(text, 32, "boot %.0f minutes ago", seconds / 60);
	else if (seconds < 2 * 86400)
		snprintf(text, 32, "boot %.0f hours ago", seconds / 3600);
	else
		snprintf(text, 32, "boot %.0f days ago", seconds / 86400);
	return text;
}

static const char *count_text(char text[32], uint64_t value)
{
	return quantity_format(text, 32, QUANTITY_COUNT, value);
}

static bool carries_default(const struct sample *s, const struct nic *card)
{
	for (size_t i = 0; i < s->all.count; i++)
		if (s->all.at[i].default_route &&
		    nic_stands_on(&s->all, s->all.at[i].name, card->name))
			return true;
	return card->default_route;
}

/* The card that matters most: one that the default route stands on, else the first that is up. */
static const struct nic *main_nic(const struct sample *s)
{
	const struct nic *first = NULL;
	for (size_t i = 0; i < s->nics.count; i++) {
		const struct nic *n = &s->nics.at[i];
		if (!n->up)
			continue;
		if (carries_default(s, n))
			return n;
		if (!first)
			first = n;
	}
	return first;
}

/* The card that almost all packets of the window came by; NULL: none. */
static const struct nic *busy_nic(const struct watch *w)
{
	for (size_t i = 0; i < w->after->nics.count; i++) {
		const struct nic *n = &w->after->nics.at[i];
		if (w->received &&
		    (double)received_by(w, n) >= ONE_CPU_PACKETS * (double)w->received)
			return n;
	}
	return NULL;
}

/* What a full ring is called: by the kernel, and by drivers that have a word of their own. */
static const char *const loss_statistics[] = {"rx_missed_errors", "rx_fifo_errors",
					      "rx_over_errors"};
static const char *const loss_counters[] = {
	"rx_no_dma_resources", "rx_out_of_buffer", "rx_discards_phy",    "rx_discards",
	"port.rx_dropped",     "rx_dropped.nic",   "rx_overruns",        "rx_queue_full",
	"rx_no_bufs",          "rx_fw_discards",   "rx_out_of_resource",
};

/* Packets that a card lost for want of room, by the counter that tells most: several count the same
 * ones. */
struct loss {
	const char *counter; /* that grew most */
	uint64_t grown;
	const char *past; /* with the largest total */
	uint64_t total;
};

static void loss_more(struct loss *l, const char *counter, struct nic_number before,
		      struct nic_number after)
{
	struct nic_number more = grown(before, after);
	if (more.known && more.value > l->grown) {
		l->counter = counter;
		l->grown = more.value;
	}
	if (after.known && after.value > l->total) {
		l->past = counter;
		l->total = after.value;
	}
}

static struct nic_number counter_find(const struct nic *n, const char *name)
{
	for (size_t i = 0; n && i < n->counter_count; i++)
		if (!strcmp(n->counters[i].name, name))
			return (struct nic_number){true, n->counters[i].value};
	return (struct nic_number){0};
}

static struct nic_number queue_overruns(const struct nic *n)
{
	struct nic_number sum = {0};
	for (size_t i = 0; n && i < n->queue_count; i++) {
		sum.known |= n->queues[i].hw_drop_overruns.known;
		sum.value += n->queues[i].hw_drop_overruns.value;
	}
	return sum;
}

static struct loss loss_of(const struct nic *before, const struct nic *after)
{
	struct loss l = {0};
	struct nic_number none = {0};
	for (size_t i = 0; i < sizeof(loss_statistics) / sizeof(*loss_statistics); i++) {
		const struct nic_field *f = nic_field_find("statistics", loss_statistics[i]);
		loss_more(&l, f->name, before ? nic_get(before, f) : none, nic_get(after, f));
	}
	for (size_t i = 0; i < sizeof(loss_counters) / sizeof(*loss_counters); i++)
		loss_more(&l, loss_counters[i], counter_find(before, loss_counters[i]),
			  counter_find(after, loss_counters[i]));
	loss_more(&l, "rx-hw-drop-overruns", queue_overruns(before), queue_overruns(after));
	return l;
}

/* Who kept the CPUs busy? Perhaps we. */
static const char *beside_text(const struct probe_run *run)
{
	return run->others < 0 ? ""
			       : ", while this check's experiments kept CPUs busy; --probe nic "
				 "watches without them";
}

static void ring_overrun(struct probe_run *run, const struct watch *w, const struct nic *n,
			 const struct loss *l)
{
	char lost[32];
	const struct nic_rings *r = &n->rings;
	bool room = r->rx.known && r->rx_max.known && r->rx.value < r->rx_max.value;
	struct finding *f = report_finding(run->report, "nic.ring.overrun", LEVEL_WARNING,
					   "%s loses packets: its receive ring overflows", n->name);
	report_text(f->wall, "%s", RING);
	finding_evidence(f, l->counter, "packets", (double)l->grown, NAN);
	report_text(f->detail, "%s grew by %s in %.1f s%s.", l->counter, count_text(lost, l->grown),
		    w->window_s, beside_text(run));
	report_wall(run->report, RING)->verdict = VERDICT_TIGHT;
	if (!room) {
		report_text(f->advice,
			    "The ring is %s. What helps is to serve it more often: more queues, "
			    "interrupts on CPUs with time to spare, or less work for each packet.",
			    r->rx.known ? "at its maximum" : "not to be set by this driver");
		return;
	}
	uint64_t proposed = 2 * r->rx.value < r->rx_max.value ? 2 * r->rx.value : r->rx_max.value;
	f->remedy = REMEDY_KERNEL;
	report_text(f->knob, "device.ring.rx@%s", n->name);
	report_text(f->current, "%" PRIu64, r->rx.value);
	report_text(f->proposed, "%" PRIu64, proposed);
	report_text(f->tried, "not tried: most drivers reset the link to change it");
	report_text(f->advice,
		    "Twice the present size, of %" PRIu64 " at most. The link may go down for a "
		    "moment: apply asks for --allow-link-reset.",
		    r->rx_max.value);
}

static void judge_ring(struct probe_run *run, const struct watch *w)
{
	char total[32], age[32], watched[48] = "";
	const struct nic *first = main_nic(w->after);
	struct wall *wall = report_wall(run->report, RING);
	report_text(wall->unit, "packets");
	report_text(wall->knob, "device.ring.rx");
	wall->verdict = VERDICT_OK;
	if (!first)
		report_text(wall->detail, "No network card is up.");
	else if (!first->rings.rx.known)
		report_text(wall->detail, "The driver of %s does not tell its rings.", first->name);
	else {
		wall->limit = (int64_t)first->rings.rx.value;
		report_text(wall->detail, "Receive ring of %s, of %" PRIu64 " at most.",
			    first->name, first->rings.rx_max.value);
	}
	if (w->window_s > 0)
		snprintf(watched, sizeof(watched), ", none in the %.1f s that were watched",
			 w->window_s);
	for (size_t i = 0; i < w->after->nics.count; i++) {
		const struct nic *n = &w->after->nics.at[i];
		struct loss l = loss_of(nics_find(&w->before->nics, n->name), n);
		uint64_t packets = n->statistics.rx_packets.value + l.total;
		if (l.grown && w->window_s > 0) {
			ring_overrun(run, w, n, &l);
		} else if (l.total >= PAST_LEAST &&
			   (double)l.total >= PAST_SHARE * (double)packets) {
			struct finding *f = report_finding(run->report, "nic.ring.past", LEVEL_NOTE,
							   "%s has lost packets before", n->name);
			report_text(f->wall, "%s", RING);
			report_text(f->detail, "%s: %s since its driver was loaded, %s%s.", l.past,
				    count_text(total, l.total), age_text(w->after->uptime_s, age),
				    watched);
		}
	}
}

static uint64_t queues_of(const struct nic *n, uint64_t *most)
{
	const struct nic_channels *c = &n->channels;
	if (c->combined.known && c->combined.value) {
		*most = c->combined_max.value;
		return c->combined.value;
	}
	if (c->rx.known && c->rx.value) {
		*most = c->rx_max.value;
		return c->rx.value;
	}
	*most = n->link.rx_queues.value;
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

/* Loopback's packets stay on their sender's CPU: no card's queues change that. */
static void one_cpu_of_none(struct probe_run *run, const struct watch *w)
{
	struct finding *f = report_finding(run->report, "nic.queues.one-cpu", LEVEL_NOTE,
					   "CPU %u takes almost all packets", w->busiest);
	report_text(f->wall, "%s", QUEUES);
	report_text(f->detail,
		    "In %.1f s it took %.0f %% of the packets and spent %.0f %% of its time on "
		    "softirqs. They came by several interfaces, or by none that is a card, such as "
		    "loopback: there is no queue to add.",
		    w->window_s, 100 * w->busiest_share, 100 * w->busiest_softirq);
}

static void one_cpu(struct probe_run *run, const struct watch *w, const struct nic *n)
{
	size_t cpus = w->after->softnet.count;
	uint64_t most = 0, queues = queues_of(n, &most);
	struct finding *f =
		report_finding(run->report, "nic.queues.one-cpu", LEVEL_WARNING,
			       "CPU %u takes almost all packets of %s", w->busiest, n->name);
	report_text(f->wall, "%s", QUEUES);
	f->remedy = REMEDY_KERNEL;
	report_text(f->detail,
		    "In %.1f s it took %.0f %% of the packets and spent %.0f %% of its time on "
		    "softirqs, while there are %zu CPUs and %s has %" PRIu64 " receive queue%s.",
		    w->window_s, 100 * w->busiest_share, 100 * w->busiest_softirq, cpus, n->name,
		    queues, queues == 1 ? "" : "s");
	finding_evidence(f, "packets taken by the busiest CPU", "%", 100 * w->busiest_share, NAN);
	finding_evidence(f, "its time spent on softirqs", "%", 100 * w->busiest_softirq, NAN);
	if (queues < most && queues < cpus) {
		report_text(f->knob, "device.channels@%s", n->name);
		report_text(f->current, "%" PRIu64, queues);
		report_text(f->proposed, "%" PRIu64, most < cpus ? most : (uint64_t)cpus);
		report_text(f->tried, "not tried: most drivers reset the link to change it");
		report_text(f->advice, "One queue for each CPU, as far as the device has them. The "
				       "link may go down for a moment: apply asks for "
				       "--allow-link-reset.");
	} else if (queues == 1 && !rps_on(n) && cpus_mask(&w->after->softnet, f->proposed)) {
		report_text(f->knob, "device.rps_cpus@%s", n->name);
		report_text(f->current, "0");
		report_text(f->tried, "not tried: a setting of the device");
		report_text(f->advice, "The device has one queue: RPS spreads in software what it "
				       "brings in, for an interrupt between CPUs a packet.");
	} else {
		f->remedy = REMEDY_NONE;
		report_text(f->advice,
			    "Look at where its interrupts go (epolltune list --nic), and "
			    "whether few connections carry all the traffic: one "
			    "connection stays on one queue.");
	}
	report_wall(run->report, QUEUES)->verdict = VERDICT_TIGHT;
}

static void judge_queues(struct probe_run *run, const struct watch *w)
{
	const struct nic *n = main_nic(w->after);
	struct wall *wall = report_wall(run->report, QUEUES);
	report_text(wall->unit, "queues");
	report_text(wall->knob, "device.channels");
	wall->verdict = VERDICT_OK;
	if (!n) {
		report_text(wall->detail, "No network card is up.");
		return;
	}
	uint64_t most = 0, queues = queues_of(n, &most);
	wall->limit = (int64_t)queues;
	int used = snprintf(wall->detail, sizeof(wall->detail),
			    "Receive queues of %s, of %" PRIu64 " at most, for %zu CPUs.", n->name,
			    most, w->after->softnet.count);
	if (w->ours && w->grown.processed)
		snprintf(wall->detail + used, sizeof(wall->detail) - (size_t)used,
			 " %u CPU%s took the packets while it was watched.", w->cpus,
			 w->cpus == 1 ? "" : "s");
	if (w->window_s > 0 && w->ours && w->after->softnet.count > 1 &&
	    w->busiest_share >= ONE_CPU_PACKETS && w->busiest_softirq >= ONE_CPU_TIME) {
		const struct nic *busy = busy_nic(w);
		if (busy)
			one_cpu(run, w, busy);
		else
			one_cpu_of_none(run, w);
	}
}

/* One column of softnet_stat, its wall and its knob. */
struct column {
	const char *wall, *knob, *grows, *past, *title, *what, *counter, *unit;
	struct nic_number value;
	uint64_t usual; /* the kernel's default */
	uint64_t grown, total;
	double least_per_s; /* slower growth is nothing to act on */
};

/* "12 packets dropped since boot 3 days ago, none in the 4.2 s that were watched" */
static void column_text(const struct watch *w, const struct column *c, char *text, size_t size)
{
	char count[32], age[32];
	int used = snprintf(text, size, "%s %s since %s", count_text(count, c->total), c->what,
			    age_text(w->after->uptime_s, age));
	if (w->window_s > 0 && used > 0 && (size_t)used < size)
		snprintf(text + used, size - (size_t)used, ", %s in the %.1f s that were watched%s",
			 c->grown ? count_text(count, c->grown) : "none", w->window_s,
			 c->grown && !w->ours ? ", when most packets were those of other network "
						"namespaces"
					      : "");
}

static void judge_column(struct probe_run *run, const struct watch *w, const struct column *c)
{
	char count[32], history[200];
	struct wall *wall = report_wall(run->report, c->wall);
	report_text(wall->unit, "packets");
	report_text(wall->knob, "%s", c->knob);
	if (!w->after->have_softnet) {
		report_text(wall->detail, "/proc/net/softnet_stat could not be read.");
		return;
	}
	wall->verdict = VERDICT_OK;
	if (c->value.known)
		wall->limit = (int64_t)c->value.value;
	column_text(w, c, history, sizeof(history));
	report_text(wall->detail, "%s%s.", history,
		    c->value.known ? "" : "; the knob is not visible in this network namespace");
	bool growing = w->window_s > 0 && w->ours && c->grown &&
		       (double)c->grown >= c->least_per_s * w->window_s;
	/* Of 32 bits a CPU: the interfaces' own counts do not wrap. */
	uint64_t processed = softnet_total(&w->after->softnet).processed, brought = 0;
	for (size_t i = 0; i < w->after->all.count; i++)
		brought += w->after->all.at[i].statistics.rx_packets.value;
	if (brought > processed)
		processed = brought;
	if (growing) {
		struct finding *f =
			report_finding(run->report, c->grows, LEVEL_WARNING, "%s", c->title);
		report_text(f->wall, "%s", c->wall);
		f->remedy = REMEDY_KERNEL;
		finding_evidence(f, c->counter, c->unit, (double)c->grown, NAN);
		report_text(f->detail, "%s %s in %.1f s%s.", count_text(count, c->grown), c->what,
			    w->window_s, beside_text(run));
		report_text(f->knob, "%s", c->knob);
		if (c->value.known) {
			report_text(f->current, "%" PRIu64, c->value.value);
			report_text(f->proposed, "%" PRIu64,
				    2 * c->value.value > c->usual ? 2 * c->value.value : c->usual);
		}
		report_text(f->tried, "not tried: one value for the whole machine");
		report_text(f->advice, "%s", knob_find(c->knob)->cost);
		wall->verdict = VERDICT_TIGHT;
	} else if (c->total >= PAST_LEAST && (double)c->total >= PAST_SHARE * (double)processed) {
		struct finding *f =
			report_finding(run->report, c->past, LEVEL_NOTE, "%s: before", c->wall);
		report_text(f->wall, "%s", c->wall);
		report_text(f->detail, "%s.", history);
	}
}

/* A round ends by its number of packets or by its time. When fewer packets came than so many full
 * rounds hold, it was the time (net/core/dev.c, net_rx_action()). */
static bool ended_by_time(const struct watch *w)
{
	uint64_t packets = w->received > w->grown.processed ? w->received : w->grown.processed;
	return w->after->budget.known && w->after->budget_usecs.known &&
	       packets < w->grown.time_squeeze * w->after->budget.value;
}

static void judge_softnet(struct probe_run *run, const struct watch *w)
{
	struct softnet_cpu total = softnet_total(&w->after->softnet);
	const struct column backlog = {BACKLOG,
				       "net.core.netdev_max_backlog",
				       "softnet.backlog.drops",
				       "softnet.backlog.past",
				       "Packets are dropped at a full backlog",
				       "packets dropped",
				       "softnet_stat column 2 (dropped)",
				       "packets",
				       w->after->max_backlog,
				       1000,
				       w->grown.dropped,
				       total.dropped,
				       0};
	struct column budget = {BUDGET,
				"net.core.netdev_budget",
				"softnet.budget.squeezed",
				"softnet.budget.past",
				"Receive softirqs end with work left",
				"rounds ended with work left",
				"softnet_stat column 3 (time_squeeze)",
				"rounds",
				w->after->budget,
				300,
				w->grown.time_squeeze,
				total.time_squeeze,
				SQUEEZES_PER_S};
	if (w->window_s > 0 && w->grown.time_squeeze && ended_by_time(w)) {
		budget.knob = "net.core.netdev_budget_usecs";
		budget.value = w->after->budget_usecs;
		budget.usual = 2000;
	}
	judge_column(run, w, &backlog);
	judge_column(run, w, &budget);
}

static struct finding *note_on(struct probe_run *run, const char *id, const struct nic *n,
			       const char *title)
{
	struct finding *f = report_finding(run->report, id, LEVEL_NOTE, "%s: %s", n->name, title);
	f->remedy = REMEDY_KERNEL;
	return f;
}

/* Settings that cost an epoll server something whatever the counters say. */
static void judge_settings(struct probe_run *run, const struct nic *n)
{
	static const struct {
		const char *feature, *title, *detail, *option;
	} offloads[] = {
		{"rx-gro", "generic receive offload is off",
		 "Each packet goes through the stack alone, where GRO would merge those of one "
		 "connection. Turn it on unless this machine forwards for others:",
		 "gro"},
		{"tx-tcp-segmentation", "TCP segmentation offload is off",
		 "The kernel cuts what is sent into packets that the device could cut itself:",
		 "tso"},
	};
	for (size_t i = 0; i < sizeof(offloads) / sizeof(*offloads); i++) {
		const struct nic_feature *f = nic_feature(n, offloads[i].feature);
		if (!f || f->active || !f->changeable)
			continue;
		struct finding *note = note_on(run, "nic.offload", n, offloads[i].title);
		report_text(note->detail, "%s ethtool -K %s %s on.", offloads[i].detail, n->name,
			    offloads[i].option);
	}
	static const char *const shapers[] = {"netem", "tbf", "htb", "hfsc", "cbq", "red"};
	for (size_t i = 0; i < sizeof(shapers) / sizeof(*shapers); i++) {
		if (strcmp(n->qdisc, shapers[i]) != 0)
			continue;
		struct finding *note =
			note_on(run, "nic.qdisc", n, "its qdisc shapes what is sent");
		note->remedy = REMEDY_NONE;
		report_text(
			note->detail,
			"%s delays or limits packets on purpose. If nobody means it any more: tc "
			"qdisc del dev %s root.",
			n->qdisc, n->name);
	}
}

static void judge_interrupts(struct probe_run *run, const struct nic *n, size_t cpus)
{
	uint64_t most, queues = queues_of(n, &most);
	const struct nic_coalesce *c = &n->coalesce;
	if (c->rx_usecs.known && c->rx_usecs.value >= COALESCE_US &&
	    !(c->adaptive_rx.known && c->adaptive_rx.value)) {
		struct finding *note =
			note_on(run, "nic.coalesce", n, "it waits before it interrupts");
		report_text(note->knob, "device.coalesce.rx-usecs@%s", n->name);
		report_text(note->current, "%" PRIu64, c->rx_usecs.value);
		report_text(note->detail,
			    "Up to %" PRIu64 " us for the first packet after a pause. Good for "
			    "throughput, bad for a server that answers small requests.",
			    c->rx_usecs.value);
	}
	bool one = queues > 1 && cpus > 1 && n->irq_count >= queues;
	for (size_t i = 0; i < n->irq_count && one; i++)
		one = n->irqs[i].affinity && !strcmp(n->irqs[i].affinity, n->irqs[0].affinity) &&
		      !strpbrk(n->irqs[i].affinity, ",-");
	if (!one)
		return;
	struct finding *note = note_on(run, "nic.affinity", n, "all its interrupts go to one CPU");
	note->remedy = REMEDY_NONE;
	report_text(note->detail,
		    "CPU %s serves all %" PRIu64 " queues. irqbalance, or /proc/irq/*/"
		    "smp_affinity_list, spreads them.",
		    n->irqs[0].affinity, queues);
}

static void judge(struct probe_run *run, const struct sample *before, const struct sample *after)
{
	struct watch w = watch_of(before, after);
	judge_softnet(run, &w);
	judge_ring(run, &w);
	judge_queues(run, &w);
	for (size_t i = 0; i < after->nics.count; i++) {
		if (!after->nics.at[i].up)
			continue;
		judge_settings(run, &after->nics.at[i]);
		judge_interrupts(run, &after->nics.at[i], after->softnet.count);
	}
}

/* The interfaces could not be listed at all. */
static void unreadable(struct probe_run *run, const struct err *why)
{
	static const char *const names[] = {RING, QUEUES};
	for (size_t i = 0; i < 2; i++) {
		struct wall *wall = report_wall(run->report, names[i]);
		wall->verdict = VERDICT_UNKNOWN;
		wall->limit = REPORT_NONE;
		if (host_live(run->host))
			report_text(wall->detail, "%s.", why->text);
		else
			report_text(wall->detail, "Its interfaces are not in the capture.");
	}
}

static int nic_inspect(struct probe_run *run, struct err *e)
{
	struct err why = {0};
	struct sample *s = malloc(sizeof(*s));
	if (!s)
		return err_set(e, ENOMEM, "no memory for the interfaces");
	int rc = sample_take(run->host, s, &why);
	judge(run, s, s);
	if (rc)
		unreadable(run, &why);
	sample_free(s);
	free(s);
	return 0;
}

/* Until the window is over and the other probes have ended. */
static void sleep_beside(struct probe_run *run)
{
	char text[32];
	uint64_t us = run->options->window_us ? run->options->window_us : WINDOW_US;
	probe_progress(run, "watching the interfaces for %s",
		       quantity_format(text, sizeof(text), QUANTITY_DURATION, us));
	struct timespec left = {.tv_sec = (time_t)(us / 1000000),
				.tv_nsec = (long)(us % 1000000) * 1000};
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
	struct pollfd others = {.fd = run->others, .events = POLLIN};
	while (run->others >= 0 && poll(&others, 1, -1) < 0 && errno == EINTR)
		;
}

static int nic_measure(struct probe_run *run, struct err *e)
{
	struct sample *s = calloc(2, sizeof(*s));
	if (!s)
		return err_set(e, ENOMEM, "no memory for the interfaces");
	int rc = sample_take(run->host, &s[0], e);
	if (!rc) {
		sleep_beside(run);
		rc = sample_take(run->host, &s[1], e);
	}
	if (!rc) {
		report_init(run->report);
		judge(run, &s[0], &s[1]);
	}
	sample_free(&s[0]);
	sample_free(&s[1]);
	free(s);
	return rc;
}

const struct probe probe_nic = {
	.name = "nic",
	.summary = "watches network cards and softnet: lost packets, queues, backlog, budget",
	.walls = BACKLOG "," BUDGET "," RING "," QUEUES,
	.watches = true,
	.no_lab = true,
	.inspect = nic_inspect,
	.measure = nic_measure,
};
