#include "epolltune/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "epolltune/clock.h"
#include "engine/cpus.h"
#include "engine/worker.h"

#define SERVER_PATIENCE_MS 30000
/* Time without change after which nothing more is expected: of a queue, of connections. */
#define SETTLE_QUIET_MS 50
#define SETTLE_STEP_MS 2
#define SETTLE_MAX_MS 500
#define AWAIT_QUIET_MS 1000

enum server_verb { VERB_QUEUE, VERB_RESUME, VERB_FILL, VERB_SPIN, VERB_BUSY_POLL, VERB_USAGE };

struct server_command {
	enum server_verb verb;
	uint64_t argument;
	struct server_busy_poll busy_poll;
};

struct server_answer {
	int code; /* 0 or a positive errno */
	union {
		struct {
			uint16_t port;
			uint64_t held, soft, hard;
		} hello;
		struct server_queue queue;
		struct server_filled filled;
		struct server_spin spin;
		struct server_usage usage;
	} u;
};

/* Arguments of the task, in the lab's memory. */
struct server_start {
	struct server_config config;
	struct server_stats stats;
};

struct server_task {
	const struct server_config *config;
	int channel, listener;
	struct worker_config worker_config;
	struct worker_shared shared;
	struct worker worker;
};

static int task_queue(struct server_task *t, struct server_queue *out)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	if (getsockopt(t->listener, IPPROTO_TCP, TCP_INFO, &info, &size))
		return errno;
	*out = (struct server_queue){.depth = info.tcpi_unacked, .limit = info.tcpi_sacked};
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	size = sizeof(memory);
	if (!getsockopt(t->listener, SOL_SOCKET, SO_MEMINFO, memory, &size))
		out->drops = memory[SK_MEMINFO_DROPS];
	return 0;
}

static void task_fill(struct server_task *t, uint64_t most, struct server_filled *out)
{
	out->connections = t->worker.stats->accepted - t->worker.stats->closed;
	while (out->duplicates < most) {
		if (fcntl(t->listener, F_DUPFD_CLOEXEC, 0) < 0) {
			out->end_errno = errno;
			return;
		}
		out->duplicates++;
	}
}

static void task_spin(struct server_task *t, uint64_t time_us, struct server_spin *out)
{
	uint64_t start = clock_ns(), now = start, cpu = clock_cpu_ns();
	uint64_t end = start + (time_us > 1000000 ? 1000000 : time_us) * 1000;
	struct epoll_event event;
	struct err ignored;
	worker_listen(&t->worker, true, &ignored);
	for (; now < end; now = clock_ns()) {
		int left_ms = (int)((end - now) / 1000000) + 1;
		if (epoll_wait(t->worker.epoll, &event, 1, left_ms) <= 0)
			continue;
		out->wakeups++;
		if (event.data.fd != t->listener)
			continue;
		int fd = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			worker_adopt(&t->worker, fd);
		} else if (errno != EAGAIN) {
			out->failures++;
			out->last_errno = errno;
		}
	}
	worker_listen(&t->worker, false, &ignored);
	out->elapsed_us = (now - start) / 1000;
	out->cpu_us = (clock_cpu_ns() - cpu) / 1000;
}

/* include/uapi/linux/eventpoll.h of Linux 6.9, which Debian 12's headers lack. */
struct epoll_params_6_9 {
	uint32_t busy_poll_usecs;
	uint16_t busy_poll_budget;
	uint8_t prefer_busy_poll;
	uint8_t pad;
};
#define EPIOCSPARAMS_6_9 _IOW(0x8A, 0x01, struct epoll_params_6_9)

static int task_busy_poll(struct server_task *t, const struct server_busy_poll *to)
{
	struct epoll_params_6_9 params = {.busy_poll_usecs = to->usecs,
					  .busy_poll_budget = to->budget,
					  .prefer_busy_poll = to->prefer};
	if (!ioctl(t->worker.epoll, EPIOCSPARAMS_6_9, &params))
		return 0;
	/* An older kernel has no ioctl for epoll sets. */
	return errno == ENOTTY ? EOPNOTSUPP : errno;
}

static void task_usage(struct server_task *t, struct server_usage *out)
{
	socklen_t size = sizeof(out->napi);
	out->cpu_ns = clock_cpu_ns();
	if (t->worker.talked < 0 ||
	    getsockopt(t->worker.talked, SOL_SOCKET, SO_INCOMING_NAPI_ID, &out->napi, &size))
		out->napi = 0;
}

/* False if the channel was closed. */
static bool task_command(struct server_task *t)
{
	struct server_command command;
	struct server_answer answer = {0};
	struct err ignored;
	ssize_t n = recv(t->channel, &command, sizeof(command), 0);
	if (n < 0 && errno == EINTR)
		return true;
	if (n != sizeof(command))
		return false;
	switch (command.verb) {
	case VERB_QUEUE:
		answer.code = task_queue(t, &answer.u.queue);
		break;
	case VERB_RESUME:
		answer.code = -worker_listen(&t->worker, true, &ignored);
		break;
	case VERB_FILL:
		task_fill(t, command.argument, &answer.u.filled);
		break;
	case VERB_SPIN:
		task_spin(t, command.argument, &answer.u.spin);
		break;
	case VERB_BUSY_POLL:
		answer.code = task_busy_poll(t, &command.busy_poll);
		break;
	case VERB_USAGE:
		task_usage(t, &answer.u.usage);
		break;
	}
	return send(t->channel, &answer, sizeof(answer), MSG_NOSIGNAL) == sizeof(answer);
}

static int task_open(struct server_task *t, struct server_stats *stats, struct server_answer *hello)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = t->config->address};
	socklen_t size = sizeof(address);
	struct err ignored;
	t->worker_config = (struct worker_config){
		.greet_and_close = t->config->greet_and_close,
		.plain = true,
		.stop_at_limit = true,
		.cpu = -1,
	};
	int rc = worker_shared_open(&t->shared, 0, &ignored);
	if (rc)
		return -rc;
	t->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->listener < 0 || bind(t->listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(t->listener, t->config->backlog) ||
	    getsockname(t->listener, (struct sockaddr *)&address, &size))
		return errno;
	rc = worker_open(&t->worker, &t->worker_config, stats, &t->shared, -1, t->listener,
			 &ignored);
	if (!rc && !t->config->paused)
		rc = worker_listen(&t->worker, true, &ignored);
	hello->u.hello.port = address.sin_port;
	/* Standard streams, the channel, the listener and the epoll set. */
	hello->u.hello.held = (uint64_t)t->worker.epoll + 1;
	return -rc;
}

static int server_task(int channel, void *arg)
{
	struct server_start *start = arg;
	struct server_answer hello = {0};
	struct rlimit limit = {0};
	struct err ignored;
	struct server_task *t = calloc(1, sizeof(*t));
	cpus_run_on((int)start->config.cpu - 1); /* fails for 0: not pinned */
	getrlimit(RLIMIT_NOFILE, &limit);
	hello.u.hello.soft = limit.rlim_cur;
	hello.u.hello.hard = limit.rlim_max;
	if (t) {
		t->config = &start->config;
		t->channel = channel;
	}
	hello.code = t ? task_open(t, &start->stats, &hello) : ENOMEM;
	send(channel, &hello, sizeof(hello), MSG_NOSIGNAL);
	if (!hello.code)
		while (!worker_run(&t->worker, channel, &ignored) && task_command(t))
			;
	free(t);
	return hello.code;
}

static int server_answer(struct server *s, struct server_answer *answer, const char *what,
			 struct err *e)
{
	ssize_t n = lab_receive(s->channel, answer, sizeof(*answer), SERVER_PATIENCE_MS, e);
	if (n < 0)
		return err_prefix(e, "test server: %s", what);
	if (n != sizeof(*answer))
		return err_set(e, EPROTO, "test server: %s: short answer", what);
	return answer->code ? err_set(e, answer->code, "test server: %s: %s", what,
				      strerror(answer->code))
			    : 0;
}

static int server_command(struct server *s, const struct server_command *command,
			  struct server_answer *answer, struct err *e)
{
	static const char *const names[] = {"read the accept queue", "resume",
					    "fill descriptors",      "watch the listener",
					    "set busy polling",      "read usage"};
	const char *name = names[command->verb];
	int rc = lab_send(s->channel, command, sizeof(*command), e);
	return rc ? err_prefix(e, "test server: %s", name) : server_answer(s, answer, name, e);
}

static int server_ask(struct server *s, enum server_verb verb, uint64_t argument,
		      struct server_answer *answer, struct err *e)
{
	struct server_command command = {.verb = verb, .argument = argument};
	return server_command(s, &command, answer, e);
}

int server_start(struct server *s, struct lab *lab, const struct server_config *config,
		 struct err *e)
{
	struct server_answer hello;
	*s = (struct server){.channel = -1, .config = *config};
	struct server_start *start = lab_alloc(lab, sizeof(*start), e);
	if (!start)
		return -e->code;
	start->config = *config;
	s->stats = &start->stats;
	int rc = lab_spawn(lab, LAB_SERVER, server_task, start, &s->channel, e);
	if (!rc)
		rc = server_answer(s, &hello, "listen", e);
	if (rc) {
		server_stop(s);
		return rc;
	}
	s->port = hello.u.hello.port;
	s->held = hello.u.hello.held;
	s->soft = hello.u.hello.soft;
	s->hard = hello.u.hello.hard;
	return 0;
}

void server_stop(struct server *s)
{
	if (s->channel >= 0)
		lab_finish(s->channel);
	s->channel = -1;
}

int server_queue(struct server *s, struct server_queue *out, struct err *e)
{
	struct server_answer answer;
	int rc = server_ask(s, VERB_QUEUE, 0, &answer, e);
	if (!rc)
		*out = answer.u.queue;
	return rc;
}

int server_settle(struct server *s, uint64_t sent, struct server_queue *out, struct err *e)
{
	unsigned quiet = 0;
	*out = (struct server_queue){0};
	for (unsigned ms = 0; ms < SETTLE_MAX_MS && quiet < SETTLE_QUIET_MS; ms += SETTLE_STEP_MS) {
		struct server_queue before = *out;
		int rc = server_queue(s, out, e);
		if (rc || out->depth + out->drops >= sent)
			return rc;
		bool still = out->depth == before.depth && out->drops == before.drops;
		quiet = still ? quiet + SETTLE_STEP_MS : 0;
		clock_sleep_ms(SETTLE_STEP_MS);
	}
	return 0;
}

int server_limit(const struct server *s)
{
	int code = s->stats->accept_errno;
	return code ? code : s->stats->watch_errno;
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
		/* The errno first, as nothing is accepted after it; `closed` before `accepted`, so
		 * that the difference is never negative. */
		*limit = server_limit(s);
		uint64_t closed = s->stats->closed;
		held = s->stats->accepted - closed;
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
	struct server_answer answer;
	return server_ask(s, VERB_RESUME, 0, &answer, e);
}

int server_fill(struct server *s, uint64_t most, struct server_filled *out, struct err *e)
{
	struct server_answer answer;
	int rc = server_ask(s, VERB_FILL, most, &answer, e);
	if (!rc)
		*out = answer.u.filled;
	return rc;
}

int server_spin(struct server *s, uint64_t time_us, struct server_spin *out, struct err *e)
{
	struct server_answer answer;
	int rc = server_ask(s, VERB_SPIN, time_us, &answer, e);
	if (!rc)
		*out = answer.u.spin;
	return rc;
}

int server_busy_poll(struct server *s, const struct server_busy_poll *params, struct err *e)
{
	struct server_command command = {.verb = VERB_BUSY_POLL, .busy_poll = *params};
	struct server_answer answer;
	return server_command(s, &command, &answer, e);
}

int server_usage(struct server *s, struct server_usage *out, struct err *e)
{
	struct server_answer answer;
	int rc = server_ask(s, VERB_USAGE, 0, &answer, e);
	if (!rc)
		*out = answer.u.usage;
	return rc;
}
