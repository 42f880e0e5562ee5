/* Control groups, v1 and v2: /proc/PID/cgroup, the mounts of their file systems, and the files of a
 * group and of its ancestors (Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst). */
#include "epolltune/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "host/cgroup_join.h"
#include "host/cgroup_tree.h"
#include "host/container.h"
#include "host/cpu_list.h"
#include "host/machine.h"
#include "host/mounts.h"
#include "host/processes.h"

#define FILE_TEXT 4096

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
static bool memory_charged(struct group_walk *w, const char *file, struct cgroup_bound *b)
{
	bool known = group_number(w, file, &b->used) && b->used != HOST_UNLIMITED;
	b->used = b->reclaimable = known ? b->used : 0;
	return known;
}

static bool memory_used(struct group_walk *w, struct cgroup_bound *b)
{
	char stat[FILE_TEXT] = "";
	if (!group_text(w, "memory.stat", stat, sizeof(stat)))
		return memory_charged(w, "memory.current", b);
	b->used = keyed(stat, "anon") + keyed(stat, "shmem") + keyed(stat, "sock") +
		  kernel_used(stat);
	return true;
}

/* The slab that can be reclaimed is a part of kmem, which is not shown. */
static bool memory_used_v1(struct group_walk *w, struct cgroup_bound *b)
{
	char stat[FILE_TEXT] = "";
	if (!group_text(w, "memory.stat", stat, sizeof(stat)))
		return memory_charged(w, "memory.usage_in_bytes", b);
	if (!group_number(w, "memory.kmem.usage_in_bytes", &b->reclaimable))
		b->reclaimable = 0;
	b->used = keyed(stat, "total_rss") + keyed(stat, "total_shmem") + b->reclaimable;
	return true;
}

static bool number_used(struct group_walk *w, const char *file, struct cgroup_bound *b)
{
	bool known = group_number(w, file, &b->used) && b->used != HOST_UNLIMITED;
	b->used = known ? b->used : 0;
	return known;
}

static bool tcp_used(struct group_walk *w, struct cgroup_bound *b)
{
	return number_used(w, "memory.kmem.tcp.usage_in_bytes", b);
}

/* How much of it is slab that can be reclaimed is not shown. */
static bool kmem_used(struct group_walk *w, struct cgroup_bound *b)
{
	bool known = number_used(w, "memory.kmem.usage_in_bytes", b);
	b->reclaimable = b->used;
	return known;
}

static bool pids_used(struct group_walk *w, struct cgroup_bound *b)
{
	return number_used(w, "pids.current", b);
}

static const struct {
	const char *name;
	bool (*used)(struct group_walk *, struct cgroup_bound *); /* false: it is not known */
	const char *beside; /* a file that a group has with it */
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

static void limit_take(struct cgroup_limit *l, struct group_walk *w, enum cgroup_file file)
{
	struct cgroup_bound here = {.file = file};
	if (!group_number(w, files[file].name, &here.max)) {
		w->unread |= group_is_lost(w, files[file].beside);
		return;
	}
	if (here.max == HOST_UNLIMITED)
		return;
	w->unread |= !files[file].used(w, &here);
	snprintf(here.path, sizeof(here.path), "%s", w->below[0] ? w->below : "/");
	cgroup_bound_insert(l, &here);
}

/* The events of one group: of the first one those below it too, as are its processes. Of those
 * above it only their own limits count, as older kernels have it in the file itself (memory.events
 * before 5.2, pids.events before 6.11). */
static void events_text(struct group_walk *w, const char *file, bool first, char text[FILE_TEXT])
{
	char local[64];
	snprintf(local, sizeof(local), "%s.local", file);
	if (first || !group_text(w, local, text, FILE_TEXT))
		group_text(w, file, text, FILE_TEXT);
}

static void pressure_add(struct group_walk *w, bool first, struct cgroup *c)
{
	struct cgroup_pressure *out = &c->pressure;
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
	if (!first)
		return;
	out->killed = keyed(text, "oom_kill");
	/* Counted in the group of the socket, whichever group above it is short:
	 * mem_cgroup_under_socket_pressure(). */
	c->sockets_throttled = keyed(text, "sock_throttled");
}

struct oldest {
	const struct host *host;
	uint64_t started;
};

/* By the first process of a group: its number is mostly the lowest. */
static int oldest_take(const char *group, void *arg)
{
	struct oldest *o = arg;
	struct process_stat first;
	char path[2 * CGROUP_PATH + 128];
	CLEAN(free_pointer) char *text = NULL;
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	if (host_read_all(o->host, path, &text, NULL) <= 0)
		return 0;
	pid_t pid = (pid_t)strtol(text, NULL, 10);
	CLEAN(close_fd) int process = pid > 0 ? process_open(o->host, pid, NULL) : -1;
	if (process >= 0 && !process_stat_at(process, pid, &first, NULL) &&
	    (!o->started || first.started < o->started))
		o->started = first.started;
	return 0;
}

/* A pod begins with the process that holds its namespaces, in a group beside its containers. */
static uint64_t pod_started(const struct group_walk *w)
{
	char path[2 * CGROUP_PATH + 64];
	struct oldest o = {.host = w->host};
	snprintf(path, sizeof(path), "%s%s", w->hierarchy->mount, w->below);
	host_names(w->host, path, oldest_take, &o, NULL);
	return o.started;
}

/* A restarted container has a new group; that of its pod keeps the count of all that were below it.
 * `below`: the count of the group before. */
static void pod_read(struct group_walk *w, bool first, uint64_t *below, struct cgroup *out)
{
	char text[FILE_TEXT] = "";
	if (w->hierarchy->version == 2)
		group_text(w, "memory.events", text, sizeof(text));
	uint64_t killed = keyed(text, "oom_kill");
	if (!first && container_is_pod(w->below) && killed > *below) {
		out->pod_killed = killed - *below;
		out->pod_started = pod_started(w);
	}
	*below = killed;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=N", in us: Documentation/accounting/psi.rst. */
static void stalls_read(struct group_walk *w, struct cgroup_pressure *out)
{
	char text[FILE_TEXT];
	uint64_t total;
	if (!group_text(w, "memory.pressure", text, sizeof(text)) || strncmp(text, "some ", 5) != 0)
		return;
	const char *at = strstr(text, " total=");
	if (at && (at += strlen(" total="), text_number(&at, &total)) && total <= INT64_MAX)
		out->stalled_us = (int64_t)total;
}

static void pressure_read(const struct host *h, const struct group_hierarchy *in,
			  struct cgroup *out)
{
	struct cgroup_pressure *p = &out->pressure;
	struct group_walk w;
	uint64_t below = 0;
	group_walk_begin(&w, h, in);
	if (!w.ended)
		stalls_read(&w, p);
	for (bool first = true; !w.ended; group_walk_up(&w), first = false) {
		pressure_add(&w, first, out);
		pod_read(&w, first, &below, out);
	}
	/* v1 does not say which one it was. */
	if (in->version == 1 && out->memory.count)
		p->exhausted = p->killed;
}

static void memory_read(const struct host *h, const struct group_hierarchy *in, struct cgroup *out)
{
	struct group_walk w;
	out->sockets_charged = in->version == 2 || out->memory.sight.unmounted == 2;
	for (group_walk_begin(&w, h, in); !w.ended; group_walk_up(&w)) {
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

static void pids_read(const struct host *h, const struct group_hierarchy *in, struct cgroup *out)
{
	struct group_walk w;
	uint64_t own = 0, limiting = 0;
	bool first = true;
	for (group_walk_begin(&w, h, in); !w.ended; group_walk_up(&w)) {
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
	out->pids_refused_above = limiting;
	out->pids.sight.hidden |= w.unread;
}

/* Whether a captured machine lacks the quota of a group, of which it has the use. */
static bool quota_is_lost(struct group_walk *w)
{
	char stat[FILE_TEXT] = "";
	return group_is_lost(w, "cpu.stat") && group_text(w, "cpu.stat", stat, sizeof(stat)) &&
	       strstr(stat, "nr_periods ");
}

/* False: there is none, or it is not known. */
static bool quota_read(struct group_walk *w, uint64_t *quota, uint64_t *period)
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
static uint64_t threads_read(const struct group_walk *w)
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
static uint64_t used_read(struct group_walk *w, const char *stat)
{
	uint64_t ns;
	if (w->hierarchy->version == 2)
		return keyed(stat, "usage_usec");
	return group_number(w, "cpuacct.usage", &ns) && ns != HOST_UNLIMITED ? ns / 1000 : 0;
}

static void cpu_read(const struct host *h, const struct group_hierarchy *in, struct cgroup *out)
{
	struct group_walk w;
	uint64_t quota, period;
	char stat[FILE_TEXT];
	bool shared = false;
	for (group_walk_begin(&w, h, in); !w.ended; group_walk_up(&w), shared = true) {
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

static void cpus_read(const struct host *h, const struct group_hierarchy *in, struct cgroup *out)
{
	struct group_walk w;
	char text[FILE_TEXT];
	group_walk_begin(&w, h, in);
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
		void (*read)(const struct host *, const struct group_hierarchy *, struct cgroup *);
		unsigned kind;
		struct cgroup_sight *sight;
	} parts[] = {{"memory", memory_read, CONTAINER_MEMORY, &out->memory.sight},
		     {"pids", pids_read, CONTAINER_PIDS, &out->pids.sight},
		     {"cpu", cpu_read, CONTAINER_CPU, &out->cpu},
		     {"cpuset", cpus_read, 0, &unused}};
	unsigned cut = 0;
	CLEAN(free_pointer) char *mounts = NULL;
	CLEAN(free_pointer) char *groups = NULL;
	struct group_hierarchy in;
	*out = cgroup_none(host_live(h));
	ssize_t n = group_paths(h, pid, &groups);
	ssize_t mounted = host_read_all(h, "proc/self/mountinfo", &mounts, NULL);
	if (n > 0 ? mounted <= 0 : (n < 0 && n != -ENOENT) || has_groups(mounts))
		*out = cgroup_none(true);
	if (n <= 0 || mounted <= 0)
		return;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		group_hierarchy_find(mounts, groups, parts[i].controller, &in);
		struct cgroup_sight *sight = parts[i].sight;
		sight->hidden =
			group_is_hidden(h, groups, parts[i].controller, &in, &sight->unmounted);
		if (sight->unmounted)
			in.version = 0; /* what is mounted is of the other version */
		parts[i].read(h, &in, out);
		cut |= group_is_cut(h, &in) ? parts[i].kind : 0;
		if (in.version && !out->path[0])
			snprintf(out->path, sizeof(out->path), "%s", in.path);
	}
	if (cut)
		container_above_judge(container_find(h, pid, groups, out->path), mounts, cut, out);
}

/* Of v1 the controller, of v2 the core has it: with both, either may freeze. */
bool cgroup_frozen(const struct host *h, pid_t pid)
{
	static const char *const controllers[] = {"freezer", "" /* v2 */};
	CLEAN(free_pointer) char *mounts = NULL;
	CLEAN(free_pointer) char *groups = NULL;
	char text[FILE_TEXT];
	bool frozen = false;
	if (group_paths(h, pid, &groups) <= 0 ||
	    host_read_all(h, "proc/self/mountinfo", &mounts, NULL) <= 0)
		return false;
	for (size_t i = 0; i < sizeof(controllers) / sizeof(*controllers) && !frozen; i++) {
		struct group_hierarchy in;
		struct group_walk w;
		group_hierarchy_find(mounts, groups, controllers[i], &in);
		group_walk_begin(&w, h, &in);
		if (w.ended)
			continue;
		bool v1 = in.version == 1;
		if (group_text(&w, v1 ? "freezer.state" : "cgroup.events", text, sizeof(text)))
			frozen = v1 ? !strncmp(text, "FR", 2) : keyed(text, "frozen");
	}
	return frozen;
}
