#include "report/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

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

/* Units of walls in base units, as Prometheus wants them. */
static const struct {
	const char *unit, *base;
	double scale;
} units[] = {
	{"B", "bytes", 1},
	{"B/s", "bytes_per_second", 1},
	{"us", "seconds", 1e-6},
	{"%", "ratio", 1e-2},
	{"accepts/s", "accepts_per_second", 1},
	{"connects/s", "connects_per_second", 1},
};

void metrics_quantity(struct metrics *m, const char *unit, int64_t amount)
{
	const char *base = unit;
	double scale = 1;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(units[i].unit, unit)) {
			base = units[i].base;
			scale = units[i].scale;
		}
	metrics_label(m, "unit", base);
	metrics_number(m, amount > INT64_MAX / 2 ? INFINITY : (double)amount * scale);
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
