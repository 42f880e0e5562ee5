/* The limits of control groups: of trees as the kernel shows them, v1, v2 and in a container. */
#include "../support/support.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cgroup.h"
#include "epolltune/listener.h"
#include "epolltune/subject.h"

#define MIB (UINT64_C(1) << 20)
#define V2_MOUNT "30 25 0:26 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1_MOUNT(root, name)                                                                       \
	"31 25 0:27 " root " /sys/fs/cgroup/" name " rw - cgroup cgroup rw," name "\n"

static char root[] = "/tmp/cgroup.XXXXXX";

/* Writes a file below the root, with its directories. */
static void put(const char *path, const char *text)
{
	char full[1024];
	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		mkdir(full, 0755);
		*slash = '/';
	}
	FILE *f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int begin(void **state)
{
	strcpy(root + sizeof(root) - 7, "XXXXXX");
	put(mkdtemp(root) ? "proc/sys/x" : "", "");
	return 0;
}

static int end(void **state)
{
	struct output o = run("rm -rf %s", root);
	output_free(&o);
	return 0;
}

static struct cgroup read_group(void)
{
	struct cgroup c;
	struct host *h;
	struct err e;
	assert_int_equal(host_open(&h, root, &e), 0);
	cgroup_read(h, 0, &c);
	host_close(h);
	return c;
}

static void the_ancestor_that_leaves_least_counts(void **state)
{
	put("proc/self/cgroup", "0::/system.slice/nginx.service\n");
	put("proc/self/mountinfo", V2_MOUNT);
	put("sys/fs/cgroup/system.slice/nginx.service/memory.max", "536870912\n");
	put("sys/fs/cgroup/system.slice/nginx.service/memory.stat",
	    "anon 10485760\nfile 400000000\nkernel 9000000\nshmem 1048576\nsock 2097152\n"
	    "slab_reclaimable 5000000\nslab_unreclaimable 1048576\nkernel_stack 0\npagetables 0\n");
	put("sys/fs/cgroup/system.slice/memory.max", "max\n");
	put("sys/fs/cgroup/system.slice/memory.high", "67108864\n");
	put("sys/fs/cgroup/system.slice/memory.stat", "anon 20971520\nfile 1\n");
	struct cgroup c = read_group();
	assert_string_equal(c.path, "/system.slice/nginx.service");
	/* Page cache can be reclaimed. */
	assert_string_equal(c.memory.at[0].path, "/system.slice");
	assert_int_equal(cgroup_bound_at(&c.memory, 0)->max, 64 * MIB);
	assert_int_equal(c.memory.at[0].used, 20 * MIB);
	assert_int_equal(cgroup_left(&c.memory), 44 * MIB);
	assert_true(c.sockets_charged);
	put("sys/fs/cgroup/system.slice/memory.high", "max\n");
	c = read_group();
	assert_string_equal(c.memory.at[0].path, "/system.slice/nginx.service");
	assert_int_equal(c.memory.at[0].used, 13 * MIB + 9000000 - 5000000);
}

/* All kernel memory but the slab that can be reclaimed; its parts where it is not shown. */
static void kernel_memory_is_in_use(void **state)
{
#define PARTS                                                                                      \
	"anon 100\nshmem 20\nsock 3\nslab_unreclaimable 1000\nkernel_stack 200\npagetables 30\n"   \
	"percpu 4\nslab_reclaimable 50000\n"
	static const struct {
		const char *stat;
		uint64_t used;
	} rows[] = {
		{PARTS, 123 + 1234},
		{PARTS "kernel 0\n", 123 + 1234},
		/* The pages of pipes, and zswap. */
		{PARTS "kernel 951234\nzswap 700000\n", 123 + 901234},
		{PARTS "kernel 40000\n", 123},
		{"kernel_stack 7\nkernel 90\n", 90},
	};
	put("proc/self/cgroup", "0::/a\n");
	put("proc/self/mountinfo", V2_MOUNT);
	put("sys/fs/cgroup/a/memory.max", "536870912\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		put("sys/fs/cgroup/a/memory.stat", rows[i].stat);
		struct cgroup c = read_group();
		if (c.memory.at[0].used != rows[i].used)
			fail_msg("row %zu: %llu", i, (unsigned long long)c.memory.at[0].used);
	}
}

/* Raising one limit alone meets the next. */
static void further_limits_are_kept_by_what_they_leave(void **state)
{
	static const struct {
		const char *file, *path;
		uint64_t left;
	} is[] = {
		{"memory.high", "/a/b", 300}, {"memory.max", "/a", 400},
		{"memory.max", "/a/b", 500},  {"memory.high", "/a/b/c", 600},
		{"", "", HOST_UNLIMITED},
	};
	put("proc/self/cgroup", "0::/a/b/c\n");
	put("proc/self/mountinfo", V2_MOUNT);
	put("sys/fs/cgroup/a/b/c/memory.max", "700\n");
	put("sys/fs/cgroup/a/b/c/memory.high", "600\n");
	put("sys/fs/cgroup/a/b/memory.max", "520\n");
	put("sys/fs/cgroup/a/b/memory.high", "320\n");
	put("sys/fs/cgroup/a/b/memory.stat", "anon 20\n");
	put("sys/fs/cgroup/a/memory.max", "400\n");
	struct cgroup c = read_group();
	for (size_t i = 0; i < sizeof(is) / sizeof(*is); i++) {
		const struct cgroup_bound *b = cgroup_bound_at(&c.memory, i);
		uint64_t left = b->max == HOST_UNLIMITED ? b->max : b->max - b->used;
		if (left != is[i].left || strcmp(b->path, is[i].path) != 0 ||
		    strcmp(cgroup_file_name(b->file), is[i].file) != 0)
			fail_msg("limit %zu: %s of %s", i, cgroup_file_name(b->file), b->path);
	}
	assert_int_equal(cgroup_left(&c.memory), 300);
	assert_string_equal(c.memory.at[0].path, "/a/b");
}

/* A pod of a Kubernetes whose node is a container itself. */
static void a_long_path_is_read_whole(void **state)
{
#define SIXTEEN "0123456789abcdef"
#define ID SIXTEEN SIXTEEN SIXTEEN SIXTEEN
#define POD                                                                                        \
	"/system.slice/docker-" ID ".scope/kubelet.slice/kubelet-kubepods.slice/"                  \
	"kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod" SIXTEEN SIXTEEN          \
	".slice/cri-containerd-" ID ".scope"
	put("proc/self/cgroup", "0::" POD "\n");
	put("proc/self/mountinfo", V2_MOUNT);
	put("sys/fs/cgroup" POD "/memory.max", "1048576\n");
	put("sys/fs/cgroup" POD "/memory.stat", "anon 4096\n");
	put("sys/fs/cgroup/memory.max", "9999999\n");
	put("sys/fs/cgroup/memory.stat", "anon 4096\n");
	struct cgroup c = read_group();
	assert_string_equal(c.path, POD);
	assert_string_equal(c.memory.at[0].path, POD);
	assert_int_equal(cgroup_bound_at(&c.memory, 0)->max, 1048576);
	put("proc/self/mountinfo", V1_MOUNT(POD, "memory"));
	put("proc/self/cgroup", "5:memory:" POD "/a\n");
	put("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "2097152\n");
	put("sys/fs/cgroup/memory/a/memory.stat", "total_rss 1\n");
	c = read_group();
	assert_string_equal(c.memory.at[0].path, "/a");
	assert_int_equal(cgroup_bound_at(&c.memory, 0)->max, 2097152);
}

static void quota_and_processes(void **state)
{
	put("proc/self/cgroup", "0::/kubepods/pod1/c1\n");
	put("proc/self/mountinfo", V2_MOUNT);
	put("sys/fs/cgroup/kubepods/pod1/c1/cpu.max", "max 100000\n");
	put("sys/fs/cgroup/kubepods/pod1/cpu.max", "20000 100000\n");
	put("sys/fs/cgroup/kubepods/pod1/cpu.stat",
	    "usage_usec 1\nnr_periods 50\nnr_throttled 45\nthrottled_usec 9\n");
	put("sys/fs/cgroup/kubepods/cpu.max", "100000 100000\n");
	put("sys/fs/cgroup/kubepods/pod1/c1/pids.max", "100\n");
	put("sys/fs/cgroup/kubepods/pod1/c1/pids.current", "97\n");
	put("sys/fs/cgroup/kubepods/pod1/c1/pids.events", "max 4\n");
	put("sys/fs/cgroup/kubepods/pod1/pids.events", "max 8\n"); /* without a limit */
	put("sys/fs/cgroup/kubepods/pids.max", "50\n");
	put("sys/fs/cgroup/kubepods/pids.current", "49\n");
	put("sys/fs/cgroup/kubepods/pids.events", "max 16\n");
	put("sys/fs/cgroup/kubepods/pod1/c1/cpuset.cpus.effective", "0-3,8\n");
	put("sys/fs/cgroup/kubepods/cpu.stat", "nr_periods 60\nnr_throttled 3\n");
	struct cgroup c = read_group();
	assert_int_equal(c.quota_count, 2);
	const struct cgroup_quota *q = cgroup_tightest(&c);
	assert_ptr_equal(q, cgroup_quota_find(&c, "/kubepods/pod1"));
	assert_int_equal(q->quota_us, 20000);
	assert_int_equal(q->period_us, 100000);
	assert_int_equal(q->periods, 50);
	assert_int_equal(q->throttled, 45);
	assert_int_equal(q->used_us, 1);
	assert_true(q->shared);
	q = cgroup_quota_find(&c, "/kubepods");
	assert_int_equal(q->quota_us, 100000);
	assert_int_equal(q->throttled, 3);
	assert_null(cgroup_quota_find(&c, "/kubepods/pod1/c1"));
	put("sys/fs/cgroup/kubepods/pod1/c1/cpu.max", "50000 100000\n");
	put("sys/fs/cgroup/kubepods/pod1/c1/cgroup.threads", "1\n7\n");
	put("sys/fs/cgroup/kubepods/pod1/cgroup.threads", "3\n");
	c = read_group();
	assert_int_equal(cgroup_quota_find(&c, "/kubepods/pod1/c1")->threads, 2);
	assert_int_equal(cgroup_quota_find(&c, "/kubepods/pod1")->threads, 0);
	assert_int_equal(cgroup_left(&c.pids), 1);
	assert_int_equal(c.pids_refused, 4 + 16);
	assert_int_equal(c.cpus, 5);
	/* Without what limits of other groups below have refused (Linux 6.11). */
	put("sys/fs/cgroup/kubepods/pids.events.local", "max 2\n");
	put("sys/fs/cgroup/kubepods/pod1/c1/pids.events.local", "max 1\n");
	c = read_group();
	assert_int_equal(c.pids_refused, 4 + 2);
}

/* Those of the group have those of all below it, of one above only what its own limits did. */
static void kills_and_reclaim_are_counted(void **state)
{
	put("proc/self/cgroup", "0::/box/in\n");
	put("proc/self/mountinfo", V2_MOUNT);
	put("sys/fs/cgroup/box/in/memory.events",
	    "low 0\nhigh 5\nmax 40\noom 2\noom_kill 3\noom_group_kill 9\nsock_throttled 70\n");
	put("sys/fs/cgroup/box/in/memory.events.local", "high 1\nmax 1\noom 1\noom_kill 1\n");
	put("sys/fs/cgroup/box/in/memory.pressure",
	    "some avg10=0.12 avg60=0.00 avg300=0.00 total=1234567\n"
	    "full avg10=0.00 avg60=0.00 avg300=0.00 total=99\n");
	put("sys/fs/cgroup/box/memory.events",
	    "high 905\nmax 940\noom 902\noom_kill 903\nsock_throttled 990\n");
	put("sys/fs/cgroup/box/memory.events.local", "high 100\nmax 0\noom 1\noom_kill 70\n");
	struct cgroup c = read_group();
	assert_int_equal(c.pressure.killed, 3);
	assert_int_equal(c.pressure.exhausted, 3);
	assert_int_equal(c.pressure.reached, 145);
	assert_int_equal(c.pressure.stalled_us, 1234567);
	assert_int_equal(c.sockets_throttled, 70);
	struct cgroup other = c;
	cgroup_join(&c, &other);
	assert_int_equal(c.pressure.killed, 3);
	strcpy(other.path, "/box/other");
	other.pressure.stalled_us = 7;
	cgroup_join(&c, &other);
	assert_int_equal(c.pressure.killed, 6);
	assert_int_equal(c.pressure.stalled_us, 1234567);
	assert_int_equal(c.sockets_throttled, 140);
	put("proc/self/cgroup", "4:memory:/box/in\n0::/\n");
	put("proc/self/mountinfo", V1_MOUNT("/", "memory"));
	put("sys/fs/cgroup/memory/box/in/memory.failcnt", "7\n");
	put("sys/fs/cgroup/memory/box/in/memory.limit_in_bytes", "67108864\n");
	put("sys/fs/cgroup/memory/box/in/memory.oom_control",
	    "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n");
	put("sys/fs/cgroup/memory/box/memory.failcnt", "2\n");
	put("sys/fs/cgroup/memory/box/memory.oom_control", "oom_kill 50\n");
	c = read_group();
	assert_int_equal(c.pressure.killed, 4);
	assert_int_equal(c.pressure.exhausted, 4);
	assert_int_equal(c.pressure.reached, 9);
	assert_int_equal(c.pressure.stalled_us, -1);
	assert_int_equal(c.sockets_throttled, 0);
}

/* Of v1 the controller, of v2 the core; where the process stops is visible to few. */
static void a_frozen_group_stops_its_processes(void **state)
{
#define V2_BESIDE "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	static const struct {
		const char *mounts, *groups, *file, *text, *stat, *waits_in;
	} rows[] = {
		{V2_MOUNT, "0::/a\n", "a/cgroup.events", "populated 1\nfrozen 1\n", "S",
		 PROCESS_FREEZER},
		{V2_MOUNT, "0::/a\n", "a/cgroup.events", "populated 1\nfrozen 0\n", "S", ""},
		{V2_MOUNT, "0::/a\n", "a/cgroup.events", "populated 1\n", "D", ""},
		{V2_MOUNT, "0::/a\n", "a/cgroup.events", "populated 1\nfrozen 1\n", "R", ""},
		{V1_MOUNT("/", "freezer"), "6:freezer:/b\n", "freezer/b/freezer.state", "FROZEN\n",
		 "D", PROCESS_FREEZER},
		{V1_MOUNT("/", "freezer"), "6:freezer:/b\n", "freezer/b/freezer.state",
		 "FREEZING\n", "D", PROCESS_FREEZER},
		{V1_MOUNT("/", "freezer"), "6:freezer:/b\n", "freezer/b/freezer.state", "THAWED\n",
		 "D", ""},
		{V1_MOUNT("/", "freezer") V2_BESIDE, "6:freezer:/b\n0::/c\n",
		 "unified/c/cgroup.events", "frozen 1\n", "S", PROCESS_FREEZER},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char path[128], stat[160];
		struct process p;
		struct host *h;
		struct err e;
		snprintf(path, sizeof(path), "sys/fs/cgroup/%s", rows[i].file);
		snprintf(stat, sizeof(stat),
			 "21 (web) %s 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0\n",
			 rows[i].stat);
		put(path, rows[i].text);
		put("proc/self/mountinfo", rows[i].mounts);
		put("proc/21/cgroup", rows[i].groups);
		put("proc/21/stat", stat);
		put("proc/21/wchan", "0");
		assert_int_equal(host_open(&h, root, &e), 0);
		assert_int_equal(process_read(h, 21, &p, &e), 0);
		if (strcmp(p.waits_in, rows[i].waits_in) != 0)
			fail_msg("row %zu: %s", i, p.waits_in);
		assert_true((p.wait == WAIT_FROZEN) == (p.waits_in[0] != 0));
		host_close(h);
		put(path, "");
	}
}

static uint64_t pause_of(const struct cgroup *c, struct cgroup_quota *q, uint64_t cpus,
			 uint64_t threads)
{
	q->threads = threads;
	return cgroup_pause_us(c, q, cpus);
}

static void a_quota_that_is_used_up_is_a_pause(void **state)
{
	struct cgroup c = {.quota_count = 2, .cpus = 5};
	struct cgroup_quota *own = &c.quotas[0], *above = &c.quotas[1];
	uint64_t pause;
	*own = (struct cgroup_quota){.quota_us = 20000, .period_us = 100000, .path = "/a/b"};
	assert_int_equal(pause_of(&c, own, 4, 1), 80000);
	assert_int_equal(pause_of(&c, own, 4, 2), 90000);
	assert_int_equal(pause_of(&c, own, 1, 8), 80000);
	/* Unknown: as many as CPUs, of which the group has 5. */
	assert_int_equal(pause_of(&c, own, 8, 0), 96000);
	assert_int_equal(pause_of(&c, own, 0, 0), 96000);
	c.cpus = 0;
	assert_int_equal(pause_of(&c, own, 0, 0), 80000);
	own->quota_us = 200000;
	assert_int_equal(pause_of(&c, own, 8, 8), 75000);
	assert_int_equal(pause_of(&c, own, 8, 0), 75000);
	assert_int_equal(pause_of(&c, own, 8, 1), 0);
	/* Neighbours run on all CPUs. */
	*above = (struct cgroup_quota){
		.quota_us = 300000, .period_us = 100000, .path = "/a", .shared = true};
	assert_int_equal(pause_of(&c, above, 6, 1), 50000);
	assert_null(cgroup_paused(&c, 6, &pause));
	assert_int_equal(pause, 0);
	above->throttled = 1;
	assert_ptr_equal(cgroup_paused(&c, 6, &pause), above);
	assert_int_equal(pause, 50000);
	own->throttled = 1;
	own->threads = 6;
	assert_ptr_equal(cgroup_paused(&c, 6, &pause), own);
	assert_int_equal(pause, 100000 - 200000 / 6);
	assert_ptr_equal(cgroup_tightest(&c), own);
	/* PostgreSQL: one process accepts, and others use the quota up. */
	assert_int_equal(pause_of(&c, own, 16, 64), 87500);
	own->quota_us = 300000;
	assert_int_equal(pause_of(&c, own, 4, 2), 0);
	c.quota_count = 0;
	assert_null(cgroup_tightest(&c));
	assert_null(cgroup_paused(&c, 4, &pause));
}

static void version_1(void **state)
{
	put("proc/self/cgroup", "9:cpuset:/\n5:cpu,cpuacct:/box\n4:memory:/box/in\n0::/\n");
	put("proc/self/mountinfo",
	    V1_MOUNT("/", "memory") V1_MOUNT(
		    "/", "cpu") "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
	put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	put("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "67108864\n");
	put("sys/fs/cgroup/memory/box/memory.stat",
	    "cache 99\nrss 1\ntotal_rss 1048576\ntotal_shmem 1048576\n");
	put("sys/fs/cgroup/memory/box/memory.kmem.usage_in_bytes", "2097152\n");
	put("sys/fs/cgroup/memory/box/memory.kmem.limit_in_bytes", "16777216\n");
	put("proc/sys/kernel/osrelease", "5.10.0\n");
	put("sys/fs/cgroup/memory/box/in/memory.limit_in_bytes", "9223372036854771712\n");
	put("sys/fs/cgroup/memory/box/in/memory.kmem.tcp.limit_in_bytes", "1048576\n");
	put("sys/fs/cgroup/memory/box/in/memory.kmem.tcp.usage_in_bytes", "4096\n");
	put("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "50000\n");
	put("sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
	put("sys/fs/cgroup/cpu/box/tasks", "21\n22\n40\n");
	put("sys/fs/cgroup/cpu/box/cpuacct.usage", "7000000\n");
	put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
	put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
	struct cgroup c = read_group();
	assert_string_equal(c.memory.at[0].path, "/box");
	assert_int_equal(cgroup_left(&c.memory), 60 * MIB);
	assert_int_equal(c.memory.at[0].reclaimable, 2 * MIB);
	assert_string_equal(cgroup_file_name(c.memory.at[0].file), "memory.limit_in_bytes");
	assert_false(c.sockets_charged);
	assert_int_equal(cgroup_left(&c.tcp), MIB - 4096);
	assert_string_equal(c.kernel.at[0].path, "/box");
	assert_int_equal(cgroup_left(&c.kernel), 14 * MIB);
	assert_int_equal(c.kernel.at[0].reclaimable, 2 * MIB);
	put("proc/sys/kernel/osrelease", "5.16.0\n"); /* that ignores it */
	c = read_group();
	assert_int_equal(c.kernel.count, 0);
	assert_int_equal(c.quota_count, 1);
	assert_int_equal(c.quotas[0].quota_us, 50000);
	assert_int_equal(c.quotas[0].threads, 3);
	assert_int_equal(c.quotas[0].used_us, 7000);
	assert_string_equal(c.quotas[0].path, "/box");
}

#define MOUNT(root, point) "30 25 0:26 " root " " point " rw - cgroup2 cgroup rw\n"

/* What lies above a cgroup namespace limits the process too. A group that no mount shows may have
 * a smaller limit, and one of other groups is none of its own. */
static void the_mount_that_shows_the_group_counts(void **state)
{
	static const struct {
		const char *mounts, *group;
		uint64_t max; /* MiB; 0: none */
		bool hidden;
	} rows[] = {
		{V2_MOUNT, "/", 1, false},
		{MOUNT("/docker/abc", "/sys/fs/cgroup"), "/docker/abc", 1, false},
		{MOUNT("/..", "/sys/fs/cgroup"), "/../x", 1, false},
		/* The names between the two are unknown. */
		{MOUNT("/../..", "/sys/fs/cgroup"), "/", 1, true},
		{MOUNT("/../..", "/sys/fs/cgroup"), "/../x", 1, true},
		/* That of a neighbour is outside. */
		{V2_MOUNT, "/../x", 0, true},
		{MOUNT("/../other", "/sys/fs/cgroup"), "/", 0, true},
		{MOUNT("/docker/abc", "/sys/fs/cgroup"), "/docker/abcd", 0, true},
		{MOUNT("/docker/abc", "/sys/fs/cgroup"), "/", 0, true},
		{MOUNT("/other.slice", "/mnt/x"), "/own", 0, true},
		/* Beside mounts of others. */
		{V2_MOUNT MOUNT("/../../..", "/mnt/x"), "/own", 1, false},
		{MOUNT("/../../..", "/mnt/x") V2_MOUNT, "/own", 1, false},
		{V2_MOUNT MOUNT("/other.slice", "/mnt/x"), "/own", 1, false},
		{MOUNT("/own", "/mnt/x") V2_MOUNT, "/own", 1, false},
		{V2_MOUNT MOUNT("/own", "/mnt/x"), "/own", 1, false},
		/* "\" of a name is "\134" in mountinfo(5) only. */
		{MOUNT("/machine-a\\134x2db.scope", "/mnt/x"), "/machine-a\\x2db.scope/payload", 1,
		 false},
		{MOUNT("/", "/mnt/a\\040b"), "/own", 4, false},
	};
	put("sys/fs/cgroup/memory.max", "1048576\n");
	put("sys/fs/cgroup/memory.stat", "anon 0\n");
	put("sys/fs/cgroup/own/memory.max", "max\n");
	put("sys/fs/cgroup/x/memory.max", "max\n");
	put("sys/fs/cgroup/memory.high", "max\n");
	put("mnt/x/memory.high", "max\n");
	put("mnt/x/payload/memory.high", "max\n");
	put("mnt/a b/memory.high", "max\n");
	put("mnt/x/memory.max", "2097152\n");
	put("mnt/x/payload/memory.max", "1048576\n");
	put("mnt/x/payload/memory.stat", "anon 1024\n");
	put("mnt/x/memory.stat", "anon 1024\n");
	put("mnt/a b/memory.max", "4194304\n");
	put("mnt/a b/memory.stat", "anon 0\n");
	put("mnt/a b/own/memory.max", "max\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char group[256];
		snprintf(group, sizeof(group), "0::%s\n", rows[i].group);
		put("proc/self/mountinfo", rows[i].mounts);
		put("proc/self/cgroup", group);
		struct cgroup c = read_group();
		uint64_t max = rows[i].max ? rows[i].max * MIB : HOST_UNLIMITED;
		if (cgroup_bound_at(&c.memory, 0)->max != max ||
		    c.memory.sight.hidden != rows[i].hidden)
			fail_msg("row %zu: %llu, %d", i,
				 (unsigned long long)cgroup_bound_at(&c.memory, 0)->max,
				 c.memory.sight.hidden);
	}
}

/* A group that no file system shows may have a limit; that of the root has none, where it is not
 * the root of a cgroup namespace. */
static void a_group_that_is_not_mounted_is_hidden(void **state)
{
#define IDENTITY "boot 1\nnetns 1\ninitial 1\nfirst_pids 1\n"
	static const struct {
		const char *mounts, *groups, *identity;
		int memory, pids; /* hidden: the version of the file system that is missing */
	} rows[] = {
		{V2_MOUNT, "0::/app\n", "", 0, 0},
		{"x\n", "0::/\n", "", 0, 0},
		{"x\n", "0::/app\n", "", 2, 2},
		{V1_MOUNT("/", "memory"), "2:memory:/app\n1:pids:/app\n0::/\n", "", 0, 1},
		{V2_MOUNT, "2:memory:/app\n1:pids:/\n0::/\n", "", 1, 0},
		{"x\n", "", "", 0, 0},
		{"x\n", "0::/\n", IDENTITY, 0, 0},
		{"x\n", "0::/\n", IDENTITY "first_cgroups 1\n", 0, 0},
		{"x\n", "0::/\n", IDENTITY "first_cgroups 0\n", 2, 2},
		{V1_MOUNT("/", "memory"), "2:memory:/\n1:pids:/\n0::/\n",
		 IDENTITY "first_cgroups 0\n", 0, 1},
		{V2_MOUNT, "0::/\n", IDENTITY "first_cgroups 0\n", 0, 0},
	};
	put("sys/fs/cgroup/memory/release_agent", ""); /* the root of all */
	put("sys/fs/cgroup/memory/app/memory.limit_in_bytes", "9223372036854771712\n");
	put("sys/fs/cgroup/app/cgroup.controllers", "memory pids\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		put("identity", rows[i].identity);
		put("proc/self/mountinfo", rows[i].mounts);
		put("proc/self/cgroup", rows[i].groups);
		struct cgroup c = read_group();
		if (c.memory.sight.unmounted != rows[i].memory ||
		    c.pids.sight.unmounted != rows[i].pids ||
		    c.memory.sight.hidden != !!rows[i].memory ||
		    c.pids.sight.hidden != !!rows[i].pids)
			fail_msg("row %zu: memory %d, pids %d", i, c.memory.sight.unmounted,
				 c.pids.sight.unmounted);
	}
}

/* A part of a captured machine that is lost is not one that the machine did not have: what it
 * decides is not known. */
static void what_a_capture_lost_of_a_group_is_unknown(void **state)
{
	enum { M = 1, P = 2, C = 4, T = 8 };
	static const char *const v2[] = {
		"memory.max",   "268435456\n",
		"memory.high",  "max\n",
		"memory.stat",  "anon 1\n",
		"pids.max",     "99\n",
		"pids.current", "1\n",
		"cpu.max",      "20000 100000\n",
		"cpu.stat",     "nr_periods 1\nnr_throttled 1\n",
		NULL,
	};
	static const char *const v1[] = {
		"memory.limit_in_bytes",
		"268435456\n",
		"memory.failcnt",
		"0\n",
		"memory.stat",
		"total_rss 1\n",
		"memory.kmem.tcp.limit_in_bytes",
		"1048576\n",
		"memory.kmem.tcp.usage_in_bytes",
		"1\n",
		NULL,
	};
	static const struct {
		const char *mounts, *groups, *const *files, *lost, *instead; /* NULL: none */
		int hidden;
	} rows[] = {
		{V2_MOUNT, "0::/a\n", v2, "", NULL, 0},
		{V2_MOUNT, "0::/a\n", v2, "memory.max", NULL, M},
		{V2_MOUNT, "0::/a\n", v2, "memory.max", "\n", M},
		{V2_MOUNT, "0::/a\n", v2, "memory.max", "x\n", M},
		{V2_MOUNT, "0::/a\n", v2, "memory.high", NULL, M},
		{V2_MOUNT, "0::/a\n", v2, "memory.stat", NULL, M},
		{V2_MOUNT, "0::/a\n", v2, "pids.max", NULL, P},
		{V2_MOUNT, "0::/a\n", v2, "pids.current", NULL, P},
		{V2_MOUNT, "0::/a\n", v2, "cpu.max", NULL, C},
		{V2_MOUNT, "0::/a\n", v2, "cpu.max", "\n", C},
		{V2_MOUNT, "0::/a\n", v2, "cpu.stat", NULL, C},
		/* Socket buffers are memory there: no limit of theirs is unknown. */
		{V2_MOUNT, "0::/b\n", v2, "", NULL, M | P | C},
		{"", "0::/a\n", v2, "", NULL, M | P | C | T},
		{V2_MOUNT, "", v2, "", NULL, M | P | C | T},
		{V1_MOUNT("/", "memory"), "2:memory:/a\n", v1, "", NULL, 0},
		{V1_MOUNT("/", "memory"), "2:memory:/a\n", v1, "memory.limit_in_bytes", NULL,
		 M | T},
		{V1_MOUNT("/", "memory"), "2:memory:/a\n", v1, "memory.kmem.tcp.limit_in_bytes",
		 NULL, M | T},
		{V1_MOUNT("/", "memory"), "2:memory:/a\n", v1, "memory.kmem.tcp.usage_in_bytes",
		 NULL, M | T},
		{V1_MOUNT("/", "memory"), "2:memory:/b\n", v1, "", NULL, M | T},
		/* The limits of v1 count, mounted or not. */
		{V2_MOUNT, "2:memory:/a\n0::/\n", v1, "", NULL, M | T},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char path[128];
		end(NULL);
		begin(NULL);
		put("proc/self/mountinfo", rows[i].mounts);
		put("proc/self/cgroup", rows[i].groups);
		put("sys/fs/cgroup/cgroup.controllers", "memory pids cpu\n");
		for (const char *const *f = rows[i].files; *f; f += 2) {
			bool lost = !strcmp(*f, rows[i].lost);
			snprintf(path, sizeof(path), "sys/fs/cgroup/%sa/%s",
				 rows[i].files == v1 ? "memory/" : "", *f);
			if (!lost || rows[i].instead)
				put(path, lost ? rows[i].instead : f[1]);
		}
		struct cgroup c = read_group();
		int hidden = c.memory.sight.hidden * M + c.pids.sight.hidden * P +
			     c.cpu.hidden * C + c.tcp.sight.hidden * T;
		if (hidden != rows[i].hidden)
			fail_msg("row %zu: hidden %d", i, hidden);
	}
}

/* All that is charged is in use, at most. */
static void without_its_parts_all_memory_of_a_group_may_be_page_cache(void **state)
{
	put("proc/self/cgroup", "0::/a\n");
	put("proc/self/mountinfo", V2_MOUNT);
	put("sys/fs/cgroup/a/memory.max", "5000\n");
	put("sys/fs/cgroup/a/memory.current", "4000\n");
	struct cgroup c = read_group();
	assert_int_equal(c.memory.at[0].used, 4000);
	assert_int_equal(c.memory.at[0].reclaimable, 4000);
	assert_false(c.memory.sight.hidden);
}

/* What no limit of a container's root says depends on who sets them there: Docker and Podman do,
 * systemd-nspawn and Proxmox set those of a group above, kubelet that on processes. */
static void a_limit_may_be_above_the_root_of_a_container(void **state)
{
#define INSIDE "boot 1\nnetns 1\ninitial 1\nfirst_pids 0\nfirst_cgroups 0\n"
#define LXCFS "44 25 0:50 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw\n"
	enum { M = 1, P = 2, C = 4 };
	static const struct {
		const char *identity, *mounts, *groups;
		const char *file, *text; /* of the file system of control groups */
		const char *mark;
		int above, hidden;
	} rows[] = {
		{INSIDE, V2_MOUNT, "0::/\n", "cgroup.type", "domain\n", "none", M | P | C,
		 M | P | C},
		{INSIDE, V2_MOUNT, "0::/a.service\n", "cgroup.type", "domain\n", "none", M | P | C,
		 M | P | C},
		{INSIDE, V2_MOUNT LXCFS, "0::/\n", "cgroup.type", "domain\n", "none", M | P | C,
		 P | C},
		{INSIDE, V2_MOUNT, "0::/\n", "cgroup.type", "domain\n", ".dockerenv", M | P | C, 0},
		{INSIDE, V2_MOUNT, "0::/\n", "cgroup.type", "domain\n", "run/.containerenv",
		 M | P | C, 0},
		{INSIDE, V2_MOUNT, "0::/\n", "cgroup.type", "domain\n", "run/secrets/kubernetes.io",
		 M | P | C, P},
		{INSIDE, V2_MOUNT, "0::/\n", "cgroup.type", "domain\n", "dev/termination-log",
		 M | P | C, P},
		/* It has one there: so that is where they are set. */
		{INSIDE, V2_MOUNT, "0::/\n", "memory.max", "1048576\n", "none", P | C, P | C},
		{INSIDE, V2_MOUNT, "0::/a.service\n", "pids.max", "99\n", "none", M | C, M | C},
		{INSIDE, V2_MOUNT, "0::/\n", "cpu.max", "20000 100000\n", "none", M | P, M | P},
		{INSIDE, V2_MOUNT, "0::/a.service\n", "a.service/memory.max", "1048576\n", "none",
		 M | P | C, M | P | C},
		/* The root of all. */
		{INSIDE, V2_MOUNT, "0::/\n", NULL, NULL, "none", 0, 0},
		{IDENTITY, V2_MOUNT, "0::/\n", "cgroup.type", "domain\n", "none", 0, 0},
		/* Of v1 without a cgroup namespace. */
		{IDENTITY, V1_MOUNT("/docker/4f", "memory"), "2:memory:/docker/4f\n",
		 "memory/memory.failcnt", "0\n", "none", M, 0},
		{IDENTITY, V1_MOUNT("/lxc/101/ns", "memory"), "2:memory:/lxc/101/ns\n",
		 "memory/memory.failcnt", "0\n", "none", M, M},
		{INSIDE, V1_MOUNT("/", "memory"), "2:memory:/\n", "memory/release_agent", "\n",
		 "none", 0, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char path[128];
		end(NULL);
		begin(NULL);
		put("identity", rows[i].identity);
		put("proc/self/mountinfo", rows[i].mounts);
		put("proc/self/cgroup", rows[i].groups);
		put(rows[i].mark, "");
		put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
		put("sys/fs/cgroup/pids.max", "max\n");
		put("sys/fs/cgroup/pids.current", "1\n");
		put("sys/fs/cgroup/memory.stat", "anon 0\n");
		put("sys/fs/cgroup/memory.max", "max\n");
		put("sys/fs/cgroup/memory.high", "max\n");
		put("sys/fs/cgroup/cpu.stat", "nr_periods 0\n");
		put("sys/fs/cgroup/cpu.max", "max 100000\n");
		put("sys/fs/cgroup/a.service/memory.stat", "anon 0\n");
		put("sys/fs/cgroup/a.service/memory.max", "max\n");
		put("sys/fs/cgroup/a.service/memory.high", "max\n");
		if (rows[i].file && strcmp(rows[i].file, "cgroup.type") != 0 &&
		    !strstr(rows[i].file, "memory/"))
			put("sys/fs/cgroup/cgroup.type", "domain\n");
		snprintf(path, sizeof(path), "sys/fs/cgroup/%s", rows[i].file ? rows[i].file : "x");
		put(path, rows[i].text ? rows[i].text : "");
		struct cgroup c = read_group();
		int above = c.memory.sight.above * M + c.pids.sight.above * P + c.cpu.above * C;
		int hidden = c.memory.sight.hidden * M + c.pids.sight.hidden * P + c.cpu.hidden * C;
		if (above != rows[i].above || hidden != rows[i].hidden)
			fail_msg("row %zu: above %d, hidden %d", i, above, hidden);
	}
}

/* In a cgroup namespace only the marks of an image say what runs the container, of its processes.
 */
static void a_process_beside_this_one_is_in_its_container(void **state)
{
	static const struct {
		const char *identity;
		pid_t pid;
		const char *engine; /* NULL: none that is known */
	} rows[] = {
		{INSIDE, 0, "Docker"}, {INSIDE, 21, "Docker"}, {INSIDE, 22, "Docker"},
		{INSIDE, 23, NULL},    {INSIDE, 24, "Podman"}, {IDENTITY, 0, NULL},
		{IDENTITY, 21, NULL},
	};
	char link[128];
	put(".dockerenv", "");
	put("proc/self/mountinfo", V2_MOUNT);
	put("proc/self/cgroup", "0::/\n");
	put("proc/21/cgroup", "0::/\n");
	put("proc/22/cgroup", "0::/system.slice/nginx.service\n"); /* it has the same root */
	snprintf(link, sizeof(link), "%s/proc/22/root", root);
	assert_int_equal(symlink("../..", link), 0);
	put("proc/23/cgroup", "0::/inner\n");
	put("proc/24/cgroup", "0::/libpod-4f.scope\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct host *h;
		struct err e;
		put("identity", rows[i].identity);
		assert_int_equal(host_open(&h, root, &e), 0);
		const struct container_row *row = cgroup_container(h, rows[i].pid);
		host_close(h);
		if (!row != !rows[i].engine || (row && strcmp(row->name, rows[i].engine) != 0))
			fail_msg("row %zu: %s", i, row ? row->name : "none");
	}
}

static void the_mark_of_an_engine_names_it(void **state)
{
	static const struct {
		const char *mark, *engine;
	} rows[] = {
		{"dev/lxd/sock", "LXC"},
		{"dev/incus/sock", "LXC"},
		{".dockerenv", "Docker"},
		{"run/.containerenv", "Podman"},
		{"run/secrets/kubernetes.io", "Kubernetes"},
	};
	put("proc/self/mountinfo", V2_MOUNT);
	put("proc/self/cgroup", "0::/\n");
	put("identity", INSIDE);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct host *h;
		struct err e;
		char path[128];
		put(rows[i].mark, "");
		assert_int_equal(host_open(&h, root, &e), 0);
		const struct container_row *row = cgroup_container(h, 0);
		host_close(h);
		assert_non_null(row);
		assert_string_equal(row->name, rows[i].engine);
		snprintf(path, sizeof(path), "%s/%s", root, rows[i].mark);
		assert_int_equal(unlink(path), 0);
	}
}

/* Kills of a container that was restarted since, or of another one, are counted by the pod. */
static void a_pod_counts_what_its_containers_have_forgotten(void **state)
{
	static const struct {
		const char *pod, *own, *below; /* groups */
		uint64_t of_pod, of_own, killed;
	} rows[] = {
		{"/kubepods.slice/kubepods-podab.slice", "/cri-containerd-4f.scope", "", 3, 0, 3},
		{"/kubepods.slice/kubepods-podab.slice", "/cri-containerd-4f.scope", "", 3, 3, 0},
		{"/kubepods/burstable/podab", "/4f", "", 3, 1, 2},
		/* Of a unit in it. */
		{"/kubepods/burstable/podab", "/4f", "/system.slice", 3, 1, 2},
		{"/machine.slice/machine-libpod_pod_7a.slice", "/libpod-4f.scope", "", 3, 0, 3},
		/* Others have nothing to do with it. */
		{"/system.slice", "/docker-4f.scope", "", 3, 0, 0},
		{"/kubepods.slice", "/own.scope", "", 3, 0, 0},
	};
	put("proc/self/mountinfo", V2_MOUNT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char path[256], text[64];
		snprintf(path, sizeof(path), "0::%s%s%s\n", rows[i].pod, rows[i].own,
			 rows[i].below);
		put("proc/self/cgroup", path);
		snprintf(path, sizeof(path), "sys/fs/cgroup%s/memory.events", rows[i].pod);
		snprintf(text, sizeof(text), "oom 0\noom_kill %d\n", (int)rows[i].of_pod);
		put(path, text);
		put("sys/fs/cgroup/kubepods.slice/memory.events", "oom_kill 99\n");
		if (!strcmp(rows[i].pod, "/kubepods.slice"))
			put(path, text);
		snprintf(path, sizeof(path), "sys/fs/cgroup%s%s/memory.events", rows[i].pod,
			 rows[i].own);
		snprintf(text, sizeof(text), "oom 0\noom_kill %d\n", (int)rows[i].of_own);
		put(path, text);
		struct cgroup c = read_group();
		if (c.pod_killed != rows[i].killed || c.pod_started)
			fail_msg("row %zu: %d", i, (int)c.pod_killed);
	}
}

/* What holds its namespaces is in a group beside the containers, and was there before them. */
static void a_pod_is_as_old_as_its_first_process(void **state)
{
#define THE_POD "/kubepods/burstable/podab"
#define STAT(pid, started) pid " (app) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 " started " 0 0\n"
	put("proc/self/mountinfo", V2_MOUNT);
	put("proc/self/cgroup", "0::" THE_POD "/4f\n");
	put("proc/77/stat", STAT("77", "500000"));
	put("proc/90/stat", STAT("90", "560000"));
	put("sys/fs/cgroup" THE_POD "/memory.events", "oom_kill 1\n");
	put("sys/fs/cgroup" THE_POD "/4f/cgroup.procs", "90\n91\n");
	put("sys/fs/cgroup" THE_POD "/7a/cgroup.procs", "77\n");
	put("sys/fs/cgroup" THE_POD "/9c/cgroup.procs", "0\n");
	struct cgroup c = read_group();
	assert_int_equal(c.pod_killed, 1);
	assert_int_equal(c.pod_started, 500000);
}

static void damaged_files_are_no_limits(void **state)
{
	put("proc/self/mountinfo", V2_MOUNT "x\n\n30 25 - \n");
	put("proc/self/cgroup", "0::/a\nx\n::\n\n");
	put("sys/fs/cgroup/a/memory.max", "many\n");
	put("sys/fs/cgroup/a/cpu.max", "10 0\n");
	put("sys/fs/cgroup/a/pids.max", "-5\n");
	put("sys/fs/cgroup/a/pids.current", "");
	put("sys/fs/cgroup/a/cpuset.cpus.effective", "9-0,x\n");
	struct cgroup c = read_group();
	assert_int_equal(cgroup_left(&c.memory), HOST_UNLIMITED);
	assert_int_equal(cgroup_left(&c.pids), HOST_UNLIMITED);
	assert_int_equal(c.quota_count, 0);
	assert_int_equal(c.cpus, 0);
	put("proc/self/cgroup", "");
	c = read_group();
	assert_string_equal(c.path, "");
}

/* On a host that runs: a process that has ended, a server that is not visible, and one that
 * systemd has not started, whose socket it holds. */
static void an_unknown_group_is_hidden(void **state)
{
	struct subject others = {.pid = 0}, later = {.pid = 1, .activated = true};
	struct subject ended = {.pid = INT_MAX}, *all[] = {&others, &later, &ended};
	struct host *h;
	struct err e;
	struct cgroup c;
	assert_int_equal(host_open(&h, "/", &e), 0);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		subject_group(h, all[i], &c);
		if (!c.memory.sight.hidden || !c.pids.sight.hidden || !c.cpu.hidden || c.path[0] ||
		    cgroup_bound_at(&c.memory, 0)->max != HOST_UNLIMITED || c.quota_count)
			fail_msg("row %zu: %d %d %d, %s", i, c.memory.sight.hidden,
				 c.pids.sight.hidden, c.cpu.hidden, c.path);
	}
	host_close(h);
}

/* Two units share an address: the second one is throttled, and has a limit that the first has not.
 */
static void groups_of_one_server_are_joined(void **state)
{
	struct process acceptors[] = {
		{.pid = 21, .root = 21}, {.pid = 33, .root = 32}, {.pid = 34, .root = 32}};
	struct subject one = {.pid = 21, .acceptors = acceptors, .acceptor_count = 1}, two = one;
	struct cgroup c;
	struct host *h;
	struct err e;
	put("proc/self/mountinfo", V2_MOUNT);
	put("proc/21/cgroup", "0::/app.slice/app@1.service\n");
	put("proc/32/cgroup", "0::/app.slice/app@2.service\n");
#define GROUP "sys/fs/cgroup/app.slice/"
	put(GROUP "cpu.max", "300000 100000\n");
	put(GROUP "pids.max", "500\n");
	put(GROUP "pids.current", "80\n");
	put(GROUP "app@1.service/memory.max", "1073741824\n");
	put(GROUP "app@1.service/cpu.max", "100000 100000\n");
	put(GROUP "app@2.service/memory.max", "268435456\n");
	put(GROUP "app@2.service/cpu.max", "50000 100000\n");
	put(GROUP "app@2.service/cpu.stat", "nr_periods 90\nnr_throttled 80\n");
	assert_int_equal(host_open(&h, root, &e), 0);
	two.acceptor_count = 3;
	subject_group(h, &one, &c);
	assert_int_equal(c.groups, 1);
	assert_int_equal(c.quota_count, 2);
	assert_int_equal(cgroup_bound_at(&c.memory, 0)->max, 1024 * MIB);
	assert_false(c.memory.several);
	assert_true(cgroup_quota_cpus(&c) == 1);
	subject_group(h, &two, &c);
	assert_int_equal(c.groups, 2);
	assert_int_equal(c.quota_count, 3);
	assert_int_equal(cgroup_tightest(&c)->throttled, 80);
	assert_string_equal(cgroup_tightest(&c)->path, "/app.slice/app@2.service");
	assert_true(cgroup_quota_cpus(&c) == 1.5);
	/* It does not accept now, and holds its listener. */
	struct listener listeners[] = {{.owner = 0}, {.owner = 1}, {.owner = -1}};
	one.listeners = (struct listeners){
		.at = listeners, .count = 3, .processes = acceptors, .process_count = 2};
	subject_group(h, &one, &c);
	assert_int_equal(c.groups, 2);
	subject_group(h, &two, &c);
	assert_int_equal(cgroup_bound_at(&c.memory, 0)->max, 256 * MIB);
	assert_string_equal(c.memory.at[0].path, "/app.slice/app@2.service");
	assert_true(c.memory.several);
	/* That of the slice is of both. */
	assert_int_equal(cgroup_bound_at(&c.pids, 0)->max, 500);
	assert_false(c.pids.several);
	host_close(h);
	/* One without a quota has what the slice has. */
	put(GROUP "app@1.service/cpu.max", "max 100000\n");
	put("proc/32/cgroup", "0::/app.slice/app@1.service\n");
	assert_int_equal(host_open(&h, root, &e), 0);
	subject_group(h, &two, &c);
	assert_int_equal(c.groups, 1);
	assert_false(c.memory.several);
	put("proc/32/cgroup", "0::/app.slice/app@2.service\n");
	subject_group(h, &two, &c);
	assert_true(cgroup_quota_cpus(&c) == 3);
	put("sys/fs/cgroup/app.slice/cpu.max", "max 100000\n");
	subject_group(h, &two, &c);
	assert_true(cgroup_quota_cpus(&c) == 0);
	put(GROUP "app@1.service/cpu.max", "100000 100000\n");
	put("sys/fs/cgroup/app.slice/cpu.max", "50000 100000\n");
	subject_group(h, &two, &c);
	assert_true(cgroup_quota_cpus(&c) == 0.5);
	host_close(h);
}

/* A manager moves its workers into groups with limits of their own, out of its own, which has none.
 */
static void workers_have_groups_of_their_own(void **state)
{
	struct process acceptors[] = {{.pid = 41, .root = 40},
				      {.pid = 42, .root = 40},
				      {.pid = 43, .root = 40},
				      {.pid = 44, .root = 40}};
	struct listener held = {.owner = 0};
	struct subject server = {
		.pid = 40,
		.acceptors = acceptors,
		.acceptor_count = 2,
		.listeners = {.at = &held, .count = 1, .processes = acceptors, .process_count = 1}};
	struct cgroup c;
	struct host *h;
	struct err e;
	put("proc/self/mountinfo", V2_MOUNT);
	put("proc/self/cgroup", "0::/manager\n");
	put("proc/40/cgroup", "0::/manager\n");
	put("proc/41/cgroup", "0::/pool\n");
	put("proc/42/cgroup", "0::/pool\n");
	put("proc/43/cgroup", "0::/other\n");
	put("proc/44/cgroup", "0::/manager\n");
	put("sys/fs/cgroup/manager/pids.max", "9\n");
	put("sys/fs/cgroup/manager/pids.current", "8\n");
	put("sys/fs/cgroup/pool/memory.max", "268435456\n");
	put("sys/fs/cgroup/pool/cpu.max", "50000 100000\n");
	put("sys/fs/cgroup/other/memory.max", "134217728\n");
	assert_int_equal(host_open(&h, root, &e), 0);
	subject_group(h, &server, &c);
	assert_string_equal(c.path, "/pool");
	assert_int_equal(c.groups, 1);
	assert_int_equal(cgroup_bound_at(&c.memory, 0)->max, 256 * MIB);
	assert_false(c.memory.several);
	assert_true(cgroup_quota_cpus(&c) == 0.5);
	assert_int_equal(cgroup_left(&c.pids), HOST_UNLIMITED);
	server.acceptor_count = 4;
	subject_group(h, &server, &c);
	assert_int_equal(c.groups, 3);
	assert_int_equal(cgroup_bound_at(&c.memory, 0)->max, 128 * MIB);
	assert_true(c.memory.several);
	assert_int_equal(cgroup_left(&c.pids), 1);
	/* Which of them accept is not visible. */
	server.acceptor_count = 0;
	subject_group(h, &server, &c);
	assert_string_equal(c.path, "/manager");
	assert_int_equal(c.groups, 1);
	host_close(h);
}

/* A capture has those of the first tree of its server as its own. */
static void a_captured_server_has_the_groups_of_the_capture(void **state)
{
	struct process acceptors[] = {{.pid = 813, .root = 812}, {.pid = 900, .root = 900}};
	struct subject server = {.pid = 812, .acceptors = acceptors, .acceptor_count = 1};
	struct cgroup c;
	struct host *h;
	struct err e;
	put("proc/self/mountinfo", V2_MOUNT);
	put("proc/self/cgroup", "0::/own.service\n");
	put("sys/fs/cgroup/own.service/pids.max", "500\n");
	put("sys/fs/cgroup/own.service/pids.current", "80\n");
	assert_int_equal(host_open(&h, root, &e), 0);
	for (size_t trees = 1; trees <= 2; trees++) {
		server.acceptor_count = trees;
		subject_group(h, &server, &c);
		assert_int_equal(cgroup_bound_at(&c.pids, 0)->max, 500);
		assert_int_equal(c.pids.sight.hidden, trees > 1);
	}
	host_close(h);
}

/* The path is of one hierarchy: in another one they may have groups of their own. */
static void groups_of_version_1_differ_by_hierarchy(void **state)
{
	struct cgroup a = cgroup_none(false), b = a, same;
	strcpy(a.path, "/");
	a.pids = (struct cgroup_limit){.at = {{.max = 100, .used = 10, .path = "/app1"}},
				       .count = 1};
	a.pids_refused = 3;
	a.quota_count = 1;
	a.quotas[0] = (struct cgroup_quota){.quota_us = 1, .period_us = 2, .path = "/app1"};
	b = same = a;
	strcpy(b.pids.at[0].path, "/app2");
	strcpy(b.quotas[0].path, "/app2");
	cgroup_join(&a, &same);
	assert_int_equal(a.pids_refused, 3);
	assert_true(cgroup_quota_cpus(&a) == 0.5);
	cgroup_join(&a, &b);
	assert_int_equal(a.pids_refused, 6);
	assert_true(cgroup_quota_cpus(&a) == 1);
}

/* v1 with many hierarchies: the line of memory is beyond 4 KiB. */
static void a_long_list_is_read_whole(void **state)
{
	char groups[8192] = "";
	for (int i = 60; i > 2; i--)
		snprintf(groups + strlen(groups), sizeof(groups) - strlen(groups),
			 "%d:name=%064d:/kubepods/burstable/pod\n", i, i);
	snprintf(groups + strlen(groups), sizeof(groups) - strlen(groups), "2:memory:/box\n");
	assert_true(strlen(groups) > 4096);
	put("proc/self/cgroup", groups);
	put("proc/self/mountinfo", V1_MOUNT("/", "memory"));
	put("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "67108864\n");
	struct cgroup c = read_group();
	assert_int_equal(cgroup_bound_at(&c.memory, 0)->max, 64 * MIB);
}

static void a_limit_that_cannot_be_read_is_not_none(void **state)
{
	put("proc/self/cgroup", "0::/web\n");
	put("proc/self/mountinfo", V2_MOUNT);
	put("sys/fs/cgroup/web/memory.max", "max\n");
	assert_false(read_group().memory.sight.hidden);
	char full[1024];
	snprintf(full, sizeof(full), "%s/sys/fs/cgroup/web/memory.max", root);
	FILE *f = fopen(full, "w");
	assert_non_null(f);
	assert_int_equal(fwrite("1\0\n", 1, 3, f), 3);
	fclose(f);
	struct cgroup c = read_group();
	assert_true(c.memory.sight.hidden);
	assert_int_equal(cgroup_bound_at(&c.memory, 0)->max, HOST_UNLIMITED);
	assert_false(c.pids.sight.hidden);
}

static struct cgroup_bound bound_of(enum cgroup_file file, const char *path, uint64_t max,
				    uint64_t used)
{
	struct cgroup_bound b = {.max = max, .used = used, .file = file};
	snprintf(b.path, sizeof(b.path), "%s", path);
	return b;
}

/* 27 processes of the check are in the group, or below the one above it. */
static void what_the_check_uses_is_not_the_servers(void **state)
{
	static const struct {
		enum cgroup_file file;
		const char *path; /* of the group that the check is in; NULL: it has no limit */
		uint64_t before, now;
		uint64_t used; /* counted of the limit 200 of /a/b */
		const char *tightest;
	} rows[] = {
		{CGROUP_PIDS_MAX, "/a/b", 161, 187, 160, "/a/b"},
		/* It is beside the server, and is not in that group. */
		{CGROUP_PIDS_MAX, "/a/c", 161, 187, 187, "/a/b"},
		{CGROUP_PIDS_MAX, NULL, 161, 187, 187, "/a/b"},
		/* Processes of the server have ended since. */
		{CGROUP_PIDS_MAX, "/a/b", 161, 120, 120, "/a/b"},
		{CGROUP_PIDS_MAX, "/a/b", 0, 187, 0, "/a"},
		/* Then the limit above leaves less. */
		{CGROUP_PIDS_MAX, "/a/b", 71, 187, 70, "/a"},
		{CGROUP_MEMORY_MAX, "/a/b", 161, 187, 161, "/a/b"},
		{CGROUP_MEMORY_MAX, "/a/c", 161, 187, 187, "/a/b"},
		/* Another limit of that group. */
		{CGROUP_MEMORY_HIGH, "/a/b", 161, 187, 187, "/a/b"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct cgroup c = cgroup_none(false), before = c;
		bool pids = rows[i].file == CGROUP_PIDS_MAX;
		enum cgroup_file file = pids ? CGROUP_PIDS_MAX : CGROUP_MEMORY_MAX;
		struct cgroup_limit *l = pids ? &c.pids : &c.memory;
		struct cgroup_limit *was = pids ? &before.pids : &before.memory;
		l->at[l->count++] = bound_of(file, "/a/b", 200, rows[i].now);
		l->at[l->count++] = bound_of(file, "/a", 1000, 900);
		if (rows[i].path)
			was->at[was->count++] =
				bound_of(rows[i].file, rows[i].path, 200, rows[i].before);
		cgroup_spare(&c, &before);
		const struct cgroup_bound *b = &l->at[strcmp(l->at[0].path, "/a/b") != 0];
		if (l->count != 2 || b->used != rows[i].used ||
		    strcmp(l->at[0].path, rows[i].tightest) != 0)
			fail_msg("row %zu: %llu, %s", i, (unsigned long long)b->used,
				 l->at[0].path);
	}
	/* That of the group above, too. */
	struct cgroup c = cgroup_none(false), before = c;
	c.pids.at[c.pids.count++] = bound_of(CGROUP_PIDS_MAX, "/a", 200, 187);
	before.pids.at[before.pids.count++] = bound_of(CGROUP_PIDS_MAX, "/a/c", 20, 1);
	before.pids.at[before.pids.count++] = bound_of(CGROUP_PIDS_MAX, "/a", 200, 161);
	cgroup_spare(&c, &before);
	assert_int_equal(c.pids.at[0].used, 160);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_ancestor_that_leaves_least_counts, begin, end),
		cmocka_unit_test_setup_teardown(kernel_memory_is_in_use, begin, end),
		cmocka_unit_test_setup_teardown(further_limits_are_kept_by_what_they_leave, begin,
						end),
		cmocka_unit_test_setup_teardown(a_long_path_is_read_whole, begin, end),
		cmocka_unit_test_setup_teardown(quota_and_processes, begin, end),
		cmocka_unit_test_setup_teardown(kills_and_reclaim_are_counted, begin, end),
		cmocka_unit_test_setup_teardown(a_frozen_group_stops_its_processes, begin, end),
		cmocka_unit_test(a_quota_that_is_used_up_is_a_pause),
		cmocka_unit_test_setup_teardown(version_1, begin, end),
		cmocka_unit_test_setup_teardown(the_mount_that_shows_the_group_counts, begin, end),
		cmocka_unit_test_setup_teardown(a_group_that_is_not_mounted_is_hidden, begin, end),
		cmocka_unit_test_setup_teardown(a_limit_that_cannot_be_read_is_not_none, begin,
						end),
		cmocka_unit_test_setup_teardown(what_a_capture_lost_of_a_group_is_unknown, begin,
						end),
		cmocka_unit_test_setup_teardown(
			without_its_parts_all_memory_of_a_group_may_be_page_cache, begin, end),
		cmocka_unit_test_setup_teardown(a_limit_may_be_above_the_root_of_a_container, begin,
						end),
		cmocka_unit_test_setup_teardown(the_mark_of_an_engine_names_it, begin, end),
		cmocka_unit_test_setup_teardown(a_process_beside_this_one_is_in_its_container,
						begin, end),
		cmocka_unit_test_setup_teardown(a_pod_counts_what_its_containers_have_forgotten,
						begin, end),
		cmocka_unit_test_setup_teardown(a_pod_is_as_old_as_its_first_process, begin, end),
		cmocka_unit_test_setup_teardown(a_long_list_is_read_whole, begin, end),
		cmocka_unit_test_setup_teardown(groups_of_one_server_are_joined, begin, end),
		cmocka_unit_test_setup_teardown(workers_have_groups_of_their_own, begin, end),
		cmocka_unit_test_setup_teardown(a_captured_server_has_the_groups_of_the_capture,
						begin, end),
		cmocka_unit_test(groups_of_version_1_differ_by_hierarchy),
		cmocka_unit_test(an_unknown_group_is_hidden),
		cmocka_unit_test_setup_teardown(damaged_files_are_no_limits, begin, end),
		cmocka_unit_test(what_the_check_uses_is_not_the_servers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
