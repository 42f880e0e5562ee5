/* Lists of CPUs. */
#include "host/cpu_list.h"

#include <ctype.h>
#include <stdlib.h>

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

uint64_t cpu_list_number(const char *text)
{
	struct cpu_list l = {0};
	return cpu_list_add(&l, text) ? cpu_list_count(&l) : 0;
}
