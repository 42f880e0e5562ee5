/* observe: looks at the server in question for a while, to take the target from what it does. */
#pragma once

#include "check/check.h"

/* Looks at the listeners of the server for o->observe_us, with at most some percent of one CPU.
 * While it does not listen it is looked for, as check_again() does; one of UDP alone each second.
 * -EOPNOTSUPP: it has no TCP listener and no UDP socket; -ENODATA: no client came and none was
 * there. */
int observe_server(const struct check_options *o, struct check_subject *of,
		   struct report_observed *out, struct err *e);
