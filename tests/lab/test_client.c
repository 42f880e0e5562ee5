/* The client against servers that are stopped, never answer, or are too slow: what it counts,
 * and that it stops on request. Over loopback. */
#include "../support/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/client.h"
#include "epolltune/server.h"
#include "host/compat.h"

#define LATE_NS 1000000000ull /* operations due before the end may start this long after it */

static const struct task_context here;
static struct server server;
static struct client client;

static void serve(void)
{
	struct err e = {0};
	const struct server_config config = {
		.address.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
		.workers = 1,
		.backlog = 1024,
	};
	if (server_start(&server, &here, &config, &e) < 0)
		fail_msg("%s", e.text);
}

/* 0 as `patience_ms`: the default. */
static void drive(const union endpoint *to, uint64_t connections, unsigned processes,
		  unsigned patience_ms)
{
	const struct client_config config = {.to = *to,
					     .connections = connections,
					     .processes = processes,
					     .patience_ms = patience_ms};
	struct err e = {0};
	if (client_start(&client, &here, &config, &e) < 0)
		fail_msg("%s", e.text);
}

static struct client_sum order(const struct client_order *o, int (*tick)(uint64_t done, void *arg),
			       void *arg)
{
	struct err e = {0};
	if (client_order(&client, o, tick, arg, &e) < 0)
		fail_msg("%s", e.text);
	return client_sum(&client);
}

static void open_connections(uint64_t count)
{
	const struct client_order o = {.verb = CLIENT_OPEN, .count = count};
	struct client_sum s = order(&o, NULL, NULL);
	assert_int_equal(s.held, count);
	/* The rate is the total over the total time, however unevenly the processes work. */
	double rate = (double)count * 1e9 / (double)s.elapsed_ns;
	assert_true(s.rate > 0.99 * rate && s.rate < 1.01 * rate);
}

static int give_up(uint64_t done, void *arg) { return 1; }

/* An order of a quarter of an hour is given up: all processes stop at once, whether the server
 * answers or not. */
static void an_order_that_is_given_up_stops_at_once(void **state)
{
	for (unsigned connections = 1; connections <= 2; connections++)
		for (int stopped = 0; stopped <= 1; stopped++) {
			const struct client_order o = {.verb = CLIENT_REQUEST,
						       .duration_us = 900000000,
						       .active = connections,
						       .depth = 1,
						       .size = 64};
			struct err e = {0};
			serve();
			drive(&server.address, connections, 1, 0);
			open_connections(connections);
			if (stopped)
				kill(server.tasks[0].pid, SIGSTOP);
			assert_int_equal(client_order(&client, &o, give_up, NULL, &e), -EINTR);
			client_stop(&client);
			kill(server.tasks[0].pid, SIGCONT);
			server_stop(&server);
		}
}

/* The server is stopped during an open-loop order: every operation that was due is counted, those
 * that never started with at least the time they waited. */
static void operations_that_never_started_are_counted(void **state)
{
	const struct client_order o = {.verb = CLIENT_REQUEST,
				       .duration_us = 200000,
				       .active = 4,
				       .rate_per_s = 1000,
				       .depth = 1,
				       .size = 64};
	static struct histogram h;
	serve();
	/* The patience ends after LATE_NS: then the requests in flight fail. */
	drive(&server.address, 4, 1, 1500);
	open_connections(4);
	kill(server.tasks[0].pid, SIGSTOP);
	struct client_sum s = order(&o, NULL, NULL);
	kill(server.tasks[0].pid, SIGCONT);
	assert_int_equal(s.done, 0);
	assert_true(s.failed <= 4);
	assert_int_equal(s.missed, 200 - s.failed);
	assert_int_equal(s.elapsed_ns, 200000000);
	client_latency(&client, &h);
	assert_int_equal(h.total, 200);
	assert_true(histogram_quantile(&h, 0.1) >= LATE_NS);
}

/* A server that answers all the time but cannot keep up with the rate. */
static void operations_beyond_the_capacity_are_counted(void **state)
{
	const struct client_order o = {.verb = CLIENT_REQUEST,
				       .duration_us = 100000,
				       .active = 4,
				       .rate_per_s = 1e9,
				       .depth = 1,
				       .size = 64};
	static struct histogram h;
	serve();
	drive(&server.address, 4, 2, 0);
	open_connections(4);
	struct client_sum s = order(&o, NULL, NULL);
	assert_int_equal(s.failed, 0);
	assert_true(s.done > 0 && s.missed > 0);
	assert_int_equal(s.done + s.missed, 100000000);
	client_latency(&client, &h);
	assert_int_equal(h.total, 100000000);
	assert_true(histogram_quantile(&h, 0.5) >= LATE_NS);
}

/* The rate is the total, however few of the processes have something to do. */
static void the_rate_is_shared_by_the_work(void **state)
{
	static const uint64_t active[] = {1, 2, 6};
	serve();
	drive(&server.address, 6, 3, 0);
	open_connections(6);
	for (size_t i = 0; i < sizeof(active) / sizeof(active[0]); i++) {
		const struct client_order o = {.verb = CLIENT_REQUEST,
					       .duration_us = 300000,
					       .active = active[i],
					       .rate_per_s = 600,
					       .depth = 1,
					       .size = 64};
		struct client_sum s = order(&o, NULL, NULL);
		/* Each of three processes may round up or down. */
		assert_in_range(s.done + s.missed, 177, 183);
	}
	/* Less than one per second for each process. */
	const struct client_order slow = {.verb = CLIENT_REQUEST,
					  .count = 3,
					  .active = 6,
					  .rate_per_s = 2.4,
					  .depth = 1,
					  .size = 1};
	assert_int_equal(order(&slow, NULL, NULL).done, 3);
}

/* Echoes to the first client; accepts the second and never answers it. */
static void echo_to_first(int listener)
{
	char data[256];
	ssize_t n;
	int served = accept(listener, NULL, NULL);
	int deaf = accept(listener, NULL, NULL);
	while ((n = recv(served, data, sizeof(data), 0)) > 0)
		(void)!send(served, data, (size_t)n, MSG_NOSIGNAL);
	close(deaf);
}

/* Reads a request and closes. */
static void hang_up(int listener)
{
	char data[256];
	int fd = accept(listener, NULL, NULL);
	(void)!recv(fd, data, sizeof(data), 0);
	close(fd);
}

/* Answers like another protocol. */
static void answer_otherwise(int listener)
{
	char data[256];
	int fd = accept(listener, NULL, NULL);
	(void)!recv(fd, data, sizeof(data), 0);
	(void)!send(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL);
	(void)!recv(fd, data, sizeof(data), 0);
	close(fd);
}

/* Listens, and runs `serves` in a child process. */
static pid_t serve_at(void (*serves)(int listener), int backlog, union endpoint *address)
{
	socklen_t size = sizeof(address->v4);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*address = (union endpoint){
		.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	assert_int_equal(bind(listener, &address->any, size), 0);
	assert_int_equal(listen(listener, backlog), 0);
	assert_int_equal(getsockname(listener, &address->any, &size), 0);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serves(listener);
		_exit(0);
	}
	close(listener);
	return pid;
}

/* Stops the client, then the server, which runs until then. */
static void stop_both(pid_t peer)
{
	client_stop(&client);
	kill(peer, SIGKILL);
	assert_int_equal(waitpid(peer, NULL, 0), peer);
}

static pid_t serve_by(void (*serves)(int listener), union endpoint *address)
{
	return serve_at(serves, 8, address);
}

/* Answers one connection after the other, each a while after the last one. */
static void answer_slowly(int listener)
{
	enum { CLIENTS = 16, PAUSE_US = 400000 };
	int fds[CLIENTS];
	char data[64];
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = accept(listener, NULL, NULL);
	for (int i = 0; i < CLIENTS; i++) {
		usleep(PAUSE_US);
		ssize_t n = recv(fds[i], data, sizeof(data), 0);
		(void)!send(fds[i], data, n > 0 ? (size_t)n : 0, MSG_NOSIGNAL);
	}
}

/* An order with a duration ends, also while each reply comes within the patience. */
static void slow_replies_do_not_prolong_an_order(void **state)
{
	const struct client_order o = {.verb = CLIENT_REQUEST,
				       .duration_us = 100000,
				       .active = 16,
				       .depth = 1,
				       .size = 64};
	union endpoint address;
	pid_t peer = serve_at(answer_slowly, 64, &address);
	drive(&address, 16, 1, 2000);
	open_connections(16);
	struct client_sum s = order(&o, NULL, NULL);
	assert_int_equal(s.done + s.failed, 16);
	assert_true(s.done && s.failed);
	stop_both(peer);
}

/* Failures name what the server did, not the text of a system call error. */
static void failures_name_what_the_server_did(void **state)
{
	static const struct {
		void (*serves)(int listener);
		const char *text;
	} cases[] = {{hang_up, "closed"}, {answer_otherwise, "not one of the protocol"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct client_order o = {
			.verb = CLIENT_REQUEST, .count = 1, .active = 1, .depth = 1, .size = 64};
		union endpoint address;
		pid_t peer = serve_by(cases[i].serves, &address);
		drive(&address, 1, 1, 0);
		open_connections(1);
		struct client_sum s = order(&o, NULL, NULL);
		assert_int_equal(s.failed, 1);
		assert_non_null(strstr(client_failure(s.first_errno), cases[i].text));
		client_stop(&client);
		assert_int_equal(waitpid(peer, NULL, 0), peer);
	}
}

/* Answers each connection once in HTTP, and ends it without a word, in the same segment. */
static void answer_once(int listener)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	char data[256];
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (recv(fd, data, sizeof(data), 0) > 0)
			(void)!send(fd, reply, sizeof(reply) - 1, MSG_NOSIGNAL | MSG_MORE);
		close(fd);
	}
}

/* As many bytes as several reads take; the end of the connection is that of the reply. */
static void answer_long(int listener)
{
	static char body[500000] = "HTTP/1.0 200 OK\r\n\r\n";
	char data[256];
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (recv(fd, data, sizeof(data), 0) > 0)
			(void)!send(fd, body, sizeof(body), MSG_NOSIGNAL | MSG_MORE);
		close(fd);
	}
}

/* A part of a reply, and the end. */
static void answer_in_part(int listener)
{
	char data[256];
	int fd = accept(listener, NULL, NULL);
	(void)!recv(fd, data, sizeof(data), 0);
	(void)!send(fd, "HTTP/1.1 200", 12, MSG_NOSIGNAL | MSG_MORE);
	close(fd);
	pause();
}

/* As drive(), with requests of HTTP. Returns their size. */
static unsigned drive_http(const union endpoint *to, uint64_t connections)
{
	struct client_config config = {
		.to = *to, .connections = connections, .processes = 1, .patience_ms = 1000};
	struct err e = {0};
	if (protocol_request_make(&config.request, PROTOCOL_HTTP, "host", "/", false, &e) < 0 ||
	    client_start(&client, &here, &config, &e) < 0)
		fail_msg("%s", e.text);
	return config.request.size;
}

/* What one edge reports is read: all of a long reply, and the end of its connection. A server may
 * end one after a reply: a client of HTTP opens another. */
static void replies_are_read_to_their_end(void **state)
{
	static void (*const servers[])(int listener) = {answer_once, answer_long};
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		for (int churn = 0; churn <= 1; churn++) {
			union endpoint address;
			pid_t peer = serve_by(servers[i], &address);
			struct client_order o = {.verb = CLIENT_CHURN,
						 .count = 20,
						 .active = 1,
						 .depth = 1,
						 .size = drive_http(&address, 1)};
			if (!churn) {
				open_connections(1);
				o.verb = CLIENT_REQUEST;
			}
			struct client_sum s = order(&o, NULL, NULL);
			assert_int_equal(s.done, 20);
			assert_int_equal(s.failed, 0);
			assert_int_equal(s.ended, churn ? 0 : 20);
			assert_int_equal(s.reopened, churn ? 0 : 19);
			stop_both(peer);
		}
	union endpoint address;
	pid_t peer = serve_by(answer_in_part, &address);
	struct client_order o = {.verb = CLIENT_CHURN,
				 .count = 1,
				 .active = 1,
				 .depth = 1,
				 .size = drive_http(&address, 1)};
	struct client_sum s = order(&o, NULL, NULL);
	assert_int_equal(s.failed, 1);
	assert_int_equal(s.first_errno, EPIPE);
	stop_both(peer);
}

/* Where all connections have failed, the rest of an order counts as never started. */
static void an_order_without_connections_counts_as_a_whole(void **state)
{
	const struct client_order o = {.verb = CLIENT_REQUEST,
				       .duration_us = 200000,
				       .active = 1,
				       .rate_per_s = 1000,
				       .depth = 1,
				       .size = 64};
	static struct histogram h;
	union endpoint address;
	pid_t peer = serve_by(hang_up, &address);
	drive(&address, 1, 1, 0);
	open_connections(1);
	struct client_sum s = order(&o, NULL, NULL);
	assert_int_equal(s.failed, 1);
	assert_int_equal(s.missed, 199);
	assert_int_equal(s.elapsed_ns, 200000000);
	assert_int_equal(s.lost, 1);
	assert_true(s.lost_ns > 0);
	client_latency(&client, &h);
	assert_int_equal(h.total, 200);
	assert_true(histogram_quantile(&h, 0.01) >= LATE_NS);
	stop_both(peer);
}

/* A server that refuses is tried once a pause of a millisecond. A later lack of ports has its own
 * error. */
static void a_refusal_is_no_shortage(void **state)
{
	const struct client_order churn = {
		.verb = CLIENT_CHURN, .duration_us = 100000, .active = 5, .depth = 1, .size = 64};
	const struct client_order open = {.verb = CLIENT_OPEN, .count = 3, .duration_us = 20000};
	socklen_t size = sizeof(union endpoint);
	union endpoint address = {
		.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, &address.any, sizeof(address.v4)), 0);
	assert_int_equal(getsockname(listener, &address.any, &size), 0);
	drive(&address, 8, 1, 100);
	struct client_sum s = order(&churn, NULL, NULL);
	assert_in_range(s.failed, 1, 101);
	assert_int_equal(s.first_errno, ECONNREFUSED);
	assert_int_equal(s.first_starved, 0);
	FILE *range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r+e");
	int low = 0, high = 0;
	if (!range || fscanf(range, "%d %d", &low, &high) != 2)
		skip_because("the range of ports is not readable");
	rewind(range);
	fprintf(range, "%d %d", high - 1, high);
	bool set = fflush(range) == 0;
	assert_int_equal(listen(listener, 8), 0);
	if (set)
		s = order(&open, NULL, NULL);
	rewind(range);
	fprintf(range, "%d %d", low, high);
	fclose(range);
	close(listener);
	if (!set)
		skip_because("the range of ports cannot be set");
	assert_true(s.starved > 0 && s.held < 3);
	assert_int_equal(s.first_errno, ECONNREFUSED);
	assert_int_equal(s.first_starved, EADDRNOTAVAIL);
}

static void never_accept(int listener) { pause(); }

/* Opens 9 connections, which a backlog of 8 holds (include/net/sock.h, sk_acceptq_is_full()), and
 * waits for them: while a queue is not full, it answers more SYNs at once than it keeps. */
static void fill_queue(const union endpoint *address)
{
	open_connections(9);
	WAIT_UNTIL(tcp_waiting(endpoint_port(address), TCP_LISTEN) == 9);
}

/* Many handshakes at once: refused, unanswered, and one window at a time. */
static void failed_handshakes_are_counted(void **state)
{
	struct client_order o = {.verb = CLIENT_OPEN, .count = 100};
	union endpoint address;
	pid_t peer = serve_by(never_accept, &address);
	kill(peer, SIGKILL);
	assert_int_equal(waitpid(peer, NULL, 0), peer);
	drive(&address, 100, 1, 0);
	struct client_sum s = order(&o, NULL, NULL);
	assert_int_equal(s.failed, 100);
	assert_int_equal(s.held, 0);
	assert_int_equal(s.first_errno, ECONNREFUSED);
	client_stop(&client);

	peer = serve_by(never_accept, &address);
	drive(&address, 100, 1, 500);
	fill_queue(&address);
	o.count = 91;
	s = order(&o, NULL, NULL);
	assert_int_equal(s.failed, 91);
	assert_int_equal(s.held, 9);
	assert_int_equal(s.first_errno, ETIMEDOUT);
	o.count = 100;
	client_stop(&client);
	kill(peer, SIGKILL);
	assert_int_equal(waitpid(peer, NULL, 0), peer);

	serve();
	for (o.window = 1; o.window <= 3; o.window++) {
		uint64_t before = server_sum(&server).requests;
		drive(&server.address, 100, 1, 0);
		s = order(&o, NULL, NULL);
		assert_int_equal(s.failed, 0);
		assert_int_equal(s.held, 100);
		/* The last of each window sent a request and got a reply. */
		assert_true(server_sum(&server).requests - before >= 100 / o.window);
		client_stop(&client);
	}
}

/* A detached order has done its part when all have started; the others go on meanwhile. */
static void a_detached_order_goes_on(void **state)
{
	struct err e = {0};
	union endpoint address;
	pid_t peer = serve_by(never_accept, &address);
	drive(&address, 12, 2, 0);
	fill_queue(&address);
	assert_int_equal(client_open(&client, 3, 0, WITHIN_MS, &e), 0);
	assert_int_equal(client_await(&client, 10, 300), -ETIMEDOUT);
	struct client_sum s = client_sum(&client);
	assert_int_equal(s.attempted, 12);
	assert_int_equal(s.held, 9);
	assert_int_equal(s.failed, 0);
	kill(peer, SIGKILL);
	assert_int_equal(waitpid(peer, NULL, 0), peer);
	/* Those that waited are refused when their SYN is retransmitted. */
	assert_int_equal(client_await(&client, 12, WITHIN_MS), 0);
	assert_true(client_check(&client, &e) < 0);
	assert_int_equal(client_open(&client, 1, 0, WITHIN_MS, &e), -EINVAL);
}

/* One request at a time in all, over each connection in turn, and however many processes. */
static void few_requests_are_in_flight(void **state)
{
	static struct histogram h;
	struct err e = {0};
	serve();
	drive(&server.address, 6, 3, 0);
	open_connections(6);
	for (unsigned in_flight = 1; in_flight <= 4; in_flight += 3) {
		assert_int_equal(client_talk(&client, 60, in_flight, WITHIN_MS, &e), 0);
		assert_int_equal(client_sum(&client).done, 60);
		assert_int_equal(client_sum(&client).failed, 0);
		client_latency(&client, &h);
		assert_int_equal(h.total, 60);
	}
	kill(server.tasks[0].pid, SIGSTOP);
	assert_int_equal(client_talk(&client, 1, 1, 100, &e), -ETIMEDOUT);
	kill(server.tasks[0].pid, SIGCONT);
	/* The order that was given up answers nothing. */
	assert_int_equal(client_talk(&client, 30, 1, WITHIN_MS, &e), 0);
}

/* Echoes to all, after `late_ms`; closes the first `lost` connections when one more arrives. */
static void echo_to_all(int listener, unsigned late_ms, unsigned lost)
{
	enum { MOST = 16 };
	struct pollfd p[MOST + 1] = {{.fd = listener, .events = POLLIN}};
	char data[64];
	clock_sleep_ms(late_ms);
	for (unsigned count = 1; poll(p, count, -1) > 0;) {
		if (p[0].revents && count <= MOST) {
			for (unsigned i = 1; lost && count == lost + 1 && i <= lost; i++) {
				close(p[i].fd);
				p[i].fd = -1;
			}
			p[count++] = (struct pollfd){.fd = accept(listener, NULL, NULL),
						     .events = POLLIN};
		}
		for (unsigned i = 1; i < count; i++)
			if (p[i].fd >= 0 && p[i].revents) {
				ssize_t n = recv(p[i].fd, data, sizeof(data), 0);
				if (n <= 0 || send(p[i].fd, data, (size_t)n, MSG_NOSIGNAL) != n)
					p[i].fd = -1;
			}
	}
}

/* With CLIENT_CLOSE_SERVER an exchange ends when the server closes; a server that does not has
 * failed it. */
static void a_server_that_does_not_close_fails_the_exchange(void **state)
{
	const struct client_order o = {
		.verb = CLIENT_CHURN, .count = 5, .active = 5, .depth = 1, .size = 64};
	struct err e = {0};
	serve();
	const struct client_config config = {.to = server.address,
					     .close = CLIENT_CLOSE_SERVER,
					     .connections = 5,
					     .patience_ms = 500};
	if (client_start(&client, &here, &config, &e) < 0)
		fail_msg("%s", e.text);
	struct client_sum s = order(&o, NULL, NULL);
	assert_int_equal(s.done, 0);
	assert_int_equal(s.failed, 5);
	assert_int_equal(s.first_errno, ETIMEDOUT);
}

static void echo_late(int listener) { echo_to_all(listener, 300, 0); }

static void lose_two(int listener) { echo_to_all(listener, 0, 2); }

/* Closes every second connection, which asks whether the window was accepted, instead of
 * answering. */
static void close_each_second(int listener)
{
	char data;
	for (;;) {
		accept(listener, NULL, NULL);
		int fd = accept(listener, NULL, NULL);
		if (recv(fd, &data, 1, 0) == 1)
			close(fd);
	}
}

/* A window whose request gets no reply has failed, and does not count as opened. */
static void a_window_without_a_reply_has_failed(void **state)
{
	const struct client_order o = {.verb = CLIENT_OPEN, .count = 4, .window = 2};
	union endpoint address;
	pid_t peer = serve_by(close_each_second, &address);
	drive(&address, 4, 1, 0);
	struct client_sum s = order(&o, NULL, NULL);
	assert_int_equal(s.done, 2);
	assert_int_equal(s.failed, 2);
	assert_int_equal(s.held, 2);
	stop_both(peer);
}

/* Connections whose SYN was retransmitted work like all others. */
static void a_connection_with_a_retransmitted_syn_works(void **state)
{
	const struct client_order o = {
		.verb = CLIENT_REQUEST, .count = 40, .active = 4, .depth = 1, .size = 64};
	union endpoint address;
	/* Two fit into its accept queue; the SYNs of the others are dropped and retransmitted after
	 * 1 s. */
	pid_t peer = serve_at(echo_late, 1, &address);
	drive(&address, 4, 1, WITHIN_MS);
	open_connections(4);
	struct client_sum s = order(&o, NULL, NULL);
	assert_int_equal(s.failed, 0);
	assert_int_equal(s.done, 40);
	stop_both(peer);
}

/* Held connections that the server closes while more are opened are lost, and the order ends. */
static void a_connection_lost_while_others_open_is_counted(void **state)
{
	const struct client_order talk = {
		.verb = CLIENT_REQUEST, .count = 4, .active = 2, .depth = 1, .size = 64};
	const struct client_order more = {
		.verb = CLIENT_OPEN, .count = 4, .rate_per_s = 20, .window = 2};
	union endpoint address;
	pid_t peer = serve_by(lose_two, &address);
	drive(&address, 6, 1, WITHIN_MS);
	open_connections(2);
	assert_int_equal(order(&talk, NULL, NULL).done, 4);
	assert_int_equal(order(&more, NULL, NULL).done, 4);
	WAIT_UNTIL(client_sum(&client).failed == 2);
	assert_int_equal(client_sum(&client).failed, 2);
	assert_int_equal(client_sum(&client).held, 4);
	stop_both(peer);
}

/* A connection without an answer is reported, and does not lower the rate of the others. */
static void a_connection_without_an_answer_does_not_lower_the_rate(void **state)
{
	const struct client_order o = {
		.verb = CLIENT_REQUEST, .duration_us = 300000, .active = 2, .depth = 1, .size = 64};
	union endpoint address;
	pid_t peer = serve_by(echo_to_first, &address);
	drive(&address, 2, 1, 2000);
	open_connections(2);
	struct client_sum s = order(&o, NULL, NULL);
	assert_int_equal(s.failed, 1);
	assert_int_equal(s.first_errno, ETIMEDOUT);
	assert_int_equal(s.held, 1);
	assert_int_equal(s.elapsed_ns, 300000000);
	/* The last reply may arrive after the end. */
	assert_true(s.done > 1 && s.rate * 0.3 > (double)s.done - 1.5);
	client_stop(&client);
	assert_int_equal(waitpid(peer, NULL, 0), peer);
}

static size_t time_waits(const union endpoint *to)
{
	char line[256], port[16];
	size_t found = 0;
	FILE *f = fopen("/proc/net/tcp", "re");
	assert_non_null(f);
	snprintf(port, sizeof(port), ":%04X ", endpoint_port(to));
	while (fgets(line, sizeof(line), f))
		found += strstr(line, port) && strstr(line, " 06 ");
	fclose(f);
	return found;
}

/* Held connections are closed like all others: by reset, without TIME_WAIT. */
static void held_connections_are_reset(void **state)
{
	serve();
	drive(&server.address, 50, 2, 0);
	open_connections(50);
	client_stop(&client);
	assert_int_equal(time_waits(&server.address), 0);
}

/* From here on epoll_pwait2(2) fails with `code` (0: works), and so does a wait of epoll_wait(2)
 * for a number of milliseconds. */
static void refuse_waits(unsigned code)
{
	const size_t timeout = offsetof(struct seccomp_data, args[3]) +
			       (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0);
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, code ? SECCOMP_RET_ERRNO | code : SECCOMP_RET_ALLOW),
#ifdef SYS_epoll_wait
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_wait, 1, 0),
#endif
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)timeout),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)-1, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(77);
}

/* Open-loop orders wait with nanosecond resolution: by epoll_pwait2(2), and by ppoll(2) where that
 * is missing or a filter refuses it. A wait in epoll_wait(2), which counts milliseconds, would
 * start operations up to a millisecond late: here it fails. */
static void open_loop_orders_never_wait_by_milliseconds(void **state)
{
	static const unsigned codes[] = {0, ENOSYS, EPERM};
	const struct client_order o = {.verb = CLIENT_REQUEST,
				       .duration_us = 200000,
				       .active = 1,
				       .rate_per_s = 300,
				       .depth = 1,
				       .size = 64};
	serve();
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		pid_t pid = fork();
		if (pid == 0) {
			refuse_waits(codes[i]);
			drive(&server.address, 1, 1, 0);
			open_connections(1);
			struct client_sum s = order(&o, NULL, NULL);
			client_stop(&client);
			_exit(s.done + s.missed == 60 && s.done > 0 && s.failed == 0 ? 0 : 1);
		}
		int status;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			skip_because("no seccomp filter can be set");
		assert_int_equal(status, 0);
	}
}

/* Stops what a failed test left running. */
static int teardown(void **state)
{
	if (server.processes)
		kill(server.tasks[0].pid, SIGCONT);
	client_stop(&client);
	server_stop(&server);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(an_order_that_is_given_up_stops_at_once, teardown),
		cmocka_unit_test_teardown(operations_that_never_started_are_counted, teardown),
		cmocka_unit_test_teardown(operations_beyond_the_capacity_are_counted, teardown),
		cmocka_unit_test_teardown(the_rate_is_shared_by_the_work, teardown),
		cmocka_unit_test_teardown(slow_replies_do_not_prolong_an_order, teardown),
		cmocka_unit_test_teardown(failed_handshakes_are_counted, teardown),
		cmocka_unit_test_teardown(a_detached_order_goes_on, teardown),
		cmocka_unit_test_teardown(few_requests_are_in_flight, teardown),
		cmocka_unit_test_teardown(a_server_that_does_not_close_fails_the_exchange,
					  teardown),
		cmocka_unit_test_teardown(a_window_without_a_reply_has_failed, teardown),
		cmocka_unit_test_teardown(a_connection_with_a_retransmitted_syn_works, teardown),
		cmocka_unit_test_teardown(a_connection_lost_while_others_open_is_counted, teardown),
		cmocka_unit_test_teardown(a_connection_without_an_answer_does_not_lower_the_rate,
					  teardown),
		cmocka_unit_test_teardown(failures_name_what_the_server_did, teardown),
		cmocka_unit_test_teardown(replies_are_read_to_their_end, teardown),
		cmocka_unit_test_teardown(an_order_without_connections_counts_as_a_whole, teardown),
		cmocka_unit_test_teardown(a_refusal_is_no_shortage, teardown),
		cmocka_unit_test_teardown(held_connections_are_reset, teardown),
		cmocka_unit_test_teardown(open_loop_orders_never_wait_by_milliseconds, teardown),
	};
	loopback_of_its_own();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
