/* The findings of probe readiness, by counted events. */
#define probe_readiness readiness_under_test
#include "../../probes/readiness.c"
#include "../support/support.h"

static struct report report;

static void judge_checks(const struct semantics_check *checks, size_t count)
{
	static struct semantics s;
	s = (struct semantics){.count = count};
	memcpy(s.at, checks, count * sizeof(*checks));
	report_init(&report);
	semantics_report(&s, &report);
}

static const struct semantics_check kept = {.name = "level-first",
					    .finding = "level-lost",
					    .expected = "one event",
					    .min = 1,
					    .max = 1,
					    .seen = 1,
					    .state = SEMANTICS_AS_EXPECTED};

static struct semantics_check deviation(const char *finding, int64_t least, int64_t most,
					int64_t seen)
{
	return (struct semantics_check){.name = "check",
					.finding = finding,
					.expected = "some events",
					.min = least,
					.max = most,
					.seen = seen,
					.state = SEMANTICS_DEVIATES};
}

static void all_as_documented_is_one_note(void **state)
{
	judge_checks((struct semantics_check[]){kept, kept}, 2);
	assert_int_equal(report.finding_count, 1);
	assert_string_equal(report.findings[0].id, "readiness.as-documented");
	assert_string_equal(report.findings[0].title,
			    "epoll works as documented: 2 of 2 experiments");
}

static void each_problem_is_a_finding_of_the_catalogue(void **state)
{
	static const struct {
		const char *problem;
		enum finding_level level;
	} rows[] = {
		{"level-lost", LEVEL_CRITICAL}, {"level-spin", LEVEL_WARNING},
		{"lost-edge", LEVEL_CRITICAL},  {"edge-repeats", LEVEL_NOTE},
		{"oneshot", LEVEL_WARNING},     {"exclusive", LEVEL_NOTE},
		{"duplicate", LEVEL_WARNING},   {"rdhup", LEVEL_WARNING},
		{"nested", LEVEL_WARNING},      {"shared-memory", LEVEL_NOTE},
		{"select-size", LEVEL_NOTE},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct semantics_check c[] = {kept, deviation(rows[i].problem, 1, 1, 0)};
		char id[64];
		snprintf(id, sizeof(id), "readiness.%s", rows[i].problem);
		judge_checks(c, 2);
		assert_int_equal(report.finding_count, 1);
		const struct finding *f = &report.findings[0];
		assert_string_equal(f->id, id);
		assert_int_equal(f->level, rows[i].level);
		assert_true(f->title[0] && f->advice[0]);
		assert_string_equal(f->detail, "Expected 1 (some events), seen 0.");
		assert_int_equal(f->evidence_count, 1);
	}
}

static void checks_of_one_problem_share_a_finding(void **state)
{
	struct semantics_check c[] = {deviation("lost-edge", 1, 1, 0),
				      deviation("oneshot", 0, 0, 1),
				      deviation("lost-edge", 0, 2, 5)};
	judge_checks(c, 3);
	assert_int_equal(report.finding_count, 2);
	assert_string_equal(
		report.findings[0].detail,
		"Expected 1 (some events), seen 0. Expected 0 to 2 (some events), seen 5.");
	assert_int_equal(report.findings[0].evidence_count, 2);
	assert_int_equal((int)report.findings[0].evidence[1].at_current, 5);
}

static void skipped_checks_are_named(void **state)
{
	struct semantics_check c[] = {kept,
				      {.name = "select-kernel",
				       .state = SEMANTICS_SKIPPED,
				       .detail = "1024 descriptors are needed"}};
	judge_checks(c, 2);
	assert_int_equal(report.finding_count, 1);
	assert_string_equal(report.findings[0].id, "readiness.skipped");
	assert_int_equal(report.findings[0].level, LEVEL_SKIPPED);
	assert_string_equal(report.findings[0].title,
			    "Experiments on epoll that were skipped: 1 of 2");
	assert_string_equal(report.findings[0].detail,
			    "select-kernel: 1024 descriptors are needed.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_as_documented_is_one_note),
		cmocka_unit_test(each_problem_is_a_finding_of_the_catalogue),
		cmocka_unit_test(checks_of_one_problem_share_a_finding),
		cmocka_unit_test(skipped_checks_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
