/* place: the execution context of the engine's processes: a host of a lab, or the caller's
 * namespaces. */
#ifndef EPOLLTUNE_PLACE_H
#define EPOLLTUNE_PLACE_H

#include <sys/types.h>

#include "epolltune/err.h"
#include "epolltune/lab.h"

struct place {
	struct lab *lab; /* NULL: children of the calling process, in its namespaces */
	enum lab_host host;
};

/* Allocates zeroed memory that processes started later share; it lasts until the lab ends, else
 * forever. NULL, with e set, on failure. */
void *place_alloc(const struct place *p, size_t size, struct err *e);
/* Starts fn(arg) as lab_spawn() does. *pid is -1 in a lab, where the caller cannot use it; else the
 * child exits with 0 if fn returned 0. */
int place_spawn(const struct place *p, lab_task fn, void *arg, int *channel, pid_t *pid,
		struct err *e);
/* Ends a process by closing its channel and waits for it; kills a child that runs on after 5 s. 0,
 * or -ECHILD if a child failed. Allowed on one that never started. */
int place_finish(int *channel, pid_t *pid);

#endif
