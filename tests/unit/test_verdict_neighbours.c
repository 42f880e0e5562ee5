/* What probe neighbours makes of the tables: room for peers, proposals, refused entries. */
#define probe_neighbours neighbours_under_test
#define host_family family_of_host
#include "../../probes/neighbours.c"
#include "../support/support.h"
#include "../support/verdict.h"

#include <stdio.h>
#include <stdlib.h>

static int family;
int family_of_host(const struct host *h) { return family; }

#define V4(max, soft) IPV4 "gc_thresh3=" max "; " IPV4 "gc_thresh2=" soft "; "
#define V6(max, soft) IPV6 "gc_thresh3=" max "; " IPV6 "gc_thresh2=" soft "; "

static void the_smaller_table_must_hold_the_peers(void **state)
{
	static const struct {
		const char *values;
		uint64_t peers;
		enum wall_verdict verdict;
		int64_t limit;
		const char *proposals;
	} rows[] = {
		{V4("1024", "512") V6("1024", "512") "used=20; used6=8", 500, VERDICT_OK, 1004, ""},
		{V4("1024", "512") V6("1024", "512") "used=20; used6=8", 1000, VERDICT_TIGHT, 1004,
		 "net.ipv4.neigh.default.gc_thresh3 1024 -> 2048, "
		 "net.ipv6.neigh.default.gc_thresh3 1024 -> 2048, "
		 "net.ipv4.neigh.default.gc_thresh2 512 -> 2048, "
		 "net.ipv6.neigh.default.gc_thresh2 512 -> 2048"},
		/* One table is large enough. */
		{V4("8192", "8192") V6("1024", "512") "used=20; used6=8", 3000, VERDICT_SHORT, 1016,
		 "net.ipv6.neigh.default.gc_thresh3 1024 -> 4096, "
		 "net.ipv6.neigh.default.gc_thresh2 512 -> 4096"},
		{V4("1024", "512") "used=1024", 1, VERDICT_TIGHT, 0,
		 "net.ipv4.neigh.default.gc_thresh3 1024 -> 2048, "
		 "net.ipv4.neigh.default.gc_thresh2 512 -> 2048"},
		/* Entries that the limit does not count may be among those. */
		{V4("1024", "512") "used=900 1", 500, VERDICT_UNKNOWN, REPORT_NONE, ""},
		/* They may be those of the peers. */
		{V4("1024", "512") "used=900 0", 500, VERDICT_TIGHT, 124,
		 "net.ipv4.neigh.default.gc_thresh3 1024 -> 2048, "
		 "net.ipv4.neigh.default.gc_thresh2 512 -> 2048"},
		{V4("1024", "512") "used=900 0", 1025, VERDICT_SHORT, 124,
		 "net.ipv4.neigh.default.gc_thresh3 1024 -> 4096, "
		 "net.ipv4.neigh.default.gc_thresh2 512 -> 4096"},
		/* The table with more room may be the one that is too small. */
		{V4("1024", "512") V6("512", "512") "used=1000; used6=0", 600, VERDICT_SHORT, 512,
		 "net.ipv6.neigh.default.gc_thresh3 512 -> 1024, "
		 "net.ipv4.neigh.default.gc_thresh3 1024 -> 2048, "
		 "net.ipv4.neigh.default.gc_thresh2 512 -> 2048, "
		 "net.ipv6.neigh.default.gc_thresh2 512 -> 1024"},
		{V4("1024", "512") "used=200 1", 500, VERDICT_OK, 824, ""},
		{V4("1024", "512") "used=50 0", 500, VERDICT_OK, 974, ""},
		{V4("1024", "512") "used=900 1", 2000, VERDICT_SHORT, 1024,
		 "net.ipv4.neigh.default.gc_thresh3 1024 -> 4096, "
		 "net.ipv4.neigh.default.gc_thresh2 512 -> 4096"},
		/* What is in use is not readable. */
		{V4("1024", "512"), 500, VERDICT_UNKNOWN, REPORT_NONE, ""},
		/* In a namespace of its own neither is visible. */
		{"", 500, VERDICT_UNKNOWN, REPORT_NONE, ""},
	};
	const struct experiment *x = &experiments[0];
	const struct target t = target_default();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char row[24];
		struct settings s = verdict_settings(x, rows[i].values);
		s.peers = rows[i].peers;
		snprintf(row, sizeof(row), "row %zu", i);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		if (w->verdict != rows[i].verdict || w->limit != rows[i].limit)
			fail_msg("%s: verdict %d, limit %lld", row, (int)w->verdict,
				 (long long)w->limit);
		if (strcmp(verdict_proposals(r), rows[i].proposals) != 0)
			fail_msg("%s: \"%s\"", row, verdict_proposals(r));
		findings_are(row, r,
			     w->verdict == VERDICT_SHORT   ? "neighbours.short critical"
			     : w->verdict == VERDICT_TIGHT ? "neighbours.tight warning"
							   : "");
	}
}

#define LOOPBACK "00000000000000000000000000000001 01 80 10 80 lo\n"
#define LINK "fe80000000000000021122fffe334455 02 40 20 80 eth0\n"
#define GLOBAL "20010db8000000000000000000000001 02 40 00 80 eth0\n"

/* An address that reaches peers: each interface has one of the link. */
static void a_family_without_an_address_does_not_count(void **state)
{
	static const struct {
		const char *addresses; /* NULL: not readable */
		int family;
		bool ipv4, ipv6;
	} rows[] = {
		{LOOPBACK LINK, AF_INET, true, false},
		{LOOPBACK LINK GLOBAL, AF_INET, true, true},
		{LOOPBACK GLOBAL LINK, AF_INET6, false, true},
		{LOOPBACK LINK, AF_INET6, true, true},
		{"", AF_INET, true, false},
		{NULL, AF_INET, true, true},
		{"rubbish\n", AF_INET, true, true},
	};
	char root[] = "/tmp/epolltune.XXXXXX";
	struct host *h;
	assert_non_null(mkdtemp(root));
	struct output o = run("mkdir -p %s/proc/net", root);
	output_free(&o);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct settings s = verdict_settings(
			&experiments[0], V4("8192", "8192") V6("1024", "512") "used=1; used6=1");
		const char *addresses = rows[i].addresses;
		o = run("cd %s/proc/net && rm -f if_inet6 && %s '%s'%s", root,
			addresses ? "printf %s" : "true", addresses ? addresses : "",
			addresses ? " >if_inet6" : "");
		assert_int_equal(o.status, 0);
		output_free(&o);
		assert_int_equal(host_open(&h, root, NULL), 0);
		family = rows[i].family;
		table_read(h, &s);
		host_close(h);
		if ((s.at[MAX][0] != REPORT_NONE) != rows[i].ipv4 ||
		    (s.at[MAX6][0] != REPORT_NONE) != rows[i].ipv6 ||
		    !s.text[SOFT6][0] == rows[i].ipv6)
			fail_msg("row %zu: %lld, %lld", i, (long long)s.at[MAX][0],
				 (long long)s.at[MAX6][0]);
	}
	o = run("rm -r %s", root);
	output_free(&o);
}

static void the_wall_exists_with_peers_only(void **state)
{
	assert_false(experiments[0].applies(NULL, &(struct probe_options){0}));
	assert_true(experiments[0].applies(NULL, &(struct probe_options){.peers = 1}));
}

static void refused_entries_are_critical(void **state)
{
	static const struct {
		int64_t used, max, before, after;
		int64_t exempt;
		const char *findings, *title;
	} rows[] = {
		{900, 1024, 3, 3, 850, "", NULL},
		{900, 1024, 3, 3, 50, "neighbours.near warning",
		 "The neighbour table of IPv4 has 850 of 1 024 entries"},
		{900, 1024, 3, 3, REPORT_NONE, "neighbours.near note",
		 "The neighbour table of IPv4 has 900 of 1 024 entries"},
		{900, 1024, 3, 4, REPORT_NONE, "neighbours.full critical", NULL},
		{900, 1024, 3, 4, 850, "neighbours.full critical",
		 "The neighbour table of IPv4 refused 1 entry in 500 ms: 50 of 1 024"},
		{1024, 1024, 3, 12, 0, "neighbours.full critical",
		 "The neighbour table of IPv4 refused 9 entries in 500 ms: 1 024 of 1 024"},
		{700, 1024, 3, 4, 0, "neighbours.full critical",
		 "The neighbour table of IPv4 refused 1 entry in 500 ms: 700 of 1 024"},
		{820, 1024, 3, 3, 0, "neighbours.near warning",
		 "The neighbour table of IPv4 has 820 of 1 024 entries"},
		{819, 1024, 3, 3, 0, "", NULL},
		{900, REPORT_NONE, 3, 3, 0, "", NULL},
		{900, REPORT_NONE, 3, 4, 0, "neighbours.full critical",
		 "The neighbour table of IPv4 refused 1 entry in 500 ms"},
		{700, 1024, -1, 4, 0, "", NULL}, /* not readable before */
	};
	const struct target t = target_default();
	const struct moment m = {.target = &t, .seconds = 0.5};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		static struct sample looks[2];
		char row[24];
		for (size_t k = 0; k < 2; k++) {
			int64_t fulls = k ? rows[i].after : rows[i].before;
			looks[k].max[0] = rows[i].max;
			looks[k].exempt[0] = rows[i].exempt;
			looks[k].max[1] = REPORT_NONE;
			looks[k].counters =
				(struct host_counters){.count = 2,
						       .at = {{"arp_cache.entries", rows[i].used},
							      {"arp_cache.table_fulls", fulls}}};
		}
		snprintf(row, sizeof(row), "row %zu", i);
		report_init(&r);
		observation_judge(&looks[0], &looks[1], &m, &r);
		findings_are(row, &r, rows[i].findings);
		if (rows[i].title)
			assert_string_equal(r.findings[0].title, rows[i].title);
		const char *advice = rows[i].max < 0
					     ? "Raise net.ipv4.neigh.default.gc_thresh3, and"
					     : "sysctl -w net.ipv4.neigh.default.gc_thresh3=4096 "
					       "net.ipv4.neigh.default.gc_thresh2=2048;";
		if (r.finding_count && !strstr(r.findings[0].advice, advice))
			fail_msg("%s: %s", row, r.findings[0].advice);
	}
	/* Without the files of /proc/net/stat nothing is known. */
	static struct report r;
	static struct sample none;
	report_init(&r);
	observation_judge(&none, &none, &m, &r);
	assert_int_equal(r.finding_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_smaller_table_must_hold_the_peers),
		cmocka_unit_test(a_family_without_an_address_does_not_count),
		cmocka_unit_test(the_wall_exists_with_peers_only),
		cmocka_unit_test(refused_entries_are_critical),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
