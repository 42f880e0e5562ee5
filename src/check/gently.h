/* gently: what --gentle makes of a process that measures, on a machine that others use. */
#pragma once

#include <stdbool.h>

#include "epolltune/host.h"
#include "epolltune/probe.h"

/* Why a probe has no result beside other work, a clause. */
#define GENTLY_STARVED "--gentle waits for an idle CPU, and other work kept this one busy"

/* Gives the calling process and its children the lowest priority and the last CPU that it may use.
 * `h`: the live host. */
void gently_enter(const struct host *h);
/* Waits until the CPU has time for a process of the lowest priority, for a few seconds. False: it
 * has none. */
bool gently_idle(void);
/* Whether all that a probe runs is left out. Pure. */
bool gently_skips(const struct probe *p);
