/* The test server and its client pool in a lab: their counts agree, and limits do not end them. */
#include "../support/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "epolltune/burst.h"
#include "epolltune/lab.h"
#include "epolltune/load.h"
#include "epolltune/server.h"

struct bench {
	struct host *host;
	struct lab *lab;
	struct server server;
	struct load load;
};

static void bench_open(struct bench *b, bool greet, bool paused, uint64_t connections)
{
	struct err e = {0};
	const struct lab_options options = {.client_addresses = 2};
	*b = (struct bench){.server.channel = -1};
	assert_int_equal(host_open(&b->host, "/", &e), 0);
	if (lab_open(&b->lab, &options, b->host, &e)) {
		host_close(b->host);
		skip_because("%s", e.text);
	}
	struct server_config config = {.address = lab_address(b->lab, LAB_SERVER, 0),
				       .backlog = 4096,
				       .paused = paused,
				       .greet_and_close = greet};
	if (server_start(&b->server, b->lab, &config, &e))
		fail_msg("%s", e.text);
	struct load_config to = {.to = config.address,
				 .port = b->server.port,
				 .connections = connections,
				 .await_greeting = greet};
	if (load_start(&b->load, b->lab, &to, &e))
		fail_msg("%s", e.text);
}

static void bench_close(struct bench *b)
{
	load_stop(&b->load);
	server_stop(&b->server);
	lab_close(b->lab);
	host_close(b->host);
}

/* Waits until the counter has the value, at most 10 s. */
static bool reaches(const _Atomic uint64_t *counter, uint64_t value)
{
	struct timespec nap = {.tv_nsec = 1000000};
	for (int i = 0; i < 10000 && *counter < value; i++)
		nanosleep(&nap, NULL);
	return *counter == value;
}

static bool all_served(const struct load *l, uint64_t count)
{
	struct timespec nap = {.tv_nsec = 1000000};
	for (int i = 0; i < 10000 && load_sum(l).served < count; i++)
		nanosleep(&nap, NULL);
	return load_sum(l).served == count;
}

static void the_counts_of_server_clients_and_kernel_agree(void **state)
{
	(void)state;
	struct bench b;
	struct err e = {0};
	struct host_counters before, after;
	bench_open(&b, false, false, 700);
	assert_int_equal(lab_counters(b.lab, LAB_SERVER, &before, &e), 0);
	assert_int_equal(load_open(&b.load, 300, 0, 5000, &e), 0);
	assert_int_equal(load_open(&b.load, 400, 20000, 5000, &e), 0);
	assert_true(all_served(&b.load, 700));
	assert_true(reaches(&b.server.stats->accepted, 700));
	assert_int_equal(load_talk(&b.load, 500, 10000, &e), 0);
	assert_true(reaches(&b.server.stats->requests, 500));
	struct load_sum sum = load_sum(&b.load);
	assert_int_equal(sum.attempted, 700);
	assert_int_equal(sum.failed, 0);
	assert_int_equal(sum.requests, 500);
	struct histogram *h = calloc(2, sizeof(*h));
	load_latency(&b.load, &h[0], &h[1]);
	assert_int_equal(h[0].total, 700);
	assert_int_equal(h[1].total, 500);
	assert_true(histogram_quantile(&h[1], 0.5) > 0);
	free(h);
	assert_int_equal(lab_counters(b.lab, LAB_SERVER, &after, &e), 0);
	assert_int_equal(host_counter_delta(&before, &after, "Tcp.PassiveOpens"), 700);
	assert_int_equal(host_counter_delta(&before, &after, "TcpExt.ListenOverflows"), 0);
	load_stop(&b.load);
	assert_true(reaches(&b.server.stats->closed, 700));
	bench_close(&b);
}

static void a_paused_server_keeps_its_clients_queued(void **state)
{
	(void)state;
	struct bench b;
	struct err e = {0};
	struct server_queue queue = {0};
	struct timespec nap = {.tv_nsec = 1000000};
	bench_open(&b, true, true, 100);
	assert_int_equal(load_open(&b.load, 100, 0, 5000, &e), 0);
	for (int i = 0; i < 5000 && queue.depth < 100; i++) {
		assert_int_equal(server_queue(&b.server, &queue, &e), 0);
		nanosleep(&nap, NULL);
	}
	assert_int_equal(queue.depth, 100);
	assert_int_equal(queue.drops, 0);
	assert_int_equal(queue.limit, 4096);
	assert_int_equal(b.server.stats->accepted, 0);
	assert_int_equal(server_resume(&b.server, &e), 0);
	assert_true(all_served(&b.load, 100));
	assert_true(reaches(&b.server.stats->accepted, 100));
	bench_close(&b);
}

/* The last two: a lowered hard limit cannot be raised again. */
static void a_burst_opens_from_several_processes(void **state)
{
	(void)state;
	struct bench b;
	struct burst burst = {0};
	struct err e = {0};
	struct rlimit limit = {64, 64};
	uint64_t half_open = 1;
	bench_open(&b, false, false, 1);
	struct burst_config config = {.to = b.server.config.address,
				      .port = b.server.port,
				      .clients = 100,
				      .first_source = 1,
				      .spread_us = 20000};
	assert_int_equal(burst_start(&burst, b.lab, &config, &e), 0);
	assert_int_equal(burst.processes, 1);
	assert_int_equal(burst.sent, 100);
	assert_true(reaches(&b.server.stats->accepted, 100));
	assert_int_equal(burst_half_open(&burst, &half_open, &e), 0);
	assert_int_equal(half_open, 0);
	burst_stop(&burst);
	assert_true(reaches(&b.server.stats->closed, 100));
	/* The limit counts when a burst starts; each process holds 16 besides its clients. */
	if (setrlimit(RLIMIT_NOFILE, &limit))
		fail_msg("RLIMIT_NOFILE: %s", strerror(errno));
	assert_int_equal(burst_max(), BURST_PROCESSES * 48);
	assert_int_equal(burst_start(&burst, b.lab, &config, &e), 0);
	assert_int_equal(burst.processes, 3);
	assert_true(reaches(&b.server.stats->accepted, 200));
	burst_stop(&burst);
	config.clients = burst_max() + 1;
	assert_int_equal(burst_start(&burst, b.lab, &config, &e), -EMFILE);
	burst_stop(&burst);
	bench_close(&b);
}

static void no_client_of_a_burst_fails_silently(void **state)
{
	(void)state;
	struct bench b;
	struct burst burst = {0};
	struct err e = {0};
	bench_open(&b, false, false, 1);
	const struct burst_config config = {.to = {htonl(0xf0000001)}, .port = 1, .clients = 3};
	assert_true(burst_start(&burst, b.lab, &config, &e) < 0);
	assert_non_null(strstr(e.text, "could not connect"));
	burst_stop(&burst);
	bench_close(&b);
}

static void the_server_survives_its_descriptor_limit(void **state)
{
	(void)state;
	struct rlimit limit = {64, 64};
	struct bench b;
	struct err e = {0};
	struct server_spin spin;
	setrlimit(RLIMIT_NOFILE, &limit);
	bench_open(&b, false, false, 150);
	assert_int_equal(b.server.hard, 64);
	assert_true(b.load.shards >= 3);
	assert_int_equal(load_open(&b.load, 150, 0, 5000, &e), 0);
	assert_true(all_served(&b.load, 150));
	assert_true(reaches(&b.server.stats->accepted, 64 - b.server.held));
	assert_int_equal(b.server.stats->accept_errno, EMFILE);
	assert_int_equal(server_spin(&b.server, 20000, &spin, &e), 0);
	assert_int_equal(spin.last_errno, EMFILE);
	assert_true(spin.failures > 10);
	assert_int_equal(spin.wakeups, spin.failures);
	bench_close(&b);
}

static void filling_stops_at_the_descriptor_limit(void **state)
{
	(void)state;
	struct bench b;
	struct err e = {0};
	struct server_filled filled;
	bench_open(&b, false, false, 10);
	assert_int_equal(load_open(&b.load, 10, 0, 5000, &e), 0);
	assert_true(reaches(&b.server.stats->accepted, 10));
	assert_int_equal(server_fill(&b.server, 100, &filled, &e), 0);
	assert_int_equal(filled.duplicates, 100);
	assert_int_equal(filled.end_errno, 0);
	if (b.server.hard <= 1u << 20) {
		assert_int_equal(server_fill(&b.server, 1u << 21, &filled, &e), 0);
		assert_int_equal(filled.end_errno, EMFILE);
		assert_int_equal(filled.duplicates, b.server.hard - b.server.held - 110);
	}
	bench_close(&b);
}

/* A task in the lab: a rude client. */
struct rude {
	struct sockaddr_in to;
	unsigned failures;
};

static int rude_connect(const struct rude *r)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&r->to, sizeof(r->to))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int be_rude(int channel, void *arg)
{
	struct rude *r = arg;
	struct err e = {0};
	struct linger reset = {1, 0};
	static char garbage[60000];
	for (int i = 0; i < 1000; i++) {
		int fd = rude_connect(r);
		if (fd < 0) {
			r->failures++;
			continue;
		}
		/* Sends much, reads nothing, then resets or closes at any point. */
		for (int k = 0; k < i % 7; k++)
			if (send(fd, garbage, sizeof(garbage), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
				break;
		if (i % 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		if (i % 5 == 0)
			shutdown(fd, SHUT_WR);
		close(fd);
	}
	return lab_send(channel, "done", 4, &e);
}

static void rude_clients_do_not_stop_the_server(void **state)
{
	(void)state;
	struct bench b;
	struct err e = {0};
	char done[8];
	int channel;
	bench_open(&b, false, false, 10);
	struct rude *r = lab_alloc(b.lab, sizeof(*r), &e);
	r->to = (struct sockaddr_in){.sin_family = AF_INET,
				     .sin_port = b.server.port,
				     .sin_addr = b.server.config.address};
	assert_int_equal(lab_spawn(b.lab, LAB_CLIENT, be_rude, r, &channel, &e), 0);
	assert_int_equal(lab_receive(channel, done, sizeof(done), 30000, &e), 4);
	assert_int_equal(r->failures, 0);
	close(channel);
	assert_int_equal(load_open(&b.load, 10, 0, 5000, &e), 0);
	assert_true(all_served(&b.load, 10));
	assert_int_equal(load_talk(&b.load, 100, 10000, &e), 0);
	assert_int_equal(load_sum(&b.load).requests, 100);
	bench_close(&b);
}

/* A server that accepts and closes without a greeting. */
struct closer {
	struct sockaddr_in at;
	unsigned connections;
};

static int accept_and_close(int channel, void *arg)
{
	struct closer *c = arg;
	struct err e = {0};
	socklen_t size = sizeof(c->at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&c->at, size) ||
	    listen(listener, 16) || getsockname(listener, (struct sockaddr *)&c->at, &size) ||
	    lab_send(channel, "listens", 7, &e))
		return -1;
	for (unsigned i = 0; i < c->connections; i++)
		close(accept(listener, NULL, NULL));
	close(listener);
	return 0;
}

/* At end of file recv() leaves errno as it was: it must not decide what the failure is. */
static void a_closed_peer_is_a_failed_client(void **state)
{
	(void)state;
	struct bench b;
	struct load load;
	struct err e = {0};
	char listens[8];
	int channel;
	bench_open(&b, true, false, 10);
	struct closer *c = lab_alloc(b.lab, sizeof(*c), &e);
	assert_non_null(c);
	*c = (struct closer){
		.at = {.sin_family = AF_INET, .sin_addr = b.server.config.address},
		.connections = 10,
	};
	assert_int_equal(lab_spawn(b.lab, LAB_SERVER, accept_and_close, c, &channel, &e), 0);
	assert_int_equal(lab_receive(channel, listens, sizeof(listens), 10000, &e), 7);
	struct load_config to = b.load.config;
	to.port = c->at.sin_port;
	assert_int_equal(load_start(&load, b.lab, &to, &e), 0);
	assert_int_equal(load_open(&load, 10, 0, 5000, &e), 0);
	assert_true(reaches(&load.stats[0]->failed, 10));
	assert_int_equal(load_sum(&load).first_errno, ECONNRESET);
	assert_int_equal(load_sum(&load).served, 0);
	load_stop(&load);
	lab_finish(channel);
	bench_close(&b);
}

static void more_connections_than_configured_are_refused(void **state)
{
	(void)state;
	struct bench b;
	struct err e = {0};
	bench_open(&b, false, false, 5);
	assert_int_equal(load_open(&b.load, 6, 0, 5000, &e), -EINVAL);
	struct load huge;
	struct load_config to = b.load.config;
	to.connections = 1ull << 40;
	assert_int_equal(load_start(&huge, b.lab, &to, &e), -EMFILE);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_counts_of_server_clients_and_kernel_agree),
		cmocka_unit_test(a_paused_server_keeps_its_clients_queued),
		cmocka_unit_test(filling_stops_at_the_descriptor_limit),
		cmocka_unit_test(rude_clients_do_not_stop_the_server),
		cmocka_unit_test(a_closed_peer_is_a_failed_client),
		cmocka_unit_test(more_connections_than_configured_are_refused),
		cmocka_unit_test(no_client_of_a_burst_fails_silently),
		cmocka_unit_test(a_burst_opens_from_several_processes),
		cmocka_unit_test(the_server_survives_its_descriptor_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
