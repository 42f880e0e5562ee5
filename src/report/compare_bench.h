/* compare_bench: compare the figures of two runs of bench. */
#pragma once

#include <jansson.h>

#include "report/comparison.h"

#define COMPARE_BENCH_SCHEMA "epolltune.bench/1"

/* Pairs figures of the same bench, variant, size, active and metric. A figure is better or worse if
 * the medians differ by more than COMPARE_NOISE and the ranges do not overlap, else the same. */
struct bench_comparison;

/* Returns -EBADMSG if bench did not write a document; errors name its path. */
int bench_comparison_make(struct bench_comparison **out, const json_t *const documents[2],
			  const char *const paths[2], struct err *e);
void bench_comparison_free(struct bench_comparison *c);
/* Makes what renderers print of it. The caller frees it, also after an error. */
int compare_benches(struct comparison *out, const struct bench_comparison *c, struct err *e);
/* { "results": [ { bench, variant, n, active, metric, unit, change, before, after, ratio } ] };
 * NULL if out of memory. */
json_t *bench_comparison_json(const struct bench_comparison *c);
/* An exit_status: EXIT_OK no figure is worse, EXIT_WARNING some is. */
int bench_comparison_status(const struct bench_comparison *c);
