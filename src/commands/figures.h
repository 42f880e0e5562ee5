/* figures: the output of commands that measure speed. */
#pragma once

#include "commands/command.h"
#include "epolltune/host.h"
#include "report/bench_render.h"

/* Where to, and how. */
struct figures_options {
	const char *format, *output, *color;
};

/* clang-format off */
#define FIGURES_OPTIONS(type, figures) \
	{"format", "FORMAT", "", OPTION_AT(type, figures.format), TEXT(BENCH_RENDER_FORMATS)}, \
	OUTPUT_OPTION("figures", OPTION_AT(type, figures.output)), \
	COLOR_OPTION(OPTION_AT(type, figures.color))
/* clang-format on */

/* Refuses a file that could not be written, before anything is measured. */
int figures_check(const struct figures_options *f, struct err *e);
/* Completes the page by time and host, and writes it. */
int figures_write(const struct figures_options *f, struct bench_page *page, const struct host *h,
		  struct err *e);
