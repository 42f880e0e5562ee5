/* cpu_list: internal to src/host/: lists of CPUs as the kernel writes them: "0-3,8". */
#ifndef EPOLLTUNE_HOST_CPU_LIST_H
#define EPOLLTUNE_HOST_CPU_LIST_H

#include <stdbool.h>
#include <stdint.h>

#define CPU_LIST_MAX 8192 /* as NR_CPUS */

struct cpu_list {
	uint64_t at[CPU_LIST_MAX / 64];
};

/* Adds the CPUs of a list, up to a newline or the end. False: it is not such a list. */
bool cpu_list_add(struct cpu_list *l, const char *text);
uint64_t cpu_list_count(const struct cpu_list *l);
/* How many there are in a list; 0 if it is malformed. */
uint64_t cpu_list_number(const char *text);

#endif
