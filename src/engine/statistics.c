#include "epolltune/statistics.h"
#include "epolltune/order.h"

#include <stdlib.h>

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
