/* statistics: what repeated measurements of one figure show. */
#ifndef EPOLLTUNE_STATISTICS_H
#define EPOLLTUNE_STATISTICS_H

#include <stddef.h>

struct spread {
	double min, median, max;
};
/* Sorts `values`. Of an even number the median is the mean of the middle two; all 0 without any. */
struct spread spread_of(double *values, size_t count);

/* For qsort() of doubles, and of structs whose first member is a double. */
int double_compare(const void *a, const void *b);

/* One figure, round by round. */
#define SERIES_MAX 64
struct series {
	size_t count;
	double at[SERIES_MAX];
};
/* Drops what does not fit. */
void series_add(struct series *s, double value);
struct spread series_spread(const struct series *s);

#endif
