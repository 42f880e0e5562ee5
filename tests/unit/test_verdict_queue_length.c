/* What probe accept-queue makes of queues, and of runs that show nothing of one. */
#define probe_accept_queue accept_queue_under_test
#include "../../probes/accept-queue.c"
#include "../support/support.h"
#include "../support/verdict.h"

/* 4 096, the default, is never too long, nor is what the target needs. */
static void a_queue_beyond_the_patience_of_clients_is_a_note(void **state)
{
	static const struct {
		int64_t somaxconn;
		uint64_t rate, stall_us;
		const char *findings;
	} rows[] = {
		{65535, 1000, 100000, "accept-queue.long note"},
		{65535, 10000, 100000, ""},
		{4096, 10, 100000, ""},
		{65535, 1000, 60000000, ""},
		{REPORT_NONE, 1000, 100000, ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		const struct target t = {.rate_per_s = rows[i].rate, .stall_us = rows[i].stall_us};
		char row[24];
		snprintf(row, sizeof(row), "row %zu", i);
		report_init(&r);
		judge_length(rows[i].somaxconn, &t, &r);
		findings_are(row, &r, rows[i].findings);
	}
}

/* A foreign process may have any name. */
static void only_own_listeners_are_left_out(void **state)
{
	static struct process processes[] = {{.root = 7, .name = "probe:shop"},
					     {.root = 8, .name = "nginx", .own = true},
					     {.root = 9, .name = "epolltune"}};
	struct listener at[3];
	const struct sample s = {
		.somaxconn = 4096,
		.listeners = {.count = 3, .at = at, .process_count = 3, .processes = processes}};
	const struct target t = {.rate_per_s = 10000, .stall_us = 100000};
	static struct report r;
	for (int i = 0; i < 3; i++) {
		at[i] = (struct listener){.kind = LISTENER_TCP, .limit = 128, .owner = i};
		snprintf(at[i].address, sizeof(at[i].address), "0.0.0.0:%d", 80 + i);
	}
	report_init(&r);
	judge_listeners(&s, &t, &r);
	findings_are("own", &r, "accept-queue.application note");
	assert_non_null(strstr(r.findings[0].title, "probe:shop (pid 7) on 0.0.0.0:80"));
	assert_non_null(strstr(r.findings[0].detail, "epolltune (pid 9) on 0.0.0.0:82"));
	assert_null(strstr(r.findings[0].detail, "nginx"));
}

/* Clients without a CPU do not arrive in time: another run may show more. */
static void clients_that_do_not_arrive_show_nothing(void **state)
{
	static const struct {
		struct stall stall;
		const char *why; /* "": it shows the queue */
	} rows[] = {
		{{.arrivals = 100, .arrived = 100}, ""},
		{{.arrivals = 100, .arrived = 130, .dropped = 35, .capacity = 65}, ""},
		{{.arrivals = 100, .arrived = 99}, "only 99 of 100 clients reached the server"},
		{{.arrivals = 100}, "only 0 of 100 clients reached the server"},
		{{.arrivals = 100, .arrived = 101, .dropped = 40, .capacity = 60},
		 "SYNs were dropped while 60 connections waited, but not by this queue: "
		 "ListenOverflows did not grow"},
		{{.arrivals = 100, .arrived = 101, .capacity = 60, .all_overflows = 41}, ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct outcome out = {0};
		bool fails = *rows[i].why;
		assert_int_equal(stall_fails(&rows[i].stall, 65, &out), fails);
		assert_int_equal(out.state, fails ? OUTCOME_INCONCLUSIVE : OUTCOME_CONCLUSIVE);
		assert_string_equal(out.why, rows[i].why);
	}
	for (const struct experiment *x = experiments; x->wall; x++)
		assert_true(x->again || strcmp(x->wall, "accept-queue"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_beyond_the_patience_of_clients_is_a_note),
		cmocka_unit_test(only_own_listeners_are_left_out),
		cmocka_unit_test(clients_that_do_not_arrive_show_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
