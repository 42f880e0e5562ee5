/* owners: internal to src/host/: the processes that hold sockets, by /proc/PID/fd. */
#pragma once

#include "epolltune/listener.h"

/* A socket, of one of the things to find owners for. */
struct owned_socket {
	uint64_t inode; /* first: its order */
	size_t thing;
};

struct owners {
	struct owned_socket *sockets; /* owners_find() sorts them */
	size_t socket_count;
	int *owner; /* of each thing, an index into `processes`; -1: look for it */
	/* Of each thing, whether a systemd above its owner holds it, too, as that of a socket unit;
	 * NULL: not asked. */
	bool *systemd;
	size_t thing_count;
	struct process *processes; /* grows; the caller frees it */
	size_t process_count;
	bool (*chosen)(const struct process *p); /* looks at no other; NULL: at all */
	const pid_t *among;                      /* the same of these; NULL: at all */
	size_t among_count;
	unsigned limit; /* of descriptors to look at; 0: OWNERS_LIMIT */
	bool denied;    /* an owner that was not found may be one that this user cannot see */
	bool cut;       /* or one that holds it beyond the limit */
	bool apart;     /* or one of another PID namespace */
};
/* A second on a fast machine. */
#define OWNERS_LIMIT 524288

/* Finds a process that holds a socket of each thing. Of several: a child of the same program before
 * its parent, and of its children one that watches the socket by epoll. Another program comes
 * before its parent, a supervisor, only where it shows that it accepts and the parent does not: a
 * helper may have inherited the socket. Stops when all are found; an owner stays -1 if none is
 * visible, or if the search ends at its limit before: then only processes of servers that the
 * catalogue knows are still looked at. */
int owners_find(const struct host *h, struct owners *o, struct err *e);

/* Whether the epoll sets of the process are small enough to list: the kernel does so under a lock
 * that their server needs. Pure. */
bool may_list_watched(const struct process *p);
