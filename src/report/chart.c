#include "report/chart.h"

#include <string.h>

static struct chart_series *series_for(struct chart *c, const char *name, const char *note)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->series[i].name, name) == 0)
			return &c->series[i];
	if (c->count == CHART_SERIES)
		return NULL;
	c->series[c->count] = (struct chart_series){.name = name, .note = note};
	return &c->series[c->count++];
}

void chart_add(struct chart *c, const char *name, const char *note, double x, double y, double min,
	       double max)
{
	struct chart_series *s = series_for(c, name, note);
	if (!s || s->count == CHART_POINTS || (!c->x.linear && x <= 0) || (!c->y.linear && y <= 0))
		return;
	size_t i = s->count++;
	for (; i > 0 && s->at[i - 1].x > x; i--)
		s->at[i] = s->at[i - 1];
	s->at[i].x = x;
	s->at[i].y = y;
	s->at[i].min = min;
	s->at[i].max = max;
}

size_t chart_longest(const struct chart *c)
{
	size_t longest = 0;
	for (size_t i = 0; i < c->count; i++)
		longest = c->series[i].count > longest ? c->series[i].count : longest;
	return longest;
}
