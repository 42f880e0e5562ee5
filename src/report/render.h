/* render: one file a format; each writes a report for its reader and depends on no probe. */
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

typedef int render_function(FILE *out, const struct report *r, const struct render_style *style,
			    struct err *e);
/* One for each format of formats.def. Only text follows the style. json is the schema
 * epolltune.report/1, indented by two spaces, with a newline at the end; line is ASCII. */
#define FORMAT(name, help) render_function render_##name;
#include "report/formats.def"
#undef FORMAT

/* The renderer of a report's format; NULL if unknown. */
render_function *render_find(const char *format);
/* The formats of a report, for completion and errors, and as --help describes them. Each array
 * begins with a separator. */
extern const char render_format_names[], render_format_help[];
#define RENDER_REPORT_FORMATS (render_format_names + 1)
#define RENDER_REPORT_FORMATS_HELP (render_format_help + 2)
/* The formats of all other output. */
#define RENDER_FORMATS "text,json"

#endif
