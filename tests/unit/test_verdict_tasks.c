/* What the limits on processes and threads leave a server that starts one for each connection. */
#define probe_tasks tasks_under_test
#include "../../probes/tasks.c"
#include "../support/support.h"
#include "../support/verdict.h"
#include "epolltune/cleanup.h"

#include <string.h>

static void a_process_for_each_connection_is_needed(void **state)
{
	static const struct {
		const char *name;
		int64_t nproc[2], threads[2],
			pids[2]; /* the limit, and what is in use; 0: unknown */
		uint64_t open, own;
		enum wall_verdict verdict;
		int64_t limit;
		const char *findings, *detail, *advice; /* parts of the last two */
	} rows[] = {
		{"postgres",
		 {200, 20},
		 {90000, 300},
		 {32468, 300},
		 0,
		 7,
		 VERDICT_SHORT,
		 180,
		 "tasks.short critical",
		 "20 of 200 are in use (RLIMIT_NPROC).",
		 "prlimit --pid 7 --nproc=1270 raises it"},
		{"postgres",
		 {0},
		 {90000, 300},
		 {32468, 300},
		 0,
		 7,
		 VERDICT_OK,
		 32168,
		 "",
		 "300 of 32 468 are in use (kernel.pid_max). PostgreSQL has a process for",
		 ""},
		{"postgres",
		 {0},
		 {90000, 300},
		 {700, 300},
		 0,
		 7,
		 VERDICT_SHORT,
		 400,
		 "tasks.short critical",
		 "",
		 "sysctl -w kernel.pid_max=1850, or put"},
		{"postgres",
		 {0},
		 {1000, 300},
		 {32468, 300},
		 0,
		 7,
		 VERDICT_SHORT,
		 700,
		 "tasks.short critical",
		 "(kernel.threads-max)",
		 "sysctl -w kernel.threads-max=1550"},
		{"postgres",
		 {0},
		 {1400, 300},
		 {0},
		 0,
		 7,
		 VERDICT_TIGHT,
		 1100,
		 "tasks.tight warning",
		 "",
		 ""},
		/* They run already. */
		{"postgres",
		 {1200, 1000},
		 {90000, 1300},
		 {0},
		 900,
		 907,
		 VERDICT_OK,
		 200,
		 "",
		 "",
		 ""},
		{"sshd",
		 {200, 20},
		 {90000, 300},
		 {0},
		 0,
		 7,
		 VERDICT_SHORT,
		 180,
		 "tasks.short critical",
		 "",
		 ""},
		{"mariadbd",
		 {200, 29},
		 {90000, 300},
		 {0},
		 20,
		 29,
		 VERDICT_SHORT,
		 171,
		 "tasks.short critical",
		 "MySQL has a thread for each connection.",
		 ""},
		{"mariadbd",
		 {200, 29},
		 {90000, 300},
		 {0},
		 0,
		 9,
		 VERDICT_TIGHT,
		 171,
		 "tasks.tight warning",
		 "",
		 ""},
		{"threaded",
		 {300, 102},
		 {90000, 300},
		 {0},
		 100,
		 102,
		 VERDICT_SHORT,
		 198,
		 "tasks.short critical",
		 "threaded has a thread for each connection.",
		 ""},
		/* What Java runs shows it by its threads. */
		{"java",
		 {300, 102},
		 {90000, 300},
		 {0},
		 100,
		 102,
		 VERDICT_SHORT,
		 198,
		 "tasks.short critical",
		 "java has a thread for each connection.",
		 ""},
		/* A pool of threads serves all. */
		{"mariadbd", {200, 29}, {90000, 300}, {0}, 90, 29, VERDICT_OK, 171, "", "", ""},
		/* What is not readable may be lower. */
		{"postgres",
		 {9000, 20},
		 {0},
		 {0},
		 0,
		 7,
		 VERDICT_UNKNOWN,
		 REPORT_NONE,
		 "",
		 "is not readable",
		 ""},
		{"postgres", {0}, {0}, {0}, 0, 7, VERDICT_UNKNOWN, REPORT_NONE, "", "", ""},
		{"postgres",
		 {200, 20},
		 {0},
		 {0},
		 0,
		 7,
		 VERDICT_SHORT,
		 180,
		 "tasks.short critical",
		 "",
		 ""},
	};
	const struct experiment *x = &experiments[0];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const int64_t *at[LIMITS] = {[NPROC] = rows[i].nproc,
					     [THREADS] = rows[i].threads,
					     [PIDS] = rows[i].pids};
		struct subject subject = {.pid = 7};
		struct target t = target_default();
		struct settings s = verdict_settings(x, "");
		t.connections = 1000;
		report_text(subject.name, "%s", rows[i].name);
		subject.threaded =
			!strcmp(rows[i].name, "threaded") || !strcmp(rows[i].name, "java");
		s.subject = &subject;
		s.taken.open = rows[i].open;
		s.taken.processes = rows[i].own;
		for (size_t k = 0; k < LIMITS; k++)
			if (at[k] && at[k][0])
				limit_keep(&s, k, (uint64_t)at[k][0], (uint64_t)at[k][1]);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		char row[24];
		snprintf(row, sizeof(row), "row %zu", i);
		findings_are(row, r, rows[i].findings);
		if (w->verdict != rows[i].verdict || w->limit != rows[i].limit ||
		    !strstr(w->detail, rows[i].detail) ||
		    (r->finding_count && !strstr(r->findings[0].advice, rows[i].advice)))
			fail_msg("%s: %s, %lld: %s %s", row, wall_verdict_name(w->verdict),
				 (long long)w->limit, w->detail,
				 r->finding_count ? r->findings[0].advice : "");
	}
}

#define MIB (UINT64_C(1) << 20)

/* Stacks of 8 MiB. */
static void a_thread_takes_memory(void **state)
{
	static const struct {
		const char *name;
		enum subject_space_kind kind;
		struct subject_space space;
		uint64_t connections;
		bool hidden;
		enum wall_verdict verdict;
		int64_t limit;
		const char *detail, *advice;
	} rows[] = {
		{"mariadbd",
		 SPACE_ADDRESS,
		 {1500 * MIB, 100 * MIB, 8 * MIB},
		 1000,
		 false,
		 VERDICT_SHORT,
		 175,
		 "100 MiB of 1.46 GiB are in use (RLIMIT_AS, 8 MiB a thread).",
		 "LimitAS=10380902400"},
		{"mariadbd",
		 SPACE_DATA,
		 {1500 * MIB, 100 * MIB, 8 * MIB},
		 1000,
		 false,
		 VERDICT_SHORT,
		 175,
		 "(RLIMIT_DATA, 8 MiB a thread)",
		 "--data=10380902400"},
		{"mariadbd",
		 SPACE_ADDRESS,
		 {15000 * MIB, 100 * MIB, 8 * MIB},
		 1000,
		 false,
		 VERDICT_OK,
		 1862,
		 "RLIMIT_AS",
		 ""},
		{"mariadbd",
		 SPACE_ADDRESS,
		 {0},
		 1000,
		 true,
		 VERDICT_UNKNOWN,
		 REPORT_NONE,
		 "what a thread takes of it is not visible",
		 ""},
		{"mariadbd",
		 SPACE_MAPS,
		 {65530, 60, 2},
		 40000,
		 false,
		 VERDICT_SHORT,
		 32735,
		 "60 of 65 530 are in use (vm.max_map_count, 2 a thread).",
		 "sysctl -w vm.max_map_count=100010"},
		{"mariadbd",
		 SPACE_MAPS,
		 {65530, 60, 2},
		 1000,
		 false,
		 VERDICT_OK,
		 32735,
		 "vm.max_map_count",
		 ""},
		{"postgres",
		 SPACE_COMMIT,
		 {3072 * MIB, 2048 * MIB, 8 * MIB},
		 1000,
		 false,
		 VERDICT_SHORT,
		 128,
		 "2 GiB of 3 GiB are in use (CommitLimit, 8 MiB a process)",
		 "until CommitLimit in /proc/meminfo is at least 12132353 kB"},
		{"postgres",
		 SPACE_COMMIT,
		 {0},
		 1000,
		 false,
		 VERDICT_OK,
		 99700,
		 "kernel.threads-max",
		 ""},
	};
	const struct experiment *x = &experiments[0];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct subject subject = {.pid = 7};
		struct subject_tasks tasks = {.space_hidden = rows[i].hidden};
		struct target t = target_default();
		struct settings s = verdict_settings(x, "");
		t.connections = rows[i].connections;
		report_text(subject.name, "%s", rows[i].name);
		if (rows[i].kind == SPACE_ADDRESS)
			report_text(subject.unit, "mariadb.service");
		s.subject = &subject;
		s.taken.processes = s.taken.open = 20;
		limit_keep(&s, THREADS, 100000, 300);
		tasks.space[rows[i].kind] = rows[i].space;
		spaces_keep(&s, &tasks);
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		if (w->verdict != rows[i].verdict || w->limit != rows[i].limit ||
		    !strstr(w->detail, rows[i].detail) ||
		    (r->finding_count && !strstr(r->findings[0].advice, rows[i].advice)))
			fail_msg("row %zu: %s, %lld: %s %s", i, wall_verdict_name(w->verdict),
				 (long long)w->limit, w->detail,
				 r->finding_count ? r->findings[0].advice : "");
	}
}

static void only_such_a_server_has_the_wall(void **state)
{
	static const struct {
		const char *name;
		bool applies;
	} rows[] = {{"postgres", true},        {"mysqld", true},       {"mongod", true},
		    {"clickhouse-serv", true}, {"vsftpd", true},       {"stunnel4", true},
		    {"nginx", false},          {"redis-server", false}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct subject subject = {.pid = 7};
		const struct probe_options o = {.subject = &subject};
		report_text(subject.name, "%s", rows[i].name);
		if (tasks_applies(NULL, &o) != rows[i].applies)
			fail_msg("%s", rows[i].name);
	}
	/* Its threads show it, of one that the catalogue does not have. */
	struct subject own = {.pid = 7, .name = "gamesrvd", .threaded = true};
	const struct probe_options o = {.subject = &own};
	assert_true(tasks_applies(NULL, &o));
	report_text(own.name, "java");
	assert_true(tasks_applies(NULL, &o));
	own.threaded = false;
	assert_false(tasks_applies(NULL, &o));
	own.threaded = true;
	report_text(own.name, "nginx");
	assert_false(tasks_applies(NULL, &o));
	const struct probe_options none = {0};
	assert_false(tasks_applies(NULL, &none));
}

static void a_limit_that_is_not_visible_may_be_lower(void **state)
{
	static const struct {
		int64_t threads_max;
		enum wall_verdict verdict;
		const char *detail;
	} rows[] = {{90000, VERDICT_UNKNOWN,
		     "RLIMIT_NPROC of the server, or what its user has in use of it,"},
		    {400, VERDICT_SHORT, "(kernel.threads-max)"}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct experiment *x = &experiments[0];
		struct subject subject = {.pid = 7, .name = "postgres"};
		struct target t = target_default();
		struct settings s = verdict_settings(x, "");
		t.connections = 1000;
		s.subject = &subject;
		s.taken.processes = 7;
		s.taken.nproc_hidden = true;
		limit_keep(&s, THREADS, (uint64_t)rows[i].threads_max, 300);
		const struct wall *w = &verdict_of(x, &t, &s, NULL)->walls[0];
		assert_int_equal(w->verdict, rows[i].verdict);
		assert_non_null(strstr(w->detail, rows[i].detail));
	}
}

/* Of a container: its own limit, and that of the host, which is not visible there. */
static void a_limit_of_the_host_is_not_larger_than_its_default(void **state)
{
	static const struct {
		uint64_t pids[2], threads; /* its own limit, what counts against it, all */
		uint64_t connections;
		int64_t threads_max;
		enum wall_verdict verdict;
		int64_t limit;
		const char *detail;
	} rows[] = {
		{{4194004, 5}, 300, 1000, 90000, VERDICT_OK, 32168, "its smallest default: that"},
		{{4194004, 5},
		 300,
		 60000,
		 190000,
		 VERDICT_UNKNOWN,
		 REPORT_NONE,
		 "of the host is not visible in this container, and"},
		{{4194004, 5}, 300, 30000, 190000, VERDICT_UNKNOWN, REPORT_NONE, "of the host"},
		{{4194004, 5}, 300, 60000, 50000, VERDICT_SHORT, 49700, "(kernel.threads-max)."},
		{{4194004, 5}, 40000, 100, 190000, VERDICT_UNKNOWN, REPORT_NONE, "of the host"},
		{{700, 5},
		 300,
		 1000,
		 190000,
		 VERDICT_SHORT,
		 695,
		 "5 of 700 are in use (kernel.pid_max)."},
	};
	const struct experiment *x = &experiments[0];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct subject subject = {.pid = 7, .name = "postgres"};
		const struct subject_tasks t = {.threads = rows[i].threads,
						.pids_max = rows[i].pids[0],
						.pids = rows[i].pids[1],
						.pids_hidden = true};
		struct target target = target_default();
		struct settings s = verdict_settings(x, "");
		target.connections = rows[i].connections;
		s.subject = &subject;
		s.taken.processes = 7;
		limit_keep(&s, THREADS, (uint64_t)rows[i].threads_max, rows[i].threads);
		pids_keep(&s, &t);
		const struct wall *w = &verdict_of(x, &target, &s, NULL)->walls[0];
		if (w->verdict != rows[i].verdict || w->limit != rows[i].limit ||
		    !strstr(w->detail, rows[i].detail))
			fail_msg("row %zu: %s, %lld: %s", i, wall_verdict_name(w->verdict),
				 (long long)w->limit, w->detail);
	}
}

/* What systemd holds the socket of has the limits of the machine; of a process that has ended none
 * is known. */
static void limits_of_the_machine_are_known_without_a_process(void **state)
{
	CLEAN(host_closep) struct host *h = NULL;
	struct subject activated = {.pid = 1, .activated = true}, ended = {.pid = INT32_MAX};
	struct subject_tasks t;
	assert_int_equal(host_open(&h, "/", NULL), 0);
	assert_int_equal(subject_tasks_read(h, &activated, &t, NULL), 0);
	assert_true(t.threads && t.threads_max && !t.hidden && t.max == HOST_UNLIMITED);
	assert_int_equal(subject_tasks_read(h, &ended, &t, NULL), 0);
	assert_true(t.threads && t.hidden && t.max == HOST_UNLIMITED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_for_each_connection_is_needed),
		cmocka_unit_test(a_thread_takes_memory),
		cmocka_unit_test(only_such_a_server_has_the_wall),
		cmocka_unit_test(a_limit_that_is_not_visible_may_be_lower),
		cmocka_unit_test(a_limit_of_the_host_is_not_larger_than_its_default),
		cmocka_unit_test(limits_of_the_machine_are_known_without_a_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
