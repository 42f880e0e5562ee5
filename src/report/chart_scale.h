/* chart_scale: the scale of a chart's axis, and its ticks. */
#pragma once

#include "report/chart.h"

struct chart_scale {
	bool linear;
	double from, to; /* values at the ends; their logarithms if not linear */
};

/* Of all points and spreads of the chart, and of its mark. */
struct chart_scale chart_scale_x(const struct chart *c);
struct chart_scale chart_scale_y(const struct chart *c);
/* The place of a value: 0 at the begin, 1 at the end. */
double chart_scale_at(const struct chart_scale *s, double value);
/* The value of tick i (from 0); false beyond the last. */
bool chart_scale_tick(const struct chart_scale *s, unsigned i, double *value);
