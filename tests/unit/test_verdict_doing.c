/* What a process does instead of accepting, and what ends that. */
#include "../support/support.h"

#include <string.h>

#include "epolltune/doing.h"
#include "epolltune/report.h"

static void states_of_a_process_are_named(void **state)
{
	static const struct {
		char state;
		uint64_t threads;
		const char *waits_in, *what;
	} rows[] = {
		{'R', 1, "", "is runnable (state R)"},
		{'t', 1, "", "is stopped by a tracer (state t)"},
		{'D', 1, "folio_wait_bit",
		 "is in uninterruptible sleep (state D) in folio_wait_bit"},
		{'S', 1, "ep_poll",
		 "sleeps in epoll_wait() though connections wait: it does not watch this listener "
		 "now"},
		{'S', 0, "do_epoll_wait", "sleeps in epoll_wait()"},
		{'S', 2, "ep_poll", "has 2 threads, of which the first sleeps in epoll_wait()"},
		{'R', 2, "", "has 2 threads, of which the first is runnable (state R)"},
		{'T', 2, "do_signal_stop", "is stopped (state T)"},
		{'S', 2, "do_freezer_trap", "is frozen with its control group"},
		{'D', 1, "__refrigerator", "is frozen with its control group"},
		{0, 2, "", ""},
		{'S', 1, "futex_wait_queue", "sleeps in futex_wait_queue"},
		{'S', 1, "", "sleeps (state S)"},
		{'Z', 1, "", "has exited (state Z)"},
		{0, 1, "", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct process p = {.state = rows[i].state, .threads = rows[i].threads};
		report_text(p.waits_in, "%s", rows[i].waits_in);
		p.wait = process_wait_of(p.waits_in);
		struct doing d = doing_of(&p);
		assert_string_equal(d.what, rows[i].what);
		assert_true(d.help[0]);
	}
}

/* Some compute their own limit from it once. */
static void a_limit_on_descriptors_is_raised_where_it_counts(void **state)
{
	static const struct {
		const char *name, *help;
	} rows[] = {
		{"nginx", "Raise that limit: prlimit --pid 7 --nofile=4096:4096"},
		{"own", "Raise that limit: prlimit --pid 7 --nofile=4096:4096"},
		{"redis-server", "restart it: Redis may compute its own limit"},
		{"mysqld", "restart it: MySQL may compute its own limit"},
		{"mongod", "restart it: MongoDB may compute its own limit"},
		{"slapd", "restart it: OpenLDAP may compute its own limit"},
		/* Or have tables of that size. */
		{"memcached",
		 "restart it: memcached may compute its own limit or the size of tables"},
		{"uwsgi", "restart it: uWSGI may compute"},
		{"beam.smp", "restart it: Erlang may compute"},
		{"java", "restart it: Java may compute"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct process p = {.pid = 7, .soft = 1024, .open = 1024, .state = 'S'};
		report_text(p.name, "%s", rows[i].name);
		if (!strstr(doing_of(&p).help, rows[i].help))
			fail_msg("%s: %s", rows[i].name, doing_of(&p).help);
	}
}

/* Of one that runs, both limits are kept. */
static void the_hard_limit_is_not_lowered(void **state)
{
	static const struct {
		uint64_t soft, hard;
		const char *option;
	} rows[] = {
		{1024, 524288, "--nofile=4096:524288"},
		{1024, 1024, "--nofile=4096:4096"},
		{1024, HOST_UNLIMITED, "--nofile=4096:unlimited"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct process p = {.pid = 7,
				    .soft = rows[i].soft,
				    .hard = rows[i].hard,
				    .open = rows[i].soft,
				    .state = 'S'};
		if (!strstr(doing_of(&p).help, rows[i].option))
			fail_msg("%s: %s", rows[i].option, doing_of(&p).help);
	}
}

/* systemd writes "-" in a name as "\\x2d", and a shell takes a backslash away. */
static void a_unit_is_a_word_for_a_shell(void **state)
{
	struct wording words = {0};
	unit_words(&words, "nginx.service", UNIT_SYSTEM);
	assert_string_equal(wording_get(&words, "unit"), "nginx.service");
	unit_words(&words, "a\\x2db.service", UNIT_SYSTEM);
	assert_string_equal(wording_get(&words, "unit"), "'a\\x2db.service'");
	unit_words(&words, "", UNIT_SYSTEM);
	assert_string_equal(wording_get(&words, "unit"), "");
}

/* A process of a server of which others are halted is not one of them. */
static void halted_processes_are_counted_by_their_state(void **state)
{
	struct process p[3] = {{.pid = 1, .name = "redis", .state = 'T'},
			       {.pid = 2, .name = "redis", .state = 'Z'},
			       {.pid = 3, .name = "redis", .state = 'S'}};
	struct wording words = {0};
	assert_int_equal(halted_words(&words, &p[0], p, 3), 1);
	assert_string_equal(wording_get(&words, "many"), "");
	assert_int_equal(halted_words(&words, &p[2], p, 3), 0);
	p[1].state = p[2].state = 't';
	assert_int_equal(halted_words(&words, &p[1], p, 3), 2);
	assert_string_equal(wording_get(&words, "doing"), "are stopped by a tracer (state t)");
	assert_string_equal(wording_get(&words, "help"),
			    "End the debugger or strace that has stopped them");
	/* The first is the parent of the others. */
	static struct process many[40];
	for (size_t i = 0; i < 40; i++)
		many[i] =
			(struct process){.pid = 7 + (pid_t)i, .root = 7, .name = "a", .state = 'T'};
	assert_int_equal(halted_words(&words, &many[1], many, 40), 40);
	assert_string_equal(wording_get(&words, "help"),
			    "Resume them: pkill -CONT -P 7; kill -CONT 7. Or restart a");
}

/* Each of its threads may be the one that accepts. */
static void a_server_that_stopped_accepting_has_its_limit_named(void **state)
{
	static const struct {
		const char *name;
		uint64_t threads;
		bool alike;
		const char *waits_in, *what, *help;
	} rows[] = {
		{"haproxy", 4, true, "ep_poll",
		 "has 4 threads, which all sleep in epoll_wait() though connections wait: none "
		 "watches this listener now",
		 "(maxconn of HAProxy)"},
		{"haproxy", 1, false, "ep_poll",
		 "sleeps in epoll_wait() though connections wait: it does not watch this listener "
		 "now",
		 "(maxconn of HAProxy)"},
		{"memcached", 5, true, "do_epoll_wait",
		 "has 5 threads, which all sleep in epoll_wait() though connections wait: none "
		 "watches this listener now",
		 "(-c of memcached)"},
		/* Of one whose files epolltune does not read, too. */
		{"unbound", 1, false, "ep_poll",
		 "sleeps in epoll_wait() though connections wait: it does not watch this listener "
		 "now",
		 "(incoming-num-tcp of Unbound)"},
		{"app", 1, false, "ep_poll",
		 "sleeps in epoll_wait() though connections wait: it does not watch this listener "
		 "now",
		 "(such as worker_connections of nginx)"},
		{"haproxy", 4, false, "ep_poll",
		 "has 4 threads, of which the first sleeps in epoll_wait()", "/task/*/wchan"},
		{"app", 4, true, "futex_wait_queue",
		 "has 4 threads, of which the first sleeps in futex_wait_queue", "/task/*/wchan"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct process p = {
			.state = 'S', .threads = rows[i].threads, .alike = rows[i].alike};
		report_text(p.name, "%s", rows[i].name);
		report_text(p.waits_in, "%s", rows[i].waits_in);
		p.wait = process_wait_of(p.waits_in);
		struct doing d = doing_of(&p);
		if (strcmp(d.what, rows[i].what) != 0 || !strstr(d.help, rows[i].help))
			fail_msg("row %zu: %s; %s", i, d.what, d.help);
	}
}

static void what_froze_a_process_resumes_it(void **state)
{
	static const struct {
		const char *unit;
		enum unit_manager manager;
		const char *help;
	} rows[] = {
		{"nginx.service", UNIT_SYSTEM,
		 "Resume it: systemctl thaw nginx.service, or if a "
		 "container engine has paused it, podman unpause NAME"},
		{"web.service", UNIT_USER,
		 "Resume it: systemctl --user thaw web.service, or if a "
		 "container engine has paused it, podman unpause NAME"},
		{"docker-4f.scope", UNIT_SYSTEM, "Resume it: docker unpause NAME"},
		{"libpod-4f.scope", UNIT_SYSTEM, "Resume it: podman unpause NAME"},
		{"nginx.service", UNIT_INSIDE, "Resume it: docker unpause, podman unpause, "},
		{"run-4.scope", UNIT_SYSTEM, "Resume it: docker unpause, podman unpause, "},
		{"", UNIT_SYSTEM, "Resume it: docker unpause, podman unpause, "},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct process p = {.state = 'S', .wait = WAIT_FROZEN, .manager = rows[i].manager};
		report_text(p.unit, "%s", rows[i].unit);
		struct doing d = doing_of(&p);
		if (strncmp(d.help, rows[i].help, strlen(rows[i].help)) != 0)
			fail_msg("row %zu: %s", i, d.help);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_of_a_process_are_named),
		cmocka_unit_test(a_limit_on_descriptors_is_raised_where_it_counts),
		cmocka_unit_test(the_hard_limit_is_not_lowered),
		cmocka_unit_test(a_unit_is_a_word_for_a_shell),
		cmocka_unit_test(halted_processes_are_counted_by_their_state),
		cmocka_unit_test(a_server_that_stopped_accepting_has_its_limit_named),
		cmocka_unit_test(what_froze_a_process_resumes_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
