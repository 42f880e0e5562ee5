/* cgroup_tree: internal to src/host/: where the files of a process' control groups are, and what
 * they have. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "epolltune/cgroup.h"

/* Where a controller's groups are. */
struct group_hierarchy {
	int version;             /* 0: not mounted */
	char mount[CGROUP_PATH]; /* relative to the host's root: "sys/fs/cgroup" */
	char root[CGROUP_PATH]; /* that the mount shows: "/", "/docker/abc", or "/../..", outside of
				   the cgroup namespace */
	char path[CGROUP_PATH]; /* of the process */
};

/* The text of /proc/PID/cgroup, 0: of this process. The caller frees it. */
ssize_t group_paths(const struct host *h, pid_t pid, char **groups);
/* Finds it by the text of /proc/self/mountinfo and that of the process. */
void group_hierarchy_find(const char *mounts, const char *groups, const char *controller,
			  struct group_hierarchy *out);
/* Whether the process is in a group that no mount shows: its file system is not mounted here, or
 * the mount is of another cgroup namespace, or of other groups. The root of all has no limits, that
 * of a cgroup namespace may have some. */
bool group_is_hidden(const struct host *h, const char *groups, const char *controller,
		     const struct group_hierarchy *in, int *unmounted);
/* Whether the last group that is visible has others above it: the mount, or the cgroup namespace,
 * begins there. The root of all groups has no type, and of v1 alone a release_agent. */
bool group_is_cut(const struct host *h, const struct group_hierarchy *in);

/* A walk from the group of the process up to the first one that is visible. */
struct group_walk {
	const struct host *host;
	const struct group_hierarchy *hierarchy;
	char below[CGROUP_PATH]; /* of this group */
	bool ended;
	bool unread; /* a limit may be there */
};

void group_walk_begin(struct group_walk *w, const struct host *h, const struct group_hierarchy *in);
void group_walk_up(struct group_walk *w);
/* A file of this group. False: it has none, or no text. */
bool group_text(struct group_walk *w, const char *file, char *text, size_t size);
/* "max" and what v1 writes for no limit are HOST_UNLIMITED. False: there is no such number. */
bool group_number(struct group_walk *w, const char *file, uint64_t *value);
/* Whether a captured machine lacks a file that its group had, as others of it show. */
bool group_is_lost(const struct group_walk *w, const char *beside);
