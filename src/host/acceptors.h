/* acceptors: internal to src/host/: which processes accept the connections of a server, and what
 * they hold besides these. */
#pragma once

#include "epolltune/subject.h"
#include "host/processes.h"

/* A process that holds a listener of the server or connections of its clients. */
struct holder {
	struct process p;
	pid_t parent;
	bool listens;    /* it holds a listener */
	bool accepts;    /* it is in accept(), or an epoll set of its own watches the listener */
	bool may_accept; /* what its threads wait for is not visible, or may be the listener */
	bool polls;      /* it has an epoll set */
	bool locks;      /* a thread waits for a lock, as of a server that accepts in turns */
	/* Connections that this process accepted or was given, not inherited; those of an address
	 * are `clients` of struct listener. */
	uint64_t clients;
	/* TCP connections that it has, estimated where they are many: of clients of any listener,
	 * also inherited, and those that it opened. */
	uint64_t accepted, opened;
	/* Of those that it accepted, estimated too: that their clients closed long ago, and that
	 * came to its other listeners. */
	uint64_t left, others;
	/* Its threads that were looked at, and those of them that wait for what a client sends, or
	 * in poll() or select(); `looked` 0: not visible. */
	unsigned looked, reads;
	uint64_t held; /* descriptors besides connections of clients */
	/* Of these, TCP connections that it opened, less one for each client of its other
	 * listeners: as a proxy it has them for its clients. */
	uint64_t upstream;
};

/* Moves those that accept to the front and returns their number. Holding connections shows it,
 * then accepting, and what polls a listener beside a sibling with connections is as that. A parent
 * whose children hold more of them hands them over, and one without the listener that a sibling has
 * drains: these are left out. Without any that do: those that may, or else all. *unshown: of these
 * it is not visible which, and they do not all have the same parent. *in_turns: those left out that
 * may accept at other times, as siblings of the same name that hold the listener, and poll or wait
 * for a lock: of such only one watches it (accept_mutex of nginx). Pure. */
size_t acceptors_choose(struct holder *all, size_t count, bool *unshown, size_t *in_turns);

/* Whether they show that the server forks for each connection: all that have one, at least two,
 * have one each, no listener and no epoll set, and their parent accepts and has none. Pure. */
bool acceptors_fork(const struct holder *all, size_t count);

/* Whether they show that each connection has a thread: there are many, each process that has them
 * has about as many threads, and most of those that are visible wait for a client. `runtime`: where
 * none is visible more clients are needed, as a pool of threads may match by chance. Pure. */
bool acceptors_thread(const struct holder *all, size_t count, bool runtime);

/* How many accept for their children, which have more connections. Pure. */
size_t acceptors_hand(const struct holder *all, size_t count);

/* Whether one of those that run has one of these names, is the child of a holder and holds neither
 * a listener nor connections: the holder may hand connections to it. Pure. */
bool acceptors_have_child(const struct holder *all, size_t count,
			  const struct process_stat *running, size_t running_count,
			  const char *names);

/* What those of them have that drain, in all. Pure. */
struct subject_drained acceptors_drained(const struct holder *all, size_t count);

/* The descriptors of a holder that are no sockets, less what its `accepted` connections take of
 * them, of which each has `each` descriptors, 0: one. Pure. */
uint64_t acceptors_held(uint64_t others, uint64_t accepted, uint64_t each);

/* Finds them among all processes, and describes them in `out`: its listeners are read. `member`:
 * a process of its tree, which may hold connections only. */
int acceptors_find(const struct host *h, bool (*member)(pid_t pid, void *arg), void *arg,
		   struct subject *out, struct err *e);
