/* comparison: two documents side by side, as rows and lines that each format prints. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "epolltune/report.h"
#include "report/render.h"
#include "report/table.h"

#define COMPARISON_CELLS 7
#define COMPARISON_CELL 96
#define COMPARISON_NOTES 2

struct comparison_row {
	enum compare_verdict change;
	bool lost; /* it has no verdict any more, and needs one */
	char cell[COMPARISON_CELLS][COMPARISON_CELL]; /* as the columns; the last is the change */
};

/* A finding that only one of the two has, or that became graver. */
struct comparison_line {
	bool gone;
	int status; /* the exit_status that it makes */
	char id[48];
	char text[816];
};

struct comparison {
	const char *command;  /* "epolltune diff" */
	const char *names[2]; /* of the documents */
	const char *kind;     /* what a row is: "wall" */
	const struct table_column *columns;
	size_t labels; /* columns that name the row */
	bool wide;     /* a terminal separates the columns by more than a blank */
	size_t row_count, line_count;
	struct comparison_row *rows;
	struct comparison_line *lines;
	char notes[COMPARISON_NOTES][240]; /* printed last; "": none */
	json_t *conditions;                /* those that differ, see conditions.h; NULL: none */
	json_t *body;                      /* of the JSON */
	int status;                        /* an exit_status */
	time_t time;                       /* when they were compared */
};

/* Add an empty one; NULL if out of memory. */
struct comparison_row *comparison_row(struct comparison *c);
struct comparison_line *comparison_line(struct comparison *c);
void comparison_free(struct comparison *c);

typedef int comparison_render_function(FILE *out, const struct comparison *c,
				       const struct render_style *style, struct err *e);
/* One renderer for each format of comparison_formats.def. Only text uses the style. json has the
 * schema epolltune.diff/1. */
#define FORMAT(name, help) comparison_render_function comparison_render_##name;
#include "report/comparison_formats.def"
#undef FORMAT
/* The renderer of that name; NULL if unknown. */
comparison_render_function *comparison_render_find(const char *format);
/* The formats, as a list of names and as text for --help. Each begins with a separator. */
extern const char comparison_format_names[], comparison_format_help[];
#define COMPARISON_FORMATS (comparison_format_names + 1)
#define COMPARISON_FORMATS_HELP (comparison_format_help + 2)

/* "same", "better" and so on. */
const char *compare_name(enum compare_verdict v);
/* For renderers. "18 walls: 1 worse, 2 better, 15 same; 1 finding is worse"; 200
 * bytes suffice. Returns text. */
char *comparison_summary(const struct comparison *c, char *text, size_t size);
/* The name of a row: its labels. */
char *comparison_name(const struct comparison *c, const struct comparison_row *row, char *text,
		      size_t size);
enum tone comparison_tone(enum compare_verdict change);
