/* server: the epoll test server, a lab task. Non-blocking, level-triggered, one process. It
 * accepts, and greets, echoes or closes; it counts; it stops accepting on command, and tells what
 * it meets at a limit instead of dying of it. */
#ifndef EPOLLTUNE_SERVER_H
#define EPOLLTUNE_SERVER_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/lab.h"

struct server_config {
	struct in_addr address;
	int backlog;          /* the argument of listen() */
	bool paused;          /* does not accept until server_resume() */
	bool greet_and_close; /* one byte to each client, then close: holds no descriptors */
	unsigned cpu;         /* runs on this one only, counted from 1; 0: on any */
};

/* Written by one thread alone and on cache lines of its own; read by anybody at any time. */
struct server_stats {
	_Alignas(64) _Atomic uint64_t accepted;
	_Atomic uint64_t closed;
	_Atomic uint64_t requests;     /* reads answered */
	_Atomic uint64_t bytes;        /* received */
	_Atomic uint64_t wakeups;      /* returns of epoll_wait() */
	_Atomic uint64_t resets;       /* connections that ended in an error */
	_Atomic uint64_t refused;      /* reset by the server, which could not keep or watch them */
	_Atomic uint64_t accept_fails; /* accept4() that met a limit */
	_Atomic uint64_t last_accept_ns; /* CLOCK_MONOTONIC */
	_Atomic int
		accept_errno; /* of the first accept4() that met a limit; it then stops accepting */
	_Atomic int watch_errno; /* of the first EPOLL_CTL_ADD that failed */
};

/* This side's handle of a running server. */
struct server {
	int channel; /* -1: not running */
	struct server_stats *stats;
	struct server_config config;
	uint16_t port;       /* network byte order */
	uint64_t held;       /* descriptors it holds without any connection */
	uint64_t soft, hard; /* its RLIMIT_NOFILE as it found it; it raised soft to hard */
};

/* Starts a server on the lab's server host and waits until it listens. */
int server_start(struct server *s, struct lab *lab, const struct server_config *config,
		 struct err *e);
/* Ends it. Safe on one that is not running (channel -1). */
void server_stop(struct server *s);

/* The listener's accept queue now, its limit (tcp_info of a listener: tcpi_unacked, tcpi_sacked)
 * and the connection attempts it has dropped (SO_MEMINFO, since 4.12; 0 before). */
struct server_queue {
	uint64_t depth, limit, drops;
};
int server_queue(struct server *s, struct server_queue *out, struct err *e);
int server_resume(struct server *s, struct err *e);

/* Fills its descriptor table by duplicates of its listener, which take no struct file from
 * fs.file-max: at most `most` of them. Tells how many fitted, how many connections it held then,
 * and the errno that ended it (0: none). */
struct server_filled {
	uint64_t duplicates, connections;
	int end_errno;
};
int server_fill(struct server *s, uint64_t most, struct server_filled *out, struct err *e);

/* What a level-triggered server does with a client that it cannot accept: watches the listener for
 * `time_us` (at most 1 s) and counts. */
struct server_spin {
	uint64_t wakeups;
	uint64_t failures; /* of accept4() */
	uint64_t elapsed_us, cpu_us;
	int last_errno;
};
int server_spin(struct server *s, uint64_t time_us, struct server_spin *out, struct err *e);

/* Busy polling of the server's epoll set (EPIOCSPARAMS); all zero turns it off. -EOPNOTSUPP before
 * Linux 6.9. */
struct server_busy_poll {
	uint32_t usecs;
	uint16_t budget; /* packets a round; above 64 with CAP_NET_ADMIN only */
	bool prefer;     /* interrupts stay off meanwhile */
};
int server_busy_poll(struct server *s, const struct server_busy_poll *params, struct err *e);

struct server_usage {
	uint64_t cpu_ns; /* of its process, since it began */
	uint32_t napi;   /* where the connection that it last read from gets its packets
			    (SO_INCOMING_NAPI_ID); 0: not through NAPI, or none is open */
};
int server_usage(struct server *s, struct server_usage *out, struct err *e);

#endif
