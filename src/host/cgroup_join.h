/* cgroup_join: internal to src/host/: the limits of groups, in order and of several groups
 * together. Pure. */
#pragma once

#include "epolltune/cgroup.h"

/* Adds a limit, which may push out the one that leaves most. */
void cgroup_bound_insert(struct cgroup_limit *l, const struct cgroup_bound *one);
