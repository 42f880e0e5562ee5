/* bench_render: one renderer a file; each turns a table of measured figures into text, data or a
 * picture. No figure without its unit, spread and conditions. */
#ifndef EPOLLTUNE_BENCH_RENDER_H
#define EPOLLTUNE_BENCH_RENDER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "epolltune/bench.h"
#include "epolltune/err.h"
#include "epolltune/report.h"
#include "report/render.h"

/* A table and where and when it was measured. */
struct bench_page {
	const char *command; /* that measured: "bench", "load" */
	struct report_host host;
	struct timespec time;
	unsigned runs;   /* rounds that were made, as the series tell that has most */
	unsigned wanted; /* that were asked for */
	const struct bench_table *table;
};

typedef int (*bench_render_function)(FILE *out, const struct bench_page *p,
				     const struct render_style *style, struct err *e);
/* The name of a format to its renderer; NULL if unknown. */
bench_render_function bench_render_find(const char *format);
#define BENCH_RENDER_FORMATS "text,json,csv"

int bench_render_text(FILE *out, const struct bench_page *p, const struct render_style *style,
		      struct err *e);
/* The schema epolltune.bench/1. */
int bench_render_json(FILE *out, const struct bench_page *p, const struct render_style *style,
		      struct err *e);
/* RFC 4180, with a header line. */
int bench_render_csv(FILE *out, const struct bench_page *p, const struct render_style *style,
		     struct err *e);
/* A self-contained picture: curves where sizes vary, bars elsewhere. */
int bench_render_svg(FILE *out, const struct bench_page *p, struct err *e);

/* Three figures and a unit that fits: "442 ns", "5.65 ms", "51.4 k/s". 24 bytes suffice. */
char *bench_figure(char *buf, size_t size, enum bench_metric m, double value);
/* "300", "10k", "1M" for axes and columns of sizes. */
char *bench_size(char *buf, size_t size, uint64_t n);

#define CHART_POINTS 24
#define CHART_CURVES 8
#define CHARTS 24

/* The curves of one metric over n, for plots. */
struct chart {
	const char *bench;
	const char *what; /* "one ready", "all ready", "" */
	enum bench_metric metric;
	size_t curves;
	struct curve {
		const char *variant, *conditions;
		size_t count;
		struct {
			double n, median, min, max;
		} at[CHART_POINTS]; /* by n, ascending */
	} curve[CHART_CURVES];
};

/* The charts that a table holds: wherever a variant was measured at three sizes or more. Returns
 * how many, at most `max`. */
size_t charts_of(const struct bench_table *t, struct chart *charts, size_t max);

/* Draws a chart with logarithmic axes into a terminal. */
void plot_print(FILE *out, const struct chart *c, const struct render_style *style);

#endif
