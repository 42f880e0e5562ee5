/* baseline: blocking calls that do the same as the engine without multiplexing. One
 * thread has both ends, so that no call ever waits, except in the ping-pong. */
#pragma once

#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/task.h"

#define BASELINE_AT_ONCE 64

enum baseline_loop {
	BASELINE_CONNECT,  /* socket, connect, accept, request, reply, close by reset */
	BASELINE_REQUEST,  /* a request and a reply over each connection in turn */
	BASELINE_PINGPONG, /* one connection, two processes that wait for each other */
	BASELINE_HOLD,     /* connect and accept until all connections are open */
};

struct baseline_order {
	enum baseline_loop loop;
	uint64_t duration_us; /* all but BASELINE_HOLD */
	/* Total of all processes; BASELINE_CONNECT: open at once, 1 to BASELINE_AT_ONCE in each.
	 */
	uint64_t connections;
	unsigned processes; /* each pinned to its own CPU, except for BASELINE_HOLD */
	unsigned size;      /* bytes of a request */
};

struct baseline_result {
	double rate;      /* operations per second, summed */
	double cpu_us;    /* per operation */
	double elapsed_s; /* from the start of the first to the end of the last */
	uint64_t done;
};

/* Runs an order to its end. -EINTR if BASELINE_HOLD was interrupted; -ECHILD and others if a loop
 * failed. */
int baseline_run(const struct task_context *where, const struct baseline_order *order,
		 struct baseline_result *out, struct err *e);
