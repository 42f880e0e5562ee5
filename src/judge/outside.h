/* outside: what was observed in the network namespace that the check left for that of the server.
 */
#pragma once

#include "epolltune/report.h"

/* Appends the report of an observation there to that of the check, after that of the same probe. A
 * finding says whose it is, its `about` ends with "outside", and it proposes no value of a device:
 * apply runs in the other namespace. What both see of the machine counts once. A wall is taken that
 * is worse there, or has no limit here. `who`: the server; "": none was named. Pure. */
void outside_join(struct report *whole, const struct report *part, const char *who);
