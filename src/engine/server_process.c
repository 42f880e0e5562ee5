#include "engine/server_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/cpus.h"
#include "engine/usage.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"

/* One worker: the only thread of a process, or one of the threads that share its epoll set. */
struct server_thread {
	struct server_process *process;
	unsigned number; /* in its process */
	struct server_worker worker;
	int control; /* stops it when readable */
	pthread_t id;
	bool started;
	int result;
	struct err e;
};

struct server_process {
	struct server_part *part;
	struct task_port *port;
	struct server_shared shared;
	int listener, epoll; /* epoll: shared by threads; -1: the worker has its own */
	int quit;            /* eventfd that stops the threads */
	struct server_thread *threads;
};

int server_listen(const struct server_config *c, bool first, struct err *e)
{
	int on = 1, share = c->share == SERVER_REUSEPORT && c->workers > 1;
	CLEAN(close_fd)
	int fd = socket(c->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char text[ENDPOINT_TEXT];
	if (fd < 0)
		return err_errno(e, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (share && !first && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
		return err_errno(e, "SO_REUSEPORT");
	if (bind(fd, &c->address.any, endpoint_size(&c->address)) < 0)
		return err_errno(e, "bind to %s", endpoint_format(text, &c->address));
	if (share && first && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
		return err_errno(e, "SO_REUSEPORT");
	if (listen(fd, c->backlog) < 0)
		return err_errno(e, "listen on %s", endpoint_format(text, &c->address));
	int listener = fd;
	fd = -1;
	return listener;
}

/* Steers each connection to the listener of its group with the number of the CPU that received the
 * SYN; beyond the size of the group the kernel hashes. */
static void group_by_cpu(int listener)
{
	struct sock_filter code[] = {
		{BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)(SKF_AD_OFF + SKF_AD_CPU)},
		{BPF_RET | BPF_A, 0, 0, 0},
	};
	struct sock_fprog program = {2, code};
	setsockopt(listener, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program));
}

/* Sets CPU and scheduling policy of the calling thread, the i-th of its process. */
static int thread_place(const struct server_part *part, unsigned i, struct err *e)
{
	const struct server_config *c = &part->config;
	if (c->batch) {
		struct sched_param none = {0};
		sched_setscheduler(0, SCHED_BATCH, &none); /* on failure only slower */
	}
	int cpu = c->pin ? cpus_nth(c->first_cpu + part->index + i) : -1;
	int rc = cpu < 0 ? 0 : cpus_run_on(cpu);
	return rc < 0 ? err_set(e, -rc, "pin to CPU %d: %s", cpu, strerror(-rc)) : 0;
}

static int thread_open(struct server_process *p, unsigned i, int control, struct err *e)
{
	const struct server_config *c = &p->part->config;
	struct server_thread *t = &p->threads[i];
	t->process = p;
	t->number = i;
	t->control = control;
	int rc = server_worker_open(&t->worker, c, &p->part->stats[i], &p->shared, p->epoll,
				    p->listener, e);
	return rc < 0 || c->paused ? rc : server_worker_listen(&t->worker, true, e);
}

/* A thread that fails stops the others, too. */
static void *thread_main(void *arg)
{
	struct server_thread *t = arg;
	const uint64_t one = 1;
	t->result = thread_place(t->process->part, t->number, &t->e);
	if (t->result == 0)
		t->result = server_worker_run(&t->worker, t->control, &t->e);
	(void)!write(t->control, &one, sizeof(one));
	return NULL;
}

static int thread_start(struct server_process *p, unsigned i, struct err *e)
{
	struct server_thread *t = &p->threads[i];
	int rc = pthread_create(&t->id, NULL, thread_main, t);
	t->started = rc == 0;
	return rc ? err_set(e, rc, "start thread %u: %s", i, strerror(rc)) : 0;
}

static int threads_start(struct server_process *p, struct err *e)
{
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	p->quit = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int rc = p->epoll < 0 || p->quit < 0 ? err_errno(e, "epoll set of the threads") : 0;
	for (unsigned i = 0; i < p->part->threads && rc == 0; i++) {
		rc = thread_open(p, i, p->quit, e);
		if (rc == 0)
			rc = thread_start(p, i, e);
	}
	return rc;
}

/* Returns the first failure. */
static int threads_stop(struct server_process *p, struct err *e)
{
	const uint64_t one = 1;
	int rc = 0;
	if (p->quit >= 0)
		(void)!write(p->quit, &one, sizeof(one));
	for (unsigned i = 0; i < p->part->threads; i++) {
		struct server_thread *t = &p->threads[i];
		if (t->started)
			pthread_join(t->id, NULL);
		if (t->result < 0 && rc == 0) {
			rc = t->result;
			*e = t->e;
		}
	}
	close_fd(&p->quit);
	return rc;
}

static int listener_open(struct server_process *p, struct server_hello *hello, struct err *e)
{
	const struct server_config *c = &p->part->config;
	socklen_t size = sizeof(hello->address);
	struct rlimit limit = {0};
	getrlimit(RLIMIT_NOFILE, &limit);
	int rc = server_shared_open(&p->shared, c, e);
	if (rc < 0)
		return rc;
	p->listener = c->listener > 0 ? c->listener
				      : server_listen(c, p->part->index == 0 || c->own_ports, e);
	if (p->listener < 0)
		return p->listener;
	if (c->pin && c->share == SERVER_REUSEPORT)
		group_by_cpu(p->listener);
	if (getsockname(p->listener, &hello->address.any, &size) < 0)
		return err_errno(e, "getsockname");
	if (c->share == SERVER_FOLLOWERS)
		return threads_start(p, e);
	rc = thread_place(p->part, 0, e);
	if (rc == 0)
		rc = thread_open(p, 0, p->port->channel, e);
	/* Standard streams, the channel, the listener and the epoll set. */
	hello->held = (uint64_t)p->threads[0].worker.epoll + 1;
	hello->soft = limit.rlim_cur;
	hello->hard = limit.rlim_max;
	return rc;
}

static int queue_read(const struct server_process *p, struct server_queue *out, struct err *e)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	if (getsockopt(p->listener, IPPROTO_TCP, TCP_INFO, &info, &size))
		return err_errno(e, "read the accept queue");
	*out = (struct server_queue){.depth = info.tcpi_unacked, .limit = info.tcpi_sacked};
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	size = sizeof(memory);
	if (!getsockopt(p->listener, SOL_SOCKET, SO_MEMINFO, memory, &size))
		out->drops = memory[SK_MEMINFO_DROPS];
	return 0;
}

static void table_fill(const struct server_process *p, uint64_t max, struct server_filled *out)
{
	const struct server_stats *stats = &p->part->stats[0];
	out->connections = counter_get(&stats->accepted) - counter_get(&stats->closed);
	while (out->duplicates < max) {
		if (fcntl(p->listener, F_DUPFD_CLOEXEC, 0) < 0) {
			out->end_errno = errno;
			return;
		}
		out->duplicates++;
	}
}

static int listener_spin(struct server_process *p, uint64_t time_us, struct server_spin *out,
			 struct err *e)
{
	struct server_worker *w = &p->threads[0].worker;
	uint64_t start = clock_ns(), now = start, cpu = clock_cpu_ns();
	uint64_t end = start + (time_us > 1000000 ? 1000000 : time_us) * 1000;
	struct epoll_event event;
	if (p->part->config.share == SERVER_FOLLOWERS)
		return err_set(e, EOPNOTSUPP, "threads wait for the listener");
	server_worker_listen(w, true, NULL);
	for (; now < end; now = clock_ns()) {
		int left_ms = (int)((end - now) / 1000000) + 1;
		if (epoll_wait(w->epoll, &event, 1, left_ms) <= 0)
			continue;
		out->wakeups++;
		if (event.data.fd != p->listener)
			continue;
		int fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			server_worker_adopt(w, fd);
		else
			out->failures += errno != EAGAIN;
	}
	server_worker_listen(w, false, NULL);
	out->cpu_us = (clock_cpu_ns() - cpu) / 1000;
	return 0;
}

/* include/uapi/linux/eventpoll.h of Linux 6.9, which Debian 12's headers lack. */
struct epoll_params_6_9 {
	uint32_t busy_poll_usecs;
	uint16_t busy_poll_budget;
	uint8_t prefer_busy_poll;
	uint8_t pad;
};
#define EPIOCSPARAMS_6_9 _IOW(0x8A, 0x01, struct epoll_params_6_9)

static int busy_poll_set(const struct server_process *p, const struct server_busy_poll *to,
			 struct err *e)
{
	struct epoll_params_6_9 params = {.busy_poll_usecs = to->usecs,
					  .busy_poll_budget = to->budget,
					  .prefer_busy_poll = to->prefer};
	if (!ioctl(p->threads[0].worker.epoll, EPIOCSPARAMS_6_9, &params))
		return 0;
	/* An older kernel has no ioctl for epoll sets. */
	int code = errno == ENOTTY ? EOPNOTSUPP : errno;
	return err_set(e, code, "set busy polling: %s", strerror(code));
}

static void usage_read(const struct server_process *p, struct server_usage *out)
{
	/* Threads change theirs at any time. */
	bool threads = p->part->config.share == SERVER_FOLLOWERS;
	int answered = threads ? -1 : p->threads[0].worker.answered;
	socklen_t size = sizeof(out->napi);
	out->cpu_ns = clock_cpu_ns();
	if (answered < 0 ||
	    getsockopt(answered, SOL_SOCKET, SO_INCOMING_NAPI_ID, &out->napi, &size))
		out->napi = 0;
}

static int process_obey(struct server_process *p, const struct server_request *request,
			union server_answer *answer, struct err *e)
{
	switch (request->verb) {
	case SERVER_USAGE:
		usage_read(p, &answer->usage);
		return 0;
	case SERVER_MEMORY:
		answer->memory = usage_private_bytes();
		return 0;
	case SERVER_QUEUE:
		return queue_read(p, &answer->queue, e);
	case SERVER_RESUME:
		if (listen(p->threads[0].worker.listener, INT_MAX) < 0)
			return err_errno(e, "listen");
		return server_worker_listen(&p->threads[0].worker, true, e);
	case SERVER_FILL:
		table_fill(p, request->argument, &answer->filled);
		return 0;
	case SERVER_SPIN:
		return listener_spin(p, request->argument, &answer->spin, e);
	case SERVER_BUSY_POLL:
		return busy_poll_set(p, &request->busy_poll, e);
	}
	return err_set(e, EINVAL, "unknown request");
}

/* Serves until the channel is readable (1). With threads, waits for the channel, or for a thread to
 * fail (0). */
static int process_wait(struct server_process *p)
{
	if (p->part->config.share != SERVER_FOLLOWERS) {
		int rc = server_worker_run(&p->threads[0].worker, p->port->channel, &p->port->e);
		return rc < 0 ? rc : 1;
	}
	struct pollfd wait[] = {{.fd = p->port->channel, .events = POLLIN},
				{.fd = p->quit, .events = POLLIN}};
	while (poll(wait, 2, -1) < 0)
		if (errno != EINTR)
			return err_errno(&p->port->e, "poll");
	return !wait[1].revents;
}

/* 0 at the end or when a thread failed, else what failed. */
static int process_serve(struct server_process *p)
{
	struct server_request request;
	int rc;
	while ((rc = process_wait(p)) > 0 && task_hear(p->port, &request, sizeof(request))) {
		union server_answer answer = {0};
		struct err e = {0};
		int result = process_obey(p, &request, &answer, &e);
		task_answer(p->port, result, &e, &answer, sizeof(answer));
	}
	return rc < 0 ? rc : 0;
}

int server_main(struct task_port *port, void *arg)
{
	struct server_process p = {
		.part = arg, .port = port, .listener = -1, .epoll = -1, .quit = -1};
	union server_answer hello = {0};
	struct err e = {0};
	p.threads = calloc(p.part->threads, sizeof(*p.threads));
	int rc = p.threads ? listener_open(&p, &hello.hello, &e)
			   : err_set(&e, ENOMEM, "workers: out of memory");
	task_answer(port, rc, &e, &hello, sizeof(hello));
	if (rc == 0)
		rc = process_serve(&p);
	int ended = p.threads ? threads_stop(&p, &port->e) : 0;
	server_shared_close(&p.shared);
	free(p.threads);
	return rc < 0 ? rc : ended;
}
