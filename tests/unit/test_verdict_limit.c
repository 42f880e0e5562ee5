/* What is made of the connections that the configuration of a server allows. */
#define probe_configuration configuration_under_test
#include "../../probes/configuration.c"
#include "../support/support.h"
#include "../support/verdict.h"

#include <stdio.h>
#include <string.h>

struct limit_case {
	const char *process;
	const char *limit; /* "": unknown */
	struct subject_clients clients;
	uint64_t soft, held;
	size_t accepting;
	enum target_role role;
	uint64_t connections;
	enum wall_verdict verdict;
	int64_t capacity;
	const char *detail;    /* a part of it */
	const char *proposals; /* "": none; NULL: not looked at */
};

#define OF_A_FILE .state = CLIENTS_READ, .name = "maxconn", .file = "/a"
#define KNOWN(n)                                                                                   \
	"server.max_connections=" n, { OF_A_FILE }
/* Not set. */
#define AUTOMATIC                                                                                  \
	"0", { OF_A_FILE, .preset = true }
#define LOWERED(n)                                                                                 \
	"0", { OF_A_FILE, .preset = true, .files = n }
#define HIDDEN                                                                                     \
	"", { .state = CLIENTS_UNNAMED }
#define OPTION(n)                                                                                  \
	"server.max_connections=" n, { .state = CLIENTS_READ, .name = "--maxclients" }
#define ABSENT                                                                                     \
	"", { .state = CLIENTS_NONE }
#define SEVERAL(n, low)                                                                            \
	"server.max_connections=" n, { OF_A_FILE, .several = true, .least = low }
#define LIMITED(n, ...)                                                                            \
	"server.max_connections=" n, { OF_A_FILE, __VA_ARGS__ }
#define UNREAD(what)                                                                               \
	"", { .state = CLIENTS_UNREAD, .name = what }
#define TOLD(many)                                                                                 \
	"", { .state = CLIENTS_UNREAD, .name = "MaxStartups", .file = "its title", .told = many }
#define UNKNOWN(why)                                                                               \
	"", { .state = why, .name = "maxconn", .file = "/a" }

static const struct limit_case cases[] = {
	{"nginx", KNOWN("200"), 1024, 9, 1, TARGET_SERVER, 100, VERDICT_OK, 186,
	 "maxconn of /a is 200.", ""},
	{"nginx", KNOWN("200"), 1024, 9, 1, TARGET_SERVER, 187, VERDICT_SHORT, 186, "",
	 "server.max_connections 200 -> 288"},
	{"nginx", KNOWN("200"), 1024, 9, 2, TARGET_PROXY, 187, VERDICT_SHORT, 136, "",
	 "server.max_connections 200 -> 576"},
	/* Its listeners and the channel to its master count: 512 - 512 / 16 - 161. */
	{"nginx", LIMITED("512", .listeners = 159), 1024, 9, 1, TARGET_SERVER, 380, VERDICT_SHORT,
	 319, "161 for its listeners and the channel to its master included",
	 "server.max_connections 512 -> 704"},
	{"nginx", LIMITED("512", .listeners = 159), 1024, 9, 1, TARGET_SERVER, 250, VERDICT_OK, 319,
	 "", ""},
	{"nginx", LIMITED("512", .listeners = 159), 1024, 9, 1, TARGET_PROXY, 160, VERDICT_SHORT,
	 159, "", NULL},
	{"nginx", KNOWN("2"), 1024, 9, 1, TARGET_SERVER, 1, VERDICT_SHORT, 0, "", NULL},
	/* Connections to servers behind it count, of one that is known to have them. */
	{"nginx", KNOWN("200"), 1024, 9, 1, TARGET_PROXY, 100, VERDICT_SHORT, 93,
	 "servers behind it included", NULL},
	{"haproxy", KNOWN("200"), 1024, 9, 1, TARGET_PROXY, 100, VERDICT_OK, 200,
	 "is 200; that is the limit at its start: show info on its stats socket shows", ""},
	{"nginx", KNOWN("200"), 1024, 9, 4, TARGET_SERVER, 100, VERDICT_OK, 597,
	 "for each of 4 processes", ""},
	/* Before 1.21.6 one of them may get most; what it cannot hold it closes. */
	{"nginx", KNOWN("200"), 1024, 9, 4, TARGET_SERVER, 150, VERDICT_TIGHT, 597,
	 "for each of 4 processes, of which one may get most connections.",
	 "server.max_connections 200 -> 224"},
	{"nginx", LIMITED("200", .version = SERVER_VERSION(1, 18, 0)), 1024, 9, 4, TARGET_SERVER,
	 450, VERDICT_TIGHT, 597, "", "server.max_connections 200 -> 640"},
	{"nginx", LIMITED("200", .version = SERVER_VERSION(1, 18, 0)), 1024, 9, 4, TARGET_SERVER,
	 600, VERDICT_SHORT, 597, "", "server.max_connections 200 -> 832"},
	{"nginx", LIMITED("200", .version = SERVER_VERSION(1, 18, 0), .doubles = true), 1024, 9, 4,
	 TARGET_SERVER, 100, VERDICT_TIGHT, 597, "", NULL},
	{"nginx", LIMITED("200", .version = SERVER_VERSION(1, 21, 6)), 1024, 9, 4, TARGET_SERVER,
	 450, VERDICT_OK, 597, "for each of 4 processes.", ""},
	{"nginx", HIDDEN, 1024, 9, 1, TARGET_SERVER, 10, VERDICT_UNKNOWN, REPORT_NONE,
	 "The configuration of nginx is not visible; check --run", ""},
	{"nginx", UNKNOWN(CLIENTS_COMMAND), 1024, 9, 1, TARGET_SERVER, 10, VERDICT_UNKNOWN,
	 REPORT_NONE, "The command of nginx (pid 0) is not readable; ", ""},
	{"nginx", UNKNOWN(CLIENTS_OPTION), 1024, 9, 1, TARGET_SERVER, 10, VERDICT_UNKNOWN,
	 REPORT_NONE, "epolltune does not understand /a in the command of nginx; ", ""},
	{"nginx", UNKNOWN(CLIENTS_UNREADABLE), 1024, 9, 1, TARGET_SERVER, 10, VERDICT_UNKNOWN,
	 REPORT_NONE, "/a of nginx is not readable; ", ""},
	{"nginx", UNKNOWN(CLIENTS_CHANGED), 1024, 9, 1, TARGET_SERVER, 10, VERDICT_UNKNOWN,
	 REPORT_NONE, "/a, its owner, mode or directory, or a link to it changed", ""},
	{"nginx", UNKNOWN(CLIENTS_INVALID), 1024, 9, 1, TARGET_SERVER, 10, VERDICT_UNKNOWN,
	 REPORT_NONE, "maxconn in /a is not a plain number; ", ""},
	{"systemd", UNKNOWN(CLIENTS_UNITS), 1024, 9, 1, TARGET_SERVER, 10, VERDICT_UNKNOWN,
	 REPORT_NONE, "/a both have a listener of systemd, with different limits", ""},
	{"nginx", UNKNOWN(CLIENTS_PARTS), 1024, 9, 1, TARGET_SERVER, 10, VERDICT_UNKNOWN,
	 REPORT_NONE, "/a has parts that epolltune does not follow", ""},
	/* How many workers there are is not visible. */
	{"nginx", KNOWN("200"), 1024, 9, 0, TARGET_SERVER, 100, VERDICT_OK, 186, "", ""},
	{"nginx", KNOWN("200"), 1024, 9, 0, TARGET_SERVER, 300, VERDICT_UNKNOWN, REPORT_NONE,
	 "How many processes of nginx accept is not visible; ", ""},
	/* One of two sections serves the clients, or both. */
	{"haproxy", SEVERAL("300", 100), 4096, 9, 1, TARGET_SERVER, 80, VERDICT_OK, 100, "", ""},
	{"haproxy", SEVERAL("300", 100), 4096, 9, 1, TARGET_SERVER, 100, VERDICT_UNKNOWN,
	 REPORT_NONE, "name one listener (--server ADDRESS:PORT); ", ""},
	{"haproxy", SEVERAL("300", 100), 4096, 9, 1, TARGET_SERVER, 300, VERDICT_UNKNOWN,
	 REPORT_NONE, "", ""},
	{"haproxy", SEVERAL("300", 100), 4096, 9, 1, TARGET_SERVER, 301, VERDICT_SHORT, 300, "",
	 "server.max_connections 300 -> 416"},
	{"haproxy", SEVERAL("300", 0), 4096, 9, 1, TARGET_SERVER, 10, VERDICT_UNKNOWN, REPORT_NONE,
	 "No section of /a is known to bind each listener of HAProxy; ", ""},
	/* memcached counts descriptors; how many are its own may be unknown. */
	{"memcached", KNOWN("200"), 200, 25, 1, TARGET_SERVER, 176, VERDICT_SHORT, 175,
	 "25 descriptors", NULL},
	{"memcached", KNOWN("200"), 200, 25, 1, TARGET_SERVER, 140, VERDICT_OK, 175, "", ""},
	{"memcached", KNOWN("200"), 200, 0, 1, TARGET_SERVER, 150, VERDICT_UNKNOWN, 200, "", ""},
	{"memcached", KNOWN("200"), 200, 0, 1, TARGET_SERVER, 80, VERDICT_OK, 200, "", ""},
	/* 0: HAProxy takes half of its descriptors, at most. */
	{"haproxy", AUTOMATIC, 4096, 9, 1, TARGET_SERVER, 800, VERDICT_OK, 2048,
	 "RLIMIT_NOFILE, halved, is 2 048", ""},
	{"haproxy", AUTOMATIC, 4096, 9, 1, TARGET_SERVER, 1200, VERDICT_UNKNOWN, 2048, "", ""},
	{"haproxy", AUTOMATIC, 4096, 9, 1, TARGET_SERVER, 2100, VERDICT_SHORT, 2048, "",
	 "server.max_connections  -> 2816, RLIMIT_NOFILE 4096 -> 8192"},
	{"haproxy", AUTOMATIC, 0, 9, 1, TARGET_SERVER, 100, VERDICT_UNKNOWN, REPORT_NONE,
	 "maxconn is not set, and RLIMIT_NOFILE of HAProxy is not visible", ""},
	{"haproxy", LOWERED(1000), 4096, 9, 1, TARGET_SERVER, 200, VERDICT_OK, 500,
	 "fd-hard-limit of /a, halved, is 500", ""},
	{"haproxy", LOWERED(1000), 4096, 9, 1, TARGET_SERVER, 600, VERDICT_SHORT, 500, "",
	 "server.max_connections  -> 768"},
	{"haproxy", LOWERED(1000), 0, 9, 1, TARGET_SERVER, 600, VERDICT_SHORT, 500, "", NULL},
	{"haproxy", LOWERED(8192), 4096, 9, 1, TARGET_SERVER, 800, VERDICT_OK, 2048,
	 "RLIMIT_NOFILE, halved, is 2 048", ""},
	/* DEFAULT_MAXFD, of newer ones. */
	{"haproxy", AUTOMATIC, 1 << 30, 9, 1, TARGET_SERVER, 200000, VERDICT_OK, 524288,
	 "What some versions take of RLIMIT_NOFILE, halved, is 524 288", ""},
	{"haproxy", AUTOMATIC, 1 << 30, 9, 1, TARGET_SERVER, 600000, VERDICT_UNKNOWN, REPORT_NONE,
	 "without it some versions of HAProxy take no more than 1 048 576 descriptors", ""},
	{"haproxy", AUTOMATIC, 1 << 30, 9, 1, TARGET_SERVER, 400000, VERDICT_UNKNOWN, 524288,
	 "What some versions take of RLIMIT_NOFILE, halved, is 524 288", ""},
	{"haproxy",
	 "0",
	 {OF_A_FILE, .preset = true, .others = 300000},
	 1 << 30,
	 9,
	 1,
	 TARGET_SERVER,
	 250000,
	 VERDICT_UNKNOWN,
	 REPORT_NONE,
	 "take no more than 1 048 576 descriptors",
	 ""},
	{"haproxy", AUTOMATIC, 1200000, 9, 1, TARGET_SERVER, 1000000, VERDICT_SHORT, 600000,
	 "RLIMIT_NOFILE, halved, is 600 000", NULL},
	{"haproxy", HIDDEN, 4096, 9, 1, TARGET_SERVER, 100, VERDICT_UNKNOWN, REPORT_NONE, "", ""},
	{"haproxy", HIDDEN, 4096, 9, 1, TARGET_SERVER, 2100, VERDICT_SHORT, 2048, "", NULL},
	/* Redis raises its limit on descriptors to what it needs. */
	/* CONFIG SET may have lowered it since. */
	{"redis-server", HIDDEN, 10032, 9, 1, TARGET_SERVER, 5000, VERDICT_UNKNOWN, REPORT_NONE,
	 "is not visible; redis-cli CONFIG GET maxclients shows the limit", ""},
	{"redis-server", HIDDEN, 65536, 9, 1, TARGET_SERVER, 100, VERDICT_UNKNOWN, REPORT_NONE,
	 "is not visible; redis-cli CONFIG GET maxclients shows the limit", ""},
	{"redis-server", HIDDEN, 300, 9, 1, TARGET_SERVER, 300, VERDICT_SHORT, 268, "", NULL},
	{"redis-server", KNOWN("10000"), 65536, 9, 1, TARGET_SERVER, 5000, VERDICT_OK, 10000, "",
	 ""},
	{"redis-server", KNOWN("10000"), 1024, 9, 1, TARGET_SERVER, 1000, VERDICT_SHORT, 992,
	 "RLIMIT_NOFILE less 32 is 992", "RLIMIT_NOFILE 1024 -> 2048"},
	/* Of the command, which counts more than the file. */
	{"redis-server", OPTION("200"), 65536, 9, 1, TARGET_SERVER, 300, VERDICT_SHORT, 200,
	 "--maxclients of its command is 200", "server.max_connections 200 -> 416"},
	/* Clients of other listeners take from the limit of the process, not of a section. */
	{"haproxy", LIMITED("500", .others = 400), 4096, 9, 1, TARGET_SERVER, 300, VERDICT_SHORT,
	 100, "", "server.max_connections 500 -> 832"},
	{"haproxy", LIMITED("500", .others = 400), 4096, 9, 1, TARGET_SERVER, 80, VERDICT_OK, 100,
	 "400 connections to its other listeners included", ""},
	{"haproxy", LIMITED("500", .others = 600), 4096, 9, 1, TARGET_SERVER, 80, VERDICT_SHORT, 0,
	 "", NULL},
	{"haproxy", LIMITED("2000", .section = "listen", .shared = 9000, .preset = true), 20000, 9,
	 1, TARGET_SERVER, 4000, VERDICT_SHORT, 2000,
	 "maxconn in section listen (default, not set in /a) is 2 000", NULL},
	{"haproxy", LIMITED("300", .section = "listen", .shared = 500, .others = 100), 4096, 9, 1,
	 TARGET_SERVER, 200, VERDICT_OK, 300, "", ""},
	{"haproxy", LIMITED("300", .section = "listen", .shared = 500, .others = 400), 4096, 9, 1,
	 TARGET_SERVER, 200, VERDICT_SHORT, 100, "", NULL},
	{"haproxy", LIMITED("300", .section = "listen", .others = 400), 1000, 9, 1, TARGET_SERVER,
	 200, VERDICT_SHORT, 100, "", NULL},
	{"memcached", LIMITED("1000", .others = 800), 1025, 25, 1, TARGET_SERVER, 300,
	 VERDICT_SHORT, 175, "", NULL},
	/* What epolltune does not evaluate. */
	{"haproxy", LIMITED("500", .further = "maxconnrate"), 4096, 9, 1, TARGET_SERVER, 100,
	 VERDICT_UNKNOWN, REPORT_NONE, "maxconnrate in /a limits connections, too", ""},
	{"haproxy", LIMITED("500", .further = "maxconnrate"), 4096, 9, 1, TARGET_SERVER, 501,
	 VERDICT_SHORT, 500, "", NULL},
	{"nginx", LIMITED("200", .doubles = true), 1024, 9, 1, TARGET_SERVER, 100, VERDICT_UNKNOWN,
	 186, "a client that asks may take a second one", ""},
	{"nginx", LIMITED("200", .doubles = true), 1024, 9, 1, TARGET_SERVER, 70, VERDICT_OK, 186,
	 "", ""},
	{"nginx", LIMITED("200", .doubles = true), 1024, 9, 1, TARGET_PROXY, 70, VERDICT_OK, 93,
	 "servers behind it included.", ""},
	{"gunicorn", UNKNOWN(CLIENTS_ELSEWHERE), 1024, 9, 1, TARGET_SERVER, 100, VERDICT_UNKNOWN,
	 REPORT_NONE, "gunicorn may read its limit from /a, which", ""},
	{"gunicorn", KNOWN("50"), 1024, 9, 1, TARGET_SERVER, 100, VERDICT_SHORT, 50, "", NULL},
	/* Its workers share the socket, and accept none at their limit. */
	{"gunicorn", KNOWN("50"), 1024, 9, 4, TARGET_SERVER, 150, VERDICT_OK, 200, "", ""},
	{"gunicorn", KNOWN("50"), 1024, 9, 4, TARGET_SERVER, 201, VERDICT_SHORT, 200, "",
	 "server.max_connections 50 -> 80"},
	/* Others wait in the accept queue. */
	{"gunicorn", LIMITED("1", .class = "sync"), 1024, 9, 4, TARGET_SERVER, 54, VERDICT_SHORT,
	 53, "of class sync is 1 for each of 4 processes, and its accept queue holds 49 more",
	 NULL},
	{"gunicorn", LIMITED("1", .class = "sync"), 1024, 9, 4, TARGET_SERVER, 53, VERDICT_UNKNOWN,
	 REPORT_NONE,
	 "gunicorn serves 4 connections at a time, and the others wait in its accept queue: "
	 "whether they wait too long depends on how long each request and each idle client "
	 "takes; check --run",
	 ""},
	{"gunicorn", LIMITED("1", .class = "sync"), 1024, 9, 4, TARGET_SERVER, 5, VERDICT_UNKNOWN,
	 REPORT_NONE, "serves 4 connections at a time", ""},
	{"gunicorn", LIMITED("1", .class = "sync"), 1024, 9, 4, TARGET_SERVER, 4, VERDICT_OK, 53,
	 "", ""},
	{"gunicorn", LIMITED("1", .class = "sync"), 1024, 9, 0, TARGET_SERVER, 5, VERDICT_UNKNOWN,
	 REPORT_NONE, "How many processes of gunicorn accept is not visible; ", ""},
	/* Accept=no. */
	{"systemd", ABSENT, 0, 0, 0, TARGET_SERVER, 100, VERDICT_NA, REPORT_NONE,
	 "systemd accepts no connection of this socket itself", ""},
	{"systemd",
	 "",
	 {.state = CLIENTS_UNIT},
	 0,
	 0,
	 0,
	 TARGET_SERVER,
	 100,
	 VERDICT_UNKNOWN,
	 REPORT_NONE,
	 "No socket unit is known to have each listener of systemd (systemctl",
	 ""},
	{"systemd", UNKNOWN(CLIENTS_UNIT), 0, 0, 0, TARGET_SERVER, 100, VERDICT_UNKNOWN,
	 REPORT_NONE, "and /a may be its own", ""},
	/* A default is known, and no file is read. */
	{"postgres", UNREAD("max_connections"), 1024, 9, 1, TARGET_SERVER, 10, VERDICT_UNKNOWN,
	 REPORT_NONE, "does not read max_connections of PostgreSQL (default: 100); to see it: psql",
	 ""},
	{"mariadbd", UNREAD("max_connections"), 1024, 9, 1, TARGET_SERVER, 10, VERDICT_UNKNOWN,
	 REPORT_NONE,
	 "(default: 151); to see it: mysql -e \"show variables like 'max_connections'\"; check",
	 ""},
	{"apache2", UNREAD("MaxRequestWorkers"), 8192, 9, 2, TARGET_SERVER, 2000, VERDICT_UNKNOWN,
	 REPORT_NONE, "/etc/httpd; further clients wait in the accept queue; check", ""},
	{"php-fpm8.2", UNREAD("pm.max_children"), 1024, 9, 2, TARGET_SERVER, 1000, VERDICT_UNKNOWN,
	 REPORT_NONE, "(default: 5 in Debian's pool); to see it: php-fpm -tt; further", ""},
	{"java", UNREAD("maxConnections"), 4096, 9, 1, TARGET_SERVER, 10000, VERDICT_UNKNOWN,
	 REPORT_NONE,
	 "in ActiveMQ's file, 60 from one address in ZooKeeper); to see it: server.xml, ", ""},
	{"sshd", UNREAD("MaxStartups"), 1024, 9, 1, TARGET_SERVER, 10000, VERDICT_UNKNOWN,
	 REPORT_NONE, "(default: 10:30:100 of those that have not logged in yet (from 10 on", ""},
	/* Its title shows how many it takes; of more, those that have logged in do not count. */
	{"sshd", TOLD(10), 1024, 9, 1, TARGET_SERVER, 5, VERDICT_OK, 10,
	 "MaxStartups of its title is 10", ""},
	{"sshd", TOLD(10), 1024, 9, 1, TARGET_SERVER, 10, VERDICT_UNKNOWN, REPORT_NONE,
	 "does not read MaxStartups of OpenSSH", ""},
	{"sshd", TOLD(10), 1024, 9, 1, TARGET_SERVER, 10000, VERDICT_UNKNOWN, REPORT_NONE, "", ""},
	{"envoy", UNREAD("circuit_breakers and connection limits"), 1024, 9, 1, TARGET_SERVER, 10,
	 VERDICT_UNKNOWN, REPORT_NONE, "does not read circuit_breakers and connection limits of",
	 ""},
	{"vsftpd", UNREAD("max_clients and max_per_ip"), 1024, 9, 1, TARGET_SERVER, 10,
	 VERDICT_UNKNOWN, REPORT_NONE, "of vsftpd (default: 2 000, and 50 from one address)", ""},
	{"squid", UNREAD("max_filedescriptors"), 1024, 9, 1, TARGET_SERVER, 10, VERDICT_UNKNOWN,
	 REPORT_NONE, "mgr:info; further clients wait in the accept queue; check", ""},
	/* None by its command or by default. */
	{"uvicorn", ABSENT, 1024, 9, 1, TARGET_SERVER, 100000, VERDICT_NA, REPORT_NONE,
	 "epolltune knows of no limit that this server has", ""},
	/* With 50 open it answers 503. */
	{"uvicorn", OPTION("50"), 1024, 9, 1, TARGET_SERVER, 50, VERDICT_SHORT, 49,
	 "is 50; with that many open it answers 503.", "server.max_connections 50 -> 80"},
	{"uvicorn", OPTION("50"), 1024, 9, 1, TARGET_SERVER, 49, VERDICT_TIGHT, 49, "", NULL},
	{"uvicorn", OPTION("1"), 1024, 9, 1, TARGET_SERVER, 1, VERDICT_SHORT, 0, "", NULL},
	/* Two sockets and two pipes of each. */
	{"systemd-socket-", OPTION("256"), 65536, 9, 1, TARGET_SERVER, 300, VERDICT_SHORT, 256, "",
	 NULL},
	{"systemd-socket-", OPTION("256"), 1024, 9, 1, TARGET_SERVER, 200, VERDICT_SHORT, 168,
	 "RLIMIT_NOFILE less 12, divided by 6, is 168", NULL},
};

static void the_configuration_bounds_connections(void **state)
{
	const struct experiment *x = verdict_experiment("configuration", "application.limit");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct limit_case *c = &cases[i];
		struct target t = target_default();
		struct listener at = {.kind = LISTENER_TCP, .limit = 48};
		struct subject subject = {.activated = !strcmp(c->process, "systemd"),
					  .accepting = c->accepting,
					  .soft = c->soft,
					  .hard = c->soft,
					  .listeners = {.at = &at, .count = 1}};
		struct settings s = verdict_settings(x, c->limit);
		if (!strcmp(c->limit, "0"))
			s.at[0][0] = 0;
		if (c->soft)
			s.at[1][0] = s.at[1][1] = (int64_t)c->soft;
		s.clients = c->clients;
		t.connections = c->connections;
		t.role = c->role;
		snprintf(subject.name, sizeof(subject.name), "%s", c->process);
		s.subject = &subject;
		s.taken.held = c->held;
		print_message("%zu %s %s\n", i, c->process, c->limit);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		assert_int_equal(r->walls[0].verdict, c->verdict);
		assert_int_equal(r->walls[0].limit, c->capacity);
		if (!strstr(r->walls[0].detail, c->detail))
			fail_msg("detail: %s", r->walls[0].detail);
		if (c->proposals)
			assert_string_equal(verdict_proposals(r), c->proposals);
		findings_are(c->process, r,
			     c->verdict == VERDICT_SHORT   ? "application.limit.short critical"
			     : c->verdict == VERDICT_TIGHT ? "application.limit.tight warning"
							   : "");
	}
}

/* The server has not, and no client can use their places. */
static void what_clients_have_closed_counts_until_the_server_closes_it(void **state)
{
	static const struct {
		const char *process, *limit;
		struct subject_clients clients;
		uint64_t left, held;
		enum target_role role;
		uint64_t connections;
		enum wall_verdict verdict;
		int64_t capacity;
		const char *detail, *proposals;
	} rows[] = {
		{"nginx", KNOWN("4096"), 0, 9, TARGET_PROXY, 1200, VERDICT_OK, 1919,
		 "servers behind it included.", ""},
		/* Each waits for a server behind it. */
		{"nginx", KNOWN("4096"), 900, 9, TARGET_PROXY, 1200, VERDICT_SHORT, 1019,
		 "900 that clients closed and it has not closed included",
		 "server.max_connections 4096 -> 5632"},
		{"haproxy", KNOWN("500"), 100, 9, TARGET_SERVER, 300, VERDICT_OK, 400, "", ""},
		{"haproxy", KNOWN("500"), 600, 9, TARGET_SERVER, 300, VERDICT_SHORT, 0, "", NULL},
		/* Of a section and of all of them. */
		{"haproxy", LIMITED("300", .section = "listen", .shared = 9000), 100, 9,
		 TARGET_SERVER, 250, VERDICT_SHORT, 200, "", "server.max_connections 300 -> 448"},
		{"haproxy", LIMITED("300", .section = "listen", .shared = 500, .others = 200), 150,
		 9, TARGET_SERVER, 250, VERDICT_SHORT, 150, "", NULL},
		/* They are among the descriptors that it holds. */
		{"memcached", KNOWN("200"), 20, 45, TARGET_SERVER, 100, VERDICT_OK, 155,
		 "45 descriptors", ""},
	};
	const struct experiment *x = verdict_experiment("configuration", "application.limit");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct target t = target_default();
		struct listener at = {.kind = LISTENER_TCP, .limit = 48};
		struct subject subject = {.accepting = 1,
					  .soft = 65536,
					  .hard = 65536,
					  .listeners = {.at = &at, .count = 1}};
		struct settings s = verdict_settings(x, rows[i].limit);
		s.at[1][0] = s.at[1][1] = 65536;
		s.clients = rows[i].clients;
		s.taken.left = rows[i].left;
		s.taken.held = rows[i].held;
		s.subject = &subject;
		t.connections = rows[i].connections;
		t.role = rows[i].role;
		snprintf(subject.name, sizeof(subject.name), "%s", rows[i].process);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		if (w->verdict != rows[i].verdict || w->limit != rows[i].capacity ||
		    !strstr(w->detail, rows[i].detail) ||
		    (rows[i].proposals && strcmp(verdict_proposals(r), rows[i].proposals) != 0))
			fail_msg("row %zu: %s, %lld: %s %s", i, wall_verdict_name(w->verdict),
				 (long long)w->limit, w->detail, verdict_proposals(r));
	}
}

/* Where one of the servers behind it is its own, a client takes as much again. */
static void a_client_that_comes_through_a_listener_of_its_own_counts_twice(void **state)
{
	static const struct {
		const char *process;
		bool only;
		enum target_role role;
		uint64_t connections;
		enum wall_verdict verdict;
		int64_t capacity;
		const char *detail, *proposals;
	} rows[] = {
		{"haproxy", true, TARGET_PROXY, 150, VERDICT_SHORT, 100,
		 "2 for each client, as it connects to its own listener 127.0.0.1:8080",
		 "server.max_connections 200 -> 416"},
		{"haproxy", true, TARGET_PROXY, 80, VERDICT_OK, 100, "", ""},
		/* Others have servers of their own. */
		{"haproxy", false, TARGET_PROXY, 150, VERDICT_UNKNOWN, REPORT_NONE,
		 "HAProxy connects to its own listener 127.0.0.1:8080, and a client that comes "
		 "through it takes 2 of maxconn; check --run",
		 ""},
		{"haproxy", false, TARGET_PROXY, 80, VERDICT_OK, 200, "", ""},
		{"haproxy", true, TARGET_SERVER, 150, VERDICT_UNKNOWN, REPORT_NONE, "", ""},
		{"haproxy", false, TARGET_PROXY, 201, VERDICT_SHORT, 200, "", NULL},
		/* It has the connection to itself as well, and the one to the other server. */
		{"nginx", true, TARGET_PROXY, 70, VERDICT_SHORT, 62, "", NULL},
		{"nginx", true, TARGET_PROXY, 49, VERDICT_OK, 62, "", ""},
		{"nginx", false, TARGET_PROXY, 60, VERDICT_UNKNOWN, REPORT_NONE, "takes 4 of", ""},
		{"nginx", false, TARGET_PROXY, 30, VERDICT_OK, 93, "", ""},
		{"nginx", false, TARGET_SERVER, 60, VERDICT_UNKNOWN, REPORT_NONE, "takes 3 of", ""},
	};
	const struct experiment *x = verdict_experiment("configuration", "application.limit");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct target t = target_default();
		struct listener at = {.kind = LISTENER_TCP, .limit = 48};
		struct subject subject = {.accepting = 1,
					  .soft = 1024,
					  .hard = 1024,
					  .behind = {.known = true,
						     .any = true,
						     .own = "127.0.0.1:8080",
						     .only_own = rows[i].only},
					  .listeners = {.at = &at, .count = 1}};
		struct settings s = verdict_settings(x, "server.max_connections=200");
		s.clients = (struct subject_clients){OF_A_FILE};
		s.at[1][0] = s.at[1][1] = 1024;
		s.subject = &subject;
		s.taken.held = 9;
		t.connections = rows[i].connections;
		t.role = rows[i].role;
		snprintf(subject.name, sizeof(subject.name), "%s", rows[i].process);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		if (r->walls[0].verdict != rows[i].verdict ||
		    r->walls[0].limit != rows[i].capacity ||
		    !strstr(r->walls[0].detail, rows[i].detail) ||
		    (rows[i].proposals && strcmp(verdict_proposals(r), rows[i].proposals) != 0))
			fail_msg("row %zu: %d %jd %s %s", i, r->walls[0].verdict,
				 (intmax_t)r->walls[0].limit, r->walls[0].detail,
				 verdict_proposals(r));
	}
}

/* What a server limits, and epolltune does not read, is unknown. */
static void each_server_with_a_limit_of_its_own_has_that_wall(void **state)
{
	static const char *const names[] = {
		"lighttpd",   "cache-main",  "squid",         "stunnel4",    "master",
		"imap-login", "exim4",       "beam.smp",      "mosquitto",   "vsftpd",
		"proftpd",    "dnsmasq",     "rsyslogd",      "xinetd",      "sshd",
		"envoy",      "pgbouncer",   "postgres",      "mariadbd",    "named",
		"pgpool",     "proxysql",    "h2o",           "nats-server", "tinyproxy",
		"privoxy",    "pdns_server", "pdns_recursor", "pure-ftpd"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct subject subject = {.pid = 7};
		const struct probe_options o = {.subject = &subject};
		snprintf(subject.name, sizeof(subject.name), "%s", names[i]);
		if (!clients_applies(NULL, &o) || !server_of(&subject)->clients ||
		    !server_of(&subject)->set[SERVER_CLIENTS].unread ||
		    !server_of(&subject)->set[SERVER_CLIENTS].asked)
			fail_msg("%s", names[i]);
	}
}

/* What depends on its build, the machine or its settings is unknown. */
static void a_default_backlog_is_known_where_it_is_a_number(void **state)
{
	static const struct {
		const char *process;
		uint32_t backlog;
	} rows[] = {
		{"lighttpd", 0},    {"cache-main", 1024}, {"proftpd", 0},        {"pure-ftpd", 0},
		{"nsd", 0},         {"pdns_server", 128}, {"knotd", 10},         {"pgpool", 0},
		{"proxysql", 1024}, {"h2o", 65535},       {"traffic_server", 0}, {"icecast2", 5},
		{"xinetd", 64},     {"dovecot", 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(server_backlog(server_row_find(rows[i].process)), rows[i].backlog);
}

/* Raising its own limit takes more descriptors than it has: those do not limit it now. */
static void the_limit_of_now_is_named_where_another_is_proposed(void **state)
{
	const struct experiment *x = verdict_experiment("configuration", "application.limit");
	struct target t = target_default();
	struct subject subject = {.name = "haproxy", .accepting = 1, .soft = 4096, .hard = 4096};
	struct settings s = verdict_settings(x, "server.max_connections=50");
	s.at[1][0] = s.at[1][1] = 4096;
	s.clients = (struct subject_clients){OF_A_FILE};
	s.subject = &subject;
	const struct report *r = verdict_of(x, &t, &s, NULL);
	assert_string_equal(verdict_proposals(r),
			    "server.max_connections 50 -> 13312, RLIMIT_NOFILE 4096 -> 32768");
	assert_string_equal(r->findings[0].detail, "maxconn of /a is 50. It suffices for 50.");
}

/* Whether one process of four may get most connections, and close what it cannot hold. */
static void one_process_leads_where_it_waits_first_at_a_shared_socket(void **state)
{
	static const struct {
		const char *of, *process;
		struct listener at[2];
		bool turns, led;
	} rows[] = {
#define AT(its_address, its_cookie)                                                                \
	{.kind = LISTENER_TCP, .address = its_address, .cookie = its_cookie}
		{"a socket for all",
		 "nginx",
		 {AT("0.0.0.0:80", 1), AT("0.0.0.0:81", 2)},
		 false,
		 true},
		{"accept_mutex", "nginx", {AT("0.0.0.0:80", 1), AT("0.0.0.0:81", 2)}, true, false},
		{"reuseport", "nginx", {AT("0.0.0.0:80", 1), AT("0.0.0.0:80", 2)}, false, false},
		{"others accept what one does not",
		 "gunicorn",
		 {AT("0.0.0.0:80", 1), AT("0.0.0.0:81", 2)},
		 false,
		 false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct subject subject = {
			.accepting = 4,
			.turns = rows[i].turns,
			.listeners = {.at = (struct listener *)rows[i].at, .count = 2}};
		struct settings s = {.subject = &subject};
		snprintf(subject.name, sizeof(subject.name), "%s", rows[i].process);
		if (is_led(&s) != rows[i].led)
			fail_msg("%s", rows[i].of);
	}
}

/* By the files of a socket unit with Accept=yes. */
static void new_connections_to_a_unit_have_limits_of_its_own(void **state)
{
#define UNIT(its_version, triggers, polls)                                                         \
	{                                                                                          \
		.state = CLIENTS_READ, .name = "MaxConnections",                                   \
		.file = "/etc/systemd/system/a.socket", .limit = 64, .version = its_version,       \
		.trigger = {triggers, 2000000}, .poll = {                                          \
			polls,                                                                     \
			2000000                                                                    \
		}                                                                                  \
	}
#define OLD SERVER_VERSION(252, 0, 0)
#define SINCE SERVER_VERSION(255, 4, 0)
	static const struct {
		struct subject_clients clients;
		uint64_t rate;
		enum wall_verdict verdict;
		int64_t limit;
		const char *detail, *advice; /* parts */
	} rows[] = {
		{UNIT(OLD, 200, 150), 80, VERDICT_OK, 100, "TriggerLimitBurst is 200 in 2 s.", ""},
		{UNIT(OLD, 200, 150), 100, VERDICT_TIGHT, 100, "",
		 "printf '[Socket]\\nTriggerLimitBurst=250\\n' >$d/zz-LimitBurst.conf && systemctl "
		 "daemon-reload && systemctl restart a.socket)."},
		{UNIT(OLD, 200, 150), 101, VERDICT_SHORT, 100, "", "TriggerLimitBurst="},
		{UNIT(SINCE, 200, 150), 60, VERDICT_OK, 75, ", PollLimitBurst is 150 in 2 s.", ""},
		{UNIT(SINCE, 200, 150), 200, VERDICT_SHORT, 75, "",
		 "(d=/etc/systemd/system/a.socket.d; mkdir -p $d && printf "
		 "'[Socket]\\nTriggerLimitBurst=666\\nPollLimitBurst=500\\n' >$d"},
		{UNIT(SINCE, 2000, 150), 200, VERDICT_SHORT, 75, "",
		 "'[Socket]\\nPollLimitBurst=500\\n'"},
		{UNIT(SINCE, 200, 0), 200, VERDICT_SHORT, 100, "TriggerLimitBurst is 200 in 2 s.",
		 "'[Socket]\\nTriggerLimitBurst=500\\n'"},
		{UNIT(SINCE, 0, 0), 200, VERDICT_OK, REPORT_NONE, "TriggerLimitBurst sets no", ""},
		/* Which systemd it is another user does not see. */
		{UNIT(0, 200, 150), 60, VERDICT_OK, 100, "which systemd has since version 255", ""},
		{UNIT(0, 200, 150), 90, VERDICT_TIGHT, 100, "", "TriggerLimitBurst="},
		{UNIT(0, 200, 150), 101, VERDICT_SHORT, 100, "", "TriggerLimitBurst="},
		{UNIT(0, 0, 150), 60, VERDICT_OK, 75, "", ""},
		{UNIT(0, 0, 150), 200, VERDICT_UNKNOWN, REPORT_NONE, "is 150 in 2 s", ""},
		{{.state = CLIENTS_NONE}, 200, VERDICT_NA, REPORT_NONE, "Accept=no", ""},
		{{.state = CLIENTS_UNIT},
		 200,
		 VERDICT_UNKNOWN,
		 REPORT_NONE,
		 "see application.limit",
		 ""},
	};
	const struct experiment *x = verdict_experiment("configuration", "application.starts");
	struct subject subject = {.name = "systemd", .activated = true, .pid = 1};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct target t = target_default();
		struct settings s = verdict_settings(x, "");
		s.subject = &subject;
		s.clients = rows[i].clients;
		t.rate_per_s = rows[i].rate;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const char *advice = r->finding_count ? r->findings[0].advice : "";
		if (r->walls[0].verdict != rows[i].verdict || r->walls[0].limit != rows[i].limit ||
		    !strstr(r->walls[0].detail, rows[i].detail) ||
		    (rows[i].advice && !strstr(advice, rows[i].advice)))
			fail_msg("row %zu: %s %" PRId64 ": %s %s", i,
				 wall_verdict_name(r->walls[0].verdict), r->walls[0].limit,
				 r->walls[0].detail, advice);
		findings_are("a unit", r,
			     rows[i].verdict == VERDICT_SHORT ? "application.starts.short critical"
			     : rows[i].verdict == VERDICT_TIGHT ? "application.starts.tight warning"
								: "");
	}
}

/* What may be changed while the server runs, or is not all counted, is printed with ≤. */
static void a_limit_that_may_be_lower_now_is_an_upper_bound(void **state)
{
	static const struct {
		const char *process;
		bool uncounted, at_most;
	} servers[] = {{"redis-server", false, true},
		       {"haproxy", false, true},
		       {"nginx", false, false},
		       {"nginx", true, true}};
	const struct experiment *x = verdict_experiment("configuration", "application.limit");
	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++) {
		struct target t = target_default();
		struct subject subject = {.accepting = 1, .soft = 65536, .hard = 65536};
		struct settings s = verdict_settings(x, "server.max_connections=200");
		t.connections = 100;
		s.at[1][0] = s.at[1][1] = 65536;
		s.clients = (struct subject_clients){OF_A_FILE, .uncounted = servers[i].uncounted};
		snprintf(subject.name, sizeof(subject.name), "%s", servers[i].process);
		s.subject = &subject;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		assert_int_equal(r->walls[0].verdict, VERDICT_OK);
		assert_int_equal(r->walls[0].at_most, servers[i].at_most);
	}
}

#define FILE_WITH(...)                                                                             \
	{                                                                                          \
		OF_A_FILE, __VA_ARGS__                                                             \
	}
#define SECTION_WITH(...) FILE_WITH(.section = "listen", __VA_ARGS__)

/* A look at a server that has accepted so many; `arrived`: of the whole network namespace. */
static void look_make(struct sample *look, const struct subject *s, struct subject_clients clients,
		      int64_t limit, uint64_t accepted, uint64_t waiting, int64_t arrived)
{
	look->now.subject = s;
	look->now.clients = clients;
	look->now.at[CLIENTS][0] = limit;
	look->now.taken.accepted = accepted;
	look->now.taken.open = accepted + waiting;
	look->alone = true;
	look->closed_ms = UINT64_MAX;
	look->counters.count = 2;
	look->counters.at[0] = (struct host_counter){COUNTER_PASSIVE_OPENS, arrived};
	look->counters.at[1] = (struct host_counter){COUNTER_ESTABLISHED_RESETS, arrived};
}

/* At its limit a server with a pool of clients that stay is well. */
static void a_limit_that_is_reached_is_critical_where_clients_are_lost(void **state)
{
	static const struct {
		const char *process;
		uint64_t waiting[2], now;
		int64_t arrived;
		uint64_t closed_ms; /* 0: no other server has clients */
		const char *title, *level;
		bool orderly; /* none was reset */
	} rows[] = {
		{"haproxy", {1, 1}, 40, 100, 0, ": new clients wait in its", "critical", false},
		{"haproxy",
		 {0, 1},
		 40,
		 101,
		 0,
		 ": the next client would wait in its",
		 "warning",
		 false},
		{"haproxy", {1, 0}, 40, 101, 0, ": the next client would wait", "warning", false},
		{"redis-server", {0, 0}, 40, 102, 0, ": it closes new clients", "critical", false},
		{"redis-server", {0, 0}, 40, 100, 0, ": it would close the next", "warning", false},
		/* One has left, and another one has its place. */
		{"redis-server", {0, 0}, 40, 101, 0, ": it would close the next", "warning", true},
		{"redis-server", {0, 0}, 41, 101, 0, ": it would close the next", "warning", false},
		/* They may be clients of others. */
		{"redis-server",
		 {0, 0},
		 40,
		 102,
		 UINT64_MAX,
		 ": it would close the next",
		 "warning",
		 false},
		{"redis-server",
		 {0, 0},
		 40,
		 102,
		 700,
		 ": it would close the next",
		 "warning",
		 false},
		{"redis-server",
		 {0, 0},
		 40,
		 102,
		 300,
		 ": it closes new clients",
		 "critical",
		 false},
		{"redis-server",
		 {0, 0},
		 40,
		 100,
		 300,
		 ": it would close the next",
		 "warning",
		 false},
		/* It closes idle ones then, and others after an answer. */
		{"nginx", {0, 0}, 40, 102, 300, ": it would close the next", "warning", false},
		{"nginx", {0, 0}, 40, 102, 0, ": it would close the next", "warning", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct subject subject = {.accepting = 1, .soft = 300, .hard = 300};
		struct sample looks[2] = {0};
		const struct target t = target_default();
		static struct report r;
		snprintf(subject.name, sizeof(subject.name), "%s", rows[i].process);
		for (size_t k = 0; k < 2; k++)
			look_make(&looks[k], &subject, (struct subject_clients)FILE_WITH(), 40,
				  k ? rows[i].now : 40, rows[i].waiting[k],
				  k ? rows[i].arrived : 100);
		if (rows[i].orderly)
			looks[1].counters.at[1].value = looks[0].counters.at[1].value;
		looks[1].alone = !rows[i].closed_ms;
		looks[1].closed_ms = rows[i].closed_ms ? rows[i].closed_ms : UINT64_MAX;
		report_init(&r);
		observation.judge(&looks[0], &looks[1],
				  &(struct moment){.target = &t, .seconds = 0.5}, &r);
		if (r.finding_count != 1 || !strstr(r.findings[0].title, rows[i].title) ||
		    strcmp(finding_level_name(r.findings[0].level), rows[i].level) != 0)
			fail_msg("row %zu: %s %s", i, finding_level_name(r.findings[0].level),
				 r.findings[0].title);
	}
}

/* What the kernel has of closed connections is read of those servers only, and at their limit. */
static void new_clients_are_closed_at_the_limit_only(void **state)
{
	static const struct {
		const char *process;
		struct subject_clients clients;
		uint64_t accepted;
		bool closes;
	} rows[] = {
		{"redis-server", FILE_WITH(), 40, true},
		{"redis-server", FILE_WITH(), 39, false},
		{"redis-server", SECTION_WITH(.others = 20, .shared = 50), 30, true},
		{"haproxy", FILE_WITH(), 40, false},
		{"nginx", FILE_WITH(), 40, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct subject subject = {.accepting = 1, .soft = 300, .hard = 300};
		struct sample look = {0};
		snprintf(subject.name, sizeof(subject.name), "%s", rows[i].process);
		look_make(&look, &subject, rows[i].clients, 40, rows[i].accepted, 0, 100);
		if (may_close(&look.now) != rows[i].closes)
			fail_msg("row %zu", i);
	}
}

static void connections_to_a_port_that_was_set_aside_are_not_of_clients(void **state)
{
	static const struct listener at[] = {
		{.kind = LISTENER_TCP, .address = "0.0.0.0:80", .cookie = 1},
		{.kind = LISTENER_TCP, .address = "127.0.0.1:81", .aside = true}};
	struct subject subject = {.listeners = {.at = (struct listener *)at, .count = 2}};
	struct listener reloaded = at[0], other = at[0], local = at[0];
	reloaded.cookie = 9;
	local.kind = LISTENER_UNIX;
	report_text(other.address, "0.0.0.0:82");
	assert_true(clients_reach(&reloaded, &subject));
	assert_false(clients_reach(&at[1], &subject));
	assert_false(clients_reach(&other, &subject));
	assert_false(clients_reach(&local, &subject));
}

/* Workers that share each socket fill up; a socket of each, by SO_REUSEPORT, gets a part. */
static void connections_are_spread_evenly_by_shared_sockets(void **state)
{
	static const struct {
		const char *process;
		struct listener at[2];
		bool even;
	} rows[] = {
#define WEB(its_kind, ...) {.kind = its_kind, .address = "0.0.0.0:80", __VA_ARGS__}
		{"gunicorn",
		 {WEB(LISTENER_TCP, .cookie = 0), WEB(LISTENER_TCP, .cookie = 1)},
		 false},
		{"nginx", {WEB(LISTENER_TCP, .cookie = 0), {.address = "0.0.0.0:81"}}, false},
		{"gunicorn", {WEB(LISTENER_TCP, .cookie = 0), {.address = "0.0.0.0:81"}}, true},
		{"gunicorn",
		 {WEB(LISTENER_UNIX, .cookie = 0), WEB(LISTENER_UNIX, .cookie = 1)},
		 true},
		{"gunicorn",
		 {WEB(LISTENER_UDP, .cookie = 0), WEB(LISTENER_UDP, .cookie = 1)},
		 true},
		{"gunicorn",
		 {WEB(LISTENER_TCP, .aside = true), WEB(LISTENER_TCP, .aside = true, .cookie = 1)},
		 true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct subject subject = {.accepting = 4, .soft = 1024, .hard = 1024};
		struct target t = target_default();
		struct wording words = {0};
		struct settings s = {.subject = &subject, .clients = FILE_WITH()};
		s.at[CLIENTS][0] = 50;
		snprintf(subject.name, sizeof(subject.name), "%s", rows[i].process);
		subject.listeners =
			(struct listeners){.at = (struct listener *)rows[i].at, .count = 2};
		clients_words(&t, &s, NULL, NULL, &words);
		if (is_even(&s) != rows[i].even ||
		    !wording_get(&words, "uneven")[0] != rows[i].even)
			fail_msg("row %zu: '%s'", i, wording_get(&words, "uneven"));
	}
}

/* Only what may set a lower one is to be raised, too. */
static void sections_are_named_where_one_has_a_limit(void **state)
{
	static const struct {
		struct subject_clients clients;
		const char *sections;
	} rows[] = {
		{FILE_WITH(), ""},
		{FILE_WITH(.sections = true), "(defaults, frontend, listen)"},
		{{.state = CLIENTS_COMMAND}, "(defaults, frontend, listen)"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct subject subject = {.name = "haproxy"};
		struct settings s = {.subject = &subject, .clients = rows[i].clients};
		struct wording words = {0};
		char text[WORDING_TEXT] = "";
		narrower_words(&s, &words);
		if (wording_get(&words, "narrower")[0])
			report_text(text, "(%s)", wording_get(&words, "narrower"));
		assert_string_equal(text, rows[i].sections);
	}
}

/* Two looks at a server that has so many connections: those it accepted, with the limit above. */
static void a_server_at_its_own_limit_is_named(void **state)
{
	static const struct {
		const char *process;
		int64_t limit;
		struct subject_clients clients;
		uint64_t was, is, opened;
		size_t accepting, listeners;
		const char *title; /* a part; "": it is not at its limit */
	} rows[] = {
		{"redis-server", 40, FILE_WITH(), 40, 40, 0, 1, 1,
		 "40 of 40 connections open, its own limit: it closes"},
		{"redis-server", 40, FILE_WITH(), 39, 40, 0, 1, 1, ""},
		{"redis-server", 40, FILE_WITH(), 40, 39, 0, 1, 1, ""},
		/* By CONFIG SET it has another limit now. */
		{"redis-server", 40, FILE_WITH(), 60, 60, 0, 1, 1, ""},
		{"redis-server", 40, FILE_WITH(.others = 10), 30, 30, 0, 1, 1, "40 of 40"},
		{"redis-server", REPORT_NONE, FILE_WITH(), 40, 40, 0, 1, 1, ""},
		{"haproxy", 40, FILE_WITH(), 40, 40, 0, 1, 1,
		 "new clients wait in its accept queue"},
		/* Of a section the clients of others do not count, and each has its own. */
		{"haproxy", 40, SECTION_WITH(.others = 10), 40, 40, 0, 1, 1, "40 of 40"},
		{"haproxy", 40, SECTION_WITH(.others = 10), 30, 30, 0, 1, 1, ""},
		{"haproxy", 40, SECTION_WITH(), 40, 40, 0, 1, 2, ""},
		/* That of all sections together is reached first. */
		{"haproxy", 40, SECTION_WITH(.others = 20, .shared = 50), 30, 30, 0, 1, 1,
		 "50 of 50"},
		{"haproxy", 40, SECTION_WITH(.others = 20, .shared = 50), 29, 30, 0, 1, 1, ""},
		{"haproxy", 40, FILE_WITH(.several = true, .others = 20, .shared = 50), 30, 30, 0,
		 1, 1, "50 of 50"},
		{"haproxy", 40, FILE_WITH(.several = true), 40, 40, 0, 1, 1, ""},
		/* RLIMIT_NOFILE suffices for 300, halved. */
		{"haproxy", 400, FILE_WITH(), 150, 150, 0, 1, 1, "150 of 150"},
		/* Its listeners, a channel, and what it has opened itself. */
		{"nginx", 60, FILE_WITH(), 58, 58, 0, 1, 1, "58 of 60"},
		{"nginx", 60, FILE_WITH(), 57, 57, 0, 1, 1, ""},
		{"nginx", 60, FILE_WITH(), 29, 29, 29, 1, 1, "58 of 60"},
		{"nginx", 60, FILE_WITH(), 114, 114, 0, 2, 2, "114 of 120"},
		{"nginx", 60, FILE_WITH(), 57, 57, 57, 2, 2, "114 of 120"},
		{"nginx", 60, FILE_WITH(), 113, 113, 0, 2, 2, ""},
		/* How many processes accept is not visible. */
		{"nginx", 60, FILE_WITH(), 58, 58, 0, 0, 1, ""},
		/* Each request takes a synchronous worker to its limit. */
		{"gunicorn", 40, FILE_WITH(), 40, 40, 0, 1, 1, "40 of 40"},
		{"gunicorn", 1, FILE_WITH(.class = "sync"), 1, 1, 0, 1, 1, ""},
		/* That is its limit on descriptors. */
		{"memcached", 40, FILE_WITH(), 40, 40, 0, 1, 1, ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct listener at[2] = {{.address = "0.0.0.0:80", .port = 80},
					 {.address = "0.0.0.0:81", .port = 81}};
		struct subject subject = {.accepting = rows[i].accepting,
					  .opened = rows[i].opened,
					  .soft = 300,
					  .hard = 300,
					  .listeners = {.at = at, .count = rows[i].listeners}};
		struct sample looks[2] = {0};
		struct target t = target_default();
		struct report r;
		char row[24];
		t.connections = 20;
		snprintf(subject.name, sizeof(subject.name), "%s", rows[i].process);
		for (size_t k = 0; k < 2; k++)
			look_make(&looks[k], &subject, rows[i].clients, rows[i].limit,
				  k ? rows[i].is : rows[i].was, 1, 100 + (int64_t)k);
		report_init(&r);
		observation.judge(&looks[0], &looks[1],
				  &(struct moment){.target = &t, .seconds = 0.5}, &r);
		snprintf(row, sizeof(row), "row %zu", i);
		bool closes_others = !strcmp(rows[i].process, "nginx");
		findings_are(row, &r,
			     !rows[i].title[0] ? ""
			     : closes_others   ? "application.limit.reached warning"
					       : "application.limit.reached critical");
		if (r.finding_count && !strstr(r.findings[0].title, rows[i].title))
			fail_msg("%s: %s", row, r.findings[0].title);
	}
}

/* With 30 clients, at a limit of 40. */
static void a_server_is_full_of_what_clients_have_closed(void **state)
{
	static const struct {
		const char *process;
		uint64_t left[2];
		const char *findings;
	} rows[] = {
		{"haproxy", {10, 10}, "application.limit.reached critical"},
		{"haproxy", {9, 10}, ""},
		{"haproxy", {10, 9}, ""},
		{"redis-server", {10, 10}, "application.limit.reached critical"},
		/* A client takes the place of one that it has closed meanwhile. */
		{"redis-server", {11, 10}, "application.limit.reached critical"},
		{"redis-server", {10, 11}, "application.limit.reached warning"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct listener at = {.address = "0.0.0.0:80", .port = 80};
		struct subject subject = {.accepting = 1,
					  .soft = 300,
					  .hard = 300,
					  .listeners = {.at = &at, .count = 1}};
		struct sample looks[2] = {0};
		struct target t = target_default();
		static struct report r;
		t.connections = 20;
		snprintf(subject.name, sizeof(subject.name), "%s", rows[i].process);
		for (size_t k = 0; k < 2; k++) {
			look_make(&looks[k], &subject, (struct subject_clients)FILE_WITH(), 40, 30,
				  1, 100 + (int64_t)k);
			looks[k].now.taken.left = rows[i].left[k];
		}
		report_init(&r);
		observation.judge(&looks[0], &looks[1],
				  &(struct moment){.target = &t, .seconds = 0.5}, &r);
		findings_are(rows[i].process, &r, rows[i].findings);
		if (r.finding_count &&
		    !strstr(r.findings[0].detail, "that clients closed a minute ago or earlier, "
						  "and it has not closed, count, too."))
			fail_msg("row %zu: %s", i, r.findings[0].detail);
	}
}

/* Of 40, as one that drains after a reload holds the others. */
static void a_process_that_drains_has_a_limit_of_its_own(void **state)
{
	static const struct {
		const char *of, *process;
		struct subject_clients clients;
		struct subject_drained drained;
		uint64_t accepted, left, opened;
		const char *findings, *title;
	} rows[] = {
		{"the new one is full",
		 "haproxy",
		 FILE_WITH(),
		 {.open = 30},
		 70,
		 0,
		 0,
		 "application.limit.reached critical",
		 "has 40 of 40 connections open"},
		{"the new one has room", "haproxy", FILE_WITH(), {.open = 30}, 42, 0, 0, "", ""},
		{"with servers behind it",
		 "nginx",
		 FILE_WITH(),
		 {.open = 100},
		 119,
		 0,
		 19,
		 "application.limit.reached warning",
		 "has 38 of 40"},
		{"what clients have closed is the old one's",
		 "haproxy",
		 FILE_WITH(),
		 {.open = 10, .left = 25},
		 45,
		 25,
		 0,
		 "",
		 ""},
		{"clients of other listeners, too",
		 "haproxy",
		 FILE_WITH(.others = 50),
		 {.others = 40},
		 35,
		 0,
		 0,
		 "application.limit.reached critical",
		 "45 of 40"},
		{"all of those are the old one's",
		 "haproxy",
		 FILE_WITH(.others = 50),
		 {.others = 50},
		 35,
		 0,
		 0,
		 "",
		 ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct listener at = {.address = "0.0.0.0:80", .port = 80};
		struct subject subject = {.accepting = 1,
					  .soft = 300,
					  .hard = 300,
					  .opened = rows[i].opened,
					  .drained = rows[i].drained,
					  .listeners = {.at = &at, .count = 1}};
		struct sample looks[2] = {0};
		struct target t = target_default();
		static struct report r;
		t.connections = 20;
		snprintf(subject.name, sizeof(subject.name), "%s", rows[i].process);
		for (size_t k = 0; k < 2; k++) {
			look_make(&looks[k], &subject, rows[i].clients, 40, rows[i].accepted, 1,
				  100);
			looks[k].now.taken.left = rows[i].left;
		}
		report_init(&r);
		observation.judge(&looks[0], &looks[1],
				  &(struct moment){.target = &t, .seconds = 0.5}, &r);
		findings_are(rows[i].of, &r, rows[i].findings);
		if (r.finding_count && !strstr(r.findings[0].title, rows[i].title))
			fail_msg("%s: %s", rows[i].of, r.findings[0].title);
	}
}

/* One process that is full closes clients while the others have room. */
static void one_of_several_processes_at_its_limit_is_named(void **state)
{
	static const struct {
		const char *of, *process;
		struct subject_fullest was, is;
		size_t accepting, in_turns;
		const char *title; /* a part; "": it is not at its limit */
	} rows[] = {
		{"it is full",
		 "nginx",
		 {7, 0, 58, 0},
		 {7, 0, 58, 0},
		 8,
		 0,
		 "nginx (pid 7), one of 8 processes, has 58 of 60 connections open, its own limit: it "
		 "would close"},
		{"with those to servers behind it",
		 "nginx",
		 {7, 0, 29, 29},
		 {7, 0, 29, 29},
		 8,
		 0,
		 "58 of 60"},
		{"of those that take turns",
		 "nginx",
		 {7, 0, 58, 0},
		 {7, 0, 58, 0},
		 1,
		 3,
		 "one of 4 processes"},
		{"it was not before", "nginx", {7, 0, 40, 0}, {7, 0, 58, 0}, 8, 0, ""},
		{"it has room", "nginx", {7, 0, 57, 0}, {7, 0, 57, 0}, 8, 0, ""},
		{"the others take over", "gunicorn", {7, 0, 60, 0}, {7, 0, 60, 0}, 8, 0, ""},
		{"it has ended", "nginx", {7, 0, 58, 0}, {0}, 8, 0, ""},
		{"another limit is in force", "nginx", {7, 0, 90, 0}, {7, 0, 90, 0}, 8, 0, ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct listener at = {.address = "0.0.0.0:80", .port = 80};
		struct subject subject = {.pid = 3,
					  .accepting = rows[i].accepting,
					  .in_turns = rows[i].in_turns,
					  .soft = 300,
					  .hard = 300,
					  .listeners = {.at = &at, .count = 1}};
		struct sample looks[2] = {0};
		struct target t = target_default();
		static struct report r;
		snprintf(subject.name, sizeof(subject.name), "%s", rows[i].process);
		for (size_t k = 0; k < 2; k++)
			look_make(&looks[k], &subject, (struct subject_clients)FILE_WITH(), 60, 90,
				  0, 100);
		looks[0].fullest = rows[i].was;
		looks[1].fullest = rows[i].is;
		report_init(&r);
		observation.judge(&looks[0], &looks[1],
				  &(struct moment){.target = &t, .seconds = 0.5}, &r);
		findings_are(rows[i].of, &r,
			     rows[i].title[0] ? "application.limit.reached warning" : "");
		if (r.finding_count && (!strstr(r.findings[0].title, rows[i].title) ||
					!strstr(r.findings[0].advice, "worker_connections 112;")))
			fail_msg("%s: %s %s", rows[i].of, r.findings[0].title,
				 r.findings[0].advice);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_configuration_bounds_connections),
		cmocka_unit_test(what_clients_have_closed_counts_until_the_server_closes_it),
		cmocka_unit_test(a_client_that_comes_through_a_listener_of_its_own_counts_twice),
		cmocka_unit_test(a_default_backlog_is_known_where_it_is_a_number),
		cmocka_unit_test(each_server_with_a_limit_of_its_own_has_that_wall),
		cmocka_unit_test(a_limit_that_may_be_lower_now_is_an_upper_bound),
		cmocka_unit_test(the_limit_of_now_is_named_where_another_is_proposed),
		cmocka_unit_test(one_process_leads_where_it_waits_first_at_a_shared_socket),
		cmocka_unit_test(new_connections_to_a_unit_have_limits_of_its_own),
		cmocka_unit_test(a_server_at_its_own_limit_is_named),
		cmocka_unit_test(a_server_is_full_of_what_clients_have_closed),
		cmocka_unit_test(a_process_that_drains_has_a_limit_of_its_own),
		cmocka_unit_test(one_of_several_processes_at_its_limit_is_named),
		cmocka_unit_test(a_limit_that_is_reached_is_critical_where_clients_are_lost),
		cmocka_unit_test(sections_are_named_where_one_has_a_limit),
		cmocka_unit_test(new_clients_are_closed_at_the_limit_only),
		cmocka_unit_test(connections_to_a_port_that_was_set_aside_are_not_of_clients),
		cmocka_unit_test(connections_are_spread_evenly_by_shared_sockets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
