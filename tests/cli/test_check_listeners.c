/* Servers that run: nginx, Redis and small ones of this test, in network and process namespaces of
 * their own. They stall while clients arrive, and check names them; they recover, and it does not.
 * All processes end with the process namespace. */
#include "../support/servers.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define REDIS_PORT 6380
#define APP_PORT 8090
#define OTHERS 200

static struct checked check(const char *options)
{
	return checked_parse(run("$PROGRAM check --format json --probe listeners %s", options));
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
	assert_contains(title, full);
	double dropped = checked_evidence(f, "packets dropped", "at_current");
	double counted = checked_evidence(f, "ListenOverflows of the namespace", "at_current");
	assert_true(dropped > 0);
	/* In a window, whose ends are two reads each. */
	if (dropped > 3 * counted || counted > 3 * dropped)
		fail_msg("%g packets dropped, %g counted", dropped, counted);
	assert_true(checked_evidence(f, "accept queue", "at_current") == depth);
	assert_true(checked_evidence(f, "its capacity", "at_current") == depth);
}

static void assert_well(const struct checked *c)
{
	assert_healthy(c);
	assert_string_equal(answer_of(c), "Ready for this target, with --probe listeners only.");
}

static void a_stopped_nginx_is_named(void **state)
{
	char stopped[64];
	pid_t master = nginx_start(1, ""), worker = worker_of(master, 0);
	kill(worker, SIGSTOP);
	arrive(NGINX_PORT, false);
	wait_depth(NGINX_PORT, 512);

	struct checked c = check("");
	assert_overflowing(&c, named("nginx", master, "0.0.0.0:8080"), 512);
	json_t *f = checked_finding(&c, "accept-queue.overflowing");
	assert_string_equal(checked_text(f, "remedy"), "application");
	assert_contains(checked_text(f, "detail"), "nginx's default backlog is 511");
	f = checked_finding(&c, "accept-queue.slow");
	assert_contains(checked_text(f, "title"), "in 10 of 10 samples");
	snprintf(stopped, sizeof(stopped), "Its worker (pid %d) is stopped (state T)", worker);
	assert_contains(checked_text(f, "detail"), stopped);
	assert_string_equal(answer_of(&c), "Not ready: nginx is dropping connections now.");
	checked_free(&c);

	/* As a whole, for monitoring, with a small target. */
	struct output o = run("$PROGRAM check --format line --connections 10 --rate 10");
	assert_int_equal(o.status, 2);
	assert_contains(o.out, "EPOLLTUNE CRITICAL - Not ready: nginx is dropping connections now. "
			       "accept-queue.overflowing: nginx (pid ");
	output_free(&o);

	/* One sample shows the queue and the state, not the drops. */
	c = check("--quick");
	assert_int_equal(c.status, 2);
	assert_contains(checked_text(checked_finding(&c, "accept-queue.full"), "title"),
			named("nginx", master, "0.0.0.0:8080"));
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
	kill(worker_of(nginx_start(1, ""), 0), SIGSTOP);
	arrive(NGINX_PORT, false);
	wait_depth(NGINX_PORT, 512);
	struct checked c = checked_parse(run(PROGRAM_FOR_ALL
					     "setpriv --reuid 65534 --regid 65534 --clear-groups "
					     "$PROGRAM check --format json --probe listeners"));
	assert_overflowing(&c, "0.0.0.0:8080: ", 512);
	assert_contains(checked_text(checked_finding(&c, "listeners.hidden"), "advice"), "as root");
	assert_string_equal(answer_of(&c), "Not ready: 0.0.0.0:8080 is dropping connections now.");
	checked_free(&c);
}

static void others_listen(const void *arg)
{
	for (int i = 0; i < OTHERS; i++)
		listen_at((uint16_t)(20000 + i), 16);
	pause();
}

static void one_of_many_listeners_is_named_over_ipv6(void **state)
{
	child_start(others_listen, NULL);
	wait_listening(20000 + OTHERS - 1);
	pid_t master = nginx_start(1, ""), worker = worker_of(master, 0);
	kill(worker, SIGSTOP);
	arrive(NGINX_PORT6, true);
	wait_depth(NGINX_PORT6, 512);
	struct checked c = check("");
	assert_overflowing(&c, named("nginx", master, "[::]:8081"), 512);
	assert_true(checked_has_finding(&c, "accept-queue.slow"));
	checked_free(&c);
}

/* A stuck worker strands its share of a SO_REUSEPORT group, which is named once. */
static void a_stuck_worker_of_a_group_is_named(void **state)
{
	pid_t master = nginx_start(2, " reuseport");
	pid_t stuck = worker_of(master, 1);
	kill(stuck, SIGSTOP);
	arrive(NGINX_PORT, false);
	wait_depth(NGINX_PORT, 512);
	struct checked c = check("");
	assert_overflowing(&c, named("nginx", master, "0.0.0.0:8080"), 512);
	json_t *f = checked_finding(&c, "accept-queue.overflowing");
	assert_contains(checked_text(f, "detail"), "1 of 2 sockets of this address (SO_REUSEPORT)");
	assert_contains(checked_text(checked_finding(&c, "accept-queue.slow"), "detail"),
			"is stopped (state T)");
	checked_free(&c);
}

static void somaxconn_limits_redis(void **state)
{
	must_have("redis-server");
	file_write("/proc/sys/net/core/somaxconn", "128\n");
	pid_t redis = program_spawn((const char *[]){"redis-server", "--port", "6380", "--save", "",
						     "--tcp-backlog", "511", NULL});
	wait_listening(REDIS_PORT);
	kill(redis, SIGSTOP);
	arrive(REDIS_PORT, false);
	wait_depth(REDIS_PORT, 129);
	struct checked c = check("--connections 10 --rate 10");
	file_write("/proc/sys/net/core/somaxconn", "4096\n");
	json_t *f = checked_finding(&c, "accept-queue.overflowing");
	assert_contains(checked_text(f, "title"), "redis-server (pid ");
	assert_contains(checked_text(f, "title"), "(129 of 129)");
	assert_contains(checked_text(f, "detail"), "net.core.somaxconn (128) is the limit");
	assert_contains(checked_text(f, "detail"), "Redis's default backlog is 511");
	/* It is stopped: no longer queue helps. */
	assert_string_equal(checked_text(f, "remedy"), "application");
	assert_true(checked_has_finding(&c, "accept-queue.slow"));
	assert_int_equal(c.status, 2);
	checked_free(&c);
}

/* With a firewall of its own, which no packet passes: a client that came before it would wait in
 * the accept queue. */
static void filter_serves(const void *arg)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog filter = {1, &nothing};
	prctl(PR_SET_NAME, "filtered");
	int fd = bind_at(APP_PORT);
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) ||
	    listen(fd, 128))
		_exit(1);
	pause();
}

static void clients_knock(const void *arg)
{
	struct sockaddr_storage a = address_of(APP_PORT, false);
	for (;;) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fd, (struct sockaddr *)&a, sizeof(a));
		pause_ms(2);
		close(fd);
	}
}

static void a_listener_behind_a_filter_is_named(void **state)
{
	char title[96];
	pid_t server = child_start(filter_serves, NULL);
	wait_listening(APP_PORT);
	child_start(clients_knock, NULL);
	struct checked c = check("");
	json_t *f = checked_finding(&c, "syn-queue.filtered");
	snprintf(title, sizeof(title), "filtered (pid %d) on 127.0.0.1:8090 drops ", (int)server);
	assert_contains(checked_text(f, "title"), title);
	assert_string_equal(
		answer_of(&c),
		"filtered drops the packets of clients before its queues; otherwise ready "
		"for this target, with --probe listeners only.");
	checked_free(&c);
}

/* Accepts nothing. */
static void unix_serve(const void *arg)
{
	struct sockaddr_un a = unix_address_of("app.sock");
	prctl(PR_SET_NAME, "gunicorn");
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 16))
		_exit(1);
	pause();
}

static void a_full_unix_listener_is_named(void **state)
{
	struct sockaddr_un a = unix_address_of("app.sock");
	char listener[200];
	int clients[17];
	pid_t server = child_start(unix_serve, NULL);
	for (int i = 0; i < 17; i++) {
		clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		int rc;
		WAIT_UNTIL((rc = connect(clients[i], (struct sockaddr *)&a, sizeof(a))) == 0);
		assert_int_equal(rc, 0);
	}
	struct checked c = check("");
	snprintf(listener, sizeof(listener),
		 "gunicorn (pid %d) on unix:%s: its accept queue is full (17 of 17)", server,
		 a.sun_path);
	json_t *f = checked_finding(&c, "accept-queue.unix.full");
	assert_contains(checked_text(f, "title"), listener);
	assert_contains(checked_text(f, "detail"), "in 10 of 10 samples");
	assert_int_equal(c.status, 2);
	assert_string_equal(answer_of(&c), "Not ready: the accept queue of gunicorn is full.");
	checked_free(&c);
	for (int i = 0; i < 17; i++)
		close(clients[i]);
	unlink(a.sun_path);
}

/* Accepts 4/s. */
static void unix_serve_slowly(const void *arg)
{
	struct sockaddr_un a = unix_address_of("app.sock");
	prctl(PR_SET_NAME, "slow");
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 128))
		_exit(1);
	for (;;) {
		close(accept(fd, NULL, NULL));
		pause_ms(250);
	}
}

/* Fewer than are named without a rate. All are served in 22 s: some wait for half of the check
 * where that takes forty times its second. */
#define UNIX_CLIENTS 90

/* They connect again as soon as they are served, and wait in the order in which they come. */
static void unix_clients_return(const void *arg)
{
	struct sockaddr_un a = unix_address_of("app.sock");
	int clients[UNIX_CLIENTS] = {0};
	char end;
	for (int i = 0;; i = (i + 1) % UNIX_CLIENTS) {
		if (clients[i] && read(clients[i], &end, 1) == 0)
			close(clients[i]);
		clients[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(clients[i], (struct sockaddr *)&a, sizeof(a)))
			_exit(1);
	}
}

/* The queue has room, and some are accepted all the time: who waits shows for how long. */
static void a_unix_queue_that_is_never_empty_is_named(void **state)
{
	struct sockaddr_un a = unix_address_of("app.sock");
	char listener[200];
	pid_t server = child_start(unix_serve_slowly, NULL);
	WAIT_UNTIL(access(a.sun_path, F_OK) == 0);
	child_start(unix_clients_return, NULL);
	snprintf(listener, sizeof(listener), "unix:%s", a.sun_path);
	WAIT_UNTIL(depth_of(listener) >= UNIX_CLIENTS - 2);
	struct checked c = check("");
	snprintf(listener, sizeof(listener), "slow (pid %d) on unix:%s accepts ", server,
		 a.sun_path);
	json_t *f = checked_finding(&c, "accept-queue.standing");
	assert_contains(checked_text(f, "title"), listener);
	assert_string_equal(checked_text(f, "level"), "warning");
	assert_int_equal(c.status, 1);
	checked_free(&c);
	unlink(a.sun_path);
}

/* Accepts until EMFILE, and then tries again and again. */
static void limited_serve(const void *arg)
{
	struct rlimit files = {1024, 4096};
	prctl(PR_SET_NAME, "pooler");
	setrlimit(RLIMIT_NOFILE, &files);
	int fd = listen_at(APP_PORT, 2048);
	for (;;)
		if (accept(fd, NULL, NULL) < 0)
			pause_ms(1);
}

static void clients_stay(const void *arg)
{
	struct sockaddr_storage a = address_of(APP_PORT, false);
	for (int i = 0; i < 1200; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
			_exit(1);
	}
	pause();
}

static void a_process_at_its_limit_is_named(void **state)
{
	char title[96];
	pid_t server = child_start(limited_serve, NULL);
	wait_listening(APP_PORT);
	child_start(clients_stay, NULL);
	wait_depth(APP_PORT, 100);
	struct checked c = check("");
	json_t *f = checked_finding(&c, "descriptors.process.exhausted");
	snprintf(title, sizeof(title), "pooler (pid %d) has 1 024 of 1 024 descriptors open",
		 server);
	assert_contains(checked_text(f, "title"), title);
	assert_contains(checked_text(f, "advice"), "LimitNOFILE=4096");
	assert_string_equal(checked_text(f, "remedy"), "process");
	assert_string_equal(checked_text(f, "current"), "1024 4096");
	assert_int_equal(c.status, 2);
	assert_string_equal(answer_of(&c), "Not ready: pooler is at its limit on descriptors.");
	checked_free(&c);
	c = check("--quick");
	assert_true(checked_has_finding(&c, "descriptors.process.exhausted"));
	assert_int_equal(c.status, 2);
	checked_free(&c);
}

static int descriptors_of(pid_t pid)
{
	char command[64];
	snprintf(command, sizeof(command), "ls /proc/%d/fd | wc -l", (int)pid);
	struct output o = run("%s", command);
	int count = atoi(o.out);
	output_free(&o);
	return count;
}

/* Closes the listener, as a worker that drains after a reload, and goes on. */
static int drained = -1;
static void drain(int signal)
{
	(void)signal;
	close(drained);
}

/* Two workers that share a listener; the second has no descriptor left. */
static void pair_serves(const void *arg)
{
	const struct rlimit files = {64, 64};
	(void)arg;
	prctl(PR_SET_NAME, "pair");
	int fd = drained = listen_at(APP_PORT, 128);
	signal(SIGUSR1, drain);
	for (int i = 0; i < 2; i++)
		if (!fork()) {
			setrlimit(RLIMIT_NOFILE, &files);
			while (i && dup(fd) >= 0)
				;
			for (;;)
				pause();
		}
	for (;;)
		pause();
}

static void each_worker_is_watched(void **state)
{
	char row[64];
	pid_t master = child_start(pair_serves, NULL);
	wait_listening(APP_PORT);
	pid_t first = worker_of(master, 0), second = worker_of(master, 1);
	WAIT_UNTIL(descriptors_of(second) >= 64);
	wait_asleep();
	struct output o = run("$PROGRAM watch --interval 100ms --count 1");
	snprintf(row, sizeof(row), "SHORT descriptors.process pair %d files: ", (int)second);
	assert_contains(o.out, row);
	assert_int_equal(o.status, 2);
	output_free(&o);
	/* The one that drains has a row no more. */
	o = run("$PROGRAM watch --interval 100ms --count 600 --format jsonl >lines & watch=$!; "
		"until tail -n 1 lines | grep '\"pair %d files\"'; do kill -0 $watch || break; sleep 0.05; done; "
		"kill -USR1 %d; echo drains; "
		"until tail -n 1 lines | grep '\"rows\"' | grep -v '\"pair %d files\"'; do "
		"kill -0 $watch || break; sleep 0.05; done; kill $watch; wait $watch; rm lines",
		(int)first, (int)first, (int)first);
	snprintf(row, sizeof(row), "\"pair %d files\"", (int)first);
	const char *drains = strstr(o.out, "drains");
	if (!drains || !strstr(o.out, row) || strstr(o.out, row) > drains || strstr(drains, row))
		fail_msg("%s: %s", row, o.out);
	snprintf(row, sizeof(row), "\"pair %d files\"", (int)second);
	assert_contains(drains, row);
	output_free(&o);
}

/* As libuv does: at EMFILE it closes a descriptor that it keeps in reserve, accepts and closes. */
static void reserve_serves(const void *arg)
{
	struct rlimit files = {64, 64};
	prctl(PR_SET_NAME, "closer");
	setrlimit(RLIMIT_NOFILE, &files);
	int fd = listen_at(APP_PORT, 2048), reserve = dup(fd);
	while (dup(reserve) >= 0)
		;
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		poll(&p, 1, -1);
		close(reserve);
		close(accept(fd, NULL, NULL));
		reserve = dup(fd);
	}
}

static void a_process_that_closes_at_once_is_named(void **state)
{
	child_start(reserve_serves, NULL);
	wait_listening(APP_PORT);
	struct checked c = {0};
	/* Until it has taken all. */
	for (int i = 0; i < 200; i++) {
		c = check("--quick");
		if (c.status)
			break;
		checked_free(&c);
	}
	assert_int_equal(depth_at(APP_PORT), 0);
	json_t *f = checked_finding(&c, "descriptors.process.exhausted");
	assert_contains(checked_text(f, "title"), " of 64 descriptors open");
	assert_string_equal(checked_text(f, "level"), "warning");
	assert_int_equal(c.status, 1);
	checked_free(&c);
	c = check("--server closer");
	assert_string_equal(answer_of(&c), "Not ready: closer is at its limit on descriptors.");
	assert_int_equal(c.status, 2);
	checked_free(&c);
}

/* Full listeners that come and go. */
static void listeners_flicker(const void *arg)
{
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

static void asks_again(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(APP_PORT),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	for (char end;;) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (const struct sockaddr *)&to, sizeof(to)))
			_exit(1);
		(void)!read(fd, &end, 1);
		close(fd);
	}
}

/* One at a time, for three clients, at one of two listeners. */
static void serves_in_turn(const void *unused)
{
	int fd = listen_at(APP_PORT, 128), other = listen_at(APP_PORT + 1, 128);
	(void)unused;
	(void)other;
	prctl(PR_SET_NAME, "turns");
	for (int i = 0; i < 3; i++)
		if (!fork()) {
			close(fd);
			prctl(PR_SET_NAME, "client");
			asks_again();
		}
	for (;;) {
		int client = accept(fd, NULL, NULL);
		pause_ms(10);
		close(client);
	}
}

static void clients_that_come_again_are_served(void **state)
{
	child_start(serves_in_turn, NULL);
	wait_depth(APP_PORT, 2);
	for (int i = 0; i < 2; i++) {
		struct checked c = check(i ? "" : "--rate 10 --server turns");
		assert_false(checked_has_finding(&c, "accept-queue.waiting"));
		assert_int_equal(c.status, 0);
		checked_free(&c);
	}
}

static void listeners_that_vanish_do_no_harm(void **state)
{
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
	struct checked c = check("");
	assert_well(&c);
	checked_free(&c);
}

/* Experiments over loopback overflow a queue of this namespace, after the quiet window. */
static void experiments_are_not_blamed(void **state)
{
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

static int all_run(void)
{
	const struct CMUnitTest tests[] = {
		SERVERS_TEST(a_healthy_machine_is_ready),
		SERVERS_TEST(experiments_are_not_blamed),
		SERVERS_TEST(a_stopped_nginx_is_named),
		SERVERS_TEST(an_ordinary_user_sees_the_queue),
		SERVERS_TEST(one_of_many_listeners_is_named_over_ipv6),
		SERVERS_TEST(a_stuck_worker_of_a_group_is_named),
		SERVERS_TEST(somaxconn_limits_redis),
		SERVERS_TEST(a_listener_behind_a_filter_is_named),
		SERVERS_TEST(a_full_unix_listener_is_named),
		SERVERS_TEST(a_unix_queue_that_is_never_empty_is_named),
		SERVERS_TEST(a_process_at_its_limit_is_named),
		SERVERS_TEST(each_worker_is_watched),
		SERVERS_TEST(a_process_that_closes_at_once_is_named),
		SERVERS_TEST(clients_that_come_again_are_served),
		SERVERS_TEST(listeners_that_vanish_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void) { return servers_main(all_run); }
