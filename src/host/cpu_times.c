/* The time of each CPU. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/host.h"

/* "cpu3 user nice system idle iowait irq softirq steal guest guest_nice" (proc_stat(5)). User and
 * nice contain the guests. */
#define FIELDS 8
#define IDLE 3
#define SOFTIRQ 6
#define STEAL 7

static void cpu_line(const char *line, struct host_cpu_times *out)
{
	char *at;
	unsigned long cpu = strtoul(line + strlen("cpu"), &at, 10);
	if (cpu >= HOST_CPUS)
		return;
	for (size_t i = 0; i < FIELDS; i++) {
		uint64_t ticks = strtoull(at, &at, 10);
		out->at[cpu].all += ticks;
		if (i == IDLE)
			out->at[cpu].idle = ticks;
		if (i == SOFTIRQ)
			out->at[cpu].softirq = ticks;
		if (i == STEAL)
			out->at[cpu].steal = ticks;
	}
}

int host_cpu_times(const struct host *h, struct host_cpu_times *out, struct err *e)
{
	CLEAN(free_pointer) char *text = NULL;
	*out = (struct host_cpu_times){0};
	ssize_t n = host_read_all(h, "proc/stat", &text, e);
	if (n < 0)
		return (int)n;
	for (char *save, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, "cpu", 3) && line[3] >= '0' && line[3] <= '9')
			cpu_line(line, out);
	return 0;
}

/* What some ticks of a CPU are of all between two readings; 0 if unknown. Those of idle time can
 * decrease (proc_stat(5)). */
static double ticks_share(uint64_t before, uint64_t after, const struct host_cpu_time *b,
			  const struct host_cpu_time *a)
{
	return a->all > b->all && after > before
		       ? (double)(after - before) / (double)(a->all - b->all)
		       : 0;
}

double host_softirq_share(const struct host_cpu_times *before, const struct host_cpu_times *after,
			  uint32_t cpu)
{
	if (cpu >= HOST_CPUS)
		return 0;
	const struct host_cpu_time *b = &before->at[cpu], *a = &after->at[cpu];
	return ticks_share(b->softirq, a->softirq, b, a);
}

double host_idle_cpus(const struct host_cpu_times *before, const struct host_cpu_times *after)
{
	cpu_set_t usable;
	double sum = 0;
	if (sched_getaffinity(0, sizeof(usable), &usable) < 0)
		memset(&usable, 0xff, sizeof(usable));
	for (uint32_t cpu = 0; cpu < HOST_CPUS && cpu < CPU_SETSIZE; cpu++) {
		const struct host_cpu_time *b = &before->at[cpu], *a = &after->at[cpu];
		if (CPU_ISSET(cpu, &usable))
			sum += ticks_share(b->idle, a->idle, b, a);
	}
	return sum;
}
