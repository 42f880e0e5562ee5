/* queues: the TCP sockets that hold most memory, of all network namespaces that can be entered: the
 * memory of TCP is one for all. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "epolltune/err.h"
#include "epolltune/host.h"

#define QUEUES_LISTED 10

struct queue {
	uint64_t received, unsent; /* bytes of memory: not read by the process, and not
				      acknowledged by the peer (SKMEMINFO) */
	uint64_t inode;            /* 0: no process has it */
	bool orphan;               /* as one has closed it; false: it waits for accept() */
	pid_t pid;                 /* that holds it; 0: not visible */
	char process[16];
	char peer[56]; /* "10.0.0.2:443" */
};
struct queues {
	size_t count; /* the longest first */
	struct queue at[QUEUES_LISTED];
	size_t unseen; /* network namespaces that cannot be entered */
};

/* -EOPNOTSUPP for a captured machine and without inet_diag. Enters other namespaces in processes of
 * its own. */
int queues_read(const struct host *h, struct queues *out, struct err *e);
/* Keeps the longest. Pure. */
void queues_add(struct queues *q, const struct queue *one);

struct report;
struct finding;
/* Adds them to a finding as a table, and to its detail which namespaces are not in it. */
void queues_table(const struct queues *q, struct finding *f);
