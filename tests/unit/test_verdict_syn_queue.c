/* The verdicts and findings of the SYN queue, by settings and outcome. */
#include "../support/support.h"
#include "../support/verdict.h"
#include "epolltune/syn_queue.h"
#include "judge/verdict.h"

#include <string.h>

#define COOKIES "net.ipv4.tcp_syncookies=1; net.ipv4.tcp_max_syn_backlog=8; "
#define DROPS "net.ipv4.tcp_syncookies=0; "
#define SOMAXCONN_KNOB "net.core.somaxconn"
#define MAX_SYN "net.ipv4.tcp_max_syn_backlog"

struct row {
	uint64_t rate; /* the need is rate × a round trip of 50 ms */
	const char *settings;
	int64_t reached; /* by an experiment; 0: none */
	bool limit_met;
	int64_t limit;
	enum wall_verdict verdict;
	const char *knob, *id, *proposals;
	enum finding_remedy remedy;
};

static const struct row rows[] = {
	/* With cookies only the backlog binds, and the queue holds one more. 500 are needed: ok
	 * from 625 on, and never short, as a cookie loses no client. */
	{10000, COOKIES SOMAXCONN_KNOB "=4096", 0, false, 4097, VERDICT_OK, SOMAXCONN_KNOB, "", "",
	 REMEDY_NONE},
	{10000, COOKIES SOMAXCONN_KNOB "=624", 0, false, 625, VERDICT_OK, SOMAXCONN_KNOB, "", "",
	 REMEDY_NONE},
	{10000, COOKIES SOMAXCONN_KNOB "=623", 0, false, 624, VERDICT_TIGHT, SOMAXCONN_KNOB,
	 "syn-queue.tight", SOMAXCONN_KNOB " 623 -> 1024", REMEDY_KERNEL},
	{10000, COOKIES SOMAXCONN_KNOB "=499", 0, false, 500, VERDICT_TIGHT, SOMAXCONN_KNOB,
	 "syn-queue.tight", SOMAXCONN_KNOB " 499 -> 1024", REMEDY_KERNEL},
	{10000, COOKIES SOMAXCONN_KNOB "=498", 0, false, 499, VERDICT_TIGHT, SOMAXCONN_KNOB,
	 "syn-queue.tight", SOMAXCONN_KNOB " 498 -> 1024", REMEDY_KERNEL},
	{20, COOKIES SOMAXCONN_KNOB "=0", 0, false, 1, VERDICT_TIGHT, SOMAXCONN_KNOB,
	 "syn-queue.tight", SOMAXCONN_KNOB " 0 -> 128", REMEDY_KERNEL},
	/* The application's backlog binds. */
	{10000, COOKIES SOMAXCONN_KNOB "=4096; listen.backlog=20", 0, false, 21, VERDICT_TIGHT,
	 "listen.backlog", "syn-queue.tight", "listen.backlog 20 -> 2048", REMEDY_APPLICATION},
	{10000, COOKIES SOMAXCONN_KNOB "=4096; listen.backlog=511", 0, false, 512, VERDICT_TIGHT,
	 "listen.backlog", "syn-queue.tight", "listen.backlog 511 -> 2048", REMEDY_APPLICATION},
	{10000, COOKIES SOMAXCONN_KNOB "=128; listen.backlog=4096", 0, false, 129, VERDICT_TIGHT,
	 SOMAXCONN_KNOB, "syn-queue.tight", SOMAXCONN_KNOB " 128 -> 1024", REMEDY_KERNEL},
	/* Without cookies the queue holds three quarters of tcp_max_syn_backlog, and one. */
	{10000, DROPS SOMAXCONN_KNOB "=4096; " MAX_SYN "=100", 0, false, 76, VERDICT_SHORT, MAX_SYN,
	 "syn-queue.short", MAX_SYN " 100 -> 1024", REMEDY_KERNEL},
	{4000, DROPS SOMAXCONN_KNOB "=4096; " MAX_SYN "=16", 0, false, 13, VERDICT_SHORT, MAX_SYN,
	 "syn-queue.short", MAX_SYN " 16 -> 512", REMEDY_KERNEL},
	{10000, DROPS SOMAXCONN_KNOB "=4096; " MAX_SYN "=832", 0, false, 625, VERDICT_OK, MAX_SYN,
	 "", "", REMEDY_NONE},
	{10000, DROPS SOMAXCONN_KNOB "=4096; " MAX_SYN "=831", 0, false, 625, VERDICT_OK, MAX_SYN,
	 "", "", REMEDY_NONE},
	{10000, DROPS SOMAXCONN_KNOB "=4096; " MAX_SYN "=830", 0, false, 624, VERDICT_TIGHT,
	 MAX_SYN, "syn-queue.tight", MAX_SYN " 830 -> 1024", REMEDY_KERNEL},
	/* 512 holds 385 and 1024 holds 769. */
	{6160, DROPS SOMAXCONN_KNOB "=4096; " MAX_SYN "=64", 0, false, 49, VERDICT_SHORT, MAX_SYN,
	 "syn-queue.short", MAX_SYN " 64 -> 512", REMEDY_KERNEL},
	{6180, DROPS SOMAXCONN_KNOB "=4096; " MAX_SYN "=64", 0, false, 49, VERDICT_SHORT, MAX_SYN,
	 "syn-queue.short", MAX_SYN " 64 -> 1024", REMEDY_KERNEL},
	{10000, DROPS SOMAXCONN_KNOB "=128; " MAX_SYN "=4096", 0, false, 129, VERDICT_SHORT,
	 SOMAXCONN_KNOB, "syn-queue.short", SOMAXCONN_KNOB " 128 -> 1024", REMEDY_KERNEL},
	/* All are too small: the proposals begin with the one that binds. */
	{10000, DROPS SOMAXCONN_KNOB "=100; listen.backlog=10; " MAX_SYN "=64", 0, false, 11,
	 VERDICT_SHORT, "listen.backlog", "syn-queue.short",
	 "listen.backlog 10 -> 2048, " SOMAXCONN_KNOB " 100 -> 2048, " MAX_SYN " 64 -> 1024",
	 REMEDY_APPLICATION},
	{10000, DROPS SOMAXCONN_KNOB "=100; " MAX_SYN "=64", 0, false, 49, VERDICT_SHORT, MAX_SYN,
	 "syn-queue.short", MAX_SYN " 64 -> 1024, " SOMAXCONN_KNOB " 100 -> 1024", REMEDY_KERNEL},
	/* With cookies for all SYNs there is no queue. */
	{10000, "net.ipv4.tcp_syncookies=2; " SOMAXCONN_KNOB "=16", 0, false, REPORT_NONE,
	 VERDICT_OK, "net.ipv4.tcp_syncookies", "", "", REMEDY_NONE},
	{10000, "net.ipv4.tcp_syncookies=2", 0, false, REPORT_NONE, VERDICT_OK,
	 "net.ipv4.tcp_syncookies", "", "", REMEDY_NONE},
	/* Not readable; a kernel without the knob is judged as with cookies. */
	{10000, COOKIES, 0, false, REPORT_NONE, VERDICT_UNKNOWN, SOMAXCONN_KNOB, "", "",
	 REMEDY_NONE},
	{10000, SOMAXCONN_KNOB "=16", 0, false, 17, VERDICT_SHORT, SOMAXCONN_KNOB,
	 "syn-queue.short", SOMAXCONN_KNOB " 16 -> 1024", REMEDY_KERNEL},
	{10000, DROPS SOMAXCONN_KNOB "=4096", 0, false, REPORT_NONE, VERDICT_UNKNOWN,
	 SOMAXCONN_KNOB, "", "", REMEDY_NONE},
	{10000, SOMAXCONN_KNOB "=4096", 0, false, 4097, VERDICT_OK, SOMAXCONN_KNOB, "", "",
	 REMEDY_NONE},
	/* An experiment that met the limit overrides the settings; another one does not. */
	{10000, COOKIES SOMAXCONN_KNOB "=700", 701, true, 701, VERDICT_OK, SOMAXCONN_KNOB, "", "",
	 REMEDY_NONE},
	{10000, COOKIES SOMAXCONN_KNOB "=4096", 625, false, 4097, VERDICT_OK, SOMAXCONN_KNOB, "",
	 "", REMEDY_NONE},
	{10000, COOKIES SOMAXCONN_KNOB "=16", 16, true, 17, VERDICT_TIGHT, SOMAXCONN_KNOB,
	 "syn-queue.tight", SOMAXCONN_KNOB " 16 -> 1024", REMEDY_KERNEL},
	{10000, COOKIES SOMAXCONN_KNOB "=4096", 400, true, 4097, VERDICT_TIGHT, SOMAXCONN_KNOB,
	 "syn-queue.tight", "", REMEDY_APPLICATION},
};

static const struct experiment *experiment(void)
{
	return verdict_experiment("syn-queue", "syn-queue");
}

static struct target target_at(uint64_t rate)
{
	struct target t = target_default();
	t.rate_per_s = rate;
	return t;
}

static void each_row_gets_its_verdict(void **state)
{
	const struct experiment *x = experiment();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		struct target t = target_at(row->rate);
		struct settings s = verdict_settings(x, row->settings);
		struct outcome o = verdict_outcome(row->reached, row->limit_met);
		const struct report *r = verdict_of(x, &t, &s, row->reached ? &o : NULL);
		verdict_is(row->settings, r, row->limit, row->verdict, row->id, row->proposals,
			   row->remedy);
		assert_string_equal(r->walls[0].knob, row->knob);
	}
}

/* The kernel keeps what is below zero, and then admits nothing. */
static void a_negative_bound_admits_none(void **state)
{
	assert_int_equal(syn_queue_room(4096, -5, 0, KERNEL(6, 1)).holds, 0);
	assert_int_equal(syn_queue_room(4096, INT32_MIN, 0, KERNEL(6, 18)).holds, 0);
	assert_int_equal(syn_queue_room(4096, 0, 0, KERNEL(6, 1)).holds, 1);
}

static void an_older_kernel_holds_one_less(void **state)
{
	static const struct {
		unsigned kernel;
		const char *settings;
		int64_t limit;
		const char *proposals;
	} olders[] = {
		{KERNEL(6, 13), COOKIES SOMAXCONN_KNOB "=4096", 4096, ""},
		{KERNEL(5, 10), COOKIES SOMAXCONN_KNOB "=37", 37, SOMAXCONN_KNOB " 37 -> 1024"},
		{KERNEL(6, 13), COOKIES SOMAXCONN_KNOB "=624", 624, SOMAXCONN_KNOB " 624 -> 1024"},
		{KERNEL(6, 14), COOKIES SOMAXCONN_KNOB "=624", 625, ""},
		/* This bound is the same. */
		{KERNEL(5, 10), DROPS SOMAXCONN_KNOB "=4096; " MAX_SYN "=832", 625, ""},
	};
	const struct experiment *x = experiment();
	struct target t = target_at(10000);
	for (size_t i = 0; i < sizeof(olders) / sizeof(*olders); i++) {
		struct settings s = verdict_settings(x, olders[i].settings);
		s.machine.kernel = olders[i].kernel;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		assert_int_equal(r->walls[0].limit, olders[i].limit);
		assert_string_equal(verdict_proposals(r), olders[i].proposals);
	}
}

static void a_wall_without_a_queue_has_no_need(void **state)
{
	const struct experiment *x = experiment();
	struct target t = target_at(10000);
	struct settings s = verdict_settings(x, "net.ipv4.tcp_syncookies=2; " SOMAXCONN_KNOB "=16");
	const struct wall *w = &verdict_of(x, &t, &s, NULL)->walls[0];
	assert_int_equal(w->needed, REPORT_NONE);
	assert_string_equal(w->detail, "tcp_syncookies=2 answers every SYN with a cookie: nothing "
				       "waits in the queue.");
}

static void the_wall_names_its_bound(void **state)
{
	const struct experiment *x = experiment();
	struct target t = target_at(10000);
	struct settings s = verdict_settings(x, COOKIES SOMAXCONN_KNOB "=4096; listen.backlog=511");
	assert_string_equal(verdict_of(x, &t, &s, NULL)->walls[0].detail,
			    "The listener's backlog (511) is the bound; the kernel answers SYNs "
			    "beyond it with cookies. tcp_max_syn_backlog has no effect while "
			    "tcp_syncookies is on.");
	s = verdict_settings(x, DROPS SOMAXCONN_KNOB "=4096; " MAX_SYN "=100");
	assert_string_equal(verdict_of(x, &t, &s, NULL)->walls[0].detail,
			    "Without tcp_syncookies the listener's backlog (4096) and three "
			    "quarters of tcp_max_syn_backlog (100) are the bounds.");
	s = verdict_settings(x, DROPS SOMAXCONN_KNOB "=4096");
	assert_string_equal(verdict_of(x, &t, &s, NULL)->walls[0].detail,
			    MAX_SYN " could not be read.");
}

static struct outcome full(int64_t reached, const char *metric, double value)
{
	const struct experiment *x = experiment();
	struct outcome o = verdict_outcome(reached, true);
	for (size_t i = 0; x->metrics[i].name; i++)
		if (!strcmp(x->metrics[i].name, "half open"))
			o.metric[i] = (double)reached;
		else if (!strcmp(x->metrics[i].name, metric))
			o.metric[i] = value;
	return o;
}

static void the_finding_says_what_happened_beyond_the_queue(void **state)
{
	const struct experiment *x = experiment();
	struct target t = target_at(10000);
	struct settings s = verdict_settings(x, COOKIES SOMAXCONN_KNOB "=16");
	const struct finding *f = &verdict_of(x, &t, &s, NULL)->findings[0];
	assert_non_null(strstr(f->detail, "500 handshakes are half open at a time; the queue holds "
					  "17."));
	assert_non_null(strstr(f->advice, "tcp_max_syn_backlog has no effect"));
	assert_string_equal(f->title,
			    "The SYN queue is too short for 10 000/s over a round trip of 50 ms");
	assert_int_equal(f->level, LEVEL_WARNING);
	s = verdict_settings(x, COOKIES "net.ipv4.tcp_timestamps=0; " SOMAXCONN_KNOB "=16");
	f = &verdict_of(x, &t, &s, NULL)->findings[0];
	assert_non_null(strstr(f->detail, "as net.ipv4.tcp_timestamps is 0, window scaling"));
	s = verdict_settings(x, COOKIES SOMAXCONN_KNOB "=16");
	struct outcome o = full(17, "TCPReqQFullDoCookies", 608);
	f = &verdict_of(x, &t, &s, &o)->findings[0];
	assert_non_null(strstr(f->detail, "the queue held 17, and the kernel answered 608 SYNs "
					  "with a cookie. The kernel answers those beyond "
					  "with a cookie: it drops no SYN"));
	s = verdict_settings(x, DROPS SOMAXCONN_KNOB "=4096; " MAX_SYN "=16");
	o = full(13, "ListenDrops", 612);
	f = &verdict_of(x, &t, &s, &o)->findings[0];
	assert_non_null(strstr(f->detail, "the queue held 13, and the kernel dropped 612 SYNs. "));
	/* Filled exactly: none went beyond. */
	o = full(13, "", 0);
	f = &verdict_of(x, &t, &s, &o)->findings[0];
	assert_non_null(strstr(f->detail, "the queue held 13. The kernel drops those beyond"));
	assert_non_null(strstr(f->advice, "tcp_syncookies=1 would answer with cookies"));
}

static void the_advice_names_the_effect_of_each_knob(void **state)
{
	const struct experiment *x = experiment();
	struct target t = target_at(10000);
	struct settings s = verdict_settings(x, DROPS SOMAXCONN_KNOB "=100; " MAX_SYN "=64");
	const struct finding *f = &verdict_of(x, &t, &s, NULL)->findings[0];
	assert_non_null(strstr(f->advice, "Takes effect from the next packet on. " SOMAXCONN_KNOB
					  " takes effect at the next listen()"));
}

static void a_need_beyond_any_knob_proposes_nothing(void **state)
{
	const struct experiment *x = experiment();
	struct target t = target_at(100000000);
	t.rtt_us = UINT64_C(3600000000);
	struct settings s = verdict_settings(x, COOKIES SOMAXCONN_KNOB "=4096");
	const struct report *r = verdict_of(x, &t, &s, NULL);
	assert_int_equal(r->walls[0].verdict, VERDICT_TIGHT);
	assert_string_equal(verdict_proposals(r), "");
	assert_int_equal(r->findings[0].remedy, REMEDY_APPLICATION);
	assert_non_null(strstr(r->findings[0].advice, "SO_REUSEPORT"));
}

static void the_experiment_fills_a_queue_that_is_small_enough(void **state)
{
	static const struct {
		uint64_t rate;
		const char *settings;
		uint64_t clients;
	} costs[] = {
		{10000, COOKIES SOMAXCONN_KNOB "=16", 625},
		{10000, COOKIES SOMAXCONN_KNOB "=700", 701 + 43 + 64},
		{10000, COOKIES SOMAXCONN_KNOB "=1116", 1117 + 69 + 64},
		{10000, COOKIES SOMAXCONN_KNOB "=1117", 625},
		{10000, COOKIES SOMAXCONN_KNOB "=4096", 625},
		{200000, COOKIES SOMAXCONN_KNOB "=16384", 12500},
		{400000, COOKIES SOMAXCONN_KNOB "=16384", 25000},
		{10000, "net.ipv4.tcp_syncookies=2", 625},
	};
	const struct experiment *x = experiment();
	for (size_t i = 0; i < sizeof(costs) / sizeof(*costs); i++) {
		struct target t = target_at(costs[i].rate);
		struct settings s = verdict_settings(x, costs[i].settings);
		const struct bound b = bound_of(x, &t, &s);
		struct cost c = x->cost(&t, &s, &b);
		if (c.clients != costs[i].clients || c.clients_max != 16384)
			fail_msg("row %zu: %llu of %llu clients", i, (unsigned long long)c.clients,
				 (unsigned long long)c.clients_max);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_gets_its_verdict),
		cmocka_unit_test(a_negative_bound_admits_none),
		cmocka_unit_test(an_older_kernel_holds_one_less),
		cmocka_unit_test(a_wall_without_a_queue_has_no_need),
		cmocka_unit_test(the_wall_names_its_bound),
		cmocka_unit_test(the_finding_says_what_happened_beyond_the_queue),
		cmocka_unit_test(the_advice_names_the_effect_of_each_knob),
		cmocka_unit_test(a_need_beyond_any_knob_proposes_nothing),
		cmocka_unit_test(the_experiment_fills_a_queue_that_is_small_enough),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
