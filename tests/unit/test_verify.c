/* Whether changes improved their walls, by two reports. */
#include "../support/support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tune/verify.h"

static const struct row {
	const char *name;
	const char *wall, *finding; /* of the change */
	enum wall_verdict was, is;
	int64_t before, after;
	enum { SAME, FOREIGN, OTHER_SERVER } of;
	int code;
	const char *unproven; /* NULL: proven */
} rows[] = {
	{"ok now", "accept-queue", "accept-queue.short", VERDICT_SHORT, VERDICT_OK, 17, 2049, SAME,
	 0, NULL},
	{"better, not enough", "accept-queue", "accept-queue.short", VERDICT_SHORT, VERDICT_TIGHT,
	 17, 1100, SAME, 0, "is still tight"},
	{"as short, but much higher", "accept-queue", "accept-queue.short", VERDICT_SHORT,
	 VERDICT_SHORT, 100, 200, SAME, 0, "is still short"},
	{"higher by a tenth", "accept-queue", "accept-queue.short", VERDICT_SHORT, VERDICT_SHORT,
	 100, 110, SAME, -ECANCELED, "is still short"},
	{"as a bound, lower is better", "napi.latency", "", VERDICT_TIGHT, VERDICT_TIGHT, 200, 100,
	 SAME, 0, "is still tight"},
	{"higher where lower is better", "napi.latency", "", VERDICT_TIGHT, VERDICT_TIGHT, 100, 200,
	 SAME, -ECANCELED, "is still tight"},
	{"not measured again", "accept-queue", "accept-queue.short", VERDICT_SHORT, VERDICT_UNKNOWN,
	 17, REPORT_NONE, SAME, 0, "could not be measured again: not proven"},
	{"no loss seen", "nic.ring", "nic.ring.overrun", VERDICT_SHORT, VERDICT_OK, 256, 512, SAME,
	 0, "no loss while observed: proven only under load"},
	{"of another machine: tight is enough", "accept-queue", "accept-queue.short", VERDICT_TIGHT,
	 VERDICT_TIGHT, 100, 100, FOREIGN, 0, "is still tight"},
	{"of another machine: short is not", "accept-queue", "accept-queue.short", VERDICT_SHORT,
	 VERDICT_SHORT, 10, 5000, FOREIGN, -ECANCELED, "is still short"},
	{"eight queues before, one after", "accept-queue", "accept-queue.short", VERDICT_SHORT,
	 VERDICT_SHORT, 800, 257, OTHER_SERVER, 0, "is still short"},
	{"of a new server", "accept-queue", "accept-queue.short", VERDICT_SHORT, VERDICT_OK, 129,
	 2049, OTHER_SERVER, 0, NULL},
	{"the limits of a shell", "descriptors.process", "descriptors.process.short", VERDICT_SHORT,
	 VERDICT_SHORT, 19993, 4090, OTHER_SERVER, 0, "is still short"},
	{"the higher ones of a shell", "descriptors.process", "descriptors.process.short",
	 VERDICT_SHORT, VERDICT_OK, 4090, 1048570, OTHER_SERVER, 0,
	 "measured with the limits of this shell: not proven"},
	{"no server limits it: it has to improve", "conntrack", "conntrack.short", VERDICT_SHORT,
	 VERDICT_SHORT, 100, 100, OTHER_SERVER, -ECANCELED, "is still short"},
};

static void put(struct report *r, const char *wall, enum wall_verdict verdict, int64_t measured)
{
	report_init(r);
	struct wall *w = report_wall(r, wall);
	w->verdict = verdict;
	w->method = METHOD_MEASURED;
	w->measured = measured;
}

static void improved_or_not(void **state)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	struct report *before = calloc(1, sizeof(*before)), *after = calloc(1, sizeof(*after));
	assert_true(plan && before && after);
	plan->count = 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		struct change *c = &plan->changes[0];
		struct verification v = {.plan = plan,
					 .before = before,
					 .after = after,
					 .foreign = row->of == FOREIGN,
					 .other_subject = row->of == OTHER_SERVER};
		struct err e = {0};
		char text[80];
		*c = (struct change){.scope = CHANGE_NETNS};
		report_text(c->wall, "%s", row->wall);
		report_text(c->finding, "%s", row->finding);
		put(before, row->wall, row->was, row->before);
		put(after, row->wall, row->is, row->after);
		int code = verify_plan(&v, &e);
		bool unproven = verify_unproven(&v, c, text);
		if (code != row->code || v.doubtful != (row->unproven != NULL) ||
		    unproven != v.doubtful || (unproven && strcmp(text, row->unproven) != 0))
			fail_msg("%s: %d, \"%s\", %s", row->name, code, e.text,
				 unproven ? text : "proven");
	}
	free(plan);
	free(before);
	free(after);
}

/* A wall that no change is meant for may not become worse. */
static void another_wall_becomes_worse(void **state)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	struct report *before = calloc(1, sizeof(*before)), *after = calloc(1, sizeof(*after));
	struct verification v = {.plan = plan, .before = before, .after = after};
	struct err e = {0};
	assert_true(plan && before && after);
	put(before, "syn-queue", VERDICT_OK, 4097);
	put(after, "syn-queue", VERDICT_SHORT, 17);
	assert_int_equal(verify_plan(&v, &e), -ECANCELED);
	assert_string_equal(e.text, "syn-queue became worse: ok before, short after");
	v.foreign = true;
	assert_int_equal(verify_plan(&v, &e), 0);
	free(plan);
	free(before);
	free(after);
}

/* The report before is of other probes: that a wall is short was not caused by the plan. */
static void a_wall_without_a_verdict_before(void **state)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	struct report *before = calloc(1, sizeof(*before)), *after = calloc(1, sizeof(*after));
	struct verification v = {.plan = plan, .before = before, .after = after};
	struct err e = {0};
	assert_true(plan && before && after);
	put(after, "syn-queue", VERDICT_SHORT, 17);
	report_init(before);
	assert_int_equal(verify_plan(&v, &e), 0);
	put(before, "syn-queue", VERDICT_UNKNOWN, REPORT_NONE);
	assert_int_equal(verify_plan(&v, &e), 0);
	free(plan);
	free(before);
	free(after);
}

/* Between a server that runs and a new one, only what a change is meant for. */
static void another_server_is_worse(void **state)
{
	static const struct {
		const char *knob, *wall;
		enum wall_verdict was;
		int code;
	} cases[] = {
		{"net.core.somaxconn", "descriptors.process", VERDICT_OK, 0},
		{"net.core.somaxconn", "descriptors.process", VERDICT_NA, 0},
		{"net.core.somaxconn", "cgroup.memory", VERDICT_OK, 0},
		{"fs.nr_open", "descriptors.process", VERDICT_OK, 0},
		{"net.core.somaxconn", "accept-queue", VERDICT_NA, 0},
		{"net.ipv4.ip_local_port_range", "ports.ephemeral", VERDICT_OK, -ECANCELED},
	};
	struct plan *plan = calloc(1, sizeof(*plan));
	struct report *before = calloc(1, sizeof(*before)), *after = calloc(1, sizeof(*after));
	assert_true(plan && before && after);
	plan->count = 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct verification v = {
			.plan = plan, .before = before, .after = after, .other_subject = true};
		struct err e = {0};
		plan->changes[0] = (struct change){.scope = CHANGE_NETNS};
		report_text(plan->changes[0].name, "%s", cases[i].knob);
		put(before, cases[i].wall, cases[i].was, 19993);
		put(after, cases[i].wall, VERDICT_SHORT, 4090);
		int code = verify_plan(&v, &e);
		if (code != cases[i].code)
			fail_msg("%s, %s: %d, \"%s\"", cases[i].knob, cases[i].wall, code, e.text);
		v.other_subject = false;
		assert_int_equal(verify_plan(&v, &e), -ECANCELED);
	}
	free(plan);
	free(before);
	free(after);
}

/* A wall of a machine that is busy moves by itself: only what the plan can have moved, or what an
 * experiment finds far lower, fails the proof. */
static void an_unrelated_wall_is_worse(void **state)
{
	static const struct {
		const char *knob, *wall;
		int64_t cost; /* of the change, bytes */
		enum wall_method method;
		int64_t before, after;
		int code;
	} cases[] = {
		{"net.core.somaxconn", "conntrack", 0, METHOD_DERIVED, 1260, 1240, 0},
		{"net.core.somaxconn", "conntrack", 0, METHOD_DERIVED, 9000, 1240, 0},
		{"net.netfilter.nf_conntrack_buckets", "conntrack", 0, METHOD_DERIVED, 1260, 1240,
		 -ECANCELED},
		{"net.core.somaxconn", "ports.ephemeral", 0, METHOD_MEASURED, 1260, 1240, 0},
		{"net.core.somaxconn", "ports.ephemeral", 0, METHOD_MEASURED, 1260, 900,
		 -ECANCELED},
		{"net.core.somaxconn", "ports.ephemeral", 0, METHOD_INSPECTED, 1260, 900, 0},
		/* What it loses is compared with what the changes may take. */
		{"fs.file-max", "memory.connection", 100, METHOD_DERIVED, 1260, 1240, -ECANCELED},
		{"fs.file-max", "memory.connection", 10, METHOD_DERIVED, 1260, 1240, 0},
		{"fs.file-max", "memory.connection", REPORT_NONE, METHOD_DERIVED, 1260, 1240, 0},
		{"fs.file-max", "conntrack", 100, METHOD_DERIVED, 1260, 1240, 0},
		{"net.ipv4.tcp_rmem", "memory.connection", 1, METHOD_DERIVED, 1260, 1240,
		 -ECANCELED},
		/* More channels: other CPUs. */
		{"device.channels@eth0", "softnet.backlog", 0, METHOD_INSPECTED, 1260, 1240,
		 -ECANCELED},
		{"device.channels@eth0", "conntrack", 0, METHOD_INSPECTED, 1260, 1240, 0},
		{"net.core.somaxconn", "softnet.backlog", 0, METHOD_INSPECTED, 1260, 1240, 0},
		/* Lower is better: 900 is worse than 400. */
		{"net.core.somaxconn", "napi.latency", 0, METHOD_MEASURED, 400, 900, -ECANCELED},
		{"net.core.somaxconn", "napi.latency", 0, METHOD_MEASURED, 400, 420, 0},
	};
	struct plan *plan = calloc(1, sizeof(*plan));
	struct report *before = calloc(1, sizeof(*before)), *after = calloc(1, sizeof(*after));
	assert_true(plan && before && after);
	plan->count = 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct verification v = {.plan = plan, .before = before, .after = after};
		struct err e = {0};
		plan->changes[0] =
			(struct change){.scope = CHANGE_NETNS, .cost_bytes = cases[i].cost};
		report_text(plan->changes[0].name, "%s", cases[i].knob);
		put(before, cases[i].wall, VERDICT_OK, cases[i].before);
		put(after, cases[i].wall, VERDICT_TIGHT, cases[i].after);
		before->walls[0].method = after->walls[0].method = cases[i].method;
		before->walls[0].limit = cases[i].before;
		after->walls[0].limit = cases[i].after;
		int code = verify_plan(&v, &e);
		if (code != cases[i].code || verify_unrelated(&v, &after->walls[0]) != (code == 0))
			fail_msg("%s, %s, row %zu: %d, \"%s\"", cases[i].knob, cases[i].wall, i,
				 code, e.text);
	}
	free(plan);
	free(before);
	free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(improved_or_not),
		cmocka_unit_test(another_wall_becomes_worse),
		cmocka_unit_test(a_wall_without_a_verdict_before),
		cmocka_unit_test(another_server_is_worse),
		cmocka_unit_test(an_unrelated_wall_is_worse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
