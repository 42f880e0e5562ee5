/* The resident process of a lab host: runs functions and forks tasks on request. */
#include "lab/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TASK_CHANNEL 3
/* Highest descriptor that is closed one by one: the usual soft limit. */
#define DESCRIPTORS 1024

struct agent {
	int socket;
	struct host *host;
	pid_t tasks[LAB_TASKS]; /* 0: free */
};

/* Reaps tasks, and orphans where this agent is init of the PID namespace. */
static void agent_reap(struct agent *a)
{
	pid_t pid;
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (size_t i = 0; i < LAB_TASKS; i++)
			if (a->tasks[i] == pid)
				a->tasks[i] = 0;
}

static void agent_end_tasks(struct agent *a)
{
	agent_reap(a);
	for (size_t i = 0; i < LAB_TASKS; i++)
		if (a->tasks[i] > 0)
			kill(a->tasks[i], SIGKILL);
	for (size_t i = 0; i < LAB_TASKS; i++)
		if (a->tasks[i] > 0)
			waitpid(a->tasks[i], NULL, 0);
}

void close_descriptors(unsigned first, unsigned last)
{
	/* Before 5.9, or refused by a seccomp filter. */
	if (first <= last && syscall(SYS_close_range, first, last, 0))
		for (unsigned fd = first; fd <= last && fd < DESCRIPTORS; fd++)
			close((int)fd);
}

/* Leaves the task its channel and standard streams, none of the agent's descriptors. */
static void task_enter(int channel)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int null = open("/dev/null", O_RDWR);
	/* Moved up first: dup2() must not overwrite it. */
	int kept = fcntl(channel, F_DUPFD, TASK_CHANNEL + 1);
	if (kept < 0)
		kept = channel;
	dup2(null, 0);
	dup2(null, 1);
	if (fcntl(2, F_GETFD) < 0)
		dup2(null, 2);
	dup2(kept, TASK_CHANNEL);
	close_descriptors(TASK_CHANNEL + 1, ~0U);
}

static void agent_spawn(struct agent *a, const struct agent_request *request, int channel)
{
	struct agent_reply reply = {.sequence = request->sequence};
	size_t slot = 0;
	agent_reap(a);
	while (slot < LAB_TASKS && a->tasks[slot])
		slot++;
	if (channel < 0) {
		/* The kernel drops a descriptor that exceeds RLIMIT_NOFILE (MSG_CTRUNC). */
		reply.result = err_set(&reply.e, EMFILE, "lab: start a task: %s", strerror(EMFILE));
	} else if (slot == LAB_TASKS) {
		reply.result = err_set(&reply.e, EAGAIN,
				       "lab: start a task: %d are running, the maximum", LAB_TASKS);
	} else {
		pid_t pid = fork();
		if (pid == 0) {
			task_enter(channel);
			int rc = request->task(TASK_CHANNEL, request->arg);
			/* Before the channel: lab_finish() takes its end for the end of all. */
			close_descriptors(TASK_CHANNEL + 1, ~0U);
			_exit(rc ? 1 : 0);
		}
		if (pid < 0)
			reply.result = err_errno(&reply.e, "lab: start a task");
		else
			a->tasks[slot] = pid;
	}
	if (channel >= 0)
		close(channel);
	send(a->socket, &reply, sizeof(reply), MSG_NOSIGNAL);
}

static void agent_call(struct agent *a, const struct agent_request *request)
{
	struct agent_reply reply = {.sequence = request->sequence};
	if (!a->host)
		reply.result = host_open(&a->host, "/", &reply.e);
	if (!reply.result)
		reply.result = request->function(a->host, request->arg, &reply.e);
	send(a->socket, &reply, sizeof(reply), MSG_NOSIGNAL);
}

/* Returns false once the socket is closed. */
static bool agent_receive(struct agent *a, struct agent_request *request, int *channel)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {request, sizeof(*request)};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t n;
	do
		n = recvmsg(a->socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(*request))
		return false;
	*channel = -1;
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(channel, CMSG_DATA(c), sizeof(int));
	return true;
}

void agent_serve(int socket)
{
	struct agent agent = {.socket = socket};
	struct agent_request request;
	int channel;
	while (agent_receive(&agent, &request, &channel)) {
		if (request.task)
			agent_spawn(&agent, &request, channel);
		else
			agent_call(&agent, &request);
	}
	agent_end_tasks(&agent);
	host_close(agent.host);
}
