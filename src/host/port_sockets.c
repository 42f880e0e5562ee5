/* TCP sockets by local port, of this network namespace and of a captured machine. */
#include "host/port_sockets.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "host/tcp_info.h"

struct walk {
	port_socket_seen seen;
	void *arg;
};

static struct in6_addr address_of(bool six, const uint32_t words[4])
{
	struct in6_addr a = {0};
	if (six) {
		memcpy(&a, words, sizeof(a));
	} else {
		memset(&a.s6_addr[10], 0xff, 2);
		memcpy(&a.s6_addr[12], words, 4);
	}
	return a;
}

bool port_address_is_loopback(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

/* What was agreed is known once the connection is open. */
static enum ports_stamps stamps_of(struct nlmsghdr *header)
{
	const struct inet_diag_msg *m = nlmsg_data(header);
	const struct nlattr *info = nlmsg_find_attr(header, sizeof(*m), INET_DIAG_INFO);
	if (!info || (m->idiag_state != TCP_ESTABLISHED && m->idiag_state != TCP_CLOSE_WAIT))
		return PORTS_STAMPS_UNKNOWN;
	return tcp_info_stamped(nla_data(info), (size_t)nla_len(info)) ? PORTS_STAMPS_SOME
								       : PORTS_STAMPS_NONE;
}

static int message_received(struct nl_msg *msg, void *arg)
{
	const struct walk *w = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(header);
	if (nlmsg_datalen(header) < (int)sizeof(*m) ||
	    (m->idiag_family != AF_INET && m->idiag_family != AF_INET6))
		return NL_SKIP;
	bool six = m->idiag_family == AF_INET6;
	const struct port_socket s = {.route = {.source = address_of(six, m->id.idiag_src),
						.destination = address_of(six, m->id.idiag_dst),
						.port = ntohs(m->id.idiag_dport)},
				      .port = ntohs(m->id.idiag_sport),
				      .state = m->idiag_state,
				      .inode = m->idiag_inode,
				      .waiting = m->idiag_state == TCP_LISTEN ? m->idiag_rqueue : 0,
				      .stamps = stamps_of(header)};
	w->seen(&s, w->arg);
	return NL_OK;
}

/* "0100007F", or four such words: the kernel prints each in the byte order of the machine. */
static bool socket_address_parse(const char *hex, bool big_endian, struct in6_addr *out)
{
	uint32_t words[4] = {0};
	size_t n = strlen(hex);
	if (n != 8 && n != 32)
		return false;
	for (size_t i = 0; i < n / 8; i++)
		if (sscanf(hex + i * 8, "%8" SCNx32, &words[i]) != 1)
			return false;
	for (size_t i = 0; i < n / 8; i++)
		words[i] = big_endian ? htobe32(words[i]) : htole32(words[i]);
	*out = address_of(n == 32, words);
	return true;
}

bool port_socket_parse(const char *line, bool big_endian, struct port_socket *out)
{
	char source[33], destination[33];
	unsigned port, to;
	/* "sl: local remote st queues timer retransmits uid timeout inode ref pointer drops" */
	*out = (struct port_socket){0};
	if (sscanf(line,
		   " %*[0-9]: %32[0-9A-Fa-f]:%4x %32[0-9A-Fa-f]:%4x %2x %*[0-9A-Fa-f]:%8" SCNx32
		   " %*s %*s %*s %*s %" SCNu64 " %*s %*s %" SCNu32,
		   source, &port, destination, &to, &out->state, &out->waiting, &out->inode,
		   &out->drops) < 7)
		return false;
	if (out->state != TCP_LISTEN)
		out->waiting = 0;
	out->port = (uint16_t)port;
	out->route.port = to;
	return out->state < 32 && socket_address_parse(source, big_endian, &out->route.source) &&
	       socket_address_parse(destination, big_endian, &out->route.destination);
}

static bool in_window(uint16_t port, const struct port_window *w, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (port >= w[i].low && port <= w[i].high)
			return true;
	return false;
}

static int captured_walk(const struct host *h, unsigned states, const struct port_window *windows,
			 size_t count, const struct walk *w, struct err *e)
{
	bool big_endian = machine_big_endian(h);
	static const char *const tables[] = {"proc/net/tcp", "proc/net/tcp6"};
	for (size_t i = 0; i < 2; i++) {
		CLEAN(free_pointer) char *text = NULL;
		ssize_t n = host_read_all(h, tables[i], &text, e);
		if (n < 0 && n != -ENOENT)
			return (int)n;
		struct port_socket s;
		for (char *line, *rest = text; rest && (line = strsep(&rest, "\n"));)
			if (port_socket_parse(line, big_endian, &s) && states >> s.state & 1 &&
			    in_window(s.port, windows, count))
				w->seen(&s, w->arg);
	}
	return 0;
}

int port_sockets_walk(const struct host *h, unsigned states, bool info,
		      const struct port_window *windows, size_t count, port_socket_seen seen,
		      void *arg, struct err *e)
{
	struct walk w = {seen, arg};
	unsigned attributes = info ? SOCK_DIAG_WITH(INET_DIAG_INFO) : 0;
	return h->live ? sock_diag_tcp_with(attributes, states, windows, count, message_received,
					    &w, e)
		       : captured_walk(h, states, windows, count, &w, e);
}
