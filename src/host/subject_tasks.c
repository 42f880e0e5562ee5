/* The limits on processes and threads that a server in question meets when it starts another. */
#include "epolltune/subject.h"

#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "host/machine.h"
#include "host/processes.h"
#include "host/subject_space.h"

#define NPROC_KEY "Max processes"
/* linux/proc_ns.h, PROC_USER_INIT_INO. */
#define INITIAL_USER_NAMESPACE UINT64_C(0xEFFFFFFD)

struct task {
	struct process_status status;
	uint64_t user_namespace; /* 0: not visible */
};

static bool task_read(int process, struct task *out)
{
	char text[4096];
	if (process_file(process, "status", text, sizeof(text)) < 0 ||
	    !process_status_parse(text, &out->status))
		return false;
	out->user_namespace = process_namespace(process, "user");
	return true;
}

/* kernel/fork.c, copy_process(): its limit does not bind the first user, nor who has one of these.
 */
static bool is_exempt(const struct task *t)
{
	uint64_t mighty = UINT64_C(1) << CAP_SYS_RESOURCE | UINT64_C(1) << CAP_SYS_ADMIN;
	return t->user_namespace == INITIAL_USER_NAMESPACE &&
	       (!t->status.uid || t->status.effective & mighty);
}

/* Since Linux 5.14 each user namespace counts for itself (kernel/ucount.c); before, all together.
 */
static bool counts_with(const struct task *t, const struct task *other)
{
	return other->status.uid == t->status.uid && other->user_namespace == t->user_namespace;
}

static int tasks_count(const struct host *h, const struct task *of, uint64_t *used, struct err *e)
{
	CLEAN(free_pointer) struct process_stat *all = NULL;
	size_t count = 0;
	int rc = process_list(h, &all, &count, e);
	for (size_t i = 0; i < count && !rc; i++) {
		struct task other;
		CLEAN(close_fd) int process = process_open(h, all[i].pid, NULL);
		if (process >= 0 && task_read(process, &other) && counts_with(of, &other))
			*used += other.status.threads;
	}
	return rc;
}

/* All of this PID namespace and those below it. */
static uint64_t threads_here(const struct host *h)
{
	CLEAN(free_pointer) struct process_stat *all = NULL;
	size_t count = 0;
	uint64_t sum = 0;
	process_list(h, &all, &count, NULL);
	for (size_t i = 0; i < count; i++)
		sum += all[i].threads;
	return sum;
}

/* Since Linux 6.14 (7863dcc72d0f) a PID namespace has a limit of its own, and those above it count,
 * too; before, all have one (kernel/pid.c, alloc_pid()). */
static void pids_read(const struct host *h, struct subject_tasks *out)
{
	struct host_identity here;
	uint64_t pid_max = 0;
	host_read_u64(h, "proc/sys/kernel/pid_max", &pid_max, NULL);
	out->pids_max = pid_max > PIDS_RESERVED ? pid_max - PIDS_RESERVED : 0;
	out->pids_hidden = (host_identity(h, &here, NULL) || !here.first_pids) &&
			   host_kernel(h) >= KERNEL(6, 14);
	out->pids = out->pids_hidden ? threads_here(h) : out->threads;
}

static void threads_read(const struct host *h, struct subject_tasks *out)
{
	char text[128];
	host_read_u64(h, "proc/sys/kernel/threads-max", &out->threads_max, NULL);
	/* "0.20 0.18 0.12 1/80 11206": runnable and all. */
	const char *all = host_read(h, "proc/loadavg", text, sizeof(text), NULL) > 0
				  ? strchr(text, '/')
				  : NULL;
	out->threads = all ? strtoull(all + 1, NULL, 10) : 0;
	pids_read(h, out);
}

/* Whether the limit of a worker binds nothing: it starts no threads, and who forks it is exempt. */
static bool is_forked(const struct host *h, const struct subject *s, const struct task *worker)
{
	struct task master;
	CLEAN(close_fd)
	int process = worker->status.threads == 1 && s->pid ? process_open(h, s->pid, NULL) : -1;
	return process >= 0 && task_read(process, &master) && is_exempt(&master);
}

static int nproc_read(const struct host *h, const struct subject *s, struct subject_tasks *out,
		      struct err *e)
{
	char text[4096];
	struct task own;
	uint64_t soft, hard;
	CLEAN(close_fd) int process = process_open(h, out->pid, NULL);
	out->hidden = process < 0 || process_file(process, "limits", text, sizeof(text)) < 0 ||
		      !process_limit_parse(text, NPROC_KEY, &soft, &hard);
	if (out->hidden || soft == HOST_UNLIMITED)
		return 0;
	out->hidden = !task_read(process, &own) || !own.user_namespace;
	if (out->hidden || is_exempt(&own) || is_forked(h, s, &own))
		return 0;
	out->max = soft;
	return tasks_count(h, &own, &out->used, e);
}

int subject_tasks_read(const struct host *h, const struct subject *s, struct subject_tasks *out,
		       struct err *e)
{
	pid_t pid = s->acceptor_count ? s->acceptors[0].pid : s->pid;
	*out = (struct subject_tasks){.max = HOST_UNLIMITED, .pid = pid};
	if (!pid || !host_live(h)) {
		out->hidden = true;
		return 0;
	}
	threads_read(h, out);
	subject_space_read(h, s, out);
	return s->activated ? 0 : nproc_read(h, s, out, e);
}
