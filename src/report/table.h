/* table: a table in a terminal, by libsmartcols. Columns are data; a failure is kept until the
 * table is printed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "epolltune/err.h"
#include "report/page.h"

struct libscols_table;
struct libscols_line;

enum table_align {
	TABLE_LEFT,
	TABLE_RIGHT,
	TABLE_LINES, /* a newline in a cell begins another line of it */
};

struct table_column {
	const char *head; /* NULL ends a list */
	enum table_align align;
};

struct table {
	const struct table_column *columns; /* NULL: table_column() adds them */
	/* Cells are printable text in the encoding and colours of the page. NULL: as they are,
	 * without colours. */
	const struct page *page;
	const char *gap;   /* between columns; NULL: a blank */
	const char *empty; /* printed for an empty cell; NULL: nothing */
	size_t indent;
	/* Of the columns before it the last one, TABLE_LINES, leaves that width: its texts are
	 * wrapped. 0: they are not. */
	size_t width;
	size_t spare; /* the column to leave out where the page is too narrow; 0: none */
	struct libscols_table *scols;
	struct libscols_line *line;
	size_t column_count, row_count, cell;
	bool failed;
};

/* The head of a column, in lower case if it has no other letters than capitals. Returns text. */
#define TABLE_HEAD 64
char *table_head(const struct table_column *c, char text[TABLE_HEAD]);
void table_column(struct table *t, const char *head, enum table_align align);
void table_row(struct table *t);
/* Fills the next cell of the row. */
void table_cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_cell_tone(struct table *t, enum tone tone, const char *text);
/* Prints the table, nothing without rows, and frees it. Returns 0 or -ENOMEM. */
int table_print(struct table *t, FILE *out, struct err *e);
