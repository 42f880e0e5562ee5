#include "host/container.h"

#include <string.h>

#include "epolltune/cleanup.h"
#include "host/cgroup_tree.h"
#include "host/machine.h"
#include "host/mounts.h"

static bool has_mark(const struct host *h, const struct container_row *row)
{
	return (row->marks[0] && host_has(h, row->marks[0])) ||
	       (row->marks[1] && host_has(h, row->marks[1]));
}

/* Whether a process is in the container of this one: it has its groups or its root. */
static bool is_beside_us(const struct host *h, pid_t pid, const char *groups)
{
	CLEAN(free_pointer) char *own = NULL;
	if (!pid || host_has_root_of(h, pid, false))
		return true;
	return group_paths(h, 0, &own) > 0 && !strcmp(own, groups);
}

const struct container_row *container_find(const struct host *h, pid_t pid, const char *groups,
					   const char *path)
{
	struct host_identity here;
	const struct container_row *row = container_row_find(path);
	if (row->sysctls)
		return row;
	/* In a cgroup namespace the path does not say. A machine made of an image has its marks. */
	if (host_identity(h, &here, NULL) || here.first_pids || !is_beside_us(h, pid, groups))
		return NULL;
	for (size_t i = 0; i < container_row_count(); i++)
		if (has_mark(h, container_row_at(i)))
			return container_row_at(i);
	return NULL;
}

static bool has_limit_at_end(const struct cgroup_limit *l)
{
	bool has = false;
	for (size_t i = 0; i < l->count; i++)
		has |= !strcmp(l->at[i].path, "/");
	return has;
}

/* lxcfs shows a container the memory that its limits leave, those of groups above, too. */
static bool memory_is_limited(const char *mounts)
{
	struct mount m;
	while (mounts_next(&mounts, &m))
		if (!strcmp(m.point, "/proc/meminfo") && !strcmp(m.type, "fuse.lxcfs"))
			return true;
	return false;
}

/* `own`: what runs the container sets such limits for the group that is the last visible one. */
static void above_set(struct cgroup_sight *s, bool above, bool own)
{
	s->above = above;
	s->hidden |= above && !own;
}

void container_above_judge(const struct container_row *row, const char *mounts, unsigned cut,
			   struct cgroup *out)
{
	unsigned own = row ? row->own : 0;
	if (memory_is_limited(mounts))
		own |= CONTAINER_MEMORY;
	above_set(&out->memory.sight, (cut & CONTAINER_MEMORY) && !has_limit_at_end(&out->memory),
		  own & CONTAINER_MEMORY);
	above_set(&out->pids.sight, (cut & CONTAINER_PIDS) && !has_limit_at_end(&out->pids),
		  own & CONTAINER_PIDS);
	above_set(&out->cpu, (cut & CONTAINER_CPU) && !cgroup_quota_find(out, "/"),
		  own & CONTAINER_CPU);
}

const struct container_row *cgroup_container(const struct host *h, pid_t pid)
{
	struct cgroup c;
	CLEAN(free_pointer) char *groups = NULL;
	cgroup_read(h, pid, &c);
	return container_find(h, pid, group_paths(h, pid, &groups) > 0 ? groups : "", c.path);
}
