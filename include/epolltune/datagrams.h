/* datagrams: UDP datagrams over a lab's wire to a server that does not read, and what its socket
 * holds of them. */
#pragma once

#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/lab.h"

struct datagrams_config {
	uint64_t count;
	uint64_t bytes;     /* payload of each, at most 65507 */
	uint64_t spread_us; /* time over which they are sent, evenly */
	uint64_t buffer;    /* receive buffer of the socket (sk_rcvbuf), up to INT32_MAX bytes */
};

struct datagrams_result {
	uint64_t sent, received;
	uint64_t dropped; /* by the socket (SO_MEMINFO) */
	uint64_t buffer;  /* that it got */
	uint64_t held;    /* bytes of it that the received ones took */
};

/* Sends them while the server does not read, then lets it read. Returns when all have arrived or
 * are lost. -EPERM if the kernel does not grant the buffer: above net.core.rmem_max it needs
 * CAP_NET_ADMIN in the initial user namespace. */
int datagrams_run(struct lab *lab, const struct datagrams_config *config,
		  struct datagrams_result *out, struct err *e);
