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
/* Whether an endpoint, as server_upstream_endpoint() writes it, is one over loopback: in digits, or
 * of localhost. */
bool server_upstream_is_near(const char *endpoint);

struct server_upstream {
	const char *path;    /* of a UNIX socket; NULL: it is another address */
	const char *address; /* as it is written */
	/* Servers of one section that get an even part of its load have the same, above 0: those of
	 * the same weight, and apart from them those that stand by. */
	uint32_t pool;
	bool off; /* it gets no load: disabled, down, or of weight 0 */
};
/* Calls each() for those of a text of all its files, in their order. Names of sections that have
 * such directives themselves are left out. */
void server_upstreams_each(const struct server_row *row, const char *text,
			   void (*each)(const struct server_upstream *, void *arg), void *arg);
