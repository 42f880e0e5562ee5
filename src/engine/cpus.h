/* cpus: the CPUs in the affinity mask of the calling process. */
#pragma once

/* Their number, at least 1. */
unsigned cpus_count(void);
/* The CPU id of the i-th allowed CPU, modulo their number; -1 if unknown. */
int cpus_nth(unsigned i);
/* Pins the calling thread to one CPU. 0, or -errno if it is not allowed there. */
int cpus_run_on(int cpu);
