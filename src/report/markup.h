/* markup: external text as a part of XML, HTML and SVG, none of which it can leave. */
#pragma once

#include <stddef.h>
#include <stdio.h>

/* Prints text of any length, in content or in an attribute in double quotes. Control characters and
 * what no document may have (U+FFFE, U+FFFF) become "?", invalid UTF-8 becomes U+FFFD. */
void markup_put(FILE *out, const char *text);
/* The same for the first `size` bytes, without a zero byte among them. */
void markup_part(FILE *out, const char *text, size_t size);
/* printf, with markup_put() of the whole; at most 4095 bytes. */
void markup_print(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints ` name="value"`. */
void markup_attribute(FILE *out, const char *name, const char *value);
