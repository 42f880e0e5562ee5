/* bench_render: print a table of measured figures as text, data or a picture. Every figure has its
 * unit, spread and conditions. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/metrics.h"
#include "epolltune/err.h"
#include "epolltune/report.h"
#include "report/chart.h"
#include "report/html_page.h"
#include "report/render.h"

/* A table, with the place and time of the measurement. */
struct bench_page {
	const char *command; /* "bench" or "load" */
	struct report_host host;
	struct timespec time;
	unsigned runs;   /* rounds done: the length of the longest series */
	unsigned wanted; /* rounds requested */
	const struct bench_table *table;
};

typedef int (*bench_render_function)(FILE *out, const struct bench_page *p,
				     const struct render_style *style, struct err *e);
/* Find the renderer of a format; NULL if unknown. */
bench_render_function bench_render_find(const char *format);
extern const char bench_format_names[];
#define BENCH_RENDER_FORMATS (bench_format_names + 1)

int bench_render_text(FILE *out, const struct bench_page *p, const struct render_style *style,
		      struct err *e);
/* The schema epolltune.bench/1. */
int bench_render_json(FILE *out, const struct bench_page *p, const struct render_style *style,
		      struct err *e);
/* RFC 4180, with a header line. */
int bench_render_csv(FILE *out, const struct bench_page *p, const struct render_style *style,
		     struct err *e);
/* A page with the charts and the figures, see html_page.h. */
int bench_render_html(FILE *out, const struct bench_page *p, const struct render_style *style,
		      struct err *e);
/* A self-contained picture: curves where n varies, else bars. */
int bench_render_svg(FILE *out, const struct bench_page *p, struct err *e);

/* Format to three digits with a unit: "442 ns", "5.65 ms", "51.4 k/s". 24 bytes suffice. */
char *bench_figure(char *buf, size_t size, enum bench_metric m, double value);
/* The conditions alone, without a head that says what is expected: "expected 1: one event". */
#define BENCH_CONDITIONS_TEXT (BENCH_CONDITIONS + 16)
const char *bench_conditions(const struct bench_result *r, char text[BENCH_CONDITIONS_TEXT]);
/* Format n for axes and columns: "300", "10k", "1M". */
char *bench_size(char *buf, size_t size, uint64_t n);

/* Draws the charts of one bench in a terminal: one for each metric measured at three sizes or more.
 */
void bench_charts_text(FILE *out, const struct bench_table *t, const char *bench,
		       const struct render_style *style);
/* Draws them in a page, and bars of what is not measured at several sizes. */
void bench_charts_html(const struct html *h, const struct bench_table *t, const char *bench);
/* How the figures were made: "5 interleaved rounds in a private lab; median ± half the range, in
 * %". Returns text. */
char *bench_rounds(char *text, size_t size, const struct bench_page *p);
