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
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/cpu.h"
#include "engine/sockets.h"
#include "epolltune/load.h"

#define SERVER_EVENTS 256
#define SERVER_READ 16384
/* Accepts in a row before the other events get their turn. */
#define SERVER_ACCEPTS 64
#define SERVER_PATIENCE_MS 5000

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

/* What the task is started with, in the lab's memory. */
struct server_start {
	struct server_config config;
	struct server_stats stats;
};

/* Bytes that a client does not take yet. */
struct pending {
	char *data;
	uint32_t length, sent;
};

struct server_task {
	const struct server_config *config;
	struct server_stats *stats;
	int channel, epoll, listener;
	int talked;              /* the connection last read from; 0: none */
	bool watching;           /* the listener is in the epoll set */
	struct pending *pending; /* by descriptor; pages are touched only when a client is slow */
	size_t table;
};

static int task_watch(struct server_task *t, int fd, uint32_t events, int operation)
{
	struct epoll_event event = {.events = events, .data.fd = fd};
	return epoll_ctl(t->epoll, operation, fd, &event) ? -errno : 0;
}

static void task_watch_listener(struct server_task *t, bool on)
{
	if (on != t->watching &&
	    !task_watch(t, t->listener, EPOLLIN, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL))
		t->watching = on;
}

static void task_close(struct server_task *t, int fd)
{
	struct pending *p = (size_t)fd < t->table ? &t->pending[fd] : NULL;
	if (p && p->data) {
		free(p->data);
		*p = (struct pending){0};
	}
	close(fd);
	t->stats->closed++;
}

static void task_keep(struct server_task *t, int fd)
{
	if (t->config->greet_and_close) {
		(void)!send(fd, "!", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		task_close(t, fd);
		return;
	}
	int rc = task_watch(t, fd, EPOLLIN | EPOLLRDHUP, EPOLL_CTL_ADD);
	if (rc) {
		int none = 0;
		atomic_compare_exchange_strong(&t->stats->watch_errno, &none, -rc);
		task_close(t, fd);
	}
}

static void task_accept(struct server_task *t)
{
	for (unsigned i = 0; i < SERVER_ACCEPTS; i++) {
		int fd = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			t->stats->last_accept_ns = load_now_ns();
			t->stats->accepted++;
			task_keep(t, fd);
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (sockets_accept_passes(errno))
			continue;
		/* The limit that this program is here to find. A level-triggered watch would spin.
		 */
		int none = 0;
		atomic_compare_exchange_strong(&t->stats->accept_errno, &none, errno);
		task_watch_listener(t, false);
		return;
	}
}

/* Sends what it can and keeps the rest until the client takes it. */
static void task_reply(struct server_task *t, int fd, const char *data, size_t length)
{
	ssize_t n = send(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n == (ssize_t)length)
		return;
	if (n < 0 && errno != EAGAIN) {
		task_close(t, fd);
		return;
	}
	size_t sent = n < 0 ? 0 : (size_t)n;
	char *rest = (size_t)fd < t->table ? malloc(length - sent) : NULL;
	if (!rest || task_watch(t, fd, EPOLLOUT, EPOLL_CTL_MOD)) {
		free(rest);
		task_close(t, fd);
		return;
	}
	memcpy(rest, data + sent, length - sent);
	t->pending[fd] = (struct pending){rest, (uint32_t)(length - sent), 0};
}

static void task_flush(struct server_task *t, int fd)
{
	struct pending *p = &t->pending[fd];
	ssize_t n = send(fd, p->data + p->sent, p->length - p->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0) {
		task_close(t, fd);
		return;
	}
	p->sent += (uint32_t)n;
	if (p->sent < p->length)
		return;
	free(p->data);
	*p = (struct pending){0};
	if (task_watch(t, fd, EPOLLIN | EPOLLRDHUP, EPOLL_CTL_MOD))
		task_close(t, fd);
}

static void task_talk(struct server_task *t, int fd, uint32_t events)
{
	char buf[SERVER_READ];
	if ((size_t)fd < t->table && t->pending[fd].data) {
		task_flush(t, fd);
		return;
	}
	if (!(events & EPOLLIN)) {
		task_close(t, fd);
		return;
	}
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n > 0) {
		t->talked = fd;
		t->stats->requests++;
		task_reply(t, fd, buf, (size_t)n);
	} else if (n == 0 || errno != EAGAIN) {
		task_close(t, fd);
	}
}

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
	out->connections = t->stats->accepted - t->stats->closed;
	while (out->duplicates < most) {
		if (fcntl(t->listener, F_DUPFD_CLOEXEC, 0) < 0) {
			out->end_errno = errno;
			return;
		}
		out->duplicates++;
	}
}

static uint64_t cpu_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void task_spin(struct server_task *t, uint64_t time_us, struct server_spin *out)
{
	uint64_t start = load_now_ns(), now = start, cpu = cpu_us();
	uint64_t end = start + (time_us > 1000000 ? 1000000 : time_us) * 1000;
	struct epoll_event event;
	task_watch_listener(t, true);
	for (; now < end; now = load_now_ns()) {
		int left_ms = (int)((end - now) / 1000000) + 1;
		if (epoll_wait(t->epoll, &event, 1, left_ms) <= 0)
			continue;
		out->wakeups++;
		if (event.data.fd != t->listener)
			continue;
		int fd = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			t->stats->accepted++;
			task_keep(t, fd);
		} else if (errno != EAGAIN) {
			out->failures++;
			out->last_errno = errno;
		}
	}
	task_watch_listener(t, false);
	out->elapsed_us = (now - start) / 1000;
	out->cpu_us = cpu_us() - cpu;
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
	if (!ioctl(t->epoll, EPIOCSPARAMS_6_9, &params))
		return 0;
	/* An older kernel knows no ioctl of an epoll set at all. */
	return errno == ENOTTY ? EOPNOTSUPP : errno;
}

static void task_usage(struct server_task *t, struct server_usage *out)
{
	struct timespec now;
	socklen_t size = sizeof(out->napi);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	out->cpu_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (!t->talked || getsockopt(t->talked, SOL_SOCKET, SO_INCOMING_NAPI_ID, &out->napi, &size))
		out->napi = 0;
}

/* Returns false when the other side is gone. */
static bool task_command(struct server_task *t)
{
	struct server_command command;
	struct server_answer answer = {0};
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
		task_watch_listener(t, true);
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

static void task_loop(struct server_task *t)
{
	struct epoll_event events[SERVER_EVENTS];
	for (;;) {
		int n = epoll_wait(t->epoll, events, SERVER_EVENTS, -1);
		if (n < 0 && errno != EINTR)
			return;
		t->stats->wakeups++;
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			if (fd == t->listener)
				task_accept(t);
			else if (fd != t->channel)
				task_talk(t, fd, events[i].events);
			else if (!task_command(t))
				return;
		}
	}
}

static int task_listen(struct server_task *t, struct server_answer *hello)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = t->config->address};
	socklen_t size = sizeof(address);
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	t->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->epoll < 0 || t->listener < 0 ||
	    bind(t->listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(t->listener, t->config->backlog) ||
	    getsockname(t->listener, (struct sockaddr *)&address, &size) ||
	    task_watch(t, t->channel, EPOLLIN, EPOLL_CTL_ADD))
		return errno;
	hello->u.hello.port = address.sin_port;
	/* Standard streams, the channel, the epoll set and the listener. */
	hello->u.hello.held = (uint64_t)t->listener + 1;
	return 0;
}

static int server_task(int channel, void *arg)
{
	struct server_start *start = arg;
	struct server_answer hello = {0};
	struct rlimit limit = {0};
	struct server_task t = {
		.config = &start->config, .stats = &start->stats, .channel = channel};
	cpu_pin(start->config.cpu);
	getrlimit(RLIMIT_NOFILE, &limit);
	hello.u.hello.soft = limit.rlim_cur;
	hello.u.hello.hard = limit.rlim_max;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	t.table = limit.rlim_max < 1u << 20 ? (size_t)limit.rlim_max : 1u << 20;
	t.pending = mmap(NULL, t.table * sizeof(*t.pending), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	hello.code = t.pending == MAP_FAILED ? ENOMEM : task_listen(&t, &hello);
	if (!hello.code)
		task_watch_listener(&t, !start->config.paused);
	send(channel, &hello, sizeof(hello), MSG_NOSIGNAL);
	if (!hello.code)
		task_loop(&t);
	return hello.code;
}

static int server_answer(struct server *s, struct server_answer *answer, const char *what,
			 struct err *e)
{
	ssize_t n = lab_receive(s->channel, answer, sizeof(*answer), SERVER_PATIENCE_MS, e);
	if (n < 0)
		return err_prefix(e, "test server: %s", what);
	if (n != sizeof(*answer))
		return err_set(e, EPROTO, "test server: %s: a short answer", what);
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
