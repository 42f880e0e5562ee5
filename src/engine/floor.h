/* floor: the baseline: blocking calls that do the same as the engine without multiplexing. One
 * thread has both ends, so that no call ever waits, except in the ping-pong. */
#ifndef EPOLLTUNE_FLOOR_H
#define EPOLLTUNE_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/place.h"
#include "epolltune/err.h"

enum floor_loop {
	FLOOR_CONNECT,  /* socket, connect, accept, request, reply, close by reset */
	FLOOR_REQUEST,  /* a request and a reply over each connection in turn */
	FLOOR_PINGPONG, /* one connection, two processes that wait for each other */
	FLOOR_HOLD,     /* connect and accept until all connections are open */
};

struct floor_order {
	enum floor_loop loop;
	uint64_t duration_us; /* all but FLOOR_HOLD */
	uint64_t connections; /* total of all processes */
	unsigned processes;   /* each pinned to its own CPU, except for FLOOR_HOLD */
	unsigned size;        /* bytes of a request */
	const _Atomic bool
		*stop; /* in shared memory: once true, FLOOR_HOLD ends with -EINTR; NULL: never */
};

struct floor_result {
	double rate;      /* operations per second, summed */
	double cpu_us;    /* per operation */
	double elapsed_s; /* from the start of the first to the end of the last */
	uint64_t done;
};

/* Runs an order to its end. -EINTR if it was stopped; -ECHILD and others if a loop failed. */
int floor_run(const struct place *place, const struct floor_order *order, struct floor_result *out,
	      struct err *e);

#endif
