/* When wire_limits() says that the delay wire limited a measurement. */
#include "../support/support.h"

#include <errno.h>

#include "epolltune/wire.h"

#define RTT_US 20000

/* Whether the wire is behind after the counts `after`, in either direction. */
static bool behind(struct wire_way after, uint64_t rtt_us)
{
	/* Counts before the measurement do not matter. */
	struct wire_way before = {.packets = 1000, .late = 999, .late_ns = 1u << 30, .unread = 7};
	after.packets += before.packets;
	after.late += before.late;
	after.late_ns += before.late_ns;
	after.unread += before.unread;
	struct wire_way both[2] = {before, before};
	struct wire_stats now = {.way = {before, after}}, back = {.way = {after, before}};
	bool limits = wire_limits(both, &now, rtt_us);
	assert_int_equal(wire_limits(both, &back, rtt_us), limits);
	now.ended = ECHILD;
	assert_true(wire_limits(both, &now, rtt_us));
	return limits;
}

static void a_fifth_of_the_packets_may_be_late(void **state)
{
	assert_false(behind((struct wire_way){.packets = 100, .late = 20}, RTT_US));
	assert_true(behind((struct wire_way){.packets = 100, .late = 21}, RTT_US));
	/* Too few packets for a verdict. */
	assert_false(behind((struct wire_way){.packets = 19, .late = 19}, RTT_US));
	assert_false(behind((struct wire_way){0}, RTT_US));
}

static void the_mean_delay_may_be_a_tenth_of_the_round_trip(void **state)
{
	assert_false(behind((struct wire_way){.packets = 100, .late_ns = 200000000}, RTT_US));
	assert_true(behind((struct wire_way){.packets = 100, .late_ns = 200000001}, RTT_US));
	/* The minimum is half a millisecond. */
	assert_false(behind((struct wire_way){.packets = 100, .late_ns = 50000000}, 1000));
	assert_true(behind((struct wire_way){.packets = 100, .late_ns = 50000001}, 1000));
}

static void one_packet_lost_by_the_wire_invalidates_the_result(void **state)
{
	assert_true(behind((struct wire_way){.unread = 1}, RTT_US));
	assert_true(behind((struct wire_way){.packets = 100, .overrun = 1}, RTT_US));
	assert_true(behind((struct wire_way){.packets = 100, .refused = 1}, RTT_US));
	/* Requested losses do not count. */
	assert_false(behind((struct wire_way){.packets = 100, .dropped = 9, .lost = 9}, RTT_US));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fifth_of_the_packets_may_be_late),
		cmocka_unit_test(the_mean_delay_may_be_a_tenth_of_the_round_trip),
		cmocka_unit_test(one_packet_lost_by_the_wire_invalidates_the_result),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
