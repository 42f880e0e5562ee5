#include "report/table.h"

#include <ctype.h>
#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "report/utf8.h"

#define WRAPPED_MIN 20 /* columns that a wrapped cell gets at least */

char *table_head(const struct table_column *c, char text[TABLE_HEAD])
{
	bool lower = false;
	snprintf(text, TABLE_HEAD, "%s", c->head);
	for (const char *letter = text; *letter; letter++)
		lower |= islower((unsigned char)*letter) != 0;
	for (char *letter = text; *letter && !lower; letter++)
		*letter = (char)tolower((unsigned char)*letter);
	return text;
}

static bool begin(struct table *t)
{
	if (t->scols || t->failed)
		return !t->failed;
	t->scols = scols_new_table();
	t->failed = !t->scols || (t->gap && scols_table_set_column_separator(t->scols, t->gap));
	if (t->failed)
		return false;
	scols_table_enable_colors(t->scols, t->page && t->page->color);
	scols_table_set_termforce(t->scols, SCOLS_TERMFORCE_NEVER);
	for (const struct table_column *c = t->columns; c && c->head; c++)
		table_column(t, c->head, c->align);
	return !t->failed;
}

void table_column(struct table *t, const char *head, enum table_align align)
{
	static const int flags[] = {
		[TABLE_LEFT] = 0, [TABLE_RIGHT] = SCOLS_FL_RIGHT, [TABLE_LINES] = SCOLS_FL_WRAP};
	if (!begin(t))
		return;
	struct libscols_column *column = scols_table_new_column(t->scols, head, 0, flags[align]);
	t->column_count++;
	t->failed = !column;
	if (column && align == TABLE_LINES)
		t->failed = scols_column_set_safechars(column, "\n") ||
			    scols_column_set_wrapfunc(column, scols_wrapnl_chunksize,
						      scols_wrapnl_nextchunk, NULL);
}

void table_row(struct table *t)
{
	t->cell = 0;
	t->row_count++;
	if (begin(t))
		t->failed = !(t->line = scols_table_new_line(t->scols, NULL));
}

static struct libscols_cell *put(struct table *t, const char *text)
{
	char printable[PAGE_TEXT];
	if (t->failed)
		return NULL;
	if (t->page) {
		page_text(t->page, printable, sizeof(printable), "%s", text);
		text = printable;
	}
	t->failed = scols_line_set_data(t->line, t->cell, *text || !t->empty ? text : t->empty);
	return t->failed ? NULL : scols_line_get_cell(t->line, t->cell++);
}

void table_cell(struct table *t, const char *fmt, ...)
{
	CLEAN(free_pointer) char *text = NULL;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0) {
		text = NULL;
		t->failed = true;
	}
	va_end(args);
	if (text)
		put(t, text);
}

void table_cell_tone(struct table *t, enum tone tone, const char *text)
{
	struct libscols_cell *cell = put(t, text);
	if (cell && t->page && t->page->color && tone != TONE_PLAIN)
		t->failed = scols_cell_set_color(cell, page_tone(tone)) != 0;
}

static const char *cell_at(const struct table *t, size_t row, size_t column)
{
	struct libscols_line *line = scols_table_get_line(t->scols, row);
	const char *text = scols_cell_get_data(scols_line_get_cell(line, column));
	return text ? text : "";
}

static size_t column_width(const struct table *t, size_t column)
{
	struct libscols_column *c = scols_table_get_column(t->scols, column);
	size_t width = utf8_length(scols_cell_get_data(scols_column_get_header(c)));
	for (size_t row = 0; row < t->row_count; row++) {
		size_t length = utf8_length(cell_at(t, row, column));
		width = length > width ? length : width;
	}
	return width;
}

/* Replaces blanks by newlines, so that only longer words exceed the width. */
static void wrap(char *text, size_t width)
{
	char *line = text, *blank = NULL;
	for (char *at = text; *at; at++) {
		if (*at == ' ')
			blank = at;
		if ((size_t)(at - line) >= width && blank) {
			*blank = '\n';
			line = blank + 1;
			blank = NULL;
		}
	}
}

static void wrap_last(struct table *t)
{
	size_t taken = 0, last = t->column_count - 1;
	for (size_t c = 0; c < last; c++)
		taken += column_width(t, c) + 1;
	size_t width = t->width > taken + WRAPPED_MIN ? t->width - taken : WRAPPED_MIN;
	for (size_t row = 0; row < t->row_count && !t->failed; row++) {
		char *text = strdup(cell_at(t, row, last));
		struct libscols_line *line = scols_table_get_line(t->scols, row);
		if (text)
			wrap(text, width);
		/* The line owns the text from here on. */
		t->failed = !text || scols_line_refer_data(line, last, text);
	}
}

static bool exceeds_page(const struct table *t)
{
	size_t gap = t->gap ? strlen(t->gap) : 1, taken = t->indent;
	for (size_t c = 0; c < t->column_count; c++)
		taken += column_width(t, c) + (c ? gap : 0);
	return taken > t->page->width;
}

int table_print(struct table *t, FILE *out, struct err *e)
{
	CLEAN(free_pointer) char *text = NULL;
	if (t->spare && t->row_count && !t->failed && exceeds_page(t))
		t->failed = scols_column_set_flags(scols_table_get_column(t->scols, t->spare),
						   SCOLS_FL_HIDDEN) != 0;
	if (t->width && t->row_count && !t->failed)
		wrap_last(t);
	if (t->row_count && !t->failed)
		t->failed = scols_print_table_to_string(t->scols, &text) != 0;
	scols_unref_table(t->scols);
	t->scols = NULL;
	if (t->failed)
		return err_set(e, ENOMEM, "out of memory for a table");
	char *rest = text;
	for (char *line; (line = strsep(&rest, "\n"));)
		fprintf(out, "%*s%s\n", (int)t->indent, "", line);
	return 0;
}
