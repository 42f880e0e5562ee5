/* wire: statistics of a lab's delay wire. Check wire_limits() before trusting a measurement. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/histogram.h"

struct lab;

/* One direction, indexed by the sending host (enum lab_host). A packet's wait to be read is bounded
 * by the time since the relay last found the device empty. A relay that wakes late shows as late
 * delivery instead. */
struct wire_way {
	uint64_t packets, bytes; /* delivered to the receiving device; IP bytes */
	uint64_t dropped;        /* the queue was full */
	uint64_t lost;           /* by the configured loss */
	uint64_t forgotten;      /* dropped: of a connection that was idle too long */
	uint64_t refused;        /* of `packets`: the device did not take them */
	uint64_t overrun;        /* dropped on an unpaced wire: its memory was full */
	uint64_t unread;  /* dropped by the sending device: the relay did not read in time; as of
			     lab_wire_look() */
	uint64_t late;    /* delivered or read later than WIRE_LATE_US */
	uint64_t late_ns; /* sum of all delays of delivery and reading */
};

/* In memory shared with the relay, its only writer except for `unread`. */
struct wire_stats {
	struct wire_way way[2];
	struct histogram error; /* ns from due time to delivery */
	int ended;              /* errno of a relay that exited before its lab; 0: it runs */
};

/* A packet counts as late beyond 0.5 ms plus 2.5 % of the RTT. */
#define WIRE_LATE_US(rtt_us) (500 + (rtt_us) / 40)

/* Updates `unread`, with a call to both hosts. NULL if the lab has no delay wire. */
const struct wire_stats *lab_wire_look(struct lab *lab);
/* Whether the wire, not the hosts, limited the pace since its directions were `before`: it ended,
 * or in one direction it lost packets for lack of memory or time (overrun, refused, unread), or was
 * late for more than a fifth of the packets, or on average by more than a tenth of the RTT (at
 * least 0.5 ms). */
bool wire_limits(const struct wire_way before[2], const struct wire_stats *now, uint64_t rtt_us);
