#include "report/bench_render.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/quantity.h"
#include "report/page.h"
#include "report/utf8.h"

#define VARIANTS 40

/* What a bench measured, as the axes of its table. */
struct shape {
	const char *bench;
	const char *variants[VARIANTS];
	size_t variant_count;
	enum bench_metric metrics[BENCH_METRICS];
	size_t metric_count;
	struct size {
		uint64_t n, active;
	} sizes[BENCH_RESULTS];
	size_t size_count;
};

static void shape_add(struct shape *s, const struct bench_result *r)
{
	size_t i;
	for (i = 0; i < s->variant_count && strcmp(s->variants[i], r->variant); i++)
		;
	if (i == s->variant_count && i < VARIANTS)
		s->variants[s->variant_count++] = r->variant;
	for (i = 0; i < s->metric_count && s->metrics[i] != r->metric; i++)
		;
	if (i == s->metric_count)
		s->metrics[s->metric_count++] = r->metric;
	for (i = 0; i < s->size_count; i++)
		if (s->sizes[i].n == r->n && s->sizes[i].active == r->active)
			return;
	s->sizes[s->size_count++] = (struct size){r->n, r->active};
}

static int size_compare(const void *a, const void *b)
{
	const struct size *x = a, *y = b;
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return (x->active > y->active) - (x->active < y->active);
}

static void shape_of(struct shape *s, const struct bench_table *t, const char *bench)
{
	memset(s, 0, sizeof(*s));
	s->bench = bench;
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->at[i].bench, bench) == 0)
			shape_add(s, &t->at[i]);
	qsort(s->sizes, s->size_count, sizeof(s->sizes[0]), size_compare);
}

static bool any_active(const struct shape *s)
{
	for (size_t i = 0; i < s->size_count; i++)
		if (s->sizes[i].active)
			return true;
	return false;
}

/* "442 ns ±8%": half of the way from the least to the most, relative to the median. */
static void cell_text(char *buf, size_t size, const struct bench_result *r, bool utf8)
{
	char figure[32];
	bench_figure(figure, sizeof(figure), r->metric, r->median, utf8);
	if (r->metric == BENCH_EVENTS && r->min == r->max)
		snprintf(buf, size, "%s", figure);
	else if (r->runs < 2 || r->median == 0)
		snprintf(buf, size, "%s %s?", figure, utf8 ? "±" : "+-");
	else
		snprintf(buf, size, "%s %s%.0f%%", figure, utf8 ? "±" : "+-",
			 50 * (r->max - r->min) / fabs(r->median));
}

/* Prints `name`, padded to `indent` columns, and `text` beside it, wrapped. */
static void hanging(FILE *out, const struct render_style *style, size_t indent, const char *name,
		    const char *raw)
{
	char text[PAGE_TEXT];
	struct page p = page_open(out, style);
	page_text(&p, text, sizeof(text), "%s", raw);
	size_t padding = indent > utf8_length(name) ? indent - utf8_length(name) : 0;
	fprintf(out, "%s%*s", name, (int)padding, "");
	page_wrap(&p, TONE_PLAIN, indent, indent, text);
}

/* A table that is printed, freed, and never half done. */
struct grid {
	struct libscols_table *table;
	struct libscols_line *line;
	size_t column;
	bool failed;
};

static struct grid grid_make(const struct render_style *style)
{
	struct grid g = {.table = scols_new_table()};
	g.failed = !g.table || scols_table_set_column_separator(g.table, "  ");
	if (g.table) {
		scols_table_set_termforce(g.table, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(g.table, style->width);
	}
	return g;
}

static void grid_column(struct grid *g, const char *name, int flags)
{
	if (!g->failed)
		g->failed = !scols_table_new_column(g->table, name, 0, flags);
}

static void grid_row(struct grid *g)
{
	g->column = 0;
	if (!g->failed)
		g->line = scols_table_new_line(g->table, NULL);
	g->failed |= !g->line;
}

static void grid_put(struct grid *g, const char *text)
{
	if (!g->failed)
		g->failed = scols_line_set_data(g->line, g->column++, text) != 0;
}

static int grid_print(FILE *out, struct grid *g, struct err *e)
{
	char *text = NULL;
	g->failed = g->failed || scols_print_table_to_string(g->table, &text);
	if (!g->failed)
		fprintf(out, "%s\n", text);
	free(text);
	scols_unref_table(g->table);
	return g->failed ? err_set(e, ENOMEM, "not enough memory for the figures") : 0;
}

static void put_size(struct grid *g, uint64_t n)
{
	char text[32];
	grid_put(g, quantity_format(text, sizeof(text), QUANTITY_COUNT, n));
}

/* One metric over many sizes: a row a size, a column a variant. */
static int table_by_size(FILE *out, const struct bench_table *t, const struct shape *s,
			 const struct render_style *style, struct err *e)
{
	struct grid g = grid_make(style);
	bool active = any_active(s);
	grid_column(&g, "N", SCOLS_FL_RIGHT);
	if (active)
		grid_column(&g, "READY", SCOLS_FL_RIGHT);
	for (size_t v = 0; v < s->variant_count; v++)
		grid_column(&g, s->variants[v], SCOLS_FL_RIGHT);
	for (size_t i = 0; i < s->size_count; i++) {
		grid_row(&g);
		put_size(&g, s->sizes[i].n);
		if (active)
			put_size(&g, s->sizes[i].active);
		for (size_t v = 0; v < s->variant_count; v++) {
			char text[64] = "-";
			const struct bench_result *r =
				bench_find(t, s->bench, s->variants[v], s->sizes[i].n,
					   s->sizes[i].active, s->metrics[0]);
			if (r)
				cell_text(text, sizeof(text), r, style->utf8);
			grid_put(&g, text);
		}
	}
	return grid_print(out, &g, e);
}

static bool has_row(const struct bench_table *t, const struct shape *s, const char *variant,
		    const struct size *size)
{
	for (size_t m = 0; m < s->metric_count; m++)
		if (bench_find(t, s->bench, variant, size->n, size->active, s->metrics[m]))
			return true;
	return false;
}

/* Several metrics: a row a variant and size, a column a metric. */
static int table_by_variant(FILE *out, const struct bench_table *t, const struct shape *s,
			    const struct render_style *style, struct err *e)
{
	struct grid g = grid_make(style);
	bool active = any_active(s);
	grid_column(&g, "VARIANT", 0);
	grid_column(&g, "N", SCOLS_FL_RIGHT);
	if (active)
		grid_column(&g, "ACTIVE", SCOLS_FL_RIGHT);
	for (size_t m = 0; m < s->metric_count; m++)
		grid_column(&g, bench_metric_name(s->metrics[m]), SCOLS_FL_RIGHT);
	for (size_t v = 0; v < s->variant_count; v++)
		for (size_t i = 0; i < s->size_count; i++) {
			const struct size *size = &s->sizes[i];
			if (!has_row(t, s, s->variants[v], size))
				continue;
			grid_row(&g);
			grid_put(&g, s->variants[v]);
			put_size(&g, size->n);
			if (active)
				put_size(&g, size->active);
			for (size_t m = 0; m < s->metric_count; m++) {
				char text[64] = "-";
				const struct bench_result *r =
					bench_find(t, s->bench, s->variants[v], size->n,
						   size->active, s->metrics[m]);
				if (r)
					cell_text(text, sizeof(text), r, style->utf8);
				grid_put(&g, text);
			}
		}
	return grid_print(out, &g, e);
}

/* Counts with what was expected of them. */
static void table_of_events(FILE *out, const struct bench_table *t, const struct shape *s,
			    const struct render_style *style)
{
	fprintf(out, "%-18s %6s  %s\n", "CHECK", "SEEN", "EXPECTED");
	for (size_t i = 0; i < t->count; i++) {
		const struct bench_result *r = &t->at[i];
		char seen[64], name[96];
		if (strcmp(r->bench, s->bench))
			continue;
		cell_text(seen, sizeof(seen), r, style->utf8);
		snprintf(name, sizeof(name), "%-18s %6s", r->variant, seen);
		hanging(out, style, 27, name,
			r->conditions + (strncmp(r->conditions, "expected ", 9) ? 0 : 9));
	}
}

/* Under what conditions each variant was measured. */
static void conditions(FILE *out, const struct bench_table *t, const struct shape *s,
		       const struct render_style *style)
{
	size_t indent = 0;
	for (size_t v = 0; v < s->variant_count; v++)
		indent = strlen(s->variants[v]) > indent ? strlen(s->variants[v]) : indent;
	for (size_t v = 0; v < s->variant_count; v++) {
		const char *last = "";
		for (size_t i = 0; i < t->count; i++) {
			const struct bench_result *r = &t->at[i];
			if (strcmp(r->bench, s->bench) || strcmp(r->variant, s->variants[v]) ||
			    strcmp(r->conditions, last) == 0)
				continue;
			hanging(out, style, indent + 2, *last ? "" : r->variant, r->conditions);
			last = r->conditions;
		}
	}
}

static int bench_print(FILE *out, const struct bench_table *t, const char *name,
		       const struct render_style *style, struct err *e)
{
	struct shape *s = calloc(1, sizeof(*s));
	const struct bench *b = bench_named(name);
	int rc = 0;
	if (!s)
		return err_set(e, ENOMEM, "not enough memory for the figures");
	shape_of(s, t, name);
	fprintf(out, "%s%s%s\n\n", name, b ? ": " : "", b ? b->summary : "");
	if (s->metrics[0] == BENCH_EVENTS) {
		table_of_events(out, t, s, style);
	} else {
		bool by_size = s->metric_count == 1 && s->size_count > 1;
		rc = by_size ? table_by_size(out, t, s, style, e)
			     : table_by_variant(out, t, s, style, e);
		fputc('\n', out);
		conditions(out, t, s, style);
	}
	fputc('\n', out);
	free(s);
	return rc;
}

static void plots_print(FILE *out, const struct bench_table *t, const char *bench,
			const struct render_style *style)
{
	struct chart *charts = calloc(CHARTS, sizeof(*charts));
	size_t count = charts ? charts_of(t, charts, CHARTS) : 0;
	for (size_t i = 0; i < count; i++)
		if (strcmp(charts[i].bench, bench) == 0)
			plot_print(out, &charts[i], style);
	free(charts);
}

int bench_render_text(FILE *out, const struct bench_page *p, const struct render_style *style,
		      struct err *e)
{
	char memory[32], name[128];
	utf8_copy_printable(name, sizeof(name), p->host.name);
	quantity_format(memory, sizeof(memory), QUANTITY_SIZE, p->host.memory_bytes);
	fprintf(out, "epolltune %s bench on %s, Linux %s, %llu CPUs, %s\n", EPOLLTUNE_VERSION, name,
		p->host.kernel, (unsigned long long)p->host.cpus, memory);
	fprintf(out,
		"%u interleaved round%s %s\nmedians; %s is half of the way from the least to "
		"the most\n\n",
		p->runs, p->runs == 1 ? "" : "s",
		p->host.isolation == ISOLATION_LAB ? "in a private lab" : "in place",
		style->utf8 ? "±" : "+-");
	const char *bench = "";
	int rc = 0;
	for (size_t i = 0; i < p->table->count && rc == 0; i++) {
		if (strcmp(bench, p->table->at[i].bench) == 0)
			continue;
		bench = p->table->at[i].bench;
		rc = bench_print(out, p->table, bench, style, e);
		if (rc == 0)
			plots_print(out, p->table, bench, style);
	}
	for (size_t i = 0; i < p->table->note_count && rc == 0; i++)
		hanging(out, style, 2, "-", p->table->notes[i]);
	if (p->table->lost)
		fprintf(out, "%zu figures did not fit and are missing.\n", p->table->lost);
	return rc;
}
