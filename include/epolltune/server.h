/* server: the epoll test server, as tasks in a lab or in the caller's namespaces. It accepts,
 * greets, echoes and closes connections, and counts them; no peer and no limit ends it. Processes
 * share one address by SO_REUSEPORT or one listener with EPOLLEXCLUSIVE; threads of one process
 * share one epoll set. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/endpoint.h"
#include "epolltune/err.h"
#include "epolltune/protocol.h"
#include "epolltune/task.h"

enum server_share {
	SERVER_REUSEPORT,
	SERVER_EXCLUSIVE, /* not in a lab */
	SERVER_FOLLOWERS, /* leader and followers: threads */
};
enum server_mode {
	SERVER_LEVEL,
	SERVER_EDGE,
	SERVER_ONESHOT,
	SERVER_LEVEL_MOD, /* for comparison: waits for EPOLLOUT before each reply, as tutorials do
			   */
};
#define SERVER_SHARES "reuseport,exclusive,leader-follower"
#define SERVER_MODES "level,edge,oneshot"
const char *server_share_name(enum server_share s);
const char *server_mode_name(enum server_mode m);

#define SERVER_WORKERS 240

struct server_config {
	union endpoint address; /* port 0: any */
	enum protocol protocol; /* PROTOCOL_ECHO, or PROTOCOL_HTTP: answers each with "ok" */
	enum server_share share;
	enum server_mode mode;  /* SERVER_FOLLOWERS needs SERVER_ONESHOT */
	unsigned workers;       /* processes or threads, up to SERVER_WORKERS; 0 means 1 */
	int backlog;            /* passed to listen() */
	bool paused;            /* does not accept until server_resume() */
	bool greet_and_close;   /* sends each client one byte and closes: holds no descriptors */
	bool close_at_once;     /* closes each client unserved */
	bool close_after_reply; /* the server closes first */
	bool stop_at_limit; /* does not accept after it has met a limit; false: tries again soon */
	bool own_ports;     /* worker i listens on the port of `address` + i, or on any */
	unsigned pause_ms;  /* sleeps so long before each wait, and so serves in batches */
	bool pin; /* worker i runs on the CPU first_cpu + i of those allowed; with SO_REUSEPORT a
		     connection goes to the worker on the CPU that received its SYN */
	unsigned first_cpu;
	bool batch;           /* SCHED_BATCH: its wakeups do not preempt others */
	uint32_t pending_max; /* unsent replies that each process buffers; 0: default */
	int listener; /* an existing listening socket (socket activation), not in a lab; 0: none */
};

/* The caller's handle. A zeroed one is not running. */
struct server {
	struct server_config config;
	union endpoint address; /* of worker 0 */
	unsigned processes;
	struct task tasks[SERVER_WORKERS];
	struct server_part *parts[SERVER_WORKERS];
	union endpoint addresses[SERVER_WORKERS];
	uint64_t held;       /* descriptors that process 0 has open without connections */
	uint64_t soft, hard; /* its RLIMIT_NOFILE at start; it then raises soft to hard */
};

/* Starts the workers and waits until each listens. On failure all are stopped. */
int server_start(struct server *s, const struct task_context *where,
		 const struct server_config *config, struct err *e);
/* Stops the workers and waits for them. 0, or -ECHILD if one failed. */
int server_stop(struct server *s);
/* 0 while all run; -ECHILD says how one exited. */
int server_check(struct server *s, struct err *e);

/* Sums over all workers, at any time; `closed` never exceeds `accepted`. */
struct server_sum {
	uint64_t accepted, closed;
	uint64_t requests;       /* reads answered, or requests of HTTP */
	uint64_t bytes;          /* received */
	uint64_t wakeups;        /* returns of epoll_wait() */
	uint64_t resets;         /* connections that ended in an error */
	uint64_t refused;        /* reset because the server could not buffer or watch them */
	uint64_t accept_fails;   /* accept4() calls that failed at a limit */
	uint64_t last_accept_ns; /* CLOCK_MONOTONIC */
	int accept_errno;        /* of the first accept4() that failed at a limit */
	int watch_errno;         /* of the first EPOLL_CTL_ADD that failed */
};
struct server_sum server_sum(const struct server *s);

/* Of all processes. */
struct server_usage {
	uint64_t cpu_ns;
	uint32_t napi; /* NAPI ID of the connection last answered (SO_INCOMING_NAPI_ID); 0: none */
};
int server_usage(struct server *s, struct server_usage *out, struct err *e);
/* Resident memory of all processes that is not shared. */
int server_memory(struct server *s, uint64_t *bytes, struct err *e);

/* What follows is about worker 0. */

/* The listener's accept queue: depth and limit (tcp_info: tcpi_unacked, tcpi_sacked) and the
 * connection attempts it dropped (SO_MEMINFO, since 4.12; 0 before). */
struct server_queue {
	uint64_t depth, limit, drops;
};
int server_queue(struct server *s, struct server_queue *out, struct err *e);
/* Reads it when each of `sent` connections is queued or dropped, or nothing has changed for 50 ms
 * since the first came (3 s without one).
 */
int server_settle(struct server *s, uint64_t sent, struct server_queue *out, struct err *e);
/* Starts accepting after config.paused, with the longest backlog that somaxconn allows: clients
 * retransmit dropped SYNs in bursts, and the kernel logs those that the SYN queue does not hold. */
int server_resume(struct server *s, struct err *e);

/* The errno of the limit at which the server stopped accepting or watching; 0: none. */
int server_limit(const struct server *s);
/* Names that limit: "EMFILE: RLIMIT_NOFILE is the limit". */
const char *server_limit_text(int code);
/* Waits until the server holds `connections`, has met a limit, or nothing has changed for a second.
 * Returns the connections that it holds; sets *limit as server_limit(). */
uint64_t server_await(const struct server *s, uint64_t connections, int *limit);

/* Fills the descriptor table with at most `max` duplicates of the listener, which do not count
 * towards fs.file-max. Reports the duplicates made, the connections held then, and the errno that
 * ended it (0: none). */
struct server_filled {
	uint64_t duplicates, connections;
	int end_errno;
};
int server_fill(struct server *s, uint64_t max, struct server_filled *out, struct err *e);

/* Watches the listener for `time_us` (at most 1 s) while a client waits that the server cannot
 * accept, and counts the wakeups of a level-triggered server. Not with threads. */
struct server_spin {
	uint64_t wakeups;
	uint64_t failures; /* of accept4() */
	uint64_t cpu_us;
};
int server_spin(struct server *s, uint64_t time_us, struct server_spin *out, struct err *e);

/* Sets busy polling of the server's epoll set (EPIOCSPARAMS); all zero turns it off. -EOPNOTSUPP
 * before Linux 6.9. */
struct server_busy_poll {
	uint32_t usecs;
	uint16_t budget; /* packets per poll; above 64 only with CAP_NET_ADMIN */
	bool prefer;     /* keeps device interrupts masked while the server polls */
};
int server_busy_poll(struct server *s, const struct server_busy_poll *params, struct err *e);
