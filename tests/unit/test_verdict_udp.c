/* What probe udp makes of receive buffers: room for datagrams, whose limit it is, proposals. */
#define probe_udp udp_under_test
#define nics_read cards_read
#define nics_free cards_free
#include "../../probes/udp.c"
#include "../support/support.h"
#include "../support/verdict.h"

#include "judge/verdict.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define KERNEL_HAS(max)                                                                            \
	"net.core.rmem_max=" max "; net.core.rmem_default=212992; SO_RCVBUF=2147483647; "
#define MEMORY_HAS(pages, used) "net.ipv4.udp_mem=" pages "; UDP mem of /proc/net/sockstat=" used

static const struct experiment *const x = &experiments[0];

static struct nic cards[2] = {{.driver = "igb", .up = true}};
static struct nics visible = {cards, 1};
int cards_read(const struct host *h, enum nic_choice choice, struct nics *out, struct err *e)
{
	*out = visible;
	return out->at ? 0 : -ENOENT;
}
void cards_free(struct nics *n) {}

static struct target burst(uint64_t per_s)
{
	struct target t = target_default();
	t.datagrams_per_s = per_s;
	return t;
}

/* Measured on Linux 6.18 over veth: a buffer of 212 992 bytes holds 92 datagrams of 1 200 bytes and
 * 256 of 64. */
static void a_datagram_takes_more_than_its_payload(void **state)
{
	assert_int_equal(212992 / datagram_truesize(1200), 92);
	assert_int_equal(212992 / datagram_truesize(64), 256);
	assert_int_equal(datagram_truesize(1472), 2304);
	/* Two fragments. */
	assert_int_equal(datagram_truesize(1473), 2304 + 832);
	assert_true(datagram_truesize(65507) > 65507);
	assert_int_equal(datagram_card_truesize(64, false), 2304);
	assert_int_equal(datagram_card_truesize(1473, false), 2 * 2304);
	assert_int_equal(datagram_card_truesize(1200, true), 4864);
	assert_int_equal(datagram_card_truesize(1473, true), 2 * 4864);
}

static void the_buffer_that_the_kernel_allows_must_hold_the_burst(void **state)
{
	static const struct {
		const char *values;
		uint64_t per_s;
		enum wall_verdict verdict;
		int64_t limit;
		const char *finding, *proposals;
	} rows[] = {
		/* A socket without SO_RCVBUF holds 92. */
		{KERNEL_HAS("212992"), 700, VERDICT_OK, 184, "", ""},
		{KERNEL_HAS("212992"), 1000, VERDICT_TIGHT, 184, "udp.receive.default warning", ""},
		{KERNEL_HAS("212992"), 1800, VERDICT_TIGHT, 184, "udp.receive.tight warning",
		 "net.core.rmem_max 212992 -> 262144"},
		/* What QUIC servers ask for: 7 MiB. */
		{KERNEL_HAS("212992"), 50000, VERDICT_SHORT, 184, "udp.receive.short critical",
		 "net.core.rmem_max 212992 -> 7340032"},
		{KERNEL_HAS("7340032"), 50000, VERDICT_TIGHT, 6371, "udp.receive.default warning",
		 ""},
		/* No buffer has more than 2 GiB. */
		{KERNEL_HAS("212992"), 100000000, VERDICT_SHORT, 184, "udp.receive.short critical",
		 ""},
		/* The first field of udp_mem is the limit, and no field is above the next one. */
		{KERNEL_HAS("7340032") MEMORY_HAS("1000 90000 90000", "200"), 50000, VERDICT_SHORT,
		 1422, "udp.receive.short critical",
		 "net.ipv4.udp_mem 1000 90000 90000 -> 3716 90000 90000"},
		{KERNEL_HAS("7340032") MEMORY_HAS("1000 1500 2000", "200"), 50000, VERDICT_SHORT,
		 1422, "udp.receive.short critical",
		 "net.ipv4.udp_mem 1000 1500 2000 -> 3716 3716 3716"},
		{KERNEL_HAS("7340032") MEMORY_HAS("9000 90000 90000", "200"), 50000, VERDICT_TIGHT,
		 6371, "udp.receive.default warning", ""},
		/* Nothing is known. */
		{"SO_RCVBUF=2147483647", 50000, VERDICT_UNKNOWN, REPORT_NONE, "", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char row[24];
		const struct target t = burst(rows[i].per_s);
		const struct settings s = verdict_settings(x, rows[i].values);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		snprintf(row, sizeof(row), "row %zu", i);
		findings_are(row, r, rows[i].finding);
		if (r->walls[0].verdict != rows[i].verdict || r->walls[0].limit != rows[i].limit ||
		    strcmp(verdict_proposals(r), rows[i].proposals) != 0)
			fail_msg("%s: %s, limit %lld, \"%s\"", row,
				 wall_verdict_name(r->walls[0].verdict),
				 (long long)r->walls[0].limit, verdict_proposals(r));
	}
}

/* udp_mem counts pages, sockstat the same, before Linux 6.0 units of 4096 bytes. */
static void memory_is_counted_in_pages_of_the_machine(void **state)
{
	static const struct {
		uint64_t page;
		unsigned kernel;
		const char *values;
		enum wall_verdict verdict;
		int64_t limit;
		const char *proposals;
	} rows[] = {
		{65536, KERNEL(6, 1), KERNEL_HAS("7340032") MEMORY_HAS("1000 9000 9000", "980"),
		 VERDICT_SHORT, 568, "net.ipv4.udp_mem 1000 9000 9000 -> 1200 9000 9000"},
		{65536, KERNEL(5, 10), KERNEL_HAS("7340032") MEMORY_HAS("1000 9000 9000", "980"),
		 VERDICT_TIGHT, 6371, ""},
		/* Unknown: no page is smaller than 4096 bytes. */
		{0, KERNEL(6, 1), KERNEL_HAS("7340032") MEMORY_HAS("10000 90000 90000", "200"),
		 VERDICT_TIGHT, 6371, ""},
		{0, KERNEL(6, 1), KERNEL_HAS("7340032") MEMORY_HAS("1000 9000 9000", "200"),
		 VERDICT_UNKNOWN, REPORT_NONE, ""},
		{0, KERNEL(6, 1), KERNEL_HAS("212992") MEMORY_HAS("300 900 900", "299"),
		 VERDICT_SHORT, 184, ""},
	};
	const struct target t = burst(50000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct settings s = verdict_settings(x, rows[i].values);
		s.machine.page_bytes = rows[i].page;
		s.machine.kernel = rows[i].kernel;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		if (r->walls[0].verdict != rows[i].verdict || r->walls[0].limit != rows[i].limit ||
		    strcmp(verdict_proposals(r), rows[i].proposals) != 0)
			fail_msg("row %zu: %s, limit %lld, \"%s\"", i,
				 wall_verdict_name(r->walls[0].verdict),
				 (long long)r->walls[0].limit, verdict_proposals(r));
	}
}

/* Whether such a server has a UDP socket, and what it asked for, is not known. */
static void sockets_that_cannot_be_listed_are_unknown(void **state)
{
	static struct subject server;
	const struct target t = burst(50000);
	struct settings s = verdict_settings(x, KERNEL_HAS("100000000"));
	s.subject = &server;
	server.listeners.unlisted = 1u << LISTENER_UDP;
	assert_int_equal(verdict_of(x, &t, &s, NULL)->walls[0].verdict, VERDICT_UNKNOWN);
	server.listeners.unlisted = 1u << LISTENER_UNIX;
	const struct target none = burst(0);
	assert_int_equal(verdict_of(x, &none, &s, NULL)->walls[0].verdict, VERDICT_NA);
	/* One of those that are listed may be its own. */
	server.ownerless = true;
	const struct wall *w = &verdict_of(x, &t, &s, NULL)->walls[0];
	assert_int_equal(w->verdict, VERDICT_UNKNOWN);
	assert_non_null(strstr(w->detail, "give the address: --server :PORT."));
	server.activated = true;
	w = &verdict_of(x, &t, &s, NULL)->walls[0];
	assert_int_equal(w->verdict, VERDICT_UNKNOWN);
	assert_string_equal(w->detail, "The service does not run: which UDP sockets it opens is "
				       "not known.");
	server.listeners.unlisted = 1u << LISTENER_UDP;
	w = &verdict_of(x, &t, &s, NULL)->walls[0];
	assert_non_null(strstr(w->detail, "The service does not run"));
	/* Any of the rest of its descriptors may be one. */
	server.cut = 1u << LISTENER_UDP;
	w = &verdict_of(x, &t, &s, NULL)->walls[0];
	assert_int_equal(w->verdict, VERDICT_UNKNOWN);
	assert_non_null(strstr(w->detail, SUBJECT_CUT));
}

static void a_running_socket_has_its_own_buffer(void **state)
{
	static struct listener socket = {.kind = LISTENER_UDP, .owner = -1, .limit = 425984};
	static struct subject server = {.listeners = {.count = 1, .at = &socket}};
	const struct target t = burst(50000);
	static const struct {
		uint32_t limit;
		const char *max, *binding, *proposals;
		bool whole;
		uint32_t depth;
		bool unasked;
	} rows[] = {
		/* It asked for more than the kernel allowed. */
		{425984, "212992", "net.core.rmem_max",
		 "net.core.rmem_max 212992 -> 7340032, SO_RCVBUF 212992 -> 7340032", false, 0,
		 false},
		/* It asked for less than the kernel allows, or, as far as known, for nothing. */
		{425984, "16777216", "SO_RCVBUF", "SO_RCVBUF 212992 -> 7340032", false, 0, false},
		{.limit = 212992,
		 .max = "16777216",
		 .binding = "net.core.rmem_default",
		 .proposals = "net.core.rmem_default 212992 -> 14680064",
		 .unasked = true},
		{212992, "16777216", "SO_RCVBUF", "SO_RCVBUF 106496 -> 7340032", false, 0, false},
		/* Since it was made the kernel's maximum was lowered. */
		{14680064, "212992", "net.core.rmem_max", "", true, 0, false},
		/* It has not read all. */
		{14680064, "7340032", "net.core.rmem_max",
		 "net.core.rmem_max 7340032 -> 13631488, SO_RCVBUF 7340032 -> 13631488", false,
		 12680064, false},
		/* Or nothing: no buffer helps. */
		{14680064, "7340032", "", "", false, 14680064, false},
	};
	snprintf(socket.address, sizeof(socket.address), "udp:0.0.0.0:443");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char values[128];
		snprintf(values, sizeof(values),
			 "net.core.rmem_max=%s; net.core.rmem_default=212992; SO_RCVBUF=%u",
			 rows[i].max, rows[i].unasked ? 0 : rows[i].limit / 2);
		socket.limit = rows[i].limit;
		socket.depth = rows[i].depth;
		struct settings s = verdict_settings(x, values);
		s.subject = &server;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		if (w->method != METHOD_RUNNING ||
		    w->limit != (rows[i].limit - rows[i].depth) / 2304 ||
		    strcmp(w->knob, rows[i].binding) != 0 ||
		    strcmp(verdict_proposals(r), rows[i].proposals) != 0 ||
		    (w->verdict == VERDICT_OK) != rows[i].whole)
			fail_msg("row %zu: %s, %s, \"%s\"", i, wall_verdict_name(w->verdict),
				 w->knob, verdict_proposals(r));
	}
}

/* It is charged for what waits, cgroup v1 by a limit of its own. */
static void the_servers_group_holds_what_waits(void **state)
{
	static struct listener socket = {.kind = LISTENER_UDP, .owner = -1, .limit = 14680064};
	static struct subject server = {.listeners = {.count = 1, .at = &socket}};
	const struct target t = burst(50000); /* 5 000 in a stall */
	static const struct {
		bool charged;
		int64_t group, sockets;
		bool activated;
		unsigned kernel;
		enum wall_verdict verdict;
		int64_t limit;
		const char *detail, *advice;
	} rows[] = {
		{true, INT64_MAX, INT64_MAX, false, KERNEL(6, 18), VERDICT_OK, 6371, "", ""},
		{true, 5000 * 2304 - 1, INT64_MAX, false, KERNEL(6, 18), VERDICT_SHORT, 4999,
		 "The memory limit of /m leaves 11 519 999 B.",
		 "the memory limit of /m: beyond it the kernel drops datagrams, or kills the server."},
		{true, 5000 * 2304 - 1, INT64_MAX, false, KERNEL(5, 10), VERDICT_SHORT, 4999, "",
		 "Raise the memory limit of /m: beyond it the kernel drops datagrams. A larger"},
		{false, 1, 5000 * 2304 - 1, false, KERNEL(6, 18), VERDICT_SHORT, 4999,
		 "The memory limit of /s leaves", "beyond it the kernel drops datagrams. A larger"},
		{true, 1, INT64_MAX, true, KERNEL(6, 18), VERDICT_OK, 6371, "", ""},
	};
	snprintf(socket.address, sizeof(socket.address), "udp:0.0.0.0:443");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct settings s = verdict_settings(
			x, KERNEL_HAS("7340032") MEMORY_HAS("90000 90000 90000", "200"));
		s.subject = &server;
		server.activated = rows[i].activated;
		s.at[ASKED][0] = 7340032;
		s.machine.kernel = rows[i].kernel;
		s.machine.sockets_charged = rows[i].charged;
		s.machine.group_left = rows[i].group;
		s.machine.sockets_left = rows[i].sockets;
		strcpy(s.machine.memory_group, "/m");
		strcpy(s.machine.sockets_group, "/s");
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		bool is_short = rows[i].verdict == VERDICT_SHORT;
		if (w->verdict != rows[i].verdict || w->limit != rows[i].limit ||
		    !strstr(w->detail, rows[i].detail) || is_short != (r->finding_count == 1) ||
		    (is_short &&
		     (r->findings[0].remedy != REMEDY_CONTAINER || r->findings[0].proposal_count ||
		      !strstr(r->findings[0].advice, rows[i].advice))))
			fail_msg("row %zu: %s, %lld: %s; %s", i, wall_verdict_name(w->verdict),
				 (long long)w->limit, w->detail,
				 r->finding_count ? r->findings[0].advice : "");
	}
	server.activated = false;
}

/* One that asks for nothing keeps the default that was when it was made: a restart gives it the
 * present one. */
static void a_default_that_has_changed_since_takes_a_restart(void **state)
{
	static struct listener socket = {.kind = LISTENER_UDP, .owner = -1};
	static struct subject server = {.listeners = {.count = 1, .at = &socket}};
	static const struct {
		uint32_t limit;
		const char *by_default;
		uint64_t per_s;
		enum wall_verdict verdict;
		int64_t holds;
		const char *proposals, *advice, *detail;
	} rows[] = {
		/* A kernel's own default, since raised. */
		{212992, "16777216", 50000, VERDICT_SHORT, 92, "",
		 "Restart the server: its socket does not set SO_RCVBUF, and has what "
		 "net.core.rmem_default was when it was made; 16 777 216 B is enough.",
		 "net.core.rmem_default when it was made (16 777 216 B now)"},
		{212992, "1048576", 50000, VERDICT_SHORT, 92,
		 "net.core.rmem_default 1048576 -> 14680064", "Takes effect ",
		 "net.core.rmem_default when it was made (1 048 576 B now)"},
		{212992, "16777216", 100, VERDICT_OK, 92, "", "", "when it was made"},
		{212992, "65536", 800, VERDICT_TIGHT, 92, "net.core.rmem_default 65536 -> 262144",
		 "", "when it was made (65 536 B now)"},
		/* The present one. */
		{212992, "212992", 50000, VERDICT_SHORT, 92,
		 "net.core.rmem_default 212992 -> 14680064", "", ""},
		{300000, "300000", 50000, VERDICT_SHORT, 130,
		 "net.core.rmem_default 300000 -> 14680064", "", ""},
		/* It has asked for that. */
		{425984, "16777216", 50000, VERDICT_SHORT, 184, "SO_RCVBUF 212992 -> 7340032", "",
		 ""},
		/* The default is not readable. */
		{212992, "", 50000, VERDICT_SHORT, 92, "SO_RCVBUF 106496 -> 7340032", "", ""},
	};
	snprintf(socket.address, sizeof(socket.address), "udp:0.0.0.0:443");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char values[128];
		const struct target t = burst(rows[i].per_s);
		snprintf(values, sizeof(values), "net.core.rmem_max=16777216%s%s",
			 rows[i].by_default[0] ? "; net.core.rmem_default=" : "",
			 rows[i].by_default);
		struct settings s = verdict_settings(x, values);
		socket.limit = rows[i].limit;
		s.subject = &server;
		udp_read(NULL, &s);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		const char *advice = r->finding_count ? r->findings[0].advice : "";
		if (w->verdict != rows[i].verdict || w->limit != rows[i].holds ||
		    strcmp(verdict_proposals(r), rows[i].proposals) != 0 ||
		    !strstr(advice, rows[i].advice) || !strstr(w->detail, rows[i].detail) ||
		    !strstr(advice, "Restart the server:") !=
			    !strstr(rows[i].advice, "Restart the server:") ||
		    (strstr(advice, "Restart the server:") && w->knob[0]))
			fail_msg("row %zu: %s, %lld, \"%s\", %s; %s", i,
				 wall_verdict_name(w->verdict), (long long)w->limit,
				 verdict_proposals(r), advice, w->detail);
	}
}

/* The kernel grants what rmem_max allows when the socket is made. */
static void a_maximum_that_was_raised_since_takes_a_restart(void **state)
{
	static struct listener socket = {.kind = LISTENER_UDP, .owner = -1, .port = 443};
	static struct subject server = {.listeners = {.count = 1, .at = &socket}};
	static const struct {
		uint32_t limit;
		const char *max, *advice, *detail;
		bool restart;
	} rows[] = {
		{425984, "7340032", "has what net.core.rmem_max=212992 grants",
		 ", as much as net.core.rmem_max=212992 grants.", true},
		{8388608, "33554432", "has what net.core.rmem_max=4194304 grants", "", true},
		{425984, "212992", "Let it set SO_RCVBUF", ", all that net.core.rmem_max allows.",
		 false},
		{600000, "7340032", "Let it set SO_RCVBUF", "", false},
		/* It has no SO_RCVBUF. */
		{212992, "7340032", "It does not set SO_RCVBUF", "", false},
		/* By SO_RCVBUFFORCE. */
		{8388608, "212992", "Let it set SO_RCVBUF", "", false},
	};
	const struct target t = burst(500000);
	snprintf(socket.address, sizeof(socket.address), "udp:0.0.0.0:443");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char values[96];
		snprintf(values, sizeof(values),
			 "net.core.rmem_default=212992; net.core.rmem_max=%s", rows[i].max);
		struct settings s = verdict_settings(x, values);
		socket.limit = rows[i].limit;
		s.subject = &server;
		udp_read(NULL, &s);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const char *advice = r->findings[0].advice, *detail = r->walls[0].detail;
		bool all = strstr(detail, "all that net.core.rmem_max allows");
		if (!strstr(advice, rows[i].advice) || !strstr(detail, rows[i].detail) ||
		    all != (rows[i].limit / 2 == strtoul(rows[i].max, NULL, 10)) ||
		    !strstr(advice, "Restart the server first") == rows[i].restart)
			fail_msg("row %zu: %s; %s", i, advice, detail);
	}
}

static void a_full_buffer_is_the_applications(void **state)
{
	static struct listener socket = {
		.kind = LISTENER_UDP, .owner = -1, .limit = 212992, .depth = 212992};
	static struct subject server = {.listeners = {.count = 1, .at = &socket}};
	struct settings s = verdict_settings(x, "net.core.rmem_max=16777216; "
						"net.core.rmem_default=212992; SO_RCVBUF=0");
	struct target t = burst(10000);
	struct trial trial = {.target = &t, .needed = 1000};
	snprintf(socket.address, sizeof(socket.address), "udp:0.0.0.0:443");
	s.subject = &server;
	const struct report *r = verdict_of(x, &t, &s, NULL);
	assert_int_equal(r->findings[0].remedy, REMEDY_APPLICATION);
	assert_string_equal(r->findings[0].title,
			    "udp:0.0.0.0:443 has room for 0 datagrams of 1 200 B: 208 KiB of its "
			    "208 KiB wait to be read; this load needs 1 000");
	assert_non_null(strstr(r->findings[0].advice, "No buffer helps"));
	assert_string_equal(udp_refuses(&trial, &s, 0),
			    "the receive buffer of the running socket is full");
	/* Without a need it suffices for nothing either. */
	t = burst(0);
	r = verdict_of(x, &t, &s, NULL);
	assert_int_equal(r->walls[0].verdict, VERDICT_UNKNOWN);
	assert_int_equal(r->walls[0].limit, 0);
	assert_non_null(strstr(r->walls[0].detail, "there is no room for another one"));
	assert_int_equal(r->walls[0].needed, REPORT_NONE);
}

/* That of a server with UDP sockets alone, of which the target has no number. */
static void a_load_that_is_not_known_has_no_verdict(void **state)
{
	static struct listener at[] = {{.kind = LISTENER_UDP, .owner = -1, .limit = 212992},
				       {.kind = LISTENER_TCP, .owner = -1, .limit = 128}};
	static struct subject server = {.listeners = {.at = at}};
	static const struct {
		size_t listeners;
		uint64_t per_s, most;
		enum wall_verdict verdict;
		int64_t needed, needed_max;
		int status;
		const char *detail;
	} rows[] = {
		{1, 0, 0, VERDICT_UNKNOWN, 1, REPORT_NONE, 3,
		 "Add --datagrams N: how many arrive is not known."},
		/* What all sockets of the network namespace got, of which the server read a part.
		 */
		{1, 0, 60000, VERDICT_UNKNOWN, 1, REPORT_NONE, 3,
		 "not known; with the headroom at most 60 000/s."},
		{1, 0, 730, VERDICT_OK, 1, 73, 0, "at most 730/s."},
		{1, 0, 740, VERDICT_UNKNOWN, 1, REPORT_NONE, 3, "at most 740/s."},
		{1, 100, 0, VERDICT_OK, 10, REPORT_NONE, 0, ""},
		/* The target has its connections. */
		{2, 0, 0, VERDICT_OK, REPORT_NONE, REPORT_NONE, 0, "Needed with --datagrams only"},
	};
	snprintf(at[0].address, sizeof(at[0].address), "udp:0.0.0.0:8125");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct target t = burst(rows[i].per_s);
		struct trial trial = {.target = &t, .needed = 1};
		struct outcome o = outcome_blank();
		struct err e = {0};
		struct settings s =
			verdict_settings(x, "net.core.rmem_max=212992; "
					    "net.core.rmem_default=212992; SO_RCVBUF=0");
		server.listeners.count = rows[i].listeners;
		s.subject = &server;
		s.datagrams_most = rows[i].most;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		if (w->verdict != rows[i].verdict || w->needed != rows[i].needed ||
		    w->needed_max != rows[i].needed_max || w->limit != 92 || r->finding_count ||
		    report_exit_status(r) != rows[i].status || !strstr(w->detail, rows[i].detail) ||
		    !strstr(w->detail, "how many arrive") != (rows[i].needed != 1))
			fail_msg("row %zu: %s, %lld to %lld, %d: %s", i,
				 wall_verdict_name(w->verdict), (long long)w->needed,
				 (long long)w->needed_max, report_exit_status(r), w->detail);
		if (rows[i].per_s)
			continue;
		/* There is nothing to try. */
		assert_int_equal(udp_run(&trial, &s, &o, &e), 0);
		assert_int_equal(o.state, OUTCOME_UNNEEDED);
	}
}

/* nginx has a socket for each worker (listen 443 quic reuseport): a hash spreads the datagrams. */
static void a_group_holds_what_its_sockets_hold(void **state)
{
	enum { SOCKETS = 8 };
	static struct listener at[SOCKETS];
	static struct subject server = {.listeners = {.at = at}};
	static const struct {
		size_t sockets;
		uint64_t per_s;
		const char *memory;
		enum wall_verdict verdict;
		int64_t limit;
		const char *proposals;
	} rows[] = {
		{1, 4000, "90000 90000 90000", VERDICT_SHORT, 92, "SO_RCVBUF 106496 -> 786432"},
		{8, 4000, "90000 90000 90000", VERDICT_OK, 539, ""},
		{8, 5000, "90000 90000 90000", VERDICT_TIGHT, 539, "SO_RCVBUF 106496 -> 262144"},
		{8, 50000, "90000 90000 90000", VERDICT_SHORT, 539, "SO_RCVBUF 106496 -> 1048576"},
		/* All of them share udp_mem. */
		{8, 4000, "200 90000 90000", VERDICT_SHORT, 355,
		 "net.ipv4.udp_mem 200 90000 90000 -> 282 90000 90000"},
	};
	struct settings settings;
	struct trial trial = {.needed = 400};
	for (size_t i = 0; i < SOCKETS; i++) {
		at[i] = (struct listener){
			.kind = LISTENER_UDP, .owner = -1, .limit = 212992, .port = 443};
		snprintf(at[i].address, sizeof(at[i].address), "udp:0.0.0.0:443");
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char values[192];
		const struct target t = burst(rows[i].per_s);
		snprintf(values, sizeof(values),
			 "net.core.rmem_max=16777216; net.core.rmem_default=212992; "
			 "SO_RCVBUF=106496; net.ipv4.udp_mem=%s; UDP mem of /proc/net/sockstat=0",
			 rows[i].memory);
		settings = verdict_settings(x, values);
		settings.subject = &server;
		server.listeners.count = rows[i].sockets;
		const struct report *r = verdict_of(x, &t, &settings, NULL);
		if (r->walls[0].verdict != rows[i].verdict || r->walls[0].limit != rows[i].limit ||
		    strcmp(verdict_proposals(r), rows[i].proposals) != 0)
			fail_msg("row %zu: %s, limit %lld, \"%s\"", i,
				 wall_verdict_name(r->walls[0].verdict),
				 (long long)r->walls[0].limit, verdict_proposals(r));
	}
	const struct target t = burst(50000);
	const struct report *r = verdict_of(x, &t, &settings, NULL);
	assert_non_null(
		strstr(r->findings[0].title, "udp:0.0.0.0:443 has 8 sockets that hold 355"));
	assert_non_null(strstr(r->findings[0].advice, "Let it set SO_RCVBUF=1048576 or more"));
	assert_non_null(strstr(r->walls[0].detail, "has 8 sockets (SO_REUSEPORT), which hold 355"));
	assert_non_null(
		strstr(r->walls[0].detail, " without loss if many senders share the load (a hash"));
	assert_null(strstr(r->walls[0].detail, "…"));
	trial.target = &t;
	assert_string_equal(udp_refuses(&trial, &settings, 212992), UNTESTABLE_GROUP);
}

/* Their limit together is between what they hold without loss and all their buffers. */
static void memory_that_suffices_for_the_buffers_is_not_named(void **state)
{
	enum { SOCKETS = 8 };
	static struct listener at[SOCKETS];
	static struct subject server = {.listeners = {.count = SOCKETS, .at = at}};
	static const struct {
		int64_t group;
		const char *memory;
		int64_t limit;
		const char *named, *proposals; /* NULL: neither limit */
	} rows[] = {
		{1300 * 2304, "90000 90000 90000", 1180, NULL, "SO_RCVBUF 212992 -> 262144"},
		{INT64_MAX, "732 90000 90000", 1180, NULL, "SO_RCVBUF 212992 -> 262144"},
		{1100 * 2304, "90000 90000 90000", 1100, "The memory limit of /m leaves", ""},
		{INT64_MAX, "619 90000 90000", 1100, "net.ipv4.udp_mem leaves",
		 "net.ipv4.udp_mem 619 90000 90000 -> 704 90000 90000, SO_RCVBUF 212992 -> 262144"},
	};
	const struct target t = burst(10000);
	for (size_t i = 0; i < SOCKETS; i++) {
		at[i] = (struct listener){
			.kind = LISTENER_UDP, .owner = -1, .limit = 425984, .port = 443};
		snprintf(at[i].address, sizeof(at[i].address), "udp:0.0.0.0:443");
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char values[192];
		snprintf(values, sizeof(values),
			 "net.core.rmem_max=16777216; net.core.rmem_default=212992; "
			 "SO_RCVBUF=212992; net.ipv4.udp_mem=%s; UDP mem of /proc/net/sockstat=0",
			 rows[i].memory);
		struct settings s = verdict_settings(x, values);
		s.subject = &server;
		s.machine.sockets_charged = true;
		s.machine.group_left = rows[i].group;
		strcpy(s.machine.memory_group, "/m");
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const char *detail = r->walls[0].detail, *advice = r->findings[0].advice;
		bool container = rows[i].named && rows[i].group < INT64_MAX;
		if (r->walls[0].limit != rows[i].limit || r->finding_count != 1 ||
		    strcmp(verdict_proposals(r), rows[i].proposals) != 0 ||
		    (r->findings[0].remedy == REMEDY_CONTAINER) != container ||
		    !strstr(advice, "alone does not help") == container ||
		    !strstr(detail, rows[i].named ? rows[i].named : "leaves") != !rows[i].named)
			fail_msg("row %zu: %lld, \"%s\", %s; %s", i, (long long)r->walls[0].limit,
				 verdict_proposals(r), detail, advice);
	}
}

/* The kernel selects the socket by the sender's address and port. */
static void few_senders_load_one_socket_of_a_group(void **state)
{
	enum { SOCKETS = 8 };
	static struct listener at[SOCKETS];
	static struct subject server = {.listeners = {.at = at}};
	static const struct {
		size_t sockets;
		uint16_t port;
		uint64_t per_s, peers;
		enum wall_verdict verdict;
		int64_t limit;
		const char *finding, *proposals;
	} rows[] = {
		{8, 8125, 700, 0, VERDICT_OK, 539, "", ""},
		{8, 8125, 4000, 0, VERDICT_OK, 539, "", ""},
		{8, 8125, 5000, 1, VERDICT_TIGHT, 539, "udp.receive.tight warning",
		 "SO_RCVBUF 106496 -> 786432"},
		{8, 8125, 900, 1, VERDICT_TIGHT, 539, "udp.receive.flows warning",
		 "SO_RCVBUF 106496 -> 262144"},
		{1, 8125, 4000, 0, VERDICT_SHORT, 92, "udp.receive.short critical",
		 "SO_RCVBUF 106496 -> 786432"},
		/* HTTP/3. */
		{8, 443, 4000, 0, VERDICT_OK, 539, "", ""},
		{8, 8125, 4000, 10000, VERDICT_OK, 539, "", ""},
		{8, 8125, 4000, 12, VERDICT_TIGHT, 539, "udp.receive.flows warning",
		 "SO_RCVBUF 106496 -> 262144"},
		{8, 8125, 4000, 1, VERDICT_TIGHT, 539, "udp.receive.flows warning",
		 "SO_RCVBUF 106496 -> 786432"},
		/* Neighbours beside clients that are behind a gateway. */
		{8, 443, 4000, 12, VERDICT_OK, 539, "", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char row[24];
		const struct target t = burst(rows[i].per_s);
		struct settings s =
			verdict_settings(x, "net.core.rmem_max=16777216; SO_RCVBUF=106496; "
					    "net.core.rmem_default=212992");
		for (size_t k = 0; k < SOCKETS; k++) {
			at[k] = (struct listener){.kind = LISTENER_UDP,
						  .owner = -1,
						  .limit = 212992,
						  .port = rows[i].port};
			snprintf(at[k].address, sizeof(at[k].address), "udp:0.0.0.0:%u",
				 rows[i].port);
		}
		server.listeners.count = rows[i].sockets;
		s.subject = &server;
		s.peers = rows[i].peers;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		snprintf(row, sizeof(row), "row %zu", i);
		findings_are(row, r, rows[i].finding);
		if (r->walls[0].verdict != rows[i].verdict || r->walls[0].limit != rows[i].limit ||
		    strcmp(verdict_proposals(r), rows[i].proposals) != 0)
			fail_msg("%s: %s, limit %lld, \"%s\"", row,
				 wall_verdict_name(r->walls[0].verdict),
				 (long long)r->walls[0].limit, verdict_proposals(r));
		if (i != 3)
			continue;
		assert_string_equal(
			r->findings[0].title,
			"The 8 sockets of udp:0.0.0.0:8125 hold 92 datagrams of 1 200 B from 1 "
			"sender; this load needs 90 and 25 % headroom");
		assert_non_null(strstr(r->walls[0].detail, ", and 92 of"));
		assert_null(strstr(r->walls[0].detail, "…"));
	}
}

/* The kernel takes the datagrams of a tunnel before they get to the receive buffer. */
static void a_tunnel_has_no_queue(void **state)
{
	static struct listener socket = {.kind = LISTENER_UDP, .owner = -1, .limit = 212992};
	static struct subject server = {.listeners = {.count = 1, .at = &socket}};
	static const struct {
		uint16_t port;
		bool unheld;
		const char *kind;
		uint32_t depth, drops;
		pid_t pid;
		uint64_t per_s;
		enum wall_verdict verdict;
	} rows[] = {
		{4789, true, "vxlan", 0, 0, 0, 50000, VERDICT_NA},
		{4789, false, "vxlan", 0, 0, 0, 50000, VERDICT_NA},
		{1234, true, "wireguard", 0, 0, 0, 50000, VERDICT_NA},
		{1234, true, "wireguard", 0, 0, 0, 0, VERDICT_NA},
		/* One of another network namespace, or io_uring. */
		{1234, true, "", 0, 0, 0, 50000, VERDICT_UNKNOWN},
		{1234, true, "", 0, 0, 0, 0, VERDICT_UNKNOWN},
		/* The kernel's server of RPC. */
		{1234, true, "wireguard", 2304, 0, 0, 50000, VERDICT_SHORT},
		{1234, true, "", 0, 1, 0, 50000, VERDICT_SHORT},
		/* Its process is not visible, or is: of a tunnel in user space. */
		{443, false, "wireguard", 0, 0, 0, 50000, VERDICT_SHORT},
		{51820, false, "wireguard", 0, 0, 812, 50000, VERDICT_SHORT},
		{4789, false, "", 0, 0, 0, 50000, VERDICT_SHORT},
	};
	const struct nics was = visible;
	struct nic device = {.up = true};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct target t = burst(rows[i].per_s);
		struct settings s =
			verdict_settings(x, "net.core.rmem_max=212992; "
					    "net.core.rmem_default=212992; SO_RCVBUF=0");
		report_text(device.kind, "%s", rows[i].kind);
		visible = (struct nics){&device, 1};
		socket.port = rows[i].port;
		socket.depth = rows[i].depth;
		socket.drops = rows[i].drops;
		server.pid = rows[i].pid;
		server.listeners.unheld = rows[i].unheld;
		s.subject = &server;
		udp_read(NULL, &s);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		if (r->walls[0].verdict != rows[i].verdict ||
		    (r->finding_count > 0) != (rows[i].verdict == VERDICT_SHORT))
			fail_msg("row %zu: %s, %s", i, wall_verdict_name(r->walls[0].verdict),
				 r->walls[0].detail);
	}
	visible = was;
}

static void the_wall_is_that_of_targets_and_servers_with_datagrams(void **state)
{
	static struct listener socket = {.kind = LISTENER_UDP};
	static struct subject server = {.listeners = {.count = 1, .at = &socket}};
	struct target t = burst(0);
	struct probe_options o = {0};
	assert_false(udp_applies(&t, &o));
	o.subject = &server;
	assert_true(udp_applies(&t, &o));
	socket.kind = LISTENER_TCP;
	assert_false(udp_applies(&t, &o));
	t = burst(1);
	assert_true(udp_applies(&t, &o));
	struct settings s = verdict_settings(x, KERNEL_HAS("212992"));
	s.subject = &server;
	const struct report *r = verdict_of(x, &t, &s, NULL);
	/* A server without such a socket does not meet a target of datagrams. */
	assert_int_equal(r->walls[0].verdict, VERDICT_UNKNOWN);
	assert_int_equal(r->walls[0].needed, 1);
	assert_string_equal(r->walls[0].detail, "The server has no UDP socket.");
	assert_int_equal(report_exit_status(r), 3);
	assert_int_equal(r->finding_count, 0);
	t = burst(0);
	r = verdict_of(x, &t, &s, NULL);
	assert_int_equal(r->walls[0].verdict, VERDICT_NA);
}

/* The proof's socket asks for a buffer: what one without holds does not refute it. */
/* A driver gives each packet 2 048 bytes, whose datagrams the lab's wire makes smaller. */
static void small_datagrams_from_a_card_take_more(void **state)
{
	static struct listener socket = {.kind = LISTENER_UDP, .owner = -1, .limit = 425984};
	static struct subject server = {.listeners = {.count = 1, .at = &socket}};
	static const struct {
		const char *address; /* NULL: no server is known */
		uint64_t per_s, taken;
		enum wall_verdict verdict;
		const char *finding, *title, *proposals;
	} rows[] = {
		/* 512 fit on loopback, 184 from a card. */
		{NULL, 1400, 832, VERDICT_TIGHT, "udp.receive.default warning",
		 "A UDP socket without SO_RCVBUF holds 92 datagrams of 64 B from a network card; this load needs 140",
		 ""},
		{NULL, 1600, 832, VERDICT_TIGHT, "udp.receive.card warning",
		 "From a network card a UDP socket holds 184 datagrams of 64 B; this load needs 160 "
		 "and 25 % headroom",
		 "net.core.rmem_max 212992 -> 262144"},
		{NULL, 2000, 832, VERDICT_TIGHT, "udp.receive.card warning",
		 "From a network card a UDP socket holds 184 datagrams of 64 B; this load needs 200",
		 "net.core.rmem_max 212992 -> 524288"},
		{NULL, 6000, 832, VERDICT_SHORT, "udp.receive.short critical",
		 "A UDP socket holds 512 datagrams of 64 B; this load needs 600",
		 "net.core.rmem_max 212992 -> 1048576"},
		/* The lab's wire takes as much. */
		{NULL, 1600, 2304, VERDICT_TIGHT, "udp.receive.tight warning",
		 "A UDP socket holds 184 datagrams of 64 B; this load needs 160 and 25 % headroom",
		 "net.core.rmem_max 212992 -> 262144"},
		{"udp:0.0.0.0:53", 2000, 0, VERDICT_TIGHT, "udp.receive.card warning",
		 "From a network card udp:0.0.0.0:53 holds 184 datagrams of 64 B; this load needs 200",
		 "net.core.rmem_max 212992 -> 524288, SO_RCVBUF 212992 -> 524288"},
		{"udp:127.0.0.1:53", 2000, 0, VERDICT_OK, "", "", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct target t = burst(rows[i].per_s);
		struct settings s = verdict_settings(
			x, rows[i].address ? "net.core.rmem_max=212992; "
					     "net.core.rmem_default=212992; SO_RCVBUF=212992"
					   : KERNEL_HAS("212992"));
		t.datagram_bytes = 64;
		s.taken.datagram_bytes = rows[i].taken;
		s.subject = rows[i].address ? &server : NULL;
		snprintf(socket.address, sizeof(socket.address), "%s",
			 rows[i].address ? rows[i].address : "");
		const struct report *r = verdict_of(x, &t, &s, NULL);
		char row[24];
		snprintf(row, sizeof(row), "row %zu", i);
		findings_are(row, r, rows[i].finding);
		bool named = strstr(r->walls[0].detail, "from a network card");
		if (r->walls[0].verdict != rows[i].verdict ||
		    named != (rows[i].taken != 2304 && r->walls[0].verdict != VERDICT_OK) ||
		    strcmp(verdict_proposals(r), rows[i].proposals) != 0 ||
		    (r->finding_count && strcmp(r->findings[0].title, rows[i].title) != 0))
			fail_msg("%s: %s, \"%s\", \"%s\", %s", row,
				 wall_verdict_name(r->walls[0].verdict), verdict_proposals(r),
				 r->finding_count ? r->findings[0].title : "", r->walls[0].detail);
	}
}

/* Half of the proposed buffer holds the lab's datagrams, but not those of a card. */
static void a_run_in_the_lab_does_not_show_what_a_card_takes(void **state)
{
	struct target t = burst(2000);
	const struct outcome o = verdict_outcome(200, false);
	struct settings s = verdict_settings(x, KERNEL_HAS("212992"));
	t.datagram_bytes = 64;
	s.taken.datagram_bytes = 832;
	assert_false(outcome_suffices(x, &t, &s, &o));
	s = verdict_settings(x, KERNEL_HAS("524288"));
	s.taken.datagram_bytes = 832;
	assert_true(outcome_suffices(x, &t, &s, &o));
}

static void a_run_that_drops_nothing_suffices(void **state)
{
	struct target t = burst(50000);
	struct settings s = verdict_settings(x, KERNEL_HAS("7340032"));
	struct outcome o = verdict_outcome(5000, false);
	s.taken.datagram_bytes = 2304;
	assert_true(outcome_suffices(x, &t, &s, &o));
	o = verdict_outcome(4999, true);
	assert_false(outcome_suffices(x, &t, &s, &o));
}

/* 14 680 064 bytes hold 6 371 times half a page and 3 018 times a page. */
static void a_card_may_give_each_packet_a_page(void **state)
{
	static const struct {
		const char *driver, *other; /* "": none is visible */
		unsigned kernel;
		uint64_t mtu; /* 0: unknown */
		bool page;
	} rows[] = {
		{"ena", "", KERNEL(6, 1), 1500, true},
		{"ena", "", KERNEL(6, 5), 1500, false},
		{"ena", "", KERNEL(6, 8), 9001, false},
		{"ena", "", UINT_MAX, 9001, false},
		{"igb", "", KERNEL(5, 10), 1500, false},
		{"igb", "", KERNEL(6, 18), 9000, true},
		{"igb", "", KERNEL(6, 18), 0, false},
		{"hv_netvsc", "mlx5_core", KERNEL(6, 1), 1500, false},
		{"hv_netvsc", "mana", KERNEL(6, 1), 1500, true},
		{"virtio_net", "", KERNEL(6, 18), 1500, true},
		{"ixgbe", "", KERNEL(6, 18), 1500, true},
		{"", "", KERNEL(6, 18), 1500, true},
	};
	const struct nic igb = cards[0];
	const struct target t = burst(30000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct settings s = verdict_settings(x, "net.core.rmem_max=7340032; SO_RCVBUF=0; "
							"net.core.rmem_default=14680064");
		s.machine.kernel = rows[i].kernel;
		for (size_t k = 0; k < 2; k++) {
			cards[k] = (struct nic){.up = true};
			cards[k].link.mtu = (struct nic_number){rows[i].mtu > 0, rows[i].mtu};
			report_text(cards[k].driver, "%s", k ? rows[i].other : rows[i].driver);
		}
		visible = (struct nics){cards, (size_t)(rows[i].driver[0] > 0) +
						       (size_t)(rows[i].other[0] > 0)};
		udp_read(NULL, &s);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		if (r->walls[0].verdict != (rows[i].page ? VERDICT_TIGHT : VERDICT_OK) ||
		    strcmp(verdict_proposals(r),
			   rows[i].page ? "net.core.rmem_max 7340032 -> 9437184" : "") != 0)
			fail_msg("row %zu: %s, \"%s\"", i, wall_verdict_name(r->walls[0].verdict),
				 verdict_proposals(r));
		if (rows[i].page) {
			findings_are("page", r, "udp.receive.card warning");
			assert_string_equal(r->findings[0].title,
					    "From a network card a UDP socket may hold only 3 018 "
					    "datagrams of 1 200 B; this load needs 3 000 and 25 % "
					    "headroom");
			assert_non_null(strstr(r->walls[0].detail,
					       "whose driver may give each packet a page, it "
					       "takes up to 4 864 B: room for 3 018."));
		}
	}
	/* One that is down receives nothing. */
	cards[0] = igb;
	cards[1] = (struct nic){.driver = "virtio_net"};
	visible = (struct nics){cards, 2};
	struct settings s = verdict_settings(x, KERNEL_HAS("7340032"));
	udp_read(NULL, &s);
	assert_false(s.taken.page);
	visible.count = 1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_takes_more_than_its_payload),
		cmocka_unit_test(the_servers_group_holds_what_waits),
		cmocka_unit_test(the_buffer_that_the_kernel_allows_must_hold_the_burst),
		cmocka_unit_test(memory_is_counted_in_pages_of_the_machine),
		cmocka_unit_test(sockets_that_cannot_be_listed_are_unknown),
		cmocka_unit_test(a_running_socket_has_its_own_buffer),
		cmocka_unit_test(a_default_that_has_changed_since_takes_a_restart),
		cmocka_unit_test(a_maximum_that_was_raised_since_takes_a_restart),
		cmocka_unit_test(a_full_buffer_is_the_applications),
		cmocka_unit_test(a_load_that_is_not_known_has_no_verdict),
		cmocka_unit_test(memory_that_suffices_for_the_buffers_is_not_named),
		cmocka_unit_test(a_group_holds_what_its_sockets_hold),
		cmocka_unit_test(few_senders_load_one_socket_of_a_group),
		cmocka_unit_test(a_tunnel_has_no_queue),
		cmocka_unit_test(the_wall_is_that_of_targets_and_servers_with_datagrams),
		cmocka_unit_test(small_datagrams_from_a_card_take_more),
		cmocka_unit_test(a_card_may_give_each_packet_a_page),
		cmocka_unit_test(a_run_in_the_lab_does_not_show_what_a_card_takes),
		cmocka_unit_test(a_run_that_drops_nothing_suffices),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
