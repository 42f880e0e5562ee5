/* wire_delay: a path of any round trip between two TUN devices: a relay in user space holds each
 * packet for half the RTT, paces to a bandwidth, loses what it is asked to lose. Real TCP on both
 * sides, no qdisc and no kernel module but tun. */
#ifndef EPOLLTUNE_LAB_WIRE_DELAY_H
#define EPOLLTUNE_LAB_WIRE_DELAY_H

#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/wire.h"

#define WIRE_DELAY_RTT_MAX_US 1000000u
#define WIRE_DELAY_MEMORY ((size_t)256 << 20) /* for both directions */

struct wire_delay_config {
	uint64_t rtt_us;        /* 0 to WIRE_DELAY_RTT_MAX_US */
	uint64_t bandwidth_bps; /* each direction; 0: as fast as the machine */
	uint64_t queue_bytes;   /* that may wait for the link; 0: one bandwidth × RTT, at least 256
				   KiB */
	double loss; /* 0 to 1; loss is of single packets, so devices opened for it have no TSO */
	uint64_t seed;
};

/* -EINVAL or -ERANGE with the sum when this path cannot be had, such as one that holds more than
 * WIRE_DELAY_MEMORY. */
int wire_delay_check(const struct wire_delay_config *config, struct err *e);
/* How a lab's delay wire comes up, over a socket between its two hosts. The caller brings the
 * devices up and gives them addresses. -EPERM, -EACCES or -ENOENT when /dev/net/tun may not be
 * used; the text tells what to allow. The client's host makes its device and hands it over: */
int wire_delay_give(int socket, const struct wire_delay_config *config, struct err *e);
/* the server's makes its own, takes the other and starts the relay, a child without capabilities
 * that dies with it. `stats` is zeroed shared memory. -ECHILD when the client's host ended instead.
 */
int wire_delay_join(int socket, const struct wire_delay_config *config, struct wire_stats *stats,
		    struct err *e);

#endif
