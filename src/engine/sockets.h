/* sockets: connected TCP sockets over loopback, by the thousand, for benches and experiments. */
#ifndef EPOLLTUNE_SOCKETS_H
#define EPOLLTUNE_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/endpoint.h"
#include "epolltune/err.h"

struct sockets {
	int *fd;      /* 2i and 2i + 1 are the two ends of one connection */
	size_t count; /* even */
};

/* Opens `count` (rounded up to even) blocking sockets, in pairs, through listeners on
 * 127.x.y.1 to .254 that belong to `shard` (0 to 16 383) alone: another address whenever the port
 * range of one is used up. On failure nothing stays open. */
int sockets_open(struct sockets *s, size_t count, unsigned shard, struct err *e);
/* Closes them by reset: neither end leaves a TIME_WAIT behind. */
void sockets_close(struct sockets *s);
static inline int sockets_peer(const struct sockets *s, size_t i) { return s->fd[i ^ 1]; }

/* A bound and listening socket on 127.x.y.`index`, or a negative errno. */
/* Addresses of a shard: 1 to this. */
#define SOCKETS_ADDRESSES 254
/* Connections to one of them: to find a free port takes long once half of them are in use. */
#define SOCKETS_AT_ONE 7000
int sockets_listener(unsigned shard, unsigned index, int backlog, struct err *e);
/* Begins a non-blocking connection, from an address (and any port of it) unless `from` is NULL: its
 * descriptor, whether it is established or on its way, or -errno. */
int sockets_connect(const union endpoint *to, const union endpoint *from);
/* The next close(2) of this socket sends a reset. */
void sockets_abort(int fd);

/* Raises the soft limit of descriptors to the hard one and returns it. */
size_t sockets_raise_limit(void);

/* Whether accept() failed of the connection itself, not of a limit (accept(2), "Error handling").
 */
bool sockets_accept_passes(int code);

#endif
