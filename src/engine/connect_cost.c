#include "epolltune/connect_cost.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/sockets.h"
#include "epolltune/clock.h"
#include "epolltune/order.h"
#include "epolltune/task.h"

#define TIMEOUT_MS 10000
/* Connections that each level is measured with: less than the ports that 99 % leave. */
#define PROBES 16
/* Of a task, besides its connections. */
#define DESCRIPTORS 16

static const uint16_t levels[CONNECT_COST_LEVELS] = {0, 50, 75, 90, 99};

/* Of both ends, in the lab's memory. The kernel of the server completes the handshakes. */
struct filling {
	union endpoint server; /* with its port */
	struct connect_cost cost;
};

static int cost_server_main(struct task_port *port, void *arg)
{
	struct filling *f = arg;
	int fd = socket(f->server.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = 0;
	/* Those that are measured and reset stay in the queue. */
	int backlog = f->cost.ports + CONNECT_COST_LEVELS * PROBES;
	if (fd < 0 || bind(fd, &f->server.any, endpoint_size(&f->server)) || listen(fd, backlog))
		rc = err_errno(&port->e, "connect cost: listen");
	task_answer(port, rc, &port->e, NULL, 0);
	task_hear(port, NULL, 0);
	return 0;
}

static uint64_t cpu_ns(void) { return clock_of_ns(CLOCK_THREAD_CPUTIME_ID); }

/* Opens a connection that close() resets; *ns: the CPU time of connect(). */
static int connection_open(const struct filling *f, uint64_t *ns)
{
	int fd = socket(f->server.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	sockets_abort(fd);
	uint64_t before = cpu_ns();
	int rc = connect(fd, &f->server.any, endpoint_size(&f->server));
	rc = rc < 0 && errno != EINPROGRESS ? -errno : 0;
	*ns = cpu_ns() - before;
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

/* The median of several, each of which is closed again. */
static int level_measure(const struct filling *f, uint64_t *ns)
{
	uint64_t each[PROBES];
	for (size_t i = 0; i < PROBES; i++) {
		int fd = connection_open(f, &each[i]);
		if (fd < 0)
			return fd;
		close(fd);
	}
	qsort(each, PROBES, sizeof(*each), u64_compare);
	*ns = each[PROBES / 2];
	return 0;
}

static int cost_client_main(struct task_port *port, void *arg)
{
	struct filling *f = arg;
	uint64_t unused;
	unsigned open = 0;
	int rc = sockets_raise_limit() < (size_t)f->cost.ports + DESCRIPTORS ? -EMFILE : 0;
	for (size_t i = 0; i < CONNECT_COST_LEVELS && !rc; i++) {
		f->cost.percent[i] = levels[i];
		for (; open < f->cost.ports * (unsigned)levels[i] / 100u && rc >= 0; open++)
			rc = connection_open(f, &unused);
		if (rc >= 0)
			rc = level_measure(f, &f->cost.ns[i]);
	}
	if (rc)
		err_set(&port->e, -rc, "connect cost: %s", strerror(-rc));
	task_answer(port, rc, &port->e, NULL, 0);
	return 0;
}

int connect_cost_run(struct lab *lab, uint16_t to, uint16_t ports, struct connect_cost *out,
		     struct err *e)
{
	const struct task_context server = {lab, LAB_SERVER}, client = {lab, LAB_CLIENT};
	size_t mark = lab_mark(lab);
	struct filling *f = lab_alloc(lab, sizeof(*f), e);
	struct task tasks[2] = {0};
	if (!f)
		return -ENOMEM;
	f->cost.ports = ports;
	f->server = lab_address(lab, LAB_SERVER, 0);
	endpoint_set_port(&f->server, to);
	int rc = task_start(&tasks[0], &server, cost_server_main, f, e);
	if (!rc)
		rc = task_await(&tasks[0], NULL, 0, TIMEOUT_MS, e);
	if (!rc)
		rc = task_start(&tasks[1], &client, cost_client_main, f, e);
	if (!rc)
		rc = task_await(&tasks[1], NULL, 0, TIMEOUT_MS, e);
	*out = f->cost;
	task_end_all(tasks, 2);
	lab_release(lab, mark);
	return rc;
}

double connect_cost_tries(double ports, double used)
{
	double half = used < 0.5 ? 2 * used : 2 * used - 1, free = (1 - half) * ports / 2;
	double passed = used < 0.5 ? 0 : ports / 2;
	return passed + ports / 2 / (free > 1 ? free : 1);
}

/* What a port takes that is in use: at each level from half of the ports on, the mean. */
static double port_ns(const struct connect_cost *c)
{
	double sum = 0;
	size_t count = 0;
	for (size_t i = 0; i < CONNECT_COST_LEVELS; i++) {
		double more = (double)c->ns[i] - (double)c->ns[0];
		if (c->percent[i] < 50 || more <= 0)
			continue;
		sum += more / (connect_cost_tries(c->ports, c->percent[i] / 100.0) - 1);
		count++;
	}
	return count ? sum / (double)count : 0;
}

double connect_cost_ns(const struct connect_cost *c, double ports, double used)
{
	return (double)c->ns[0] + port_ns(c) * (connect_cost_tries(ports, used) - 1);
}

double connect_cost_share(const struct connect_cost *c, double ports, double times)
{
	double each = port_ns(c);
	double tries = each > 0 ? (times - 1) * (double)c->ns[0] / each + 1 : ports + 1;
	if (tries <= ports / 2)
		return (1 - 1 / tries) / 2;
	double beyond = tries - ports / 2;
	if (beyond > ports / 2)
		return 2;
	return beyond > 1 ? 1 - 1 / (2 * beyond) : 0.5;
}
