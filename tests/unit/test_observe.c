/* When the judge looks at a machine: before and after a window, with ticks in between, or once. */
#include "../support/support.h"

#include <errno.h>
#include <string.h>

#include "epolltune/clock.h"
#include "epolltune/report.h"
#include "judge/judge.h"

struct sample {
	unsigned taken, ticks;
};

static struct seen {
	char order[64]; /* s sample, t tick, w wait, j judge */
	struct sample before, after;
	double seconds;
	bool same;
	uint64_t waited_us;
	int tick_error;
	struct err unread; /* of the first sample only */
} seen;

static void mark(const char *what) { strncat(seen.order, what, sizeof(seen.order) - 2); }

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	(void)h, (void)o, (void)e;
	mark("s");
	s->taken++;
	return 0;
}

static int sample_tick(const struct host *h, struct sample *s, struct err *e)
{
	mark("t");
	s->ticks++;
	return seen.tick_error ? err_set(e, seen.tick_error, "no tick") : 0;
}

static void sample_judge(const struct sample *before, const struct sample *after,
			 const struct moment *m, struct report *r)
{
	mark("j");
	seen.before = *before;
	seen.after = *after;
	seen.same = before == after;
	seen.seconds = m->seconds;
}

static const struct err *sample_unread(const struct sample *s)
{
	static const struct err nothing;
	return s->ticks ? &nothing : &seen.unread;
}

static void wait_passes(uint64_t us)
{
	mark("w");
	seen.waited_us = us;
	clock_sleep_us(us);
}

static bool unobserved;
static int unread;
static uint64_t window_min;

static uint64_t sample_window_us(const struct sample *first)
{
	assert_int_equal(first->taken, 1);
	return window_min;
}

static int observe(bool tick, bool window, int tick_error)
{
	static struct report r;
	const struct observation o = {.size = sizeof(struct sample),
				      .window = true,
				      .sample = sample_take,
				      .tick = tick ? sample_tick : NULL,
				      .window_us = window_min ? sample_window_us : NULL,
				      .unread = sample_unread,
				      .judge = sample_judge};
	const struct probe p = {.name = "fake", .place = PROBE_HOST, .observation = &o};
	const struct target target = target_default();
	const struct probe_options options = {.window_us = 22000};
	struct host *h;
	struct err e = {0};
	assert_int_equal(host_open(&h, "/", &e), 0);
	memset(&seen, 0, sizeof(seen));
	unobserved = false;
	seen.unread.code = unread;
	seen.tick_error = tick_error;
	report_init(&r);
	const struct judging j = {.target = &target,
				  .options = &options,
				  .host = h,
				  .report = &r,
				  .unobserved = &unobserved,
				  .wait = window ? wait_passes : NULL};
	int rc = judge_probe(&p, &j, &e);
	host_close(h);
	return rc;
}

static void a_window_has_two_samples(void **state)
{
	assert_int_equal(observe(false, true, 0), 0);
	assert_string_equal(seen.order, "swsj");
	assert_int_equal(seen.waited_us, 22000);
	assert_true(seen.seconds >= 0.022 && !seen.same);
}

static void ticks_spread_over_the_window(void **state)
{
	assert_int_equal(observe(true, true, 0), 0);
	assert_string_equal(seen.order, "sttttttttttwsj");
	assert_int_equal(seen.waited_us, 2000);
	assert_true(seen.seconds >= 0.022);
	assert_int_equal(seen.before.ticks, 0);
	assert_int_equal(seen.after.ticks, OBSERVATION_TICKS);
	assert_int_equal(seen.after.taken, 1);
}

/* What the machine counts at intervals is not in a shorter one. */
static void a_sample_may_need_a_longer_window(void **state)
{
	static const struct {
		uint64_t min, passed;
	} rows[] = {{21000, 22000}, {33000, 33000}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		window_min = rows[i].min;
		assert_int_equal(observe(false, true, 0), 0);
		assert_int_equal(seen.waited_us, rows[i].passed);
		assert_true(seen.seconds >= (double)rows[i].passed / 1e6);
	}
	window_min = 0;
}

static void without_a_window_one_sample_is_taken(void **state)
{
	assert_int_equal(observe(true, false, 0), 0);
	assert_string_equal(seen.order, "sj");
	assert_true(seen.seconds == 0 && seen.same);
}

static void a_tick_that_fails_ends_the_observation(void **state)
{
	assert_int_equal(observe(true, true, ENOMEM), -ENOMEM);
	assert_string_equal(seen.order, "st");
	assert_true(unobserved);
}

/* The rest of it is judged. */
static void what_cannot_be_read_is_an_observation_that_failed(void **state)
{
	unread = EACCES;
	assert_int_equal(observe(true, true, 0), -EACCES);
	assert_string_equal(seen.order, "sttttttttttwsj");
	assert_true(unobserved);
	assert_int_equal(observe(false, false, 0), -EACCES);
	assert_string_equal(seen.order, "sj");
	assert_true(unobserved);
	unread = 0;
	assert_int_equal(observe(true, true, 0), 0);
	assert_false(unobserved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_has_two_samples),
		cmocka_unit_test(ticks_spread_over_the_window),
		cmocka_unit_test(a_sample_may_need_a_longer_window),
		cmocka_unit_test(without_a_window_one_sample_is_taken),
		cmocka_unit_test(what_cannot_be_read_is_an_observation_that_failed),
		cmocka_unit_test(a_tick_that_fails_ends_the_observation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
