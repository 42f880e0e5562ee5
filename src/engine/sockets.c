#include "engine/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "epolltune/cleanup.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static struct sockaddr_in shard_address(unsigned shard, unsigned index)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f400000u + (shard << 8) + index),
	};
}

int sockets_listener(unsigned shard, unsigned index, int backlog, struct err *e)
{
	CLEAN(close_fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, "socket");
	struct sockaddr_in a = shard_address(shard, index);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return err_errno(e, "bind to %s", inet_ntoa(a.sin_addr));
	if (listen(fd, backlog) < 0)
		return err_errno(e, "listen on %s", inet_ntoa(a.sin_addr));
	int listener = fd;
	fd = -1;
	return listener;
}

/* A socket filter sees the SYN-ACK too (net/ipv4/tcp_ipv4.c, tcp_v4_rcv()). */
static int deafen(int fd)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog filter = {.len = 1, .filter = &drop};
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) ? -errno : 0;
}

int sockets_connect(const union endpoint *to, const union endpoint *from, unsigned flags)
{
	int on = !(flags & SOCKETS_RESERVE), rc = 0;
	int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (from && (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0 ||
		     bind(fd, &from->any, endpoint_size(from)) < 0))
		rc = -errno;
	if (rc == 0 && flags & SOCKETS_DEAF)
		rc = deafen(fd);
	if (rc == 0 && connect(fd, &to->any, endpoint_size(to)) < 0 && errno != EINPROGRESS)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int sockets_connect_path(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	int rc = -errno;
	if (fd >= 0)
		close(fd);
	return rc;
}

void sockets_abort(int fd)
{
	struct linger l = {.l_onoff = 1};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

/* Accepts the connection whose other end is bound to `from`; closes any other. */
static int accept_from(int listener, const struct sockaddr_in *from)
{
	for (;;) {
		struct sockaddr_in peer = {0};
		socklen_t size = sizeof(peer);
		int fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC);
		if (fd >= 0 && peer.sin_port == from->sin_port &&
		    peer.sin_addr.s_addr == from->sin_addr.s_addr)
			return fd;
		if (fd >= 0)
			close(fd);
		else if (errno != EINTR && errno != ECONNABORTED)
			return -errno;
	}
}

/* Opens one connection: 0, or -errno. */
static int pair_open(int listener, const struct sockaddr_in *to, int fd[2])
{
	CLEAN(close_fd) int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client < 0)
		return -errno;
	/* A connect() that the kernel cannot serve must not block for minutes. */
	struct timeval patience = {.tv_sec = 10};
	setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	/* With a timeout SIGSTOP and SIGCONT interrupt it, too (signal(7)); a second call continues
	 * it. */
	while (connect(client, (const struct sockaddr *)to, sizeof(*to)) < 0)
		if (errno != EINTR)
			return errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	struct sockaddr_in own = {0};
	socklen_t size = sizeof(own);
	if (getsockname(client, (struct sockaddr *)&own, &size) < 0)
		return -errno;
	int server = accept_from(listener, &own);
	if (server < 0)
		return server;
	int on = 1;
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fd[0] = client;
	fd[1] = server;
	client = -1;
	return 0;
}

static int sockets_fill(struct sockets *s, size_t count, unsigned shard, struct err *e)
{
	for (unsigned index = 1; s->count < count && index <= SOCKETS_ADDRESSES; index++) {
		CLEAN(close_fd) int listener = sockets_listener(shard, index, 128, e);
		if (listener < 0)
			return listener;
		struct sockaddr_in to;
		socklen_t size = sizeof(to);
		if (getsockname(listener, (struct sockaddr *)&to, &size) < 0)
			return err_errno(e, "getsockname");
		int rc = 0;
		size_t max = s->count + 2 * SOCKETS_AT_ONE;
		while (s->count < count && s->count < max && rc == 0) {
			rc = pair_open(listener, &to, &s->fd[s->count]);
			s->count += rc == 0 ? 2 : 0;
		}
		if (rc < 0 && rc != -EADDRNOTAVAIL) {
			errno = -rc;
			return err_errno(e, "open connection %zu over loopback", s->count / 2 + 1);
		}
	}
	if (s->count < count)
		return err_set(e, EADDRNOTAVAIL,
			       "open connections over loopback: net.ipv4.ip_local_port_range is "
			       "used up on %d addresses after %zu connections",
			       SOCKETS_ADDRESSES, s->count / 2);
	return 0;
}

int sockets_open(struct sockets *s, size_t count, unsigned shard, struct err *e)
{
	count += count & 1;
	*s = (struct sockets){.fd = calloc(count ? count : 1, sizeof(int))};
	if (!s->fd)
		return err_set(e, ENOMEM, "%zu sockets: out of memory", count);
	int rc = sockets_fill(s, count, shard, e);
	if (rc < 0)
		sockets_close(s);
	return rc;
}

void sockets_close(struct sockets *s)
{
	for (size_t i = 0; i < s->count; i++) {
		sockets_abort(s->fd[i]);
		close(s->fd[i]);
	}
	free(s->fd);
	*s = (struct sockets){0};
}

size_t sockets_raise_limit(void)
{
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return 1024;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) < 0)
		getrlimit(RLIMIT_NOFILE, &r);
	return r.rlim_cur;
}

bool sockets_accept_passes(int code)
{
	switch (code) {
	case ECONNABORTED:
	case EINTR:
	case EPROTO:
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
		return true;
	default:
		return false;
	}
}
