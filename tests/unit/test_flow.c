/* Unit tests of flow: what is in flight, by the figures of a bulk connection. */
#include "../support/support.h"

#include "epolltune/flow.h"

static const struct {
	const char *name;
	struct flow_result result;
	double window;
} rows[] = {
	{"the rate over the round trip that the sender measures",
	 {.Bps = 1400000, .rtt_us = 250000, .window = 4000000, .in_flight = 340000},
	 350000},
	{"at its pace over the wire's, though the machine is slow",
	 {.paced = true, .Bps = 2800000, .rtt_us = 250000, .window = 4000000, .in_flight = 600000},
	 560000},
	{"no more than the receiver offers",
	 {.Bps = 1000000, .rtt_us = 300000, .window = 260000, .in_flight = 270000},
	 260000},
	{"a round trip that the data did not take makes no window",
	 {.Bps = 1745000, .rtt_us = 330000, .window = 4000000, .in_flight = 345000},
	 345000},
	{"nor does a burst of ACKs",
	 {.paced = true, .Bps = 2800000, .rtt_us = 200000, .window = 4000000, .in_flight = 345000},
	 345000},
	{"counting in samples has an error",
	 {.Bps = 1275000, .rtt_us = 280000, .window = 4000000, .in_flight = 320000},
	 357000},
};

static void test_in_flight(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		double window = flow_window(&rows[i].result, 200000);
		if (window < rows[i].window - 1 || window > rows[i].window + 1)
			fail_msg("%s: %.0f", rows[i].name, window);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_in_flight)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
