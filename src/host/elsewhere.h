/* elsewhere: internal to src/host/: listeners of processes in other network namespaces, by /proc.
 */
#pragma once

#include "host/processes.h"

/* The sockets of network namespaces, each read once: however many processes share one. */
struct spaces {
	struct space *at;
	size_t count;
};
void spaces_free(struct spaces *s);

/* Whether a process holds a TCP listener in its own network namespace, which may be another one, or
 * an unconnected UDP socket if `udp`: the same in all calls with these spaces. */
bool process_listens(struct spaces *s, int process, struct netns_id netns, bool udp);
