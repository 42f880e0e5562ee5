#include "report/bench_render.h"

#include <stdbool.h>
#include <string.h>

enum kind { KIND_PLAIN, KIND_ONE, KIND_ALL, KINDS };
static const char *const kind_names[KINDS] = {"", "one ready", "all ready"};

static bool is_of(const struct bench_result *r, enum kind kind)
{
	switch (kind) {
	case KIND_ONE:
		return r->active == 1;
	case KIND_ALL:
		return r->active == r->n && r->n > 0;
	default:
		return r->active == 0;
	}
}

static struct curve *curve_of(struct chart *c, const struct bench_result *r)
{
	for (size_t i = 0; i < c->curves; i++)
		if (strcmp(c->curve[i].variant, r->variant) == 0)
			return &c->curve[i];
	if (c->curves == CHART_CURVES)
		return NULL;
	c->curve[c->curves] = (struct curve){.variant = r->variant, .conditions = r->conditions};
	return &c->curve[c->curves++];
}

static void curve_add(struct curve *curve, const struct bench_result *r)
{
	size_t i = curve->count;
	if (i == CHART_POINTS || r->median <= 0)
		return;
	for (; i > 0 && curve->at[i - 1].n > (double)r->n; i--)
		curve->at[i] = curve->at[i - 1];
	curve->at[i].n = (double)r->n;
	curve->at[i].median = r->median;
	curve->at[i].min = r->min;
	curve->at[i].max = r->max;
	curve->count++;
}

/* Fill one chart; false if it has too few points to draw. */
static bool chart_fill(struct chart *c, const struct bench_table *t, const char *bench,
		       enum bench_metric metric, enum kind kind)
{
	*c = (struct chart){.bench = bench, .what = kind_names[kind], .metric = metric};
	for (size_t i = 0; i < t->count; i++) {
		const struct bench_result *r = &t->at[i];
		if (strcmp(r->bench, bench) || r->metric != metric || !is_of(r, kind) || !r->n)
			continue;
		struct curve *curve = curve_of(c, r);
		if (curve)
			curve_add(curve, r);
	}
	size_t longest = 0;
	for (size_t i = 0; i < c->curves; i++)
		longest = c->curve[i].count > longest ? c->curve[i].count : longest;
	return longest >= 3;
}

size_t charts_of(const struct bench_table *t, struct chart *charts, size_t max)
{
	size_t count = 0;
	const char *bench = "";
	for (size_t i = 0; i < t->count && count < max; i++) {
		if (strcmp(bench, t->at[i].bench) == 0)
			continue;
		bench = t->at[i].bench;
		for (int m = 0; m < BENCH_METRICS; m++)
			for (int kind = 0; kind < KINDS && count < max; kind++)
				count += chart_fill(&charts[count], t, bench, (enum bench_metric)m,
						    (enum kind)kind);
	}
	return count;
}
