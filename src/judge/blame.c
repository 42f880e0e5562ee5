#include "judge/blame.h"
#include "epolltune/order.h"

#include <stdlib.h>

bool blame_is_little(uint64_t part, uint64_t of) { return part * BLAME_PART <= of; }

static uint64_t less_of(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t distance(uint64_t a, uint64_t b) { return a < b ? b - a : a - b; }

/* What it dropped while it was not seen full: maybe other packets. */
static uint64_t unseen(const struct dropper *d) { return d->drops - d->full; }

static int by_unseen(const void *a, const void *b)
{
	const struct dropper *x = a, *y = b;
	return unseen(x) != unseen(y) ? ORDER(unseen(y), unseen(x)) : ORDER(x->at, y->at);
}

size_t droppers_blame(struct dropper *droppers, size_t count, uint64_t lost)
{
	uint64_t left = lost, others = 0;
	size_t n = 0;
	if (!count || !lost)
		return 0;
	qsort(droppers, count, sizeof(*droppers), by_unseen);
	for (; n < count && !blame_is_little(left, lost); n++)
		left -= less_of(unseen(&droppers[n]), left);
	for (size_t i = n; i < count; i++)
		others += unseen(&droppers[i]);
	return blame_is_little(left, lost) && blame_is_little(others, lost) ? n : 0;
}

/* False: none is named, as where their drops are not nearly twice the overflows. */
static bool settle_twice(struct dropper *droppers, size_t count, uint64_t overflows)
{
	uint64_t all = 0;
	bool named = false;
	for (size_t i = 0; i < count; i++)
		all += droppers[i].drops;
	if (!blame_is_little(distance(all, 2 * overflows), overflows))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (blame_is_little(droppers[i].drops, overflows))
			continue;
		droppers[i].lost = (droppers[i].drops + 1) / 2;
		named = true;
	}
	return named;
}

/* What none of the others can have dropped. Returns how many of `lost` are left; all are if some
 * are of a listener that is not seen. */
static uint64_t settle_rest(struct dropper *droppers, size_t count, uint64_t lost)
{
	uint64_t all = 0, left = lost;
	for (size_t i = 0; i < count; i++)
		all += unseen(&droppers[i]);
	if (!blame_is_little(lost - less_of(all, lost), lost))
		return lost;
	for (size_t i = 0; i < count; i++) {
		uint64_t own = lost - less_of(all - unseen(&droppers[i]), lost);
		if (blame_is_little(own, lost))
			continue;
		own = less_of(own, unseen(&droppers[i]));
		droppers[i].lost += own;
		left -= less_of(own, left);
	}
	return left;
}

uint64_t droppers_settle(struct dropper *droppers, size_t count, uint64_t overflows)
{
	uint64_t left = overflows;
	for (size_t i = 0; i < count; i++) {
		droppers[i].lost = droppers[i].full;
		left -= less_of(droppers[i].full, left);
	}
	/* Counters that are not read at one moment differ by as much. */
	if (blame_is_little(left, overflows))
		left = 0;
	if (left && settle_twice(droppers, count, overflows)) {
		left = 0;
	} else if (left) {
		size_t named = droppers_blame(droppers, count, left);
		for (size_t i = 0; i < named; i++)
			droppers[i].lost += less_of(unseen(&droppers[i]), left);
		left = named ? 0 : settle_rest(droppers, count, left);
	}
	for (size_t i = 0; overflows && i < count; i++)
		droppers[i].lost = less_of(droppers[i].lost, overflows);
	return left;
}
