/* The command after a report is about what made its status. */
#include "../support/support.h"
#include "report/hint.h"
#include "sample_report.h"

static struct report r;

static int reset(void **state)
{
	report_init(&r);
	report_text(r.command, "epolltune check");
	return 0;
}

static struct wall *wall_made(const char *name, enum wall_verdict verdict)
{
	struct wall *w = report_wall(&r, name);
	w->verdict = verdict;
	w->needed = 100;
	return w;
}

static void hint_is(const char *purpose, const char *command)
{
	char text[HINT_COMMAND];
	assert_string_equal(hint_next(&r, false, text), purpose);
	assert_string_equal(text, command);
}

static void the_hint_follows_the_status(void **state)
{
	wall_made("accept-queue", VERDICT_OK);
	hint_is("For the notes: ", "");
	finding_made(&r, "knob.drift", LEVEL_NOTE, "");
	hint_is("For the notes: ", "epolltune check --verbose");
	struct finding *f = finding_made(&r, "listeners.hidden", LEVEL_SKIPPED, "");
	hint_is("For the notes: ", "epolltune check --verbose");
	report_text(f->answer, "whether a listener was full is not known");
	hint_is("For more: ", "epolltune explain listeners.hidden");
	finding_made(&r, "counters.growing", LEVEL_WARNING, "")->observed = true;
	hint_is("For more: ", "epolltune explain counters.growing");
	/* A wall without a finding, and one with one. */
	wall_made("cgroup.memory", VERDICT_UNKNOWN);
	hint_is("For more: ", "epolltune explain cgroup.memory");
	report_text(finding_made(&r, "cgroup.memory.reclaim", LEVEL_NOTE, "")->wall,
		    "cgroup.memory");
	hint_is("For more: ", "epolltune explain cgroup.memory.reclaim");
	finding_made(&r, "conntrack.full", LEVEL_CRITICAL, "")->observed = true;
	hint_is("For more: ", "epolltune explain conntrack.full");
}

/* What tightens a wall that is not the reason is no help. */
static void apply_is_for_the_walls_of_the_status(void **state)
{
	wall_made("accept-queue", VERDICT_TIGHT);
	struct finding *f = finding_made(&r, "accept-queue.tight", LEVEL_WARNING, "");
	report_text(f->wall, "accept-queue");
	f->remedy = REMEDY_KERNEL;
	finding_propose(f, "net.core.somaxconn", "4096", "8192");
	char text[HINT_COMMAND];
	assert_string_equal(hint_next(&r, false, text), "To see the changes: ");
	assert_non_null(strstr(text, " --tight --dry-run"));
	wall_made("cgroup.memory", VERDICT_UNKNOWN);
	hint_is("For more: ", "epolltune explain cgroup.memory");
	finding_made(&r, "conntrack.full", LEVEL_CRITICAL, "")->observed = true;
	hint_is("For more: ", "epolltune explain conntrack.full");
	wall_made("syn-queue", VERDICT_SHORT);
	f = finding_made(&r, "syn-queue.short", LEVEL_CRITICAL, "");
	report_text(f->wall, "syn-queue");
	f->remedy = REMEDY_KERNEL;
	finding_propose(f, "net.core.somaxconn", "4096", "8192");
	assert_string_equal(hint_next(&r, false, text), "To see the changes: ");
	assert_null(strstr(text, "--tight"));
}

/* A probe that crashed left an untried finding only. */
static void a_probe_that_failed_is_explained(void **state)
{
	wall_made("accept-queue", VERDICT_OK);
	finding_made(&r, "probe.failed", LEVEL_SKIPPED, "");
	r.ran[r.probe_count++] = (struct report_probe){.name = "ports", .state = PROBE_CRASHED};
	hint_is("For more: ", "epolltune explain probe.failed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_hint_follows_the_status, reset),
		cmocka_unit_test_setup(apply_is_for_the_walls_of_the_status, reset),
		cmocka_unit_test_setup(a_probe_that_failed_is_explained, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
