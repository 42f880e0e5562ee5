/* connect_cost: what connect() costs by the share of the ephemeral ports that is in use to one
 * destination. */
#pragma once

#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/lab.h"

#define CONNECT_COST_LEVELS 5

struct connect_cost {
	uint16_t ports;                        /* of the range that was measured */
	uint16_t percent[CONNECT_COST_LEVELS]; /* in use: 0, 50, 75, 90, 99 */
	/* CPU time of the calling thread for one connect(), the median; the softirqs of the
	 * handshake are in it, as the kernel charges them to it. */
	uint64_t ns[CONNECT_COST_LEVELS];
};

/* Fills the client's range, which has `ports` free ports, from its first address to port `to` of
 * the server, with connections that stay open until the end. Fewer ports than that are used where
 * RLIMIT_NOFILE allows fewer: then -EMFILE. */
int connect_cost_run(struct lab *lab, uint16_t to, uint16_t ports, struct connect_cost *out,
		     struct err *e);

/* By the search of the kernel, net/ipv4/inet_hashtables.c __inet_hash_connect(): it tries every
 * other port of a range from a random one on, and those between them after all of these. Of a range
 * of `ports` with the share `used` in use: the ports that it tries, on average. Pure. */
double connect_cost_tries(double ports, double used);
/* The cost in a range of `ports` with the share `used`, scaled from what was measured; ns. Pure. */
double connect_cost_ns(const struct connect_cost *c, double ports, double used);
/* The least share of such a range from which on connect() costs `times` of what it costs in an
 * empty one; above 1: it never does. Pure. */
double connect_cost_share(const struct connect_cost *c, double ports, double times);
