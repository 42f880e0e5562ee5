/* Lists of CPUs. */
#include "host/cpu_list.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* False: no number of a CPU. */
static bool cpu_read(const char **text, unsigned long *cpu)
{
	char *end;
	if (!isdigit((unsigned char)**text))
		return false;
	*cpu = strtoul(*text, &end, 10);
	*text = end;
	return *cpu < CPU_LIST_MAX;
}

bool cpu_list_add(struct cpu_list *l, const char *text)
{
	while (*text && *text != '\n') {
		unsigned long first, last;
		if (!cpu_read(&text, &first))
			return false;
		last = first;
		if (*text == '-' && (text++, !cpu_read(&text, &last)))
			return false;
		if (last < first)
			return false;
		for (; first <= last; first++)
			l->at[first / 64] |= UINT64_C(1) << first % 64;
		if (*text == ',')
			text++;
		else if (*text && *text != '\n')
			return false;
	}
	return true;
}

uint64_t cpu_list_count(const struct cpu_list *l)
{
	uint64_t count = 0;
	for (unsigned i = 0; i < CPU_LIST_MAX / 64; i++)
		count += (unsigned)__builtin_popcountll(l->at[i]);
	return count;
}

static bool cpu_has(const struct cpu_list *l, unsigned cpu)
{
	return cpu < CPU_LIST_MAX && l->at[cpu / 64] >> cpu % 64 & 1;
}

uint32_t cpu_list_next(const struct cpu_list *l, uint32_t at)
{
	for (uint32_t cpu = at; cpu < CPU_LIST_MAX; cpu++)
		if (cpu_has(l, cpu))
			return cpu;
	return at;
}

void cpu_list_text(const struct cpu_list *l, char *text, size_t size)
{
	size_t used = 0;
	text[0] = 0;
	for (unsigned cpu = 0; cpu < CPU_LIST_MAX; cpu++) {
		unsigned last = cpu;
		char range[24];
		if (!cpu_has(l, cpu))
			continue;
		while (cpu_has(l, last + 1))
			last++;
		int n = snprintf(range, sizeof(range), last > cpu ? "%s%u-%u" : "%s%u",
				 used ? "," : "", cpu, last);
		if (used + (size_t)n >= size)
			return;
		memcpy(text + used, range, (size_t)n + 1);
		used += (size_t)n;
		cpu = last;
	}
}

bool cpu_list_holds(const struct cpu_list *l, const struct cpu_list *all)
{
	for (unsigned i = 0; i < CPU_LIST_MAX / 64; i++)
		if (all->at[i] & ~l->at[i])
			return false;
	return true;
}

bool cpu_list_meets(const struct cpu_list *l, const struct cpu_list *any)
{
	for (unsigned i = 0; i < CPU_LIST_MAX / 64; i++)
		if (any->at[i] & l->at[i])
			return true;
	return false;
}

uint64_t cpu_list_number(const char *text)
{
	struct cpu_list l = {0};
	return cpu_list_add(&l, text) ? cpu_list_count(&l) : 0;
}
