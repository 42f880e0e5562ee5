/* Neighbours that the limit of the table does not count, in a network namespace of the test. */
#include "../support/support.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/host.h"

/* Dumps that the kernel says a change has interrupted: so many, by a flag of their messages. */
static int interrupted;
ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t n = syscall(SYS_recvmsg, fd, message, flags);
	struct nlmsghdr *head = message->msg_iov[0].iov_base;
	if (n < 0 || flags & MSG_PEEK || !interrupted)
		return n;
	for (int left = (int)n; nlmsg_ok(head, left); head = nlmsg_next(head, &left)) {
		head->nlmsg_flags |= NLM_F_DUMP_INTR;
		interrupted -= head->nlmsg_type == NLMSG_DONE;
	}
	return n;
}

static void neighbours_that_no_limit_counts_are_found(void **state)
{
	CLEAN(host_closep) struct host *h = NULL;
	struct err e = {0};
	uint64_t four = 0, six = 0;
	assert_int_equal(host_open(&h, "/", &e), 0);
	int refused = namespace_enter();
	if (refused)
		skip_because("user namespaces are refused: %s", strerror(refused));
	struct output o = run(
		"ip link add v0 type veth peer name v1 && ip link set v0 up && "
		"ip neigh add 10.9.0.1 lladdr 02:00:00:00:00:01 dev v0 nud permanent && "
		"ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev v0 nud stale extern_learn && "
		"ip neigh add 10.9.0.3 lladdr 02:00:00:00:00:03 dev v0 nud stale && "
		"ip neigh add fe80::9 lladdr 02:00:00:00:00:09 dev v0 nud permanent");
	if (o.status)
		fail_msg("%s", o.errors);
	output_free(&o);
	assert_int_equal(host_neighbours_exempt(h, AF_INET, &four, &e), 0);
	assert_int_equal(host_neighbours_exempt(h, AF_INET6, &six, &e), 0);
	assert_int_equal(four, 2);
	assert_int_equal(six, 1);
	interrupted = 2;
	assert_int_equal(host_neighbours_exempt(h, AF_INET, &four, &e), 0);
	assert_int_equal(four, 2);
	assert_int_equal(interrupted, 0);
	interrupted = 100;
	assert_int_equal(host_neighbours_exempt(h, AF_INET, &four, &e), -EINTR);
	assert_int_equal(four, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_that_no_limit_counts_are_found),
	};
	return cmocka_run_group_tests_name("neighbours", tests, NULL, NULL);
}
