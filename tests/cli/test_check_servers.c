/* The whole check beside real servers: gunicorn whose worker is stopped, HAProxy and a
 * resolver without free ports, a small backlog that is enough, and nginx under load, CHECKS times
 * (5). */
#include "../support/servers.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define GUNICORN_QUEUE 17 /* backlog 16 */
#define SSHD_PORT 22
#define PROXY_PORT 8100
#define BACKEND_PORT 8200
#define RESOLVER_PORT 40500
#define PORTS 1000
#define CHECKS 5

static struct checked check(const char *options)
{
	return checked_parse(run("$PROGRAM check --format json %s", options));
}

static const char app[] = "def application(environ, start_response):\n"
			  "    start_response('200 OK', [('Content-Length', '0')])\n"
			  "    return []\n";

/* The master; its worker answers. */
static pid_t gunicorn_start(const struct sockaddr_un *a)
{
	char path[128], bind[160];
	snprintf(path, sizeof(path), "%s/app.py", servers_directory);
	snprintf(bind, sizeof(bind), "unix:%s", a->sun_path);
	file_write(path, app);
	return program_spawn((const char *[]){"gunicorn", "--bind", bind, "--backlog", "16",
					      "--workers", "1", "--timeout", "600", "app", NULL});
}

/* A client that has sent its request; -1, and errno: it was refused. */
static int unix_ask(const struct sockaddr_un *a)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connect(fd, (const struct sockaddr *)a, sizeof(*a))) {
		int why = errno;
		close(fd);
		errno = why;
		return -1;
	}
	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	return fd;
}

/* Waits for the response, and closes. */
static void unix_answered(int fd)
{
	char text[64] = "";
	fcntl(fd, F_SETFL, 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_contains(text, " 200 OK");
	close(fd);
}

static void a_stopped_gunicorn_is_named(void **state)
{
	struct sockaddr_un a = unix_address_of("app.sock");
	int clients[GUNICORN_QUEUE], first = -1;
	char address[160];
	pid_t master = gunicorn_start(&a);
	WAIT_UNTIL((first = unix_ask(&a)) >= 0);
	assert_true(first >= 0);
	unix_answered(first);

	pid_t worker = worker_of(master, 0);
	kill(worker, SIGSTOP);
	for (int i = 0; i < GUNICORN_QUEUE; i++)
		assert_true((clients[i] = unix_ask(&a)) >= 0);
	assert_int_equal(unix_ask(&a), -1);
	assert_int_equal(errno, EAGAIN);

	struct checked c = check("");
	json_t *f = checked_finding(&c, "accept-queue.unix.full");
	assert_int_equal(c.status, 2);
	assert_string_equal(checked_text(f, "level"), "critical");
	assert_string_equal(answer_of(&c), "Not ready: the accept queue of gunicorn is full.");
	snprintf(address, sizeof(address), "unix:%s", a.sun_path);
	assert_contains(checked_text(f, "title"), named("gunicorn", master, address));
	assert_contains(checked_text(f, "title"), "(17 of 17)");
	assert_contains(checked_text(f, "detail"), "in 10 of 10 samples");
	assert_contains(checked_text(f, "detail"), "is stopped (state T)");
	assert_true(checked_evidence(f, "accept queue", "at_current") == GUNICORN_QUEUE);
	assert_true(checked_evidence(f, "its capacity", "at_current") == GUNICORN_QUEUE);
	checked_free(&c);

	kill(worker, SIGCONT);
	for (int i = 0; i < GUNICORN_QUEUE; i++)
		unix_answered(clients[i]);
	assert_int_equal(depth_of(address), 0);
	c = check("");
	assert_healthy(&c);
	checked_free(&c);
}

/* Listens behind the proxy, and holds what it accepts; counts it in memory that the test shares. */
static void backend_serve(const void *arg)
{
	atomic_int *held = *(atomic_int *const *)arg;
	int fd = listen_at(BACKEND_PORT, 2048);
	while (accept(fd, NULL, NULL) >= 0)
		atomic_fetch_add(held, 1);
}

/* Clients of the proxy with source ports outside of the range, which is the proxy's alone. */
static void proxy_clients_stay(const void *arg)
{
	struct sockaddr_storage to = address_of(PROXY_PORT, false);
	int one = 1;
	for (int i = 0; i < PORTS; i++) {
		struct sockaddr_storage from = address_of((uint16_t)(20000 + i), false);
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
		    connect(fd, (struct sockaddr *)&to, sizeof(to)))
			_exit(1);
	}
	pause();
}

static pid_t haproxy_start(void)
{
	char path[128], text[512];
	snprintf(path, sizeof(path), "%s/haproxy.cfg", servers_directory);
	snprintf(text, sizeof(text),
		 "global\n maxconn 2000\n"
		 "defaults\n mode tcp\n timeout connect 1h\n timeout client 1h\n"
		 " timeout server 1h\n"
		 "listen proxy\n bind 127.0.0.1:%d\n server backend 127.0.0.1:%d\n",
		 PROXY_PORT, BACKEND_PORT);
	file_write(path, text);
	pid_t pid = program_spawn((const char *[]){"haproxy", "-db", "-f", path, NULL});
	wait_listening(PROXY_PORT);
	return pid;
}

static void a_proxy_without_ports_is_named(void **state)
{
	char text[1024];
	atomic_int *held = mmap(NULL, sizeof(*held), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(held != MAP_FAILED);
	file_write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40999\n");
	child_start(backend_serve, &held);
	wait_listening(BACKEND_PORT);
	haproxy_start();
	child_start(proxy_clients_stay, NULL);
	WAIT_UNTIL(*held >= PORTS);
	assert_int_equal(*held, PORTS);
	munmap(held, sizeof(*held));

	struct checked c = check("");
	file_write("/proc/sys/net/ipv4/ip_local_port_range", "32768 60999\n");
	json_t *f = checked_finding(&c, "ports.ephemeral.used");
	assert_string_equal(checked_text(f, "level"), "critical");
	snprintf(text, sizeof(text), "%s %s", checked_text(f, "title"), checked_text(f, "detail"));
	assert_contains(text, "haproxy");
	assert_contains(text, "127.0.0.1:8200");
	assert_int_equal(c.status, 2);
	checked_free(&c);
}

/* Sockets for queries until no port is left; counts them in memory that the test shares. */
static void resolver_serve(const void *arg)
{
	atomic_int *held = *(atomic_int *const *)arg;
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(RESOLVER_PORT)};
	prctl(PR_SET_NAME, "resolvd");
	while (!bind(socket(AF_INET, SOCK_DGRAM, 0), (struct sockaddr *)&any, sizeof(any))) {
		any.sin_port = 0;
		atomic_fetch_add(held, 1);
	}
	pause();
}

static void a_resolver_without_ports_is_named(void **state)
{
	atomic_int *held = mmap(NULL, sizeof(*held), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(held != MAP_FAILED);
	file_write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40099\n");
	pid_t pid = child_start(resolver_serve, &held);
	WAIT_UNTIL(*held > 100);
	assert_int_equal(*held, 101);
	munmap(held, sizeof(*held));

	char process[48];
	snprintf(process, sizeof(process), "most of them of resolvd (pid %d)", pid);
	struct checked c = check("--quick --probe ports --server resolvd");
	json_t *f = checked_finding(&c, "ports.ephemeral.udp");
	assert_string_equal(checked_text(f, "level"), "critical");
	assert_contains(checked_text(f, "title"), "100 of 100 ephemeral ports");
	assert_contains(checked_text(f, "title"), process);
	assert_string_equal(answer_of(&c),
			    "Not ready: UDP sockets have 100 of 100 ephemeral ports.");
	assert_int_equal(c.status, 2);
	/* The one that clients ask comes before those for queries. */
	assert_string_equal(checked_text(json_object_get(c.report, "server"), "addresses"),
			    "udp:0.0.0.0:40500, udp:0.0.0.0:40000, udp:0.0.0.0:40001 and 98 more");
	checked_free(&c);
	c = checked_parse(run(
		PROGRAM_FOR_ALL
		"setpriv --reuid 65534 --regid 65534 --clear-groups $PROGRAM check --format json "
		"--quick --probe ports"));
	file_write("/proc/sys/net/ipv4/ip_local_port_range", "32768 60999\n");
	f = checked_finding(&c, "ports.ephemeral.udp");
	assert_contains(checked_text(f, "detail"), "Run the check as root to see the process.");
	checked_free(&c);
}

/* Listens as OpenSSH does, and closes what it accepts. */
static void sshd_serve(const void *arg)
{
	prctl(PR_SET_NAME, "sshd");
	int fd = listen_at(SSHD_PORT, 128);
	for (;;)
		close(accept(fd, NULL, NULL));
}

/* The default target needs a queue of 1 000, which no load asks of this server. */
static void a_small_backlog_is_no_fault(void **state)
{
	child_start(sshd_serve, NULL);
	wait_listening(SSHD_PORT);
	struct checked c = check("");
	assert_true(checked_number(checked_wall(&c, "accept-queue"), "needed") > 128);
	assert_healthy(&c);
	checked_free(&c);
}

/* As udev does, in the mount namespace of this test: every user may open it. */
static void tun_for_all(void)
{
	assert_int_equal(mount("none", "/dev/net", "tmpfs", 0, "mode=755"), 0);
	assert_int_equal(mknod("/dev/net/tun", S_IFCHR, makedev(10, 200)), 0);
	assert_int_equal(chmod("/dev/net/tun", 0666), 0);
}

static void a_user_finds_a_healthy_host_ready(void **state)
{
	if (access("/dev/net/tun", F_OK))
		skip_because("this machine has no /dev/net/tun");
	nginx_start(1, "");
	tun_for_all();
	struct checked c = checked_parse(run(PROGRAM_FOR_ALL
					     "setpriv --reuid 65534 --regid 65534 --clear-groups "
					     "$PROGRAM check --format json"));
	umount2("/dev/net", MNT_DETACH);
	assert_healthy(&c);
	checked_free(&c);
}

/* Both fill the CPUs; nginx holds what it is asked to. */
static void nginx_under_load_is_ready(void **state)
{
	const char *wanted = getenv("CHECKS");
	int count = wanted ? atoi(wanted) : CHECKS, good = 0;
	nginx_start(1, "");
	program_spawn((const char *[]){"wrk", "-t", "1", "-c", "64", "-d", "3600",
				       "http://127.0.0.1:8080/", NULL});
	for (int i = 0; i < count; i++) {
		struct checked c = check("--rate 2000 --stall 100ms");
		good += report_healthy(&c);
		checked_free(&c);
	}
	assert_int_equal(good, count);
}

static int all_run(void)
{
	const struct CMUnitTest tests[] = {
		SERVERS_TEST(a_stopped_gunicorn_is_named),
		SERVERS_TEST(a_proxy_without_ports_is_named),
		SERVERS_TEST(a_resolver_without_ports_is_named),
		SERVERS_TEST(a_small_backlog_is_no_fault),
		SERVERS_TEST(a_user_finds_a_healthy_host_ready),
		SERVERS_TEST(nginx_under_load_is_ready),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void) { return servers_main(all_run); }
