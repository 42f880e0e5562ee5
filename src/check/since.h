/* since: the earlier report that a check compares with. */
#pragma once

#include "check/check.h"

/* Loads the report of --since; refuses one without counters or from the future. */
int since_load(const char *path, struct report *since, struct err *e);
/* Refuses the report of --since if it is of another machine or network namespace; not if this check
 * has `entered` that of the same server, which has a new one after a restart. */
int since_check(const struct check_options *o, const struct host *host, bool entered,
		struct err *e);
