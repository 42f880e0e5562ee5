/* watch: what is watched, as a screen, as lines, as JSON and as metrics. */
#pragma once

#include <stdio.h>

#include "epolltune/err.h"
#include "epolltune/watch.h"
#include "report/render.h"

struct watch_view {
	unsigned height; /* lines, at least 1 */
	size_t selected; /* index into watch.nearest */
	size_t top; /* the first row that is shown; watch_screen() moves it to the selected one */
	size_t head,
		head_width; /* lines above the table, and the width that they are for; begin at 0 */
	const char *state;  /* behind the time: "every 1 s", "paused" */
	const char *keys;   /* the last line; NULL: none */
};
/* Writes at most `height` lines of at most style.width columns, without a newline at the end. */
void watch_screen(FILE *out, const struct watch *w, struct watch_view *v,
		  const struct render_style *style);
/* Writes a line of the nearest wall, and one of each other wall that is short. Where the server
 * that was named does not listen, a line of that is first, and that of the nearest wall follows
 * only if it asks. */
void watch_lines(FILE *out, const struct watch *w, const struct render_style *style);
/* Writes a look as one exposition of Prometheus or OpenMetrics, and flushes it. */
int watch_metrics(FILE *out, const struct watch *w, bool openmetrics, struct err *e);

#define WATCH_SCHEMA "epolltune.watch/1"
/* Writes a look as one line of JSON. */
void watch_json(FILE *out, const struct watch *w);
/* Reads such a line. -EBADMSG: it is none; the error has no prefix. */
int watch_parse(const char *line, size_t length, struct watch_sample *out, struct err *e);
