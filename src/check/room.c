/* Whether the experiments fit into the control group of this process. */
#include "check/room.h"

#include <inttypes.h>
#include <stdio.h>

#include "epolltune/quantity.h"

/* All labs together took 28 MiB and 23 tasks on 2 CPUs; a namespace has counters for each CPU. */
#define LABS_BYTES (UINT64_C(32) << 20)
#define LABS_BYTES_PER_CPU (UINT64_C(1) << 20)
#define LABS_TASKS 28
#define LABS_TASKS_PER_CPU 2

/* A part of what is left. */
#define NOTICEABLE 16

static uint64_t labs_bytes(uint64_t cpus) { return LABS_BYTES + LABS_BYTES_PER_CPU * cpus; }

static uint64_t labs_tasks(uint64_t cpus) { return LABS_TASKS + LABS_TASKS_PER_CPU * cpus; }

bool room_is_scarce(const struct cgroup *group, uint64_t cpus)
{
	return cgroup_left(&group->memory) / NOTICEABLE < labs_bytes(cpus) ||
	       cgroup_left(&group->pids) / NOTICEABLE < labs_tasks(cpus);
}

void room_lacks(const struct cgroup *group, uint64_t cpus, char *why, size_t size)
{
	uint64_t bytes = labs_bytes(cpus), tasks = labs_tasks(cpus);
	*why = 0;
	if (cgroup_left(&group->memory) < bytes)
		snprintf(why, size, "the memory limit of %s leaves %s; the labs take up to %s",
			 cgroup_bound_at(&group->memory, 0)->path,
			 quantity_show(QUANTITY_SIZE, cgroup_left(&group->memory)).text,
			 quantity_show(QUANTITY_SIZE, bytes).text);
	else if (cgroup_left(&group->pids) < tasks)
		snprintf(why, size,
			 "pids.max of %s leaves %" PRIu64
			 " processes; the labs take up to %" PRIu64,
			 cgroup_bound_at(&group->pids, 0)->path, cgroup_left(&group->pids), tasks);
}
