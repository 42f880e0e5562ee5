#include "report/markup.h"

#include "report/utf8.h"
#include <stdarg.h>
#include <string.h>

#define PIECE 256

static void put_clean(FILE *out, const char *clean)
{
	for (const char *c = clean; *c; c++) {
		if (!strncmp(c, "\xef\xbf\xbe", 3) || !strncmp(c, "\xef\xbf\xbf", 3)) {
			fputc('?', out);
			c += 2;
			continue;
		}
		switch (*c) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*c, out);
		}
	}
}

/* The bytes of the next piece of `size` bytes, which ends between characters. */
static size_t piece_length(const char *text, size_t size)
{
	if (size <= PIECE)
		return size;
	size_t end = PIECE;
	while (end > PIECE - 4 && ((unsigned char)text[end] & 0xc0) == 0x80)
		end--;
	return end;
}

void markup_put(FILE *out, const char *text) { markup_part(out, text, strlen(text)); }

void markup_part(FILE *out, const char *text, size_t size)
{
	while (size) {
		char raw[PIECE + 1], clean[3 * PIECE + 1];
		size_t length = piece_length(text, size);
		memcpy(raw, text, length);
		raw[length] = 0;
		utf8_copy_printable(clean, sizeof(clean), raw);
		put_clean(out, clean);
		text += length;
		size -= length;
	}
}

void markup_print(FILE *out, const char *fmt, ...)
{
	char text[4096];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	markup_put(out, text);
}

void markup_attribute(FILE *out, const char *name, const char *value)
{
	fprintf(out, " %s=\"", name);
	markup_put(out, value);
	fputc('"', out);
}
