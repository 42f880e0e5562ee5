/* Which probes a proof runs. */
#include "../support/support.h"

#include <stdio.h>

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

static probe_set set_of(const char *names)
{
	struct err e;
	probe_set set = names ? probes_parse(names, &e) : 0;
	if (names && !set)
		fail_msg("%s", e.text);
	return set;
}

static void is(const char *allowed, const char *want)
{
	char text[PROBES_TEXT];
	assert_string_equal(probes_text(coverage_probes(&plan, set_of(allowed)), text), want);
}

static void by_the_walls_that_change(void **state)
{
	is(NULL, "");
	change("net.core.nosuch", "buffers.send", CHANGE_NETNS);
	is(NULL, "buffers");
	change("net.core.somaxconn", "", CHANGE_NETNS); /* by hand: the walls of the knob */
	is(NULL, "accept-queue,syn-queue,buffers");
	is("udp,buffers", "buffers");
	is("udp", "");
}

static void files_move_no_wall(void **state)
{
	change("net.core.somaxconn", "accept-queue", CHANGE_FILES);
	is(NULL, "");
}

/* Each has a place in a set, and all of them in its text. */
static void sets_have_all_probes(void **state)
{
	char text[PROBES_TEXT];
	struct err e;
	const probe_set all = (probe_set)((1ull << probe_count()) - 1);
	assert_int_equal(set_of(probes_text(all, text)), all);
	assert_int_equal(set_of("udp,listeners,udp"), set_of("listeners,udp"));
	assert_int_equal(probes_parse("udp,", &e), 0);
	assert_string_equal(e.text, "no probe \"\"; epolltune list probes");
	assert_int_equal(probes_parse("udp,ud", &e), 0);
	assert_string_equal(e.text, "no probe \"ud\"; epolltune list probes");
}

/* Of --only: by the walls of a knob, and by experiments that use it. */
static void by_knobs(void **state)
{
	static const struct {
		const char *knobs, *allowed, *want;
	} cases[] = {
		{"net.ipv4.tcp_rmem", NULL, "descriptors,buffers"},
		{"net/ipv4/tcp_fin_timeout", NULL, "counters,ports"},
		{"net.ipv4.tcp_fin_timeout,net.ipv4.tcp_rmem", NULL,
		 "counters,descriptors,ports,buffers"},
		{"net.ipv4.tcp_fin_timeout,net.ipv4.tcp_rmem", "buffers", "buffers"},
		{"device.ring.rx@eth0", NULL, "nic"},
		{"device.ring.rx@eth0", "udp", ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[PROBES_TEXT];
		probe_set set = coverage_concerned(cases[i].knobs, set_of(cases[i].allowed));
		assert_string_equal(probes_text(set, text), cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(by_the_walls_that_change, empty),
		cmocka_unit_test_setup(files_move_no_wall, empty),
		cmocka_unit_test(sets_have_all_probes),
		cmocka_unit_test(by_knobs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
