/* NAPI and an epoll server: how long a request takes with interrupts, with interrupts deferred as
 * this host's interfaces have them, and with epoll busy polling, and what each costs in CPU time.
 *
 * The wire is a veth pair that receives through NAPI: generic receive offload on at the server, no
 * TCP segmentation offload at the client (drivers/net/veth.c, veth_skb_is_eligible_for_gro()). All
 * ways are measured in interleaved rounds on one connection; one is faster than another only when
 * their rounds do not overlap. */
#include "epolltune/probe.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/epoll_set.h"
#include "epolltune/load.h"
#include "epolltune/nic.h"
#include "epolltune/server.h"

#define WALL "napi.latency"
#define DEFERRED "napi.latency.deferred"
#define WIRE "wire"

#define ROUNDS 5
#define ROUNDS_MAX 64
#define ROUNDS_MIN 3
#define TALK 100
#define STORM 400
#define STORM_DEPTH 16
#define WARM 10
#define TALK_TIMEOUT_MS 5000
/* Time for the rounds when --window asks for no more, and for ROUNDS_MIN of them on a slow machine.
 */
#define ROUNDS_US 550000
#define ROUNDS_MAX_US 2000000
#define IDLE_US 10000
#define IDLE_ROUNDS 3
#define SPARSE 2
#define SPARSE_US 1000
/* A veth that comes up receives its first packets outside NAPI. */
#define NAPI_TRIES 50
#define NAPI_PAUSE_US 10000
/* A gain worth reporting, and a spread of rounds that other work on the machine causes. */
#define GAIN 0.8
#define NOISE 1.25
/* A deferral from which on a delay is derived where it cannot be measured. */
#define DEFERRED_NS 50000

#define NO_DEFERRAL "testing deferred interrupts needs root in the initial user namespace"

struct deferral {
	uint64_t flush_ns; /* gro_flush_timeout */
	uint64_t polls;    /* napi_defer_hard_irqs */
	uint64_t suspend_ns;
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

/* The ways to receive. That of the host has the host's deferral. */
static const struct way {
	const char *name;
	struct server_busy_poll poll;
	struct deferral defer;
} ways[WAYS] = {
	[WAY_PLAIN] = {"interrupts", {0}, {0}},
	[WAY_HOST] = {"this host's deferral", {0}, {0}},
	[WAY_POLL_SHORT] = {"busy_poll_usecs=50", {50, 8, false}, {0}},
	[WAY_POLL_LONG] = {"busy_poll_usecs=200 prefer", {200, 64, true}, {0}},
	[WAY_POLL_ONE] = {"busy_poll_usecs=20", {20, 1, false}, {0}},
	[WAY_DEFER] = {"gro_flush_timeout=20000", {0}, {20000, 2, 0}},
	/* The values of Documentation/networking/napi.rst, "IRQ suspension". */
	[WAY_SUSPEND] = {"irq-suspend-timeout", {200, 64, true}, {200000, 100, 20000000}},
};

enum metric { P50_US, P99_US, PER_S, CPU_US, SPARSE_CPU_US, IDLE_PERCENT, METRICS };

static const struct {
	const char *name, *unit, *column; /* NULL: none in the table of ways */
} metrics[METRICS] = {
	[P50_US] = {"request p50", "us", "p50"},
	[P99_US] = {"request p99", "us", "p99"},
	[PER_S] = {"requests, 16 at a time", "1/s", "16 at a time"},
	[CPU_US] = {"server CPU a request, one at a time", "us", NULL},
	[SPARSE_CPU_US] = {"server CPU a request, one each ms", "us", "CPU at 1/ms"},
	[IDLE_PERCENT] = {"server CPU when idle", "%", NULL},
};

/* What the host's interfaces have set: of those that are up, the longest deferral. */
struct sample {
	bool unreadable;
	char nic[NIC_NAME]; /* "": none is up */
	struct deferral defer;
	int queue;          /* the receive queue of a NAPI instance that has its own; -1: none */
	uint64_t busy_poll; /* net.core.busy_poll: how long every epoll set polls; us */
};

static bool deferring(const struct deferral *d) { return d->flush_ns && d->polls; }

static struct deferral deferral_of(const struct nic_napi *p)
{
	return (struct deferral){p->gro_flush_timeout.value, p->defer_hard_irqs.value,
				 p->irq_suspend_timeout.value};
}

static void setting_take(struct sample *s, const struct nic *n, struct deferral d, int queue)
{
	bool longer = deferring(&d) && (!deferring(&s->defer) || d.flush_ns > s->defer.flush_ns);
	if (s->nic[0] && !longer)
		return;
	snprintf(s->nic, sizeof(s->nic), "%s", n->name);
	s->defer = d;
	s->queue = queue;
}

/* -1: the kernel reports none. */
static int queue_of(const struct nic *n, const struct nic_napi *p)
{
	for (size_t i = 0; i < n->queue_count; i++)
		if (n->queues[i].direction == NIC_RX && nic_napi_of(n, n->queues[i].id) == p)
			return (int)n->queues[i].id;
	return -1;
}

/* Since 6.13 each NAPI instance has its own setting. */
static void setting_of(struct sample *s, const struct nic *n)
{
	const struct nic_napi device = {.gro_flush_timeout = n->napi.gro_flush_timeout,
					.defer_hard_irqs = n->napi.napi_defer_hard_irqs};
	bool each = n->napi_count && n->napis[0].gro_flush_timeout.known, alike = true;
	const struct nic_napi *napis = each ? n->napis : &device;
	size_t count = each ? n->napi_count : 1;
	struct deferral first = deferral_of(&napis[0]);
	for (size_t k = 1; k < count; k++) {
		struct deferral d = deferral_of(&napis[k]);
		alike &= !memcmp(&d, &first, sizeof(d));
	}
	for (size_t k = 0; k < count; k++)
		setting_take(s, n, deferral_of(&napis[k]), alike ? -1 : queue_of(n, &napis[k]));
}

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	struct nics nics;
	struct err unread;
	(void)o;
	(void)e;
	s->queue = -1;
	if (host_read_u64(h, "proc/sys/net/core/busy_poll", &s->busy_poll, &unread) < 0)
		s->busy_poll = 0;
	s->unreadable = nics_read(h, NIC_ALL, &nics, &unread) < 0;
	if (s->unreadable)
		return 0;
	for (size_t i = 0; i < nics.count; i++)
		if (nics.at[i].up && strcmp(nics.at[i].name, "lo") != 0)
			setting_of(s, &nics.at[i]);
	nics_free(&nics);
	return 0;
}

/* Pure from here to the experiment. */

struct spread {
	double min, median, max;
};

/* What the rounds of one way measured. */
struct figures {
	size_t rounds; /* 0: this way was not tried */
	struct spread of[METRICS];
};

/* What the experiment found. */
struct result {
	struct figures way[WAYS];
	bool polls, defers, suspends; /* what this kernel and this lab can do */
	char no_polling[160];         /* why it does not, a sentence without full stop */
	struct epoll_set sets[2];
	size_t set_count;
};

enum comparison { SAME, FASTER, TOO_BUSY };

static bool noisy(const struct figures *f)
{
	return f->rounds < ROUNDS_MIN || f->of[P50_US].max > NOISE * f->of[P50_US].min;
}

/* Whether `a` is faster than `b`: by a gain worth reporting, and beyond the spread of both. */
static enum comparison compare(const struct figures *a, const struct figures *b)
{
	const struct spread *x = &a->of[P50_US], *y = &b->of[P50_US];
	if (a->rounds >= ROUNDS_MIN && x->max < y->min && x->median <= GAIN * y->median)
		return FASTER;
	return noisy(a) || noisy(b) ? TOO_BUSY : SAME;
}

static bool polls(const struct result *r, size_t i)
{
	return r->way[i].rounds && ways[i].poll.usecs;
}

static const struct spread *p50(const struct result *r, size_t i) { return &r->way[i].of[P50_US]; }

/* "47 us (rounds 45 to 55)" */
static void p50_text(const struct figures *f, char text[64])
{
	const struct spread *s = &f->of[P50_US];
	snprintf(text, 64, "%.0f us (rounds %.0f to %.0f)", s->median, s->min, s->max);
}

/* fs/eventpoll.c, ep_busy_loop_on(): an epoll set without a time of its own takes
 * net.core.busy_poll. */
static void way_name(enum way_index i, const struct sample *s, char text[48])
{
	if (i == WAY_PLAIN && s->busy_poll)
		snprintf(text, 48, "net.core.busy_poll=%" PRIu64, s->busy_poll);
	else
		snprintf(text, 48, "%s", ways[i].name);
}

/* All that an application, and for some ways the interface, sets for it. */
static void way_settings(enum way_index i, char text[200])
{
	const struct way *w = &ways[i];
	int used = snprintf(text, 200, "busy_poll_usecs=%u busy_poll_budget=%u prefer_busy_poll=%d",
			    w->poll.usecs, w->poll.budget, w->poll.prefer);
	if (w->defer.flush_ns)
		snprintf(text + used, 200 - (size_t)used,
			 ", and of the interface gro_flush_timeout=%" PRIu64
			 " napi_defer_hard_irqs=%" PRIu64 " irq-suspend-timeout=%" PRIu64,
			 w->defer.flush_ns, w->defer.polls, w->defer.suspend_ns);
}

static void evidence_add(struct finding *f, const struct figures *now, const struct figures *then)
{
	for (size_t i = 0; i < METRICS; i++)
		finding_evidence(f, metrics[i].name, metrics[i].unit, now->of[i].median,
				 then->of[i].median);
}

static void table_add(struct finding *f, const struct sample *s, const struct result *r)
{
	finding_table(f, "way to receive");
	for (size_t m = 0; m < METRICS; m++)
		if (metrics[m].column)
			finding_column(f, metrics[m].column, metrics[m].unit);
	for (size_t i = 0; i < WAYS; i++) {
		char name[48];
		if (!r->way[i].rounds)
			continue;
		way_name((enum way_index)i, s, name);
		double *value = finding_row(f, name);
		for (size_t m = 0; m < METRICS; m++)
			if (metrics[m].column)
				*value++ = r->way[i].of[m].median;
	}
}

/* `now`: what was measured with it; NULL: derived. */
static struct finding *deferred_add(const struct sample *s, const struct figures *now,
				    struct report *r)
{
	char value[32], knob[sizeof((struct proposal){0}.knob)], took[64] = "";
	struct wording words = {0};
	if (now)
		p50_text(now, took);
	wording_set(&words, "device", "%s", s->nic);
	wording_set(&words, "flush", "%" PRIu64, s->defer.flush_ns);
	wording_set(&words, "polls", "%" PRIu64, s->defer.polls);
	wording_set(&words, "queue", "%s", s->queue >= 0 ? "yes" : "");
	wording_set(&words, "now", "%s", took);
	struct finding *f = report_finding(r, DEFERRED, &words);
	report_text(knob, "device.gro_flush_timeout@%s", s->nic);
	if (s->queue >= 0)
		report_append(knob, ":rx-%d", s->queue);
	snprintf(value, sizeof(value), "%" PRIu64, s->defer.flush_ns);
	finding_propose(f, knob, value, "0");
	report_wall(r, WALL)->verdict = VERDICT_TIGHT;
	return f;
}

/* `why` its cost is not measured, a clause; "": the judge says. */
static void deferred_derive(const struct sample *s, enum finding_tried tried, const char *why,
			    struct report *r)
{
	if (!deferring(&s->defer) || s->defer.flush_ns < DEFERRED_NS)
		return;
	struct finding *f = deferred_add(s, NULL, r);
	f->tried = tried;
	report_text(f->outcome, "%s", why);
}

static void sample_judge(const struct sample *before, const struct sample *s,
			 const struct moment *m, struct report *r)
{
	struct wall *w = report_wall(r, WALL);
	(void)before;
	(void)m;
	report_text(w->knob, "device.gro_flush_timeout");
	if (s->unreadable) {
		report_text(w->detail, "The interfaces could not be read.");
		return;
	}
	w->verdict = VERDICT_NA;
	if (!s->nic[0]) {
		report_text(w->detail, "No interface is up.");
		return;
	}
	if (!deferring(&s->defer)) {
		report_text(w->detail, "%s does not defer interrupts.", s->nic);
		return;
	}
	w->method = METHOD_DERIVED;
	w->verdict = VERDICT_OK;
	w->limit = (int64_t)(s->defer.flush_ns / 1000);
	report_text(w->detail,
		    "gro_flush_timeout=%" PRIu64 " ns and napi_defer_hard_irqs=%" PRIu64
		    " of %s delay a packet by up to that time when nothing polls.",
		    s->defer.flush_ns, s->defer.polls, s->nic);
	deferred_derive(s, TRIED_NOT, "", r);
}

/* Without the host's deferral nothing of this host was measured. */
static void wall_judge(const struct sample *s, const struct result *r, struct wall *w)
{
	bool host = r->way[WAY_HOST].rounds;
	enum way_index now = host ? WAY_HOST : WAY_PLAIN;
	char took[64], name[48];
	if (deferring(&s->defer) && !host) {
		w->experiment = EXPERIMENT_MISSED;
		report_text(w->reason, "%s", NO_DEFERRAL);
		return;
	}
	p50_text(&r->way[now], took);
	way_name(now, s, name);
	w->experiment = EXPERIMENT_DONE;
	w->method = METHOD_MEASURED;
	w->measured = (int64_t)(p50(r, now)->median + 0.5);
	if (!s->unreadable)
		w->verdict = VERDICT_OK;
	report_text(w->detail, "Over a veth wire the request p50 is %s with %s.", took, name);
}

/* Whether the host's deferral delays requests. */
static bool deferral_judge(const struct sample *s, const struct result *r, struct report *report)
{
	const struct figures *host = &r->way[WAY_HOST], *plain = &r->way[WAY_PLAIN];
	char took[64];
	if (!deferring(&s->defer))
		return false;
	enum comparison cure = host->rounds ? compare(plain, host) : SAME;
	if (!host->rounds)
		deferred_derive(s, TRIED_NOT, NO_DEFERRAL, report);
	else if (cure == TOO_BUSY)
		deferred_derive(s, TRIED_INCONCLUSIVE, "the machine was too busy", report);
	if (cure != FASTER)
		return false;
	struct finding *f = deferred_add(s, host, report);
	p50_text(plain, took);
	f->tried = TRIED_DONE;
	report_text(f->outcome, "with both at 0 the request p50 is %s", took);
	evidence_add(f, host, plain);
	return true;
}

/* The fastest way that polls; of those as fast, the one that costs least. Where some are surely
 * faster than `now`, the others do not count: other work on the machine disturbed them. WAYS: none
 * polls. */
static enum way_index polling_best(const struct result *r, const struct figures *now)
{
	bool gains[WAYS] = {false}, some = false;
	size_t fastest = WAYS, best;
	for (size_t i = 0; i < WAYS; i++) {
		gains[i] = polls(r, i) && compare(&r->way[i], now) == FASTER;
		some |= gains[i];
	}
	for (size_t i = 0; i < WAYS; i++)
		if (polls(r, i) && gains[i] == some &&
		    (fastest == WAYS || p50(r, i)->median < p50(r, fastest)->median))
			fastest = i;
	best = fastest;
	for (size_t i = 0; i < WAYS && best < WAYS; i++)
		if (polls(r, i) && gains[i] == some && p50(r, i)->min <= p50(r, fastest)->max &&
		    p50(r, i)->median * GAIN <= p50(r, fastest)->median &&
		    r->way[i].of[SPARSE_CPU_US].median < r->way[best].of[SPARSE_CPU_US].median)
			best = i;
	return (enum way_index)best;
}

/* "nginx (pid 812): 1 NAPI instance" of the servers that run here. */
static void sets_text(const struct result *r, char text[200])
{
	text[0] = 0;
	for (size_t i = 0; i < r->set_count; i++)
		report_append_to(text, 200, "%s%.15s (pid %d): %" PRIu64 " NAPI instance%s",
				 i ? ", " : "", r->sets[i].process, r->sets[i].pid,
				 r->sets[i].napis, r->sets[i].napis == 1 ? "" : "s");
}

static struct wording polling_words(const struct sample *s, const struct result *r,
				    enum way_index is, enum way_index best)
{
	struct wording w = {0};
	char took[64], text[200], name[48];
	wording_set(&w, "now", "%.0f", p50(r, is)->median);
	wording_set(&w, "then", "%.0f", p50(r, best)->median);
	wording_set(&w, "cpu_now", "%.0f", r->way[is].of[SPARSE_CPU_US].median);
	wording_set(&w, "cpu_then", "%.0f", r->way[best].of[SPARSE_CPU_US].median);
	p50_text(&r->way[is], took);
	way_name(is, s, name);
	wording_set(&w, "is", "%s with %s", took, name);
	p50_text(&r->way[best], took);
	wording_set(&w, "best", "%s", took);
	way_settings(best, text);
	wording_set(&w, "how", "%s", text);
	sets_text(r, text);
	wording_set(&w, "sets", "%s", text);
	return w;
}

/* The best way that polls, compared with the host's deferral, or with what cures its harm. */
static void polling_judge(const struct sample *s, const struct result *r, bool harm,
			  struct report *report)
{
	enum way_index is = r->way[WAY_HOST].rounds && !harm ? WAY_HOST : WAY_PLAIN;
	const struct figures *now = &r->way[is];
	enum way_index best = polling_best(r, now);
	if (best == WAYS)
		return;
	const struct figures *then = &r->way[best];
	enum comparison gain = compare(then, now);
	struct wording words = polling_words(s, r, is, best);
	char usecs[16];
	if (gain == SAME)
		return;
	struct finding *f = report_finding(
		report, gain == FASTER ? WALL ".busy-poll" : WALL ".too-busy", &words);
	table_add(f, s, r);
	if (gain != FASTER)
		return;
	snprintf(usecs, sizeof(usecs), "%u", ways[best].poll.usecs);
	finding_propose(f, "EPIOCSPARAMS", "0", usecs);
	f->tried = TRIED_DONE;
	report_text(f->outcome, "p50 %.0f us, p99 %.0f us", then->of[P50_US].median,
		    then->of[P99_US].median);
	evidence_add(f, now, then);
}

static void untried_add(struct report *r, const char *why)
{
	struct wording words = {0};
	wording_set(&words, "why", "%c%s%s", toupper((unsigned char)*why), why + 1,
		    why[strlen(why) - 1] == '.' ? "" : ".");
	report_finding(r, WALL ".untried", &words);
}

static void missing_judge(const struct result *r, struct report *report)
{
	char text[WORDING_TEXT] = "";
	if (!r->polls)
		report_append(text, "%s. ", r->no_polling);
	if (!r->defers)
		report_append(text, "T%s. ", &NO_DEFERRAL[1]);
	if (!r->suspends)
		report_append(text, "Suspended interrupts (irq-suspend-timeout) need Linux 6.13. ");
	if (!text[0])
		return;
	text[strlen(text) - 1] = 0;
	untried_add(report, text);
}

/* The observation has judged `s` already; its finding is replaced by what was measured. */
static void result_judge(const struct sample *s, const struct result *r, struct report *report)
{
	report_remove(report, DEFERRED);
	wall_judge(s, r, report_wall(report, WALL));
	bool harm = deferral_judge(s, r, report);
	polling_judge(s, r, harm, report);
	missing_judge(r, report);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

struct series {
	size_t count;
	double at[ROUNDS_MAX];
};

static struct spread spread_of(const struct series *s)
{
	struct series sorted = *s;
	if (!s->count)
		return (struct spread){0};
	qsort(sorted.at, s->count, sizeof(*sorted.at), by_size);
	return (struct spread){sorted.at[0], sorted.at[s->count / 2], sorted.at[s->count - 1]};
}

/* The experiment. */

/* What a function on the wire's host is asked for; in the lab's memory. */
struct wire {
	struct deferral defer;
	uint32_t napi; /* found; 0: the kernel reports no ids */
	bool can_suspend;
};

struct context {
	struct trial *trial;
	struct sample host;
	unsigned server_cpu, client_cpu; /* counted from 1 */
	struct server *server;           /* the trial's */
	struct load *load;
	struct wire *wire;
	struct deferral now;
	struct rounds {
		struct series of[METRICS];
		struct histogram latency; /* of all rounds */
	} way[WAYS];
	struct histogram latency[2];
	struct result result;
};

static int client_prepare(struct host *h, void *arg, struct err *e)
{
	CLEAN(nics_freep) struct nics nics = {0};
	(void)arg;
	int rc = nics_read_one(h, WIRE, &nics, e);
	for (size_t i = 0; !rc && i < nics.at->feature_count; i++) {
		const struct nic_feature *f = &nics.at->features[i];
		if (f->active && f->changeable && !strncmp(f->name, "tx-tcp", 6))
			rc = nic_set_feature(h, WIRE, f->name, false, e);
	}
	return rc;
}

static int server_prepare(struct host *h, void *arg, struct err *e)
{
	CLEAN(nics_freep) struct nics nics = {0};
	struct wire *wire = arg;
	int rc = nic_set_feature(h, WIRE, "rx-gro", true, e);
	if (!rc)
		rc = nics_read_one(h, WIRE, &nics, e);
	if (!rc && nics.at->napi_count) {
		wire->napi = nics.at->napis[0].id;
		wire->can_suspend = nics.at->napis[0].irq_suspend_timeout.known;
	}
	return rc;
}

static int server_defer(struct host *h, void *arg, struct err *e)
{
	struct wire *wire = arg;
	const struct nic_field *flush = nic_field_find("napi", "gro_flush_timeout");
	const struct nic_field *polls = nic_field_find("napi", "napi_defer_hard_irqs");
	int rc = nic_settable(h, WIRE, NIC_BY_SYSFS, e);
	if (!rc)
		rc = nic_set(h, WIRE, flush, wire->defer.flush_ns, e);
	if (!rc)
		rc = nic_set(h, WIRE, polls, wire->defer.polls, e);
	if (!rc && wire->can_suspend)
		rc = nic_set_napi(h, wire->napi, NAPI_IRQ_SUSPEND_TIMEOUT, wire->defer.suspend_ns,
				  e);
	return rc;
}

static int wire_defer(struct context *c, struct deferral to, struct err *e)
{
	if (!c->wire->can_suspend)
		to.suspend_ns = 0;
	if (!memcmp(&c->now, &to, sizeof(to)))
		return 0;
	c->wire->defer = to;
	int rc = lab_call(c->trial->lab, LAB_SERVER, server_defer, c->wire, e);
	if (!rc)
		c->now = to;
	return rc;
}

/* What this kernel and this lab can do, found by doing it where that needs no privilege. */
static void needs_find(struct context *c)
{
	struct server_busy_poll off = {0};
	struct result *r = &c->result;
	struct err why;
	r->polls = !server_busy_poll(c->server, &off, &why);
	if (r->polls)
		r->no_polling[0] = 0;
	else if (!host_kernel_since(c->trial->host, 6, 9))
		report_text(r->no_polling, "Epoll busy polling (EPIOCSPARAMS) needs Linux 6.9");
	else
		report_text(r->no_polling, "Epoll busy polling: %s", why.text);
	r->defers = !lab_call(c->trial->lab, LAB_SERVER, server_defer, c->wire, &why);
	r->suspends = c->wire->can_suspend;
}

static int napi_await(struct context *c, struct err *e)
{
	struct server_usage usage = {0};
	int rc = 0;
	for (unsigned tries = 0; !rc && !usage.napi && tries < NAPI_TRIES; tries++) {
		if (tries)
			trial_sleep_us(NAPI_PAUSE_US);
		rc = load_talk(c->load, 2 * STORM_DEPTH, TALK_TIMEOUT_MS, e);
		if (!rc)
			rc = server_usage(c->server, &usage, e);
	}
	if (rc || usage.napi)
		return rc;
	return err_set(e, ENOTSUP,
		       "on this kernel the lab's wire does not receive through NAPI "
		       "(SO_INCOMING_NAPI_ID is 0)");
}

static int bench_open(struct context *c, struct err *e)
{
	struct trial *t = c->trial;
	struct lab *lab = t->lab;
	c->wire = lab_alloc(lab, sizeof(*c->wire), e);
	if (!c->wire)
		return -e->code;
	int rc = lab_call(lab, LAB_CLIENT, client_prepare, NULL, e);
	if (!rc)
		rc = lab_call(lab, LAB_SERVER, server_prepare, c->wire, e);
	const struct server_config config = {.backlog = 64, .cpu = c->server_cpu};
	if (!rc)
		rc = trial_server(t, config, e);
	const struct load_config to = {.connections = STORM_DEPTH, .cpu = c->client_cpu};
	if (!rc)
		rc = trial_load(t, to, e);
	c->server = t->server;
	c->load = t->loads[0];
	if (!rc)
		rc = load_open(c->load, STORM_DEPTH, 0, TALK_TIMEOUT_MS, e);
	if (!rc)
		rc = napi_await(c, e);
	if (!rc)
		needs_find(c);
	return rc;
}

/* Server and client each on a CPU of its own, as two machines are: on one CPU they would hand over
 * by a context switch, and polling would only keep the other from running. */
static int choose_cpus(struct context *c, struct err *e)
{
	cpu_set_t allowed;
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return err_errno(e, "read the CPUs that this process may use");
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		if (!c->server_cpu)
			c->server_cpu = cpu + 1;
		c->client_cpu = cpu + 1;
	}
	if (c->server_cpu != c->client_cpu)
		return 0;
	return err_set(e, ENOTSUP,
		       "this process may use one CPU only, on which a server that polls would keep "
		       "the client from sending");
}

static void series_add(struct series *s, double value) { s->at[s->count++] = value; }

static int talk(struct context *c, struct err *e)
{
	return load_talk(c->load, TALK, TALK_TIMEOUT_MS, e);
}

/* One request each millisecond. */
static int talk_sparsely(struct context *c, struct err *e)
{
	int rc = 0;
	for (unsigned i = 0; !rc && i < SPARSE; i++) {
		rc = load_talk(c->load, 1, TALK_TIMEOUT_MS, e);
		trial_sleep_us(SPARSE_US);
	}
	return rc;
}

static int idle(struct context *c, struct err *e)
{
	(void)c;
	(void)e;
	trial_sleep_us(IDLE_US);
	return 0;
}

/* The CPU time that the server takes meanwhile. */
static int cpu_spent(struct context *c, int (*meanwhile)(struct context *, struct err *),
		     double *us, struct err *e)
{
	struct server_usage before = {0}, after = {0};
	int rc = server_usage(c->server, &before, e);
	if (!rc)
		rc = meanwhile(c, e);
	if (!rc)
		rc = server_usage(c->server, &after, e);
	*us = (double)(after.cpu_ns - before.cpu_ns) / 1e3;
	return rc;
}

static int round_talk(struct context *c, struct rounds *r, struct err *e)
{
	struct histogram *request = &c->latency[1];
	double us;
	load_forget(c->load);
	int rc = cpu_spent(c, talk, &us, e);
	if (rc)
		return rc;
	memset(c->latency, 0, sizeof(c->latency));
	load_latency(c->load, &c->latency[0], request);
	histogram_merge(&r->latency, request);
	series_add(&r->of[P50_US], (double)histogram_quantile(request, 0.5) / 1e3);
	series_add(&r->of[CPU_US], us / TALK);
	return 0;
}

static int round_run(struct context *c, struct rounds *r, struct err *e)
{
	double us;
	int rc = round_talk(c, r, e);
	uint64_t start = load_now_ns();
	if (!rc)
		rc = load_storm(c->load, STORM, STORM_DEPTH, TALK_TIMEOUT_MS, e);
	if (rc)
		return rc;
	series_add(&r->of[PER_S], STORM * 1e9 / (double)(load_now_ns() - start));
	rc = cpu_spent(c, talk_sparsely, &us, e);
	if (rc)
		return rc;
	series_add(&r->of[SPARSE_CPU_US], us / SPARSE);
	if (r->of[IDLE_PERCENT].count == IDLE_ROUNDS)
		return 0;
	start = load_now_ns();
	rc = cpu_spent(c, idle, &us, e);
	if (!rc)
		series_add(&r->of[IDLE_PERCENT], us * 1e5 / (double)(load_now_ns() - start));
	return rc;
}

static struct deferral way_deferral(const struct context *c, enum way_index i)
{
	return i == WAY_HOST ? c->host.defer : ways[i].defer;
}

static int way_round(struct context *c, enum way_index i, struct err *e)
{
	int rc = wire_defer(c, way_deferral(c, i), e);
	if (!rc && c->result.polls)
		rc = server_busy_poll(c->server, &ways[i].poll, e);
	if (!rc)
		rc = load_talk(c->load, WARM, TALK_TIMEOUT_MS, e);
	return rc ? rc : round_run(c, &c->way[i], e);
}

static bool way_possible(const struct context *c, enum way_index i)
{
	const struct result *r = &c->result;
	struct deferral d = way_deferral(c, i);
	if (i == WAY_HOST && !d.flush_ns)
		return false;
	return (r->polls || !ways[i].poll.usecs) && (r->defers || !d.flush_ns) &&
	       (r->suspends || !ways[i].defer.suspend_ns);
}

static int bench_rounds(struct context *c, struct err *e)
{
	uint64_t start = load_now_ns(), budget = ROUNDS_US, window = c->trial->options->window_us;
	size_t rounds = ROUNDS;
	int rc = 0;
	if (window) {
		budget = window;
		rounds = ROUNDS_MAX;
	}
	for (size_t round = 0; !rc && round < rounds; round++) {
		uint64_t spent_us = (load_now_ns() - start) / 1000;
		if (spent_us > budget && (round >= ROUNDS_MIN || spent_us > ROUNDS_MAX_US))
			break;
		trial_progress(c->trial, "request latency, round %zu", round + 1);
		/* In another order each time: no way is always the first. */
		for (size_t k = 0; !rc && k < WAYS; k++) {
			enum way_index i = (enum way_index)((k + round) % WAYS);
			if (way_possible(c, i))
				rc = way_round(c, i, e);
		}
	}
	return rc;
}

static void result_take(struct context *c)
{
	struct result *r = &c->result;
	size_t hidden;
	struct err unread;
	for (size_t i = 0; i < WAYS; i++) {
		const struct rounds *from = &c->way[i];
		struct figures *f = &r->way[i];
		double p99 = (double)histogram_quantile(&from->latency, 0.99) / 1e3;
		f->rounds = from->of[P50_US].count;
		for (size_t m = 0; m < METRICS; m++)
			f->of[m] = spread_of(&from->of[m]);
		f->of[P99_US] = (struct spread){p99, p99, p99};
	}
	if (epoll_sets_read(c->trial->host, r->sets, 2, &r->set_count, &hidden, &unread))
		r->set_count = 0;
}

static int napi_measure(struct trial *t, struct report *report, struct err *e)
{
	struct context *c = t->context;
	c->trial = t;
	int rc = sample_take(t->host, t->options, &c->host, e);
	if (!rc)
		rc = choose_cpus(c, e);
	if (!rc)
		rc = bench_open(c, e);
	if (!rc)
		rc = bench_rounds(c, e);
	if (rc == -ENOTSUP)
		untried_add(report, e->text);
	if (rc)
		return rc;
	result_take(c);
	result_judge(&c->host, &c->result, report);
	return 0;
}

static const char *const walls[] = {WALL, NULL};

static const struct observation observation = {
	.walls = walls,
	.size = sizeof(struct sample),
	.sample = sample_take,
	.judge = sample_judge,
};

const struct probe probe_napi = {
	.name = "napi",
	.summary = "request latency with interrupts, deferred interrupts and epoll busy polling",
	.mode = PROBE_EXCLUSIVE,
	.place = PROBE_LAB,
	.lab = {.wire = LAB_WIRE_VETH},
	.context_size = sizeof(struct context),
	.observation = &observation,
	.measure = napi_measure,
};
