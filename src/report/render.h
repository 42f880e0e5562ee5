/* render: one renderer a file; each turns a report into text for somebody. They know nothing of
 * probes. */
#ifndef EPOLLTUNE_RENDER_H
#define EPOLLTUNE_RENDER_H

#include <stdbool.h>
#include <stdio.h>

#include "epolltune/err.h"
#include "epolltune/report.h"

struct render_style {
	bool color;
	unsigned width; /* columns of the terminal; 80 when it is none */
	bool utf8;      /* the locale can show "→", "·", "µ" */
	bool verbose;   /* also what each wall and note is about, not only that it is */
};
/* The style that suits a stream: width by TIOCGWINSZ or COLUMNS (at least 60), utf8 by the locale.
 */
struct render_style render_style_for(FILE *stream, const char *color);

int render_text(FILE *out, const struct report *r, const struct render_style *style, struct err *e);
/* The schema epolltune.report/1, two-space indented, a newline at the end. */
int render_json(FILE *out, const struct report *r, struct err *e);
/* One line for monitoring plugins, in ASCII. */
int render_line(FILE *out, const struct report *r, const struct render_style *style, struct err *e);

/* The name of a report's format ("text", "json", "line") to its renderer; NULL if unknown. */
typedef int (*render_function)(FILE *out, const struct report *r, const struct render_style *style,
			       struct err *e);
render_function render_find(const char *format);
/* For completion and errors; the first of reports, the second of all else that is shown. */
#define RENDER_REPORT_FORMATS "text,json,line"
#define RENDER_FORMATS "text,json"

#endif
