/* check --server: the walls are those of the server: its limits, buffers, sockets and namespace. */
#include "../support/server_checks.h"
#include "../support/servers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Raises its own limit in the child that accepts. */
static void limited_serves(const void *unused)
{
	struct rlimit limit = {1024, 4096};
	(void)unused;
	prctl(PR_SET_NAME, "limited");
	setrlimit(RLIMIT_NOFILE, &limit);
	int fd = listen_at(APP_PORT, 4096);
	if (!fork()) {
		limit.rlim_cur = 2048;
		setrlimit(RLIMIT_NOFILE, &limit);
		for (;;)
			accept(fd, NULL, NULL);
	}
	for (;;)
		pause();
}

static void the_limit_is_that_of_the_process_that_accepts(void **state)
{
	child_start(limited_serves, NULL);
	wait_listening(APP_PORT);
	struct checked c = {0};
	/* Until the child has set its limit. */
	for (int i = 0; i < 200; i++) {
		c = server_judged("--rate 100", "limited");
		if (checked_number(checked_wall(&c, "descriptors.process"), "limit") > 1024)
			break;
		checked_free(&c);
	}
	json_t *w = server_wall(&c, "descriptors.process");
	int limit = (int)checked_number(w, "limit");
	assert_true(limit > 2048 - 32 && limit < 2048);
	assert_string_equal(checked_text(w, "verdict"), "short");
	assert_int_equal(c.status, 2);
	json_t *f = checked_finding(&c, "descriptors.process.short");
	assert_contains(checked_text(f, "title"), "limited (pid ");
	assert_contains(checked_text(f, "title"), "cannot hold 10 000 connections");
	checked_free(&c);
}

/* A socket unit whose service runs and accepts. */
static void unit_serves(const void *unused)
{
	(void)unused;
	prctl(PR_SET_NAME, "systemd");
	int fd = listen_at(APP_PORT, 128);
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "app");
		epoll_serve(fd);
	}
	for (;;)
		pause();
}

static void the_backlog_of_a_socket_unit_is_systemds(void **state)
{
	ready_start(unit_serves, NULL);
	struct checked c = server_judged("--probe accept-queue", ":8090");
	json_t *f = checked_finding(&c, "accept-queue.short");
	assert_contains(checked_text(f, "title"), "app (pid ");
	assert_contains(checked_text(f, "title"), "has backlog 128; this load needs 1 000");
	assert_contains(
		checked_text(f, "advice"),
		"systemd: Backlog=2048 in section [Socket] of its unit (effective after systemctl daemon-reload, systemctl stop NAME.socket "
		"NAME.service, then systemctl start NAME.socket NAME.service; a server that calls listen() itself, "
		"as gunicorn does, sets its own).");
	if (strstr(checked_text(f, "advice"), "restart it first"))
		fail_msg("%s", checked_text(f, "advice"));
	checked_free(&c);
}

#define HOLDS 500

static void holder_serves(const void *unused)
{
	struct rlimit limit = {1024, 1024};
	(void)unused;
	prctl(PR_SET_NAME, "holder");
	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < HOLDS; i++)
		if (dup(STDIN_FILENO) < 0)
			_exit(1);
	listen_at(APP_PORT, 4096);
	for (;;)
		pause();
}

/* What the test server holds is not what the server in question does. */
static void a_run_keeps_what_the_server_holds(void **state)
{
	static const char *const depths[] = {"--quick", ""};
	int64_t limit[2];
	child_start(holder_serves, NULL);
	wait_listening(APP_PORT);
	for (size_t i = 0; i < 2; i++) {
		struct checked c = checked_parse(
			run("$PROGRAM check %s --format json --connections 500 --rate 100 "
			    "--probe descriptors --server holder",
			    depths[i]));
		json_t *w = server_wall(&c, "descriptors.process");
		limit[i] = (int64_t)checked_number(w, "limit");
		assert_string_equal(checked_text(w, "verdict"), "tight");
		checked_free(&c);
	}
	assert_in_range(limit[0], 500, 1024 - HOLDS);
	assert_int_equal(limit[1], limit[0]);
}

static void small_serves(const void *unused)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(APP_PORT)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), size = 8192;
	(void)unused;
	prctl(PR_SET_NAME, "small");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) ||
	    bind(fd, (const struct sockaddr *)&a, sizeof(a)) || listen(fd, 4096))
		_exit(1);
	for (;;)
		pause();
}

static void a_buffer_that_the_server_sets_is_its_wall(void **state)
{
	child_start(small_serves, NULL);
	wait_listening(APP_PORT);
	struct checked c = server_judged("--probe buffers", "small");
	json_t *w = checked_wall(&c, "buffers.receive");
	assert_string_equal(checked_text(w, "knob"), "SO_RCVBUF");
	assert_string_equal(checked_text(w, "verdict"), "short");
	json_t *f = checked_finding(&c, "buffers.receive.short");
	assert_string_equal(checked_text(f, "remedy"), "application");
	assert_contains(checked_text(f, "advice"), "small sets SO_RCVBUF");
	assert_string_equal(checked_text(checked_wall(&c, "buffers.send"), "knob"),
			    "net.ipv4.tcp_wmem");
	checked_free(&c);
}

static void unix_serves(const void *arg)
{
	const struct sockaddr_un *a = arg;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	prctl(PR_SET_NAME, "local");
	if (bind(fd, (const struct sockaddr *)a, sizeof(*a)) || listen(fd, 16))
		_exit(1);
	for (;;)
		pause();
}

static void a_unix_socket_is_its_wall(void **state)
{
	struct sockaddr_un a = unix_address_of("wall.sock");
	char who[160], other[200];
	child_start(unix_serves, &a);
	snprintf(who, sizeof(who), "unix:%s", a.sun_path);
	WAIT_UNTIL(depth_of(who) >= 0);
	/* The same file by another path. */
	snprintf(other, sizeof(other), "unix:%s/../%s/wall.sock", servers_directory,
		 strrchr(servers_directory, '/') + 1);
	const char *const names[] = {who, other, "local", who + 5};
	for (size_t i = 0; i < 4; i++) {
		struct checked c = server_judged("", names[i]);
		json_t *w = server_wall(&c, "accept-queue.unix");
		assert_int_equal(checked_number(w, "limit"), 17);
		assert_string_equal(checked_text(w, "verdict"), "short");
		w = checked_wall(&c, "accept-queue");
		assert_string_equal(checked_text(w, "verdict"), "n/a");
		assert_contains(
			checked_text(checked_finding(&c, "accept-queue.unix.short"), "title"),
			"local (pid ");
		checked_free(&c);
	}
}

/* In a mount namespace of its own, as in a container: the path is the same, the file another. */
static void unix_serves_apart(const void *arg)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", servers_directory, "tmpfs", 0, NULL))
		_exit(1);
	unix_serves(arg);
}

static void unix_serves_beside(const void *arg)
{
	if (chdir(servers_directory))
		_exit(1);
	unix_serves(arg);
}

static void unix_sockets_of_one_name_are_several_servers(void **state)
{
	struct sockaddr_un a = unix_address_of("same.sock"),
			   beside = {.sun_family = AF_UNIX, .sun_path = "same.sock"};
	char who[160], candidate[64];
	child_start(unix_serves_apart, &a);
	snprintf(who, sizeof(who), "unix:%s", a.sun_path);
	WAIT_UNTIL(depth_of(who) >= 0);
	pid_t own = child_start(unix_serves, &a);
	WAIT_UNTIL(!access(a.sun_path, F_OK));
	struct checked c = server_judged("", who);
	assert_int_equal(checked_number(server_wall(&c, "accept-queue.unix"), "limit"), 17);
	assert_int_equal(checked_number(json_object_get(c.report, "server"), "pid"), own);
	checked_free(&c);
	unlink(a.sun_path);
	child_start(unix_serves_beside, &beside);
	WAIT_UNTIL(depth_of("unix:same.sock") >= 0);
	unlink(a.sun_path);
	pid_t last = child_start(unix_serves_beside, &beside);
	WAIT_UNTIL(!access(a.sun_path, F_OK));
	snprintf(candidate, sizeof(candidate), "local (pid %d) on unix:same.sock", last);
	server_refused("", "unix:same.sock", candidate);
}

/* somaxconn was 8 when it listened with 16: its queue holds 9. */
static void a_unix_socket_is_filled_in_the_lab(void **state)
{
	struct sockaddr_un a = unix_address_of("fill.sock");
	char who[160];
	file_write("/proc/sys/net/core/somaxconn", "8\n");
	child_start(unix_serves, &a);
	snprintf(who, sizeof(who), "unix:%s", a.sun_path);
	WAIT_UNTIL(depth_of(who) >= 0);
	file_write("/proc/sys/net/core/somaxconn", "4096\n");
	struct checked c = checked_parse(run("$PROGRAM check --format json --probe accept-queue "
					     "--rate 1k --server %s",
					     who));
	json_t *w = server_wall(&c, "accept-queue.unix");
	assert_int_equal(checked_number(w, "measured"), 9);
	assert_int_equal(checked_number(w, "needed"), 100);
	assert_false(json_is_true(json_object_get(w, "at_least")));
	json_t *f = checked_finding(&c, "accept-queue.unix.short");
	assert_string_equal(checked_text(f, "tried"), "0 of 100 refused");
	json_t *evidence = json_array_get(json_object_get(f, "evidence"), 0);
	assert_int_equal(checked_number(evidence, "at_current"), 91);
	assert_int_equal(checked_number(evidence, "at_proposed"), 0);
	assert_int_equal(json_array_size(json_object_get(f, "proposals")), 1);
	checked_free(&c);
	c = checked_parse(run("$PROGRAM check --format json --probe accept-queue --rate 10 "
			      "--server %s",
			      who));
	assert_string_equal(checked_text(server_wall(&c, "accept-queue.unix"), "verdict"), "ok");
	assert_int_equal(c.status, 0);
	checked_free(&c);
	/* More clients are needed than this process may have descriptors. */
	c = checked_parse(run("prlimit --nofile=64 $PROGRAM check --format json --rate 1k "
			      "--probe accept-queue --server %s",
			      who));
	assert_false(checked_has_finding(&c, "probe.failed"));
	assert_string_equal(
		checked_text(checked_finding(&c, "accept-queue.unix.short"), "tried"),
		"not tried: cannot make a client of a UNIX socket: Too many open files: "
		"RLIMIT_NOFILE is 64, raise it with ulimit -n");
	checked_free(&c);
}

/* A namespace of its own, with another somaxconn. */
static void elsewhere_serves(const void *unused)
{
	(void)unused;
	if (unshare(CLONE_NEWNET))
		_exit(1);
	file_write("/proc/sys/net/core/somaxconn", "64\n");
	struct output o = run("ip link set lo up");
	output_free(&o);
	server_serve(APP_PORT, 4096, "elsewhere");
}

static void its_network_namespace_counts(void **state)
{
	char options[64], pid[16];
	pid_t there = child_start(elsewhere_serves, NULL);
	bool listens = false;
	WAIT_UNTIL((listens = run_succeeds("grep -q ':%04X .* 0A ' /proc/%d/net/tcp", APP_PORT,
					   there)));
	assert_true(listens);
	struct checked c = checked_parse(run("$PROGRAM check " QUICK "--server elsewhere"));
	json_t *w = server_wall(&c, "accept-queue");
	assert_int_equal(checked_number(w, "limit"), 65);
	json_t *f = checked_finding(&c, "accept-queue.short");
	assert_string_equal(checked_text(f, "knob"), "net.core.somaxconn");
	assert_string_equal(checked_text(f, "current"), "64");
	checked_free(&c);

	snprintf(options, sizeof(options), "--netns %d", there);
	c = server_judged(options, ":8090");
	assert_int_equal(checked_number(checked_wall(&c, "accept-queue"), "limit"), 65);
	checked_free(&c);
	snprintf(options, sizeof(options), "--netns /proc/%d/ns/net", there);
	snprintf(pid, sizeof(pid), "%d", there);
	c = server_judged(options, pid);
	assert_int_equal(checked_number(checked_wall(&c, "accept-queue"), "limit"), 65);
	checked_free(&c);
	/* Experiments there too, and nothing is changed there. */
	c = checked_parse(
		run("$PROGRAM check --format json --probe accept-queue --server %d", there));
	assert_int_equal(checked_number(checked_wall(&c, "accept-queue"), "measured"), 65);
	checked_free(&c);
	struct output o = run("nsenter -t %d -n cat /proc/sys/net/core/somaxconn", there);
	assert_string_equal(o.out, "64\n");
	output_free(&o);
	/* What its packets cross here is not watched there, and a note says so. */
	c = checked_parse(
		run("$PROGRAM check --quick --format json --probe nic --server %d", there));
	f = checked_finding(&c, "nic.outside");
	assert_string_equal(checked_text(f, "level"), "note");
	assert_contains(checked_text(f, "detail"), "of elsewhere, which");
	assert_contains(checked_text(f, "advice"), "without --server and --netns");
	checked_free(&c);
	c = checked_parse(run("$PROGRAM check --quick --format json --probe nic"));
	assert_false(checked_has_finding(&c, "nic.outside"));
	checked_free(&c);
	/* apply changes this namespace only. */
	o = run("$PROGRAM apply --server elsewhere --dry-run");
	assert_int_equal(o.status, 3);
	assert_contains(o.errors, "is in another network namespace: apply changes this "
				  "one only; run: nsenter --net=/proc/");
	assert_contains(o.errors, "/ns/net epolltune apply --server elsewhere --dry-run\n");
	output_free(&o);
}

/* As a service with PrivateNetwork=yes does that systemd hands its listener. */
static void private_serves(const void *unused)
{
	(void)unused;
	prctl(PR_SET_NAME, "private");
	int fd = listen_at(APP_PORT, 16);
	if (fd < 0 || unshare(CLONE_NEWNET))
		_exit(1);
	for (;;)
		pause();
}

static void a_listener_of_here_is_held_in_another_namespace(void **state)
{
	char pid[16];
	pid_t there = child_start(private_serves, NULL);
	snprintf(pid, sizeof(pid), "%d", there);
	bool left = false;
	WAIT_UNTIL((left = run_succeeds("[ $(readlink /proc/self/ns/net) != "
					"$(readlink /proc/%d/ns/net) ]",
					there)));
	assert_true(left);
	struct checked c = server_judged("--probe listeners", pid);
	assert_int_equal(checked_number(json_object_get(c.report, "server"), "pid"), there);
	assert_string_equal(server_text(&c, "name"), "private");
	checked_free(&c);
}

static int tests(void)
{
	const struct CMUnitTest all[] = {
		SERVERS_TEST(the_backlog_of_a_socket_unit_is_systemds),
		SERVERS_TEST(the_limit_is_that_of_the_process_that_accepts),
		SERVERS_TEST(a_run_keeps_what_the_server_holds),
		SERVERS_TEST(a_buffer_that_the_server_sets_is_its_wall),
		SERVERS_TEST(a_unix_socket_is_its_wall),
		SERVERS_TEST(unix_sockets_of_one_name_are_several_servers),
		SERVERS_TEST(a_unix_socket_is_filled_in_the_lab),
		SERVERS_TEST(its_network_namespace_counts),
		SERVERS_TEST(a_listener_of_here_is_held_in_another_namespace),
	};
	return cmocka_run_group_tests(all, NULL, NULL);
}

int main(void) { return servers_main(tests); }
