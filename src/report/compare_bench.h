/* compare_bench: the figures of two runs of bench side by side. */
#ifndef EPOLLTUNE_COMPARE_BENCH_H
#define EPOLLTUNE_COMPARE_BENCH_H

#include <jansson.h>
#include <stdio.h>

#include "report/render.h"

#define COMPARE_BENCH_SCHEMA "epolltune.bench/1"

/* Figures of the same bench, variant, size, active and metric. Better or worse is what differs by
 * more than COMPARE_NOISE and lies outside of the other's spread; anything else is the same. */
struct bench_comparison;

/* -EBADMSG when a document is not as bench writes it; `path` names them in errors. */
int bench_comparison_make(struct bench_comparison **out, const json_t *const documents[2],
			  const char *const paths[2], struct err *e);
void bench_comparison_free(struct bench_comparison *c);
int bench_comparison_text(const struct bench_comparison *c, FILE *out,
			  const struct render_style *style, struct err *e);
/* { "results": [ { bench, variant, n, active, metric, unit, change, before, after, ratio } ] } */
json_t *bench_comparison_json(const struct bench_comparison *c);
/* 0 nothing is worse, 1 something is: an exit status. */
int bench_comparison_status(const struct bench_comparison *c);

#endif
