/* What a connection of the server of check --run shows about its send buffer. */
#include "../../probes/throughput.c"
#include "../support/support.h"
#include "../support/verdict.h"

#define NEEDED 1250000 /* 10 Mbit/s */
#define WINDOW_B (NEEDED / 20)

static void only_a_full_send_buffer_is_the_servers(void **state)
{
	/* Over 50 ms; the growth in 250 ms. */
	static const struct {
		const char *name;
		uint64_t received, busy_us, window_us, buffer_us;
		uint32_t buffer, grown;
		bool behind, hidden, limit_met;
		const char *why; /* "": conclusive */
	} rows[] = {
		{"carries it", 10 * WINDOW_B, 250000, 0, 0, 262144, 0, false, false, false, ""},
		{"carries it behind time", 10 * WINDOW_B, 250000, 0, 0, 262144, 0, true, false,
		 false, ""},
		{"a small buffer", 5 * 8192, 250000, 0, 200000, 8192, 0, false, false, true, ""},
		{"a small buffer behind time", 5 * 8192, 250000, 0, 200000, 8192, 0, true, false,
		 true, ""},
		{"a large buffer behind time", 5 * 8192, 250000, 0, 200000, 1 << 20, 0, true, false,
		 true, "the wire was the limit"},
		{"a buffer that grew", 5 * 8192, 250000, 0, 200000, 65536, 8192, false, false,
		 false, "its send buffer was not the limit"},
		{"a server without CPU time", 5 * 8192, 60000, 0, 50000, 8192, 0, false, false,
		 false, "had nothing to send"},
		{"a client without CPU time", 5 * 8192, 250000, 200000, 0, 262144, 0, false, false,
		 false, "the receive window of the test client"},
		{"congestion control", 5 * 8192, 250000, 0, 0, 262144, 0, false, false, false,
		 "congestion control"},
		{"not visible", 5 * 8192, 0, 0, 0, 0, 0, false, true, false, "not visible"},
	};
	const struct target target = {.rtt_us = 50000, .bandwidth_bps = NEEDED * 8};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct outcome out = {.state = OUTCOME_CONCLUSIVE};
		struct moment_seen begin = {.us = 1000000,
					    .received = 77,
					    .busy_us = 500000,
					    .buffer = rows[i].buffer - rows[i].grown,
					    .connected = !rows[i].hidden},
				   end = begin;
		end.us += 250000;
		end.received += rows[i].received;
		end.busy_us += rows[i].busy_us;
		end.window_us += rows[i].window_us;
		end.buffer_us += rows[i].buffer_us;
		end.buffer += rows[i].grown;
		throughput_judge(&target, &begin, &end, rows[i].behind, NEEDED, &out);
		bool known = !rows[i].why[0];
		if ((out.state == OUTCOME_CONCLUSIVE) != known ||
		    out.limit_met != rows[i].limit_met || (!known && !strstr(out.why, rows[i].why)))
			fail_msg("%s: state %d, limit met %d, %s", rows[i].name, out.state,
				 out.limit_met, out.why);
	}
}

/* Of a server that answers one request after the other. */
static void small_replies_one_by_one_lack_nothing_of_the_server(void **state)
{
	static const struct {
		uint64_t received, replies, busy_us;
		uint32_t unsent;
		bool hidden, idle;
	} rows[] = {
		{5 * 85, 5, 100, 0, false, true},
		{10 * 60000, 10, 60000, 0, false, true},
		/* All that it had was under way. */
		{5 * 85, 5, 250000, 0, false, true},
		{5 * 85, 5, 250000, 85, false, false},
		/* One reply fills the path, with the margin. */
		{5 * 80000, 5, 100, 0, false, false},
		/* No reply was whole: nothing is known of their size. */
		{5 * 85, 0, 100, 0, false, false},
		{5 * 85, 5, 0, 0, true, false},
	};
	const struct target target = {.rtt_us = 50000, .bandwidth_bps = NEEDED * 8};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct moment_seen begin = {.us = 7, .connected = !rows[i].hidden}, end = begin;
		end.us += 250000;
		end.received += rows[i].received;
		end.replies += rows[i].replies;
		end.busy_us += rows[i].busy_us;
		end.unsent = rows[i].unsent;
		if (is_idle_between(&target, &begin, &end) != rows[i].idle)
			fail_msg("row %zu", i);
	}
}

/* What was slow for another reason is unknown; a reply that is too small for the path is n/a.
 */
static void an_unexplained_throughput_is_unknown(void **state)
{
	struct target t = target_default();
	struct settings s = verdict_settings(&experiments[0], "");
	struct outcome o = verdict_outcome(REPORT_NONE, false);
	outcome_inconclusive(&o, "this machine is too busy");
	const struct report *r = verdict_of(&experiments[0], &t, &s, &o);
	assert_int_equal(r->walls[0].verdict, VERDICT_UNKNOWN);
	assert_string_equal(r->walls[0].reason, "this machine is too busy");
	assert_int_equal(r->finding_count, 0);
	assert_int_equal(report_exit_status(r), 3);
	o = verdict_outcome(REPORT_NONE, false);
	outcome_unneeded(&o, "replies of 2 B do not fill the path");
	r = verdict_of(&experiments[0], &t, &s, &o);
	assert_int_equal(r->walls[0].verdict, VERDICT_NA);
	assert_int_equal(r->walls[0].experiment, EXPERIMENT_NONE);
	assert_non_null(strstr(r->walls[0].detail, "replies of 2 B do not fill the path"));
}

static void a_huge_target_is_refused_without_overflow(void **state)
{
	struct lab_options lab = {0};
	const struct target huge = {.rtt_us = 3600000000, .bandwidth_bps = UINT64_MAX};
	const struct settings none = {0};
	assert_non_null(throughput_refuses(&huge));
	throughput_shape(&huge, &lab);
	assert_int_equal(lab.rtt_us, RTT_MAX_US);
	assert_true(lab.bandwidth_bps == PACE * WINDOW_MAX * 8 * 1000000 / RTT_MAX_US);
	assert_true(throughput_cost(&huge, &none, NULL).bytes_per_s ==
		    PACE * WINDOW_MAX * 1000000 / RTT_MAX_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_full_send_buffer_is_the_servers),
		cmocka_unit_test(small_replies_one_by_one_lack_nothing_of_the_server),
		cmocka_unit_test(an_unexplained_throughput_is_unknown),
		cmocka_unit_test(a_huge_target_is_refused_without_overflow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
