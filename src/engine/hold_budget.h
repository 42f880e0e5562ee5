/* hold_budget: what holding many connections takes of the machine, told before it is taken. */
#ifndef EPOLLTUNE_HOLD_BUDGET_H
#define EPOLLTUNE_HOLD_BUDGET_H

#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/host.h"

struct hold_budget {
	uint64_t connections; /* both ends are here */
	uint64_t memory, memory_available;
	uint64_t files, files_available;     /* fs.file-max less what is open */
	uint64_t watches, watches_available; /* fs.epoll.max_user_watches */
	uint64_t processes, processes_most;
	uint64_t ports, ports_available;
};

/* What is to be held, and by whom. */
struct hold_plan {
	uint64_t connections;
	uint64_t watches;
	uint64_t per_process; /* ends that one process can hold */
	uint64_t processes_most;
	uint64_t ports_of_process; /* that one process of the load can connect from */
};

/* Memory of one connection, both ends, in the kernel: TCP 2 x 2520, socket inodes 2 x 862, files
 * and directory entries 2 x 390, an epoll item 211 and, beside these slabs, page tables and the
 * like; measured on 6.18 as 8.2 kB. */
#define HOLD_BUDGET_CONNECTION 9000

/* Sums up; unknown limits count as ample. */
void hold_budget_make(struct hold_budget *b, const struct host *h, const struct hold_plan *plan);
/* 0, or -ENOSPC with the whole sum when something does not fit. */
int hold_budget_check(const struct hold_budget *b, struct err *e);

#endif
