/* hold_budget: estimates memory, descriptors, ports and processes for N connections before they are
 * opened. */
#pragma once

#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/host.h"

struct hold_budget {
	uint64_t connections;                /* both ends on this machine */
	uint64_t memory, memory_available;   /* of the machine, and of its own control group */
	uint64_t group_memory, group_tasks;  /* HOST_UNLIMITED: it has no limit */
	char group[64], group_pids[64];      /* "memory.max of /x"; a long path is cut */
	uint64_t files, files_available;     /* fs.file-max minus open files */
	uint64_t watches, watches_available; /* fs.epoll.max_user_watches */
	uint64_t processes, processes_max;
	uint64_t ports, ports_available;
};

/* The connections to hold, and the processes that hold them. */
struct hold_plan {
	uint64_t connections;
	uint64_t watches;
	uint64_t per_process; /* connection ends per process */
	uint64_t processes_max;
	uint64_t ports_of_process; /* that one client process can connect from */
};

/* Kernel memory of one connection, both ends: TCP 2 x 2520, socket inodes 2 x 862, files and
 * directory entries 2 x 390, an epoll item 211, plus page tables and similar; 8.2 kB measured on
 * 6.18. */
#define HOLD_BUDGET_CONNECTION 9000

/* Computes the estimate; an unknown limit counts as unlimited. */
void hold_budget_make(struct hold_budget *b, const struct host *h, const struct hold_plan *plan);
/* 0, or -ENOSPC with the whole estimate if something does not fit. */
int hold_budget_check(const struct hold_budget *b, struct err *e);
