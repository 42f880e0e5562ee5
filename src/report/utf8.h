/* utf8: make external text (host names, counters, a captured /proc) safe to print. */
#pragma once

#include <stddef.h>

/* Copy `text`, truncated between characters. Invalid UTF-8 (RFC 3629: also surrogates and overlong
 * forms) becomes U+FFFD. */
void utf8_copy(char *out, size_t size, const char *text);
/* utf8_copy(), with control characters replaced by "?". */
void utf8_copy_printable(char *out, size_t size, const char *text);
/* utf8_copy_printable(), in ASCII: "→" becomes "->", "·" "-", "µ" "u"; characters without such a
 * form become "?". */
void utf8_copy_ascii(char *out, size_t size, const char *text);
/* The number of characters in valid UTF-8; each counts as one column. */
size_t utf8_length(const char *text);
/* The bytes of its first characters, no more than so many columns. */
size_t utf8_cut(const char *text, size_t columns);
