/* crew: the epoll server's workers at one address, as processes that share by SO_REUSEPORT or by
 * one listener with EPOLLEXCLUSIVE, or as threads of one process at one epoll set, one after the
 * other the leader. */
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
/* The names above; false if unknown. */
bool crew_share_parse(const char *name, enum crew_share *out);
bool worker_mode_parse(const char *name, enum worker_mode *out);

#define CREW_WORKERS 240

struct crew_config {
	union endpoint address; /* port 0: any */
	enum crew_share share;
	enum worker_mode mode; /* leader-follower takes WORKER_ONESHOT */
	unsigned workers;      /* 1 to CREW_WORKERS */
	int backlog;
	bool close_after_reply;
	uint32_t rests; /* replies kept for slow peers by each process; 0: WORKER_RESTS */
	bool apart; /* each process at an IPv4 address of its own: the first one's, plus its number
		     */
	bool pin; /* each to a CPU of its own, in order; with SO_REUSEPORT a connection goes to the
		   worker on the CPU that its SYN came in on */
	bool batch;   /* SCHED_BATCH */
	int listener; /* a socket that listens already (socket activation), not in a lab; -1: none
		       */
};

struct crew_part; /* of one process, in shared memory */

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

/* Starts the workers and waits until each listens. On failure none is left. */
int crew_start(struct crew *c, const struct place *place, const struct crew_config *config,
	       struct err *e);
/* Ends them and waits until they are gone. 0, or -ECHILD when one did not end well. Safe on a crew
 * that never started (zeroed). */
int crew_stop(struct crew *c);

struct crew_sum {
	uint64_t accepted, closed, requests, bytes, wakeups, resets, refused, accept_fails;
	int accept_errno;
};
/* At any time; never more closed than accepted. */
struct crew_sum crew_sum(const struct crew *c);
/* CPU time and memory of all its processes. -ECHILD naming the one that is gone. */
struct crew_usage {
	uint64_t cpu_ns;
	uint64_t private_bytes; /* resident and not shared */
};
int crew_usage(struct crew *c, struct crew_usage *out, struct err *e);
/* 0 while all live; -ECHILD and how one ended. */
int crew_check(struct crew *c, struct err *e);

#endif
