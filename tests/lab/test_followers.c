/* Leader and followers: a connection belongs to one thread at a time, also when the thread that has
 * just armed it is slow to go on. */
#include "../support/support.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/crew.h"
#include "engine/sockets.h"

#define PEERS 200

static void nap_us(long us)
{
	const struct timespec t = {.tv_nsec = us * 1000};
	nanosleep(&t, NULL);
}

/* Takes the place of the library's: whoever has armed a connection for what it kept dawdles. */
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

static void test_each_is_closed_once(void **state)
{
	(void)state;
	const struct place here = {0};
	const struct crew_config config = {
		.address.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
		.share = CREW_FOLLOWERS,
		.mode = WORKER_ONESHOT,
		.workers = 4,
		.backlog = 1024,
		.listener = -1,
	};
	static struct crew crew;
	struct err e = {0};
	if (crew_start(&crew, &here, &config, &e) < 0)
		fail_msg("%s", e.text);
	for (long i = 0; i < PEERS; i++)
		be_deaf(&crew.address, i % 20 * 400);
	struct crew_sum sum = crew_sum(&crew);
	for (int i = 0; i < 1000 && (sum.accepted < PEERS || sum.closed < PEERS); i++) {
		nap_us(10000);
		sum = crew_sum(&crew);
	}
	assert_int_equal(crew_stop(&crew), 0);
	assert_int_equal(sum.accepted, PEERS);
	assert_int_equal(sum.closed, PEERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_is_closed_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
