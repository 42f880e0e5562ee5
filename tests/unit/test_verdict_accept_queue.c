/* The verdicts and findings of the accept queue, by settings and outcome. */
#include "../support/support.h"
#include "../support/verdict.h"

#include <string.h>

struct row {
	uint64_t rate; /* the need is rate × a stall of 100 ms */
	const char *settings;
	int64_t reached; /* by an experiment; 0: none */
	bool limit_met;
	int64_t limit;
	enum wall_verdict verdict;
	const char *id, *proposals;
	enum finding_remedy remedy;
};

static const struct row rows[] = {
	{10000, "net.core.somaxconn=4096", 0, false, 4097, VERDICT_OK, "", "", REMEDY_NONE},
	/* 1 000 are needed: ok from 1 250 on. The queue holds one more than somaxconn. */
	{10000, "net.core.somaxconn=1249", 0, false, 1250, VERDICT_OK, "", "", REMEDY_NONE},
	{10000, "net.core.somaxconn=1248", 0, false, 1249, VERDICT_TIGHT, "accept-queue.tight",
	 "net.core.somaxconn 1248 -> 2048", REMEDY_KERNEL},
	{10000, "net.core.somaxconn=999", 0, false, 1000, VERDICT_TIGHT, "accept-queue.tight",
	 "net.core.somaxconn 999 -> 2048", REMEDY_KERNEL},
	{10000, "net.core.somaxconn=998", 0, false, 999, VERDICT_SHORT, "accept-queue.short",
	 "net.core.somaxconn 998 -> 2048", REMEDY_KERNEL},
	/* The application's backlog binds, and somaxconn suffices. */
	{10000, "net.core.somaxconn=4096; listen.backlog=128", 0, false, 129, VERDICT_SHORT,
	 "accept-queue.short", "listen.backlog 128 -> 2048", REMEDY_APPLICATION},
	/* Both are too small: the proposals begin with the one that binds. */
	{10000, "net.core.somaxconn=512; listen.backlog=128", 0, false, 129, VERDICT_SHORT,
	 "accept-queue.short", "listen.backlog 128 -> 2048, net.core.somaxconn 512 -> 2048",
	 REMEDY_APPLICATION},
	{10000, "net.core.somaxconn=128; listen.backlog=511", 0, false, 129, VERDICT_SHORT,
	 "accept-queue.short", "net.core.somaxconn 128 -> 2048, listen.backlog 511 -> 2048",
	 REMEDY_KERNEL},
	/* Unreadable. */
	{10000, "", 0, false, REPORT_NONE, VERDICT_UNKNOWN, "", "", REMEDY_NONE},
	/* An experiment that met the limit overrides the settings; another one does not. */
	{10000, "net.core.somaxconn=4096", 4097, true, 4097, VERDICT_OK, "", "", REMEDY_NONE},
	{10000, "net.core.somaxconn=4096", 1000, false, 4097, VERDICT_OK, "", "", REMEDY_NONE},
	{10000, "net.core.somaxconn=4096", 900, true, 4097, VERDICT_SHORT, "accept-queue.short", "",
	 REMEDY_APPLICATION},
};

static void each_row_gets_its_verdict(void **state)
{
	const struct experiment *x = verdict_experiment("accept-queue", "accept-queue");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		struct target t = target_default();
		t.rate_per_s = row->rate;
		struct settings s = verdict_settings(x, row->settings);
		struct outcome o = verdict_outcome(row->reached, row->limit_met);
		const struct report *r = verdict_of(x, &t, &s, row->reached ? &o : NULL);
		verdict_is(row->settings, r, row->limit, row->verdict, row->id, row->proposals,
			   row->remedy);
	}
}

/* BIND's queue of TCP is small, and its clients use UDP. */
static void datagrams_do_not_wait_for_accept(void **state)
{
	static const struct {
		const char *wall, *settings;
	} cases[] = {{"accept-queue", "net.core.somaxconn=4096; listen.backlog=10"},
		     {"syn-queue", "net.ipv4.tcp_syncookies=0; net.ipv4.tcp_max_syn_backlog=8; "
				   "net.core.somaxconn=4096; listen.backlog=10"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct experiment *x = verdict_experiment(cases[i].wall, cases[i].wall);
		struct target t = target_default();
		struct settings s = verdict_settings(x, cases[i].settings);
		assert_int_equal(verdict_of(x, &t, &s, NULL)->walls[0].verdict, VERDICT_SHORT);
		t.datagrams_only = true;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		findings_are(cases[i].wall, r, "");
		assert_int_equal(r->walls[0].verdict, VERDICT_OK);
		assert_int_equal(r->walls[0].needed, REPORT_NONE);
	}
}

static void a_need_beyond_any_knob_proposes_nothing(void **state)
{
	const struct experiment *x = verdict_experiment("accept-queue", "accept-queue");
	struct target t = target_default();
	t.rate_per_s = 100000000;
	t.stall_us = UINT64_C(3600000000);
	struct settings s = verdict_settings(x, "net.core.somaxconn=4096");
	const struct report *r = verdict_of(x, &t, &s, NULL);
	assert_int_equal(r->walls[0].verdict, VERDICT_SHORT);
	assert_string_equal(verdict_proposals(r), "");
	assert_int_equal(r->findings[0].remedy, REMEDY_APPLICATION);
	assert_non_null(strstr(r->findings[0].advice, "shorten the server's stalls"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_gets_its_verdict),
		cmocka_unit_test(a_need_beyond_any_knob_proposes_nothing),
		cmocka_unit_test(datagrams_do_not_wait_for_accept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
