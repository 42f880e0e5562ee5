/* Draw figures as a self-contained SVG: curves with logarithmic axes where n varies, else bars with
 * their spread. */
#include "report/bench_render.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/utf8.h"

#define WIDTH 860
#define LEFT 84
#define RIGHT 130 /* room for the names of the curves */
#define PLOT_HEIGHT 300
#define PANEL_TITLE 34
#define PANEL_FOOT 52
#define HEAD 64
#define BAR 24

static const char *const colors[] = {"#1f6fb2", "#c1432d", "#3c8d40", "#8250a5",
				     "#c77d0a", "#4b5563", "#0f8b8d", "#a83f6f"};
#define COLORS (sizeof(colors) / sizeof(colors[0]))

struct svg {
	FILE *out;
	double top; /* top of the current panel */
};

static void put_text(FILE *out, const char *raw)
{
	char text[512];
	utf8_copy_printable(text, sizeof(text), raw);
	for (const char *p = text; *p; p++)
		switch (*p) {
		case '<':
			fputs("&lt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*p, out);
		}
}

static void label(struct svg *s, double x, double y, const char *class, const char *anchor,
		  const char *text)
{
	fprintf(s->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">", x, y, class,
		anchor);
	put_text(s->out, text);
	fputs("</text>\n", s->out);
}

static void line(struct svg *s, double xa, double ya, double xb, double yb, const char *class)
{
	fprintf(s->out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n",
		xa, ya, xb, yb, class);
}

/* Decimal logarithms at the edges of a plot. */
struct axes {
	double x0, x1, y0, y1;
};

static struct axes axes_of(const struct chart *c)
{
	struct axes a = {INFINITY, -INFINITY, INFINITY, -INFINITY};
	for (size_t i = 0; i < c->curves; i++)
		for (size_t k = 0; k < c->curve[i].count; k++) {
			double low = c->curve[i].at[k].min > 0 ? c->curve[i].at[k].min
							       : c->curve[i].at[k].median;
			a.x0 = fmin(a.x0, log10(c->curve[i].at[k].n));
			a.x1 = fmax(a.x1, log10(c->curve[i].at[k].n));
			a.y0 = fmin(a.y0, log10(low));
			a.y1 = fmax(a.y1, log10(c->curve[i].at[k].max));
		}
	a.y0 = floor(a.y0);
	a.y1 = fmax(ceil(a.y1), a.y0 + 1);
	if (a.x1 <= a.x0)
		a.x1 = a.x0 + 1;
	return a;
}

static double at_x(const struct axes *a, double log_x)
{
	return LEFT + (log_x - a->x0) / (a->x1 - a->x0) * (WIDTH - LEFT - RIGHT);
}

static double at_y(const struct svg *s, const struct axes *a, double log_y)
{
	return s->top + PANEL_TITLE + (a->y1 - log_y) / (a->y1 - a->y0) * PLOT_HEIGHT;
}

static void grid(struct svg *s, const struct chart *c, const struct axes *a)
{
	char text[32];
	double bottom = at_y(s, a, a->y0);
	for (int y = (int)a->y0; y <= a->y1; y++) {
		line(s, LEFT, at_y(s, a, y), WIDTH - RIGHT, at_y(s, a, y), "grid");
		bench_figure(text, sizeof(text), c->metric, pow(10, y));
		label(s, LEFT - 8, at_y(s, a, y) + 4, "tick", "end", text);
	}
	for (int x = (int)ceil(a->x0); x <= a->x1; x++) {
		line(s, at_x(a, x), at_y(s, a, a->y1), at_x(a, x), bottom, "grid");
		bench_size(text, sizeof(text), (uint64_t)llrint(pow(10, x)));
		label(s, at_x(a, x), bottom + 18, "tick", "middle", text);
	}
}

/* The tooltip: the conditions. */
static void tooltip(struct svg *s, const char *variant, const char *conditions)
{
	fputs("<title>", s->out);
	put_text(s->out, variant);
	fputs(": ", s->out);
	put_text(s->out, conditions);
	fputs("</title>\n", s->out);
}

static void curve(struct svg *s, const struct axes *a, const struct curve *c, const char *color)
{
	fprintf(s->out, "<g stroke=\"%s\" fill=\"%s\">\n", color, color);
	tooltip(s, c->variant, c->conditions);
	fputs("<polyline class=\"curve\" points=\"", s->out);
	for (size_t k = 0; k < c->count; k++)
		fprintf(s->out, "%s%.1f,%.1f", k ? " " : "", at_x(a, log10(c->at[k].n)),
			at_y(s, a, log10(c->at[k].median)));
	fputs("\"/>\n", s->out);
	for (size_t k = 0; k < c->count; k++) {
		double x = at_x(a, log10(c->at[k].n));
		double low = c->at[k].min > 0 ? c->at[k].min : c->at[k].median;
		line(s, x, at_y(s, a, log10(low)), x, at_y(s, a, log10(c->at[k].max)), "spread");
		fprintf(s->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.8\"/>\n", x,
			at_y(s, a, log10(c->at[k].median)));
	}
	fputs("</g>\n", s->out);
}

/* Print each name at the right end of its curve, moved apart where names would overlap. */
static void names(struct svg *s, const struct chart *c, const struct axes *a)
{
	double y[CHART_CURVES];
	size_t order[CHART_CURVES], count = 0;
	for (size_t i = 0; i < c->curves; i++) {
		const struct curve *k = &c->curve[i];
		if (!k->count)
			continue;
		y[i] = at_y(s, a, log10(k->at[k->count - 1].median));
		size_t at = count++;
		for (; at > 0 && y[order[at - 1]] > y[i]; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	double last = -INFINITY, lowest = s->top + PANEL_TITLE + PLOT_HEIGHT;
	for (size_t k = 0; k < count; k++) {
		size_t i = order[k];
		double room = lowest - 15 * (double)(count - 1 - k);
		double place = fmin(fmax(y[i], last + 15), fmax(room, last + 15));
		last = place;
		fprintf(s->out, "<g fill=\"%s\">", colors[i % COLORS]);
		label(s, WIDTH - RIGHT + 10, place + 4, "name", "start", c->curve[i].variant);
		fputs("</g>\n", s->out);
	}
}

static double chart_height(void) { return PANEL_TITLE + PLOT_HEIGHT + PANEL_FOOT; }

static void chart_draw(struct svg *s, const struct chart *c)
{
	char title[128];
	const struct bench *b = bench_named(c->bench);
	struct axes a = axes_of(c);
	snprintf(title, sizeof(title), "%s%s%s: %s", c->bench, *c->what ? ", " : "", c->what,
		 bench_metric_name(c->metric));
	label(s, LEFT, s->top + 20, "title", "start", title);
	grid(s, c, &a);
	for (size_t i = 0; i < c->curves; i++)
		curve(s, &a, &c->curve[i], colors[i % COLORS]);
	names(s, c, &a);
	label(s, LEFT + (WIDTH - LEFT - RIGHT) / 2.0, s->top + PANEL_TITLE + PLOT_HEIGHT + 38,
	      "tick", "middle", b ? b->n : "n");
	s->top += chart_height();
}

static bool charted(const struct chart *charts, size_t count, const struct bench_result *r)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(charts[i].bench, r->bench) == 0 && charts[i].metric == r->metric)
			return true;
	return false;
}

/* True if a result is drawn as a bar of this bench and metric. */
static bool is_bar(const struct chart *charts, size_t count, const struct bench_result *r,
		   const char *bench, enum bench_metric metric)
{
	return strcmp(r->bench, bench) == 0 && r->metric == metric && r->metric != BENCH_EVENTS &&
	       !charted(charts, count, r);
}

/* A variant has the same colour in all panels. */
static const char *variant_color(const struct bench_table *t, const struct bench_result *r)
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
	return colors[color % COLORS];
}

static void bar_draw(struct svg *s, const struct bench_result *r, double most, const char *color)
{
	const double left = LEFT + 170, width = WIDTH - left - 110;
	char name[96], figure[32], size[24], active[24];
	bool some = r->active && r->active != r->n;
	snprintf(name, sizeof(name), "%s, %s%s%s", r->variant,
		 some ? bench_size(active, sizeof(active), r->active) : "", some ? " of " : "",
		 bench_size(size, sizeof(size), r->n));
	label(s, left - 8, s->top + 15, "name", "end", name);
	fprintf(s->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"14\" fill=\"%s\"/>\n",
		left, s->top + 4, most > 0 ? width * r->median / most : 0, color);
	if (most > 0)
		line(s, left + width * r->min / most, s->top + 11, left + width * r->max / most,
		     s->top + 11, "whisker");
	bench_figure(figure, sizeof(figure), r->metric, r->median);
	label(s, left + (most > 0 ? width * r->max / most : 0) + 8, s->top + 15, "tick", "start",
	      figure);
	s->top += BAR;
}

/* The bars of one bench and metric: returns their height, draws them if `draw`. */
static double bars(struct svg *s, const struct bench_table *t, const struct chart *charts,
		   size_t count, const char *bench, enum bench_metric metric, bool draw)
{
	double most = 0, height = 0;
	char title[96];
	for (size_t i = 0; i < t->count; i++)
		if (is_bar(charts, count, &t->at[i], bench, metric)) {
			most = fmax(most, t->at[i].max);
			height += BAR;
		}
	if (height <= 0)
		return 0;
	if (draw) {
		snprintf(title, sizeof(title), "%s: %s", bench, bench_metric_name(metric));
		label(s, LEFT, s->top + 20, "title", "start", title);
		s->top += PANEL_TITLE;
		for (size_t i = 0; i < t->count; i++)
			if (is_bar(charts, count, &t->at[i], bench, metric))
				bar_draw(s, &t->at[i], most, variant_color(t, &t->at[i]));
		s->top += 20;
	}
	return height + PANEL_TITLE + 20;
}

/* The bars of all benches: returns their height, draws them if `draw`. */
static double all_bars(struct svg *s, const struct bench_table *t, const struct chart *charts,
		       size_t count, bool draw)
{
	const char *bench = "";
	double height = 0;
	for (size_t i = 0; i < t->count; i++) {
		if (strcmp(bench, t->at[i].bench) == 0)
			continue;
		bench = t->at[i].bench;
		for (int m = 0; m < BENCH_METRICS; m++)
			height += bars(s, t, charts, count, bench, (enum bench_metric)m, draw);
	}
	return height;
}

static void head(struct svg *s, const struct bench_page *p, double height)
{
	char text[256], stamp[32] = "";
	struct tm tm;
	if (gmtime_r(&p->time.tv_sec, &tm))
		strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M UTC", &tm);
	fprintf(s->out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" "
		"height=\"%.0f\" font-family=\"system-ui, 'DejaVu Sans', sans-serif\">\n"
		"<style>\n.title{font-size:15px;font-weight:600}.tick{font-size:12px;fill:#555}"
		".name{font-size:12px}.grid{stroke:#e2e2e2;stroke-width:1}"
		".curve{fill:none;stroke-width:1.8;stroke-linejoin:round}"
		".spread{stroke-width:1;opacity:.6}.whisker{stroke:#222;stroke-width:1.5}\n"
		"</style>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		WIDTH, height, WIDTH, height);
	snprintf(text, sizeof(text), "epolltune %s on %s", p->command, p->host.name);
	label(s, LEFT, 28, "title", "start", text);
	snprintf(text, sizeof(text),
		 "Linux %s, %llu CPU%s, %u round%s, %s. Median; lines: minimum to maximum.",
		 p->host.kernel, (unsigned long long)p->host.cpus, p->host.cpus == 1 ? "" : "s",
		 p->runs, p->runs == 1 ? "" : "s", stamp);
	label(s, LEFT, 48, "tick", "start", text);
	s->top = HEAD;
}

int bench_render_svg(FILE *out, const struct bench_page *p, struct err *e)
{
	struct svg s = {.out = out};
	struct chart *charts = calloc(CHARTS, sizeof(*charts));
	if (!charts)
		return err_set(e, ENOMEM, "out of memory for the picture");
	size_t count = charts_of(p->table, charts, CHARTS);
	head(&s, p,
	     HEAD + (double)count * chart_height() + all_bars(&s, p->table, charts, count, false));
	for (size_t i = 0; i < count; i++)
		chart_draw(&s, &charts[i]);
	all_bars(&s, p->table, charts, count, true);
	fputs("</svg>\n", out);
	free(charts);
	return 0;
}
