/* server_process: one process of the epoll server, and what its caller asks it. */
#pragma once

#include "engine/server_worker.h"

enum server_verb {
	SERVER_USAGE,
	SERVER_MEMORY,
	SERVER_QUEUE,
	SERVER_RESUME,
	SERVER_FILL,
	SERVER_SPIN,
	SERVER_BUSY_POLL,
};
struct server_request {
	enum server_verb verb;
	uint64_t argument;
	struct server_busy_poll busy_poll;
};
union server_answer {
	struct server_hello {
		union endpoint address;
		uint64_t held, soft, hard;
	} hello; /* to the start */
	struct server_usage usage;
	uint64_t memory;
	struct server_queue queue;
	struct server_filled filled;
	struct server_spin spin;
};

/* Its part of the shared memory. */
struct server_part {
	struct server_config config; /* with its own address */
	unsigned index;
	unsigned threads;
	struct server_stats stats[]; /* one per thread */
};

/* Opens a listener. Accepted sockets inherit TCP_NODELAY. The first listener of a SO_REUSEPORT
 * group binds without that option, so that it does not join the group of another program. */
int server_listen(const struct server_config *c, bool first, struct err *e);
/* A task_main; arg is a struct server_part. */
int server_main(struct task_port *port, void *arg);
