/* The walls of a server that runs: its queues and its descriptors. */
#include "../support/support.h"
#include "../support/verdict.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/syn_queue.h"

#define SOCKETS 16

struct running {
	struct subject subject;
	struct listener at[SOCKETS];
	struct process process;
};

/* nginx with `sockets` of that limit on 0.0.0.0:443. */
static void running_make(struct running *s, size_t sockets, uint32_t limit)
{
	memset(s, 0, sizeof(*s));
	s->process = (struct process){.pid = 813, .root = 812, .name = "nginx"};
	s->subject = (struct subject){.name = "nginx",
				      .unit = "nginx.service",
				      .pid = 812,
				      .accepting = 1,
				      .soft = 1024,
				      .hard = 524288,
				      .held = 6,
				      .listeners = {.count = sockets,
						    .at = s->at,
						    .processes = &s->process,
						    .process_count = 1}};
	for (size_t i = 0; i < sockets; i++) {
		s->at[i] = (struct listener){
			.kind = LISTENER_TCP, .port = 443, .limit = limit, .cookie = i + 1};
		snprintf(s->at[i].address, sizeof(s->at[i].address), "0.0.0.0:443");
	}
}

static void a_server_is_local_without_tcp(void **state)
{
	static const struct {
		enum listener_kind kinds[2];
		size_t count;
		bool listens[3], local; /* by kind */
	} rows[] = {
		{{0}, 0, {false, false, false}, false},
		{{LISTENER_TCP}, 1, {true, false, false}, false},
		{{LISTENER_UNIX}, 1, {false, true, false}, true},
		{{LISTENER_UDP}, 1, {false, false, true}, false},
		{{LISTENER_TCP, LISTENER_UNIX}, 2, {true, true, false}, false},
		{{LISTENER_UNIX, LISTENER_UDP}, 2, {false, true, true}, true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct running s;
		running_make(&s, rows[i].count, 511);
		for (size_t k = 0; k < rows[i].count; k++)
			s.at[k].kind = rows[i].kinds[k];
		for (enum listener_kind k = LISTENER_TCP; k <= LISTENER_UDP; k++)
			if (subject_listens(&s.subject, k) != rows[i].listens[k])
				fail_msg("row %zu: kind %d", i, (int)k);
		assert_int_equal(subject_is_local(&s.subject), rows[i].local);
	}
	assert_false(subject_listens(NULL, LISTENER_TCP) || subject_is_local(NULL));
	/* OpenVPN: of TCP it has a management port on loopback. */
	struct running s;
	struct port_set none = {0};
	running_make(&s, 2, 511);
	snprintf(s.at[0].address, sizeof(s.at[0].address), "127.0.0.1:7505");
	s.at[1].kind = LISTENER_UDP;
	snprintf(s.at[1].address, sizeof(s.at[1].address), "udp:0.0.0.0:1194");
	assert_false(subject_is_datagrams(&s.subject));
	subject_set_aside(&s.subject, &none);
	assert_true(subject_is_datagrams(&s.subject));
	assert_false(subject_listens(&s.subject, LISTENER_TCP));
}

/* A server of DNS has its port over TCP too; one of QUIC may have most of its clients there. */
static void datagrams_are_what_some_servers_are_for(void **state)
{
	static const struct {
		const char *name;
		uint16_t udp, tcp; /* 0: none */
		bool aside, is;
	} rows[] = {
		{"named", 53, 53, false, true},       {"own", 53, 53, false, true},
		{"own", 53, 80, false, false},        {"own", 53, 53, true, false},
		{"nginx", 443, 443, false, false},    {"named", 0, 53, false, false},
		{"named", 53, 0, false, false},       {"caddy", 443, 443, false, false},
		{"sip", 5060, 5060, false, true},     {"turnserver", 3478, 3478, false, true},
		{"sip", 5060, 5061, false, false},    {"rsyslogd", 10514, 10514, false, true},
		{"syslog-ng", 514, 514, false, true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct running s;
		running_make(&s, 2, 511);
		snprintf(s.subject.name, sizeof(s.subject.name), "%s", rows[i].name);
		s.at[0].kind = rows[i].tcp ? LISTENER_TCP : LISTENER_UDP;
		s.at[0].port = rows[i].tcp;
		s.at[1].kind = rows[i].udp ? LISTENER_UDP : LISTENER_TCP;
		s.at[1].port = rows[i].udp;
		s.at[1].aside = rows[i].aside;
		if (subject_prefers_datagrams(&s.subject) != rows[i].is)
			fail_msg("row %zu", i);
	}
	assert_false(subject_prefers_datagrams(NULL));
}

static void parts_of_a_group(void **state)
{
	static const struct {
		uint64_t each;
		size_t n;
		uint64_t holds;
	} rows[] = {
		{512, 1, 512},     {512, 8, 3587}, {512, 2, 896}, {1, 8, 1},   {0, 4, 0},
		{4097, 16, 62550}, {1, 2, 1},      {10, 2, 10},   {18, 2, 18},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t holds = subject_spread(rows[i].each, rows[i].n);
		if (holds != rows[i].holds)
			fail_msg("%zu of %llu hold %llu, not %llu", rows[i].n,
				 (unsigned long long)rows[i].each, (unsigned long long)holds,
				 (unsigned long long)rows[i].holds);
	}
	/* What a part of that size holds is enough. */
	for (uint64_t enough = 1; enough < 100000; enough = enough * 3 + 1)
		for (size_t n = 1; n <= 64; n *= 2)
			assert_true(subject_spread(subject_part(enough, n), n) >= enough);
}

static void the_smallest_address_is_the_queue(void **state)
{
	static struct running s;
	running_make(&s, 4, 511);
	snprintf(s.at[3].address, sizeof(s.at[3].address), "127.0.0.1:80");
	s.at[3].limit = 128;
	struct subject_queue q = subject_queue(&s.subject, LISTENER_TCP);
	assert_ptr_equal(q.smallest, &s.at[3]);
	assert_int_equal(q.sockets, 1);
	s.at[3].limit = 4096;
	s.at[1].limit = 500;
	q = subject_queue(&s.subject, LISTENER_TCP);
	assert_ptr_equal(q.smallest, &s.at[1]);
	assert_int_equal(q.sockets, 3);
	assert_int_equal(q.sum, 512 + 501 + 512);
	assert_null(subject_queue(&s.subject, LISTENER_UNIX).smallest);
}

/* A card gives each datagram half a page, or one: loopback has none. */
static void what_datagrams_take_finds_the_smallest_buffer(void **state)
{
	static const struct {
		uint32_t loopback, all;
		bool page;
		size_t smallest;
		uint64_t holds;
	} rows[] = {
		{212992, 300000, false, 0, 92}, {212992, 300000, true, 1, 61},
		{4608, 300000, true, 0, 2},     {212992, 4608, true, 1, 1},
		{212992, 2304, false, 1, 1},
	};
	static struct running s;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		running_make(&s, 2, 0);
		for (size_t k = 0; k < 2; k++) {
			s.at[k].kind = LISTENER_UDP;
			s.at[k].limit = k ? rows[i].all : rows[i].loopback;
			snprintf(s.at[k].address, sizeof(s.at[k].address), "%s",
				 k ? "udp:0.0.0.0:53" : "udp:127.0.0.1:53");
		}
		struct subject_queue q = subject_datagrams(&s.subject, rows[i].page);
		if (q.smallest != &s.at[rows[i].smallest] || q.holds != rows[i].holds)
			fail_msg("row %zu: %s holds %llu", i, q.smallest->address,
				 (unsigned long long)q.holds);
	}
}

/* Clients of an address reach each of its sockets, those of a path only the one at its file. */
static void only_sockets_of_inet_share_arrivals(void **state)
{
	static const struct {
		struct listener a, b;
		bool shares;
	} pairs[] = {
		{{.kind = LISTENER_TCP, .address = "0.0.0.0:443", .cookie = 1},
		 {.kind = LISTENER_TCP, .address = "0.0.0.0:443", .cookie = 2},
		 true},
		{{.kind = LISTENER_TCP, .address = "0.0.0.0:443", .cookie = 1},
		 {.kind = LISTENER_TCP, .address = "0.0.0.0:80", .cookie = 2},
		 false},
		{{.kind = LISTENER_UDP, .address = "udp:0.0.0.0:443", .cookie = 1},
		 {.kind = LISTENER_UDP, .address = "udp:0.0.0.0:443", .cookie = 2},
		 true},
		{{.kind = LISTENER_UDP, .address = "udp:0.0.0.0:443", .cookie = 1},
		 {.kind = LISTENER_UDP,
		  .address = "udp:0.0.0.0:443",
		  .cookie = 2,
		  .connected = true},
		 false},
		{{.kind = LISTENER_UNIX, .address = "unix:/run/app.sock", .cookie = 1},
		 {.kind = LISTENER_UNIX, .address = "unix:/run/app.sock", .cookie = 2},
		 false},
		{{.kind = LISTENER_UNIX, .address = "unix:/run/app.sock", .cookie = 1},
		 {.kind = LISTENER_UNIX, .address = "unix:/run/app.sock", .cookie = 1},
		 true},
	};
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		if (listener_shares_arrivals(&pairs[i].a, &pairs[i].b) != pairs[i].shares ||
		    listener_shares_arrivals(&pairs[i].b, &pairs[i].a) != pairs[i].shares)
			fail_msg("row %zu", i);
		static struct running s;
		running_make(&s, 2, 511);
		s.at[0] = pairs[i].a;
		s.at[1] = pairs[i].b;
		assert_int_equal(subject_queue(&s.subject, pairs[i].a.kind).sockets,
				 pairs[i].shares ? 2 : 1);
	}
}

/* Tomcat and its shutdown port; an application and its statistics. */
static void the_queue_is_that_of_clients(void **state)
{
	static const struct {
		struct {
			enum listener_kind kind;
			const char *address;
			uint16_t port;
			uint32_t limit;
		} at[4];
		enum listener_kind kind;
		const char *queue, *aside;
	} rows[] = {
		{{{LISTENER_TCP, "127.0.0.1:8005", 8005, 1},
		  {LISTENER_TCP, "0.0.0.0:8080", 8080, 4096}},
		 LISTENER_TCP,
		 "0.0.0.0:8080",
		 "127.0.0.1:8005"},
		{{{LISTENER_TCP, "[::ffff:127.0.0.1]:8005", 8005, 1},
		  {LISTENER_TCP, "[::1]%lo:8006", 8006, 2},
		  {LISTENER_TCP, "[::]:8080", 8080, 4096}},
		 LISTENER_TCP,
		 "[::]:8080",
		 "[::ffff:127.0.0.1]:8005"},
		/* Behind a proxy of this host. */
		{{{LISTENER_TCP, "127.0.0.1:8005", 8005, 1},
		  {LISTENER_TCP, "127.0.0.1:8080", 8080, 4096}},
		 LISTENER_TCP,
		 "127.0.0.1:8005",
		 ""},
		/* The smallest that others reach, but for one whose port the kernel chose, as that
		 * of JMX. */
		{{{LISTENER_TCP, "0.0.0.0:80", 80, 200}, {LISTENER_TCP, "0.0.0.0:443", 443, 511}},
		 LISTENER_TCP,
		 "0.0.0.0:80",
		 ""},
		{{{LISTENER_TCP, "0.0.0.0:443", 443, 511},
		  {LISTENER_TCP, "0.0.0.0:40000", 40000, 50}},
		 LISTENER_TCP,
		 "0.0.0.0:443",
		 "0.0.0.0:40000"},
		/* The administrator did: it is reserved, or other sockets have it too. */
		{{{LISTENER_TCP, "0.0.0.0:443", 443, 511},
		  {LISTENER_TCP, "0.0.0.0:50051", 50051, 50}},
		 LISTENER_TCP,
		 "0.0.0.0:50051",
		 ""},
		{{{LISTENER_TCP, "0.0.0.0:443", 443, 511},
		  {LISTENER_TCP, "0.0.0.0:40000", 40000, 50},
		  {LISTENER_TCP, "[::]:40000", 40000, 50}},
		 LISTENER_TCP,
		 "0.0.0.0:40000",
		 ""},
		{{{LISTENER_TCP, "0.0.0.0:443", 443, 511},
		  {LISTENER_TCP, "0.0.0.0:40000", 40000, 50},
		  {LISTENER_UDP, "udp:0.0.0.0:40000", 40000, 212992}},
		 LISTENER_TCP,
		 "0.0.0.0:40000",
		 ""},
		/* OpenVPN and its management port. */
		{{{LISTENER_TCP, "127.0.0.1:7505", 7505, 1},
		  {LISTENER_UDP, "udp:0.0.0.0:1194", 1194, 212992}},
		 LISTENER_TCP,
		 "",
		 "127.0.0.1:7505"},
		/* A web server, and the statistics that it receives. */
		{{{LISTENER_TCP, "0.0.0.0:8080", 8080, 511},
		  {LISTENER_UDP, "udp:127.0.0.1:8125", 8125, 212992}},
		 LISTENER_UDP,
		 "udp:127.0.0.1:8125",
		 ""},
		/* And behind a proxy of this host, beside a client of DNS. */
		{{{LISTENER_TCP, "127.0.0.1:8080", 8080, 511},
		  {LISTENER_UDP, "udp:0.0.0.0:45000", 45000, 212992}},
		 LISTENER_TCP,
		 "127.0.0.1:8080",
		 ""},
		/* A UNIX socket is no other. */
		{{{LISTENER_TCP, "127.0.0.1:8080", 8080, 100},
		  {LISTENER_UNIX, "unix:/run/a", 0, 4096}},
		 LISTENER_TCP,
		 "127.0.0.1:8080",
		 ""},
		{{{LISTENER_UDP, "udp:0.0.0.0:443", 443, 425984},
		  {LISTENER_UDP, "udp:0.0.0.0:45000", 45000, 212992},
		  {LISTENER_UDP, "udp:127.0.0.1:8125", 8125, 4096}},
		 LISTENER_UDP,
		 "udp:0.0.0.0:443",
		 "udp:127.0.0.1:8125"},
		/* SO_REUSEPORT: no client's. */
		{{{LISTENER_UDP, "udp:0.0.0.0:443", 443, 425984},
		  {LISTENER_UDP, "udp:0.0.0.0:45000", 45000, 212992},
		  {LISTENER_UDP, "udp:0.0.0.0:45000", 45000, 212992}},
		 LISTENER_UDP,
		 "udp:0.0.0.0:45000",
		 ""},
		/* TURN and a relay, above the ports that the kernel chooses. */
		{{{LISTENER_UDP, "udp:0.0.0.0:3478", 3478, 4194304},
		  {LISTENER_UDP, "udp:0.0.0.0:62001", 62001, 131072}},
		 LISTENER_UDP,
		 "udp:0.0.0.0:3478",
		 "udp:0.0.0.0:62001"},
		{{{LISTENER_UDP, "udp:0.0.0.0:3478", 3478, 4194304},
		  {LISTENER_TCP, "0.0.0.0:62001", 62001, 511},
		  {LISTENER_UDP, "udp:0.0.0.0:62001", 62001, 131072}},
		 LISTENER_UDP,
		 "udp:0.0.0.0:62001",
		 ""},
		{{{LISTENER_UDP, "udp:0.0.0.0:62001", 62001, 131072}},
		 LISTENER_UDP,
		 "udp:0.0.0.0:62001",
		 ""},
		{{{LISTENER_TCP, "0.0.0.0:443", 443, 511},
		  {LISTENER_TCP, "0.0.0.0:62001", 62001, 50}},
		 LISTENER_TCP,
		 "0.0.0.0:62001",
		 ""},
		/* Which of these serves is not known. */
		{{{LISTENER_UDP, "udp:0.0.0.0:45000", 45000, 212992},
		  {LISTENER_UDP, "udp:127.0.0.1:8125", 8125, 425984}},
		 LISTENER_UDP,
		 "udp:0.0.0.0:45000",
		 ""},
	};
	static struct running s;
	struct port_set ephemeral = {0}, reserved = {0};
	port_set_add(&ephemeral, 32768, 60999);
	port_set_add(&reserved, 50051, 50051);
	port_set_remove(&ephemeral, &reserved);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t count = 0;
		running_make(&s, 4, 0);
		for (; count < 4 && rows[i].at[count].address; count++) {
			s.at[count].kind = rows[i].at[count].kind;
			s.at[count].port = rows[i].at[count].port;
			s.at[count].limit = rows[i].at[count].limit;
			snprintf(s.at[count].address, sizeof(s.at[0].address), "%s",
				 rows[i].at[count].address);
		}
		s.subject.listeners.count = count;
		subject_set_aside(&s.subject, &ephemeral);
		const struct listener *queue = subject_queue(&s.subject, rows[i].kind).smallest,
				      *aside = subject_aside(&s.subject, rows[i].kind,
							     datagram_taken(1200, true))
						       .smallest;
		if (strcmp(queue ? queue->address : "", rows[i].queue) ||
		    strcmp(aside ? aside->address : "", rows[i].aside))
			fail_msg("row %zu: %s, aside %s", i, queue ? queue->address : "none",
				 aside ? aside->address : "none");
	}
}

/* Beside a port that other hosts reach one is on loopback, or its port is ephemeral. */
static void what_has_most_clients_is_not_set_aside(void **state)
{
	static const struct {
		uint16_t port;
		uint32_t clients, others; /* of the port for all hosts */
		bool aside, used;
	} cases[] = {
		{8000, 2000, 1, false, false},
		{40000, 2000, 1, false, false},
		{8000, 4, 0, false, false},
		/* A few may be a monitor's, and many beside more those of anything. */
		{8000, 3, 2, true, true},
		{8000, 40, 40, true, true},
		{8000, 3, 3, true, false},
		/* The server is idle. */
		{8000, 1, 0, true, false},
		{8000, 3, 0, true, false},
		{8000, 0, 0, true, false},
	};
	static struct running s;
	struct port_set ephemeral = {0};
	port_set_add(&ephemeral, 32768, 60999);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		running_make(&s, 2, 128);
		snprintf(s.at[0].address, sizeof(s.at[0].address), "%s:%u",
			 cases[i].port < 32768 ? "127.0.0.1" : "0.0.0.0", cases[i].port);
		s.at[0].port = cases[i].port;
		s.at[0].clients = cases[i].clients;
		s.at[1].clients = cases[i].others;
		subject_set_aside(&s.subject, &ephemeral);
		if (s.at[0].aside != cases[i].aside || s.at[0].used != cases[i].used ||
		    s.at[1].aside)
			fail_msg("row %zu", i);
	}
}

struct row {
	size_t sockets;
	uint32_t limit;
	const char *settings;
	int64_t capacity;
	enum wall_verdict verdict;
	const char *proposals, *title;
	enum finding_remedy remedy;
};

/* A load of 10 000/s and a stall of 100 ms: 1 000. */
static const struct row rows[] = {
	{1, 511, "net.core.somaxconn=4096", 512, VERDICT_SHORT, "listen.backlog 511 -> 2048",
	 "nginx (pid 812) on 0.0.0.0:443 has backlog 511; this load needs 1 000",
	 REMEDY_APPLICATION},
	{1, 1000, "net.core.somaxconn=4096", 1001, VERDICT_TIGHT, "listen.backlog 1000 -> 2048",
	 "nginx (pid 812) on 0.0.0.0:443 has backlog 1000; this load needs 1 000 and 25 % headroom",
	 REMEDY_APPLICATION},
	{1, 4096, "net.core.somaxconn=4096", 4097, VERDICT_OK, "", "", REMEDY_NONE},
	/* The kernel has cut it, or the application asked for just that. */
	{1, 128, "net.core.somaxconn=128", 129, VERDICT_SHORT,
	 "net.core.somaxconn 128 -> 2048, listen.backlog 128 -> 2048",
	 "nginx (pid 812) on 0.0.0.0:443 has backlog 128; this load needs 1 000", REMEDY_KERNEL},
	/* somaxconn was lowered after listen(), to what suffices: the queue is as long as it was.
	 */
	{1, 4096, "net.core.somaxconn=2048", 4097, VERDICT_OK, "", "", REMEDY_NONE},
	/* somaxconn is not visible in this namespace. */
	{1, 511, "", 512, VERDICT_SHORT, "listen.backlog 511 -> 2048",
	 "nginx (pid 812) on 0.0.0.0:443 has backlog 511; this load needs 1 000",
	 REMEDY_APPLICATION},
	/* A group: 4 of 512 hold 2 048 in all, and 1 792 + without loss. */
	{4, 511, "net.core.somaxconn=4096", 1793, VERDICT_OK, "", "", REMEDY_NONE},
	{8, 128, "net.core.somaxconn=4096", 793, VERDICT_SHORT, "listen.backlog 128 -> 512",
	 "nginx (pid 812) on 0.0.0.0:443 has 8 sockets, the smallest of backlog 128; this load needs 1 000",
	 REMEDY_APPLICATION},
};

static void put(struct settings *s, uint32_t limit)
{
	s->at[BACKLOG_ARGUMENT][0] = limit;
	snprintf(s->text[BACKLOG_ARGUMENT], sizeof(s->text[0]), "%u", limit);
}

static void each_queue_gets_its_verdict(void **state)
{
	static struct running server;
	struct target t = target_default();
	const struct experiment *x = verdict_experiment("accept-queue", "accept-queue");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		char name[32];
		running_make(&server, row->sockets, row->limit);
		struct settings s = verdict_settings(x, row->settings);
		s.subject = &server.subject;
		put(&s, row->limit);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		if (w->limit != row->capacity || w->verdict != row->verdict ||
		    w->method != METHOD_RUNNING)
			fail_msg("row %zu: %lld %s %s", i, (long long)w->limit,
				 wall_verdict_name(w->verdict), wall_method_name(w->method));
		assert_string_equal(verdict_proposals(r), row->proposals);
		assert_int_equal(r->finding_count, row->title[0] != 0);
		if (!row->title[0])
			continue;
		assert_string_equal(r->findings[0].title, row->title);
		assert_int_equal(r->findings[0].remedy, row->remedy);
		snprintf(name, sizeof(name), "row %zu", i);
		findings_are(name, r,
			     row->verdict == VERDICT_SHORT ? "accept-queue.short critical"
							   : "accept-queue.tight warning");
	}
}

/* Of one that has more than net.core.somaxconn allows by now. */
static void a_queue_that_a_restart_cuts_is_tight(void **state)
{
	static const struct {
		const char *settings;
		size_t sockets;
		enum wall_verdict verdict;
		const char *proposals, *title;
	} cases[] = {
		{"net.core.somaxconn=128", 1, VERDICT_TIGHT, "net.core.somaxconn 128 -> 2048",
		 "A restart cuts the backlog of nginx (pid 812) on 0.0.0.0:443 from 4096 to 128; "
		 "this load needs 1 000"},
		/* Four of them hold enough. */
		{"net.core.somaxconn=512", 4, VERDICT_OK, "", NULL},
		{"net.core.somaxconn=128", 4, VERDICT_TIGHT, "net.core.somaxconn 128 -> 512",
		 "A restart cuts the backlog of nginx (pid 812) on 0.0.0.0:443 from 4096 to 128; "
		 "this load needs 1 000"},
		{"net.core.somaxconn=2048", 1, VERDICT_OK, "", NULL},
		/* Hidden in some namespaces. */
		{"", 1, VERDICT_OK, "", NULL},
	};
	static const char *const walls[] = {"accept-queue", "syn-queue"};
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		static struct running server;
		const char *name = walls[i % 2];
		const struct experiment *x = verdict_experiment(name, name);
		struct target t = target_default();
		char finding[64], settings[96];
		t.rtt_us = t.stall_us;
		running_make(&server, cases[i / 2].sockets, 4096);
		snprintf(settings, sizeof(settings), "%s%s", cases[i / 2].settings,
			 i % 2 ? "; net.ipv4.tcp_syncookies=1" : "");
		struct settings s = verdict_settings(x, *cases[i / 2].settings ? settings
							: i % 2 ? "net.ipv4.tcp_syncookies=1"
								: "");
		s.subject = &server.subject;
		put(&s, 4096);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		if (r->walls[0].verdict != cases[i / 2].verdict)
			fail_msg("%s %zu: %s", name, i / 2, wall_verdict_name(r->walls[0].verdict));
		assert_string_equal(verdict_proposals(r), cases[i / 2].proposals);
		snprintf(finding, sizeof(finding), "%s.restart warning", name);
		findings_are(name, r, cases[i / 2].title ? finding : "");
		if (cases[i / 2].title)
			assert_string_equal(r->findings[0].title, cases[i / 2].title);
	}
}

/* Of one that has called listen(fd, 0), for as long as it accepts none, the other limit counts. */
static void a_queue_that_is_switched_off_is_judged_by_its_usual_backlog(void **state)
{
	static const struct {
		uint32_t limit; /* 0: unknown */
		uint64_t rate_per_s;
		enum wall_verdict verdict;
		int64_t capacity;
		const char *detail, *proposals;
	} cases[] = {
		{1024, 1000, VERDICT_OK, 1025,
		 "accepts none now, by listen(fd, 0); otherwise its backlog is 1024, and", ""},
		{64, 1000, VERDICT_SHORT, 65, "otherwise its backlog is 64",
		 "listen.backlog 64 -> 1024"},
		{0, 1000, VERDICT_UNKNOWN, REPORT_NONE,
		 "The server accepts none now, by listen(fd, 0): what its backlog is otherwise",
		 ""},
	};
	static const char *const walls[] = {"accept-queue", "syn-queue"};
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		static struct running server;
		const char *name = walls[i % 2];
		const struct experiment *x = verdict_experiment(name, name);
		struct target t = target_default();
		running_make(&server, 1, cases[i / 2].limit);
		server.at[0].paused = true;
		snprintf(server.subject.name, sizeof(server.subject.name), "memcached");
		struct settings s = verdict_settings(
			x, i % 2 ? "net.core.somaxconn=4096; net.ipv4.tcp_syncookies=1"
				 : "net.core.somaxconn=4096");
		t.rate_per_s = cases[i / 2].rate_per_s;
		t.rtt_us = t.stall_us;
		s.subject = &server.subject;
		put(&s, cases[i / 2].limit);
		if (!cases[i / 2].limit)
			s.at[BACKLOG_ARGUMENT][0] = REPORT_NONE;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		enum wall_verdict v = cases[i / 2].verdict;
		/* Cookies drop no SYN. */
		if (i % 2 && v == VERDICT_SHORT)
			v = VERDICT_TIGHT;
		if (w->limit != cases[i / 2].capacity || w->verdict != v ||
		    w->method == METHOD_RUNNING ||
		    (i % 2 == 0 && !strstr(w->detail, cases[i / 2].detail)))
			fail_msg("%s %zu: %lld %s %s", name, i / 2, (long long)w->limit,
				 wall_verdict_name(w->verdict), w->detail);
		assert_string_equal(verdict_proposals(r), cases[i / 2].proposals);
	}
}

static void the_remedy_is_a_line_of_its_configuration(void **state)
{
	static struct running server;
	struct target t = target_default();
	const struct experiment *x = verdict_experiment("accept-queue", "accept-queue");
	running_make(&server, 1, 128);
	struct settings s = verdict_settings(x, "net.core.somaxconn=128; listen.backlog=128");
	s.subject = &server.subject;
	const struct finding *f = &verdict_of(x, &t, &s, NULL)->findings[0];
	assert_string_equal(f->detail,
			    "1 000 connections arrive in a stall of 100 ms; the queue holds 129. "
			    "net.core.somaxconn (128) is the limit; nginx's default backlog is "
			    "511.");
	assert_string_equal(
		f->advice,
		"First, in the network namespace of the server (now 128): sysctl -w net.core.somaxconn=2048. nginx: listen ADDRESS backlog=2048; "
		"(effective after nginx -s reload; check it with ss -ltn, and restart "
		"nginx where Send-Q is still the old one).");
}

/* By the script that its interpreter runs. */
static void a_server_of_a_script_has_its_line(void **state)
{
	const struct experiment *x = verdict_experiment("accept-queue", "accept-queue");
	static struct running server;
	struct target t = target_default();
	running_make(&server, 1, 511);
	snprintf(server.subject.name, sizeof(server.subject.name), "python3");
	snprintf(server.subject.program, sizeof(server.subject.program), "uvicorn");
	struct settings s = verdict_settings(x, "net.core.somaxconn=4096");
	s.subject = &server.subject;
	put(&s, 511);
	const struct finding *f = verdict_of(x, &t, &s, NULL)->findings;
	if (!strstr(f->advice, "uvicorn --backlog 2048"))
		fail_msg("%s", f->advice);
	server.at[0].systemd = true;
	f = verdict_of(x, &t, &s, NULL)->findings;
	if (!strstr(f->advice, "Backlog="))
		fail_msg("%s", f->advice);
}

/* nfsd calls kernel_listen(), which somaxconn does not limit. */
static void nothing_raises_the_backlog_of_the_kernel(void **state)
{
	static const char *const walls[] = {"accept-queue", "syn-queue"};
	static const uint32_t limits[] = {64, 4096};
	struct target t = target_default();
	t.rate_per_s = 100000;
	for (size_t i = 0; i < 4; i++) {
		static struct running server;
		const struct experiment *x = verdict_experiment(walls[i % 2], walls[i % 2]);
		running_make(&server, 1, limits[i / 2]);
		server.at[0].port = 2049;
		server.at[0].owner = -1;
		server.subject.pid = 0;
		server.subject.listeners.process_count = 0;
		server.subject.listeners.unheld = true;
		struct settings s = verdict_settings(
			x, i % 2 ? "net.ipv4.tcp_syncookies=0; net.ipv4.tcp_max_syn_backlog=65536; "
				   "net.core.somaxconn=4096"
				 : "net.core.somaxconn=4096");
		s.subject = &server.subject;
		put(&s, limits[i / 2]);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		assert_int_equal(r->walls[0].verdict, VERDICT_SHORT);
		assert_string_equal(verdict_proposals(r), "");
		assert_int_equal(r->findings[0].proposal_count, 0);
		if (!strstr(r->findings[0].advice, "rpc.nfsd"))
			fail_msg("case %zu: %s", i, r->findings[0].advice);
		assert_null(strstr(r->findings[0].advice, "listen()"));
		assert_null(strstr(r->findings[0].detail, "somaxconn"));
	}
	static struct running server;
	const struct experiment *x = verdict_experiment("descriptors", "descriptors.process");
	running_make(&server, 1, 64);
	server.subject.pid = 0;
	server.subject.listeners.unheld = true;
	struct settings s = verdict_settings(x, "RLIMIT_NOFILE=1024 4096");
	s.subject = &server.subject;
	assert_int_equal(verdict_of(x, &t, &s, NULL)->walls[0].verdict, VERDICT_NA);
}

/* The argument of listen() bounds both queues. */
static void both_queues_ask_for_one_backlog(void **state)
{
	static const struct {
		uint64_t stall_us, rtt_us;
		const char *line, *proposal;
	} cases[] = {
		{100000, 50000, "backlog=2048;", "2048"}, /* 1 000 clients, 500 half open */
		{10000, 400000, "backlog=8192;", "8192"}, /* 100, 4 000 */
	};
	static const char *const walls[] = {"accept-queue", "syn-queue"};
	static struct running server;
	struct target t = target_default();
	running_make(&server, 1, 5);
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		const char *wall = walls[i % 2];
		const struct experiment *x = verdict_experiment(wall, wall);
		t.stall_us = cases[i / 2].stall_us;
		t.rtt_us = cases[i / 2].rtt_us;
		struct settings s = verdict_settings(
			x, i % 2 ? "net.ipv4.tcp_syncookies=1; net.ipv4.tcp_max_syn_backlog=4096; "
				   "net.core.somaxconn=4096; listen.backlog=5"
				 : "net.core.somaxconn=4096; listen.backlog=5");
		s.subject = &server.subject;
		const struct finding *f = &verdict_of(x, &t, &s, NULL)->findings[0];
		assert_string_equal(f->proposals[0].knob, "listen.backlog");
		assert_string_equal(f->proposals[0].proposed, cases[i / 2].proposal);
		if (!strstr(f->advice, cases[i / 2].line))
			fail_msg("%s: \"%s\"", f->id, f->advice);
		/* The kernel would cut it. */
		assert_true(i < 2 || strstr(f->advice, "(now 4096): "));
	}
}

/* A backlog that suffices is not the limit of the SYN queue. */
static void a_backlog_that_suffices_is_not_to_be_raised(void **state)
{
	static struct running server;
	struct target t = target_default();
	const struct experiment *x = verdict_experiment("syn-queue", "syn-queue");
	running_make(&server, 1, 4096);
	struct settings s =
		verdict_settings(x, "net.ipv4.tcp_syncookies=0; net.ipv4.tcp_max_syn_backlog=128; "
				    "net.core.somaxconn=4096; listen.backlog=4096");
	s.subject = &server.subject;
	const struct finding *f = &verdict_of(x, &t, &s, NULL)->findings[0];
	assert_string_equal(f->title,
			    "net.ipv4.tcp_max_syn_backlog is 128: nginx (pid 812) on 0.0.0.0:443 "
			    "holds 97 half-open connections; this load needs 500");
	assert_null(strstr(f->advice, "backlog="));
}

/* Each socket of an address has a SYN queue of its own, and tcp_max_syn_backlog limits each. */
static void sockets_of_one_address_have_a_syn_queue_each(void **state)
{
	static const struct {
		const char *max_syn;
		unsigned kernel;
		uint64_t rate; /* the need is a twentieth */
		int64_t limit;
		enum wall_verdict verdict;
		const char *proposals;
	} cases[] = {
		/* 385 each. */
		{"512", KERNEL(6, 18), 10000, 1321, VERDICT_OK, ""},
		{"512", KERNEL(6, 18), 40000, 1321, VERDICT_SHORT,
		 "net.ipv4.tcp_max_syn_backlog 512 -> 1024, listen.backlog 511 -> 2048"},
		/* The backlog: 512 each, before 6.14 one less. */
		{"4096", KERNEL(6, 18), 10000, 1793, VERDICT_OK, ""},
		{"4096", KERNEL(6, 12), 10000, 1790, VERDICT_OK, ""},
	};
	static struct running server;
	struct target t = target_default();
	const struct experiment *x = verdict_experiment("syn-queue", "syn-queue");
	running_make(&server, 4, 511);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char values[160];
		snprintf(values, sizeof(values),
			 "net.ipv4.tcp_syncookies=0; net.ipv4.tcp_max_syn_backlog=%s; "
			 "net.core.somaxconn=4096; listen.backlog=511",
			 cases[i].max_syn);
		struct settings s = verdict_settings(x, values);
		s.subject = &server.subject;
		s.machine.kernel = cases[i].kernel;
		t.rate_per_s = cases[i].rate;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		if (r->walls[0].limit != cases[i].limit ||
		    r->walls[0].verdict != cases[i].verdict ||
		    strcmp(verdict_proposals(r), cases[i].proposals) != 0)
			fail_msg("case %zu: limit %lld, %s, \"%s\"", i,
				 (long long)r->walls[0].limit,
				 wall_verdict_name(r->walls[0].verdict), verdict_proposals(r));
	}
}

static void the_room_of_a_syn_queue_is_that_of_the_kernel(void **state)
{
	static const struct {
		int64_t limit, max_syn, cookies;
		unsigned kernel;
		int64_t holds;
		bool by_max_syn, at_most;
	} cases[] = {
		{511, 64, 1, KERNEL(6, 14), 512, false, false},
		{511, 64, 1, KERNEL(6, 13), 511, false, false},
		{511, 64, REPORT_NONE, UINT_MAX, 512, false, false},
		{511, 64, 2, KERNEL(6, 18), INT64_MAX, false, false},
		{511, 64, 0, KERNEL(6, 18), 49, true, false},
		{511, 4096, 0, KERNEL(6, 18), 512, false, false},
		{511, REPORT_NONE, 0, KERNEL(6, 12), 511, false, true},
		{0, 4096, 0, KERNEL(6, 12), 0, false, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct syn_room r = syn_queue_room(cases[i].limit, cases[i].max_syn,
						   cases[i].cookies, cases[i].kernel);
		if (r.holds != cases[i].holds || r.by_max_syn != cases[i].by_max_syn ||
		    r.at_most != cases[i].at_most)
			fail_msg("case %zu: %lld", i, (long long)r.holds);
		if (cases[i].cookies != 2 && !r.by_max_syn)
			assert_int_equal(syn_queue_limit(r.holds, cases[i].kernel), cases[i].limit);
	}
}

/* What an application was given is not known: a short backlog may be its own. */
static void a_short_backlog_has_one_of_two_reasons(void **state)
{
	static struct running server;
	struct target t = target_default();
	const struct experiment *x = verdict_experiment("accept-queue", "accept-queue");
	running_make(&server, 1, 128);
	struct settings s = verdict_settings(x, "net.core.somaxconn=4096; listen.backlog=128");
	s.subject = &server.subject;
	assert_non_null(strstr(verdict_of(x, &t, &s, NULL)->findings[0].advice,
			       "If nginx is not configured for 128, net.core.somaxconn was 128 "
			       "when it called listen(): restart it first. "));
	s.guest = (const struct guest *)&server; /* never followed */
	assert_null(strstr(verdict_of(x, &t, &s, NULL)->findings[0].advice, "restart it first"));
	/* Of a server that is not known, where a kernel has such a default. */
	static const struct {
		const char *name;
		uint32_t limit;
		bool systemd, cut;
	} cases[] = {
		{"own", 128, false, true},
		{"own", 4096, false, true},
		{"own", 100, false, false},
		{"own", 511, false, false},
		{"own", 16384, false, false},
		{"nginx", 4096, false, true},
		/* These are defaults of their own. */
		{"pgbouncer", 128, false, false},
		{"pgbouncer", 4096, false, true},
		{"own", 4096, true, false},
		{"nginx", 128, true, false},
		{"systemd", 4096, false, false},
	};
	t.rate_per_s = 200000;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		running_make(&server, 1, cases[i].limit);
		report_text(server.subject.name, "%s", cases[i].name);
		server.at[0].systemd = cases[i].systemd;
		s = verdict_settings(x, "net.core.somaxconn=16384; listen.backlog=128");
		s.at[BACKLOG_ARGUMENT][0] = cases[i].limit;
		s.subject = &server.subject;
		const char *advice = verdict_of(x, &t, &s, NULL)->findings[0].advice;
		if (cases[i].cut != !!strstr(advice, " is not configured for "))
			fail_msg("row %zu: %s", i, advice);
	}
}

/* An application without TCP listeners has no such queue. */
static void what_a_server_lacks_is_not_applicable(void **state)
{
	static struct running server;
	struct target t = target_default();
	const struct experiment *x = verdict_experiment("accept-queue", "accept-queue");
	const struct experiment *local = verdict_experiment("accept-queue", "accept-queue.unix");
	running_make(&server, 1, 16);
	server.at[0].kind = LISTENER_UNIX;
	snprintf(server.at[0].address, sizeof(server.at[0].address), "unix:/run/app.sock");
	struct settings s = verdict_settings(x, "net.core.somaxconn=4096; listen.backlog=16");
	s.subject = &server.subject;
	const struct report *r = verdict_of(x, &t, &s, NULL);
	assert_int_equal(r->walls[0].verdict, VERDICT_NA);
	assert_int_equal(r->walls[0].needed, REPORT_NONE);
	assert_int_equal(r->finding_count, 0);
	r = verdict_of(local, &t, &s, NULL);
	assert_int_equal(r->walls[0].limit, 17);
	assert_string_equal(r->findings[0].id, "accept-queue.unix.short");
	assert_string_equal(r->findings[0].title, "nginx (pid 812) on unix:/run/app.sock has "
						  "backlog 16; this load needs 1 000");
	struct probe_options options = {0};
	assert_false(experiment_applies(local, &t, &options));
	options.subject = &server.subject;
	assert_true(experiment_applies(local, &t, &options));
	server.at[0].kind = LISTENER_TCP;
	assert_false(experiment_applies(local, &t, &options));
}

/* By which of them clients come is not known: it may be one for control. */
static void a_unix_socket_beside_tcp_has_no_verdict(void **state)
{
	static struct running server;
	struct target t = target_default();
	struct probe_options options = {.subject = &server.subject};
	const struct experiment *local = verdict_experiment("accept-queue", "accept-queue.unix");
	running_make(&server, 2, 511);
	server.at[1].kind = LISTENER_UNIX;
	snprintf(server.at[1].address, sizeof(server.at[1].address), "unix:/run/app.sock");
	assert_true(experiment_applies(local, &t, &options));
	struct settings s = verdict_settings(local, "net.core.somaxconn=4096; listen.backlog=511");
	s.subject = &server.subject;
	const struct report *r = verdict_of(local, &t, &s, NULL);
	assert_int_equal(r->walls[0].verdict, VERDICT_NA);
	assert_int_equal(r->walls[0].limit, 512);
	assert_int_equal(r->walls[0].needed, 1000);
	assert_int_equal(r->finding_count, 0);
	assert_string_equal(
		r->walls[0].detail,
		"nginx (pid 812) on unix:/run/app.sock has backlog 511 since listen(); "
		"the kernel admits one more. The server listens at TCP too: whether the "
		"target's clients come by this socket is not known. epolltune check "
		"--server unix:/run/app.sock judges it.");
	/* Without unix_diag there may be one. */
	running_make(&server, 1, 511);
	assert_false(experiment_applies(local, &t, &options));
	server.subject.listeners.unlisted = 1u << LISTENER_UNIX;
	assert_true(experiment_applies(local, &t, &options));
	s = verdict_settings(local, "net.core.somaxconn=4096");
	s.subject = &server.subject;
	r = verdict_of(local, &t, &s, NULL);
	assert_int_equal(r->walls[0].verdict, VERDICT_NA);
	assert_int_equal(r->walls[0].limit, REPORT_NONE);
	assert_int_equal(r->finding_count, 0);
	assert_non_null(strstr(r->walls[0].detail, "This kernel cannot list UNIX sockets"));
	/* --run names the one that its clients connect to. */
	options.guest = (struct guest *)&server; /* never followed */
	assert_false(experiment_applies(local, &t, &options));
}

static void a_unix_socket_beside_tcp_that_is_switched_off_has_no_verdict(void **state)
{
	static struct running server;
	struct target t = target_default();
	const struct experiment *local = verdict_experiment("accept-queue", "accept-queue.unix");
	running_make(&server, 2, 0);
	server.at[1].kind = LISTENER_UNIX;
	server.at[1].paused = true;
	struct settings s = verdict_settings(local, "net.core.somaxconn=4096");
	s.subject = &server.subject;
	s.at[BACKLOG_ARGUMENT][0] = REPORT_NONE;
	const struct report *r = verdict_of(local, &t, &s, NULL);
	assert_int_equal(r->walls[0].verdict, VERDICT_NA);
	assert_int_equal(r->walls[0].limit, REPORT_NONE);
	assert_int_equal(r->walls[0].needed, 1000);
	assert_string_equal(r->walls[0].detail,
			    "The server accepts none now, by listen(fd, 0): what its backlog is "
			    "otherwise is not visible.");
}

static void descriptors_of_its_processes(void **state)
{
	static const struct {
		size_t accepting;
		const char *nofile;
		uint64_t held;
		int64_t capacity;
		enum wall_verdict verdict;
		const char *proposals;
	} cases[] = {
		/* The soft limit is in force. */
		{1, "1024 524288", 6, 1018, VERDICT_SHORT, "RLIMIT_NOFILE 1024 -> 16384"},
		{1, "1024 4096", 6, 1018, VERDICT_SHORT, "RLIMIT_NOFILE 4096 -> 16384"},
		{1, "65536 65536", 10, 65526, VERDICT_OK, ""},
		{8, "4096 524288", 10, 31189, VERDICT_OK, ""},
		{2, "1024 524288", 6, 1853, VERDICT_SHORT, "RLIMIT_NOFILE 1024 -> 8192"},

		/* Not visible. */
		{0, "", 0, REPORT_NONE, VERDICT_UNKNOWN, ""},
	};
	static struct running server;
	struct target t = target_default();
	const struct experiment *x = verdict_experiment("descriptors", "descriptors.process");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char values[96] = "";
		if (cases[i].nofile[0])
			snprintf(values, sizeof(values), "RLIMIT_NOFILE=%s", cases[i].nofile);
		running_make(&server, 1, 511);
		server.subject.accepting = cases[i].accepting;
		struct settings s = verdict_settings(x, values);
		s.subject = &server.subject;
		s.taken.held = cases[i].held;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		if (w->limit != cases[i].capacity || w->verdict != cases[i].verdict)
			fail_msg("case %zu: %lld %s", i, (long long)w->limit,
				 wall_verdict_name(w->verdict));
		if (strcmp(verdict_proposals(r), cases[i].proposals) != 0)
			fail_msg("case %zu: %s", i, verdict_proposals(r));
	}
	running_make(&server, 1, 511);
	struct settings s = verdict_settings(x, "RLIMIT_NOFILE=1024 524288");
	s.subject = &server.subject;
	s.taken.held = 6;
	/* As a proxy it has the connections that it opened for its clients. */
	t.connections = 400;
	s.taken.held = 706;
	server.subject.upstream = 700;
	assert_int_equal(verdict_of(x, &t, &s, NULL)->walls[0].limit, 318);
	t.role = TARGET_PROXY;
	assert_int_equal(verdict_of(x, &t, &s, NULL)->walls[0].limit, 1018);
	/* One of two accepts, or both. */
	t = target_default();
	s.taken.held = 6;
	server.subject.accepting = 2;
	server.subject.unshown = true;
	t.connections = 500;
	const struct wall *w = &verdict_of(x, &t, &s, NULL)->walls[0];
	assert_int_equal(w->limit, 1018);
	assert_int_equal(w->verdict, VERDICT_OK);
	assert_non_null(strstr(w->detail, "2 processes hold the listener"));
	t.connections = 1200;
	w = &verdict_of(x, &t, &s, NULL)->walls[0];
	assert_int_equal(w->limit, REPORT_NONE);
	assert_int_equal(w->verdict, VERDICT_UNKNOWN);
	t = target_default();
	running_make(&server, 1, 511);
	const struct finding *f = &verdict_of(x, &t, &s, NULL)->findings[0];
	assert_string_equal(f->title, "nginx (pid 812) cannot hold 10 000 connections");
	assert_string_equal(
		f->advice,
		"(d=/etc/systemd/system/nginx.service.d; mkdir -p $d && printf "
		"'[Service]\\nLimitNOFILE=16384:524288\\n' >$d/zz-LimitNOFILE.conf && "
		"systemctl daemon-reload && systemctl restart nginx.service), which closes all open connections. "
		"nginx has a limit of its own: "
		"worker_rlimit_nofile 16384; events { worker_connections 16384; }");
}

static void names_that_people_use(void **state)
{
	assert_true(server_named("nginx", "nginx"));
	assert_true(server_named("redis", "redis-server"));
	assert_true(server_named("Redis", "redis-server"));
	assert_true(server_named("php-fpm", "php-fpm8.2"));
	assert_true(server_named("node", "MainThread"));
	assert_true(server_named("node", "node /var/www/a"));
	assert_true(server_named("systemd-socket-proxyd", "systemd-socket-"));
	assert_true(server_named("haproxy", "haproxy"));
	assert_true(server_named("my-very-long-server-name", "my-very-long-se"));
	assert_false(server_named("ngin", "nginx"));
	assert_false(server_named("nginx2", "nginx"));
	assert_false(server_named("redis", "nginx"));
	assert_false(server_named("", "nginx"));
}

/* Many threads that are each a little busy are none that spins. */
static void the_busiest_thread(void **state)
{
	static struct subject_thread then[] = {
		{10, 100, 200}, {11, 500, 900}, {12, 50, 50}, {13, 7, 7}};
	static struct subject_thread now[] = {
		{14, 30, 40}, {12, 20, 30}, {11, 560, 1000}, {10, 190, 290}};
	const struct subject_threads before = {then, 4}, after = {now, 4};
	struct subject_taken t = subject_threads_taken(&before, &after);
	assert_int_equal(t.busiest.tid, 11);
	assert_int_equal(t.busiest.ready_ns, 100);
	assert_int_equal(t.busiest.ran_ns, 60);
	/* 12 is another one of the same number; 13 ended. */
	assert_int_equal(t.all.ready_ns, 40 + 30 + 100 + 90);
	assert_int_equal(t.all.ran_ns, 30 + 20 + 60 + 90);
	assert_int_equal(subject_threads_taken(&after, &after).busiest.ready_ns, 0);
}

/* One above its limit, as after prlimit(1), has nothing left; one of which it is unknown is none.
 */
static void the_process_that_is_nearest_to_its_limit(void **state)
{
	static const struct process all[] = {
		{.open = 900, .soft = 1024}, {.open = 1000, .soft = 1024}, {.open = 50},
		{.open = 500, .soft = 100},  {.open = 1020, .soft = 1024},
	};
	static const size_t nearest[] = {0, 1, 1, 3, 3};
	struct subject_open o = {0};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		subject_open_add(&o, &all[i]);
		if (o.most != all[nearest[i]].open || o.soft != all[nearest[i]].soft)
			fail_msg("%zu: %llu of %llu", i, (unsigned long long)o.most,
				 (unsigned long long)o.soft);
	}
	assert_int_equal(o.processes, 5);
	assert_int_equal(o.sum, 3470);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_is_local_without_tcp),
		cmocka_unit_test(datagrams_are_what_some_servers_are_for),
		cmocka_unit_test(parts_of_a_group),
		cmocka_unit_test(the_smallest_address_is_the_queue),
		cmocka_unit_test(what_datagrams_take_finds_the_smallest_buffer),
		cmocka_unit_test(only_sockets_of_inet_share_arrivals),
		cmocka_unit_test(the_queue_is_that_of_clients),
		cmocka_unit_test(what_has_most_clients_is_not_set_aside),
		cmocka_unit_test(each_queue_gets_its_verdict),
		cmocka_unit_test(a_queue_that_a_restart_cuts_is_tight),
		cmocka_unit_test(a_queue_that_is_switched_off_is_judged_by_its_usual_backlog),
		cmocka_unit_test(the_remedy_is_a_line_of_its_configuration),
		cmocka_unit_test(a_server_of_a_script_has_its_line),
		cmocka_unit_test(nothing_raises_the_backlog_of_the_kernel),
		cmocka_unit_test(both_queues_ask_for_one_backlog),
		cmocka_unit_test(a_backlog_that_suffices_is_not_to_be_raised),
		cmocka_unit_test(sockets_of_one_address_have_a_syn_queue_each),
		cmocka_unit_test(the_room_of_a_syn_queue_is_that_of_the_kernel),
		cmocka_unit_test(a_short_backlog_has_one_of_two_reasons),
		cmocka_unit_test(what_a_server_lacks_is_not_applicable),
		cmocka_unit_test(a_unix_socket_beside_tcp_has_no_verdict),
		cmocka_unit_test(a_unix_socket_beside_tcp_that_is_switched_off_has_no_verdict),
		cmocka_unit_test(descriptors_of_its_processes),
		cmocka_unit_test(names_that_people_use),
		cmocka_unit_test(the_busiest_thread),
		cmocka_unit_test(the_process_that_is_nearest_to_its_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
