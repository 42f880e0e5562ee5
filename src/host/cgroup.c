/* Control groups, v1 and v2: /proc/PID/cgroup, the mounts of their file systems, and the files of a
 * group and of its ancestors (Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst). */
#include "epolltune/cgroup.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/list.h"
#include "host/cpu_list.h"
#include "host/machine.h"
#include "host/mounts.h"

/* v1 writes that for no limit: PAGE_COUNTER_MAX pages, in bytes. */
#define V1_UNLIMITED (UINT64_C(1) << 62)
#define FILE_TEXT 4096
/* Of /proc/PID/cgroup. */
#define GROUP_LINE (CGROUP_PATH + 256)

/* Where a controller's groups are. */
struct hierarchy {
	int version;             /* 0: not mounted */
	char mount[CGROUP_PATH]; /* relative to the host's root: "sys/fs/cgroup" */
	char root[CGROUP_PATH]; /* that the mount shows: "/", "/docker/abc", or "/../..", outside of
				   the cgroup namespace */
	char path[CGROUP_PATH]; /* of the process */
};

/* The text of /proc/PID/cgroup, 0: of this process. The caller frees it. */
static ssize_t groups_read(const struct host *h, pid_t pid, char **groups)
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

static enum relation relation_of(const struct hierarchy *h)
{
	const char *below;
	return path_relate(h->root, h->path, &below);
}

/* False: it is no hierarchy with the controller. */
static bool hierarchy_of(const struct mount *m, const char *controller, struct hierarchy *out)
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
static bool is_better(const struct hierarchy *h, const struct hierarchy *best)
{
	if (!best->version || h->version != best->version)
		return h->version == 1 || !best->version;
	enum relation is = relation_of(h), was = relation_of(best);
	return is != was ? is > was : is != SHOWN || strlen(h->root) <= strlen(best->root);
}

static void hierarchy_find(const char *mounts, const char *groups, const char *controller,
			   struct hierarchy *out)
{
	struct mount mount;
	struct hierarchy one;
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
static bool is_root(const struct host *h, const struct hierarchy *in, const char *below)
{
	return !below[0] && !strcmp(in->root, "/") && host_has_first_cgroups(h);
}

/* Whether the process is in a group that no mount shows: its file system is not mounted here, or
 * the mount is of another cgroup namespace, or of other groups. The root of all has no limits, that
 * of a cgroup namespace may have some. */
static bool is_hidden(const struct host *h, const char *groups, const char *controller,
		      const struct hierarchy *in, int *unmounted)
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
	return host_live(h) || (!is_root(h, in, below) && !host_has(h, any));
}

/* Whether the last group that is visible has others above it: the mount, or the cgroup namespace,
 * begins there. The root of all groups has no type, and of v1 alone a release_agent. */
static bool is_cut(const struct host *h, const struct hierarchy *in)
{
	char path[CGROUP_PATH + 32];
	bool v1 = in->version == 1;
	if (!in->version || relation_of(in) != SHOWN ||
	    (!strcmp(in->root, "/") && host_has_first_cgroups(h)))
		return false;
	snprintf(path, sizeof(path), "%s/%s", in->mount, v1 ? "release_agent" : "cgroup.type");
	return host_has(h, path) != v1;
}

/* A walk from the group of the process up to the first one that is visible. */
struct walk {
	const struct host *host;
	const struct hierarchy *hierarchy;
	char below[CGROUP_PATH]; /* of this group */
	bool ended;
	bool unread; /* a limit may be there */
};

static void walk_begin(struct walk *w, const struct host *h, const struct hierarchy *in)
{
	const char *below = "";
	bool any = in->version && path_relate(in->root, in->path, &below) != UNRELATED;
	*w = (struct walk){.host = h, .hierarchy = in, .ended = !any};
	snprintf(w->below, sizeof(w->below), "%s", below);
}

static void walk_up(struct walk *w)
{
	char *slash = strrchr(w->below, '/');
	w->ended = !slash;
	if (slash)
		*slash = 0;
}

static bool group_text(struct walk *w, const char *file, char *text, size_t size)
{
	char path[2 * CGROUP_PATH + 64];
	snprintf(path, sizeof(path), "%s%s/%s", w->hierarchy->mount, w->below, file);
	ssize_t n = host_read(w->host, path, text, size, NULL);
	w->unread |= n == -EACCES || n == -EPERM || n == -EFBIG || n == -EBADMSG || n == -EIO;
	return n > 0;
}

/* "max" and what v1 writes for no limit are HOST_UNLIMITED. False: there is no such number. */
static bool group_number(struct walk *w, const char *file, uint64_t *value)
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

/* The number of a line "key N"; 0 if there is none. */
static uint64_t keyed(const char *text, const char *key)
{
	size_t n = strlen(key);
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (!strncmp(at, key, n) && at[n] == ' ')
			return strtoull(at + n + 1, NULL, 10);
	return 0;
}

/* Of v2 `kernel` has all that is charged to it, zswap and the pages of pipes too; before Linux 5.18
 * only a part of that is shown. */
static uint64_t kernel_used(const char *stat)
{
	uint64_t kernel = keyed(stat, "kernel"), slab = keyed(stat, "slab_reclaimable");
	if (kernel)
		return kernel > slab ? kernel - slab : 0;
	return keyed(stat, "slab_unreclaimable") + keyed(stat, "kernel_stack") +
	       keyed(stat, "pagetables") + keyed(stat, "percpu");
}

/* Without memory.stat: all that is charged, of which the page cache may be any part. */
static bool memory_charged(struct walk *w, const char *file, struct cgroup_bound *b)
{
	bool known = group_number(w, file, &b->used) && b->used != HOST_UNLIMITED;
	b->used = b->reclaimable = known ? b->used : 0;
	return known;
}

static bool memory_used(struct walk *w, struct cgroup_bound *b)
{
	char stat[FILE_TEXT] = "";
	if (!group_text(w, "memory.stat", stat, sizeof(stat)))
		return memory_charged(w, "memory.current", b);
	b->used = keyed(stat, "anon") + keyed(stat, "shmem") + keyed(stat, "sock") +
		  kernel_used(stat);
	return true;
}

/* The slab that can be reclaimed is a part of kmem, which is not shown. */
static bool memory_used_v1(struct walk *w, struct cgroup_bound *b)
{
	char stat[FILE_TEXT] = "";
	if (!group_text(w, "memory.stat", stat, sizeof(stat)))
		return memory_charged(w, "memory.usage_in_bytes", b);
	if (!group_number(w, "memory.kmem.usage_in_bytes", &b->reclaimable))
		b->reclaimable = 0;
	b->used = keyed(stat, "total_rss") + keyed(stat, "total_shmem") + b->reclaimable;
	return true;
}

static bool number_used(struct walk *w, const char *file, struct cgroup_bound *b)
{
	bool known = group_number(w, file, &b->used) && b->used != HOST_UNLIMITED;
	b->used = known ? b->used : 0;
	return known;
}

static bool tcp_used(struct walk *w, struct cgroup_bound *b)
{
	return number_used(w, "memory.kmem.tcp.usage_in_bytes", b);
}

/* How much of it is slab that can be reclaimed is not shown. */
static bool kmem_used(struct walk *w, struct cgroup_bound *b)
{
	bool known = number_used(w, "memory.kmem.usage_in_bytes", b);
	b->reclaimable = b->used;
	return known;
}

static bool pids_used(struct walk *w, struct cgroup_bound *b)
{
	return number_used(w, "pids.current", b);
}

static const struct {
	const char *name;
	bool (*used)(struct walk *, struct cgroup_bound *); /* false: it is not known */
	const char *beside;                                 /* a file that a group has with it */
} files[] = {
	[CGROUP_NONE] = {"", NULL, NULL},
	[CGROUP_MEMORY_MAX] = {"memory.max", memory_used, "memory.stat"},
	[CGROUP_MEMORY_HIGH] = {"memory.high", memory_used, "memory.stat"},
	[CGROUP_MEMORY_LIMIT] = {"memory.limit_in_bytes", memory_used_v1, "memory.failcnt"},
	[CGROUP_TCP_LIMIT] = {"memory.kmem.tcp.limit_in_bytes", tcp_used,
			      "memory.kmem.tcp.usage_in_bytes"},
	[CGROUP_KMEM_LIMIT] = {"memory.kmem.limit_in_bytes", kmem_used,
			       "memory.kmem.usage_in_bytes"},
	[CGROUP_PIDS_MAX] = {"pids.max", pids_used, "pids.current"},
};

const char *cgroup_file_name(enum cgroup_file file) { return files[file].name; }

static uint64_t bound_left(const struct cgroup_bound *b)
{
	if (b->max == HOST_UNLIMITED)
		return HOST_UNLIMITED;
	return b->max > b->used ? b->max - b->used : 0;
}

static void bound_insert(struct cgroup_limit *l, const struct cgroup_bound *one)
{
	size_t i = 0;
	while (i < l->count && bound_left(&l->at[i]) <= bound_left(one))
		i++;
	if (i == CGROUP_BOUNDS)
		return;
	l->count += l->count < CGROUP_BOUNDS;
	memmove(&l->at[i + 1], &l->at[i], (l->count - 1 - i) * sizeof(*one));
	l->at[i] = *one;
}

/* Whether a captured machine lacks a file that its group had, as others of it show. */
static bool is_lost(const struct walk *w, const char *beside)
{
	char path[2 * CGROUP_PATH + 64];
	snprintf(path, sizeof(path), "%s%s/%s", w->hierarchy->mount, w->below, beside);
	return !host_live(w->host) && !is_root(w->host, w->hierarchy, w->below) &&
	       host_has(w->host, path);
}

static void limit_take(struct cgroup_limit *l, struct walk *w, enum cgroup_file file)
{
	struct cgroup_bound here = {.file = file};
	if (!group_number(w, files[file].name, &here.max)) {
		w->unread |= is_lost(w, files[file].beside);
		return;
	}
	if (here.max == HOST_UNLIMITED)
		return;
	w->unread |= !files[file].used(w, &here);
	snprintf(here.path, sizeof(here.path), "%s", w->below[0] ? w->below : "/");
	bound_insert(l, &here);
}

/* The events of one group: of the first one those below it too, as are its processes. Of those
 * above it only their own limits count, as older kernels have it in the file itself (memory.events
 * before 5.2, pids.events before 6.11). */
static void events_text(struct walk *w, const char *file, bool first, char text[FILE_TEXT])
{
	char local[64];
	snprintf(local, sizeof(local), "%s.local", file);
	if (first || !group_text(w, local, text, FILE_TEXT))
		group_text(w, file, text, FILE_TEXT);
}

static void pressure_add(struct walk *w, bool first, struct cgroup_pressure *out)
{
	char text[FILE_TEXT] = "";
	uint64_t hits = 0;
	if (w->hierarchy->version == 1) {
		if (group_number(w, "memory.failcnt", &hits))
			out->reached += hits;
		if (first && group_text(w, "memory.oom_control", text, sizeof(text)))
			out->killed = keyed(text, "oom_kill");
		return;
	}
	events_text(w, "memory.events", first, text);
	out->exhausted += keyed(text, "oom");
	out->reached += keyed(text, "max") + keyed(text, "high");
	if (first)
		out->killed = keyed(text, "oom_kill");
}

/* A restarted container has a new group; that of its pod keeps the count of all that were below it.
 * `below`: the count of the group before. */
static void pod_read(struct walk *w, bool first, uint64_t *below, struct cgroup *out)
{
	char text[FILE_TEXT] = "";
	if (w->hierarchy->version == 2)
		group_text(w, "memory.events", text, sizeof(text));
	uint64_t killed = keyed(text, "oom_kill");
	if (!first && container_is_pod(w->below) && killed > *below)
		out->pod_killed = killed - *below;
	*below = killed;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=N", in us: Documentation/accounting/psi.rst. */
static void stalls_read(struct walk *w, struct cgroup_pressure *out)
{
	char text[FILE_TEXT];
	uint64_t total;
	if (!group_text(w, "memory.pressure", text, sizeof(text)) || strncmp(text, "some ", 5) != 0)
		return;
	const char *at = strstr(text, " total=");
	if (at && (at += strlen(" total="), text_number(&at, &total)) && total <= INT64_MAX)
		out->stalled_us = (int64_t)total;
}

static void pressure_read(const struct host *h, const struct hierarchy *in, struct cgroup *out)
{
	struct cgroup_pressure *p = &out->pressure;
	struct walk w;
	uint64_t below = 0;
	walk_begin(&w, h, in);
	if (!w.ended)
		stalls_read(&w, p);
	for (bool first = true; !w.ended; walk_up(&w), first = false) {
		pressure_add(&w, first, p);
		pod_read(&w, first, &below, out);
	}
	/* v1 does not say which one it was. */
	if (in->version == 1 && out->memory.count)
		p->exhausted = p->killed;
}

static void memory_read(const struct host *h, const struct hierarchy *in, struct cgroup *out)
{
	struct walk w;
	out->sockets_charged = in->version == 2 || out->memory.sight.unmounted == 2;
	for (walk_begin(&w, h, in); !w.ended; walk_up(&w)) {
		if (in->version == 1) {
			limit_take(&out->memory, &w, CGROUP_MEMORY_LIMIT);
			limit_take(&out->tcp, &w, CGROUP_TCP_LIMIT);
			if (host_kernel(h) < KERNEL(5, 16))
				limit_take(&out->kernel, &w, CGROUP_KMEM_LIMIT);
		} else {
			limit_take(&out->memory, &w, CGROUP_MEMORY_MAX);
			limit_take(&out->memory, &w, CGROUP_MEMORY_HIGH);
		}
	}
	pressure_read(h, in, out);
	out->memory.sight.hidden |= w.unread;
	out->tcp.sight.hidden = out->memory.sight.hidden && !out->sockets_charged;
}

static void pids_read(const struct host *h, const struct hierarchy *in, struct cgroup *out)
{
	struct walk w;
	uint64_t own = 0, limiting = 0;
	bool first = true;
	for (walk_begin(&w, h, in); !w.ended; walk_up(&w)) {
		char events[FILE_TEXT] = "";
		events_text(&w, "pids.events", first, events);
		uint64_t refused = keyed(events, "max"), left = cgroup_left(&out->pids);
		limit_take(&out->pids, &w, CGROUP_PIDS_MAX);
		if (first)
			own = refused;
		else if (cgroup_left(&out->pids) < left)
			limiting = refused;
		first = false;
	}
	out->pids_refused = own + limiting;
	out->pids.sight.hidden |= w.unread;
}

/* Whether a captured machine lacks the quota of a group, of which it has the use. */
static bool quota_is_lost(struct walk *w)
{
	char stat[FILE_TEXT] = "";
	return is_lost(w, "cpu.stat") && group_text(w, "cpu.stat", stat, sizeof(stat)) &&
	       strstr(stat, "nr_periods ");
}

/* False: there is none, or it is not known. */
static bool quota_read(struct walk *w, uint64_t *quota, uint64_t *period)
{
	char text[64] = "";
	const char *at = text;
	bool any, known;
	*quota = HOST_UNLIMITED;
	if (w->hierarchy->version == 2) {
		any = group_text(w, "cpu.max", text, sizeof(text));
		known = !strncmp(text, "max", 3) ||
			(text_number(&at, quota) && text_number(&at, period) && *period);
	} else {
		any = group_number(w, "cpu.cfs_quota_us", quota);
		known = *quota == HOST_UNLIMITED ||
			(group_number(w, "cpu.cfs_period_us", period) && *period);
	}
	w->unread |= any ? !known : quota_is_lost(w);
	return any && known && *quota != HOST_UNLIMITED;
}

/* Of all its processes; 0: unknown. */
static uint64_t threads_read(const struct walk *w)
{
	char path[2 * CGROUP_PATH + 64];
	CLEAN(free_pointer) char *text = NULL;
	uint64_t count = 0;
	snprintf(path, sizeof(path), "%s%s/%s", w->hierarchy->mount, w->below,
		 w->hierarchy->version == 2 ? "cgroup.threads" : "tasks");
	if (host_read_all(w->host, path, &text, NULL) <= 0)
		return 0;
	for (const char *at = text; *at; at++)
		count += at == text || at[-1] == '\n';
	return count;
}

/* Of v1 another controller counts it, mostly in the same hierarchy; 0: unknown. */
static uint64_t used_read(struct walk *w, const char *stat)
{
	uint64_t ns;
	if (w->hierarchy->version == 2)
		return keyed(stat, "usage_usec");
	return group_number(w, "cpuacct.usage", &ns) && ns != HOST_UNLIMITED ? ns / 1000 : 0;
}

static void cpu_read(const struct host *h, const struct hierarchy *in, struct cgroup *out)
{
	struct walk w;
	uint64_t quota, period;
	char stat[FILE_TEXT];
	bool shared = false;
	for (walk_begin(&w, h, in); !w.ended; walk_up(&w), shared = true) {
		if (!quota_read(&w, &quota, &period) || quota > UINT32_MAX || period > UINT32_MAX)
			continue;
		if (out->quota_count == CGROUP_QUOTAS) {
			out->cpu.hidden = true;
			return;
		}
		struct cgroup_quota *q = &out->quotas[out->quota_count++];
		*q = (struct cgroup_quota){
			.quota_us = quota, .period_us = period, .shared = shared, .groups = 1};
		snprintf(q->path, sizeof(q->path), "%s", w.below[0] ? w.below : "/");
		stat[0] = 0;
		if (!group_text(&w, "cpu.stat", stat, sizeof(stat)))
			w.unread = true;
		q->threads = shared ? 0 : threads_read(&w);
		q->periods = keyed(stat, "nr_periods");
		q->throttled = keyed(stat, "nr_throttled");
		q->used_us = used_read(&w, stat);
	}
	out->cpu.hidden |= w.unread;
}

static void cpus_read(const struct host *h, const struct hierarchy *in, struct cgroup *out)
{
	struct walk w;
	char text[FILE_TEXT];
	walk_begin(&w, h, in);
	if (w.ended)
		return;
	if (group_text(&w, in->version == 2 ? "cpuset.cpus.effective" : "cpuset.effective_cpus",
		       text, sizeof(text)))
		out->cpus = cpu_list_number(text);
}

struct cgroup cgroup_none(bool hidden)
{
	const struct cgroup_sight sight = {.hidden = hidden};
	return (struct cgroup){.groups = 1,
			       .memory = {.sight = sight},
			       .tcp = {.sight = sight},
			       .pids = {.sight = sight},
			       .pressure = {.stalled_us = -1},
			       .cpu = sight};
}

bool cgroup_shown(const struct host *h, pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "proc/%d/cgroup", (int)pid);
	return pid && (host_live(h) || host_has(h, path));
}

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
	return groups_read(h, 0, &own) > 0 && !strcmp(own, groups);
}

static const struct container_row *container_of(const struct host *h, pid_t pid, const char *groups,
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

/* `cut`: CONTAINER_…, whose last visible group is not the root of all. */
static void above_judge(const struct container_row *row, const char *mounts, unsigned cut,
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

/* Whether the kernel has control groups, by their file systems. */
static bool has_groups(const char *mounts)
{
	struct mount m;
	while (mounts && mounts_next(&mounts, &m))
		if (!strncmp(m.type, "cgroup", strlen("cgroup")))
			return true;
	return false;
}

void cgroup_read(const struct host *h, pid_t pid, struct cgroup *out)
{
	struct cgroup_sight unused = {0};
	const struct {
		const char *controller;
		void (*read)(const struct host *, const struct hierarchy *, struct cgroup *);
		unsigned kind;
		struct cgroup_sight *sight;
	} parts[] = {{"memory", memory_read, CONTAINER_MEMORY, &out->memory.sight},
		     {"pids", pids_read, CONTAINER_PIDS, &out->pids.sight},
		     {"cpu", cpu_read, CONTAINER_CPU, &out->cpu},
		     {"cpuset", cpus_read, 0, &unused}};
	unsigned cut = 0;
	CLEAN(free_pointer) char *mounts = NULL;
	CLEAN(free_pointer) char *groups = NULL;
	struct hierarchy in;
	*out = cgroup_none(host_live(h));
	ssize_t n = groups_read(h, pid, &groups);
	ssize_t mounted = host_read_all(h, "proc/self/mountinfo", &mounts, NULL);
	if (n > 0 ? mounted <= 0 : (n < 0 && n != -ENOENT) || has_groups(mounts))
		*out = cgroup_none(true);
	if (n <= 0 || mounted <= 0)
		return;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		hierarchy_find(mounts, groups, parts[i].controller, &in);
		struct cgroup_sight *sight = parts[i].sight;
		sight->hidden = is_hidden(h, groups, parts[i].controller, &in, &sight->unmounted);
		if (sight->unmounted)
			in.version = 0; /* what is mounted is of the other version */
		parts[i].read(h, &in, out);
		cut |= is_cut(h, &in) ? parts[i].kind : 0;
		if (in.version && !out->path[0])
			snprintf(out->path, sizeof(out->path), "%s", in.path);
	}
	if (cut)
		above_judge(container_of(h, pid, groups, out->path), mounts, cut, out);
}

const struct container_row *cgroup_container(const struct host *h, pid_t pid)
{
	struct cgroup c;
	CLEAN(free_pointer) char *groups = NULL;
	cgroup_read(h, pid, &c);
	return container_of(h, pid, groups_read(h, pid, &groups) > 0 ? groups : "", c.path);
}

/* Of v1 the controller, of v2 the core has it: with both, either may freeze. */
bool cgroup_frozen(const struct host *h, pid_t pid)
{
	static const char *const controllers[] = {"freezer", "" /* v2 */};
	CLEAN(free_pointer) char *mounts = NULL;
	CLEAN(free_pointer) char *groups = NULL;
	char text[FILE_TEXT];
	bool frozen = false;
	if (groups_read(h, pid, &groups) <= 0 ||
	    host_read_all(h, "proc/self/mountinfo", &mounts, NULL) <= 0)
		return false;
	for (size_t i = 0; i < sizeof(controllers) / sizeof(*controllers) && !frozen; i++) {
		struct hierarchy in;
		struct walk w;
		hierarchy_find(mounts, groups, controllers[i], &in);
		walk_begin(&w, h, &in);
		if (w.ended)
			continue;
		bool v1 = in.version == 1;
		if (group_text(&w, v1 ? "freezer.state" : "cgroup.events", text, sizeof(text)))
			frozen = v1 ? !strncmp(text, "FR", 2) : keyed(text, "frozen");
	}
	return frozen;
}

static void sight_join(struct cgroup_sight *s, const struct cgroup_sight *other)
{
	s->hidden |= other->hidden;
	s->above |= other->above;
	if (!s->unmounted)
		s->unmounted = other->unmounted;
}

/* Whether the tightest limits are those of different groups. */
static bool differs(const struct cgroup_limit *l, const struct cgroup_limit *other)
{
	return strcmp(cgroup_bound_at(l, 0)->path, cgroup_bound_at(other, 0)->path) != 0;
}

static void limit_join(struct cgroup_limit *l, const struct cgroup_limit *other)
{
	struct cgroup_sight sight = l->sight;
	bool several = l->several || differs(l, other);
	sight_join(&sight, &other->sight);
	if (cgroup_left(other) < cgroup_left(l))
		*l = *other;
	l->sight = sight;
	l->several = several;
}

static struct cgroup_quota *quota_find(struct cgroup *c, const char *path)
{
	for (size_t i = 0; i < c->quota_count; i++)
		if (!strcmp(c->quotas[i].path, path))
			return &c->quotas[i];
	return NULL;
}

/* Of all together; the stall of the one that stalls longest. */
static void pressure_join(struct cgroup_pressure *p, const struct cgroup_pressure *other)
{
	p->killed += other->killed;
	p->exhausted += other->exhausted;
	p->reached += other->reached;
	if (other->stalled_us > p->stalled_us)
		p->stalled_us = other->stalled_us;
}

void cgroup_join(struct cgroup *c, const struct cgroup *other)
{
	bool same = !strcmp(c->path, other->path); /* of v1 in one hierarchy */
	c->groups += !same;
	if (!same || differs(&c->pids, &other->pids))
		c->pids_refused += other->pids_refused;
	if (!same || differs(&c->memory, &other->memory))
		pressure_join(&c->pressure, &other->pressure);
	limit_join(&c->memory, &other->memory);
	limit_join(&c->tcp, &other->tcp);
	limit_join(&c->kernel, &other->kernel);
	limit_join(&c->pids, &other->pids);
	c->sockets_charged |= other->sockets_charged;
	sight_join(&c->cpu, &other->cpu);
	if (other->pod_killed > c->pod_killed)
		c->pod_killed = other->pod_killed;
	for (size_t i = 0; i < other->quota_count; i++) {
		struct cgroup_quota *known = quota_find(c, other->quotas[i].path);
		if (known) {
			known->groups += !same;
			continue;
		}
		if (c->quota_count == CGROUP_QUOTAS) {
			c->cpu.hidden = true;
			break;
		}
		c->quotas[c->quota_count++] = other->quotas[i];
	}
	if (c->cpus != other->cpus)
		c->cpus = 0;
}

uint64_t cgroup_left(const struct cgroup_limit *l) { return bound_left(cgroup_bound_at(l, 0)); }

const struct cgroup_bound *cgroup_bound_at(const struct cgroup_limit *l, size_t i)
{
	static const struct cgroup_bound none = {.max = HOST_UNLIMITED};
	return i < l->count ? &l->at[i] : &none;
}

/* `own`: of the use before, what is of this process. */
static void limit_spare(struct cgroup_limit *l, const struct cgroup_limit *before, uint64_t own)
{
	const struct cgroup_limit now = *l;
	l->count = 0;
	for (size_t i = 0; i < now.count; i++) {
		struct cgroup_bound b = now.at[i];
		for (size_t k = 0; k < before->count; k++) {
			const struct cgroup_bound *was = &before->at[k];
			uint64_t used = was->used > own ? was->used - own : 0;
			if (was->file != b.file || strcmp(was->path, b.path) != 0 || used > b.used)
				continue;
			b.used = used;
			b.reclaimable = was->reclaimable;
		}
		bound_insert(l, &b);
	}
}

void cgroup_spare(struct cgroup *c, const struct cgroup *before)
{
	limit_spare(&c->memory, &before->memory, 0);
	limit_spare(&c->pids, &before->pids, 1);
}

const struct cgroup_quota *cgroup_tightest(const struct cgroup *c)
{
	const struct cgroup_quota *tightest = NULL;
	for (size_t i = 0; i < c->quota_count; i++) {
		const struct cgroup_quota *q = &c->quotas[i];
		if (!tightest ||
		    q->quota_us * tightest->period_us < tightest->quota_us * q->period_us)
			tightest = q;
	}
	return tightest;
}

double cgroup_quota_cpus(const struct cgroup *c)
{
	double sum = 0, all = INFINITY;
	size_t own = 0;
	for (size_t i = 0; i < c->quota_count; i++) {
		const struct cgroup_quota *q = &c->quotas[i];
		double cpus = (double)q->quota_us / (double)q->period_us;
		own += !q->shared;
		sum += q->shared ? 0 : cpus;
		if (q->groups >= c->groups)
			all = fmin(all, cpus);
	}
	if (own >= c->groups)
		all = fmin(all, sum);
	return isinf(all) ? 0 : all;
}

const struct cgroup_quota *cgroup_quota_find(const struct cgroup *c, const char *path)
{
	return quota_find((struct cgroup *)c, path);
}

uint64_t cgroup_pause_us(const struct cgroup *c, const struct cgroup_quota *q, uint64_t cpus)
{
	const uint64_t limits[] = {cpus, q->shared ? 0 : c->cpus, q->shared ? 0 : q->threads};
	uint64_t at_once = UINT64_MAX;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		if (limits[i] && limits[i] < at_once)
			at_once = limits[i];
	uint64_t runs = at_once == UINT64_MAX ? q->quota_us : q->quota_us / at_once;
	return runs < q->period_us ? q->period_us - runs : 0;
}

const struct cgroup_quota *cgroup_paused(const struct cgroup *c, uint64_t cpus, uint64_t *pause_us)
{
	const struct cgroup_quota *paused = NULL;
	*pause_us = 0;
	for (size_t i = 0; i < c->quota_count; i++) {
		uint64_t pause = cgroup_pause_us(c, &c->quotas[i], cpus);
		if (!c->quotas[i].throttled || pause <= *pause_us)
			continue;
		paused = &c->quotas[i];
		*pause_us = pause;
	}
	return paused;
}
