/* Ports in use: the destinations of this machine or a captured one, and what is judged of them. */
#include "../support/port_verdicts.h"
#include "../support/support.h"
#include "../support/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/knob.h"
#include "epolltune/port_settings.h"
#include "epolltune/ports_udp.h"
#include "epolltune/ports_used.h"
#include "host/port_sockets.h"

/* /proc/net/tcp of a captured machine: sl, local, remote, state and inode of proc(5). */
#define LINE(local, remote, state)                                                                 \
	"  0: " local " " remote " " state " 00000000:00000000 00:00000000 00000000 0 0 4711 1\\n"

#define FROM_40000 "0100000A:9C40"
#define FROM_40001 "0100000A:9C41"
#define TO_80 "0200000A:0050"
#define SIX "0000000000000000FFFF00000100000A"

static void addresses_are_in_the_byte_order_of_the_machine(void **state)
{
	struct port_socket little, big;
	assert_true(
		port_socket_parse(LINE("0100000A:9C40", "0200000A:0050", "01"), false, &little));
	assert_true(port_socket_parse(LINE("0A000001:9C40", "0A000002:0050", "01"), true, &big));
	assert_memory_equal(&little, &big, sizeof(big));
	assert_int_equal(little.route.source.s6_addr[12], 10);
}

static void a_captured_machine_shows_its_destinations(void **state)
{
	struct output made = run(
		"d=$(mktemp -d) && mkdir -p $d/proc/sys/net/ipv4 $d/proc/net && cd $d/proc && "
		"echo 40000 40099 >sys/net/ipv4/ip_local_port_range && "
		"echo >sys/net/ipv4/ip_local_reserved_ports && printf '"
		/* Of both families the same port; one outside of the range; a listener; two more
		 * destinations; a damaged line. */
		"sl header\\n" LINE(FROM_40000, TO_80, "01") LINE(FROM_40001, TO_80, "06") LINE(
			"0100000A:9C3F", TO_80, "01") LINE("00000000:9C43", "00000000:0000", "0A")
			LINE("0100007F:9C40", "0100007F:0050", "01") "  1: zz' >net/tcp && printf '" LINE(
				SIX ":9C40", "0000000000000000FFFF00000200000A:0050", "01")
				LINE(SIX ":9C42", "0000000000000000FFFF00000200000A:0050", "01")
					LINE("00000000000000000000000001000000:9C40",
					     "000080FE000000000000000002000000:0050",
					     "02") "' >net/tcp6 && printf $d");
	struct host *h;
	struct ports_used u;
	struct ports_taken taken;
	struct err e = {0};
	assert_int_equal(host_open(&h, made.out, &e), 0);
	assert_int_equal(ports_used_read(h, NULL, &u, &e), 0);
	assert_int_equal(u.count, 3);
	assert_string_equal(u.at[0].source, "10.0.0.1");
	assert_string_equal(u.at[0].destination, "10.0.0.2:80");
	assert_int_equal(u.at[0].used, 3);
	assert_int_equal(u.at[0].waiting, 1);
	assert_true(ports_used_taken(&u, false, false, &taken));
	assert_string_equal(taken.destination, "10.0.0.2:80");
	assert_int_equal(taken.held, 2);
	assert_int_equal(taken.all, 3);
	assert_true(ports_used_taken(&u, true, false, &taken));
	assert_int_equal(taken.all, 1);
	ports_used_free(&u);
	const struct experiment *x = verdict_experiment("ports", RATE);
	struct settings s = verdict_settings(x, OF_500);
	x->read(h, &s);
	assert_string_equal(s.text[PORT_SERVICES], "40003");
	assert_string_equal(s.text[PORT_REMOTE], "10.0.0.2:80");
	assert_int_equal(s.at[PORT_REMOTE][1], 3);
	assert_int_equal(s.at[PORT_NEAR][1], 1);
	host_close(h);
	struct output removed = run("rm -r %s", made.out);
	output_free(&removed);
	output_free(&made);
}

/* Ports whose use is not known may be short, and are never ok. */
static void sockets_that_were_not_captured_are_unknown(void **state)
{
	struct output made = run("d=$(mktemp -d) && mkdir -p $d/proc/sys/net/ipv4 && cd $d/proc && "
				 "echo 40000 40499 >sys/net/ipv4/ip_local_port_range && "
				 "echo >sys/net/ipv4/ip_local_reserved_ports && printf $d");
	const struct experiment *x = verdict_experiment("ports", RATE);
	struct settings s = verdict_settings(x, OF_500 KNOBS("0", "1", "1000"));
	const struct target met = proxy_target(300, 3), missed = proxy_target(300, 60);
	struct host *h;
	struct err e = {0};
	assert_int_equal(host_open(&h, made.out, &e), 0);
	x->read(h, &s);
	assert_int_equal(verdict_of(x, &met, &s, NULL)->walls[0].verdict, VERDICT_UNKNOWN);
	assert_int_equal(verdict_of(x, &missed, &s, NULL)->walls[0].verdict, VERDICT_SHORT);
	host_close(h);
	struct output removed = run("rm -r %s", made.out);
	output_free(&removed);
	output_free(&made);
}

/* The fullest destination is not always that of most connections; the server's own do not count. */
static void the_fullest_destination_is_chosen(void **state)
{
	struct ports_used u = {.count = 4};
	struct ports_taken taken;
	static const struct ports_to at[] = {
		{.destination = "a", .used = 100, .waiting = 90, .own = 0},
		{.destination = "b", .used = 60, .waiting = 0, .own = 55},
		{.destination = "c", .used = 50, .waiting = 10, .own = 10},
		{.destination = "d", .used = 80, .loopback = true, .own = 80},
	};
	memcpy(u.at, at, sizeof(at));
	assert_true(ports_used_taken(&u, false, false, &taken));
	assert_string_equal(taken.destination, "a");
	assert_int_equal(taken.all, 45 + 55);
	assert_int_equal(taken.held, 30);
	assert_true(ports_used_taken(&u, false, true, &taken));
	assert_string_equal(taken.destination, "c");
	assert_int_equal(taken.all, 30);
	assert_true(ports_used_taken(&u, true, true, &taken));
	assert_string_equal(taken.destination, "d");
	assert_int_equal(taken.all, 0);
	u.count = 3;
	assert_false(ports_used_taken(&u, true, true, &taken));
}

/* Of several sources that the server binds the fullest counts, without its own ports. */
static void the_fullest_bound_source_is_chosen(void **state)
{
	struct ports_used u = {.available = 100, .count = 2, .from_count = 4};
	struct ports_taken taken;
	static const struct ports_from from[] = {
		{.used = 90, .largest = 40, .own = 60},
		{.used = 90, .largest = 40, .own = 20},
		{.used = 95, .largest = 40, .own = 90},
		{.used = 95, .largest = 40}, /* another's */
	};
	u.at[1].loopback = true;
	memcpy(u.from, from, sizeof(from));
	assert_true(ports_used_bound(&u, false, &taken));
	assert_int_equal(taken.all, 70);
	assert_int_equal(taken.held, 70);
	assert_string_equal(taken.destination, "all destinations");
	assert_false(ports_used_bound(&u, true, &taken));
	u.from[2].to = 1;
	assert_true(ports_used_bound(&u, true, &taken));
	assert_int_equal(taken.all, 5);
	u.from[1].used = u.from[1].own = 100;
	assert_true(ports_used_bound(&u, false, &taken));
	assert_int_equal(taken.all, 30);
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

static void ports_in_use_are_judged(void **state)
{
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

/* The socket option IP_LOCAL_PORT_RANGE, or bind(). */
static void a_full_interval_of_the_range_is_a_warning(void **state)
{
	static const struct {
		uint32_t used, waiting;
		uint16_t first, last;
		int64_t available;
		const char *level; /* "": not found */
		uint32_t opening;
	} looks[] = {
		{100, 0, 40000, 40099, 28232, " note", 0}, /* a pool, maybe */
		{100, 5, 40000, 40099, 28232, " warning", 0},
		{100, 0, 40000, 40099, 28232, " warning", 1},
		{99, 0, 40000, 40099, 28232, "", 0},  /* one is free */
		{100, 0, 40000, 40198, 28232, "", 0}, /* every second one */
		{15, 0, 40000, 40014, 28232, "", 0},  /* by chance, maybe */
		{100, 0, 40000, 40099, -1, "", 0},
	};
	static struct report r;
	struct process p;
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
		struct ports_used u = hundred_ports(&p);
		use_add(&u,
			&(struct use){
				.used = looks[i].used, .waiting = looks[i].waiting, .seen = true},
			"10.0.0.2:9000");
		u.available = looks[i].available;
		u.at[0].first = looks[i].first;
		u.at[0].last = looks[i].last;
		u.at[0].opening = looks[i].opening;
		u.at[0].stamps = PORTS_STAMPS_NONE;
		report_init(&r);
		ports_used_judge(&u, 0, 1, &r);
		char row[24], expected[48] = "";
		snprintf(row, sizeof(row), "row %zu", i);
		if (looks[i].level[0])
			snprintf(expected, sizeof(expected), "ports.ephemeral.interval%s",
				 looks[i].level);
		findings_are(row, &r, expected);
	}
	struct ports_used u = hundred_ports(&p);
	use_add(&u, &(struct use){.used = 100, .seen = true}, "10.0.0.2:9000");
	u.available = 28232;
	u.at[0].first = 40000;
	u.at[0].last = 40099;
	report_init(&r);
	ports_used_judge(&u, 0, 1, &r);
	assert_string_equal(
		r.findings[0].title,
		"haproxy (pid 812) uses every port from 40000 to 40099 from 10.0.0.1 to "
		"10.0.0.2:9000, and no other (100 ports)");
}

/* TIME_WAIT stays there, also with tcp_tw_reuse=1. */
static void a_destination_without_timestamps_is_not_reused(void **state)
{
	static struct report r;
	struct process p;
	struct ports_used u = hundred_ports(&p);
	char knobs[200];
	use_add(&u, &(struct use){.used = 100, .waiting = 90, .seen = true}, "10.0.0.2:9000");
	report_init(&r);
	ports_used_judge(&u, 1, 1, &r);
	assert_int_equal(r.finding_count, 0);
	u.at[0].stamps = PORTS_STAMPS_NONE;
	ports_used_judge(&u, 1, 1, &r);
	assert_int_equal(r.finding_count, 1);
	knobs_of(r.findings, knobs, sizeof(knobs));
	assert_string_equal(knobs, RANGE "40000 40099");
	text_is_whole(r.findings[0].advice);
	assert_null(strstr(r.findings[0].advice, REUSE_KNOB));
}

static void ports_that_are_not_shared_are_one_range(void **state)
{
	static const struct {
		struct ports_from from;
		const char *level, *text;
	} cases[] = {
		{{.used = 80, .largest = 40}, "warning", "EADDRINUSE after 20 more. 40 of the"},
		{{.used = 100, .largest = 50}, "critical", "No port is left: bind()"},
		{{.used = 110, .largest = 50}, "critical", "No port is left: bind()"},
		{{.used = 100, .largest = 1}, "critical", "1 of the ports is to 10.0.0.2:9000"},
		/* A few of another program. */
		{{.used = 100, .largest = 50, .shared = 5}, "critical", "No port"},
		{{.used = 79, .largest = 40}, "", ""},
		{{.used = 100, .largest = 50, .shared = 6}, "", ""},
		/* To one destination, so that nothing shows it. */
		{{.used = 100, .largest = 91}, "", ""},
		{{.used = 90, .largest = 95}, "", ""},
	};
	static struct report r;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct process p;
		struct ports_used u = hundred_ports(&p);
		char knobs[200];
		use_add(&u, &(struct use){.used = 50, .seen = true}, "10.0.0.2:9000");
		u.from[u.from_count++] = cases[i].from;
		report_init(&r);
		ports_used_judge(&u, 1, 1, &r);
		assert_int_equal(r.finding_count, *cases[i].level ? 1 : 0);
		if (!r.finding_count)
			continue;
		const struct finding *f = r.findings;
		knobs_of(f, knobs, sizeof(knobs));
		assert_string_equal(f->id, "ports.ephemeral.bound");
		assert_string_equal(finding_level_name(f->level), cases[i].level);
		assert_string_equal(knobs, RANGE "40000 40099");
		text_is_whole(f->detail);
		text_is_whole(f->advice);
		if (!strstr(f->detail, cases[i].text))
			fail_msg("case %zu: %s", i, f->detail);
	}
}

/* What watch shows: the destination or the bound source that check would name. */
static void the_fullest_is_where_connect_can_take_fewest(void **state)
{
	static const struct {
		struct use uses[2];
		struct ports_from from;
		int64_t used;
		size_t to; /* 2: none */
		bool bound;
	} cases[] = {
		{.to = 2},
		{{{.used = 100}, {.used = 90}}, {0}, 100, 0, false},
		/* Those in TIME_WAIT that connect() reuses are not in use. */
		{{{.used = 100, .waiting = 90}, {.used = 95, .waiting = 5}}, {0}, 90, 1, false},
		{{{.used = 100, .waiting = 100}, {.used = 1}}, {0}, 1, 1, false},
		{{{.used = 100, .waiting = 100}}, {0}, 0, 0, false},
		{{{.used = 50}}, {.used = 80, .largest = 40}, 80, 0, true},
		{{{.used = 50}}, {.used = 110, .largest = 40}, 100, 0, true},
		{{{.used = 90}}, {.used = 80, .largest = 40}, 90, 0, false},
		{{{.used = 50}}, {.used = 79, .largest = 40}, 50, 0, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct process p;
		struct ports_used u = hundred_ports(&p);
		for (size_t k = 0; k < 2 && cases[i].uses[k].used; k++)
			use_add(&u, &cases[i].uses[k], k ? "10.0.0.2:9001" : "10.0.0.2:9000");
		if (cases[i].from.used)
			u.from[u.from_count++] = cases[i].from;
		struct ports_fullest f = ports_used_fullest(&u, 1, 1);
		if (f.used != cases[i].used || f.bound != cases[i].bound ||
		    f.to != (cases[i].to < 2 ? &u.at[cases[i].to] : NULL))
			fail_msg("case %zu: %lld", i, (long long)f.used);
	}
}

static void several_destinations_are_named(void **state)
{
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

/* A small pool of connections without timestamps takes no ports that rest. */
static void timestamps_are_those_of_a_destination_that_takes_ports(void **state)
{
	static struct ports_used u = {.count = 2};
	u.at[0] = (struct ports_to){.used = 3, .stamps = PORTS_STAMPS_NONE};
	assert_int_equal(ports_used_stamps(&u, false), PORTS_STAMPS_UNKNOWN);
	u.at[0].used = 10;
	assert_int_equal(ports_used_stamps(&u, false), PORTS_STAMPS_NONE);
	u.at[0].used = 9;
	u.at[1] = (struct ports_to){.used = 1, .stamps = PORTS_STAMPS_SOME};
	assert_int_equal(ports_used_stamps(&u, false), PORTS_STAMPS_SOME);
	u.at[0].waiting = 1;
	assert_int_equal(ports_used_stamps(&u, false), PORTS_STAMPS_NONE);
	assert_int_equal(ports_used_stamps(&u, true), PORTS_STAMPS_UNKNOWN);
}

/* Ports of a UDP socket are taken for all destinations. */
static void ports_of_udp_are_counted_once(void **state)
{
	static const struct {
		const char *address;
		bool v6only;
	} sockets[] = {
		{"udp:0.0.0.0:53", false},          {"udp:0.0.0.0:40001", false},
		{"udp:0.0.0.0:40001", false}, /* SO_REUSEPORT */
		{"udp:10.0.0.1%eth0:40001", false}, {"udp:10.0.0.1:40001", false},
		{"udp:10.0.0.1:40002", false},      {"udp:10.0.0.1:40003", false},
		{"udp:10.0.0.1:40005", false}, /* reserved */
		{"udp:[2001:db8::1]:40004", true},  {"udp:[::]:40006", false},
		{"udp:[::]:40007", true},
	};
	struct listener at[sizeof(sockets) / sizeof(*sockets)] = {0};
	const struct listeners l = {.count = sizeof(at) / sizeof(*at), .at = at};
	struct port_set ephemeral = {0};
	struct ports_udp u;
	port_set_add(&ephemeral, 40000, 40004);
	port_set_add(&ephemeral, 40006, 40009);
	for (size_t i = 0; i < l.count; i++) {
		at[i] = (struct listener){.kind = LISTENER_UDP, .v6only = sockets[i].v6only};
		snprintf(at[i].address, sizeof(at[i].address), "%s", sockets[i].address);
		at[i].port = (uint16_t)strtoul(strrchr(at[i].address, ':') + 1, NULL, 10);
	}
	ports_udp_count(&l, &ephemeral, &u);
	assert_int_equal(u.available, 9);
	assert_int_equal(u.four, 4);
	assert_int_equal(u.all, 6);
	assert_int_equal(u.bound, 3);
	assert_string_equal(u.address, "10.0.0.1");
}

static void ports_of_udp_are_judged(void **state)
{
	static const struct {
		uint32_t four, all;
		const char *level, *title, *detail;
	} cases[] = {
		{79, 79, "", "", ""},
		{80, 80, "warning",
		 "UDP sockets have 80 of 100 ephemeral ports, most of them of unbound (pid 812)",
		 "After 20 more no port is left for an IPv4 socket without"},
		{99, 100, "critical", "99 of 100",
		 "After 1 more no port is left for an IPv4 socket"},
		{100, 100, "critical", "100 of 100", ". No port is left for an IPv4 socket"},
		{10, 100, "critical", "100 of 100", ". No port is left for an IPv6 socket"},
	};
	static struct report r;
	char knobs[200];
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ports_udp u = {.low = 40000,
				      .high = 40099,
				      .available = 100,
				      .four = cases[i].four,
				      .all = cases[i].all,
				      .bound = 70,
				      .address = "10.0.0.1",
				      .owned = true,
				      .owner = {.pid = 812, .name = "unbound"}};
		report_init(&r);
		ports_udp_judge(&u, &r);
		assert_int_equal(r.finding_count, *cases[i].level ? 1 : 0);
		if (!r.finding_count)
			continue;
		const struct finding *f = r.findings;
		knobs_of(f, knobs, sizeof(knobs));
		text_is_whole(f->detail);
		text_is_whole(f->advice);
		assert_string_equal(knobs, RANGE "40000 40099");
		assert_string_equal(finding_level_name(f->level), cases[i].level);
		if (!strstr(f->title, cases[i].title) || !strstr(f->detail, cases[i].detail) ||
		    !strstr(f->detail, "10.0.0.1 has 70 of them."))
			fail_msg("case %zu: %s: %s", i, f->title, f->detail);
	}
	ports_udp_judge(&(struct ports_udp){0}, &r);
	assert_int_equal(r.finding_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timestamps_are_those_of_a_destination_that_takes_ports),
		cmocka_unit_test(addresses_are_in_the_byte_order_of_the_machine),
		cmocka_unit_test(a_captured_machine_shows_its_destinations),
		cmocka_unit_test(sockets_that_were_not_captured_are_unknown),
		cmocka_unit_test(the_fullest_destination_is_chosen),
		cmocka_unit_test(the_fullest_bound_source_is_chosen),
		cmocka_unit_test(ports_in_use_are_judged),
		cmocka_unit_test(ports_that_are_not_shared_are_one_range),
		cmocka_unit_test(a_destination_without_timestamps_is_not_reused),
		cmocka_unit_test(a_full_interval_of_the_range_is_a_warning),
		cmocka_unit_test(the_fullest_is_where_connect_can_take_fewest),
		cmocka_unit_test(several_destinations_are_named),
		cmocka_unit_test(ports_of_udp_are_counted_once),
		cmocka_unit_test(ports_of_udp_are_judged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
