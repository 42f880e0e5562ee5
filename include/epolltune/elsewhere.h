/* elsewhere: servers of other network namespaces, which a check of this one does not see: each
 * namespace has queues and counters of its own. Pure. */
#pragma once

#include "epolltune/listener.h"
#include "epolltune/report.h"

/* Adds a finding that names those that listen, and counts those that could not be looked at. */
void elsewhere_judge(const struct listeners_elsewhere *x, struct report *r);
/* Adds a finding where connections wait, at both looks, for a server that is stopped or frozen, or
 * that accepted too few of them in between, by the one of which most wait. */
void elsewhere_waiting_judge(const struct listeners_elsewhere *before,
			     const struct listeners_elsewhere *after, double seconds,
			     struct report *r);
/* Adds a finding where their servers dropped handshakes or datagrams in the `seconds` between the
 * looks, by the one that drops most; 0: there is one look. */
void elsewhere_drops_judge(const struct listeners_elsewhere *before,
			   const struct listeners_elsewhere *after, double seconds,
			   struct report *r);
