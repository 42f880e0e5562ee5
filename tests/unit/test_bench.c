/* The table of measured figures: medians, spread, crossings; it loses nothing silently. */
#include "../support/support.h"

#include <math.h>
#include <string.h>

#include "bench/metrics.h"

static struct bench_table table;

static int setup(void **state)
{
	bench_init(&table);
	return 0;
}

static void point(const char *variant, uint64_t n, uint64_t active, double value)
{
	bench_add(&table, "wait", variant, n, active, BENCH_COST, value, "test");
}

static void the_median_follows_each_sample(void **state)
{
	const double values[] = {5, 1, 4, 2};
	const double medians[] = {5, 3, 4, 3};
	for (size_t i = 0; i < 4; i++) {
		point("poll", 10, 1, values[i]);
		const struct bench_result *r =
			bench_find(&table, "wait", "poll", 10, 1, BENCH_COST);
		assert_non_null(r);
		assert_int_equal(r->runs, i + 1);
		assert_true(r->median == medians[i]);
	}
	assert_int_equal(table.count, 1);
	assert_true(table.at[0].min == 1 && table.at[0].max == 5);
	assert_string_equal(table.at[0].conditions, "test");
}

static void series_that_differ_in_one_key_stay_apart(void **state)
{
	point("poll", 10, 1, 1);
	point("poll", 10, 10, 2);
	point("poll", 100, 1, 3);
	point("select", 10, 1, 4);
	bench_add(&table, "wait", "poll", 10, 1, BENCH_P50, 5, "other");
	bench_add(&table, "control", "poll", 10, 1, BENCH_COST, 6, "other");
	assert_int_equal(table.count, 6);
	assert_null(bench_find(&table, "wait", "poll", 11, 1, BENCH_COST));
}

static void figures_beyond_the_capacity_are_counted_as_lost(void **state)
{
	for (unsigned i = 0; i < BENCH_RESULTS + 3; i++)
		point("poll", i + 1, 1, 1);
	assert_int_equal(table.count, BENCH_RESULTS);
	assert_int_equal(table.lost, 3);
	for (unsigned i = 1; i < BENCH_RUNS; i++)
		point("poll", 1, 1, 1);
	assert_int_equal(table.lost, 3);
	point("poll", 1, 1, 1);
	assert_int_equal(table.lost, 4);
}

static void the_last_note_says_that_more_were_omitted(void **state)
{
	for (unsigned i = 0; i < BENCH_NOTES; i++)
		bench_note(&table, "note %u", i);
	bench_note(&table, "note %u", 3u);
	assert_int_equal(table.note_count, BENCH_NOTES);
	assert_int_equal(table.lost, 0);
	bench_note(&table, "one more");
	assert_int_equal(table.lost, 0);
	assert_string_equal(table.notes[BENCH_NOTES - 1], "further notes omitted");
}

/* Ratios are taken round by round; rounds that contradict each other give none. */
static void a_ratio_is_taken_round_by_round(void **state)
{
	const double a[] = {10, 20, 40}, b[] = {10, 10, 10, 10};
	char text[48];
	for (size_t i = 0; i < 4; i++) {
		point("slow", 1, 1, b[i]);
		if (i < 3)
			point("fast", 1, 1, a[i] / (double)(1u << i) + (double)i);
		if (i < 3)
			point("wild", 1, 1, a[i]);
	}
	const struct bench_result *slow = bench_find(&table, "wait", "slow", 1, 1, BENCH_COST);
	const struct bench_result *fast = bench_find(&table, "wait", "fast", 1, 1, BENCH_COST);
	const struct bench_result *wild = bench_find(&table, "wait", "wild", 1, 1, BENCH_COST);
	struct bench_ratio r = bench_ratio(fast, slow);
	assert_int_equal(r.rounds, 3);
	assert_string_equal(bench_ratio_text(text, sizeof(text), &r), "1.10 (1.00 to 1.20)");
	r = bench_ratio(wild, slow);
	assert_string_equal(bench_ratio_text(text, sizeof(text), &r), "too noisy (1.00 to 4.00)");
	r = bench_ratio(NULL, slow);
	assert_int_equal(r.rounds, 0);
	r = bench_ratio_of(a, 1);
	assert_string_equal(bench_ratio_text(text, sizeof(text), &r), "10.00 (one round)");
}

static double crossing(bool all)
{
	return bench_crossing(&table, "wait", "poll", "epoll", all, BENCH_COST).at;
}

static void curves_cross_between_two_sizes(void **state)
{
	assert_true(isnan(crossing(false)));
	/* Sizes come in any order; poll grows with n, epoll does not: they meet at 31.6. */
	const uint64_t sizes[] = {1000, 10, 100, 1};
	for (size_t i = 0; i < 4; i++) {
		point("poll", sizes[i], 1, (double)sizes[i] * 10);
		point("epoll", sizes[i], 1, 316.2);
	}
	assert_true(fabs(crossing(false) - 31.6) < 0.5);
	assert_true(isnan(bench_crossing(&table, "wait", "nobody", "epoll", false, BENCH_COST).at));
}

static void one_outlier_does_not_move_a_crossing(void **state)
{
	/* One outlier at the smallest size does not make poll more expensive at every size. */
	const double poll[] = {1.05, 0.7, 0.7, 0.8, 1.4, 3};
	for (unsigned i = 0; i < 6; i++) {
		point("poll", 1u << i, 1, poll[i]);
		point("epoll", 1u << i, 1, 1);
	}
	assert_true(crossing(false) > 8 && crossing(false) < 16);
}

/* Single rounds may cross at another size, or at none. */
static void a_crossing_has_a_range_over_the_rounds(void **state)
{
	const double poll[3][2] = {{1, 3}, {1, 4}, {2.5, 5}};
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < 2; i++) {
			point("poll", i ? 100 : 1, 1, poll[round][i]);
			point("epoll", i ? 100 : 1, 1, 2);
		}
	struct bench_crossing c =
		bench_crossing(&table, "wait", "poll", "epoll", false, BENCH_COST);
	assert_true(fabs(c.at - 10) < 0.1);
	assert_true(c.min == 0);
	assert_true(c.max > 18 && c.max < 19.5);
}

static void a_curve_may_be_cheaper_at_every_size_or_at_none(void **state)
{
	for (unsigned i = 2; i < 6; i++) {
		point("poll", i, 1, 1);
		point("epoll", i, 1, 2);
		point("poll", i + 10, i + 10, 2);
		point("epoll", i + 10, i + 10, 1);
	}
	assert_true(isinf(crossing(false)));
	assert_true(crossing(true) == 0);
}

static void every_bench_and_variant_is_found_by_its_name(void **state)
{
	struct err e = {0};
	for (int m = 0; m < BENCH_METRICS; m++) {
		assert_non_null(bench_metric_name((enum bench_metric)m));
		assert_non_null(bench_metric_unit((enum bench_metric)m));
	}
	for (size_t i = 0; i < bench_count(); i++)
		assert_ptr_equal(bench_named(bench_at(i)->name), bench_at(i));
	assert_null(bench_named("nobody"));
	const struct bench *const some[] = {bench_named("wait"), bench_named("control")};
	assert_int_equal(bench_check_variants("poll,epoll-edge,churn", some, 2, &e), 0);
	assert_true(bench_check_variants("poll,epol", some, 2, &e) < 0);
	assert_non_null(strstr(e.text, "\"epol\""));
	assert_true(bench_check_variants("epol", some + 1, 1, &e) < 0);
	assert_non_null(strstr(e.text, "it has add,modify,"));
	assert_true(bench_check_variants("", some, 2, &e) < 0);
	assert_true(bench_check_variants("poll,", some, 2, &e) < 0);
	assert_true(bench_check_variants("poll,reset", some, 2, &e) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_median_follows_each_sample, setup),
		cmocka_unit_test_setup(series_that_differ_in_one_key_stay_apart, setup),
		cmocka_unit_test_setup(figures_beyond_the_capacity_are_counted_as_lost, setup),
		cmocka_unit_test_setup(the_last_note_says_that_more_were_omitted, setup),
		cmocka_unit_test_setup(a_ratio_is_taken_round_by_round, setup),
		cmocka_unit_test_setup(curves_cross_between_two_sizes, setup),
		cmocka_unit_test_setup(one_outlier_does_not_move_a_crossing, setup),
		cmocka_unit_test_setup(a_crossing_has_a_range_over_the_rounds, setup),
		cmocka_unit_test_setup(a_curve_may_be_cheaper_at_every_size_or_at_none, setup),
		cmocka_unit_test(every_bench_and_variant_is_found_by_its_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
