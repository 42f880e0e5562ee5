/* wire_delay: emulates a path between two TUN devices: a relay in user space holds each packet for
 * half the RTT, paces to the bandwidth and drops at the loss rate. Needs no qdisc and no kernel
 * module but tun. */
#pragma once

#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/wire.h"
#include "lab/delay_line.h"

#define WIRE_DELAY_RTT_MAX_US 1000000u
#define WIRE_DELAY_MEMORY ((size_t)256 << 20) /* for both directions */

struct wire_delay_config {
	uint64_t rtt_us;        /* 0 to WIRE_DELAY_RTT_MAX_US */
	uint64_t bandwidth_bps; /* per direction; 0: unlimited */
	uint64_t queue_bytes;   /* queue of the link; 0: bandwidth × RTT, at least 256 KiB */
	double loss;            /* 0 to 1, per packet: above 0 the devices have no TSO */
	uint64_t seed;
	uint64_t
		forget_us; /* as a NAT: drops packets of TCP connections idle for longer; 0: none */
};

/* How the relay delays, paces and drops in one direction. */
struct delay_line_config wire_delay_line(const struct wire_delay_config *config, unsigned way);
/* -EINVAL or -ERANGE for a path that cannot be emulated, for example one that needs more than
 * WIRE_DELAY_MEMORY. */
int wire_delay_check(const struct wire_delay_config *config, struct err *e);
/* Set-up of a lab's delay wire over a socket between its two hosts; the caller brings the devices
 * up and adds addresses. -EPERM, -EACCES or -ENOENT if /dev/net/tun cannot be opened; the text says
 * what to allow. The client's host creates its device and sends it: */
int wire_delay_give(int socket, const struct wire_delay_config *config, struct err *e);
/* The server's host creates its own, receives the other and starts the relay, a child without
 * capabilities that dies with it. `stats` is zeroed shared memory. -ECHILD if the client's host
 * exited. */
int wire_delay_join(int socket, const struct wire_delay_config *config, struct wire_stats *stats,
		    struct err *e);
