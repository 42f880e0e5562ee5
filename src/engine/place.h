/* place: where the engine's processes run and share memory: a host of a lab, or right here. */
#ifndef EPOLLTUNE_PLACE_H
#define EPOLLTUNE_PLACE_H

#include <sys/types.h>

#include "epolltune/err.h"
#include "epolltune/lab.h"

struct place {
	struct lab *lab; /* NULL: children of the calling process, in its namespaces */
	enum lab_host host;
};

/* Zeroed memory that the processes started afterwards share; for good, or until the lab ends. NULL
 * with e set when there is none. */
void *place_alloc(const struct place *p, size_t size, struct err *e);
/* Starts fn(arg) as lab_spawn() does. *pid is -1 in a lab, where it is of no use here; else the
 * child's exit status is 0 when fn returned 0. */
int place_spawn(const struct place *p, lab_task fn, void *arg, int *channel, pid_t *pid,
		struct err *e);
/* Ends a process by closing its channel and waits until it is gone; a child that is not after 5 s
 * is killed. 0, or -ECHILD when a child did not end well. Safe on one that never started. */
int place_finish(int *channel, pid_t *pid);

#endif
