/* subject_listeners: which listeners the subject still has, which of them have no verdict, and who
 * else receives at its addresses. Pure. */
#pragma once

#include "epolltune/accept_queues.h"

/* Adds findings on those that are closed, on sockets of other servers at an address of the subject,
 * on those that are left out of the walls though they would be short or all that the target could
 * mean, on a subject that only forwards, on listeners behind it that are short, and on the process
 * that its clients come from. `listed`:
 * the newer look has all of TCP. */
void subject_listeners_judge(const struct queue_watch *w, bool listed);
/* Adds a finding on a subject that has ended since: at none of its addresses is a socket in `now`,
 * all of the kinds that it has. One that has started again has some. */
void subject_ended_judge(struct report *r, const struct subject *s, const struct listeners *now);
/* Says that the subject has closed this one; `left`: it has others. */
void subject_closed_finding(struct report *r, const struct subject *s,
			    const struct listener *closed, bool left);
