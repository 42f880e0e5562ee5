/* container: internal to src/host/: whose container a process is in, and what that limits. */
#pragma once

#include <sys/types.h>

#include "epolltune/catalogue.h"
#include "epolltune/cgroup.h"

/* What runs the container of a process, by the text of its groups and by its path; NULL: none, or
 * it is unknown. */
const struct container_row *container_find(const struct host *h, pid_t pid, const char *groups,
					   const char *path);
/* Judges whether groups above the visible ones may have limits. `row`: of container_find();
 * `mounts`: the text of /proc/self/mountinfo; `cut`: CONTAINER_…, whose last visible group is not
 * the root of all. */
void container_above_judge(const struct container_row *row, const char *mounts, unsigned cut,
			   struct cgroup *out);
