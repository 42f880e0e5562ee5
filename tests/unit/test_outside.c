/* What was observed outside of the server's network namespace, in the report of the check. */
#include "../../src/judge/outside.h"
#include "../support/findings.h"
#include "../support/support.h"

#include <string.h>

static struct report whole, part;

static int reset(void **state)
{
	report_init(&whole);
	report_init(&part);
	return 0;
}

static struct finding *ring_overruns(const char *device)
{
	struct wording words = {0};
	wording_set(&words, "device", "%s", device);
	wording_set(&words, "counter", "rx_missed_errors");
	struct finding *f = report_finding(&part, "nic.ring.overrun", &words);
	finding_propose_device(f, "device.ring.rx", device, "256", "512");
	f->tried = TRIED_NOT;
	report_text(f->outcome, "most drivers reset the link to change it");
	return f;
}

static void a_finding_says_whose_it_is(void **state)
{
	ring_overruns("eth0");
	outside_join(&whole, &part, "nginx");
	const struct finding *f = &whole.findings[0];
	assert_int_equal(whole.finding_count, 1);
	assert_string_equal(f->title, "eth0 loses packets: its receive ring overflows, outside the "
				      "checked network namespace");
	assert_string_equal(f->about, "eth0 outside");
	assert_non_null(strstr(f->detail, "This is of the network namespace that the check was "
					  "started in: packets to nginx cross it. rx_missed"));
	assert_int_equal(f->level, LEVEL_WARNING);
}

/* apply with the same options runs in the other namespace, which may have a device of that name. */
static void no_value_of_a_device_is_proposed(void **state)
{
	ring_overruns("eth0");
	struct finding *f = report_finding(&part, "conntrack.full", NULL);
	finding_propose(f, "net.netfilter.nf_conntrack_max", "100", "200");
	outside_join(&whole, &part, "");
	assert_false(finding_proposes(&whole.findings[0]));
	assert_int_equal(whole.findings[0].tried, TRIED_NONE);
	assert_string_equal(whole.findings[0].outcome, "");
	assert_non_null(strstr(whole.findings[0].advice,
			       "without --server and --netns: epolltune apply --probe nic"));
	assert_true(finding_proposes(&whole.findings[1]));
	assert_null(strstr(whole.findings[1].advice, "--netns"));
	assert_string_equal(whole.findings[1].about, "outside");
	assert_non_null(strstr(whole.findings[1].answer, ", outside the checked"));
}

/* Softnet is of the machine; a table of connections and an interface are of one namespace. */
static void what_both_see_counts_once(void **state)
{
	static const struct {
		const char *id;
		size_t count;
	} rows[] = {{"softnet.backlog.drops", 1},
		    {"softnet.budget.past", 1},
		    {"conntrack.full", 2},
		    {"nic.qdisc.dropping", 2}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		reset(NULL);
		report_finding(&whole, rows[i].id, NULL);
		report_finding(&part, rows[i].id, NULL);
		outside_join(&whole, &part, "nginx");
		if (whole.finding_count != rows[i].count)
			fail_msg("%s: %zu", rows[i].id, whole.finding_count);
	}
}

static void what_is_of_the_probe_keeps_its_text(void **state)
{
	finding_made(&part, "probe.failed", LEVEL_NOTE, "Probe nic failed");
	outside_join(&whole, &part, "nginx");
	assert_string_equal(whole.findings[0].title, "Probe nic failed");
	assert_string_equal(whole.findings[0].about, "");
}

static void the_worse_wall_is_taken(void **state)
{
	enum { NONE = REPORT_NONE };
	static const struct {
		int64_t here;
		enum wall_verdict verdict;
		int64_t there;
		enum wall_verdict outside;
		bool taken;
	} rows[] = {
		{NONE, VERDICT_NA, 256, VERDICT_OK, true},
		{NONE, VERDICT_UNKNOWN, 256, VERDICT_OK, true},
		{NONE, VERDICT_NA, NONE, VERDICT_NA, false},
		{NONE, VERDICT_NA, NONE, VERDICT_UNKNOWN, false},
		{512, VERDICT_OK, 256, VERDICT_OK, false},
		{512, VERDICT_OK, NONE, VERDICT_UNKNOWN, false},
		{512, VERDICT_OK, 256, VERDICT_TIGHT, true},
		{512, VERDICT_TIGHT, 256, VERDICT_TIGHT, false},
		{NONE, VERDICT_TIGHT, 256, VERDICT_OK, false},
		{512, VERDICT_TIGHT, 256, VERDICT_SHORT, true},
		{512, VERDICT_SHORT, 256, VERDICT_TIGHT, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		reset(NULL);
		struct wall *here = report_wall(&whole, "nic.ring"),
			    *there = report_wall(&part, "nic.ring");
		here->limit = rows[i].here;
		here->verdict = rows[i].verdict;
		there->limit = rows[i].there;
		there->verdict = rows[i].outside;
		outside_join(&whole, &part, "nginx");
		here = report_wall(&whole, "nic.ring");
		if ((strstr(here->detail, "was started in") != NULL) != rows[i].taken ||
		    here->verdict != (rows[i].taken ? rows[i].outside : rows[i].verdict))
			fail_msg("row %zu: %s %s", i, wall_verdict_name(here->verdict),
				 here->detail);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_finding_says_whose_it_is, reset),
		cmocka_unit_test_setup(no_value_of_a_device_is_proposed, reset),
		cmocka_unit_test_setup(what_both_see_counts_once, reset),
		cmocka_unit_test_setup(what_is_of_the_probe_keeps_its_text, reset),
		cmocka_unit_test_setup(the_worse_wall_is_taken, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
