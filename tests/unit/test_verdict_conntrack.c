/* What probe conntrack makes of a table: entries of the target, proposals, a full table, drops. */
#define probe_conntrack conntrack_under_test
#include "../../probes/conntrack.c"
#include "../support/support.h"
#include "../support/verdict.h"

#include <stdio.h>

#define TABLE "net.netfilter.nf_conntrack_max=262144; net.netfilter.nf_conntrack_buckets=262144; "

static void the_targets_entries_need_room(void **state)
{
	static const struct {
		const char *values;
		enum target_role role;
		uint64_t connections, rate;
		enum wall_verdict verdict;
		int64_t needed;
		const char *proposals;
	} rows[] = {
		{TABLE "time_wait=120; nf_conntrack_count=5; tracked=1", TARGET_SERVER, 10000, 1000,
		 VERDICT_OK, 130000, ""},
		{TABLE "time_wait=120; nf_conntrack_count=100000; tracked=1", TARGET_SERVER, 10000,
		 1000, VERDICT_TIGHT, 130000, "net.netfilter.nf_conntrack_max 262144 -> 524288"},
		{TABLE "time_wait=120; nf_conntrack_count=262144; tracked=1", TARGET_SERVER, 10000,
		 1000, VERDICT_SHORT, 130000, "net.netfilter.nf_conntrack_max 262144 -> 524288"},
		/* Lowered below what is in use. */
		{TABLE "time_wait=120; nf_conntrack_count=300000; tracked=1", TARGET_SERVER, 1, 1,
		 VERDICT_SHORT, 121, "net.netfilter.nf_conntrack_max 262144 -> 524288"},
		{TABLE "time_wait=30; nf_conntrack_count=5; tracked=1", TARGET_PROXY, 10000, 1000,
		 VERDICT_OK, 80000, ""},
		{TABLE "time_wait=120; nf_conntrack_count=5; tracked=1", TARGET_PROXY, 10000, 1000,
		 VERDICT_TIGHT, 260000, "net.netfilter.nf_conntrack_max 262144 -> 524288"},
		/* The time is not readable: 120 s. */
		{TABLE "nf_conntrack_count=5; tracked=1", TARGET_SERVER, 10000, 1000, VERDICT_OK,
		 130000, ""},
		/* A chain of eight entries at most. */
		{"net.netfilter.nf_conntrack_max=262144; net.netfilter.nf_conntrack_buckets=16384; "
		 "time_wait=120; nf_conntrack_count=5; tracked=1",
		 TARGET_SERVER, 10000, 10000, VERDICT_SHORT, 1210000,
		 "net.netfilter.nf_conntrack_max 262144 -> 2097152, "
		 "net.netfilter.nf_conntrack_buckets 16384 -> 524288"},
		/* More than the kernel counts: the value would have to be 2^31. */
		{TABLE "time_wait=120; nf_conntrack_count=5; tracked=1", TARGET_SERVER, 10000,
		 30000000, VERDICT_SHORT, 3600010000, ""},
		{"net.netfilter.nf_conntrack_max=0; nf_conntrack_count=5; tracked=1", TARGET_SERVER,
		 10000, 10000, VERDICT_OK, REPORT_NONE, ""},
		{TABLE "time_wait=120; nf_conntrack_count=0; tracked=0", TARGET_SERVER, 10000,
		 10000, VERDICT_NA, REPORT_NONE, ""},
		{"tracked=0", TARGET_SERVER, 10000, 10000, VERDICT_NA, REPORT_NONE, ""},
		/* A tree of another tool lacks the directory. */
		{"", TARGET_SERVER, 10000, 10000, VERDICT_UNKNOWN, REPORT_NONE, ""},
		/* The entries are not readable, or the maximum is not (a user namespace). */
		{TABLE "time_wait=120; tracked=1", TARGET_SERVER, 10000, 1000, VERDICT_UNKNOWN,
		 130000, ""},
		{"time_wait=120; nf_conntrack_count=5; tracked=1", TARGET_SERVER, 10000, 1000,
		 VERDICT_UNKNOWN, 130000, ""},
	};
	const struct experiment *x = &experiments[0];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct target t = target_default();
		char row[24];
		snprintf(row, sizeof(row), "row %zu", i);
		t.role = rows[i].role;
		t.connections = rows[i].connections;
		t.rate_per_s = rows[i].rate;
		struct settings s = verdict_settings(x, rows[i].values);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		if (w->verdict != rows[i].verdict || w->needed != rows[i].needed)
			fail_msg("%s: verdict %d, needed %lld", row, (int)w->verdict,
				 (long long)w->needed);
		if (strcmp(verdict_proposals(r), rows[i].proposals) != 0)
			fail_msg("%s: \"%s\"", row, verdict_proposals(r));
		findings_are(row, r,
			     w->verdict == VERDICT_SHORT   ? "conntrack.short critical"
			     : w->verdict == VERDICT_TIGHT ? "conntrack.tight warning"
							   : "");
	}
}

/* What the server has open is in the table already, and no more than that. */
static void what_is_open_is_not_needed_again(void **state)
{
	static const struct {
		const char *values;
		enum target_role role;
		uint64_t connections, rate, open;
		enum wall_verdict verdict;
		int64_t needed;
	} rows[] = {
		{"120; nf_conntrack_count=120000", TARGET_SERVER, 120000, 800, 120000, VERDICT_OK,
		 96000},
		{"120; nf_conntrack_count=120000", TARGET_SERVER, 120000, 800, 0, VERDICT_SHORT,
		 216000},
		{"120; nf_conntrack_count=5", TARGET_SERVER, 10000, 1000, 10000, VERDICT_OK,
		 129995},
		{"30; nf_conntrack_count=30000", TARGET_PROXY, 10000, 1000, 10000, VERDICT_OK,
		 60000},
		{"120; nf_conntrack_count=30000", TARGET_SERVER, 10000, 0, 20000, VERDICT_OK, 0},
	};
	const struct experiment *x = &experiments[0];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char values[256];
		struct target t = target_default();
		t.role = rows[i].role;
		t.connections = rows[i].connections;
		t.rate_per_s = rows[i].rate;
		snprintf(values, sizeof(values), TABLE "tracked=1; time_wait=%s", rows[i].values);
		struct settings s = verdict_settings(x, values);
		s.taken.open = rows[i].open;
		const struct wall *w = &verdict_of(x, &t, &s, NULL)->walls[0];
		if (w->verdict != rows[i].verdict || w->needed != rows[i].needed)
			fail_msg("row %zu: verdict %d, needed %lld", i, (int)w->verdict,
				 (long long)w->needed);
		assert_true(!rows[i].open == !strstr(w->detail, "that the server has open"));
	}
}

/* Entries are of others: it is not that there are none. */
static void a_server_without_tcp_is_not_limited(void **state)
{
	struct subject subject = {.name = "unbound", .pid = 7};
	const struct experiment *x = &experiments[0];
	struct target t = target_default();
	struct settings s =
		verdict_settings(x, TABLE "time_wait=120; nf_conntrack_count=5; tracked=0");
	s.subject = &subject;
	const struct wall *w = &verdict_of(x, &t, &s, NULL)->walls[0];
	assert_int_equal(w->verdict, VERDICT_NA);
	assert_string_equal(w->detail,
			    "The server has no TCP listener: this table does not limit it.");
	s = verdict_settings(x, TABLE "time_wait=120; nf_conntrack_count=0; tracked=0");
	w = &verdict_of(x, &t, &s, NULL)->walls[0];
	assert_string_equal(w->detail, "No connection is tracked in this network namespace.");
}

static struct sample sample_of(int64_t used, int64_t max, int64_t drops, int64_t clashes)
{
	struct sample s = {.used = used, .max = max};
	if (drops >= 0)
		s.counters =
			(struct host_counters){.count = 2,
					       .at = {{"nf_conntrack.drop", drops},
						      {"nf_conntrack.insert_failed", clashes}}};
	return s;
}

static void a_full_table_and_drops_are_critical(void **state)
{
	static const struct {
		int64_t used, max, before, after; /* drops; -1: not readable */
		int64_t clashes;                  /* insert_failed has grown by */
		double seconds;
		const char *title; /* "": silence */
	} rows[] = {
		{65536, 65536, 12, 12, 0, 0.5,
		 "Connection tracking is full: 65 536 of 65 536 entries"},
		{65536, 65536, 12, 112, 0, 0.5,
		 "Connection tracking is full: 65 536 of 65 536 entries and 100 packets dropped in "
		 "500 ms"},
		{65536, 65536, -1, -1, 0, 0,
		 "Connection tracking is full: 65 536 of 65 536 entries"},
		{65530, 65536, 12, 13, 0, 0.5, "Connection tracking dropped 1 packet in 500 ms"},
		{65530, 65536, 12, 12, 0, 0.5, ""},
		{65530, 65536, 12, 12, 0, 0, ""},
		{70000, 0, 0, 0, 0, 0.5, ""}, /* no limit */
		{0, REPORT_NONE, -1, -1, 0, 0.5, ""},
		{REPORT_NONE, REPORT_NONE, -1, -1, 0, 0.5, ""},
		/* Two packets of one connection at the same time, in a table with room. */
		{1000, 65536, 12, 20, 8, 0.5, ""},
		{1000, 65536, 12, 21, 8, 0.5, "Connection tracking dropped 1 packet in 500 ms"},
		{65000, 65536, 12, 20, 8, 0.5, "Connection tracking dropped 8 packets in 500 ms"},
		/* In a user namespace the maximum is not readable. */
		{1000, REPORT_NONE, 12, 13, 0, 0.5,
		 "Connection tracking dropped 1 packet in 500 ms"},
	};
	const struct target t = target_default();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		static struct sample before, after;
		struct moment m = {.target = &t, .seconds = rows[i].seconds};
		char row[24];
		before = sample_of(rows[i].used, rows[i].max, rows[i].before, 5);
		after = sample_of(rows[i].used, rows[i].max, rows[i].after, 5 + rows[i].clashes);
		snprintf(row, sizeof(row), "row %zu", i);
		report_init(&r);
		observation_judge(&before, &after, &m, &r);
		findings_are(row, &r, rows[i].title[0] ? "conntrack.full critical" : "");
		if (rows[i].title[0])
			assert_string_equal(r.findings[0].title, rows[i].title);
		if (rows[i].title[0] && rows[i].max == REPORT_NONE)
			assert_string_equal(r.findings[0].proposals[0].current, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_targets_entries_need_room),
		cmocka_unit_test(what_is_open_is_not_needed_again),
		cmocka_unit_test(a_server_without_tcp_is_not_limited),
		cmocka_unit_test(a_full_table_and_drops_are_critical),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
