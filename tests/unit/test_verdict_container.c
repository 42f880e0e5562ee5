/* What probe container makes of a control group: throttled periods, the pause of a quota,
 * processes, and memory that the target needs. */
#define probe_container container_under_test
#include "../../probes/container.c"
#include "../support/support.h"
#include "../support/verdict.h"

/* A quota of 20 ms in 100, of which the group ran in 1 000 periods before the window. */
static struct sample sample_of(uint64_t periods, uint64_t throttled)
{
	struct sample s = {.cpus = 2};
	struct cgroup *c = &s.group;
	c->quota_us = 20000;
	c->period_us = 100000;
	c->periods = periods;
	c->throttled = throttled;
	c->pids.max = HOST_UNLIMITED;
	report_text(c->cpu_path, "/docker/4f");
	return s;
}

static void throttled_periods_are_a_share(void **state)
{
	(void)state;
	static const struct {
		uint64_t periods, throttled; /* of the window */
		double seconds;              /* 0: no window */
		uint64_t pause_us;
		enum wall_verdict verdict;
		const char *findings;
	} rows[] = {
		{10, 10, 1, 0, VERDICT_SHORT, "cgroup.cpu.short critical"},
		{10, 9, 1, 80000, VERDICT_SHORT,
		 "cgroup.cpu.short critical, cgroup.cpu.pause note"},
		{10, 5, 1, 0, VERDICT_SHORT, "cgroup.cpu.short critical"},
		{10, 4, 1, 0, VERDICT_TIGHT, "cgroup.cpu.tight warning"},
		{100, 4, 1, 0, VERDICT_OK, ""},
		{10, 0, 1, 80000, VERDICT_OK, "cgroup.cpu.pause note"},
		{0, 0, 1, 0, VERDICT_OK, ""}, /* it did not run */
		/* Without a window nothing is known of now. */
		{0, 0, 0, 0, VERDICT_OK, ""},
	};
	const struct sample before = sample_of(1000, 900);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		char row[24];
		struct sample after = sample_of(1000 + rows[i].periods, 900 + rows[i].throttled);
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

static void few_processes_left_are_named(void **state)
{
	(void)state;
	static const struct {
		uint64_t max, used;
		const char *findings;
	} rows[] = {
		{HOST_UNLIMITED, 5000, ""},
		{100, 90, ""},
		{100, 91, "cgroup.pids.near warning"},
		{100, 100, "cgroup.pids.near warning"},
		{100, 140, "cgroup.pids.near warning"}, /* lowered below what is in use */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct report r;
		struct sample s = {.cpus = 2};
		s.group.pids = (struct cgroup_limit){rows[i].max, rows[i].used, "/kubepods/a"};
		report_init(&r);
		judge_pids(&s, &r);
		findings_are(rows[i].findings, &r, rows[i].findings);
	}
}

static void memory_is_short_where_the_connections_do_not_fit(void **state)
{
	(void)state;
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
		report_text(s.text[MAX], "/docker/4f");
		s.taken.connection_bytes = rows[i].each;
		s.taken.basis = "as measured";
		const struct report *r = verdict_of(x, &t, &s, NULL);
		if (r->walls[0].verdict != rows[i].verdict)
			fail_msg("row %zu: verdict %d", i, (int)r->walls[0].verdict);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(throttled_periods_are_a_share),
		cmocka_unit_test(few_processes_left_are_named),
		cmocka_unit_test(memory_is_short_where_the_connections_do_not_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
