/* What has happened since an earlier report: counters and drops then and now. */
#include "../support/support.h"

#include <stdio.h>

#include "epolltune/counters.h"
#include "epolltune/probe.h"

#define OVERFLOWS "TcpExt.ListenOverflows"

static struct report then;
static struct host_counters now;
static struct since since;
static const struct probe_options of = {.since = &then};

static void count(const char *name, int64_t value)
{
	struct host_counter *c = &now.at[now.count++];
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->value = value;
}

static void listened(const char *address, uint64_t cookie, uint32_t drops)
{
	struct report_listener *l = report_listener(&then);
	report_text(l->address, "%s", address);
	l->cookie = cookie;
	l->drops = drops;
}

static struct since since_of(const struct probe_options *o, const char *boot, const char *netns)
{
	struct host_identity here = {0};
	report_text(here.boot, "%s", boot);
	report_text(here.netns, "%s", netns);
	return since_make(o, &here, &now);
}

static int begin(void **state)
{
	report_init(&then);
	then.time = (struct timespec){.tv_sec = 1795852800};
	report_text(then.host.boot, "boot-1");
	report_text(then.host.netns, "7");
	report_counter(&then, OVERFLOWS, 100);
	report_counter(&then, "sockstat.TCP.inuse", 50);
	report_counter(&then, "Tcp.CurrEstab", 40);
	report_counter(&then, "TcpExt.PruneCalled", 7);
	listened("0.0.0.0:443", 4, 1000);
	listened("0.0.0.0:80", 5, UINT32_MAX - 9);
	now.count = 0;
	count("sockstat.TCP.inuse", 3);
	count("Tcp.CurrEstab", 2);
	count("TcpExt.RcvPruned", 5);
	count(OVERFLOWS, 1851);
	return 0;
}

static void growth_is_what_was_added(void **state)
{
	since = since_of(&of, "boot-1", "7");
	assert_int_equal(since_reset(&since, OVERFLOWS), SINCE_CONTINUED);
	assert_int_equal(since_growth(&since, OVERFLOWS), 1751);
	/* One of the two does not have it. */
	assert_int_equal(since_growth(&since, "TcpExt.PruneCalled"), -1);
	assert_int_equal(since_growth(&since, "TcpExt.RcvPruned"), -1);
}

static void resets_are_recognised(void **state)
{
	static const struct {
		const char *then, *now;
		int64_t overflows;
		enum since_reset reset;
		int64_t growth;
		int64_t drops; /* of nf_conntrack, after 50 in the report */
		int64_t dropped;
		const char *netns;
	} rows[] = {
		{"boot-1", "boot-1", 100, SINCE_CONTINUED, 0, 50, 0, "7"},
		{"boot-1", "boot-2", 1851, SINCE_REBOOT, 1851, 51, 51, "7"},
		{"boot-1", "boot-2", 0, SINCE_REBOOT, 0, 51, 51, "7"},
		{"boot-1", "boot-1", 99, SINCE_RESTART, 99, 53, 3, "7"},
		{"", "", 99, SINCE_RESTART, 99, 53, 53, "7"},
		{"", "boot-1", 101, SINCE_CONTINUED, 1, 53, 3, "7"},
		{"boot-1", "", 101, SINCE_CONTINUED, 1, 53, 3, "7"},
		/* The module was loaded again. */
		{"boot-1", "boot-1", 101, SINCE_CONTINUED, 1, 7, 7, "7"},
		/* Possibly after a reboot. */
		{"", "boot-1", 101, SINCE_RESTART, 101, 7, 7, "7"},
		/* Another one of the same boot: all that it has counted. */
		{"boot-1", "boot-1", 1851, SINCE_NETNS, 1851, 51, 51, "8.1"},
		{"boot-1", "boot-1", 2, SINCE_NETNS, 2, 0, 0, "8.1"},
		{"boot-1", "boot-1", 101, SINCE_CONTINUED, 1, 53, 3, ""},
		{"boot-1", "boot-2", 101, SINCE_REBOOT, 101, 53, 53, "8.1"},
		/* A machine without a boot id may have booted. */
		{"", "boot-1", 101, SINCE_CONTINUED, 1, 53, 3, "8.1"},
	};
	report_counter(&then, "nf_conntrack.drop", 50);
	count("nf_conntrack.drop", 0);
	struct host_counter *overflows = &now.at[now.count - 2], *drops = &now.at[now.count - 1];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		report_text(then.host.boot, "%s", rows[i].then);
		overflows->value = rows[i].overflows;
		drops->value = rows[i].drops;
		since = since_of(&of, rows[i].now, rows[i].netns);
		int64_t growth = since_growth(&since, OVERFLOWS),
			dropped = since_growth(&since, drops->name);
		enum since_reset reset = since_reset(&since, OVERFLOWS);
		if (reset != rows[i].reset || growth != rows[i].growth ||
		    dropped != rows[i].dropped)
			fail_msg("row %zu: reset %d, growth %lld, %lld", i, (int)reset,
				 (long long)growth, (long long)dropped);
	}
}

/* A container that was restarted is on the same machine. */
static void counters_of_the_machine_go_on_in_another_namespace(void **state)
{
	report_counter(&then, COUNTER_OOM_KILLS, 3);
	report_counter(&then, COUNTER_SOFTNET_DROPPED, 40);
	count(COUNTER_OOM_KILLS, 5);
	count(COUNTER_SOFTNET_DROPPED, 40);
	since = since_of(&of, "boot-1", "8.1");
	assert_int_equal(since_reset(&since, OVERFLOWS), SINCE_NETNS);
	assert_int_equal(since_reset(&since, COUNTER_OOM_KILLS), SINCE_CONTINUED);
	assert_int_equal(since_growth(&since, COUNTER_OOM_KILLS), 2);
	assert_int_equal(since_growth(&since, COUNTER_SOFTNET_DROPPED), 0);
	since = since_of(&of, "boot-2", "8.1");
	assert_int_equal(since_growth(&since, COUNTER_OOM_KILLS), 5);
}

static void drops_of_a_listener(void **state)
{
	static const struct {
		struct listener l;
		const char *boot;
		uint64_t drops;
	} rows[] = {
		{{.address = "0.0.0.0:443", .cookie = 4, .drops = 1000}, "boot-1", 0},
		{{.address = "0.0.0.0:443", .cookie = 4, .drops = 1400}, "boot-1", 400},
		{{.address = "0.0.0.0:80", .cookie = 5, .drops = 10}, "boot-1", 20},
		/* Made since. */
		{{.address = "0.0.0.0:443", .cookie = 6, .drops = 33}, "boot-1", 33},
		/* The same numbers after a reboot are other sockets. */
		{{.address = "0.0.0.0:443", .cookie = 4, .drops = 1400}, "boot-2", 1400},
		{{.address = "unix:x", .kind = LISTENER_UNIX, .cookie = 9, .drops = 1},
		 "boot-1",
		 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		since = since_of(&of, rows[i].boot, "7");
		if (since_drops(&since, &rows[i].l) != rows[i].drops)
			fail_msg("row %zu: %llu", i,
				 (unsigned long long)since_drops(&since, &rows[i].l));
	}
	/* Whether it was there is not known. */
	struct listener other = {.address = "0.0.0.0:443", .cookie = 6, .drops = 33};
	then.listener_count++;
	since = since_of(&of, "boot-1", "7");
	assert_int_equal(since_drops(&since, &other), 0);
	then.listener_count = then.listed = 0;
	assert_int_equal(since_drops(&since, &other), 0);
}

static void nothing_without_a_report(void **state)
{
	struct listener l = {.address = "0.0.0.0:443", .cookie = 4, .drops = 1400};
	since = since_of(&(struct probe_options){0}, "boot-1", "7");
	assert_int_equal(since_growth(&since, OVERFLOWS), -1);
	assert_int_equal(since_drops(&since, &l), 0);
}

static void words_name_report_or_reset(void **state)
{
	static const struct {
		int64_t age, overflows;
		const char *boot, *since, *after;
		bool began;
		const char *netns;
	} rows[] = {
		{7200, 1851, "boot-1", "since the report of 2026-11-28T08:00:00Z (2 hours ago)",
		 "since 2026-11-28T08:00:00Z", false, "7"},
		{0, 1851, "boot-1", "since the report of 2026-11-28T08:00:00Z",
		 "since 2026-11-28T08:00:00Z", false, "7"},
		{0, 1851, "boot-1", "since the observation began at 2026-11-28T08:00:00Z",
		 "since 2026-11-28T08:00:00Z", true, "7"},
		{7200, 1851, "boot-2", "since the reboot", "since the reboot", false, "7"},
		{7200, 1, "boot-1", "since the counters restarted", "since the counters restarted",
		 false, "7"},
		{7200, 1851, "boot-1", "since this network namespace was made",
		 "since this network namespace was made", false, "8.1"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wording words = {0};
		now.at[now.count - 1].value = rows[i].overflows;
		const struct probe_options o = {.since = &then, .since_began = rows[i].began};
		since = since_of(&o, rows[i].boot, rows[i].netns);
		enum since_reset reset = since_reset(&since, OVERFLOWS);
		since_words(&since, reset,
			    (struct timespec){.tv_sec = then.time.tv_sec + rows[i].age}, &words);
		assert_string_equal(wording_get(&words, "since"), rows[i].since);
		assert_string_equal(wording_get(&words, "after"), rows[i].after);
		assert_string_equal(wording_get(&words, "report"), "2026-11-28T08:00:00Z");
		assert_true(!wording_get(&words, "reboot")[0] == (reset != SINCE_REBOOT));
		assert_true(!wording_get(&words, "netns")[0] == (reset != SINCE_NETNS));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(growth_is_what_was_added, begin),
		cmocka_unit_test_setup(resets_are_recognised, begin),
		cmocka_unit_test_setup(counters_of_the_machine_go_on_in_another_namespace, begin),
		cmocka_unit_test_setup(drops_of_a_listener, begin),
		cmocka_unit_test_setup(nothing_without_a_report, begin),
		cmocka_unit_test_setup(words_name_report_or_reset, begin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
