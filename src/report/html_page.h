/* html_page: an HTML document in one file: without scripts, without anything from elsewhere, for
 * screens of any width, light and dark, and for paper. All texts are external: none is markup.
 *
 * The elements are closed as in XML, so that a parser of either kind reads them. */
#pragma once

#include <stdio.h>
#include <time.h>

#include "report/page.h"
#include "report/table.h"

struct html {
	FILE *out;
	struct page page;                  /* for texts that page_segment() makes */
	const struct table_column *column; /* of the table that is open: of the next cell */
	const struct table_column *columns;
};

/* Prints everything up to the first heading: what it is ("epolltune check"), and its name, which
 * may be "". */
struct html html_begin(FILE *out, const char *what, const char *name);
/* Prints when it was made, by which version. */
void html_end(const struct html *h, time_t when);

/* An element with text, with a class or NULL. Empty texts print nothing. */
void html_element(const struct html *h, const char *element, const char *class, const char *text);
/* Text in an element that the caller has opened: numbers and units stay together. */
void html_text(const struct html *h, const char *text);
/* Code, which may break behind dots and hyphens. */
void html_code(const struct html *h, const char *text);
/* Lines of a file or of a terminal, as they are. */
void html_lines(const struct html *h, const char *text);
/* A line of parts, as a paragraph; see head.h. */
void html_segments(const struct page *p, enum tone tone, size_t indent, const char *separator,
		   const struct page_segments *s);
/* The class of a tone. */
const char *html_tone(enum tone tone);

/* A table; of heads in capitals only the first letter stays one. `caption` is for screen readers.
 * The first cell of a row is its head. */
void html_table(struct html *h, const char *caption, const struct table_column *columns);
void html_row(struct html *h);
void html_cell(struct html *h, enum tone tone, const char *text);
void html_cell_code(struct html *h, const char *text);
void html_table_end(struct html *h);
