/* render: write a report in a format; one file per format. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "epolltune/err.h"
#include "epolltune/report.h"

struct render_style {
	bool color;
	unsigned width; /* columns; 80 if the stream is not a terminal */
	bool utf8;      /* the locale can show "→", "·", "µ" */
	bool verbose;   /* with the details of all walls and notes */
};
/* Whether it is a terminal that has a screen, and takes more than plain lines. */
bool render_terminal(int fd);
/* The style for a stream: width by TIOCGWINSZ or COLUMNS (at least 60), utf8 by the locale.
 * `color`: "auto", "always" or "never". */
struct render_style render_style_for(FILE *stream, const char *color);

typedef int render_function(FILE *out, const struct report *r, const struct render_style *style,
			    struct err *e);
/* One renderer for each format of formats.def. Only text uses the style. json has the schema
 * epolltune.report/1, indented by two spaces, and ends with a newline; line is ASCII. Returns 0 or
 * a negative errno with e set. */
#define FORMAT(name, help) render_function render_##name;
#include "report/formats.def"
#undef FORMAT

/* Returns 0 or a negative errno: "cannot write WHAT: …". */
int render_flush(FILE *out, const char *what, struct err *e);

/* What is printed of a wall below the table: its detail, and why it was not measured; "": nothing.
 * Returns `text`. */
#define RENDER_NOTE 1024
char *render_wall_note(const struct wall *w, char text[RENDER_NOTE]);
/* "short", "short, accepted". Returns `text`. */
#define RENDER_VERDICT 32
char *render_verdict(const struct wall *w, char text[RENDER_VERDICT]);
/* That the report has no room for all; "": it has. Returns `text`. */
#define RENDER_OMITTED 96
char *render_omitted(const struct report *r, char text[RENDER_OMITTED]);

/* The renderer of a report's format; NULL if unknown. */
render_function *render_find(const char *format);
/* The formats of a report, as a list of names and as text for --help. Each array begins with a
 * separator. */
extern const char render_format_names[], render_format_help[];
#define RENDER_REPORT_FORMATS (render_format_names + 1)
#define RENDER_REPORT_FORMATS_HELP (render_format_help + 2)
/* The formats of all other output. */
#define RENDER_FORMATS "text,json"
