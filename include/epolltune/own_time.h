/* own_time: the CPU time of a check itself, by memory that its processes share: what only the check
 * uses is not the use of a server in its control group. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "epolltune/err.h"

#define OWN_PROCESSES 32

struct own_time {
	_Atomic uint64_t ended_ns;            /* of its processes that have ended, and theirs */
	_Atomic pid_t running[OWN_PROCESSES]; /* the first is the one that has made it; 0: none */
};

/* For this process and those that it makes. The caller frees *out, also after an error. */
int own_time_make(struct own_time **out, struct err *e);
void own_time_free(struct own_time **o);
/* Of the process that has made it, NULL does nothing: it has made another one, or has waited for
 * the end of one. Those beyond OWN_PROCESSES count at their end. */
void own_time_began(struct own_time *o, pid_t pid);
void own_time_ended(struct own_time *o, pid_t pid);
/* So far, in any of them; 0 for NULL. */
uint64_t own_time_ns(const struct own_time *o);
