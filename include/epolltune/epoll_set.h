/* epoll_set: the epoll sets of running processes, and over how many NAPI instances the connections
 * in each are spread. Busy polling serves one NAPI at a time, so a set should have one. */
#ifndef EPOLLTUNE_EPOLL_SET_H
#define EPOLLTUNE_EPOLL_SET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "epolltune/err.h"
#include "epolltune/host.h"

#define EPOLL_SET_SAMPLE 64 /* connections looked at in a set, spread over it */

struct epoll_set {
	pid_t pid;
	int fd;
	char process[32];
	uint64_t watched;     /* descriptors in the set */
	uint64_t connections; /* TCP connections among those looked at that came by a NAPI */
	uint64_t napis;       /* different ones */
};

/* Sets that watch connections which came by a NAPI, at most `max`, those with the most first.
 * Processes that this one may not trace (ptrace(2), "access mode checking") are left out and
 * counted in *hidden, as far as they were looked at: the search is bounded. -EOPNOTSUPP for a
 * captured machine, and before Linux 5.6, which cannot take a descriptor of another process
 * (pidfd_getfd(2)). Reads only; a descriptor is held for as long as it takes to ask its NAPI. */
int epoll_sets_read(const struct host *h, struct epoll_set *out, size_t max, size_t *count,
		    size_t *hidden, struct err *e);

#endif
