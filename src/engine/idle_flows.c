#include "epolltune/idle_flows.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "epolltune/clock.h"

#define LOOK_MS 5
#define LOOKS 1000

/* In the lab's memory. The kernel of the client acknowledges what no process reads. */
struct exchange {
	union endpoint client; /* with its port */
	int listener;
	uint64_t silent_us;
	size_t count;
	struct idle_flow flows[IDLE_FLOWS_MAX];
};

static int flows_open(struct host *h, void *arg, struct err *e)
{
	struct exchange *x = arg;
	socklen_t size = sizeof(x->client);
	x->listener = socket(x->client.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (x->listener < 0 || bind(x->listener, &x->client.any, endpoint_size(&x->client)) ||
	    listen(x->listener, IDLE_FLOWS_MAX) || getsockname(x->listener, &x->client.any, &size))
		return err_errno(e, "idle connections: listen");
	return 0;
}

static int client_close(struct host *h, void *arg, struct err *e)
{
	struct exchange *x = arg;
	if (x->listener >= 0)
		close(x->listener);
	return 0;
}

static int flow_open(const struct exchange *x, const struct idle_flow *f, struct err *e)
{
	const int on = 1, idle = (int)f->keepidle_s;
	const struct linger reset = {1, 0};
	int fd = socket(x->client.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, "idle connections: socket");
	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) ||
	    (idle && (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) ||
		      setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle)))) ||
	    connect(fd, &x->client.any, endpoint_size(&x->client))) {
		int rc = err_errno(e, "idle connections: connect");
		close(fd);
		return rc;
	}
	return fd;
}

/* True once what was written is acknowledged, or was retransmitted. */
static bool flow_look(int fd, struct idle_flow *f)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		return false;
	f->acknowledged = !info.tcpi_unacked;
	f->retransmits = info.tcpi_total_retrans;
	return f->acknowledged || f->retransmits;
}

static int flows_write(struct exchange *x, const int *fds, struct err *e)
{
	clock_sleep_ms((unsigned)(x->silent_us / 1000));
	for (size_t i = 0; i < x->count; i++)
		if (send(fds[i], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			return err_errno(e, "idle connections: send");
	for (unsigned look = 0, settled = 0; look < LOOKS && settled < x->count; look++) {
		settled = 0;
		for (size_t i = 0; i < x->count; i++)
			settled += flow_look(fds[i], &x->flows[i]);
		clock_sleep_ms(LOOK_MS);
	}
	return 0;
}

static int server_run(struct host *h, void *arg, struct err *e)
{
	struct exchange *x = arg;
	int fds[IDLE_FLOWS_MAX], rc = 0;
	size_t open = 0;
	for (; open < x->count && rc >= 0; open += rc >= 0)
		rc = fds[open] = flow_open(x, &x->flows[open], e);
	if (rc >= 0)
		rc = flows_write(x, fds, e);
	while (open)
		close(fds[--open]);
	return rc;
}

int idle_flows_run(struct lab *lab, struct idle_flow *flows, size_t count, uint64_t silent_us,
		   struct err *e)
{
	size_t mark = lab_mark(lab);
	struct exchange *x = lab_alloc(lab, sizeof(*x), e);
	if (!x || count > IDLE_FLOWS_MAX)
		return x ? err_set(e, EINVAL, "idle connections: too many") : -ENOMEM;
	*x = (struct exchange){.client = lab_address(lab, LAB_CLIENT, 0),
			       .listener = -1,
			       .silent_us = silent_us,
			       .count = count};
	memcpy(x->flows, flows, count * sizeof(*flows));
	int rc = lab_call(lab, LAB_CLIENT, flows_open, x, e);
	if (!rc)
		rc = lab_call(lab, LAB_SERVER, server_run, x, e);
	lab_call(lab, LAB_CLIENT, client_close, x, NULL);
	memcpy(flows, x->flows, count * sizeof(*flows));
	if (rc != -ETIMEDOUT) /* the function may still run, and use it */
		lab_release(lab, mark);
	return rc;
}
