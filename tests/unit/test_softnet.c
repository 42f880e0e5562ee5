/* Parsing /proc/net/softnet_stat. */
#include "../support/support.h"
#include "epolltune/nic.h"

#include <errno.h>

#define TEN "00000010 00000002 00000003 0 0 0 0 0 0 00000004"

static void columns_are_read_by_cpu(void **state)
{
	(void)state;
	struct err e;
	struct softnet s;
	const char *text = TEN " 00000005 00000006 00000000 00000007 00000008\n"
			       "ffffffff 0 0 0 0 0 0 0 0 0 0 0 0000000b 0 0\n";
	assert_int_equal(softnet_parse(text, "0-1", &s, &e), 0);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.at[0].cpu, 0);
	assert_int_equal(s.at[0].processed, 0x10);
	assert_int_equal(s.at[0].dropped, 2);
	assert_int_equal(s.at[0].time_squeeze, 3);
	assert_int_equal(s.at[0].received_rps, 4);
	assert_true(s.at[0].flow_limit.known);
	assert_int_equal(s.at[0].flow_limit.value, 5);
	assert_int_equal(s.at[0].backlog.value, 6);
	/* The second row is CPU 11: its column says so. */
	assert_int_equal(s.at[1].cpu, 11);
	assert_int_equal(s.at[1].processed, 0xffffffff);
	assert_int_equal(softnet_total(&s).processed, 0x10000000full);
	assert_int_equal(softnet_total(&s).dropped, 2);
	softnet_free(&s);
}

static void rows_without_a_cpu_follow_the_online_list(void **state)
{
	(void)state;
	struct err e;
	struct softnet s;
	const char *text = TEN "\n" TEN "\n" TEN "\n" TEN "\n";
	assert_int_equal(softnet_parse(text, "0,2-3,8", &s, &e), 0);
	assert_int_equal(s.count, 4);
	assert_int_equal(s.at[0].cpu, 0);
	assert_int_equal(s.at[1].cpu, 2);
	assert_int_equal(s.at[2].cpu, 3);
	assert_int_equal(s.at[3].cpu, 8);
	assert_false(s.at[0].flow_limit.known);
	assert_false(s.at[0].backlog.known);
	softnet_free(&s);
	assert_int_equal(softnet_parse(text, NULL, &s, &e), 0);
	assert_int_equal(s.at[3].cpu, 3);
	softnet_free(&s);
}

static void garbage_is_refused(void **state)
{
	(void)state;
	static const char *const garbage[] = {
		"",
		"\n",
		"softnet",
		"00000010 00000002",
		"-1 0 0 0 0 0 0 0 0 0",
		"0x10 0 0 0 0 0 0 0 0 0",
		"000000000 0 0 0 0 0 0 0 0 0",
		TEN "\n" TEN " oops\n",
	};
	for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++) {
		struct err e;
		struct softnet s;
		assert_int_equal(softnet_parse(garbage[i], NULL, &s, &e), -EBADMSG);
		assert_null(s.at);
	}
}

static void the_running_kernels_text_is_read(void **state)
{
	(void)state;
	struct err e;
	struct host *h;
	struct softnet s;
	assert_int_equal(host_open(&h, "/", &e), 0);
	assert_int_equal(softnet_read(h, &s, &e), 0);
	assert_true(s.count >= 1);
	for (size_t i = 1; i < s.count; i++)
		assert_true(s.at[i].cpu > s.at[i - 1].cpu);
	softnet_free(&s);
	host_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_read_by_cpu),
		cmocka_unit_test(rows_without_a_cpu_follow_the_online_list),
		cmocka_unit_test(garbage_is_refused),
		cmocka_unit_test(the_running_kernels_text_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
