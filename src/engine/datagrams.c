#include "epolltune/datagrams.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "epolltune/clock.h"
#include "epolltune/task.h"

#define PAYLOAD_MAX 65507
#define START_MS 5000
/* A datagram that is due sooner is sent at once. */
#define EARLY_NS 1000000
/* The queue is complete when nothing has changed for so many looks, or after the last one. */
#define QUIET_MS 10
#define QUIET_LOOKS 3
#define LOOKS 200

/* Of both ends, in the lab's memory. */
struct exchange {
	struct datagrams_config config;
	struct datagrams_result result;
	union endpoint server; /* with its port */
};

static int memory_read(int sock, uint32_t memory[SK_MEMINFO_VARS])
{
	socklen_t size = SK_MEMINFO_VARS * sizeof(*memory);
	memset(memory, 0, size);
	return getsockopt(sock, SOL_SOCKET, SO_MEMINFO, memory, &size) ? -errno : 0;
}

/* The kernel doubles what is asked for, up to net.core.rmem_max. */
static int buffer_set(int sock, uint64_t buffer, uint32_t memory[SK_MEMINFO_VARS])
{
	static const int options[] = {SO_RCVBUF, SO_RCVBUFFORCE};
	const int half = (int)(buffer / 2);
	for (size_t i = 0; i < 2; i++) {
		if (setsockopt(sock, SOL_SOCKET, options[i], &half, sizeof(half)))
			return -errno;
		int rc = memory_read(sock, memory);
		if (rc || memory[SK_MEMINFO_RCVBUF] + 1 >= buffer)
			return rc;
	}
	return -EPERM;
}

static int server_open(struct exchange *x, int *sock)
{
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	socklen_t size = sizeof(x->server);
	*sock = socket(x->server.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (*sock < 0)
		return -errno;
	int rc = buffer_set(*sock, x->config.buffer, memory);
	if (rc)
		return rc;
	x->result.buffer = memory[SK_MEMINFO_RCVBUF];
	if (bind(*sock, &x->server.any, endpoint_size(&x->server)) ||
	    getsockname(*sock, &x->server.any, &size))
		return -errno;
	return 0;
}

static int receiver_settle(const struct exchange *x, int sock, uint32_t memory[SK_MEMINFO_VARS])
{
	uint32_t queued = 0, dropped = 0;
	int rc = 0;
	for (unsigned look = 0, quiet = 0; !rc && quiet < QUIET_LOOKS && look < LOOKS; look++) {
		rc = memory_read(sock, memory);
		bool same = memory[SK_MEMINFO_RMEM_ALLOC] == queued &&
			    memory[SK_MEMINFO_DROPS] == dropped && (queued || !x->result.sent);
		quiet = same ? quiet + 1 : 0;
		queued = memory[SK_MEMINFO_RMEM_ALLOC];
		dropped = memory[SK_MEMINFO_DROPS];
		clock_sleep_ms(QUIET_MS);
	}
	return rc;
}

static int server_read(struct exchange *x, int sock)
{
	static unsigned char datagram[PAYLOAD_MAX];
	uint32_t memory[SK_MEMINFO_VARS];
	int rc = receiver_settle(x, sock, memory);
	if (rc)
		return rc;
	x->result.dropped = memory[SK_MEMINFO_DROPS];
	x->result.held = memory[SK_MEMINFO_RMEM_ALLOC];
	while (recv(sock, datagram, sizeof(datagram), MSG_DONTWAIT) >= 0)
		x->result.received++;
	return errno == EAGAIN ? 0 : -errno;
}

static int receiver_main(struct task_port *port, void *arg)
{
	int sock = -1, rc = server_open(arg, &sock);
	task_answer(port, rc, NULL, NULL, 0);
	while (task_hear(port, NULL, 0))
		task_answer(port, rc ? rc : server_read(arg, sock), NULL, NULL, 0);
	return 0;
}

static int client_send(struct exchange *x)
{
	static const unsigned char datagram[PAYLOAD_MAX];
	const struct datagrams_config *c = &x->config;
	int sock = socket(x->server.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || connect(sock, &x->server.any, endpoint_size(&x->server)))
		return -errno;
	uint64_t start = clock_ns();
	for (uint64_t i = 0; i < c->count; i++) {
		uint64_t due = start + c->spread_us * 1000 / c->count * i;
		if (due > clock_ns() + EARLY_NS)
			clock_sleep_until(due);
		ssize_t n;
		do
			n = send(sock, datagram, c->bytes, 0);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return -errno;
		x->result.sent++;
	}
	return 0;
}

static int filler_main(struct task_port *port, void *arg)
{
	task_answer(port, client_send(arg), NULL, NULL, 0);
	return 0;
}

static int exchange_run(struct exchange *x, struct lab *lab, struct task tasks[2], struct err *e)
{
	const struct task_context server = {lab, LAB_SERVER}, client = {lab, LAB_CLIENT};
	int timeout = (int)(x->config.spread_us / 1000) + 2 * START_MS;
	int rc = task_start(&tasks[0], &server, receiver_main, x, e);
	if (!rc)
		rc = task_await(&tasks[0], NULL, 0, START_MS, e);
	if (rc == -EPERM)
		return err_set(
			e, EPERM,
			"a receive buffer above net.core.rmem_max needs CAP_NET_ADMIN in the "
			"initial user namespace: root tries it");
	if (!rc)
		rc = task_start(&tasks[1], &client, filler_main, x, e);
	if (!rc)
		rc = task_await(&tasks[1], NULL, 0, timeout, e);
	if (!rc)
		rc = task_ask(&tasks[0], NULL, 0, NULL, 0, timeout, e);
	return rc ? err_prefix(e, "datagrams in the lab") : 0;
}

int datagrams_run(struct lab *lab, const struct datagrams_config *config,
		  struct datagrams_result *out, struct err *e)
{
	size_t mark = lab_mark(lab);
	struct exchange *x = lab_alloc(lab, sizeof(*x), e);
	struct task tasks[2] = {0};
	if (!x)
		return -ENOMEM;
	x->config = *config;
	x->server = lab_address(lab, LAB_SERVER, 0);
	int rc = exchange_run(x, lab, tasks, e);
	*out = x->result;
	task_end_all(tasks, 2);
	lab_release(lab, mark);
	return rc;
}
