/* The server and the client against each other, and the server against thousands of peers that
 * send garbage, never read, or reset in every state. Over loopback. */
#include "../support/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/sockets.h"
#include "epolltune/client.h"
#include "epolltune/server.h"

static const struct task_context here;

static const struct {
	enum server_share share;
	enum server_mode mode;
} kinds[] = {
	{SERVER_REUSEPORT, SERVER_LEVEL},   {SERVER_REUSEPORT, SERVER_EDGE},
	{SERVER_REUSEPORT, SERVER_ONESHOT}, {SERVER_REUSEPORT, SERVER_LEVEL_MOD},
	{SERVER_EXCLUSIVE, SERVER_LEVEL},   {SERVER_EXCLUSIVE, SERVER_EDGE},
	{SERVER_FOLLOWERS, SERVER_ONESHOT},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct server server;
static struct client client;

static struct server_config server_of(size_t kind, unsigned workers)
{
	return (struct server_config){
		.address.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
		.share = kinds[kind].share,
		.mode = kinds[kind].mode,
		.workers = workers,
		.backlog = 1024,
	};
}

static void serve(const struct server_config *config)
{
	struct err e = {0};
	if (server_start(&server, &here, config, &e) < 0)
		fail_msg("%s", e.text);
}

static void drive(enum client_close close_mode, uint64_t connections, unsigned processes)
{
	const struct client_config config = {.to = server.address,
					     .close = close_mode,
					     .connections = connections,
					     .processes = processes};
	struct err e = {0};
	if (client_start(&client, &here, &config, &e) < 0)
		fail_msg("%s", e.text);
}

static struct client_sum order(const struct client_order *o)
{
	struct err e = {0};
	if (client_order(&client, o, NULL, NULL, &e) < 0)
		fail_msg("%s", e.text);
	return client_sum(&client);
}

static struct client_sum open_connections(uint64_t count)
{
	const struct client_order o = {.verb = CLIENT_OPEN, .count = count, .window = 100};
	return order(&o);
}

/* Waits until the server has closed all connections. */
static void assert_all_closed(void)
{
	WAIT_UNTIL(server_sum(&server).closed >= server_sum(&server).accepted);
	struct server_sum s = server_sum(&server);
	assert_int_equal(s.closed, s.accepted);
}

static void end(void)
{
	struct err e = {0};
	if (server_check(&server, &e) < 0)
		fail_msg("%s", e.text);
	client_stop(&client);
	assert_all_closed();
	assert_int_equal(server_stop(&server), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* Stops the server when it has accepted `accepted` connections and closed each of them once. */
static void end_of(uint64_t accepted)
{
	client_stop(&client);
	WAIT_UNTIL(server_sum(&server).accepted >= accepted);
	assert_int_equal(server_sum(&server).accepted, accepted);
	end();
}

/* Each of the processes that share an address got connections. */
static void assert_shared(void)
{
	for (unsigned i = 0; i < server.processes; i++) {
		struct server one = {.processes = 1, .parts = {server.parts[i]}};
		assert_true(server_sum(&one).accepted > 0);
	}
}

static void server_and_clients_count_the_same_connections(void **state)
{
	for (size_t kind = 0; kind < KINDS; kind++)
		for (int c = CLIENT_CLOSE_RESET; c <= CLIENT_CLOSE_SERVER; c++) {
			struct server_config config = server_of(kind, 2);
			config.close_after_reply = c == CLIENT_CLOSE_SERVER;
			serve(&config);
			drive((enum client_close)c, 64, 2);
			const struct client_order churn = {.verb = CLIENT_CHURN,
							   .count = 1001,
							   .active = 64,
							   .depth = 1,
							   .size = 100};
			struct client_sum s = order(&churn);
			assert_int_equal(s.done, 1001);
			assert_int_equal(s.failed, 0);
			assert_int_equal(s.opened, 1001);
			assert_int_equal(s.held, 0);
			assert_all_closed();
			assert_int_equal(server_sum(&server).accepted, 1001);
			assert_int_equal(server_sum(&server).bytes, 100100);
			if (kinds[kind].share == SERVER_REUSEPORT)
				assert_shared();
			end();
		}
}

static void every_reply_is_complete(void **state)
{
	static const struct {
		unsigned size, depth;
	} cases[] = {{1, 1}, {64, 1}, {4084, 1}, {64, 32}, {4000, 16}, {333, 7}};
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct server_config config = server_of(kind, 2);
		uint64_t bytes = 0;
		serve(&config);
		drive(CLIENT_CLOSE_CLIENT, 20, 2);
		assert_int_equal(open_connections(20).held, 20);
		uint64_t asked = server_sum(&server).bytes; /* the requests at the end of windows */
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			const struct client_order o = {.verb = CLIENT_REQUEST,
						       .count = 2000,
						       .active = 20,
						       .depth = cases[i].depth,
						       .size = cases[i].size};
			struct client_sum s = order(&o);
			assert_int_equal(s.done, 2000);
			assert_int_equal(s.failed, 0);
			assert_int_equal(s.held, 20);
			bytes += 2000 * cases[i].size;
		}
		assert_int_equal(server_sum(&server).bytes, asked + bytes);
		end();
	}
}

static void a_single_connection_is_served(void **state)
{
	struct server_config config = server_of(0, 1);
	serve(&config);
	drive(CLIENT_CLOSE_CLIENT, 1, 1);
	open_connections(1);
	const struct client_order o = {
		.verb = CLIENT_REQUEST, .count = 5000, .active = 1, .depth = 1, .size = 64};
	struct client_sum s = order(&o);
	assert_int_equal(s.done, 5000);
	assert_int_equal(s.failed, 0);
	end();
}

static void a_few_of_many_held_connections_send_requests(void **state)
{
	struct server_config config = server_of(0, 2);
	serve(&config);
	drive(CLIENT_CLOSE_RESET, 1000, 2);
	assert_int_equal(open_connections(1000).held, 1000);
	const struct client_order o = {
		.verb = CLIENT_REQUEST, .count = 3000, .active = 10, .depth = 1, .size = 64};
	struct client_sum s = order(&o);
	assert_int_equal(s.done, 3000);
	assert_int_equal(s.held, 1000);
	const struct client_order all = {.verb = CLIENT_CLOSE};
	assert_int_equal(order(&all).held, 0);
	end();
}

/* Latency counts from the due time: while the server is stopped for 300 ms, every request that
 * becomes due waits, and the histogram shows it. A closed-loop client would see one slow request of
 * each connection. */
static void a_stopped_server_delays_every_request_that_is_due(void **state)
{
	struct server_config config = server_of(0, 1);
	serve(&config);
	drive(CLIENT_CLOSE_RESET, 4, 1);
	open_connections(4);
	kill(server.tasks[0].pid, SIGSTOP);
	pid_t pauser = fork();
	if (pauser == 0) {
		/* From the first requests on; they are in flight. */
		WAIT_UNTIL(tcp_waiting(endpoint_port(&server.address), TCP_ESTABLISHED) == 4 * 64);
		clock_sleep_ms(300);
		kill(server.tasks[0].pid, SIGCONT);
		_exit(0);
	}
	const struct client_order o = {.verb = CLIENT_REQUEST,
				       .duration_us = 400000,
				       .active = 4,
				       .rate_per_s = 1000,
				       .depth = 1,
				       .size = 64};
	struct client_sum s = order(&o);
	waitpid(pauser, NULL, 0);
	static struct histogram h;
	client_latency(&client, &h);
	assert_int_equal(s.failed, 0);
	assert_int_equal(s.done + s.missed, 400);
	/* Of the 400 the first 200 waited 100 ms at least. */
	assert_true(histogram_quantile(&h, 0.5) >= 95000000);
	end();
}

static int connect_raw(int receive_buffer)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	if (receive_buffer)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
	if (connect(fd, &server.address.any, endpoint_size(&server.address)) < 0)
		fail_msg("connect: %s", strerror(errno));
	return fd;
}

static void hang_up(int fd, bool reset)
{
	if (reset)
		sockets_abort(fd);
	close(fd);
}

/* Resets or closes in every state of a connection, with or without garbage in flight. */
static void be_rude(unsigned rounds)
{
	static char garbage[8192];
	for (size_t i = 0; i < sizeof(garbage); i++)
		garbage[i] = (char)(i * 2654435761u >> 7);
	for (unsigned i = 0; i < rounds; i++) {
		int fd = connect_raw(0);
		unsigned point = i % 8;
		if (point >= 1)
			(void)!send(fd, garbage, 1 + i % sizeof(garbage), MSG_NOSIGNAL);
		if (point == 2)
			shutdown(fd, SHUT_WR);
		if (point == 3)
			shutdown(fd, SHUT_RD);
		if (point == 4)
			(void)!recv(fd, garbage, 10, 0);
		if (point == 5)
			(void)!send(fd, "!", 1, MSG_OOB | MSG_NOSIGNAL);
		if (point == 6) {
			(void)!recv(fd, garbage, sizeof(garbage), 0);
			(void)!send(fd, garbage, sizeof(garbage), MSG_NOSIGNAL);
		}
		hang_up(fd, point != 2 && i / 8 % 2);
	}
}

/* Connects a peer that will read nothing, with small buffers. */
static int connect_deaf(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), little = 4096, segment = 536;
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
	setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
	if (connect(fd, &server.address.any, endpoint_size(&server.address)) < 0)
		fail_msg("connect: %s", strerror(errno));
	return fd;
}

/* Sends on all until no peer takes any more. */
static void never_read(const int fd[], size_t count)
{
	static const char data[16384];
	for (int idle = 0; idle < 3; idle++) {
		for (size_t i = 0; i < count; i++)
			while (send(fd[i], data, sizeof(data), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
				idle = 0;
		clock_sleep_ms(1);
	}
}

/* Waves of peers that never read, and then reset or close. */
static void be_deaf(unsigned waves)
{
	int fd[100];
	for (unsigned wave = 0; wave < waves; wave++) {
		for (size_t i = 0; i < 100; i++)
			fd[i] = connect_deaf();
		never_read(fd, 100);
		for (size_t i = 0; i < 100; i++)
			hang_up(fd[i], i % 2);
	}
}

static void rude_peers_do_not_disturb_the_others(void **state)
{
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct server_config config = server_of(kind, 2);
		int deaf[50];
		serve(&config);
		for (size_t i = 0; i < 50; i++)
			deaf[i] = connect_deaf();
		never_read(deaf, 50);
		pid_t rude = fork();
		if (rude == 0) {
			be_rude(3000);
			be_deaf(20);
			_exit(0);
		}
		/* Well-behaved clients are served meanwhile. */
		drive(CLIENT_CLOSE_RESET, 20, 1);
		open_connections(20);
		const struct client_order o = {.verb = CLIENT_REQUEST,
					       .count = 4000,
					       .active = 20,
					       .depth = 1,
					       .size = 64};
		struct client_sum s = order(&o);
		assert_int_equal(s.done, 4000);
		assert_int_equal(s.failed, 0);
		int status;
		assert_int_equal(waitpid(rude, &status, 0), rude);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		for (size_t i = 0; i < 50; i++)
			hang_up(deaf[i], i % 2);
		end_of(3000 + 2000 + 50 + 20);
	}
}

/* Replies to peers that never read are kept up to a bound; beyond it such peers are reset and the
 * others are served. */
static void replies_for_peers_that_never_read_are_bounded(void **state)
{
	struct server_config config = server_of(0, 1);
	int deaf[32];
	config.pending_max = 8;
	serve(&config);
	for (size_t i = 0; i < 32; i++)
		deaf[i] = connect_deaf();
	for (int round = 0; round < 20000 && server_sum(&server).refused < 32 - 8; round++)
		never_read(deaf, 32);
	assert_int_equal(server_sum(&server).refused, 32 - 8);
	drive(CLIENT_CLOSE_RESET, 4, 1);
	open_connections(4);
	const struct client_order o = {
		.verb = CLIENT_REQUEST, .count = 1000, .active = 4, .depth = 1, .size = 64};
	assert_int_equal(order(&o).done, 1000);
	for (size_t i = 0; i < 32; i++)
		hang_up(deaf[i], true);
	end();
}

/* A slow reader gets every byte, in order, however little it reads at a time. */
static void a_slow_reader_gets_every_byte(void **state)
{
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct server_config config = server_of(kind, 1);
		static unsigned char out[1 << 20], in[1 << 20];
		size_t sent = 0, got = 0;
		serve(&config);
		for (size_t i = 0; i < sizeof(out); i++)
			out[i] = (unsigned char)(i * 2654435761u >> 11);
		int fd = connect_raw(4096);
		while (got < sizeof(out)) {
			ssize_t n = sent < sizeof(out) ? send(fd, out + sent, sizeof(out) - sent,
							      MSG_DONTWAIT | MSG_NOSIGNAL)
						       : 0;
			sent += n > 0 ? (size_t)n : 0;
			n = recv(fd, in + got, got % 3000 + 1,
				 sent < sizeof(out) ? MSG_DONTWAIT : 0);
			if (n == 0 || (n < 0 && errno != EAGAIN))
				fail_msg("after %zu bytes: %s", got,
					 n ? strerror(errno) : "closed");
			got += n > 0 ? (size_t)n : 0;
		}
		assert_memory_equal(in, out, sizeof(out));
		hang_up(fd, false);
		end();
	}
}

/* A worker that is killed under load is reported, and nothing is left behind. */
static void a_killed_worker_is_reported(void **state)
{
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct server_config config = server_of(kind, 2);
		struct err e = {0};
		char name[32];
		serve(&config);
		drive(CLIENT_CLOSE_RESET, 20, 1);
		open_connections(20);
		unsigned victim = server.processes - 1;
		uint64_t asked = server_sum(&server).requests;
		pid_t killer = fork();
		if (killer == 0) {
			WAIT_UNTIL(server_sum(&server).requests >= asked + 100);
			kill(server.tasks[victim].pid, SIGKILL);
			_exit(0);
		}
		/* If the killer is slow, it kills afterwards. */
		const struct client_order o = {.verb = CLIENT_REQUEST,
					       .count = 5000,
					       .active = 20,
					       .depth = 1,
					       .size = 64};
		order(&o);
		assert_int_equal(waitpid(killer, NULL, 0), killer);
		WAIT_UNTIL(server_check(&server, &e) < 0);
		snprintf(name, sizeof(name), "worker %u", victim);
		assert_non_null(strstr(e.text, name));
		assert_non_null(strstr(e.text, "signal 9"));
		client_stop(&client);
		server_stop(&server);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fd, &server.address.any, endpoint_size(&server.address)),
				 -1);
		assert_int_equal(errno, ECONNREFUSED);
		close(fd);
	}
}

static void a_killed_worker_fails_queries(void **state)
{
	struct server_config config = server_of(0, 2);
	struct server_usage usage;
	struct err e = {0};
	serve(&config);
	assert_int_equal(server_check(&server, &e), 0);
	kill(server.tasks[1].pid, SIGKILL);
	assert_int_equal(server_usage(&server, &usage, &e), -ECHILD);
	assert_non_null(strstr(e.text, "worker 1"));
	assert_non_null(strstr(e.text, "signal 9"));
	server_stop(&server);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* A worker that does not stop on request is killed. */
static void a_stuck_worker_is_killed(void **state)
{
	struct server_config config = server_of(0, 2);
	serve(&config);
	kill(server.tasks[0].pid, SIGSTOP);
	assert_int_equal(server_stop(&server), -ECHILD);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* The server joins no other socket at its port, and no other socket can join it. */
static void a_port_in_use_is_refused(void **state)
{
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct server_config config = server_of(kind, 2);
		static struct server second;
		struct err e = {0};
		serve(&config);
		config.address = server.address;
		assert_int_equal(server_start(&second, &here, &config, &e), -EADDRINUSE);
		assert_non_null(strstr(e.text, "127.0.0.1:"));
		end();
	}
}

/* Data after an urgent byte, at which a read ends, is answered, too. */
static void data_after_an_urgent_byte_is_answered(void **state)
{
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct server_config config = server_of(kind, 1);
		char in[16] = "";
		size_t got = 0;
		struct timeval patience = {.tv_sec = 60};
		serve(&config);
		int fd = connect_raw(0), other = connect_raw(0);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		for (int i = 0; i < 2; i++) {
			/* All data arrives before the server reads. */
			kill(server.tasks[0].pid, SIGSTOP);
			assert_int_equal(send(fd, "ab", 2, 0), 2);
			assert_int_equal(send(fd, "!", 1, MSG_OOB), 1);
			assert_int_equal(send(fd, "cd", 2, 0), 2);
			kill(server.tasks[0].pid, SIGCONT);
			for (got = 0; got < 4;) {
				ssize_t n = recv(fd, in + got, 4 - got, 0);
				if (n <= 0)
					fail_msg("%s: %zu bytes came back",
						 server_mode_name(config.mode), got);
				got += (size_t)n;
			}
			assert_memory_equal(in, "abcd", 4);
		}
		hang_up(fd, false);
		hang_up(other, false);
		end();
	}
}

static void a_killed_client_is_reported(void **state)
{
	struct server_config config = server_of(0, 1);
	struct err e = {0};
	serve(&config);
	drive(CLIENT_CLOSE_RESET, 8, 2);
	open_connections(8);
	uint64_t asked = server_sum(&server).requests;
	pid_t killer = fork();
	if (killer == 0) {
		WAIT_UNTIL(server_sum(&server).requests >= asked + 100);
		kill(client.tasks[1].pid, SIGKILL);
		_exit(0);
	}
	const struct client_order o = {.verb = CLIENT_REQUEST,
				       .duration_us = 120000000,
				       .active = 8,
				       .depth = 1,
				       .size = 64};
	assert_int_equal(client_order(&client, &o, NULL, NULL, &e), -ECHILD);
	assert_non_null(strstr(e.text, "client process 1"));
	assert_non_null(strstr(e.text, "signal 9"));
	waitpid(killer, NULL, 0);
	end();
}

static void a_killed_server_fails_all_requests(void **state)
{
	struct server_config config = server_of(0, 1);
	serve(&config);
	drive(CLIENT_CLOSE_RESET, 8, 1);
	open_connections(8);
	kill(server.tasks[0].pid, SIGKILL);
	const struct client_order o = {.verb = CLIENT_REQUEST,
				       .duration_us = 5000000,
				       .active = 8,
				       .depth = 1,
				       .size = 64};
	struct client_sum s = order(&o);
	assert_int_equal(s.done, 0);
	assert_int_equal(s.failed, 8);
	assert_int_equal(s.held, 0);
	client_stop(&client);
	server_stop(&server);
}

/* At the descriptor limit the server neither exits nor spins, also while a peer keeps it busy and
 * it answers queries; it continues when descriptors are free again. */
static void the_server_survives_its_descriptor_limit(void **state)
{
	const struct rlimit few = {64, 64};
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct server_config config = server_of(kind, 1);
		struct server_usage usage;
		struct err e = {0};
		char byte = 'x';
		int fds[150], busy;
		serve(&config);
		busy = connect_raw(0);
		assert_int_equal(prlimit(server.tasks[0].pid, RLIMIT_NOFILE, &few, NULL), 0);
		uint64_t start = clock_ns();
		for (size_t i = 0; i < 150; i++)
			fds[i] = connect_raw(0);
		WAIT_UNTIL(server_sum(&server).accept_fails > 0);
		for (int i = 0; i < 2000; i++) {
			assert_int_equal(send(busy, &byte, 1, 0), 1);
			assert_int_equal(recv(busy, &byte, 1, 0), 1);
			assert_int_equal(server_usage(&server, &usage, &e), 0);
		}
		struct server_sum s = server_sum(&server);
		uint64_t pauses = (clock_ns() - start) / 20000000;
		assert_true(s.accepted < 64);
		assert_int_equal(s.accept_errno, EMFILE);
		assert_in_range(s.accept_fails, 1, 2 * pauses + 5);
		for (size_t i = 0; i < 150; i++)
			close(fds[i]);
		/* The server accepts those that waited, sees that they are closed, and closes
		 * them. */
		hang_up(busy, false);
		end_of(151);
	}
}

static void invalid_configurations_are_refused(void **state)
{
	struct err e = {0};
	struct server_config config = server_of(0, SERVER_WORKERS + 1);
	assert_int_equal(server_start(&server, &here, &config, &e), -EINVAL);
	static const enum server_mode modes[] = {SERVER_LEVEL, SERVER_EDGE, SERVER_LEVEL_MOD};
	for (size_t i = 0; i < 3; i++) {
		config = server_of(0, 2);
		config.share = SERVER_FOLLOWERS;
		config.mode = modes[i];
		assert_int_equal(server_start(&server, &here, &config, &e), -EINVAL);
		assert_non_null(strstr(e.text, "oneshot"));
	}
	config = server_of(0, 2);
	config.address.v4.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1 */
	assert_int_equal(server_start(&server, &here, &config, &e), -EADDRNOTAVAIL);
	assert_non_null(strstr(e.text, "192.0.2.1"));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	server_stop(&server);
}

/* Stops what a failed test left running. */
static int teardown(void **state)
{
	client_stop(&client);
	server_stop(&server);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(server_and_clients_count_the_same_connections, teardown),
		cmocka_unit_test_teardown(every_reply_is_complete, teardown),
		cmocka_unit_test_teardown(a_single_connection_is_served, teardown),
		cmocka_unit_test_teardown(a_few_of_many_held_connections_send_requests, teardown),
		cmocka_unit_test_teardown(a_stopped_server_delays_every_request_that_is_due,
					  teardown),
		cmocka_unit_test_teardown(rude_peers_do_not_disturb_the_others, teardown),
		cmocka_unit_test_teardown(replies_for_peers_that_never_read_are_bounded, teardown),
		cmocka_unit_test_teardown(a_slow_reader_gets_every_byte, teardown),
		cmocka_unit_test_teardown(a_killed_worker_is_reported, teardown),
		cmocka_unit_test_teardown(a_killed_worker_fails_queries, teardown),
		cmocka_unit_test_teardown(a_stuck_worker_is_killed, teardown),
		cmocka_unit_test_teardown(a_port_in_use_is_refused, teardown),
		cmocka_unit_test_teardown(data_after_an_urgent_byte_is_answered, teardown),
		cmocka_unit_test_teardown(a_killed_client_is_reported, teardown),
		cmocka_unit_test_teardown(a_killed_server_fails_all_requests, teardown),
		cmocka_unit_test_teardown(the_server_survives_its_descriptor_limit, teardown),
		cmocka_unit_test_teardown(invalid_configurations_are_refused, teardown),
	};
	loopback_of_its_own();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
