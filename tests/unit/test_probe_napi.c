/* What probe napi makes of rounds: the gain that is sure goes before the one that only may be, each
 * figure keeps the name of its setting, and a deferral is told even where noise hides what it
 * costs.
 */
#include "../../probes/napi.c"
#include "../support/support.h"

static struct report report;
static struct bench bench;
static struct wire_order wire;
static struct probe_run run_;

/* Five rounds around a median, a tenth apart, or one of them far off. */
static void rounds(enum way_index i, double p50_us, double worst_us, double sparse_us)
{
	struct way *w = &bench.way[i];
	w->tried = true;
	w->rounds = ROUNDS;
	for (size_t k = 0; k < ROUNDS; k++) {
		w->round[P50_US][k] = p50_us * (0.96 + 0.02 * (double)k);
		w->round[SPARSE_CPU_US][k] = sparse_us;
	}
	if (worst_us > 0)
		w->round[P50_US][ROUNDS - 1] = worst_us;
}

static int fresh(void **state)
{
	(void)state;
	struct err e;
	report_init(&report);
	memset(&bench, 0, sizeof(bench));
	run_ = (struct probe_run){.report = &report, .others = -1};
	if (host_open((struct host **)&run_.host, "/", &e))
		return -1;
	wire.can_suspend = true;
	bench.run = &run_;
	bench.wire = &wire;
	bench.has = NEED_BUSY_POLL | NEED_DEFERRAL | NEED_SUSPENSION;
	bench.host.queue = -1;
	for (size_t i = 0; i < WAYS; i++)
		bench.way[i] = ways[i];
	rounds(WAY_PLAIN, 60, 0, 20);
	return 0;
}

static int done(void **state)
{
	(void)state;
	host_close((struct host *)run_.host);
	return 0;
}

static void planted_on_eth0(uint64_t flush_ns)
{
	snprintf(bench.host.nic, sizeof(bench.host.nic), "eth0");
	bench.host.defer = (struct deferral){flush_ns, 2, 0};
}

static const struct finding *found(const char *id)
{
	for (size_t i = 0; i < report.finding_count; i++)
		if (!strcmp(report.findings[i].id, id))
			return &report.findings[i];
	return NULL;
}

static void a_sure_gain_goes_before_a_fast_median(void **state)
{
	(void)state;
	rounds(WAY_POLL_SHORT, 30, 0, 60);
	rounds(WAY_POLL_ONE, 28, 90, 30); /* faster and cheaper, but for one bad round */
	tell(&bench);
	assert_null(found("napi.latency.too-busy"));
	const struct finding *f = found("napi.latency.busy-poll");
	assert_non_null(f);
	assert_string_equal(f->proposed, "50");
	assert_non_null(strstr(f->detail, "busy_poll_usecs 50, busy_poll_budget 8"));
}

static void of_sure_gains_the_cheapest(void **state)
{
	(void)state;
	rounds(WAY_POLL_SHORT, 30, 0, 60);
	rounds(WAY_POLL_LONG, 29, 0, 90);
	rounds(WAY_POLL_ONE, 31, 0, 30);
	tell(&bench);
	assert_string_equal(found("napi.latency.busy-poll")->proposed, "20");
	assert_int_equal((int)found("napi.latency.busy-poll")->evidence[4].at_proposed, 30);
}

static void nothing_sure_is_too_busy(void **state)
{
	(void)state;
	rounds(WAY_POLL_SHORT, 30, 90, 60);
	tell(&bench);
	assert_null(found("napi.latency.busy-poll"));
	assert_int_equal(found("napi.latency.too-busy")->level, LEVEL_SKIPPED);
}

static void the_same_is_silence(void **state)
{
	(void)state;
	rounds(WAY_POLL_SHORT, 58, 0, 60);
	tell(&bench);
	assert_int_equal(report.finding_count, 0);
}

static void harm_is_proven_and_kept_apart(void **state)
{
	(void)state;
	planted_on_eth0(200000);
	rounds(WAY_HOST, 240, 0, 20);
	rounds(WAY_POLL_SHORT, 30, 0, 60);
	tell(&bench);
	const struct finding *harm = found("napi.latency.deferred");
	assert_int_equal((int)harm->evidence[0].at_current, 240);
	assert_int_equal((int)harm->evidence[0].at_proposed, 60);
	assert_int_equal(report_find(&report, WALL)->measured, 240);
	/* Beside what cures the harm, and called by its name. */
	const struct finding *gain = found("napi.latency.busy-poll");
	assert_int_equal((int)gain->evidence[0].at_current, 60);
	assert_non_null(strstr(gain->detail, "60 us (rounds 58 to 62) by interrupts"));
	assert_null(strstr(gain->detail, "this host's deferral"));
}

static void harmless_deferral_is_what_polling_is_compared_with(void **state)
{
	(void)state;
	planted_on_eth0(10000);
	rounds(WAY_HOST, 62, 0, 20);
	rounds(WAY_POLL_SHORT, 30, 0, 60);
	tell(&bench);
	assert_null(found("napi.latency.deferred"));
	const struct finding *gain = found("napi.latency.busy-poll");
	assert_int_equal((int)gain->evidence[0].at_current, 62);
	assert_non_null(strstr(gain->detail, "by this host's deferral"));
}

static void noise_does_not_hide_a_deferral(void **state)
{
	(void)state;
	planted_on_eth0(200000);
	rounds(WAY_HOST, 240, 0, 20);
	bench.way[WAY_HOST].round[P50_US][0] = 20;
	tell(&bench);
	const struct finding *f = found("napi.latency.deferred");
	assert_non_null(f);
	assert_int_equal(f->level, LEVEL_WARNING);
	assert_int_equal(f->evidence_count, 0);
	assert_non_null(strstr(f->tried, "too busy"));
	assert_int_equal(report_find(&report, WALL)->verdict, VERDICT_TIGHT);
}

static void an_instance_is_named_by_its_queue(void **state)
{
	(void)state;
	planted_on_eth0(200000);
	bench.host.queue = 3;
	rounds(WAY_HOST, 240, 0, 20);
	tell(&bench);
	assert_string_equal(found("napi.latency.deferred")->knob,
			    "device.gro_flush_timeout@eth0:rx-3");
}

static void what_is_missing_is_told_once(void **state)
{
	(void)state;
	bench.has = 0;
	wire.can_suspend = false;
	tell(&bench);
	const struct finding *f = found("napi.latency.untried");
	assert_int_equal(report.finding_count, 1);
	assert_non_null(strstr(f->detail, "take root"));
	assert_non_null(strstr(f->detail, "Linux 6.13"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_sure_gain_goes_before_a_fast_median),
		TEST(of_sure_gains_the_cheapest),
		TEST(nothing_sure_is_too_busy),
		TEST(the_same_is_silence),
		TEST(harm_is_proven_and_kept_apart),
		TEST(harmless_deferral_is_what_polling_is_compared_with),
		TEST(noise_does_not_hide_a_deferral),
		TEST(an_instance_is_named_by_its_queue),
		TEST(what_is_missing_is_told_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
