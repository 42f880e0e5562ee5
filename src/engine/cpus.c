#include "engine/cpus.h"

#include <errno.h>
#include <sched.h>

unsigned cpus_count(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	int count = CPU_COUNT(&set);
	return count > 0 ? (unsigned)count : 1;
}

int cpus_nth(unsigned i)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -1;
	i %= cpus_count();
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((size_t)cpu, &set) && i-- == 0)
			return cpu;
	return -1;
}

int cpus_run_on(int cpu)
{
	cpu_set_t only;
	CPU_ZERO(&only);
	if (cpu < 0 || cpu >= CPU_SETSIZE)
		return -EINVAL;
	CPU_SET((size_t)cpu, &only);
	return sched_setaffinity(0, sizeof(only), &only) == 0 ? 0 : -errno;
}
