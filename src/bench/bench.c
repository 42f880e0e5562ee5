#include "bench/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "bench/benches.h"
#include "epolltune/list.h"
#include "epolltune/order.h"
#include "epolltune/statistics.h"
#include "epolltune/task.h"

#define SHOW_MS 200 /* between two lines of progress */

static const struct {
	const char *name, *unit, *meaning;
	enum bench_better better;
} metrics[BENCH_METRICS] = {
	[BENCH_RATE] = {"rate", "1/s", "connections or requests finished per second",
			BETTER_HIGHER},
	[BENCH_P50] = {"p50", "us", "median latency", BETTER_LOWER},
	[BENCH_P99] = {"p99", "us", "99th percentile of latency", BETTER_LOWER},
	[BENCH_COST] = {"cost", "ns", "time per operation", BETTER_LOWER},
	[BENCH_CPU] = {"cpu", "us",
		       "CPU time per connection or request, both ends (epolltune load: its own)",
		       BETTER_LOWER},
	[BENCH_SERVER_CPU] = {"server_cpu", "us",
			      "CPU time of the server alone, per connection or request",
			      BETTER_LOWER},
	[BENCH_ELAPSED] = {"elapsed", "s", "total time", BETTER_LOWER},
	[BENCH_USER_MEMORY] = {"user_memory", "B", "process memory per connection", BETTER_LOWER},
	[BENCH_KERNEL_MEMORY] = {"kernel_memory", "B", "kernel memory per connection end",
				 BETTER_LOWER},
	[BENCH_EVENTS] = {"events", "1", "events counted", BETTER_NEITHER},
};

const char *bench_metric_name(enum bench_metric m) { return metrics[m].name; }
const char *bench_metric_unit(enum bench_metric m) { return metrics[m].unit; }
const char *bench_metric_meaning(enum bench_metric m) { return metrics[m].meaning; }
enum bench_better bench_metric_better(enum bench_metric m) { return metrics[m].better; }

enum bench_metric bench_metric_find(const char *name)
{
	int m = 0;
	while (m < BENCH_METRICS && strcmp(metrics[m].name, name) != 0)
		m++;
	return (enum bench_metric)m;
}

void bench_init(struct bench_table *t) { t->count = t->lost = t->note_count = 0; }

const struct bench_result *bench_find(const struct bench_table *t, const char *bench,
				      const char *variant, uint64_t n, uint64_t active,
				      enum bench_metric metric)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct bench_result *r = &t->at[i];
		if (r->n == n && r->active == active && r->metric == metric &&
		    !strcmp(r->variant, variant) && !strcmp(r->bench, bench))
			return r;
	}
	return NULL;
}

static void result_settle(struct bench_result *r)
{
	double samples[BENCH_RUNS];
	memcpy(samples, r->sample, r->runs * sizeof(samples[0]));
	struct spread s = spread_of(samples, r->runs);
	r->min = s.min;
	r->median = s.median;
	r->max = s.max;
}

void bench_add(struct bench_table *t, const char *bench, const char *variant, uint64_t n,
	       uint64_t active, enum bench_metric metric, double value, const char *conditions, ...)
{
	const struct bench_result *found = bench_find(t, bench, variant, n, active, metric);
	struct bench_result *r = found ? &t->at[found - t->at] : NULL;
	if (!r && t->count < BENCH_RESULTS) {
		r = &t->at[t->count++];
		memset(r, 0, sizeof(*r));
		snprintf(r->bench, sizeof(r->bench), "%s", bench);
		snprintf(r->variant, sizeof(r->variant), "%s", variant);
		r->n = n;
		r->active = active;
		r->metric = metric;
		va_list args;
		va_start(args, conditions);
		vsnprintf(r->conditions, sizeof(r->conditions), conditions, args);
		va_end(args);
	}
	if (!r || r->runs == BENCH_RUNS) {
		t->lost++;
		return;
	}
	r->sample[r->runs++] = value;
	result_settle(r);
}

struct bench_ratio bench_ratio_of(const double *values, unsigned count)
{
	struct bench_result r = {.runs = count < BENCH_RUNS ? count : BENCH_RUNS};
	if (!r.runs)
		return (struct bench_ratio){0};
	memcpy(r.sample, values, r.runs * sizeof(*values));
	result_settle(&r);
	return (struct bench_ratio){r.runs, r.median, r.min, r.max};
}

struct bench_ratio bench_ratio(const struct bench_result *a, const struct bench_result *b)
{
	double values[BENCH_RUNS];
	unsigned count = 0;
	if (a && b)
		for (unsigned i = 0; i < a->runs && i < b->runs; i++)
			if (b->sample[i] > 0)
				values[count++] = a->sample[i] / b->sample[i];
	return bench_ratio_of(values, count);
}

char *bench_ratio_text(char *buf, size_t size, const struct bench_ratio *r)
{
	if (!r->rounds)
		snprintf(buf, size, "not measured");
	else if (r->rounds == 1)
		snprintf(buf, size, "%.2f (one round)", r->median);
	else if (r->max - r->min > BENCH_NOISE * r->median)
		snprintf(buf, size, "too noisy (%.2f to %.2f)", r->min, r->max);
	else
		snprintf(buf, size, "%.2f (%.2f to %.2f)", r->median, r->min, r->max);
	return buf;
}

void bench_note(struct bench_table *t, const char *fmt, ...)
{
	char text[sizeof(t->notes[0])];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (size_t i = 0; i < t->note_count; i++)
		if (!strcmp(t->notes[i], text))
			return;
	/* The last note says that there were more. */
	if (t->note_count == BENCH_NOTES)
		snprintf(t->notes[BENCH_NOTES - 1], sizeof(text), "further notes omitted");
	else
		memcpy(t->notes[t->note_count++], text, sizeof(text));
}

/* One size that both curves have. */
struct size_ratio {
	double n; /* first: its order */
	double ratio;
};

/* The number of smaller sizes at which `a` is cheaper: the split that contradicts the figures
 * least, as noise decides single points near a crossing. */
static size_t pairs_split(const struct size_ratio *pairs, size_t count)
{
	size_t best = 0;
	double min = INFINITY;
	for (size_t split = 0; split <= count; split++) {
		double against = 0;
		for (size_t i = 0; i < count; i++) {
			double d = log(pairs[i].ratio);
			against += i < split ? fmax(d, 0) : fmax(-d, 0);
		}
		if (against < min) {
			min = against;
			best = split;
		}
	}
	return best;
}

/* The value of one round; BENCH_RUNS selects the median. */
static double value_of(const struct bench_result *r, unsigned round)
{
	return round == BENCH_RUNS ? r->median : round < r->runs ? r->sample[round] : 0;
}

static double crossing_of(const struct size_ratio *pairs, size_t count)
{
	if (count < 2)
		return (double)NAN;
	size_t split = pairs_split(pairs, count);
	if (split == 0 || split == count)
		return split == 0 ? 0 : (double)INFINITY;
	const struct size_ratio *below = &pairs[split - 1], *above = &pairs[split];
	double share = below->ratio < 1 && above->ratio > 1
			       ? log(below->ratio) / (log(below->ratio) - log(above->ratio))
			       : 0.5;
	return exp(log(below->n) * (1 - share) + log(above->n) * share);
}

/* Two curves to compare. */
struct curves {
	const char *bench, *a, *b;
	bool all_active;
	enum bench_metric metric;
};

static double round_crossing(const struct bench_table *t, const struct curves *c, unsigned round)
{
	struct size_ratio pairs[64];
	size_t count = 0;
	for (size_t i = 0; i < t->count && count < 64; i++) {
		const struct bench_result *a = &t->at[i];
		if (a->metric != c->metric || strcmp(a->bench, c->bench) ||
		    strcmp(a->variant, c->a) || a->active != (c->all_active ? a->n : 1))
			continue;
		const struct bench_result *b =
			bench_find(t, c->bench, c->b, a->n, a->active, c->metric);
		if (b && value_of(a, round) > 0 && value_of(b, round) > 0)
			pairs[count++] = (struct size_ratio){
				(double)a->n, value_of(a, round) / value_of(b, round)};
	}
	qsort(pairs, count, sizeof(pairs[0]), double_compare);
	return crossing_of(pairs, count);
}

struct bench_crossing bench_crossing(const struct bench_table *t, const char *bench, const char *a,
				     const char *b, bool all_active, enum bench_metric metric)
{
	const struct curves curves = {bench, a, b, all_active, metric};
	double at = round_crossing(t, &curves, BENCH_RUNS);
	struct bench_crossing c = {at, at, at};
	for (unsigned i = 0; i < BENCH_RUNS; i++) {
		double n = round_crossing(t, &curves, i);
		c.min = n < c.min ? n : c.min; /* false for NAN */
		c.max = n > c.max ? n : c.max;
	}
	return c;
}

static const struct bench *const all[] = {
#define BENCH(name) &bench_##name,
#include "bench/benches.def"
#undef BENCH
};

size_t bench_count(void) { return sizeof(all) / sizeof(all[0]); }
const struct bench *bench_at(size_t i) { return all[i]; }

const struct bench *bench_named(const char *name)
{
	for (size_t i = 0; i < bench_count(); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}

const char *bench_variant(const struct bench *b, size_t i)
{
	const struct bench_variants *v = &b->variants;
	if (i < v->count)
		return *(const char *const *)((const char *)v->rows + i * v->size);
	return i == v->count && v->baseline ? BENCH_BASELINE : NULL;
}

static bool bench_has(const struct bench *b, const struct list_item *variant)
{
	size_t i = 0;
	while (bench_variant(b, i) && !list_item_is(variant, bench_variant(b, i)))
		i++;
	return bench_variant(b, i);
}

static int variant_unknown(const struct list_item *variant, const struct bench *b, struct err *e)
{
	char known[256] = "";
	size_t used = 0;
	if (!b)
		return err_set(e, EINVAL,
			       "--variant: none of these benches has a variant \"%.*s\"; "
			       "epolltune-bench(1) lists them",
			       variant->length, variant->text);
	if (!bench_variant(b, 0))
		return err_set(e, EINVAL, "--variant: bench %s has no variants", b->name);
	for (size_t i = 0; bench_variant(b, i) && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? "," : "",
					 bench_variant(b, i));
	return err_set(e, EINVAL, "--variant: bench %s has no variant \"%.*s\"; it has %s", b->name,
		       variant->length, variant->text, known);
}

int bench_check_variants(const char *list, const struct bench *const *benches, size_t count,
			 struct err *e)
{
	struct list_item item;
	while (list_next(&list, &item)) {
		size_t i = 0;
		while (i < count && !bench_has(benches[i], &item))
			i++;
		if (i == count)
			return variant_unknown(&item, count == 1 ? benches[0] : NULL, e);
	}
	return 0;
}

bool bench_wants(const struct bench_run *run, const char *variant)
{
	return !run->options.variants || list_has(run->options.variants, variant);
}

void bench_progress(struct bench_run *run, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(run->progress, BENCH_PROGRESS, fmt, args);
	va_end(args);
}

int bench_round(struct bench_run *run, const char *bench, unsigned i, struct err *e)
{
	bench_progress(run, "%s: round %u of %u", bench, i + 1, run->options.runs);
	return interrupt_came() ? err_set(e, EINTR, "interrupted") : 0;
}

/* Arguments of the task of a bench, in the lab's memory. */
struct bench_frame {
	struct bench_run *run;
	bench_task task;
};

static int bench_main(struct task_port *port, void *arg)
{
	struct bench_frame *f = arg;
	struct err e = {0};
	int rc = f->task(f->run, &e);
	task_answer(port, rc, &e, NULL, 0);
	return 0;
}

int bench_in_lab(struct bench_run *run, enum lab_host host, bench_task task, struct err *e)
{
	const struct task_context where = {run->lab, host};
	struct task t = {0};
	size_t mark = lab_mark(run->lab);
	struct bench_frame *f = lab_alloc(run->lab, sizeof(*f), e);
	if (!f)
		return -ENOMEM;
	*f = (struct bench_frame){.run = run, .task = task};
	int rc = task_start(&t, &where, bench_main, f, e);
	while (rc == 0 && task_select(&t, 1, SHOW_MS) < 0)
		if (run->show)
			run->show(run->progress);
	if (rc == 0)
		rc = task_await(&t, NULL, 0, -1, e);
	task_end(&t);
	lab_release(run->lab, mark);
	return rc;
}
