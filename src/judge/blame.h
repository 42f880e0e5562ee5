/* blame: which listeners account for packets that a counter of all of them has. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What the sockets of an address dropped, which counts stray packets too; `at`: the caller's. */
struct dropper {
	uint64_t drops;
	size_t at;
};

/* Orders them, the worst first, and returns how many of them account for what was `lost`: the
 * fewest whose drops are nearly as many, if the others have dropped next to none. Each of these has
 * dropped some of it, as the rest of them account for less. 0: unknown. */
size_t droppers_blame(struct dropper *droppers, size_t count, uint64_t lost);
/* The same of packets that count twice among the drops, as an ACK does that ends a handshake at a
 * full accept queue (net/ipv4/tcp_ipv4.c, tcp_v4_syn_recv_sock() and tcp_v4_rcv()): where all drops
 * are nearly twice as many, how many of them dropped more than next to none. 0: unknown. */
size_t droppers_blame_twice(struct dropper *droppers, size_t count, uint64_t lost);
