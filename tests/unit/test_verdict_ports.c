/* The verdicts and findings of ports and TIME_WAIT, by settings and outcome. */
#include "../support/support.h"
#include "../support/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/ports_used.h"

#define RANGE "net.ipv4.ip_local_port_range="
#define RESERVED "; net.ipv4.ip_local_reserved_ports="
/* The free ports of the usual ranges, without reserved ones. */
#define USUAL "; usual ranges=28232 49152 64512"
#define BUCKETS "net.ipv4.tcp_max_tw_buckets="

struct row {
	const char *wall, *settings;
	uint64_t needed;
	enum outcome_state state;
	int64_t reached; /* by an experiment; 0: none */
	bool limit_met;
	int64_t limit;
	enum wall_verdict verdict;
	enum wall_method method;
	const char *proposals;
	enum finding_remedy remedy;
};

#define PORTS "ports.ephemeral"
#define WAIT "time-wait"
#define SETTINGS_ONLY OUTCOME_CONCLUSIVE, 0, false
#define REACHED(number, met) OUTCOME_CONCLUSIVE, number, met
#define FAILS(state_) state_, 1, false

static const struct row rows[] = {
	{PORTS, RANGE "32768 60999" RESERVED "0" USUAL, 10000, SETTINGS_ONLY, 28232, VERDICT_OK,
	 METHOD_INSPECTED, "", REMEDY_NONE},
	/* 80 are needed: ok from 100 on, short below 80. */
	{PORTS, RANGE "40000 40099" RESERVED "0" USUAL, 80, SETTINGS_ONLY, 100, VERDICT_OK,
	 METHOD_INSPECTED, "", REMEDY_NONE},
	{PORTS, RANGE "40000 40099" RESERVED "1" USUAL, 80, SETTINGS_ONLY, 99, VERDICT_TIGHT,
	 METHOD_INSPECTED, "net.ipv4.ip_local_port_range 40000 40099 -> 32768 60999",
	 REMEDY_KERNEL},
	{PORTS, RANGE "40000 40099" RESERVED "21" USUAL, 80, SETTINGS_ONLY, 79, VERDICT_SHORT,
	 METHOD_INSPECTED, "net.ipv4.ip_local_port_range 40000 40099 -> 32768 60999",
	 REMEDY_KERNEL},
	/* The first usual range that suffices is proposed. */
	{PORTS, RANGE "32768 60999" RESERVED "0" USUAL, 30000, SETTINGS_ONLY, 28232, VERDICT_SHORT,
	 METHOD_INSPECTED, "net.ipv4.ip_local_port_range 32768 60999 -> 16384 65535",
	 REMEDY_KERNEL},
	{PORTS, RANGE "32768 60999" RESERVED "0" USUAL, 45000, SETTINGS_ONLY, 28232, VERDICT_SHORT,
	 METHOD_INSPECTED, "net.ipv4.ip_local_port_range 32768 60999 -> 1024 65535", REMEDY_KERNEL},
	/* None suffices: the widest is proposed. */
	{PORTS, RANGE "32768 60999" RESERVED "0" USUAL, 100000, SETTINGS_ONLY, 28232, VERDICT_SHORT,
	 METHOD_INSPECTED, "net.ipv4.ip_local_port_range 32768 60999 -> 1024 65535", REMEDY_KERNEL},
	/* The widest usual range, or a wider one, is not replaced. */
	{PORTS, RANGE "1024 65535" RESERVED "0" USUAL, 100000, SETTINGS_ONLY, 64512, VERDICT_SHORT,
	 METHOD_INSPECTED, "", REMEDY_APPLICATION},
	{PORTS, RANGE "1 65535" RESERVED "0" USUAL, 100000, SETTINGS_ONLY, 65535, VERDICT_SHORT,
	 METHOD_INSPECTED, "", REMEDY_APPLICATION},
	/* Reserved ports do not count, in the proposal either. */
	{PORTS, RANGE "32768 60999" RESERVED "28132; usual ranges=100 20956 36316", 1000,
	 SETTINGS_ONLY, 100, VERDICT_SHORT, METHOD_INSPECTED,
	 "net.ipv4.ip_local_port_range 32768 60999 -> 16384 65535", REMEDY_KERNEL},
	{PORTS, RANGE "30000 60000" RESERVED "0; usual ranges=200 300 400", 28000, SETTINGS_ONLY,
	 30001, VERDICT_TIGHT, METHOD_INSPECTED, "", REMEDY_APPLICATION},
	/* Unreadable. */
	{PORTS, "usual ranges=28232 49152 64512", 80, SETTINGS_ONLY, REPORT_NONE, VERDICT_UNKNOWN,
	 METHOD_INSPECTED, "", REMEDY_NONE},
	/* An experiment that met the limit overrides the settings; another one does not. */
	{PORTS, RANGE "32768 60999" RESERVED "0" USUAL, 10000, REACHED(12500, false), 28232,
	 VERDICT_OK, METHOD_DERIVED, "", REMEDY_NONE},
	{PORTS, RANGE "40000 40099" RESERVED "0" USUAL, 80, REACHED(100, true), 100, VERDICT_OK,
	 METHOD_MEASURED, "", REMEDY_NONE},
	{PORTS, RANGE "40000 40099" RESERVED "0" USUAL, 80, REACHED(60, true), 100, VERDICT_SHORT,
	 METHOD_MEASURED, "net.ipv4.ip_local_port_range 40000 40099 -> 32768 60999", REMEDY_KERNEL},
	/* An experiment that is not needed leaves the settings. */
	{PORTS, RANGE "32768 60999" RESERVED "0" USUAL, 10000, FAILS(OUTCOME_UNSUPPORTED), 28232,
	 VERDICT_OK, METHOD_INSPECTED, "", REMEDY_NONE},

	/* 60 s at 10/s: 600 are needed, ok from 750 on. */
	{WAIT, BUCKETS "750", 10, SETTINGS_ONLY, 750, VERDICT_OK, METHOD_INSPECTED, "",
	 REMEDY_NONE},
	{WAIT, BUCKETS "749", 10, SETTINGS_ONLY, 749, VERDICT_TIGHT, METHOD_INSPECTED,
	 "net.ipv4.tcp_max_tw_buckets 749 -> 4096", REMEDY_KERNEL},
	{WAIT, BUCKETS "0", 10, SETTINGS_ONLY, 0, VERDICT_SHORT, METHOD_INSPECTED,
	 "net.ipv4.tcp_max_tw_buckets 0 -> 4096", REMEDY_KERNEL},
	{WAIT, BUCKETS "131072", 10000, SETTINGS_ONLY, 131072, VERDICT_SHORT, METHOD_INSPECTED,
	 "net.ipv4.tcp_max_tw_buckets 131072 -> 1048576", REMEDY_KERNEL},
	{WAIT, BUCKETS "131072", 100000000, SETTINGS_ONLY, 131072, VERDICT_SHORT, METHOD_INSPECTED,
	 "", REMEDY_APPLICATION},
	{WAIT, "", 10, SETTINGS_ONLY, REPORT_NONE, VERDICT_UNKNOWN, METHOD_INSPECTED, "",
	 REMEDY_NONE},
	{WAIT, BUCKETS "500", 10, REACHED(501, true), 500, VERDICT_SHORT, METHOD_MEASURED,
	 "net.ipv4.tcp_max_tw_buckets 500 -> 4096", REMEDY_KERNEL},
	{WAIT, BUCKETS "131072", 10, REACHED(750, false), 131072, VERDICT_OK, METHOD_DERIVED, "",
	 REMEDY_NONE},
};

static struct target proxy(uint64_t connections, uint64_t rate)
{
	struct target t = target_default();
	t.role = TARGET_PROXY;
	t.connections = connections;
	t.rate_per_s = rate;
	return t;
}

static void each_row_gets_its_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		const struct experiment *x = verdict_experiment("ports", row->wall);
		struct target t = proxy(row->needed, row->needed);
		struct settings s = verdict_settings(x, row->settings);
		struct outcome o = verdict_outcome(row->reached, row->limit_met);
		o.state = row->state;
		const struct report *r = verdict_of(x, &t, &s, row->reached ? &o : NULL);
		const struct wall *w = &r->walls[0];
		const struct finding *f = r->finding_count ? &r->findings[0] : NULL;
		char id[64] = "";
		if (verdict_asks(row->verdict))
			snprintf(id, sizeof(id), "%s.%s", row->wall,
				 wall_verdict_name(row->verdict));
		if (w->limit != row->limit || w->verdict != row->verdict ||
		    w->method != row->method || strcmp(f ? f->id : "", id) != 0 ||
		    strcmp(verdict_proposals(r), row->proposals) != 0 ||
		    (f && f->remedy != row->remedy))
			fail_msg("row %zu (%s): limit %lld, %s %s, %s [%s] %s", i, row->settings,
				 (long long)w->limit, wall_verdict_name(w->verdict),
				 wall_method_name(w->method), f ? f->id : "", verdict_proposals(r),
				 f ? finding_remedy_name(f->remedy) : "");
	}
}

/* The CPU time of one connection in ns: server, client, both in one run; 0: not measured. */
static void cpu_time_bounds_the_rate_of_accepts(void **state)
{
	(void)state;
	static const struct {
		enum target_role role;
		struct taken taken;
		uint64_t rate;
		int64_t limit;
		enum wall_verdict verdict;
		const char *detail;
	} cases[] = {
#define COSTS(server, client, both)                                                                \
	{.accept_ns = server, .connect_ns = client, .both_ns = both, .cpus = 2}
		{TARGET_SERVER, COSTS(5000, 15000, 20000), 10000, 400000, VERDICT_OK,
		 "2 CPUs at 5.0 us of CPU time a connection, which accept4()"},
		/* Both ends together show 100 000/s: ok with 25 % headroom, tight up to the bound.
		 */
		{TARGET_SERVER, COSTS(5000, 15000, 20000), 80000, 400000, VERDICT_OK,
		 "together took 20.0 us: 100 000/s."},
		{TARGET_SERVER, COSTS(5000, 15000, 20000), 80001, 400000, VERDICT_TIGHT, ""},
		{TARGET_SERVER, COSTS(5000, 15000, 20000), 400000, 400000, VERDICT_TIGHT, ""},
		{TARGET_SERVER, COSTS(5000, 15000, 20000), 400001, 400000, VERDICT_SHORT, ""},
		/* A proxy pays for both ends. */
		{TARGET_PROXY, COSTS(5000, 15000, 25000), 64000, 100000, VERDICT_OK,
		 "2 CPUs at 20.0 us of CPU time a connection, at both ends"},
		{TARGET_PROXY, COSTS(5000, 15000, 25000), 64001, 100000, VERDICT_TIGHT, ""},
		{TARGET_PROXY, COSTS(5000, 15000, 25000), 100001, 100000, VERDICT_SHORT, ""},
		/* Rounded to the accuracy of a measurement. */
		{TARGET_SERVER, COSTS(6188, 15000, 22000), 10000, 323000, VERDICT_OK, ""},
		/* Without an experiment there is no value: the target is not accused. */
		{TARGET_SERVER,
		 {0},
		 50000000,
		 REPORT_NONE,
		 VERDICT_NA,
		 "Only an experiment shows what the CPUs can accept."},
		{TARGET_SERVER, {.cpus = 2}, 50000000, REPORT_NONE, VERDICT_NA, ""},
	};
	const struct experiment *x = verdict_experiment("ports", "accept.rate");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct target t = target_default();
		struct settings s = verdict_settings(x, "");
		struct outcome o = verdict_outcome(REPORT_NONE, false);
		t.role = cases[i].role;
		t.rate_per_s = cases[i].rate;
		s.taken = cases[i].taken;
		const struct report *r = verdict_of(x, &t, &s, s.taken.accept_ns ? &o : NULL);
		const struct wall *w = &r->walls[0];
		const struct finding *f = r->finding_count ? &r->findings[0] : NULL;
		const char *id = w->verdict == VERDICT_SHORT   ? "accept.rate.short"
				 : w->verdict == VERDICT_TIGHT ? "accept.rate.tight"
							       : "";
		if (w->limit != cases[i].limit || w->verdict != cases[i].verdict ||
		    w->at_most != (w->limit != REPORT_NONE) ||
		    w->needed != (int64_t)cases[i].rate || !strstr(w->detail, cases[i].detail) ||
		    strcmp(f ? f->id : "", id) != 0 || (f && f->remedy != REMEDY_APPLICATION))
			fail_msg("case %zu: limit %lld, %s, %s: %s", i, (long long)w->limit,
				 wall_verdict_name(w->verdict), f ? f->id : "", w->detail);
	}
}

static void a_busy_machine_gives_no_rate_of_accepts(void **state)
{
	(void)state;
	const struct experiment *x = verdict_experiment("ports", "accept.rate");
	struct target t = target_default();
	struct settings s = verdict_settings(x, "");
	struct outcome o = verdict_outcome(REPORT_NONE, false);
	outcome_inconclusive(&o, "this machine is too busy");
	const struct report *r = verdict_of(x, &t, &s, &o);
	assert_int_equal(r->walls[0].verdict, VERDICT_NA);
	assert_int_equal(r->walls[0].experiment, EXPERIMENT_MISSED);
	assert_string_equal(r->walls[0].reason, "this machine is too busy");
	assert_int_equal(r->finding_count, 0);
	assert_int_equal(report_exit_status(r), 0);
}

static void a_server_needs_neither_wall(void **state)
{
	(void)state;
	static const struct {
		const char *wall, *settings;
	} short_of[] = {{PORTS, RANGE "40000 40099" RESERVED "0" USUAL}, {WAIT, BUCKETS "10"}};
	struct target t = target_default();
	for (size_t i = 0; i < 2; i++) {
		const struct experiment *x = verdict_experiment("ports", short_of[i].wall);
		struct settings s = verdict_settings(x, short_of[i].settings);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		assert_int_equal(r->walls[0].verdict, VERDICT_OK);
		assert_true(r->walls[0].needed == REPORT_NONE);
		assert_non_null(strstr(r->walls[0].detail, "Not needed with --role server."));
		assert_int_equal(r->finding_count, 0);
	}
}

static void the_finding_says_how_many_addresses_are_needed(void **state)
{
	(void)state;
	static const struct {
		const char *settings, *advice;
	} cases[] = {
		{RANGE "1024 65535" RESERVED "0" USUAL,
		 "No usual range is wider: it takes 2 source addresses or destinations."},
		{RANGE "32768 60999" RESERVED "0" USUAL,
		 "Even with that range it takes 2 source addresses or destinations."},
		{RANGE "32768 60999" RESERVED "28132; usual ranges=100 20956 36316",
		 "net.ipv4.ip_local_reserved_ports takes 28 132 ports of the range. Even with "
		 "that range it takes 4 source addresses"},
	};
	const struct experiment *x = verdict_experiment("ports", PORTS);
	struct target t = proxy(100000, 10);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct settings s = verdict_settings(x, cases[i].settings);
		const struct finding *f = verdict_of(x, &t, &s, NULL)->findings;
		if (!strstr(f->advice, cases[i].advice))
			fail_msg("case %zu: %s", i, f->advice);
	}
	t.connections = 1000;
	struct settings s = verdict_settings(x, RANGE "40000 40099" RESERVED "0" USUAL);
	const struct report *r = verdict_of(x, &t, &s, NULL);
	assert_null(strstr(r->findings[0].advice, "source addresses"));
}

static void reserved_ports_are_read_within_each_range(void **state)
{
	(void)state;
	char root[] = "/tmp/epolltune.XXXXXX";
	struct err e = {0};
	CLEAN(host_closep) struct host *h = NULL;
	const struct experiment *x = verdict_experiment("ports", PORTS);
	assert_non_null(mkdtemp(root));
	struct output o =
		run("mkdir -p %s/proc/sys/net/ipv4 && echo 80,1024,40010-40019,40098-50000,"
		    "65535 >%s/proc/sys/net/ipv4/ip_local_reserved_ports",
		    root, root);
	assert_int_equal(o.status, 0);
	output_free(&o);
	assert_int_equal(host_open(&h, root, &e), 0);
	struct settings s = verdict_settings(x, RANGE "40000 40099");
	x->read(h, &s);
	assert_int_equal(s.at[1][0], 12);
	assert_int_equal(s.at[2][0], 28232 - 10 - 9903);
	assert_int_equal(s.at[2][1], 49152 - 10 - 9903 - 1);
	assert_int_equal(s.at[2][2], 64512 - 10 - 9903 - 2);
	o = run("rm -r %s", root);
	output_free(&o);
}

struct rate {
	const char *settings;
	enum target_role role;
	const char *lasting, *loopback, *exceeded, *addresses;
};

static void time_wait_allows_a_rate(void **state)
{
	(void)state;
#define KNOBS(reuse, timestamps, delay)                                                            \
	"; net.ipv4.tcp_tw_reuse=" reuse "; net.ipv4.tcp_timestamps=" timestamps                   \
	"; net.ipv4.tcp_tw_reuse_delay=" delay
	static const struct rate rates[] = {
		{RANGE "40000 40959" RESERVED "0" USUAL KNOBS("0", "1", "1000"), TARGET_PROXY, "16",
		 "16", "yes", "32"},
		{RANGE "40000 40959" RESERVED "0" USUAL KNOBS("2", "1", "1000"), TARGET_PROXY, "16",
		 "960", "yes", "32"},
		{RANGE "40000 40959" RESERVED "0" USUAL KNOBS("1", "1", "1000"), TARGET_PROXY,
		 "960", "960", "", ""},
		{RANGE "40000 40959" RESERVED "0" USUAL KNOBS("1", "1", "4000"), TARGET_PROXY,
		 "240", "240", "yes", "3"},
		{RANGE "40000 40959" RESERVED "0" USUAL "; net.ipv4.tcp_tw_reuse=1", TARGET_PROXY,
		 "960", "960", "", ""},
		/* Without timestamps no port is reused. */
		{RANGE "40000 40959" RESERVED "0" USUAL KNOBS("1", "0", "1000"), TARGET_PROXY, "16",
		 "16", "yes", "32"},
		{RANGE "40000 40959" RESERVED "0" USUAL KNOBS("0", "1", "1000"), TARGET_SERVER,
		 "16", "16", "", ""},
		{RANGE "40000 40000" RESERVED "0" USUAL KNOBS("0", "1", "1000"), TARGET_PROXY,
		 "0.017", "0.017", "yes", "30 000"},
		{RANGE "40000 40000" RESERVED "1" USUAL KNOBS("0", "1", "1000"), TARGET_PROXY, "0",
		 "0", "yes", ""},
	};
	const struct experiment *x = verdict_experiment("ports", PORTS);
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		struct target t = proxy(10, 500);
		struct wording w = {0};
		t.role = rates[i].role;
		struct settings s = verdict_settings(x, rates[i].settings);
		x->words(&t, &s, NULL, &w);
		if (strcmp(wording_get(&w, "lasting"), rates[i].lasting) != 0 ||
		    strcmp(wording_get(&w, "loopback"), rates[i].loopback) != 0 ||
		    strcmp(wording_get(&w, "exceeded"), rates[i].exceeded) != 0 ||
		    strcmp(wording_get(&w, "addresses"), rates[i].addresses) != 0)
			fail_msg("rate %zu: %s, loopback %s, exceeded \"%s\", addresses \"%s\"", i,
				 wording_get(&w, "lasting"), wording_get(&w, "loopback"),
				 wording_get(&w, "exceeded"), wording_get(&w, "addresses"));
	}
}

static void the_note_on_connect_rates_is_visible_when_exceeded(void **state)
{
	(void)state;
	static struct report r;
	const struct experiment *x = verdict_experiment("ports", PORTS);
	struct target t = proxy(10, 500);
	struct wording w = {0};
	struct settings s = verdict_settings(x, RANGE "40000 40959" RESERVED "0" USUAL
						      "; net.ipv4.tcp_tw_reuse=2");
	report_init(&r);
	x->words(&t, &s, NULL, &w);
	const struct finding *f = report_finding(&r, "ports.connect-rate", &w);
	assert_string_equal(f->title, "TIME_WAIT allows 16 new connections/s from one address to "
				      "one destination; 500/s are needed");
	assert_non_null(strstr(f->advice, "32 source addresses or destinations"));
	assert_true(f->quiet);
	f = report_finding(&r, "ports.connect-rate", NULL);
	assert_string_equal(f->title, "Connect rates, by the side that closes first");
	assert_string_equal(f->detail, "");
	assert_string_equal(f->advice, "");
}

/* A hundred ports, and what is in use to one destination. */
struct use {
	uint32_t used, waiting;
	int64_t reuse, timestamps;
	bool loopback, seen; /* an owner */
	const char *level;   /* "": no finding */
	const char *title, *detail, *advice;
	const char *knobs;
};

#define FROM " of 100 ports from 10.0.0.1 to 10.0.0.2:9000 are in use"
#define BY ", by haproxy (pid 812)"
#define TIME_WAITS "where the side that closes first keeps its port for 60 s."
#define REUSE_KNOB "net.ipv4.tcp_tw_reuse"
#define ADD                                                                                        \
	"Otherwise add an address or a port of the destination, or a source address, or widen "    \
	"net.ipv4.ip_local_port_range."

static const struct use uses[] = {
	{79, 0, 2, 1, false, true, "", "", "", "", ""},
	{80, 0, 2, 1, false, true, "warning", "80" FROM BY,
	 "connect() to it fails with EADDRNOTAVAIL after 20 more; above half of the range it "
	 "searches long for a free port.",
	 "Reuse connections (keep-alive). " ADD, RANGE "40000 40099"},
	{98, 0, 2, 1, false, true, "warning", "98" FROM BY, "after 2 more", "", ""},
	{99, 0, 2, 1, false, true, "critical", "99" FROM BY, "after 1 more", "", ""},
	{100, 0, 2, 1, false, false, "critical", "100" FROM,
	 "No port is left: connect() to it fails with EADDRNOTAVAIL. Run the check as root to see "
	 "the process.",
	 "", RANGE "40000 40099"},
	/* An application may use reserved ports, too. */
	{120, 0, 2, 1, false, true, "critical", "100" FROM BY, "No port is left", "", ""},
	/* TIME_WAIT that stays. */
	{90, 60, 2, 1, false, true, "warning", "90" FROM BY,
	 "60 of them are in TIME_WAIT, " TIME_WAITS,
	 "Reuse connections (keep-alive), let the other side close first, or set "
	 "net.ipv4.tcp_tw_reuse=1 (connect() then takes ports that have been in TIME_WAIT for 1 "
	 "s). " ADD,
	 RANGE "40000 40099; " REUSE_KNOB "=2"},
	{90, 90, 0, 1, true, false, "warning", "90" FROM,
	 "90 of them are in TIME_WAIT, " TIME_WAITS, "", RANGE "40000 40099; " REUSE_KNOB "=0"},
	{100, 100, 1, 0, false, false, "critical", "100" FROM, "100 of them are in TIME_WAIT",
	 "net.ipv4.tcp_tw_reuse=1 and net.ipv4.tcp_timestamps=1 (", ""},
	{100, 100, REPORT_NONE, REPORT_NONE, false, false, "critical", "100" FROM,
	 "100 of them are in TIME_WAIT", "let the other side close first. Otherwise",
	 RANGE "40000 40099"},
	/* TIME_WAIT that connect() reuses. */
	{100, 60, 1, 1, false, true, "", "", "", "", ""},
	{100, 60, 2, 1, true, true, "", "", "", "", ""},
	{100, 15, 1, 1, false, true, "warning", "85" FROM BY,
	 "Another 15 are in TIME_WAIT: connect() reuses those.", "Reuse connections (keep-alive). ",
	 RANGE "40000 40099"},
};

static void use_add(struct ports_used *u, const struct use *use, const char *destination)
{
	struct ports_to *to = &u->at[u->count++];
	snprintf(to->source, sizeof(to->source), "10.0.0.1");
	snprintf(to->destination, sizeof(to->destination), "%s", destination);
	to->used = use->used;
	to->waiting = use->waiting;
	to->loopback = use->loopback;
	to->owner = use->seen ? 0 : -1;
}

static struct ports_used hundred_ports(struct process *p)
{
	*p = (struct process){.pid = 812, .name = "haproxy"};
	return (struct ports_used){.low = 40000,
				   .high = 40099,
				   .available = 100,
				   .processes = p,
				   .process_count = 1,
				   .hidden = true};
}

static void knobs_of(const struct finding *f, char *text, size_t size)
{
	text[0] = 0;
	for (size_t i = 0; i < f->proposal_count; i++)
		report_append_to(text, size, "%s%s=%s", i ? "; " : "", f->proposals[i].knob,
				 f->proposals[i].current);
}

static void text_is_whole(const char *text)
{
	if (strpbrk(text, "{}") || strstr(text, "…") || strstr(text, "  ") || strstr(text, " ."))
		fail_msg("\"%s\"", text);
}

static void ports_in_use_are_judged(void **state)
{
	(void)state;
	static struct report r;
	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
		const struct use *use = &uses[i];
		struct process p;
		struct ports_used u = hundred_ports(&p);
		char knobs[200] = "";
		use_add(&u, use, "10.0.0.2:9000");
		report_init(&r);
		ports_used_judge(&u, use->reuse, use->timestamps, &r);
		const struct finding *f = &r.findings[0];
		assert_int_equal(r.finding_count, *use->level ? 1 : 0);
		if (!r.finding_count)
			continue;
		knobs_of(f, knobs, sizeof(knobs));
		text_is_whole(f->detail);
		text_is_whole(f->advice);
		if (strcmp(finding_level_name(f->level), use->level) != 0 ||
		    strcmp(f->title, use->title) != 0 || !strstr(f->detail, use->detail) ||
		    !strstr(f->advice, use->advice) || !f->observed || finding_proposes(f) ||
		    (*use->knobs && strcmp(knobs, use->knobs) != 0))
			fail_msg("row %zu: %s: %s. %s %s [%s]", i, finding_level_name(f->level),
				 f->title, f->detail, f->advice, knobs);
	}
}

static void several_destinations_are_named(void **state)
{
	(void)state;
	static struct report r;
	static const char *const names[] = {"10.0.0.2:9001", "10.0.0.2:9002", "10.0.0.2:9003",
					    "10.0.0.2:9004", "10.0.0.2:9005", "10.0.0.2:9006"};
	struct process p;
	struct ports_used u = hundred_ports(&p);
	char answer[REPORT_ANSWER];
	/* Most of the first ones can be reused: another one is the worst. */
	use_add(&u, &(struct use){.used = 100, .waiting = 90, .seen = true}, names[0]);
	use_add(&u, &(struct use){.used = 99, .waiting = 10, .seen = true}, names[1]);
	use_add(&u, &(struct use){.used = 95, .seen = true}, names[2]);
	for (size_t i = 3; i < 6; i++)
		use_add(&u, &(struct use){.used = 90}, names[i]);
	report_init(&r);
	ports_used_judge(&u, 1, 1, &r);
	assert_int_equal(r.finding_count, 1);
	assert_string_equal(r.findings[0].title, "95 of 100 ports from 10.0.0.1 to 10.0.0.2:9003 "
						 "are in use, by haproxy (pid 812)");
	assert_non_null(strstr(r.findings[0].detail,
			       "More destinations: 10.0.0.1 to 10.0.0.2:9002 (haproxy, 89 of 100), "
			       "10.0.0.1 to 10.0.0.2:9004 (90 of 100), 10.0.0.1 to 10.0.0.2:9005 "
			       "(90 of 100) and 1 more."));
	report_answer(&r, answer);
	assert_string_equal(answer, "Ready, but haproxy uses 95 of 100 ports to 10.0.0.2:9003.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_gets_its_verdict),
		cmocka_unit_test(cpu_time_bounds_the_rate_of_accepts),
		cmocka_unit_test(a_busy_machine_gives_no_rate_of_accepts),
		cmocka_unit_test(a_server_needs_neither_wall),
		cmocka_unit_test(the_finding_says_how_many_addresses_are_needed),
		cmocka_unit_test(reserved_ports_are_read_within_each_range),
		cmocka_unit_test(time_wait_allows_a_rate),
		cmocka_unit_test(the_note_on_connect_rates_is_visible_when_exceeded),
		cmocka_unit_test(ports_in_use_are_judged),
		cmocka_unit_test(several_destinations_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
