#include "epolltune/client.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "engine/client_worker.h"
#include "engine/cpus.h"
#include "epolltune/clock.h"

#define SPARE_DESCRIPTORS 32
#define PER_PROCESS_MAX (1u << 18) /* more would leave CPUs idle */
#define TICK_MS 200
#define PATIENCE_MS 10000 /* for a process to start */
#define REQUEST_SIZE 32

static const char *const close_names[] = {
	[CLIENT_CLOSE_RESET] = "reset",
	[CLIENT_CLOSE_CLIENT] = "client",
	[CLIENT_CLOSE_SERVER] = "server",
};

const char *client_close_name(enum client_close c) { return close_names[c]; }

const char *client_failure(int code)
{
	switch (code) {
	case EPIPE:
		return "the server closed the connection";
	case EPROTO:
		return "the reply is not one of the protocol";
	case EBADMSG:
		return "the server sent an error before a request";
	case ETIMEDOUT:
		return "no reply before the timeout";
	default:
		return strerror(code);
	}
}

uint64_t client_per_process(void)
{
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_max <= 2 * SPARE_DESCRIPTORS)
		return SPARE_DESCRIPTORS;
	uint64_t max = r.rlim_max - SPARE_DESCRIPTORS;
	return max < PER_PROCESS_MAX ? max : PER_PROCESS_MAX;
}

static uint64_t processes_max(void)
{
	struct rlimit r = {.rlim_cur = 0};
	getrlimit(RLIMIT_NOFILE, &r);
	uint64_t channels = r.rlim_cur > SPARE_DESCRIPTORS ? r.rlim_cur - SPARE_DESCRIPTORS : 0;
	return channels < CLIENT_PROCESSES ? channels : CLIENT_PROCESSES;
}

uint64_t client_max(void) { return processes_max() * client_per_process(); }

/* Of the `count` numbers from `first` on, those that are i modulo n: shares that add up from order
 * to order. */
static uint64_t share(uint64_t first, uint64_t count, unsigned i, unsigned n)
{
	return (first + count + n - 1 - i) / n - (first + n - 1 - i) / n;
}

/* Puts the process before the text of an error. */
static int process_error(unsigned i, int rc, struct err *e)
{
	if (rc < 0 && e)
		err_prefix(e, "client process %u", i);
	return rc;
}

/* All addresses of a lab's client host, unless the caller has chosen. */
static void sources_choose(struct client_part *part, const struct task_context *where)
{
	struct client_config *config = &part->config;
	if (!config->source_count && where->lab && where->host == LAB_CLIENT) {
		config->source_count = lab_addresses(where->lab, LAB_CLIENT);
		for (unsigned i = 0; i < config->source_count; i++)
			part->sources[i] = lab_address(where->lab, LAB_CLIENT, i);
	} else if (config->source_count) {
		memcpy(part->sources, config->sources,
		       config->source_count * sizeof(*config->sources));
	}
	config->sources = part->sources;
}

static int process_start(struct client *c, const struct task_context *where, unsigned processes,
			 struct err *e)
{
	unsigned i = c->processes;
	const struct server *workers = c->config.workers;
	struct client_part *part = task_alloc(where, sizeof(*part), e);
	if (!part)
		return -ENOMEM;
	uint64_t connections = share(0, c->config.connections, i, processes);
	part->config = c->config;
	part->config.connections = connections ? connections : 1;
	part->cpu = c->config.pin ? cpus_nth(c->config.first_cpu + i) : -1;
	if (workers && workers->processes)
		part->config.to = workers->addresses[i % workers->processes];
	sources_choose(part, where);
	int rc = task_start(&c->tasks[i], where, client_main, part, e);
	if (rc < 0)
		return rc;
	c->parts[i] = part;
	c->processes++;
	return process_error(i, task_await(&c->tasks[i], NULL, 0, PATIENCE_MS, e), e);
}

int client_start(struct client *c, const struct task_context *where,
		 const struct client_config *config, struct err *e)
{
	uint64_t each = client_per_process(), connections = config->connections;
	uint64_t processes = (connections + each - 1) / each;
	*c = (struct client){.config = *config};
	if (processes < config->processes)
		processes = config->processes;
	if (processes > processes_max())
		return err_set(e, EMFILE,
			       "%llu connections need %llu processes of %llu descriptors; the "
			       "maximum is %llu",
			       (unsigned long long)connections, (unsigned long long)processes,
			       (unsigned long long)each, (unsigned long long)processes_max());
	int rc = 0;
	for (unsigned i = 0; i < processes && rc == 0; i++)
		rc = process_start(c, where, (unsigned)processes, e);
	if (rc < 0)
		client_stop(c);
	return rc;
}

void client_stop(struct client *c)
{
	task_end_all(c->tasks, c->processes);
	c->processes = 0;
}

/* By active connections, else by count. */
static double share_of_work(const struct client_order *whole, const struct client_order *part,
			    unsigned n)
{
	if (whole->active)
		return (double)part->active / (double)whole->active;
	return whole->count ? (double)part->count / (double)whole->count : 1.0 / n;
}

static int order_send(struct client *c, const struct client_order *order, struct err *e)
{
	unsigned n = c->processes, busy = n;
	uint64_t first = order->verb == CLIENT_OPEN ? c->opened : 0;
	if (order->in_flight && order->in_flight < n)
		busy = (unsigned)order->in_flight;
	for (unsigned i = 0; i < n; i++) {
		struct client_order part = *order;
		if (i < busy) {
			part.count = share(first, order->count, i, busy);
			part.active = share(0, order->active, i, busy);
			part.in_flight = share(0, order->in_flight, i, busy);
			part.rate_per_s = order->rate_per_s * share_of_work(order, &part, busy);
			part.phase = (double)i / busy;
		}
		/* A share of 0 means nothing to do; in an order 0 means no limit. */
		if (i >= busy || (order->count && !part.count) || (order->active && !part.active))
			part.verb = CLIENT_USAGE;
		int rc = task_send(&c->tasks[i], &part, sizeof(part), e);
		if (rc < 0)
			return process_error(i, rc, e);
	}
	c->opened += order->verb == CLIENT_OPEN ? order->count : 0;
	return 0;
}

/* Waits for all answers; -ETIMEDOUT at `end_ns`. */
static int order_await(struct client *c, uint64_t end_ns, int (*tick)(uint64_t done, void *arg),
		       void *arg, struct err *e)
{
	for (unsigned left = c->processes; left;) {
		int i = task_select(c->tasks, c->processes, TICK_MS);
		if (i >= 0) {
			int rc = task_await(&c->tasks[i], NULL, 0, -1, e);
			if (rc < 0)
				return rc == -ECHILD ? process_error((unsigned)i, rc, e) : rc;
			left--;
		}
		if (tick && tick(client_sum(c).done, arg)) {
			/* The counts stay. */
			task_end_all(c->tasks, c->processes);
			return err_set(e, EINTR, "interrupted");
		}
		if (left && clock_ns() > end_ns)
			return err_set(e, ETIMEDOUT, "the client did not finish in time");
	}
	return 0;
}

int client_order(struct client *c, const struct client_order *order,
		 int (*tick)(uint64_t done, void *arg), void *arg, struct err *e)
{
	int rc = order_send(c, order, e);
	return rc < 0 ? rc : order_await(c, UINT64_MAX, tick, arg, e);
}

static int order_within(struct client *c, const struct client_order *order, uint64_t timeout_ms,
			struct err *e)
{
	int rc = order_send(c, order, e);
	if (rc == 0)
		rc = order_await(c, clock_ns() + timeout_ms * 1000000, NULL, NULL, e);
	return rc < 0 ? err_prefix(e, "test client") : 0;
}

int client_open(struct client *c, uint64_t count, uint64_t rate_per_s, int timeout_ms,
		struct err *e)
{
	uint64_t max = c->config.max_per_s, timeout = (uint64_t)timeout_ms;
	if (max)
		timeout += count * 1000 / max;
	if (max && (!rate_per_s || rate_per_s > max))
		rate_per_s = max;
	const struct client_order order = {.verb = CLIENT_OPEN,
					   .count = count,
					   .rate_per_s = (double)rate_per_s,
					   .detach = true};
	if (count > c->config.connections - c->opened)
		return err_set(e, EINVAL, "test client: more connections than configured");
	return order_within(c, &order, timeout, e);
}

int client_talk(struct client *c, uint64_t requests, uint64_t in_flight, int timeout_ms,
		struct err *e)
{
	const struct client_order order = {.verb = CLIENT_REQUEST,
					   .count = requests,
					   .active = c->opened,
					   .in_flight = in_flight,
					   .depth = 1,
					   .size = REQUEST_SIZE};
	if (!c->opened)
		return err_set(e, EINVAL, "test client: no connections");
	return order_within(c, &order, (uint64_t)timeout_ms, e);
}

struct client_sum client_sum(const struct client *c)
{
	struct client_sum sum = {0};
	uint64_t timely = 0;
	for (unsigned i = 0; i < c->processes; i++) {
		const struct client_stats *s = &c->parts[i]->stats;
		uint64_t elapsed = counter_get(&s->elapsed_ns);
		uint64_t last = counter_get(&s->last_opened_ns);
		uint64_t lost = counter_get(&s->lost_ns);
		sum.opened += counter_get(&s->opened);
		sum.attempted += counter_get(&s->attempted);
		sum.done += counter_get(&s->done);
		sum.missed += counter_get(&s->missed);
		sum.failed += counter_get(&s->failed);
		sum.starved += counter_get(&s->starved);
		sum.held += counter_get(&s->held);
		sum.ended += counter_get(&s->ended);
		sum.reopened += counter_get(&s->reopened);
		sum.errors += counter_get(&s->errors);
		sum.cpu_ns += counter_get(&s->cpu_ns);
		sum.private_bytes += counter_get(&s->private_bytes);
		timely += counter_get(&s->timely);
		sum.elapsed_ns = elapsed > sum.elapsed_ns ? elapsed : sum.elapsed_ns;
		sum.last_opened_ns = last > sum.last_opened_ns ? last : sum.last_opened_ns;
		sum.lost += lost > 0;
		sum.lost_ns = lost > sum.lost_ns ? lost : sum.lost_ns;
		if (!sum.first_errno)
			sum.first_errno = s->first_errno;
		if (!sum.first_starved)
			sum.first_starved = s->first_starved;
	}
	/* Not the sum of the processes' rates: one that is done early is idle from then on. */
	if (sum.elapsed_ns)
		sum.rate = (double)timely * 1e9 / (double)sum.elapsed_ns;
	return sum;
}

int client_cause(const struct client_sum *sum)
{
	return sum->first_errno ? sum->first_errno : sum->first_starved;
}

int client_check(const struct client *c, struct err *e)
{
	struct client_sum sum = client_sum(c);
	if (!sum.failed)
		return 0;
	return err_set(e, sum.first_errno, "%llu of %llu clients could not connect: %s",
		       (unsigned long long)sum.failed, (unsigned long long)c->opened,
		       strerror(sum.first_errno));
}

int client_await(const struct client *c, uint64_t count, uint64_t timeout_ms)
{
	uint64_t end = clock_ns() + timeout_ms * 1000000;
	for (;;) {
		struct client_sum sum = client_sum(c);
		if (sum.opened + sum.failed >= count)
			return 0;
		if (clock_ns() >= end)
			return -ETIMEDOUT;
		clock_sleep_ms(1);
	}
}

void client_statuses(const struct client *c, uint64_t counts[CLIENT_STATUSES])
{
	memset(counts, 0, CLIENT_STATUSES * sizeof(*counts));
	for (unsigned i = 0; i < c->processes; i++)
		for (unsigned status = 0; status < CLIENT_STATUSES; status++)
			counts[status] += counter_get(&c->parts[i]->stats.statuses[status]);
}

void client_answer(const struct client *c, char text[CLIENT_ANSWER])
{
	text[0] = 0;
	for (unsigned i = 0; i < c->processes && !text[0]; i++)
		if (c->parts[i]->stats.answered)
			memcpy(text, c->parts[i]->stats.answer, CLIENT_ANSWER);
}

void client_latency(const struct client *c, struct histogram *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < c->processes; i++)
		histogram_merge(out, &c->parts[i]->stats.latency);
}

uint64_t client_quantile_ns(const struct client *c, double share_of_all)
{
	struct histogram all;
	client_latency(c, &all);
	return histogram_quantile(&all, share_of_all);
}
