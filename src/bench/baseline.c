#include "bench/baseline.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "engine/cpus.h"
#include "engine/sockets.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"

#define PROCESSES LAB_TASKS
#define REQUEST_MAX 4096
#define AT_A_TIME 16 /* operations between two reads of the clock */
#define PATIENCE_MS 600000
/* First shard of the baseline, apart from those of other benches. */
#define BASELINE_SHARD 8192

/* One process, in shared memory. */
struct baseline_part {
	struct baseline_order order; /* connections: of this process */
	unsigned index;
	uint64_t done, start_ns, elapsed_ns, cpu_ns;
	struct err e;
};

static int send_all(int fd, const char *data, size_t size)
{
	return send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -1;
}

static int receive_all(int fd, char *data, size_t size)
{
	for (size_t got = 0; got < size;) {
		ssize_t n = recv(fd, data + got, size - got, 0);
		if (n <= 0)
			return -1;
		got += (size_t)n;
	}
	return 0;
}

static int exchange(int client, int server, char *data, size_t size)
{
	return send_all(client, data, size) || receive_all(server, data, size) ||
			       send_all(server, data, size) || receive_all(client, data, size)
		       ? -1
		       : 0;
}

/* Opens, uses and resets s->count / 2 connections, each step for all of them. On failure some are
 * left open, the others -1. */
static int connect_batch(const struct sockets *s, int listener, const struct sockaddr_in *to,
			 char *data, size_t size)
{
	size_t half = s->count / 2;
	int *client = s->fd, *server = s->fd + half;
	memset(s->fd, -1, s->count * sizeof(*s->fd));
	for (size_t i = 0; i < half; i++) {
		client[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (client[i] < 0 ||
		    connect(client[i], (const struct sockaddr *)to, sizeof(*to)) < 0 ||
		    send_all(client[i], data, size) < 0)
			return -1;
	}
	for (size_t i = 0; i < half; i++) {
		server[i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (server[i] < 0 || receive_all(server[i], data, size) < 0 ||
		    send_all(server[i], data, size) < 0)
			return -1;
	}
	for (size_t i = 0; i < half; i++) {
		if (receive_all(client[i], data, size) < 0)
			return -1;
		sockets_abort(client[i]);
		close(client[i]);
		client[i] = -1;
	}
	for (size_t i = 0; i < half; i++) {
		(void)!recv(server[i], data, size, 0); /* the reset */
		close(server[i]);
		server[i] = -1;
	}
	return 0;
}

static int loop_connect(struct baseline_part *p, char *data)
{
	struct sockaddr_in to;
	socklen_t size = sizeof(to);
	uint64_t at_once = p->order.connections ? p->order.connections : 1;
	int pairs[2 * BASELINE_AT_ONCE], rc = 0;
	struct sockets s = {.fd = pairs, .count = 2 * at_once};
	CLEAN(close_fd)
	int listener = sockets_listener(BASELINE_SHARD + p->index, 1, 2 * BASELINE_AT_ONCE, &p->e);
	if (listener < 0)
		return listener;
	if (getsockname(listener, (struct sockaddr *)&to, &size) < 0)
		return err_errno(&p->e, "getsockname");
	uint64_t end = clock_ns() + p->order.duration_us * 1000;
	while (rc == 0 && clock_ns() < end)
		for (uint64_t i = 0; i < AT_A_TIME && rc == 0; i += at_once, p->done += at_once)
			if (connect_batch(&s, listener, &to, data, p->order.size) < 0)
				rc = err_errno(&p->e, "blocking connect and accept");
	return rc;
}

static int loop_request(struct baseline_part *p, char *data)
{
	struct sockets s;
	int rc = sockets_open(&s, 2 * (size_t)p->order.connections, BASELINE_SHARD + p->index,
			      &p->e);
	if (rc < 0)
		return rc;
	uint64_t start = p->start_ns = clock_ns(), end = start + p->order.duration_us * 1000;
	uint64_t cpu = clock_cpu_ns();
	size_t at = 0;
	while (rc == 0 && clock_ns() < end)
		for (unsigned i = 0; i < AT_A_TIME && rc == 0; i++, p->done++) {
			if (exchange(s.fd[at], s.fd[at + 1], data, p->order.size) < 0)
				rc = err_errno(&p->e, "blocking request");
			at = (at + 2) % s.count;
		}
	p->elapsed_ns = clock_ns() - start;
	p->cpu_ns = clock_cpu_ns() - cpu;
	sockets_close(&s);
	return rc;
}

/* The other end of the ping-pong. */
struct pong {
	int fd, peer;
	size_t size;
};

/* Answers until its peer closes. */
static int pong_main(struct task_port *port, void *arg)
{
	const struct pong *p = arg;
	char data[REQUEST_MAX];
	close(p->peer);
	while (receive_all(p->fd, data, p->size) == 0 && send_all(p->fd, data, p->size) == 0)
		;
	return 0;
}

static uint64_t children_cpu_ns(void)
{
	struct rusage u;
	if (getrusage(RUSAGE_CHILDREN, &u) < 0)
		return 0;
	uint64_t us = (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000u +
		      (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	return us * 1000;
}

static int loop_pingpong(struct baseline_part *p, char *data)
{
	struct sockets s;
	int rc = sockets_open(&s, 2, BASELINE_SHARD + p->index, &p->e);
	if (rc < 0)
		return rc;
	const struct task_context here = {0};
	struct pong pong = {s.fd[1], s.fd[0], p->order.size};
	struct task peer = {0};
	rc = task_start(&peer, &here, pong_main, &pong, &p->e);
	uint64_t start = p->start_ns = clock_ns(), end = start + p->order.duration_us * 1000;
	uint64_t cpu = clock_cpu_ns();
	while (rc == 0 && clock_ns() < end)
		for (unsigned i = 0; i < AT_A_TIME && rc == 0; i++, p->done++)
			if (send_all(s.fd[0], data, p->order.size) < 0 ||
			    receive_all(s.fd[0], data, p->order.size) < 0)
				rc = err_errno(&p->e, "blocking ping-pong");
	p->elapsed_ns = clock_ns() - start;
	sockets_close(&s);
	task_end(&peer);
	p->cpu_ns = clock_cpu_ns() - cpu + children_cpu_ns();
	return rc;
}

/* Calls only socket(), connect() and accept(), to one address after the other, until interrupted.
 * The caller frees the sockets with sockets_close(), also on failure. */
static int pairs_open(struct sockets *s, struct baseline_part *p, struct err *e)
{
	size_t count = (size_t)p->order.connections;
	unsigned shard = BASELINE_SHARD + p->index;
	*s = (struct sockets){.fd = calloc(2 * count + 1, sizeof(int))};
	if (!s->fd)
		return err_set(e, ENOMEM, "%zu sockets: out of memory", 2 * count);
	for (unsigned address = 1; s->count < 2 * count; address++) {
		struct sockaddr_in to;
		socklen_t size = sizeof(to);
		CLEAN(close_fd) int listener = sockets_listener(shard, address, 128, e);
		if (listener < 0)
			return listener;
		if (getsockname(listener, (struct sockaddr *)&to, &size) < 0)
			return err_errno(e, "getsockname");
		for (unsigned i = 0; i < SOCKETS_AT_ONE && s->count < 2 * count; i++) {
			if (interrupt_came())
				return err_set(e, EINTR, "interrupted");
			int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
			if (client < 0)
				return err_errno(e, "socket");
			s->fd[s->count++] = client;
			if (connect(client, (struct sockaddr *)&to, sizeof(to)) < 0) {
				if (errno == EADDRNOTAVAIL && address < SOCKETS_ADDRESSES) {
					close(s->fd[--s->count]);
					break;
				}
				return err_errno(e, "connect");
			}
			int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			if (server < 0)
				return err_errno(e, "accept");
			s->fd[s->count++] = server;
		}
	}
	return 0;
}

/* Opens, reports that, and holds until the task is ended. */
static int loop_hold(struct baseline_part *p, struct task_port *port)
{
	struct sockets s;
	uint64_t start = p->start_ns = clock_ns(), cpu = clock_cpu_ns();
	int rc = pairs_open(&s, p, &port->e);
	p->elapsed_ns = clock_ns() - start;
	p->cpu_ns = clock_cpu_ns() - cpu;
	p->done = s.count / 2;
	task_answer(port, rc, &port->e, NULL, 0);
	task_hear(port, NULL, 0);
	sockets_close(&s);
	return rc;
}

static int part_main(struct task_port *port, void *arg)
{
	struct baseline_part *p = arg;
	char data[REQUEST_MAX] = {0};
	/* All start together, when the last one is ready. */
	if (!task_hear(port, NULL, 0))
		return 0;
	sockets_raise_limit();
	if (p->order.loop == BASELINE_HOLD)
		return loop_hold(p, port);
	cpus_run_on(cpus_nth(p->index));
	uint64_t start = p->start_ns = clock_ns(), cpu = clock_cpu_ns();
	int rc = p->order.loop == BASELINE_CONNECT   ? loop_connect(p, data)
		 : p->order.loop == BASELINE_REQUEST ? loop_request(p, data)
						     : loop_pingpong(p, data);
	if (!p->elapsed_ns)
		p->elapsed_ns = clock_ns() - start;
	if (!p->cpu_ns)
		p->cpu_ns = clock_cpu_ns() - cpu;
	task_answer(port, rc, &p->e, NULL, 0);
	return 0;
}

static int parts_run(struct baseline_part **parts, struct task *tasks, unsigned count,
		     struct baseline_result *out, struct err *e)
{
	uint64_t cpu = 0, first = UINT64_MAX, last = 0;
	int rc = 0;
	for (unsigned i = 0; i < count && rc == 0; i++)
		rc = task_send(&tasks[i], NULL, 0, e);
	if (rc == 0)
		rc = task_await_all(tasks, count, PATIENCE_MS, e);
	for (unsigned i = 0; i < count && rc == 0; i++) {
		double elapsed = (double)parts[i]->elapsed_ns / 1e9;
		out->done += parts[i]->done;
		out->rate += elapsed > 0 ? (double)parts[i]->done / elapsed : 0;
		uint64_t end = parts[i]->start_ns + parts[i]->elapsed_ns;
		first = parts[i]->start_ns < first ? parts[i]->start_ns : first;
		last = end > last ? end : last;
		cpu += parts[i]->cpu_ns;
	}
	out->elapsed_s = last > first ? (double)(last - first) / 1e9 : 0;
	out->cpu_us = out->done ? (double)cpu / 1e3 / (double)out->done : 0;
	return rc;
}

int baseline_run(const struct task_context *where, const struct baseline_order *order,
		 struct baseline_result *out, struct err *e)
{
	struct baseline_part *parts[PROCESSES];
	struct task tasks[PROCESSES];
	unsigned count = 0, processes = order->processes;
	int rc = 0;
	*out = (struct baseline_result){0};
	if (!processes || processes > PROCESSES || order->size > REQUEST_MAX)
		return err_set(e, EINVAL, "unsupported: %u blocking loops", processes);
	if (order->loop == BASELINE_CONNECT &&
	    order->connections > (uint64_t)processes * BASELINE_AT_ONCE)
		return err_set(e, EINVAL, "unsupported: %llu connections in %u blocking loops",
			       (unsigned long long)order->connections, processes);
	while (count < processes && rc == 0) {
		struct baseline_part *p = parts[count] = task_alloc(where, sizeof(*p), e);
		if (!p) {
			rc = -ENOMEM;
			break;
		}
		p->order = *order;
		p->order.connections = order->connections * (count + 1) / processes -
				       order->connections * count / processes;
		p->index = count;
		rc = task_start(&tasks[count], where, part_main, p, e);
		count += rc == 0;
	}
	if (rc == 0)
		rc = parts_run(parts, tasks, count, out, e);
	/* Their sockets must be gone when others measure. */
	task_end_all(tasks, count);
	return rc;
}
