/* ports_udp: the ephemeral ports that UDP sockets have, on the machine as it runs. A UDP port is
 * taken for all destinations: a socket that chooses none needs one that no other socket has. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/host.h"
#include "epolltune/listener.h"
#include "epolltune/port_set.h"

struct report;

/* `four`: what an IPv4 socket without an address cannot have, those of IPv6 sockets without
 * IPV6_V6ONLY included; `all`: what an IPv6 socket that is for IPv4 too cannot have.
 * net/ipv4/inet_connection_sock.c, inet_rcv_saddr_equal(). */
struct ports_udp {
	int64_t low, high; /* net.ipv4.ip_local_port_range; 0, 0: unknown */
	int64_t available; /* ports of it that are not reserved; 0: unknown */
	uint32_t four, all;
	uint32_t bound;     /* of them, those of the address that has most */
	char address[48];   /* that address; "": sockets without an address have most */
	bool owned, hidden; /* the owner of most is known, or not visible to this user */
	struct process owner;
};

/* The sockets have owners only where nearly all ports are taken. -EOPNOTSUPP without udp_diag, and
 * for a captured machine without sockets. */
int ports_udp_read(const struct host *h, struct ports_udp *out, struct err *e);
/* Counts the ports of listeners_read_udp() that are in `ephemeral`. Pure. */
void ports_udp_count(const struct listeners *l, const struct port_set *ephemeral,
		     struct ports_udp *out);
/* Adds the finding ports.ephemeral.udp. Pure. */
void ports_udp_judge(const struct ports_udp *u, struct report *r);
