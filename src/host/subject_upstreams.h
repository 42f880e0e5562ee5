/* subject_upstreams: internal to src/host/: the servers behind a server. */
#pragma once

#include "epolltune/subject.h"

/* Calls each() for the paths of UNIX sockets that its configuration names as those of servers
 * behind it; none where it is not known. */
void subject_upstreams_named(const struct host *h, const struct subject *s,
			     void (*each)(const char *path, void *arg), void *arg);
