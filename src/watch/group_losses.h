/* group_losses: what control groups lose while they are watched, by the limits that they have. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cgroup;

/* A counter of a group as it was last, or the growth of those of all groups that have a limit. */
struct group_tally {
	uint64_t key;
	int64_t value;
	int64_t grown;   /* of the growth, what the last look has added */
	unsigned unseen; /* looks since it was counted */
};

/* Zeroed: nothing was seen. */
struct group_losses {
	struct group_tally *at;
	size_t count;
};

/* What its row is of: a group may have two limits of one wall. Pure. */
uint64_t group_key(const char *path, const char *of);
/* The group to which processes that are killed in this one are counted: that of the limit on
 * memory; of one without a limit itself. Pure. */
const char *group_memory_path(const struct cgroup *c);
#define GROUP_MEMORY "memory"
#define GROUP_PIDS "processes"

/* Before the groups are added that a look sees. */
void group_losses_begin(struct group_losses *l);
/* Adds what a group has lost since it was added last: nothing the first time, as that may have been
 * long ago. Groups of several processes may be added several times. -ENOMEM. */
int group_losses_add(struct group_losses *l, const struct cgroup *c);
/* What was added at a limit since the first look at it, and `fresh`, NULL or whether all of that is
 * of the last look; REPORT_NONE: nothing counts there. */
int64_t group_losses_of(const struct group_losses *l, const char *path, const char *of,
			bool *fresh);
void group_losses_free(struct group_losses *l);
