/* server: the epoll test server, a lab task: one process, non-blocking, level-triggered. It
 * accepts, greets, echoes and closes connections, and counts them. It stops accepting on request.
 * At a limit it reports the errno and continues. */
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
	int backlog;          /* passed to listen() */
	bool paused;          /* does not accept until server_resume() */
	bool greet_and_close; /* sends each client one byte and closes: holds no descriptors */
	unsigned cpu;         /* CPU to pin it to, counted from 1; 0: none */
};

/* Counters that only the server writes, on their own cache lines; any process may read. */
struct server_stats {
	_Alignas(64) _Atomic uint64_t accepted;
	_Atomic uint64_t closed;
	_Atomic uint64_t requests;     /* reads answered */
	_Atomic uint64_t bytes;        /* received */
	_Atomic uint64_t wakeups;      /* returns of epoll_wait() */
	_Atomic uint64_t resets;       /* connections that ended in an error */
	_Atomic uint64_t refused;      /* reset because the server could not buffer or watch them */
	_Atomic uint64_t accept_fails; /* accept4() calls that failed at a limit */
	_Atomic uint64_t last_accept_ns; /* CLOCK_MONOTONIC */
	_Atomic int accept_errno; /* of the first accept4() that failed at a limit and stopped
				     accepting */
	_Atomic int watch_errno;  /* of the first EPOLL_CTL_ADD that failed */
};

/* The caller's handle of a running server. */
struct server {
	int channel; /* -1: not running */
	struct server_stats *stats;
	struct server_config config;
	uint16_t port;       /* network byte order */
	uint64_t held;       /* descriptors open without connections */
	uint64_t soft, hard; /* its RLIMIT_NOFILE at start; it then raises soft to hard */
};

/* Starts a server on the lab's server host and waits until it listens. */
int server_start(struct server *s, struct lab *lab, const struct server_config *config,
		 struct err *e);
/* Stops the server; does nothing if channel is -1. */
void server_stop(struct server *s);

/* The listener's accept queue: depth and limit (tcp_info: tcpi_unacked, tcpi_sacked) and the
 * connection attempts it dropped (SO_MEMINFO, since 4.12; 0 before). */
struct server_queue {
	uint64_t depth, limit, drops;
};
int server_queue(struct server *s, struct server_queue *out, struct err *e);
/* Reads it when each of `sent` connections is queued or dropped, or nothing has changed for 50 ms.
 */
int server_settle(struct server *s, uint64_t sent, struct server_queue *out, struct err *e);
/* Starts accepting after config.paused. */
int server_resume(struct server *s, struct err *e);

/* The errno of the limit at which the server stopped accepting or watching; 0: none. */
int server_limit(const struct server *s);
/* Names that limit: "EMFILE: RLIMIT_NOFILE is the limit". */
const char *server_limit_text(int code);
/* Waits until the server holds `connections`, has met a limit, or nothing has changed for a second.
 * Returns the connections that it holds; sets *limit as server_limit(). */
uint64_t server_await(const struct server *s, uint64_t connections, int *limit);

/* Fills the descriptor table with at most `most` duplicates of the listener, which do not count
 * towards fs.file-max. Reports the duplicates made, the connections held then, and the errno that
 * ended it (0: none). */
struct server_filled {
	uint64_t duplicates, connections;
	int end_errno;
};
int server_fill(struct server *s, uint64_t most, struct server_filled *out, struct err *e);

/* Watches the listener for `time_us` (at most 1 s) while a client waits that the server cannot
 * accept, and counts the wakeups of a level-triggered server. */
struct server_spin {
	uint64_t wakeups;
	uint64_t failures; /* of accept4() */
	uint64_t elapsed_us, cpu_us;
	int last_errno;
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

struct server_usage {
	uint64_t cpu_ns; /* of the server process, since its start */
	uint32_t napi; /* NAPI ID of the connection last answered (SO_INCOMING_NAPI_ID); 0: none */
};
int server_usage(struct server *s, struct server_usage *out, struct err *e);

#endif
