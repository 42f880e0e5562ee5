/* What a captured machine shows of its server, and the listeners of this one. */
#include "../support/captured.h"
#include "../support/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/host.h"
#include "epolltune/listener.h"
#include "epolltune/subject.h"
#include "host/capture.h"
#include "host/machine.h"

static void what_a_capture_left_out_is_there_and_has_no_text(void **state)
{
	static const struct {
		const char *path;
		int code;
	} rows[] = {{"proc/net/tcp", -EFBIG}, {"proc/net/tcp6", -EBADMSG}, {"proc/stat", -EIO},
		    {"proc/net/tc", -ENOENT}, {"proc/net/tc p", -EFBIG},   {"proc/self", -ENOENT}};
	struct err e = {0};
	char *text = NULL;
	put("left-out", "too-large proc/net/tcp\n\nnew proc/self\ndamaged proc/net/tcp6\n"
			"too-large proc/net/tc p\nunreadable proc/stat");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(host_read_all(captured, rows[i].path, &text, &e), rows[i].code);
		assert_int_equal(host_has(captured, rows[i].path), rows[i].code != -ENOENT);
	}
	assert_int_equal(host_read_all(captured, "proc/net/tcp", &text, &e), -EFBIG);
	assert_non_null(strstr(e.text, "/proc/net/tcp: more than 64 MiB"));
}

static int listen_on(int family, int backlog, uint16_t *port)
{
	struct sockaddr_in six = {.sin_family = AF_INET};
	struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	six.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bool v4 = family == AF_INET;
	struct sockaddr *address = v4 ? (struct sockaddr *)&six : (struct sockaddr *)&any6;
	socklen_t size = v4 ? sizeof(six) : sizeof(any6);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, address, size) < 0 || listen(fd, backlog) < 0 ||
	    getsockname(fd, address, &size) < 0) {
		close(fd);
		return -1;
	}
	*port = ntohs(v4 ? six.sin_port : any6.sin6_port);
	return fd;
}

static const struct listener *listener_at(const struct listeners *l, const char *address)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->at[i].address, address) == 0)
			return &l->at[i];
	return NULL;
}

static bool at_port(const struct listener *l, void *port) { return l->port == *(uint16_t *)port; }

static void listeners_have_depth_limit_and_owner(void **state)
{
	struct err e = {0};
	struct listeners l;
	char address[64], name[192], expected[192];
	uint16_t port = 0, port6 = 0;
	CLEAN(close_fd) int fd = listen_on(AF_INET, 5, &port);
	CLEAN(close_fd) int fd6 = listen_on(AF_INET6, 7, &port6);
	assert_true(fd >= 0);
	int r = listeners_read(live, &l, &e);
	if (r == -EOPNOTSUPP)
		skip_because("no inet_diag: %s", e.text);
	assert_int_equal(r, 0);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	const struct listener *mine = listener_at(&l, address);
	assert_non_null(mine);
	assert_int_equal(mine->limit, 5);
	assert_int_equal(mine->depth, 0);
	assert_true(mine->inode != 0);
	assert_int_equal(mine->owner, -1);
	assert_int_equal(mine->uid, getuid());
	assert_string_equal(listener_name(&l, mine, name, sizeof(name)), address);
	assert_int_equal(listeners_own(live, &l, at_port, &port, &e), 0);
	assert_int_equal(l.process_count, 1);
	snprintf(expected, sizeof(expected), "%.15s (pid %d) on %s", program_invocation_short_name,
		 (int)getpid(), address);
	assert_string_equal(listener_name(&l, mine, name, sizeof(name)), expected);
	if (fd6 >= 0) {
		snprintf(address, sizeof(address), "[::1]:%u", port6);
		mine = listener_at(&l, address);
		assert_non_null(mine);
		assert_int_equal(mine->limit, 7);
		/* Not asked for. */
		assert_int_equal(mine->owner, -1);
	}
	listeners_free(&l);
	/* A client that is not accepted stays in the queue. */
	CLEAN(close_fd) int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listeners_read(live, &l, &e), 0);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	assert_int_equal(listener_at(&l, address)->depth, 1);
	listeners_free(&l);
	assert_int_equal(listeners_read(captured, &l, &e), -EOPNOTSUPP);
	assert_int_equal(l.count, 0);
	listeners_free(&l);
}

#define SERVER(pid, manager)                                                                       \
	"pid " pid                                                                                 \
	"\naccepting 4\nheld 12\nupstream 3\nunshown 1\nforks 0\nactivated 0\nmanager " manager    \
	"\n"

/* What is not known of the server is not taken from this process. */
static void a_capture_has_no_limits_of_a_server_that_is_hidden(void **state)
{
	static const struct subject hidden, held = {.pid = 1, .limited = 0, .activated = true};
	const struct subject own = {.pid = getpid(), .limited = getpid()};
	const struct {
		const struct subject *server;
		int error;
	} rows[] = {{NULL, 0}, {&own, 0}, {&hidden, -EIO}, {&held, -EIO}};
	static const char *const files[] = {"proc/self/limits", "proc/self/cgroup"};
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		CLEAN(capture_free) struct capture *c = NULL;
		CLEAN(host_closep) struct host *filled = NULL;
		const struct capture_options o = {.server = rows[i / 2].server};
		char text[8192];
		assert_int_equal(capture_make(&c, NULL), 0);
		assert_int_equal(capture_fill(&filled, c, live, &o, NULL), 0);
		ssize_t n = host_read(filled, files[i % 2], text, sizeof(text), NULL);
		if (host_has(live, files[i % 2]) && (n < 0 ? n : 0) != rows[i / 2].error)
			fail_msg("row %zu, %s: %zd", i / 2, files[i % 2], n);
	}
}

static void a_captured_server_is_the_one_that_ran(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} rows[] = {
		{SERVER("812", "0") "unit \nname own", true},
		{SERVER("812", "2") "unit own.service\nname an own", true},
		{SERVER("-812", "0") "unit \nname own", false},
		{SERVER("812", "9") "unit \nname own", false},
		{SERVER("812", "0") "unit\nname own", false},
		{SERVER("812", "0") "unit own.service", false},
		{SERVER("", "0") "unit \nname own", false},
		{"", false},
	};
	CLEAN(capture_free) struct capture *c = NULL;
	struct process worker = {.pid = 813,
				 .root = 812,
				 .started = 9,
				 .name = "own: worker",
				 .state = 'T',
				 .soft = 64};
	const struct subject server = {.acceptors = &worker,
				       .acceptor_count = 1,
				       .name = "a\nname",
				       .unit = "own.service",
				       .manager = UNIT_USER,
				       .pid = 812,
				       .accepting = 4,
				       .held = 12,
				       .upstream = 3,
				       .forks = true,
				       .ownerless = true,
				       .veiled = 2,
				       .turns = true,
				       .threaded = true,
				       .may_hand = true,
				       .program = "gunicorn",
				       .in_turns = 3,
				       .cut = 1u << LISTENER_UDP,
				       .then = {.threads = 4, .memory = 1 << 20, .heard = 7},
				       .outside = {.used = 9, .max = 90, .rest_s = REPORT_NONE}};
	CLEAN(subject_free) struct subject s = {0};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CLEAN(subject_free) struct subject one = {0};
		put("server", rows[i].text);
		int rc = subject_captured(captured, &one, NULL);
		if (rc != (rows[i].is ? 1 : -EBADMSG))
			fail_msg("row %zu", i);
	}
	assert_int_equal(capture_make(&c, NULL), 0);
	assert_int_equal(subject_capture(captured, &server, c, NULL), 0);
	put("server", capture_find(c, "server")->data);
	put("proc/self/limits",
	    "Max open files            1024                 524288               files");
	assert_int_equal(subject_captured(captured, &s, NULL), 1);
	assert_string_equal(s.name, "a?name");
	assert_string_equal(s.unit, server.unit);
	assert_int_equal(s.manager, UNIT_USER);
	assert_int_equal(s.pid, 812);
	assert_int_equal(s.accepting, 4);
	assert_int_equal(s.held, 12);
	assert_int_equal(s.upstream, 3);
	assert_true(s.forks && !s.unshown && !s.activated && s.ownerless && s.turns && s.threaded &&
		    s.may_hand);
	assert_string_equal(s.program, "gunicorn");
	assert_int_equal(s.veiled, 2);
	assert_int_equal(s.in_turns, 3);
	assert_int_equal(s.soft, 1024);
	assert_int_equal(s.hard, 524288);
	assert_memory_equal(&s.then, &server.then, sizeof(s.then));
	assert_int_equal(s.acceptor_count, 1);
	assert_string_equal(s.acceptors[0].name, worker.name);
	assert_int_equal(s.acceptors[0].state, 'T');
	assert_int_equal(s.outside.max, 90);
	assert_true(s.cut >> LISTENER_UDP & 1);
	assert_int_equal(s.outside.rest_s, REPORT_NONE);
}

/* Its own are those that the capture marks, or that its processes have in one that marks none. */
static void the_listeners_of_a_captured_server_are_its_own(void **state)
{
	static const char listeners[] =
		"process\t812\t812\t9\t83\t64\t64\t7\town\t\t\n"
		"process\t7\t7\t9\t83\t64\t64\t7\tother\t\t\n"
		"tcp\t80\t0\t128\t0\t0\t1\t11\t0\t0\t0\t0.0.0.0:80\t0\t0\t4096\t8192\n"
		"tcp\t81\t0\t64\t0\t0\t2\t12\t0\t0\t0\t0.0.0.0:81\t0\t0\n"
		"tcp\t82\t0\t32\t0\t0\t3\t13\t0\t1\t0\t0.0.0.0:82\t0\t0\n";
	static const struct {
		const char *marks;
		uint32_t limit; /* of the smallest queue; 0: there is none */
		size_t count;
		bool cut;
	} rows[] = {
		{"", 64, 2, false},
		{"listener 11 128 0 0\n", 128, 1, false},
		{"listener 11 128 0 0\nlistener 12 64 2 1\n", 128, 2, false},
		{"listener 11 511 0 4\n", 511, 1, false},
		{"listener 13 32 0 0\nlistener 99 1 0 0\n", 32, 1, false},
		{"listener 99 1 0 0\n", 0, 0, true},
		{"listener x\nlistener 12 4294967296 0 0\n", 64, 2, false},
	};
	put("listeners", listeners);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CLEAN(subject_free) struct subject s = {0};
		char text[512];
		snprintf(text, sizeof(text), SERVER("812", "0") "unit \nname own\n%s",
			 rows[i].marks);
		put("server", text);
		assert_int_equal(subject_captured(captured, &s, NULL), 1);
		const struct listener *l = subject_queue(&s, LISTENER_TCP).smallest;
		if ((l ? l->limit : 0) != rows[i].limit || s.listeners.count != rows[i].count ||
		    !s.cut != !rows[i].cut)
			fail_msg("row %zu: limit %u of %zu, cut %x", i, l ? l->limit : 0,
				 s.listeners.count, s.cut);
		if (l && l->cookie == 11)
			assert_int_equal(l->send_buffer, 8192);
		if (l && l->paused != (rows[i].limit == 511))
			fail_msg("row %zu: paused", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPTURED_TEST(a_captured_server_is_the_one_that_ran),
		CAPTURED_TEST(the_listeners_of_a_captured_server_are_its_own),
		CAPTURED_TEST(a_capture_has_no_limits_of_a_server_that_is_hidden),
		CAPTURED_TEST(what_a_capture_left_out_is_there_and_has_no_text),
		CAPTURED_TEST(listeners_have_depth_limit_and_owner),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
