/* floor: what the kernel alone costs: loops of blocking calls that do the same as the engine, with
 * nothing to multiplex. Both ends are in one thread, so that no call ever waits, except in the
 * ping-pong. */
#ifndef EPOLLTUNE_FLOOR_H
#define EPOLLTUNE_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/place.h"
#include "epolltune/err.h"

enum floor_loop {
	FLOOR_CONNECT,  /* socket, connect, accept, request, reply, close by reset */
	FLOOR_REQUEST,  /* a request and a reply over the next of all its connections */
	FLOOR_PINGPONG, /* one connection, two processes that wait for each other */
	FLOOR_HOLD,     /* connect and accept, and keep: until all are open */
};

struct floor_order {
	enum floor_loop loop;
	uint64_t duration_us;     /* all but FLOOR_HOLD */
	uint64_t connections;     /* of all processes together */
	unsigned processes;       /* each pinned to a CPU of its own, but for FLOOR_HOLD */
	unsigned size;            /* bytes of a request */
	const _Atomic bool *stop; /* in memory that the processes share: once true, a FLOOR_HOLD
				     ends soon and with -EINTR; NULL: never */
};

struct floor_result {
	double rate;      /* operations a second, the sum */
	double cpu_us;    /* an operation */
	double elapsed_s; /* from the start of the first to the end of the last */
	uint64_t done;
};

/* Runs an order to its end. -EINTR when it was stopped, -ECHILD and others when a loop failed. */
int floor_run(const struct place *place, const struct floor_order *order, struct floor_result *out,
	      struct err *e);

#endif
