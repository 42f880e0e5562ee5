/* Figures as text, JSON, CSV and SVG, each with unit, spread and conditions. */
#include "../support/support.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "report/bench_render.h"

static struct bench_table table;
static const struct render_style plain = {.width = 80};

static unsigned pages_runs = 3;

static struct bench_page page(void)
{
	struct bench_page p = {.command = "bench",
			       .runs = pages_runs,
			       .wanted = pages_runs,
			       .table = &table,
			       .time = {1763757780, 0}};
	report_text(p.host.name, "web-1");
	report_text(p.host.kernel, "6.18.44");
	p.host.cpus = 2;
	p.host.memory_bytes = UINT64_C(25232932864);
	return p;
}

static int setup(void **state)
{
	bench_init(&table);
	for (int run_ = 0; run_ < 3; run_++) {
		for (uint64_t n = 10; n <= 1000; n *= 10) {
			bench_add(&table, "wait", "poll", n, 1, BENCH_COST, 40.0 * (double)n + run_,
				  "with \"scan\", <all>");
			bench_add(&table, "wait", "epoll-level", n, 1, BENCH_COST, 440 + run_,
				  "EPOLLIN");
		}
		bench_add(&table, "connect", "reset", 64, 64, BENCH_RATE, 61700 + run_,
			  "reset, 1 address");
		bench_add(&table, "connect", "reset", 64, 64, BENCH_CPU, 16.2, "reset, 1 address");
		bench_add(&table, "semantics", "edge-first", 0, 0, BENCH_EVENTS, 1, "1: one event");
	}
	bench_note(&table, "a note");
	return 0;
}

static char *rendered(bench_render_function render, const struct render_style *style)
{
	struct err e = {0};
	struct bench_page p = page();
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	if (render(out, &p, style, &e) < 0)
		fail_msg("%s", e.text);
	fclose(out);
	return text;
}

static void figures_have_three_digits_and_a_unit(void **state)
{
	static const struct {
		enum bench_metric metric;
		double value;
		const char *text;
	} cases[] = {
		{BENCH_COST, 442.4, "442 ns"},          {BENCH_COST, 999.6, "1.00 us"},
		{BENCH_COST, 5649907, "5.65 ms"},       {BENCH_COST, 0.5, "0.50 ns"},
		{BENCH_RATE, 51400, "51.4 k/s"},        {BENCH_RATE, 1200000, "1.20 M/s"},
		{BENCH_P99, 22.13, "22.1 us"},          {BENCH_ELAPSED, 16.04, "16.0 s"},
		{BENCH_KERNEL_MEMORY, 4126, "4.13 kB"}, {BENCH_USER_MEMORY, 12.5, "12.5 B"},
		{BENCH_EVENTS, 1024, "1024"},
	};
	char buf[32];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(bench_figure(buf, sizeof(buf), cases[i].metric, cases[i].value),
				    cases[i].text);
}

static size_t widest_line(const char *text)
{
	size_t widest = 0;
	while (*text) {
		size_t length = strcspn(text, "\n");
		widest = length > widest ? length : widest;
		text += length + (text[length] != 0);
	}
	return widest;
}

static void text_has_figures_conditions_and_notes(void **state)
{
	CLEAN(free_pointer) char *text = rendered(bench_render_text, &plain);
	assert_non_null(strstr(text, "401 ns +-0%"));
	assert_non_null(strstr(text, "441 ns +-0%"));
	assert_non_null(strstr(text, "61.7 k/s"));
	assert_non_null(strstr(text, "with \"scan\", <all>"));
	assert_non_null(strstr(text, "edge-first              1  1: one event"));
	assert_non_null(strstr(text, "- a note"));
	assert_true(widest_line(text) <= 80);
}

/* A table too wide for the terminal is split; each part repeats the sizes. */
static void wide_tables_are_split_to_fit(void **state)
{
	static const char *const variants[] = {"select",   "poll",    "epoll-level", "epoll-edge",
					       "io-uring", "another", "one-more"};
	bench_init(&table);
	for (uint64_t n = 10; n <= 100000; n *= 10)
		for (size_t v = 0; v < 7; v++)
			for (int i = 0; i < 3; i++)
				bench_add(&table, "wait", variants[v], n, v ? n : 1, BENCH_COST,
					  1000.0 * (1 + i), "test");
	for (size_t v = 0; v < 2; v++)
		for (enum bench_metric m = 0; m < BENCH_EVENTS; m++)
			for (int i = 0; i < 3; i++)
				bench_add(&table, "request", variants[v], 100, 100, m,
					  12345.0 * (1 + i), "test");
	for (unsigned width = 80; width <= 200; width += 40) {
		const struct render_style style = {.width = width};
		CLEAN(free_pointer) char *text = rendered(bench_render_text, &style);
		assert_true(widest_line(text) <= width);
		for (size_t v = 0; v < 7; v++)
			assert_non_null(strstr(text, variants[v]));
		for (enum bench_metric m = 0; m < BENCH_EVENTS; m++)
			assert_non_null(strstr(text, bench_metric_name(m)));
	}
}

/* Conditions that differ by size name the size. */
static void conditions_name_their_size(void **state)
{
	bench_add(&table, "request", "level", 100, 100, BENCH_RATE, 1e5, "many");
	bench_add(&table, "request", "level", 1, 1, BENCH_RATE, 1e5, "one");
	CLEAN(free_pointer) char *text = rendered(bench_render_text, &plain);
	assert_non_null(strstr(text, "N 100: many"));
	assert_non_null(strstr(text, "N 1: one"));
	assert_null(strstr(text, "N 10: EPOLLIN"));
}

/* Conditions that differ by metric name the metrics. */
static void conditions_name_their_metrics(void **state)
{
	bench_add(&table, "hold", "idle", 100, 0, BENCH_ELAPSED, 1, "opening");
	bench_add(&table, "hold", "idle", 100, 0, BENCH_CPU, 1, "opening");
	bench_add(&table, "hold", "idle", 100, 100, BENCH_P50, 1, "talking");
	CLEAN(free_pointer) char *text = rendered(bench_render_text, &plain);
	assert_non_null(strstr(text, "idle  elapsed, cpu: opening\n      p50: talking\n"));
}

/* A spread above 100 % is printed as a range; a single round has none. */
static void a_wide_spread_is_a_range(void **state)
{
	bench_init(&table);
	const double values[] = {91, 442, 2900};
	for (int i = 0; i < 3; i++)
		bench_add(&table, "wait", "poll", 10, 1, BENCH_COST, values[i], "test");
	CLEAN(free_pointer) char *wide = rendered(bench_render_text, &plain);
	assert_non_null(strstr(wide, "442 ns (91 ns to 2.90 us)\n"));
	assert_non_null(strstr(wide, "cost  time per operation\n"));
	assert_null(strstr(wide, "p50"));
	bench_init(&table);
	bench_add(&table, "wait", "poll", 10, 1, BENCH_COST, 442, "test");
	pages_runs = 1;
	CLEAN(free_pointer) char *single = rendered(bench_render_text, &plain);
	pages_runs = 3;
	assert_non_null(strstr(single, "442 ns\n"));
	assert_non_null(strstr(single, "one run"));
}

static void omitted_figures_are_counted(void **state)
{
	table.lost = 7;
	CLEAN(free_pointer) char *text = rendered(bench_render_text, &plain);
	assert_non_null(strstr(text, "7 figures did not fit"));
}

static void json_has_every_field(void **state)
{
	CLEAN(free_pointer) char *text = rendered(bench_render_json, &plain);
	json_t *root = json_loads(text, 0, NULL);
	assert_non_null(root);
	const char *schema, *bench, *variant, *metric, *unit, *conditions, *kernel;
	double median, min, max, sample[3];
	int n, active, runs;
	json_t *first;
	assert_int_equal(json_unpack(root, "{ss s{ss} s[o]}", "schema", &schema, "host", "kernel",
				     &kernel, "results", &first),
			 0);
	assert_string_equal(schema, "epolltune.bench/1");
	assert_int_equal(json_array_size(json_object_get(root, "results")), table.count);
	assert_int_equal(json_unpack_ex(first, NULL, JSON_STRICT,
					"{ss ss si si ss ss sF sF sF si s[FFF] ss}", "bench",
					&bench, "variant", &variant, "n", &n, "active", &active,
					"metric", &metric, "unit", &unit, "median", &median, "min",
					&min, "max", &max, "runs", &runs, "samples", &sample[0],
					&sample[1], &sample[2], "conditions", &conditions),
			 0);
	assert_string_equal(metric, "cost");
	assert_string_equal(unit, "ns");
	assert_true(median == 401 && min == 400 && max == 402 && runs == 3 && n == 10);
	assert_true(sample[0] == 400 && sample[1] == 401 && sample[2] == 402);
	json_decref(root);
}

static void csv_is_quoted(void **state)
{
	CLEAN(free_pointer) char *text = rendered(bench_render_csv, &plain);
	assert_non_null(strstr(
		text, "wait,poll,10,1,cost,ns,401,400,402,3,\"with \"\"scan\"\", <all>\"\r\n"));
	size_t lines = 0;
	for (char *p = text; (p = strstr(p, "\r\n")); p += 2)
		lines++;
	assert_int_equal(lines, table.count + 1);
}

static int svg(FILE *out, const struct bench_page *p, const struct render_style *style,
	       struct err *e)
{
	return bench_render_svg(out, p, e);
}

static size_t occurrences(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
		n++;
	return n;
}

static void svg_has_curves_and_bars(void **state)
{
	CLEAN(free_pointer) char *text = rendered(svg, &plain);
	assert_memory_equal(text, "<svg ", 5);
	assert_int_equal(occurrences(text, "<polyline"), 2);
	assert_int_equal(occurrences(text, "<circle"), 6);
	assert_int_equal(occurrences(text, "<g "), occurrences(text, "</g>"));
	assert_int_equal(occurrences(text, "<text "), occurrences(text, "</text>"));
	/* The background, and one bar per metric of connect. */
	assert_int_equal(occurrences(text, "<rect "), 3);
	assert_non_null(strstr(text, "with &quot;scan&quot;, &lt;all&gt;"));
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf"));
	assert_null(strstr(text, "http://www.w3.org/1999"));
}

static void an_empty_table_renders(void **state)
{
	bench_init(&table);
	const bench_render_function all[] = {bench_render_text, bench_render_json, bench_render_csv,
					     svg};
	for (size_t i = 0; i < 4; i++) {
		CLEAN(free_pointer) char *text = rendered(all[i], &plain);
		assert_true(strlen(text) > 10);
	}
}

/* Only wait with one ready is measured at three sizes. */
static void charts_need_three_sizes(void **state)
{
	CLEAN(free_pointer) char *text = rendered(bench_render_text, &plain);
	assert_int_equal(occurrences(text, ", one ready: "), 1);
	assert_int_equal(occurrences(text, ", all ready: "), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_have_three_digits_and_a_unit),
		cmocka_unit_test_setup(text_has_figures_conditions_and_notes, setup),
		cmocka_unit_test_setup(wide_tables_are_split_to_fit, setup),
		cmocka_unit_test_setup(conditions_name_their_size, setup),
		cmocka_unit_test_setup(conditions_name_their_metrics, setup),
		cmocka_unit_test_setup(a_wide_spread_is_a_range, setup),
		cmocka_unit_test_setup(omitted_figures_are_counted, setup),
		cmocka_unit_test_setup(json_has_every_field, setup),
		cmocka_unit_test_setup(csv_is_quoted, setup),
		cmocka_unit_test_setup(svg_has_curves_and_bars, setup),
		cmocka_unit_test_setup(an_empty_table_renders, setup),
		cmocka_unit_test_setup(charts_need_three_sizes, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
