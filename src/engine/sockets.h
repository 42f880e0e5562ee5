/* sockets: thousands of connected TCP sockets over loopback, for benches and experiments. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "epolltune/endpoint.h"
#include "epolltune/err.h"

struct sockets {
	int *fd;      /* 2i and 2i + 1 are the two ends of one connection */
	size_t count; /* even */
};

/* Opens `count` (rounded up to even) blocking sockets in pairs, through listeners on 127.x.y.1 to
 * .254, which only `shard` (0 to 16 383) uses; moves on to another address when the port range of
 * one is used up. On failure nothing stays open. */
int sockets_open(struct sockets *s, size_t count, unsigned shard, struct err *e);
/* Closes them by reset: no TIME_WAIT on either end. */
void sockets_close(struct sockets *s);
static inline int sockets_peer(const struct sockets *s, size_t i) { return s->fd[i ^ 1]; }

/* Addresses of a shard: 1 to this. */
#define SOCKETS_ADDRESSES 254
/* Connections per address: finding a free port takes long once half of the ports are in use. */
#define SOCKETS_AT_ONE 7000
/* A bound and listening socket on 127.x.y.`index`, or a negative errno. */
int sockets_listener(unsigned shard, unsigned index, int backlog, struct err *e);
enum {
	SOCKETS_RESERVE = 1, /* bind() takes a port that no other connection can share (no
				IP_BIND_ADDRESS_NO_PORT) */
	SOCKETS_DEAF = 2,    /* drops all that arrives: the handshake stays half open */
};
/* Starts a non-blocking connect(), from the address `from` (any port) unless it is NULL. `flags`:
 * SOCKETS_…. Returns the descriptor, established or in progress, or -errno. */
int sockets_connect(const union endpoint *to, const union endpoint *from, unsigned flags);
/* Connects to the UNIX stream socket at `path`: the descriptor, non-blocking, or -errno; -EAGAIN
 * where its accept queue is full. */
int sockets_connect_path(const char *path);
/* Makes the next close(2) of this socket send a reset. */
void sockets_abort(int fd);

/* Raises the soft limit on descriptors to the hard one and returns it. */
size_t sockets_raise_limit(void);

/* Whether accept() failed because of that connection, not at a limit (accept(2), "Error
 * handling"). */
bool sockets_accept_passes(int code);
