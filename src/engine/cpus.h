/* cpus: those that the calling process may run on. */
#ifndef EPOLLTUNE_CPUS_H
#define EPOLLTUNE_CPUS_H

/* How many; at least 1. */
unsigned cpus_count(void);
/* The number of the i-th one, counted round and round; -1 when it cannot be told. */
int cpus_nth(unsigned i);
/* Keeps the calling thread on one CPU. 0, or -errno when it may not run there. */
int cpus_run_on(int cpu);

#endif
