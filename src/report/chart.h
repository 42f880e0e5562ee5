/* chart: draw figures in a terminal or as SVG. Series, axes and labels are data. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "report/render.h"

#define CHART_POINTS 32
#define CHART_SERIES 8

struct chart_axis {
	const char *symbol; /* "n" */
	const char *label;  /* "connections" */
	/* Formats a value with its unit; 32 bytes suffice. Returns text. */
	char *(*format)(char *text, size_t size, double value, const struct chart_axis *axis);
	/* What format() looks at. */
	int metric;
	const char *unit;
	bool linear; /* from 0 on; otherwise logarithmic, and all values but `min` are positive */
};

struct chart {
	char title[128];
	struct chart_axis x, y;
	/* A horizontal line at that value of y, with its name; NULL: none. Only in SVG. */
	const char *mark_name;
	double mark;
	size_t count;
	struct chart_series {
		const char *name, *note; /* the note is a tooltip; NULL: none */
		size_t count;
		struct {
			double x, y, min, max;
		} at[CHART_POINTS]; /* by x, ascending */
	} series[CHART_SERIES];
};

/* Adds a point to the series with that name, which it adds. Drops what does not fit. */
void chart_add(struct chart *c, const char *name, const char *note, double x, double y, double min,
	       double max);
/* The number of points of the longest series. */
size_t chart_longest(const struct chart *c);

/* Draws it in a terminal; draws nothing if out of memory. Logarithmic axes only. */
void chart_text(FILE *out, const struct chart *c, const struct render_style *style);

/* Bars with their spread. */
struct chart_bars {
	char title[128];
	struct chart_axis y;
	size_t count;
	const struct chart_bar {
		char name[96];
		double y, min, max;
		size_t color; /* the same number has the same colour in all panels */
	} * at;
};

struct chart_page {
	const char *title, *subtitle;
	size_t chart_count, bars_count;
	const struct chart *charts;
	const struct chart_bars *bars;
};

/* Draws the charts, then the bars, as one self-contained SVG. */
void chart_svg(FILE *out, const struct chart_page *p);

/* Draw one in a document that has chart_style() in a style element: small, without title, with a
 * description for screen readers. */
void chart_inline(FILE *out, const struct chart *c);
void chart_inline_bars(FILE *out, const struct chart_bars *b);
/* The colours of all charts, light and dark, as CSS. */
void chart_style(FILE *out);
