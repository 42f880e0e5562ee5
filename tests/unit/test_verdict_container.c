/* What probe container makes of a control group: throttled periods, the pause of a quota,
 * processes, and memory that the target needs. */
#define probe_container container_under_test
#include "../../probes/container.c"
#include "../support/support.h"
#include "../support/verdict.h"

#include "judge/container_advice.h"

/* A quota of 20 ms in 100, of which the group ran in 1 000 periods before the window. */
static struct sample sample_of(uint64_t periods, uint64_t throttled)
{
	struct sample s = {.cpus = 2, .shown = true, .ours = {true}};
	s.group.quota_count = 1;
	s.group.quotas[0] = (struct cgroup_quota){.quota_us = 20000,
						  .period_us = 100000,
						  .path = "/docker/4f",
						  .periods = periods,
						  .throttled = throttled};
	return s;
}

static void throttled_periods_are_a_share(void **state)
{
	static const struct {
		uint64_t periods, throttled; /* of the window */
		double seconds;              /* 0: no window */
		bool others;                 /* the check does not run in the group */
		uint64_t pause_us;
		enum wall_verdict verdict;
		const char *findings;
	} rows[] = {
		{10, 10, 1, false, 0, VERDICT_SHORT, "cgroup.cpu.short critical"},
		{10, 9, 1, false, 80000, VERDICT_SHORT,
		 "cgroup.cpu.short critical, cgroup.cpu.pause note"},
		{10, 5, 1, false, 0, VERDICT_SHORT, "cgroup.cpu.short critical"},
		{10, 4, 1, false, 0, VERDICT_TIGHT, "cgroup.cpu.tight warning"},
		{100, 4, 1, false, 0, VERDICT_OK, ""},
		/* One period, which the check itself may have used up. */
		{3, 1, 1, false, 0, VERDICT_OK, ""},
		{3, 1, 1, true, 0, VERDICT_TIGHT, "cgroup.cpu.tight warning"},
		{1, 1, 1, true, 0, VERDICT_TIGHT, "cgroup.cpu.tight warning"},
		{100, 1, 1, true, 0, VERDICT_OK, ""},
		{3, 2, 1, false, 0, VERDICT_SHORT, "cgroup.cpu.short critical"},
		{10, 0, 1, false, 80000, VERDICT_OK, "cgroup.cpu.pause note"},
		{0, 0, 1, false, 0, VERDICT_OK, ""}, /* it did not run */
		/* Without a window nothing is known of now. */
		{0, 0, 0, false, 0, VERDICT_OK, ""},
	};
	const struct sample before = sample_of(1000, 900);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		char row[24];
		struct sample after = sample_of(1000 + rows[i].periods, 900 + rows[i].throttled);
		after.ours[0] = !rows[i].others;
		struct probe_options options = {.pause_us = rows[i].pause_us};
		struct target target = target_default();
		struct moment m = {
			.target = &target, .options = &options, .seconds = rows[i].seconds};
		snprintf(row, sizeof(row), "row %zu", i);
		report_init(&r);
		observation_judge(&before, &after, &m, &r);
		findings_are(row, &r, rows[i].findings);
		if (r.walls[0].verdict != rows[i].verdict || r.walls[0].limit != 20)
			fail_msg("%s: verdict %d, %lld %%", row, (int)r.walls[0].verdict,
				 (long long)r.walls[0].limit);
	}
}

/* Of 20 ms in each period. A small quota, as of an idle container, the check uses up alone. */
static void what_the_check_uses_accuses_nobody(void **state)
{
	static const struct {
		const char *what;
		uint64_t periods, throttled;
		uint64_t own_us, used_us; /* 0: not counted */
		bool others;              /* the check does not run in the group */
		enum wall_verdict verdict;
		const char *findings;
	} rows[] = {
		{"alone", 5, 3, 45000, 46000, false, VERDICT_OK, ""},
		{"alone, in each period", 5, 5, 82000, 85000, false, VERDICT_OK, ""},
		{"alone, from the middle of a period on", 5, 5, 62000, 0, false, VERDICT_OK, ""},
		{"alone, on many CPUs", 5, 3, 200000, 0, false, VERDICT_OK, ""},
		{"in another group", 5, 3, 45000, 46000, true, VERDICT_SHORT,
		 "cgroup.cpu.short critical"},
		{"beside a server that uses it up", 5, 5, 20000, 100000, false, VERDICT_SHORT,
		 "cgroup.cpu.short critical"},
		{"the same, not counted", 5, 5, 20000, 0, false, VERDICT_SHORT,
		 "cgroup.cpu.short critical"},
		{"for a longer window", 50, 50, 45000, 1000000, false, VERDICT_SHORT,
		 "cgroup.cpu.short critical"},
		{"the check has half of it", 5, 5, 50000, 100000, false, VERDICT_SHORT,
		 "cgroup.cpu.short critical"},
		{"a server that uses it up in two periods", 5, 2, 4000, 60000, false, VERDICT_TIGHT,
		 "cgroup.cpu.tight warning"},
		{"the same, not counted", 5, 3, 8000, 0, false, VERDICT_TIGHT,
		 "cgroup.cpu.tight warning"},
		{"in one, and the check in another", 5, 2, 20000, 40000, false, VERDICT_OK, ""},
	};
	struct sample before = sample_of(1000, 900);
	before.own_ns = 7000000;
	before.group.quotas[0].used_us = 9000;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		struct sample after = sample_of(1000 + rows[i].periods, 900 + rows[i].throttled);
		after.ours[0] = !rows[i].others;
		after.own_ns = before.own_ns + rows[i].own_us * 1000;
		if (rows[i].used_us)
			after.group.quotas[0].used_us = 9000 + rows[i].used_us;
		report_init(&r);
		judge_cpu(&before, &after, true, &r);
		findings_are(rows[i].what, &r, rows[i].findings);
		bool said = strstr(r.walls[0].detail, "the check itself used ");
		if (r.walls[0].verdict != rows[i].verdict || said == rows[i].others)
			fail_msg("%s: verdict %d, %s", rows[i].what, (int)r.walls[0].verdict,
				 r.walls[0].detail);
	}
}

/* What others did before it is kept: another window is of the quotas alone. */
static void a_window_that_the_check_disturbs_is_followed_by_another(void **state)
{
	static const struct {
		uint64_t periods, throttled, own_us;
		bool others, again;
	} rows[] = {
		{5, 3, 45000, false, true},  {5, 5, 21000, false, true},
		{5, 5, 20000, false, false}, {5, 0, 45000, false, false},
		{5, 3, 45000, true, false},  {5, 0, 0, false, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sample before = sample_of(1000, 900);
		struct sample after = sample_of(1000 + rows[i].periods, 900 + rows[i].throttled);
		before.group.pids_refused = 1;
		after.group.pids_refused = 2;
		after.ours[0] = !rows[i].others;
		after.own_ns = rows[i].own_us * 1000;
		if (window_again(&before, &after) != rows[i].again)
			fail_msg("row %zu", i);
		assert_int_equal(before.group.pids_refused, 1);
		assert_int_equal(before.own_ns, rows[i].again ? after.own_ns : 0);
		assert_int_equal(before.group.quotas[0].periods,
				 rows[i].again ? after.group.quotas[0].periods : 1000);
	}
}

/* A unit with room left, in a slice whose quota its neighbours use up, in a pod. */
static void any_quota_above_stops_the_server(void **state)
{
	static const struct {
		struct {
			uint64_t periods, throttled;
		} before[3], after[3];
		bool hidden;
		enum wall_verdict verdict;
		const char *path, *finding;
	} rows[] = {
		{{{9, 0}, {9, 9}, {9, 0}},
		 {{19, 0}, {19, 9}, {19, 0}},
		 false,
		 VERDICT_OK,
		 "/a/b/c",
		 ""},
		{{{9, 0}, {9, 0}, {9, 0}},
		 {{19, 0}, {19, 9}, {19, 0}},
		 false,
		 VERDICT_SHORT,
		 "/a/b",
		 "cgroup.cpu.short critical"},
		{{{9, 0}, {9, 9}, {9, 0}},
		 {{19, 2}, {19, 12}, {19, 1}},
		 false,
		 VERDICT_TIGHT,
		 "/a/b",
		 "cgroup.cpu.tight warning"},
		{{{9, 0}, {9, 0}, {9, 0}},
		 {{19, 0}, {19, 0}, {19, 5}},
		 true,
		 VERDICT_SHORT,
		 "/a",
		 "cgroup.cpu.short critical"},
		{{{9, 0}, {9, 0}, {9, 0}},
		 {{19, 0}, {19, 0}, {19, 0}},
		 true,
		 VERDICT_UNKNOWN,
		 "/a/b/c",
		 ""},
	};
	static const struct cgroup_quota quotas[] = {
		{.quota_us = 200000, .period_us = 100000, .path = "/a/b/c"},
		{.quota_us = 300000, .period_us = 100000, .path = "/a/b", .shared = true},
		{.quota_us = 400000, .period_us = 100000, .path = "/a", .shared = true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		struct sample before = {.cpus = 8, .shown = !rows[i].hidden}, after;
		before.group.quota_count = 3;
		memcpy(before.group.quotas, quotas, sizeof(quotas));
		after = before;
		for (size_t k = 0; k < 3; k++) {
			before.group.quotas[k].periods = rows[i].before[k].periods;
			before.group.quotas[k].throttled = rows[i].before[k].throttled;
			after.group.quotas[k].periods = rows[i].after[k].periods;
			after.group.quotas[k].throttled = rows[i].after[k].throttled;
		}
		report_init(&r);
		judge_cpu(&before, &after, true, &r);
		findings_are(rows[i].path, &r, rows[i].finding);
		if (r.walls[0].verdict != rows[i].verdict ||
		    strncmp(r.walls[0].detail, rows[i].path, strlen(rows[i].path)) != 0 ||
		    r.walls[0].detail[strlen(rows[i].path)] != ' ')
			fail_msg("row %zu: verdict %d, %s", i, (int)r.walls[0].verdict,
				 r.walls[0].detail);
	}
}

static void few_processes_left_are_named(void **state)
{
	static const struct {
		uint64_t max, used, used_before;
		uint64_t refused_before, refused;
		bool named, single;
		const char *findings;
	} rows[] = {
		{HOST_UNLIMITED, 5000, 5000, 0, 0, true, false, ""},
		{100, 90, 90, 0, 0, true, false, ""},
		{100, 91, 91, 0, 0, true, false, "cgroup.pids.near warning"},
		{100, 100, 100, 0, 0, true, true, "cgroup.pids.near warning"},
		/* lowered below what is in use */
		{100, 140, 140, 0, 0, true, true, "cgroup.pids.near warning"},
		/* One process that makes no other. */
		{1, 1, 1, 0, 0, true, true, "cgroup.pids.near note"},
		{1, 1, 1, 0, 0, true, false, "cgroup.pids.near warning"},
		{1, 1, 1, 0, 0, false, false, "cgroup.pids.near warning"},
		{1, 1, 2, 0, 0, true, true, "cgroup.pids.near warning"},
		{1, 1, 1, 7, 7, true, true, "cgroup.pids.near warning"},
		/* Refused now, also where others have ended since. */
		{100, 100, 100, 7, 8, true, true, "cgroup.pids.refused critical"},
		{100, 20, 20, 0, 3, true, true, "cgroup.pids.refused critical"},
		{100, 20, 20, 0, 3, false, false, "cgroup.pids.refused warning"},
		/* By a limit of a group that is not visible. */
		{HOST_UNLIMITED, 20, 20, 0, 3, true, true, "cgroup.pids.refused critical"},
	};
	const struct subject subject = {.name = "server"};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		struct sample s = {.cpus = 2, .single = rows[i].single}, before;
		struct probe_options options = {.subject = rows[i].named ? &subject : NULL};
		struct moment m = {.options = &options, .seconds = 0.5};
		s.group.pids = (struct cgroup_limit){
			.at = {{.max = rows[i].max, .used = rows[i].used, .path = "/kubepods/a"}},
			.count = rows[i].max != HOST_UNLIMITED};
		strcpy(s.group.path, "/kubepods/a");
		s.group.pids_refused = rows[i].refused;
		before = s;
		before.group.pids.at[0].used = rows[i].used_before;
		before.group.pids_refused = rows[i].refused_before;
		report_init(&r);
		judge_pids(&before, &s, &m, &r);
		findings_are(rows[i].findings, &r, rows[i].findings);
	}
}

/* After a kill the limit seems to suffice; one that page cache reaches is none that stalls. */
static void memory_that_ran_out_is_named(void **state)
{
	static const struct {
		struct cgroup_pressure before, after;
		bool named, windowless;
		const char *findings, *text; /* of the first one's title or detail */
	} rows[] = {
		{{0, 0, 9, 50}, {0, 0, 9, 50}, true, false, "", NULL},
		{{2, 2, 9, 50},
		 {2, 2, 9, 50},
		 true,
		 false,
		 "cgroup.memory.killed warning",
		 "killed 2 processes of /kubepods/a for lack of memory since the group was made"},
		{{2, 2, 9, 50}, {2, 2, 9, 50}, true, true, "cgroup.memory.killed warning", NULL},
		{{2, 2, 9, 50}, {2, 2, 9, 50}, false, false, "cgroup.memory.killed note", NULL},
		{{2, 1, 9, -1},
		 {3, 2, 9, -1},
		 true,
		 false,
		 "cgroup.memory.killed critical",
		 "killed 1 process of /kubepods/a for lack of memory in 500 ms"},
		{{2, 2, 9, 50},
		 {3, 2, 9, 50},
		 false,
		 false,
		 "cgroup.memory.killed warning",
		 "the machine, or a group above that is not visible"},
		/* Page cache is reclaimed at once. */
		{{0, 0, 9, 50}, {0, 0, 900, 20000}, true, false, "", NULL},
		{{0, 0, 9, 50},
		 {0, 0, 900, 300050},
		 true,
		 false,
		 "cgroup.memory.reclaim warning",
		 "waited for memory in 60 % of 500 ms"},
		/* By what else uses the machine. */
		{{0, 0, 9, 50}, {0, 0, 9, 300050}, true, false, "", NULL},
		{{0, 0, 9, -1}, {0, 0, 10, -1}, true, false, "cgroup.memory.reclaim note", NULL},
		{{0, 0, 9, 50}, {0, 0, 900, 300050}, true, true, "", NULL},
		/* Other processes have begun meanwhile, in a group of their own. */
		{{2, 2, 9, 50},
		 {1, 1, 5, 9},
		 true,
		 false,
		 "cgroup.memory.killed warning",
		 "1 process of"},
	};
	const struct subject subject = {.name = "server"};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		struct sample before = {.cpus = 2}, after = before;
		struct probe_options options = {.subject = rows[i].named ? &subject : NULL};
		struct moment m = {.options = &options, .seconds = rows[i].windowless ? 0 : 0.5};
		before.group = after.group = cgroup_none(false);
		strcpy(after.group.path, "/kubepods/a");
		before.group.pressure = rows[i].before;
		after.group.pressure = rows[i].after;
		report_init(&r);
		judge_killed(&before.group.pressure, &after, &m, &r);
		judge_reclaim(&before, &after, &m, &r);
		findings_are(rows[i].findings, &r, rows[i].findings);
		if (rows[i].text && !strstr(r.findings[0].title, rows[i].text) &&
		    !strstr(r.findings[0].detail, rows[i].text))
			fail_msg("row %zu: %s: %s", i, r.findings[0].title, r.findings[0].detail);
	}
}

static void memory_is_short_where_the_connections_do_not_fit(void **state)
{
	static const struct {
		uint64_t connections;
		const char *limit, *used; /* bytes */
		uint64_t each;            /* 0: the catalogue's */
		enum wall_verdict verdict;
	} rows[] = {
		{100000, "67108864", "4194304", 4096, VERDICT_SHORT},
		{10000, "67108864", "4194304", 4096, VERDICT_OK},
		{10000, "67108864", "67108864", 4096, VERDICT_SHORT},
		{10000, "67108864", "99999999", 4096, VERDICT_SHORT},
		{100000, "1073741824", "4194304", 4096, VERDICT_OK},
	};
	const struct experiment *x = &experiments[0];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct target t = target_default();
		char values[96];
		t.connections = rows[i].connections;
		snprintf(values, sizeof(values), "memory.max=%s; memory.current=%s", rows[i].limit,
			 rows[i].used);
		struct settings s = verdict_settings(x, values);
		strcpy(s.group.at[0].path, "/docker/4f");
		s.taken.connection_bytes = rows[i].each;
		s.taken.basis = "as measured";
		s.taken.limited = true;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		if (r->walls[0].verdict != rows[i].verdict)
			fail_msg("row %zu: verdict %d", i, (int)r->walls[0].verdict);
	}
}

/* Of v1, which shows kernel memory as a whole: short is what is short with all of it reclaimed. */
static void kernel_memory_that_may_be_reclaimed_is_not_known_to_be_in_use(void **state)
{
	static const struct {
		uint64_t connections;
		uint64_t used, reclaimable; /* MiB */
		enum wall_verdict verdict;
		int64_t left;
	} rows[] = {
		{10000, 60, 0, VERDICT_SHORT, 4},    {10000, 60, 50, VERDICT_UNKNOWN, -1},
		{100000, 60, 50, VERDICT_SHORT, 54}, {1000, 60, 50, VERDICT_TIGHT, 4},
		{100, 60, 50, VERDICT_OK, 4},        {10000, 90, 70, VERDICT_UNKNOWN, -1},
		{100000, 90, 10, VERDICT_SHORT, 0},
	};
	const struct experiment *x = &experiments[0];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct target t = target_default();
		struct settings s = verdict_settings(x, "memory.max=67108864");
		t.connections = rows[i].connections;
		strcpy(s.group.at[0].path, "/docker/4f");
		s.group.at[0].file = CGROUP_MEMORY_LIMIT;
		s.group.at[0].used = rows[i].used << 20;
		s.group.at[0].reclaimable = rows[i].reclaimable << 20;
		s.taken.connection_bytes = 4096;
		s.taken.limited = true;
		const struct wall *w = &verdict_of(x, &t, &s, NULL)->walls[0];
		int64_t left = rows[i].left < 0 ? REPORT_NONE : rows[i].left << 20;
		if (w->verdict != rows[i].verdict || w->limit != left ||
		    !strstr(w->detail, "memory.limit_in_bytes of /docker/4f is 64 MiB, ") ||
		    !strstr(w->detail, "cgroup v1 does not show") != (left != REPORT_NONE))
			fail_msg("row %zu: %s, %lld: %s", i, wall_verdict_name(w->verdict),
				 (long long)w->limit, w->detail);
	}
}

/* The limit that binds is named by its file, and those that would bind next. */
static void each_limit_that_has_to_be_raised_is_named(void **state)
{
#define WEB "/system.slice/web.service"
#define POD "/kubepods.slice/kubepods-podab12.slice"
#define SIXTEEN "0123456789abcdef"
#define HASH SIXTEEN SIXTEEN SIXTEEN SIXTEEN
#define LONG                                                                                       \
	"/system.slice/docker-" HASH ".scope/kubelet.slice/kubelet-kubepods.slice/"                \
	"kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod" SIXTEEN SIXTEEN          \
	".slice/cri-containerd-" HASH ".scope/system.slice"
	struct limit_row {
		int64_t max, used;
		enum cgroup_file file;
		const char *path;
	};
	static const struct {
		size_t experiment;
		struct limit_row is[4];
		const char *says, *advice;
	} rows[] = {
		{0,
		 {{100, 90, CGROUP_MEMORY_MAX, WEB}},
		 "memory.max is 100 MiB, 90 MiB of it are in use and cannot be reclaimed, 10 MiB",
		 "systemd: systemctl set-property web.service MemoryMax=188M"},
		{0,
		 {{100, 90, CGROUP_MEMORY_HIGH, WEB}, {500, 90, CGROUP_MEMORY_MAX, WEB}},
		 "the kernel makes the processes of the group wait, and kills none.",
		 "systemd: systemctl set-property web.service MemoryHigh=188M"},
		{0,
		 {{100, 90, CGROUP_MEMORY_HIGH, WEB},
		  {120, 90, CGROUP_MEMORY_MAX, WEB},
		  {1000, 950, CGROUP_MEMORY_MAX, "/system.slice"},
		  {9000, 950, CGROUP_MEMORY_MAX, "/"}},
		 "kills none. Then the limit is memory.max of " WEB
		 ", then memory.max of /system.slice.",
		 "systemd: systemctl set-property web.service MemoryHigh=188M, and systemctl "
		 "set-property web.service MemoryMax=188M, and systemctl set-property system.slice "
		 "MemoryMax=1048M"},
		{0,
		 {{100, 90, CGROUP_MEMORY_HIGH, "/docker/4f"},
		  {120, 90, CGROUP_MEMORY_MAX, "/docker/4f"}},
		 "Then the limit is memory.max of /docker/4f.",
		 "Docker: write 197132288 to memory.high of /docker/4f, and docker update --memory "
		 "188m --memory-swap 376m NAME"},
		/* What a pod lacks its containers get: its limit is the sum of theirs. */
		{0,
		 {{100, 90, CGROUP_MEMORY_MAX, POD "/cri-containerd-4f.scope"},
		  {100, 91, CGROUP_MEMORY_MAX, POD}},
		 "Then the limit is memory.max of " POD ".",
		 "Kubernetes: set resources.limits.memory: 189Mi"},
		{0,
		 {{300, 290, CGROUP_MEMORY_MAX, POD},
		  {200, 150, CGROUP_MEMORY_MAX, POD "/cri-containerd-4f.scope"}},
		 "Then the limit is memory.max of " POD "/cri-containerd-4f.scope.",
		 "Kubernetes: set resources.limits.memory: 288Mi"},
		{0,
		 {{300, 290, CGROUP_MEMORY_MAX, POD},
		  {200, 10, CGROUP_MEMORY_MAX, POD "/cri-containerd-4f.scope"}},
		 "memory.max is 300 MiB",
		 "Kubernetes: set resources.limits.memory: 288Mi"},
		/* The end of a path says what has the limit, also of one of a Kubernetes in a
		   container. */
		{0,
		 {{100, 90, CGROUP_MEMORY_MAX, LONG "/web.service"}},
		 "memory.max is 100 MiB",
		 "systemd: in the container: systemctl set-property web.service MemoryMax=188M"},
		{1,
		 {{100, 90, CGROUP_PIDS_MAX, LONG "/web.service"}},
		 "closes the new connection.",
		 "systemd: in the container: systemctl set-property web.service TasksMax=25090"},
		{0,
		 {{9000, 8990, CGROUP_MEMORY_MAX, "/kubepods.slice"},
		  {2000, 90, CGROUP_MEMORY_MAX, POD}},
		 "memory.max is 8.79 GiB",
		 "Kubernetes node: run fewer pods on the node, or a larger node, or set less memory in "},
		/* Nothing can be written there in a container. */
		{0,
		 {{100, 90, CGROUP_MEMORY_MAX, "/"}},
		 "memory.max is 100 MiB",
		 "On the host: set memory.max of this container to 197132288 by its engine, or "
		 "systemctl set-property UNIT MemoryMax=188M"},
		{0,
		 {{100, 90, CGROUP_MEMORY_LIMIT, "/lxc/a"}},
		 "memory.limit_in_bytes is",
		 "LXC: lxc.cgroup.memory.limit_in_bytes = 188M"},
		{1,
		 {{100, 90, CGROUP_PIDS_MAX, WEB}, {40000, 1000, CGROUP_PIDS_MAX, "/system.slice"}},
		 "closes the new connection.",
		 "A limit of 25090 suffices. systemd: systemctl set-property web.service "
		 "TasksMax=25090"},
		{1,
		 {{100, 90, CGROUP_PIDS_MAX, WEB}, {4000, 1000, CGROUP_PIDS_MAX, "/system.slice"}},
		 "closes the new connection. Then the limit is pids.max of /system.slice.",
		 "systemctl set-property web.service TasksMax=25090, and systemctl set-property "
		 "system.slice TasksMax=26000"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct experiment *x = &experiments[rows[i].experiment];
		struct subject subject = {.pid = 7, .name = "postgres"};
		struct target t = target_default();
		struct settings s = verdict_settings(x, "");
		int shift = rows[i].experiment ? 0 : 20;
		for (size_t k = 0; k < 4 && rows[i].is[k].path; k++) {
			const struct limit_row *is = &rows[i].is[k];
			struct cgroup_bound *b = &s.group.at[s.group.count++];
			*b = (struct cgroup_bound){.max = (uint64_t)is->max << shift,
						   .used = (uint64_t)is->used << shift,
						   .file = is->file};
			strcpy(b->path, is->path);
		}
		t.connections = 20000;
		if (rows[i].experiment)
			s.subject = &subject;
		s.taken.connection_bytes = 4096;
		s.taken.limited = true;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct finding *f = &r->findings[0];
		if (r->finding_count != 1 || !strstr(f->detail, rows[i].says) ||
		    !strstr(f->advice, rows[i].advice) ||
		    (!strstr(rows[i].says, "Then") && strstr(f->detail, "Then the limit")) ||
		    (!strstr(rows[i].advice, ", and ") && strstr(f->advice, "M, and")) ||
		    (!strstr(rows[i].advice, ", and ") && strstr(f->advice, "Mi, and")))
			fail_msg("row %zu: %s; %s", i, f->detail, f->advice);
	}
}

/* Of v1 a part of what is in use may be reclaimed. */
static void a_further_limit_is_not_named_for_what_may_be_reclaimed(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct target t = target_default();
		struct settings s = verdict_settings(&experiments[0], "");
		s.group = (struct cgroup_limit){.at = {{.max = 100 << 20,
							.used = 90 << 20,
							.file = CGROUP_MEMORY_LIMIT,
							.path = "/a.slice/lxc/a"},
						       {.max = 1000 << 20,
							.used = 950 << 20,
							.reclaimable = i ? 900 << 20 : 0,
							.file = CGROUP_MEMORY_LIMIT,
							.path = "/a.slice"}},
						.count = 2};
		t.connections = 20000;
		s.taken.connection_bytes = 4096;
		s.taken.limited = true;
		const struct finding *f = &verdict_of(&experiments[0], &t, &s, NULL)->findings[0];
		assert_int_equal(!strstr(f->detail, "memory.limit_in_bytes of /a.slice."), i);
		assert_int_equal(!strstr(f->advice, "=1048M"), i);
	}
}

/* Above memory.high the kernel kills no process. */
static void what_killed_is_no_soft_limit(void **state)
{
	struct sample after = sample_of(0, 0), before = after;
	const struct target t = target_default();
	const struct probe_options o = {0};
	static struct report r;
	after.group.pressure = (struct cgroup_pressure){.killed = 1, .exhausted = 1};
	after.group.memory = (struct cgroup_limit){
		.at = {{.max = 100, .file = CGROUP_MEMORY_HIGH, .path = WEB},
		       {.max = 200, .file = CGROUP_MEMORY_MAX, .path = "/system.slice"}},
		.count = 2};
	report_init(&r);
	judge_killed(&before.group.pressure, &after,
		     &(struct moment){.target = &t, .options = &o, .seconds = 1}, &r);
	assert_non_null(
		strstr(r.findings[0].advice, "systemctl set-property system.slice MemoryMax=NM"));
}

/* Which file it was is not known where no limit is visible: none is named. */
static void a_limit_that_is_not_visible_has_no_file(void **state)
{
	struct sample after = sample_of(0, 0), before = after;
	const struct target t = target_default();
	const struct probe_options o = {0};
	const struct moment m = {.target = &t, .options = &o, .seconds = 1};
	static struct report r;
	before.group.pressure = (struct cgroup_pressure){.stalled_us = 0};
	after.group.pressure = (struct cgroup_pressure){
		.killed = 1, .exhausted = 1, .reached = 9, .stalled_us = 500000};
	report_init(&r);
	judge_killed(&before.group.pressure, &after, &m, &r);
	judge_reclaim(&before, &after, &m, &r);
	assert_int_equal(r.finding_count, 2);
	for (size_t i = 0; i < 2; i++)
		if (strstr(r.findings[i].advice, "memory.") || strstr(r.findings[i].advice, "M=") ||
		    strncmp(r.findings[i].advice, "No limit is visible now: let the server ", 40))
			fail_msg("finding %zu: %s", i, r.findings[i].advice);
	assert_memory_equal(r.findings[1].detail, "A memory limit was reached 9 times", 34);
	after.group.memory = (struct cgroup_limit){
		.at = {{.max = 100, .file = CGROUP_MEMORY_LIMIT, .path = "/docker/4f"}},
		.count = 1};
	report_init(&r);
	judge_reclaim(&before, &after, &m, &r);
	assert_memory_equal(r.findings[0].detail, "memory.limit_in_bytes was reached 9", 35);
	assert_null(strstr(r.findings[0].detail, "memory.high"));
	assert_null(strstr(r.findings[0].advice, "memory.high"));
}

static void a_process_for_each_connection_is_needed(void **state)
{
	static const struct {
		const char *name, *values; /* name NULL: no server in question */
		uint64_t connections, open, processes;
		enum wall_verdict verdict;
		int64_t needed, needed_max;
		const char *findings;
	} rows[] = {
		{"postgres", "pids.max=200; pids.current=20", 1000, 0, 7, VERDICT_SHORT, 994, 1000,
		 "cgroup.pids.short critical"},
		{"postgres", "pids.max=2000; pids.current=20", 1000, 0, 7, VERDICT_OK, 994, 1000,
		 ""},
		{"postgres", "pids.max=1200; pids.current=20", 1000, 0, 7, VERDICT_TIGHT, 994, 1000,
		 "cgroup.pids.tight warning"},
		/* Those of open connections run already, also of such by UNIX sockets. */
		{"postgres", "pids.max=1200; pids.current=920", 1000, 900, 907, VERDICT_OK, 94, 100,
		 ""},
		{"postgres", "pids.max=1200; pids.current=920", 1000, 0, 907, VERDICT_TIGHT, 94,
		 1000, "cgroup.pids.tight warning"},
		{"postgres", "pids.max=1200; pids.current=1120", 1000, 1100, 1107, VERDICT_OK, 1, 1,
		 ""},
		{"postgres", "pids.max=1200; pids.current=1200", 1000, 1100, 1107, VERDICT_SHORT, 1,
		 1, "cgroup.pids.short critical"},
		/* A thread for each connection, unless a pool of them serves all. */
		{"mariadbd", "pids.max=200; pids.current=29", 1000, 20, 29, VERDICT_SHORT, 972, 980,
		 "cgroup.pids.short critical"},
		{"mariadbd", "pids.max=200; pids.current=9", 1000, 0, 9, VERDICT_TIGHT, 1, 1000,
		 "cgroup.pids.tight warning"},
		{"mariadbd", "pids.max=2000; pids.current=9", 1000, 0, 9, VERDICT_OK, 1, 1000, ""},
		{"mariadbd", "pids.max=200; pids.current=29", 1000, 90, 29, VERDICT_OK, REPORT_NONE,
		 REPORT_NONE, ""},
		{"sshd", "pids.max=200; pids.current=20", 1000, 0, 7, VERDICT_OK, REPORT_NONE,
		 REPORT_NONE, ""},
		{"threaded", "pids.max=300; pids.current=102", 1000, 100, 102, VERDICT_SHORT, 899,
		 900, "cgroup.pids.short critical"},
		/* No other server needs any. */
		{"own", "pids.max=200; pids.current=20", 1000, 0, 7, VERDICT_OK, REPORT_NONE,
		 REPORT_NONE, ""},
		{NULL, "pids.max=200; pids.current=20", 1000, 0, 0, VERDICT_OK, REPORT_NONE,
		 REPORT_NONE, ""},
		/* A group that is not visible may have a smaller limit. */
		{"postgres", "pids.max=2000; pids.current=20; cgroup=2", 1000, 0, 7,
		 VERDICT_UNKNOWN, 994, 1000, ""},
		{"postgres", "cgroup=1", 1000, 0, 7, VERDICT_NA, REPORT_NONE, REPORT_NONE, ""},
		{"postgres", "cgroup=2", 1000, 0, 7, VERDICT_UNKNOWN, 994, 1000, ""},
	};
	const struct experiment *x = &experiments[1];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct subject subject = {.pid = 7};
		struct target t = target_default();
		char row[24];
		struct settings s = verdict_settings(x, rows[i].values);
		t.connections = rows[i].connections;
		strcpy(s.group.at[0].path, "/system.slice/postgresql.service");
		if (rows[i].name) {
			report_text(subject.name, "%s", rows[i].name);
			subject.threaded = !strcmp(rows[i].name, "threaded");
			s.subject = &subject;
		}
		s.taken.open = rows[i].open;
		s.taken.processes = rows[i].processes;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		snprintf(row, sizeof(row), "row %zu", i);
		findings_are(row, r, rows[i].findings);
		if (w->verdict != rows[i].verdict || w->needed != rows[i].needed ||
		    w->needed_max != rows[i].needed_max)
			fail_msg("row %zu: verdict %d, needed %lld to %lld, %s", i, (int)w->verdict,
				 (long long)w->needed, (long long)w->needed_max, w->detail);
	}
}

/* Each of them has a share of the connections, which is not known. */
static void the_smallest_of_several_limits_suffices_or_is_unknown(void **state)
{
	static const struct {
		size_t experiment;
		const char *name, *values;
		bool several;
		uint64_t connections;
		enum wall_verdict verdict;
	} rows[] = {
		{0, "own", "memory.max=268435456; memory.current=0", false, 100000, VERDICT_SHORT},
		{0, "own", "memory.max=268435456; memory.current=0", true, 100000, VERDICT_UNKNOWN},
		{0, "own", "memory.max=268435456; memory.current=0", true, 100, VERDICT_OK},
		{1, "postgres", "pids.max=500; pids.current=100", false, 1000, VERDICT_SHORT},
		{1, "postgres", "pids.max=500; pids.current=100", true, 1000, VERDICT_UNKNOWN},
		{1, "postgres", "pids.max=500; pids.current=100", true, 100, VERDICT_OK},
		{1, "own", "pids.max=500; pids.current=100", true, 1000, VERDICT_OK},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct experiment *x = &experiments[rows[i].experiment];
		struct subject subject = {.pid = 7};
		struct target t = target_default();
		struct settings s = verdict_settings(x, rows[i].values);
		report_text(subject.name, "%s", rows[i].name);
		strcpy(s.group.at[0].path, "/app.slice/app@2.service");
		s.subject = &subject;
		s.group.several = rows[i].several;
		s.taken.connection_bytes = 4096;
		s.taken.limited = true;
		t.connections = rows[i].connections;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		bool said = strstr(r->walls[0].detail, "in several control groups");
		if (r->walls[0].verdict != rows[i].verdict ||
		    said != (rows[i].verdict == VERDICT_UNKNOWN))
			fail_msg("row %zu: verdict %d, %s", i, (int)r->walls[0].verdict,
				 r->walls[0].detail);
	}
}

static const struct container_row *engine(const char *path)
{
	const struct container_row *row = container_row_find(path);
	return row->sysctls ? row : NULL;
}

/* Of each version another file system has to be mounted; a file of the other one is not named. */
static void a_limit_that_is_hidden_says_what_to_mount(void **state)
{
	static const struct {
		int unmounted;
		bool above;
		const char *says;
	} rows[] = {
		{0, false, "The control group of the process could not be read."},
		{1, false,
		 "No cgroup v1 file system with this limit is mounted here: mount -t cgroup "},
		{2, false, "No cgroup2 file system is mounted here: mount -t cgroup2 "},
		{0, true,
		 "Groups above this container are not visible here, and may have a limit: run the "
		 "check on the host."},
	};
	static const char *const names[] = {"cgroup.memory", "cgroup.pids", "cgroup.cpu"};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows) * 3; i++) {
		static struct report r;
		int unmounted = rows[i / 3].unmounted;
		const struct wall *w = &r.walls[0];
		struct sample sample = {.group = cgroup_none(true)};
		struct target t = target_default();
		sample.group.cpu.unmounted = unmounted;
		sample.group.cpu.above = rows[i / 3].above;
		report_init(&r);
		judge_cpu(&sample, &sample, false, &r);
		if (i % 3 < 2) {
			const struct experiment *x = verdict_experiment("container", names[i % 3]);
			struct settings s = verdict_settings(x, "cgroup=2");
			s.group.sight.unmounted = unmounted;
			s.group.sight.above = rows[i / 3].above;
			w = &verdict_of(x, &t, &s, NULL)->walls[0];
		}
		assert_string_equal(w->name, names[i % 3]);
		assert_int_equal(w->verdict, VERDICT_UNKNOWN);
		if (strncmp(w->detail, rows[i / 3].says, strlen(rows[i / 3].says)) != 0)
			fail_msg("row %zu: %s", i, w->detail);
	}
}

/* One of Docker, which sets them for the container's own group; and limits in a container whose
 * host sets them further up. */
static void a_limit_above_a_container_is_not_denied(void **state)
{
	static const struct {
		const char *wall, *values;
		enum wall_verdict verdict;
		const char *says;
	} rows[] = {
		{"cgroup.memory", "cgroup=1", VERDICT_NA, "of this container has no such limit."},
		{"cgroup.pids", "cgroup=1", VERDICT_NA, "Groups above it are not visible here"},
		{"cgroup.memory", "memory.max=9000000000; memory.current=0; cgroup=2",
		 VERDICT_UNKNOWN, "A limit of a group above this container could not be read"},
		{"cgroup.pids", "pids.max=90000; pids.current=10; cgroup=2", VERDICT_UNKNOWN,
		 "A limit of a group above this container could not be read"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct experiment *x = verdict_experiment("container", rows[i].wall);
		struct subject subject = {.pid = 7, .name = "postgres"};
		struct target t = target_default();
		struct settings s = verdict_settings(x, rows[i].values);
		s.subject = &subject;
		s.group.sight.above = true;
		s.taken.connection_bytes = 4096;
		s.taken.limited = true;
		const struct wall *w = &verdict_of(x, &t, &s, NULL)->walls[0];
		if (w->verdict != rows[i].verdict || !strstr(w->detail, rows[i].says))
			fail_msg("row %zu: %s: %s", i, wall_verdict_name(w->verdict), w->detail);
	}
	static struct report r;
	struct sample sample = {.group = cgroup_none(false), .shown = true};
	sample.group.cpu.above = true;
	report_init(&r);
	judge_cpu(&sample, &sample, false, &r);
	assert_int_equal(r.walls[0].verdict, VERDICT_NA);
	assert_string_equal(r.walls[0].detail, container_above);
}

/* A restarted container counts none of the kills before. */
static void a_container_of_the_pod_that_was_killed_is_named(void **state)
{
	static const struct {
		uint64_t before, after;
		bool named;
		const char *findings, *title;
	} rows[] = {
		{0, 0, true, "", ""},
		{3, 3, true, "cgroup.memory.pod-killed note",
		 "The kernel killed 3 processes of a container of this pod for lack of memory "
		 "since the pod was made"},
		{3, 4, true, "cgroup.memory.pod-killed warning",
		 "The kernel killed 1 process of a container of this pod for lack of memory in "
		 "500 ms"},
		{3, 3, false, "cgroup.memory.pod-killed note", "The kernel killed 3 processes"},
	};
	const struct subject subject = {.name = "server"};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		struct sample before = {.group = cgroup_none(false)}, after = before;
		struct probe_options options = {.subject = rows[i].named ? &subject : NULL};
		struct moment m = {.options = &options, .seconds = 0.5};
		after.group.memory = (struct cgroup_limit){
			.at = {{.max = 100, .file = CGROUP_MEMORY_MAX, .path = POD "/a.scope"}},
			.count = 1};
		before.group.pod_killed = rows[i].before;
		after.group.pod_killed = rows[i].after;
		report_init(&r);
		judge_pod(&before, &after, &m, &r);
		findings_are(rows[i].findings, &r, rows[i].findings);
		if (r.finding_count &&
		    (strncmp(r.findings[0].title, rows[i].title, strlen(rows[i].title)) != 0 ||
		     !strstr(r.findings[0].advice, "Kubernetes: set resources.limits.memory: NMi")))
			fail_msg("row %zu: %s; %s", i, r.findings[0].title, r.findings[0].advice);
	}
}

/* The pod counts it for as long as it is there: only a server that started after it may be what was
 * killed, or its image was pulled for so long. */
static void a_server_that_was_started_again_may_have_been_killed(void **state)
{
	static const struct {
		uint64_t pod, server; /* their starts */
		bool named;
		const char *findings, *detail;
	} rows[] = {
		{500000, 560000, true, "cgroup.memory.pod-killed note",
		 "server started 60 minutes ago, after its pod: the kernel may have killed server."},
		{500000, 505000, true, "cgroup.memory.pod-killed note", NULL},
		{500000, 560000, false, "cgroup.memory.pod-killed note", NULL},
		{0, 560000, true, "cgroup.memory.pod-killed note", NULL},
		{500000, 0, true, "cgroup.memory.pod-killed note", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		const struct subject subject = {.name = "server", .started = rows[i].server};
		struct probe_options options = {.subject = rows[i].named ? &subject : NULL};
		struct moment m = {.options = &options, .seconds = 0.5};
		struct sample s = {.group = cgroup_none(false), .uptime_s = 5600 + 3600};
		s.group.pod_killed = 3;
		s.group.pod_started = rows[i].pod;
		age_read(options.subject, &s);
		report_init(&r);
		judge_pod(&s, &s, &m, &r);
		findings_are(rows[i].findings, &r, rows[i].findings);
		if (!strstr(r.findings[0].detail, rows[i].detail ? rows[i].detail : "suffice.") ||
		    (!rows[i].detail && strstr(r.findings[0].detail, "may have killed")))
			fail_msg("row %zu: %s", i, r.findings[0].detail);
	}
}

/* What is counted shows that memory was short; whose, whether a limit was reached. */
static void sockets_that_memory_holds_back_are_named(void **state)
{
	static const struct {
		struct {
			uint64_t reached, throttled;
		} before, after;
		bool named, windowless;
		const char *findings, *title, *detail;
	} rows[] = {
		{{0, 7}, {0, 7}, true, false, "", "", ""},
		{{5, 0}, {900, 0}, true, false, "", "", ""},
		{{5, 7},
		 {8, 1240},
		 true,
		 false,
		 "cgroup.memory.sockets warning",
		 "The kernel throttles the sockets of /kubepods/a: a memory limit of it, or of a group above or below it, was reached",
		 "grew by 1 233 in 500 ms. A memory limit was reached 3 times meanwhile"},
		{{5, 7},
		 {8, 1240},
		 false,
		 false,
		 "cgroup.memory.sockets note",
		 "a memory limit of it, or of a group above or below it, was reached",
		 ""},
		{{5, 7},
		 {5, 8},
		 true,
		 false,
		 "cgroup.memory.sockets note",
		 "memory is short",
		 "No visible limit was reached"},
		/* Since the group was made, or of another group meanwhile. */
		{{5, 0}, {8, 40}, true, true, "", "", ""},
		{{5, 40}, {2, 0}, true, false, "", "", ""},
	};
	const struct subject subject = {.name = "server"};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		struct sample before = {.group = cgroup_none(false)}, after = before;
		struct probe_options options = {.subject = rows[i].named ? &subject : NULL};
		struct moment m = {.options = &options, .seconds = rows[i].windowless ? 0 : 0.5};
		strcpy(after.group.path, "/kubepods/a");
		before.group.pressure.reached = rows[i].before.reached;
		after.group.pressure.reached = rows[i].after.reached;
		before.group.sockets_throttled = rows[i].before.throttled;
		after.group.sockets_throttled = rows[i].after.throttled;
		report_init(&r);
		judge_sockets(&before, &after, &m, &r);
		findings_are(rows[i].findings, &r, rows[i].findings);
		if (rows[i].findings[0] && (!strstr(r.findings[0].title, rows[i].title) ||
					    !strstr(r.findings[0].detail, rows[i].detail)))
			fail_msg("row %zu: %s: %s", i, r.findings[0].title, r.findings[0].detail);
	}
}

/* Without memory pressure: where it sleeps is another witness. */
static void a_process_that_sleeps_above_the_limit_is_stalled(void **state)
{
	static const struct {
		bool before, after, counted;
		uint64_t reached;
		const char *findings;
	} rows[] = {
		{true, true, false, 9, "cgroup.memory.reclaim warning"},
		{true, true, false, 10, "cgroup.memory.reclaim warning"},
		{true, false, false, 10, "cgroup.memory.reclaim note"},
		{false, true, false, 9, ""},
		{true, true, true, 10, ""},
	};
	static const struct {
		const char *function;
		bool is;
	} functions[] = {{"mem_cgroup_handle_over_high", true},
			 {"__mem_cgroup_handle_over_high", true},
			 {"ep_poll", false},
			 {"", false}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		struct sample before = {.group = cgroup_none(false)}, after = before;
		const struct moment m = {.seconds = 0.5};
		before.group.pressure.reached = 9;
		after.group.pressure.reached = rows[i].reached;
		if (rows[i].counted)
			before.group.pressure.stalled_us = after.group.pressure.stalled_us = 0;
		strcpy(before.asleep, rows[i].before ? "nginx (pid 812)" : "");
		strcpy(after.asleep, rows[i].after ? "nginx (pid 812)" : "");
		report_init(&r);
		judge_reclaim(&before, &after, &m, &r);
		findings_are(rows[i].findings, &r, rows[i].findings);
		if (strstr(rows[i].findings, "warning") &&
		    (!strstr(r.findings[0].title, "nginx (pid 812) above memory.high") ||
		     strncmp(r.findings[0].detail, "At the start", 12) != 0))
			fail_msg("row %zu: %s: %s", i, r.findings[0].title, r.findings[0].detail);
	}
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		struct process p = {.pid = 1};
		strcpy(p.waits_in, functions[i].function);
		assert_int_equal(sleeps_above_high(&p), functions[i].is);
	}
}

/* A service that systemd has restarted has a new group: /proc/vmstat still counts. */
static void a_kill_that_no_group_counts_is_named(void **state)
{
	static const struct {
		int64_t before, after; /* of the machine */
		uint64_t group;        /* of these, in the server's group */
		bool named;
		enum unit_manager manager;
		const char *findings, *title, *advice;
	} rows[] = {
		{-1, -1, 0, true, UNIT_SYSTEM, "", "", ""},
		{0, 0, 0, true, UNIT_SYSTEM, "", "", ""},
		{2, 2, 2, true, UNIT_SYSTEM, "", "", ""},
		{3, 3, 2, true, UNIT_SYSTEM, "container.killed note",
		 "The kernel killed 1 process of this machine for lack of memory since boot, 2 days ago",
		 "names the process. systemctl show nginx.service -p Result,NRestarts"},
		{3, 3, 2, true, UNIT_USER, "container.killed note", "The kernel killed 1 process",
		 "names the process. systemctl --user show nginx.service -p Result,NRestarts"},
		{3, 3, 0, false, UNIT_SYSTEM, "container.killed note",
		 "The kernel killed 3 processes",
		 "journalctl -k --grep oom-kill names the processes."},
		{3, 4, 0, false, UNIT_SYSTEM, "container.killed warning",
		 "The kernel killed 1 process of this machine for lack of memory in 500 ms", ""},
		/* Not the server: its own group counts that. */
		{3, 4, 0, true, UNIT_SYSTEM, "container.killed note",
		 "The kernel killed 1 process of this machine for lack of memory in 500 ms", ""},
		/* Before it could not be read. */
		{-1, 4, 0, true, UNIT_SYSTEM, "container.killed note",
		 "The kernel killed 4 processes", ""},
	};
	struct subject subject = {.name = "server", .unit = "nginx.service"};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		struct sample before = {.group = cgroup_none(false), .uptime_s = 2 * 86400};
		struct sample after = before;
		struct probe_options options = {.subject = rows[i].named ? &subject : NULL};
		subject.manager = rows[i].manager;
		struct moment m = {.options = &options, .seconds = 0.5};
		before.machine_killed = rows[i].before;
		after.machine_killed = rows[i].after;
		before.group.pressure.killed = after.group.pressure.killed = rows[i].group;
		report_init(&r);
		judge_machine_killed(&before, &after, &m, &r);
		findings_are(rows[i].findings, &r, rows[i].findings);
		assert_int_equal(report_counter_value(&r, "vmstat.oom_kill"), rows[i].after);
		if (r.finding_count && (!strstr(r.findings[0].title, rows[i].title) ||
					!strstr(r.findings[0].advice, rows[i].advice)))
			fail_msg("row %zu: %s; %s", i, r.findings[0].title, r.findings[0].advice);
	}
}

/* What systemd restarted has no sign of it but that count. */
static void a_kill_since_a_report_is_a_warning(void **state)
{
	static const struct {
		int64_t then, before, after; /* then -1: the report has none */
		uint64_t group;
		const char *boot;
		bool named;
		const char *findings, *title, *answer;
	} rows[] = {
		{3, 4, 4, 0, "boot-1", true, "container.killed warning",
		 "The kernel killed 1 process of this machine for lack of memory since the report "
		 "of 2026-11-28T08:00:00Z (2 hours ago)",
		 "processes of this machine were killed for lack of memory since "
		 "2026-11-28T08:00:00Z"},
		{3, 4, 4, 0, "boot-1", false, "container.killed warning", "killed 1 process", ""},
		/* One of them in the window. */
		{3, 4, 5, 0, "boot-1", true, "container.killed warning", "killed 2 processes", ""},
		{4, 4, 4, 0, "boot-1", true, "container.killed note", "memory since boot", ""},
		/* Its group counts those that may be of it. */
		{3, 5, 5, 2, "boot-1", true, "container.killed note", "memory since boot", ""},
		{3, 6, 6, 2, "boot-1", true, "container.killed warning", "killed 1 process", ""},
		{9, 4, 4, 0, "boot-2", true, "container.killed warning",
		 "killed 4 processes of this machine for lack of memory since the reboot", ""},
		{-1, 4, 4, 0, "boot-1", true, "container.killed note", "memory since boot", ""},
	};
	static struct report earlier;
	const struct subject subject = {.name = "server", .unit = "nginx.service"};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		struct sample before = {.group = cgroup_none(false), .uptime_s = 2 * 86400};
		struct sample after;
		struct probe_options options = {.subject = rows[i].named ? &subject : NULL,
						.since = &earlier};
		struct moment m = {.options = &options, .seconds = 0.5};
		report_init(&earlier);
		earlier.time.tv_sec = 1795852800;
		report_text(earlier.host.boot, "boot-1");
		if (rows[i].then >= 0)
			report_counter(&earlier, "vmstat.oom_kill", rows[i].then);
		report_text(before.identity.boot, "%s", rows[i].boot);
		before.machine_killed = rows[i].before;
		before.group.pressure.killed = rows[i].group;
		after = before;
		after.machine_killed = rows[i].after;
		report_init(&r);
		r.time.tv_sec = earlier.time.tv_sec + 7200;
		judge_machine_killed(&before, &after, &m, &r);
		findings_are(rows[i].title, &r, rows[i].findings);
		if (!strstr(r.findings[0].title, rows[i].title) ||
		    !strstr(r.findings[0].answer, rows[i].answer) ||
		    !!strstr(r.findings[0].detail, "does not show whether server was killed") !=
			    rows[i].named)
			fail_msg("row %zu: %s; %s; %s", i, r.findings[0].title,
				 r.findings[0].detail, r.findings[0].answer);
	}
}

static void values_are_set_where_the_container_is_described(void **state)
{
#define HOSTS "This sysctl belongs to the container's network namespace: the host's value does not"
	static const struct {
		const char *path;
		bool own_netns;
		const char *knob, *value, *advice; /* NULL: none */
	} rows[] = {
		{"/docker/4f", true, "net.core.somaxconn", "4096",
		 "Docker: sysctls: {net.core.somaxconn: \"4096\"} in compose. " HOSTS},
		{"/kubepods/a", true, "net.core.somaxconn", "4096",
		 "Kubernetes: securityContext.sysctls of the pod: [{name: net.core.somaxconn, value: "
		 "\"4096\"}] (unsafe: --allowed-unsafe-sysctls of the kubelet has to list "
		 "net.core.somaxconn). " HOSTS},
		{"/kubepods/a", true, "net.ipv4.ip_local_port_range", "1024 65535",
		 "pod: [{name: net.ipv4.ip_local_port_range, value: \"1024 65535\"}]. " HOSTS},
		{"/libpod-1.scope", true, "net.ipv4.tcp_tw_reuse", "1",
		 "Podman: podman run --sysctl net.ipv4.tcp_tw_reuse=\"1\" (Sysctl= in a Quadlet "
		 ".container file). This sysctl belongs"},
		{"/libpod-1.scope", true, "RLIMIT_NOFILE", "20000 20000",
		 "podman run --ulimit nofile=20000 (Ulimit= in"},
		{"/machine.slice/machine-libpod_pod_1.slice/libpod-2.scope/container", true,
		 "net.core.somaxconn", "4096",
		 "Podman pod: podman pod create --sysctl net.core.somaxconn=\"4096\". This"},
		{"/machine.slice/machine-libpod_pod_1.slice/libpod-2.scope", true, "RLIMIT_NOFILE",
		 "20000 20000", "Podman pod: podman run --ulimit nofile=20000"},
		{"/system.slice/web.service/libpod-payload-1", true, "net.ipv4.ip_local_port_range",
		 "1024 65535",
		 "Podman Quadlet: Sysctl=\"net.ipv4.ip_local_port_range=1024 65535\" in [Container] "
		 "of the .container file. This"},
		{"/system.slice/web.service/libpod-payload-1", true, "RLIMIT_NOFILE", "20000 20000",
		 "Podman Quadlet: Ulimit=nofile=20000 in [Container]"},
		{"/lxc/a", true, "net.ipv4.tcp_tw_reuse", "1",
		 "LXC: lxc.sysctl.net.ipv4.tcp_tw_reuse = 1 (Incus, LXD: "
		 "linux.sysctl.NAME=VALUE). This sysctl belongs"},
		{"/lxc.payload.c1/system.slice/nginx.service", true, "RLIMIT_NOFILE", "20000 20000",
		 "LXC: lxc.prlimit.nofile = 20000 (Incus, LXD: limits.kernel.nofile=20000)."},
		{"/machine.slice/systemd-nspawn@a.service/payload/system.slice/nginx.service", true,
		 "net.core.somaxconn", "4096",
		 "systemd-nspawn: net.core.somaxconn=4096 in a file of /etc/sysctl.d in the "
		 "container, then sysctl --system there. This"},
		{"/machine.slice/systemd-nspawn@a.service/payload", true, "RLIMIT_NOFILE",
		 "20000 20000", "LimitNOFILE=20000 in [Exec] of the .nspawn file."},
		/* nspawn itself is a service as any. */
		{"/machine.slice/systemd-nspawn@a.service", false, "RLIMIT_NOFILE", "20000 20000",
		 NULL},
		/* A namespace of another kind has values of its own, too. */
		{"/a.service", true, "net.core.somaxconn", "4096",
		 "This sysctl belongs to this network namespace: the host's value does not reach it."},
		{"/docker/4f", true, "RLIMIT_NOFILE", "20000 20000",
		 "Docker: ulimits: {nofile: 20000} in compose"},
		{"/kubepods/a", false, "RLIMIT_NOFILE", "20000 20000", "LimitNOFILE=20000 in the"},
		/* The host's values apply. */
		{"/a.service", false, "net.core.somaxconn", "4096", NULL},
		{"/docker/4f", false, "net.core.somaxconn", "4096", /* --network host */
		 "First. The container has the host's network namespace: set it on the host."},
		{"/a.service", false, "RLIMIT_NOFILE", "20000 20000", NULL},
		{"/a.service", true, "net.ipv4.tcp_mem", "1 2 3",
		 "net.ipv4.tcp_mem is one for the machine: set it in the initial network "
		 "namespace."},
		{"/a.service", false, "net.ipv4.tcp_mem", "1 2 3", NULL},
		{"/docker/4f", true, "fs.file-max", "20000", NULL},
		{"/docker/4f", true, "net.core.somaxconn", "", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct machine m = {.container = engine(rows[i].path),
				    .own_netns = rows[i].own_netns};
		struct finding f = {.advice = "First."};
		finding_propose(&f, rows[i].knob, "1", rows[i].value);
		container_advise(&m, &f);
		if (rows[i].advice ? !strstr(f.advice, rows[i].advice) : strcmp(f.advice, "First."))
			fail_msg("row %zu: %s", i, f.advice);
		if (rows[i].advice && strncmp(f.advice, "First. ", 7) != 0)
			fail_msg("row %zu: %s", i, f.advice);
	}
}

static void several_values_are_one_line(void **state)
{
	struct machine m = {.container = engine("/kubepods/a"), .own_netns = true};
	struct finding f = {0};
	finding_propose(&f, "net.ipv4.tcp_tw_reuse", "2", "1");
	finding_propose(&f, "net.ipv4.ip_local_port_range", "32768 60999", "1024 65535");
	container_advise(&m, &f);
	assert_non_null(strstr(f.advice, "[{name: net.ipv4.tcp_tw_reuse, value: \"1\"}, {name: "
					 "net.ipv4.ip_local_port_range, value: \"1024 65535\"}]"));
	assert_non_null(strstr(f.advice, "has to list net.ipv4.tcp_tw_reuse)"));
}

static void limits_of_units_are_set_at_the_unit_that_has_them(void **state)
{
#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	static const struct {
		const char *path, *name, *line;
	} rows[] = {
		{"/system.slice/nginx.service", "systemd",
		 "systemctl set-property nginx.service MemoryMax={mib}M"},
		{"/system.slice", "systemd",
		 "systemctl set-property system.slice MemoryMax={mib}M"},
		{"/user.slice/run-3.scope", "systemd", "systemctl set-property run-3.scope "},
		{"/system.slice/docker-4f.scope", "Docker", "mem_limit: {mib}m in compose"},
		/* Their names are those of services. */
		{"/system.slice/docker-registry.service", "systemd",
		 "systemctl set-property docker-registry.service "},
		{"/system.slice/docker.service", "systemd", "set-property docker.service "},
		{"/system.slice/lxc.service", "systemd", "set-property lxc.service "},
		{"/system.slice/lxcfs.service", "systemd", "set-property lxcfs.service "},
		{"/system.slice/snap.docker.dockerd.service", "systemd", "dockerd.service "},
		{"/system.slice/my-kubepods-exporter.service", "systemd", "exporter.service "},
		{"/system.slice/dockerish.slice", "systemd", "set-property dockerish.slice "},
		/* What --cgroup-parent names. */
		{"/docker.slice", "systemd", "set-property docker.slice "},
		{"/docker-web.slice", "systemd", "set-property docker-web.slice "},
		{"/docker.slice/docker-4f.scope", "Docker", "docker update"},
		{"/libpod.slice", "systemd", "set-property libpod.slice "},
		{"/machine.slice/lxc.slice", "systemd", "set-property lxc.slice "},
		{"/web", "Control group", "of {path}"},
		{"/web/" ID, "Docker", "docker update"},
		{"/web/" ID "0", "Control group", "of {path}"},
		{"/kubepods/burstable/podab12/" ID, "Kubernetes", "resources.limits.memory"},
		{"/system.slice/lxcfs", "Control group", "of {path}"},
		{"/system.slice/docker.service/own", "Control group", "of {path}"},
		{"/docker/4f", "Docker", "docker update"},
		/* Of a systemd in it. */
		{"/docker/4f/system.slice/nginx.service", "systemd",
		 "in the container: systemctl set-property nginx.service "},
		{"/lxc/101/ns/system.slice/postgresql@15-main.service", "systemd",
		 "in the container: systemctl set-property postgresql@15-main.service "},
		{"/lxc/101/ns", "LXC", "lxc.cgroup2.{file} = "},
		{"/lxc.payload.c1/system.slice", "LXC", "lxc.cgroup2.{file} = "},
		{"/machine.slice/libpod-4f.scope/container", "Podman", "podman update"},
		{"/system.slice/web.service/libpod-payload-4f", "Podman Quadlet",
		 "PodmanArgs=--memory {mib}m in the .container file"},
		{"/user.slice/user-7.slice/user@7.service/user.slice/user-libpod_pod_4f.slice",
		 "systemd", "systemctl --user set-property user-libpod_pod_4f.slice "},
		{"/machine.slice/machine-libpod_pod_4f.slice/libpod-5a.scope", "Podman pod",
		 "podman update"},
		{"/lxc.payload.c1", "LXC", "(Incus, LXD: limits.memory={mib}MiB)"},
		{"/machine.slice/systemd-nspawn@a.service", "systemd",
		 "systemctl set-property systemd-nspawn@a.service "},
		{"/kubepods.slice/kubepods-burstable.slice/cri-containerd-4f.scope", "Kubernetes",
		 "resources.limits.memory"},
		{"/docker/4f/kubelet.slice/kubelet-kubepods.slice/a.scope", "Kubernetes",
		 "resources.limits.memory"},
		/* Of a user's manager, and of the one in a container. */
		{"/user.slice/user-7.slice/user@7.service/app.slice/web.service", "systemd",
		 "systemctl --user set-property web.service MemoryMax="},
		{"/user.slice/user-7.slice/user@7.service", "systemd",
		 "systemctl set-property user@7.service "},
		{"/machine.slice/systemd-nspawn@a.service/payload/system.slice/nginx.service",
		 "systemd", "in the container: systemctl set-property nginx.service "},
		{"/own", "Control group", "of {path}"},
		{"/", "On the host", "set {file} of this container"},
		/* What all pods of a node have together, and one of them. */
		{"/kubepods.slice", "Kubernetes node", "fewer pods on the node"},
		{"/kubepods", "Kubernetes node", "fewer pods on the node"},
		{"/kubepods/burstable", "Kubernetes node", "fewer pods on the node"},
		{"/kubepods.slice/kubepods-besteffort.slice", "Kubernetes node", "fewer pods"},
		{"/docker/4f/kubelet.slice/kubelet-kubepods.slice/"
		 "kubelet-kubepods-burstable.slice",
		 "Kubernetes node", "fewer pods"},
		{"/kubepods/burstable/podab12", "Kubernetes", "resources.limits.memory"},
		{"/kubepods/podab12", "Kubernetes", "resources.limits.memory"},
		{POD, "Kubernetes", "resources.limits.memory"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wording w = {0};
		const struct container_row *row = engine_of(rows[i].path, NULL);
		line_word(&w, row->memory, rows[i].path);
		assert_string_equal(row->name, rows[i].name);
		if (!strstr(wording_get(&w, "line"), rows[i].line))
			fail_msg("%s: %s", rows[i].path, wording_get(&w, "line"));
	}
	/* In a cgroup namespace the path is "/". */
	assert_string_equal(engine_of("/", engine("/docker/4f"))->name, "Docker");
	assert_string_equal(unit_service("nginx.service"), "nginx.service");
	assert_string_equal(unit_service("docker-4f.scope"), "");
	assert_string_equal(unit_service(""), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(throttled_periods_are_a_share),
		cmocka_unit_test(what_the_check_uses_accuses_nobody),
		cmocka_unit_test(a_window_that_the_check_disturbs_is_followed_by_another),
		cmocka_unit_test(any_quota_above_stops_the_server),
		cmocka_unit_test(few_processes_left_are_named),
		cmocka_unit_test(memory_that_ran_out_is_named),
		cmocka_unit_test(memory_is_short_where_the_connections_do_not_fit),
		cmocka_unit_test(kernel_memory_that_may_be_reclaimed_is_not_known_to_be_in_use),
		cmocka_unit_test(each_limit_that_has_to_be_raised_is_named),
		cmocka_unit_test(a_further_limit_is_not_named_for_what_may_be_reclaimed),
		cmocka_unit_test(what_killed_is_no_soft_limit),
		cmocka_unit_test(a_limit_that_is_not_visible_has_no_file),
		cmocka_unit_test(a_process_for_each_connection_is_needed),
		cmocka_unit_test(the_smallest_of_several_limits_suffices_or_is_unknown),
		cmocka_unit_test(a_limit_that_is_hidden_says_what_to_mount),
		cmocka_unit_test(a_limit_above_a_container_is_not_denied),
		cmocka_unit_test(a_container_of_the_pod_that_was_killed_is_named),
		cmocka_unit_test(a_server_that_was_started_again_may_have_been_killed),
		cmocka_unit_test(sockets_that_memory_holds_back_are_named),
		cmocka_unit_test(a_process_that_sleeps_above_the_limit_is_stalled),
		cmocka_unit_test(a_kill_that_no_group_counts_is_named),
		cmocka_unit_test(a_kill_since_a_report_is_a_warning),
		cmocka_unit_test(values_are_set_where_the_container_is_described),
		cmocka_unit_test(several_values_are_one_line),
		cmocka_unit_test(limits_of_units_are_set_at_the_unit_that_has_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
