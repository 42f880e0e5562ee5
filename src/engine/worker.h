/* worker: one thread of the epoll server's: it accepts, echoes, closes and counts, and nothing that
 * a peer does or a limit refuses ends it.
 *
 * The hot path allocates nothing, changes no registration and tries before it waits: the read right
 * after the accept (while newcomers have asked by then), the write right after the read. A
 * connection that is answered and closed by then was never in the epoll set. What a peer does not
 * take is kept in a slab, within bounds. */
#ifndef EPOLLTUNE_WORKER_H
#define EPOLLTUNE_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/counter.h"
#include "epolltune/err.h"
#include "epolltune/server.h"

enum worker_mode {
	WORKER_LEVEL,
	WORKER_EDGE,
	WORKER_ONESHOT,
	WORKER_LEVEL_MOD, /* for comparison: waits for EPOLLOUT before each reply, as tutorials do
			   */
};

struct worker_config {
	enum worker_mode mode;
	bool close_after_reply; /* the server closes first */
	bool exclusive;         /* the listener is shared: watch it with EPOLLEXCLUSIVE */
	bool greet_and_close;   /* one byte to each client, then close */
	bool plain;             /* asks the set for everything: for probes that measure just that */
	bool stop_at_limit; /* accepts no more after the first limit met, until worker_listen() */
	int cpu;            /* to run on; -1: anywhere */
	bool batch;         /* SCHED_BATCH: its waking up does not interrupt others */
};

/* A reply that its peer does not take yet. */
struct rest {
	uint32_t length, sent;
	uint32_t next_free; /* index + 1 */
	char data[4096 - 12];
};
#define WORKER_READ (sizeof(((struct rest *)0)->data))

/* What the threads of one process share: descriptors are the process's. */
struct worker_shared {
	_Atomic uint32_t *rest_of; /* by descriptor: index + 1 of its rest; 0: none */
	uint32_t table;            /* how many descriptors there can be */
	uint32_t rests_most;
	struct rest *rests;
	uint32_t rests_used, rests_free; /* never used ones start at rests_used */
	pthread_mutex_t lock;            /* of the two above; taken off the hot path only */
};

#define WORKER_RESTS 8192 /* 32 MiB at most, touched only as used */
#define WORKER_YOUNG 256

struct worker {
	const struct worker_config *config;
	struct server_stats *stats; /* written by the worker alone */
	struct worker_shared *shared;
	int epoll, listener;
	int talked;         /* the connection last answered; -1: none */
	bool set_shared;    /* several threads wait at the epoll set */
	bool wanted;        /* it is to accept */
	bool listening;     /* the listener is in the set */
	uint64_t resume_ns; /* when to accept again after a limit was met */
	bool placed;        /* its thread runs where and as it is to */
	unsigned cold;      /* events until the shortcut of a lone connection is tried again */
	unsigned vain;      /* newcomers since one had asked by the time it was accepted */
	unsigned young_count;
	int young[WORKER_YOUNG]; /* answered, still open and not yet in the epoll set */
	char buffer[WORKER_READ];
};

/* Raises the process's soft descriptor limit to the hard one. At most `rests` replies (0:
 * WORKER_RESTS) are kept for peers that do not take them; who needs one more is reset. */
int worker_shared_open(struct worker_shared *s, uint32_t rests, struct err *e);
void worker_shared_close(struct worker_shared *s);

/* Prepares a worker with an epoll set of its own (or `epoll`, if not negative, shared with others).
 * The listener must be non-blocking; it stays the caller's. */
int worker_open(struct worker *w, const struct worker_config *config, struct server_stats *stats,
		struct worker_shared *shared, int epoll, int listener, struct err *e);
void worker_close(struct worker *w);
/* Starts or stops to accept. */
int worker_listen(struct worker *w, bool on, struct err *e);
/* Takes over a connection that was accepted elsewhere. */
void worker_adopt(struct worker *w, int fd);
/* Serves, in the calling thread, until `control`, a descriptor that it watches beside the rest, is
 * readable. Returns 0, or a negative errno when waiting itself fails. */
int worker_run(struct worker *w, int control, struct err *e);

#endif
