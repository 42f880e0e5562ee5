#include "epolltune/burst.h"

#include <errno.h>
#include <sys/resource.h>

#include "engine/sockets.h"
#include "epolltune/clock.h"

/* Descriptors of a process that are not connections, with a reserve. */
#define BURST_HELD 16
/* Maximum clients of a process: more would not begin in time. */
#define BURST_PER_PROCESS 16384
#define BURST_TIMEOUT_MS 10000
/* A client that is due sooner begins at once. */
#define BURST_EARLY_NS 1000000

/* In the lab's memory. */
struct burst_process {
	union endpoint to, from[BURST_SOURCES];
	uint64_t clients, spread_ns;
	uint64_t sent;
};

/* Likewise, as the server's host counts. */
struct burst_count {
	uint16_t port;
	uint64_t connections;
};

static uint64_t burst_per_process(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_max <= BURST_HELD)
		return 1;
	uint64_t max = limit.rlim_max - BURST_HELD;
	return max < BURST_PER_PROCESS ? max : BURST_PER_PROCESS;
}

uint64_t burst_max(void) { return BURST_PROCESSES * burst_per_process(); }

/* Its sockets stay open until it exits, and are reset then: no connection is left to close, and
 * the kernel remembers no client. */
static int burst_main(struct task_port *port, void *arg)
{
	struct burst_process *p = arg;
	int rc = 0;
	sockets_raise_limit();
	uint64_t start = clock_ns();
	for (uint64_t i = 0; i < p->clients && rc == 0; i++) {
		uint64_t due = start + p->spread_ns / p->clients * i;
		if (due > clock_ns() + BURST_EARLY_NS)
			clock_sleep_until(due);
		int fd = sockets_connect(&p->to, &p->from[i % BURST_SOURCES], false);
		rc = fd < 0 ? fd : 0;
		if (fd < 0)
			break;
		sockets_abort(fd);
		p->sent++;
	}
	task_answer(port, rc, NULL, NULL, 0);
	task_hear(port, NULL, 0);
	return 0;
}

static int burst_process_start(struct burst *b, const struct burst_config *config, uint64_t clients,
			       struct err *e)
{
	struct burst_process *p = lab_alloc(b->lab, sizeof(*p), e);
	if (!p)
		return -ENOMEM;
	p->clients = clients;
	p->spread_ns = config->spread_us * 1000;
	p->to = config->to;
	for (unsigned i = 0; i < BURST_SOURCES; i++) {
		unsigned source = (config->first_source + i) % lab_addresses(b->lab, LAB_CLIENT);
		p->from[i] = lab_address(b->lab, LAB_CLIENT, source);
	}
	const struct task_context where = {b->lab, LAB_CLIENT};
	b->at[b->processes] = p;
	int rc = task_start(&b->tasks[b->processes], &where, burst_main, p, e);
	if (!rc)
		b->processes++;
	return rc;
}

static int burst_await(struct burst *b, struct err *e)
{
	for (unsigned i = 0; i < b->processes; i++) {
		int rc = task_await(&b->tasks[i], NULL, 0, BURST_TIMEOUT_MS, e);
		b->sent += b->at[i]->sent;
		if (rc)
			return err_prefix(e, "client %llu in the lab could not connect",
					  (unsigned long long)b->sent);
	}
	return 0;
}

int burst_start(struct burst *b, struct lab *lab, const struct burst_config *config, struct err *e)
{
	uint64_t each = burst_per_process(), left = config->clients;
	int rc = 0;
	*b = (struct burst){.lab = lab};
	if (left > burst_max())
		return err_set(e, EMFILE, "test clients: RLIMIT_NOFILE allows %llu, not %llu",
			       (unsigned long long)burst_max(), (unsigned long long)left);
	b->half_open = lab_alloc(lab, sizeof(*b->half_open), e);
	if (!b->half_open)
		return -ENOMEM;
	b->half_open->port = htons(endpoint_port(&config->to));
	while (left && !rc) {
		uint64_t clients = left < each ? left : each;
		rc = burst_process_start(b, config, clients, e);
		left -= clients;
	}
	return rc ? rc : burst_await(b, e);
}

static int half_open_count(struct host *h, void *arg, struct err *e)
{
	struct burst_count *half_open = arg;
	return host_half_open(h, half_open->port, &half_open->connections, e);
}

int burst_half_open(const struct burst *b, uint64_t *count, struct err *e)
{
	int rc = lab_call(b->lab, LAB_SERVER, half_open_count, b->half_open, e);
	*count = b->half_open->connections;
	return rc;
}

void burst_stop(struct burst *b)
{
	task_end_all(b->tasks, b->processes);
	b->processes = 0;
}
