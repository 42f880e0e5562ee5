/* What probe idle makes of keepalive times and of the timers of connections, and what a wire
 * forgets. */
#define probe_idle idle_under_test
#include "../../probes/idle.c"
#include "../support/support.h"
#include "../support/verdict.h"

#include "judge/settings.h"
#include "judge/verdict.h"
#include "lab/flow_memory.h"

#include <netinet/in.h>
#include <stdio.h>

static const struct experiment *const x = &experiments[0];
static const struct subject server = {.name = "nginx"};

static struct target target_of(uint64_t idle_s)
{
	struct target t = target_default();
	t.idle_us = idle_s * SECOND_US;
	return t;
}

static struct settings settings_of(const char *values)
{
	struct settings s = verdict_settings(x, values);
	s.subject = strstr(values, "seen=") ? &server : NULL;
	return s;
}

#define TIME_IS(s)                                                                                 \
	"net.ipv4.tcp_keepalive_time=" s "; then=" s "; retries=15; interval=75; probes=9"
#define SYSCTL(s) "net.ipv4.tcp_keepalive_time 7200 -> " s

static void a_probe_must_come_before_the_timeout(void **state)
{
	/* seen: with SO_KEEPALIVE, without, the longest timer; silent: the longest idle without, ms
	 */
	static const struct {
		const char *values;
		uint64_t idle_s;
		enum wall_verdict verdict;
		int64_t needed_s;
		const char *finding, *proposals;
		enum finding_remedy remedy;
	} rows[] = {
		{TIME_IS("7200"), 350, VERDICT_SHORT, 7200, "short critical", SYSCTL("280"),
		 REMEDY_KERNEL},
		{TIME_IS("7200"), 9000, VERDICT_OK, 7200, "", "", REMEDY_NONE},
		{TIME_IS("300"), 350, VERDICT_TIGHT, 300, "tight warning",
		 "net.ipv4.tcp_keepalive_time 300 -> 280", REMEDY_KERNEL},
		{TIME_IS("280"), 350, VERDICT_OK, 280, "", "", REMEDY_NONE},
		/* Nothing below it. */
		{TIME_IS("7200"), 1, VERDICT_SHORT, 7200, "short critical", "", REMEDY_KERNEL},
		/* Not readable. */
		{"retries=15", 350, VERDICT_UNKNOWN, 280, "", "", REMEDY_NONE},
		{"seen=2 0 280000; silent=0", 350, VERDICT_UNKNOWN, 280, "", "", REMEDY_NONE},
		{"seen=2 1 280000; silent=0", 350, VERDICT_UNKNOWN, 280, "", "", REMEDY_NONE},
		/* A server without connections. */
		{TIME_IS("7200") "; seen=0 0 0; silent=0", 350, VERDICT_SHORT, 7200,
		 "short critical", SYSCTL("280"), REMEDY_KERNEL},
		{TIME_IS("30") "; seen=0 0 0; silent=0", 350, VERDICT_UNKNOWN, 30, "", "",
		 REMEDY_NONE},
		/* The kernel's. */
		{TIME_IS("7200") "; seen=3 0 7199998; silent=0", 350, VERDICT_SHORT, 7200,
		 "short critical", SYSCTL("280"), REMEDY_KERNEL},
		{TIME_IS("7200") "; seen=2000 0 7100000; silent=0", 350, VERDICT_SHORT, 7200,
		 "short critical", SYSCTL("280"), REMEDY_KERNEL},
		{TIME_IS("240") "; seen=3 0 100000; silent=0", 350, VERDICT_OK, 240, "", "",
		 REMEDY_NONE},
		/* TCP_KEEPIDLE: more than the sysctl, in a range that chance does not explain, and
		 * below the timeout. */
		{TIME_IS("7200") "; seen=1 0 9000002; silent=0", 350, VERDICT_SHORT, 9000,
		 "short critical", "TCP_KEEPIDLE  -> 280", REMEDY_APPLICATION},
		{TIME_IS("7200") "; seen=20 0 3600000; silent=0", 350, VERDICT_SHORT, 3600,
		 "short critical", "TCP_KEEPIDLE  -> 280", REMEDY_APPLICATION},
		{TIME_IS("7200") "; seen=3 0 280000; silent=0", 350, VERDICT_OK, 280, "", "",
		 REMEDY_NONE},
		{TIME_IS("7200") "; seen=3 0 340000; silent=0", 350, VERDICT_TIGHT, 340,
		 "tight warning", "TCP_KEEPIDLE  -> 280", REMEDY_APPLICATION},
		{TIME_IS("240") "; seen=3 0 600000; silent=0", 350, VERDICT_SHORT, 600,
		 "short critical", "TCP_KEEPIDLE  -> 280", REMEDY_APPLICATION},
		/* Too few to know, as a timer may be near its end. */
		{TIME_IS("7200") "; seen=2 0 280000; silent=0", 350, VERDICT_UNKNOWN, 7200, "", "",
		 REMEDY_NONE},
		{TIME_IS("7200") "; seen=1 0 5000; silent=0", 350, VERDICT_UNKNOWN, 7200, "", "",
		 REMEDY_NONE},
		{TIME_IS("7200") "; seen=2000 0 5000000; silent=0", 6000, VERDICT_UNKNOWN, 7200, "",
		 "", REMEDY_NONE},
		/* Without SO_KEEPALIVE: the application's, with any sysctl. */
		{TIME_IS("7200") "; seen=0 4 0; silent=1000", 350, VERDICT_TIGHT, 280,
		 "application warning", "TCP_KEEPIDLE  -> 280", REMEDY_APPLICATION},
		{TIME_IS("240") "; seen=0 1 0; silent=900000", 350, VERDICT_TIGHT, 280,
		 "application warning", "TCP_KEEPIDLE  -> 280", REMEDY_APPLICATION},
		{TIME_IS("7200") "; seen=1 2 280000; silent=0", 350, VERDICT_TIGHT, 280,
		 "application warning", "TCP_KEEPIDLE  -> 280", REMEDY_APPLICATION},
		/* Some of both. */
		{TIME_IS("7200") "; seen=3 1 7200000; silent=0", 350, VERDICT_SHORT, 7200,
		 "short critical", SYSCTL("280") ", TCP_KEEPIDLE  -> 280", REMEDY_KERNEL},
		{TIME_IS("240") "; seen=3 1 240000; silent=0", 350, VERDICT_TIGHT, 240,
		 "application warning", "TCP_KEEPIDLE  -> 280", REMEDY_APPLICATION},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char row[24], finding[64] = "";
		const struct target t = target_of(rows[i].idle_s);
		struct settings s = settings_of(rows[i].values), then;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		snprintf(row, sizeof(row), "row %zu", i);
		if (w->verdict != rows[i].verdict || w->needed != rows[i].needed_s * SECOND_US)
			fail_msg("%s: verdict %d, needed %lld", row, (int)w->verdict,
				 (long long)w->needed);
		if (w->limit != (w->verdict == VERDICT_UNKNOWN ? REPORT_NONE : (int64_t)t.idle_us))
			fail_msg("%s: limit %lld", row, (long long)w->limit);
		if (rows[i].finding[0])
			snprintf(finding, sizeof(finding), "idle.keepalive.%s", rows[i].finding);
		findings_are(row, r, finding);
		if (strcmp(verdict_proposals(r), rows[i].proposals) != 0)
			fail_msg("%s: \"%s\"", row, verdict_proposals(r));
		if (r->finding_count && r->findings[0].remedy != rows[i].remedy)
			fail_msg("%s: remedy %d", row, (int)r->findings[0].remedy);
		/* What is proposed is enough. */
		if (!settings_solve(x, &t, &s, NULL, &then))
			continue;
		if (verdict_of(x, &t, &then, NULL)->walls[0].verdict != VERDICT_OK)
			fail_msg("%s: the proposal does not suffice", row);
	}
}

/* Nor does the wire show whether the server sets SO_KEEPALIVE. */
static void a_server_without_connections_is_not_known(void **state)
{
	const struct target t = target_of(350);
	struct settings s = settings_of(TIME_IS("30") "; seen=0 0 0; silent=0");
	struct outcome o = verdict_outcome((int64_t)t.idle_us, true);
	const struct report *r = verdict_of(x, &t, &s, &o);
	assert_int_equal(r->walls[0].verdict, VERDICT_UNKNOWN);
	assert_non_null(strstr(r->walls[0].detail, "suffices only if it sets SO_KEEPALIVE"));
	s.subject = NULL;
	r = verdict_of(x, &t, &s, &o);
	assert_int_equal(r->walls[0].verdict, VERDICT_OK);
}

static void the_line_of_a_known_server_is_named(void **state)
{
	static const struct {
		const char *name, *advice;
	} rows[] = {
		{"nginx", "nginx: listen ADDRESS so_keepalive=280s;"},
		{"redis-server", "Redis: tcp-keepalive 280"},
		{"haproxy",
		 "HAProxy: option clitcpka and clitcpka-idle 280s, for servers option srvtcpka "
		 "and srvtcpka-idle 280s"},
		{"other", "Set SO_KEEPALIVE and TCP_KEEPIDLE=280 in the application."},
	};
	const struct target t = target_of(350);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct subject who = {0};
		snprintf(who.name, sizeof(who.name), "%s", rows[i].name);
		struct settings s =
			verdict_settings(x, TIME_IS("7200") "; seen=0 2 0; silent=400000");
		s.subject = &who;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		assert_string_equal(r->findings[0].advice, rows[i].advice);
		assert_non_null(strstr(r->findings[0].detail, "One has been idle for 400 s"));
	}
}

static void the_wall_exists_with_a_timeout_only(void **state)
{
	const struct target with = target_of(1), without = target_default();
	const struct probe_options o = {.subject = &server};
	assert_true(x->applies(&with, &o));
	assert_false(x->applies(&without, &o));
}

/* net/ipv4/tcp_timer.c; 924.6 s is the figure of ip-sysctl.rst for 15. */
static void a_write_hangs_as_long_as_the_kernel_says(void **state)
{
	static const struct {
		int64_t retries, rto_max, ms;
	} rows[] = {
		{15, REPORT_NONE, 924600}, {15, 120000, 924600}, {0, 120000, 200},
		{8, 120000, 102200},       {9, 120000, 204600},  {10, 120000, 324600},
		{15, 5000, 61200},         {3, 5000, 3000},      {15, 1000, 14400},
		{REPORT_NONE, 120000, -1},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (hang_ms(rows[i].retries, rows[i].rto_max) != rows[i].ms)
			fail_msg("row %zu: %lld", i,
				 (long long)hang_ms(rows[i].retries, rows[i].rto_max));
}

static void connections_are_counted_by_their_timers(void **state)
{
	static struct connection_states c = {
		.count = 5,
		.at = {{.keepalive = KEEPALIVE_ON, .keepalive_ms = 240000, .silent_ms = 900000},
		       {.keepalive = KEEPALIVE_OFF, .silent_ms = 4000},
		       {.keepalive = KEEPALIVE_ON, .keepalive_ms = 300000},
		       {.keepalive = KEEPALIVE_HIDDEN, .silent_ms = 700000},
		       {.keepalive = KEEPALIVE_OFF, .silent_ms = 100}}};
	int64_t seen[3], silent;
	connections_count(&c, seen, &silent);
	assert_int_equal(seen[ON], 2);
	assert_int_equal(seen[OFF], 2);
	assert_int_equal(seen[LONGEST], 300000);
	assert_int_equal(silent, 4000);
}

static void a_run_counts_only_where_the_wire_forgot_the_right_ones(void **state)
{
	static const struct {
		bool without, above, below;
		int64_t keepalive_s;
		bool lacks;
		enum outcome_state is;
		double acknowledged;
	} rows[] = {
		{false, false, true, 7200, false, OUTCOME_CONCLUSIVE, 0},
		{false, false, true, 280, false, OUTCOME_CONCLUSIVE, 1},
		{false, false, true, 280, true, OUTCOME_CONCLUSIVE, 0},
		{false, false, false, 280, false, OUTCOME_INCONCLUSIVE, 0},
		{true, false, true, 280, false, OUTCOME_INCONCLUSIVE, 0},
		{false, true, true, 7200, false, OUTCOME_INCONCLUSIVE, 0},
	};
	const struct target t = target_of(350);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct context c = {.flows = {[WITHOUT] = {.acknowledged = rows[i].without},
						    [ABOVE] = {.acknowledged = rows[i].above},
						    [BELOW] = {.acknowledged = rows[i].below}}};
		struct outcome out = verdict_outcome(REPORT_NONE, false);
		idle_outcome(&c, &t, rows[i].keepalive_s * SECOND_US, rows[i].lacks, &out);
		if (out.state != rows[i].is)
			fail_msg("row %zu: state %d", i, (int)out.state);
		if (out.state == OUTCOME_CONCLUSIVE &&
		    (out.metric[ACKNOWLEDGED] != rows[i].acknowledged || !out.derived))
			fail_msg("row %zu: %g", i, out.metric[ACKNOWLEDGED]);
	}
}

static void a_wire_forgets_idle_connections(void **state)
{
	enum { IP4 = 4, IP6 = 6, UDP = 17 };
	/* One after the other; `ms`: when. */
	static const struct {
		unsigned ms, from, to;
		int ip, protocol;
		bool syn, passes;
	} rows[] = {
		{500, 5000, 80, IP4, IPPROTO_TCP, false, false}, /* not known */
		{1000, 5000, 80, IP4, IPPROTO_TCP, true, true},
		{1001, 80, 5000, IP4, IPPROTO_TCP, true, true},
		{1099, 5000, 80, IP4, IPPROTO_TCP, false, true},
		{1199, 80, 5000, IP4, IPPROTO_TCP, false, true}, /* either way keeps it */
		{1200, 5001, 80, IP4, IPPROTO_TCP, false, false},
		{1300, 5000, 80, IP4, IPPROTO_TCP, false, false},
		{1301, 5000, 80, IP4, IPPROTO_TCP, false,
		 false}, /* what is dropped keeps nothing */
		{1302, 80, 5000, IP4, IPPROTO_TCP, false, false},
		{1303, 5000, 80, IP4, UDP, false, true},
		{1310, 5000, 80, IP4, IPPROTO_TCP, true, true},
		{1311, 5000, 80, IP4, IPPROTO_TCP, false, true},
		{1320, 5002, 80, IP6, IPPROTO_TCP, true, true},
		{1420, 5002, 80, IP6, IPPROTO_TCP, false, true},
		{1521, 5002, 80, IP6, IPPROTO_TCP, false, false},
	};
	static struct flow_memory memory = {.idle_ns = 100000000};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned char packet[60] = {(unsigned char)(rows[i].ip == IP4 ? 0x45 : 0x60)};
		const size_t header = rows[i].ip == IP4 ? 20 : 40;
		unsigned char *tcp = packet + header;
		packet[rows[i].ip == IP4 ? 9 : 6] = (unsigned char)rows[i].protocol;
		tcp[0] = (unsigned char)(rows[i].from >> 8);
		tcp[1] = (unsigned char)rows[i].from;
		tcp[2] = (unsigned char)(rows[i].to >> 8);
		tcp[3] = (unsigned char)rows[i].to;
		tcp[13] = rows[i].syn ? 2 : 16;
		if (flow_memory_passes(&memory, packet, header + 20, rows[i].ms * 1000000ULL) !=
		    rows[i].passes)
			fail_msg("row %zu", i);
		/* What is cut short is no connection. */
		assert_true(flow_memory_passes(&memory, packet, header + 19, 0));
	}
	assert_true(flow_memory_passes(&memory, NULL, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_probe_must_come_before_the_timeout),
		cmocka_unit_test(a_server_without_connections_is_not_known),
		cmocka_unit_test(the_line_of_a_known_server_is_named),
		cmocka_unit_test(the_wall_exists_with_a_timeout_only),
		cmocka_unit_test(a_write_hangs_as_long_as_the_kernel_says),
		cmocka_unit_test(connections_are_counted_by_their_timers),
		cmocka_unit_test(a_run_counts_only_where_the_wire_forgot_the_right_ones),
		cmocka_unit_test(a_wire_forgets_idle_connections),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
