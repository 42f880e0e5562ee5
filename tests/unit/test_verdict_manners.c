/* What is said of clients that misbehave, by the kind of address; what a thread that spins does. */
#include "../../probes/manners.c"
#include "../support/support.h"

static void a_unix_socket_is_not_reset(void **state)
{
	const struct guest tcp = {.port = 80}, local = {.socket = "/run/app.sock"};
	assert_string_equal(burden_text(&tcp, 0), "after 1 000 clients reset their connection");
	assert_string_equal(burden_text(&local, 0), "after 1 000 clients closed their connection");
	assert_string_equal(burden_text(&local, 1), burden_text(&tcp, 1));
}

/* All in ms; those of the last sample are of 250. */
static void a_server_spins_that_does_not_become_idle(void **state)
{
	static const struct {
		const char *what;
		double rest_ready, rest_ran; /* of 250 */
		double elapsed, ready, ran, last_ready;
		enum spinning is;
	} rows[] = {
		{"idle at once", 0, 0, 250, 20, 20, 20, SPINNING_NOT},
		{"one sample does not show it", 0, 0, 250, 250, 250, 250, SPINNING_YET},
		{"a spinner", 0, 0, 750, 745, 745, 249, SPINNING},
		{"a spinner with half a CPU", 0, 0, 1250, 1240, 620, 248, SPINNING},
		{"1 000 resets on a slow machine with half a CPU", 0, 0, 750, 745, 372, 249,
		 SPINNING_YET},
		{"and then", 0, 0, 1000, 790, 390, 45, SPINNING_NOT},
		{"a spinner that rarely runs", 0, 0, 3900, 3890, 500, 249, SPINNING_YET},
		{"until the end", 0, 0, 4100, 4090, 500, 249, SPINNING_UNKNOWN},
		{"a spinner with a sixth of a CPU", 0, 0, 3750, 3700, 625, 240, SPINNING},
		{"half busy", 0, 0, 1500, 750, 750, 125, SPINNING_YET},
		{"half busy to the end", 0, 0, 4100, 2050, 2050, 125, SPINNING_NOT},
		{"as busy as at rest", 75, 75, 500, 160, 160, 80, SPINNING_NOT},
		{"as busy as at rest, and work", 75, 75, 1000, 990, 890, 248, SPINNING_YET},
		{"a spinner that was busy at rest", 75, 75, 1500, 1490, 1490, 248, SPINNING},
		{"always busy", 240, 240, 750, 745, 745, 249, SPINNING_UNKNOWN},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct busy rest = {250e6, rows[i].rest_ready * 1e6, rows[i].rest_ran * 1e6};
		const struct busy all = {rows[i].elapsed * 1e6, rows[i].ready * 1e6,
					 rows[i].ran * 1e6};
		const struct busy last = {250e6, rows[i].last_ready * 1e6, 0};
		enum spinning is = spinning_judge(&all, &last, &rest);
		if (is != rows[i].is)
			fail_msg("%s: %d", rows[i].what, (int)is);
	}
}

/* Nothing of that is said by silence. */
static void what_has_no_result_is_named(void **state)
{
	static const struct busy quiet = {250e6, 0, 0}, always = {250e6, 250e6, 250e6},
				 starved = {4e9, 4e9, 1.234e8};
	static const struct {
		const char *late, *untried;
		const struct busy *rest; /* NULL: whether it spins is known */
		const char *detail;      /* "": no finding */
	} rows[] = {
		{NULL, NULL, NULL, ""},
		{UNREAD, NULL, NULL,
		 "No time was left to try the server while 16 clients do not read its replies."},
		{NULL, "it accepts clients too slowly", NULL,
		 "The server was not tried with no descriptor left while clients wait: it accepts "
		 "clients too slowly."},
		{UNREAD, NULL, &quiet,
		 "No time was left to try the server while 16 clients do not read its replies. "
		 "Whether the server spins with no descriptor left while clients wait is not "
		 "known: its busiest thread got 123 ms of CPU time in 4 s."},
		{NULL, NULL, &always,
		 "Whether the server spins with no descriptor left while clients wait is not "
		 "known: it is busy without clients, too."},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		struct context c = {0};
		report_init(&r);
		if (rows[i].late)
			assert_false(may_begin(&c, clock_ms() - TIME_MS, rows[i].late));
		else
			assert_true(may_begin(&c, clock_ms(), UNREAD));
		if (rows[i].untried)
			untried_add(&c, AT_DESCRIPTORS, rows[i].untried);
		if (rows[i].rest) {
			c.rest = *rows[i].rest;
			spinning_unknown(&c, AT_DESCRIPTORS, &starved);
		}
		untried_report(&c, &r);
		assert_string_equal(r.findings[0].detail, rows[i].detail);
		assert_int_equal(r.finding_count, rows[i].detail[0] != 0);
		if (r.finding_count &&
		    (r.findings[0].level != LEVEL_SKIPPED || !r.findings[0].answer[0]))
			fail_msg("row %zu: the answer does not name it", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unix_socket_is_not_reset),
		cmocka_unit_test(a_server_spins_that_does_not_become_idle),
		cmocka_unit_test(what_has_no_result_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
