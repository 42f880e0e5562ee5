/* utf8: text from elsewhere (host names, counters, a captured /proc) made safe to print. */
#ifndef EPOLLTUNE_UTF8_H
#define EPOLLTUNE_UTF8_H

#include <stddef.h>

/* Copies `text`, cut at a character's end if it does not fit. Bytes that are no UTF-8 (RFC 3629: no
 * surrogates, nothing overlong) become U+FFFD. */
void utf8_copy(char *out, size_t size, const char *text);
/* The same for a terminal: control characters become "?". */
void utf8_copy_printable(char *out, size_t size, const char *text);
/* As utf8_copy_printable(), in ASCII: "→" is "->", "·" is "-", "µ" is "u" and so on; what has no
 * such form becomes "?". */
void utf8_copy_ascii(char *out, size_t size, const char *text);
/* Characters in valid UTF-8; each counts as one column. */
size_t utf8_length(const char *text);

#endif
