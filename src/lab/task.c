#include "epolltune/task.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "lab/internal.h"

#define END_MS 5000
#define FDS_MAX 8

/* Before the body of each request and answer. */
struct message {
	uint32_t sequence; /* 0: the task's last words */
	int result;
	struct err e; /* if result is negative */
};

void *task_alloc(const struct task_context *c, size_t size, struct err *e)
{
	if (c->lab)
		return lab_alloc(c->lab, size, e);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory != MAP_FAILED)
		return memory;
	err_errno(e, "%zu bytes of shared memory", size);
	return NULL;
}

static bool message_send(int channel, const struct message *head, const void *body, size_t size)
{
	struct iovec parts[] = {{(void *)(uintptr_t)head, sizeof(*head)},
				{(void *)(uintptr_t)body, size}};
	const struct msghdr m = {.msg_iov = parts, .msg_iovlen = size ? 2 : 1};
	return sendmsg(channel, &m, MSG_NOSIGNAL) == (ssize_t)(sizeof(*head) + size);
}

/* The size of the body, or -1 at the end of the channel. */
static ssize_t message_receive(int channel, struct message *head, void *body, size_t size)
{
	struct iovec parts[] = {{head, sizeof(*head)}, {body, size}};
	struct msghdr m = {.msg_iov = parts, .msg_iovlen = size ? 2 : 1};
	ssize_t n = TEMP_FAILURE_RETRY(recvmsg(channel, &m, 0));
	return n < (ssize_t)sizeof(*head) ? -1 : n - (ssize_t)sizeof(*head);
}

/* The revents of a channel; 0 after the timeout. */
static int channel_poll(int channel, short events, int timeout_ms)
{
	struct pollfd p = {.fd = channel, .events = events};
	int n = (int)TEMP_FAILURE_RETRY(poll(&p, 1, timeout_ms));
	return n > 0 ? p.revents : 0;
}

/* The task's end. */

bool task_hear(struct task_port *p, void *request, size_t size)
{
	struct message head;
	ssize_t n = message_receive(p->channel, &head, request, size);
	if (n != (ssize_t)size)
		return false;
	p->sequence = head.sequence;
	return true;
}

bool task_answer(struct task_port *p, int result, const struct err *e, const void *answer,
		 size_t size)
{
	struct message head = {.sequence = p->sequence, .result = result};
	if (result < 0 && e)
		head.e = *e;
	else if (result < 0)
		err_set(&head.e, -result, "%s", strerror(-result));
	return message_send(p->channel, &head, answer, size);
}

bool task_ended(const struct task_port *p) { return channel_poll(p->channel, POLLRDHUP, 0); }

void task_run(int channel, task_main main, void *arg)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGPIPE};
	struct task_port port = {.channel = channel, .sequence = 1};
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	int rc = main(&port, arg);
	if (rc < 0 && port.e.code) {
		port.sequence = 0;
		task_answer(&port, rc, &port.e, NULL, 0);
	}
	/* Before the channel: task_end() takes its end for the end of all. */
	close_descriptors((unsigned)channel + 1, ~0U);
	_exit(rc < 0 ? 1 : 0);
}

/* The caller's end. */

static int child_start(const int pair[2], task_main main, void *arg, pid_t *pid, struct err *e)
{
	pid_t parent = getpid();
	*pid = fork();
	if (*pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		close(pair[0]);
		task_run(pair[1], main, arg);
	}
	return *pid < 0 ? err_errno(e, "start a process") : 0;
}

int task_start(struct task *t, const struct task_context *where, task_main main, void *arg,
	       struct err *e)
{
	int pair[2];
	pid_t pid = -1;
	*t = (struct task){0};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, "channel to a task");
	int rc = where->lab ? lab_fork(where->lab, where->host, main, arg, pair[1], e)
			    : child_start(pair, main, arg, &pid, e);
	close(pair[1]);
	if (rc < 0) {
		close(pair[0]);
		return rc;
	}
	*t = (struct task){.running = true, .channel = pair[0], .pid = pid, .asked = 1};
	return 0;
}

/* Says how a task has exited. */
static int task_gone(struct task *t, const struct message *last, struct err *e)
{
	int status = 0, pid = (int)t->pid;
	bool known = pid > 0 && waitpid(t->pid, &status, 0) == t->pid;
	t->pid = -1;
	t->answered = t->asked;
	if (known && WIFSIGNALED(status))
		return err_set(e, ECHILD, "process %d was killed by signal %d (%s)", pid,
			       WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (last)
		return err_set(e, ECHILD, "exited: %s", last->e.text);
	if (known)
		return err_set(e, ECHILD, "process %d exited with status %d", pid,
			       WEXITSTATUS(status));
	return err_set(e, ECHILD, "exited unexpectedly");
}

int task_send(struct task *t, const void *request, size_t size, struct err *e)
{
	const struct message head = {.sequence = t->asked + 1};
	if (!t->running)
		return err_set(e, ECHILD, "is not running");
	if (!message_send(t->channel, &head, request, size)) {
		int rc = err_errno(e, "send to a task");
		return rc == -EPIPE || rc == -ECONNRESET ? task_gone(t, NULL, e) : rc;
	}
	t->asked++;
	return 0;
}

/* Milliseconds left until `end_ns`. */
static int left_ms(uint64_t end_ns)
{
	uint64_t now = clock_ns();
	return now < end_ns ? (int)((end_ns - now + 999999) / 1000000) : 0;
}

int task_await(struct task *t, void *answer, size_t size, int timeout_ms, struct err *e)
{
	uint64_t end = clock_ns() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms) * 1000000;
	struct message head;
	if (!t->running)
		return err_set(e, ECHILD, "is not running");
	do {
		int events = channel_poll(t->channel, POLLIN, timeout_ms < 0 ? -1 : left_ms(end));
		if (!events)
			return err_set(e, ETIMEDOUT, "no answer within %d ms", timeout_ms);
		ssize_t n = message_receive(t->channel, &head, answer, size);
		if (n < 0 || !head.sequence)
			return task_gone(t, n < 0 ? NULL : &head, e);
		t->answered = head.sequence;
		if (t->answered == t->asked && head.result >= 0 && n != (ssize_t)size)
			return err_set(e, EPROTO, "truncated answer");
	} while (t->answered != t->asked);
	if (head.result < 0 && e)
		*e = head.e;
	return head.result;
}

int task_ask(struct task *t, const void *request, size_t request_size, void *answer, size_t size,
	     int timeout_ms, struct err *e)
{
	int rc = task_send(t, request, request_size, e);
	return rc < 0 ? rc : task_await(t, answer, size, timeout_ms, e);
}

int task_await_all(struct task *tasks, size_t count, int timeout_ms, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < count; i++) {
		int theirs = task_await(&tasks[i], NULL, 0, timeout_ms, rc < 0 ? NULL : e);
		rc = rc < 0 ? rc : theirs;
	}
	return rc;
}

int task_select(const struct task *tasks, size_t count, int timeout_ms)
{
	struct pollfd p[TASKS_MAX];
	for (size_t i = 0; i < count; i++)
		p[i] = (struct pollfd){.fd = tasks[i].answered != tasks[i].asked ? tasks[i].channel
										 : -1,
				       .events = POLLIN};
	int n = poll(p, (nfds_t)count, timeout_ms);
	for (size_t i = 0; i < count && n > 0; i++)
		if (p[i].revents)
			return (int)i;
	return -ETIMEDOUT;
}

int task_check(struct task *t, struct err *e)
{
	struct message head = {.sequence = 0};
	if (!(channel_poll(t->channel, POLLRDHUP, 0) & (POLLRDHUP | POLLHUP | POLLERR)))
		return 0;
	ssize_t n;
	do
		n = message_receive(t->channel, &head, NULL, 0);
	while (n >= 0 && head.sequence);
	return task_gone(t, n < 0 ? NULL : &head, e);
}

/* Waits for the end of the channel; kills a child that keeps it open. */
static int task_reap(struct task *t)
{
	int status = 0;
	char rest[64];
	ssize_t n = 1;
	while (n > 0 && channel_poll(t->channel, POLLIN, END_MS))
		n = recv(t->channel, rest, sizeof(rest), 0);
	close_fd(&t->channel);
	if (t->pid <= 0)
		return 0;
	if (n > 0)
		kill(t->pid, SIGKILL);
	while (waitpid(t->pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0 ? 0 : -ECHILD;
}

int task_end_all(struct task *tasks, size_t count)
{
	int rc = 0;
	for (size_t i = 0; i < count; i++)
		if (tasks[i].running)
			shutdown(tasks[i].channel, SHUT_WR);
	for (size_t i = 0; i < count; i++) {
		int theirs = tasks[i].running ? task_reap(&tasks[i]) : 0;
		rc = rc < 0 ? rc : theirs;
		tasks[i] = (struct task){0};
	}
	return rc;
}

int task_end(struct task *t) { return task_end_all(t, 1); }

/* Descriptors. */

union rights {
	struct cmsghdr header;
	char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

int task_send_fds(int socket, const int *fds, size_t count, struct err *e)
{
	char byte = 'f';
	union rights rights = {0};
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &rights,
			   .msg_controllen = CMSG_SPACE(count * sizeof(*fds))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(*fds));
	memcpy(CMSG_DATA(c), fds, count * sizeof(*fds));
	return sendmsg(socket, &m, MSG_NOSIGNAL) == 1 ? 0 : err_errno(e, "pass descriptors");
}

int task_receive_fds(int socket, int *fds, size_t count, struct err *e)
{
	char byte;
	union rights rights = {0};
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &rights,
			   .msg_controllen = sizeof(rights)};
	ssize_t n = TEMP_FAILURE_RETRY(recvmsg(socket, &m, MSG_CMSG_CLOEXEC));
	if (n != 1)
		return n < 0 ? err_errno(e, "receive descriptors")
			     : err_set(e, EPIPE, "receive descriptors: the other end has exited");
	const struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	size_t got =
		c && c->cmsg_type == SCM_RIGHTS ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(*fds) : 0;
	int all[FDS_MAX];
	if (got)
		memcpy(all, CMSG_DATA(c), got * sizeof(*all));
	if (got == count) {
		memcpy(fds, all, count * sizeof(*fds));
		return 0;
	}
	while (got)
		close(all[--got]);
	return err_set(e, EMFILE, "receive descriptors: %s", strerror(EMFILE));
}
