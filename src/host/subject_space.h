/* subject_space: internal to src/host/: the limits on the memory that a server maps for its threads
 * and processes. */
#pragma once

#include "epolltune/subject.h"

/* The mappings of a process, and which of them are stacks of threads. */
struct space_maps {
	uint64_t count;
	uint64_t stacks;       /* those behind a guard */
	uint64_t stack, guard; /* bytes: the median of these, and the guard before that one */
};
/* Reads a /proc/PID/maps, proc_pid_maps(5). -ENOMEM. Pure. */
int space_maps_parse(const char *text, struct space_maps *out);
/* Sets `space` and `space_hidden` of one whose `pid` is set. */
void subject_space_read(const struct host *h, const struct subject *s, struct subject_tasks *out);
