/* Draw curves in a terminal, in braille: a cell is two dots wide and four high. */
#include "report/chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"

#define ROWS 14
#define COLUMNS_MAX 100
#define LABEL 9 /* width of the labels left of the plot */

static const char *const colors[] = {"\033[36m", "\033[31m", "\033[32m",
				     "\033[35m", "\033[33m", "\033[34m"};
#define COLORS (sizeof(colors) / sizeof(colors[0]))
static const char marks[] = "abcdefgh";
#define SEVERAL '*' /* points of more than one curve */

struct cell {
	unsigned char dots; /* braille, as in U+2800 + dots */
	signed char curve;  /* index of its colour; -1: empty */
	char mark;          /* letter of a measured point; 0: none */
};

struct plot {
	unsigned columns;
	double x0, x1, y0, y1; /* decimal logarithms at the edges */
	bool several;          /* some cell has points of several curves */
	struct cell at[ROWS][COLUMNS_MAX];
};

/* The braille dot at column x (0 or 1) and row y (0 to 3, from the top). */
static unsigned char braille(unsigned x, unsigned y)
{
	static const unsigned char dots[4][2] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
	return dots[y][x];
}

static void plot_bounds(struct plot *p, const struct chart *c)
{
	p->x0 = p->y0 = INFINITY;
	p->x1 = p->y1 = -INFINITY;
	for (size_t i = 0; i < c->count; i++)
		for (size_t k = 0; k < c->series[i].count; k++) {
			double x = log10(c->series[i].at[k].x), y = log10(c->series[i].at[k].y);
			p->x0 = fmin(p->x0, x);
			p->x1 = fmax(p->x1, x);
			p->y0 = fmin(p->y0, y);
			p->y1 = fmax(p->y1, y);
		}
	double margin = fmax((p->y1 - p->y0) * 0.04, 0.05);
	p->y0 -= margin;
	p->y1 += margin;
	if (p->x1 <= p->x0)
		p->x1 = p->x0 + 1;
}

/* In dots: 0 to 2 * columns - 1, 0 (top) to 4 * ROWS - 1. */
static unsigned dot_x(const struct plot *p, double x)
{
	return (unsigned)lrint((x - p->x0) / (p->x1 - p->x0) * (2.0 * p->columns - 1));
}

static unsigned dot_y(const struct plot *p, double y)
{
	return (unsigned)lrint((p->y1 - y) / (p->y1 - p->y0) * (4.0 * ROWS - 1));
}

static void plot_line(struct plot *p, size_t curve, double xa, double ya, double xb, double yb)
{
	unsigned steps = 4 * (p->columns + ROWS);
	for (unsigned i = 0; i <= steps; i++) {
		double share = (double)i / steps;
		unsigned x = dot_x(p, xa + (xb - xa) * share), y = dot_y(p, ya + (yb - ya) * share);
		struct cell *cell = &p->at[y / 4][x / 2];
		cell->dots |= braille(x % 2, y % 4);
		cell->curve = (signed char)curve;
	}
}

static void plot_curve(struct plot *p, size_t index, const struct chart_series *c)
{
	for (size_t k = 1; k < c->count; k++)
		plot_line(p, index, log10(c->at[k - 1].x), log10(c->at[k - 1].y), log10(c->at[k].x),
			  log10(c->at[k].y));
}

static void plot_marks(struct plot *p, size_t index, const struct chart_series *c)
{
	for (size_t k = 0; k < c->count; k++) {
		struct cell *cell =
			&p->at[dot_y(p, log10(c->at[k].y)) / 4][dot_x(p, log10(c->at[k].x)) / 2];
		bool shared = cell->mark && cell->mark != marks[index];
		p->several |= shared;
		cell->mark = shared ? SEVERAL : marks[index];
		cell->curve = shared ? -1 : (signed char)index;
	}
}

static void cell_print(FILE *out, const struct cell *c, const struct render_style *style)
{
	bool color = style->color && c->curve >= 0;
	if (color)
		fputs(colors[(size_t)c->curve % COLORS], out);
	if (c->mark)
		fputc(c->mark, out);
	else if (!c->dots)
		fputc(' ', out);
	else if (style->utf8)
		fprintf(out, "\xe2%c%c", 0xa0 + (c->dots >> 6), 0x80 + (c->dots & 0x3f));
	else
		fputc('.', out);
	if (color)
		fputs("\033[0m", out);
}

/* Find the power of ten whose line crosses a row. */
static bool row_decade(const struct plot *p, unsigned row, double *decade)
{
	for (int power = (int)ceil(p->y0); power <= p->y1; power++) {
		*decade = power;
		if (dot_y(p, power) / 4 == row)
			return true;
	}
	return false;
}

static void x_axis(FILE *out, const struct plot *p, const struct chart_axis *axis)
{
	char line[COLUMNS_MAX + 32], size[32];
	memset(line, ' ', sizeof(line));
	unsigned free_from = 0, end = 0;
	for (int decade = (int)ceil(p->x0); decade <= p->x1; decade++) {
		unsigned at = dot_x(p, decade) / 2;
		axis->format(size, sizeof(size), pow(10, decade), axis);
		if (at + strlen(size) > p->columns)
			at = p->columns - (unsigned)strlen(size);
		if (at < free_from)
			continue;
		end = at;
		for (const char *digit = size; *digit; digit++)
			line[end++] = *digit;
		free_from = end + 1;
	}
	fprintf(out, "%*s %.*s\n", LABEL, axis->symbol, (int)end, line);
}

/* Print the letter of each curve, on as many lines as needed. */
static void legend(FILE *out, const struct plot *p, const struct chart *c,
		   const struct render_style *style)
{
	size_t used = 0;
	for (size_t i = 0; i < c->count; i++) {
		size_t length = strlen(c->series[i].name) + 2;
		bool first = !used || used + 3 + length > p->columns;
		if (first)
			fprintf(out, "%s%*s ", i ? "\n" : "", LABEL, "");
		used = first ? length : used + 3 + length;
		fprintf(out, "%s%s%c %s%s", first ? "" : "   ",
			style->color ? colors[i % COLORS] : "", marks[i], c->series[i].name,
			style->color ? "\033[0m" : "");
	}
	if (p->several)
		fprintf(out, "%s%c several", used + 12 > p->columns ? "\n          " : "   ",
			SEVERAL);
	fputs("\n\n", out);
}

static void row_print(FILE *out, const struct plot *p, unsigned row, const struct chart_axis *y,
		      const struct render_style *style)
{
	double decade;
	char label[32] = "";
	bool narrow = p->y1 - p->y0 < 2; /* fewer than two decades: label the ends */
	if (row_decade(p, row, &decade))
		y->format(label, sizeof(label), pow(10, decade), y);
	else if (narrow && (row == 0 || row == ROWS - 1))
		y->format(label, sizeof(label), pow(10, row ? p->y0 : p->y1), y);
	fprintf(out, "%*s ", LABEL, label);
	unsigned end = p->columns;
	while (end && !p->at[row][end - 1].dots && !p->at[row][end - 1].mark)
		end--;
	for (unsigned x = 0; x < end; x++)
		cell_print(out, &p->at[row][x], style);
	fputc('\n', out);
}

void chart_text(FILE *out, const struct chart *c, const struct render_style *style)
{
	CLEAN(free_pointer) struct plot *p = calloc(1, sizeof(*p));
	if (!p)
		return; /* a table has the figures */
	unsigned columns = style->width > LABEL + 22 ? style->width - LABEL - 2 : 20;
	p->columns = columns < COLUMNS_MAX ? columns : COLUMNS_MAX;
	for (unsigned row = 0; row < ROWS; row++)
		for (unsigned x = 0; x < p->columns; x++)
			p->at[row][x].curve = -1;
	plot_bounds(p, c);
	for (size_t i = 0; i < c->count; i++)
		plot_curve(p, i, &c->series[i]);
	for (size_t i = 0; i < c->count; i++)
		plot_marks(p, i, &c->series[i]);
	fprintf(out, "%s\n", c->title);
	for (unsigned row = 0; row < ROWS; row++)
		row_print(out, p, row, &c->y, style);
	x_axis(out, p, &c->x);
	legend(out, p, c, style);
}
