/* epoll_set: the epoll sets of running processes and the NAPI instances of the connections in each.
 * Busy polling serves one NAPI at a time, so all connections of a set should share one. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "epolltune/err.h"
#include "epolltune/host.h"

#define EPOLL_SET_SAMPLE 64 /* connections examined per set, spread evenly */

struct epoll_set {
	pid_t pid;
	int fd;
	char process[32];
	uint64_t watched;     /* descriptors in the set */
	uint64_t connections; /* examined TCP connections with a NAPI ID */
	uint64_t napis;       /* distinct NAPI IDs */
};

/* Finds the sets that watch connections with a NAPI ID, at most `max`, those with the most
 * connections first. The search is bounded; *hidden counts the examined processes that this one may
 * not trace (ptrace(2), "access mode checking"). -EOPNOTSUPP for a captured machine, and before
 * Linux 5.6, which lacks pidfd_getfd(2). Reads only; it holds a descriptor just long enough to read
 * its NAPI ID. */
int epoll_sets_read(const struct host *h, struct epoll_set *out, size_t max, size_t *count,
		    size_t *hidden, struct err *e);
