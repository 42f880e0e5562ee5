/* check --server beside real servers: who is meant, and that the walls are its own. */
#include "../support/servers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define APP_PORT 8090
#define PROXIED_PORT 8120
#define QUICK "--quick --format json "

static struct checked judged(const char *options, const char *who)
{
	return checked_parse(run("$PROGRAM check " QUICK "%s --server %s", options, who));
}

static void refused(const char *options, const char *who, const char *why)
{
	struct output o = run("$PROGRAM check --quick %s --server '%s'", options, who);
	assert_int_equal(o.status, 3);
	assert_string_equal(o.out, "");
	if (!strstr(o.errors, why))
		fail_msg("--server %s: \"%s\" is not in \"%s\"", who, why, o.errors);
	assert_ptr_equal(strchr(o.errors, '\n'), o.errors + strlen(o.errors) - 1);
	output_free(&o);
}

static const char *server_text(const struct checked *c, const char *key)
{
	return checked_text(json_object_get(c->report, "server"), key);
}

static json_t *running_wall(const struct checked *c, const char *name)
{
	json_t *w = checked_wall(c, name);
	assert_string_equal(checked_text(w, "method"), "running");
	return w;
}

/* The same server, asked for in so many ways. */
static void each_name_means_the_server(void **state)
{
	char names[16][128];
	size_t count = 0;
	pid_t master = nginx_start(2, "");
	snprintf(names[count++], 128, "nginx");
	snprintf(names[count++], 128, "NGINX");
	snprintf(names[count++], 128, "%d", master);
	snprintf(names[count++], 128, "%d", worker_of(master, 1));
	snprintf(names[count++], 128, ":%d", NGINX_PORT);
	snprintf(names[count++], 128, "127.0.0.1:%d", NGINX_PORT);
	snprintf(names[count++], 128, "0.0.0.0:%d", NGINX_PORT);
	snprintf(names[count++], 128, "[::1]:%d", NGINX_PORT6);
	for (size_t i = 0; i < count; i++) {
		struct checked c = judged("", names[i]);
		json_t *server = json_object_get(c.report, "server");
		assert_string_equal(server_text(&c, "asked"), names[i]);
		assert_string_equal(server_text(&c, "name"), "nginx");
		assert_int_equal(checked_number(server, "pid"), master);
		assert_int_equal(checked_number(server, "processes"), 2);
		json_t *w = running_wall(&c, "accept-queue");
		assert_int_equal(checked_number(w, "limit"), 512);
		assert_int_equal(checked_number(w, "needed"), 1000);
		assert_string_equal(checked_text(w, "verdict"), "short");
		assert_int_equal(c.status, 2);
		json_t *f = checked_finding(&c, "accept-queue.short");
		char title[128];
		snprintf(title, sizeof(title), "nginx (pid %d) on ", master);
		assert_contains(checked_text(f, "title"), title);
		assert_contains(checked_text(f, "title"),
				" has backlog 511; this load needs 1 000");
		assert_contains(checked_text(f, "advice"), "nginx: listen ADDRESS backlog=2048;");
		assert_false(checked_has_finding(&c, "accept-queue.application"));
		checked_free(&c);
	}
}

static void who_is_not_there_is_refused(void **state)
{
	nginx_start(1, "");
	refused("", "nosuch",
		"--server nosuch: no such process: processes that listen here: nginx");
	refused("", "8080", "--server 8080: no such process: for a port write :8080");
	refused("", "nosuch.service", "--server nosuch.service: no process runs in this unit");
	refused("", ":9", "--server :9: nothing listens there");
	refused("", "127.0.0.1:9", "nothing listens there");
	refused("", "unix:/nosuch", "nothing listens there");
	refused("", "4000000", "--server 4000000: no such process");
	refused("", "0", "not a pid");
	refused("", ":0", "with a port from 1 to 65535");
	refused("", ":65536", "with a port from 1 to 65535");
	refused("", ":x", "with a port from 1 to 65535");
	refused("", "localhost:80", "not :PORT, ADDRESS:PORT");
	refused("", "300.0.0.1:80", "not :PORT, ADDRESS:PORT");
	refused("", "", "--server needs");
	refused("--backlog 511", "nginx", "--backlog and --server exclude each other");
	refused("--netns 4000000", "nginx", "--netns 4000000: no such process");
	refused("--netns /nosuch", "nginx", "cannot open the network namespace /nosuch");
	refused("--netns /etc/passwd", "nginx", "not a network namespace");
	refused("--sysroot tests/hosts/folklore", "nginx", "--server needs a running machine");
}

static void serve(uint16_t port, int backlog, const char *name)
{
	prctl(PR_SET_NAME, name);
	int fd = listen_at(port, backlog);
	(void)fd;
	for (;;)
		pause();
}
static void first_serves(const void *unused)
{
	(void)unused;
	serve(APP_PORT, 16, "twin");
}
static void second_serves(const void *unused)
{
	(void)unused;
	serve(APP_PORT + 1, 64, "twin");
}

static void two_servers_are_listed(void **state)
{
	char candidate[64], pid[16];
	pid_t first = child_start(first_serves, NULL), second = child_start(second_serves, NULL);
	wait_listening(APP_PORT);
	wait_listening(APP_PORT + 1);
	snprintf(candidate, sizeof(candidate), "twin (pid %d) on 127.0.0.1:8090", first);
	refused("", "twin", candidate);
	snprintf(candidate, sizeof(candidate), "twin (pid %d) on 127.0.0.1:8091", second);
	refused("", "twin", candidate);
	refused("", "twin", "give a pid or an address");
	snprintf(pid, sizeof(pid), "%d", second);
	struct checked c = judged("", pid);
	assert_int_equal(checked_number(running_wall(&c, "accept-queue"), "limit"), 65);
	checked_free(&c);
}

static void watches(int fd, const char *name, volatile pid_t *ready)
{
	struct epoll_event event = {.events = EPOLLIN};
	int set = epoll_create1(0);
	prctl(PR_SET_NAME, name);
	if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, fd, &event))
		_exit(1);
	*ready = getpid();
	for (;;)
		pause();
}
/* What supervises opens the socket, and each worker has a name of its own. */
static void shared_serves(const void *workers)
{
	static const char *const names[] = {"alpha", "beta"};
	int fd = listen_at(APP_PORT, 64);
	prctl(PR_SET_NAME, "keeper");
	for (int i = 0; i < 2; i++)
		if (!fork())
			watches(fd, names[i], (pid_t *)workers + i);
	for (;;)
		pause();
}

static void a_worker_of_another_name_is_meant_by_its_pid(void **state)
{
	volatile pid_t *workers =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	static const char *const names[] = {"alpha", "beta"};
	assert_ptr_not_equal((void *)workers, MAP_FAILED);
	child_start(shared_serves, (const void *)workers);
	wait_listening(APP_PORT);
	for (int i = 0; i < 2; i++) {
		char pid[16];
		while (!workers[i])
			sched_yield();
		snprintf(pid, sizeof(pid), "%d", workers[i]);
		struct checked c = judged("--probe listeners", pid);
		assert_string_equal(server_text(&c, "name"), names[i]);
		assert_int_equal(checked_number(json_object_get(c.report, "server"), "pid"),
				 workers[i]);
		checked_free(&c);
	}
	for (int i = 0; i < 2; i++)
		kill(workers[i], SIGKILL);
	munmap((void *)workers, 4096);
}

/* Two processes without a common ancestor, with one address. */
/* As systemd has put it there. */
static void cgroup_set(pid_t pid, const char *path)
{
	char file[128], text[160], name[64];
	snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)pid);
	snprintf(file, sizeof(file), "%s/cgroup-%d", servers_directory, (int)pid);
	snprintf(text, sizeof(text), "0::%s\n", path);
	file_write(file, text);
	assert_int_equal(mount(file, name, NULL, MS_BIND, NULL), 0);
}

static void server_is(const char *who, pid_t pid)
{
	struct checked c = judged("--probe listeners", who);
	assert_int_equal(checked_number(json_object_get(c.report, "server"), "pid"), pid);
	assert_string_equal(server_text(&c, "unit"), who);
	checked_free(&c);
}

/* A container that shares the network has a unit of the same name. */
static void a_unit_is_that_of_the_system(void **state)
{
	pid_t inside = child_start(first_serves, NULL), own = child_start(second_serves, NULL);
	char address[32], name[64];
	wait_listening(APP_PORT);
	wait_listening(APP_PORT + 1);
	cgroup_set(inside, "/lxc/101/ns/system.slice/twin.service");
	cgroup_set(own, "/system.slice/twin.service");
	server_is("twin.service", own);
	struct checked c = judged("--probe listeners", "twin.service");
	snprintf(address, sizeof(address), "127.0.0.1:%d", APP_PORT + 1);
	assert_string_equal(server_text(&c, "addresses"), address);
	checked_free(&c);
	snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)own);
	umount2(name, MNT_DETACH);
	server_is("twin.service", inside);
}

static void twin_serves(const void *backlog)
{
	struct sockaddr_storage a = address_of(APP_PORT, false);
	const int *n = backlog, on = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	prctl(PR_SET_NAME, "twin");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, *n))
		return;
	for (;;)
		pause();
}

static void servers_of_one_address_are_one(void **state)
{
	static const int small = 8, large = 4096;
	static const char *const addresses[] = {":8090", "127.0.0.1:8090"};
	char pid[16];
	pid_t first = child_start(twin_serves, &large);
	wait_listening(APP_PORT);
	pid_t second = child_start(twin_serves, &small);
	struct checked c = {0};
	for (size_t i = 0; i < 2; i++) {
		/* Until the second one listens too. */
		for (int k = 0; k < 200; k++) {
			c = judged("", addresses[i]);
			if (checked_number(running_wall(&c, "accept-queue"), "limit") < 4096)
				break;
			checked_free(&c);
		}
		assert_contains(checked_text(running_wall(&c, "accept-queue"), "detail"),
				"2 sockets (SO_REUSEPORT), the smallest of backlog 8");
		assert_false(checked_has_finding(&c, "listeners.siblings"));
		checked_free(&c);
	}
	/* By a process the other one is named. */
	snprintf(pid, sizeof(pid), "%d", first);
	c = judged("", pid);
	json_t *f = checked_finding(&c, "listeners.siblings");
	assert_contains(checked_text(f, "title"), "1 of 2 sockets of 127.0.0.1:8090");
	assert_contains(checked_text(f, "title"), "backlog of the others is 8");
	checked_free(&c);
	/* Each process of the server counts. */
	kill(second, SIGSTOP);
	waitid(P_PID, (id_t)second, NULL, WSTOPPED | WNOWAIT);
	c = judged("--probe listeners", ":8090");
	assert_contains(checked_text(checked_finding(&c, "listeners.halted"), "detail"),
			"one of 2 processes that accept");
	assert_int_equal(c.status, 2);
	checked_free(&c);
}

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

/* A socket for each worker: the group holds less than the sum. */
static void a_group_is_one_queue(void **state)
{
	nginx_start(4, " reuseport");
	struct checked c = judged("--rate 14k", "nginx");
	json_t *w = running_wall(&c, "accept-queue");
	assert_int_equal(checked_number(w, "limit"), 1793);
	assert_string_equal(checked_text(w, "verdict"), "ok");
	assert_contains(checked_text(w, "detail"),
			"4 sockets (SO_REUSEPORT), the smallest of backlog 511");
	assert_contains(checked_text(w, "detail"),
			"hold 2 048, and 1 793 without loss if a hash spreads what arrives "
			"(SO_ATTACH_REUSEPORT_EBPF and SO_INCOMING_CPU, ");
	checked_free(&c);
}

static int listen_anywhere(uint16_t port, int backlog)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	return bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, backlog) ? -1 : fd;
}

/* As Tomcat: clients, and a shutdown port. */
static void tomcat_serves(const void *unused)
{
	(void)unused;
	prctl(PR_SET_NAME, "tomcat");
	if (listen_at(APP_PORT + 1, 1) < 0 || listen_anywhere(APP_PORT, 4096) < 0)
		return;
	for (;;)
		pause();
}

static void a_port_on_loopback_is_not_the_server(void **state)
{
	char address[32];
	child_start(tomcat_serves, NULL);
	wait_listening(APP_PORT);
	snprintf(address, sizeof(address), "127.0.0.1:%d", APP_PORT + 1);
	struct checked c = judged("--connections 100", "tomcat");
	assert_int_equal(checked_number(running_wall(&c, "accept-queue"), "limit"), 4097);
	json_t *f = checked_finding(&c, "listeners.aside");
	assert_string_equal(checked_text(f, "level"), "note");
	assert_contains(checked_text(f, "title"), address);
	assert_contains(checked_text(f, "advice"), address);
	assert_int_equal(c.status, 0);
	checked_free(&c);
	c = judged("--connections 100", address);
	assert_int_equal(checked_number(running_wall(&c, "accept-queue"), "limit"), 2);
	assert_false(checked_has_finding(&c, "listeners.aside"));
	assert_int_equal(c.status, 2);
	checked_free(&c);
	/* Its queue holds the load. */
	c = judged("--connections 100 --rate 10", "tomcat");
	assert_false(checked_has_finding(&c, "listeners.aside"));
	checked_free(&c);
}

/* Behind a proxy of this host, with statistics that others reach. */
static void proxied_serves(const void *unused)
{
	int fd = listen_at(PROXIED_PORT, 128), clients = 0;
	(void)unused;
	prctl(PR_SET_NAME, "proxied");
	while (clients < 4 && fd >= 0) {
		struct sockaddr_in a = {.sin_family = AF_INET,
					.sin_port = htons(PROXIED_PORT),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		int client = socket(AF_INET, SOCK_STREAM, 0);
		clients += !connect(client, (struct sockaddr *)&a, sizeof(a)) &&
			   accept(fd, NULL, NULL) >= 0;
	}
	if (listen_anywhere(PROXIED_PORT + 1, 4096) < 0)
		return;
	for (;;)
		pause();
}

static void a_port_on_loopback_with_the_clients_is_the_server(void **state)
{
	child_start(proxied_serves, NULL);
	wait_listening(PROXIED_PORT + 1);
	struct checked c = judged("--connections 100", "proxied");
	assert_int_equal(checked_number(running_wall(&c, "accept-queue"), "limit"), 129);
	assert_int_equal(c.status, 2);
	checked_free(&c);
}

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
		c = judged("--rate 100", "limited");
		if (checked_number(checked_wall(&c, "descriptors.process"), "limit") > 1024)
			break;
		checked_free(&c);
	}
	json_t *w = running_wall(&c, "descriptors.process");
	int limit = (int)checked_number(w, "limit");
	assert_true(limit > 2048 - 32 && limit < 2048);
	assert_string_equal(checked_text(w, "verdict"), "short");
	assert_int_equal(c.status, 2);
	json_t *f = checked_finding(&c, "descriptors.process.short");
	assert_contains(checked_text(f, "title"), "limited (pid ");
	assert_contains(checked_text(f, "title"), "cannot hold 10 000 connections");
	checked_free(&c);
}

static const char *ready_path(void)
{
	static char path[160];
	snprintf(path, sizeof(path), "%s/ready", servers_directory);
	return path;
}

static void ready_say(void) { close(creat(ready_path(), 0600)); }

static pid_t ready_start(void (*fn)(const void *), const void *arg)
{
	unlink(ready_path());
	pid_t pid = child_start(fn, arg);
	WAIT_UNTIL(!access(ready_path(), F_OK));
	return pid;
}

/* Opens so many connections to a port of this host. */
static void connect_all(uint16_t port, int count)
{
	struct sockaddr_storage a = address_of(port, false);
	for (int i = 0; i < count; i++)
		if (connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof(a)))
			_exit(1);
}

static void epoll_serve(int fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	int set = epoll_create1(0);
	epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
	ready_say();
	while (epoll_wait(set, &event, 1, -1) > 0)
		accept(fd, NULL, NULL);
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
	struct checked c = judged("--probe accept-queue", ":8090");
	json_t *f = checked_finding(&c, "accept-queue.short");
	assert_contains(checked_text(f, "title"), "app (pid ");
	assert_contains(checked_text(f, "title"), "has backlog 128; this load needs 1 000");
	assert_contains(
		checked_text(f, "advice"),
		"systemd: [Socket] Backlog=2048 (effective after systemctl restart of the "
		"socket unit together with its service; a server that calls listen() itself, "
		"as gunicorn does, sets its own).");
	if (strstr(checked_text(f, "advice"), "restart it first"))
		fail_msg("%s", checked_text(f, "advice"));
	checked_free(&c);
}

/* Whose connections are in TIME_WAIT afterwards. */
#define HELD_PORT 8092
#define OTHER_PORT 8091
#define MANY 700

/* It serves one port, and holds many sockets that are not of its clients there. */
enum other { OTHER_CLIENTS, UPSTREAM, DATAGRAMS, PAIRS, OWN_CLIENTS };

/* The other end of the connections, in a process of its own. */
static void peer_start(uint16_t port, bool listens)
{
	if (fork())
		return;
	if (listens) {
		int fd = listen_at(port, MANY);
		for (int i = 0; i < MANY; i++)
			accept(fd, NULL, NULL);
	} else {
		connect_all(port, MANY);
	}
	for (;;)
		pause();
}

static void others_serve(const void *arg)
{
	enum other other = *(const enum other *)arg;
	struct rlimit limit = {1024, 1024};
	int pair[2], fd = listen_at(HELD_PORT, MANY), port = other == OWN_CLIENTS ? fd : -1;
	prctl(PR_SET_NAME, "others");
	setrlimit(RLIMIT_NOFILE, &limit);
	if (other == OTHER_CLIENTS)
		port = listen_at(OTHER_PORT, MANY);
	if (other <= UPSTREAM || port >= 0)
		peer_start(other == OWN_CLIENTS ? HELD_PORT : OTHER_PORT, other == UPSTREAM);
	if (other == UPSTREAM) {
		wait_listening(OTHER_PORT);
		connect_all(OTHER_PORT, MANY);
	}
	for (int i = 0; i < MANY && port >= 0; i++)
		accept(port, NULL, NULL);
	for (int i = 0; i < MANY && other == DATAGRAMS; i++)
		socket(AF_INET, SOCK_DGRAM, 0);
	for (int i = 0; i < MANY / 2 && other == PAIRS; i++)
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			_exit(1);
	epoll_serve(fd);
}

static void only_its_clients_are_no_others(void **state)
{
	static const struct {
		enum other other;
		const char *role;
		int limit;  /* about */
		int needed; /* of the machine, besides what it has of its clients */
	} cases[] = {
		{OTHER_CLIENTS, "server", 1024 - MANY, 500},
		{OTHER_CLIENTS, "proxy", 1024 - MANY, 1000},
		{UPSTREAM, "server", 1024 - MANY, 500},
		{UPSTREAM, "proxy", 1024, 1000},
		{DATAGRAMS, "server", 1024 - MANY, 500},
		{DATAGRAMS, "proxy", 1024 - MANY, 1000},
		{PAIRS, "server", 1024 - MANY, 500},
		{OWN_CLIENTS, "server", 1024, 1},
		{OWN_CLIENTS, "proxy", 1024, 1000 - MANY},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ready_start(others_serve, &cases[i].other);
		struct checked c = checked_parse(run("$PROGRAM check " QUICK
						     "--connections 500 --rate 100 --stall 10ms "
						     "--probe descriptors --role %s --server :%d",
						     cases[i].role, HELD_PORT));
		int limit = (int)checked_number(running_wall(&c, "descriptors.process"), "limit");
		if (limit > cases[i].limit || limit < cases[i].limit - 32)
			fail_msg("case %zu: %d, not about %d", i, limit, cases[i].limit);
		assert_int_equal(checked_number(checked_wall(&c, "descriptors.system"), "needed"),
				 cases[i].needed);
		assert_int_equal(c.status, cases[i].limit < 500                  ? 2
					   : strcmp(cases[i].role, "proxy") == 0 ? 1
										 : 0);
		checked_free(&c);
		servers_end(NULL);
	}
}

/* What listens at the published port of a container. */
struct forwarder {
	const char *name;
	bool ipv6, local;
};

static void forwarder_listens(const void *arg)
{
	const struct forwarder *f = arg;
	struct sockaddr_storage a = address_of(HELD_PORT, f->ipv6);
	if (!f->local && f->ipv6)
		((struct sockaddr_in6 *)&a)->sin6_addr = in6addr_any;
	else if (!f->local)
		((struct sockaddr_in *)&a)->sin_addr.s_addr = htonl(INADDR_ANY);
	int on = 1, fd = socket(a.ss_family, SOCK_STREAM, 0);
	prctl(PR_SET_NAME, f->name);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (f->ipv6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 4096))
		_exit(1);
	epoll_serve(fd);
}

static void a_published_port_names_no_server(void **state)
{
	static const struct forwarder both[] = {{.name = "docker-proxy"},
						{.name = "docker-proxy", .ipv6 = true}};
	char pid[16];
	snprintf(pid, sizeof(pid), "%d", (int)ready_start(forwarder_listens, &both[0]));
	ready_start(forwarder_listens, &both[1]);
	refused("", ":8092", " only holds the published port ");
	refused("", ":8092", "docker inspect -f '{{.State.Pid}}' CONTAINER");
	refused("", "127.0.0.1:8092", ": docker-proxy (pid ");
	refused("", pid, ": docker-proxy (pid ");
}

static void a_forwarder_that_accepts_is_judged_with_a_note(void **state)
{
	/* Rules of the firewall do not forward the clients of a port on loopback. */
	static const struct forwarder accept[] = {{.name = "pasta.avx2"},
						  {.name = "systemd-socket-"},
						  {.name = "docker-proxy", .local = true}};
	for (size_t i = 0; i < sizeof(accept) / sizeof(*accept); i++) {
		ready_start(forwarder_listens, &accept[i]);
		struct checked c = judged("--rate 100", ":8092");
		json_t *f = checked_finding(&c, "listeners.forwarder");
		assert_string_equal(checked_text(f, "level"), "note");
		assert_contains(checked_text(f, "title"), accept[i].name);
		checked_free(&c);
		servers_end(NULL);
	}
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
		pause_ms(50); /* until it waits */
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
		json_t *w = running_wall(&c, "descriptors.process");
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
	struct checked c = judged("--probe buffers", "small");
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
		struct checked c = judged("", names[i]);
		json_t *w = running_wall(&c, "accept-queue.unix");
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
	struct checked c = judged("", who);
	assert_int_equal(checked_number(running_wall(&c, "accept-queue.unix"), "limit"), 17);
	assert_int_equal(checked_number(json_object_get(c.report, "server"), "pid"), own);
	checked_free(&c);
	unlink(a.sun_path);
	child_start(unix_serves_beside, &beside);
	WAIT_UNTIL(depth_of("unix:same.sock") >= 0);
	unlink(a.sun_path);
	pid_t last = child_start(unix_serves_beside, &beside);
	WAIT_UNTIL(!access(a.sun_path, F_OK));
	snprintf(candidate, sizeof(candidate), "local (pid %d) on unix:same.sock", last);
	refused("", "unix:same.sock", candidate);
}

/* somaxconn was 8 when it listened with 16: its queue holds 9. */
static void a_unix_socket_is_filled_in_the_lab(void **state)
{
	struct sockaddr_un a = unix_address_of("fill.sock");
	char who[160];
	file_write("/proc/sys/net/core/somaxconn", "8\n");
	child_start(unix_serves, &a);
	snprintf(who, sizeof(who), "unix:%s", a.sun_path);
	for (int i = 0; i < 500 && depth_of(who) < 0; i++)
		pause_ms(20);
	file_write("/proc/sys/net/core/somaxconn", "4096\n");
	struct checked c = checked_parse(run("$PROGRAM check --format json --probe accept-queue "
					     "--rate 1k --server %s",
					     who));
	json_t *w = running_wall(&c, "accept-queue.unix");
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
	assert_string_equal(checked_text(running_wall(&c, "accept-queue.unix"), "verdict"), "ok");
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
	serve(APP_PORT, 4096, "elsewhere");
}

static void its_network_namespace_counts(void **state)
{
	char options[64], pid[16];
	pid_t there = child_start(elsewhere_serves, NULL);
	struct output o = {0};
	/* Until it listens. */
	for (int i = 0; i < 200; i++) {
		o = run("$PROGRAM check " QUICK "--server elsewhere");
		if (o.status != 3)
			break;
		output_free(&o);
		pause_ms(20);
	}
	struct checked c = checked_parse(o);
	json_t *w = running_wall(&c, "accept-queue");
	assert_int_equal(checked_number(w, "limit"), 65);
	json_t *f = checked_finding(&c, "accept-queue.short");
	assert_string_equal(checked_text(f, "knob"), "net.core.somaxconn");
	assert_string_equal(checked_text(f, "current"), "64");
	checked_free(&c);

	snprintf(options, sizeof(options), "--netns %d", there);
	c = judged(options, ":8090");
	assert_int_equal(checked_number(checked_wall(&c, "accept-queue"), "limit"), 65);
	checked_free(&c);
	snprintf(options, sizeof(options), "--netns /proc/%d/ns/net", there);
	snprintf(pid, sizeof(pid), "%d", there);
	c = judged(options, pid);
	assert_int_equal(checked_number(checked_wall(&c, "accept-queue"), "limit"), 65);
	checked_free(&c);
	/* Experiments there too, and nothing is changed there. */
	c = checked_parse(
		run("$PROGRAM check --format json --probe accept-queue --server %d", there));
	assert_int_equal(checked_number(checked_wall(&c, "accept-queue"), "measured"), 65);
	checked_free(&c);
	o = run("nsenter -t %d -n cat /proc/sys/net/core/somaxconn", there);
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
	char pid[16], namespaces[2][64] = {""};
	pid_t there = child_start(private_serves, NULL);
	snprintf(pid, sizeof(pid), "%d", there);
	/* Until it has left. */
	for (int i = 0; i < 200 && !strcmp(namespaces[0], namespaces[1]); i++) {
		struct output o = run("readlink /proc/self/ns/net /proc/%d/ns/net", there);
		sscanf(o.out, "%63s %63s", namespaces[0], namespaces[1]);
		output_free(&o);
		pause_ms(20);
	}
	struct checked c = judged("--probe listeners", pid);
	assert_int_equal(checked_number(json_object_get(c.report, "server"), "pid"), there);
	assert_string_equal(server_text(&c, "name"), "private");
	checked_free(&c);
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
	for (int i = 0; i < 200; i++) {
		struct output o = run("grep -qx unread /proc/%d/comm", server);
		bool begun = !o.status;
		output_free(&o);
		if (begun)
			break;
		pause_ms(20);
	}
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
	assert_int_equal(checked_number(running_wall(&c, "accept-queue"), "limit"), 512);
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
		SERVERS_TEST(each_name_means_the_server),
		SERVERS_TEST(who_is_not_there_is_refused),
		SERVERS_TEST(two_servers_are_listed),
		SERVERS_TEST(a_worker_of_another_name_is_meant_by_its_pid),
		SERVERS_TEST(a_unit_is_that_of_the_system),
		SERVERS_TEST(servers_of_one_address_are_one),
		SERVERS_TEST(a_stopped_server_is_named),
		SERVERS_TEST(a_group_is_one_queue),
		SERVERS_TEST(the_backlog_of_a_socket_unit_is_systemds),
		SERVERS_TEST(a_port_on_loopback_is_not_the_server),
		SERVERS_TEST(a_port_on_loopback_with_the_clients_is_the_server),
		SERVERS_TEST(the_limit_is_that_of_the_process_that_accepts),
		SERVERS_TEST(only_its_clients_are_no_others),
		SERVERS_TEST(who_accepts_is_shown),
		SERVERS_TEST(a_run_keeps_what_the_server_holds),
		SERVERS_TEST(a_buffer_that_the_server_sets_is_its_wall),
		SERVERS_TEST(a_unix_socket_is_its_wall),
		SERVERS_TEST(unix_sockets_of_one_name_are_several_servers),
		SERVERS_TEST(a_unix_socket_is_filled_in_the_lab),
		SERVERS_TEST(its_network_namespace_counts),
		SERVERS_TEST(a_listener_of_here_is_held_in_another_namespace),
		SERVERS_TEST(clients_that_nobody_reads_are_a_warning),
		SERVERS_TEST(clients_that_have_closed_wait_for_nothing),
		SERVERS_TEST(a_published_port_names_no_server),
		SERVERS_TEST(a_forwarder_that_accepts_is_judged_with_a_note),
		SERVERS_TEST(another_user_sees_what_is_public),
		SERVERS_TEST(a_server_that_exits_is_said),
	};
	return cmocka_run_group_tests(all, NULL, NULL);
}

int main(void) { return servers_main(tests); }
