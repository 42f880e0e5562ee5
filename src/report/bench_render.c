#include "report/bench_render.h"

#include <math.h>
#include <string.h>

static const struct {
	const char *name;
	bench_render_function render;
} formats[] = {
#define FORMAT(name) {#name, bench_render_##name},
#include "report/bench_formats.def"
#undef FORMAT
};

const char bench_format_names[] =
#define FORMAT(name) "," #name
#include "report/bench_formats.def"
#undef FORMAT
	;

bench_render_function bench_render_find(const char *format)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, format) == 0)
			return formats[i].render;
	return NULL;
}

char *bench_rounds(char *text, size_t size, const struct bench_page *p)
{
	const char *where = p->host.isolation == ISOLATION_LAB ? "in a private lab"
							       : "in the calling namespace";
	if (p->wanted == 1)
		snprintf(text, size, "one run %s, so figures have no spread", where);
	else if (p->runs == 1)
		snprintf(text, size, "1 of %u rounds %s, so figures have no spread", p->wanted,
			 where);
	else if (p->runs < p->wanted)
		snprintf(text, size,
			 "%u of %u interleaved rounds %s; median ± half the range, in %%", p->runs,
			 p->wanted, where);
	else
		snprintf(text, size, "%u interleaved rounds %s; median ± half the range, in %%",
			 p->runs, where);
	return text;
}

#define TIMES                                                                                      \
	{                                                                                          \
		" ns", " us", " ms", " s"                                                          \
	}
#define SIZES                                                                                      \
	{                                                                                          \
		" B", " kB", " MB", " GB"                                                          \
	}
/* The units of each metric, in steps of a thousand, and how many of the first its own unit is. */
static const struct {
	const char *units[4];
	double base;
} families[BENCH_METRICS] = {
	[BENCH_RATE] = {{"/s", " k/s", " M/s", " G/s"}, 1},
	[BENCH_P50] = {TIMES, 1e3},
	[BENCH_P99] = {TIMES, 1e3},
	[BENCH_COST] = {TIMES, 1},
	[BENCH_CPU] = {TIMES, 1e3},
	[BENCH_SERVER_CPU] = {TIMES, 1e3},
	[BENCH_ELAPSED] = {TIMES, 1e9},
	[BENCH_USER_MEMORY] = {SIZES, 1},
	[BENCH_KERNEL_MEMORY] = {SIZES, 1},
	[BENCH_EVENTS] = {{"", "", "", ""}, 1},
};

const char *bench_conditions(const struct bench_result *r, char text[BENCH_CONDITIONS_TEXT])
{
	snprintf(text, BENCH_CONDITIONS_TEXT, "%s%s", r->metric == BENCH_EVENTS ? "expected " : "",
		 r->conditions);
	return text;
}

char *bench_figure(char *buf, size_t size, enum bench_metric m, double value)
{
	double v = value * families[m].base;
	unsigned step = 0;
	if (m == BENCH_EVENTS) {
		snprintf(buf, size, "%.0f", v);
		return buf;
	}
	for (; step < 3 && fabs(v) >= 999.5; step++)
		v /= 1000;
	int decimals = fabs(v) >= 99.95 || (step == 0 && v == rint(v)) ? 0
		       : fabs(v) >= 9.995                              ? 1
								       : 2;
	snprintf(buf, size, "%.*f%s", decimals, v, families[m].units[step]);
	return buf;
}

char *bench_size(char *buf, size_t size, uint64_t n)
{
	if (n >= 1000000 && n % 100000 == 0)
		snprintf(buf, size, "%gM", (double)n / 1e6);
	else if (n >= 1000 && n % 100 == 0)
		snprintf(buf, size, "%gk", (double)n / 1e3);
	else
		snprintf(buf, size, "%llu", (unsigned long long)n);
	return buf;
}
