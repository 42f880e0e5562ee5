/* How often an experiment runs. */
#include "../support/support.h"
#include "../support/verdict.h"

#include <string.h>

#include "judge/proof.h"
#include "judge/verdict.h"

#define WALL "accept-queue"

static unsigned runs, conclusive_at;
static struct target target;

static void seven_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	b->capacity = 7;
	b->unread = "What the judge drops of a short wall";
}

/* The bound is the one that the wall is judged by. */
static void is_judged(const struct bound *b)
{
	assert_int_equal(b->capacity, 7);
	assert_int_equal(b->need.min, target_accept_queue(&target));
	assert_null(b->unread);
}

static int busy_run(struct trial *t, struct settings *s, struct outcome *o, struct err *e)
{
	is_judged(t->bound);
	if (++runs < conclusive_at)
		outcome_inconclusive(o, "this machine was too busy");
	else
		o->reached = runs;
	return 0;
}

static int failing_run(struct trial *t, struct settings *s, struct outcome *o, struct err *e)
{
	runs++;
	return err_set(e, EIO, "a fault");
}

/* A disturbance that ends leaves nothing behind; one that does not ends the runs. */
static void an_inconclusive_run_is_repeated_as_often_as_it_may_be(void **state)
{
	static const struct {
		unsigned again, conclusive_at, runs;
		bool conclusive;
	} rows[] = {{0, 2, 1, false},
		    {2, 1, 1, true},
		    {2, 2, 2, true},
		    {2, 3, 3, true},
		    {2, 4, 3, false}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct experiment x = {.wall = WALL,
					     .again = rows[i].again,
					     .bound = seven_bound,
					     .run = busy_run};
		struct trial t = {.target = &target};
		struct settings s = {0};
		struct outcome o;
		struct err e = {0};
		runs = 0;
		conclusive_at = rows[i].conclusive_at;
		assert_int_equal(trial_run(&t, &x, &s, &o, &e), 0);
		assert_int_equal(runs, rows[i].runs);
		assert_null(t.bound);
		assert_int_equal(o.state == OUTCOME_CONCLUSIVE, rows[i].conclusive);
		assert_int_equal(!o.why[0], rows[i].conclusive);
	}
}

static void an_error_ends_the_runs(void **state)
{
	const struct experiment x = {.wall = WALL, .again = 2, .run = failing_run};
	struct trial t = {.target = &target};
	struct settings s = {0};
	struct outcome o;
	struct err e = {0};
	runs = 0;
	assert_int_equal(trial_run(&t, &x, &s, &o, &e), -EIO);
	assert_int_equal(runs, 1);
}

static bool worded;

static void seven_words(const struct target *t, const struct settings *s, const struct outcome *o,
			const struct bound *b, struct wording *w)
{
	is_judged(b);
	worded = true;
}

static void a_wall_has_the_words_of_its_bound(void **state)
{
	const struct experiment x = {.wall = WALL, .bound = seven_bound, .words = seven_words};
	const struct settings s = {0};
	struct wall w = {.name = WALL};
	worded = false;
	wall_inspect(&x, &target, &s, &w);
	assert_true(worded);
	assert_int_equal(w.verdict, VERDICT_SHORT);
}

/* Packets that the machine drops meanwhile explain a result that is not there, and take none away:
 * a wall that needs no experiment stays inspected. */
static void dropped_packets_are_a_reason_only_of_what_lacks_a_result(void **state)
{
	static const struct {
		enum outcome_state state;
		const char *why, *reason;
		enum wall_experiment experiment;
		enum wall_method method;
	} rows[] = {
		{OUTCOME_CONCLUSIVE, "", "", EXPERIMENT_DONE, METHOD_DERIVED},
		{OUTCOME_UNNEEDED, "", "", EXPERIMENT_NONE, METHOD_INSPECTED},
		{OUTCOME_INCONCLUSIVE, "busy", "busy; 3 packets were dropped", EXPERIMENT_MISSED,
		 METHOD_DERIVED},
		{OUTCOME_UNSUPPORTED, "no wire", "no wire; 3 packets were dropped",
		 EXPERIMENT_MISSED, METHOD_DERIVED},
	};
	const struct experiment *x = verdict_experiment("ports", "time-wait");
	const struct settings s = verdict_settings(x, "net.ipv4.tcp_max_tw_buckets=131072");
	const struct target t = target_default();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct outcome o = verdict_outcome(REPORT_NONE, false);
		o.state = rows[i].state;
		report_text(o.why, "%s", rows[i].why);
		outcome_dropped(&o, "; 3 packets were dropped");
		const struct wall *w = &verdict_of(x, &t, &s, &o)->walls[0];
		if (w->experiment != rows[i].experiment || w->method != rows[i].method ||
		    strcmp(w->reason, rows[i].reason))
			fail_msg("row %zu: experiment %s, %s, \"%s\"", i,
				 wall_experiment_name(w->experiment), wall_method_name(w->method),
				 w->reason);
	}
}

/* What a busy machine makes inconclusive. */
static void what_needs_a_cpu_may_be_repeated(void **state)
{
	assert_true(verdict_experiment("throughput", "application.throughput")->again);
	assert_true(verdict_experiment("application", "application.accepts")->again);
	assert_true(verdict_experiment("application", "application.rate")->again);
}

int main(void)
{
	target = target_default();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_inconclusive_run_is_repeated_as_often_as_it_may_be),
		cmocka_unit_test(an_error_ends_the_runs),
		cmocka_unit_test(a_wall_has_the_words_of_its_bound),
		cmocka_unit_test(dropped_packets_are_a_reason_only_of_what_lacks_a_result),
		cmocka_unit_test(what_needs_a_cpu_may_be_repeated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
