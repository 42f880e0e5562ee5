/* subject_upstreams: internal to src/host/: the servers behind a server. */
#pragma once

#include "epolltune/subject.h"

/* Calls each() for the servers behind it that its configuration names, as server_upstreams_each().
 * False: some of it is not known. */
bool subject_upstreams_named(const struct host *h, const struct subject *s,
			     void (*each)(const char *path, const char *address, void *arg),
			     void *arg);
