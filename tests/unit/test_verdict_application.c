/* What connections to the server of check --run show. */
#include "../../probes/application.c"
#include "../support/support.h"
#include "../support/verdict.h"

static void memory_is_that_of_more_connections(void **state)
{
	static const uint64_t KB = 1024, MB = 1 << 20;
	const struct {
		const char *name;
		struct guest_weight_level at[6];
		size_t count;
		uint64_t each;
		bool bound;
	} rows[] = {
		{"a runtime that warms up",
		 {{0, 20 * MB},
		  {64, 60 * MB},
		  {128, 60 * MB + 640 * KB},
		  {256, 62 * MB},
		  {300, 63 * MB}},
		 5,
		 (63 * MB - 60 * MB - 640 * KB) / (300 - 128),
		 false},
		{"the last one was half way",
		 {{0, 1 * MB}, {64, 2 * MB}, {128, 3 * MB}},
		 3,
		 1 * MB / 64,
		 false},
		{"no growth above the noise: at most with the warm-up",
		 {{0, 1 * MB}, {64, 2 * MB}, {128, 2 * MB + 60 * KB}},
		 3,
		 (1 * MB + 60 * KB) / 128,
		 true},
		{"the memory fell",
		 {{0, 1 * MB}, {64, 3 * MB}, {128, 2 * MB}},
		 3,
		 1 * MB / 128,
		 true},
		{"below what it had at its start: the noise",
		 {{0, 4 * MB}, {64, 3 * MB}, {128, 2 * MB}},
		 3,
		 65536 / 128,
		 true},
		{"its limit came before a part was read",
		 {{0, 1 * MB}, {64, 2 * MB}, {100, 3 * MB}},
		 3,
		 2 * MB / 100,
		 true},
		{"a part is of enough connections",
		 {{0, 1 * MB}, {4, 2 * MB}, {100, 3 * MB}},
		 3,
		 2 * MB / 100,
		 true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool bound;
		struct guest_weight w = {.count = rows[i].count};
		memcpy(w.at, rows[i].at, sizeof(rows[i].at));
		uint64_t each = guest_hold_own_bytes(&w, &bound);
		if (each != rows[i].each || bound != rows[i].bound)
			fail_msg("%s: %llu, not %llu; bound %d", rows[i].name,
				 (unsigned long long)each, (unsigned long long)rows[i].each, bound);
	}
}

static void a_unix_socket_is_not_reset(void **state)
{
	static const struct {
		enum guest_end end;
		bool local;
		const char *text;
	} rows[] = {
		{GUEST_HELD_RESET, false, "With 0 connections open, the next one was reset."},
		{GUEST_HELD_RESET, true,
		 "With 0 connections open, the next one was closed before its request was read."},
		{GUEST_HELD_REFUSED, true, "With 0 connections open, the next one was refused."},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct guest_hold hold = {.held.end = rows[i].end};
		char text[160];
		guest_hold_text(&hold, rows[i].local, false, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
}

/* A limit ends both attempts at about the same number. */
static void a_silence_comes_again_where_a_limit_is(void **state)
{
	static const struct {
		struct guest_held first, again;
		bool same;
	} rows[] = {
		{{.count = 100, .end = GUEST_HELD_SILENT},
		 {.count = 100, .end = GUEST_HELD_SILENT},
		 true},
		{{.count = 100, .end = GUEST_HELD_SILENT},
		 {.count = 91, .end = GUEST_HELD_QUEUED},
		 true},
		{{.count = 90, .end = GUEST_HELD_SILENT},
		 {.count = 100, .end = GUEST_HELD_SILENT},
		 true},
		{{.count = 89, .end = GUEST_HELD_SILENT},
		 {.count = 100, .end = GUEST_HELD_SILENT},
		 false},
		{{.count = 100, .end = GUEST_HELD_QUEUED},
		 {.count = 89, .end = GUEST_HELD_QUEUED},
		 false},
		{{.count = 1, .end = GUEST_HELD_SILENT},
		 {.count = 2, .end = GUEST_HELD_SILENT},
		 false},
		{{.end = GUEST_HELD_SILENT}, {.end = GUEST_HELD_SILENT}, true},
		{{.count = 100, .end = GUEST_HELD_SILENT},
		 {.count = 100, .end = GUEST_HELD_SLOW},
		 false},
		{{0}, {.end = GUEST_HELD_SILENT}, false}, /* none was before */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (guest_hold_same(&rows[i].first, &rows[i].again) != rows[i].same)
			fail_msg("row %zu", i);
}

/* Nothing is known of the limits of one that has not started. */
static void a_server_that_serves_nobody_has_no_limit(void **state)
{
	struct outcome out = {0};
	struct guest_hold hold = {0};
	assert_false(guest_hold_unserved(&hold, &out));
	assert_int_equal(out.state, OUTCOME_CONCLUSIVE);
	hold.unserved = true;
	assert_true(guest_hold_unserved(&hold, &out));
	assert_int_equal(out.state, OUTCOME_INCONCLUSIVE);
	assert_string_equal(out.why, "the server did not serve its first client within 10 s: check "
				     "--protocol and --path, or what it waits for");
}

/* The open loop has what the server holds, and a churn what it does not turn away. */
static void no_more_are_active_than_it_holds(void **state)
{
	static const struct {
		struct guest_held hold;
		uint64_t talk, churn; /* with an accept queue of 512 */
	} rows[] = {
		{{0}, TALKING, TALKING}, /* not tried */
		{{.count = 38}, 38, TALKING},
		{{.count = 100}, TALKING, TALKING},
		{{.count = 20, .end = GUEST_HELD_ERROR}, 20, 19},
		{{.count = 1, .end = GUEST_HELD_RESET}, 1, 1},
		{{.count = 0, .end = GUEST_HELD_REFUSED}, 1, 1},
		{{.count = 1, .end = GUEST_HELD_QUEUED}, 1, TALKING}, /* others wait */
		{{.count = 1, .end = GUEST_HELD_SILENT}, 1, TALKING},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(talking(&rows[i].hold), rows[i].talk);
		assert_int_equal(churn_active(&rows[i].hold, 512), rows[i].churn);
	}
	assert_int_equal(churn_active(&rows[0].hold, 6), 3);
	assert_int_equal(churn_active(&rows[0].hold, 1), 1);
}

/* Not one that a slow machine or a short time explains. */
static void only_what_the_server_did_accuses_it(void **state)
{
	static const struct guest_load quiet = {.idle = 1}, waits = {.idle = 1, .waited = 0.5},
				       full = {.idle = 0}, server = {.busiest = 0.9};
	static const struct {
		struct guest_replies replies;
		int cause;
		const struct guest_load *load;
		bool accused;
	} rows[] = {
		{{.done = 1000, .errors = 11}, 0, &quiet, true},
		{{.done = 1000, .errors = 10}, 0, &quiet, false},
		{{.done = 1000, .failed = 20}, ECONNRESET, &quiet, true},
		{{.done = 1000, .failed = 20}, EPIPE, &quiet, true},
		{{.done = 1000, .failed = 20}, ETIMEDOUT, &quiet, false},
		{{.done = 1000, .errors = 20, .failed = 20}, ETIMEDOUT, &quiet, true},
		{{.failed = 20}, ETIMEDOUT, &quiet, false},
		{{.failed = 20}, ECONNRESET, &quiet, true},
		{{0}, 0, &quiet, false},                          /* nothing was answered */
		{{.done = 1000, .errors = 500}, 0, &waits, true}, /* an error is its own word */
		{{.done = 1000, .failed = 20}, EPIPE, &waits, false},
		{{.done = 1000, .failed = 20}, ECONNRESET, &full, false},
		{{.done = 1000, .errors = 500},
		 0,
		 &server,
		 true}, /* it is the server that is busy */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (guest_replies_accuse(&rows[i].replies, rows[i].cause, rows[i].load) !=
		    rows[i].accused)
			fail_msg("row %zu", i);
}

static void no_reply_within_the_time_is_no_rate(void **state)
{
	static const struct {
		double rate, idle;
		bool reached;
		const char *why;
	} rows[] = {
		{0, 1, false, "no reply came within the 500 ms for which its rate is counted"},
		{0, 0, false, "this machine was too busy"},
		{2, 1, true, ""},
	};
	static struct client client = {.processes = 1};
	static const struct trial t = {.clients = {&client}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct guest_load l = {.rate = rows[i].rate, .idle = rows[i].idle};
		struct outcome out = {0};
		assert_int_equal(guest_rate_reached(&t, &l, "accepted", &out), rows[i].reached);
		assert_non_null(strstr(out.why, rows[i].why));
	}
}

/* Of which a run differs from another by less than a tenth; and one on a busy machine is repeated.
 */
static void a_rate_that_nearly_suffices_is_tight(void **state)
{
	static const struct {
		int64_t reached;
		enum wall_verdict verdict;
	} rows[] = {
		{10, VERDICT_SHORT},   {899, VERDICT_SHORT}, {900, VERDICT_SHORT},
		{901, VERDICT_TIGHT},  {999, VERDICT_TIGHT}, {1000, VERDICT_TIGHT},
		{1249, VERDICT_TIGHT}, {1250, VERDICT_OK},
	};
	for (const struct experiment *x = experiments; x->wall; x++) {
		struct target target = target_default();
		target.rate_per_s = 1000;
		if (strcmp(x->wall, "application.accepts"))
			continue;
		assert_true(x->again > 2);
		const struct settings s = verdict_settings(x, "");
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			const struct outcome o = verdict_outcome(rows[i].reached, true);
			const struct report *r = verdict_of(x, &target, &s, &o);
			bool near = rows[i].verdict == VERDICT_TIGHT && rows[i].reached < 1000;
			assert_int_equal(r->walls[0].verdict, rows[i].verdict);
			assert_int_equal(!!strstr(r->walls[0].detail, "repeated runs differ"),
					 near);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_that_of_more_connections),
		cmocka_unit_test(a_unix_socket_is_not_reset),
		cmocka_unit_test(a_silence_comes_again_where_a_limit_is),
		cmocka_unit_test(a_server_that_serves_nobody_has_no_limit),
		cmocka_unit_test(no_more_are_active_than_it_holds),
		cmocka_unit_test(only_what_the_server_did_accuses_it),
		cmocka_unit_test(no_reply_within_the_time_is_no_rate),
		cmocka_unit_test(a_rate_that_nearly_suffices_is_tight),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
