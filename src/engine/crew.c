#include "engine/crew.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/clock.h"
#include "engine/cpus.h"
#include "engine/usage.h"
#include "epolltune/cleanup.h"

#define PATIENCE_MS 10000

static const char *const share_names[] = {
	[CREW_REUSEPORT] = "reuseport",
	[CREW_EXCLUSIVE] = "exclusive",
	[CREW_FOLLOWERS] = "leader-follower",
};
static const char *const mode_names[] = {
	[WORKER_LEVEL] = "level",
	[WORKER_EDGE] = "edge",
	[WORKER_ONESHOT] = "oneshot",
	[WORKER_LEVEL_MOD] = "level-mod",
};

const char *crew_share_name(enum crew_share s) { return share_names[s]; }
const char *worker_mode_name(enum worker_mode m) { return mode_names[m]; }

bool crew_share_parse(const char *name, enum crew_share *out)
{
	for (size_t i = 0; i < sizeof(share_names) / sizeof(share_names[0]); i++)
		if (strcmp(share_names[i], name) == 0) {
			*out = (enum crew_share)i;
			return true;
		}
	return false;
}

bool worker_mode_parse(const char *name, enum worker_mode *out)
{
	for (size_t i = 0; i < sizeof(mode_names) / sizeof(mode_names[0]); i++)
		if (strcmp(mode_names[i], name) == 0) {
			*out = (enum worker_mode)i;
			return true;
		}
	return false;
}

/* Commands and answers on the channel of a process. */
enum verb { VERB_USAGE };
struct answer {
	int code;
	struct err e;
	union endpoint address; /* in the first answer only */
	struct crew_usage usage;
};

/* One process, in shared memory. */
struct crew_part {
	struct crew_config config;
	unsigned index;
	unsigned threads;
	struct err end;              /* why it exited */
	struct server_stats stats[]; /* one per thread */
};

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

/* Accepted sockets inherit TCP_NODELAY. The first listener of a SO_REUSEPORT group binds without
 * that option, so that it does not join the group of another program. */
static int listener_open(const struct crew_config *c, bool first, struct err *e)
{
	int on = 1, share = c->share == CREW_REUSEPORT;
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

/* One worker: the only thread of a process, or one of the threads that share its epoll set. */
struct hand {
	struct worker worker;
	struct worker_config config;
	int control;
	pthread_t thread;
	bool started;
	int result;
	struct err e;
};

struct process {
	struct crew_part *part;
	struct worker_shared shared;
	int channel, listener, epoll;
	int quit; /* eventfd that stops the threads */
	struct hand *hands;
};

static int hand_open(struct process *p, unsigned i, struct err *e)
{
	const struct crew_config *c = &p->part->config;
	struct hand *h = &p->hands[i];
	h->config = (struct worker_config){
		.mode = c->mode,
		.close_after_reply = c->close_after_reply,
		.exclusive = c->share == CREW_EXCLUSIVE || c->listener >= 0,
		.cpu = c->pin ? cpus_nth(c->share == CREW_FOLLOWERS ? i : p->part->index) : -1,
		.batch = c->batch,
	};
	h->control = p->quit >= 0 ? p->quit : p->channel;
	int rc = worker_open(&h->worker, &h->config, &p->part->stats[i], &p->shared, p->epoll,
			     p->listener, e);
	return rc == 0 ? worker_listen(&h->worker, true, e) : rc;
}

/* A thread that fails stops the others, too. */
static void *hand_main(void *arg)
{
	struct hand *h = arg;
	const uint64_t one = 1;
	h->result = worker_run(&h->worker, h->control, &h->e);
	(void)!write(h->control, &one, sizeof(one));
	return NULL;
}

static int followers_start(struct process *p, struct err *e)
{
	p->quit = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->quit < 0)
		return err_errno(e, "eventfd");
	for (unsigned i = 0; i < p->part->threads; i++) {
		struct hand *h = &p->hands[i];
		int rc = hand_open(p, i, e);
		if (rc < 0)
			return rc;
		rc = pthread_create(&h->thread, NULL, hand_main, h);
		if (rc)
			return err_set(e, rc, "start thread %u: %s", i, strerror(rc));
		h->started = true;
	}
	return 0;
}

/* Returns the first failure. */
static int followers_stop(struct process *p, struct err *e)
{
	const uint64_t one = 1;
	int rc = 0;
	if (p->quit >= 0)
		(void)!write(p->quit, &one, sizeof(one));
	for (unsigned i = 0; i < p->part->threads; i++) {
		struct hand *h = &p->hands[i];
		if (h->started)
			pthread_join(h->thread, NULL);
		if (h->result < 0 && rc == 0) {
			rc = h->result;
			*e = h->e;
		}
	}
	close_fd(&p->quit);
	return rc;
}

static int process_open(struct process *p, struct answer *hello)
{
	const struct crew_config *c = &p->part->config;
	socklen_t size = sizeof(hello->address);
	int rc = worker_shared_open(&p->shared, c->rests, &hello->e);
	if (rc < 0)
		return rc;
	p->listener = c->listener >= 0
			      ? c->listener
			      : listener_open(c, p->part->index == 0 || c->apart, &hello->e);
	if (p->listener < 0)
		return p->listener;
	if (c->pin && c->share == CREW_REUSEPORT)
		group_by_cpu(p->listener);
	if (c->share == CREW_FOLLOWERS) {
		p->epoll = epoll_create1(EPOLL_CLOEXEC);
		if (p->epoll < 0)
			return err_errno(&hello->e, "epoll_create1");
	}
	if (getsockname(p->listener, &hello->address.any, &size) < 0)
		return err_errno(&hello->e, "getsockname");
	return c->share == CREW_FOLLOWERS ? followers_start(p, &hello->e)
					  : hand_open(p, 0, &hello->e);
}

/* Serves until the channel is readable (1). With threads, waits for the channel, or for a thread to
 * fail (0). */
static int process_wait(struct process *p, struct err *e)
{
	if (p->part->config.share != CREW_FOLLOWERS) {
		int rc = worker_run(&p->hands[0].worker, p->channel, e);
		return rc < 0 ? rc : 1;
	}
	struct pollfd wait[] = {{.fd = p->channel, .events = POLLIN},
				{.fd = p->quit, .events = POLLIN}};
	if (poll(wait, 2, -1) < 0)
		return errno == EINTR ? 1 : err_errno(e, "poll");
	return !wait[1].revents;
}

/* 0 at the end or when a thread failed, else what failed. */
static int process_serve(struct process *p, struct err *e)
{
	struct answer answer = {0};
	enum verb verb;
	for (;;) {
		int rc = process_wait(p, e);
		if (rc <= 0)
			return rc;
		ssize_t n = recv(p->channel, &verb, sizeof(verb), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n != sizeof(verb))
			return 0;
		answer.code = 0;
		answer.usage.cpu_ns = clock_cpu_ns();
		answer.usage.private_bytes = usage_private_bytes();
		if (send(p->channel, &answer, sizeof(answer), MSG_NOSIGNAL) != sizeof(answer))
			return 0;
	}
}

static int process_main(int channel, void *arg)
{
	struct process p = {
		.part = arg, .channel = channel, .listener = -1, .epoll = -1, .quit = -1};
	struct answer hello = {0};
	/* The parent handles ^C from a terminal and a stop by the service manager. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	p.hands = calloc(p.part->threads, sizeof(*p.hands));
	int rc = p.hands ? process_open(&p, &hello)
			 : err_set(&hello.e, ENOMEM, "no memory for workers");
	hello.code = -rc;
	send(channel, &hello, sizeof(hello), MSG_NOSIGNAL);
	if (rc == 0)
		rc = process_serve(&p, &p.part->end);
	int ended = p.hands ? followers_stop(&p, &p.part->end) : 0;
	worker_shared_close(&p.shared);
	free(p.hands);
	return rc < 0 ? rc : ended;
}

/* Reports how a process with a closed channel exited. */
static int process_gone(struct crew_process *p, unsigned i, struct err *e)
{
	int status = 0, pid = (int)p->pid;
	const struct err *end = &p->part->end;
	bool known = pid > 0 && waitpid(p->pid, &status, 0) == p->pid;
	p->pid = -1;
	if (known && WIFSIGNALED(status))
		return err_set(e, ECHILD, "server worker %u (pid %d) was killed by signal %d (%s)",
			       i, pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (end->code)
		return err_set(e, ECHILD, "server worker %u exited: %s", i, end->text);
	if (known)
		return err_set(e, ECHILD, "server worker %u (pid %d) exited with status %d", i, pid,
			       WEXITSTATUS(status));
	return err_set(e, ECHILD, "server worker %u was killed", i);
}

static int answer_await(struct crew *c, unsigned i, struct answer *a, struct err *e)
{
	ssize_t n = lab_receive(c->at[i].channel, a, sizeof(*a), PATIENCE_MS, e);
	if (n == -EPIPE)
		return process_gone(&c->at[i], i, e);
	if (n < 0)
		return err_prefix(e, "server worker %u", i);
	if (a->code) {
		*e = a->e;
		return -a->code;
	}
	return 0;
}

static int process_start(struct crew *c, const struct place *place, unsigned threads, struct err *e)
{
	unsigned i = c->processes;
	struct answer hello;
	struct crew_part *part =
		place_alloc(place, sizeof(*part) + threads * sizeof(part->stats[0]), e);
	if (!part)
		return -e->code;
	part->config = c->config;
	part->config.address = c->address;
	if (c->config.apart) {
		part->config.address = c->config.address;
		part->config.address.v4.sin_addr.s_addr =
			htonl(ntohl(c->config.address.v4.sin_addr.s_addr) + i);
	}
	part->index = i;
	part->threads = threads;
	c->at[i] = (struct crew_process){.channel = -1, .pid = -1, .part = part};
	int rc = place_spawn(place, process_main, part, &c->at[i].channel, &c->at[i].pid, e);
	if (rc < 0)
		return rc;
	c->processes++;
	rc = answer_await(c, i, &hello, e);
	if (rc < 0)
		return rc;
	c->at[i].address = hello.address;
	if (i == 0)
		c->address = hello.address; /* the others join its port */
	return 0;
}

/* Processes that share a listener inherit it, so it is opened here. */
static int shared_listener(struct crew *c, const struct place *place, struct err *e)
{
	if (c->config.share != CREW_EXCLUSIVE || c->config.listener >= 0)
		return 0;
	if (place->lab)
		return err_set(e, EINVAL, "processes in a lab cannot share one listener");
	c->config.listener = listener_open(&c->config, true, e);
	return c->config.listener < 0 ? c->config.listener : 0;
}

int crew_start(struct crew *c, const struct place *place, const struct crew_config *config,
	       struct err *e)
{
	bool threads = config->share == CREW_FOLLOWERS;
	*c = (struct crew){.config = *config, .address = config->address};
	if (!config->workers || config->workers > CREW_WORKERS)
		return err_set(e, EINVAL, "1 to %d workers, not %u", CREW_WORKERS, config->workers);
	if (threads && config->mode != WORKER_ONESHOT)
		return err_set(
			e, EINVAL,
			"leader-follower needs oneshot, or two threads would serve one connection");
	int rc = shared_listener(c, place, e);
	for (unsigned i = 0; i < (threads ? 1 : config->workers) && rc == 0; i++)
		rc = process_start(c, place, threads ? config->workers : 1, e);
	/* The processes have it now; here it would keep the port open after they exit. */
	if (config->listener < 0 && c->config.listener >= 0)
		close_fd(&c->config.listener);
	if (rc < 0)
		crew_stop(c);
	return rc;
}

int crew_stop(struct crew *c)
{
	int rc = 0;
	/* Signal all before waiting for any, so that they stop in parallel. */
	for (unsigned i = 0; i < c->processes; i++)
		shutdown(c->at[i].channel, SHUT_WR);
	for (unsigned i = 0; i < c->processes; i++)
		if (place_finish(&c->at[i].channel, &c->at[i].pid) < 0)
			rc = -ECHILD;
	c->processes = 0;
	return rc;
}

struct crew_sum crew_sum(const struct crew *c)
{
	struct crew_sum sum = {0};
	/* Read `closed` first: a thread may close what another one accepted, and the sum of closed
	 * connections must not exceed that of accepted ones. */
	for (unsigned i = 0; i < c->processes; i++)
		for (unsigned k = 0; k < c->at[i].part->threads; k++)
			sum.closed += counter_get(&c->at[i].part->stats[k].closed);
	for (unsigned i = 0; i < c->processes; i++)
		for (unsigned k = 0; k < c->at[i].part->threads; k++) {
			const struct server_stats *s = &c->at[i].part->stats[k];
			sum.accepted += counter_get(&s->accepted);
			sum.requests += counter_get(&s->requests);
			sum.bytes += counter_get(&s->bytes);
			sum.wakeups += counter_get(&s->wakeups);
			sum.resets += counter_get(&s->resets);
			sum.refused += counter_get(&s->refused);
			sum.accept_fails += counter_get(&s->accept_fails);
			if (!sum.accept_errno)
				sum.accept_errno = s->accept_errno;
		}
	return sum;
}

int crew_usage(struct crew *c, struct crew_usage *out, struct err *e)
{
	const enum verb verb = VERB_USAGE;
	*out = (struct crew_usage){0};
	for (unsigned i = 0; i < c->processes; i++) {
		struct answer a;
		int rc = lab_send(c->at[i].channel, &verb, sizeof(verb), e);
		rc = rc < 0 && rc != -EPIPE ? rc : answer_await(c, i, &a, e);
		if (rc < 0)
			return rc;
		out->cpu_ns += a.usage.cpu_ns;
		out->private_bytes += a.usage.private_bytes;
	}
	return 0;
}

int crew_check(struct crew *c, struct err *e)
{
	for (unsigned i = 0; i < c->processes; i++) {
		struct pollfd p = {.fd = c->at[i].channel, .events = POLLRDHUP};
		if (poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLERR | POLLRDHUP))
			return process_gone(&c->at[i], i, e);
	}
	return 0;
}
