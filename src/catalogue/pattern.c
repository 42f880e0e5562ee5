/* Patterns of the rows that an operator's text is compared with. */
#include <ctype.h>
#include <string.h>

#include "epolltune/catalogue.h"

static bool same(char pattern, char text)
{
	return tolower((unsigned char)pattern) == tolower((unsigned char)text) ||
	       (pattern == '.' && text == '/');
}

/* Whether a part of a pattern is at `at`, a place in `text`. */
static bool part_is_at(const char *part, size_t length, const char *text, const char *at)
{
	for (size_t i = 0; i < length; i++)
		if (!same(part[i], at[i]))
			return false;
	return !(at > text && pattern_word(at[-1]) && pattern_word(part[0])) &&
	       !(pattern_word(at[length]) && pattern_word(part[length - 1]));
}

size_t pattern_find(const char *pattern, const char *text)
{
	size_t fixed = 0;
	/* The first place of each part leaves the most for those that follow. */
	for (const char *at = text; *pattern; pattern += *pattern == '*') {
		size_t length = strcspn(pattern, "*");
		while (length && *at && !part_is_at(pattern, length, text, at))
			at++;
		if (length && !*at)
			return 0;
		at += length;
		pattern += length;
		fixed += length;
	}
	return fixed;
}
