/* What --observe makes of looks at queues and connections: pure. */
#include "../support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/target_numbers.h"
#include "judge/traffic.h"

#define MS 1000000u

static bool is_ours(const struct listener *l, void *arg) { return l->port == 80; }

/* Looks 10 ms apart: what arrived since the one before, and the depths of two listeners. */
struct step {
	int opened;
	unsigned ours, other;
};

static struct report_observed observe_at(struct listener at[2], const struct step *steps,
					 size_t count, size_t listeners)
{
	struct listeners l = {.count = listeners, .at = at};
	struct traffic_look look = {.at_ns = 5000 * (uint64_t)MS, .l = &l, .wanted = is_ours};
	struct connections none = {0};
	struct traffic *t = calloc(1, sizeof(*t));
	struct report_observed out;
	look.opened = 70000;
	for (size_t i = 0; i < count; i++) {
		look.at_ns += 10 * MS;
		look.opened += steps[i].opened;
		at[0].depth = steps[i].ours;
		at[1].depth = steps[i].other;
		traffic_add(t, &look);
	}
	traffic_sum(t, &none, 0, &out);
	free(t);
	return out;
}

static struct report_observed observe(const struct step *steps, size_t count, size_t listeners)
{
	struct listener at[2] = {{.port = 80, .cookie = 1, .address = "0.0.0.0:80"},
				 {.port = 22, .cookie = 2, .address = "0.0.0.0:22"}};
	return observe_at(at, steps, count, listeners);
}

static bool is_first(const struct listener *l, void *arg) { return l->cookie == 1; }

/* A client waits at one that is set aside, while clients come to the other. */
static void a_listener_that_is_set_aside_shows_no_stall(void **state)
{
	struct listener at[2] = {{.port = 80, .cookie = 1, .address = "0.0.0.0:80"},
				 {.port = 80, .cookie = 2, .address = "127.0.0.2:80", .depth = 1}};
	struct listeners l = {.count = 2, .at = at};
	struct traffic_look look = {.at_ns = MS, .l = &l, .wanted = is_ours};
	struct connections none = {0};
	struct report_observed out;
	for (size_t i = 0; i < 2; i++) {
		struct traffic *t = calloc(1, sizeof(*t));
		for (int n = 0; n < 50; n++, look.at_ns += 10 * MS) {
			look.opened += n & 1;
			traffic_add(t, &look);
		}
		traffic_sum(t, &none, 0, &out);
		free(t);
		assert_true(i ? out.stall_us == 0 : out.stall_us > 400000);
		assert_false(out.others);
		look.timed = is_first;
	}
}

static void stalls_are_seen(void **state)
{
	static const struct {
		const char *what;
		size_t listeners, count;
		struct step steps[8];
		uint64_t stall_ms;
	} cases[] = {
		{"nothing waits", 1, 4, {{0, 0, 0}, {9, 0, 0}, {9, 0, 0}, {9, 0, 0}}, 0},
		{"one look at a connection that is about to be accepted",
		 1,
		 5,
		 {{0, 0, 0}, {9, 1, 0}, {9, 0, 0}, {9, 1, 0}, {9, 0, 0}},
		 0},
		{"the queue grows by all that arrives",
		 1,
		 5,
		 {{0, 0, 0}, {9, 9, 0}, {9, 18, 0}, {9, 27, 0}, {9, 0, 0}},
		 30},
		{"it waits, and nothing arrives",
		 1,
		 5,
		 {{0, 0, 0}, {3, 3, 0}, {0, 3, 0}, {0, 3, 0}, {0, 0, 0}},
		 30},
		{"it does not end before the last look",
		 1,
		 5,
		 {{0, 0, 0}, {9, 9, 0}, {9, 18, 0}, {9, 27, 0}, {9, 36, 0}},
		 40},
		{"busy: as many are accepted as arrive",
		 1,
		 5,
		 {{0, 0, 0}, {9, 4, 0}, {9, 4, 0}, {9, 4, 0}, {9, 4, 0}},
		 0},
		{"the longest of two",
		 1,
		 7,
		 {{0, 0, 0}, {9, 9, 0}, {9, 18, 0}, {9, 0, 0}, {9, 9, 0}, {9, 18, 0}, {9, 27, 0}},
		 30},
		{"another listener accepts a few meanwhile",
		 2,
		 5,
		 {{0, 0, 0}, {9, 8, 0}, {9, 16, 0}, {9, 24, 0}, {9, 0, 0}},
		 30},
		{"the other listener stalls",
		 2,
		 4,
		 {{0, 0, 0}, {9, 0, 9}, {9, 0, 18}, {9, 0, 27}},
		 0},
		{"another listener accepts many meanwhile",
		 2,
		 6,
		 {{0, 0, 0}, {99, 2, 0}, {99, 9, 0}, {99, 18, 0}, {99, 27, 0}, {99, 0, 0}},
		 40},
		{"both accept: no deeper than usual",
		 2,
		 8,
		 {{0, 0, 0},
		  {99, 6, 0},
		  {99, 2, 0},
		  {99, 3, 0},
		  {99, 5, 0},
		  {99, 6, 0},
		  {99, 1, 0},
		  {99, 4, 0}},
		 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct report_observed o =
			observe(cases[i].steps, cases[i].count, cases[i].listeners);
		if (o.stall_us != cases[i].stall_ms * 1000)
			fail_msg("%s: %llu us", cases[i].what, (unsigned long long)o.stall_us);
		assert_int_equal(o.others, cases[i].listeners > 1);
	}
}

/* Two sockets of the server, which accepts from both: each look finds some that wait. */
static void two_sockets_are_one_server_unless_they_share_an_address(void **state)
{
	static const struct step steps[] = {{0, 0, 0},  {99, 6, 9}, {99, 2, 1}, {99, 3, 2},
					    {99, 5, 4}, {99, 6, 6}, {99, 1, 8}, {99, 4, 2}};
	static const struct {
		const char *first, *second;
		uint64_t stall_ms;
	} rows[] = {
		{"0.0.0.0:80", "[::]:80", 0},
		/* Its own process may be the one that pauses. */
		{"0.0.0.0:80", "0.0.0.0:80", 40},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct listener at[2] = {{.port = 80, .cookie = 1}, {.port = 80, .cookie = 2}};
		snprintf(at[0].address, sizeof(at[0].address), "%s", rows[i].first);
		snprintf(at[1].address, sizeof(at[1].address), "%s", rows[i].second);
		struct report_observed o = observe_at(at, steps, 8, 2);
		assert_int_equal(o.stall_us, rows[i].stall_ms * 1000);
		assert_false(o.others);
	}
}

/* What happens in a network namespace without the server is not its load; that of the next one has
 * another counter. */
static void only_the_time_of_the_server_counts(void **state)
{
	static const struct {
		uint16_t port; /* of the only listener */
		int64_t opened;
		bool begins;
	} looks[] = {{80, 100, false}, {80, 110, false},  {22, 115, false}, {22, 900, false},
		     {80, 9000, true}, {80, 9010, false}, {80, 9020, false}};
	struct listener at = {.depth = 0};
	struct listeners l = {.count = 1, .at = &at};
	struct traffic_look look = {.at_ns = MS, .l = &l, .wanted = is_ours};
	struct connections none = {0};
	struct traffic *t = calloc(1, sizeof(*t));
	struct report_observed o;
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
		at.port = looks[i].port;
		at.cookie = looks[i].begins;
		look.opened = looks[i].opened;
		look.begins = looks[i].begins;
		traffic_add(t, &look);
		look.at_ns += (i == 2 ? 5000 : 100) * (uint64_t)MS;
	}
	traffic_sum(t, &none, 0, &o);
	assert_int_equal(o.opened, 30);
	assert_int_equal(o.us, 400000);
	assert_int_equal(o.rate_per_s, 75);
	assert_int_equal(o.peak_per_s, 100);
	assert_int_equal(o.gap_us, 100000);
	free(t);
}

/* A large SO_REUSEPORT group, whose last socket is not served, after many reloads. */
static void every_socket_is_looked_at(void **state)
{
	struct listener at[300] = {{0}};
	struct listeners l = {.count = 300, .at = at};
	struct traffic_look look = {.at_ns = MS, .l = &l, .wanted = is_ours};
	struct connections none = {0};
	struct traffic *t = calloc(1, sizeof(*t));
	struct report_observed o;
	for (unsigned step = 0; step < 14; step++) {
		for (unsigned i = 0; i < 300; i++)
			at[i] = (struct listener){.port = 80,
						  .cookie = step < 10 ? step * 300 + i : i};
		at[299].depth = step > 10 ? step : 0;
		look.at_ns += 10 * MS;
		look.opened += 500;
		traffic_add(t, &look);
	}
	traffic_sum(t, &none, 0, &o);
	assert_int_equal(o.stall_us, 30000);
	free(t);
}

/* Of a 32-bit kernel. */
static void a_counter_wraps(void **state)
{
	const struct step steps[] = {{0, 0, 0}, {50, 0, 0}, {-70040, 0, 0}, {50, 0, 0}};
	struct report_observed o = observe(steps, 4, 1);
	assert_int_equal(o.opened, 100);
	assert_in_range(o.peak_per_s, 1, 10000);
}

/* 100 connections in the first 100 ms, none in the next 300. */
static void the_rate_has_a_mean_and_a_peak(void **state)
{
	struct step steps[41] = {{0, 0, 0}};
	for (size_t i = 1; i <= 10; i++)
		steps[i].opened = 10;
	struct report_observed o = observe(steps, 41, 1);
	assert_int_equal(o.us, 400000);
	assert_int_equal(o.opened, 100);
	assert_int_equal(o.rate_per_s, 250);
	assert_int_equal(o.peak_per_s, 1000);
	/* A slot that is not over counts by the mean. */
	o = observe(steps, 6, 1);
	assert_int_equal(o.rate_per_s, 1000);
	assert_int_equal(o.peak_per_s, 1000);
}

/* 2 000 datagrams in the first 100 ms, none in the next 300, beside few connections or none. */
/* Only some looks read them; a server that moved has those of its new network namespace. */
static void what_is_dropped_is_counted(void **state)
{
	static const struct {
		int64_t dropped[5]; /* of each look; -1: not read */
		int begins;         /* the look that is in another network namespace; 0: none */
		uint64_t all;
	} cases[] = {
		{{-1, -1, -1, -1, -1}, 0, 0},    {{70, -1, -1, -1, 70}, 0, 0},
		{{70, -1, -1, -1, 540}, 0, 470}, {{70, 80, -1, -1, 90}, 0, 20},
		{{70, -1, 5, -1, 9}, 2, 4},      {{70, -1, -1, -1, 9}, 2, 0},
		{{-1, -1, 5, -1, 9}, 0, 4},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct traffic *t = calloc(1, sizeof(*t));
		const struct connections none = {0};
		struct report_observed out;
		struct listener at = {.kind = LISTENER_TCP};
		struct listeners l = {.at = &at, .count = 1};
		for (int n = 0; n < 5; n++)
			traffic_add(t,
				    &(struct traffic_look){.l = &l,
							   .wanted = is_first,
							   .dropped = cases[i].dropped[n],
							   .begins = n && n == cases[i].begins,
							   .at_ns = (uint64_t)(n + 1) * 10 * MS});
		traffic_sum(t, &none, 0, &out);
		free(t);
		if (out.dropped != cases[i].all)
			fail_msg("row %zu: %llu", i, (unsigned long long)out.dropped);
	}
}

static void datagrams_have_a_mean_and_a_peak(void **state)
{
	static const struct {
		bool udp, only, appears;
		uint64_t mean, peak, us;
	} rows[] = {
		{false, false, false, 0, 0, 400000},
		{true, false, false, 5000, 20000, 400000},
		{true, true, false, 5000, 20000, 400000},
		/* A server that has UDP sockets after a restart: what was before is not its. */
		{true, false, true, 2500, 10000, 400000},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct listener at = {.port = 80, .cookie = 1};
		struct listeners l = {.count = !rows[i].only, .at = &at};
		struct traffic_look look = {.at_ns = MS, .l = &l, .wanted = is_ours};
		struct connections none = {0};
		struct traffic *t = calloc(1, sizeof(*t));
		struct report_observed o;
		for (int step = 0; step <= 40; step++) {
			look.udp = rows[i].udp && (!rows[i].appears || step >= 5);
			look.only_udp = rows[i].only;
			look.datagrams = !look.udp ? 0 : step < 10 ? 70000 + 200 * step : 72000;
			look.opened = 5 + step / 20;
			traffic_add(t, &look);
			look.at_ns += 10 * MS;
		}
		traffic_sum(t, &none, 0, &o);
		if (o.datagrams_per_s != rows[i].mean || o.datagrams_peak_per_s != rows[i].peak ||
		    o.us != rows[i].us || o.udp != rows[i].udp)
			fail_msg("row %zu: %llu, %llu", i, (unsigned long long)o.datagrams_per_s,
				 (unsigned long long)o.datagrams_peak_per_s);
		free(t);
	}
}

/* A listener that a reload has replaced is another one: its queue has no past. */
static void a_new_socket_has_no_stall(void **state)
{
	struct listener at = {.port = 80, .cookie = 1, .depth = 5};
	struct listeners l = {.count = 1, .at = &at};
	struct traffic_look look = {.at_ns = MS, .l = &l, .wanted = is_ours};
	struct connections none = {0};
	struct traffic *t = calloc(1, sizeof(*t));
	struct report_observed o;
	for (int i = 0; i < TRAFFIC_QUEUES + 10; i++) {
		at.cookie++;
		look.at_ns += 10 * MS;
		traffic_add(t, &look);
	}
	traffic_sum(t, &none, 0, &o);
	assert_int_equal(o.stall_us, 0);
	free(t);
}

static void the_sample_gives_rtt_and_bandwidth(void **state)
{
	struct traffic t = {.looks = 2, .last_ns = 1000000000};
	struct connections *c = calloc(1, sizeof(*c));
	struct report_observed o;
	for (unsigned i = 0; i < 100; i++)
		c->at[c->count++] = (struct connection){.rtt_us = 1000 * (100 - i),
							.delivered = 1000 * (i + 1),
							.app_limited = i % 2};
	c->at[c->count++] = (struct connection){0};
	traffic_sum(&t, c, 150, &o);
	assert_int_equal(o.connections, 150);
	assert_int_equal(o.sampled, 101);
	assert_int_equal(o.rtt_us.count, 100);
	assert_int_equal(o.rtt_us.p50, 50000);
	assert_int_equal(o.rtt_us.p95, 95000);
	assert_int_equal(o.rtt_us.p99, 99000);
	assert_int_equal(o.bandwidth_bps.count, 50);
	assert_int_equal(o.bandwidth_bps.p95, 93000 * 8);
	/* Of i * 1000 B/s at 101 - i ms the most is in the middle. */
	assert_int_equal(o.window_bytes, 2538);
	free(c);
}

/* What was not seen keeps the default; the load is multiplied, the path is not. */
static void the_target_follows(void **state)
{
	const struct target usual = TARGET_DEFAULT;
	struct report_observed o = {
		.us = 1, .connections = 301, .rate_per_s = 21, .peak_per_s = 90};
	struct target t = observed_target(&o, &usual);
	assert_int_equal(t.connections, 301);
	assert_int_equal(t.rate_per_s, 21);
	assert_int_equal(t.stall_us, usual.stall_us);
	assert_int_equal(t.rtt_us, usual.rtt_us);
	assert_int_equal(t.bandwidth_bps, usual.bandwidth_bps);
	struct target h = observed_headroom(&o, &t, 250);
	assert_int_equal(h.connections, 753);
	assert_int_equal(h.rate_per_s, 90);
	assert_int_equal(h.stall_us, usual.stall_us);
	o.peak_per_s = 30;
	assert_int_equal(observed_headroom(&o, &t, 250).rate_per_s, 53);

	/* Of datagrams likewise; without UDP sockets a target that has some keeps them. */
	struct target asked = usual;
	asked.datagrams_per_s = 7;
	assert_int_equal(observed_target(&o, &asked).datagrams_per_s, 7);
	assert_int_equal(observed_headroom(&o, &asked, 250).datagrams_per_s, 7);
	o.datagrams_per_s = 20000;
	o.datagrams_peak_per_s = 45000;
	t = observed_target(&o, &asked);
	assert_int_equal(t.datagrams_per_s, 20000);
	assert_int_equal(observed_headroom(&o, &t, 200).datagrams_per_s, 45000);
	assert_int_equal(observed_headroom(&o, &t, 300).datagrams_per_s, 60000);
	/* Where others received some of them none of this is the target. */
	o.udp_others = true;
	assert_int_equal(observed_target(&o, &asked).datagrams_per_s, 7);
	assert_int_equal(observed_headroom(&o, &asked, 300).datagrams_per_s, 7);
	assert_int_equal(observed_datagrams(&o, 200), 45000);
	assert_int_equal(observed_datagrams(&o, 300), 60000);

	/* A stall that is shorter than the default does not lower it. */
	o = (struct report_observed){.us = 1,
				     .stall_us = 456789,
				     .rtt_us = {1, 1, 12345, 1},
				     .bandwidth_bps = {1, 1, 1000000000, 1},
				     .window_bytes = 151852};
	t = observed_target(&o, &usual);
	assert_int_equal(t.connections, 1);
	assert_int_equal(t.rate_per_s, 1);
	assert_int_equal(t.stall_us, 457000);
	assert_int_equal(t.rtt_us, 12300);
	assert_int_equal(t.bandwidth_bps, 98800000);
	o.stall_us = 45678;
	assert_int_equal(observed_target(&o, &usual).stall_us, usual.stall_us);

	/* As a target of options. */
	o = (struct report_observed){.us = 1,
				     .stall_us = 2 * HOUR_US,
				     .rtt_us = {1, 1, 3, 1},
				     .window_bytes = UINT64_C(1) << 40};
	t = observed_target(&o, &usual);
	t = target_fit(&t);
	assert_int_equal(t.stall_us, HOUR_US);
	assert_int_equal(t.rtt_us, 3);
	assert_int_equal(t.bandwidth_bps, 10000000000000);
	assert_int_equal(t.role, usual.role);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stalls_are_seen),
		cmocka_unit_test(a_listener_that_is_set_aside_shows_no_stall),
		cmocka_unit_test(two_sockets_are_one_server_unless_they_share_an_address),
		cmocka_unit_test(only_the_time_of_the_server_counts),
		cmocka_unit_test(every_socket_is_looked_at),
		cmocka_unit_test(a_counter_wraps),
		cmocka_unit_test(the_rate_has_a_mean_and_a_peak),
		cmocka_unit_test(what_is_dropped_is_counted),
		cmocka_unit_test(datagrams_have_a_mean_and_a_peak),
		cmocka_unit_test(a_new_socket_has_no_stall),
		cmocka_unit_test(the_sample_gives_rtt_and_bandwidth),
		cmocka_unit_test(the_target_follows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
