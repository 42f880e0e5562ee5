#include "catalogue/similar.h"

#include <stddef.h>
#include <string.h>

/* Edit distance with swaps of neighbours (optimal string alignment); a and b are shorter than
 * SIMILAR_MAX. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][SIMILAR_MAX + 1] = {{0}};
	size_t *before = rows[0], *last = rows[1], *row = rows[2], length = strlen(b);
	for (size_t j = 0; j <= length; j++)
		last[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		size_t *spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[length];
}

unsigned similar(const char *name, const char *text)
{
	size_t length = strlen(text), allowed = 2 + length / 4;
	if (length == 0 || length >= SIMILAR_MAX || strlen(name) >= SIMILAR_MAX)
		return 0;
	size_t d = distance(text, name);
	/* A substring, such as "somaxconn" of "net.core.somaxconn", counts as one edit. */
	if (d > 1 && length >= 3 && strstr(name, text))
		d = 1;
	return d < allowed ? (unsigned)(allowed - d) : 0;
}

bool similar_by_one(const char *name, const char *text)
{
	size_t a = strlen(name), b = strlen(text);
	if (a >= SIMILAR_MAX || b >= SIMILAR_MAX || a > b + 1 || b > a + 1)
		return false;
	return distance(text, name) == 1;
}
