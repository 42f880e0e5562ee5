/* similar: how much the spelling of two names is alike, for "did you mean". */
#pragma once

#include <stdbool.h>

/* Names of this length and longer are like no other. */
#define SIMILAR_MAX 64

/* How much a name's spelling is like a text's: 0 if not. One edit, and one more for every four
 * letters, are alike. Pure. */
unsigned similar(const char *name, const char *text);
/* Whether one letter is missing, added, another, or swapped with the next one. Pure. */
bool similar_by_one(const char *name, const char *text);
