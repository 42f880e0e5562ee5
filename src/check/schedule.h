/* schedule: which probes run beside each other, and when. */
#pragma once

#include "check/job.h"

#define SCHEDULE_JOBS (REPORT_PROBES + 4) /* and of those that look outside too */

struct schedule {
	struct check check;
	size_t count;
	struct job at[SCHEDULE_JOBS];
};

/* Runs the jobs, each in a process of its own. */
void schedule_run(struct schedule *s);
/* Judges all probes by their settings. */
void schedule_inspect(struct schedule *s);
