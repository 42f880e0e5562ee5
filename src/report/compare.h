/* compare: compare two reports. */
#ifndef EPOLLTUNE_COMPARE_H
#define EPOLLTUNE_COMPARE_H

#include <stdbool.h>
#include <stdio.h>

#include "report/json_value.h"
#include "report/render.h"

enum compare_verdict {
	COMPARE_SAME,
	COMPARE_BETTER, /* by verdict: ok, tight, short */
	COMPARE_WORSE,
	COMPARE_MOVED,   /* same verdict, figure changed by more than COMPARE_NOISE */
	COMPARE_UNKNOWN, /* one of the two has no verdict, or only a bound */
	COMPARE_NEW,     /* only in the second report */
	COMPARE_GONE,    /* only in the first report */
};

/* The relative difference between two runs that counts as noise. */
#define COMPARE_NOISE 0.05

/* "same", "better" and so on. */
const char *compare_name(enum compare_verdict v);
/* Compare a wall of two reports; `before` or `after` is NULL if that report lacks it. */
enum compare_verdict compare_wall(const struct wall *before, const struct wall *after);
/* Exit status: 0 no wall is worse, 1 one became tight, 2 one became short. */
int compare_status(const struct report *before, const struct report *after);

int compare_text(FILE *out, const struct report *before, const struct report *after,
		 const struct render_style *style, struct err *e);
/* { "walls": [ { name, unit, change, before: { verdict, value }, after: … } ],
 *   "findings": { "gone": [ id … ], "new": [ id … ] } }; NULL if out of memory. */
json_t *compare_json(const struct report *before, const struct report *after);

#endif
