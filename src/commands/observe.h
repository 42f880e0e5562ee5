/* observe: looks at the server in question for a while, to take the target from what it does. */
#pragma once

#include "epolltune/host.h"
#include "epolltune/report.h"
#include "epolltune/subject.h"

/* Looks at the listeners of `s` for `us` microseconds, with at most some percent of one CPU.
 * `progress`: shows the time left on standard error. -EOPNOTSUPP: it has no TCP listener; -ENODATA:
 * no client came and none was there; -ENOENT: it does not listen any more. */
int observe_server(const struct host *h, const struct subject *s, uint64_t us, bool progress,
		   struct report_observed *out, struct err *e);
