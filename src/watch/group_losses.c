#include "watch/group_losses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"
#include "epolltune/catalogue.h"
#include "epolltune/cgroup.h"
#include "epolltune/watch.h"

uint64_t group_key(const char *path, const char *of)
{
	return (text_hash(path) * 31 + text_hash(of)) & INT64_MAX;
}

const char *group_memory_path(const struct cgroup *c)
{
	return c->memory.count ? c->memory.at[0].path : c->path;
}

static struct group_tally *tally_find(const struct group_losses *l, uint64_t key)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->at[i].key == key)
			return &l->at[i];
	return NULL;
}

void group_losses_begin(struct group_losses *l)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->count; i++) {
		struct group_tally t = l->at[i];
		t.grown = 0;
		/* What was killed may be started again in a group that was empty meanwhile. */
		if (++t.unseen <= WATCH_ENDED)
			l->at[kept++] = t;
	}
	l->count = kept;
}

/* The counter of a group: its growth since it was seen last, REPORT_NONE at first; -ENOMEM. A group
 * that was made again begins at 0. */
static int tally_count(struct group_losses *l, uint64_t key, uint64_t value, int64_t *grown)
{
	struct group_tally *t = tally_find(l, key);
	int64_t now = value < INT64_MAX ? (int64_t)value : INT64_MAX;
	*grown = !t ? REPORT_NONE : now < t->value ? now : now - t->value;
	if (!t && !(t = array_add(&l->at, &l->count, sizeof(*t))))
		return -ENOMEM;
	*t = (struct group_tally){.key = key, .value = now};
	return 0;
}

static int tally_add(struct group_losses *l, uint64_t key, int64_t grown)
{
	struct group_tally *t = tally_find(l, key);
	if (!t && !(t = array_add(&l->at, &l->count, sizeof(*t))))
		return -ENOMEM;
	t->key = key;
	t->unseen = 0;
	t->value += grown;
	t->grown += grown;
	return 0;
}

/* The pod of a container, by its group; false: it is of none. */
static bool pod_of(const struct cgroup *c, char pod[CGROUP_PATH])
{
	memcpy(pod, c->path, CGROUP_PATH);
	char *end = strrchr(pod, '/');
	if (end)
		*end = 0;
	return end && container_is_pod(pod);
}

/* A container that is restarted as the kernel killed it has a new group, and its pod keeps count:
 * what it counts beyond what the groups count that are known is that of the next new one. */
static int killed_add(struct group_losses *l, const struct cgroup *c, int64_t *grown)
{
	char pod[CGROUP_PATH];
	int64_t in_pod = REPORT_NONE;
	int rc = tally_count(l, group_key(c->path, "killed"), c->pressure.killed, grown);
	if (rc || !pod_of(c, pod))
		return rc;
	rc = tally_count(l, group_key(pod, "killed in the pod"), c->pressure.killed + c->pod_killed,
			 &in_pod);
	uint64_t key = group_key(pod, "killed in groups that are gone");
	if (!rc)
		rc = tally_add(l, key, (in_pod > 0 ? in_pod : 0) - (*grown > 0 ? *grown : 0));
	if (rc || *grown != REPORT_NONE || in_pod == REPORT_NONE)
		return rc;
	struct group_tally *gone = tally_find(l, key);
	*grown = gone->value > 0 ? gone->value : 0;
	gone->value -= *grown;
	return 0;
}

/* Which limit above it leaves least may change: those have counters of their own, one for all
 * groups below each. */
static int refused_add(struct group_losses *l, const struct cgroup *c, int64_t *grown)
{
	const char *limit = c->pids.at[0].path;
	int64_t above = REPORT_NONE;
	int rc = tally_count(l, group_key(c->path, "refused") ^ group_key(limit, ""),
			     c->pids_refused - c->pids_refused_above, grown);
	if (!rc && c->pids_refused_above)
		rc = tally_count(l, group_key(limit, "refused above"), c->pids_refused_above,
				 &above);
	if (above > 0)
		*grown = above + (*grown > 0 ? *grown : 0);
	return rc;
}

int group_losses_add(struct group_losses *l, const struct cgroup *c)
{
	int64_t killed = 0, refused = 0;
	if (!c->path[0])
		return 0;
	int rc = killed_add(l, c, &killed);
	if (!rc)
		rc = tally_add(l, group_key(group_memory_path(c), GROUP_MEMORY),
			       killed == REPORT_NONE ? 0 : killed);
	if (rc || !c->pids.count)
		return rc;
	rc = refused_add(l, c, &refused);
	if (!rc)
		rc = tally_add(l, group_key(c->pids.at[0].path, GROUP_PIDS),
			       refused == REPORT_NONE ? 0 : refused);
	return rc;
}

int64_t group_losses_of(const struct group_losses *l, const char *path, const char *of, bool *fresh)
{
	const struct group_tally *t = tally_find(l, group_key(path, of));
	if (fresh)
		*fresh = t && t->value == t->grown;
	return t ? t->value : REPORT_NONE;
}

void group_losses_free(struct group_losses *l)
{
	free(l->at);
	*l = (struct group_losses){0};
}
