/* compare: two reports side by side. */
#ifndef EPOLLTUNE_COMPARE_H
#define EPOLLTUNE_COMPARE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "report/render.h"

enum compare_verdict {
	COMPARE_SAME,
	COMPARE_BETTER, /* by its verdict: ok before tight before short */
	COMPARE_WORSE,
	COMPARE_MOVED,   /* the verdict stands, the figure moved by more than COMPARE_NOISE */
	COMPARE_UNKNOWN, /* one of the two could not be told */
	COMPARE_NEW,     /* in the second report only */
	COMPARE_GONE,    /* in the first only */
};

/* What a figure differs between two runs without a reason, in parts of it. */
#define COMPARE_NOISE 0.05

/* "same", "better" and so on. */
const char *compare_name(enum compare_verdict v);
/* A wall of the two reports; before or after is NULL where it is in one only. */
enum compare_verdict compare_wall(const struct wall *before, const struct wall *after);
/* 0 no wall is worse, 1 one became tight, 2 one became short: an exit status. */
int compare_status(const struct report *before, const struct report *after);

int compare_text(FILE *out, const struct report *before, const struct report *after,
		 const struct render_style *style, struct err *e);
/* { "walls": [ { name, unit, change, before: { verdict, value }, after: … } ],
 *   "findings": { "gone": [ id … ], "new": [ id … ] } }; NULL without memory. */
json_t *compare_json(const struct report *before, const struct report *after);

#endif
