/* coverage: which probes measure what a plan changes. */
#pragma once

#include "epolltune/probe.h"
#include "tune/change.h"

/* Whether a change is meant to move a wall: that of its finding, or one of its knob. */
bool coverage_touches(const struct change *c, const char *wall);

/* The probes out of `allowed` (0: all) that measure a wall of the plan. */
probe_set coverage_probes(const struct plan *p, probe_set allowed);
/* Likewise those that a knob of `names`, comma separated, concerns: by a wall, or by an experiment
 * that uses it. */
probe_set coverage_concerned(const char *names, probe_set allowed);

/* Reduces a report to the walls and findings of the probes. */
void coverage_narrow(struct report *r, probe_set of);
