/* Listeners by replies of the kernel that are cut, interrupted or missing, and all listeners of one
 * server. */
#include "../support/listening.h"
#include "../support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/vm_sockets.h>
#include <linux/vm_sockets_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/listener.h"
#include "epolltune/subject.h"

/* Few kernels have vsock_diag: what it would answer. */
static struct {
	struct nlmsghdr head;
	struct vsock_diag_msg listener;
	struct nlmsghdr done;
	uint32_t error;
} vsock;

static bool vsock_asked;

static ssize_t vsock_answer(struct msghdr *message, int flags)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	memcpy(message->msg_name, &kernel, sizeof(kernel));
	message->msg_namelen = sizeof(kernel);
	message->msg_controllen = 0;
	message->msg_flags = 0;
	if (message->msg_iov[0].iov_len >= sizeof(vsock))
		memcpy(message->msg_iov[0].iov_base, &vsock, sizeof(vsock));
	else
		message->msg_flags = MSG_TRUNC;
	vsock_asked = flags & MSG_PEEK;
	return sizeof(vsock);
}

/* Counts what libnl receives. */
static size_t received_bytes;

static bool interrupted; /* by a flag of the kernel's messages */

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	if (vsock_asked)
		return vsock_answer(message, flags);
	ssize_t n = syscall(SYS_recvmsg, fd, message, flags);
	if (n > 0 && !(flags & MSG_PEEK))
		received_bytes += (size_t)n;
	if (interrupted && n >= NLMSG_HDRLEN && !(flags & MSG_PEEK))
		((struct nlmsghdr *)message->msg_iov[0].iov_base)->nlmsg_flags |= NLM_F_DUMP_INTR;
	return n;
}

/* A kernel without the module of this family and, if not 0, protocol; 0: it has all. */
static int missing_family, missing_protocol;

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	const unsigned char *request =
		message->msg_iov[0].iov_len > NLMSG_HDRLEN + 2
			? (const unsigned char *)message->msg_iov[0].iov_base + NLMSG_HDRLEN
			: NULL;
	if (vsock.listener.vdiag_ino && request && request[0] == AF_VSOCK) {
		const struct nlmsghdr *head = message->msg_iov[0].iov_base;
		vsock.head.nlmsg_seq = vsock.done.nlmsg_seq = head->nlmsg_seq;
		vsock.head.nlmsg_pid = vsock.done.nlmsg_pid = head->nlmsg_pid;
		vsock_asked = true;
		return (ssize_t)head->nlmsg_len;
	}
	if (missing_family && request && request[0] == missing_family &&
	    (!missing_protocol || request[1] == missing_protocol)) {
		errno = ENOENT;
		return -1;
	}
	return syscall(SYS_sendmsg, fd, message, flags);
}

static void sockets_that_share_a_port_are_distinct(void **state)
{
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	int fds[4];
	reuse_port = 1;
	for (int i = 0; i < 4; i++)
		fds[i] = tcp_listen("0.0.0.0", 80, 10 + i);
	reuse_port = 0;
	l = listeners_read_now();
	assert_int_equal(l.count, 4);
	close(fds[2]);
	interrupted = true;
	struct listeners later = listeners_read_now();
	interrupted = false;
	assert_int_equal(later.count, 3);
	for (size_t i = 0; i < 4; i++) {
		const struct listener *same = listeners_find(&later, l.at[i].cookie);
		assert_string_equal(l.at[i].address, "0.0.0.0:80");
		if (l.at[i].limit == 12)
			assert_null(same);
		else
			assert_int_equal(same->limit, l.at[i].limit);
	}
	/* It closed in between. */
	listeners_name(&l);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(listeners_owner(&l, &l.at[i]),
				 l.at[i].limit == 12 ? -1 : getpid());
	assert_false(l.hidden);
	listeners_free(&l);
	listeners_free(&later);
	for (int i = 0; i < 4; i++)
		if (i != 2)
			close(fds[i]);
}

static void connections_beside_listeners_are_not_dumped(void **state)
{
	enum { LISTENERS = 200, CONNECTIONS = 300 };
	static int fds[LISTENERS + 2 * CONNECTIONS];
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	setrlimit(RLIMIT_NOFILE, &limit);
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	int n = 0;
	for (int i = 0; i < LISTENERS; i++)
		fds[n++] = tcp_listen(i % 2 ? "127.0.0.1" : "::1", (uint16_t)(1000 + i), 64);
	received_bytes = 0;
	l = listeners_read_now();
	size_t without = received_bytes;
	assert_int_equal(l.count, LISTENERS);
	listeners_free(&l);
	for (int i = 0; i < CONNECTIONS; i++) {
		fds[n++] = tcp_connect(1001, 0);
		fds[n++] = accept4(fds[1], NULL, NULL, SOCK_CLOEXEC);
	}
	received_bytes = 0;
	l = listeners_read_now();
	assert_int_equal(l.count, LISTENERS);
	assert_int_equal(received_bytes, without);
	assert_true(without > (size_t)LISTENERS * 72);
	listeners_name(&l);
	assert_int_equal(l.process_count, 1);
	for (size_t i = 0; i < l.count; i++)
		assert_int_equal(listeners_owner(&l, &l.at[i]), getpid());
	listeners_free(&l);
	while (n)
		close(fds[--n]);
}

/* "It has no listener" would be wrong where the kernel cannot list its kind. */
static void what_cannot_be_listed_is_not_absent(void **state)
{
	char self[16];
	struct subject s;
	struct err e = {0};
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	snprintf(self, sizeof(self), "%d", (int)getpid());
	int fd = unix_listen("\0epolltune-unlisted", 19, SOCK_STREAM, 5);
	server_is_refused(":9999", -ENOENT, "nothing listens there");
	missing_family = AF_UNIX;
	l = listeners_read_now();
	assert_int_equal(l.count, 0);
	assert_int_equal(l.unlisted, 1 << LISTENER_UNIX);
	listeners_free(&l);
	server_is_refused(self, -EOPNOTSUPP, "unix_diag");
	server_is_refused("unix:@epolltune-unlisted", -EOPNOTSUPP, "unix_diag");
	server_is_refused(":9999", -ENOENT, "nothing listens there");
	missing_family = AF_INET;
	missing_protocol = IPPROTO_UDP;
	server_is_refused(":9999", -EOPNOTSUPP, "udp_diag");
	server_is_refused("unix:@other", -ENOENT, "nothing listens there");
	assert_int_equal(subject_find(here, self, true, &s, &e), 0);
	assert_int_equal(s.listeners.unlisted, 1 << LISTENER_UDP);
	subject_free(&s);
	missing_protocol = 0;
	assert_int_equal(listeners_read(here, &l, &e), -EOPNOTSUPP);
	listeners_free(&l);
	missing_family = 0;
	close(fd);
}

#define MANY 1300
#define LATE 5000 /* the number of a descriptor */

/* As a master has them with SO_REUSEPORT for each worker, and one that came later. */
static void a_server_has_all_its_listeners(void **state)
{
	CLEAN(subject_free) struct subject s = {0};
	struct rlimit was, more;
	struct listeners l = listeners_read_or_skip();
	char self[16];
	int fds[MANY], late;
	struct err e = {0};
	listeners_free(&l);
	getrlimit(RLIMIT_NOFILE, &was);
	more = (struct rlimit){was.rlim_max, was.rlim_max};
	if (more.rlim_cur <= LATE || setrlimit(RLIMIT_NOFILE, &more))
		skip_because("RLIMIT_NOFILE is %llu", (unsigned long long)more.rlim_cur);
	for (int i = 0; i < MANY; i++)
		fds[i] = tcp_listen("127.0.0.1", (uint16_t)(20000 + i), 100 + i);
	struct helper other = helper_start("nginx", NULL); /* it inherits them */
	late = tcp_listen("127.0.0.1", 19999, 8);
	assert_int_equal(fcntl(late, F_DUPFD_CLOEXEC, LATE), LATE);
	close(late);
	snprintf(self, sizeof(self), "%d", (int)getpid());
	int rc = subject_find(here, self, true, &s, &e);
	helper_end(&other);
	close(LATE);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	setrlimit(RLIMIT_NOFILE, &was);
	if (rc)
		fail_msg("%s", e.text);
	assert_int_equal(s.listeners.count, MANY + 1);
	assert_int_equal(
		subject_queue(&s, LISTENER_TCP).smallest
			? subject_queue(&s, LISTENER_TCP).smallest->limit
			: subject_aside(&s, LISTENER_TCP, datagram_taken(0, false)).smallest->limit,
		8);
	assert_int_equal(s.cut, 0);
	listeners_wait(0);
}

static void a_server_of_vsock_is_not_without_listener(void **state)
{
	char self[16];
	struct stat st;
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	snprintf(self, sizeof(self), "%d", (int)getpid());
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || fstat(fd, &st))
		skip_because("vsock: %s", strerror(errno));
	server_is_refused(self, -ENOENT, "has no TCP, UNIX or UDP listener");
	vsock.head = (struct nlmsghdr){.nlmsg_len = sizeof(vsock.head) + sizeof(vsock.listener),
				       .nlmsg_type = SOCK_DIAG_BY_FAMILY,
				       .nlmsg_flags = NLM_F_MULTI};
	vsock.listener = (struct vsock_diag_msg){.vdiag_family = AF_VSOCK,
						 .vdiag_state = TCP_LISTEN,
						 .vdiag_src_cid = VMADDR_CID_ANY,
						 .vdiag_src_port = 50123,
						 .vdiag_ino = (uint32_t)st.st_ino,
						 .vdiag_cookie = {7, 0}};
	vsock.done = (struct nlmsghdr){.nlmsg_len = sizeof(vsock.done) + sizeof(vsock.error),
				       .nlmsg_type = NLMSG_DONE,
				       .nlmsg_flags = NLM_F_MULTI};
	server_is_refused(self, -EOPNOTSUPP, "listens at vsock:*:50123 only");
	close(fd);
	server_is_refused(self, -ENOENT, "has no TCP, UNIX or UDP listener");
	vsock.listener.vdiag_ino = 0;
}

/* Its queue has a limit, of which no walls are known. */
static void a_unix_datagram_socket_is_named(void **state)
{
	char path[128], self[16];
	struct listeners l = listeners_read_or_skip();
	listeners_free(&l);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/log", listening_directory);
	snprintf(path, sizeof(path), "unix:%s", a.sun_path);
	snprintf(self, sizeof(self), "%d", (int)getpid());
	int unbound = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	server_is_refused(path, -ENOENT, "nothing listens there");
	server_is_refused(self, -ENOENT, "has no TCP, UNIX or UDP listener");
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	const char *const servers[] = {path, path + strlen("unix:"), self};
	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++) {
		server_is_refused(servers[i], -EOPNOTSUPP, "log is a UNIX datagram socket");
		server_is_refused(servers[i], -EOPNOTSUPP, "net.unix.max_dgram_qlen = ");
	}
	close(fd);
	close(unbound);
	unlink(a.sun_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_that_share_a_port_are_distinct),
		cmocka_unit_test(what_cannot_be_listed_is_not_absent),
		cmocka_unit_test(a_server_has_all_its_listeners),
		cmocka_unit_test(a_server_of_vsock_is_not_without_listener),
		cmocka_unit_test(a_unix_datagram_socket_is_named),
		cmocka_unit_test(connections_beside_listeners_are_not_dumped),
	};
	return cmocka_run_group_tests(tests, listening_begin, listening_end);
}
