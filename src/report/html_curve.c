#include "report/html_curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/unit.h"
#include "epolltune/cleanup.h"
#include "report/chart.h"
#include "report/figure.h"
#include "report/markup.h"

/* The axis has its unit in its name if it counts things. */
static char *axis_format(char *text, size_t size, double value, const struct chart_axis *axis)
{
	char whole[64];
	const char *unit = unit_row_find(axis->unit)->form == UNIT_THINGS ? "" : axis->unit;
	snprintf(text, size, "%s", figure_value(whole, sizeof(whole), value, unit));
	return text;
}

/* Whether the values differ so much that a linear axis would show the largest only. */
static bool is_wide(const struct finding_curve *c)
{
	double min = INFINITY, max = 0;
	for (size_t i = 0; i < c->line_count; i++)
		for (size_t k = 0; k < c->line[i].count; k++) {
			min = fmin(min, c->line[i].at[k].x);
			max = fmax(max, c->line[i].at[k].x);
		}
	return min > 0 && max > 20 * min;
}

void html_curve(const struct html *h, const struct report *r, const struct finding *f)
{
	const struct finding_curve *c = &f->curve;
	const struct wall *w = report_find(r, f->wall);
	CLEAN(free_pointer) struct chart *chart = c->line_count ? calloc(1, sizeof(*chart)) : NULL;
	if (!chart)
		return; /* the evidence has figures */
	chart->x = (struct chart_axis){"", c->x.name, axis_format, 0, c->x.unit, !is_wide(c)};
	chart->y = (struct chart_axis){"", c->y.name, axis_format, 0, c->y.unit, true};
	report_text(chart->title, "%s", c->title);
	if (w && w->needed > 0 && !strcmp(w->unit, c->y.unit)) {
		chart->mark_name = "needed";
		chart->mark = (double)w->needed;
	}
	for (size_t i = 0; i < c->line_count; i++)
		for (size_t k = 0; k < c->line[i].count; k++) {
			double y = c->line[i].at[k].y;
			chart_add(chart, c->line[i].name, NULL, c->line[i].at[k].x, y, y, y);
		}
	fputs("<figure>\n<figcaption>", h->out);
	markup_print(h->out, "%s: %s", c->title, c->y.name);
	fputs("</figcaption>\n", h->out);
	chart_inline(h->out, chart);
	fputs("</figure>\n", h->out);
}
