#include "report/chart.h"

#include <math.h>

#include "report/utf8.h"

#define WIDTH 860
#define LEFT 84
#define RIGHT 130 /* room for the names of the curves */
#define PLOT_HEIGHT 300
#define PANEL_TITLE 34
#define PANEL_FOOT 52
#define HEAD 64
#define BAR 24
#define BARS_FOOT 20

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
	for (size_t i = 0; i < c->count; i++)
		for (size_t k = 0; k < c->series[i].count; k++) {
			double low = c->series[i].at[k].min > 0 ? c->series[i].at[k].min
								: c->series[i].at[k].y;
			a.x0 = fmin(a.x0, log10(c->series[i].at[k].x));
			a.x1 = fmax(a.x1, log10(c->series[i].at[k].x));
			a.y0 = fmin(a.y0, log10(low));
			a.y1 = fmax(a.y1, log10(c->series[i].at[k].max));
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
		c->y.format(text, sizeof(text), pow(10, y), c->y.unit);
		label(s, LEFT - 8, at_y(s, a, y) + 4, "tick", "end", text);
	}
	for (int x = (int)ceil(a->x0); x <= a->x1; x++) {
		line(s, at_x(a, x), at_y(s, a, a->y1), at_x(a, x), bottom, "grid");
		c->x.format(text, sizeof(text), pow(10, x), c->x.unit);
		label(s, at_x(a, x), bottom + 18, "tick", "middle", text);
	}
}

static void tooltip(struct svg *s, const char *name, const char *note)
{
	fputs("<title>", s->out);
	put_text(s->out, name);
	fputs(": ", s->out);
	put_text(s->out, note);
	fputs("</title>\n", s->out);
}

static void curve(struct svg *s, const struct axes *a, const struct chart_series *c,
		  const char *color)
{
	fprintf(s->out, "<g stroke=\"%s\" fill=\"%s\">\n", color, color);
	tooltip(s, c->name, c->note);
	fputs("<polyline class=\"curve\" points=\"", s->out);
	for (size_t k = 0; k < c->count; k++)
		fprintf(s->out, "%s%.1f,%.1f", k ? " " : "", at_x(a, log10(c->at[k].x)),
			at_y(s, a, log10(c->at[k].y)));
	fputs("\"/>\n", s->out);
	for (size_t k = 0; k < c->count; k++) {
		double x = at_x(a, log10(c->at[k].x));
		double low = c->at[k].min > 0 ? c->at[k].min : c->at[k].y;
		line(s, x, at_y(s, a, log10(low)), x, at_y(s, a, log10(c->at[k].max)), "spread");
		fprintf(s->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.8\"/>\n", x,
			at_y(s, a, log10(c->at[k].y)));
	}
	fputs("</g>\n", s->out);
}

/* Print each name at the right end of its curve, moved apart where names would overlap. */
static void names(struct svg *s, const struct chart *c, const struct axes *a)
{
	double y[CHART_SERIES];
	size_t order[CHART_SERIES], count = 0;
	for (size_t i = 0; i < c->count; i++) {
		const struct chart_series *k = &c->series[i];
		if (!k->count)
			continue;
		y[i] = at_y(s, a, log10(k->at[k->count - 1].y));
		size_t at = count++;
		for (; at > 0 && y[order[at - 1]] > y[i]; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	double last = -INFINITY, lowest = s->top + PANEL_TITLE + PLOT_HEIGHT;
	for (size_t k = 0; k < count; k++) {
		size_t i = order[k];
		double room = lowest - 15 * (double)(count - 1 - k);
		double y_name = fmin(fmax(y[i], last + 15), fmax(room, last + 15));
		last = y_name;
		fprintf(s->out, "<g fill=\"%s\">", colors[i % COLORS]);
		label(s, WIDTH - RIGHT + 10, y_name + 4, "name", "start", c->series[i].name);
		fputs("</g>\n", s->out);
	}
}

#define CHART_HEIGHT (PANEL_TITLE + PLOT_HEIGHT + PANEL_FOOT)

static void chart_draw(struct svg *s, const struct chart *c)
{
	struct axes a = axes_of(c);
	label(s, LEFT, s->top + 20, "title", "start", c->title);
	grid(s, c, &a);
	for (size_t i = 0; i < c->count; i++)
		curve(s, &a, &c->series[i], colors[i % COLORS]);
	names(s, c, &a);
	label(s, LEFT + (WIDTH - LEFT - RIGHT) / 2.0, s->top + PANEL_TITLE + PLOT_HEIGHT + 38,
	      "tick", "middle", c->x.label);
	s->top += CHART_HEIGHT;
}

static void bar_draw(struct svg *s, const struct chart_bar *b, double max,
		     const struct chart_axis *y)
{
	const double left = LEFT + 170, width = WIDTH - left - 110;
	char figure[32];
	label(s, left - 8, s->top + 15, "name", "end", b->name);
	fprintf(s->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"14\" fill=\"%s\"/>\n",
		left, s->top + 4, max > 0 ? width * b->y / max : 0, colors[b->color % COLORS]);
	if (max > 0)
		line(s, left + width * b->min / max, s->top + 11, left + width * b->max / max,
		     s->top + 11, "whisker");
	y->format(figure, sizeof(figure), b->y, y->unit);
	label(s, left + (max > 0 ? width * b->max / max : 0) + 8, s->top + 15, "tick", "start",
	      figure);
	s->top += BAR;
}

static void bars_draw(struct svg *s, const struct chart_bars *b)
{
	double max = 0;
	for (size_t i = 0; i < b->count; i++)
		max = fmax(max, b->at[i].max);
	label(s, LEFT, s->top + 20, "title", "start", b->title);
	s->top += PANEL_TITLE;
	for (size_t i = 0; i < b->count; i++)
		bar_draw(s, &b->at[i], max, &b->y);
	s->top += BARS_FOOT;
}

static void head(struct svg *s, const struct chart_page *p, double height)
{
	fprintf(s->out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" "
		"height=\"%.0f\" font-family=\"system-ui, 'DejaVu Sans', sans-serif\">\n"
		"<style>\n.title{font-size:15px;font-weight:600}.tick{font-size:12px;fill:#555}"
		".name{font-size:12px}.grid{stroke:#e2e2e2;stroke-width:1}"
		".curve{fill:none;stroke-width:1.8;stroke-linejoin:round}"
		".spread{stroke-width:1;opacity:.6}.whisker{stroke:#222;stroke-width:1.5}\n"
		"</style>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		WIDTH, height, WIDTH, height);
	label(s, LEFT, 28, "title", "start", p->title);
	label(s, LEFT, 48, "tick", "start", p->subtitle);
	s->top = HEAD;
}

void chart_svg(FILE *out, const struct chart_page *p)
{
	struct svg s = {.out = out};
	double height = HEAD + (double)p->chart_count * CHART_HEIGHT;
	for (size_t i = 0; i < p->bars_count; i++)
		height += PANEL_TITLE + (double)p->bars[i].count * BAR + BARS_FOOT;
	head(&s, p, height);
	for (size_t i = 0; i < p->chart_count; i++)
		chart_draw(&s, &p->charts[i]);
	for (size_t i = 0; i < p->bars_count; i++)
		bars_draw(&s, &p->bars[i]);
	fputs("</svg>\n", out);
}
