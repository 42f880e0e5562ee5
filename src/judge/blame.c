#include "judge/blame.h"
#include "epolltune/order.h"

#include <stdlib.h>

/* Counters are not read at one moment, and stray packets are few: such a part is next to none. */
#define PART 10

static int by_drops(const void *a, const void *b)
{
	const struct dropper *x = a, *y = b;
	return x->drops != y->drops ? ORDER(y->drops, x->drops) : ORDER(x->at, y->at);
}

size_t droppers_blame(struct dropper *droppers, size_t count, uint64_t lost)
{
	uint64_t blamed = 0, others = 0;
	size_t n = 0;
	if (!count || !lost)
		return 0;
	qsort(droppers, count, sizeof(*droppers), by_drops);
	while (n < count && blamed * PART < lost * (PART - 1))
		blamed += droppers[n++].drops;
	for (size_t i = n; i < count; i++)
		others += droppers[i].drops;
	return blamed * PART < lost * (PART - 1) || others * PART > lost ? 0 : n;
}

size_t droppers_blame_twice(struct dropper *droppers, size_t count, uint64_t lost)
{
	uint64_t all = 0;
	size_t n = 0;
	for (size_t i = 0; i < count; i++)
		all += droppers[i].drops;
	if (!lost || all * PART < lost * (2 * PART - 1) || all * PART > lost * (2 * PART + 1))
		return 0;
	qsort(droppers, count, sizeof(*droppers), by_drops);
	while (n < count && droppers[n].drops * PART > lost)
		n++;
	return n;
}
