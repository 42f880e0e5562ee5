/* coverage: which probes measure what a plan changes. */
#ifndef EPOLLTUNE_TUNE_COVERAGE_H
#define EPOLLTUNE_TUNE_COVERAGE_H

#include <stddef.h>

#include "epolltune/list.h"
#include "epolltune/probe.h"
#include "tune/plan.h"

#define coverage_listed list_has
/* The names of the probes that measure a wall of the plan, comma separated, out of `allowed` (NULL:
 * all). "" if there is none; NULL without memory. To be freed. */
char *coverage_probes(const struct plan *p, const struct probe *const *probes, size_t count,
		      const char *allowed);

/* Likewise those that a knob of `names`, comma separated, concerns: by a wall, or by an experiment
 * that uses it. */
char *coverage_concerned(const char *names, const struct probe *const *probes, size_t count,
			 const char *allowed);

#endif
