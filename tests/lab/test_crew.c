/* The server and the client pool against each other, and the server against thousands of peers that
 * send garbage, never read, or reset in every state. Over loopback. */
#include "../support/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "epolltune/clock.h"
#include "engine/crew.h"
#include "engine/fleet.h"
#include "engine/sockets.h"

static const struct place here;

static const struct {
	enum crew_share share;
	enum worker_mode mode;
} kinds[] = {
	{CREW_REUSEPORT, WORKER_LEVEL},   {CREW_REUSEPORT, WORKER_EDGE},
	{CREW_REUSEPORT, WORKER_ONESHOT}, {CREW_REUSEPORT, WORKER_LEVEL_MOD},
	{CREW_EXCLUSIVE, WORKER_LEVEL},   {CREW_EXCLUSIVE, WORKER_EDGE},
	{CREW_FOLLOWERS, WORKER_ONESHOT},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct crew crew;
static struct fleet fleet;

static struct crew_config crew_of(size_t kind, unsigned workers)
{
	return (struct crew_config){
		.address.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
		.share = kinds[kind].share,
		.mode = kinds[kind].mode,
		.workers = workers,
		.backlog = 1024,
		.listener = -1,
	};
}

static void serve(const struct crew_config *config)
{
	struct err e = {0};
	if (crew_start(&crew, &here, config, &e) < 0)
		fail_msg("%s", e.text);
}

static void drive(enum driver_close close_mode, uint64_t capacity, unsigned drivers)
{
	static struct fleet_config config;
	struct err e = {0};
	config = (struct fleet_config){.drivers = drivers};
	config.driver.to = crew.address;
	config.driver.close = close_mode;
	config.driver.capacity = capacity;
	if (fleet_start(&fleet, &here, &config, &e) < 0)
		fail_msg("%s", e.text);
}

static struct fleet_sum order(const struct driver_order *o)
{
	struct err e = {0};
	if (fleet_order(&fleet, o, NULL, NULL, &e) < 0)
		fail_msg("%s", e.text);
	return fleet_sum(&fleet);
}

static struct fleet_sum open_connections(uint64_t count)
{
	const struct driver_order o = {.verb = DRIVER_OPEN, .count = count, .window = 100};
	return order(&o);
}

/* Waits until the server has closed all connections. */
static void assert_all_closed(void)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	for (int i = 0; i < 6000; i++) {
		struct crew_sum s = crew_sum(&crew);
		if (s.accepted == s.closed)
			return;
		nanosleep(&pause, NULL);
	}
	struct crew_sum s = crew_sum(&crew);
	fail_msg("%llu accepted, %llu closed", (unsigned long long)s.accepted,
		 (unsigned long long)s.closed);
}

static void end(void)
{
	struct err e = {0};
	if (crew_check(&crew, &e) < 0)
		fail_msg("%s", e.text);
	fleet_stop(&fleet);
	assert_all_closed();
	assert_int_equal(crew_stop(&crew), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* Stops the server when it has accepted `accepted` connections and closed each of them once. */
static void end_of(uint64_t accepted)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	fleet_stop(&fleet);
	for (int i = 0; i < 6000 && crew_sum(&crew).accepted < accepted; i++)
		nanosleep(&pause, NULL);
	assert_int_equal(crew_sum(&crew).accepted, accepted);
	end();
}

/* Each of the processes that share an address got connections. */
static void assert_shared(void)
{
	for (unsigned i = 0; i < crew.processes; i++) {
		struct crew one = {.processes = 1, .at = {crew.at[i]}};
		assert_true(crew_sum(&one).accepted > 0);
	}
}

static void server_and_clients_count_the_same_connections(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < KINDS; kind++)
		for (int c = DRIVER_CLOSE_RESET; c <= DRIVER_CLOSE_SERVER; c++) {
			struct crew_config config = crew_of(kind, 2);
			config.close_after_reply = c == DRIVER_CLOSE_SERVER;
			serve(&config);
			drive((enum driver_close)c, 64, 2);
			const struct driver_order churn = {.verb = DRIVER_CHURN,
							   .count = 1001,
							   .active = 64,
							   .depth = 1,
							   .size = 100};
			struct fleet_sum s = order(&churn);
			assert_int_equal(s.done, 1001);
			assert_int_equal(s.failed, 0);
			assert_int_equal(s.opened, 1001);
			assert_int_equal(s.held, 0);
			assert_all_closed();
			assert_int_equal(crew_sum(&crew).accepted, 1001);
			assert_int_equal(crew_sum(&crew).bytes, 100100);
			if (kinds[kind].share == CREW_REUSEPORT)
				assert_shared();
			end();
		}
}

static void every_reply_is_complete(void **state)
{
	(void)state;
	static const struct {
		unsigned size, depth;
	} cases[] = {{1, 1}, {64, 1}, {4084, 1}, {64, 32}, {4000, 16}, {333, 7}};
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct crew_config config = crew_of(kind, 2);
		uint64_t bytes = 0;
		serve(&config);
		drive(DRIVER_CLOSE_CLIENT, 20, 2);
		assert_int_equal(open_connections(20).held, 20);
		uint64_t asked = crew_sum(&crew).bytes; /* the requests at the end of windows */
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			const struct driver_order o = {.verb = DRIVER_REQUEST,
						       .count = 2000,
						       .active = 20,
						       .depth = cases[i].depth,
						       .size = cases[i].size};
			struct fleet_sum s = order(&o);
			assert_int_equal(s.done, 2000);
			assert_int_equal(s.failed, 0);
			assert_int_equal(s.held, 20);
			bytes += 2000 * cases[i].size;
		}
		assert_int_equal(crew_sum(&crew).bytes, asked + bytes);
		end();
	}
}

static void a_single_connection_is_served(void **state)
{
	(void)state;
	struct crew_config config = crew_of(0, 1);
	serve(&config);
	drive(DRIVER_CLOSE_CLIENT, 1, 1);
	open_connections(1);
	const struct driver_order o = {
		.verb = DRIVER_REQUEST, .count = 5000, .active = 1, .depth = 1, .size = 64};
	struct fleet_sum s = order(&o);
	assert_int_equal(s.done, 5000);
	assert_int_equal(s.failed, 0);
	end();
}

static void a_few_of_many_held_connections_send_requests(void **state)
{
	(void)state;
	struct crew_config config = crew_of(0, 2);
	serve(&config);
	drive(DRIVER_CLOSE_RESET, 1000, 2);
	assert_int_equal(open_connections(1000).held, 1000);
	const struct driver_order o = {
		.verb = DRIVER_REQUEST, .count = 3000, .active = 10, .depth = 1, .size = 64};
	struct fleet_sum s = order(&o);
	assert_int_equal(s.done, 3000);
	assert_int_equal(s.held, 1000);
	const struct driver_order all = {.verb = DRIVER_CLOSE};
	assert_int_equal(order(&all).held, 0);
	end();
}

/* Latency counts from the due time: while the server is stopped for 300 ms, every request that
 * becomes due waits, and the histogram shows it. A closed-loop client would see one slow
 * request. */
static void a_stopped_server_delays_every_request_that_is_due(void **state)
{
	(void)state;
	struct crew_config config = crew_of(0, 1);
	serve(&config);
	drive(DRIVER_CLOSE_RESET, 4, 1);
	open_connections(4);
	pid_t pauser = fork();
	if (pauser == 0) {
		const struct timespec look = {.tv_nsec = 1000000}, during = {.tv_nsec = 300000000};
		for (int i = 0; i < 10000 && crew_sum(&crew).requests < 100; i++)
			nanosleep(&look, NULL);
		kill(crew.at[0].pid, SIGSTOP);
		nanosleep(&during, NULL);
		kill(crew.at[0].pid, SIGCONT);
		_exit(0);
	}
	const struct driver_order o = {.verb = DRIVER_REQUEST,
				       .duration_us = 1000000,
				       .active = 4,
				       .rate_per_s = 1000,
				       .depth = 1,
				       .size = 64};
	struct fleet_sum s = order(&o);
	waitpid(pauser, NULL, 0);
	static struct histogram h;
	fleet_latency(&fleet, &h);
	assert_int_equal(s.failed, 0);
	assert_int_equal(s.done + s.missed, 1000);
	/* About 300 of 1000 waited, half of them more than 150 ms; more on a slow machine. */
	uint64_t slow = 0;
	for (double share = 0.5; share < 1; share += 0.01)
		slow += histogram_quantile(&h, share) > 50000000;
	assert_true(slow >= 15);
	end();
}

static int connect_raw(int receive_buffer)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	if (receive_buffer)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
	if (connect(fd, &crew.address.any, endpoint_size(&crew.address)) < 0)
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
	if (connect(fd, &crew.address.any, endpoint_size(&crew.address)) < 0)
		fail_msg("connect: %s", strerror(errno));
	return fd;
}

/* Sends on all until no peer takes any more. */
static void never_read(const int fd[], size_t count)
{
	static const char data[16384];
	const struct timespec pause = {.tv_nsec = 1000000};
	for (int idle = 0; idle < 3; idle++) {
		for (size_t i = 0; i < count; i++)
			while (send(fd[i], data, sizeof(data), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
				idle = 0;
		nanosleep(&pause, NULL);
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
	(void)state;
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct crew_config config = crew_of(kind, 2);
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
		drive(DRIVER_CLOSE_RESET, 20, 1);
		open_connections(20);
		const struct driver_order o = {.verb = DRIVER_REQUEST,
					       .count = 4000,
					       .active = 20,
					       .depth = 1,
					       .size = 64};
		struct fleet_sum s = order(&o);
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
	(void)state;
	struct crew_config config = crew_of(0, 1);
	int deaf[32];
	config.rests = 8;
	serve(&config);
	for (size_t i = 0; i < 32; i++)
		deaf[i] = connect_deaf();
	for (int round = 0; round < 200 && crew_sum(&crew).refused < 32 - 8; round++)
		never_read(deaf, 32);
	assert_int_equal(crew_sum(&crew).refused, 32 - 8);
	drive(DRIVER_CLOSE_RESET, 4, 1);
	open_connections(4);
	const struct driver_order o = {
		.verb = DRIVER_REQUEST, .count = 1000, .active = 4, .depth = 1, .size = 64};
	assert_int_equal(order(&o).done, 1000);
	for (size_t i = 0; i < 32; i++)
		hang_up(deaf[i], true);
	end();
}

/* A slow reader gets every byte, in order, however little it reads at a time. */
static void a_slow_reader_gets_every_byte(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct crew_config config = crew_of(kind, 1);
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
	(void)state;
	const struct timespec pause = {.tv_nsec = 10000000};
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct crew_config config = crew_of(kind, 2);
		struct err e = {0};
		char name[32];
		serve(&config);
		drive(DRIVER_CLOSE_RESET, 20, 1);
		open_connections(20);
		unsigned victim = crew.processes - 1;
		pid_t killer = fork();
		if (killer == 0) {
			uint64_t asked = crew_sum(&crew).requests;
			for (int i = 0; i < 6000 && crew_sum(&crew).requests < asked + 100; i++)
				nanosleep(&pause, NULL);
			kill(crew.at[victim].pid, SIGKILL);
			_exit(0);
		}
		const struct driver_order o = {.verb = DRIVER_REQUEST,
					       .duration_us = 300000,
					       .active = 20,
					       .depth = 1,
					       .size = 64};
		order(&o);
		assert_int_equal(waitpid(killer, NULL, 0), killer);
		for (int i = 0; i < 6000 && crew_check(&crew, &e) == 0; i++)
			nanosleep(&pause, NULL);
		snprintf(name, sizeof(name), "worker %u", victim);
		assert_non_null(strstr(e.text, name));
		assert_non_null(strstr(e.text, "signal 9"));
		fleet_stop(&fleet);
		crew_stop(&crew);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fd, &crew.address.any, endpoint_size(&crew.address)), -1);
		assert_int_equal(errno, ECONNREFUSED);
		close(fd);
	}
}

static void a_killed_worker_fails_queries(void **state)
{
	(void)state;
	struct crew_config config = crew_of(0, 2);
	struct crew_usage usage;
	struct err e = {0};
	serve(&config);
	assert_int_equal(crew_check(&crew, &e), 0);
	kill(crew.at[1].pid, SIGKILL);
	assert_int_equal(crew_usage(&crew, &usage, &e), -ECHILD);
	assert_non_null(strstr(e.text, "worker 1"));
	assert_non_null(strstr(e.text, "signal 9"));
	crew_stop(&crew);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* A worker that does not stop on request is killed. */
static void a_stuck_worker_is_killed(void **state)
{
	(void)state;
	struct crew_config config = crew_of(0, 2);
	serve(&config);
	kill(crew.at[0].pid, SIGSTOP);
	assert_int_equal(crew_stop(&crew), -ECHILD);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* The server joins no other socket at its port, and no other socket can join it. */
static void a_port_in_use_is_refused(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct crew_config config = crew_of(kind, 2);
		static struct crew second;
		struct err e = {0};
		serve(&config);
		config.address = crew.address;
		assert_int_equal(crew_start(&second, &here, &config, &e), -EADDRINUSE);
		assert_non_null(strstr(e.text, "127.0.0.1:"));
		end();
	}
}

/* Data after an urgent byte, at which a read ends, is answered, too. */
static void data_after_an_urgent_byte_is_answered(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct crew_config config = crew_of(kind, 1);
		char in[16] = "";
		size_t got = 0;
		struct timeval patience = {.tv_sec = 20};
		serve(&config);
		int fd = connect_raw(0), other = connect_raw(0);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		for (int i = 0; i < 2; i++) {
			/* All data arrives before the server reads. */
			kill(crew.at[0].pid, SIGSTOP);
			assert_int_equal(send(fd, "ab", 2, 0), 2);
			assert_int_equal(send(fd, "!", 1, MSG_OOB), 1);
			assert_int_equal(send(fd, "cd", 2, 0), 2);
			kill(crew.at[0].pid, SIGCONT);
			for (got = 0; got < 4;) {
				ssize_t n = recv(fd, in + got, 4 - got, 0);
				if (n <= 0)
					fail_msg("%s: %zu bytes came back",
						 worker_mode_name(config.mode), got);
				got += (size_t)n;
			}
			assert_memory_equal(in, "abcd", 4);
		}
		hang_up(fd, false);
		hang_up(other, false);
		end();
	}
}

static void a_killed_load_process_is_reported(void **state)
{
	(void)state;
	struct crew_config config = crew_of(0, 1);
	struct err e = {0};
	serve(&config);
	drive(DRIVER_CLOSE_RESET, 8, 2);
	open_connections(8);
	pid_t killer = fork();
	if (killer == 0) {
		const struct timespec pause = {.tv_nsec = 100000000};
		nanosleep(&pause, NULL);
		kill(fleet.at[1].pid, SIGKILL);
		_exit(0);
	}
	const struct driver_order o = {.verb = DRIVER_REQUEST,
				       .duration_us = 20000000,
				       .active = 8,
				       .depth = 1,
				       .size = 64};
	assert_int_equal(fleet_order(&fleet, &o, NULL, NULL, &e), -ECHILD);
	assert_non_null(strstr(e.text, "load process 1"));
	assert_non_null(strstr(e.text, "signal 9"));
	waitpid(killer, NULL, 0);
	end();
}

static void a_killed_server_fails_all_requests(void **state)
{
	(void)state;
	struct crew_config config = crew_of(0, 1);
	serve(&config);
	drive(DRIVER_CLOSE_RESET, 8, 1);
	open_connections(8);
	kill(crew.at[0].pid, SIGKILL);
	const struct driver_order o = {.verb = DRIVER_REQUEST,
				       .duration_us = 5000000,
				       .active = 8,
				       .depth = 1,
				       .size = 64};
	struct fleet_sum s = order(&o);
	assert_int_equal(s.done, 0);
	assert_int_equal(s.failed, 8);
	assert_int_equal(s.held, 0);
	fleet_stop(&fleet);
	crew_stop(&crew);
}

/* At the descriptor limit the server neither exits nor spins, also while a peer keeps it busy and
 * it answers queries; it continues when descriptors are free again. */
static void the_server_survives_its_descriptor_limit(void **state)
{
	(void)state;
	const struct timespec pause = {.tv_nsec = 10000000};
	const struct rlimit few = {64, 64};
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct crew_config config = crew_of(kind, 1);
		struct crew_usage usage;
		struct err e = {0};
		char byte = 'x';
		int fds[150], busy;
		serve(&config);
		busy = connect_raw(0);
		assert_int_equal(prlimit(crew.at[0].pid, RLIMIT_NOFILE, &few, NULL), 0);
		for (size_t i = 0; i < 150; i++)
			fds[i] = connect_raw(0);
		uint64_t start = clock_ns();
		for (int i = 0; i < 6000 && !crew_sum(&crew).accept_fails; i++)
			nanosleep(&pause, NULL);
		for (int i = 0; i < 2000; i++) {
			assert_int_equal(send(busy, &byte, 1, 0), 1);
			assert_int_equal(recv(busy, &byte, 1, 0), 1);
			assert_int_equal(crew_usage(&crew, &usage, &e), 0);
		}
		struct crew_sum s = crew_sum(&crew);
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
	(void)state;
	struct err e = {0};
	struct crew_config config = crew_of(0, 0);
	assert_int_equal(crew_start(&crew, &here, &config, &e), -EINVAL);
	static const enum worker_mode modes[] = {WORKER_LEVEL, WORKER_EDGE, WORKER_LEVEL_MOD};
	for (size_t i = 0; i < 3; i++) {
		config = crew_of(0, 2);
		config.share = CREW_FOLLOWERS;
		config.mode = modes[i];
		assert_int_equal(crew_start(&crew, &here, &config, &e), -EINVAL);
		assert_non_null(strstr(e.text, "oneshot"));
	}
	config = crew_of(0, 2);
	config.address.v4.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1 */
	assert_int_equal(crew_start(&crew, &here, &config, &e), -EADDRNOTAVAIL);
	assert_non_null(strstr(e.text, "192.0.2.1"));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	crew_stop(&crew);
}

/* Stops what a failed test left running. */
static int teardown(void **state)
{
	(void)state;
	fleet_stop(&fleet);
	crew_stop(&crew);
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
		cmocka_unit_test_teardown(a_killed_load_process_is_reported, teardown),
		cmocka_unit_test_teardown(a_killed_server_fails_all_requests, teardown),
		cmocka_unit_test_teardown(the_server_survives_its_descriptor_limit, teardown),
		cmocka_unit_test_teardown(invalid_configurations_are_refused, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
