/* The sockets that hold most memory, UDP sockets as a server, and a server that accepts slowly, in
 * a network namespace of the test. */
#include "../support/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/queues.h"
#include "epolltune/report.h"
#include "epolltune/subject.h"

/* Connections of a burst. */
#define CLIENTS 250

static struct host *live;
static int refused; /* errno of unshare() */

static int prepare(void **state)
{
	struct err e;
	if (host_open(&live, "/", &e))
		return -1;
	refused = namespace_enter();
	return 0;
}

static int leave(void **state)
{
	host_close(live);
	return 0;
}

static void namespace_needed(void)
{
	if (refused)
		skip_because("user namespaces are refused: %s", strerror(refused));
}

static int bound(int type, struct sockaddr_in *a)
{
	socklen_t size = sizeof(*a);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	*a = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)a, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)a, &size), 0);
	return fd;
}

/* A connection whose server has not read `bytes`; its ends are fd. */
static void unread_make(int listener, const struct sockaddr_in *to, size_t bytes, int fd[2])
{
	static char data[65536];
	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd[0], (const struct sockaddr *)to, sizeof(*to)), 0);
	fd[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd[1] >= 0);
	assert_int_equal(send(fd[0], data, bytes, 0), bytes);
	/* Until it has arrived. */
	assert_int_equal(recv(fd[1], data, bytes, MSG_PEEK | MSG_WAITALL), bytes);
}

static void the_longest_queues_are_named_by_process(void **state)
{
	struct sockaddr_in to, from;
	socklen_t size = sizeof(from);
	struct queues q;
	struct err e = {0};
	int small[2], large[2];
	char peer[56];
	namespace_needed();
	int listener = bound(SOCK_STREAM, &to);
	assert_int_equal(listen(listener, 4), 0);
	unread_make(listener, &to, 1000, small);
	unread_make(listener, &to, 40000, large);
	getsockname(large[0], (struct sockaddr *)&from, &size);
	snprintf(peer, sizeof(peer), "127.0.0.1:%u", ntohs(from.sin_port));
	assert_int_equal(queues_read(live, &q, &e), 0);
	size_t unread = 0; /* what is not acknowledged yet may be a third */
	for (size_t i = 0; i < q.count; i++)
		unread += q.at[i].received > 0;
	assert_int_equal(unread, 2);
	assert_string_equal(q.at[0].peer, peer);
	assert_true(q.at[0].received >= 40000);
	assert_int_equal(q.at[0].pid, getpid());
	assert_string_equal(q.at[0].process, "test_queues");
	for (int i = 0; i < 2; i++) {
		close(small[i]);
		close(large[i]);
	}
	close(listener);
}

static void only_the_longest_are_kept(void **state)
{
	struct queues q = {0};
	struct report r;
	for (uint64_t i = 0; i < 25; i++)
		queues_add(&q, &(struct queue){.received = i * 7 % 25, .unsent = 100, .pid = 1});
	queues_add(&q, &(struct queue){0});
	assert_int_equal(q.count, QUEUES_LISTED);
	for (size_t i = 0; i < QUEUES_LISTED; i++)
		assert_int_equal(q.at[i].received, 24 - i);
	q.unseen = 2;
	q.at[9] = (struct queue){.unsent = 1, .orphan = true};
	report_init(&r);
	struct finding *f = report_finding(&r, "buffers.memory.exhausted", NULL);
	queues_table(&q, f);
	assert_int_equal(f->table.row_count, QUEUES_LISTED);
	assert_string_equal(f->table.row[9].name, "orphan, ");
	assert_non_null(strstr(f->detail, "2 other network namespaces"));
}

static uint32_t drops_of(int fd)
{
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	socklen_t size = sizeof(memory);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &size), 0);
	return memory[SK_MEMINFO_DROPS];
}

/* A server that has UDP sockets only, and one that has TCP too. */
static void a_udp_server_is_found_with_its_buffer_and_drops(void **state)
{
	struct sockaddr_in to, tcp;
	struct err e = {0};
	struct subject s;
	char who[24];
	int asked = 65536;
	namespace_needed();
	int udp = bound(SOCK_DGRAM, &to);
	assert_int_equal(setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &asked, sizeof(asked)), 0);
	int client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (int i = 0; i < 100; i++)
		sendto(client, who, 1200, 0, (struct sockaddr *)&to, sizeof(to));
	WAIT_UNTIL(drops_of(udp) > 0);
	for (int with_tcp = 0; with_tcp < 2; with_tcp++) {
		int listener = with_tcp ? bound(SOCK_STREAM, &tcp) : -1;
		if (with_tcp)
			assert_int_equal(listen(listener, 4), 0);
		snprintf(who, sizeof(who), with_tcp ? "%d" : ":%d",
			 with_tcp ? (int)getpid() : ntohs(to.sin_port));
		if (subject_find(live, who, true, &s, &e))
			fail_msg("%s", e.text);
		const struct listener *l = subject_queue(&s, LISTENER_UDP).smallest;
		assert_non_null(l);
		assert_int_equal(!subject_queue(&s, LISTENER_TCP).smallest, !with_tcp);
		assert_int_equal(s.pid, getpid());
		assert_int_equal(l->limit, 2 * asked);
		/* Older kernels let the last datagram exceed the buffer. */
		assert_in_range(l->depth, l->limit / 2, l->limit + 4096);
		assert_in_range(l->drops, 1, 99);
		subject_free(&s);
		if (with_tcp)
			close(listener);
	}
	close(client);
	close(udp);
}

/* A process of its own that has such a socket, maybe one of several (SO_REUSEPORT). */
static pid_t hold_port(int type, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int ready[2], one = 1;
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, type == SOCK_DGRAM ? "datagramd" : "streamd");
		int fd = socket(AF_INET, type, 0);
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
		if (!bind(fd, (struct sockaddr *)&a, sizeof(a)) &&
		    (type == SOCK_DGRAM || !listen(fd, 4)) && write(ready[1], "", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

/* The UDP sockets of a port that is named are those that receive there, of any process. */
static void an_address_names_the_udp_sockets_of_other_processes(void **state)
{
	enum { PORT = 5353, SOCKETS = 3 };
	pid_t pids[1 + SOCKETS];
	struct subject s;
	struct err e = {0};
	namespace_needed();
	pids[0] = hold_port(SOCK_STREAM, PORT);
	for (size_t i = 1; i <= SOCKETS; i++)
		pids[i] = hold_port(SOCK_DGRAM, PORT);
	assert_int_equal(subject_find(live, ":5353", true, &s, &e), 0);
	struct subject_queue q = subject_queue(&s, LISTENER_UDP);
	assert_int_equal(q.sockets, SOCKETS);
	assert_true(q.smallest->owner >= 0);
	assert_string_equal(s.listeners.processes[q.smallest->owner].name, "datagramd");
	assert_string_equal(s.name, "streamd");
	subject_free(&s);
	/* By its name it is the process alone. */
	assert_int_equal(subject_find(live, "streamd", true, &s, &e), 0);
	assert_null(subject_queue(&s, LISTENER_UDP).smallest);
	assert_false(s.ownerless);
	subject_free(&s);
	for (size_t i = 0; i <= SOCKETS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}

/* Sends more than a socket holds until it is killed. */
static pid_t flood(const struct sockaddr_in *to)
{
	static const char datagram[1200];
	pid_t pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (;; clock_sleep_ms(5))
		for (int i = 0; i < 10; i++)
			sendto(fd, datagram, sizeof(datagram), 0, (const struct sockaddr *)to,
			       sizeof(*to));
}

static void found(const char *options, int status, const char *const texts[])
{
	struct output o = run("$PROGRAM check --window 1s --color never %s", options);
	if (o.status != status)
		fail_msg("%s: exit status %d: %s%s", options, o.status, o.out, o.errors);
	for (size_t i = 0; texts[i]; i++)
		if (!strstr(o.out, texts[i]))
			fail_msg("%s: no \"%s\" in %s", options, texts[i], o.out);
	output_free(&o);
}

/* Critical for the server in question, a warning otherwise; none where nothing is dropped. */
static void a_socket_that_drops_datagrams_now_is_named(void **state)
{
	struct sockaddr_in to;
	char who[48], title[96];
	namespace_needed();
	int udp = bound(SOCK_DGRAM, &to);
	snprintf(who, sizeof(who), "--probe counters --server :%d", ntohs(to.sin_port));
	snprintf(title, sizeof(title), "test_queues (pid %d) on udp:127.0.0.1:%d drops", getpid(),
		 ntohs(to.sin_port));
	found(who, 0, (const char *const[]){"Ready", NULL});
	pid_t sender = flood(&to);
	WAIT_UNTIL(drops_of(udp) > 0);
	found("--probe counters", 1,
	      (const char *const[]){"udp.receive.overflowing", "warning", title, "otherwise",
				    NULL});
	found(who, 2,
	      (const char *const[]){"udp.receive.overflowing", "critical", title, "Not ready",
				    NULL});
	kill(sender, SIGKILL);
	waitpid(sender, NULL, 0);
	/* What it holds is not read. */
	snprintf(title, sizeof(title), "127.0.0.1:%d: its receive buffer is full",
		 ntohs(to.sin_port));
	found("--probe counters", 1,
	      (const char *const[]){"udp.receive.waiting", "warning", title, NULL});
	found(who, 2, (const char *const[]){"udp.receive.waiting", "critical", "Not ready", NULL});
	/* One sample does not show that. */
	struct output o = run("$PROGRAM check --quick --color never --probe counters,udp --server "
			      ":%d",
			      ntohs(to.sin_port));
	assert_int_equal(o.status, 1);
	assert_non_null(strstr(o.out, title));
	assert_non_null(strstr(o.out, "run the check without --quick"));
	assert_non_null(strstr(o.out, "; otherwise ready"));
	output_free(&o);
	close(udp);
}

/* Accepts 20 connections/s until it is killed. */
static pid_t accept_slowly(int listener)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;; clock_sleep_ms(50))
		close(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
}

/* A burst that it has not accepted yet, and no more arrives: its queue falls, but is never empty.
 */
static void a_server_that_accepts_less_than_needed_is_named(void **state)
{
	struct sockaddr_in to;
	int client[CLIENTS];
	char options[80];
	namespace_needed();
	int listener = bound(SOCK_STREAM, &to);
	assert_int_equal(listen(listener, 1000), 0);
	for (size_t i = 0; i < CLIENTS; i++) {
		client[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(client[i], (struct sockaddr *)&to, sizeof(to)), 0);
	}
	pid_t server = accept_slowly(listener);
	snprintf(options, sizeof(options), "--probe listeners --rate 200 --stall 10ms --server :%d",
		 ntohs(to.sin_port));
	found(options, 2,
	      (const char *const[]){"accept-queue.standing", "critical", "/s of 200/s that", NULL});
	found("--probe listeners --rate 200 --stall 10ms --quick", 0,
	      (const char *const[]){"accept-queue.standing", "connections wait now", NULL});
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	for (size_t i = 0; i < CLIENTS; i++)
		close(client[i]);
	close(listener);
}

/* Its user has more than one process already. */
static pid_t listen_without_fork(void)
{
	struct sockaddr_in to;
	int listener = bound(SOCK_STREAM, &to);
	assert_int_equal(listen(listener, 4), 0);
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setrlimit(RLIMIT_NPROC, &(struct rlimit){1, 1});
		for (;;)
			pause();
	}
	close(listener);
	return pid;
}

static void *wait_forever(void *unused)
{
	pause();
	return unused;
}

/* The descriptors of a process whose first thread has exited are those of another. */
static void a_server_without_its_first_thread_is_found(void **state)
{
	struct sockaddr_in to;
	struct subject s;
	struct err e = {0};
	char who[24], path[40], stat[1024] = "";
	namespace_needed();
	int listener = bound(SOCK_STREAM, &to);
	assert_int_equal(listen(listener, 4), 0);
	pid_t pid = fork();
	if (!pid) {
		pthread_t other;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pthread_create(&other, NULL, wait_forever, NULL);
		syscall(SYS_exit, 0);
	}
	close(listener);
	snprintf(path, sizeof(path), "proc/%d/stat", (int)pid);
	WAIT_UNTIL(host_read(live, path, stat, sizeof(stat), NULL) > 0 && strstr(stat, ") Z "));
	snprintf(who, sizeof(who), "%d", (int)pid);
	int rc = subject_find(live, who, true, &s, &e);
	if (rc)
		fail_msg("%s", e.text);
	assert_int_equal(s.listeners.count, 1);
	assert_int_equal(s.acceptor_count, 1);
	assert_int_equal(s.acceptors[0].state, 'S');
	assert_int_equal(s.acceptors[0].threads, 1);
	subject_free(&s);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void a_server_that_can_start_no_process_is_named(void **state)
{
	char options[64];
	namespace_needed();
	pid_t server = listen_without_fork();
	snprintf(options, sizeof(options), "--probe listeners --server %d", (int)server);
	found(options, 2,
	      (const char *const[]){"listeners.processes", "critical",
				    "can start no process or thread: its user runs", NULL});
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_queues_are_named_by_process),
		cmocka_unit_test(only_the_longest_are_kept),
		cmocka_unit_test(a_udp_server_is_found_with_its_buffer_and_drops),
		cmocka_unit_test(an_address_names_the_udp_sockets_of_other_processes),
		cmocka_unit_test(a_socket_that_drops_datagrams_now_is_named),
		cmocka_unit_test(a_server_that_accepts_less_than_needed_is_named),
		cmocka_unit_test(a_server_that_can_start_no_process_is_named),
		cmocka_unit_test(a_server_without_its_first_thread_is_found),
	};
	return cmocka_run_group_tests(tests, prepare, leave);
}
