/* Which connections are repeated without the pace, and which of the repeated runs counts. */
#include "../../probes/buffers.c"
#include "../support/support.h"

#define NEEDED 1250000.0 /* 10 Mbit/s */

static const struct target target = {.rtt_us = 20000, .bandwidth_bps = 10000000};

static struct bulk bulk_at(enum buffer_side side, double Bps)
{
	return (struct bulk){.Bps = Bps,
			     .side = side,
			     .waited = 1,
			     .result = {.settled = true,
					.receiver_share = 1,
					.sender_share = 1,
					.receive_buffer = 131072,
					.send_buffer = 131072}};
}

/* Also between the need and the margin, where the pace would make a sufficient buffer tight. */
static void a_send_buffer_near_the_need_is_tried_without_the_pace(void **state)
{
	static const struct {
		double share;
		enum buffer_side side;
		bool proof, doubt, slowed;
	} rows[] = {
		{0.69, BUFFER_SEND, false, false, false},
		{0.71, BUFFER_SEND, false, false, true},
		{0.99, BUFFER_SEND, false, false, true},
		{1.01, BUFFER_SEND, false, false, true},
		{1.24, BUFFER_SEND, false, false, true},
		{1.26, BUFFER_SEND, false, false, false},
		{1.01, BUFFER_RECEIVE, false, false, false},
		{1.01, BUFFER_SEND, true, false, false},
		{1.01, BUFFER_SEND, false, true, false},
	};
	struct settings s = {0};
	s.at[BUFFER_TRIPLE][0] = 4096;
	s.at[BUFFER_TRIPLE][1] = 16384;
	s.at[BUFFER_TRIPLE][2] = 131072;
	s.at[BUFFER_SCALING][0] = s.at[BUFFER_MODERATE][0] = 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct trial t = {.target = &target, .proof = rows[i].proof};
		struct bulk b = bulk_at(rows[i].side, rows[i].share * NEEDED);
		b.behind = rows[i].doubt;
		if (bulk_slowed(&t, &s, &b) != rows[i].slowed)
			fail_msg("row %zu", i);
	}
}

static void the_median_of_the_repeated_runs_counts(void **state)
{
	struct bulk all[] = {bulk_at(BUFFER_SEND, 3), bulk_at(BUFFER_SEND, 1),
			     bulk_at(BUFFER_SEND, 2)};
	assert_true(bulk_median(all, 3)->Bps == 2);
	assert_true(bulk_median(all, 2)->Bps == 1);
	assert_true(bulk_median(all, 1)->Bps == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_send_buffer_near_the_need_is_tried_without_the_pace),
		cmocka_unit_test(the_median_of_the_repeated_runs_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
