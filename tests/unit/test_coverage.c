/* Which probes a proof runs. */
#include "../support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tune/coverage.h"

static struct plan plan;

static void change(const char *name, const char *wall, enum change_scope scope)
{
	struct change *c = &plan.changes[plan.count++];
	*c = (struct change){.scope = scope};
	snprintf(c->name, sizeof(c->name), "%s", name);
	snprintf(c->wall, sizeof(c->wall), "%s", wall);
}

static int empty(void **state)
{
	plan.count = 0;
	return 0;
}

static void is(const struct probe *const *probes, size_t count, const char *allowed,
	       const char *want)
{
	char *list = coverage_probes(&plan, probes, count, allowed);
	assert_non_null(list);
	assert_string_equal(list, want);
	free(list);
}

static void by_the_walls_that_change(void **state)
{
	static const struct experiment experiments[] = {{.wall = "accept-queue"}, {0}};
	static const char *const walls[] = {"buffers.receive", "buffers.send", NULL};
	static const struct observation observation = {.walls = walls};
	static const struct probe a = {.name = "a", .experiments = experiments};
	static const struct probe b = {.name = "b", .observation = &observation};
	static const struct probe none = {.name = "none"};
	static const struct probe *const all[] = {&a, &b, &none};
	is(all, 3, NULL, "");
	change("net.core.nosuch", "buffers.send", CHANGE_NETNS);
	is(all, 3, NULL, "b");
	change("net.core.somaxconn", "", CHANGE_NETNS); /* by hand: the walls of the knob */
	is(all, 3, NULL, "a,b");
	is(all, 3, "none,b", "b");
	is(all, 3, "bb,ab", "");
}

static void files_move_no_wall(void **state)
{
	static const struct experiment experiments[] = {{.wall = "accept-queue"}, {0}};
	static const struct probe a = {.name = "a", .experiments = experiments};
	static const struct probe *const all[] = {&a};
	change("net.core.somaxconn", "accept-queue", CHANGE_FILES);
	is(all, 1, NULL, "");
}

/* The list of probes is not cut. */
static void lists_of_any_length(void **state)
{
	enum { PROBES = 100 };
	static char names[PROBES][32], want[PROBES * 33];
	static const char *const walls[] = {"the.first", "the.last", NULL};
	static const struct observation observation = {.walls = walls};
	static struct probe probes[PROBES];
	const struct probe *all[PROBES];
	for (size_t i = 0; i < PROBES; i++) {
		snprintf(names[i], sizeof(names[i]), "a-probe-of-a-long-name-%zu", i);
		probes[i] = (struct probe){.name = names[i], .observation = &observation};
		all[i] = &probes[i];
		size_t end = strlen(want);
		snprintf(want + end, sizeof(want) - end, "%s%s", i ? "," : "", names[i]);
	}
	change("net.core.nosuch", "the.last", CHANGE_NETNS);
	is(all, PROBES, NULL, want);
	is(all, PROBES, want, want);
}

/* Of --only: by the walls of a knob, and by experiments that use it. */
static void by_knobs(void **state)
{
	static const struct experiment on_wall[] = {{.wall = "buffers.receive"}, {0}};
	static const struct experiment on_knob[] = {
		{.wall = "no.such", .knobs = {"net.ipv4.tcp_fin_timeout"}}, {0}};
	static const struct probe a = {.name = "a", .experiments = on_wall};
	static const struct probe b = {.name = "b", .experiments = on_knob};
	static const struct probe *const all[] = {&a, &b};
	static const struct {
		const char *knobs, *allowed, *want;
	} cases[] = {
		{"net.ipv4.tcp_rmem", NULL, "a"},
		{"net/ipv4/tcp_fin_timeout", NULL, "b"},
		{"net.ipv4.tcp_fin_timeout,net.ipv4.tcp_rmem", NULL, "a,b"},
		{"net.ipv4.tcp_fin_timeout,net.ipv4.tcp_rmem", "b", "b"},
		{"device.ring.rx@eth0", NULL, ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *list = coverage_concerned(cases[i].knobs, all, 2, cases[i].allowed);
		assert_string_equal(list, cases[i].want);
		free(list);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(by_the_walls_that_change, empty),
		cmocka_unit_test_setup(files_move_no_wall, empty),
		cmocka_unit_test_setup(lists_of_any_length, empty),
		cmocka_unit_test(by_knobs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
