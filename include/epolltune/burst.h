/* burst: clients that start their handshakes at about the same time, as lab tasks on the client
 * host, so that many connections are half open at a time. It uses as many processes as
 * RLIMIT_NOFILE requires, so that its own descriptor limit never becomes the reported wall. */
#ifndef EPOLLTUNE_BURST_H
#define EPOLLTUNE_BURST_H

#include <stdint.h>

#include "epolltune/endpoint.h"
#include "epolltune/err.h"
#include "epolltune/task.h"

/* Client addresses that a burst uses in turn. */
#define BURST_SOURCES 16
#define BURST_PROCESSES 16

struct burst_config {
	union endpoint to;     /* IPv4 */
	uint64_t clients;      /* at most burst_max() */
	unsigned first_source; /* index of the first of the lab's client addresses; wraps */
	uint64_t spread_us;    /* time over which the clients start, evenly */
};

/* The caller's handle. All else is in the lab's memory, which the caller releases. */
struct burst {
	struct lab *lab;
	uint64_t sent;      /* clients that have started */
	unsigned processes; /* 0: not running */
	struct task tasks[BURST_PROCESSES];
	struct burst_process *at[BURST_PROCESSES];
	struct burst_count *half_open;
};

/* The maximum number of clients, by RLIMIT_NOFILE of this process. */
uint64_t burst_max(void);
/* Starts the clients and returns when each has sent its SYN. -EMFILE beyond burst_max(); otherwise
 * the errno of the first connect() that failed. The caller calls burst_stop(), also after an error.
 */
int burst_start(struct burst *b, struct lab *lab, const struct burst_config *config, struct err *e);
/* Counts the connections half open at the server, by inet_diag. -EOPNOTSUPP without it. */
int burst_half_open(const struct burst *b, uint64_t *count, struct err *e);
/* Resets all connections and ends the processes. A zeroed struct is allowed. */
void burst_stop(struct burst *b);

#endif
