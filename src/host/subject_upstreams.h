/* subject_upstreams: internal to src/host/: the servers behind a server. */
#pragma once

#include "catalogue/server_upstreams.h"
#include "epolltune/subject.h"
#include "host/listener_table.h"

/* Calls each() for the servers behind it that its configuration names, as server_upstreams_each().
 * False: some of it is not known. */
bool subject_upstreams_named(const struct host *h, const struct subject *s,
			     void (*each)(const struct server_upstream *, void *arg), void *arg);
/* Calls each() for those of `all`, with their table, that it reaches so, its own included: by an
 * address of this machine in digits, by localhost or by a path. */
void subject_upstream_find(const struct subject *s, struct listeners *all,
			   const struct listener_table *table, const struct server_upstream *,
			   void (*each)(struct listener *l, void *arg), void *arg);
