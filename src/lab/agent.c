/* The resident process of a lab host: runs functions and forks tasks on request. */
#include "lab/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "host/compat.h"

#define TASK_CHANNEL 3
/* Highest descriptor that is closed one by one: the usual soft limit. */
#define DESCRIPTORS 1024
/* For what the last command has started; its end takes half of it at most. */
#define ALONE_MS 8000

struct agent {
	struct task_port port;
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
static _Noreturn void task_enter(int channel, const struct agent_request *request)
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
	task_run(TASK_CHANNEL, request->main, request->arg);
}

/* Waits for the end of all other processes of this PID namespace; kills them in the end. */
static void agent_clear(struct agent *a)
{
	if (getpid() != 1) /* kill(-1) would leave its PID namespace */
		return;
	for (unsigned ms = 0; ms < ALONE_MS; ms++) {
		agent_reap(a);
		if (kill(-1, ms < ALONE_MS / 2 ? 0 : SIGKILL))
			return;
		clock_sleep_ms(1);
	}
}

static int agent_fork(struct agent *a, const struct agent_request *request, struct err *e)
{
	CLEAN(close_fd) int channel = -1;
	size_t slot = 0;
	agent_reap(a);
	int rc = task_receive_fds(a->port.channel, &channel, 1, e);
	if (rc < 0)
		return err_prefix(e, "lab: start a task");
	while (slot < LAB_TASKS && a->tasks[slot])
		slot++;
	if (slot == LAB_TASKS)
		return err_set(e, EAGAIN, "lab: start a task: %d are running, the maximum",
			       LAB_TASKS);
	pid_t pid = fork();
	if (pid == 0)
		task_enter(channel, request);
	if (pid < 0)
		return fork_refused(e, "lab: start a task");
	a->tasks[slot] = pid;
	return 0;
}

static int agent_call(struct agent *a, const struct agent_request *request, struct err *e)
{
	int rc = a->host ? 0 : host_open(&a->host, "/", e);
	return rc ? rc : request->function(a->host, request->arg, e);
}

void agent_serve(struct task_port *port, bool patient)
{
	struct agent agent = {.port = *port};
	struct agent_request request;
	while (task_hear(&agent.port, &request, sizeof(request))) {
		struct err e = {0};
		if (request.alone)
			agent_clear(&agent);
		int rc = request.function ? agent_call(&agent, &request, &e)
					  : agent_fork(&agent, &request, &e);
		task_answer(&agent.port, rc, &e, NULL, 0);
	}
	if (patient)
		agent_clear(&agent);
	agent_end_tasks(&agent);
	host_close(agent.host);
}
