/* The rate that ports in TIME_WAIT allow, and its remedies. */
#include "../support/port_verdicts.h"
#include "../support/support.h"
#include "../support/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "epolltune/port_settings.h"
#include "epolltune/ports.h"

#define FAR(held_all) "; destination=" held_all
#define NEAR(held_all) "; destination.loopback=" held_all
#define STAMPS(far_near) "; destination.timestamps=" far_near
#define REUSE(now) "net.ipv4.tcp_tw_reuse " now " -> 1"

static const struct rate_row {
	uint64_t connections, rate;
	const char *settings;
	int64_t limit;
	enum wall_verdict verdict;
	const char *proposals, *detail;
	int64_t opened; /* by an experiment that met EADDRNOTAVAIL; 0: none */
} rate_rows[] = {
	/* connections + rate x rest <= ports. */
	{300, 60, OF_500 KNOBS("2", "1", "1000"), 3, VERDICT_SHORT, REUSE("2"),
	 "Of 500 ports to one destination 300 are for open connections; a closed one keeps its "
	 "port for 60 s: 3.3/s (200/s over loopback).",
	 0},
	{300, 60, OF_500 KNOBS("2", "1", "1000"), 3, VERDICT_SHORT, REUSE("2"), "3.3/s", 3},
	{300, 60, OF_500 KNOBS("0", "1", "1000"), 3, VERDICT_SHORT, REUSE("0"), "60 s: 3.3/s.", 0},
	/* Where neither knob is known, only a wider range suffices for sure. */
	{300, 60, OF_500, 3, VERDICT_SHORT, WIDER("40000 40499", "40000 44863"), "3.3/s", 0},
	{200, 4, OF_500 KNOBS("2", "1", "1000"), 5, VERDICT_OK, "", "5/s", 0},
	{200, 5, OF_500 KNOBS("2", "1", "1000"), 5, VERDICT_TIGHT, REUSE("2"), "5/s", 0},
	{500, 1, OF_500 KNOBS("1", "1", "1000"), 0, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 40511"),
	 "for 1 s, if the destination has TCP timestamps: 0/s.", 0},
	{1000, 1, OF_500 KNOBS("1", "1", "1000"), 0, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 41023"), "0/s", 0},
	/* tcp_tw_reuse lets connect() take a port after 1 s, or what is set since 6.14. */
	{300, 160, OF_500 KNOBS("1", "1", "1000"), 200, VERDICT_OK, "",
	 "keeps its port for 1 s, if the destination has TCP timestamps: 200/s.", 0},
	{300, 161, OF_500 KNOBS("1", "1", "1000"), 200, VERDICT_TIGHT,
	 WIDER("40000 40499", "40000 40511"), "", 0},
	{300, 160, OF_500 KNOBS("1", "1", "4000"), 50, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 41151"), "for 4 s, if", 0},
	{300, 160, OF_500 "; net.ipv4.tcp_tw_reuse=1", REPORT_NONE, VERDICT_UNKNOWN, "",
	 "net.ipv4.tcp_timestamps could not be read", 0},
	/* That needs timestamps. */
	{300, 60, OF_500 KNOBS("1", "0", "1000"), 3, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 44863"), "60 s: 3.3/s.", 0},
	{300, 60, OF_500 KNOBS("0", "0", "1000"), 3, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 44863"), "", 0},
	{300, 2000, OF_500 KNOBS("1", "0", "1000"), 3, VERDICT_SHORT,
	 "net.ipv4.ip_local_port_range 40000 40499 -> 40000 42815, net.ipv4.tcp_timestamps 0 -> 1",
	 "", 0},
	{300, 100, RANGE "32768 60999" KNOBS("0", "1", "1000"), 465, VERDICT_OK, "", "465/s", 0},
	/* tcp_tw_reuse alone, otherwise a wider range, otherwise both. */
	{1000, 10, OF_500 KNOBS("2", "1", "1000"), 0, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 41791"), "", 0},
	{1000, 2000, OF_500 KNOBS("2", "1", "1000"), 0, VERDICT_SHORT,
	 REUSE("2") ", " WIDER("40000 40499", "40000 43583"), "", 0},
	{10000, 2000000, OF_500 KNOBS("2", "1", "1000"), 0, VERDICT_SHORT, "", "", 0},
	{300, INT64_MAX, OF_500 KNOBS("2", "1", "1000"), 3, VERDICT_SHORT, "", "", 0},
	{INT64_MAX, 1, OF_500 KNOBS("2", "1", "1000"), 0, VERDICT_SHORT, "", "", 0},
	/* Fewer buckets than ports: TIME_WAIT ends before they are used up. */
	{300, 60, OF_500 KNOBS("2", "1", "1000") "; " BUCKETS "199", REPORT_NONE, VERDICT_OK, "",
	 "net.ipv4.tcp_max_tw_buckets=199 ends TIME_WAIT before", 0},
	{300, 60, OF_500 KNOBS("2", "1", "1000") "; " BUCKETS "200", 3, VERDICT_SHORT, REUSE("2"),
	 "", 0},
	/* At both ends: the server's open connections show it, where they may have them. */
	{300, 160, OF_500 KNOBS("1", "1", "1000") FAR("0 0") STAMPS("1"), 200, VERDICT_OK, "",
	 "keeps its port for 1 s: 200/s.", 0},
	{300, 60, OF_500 KNOBS("1", "1", "1000") FAR("0 0") STAMPS("0"), 3, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 44863"),
	 "keeps its port for 60 s, as the open ones have no TCP timestamps: 3.3/s.", 0},
	{300, 60, OF_500 KNOBS("2", "1", "1000") FAR("0 0") STAMPS("0"), 3, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 44863"), "60 s, as the open", 0},
	{300, 60, OF_500 KNOBS("1", "1", "1000") NEAR("0 0") STAMPS("0"), 200, VERDICT_OK, "",
	 "keeps its port for 1 s: 200/s.", 0},
	{300, 60, OF_500 KNOBS("1", "1", "1000") NEAR("0 0") STAMPS("1 0"), 3, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 44863"), "60 s, as the open", 0},
	{300, 60, RANGE "32768 60999" KNOBS("1", "1", "1000") FAR("0 0") STAMPS("0"), 465,
	 VERDICT_OK, "", "465/s", 0},
	{300, 2000, OF_500 KNOBS("1", "1", "1000") FAR("0 0") STAMPS("0"), 3, VERDICT_SHORT, "", "",
	 0},
	/* bind() takes one range for all destinations, and none in TIME_WAIT. */
	/* By its ports it seems to: short is not certain. */
	{300, 100, OF_500 KNOBS("1", "1", "1000") FAR("0 0") NEAR("0 0 2"), 200, VERDICT_TIGHT,
	 WIDER("40000 40499", "40000 47935"), "60 s: 3.3/s", 0},
	{300, 2, OF_500 KNOBS("1", "1", "1000") FAR("0 0") NEAR("0 0 2"), 200, VERDICT_OK, "", "",
	 0},
	{300, 200, OF_500 KNOBS("1", "1", "1000") FAR("0 0") NEAR("0 0 1"), 3, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 55359"), "60 s: 3.3/s", 0},
	{300, 60, "net.ipv4.tcp_tw_reuse=1", REPORT_NONE, VERDICT_UNKNOWN, "", "", 0},
	/* What others have in use to the fullest destination is subtracted, what is in TIME_WAIT
	 * only where it stays. */
	{100, 1, OF_500 KNOBS("2", "1", "1000") FAR("200 260"), 2, VERDICT_OK, "",
	 "260 are in use and 100 are for open connections; a closed one keeps its port for 60 s: "
	 "2.3/s.",
	 0},
	{100, 1, OF_500 KNOBS("2", "1", "1000") FAR("200 260"), 2, VERDICT_OK, "", "2.3/s", 2},
	{100, 160, OF_500 KNOBS("1", "1", "1000") FAR("200 260"), 200, VERDICT_OK, "",
	 "200 are in use and", 0},
	{300, 1, OF_500 KNOBS("1", "1", "1000") FAR("300 300"), 0, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 40607"), "", 0},
	/* One over loopback has the rest of loopback. */
	{100, 200, OF_500 KNOBS("2", "1", "1000") NEAR("100 400"), 300, VERDICT_OK, "",
	 "100 are in use and 100 are for open connections; a closed one keeps its port for 1 s: "
	 "300/s.",
	 0},
	{100, 1, OF_500 KNOBS("0", "1", "1000") NEAR("100 400"), 0, VERDICT_SHORT, REUSE("0"), "",
	 0},
	/* What others seem to have bound is most likely not free for any destination. */
	{100, 3, OF_500 KNOBS("2", "1", "1000") OTHERS("100"), 6, VERDICT_OK, "",
	 "6.7/s (400/s over loopback).", 0},
	{100, 2, OF_500 KNOBS("2", "1", "1000") OTHERS("350"), 6, VERDICT_TIGHT,
	 WIDER("40000 40499", "40000 40639"),
	 "loopback). 350 of these ports seem to be bound by other "
	 "processes: what they leave is not enough.",
	 0},
	{100, 2, OF_500 KNOBS("2", "1", "1000") OTHERS("350"), 6, VERDICT_TIGHT,
	 WIDER("40000 40499", "40000 40639"), "seem to be bound", 6},
	{100, 160, OF_500 KNOBS("1", "1", "1000") OTHERS("300"), 400, VERDICT_TIGHT,
	 WIDER("40000 40499", "40000 40607"), "seem to be bound", 0},
	{100, 4, OF_500 KNOBS("2", "1", "1000") FAR("50 50") OTHERS("350"), 5, VERDICT_TIGHT,
	 WIDER("40000 40499", "40000 40767"), "50 are in use and", 0},
	/* No range has enough beside them. */
	{10000, 200, RANGE "10000 65535" KNOBS("2", "1", "1000") OTHERS("45000"), 758,
	 VERDICT_TIGHT, "", "seem to be bound", 0},
	{300, 60, OF_500 KNOBS("2", "1", "1000") OTHERS("100"), 3, VERDICT_SHORT, REUSE("2"),
	 "60 s: 3.3/s (200/s over loopback).", 0},
	/* The one that allows least binds. */
	{100, 6, OF_500 KNOBS("2", "1", "1000") FAR("0 0") NEAR("390 390"), 6, VERDICT_TIGHT,
	 REUSE("2"), "Of 500 ports", 0},
	{100, 4, OF_500 KNOBS("2", "1", "1000") FAR("0 0") NEAR("398 398"), 2, VERDICT_SHORT,
	 WIDER("40000 40499", "40000 40511"), "398 are in use", 0},
};

static void time_wait_allows_a_rate(void **state)
{
	const struct experiment *x = verdict_experiment("ports", RATE);
	for (size_t i = 0; i < sizeof(rate_rows) / sizeof(*rate_rows); i++) {
		const struct rate_row *row = &rate_rows[i];
		struct target t = proxy_target(row->connections, row->rate);
		struct settings s = verdict_settings(x, row->settings);
		s.text[PORT_OTHERS][0] = 0; /* no owner */
		struct outcome o = verdict_outcome(row->opened, true);
		const struct report *r = verdict_of(x, &t, &s, row->opened ? &o : NULL);
		const struct wall *w = &r->walls[0];
		const struct finding *f = r->finding_count ? &r->findings[0] : NULL;
		const char *id = w->verdict == VERDICT_SHORT   ? RATE ".short"
				 : w->verdict == VERDICT_TIGHT ? RATE ".tight"
							       : "";
		text_is_whole(w->detail);
		if (f) {
			text_is_whole(f->title);
			text_is_whole(f->detail);
			text_is_whole(f->advice);
		}
		if (w->limit != row->limit || w->verdict != row->verdict ||
		    w->method != (row->opened ? METHOD_MEASURED : METHOD_INSPECTED) ||
		    !strstr(w->detail, row->detail) || strcmp(f ? f->id : "", id) != 0 ||
		    strcmp(verdict_proposals(r), row->proposals) != 0)
			fail_msg("row %zu: limit %lld, %s, %s [%s]: %s", i, (long long)w->limit,
				 wall_verdict_name(w->verdict), f ? f->id : "",
				 verdict_proposals(r), w->detail);
	}
}

static void the_finding_names_rate_and_remedies(void **state)
{
	const struct experiment *x = verdict_experiment("ports", RATE);
	struct target t = proxy_target(300, 60);
	struct settings s = verdict_settings(x, OF_500 KNOBS("2", "1", "1000") LISTENERS "40600");
	const struct report *r = verdict_of(x, &t, &s, NULL);
	const struct finding *f = r->findings;
	assert_int_equal(f->level, LEVEL_CRITICAL);
	assert_int_equal(f->remedy, REMEDY_KERNEL);
	assert_string_equal(f->title, "TIME_WAIT allows 3.3 new connections/s from one address to "
				      "one destination; 60/s are needed");
	assert_non_null(strstr(f->detail, "for 60 s (tcp_tw_reuse=2). 300 of 500 ports"));
	assert_non_null(strstr(f->advice, "A peer without usable timestamps"));
	assert_non_null(strstr(f->advice, "use 12 source addresses or destinations"));
	/* No range is proposed: it takes in no listener. */
	assert_null(strstr(f->advice, "ip_local_reserved_ports"));
	s = verdict_settings(x, OF_500 KNOBS("1", "0", "1000") LISTENERS "40600");
	r = verdict_of(x, &t, &s, NULL);
	assert_non_null(strstr(r->findings[0].detail, "without effect as tcp_timestamps is off"));
	assert_non_null(strstr(r->findings[0].advice,
			       "net.ipv4.ip_local_reserved_ports keeps 40600 for listeners"));
	assert_string_equal(verdict_proposals(r),
			    WIDER("40000 40499", "40000 44863") KEEPS("", "40600"));
}

/* HAProxy without --role keeps connections to its servers: nothing shows that each client needs one
 * of its own. */
static void an_assumed_proxy_is_tight_at_worst(void **state)
{
	const struct experiment *x = verdict_experiment("ports", RATE);
	struct target t = proxy_target(300, 60);
	struct settings s = verdict_settings(x, OF_500 KNOBS("2", "1", "1000"));
	t.role_assumed = true;
	const struct report *r = verdict_of(x, &t, &s, NULL);
	assert_int_equal(r->walls[0].verdict, VERDICT_TIGHT);
	assert_int_equal(r->findings[0].level, LEVEL_WARNING);
}

/* The note about buckets, by the observation of a captured machine. */
static size_t notes_with(const char *buckets, enum target_role role, struct report *r)
{
	const struct probe *p = probe_find("ports");
	struct target t = proxy_target(300, 60);
	struct probe_options options = {0};
	struct moment m = {.target = &t, .options = &options};
	struct output made =
		run("d=$(mktemp -d) && mkdir -p $d/proc/sys/net/ipv4 && cd $d/proc/sys/net/ipv4 && "
		    "echo 40000 40499 >ip_local_port_range && echo >ip_local_reserved_ports && "
		    "echo %s >tcp_max_tw_buckets && "
		    "printf $d",
		    buckets);
	struct host *h;
	struct err e = {0};
	struct sample *s = calloc(1, p->observation->size);
	t.role = role;
	assert_non_null(s);
	assert_int_equal(host_open(&h, made.out, &e), 0);
	assert_int_equal(p->observation->sample(h, &options, s, &e), 0);
	report_init(r);
	p->observation->judge(s, s, &m, r);
	p->observation->release(s);
	free(s);
	host_close(h);
	struct output removed = run("rm -r %s", made.out);
	output_free(&removed);
	output_free(&made);
	return r->finding_count;
}

static void buckets_that_end_time_wait_early_are_a_note(void **state)
{
	static struct report r;
	assert_int_equal(notes_with("500", TARGET_PROXY, &r), 0);
	assert_int_equal(notes_with("499", TARGET_SERVER, &r), 0);
	assert_int_equal(notes_with("499", TARGET_PROXY, &r), 1);
	findings_are("499 buckets", &r, "time-wait.early note");
	assert_int_equal(r.findings[0].proposal_count, 0);
	assert_int_equal(report_exit_status(&r), 0);
}

static void the_note_on_connect_rates_warns_of_nothing(void **state)
{
	static struct report r;
	const struct experiment *x = verdict_experiment("ports", RATE);
	struct target t = proxy_target(10, 500);
	struct wording w = {0};
	struct settings s = verdict_settings(x, RANGE "40000 40959" KNOBS("2", "1", "1000"));
	report_init(&r);
	x->words(&t, &s, NULL, NULL, &w);
	const struct finding *f = report_finding(&r, "ports.connect-rate", &w);
	assert_string_equal(f->title, "Connect rates, by the side that closes first");
	assert_non_null(strstr(f->detail, "can open 16 connections/s from one address to one "
					  "destination, 960/s over loopback."));
	assert_string_equal(f->advice, "");
	assert_true(f->quiet);
	f = report_finding(&r, "ports.connect-rate", NULL);
	assert_string_equal(f->detail, "");
}

/* Without timestamps, tcp_tw_reuse has no effect; where they are not known, the rate is not. */
static void unknown_timestamps_are_not_on(void **state)
{
	static const struct {
		const char *settings;
		uint64_t rate;
		enum wall_verdict verdict;
	} cases[] = {
		{OF_500 "; net.ipv4.tcp_tw_reuse=1; net.ipv4.tcp_timestamps=1", 100, VERDICT_OK},
		{OF_500 "; net.ipv4.tcp_tw_reuse=1", 100, VERDICT_UNKNOWN},
		{OF_500 "; net.ipv4.tcp_tw_reuse=1", 1000, VERDICT_SHORT},
		{OF_500 "; net.ipv4.tcp_tw_reuse=2", 2, VERDICT_OK},
		{OF_500 "; net.ipv4.tcp_tw_reuse=2", 100, VERDICT_SHORT},
	};
	const struct experiment *x = verdict_experiment("ports", RATE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct settings s = verdict_settings(x, cases[i].settings);
		const struct target t = proxy_target(300, cases[i].rate);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		if (r->walls[0].verdict != cases[i].verdict)
			fail_msg("case %zu: %s, %lld", i, wall_verdict_name(r->walls[0].verdict),
				 (long long)r->walls[0].limit);
	}
	assert_true(ports_reused(1, 1, false) && ports_reused(2, 1, true));
	assert_false(ports_reused(2, 1, false) || ports_reused(1, 0, true) ||
		     ports_reused(1, REPORT_NONE, true) || ports_reused(REPORT_NONE, 1, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_wait_allows_a_rate),
		cmocka_unit_test(the_finding_names_rate_and_remedies),
		cmocka_unit_test(an_assumed_proxy_is_tight_at_worst),
		cmocka_unit_test(buckets_that_end_time_wait_early_are_a_note),
		cmocka_unit_test(the_note_on_connect_rates_warns_of_nothing),
		cmocka_unit_test(unknown_timestamps_are_not_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
