/* Minimum, median and maximum of repeated measurements. */
#include "../support/support.h"
#include "epolltune/statistics.h"

static void spreads_are_of_sorted_values(void **state)
{
	double odd[] = {40, 10, 30, 50, 20}, even[] = {4, 1, 3, 2}, one[] = {7};
	struct spread s = spread_of(odd, 5);
	assert_true(s.min == 10 && s.median == 30 && s.max == 50);
	s = spread_of(even, 4);
	assert_true(s.min == 1 && s.median == 2.5 && s.max == 4);
	s = spread_of(one, 1);
	assert_true(s.min == 7 && s.median == 7 && s.max == 7);
	s = spread_of(NULL, 0);
	assert_true(s.min == 0 && s.median == 0 && s.max == 0);
}

static void a_series_keeps_its_order_and_bounds(void **state)
{
	struct series s = {0};
	for (int i = 0; i < SERIES_MAX + 3; i++)
		series_add(&s, 1000 - i);
	assert_int_equal(s.count, SERIES_MAX);
	struct spread spread = series_spread(&s);
	assert_true(spread.min == 1000 - (SERIES_MAX - 1) && spread.max == 1000);
	assert_true(s.at[0] == 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spreads_are_of_sorted_values),
		cmocka_unit_test(a_series_keeps_its_order_and_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
