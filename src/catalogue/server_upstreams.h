/* server_upstreams: the addresses of servers behind a server, as its configuration names them.
 * Pure. */
#pragma once

#include "epolltune/catalogue.h"

/* Of "http://unix:/run/app.sock:/path", "unix:/run/app.sock", "/run/app.sock",
 * "unix@/run/app.sock" the path, of "abns@name" "@name". False: it is another address, or one that
 * a variable completes. */
bool server_upstream_path(const char *address, char *path, size_t size);
/* Writes the host and port that an address of a configuration names: "http://127.0.0.1:9001/path",
 * "ipv4@127.0.0.1:9001", "https://[::1]"; without a port that of the scheme, or of HTTP. False: it
 * is that of a UNIX socket, or a variable completes it. */
bool server_upstream_endpoint(const char *address, char *endpoint, size_t size);
/* Calls each() for those of a text of all its files, in their order: with the path of a UNIX
 * socket, or with NULL and another address as it is written. Names of sections that have such
 * directives themselves are left out. */
void server_upstreams_each(const struct server_row *row, const char *text,
			   void (*each)(const char *path, const char *address, void *arg),
			   void *arg);
/* Whether it is the address of a listener, "0.0.0.0:80", "unix:/run/app.sock": of one in digits,
 * of localhost or of a path. Another address of this machine does not count. */
bool server_upstream_reaches(const char *address, const char *listener);
