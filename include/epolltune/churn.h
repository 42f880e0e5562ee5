/* churn: opens connections as fast as possible, to measure how soon ports can be reused. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/client.h"
#include "epolltune/err.h"
#include "epolltune/lab.h"
#include "epolltune/server.h"

/* The side that closes first keeps the connection in TIME_WAIT for 60 s. */
enum churn_close {
	CHURN_CLIENT_FIRST,
	CHURN_SERVER_FIRST,
	CHURN_RESET, /* the client resets: no TIME_WAIT anywhere */
	CHURN_HOLD,  /* all connections stay open until the end */
};

struct churn_config {
	enum churn_close close;
	unsigned sources;      /* client addresses used in turn; 0 means 1 */
	unsigned first_source; /* number of the first of these; all are below CHURN_SOURCES */
	unsigned destinations; /* server ports used beside each other, up to CHURN_DESTINATIONS; 0
				  means 1 */
	bool loopback;         /* both ends on the client's host, over 127.0.0.0/8 */
	bool batches;          /* the server looks once a millisecond, on the client's CPU */
	bool bind_port; /* bind() without IP_BIND_ADDRESS_NO_PORT, so that it reserves the port */
	uint16_t port;  /* first server port; 0: any */
	uint64_t max;   /* maximum connections; 0: no limit, not with CHURN_HOLD */
	unsigned ms;    /* maximum duration; 0: 10 s */
	uint64_t max_per_s; /* connections begun per second; 0: no bound */
};

struct churn_result {
	uint64_t connections; /* established in time */
	uint64_t elapsed_ns;  /* from the first connect() to the end */
	bool ports_used_up;   /* EADDRNOTAVAIL or EADDRINUSE ended the run */
	uint64_t accepted;    /* by the server, until it was stopped */
	/* CPU time of the two processes. A softirq is charged to the process that it interrupts,
	 * mostly the one that sends the packet: the server's share of a handshake to the client. */
	uint64_t server_cpu_ns, client_cpu_ns;
	unsigned cpus; /* that they may use */
};

#define CHURN_DESTINATIONS 4
#define CHURN_SOURCES 16

/* Runs until `max`, `ms` or the first connect() that fails; returns its errno unless that says
 * that the ports are used up. On return held connections are closed, and those that the client
 * closed first are in TIME_WAIT, unless that took more than four seconds. */
int churn_run(struct lab *lab, const struct churn_config *config, struct churn_result *out,
	      struct err *e);
