/* How often an experiment runs. */
#include "../support/support.h"
#include "../support/verdict.h"

#include "judge/proof.h"

static unsigned runs, conclusive_at;

static int busy_run(struct trial *t, struct settings *s, struct outcome *o, struct err *e)
{
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
		const struct experiment x = {.again = rows[i].again, .run = busy_run};
		struct trial t = {0};
		struct settings s = {0};
		struct outcome o;
		struct err e = {0};
		runs = 0;
		conclusive_at = rows[i].conclusive_at;
		assert_int_equal(trial_run(&t, &x, &s, &o, &e), 0);
		assert_int_equal(runs, rows[i].runs);
		assert_int_equal(o.state == OUTCOME_CONCLUSIVE, rows[i].conclusive);
		assert_int_equal(!o.why[0], rows[i].conclusive);
	}
}

static void an_error_ends_the_runs(void **state)
{
	const struct experiment x = {.again = 2, .run = failing_run};
	struct trial t = {0};
	struct settings s = {0};
	struct outcome o;
	struct err e = {0};
	runs = 0;
	assert_int_equal(trial_run(&t, &x, &s, &o, &e), -EIO);
	assert_int_equal(runs, 1);
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_inconclusive_run_is_repeated_as_often_as_it_may_be),
		cmocka_unit_test(an_error_ends_the_runs),
		cmocka_unit_test(what_needs_a_cpu_may_be_repeated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
