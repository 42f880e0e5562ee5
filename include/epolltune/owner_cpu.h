/* owner_cpu: what takes the CPU from the processes whose accept queues are in trouble: a quota of
 * their control group, or the hypervisor. */
#pragma once

#include "epolltune/cgroup.h"
#include "epolltune/listener.h"
#include "epolltune/report.h"
#include "epolltune/wording.h"

/* A quota of a process. */
struct owner_quota {
	pid_t pid;
	const struct container_row *container; /* that has the process; NULL: none that is known */
	struct cgroup_quota quota;
};

struct owner_cpu {
	struct owner_quota *at;
	size_t count;
	uint64_t stolen, all; /* ticks of all CPUs since boot: those that the hypervisor took */
};

/* The quotas of the owners of the listeners that `wanted` chooses, of some processes. The caller
 * frees with owner_cpu_free(), also after an error. */
int owner_cpu_read(const struct host *h, const struct listeners *l,
		   bool (*wanted)(const struct listener *l, void *arg), void *arg,
		   struct owner_cpu *out, struct err *e);
void owner_cpu_free(struct owner_cpu *c);
/* Readings of a window. A queue that was empty at the first look had no owner there: what counts is
 * the earliest reading that has the process. */
struct owner_cpu_watch {
	const struct owner_cpu *before, *middle, *after;
};
/* Whose limit makes a process slow meanwhile; REMEDY_NONE: none of these. Pure. */
enum finding_remedy owner_cpu_remedy(const struct owner_cpu_watch *, const struct process *p);
/* Adds {cpu}, a sentence: which quota stopped a process meanwhile, and what the hypervisor took;
 * "": neither. Where that explains why it is slow {denied}, and {help} says what to do. Pure. */
void owner_cpu_words(const struct owner_cpu_watch *, const struct process *p,
		     struct wording *words);
