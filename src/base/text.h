/* text: what several rooms ask of a text. */
#pragma once

#include <stdbool.h>
#include <string.h>

/* Of ASCII, in any locale. */
static inline bool text_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline bool text_is_word(char c) { return text_is_letter(c) || (c >= '0' && c <= '9'); }
static inline bool text_is_blank(char c) { return c && strchr(" \t\n\v\f\r", c); }

/* Blanks to one space, none at the beginning and at the end. */
static inline void text_join(char *text)
{
	char *to = text;
	for (const char *c = text; *c; c++)
		if (!text_is_blank(*c))
			*to++ = *c;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	if (to > text && to[-1] == ' ')
		to--;
	*to = 0;
}

/* Whether it ends so behind something else: ".service" is no service. */
static inline bool text_ends(const char *text, size_t length, const char *end)
{
	size_t n = strlen(end);
	return length > n && !memcmp(text + length - n, end, n);
}

/* Replaces control characters but `keep` (0: none) by blanks, also those of two bytes in UTF-8. */
static inline void text_flatten(char *text, char keep)
{
	for (unsigned char *at = (unsigned char *)text; *at; at++) {
		if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
			at[0] = at[1] = ' ';
		if ((*at < ' ' || *at == 0x7f) && *at != (unsigned char)keep)
			*at = ' ';
	}
}
