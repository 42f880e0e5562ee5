/* server_upstreams: the addresses of servers behind a server, as its configuration names them.
 * Pure. */
#pragma once

#include "epolltune/catalogue.h"

/* Of "http://unix:/run/app.sock:/path", "unix:/run/app.sock", "/run/app.sock",
 * "unix@/run/app.sock" the path, of "abns@name" "@name". False: it is another address, or one that
 * a variable completes. */
bool server_upstream_path(const char *address, char *path, size_t size);
/* Calls each() for those of a text of all its files, in their order; once with NULL if one is not
 * the path of a UNIX socket, nor the name of a section that has such directives itself. */
void server_upstreams_each(const struct server_row *row, const char *text,
			   void (*each)(const char *path, void *arg), void *arg);
