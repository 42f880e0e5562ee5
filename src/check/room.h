/* room: whether the experiments fit into the control group of this process. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "epolltune/cgroup.h"

/* Writes why the group cannot hold the labs, a clause; "": it can. What an experiment takes beside
 * that is its own cost. Pure. */
void room_lacks(const struct cgroup *group, uint64_t cpus, char *why, size_t size);
/* Whether the labs would take a noticeable part of what the group leaves. Pure. */
bool room_is_scarce(const struct cgroup *group, uint64_t cpus);
