/* The epoll server: workers at one address. Processes share it by SO_REUSEPORT or by one
 * listener with EPOLLEXCLUSIVE; threads of one process share one epoll set, one thread leading at a
 * time. */
#ifndef EPOLLTUNE_CREW_H
#define EPOLLTUNE_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/endpoint.h"
#include "engine/place.h"
#include "engine/worker.h"
#include "epolltune/err.h"

enum crew_share {
	CREW_REUSEPORT,
	CREW_EXCLUSIVE,
	CREW_FOLLOWERS, /* leader and followers */
};
const char *crew_share_name(enum crew_share s);
const char *worker_mode_name(enum worker_mode m);
#define CREW_SHARES "reuseport,exclusive,leader-follower"
#define WORKER_MODES "level,edge,oneshot"
/* Parse the names above; false if unknown. */
bool crew_share_parse(const char *name, enum crew_share *out);
bool worker_mode_parse(const char *name, enum worker_mode *out);

#define CREW_WORKERS 240

struct crew_config {
	union endpoint address; /* port 0: any */
	enum crew_share share;
	enum worker_mode mode; /* CREW_FOLLOWERS needs WORKER_ONESHOT */
	unsigned workers;      /* 1 to CREW_WORKERS */
	int backlog;
	bool close_after_reply;
	uint32_t rests; /* pending replies that each process buffers; 0: WORKER_RESTS */
	bool apart;     /* process i listens on the IPv4 address `address` + i */
	bool pin;       /* each to its own CPU, in order; with SO_REUSEPORT a connection goes to the
			   worker on the CPU that received its SYN */
	bool batch;     /* SCHED_BATCH */
	int listener; /* an existing listening socket (socket activation), not in a lab; -1: none */
};

struct crew_part; /* one process's part of the shared memory */

struct crew {
	struct crew_config config;
	union endpoint address; /* where it listens; apart: the first one */
	unsigned processes;
	struct crew_process {
		int channel; /* -1: ended */
		pid_t pid;   /* -1 in a lab */
		union endpoint address;
		struct crew_part *part;
	} at[CREW_WORKERS];
};

/* Starts the workers and waits until each listens. On failure all are stopped. */
int crew_start(struct crew *c, const struct place *place, const struct crew_config *config,
	       struct err *e);
/* Stops the workers and waits for them. 0, or -ECHILD if one failed. A zeroed struct is allowed. */
int crew_stop(struct crew *c);

struct crew_sum {
	uint64_t accepted, closed, requests, bytes, wakeups, resets, refused, accept_fails;
	int accept_errno;
};
/* May be called at any time; `closed` never exceeds `accepted`. */
struct crew_sum crew_sum(const struct crew *c);
/* CPU time and memory of all processes. -ECHILD names one that has exited. */
struct crew_usage {
	uint64_t cpu_ns;
	uint64_t private_bytes; /* resident and not shared */
};
int crew_usage(struct crew *c, struct crew_usage *out, struct err *e);
/* 0 while all run; -ECHILD says how one exited. */
int crew_check(struct crew *c, struct err *e);

#endif
