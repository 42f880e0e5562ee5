#include "report/compare_bench.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "report/bench_render.h"
#include "report/compare.h"
#include "report/json_value.h"

#define ROWS_MAX 4096

struct figure {
	bool known;
	double median, min, max;
};

struct pairing {
	const char *bench, *variant, *metric, *unit; /* owned by the documents */
	json_int_t n, active;
	const char *conditions[2];
	struct figure at[2];
};

struct bench_comparison {
	json_t *documents[2];
	size_t count;
	struct pairing *rows;
};

static bool same_row(const struct pairing *a, const struct pairing *b)
{
	return a->n == b->n && a->active == b->active && strcmp(a->bench, b->bench) == 0 &&
	       strcmp(a->variant, b->variant) == 0 && strcmp(a->metric, b->metric) == 0;
}

/* Find the row, or add it; NULL if out of memory. */
static struct pairing *row_for(struct bench_comparison *c, const struct pairing *like)
{
	for (size_t i = 0; i < c->count; i++)
		if (same_row(&c->rows[i], like))
			return &c->rows[i];
	struct pairing *more = array_add(&c->rows, &c->count, sizeof(*more));
	return more ? memcpy(more, like, sizeof(*more)) : NULL;
}

static int take(struct bench_comparison *c, int side, const char *path, struct err *e)
{
	const json_t *results = json_object_get(c->documents[side], "results");
	if (!json_is_array(results) || json_array_size(results) > ROWS_MAX)
		return err_set(e, EBADMSG, "%s: results is not a list of figures", path);
	for (size_t i = 0; i < json_array_size(results); i++) {
		struct pairing row = {0};
		struct figure f = {.known = true};
		const char *conditions = "";
		json_error_t why;
		if (json_unpack_ex(json_array_get(results, i), &why, 0,
				   "{s:s, s:s, s:I, s:I, s:s, s:s, s:F, s:F, s:F, s?s}", "bench",
				   &row.bench, "variant", &row.variant, "n", &row.n, "active",
				   &row.active, "metric", &row.metric, "unit", &row.unit, "median",
				   &f.median, "min", &f.min, "max", &f.max, "conditions",
				   &conditions) < 0)
			return err_set(e, EBADMSG, "%s: results[%zu]: %s", path, i, why.text);
		struct pairing *to = row_for(c, &row);
		if (!to)
			return err_set(e, ENOMEM, "out of memory for the comparison");
		to->at[side] = f;
		to->conditions[side] = conditions;
	}
	return 0;
}

int bench_comparison_make(struct bench_comparison **out, const json_t *const documents[2],
			  const char *const paths[2], struct err *e)
{
	struct bench_comparison *c = calloc(1, sizeof(*c));
	*out = c;
	if (!c)
		return err_errno(e, "out of memory for the comparison");
	int r = 0;
	for (int side = 0; side < 2; side++) {
		const char *schema = json_string_value(json_object_get(documents[side], "schema"));
		c->documents[side] = json_deep_copy(documents[side]);
		if (r == 0 && (!schema || strcmp(schema, COMPARE_BENCH_SCHEMA) != 0))
			r = err_set(e, EPROTO, "%s: schema %.40s; expected %s", paths[side],
				    schema ? schema : "missing", COMPARE_BENCH_SCHEMA);
		if (r == 0)
			r = take(c, side, paths[side], e);
	}
	return r;
}

void bench_comparison_free(struct bench_comparison *c)
{
	if (!c)
		return;
	json_decref(c->documents[0]);
	json_decref(c->documents[1]);
	free(c->rows);
	free(c);
}

static enum compare_verdict row_verdict(const struct pairing *r)
{
	const struct figure *a = &r->at[0], *b = &r->at[1];
	if (!a->known)
		return COMPARE_NEW;
	if (!b->known)
		return COMPARE_GONE;
	/* If the rounds of the two overlap, the difference may be chance. */
	bool overlap = b->min <= a->max && a->min <= b->max;
	if (overlap || fabs(b->median - a->median) <= COMPARE_NOISE * fabs(a->median))
		return COMPARE_SAME;
	/* A metric that this version does not know is likely a time, a cost or a size. */
	enum bench_metric metric = bench_metric_find(r->metric);
	enum bench_better better =
		metric == BENCH_METRICS ? BETTER_LOWER : bench_metric_better(metric);
	if (better == BETTER_NEITHER)
		return COMPARE_MOVED;
	bool more = b->median > a->median;
	return more == (better == BETTER_HIGHER) ? COMPARE_BETTER : COMPARE_WORSE;
}

int bench_comparison_status(const struct bench_comparison *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (row_verdict(&c->rows[i]) == COMPARE_WORSE)
			return EXIT_WARNING;
	return EXIT_OK;
}

/* The metric of a row; BENCH_METRICS if this version does not know it in this unit. */
static enum bench_metric row_metric(const struct pairing *r)
{
	enum bench_metric m = bench_metric_find(r->metric);
	return m == BENCH_METRICS || !strcmp(bench_metric_unit(m), r->unit) ? m : BENCH_METRICS;
}

static bool has_ratio(const struct pairing *r)
{
	return r->at[0].known && r->at[1].known && r->at[0].median > 0;
}

/* Format "442 ns ±8%": the median and half the range of its rounds. */
static const char *row_figure(char *text, size_t size, const struct pairing *r, int side)
{
	const struct figure *f = &r->at[side];
	enum bench_metric metric = row_metric(r);
	char median[40];
	if (!f->known) {
		snprintf(text, size, "-");
		return text;
	}
	if (metric != BENCH_METRICS)
		bench_figure(median, sizeof(median), metric, f->median);
	else
		snprintf(median, sizeof(median), "%.4g %s", f->median, r->unit);
	if (f->max > f->min && f->median > 0)
		snprintf(text, size, "%s ±%.0f%%", median, 50 * (f->max - f->min) / f->median);
	else
		snprintf(text, size, "%s", median);
	return text;
}

static int add_row(struct comparison *c, const struct pairing *r, struct err *e)
{
	char size[24], active[24];
	bool some = r->active && r->active != r->n;
	struct comparison_row *row = comparison_row(c);
	if (!row)
		return err_set(e, ENOMEM, "out of memory for the comparison");
	row->change = row_verdict(r);
	report_text(row->cell[0], "%s %s", r->bench, r->variant);
	report_text(row->cell[1], "%s%s%s",
		    some ? bench_size(active, sizeof(active), (uint64_t)r->active) : "",
		    some ? " of " : "", bench_size(size, sizeof(size), (uint64_t)r->n));
	report_text(row->cell[2], "%s", r->metric);
	row_figure(row->cell[3], sizeof(row->cell[3]), r, 0);
	row_figure(row->cell[4], sizeof(row->cell[4]), r, 1);
	if (has_ratio(r))
		report_text(row->cell[5], "%.2f", r->at[1].median / r->at[0].median);
	report_text(row->cell[6], "%s", compare_name(row->change));
	return 0;
}

int compare_benches(struct comparison *out, const struct bench_comparison *c, struct err *e)
{
	static const struct table_column columns[] = {
		{"BENCH", TABLE_LEFT},  {"N", TABLE_RIGHT},
		{"METRIC", TABLE_LEFT}, {"BEFORE", TABLE_RIGHT},
		{"AFTER", TABLE_RIGHT}, {"RATIO", TABLE_RIGHT},
		{"CHANGE", TABLE_LEFT}, {0}};
	size_t differ = 0;
	*out = (struct comparison){.kind = "figure",
				   .columns = columns,
				   .labels = 3,
				   .status = bench_comparison_status(c),
				   .body = bench_comparison_json(c)};
	for (size_t i = 0; i < c->count; i++) {
		int rc = add_row(out, &c->rows[i], e);
		if (rc)
			return rc;
		differ += c->rows[i].conditions[0] && c->rows[i].conditions[1] &&
			  strcmp(c->rows[i].conditions[0], c->rows[i].conditions[1]) != 0;
	}
	if (differ)
		report_text(out->notes[0],
			    "%zu of %zu figures have other conditions in the second file.", differ,
			    c->count);
	if (c->count)
		report_text(out->notes[1],
			    "Median ± half the range, in %%. A figure is better or worse if the "
			    "rounds of the two files do not overlap and the medians differ by more "
			    "than 5 %%.");
	return 0;
}

static json_t *side_json(struct json_writer *w, const struct figure *f)
{
	if (!f->known)
		return json_null();
	json_t *o = json_object();
	value_set(w, o, "median", json_real(f->median));
	value_set(w, o, "min", json_real(f->min));
	value_set(w, o, "max", json_real(f->max));
	return o;
}

json_t *bench_comparison_json(const struct bench_comparison *c)
{
	struct json_writer writer = {false}, *w = &writer;
	json_t *root = json_object(), *results = json_array();
	for (size_t i = 0; i < c->count; i++) {
		const struct pairing *r = &c->rows[i];
		json_t *o = json_object();
		value_set(w, o, "bench", value_text(r->bench));
		value_set(w, o, "variant", value_text(r->variant));
		value_set(w, o, "n", json_integer(r->n));
		value_set(w, o, "active", json_integer(r->active));
		value_set(w, o, "metric", value_text(r->metric));
		value_set(w, o, "unit", value_text(r->unit));
		value_set(w, o, "change", value_text(compare_name(row_verdict(r))));
		value_set(w, o, "before", side_json(w, &r->at[0]));
		value_set(w, o, "after", side_json(w, &r->at[1]));
		value_set(w, o, "ratio",
			  has_ratio(r) ? json_real(r->at[1].median / r->at[0].median)
				       : json_null());
		value_add(w, results, o);
	}
	value_set(w, root, "results", results);
	return value_complete(root, w);
}
