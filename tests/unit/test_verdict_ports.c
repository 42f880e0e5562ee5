/* Walls of ephemeral ports, in each case a row; the range, and who else binds its ports. */
#include "../support/port_verdicts.h"
#include "../support/support.h"
#include "../support/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/knob.h"
#include "epolltune/port_settings.h"
#include "epolltune/ports.h"
#include "epolltune/ports_used.h"

#define RESERVED "; net.ipv4.ip_local_reserved_ports="
#define FIRST "; net.ipv4.ip_unprivileged_port_start="

struct port_row {
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

static const struct port_row rows[] = {
	{PORTS, RANGE "32768 60999", 10000, SETTINGS_ONLY, 28232, VERDICT_OK, METHOD_INSPECTED, "",
	 REMEDY_NONE},
	/* 80 are needed: ok from 100 on, short below 80. */
	{PORTS, RANGE "40000 40099", 80, SETTINGS_ONLY, 100, VERDICT_OK, METHOD_INSPECTED, "",
	 REMEDY_NONE},
	{PORTS, RANGE "40000 40099" RESERVED "40001", 80, SETTINGS_ONLY, 99, VERDICT_TIGHT,
	 METHOD_INSPECTED, WIDER("40000 40099", "40000 40103"), REMEDY_KERNEL},
	{PORTS, RANGE "40000 40099" RESERVED "40000-40019,40050", 80, SETTINGS_ONLY, 79,
	 VERDICT_SHORT, METHOD_INSPECTED, WIDER("40000 40099", "40000 40123"), REMEDY_KERNEL},
	/* Just enough, to the top first; the ends differ in parity. */
	{PORTS, RANGE "40000 40009", 10, SETTINGS_ONLY, 10, VERDICT_TIGHT, METHOD_INSPECTED,
	 WIDER("40000 40009", "40000 40013"), REMEDY_KERNEL},
	{PORTS, RANGE "40001 40009", 10, SETTINGS_ONLY, 9, VERDICT_SHORT, METHOD_INSPECTED,
	 WIDER("40001 40009", "40001 40014"), REMEDY_KERNEL},
	{PORTS, RANGE "32768 60999", 30000, SETTINGS_ONLY, 28232, VERDICT_SHORT, METHOD_INSPECTED,
	 WIDER("32768 60999", "26624 65535"), REMEDY_KERNEL},
	{PORTS, RANGE "65000 65535", 1000, SETTINGS_ONLY, 536, VERDICT_SHORT, METHOD_INSPECTED,
	 WIDER("65000 65535", "64256 65535"), REMEDY_KERNEL},
	/* Ports of services are reserved, beside those that are. */
	{PORTS, RANGE "32768 60999" LISTENERS "22,9100,33000", 30000, SETTINGS_ONLY, 28231,
	 VERDICT_SHORT, METHOD_INSPECTED, WIDER("32768 60999", "26624 65535") KEEPS("", "33000"),
	 REMEDY_KERNEL},
	{PORTS, RANGE "32768 60999" RESERVED "8000,40000-40009" LISTENERS "9100,33000,40005", 45000,
	 SETTINGS_ONLY, 28221, VERDICT_SHORT, METHOD_INSPECTED,
	 WIDER("32768 60999", "8192 65535")
		 KEEPS("8000,40000-40009", "8000,9090,9100,10250-10259,33000,40000-40009"),
	 REMEDY_KERNEL},
	{PORTS, RANGE "40000 40009" LISTENERS "40010-40019", 16, SETTINGS_ONLY, 10, VERDICT_SHORT,
	 METHOD_INSPECTED, WIDER("40000 40009", "40000 40029") KEEPS("", "40010-40019"),
	 REMEDY_KERNEL},
	/* connect() takes no port of a listener; one that is reserved is not subtracted twice. */
	{PORTS, RANGE "40000 40999" LISTENERS "40000-40299", 750, SETTINGS_ONLY, 700, VERDICT_SHORT,
	 METHOD_INSPECTED, WIDER("40000 40999", "40000 41279") KEEPS("", "40000-40299"),
	 REMEDY_KERNEL},
	{PORTS, RANGE "40000 40999" RESERVED "40200-40399" LISTENERS "40000-40299", 400,
	 SETTINGS_ONLY, 600, VERDICT_OK, METHOD_INSPECTED, "", REMEDY_NONE},
	{PORTS, RANGE "1024 65535" LISTENERS "2000-2999", 63600, SETTINGS_ONLY, 63512,
	 VERDICT_SHORT, METHOD_INSPECTED, "", REMEDY_APPLICATION},
	/* The kernel refuses a range that starts below the privileged ports. */
	{PORTS, RANGE "32768 60999" FIRST "2000", 60000, SETTINGS_ONLY, 28232, VERDICT_SHORT,
	 METHOD_INSPECTED, WIDER("32768 60999", "2000 65535") KEEPS("", "9090,10250-10259"),
	 REMEDY_KERNEL},
	{PORTS, RANGE "32768 60999" FIRST "2001", 60000, SETTINGS_ONLY, 28232, VERDICT_SHORT,
	 METHOD_INSPECTED, WIDER("32768 60999", "2002 65535") KEEPS("", "9090,10250-10259"),
	 REMEDY_KERNEL},
	/* Below 1024 are privileged services, even if the kernel allows it. */
	{PORTS, RANGE "32768 60999" FIRST "0", 60000, SETTINGS_ONLY, 28232, VERDICT_SHORT,
	 METHOD_INSPECTED, WIDER("32768 60999", "1024 65535") KEEPS("", "9090,10250-10259"),
	 REMEDY_KERNEL},
	/* A node of Kubernetes has node ports. */
	{PORTS, RANGE "32768 60999" LISTENERS "1", 30000, SETTINGS_ONLY, 28232, VERDICT_SHORT,
	 METHOD_INSPECTED, WIDER("32768 60999", "24576 65535") KEEPS("", "30000-32767"),
	 REMEDY_KERNEL},
	/* None suffices: the widest is proposed. */
	{PORTS, RANGE "32768 60999", 100000, SETTINGS_ONLY, 28232, VERDICT_SHORT, METHOD_INSPECTED,
	 WIDER("32768 60999", "1024 65535") KEEPS("", "9090,10250-10259"), REMEDY_KERNEL},
	/* The widest range, or a wider one, is not replaced. */
	{PORTS, RANGE "1024 65535", 100000, SETTINGS_ONLY, 64512, VERDICT_SHORT, METHOD_INSPECTED,
	 "", REMEDY_APPLICATION},
	{PORTS, RANGE "1 65535", 100000, SETTINGS_ONLY, 65535, VERDICT_SHORT, METHOD_INSPECTED, "",
	 REMEDY_APPLICATION},
	/* Unreadable. */
	{PORTS, "listeners=80", 80, SETTINGS_ONLY, REPORT_NONE, VERDICT_UNKNOWN, METHOD_INSPECTED,
	 "", REMEDY_NONE},
	/* An experiment that met the limit overrides the settings; another one does not. */
	{PORTS, RANGE "32768 60999", 10000, REACHED(12500, false), 28232, VERDICT_OK,
	 METHOD_DERIVED, "", REMEDY_NONE},
	{PORTS, RANGE "40000 40099", 80, REACHED(100, true), 100, VERDICT_OK, METHOD_MEASURED, "",
	 REMEDY_NONE},
	{PORTS, RANGE "40000 40099", 80, REACHED(60, true), 100, VERDICT_SHORT, METHOD_MEASURED, "",
	 REMEDY_APPLICATION},
	/* An experiment that is not needed leaves the settings. */
	{PORTS, RANGE "32768 60999", 10000, FAILS(OUTCOME_UNNEEDED), 28232, VERDICT_OK,
	 METHOD_INSPECTED, "", REMEDY_NONE},

	/* A proxy needs no number of them: P ports are at most P connections in TIME_WAIT. */
	{WAIT, BUCKETS "750", 10, SETTINGS_ONLY, 750, VERDICT_OK, METHOD_INSPECTED, "",
	 REMEDY_NONE},
	{WAIT, BUCKETS "0", 10, SETTINGS_ONLY, 0, VERDICT_OK, METHOD_INSPECTED, "", REMEDY_NONE},
	{WAIT, BUCKETS "131072", 100000000, SETTINGS_ONLY, 131072, VERDICT_OK, METHOD_INSPECTED, "",
	 REMEDY_NONE},
	{WAIT, "", 10, SETTINGS_ONLY, REPORT_NONE, VERDICT_UNKNOWN, METHOD_INSPECTED, "",
	 REMEDY_NONE},
	{WAIT, BUCKETS "500", 10, REACHED(501, true), 500, VERDICT_OK, METHOD_MEASURED, "",
	 REMEDY_NONE},
};

static void each_row_gets_its_verdict(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct port_row *row = &rows[i];
		const struct experiment *x = verdict_experiment("ports", row->wall);
		struct target t = proxy_target(row->needed, row->needed);
		struct settings s = verdict_settings(x, row->settings);
		struct outcome o = verdict_outcome(row->reached, row->limit_met);
		o.state = row->state;
		const struct report *r = verdict_of(x, &t, &s, row->reached ? &o : NULL);
		char id[64] = "";
		if (verdict_asks(row->verdict))
			snprintf(id, sizeof(id), "%s.%s", row->wall,
				 wall_verdict_name(row->verdict));
		verdict_is(row->settings, r, row->limit, row->verdict, id, row->proposals,
			   row->remedy);
		assert_int_equal(r->walls[0].method, row->method);
	}
}

static void a_server_needs_neither_wall(void **state)
{
	static const struct {
		const char *wall, *settings;
	} short_of[] = {{PORTS, RANGE "40000 40099"}, {RATE, RANGE "40000 40099"}};
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

/* Whose servers behind it are all UNIX sockets. */
static void a_proxy_without_ports_needs_neither_wall(void **state)
{
	static const char *const walls[] = {PORTS, RATE};
	struct subject nginx = {.name = "nginx", .pid = 5};
	for (size_t i = 0; i < 4; i++) {
		const struct experiment *x = verdict_experiment("ports", walls[i % 2]);
		struct target t = proxy_target(1000, 1000);
		struct settings s = verdict_settings(x, RANGE "40000 40099");
		s.subject = &nginx;
		s.portless = i < 2;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		assert_int_equal(r->walls[0].verdict, s.portless ? VERDICT_NA : VERDICT_SHORT);
		assert_int_equal(r->finding_count, !s.portless);
		assert_int_equal(ports_share(&t, &s) > 0, !s.portless);
		if (s.portless)
			assert_non_null(strstr(r->walls[0].detail, "takes no port"));
	}
}

/* Over loopback a closed connection keeps its port for 1 s: tcp_tw_reuse=2. */
static void a_proxy_of_servers_of_this_machine_takes_loopback(void **state)
{
	static const struct {
		bool near;
		const char *settings;
		int64_t limit;
		enum wall_verdict verdict;
	} cases[] = {
		{false, "", 303, VERDICT_SHORT},
		{true, "", 18232, VERDICT_OK},
		/* A connection that is open counts more than the configuration. */
		{true, "; destination=0 0", 303, VERDICT_SHORT},
		{true, OTHERS("18000"), 18232, VERDICT_TIGHT},
	};
	const struct experiment *x = verdict_experiment("ports", RATE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct subject haproxy = {
			.name = "haproxy", .pid = 5, .behind.near = cases[i].near};
		struct target t = proxy_target(10000, 1000);
		char text[512];
		snprintf(text, sizeof(text), RANGE "32768 60999" KNOBS("2", "1", "1000") "%s",
			 cases[i].settings);
		struct settings s = verdict_settings(x, text);
		s.subject = &haproxy;
		const struct wall *w = verdict_of(x, &t, &s, NULL)->walls;
		if (w->limit != cases[i].limit || w->verdict != cases[i].verdict)
			fail_msg("row %zu: %lld: %s", i, (long long)w->limit, w->detail);
	}
}

/* Each pair of a source address and a destination has all ports for itself. */
static void a_load_over_several_destinations_is_not_short(void **state)
{
	static const struct {
		const char *wall, *settings;
		struct ports_spread spread;
		bool bound;
		enum wall_verdict verdict;
	} cases[] = {
		{PORTS, RANGE "32768 33767", {0}, false, VERDICT_SHORT},
		{PORTS, RANGE "32768 33767", {4, 225, 900}, false, VERDICT_TIGHT},
		/* One of them has nearly all. */
		{PORTS, RANGE "32768 33767", {2, 1000, 1012}, false, VERDICT_SHORT},
		{PORTS, RANGE "32768 34767", {4, 225, 900}, false, VERDICT_OK},
		{RATE, RANGE "32768 33767; net.ipv4.tcp_tw_reuse=0", {0}, false, VERDICT_SHORT},
		{RATE,
		 RANGE "32768 33767; net.ipv4.tcp_tw_reuse=0",
		 {4, 225, 900},
		 false,
		 VERDICT_TIGHT},
		{RATE,
		 RANGE "32768 33767; net.ipv4.tcp_tw_reuse=0",
		 {4, 225, 900},
		 true,
		 VERDICT_SHORT},
		{RATE,
		 RANGE "1024 65535; net.ipv4.tcp_tw_reuse=0",
		 {4, 225, 900},
		 false,
		 VERDICT_OK},
	};
	const struct target t = proxy_target(1500, 30);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct experiment *x = verdict_experiment("ports", cases[i].wall);
		struct settings s = verdict_settings(x, cases[i].settings);
		s.spread = cases[i].spread;
		if (cases[i].bound)
			s.at[PORT_NEAR][2] = 1;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		if (r->walls[0].verdict != cases[i].verdict)
			fail_msg("case %zu: %s", i, wall_verdict_name(r->walls[0].verdict));
		if (cases[i].verdict == VERDICT_TIGHT)
			assert_non_null(strstr(r->findings[0].detail,
					       "spread over 4 pairs of a source address and a "
					       "destination, and the fullest has 25 %"));
	}
}

#define OF_1000 RANGE "32768 33767"
#define NO_REUSE "; net.ipv4.tcp_tw_reuse=0"

/* By the option: of each, an even part of the load, also where the open connections are not even.
 */
static void a_target_has_several_destinations(void **state)
{
	static const struct {
		const char *wall, *settings;
		uint64_t connections, destinations;
		int64_t needed;
		enum wall_verdict verdict;
		const char *advice; /* also how it is spread */
		struct ports_spread spread;
		int64_t bound;
	} cases[] = {
		{PORTS, OF_1000, 1500, 1, 1500, VERDICT_SHORT, "add --destinations N", {0}, 0},
		{PORTS, OF_1000, 1500, 0, 1500, VERDICT_SHORT, "add --destinations N", {0}, 0},
		{PORTS, OF_1000, 1500, 1, 375, VERDICT_TIGHT, "--destinations 4", {4, 225, 900}, 0},
		{PORTS,
		 OF_1000,
		 1500,
		 1,
		 900,
		 VERDICT_TIGHT,
		 "--destinations N",
		 {4, 600, 1000},
		 0},
		{PORTS, OF_1000, 1500, 4, 375, VERDICT_OK, "", {0}, 0},
		{PORTS, OF_1000, 3200, 4, 800, VERDICT_OK, "", {0}, 0},
		{PORTS, OF_1000, 3201, 4, 801, VERDICT_TIGHT, "", {0}, 0},
		{PORTS, OF_1000, 4001, 4, 1001, VERDICT_SHORT, "", {0}, 0},
		{PORTS,
		 RANGE "1024 65535",
		 400000,
		 4,
		 100000,
		 VERDICT_SHORT,
		 "it takes 8 source addresses or destinations instead of 4.",
		 {0},
		 0},
		{PORTS, OF_1000, 1500, 4, 375, VERDICT_OK, "", {2, 1000, 1012}, 0},
		/* One range for all of them, for certain and most likely. */
		{PORTS,
		 OF_1000,
		 1500,
		 4,
		 1500,
		 VERDICT_SHORT,
		 "IP_BIND_ADDRESS_NO_PORT before bind()",
		 {0},
		 1},
		{PORTS, OF_1000, 1500, 4, 375, VERDICT_TIGHT, "", {0}, 2},
		{RATE,
		 OF_1000 NO_REUSE,
		 1500,
		 1,
		 30,
		 VERDICT_SHORT,
		 "add --destinations N",
		 {0},
		 0},
		{RATE,
		 OF_1000 NO_REUSE,
		 1500,
		 1,
		 30,
		 VERDICT_TIGHT,
		 "--destinations 4",
		 {4, 225, 900},
		 0},
		{RATE, OF_1000 NO_REUSE, 1500, 4, 8, VERDICT_OK, "", {0}, 0},
		{RATE, OF_1000 NO_REUSE, 1500, 3, 10, VERDICT_SHORT, "instead of 3", {0}, 0},
		{RATE, OF_1000 NO_REUSE, 1500, 4, 8, VERDICT_OK, "", {2, 1000, 1012}, 0},
		{RATE,
		 OF_1000 NO_REUSE,
		 1500,
		 4,
		 30,
		 VERDICT_SHORT,
		 "IP_BIND_ADDRESS_NO_PORT before bind()",
		 {0},
		 1},
		{RATE,
		 OF_1000 NO_REUSE,
		 1500,
		 4,
		 8,
		 VERDICT_TIGHT,
		 "IP_BIND_ADDRESS_NO_PORT before bind()",
		 {0},
		 2},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct experiment *x = verdict_experiment("ports", cases[i].wall);
		struct target t = proxy_target(cases[i].connections, 30);
		struct settings s = verdict_settings(x, cases[i].settings);
		t.destinations = cases[i].destinations;
		s.spread = cases[i].spread;
		if (cases[i].bound)
			s.at[PORT_NEAR][2] = cases[i].bound;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		const char *advice = r->finding_count ? r->findings[0].advice : "";
		if (w->verdict != cases[i].verdict || w->needed != cases[i].needed ||
		    !strstr(advice, cases[i].advice))
			fail_msg("case %zu: %s, needed %lld: %s", i, wall_verdict_name(w->verdict),
				 (long long)w->needed, advice);
		assert_true(t.destinations <= 1 || !strstr(advice, "--destinations"));
		if (!cases[i].bound)
			assert_int_equal(!!strstr(w->detail, "has 4 destinations: the need"),
					 t.destinations == 4);
		text_is_whole(w->detail);
		text_is_whole(advice);
		t.role = TARGET_SERVER;
		assert_true(verdict_of(x, &t, &s, NULL)->walls[0].needed == REPORT_NONE);
	}
}

/* The fewest that are ok. */
static void as_many_destinations_as_the_advice_names_suffice(void **state)
{
	static const struct {
		const char *wall, *settings;
		uint64_t connections, rate;
	} cases[] = {
		/* No range is wider. */
		{PORTS, RANGE "64536 65535" FIRST "64536", 1500, 30},
		{PORTS, RANGE "65525 65535" FIRST "65525", 88, 30},
		{PORTS, RANGE "65436 65535" FIRST "65436", 799, 30},
		{RATE, OF_1000 NO_REUSE, 1500, 30},
		{RATE, OF_500 NO_REUSE, 300, 60},
		{RATE, OF_500 KNOBS("1", "0", "1000") "; destination=40 60", 3000, 700},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct experiment *x = verdict_experiment("ports", cases[i].wall);
		struct target t = proxy_target(cases[i].connections, cases[i].rate);
		struct settings s = verdict_settings(x, cases[i].settings);
		const char *advice = verdict_of(x, &t, &s, NULL)->findings[0].advice;
		const char *named = strstr(advice, " source address");
		assert_non_null(named);
		while (named[-1] >= '0' && named[-1] <= '9')
			named--;
		t.destinations = strtoull(named, NULL, 10);
		assert_int_equal(verdict_of(x, &t, &s, NULL)->walls[0].verdict, VERDICT_OK);
		t.destinations--;
		if (verdict_of(x, &t, &s, NULL)->walls[0].verdict == VERDICT_OK)
			fail_msg("case %zu: %llu suffice", i, (unsigned long long)t.destinations);
	}
}

static void the_finding_says_how_many_addresses_are_needed(void **state)
{
	static const struct {
		const char *settings, *advice;
	} cases[] = {
		{RANGE "1024 65535",
		 "No range is wider: it takes 2 source addresses or destinations."},
		{RANGE "32768 60999",
		 "Even with that range it takes 2 source addresses or destinations."},
		{RANGE "32768 60999" RESERVED "32768-60899",
		 "net.ipv4.ip_local_reserved_ports takes 28 132 ports of the range. Even with "
		 "that range it takes 4 source addresses"},
	};
	const struct experiment *x = verdict_experiment("ports", PORTS);
	struct target t = proxy_target(100000, 10);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct settings s = verdict_settings(x, cases[i].settings);
		const struct finding *f = verdict_of(x, &t, &s, NULL)->findings;
		if (!strstr(f->advice, cases[i].advice))
			fail_msg("case %zu: %s", i, f->advice);
	}
	t.connections = 1000;
	struct settings s = verdict_settings(x, RANGE "40000 40099" LISTENERS "40100");
	const struct report *r = verdict_of(x, &t, &s, NULL);
	assert_null(strstr(r->findings[0].advice, "it takes"));
	assert_non_null(strstr(r->findings[0].advice,
			       "net.ipv4.ip_local_reserved_ports keeps 40100 for listeners"));
}

static void reserved_ports_are_read(void **state)
{
	char root[] = "/tmp/epolltune.XXXXXX", longest[200] = "";
	struct err e = {0};
	CLEAN(host_closep) struct host *h = NULL;
	const struct experiment *x = verdict_experiment("ports", PORTS);
	struct target t = proxy_target(1000, 10);
	assert_non_null(mkdtemp(root));
	struct output o = run("mkdir -p %s/proc/sys/net/ipv4 && cd %s/proc/sys/net/ipv4 && "
			      "echo 80,1024,40010-40019,40098-50000,65535 "
			      ">ip_local_reserved_ports && echo 2000 >ip_unprivileged_port_start",
			      root, root);
	assert_int_equal(o.status, 0);
	output_free(&o);
	assert_int_equal(host_open(&h, root, &e), 0);
	struct settings s = verdict_settings(x, RANGE "40000 40099");
	x->read(h, &s);
	assert_int_equal(verdict_of(x, &t, &s, NULL)->walls[0].limit, 100 - 12);
	/* The tree of another tool may lack the list. */
	char list[96], away[48];
	struct settings lacking = verdict_settings(x, RANGE "40000 40099");
	report_text(list, "%s/proc/sys/net/ipv4/ip_local_reserved_ports", root);
	report_text(away, "%s/away", root);
	assert_int_equal(rename(list, away), 0);
	x->read(h, &lacking);
	assert_int_equal(verdict_of(x, &t, &lacking, NULL)->walls[0].verdict, VERDICT_UNKNOWN);
	assert_int_equal(rename(away, list), 0);
	assert_string_equal(s.text[1], "80,1024,40010-40019,40098-50000,65535");
	assert_int_equal(s.at[3][0], 2000);
	/* A list that no finding can hold still counts. No range is proposed that it would have to
	 * be extended for. */
	for (int port = 40000; port < 40060; port += 2)
		report_append(longest, "%s%d", port > 40000 ? "," : "", port);
	o = run("echo %s >%s/proc/sys/net/ipv4/ip_local_reserved_ports", longest, root);
	output_free(&o);
	s = verdict_settings(x, RANGE "40000 40099");
	x->read(h, &s);
	snprintf(s.text[2], sizeof(s.text[2]), "40105");
	const struct report *r = verdict_of(x, &t, &s, NULL);
	assert_int_equal(r->walls[0].limit, 70);
	assert_string_equal(verdict_proposals(r), "");
	snprintf(s.text[2], sizeof(s.text[2]), "80");
	assert_non_null(strstr(verdict_proposals(verdict_of(x, &t, &s, NULL)), "40000 4"));
	o = run("rm -r %s", root);
	output_free(&o);
}

/* connect() shares ports between destinations, and takes those at an even distance first. */
static void ports_that_others_bind_are_told_by_parity_and_sharing(void **state)
{
	static const struct {
		struct ports_others of;
		uint32_t bound;
	} cases[] = {
		{{0}, 0},
		{{.used = 700, .largest = 175, .odd = 500}, 700},
		{{.used = 700, .largest = 175, .odd = 350}, 700},
		/* Of the even ones at most as many. */
		{{.used = 700, .largest = 175, .odd = 175}, 350},
		{{.used = 4100, .largest = 3000, .odd = 1100}, 2200},
		/* By connect(): the odd ones are free, or destinations share. */
		{{.used = 400, .largest = 100, .odd = 0}, 0},
		{{.used = 400, .largest = 100, .odd = 99}, 0},
		{{.used = 700, .largest = 400, .shared = 31, .odd = 300}, 0},
		{{.used = 700, .largest = 400, .shared = 30, .odd = 300}, 600},
		/* To one destination nothing shows it. */
		{{.used = 700, .largest = 691, .odd = 350}, 0},
		{{.used = 700, .largest = 690, .odd = 350}, 700},
		/* What groups of them show, the connections of others beside them. */
		{{.used = 700, .largest = 691, .odd = 350, .bound = 134}, 134},
		{{.used = 700, .largest = 690, .odd = 350, .bound = 134}, 700},
		{{.bound = 134}, 134},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (ports_others_bound(&cases[i].of) != cases[i].bound)
			fail_msg("case %zu: %u", i, ports_others_bound(&cases[i].of));
}

/* To one destination, too: connect() takes an odd port only where no even one is free. */
static void a_group_of_ports_is_bound_by_parity(void **state)
{
	static const struct {
		struct ports_group of;
		bool bound;
	} cases[] = {
		{{0}, false},
		{{.odd = 134, .free = 200}, true},
		{{.odd = 9, .free = 200}, false},
		{{.odd = 10, .free = 200}, true},
		/* The even ones last. */
		{{.odd = 200, .even = 100, .free = 100}, true},
		/* connect() that once had more than half of the range. */
		{{.odd = 100, .even = 60, .free = 140}, false},
		{{.odd = 100, .even = 200}, false},
		{{.even = 200}, false},
		/* Where no even one is free: reserved ones, or those of listeners. */
		{{.odd = 100, .free = 9}, false},
		/* connect() alone gives a port to several destinations. */
		{{.odd = 134, .shared = 14, .free = 200}, false},
		{{.odd = 134, .shared = 13, .free = 200}, true},
		/* Side by side, as an application numbers them. */
		{{.odd = 50, .even = 50, .free = 150, .first = 40000, .last = 40099}, true},
		{{.odd = 50, .even = 50, .free = 150, .first = 40000, .last = 40100}, false},
		{{.odd = 7, .even = 8, .free = 150, .first = 40000, .last = 40014}, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (ports_group_bound(&cases[i].of) != cases[i].bound)
			fail_msg("case %zu", i);
}

/* A list of reserved ports is short: those outside of the range have no place in it. */
static void the_lab_has_as_many_ports(void **state)
{
	static const char listeners[] = "22,80,111,443,2049,3306,6379,8080,9090,9100,33060,35357,"
					"36123,38045,39999,41001,43211,45677";
	struct settings s =
		verdict_settings(verdict_experiment("ports", RATE), RANGE "32768 60999");
	struct port_set reserved = {0};
	char list[KNOB_VALUE];
	report_text(s.text[PORT_SERVICES], "%s", listeners);
	assert_true(ports_free_reserve(&s, list, sizeof(list)));
	assert_true(port_set_parse(&reserved, list));
	assert_int_equal(port_set_count(&reserved, 0, UINT16_MAX), 8);
	/* Where they do not fit, none are reserved: the experiment ends at what the machine has. */
	assert_false(ports_free_reserve(&s, list, 20));
}

/* A wider range keeps the ports of UDP services, which take none from TCP. */
static void udp_services_keep_their_ports(void **state)
{
	const struct experiment *x = verdict_experiment("ports", PORTS);
	struct target t = target_default();
	struct settings s = verdict_settings(x, RANGE "32768 60999");
	t.role = TARGET_PROXY;
	t.connections = 30000;
	report_text(s.text[PORT_SERVICES], "%s", "62001");
	report_text(s.datagram_ports, "%s", "53,4500,62000");
	const struct report *r = verdict_of(x, &t, &s, NULL);
	assert_int_equal(r->walls[0].limit, 28232);
	assert_string_equal(verdict_proposals(r),
			    WIDER("32768 60999", "26624 65535") KEEPS("", "62000-62001"));
}

/* Those of a resolver or a relay are too many for services. */
static void ports_of_udp_clients_are_not_kept(void **state)
{
	static const struct {
		const char *bound;
		int64_t low, high;
		const char *kept;
	} cases[] = {
		{"53,4789,51820,62000", 32768, 60999, "53,4789,62000"},
		{"53,4789,51820,62000", -1, -1, "53,4789,51820,62000"},
		{"53,1024-1039,40000", 32768, 60999, "53,1024-1039"},
		{"53,1024-1039,4789,5060,40000", 32768, 60999, "53,4789,5060"},
		{"", 32768, 60999, ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct port_services s = {.kubernetes = false};
		char kept[KNOB_VALUE];
		assert_true(port_set_parse(&s.datagrams, cases[i].bound));
		port_services_beside(&s, cases[i].low, cases[i].high);
		port_set_format(&s.datagrams, kept, sizeof(kept));
		if (strcmp(kept, cases[i].kept) != 0)
			fail_msg("case %zu: %s", i, kept);
	}
}

static void the_finding_names_who_binds_ports(void **state)
{
	const struct experiment *x = verdict_experiment("ports", RATE);
	struct target t = proxy_target(100, 2);
	struct settings s = verdict_settings(x, OF_500 KNOBS("2", "1", "1000") OTHERS("350"));
	report_text(s.text[PORT_OTHERS], "batch (pid 77)");
	const struct finding *f = verdict_of(x, &t, &s, NULL)->findings;
	assert_string_equal(f->title, "350 of 500 ports seem to be bound by other processes, such "
				      "as batch (pid 77)");
	assert_non_null(
		strstr(f->advice, "IP_BIND_ADDRESS_NO_PORT before bind() in batch (pid 77)"));
	assert_int_equal(f->level, LEVEL_WARNING);
	s.subject = &(struct subject){.name = "haproxy", .pid = 5};
	t.role = TARGET_SERVER;
	assert_int_equal(verdict_of(x, &t, &s, NULL)->finding_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_gets_its_verdict),
		cmocka_unit_test(a_server_needs_neither_wall),
		cmocka_unit_test(a_proxy_without_ports_needs_neither_wall),
		cmocka_unit_test(a_proxy_of_servers_of_this_machine_takes_loopback),
		cmocka_unit_test(a_load_over_several_destinations_is_not_short),
		cmocka_unit_test(a_target_has_several_destinations),
		cmocka_unit_test(as_many_destinations_as_the_advice_names_suffice),
		cmocka_unit_test(the_finding_says_how_many_addresses_are_needed),
		cmocka_unit_test(reserved_ports_are_read),
		cmocka_unit_test(ports_that_others_bind_are_told_by_parity_and_sharing),
		cmocka_unit_test(a_group_of_ports_is_bound_by_parity),
		cmocka_unit_test(the_lab_has_as_many_ports),
		cmocka_unit_test(udp_services_keep_their_ports),
		cmocka_unit_test(ports_of_udp_clients_are_not_kept),
		cmocka_unit_test(the_finding_names_who_binds_ports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
