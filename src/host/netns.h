/* netns: asks in another network namespace. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "epolltune/err.h"

/* A descriptor of that of this process; the caller closes it. */
int netns_own(struct err *e);

/* Moves this process back into that one, as host_enter_netns() does. */
int netns_return(int ns, struct err *e);

/* Fills `out`, of `size` bytes, by a function that a process of its own runs in that network
 * namespace. False: it could not, and `out` is undefined. */
typedef bool (*netns_answer)(const void *arg, void *out);
bool netns_ask(int ns, netns_answer answer, const void *arg, void *out, size_t size);
