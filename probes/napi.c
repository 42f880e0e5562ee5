/* NAPI and an epoll server: how long a request takes by interrupt, with interrupts deferred as this
 * host's interfaces have it, and with epoll busy polling, and what each costs in CPU time.
 *
 * The wire is a veth pair that receives through NAPI: generic receive offload on at the server, no
 * TCP segmentation offload at the client (drivers/net/veth.c, veth_skb_is_eligible_for_gro()). All
 * settings are measured in interleaved rounds on one connection; a difference is one when no round
 * of the one lies among the rounds of the other. */
#include "epolltune/probe.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "epolltune/epoll_set.h"
#include "epolltune/load.h"
#include "epolltune/nic.h"
#include "epolltune/server.h"

#define WALL "napi.latency"
#define WIRE "wire"

#define ROUNDS 5
#define ROUNDS_MOST 64
#define ROUNDS_LEAST 3
#define TALK 100
#define STORM 400
#define STORM_DEPTH 16
#define WARM 10
#define TALK_TIMEOUT_MS 5000
/* What the rounds may take when nobody asks for more, and what one server waits idle for. */
#define ROUNDS_US 550000
#define ROUNDS_MOST_US 2000000
#define IDLE_US 10000
#define IDLE_ROUNDS 3
#define SPARSE 2
#define SPARSE_US 1000
/* A gain worth telling; and rounds so far apart that the machine was busy with something else. */
#define GAIN 0.8
#define NOISE 1.25
/* Deferral from which on a delay is derived where it cannot be measured. */
#define DEFERRED_NS 50000

struct deferral {
	uint64_t flush_ns; /* gro_flush_timeout */
	uint64_t polls;    /* napi_defer_hard_irqs */
	uint64_t suspend_ns;
};

enum need { NEED_BUSY_POLL = 1, NEED_DEFERRAL = 2, NEED_SUSPENSION = 4 };

/* What a round measures of a way: the median latency of one request at a time, requests a second
 * with several under way, the server's CPU of a request of the first kind and when one comes each
 * millisecond, and its share of a CPU when none comes. */
enum metric { P50_US, PER_S, CPU_US, SPARSE_CPU_US, IDLE_PERCENT, METRICS };

/* One way to receive, and what was measured of it. */
struct way {
	const char *name;
	struct server_busy_poll poll;
	struct deferral defer;
	unsigned needs;
	bool tried;
	size_t rounds;
	double round[METRICS][ROUNDS_MOST]; /* IDLE_PERCENT: of the first IDLE_ROUNDS */
	struct histogram latency;           /* of all rounds */
};

enum way_index {
	WAY_PLAIN,
	WAY_HOST,
	WAY_POLL_SHORT,
	WAY_POLL_LONG,
	WAY_POLL_ONE,
	WAY_DEFER,
	WAY_SUSPEND,
	WAYS
};

static const struct way ways[WAYS] = {
	[WAY_PLAIN] = {.name = "interrupts"},
	[WAY_HOST] = {.name = "this host's deferral", .needs = NEED_DEFERRAL},
	[WAY_POLL_SHORT] = {.name = "polling 50 us, 8 packets",
			    .poll = {50, 8, false},
			    .needs = NEED_BUSY_POLL},
	[WAY_POLL_LONG] = {.name = "polling 200 us, 64 packets, preferred",
			   .poll = {200, 64, true},
			   .needs = NEED_BUSY_POLL},
	[WAY_POLL_ONE] = {.name = "polling 20 us, 1 packet",
			  .poll = {20, 1, false},
			  .needs = NEED_BUSY_POLL},
	[WAY_DEFER] = {.name = "deferral of 20 us", .defer = {20000, 2, 0}, .needs = NEED_DEFERRAL},
	/* The values that Documentation/networking/napi.rst gives, "IRQ suspension". */
	[WAY_SUSPEND] = {.name = "polling, interrupts suspended",
			 .poll = {200, 64, true},
			 .defer = {200000, 100, 20000000},
			 .needs = NEED_BUSY_POLL | NEED_DEFERRAL | NEED_SUSPENSION},
};

/* What the host's interfaces have set: of those that are up, the longest deferral. */
struct host_setting {
	bool unreadable;
	char nic[NIC_NAME]; /* "": none is up */
	struct deferral defer;
	int queue;          /* the receive queue of a NAPI instance that has its own; -1: none */
	uint64_t busy_poll; /* net.core.busy_poll: how long every epoll set polls; us */
};

static bool deferring(const struct deferral *d) { return d->flush_ns && d->polls; }

static void setting_take(struct host_setting *s, const struct nic *n, struct deferral d, int queue)
{
	bool first = !s->nic[0];
	bool longer = deferring(&d) && (!deferring(&s->defer) || d.flush_ns > s->defer.flush_ns);
	if (!first && !longer)
		return;
	snprintf(s->nic, sizeof(s->nic), "%s", n->name);
	s->defer = d;
	s->queue = queue;
}

static struct deferral instance_deferral(const struct nic_napi *p)
{
	return (struct deferral){p->gro_flush_timeout.value, p->defer_hard_irqs.value,
				 p->irq_suspend_timeout.value};
}

/* -1: of none, as far as the kernel tells. */
static int queue_of(const struct nic *n, const struct nic_napi *p)
{
	for (size_t i = 0; i < n->queue_count; i++)
		if (n->queues[i].direction == NIC_RX && nic_napi_of(n, n->queues[i].id) == p)
			return (int)n->queues[i].id;
	return -1;
}

static void setting_of(struct host_setting *s, const struct nic *n)
{
	bool each = n->napi_count && n->napis[0].gro_flush_timeout.known, alike = true;
	struct deferral device = {n->napi.gro_flush_timeout.value,
				  n->napi.napi_defer_hard_irqs.value, 0};
	if (!each) {
		setting_take(s, n, device, -1);
		return;
	}
	struct deferral first = instance_deferral(&n->napis[0]);
	for (size_t k = 1; k < n->napi_count; k++) {
		struct deferral d = instance_deferral(&n->napis[k]);
		alike &= !memcmp(&d, &first, sizeof(d));
	}
	for (size_t k = 0; k < n->napi_count; k++)
		setting_take(s, n, instance_deferral(&n->napis[k]),
			     alike ? -1 : queue_of(n, &n->napis[k]));
}

static struct host_setting setting_read(const struct host *h)
{
	struct host_setting s = {.queue = -1};
	struct nics nics;
	struct err ignored;
	if (host_read_u64(h, "proc/sys/net/core/busy_poll", &s.busy_poll, &ignored) < 0)
		s.busy_poll = 0;
	s.unreadable = nics_read(h, NIC_ALL, &nics, &ignored) < 0;
	if (s.unreadable)
		return s;
	for (size_t i = 0; i < nics.count; i++)
		if (nics.at[i].up && strcmp(nics.at[i].name, "lo") != 0)
			setting_of(&s, &nics.at[i]);
	nics_free(&nics);
	return s;
}

/* What a function on the wire's host is asked for; in the lab's memory. */
struct wire_order {
	struct deferral defer;
	uint32_t napi; /* found; 0: the kernel does not tell ids */
	bool can_suspend;
};

static const struct nic *wire_find(struct host *h, struct nics *nics, struct err *e)
{
	if (nics_read(h, NIC_ALL, nics, e) < 0)
		return NULL;
	const struct nic *n = nics_find(nics, WIRE);
	if (!n)
		err_set(e, ENODEV, "the lab has no wire");
	return n;
}

static int client_prepare(struct host *h, void *arg, struct err *e)
{
	struct nics nics = {0};
	(void)arg;
	const struct nic *n = wire_find(h, &nics, e);
	int rc = n ? 0 : -e->code;
	for (size_t i = 0; n && !rc && i < n->feature_count; i++) {
		const struct nic_feature *f = &n->features[i];
		if (f->active && f->changeable && !strncmp(f->name, "tx-tcp", 6))
			rc = nic_set_feature(h, WIRE, f->name, false, e);
	}
	nics_free(&nics);
	return rc;
}

static int server_prepare(struct host *h, void *arg, struct err *e)
{
	struct wire_order *o = arg;
	struct nics nics = {0};
	int rc = nic_set_feature(h, WIRE, "rx-gro", true, e);
	const struct nic *n = rc ? NULL : wire_find(h, &nics, e);
	if (!rc && !n)
		rc = -e->code;
	if (n && n->napi_count) {
		o->napi = n->napis[0].id;
		o->can_suspend = n->napis[0].irq_suspend_timeout.known;
	}
	nics_free(&nics);
	return rc;
}

static int server_defer(struct host *h, void *arg, struct err *e)
{
	struct wire_order *o = arg;
	const struct nic_field *flush = nic_field_find("napi", "gro_flush_timeout");
	const struct nic_field *polls = nic_field_find("napi", "napi_defer_hard_irqs");
	int rc = nic_settable(h, WIRE, NIC_BY_SYSFS, e);
	if (!rc)
		rc = nic_set(h, WIRE, flush, o->defer.flush_ns, e);
	if (!rc)
		rc = nic_set(h, WIRE, polls, o->defer.polls, e);
	if (!rc && o->can_suspend)
		rc = nic_set_napi(h, o->napi, NAPI_IRQ_SUSPEND_TIMEOUT, o->defer.suspend_ns, e);
	return rc;
}

/* The experiment. */
struct bench {
	struct probe_run *run;
	unsigned server_cpu, client_cpu; /* counted from 1 */
	struct server server;
	struct load load;
	struct wire_order *wire;
	unsigned has;          /* of enum need */
	struct err no_polling; /* why not */
	char plain[48];        /* how it is called when the host's epoll sets poll anyway */
	struct deferral now;
	struct host_setting host;
	bool hurt; /* by the host's deferral */
	struct way way[WAYS];
};

static void nap_us(uint64_t us)
{
	struct timespec t = {.tv_nsec = (long)us * 1000};
	nanosleep(&t, NULL);
}

static int set_deferral(struct bench *b, const struct deferral *to, struct err *e)
{
	if (!memcmp(&b->now, to, sizeof(*to)))
		return 0;
	b->wire->defer = *to;
	int rc = lab_call(b->run->lab, LAB_SERVER, server_defer, b->wire, e);
	if (!rc)
		b->now = *to;
	return rc;
}

static int way_enter(struct bench *b, const struct way *w, struct err *e)
{
	int rc = set_deferral(b, &w->defer, e);
	if (!rc && b->has & NEED_BUSY_POLL)
		rc = server_busy_poll(&b->server, &w->poll, e);
	return rc ? rc : load_talk(&b->load, WARM, TALK_TIMEOUT_MS, e);
}

/* What this kernel and this lab can do, found by doing it, where that needs no privilege. */
static void bench_probe(struct bench *b)
{
	struct server_busy_poll off = {0};
	struct err why;
	if (!server_busy_poll(&b->server, &off, &b->no_polling))
		b->has |= NEED_BUSY_POLL;
	b->wire->defer = (struct deferral){0};
	if (lab_call(b->run->lab, LAB_SERVER, server_defer, b->wire, &why))
		return;
	b->has |= NEED_DEFERRAL;
	if (b->wire->can_suspend)
		b->has |= NEED_SUSPENSION;
}

static int bench_open(struct bench *b, struct err *e)
{
	struct lab *lab = b->run->lab;
	struct server_usage usage;
	b->wire = lab_alloc(lab, sizeof(*b->wire), e);
	if (!b->wire)
		return -e->code;
	int rc = lab_call(lab, LAB_CLIENT, client_prepare, NULL, e);
	if (!rc)
		rc = lab_call(lab, LAB_SERVER, server_prepare, b->wire, e);
	struct server_config config = {
		.address = lab_address(lab, LAB_SERVER, 0), .backlog = 64, .cpu = b->server_cpu};
	if (!rc)
		rc = server_start(&b->server, lab, &config, e);
	struct load_config to = {.to = config.address,
				 .port = b->server.port,
				 .connections = STORM_DEPTH,
				 .cpu = b->client_cpu};
	if (!rc)
		rc = load_start(&b->load, lab, &to, e);
	if (!rc)
		rc = load_open(&b->load, STORM_DEPTH, 0, TALK_TIMEOUT_MS, e);
	if (!rc)
		rc = load_talk(&b->load, 2 * STORM_DEPTH, TALK_TIMEOUT_MS, e);
	if (!rc)
		rc = server_usage(&b->server, &usage, e);
	if (rc)
		return rc;
	if (!usage.napi)
		return err_set(e, ENOTSUP,
			       "the lab's wire does not receive through NAPI on this kernel "
			       "(SO_INCOMING_NAPI_ID is 0), so nothing of NAPI can be measured");
	bench_probe(b);
	return 0;
}

/* Server and client each on a CPU of its own, as two machines are: on one CPU they would hand over
 * by a context switch, and polling would only keep the other from running. */
static int choose_cpus(struct bench *b, struct err *e)
{
	cpu_set_t allowed;
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return err_errno(e, "read the CPUs that this process may use");
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		if (!b->server_cpu)
			b->server_cpu = cpu + 1;
		b->client_cpu = cpu + 1;
	}
	if (b->server_cpu != b->client_cpu)
		return 0;
	return err_set(e, ENOTSUP,
		       "there is one CPU only, on which polling would keep the client "
		       "from sending what is polled for");
}

/* What it costs when little comes. */
static int way_sparse(struct bench *b, struct way *w, struct err *e)
{
	struct server_usage before = {0}, after = {0};
	int rc = server_usage(&b->server, &before, e);
	for (unsigned i = 0; !rc && i < SPARSE; i++) {
		rc = load_talk(&b->load, 1, TALK_TIMEOUT_MS, e);
		nap_us(SPARSE_US);
	}
	if (!rc)
		rc = server_usage(&b->server, &after, e);
	if (!rc)
		w->round[SPARSE_CPU_US][w->rounds] =
			(double)(after.cpu_ns - before.cpu_ns) / SPARSE / 1e3;
	return rc;
}

/* What it costs when nothing comes. */
static int way_idle(struct bench *b, struct way *w, struct err *e)
{
	struct server_usage before = {0}, after = {0};
	int rc = server_usage(&b->server, &before, e);
	uint64_t start = load_now_ns();
	nap_us(IDLE_US);
	if (!rc)
		rc = server_usage(&b->server, &after, e);
	if (!rc)
		w->round[IDLE_PERCENT][w->rounds] = 100 * (double)(after.cpu_ns - before.cpu_ns) /
						    (double)(load_now_ns() - start);
	return rc;
}

/* One round of one way: latency one request at a time, throughput with several under way, cost with
 * few. */
static int way_round(struct bench *b, struct way *w, struct err *e)
{
	struct server_usage before = {0}, after = {0};
	struct histogram *talk = calloc(2, sizeof(*talk));
	if (!talk)
		return err_set(e, ENOMEM, "no memory for a histogram");
	int rc = way_enter(b, w, e);
	load_forget(&b->load);
	if (!rc)
		rc = server_usage(&b->server, &before, e);
	if (!rc)
		rc = load_talk(&b->load, TALK, TALK_TIMEOUT_MS, e);
	if (!rc)
		rc = server_usage(&b->server, &after, e);
	if (!rc) {
		load_latency(&b->load, &talk[0], &talk[1]);
		histogram_merge(&w->latency, &talk[1]);
		w->round[P50_US][w->rounds] = (double)histogram_quantile(&talk[1], 0.5) / 1e3;
		w->round[CPU_US][w->rounds] = (double)(after.cpu_ns - before.cpu_ns) / TALK / 1e3;
	}
	free(talk);
	uint64_t start = load_now_ns();
	if (!rc)
		rc = load_storm(&b->load, STORM, STORM_DEPTH, TALK_TIMEOUT_MS, e);
	if (!rc)
		w->round[PER_S][w->rounds] = STORM * 1e9 / (double)(load_now_ns() - start);
	if (!rc)
		rc = way_sparse(b, w, e);
	if (!rc && w->rounds < IDLE_ROUNDS)
		rc = way_idle(b, w, e);
	if (!rc)
		w->rounds++;
	return rc;
}

static int bench_rounds(struct bench *b, struct err *e)
{
	uint64_t start = load_now_ns(), budget = ROUNDS_US;
	size_t rounds = ROUNDS;
	int rc = 0;
	if (b->run->options->window_us) {
		budget = b->run->options->window_us;
		rounds = ROUNDS_MOST;
	}
	for (size_t round = 0; !rc && round < rounds; round++) {
		uint64_t spent_us = (load_now_ns() - start) / 1000;
		if (spent_us > budget && (round >= ROUNDS_LEAST || spent_us > ROUNDS_MOST_US))
			break;
		probe_progress(b->run, "request latency, round %zu", round + 1);
		/* In another order each time: nobody is always the first. */
		for (size_t i = 0; !rc && i < WAYS; i++) {
			struct way *w = &b->way[(i + round) % WAYS];
			if (w->tried)
				rc = way_round(b, w, e);
		}
	}
	return rc;
}

static int bench_run(struct bench *b, struct err *e)
{
	int rc = bench_open(b, e);
	for (size_t i = 0; i < WAYS; i++) {
		b->way[i] = ways[i];
		b->way[i].tried = (ways[i].needs & ~b->has) == 0;
	}
	/* fs/eventpoll.c, ep_busy_loop_on(): a set that has no time of its own takes that one. */
	if (b->host.busy_poll) {
		snprintf(b->plain, sizeof(b->plain), "net.core.busy_poll of %" PRIu64 " us",
			 b->host.busy_poll);
		b->way[WAY_PLAIN].name = b->plain;
	}
	b->way[WAY_HOST].defer = b->host.defer;
	b->way[WAY_HOST].tried &= b->host.defer.flush_ns != 0;
	if (!b->wire || !b->wire->can_suspend)
		b->way[WAY_HOST].defer.suspend_ns = 0;
	return rc ? rc : bench_rounds(b, e);
}

/* From here on: what it means. */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Of the rounds: the median, the least and the most. */
struct spread {
	double least, median, most;
};

struct figures {
	struct spread of[METRICS];
	double least_us, p50_us, most_us; /* of[P50_US] */
	double p99_us;                    /* of all rounds together */
	bool few; /* rounds, for want of time: they tell nothing of the spread */
};

static struct spread spread_of(const double *rounds, size_t count)
{
	double sorted[ROUNDS_MOST];
	if (!count)
		return (struct spread){0};
	memcpy(sorted, rounds, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_size);
	return (struct spread){sorted[0], sorted[count / 2], sorted[count - 1]};
}

static struct figures figures_of(const struct way *w)
{
	struct figures f = {.few = w->rounds < ROUNDS_LEAST};
	for (size_t i = 0; i < METRICS; i++)
		f.of[i] = spread_of(w->round[i], i == IDLE_PERCENT && w->rounds > IDLE_ROUNDS
							 ? IDLE_ROUNDS
							 : w->rounds);
	f.least_us = f.of[P50_US].least;
	f.p50_us = f.of[P50_US].median;
	f.most_us = f.of[P50_US].most;
	f.p99_us = (double)histogram_quantile(&w->latency, 0.99) / 1e3;
	return f;
}

enum comparison { SAME, FASTER, TOO_BUSY };

static bool noisy(const struct figures *f) { return f->few || f->most_us > NOISE * f->least_us; }

/* Is `a` faster than `b`: by a gain worth telling, and beyond the spread of both? */
static enum comparison compare(const struct figures *a, const struct figures *b)
{
	if (!a->few && a->most_us < b->least_us && a->p50_us <= GAIN * b->p50_us)
		return FASTER;
	return noisy(a) || noisy(b) ? TOO_BUSY : SAME;
}

static void evidence(struct finding *f, const struct figures *now, const struct figures *then)
{
	static const struct {
		const char *name, *unit;
	} metrics[METRICS] = {
		[P50_US] = {"request p50", "us"},
		[PER_S] = {"requests, 16 at a time", "1/s"},
		[CPU_US] = {"server CPU a request, one at a time", "us"},
		[SPARSE_CPU_US] = {"server CPU a request, one each ms", "us"},
		[IDLE_PERCENT] = {"server CPU when idle", "%"},
	};
	for (size_t i = 0; i < METRICS; i++) {
		finding_evidence(f, metrics[i].name, metrics[i].unit, now->of[i].median,
				 then->of[i].median);
		if (i == P50_US)
			finding_evidence(f, "request p99", "us", now->p99_us, then->p99_us);
	}
}

/* What the evidence has no room for: from where to where its rounds went. */
static void tell_spread(char *text, size_t size, const struct figures *now,
			const struct figures *then)
{
	const struct spread *a = now->of, *b = then->of;
	size_t used = strlen(text);
	report_text_into(
		text + used, size - used,
		" Rounds, before and after: 16 at a time %.1f to %.1f and %.1f to %.1f thousand a "
		"second; CPU of one alone %.1f to %.1f and %.1f to %.1f us, of one each ms %.0f to "
		"%.0f and %.0f to %.0f us; idle %.1f to %.1f and %.1f to %.1f %%.",
		a[PER_S].least / 1e3, a[PER_S].most / 1e3, b[PER_S].least / 1e3,
		b[PER_S].most / 1e3, a[CPU_US].least, a[CPU_US].most, b[CPU_US].least,
		b[CPU_US].most, a[SPARSE_CPU_US].least, a[SPARSE_CPU_US].most,
		b[SPARSE_CPU_US].least, b[SPARSE_CPU_US].most, a[IDLE_PERCENT].least,
		a[IDLE_PERCENT].most, b[IDLE_PERCENT].least, b[IDLE_PERCENT].most);
}

static struct finding *deferred_finding(struct probe_run *run, const struct host_setting *s)
{
	struct finding *f =
		report_finding(run->report, "napi.latency.deferred", LEVEL_WARNING,
			       "%s defers interrupts: a delay when nobody polls", s->nic);
	report_text(f->wall, "%s", WALL);
	f->remedy = REMEDY_KERNEL;
	if (s->queue >= 0)
		report_text(f->knob, "device.gro_flush_timeout@%s:rx-%d", s->nic, s->queue);
	else
		report_text(f->knob, "device.gro_flush_timeout@%s", s->nic);
	report_text(f->current, "%" PRIu64, s->defer.flush_ns);
	report_text(f->proposed, "0");
	report_text(
		f->advice,
		"Set both to 0, their default, unless the server busy polls with prefer_busy_poll "
		"(epolltune explain epoll-busy-poll). %sTakes effect at once.",
		s->queue >= 0 ? "This NAPI instance has a setting of its own. " : "");
	report_wall(run->report, WALL)->verdict = VERDICT_TIGHT;
	return f;
}

static void tell_derived(struct probe_run *run, const struct host_setting *s, const char *why)
{
	if (!deferring(&s->defer) || s->defer.flush_ns < DEFERRED_NS)
		return;
	struct finding *f = deferred_finding(run, s);
	report_text(f->detail,
		    "gro_flush_timeout %" PRIu64 " ns with napi_defer_hard_irqs %" PRIu64
		    ": up to that delay for a packet when nobody polls.",
		    s->defer.flush_ns, s->defer.polls);
	report_text(f->tried, "not tried: %s", why);
}

static int napi_inspect(struct probe_run *run, struct err *e)
{
	struct host_setting s = setting_read(run->host);
	struct wall *w = report_wall(run->report, WALL);
	(void)e;
	report_text(w->unit, "us");
	report_text(w->knob, "device.gro_flush_timeout");
	w->verdict = VERDICT_OK;
	if (s.unreadable) {
		w->verdict = VERDICT_UNKNOWN;
		report_text(w->detail, "The interfaces could not be read.");
		return 0;
	}
	if (!s.nic[0]) {
		report_text(w->detail, "No interface is up.");
		return 0;
	}
	if (!deferring(&s.defer)) {
		report_text(w->detail, "%s does not defer interrupts.", s.nic);
		return 0;
	}
	w->method = METHOD_DERIVED;
	w->limit = (int64_t)(s.defer.flush_ns / 1000);
	report_text(w->detail,
		    "%s has gro_flush_timeout %" PRIu64 " ns and napi_defer_hard_irqs %" PRIu64
		    ": up to that delay for a packet when nobody polls.",
		    s.nic, s.defer.flush_ns, s.defer.polls);
	/* An experiment follows and says more. */
	if (!run->lab)
		tell_derived(run, &s, "by inspection only");
	return 0;
}

static void tell_deferred(struct bench *b, const struct figures *plain)
{
	struct host_setting *s = &b->host;
	if (!deferring(&s->defer))
		return;
	if (!b->way[WAY_HOST].tried) {
		tell_derived(b->run, s, "it takes root, in the initial user namespace");
		return;
	}
	struct figures host = figures_of(&b->way[WAY_HOST]);
	enum comparison cure = compare(plain, &host);
	if (cure == TOO_BUSY)
		tell_derived(b->run, s, "the machine was too busy to tell");
	if (cure != FASTER)
		return;
	b->hurt = true;
	struct finding *f = deferred_finding(b->run, s);
	report_text(f->detail,
		    "With gro_flush_timeout %" PRIu64 " ns and napi_defer_hard_irqs %" PRIu64
		    ", as on %s, a request took %.0f us (p50; rounds %.0f to %.0f).",
		    s->defer.flush_ns, s->defer.polls, s->nic, host.p50_us, host.least_us,
		    host.most_us);
	report_text(f->tried,
		    "with gro_flush_timeout and napi_defer_hard_irqs at 0 it took %.0f us "
		    "(%.0f to %.0f)",
		    plain->p50_us, plain->least_us, plain->most_us);
	tell_spread(f->detail, sizeof(f->detail), &host, plain);
	evidence(f, &host, plain);
}

static bool polls(const struct way *w) { return w->tried && w->needs & NEED_BUSY_POLL; }

/* The fastest of those that poll; of those that are as fast, the one that costs least. Where some
 * surely gain, the others do not count: they had bad luck with the machine's other work. NULL: none
 * polls. */
static const struct way *best_polling(const struct bench *b, const struct figures *now)
{
	struct figures f[WAYS];
	bool gains[WAYS] = {false}, some = false;
	size_t fastest = WAYS, best;
	for (size_t i = 0; i < WAYS; i++) {
		if (!polls(&b->way[i]))
			continue;
		f[i] = figures_of(&b->way[i]);
		gains[i] = compare(&f[i], now) == FASTER;
		some |= gains[i];
	}
	for (size_t i = 0; i < WAYS; i++)
		if (polls(&b->way[i]) && gains[i] == some &&
		    (fastest == WAYS || f[i].p50_us < f[fastest].p50_us))
			fastest = i;
	if (fastest == WAYS)
		return NULL;
	best = fastest;
	for (size_t i = 0; i < WAYS; i++)
		if (polls(&b->way[i]) && gains[i] == some && f[i].least_us <= f[fastest].most_us &&
		    f[i].p50_us * GAIN <= f[fastest].p50_us &&
		    f[i].of[SPARSE_CPU_US].median < f[best].of[SPARSE_CPU_US].median)
			best = i;
	return &b->way[best];
}

/* "by interrupts 38 us (37 to 38); polling 50 us, 8 packets 24 us (24 to 25); …" */
static void tell_all(const struct bench *b, char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "Request p50 over a veth wire, by ");
	for (size_t i = 0; i < WAYS && used < size; i++) {
		if (!b->way[i].tried)
			continue;
		struct figures f = figures_of(&b->way[i]);
		int n = snprintf(text + used, size - used, "%s%s: %.0f us (%.0f to %.0f)",
				 i ? "; " : "", b->way[i].name, f.p50_us, f.least_us, f.most_us);
		used += n > 0 ? (size_t)n : 0;
	}
	if (used < size)
		snprintf(text + used, size - used, ".");
}

/* Servers that run here: is each epoll set served by one NAPI? */
static void tell_sets(const struct host *h, char *text, size_t size)
{
	struct epoll_set sets[2];
	size_t count, hidden, used = 0;
	struct err ignored;
	if (epoll_sets_read(h, sets, 2, &count, &hidden, &ignored) || !count)
		return;
	used = (size_t)snprintf(text, size, " Here: ");
	for (size_t i = 0; i < count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used,
					 "%s%.15s[%d] has connections of %" PRIu64
					 " NAPI%s in one set",
					 i ? ", " : "", sets[i].process, sets[i].pid, sets[i].napis,
					 sets[i].napis == 1 ? " (fit for it)" : "s");
}

/* All that has to be set for it. */
static void way_settings(const struct way *w, char text[200])
{
	int used =
		snprintf(text, 200, "busy_poll_usecs %u, busy_poll_budget %u, prefer_busy_poll %d",
			 w->poll.usecs, w->poll.budget, w->poll.prefer);
	if (w->defer.flush_ns)
		snprintf(text + used, 200 - (size_t)used,
			 ", and of the interface gro_flush_timeout %" PRIu64
			 ", napi_defer_hard_irqs %" PRIu64 ", irq-suspend-timeout %" PRIu64,
			 w->defer.flush_ns, w->defer.polls, w->defer.suspend_ns);
}

/* The best beside the host's setting; where that does harm, beside what cures it. */
static void tell_busy_poll(struct bench *b)
{
	const struct way *is = &b->way[b->way[WAY_HOST].tried && !b->hurt ? WAY_HOST : WAY_PLAIN];
	struct figures now_is = figures_of(is), *now = &now_is;
	const struct way *best = best_polling(b, now);
	if (!best)
		return;
	struct figures f = figures_of(best);
	enum comparison c = compare(&f, now);
	if (c == TOO_BUSY) {
		struct finding *n =
			report_finding(b->run->report, "napi.latency.too-busy", LEVEL_SKIPPED,
				       "The machine was too busy to tell what busy polling gains");
		report_text(n->wall, "%s", WALL);
		tell_all(b, n->detail, sizeof(n->detail));
		return;
	}
	if (c == SAME)
		return;
	struct finding *n = report_finding(b->run->report, "napi.latency.busy-poll", LEVEL_NOTE,
					   "Epoll busy polling answers in %.0f us, not %.0f",
					   f.p50_us, now->p50_us);
	report_text(n->wall, "%s", WALL);
	n->remedy = REMEDY_APPLICATION;
	report_text(n->knob, "EPIOCSPARAMS");
	report_text(n->current, "0");
	report_text(n->proposed, "%u", best->poll.usecs);
	char how[200];
	way_settings(best, how);
	report_text(n->detail,
		    "Request p50 over a veth wire: %.0f us (rounds %.0f to %.0f) by %s, %.0f us "
		    "(%.0f to %.0f) by %s: %s.",
		    now->p50_us, now->least_us, now->most_us, is->name, f.p50_us, f.least_us,
		    f.most_us, best->name, how);
	report_text(n->tried, "p50 %.0f us, p99 %.0f us", f.p50_us, f.p99_us);
	size_t used = (size_t)snprintf(
		n->advice, sizeof(n->advice),
		"For latency, where CPUs are to spare: a request a millisecond costs the "
		"server %.0f us of CPU instead of %.0f. For efficiency leave it off; for both see "
		"epolltune explain "
		"epoll-busy-poll.",
		f.of[SPARSE_CPU_US].median, now->of[SPARSE_CPU_US].median);
	tell_sets(b->run->host, n->advice + used, sizeof(n->advice) - used);
	tell_spread(n->detail, sizeof(n->detail), now, &f);
	evidence(n, now, &f);
}

static void untried(struct probe_run *run, const char *text)
{
	struct finding *f = report_finding(run->report, "napi.latency.untried", LEVEL_SKIPPED,
					   "Some ways to receive were not measured");
	report_text(f->wall, "%s", WALL);
	report_text(f->detail, "%c%s%s", toupper((unsigned char)*text), text + 1,
		    text[strlen(text) - 1] == '.' ? "" : ".");
}

static void tell_missing(struct bench *b)
{
	char text[600] = "";
	size_t used = 0;
	if (!(b->has & NEED_BUSY_POLL) && !host_kernel_since(b->run->host, 6, 9))
		used += (size_t)snprintf(text, sizeof(text),
					 "Epoll busy polling (EPIOCSPARAMS) needs Linux 6.9. ");
	else if (!(b->has & NEED_BUSY_POLL))
		used += (size_t)snprintf(text, sizeof(text), "Epoll busy polling: %.200s. ",
					 b->no_polling.text);
	if (!(b->has & NEED_DEFERRAL))
		used += (size_t)snprintf(
			text + used, sizeof(text) - used,
			"Deferred interrupts (gro_flush_timeout) take root, in the "
			"first user namespace. ");
	if (!b->wire->can_suspend)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "Suspended interrupts (irq-suspend-timeout) need Linux "
					 "6.13. ");
	if (!used)
		return;
	text[used - 1] = 0;
	untried(b->run, text);
}

static void tell(struct bench *b)
{
	struct wall *w = report_wall(b->run->report, WALL);
	struct figures plain = figures_of(&b->way[WAY_PLAIN]), now = plain;
	if (b->way[WAY_HOST].tried)
		now = figures_of(&b->way[WAY_HOST]);
	w->method = METHOD_MEASURED;
	w->measured = (int64_t)(now.p50_us + 0.5);
	tell_all(b, w->detail, sizeof(w->detail));
	tell_deferred(b, &plain);
	tell_busy_poll(b);
	tell_missing(b);
}

static int napi_measure(struct probe_run *run, struct err *e)
{
	struct bench *b = calloc(1, sizeof(*b));
	if (!b)
		return err_set(e, ENOMEM, "no memory for histograms");
	b->run = run;
	b->server.channel = -1;
	b->host = setting_read(run->host);
	int rc = choose_cpus(b, e);
	if (!rc)
		rc = bench_run(b, e);
	load_stop(&b->load);
	server_stop(&b->server);
	if (!rc)
		tell(b);
	/* Nothing has failed: this machine has not what the experiment takes. */
	if (rc == -ENOTSUP) {
		tell_derived(run, &b->host, e->text);
		untried(run, e->text);
		rc = 0;
	}
	free(b);
	return rc;
}

const struct probe probe_napi = {
	.name = "napi",
	.summary = "request latency by interrupt, deferred interrupt and epoll busy polling",
	.walls = WALL,
	.alone = true,
	.private_only = true,
	.lab = {.wire = LAB_WIRE_VETH},
	.inspect = napi_inspect,
	.measure = napi_measure,
};
