/* Servers that run: nginx, Redis and small ones of this test, in network and process namespaces of
 * their own. They stall while clients arrive, and check names them; they recover, and it does not.
 * All processes end with the process namespace. */
#include "../support/checked.h"
#include "../support/support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <math.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/host.h"
#include "epolltune/listener.h"

#define NGINX_PORT 8080
#define NGINX_PORT6 8081
#define REDIS_PORT 6380
#define APP_PORT 8090
#define OTHERS 200

static char directory[] = "/tmp/listeners.XXXXXX";
static bool isolated;

static void pause_ms(unsigned ms) { usleep(ms * 1000); }

/* Runs fn(arg) in a process that ends with the test. */
static pid_t child_start(void (*fn)(const void *), const void *arg)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fn(arg);
		_exit(1);
	}
	return pid;
}

/* The i-th child of a process, by pid; -1: it has fewer. */
static pid_t child_of(pid_t parent, int i)
{
	char path[64], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	const char *at = text;
	for (; i && at; i--)
		at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL;
	return at && atoi(at) > 0 ? atoi(at) : -1;
}

/* Workers whose master has ended are children of this process, the first of its namespace. */
static int all_end(void **state)
{
	pid_t pid;
	(void)state;
	while (isolated && (pid = child_of(getpid(), 0)) > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return 0;
}

static int begin(void **state)
{
	(void)state;
	if (!isolated)
		skip_because("this needs root and private namespaces");
	return 0;
}

static struct sockaddr_storage address_of(uint16_t port, bool ipv6)
{
	struct sockaddr_storage a = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a;
	if (ipv6)
		*v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
					    .sin6_port = htons(port),
					    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	else
		*v4 = (struct sockaddr_in){.sin_family = AF_INET,
					   .sin_port = htons(port),
					   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return a;
}

/* Clients that arrive all the time, a thousand a second; the oldest leave. */
static void clients_arrive(const void *arg)
{
	static int open[1500];
	const struct sockaddr_storage *to = arg;
	for (size_t i = 0;; i = (i + 1) % 1500) {
		if (open[i])
			close(open[i]);
		open[i] = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(open[i], (const struct sockaddr *)to, sizeof(*to));
		pause_ms(1);
	}
}

static void arrive(uint16_t port, bool ipv6)
{
	struct sockaddr_storage to = address_of(port, ipv6);
	child_start(clients_arrive, &to);
}

/* The largest depth of the sockets at a port; -1: none listens there. */
static int depth_at(uint16_t port)
{
	struct listeners all;
	struct host *h;
	struct err e;
	int depth = -1;
	assert_int_equal(host_open(&h, "/", &e), 0);
	assert_int_equal(listeners_read(h, &all, &e), 0);
	for (size_t i = 0; i < all.count; i++)
		if (all.at[i].port == port && (int)all.at[i].depth > depth)
			depth = (int)all.at[i].depth;
	listeners_free(&all);
	host_close(h);
	return depth;
}

static void wait_listening(uint16_t port)
{
	for (int i = 0; i < 500 && depth_at(port) < 0; i++)
		pause_ms(20);
	assert_true(depth_at(port) >= 0);
}

static void wait_depth(uint16_t port, int depth)
{
	for (int i = 0; i < 500 && depth_at(port) < depth; i++)
		pause_ms(20);
	assert_true(depth_at(port) >= depth);
}

static void wait_drained(uint16_t port)
{
	for (int i = 0; i < 500 && depth_at(port) > 8; i++)
		pause_ms(20);
	assert_true(depth_at(port) <= 8);
}

static void file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static bool installed(const char *program)
{
	struct output o = run("command -v %s", program);
	bool found = !o.status;
	output_free(&o);
	return found;
}

static void quiet(void)
{
	int null = open("/dev/null", O_RDWR);
	dup2(null, 0), dup2(null, 1), dup2(null, 2);
}

static void nginx_run(const void *arg)
{
	quiet();
	execlp("nginx", "nginx", "-c", (const char *)arg, (char *)NULL);
}

/* The i-th worker of a server, as soon as it is there. */
static pid_t worker_of(pid_t master, int i)
{
	for (int tries = 0; tries < 500; tries++, pause_ms(20))
		if (child_of(master, i) > 0)
			return child_of(master, i);
	fail_msg("process %d has no worker %d", master, i);
	return -1;
}

/* nginx at its default backlog; returns its master. */
static pid_t nginx_start(int workers, const char *options)
{
	static char path[128];
	char text[1024];
	if (!installed("nginx"))
		skip_because("nginx is not installed");
	snprintf(path, sizeof(path), "%s/nginx.conf", directory);
	snprintf(text, sizeof(text),
		 "daemon off; user root; worker_processes %d; pid %s/pid; error_log /dev/null;\n"
		 "events { worker_connections 8192; }\n"
		 "http { access_log off; client_body_temp_path %s/1; proxy_temp_path %s/2;\n"
		 "fastcgi_temp_path %s/3; uwsgi_temp_path %s/4; scgi_temp_path %s/5;\n"
		 "server { listen %d%s; listen [::]:%d%s; return 200; } }\n",
		 workers, directory, directory, directory, directory, directory, directory,
		 NGINX_PORT, options, NGINX_PORT6, options);
	file_write(path, text);
	pid_t master = child_start(nginx_run, path);
	wait_listening(NGINX_PORT);
	wait_listening(NGINX_PORT6);
	return master;
}

static struct checked check(const char *options)
{
	return checked_parse(run("$PROGRAM check --format json --probe listeners %s", options));
}

static const char *answer_of(const struct checked *c)
{
	return checked_text(json_object_get(c->report, "summary"), "answer");
}

static void contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void assert_overflowing(const struct checked *c, const char *listener, int depth)
{
	char full[32];
	json_t *f = checked_finding(c, "accept-queue.overflowing");
	const char *title = checked_text(f, "title");
	assert_int_equal(c->status, 2);
	assert_string_equal(checked_text(f, "level"), "critical");
	snprintf(full, sizeof(full), "(%d of %d)", depth, depth);
	if (strncmp(title, listener, strlen(listener)) != 0)
		fail_msg("\"%s\" is not about %s", title, listener);
	contains(title, full);
	double dropped = checked_evidence(f, "packets dropped", "at_current");
	double counted = checked_evidence(f, "ListenOverflows", "at_current");
	assert_true(dropped > 0);
	if (fabs(dropped - counted) > 0.1 * counted)
		fail_msg("%g packets dropped, %g counted", dropped, counted);
	assert_true(checked_evidence(f, "accept queue", "at_current") == depth);
	assert_true(checked_evidence(f, "its limit", "at_current") == depth - 1);
}

static void assert_well(const struct checked *c)
{
	size_t i;
	json_t *f;
	json_array_foreach(json_object_get(c->report, "findings"), i, f)
	{
		if (strcmp(checked_text(f, "level"), "note") != 0)
			fail_msg("%s: %s", checked_text(f, "id"), checked_text(f, "title"));
	}
	assert_int_equal(c->status, 0);
	assert_string_equal(answer_of(c), "Ready for this target, with --probe listeners only.");
}

/* Its listener, as check names it. */
static const char *named(const char *process, pid_t pid, const char *address)
{
	static char text[128];
	snprintf(text, sizeof(text), "%s (pid %d) on %s: ", process, pid, address);
	return text;
}

static void a_stopped_nginx_is_named(void **state)
{
	(void)state;
	pid_t worker = worker_of(nginx_start(1, ""), 0);
	kill(worker, SIGSTOP);
	arrive(NGINX_PORT, false);
	wait_depth(NGINX_PORT, 512);

	struct checked c = check("");
	assert_overflowing(&c, named("nginx", worker, "0.0.0.0:8080"), 512);
	json_t *f = checked_finding(&c, "accept-queue.overflowing");
	assert_string_equal(checked_text(f, "remedy"), "application");
	contains(checked_text(f, "detail"), "nginx's default backlog is 511");
	f = checked_finding(&c, "accept-queue.slow");
	contains(checked_text(f, "title"), "in 10 of 10 samples");
	contains(checked_text(f, "detail"), "is stopped (state T)");
	assert_string_equal(answer_of(&c), "Not ready: nginx is dropping connections now.");
	checked_free(&c);

	/* As a whole, for monitoring, with a small target. */
	struct output o = run("$PROGRAM check --format line --connections 10 --rate 10");
	assert_int_equal(o.status, 2);
	contains(o.out, "EPOLLTUNE CRITICAL - Not ready: nginx is dropping connections now. "
			"accept-queue.overflowing: nginx (pid ");
	output_free(&o);

	/* One sample shows the queue, not the drops. */
	c = check("--quick");
	assert_int_equal(c.status, 1);
	contains(checked_text(checked_finding(&c, "accept-queue.full"), "title"),
		 named("nginx", worker, "0.0.0.0:8080"));
	checked_free(&c);

	kill(worker, SIGCONT);
	wait_drained(NGINX_PORT);
	c = check("");
	assert_well(&c);
	checked_free(&c);
}

/* Its process is hidden, its queue is not. */
static void an_ordinary_user_sees_the_queue(void **state)
{
	(void)state;
	kill(worker_of(nginx_start(1, ""), 0), SIGSTOP);
	arrive(NGINX_PORT, false);
	wait_depth(NGINX_PORT, 512);
	struct checked c = checked_parse(run(PROGRAM_FOR_ALL
					     "setpriv --reuid 65534 --regid 65534 --clear-groups "
					     "$PROGRAM check --format json --probe listeners"));
	assert_overflowing(&c, "0.0.0.0:8080: ", 512);
	contains(checked_text(checked_finding(&c, "listeners.hidden"), "advice"), "as root");
	assert_string_equal(answer_of(&c), "Not ready: 0.0.0.0:8080 is dropping connections now.");
	checked_free(&c);
}

static void others_listen(const void *arg)
{
	(void)arg;
	for (int i = 0; i < OTHERS; i++) {
		struct sockaddr_storage a = address_of((uint16_t)(20000 + i), false);
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 16))
			_exit(1);
	}
	pause();
}

static void one_of_many_listeners_is_named_over_ipv6(void **state)
{
	(void)state;
	child_start(others_listen, NULL);
	wait_listening(20000 + OTHERS - 1);
	pid_t worker = worker_of(nginx_start(1, ""), 0);
	kill(worker, SIGSTOP);
	arrive(NGINX_PORT6, true);
	wait_depth(NGINX_PORT6, 512);
	struct checked c = check("");
	assert_overflowing(&c, named("nginx", worker, "[::]:8081"), 512);
	assert_true(checked_has_finding(&c, "accept-queue.slow"));
	checked_free(&c);
}

/* A stuck worker strands its share of a SO_REUSEPORT group, which is named once. */
static void a_stuck_worker_of_a_group_is_named(void **state)
{
	(void)state;
	pid_t master = nginx_start(2, " reuseport");
	pid_t stuck = worker_of(master, 1);
	kill(stuck, SIGSTOP);
	arrive(NGINX_PORT, false);
	wait_depth(NGINX_PORT, 512);
	struct checked c = check("");
	assert_overflowing(&c, named("nginx", stuck, "0.0.0.0:8080"), 512);
	json_t *f = checked_finding(&c, "accept-queue.overflowing");
	contains(checked_text(f, "detail"), "1 of 2 sockets of this address (SO_REUSEPORT)");
	contains(checked_text(checked_finding(&c, "accept-queue.slow"), "detail"),
		 "is stopped (state T)");
	checked_free(&c);
}

static void redis_run(const void *arg)
{
	(void)arg;
	quiet();
	if (!chdir(directory))
		execlp("redis-server", "redis-server", "--port", "6380", "--save", "",
		       "--tcp-backlog", "511", (char *)NULL);
}

static void somaxconn_limits_redis(void **state)
{
	(void)state;
	if (!installed("redis-server"))
		skip_because("redis-server is not installed");
	file_write("/proc/sys/net/core/somaxconn", "128\n");
	pid_t redis = child_start(redis_run, NULL);
	wait_listening(REDIS_PORT);
	kill(redis, SIGSTOP);
	arrive(REDIS_PORT, false);
	wait_depth(REDIS_PORT, 129);
	struct checked c = check("--connections 10 --rate 10");
	file_write("/proc/sys/net/core/somaxconn", "4096\n");
	json_t *f = checked_finding(&c, "accept-queue.overflowing");
	contains(checked_text(f, "title"), "redis-server (pid ");
	contains(checked_text(f, "title"), "(129 of 129)");
	assert_string_equal(checked_text(f, "remedy"), "kernel");
	assert_string_equal(checked_text(f, "knob"), "net.core.somaxconn");
	contains(checked_text(f, "detail"), "Redis's default backlog is 511");
	assert_int_equal(c.status, 2);
	checked_free(&c);
}

static void unix_address(struct sockaddr_un *a)
{
	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(a->sun_path, sizeof(a->sun_path), "%s/app.sock", directory);
}

/* Accepts nothing. */
static void unix_serve(const void *arg)
{
	struct sockaddr_un a;
	(void)arg;
	prctl(PR_SET_NAME, "gunicorn");
	unix_address(&a);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 16))
		_exit(1);
	pause();
}

static void a_full_unix_listener_is_named(void **state)
{
	(void)state;
	struct sockaddr_un a;
	char listener[200];
	int clients[17];
	pid_t server = child_start(unix_serve, NULL);
	unix_address(&a);
	for (int i = 0; i < 17; i++) {
		clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		int rc = -1;
		for (int tries = 0; rc && tries < 500; tries++) {
			rc = connect(clients[i], (struct sockaddr *)&a, sizeof(a));
			if (rc)
				pause_ms(20);
		}
		assert_int_equal(rc, 0);
	}
	struct checked c = check("");
	snprintf(listener, sizeof(listener),
		 "gunicorn (pid %d) on unix:%s: its accept queue is full (17 of 17)", server,
		 a.sun_path);
	json_t *f = checked_finding(&c, "accept-queue.unix.full");
	contains(checked_text(f, "title"), listener);
	contains(checked_text(f, "detail"), "in 10 of 10 samples");
	assert_int_equal(c.status, 1);
	assert_string_equal(answer_of(&c), "Ready, but the accept queue of gunicorn is full.");
	checked_free(&c);
	for (int i = 0; i < 17; i++)
		close(clients[i]);
	unlink(a.sun_path);
}

/* Accepts until EMFILE, and then tries again and again. */
static void limited_serve(const void *arg)
{
	struct rlimit files = {1024, 4096};
	struct sockaddr_storage a = address_of(APP_PORT, false);
	int one = 1;
	(void)arg;
	prctl(PR_SET_NAME, "pooler");
	setrlimit(RLIMIT_NOFILE, &files);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 2048))
		_exit(1);
	for (;;)
		if (accept(fd, NULL, NULL) < 0)
			pause_ms(1);
}

static void clients_stay(const void *arg)
{
	struct sockaddr_storage a = address_of(APP_PORT, false);
	(void)arg;
	for (int i = 0; i < 1200; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
			_exit(1);
	}
	pause();
}

static void a_process_at_its_limit_is_named(void **state)
{
	(void)state;
	char title[96];
	pid_t server = child_start(limited_serve, NULL);
	wait_listening(APP_PORT);
	child_start(clients_stay, NULL);
	wait_depth(APP_PORT, 100);
	struct checked c = check("");
	json_t *f = checked_finding(&c, "descriptors.process.exhausted");
	snprintf(title, sizeof(title), "pooler (pid %d) has 1 024 of 1 024 descriptors open",
		 server);
	contains(checked_text(f, "title"), title);
	contains(checked_text(f, "advice"), "LimitNOFILE=4096");
	assert_string_equal(checked_text(f, "remedy"), "process");
	assert_string_equal(checked_text(f, "current"), "1024 4096");
	assert_int_equal(c.status, 2);
	assert_string_equal(answer_of(&c), "Not ready: pooler is at its descriptor limit.");
	checked_free(&c);
	c = check("--quick");
	assert_true(checked_has_finding(&c, "descriptors.process.exhausted"));
	assert_int_equal(c.status, 2);
	checked_free(&c);
}

/* Full listeners that come and go. */
static void listeners_flicker(const void *arg)
{
	(void)arg;
	for (uint16_t i = 0;; i = (uint16_t)(i + 1) % 100) {
		struct sockaddr_storage a = address_of((uint16_t)(21000 + i), false);
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		int clients[4];
		if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 1) == 0)
			pause_ms(1);
		for (int k = 0; k < 4; k++) {
			clients[k] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
			connect(clients[k], (struct sockaddr *)&a, sizeof(a));
		}
		pause_ms(20);
		close(fd);
		for (int k = 0; k < 4; k++)
			close(clients[k]);
	}
}

static void listeners_that_vanish_do_no_harm(void **state)
{
	(void)state;
	child_start(listeners_flicker, NULL);
	for (int i = 0; i < 3; i++) {
		struct checked c = check("");
		assert_false(checked_has_finding(&c, "probe.failed"));
		assert_true(c.status <= 2);
		checked_free(&c);
	}
}

static void a_healthy_machine_is_ready(void **state)
{
	(void)state;
	struct checked c = check("");
	assert_well(&c);
	checked_free(&c);
}

/* Experiments over loopback overflow a queue of this namespace, after the quiet window. */
static void experiments_are_not_blamed(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct checked c = checked_parse(
			run("$PROGRAM check --format json --in-place --no-proof --backlog 16 "
			    "--probe listeners,counters,accept-queue"));
		checked_finding(&c, "accept-queue.short");
		assert_false(checked_has_finding(&c, "accept-queue.overflowing"));
		assert_false(checked_has_finding(&c, "counters.growing"));
		/* The second check counts the losses of the first. */
		assert_true(checked_has_finding(&c, "counters.past") == (i > 0));
		checked_free(&c);
	}
}

/* Makes the namespaces; false: this machine does not allow them. */
static bool isolate(void)
{
	return geteuid() == 0 && unshare(CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS) == 0;
}

/* The first process of the namespace: all others end with it. */
static bool settle(void)
{
	struct rlimit files;
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	bool up = ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	close(fd);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	return up && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("proc", "/proc", "proc", 0, NULL) == 0 &&
	       mount("none", directory, "tmpfs", 0, "mode=755") == 0;
}

static int all_run(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, all_end)
	const struct CMUnitTest tests[] = {
		TEST(a_healthy_machine_is_ready),
		TEST(experiments_are_not_blamed),
		TEST(a_stopped_nginx_is_named),
		TEST(an_ordinary_user_sees_the_queue),
		TEST(one_of_many_listeners_is_named_over_ipv6),
		TEST(a_stuck_worker_of_a_group_is_named),
		TEST(somaxconn_limits_redis),
		TEST(a_full_unix_listener_is_named),
		TEST(a_process_at_its_limit_is_named),
		TEST(listeners_that_vanish_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	int status = 1;
	isolated = isolate();
	if (!isolated)
		return all_run();
	if (!mkdtemp(directory))
		return 1;
	fflush(NULL);
	pid_t pid = fork();
	if (!pid) {
		isolated = settle();
		exit(all_run());
	}
	if (pid > 0 && waitpid(pid, &status, 0) == pid)
		status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	umount2(directory, MNT_DETACH);
	/* No process can start here any more, also not LeakSanitizer's. */
	_exit(rmdir(directory) ? 1 : status);
}
