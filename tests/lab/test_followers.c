/* What threads that share an epoll set must not do to each other or to a connection, in races that
 * the tests widen by delaying system calls. */
#include "../support/support.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/sockets.h"
#include "epolltune/server.h"

#define PEERS 200

static void nap_us(long us)
{
	const struct timespec t = {.tv_nsec = us * 1000};
	nanosleep(&t, NULL);
}

/* Replaces the library's: a thread that arms a connection for a pending write is delayed. */
int epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
	long rc = syscall(SYS_epoll_ctl, set, operation, fd, event);
	int code = errno;
	if (event && event->events & EPOLLOUT)
		nap_us(4000);
	errno = code;
	return (int)rc;
}

/* Sends much, reads nothing, and resets after a while. */
static void be_deaf(const union endpoint *to, long patience_us)
{
	static const char data[65536];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), little = 4096, segment = 536;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
	setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
	if (connect(fd, &to->any, endpoint_size(to)) < 0)
		fail_msg("connect: %s", strerror(errno));
	for (int i = 0; i < 40; i++)
		(void)!send(fd, data, sizeof(data), MSG_NOSIGNAL | MSG_DONTWAIT);
	nap_us(patience_us);
	sockets_abort(fd);
	close(fd);
}

/* In shared memory, set up before any server: whether there is always one more to accept. */
static _Atomic bool *flood;

/* Replaces accept4(2): during a flood each call finds a client. */
int flooded_accept4(int listener, void *address, socklen_t *size, int flags) __asm__("accept4");
int flooded_accept4(int listener, void *address, socklen_t *size, int flags)
{
	union endpoint to;
	socklen_t length = sizeof(to);
	if (*flood && getsockname(listener, &to.any, &length) == 0) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, &to.any, length) == 0)
			sockets_abort(fd);
		close(fd);
	}
	return (int)syscall(SYS_accept4, listener, address, size, flags);
}

static struct server_config followers(unsigned workers)
{
	return (struct server_config){
		.address.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
		.share = SERVER_FOLLOWERS,
		.mode = SERVER_ONESHOT,
		.workers = workers,
		.backlog = 1024,
	};
}

static void each_connection_is_closed_once(void **state)
{
	const struct task_context here = {0};
	const struct server_config config = followers(4);
	static struct server server;
	struct err e = {0};
	if (server_start(&server, &here, &config, &e) < 0)
		fail_msg("%s", e.text);
	for (long i = 0; i < PEERS; i++)
		be_deaf(&server.address, i % 20 * 400);
	WAIT_UNTIL(server_sum(&server).closed >= PEERS);
	struct server_sum sum = server_sum(&server);
	assert_int_equal(server_stop(&server), 0);
	assert_int_equal(sum.accepted, PEERS);
	assert_int_equal(sum.closed, PEERS);
}

/* A connected client is served while others never stop connecting. */
static void new_clients_do_not_starve_a_connected_one(void **state)
{
	const struct task_context here = {0};
	const struct server_config config = followers(2);
	const struct timeval patience = {.tv_sec = 60};
	static struct server server;
	struct err e = {0};
	char byte = 'x';
	if (server_start(&server, &here, &config, &e) < 0)
		fail_msg("%s", e.text);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, &server.address.any, endpoint_size(&server.address)), 0);
	*flood = true;
	int first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(first, &server.address.any, endpoint_size(&server.address)), 0);
	int served = 0;
	while (served < 10 && send(fd, &byte, 1, 0) == 1 && recv(fd, &byte, 1, 0) == 1)
		served++;
	/* The flood continues, and then ends. */
	uint64_t before = server_sum(&server).accepted;
	WAIT_UNTIL(server_sum(&server).accepted >= before + 2000);
	uint64_t after = server_sum(&server).accepted;
	*flood = false;
	assert_int_equal(served, 10);
	assert_true(after >= before + 2000);
	close(first);
	close(fd);
	assert_int_equal(server_stop(&server), 0);
}

/* More wait than are accepted in a row: none of them is forgotten. */
static void every_queued_client_is_accepted(void **state)
{
	const struct task_context here = {0};
	struct server_config config = followers(1);
	static struct server server;
	struct err e = {0};
	config.backlog = 4096;
	if (server_start(&server, &here, &config, &e) < 0)
		fail_msg("%s", e.text);
	kill(server.tasks[0].pid, SIGSTOP);
	for (int i = 0; i < 1500; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fd, &server.address.any, endpoint_size(&server.address)),
				 0);
		close(fd);
	}
	kill(server.tasks[0].pid, SIGCONT);
	WAIT_UNTIL(server_sum(&server).closed >= 1500);
	assert_int_equal(server_sum(&server).accepted, 1500);
	assert_int_equal(server_sum(&server).closed, 1500);
	assert_int_equal(server_stop(&server), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_queued_client_is_accepted),
		cmocka_unit_test(new_clients_do_not_starve_a_connected_one),
		cmocka_unit_test(each_connection_is_closed_once),
	};
	flood = mmap(NULL, sizeof(*flood), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	return flood == MAP_FAILED ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
