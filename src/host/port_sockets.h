/* port_sockets: internal to src/host/: the TCP sockets of the host by local port: those of the
 * calling network namespace by sock_diag, those of a captured machine by its /proc/net/tcp. */
#pragma once

#include <netinet/in.h>

#include "epolltune/ports_used.h"
#include "host/sock_diag.h"

/* IPv4 addresses are mapped: a socket of either family takes the same ports. */
struct port_route {
	struct in6_addr source, destination;
	uint32_t port; /* of the destination */
};

struct port_socket {
	struct port_route route;
	uint16_t port;            /* the local one */
	unsigned state;           /* TCP_… */
	uint64_t inode;           /* 0: none, as in TIME_WAIT */
	uint32_t drops;           /* of a line of /proc/net/udp only */
	uint32_t waiting;         /* of a listener: connections in its accept queue */
	enum ports_stamps stamps; /* of a connection, with `info`: NONE or SOME */
};

/* Of a route; a mapped one of IPv4 too. Pure. */
bool port_address_is_loopback(const struct in6_addr *a);

typedef void (*port_socket_seen)(const struct port_socket *, void *arg);

/* Those in these states (bits 1 << TCP_…) whose local port is in one of the windows, as
 * sock_diag_tcp_with(). A captured machine without these tables has none, and no `info`; one
 * whose tables cannot be read is an error. */
int port_sockets_walk(const struct host *h, unsigned states, bool info,
		      const struct port_window *windows, size_t count, port_socket_seen seen,
		      void *arg, struct err *e);
/* A line of /proc/net/tcp or tcp6 (proc(5)) of a machine of that byte order. False: it is not one.
 * Pure. */
bool port_socket_parse(const char *line, bool big_endian, struct port_socket *out);
