#include "report/chart_scale.h"

#include <math.h>

#define STEPS 4 /* ticks of a linear axis, about */

static void take(struct chart_scale *s, double value)
{
	if (!s->linear && value <= 0)
		return;
	double at = s->linear ? value : log10(value);
	s->from = fmin(s->from, at);
	s->to = fmax(s->to, at);
}

/* 1, 2 or 5 times a power of ten. */
static double step_of(const struct chart_scale *s)
{
	double rough = (s->to - s->from) / STEPS, power = pow(10, floor(log10(rough)));
	double digits = rough / power;
	return power * (digits <= 1 ? 1 : digits <= 2 ? 2 : digits <= 5 ? 5 : 10);
}

static struct chart_scale empty(const struct chart_axis *axis)
{
	return (struct chart_scale){axis->linear, axis->linear ? 0 : INFINITY,
				    axis->linear ? 0 : -INFINITY};
}

/* An axis has an extent, also without points. */
static void widen(struct chart_scale *s)
{
	if (!isfinite(s->from) || !isfinite(s->to))
		s->from = s->to = 0;
	if (s->to <= s->from)
		s->to = s->from + 1;
}

struct chart_scale chart_scale_x(const struct chart *c)
{
	struct chart_scale s = empty(&c->x);
	for (size_t i = 0; i < c->count; i++)
		for (size_t k = 0; k < c->series[i].count; k++)
			take(&s, c->series[i].at[k].x);
	widen(&s);
	return s;
}

struct chart_scale chart_scale_y(const struct chart *c)
{
	struct chart_scale s = empty(&c->y);
	for (size_t i = 0; i < c->count; i++)
		for (size_t k = 0; k < c->series[i].count; k++) {
			take(&s, c->series[i].at[k].y);
			take(&s, c->series[i].at[k].min);
			take(&s, c->series[i].at[k].max);
		}
	if (c->mark_name)
		take(&s, c->mark);
	if (!s.linear) {
		s.from = floor(s.from);
		s.to = ceil(s.to);
	}
	widen(&s);
	if (s.linear)
		s.to = ceil(s.to / step_of(&s)) * step_of(&s);
	return s;
}

double chart_scale_at(const struct chart_scale *s, double value)
{
	double at = s->linear ? value : value > 0 ? log10(value) : s->from;
	return (at - s->from) / (s->to - s->from);
}

bool chart_scale_tick(const struct chart_scale *s, unsigned i, double *value)
{
	double step = s->linear ? step_of(s) : 1;
	double at = (ceil(s->from / step) + i) * step;
	*value = s->linear ? at : pow(10, at);
	return at <= s->to + step * 1e-6;
}
