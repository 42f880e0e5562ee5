#include "report/utf8.h"

#include <stdint.h>
#include <string.h>

/* The length of the UTF-8 character at `text`; 0 if invalid. */
static size_t character(const unsigned char *text, uint32_t *code)
{
	static const uint32_t min[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = text[0] < 0x80             ? 1
			: (text[0] & 0xe0) == 0xc0 ? 2
			: (text[0] & 0xf0) == 0xe0 ? 3
			: (text[0] & 0xf8) == 0xf0 ? 4
						   : 0;
	if (length < 2) {
		*code = text[0];
		return length;
	}
	*code = text[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (text[i] & 0x3f);
	}
	if (*code < min[length] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return length;
}

static const struct {
	const char *from, *to;
} ascii_forms[] = {
	{"→", "->"}, {"←", "<-"},  {"↑", "^"},  {"↓", "v"},  {"·", "-"},  {"µ", "u"},
	{"–", "-"},  {"—", "-"},   {"×", "x"},  {"≥", ">="}, {"≤", "<="}, {"≈", "~"},
	{"±", "+-"}, {"…", "..."}, {"“", "\""}, {"”", "\""}, {"’", "'"},
};

static const char *ascii_form(const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof(ascii_forms) / sizeof(ascii_forms[0]); i++)
		if (strlen(ascii_forms[i].from) == length &&
		    memcmp(ascii_forms[i].from, text, length) == 0)
			return ascii_forms[i].to;
	return "?";
}

enum keep { KEEP_ALL, KEEP_PRINTABLE, KEEP_ASCII };

static void copy(char *out, size_t size, const char *text, enum keep keep)
{
	size_t used = 0;
	while (*text) {
		uint32_t code;
		size_t length = character((const unsigned char *)text, &code);
		const char *from = text;
		text += length ? length : 1;
		if (length == 0) {
			from = keep == KEEP_ASCII ? "?" : "\xef\xbf\xbd";
			length = strlen(from);
		} else if (keep != KEEP_ALL && (code < 0x20 || (code >= 0x7f && code < 0xa0))) {
			from = "?";
			length = 1;
		} else if (keep == KEEP_ASCII && code >= 0x80) {
			from = ascii_form(from, length);
			length = strlen(from);
		}
		if (used + length >= size)
			break;
		memcpy(out + used, from, length);
		used += length;
	}
	out[used] = 0;
}

void utf8_copy(char *out, size_t size, const char *text) { copy(out, size, text, KEEP_ALL); }

void utf8_copy_printable(char *out, size_t size, const char *text)
{
	copy(out, size, text, KEEP_PRINTABLE);
}

void utf8_copy_ascii(char *out, size_t size, const char *text)
{
	copy(out, size, text, KEEP_ASCII);
}

size_t utf8_length(const char *text)
{
	size_t length = 0;
	for (; *text; text++)
		length += ((unsigned char)*text & 0xc0) != 0x80;
	return length;
}

size_t utf8_cut(const char *text, size_t columns)
{
	size_t length = 0;
	for (; text[length]; length++)
		if (((unsigned char)text[length] & 0xc0) != 0x80 && !columns--)
			break;
	return length;
}
