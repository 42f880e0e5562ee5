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
/* The same with each address as it is written, but for the names of such sections. */
void server_upstreams_addresses(const struct server_row *row, const char *text,
				void (*each)(const char *address, void *arg), void *arg);
/* Whether it is the address of a listener, "0.0.0.0:80", "unix:/run/app.sock": of one in digits,
 * of localhost or of a path. Another address of this machine does not count. */
bool server_upstream_reaches(const char *address, const char *listener);
