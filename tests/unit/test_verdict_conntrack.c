/* What probe conntrack makes of a table: entries of the target, proposals, a full table, drops. */
#define probe_conntrack conntrack_under_test
#define connection_open_read open_read
#include "../../probes/conntrack.c"
#include "../support/support.h"
#include "../support/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A captured machine has no connections. */
#define READ 7
void open_read(const struct host *h, struct settings *s) { s->taken.open = READ; }

#define TABLE "net.netfilter.nf_conntrack_max=262144; net.netfilter.nf_conntrack_buckets=262144; "

/* A connection to a UNIX socket has none. */
static void a_proxy_to_unix_sockets_needs_one_entry_for_a_client(void **state)
{
	const struct experiment *x = &experiments[0];
	struct target t = target_default();
	t.role = TARGET_PROXY;
	t.connections = 20000;
	t.rate_per_s = 1000;
	for (int portless = 0; portless < 2; portless++) {
		struct settings s =
			verdict_settings(x, TABLE "time_wait=120; nf_conntrack_count=5; tracked=1");
		s.portless = portless;
		const struct wall *w = verdict_of(x, &t, &s, NULL)->walls;
		assert_int_equal(w->needed, portless ? 140000 : 280000);
		assert_int_equal(w->verdict, portless ? VERDICT_OK : VERDICT_SHORT);
	}
}

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

#define CHAINED(max, buckets)                                                                      \
	"net.netfilter.nf_conntrack_max=" max "; net.netfilter.nf_conntrack_buckets=" buckets      \
	"; time_wait=120; tracked=1; nf_conntrack_count="

/* A new connection with a chain that is too long is dropped, however far the maximum is. */
static void hash_chains_limit_the_table(void **state)
{
	static const struct {
		const char *values;
		unsigned kernel;
		uint64_t connections, rate;
		enum wall_verdict verdict;
		int64_t limit;
		const char *proposals, *says;
	} rows[] = {
		{CHAINED("1200000", "16384") "20", KERNEL(6, 18), 300000, 5000, VERDICT_SHORT,
		 327660, "net.netfilter.nf_conntrack_buckets 16384 -> 524288",
		 "16 384 buckets have 110 on average; from 327 680 entries on this kernel drops new"},
		{CHAINED("1200000", "16384") "20", KERNEL(6, 18), 20000, 2100, VERDICT_TIGHT,
		 327660, "net.netfilter.nf_conntrack_buckets 16384 -> 131072", ""},
		{CHAINED("1200000", "16384") "20", KERNEL(6, 18), 20000, 1000, VERDICT_OK, 327660,
		 "", "have 17 on average"},
		/* No limit at all but for the chains. */
		{CHAINED("0", "16384") "20", KERNEL(6, 18), 300000, 5000, VERDICT_SHORT, 327660,
		 "net.netfilter.nf_conntrack_buckets 16384 -> 524288", ""},
		{CHAINED("0", "262144") "20", KERNEL(6, 18), 300000, 5000, VERDICT_OK, 5242860, "",
		 ""},
		/* Before 5.15 long chains are slow, no more. */
		{CHAINED("1200000", "16384") "20", KERNEL(5, 10), 300000, 5000, VERDICT_OK, 1199980,
		 "", "110 on average."},
		{CHAINED("0", "16384") "20", KERNEL(5, 10), 300000, 5000, VERDICT_OK, REPORT_NONE,
		 "", ""},
		/* The same in a kernel of RHEL 9: how long its chains are is not known. */
		{CHAINED("1048576", "262144") "20 -1 1", KERNEL(5, 14), 100000, 5000, VERDICT_TIGHT,
		 1048556, "net.netfilter.nf_conntrack_buckets 262144 -> 524288",
		 "from 655 360 entries on this kernel may drop"},
		{CHAINED("1048576", "262144") "20 -1 0", KERNEL(5, 14), 100000, 5000, VERDICT_OK,
		 1048556, "", "on average."},
		/* Shorter ones: without the change, with it, and where it is not known. */
		{CHAINED("1200000", "262144") "20 90", KERNEL(5, 15), 300000, 5000, VERDICT_SHORT,
		 655340, "net.netfilter.nf_conntrack_buckets 262144 -> 1048576",
		 "from 655 360 entries on this kernel drops"},
		{CHAINED("1200000", "262144") "20 103", KERNEL(5, 15), 300000, 5000, VERDICT_OK,
		 1199980, "", "on average."},
		{CHAINED("1200000", "262144") "20", KERNEL(5, 15), 300000, 5000, VERDICT_TIGHT,
		 1199980, "net.netfilter.nf_conntrack_buckets 262144 -> 1048576",
		 "from 655 360 entries on this kernel may drop"},
		{CHAINED("1200000", "262144") "20", KERNEL(5, 15), 300000, 1000, VERDICT_OK,
		 1199980, "", "on average."},
		{CHAINED("1200000", "262144") "20 19", KERNEL(6, 0), 300000, 5000, VERDICT_SHORT,
		 655340, "net.netfilter.nf_conntrack_buckets 262144 -> 1048576", ""},
		{CHAINED("1200000", "262144") "20 20", KERNEL(6, 1), 300000, 5000, VERDICT_OK,
		 1199980, "", ""},
		{CHAINED("1200000", "262144") "20 6", KERNEL(6, 2), 300000, 5000, VERDICT_SHORT,
		 655340, "net.netfilter.nf_conntrack_buckets 262144 -> 1048576", ""},
		/* The defaults: as many buckets as entries, and a quarter before 5.15 or with
		 * kube-proxy. */
		{CHAINED("262144", "262144") "20", KERNEL(6, 18), 10000, 1000, VERDICT_OK, 262124,
		 "", ""},
		{CHAINED("262144", "262144") "20", KERNEL(6, 1), 10000, 1000, VERDICT_OK, 262124,
		 "", "on average."},
		{CHAINED("65536", "65536") "20", KERNEL(6, 1), 10000, 300, VERDICT_OK, 65516, "",
		 "on average."},
		{CHAINED("262144", "65536") "20 76", KERNEL(6, 1), 10000, 1000, VERDICT_OK, 262124,
		 "", "on average."},
		{CHAINED("65536", "16384") "20", KERNEL(5, 10), 10000, 300, VERDICT_OK, 65516, "",
		 ""},
		{CHAINED("262144", "65536") "20", KERNEL(6, 18), 10000, 1000, VERDICT_OK, 262124,
		 "", ""},
		/* Buckets that cannot be read. */
		{"net.netfilter.nf_conntrack_max=1200000; time_wait=120; tracked=1; "
		 "nf_conntrack_count=20",
		 KERNEL(6, 18), 300000, 5000, VERDICT_OK, 1199980, "", ""},
	};
	const struct experiment *x = &experiments[0];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct target t = target_default();
		t.connections = rows[i].connections;
		t.rate_per_s = rows[i].rate;
		struct settings s = verdict_settings(x, rows[i].values);
		s.machine.kernel = rows[i].kernel;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		if (w->verdict != rows[i].verdict || w->limit != rows[i].limit ||
		    strcmp(verdict_proposals(r), rows[i].proposals) != 0 ||
		    !strstr(w->detail, rows[i].says))
			fail_msg("row %zu: verdict %d, limit %lld, \"%s\": %s", i, (int)w->verdict,
				 (long long)w->limit, verdict_proposals(r), w->detail);
		if (r->finding_count && strpbrk(r->findings[0].detail, "{}"))
			fail_msg("row %zu: %s", i, r->findings[0].detail);
	}
}

/* What the server has open is in the table already, and no more than that. */
static void what_is_open_is_not_needed_again(void **state)
{
	static const struct {
		const char *values;
		enum target_role role;
		uint64_t connections, rate, open, opened;
		enum wall_verdict verdict;
		int64_t needed, needed_max;
		const char *proposals;
	} rows[] = {
		{"120; nf_conntrack_count=120000", TARGET_SERVER, 120000, 800, 120000, 0,
		 VERDICT_OK, 96000, REPORT_NONE, ""},
		{"120; nf_conntrack_count=5", TARGET_SERVER, 10000, 1000, 10000, 0, VERDICT_OK,
		 129995, REPORT_NONE, ""},
		/* Entries of others, or of connections that it has closed: what is not open is
		 * needed in any case. */
		{"120; nf_conntrack_count=216000", TARGET_SERVER, 120000, 800, 120000, 0,
		 VERDICT_TIGHT, 1, 96000, "net.netfilter.nf_conntrack_max 262144 -> 524288"},
		{"120; nf_conntrack_count=150000", TARGET_SERVER, 120000, 800, 120000, 0,
		 VERDICT_TIGHT, 66000, 96000, "net.netfilter.nf_conntrack_max 262144 -> 524288"},
		{"120; nf_conntrack_count=120000", TARGET_SERVER, 120000, 800, 0, 0, VERDICT_TIGHT,
		 120000, 216000, "net.netfilter.nf_conntrack_max 262144 -> 524288"},
		{"120; nf_conntrack_count=200000", TARGET_SERVER, 120000, 800, 0, 0, VERDICT_SHORT,
		 120000, 216000, "net.netfilter.nf_conntrack_max 262144 -> 524288"},
		{"30; nf_conntrack_count=30000", TARGET_PROXY, 10000, 1000, 10000, 10000,
		 VERDICT_OK, 50000, 60000, ""},
		/* A proxy has one entry for a silent client. */
		{"30; nf_conntrack_count=10000", TARGET_PROXY, 10000, 1000, 10000, 0, VERDICT_OK,
		 70000, REPORT_NONE, ""},
		{"120; nf_conntrack_count=30000", TARGET_SERVER, 10000, 0, 20000, 0, VERDICT_OK, 1,
		 REPORT_NONE, ""},
		/* A full table has no entry for the client that comes next. */
		{"120; nf_conntrack_count=262144", TARGET_SERVER, 10000, 0, 20000, 0, VERDICT_SHORT,
		 1, REPORT_NONE, "net.netfilter.nf_conntrack_max 262144 -> 524288"},
		{"120; nf_conntrack_count=262143", TARGET_PROXY, 10000, 0, 20000, 20000,
		 VERDICT_SHORT, 2, REPORT_NONE, "net.netfilter.nf_conntrack_max 262144 -> 524288"},
	};
	struct listener at = {.kind = LISTENER_TCP, .address = "0.0.0.0:80"};
	struct subject subject = {.pid = 7, .listeners = {.at = &at, .count = 1}};
	const struct experiment *x = &experiments[0];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char values[256];
		struct target t = target_default();
		t.role = rows[i].role;
		t.connections = rows[i].connections;
		t.rate_per_s = rows[i].rate;
		snprintf(values, sizeof(values), TABLE "tracked=1; time_wait=%s", rows[i].values);
		struct settings s = verdict_settings(x, values);
		s.subject = &subject;
		s.taken.open = rows[i].open;
		s.taken.opened = rows[i].opened;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		if (w->verdict != rows[i].verdict || w->needed != rows[i].needed ||
		    w->needed_max != rows[i].needed_max ||
		    strcmp(verdict_proposals(r), rows[i].proposals) != 0)
			fail_msg("row %zu: verdict %d, needed %lld to %lld: %s", i, (int)w->verdict,
				 (long long)w->needed, (long long)w->needed_max,
				 verdict_proposals(r));
		assert_true(!rows[i].open == !strstr(w->detail, "that the server has open"));
		assert_true((rows[i].needed_max == REPORT_NONE) ==
			    !strstr(w->detail,
				    rows[i].open ? "it has closed" : "the server has closed"));
	}
}

/* Entries are of others: it is not that there are none. */
static void a_server_of_unix_sockets_is_not_limited(void **state)
{
	struct listener at = {.kind = LISTENER_UNIX, .address = "unix:/run/app.sock"};
	struct subject subject = {.name = "app", .pid = 7, .listeners = {.at = &at, .count = 1}};
	const struct experiment *x = &experiments[0];
	struct target t = target_default();
	struct settings s =
		verdict_settings(x, TABLE "time_wait=120; nf_conntrack_count=5; tracked=0");
	s.subject = &subject;
	const struct wall *w = &verdict_of(x, &t, &s, NULL)->walls[0];
	assert_int_equal(w->verdict, VERDICT_NA);
	assert_string_equal(w->detail,
			    "The server has no TCP or UDP socket: this table does not limit it.");
	s = verdict_settings(x, TABLE "time_wait=120; nf_conntrack_count=0; tracked=0");
	w = &verdict_of(x, &t, &s, NULL)->walls[0];
	assert_string_equal(w->detail, "No connection is tracked in this network namespace.");
}

/* A flow of UDP has an entry; how many flows datagrams are is not known. */
static void datagrams_need_entries(void **state)
{
	static const struct {
		const char *used;
		bool tcp;
		size_t sockets; /* of UDP */
		uint64_t datagrams;
		bool only;
		enum wall_verdict verdict;
		int64_t needed, needed_max;
		const char *proposals, *says;
	} rows[] = {
		{"5", false, 1, 0, false, VERDICT_OK, 5, REPORT_NONE, "",
		 "Without --datagrams the entries in use are the need:"},
		{"200000", false, 1, 0, false, VERDICT_OK, 200000, REPORT_NONE, "", ""},
		{"230000", false, 1, 0, false, VERDICT_TIGHT, 230000, REPORT_NONE,
		 "net.netfilter.nf_conntrack_max 262144 -> 524288", ""},
		{"262144", false, 1, 0, false, VERDICT_TIGHT, 262144, REPORT_NONE,
		 "net.netfilter.nf_conntrack_max 262144 -> 524288", ""},
		{"", false, 1, 0, false, VERDICT_UNKNOWN, REPORT_NONE, REPORT_NONE, "", ""},
		{"5", false, 1, 1000, false, VERDICT_OK, 1, 120000, "",
		 "for 120 s after a datagram, up to 120 000 at a time; how many"},
		{"5", false, 1, 10000, false, VERDICT_UNKNOWN, 1, 1200000, "",
		 "up to 1 200 000 at a time;"},
		{"5", false, 8, 1000, false, VERDICT_OK, 1, 120000, "", ""},
		{"262144", false, 1, 1, false, VERDICT_SHORT, 1, 120,
		 "net.netfilter.nf_conntrack_max 262144 -> 524288", ""},
		/* With --datagrams of a server that has no UDP socket nothing comes. */
		{"5", true, 0, 10000, false, VERDICT_OK, 129995, 130000, "", ""},
		{"5", true, 1, 0, false, VERDICT_OK, 129995, 130000, "", ""},
		{"5", true, 1, 500, false, VERDICT_OK, 129995, 190000, "", ""},
		{"5", true, 1, 4000, false, VERDICT_UNKNOWN, 129995, 610000, "", ""},
		/* The connections of the target are not asked for. */
		{"5", true, 1, 500, true, VERDICT_OK, 1, 60000, "", "A flow of UDP keeps its"},
	};
	const struct experiment *x = &experiments[0];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct listener at[9] = {{.kind = LISTENER_TCP, .address = "0.0.0.0:53"}};
		struct target t = target_default();
		char values[256], row[24];
		size_t count = rows[i].tcp;
		for (size_t k = 0; k < rows[i].sockets; k++)
			at[count++] = (struct listener){
				.kind = LISTENER_UDP, .port = 53, .address = "udp:0.0.0.0:53"};
		struct subject subject = {.name = "unbound",
					  .listeners = {.at = at, .count = count}};
		snprintf(values, sizeof(values), TABLE "tracked=1; time_wait=120; %s%s",
			 rows[i].used[0] ? "nf_conntrack_count=" : "", rows[i].used);
		struct settings s = verdict_settings(x, values);
		s.subject = &subject;
		t.connections = 10000;
		t.rate_per_s = 1000;
		t.datagrams_per_s = rows[i].datagrams;
		t.datagrams_only = rows[i].only;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		snprintf(row, sizeof(row), "row %zu", i);
		if (w->verdict != rows[i].verdict || w->needed != rows[i].needed ||
		    w->needed_max != rows[i].needed_max || !strstr(w->detail, rows[i].says) ||
		    strcmp(verdict_proposals(r), rows[i].proposals) != 0)
			fail_msg("%s: verdict %d, needed %lld to %lld, %s: %s", row,
				 (int)w->verdict, (long long)w->needed, (long long)w->needed_max,
				 verdict_proposals(r), w->detail);
		findings_are(row, r,
			     w->verdict == VERDICT_SHORT   ? "conntrack.short critical"
			     : w->verdict == VERDICT_TIGHT ? "conntrack.tight warning"
							   : "");
		if (r->finding_count)
			assert_non_null(strstr(r->findings[0].advice, "udp dport 53 notrack"));
	}
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
	const struct probe_options none = {0};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		static struct sample before, after;
		struct moment m = {.target = &t, .options = &none, .seconds = rows[i].seconds};
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

/* As watch has them of long intervals, too. */
static void clashes_are_no_drops_of_a_table_with_room(void **state)
{
	static const struct {
		int64_t drops, clashes, used, max, dropped;
	} rows[] = {
		{8, 8, 1000, 65536, 0},
		{9, 8, 1000, 65536, 1},
		{8, 8, 65000, 65536, 8},
		{8, 8, 62260, 65536, 8},
		{8, 8, 62259, 65536, 0},
		/* Chains that are too long count as failures only. */
		{0, 8, 1000, 65536, 0},
		{8, -1, 1000, 65536, 8},
		{8, 8, 1000, 0, 0}, /* no limit */
		{8, 8, REPORT_NONE, REPORT_NONE, 0},
		{-1, -1, 65536, 65536, -1},
		{-1, 8, 1000, 65536, -1},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t dropped = conntrack_dropped(rows[i].drops, rows[i].clashes, rows[i].used,
						    rows[i].max);
		if (dropped != rows[i].dropped)
			fail_msg("row %zu: %lld", i, (long long)dropped);
	}
}

/* A server with one listener, behind a namespace that forwards to it. */
static struct listener behind_at = {.kind = LISTENER_TCP, .address = "0.0.0.0:80", .limit = 128};

static struct subject behind(int64_t used, int64_t max)
{
	return (struct subject){.listeners = {.at = &behind_at, .count = 1},
				.outside = {.used = used, .max = max, .rest_s = 30}};
}

static char root[32];

/* A machine with the files that these commands make in proc/sys/net. */
static struct host *machine(const char *files)
{
	struct host *h;
	struct err e = {0};
	snprintf(root, sizeof(root), "/tmp/epolltune.XXXXXX");
	assert_non_null(mkdtemp(root));
	struct output o = run("mkdir -p %s/proc/sys/net/ipv4 %s/proc/sys/net/netfilter && "
			      "cd %s/proc/sys/net && { %s; }",
			      root, root, root, files);
	assert_int_equal(o.status, 0);
	output_free(&o);
	assert_int_equal(host_open(&h, root, &e), 0);
	return h;
}

static void machine_end(struct host *h)
{
	host_close(h);
	struct output o = run("rm -r %s", root);
	output_free(&o);
}

static void the_fuller_of_two_tables_counts(void **state)
{
	static const struct {
		int64_t used, max; /* here; -1: not readable */
		int64_t tracked, tracked_max;
		int64_t counts; /* entries of the one that counts */
		bool outside;
	} rows[] = {
		{0, 65536, 65000, 65536, 65000, true},
		{5, 65536, 65000, 65536, 65000, true},
		{-1, -1, 65000, 65536, 65000, true},
		{5, -1, 4, 65536, 4, true},
		{5, 0, 4, 65536, 4, true},
		{65100, 65536, 65000, 65536, 65100, false},
		{10, 100, 65000, 65536, 10, false}, /* a maximum of its own */
		{5, 65536, 65000, 0, 5, false},
		{5, 65536, 0, 65536, 5, false},
		{0, 65536, 0, 0, 0, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		static struct sample sample;
		char files[200] = "true";
		struct subject subject = behind(rows[i].tracked, rows[i].tracked_max);
		struct probe_options o = {0};
		const struct target t = {.connections = 1};
		const struct moment m = {.target = &t, .options = &o};
		o.subject = &subject;
		if (rows[i].used >= 0)
			snprintf(files, sizeof(files), "echo %lld >netfilter/nf_conntrack_count",
				 (long long)rows[i].used);
		if (rows[i].max >= 0)
			snprintf(files + strlen(files), sizeof(files) - strlen(files),
				 "; echo %lld >netfilter/nf_conntrack_max", (long long)rows[i].max);
		struct host *h = machine(files);
		struct settings s = verdict_settings(&experiments[0], "");
		s.subject = &subject;
		s.at[MAX][0] = rows[i].max < 0 ? REPORT_NONE : rows[i].max;
		table_read(h, &s);
		memset(&sample, 0, sizeof(sample));
		assert_int_equal(sample_take(h, &o, &sample, NULL), 0);
		machine_end(h);
		if (s.at[USED][0] != rows[i].counts || is_outside(&s) != rows[i].outside ||
		    sample.used != rows[i].counts || sample.outside != rows[i].outside ||
		    s.at[REST][0] != (rows[i].outside ? 30 : REPORT_NONE) ||
		    s.taken.open != (rows[i].counts ? READ : 0))
			fail_msg("row %zu: %lld, %lld", i, (long long)s.at[USED][0],
				 (long long)sample.used);
		report_init(&r);
		observation_judge(&sample, &sample, &m, &r);
		/* The counters of the other table are not read. */
		assert_int_equal(r.finding_count, rows[i].outside);
		if (rows[i].outside)
			assert_string_equal(r.findings[0].id, "conntrack.uncounted");
	}
}

/* Rules may track the first connection that comes: the table is empty until then. */
static void an_empty_table_that_would_not_suffice_is_noted(void **state)
{
	struct listener at = {.kind = LISTENER_UDP, .port = 53, .address = "udp:0.0.0.0:53"};
	struct listener tcp = {.kind = LISTENER_TCP, .port = 80, .address = "0.0.0.0:80"};
	struct subject datagrams = {.listeners = {.at = &at, .count = 1}};
	struct subject server = {.listeners = {.at = &tcp, .count = 1}};
	static const struct {
		int64_t used, max, established;
		enum {
			TCP,
			DATAGRAMS,
			CONTAINER,
			HOST_NETWORK,
			SERVER_IN_ONE,
			CONTAINER_ENTERED
		} of;
		const char *findings;
	} rows[] = {
		{0, 1000, 0, TCP, "conntrack.idle note"},
		{0, 130000, 0, TCP, "conntrack.idle note"}, /* without headroom */
		{0, 1000, -1, TCP, ""},                     /* not known */
		{0, 262144, 0, TCP, ""},
		{0, 1000, 3, TCP, ""}, /* they would have entries */
		{0, 1000, 0, DATAGRAMS, ""},
		{0, 0, 0, TCP, ""}, /* no limit */
		{1, 1000, 0, TCP, ""},
		{0, 1000, 0, CONTAINER, ""}, /* only the machine can raise it */
		{0, 1000, 0, HOST_NETWORK, "conntrack.idle note"}, /* one that has its network */
		{0, 1000, 0, SERVER_IN_ONE, "conntrack.idle note"},
		{0, 1000, 0, CONTAINER_ENTERED, "conntrack.idle note"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		static struct sample sample;
		char files[500], row[24];
		bool first = rows[i].of == TCP || rows[i].of == DATAGRAMS;
		struct probe_options o = {.subject = rows[i].of == DATAGRAMS       ? &datagrams
						     : rows[i].of == SERVER_IN_ONE ? &server
										   : NULL,
					  .entered = rows[i].of == CONTAINER_ENTERED};
		struct target t = target_default();
		const struct moment m = {.target = &t, .options = &o};
		t.connections = 10000;
		t.rate_per_s = 1000;
		snprintf(files, sizeof(files),
			 "echo %lld >netfilter/nf_conntrack_count; "
			 "echo %lld >netfilter/nf_conntrack_max; mkdir -p ../../net/stat; "
			 "printf 'entries drop\\n1 0\\n' >../../net/stat/nf_conntrack; "
			 "echo boot 1 netns 1 initial 1 first_pids %d first_cgroups 1 first_netns "
			 "%d >../../../identity; "
			 "[ %lld -lt 0 ] || printf 'Tcp: CurrEstab\\nTcp: %lld\\n' >../../net/snmp",
			 (long long)rows[i].used, (long long)rows[i].max, first,
			 first || rows[i].of == HOST_NETWORK, (long long)rows[i].established,
			 (long long)rows[i].established);
		struct host *h = machine(files);
		memset(&sample, 0, sizeof(sample));
		assert_int_equal(sample_take(h, &o, &sample, NULL), 0);
		machine_end(h);
		report_init(&r);
		observation_judge(&sample, &sample, &m, &r);
		snprintf(row, sizeof(row), "row %zu", i);
		findings_are(row, &r, rows[i].findings);
		if (r.finding_count)
			assert_non_null(strstr(r.findings[0].detail, "need 130 000 entries"));
	}
}

/* The same of a server of UDP alone, by its datagrams. */
static void an_empty_table_that_would_not_hold_flows_is_noted(void **state)
{
	struct listener at[2] = {{.kind = LISTENER_UDP, .port = 53, .address = "udp:0.0.0.0:53"},
				 {.kind = LISTENER_TCP, .port = 53, .address = "0.0.0.0:53"}};
	struct subject server = {.listeners = {.at = at}};
	static const struct {
		size_t listeners;
		uint64_t per_s;
		int64_t max, grown;
		bool only;
		const char *findings, *text;
	} rows[] = {
		{1, 50000, 65536, 0, true, "conntrack.idle note", "may not be enough"},
		{1, 50000, 16777216, 0, true, "", ""},
		{1, 0, 65536, 0, false, "", ""},
		/* They arrive, and have no entry. */
		{1, 50000, 65536, 7, true, "", ""},
		{2, 50000, 262144, 0, false, "conntrack.idle note", "may not be enough"},
		{2, 0, 65536, 0, false, "conntrack.idle note", "is not enough"},
		{2, 100, 65536, 0, true, "", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		struct sample looks[2];
		char row[24];
		const struct probe_options o = {.subject = &server};
		struct target t = target_default();
		const struct moment m = {.target = &t, .options = &o};
		t.connections = 10000;
		t.rate_per_s = 1000;
		t.datagrams_per_s = rows[i].per_s;
		t.datagrams_only = rows[i].only;
		server.listeners.count = rows[i].listeners;
		memset(looks, 0, sizeof(looks));
		for (int k = 0; k < 2; k++) {
			looks[k].idle = true;
			looks[k].max = rows[i].max;
			looks[k].rest_s = looks[k].udp_rest_s = 120;
			looks[k].datagrams = k ? 100 + rows[i].grown : 100;
		}
		report_init(&r);
		observation_judge(&looks[0], &looks[1], &m, &r);
		snprintf(row, sizeof(row), "row %zu", i);
		findings_are(row, &r, rows[i].findings);
		if (r.finding_count)
			assert_non_null(strstr(r.findings[0].title, rows[i].text));
	}
}

static void the_patch_level_is_read(void **state)
{
	static const struct {
		const char *release, *version;
		unsigned kernel;
		int64_t patch;
		const char *signature; /* NULL: no such file */
	} rows[] = {
		{"6.1.55-75.123.amzn2023.x86_64", "#1 SMP", KERNEL(6, 1), 55, NULL},
		{"6.1.0-18-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)",
		 KERNEL(6, 1), 76, NULL},
		{"5.15.0-91-generic", "#101-Ubuntu SMP Tue Nov 14", KERNEL(5, 15), 131,
		 "Ubuntu 5.15.0-91.101-generic 5.15.131"},
		{"5.15.0-91-generic", "#101-Ubuntu SMP Tue Nov 14", KERNEL(5, 15), REPORT_NONE,
		 "Ubuntu"},
		{"5.15.0-91-generic", "#101-Ubuntu SMP Tue Nov 14", KERNEL(5, 15), REPORT_NONE,
		 NULL},
		{"6.1-custom", "#1", KERNEL(6, 1), REPORT_NONE, NULL},
		{"6.18.44", "#1 SMP", KERNEL(6, 18), REPORT_NONE, NULL}, /* not needed */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char files[400];
		snprintf(files, sizeof(files),
			 "mkdir -p ../kernel; echo '%s' >../kernel/osrelease; "
			 "echo '%s' >../kernel/version; %s%s%s",
			 rows[i].release, rows[i].version, rows[i].signature ? "echo '" : "",
			 rows[i].signature ? rows[i].signature : ":",
			 rows[i].signature ? "' >../../version_signature" : "");
		struct host *h = machine(files);
		assert_int_equal(patch_read(h, rows[i].kernel), rows[i].patch);
		machine_end(h);
	}
}

/* By its own count of what it drops, as distributions take over single changes. */
static void a_limit_of_chains_that_was_taken_over_is_read(void **state)
{
	static const struct {
		const char *statistics;
		unsigned kernel;
		bool backported;
	} rows[] = {
		{"entries delete chainlength insert drop\n5 0 0 0 0", KERNEL(5, 14), true},
		{"entries delete chainlength insert drop\n5 0 0 0 0", KERNEL(4, 18), true},
		{"entries delete delete_list insert drop\n5 0 0 0 0", KERNEL(5, 14), false},
		{"entries delete delete_list insert drop\n5 0 0 0 0", KERNEL(5, 10), false},
		{"", KERNEL(5, 14), true},
		{"", KERNEL(5, 10), false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char files[200];
		struct settings s = verdict_settings(&experiments[0], "");
		snprintf(files, sizeof(files),
			 "mkdir -p ../../net/stat; printf '%s' >../../net/stat/nf_conntrack",
			 rows[i].statistics);
		struct host *h = machine(files);
		s.machine.kernel = rows[i].kernel;
		table_read(h, &s);
		machine_end(h);
		if ((s.at[USED][BACKPORTED] == 1) != rows[i].backported)
			fail_msg("row %zu", i);
	}
}

/* A container of an ordinary user has no sysctl of connection tracking before Linux 5.5. */
static void a_table_without_sysctls_is_not_absent(void **state)
{
	static const struct {
		const char *statistics;
		int64_t used;
		enum wall_verdict verdict;
	} rows[] = {
		{"entries drop\n400 0", 0x400, VERDICT_UNKNOWN},
		{"entries drop\n0 0", REPORT_NONE, VERDICT_NA},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct sample sample;
		char files[200];
		struct target t = target_default();
		struct probe_options o = {0};
		struct settings s = verdict_settings(&experiments[0], "");
		snprintf(files, sizeof(files),
			 "mkdir -p ../../net/stat; printf '%s' >../../net/stat/nf_conntrack",
			 rows[i].statistics);
		struct host *h = machine(files);
		table_read(h, &s);
		assert_int_equal(s.at[USED][0], rows[i].used);
		assert_int_equal(sample_take(h, &o, &sample, NULL), 0);
		machine_end(h);
		assert_int_equal(sample.used, rows[i].used > 0 ? rows[i].used : 0);
		if (s.at[TRACKED][0] == REPORT_NONE)
			s.at[TRACKED][0] = 0; /* this machine is not whole */
		const struct wall *w = verdict_of(&experiments[0], &t, &s, NULL)->walls;
		if (w->verdict != rows[i].verdict)
			fail_msg("row %zu: %s", i, wall_verdict_name(w->verdict));
	}
}

static void a_table_outside_is_named(void **state)
{
	static struct report full;
	struct subject subject = behind(65536, 65536);
	struct target t = target_default();
	struct probe_options o = {0};
	static struct sample sample;
	const struct moment m = {.target = &t, .options = &o};
	struct host *h = machine("echo 0 >netfilter/nf_conntrack_count");
	struct settings s = verdict_settings(&experiments[0], "");
	s.subject = o.subject = &subject;
	table_read(h, &s);
	const struct report *r = verdict_of(&experiments[0], &t, &s, NULL);
	assert_int_equal(r->walls[0].verdict, VERDICT_SHORT);
	assert_non_null(strstr(r->findings[0].detail, "65 536 of 65 536 are in use"));
	assert_non_null(strstr(r->findings[0].detail, "which forwards to the server's"));
	assert_int_equal(sample_take(h, &o, &sample, NULL), 0);
	machine_end(h);
	report_init(&full);
	observation_judge(&sample, &sample, &m, &full);
	findings_are("outside", &full, "conntrack.full critical");
	assert_non_null(strstr(full.findings[0].detail, "sendto() there fails"));
	assert_non_null(strstr(full.findings[0].detail, "which forwards to the server's"));
	sample.used = 60000;
	report_init(&full);
	observation_judge(&sample, &sample, &m, &full);
	findings_are("outside", &full, "conntrack.uncounted skipped");
	assert_non_null(strstr(full.findings[0].title, "that forwards to the server"));
}

/* One that is observed is judged by its own counters, whichever is fuller, and not as idle. */
static void a_table_outside_that_is_observed_is_not_taken_here(void **state)
{
	static struct report r;
	struct subject subject = behind(65536, 65536);
	struct target t = target_default();
	struct probe_options o = {.subject = &subject, .entered = true};
	static struct sample sample;
	const struct moment m = {.target = &t, .options = &o};
	for (o.outside.look = OUTSIDE_WATCHED; o.outside.look <= OUTSIDE_HERE; o.outside.look++) {
		struct host *h = machine(
			"echo 0 >netfilter/nf_conntrack_count; echo 1000 >netfilter/nf_conntrack_max; mkdir -p ../../net; "
			"printf 'Tcp: CurrEstab\nTcp: 0\n' >../../net/snmp; "
			"printf 'TcpExt: A\nTcpExt: 0\n' >../../net/netstat");
		memset(&sample, 0, sizeof(sample));
		assert_int_equal(sample_take(h, &o, &sample, NULL), 0);
		machine_end(h);
		report_init(&r);
		observation_judge(&sample, &sample, &m, &r);
		findings_are("observed", &r,
			     o.outside.look == OUTSIDE_HERE ? "" : "conntrack.idle note");
	}
}

/* "None were dropped" is not known then. */
static void losses_that_cannot_be_counted_are_named(void **state)
{
#define ENTRIES(count, max)                                                                        \
	"echo " count " >netfilter/nf_conntrack_count; echo " max " >netfilter/nf_conntrack_max; "
#define WHOLE ": >../../../identity"
#define COUNTED(drop)                                                                              \
	"mkdir -p ../../net/stat; printf 'entries drop\n7 " drop                                   \
	"\n' >../../net/stat/nf_conntrack; "
	static const struct {
		const char *files, *findings;
	} rows[] = {
		{ENTRIES("7", "100") WHOLE, "conntrack.uncounted skipped"},
		{ENTRIES("7", "100") COUNTED("3") WHOLE, ""},
		{ENTRIES("0", "100") WHOLE, ""},
		{WHOLE, ""},
		{ENTRIES("100", "100") WHOLE, "conntrack.full critical"},
		/* Another tool may not have recorded it. */
		{ENTRIES("7", "100") ":", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct sample sample;
		static struct report r;
		struct target t = target_default();
		struct probe_options o = {0};
		const struct moment m = {.target = &t, .options = &o};
		char row[16];
		struct host *h = machine(rows[i].files);
		memset(&sample, 0, sizeof(sample));
		assert_int_equal(sample_take(h, &o, &sample, NULL), 0);
		machine_end(h);
		report_init(&r);
		observation_judge(&sample, &sample, &m, &r);
		snprintf(row, sizeof(row), "row %zu", i);
		findings_are(row, &r, rows[i].findings);
	}
}

static void what_does_not_forward_does_not_count(void **state)
{
	static const char table[] = "echo 7 >netfilter/nf_conntrack_count; "
				    "echo 100 >netfilter/nf_conntrack_max; "
				    "echo 60 >netfilter/nf_conntrack_tcp_timeout_time_wait; ";
	static const struct {
		const char *forwarding;
		int64_t used, max, rest_s;
	} rows[] = {
		{"echo 0 >ipv4/ip_forward", 0, 0, 0},
		{"echo 1 >ipv4/ip_forward", 7, 100, 60},
		{"mkdir -p ipv6/conf/all; echo 1 >ipv6/conf/all/forwarding", 7, 100, 60},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char files[400];
		struct conntrack out;
		snprintf(files, sizeof(files), "%s%s", table, rows[i].forwarding);
		struct host *h = machine(files);
		conntrack_forwarding(h, &out);
		machine_end(h);
		assert_int_equal(out.used, rows[i].used);
		assert_int_equal(out.max, rows[i].max);
		assert_int_equal(out.rest_s, rows[i].rest_s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proxy_to_unix_sockets_needs_one_entry_for_a_client),
		cmocka_unit_test(the_targets_entries_need_room),
		cmocka_unit_test(hash_chains_limit_the_table),
		cmocka_unit_test(an_empty_table_that_would_not_suffice_is_noted),
		cmocka_unit_test(an_empty_table_that_would_not_hold_flows_is_noted),
		cmocka_unit_test(the_patch_level_is_read),
		cmocka_unit_test(a_limit_of_chains_that_was_taken_over_is_read),
		cmocka_unit_test(what_is_open_is_not_needed_again),
		cmocka_unit_test(a_server_of_unix_sockets_is_not_limited),
		cmocka_unit_test(datagrams_need_entries),
		cmocka_unit_test(a_full_table_and_drops_are_critical),
		cmocka_unit_test(clashes_are_no_drops_of_a_table_with_room),
		cmocka_unit_test(the_fuller_of_two_tables_counts),
		cmocka_unit_test(a_table_without_sysctls_is_not_absent),
		cmocka_unit_test(a_table_outside_is_named),
		cmocka_unit_test(a_table_outside_that_is_observed_is_not_taken_here),
		cmocka_unit_test(losses_that_cannot_be_counted_are_named),
		cmocka_unit_test(what_does_not_forward_does_not_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
