/* client_slot: one connection of a client's process, and what is in flight on it.
 *
 * All functions take the number of a slot. What fails is counted in the worker's statistics, and
 * the connection is closed. */
#pragma once

#include "engine/client_stats.h"

#define CLIENT_BURST 64              /* connections started in a row */
#define CLIENT_STARVED_NS 1000000    /* pause when ports or descriptors ran out */
#define CLIENT_LATE_NS 1000000000ull /* after the end, for operations due before it */

enum slot_state {
	SLOT_FREE,
	SLOT_CONNECTING, /* the request is sent after the handshake */
	SLOT_OPEN,
	SLOT_CLOSING, /* the reply is complete, the server must close */
};

/* A connection: 24 bytes, as there may be a million. */
struct slot {
	int fd;
	uint32_t got : 24, state : 3, registered : 1; /* bytes of the current reply */
	uint32_t detached : 1;                        /* opened by a detached order */
	uint32_t leaving : 1; /* the server closes it after the reply; closed: open it again */
	uint32_t active : 1;  /* an order of CLIENT_REQUEST uses it */
	uint32_t replied : 1; /* it had a complete reply, not an error */
	uint32_t refused : 1; /* closed, and had none: open it again later */
	uint32_t unsent;      /* bytes not sent yet */
	uint32_t under_way;   /* requests in flight */
	uint64_t since;       /* when the oldest operation in flight was due */
};

/* An operation needs a token to start: the number of a slot that can take one (more). */
struct tokens {
	uint32_t *ring;
	size_t size; /* a power of two */
	size_t head, tail;
};

struct client_worker {
	const struct client_config *config;
	struct client_stats *stats;
	struct task_port *port;
	int epoll;
	bool coarse; /* epoll_pwait2(2) is missing */
	bool misfit; /* a reply was not of the protocol */
	bool queued; /* the last connection waits: the accept queue of the UNIX socket is full */
	struct slot *slots;
	struct reply *replies; /* per slot; NULL: echo */
	uint64_t *due; /* CLIENT_DEPTH per slot: when each request was due; if depth is above 1 */
	struct tokens tokens, later; /* of those that were refused */
	uint64_t later_ns;
	uint64_t used; /* slots that were ever used */
	unsigned source;

	struct client_order order;
	bool opens;          /* its operations are done when a connection is open */
	uint64_t silence_ns; /* operations in flight fail after this long without progress */
	uint64_t start_ns, end_ns, starved_until;
	uint64_t moved_ns;   /* last progress, or last time operations were failed */
	uint64_t done_ns;    /* end of the last operation */
	uint64_t started;    /* operations of this order */
	uint64_t busy;       /* tokens in use */
	unsigned unaccepted; /* opened since the server was last known to have accepted all */
	unsigned fresh_count;
	uint32_t fresh[CLIENT_BURST]; /* handshakes started, not checked yet */

	char out[CLIENT_FLIGHT + CLIENT_SIZE]; /* requests, one after the other */
	char in[CLIENT_FLIGHT];
};

/* Lets one more operation start on a slot. */
void token_put(struct client_worker *w, uint64_t number);

/* Count an operation that failed, or that could not start as ports, descriptors or memory ran out,
 * and keep the first errno of each kind. */
void failure_count(struct client_worker *w, int code);
void starvation_count(struct client_worker *w, int code);

/* Transient limits: ports in TIME_WAIT, descriptors, memory. */
bool errno_starves(int code);

/* Asks for these events of EPOLLIN and EPOLLOUT, by edges. -errno of epoll_ctl(2). */
int slot_watch(struct client_worker *w, uint64_t number, uint32_t events);

/* Starts a connection: 0 if it is established or in progress, else -errno. */
int slot_connect(struct client_worker *w, uint64_t number);

/* Completes a handshake, or registers the socket if it is still in progress. -errno if it failed.
 */
int slot_handshake(struct client_worker *w, uint64_t number);

/* The connection is established: counts it. */
void slot_opened(struct client_worker *w, struct slot *s);

/* It was opened to be held, or without an exchange. The last one of a window sends a request, and
 * no more are opened before its reply: the server accepts in order, so only late connections can
 * still be queued then, and an accept queue of two windows cannot overflow (which would cost each
 * client a second). */
void slot_held(struct client_worker *w, uint64_t number, uint64_t now);

/* Starts one more request, due then. -errno if the connection failed. */
int slot_request(struct client_worker *w, uint64_t number, uint64_t due);

/* Handles events of epoll_wait(2). */
void slot_event(struct client_worker *w, uint64_t number, uint32_t events);

/* The operations of the order that are in flight on a connection. */
uint64_t slot_operations(const struct client_worker *w, const struct slot *s);

/* Fails a connection. Its tokens are reused after a pause (refused: of this connection alone), so
 * that a server that refuses is not retried in a busy loop; at once where it had replied. */
void slot_fail(struct client_worker *w, uint64_t number, int code);

/* Closes a connection; with `reset` by RST, without TIME_WAIT on either side. */
void slot_close(struct client_worker *w, uint64_t number, bool reset);
