/* cpu: where a task of the engine runs. */
#ifndef EPOLLTUNE_ENGINE_CPU_H
#define EPOLLTUNE_ENGINE_CPU_H

#include <sched.h>

/* Keeps the calling process on one CPU, counted from 1; 0, or one that it may not use: leaves it.
 */
static inline void cpu_pin(unsigned cpu)
{
	cpu_set_t only;
	CPU_ZERO(&only);
	if (!cpu || cpu > CPU_SETSIZE)
		return;
	CPU_SET(cpu - 1, &only);
	sched_setaffinity(0, sizeof(only), &only);
}

#endif
