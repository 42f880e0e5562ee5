/* client: the epoll client, as tasks in a lab or in the caller's namespaces. It opens, uses, holds
 * and closes connections by order; server errors and refused resources do not end it. It uses as
 * many processes as RLIMIT_NOFILE requires, so that its own descriptor limit never becomes the
 * reported wall. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/endpoint.h"
#include "epolltune/err.h"
#include "epolltune/histogram.h"
#include "epolltune/protocol.h"
#include "epolltune/server.h"
#include "epolltune/task.h"

enum client_close {
	CLIENT_CLOSE_RESET,  /* SO_LINGER 0: no TIME_WAIT anywhere */
	CLIENT_CLOSE_CLIENT, /* the client closes first: TIME_WAIT where the ports are needed */
	CLIENT_CLOSE_SERVER, /* the server closes first: TIME_WAIT on the server */
};
#define CLIENT_CLOSES "reset,client,server"
const char *client_close_name(enum client_close c);

#define CLIENT_PROCESSES 240
#define CLIENT_SOURCES 256
#define CLIENT_SIZE 4084    /* maximum bytes of a request: what the server reads at a time */
#define CLIENT_DEPTH 32     /* maximum requests in flight on one connection */
#define CLIENT_FLIGHT 65536 /* maximum bytes in flight on one connection */
#define CLIENT_PATIENCE_MS 10000

struct client_config {
	union endpoint to;
	const char *path; /* of a UNIX socket, instead of `to`; older than the lab. While its accept
			     queue is full, clients wait as blocking ones do, but those of `detach`
			     fail with EAGAIN */
	const struct server *workers;    /* process i connects to its worker i; NULL: all to `to` */
	struct protocol_request request; /* zeroed: requests of an order's `size`, echoed */
	enum client_close close;
	uint64_t connections;          /* maximum over the life of the client */
	bool await_greeting;           /* a connection is open at the server's first byte, and is
					  closed then; false: when established */
	unsigned processes;            /* minimum; 0: as few as the descriptor limit allows */
	const union endpoint *sources; /* of the family of `to`; their ports are ignored */
	unsigned source_count; /* up to CLIENT_SOURCES; 0: all addresses of a lab's client host,
				  elsewhere the kernel chooses */
	bool reserve_port;     /* bind() without IP_BIND_ADDRESS_NO_PORT */
	bool deaf;             /* drops all that the server sends: handshakes stay half open */
	bool pin;              /* process i runs on the CPU first_cpu + i of those allowed */
	unsigned first_cpu;
	bool batch;           /* SCHED_BATCH */
	unsigned patience_ms; /* operations in flight fail after this long without progress, and so
				 long, and the second for late ones, after the end of an order's
				 duration; 0: CLIENT_PATIENCE_MS */
	uint64_t max_per_s;   /* client_open() is no faster; its timeout then is longer; 0: no
				 bound */
};

/* Like strerror(3), with messages for a closed connection, a wrong reply and a timeout. */
const char *client_failure(int code);

/* The caller's handle. A zeroed one is not running. */
struct client {
	struct client_config config;
	unsigned processes;
	uint64_t opened; /* connections ordered so far, opened or failed */
	struct task tasks[CLIENT_PROCESSES];
	struct client_part *parts[CLIENT_PROCESSES];
};

/* Connections that one process can hold under this process's hard descriptor limit. */
uint64_t client_per_process(void);
/* Connections of as many processes as are possible. */
uint64_t client_max(void);
/* Starts the processes without opening connections. -EMFILE if more are needed than possible. On
 * failure all are stopped. */
int client_start(struct client *c, const struct task_context *where,
		 const struct client_config *config, struct err *e);
/* Stops all processes, which closes the connections. */
void client_stop(struct client *c);

enum client_verb {
	CLIENT_OPEN,    /* opens `count` more connections and holds them */
	CLIENT_CHURN,   /* connect, request, reply, close, `active` at a time; without a request
			   where `size` is 0 */
	CLIENT_REQUEST, /* requests over `active` of the held connections, spread evenly. With a
			   protocol but echo, one that the server ends, between requests or before
			   a reply, is opened again, unless it timed out */
	CLIENT_CLOSE,   /* closes all held connections */
	CLIENT_USAGE,   /* only updates cpu_ns and private_bytes */
};

struct client_order {
	enum client_verb verb;
	uint64_t count;       /* operations; 0: until the time is up */
	uint64_t duration_us; /* 0: until the count is reached */
	uint64_t active;
	uint64_t in_flight; /* CLIENT_REQUEST: at most so many requests in all; 0: no limit but
			       `active` times `depth` */
	double rate_per_s;  /* 0: closed loop. Else open loop: operations are due at fixed times and
			       latency counts from then, so that a slow server does not hide the
			       delay of later ones (coordinated omission). Operations due before the
			       end may start up to a second after it */
	double phase;       /* open loop: when the first operation is due, 0 to 1 of the interval */
	unsigned depth;     /* requests in flight per connection */
	unsigned size;      /* bytes per request: with a protocol, its size */
	unsigned window;    /* CLIENT_OPEN: maximum connections not yet accepted, at most half of
			       the accept queue. The last of each window exchanges a request before
			       the next window opens; a lost SYN delays all. 0: no limit */
	bool ask;    /* CLIENT_OPEN: each sends a request, and is open at the reply; one that the
			server then closes is not held */
	bool stop;   /* a process ends at its first failure, or lack of ports or descriptors */
	bool detach; /* CLIENT_OPEN: done when all have started, and the others go on; a
			lack of ports is a failure, not waited for */
};

/* Splits an order among the processes (count, active, in_flight and rate are totals; only processes
 * with something to do get a share of the rate, at staggered times) and waits until all are done.
 * `tick`, if any, is called several times a second with the operations done so far; if it returns
 * non-zero, the processes end, their counts stay in the sums and the result is -EINTR. -ECHILD if a
 * process has exited. */
int client_order(struct client *c, const struct client_order *order,
		 int (*tick)(uint64_t done, void *arg), void *arg, struct err *e);
/* Starts `count` more connections at `rate_per_s` (0: unpaced) and returns when all have started,
 * before all are open; -ETIMEDOUT after timeout_ms. */
int client_open(struct client *c, uint64_t count, uint64_t rate_per_s, int timeout_ms,
		struct err *e);
/* Sends `requests` requests of 32 bytes, at most `in_flight` at a time, spread over all connections
 * and each on its own. */
int client_talk(struct client *c, uint64_t requests, uint64_t in_flight, int timeout_ms,
		struct err *e);
/* The negative errno of the first connection or request that failed; 0: none failed. */
int client_check(const struct client *c, struct err *e);
/* Waits until `count` connections were opened or failed. -ETIMEDOUT after timeout_ms. */
int client_await(const struct client *c, uint64_t count, uint64_t timeout_ms);

/* Sums over all processes, at any time. */
struct client_sum {
	uint64_t opened;    /* connections established, or greeted */
	uint64_t attempted; /* without those that lacked a port or descriptor */
	uint64_t held;
	uint64_t failed;   /* connections and requests */
	uint64_t starved;  /* pauses for lack of ports or descriptors; retried, so no failures */
	int first_errno;   /* of the first failure: see client_failure() */
	int first_starved; /* of the first lack of ports or descriptors */
	uint64_t ended; /* by the server after a reply or while idle, so no failures (not echo) */
	uint64_t reopened; /* of the opened, in place of those that ended or failed (not echo) */
	uint64_t errors;   /* replies that are errors of the server */
	uint64_t last_opened_ns; /* CLOCK_MONOTONIC */
	uint64_t private_bytes;
	/* Of the last order. */
	uint64_t done;
	uint64_t missed;  /* due before its end, never started; the latency includes their wait */
	unsigned lost;    /* processes that had no connection left before its end */
	uint64_t lost_ns; /* after its start, when the last of them had none */
	double rate;      /* operations per second up to the end of the order, over elapsed_ns */
	uint64_t elapsed_ns; /* of the slowest, until its end, or until the last of its count */
	uint64_t cpu_ns;
};
struct client_sum client_sum(const struct client *c);
/* The errno of the first failure, or, without one, of the first shortage. */
int client_cause(const struct client_sum *sum);
/* Replies of HTTP by status, 100 to 599. */
#define CLIENT_STATUSES 600
void client_statuses(const struct client *c, uint64_t counts[CLIENT_STATUSES]);
/* The beginning of the first reply that is an error, or not of the protocol; "": none. The client
 * ends an order when the first reply of all is not of the protocol. */
#define CLIENT_ANSWER 64
void client_answer(const struct client *c, char text[CLIENT_ANSWER]);
/* Merged latencies of the requests of the last order, ns. `out` (60 kB) is the caller's. */
void client_latency(const struct client *c, struct histogram *out);
/* The latency that a `share` (0 to 1) of them did not exceed; 0: none. */
uint64_t client_quantile_ns(const struct client *c, double share);
