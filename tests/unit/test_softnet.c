/* Parsing /proc/net/softnet_stat. */
#include "../support/support.h"
#include "epolltune/catalogue.h"
#include "epolltune/nic.h"

#include <errno.h>
#include <stdlib.h>

#define TEN "00000010 00000002 00000003 0 0 0 0 0 0 00000004"

static void columns_are_read_by_cpu(void **state)
{
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
	assert_true(s.at[0].input.known);
	assert_int_equal(s.at[0].input.value, 7);
	/* The second row is CPU 11: its column says so. */
	assert_int_equal(s.at[1].cpu, 11);
	assert_int_equal(s.at[1].processed, 0xffffffff);
	assert_int_equal(softnet_total(&s).processed, 0x10000000full);
	assert_int_equal(softnet_total(&s).dropped, 2);
	softnet_free(&s);
}

static void rows_without_a_cpu_follow_the_online_list(void **state)
{
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
	assert_false(s.at[0].input.known);
	softnet_free(&s);
	/* Beyond the list, or without one, each is the next. */
	assert_int_equal(softnet_parse(text, "1,3\n", &s, &e), 0);
	assert_int_equal(s.at[1].cpu, 3);
	assert_int_equal(s.at[3].cpu, 5);
	softnet_free(&s);
	assert_int_equal(softnet_parse(text, NULL, &s, &e), 0);
	assert_int_equal(s.at[3].cpu, 3);
	softnet_free(&s);
}

/* What a CPU has taken from the queue does not count against net.core.netdev_max_backlog. */
static void the_fullest_backlog_is_that_of_packets_that_wait(void **state)
{
	static const struct {
		const char *text;
		int64_t max, packets, limit;
		bool both;
	} rows[] = {
		/* 1 100 packets, of which 700 are being processed; another CPU has 401. */
		{TEN " 0 44c 0 190 2bc\n" TEN " 0 191 1 191 0\n", 1000, 401, 1000, false},
		{TEN " 0 3e9 0 3e9 0\n", 1000, 1001, 1000, false},
		/* Before 6.4 only the sum: of two queues that each hold 1 001. */
		{TEN " 0 44c 0\n" TEN " 0 5 1\n", 1000, 1100, 2001, true},
		{TEN " 0 44c 0\n", REPORT_NONE, 1100, REPORT_NONE, true},
		{TEN " 0 44c 0 190 2bc\n", REPORT_NONE, 400, REPORT_NONE, false},
		{TEN " 0 44c 0\n", INT64_MAX, 1100, INT64_MAX, true},
		/* Before 5.10 none. */
		{TEN " 0\n", 1000, REPORT_NONE, 1000, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err e;
		struct softnet s;
		assert_int_equal(softnet_parse(rows[i].text, NULL, &s, &e), 0);
		struct softnet_fill f = softnet_fullest(&s, rows[i].max);
		if (f.packets != rows[i].packets || f.limit != rows[i].limit ||
		    f.both != rows[i].both)
			fail_msg("row %zu: %lld of %lld", i, (long long)f.packets,
				 (long long)f.limit);
		softnet_free(&s);
	}
}

static void garbage_is_refused(void **state)
{
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

/* Counters wrap at 32 bits; a CPU that came online meanwhile has not grown. */
static void growth_is_taken_by_cpu(void **state)
{
	struct softnet_cpu then[3] = {{.cpu = 0, .processed = 0xfffffff0u},
				      {.cpu = 1, .processed = 7, .dropped = 0xfffffffe},
				      {.cpu = 2, .processed = 0}};
	struct softnet_cpu now[4] = {{.cpu = 1, .processed = 87, .dropped = 8},
				     {.cpu = 0, .processed = 0, .time_squeeze = 3},
				     {.cpu = 2, .processed = 4},
				     {.cpu = 3, .processed = 5000}};
	struct softnet before = {then, 3}, after = {now, 4};
	struct softnet_growth g = softnet_growth(&before, &after);
	assert_int_equal(g.total.processed, 100);
	assert_int_equal(g.total.dropped, 10);
	assert_int_equal(g.total.time_squeeze, 3);
	assert_int_equal(g.busiest, 1);
	assert_true(g.busiest_share == 0.8);
	assert_int_equal(g.cpus, 2);
	g = softnet_growth(&after, &after);
	assert_int_equal(g.total.processed, 0);
	assert_true(g.busiest_share == 0);
	assert_int_equal(g.cpus, 0);
}

/* What a CPU dropped before it went offline is not counted again when it is back. */
static void counters_follow_cpus_that_come_and_go(void **state)
{
	static const struct {
		uint64_t dropped[2]; /* of the CPUs that are online */
		size_t cpus;
		uint64_t sum;
	} looks[] = {{{5, 70}, 2, 75}, {{6}, 1, 76}, {{6, 71}, 2, 76}, {{6, 74}, 2, 79}};
	struct softnet_follow f = {0};
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
		struct softnet now = {calloc(looks[i].cpus, sizeof(*now.at)), looks[i].cpus};
		assert_non_null(now.at);
		for (uint32_t k = 0; k < looks[i].cpus; k++)
			now.at[k] = (struct softnet_cpu){.cpu = k,
							 .dropped = looks[i].dropped[k],
							 .time_squeeze = 2 * looks[i].dropped[k]};
		softnet_follow(&f, &now);
		assert_int_equal(f.dropped, looks[i].sum);
		assert_int_equal(f.time_squeeze, 2 * looks[i].sum);
	}
	softnet_free(&f.last);
}

static void mask_of(const uint32_t *cpus, size_t count, const char *want)
{
	char mask[SOFTNET_MASK] = "";
	struct softnet_cpu rows[96] = {0};
	for (size_t i = 0; i < count; i++)
		rows[i].cpu = cpus ? cpus[i] : (uint32_t)i;
	struct softnet s = {.at = rows, .count = count};
	assert_true(softnet_mask(&s, mask));
	assert_string_equal(mask, want);
}

static void masks_of_many_cpus(void **state)
{
	mask_of(NULL, 2, "3");
	mask_of(NULL, 32, "ffffffff");
	mask_of(NULL, 33, "1,ffffffff");
	mask_of(NULL, 96, "ffffffff,ffffffff,ffffffff");
	mask_of((const uint32_t[]){0, 2, 33}, 3, "2,00000005"); /* some are offline */
	char mask[SOFTNET_MASK];
	struct softnet_cpu beyond = {.cpu = 256};
	assert_false(softnet_mask(&(struct softnet){.at = &beyond, .count = 1}, mask));
	assert_false(softnet_mask(&(struct softnet){0}, mask));
}

static void the_running_kernels_text_is_read(void **state)
{
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
		cmocka_unit_test(the_fullest_backlog_is_that_of_packets_that_wait),
		cmocka_unit_test(garbage_is_refused),
		cmocka_unit_test(growth_is_taken_by_cpu),
		cmocka_unit_test(counters_follow_cpus_that_come_and_go),
		cmocka_unit_test(masks_of_many_cpus),
		cmocka_unit_test(the_running_kernels_text_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
