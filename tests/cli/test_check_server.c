/* check --server: which server a name, a pid, a unit or an address means. */
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
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROXIED_PORT 8120

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
		struct checked c = server_judged("", names[i]);
		json_t *server = json_object_get(c.report, "server");
		assert_string_equal(server_text(&c, "asked"), names[i]);
		assert_string_equal(server_text(&c, "name"), "nginx");
		assert_int_equal(checked_number(server, "pid"), master);
		assert_int_equal(checked_number(server, "processes"), 2);
		json_t *w = server_wall(&c, "accept-queue");
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
	server_refused("", "nosuch",
		       "--server nosuch: no such process: processes that listen here: nginx");
	server_refused("", "8080", "--server 8080: no such process: for a port write :8080");
	server_refused("", "nosuch.service",
		       "--server nosuch.service: no process runs in this unit");
	server_refused("", ":9", "--server :9: nothing listens there");
	server_refused("", "127.0.0.1:9", "nothing listens there");
	server_refused("", "unix:/nosuch", "nothing listens there");
	server_refused("", "4000000", "--server 4000000: no such process");
	server_refused("", "0", "not a pid");
	server_refused("", ":0", "with a port from 1 to 65535");
	server_refused("", ":65536", "with a port from 1 to 65535");
	server_refused("", ":x", "with a port from 1 to 65535");
	server_refused("", "localhost:80", "not :PORT, ADDRESS:PORT");
	server_refused("", "300.0.0.1:80", "not :PORT, ADDRESS:PORT");
	server_refused("", "", "--server needs");
	server_refused("--backlog 511", "nginx", "--backlog and --server exclude each other");
	server_refused("--netns 4000000", "nginx", "--netns 4000000: no such process");
	server_refused("--netns /nosuch", "nginx", "cannot open the network namespace /nosuch");
	server_refused("--netns /etc/passwd", "nginx", "not a network namespace");
	server_refused("--sysroot tests/hosts/folklore", "nginx",
		       "--server needs a running machine");
}

static void first_serves(const void *unused)
{
	(void)unused;
	server_serve(APP_PORT, 16, "twin");
}

static void second_serves(const void *unused)
{
	(void)unused;
	server_serve(APP_PORT + 1, 64, "twin");
}

static void two_servers_are_listed(void **state)
{
	char candidate[64], pid[16];
	pid_t first = child_start(first_serves, NULL), second = child_start(second_serves, NULL);
	wait_listening(APP_PORT);
	wait_listening(APP_PORT + 1);
	snprintf(candidate, sizeof(candidate), "twin (pid %d) on 127.0.0.1:8090", first);
	server_refused("", "twin", candidate);
	snprintf(candidate, sizeof(candidate), "twin (pid %d) on 127.0.0.1:8091", second);
	server_refused("", "twin", candidate);
	server_refused("", "twin", "give a pid or an address");
	snprintf(pid, sizeof(pid), "%d", second);
	struct checked c = server_judged("", pid);
	assert_int_equal(checked_number(server_wall(&c, "accept-queue"), "limit"), 65);
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
		struct checked c = server_judged("--probe listeners", pid);
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
	struct checked c = server_judged("--probe listeners", who);
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
	struct checked c = server_judged("--probe listeners", "twin.service");
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
			c = server_judged("", addresses[i]);
			if (checked_number(server_wall(&c, "accept-queue"), "limit") < 4096)
				break;
			checked_free(&c);
		}
		assert_contains(checked_text(server_wall(&c, "accept-queue"), "detail"),
				"2 sockets (SO_REUSEPORT), the smallest of backlog 8");
		assert_false(checked_has_finding(&c, "listeners.siblings"));
		checked_free(&c);
	}
	/* By a process the other one is named. */
	snprintf(pid, sizeof(pid), "%d", first);
	c = server_judged("", pid);
	json_t *f = checked_finding(&c, "listeners.siblings");
	assert_contains(checked_text(f, "title"), "1 of 2 sockets of 127.0.0.1:8090");
	assert_contains(checked_text(f, "title"), "backlog of the others is 8");
	checked_free(&c);
	/* Each process of the server counts. */
	kill(second, SIGSTOP);
	waitid(P_PID, (id_t)second, NULL, WSTOPPED | WNOWAIT);
	c = server_judged("--probe listeners", ":8090");
	assert_contains(checked_text(checked_finding(&c, "listeners.halted"), "detail"),
			"one of 2 processes that accept");
	assert_int_equal(c.status, 2);
	checked_free(&c);
}

/* A socket for each worker: the group holds less than the sum. */
static void a_group_is_one_queue(void **state)
{
	nginx_start(4, " reuseport");
	struct checked c = server_judged("--rate 14k", "nginx");
	json_t *w = server_wall(&c, "accept-queue");
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
	struct checked c = server_judged("--connections 100", "tomcat");
	assert_int_equal(checked_number(server_wall(&c, "accept-queue"), "limit"), 4097);
	json_t *f = checked_finding(&c, "listeners.aside");
	assert_string_equal(checked_text(f, "level"), "note");
	assert_contains(checked_text(f, "title"), address);
	assert_contains(checked_text(f, "advice"), address);
	assert_int_equal(c.status, 0);
	checked_free(&c);
	c = server_judged("--connections 100", address);
	assert_int_equal(checked_number(server_wall(&c, "accept-queue"), "limit"), 2);
	assert_false(checked_has_finding(&c, "listeners.aside"));
	assert_int_equal(c.status, 2);
	checked_free(&c);
	/* Its queue holds the load. */
	c = server_judged("--connections 100 --rate 10", "tomcat");
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
	struct checked c = server_judged("--connections 100", "proxied");
	assert_int_equal(checked_number(server_wall(&c, "accept-queue"), "limit"), 129);
	assert_int_equal(c.status, 2);
	checked_free(&c);
}

#define OTHER_PORT 8091
#define MANY 700

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

/* It serves one port, and holds many sockets that are not of its clients there. */
enum other { OTHER_CLIENTS, UPSTREAM, DATAGRAMS, PAIRS, OWN_CLIENTS };

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
		int limit = (int)checked_number(server_wall(&c, "descriptors.process"), "limit");
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
	server_refused("", ":8092", " only holds the published port ");
	server_refused("", ":8092", "docker inspect -f '{{.State.Pid}}' CONTAINER");
	server_refused("", "127.0.0.1:8092", ": docker-proxy (pid ");
	server_refused("", pid, ": docker-proxy (pid ");
}

static void a_forwarder_that_accepts_is_judged_with_a_note(void **state)
{
	/* Rules of the firewall do not forward the clients of a port on loopback. */
	static const struct forwarder accept[] = {{.name = "pasta.avx2"},
						  {.name = "systemd-socket-"},
						  {.name = "docker-proxy", .local = true}};
	for (size_t i = 0; i < sizeof(accept) / sizeof(*accept); i++) {
		ready_start(forwarder_listens, &accept[i]);
		struct checked c = server_judged("--rate 100", ":8092");
		json_t *f = checked_finding(&c, "listeners.forwarder");
		assert_string_equal(checked_text(f, "level"), "note");
		assert_contains(checked_text(f, "title"), accept[i].name);
		checked_free(&c);
		servers_end(NULL);
	}
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
		SERVERS_TEST(a_group_is_one_queue),
		SERVERS_TEST(a_port_on_loopback_is_not_the_server),
		SERVERS_TEST(a_port_on_loopback_with_the_clients_is_the_server),
		SERVERS_TEST(only_its_clients_are_no_others),
		SERVERS_TEST(a_published_port_names_no_server),
		SERVERS_TEST(a_forwarder_that_accepts_is_judged_with_a_note),
	};
	return cmocka_run_group_tests(all, NULL, NULL);
}

int main(void) { return servers_main(tests); }
