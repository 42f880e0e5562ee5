/* process_limits: the processes of the listeners that run here, in two looks: out of descriptors
 * (RLIMIT_NOFILE), or halted: stopped, frozen or gone. Pure. */
#pragma once

#include "epolltune/accept_queues.h"

/* Adds a finding on each process that is out of descriptors: at one look where connections wait,
 * otherwise at both; and on each that is halted at both. Processes that share a listener of the
 * subject without owning it have one for all of them, of each sort. */
void process_limits_judge(const struct queue_watch *w);
