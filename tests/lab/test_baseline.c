/* The baseline: loops of blocking calls. */
#include "../support/support.h"

#include <errno.h>

#include "base/interrupt.h"
#include "bench/baseline.h"

static const struct task_context here;

static void each_loop_counts(void **state)
{
	static const struct baseline_order orders[] = {
		{.loop = BASELINE_CONNECT, .duration_us = 100000, .processes = 2, .size = 64},
		{.loop = BASELINE_CONNECT,
		 .duration_us = 100000,
		 .processes = 2,
		 .size = 64,
		 .connections = 20},
		{.loop = BASELINE_REQUEST,
		 .duration_us = 100000,
		 .processes = 2,
		 .size = 64,
		 .connections = 10},
		{.loop = BASELINE_PINGPONG, .duration_us = 100000, .processes = 1, .size = 64},
	};
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct baseline_result result;
		struct err e = {0};
		if (baseline_run(&here, &orders[i], &result, &e) < 0)
			fail_msg("loop %zu: %s", i, e.text);
		assert_true(result.done > 0 && result.rate > 0 && result.cpu_us > 0);
		assert_true(result.elapsed_s >= 0.1);
	}
}

static void hold_opens_all_connections(void **state)
{
	const struct baseline_order order = {
		.loop = BASELINE_HOLD, .connections = 501, .processes = 2};
	struct baseline_result result;
	struct err e = {0};
	if (baseline_run(&here, &order, &result, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(result.done, 501);
}

static void a_stopped_hold_is_interrupted(void **state)
{
	const struct baseline_order order = {
		.loop = BASELINE_HOLD, .connections = 501, .processes = 2};
	struct baseline_result result;
	struct err e = {0};
	interrupt_hold(0);
	raise(SIGTERM);
	assert_int_equal(baseline_run(&here, &order, &result, &e), -EINTR);
	assert_string_equal(e.text, "interrupted");
	assert_int_equal(result.done, 0);
	interrupt_hold(0);
	interrupt_release();
}

static void invalid_orders_are_refused(void **state)
{
	struct baseline_order order = {.loop = BASELINE_HOLD, .connections = 1};
	struct baseline_result result;
	struct err e = {0};
	assert_int_equal(baseline_run(&here, &order, &result, &e), -EINVAL);
	order.processes = 100000;
	assert_int_equal(baseline_run(&here, &order, &result, &e), -EINVAL);
	order = (struct baseline_order){.loop = BASELINE_CONNECT,
					.processes = 2,
					.size = 64,
					.connections = 2 * BASELINE_AT_ONCE + 1};
	assert_int_equal(baseline_run(&here, &order, &result, &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_loop_counts),
		cmocka_unit_test(hold_opens_all_connections),
		cmocka_unit_test(a_stopped_hold_is_interrupted),
		cmocka_unit_test(invalid_orders_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
