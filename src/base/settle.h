/* settle: how long arrivals at a queue are waited for, which a busy machine delivers late. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Between two looks. */
#define SETTLE_STEP_MS 2
/* Without a change nothing more is expected: longer than a client waits to retransmit a SYN that
 * the machine lost. */
#define SETTLE_QUIET_MS 1500
/* For all. */
#define SETTLE_MS 3000

/* Zeroed before the first look. */
struct settle {
	unsigned ms, quiet_ms;
	uint64_t seen;
};

/* After a look at which `arrived` of `sent` were there: whether another one is due, a step later.
 * Time counts in looks: what stops the caller stops clients, too. Pure. */
bool settle_waits(struct settle *s, uint64_t arrived, uint64_t sent);
