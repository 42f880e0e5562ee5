/* cpu_list: internal to src/host/: lists of CPUs as the kernel writes them: "0-3,8". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPU_LIST_MAX 8192 /* as NR_CPUS */

struct cpu_list {
	uint64_t at[CPU_LIST_MAX / 64];
};

/* Adds the CPUs of a list, up to a newline or the end. False: it is not such a list. */
bool cpu_list_add(struct cpu_list *l, const char *text);
uint64_t cpu_list_count(const struct cpu_list *l);
/* The first CPU of the list that is not below `at`; `at`, if there is none. */
uint32_t cpu_list_next(const struct cpu_list *l, uint32_t at);
/* Writes them as a list, "0-3,8"; "" without a CPU. A list that does not fit ends early. */
void cpu_list_text(const struct cpu_list *l, char *text, size_t size);
/* Whether a list has all CPUs of another, and whether two have one in common. */
bool cpu_list_holds(const struct cpu_list *l, const struct cpu_list *all);
bool cpu_list_meets(const struct cpu_list *l, const struct cpu_list *any);
/* How many there are in a list; 0 if it is malformed. */
uint64_t cpu_list_number(const char *text);
