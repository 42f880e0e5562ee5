#include "epolltune/statistics.h"

#include <stdint.h>
#include <stdlib.h>

int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int u64_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

struct spread spread_of(double *values, size_t count)
{
	if (!count)
		return (struct spread){0};
	qsort(values, count, sizeof(*values), double_compare);
	return (struct spread){.min = values[0],
			       .median = (values[(count - 1) / 2] + values[count / 2]) / 2,
			       .max = values[count - 1]};
}

void series_add(struct series *s, double value)
{
	if (s->count < SERIES_MAX)
		s->at[s->count++] = value;
}

struct spread series_spread(const struct series *s)
{
	struct series sorted = *s;
	return spread_of(sorted.at, sorted.count);
}
