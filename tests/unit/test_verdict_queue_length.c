/* Which accept queue probe accept-queue takes to be longer than clients wait. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_beyond_the_patience_of_clients_is_a_note),
		cmocka_unit_test(only_own_listeners_are_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
