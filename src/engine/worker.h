/* worker: one thread of the epoll server. It accepts, echoes, closes and counts; no peer and no
 * refused resource ends it.
 *
 * The hot path allocates nothing and changes no registration. Speculative I/O: it reads right after
 * accept4() as long as new clients usually have data ready, and writes right after the read, so
 * that a connection answered and closed by then never enters the epoll set. A bounded slab keeps
 * unsent replies. */
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
	bool plain;             /* no speculative I/O and no shortcuts, for probes */
	bool stop_at_limit;     /* stops accepting at the first limit, until worker_listen() */
	int cpu;                /* CPU to pin it to; -1: none */
	bool batch;             /* SCHED_BATCH: its wakeups do not preempt others */
};

/* A pending write: the unsent tail of a reply. */
struct rest {
	uint32_t length, sent;
	uint32_t next_free; /* index + 1 */
	char data[4096 - 12];
};
#define WORKER_READ (sizeof(((struct rest *)0)->data))

/* Shared by the threads of one process, as its descriptors are. */
struct worker_shared {
	_Atomic uint32_t *rest_of; /* by descriptor: index + 1 of its pending write; 0: none */
	uint32_t table;            /* maximum number of descriptors */
	uint32_t rests_most;
	struct rest *rests;
	uint32_t rests_used, rests_free; /* entries from rests_used on were never used */
	pthread_mutex_t lock;            /* protects the two above; not taken on the hot path */
};

#define WORKER_RESTS 8192 /* at most 32 MiB, touched only when used */
#define WORKER_YOUNG 256

struct worker {
	const struct worker_config *config;
	struct server_stats *stats; /* only the worker writes */
	struct worker_shared *shared;
	int epoll, listener;
	int talked;         /* the connection answered last; -1: none */
	bool set_shared;    /* several threads wait on the epoll set */
	bool wanted;        /* accepting is requested */
	bool listening;     /* the listener is in the set */
	uint64_t resume_ns; /* when to resume accepting after a limit */
	bool placed;        /* CPU and scheduling policy are set */
	unsigned cold;      /* events until the single-connection fast path is tried again */
	unsigned vain;      /* accepts since the last speculative read that found data */
	unsigned young_count;
	int young[WORKER_YOUNG]; /* answered, still open, not yet in the epoll set */
	char buffer[WORKER_READ];
};

/* Raises the soft descriptor limit to the hard one. The second argument is the maximum of pending
 * writes, WORKER_RESTS if 0; a peer that needs one more is reset. */
int worker_shared_open(struct worker_shared *s, uint32_t rests, struct err *e);
void worker_shared_close(struct worker_shared *s);

/* Prepares a worker with its own epoll set, or with the shared set `epoll` if that is not negative.
 * The listener must be non-blocking; the caller keeps it. */
int worker_open(struct worker *w, const struct worker_config *config, struct server_stats *stats,
		struct worker_shared *shared, int epoll, int listener, struct err *e);
void worker_close(struct worker *w);
/* Starts or stops accepting. */
int worker_listen(struct worker *w, bool on, struct err *e);
/* Takes over a connection accepted elsewhere. */
void worker_adopt(struct worker *w, int fd);
/* Serves in the calling thread until the descriptor `control` is readable. Returns 0, or a negative
 * errno when waiting itself fails. */
int worker_run(struct worker *w, int control, struct err *e);

#endif
