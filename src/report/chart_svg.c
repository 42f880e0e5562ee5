#include "report/chart.h"

#include <math.h>
#include <string.h>

#include "report/chart_scale.h"
#include "report/markup.h"
#include "report/utf8.h"

/* The geometry of a picture, in the units of its viewBox. */
struct frame {
	double width, left, right; /* on the right: room for the names of the curves */
	double title, plot, foot;
	double tick; /* width of a label of the x axis */
	double radius;
};
/* A sheet of its own, and a figure in a page, which also a narrow screen shows in full size. */
static const struct frame sheet = {860, 84, 130, 34, 300, 52, 60, 2.8};
static const struct frame small = {360, 66, 12, 8, 140, 48, 60, 2};

#define HEAD 64
#define BAR 24
#define BARS_FOOT 20
#define LEGEND 17
#define LEGEND_SHORT 16
#define SMALL_BAR 34

static const struct color {
	const char *light, *dark;
	const char *dashes; /* a second sign beside the colour */
} colors[] = {
	{"#1f6fb2", "#6cb2f0", "none"}, {"#b83a25", "#f28b76", "7 3"},
	{"#2f7d34", "#7fc784", "2 3"},  {"#7b4ba0", "#c3a0e6", "9 3 2 3"},
	{"#8a5a00", "#e0b25c", "12 4"}, {"#4b5563", "#aab4c0", "4 2"},
	{"#0b7275", "#5cc3c4", "1 2"},  {"#a83f6f", "#e793b8", "6 2 1 2"},
};
#define COLORS (sizeof(colors) / sizeof(colors[0]))

struct svg {
	FILE *out;
	const struct frame *frame;
	double top; /* top of the current panel */
};

static void label(struct svg *s, double x, double y, const char *class, const char *anchor,
		  const char *text)
{
	fprintf(s->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">", x, y, class,
		anchor);
	markup_put(s->out, text);
	fputs("</text>\n", s->out);
}

static void line(struct svg *s, double xa, double ya, double xb, double yb, const char *class)
{
	fprintf(s->out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n",
		xa, ya, xb, yb, class);
}

struct axes {
	struct chart_scale x, y;
};

static double at_x(const struct svg *s, const struct axes *a, double value)
{
	const struct frame *f = s->frame;
	return f->left + chart_scale_at(&a->x, value) * (f->width - f->left - f->right);
}

static double at_y(const struct svg *s, const struct axes *a, double value)
{
	return s->top + s->frame->title + (1 - chart_scale_at(&a->y, value)) * s->frame->plot;
}

/* A label at the edge stays in the picture, and one that would touch the last is left out. */
static void x_ticks(struct svg *s, const struct chart *c, const struct axes *a)
{
	const struct frame *f = s->frame;
	double bottom = s->top + f->title + f->plot, value, last = -INFINITY;
	char text[32];
	for (unsigned i = 0; chart_scale_tick(&a->x, i, &value); i++) {
		double x = at_x(s, a, value);
		line(s, x, s->top + f->title, x, bottom, "grid");
		if (x - last < f->tick)
			continue;
		last = x;
		c->x.format(text, sizeof(text), value, &c->x);
		bool edge = x > f->width - f->right - 24 && f->right < 24;
		label(s, edge ? f->width - 2 : x, bottom + 18, "tick", edge ? "end" : "middle",
		      text);
	}
}

static void grid(struct svg *s, const struct chart *c, const struct axes *a)
{
	const struct frame *f = s->frame;
	char text[32];
	double value;
	for (unsigned i = 0; chart_scale_tick(&a->y, i, &value); i++) {
		double y = at_y(s, a, value);
		line(s, f->left, y, f->width - f->right, y, "grid");
		c->y.format(text, sizeof(text), value, &c->y);
		label(s, f->left - 8, y + 4, "tick", "end", text);
	}
	x_ticks(s, c, a);
}

static void mark(struct svg *s, const struct chart *c, const struct axes *a)
{
	const struct frame *f = s->frame;
	if (!c->mark_name)
		return;
	double y = at_y(s, a, c->mark);
	bool above = y - 14 > s->top + f->title;
	line(s, f->left, y, f->width - f->right, y, "mark");
	label(s, f->left + 6, above ? y - 4 : y + 13, "tick", "start", c->mark_name);
}

static void tooltip(struct svg *s, const char *name, const char *note)
{
	if (!note)
		return;
	fputs("<title>", s->out);
	markup_put(s->out, name);
	fputs(": ", s->out);
	markup_put(s->out, note);
	fputs("</title>\n", s->out);
}

static void curve(struct svg *s, const struct axes *a, const struct chart_series *c, size_t color)
{
	fprintf(s->out, "<g class=\"c%zu\">\n", color % COLORS);
	tooltip(s, c->name, c->note);
	fputs("<polyline class=\"curve\" points=\"", s->out);
	for (size_t k = 0; k < c->count; k++)
		fprintf(s->out, "%s%.1f,%.1f", k ? " " : "", at_x(s, a, c->at[k].x),
			at_y(s, a, c->at[k].y));
	fputs("\"/>\n", s->out);
	for (size_t k = 0; k < c->count; k++) {
		double x = at_x(s, a, c->at[k].x);
		double low = c->at[k].min > 0 ? c->at[k].min : c->at[k].y;
		if (low < c->at[k].max)
			line(s, x, at_y(s, a, low), x, at_y(s, a, c->at[k].max), "spread");
		fprintf(s->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>\n", x,
			at_y(s, a, c->at[k].y), s->frame->radius);
	}
	fputs("</g>\n", s->out);
}

/* Print each name at the right end of its curve, moved apart where names would overlap. */
static void names(struct svg *s, const struct chart *c, const struct axes *a)
{
	const struct frame *f = s->frame;
	double y[CHART_SERIES];
	size_t order[CHART_SERIES], count = 0;
	for (size_t i = 0; i < c->count; i++) {
		const struct chart_series *k = &c->series[i];
		if (!k->count)
			continue;
		y[i] = at_y(s, a, k->at[k->count - 1].y);
		size_t at = count++;
		for (; at > 0 && y[order[at - 1]] > y[i]; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	double last = -INFINITY, lowest = s->top + f->title + f->plot;
	for (size_t k = 0; k < count; k++) {
		size_t i = order[k];
		double room = lowest - 15 * (double)(count - 1 - k);
		double y_name = fmin(fmax(y[i], last + 15), fmax(room, last + 15));
		last = y_name;
		fprintf(s->out, "<g class=\"c%zu\">", i % COLORS);
		label(s, f->width - f->right + 10, y_name + 4, "name", "start", c->series[i].name);
		fputs("</g>\n", s->out);
	}
}

/* Short names are in two columns. */
static size_t legend_columns(const struct chart *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (strlen(c->series[i].name) > LEGEND_SHORT)
			return 1;
	return 2;
}

static double legend_height(const struct chart *c)
{
	size_t columns = legend_columns(c);
	return LEGEND * (double)((c->count + columns - 1) / columns);
}

/* Each name beside a piece of its line. */
static void legend(struct svg *s, const struct chart *c)
{
	size_t columns = legend_columns(c);
	double wide = (s->frame->width - s->frame->left) / (double)columns;
	for (size_t i = 0; i < c->count; i++) {
		double x = s->frame->left + wide * (double)(i % columns);
		double y = s->top + LEGEND * (double)(i / columns) + 8;
		fprintf(s->out,
			"<g class=\"c%zu\"><polyline class=\"curve\" "
			"points=\"%.1f,%.1f %.1f,%.1f\"/>",
			i % COLORS, x, y, x + 30, y);
		label(s, x + 38, y + 4, "name", "start", c->series[i].name);
		fputs("</g>\n", s->out);
	}
	s->top += legend_height(c);
}

static void plot(struct svg *s, const struct chart *c)
{
	const struct frame *f = s->frame;
	struct axes a = {chart_scale_x(c), chart_scale_y(c)};
	grid(s, c, &a);
	mark(s, c, &a);
	for (size_t i = 0; i < c->count; i++)
		curve(s, &a, &c->series[i], i);
	if (f == &sheet)
		names(s, c, &a);
	label(s, f->left + (f->width - f->left - f->right) / 2,
	      s->top + f->title + f->plot + f->foot - 10, "tick", "middle", c->x.label);
	s->top += f->title + f->plot + f->foot;
}

static void chart_draw(struct svg *s, const struct chart *c)
{
	label(s, s->frame->left, s->top + 20, "title", "start", c->title);
	plot(s, c);
}

static double bars_max(const struct chart_bars *b)
{
	double max = 0;
	for (size_t i = 0; i < b->count; i++)
		max = fmax(max, b->at[i].max);
	return max;
}

/* Draws the bar from `left` on, `width` for `max`, with its spread and its figure. */
static void bar_draw(struct svg *s, const struct chart_bar *b, double left, double width,
		     double max, const struct chart_axis *y)
{
	char figure[32];
	double scale = max > 0 ? width / max : 0;
	fprintf(s->out,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"14\" class=\"c%zu\"/>\n", left,
		s->top, scale * b->y, b->color % COLORS);
	if (b->min < b->max)
		line(s, left + scale * b->min, s->top + 7, left + scale * b->max, s->top + 7,
		     "whisker");
	y->format(figure, sizeof(figure), b->y, y);
	label(s, left + scale * fmax(b->max, b->y) + 8, s->top + 11, "tick", "start", figure);
}

static void bars_draw(struct svg *s, const struct chart_bars *b)
{
	const double left = s->frame->left + 170, width = s->frame->width - left - 110;
	label(s, s->frame->left, s->top + 20, "title", "start", b->title);
	s->top += s->frame->title;
	for (size_t i = 0; i < b->count; i++) {
		s->top += 4;
		label(s, left - 8, s->top + 11, "name", "end", b->at[i].name);
		bar_draw(s, &b->at[i], left, width, bars_max(b), &b->y);
		s->top += BAR - 4;
	}
	s->top += BARS_FOOT;
}

void chart_style(FILE *out)
{
	fputs(".title{font-size:15px;font-weight:600}.tick,.name{font-size:12px}"
	      ".curve{fill:none;stroke-width:1.8;stroke-linejoin:round}"
	      ".grid,.spread{stroke-width:1}.spread{opacity:.6}.whisker{stroke-width:1.5}"
	      ".mark{stroke-width:1.2;stroke-dasharray:1 3}"
	      ".c0 text,.c1 text,.c2 text,.c3 text,.c4 text,.c5 text,.c6 text,.c7 text{stroke:none}"
	      "rect{stroke:none}\n"
	      ".title{fill:#1b1f24}.tick{fill:#545b64}.grid{stroke:#e2e4e8}"
	      ".whisker,.mark{stroke:#1b1f24}.paper{fill:#fff}",
	      out);
	for (size_t i = 0; i < COLORS; i++)
		fprintf(out, ".c%zu{stroke:%s;fill:%s}.c%zu .curve{stroke-dasharray:%s}", i,
			colors[i].light, colors[i].light, i, colors[i].dashes);
	fputs("\n@media screen and (prefers-color-scheme:dark){.title{fill:#e6e8eb}"
	      ".tick{fill:#a4abb4}.grid{stroke:#30353c}.whisker,.mark{stroke:#e6e8eb}"
	      ".paper{fill:#15181c}",
	      out);
	for (size_t i = 0; i < COLORS; i++)
		fprintf(out, ".c%zu{stroke:%s;fill:%s}", i, colors[i].dark, colors[i].dark);
	fputs("}\n", out);
}

static void head(struct svg *s, const struct chart_page *p, double height)
{
	fprintf(s->out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
		"height=\"%.0f\" font-family=\"system-ui, 'DejaVu Sans', sans-serif\">\n"
		"<style>\n",
		s->frame->width, height, s->frame->width, height);
	chart_style(s->out);
	fputs("</style>\n<rect width=\"100%\" height=\"100%\" class=\"paper\"/>\n", s->out);
	label(s, s->frame->left, 28, "title", "start", p->title);
	label(s, s->frame->left, 48, "tick", "start", p->subtitle);
	s->top = HEAD;
}

void chart_svg(FILE *out, const struct chart_page *p)
{
	struct svg s = {.out = out, .frame = &sheet};
	double height = HEAD + (double)p->chart_count * (sheet.title + sheet.plot + sheet.foot);
	for (size_t i = 0; i < p->bars_count; i++)
		height += sheet.title + (double)p->bars[i].count * BAR + BARS_FOOT;
	head(&s, p, height);
	for (size_t i = 0; i < p->chart_count; i++)
		chart_draw(&s, &p->charts[i]);
	for (size_t i = 0; i < p->bars_count; i++)
		bars_draw(&s, &p->bars[i]);
	fputs("</svg>\n", out);
}

/* In HTML a name space is not written, and the description is an attribute, as a text beside the
 * picture would be read twice. */
static void inline_begin(FILE *out, double height)
{
	fprintf(out, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", small.width,
		height);
}

void chart_inline(FILE *out, const struct chart *c)
{
	struct svg s = {.out = out, .frame = &small};
	inline_begin(out, small.title + small.plot + small.foot + legend_height(c));
	markup_print(out, "%s; %s", c->title, c->x.label);
	for (size_t i = 0; i < c->count; i++) {
		const struct chart_series *k = &c->series[i];
		char x[32], y[32];
		if (!k->count)
			continue;
		c->x.format(x, sizeof(x), k->at[k->count - 1].x, &c->x);
		c->y.format(y, sizeof(y), k->at[k->count - 1].y, &c->y);
		markup_print(out, "; %s: %s at %s", k->name, y, x);
	}
	fputs("\">\n", out);
	legend(&s, c);
	plot(&s, c);
	fputs("</svg>\n", out);
}

void chart_inline_bars(FILE *out, const struct chart_bars *b)
{
	struct svg s = {.out = out, .frame = &small};
	inline_begin(out, SMALL_BAR * (double)b->count);
	markup_put(out, b->title);
	for (size_t i = 0; i < b->count; i++) {
		char y[32];
		b->y.format(y, sizeof(y), b->at[i].y, &b->y);
		markup_print(out, "; %s: %s", b->at[i].name, y);
	}
	fputs("\">\n", out);
	for (size_t i = 0; i < b->count; i++) {
		label(&s, 0, s.top + 11, "name", "start", b->at[i].name);
		s.top += 15;
		bar_draw(&s, &b->at[i], 0, small.width - 90, bars_max(b), &b->y);
		s.top += SMALL_BAR - 15;
	}
	fputs("</svg>\n", out);
}
