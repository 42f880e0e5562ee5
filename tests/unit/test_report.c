#include "../support/support.h"
#include "epolltune/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct report r, part;

static int reset(void **state)
{
	(void)state;
	report_init(&r);
	report_init(&part);
	return 0;
}

static void a_new_wall_is_empty(void **state)
{
	(void)state;
	struct wall *w = report_wall(&r, "accept-queue");
	assert_string_equal(w->name, "accept-queue");
	assert_true(w->limit == REPORT_NONE && w->measured == REPORT_NONE &&
		    w->needed == REPORT_NONE);
	assert_int_equal(w->verdict, VERDICT_UNKNOWN);
	assert_int_equal(w->method, METHOD_INSPECTED);
	w->limit = 7;
	assert_ptr_equal(report_wall(&r, "accept-queue"), w);
	assert_int_equal(w->limit, 7);
	assert_int_equal(r.wall_count, 1);
	assert_ptr_equal(report_find(&r, "accept-queue"), w);
	assert_null(report_find(&r, "syn-queue"));
}

static void nothing_is_lost_silently(void **state)
{
	(void)state;
	char name[32];
	for (int i = 0; i < REPORT_WALLS + 2; i++) {
		snprintf(name, sizeof(name), "wall.%d", i);
		report_wall(&r, name)->verdict = VERDICT_OK;
	}
	for (int i = 0; i < REPORT_FINDINGS + 3; i++)
		assert_non_null(report_finding(&r, "a.b", LEVEL_NOTE, "%d", i));
	assert_int_equal(r.wall_count, REPORT_WALLS);
	assert_int_equal(r.finding_count, REPORT_FINDINGS);
	assert_int_equal(r.lost, 5);
	report_join(&part, &r);
	assert_int_equal(part.lost, 5);
	report_join(&part, &r);
	assert_int_equal(part.wall_count, REPORT_WALLS);
	assert_int_equal(part.lost, 10 + REPORT_FINDINGS);
}

static void text_is_cut_with_a_mark(void **state)
{
	(void)state;
	char field[9];
	report_text(field, "%s", "12345678");
	assert_string_equal(field, "12345678");
	report_text(field, "%s", "123456789");
	assert_string_equal(field, "12345…");
	report_text(field, "%s", "1234µµµµ");
	assert_string_equal(field, "1234…");
	char tiny[3];
	report_text(tiny, "%s", "123");
	assert_string_equal(tiny, "");
	struct finding *f = report_finding(&r, "a.b", LEVEL_NOTE, "%0200d", 1);
	assert_int_equal(strlen(f->title), sizeof(f->title) - 1);
}

static void evidence_that_fits_is_kept(void **state)
{
	(void)state;
	struct finding *f = report_finding(&r, "a.b", LEVEL_NOTE, "t");
	for (int i = 0; i < FINDING_EVIDENCE + 2; i++)
		finding_evidence(f, "ListenOverflows", "SYNs", i, NAN);
	assert_int_equal(f->evidence_count, FINDING_EVIDENCE);
	assert_true(isnan(f->evidence[0].at_proposed));
}

static void verdicts_at_their_edges(void **state)
{
	(void)state;
	assert_int_equal(report_verdict(999, 1000), VERDICT_SHORT);
	assert_int_equal(report_verdict(1000, 1000), VERDICT_TIGHT);
	assert_int_equal(report_verdict(1249, 1000), VERDICT_TIGHT);
	assert_int_equal(report_verdict(1250, 1000), VERDICT_OK);
	assert_int_equal(report_verdict(1, 1), VERDICT_TIGHT);
	assert_int_equal(report_verdict(2, 1), VERDICT_OK);
	assert_int_equal(report_verdict(0, REPORT_NONE), VERDICT_OK);
	assert_int_equal(report_verdict(0, 0), VERDICT_OK);
	assert_int_equal(report_verdict(REPORT_NONE, 1), VERDICT_UNKNOWN);
	assert_int_equal(report_verdict(INT64_MAX, INT64_MAX), VERDICT_TIGHT);
	assert_int_equal(report_margin(1001), 1252);
	assert_true(report_margin(UINT64_MAX) == UINT64_MAX);
}

static void worst_part_gives_the_status(void **state)
{
	(void)state;
	assert_int_equal(report_exit_status(&r), 0);
	report_wall(&r, "a")->verdict = VERDICT_OK;
	report_finding(&r, "a.b", LEVEL_NOTE, "n");
	report_finding(&r, "a.b", LEVEL_SKIPPED, "s");
	assert_int_equal(report_exit_status(&r), 0);
	report_wall(&r, "b")->verdict = VERDICT_UNKNOWN;
	assert_int_equal(report_exit_status(&r), 3);
	report_finding(&r, "a.b", LEVEL_WARNING, "w");
	assert_int_equal(report_exit_status(&r), 1);
	report_wall(&r, "c")->verdict = VERDICT_SHORT;
	report_wall(&r, "d")->verdict = VERDICT_TIGHT;
	struct report_summary s = report_summarize(&r);
	assert_int_equal(s.status, VERDICT_SHORT);
	assert_string_equal(report_status_name(s.status), "critical");
	assert_int_equal(s.ok, 1);
	assert_int_equal(s.tight, 1);
	assert_int_equal(s.short_, 1);
	assert_int_equal(s.unknown, 1);
	assert_int_equal(report_exit_status(&r), 2);
	report_finding(&part, "a.b", LEVEL_CRITICAL, "c");
	assert_int_equal(report_exit_status(&part), 2);
}

static void joining_appends(void **state)
{
	(void)state;
	report_wall(&r, "a")->limit = 1;
	report_finding(&r, "a.b", LEVEL_NOTE, "first");
	report_wall(&part, "b")->limit = 2;
	report_finding(&part, "b.c", LEVEL_WARNING, "second");
	report_join(&r, &part);
	assert_int_equal(r.wall_count, 2);
	assert_int_equal(r.walls[1].limit, 2);
	assert_int_equal(r.finding_count, 2);
	assert_string_equal(r.findings[1].title, "second");
	assert_int_equal(r.lost, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_new_wall_is_empty, reset),
		cmocka_unit_test_setup(nothing_is_lost_silently, reset),
		cmocka_unit_test_setup(text_is_cut_with_a_mark, reset),
		cmocka_unit_test_setup(evidence_that_fits_is_kept, reset),
		cmocka_unit_test_setup(verdicts_at_their_edges, reset),
		cmocka_unit_test_setup(worst_part_gives_the_status, reset),
		cmocka_unit_test_setup(joining_appends, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
