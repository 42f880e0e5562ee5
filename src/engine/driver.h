/* driver: a load worker, one client process. It opens, uses, holds and closes connections to a
 * server by order; server errors and refused resources do not end it. */
#ifndef EPOLLTUNE_DRIVER_H
#define EPOLLTUNE_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/counter.h"
#include "engine/endpoint.h"
#include "epolltune/err.h"
#include "epolltune/histogram.h"

enum driver_close {
	DRIVER_CLOSE_RESET,  /* SO_LINGER 0: no TIME_WAIT anywhere */
	DRIVER_CLOSE_CLIENT, /* the client closes first: TIME_WAIT where the ports are needed */
	DRIVER_CLOSE_SERVER, /* the server closes first: TIME_WAIT on the server */
};
const char *driver_close_name(enum driver_close c);
#define DRIVER_CLOSES "reset,client,server"
bool driver_close_parse(const char *name, enum driver_close *out);

#define DRIVER_SOURCES 256
#define DRIVER_SIZE 4084    /* maximum bytes of a request: what the server reads at a time */
#define DRIVER_DEPTH 32     /* maximum requests in flight on one connection */
#define DRIVER_FLIGHT 65536 /* maximum bytes in flight on one connection */
#define DRIVER_PATIENCE_MS 10000

struct driver_config {
	union endpoint to;
	enum driver_close close;
	uint64_t capacity;                      /* maximum connections */
	unsigned source_count;                  /* 0: the kernel chooses */
	union endpoint sources[DRIVER_SOURCES]; /* of the same family; their ports are ignored */
	int cpu;                                /* CPU to pin it to; -1: none */
	bool batch;                             /* SCHED_BATCH */
	unsigned patience_ms; /* operations in flight fail after this long without progress; 0:
				 DRIVER_PATIENCE_MS */
};

/* Like strerror(3), with messages for a closed connection, a wrong reply and a timeout. */
const char *driver_failure(int code);

enum driver_verb {
	DRIVER_OPEN,    /* opens `count` more connections and holds them */
	DRIVER_CHURN,   /* connect, request, reply, close, `active` at a time */
	DRIVER_REQUEST, /* requests over `active` of the held connections, spread evenly */
	DRIVER_CLOSE,   /* closes all held connections */
	DRIVER_USAGE,   /* only answers */
};

struct driver_order {
	enum driver_verb verb;
	uint64_t count;       /* operations; 0: until the time is up */
	uint64_t duration_us; /* 0: until the count is reached */
	uint64_t active;
	double rate_per_s; /* 0: closed loop. Else open loop: operations are due at fixed times and
			      latency counts from then, so that a slow server does not hide the
			      delay of later ones (coordinated omission). Operations due before the
			      end may start up to a second after it */
	double phase;      /* open loop: when the first operation is due, 0 to 1 of the interval */
	unsigned depth;    /* requests in flight per connection */
	unsigned size;     /* bytes per request */
	unsigned window;   /* DRIVER_OPEN: maximum connections not yet accepted, at most half of the
			      accept queue. The last of each window exchanges a request before the
			      next window opens; a lost SYN delays all. 0: no limit */
};

/* Only the load worker writes. Times are of the last order. */
struct driver_stats {
	_Alignas(64) counter opened; /* connections established */
	counter attempted;           /* without those that lacked a port or descriptor */
	counter done;                /* operations of the current order */
	counter timely;              /* of these, before its end */
	counter missed;  /* due before its end, never started; `latency` includes their wait */
	counter failed;  /* connections and requests */
	counter starved; /* pauses for lack of ports or descriptors; retried, so no failures */
	counter held;
	_Atomic int first_errno; /* of the first failure or shortage: see driver_failure() */
	counter elapsed_ns;      /* until its end, or until the last of its count */
	counter cpu_ns;
	counter private_bytes;
	struct histogram latency; /* of the last order, ns */
};

/* One process, in shared memory. */
struct driver_part {
	struct driver_config config;
	struct driver_stats stats;
};

/* The answer to an order. The first one says that the process is ready. */
struct driver_answer {
	int code;
	struct err e;
};

/* A lab_task; arg is a struct driver_part. */
int driver_main(int channel, void *arg);

#endif
