/* metrics: families of metrics as Prometheus reads them: text 0.0.4, for the textfile collector of
 * node_exporter, or OpenMetrics 1.0. Each family once, without timestamps of samples; an unknown
 * quantity has no sample. */
#ifndef EPOLLTUNE_METRICS_H
#define EPOLLTUNE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "epolltune/report.h"

/* A value has at most 255 bytes, and 510 escaped: enough for seven labels. */
#define METRICS_LABELS 4096

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_INFO };

/* What is written; begins with `out` and `openmetrics`. */
struct metrics {
	FILE *out;
	bool openmetrics;
	const char *name, *suffix; /* of the present family */
	size_t used;               /* bytes of the labels of the present sample */
	char labels[METRICS_LABELS];
};

/* Begins a family; its name without "_total" and "_info". */
void metrics_family(struct metrics *m, const char *name, enum metric_type type, const char *help);
/* A sample is any number of labels, external text also, and a value. */
void metrics_label(struct metrics *m, const char *name, const char *value);
void metrics_flag(struct metrics *m, const char *name, bool is);
void metrics_count(struct metrics *m, int64_t value);
/* Also infinite; prints 15 digits. */
void metrics_number(struct metrics *m, double value);
/* The label "unit" and the amount, in Prometheus' base unit where there is one. */
void metrics_quantity(struct metrics *m, const char *unit, int64_t amount);
/* A sample for each verdict, the label "verdict": 1 for `is`, 0 for others. */
void metrics_verdicts(struct metrics *m, enum wall_verdict is);
/* Ends the exposition. */
void metrics_end(struct metrics *m);

#endif
