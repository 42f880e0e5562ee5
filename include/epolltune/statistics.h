/* statistics: minimum, median and maximum of repeated measurements. */
#pragma once

#include <stddef.h>

struct spread {
	double min, median, max;
};
/* Sorts `values`. The median of an even number is the mean of the middle two. All 0 for count 0. */
struct spread spread_of(double *values, size_t count);

/* The values of one figure in each round. */
#define SERIES_MAX 64
struct series {
	size_t count;
	double at[SERIES_MAX];
};
/* Drops the value beyond SERIES_MAX. */
void series_add(struct series *s, double value);
struct spread series_spread(const struct series *s);
