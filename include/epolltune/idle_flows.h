/* idle_flows: TCP connections over a wire that forgets idle ones (lab_options.forget_us), and what
 * a write meets after that time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/lab.h"

#define IDLE_FLOWS_MAX 8

struct idle_flow {
	unsigned keepidle_s; /* TCP_KEEPIDLE, 1 to 32767; 0: without SO_KEEPALIVE */
	/* What the kernel of the end that wrote a byte saw. */
	bool acknowledged;
	uint32_t retransmits;
};

/* Opens the connections, leaves them idle for `silent_us`, then writes a byte to each and waits
 * until it is acknowledged or was retransmitted, 5 s at most. */
int idle_flows_run(struct lab *lab, struct idle_flow *flows, size_t count, uint64_t silent_us,
		   struct err *e);
