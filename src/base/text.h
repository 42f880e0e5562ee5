/* text: what several rooms ask of a text. */
#pragma once

#include <stdbool.h>
#include <string.h>

/* Whether it ends so behind something else: ".service" is no service. */
static inline bool text_ends(const char *text, size_t length, const char *end)
{
	size_t n = strlen(end);
	return length > n && !memcmp(text + length - n, end, n);
}
