#include "epolltune/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PROBE(name) extern const struct probe probe_##name;
#include "probes.def"
#undef PROBE

static const struct probe *const probe_table[] = {
#define PROBE(name) &probe_##name,
#include "probes.def"
#undef PROBE
};

size_t probe_count(void) { return sizeof(probe_table) / sizeof(*probe_table); }

const struct probe *probe_at(size_t i) { return i < probe_count() ? probe_table[i] : NULL; }

const struct probe *probe_find(const char *name)
{
	for (size_t i = 0; i < probe_count(); i++)
		if (!strcmp(probe_table[i]->name, name))
			return probe_table[i];
	return NULL;
}

void probe_progress(struct probe_run *run, const char *fmt, ...)
{
	va_list args;
	if (!run->progress)
		return;
	va_start(args, fmt);
	vsnprintf(run->progress, PROBE_PROGRESS, fmt, args);
	va_end(args);
}
