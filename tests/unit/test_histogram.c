#include "../support/support.h"
#include "epolltune/histogram.h"
#include "epolltune/order.h"

#include <stdlib.h>
#include <string.h>

static struct histogram h, other;

static int reset(void **state)
{
	memset(&h, 0, sizeof(h));
	memset(&other, 0, sizeof(other));
	return 0;
}

static void empty_is_zero(void **state)
{
	assert_int_equal(histogram_quantile(&h, 0.5), 0);
	assert_int_equal(histogram_quantile(&h, 1.0), 0);
}

static void every_value_is_reported_within_a_percent(void **state)
{
	for (unsigned bit = 0; bit < 64; bit++)
		for (int64_t off = -3; off <= 3; off++) {
			uint64_t value = (UINT64_C(1) << bit) * 3 / 2 + (uint64_t)off;
			reset(NULL);
			histogram_add(&h, value);
			histogram_add(&h, UINT64_MAX);
			uint64_t reported = histogram_quantile(&h, 0.5);
			assert_true(reported >= value);
			assert_true(reported - value <= value / 128);
			assert_true(histogram_quantile(&h, 1.0) == UINT64_MAX);
		}
}

static void quantiles_of_a_long_tail_are_within_a_percent(void **state)
{
	enum { N = 20000 };
	static uint64_t values[N];
	uint64_t seed = 42;
	for (size_t i = 0; i < N; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		values[i] = 1000 + (seed >> 40) % (UINT64_C(1) << (seed >> 33) % 30);
		histogram_add(i % 2 ? &h : &other, values[i]);
	}
	histogram_merge(&h, &other);
	assert_int_equal(h.total, N);
	qsort(values, N, sizeof(values[0]), u64_compare);
	assert_int_equal(histogram_quantile(&h, 1.0), values[N - 1]);
	static const double shares[] = {0, 0.001, 0.07, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999};
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		double exact = shares[i] * (double)N;
		size_t rank = (size_t)(exact + 0.999999);
		uint64_t value = values[rank ? rank - 1 : 0];
		uint64_t reported = histogram_quantile(&h, shares[i]);
		assert_true(reported >= value &&
			    (double)(reported - value) <= 0.01 * (double)value);
	}
}

static void small_ranks_are_exact(void **state)
{
	for (uint64_t i = 1; i <= 100; i++)
		histogram_add(&h, i);
	assert_int_equal(histogram_quantile(&h, 0.07), 7);
	assert_int_equal(histogram_quantile(&h, 0.5), 50);
	assert_int_equal(histogram_quantile(&h, 0.505), 51);
	assert_int_equal(histogram_quantile(&h, 0.99), 99);
	assert_int_equal(histogram_quantile(&h, 1.0), 100);
	assert_int_equal(histogram_quantile(&h, -1), 1);
	assert_int_equal(histogram_quantile(&h, 2), 100);
}

static void many_equal_values_count_at_once(void **state)
{
	histogram_add(&h, 1);
	histogram_add_many(&h, 1000000, 0);
	assert_int_equal(histogram_quantile(&h, 1.0), 1);
	histogram_add_many(&h, 100, 1000000000);
	assert_int_equal(h.total, 1000000001);
	assert_int_equal(histogram_quantile(&h, 0.5), 100);
	assert_int_equal(histogram_quantile(&h, 1.0), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(empty_is_zero, reset),
		cmocka_unit_test_setup(every_value_is_reported_within_a_percent, reset),
		cmocka_unit_test_setup(quantiles_of_a_long_tail_are_within_a_percent, reset),
		cmocka_unit_test_setup(small_ranks_are_exact, reset),
		cmocka_unit_test_setup(many_equal_values_count_at_once, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
