/* sock_diag: internal to src/host/: dumps of the sockets of the calling network namespace. */
#pragma once

#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <netlink/netlink.h>

#include "epolltune/err.h"
#include "host/machine.h"

/* -EOPNOTSUPP for a captured machine. */
int sock_diag_live(const struct host *h, struct err *e);
/* Bits of states: those in which a process may have the descriptor of a connection, open and until
 * it is closed on both sides. */
#define TCP_OPEN (1u << TCP_ESTABLISHED | 1u << TCP_CLOSE_WAIT)
#define TCP_CONNECTED                                                                              \
	(TCP_OPEN | 1u << TCP_FIN_WAIT1 | 1u << TCP_FIN_WAIT2 | 1u << TCP_CLOSING |                \
	 1u << TCP_LAST_ACK)
/* Calls `received` for every socket that a dump by this request of sock_diag(7) has. -EOPNOTSUPP if
 * the kernel lacks it. */
int sock_diag_dump(int type, void *request, size_t size, nl_recvmsg_msg_cb_t received, void *arg,
		   struct err *e);
/* Those of TCP, IPv4 and IPv6, in these states (bits 1 << TCP_…): messages inet_diag_msg. */
int sock_diag_tcp(unsigned states, nl_recvmsg_msg_cb_t received, void *arg, struct err *e);

/* The same, of those whose local port is in one of these windows only, ascending and apart: the
 * kernel selects. */
#define PORT_WINDOWS 4
struct port_window {
	uint16_t low, high;
};
/* With attributes of each, SOCK_DIAG_WITH(INET_DIAG_INFO) | …. Count 0: of all ports. */
#define SOCK_DIAG_WITH(attribute) (1u << ((attribute)-1))
int sock_diag_tcp_with(unsigned attributes, unsigned states, const struct port_window *windows,
		       size_t count, nl_recvmsg_msg_cb_t received, void *arg, struct err *e);
/* The same of those whose remote port is in one of the windows. */
int sock_diag_tcp_to(unsigned states, const struct port_window *windows, size_t count,
		     nl_recvmsg_msg_cb_t received, void *arg, struct err *e);
/* Whether a message with INET_DIAG_INFO is of a connection that a process holds although its client
 * closed it so long ago that its own kernel has forgotten it too: in CLOSE_WAIT without a segment
 * for CONNECTION_LEFT_MS. */
bool sock_diag_is_left(struct nlmsghdr *header);
