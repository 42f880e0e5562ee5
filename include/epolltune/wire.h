/* wire: what the delay wire of a lab tells of itself: how much it carried, and whether it was in
 * the way. A verdict that the wire bent is no verdict: probes look before they speak. */
#ifndef EPOLLTUNE_WIRE_H
#define EPOLLTUNE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/histogram.h"

struct lab;

/* One direction, by the host that sends (enum lab_host). What a packet waits to be read is known
 * only as the time since the relay last found the device empty, and not while the relay sleeps: a
 * relay that wakes late shows by what it then delivers late. */
struct wire_way {
	uint64_t packets, bytes; /* handed to the receiving device; IP bytes */
	uint64_t dropped;        /* found the queue full */
	uint64_t lost;           /* by the loss that was asked for */
	uint64_t refused;        /* those of them that the device did not take */
	uint64_t overrun;        /* dropped without a bandwidth: the wire's memory was full */
	uint64_t unread;  /* before the wire: the sending device's queue was full, as the relay did
			     not  read; as of lab_wire_look() */
	uint64_t late;    /* delivered or read later than WIRE_LATE allows */
	uint64_t late_ns; /* sum of all lateness, of delivery and of reading */
};

/* Lives in memory shared with the relay, which alone writes it (but for `unread`). */
struct wire_stats {
	struct wire_way way[2];
	struct histogram error; /* ns that packets were delivered after they were due */
	int ended;              /* errno of a relay that ended before its lab; 0: it runs */
};

/* Lateness that counts: 0.5 ms and 2.5 % of the round trip. */
#define WIRE_LATE_US(rtt_us) (500 + (rtt_us) / 40)

/* The wire's own figures, or NULL when the lab's wire is not a delay wire. */
const struct wire_stats *lab_wire(const struct lab *lab);
/* The same with `unread` brought up to date, which asks both hosts. */
const struct wire_stats *lab_wire_look(struct lab *lab);
/* Whether the wire rather than the hosts set the pace between two looks at one direction: when it
 * lost packets for want of memory or time (overrun, refused, unread), was late for more than a
 * fifth of the packets, or on average by more than a tenth of the round trip (at least 0.5 ms). */
bool wire_behind(const struct wire_way *before, const struct wire_way *after, uint64_t rtt_us);

#endif
