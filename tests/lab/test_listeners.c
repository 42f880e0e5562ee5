/* Listening sockets and their processes, in a network namespace of the test. */
#include "../support/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/vm_sockets.h>
#include <linux/vm_sockets_diag.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/connections.h"
#include "epolltune/listener.h"
#include "epolltune/subject.h"
#include "host/owners.h"
#include "host/processes.h"

#define NAME "test_listeners"

static struct host *live;
static int refused; /* errno of unshare() */
static char directory[] = "/tmp/epolltune-listeners-XXXXXX";

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

static int prepare(void **state)
{
	struct err e;
	if (!mkdtemp(directory) || host_open(&live, "/", &e))
		return -1;
	refused = namespace_enter();
	return 0;
}

static int namespace_leave(void **state)
{
	host_close(live);
	return rmdir(directory);
}

static void need_namespace(void)
{
	if (refused)
		skip_because("user namespaces are refused: %s", strerror(refused));
}

static int reuse_port;
static const char *bound_to; /* a device; NULL: none */
static bool is_helper;       /* cmocka must not go on with the tests there */

static int tcp_listen(const char *address, uint16_t port, int backlog)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	bool six = strchr(address, ':');
	assert_int_equal(six ? inet_pton(AF_INET6, address, &v6.sin6_addr)
			     : inet_pton(AF_INET, address, &v4.sin_addr),
			 1);
	int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &reuse_port, sizeof(reuse_port));
	if (bound_to &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, bound_to, (socklen_t)strlen(bound_to)))
		fail_msg("SO_BINDTODEVICE: %s", strerror(errno));
	if (bind(fd, six ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
		 six ? sizeof(v6) : sizeof(v4)) ||
	    listen(fd, backlog)) {
		if (is_helper)
			_exit(3);
		fail_msg("%s port %u: %s", address, port, strerror(errno));
	}
	return fd;
}

static int tcp_connect(uint16_t port, int flags)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS)
		fail_msg("connect: %s", strerror(errno));
	return fd;
}

/* An abstract name begins with NUL. */
static socklen_t unix_name(struct sockaddr_un *a, const char *name, size_t length)
{
	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(a->sun_path, name, length);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static int unix_listen(const char *name, size_t length, int type, int backlog)
{
	struct sockaddr_un a;
	socklen_t size = unix_name(&a, name, length);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&a, size) || listen(fd, backlog))
		fail_msg("unix: %s", strerror(errno));
	return fd;
}

static struct listeners read_or_skip(void)
{
	struct listeners l;
	struct err e = {0};
	need_namespace();
	int r = listeners_read(live, &l, &e);
	if (r == -EOPNOTSUPP)
		skip_because("%s", e.text);
	if (r)
		fail_msg("%s", e.text);
	return l;
}

static struct listeners read_now(void)
{
	struct listeners l;
	struct err e = {0};
	if (listeners_read(live, &l, &e))
		fail_msg("%s", e.text);
	return l;
}

static void listeners_wait(size_t wanted)
{
	size_t count;
	do {
		struct listeners l = read_now();
		count = l.count;
		listeners_free(&l);
	} while (count != wanted && may_try_again());
	assert_int_equal(count, wanted);
}

static const struct listener *at(const struct listeners *l, const char *address)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->at[i].address, address) == 0)
			return &l->at[i];
	fail_msg("no listener at %s", address);
	return NULL;
}

static bool is_at(const struct listener *l, void *address) { return !strcmp(l->address, address); }

static bool all(const struct listener *l, void *arg)
{
	(void)l, (void)arg;
	return true;
}

static bool of_kind(const struct listener *l, void *kind)
{
	return l->kind == *(enum listener_kind *)kind;
}

static void own(struct listeners *l)
{
	struct err e = {0};
	if (listeners_own(live, l, all, NULL, &e))
		fail_msg("%s", e.text);
}

static pid_t owner(const struct listeners *l, const struct listener *x)
{
	return x->owner < 0 ? -1 : l->processes[x->owner].pid;
}

/* A process that waits for a word on `channel`. */
struct helper {
	pid_t pid;
	int channel;
};

static struct helper helper_start(const char *name, int (*body)(void))
{
	int ends[2];
	char ready;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		is_helper = true;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		if (name)
			prctl(PR_SET_NAME, name);
		if (body && body() < 0)
			_exit(1);
		if (write(ends[1], "r", 1) != 1 || read(ends[1], &ready, 1) != 1)
			_exit(2);
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &ready, 1), 1);
	return (struct helper){pid, ends[0]};
}

/* Its facts, once it waits. */
static struct process helper_read(const struct helper *h)
{
	struct process p;
	struct err e = {0};
	do
		assert_int_equal(process_read(live, h->pid, &p, &e), 0);
	while (p.state != 'S' && may_try_again());
	assert_int_equal(p.pid, h->pid);
	assert_int_equal(p.state, 'S');
	return p;
}

static void helper_end(struct helper *h)
{
	int status = -1;
	assert_int_equal(write(h->channel, "q", 1), 1);
	close(h->channel);
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	assert_int_equal(status, 0);
}

static void every_kind_has_its_address(void **state)
{
	char path[64], address[72], name[192], expected[192];
	struct listeners l = read_or_skip();
	assert_int_equal(l.count, 0);
	listeners_free(&l);
	int length = snprintf(path, sizeof(path), "%s/a b.sock", directory);
	CLEAN(close_fd) int a = tcp_listen("127.0.0.1", 443, 511);
	CLEAN(close_fd) int b = tcp_listen("127.0.0.1", 80, 5);
	CLEAN(close_fd) int c = tcp_listen("::1", 80, 7);
	CLEAN(close_fd) int d = tcp_listen("0.0.0.0", 8080, 9);
	CLEAN(close_fd) int f = unix_listen(path, (size_t)length + 1, SOCK_STREAM, 11);
	CLEAN(close_fd) int g = unix_listen("\0one\0two\n", 9, SOCK_SEQPACKET, 13);
	l = read_now();
	const char *const addresses[] = {"0.0.0.0:8080", "127.0.0.1:80", "127.0.0.1:443",
					 "[::1]:80"};
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(l.at[i].address, addresses[i]);
		assert_int_equal(l.at[i].kind, LISTENER_TCP);
	}
	assert_int_equal(at(&l, "127.0.0.1:80")->limit, 5);
	assert_int_equal(at(&l, "127.0.0.1:80")->port, 80);
	assert_int_equal(at(&l, "127.0.0.1:80")->uid, 0);
	assert_int_equal(at(&l, "[::1]:80")->limit, 7);
	assert_int_equal(at(&l, "127.0.0.1:443")->limit, 511);
	enum listener_kind tcp = LISTENER_TCP;
	assert_int_equal(listeners_own(live, &l, of_kind, &tcp, NULL), 0);
	assert_int_equal(l.process_count, 1);
	assert_false(l.hidden);
	snprintf(expected, sizeof(expected), NAME " (pid %d) on [::1]:80", (int)getpid());
	assert_string_equal(listener_name(&l, at(&l, "[::1]:80"), name, sizeof(name)), expected);
	if (l.count == 4) {
		listeners_free(&l);
		unlink(path);
		skip_because("no unix_diag");
	}
	assert_int_equal(l.count, 6);
	snprintf(address, sizeof(address), "unix:%s", path);
	assert_int_equal(at(&l, address)->kind, LISTENER_UNIX);
	assert_int_equal(at(&l, address)->limit, 11);
	assert_int_equal(at(&l, address)->port, 0);
	/* Not asked for. */
	assert_int_equal(at(&l, address)->owner, -1);
	assert_string_equal(listener_name(&l, at(&l, address), name, sizeof(name)), address);
	assert_int_equal(at(&l, "unix:@one@two?")->limit, 13);
	own(&l);
	assert_int_equal(l.process_count, 1);
	assert_int_equal(owner(&l, at(&l, address)), getpid());
	assert_int_equal(owner(&l, at(&l, "unix:@one@two?")), getpid());
	listeners_free(&l);
	unlink(path);
}

static void sockets_that_share_a_port_are_distinct(void **state)
{
	struct listeners l = read_or_skip();
	listeners_free(&l);
	int fds[4];
	reuse_port = 1;
	for (int i = 0; i < 4; i++)
		fds[i] = tcp_listen("0.0.0.0", 80, 10 + i);
	reuse_port = 0;
	l = read_now();
	assert_int_equal(l.count, 4);
	close(fds[2]);
	interrupted = true;
	struct listeners later = read_now();
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
	own(&l);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(owner(&l, &l.at[i]), l.at[i].limit == 12 ? -1 : getpid());
	assert_false(l.hidden);
	listeners_free(&l);
	listeners_free(&later);
	for (int i = 0; i < 4; i++)
		if (i != 2)
			close(fds[i]);
}

static uint32_t drops_at(const char *address)
{
	struct listeners l = read_now();
	uint32_t drops = at(&l, address)->drops;
	listeners_free(&l);
	return drops;
}

static void a_full_queue_drops(void **state)
{
	int fds[8];
	struct listeners l = read_or_skip();
	listeners_free(&l);
	CLEAN(close_fd) int fd = tcp_listen("127.0.0.1", 80, 2);
	CLEAN(close_fd) int other = tcp_listen("127.0.0.1", 81, 2);
	for (int i = 0; i < 3; i++)
		fds[i] = tcp_connect(80, 0);
	WAIT_UNTIL(tcp_waiting(80, TCP_LISTEN) == 3);
	l = read_now();
	assert_int_equal(at(&l, "127.0.0.1:80")->depth, 3);
	assert_int_equal(at(&l, "127.0.0.1:80")->limit, 2);
	assert_int_equal(at(&l, "127.0.0.1:80")->drops, 0);
	listeners_free(&l);
	for (int i = 3; i < 8; i++)
		fds[i] = tcp_connect(80, SOCK_NONBLOCK);
	WAIT_UNTIL(drops_at("127.0.0.1:80") >= 5);
	/* They connect no more. */
	for (int i = 3; i < 8; i++)
		close(fds[i]);
	l = read_now();
	assert_int_equal(at(&l, "127.0.0.1:80")->depth, 3);
	assert_true(at(&l, "127.0.0.1:80")->drops >= 5);
	assert_int_equal(at(&l, "127.0.0.1:81")->depth, 0);
	assert_int_equal(at(&l, "127.0.0.1:81")->drops, 0);
	listeners_free(&l);
	close(accept(fd, NULL, NULL));
	l = read_now();
	assert_int_equal(at(&l, "127.0.0.1:80")->depth, 2);
	listeners_free(&l);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void a_unix_queue_holds_one_more_than_its_limit(void **state)
{
	int fds[8] = {0}, n = 0;
	struct sockaddr_un a;
	struct listeners l = read_or_skip();
	listeners_free(&l);
	socklen_t size = unix_name(&a, "\0full", 5);
	CLEAN(close_fd) int fd = unix_listen("\0full", 5, SOCK_STREAM, 2);
	for (; n < 8; n++) {
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (connect(fds[n], (struct sockaddr *)&a, size))
			break;
	}
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(n, 3);
	l = read_now();
	for (int i = 0; i <= n; i++)
		close(fds[i]);
	if (!l.count)
		skip_because("no unix_diag");
	assert_int_equal(at(&l, "unix:@full")->depth, 3);
	assert_int_equal(at(&l, "unix:@full")->limit, 2);
	listeners_free(&l);
}

static bool is_tcp(const struct listener *l, void *unused) { return l->kind == LISTENER_TCP; }

static bool is_unix(const struct listener *l, void *unused) { return l->kind == LISTENER_UNIX; }

static void waiting_read(bool (*wanted)(const struct listener *l, void *arg),
			 struct waiting_list *out)
{
	struct err e = {0};
	struct listeners l = read_now();
	if (listeners_waiting(live, &l, wanted, NULL, out, &e))
		fail_msg("%s", e.text);
	listeners_free(&l);
}

/* Two wait, one is accepted, and one comes: as many wait as before. */
static void what_waits_is_told_apart(int fd, int clients[3],
				     bool (*wanted)(const struct listener *l, void *arg),
				     const struct sockaddr *to, socklen_t size)
{
	struct waiting_list were, are;
	for (int i = 0; i < 2; i++)
		assert_int_equal(connect(clients[i], to, size), 0);
	waiting_read(wanted, &were);
	assert_int_equal(were.count, 2);
	int accepted = accept(fd, NULL, NULL);
	assert_int_equal(connect(clients[2], to, size), 0);
	waiting_read(wanted, &are);
	assert_int_equal(are.count, 2);
	assert_int_equal(waiting_has(&were, are.at[0]) + waiting_has(&were, are.at[1]), 1);
	assert_int_equal(are.at[0].listener, were.at[0].listener);
	close(accepted);
	waiting_free(&were);
	waiting_free(&are);
}

static void connections_that_wait_are_told_apart(void **state)
{
	struct sockaddr_un name;
	struct listeners l = read_or_skip();
	bool no_unix = l.unlisted >> LISTENER_UNIX & 1;
	listeners_free(&l);
	for (int local = 0; local < 2 - no_unix; local++) {
		int clients[3];
		struct sockaddr_in a = {.sin_family = AF_INET,
					.sin_port = htons(80),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t size = unix_name(&name, "\0wait", 5);
		CLEAN(close_fd)
		int fd = local ? unix_listen("\0wait", 5, SOCK_STREAM, 8)
			       : tcp_listen("127.0.0.1", 80, 8);
		CLEAN(close_fd) int other = tcp_listen("127.0.0.1", 81, 8);
		for (int i = 0; i < 3; i++)
			clients[i] =
				socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		what_waits_is_told_apart(fd, clients, local ? is_unix : is_tcp,
					 local ? (struct sockaddr *)&name : (struct sockaddr *)&a,
					 local ? size : sizeof(a));
		for (int i = 0; i < 3; i++)
			close(clients[i]);
	}
}

static void server_is_refused(const char *who, int code, const char *text)
{
	struct subject s;
	struct err e = {0};
	assert_int_equal(subject_find(live, who, true, &s, &e), code);
	if (!strstr(e.text, text))
		fail_msg("%s: %s", who, e.text);
	subject_free(&s);
}

/* The kernel makes no group of sockets that are bound to different devices:
 * net/ipv4/inet_hashtables.c, inet_reuseport_add_sock(). */
static void sockets_of_different_devices_are_no_group(void **state)
{
	static const char *const asked[] = {":80", "0.0.0.0:80", "0.0.0.0%lo:80", "[::]%lo:80"};
	static const size_t count[] = {3, 2, 1, 1};
	struct listeners l = read_or_skip();
	listeners_free(&l);
	int on = 1, seconds = 30;
	struct err e = {0};
	reuse_port = 1;
	CLEAN(close_fd) int every = tcp_listen("0.0.0.0", 80, 16);
	bound_to = "lo";
	CLEAN(close_fd) int four = tcp_listen("0.0.0.0", 80, 16);
	CLEAN(close_fd) int six = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	setsockopt(six, SOL_SOCKET, SO_BINDTODEVICE, bound_to, 2);
	assert_int_equal(bind(six, (struct sockaddr *)&any, sizeof(any)) || listen(six, 16), 0);
	reuse_port = 0;
	bound_to = NULL;
	setsockopt(every, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
	setsockopt(four, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
	CLEAN(close_fd) int a = tcp_connect(80, 0);
	l = read_now();
	assert_int_equal(listeners_half_open(live, &l, &e), 0);
	assert_int_equal(at(&l, "0.0.0.0%lo:80")->half_open, 1);
	assert_int_equal(at(&l, "0.0.0.0:80")->half_open, 0);
	assert_int_equal(at(&l, "[::]%lo:80")->half_open, 0);
	listeners_free(&l);
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		struct subject s;
		if (subject_find(live, asked[i], true, &s, &e))
			fail_msg("%s: %s", asked[i], e.text);
		assert_int_equal(s.listeners.count, count[i]);
		assert_int_equal(subject_queue(&s, LISTENER_TCP).sockets, 1);
		subject_free(&s);
	}
	server_is_refused("0.0.0.0%eth0:80", -ENOENT, "nothing listens there");
}

static void half_open_connections_count_at_their_port(void **state)
{
	struct listeners l = read_or_skip();
	listeners_free(&l);
	CLEAN(close_fd) int fd = tcp_listen("127.0.0.1", 80, 16);
	CLEAN(close_fd) int other = tcp_listen("127.0.0.1", 81, 16);
	/* The kernel keeps such a connection in SYN_RECV until its client sends. */
	int seconds = 30;
	setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
	CLEAN(close_fd) int a = tcp_connect(80, 0);
	CLEAN(close_fd) int b = tcp_connect(80, 0);
	CLEAN(close_fd) int c = tcp_connect(81, 0);
	struct host *h;
	struct err e;
	WAIT_UNTIL(tcp_waiting(81, TCP_LISTEN) == 1);
	l = read_now();
	assert_false(l.counted);
	assert_int_equal(host_open(&h, "/", &e), 0);
	assert_int_equal(listeners_half_open(h, &l, &e), 0);
	host_close(h);
	assert_true(l.counted);
	assert_int_equal(at(&l, "127.0.0.1:80")->half_open, 2);
	assert_int_equal(at(&l, "127.0.0.1:80")->depth, 0);
	assert_int_equal(at(&l, "127.0.0.1:81")->half_open, 0);
	assert_int_equal(at(&l, "127.0.0.1:81")->depth, 1);
	listeners_free(&l);
}

static void half_open_connections_of_a_group_are_of_all_its_sockets(void **state)
{
	struct listeners l = read_or_skip();
	listeners_free(&l);
	int group[3], clients[5], seconds = 30;
	struct err e = {0};
	reuse_port = 1;
	for (size_t i = 0; i < 3; i++) {
		group[i] = tcp_listen("127.0.0.1", 80, 16);
		setsockopt(group[i], IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
	}
	reuse_port = 0;
	CLEAN(close_fd) int other = tcp_listen("127.0.0.1", 81, 16);
	for (size_t i = 0; i < 5; i++)
		clients[i] = tcp_connect(80, 0);
	l = read_now();
	assert_int_equal(listeners_half_open(live, &l, &e), 0);
	assert_int_equal(l.count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(l.at[i].half_open, ((const uint32_t[]){2, 2, 1, 0})[i]);
	listeners_free(&l);
	for (size_t i = 0; i < 5; i++)
		close(clients[i]);
	for (size_t i = 0; i < 3; i++)
		close(group[i]);
}

/* As Java binds its IPv6 sockets to addresses of IPv4. */
static void an_ipv4_address_of_an_ipv6_socket_is_one(void **state)
{
	static const struct {
		const char *bound, *listed, *asked[3];
	} rows[] = {
		{"::ffff:127.0.0.1",
		 "[::ffff:127.0.0.1]:82",
		 {"127.0.0.1:82", "[::ffff:127.0.0.1]:82", ":82"}},
		{"::ffff:0.0.0.0", "[::ffff:0.0.0.0]:82", {"127.0.0.1:82", "0.0.0.0:82", ":82"}},
	};
	struct listeners l = read_or_skip();
	listeners_free(&l);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		static struct connections open;
		struct err e = {0};
		CLEAN(close_fd) int fd = tcp_listen(rows[i].bound, 82, 16);
		CLEAN(close_fd) int other = tcp_listen("::1", 82, 16);
		CLEAN(close_fd) int a = tcp_connect(82, 0);
		l = read_now();
		memset(&open, 0, sizeof(open));
		if (connections_read(live, &l, is_at, (void *)(uintptr_t)rows[i].listed, &open, &e))
			fail_msg("%s", e.text);
		listeners_free(&l);
		assert_int_equal(open.open, 1);
		for (size_t k = 0; k < sizeof(rows[i].asked) / sizeof(*rows[i].asked); k++) {
			struct subject s;
			if (subject_find(live, rows[i].asked[k], true, &s, &e))
				fail_msg("%s: %s", rows[i].asked[k], e.text);
			assert_string_equal(s.listeners.at[s.listeners.count - 1].address,
					    rows[i].listed);
			subject_free(&s);
		}
	}
}

/* This process is the master, which holds the socket for its workers. */
static void a_worker_comes_before_its_master(void **state)
{
	struct listeners l = read_or_skip();
	listeners_free(&l);
	CLEAN(close_fd) int fd = tcp_listen("127.0.0.1", 80, 16);
	struct helper first = helper_start(NULL, NULL), second = helper_start(NULL, NULL);
	l = read_now();
	own(&l);
	assert_int_equal(owner(&l, &l.at[0]), first.pid);
	assert_int_equal(l.process_count, 1);
	listeners_free(&l);
	helper_end(&first);
	l = read_now();
	own(&l);
	assert_int_equal(owner(&l, &l.at[0]), second.pid);
	listeners_free(&l);
	helper_end(&second);
	l = read_now();
	own(&l);
	assert_int_equal(owner(&l, &l.at[0]), getpid());
	listeners_free(&l);
}

static int shares[2], share;

static int watch(int fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	return epoll_ctl(epoll_create1(EPOLL_CLOEXEC), EPOLL_CTL_ADD, fd, &event);
}

static int watch_share(void) { return watch(shares[share]); }

/* As nginx with reuseport does: all workers hold all sockets. */
static void a_worker_that_watches_it_comes_first(void **state)
{
	struct listeners l = read_or_skip();
	listeners_free(&l);
	struct helper workers[2];
	reuse_port = 1;
	for (int i = 0; i < 2; i++)
		shares[i] = tcp_listen("127.0.0.1", 80, 10 + i);
	reuse_port = 0;
	for (int i = 0; i < 2; i++) {
		share = !i;
		workers[i] = helper_start(NULL, watch_share);
	}
	l = read_now();
	own(&l);
	assert_int_equal(l.count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(owner(&l, &l.at[i]), workers[l.at[i].limit == 10 ? 1 : 0].pid);
	listeners_free(&l);
	for (int i = 0; i < 2; i++) {
		helper_end(&workers[i]);
		close(shares[i]);
	}
}

static void a_helper_that_inherited_it_does_not(void **state)
{
	struct listeners l = read_or_skip();
	listeners_free(&l);
	CLEAN(close_fd) int fd = tcp_listen("127.0.0.1", 80, 16);
	struct helper helper = helper_start("logger", NULL);
	l = read_now();
	own(&l);
	assert_int_equal(owner(&l, &l.at[0]), getpid());
	listeners_free(&l);
	helper_end(&helper);
}

static int inherited;

static int watch_inherited(void) { return watch(inherited); }

/* As asyncio does for a second when accept() fails with EMFILE, it watches nothing. */
static int files_fill(void)
{
	const rlim_t files = (rlim_t)inherited + 16;
	const struct rlimit limit = {files, files};
	if (setrlimit(RLIMIT_NOFILE, &limit))
		return -1;
	while (dup(0) >= 0)
		;
	return 0;
}

/* A shell, say, that starts the server and waits for it. */
static int wrap(void)
{
	struct helper server = helper_start("work", watch_inherited);
	return server.pid > 0 ? 0 : -1;
}

static pid_t owner_now(void)
{
	struct listeners l = read_now();
	own(&l);
	pid_t pid = owner(&l, &l.at[0]);
	listeners_free(&l);
	return pid;
}

/* The supervisor, this process, has another name than its workers. */
static void a_supervisor_leaves_it_to_what_accepts(void **state)
{
	struct listeners l = read_or_skip();
	listeners_free(&l);
	CLEAN(close_fd) int fd = inherited = tcp_listen("127.0.0.1", 80, 16);
	struct helper idle = helper_start("logger", NULL);
	struct helper work = helper_start("work", watch_inherited);
	assert_int_equal(owner_now(), work.pid);
	kill(work.pid, SIGSTOP);
	assert_int_equal(owner_now(), work.pid);
	kill(work.pid, SIGCONT);
	helper_end(&work);
	assert_int_equal(owner_now(), getpid());
	work = helper_start("work", files_fill);
	assert_int_equal(owner_now(), work.pid);
	helper_end(&work);
	helper_end(&idle);
	struct helper shell = helper_start("sh", wrap);
	l = read_now();
	own(&l);
	assert_string_equal(l.processes[l.at[0].owner].name, "work");
	listeners_free(&l);
	helper_end(&shell);
	close_fd(&fd);
	listeners_wait(0); /* its child is killed */
}

/* This process watches it, or neither does: a child of another name does not get it by chance. */
static void a_server_keeps_it_beside_other_programs(void **state)
{
	struct listeners l = read_or_skip();
	listeners_free(&l);
	CLEAN(close_fd) int fd = inherited = tcp_listen("127.0.0.1", 80, 16);
	struct helper work = helper_start("work", watch_inherited);
	int set = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN};
	assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
	assert_int_equal(owner_now(), getpid());
	helper_end(&work);
	work = helper_start("work", files_fill);
	assert_int_equal(owner_now(), getpid());
	helper_end(&work);
	close(set);
}

static bool may_be_stuck(const struct process *p)
{
	return !strcmp(p->name, "logger") || !strcmp(p->name, "work");
}

static pid_t chosen_owner_now(void)
{
	struct err e = {0};
	struct listeners l = read_now();
	if (listeners_own_by(live, &l, may_be_stuck, &e))
		fail_msg("%s", e.text);
	pid_t pid = owner(&l, &l.at[0]);
	listeners_free(&l);
	return pid;
}

static void a_search_among_some_does_not_take_a_helper_either(void **state)
{
	struct listeners l = read_or_skip();
	listeners_free(&l);
	CLEAN(close_fd) int fd = inherited = tcp_listen("127.0.0.1", 80, 16);
	struct helper logger = helper_start("logger", NULL);
	assert_int_equal(chosen_owner_now(), -1);
	struct helper work = helper_start("work", watch_inherited);
	assert_int_equal(chosen_owner_now(), work.pid);
	CLEAN(close_fd) int set = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN};
	assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
	assert_int_equal(chosen_owner_now(), -1);
	close_fd(&set);
	helper_end(&work);
	work = helper_start("work", files_fill);
	assert_int_equal(chosen_owner_now(), work.pid);
	helper_end(&work);
	helper_end(&logger);
}

/* Process 1 of a container, which accepts, and a program that it started: exits with 0 if process 1
 * is the owner. */
static int first_process(void)
{
	struct host *h;
	struct listeners l;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL))
		return 77;
	prctl(PR_SET_NAME, "server");
	int fd = tcp_listen("127.0.0.1", 80, 16);
	helper_start("sleep", NULL);
	if (host_open(&h, "/", NULL) || listeners_read(h, &l, NULL) ||
	    listeners_own(h, &l, all, NULL, NULL))
		return 2;
	if (owner(&l, &l.at[0]) != 1) /* neither of them watches it */
		return 3;
	listeners_free(&l);
	if (watch(fd) || listeners_read(h, &l, NULL) || listeners_own(h, &l, all, NULL, NULL))
		return 2;
	return owner(&l, &l.at[0]) == 1 ? 0 : 4;
}

static void the_first_process_of_a_container_keeps_it(void **state)
{
	int status = -1;
	struct listeners l = read_or_skip();
	listeners_free(&l);
	pid_t outer = fork();
	if (!outer) {
		is_helper = true;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWPID | CLONE_NEWNS))
			_exit(77);
		pid_t first = fork();
		if (!first)
			_exit(first_process());
		_exit(waitpid(first, &status, 0) == first && WIFEXITED(status) ? WEXITSTATUS(status)
									       : 5);
	}
	assert_int_equal(waitpid(outer, &status, 0), outer);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip_because("no PID namespace with a /proc of its own");
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* As a socket unit, whose service runs. */
static int activate(void)
{
	inherited = tcp_listen("127.0.0.1", 80, 16);
	struct helper service = helper_start("app", NULL);
	return service.pid > 0 ? 0 : -1;
}

static void a_service_has_the_listener_of_its_socket_unit(void **state)
{
	struct listeners l = read_or_skip();
	listeners_free(&l);
	struct helper systemd = helper_start("systemd", activate);
	CLEAN(close_fd) int other = tcp_listen("127.0.0.1", 81, 16);
	l = read_now();
	own(&l);
	const struct listener *of_unit = at(&l, "127.0.0.1:80");
	assert_string_equal(l.processes[of_unit->owner].name, "app");
	assert_true(of_unit->systemd);
	assert_false(at(&l, "127.0.0.1:81")->systemd);
	struct listeners later = read_now();
	assert_int_equal(listeners_adopt(live, &later, &l, NULL), 0);
	assert_true(at(&later, "127.0.0.1:80")->systemd);
	listeners_free(&later);
	listeners_free(&l);
	helper_end(&systemd);
	close_fd(&other);
	listeners_wait(0);
}

static int hide(void)
{
	tcp_listen("127.0.0.1", 80, 16);
	/* Then only a process with CAP_SYS_PTRACE outside of this namespace may look inside. */
	return prctl(PR_SET_DUMPABLE, 0);
}

static void what_is_not_visible_is_hidden(void **state)
{
	struct listeners l = read_or_skip();
	listeners_free(&l);
	struct helper helper = helper_start("secret", hide);
	char name[192];
	l = read_now();
	own(&l);
	assert_true(l.hidden);
	assert_int_equal(l.at[0].owner, -1);
	assert_int_equal(l.process_count, 0);
	assert_string_equal(listener_name(&l, &l.at[0], name, sizeof(name)), "127.0.0.1:80");
	/* This much every user may read. */
	struct process p = helper_read(&helper);
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	assert_string_equal(p.name, "secret");
	assert_string_equal(p.waits_in, "");
	assert_true(p.soft == limit.rlim_cur);
	assert_true(p.started > 0);
	if (host_kernel(live) >= KERNEL(6, 2))
		assert_true(p.open > 0);
	else
		assert_int_equal(p.open, 0);
	listeners_free(&l);
	helper_end(&helper);
}

/* As a worker that has dropped its privileges: its parent is visible. */
static int worker_hide(void)
{
	int ready[2];
	char byte;
	tcp_listen("127.0.0.1", 80, 16);
	if (pipe(ready))
		return -1;
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_DUMPABLE, 0);
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	return pid < 0 || read(ready[0], &byte, 1) != 1 ? -1 : 0;
}

static void a_worker_that_is_not_visible_is_counted(void **state)
{
	struct listeners l = read_or_skip();
	struct subject s;
	struct err e;
	listeners_free(&l);
	struct helper helper = helper_start("served", worker_hide);
	if (subject_find(live, ":80", true, &s, &e))
		fail_msg("%s", e.text);
	assert_int_equal(s.pid, helper.pid);
	assert_int_equal(s.veiled, 1);
	assert_true(s.unshown);
	assert_int_equal(s.held, 0);
	subject_free(&s);
	helper_end(&helper);
	listeners_wait(0);
}

static void a_process_has_its_facts(void **state)
{
	struct process p, again;
	struct err e = {0};
	struct rlimit limit;
	need_namespace();
	getrlimit(RLIMIT_NOFILE, &limit);
	struct helper helper = helper_start("a) (b", NULL);
	assert_int_equal(process_read(live, getpid(), &p, &e), 0);
	assert_string_equal(p.name, NAME);
	assert_int_equal(p.state, 'R');
	assert_true(p.soft == limit.rlim_cur);
	assert_true(p.hard == (limit.rlim_max == RLIM_INFINITY ? HOST_UNLIMITED : limit.rlim_max));
	uint64_t open_before = p.open;
	CLEAN(close_fd) int one_more = dup(0);
	assert_int_equal(process_read(live, getpid(), &again, &e), 0);
	assert_int_equal(again.open, open_before + 1);
	assert_true(process_same(&p, &again));
	again = helper_read(&helper);
	assert_string_equal(again.name, "a) (b");
	assert_int_equal(again.threads, 1);
	assert_false(process_same(&p, &again));

	/* An open /proc/PID never shows the next process with that pid. */
	CLEAN(close_fd) int gone = process_open(live, helper.pid, &e);
	assert_true(gone >= 0);
	helper_end(&helper);
	int r = process_read_at(gone, helper.pid, &again, &e);
	assert_true(r == -ESRCH || r == -ENOENT);
	r = process_read(live, helper.pid, &again, &e);
	assert_true(r == -ESRCH || r == -ENOENT);
	assert_string_equal(again.name, "");
}

/* Opens listeners, passes them to children and exits, all the time. */
static int come_and_go(void)
{
	pid_t pid = fork();
	if (pid)
		return pid < 0 ? -1 : 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fds[3];
		for (int i = 0; i < 3; i++)
			fds[i] = tcp_listen("127.0.0.1", (uint16_t)(80 + i), 4);
		for (int i = 0; i < 2; i++)
			if (!fork())
				_exit(0);
		for (int i = 0; i < 3; i++)
			close(fds[i]);
		while (waitpid(-1, NULL, 0) > 0)
			;
	}
}

static void what_comes_and_goes_gets_no_wrong_name(void **state)
{
	struct listeners l = read_or_skip();
	listeners_free(&l);
	struct helper helper = helper_start("fleeting", come_and_go);
	size_t seen = 0;
	for (int i = 0; (i < 100 || seen < 10) && may_try_again(); i++) {
		l = read_now();
		own(&l);
		for (size_t k = 0; k < l.count; k++)
			if (l.at[k].owner >= 0) {
				assert_string_equal(l.processes[l.at[k].owner].name, "fleeting");
				seen++;
			}
		listeners_free(&l);
	}
	helper_end(&helper);
	assert_true(seen > 0);
	listeners_wait(0); /* its child is killed */
}

static void connections_beside_listeners_are_not_dumped(void **state)
{
	enum { LISTENERS = 200, CONNECTIONS = 300 };
	static int fds[LISTENERS + 2 * CONNECTIONS];
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	setrlimit(RLIMIT_NOFILE, &limit);
	struct listeners l = read_or_skip();
	listeners_free(&l);
	int n = 0;
	for (int i = 0; i < LISTENERS; i++)
		fds[n++] = tcp_listen(i % 2 ? "127.0.0.1" : "::1", (uint16_t)(1000 + i), 64);
	received_bytes = 0;
	l = read_now();
	size_t without = received_bytes;
	assert_int_equal(l.count, LISTENERS);
	listeners_free(&l);
	for (int i = 0; i < CONNECTIONS; i++) {
		fds[n++] = tcp_connect(1001, 0);
		fds[n++] = accept4(fds[1], NULL, NULL, SOCK_CLOEXEC);
	}
	received_bytes = 0;
	l = read_now();
	assert_int_equal(l.count, LISTENERS);
	assert_int_equal(received_bytes, without);
	assert_true(without > (size_t)LISTENERS * 72);
	own(&l);
	assert_int_equal(l.process_count, 1);
	for (size_t i = 0; i < l.count; i++)
		assert_int_equal(owner(&l, &l.at[i]), getpid());
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
	struct listeners l = read_or_skip();
	listeners_free(&l);
	snprintf(self, sizeof(self), "%d", (int)getpid());
	int fd = unix_listen("\0epolltune-unlisted", 19, SOCK_STREAM, 5);
	server_is_refused(":9999", -ENOENT, "nothing listens there");
	missing_family = AF_UNIX;
	l = read_now();
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
	assert_int_equal(subject_find(live, self, true, &s, &e), 0);
	assert_int_equal(s.listeners.unlisted, 1 << LISTENER_UDP);
	subject_free(&s);
	missing_protocol = 0;
	assert_int_equal(listeners_read(live, &l, &e), -EOPNOTSUPP);
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
	struct listeners l = read_or_skip();
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
	int rc = subject_find(live, self, true, &s, &e);
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

static int listen_at_80(void) { return tcp_listen("127.0.0.1", 80, 5); }

/* The process is not named then, and that is said; a known server, or one that the caller names, is
 * still found. */
static void a_search_ends_at_its_limit(void **state)
{
	static const struct {
		const char *name;
		bool among, cut;
	} rows[] = {{"other", false, true}, {"other", true, false}, {"nginx", false, false}};
	struct listeners l = read_or_skip();
	listeners_free(&l);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct helper server = helper_start(rows[i].name, listen_at_80);
		int of = -1;
		struct err e = {0};
		l = read_now();
		struct owned_socket socket = {.inode = at(&l, "127.0.0.1:80")->inode};
		struct owners o = {.sockets = &socket,
				   .socket_count = 1,
				   .owner = &of,
				   .thing_count = 1,
				   .limit = rows[i].among ? 1000 : 2};
		if (rows[i].among)
			o.among = &server.pid, o.among_count = 1;
		assert_int_equal(owners_find(live, &o, &e), 0);
		assert_int_equal(o.cut, rows[i].cut);
		assert_int_equal(of < 0 ? 0 : o.processes[of].pid, rows[i].cut ? 0 : server.pid);
		free(o.processes);
		assert_int_equal(listeners_own_among(live, &l, &server.pid, 1, &e), 0);
		assert_int_equal(owner(&l, at(&l, "127.0.0.1:80")), server.pid);
		listeners_free(&l);
		helper_end(&server);
		listeners_wait(0);
	}
}

static void a_server_of_vsock_is_not_without_listener(void **state)
{
	char self[16];
	struct stat st;
	struct listeners l = read_or_skip();
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
	struct listeners l = read_or_skip();
	listeners_free(&l);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/log", directory);
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
		cmocka_unit_test(every_kind_has_its_address),
		cmocka_unit_test(sockets_that_share_a_port_are_distinct),
		cmocka_unit_test(a_full_queue_drops),
		cmocka_unit_test(a_unix_queue_holds_one_more_than_its_limit),
		cmocka_unit_test(connections_that_wait_are_told_apart),
		cmocka_unit_test(sockets_of_different_devices_are_no_group),
		cmocka_unit_test(an_ipv4_address_of_an_ipv6_socket_is_one),
		cmocka_unit_test(half_open_connections_count_at_their_port),
		cmocka_unit_test(half_open_connections_of_a_group_are_of_all_its_sockets),
		cmocka_unit_test(a_worker_comes_before_its_master),
		cmocka_unit_test(a_worker_that_watches_it_comes_first),
		cmocka_unit_test(a_helper_that_inherited_it_does_not),
		cmocka_unit_test(a_supervisor_leaves_it_to_what_accepts),
		cmocka_unit_test(a_server_keeps_it_beside_other_programs),
		cmocka_unit_test(a_search_among_some_does_not_take_a_helper_either),
		cmocka_unit_test(the_first_process_of_a_container_keeps_it),
		cmocka_unit_test(a_service_has_the_listener_of_its_socket_unit),
		cmocka_unit_test(what_is_not_visible_is_hidden),
		cmocka_unit_test(a_worker_that_is_not_visible_is_counted),
		cmocka_unit_test(a_process_has_its_facts),
		cmocka_unit_test(what_comes_and_goes_gets_no_wrong_name),
		cmocka_unit_test(what_cannot_be_listed_is_not_absent),
		cmocka_unit_test(a_server_has_all_its_listeners),
		cmocka_unit_test(a_search_ends_at_its_limit),
		cmocka_unit_test(a_server_of_vsock_is_not_without_listener),
		cmocka_unit_test(a_unix_datagram_socket_is_named),
		cmocka_unit_test(connections_beside_listeners_are_not_dumped),
	};
	return cmocka_run_group_tests(tests, prepare, namespace_leave);
}
