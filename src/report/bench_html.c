/* Prints figures as HTML, see html_page.h: each bench with its charts, its table and its
 * conditions. */
#include <string.h>

#include "epolltune/quantity.h"
#include "report/bench_render.h"
#include "report/markup.h"

static void head(struct html *h, const struct bench_page *p)
{
	struct page_segments machine = {0}, rounds = {0};
	char text[160], memory[32];
	page_segment(&h->page, &machine, "Linux %s", p->host.kernel);
	page_segment(&h->page, &machine, "%s", quantity_of(p->host.cpus, "CPU").text);
	page_segment(&h->page, &machine, "%s",
		     quantity_format(memory, sizeof(memory), QUANTITY_SIZE, p->host.memory_bytes));
	page_segment(&h->page, &rounds, "%s", bench_rounds(text, sizeof(text), p));
	html_segments(&h->page, TONE_PLAIN, 0, " · ", &machine);
	html_segments(&h->page, TONE_PLAIN, 0, "", &rounds);
}

static void figure_row(struct html *h, const struct bench_result *r)
{
	char text[32];
	html_row(h);
	html_cell(h, TONE_PLAIN, r->variant);
	html_cell(h, TONE_PLAIN, bench_size(text, sizeof(text), r->n));
	html_cell(h, TONE_PLAIN, r->active ? bench_size(text, sizeof(text), r->active) : "-");
	html_cell(h, TONE_PLAIN, bench_metric_name(r->metric));
	html_cell(h, TONE_PLAIN, bench_figure(text, sizeof(text), r->metric, r->median));
	html_cell(h, TONE_FAINT, bench_figure(text, sizeof(text), r->metric, r->min));
	html_cell(h, TONE_FAINT, bench_figure(text, sizeof(text), r->metric, r->max));
}

static void figures(struct html *h, const struct bench_table *t, const char *bench)
{
	static const struct table_column columns[] = {
		{"VARIANT", TABLE_LEFT},  {"N", TABLE_RIGHT},
		{"ACTIVE", TABLE_RIGHT},  {"METRIC", TABLE_LEFT},
		{"MEDIAN", TABLE_RIGHT},  {"MINIMUM", TABLE_RIGHT},
		{"MAXIMUM", TABLE_RIGHT}, {0}};
	const struct bench *b = bench_named(bench);
	char caption[64];
	report_text(caption, "Figures of %s", bench);
	html_table(h, caption, columns);
	for (size_t i = 0; i < t->count; i++)
		if (!strcmp(t->at[i].bench, bench))
			figure_row(h, &t->at[i]);
	html_table_end(h);
	report_text(caption, "N: %s.", b ? b->n : "connections");
	html_element(h, "p", "small", caption);
}

/* Counts with their expected values. */
static void events(struct html *h, const struct bench_table *t, const char *bench)
{
	static const struct table_column columns[] = {
		{"CHECK", TABLE_LEFT}, {"SEEN", TABLE_RIGHT}, {"CONDITIONS", TABLE_LEFT}, {0}};
	html_table(h, "Events that were seen", columns);
	for (size_t i = 0; i < t->count; i++) {
		const struct bench_result *r = &t->at[i];
		char seen[32], text[BENCH_CONDITIONS_TEXT];
		if (strcmp(r->bench, bench) != 0)
			continue;
		html_row(h);
		html_cell(h, TONE_PLAIN, r->variant);
		html_cell(h, TONE_PLAIN, bench_figure(seen, sizeof(seen), r->metric, r->median));
		html_cell(h, TONE_PLAIN, bench_conditions(r, text));
	}
	html_table_end(h);
}

static bool was_printed(const struct bench_table *t, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(t->at[k].bench, t->at[i].bench) &&
		    !strcmp(t->at[k].variant, t->at[i].variant) &&
		    !strcmp(t->at[k].conditions, t->at[i].conditions))
			return true;
	return false;
}

static void conditions(struct html *h, const struct bench_table *t, const char *bench)
{
	const char *variant = "";
	fputs("<dl>\n", h->out);
	for (size_t i = 0; i < t->count; i++) {
		const struct bench_result *r = &t->at[i];
		if (strcmp(r->bench, bench) != 0 || was_printed(t, i))
			continue;
		if (strcmp(variant, r->variant) != 0)
			html_element(h, "dt", NULL, r->variant);
		html_element(h, "dd", "small", r->conditions[0] ? r->conditions : "-");
		variant = r->variant;
	}
	fputs("</dl>\n", h->out);
}

static void bench_section(struct html *h, const struct bench_table *t, size_t first)
{
	const char *bench = t->at[first].bench;
	const struct bench *b = bench_named(bench);
	html_element(h, "h2", NULL, bench);
	html_element(h, "p", NULL, b ? b->summary : "");
	if (t->at[first].metric == BENCH_EVENTS) {
		events(h, t, bench);
		return;
	}
	bench_charts_html(h, t, bench);
	figures(h, t, bench);
	conditions(h, t, bench);
}

static void meanings(struct html *h, const struct bench_table *t)
{
	bool used[BENCH_METRICS] = {false};
	size_t printed = 0;
	for (size_t i = 0; i < t->count; i++)
		used[t->at[i].metric] = t->at[i].metric != BENCH_EVENTS;
	for (int m = 0; m < BENCH_METRICS; m++) {
		if (!used[m])
			continue;
		if (!printed++) {
			html_element(h, "h2", NULL, "Metrics");
			fputs("<dl>\n", h->out);
		}
		html_element(h, "dt", NULL, bench_metric_name((enum bench_metric)m));
		html_element(h, "dd", "small", bench_metric_meaning((enum bench_metric)m));
	}
	fputs(printed ? "</dl>\n" : "", h->out);
}

static void notes(struct html *h, const struct bench_table *t)
{
	char lost[64] = "";
	if (t->note_count) {
		html_element(h, "h2", NULL, "Conclusions");
		fputs("<ul>\n", h->out);
		for (size_t i = 0; i < t->note_count; i++)
			html_element(h, "li", NULL, t->notes[i]);
		fputs("</ul>\n", h->out);
	}
	if (t->lost)
		report_text(lost, "%s did not fit and %s missing.",
			    quantity_of(t->lost, "figure").text, t->lost == 1 ? "is" : "are");
	html_element(h, "p", NULL, lost);
}

int bench_render_html(FILE *out, const struct bench_page *p, const struct render_style *style,
		      struct err *e)
{
	const struct bench_table *t = p->table;
	char what[64];
	report_text(what, "epolltune %s", p->command);
	struct html h = html_begin(out, what, p->host.name);
	fputs("<div class=\"head\">\n", out);
	head(&h, p);
	fputs("</div>\n</header>\n", out);
	notes(&h, t);
	for (size_t i = 0; i < t->count; i++)
		if (!i || strcmp(t->at[i].bench, t->at[i - 1].bench) != 0)
			bench_section(&h, t, i);
	meanings(&h, t);
	html_end(&h, p->time.tv_sec);
	return render_flush(out, "the figures", e);
}
