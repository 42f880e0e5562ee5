/* Listeners as the kernel lists them: addresses, queues, half-open connections. */
#include "../support/listening.h"
#include "../support/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/connections.h"
#include "epolltune/listener.h"
#include "epolltune/subject.h"

static bool is_at(const struct listener *l, void *address) { return !strcmp(l->address, address); }

static bool of_kind(const struct listener *l, void *kind)
{
	return l->kind == *(enum listener_kind *)kind;
}

static void every_kind_has_its_address(void **state)
{
	char path[64], address[72], name[192], expected[192];
	struct listeners l = listeners_read_or_skip();
	assert_int_equal(l.count, 0);
	listeners_free(&l);
	int length = snprintf(path, sizeof(path), "%s/a b.sock", listening_directory);
	CLEAN(close_fd) int a = tcp_listen("127.0.0.1", 443, 511);
	CLEAN(close_fd) int b = tcp_listen("127.0.0.1", 80, 5);
	CLEAN(close_fd) int c = tcp_listen("::1", 80, 7);
	CLEAN(close_fd) int d = tcp_listen("0.0.0.0", 8080, 9);
	CLEAN(close_fd) int f = unix_listen(path, (size_t)length + 1, SOCK_STREAM, 11);
	CLEAN(close_fd) int g = unix_listen("\0one\0two\n", 9, SOCK_SEQPACKET, 13);
	l = listeners_read_now();
	const char *const addresses[] = {"0.0.0.0:8080", "127.0.0.1:80", "127.0.0.1:443",
					 "[::1]:80"};
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(l.at[i].address, addresses[i]);
		assert_int_equal(l.at[i].kind, LISTENER_TCP);
	}
	assert_int_equal(listeners_at(&l, "127.0.0.1:80")->limit, 5);
	assert_int_equal(listeners_at(&l, "127.0.0.1:80")->port, 80);
	assert_int_equal(listeners_at(&l, "127.0.0.1:80")->uid, 0);
	assert_int_equal(listeners_at(&l, "[::1]:80")->limit, 7);
	assert_int_equal(listeners_at(&l, "127.0.0.1:443")->limit, 511);
	enum listener_kind tcp = LISTENER_TCP;
	assert_int_equal(listeners_own(here, &l, of_kind, &tcp, NULL), 0);
	assert_int_equal(l.process_count, 1);
	assert_false(l.hidden);
	snprintf(expected, sizeof(expected), "%.15s (pid %d) on [::1]:80",
		 program_invocation_short_name, (int)getpid());
	assert_string_equal(listener_name(&l, listeners_at(&l, "[::1]:80"), name, sizeof(name)),
			    expected);
	if (l.count == 4) {
		listeners_free(&l);
		unlink(path);
		skip_because("no unix_diag");
	}
	assert_int_equal(l.count, 6);
	snprintf(address, sizeof(address), "unix:%s", path);
	assert_int_equal(listeners_at(&l, address)->kind, LISTENER_UNIX);
	assert_int_equal(listeners_at(&l, address)->limit, 11);
	assert_int_equal(listeners_at(&l, address)->port, 0);
	/* Not asked for. */
	assert_int_equal(listeners_at(&l, address)->owner, -1);
	assert_string_equal(listener_name(&l, listeners_at(&l, address), name, sizeof(name)),
			    address);
	assert_int_equal(listeners_at(&l, "unix:@one@two?")->limit, 13);
	listeners_name(&l);
	assert_int_equal(l.process_count, 1);
	assert_int_equal(listeners_owner(&l, listeners_at(&l, address)), getpid());
	assert_int_equal(listeners_owner(&l, listeners_at(&l, "unix:@one@two?")), getpid());
	listeners_free(&l);
	unlink(path);
}

static uint32_t drops_at(const char *address)
{
	struct listeners l = listeners_read_now();
	uint32_t drops = listeners_at(&l, address)->drops;
	listeners_free(&l);
	return drops;
}

static void a_full_queue_drops(void **state)
{
	int fds[8];
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	CLEAN(close_fd) int fd = tcp_listen("127.0.0.1", 80, 2);
	CLEAN(close_fd) int other = tcp_listen("127.0.0.1", 81, 2);
	for (int i = 0; i < 3; i++)
		fds[i] = tcp_connect(80, 0);
	WAIT_UNTIL(tcp_waiting(80, TCP_LISTEN) == 3);
	l = listeners_read_now();
	assert_int_equal(listeners_at(&l, "127.0.0.1:80")->depth, 3);
	assert_int_equal(listeners_at(&l, "127.0.0.1:80")->limit, 2);
	assert_int_equal(listeners_at(&l, "127.0.0.1:80")->drops, 0);
	listeners_free(&l);
	for (int i = 3; i < 8; i++)
		fds[i] = tcp_connect(80, SOCK_NONBLOCK);
	WAIT_UNTIL(drops_at("127.0.0.1:80") >= 5);
	/* They connect no more. */
	for (int i = 3; i < 8; i++)
		close(fds[i]);
	l = listeners_read_now();
	assert_int_equal(listeners_at(&l, "127.0.0.1:80")->depth, 3);
	assert_true(listeners_at(&l, "127.0.0.1:80")->drops >= 5);
	assert_int_equal(listeners_at(&l, "127.0.0.1:81")->depth, 0);
	assert_int_equal(listeners_at(&l, "127.0.0.1:81")->drops, 0);
	listeners_free(&l);
	close(accept(fd, NULL, NULL));
	l = listeners_read_now();
	assert_int_equal(listeners_at(&l, "127.0.0.1:80")->depth, 2);
	listeners_free(&l);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void a_unix_queue_holds_one_more_than_its_limit(void **state)
{
	int fds[8] = {0}, n = 0;
	struct sockaddr_un a;
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	socklen_t size = unix_name(&a, "\0full", 5);
	CLEAN(close_fd) int fd = unix_listen("\0full", 5, SOCK_STREAM, 2);
	for (; n < 8; n++) {
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (connect(fds[n], (struct sockaddr *)&a, size))
			break;
	}
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(n, 3);
	l = listeners_read_now();
	for (int i = 0; i <= n; i++)
		close(fds[i]);
	if (!l.count)
		skip_because("no unix_diag");
	assert_int_equal(listeners_at(&l, "unix:@full")->depth, 3);
	assert_int_equal(listeners_at(&l, "unix:@full")->limit, 2);
	listeners_free(&l);
}

static bool is_tcp(const struct listener *l, void *unused) { return l->kind == LISTENER_TCP; }

static bool is_unix(const struct listener *l, void *unused) { return l->kind == LISTENER_UNIX; }

static void waiting_read(bool (*wanted)(const struct listener *l, void *arg),
			 struct waiting_list *out)
{
	struct err e = {0};
	struct listeners l = listeners_read_now();
	if (listeners_waiting(here, &l, wanted, NULL, out, &e))
		fail_msg("%s", e.text);
	listeners_free(&l);
}

/* Two wait, one is accepted, and one comes: as many wait as before. */
static void what_waits_is_told_apart(int fd, int clients[3],
				     bool (*wanted)(const struct listener *l, void *arg),
				     const struct sockaddr *to, socklen_t size)
{
	struct waiting_list were, are;
	for (int i = 0; i < 2; i++)
		assert_int_equal(connect(clients[i], to, size), 0);
	waiting_read(wanted, &were);
	assert_int_equal(were.count, 2);
	int accepted = accept(fd, NULL, NULL);
	assert_int_equal(connect(clients[2], to, size), 0);
	waiting_read(wanted, &are);
	assert_int_equal(are.count, 2);
	assert_int_equal(waiting_has(&were, are.at[0]) + waiting_has(&were, are.at[1]), 1);
	assert_int_equal(are.at[0].listener, were.at[0].listener);
	close(accepted);
	waiting_free(&were);
	waiting_free(&are);
}

static void connections_that_wait_are_told_apart(void **state)
{
	struct sockaddr_un name;
	struct listeners l = listeners_read_or_skip();
	bool no_unix = l.unlisted >> LISTENER_UNIX & 1;
	listeners_free(&l);
	for (int local = 0; local < 2 - no_unix; local++) {
		int clients[3];
		struct sockaddr_in a = {.sin_family = AF_INET,
					.sin_port = htons(80),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t size = unix_name(&name, "\0wait", 5);
		CLEAN(close_fd)
		int fd = local ? unix_listen("\0wait", 5, SOCK_STREAM, 8)
			       : tcp_listen("127.0.0.1", 80, 8);
		CLEAN(close_fd) int other = tcp_listen("127.0.0.1", 81, 8);
		for (int i = 0; i < 3; i++)
			clients[i] =
				socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		what_waits_is_told_apart(fd, clients, local ? is_unix : is_tcp,
					 local ? (struct sockaddr *)&name : (struct sockaddr *)&a,
					 local ? size : sizeof(a));
		for (int i = 0; i < 3; i++)
			close(clients[i]);
	}
}

/* The kernel makes no group of sockets that are bound to different devices:
 * net/ipv4/inet_hashtables.c, inet_reuseport_add_sock(). */
static void sockets_of_different_devices_are_no_group(void **state)
{
	static const char *const asked[] = {":80", "0.0.0.0:80", "0.0.0.0%lo:80", "[::]%lo:80"};
	static const size_t count[] = {3, 2, 1, 1};
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	int on = 1, seconds = 30;
	struct err e = {0};
	reuse_port = 1;
	CLEAN(close_fd) int every = tcp_listen("0.0.0.0", 80, 16);
	bound_to = "lo";
	CLEAN(close_fd) int four = tcp_listen("0.0.0.0", 80, 16);
	CLEAN(close_fd) int six = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	setsockopt(six, SOL_SOCKET, SO_BINDTODEVICE, bound_to, 2);
	assert_int_equal(bind(six, (struct sockaddr *)&any, sizeof(any)) || listen(six, 16), 0);
	reuse_port = 0;
	bound_to = NULL;
	setsockopt(every, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
	setsockopt(four, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
	CLEAN(close_fd) int a = tcp_connect(80, 0);
	l = listeners_read_now();
	assert_int_equal(listeners_half_open(here, &l, &e), 0);
	assert_int_equal(listeners_at(&l, "0.0.0.0%lo:80")->half_open, 1);
	assert_int_equal(listeners_at(&l, "0.0.0.0:80")->half_open, 0);
	assert_int_equal(listeners_at(&l, "[::]%lo:80")->half_open, 0);
	listeners_free(&l);
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		struct subject s;
		if (subject_find(here, asked[i], true, &s, &e))
			fail_msg("%s: %s", asked[i], e.text);
		assert_int_equal(s.listeners.count, count[i]);
		assert_int_equal(subject_queue(&s, LISTENER_TCP).sockets, 1);
		subject_free(&s);
	}
	server_is_refused("0.0.0.0%eth0:80", -ENOENT, "nothing listens there");
}

static void half_open_connections_count_at_their_port(void **state)
{
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	CLEAN(close_fd) int fd = tcp_listen("127.0.0.1", 80, 16);
	CLEAN(close_fd) int other = tcp_listen("127.0.0.1", 81, 16);
	/* The kernel keeps such a connection in SYN_RECV until its client sends. */
	int seconds = 30;
	setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
	CLEAN(close_fd) int a = tcp_connect(80, 0);
	CLEAN(close_fd) int b = tcp_connect(80, 0);
	CLEAN(close_fd) int c = tcp_connect(81, 0);
	struct host *h;
	struct err e;
	WAIT_UNTIL(tcp_waiting(81, TCP_LISTEN) == 1);
	l = listeners_read_now();
	assert_false(l.counted);
	assert_int_equal(host_open(&h, "/", &e), 0);
	assert_int_equal(listeners_half_open(h, &l, &e), 0);
	host_close(h);
	assert_true(l.counted);
	assert_int_equal(listeners_at(&l, "127.0.0.1:80")->half_open, 2);
	assert_int_equal(listeners_at(&l, "127.0.0.1:80")->depth, 0);
	assert_int_equal(listeners_at(&l, "127.0.0.1:81")->half_open, 0);
	assert_int_equal(listeners_at(&l, "127.0.0.1:81")->depth, 1);
	listeners_free(&l);
}

static void half_open_connections_of_a_group_are_of_all_its_sockets(void **state)
{
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	int group[3], clients[5], seconds = 30;
	struct err e = {0};
	reuse_port = 1;
	for (size_t i = 0; i < 3; i++) {
		group[i] = tcp_listen("127.0.0.1", 80, 16);
		setsockopt(group[i], IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
	}
	reuse_port = 0;
	CLEAN(close_fd) int other = tcp_listen("127.0.0.1", 81, 16);
	for (size_t i = 0; i < 5; i++)
		clients[i] = tcp_connect(80, 0);
	l = listeners_read_now();
	assert_int_equal(listeners_half_open(here, &l, &e), 0);
	assert_int_equal(l.count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(l.at[i].half_open, ((const uint32_t[]){2, 2, 1, 0})[i]);
	listeners_free(&l);
	for (size_t i = 0; i < 5; i++)
		close(clients[i]);
	for (size_t i = 0; i < 3; i++)
		close(group[i]);
}

/* As Java binds its IPv6 sockets to addresses of IPv4. */
static void an_ipv4_address_of_an_ipv6_socket_is_one(void **state)
{
	static const struct {
		const char *bound, *listed, *asked[3];
	} rows[] = {
		{"::ffff:127.0.0.1",
		 "[::ffff:127.0.0.1]:82",
		 {"127.0.0.1:82", "[::ffff:127.0.0.1]:82", ":82"}},
		{"::ffff:0.0.0.0", "[::ffff:0.0.0.0]:82", {"127.0.0.1:82", "0.0.0.0:82", ":82"}},
	};
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct connections open;
		struct err e = {0};
		CLEAN(close_fd) int fd = tcp_listen(rows[i].bound, 82, 16);
		CLEAN(close_fd) int other = tcp_listen("::1", 82, 16);
		CLEAN(close_fd) int a = tcp_connect(82, 0);
		l = listeners_read_now();
		memset(&open, 0, sizeof(open));
		if (connections_read(here, &l, is_at, (void *)(uintptr_t)rows[i].listed, &open, &e))
			fail_msg("%s", e.text);
		listeners_free(&l);
		assert_int_equal(open.open, 1);
		for (size_t k = 0; k < sizeof(rows[i].asked) / sizeof(*rows[i].asked); k++) {
			struct subject s;
			if (subject_find(here, rows[i].asked[k], true, &s, &e))
				fail_msg("%s: %s", rows[i].asked[k], e.text);
			assert_string_equal(s.listeners.at[s.listeners.count - 1].address,
					    rows[i].listed);
			subject_free(&s);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_its_address),
		cmocka_unit_test(a_full_queue_drops),
		cmocka_unit_test(a_unix_queue_holds_one_more_than_its_limit),
		cmocka_unit_test(connections_that_wait_are_told_apart),
		cmocka_unit_test(sockets_of_different_devices_are_no_group),
		cmocka_unit_test(an_ipv4_address_of_an_ipv6_socket_is_one),
		cmocka_unit_test(half_open_connections_count_at_their_port),
		cmocka_unit_test(half_open_connections_of_a_group_are_of_all_its_sockets),
	};
	return cmocka_run_group_tests(tests, listening_begin, listening_end);
}
