/* page: lay out text: wrap, colour, and fall back to ASCII. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "report/render.h"

#define PAGE_TEXT 2048 /* longest paragraph: all fields of a finding together */

struct page {
	FILE *out;
	unsigned width;
	bool color, utf8, verbose;
};

enum tone { TONE_PLAIN, TONE_BOLD, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_FAINT };

struct page page_open(FILE *out, const struct render_style *style);
/* What separates the columns of the page's main table. */
const char *page_gap(const struct page *p);
/* The escape sequence of a tone; "" for TONE_PLAIN. */
const char *page_tone(enum tone tone);
void page_put(const struct page *p, enum tone tone, const char *text);
/* A verdict as a table prints it, and its tone. */
const char *page_verdict(enum wall_verdict v);
enum tone page_verdict_tone(enum wall_verdict v);
/* The tone of a wall's: none where it is accepted. */
enum tone page_wall_tone(const struct wall *w);
/* printf into printable text, in ASCII unless the page is UTF-8. */
void page_text(const struct page *p, char *out, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Whether a line may end at a blank of the text: not inside "10 000" or "100 Mbit/s". */
bool page_may_break(const char *text, const char *blank);
/* Wrap and print text from page_text(). The first line starts at column `first`, the others at
 * `indent`. Ends with a newline unless the text is empty. */
void page_wrap(const struct page *p, enum tone tone, size_t first, size_t indent, const char *text);
/* page_text() and page_wrap() in one; prints nothing for an empty field. */
void page_paragraph(const struct page *p, enum tone tone, size_t indent, const char *field);

/* The same behind a label, which ends at column `first`; ends with a newline even if the field is
 * empty. */
void page_labelled(const struct page *p, size_t first, size_t indent, const char *field);

#define PAGE_SEGMENTS 8

/* Parts of a line; lines break between parts where possible. */
struct page_segments {
	size_t count;
	size_t hang; /* further indentation of all lines but the first */
	char at[PAGE_SEGMENTS][160];
};
void page_segment(const struct page *p, struct page_segments *s, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void page_segments(const struct page *p, enum tone tone, size_t indent, const char *separator,
		   const struct page_segments *s);
