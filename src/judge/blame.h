/* blame: which listeners account for packets that a counter of all of them has. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Counters are not read at one moment, and stray packets are few: such a part is next to none. */
#define BLAME_PART 10
bool blame_is_little(uint64_t part, uint64_t of);

/* What the sockets of an address dropped, which counts stray packets too; `at`: the caller's. */
struct dropper {
	uint64_t drops;
	uint64_t full; /* of these, what those did that were seen full */
	uint64_t lost; /* of what was lost, by droppers_settle(); 0: it is not named */
	size_t at;
};

/* Orders them by what they dropped while they were not seen full, the worst first, and returns how
 * many account for what was `lost`: the fewest whose drops are nearly as many, if the others have
 * dropped next to none. Each of these has dropped some of it, as the rest of them account for less.
 * 0: unknown. */
size_t droppers_blame(struct dropper *droppers, size_t count, uint64_t lost);
/* Sets `lost` of each, in any order, and returns how many of the overflows none is named for. They
 * are first of those that were seen full; then of those that droppers_blame() names, which were
 * full between the looks, or else of each that has more than next to none of them, as all others
 * dropped less. An ACK that ends a handshake at a full accept queue counts twice among the drops
 * (net/ipv4/tcp_ipv4.c, tcp_v4_syn_recv_sock() and tcp_v4_rcv()): where all drops are nearly twice
 * the overflows, half of them count. `overflows` 0: unknown; those that were seen full are named.
 */
uint64_t droppers_settle(struct dropper *droppers, size_t count, uint64_t overflows);
