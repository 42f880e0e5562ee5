#include "report/bench_render.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/order.h"
#include "epolltune/quantity.h"
#include "report/page.h"
#include "report/table.h"
#include "report/utf8.h"

#define VARIANTS 40

/* The axes of the table of a bench. */
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
	bool by_size; /* one metric: a row per size, a column per variant; else a row per variant */
	bool single;  /* one round: no spread */
	bool utf8;
	struct bench_row {
		const char *variant; /* unused if by_size */
		struct size size;
	} rows[BENCH_RESULTS];
	size_t row_count;
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
	return x->n != y->n ? ORDER(x->n, y->n) : ORDER(x->active, y->active);
}

static bool has_row(const struct bench_table *t, const struct shape *s, const struct bench_row *row)
{
	for (size_t m = 0; m < s->metric_count; m++)
		if (bench_find(t, s->bench, row->variant, row->size.n, row->size.active,
			       s->metrics[m]))
			return true;
	return false;
}

static void shape_of(struct shape *s, const struct bench_page *p, const char *bench,
		     const struct render_style *style)
{
	const struct bench_table *t = p->table;
	memset(s, 0, sizeof(*s));
	s->bench = bench;
	s->single = p->runs == 1;
	s->utf8 = style->utf8;
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->at[i].bench, bench) == 0)
			shape_add(s, &t->at[i]);
	qsort(s->sizes, s->size_count, sizeof(s->sizes[0]), size_compare);
	s->by_size = s->metric_count == 1 && s->size_count > 1;
	for (size_t v = 0; v < (s->by_size ? 1 : s->variant_count); v++)
		for (size_t i = 0; i < s->size_count; i++) {
			struct bench_row row = {s->variants[v], s->sizes[i]};
			if (s->row_count < BENCH_RESULTS && (s->by_size || has_row(t, s, &row)))
				s->rows[s->row_count++] = row;
		}
}

/* True if some row has only part of its n active; only then is `active` a column. */
static bool some_active(const struct shape *s)
{
	for (size_t i = 0; i < s->size_count; i++)
		if (s->sizes[i].active && s->sizes[i].active != s->sizes[i].n)
			return true;
	return false;
}

/* Format "442 ns ±8%": the median and half the range. If that exceeds the median, print the range:
 * "442 ns (91 ns to 2.9 us)". */
static void variant_figure(char *buf, size_t size, const struct shape *s,
			   const struct bench_result *r)
{
	char figure[32], min[32], max[32];
	const char *sign = s->utf8 ? "±" : "+-";
	double spread = r->median != 0 ? 50 * (r->max - r->min) / fabs(r->median) : 0;
	bench_figure(figure, sizeof(figure), r->metric, r->median);
	if (s->single || (r->metric == BENCH_EVENTS && r->min == r->max))
		snprintf(buf, size, "%s", figure);
	else if (r->runs < 2 || r->median == 0)
		snprintf(buf, size, "%s %s?", figure, sign);
	else if (spread > 100)
		snprintf(buf, size, "%s (%s to %s)", figure,
			 bench_figure(min, sizeof(min), r->metric, r->min),
			 bench_figure(max, sizeof(max), r->metric, r->max));
	else
		snprintf(buf, size, "%s %s%.0f%%", figure, sign, spread);
}

/* Print `name`, padded to `indent` columns, and the wrapped text beside it. */
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

/* The columns beside the sizes: one per variant, or one per metric. */
static size_t column_count(const struct shape *s)
{
	return s->by_size ? s->variant_count : s->metric_count;
}

static const char *column_name(const struct shape *s, size_t column)
{
	return s->by_size ? s->variants[column] : bench_metric_name(s->metrics[column]);
}

/* NULL: the row has no figure in this column. */
static const struct bench_result *cell_of(const struct bench_table *t, const struct shape *s,
					  const struct bench_row *row, size_t column)
{
	return bench_find(t, s->bench, s->by_size ? s->variants[column] : row->variant, row->size.n,
			  row->size.active, s->metrics[s->by_size ? 0 : column]);
}

static void cell_text(char *buf, size_t size, const struct bench_table *t, const struct shape *s,
		      const struct bench_row *row, size_t column)
{
	const struct bench_result *r = cell_of(t, s, row, column);
	if (r)
		variant_figure(buf, size, s, r);
	else
		snprintf(buf, size, "-");
}

static size_t column_width(const struct bench_table *t, const struct shape *s, size_t column)
{
	char text[96];
	size_t width = strlen(column_name(s, column));
	for (size_t i = 0; i < s->row_count; i++) {
		cell_text(text, sizeof(text), t, s, &s->rows[i], column);
		size_t length = utf8_length(text);
		width = length > width ? length : width;
	}
	return width;
}

/* The width of the left columns: variant, n, active. */
static size_t left_width(const struct shape *s)
{
	char text[24];
	size_t variant = strlen("VARIANT"), n = 1, active = strlen(s->by_size ? "K" : "ACTIVE");
	for (size_t i = 0; i < s->variant_count; i++)
		variant = strlen(s->variants[i]) > variant ? strlen(s->variants[i]) : variant;
	for (size_t i = 0; i < s->size_count; i++) {
		size_t length = strlen(bench_size(text, sizeof(text), s->sizes[i].n));
		n = length > n ? length : n;
		length = strlen(bench_size(text, sizeof(text), s->sizes[i].active));
		active = length > active ? length : active;
	}
	return (s->by_size ? 0 : variant + 2) + n + (some_active(s) ? active + 2 : 0);
}

/* The number of columns per table, spread evenly so that each table fits the terminal. */
static size_t columns_at_once(const struct bench_table *t, const struct shape *s,
			      const struct render_style *style)
{
	size_t columns = column_count(s);
	for (size_t tables = 1; tables < columns; tables++) {
		size_t each = (columns + tables - 1) / tables, widest = 0;
		for (size_t first = 0; first < columns; first += each) {
			size_t width = left_width(s);
			for (size_t c = first; c < columns && c < first + each; c++)
				width += 2 + column_width(t, s, c);
			widest = width > widest ? width : widest;
		}
		if (widest <= style->width)
			return each;
	}
	return 1;
}

/* True if a row has a figure in these columns. */
static bool row_shows(const struct bench_table *t, const struct shape *s,
		      const struct bench_row *row, size_t first, size_t end)
{
	for (size_t c = first; c < end; c++)
		if (cell_of(t, s, row, c))
			return true;
	return false;
}

static int figures_print(FILE *out, const struct bench_table *t, const struct shape *s,
			 size_t first, size_t end, struct err *e)
{
	struct table table = {.gap = "  "};
	char text[96];
	if (!s->by_size)
		table_column(&table, "VARIANT", TABLE_LEFT);
	table_column(&table, "N", TABLE_RIGHT);
	if (some_active(s))
		table_column(&table, s->by_size ? "K" : "ACTIVE", TABLE_RIGHT);
	for (size_t c = first; c < end; c++)
		table_column(&table, column_name(s, c), TABLE_RIGHT);
	for (size_t i = 0; i < s->row_count; i++) {
		const struct bench_row *row = &s->rows[i];
		if (!row_shows(t, s, row, first, end))
			continue;
		table_row(&table);
		if (!s->by_size)
			table_cell(&table, "%s", row->variant);
		table_cell(&table, "%s", bench_size(text, sizeof(text), row->size.n));
		if (some_active(s))
			table_cell(&table, "%s",
				   row->size.active
					   ? bench_size(text, sizeof(text), row->size.active)
					   : "-");
		for (size_t c = first; c < end; c++) {
			cell_text(text, sizeof(text), t, s, row, c);
			table_cell(&table, "%s", text);
		}
	}
	return table_print(&table, out, e);
}

/* Print counts with their expected values. */
static void table_of_events(FILE *out, const struct bench_table *t, const struct shape *s,
			    const struct render_style *style)
{
	fprintf(out, "%-18s %6s  %s\n", "CHECK", "SEEN", "EXPECTED");
	for (size_t i = 0; i < t->count; i++) {
		const struct bench_result *r = &t->at[i];
		char seen[96], name[128];
		if (strcmp(r->bench, s->bench))
			continue;
		variant_figure(seen, sizeof(seen), s, r);
		snprintf(name, sizeof(name), "%-18s %6s", r->variant, seen);
		hanging(out, style, 27, name, r->conditions);
	}
}

static bool same_series(const struct bench_result *a, const struct bench_result *b)
{
	return strcmp(a->bench, b->bench) == 0 && strcmp(a->variant, b->variant) == 0;
}

/* Do other sizes or other metrics of this variant have other conditions? */
static void conditions_vary(const struct bench_table *t, const struct bench_result *r, bool *sizes,
			    bool *metrics)
{
	*sizes = *metrics = false;
	for (size_t i = 0; i < t->count; i++) {
		const struct bench_result *other = &t->at[i];
		if (!same_series(other, r) || strcmp(other->conditions, r->conditions) == 0)
			continue;
		*sizes |= other->metric == r->metric && other->n != r->n;
		*metrics |= other->metric != r->metric && other->n == r->n;
	}
}

/* Name the figures of a variant that have these conditions, if not all: "N 10k", "p50, p99". */
static void conditions_of(char *buf, size_t size, const struct bench_table *t,
			  const struct bench_result *r)
{
	bool sizes, metrics;
	char n[24];
	conditions_vary(t, r, &sizes, &metrics);
	size_t used = 0;
	buf[0] = 0;
	if (sizes)
		used = (size_t)snprintf(buf, size, "N %s", bench_size(n, sizeof(n), r->n));
	for (size_t i = 0; i < t->count && metrics && used < size; i++)
		if (same_series(&t->at[i], r) && t->at[i].n == r->n &&
		    strcmp(t->at[i].conditions, r->conditions) == 0)
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "",
						 bench_metric_name(t->at[i].metric));
}

/* Print what N and the column of active ones mean, and the conditions of each variant. */
static void conditions(FILE *out, const struct bench_table *t, const struct shape *s,
		       const struct render_style *style)
{
	const struct bench *b = bench_named(s->bench);
	const char *active = !some_active(s) ? "" : s->by_size ? "K" : "ACTIVE";
	size_t indent = strlen(active);
	for (size_t v = 0; v < s->variant_count; v++)
		indent = strlen(s->variants[v]) > indent ? strlen(s->variants[v]) : indent;
	hanging(out, style, indent + 2, "N", b ? b->n : "connections");
	if (*active)
		hanging(out, style, indent + 2, active,
			s->by_size ? "ready sockets" : "busy connections");
	for (size_t v = 0; v < s->variant_count; v++) {
		const char *last = "";
		for (size_t i = 0; i < t->count; i++) {
			const struct bench_result *r = &t->at[i];
			char of[120], text[sizeof(r->conditions) + sizeof(of) + 2];
			if (strcmp(r->bench, s->bench) || strcmp(r->variant, s->variants[v]) ||
			    strcmp(r->conditions, last) == 0)
				continue;
			conditions_of(of, sizeof(of), t, r);
			snprintf(text, sizeof(text), "%s%s%s", of, *of ? ": " : "", r->conditions);
			hanging(out, style, indent + 2, *last ? "" : r->variant, text);
			last = r->conditions;
		}
	}
}

static int bench_print(FILE *out, const struct bench_page *p, const char *name,
		       const struct render_style *style, struct err *e)
{
	const struct bench_table *t = p->table;
	struct shape *s = calloc(1, sizeof(*s));
	const struct bench *b = bench_named(name);
	int rc = 0;
	if (!s)
		return err_set(e, ENOMEM, "out of memory for the figures");
	shape_of(s, p, name, style);
	if (b)
		fprintf(out, "%s: %s\n\n", name, b->summary);
	if (s->metrics[0] == BENCH_EVENTS) {
		table_of_events(out, t, s, style);
	} else {
		size_t each = columns_at_once(t, s, style), columns = column_count(s);
		for (size_t c = 0; c < columns && rc == 0; c += each) {
			rc = figures_print(out, t, s, c, c + each < columns ? c + each : columns,
					   e);
			fputc('\n', out);
		}
		conditions(out, t, s, style);
	}
	fputc('\n', out);
	free(s);
	return rc;
}

static void head_print(FILE *out, const struct bench_page *p, const struct render_style *style)
{
	char memory[32], name[128], raw[160], rounds[160];
	struct page page = page_open(out, style);
	utf8_copy_printable(name, sizeof(name), p->host.name);
	quantity_format(memory, sizeof(memory), QUANTITY_SIZE, p->host.memory_bytes);
	fprintf(out, "epolltune %s %s on %s, Linux %s, %s, %s\n", EPOLLTUNE_VERSION, p->command,
		name, p->host.kernel, quantity_of(p->host.cpus, "CPU").text, memory);
	bench_rounds(raw, sizeof(raw), p);
	page_text(&page, rounds, sizeof(rounds), "%s", raw);
	fprintf(out, "%s\n\n", rounds);
}

/* Print what the metrics of the table mean. */
static void meanings_print(FILE *out, const struct bench_table *t, const struct render_style *style)
{
	size_t indent = 0;
	bool used[BENCH_METRICS] = {false};
	for (size_t i = 0; i < t->count; i++) {
		size_t length = strlen(bench_metric_name(t->at[i].metric));
		used[t->at[i].metric] = t->at[i].metric != BENCH_EVENTS;
		indent = used[t->at[i].metric] && length > indent ? length : indent;
	}
	for (int m = 0; m < BENCH_METRICS; m++)
		if (used[m])
			hanging(out, style, indent + 2, bench_metric_name((enum bench_metric)m),
				bench_metric_meaning((enum bench_metric)m));
	if (indent)
		fputc('\n', out);
}

int bench_render_text(FILE *out, const struct bench_page *p, const struct render_style *style,
		      struct err *e)
{
	const char *bench = "";
	int rc = 0;
	head_print(out, p, style);
	for (size_t i = 0; i < p->table->count && rc == 0; i++) {
		if (strcmp(bench, p->table->at[i].bench) == 0)
			continue;
		bench = p->table->at[i].bench;
		rc = bench_print(out, p, bench, style, e);
		if (rc == 0)
			bench_charts_text(out, p->table, bench, style);
	}
	if (rc == 0)
		meanings_print(out, p->table, style);
	for (size_t i = 0; i < p->table->note_count && rc == 0; i++)
		hanging(out, style, 2, "-", p->table->notes[i]);
	if (p->table->lost)
		fprintf(out, "%s did not fit and %s missing.\n",
			quantity_of(p->table->lost, "figure").text,
			p->table->lost == 1 ? "is" : "are");
	return rc;
}
