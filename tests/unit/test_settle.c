/* How long arrivals at a queue are waited for. */
#include "base/settle.h"

#include "../support/support.h"

/* Looks until none is due, of which each sees what `arrived` says. */
static unsigned waited_ms(uint64_t (*arrived)(unsigned ms), uint64_t sent)
{
	struct settle s = {0};
	unsigned ms = 0;
	while (settle_waits(&s, arrived(ms), sent))
		ms += SETTLE_STEP_MS;
	return ms;
}

static uint64_t all(unsigned ms) { return 100; }
static uint64_t none(unsigned ms) { return 0; }
static uint64_t few(unsigned ms) { return 60; }
static uint64_t late(unsigned ms) { return ms < 2000 ? 0 : 100; }
/* A client that had no CPU, or retransmits a SYN. */
static uint64_t pauses(unsigned ms) { return ms < 1200 ? 60 : 100; }
static uint64_t trickles(unsigned ms) { return 1 + ms / 50; }

static void arrivals_that_pause_are_waited_for(void **state)
{
	static const struct {
		uint64_t (*arrived)(unsigned ms);
		unsigned min, max;
	} rows[] = {
		{all, 0, 0},
		{late, 2000, 2000},
		{pauses, 1200, 1200},
		{few, 1400, SETTLE_QUIET_MS},
		{none, SETTLE_MS - 10, SETTLE_MS},
		{trickles, SETTLE_MS - 10, SETTLE_MS},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_in_range(waited_ms(rows[i].arrived, 100), rows[i].min, rows[i].max);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrivals_that_pause_are_waited_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
