/* The verdicts and findings of probe napi, by host settings and figures of rounds. */
#define probe_napi probe_napi_tested
#include "../../probes/napi.c"
#undef probe_napi
#include "../support/support.h"

static struct report report;
static struct result result;
static struct sample host;

static void observe(void)
{
	struct target target = target_default();
	struct moment moment = {.target = &target};
	report_init(&report);
	sample_judge(&host, &host, &moment, &report);
}

/* An interface with a deferral; 0 ns: none. */
static struct sample setting(uint64_t flush_ns, int queue)
{
	return (struct sample){
		.is = {.nic = "eth0", .longest = {flush_ns, flush_ns ? 2 : 0, 0}, .queue = queue}};
}

/* Five rounds around a median, 2 % apart; `worst`: the last one, if not 0. */
static void rounds(enum way_index i, double median, double worst, double sparse_us)
{
	struct figures *f = &result.way[i];
	f->rounds = ROUNDS;
	f->of[PAIR_P50_US] =
		(struct spread){0.96 * median, median, worst > 0 ? worst : 1.04 * median};
	f->of[PAIR_SPARSE_CPU_US] = (struct spread){sparse_us, sparse_us, sparse_us};
}

static int fresh(void **state)
{
	result = (struct result){.polls = true, .defers = true, .suspends = true};
	host = setting(0, -1);
	rounds(WAY_PLAIN, 60, 0, 20);
	return 0;
}

static const struct finding *found(const char *id)
{
	for (size_t i = 0; i < report.finding_count; i++)
		if (!strcmp(report.findings[i].id, id))
			return &report.findings[i];
	return NULL;
}

/* The problems of all findings: "deferred busy-poll". */
static const char *problems(void)
{
	static char text[128];
	text[0] = 0;
	for (size_t i = 0; i < report.finding_count; i++)
		report_append(text, "%s%s", i ? " " : "",
			      report.findings[i].id + strlen("napi.latency."));
	return text;
}

static void settings_judge_the_wall(void **state)
{
	static const struct {
		struct sample host;
		enum wall_verdict verdict;
		enum wall_method method;
		int64_t limit;
		const char *problems, *detail;
	} rows[] = {
		{{.unreadable = true}, VERDICT_UNKNOWN, METHOD_INSPECTED, REPORT_NONE, "", "read"},
		{{.is = {.queue = -1}},
		 VERDICT_NA,
		 METHOD_INSPECTED,
		 REPORT_NONE,
		 "",
		 "No interface"},
		{{.is = {.nic = "eth0"}},
		 VERDICT_NA,
		 METHOD_INSPECTED,
		 REPORT_NONE,
		 "",
		 "eth0 does not"},
		/* Each setting alone does not defer interrupts. */
		{{.is = {.nic = "eth0", .longest = {200000, 0, 0}}},
		 VERDICT_NA,
		 METHOD_INSPECTED,
		 REPORT_NONE,
		 "",
		 "eth0 does not"},
		{{.is = {.nic = "eth0", .longest = {0, 2, 0}}},
		 VERDICT_NA,
		 METHOD_INSPECTED,
		 REPORT_NONE,
		 "",
		 "eth0 does not"},
		{{.is = {.nic = "eth0", .longest = {49999, 2, 0}}},
		 VERDICT_OK,
		 METHOD_DERIVED,
		 49,
		 "",
		 "gro_flush_timeout=49999"},
		{{.is = {.nic = "eth0", .longest = {50000, 2, 0}}},
		 VERDICT_TIGHT,
		 METHOD_DERIVED,
		 50,
		 "deferred",
		 "napi_defer_hard_irqs=2 of eth0"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		host = rows[i].host;
		observe();
		const struct wall *w = report_find(&report, WALL);
		if (w->verdict != rows[i].verdict || w->method != rows[i].method ||
		    w->limit != rows[i].limit || strcmp(problems(), rows[i].problems) != 0 ||
		    !strstr(w->detail, rows[i].detail))
			fail_msg("row %zu: %s, limit %lld, [%s] %s", i,
				 wall_verdict_name(w->verdict), (long long)w->limit, problems(),
				 w->detail);
	}
}

static void a_derived_deferral_is_not_tried(void **state)
{
	host = setting(200000, -1);
	observe();
	const struct finding *f = found(DEFERRED);
	assert_int_equal(f->level, LEVEL_WARNING);
	assert_int_equal(f->remedy, REMEDY_DEVICE);
	assert_int_equal(f->tried, TRIED_NOT);
	assert_string_equal(f->proposals[0].knob, "device.gro_flush_timeout@eth0");
	assert_string_equal(f->proposals[0].current, "200000");
	assert_string_equal(f->proposals[0].proposed, "0");
	assert_null(strchr(f->detail, '{'));
	assert_null(strstr(f->advice, "setting of its own"));
}

static void an_instance_is_named_by_its_queue(void **state)
{
	host = setting(200000, 3);
	observe();
	const struct finding *f = found(DEFERRED);
	assert_string_equal(f->proposals[0].knob, "device.gro_flush_timeout@eth0:rx-3");
	assert_non_null(strstr(f->advice, "setting of its own"));
}

/* The figures of each way, and the expected wall and findings. */
struct row {
	const char *what;
	uint64_t flush_ns;
	struct {
		double p50, worst, sparse_us; /* 0: not tried */
	} way[WAYS];                          /* WAY_PLAIN without: 60 us */
	enum wall_verdict verdict;
	int64_t measured;
	const char *problems;
	const char *usecs; /* proposed for EPIOCSPARAMS */
	double now;        /* the p50 that busy polling is compared with */
};

static const struct row rows[] = {
	{.what = "polling has no gain",
	 .way = {[WAY_POLL_SHORT] = {58, 0, 60}},
	 .verdict = VERDICT_OK,
	 .measured = 60,
	 .problems = ""},
	{.what = "the gain of polling is too small to report",
	 .way = {[WAY_POLL_SHORT] = {49, 0, 60}},
	 .verdict = VERDICT_OK,
	 .measured = 60,
	 .problems = ""},
	{.what = "a certain gain is preferred to a lower median with a bad round",
	 .way = {[WAY_POLL_SHORT] = {30, 0, 60}, [WAY_POLL_ONE] = {28, 90, 30}},
	 .verdict = VERDICT_OK,
	 .measured = 60,
	 .problems = "busy-poll",
	 .usecs = "50",
	 .now = 60},
	{.what = "the cheapest certain gain is proposed",
	 .way = {[WAY_POLL_SHORT] = {30, 0, 60},
		 [WAY_POLL_LONG] = {29, 0, 90},
		 [WAY_POLL_ONE] = {30, 0, 30}},
	 .verdict = VERDICT_OK,
	 .measured = 60,
	 .problems = "busy-poll",
	 .usecs = "20",
	 .now = 60},
	{.what = "a cheaper way that is much slower is not proposed",
	 .way = {[WAY_POLL_SHORT] = {30, 0, 60}, [WAY_POLL_ONE] = {45, 0, 30}},
	 .verdict = VERDICT_OK,
	 .measured = 60,
	 .problems = "busy-poll",
	 .usecs = "50",
	 .now = 60},
	{.what = "no gain is certain",
	 .way = {[WAY_POLL_SHORT] = {30, 90, 60}},
	 .verdict = VERDICT_OK,
	 .measured = 60,
	 .problems = "too-busy"},
	{.what = "deferral without polling is not proposed",
	 .way = {[WAY_DEFER] = {30, 0, 10}},
	 .verdict = VERDICT_OK,
	 .measured = 60,
	 .problems = ""},
	{.what = "the host's deferral does harm, and polling is compared with interrupts",
	 .flush_ns = 200000,
	 .way = {[WAY_HOST] = {240, 0, 20}, [WAY_POLL_SHORT] = {30, 0, 60}},
	 .verdict = VERDICT_TIGHT,
	 .measured = 240,
	 .problems = "deferred busy-poll",
	 .usecs = "50",
	 .now = 60},
	{.what = "a deferral that is too short to derive does harm",
	 .flush_ns = 30000,
	 .way = {[WAY_HOST] = {90, 0, 20}},
	 .verdict = VERDICT_TIGHT,
	 .measured = 90,
	 .problems = "deferred"},
	{.what = "polling is compared with a harmless deferral",
	 .flush_ns = 10000,
	 .way = {[WAY_HOST] = {62, 0, 20}, [WAY_POLL_SHORT] = {30, 0, 60}},
	 .verdict = VERDICT_OK,
	 .measured = 62,
	 .problems = "busy-poll",
	 .usecs = "50",
	 .now = 62},
	{.what = "a long deferral without harm removes the derived warning",
	 .flush_ns = 200000,
	 .way = {[WAY_HOST] = {62, 0, 20}},
	 .verdict = VERDICT_OK,
	 .measured = 62,
	 .problems = ""},
	{.what = "a busy machine does not hide a long deferral",
	 .flush_ns = 200000,
	 .way = {[WAY_HOST] = {61, 240, 20}},
	 .verdict = VERDICT_TIGHT,
	 .measured = 61,
	 .problems = "deferred"},
	{.what = "on a busy machine a short deferral makes no finding",
	 .flush_ns = 10000,
	 .way = {[WAY_HOST] = {61, 240, 20}},
	 .verdict = VERDICT_OK,
	 .measured = 61,
	 .problems = ""},
};

static void figures_judge_the_wall(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		fresh(state);
		host = setting(row->flush_ns, -1);
		for (size_t k = 0; k < WAYS; k++)
			if (row->way[k].p50 > 0)
				rounds((enum way_index)k, row->way[k].p50, row->way[k].worst,
				       row->way[k].sparse_us);
		observe();
		result_judge(&host, &result, &report);
		const struct wall *w = report_find(&report, WALL);
		const struct finding *f = found(WALL ".busy-poll");
		if (w->verdict != row->verdict || w->measured != row->measured ||
		    w->method != METHOD_MEASURED || w->experiment != EXPERIMENT_DONE ||
		    strcmp(problems(), row->problems) != 0)
			fail_msg("%s: %s, measured %lld, [%s]", row->what,
				 wall_verdict_name(w->verdict), (long long)w->measured, problems());
		if (row->usecs && (strcmp(f->proposals[0].proposed, row->usecs) != 0 ||
				   f->evidence[0].at_current != row->now))
			fail_msg("%s: %s proposed, instead of %g us", row->what,
				 f->proposals[0].proposed, f->evidence[0].at_current);
	}
}

static void harm_is_proven_by_both_figures(void **state)
{
	host = setting(200000, -1);
	rounds(WAY_HOST, 240, 0, 20);
	observe();
	result_judge(&host, &result, &report);
	const struct finding *f = found(DEFERRED);
	assert_int_equal(f->tried, TRIED_DONE);
	assert_string_equal(f->outcome,
			    "with both at 0 the request p50 is 60 us (rounds 58 to 62)");
	assert_int_equal((int)f->evidence[0].at_current, 240);
	assert_int_equal((int)f->evidence[0].at_proposed, 60);
	assert_non_null(strstr(f->detail, "as on eth0, the request p50 is 240 us"));
}

static void a_busy_machine_is_inconclusive(void **state)
{
	host = setting(200000, -1);
	rounds(WAY_HOST, 61, 240, 20);
	observe();
	result_judge(&host, &result, &report);
	const struct finding *f = found(DEFERRED);
	assert_int_equal(f->tried, TRIED_INCONCLUSIVE);
	assert_non_null(strstr(f->outcome, "too busy"));
	assert_int_equal(f->evidence_count, 0);
}

static void a_deferral_without_root_stays_derived(void **state)
{
	host = setting(200000, -1);
	result.defers = false;
	observe();
	result_judge(&host, &result, &report);
	const struct wall *w = report_find(&report, WALL);
	assert_int_equal(w->verdict, VERDICT_TIGHT);
	assert_int_equal(w->method, METHOD_DERIVED);
	assert_int_equal(w->experiment, EXPERIMENT_MISSED);
	assert_string_equal(w->reason, NO_DEFERRAL);
	assert_int_equal(w->measured, REPORT_NONE);
	assert_string_equal(problems(), "deferred untried");
	assert_int_equal(found(DEFERRED)->tried, TRIED_NOT);
	assert_string_equal(found(DEFERRED)->outcome, NO_DEFERRAL);
}

static void few_rounds_show_no_gain(void **state)
{
	rounds(WAY_POLL_SHORT, 30, 0, 60);
	result.way[WAY_POLL_SHORT].rounds = ROUNDS_MIN - 1;
	observe();
	result_judge(&host, &result, &report);
	assert_string_equal(problems(), "too-busy");
	assert_int_equal(report.findings[0].level, LEVEL_SKIPPED);
	assert_int_equal(report.findings[0].table.row_count, 2);
	assert_int_equal(report.findings[0].proposal_count, 0);
	assert_non_null(strstr(report.findings[0].detail, "2 rounds were measured: "));
	/* One round has no spread. */
	result.way[WAY_POLL_SHORT].rounds = 1;
	report_init(&report);
	observe();
	result_judge(&host, &result, &report);
	assert_string_equal(report.findings[0].title,
			    "Too few rounds were measured to show the gain of busy polling");
	assert_non_null(strstr(report.findings[0].detail, "One round was measured: "));
	assert_non_null(strstr(report.findings[0].detail, "and 30 us with "));
}

static void unreadable_interfaces_stay_unknown(void **state)
{
	host = (struct sample){.unreadable = true};
	observe();
	result_judge(&host, &result, &report);
	assert_int_equal(report_find(&report, WALL)->verdict, VERDICT_UNKNOWN);
}

static void the_note_names_settings_and_shows_all_ways(void **state)
{
	rounds(WAY_SUSPEND, 30, 0, 30);
	rounds(WAY_DEFER, 85, 0, 10);
	observe();
	result_judge(&host, &result, &report);
	const struct finding *f = found(WALL ".busy-poll");
	assert_int_equal(f->level, LEVEL_NOTE);
	assert_int_equal(f->remedy, REMEDY_APPLICATION);
	assert_non_null(strstr(f->title, "30 us instead of 60 us"));
	assert_non_null(strstr(f->detail, "60 us (rounds 58 to 62) with interrupts"));
	assert_non_null(strstr(f->detail, "busy_poll_usecs=200 busy_poll_budget=64 "
					  "prefer_busy_poll=1, and of the interface "
					  "gro_flush_timeout=200000"));
	assert_non_null(strstr(f->advice, "30 us of CPU a request instead of 20 us"));
	assert_int_equal(f->table.row_count, 3);
	assert_int_equal(f->table.column_count, 4);
	assert_string_equal(f->table.row[1].name, "gro_flush_timeout=20000");
	assert_int_equal((int)f->table.row[1].value[0], 85);
	assert_int_equal((int)f->table.row[2].value[3], 30);
}

static void net_core_busy_poll_names_the_plain_way(void **state)
{
	host.is.busy_poll_us = 50;
	observe();
	result_judge(&host, &result, &report);
	assert_non_null(strstr(report_find(&report, WALL)->detail, "with net.core.busy_poll=50"));
}

static void what_is_missing_is_one_finding(void **state)
{
	result.polls = result.defers = result.suspends = false;
	report_text(result.no_polling, "Epoll busy polling (EPIOCSPARAMS) needs Linux 6.9");
	observe();
	result_judge(&host, &result, &report);
	assert_string_equal(problems(), "untried");
	assert_string_equal(found(WALL ".untried")->detail,
			    "Epoll busy polling (EPIOCSPARAMS) needs Linux 6.9. Testing deferred "
			    "interrupts needs root in the initial user namespace. Suspended "
			    "interrupts (irq-suspend-timeout) need Linux 6.13.");
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(settings_judge_the_wall),
		TEST(a_derived_deferral_is_not_tried),
		TEST(an_instance_is_named_by_its_queue),
		TEST(figures_judge_the_wall),
		TEST(harm_is_proven_by_both_figures),
		TEST(a_busy_machine_is_inconclusive),
		TEST(a_deferral_without_root_stays_derived),
		TEST(few_rounds_show_no_gain),
		TEST(unreadable_interfaces_stay_unknown),
		TEST(the_note_names_settings_and_shows_all_ways),
		TEST(net_core_busy_poll_names_the_plain_way),
		TEST(what_is_missing_is_one_finding),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
