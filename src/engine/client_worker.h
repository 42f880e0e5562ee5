/* client_worker: one process of the client. */
#pragma once

#include "engine/client_stats.h"

/* One process, in shared memory. */
struct client_part {
	struct client_config config; /* `to` and `connections` are its own */
	int cpu;                     /* -1: any */
	union endpoint sources[CLIENT_SOURCES];
	struct client_stats stats;
};

/* A task_main; arg is a struct client_part. Requests are a struct client_order; answers carry no
 * data. */
int client_main(struct task_port *port, void *arg);
