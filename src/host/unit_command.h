/* unit_command: internal to src/host/: the command of a systemd service, for a server that
 * overwrites its own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "catalogue/server_command.h"
#include "epolltune/host.h"

/* Whether a /proc/PID/cgroup is that of a service of the system, not of a user's manager or of one
 * in a container. Pure. */
bool unit_is_system(const char *cgroup, const char *unit);
/* Reads ExecStart= of the unit. `text` keeps its words; the caller frees it, also after an error.
 * -ENOENT: there is no such unit; -ENOTSUP: its command is not one plain line, a drop-in may change
 * it, the unit changed after `started`, in ticks of the clock, or it or a drop-in may set one of
 * `variables`, beginnings as "NAME=", comma separated; NULL: none matters. */
int unit_command_read(const struct host *h, const char *unit, const char *variables,
		      uint64_t started, char **text, struct server_command *out);
