/* compare: compare two reports. */
#pragma once

#include <stdio.h>

#include "report/comparison.h"
#include "report/render.h"

/* An exit_status: EXIT_OK nothing is worse; EXIT_WARNING a wall became tight, or a warning is new
 * that makes the verdict by itself; EXIT_CRITICAL the same of short and critical, where an accepted
 * wall counts as ok; EXIT_UNKNOWN a wall that the target needs, or the report, has no verdict any
 * more. */
int compare_status(const struct report *before, const struct report *after);

/* The rate at which the rounds after `r` compare latencies, half of what it measured. 0: it has
 * none; then its own latencies, at another rate than theirs, are unknown from now on. */
uint64_t compare_rate(struct report *r);

/* Joins the rounds of one command in the first of them: each wall is that of the round with the
 * median figure, with the range of all. One that not every round has measured, or without figures
 * judged differently, is unknown. Its findings are those that most rounds have. `count` is odd, at
 * most COMPARE_ROUNDS: by chance alone the ranges of five runs each do not overlap in 1 of 126
 * cases. */
#define COMPARE_ROUNDS 5
void compare_rounds(struct report *rounds, size_t count);

/* Whether a wall that asks, and had no verdict before, is worse: so that a difference does not pass
 * unseen, but not where the change of a run is judged, which need not be its cause. */
enum compare_purpose { COMPARE_TO_DIFF, COMPARE_TO_PROVE };

/* Makes the comparison of two reports, which must outlive it. The caller frees it, also after an
 * error, and may name its documents and set its conditions. Its status is compare_status(). */
int compare_reports(struct comparison *c, const struct report *before, const struct report *after,
		    enum compare_purpose purpose, struct err *e);
/* Prints it as text. */
int compare_text(FILE *out, const struct report *before, const struct report *after,
		 enum compare_purpose purpose, const struct render_style *style, struct err *e);
/* { "walls": [ { name, unit, change, before: { verdict, value, accepted }, after: … } ],
 *   "findings": { "gone": [ id … ], "new": [ id … ], "worse": [ { id, level } … ] } }; NULL if out
 * of memory. */
json_t *compare_json(const struct report *before, const struct report *after,
		     enum compare_purpose purpose);
