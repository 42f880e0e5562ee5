#include "report/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "catalogue/unit.h"
#include "report/utf8.h"

/* What both formats have of a family, and only OpenMetrics names in # TYPE without its suffix. */
static const struct {
	const char *text, *openmetrics, *suffix;
} types[] = {
	[METRIC_GAUGE] = {"gauge", "gauge", ""},
	[METRIC_COUNTER] = {"counter", "counter", "_total"},
	[METRIC_INFO] = {"gauge", "info", "_info"},
};

void metrics_family(struct metrics *m, const char *name, enum metric_type type, const char *help)
{
	m->name = name;
	m->suffix = types[type].suffix;
	m->used = 0;
	const char *suffix = m->openmetrics ? "" : m->suffix;
	fprintf(m->out, "# HELP %s%s %s\n", name, suffix, help);
	fprintf(m->out, "# TYPE %s%s %s\n", name, suffix,
		m->openmetrics ? types[type].openmetrics : types[type].text);
}

void metrics_label(struct metrics *m, const char *name, const char *value)
{
	char clean[256];
	utf8_copy_printable(clean, sizeof(clean), value);
	char *to = m->labels + m->used;
	to = stpcpy(stpcpy(stpcpy(to, m->used ? "," : ""), name), "=\"");
	for (const char *c = clean; *c; c++) {
		if (*c == '\\' || *c == '"')
			*to++ = '\\';
		*to++ = *c;
	}
	m->used = (size_t)(stpcpy(to, "\"") - m->labels);
}

void metrics_flag(struct metrics *m, const char *name, bool is)
{
	metrics_label(m, name, is ? "true" : "false");
}

static void sample_begin(struct metrics *m)
{
	if (m->used)
		fprintf(m->out, "%s%s{%s} ", m->name, m->suffix, m->labels);
	else
		fprintf(m->out, "%s%s ", m->name, m->suffix);
	m->used = 0;
}

void metrics_count(struct metrics *m, int64_t value)
{
	sample_begin(m);
	fprintf(m->out, "%" PRId64 "\n", value);
}

void metrics_number(struct metrics *m, double value)
{
	sample_begin(m);
	if (isinf(value))
		fputs(value > 0 ? "+Inf\n" : "-Inf\n", m->out);
	else
		fprintf(m->out, "%.15g\n", value);
}

void metrics_quantity(struct metrics *m, const char *unit, int64_t amount)
{
	const struct unit_row *row = unit_row_find(unit);
	metrics_label(m, "unit", row->base ? row->base : unit);
	metrics_number(m, amount > INT64_MAX / 2 ? INFINITY : (double)amount * row->scale);
}

void metrics_verdicts(struct metrics *m, enum wall_verdict is)
{
	size_t others = m->used;
	for (int v = VERDICT_OK; v <= VERDICT_NA; v++) {
		m->used = others;
		metrics_label(m, "verdict", wall_verdict_name((enum wall_verdict)v));
		metrics_count(m, (int)is == v);
	}
}

void metrics_end(struct metrics *m)
{
	if (m->openmetrics)
		fputs("# EOF\n", m->out);
}
