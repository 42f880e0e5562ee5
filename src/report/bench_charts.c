/* The figures of a bench as charts where n varies, else as bars. */
#include "report/bench_render.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/quantity.h"

#define CHARTS 24
#define BARS 64

enum chart_kind { KIND_PLAIN, KIND_ONE, KIND_ALL, KINDS };
static const char *const kind_names[KINDS] = {"", ", one ready", ", all ready"};

static bool is_of(const struct bench_result *r, enum chart_kind kind)
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

static char *format_size(char *text, size_t size, double value, const struct chart_axis *axis)
{
	return bench_size(text, size, (uint64_t)llrint(value));
}

static char *format_metric(char *text, size_t size, double value, const struct chart_axis *axis)
{
	return bench_figure(text, size, (enum bench_metric)axis->metric, value);
}

/* Fills one chart; false if it has too few points to draw. */
static bool chart_fill(struct chart *c, const struct bench_table *t, const char *bench,
		       enum bench_metric metric, enum chart_kind kind)
{
	const struct bench *b = bench_named(bench);
	*c = (struct chart){
		.x = {"n", b ? b->n : "n", format_size, 0, NULL, false},
		.y = {"", bench_metric_name(metric), format_metric, (int)metric, NULL, false}};
	snprintf(c->title, sizeof(c->title), "%s%s: %s", bench, kind_names[kind], c->y.label);
	for (size_t i = 0; i < t->count; i++) {
		const struct bench_result *r = &t->at[i];
		if (!strcmp(r->bench, bench) && r->metric == metric && is_of(r, kind) && r->n)
			chart_add(c, r->variant, r->conditions, (double)r->n, r->median, r->min,
				  r->max);
	}
	return chart_longest(c) >= 3;
}

/* Fills the charts of one bench: one for each metric measured at three sizes or more. */
static size_t charts_fill(const struct bench_table *t, const char *bench, struct chart *charts,
			  size_t max)
{
	size_t count = 0;
	for (int m = 0; m < BENCH_METRICS; m++)
		for (int kind = 0; kind < KINDS && count < max; kind++)
			count += chart_fill(&charts[count], t, bench, (enum bench_metric)m,
					    (enum chart_kind)kind);
	return count;
}

void bench_charts_text(FILE *out, const struct bench_table *t, const char *bench,
		       const struct render_style *style)
{
	CLEAN(free_pointer) struct chart *charts = calloc(CHARTS, sizeof(*charts));
	size_t count = charts ? charts_fill(t, bench, charts, CHARTS) : 0;
	for (size_t i = 0; i < count; i++)
		chart_text(out, &charts[i], style);
}

/* A variant has the same colour in all panels. */
static size_t variant_color(const struct bench_table *t, const struct bench_result *r)
{
	size_t color = 0;
	for (size_t i = 0; i < t->count; i++) {
		const struct bench_result *other = &t->at[i];
		bool seen = false;
		if (strcmp(other->bench, r->bench) != 0)
			continue;
		if (strcmp(other->variant, r->variant) == 0)
			break;
		for (size_t k = 0; k < i && !seen; k++)
			seen = strcmp(t->at[k].bench, r->bench) == 0 &&
			       strcmp(t->at[k].variant, other->variant) == 0;
		color += !seen;
	}
	return color;
}

struct picture {
	struct chart charts[CHARTS];
	struct chart_bars bars[BARS];
	struct chart_bar bar[BENCH_RESULTS];
	size_t chart_count, bars_count, bar_count;
};

/* Whether charts draw the metric. */
static bool is_charted(const struct picture *p, size_t first, enum bench_metric metric)
{
	for (size_t i = first; i < p->chart_count; i++)
		if (p->charts[i].y.metric == (int)metric)
			return true;
	return false;
}

static void bars_fill(struct picture *p, const struct bench_table *t, const char *bench,
		      enum bench_metric metric)
{
	struct chart_bars *bars = &p->bars[p->bars_count];
	*bars = (struct chart_bars){
		.at = &p->bar[p->bar_count],
		.y = {"", bench_metric_name(metric), format_metric, (int)metric, NULL, true}};
	snprintf(bars->title, sizeof(bars->title), "%s: %s", bench, bars->y.label);
	for (size_t i = 0; i < t->count; i++) {
		const struct bench_result *r = &t->at[i];
		if (strcmp(r->bench, bench) != 0 || r->metric != metric)
			continue;
		struct chart_bar *bar = &p->bar[p->bar_count++];
		bool some = r->active && r->active != r->n;
		char size[24], active[24];
		*bar = (struct chart_bar){
			.y = r->median, .min = r->min, .max = r->max, .color = variant_color(t, r)};
		snprintf(bar->name, sizeof(bar->name), "%s, %s%s%s", r->variant,
			 some ? bench_size(active, sizeof(active), r->active) : "",
			 some ? " of " : "", bench_size(size, sizeof(size), r->n));
		bars->count++;
	}
	p->bars_count += bars->count > 0;
}

static void picture_add(struct picture *p, const struct bench_table *t, const char *bench)
{
	size_t first = p->chart_count;
	p->chart_count += charts_fill(t, bench, &p->charts[first], CHARTS - first);
	for (int m = 0; m < BENCH_METRICS && p->bars_count < BARS; m++)
		if (m != BENCH_EVENTS && !is_charted(p, first, (enum bench_metric)m))
			bars_fill(p, t, bench, (enum bench_metric)m);
}

static void picture_fill(struct picture *p, const struct bench_table *t)
{
	const char *bench = "";
	for (size_t i = 0; i < t->count; i++) {
		if (strcmp(bench, t->at[i].bench) == 0)
			continue;
		bench = t->at[i].bench;
		picture_add(p, t, bench);
	}
}

static void figure_begin(const struct html *h, const char *title)
{
	fputs("<figure>\n", h->out);
	html_element(h, "figcaption", NULL, title);
}

void bench_charts_html(const struct html *h, const struct bench_table *t, const char *bench)
{
	CLEAN(free_pointer) struct picture *p = calloc(1, sizeof(*p));
	if (p)
		picture_add(p, t, bench);
	if (!p || !(p->chart_count + p->bars_count))
		return;
	fputs("<div class=\"charts\">\n", h->out);
	for (size_t i = 0; i < p->chart_count; i++) {
		figure_begin(h, p->charts[i].title);
		chart_inline(h->out, &p->charts[i]);
		fputs("</figure>\n", h->out);
	}
	for (size_t i = 0; i < p->bars_count; i++) {
		figure_begin(h, p->bars[i].title);
		chart_inline_bars(h->out, &p->bars[i]);
		fputs("</figure>\n", h->out);
	}
	fputs("</div>\n", h->out);
}

int bench_render_svg(FILE *out, const struct bench_page *p, struct err *e)
{
	char title[160], subtitle[256], stamp[32] = "";
	struct tm tm;
	CLEAN(free_pointer) struct picture *picture = calloc(1, sizeof(*picture));
	if (!picture)
		return err_set(e, ENOMEM, "out of memory for the picture");
	picture_fill(picture, p->table);
	if (gmtime_r(&p->time.tv_sec, &tm))
		strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M UTC", &tm);
	snprintf(title, sizeof(title), "epolltune %s on %s", p->command, p->host.name);
	snprintf(subtitle, sizeof(subtitle),
		 "Linux %s, %s, %s, %s. Median; lines: minimum to maximum.", p->host.kernel,
		 quantity_of(p->host.cpus, "CPU").text, quantity_of(p->runs, "round").text, stamp);
	chart_svg(out, &(struct chart_page){.title = title,
					    .subtitle = subtitle,
					    .charts = picture->charts,
					    .chart_count = picture->chart_count,
					    .bars = picture->bars,
					    .bars_count = picture->bars_count});
	return 0;
}
