/* check --server: what the server does now: stopped, not accepting, not reading, gone. */
#include "../support/server_checks.h"
#include "../support/servers.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_stopped_server_is_named(void **state)
{
	static const char *const names[] = {"nginx", ":8080"};
	pid_t master = nginx_start(1, ""), worker = worker_of(master, 0);
	char stopped[64];
	kill(worker, SIGSTOP);
	arrive(NGINX_PORT, false);
	wait_depth(NGINX_PORT, 512);
	snprintf(stopped, sizeof(stopped), "Its worker (pid %d) is stopped (state T)", worker);
	for (size_t i = 0; i < 2; i++) {
		struct checked c = checked_parse(
			run("$PROGRAM check --format json --rate 4k --probe listeners,accept-queue "
			    "--no-proof --server %s",
			    names[i]));
		json_t *f = checked_finding(&c, "accept-queue.overflowing");
		assert_contains(checked_text(f, "title"), named("nginx", master, "0.0.0.0:8080"));
		f = checked_finding(&c, "accept-queue.slow");
		assert_contains(checked_text(f, "detail"), stopped);
		assert_int_equal(c.status, 2);
		assert_contains(answer_of(&c), "Not ready: nginx is dropping connections now");
		checked_free(&c);
	}
	struct output o = run("$PROGRAM check --format line --rate 4k --no-proof "
			      "--probe listeners,accept-queue --server nginx");
	assert_int_equal(o.status, 2);
	assert_contains(o.out, "EPOLLTUNE CRITICAL - Not ready: nginx is dropping connections now");
	output_free(&o);
}

/* A listener that several processes hold, of which not all accept. */
static void limit_set(rlim_t n)
{
	struct rlimit limit = {n, n};
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Waits for work that never comes, as the pool of Python's multiprocessing. */
static void helper_start(void)
{
	int pipes[2];
	char byte;
	if (pipe(pipes) || fork())
		return;
	for (;;)
		(void)!read(pipes[0], &byte, 1);
}

static void pool_serves(const void *arg)
{
	int fd = listen_at(HELD_PORT, 64), set = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN};
	limit_set(1024);
	epoll_ctl(set, EPOLL_CTL_ADD, fd, &event); /* the children inherit it */
	for (int i = 0; i < 8; i++)
		helper_start();
	epoll_serve(fd);
}

static void pool_accepts(const void *arg)
{
	int fd = listen_at(HELD_PORT, 64);
	limit_set(1024);
	for (int i = 0; i < 8; i++)
		helper_start();
	ready_say();
	accept(fd, NULL, NULL);
}

static void orphan_serves(const void *arg)
{
	int fd = listen_at(HELD_PORT, 64);
	limit_set(1024);
	if (!fork()) {
		setsid();
		if (fork())
			_exit(0);
		limit_set(64);
		epoll_serve(fd);
	}
	for (;;)
		pause();
}

static void stopped_helper_serves(const void *arg)
{
	int fd = listen_at(HELD_PORT, 64);
	limit_set(1024);
	pid_t helper = fork();
	if (!helper) {
		limit_set(32);
		kill(getpid(), SIGSTOP);
	}
	waitid(P_PID, (id_t)helper, NULL, WSTOPPED | WNOWAIT);
	epoll_serve(fd);
}

/* Gives its worker the connections, as the cluster module of Node.js. */
static void handing_serves(const void *arg)
{
	int pair[2], fd = listen_at(HELD_PORT, 64);
	char space[CMSG_SPACE(sizeof(int))], byte = 0;
	struct iovec io = {&byte, 1};
	struct msghdr m = {.msg_iov = &io,
			   .msg_iovlen = 1,
			   .msg_control = space,
			   .msg_controllen = sizeof(space)};
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		_exit(1);
	if (!fork()) {
		close(fd);
		limit_set(1024);
		recvmsg(pair[0], &m, 0);
		epoll_serve(pair[1]);
	}
	limit_set(64);
	connect_all(HELD_PORT, 1);
	int client = accept(fd, NULL, NULL);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	*c = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(c), &client, sizeof(int));
	if (sendmsg(pair[1], &m, 0) != 1)
		_exit(1);
	close(client);
	while (access(ready_path(), F_OK))
		pause_ms(1);
	epoll_serve(fd);
}

/* Two that wait in poll(): which accepts is not visible. */
static void unshown_serves(const void *arg)
{
	struct pollfd p = {listen_at(HELD_PORT, 64), POLLIN, 0};
	limit_set(*(const rlim_t *)arg);
	fork();
	ready_say();
	for (;;)
		poll(&p, 1, -1);
}

static void who_accepts_is_shown(void **state)
{
	static const rlim_t small = 256, large = 1024;
	static const struct {
		void (*serve)(const void *arg);
		const void *arg;
		int limit; /* about; 0: unknown */
		int status;
	} cases[] = {
		{pool_serves, NULL, 1024, 0},    {pool_accepts, NULL, 1024, 0},
		{orphan_serves, NULL, 64, 2},    {stopped_helper_serves, NULL, 1024, 0},
		{handing_serves, NULL, 1024, 0}, {unshown_serves, &large, 1024, 0},
		{unshown_serves, &small, 0, 3},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ready_start(cases[i].serve, cases[i].arg);
		wait_asleep();
		struct checked c = checked_parse(run("$PROGRAM check " QUICK
						     "--connections 500 --rate 100 --stall 10ms "
						     "--probe descriptors,listeners --server :%d",
						     HELD_PORT));
		json_t *w = checked_wall(&c, "descriptors.process");
		int limit = cases[i].limit ? (int)checked_number(w, "limit") : 0;
		if (limit > cases[i].limit || limit < cases[i].limit - 32 ||
		    c.status != cases[i].status)
			fail_msg("case %zu: %d, not about %d; status %d", i, limit, cases[i].limit,
				 c.status);
		assert_false(checked_has_finding(&c, "listeners.halted"));
		if (cases[i].serve == unshown_serves)
			assert_contains(checked_text(w, "detail"),
					"2 processes hold the listener, which of them accept is "
					"not visible");
		checked_free(&c);
		servers_end(NULL);
	}
}

/* Accepts its own clients, and does not read; they wait for an answer, or close. */
static void unread_serves(const void *waits)
{
	const struct sockaddr_storage to = address_of(APP_PORT, false);
	int fd = listen_at(APP_PORT, 16);
	for (int i = 0; i < 10; i++) {
		int client = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(client, (const void *)&to, sizeof(struct sockaddr_in)) ||
		    send(client, "GET", 3, 0) != 3 || accept(fd, NULL, NULL) < 0)
			_exit(1);
		if (!*(const bool *)waits)
			close(client);
	}
	prctl(PR_SET_NAME, "unread");
	for (;;)
		pause();
}

static struct checked unread_checked(bool waits)
{
	pid_t server = child_start(unread_serves, &waits);
	bool begun = false;
	WAIT_UNTIL((begun = run_succeeds("grep -qx unread /proc/%d/comm", server)));
	assert_true(begun);
	wait_asleep();
	return checked_parse(
		run("$PROGRAM check --format json --probe live --server :%d", APP_PORT));
}

static void clients_that_nobody_reads_are_a_warning(void **state)
{
	struct checked c = unread_checked(true);
	json_t *f = checked_finding(&c, "live.unread");
	assert_string_equal(checked_text(f, "level"), "warning");
	assert_contains(checked_text(f, "title"),
			" has not read what clients sent on 10 of 10 connections for ");
	assert_int_equal(c.status, 1);
	checked_free(&c);
}

static void clients_that_have_closed_wait_for_nothing(void **state)
{
	struct checked c = unread_checked(false);
	assert_true(checked_has_finding(&c, "live.causes"));
	assert_false(checked_has_finding(&c, "live.unread"));
	checked_free(&c);
}

static void another_user_sees_what_is_public(void **state)
{
	nginx_start(1, "");
	struct output o = run("cp $PROGRAM %s/epolltune && chmod 755 %s/epolltune && "
			      "setpriv --reuid 65534 --regid 65534 --clear-groups "
			      "%s/epolltune check " QUICK "--server :8080",
			      servers_directory, servers_directory, servers_directory);
	struct checked c = checked_parse(o);
	json_t *server = json_object_get(c.report, "server");
	assert_true(json_is_null(json_object_get(server, "pid")));
	assert_int_equal(checked_number(server_wall(&c, "accept-queue"), "limit"), 512);
	assert_string_equal(checked_text(checked_wall(&c, "descriptors.process"), "verdict"),
			    "unknown");
	assert_contains(checked_text(checked_finding(&c, "listeners.hidden"), "advice"), "as root");
	checked_free(&c);
	o = run("setpriv --reuid 65534 --regid 65534 --clear-groups "
		"%s/epolltune check --quick --server nginx",
		servers_directory);
	assert_int_equal(o.status, 3);
	assert_contains(o.errors, "are not visible to this user: run the check as root");
	output_free(&o);
}

/* Ends in the middle of the quiet window. */
static void short_lived(const void *unused)
{
	(void)unused;
	prctl(PR_SET_NAME, "leaver");
	int fd = listen_at(APP_PORT, 4096);
	(void)fd;
	char path[160];
	snprintf(path, sizeof(path), "%s/leave", servers_directory);
	while (access(path, F_OK))
		pause_ms(1);
}

/* Once the probe sleeps it has taken its first sample. */
static void a_server_that_exits_is_said(void **state)
{
	pid_t server = child_start(short_lived, NULL);
	wait_listening(APP_PORT);
	struct checked c = checked_parse(
		run("( for i in $(seq 1000); do p=$(pgrep -x probe:listeners) && read -r call rest "
		    "</proc/$p/syscall && [ \"$call\" = %ld ] && break; sleep 0.02; done; "
		    "touch %s/leave ) 2>/dev/null & $PROGRAM check --format json --window 4s "
		    "--probe listeners --server leaver",
		    (long)SYS_clock_nanosleep, servers_directory));
	json_t *f = checked_finding(&c, "listeners.closed");
	assert_contains(checked_text(f, "title"), named("leaver", server, "127.0.0.1:8090"));
	assert_int_equal(c.status, 2);
	assert_string_equal(answer_of(&c), "Not ready: leaver has closed its listener.");
	checked_free(&c);
}

static int tests(void)
{
	const struct CMUnitTest all[] = {
		SERVERS_TEST(a_stopped_server_is_named),
		SERVERS_TEST(who_accepts_is_shown),
		SERVERS_TEST(clients_that_nobody_reads_are_a_warning),
		SERVERS_TEST(clients_that_have_closed_wait_for_nothing),
		SERVERS_TEST(another_user_sees_what_is_public),
		SERVERS_TEST(a_server_that_exits_is_said),
	};
	return cmocka_run_group_tests(all, NULL, NULL);
}

int main(void) { return servers_main(tests); }
