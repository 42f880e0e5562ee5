/* queue_lag: an accept queue that grows, or does not become empty, because its server accepts too
 * slowly. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The connections that waited at an address during a window. */
struct queue_course {
	double seconds; /* 0: one look */
	bool halved;    /* there was a look in the middle */
	uint64_t start, middle, end;
	uint64_t min;     /* at any look, at least; 0: one of its sockets was empty at one */
	uint64_t drained; /* by how much it became shorter between looks, all in all */
	int64_t arrived;  /* REPORT_NONE: unknown; those of other listeners count too */
};

struct queue_lag {
	bool lags;
	bool saturated; /* it had connections to accept all the time: accept_per_s is its capacity
			 */
	bool known;     /* the rates and the wait are, as bounds */
	double arrive_per_s; /* connections/s that arrive, and that are accepted, at most */
	double accept_per_s;
	double accept_max_per_s; /* that chance may have hidden */
	double wait_s;           /* of a client that arrives now, at least */
};

/* Whether it grew in both halves of the window, by more than chance, and makes clients wait longer
 * than a stall of `stall_s`. Where the arrivals are unknown, growth for longer than such a stall
 * explains has to suffice. One that does not grow is saturated if it was never empty, in a window
 * that such a stall does not explain, and its clients wait longer than `patience_s`. */
struct queue_lag queue_lag_of(const struct queue_course *c, double stall_s, double patience_s);
