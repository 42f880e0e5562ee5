/* The test server and its client in a lab: their counts agree, and limits do not end them. */
#include "../support/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "epolltune/client.h"
#include "epolltune/lab.h"
#include "epolltune/server.h"

struct bench {
	struct host *host;
	struct lab *lab;
	struct server server;
	struct client client;
};

static void bench_open(struct bench *b, bool greet, bool paused, uint64_t connections)
{
	struct err e = {0};
	const struct lab_options options = {.client_addresses = 2};
	*b = (struct bench){0};
	assert_int_equal(host_open(&b->host, "/", &e), 0);
	if (lab_open(&b->lab, &options, b->host, &e)) {
		host_close(b->host);
		skip_because("%s", e.text);
	}
	struct server_config config = {.address = lab_address(b->lab, LAB_SERVER, 0),
				       .backlog = 4096,
				       .paused = paused,
				       .greet_and_close = greet,
				       .stop_at_limit = true};
	if (server_start(&b->server, &(struct task_context){b->lab, LAB_SERVER}, &config, &e))
		fail_msg("%s", e.text);
	struct client_config to = {
		.to = b->server.address, .connections = connections, .await_greeting = greet};
	if (client_start(&b->client, &(struct task_context){b->lab, LAB_CLIENT}, &to, &e))
		fail_msg("%s", e.text);
}

static void bench_close(struct bench *b)
{
	client_stop(&b->client);
	server_stop(&b->server);
	lab_close(b->lab);
	host_close(b->host);
}

static uint64_t count_of(const struct bench *b, size_t field)
{
	uint64_t count;
	struct server_sum sum = server_sum(&b->server);
	memcpy(&count, (const char *)&sum + field, sizeof(count));
	return count;
}

/* Waits until a count of the server has the value. */
static bool reaches(const struct bench *b, size_t field, uint64_t value)
{
	WAIT_UNTIL(count_of(b, field) >= value);
	return count_of(b, field) == value;
}

static bool all_opened(const struct client *c, uint64_t count)
{
	WAIT_UNTIL(client_sum(c).opened >= count);
	return client_sum(c).opened == count;
}

static void the_counts_of_server_clients_and_kernel_agree(void **state)
{
	struct bench b;
	struct err e = {0};
	struct host_counters before, after;
	bench_open(&b, false, false, 700);
	assert_int_equal(lab_counters(b.lab, LAB_SERVER, &before, &e), 0);
	assert_int_equal(client_open(&b.client, 300, 0, WITHIN_MS, &e), 0);
	assert_int_equal(client_open(&b.client, 400, 20000, WITHIN_MS, &e), 0);
	assert_true(all_opened(&b.client, 700));
	assert_true(reaches(&b, offsetof(struct server_sum, accepted), 700));
	assert_int_equal(client_talk(&b.client, 500, 1, WITHIN_MS, &e), 0);
	assert_true(reaches(&b, offsetof(struct server_sum, requests), 500));
	struct client_sum sum = client_sum(&b.client);
	assert_int_equal(sum.attempted, 700);
	assert_int_equal(sum.failed, 0);
	assert_int_equal(sum.done, 500);
	struct histogram *h = calloc(1, sizeof(*h));
	client_latency(&b.client, h);
	assert_int_equal(h->total, 500);
	assert_true(histogram_quantile(h, 0.5) > 0);
	free(h);
	assert_int_equal(lab_counters(b.lab, LAB_SERVER, &after, &e), 0);
	assert_int_equal(host_counter_delta(&before, &after, "Tcp.PassiveOpens"), 700);
	assert_int_equal(host_counter_delta(&before, &after, "TcpExt.ListenOverflows"), 0);
	client_stop(&b.client);
	assert_true(reaches(&b, offsetof(struct server_sum, closed), 700));
	bench_close(&b);
}

static void a_paused_server_keeps_its_clients_queued(void **state)
{
	struct bench b;
	struct err e = {0};
	struct server_queue queue = {0};
	bench_open(&b, true, true, 100);
	assert_int_equal(client_open(&b.client, 100, 0, WITHIN_MS, &e), 0);
	WAIT_UNTIL(server_queue(&b.server, &queue, &e) < 0 || queue.depth >= 100);
	assert_int_equal(queue.depth, 100);
	assert_int_equal(queue.drops, 0);
	assert_int_equal(queue.limit, 4096);
	assert_int_equal(server_sum(&b.server).accepted, 0);
	assert_int_equal(server_resume(&b.server, &e), 0);
	assert_true(all_opened(&b.client, 100));
	assert_true(reaches(&b, offsetof(struct server_sum, accepted), 100));
	bench_close(&b);
}

static void no_client_fails_silently(void **state)
{
	struct bench b;
	struct client lost;
	struct err e = {0};
	bench_open(&b, false, false, 1);
	const struct client_config config = {
		.to = endpoint_ipv4((struct in_addr){htonl(0xf0000001)}), .connections = 3};
	const struct task_context where = {b.lab, LAB_CLIENT};
	assert_int_equal(client_start(&lost, &where, &config, &e), 0);
	assert_int_equal(client_open(&lost, 3, 0, WITHIN_MS, &e), 0);
	assert_true(client_check(&lost, &e) < 0);
	assert_non_null(strstr(e.text, "could not connect"));
	client_stop(&lost);
	bench_close(&b);
}

static void the_server_survives_its_descriptor_limit(void **state)
{
	struct rlimit limit = {64, 64};
	struct bench b;
	struct err e = {0};
	struct server_spin spin;
	setrlimit(RLIMIT_NOFILE, &limit);
	bench_open(&b, false, false, 150);
	assert_int_equal(b.server.hard, 64);
	assert_true(b.client.processes >= 3);
	const struct client_config beyond = {.to = b.server.address,
					     .connections = client_max() + 1};
	struct client refused;
	const struct task_context where = {b.lab, LAB_CLIENT};
	assert_int_equal(client_start(&refused, &where, &beyond, &e), -EMFILE);
	assert_int_equal(client_open(&b.client, 150, 0, WITHIN_MS, &e), 0);
	assert_true(all_opened(&b.client, 150));
	assert_true(reaches(&b, offsetof(struct server_sum, accepted), 64 - b.server.held));
	assert_int_equal(server_sum(&b.server).accept_errno, EMFILE);
	assert_int_equal(server_spin(&b.server, 500000, &spin, &e), 0);
	assert_true(spin.failures > 10);
	assert_int_equal(spin.wakeups, spin.failures);
	bench_close(&b);
}

static void filling_stops_at_the_descriptor_limit(void **state)
{
	struct bench b;
	struct err e = {0};
	struct server_filled filled;
	bench_open(&b, false, false, 10);
	assert_int_equal(client_open(&b.client, 10, 0, WITHIN_MS, &e), 0);
	assert_true(reaches(&b, offsetof(struct server_sum, accepted), 10));
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

static int be_rude(struct task_port *port, void *arg)
{
	struct rude *r = arg;
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
	task_answer(port, 0, NULL, NULL, 0);
	return 0;
}

static void rude_clients_do_not_stop_the_server(void **state)
{
	struct bench b;
	struct err e = {0};
	struct task task;
	bench_open(&b, false, false, 10);
	struct rude *r = lab_alloc(b.lab, sizeof(*r), &e);
	r->to = b.server.address.v4;
	assert_int_equal(
		task_start(&task, &(struct task_context){b.lab, LAB_CLIENT}, be_rude, r, &e), 0);
	assert_int_equal(task_await(&task, NULL, 0, WITHIN_MS, &e), 0);
	assert_int_equal(r->failures, 0);
	task_end(&task);
	assert_int_equal(client_open(&b.client, 10, 0, WITHIN_MS, &e), 0);
	assert_true(all_opened(&b.client, 10));
	assert_int_equal(client_talk(&b.client, 100, 1, WITHIN_MS, &e), 0);
	assert_int_equal(client_sum(&b.client).done, 100);
	bench_close(&b);
}

/* A server that accepts and closes without a greeting. */
struct closer {
	struct sockaddr_in at;
	unsigned connections;
};

static int accept_and_close(struct task_port *port, void *arg)
{
	struct closer *c = arg;
	socklen_t size = sizeof(c->at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&c->at, size) ||
	    listen(listener, 16) || getsockname(listener, (struct sockaddr *)&c->at, &size) ||
	    !task_answer(port, 0, NULL, NULL, 0))
		return -1;
	for (unsigned i = 0; i < c->connections; i++)
		close(accept(listener, NULL, NULL));
	close(listener);
	return 0;
}

/* At end of file recv() leaves errno as it was: it must not decide what the failure is. */
static void a_closed_peer_is_a_failed_client(void **state)
{
	struct bench b;
	struct client client;
	struct err e = {0};
	struct task task;
	bench_open(&b, true, false, 10);
	struct closer *c = lab_alloc(b.lab, sizeof(*c), &e);
	assert_non_null(c);
	*c = (struct closer){
		.at = {.sin_family = AF_INET, .sin_addr = b.server.address.v4.sin_addr},
		.connections = 10,
	};
	assert_int_equal(task_start(&task, &(struct task_context){b.lab, LAB_SERVER},
				    accept_and_close, c, &e),
			 0);
	assert_int_equal(task_await(&task, NULL, 0, WITHIN_MS, &e), 0);
	struct client_config to = b.client.config;
	to.to.v4 = c->at;
	assert_int_equal(client_start(&client, &(struct task_context){b.lab, LAB_CLIENT}, &to, &e),
			 0);
	assert_int_equal(client_open(&client, 10, 0, WITHIN_MS, &e), 0);
	assert_int_equal(client_await(&client, 10, WITHIN_MS), 0);
	assert_int_equal(client_sum(&client).first_errno, ECONNRESET);
	assert_int_equal(client_sum(&client).opened, 0);
	client_stop(&client);
	task_end(&task);
	bench_close(&b);
}

static void more_connections_than_configured_are_refused(void **state)
{
	struct bench b;
	struct err e = {0};
	bench_open(&b, false, false, 5);
	assert_int_equal(client_open(&b.client, 6, 0, WITHIN_MS, &e), -EINVAL);
	struct client huge;
	struct client_config to = b.client.config;
	to.connections = 1ull << 40;
	assert_int_equal(client_start(&huge, &(struct task_context){b.lab, LAB_CLIENT}, &to, &e),
			 -EMFILE);
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
		cmocka_unit_test(no_client_fails_silently),
		cmocka_unit_test(the_server_survives_its_descriptor_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
