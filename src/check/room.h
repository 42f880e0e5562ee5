/* room: whether the experiments fit into the control group of this process. */
#pragma once

#include <stddef.h>

#include "epolltune/cgroup.h"

/* Writes why the group cannot hold the labs, a clause; "": it can. What an experiment takes beside
 * that is its own cost. Pure. */
void room_lacks(const struct cgroup *group, uint64_t cpus, char *why, size_t size);
