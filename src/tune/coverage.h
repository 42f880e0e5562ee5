/* coverage: which probes measure what a plan changes. */
#pragma once

#include <stddef.h>

#include "epolltune/change.h"
#include "epolltune/probe.h"

/* Whether a change is meant to move a wall: that of its finding, or one of its knob. */
bool coverage_touches(const struct change *c, const char *wall);

/* The names of the probes that measure a wall of the plan, comma separated, out of `allowed` (NULL:
 * all). "" if there is none; NULL without memory. To be freed. */
char *coverage_probes(const struct plan *p, const struct probe *const *probes, size_t count,
		      const char *allowed);

/* Likewise those that a knob of `names`, comma separated, concerns: by a wall, or by an experiment
 * that uses it. */
char *coverage_concerned(const char *names, const struct probe *const *probes, size_t count,
			 const char *allowed);

/* Reduces a report to the walls and findings of the probes of a list. */
void coverage_narrow(struct report *r, const char *list, const struct probe *const *probes,
		     size_t count);
