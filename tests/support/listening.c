#include "listening.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/subject.h"

struct host *here;
static int refused; /* errno of unshare() */
char listening_directory[] = "/tmp/epolltune-listeners-XXXXXX";

int listening_begin(void **state)
{
	struct err e;
	if (!mkdtemp(listening_directory) || host_open(&here, "/", &e))
		return -1;
	refused = namespace_enter();
	return 0;
}

int listening_end(void **state)
{
	host_close(here);
	return rmdir(listening_directory);
}

void listening_needs_namespace(void)
{
	if (refused)
		skip_because("user namespaces are refused: %s", strerror(refused));
}

int reuse_port;
const char *bound_to; /* a device; NULL: none */
bool is_helper;       /* cmocka must not go on with the tests there */

int tcp_listen(const char *address, uint16_t port, int backlog)
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

int tcp_connect(uint16_t port, int flags)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS)
		fail_msg("connect: %s", strerror(errno));
	return fd;
}

socklen_t unix_name(struct sockaddr_un *a, const char *name, size_t length)
{
	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(a->sun_path, name, length);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

int unix_listen(const char *name, size_t length, int type, int backlog)
{
	struct sockaddr_un a;
	socklen_t size = unix_name(&a, name, length);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&a, size) || listen(fd, backlog))
		fail_msg("unix: %s", strerror(errno));
	return fd;
}

struct listeners listeners_read_or_skip(void)
{
	struct listeners l;
	struct err e = {0};
	listening_needs_namespace();
	int r = listeners_read(here, &l, &e);
	if (r == -EOPNOTSUPP)
		skip_because("%s", e.text);
	if (r)
		fail_msg("%s", e.text);
	return l;
}

struct listeners listeners_read_now(void)
{
	struct listeners l;
	struct err e = {0};
	if (listeners_read(here, &l, &e))
		fail_msg("%s", e.text);
	return l;
}

void listeners_wait(size_t wanted)
{
	size_t count;
	do {
		struct listeners l = listeners_read_now();
		count = l.count;
		listeners_free(&l);
	} while (count != wanted && may_try_again());
	assert_int_equal(count, wanted);
}

const struct listener *listeners_at(const struct listeners *l, const char *address)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->at[i].address, address) == 0)
			return &l->at[i];
	fail_msg("no listener at %s", address);
	return NULL;
}

bool listener_any(const struct listener *l, void *arg)
{
	(void)l, (void)arg;
	return true;
}

void listeners_name(struct listeners *l)
{
	struct err e = {0};
	if (listeners_own(here, l, listener_any, NULL, &e))
		fail_msg("%s", e.text);
}

pid_t listeners_owner(const struct listeners *l, const struct listener *x)
{
	return x->owner < 0 ? -1 : l->processes[x->owner].pid;
}

struct helper helper_start(const char *name, int (*body)(void))
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

void helper_end(struct helper *h)
{
	int status = -1;
	assert_int_equal(write(h->channel, "q", 1), 1);
	close(h->channel);
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	assert_int_equal(status, 0);
}

void server_is_refused(const char *who, int code, const char *text)
{
	struct subject s;
	struct err e = {0};
	assert_int_equal(subject_find(here, who, true, &s, &e), code);
	if (!strstr(e.text, text))
		fail_msg("%s: %s", who, e.text);
	subject_free(&s);
}
