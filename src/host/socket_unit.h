/* socket_unit: internal to src/host/: the socket unit of which systemd itself accepts the
 * connections, each for a process of its own (Accept=yes). */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "epolltune/host.h"
#include "epolltune/subject.h"

/* With Accept=yes by default, systemd.socket(5): MaxConnections=, TriggerLimitBurst=,
 * PollLimitBurst=, and the intervals of both. */
#define SOCKET_UNIT_CONNECTIONS 64
#define SOCKET_UNIT_TRIGGERS 200
#define SOCKET_UNIT_POLLS 150
#define SOCKET_UNIT_INTERVAL_US 2000000

struct socket_unit {
	enum {
		SOCKET_UNIT_UNKNOWN, /* not each listener is that of a unit that was found */
		SOCKET_UNIT_SERVICE, /* the service accepts: Accept=no */
		SOCKET_UNIT_ACCEPTS,
		SOCKET_UNIT_SEVERAL, /* which of them is active is not visible, and they differ */
	} is;
	/* Of it; of several that of two; where it is unknown one that may be it, "": none is. */
	char file[128];
	uint64_t max;    /* MaxConnections= */
	bool preset;     /* that is the default */
	bool per_source; /* MaxConnectionsPerSource= bounds those of one client, too */
	struct subject_burst trigger, poll; /* as in struct subject_clients */
};

/* Finds that of the subject's listeners, by the files of its systemd, which may have been changed
 * since. The subject's systemd is not one of a user. */
void socket_unit_find(const struct host *h, const struct subject *s, struct socket_unit *out);
/* What a file with these lines, which may be a drop-in of the unit, says of the unit. Pure. */
struct socket_unit_lines {
	bool template; /* a unit "NAME@.socket" for any instance */
	/* Of its name; of a template that with which it has a listener of the subject; "": none. */
	char instance[NAME_MAX + 1];
	bool accepts;     /* Accept=yes */
	uint64_t listens; /* at which of the subject's listeners, a bit each */
	bool unresolved;  /* an address has a specifier that epolltune does not resolve */
	bool hidden;      /* one of its files is not readable */
	bool several;     /* as of struct socket_unit */
	struct socket_unit unit;
};
/* `name`: that of the unit, "echo@.socket". */
void socket_unit_begin(const char *name, struct socket_unit_lines *out);
void socket_unit_parse(char *text, const struct subject *s, struct socket_unit_lines *out);
