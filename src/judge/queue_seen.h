/* queue_seen: what the ticks of a window show of each accept queue. Pure. */
#pragma once

#include "epolltune/accept_queues.h"

#define QUEUE_MIDDLE_TICK ((OBSERVATION_TICKS + 1) / 2)

bool queue_is_full(const struct listener *l);
/* NULL: nothing waited at a tick. */
const struct queue_seen *queue_seen_find(const struct accept_queues *s, uint64_t cookie);
/* Now, or at a tick. */
bool queue_was_full(const struct accept_queues *s, const struct listener *l);
/* Packets that a listener has dropped since the earlier report; 0 unless some met a full queue. */
uint64_t queue_dropped_since(const struct accept_queues *s, const struct listener *l);
