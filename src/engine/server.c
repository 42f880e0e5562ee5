#include "epolltune/server.h"

#include <errno.h>
#include <string.h>

#include "base/settle.h"
#include "engine/server_process.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"

#define PATIENCE_MS 30000
/* Time without change after which no more connections are expected. */
#define AWAIT_QUIET_MS 1000

static const char *const share_names[] = {
	[SERVER_REUSEPORT] = "reuseport",
	[SERVER_EXCLUSIVE] = "exclusive",
	[SERVER_FOLLOWERS] = "leader-follower",
};
static const char *const mode_names[] = {
	[SERVER_LEVEL] = "level",
	[SERVER_EDGE] = "edge",
	[SERVER_ONESHOT] = "oneshot",
	[SERVER_LEVEL_MOD] = "level-mod",
};

const char *server_share_name(enum server_share s) { return share_names[s]; }
const char *server_mode_name(enum server_mode m) { return mode_names[m]; }

/* Puts the worker before the text of an error. */
static int worker_error(unsigned i, int rc, struct err *e)
{
	if (rc < 0 && e)
		err_prefix(e, "server worker %u", i);
	return rc;
}

static int process_ask(struct server *s, unsigned i, const struct server_request *request,
		       union server_answer *answer, struct err *e)
{
	int rc = task_ask(&s->tasks[i], request, sizeof(*request), answer, sizeof(*answer),
			  PATIENCE_MS, e);
	return worker_error(i, rc, e);
}

static int server_ask(struct server *s, enum server_verb verb, uint64_t argument,
		      union server_answer *answer, struct err *e)
{
	const struct server_request request = {.verb = verb, .argument = argument};
	return process_ask(s, 0, &request, answer, e);
}

static int process_start(struct server *s, const struct task_context *where, unsigned threads,
			 struct err *e)
{
	unsigned i = s->processes;
	union server_answer hello;
	struct server_part *part =
		task_alloc(where, sizeof(*part) + threads * sizeof(part->stats[0]), e);
	if (!part)
		return -ENOMEM;
	part->config = s->config;
	part->config.address = s->config.own_ports ? s->config.address : s->address;
	uint16_t port = endpoint_port(&part->config.address);
	if (s->config.own_ports && port)
		endpoint_set_port(&part->config.address, (uint16_t)(port + i));
	part->index = i;
	part->threads = threads;
	int rc = task_start(&s->tasks[i], where, server_main, part, e);
	if (rc < 0)
		return rc;
	s->processes++;
	s->parts[i] = part;
	rc = task_await(&s->tasks[i], &hello, sizeof(hello), PATIENCE_MS, e);
	if (rc < 0)
		return rc == -ECHILD ? worker_error(i, rc, e) : rc;
	s->addresses[i] = hello.hello.address;
	if (i)
		return 0;
	s->address = hello.hello.address; /* the others join its port */
	s->held = hello.hello.held;
	s->soft = hello.hello.soft;
	s->hard = hello.hello.hard;
	return 0;
}

/* Processes that share a listener inherit it, so it is opened here. */
static int shared_listener(struct server *s, const struct task_context *where, struct err *e)
{
	if (s->config.share != SERVER_EXCLUSIVE || s->config.listener > 0)
		return 0;
	if (where->lab)
		return err_set(e, EINVAL, "processes in a lab cannot share one listener");
	int fd = server_listen(&s->config, true, e);
	s->config.listener = fd < 0 ? 0 : fd;
	return fd < 0 ? fd : 0;
}

int server_start(struct server *s, const struct task_context *where,
		 const struct server_config *config, struct err *e)
{
	bool threads = config->share == SERVER_FOLLOWERS;
	*s = (struct server){.config = *config, .address = config->address};
	if (!s->config.workers)
		s->config.workers = 1;
	unsigned workers = s->config.workers;
	if (workers > SERVER_WORKERS)
		return err_set(e, EINVAL, "1 to %d workers, not %u", SERVER_WORKERS, workers);
	if (threads && config->mode != SERVER_ONESHOT)
		return err_set(
			e, EINVAL,
			"leader-follower needs oneshot, or two threads would serve one connection");
	int rc = shared_listener(s, where, e);
	for (unsigned i = 0; i < (threads ? 1 : workers) && rc == 0; i++)
		rc = process_start(s, where, threads ? workers : 1, e);
	/* The processes have it now; here it would keep the port open after they exit. */
	if (config->listener != s->config.listener)
		close_fd(&s->config.listener);
	if (rc < 0)
		server_stop(s);
	return rc;
}

int server_stop(struct server *s)
{
	int rc = task_end_all(s->tasks, s->processes);
	s->processes = 0;
	return rc;
}

int server_check(struct server *s, struct err *e)
{
	int rc = 0;
	for (unsigned i = 0; i < s->processes && rc == 0; i++)
		rc = worker_error(i, task_check(&s->tasks[i], e), e);
	return rc;
}

static void sum_add(struct server_sum *sum, const struct server_stats *s)
{
	uint64_t last = counter_get(&s->last_accept_ns);
	sum->accepted += counter_get(&s->accepted);
	sum->requests += counter_get(&s->requests);
	sum->bytes += counter_get(&s->bytes);
	sum->wakeups += counter_get(&s->wakeups);
	sum->resets += counter_get(&s->resets);
	sum->refused += counter_get(&s->refused);
	sum->accept_fails += counter_get(&s->accept_fails);
	sum->last_accept_ns = last > sum->last_accept_ns ? last : sum->last_accept_ns;
	sum->accept_errno = sum->accept_errno ? sum->accept_errno : s->accept_errno;
	sum->watch_errno = sum->watch_errno ? sum->watch_errno : s->watch_errno;
}

struct server_sum server_sum(const struct server *s)
{
	struct server_sum sum = {0};
	/* Read `closed` first: a thread may close what another one accepted, and the sum of closed
	 * connections must not exceed that of accepted ones. */
	for (unsigned i = 0; i < s->processes; i++)
		for (unsigned k = 0; k < s->parts[i]->threads; k++)
			sum.closed += counter_get(&s->parts[i]->stats[k].closed);
	for (unsigned i = 0; i < s->processes; i++)
		for (unsigned k = 0; k < s->parts[i]->threads; k++)
			sum_add(&sum, &s->parts[i]->stats[k]);
	return sum;
}

int server_usage(struct server *s, struct server_usage *out, struct err *e)
{
	const struct server_request request = {.verb = SERVER_USAGE};
	*out = (struct server_usage){0};
	for (unsigned i = 0; i < s->processes; i++) {
		union server_answer answer;
		int rc = process_ask(s, i, &request, &answer, e);
		if (rc < 0)
			return rc;
		out->cpu_ns += answer.usage.cpu_ns;
		out->napi = out->napi ? out->napi : answer.usage.napi;
	}
	return 0;
}

int server_memory(struct server *s, uint64_t *bytes, struct err *e)
{
	const struct server_request request = {.verb = SERVER_MEMORY};
	*bytes = 0;
	for (unsigned i = 0; i < s->processes; i++) {
		union server_answer answer;
		int rc = process_ask(s, i, &request, &answer, e);
		if (rc < 0)
			return rc;
		*bytes += answer.memory;
	}
	return 0;
}

int server_queue(struct server *s, struct server_queue *out, struct err *e)
{
	union server_answer answer;
	int rc = server_ask(s, SERVER_QUEUE, 0, &answer, e);
	if (!rc)
		*out = answer.queue;
	return rc;
}

int server_settle(struct server *s, uint64_t sent, struct server_queue *out, struct err *e)
{
	struct settle settle = {0};
	for (;;) {
		int rc = server_queue(s, out, e);
		if (rc || !settle_waits(&settle, out->depth + out->drops, sent))
			return rc;
		clock_sleep_ms(SETTLE_STEP_MS);
	}
}

int server_limit(const struct server *s)
{
	struct server_sum sum = server_sum(s);
	return sum.accept_errno ? sum.accept_errno : sum.watch_errno;
}

const char *server_limit_text(int code)
{
	switch (code) {
	case EMFILE:
		return "EMFILE: RLIMIT_NOFILE is the limit";
	case ENFILE:
		return "ENFILE: fs.file-max is the limit";
	case ENOSPC:
		return "ENOSPC: fs.epoll.max_user_watches is the limit";
	case ENOMEM:
	case ENOBUFS:
		return "no kernel memory was left";
	default:
		return strerror(code);
	}
}

uint64_t server_await(const struct server *s, uint64_t connections, int *limit)
{
	uint64_t held = 0, last = 0;
	for (unsigned quiet = 0; quiet < AWAIT_QUIET_MS; quiet++) {
		/* The errno first, as nothing is accepted after it. */
		*limit = server_limit(s);
		struct server_sum sum = server_sum(s);
		held = sum.accepted - sum.closed;
		if (*limit || held >= connections)
			break;
		if (held != last)
			quiet = 0;
		last = held;
		clock_sleep_ms(1);
	}
	return held;
}

int server_resume(struct server *s, struct err *e)
{
	union server_answer answer;
	return server_ask(s, SERVER_RESUME, 0, &answer, e);
}

int server_fill(struct server *s, uint64_t max, struct server_filled *out, struct err *e)
{
	union server_answer answer;
	int rc = server_ask(s, SERVER_FILL, max, &answer, e);
	if (!rc)
		*out = answer.filled;
	return rc;
}

int server_spin(struct server *s, uint64_t time_us, struct server_spin *out, struct err *e)
{
	union server_answer answer;
	int rc = server_ask(s, SERVER_SPIN, time_us, &answer, e);
	if (!rc)
		*out = answer.spin;
	return rc;
}

int server_busy_poll(struct server *s, const struct server_busy_poll *params, struct err *e)
{
	const struct server_request request = {.verb = SERVER_BUSY_POLL, .busy_poll = *params};
	union server_answer answer;
	return process_ask(s, 0, &request, &answer, e);
}
