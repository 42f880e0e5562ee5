/* flow_memory: what a NAT or load balancer remembers of TCP connections: it forgets one that had no
 * packet for a time, and drops what comes after. Pure: the caller passes the time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Connections of the same sum of ports count as one: those to one port of one server are apart. */
struct flow_memory {
	uint64_t idle_ns;
	uint64_t last[1 << 16]; /* ns, of the last packet in either direction; 0: none */
};

/* Whether an IP packet passes at `now` (ns, monotonic), and remembers it. A SYN starts the flow
 * again; what is not TCP passes. */
bool flow_memory_passes(struct flow_memory *f, const unsigned char *packet, size_t length,
			uint64_t now);
