/* Measures the latency and CPU time of a request with interrupts, with interrupts deferred as on
 * this host's interfaces, and with epoll busy polling.
 *
 * The rounds of all ways are interleaved. One way is faster than another only if their rounds do
 * not overlap. */
#include "epolltune/clock.h"
#include "epolltune/probe.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/nic.h"
#include "epolltune/pair.h"
#include "epolltune/quantity.h"

#define WALL "napi.latency"
#define DEFERRED "napi.latency.deferred"

#define ROUNDS 5
#define ROUNDS_MAX SERIES_MAX
#define ROUNDS_MIN 3
/* Time for the rounds unless --window is longer, and for ROUNDS_MIN of them on a slow machine. */
#define ROUNDS_US 550000
#define ROUNDS_MAX_US 2000000
/* The ratio of latencies from which a gain is reported, and the spread of rounds that shows other
 * work on the machine. */
#define GAIN 0.8
#define NOISE 1.25
/* Minimum deferral from which a delay is derived if it cannot be measured. */
#define DEFERRED_NS 50000

#define NO_DEFERRAL "testing deferred interrupts needs root in the initial user namespace"

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

/* The ways to receive. WAY_HOST gets the host's deferral. */
static const struct way {
	const char *name;
	struct server_busy_poll poll;
	struct nic_deferral defer;
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

static const struct {
	const char *name, *unit, *column; /* NULL: none in the table of ways */
} metrics[PAIR_METRICS] = {
	[PAIR_P50_US] = {"request p50", "us", "p50"},
	[PAIR_P99_US] = {"request p99", "us", "p99"},
	[PAIR_PER_S] = {"requests, 16 at a time", "1/s", "16 at a time"},
	[PAIR_CPU_US] = {"server CPU a request, one at a time", "us", NULL},
	[PAIR_SPARSE_CPU_US] = {"server CPU a request, one each ms", "us", "CPU at 1/ms"},
	[PAIR_IDLE_PERCENT] = {"server CPU when idle", "%", NULL},
};

struct sample {
	bool unreadable;
	struct nic_deferred is;
};

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	s->unreadable = nic_deferred_read(h, &s->is, NULL) < 0;
	return 0;
}

/* The functions up to the experiment are pure. */

/* The results of one way. */
struct figures {
	size_t rounds; /* 0: not tried */
	struct spread of[PAIR_METRICS];
	struct curve_line answered; /* the share of the requests by latency */
};

/* The results of the experiment. */
struct result {
	struct figures way[WAYS];
	bool polls, defers, suspends; /* available in this kernel and lab */
	char no_polling[160];         /* why `polls` is false, a sentence without full stop */
};

enum comparison { SAME, FASTER, TOO_BUSY };

/* Too few to show their spread. */
static bool few(const struct figures *f) { return f->rounds < ROUNDS_MIN; }

static bool noisy(const struct figures *f)
{
	return few(f) || f->of[PAIR_P50_US].max > NOISE * f->of[PAIR_P50_US].min;
}

/* Whether `a` is faster than `b`, by at least GAIN and beyond the spread of both. */
static enum comparison compare(const struct figures *a, const struct figures *b)
{
	const struct spread *x = &a->of[PAIR_P50_US], *y = &b->of[PAIR_P50_US];
	if (!few(a) && x->max < y->min && x->median <= GAIN * y->median)
		return FASTER;
	return noisy(a) || noisy(b) ? TOO_BUSY : SAME;
}

static bool polls(const struct result *r, size_t i)
{
	return r->way[i].rounds && ways[i].poll.usecs;
}

static const struct spread *p50(const struct result *r, size_t i)
{
	return &r->way[i].of[PAIR_P50_US];
}

/* "47 us (rounds 45 to 55)" */
static void p50_text(const struct figures *f, char text[64])
{
	const struct spread *s = &f->of[PAIR_P50_US];
	if (f->rounds < 2)
		snprintf(text, 64, "%.0f us", s->median);
	else
		snprintf(text, 64, "%.0f us (rounds %.0f to %.0f)", s->median, s->min, s->max);
}

/* An epoll set without its own busy_poll_usecs uses net.core.busy_poll (fs/eventpoll.c,
 * ep_busy_loop_on()). */
static void way_name(enum way_index i, const struct sample *s, char text[48])
{
	if (i == WAY_PLAIN && s->is.busy_poll_us)
		snprintf(text, 48, "net.core.busy_poll=%" PRIu64, s->is.busy_poll_us);
	else
		snprintf(text, 48, "%s", ways[i].name);
}

/* The settings of a way: of the application, and for some ways of the interface. */
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
	for (size_t i = 0; i < PAIR_METRICS; i++)
		finding_evidence(f, metrics[i].name, metrics[i].unit, now->of[i].median,
				 then->of[i].median);
}

static void curve_add(struct finding *f, enum way_index i, const struct sample *s,
		      const struct figures *of)
{
	char name[48];
	way_name(i, s, name);
	finding_curve_line(f, name, &of->answered);
}

static void curves_add(struct finding *f, const struct sample *s, const struct result *r,
		       enum way_index now, enum way_index then)
{
	static const struct curve_axes axes = {
		"Requests, one at a time", {"answered within", "us"}, {"share answered", "%"}};
	finding_curve(f, &axes);
	curve_add(f, now, s, &r->way[now]);
	curve_add(f, then, s, &r->way[then]);
}

static void table_add(struct finding *f, const struct sample *s, const struct result *r)
{
	finding_table(f, "way to receive");
	for (size_t m = 0; m < PAIR_METRICS; m++)
		if (metrics[m].column)
			finding_column(f, metrics[m].column, metrics[m].unit);
	for (size_t i = 0; i < WAYS; i++) {
		char name[48];
		if (!r->way[i].rounds)
			continue;
		way_name((enum way_index)i, s, name);
		double *value = finding_row(f, name);
		for (size_t m = 0; m < PAIR_METRICS; m++)
			if (metrics[m].column)
				*value++ = r->way[i].of[m].median;
	}
}

/* Sets {device}, and {flush} and {polls} if it defers interrupts. */
static struct wording deferral_words(const struct sample *s)
{
	struct wording w = {0};
	wording_set(&w, "device", "%s", s->is.nic);
	if (nic_defers(&s->is.longest)) {
		wording_set(&w, "flush", "%" PRIu64, s->is.longest.flush_ns);
		wording_set(&w, "polls", "%" PRIu64, s->is.longest.polls);
	}
	return w;
}

/* Adds the finding of deferred interrupts. `now`: its measurement; NULL: derived. */
static struct finding *deferred_add(const struct sample *s, const struct figures *now,
				    struct report *r)
{
	char device[NIC_NAME + 16], took[64] = "";
	struct wording words = deferral_words(s);
	if (now)
		p50_text(now, took);
	wording_flag(&words, "queue", s->is.queue >= 0);
	wording_set(&words, "now", "%s", took);
	struct finding *f = report_finding(r, DEFERRED, &words);
	report_text(device, "%s", s->is.nic);
	if (s->is.queue >= 0)
		report_append(device, ":rx-%d", s->is.queue);
	finding_propose_device(f, "device.gro_flush_timeout", device,
			       quantity_plain(s->is.longest.flush_ns).text, "0");
	report_wall(r, WALL)->verdict = VERDICT_TIGHT;
	return f;
}

/* `why`: the reason why its cost was not measured, a clause; "": the judge adds it. */
static void deferred_derive(const struct sample *s, enum finding_tried tried, const char *why,
			    struct report *r)
{
	if (!nic_defers(&s->is.longest) || s->is.longest.flush_ns < DEFERRED_NS)
		return;
	struct finding *f = deferred_add(s, NULL, r);
	f->tried = tried;
	report_text(f->outcome, "%s", why);
}

static void sample_judge(const struct sample *before, const struct sample *s,
			 const struct moment *m, struct report *r)
{
	struct wall *w = report_wall(r, WALL);
	struct wording words = deferral_words(s);
	wording_flag(&words, "unreadable", s->unreadable);
	report_text(w->knob, "device.gro_flush_timeout");
	wall_fill(w, &words);
	if (!s->unreadable)
		w->verdict = VERDICT_NA;
	if (!nic_defers(&s->is.longest))
		return;
	w->method = METHOD_DERIVED;
	w->verdict = VERDICT_OK;
	w->limit = (int64_t)(s->is.longest.flush_ns / 1000);
	deferred_derive(s, TRIED_NOT, "", r);
}

/* The wall is not measured if the host defers interrupts and the lab did not. */
static void wall_judge(const struct sample *s, const struct result *r, struct wall *w)
{
	bool host = r->way[WAY_HOST].rounds;
	enum way_index now = host ? WAY_HOST : WAY_PLAIN;
	struct wording words = {0};
	char took[64], name[48];
	if (nic_defers(&s->is.longest) && !host) {
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
	wording_set(&words, "took", "%s", took);
	wording_set(&words, "way", "%s", name);
	wall_fill(w, &words);
}

/* Whether the host's deferral delays requests. */
static bool deferral_judge(const struct sample *s, const struct result *r, struct report *report)
{
	const struct figures *host = &r->way[WAY_HOST], *plain = &r->way[WAY_PLAIN];
	char took[64];
	if (!nic_defers(&s->is.longest))
		return false;
	enum comparison cure = host->rounds ? compare(plain, host) : SAME;
	if (!host->rounds)
		deferred_derive(s, TRIED_NOT, NO_DEFERRAL, report);
	else if (cure == TOO_BUSY)
		deferred_derive(s, TRIED_INCONCLUSIVE,
				few(plain) || few(host) ? "too few rounds were measured"
							: "the machine was too busy",
				report);
	if (cure != FASTER)
		return false;
	struct finding *f = deferred_add(s, host, report);
	p50_text(plain, took);
	f->tried = TRIED_DONE;
	report_text(f->outcome, "with both at 0 the request p50 is %s", took);
	evidence_add(f, host, plain);
	curves_add(f, s, r, WAY_HOST, WAY_PLAIN);
	return true;
}

/* The fastest way that polls; among equally fast ones the cheapest. If some are certainly faster
 * than `now`, ignores the others: other work on the machine disturbed them. WAYS: none polls. */
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
		    r->way[i].of[PAIR_SPARSE_CPU_US].median <
			    r->way[best].of[PAIR_SPARSE_CPU_US].median)
			best = i;
	return (enum way_index)best;
}

static struct wording polling_words(const struct sample *s, const struct result *r,
				    enum way_index is, enum way_index best)
{
	struct wording w = {0};
	char took[64], text[200], name[48];
	wording_set(&w, "now", "%.0f", p50(r, is)->median);
	wording_set(&w, "then", "%.0f", p50(r, best)->median);
	wording_set(&w, "cpu_now", "%.0f", r->way[is].of[PAIR_SPARSE_CPU_US].median);
	wording_set(&w, "cpu_then", "%.0f", r->way[best].of[PAIR_SPARSE_CPU_US].median);
	p50_text(&r->way[is], took);
	way_name(is, s, name);
	wording_set(&w, "is", "%s with %s", took, name);
	p50_text(&r->way[best], took);
	wording_set(&w, "best", "%s", took);
	way_settings(best, text);
	wording_set(&w, "how", "%s", text);
	return w;
}

/* Compares the best way that polls with the host's deferral, or with interrupts if that does harm.
 */
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
	if (gain == SAME)
		return;
	size_t rounds = now->rounds < then->rounds ? now->rounds : then->rounds;
	wording_set(&words, "few", "%s",
		    few(now) || few(then) ? quantity_of(rounds, "round").text : "");
	struct finding *f = report_finding(
		report, gain == FASTER ? WALL ".busy-poll" : WALL ".too-busy", &words);
	table_add(f, s, r);
	if (gain != FASTER)
		return;
	finding_propose(f, "EPIOCSPARAMS", "0", quantity_plain(ways[best].poll.usecs).text);
	f->tried = TRIED_DONE;
	report_text(f->outcome, "p50 %.0f us, p99 %.0f us", then->of[PAIR_P50_US].median,
		    then->of[PAIR_P99_US].median);
	evidence_add(f, now, then);
	curves_add(f, s, r, is, best);
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

/* Replaces the finding that the observation derived from `s` by the measured ones. */
static void result_judge(const struct sample *s, const struct result *r, struct report *report)
{
	report_remove(report, DEFERRED);
	wall_judge(s, r, report_wall(report, WALL));
	bool harm = deferral_judge(s, r, report);
	polling_judge(s, r, harm, report);
	missing_judge(r, report);
}

struct context {
	struct trial *trial;
	struct sample host;
	struct pair pair;
	struct pair_rounds way[WAYS];
	struct result result;
};

/* Finds out which ways this kernel and lab support, by trying them where that needs no privilege.
 */
static void needs_find(struct context *c)
{
	const struct server_busy_poll off = {0};
	const struct nic_deferral none = {0};
	struct result *r = &c->result;
	struct err why;
	r->polls = !server_busy_poll(&c->pair.server, &off, &why);
	if (r->polls)
		r->no_polling[0] = 0;
	else if (host_kernel(c->trial->host) < KERNEL(6, 9))
		report_text(r->no_polling, "Epoll busy polling (EPIOCSPARAMS) needs Linux 6.9");
	else
		report_text(r->no_polling, "Epoll busy polling: %s", why.text);
	r->defers = !lab_wire_defer(c->trial->lab, &none, NULL);
	r->suspends = lab_wire_suspends(c->trial->lab);
}

static const struct nic_deferral *way_deferral(const struct context *c, enum way_index i)
{
	return i == WAY_HOST ? &c->host.is.longest : &ways[i].defer;
}

static int way_round(struct context *c, enum way_index i, struct err *e)
{
	int rc = 0;
	if (c->result.defers)
		rc = lab_wire_defer(c->trial->lab, way_deferral(c, i), e);
	if (!rc && c->result.polls)
		rc = server_busy_poll(&c->pair.server, &ways[i].poll, e);
	if (!rc)
		rc = pair_warm(&c->pair, e);
	return rc ? rc : pair_round(&c->pair, &c->way[i], e);
}

static bool way_possible(const struct context *c, enum way_index i)
{
	const struct result *r = &c->result;
	uint64_t flush_ns = way_deferral(c, i)->flush_ns;
	if (i == WAY_HOST && !flush_ns)
		return false;
	return (r->polls || !ways[i].poll.usecs) && (r->defers || !flush_ns) &&
	       (r->suspends || !ways[i].defer.suspend_ns);
}

static int rounds_run(struct context *c, struct err *e)
{
	uint64_t start = clock_ns(), budget = ROUNDS_US, window = c->trial->options->window_us;
	size_t rounds = ROUNDS;
	int rc = 0;
	if (window) {
		budget = window;
		rounds = ROUNDS_MAX;
	}
	for (size_t round = 0; !rc && round < rounds; round++) {
		uint64_t spent_us = (clock_ns() - start) / 1000;
		if (spent_us > budget && (round >= ROUNDS_MIN || spent_us > ROUNDS_MAX_US))
			break;
		trial_progress(c->trial, "request latency, round %zu", round + 1);
		/* Rotate the order, so that no way is always the first. */
		for (size_t k = 0; !rc && k < WAYS; k++) {
			enum way_index i = (enum way_index)((k + round) % WAYS);
			if (way_possible(c, i))
				rc = way_round(c, i, e);
		}
	}
	return rc;
}

/* The last percent is a few requests: other work on the machine. */
static void answered_take(const struct histogram *latency, struct curve_line *line)
{
	for (unsigned percent = 1; percent <= 99 && latency->total; percent += 7)
		curve_point(line, (double)histogram_quantile(latency, percent / 100.0) / 1e3,
			    percent);
}

static void result_take(struct context *c)
{
	struct result *r = &c->result;
	for (size_t i = 0; i < WAYS; i++) {
		r->way[i].rounds = c->way[i].of[PAIR_P50_US].count;
		for (enum pair_metric m = 0; m < PAIR_METRICS; m++)
			r->way[i].of[m] = pair_spread(&c->way[i], m);
		answered_take(&c->way[i].latency, &r->way[i].answered);
	}
}

static int napi_measure(struct trial *t, struct report *report, struct err *e)
{
	struct context *c = t->context;
	c->trial = t;
	sample_take(t->host, t->options, &c->host, NULL);
	int rc = pair_start(&c->pair, t->lab, e);
	if (!rc)
		rc = pair_await_napi(&c->pair, e);
	if (!rc) {
		needs_find(c);
		rc = rounds_run(c, e);
	}
	pair_stop(&c->pair);
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
	.lab = {.wire = LAB_WIRE_VETH, .napi = true},
	.context_size = sizeof(struct context),
	.observation = &observation,
	.measure = napi_measure,
};
