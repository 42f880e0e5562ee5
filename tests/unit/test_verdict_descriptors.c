/* The verdicts and findings of descriptors, watches and connection memory, by settings and outcome.
 */
#include "../support/support.h"
#include "../support/verdict.h"

#include <stdio.h>
#include <string.h>

#define NOFILE "RLIMIT_NOFILE="
#define NOFILE_PROPOSED(current) "RLIMIT_NOFILE " current " -> 16384"

struct row {
	uint64_t connections;
	const char *settings;
	uint64_t held;   /* measured; 0: assumed */
	int64_t reached; /* by an experiment that met the limit; 0: none */
	int64_t limit;
	enum wall_verdict verdict;
	const char *id, *proposals;
	enum finding_remedy remedy;
};

static const struct row process_rows[] = {
	{10000, NOFILE "20000 20000", 0, 0, 19995, VERDICT_OK, "", "", REMEDY_NONE},
	/* Ok from 12 500 connections on, and 5 descriptors of the server. */
	{10000, NOFILE "12505 12505", 0, 0, 12500, VERDICT_OK, "", "", REMEDY_NONE},
	{10000, NOFILE "12504 12504", 0, 0, 12499, VERDICT_TIGHT, "descriptors.process.tight",
	 NOFILE_PROPOSED("12504"), REMEDY_PROCESS},
	{10000, NOFILE "10005 10005", 0, 0, 10000, VERDICT_TIGHT, "descriptors.process.tight",
	 NOFILE_PROPOSED("10005"), REMEDY_PROCESS},
	{10000, NOFILE "10004 10004", 0, 0, 9999, VERDICT_SHORT, "descriptors.process.short",
	 NOFILE_PROPOSED("10004"), REMEDY_PROCESS},
	{10000, NOFILE "3 3", 0, 0, 0, VERDICT_SHORT, "descriptors.process.short",
	 NOFILE_PROPOSED("3"), REMEDY_PROCESS},
	/* Only the soft limit is raised, at most to the hard one. */
	{10000, NOFILE "1024 524288", 0, 0, 524283, VERDICT_TIGHT, "descriptors.process.soft-limit",
	 NOFILE_PROPOSED("1024"), REMEDY_PROCESS},
	{10000, NOFILE "1024 13000", 0, 0, 12995, VERDICT_TIGHT, "descriptors.process.soft-limit",
	 "RLIMIT_NOFILE 1024 -> 13000", REMEDY_PROCESS},
	/* A soft limit that covers the need is ok, also without a margin. */
	{10000, NOFILE "10005 20000", 0, 0, 19995, VERDICT_OK, "", "", REMEDY_NONE},
	/* The hard limit is tight and the soft one too low: the hard one is raised. */
	{10000, NOFILE "1024 11000", 0, 0, 10995, VERDICT_TIGHT, "descriptors.process.tight",
	 NOFILE_PROPOSED("11000"), REMEDY_PROCESS},
	/* The need exceeds the maximum of the limit. */
	{3000000000, NOFILE "1024 2147483584", 0, 0, 2147483579, VERDICT_SHORT,
	 "descriptors.process.short", "", REMEDY_PROCESS},
	/* fs.nr_open was lowered below the limit: it binds, and limits above it help nothing. */
	{1100000, NOFILE "1073741816 1073741816; fs.nr_open=1048576", 0, 0, 1048571, VERDICT_SHORT,
	 "descriptors.process.short", "fs.nr_open 1048576 -> 2097152", REMEDY_KERNEL},
	{1000000, NOFILE "1073741816 1073741816; fs.nr_open=1048576", 0, 0, 1048571, VERDICT_TIGHT,
	 "descriptors.process.tight", "fs.nr_open 1048576 -> 2097152", REMEDY_KERNEL},
	{10000, NOFILE "1073741816 1073741816; fs.nr_open=1048576", 0, 0, 1048571, VERDICT_OK, "",
	 "", REMEDY_NONE},
	{10000, NOFILE "12000 12000; fs.nr_open=10000", 0, 0, 9995, VERDICT_SHORT,
	 "descriptors.process.short", "fs.nr_open 10000 -> 16384, RLIMIT_NOFILE 12000 -> 16384",
	 REMEDY_KERNEL},
	{10000, "", 0, 0, REPORT_NONE, VERDICT_UNKNOWN, "", "", REMEDY_NONE},
	/* An experiment counts the server's own descriptors and the connections reached. */
	{10000, NOFILE "12506 12506", 6, 12500, 12500, VERDICT_OK, "", "", REMEDY_NONE},
	{10000, NOFILE "12505 12505", 6, 12499, 12499, VERDICT_TIGHT, "descriptors.process.tight",
	 NOFILE_PROPOSED("12505"), REMEDY_PROCESS},
	{10000, NOFILE "333 333", 6, 327, 327, VERDICT_SHORT, "descriptors.process.short",
	 NOFILE_PROPOSED("333"), REMEDY_PROCESS},
	{10000, NOFILE "333 20000", 6, 19994, 19994, VERDICT_TIGHT,
	 "descriptors.process.soft-limit", NOFILE_PROPOSED("333"), REMEDY_PROCESS},
	{0},
};

static const struct row system_rows[] = {
	{10000, "fs.file-max=100000; fs.file-nr=1120", 0, 0, 98880, VERDICT_OK, "", "",
	 REMEDY_NONE},
	{10000, "fs.file-max=13499; fs.file-nr=1000", 0, 0, 12499, VERDICT_TIGHT,
	 "descriptors.system.tight", "fs.file-max 13499 -> 16384", REMEDY_KERNEL},
	{10000, "fs.file-max=10999; fs.file-nr=1000", 0, 0, 9999, VERDICT_SHORT,
	 "descriptors.system.short", "fs.file-max 10999 -> 16384", REMEDY_KERNEL},
	/* The proposal is the need and what is in use. */
	{10000, "fs.file-max=20000; fs.file-nr=12000", 0, 0, 8000, VERDICT_SHORT,
	 "descriptors.system.short", "fs.file-max 20000 -> 32768", REMEDY_KERNEL},
	{10000, "fs.file-max=1000; fs.file-nr=1200", 0, 0, 0, VERDICT_SHORT,
	 "descriptors.system.short", "fs.file-max 1000 -> 16384", REMEDY_KERNEL},
	{10000, "", 0, 0, REPORT_NONE, VERDICT_UNKNOWN, "", "", REMEDY_NONE},
	{0},
};

static const struct row watches_rows[] = {
	{10000, "fs.epoll.max_user_watches=12500", 0, 0, 12500, VERDICT_OK, "", "", REMEDY_NONE},
	{10000, "fs.epoll.max_user_watches=12499", 0, 0, 12499, VERDICT_TIGHT,
	 "epoll.watches.tight", "fs.epoll.max_user_watches 12499 -> 16384", REMEDY_KERNEL},
	{10000, "fs.epoll.max_user_watches=9999", 0, 0, 9999, VERDICT_SHORT, "epoll.watches.short",
	 "fs.epoll.max_user_watches 9999 -> 16384", REMEDY_KERNEL},
	{10000, "fs.epoll.max_user_watches=0", 0, 0, 0, VERDICT_SHORT, "epoll.watches.short",
	 "fs.epoll.max_user_watches 0 -> 16384", REMEDY_KERNEL},
	{10000, "", 0, 0, REPORT_NONE, VERDICT_UNKNOWN, "", "", REMEDY_NONE},
	{0},
};

static void check_rows(const char *wall, const struct row *rows)
{
	const struct experiment *x = verdict_experiment("descriptors", wall);
	for (const struct row *row = rows; row->connections; row++) {
		struct target t = target_default();
		t.connections = row->connections;
		struct settings s = verdict_settings(x, row->settings);
		s.taken.held = row->held;
		struct outcome o = verdict_outcome(row->reached, true);
		const struct report *r = verdict_of(x, &t, &s, row->reached ? &o : NULL);
		const struct wall *w = &r->walls[0];
		const struct finding *f = r->finding_count ? &r->findings[0] : NULL;
		if (w->limit != row->limit || w->verdict != row->verdict ||
		    w->method != (row->reached ? METHOD_MEASURED : METHOD_INSPECTED) ||
		    strcmp(f ? f->id : "", row->id) != 0 ||
		    strcmp(verdict_proposals(r), row->proposals) != 0 ||
		    (f && f->remedy != row->remedy))
			fail_msg("%s, %s: limit %lld, %s, %s [%s] %s", wall, row->settings,
				 (long long)w->limit, wall_verdict_name(w->verdict), f ? f->id : "",
				 verdict_proposals(r), f ? finding_remedy_name(f->remedy) : "");
		if (strchr(w->detail, '{') ||
		    (f &&
		     (strchr(f->title, '{') || strchr(f->detail, '{') || strchr(f->advice, '{'))))
			fail_msg("%s, %s: a name without value: %s / %s / %s / %s", wall,
				 row->settings, w->detail, f ? f->title : "", f ? f->detail : "",
				 f ? f->advice : "");
	}
}

/* What other processes of the server's user have registered is no longer there for it. */
static void watches_of_others_are_in_use(void **state)
{
	static const struct {
		int64_t others, hidden; /* REPORT_NONE: not read */
		int64_t limit;
		enum wall_verdict verdict;
		const char *proposals, *detail;
	} rows[] = {
		{REPORT_NONE, REPORT_NONE, 20000, VERDICT_OK, "", NULL},
		{7500, 0, 12500, VERDICT_OK, "", "the server's user have registered 7 500."},
		{7501, 0, 12499, VERDICT_TIGHT, "fs.epoll.max_user_watches 20000 -> 32768", NULL},
		{25000, 0, 0, VERDICT_SHORT, "fs.epoll.max_user_watches 20000 -> 65536", NULL},
		{0, 1, 20000, VERDICT_UNKNOWN, "", "are not visible here"},
		{15000, 1, 5000, VERDICT_SHORT, "fs.epoll.max_user_watches 20000 -> 32768", NULL},
	};
	const struct experiment *x = verdict_experiment("descriptors", "epoll.watches");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct target t = target_default();
		t.connections = 10000;
		struct settings s = verdict_settings(x, "fs.epoll.max_user_watches=20000");
		s.at[1][0] = rows[i].others;
		s.at[1][1] = rows[i].hidden;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		if (w->limit != rows[i].limit || w->verdict != rows[i].verdict ||
		    strcmp(verdict_proposals(r), rows[i].proposals) != 0 ||
		    (rows[i].detail && !strstr(w->detail, rows[i].detail)))
			fail_msg("row %zu: %lld, %s, %s: %s", i, (long long)w->limit,
				 wall_verdict_name(w->verdict), verdict_proposals(r), w->detail);
	}
}

static void limits_of_a_process(void **state) { check_rows("descriptors.process", process_rows); }

static void limits_of_the_machine(void **state)
{
	check_rows("descriptors.system", system_rows);
	check_rows("epoll.watches", watches_rows);
}

static const struct experiment *process;

static const struct finding *process_finding(uint64_t connections, const char *settings,
					     int64_t hard, const struct outcome *o)
{
	struct target t = target_default();
	t.connections = connections;
	struct settings s = verdict_settings(process, settings);
	if (hard)
		s.at[0][1] = hard;
	s.taken.held = o ? 6 : 0;
	const struct report *r = verdict_of(process, &t, &s, o);
	assert_int_equal(r->finding_count, 1);
	return &r->findings[0];
}

static void an_unlimited_hard_limit_stays_unlimited(void **state)
{
	const struct finding *f = process_finding(10000, NOFILE "1024 1024", INT64_MAX, NULL);
	assert_string_equal(f->id, "descriptors.process.soft-limit");
	assert_non_null(strstr(f->detail, "1 024 soft, unlimited hard; any server holds 5 "));
	assert_non_null(strstr(f->advice, "LimitNOFILE=16384:infinity in"));
	assert_non_null(strstr(f->advice, "ulimit -Sn 16384 in the shell"));
}

static void advice_for_the_soft_limit_keeps_the_hard_one(void **state)
{
	const struct finding *f = process_finding(10000, NOFILE "1024 524288", 0, NULL);
	assert_non_null(strstr(f->title, "stops at 1 019 connections"));
	assert_non_null(strstr(f->advice, "LimitNOFILE=16384:524288 in"));
	f = process_finding(10000, NOFILE "1024 4096", 0, NULL);
	assert_non_null(strstr(f->advice, "LimitNOFILE=16384 in"));
	assert_non_null(strstr(f->advice, "ulimit -n 16384 in the shell"));
	assert_non_null(strstr(f->outcome, "set where it is started"));
}

static void a_limit_beyond_nr_open_names_it(void **state)
{
	const char *settings = NOFILE "1024 1048576; fs.nr_open=1048576";
	const struct finding *f = process_finding(1000000, settings, 0, NULL);
	assert_non_null(strstr(f->advice, "fs.nr_open (1 048 576) has to be raised first."));
	f = process_finding(10000, NOFILE "1024 4096; fs.nr_open=1048576", 0, NULL);
	assert_null(strstr(f->advice, "fs.nr_open"));
	f = process_finding(3000000000, settings, 0, NULL);
	assert_null(strstr(f->advice, "fs.nr_open"));
	assert_non_null(strstr(f->advice, "spread the connections"));
}

/* What a line would set has to be possible: no soft limit is above the hard one, and none of either
 * above fs.nr_open. */
static void advice_for_a_running_server_can_be_followed(void **state)
{
	static const struct {
		const char *settings, *advice;
	} rows[] = {
		{NOFILE "1024 524288", "(LimitNOFILE=16384:524288 in a systemd unit, ulimit -Sn "
				       "16384 in a script), and restart it."},
		{NOFILE "1024 13000", "(LimitNOFILE=13000:13000 in a systemd unit, ulimit -Sn "
				      "13000 in a script), and restart it."},
		{NOFILE "1024 4096", "(LimitNOFILE=16384 in a systemd unit, ulimit -n 16384 in a "
				     "script), and restart it."},
		{NOFILE "1024 524288; fs.nr_open=12000",
		 "fs.nr_open (12 000) has to be raised first."},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct subject subject = {.name = "own", .pid = 7, .accepting = 1};
		const struct target t = target_default();
		struct settings s = verdict_settings(process, rows[i].settings);
		s.subject = &subject;
		const struct report *r = verdict_of(process, &t, &s, NULL);
		findings_are(rows[i].settings, r, "descriptors.process.short critical");
		if (!strstr(r->findings[0].advice, rows[i].advice))
			fail_msg("%s: %s", rows[i].settings, r->findings[0].advice);
	}
}

/* Of a server that runs its soft limit counts, and what it is started with helps nothing. */
static void nr_open_binds_a_running_server(void **state)
{
	struct subject subject = {.name = "own", .pid = 7, .accepting = 1};
	struct target t = target_default();
	struct settings s =
		verdict_settings(process, NOFILE "1073741816 1073741816; fs.nr_open=1048576");
	s.subject = &subject;
	t.connections = 1100000;
	const struct report *r = verdict_of(process, &t, &s, NULL);
	const struct finding *f = &r->findings[0];
	verdict_is("running", r, 1048571, VERDICT_SHORT, "descriptors.process.short",
		   "fs.nr_open 1048576 -> 2097152", REMEDY_KERNEL);
	assert_string_equal(r->walls[0].knob, "fs.nr_open");
	assert_non_null(strstr(f->detail, "fs.nr_open is 1 048 576: no process opens more"));
	assert_non_null(strstr(f->advice, "Raise fs.nr_open. Takes effect "));
	assert_null(strstr(f->advice, "LimitNOFILE"));
}

static void a_process_for_each_connection_needs_few_descriptors(void **state)
{
	static const struct {
		const char *name;
		enum wall_verdict verdict;
		const char *findings;
	} rows[] = {
		{"postgres", VERDICT_NA, ""},
		{"own", VERDICT_SHORT, "descriptors.process.short critical"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct subject subject = {.pid = 7, .accepting = 1, .held = 16};
		struct target t = target_default();
		struct settings s = verdict_settings(process, NOFILE "1024 524288");
		snprintf(subject.name, sizeof(subject.name), "%s", rows[i].name);
		s.subject = &subject;
		t.connections = 2000;
		const struct report *r = verdict_of(process, &t, &s, NULL);
		findings_are(rows[i].name, r, rows[i].findings);
		if (r->walls[0].verdict != rows[i].verdict)
			fail_msg("%s: verdict %d", rows[i].name, (int)r->walls[0].verdict);
		assert_int_equal(rows[i].verdict == VERDICT_NA,
				 strstr(r->walls[0].detail, "a process of its own") != NULL);
	}
}

/* A captured server, which has no listeners here, is judged as where it runs. */
static void a_captured_server_has_its_own_limits(void **state)
{
	static const struct {
		const char *settings;
		struct subject server; /* its pid 0: none was captured */
		int64_t limit;
		enum wall_verdict verdict;
		const char *findings;
	} rows[] = {
		{NOFILE "1024 524288",
		 {.pid = 0},
		 524283,
		 VERDICT_TIGHT,
		 "descriptors.process.soft-limit warning"},
		{NOFILE "1024 524288",
		 {.pid = 7, .accepting = 1, .held = 14},
		 1010,
		 VERDICT_SHORT,
		 "descriptors.process.short critical"},
		{NOFILE "65536 65536",
		 {.pid = 7, .accepting = 1, .held = 14},
		 65522,
		 VERDICT_OK,
		 ""},
		/* 1 000 each, which a hash spreads. */
		{NOFILE "1024 524288",
		 {.pid = 7, .accepting = 16, .held = 24},
		 14552,
		 VERDICT_OK,
		 ""},
		{NOFILE "1024 524288",
		 {.pid = 7, .accepting = 2, .held = 24, .unshown = true},
		 REPORT_NONE,
		 VERDICT_UNKNOWN,
		 ""},
		/* Workers of another user may hold more, and have less left. */
		{NOFILE "65536 65536",
		 {.pid = 7, .accepting = 1, .unshown = true, .veiled = 2},
		 REPORT_NONE,
		 VERDICT_UNKNOWN,
		 ""},
		{NOFILE "1024 524288",
		 {.pid = 7, .forks = true, .veiled = 1},
		 REPORT_NONE,
		 VERDICT_NA,
		 ""},
		{NOFILE "1024 524288", {.pid = 7, .forks = true}, REPORT_NONE, VERDICT_NA, ""},
		{NOFILE "1024 524288",
		 {.pid = 7, .accepting = 2, .held = 9, .name = "php-fpm8.2"},
		 REPORT_NONE,
		 VERDICT_NA,
		 ""},
		{NOFILE "1024 524288",
		 {.pid = 7, .accepting = 2, .held = 9, .name = "apache2"},
		 REPORT_NONE,
		 VERDICT_NA,
		 ""},
		{NOFILE "1024 524288",
		 {.pid = 7, .accepting = 4, .held = 9, .name = "uwsgi"},
		 REPORT_NONE,
		 VERDICT_NA,
		 ""},
		/* It waits for its first client. */
		{NOFILE "1024 524288",
		 {.pid = 7, .accepting = 1, .held = 9, .name = "sshd"},
		 REPORT_NONE,
		 VERDICT_NA,
		 ""},
		/* It may give connections to its workers. */
		{NOFILE "1024 524288",
		 {.pid = 7, .accepting = 1, .held = 9, .name = "node", .may_hand = true},
		 REPORT_NONE,
		 VERDICT_UNKNOWN,
		 ""},
		/* Two descriptors for each. */
		{NOFILE "18009 18009",
		 {.pid = 7, .accepting = 1, .held = 9, .name = "mongod"},
		 9000,
		 VERDICT_SHORT,
		 "descriptors.process.short critical"},
		{"", {.pid = 1, .activated = true}, REPORT_NONE, VERDICT_NA, ""},
		{"", {.pid = 7, .accepting = 1}, REPORT_NONE, VERDICT_UNKNOWN, ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char row[32];
		const struct target t = target_default();
		struct settings s = verdict_settings(process, rows[i].settings);
		struct subject server = rows[i].server;
		if (!server.name[0])
			snprintf(server.name, sizeof(server.name), "own");
		snprintf(row, sizeof(row), "row %zu", i);
		s.subject = server.pid ? &server : NULL;
		s.taken.held = server.held;
		const struct report *r = verdict_of(process, &t, &s, NULL);
		findings_are(row, r, rows[i].findings);
		if (r->walls[0].verdict != rows[i].verdict || r->walls[0].limit != rows[i].limit)
			fail_msg("%s: %s, limit %lld", row, wall_verdict_name(r->walls[0].verdict),
				 (long long)r->walls[0].limit);
		if (rows[i].verdict == VERDICT_SHORT)
			assert_non_null(strstr(r->findings[0].title, " (pid 7) cannot hold"));
	}
}

/* A worker that serves one client at a time leaves the others in the accept queue. */
static void synchronous_workers_take_few_descriptors(void **state)
{
	struct subject subject = {.name = "gunicorn", .pid = 7, .accepting = 4, .held = 9};
	const struct target t = target_default();
	struct settings s = verdict_settings(process, NOFILE "1024 524288");
	s.subject = &subject;
	findings_are("gevent", verdict_of(process, &t, &s, NULL),
		     "descriptors.process.short critical");
	s.clients.class = "sync";
	const struct report *r = verdict_of(process, &t, &s, NULL);
	findings_are("sync", r, "");
	assert_int_equal(r->walls[0].verdict, VERDICT_NA);
	assert_non_null(strstr(r->walls[0].detail, "few connections, by a limit of its own"));
}

/* No client connects to a server of datagrams; one with a listener beside them has connections. */
static void datagrams_take_no_descriptors(void **state)
{
	static struct listener at[2] = {{.kind = LISTENER_UDP}, {.kind = LISTENER_UDP}};
	struct subject subject = {.name = "own",
				  .pid = 7,
				  .accepting = 1,
				  .held = 16,
				  .listeners = {.count = 2, .at = at}};
	const struct target t = target_default();
	struct settings s = verdict_settings(process, NOFILE "1024 1024");
	s.subject = &subject;
	const struct report *r = verdict_of(process, &t, &s, NULL);
	findings_are("UDP", r, "");
	assert_int_equal(r->walls[0].verdict, VERDICT_OK);
	assert_int_equal(r->walls[0].needed, REPORT_NONE);
	struct target proxy = t;
	proxy.role = TARGET_PROXY;
	findings_are("a proxy", verdict_of(process, &proxy, &s, NULL),
		     "descriptors.process.short critical");
	at[1].kind = LISTENER_TCP;
	findings_are("UDP and TCP", verdict_of(process, &t, &s, NULL),
		     "descriptors.process.short critical");
	struct target datagrams = t;
	datagrams.datagrams_only = true;
	findings_are("UDP before TCP", verdict_of(process, &datagrams, &s, NULL), "");
	datagrams.role = TARGET_PROXY;
	findings_are("a proxy of UDP", verdict_of(process, &datagrams, &s, NULL),
		     "descriptors.process.short critical");
	at[1].kind = LISTENER_UDP;
	subject.listeners.unlisted = 1u << LISTENER_UNIX;
	findings_are("perhaps UNIX", verdict_of(process, &t, &s, NULL),
		     "descriptors.process.short critical");
}

static void a_server_at_its_limit_spins(void **state)
{
	struct outcome o = verdict_outcome(327, true);
	o.metric[0] = 327;
	o.metric[1] = 1912345;
	const struct finding *f = process_finding(10000, NOFILE "333 333", 0, &o);
	assert_non_null(strstr(f->detail, "the test server holds 6 descriptors"));
	assert_non_null(strstr(f->detail, "takes a whole CPU and wakes 1 910 000 times/s."));
}

/* The experiment met another limit or none: the bound of the settings is the limit. */
static void an_experiment_without_emfile_leaves_the_bound(void **state)
{
	struct target t = target_default();
	struct settings s = verdict_settings(process, NOFILE "20000 20000");
	struct outcome o = verdict_outcome(REPORT_NONE, false);
	snprintf(o.remark, sizeof(o.remark), "12 500 connections opened; no limit met.");
	s.taken.held = 6;
	const struct wall *w = &verdict_of(process, &t, &s, &o)->walls[0];
	assert_int_equal(w->method, METHOD_DERIVED);
	assert_int_equal(w->experiment, EXPERIMENT_DONE);
	assert_int_equal(w->limit, 19994);
	assert_int_equal(w->measured, REPORT_NONE);
	assert_string_equal(
		w->detail,
		"The limit is RLIMIT_NOFILE less the 6 descriptors that the test server "
		"holds besides its connections. 12 500 connections opened; no limit met.");
}

struct memory_row {
	uint64_t connections, available, bytes;
	bool measured;
	int64_t needed;
	enum wall_method method;
	enum wall_verdict verdict;
	const char *id, *detail;
};

#define EACH(size) "an idle connection takes " size " of kernel memory at this end, "

static const struct memory_row memory_rows[] = {
	{10000, UINT64_C(12) << 30, 0, false, 41000000, METHOD_DERIVED, VERDICT_OK, "",
	 EACH("4 KiB") "as measured on Linux 6.18, not here, 4 KiB more with a waiting request."},
	{10000, UINT64_C(12) << 30, 3712, false, 37120000, METHOD_DERIVED, VERDICT_OK, "",
	 EACH("3.625 KiB") "by objects, 4 KiB more with a waiting request."},
	{10000, UINT64_C(12) << 30, 4096, true, 40960000, METHOD_MEASURED, VERDICT_OK, "",
	 EACH("4 KiB") "by objects, 4 KiB more with a waiting request."},
	/* Idle ones fit, with requests that wait in their buffers they may not. */
	{10000, 102400000, 4096, true, 40960000, METHOD_MEASURED, VERDICT_OK, "", ""},
	{10000, 102399999, 4096, true, 40960000, METHOD_MEASURED, VERDICT_TIGHT,
	 "memory.connection.tight", ""},
	{10000, 51199999, 4096, true, 40960000, METHOD_MEASURED, VERDICT_TIGHT,
	 "memory.connection.tight", ""},
	{10000, 40959999, 4096, false, 40960000, METHOD_DERIVED, VERDICT_SHORT,
	 "memory.connection.short", ""},
	{UINT64_MAX / 2, UINT64_C(12) << 30, 4096, false, INT64_MAX, METHOD_DERIVED, VERDICT_SHORT,
	 "memory.connection.short", ""},
	{10000, 0, 4096, false, 40960000, METHOD_DERIVED, VERDICT_UNKNOWN, "",
	 "MemAvailable could not be read."},
};

static void memory_of_connections(void **state)
{
	const struct experiment *x = verdict_experiment("descriptors", "memory.connection");
	for (size_t i = 0; i < sizeof(memory_rows) / sizeof(*memory_rows); i++) {
		const struct memory_row *row = &memory_rows[i];
		struct target t = target_default();
		t.connections = row->connections;
		struct settings s = verdict_settings(x, "");
		s.machine.available_bytes = row->available;
		s.taken.connection_bytes = row->bytes;
		s.taken.basis = "by objects";
		struct outcome o = verdict_outcome(REPORT_NONE, false);
		o.measured = row->measured;
		const struct report *r = verdict_of(x, &t, &s, row->measured ? &o : NULL);
		const struct wall *w = &r->walls[0];
		const struct finding *f = r->finding_count ? &r->findings[0] : NULL;
		if (w->needed != row->needed || w->method != row->method ||
		    w->verdict != row->verdict || strcmp(f ? f->id : "", row->id) != 0 ||
		    !strstr(w->detail, row->detail) || (f && f->proposal_count))
			fail_msg("row %zu: needed %lld, %s, %s, %s, %s", i, (long long)w->needed,
				 wall_method_name(w->method), wall_verdict_name(w->verdict),
				 f ? f->id : "", w->detail);
	}
}

/* The files of connections that the server has are open already. */
static void what_is_open_is_not_needed_again(void **state)
{
	static const struct {
		const char *values;
		enum target_role role;
		uint64_t open, opened;
		enum wall_verdict verdict;
		int64_t needed;
		const char *proposals;
	} cases[] = {
		{"fs.file-max=150000; fs.file-nr=110000", TARGET_SERVER, 0, 0, VERDICT_SHORT,
		 100000, "fs.file-max 150000 -> 262144"},
		{"fs.file-max=150000; fs.file-nr=110000", TARGET_SERVER, 90000, 0, VERDICT_OK,
		 10000, ""},
		{"fs.file-max=150000; fs.file-nr=110000", TARGET_SERVER, 60001, 60001,
		 VERDICT_TIGHT, 39999, "fs.file-max 150000 -> 262144"},
		/* The one of the client that comes next. */
		{"fs.file-max=150000; fs.file-nr=110000", TARGET_SERVER, 200000, 0, VERDICT_OK, 1,
		 ""},
		{"fs.file-max=150000; fs.file-nr=150000", TARGET_SERVER, 200000, 0, VERDICT_SHORT,
		 1, "fs.file-max 150000 -> 262144"},
		/* A proxy has yet to open a connection for each silent client. */
		{"fs.file-max=250000; fs.file-nr=110000", TARGET_PROXY, 100000, 0, VERDICT_OK,
		 100000, ""},
		{"fs.file-max=250000; fs.file-nr=110000", TARGET_PROXY, 100000, 30000, VERDICT_OK,
		 70000, ""},
		{"fs.file-max=250000; fs.file-nr=110000", TARGET_PROXY, 50000, 70000, VERDICT_OK,
		 100000, ""},
		{"fs.file-max=250000; fs.file-nr=249999", TARGET_PROXY, 100000, 100000,
		 VERDICT_SHORT, 2, "fs.file-max 250000 -> 262144"},
	};
	const struct experiment *x = verdict_experiment("descriptors", "descriptors.system");
	struct target t = target_default();
	t.connections = 100000;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct settings s = verdict_settings(x, cases[i].values);
		s.taken.open = cases[i].open;
		s.taken.opened = cases[i].opened;
		t.role = cases[i].role;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		if (w->verdict != cases[i].verdict || w->needed != cases[i].needed ||
		    strcmp(verdict_proposals(r), cases[i].proposals) != 0)
			fail_msg("case %zu: %s, needed %lld", i, wall_verdict_name(w->verdict),
				 (long long)w->needed);
	}
}

/* --role proxy --connections 50k, as --connections 100k of a server. */
static void a_proxy_needs_two_of_each(void **state)
{
	static const struct {
		const char *probe, *wall, *settings;
		int64_t needed;
		enum wall_verdict verdict;
		const char *proposals;
	} cases[] = {
		{"descriptors", "descriptors.process", NOFILE "65536 65536", 100000, VERDICT_SHORT,
		 "RLIMIT_NOFILE 65536 -> 131072"},
		{"descriptors", "descriptors.system", "fs.file-max=110000; fs.file-nr=1000", 100000,
		 VERDICT_TIGHT, "fs.file-max 110000 -> 131072"},
		{"descriptors", "epoll.watches", "fs.epoll.max_user_watches=65536", 100000,
		 VERDICT_SHORT, "fs.epoll.max_user_watches 65536 -> 131072"},
		{"descriptors", "memory.connection", "", INT64_C(100000) * 4100, VERDICT_OK, ""},
		{"container", "cgroup.memory", "memory.max=300000000; memory.current=0",
		 INT64_C(100000) * 4100, VERDICT_SHORT, ""},
		{"buffers", "buffers.memory", "net.ipv4.tcp_mem=37500 60000 75000",
		 INT64_C(100000) * 4096, VERDICT_SHORT,
		 "net.ipv4.tcp_mem 37500 60000 75000 -> 93750 125000 187500"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct experiment *x = verdict_experiment(cases[i].probe, cases[i].wall);
		struct target t = target_default();
		struct settings s = verdict_settings(x, cases[i].settings);
		t.connections = 50000;
		t.role = TARGET_PROXY;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		if (w->needed != cases[i].needed || w->verdict != cases[i].verdict ||
		    !strstr(w->detail, "A proxy needs two for each connection.") ||
		    strcmp(verdict_proposals(r), cases[i].proposals) != 0)
			fail_msg("%s: needed %lld, %s [%s]: %s", w->name, (long long)w->needed,
				 wall_verdict_name(w->verdict), verdict_proposals(r), w->detail);
		if (r->finding_count && !strstr(r->findings[0].detail, "two for each"))
			fail_msg("%s: %s", r->findings[0].id, r->findings[0].detail);
		t.role = TARGET_SERVER;
		assert_null(strstr(verdict_of(x, &t, &s, NULL)->walls[0].detail, "two"));
		assert_true(verdict_of(x, &t, &s, NULL)->walls[0].needed * 2 == cases[i].needed);
	}
}

/* A client that comes through a listener of the server itself has a connection with two sockets
 * more, which is over loopback. */
static void a_client_that_comes_twice_counts_for_all_walls(void **state)
{
	static const struct {
		const char *probe, *wall, *settings;
		/* Of a server, of a proxy, and of one that has no other server behind it. */
		int64_t needed[3], needed_max[3];
	} rows[] = {
		{"descriptors",
		 "descriptors.process",
		 "RLIMIT_NOFILE=1048576 1048576",
		 {10000, 20000, 30000},
		 {30000, 40000, REPORT_NONE}},
		{"descriptors",
		 "descriptors.system",
		 "fs.file-max=1000000",
		 {10000, 20000, 30000},
		 {30000, 40000, REPORT_NONE}},
		{"descriptors",
		 "epoll.watches",
		 "fs.epoll.max_user_watches=1000000",
		 {10000, 20000, 30000},
		 {30000, 40000, REPORT_NONE}},
		{"buffers",
		 "buffers.memory",
		 "net.ipv4.tcp_mem=375000 500000 750000",
		 {40960000, 81920000, 122880000},
		 {122880000, 163840000, REPORT_NONE}},
		{"conntrack",
		 "conntrack",
		 "net.netfilter.nf_conntrack_max=1000000; net.netfilter.nf_conntrack_buckets=1000000; "
		 "time_wait=120; nf_conntrack_count=0; tracked=1",
		 {130000, 260000, 260000},
		 {260000, 390000, REPORT_NONE}},
		{"counters",
		 "orphans",
		 "TCP orphan of /proc/net/sockstat=0; net.ipv4.tcp_max_orphans=8192",
		 {100, 200, 200},
		 {REPORT_NONE, REPORT_NONE, REPORT_NONE}},
	};
	struct listener at = {.kind = LISTENER_TCP, .address = "0.0.0.0:80", .port = 80};
	struct subject subject = {.name = "haproxy",
				  .pid = 7,
				  .accepting = 1,
				  .behind = {.known = true, .any = true, .own = "127.0.0.1:81"},
				  .listeners = {.at = &at, .count = 1}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct experiment *x = verdict_experiment(rows[i].probe, rows[i].wall);
		for (size_t k = 0; k < 3; k++) {
			struct target t = target_default();
			struct settings s = verdict_settings(x, rows[i].settings);
			t.connections = 10000;
			t.rate_per_s = 1000;
			t.rtt_us = 50000;
			t.role = k ? TARGET_PROXY : TARGET_SERVER;
			subject.behind.only_own = k == 2;
			s.subject = &subject;
			s.machine.memory_bytes = UINT64_C(65536) << 20;
			const struct wall *w = verdict_of(x, &t, &s, NULL)->walls;
			if (w->needed != rows[i].needed[k] ||
			    w->needed_max != rows[i].needed_max[k])
				fail_msg("%s %zu: %lld to %lld", rows[i].wall, k,
					 (long long)w->needed, (long long)w->needed_max);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_of_a_process),
		cmocka_unit_test(watches_of_others_are_in_use),
		cmocka_unit_test(limits_of_the_machine),
		cmocka_unit_test(an_unlimited_hard_limit_stays_unlimited),
		cmocka_unit_test(advice_for_the_soft_limit_keeps_the_hard_one),
		cmocka_unit_test(a_limit_beyond_nr_open_names_it),
		cmocka_unit_test(advice_for_a_running_server_can_be_followed),
		cmocka_unit_test(nr_open_binds_a_running_server),
		cmocka_unit_test(a_captured_server_has_its_own_limits),
		cmocka_unit_test(a_process_for_each_connection_needs_few_descriptors),
		cmocka_unit_test(datagrams_take_no_descriptors),
		cmocka_unit_test(synchronous_workers_take_few_descriptors),
		cmocka_unit_test(a_server_at_its_limit_spins),
		cmocka_unit_test(an_experiment_without_emfile_leaves_the_bound),
		cmocka_unit_test(memory_of_connections),
		cmocka_unit_test(what_is_open_is_not_needed_again),
		cmocka_unit_test(a_proxy_needs_two_of_each),
		cmocka_unit_test(a_client_that_comes_twice_counts_for_all_walls),
	};
	process = verdict_experiment("descriptors", "descriptors.process");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
