/* The time of each CPU. */
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/host.h"

/* "cpu3 user nice system idle iowait irq softirq steal guest guest_nice" (proc_stat(5)). User and
 * nice contain the guests. */
#define FIELDS 8
#define SOFTIRQ 6

static void cpu_line(const char *line, struct host_cpu_times *out)
{
	char *at;
	unsigned long cpu = strtoul(line + strlen("cpu"), &at, 10);
	if (cpu >= HOST_CPUS)
		return;
	for (size_t i = 0; i < FIELDS; i++) {
		uint64_t ticks = strtoull(at, &at, 10);
		out->at[cpu].all += ticks;
		if (i == SOFTIRQ)
			out->at[cpu].softirq = ticks;
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

double host_softirq_share(const struct host_cpu_times *before, const struct host_cpu_times *after,
			  uint32_t cpu)
{
	if (cpu >= HOST_CPUS || after->at[cpu].all <= before->at[cpu].all)
		return 0;
	const struct host_cpu_time *b = &before->at[cpu], *a = &after->at[cpu];
	return (double)(a->softirq - b->softirq) / (double)(a->all - b->all);
}
