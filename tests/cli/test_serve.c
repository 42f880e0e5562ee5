/* serve and load, as an operator and a service manager use them. */
#include "../support/support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 10000

/* The server of the running test. */
static struct {
	pid_t pid;
	int out; /* its standard output and error */
	uint16_t port;
} server = {.pid = 0, .out = -1};

static uint16_t free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
	close(fd);
	return ntohs(a.sin_port);
}

/* Start `serve`; `prepare` sets up environment and descriptors in the child. */
static void server_start(void (*prepare)(void), const char *arguments)
{
	int pipe_fd[2];
	char command[512];
	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
	snprintf(command, sizeof(command), "exec $PROGRAM serve %s", arguments);
	server.pid = fork();
	if (server.pid == 0) {
		dup2(pipe_fd[1], 1);
		dup2(pipe_fd[1], 2);
		if (prepare)
			prepare();
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(pipe_fd[1]);
	server.out = pipe_fd[0];
}

static void server_start_at_port(const char *arguments)
{
	char all[256], line[256] = "";
	server.port = free_port();
	snprintf(all, sizeof(all), "--port %u %s", server.port, arguments);
	server_start(NULL, all);
	/* It prints the first line when it listens. */
	for (size_t i = 0; i < sizeof(line) - 1 && read(server.out, line + i, 1) == 1; i++)
		if (line[i] == '\n')
			return;
	fail_msg("serve printed only: %s", line);
}

/* Stop it by a signal; return its exit status and the rest of its output. */
static int server_end(int signal, char *said, size_t size)
{
	int status;
	size_t used = 0;
	ssize_t n;
	kill(server.pid, signal);
	while (used < size - 1 && (n = read(server.out, said + used, size - 1 - used)) > 0)
		used += (size_t)n;
	said[used] = 0;
	assert_int_equal(waitpid(server.pid, &status, 0), server.pid);
	close(server.out);
	server.pid = 0;
	server.out = -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int teardown(void **state)
{
	char said[4096];
	if (server.pid > 0)
		server_end(SIGKILL, said, sizeof(said));
	return 0;
}

static double figure(const char *text, const char *metric)
{
	json_t *root = json_loads(text, 0, NULL), *result;
	size_t i;
	double value = -1;
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "schema")),
			    "epolltune.bench/1");
	json_array_foreach(json_object_get(root, "results"), i, result)
	{
		if (!strcmp(json_string_value(json_object_get(result, "metric")), metric))
			value = json_number_value(json_object_get(result, "median"));
	}
	json_decref(root);
	return value;
}

static void load_and_serve_agree(void **state)
{
	static const char *const shares[] = {"--share reuseport", "--share exclusive --mode edge",
					     "--share leader-follower"};
	for (size_t i = 0; i < 3; i++) {
		char said[4096];
		server_start_at_port(shares[i]);
		struct output o = run("$PROGRAM load --format json --duration 200ms --connections "
				      "50 127.0.0.1:%u",
				      server.port);
		if (o.status)
			fail_msg("%s", o.errors);
		assert_true(figure(o.out, "rate") > 0);
		assert_true(figure(o.out, "p99") >= figure(o.out, "p50"));
		output_free(&o);
		o = run("$PROGRAM load --output - --duration 200ms --workers 1 127.0.0.1:%u",
			server.port);
		assert_int_equal(o.status, 0);
		assert_non_null(strstr(o.out, " load on "));
		assert_non_null(strstr(
			o.out, "one run in the calling namespace, so figures have no spread"));
		assert_non_null(strstr(o.out, ", 1 client process, "));
		output_free(&o);
		o = run("$PROGRAM load --mode connect --rate 500 --format json --duration 1s "
			"localhost:%u",
			server.port);
		if (o.status)
			fail_msg("%s", o.errors);
		assert_non_null(strstr(o.out, "open loop at 500"));
		output_free(&o);
		o = run("$PROGRAM load --mode mix --connections 200 --active 5 --duration 100ms "
			"127.0.0.1:%u",
			server.port);
		assert_int_equal(o.status, 0);
		output_free(&o);
		o = run("$PROGRAM load --mode hold --connections 300 --duration 100ms --format csv "
			"127.0.0.1:%u",
			server.port);
		assert_int_equal(o.status, 0);
		/* Opening and requests have separate figures. */
		assert_non_null(strstr(o.out, "load,hold,300,300,rate,1/s,"));
		assert_non_null(strstr(o.out, "load,hold-sample,300,300,rate,1/s,"));
		for (char *line = strchr(o.out, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
			double median, min, max;
			unsigned runs;
			assert_int_equal(sscanf(line,
						"load,%*[^,],300,300,%*[^,],%*[^,],%lf,%lf,%lf,%u,",
						&median, &min, &max, &runs),
					 4);
			assert_int_equal(runs, 1);
		}
		output_free(&o);
		assert_int_equal(server_end(i % 2 ? SIGINT : SIGTERM, said, sizeof(said)), 0);
		assert_non_null(strstr(said, "served "));
	}
}

static void lines_await(unsigned lines)
{
	char one;
	while (lines) {
		assert_int_equal(read(server.out, &one, 1), 1);
		lines -= one == '\n';
	}
}

static void interrupt_ignore(void) { signal(SIGINT, SIG_IGN); }

/* As a shell does of a command in the background, which a ^C for another one reaches. */
static void an_ignored_interrupt_does_not_end_it(void **state)
{
	char arguments[32], said[4096];
	snprintf(arguments, sizeof(arguments), "--port %u", free_port());
	server_start(interrupt_ignore, arguments);
	lines_await(1);
	kill(server.pid, SIGINT);
	/* The head of the statistics, and those of two seconds. */
	lines_await(3);
	assert_int_equal(server_end(SIGTERM, said, sizeof(said)), 0);
	assert_non_null(strstr(said, "served "));
}

/* ^C stops it at once and prints the figures up to then. */
static void an_interrupted_load_prints_figures(void **state)
{
	static const char *const modes[] = {"request", "connect", "hold", "request --connections 1",
					    "connect --connections 1"};
	server_start_at_port("");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		bool measured = false;
		/* Retry until some operation completes before the signal. */
		for (unsigned after = 1; !measured && after < 60; after *= 2) {
			struct output o = run("timeout -s INT %u $PROGRAM load --mode %s "
					      "--duration 100s --format csv 127.0.0.1:%u; "
					      "[ $? -eq 124 ]",
					      after, modes[i], server.port);
			if (o.status)
				fail_msg("%s: status %d, %s", modes[i], o.status, o.errors);
			assert_string_equal(o.errors, "epolltune: interrupted\n");
			measured = strstr(o.out, ",rate,1/s,");
			output_free(&o);
		}
		assert_true(measured);
	}
}

static void load_waits_for_a_server_that_closes(void **state)
{
	char said[4096];
	server_start_at_port("--close --workers 1");
	struct output o = run("$PROGRAM load --mode connect --close server --duration 200ms "
			      "--format json 127.0.0.1:%u",
			      server.port);
	assert_int_equal(o.status, 0);
	assert_true(figure(o.out, "rate") > 0);
	output_free(&o);
	assert_int_equal(server_end(SIGTERM, said, sizeof(said)), 0);
}

static void serve_prints_statistics_each_second(void **state)
{
	char said[8192];
	/* A second line appears even if the first was delayed. */
	server_start_at_port("--duration 4s");
	int status;
	assert_int_equal(waitpid(server.pid, &status, 0), server.pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ssize_t n = read(server.out, said, sizeof(said) - 1);
	assert_true(n > 0);
	said[n] = 0;
	const char *first = strstr(said, "    time      open  accepted/s    reads/s  received/s"
					 "  wakeups/s  resets/s\n");
	assert_non_null(first);
	static const char line[] = " s         0           0          0         0 B          ";
	first = strstr(first, line);
	assert_non_null(first);
	assert_non_null(strstr(first + 1, line));
	assert_non_null(strstr(first, "served 0 connections, 0 reads, 0 B in "));
	close(server.out);
	server.pid = 0;
	server.out = -1;
}

/* A worker that dies is an error that names the signal; no process is left. */
static void a_dead_worker_stops_the_server(void **state)
{
	char said[4096];
	server_start_at_port("--workers 2");
	struct output o = run("kill -9 $(cat /proc/%d/task/%d/children | cut -d' ' -f2)",
			      (int)server.pid, (int)server.pid);
	assert_int_equal(o.status, 0);
	output_free(&o);
	/* Signal 0 tests for existence. */
	assert_int_equal(server_end(0, said, sizeof(said)), 3);
	assert_non_null(strstr(said, "epolltune: server worker 1"));
	assert_non_null(strstr(said, "signal 9"));
	o = run("$PROGRAM load --duration 50ms 127.0.0.1:%u", server.port);
	assert_int_equal(o.status, 3);
	output_free(&o);
}

static void load_reports_a_server_that_dies(void **state)
{
	server_start_at_port("--workers 1");
	struct output o = run("$PROGRAM load --duration 60s --connections 10 127.0.0.1:%u & "
			      "for i in $(seq 3000); do "
			      "[ $(ss -Htni sport = :%u | grep -c bytes_received) = 10 ] && break; "
			      "sleep 0.02; done; kill -9 %d; wait $!",
			      server.port, server.port, (int)server.pid);
	assert_int_equal(o.status, 1);
	assert_non_null(strstr(o.out, "failed; first error"));
	output_free(&o);
}

static void load_reports_a_rate_it_cannot_reach(void **state)
{
	server_start_at_port("--workers 1");
	struct output o =
		run("$PROGRAM load --rate 50m --duration 100ms 127.0.0.1:%u", server.port);
	assert_int_equal(o.status, 1);
	assert_non_null(strstr(o.out, "never started"));
	output_free(&o);
	o = run("$PROGRAM load --rate 50m --duration 10ms --format csv 127.0.0.1:%u", server.port);
	assert_int_equal(o.status, 1);
	assert_non_null(strstr(o.errors, "never started"));
	output_free(&o);
}

/* A server that closes early, and no server. */
static void load_reports_servers_that_do_not_echo(void **state)
{
	char said[4096];
	server_start_at_port("--close");
	struct output o =
		run("$PROGRAM load --duration 5s --connections 4 127.0.0.1:%u", server.port);
	assert_int_equal(o.status, 1);
	assert_non_null(strstr(o.out, "4 connections or requests failed"));
	output_free(&o);
	server_end(SIGTERM, said, sizeof(said));
	o = run("$PROGRAM load --mode connect --duration 100ms 127.0.0.1:%u", server.port);
	assert_int_equal(o.status, 3);
	assert_string_equal(o.out, "");
	assert_non_null(strstr(o.errors, "Connection refused"));
	output_free(&o);
}

static int passed_listener;

static void pass_listener(void)
{
	char pid[16];
	dup2(passed_listener, 3);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
}

static void serve_takes_over_a_passed_socket(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);
	char said[4096], byte = 0;
	passed_listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(passed_listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(passed_listener, 16), 0);
	assert_int_equal(getsockname(passed_listener, (struct sockaddr *)&a, &size), 0);
	server_start(pass_listener, "--workers 2 --quiet");
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(send(fd, "x", 1, 0), 1);
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	assert_int_equal(byte, 'x');
	close(fd);
	assert_int_equal(server_end(SIGTERM, said, sizeof(said)), 0);
	assert_string_equal(said, "");
	close(passed_listener);
}

static void pass_something_else(void)
{
	char pid[16];
	dup2(1, 3);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
}

static void serve_refuses_other_sockets(void **state)
{
	char said[4096];
	int status;
	server_start(pass_something_else, "");
	assert_int_equal(waitpid(server.pid, &status, 0), server.pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	ssize_t n = read(server.out, said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = 0;
	assert_non_null(strstr(said, "descriptor 3 from the service manager"));
	close(server.out);
	server.pid = 0;
	server.out = -1;
}

static char notify_path[64];
static void set_notify(void) { setenv("NOTIFY_SOCKET", notify_path, 1); }

static void serve_notifies_the_service_manager(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char word[64] = "", said[4096], arguments[64];
	struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	snprintf(notify_path, sizeof(notify_path), "@epolltune-test-%d", (int)getpid());
	strcpy(a.sun_path, notify_path);
	a.sun_path[0] = 0;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(
		bind(fd, (struct sockaddr *)&a,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(notify_path))),
		0);
	snprintf(arguments, sizeof(arguments), "--quiet --port %u", free_port());
	server_start(set_notify, arguments);
	assert_true(recv(fd, word, sizeof(word) - 1, 0) > 0);
	assert_string_equal(word, "READY=1");
	assert_int_equal(server_end(SIGTERM, said, sizeof(said)), 0);
	memset(word, 0, sizeof(word));
	assert_true(recv(fd, word, sizeof(word) - 1, 0) > 0);
	assert_string_equal(word, "STOPPING=1");
	close(fd);
}

static void errors_name_the_argument(void **state)
{
	static const struct {
		const char *arguments, *text;
	} cases[] = {
		{"load", "missing ADDRESS:PORT"},
		{"load 127.0.0.1", "has no port"},
		{"load 127.0.0.1:0", "too small"},
		{"load 127.0.0.1:99999", "too large"},
		{"load :80", "not an address"},
		{"load ::1:80", "write an IPv6 address as [ADDRESS]:PORT"},
		{"load [::1", "has no port"},
		{"load [::1]80", "has no port"},
		{"load [::1%none]:80", "none"},
		{"load [2001:db8::1]:80", "--remote"},
		{"load [::ffff:192.0.2.1]:80", "--remote"},
		{"load --from 127.0.0.1 [::1]:80", "must be of one family"},
		{"load 192.0.2.1:80", "--remote"},
		{"load --size 5000 127.0.0.1:80", "--size: \"5000\" is too large; at most 4084\n"},
		{"load --depth 33 127.0.0.1:80", "--depth"},
		{"load --depth 32 --size 4000 127.0.0.1:80", "--depth times --size"},
		{"load --mode connect --depth 4 127.0.0.1:80", "--depth"},
		{"load --active 5 127.0.0.1:80", "--mode mix"},
		{"load --mode mix --active 500 127.0.0.1:80", "more than --connections"},
		{"load --from 192.0.2.1 127.0.0.1:80", "is not a local address"},
		{"load --from 127.0.0.2,127.0.0.2 127.0.0.1:80", "127.0.0.2 given twice"},
		{"load --connections 100k 127.0.0.1:80", "--from"},
		{"load --mode dance 127.0.0.1:80", "\"dance\" is not one of"},
		{"load --duration 100ms 127.0.0.1:1", "Connection refused"},
		{"serve --listen 192.0.2.1", "192.0.2.1"},
		{"serve --workers 0", "--workers"},
		{"serve --port 70000", "--port"},
		{"serve --share none", "\"none\" is not one of"},
		{"serve --mode level-mod", "is not one of"},
		{"serve --share leader-follower --mode edge", "needs oneshot"},
		{"serve here", "here"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct output o = run("$PROGRAM %s", cases[i].arguments);
		if (o.status != 3 || !strstr(o.errors, cases[i].text) ||
		    strchr(o.errors, '\n') != o.errors + strlen(o.errors) - 1)
			fail_msg("%s: status %d, %s", cases[i].arguments, o.status, o.errors);
		output_free(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(load_and_serve_agree, teardown),
		cmocka_unit_test_teardown(an_interrupted_load_prints_figures, teardown),
		cmocka_unit_test_teardown(an_ignored_interrupt_does_not_end_it, teardown),
		cmocka_unit_test_teardown(load_waits_for_a_server_that_closes, teardown),
		cmocka_unit_test_teardown(serve_prints_statistics_each_second, teardown),
		cmocka_unit_test_teardown(a_dead_worker_stops_the_server, teardown),
		cmocka_unit_test_teardown(load_reports_a_server_that_dies, teardown),
		cmocka_unit_test_teardown(load_reports_a_rate_it_cannot_reach, teardown),
		cmocka_unit_test_teardown(load_reports_servers_that_do_not_echo, teardown),
		cmocka_unit_test_teardown(serve_takes_over_a_passed_socket, teardown),
		cmocka_unit_test_teardown(serve_refuses_other_sockets, teardown),
		cmocka_unit_test_teardown(serve_notifies_the_service_manager, teardown),
		cmocka_unit_test(errors_name_the_argument),
	};
	loopback_of_its_own();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
