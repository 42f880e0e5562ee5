/* syn_queue: the half-open connections that listeners hold without SYN cookies. Pure. */
#pragma once

#include <stdint.h>

#include "epolltune/accept_queues.h"

/* What tcp_max_syn_backlog admits of clients that the kernel does not know from earlier: the last
 * quarter is kept for those that it knows. And the smallest setting that admits `enough`. */
int64_t syn_queue_capacity(int64_t max_syn);
int64_t syn_queue_setting(int64_t enough);

/* SYNs dropped since boot that met no full accept queue: at a full SYN queue, or without memory
 * or a route. */
int64_t syn_queue_drops(const struct host_counters *c);
/* The listener whose handshakes fill most of its SYN queue; NULL: none has any. */
const struct listener *syn_queue_fullest(const struct accept_queues *q);
/* Adds a finding on a SYN queue that is full without cookies: no counter of its own shows that. */
void syn_queue_judge(const struct queue_watch *w);
