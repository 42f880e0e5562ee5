/* front: what limits the process that most clients of the subject come from. Pure. */
#pragma once

#include "epolltune/accept_queues.h"

/* Adds a finding: a warning where that process limits them now, or would at the target. */
void front_judge(const struct queue_watch *w);
