/* socket_unit: internal to src/host/: the socket unit of which systemd itself accepts the
 * connections, each for a process of its own (Accept=yes). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/host.h"
#include "epolltune/subject.h"

#define SOCKET_UNIT_CONNECTIONS 64 /* MaxConnections= by default, systemd.socket(5) */

struct socket_unit {
	char file[128];  /* of it; of `several` that of two */
	bool several;    /* which of them is active is not visible, and they differ */
	uint64_t max;    /* MaxConnections= */
	bool preset;     /* that is the default */
	bool per_source; /* MaxConnectionsPerSource= bounds those of one client, too */
};

/* Finds that of one of the subject's listeners, by the files of its systemd, which may have been
 * changed since. False: none of them is such a unit. The subject's systemd is not one of a user. */
bool socket_unit_find(const struct host *h, const struct subject *s, struct socket_unit *out);
/* What a file with these lines, which may be a drop-in of the unit, says of the unit. Pure. */
struct socket_unit_lines {
	bool accepts; /* Accept=yes */
	bool listens; /* at a listener of the subject */
	struct socket_unit unit;
};
void socket_unit_parse(char *text, const struct subject *s, struct socket_unit_lines *out);
