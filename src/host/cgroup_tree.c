#include "host/cgroup_tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/list.h"
#include "host/machine.h"
#include "host/mounts.h"

/* v1 writes that for no limit: PAGE_COUNTER_MAX pages, in bytes. */
#define V1_UNLIMITED (UINT64_C(1) << 62)
/* Of /proc/PID/cgroup. */
#define GROUP_LINE (CGROUP_PATH + 256)

bool cgroup_shown(const struct host *h, pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "proc/%d/cgroup", (int)pid);
	return pid && (host_live(h) || host_has(h, path));
}

ssize_t group_paths(const struct host *h, pid_t pid, char **groups)
{
	char path[64] = "proc/self/cgroup";
	if (cgroup_shown(h, pid))
		snprintf(path, sizeof(path), "proc/%d/cgroup", (int)pid);
	return host_read_all(h, path, groups, NULL);
}

/* The path of a line "ID:CONTROLLERS:/path" for the controller, or of v2. */
static bool path_find(const char *groups, const char *controller, int version,
		      char path[CGROUP_PATH])
{
	char line[GROUP_LINE], *rest, *controllers, *group;
	for (const char *at = groups; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
		rest = line;
		strsep(&rest, ":");
		controllers = strsep(&rest, ":");
		group = rest;
		if (!controllers || !group)
			continue;
		if (version == 2 ? !*controllers : list_has(controllers, controller)) {
			snprintf(path, CGROUP_PATH, "%.*s", CGROUP_PATH - 1, group);
			return true;
		}
	}
	return false;
}

/* What a mount shows of a process' group. */
enum relation {
	UNRELATED, /* neither it nor an ancestor of it */
	ABOVE, /* an ancestor, outside of the cgroup namespace: the names below it are unknown */
	SHOWN,
};

/* Behind the leading "/.." of a path that leaves the cgroup namespace; *levels: their number. */
static const char *up_skip(const char *path, int *levels)
{
	for (*levels = 0; !strncmp(path, "/..", 3) && (path[3] == '/' || !path[3]); ++*levels)
		path += 3;
	return path;
}

/* *below: the part of the path below the root of the mount; "": it is that root, or not shown. */
static enum relation path_relate(const char *root, const char *path, const char **below)
{
	int root_up, path_up;
	const char *shown = up_skip(root, &root_up), *own = up_skip(path, &path_up);
	size_t n = strcmp(shown, "/") ? strlen(shown) : 0;
	*below = "";
	if (root_up > path_up)
		return n ? UNRELATED : ABOVE;
	if (root_up < path_up || strncmp(own, shown, n) != 0 || (own[n] && own[n] != '/'))
		return UNRELATED;
	*below = strcmp(own + n, "/") ? own + n : "";
	return SHOWN;
}

static enum relation relation_of(const struct group_hierarchy *h)
{
	const char *below;
	return path_relate(h->root, h->path, &below);
}

/* False: it is no hierarchy with the controller. */
static bool hierarchy_of(const struct mount *m, const char *controller, struct group_hierarchy *out)
{
	bool v1 = !strcmp(m->type, "cgroup") && list_has(m->options, controller);
	if ((!v1 && strcmp(m->type, "cgroup2") != 0) || m->point[0] != '/' ||
	    strlen(m->root) >= CGROUP_PATH || strlen(m->point) > CGROUP_PATH)
		return false;
	out->version = v1 ? 1 : 2;
	strcpy(out->mount, m->point + 1);
	strcpy(out->root, m->root);
	return true;
}

/* A controller is in one hierarchy: v1 where that is mounted. Of its mounts the one that shows
 * most: the group, and of its ancestors as many as possible. A later one may cover an earlier. */
static bool is_better(const struct group_hierarchy *h, const struct group_hierarchy *best)
{
	if (!best->version || h->version != best->version)
		return h->version == 1 || !best->version;
	enum relation is = relation_of(h), was = relation_of(best);
	return is != was ? is > was : is != SHOWN || strlen(h->root) <= strlen(best->root);
}

void group_hierarchy_find(const char *mounts, const char *groups, const char *controller,
			  struct group_hierarchy *out)
{
	struct mount mount;
	struct group_hierarchy one;
	memset(out, 0, sizeof(*out));
	while (mounts_next(&mounts, &mount)) {
		if (!hierarchy_of(&mount, controller, &one))
			continue;
		if (!path_find(groups, controller, one.version, one.path))
			one.path[0] = 0;
		if (is_better(&one, out))
			*out = one;
	}
	if (!out->path[0])
		out->version = 0;
}

/* Whether it is the root of all groups, which has no limits. */
static bool group_is_root(const struct host *h, const struct group_hierarchy *in, const char *below)
{
	return !below[0] && !strcmp(in->root, "/") && host_has_first_cgroups(h);
}

bool group_is_hidden(const struct host *h, const char *groups, const char *controller,
		     const struct group_hierarchy *in, int *unmounted)
{
	char path[CGROUP_PATH], any[2 * CGROUP_PATH + 64];
	const char *below;
	bool v1 = path_find(groups, controller, 1, path);
	if (!v1 && !path_find(groups, controller, 2, path))
		return false;
	int version = v1 ? 1 : 2;
	if (in->version != version) {
		bool hidden = strcmp(path, "/") != 0 || !host_has_first_cgroups(h);
		*unmounted = hidden ? version : 0;
		return hidden;
	}
	if (path_relate(in->root, in->path, &below) != SHOWN)
		return true;
	/* Captures have the first ones; gVisor's groups have the last one alone. */
	const char *const files_of_all[] = {
		version == 1 ? "notify_on_release" : "cgroup.controllers", "cgroup.procs"};
	for (size_t i = 0; i < sizeof(files_of_all) / sizeof(*files_of_all); i++) {
		snprintf(any, sizeof(any), "%s%s/%s", in->mount, below, files_of_all[i]);
		if (host_has(h, any))
			return false;
	}
	/* Other captures may have others alone. */
	*strrchr(any, '/') = 0;
	return host_live(h) || (!group_is_root(h, in, below) && !host_has(h, any));
}

bool group_is_cut(const struct host *h, const struct group_hierarchy *in)
{
	char path[CGROUP_PATH + 32];
	bool v1 = in->version == 1;
	if (!in->version || relation_of(in) != SHOWN ||
	    (!strcmp(in->root, "/") && host_has_first_cgroups(h)))
		return false;
	snprintf(path, sizeof(path), "%s/%s", in->mount, v1 ? "release_agent" : "cgroup.type");
	return host_has(h, path) != v1;
}

void group_walk_begin(struct group_walk *w, const struct host *h, const struct group_hierarchy *in)
{
	const char *below = "";
	bool any = in->version && path_relate(in->root, in->path, &below) != UNRELATED;
	*w = (struct group_walk){.host = h, .hierarchy = in, .ended = !any};
	snprintf(w->below, sizeof(w->below), "%s", below);
}

void group_walk_up(struct group_walk *w)
{
	char *slash = strrchr(w->below, '/');
	w->ended = !slash;
	if (slash)
		*slash = 0;
}

bool group_text(struct group_walk *w, const char *file, char *text, size_t size)
{
	char path[2 * CGROUP_PATH + 64];
	snprintf(path, sizeof(path), "%s%s/%s", w->hierarchy->mount, w->below, file);
	ssize_t n = host_read(w->host, path, text, size, NULL);
	w->unread |= n == -EACCES || n == -EPERM || n == -EFBIG || n == -EBADMSG || n == -EIO;
	return n > 0;
}

bool group_number(struct group_walk *w, const char *file, uint64_t *value)
{
	char text[64] = "?";
	const char *at = text;
	bool any = group_text(w, file, text, sizeof(text));
	*value = HOST_UNLIMITED;
	if (any && (!strncmp(text, "max", 3) || text[0] == '-'))
		return true;
	if (!any || !text_number(&at, value)) {
		w->unread |= text[0] != '?'; /* not absent, but no number */
		return false;
	}
	if (*value >= V1_UNLIMITED)
		*value = HOST_UNLIMITED;
	return true;
}

bool group_is_lost(const struct group_walk *w, const char *beside)
{
	char path[2 * CGROUP_PATH + 64];
	snprintf(path, sizeof(path), "%s%s/%s", w->hierarchy->mount, w->below, beside);
	return !host_live(w->host) && !group_is_root(w->host, w->hierarchy, w->below) &&
	       host_has(w->host, path);
}
