/* driver: one process of the load: it opens, talks over, holds and closes connections to a server
 * by order, and nothing that the server does or a limit refuses ends it. */
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
	DRIVER_CLOSE_CLIENT, /* the client first: TIME_WAIT here, where ports are needed */
	DRIVER_CLOSE_SERVER, /* the server first: TIME_WAIT there */
};
const char *driver_close_name(enum driver_close c);
#define DRIVER_CLOSES "reset,client,server"
bool driver_close_parse(const char *name, enum driver_close *out);

#define DRIVER_SOURCES 256
#define DRIVER_SIZE 4084    /* bytes of a request at most: what the server reads at a time */
#define DRIVER_DEPTH 32     /* requests under way on one connection at most */
#define DRIVER_FLIGHT 65536 /* bytes under way on one connection at most */
#define DRIVER_PATIENCE_MS 10000

struct driver_config {
	union endpoint to;
	enum driver_close close;
	uint64_t capacity;                      /* connections at most */
	unsigned source_count;                  /* 0: the kernel chooses */
	union endpoint sources[DRIVER_SOURCES]; /* of the same family; their ports are ignored */
	int cpu;                                /* to run on; -1: anywhere */
	bool batch;                             /* SCHED_BATCH */
	unsigned patience_ms; /* when nothing moves for so long, what is under way has failed; 0:
				 DRIVER_PATIENCE_MS */
};

/* Why something failed, in words: strerror(3) knows nothing of servers. */
const char *driver_failure(int code);

enum driver_verb {
	DRIVER_OPEN,    /* opens `count` more connections and holds them */
	DRIVER_CHURN,   /* connect, request, reply, close, `active` at a time */
	DRIVER_REQUEST, /* requests over `active` of the held connections, spread evenly */
	DRIVER_CLOSE,   /* closes all that are held */
	DRIVER_USAGE,   /* only the answer */
};

struct driver_order {
	enum driver_verb verb;
	uint64_t count;       /* how many; 0: until the time is up */
	uint64_t duration_us; /* 0: until the count is reached */
	uint64_t active;
	double rate_per_s; /* 0: as fast as it goes. Else operations are due at fixed times, and
			      latency counts from then: a late server delays none of its
			      successors' clocks (coordinated omission). What was due before the end
			      is started up to a second after it */
	double phase;      /* of a paced order: when its first operation is due, 0 to 1 of the
			      time between two */
	unsigned depth;    /* requests under way on each connection */
	unsigned size;     /* bytes of a request */
	unsigned window;   /* DRIVER_OPEN: connections that may be on their way or wait to be
			      accepted, half of what the server's queue holds at most: the last
			      of so many is talked over before the next is opened. One whose SYN
			      is lost delays them all; 0: any number */
};

/* Written by the driver alone. The figures of time are of the last order. */
struct driver_stats {
	_Alignas(64) counter opened; /* connections established */
	counter attempted; /* those that the kernel lacked ports or descriptors for do not count */
	counter done;      /* operations of the current order */
	counter timely;    /* those of them that were before its end */
	counter missed;    /* due before its end, and never started: in `latency` with the time
				 that they had waited */
	counter failed;    /* connections and requests */
	counter starved;   /* pauses as ports or descriptors ran out; tried again, so no failures */
	counter held;
	_Atomic int first_errno; /* of the first that failed or starved: see driver_failure() */
	counter elapsed_ns;      /* up to its end, or to the last of its count */
	counter cpu_ns;
	counter private_bytes;
	struct histogram latency; /* of the last order, ns */
};

/* One process, in shared memory. */
struct driver_part {
	struct driver_config config;
	struct driver_stats stats;
};

/* The answer to an order; first of all one when it is ready. */
struct driver_answer {
	int code;
	struct err e;
};

/* A lab_task; arg is a struct driver_part. */
int driver_main(int channel, void *arg);

#endif
