/* The processes that own listeners, and what is read of a process. */
#include "../support/listening.h"
#include "../support/support.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/listener.h"
#include "epolltune/subject.h"
#include "host/owners.h"
#include "host/processes.h"

/* Its facts, once it waits. */
static struct process helper_read(const struct helper *h)
{
	struct process p;
	struct err e = {0};
	do
		assert_int_equal(process_read(here, h->pid, &p, &e), 0);
	while (p.state != 'S' && may_try_again());
	assert_int_equal(p.pid, h->pid);
	assert_int_equal(p.state, 'S');
	return p;
}

/* This process is the master, which holds the socket for its workers. */
static void a_worker_comes_before_its_master(void **state)
{
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	CLEAN(close_fd) int fd = tcp_listen("127.0.0.1", 80, 16);
	struct helper first = helper_start(NULL, NULL), second = helper_start(NULL, NULL);
	l = listeners_read_now();
	listeners_name(&l);
	assert_int_equal(listeners_owner(&l, &l.at[0]), first.pid);
	assert_int_equal(l.process_count, 1);
	listeners_free(&l);
	helper_end(&first);
	l = listeners_read_now();
	listeners_name(&l);
	assert_int_equal(listeners_owner(&l, &l.at[0]), second.pid);
	listeners_free(&l);
	helper_end(&second);
	l = listeners_read_now();
	listeners_name(&l);
	assert_int_equal(listeners_owner(&l, &l.at[0]), getpid());
	listeners_free(&l);
}

static int shares[2], share;

static int watch(int fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	return epoll_ctl(epoll_create1(EPOLL_CLOEXEC), EPOLL_CTL_ADD, fd, &event);
}

static int watch_share(void) { return watch(shares[share]); }

/* As nginx with reuseport does: all workers hold all sockets. */
static void a_worker_that_watches_it_comes_first(void **state)
{
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	struct helper workers[2];
	reuse_port = 1;
	for (int i = 0; i < 2; i++)
		shares[i] = tcp_listen("127.0.0.1", 80, 10 + i);
	reuse_port = 0;
	for (int i = 0; i < 2; i++) {
		share = !i;
		workers[i] = helper_start(NULL, watch_share);
	}
	l = listeners_read_now();
	listeners_name(&l);
	assert_int_equal(l.count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(listeners_owner(&l, &l.at[i]),
				 workers[l.at[i].limit == 10 ? 1 : 0].pid);
	listeners_free(&l);
	for (int i = 0; i < 2; i++) {
		helper_end(&workers[i]);
		close(shares[i]);
	}
}

static void a_helper_that_inherited_it_does_not(void **state)
{
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	CLEAN(close_fd) int fd = tcp_listen("127.0.0.1", 80, 16);
	struct helper helper = helper_start("logger", NULL);
	l = listeners_read_now();
	listeners_name(&l);
	assert_int_equal(listeners_owner(&l, &l.at[0]), getpid());
	listeners_free(&l);
	helper_end(&helper);
}

static int inherited;

static int watch_inherited(void) { return watch(inherited); }

/* As asyncio does for a second when accept() fails with EMFILE, it watches nothing. */
static int files_fill(void)
{
	const rlim_t files = (rlim_t)inherited + 16;
	const struct rlimit limit = {files, files};
	if (setrlimit(RLIMIT_NOFILE, &limit))
		return -1;
	while (dup(0) >= 0)
		;
	return 0;
}

/* A shell, say, that starts the server and waits for it. */
static int wrap(void)
{
	struct helper server = helper_start("work", watch_inherited);
	return server.pid > 0 ? 0 : -1;
}

static pid_t owner_now(void)
{
	struct listeners l = listeners_read_now();
	listeners_name(&l);
	pid_t pid = listeners_owner(&l, &l.at[0]);
	listeners_free(&l);
	return pid;
}

/* The supervisor, this process, has another name than its workers. */
static void a_supervisor_leaves_it_to_what_accepts(void **state)
{
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	CLEAN(close_fd) int fd = inherited = tcp_listen("127.0.0.1", 80, 16);
	struct helper idle = helper_start("logger", NULL);
	struct helper work = helper_start("work", watch_inherited);
	assert_int_equal(owner_now(), work.pid);
	kill(work.pid, SIGSTOP);
	assert_int_equal(owner_now(), work.pid);
	kill(work.pid, SIGCONT);
	helper_end(&work);
	assert_int_equal(owner_now(), getpid());
	work = helper_start("work", files_fill);
	assert_int_equal(owner_now(), work.pid);
	helper_end(&work);
	helper_end(&idle);
	struct helper shell = helper_start("sh", wrap);
	l = listeners_read_now();
	listeners_name(&l);
	assert_string_equal(l.processes[l.at[0].owner].name, "work");
	listeners_free(&l);
	helper_end(&shell);
	close_fd(&fd);
	listeners_wait(0); /* its child is killed */
}

/* This process watches it, or neither does: a child of another name does not get it by chance. */
static void a_server_keeps_it_beside_other_programs(void **state)
{
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	CLEAN(close_fd) int fd = inherited = tcp_listen("127.0.0.1", 80, 16);
	struct helper work = helper_start("work", watch_inherited);
	int set = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN};
	assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
	assert_int_equal(owner_now(), getpid());
	helper_end(&work);
	work = helper_start("work", files_fill);
	assert_int_equal(owner_now(), getpid());
	helper_end(&work);
	close(set);
}

static bool may_be_stuck(const struct process *p)
{
	return !strcmp(p->name, "logger") || !strcmp(p->name, "work");
}

static pid_t chosen_owner_now(void)
{
	struct err e = {0};
	struct listeners l = listeners_read_now();
	if (listeners_own_by(here, &l, may_be_stuck, &e))
		fail_msg("%s", e.text);
	pid_t pid = listeners_owner(&l, &l.at[0]);
	listeners_free(&l);
	return pid;
}

static void a_search_among_some_does_not_take_a_helper_either(void **state)
{
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	CLEAN(close_fd) int fd = inherited = tcp_listen("127.0.0.1", 80, 16);
	struct helper logger = helper_start("logger", NULL);
	assert_int_equal(chosen_owner_now(), -1);
	struct helper work = helper_start("work", watch_inherited);
	assert_int_equal(chosen_owner_now(), work.pid);
	CLEAN(close_fd) int set = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN};
	assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
	assert_int_equal(chosen_owner_now(), -1);
	close_fd(&set);
	helper_end(&work);
	work = helper_start("work", files_fill);
	assert_int_equal(chosen_owner_now(), work.pid);
	helper_end(&work);
	helper_end(&logger);
}

/* Process 1 of a container, which accepts, and a program that it started: exits with 0 if process 1
 * is the owner. */
static int first_process(void)
{
	struct host *h;
	struct listeners l;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL))
		return 77;
	prctl(PR_SET_NAME, "server");
	int fd = tcp_listen("127.0.0.1", 80, 16);
	helper_start("sleep", NULL);
	if (host_open(&h, "/", NULL) || listeners_read(h, &l, NULL) ||
	    listeners_own(h, &l, listener_any, NULL, NULL))
		return 2;
	if (listeners_owner(&l, &l.at[0]) != 1) /* neither of them watches it */
		return 3;
	listeners_free(&l);
	if (watch(fd) || listeners_read(h, &l, NULL) ||
	    listeners_own(h, &l, listener_any, NULL, NULL))
		return 2;
	return listeners_owner(&l, &l.at[0]) == 1 ? 0 : 4;
}

static void the_first_process_of_a_container_keeps_it(void **state)
{
	int status = -1;
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	pid_t outer = fork();
	if (!outer) {
		is_helper = true;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWPID | CLONE_NEWNS))
			_exit(77);
		pid_t first = fork();
		if (!first)
			_exit(first_process());
		_exit(waitpid(first, &status, 0) == first && WIFEXITED(status) ? WEXITSTATUS(status)
									       : 5);
	}
	assert_int_equal(waitpid(outer, &status, 0), outer);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip_because("no PID namespace with a /proc of its own");
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* As a socket unit, whose service runs. */
static int activate(void)
{
	inherited = tcp_listen("127.0.0.1", 80, 16);
	struct helper service = helper_start("app", NULL);
	return service.pid > 0 ? 0 : -1;
}

static void a_service_has_the_listener_of_its_socket_unit(void **state)
{
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	struct helper systemd = helper_start("systemd", activate);
	CLEAN(close_fd) int other = tcp_listen("127.0.0.1", 81, 16);
	l = listeners_read_now();
	listeners_name(&l);
	const struct listener *of_unit = listeners_at(&l, "127.0.0.1:80");
	assert_string_equal(l.processes[of_unit->owner].name, "app");
	assert_true(of_unit->systemd);
	assert_false(listeners_at(&l, "127.0.0.1:81")->systemd);
	struct listeners later = listeners_read_now();
	assert_int_equal(listeners_adopt(here, &later, &l, NULL), 0);
	assert_true(listeners_at(&later, "127.0.0.1:80")->systemd);
	listeners_free(&later);
	listeners_free(&l);
	helper_end(&systemd);
	close_fd(&other);
	listeners_wait(0);
}

static int hide(void)
{
	tcp_listen("127.0.0.1", 80, 16);
	/* Then only a process with CAP_SYS_PTRACE outside of this namespace may look inside. */
	return prctl(PR_SET_DUMPABLE, 0);
}

static void what_is_not_visible_is_hidden(void **state)
{
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	struct helper helper = helper_start("secret", hide);
	char name[192];
	l = listeners_read_now();
	listeners_name(&l);
	assert_true(l.hidden);
	assert_int_equal(l.at[0].owner, -1);
	assert_int_equal(l.process_count, 0);
	assert_string_equal(listener_name(&l, &l.at[0], name, sizeof(name)), "127.0.0.1:80");
	/* This much every user may read. */
	struct process p = helper_read(&helper);
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	assert_string_equal(p.name, "secret");
	assert_string_equal(p.waits_in, "");
	assert_true(p.soft == limit.rlim_cur);
	assert_true(p.started > 0);
	if (host_kernel(here) >= KERNEL(6, 2))
		assert_true(p.open > 0);
	else
		assert_int_equal(p.open, 0);
	listeners_free(&l);
	helper_end(&helper);
}

/* As a worker that has dropped its privileges: its parent is visible. */
static int worker_hide(void)
{
	int ready[2];
	char byte;
	tcp_listen("127.0.0.1", 80, 16);
	if (pipe(ready))
		return -1;
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_DUMPABLE, 0);
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	return pid < 0 || read(ready[0], &byte, 1) != 1 ? -1 : 0;
}

static void a_worker_that_is_not_visible_is_counted(void **state)
{
	struct listeners l = listeners_read_or_skip();
	struct subject s;
	struct err e;
	listeners_free(&l);
	struct helper helper = helper_start("served", worker_hide);
	if (subject_find(here, ":80", true, &s, &e))
		fail_msg("%s", e.text);
	assert_int_equal(s.pid, helper.pid);
	assert_int_equal(s.veiled, 1);
	assert_true(s.unshown);
	assert_int_equal(s.held, 0);
	subject_free(&s);
	helper_end(&helper);
	listeners_wait(0);
}

static void a_process_has_its_facts(void **state)
{
	struct process p, again;
	struct err e = {0};
	struct rlimit limit;
	listening_needs_namespace();
	getrlimit(RLIMIT_NOFILE, &limit);
	struct helper helper = helper_start("a) (b", NULL);
	assert_int_equal(process_read(here, getpid(), &p, &e), 0);
	assert_memory_equal(p.name, program_invocation_short_name, strlen(p.name));
	assert_int_equal(p.state, 'R');
	assert_true(p.soft == limit.rlim_cur);
	assert_true(p.hard == (limit.rlim_max == RLIM_INFINITY ? HOST_UNLIMITED : limit.rlim_max));
	uint64_t open_before = p.open;
	CLEAN(close_fd) int one_more = dup(0);
	assert_int_equal(process_read(here, getpid(), &again, &e), 0);
	assert_int_equal(again.open, open_before + 1);
	assert_true(process_same(&p, &again));
	again = helper_read(&helper);
	assert_string_equal(again.name, "a) (b");
	assert_int_equal(again.threads, 1);
	assert_false(process_same(&p, &again));

	/* An open /proc/PID never shows the next process with that pid. */
	CLEAN(close_fd) int gone = process_open(here, helper.pid, &e);
	assert_true(gone >= 0);
	helper_end(&helper);
	int r = process_read_at(gone, helper.pid, &again, &e);
	assert_true(r == -ESRCH || r == -ENOENT);
	r = process_read(here, helper.pid, &again, &e);
	assert_true(r == -ESRCH || r == -ENOENT);
	assert_string_equal(again.name, "");
}

/* Opens listeners, passes them to children and exits, all the time. */
static int come_and_go(void)
{
	pid_t pid = fork();
	if (pid)
		return pid < 0 ? -1 : 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fds[3];
		for (int i = 0; i < 3; i++)
			fds[i] = tcp_listen("127.0.0.1", (uint16_t)(80 + i), 4);
		for (int i = 0; i < 2; i++)
			if (!fork())
				_exit(0);
		for (int i = 0; i < 3; i++)
			close(fds[i]);
		while (waitpid(-1, NULL, 0) > 0)
			;
	}
}

static void what_comes_and_goes_gets_no_wrong_name(void **state)
{
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	struct helper helper = helper_start("fleeting", come_and_go);
	size_t seen = 0;
	for (int i = 0; (i < 100 || seen < 10) && may_try_again(); i++) {
		l = listeners_read_now();
		listeners_name(&l);
		for (size_t k = 0; k < l.count; k++)
			if (l.at[k].owner >= 0) {
				assert_string_equal(l.processes[l.at[k].owner].name, "fleeting");
				seen++;
			}
		listeners_free(&l);
	}
	helper_end(&helper);
	assert_true(seen > 0);
	listeners_wait(0); /* its child is killed */
}

static int listen_at_80(void) { return tcp_listen("127.0.0.1", 80, 5); }

/* The process is not named then, and that is said; a known server, or one that the caller names, is
 * still found. */
static void a_search_ends_at_its_limit(void **state)
{
	static const struct {
		const char *name;
		bool among, cut;
	} rows[] = {{"other", false, true}, {"other", true, false}, {"nginx", false, false}};
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct helper server = helper_start(rows[i].name, listen_at_80);
		int of = -1;
		struct err e = {0};
		l = listeners_read_now();
		struct owned_socket socket = {.inode = listeners_at(&l, "127.0.0.1:80")->inode};
		struct owners o = {.sockets = &socket,
				   .socket_count = 1,
				   .owner = &of,
				   .thing_count = 1,
				   .limit = rows[i].among ? 1000 : 2};
		if (rows[i].among)
			o.among = &server.pid, o.among_count = 1;
		assert_int_equal(owners_find(here, &o, &e), 0);
		assert_int_equal(o.cut, rows[i].cut);
		assert_int_equal(of < 0 ? 0 : o.processes[of].pid, rows[i].cut ? 0 : server.pid);
		free(o.processes);
		assert_int_equal(listeners_own_among(here, &l, &server.pid, 1, &e), 0);
		assert_int_equal(listeners_owner(&l, listeners_at(&l, "127.0.0.1:80")), server.pid);
		listeners_free(&l);
		helper_end(&server);
		listeners_wait(0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_comes_before_its_master),
		cmocka_unit_test(a_worker_that_watches_it_comes_first),
		cmocka_unit_test(a_helper_that_inherited_it_does_not),
		cmocka_unit_test(a_supervisor_leaves_it_to_what_accepts),
		cmocka_unit_test(a_server_keeps_it_beside_other_programs),
		cmocka_unit_test(a_search_among_some_does_not_take_a_helper_either),
		cmocka_unit_test(the_first_process_of_a_container_keeps_it),
		cmocka_unit_test(a_service_has_the_listener_of_its_socket_unit),
		cmocka_unit_test(what_is_not_visible_is_hidden),
		cmocka_unit_test(a_worker_that_is_not_visible_is_counted),
		cmocka_unit_test(a_process_has_its_facts),
		cmocka_unit_test(what_comes_and_goes_gets_no_wrong_name),
		cmocka_unit_test(a_search_ends_at_its_limit),
	};
	return cmocka_run_group_tests(tests, listening_begin, listening_end);
}
