/* What connect() costs by the share of ports in use, scaled to a range, and from when it is noted.
 */
#include "../support/support.h"
#include "../support/verdict.h"

#include <math.h>
#include <stdio.h>

#include "epolltune/connect_cost.h"
#include "epolltune/port_settings.h"

/* Measured on Linux 6.18: 8 us, and 32 ns for each port. */
static const struct connect_cost cost = {
	.ports = 1024, .percent = {0, 50, 75, 90, 99}, .ns = {8000, 24384, 24416, 24512, 25900}};

static void the_search_takes_one_half_first(void **state)
{
	static const struct {
		double ports, used, tries;
	} rows[] = {
		{28232, 0, 1},        {28232, 0.25, 2},     {28232, 0.45, 10},
		{28232, 0.5, 14117},  {28232, 0.75, 14118}, {28232, 0.9, 14121},
		{28232, 0.99, 14166}, {28232, 1, 28232},    {512, 0.5, 257},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (fabs(connect_cost_tries(rows[i].ports, rows[i].used) - rows[i].tries) > 0.01)
			fail_msg("row %zu: %g", i, connect_cost_tries(rows[i].ports, rows[i].used));
}

static void costs_are_in_proportion_to_the_ports_tried(void **state)
{
	static const struct connect_cost flat = {.ports = 1024,
						 .percent = {0, 50, 75, 90, 99},
						 .ns = {8000, 7900, 8000, 7800, 7900}};
	/* share: from which on it is ten times; 2: never. */
	static const struct {
		double ports, share;
	} rows[] = {
		{28232, 0.5},  {64512, 0.5}, {4600, 0.5}, {4400, 0.991},
		{3000, 0.999}, {2000, 2},    {512, 2},
	};
	assert_true(fabs(connect_cost_ns(&cost, 1024, 0) - 8000) < 1);
	assert_true(fabs(connect_cost_ns(&cost, 1024, 0.5) - 24384) < 200);
	assert_true(fabs(connect_cost_ns(&cost, 28232, 0.75) - 8000 - 14117 * 32) < 4000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		double share = connect_cost_share(&cost, rows[i].ports, 10);
		if (fabs(share - rows[i].share) > 0.002)
			fail_msg("row %zu: %g", i, share);
		if (share <= 1 && connect_cost_ns(&cost, rows[i].ports, share + 0.001) < 79000)
			fail_msg("row %zu: %g ns", i,
				 connect_cost_ns(&cost, rows[i].ports, share + 0.001));
	}
	/* A search that costs nothing. */
	assert_true(connect_cost_share(&flat, 28232, 10) > 1);
	assert_true(fabs(connect_cost_ns(&flat, 28232, 0.99) - 8000) < 1);
}

static void a_proxy_beyond_that_share_gets_a_note(void **state)
{
	const struct experiment *x = verdict_experiment("ports", "ports.rate");
#define DEFAULTS                                                                                   \
	"net.ipv4.tcp_tw_reuse=2; net.ipv4.tcp_timestamps=1; net.ipv4.tcp_tw_reuse_delay=1000; "   \
	"net.ipv4.tcp_max_tw_buckets=131072; net.ipv4.ip_local_port_range="
	static const struct {
		enum target_role role;
		uint64_t connections, rate;
		const char *values, *title;
	} rows[] = {
		{TARGET_PROXY, 18000, 20, DEFAULTS "32768 60999",
		 "With 68 % of the ports to one destination in use, connect() takes 459 us of CPU "
		 "time, 57 times as much as with free ports"},
		{TARGET_PROXY, 18000, 2000, DEFAULTS "32768 60999",
		 "With 99 % of the ports to one destination in use, connect() takes 460 us of CPU "
		 "time, 58 times as much as with free ports"},
		{TARGET_PROXY, 10000, 20, DEFAULTS "32768 60999", NULL},
		{TARGET_PROXY, 18000, 20, DEFAULTS "1024 65535", NULL},
		{TARGET_SERVER, 18000, 20, DEFAULTS "32768 60999", NULL},
		/* Half of it is searched in less than ten times. */
		{TARGET_PROXY, 1800, 1, DEFAULTS "32768 34999", NULL},
		{TARGET_PROXY, 18000, 20, "net.ipv4.tcp_timestamps=1", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		char row[24];
		struct target t = target_default();
		t.role = rows[i].role;
		t.connections = rows[i].connections;
		t.rate_per_s = rows[i].rate;
		const struct settings s = verdict_settings(x, rows[i].values);
		snprintf(row, sizeof(row), "row %zu", i);
		report_init(&r);
		ports_cost_judge(&t, &s, &cost, &r);
		findings_are(row, &r, rows[i].title ? "ports.connect-cost note" : "");
		if (!rows[i].title)
			continue;
		assert_string_equal(r.findings[0].title, rows[i].title);
		assert_int_equal(r.findings[0].table.row_count, CONNECT_COST_LEVELS);
		assert_true(r.findings[0].table.row[0].value[1] == 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_search_takes_one_half_first),
		cmocka_unit_test(costs_are_in_proportion_to_the_ports_tried),
		cmocka_unit_test(a_proxy_beyond_that_share_gets_a_note),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
