/* elsewhere: internal to src/host/: listeners of processes in other network namespaces, by /proc.
 */
#pragma once

#include <stdbool.h>

/* Whether a process holds a TCP listener in its own network namespace, which may be another one, or
 * an unconnected UDP socket if `udp`. */
bool process_listens(int process, bool udp);
