/* server_worker: one thread of the epoll server. It accepts, echoes, closes and counts; no peer and
 * no refused resource ends it.
 *
 * The hot path allocates nothing and changes no registration. It reads right after accept4() and
 * writes right after the read, so that a short connection, answered and closed by the next look,
 * never enters the epoll set. A bounded slab keeps unsent replies. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/counter.h"
#include "epolltune/err.h"
#include "epolltune/server.h"

/* Counters that one worker writes, on their own cache lines; any process may read. */
struct server_stats {
	_Alignas(64) counter accepted;
	counter closed;
	counter requests;
	counter bytes;
	counter wakeups;
	counter resets;
	counter refused;
	counter accept_fails;
	counter last_accept_ns;
	_Atomic int accept_errno, watch_errno;
};

/* A pending write: the unsent tail of a reply. */
struct pending_write {
	uint32_t length, sent;
	uint32_t next_free; /* index + 1 */
	char data[4096 - 12];
};
#define SERVER_READ (sizeof(((struct pending_write *)0)->data))

/* Shared by the threads of one process, as its descriptors are. */
struct server_shared {
	_Atomic uint32_t *pending_of;  /* by descriptor: index + 1 of its pending write; 0: none */
	struct http_request *requests; /* by descriptor; NULL: echo */
	uint32_t table;                /* maximum number of descriptors */
	uint32_t pending_max;
	struct pending_write *pending;
	uint32_t pending_used, free_first; /* entries from pending_used on were never used */
	pthread_mutex_t lock;              /* protects the two above; not taken on the hot path */
};

#define SERVER_PENDING_MAX 8192 /* at most 32 MiB, touched only when used */
#define SERVER_RECENT 256

struct server_worker {
	const struct server_config *config;
	struct server_stats *stats; /* only the worker writes */
	struct server_shared *shared;
	int epoll, listener;
	int answered;       /* the connection answered last; -1: none */
	bool set_shared;    /* several threads wait on the epoll set */
	bool wanted;        /* accepting is requested */
	bool listening;     /* the listener is in the set */
	uint64_t resume_ns; /* when to resume accepting after a limit */
	bool exclusive;     /* processes share the listener: watch it with EPOLLEXCLUSIVE */
	unsigned recent_count;
	int recent[SERVER_RECENT]; /* answered, still open, not yet in the epoll set */
	char buffer[SERVER_READ];
};

/* Raises the soft descriptor limit to the hard one. A peer that needs more pending writes than
 * configured is reset. */
int server_shared_open(struct server_shared *s, const struct server_config *config, struct err *e);
void server_shared_close(struct server_shared *s);

/* Prepares a worker with its own epoll set, or with the shared set `epoll` if that is not negative.
 * The listener must be non-blocking; the caller keeps it. */
int server_worker_open(struct server_worker *w, const struct server_config *config,
		       struct server_stats *stats, struct server_shared *shared, int epoll,
		       int listener, struct err *e);
/* Starts or stops accepting. */
int server_worker_listen(struct server_worker *w, bool on, struct err *e);
/* Takes over a connection accepted elsewhere. */
void server_worker_adopt(struct server_worker *w, int fd);
/* Serves in the calling thread until the descriptor `control` is readable. Returns 0, or a negative
 * errno when waiting itself fails. */
int server_worker_run(struct server_worker *w, int control, struct err *e);
