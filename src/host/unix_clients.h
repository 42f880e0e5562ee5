/* unix_clients: internal to src/host/: the sockets that connected to UNIX listeners, by sock_diag.
 */
#pragma once

#include "epolltune/listener.h"

/* Calls each() with the inode of each socket that connected to one of `all` that is `wanted`, and
 * the index of that: accepted, or waiting for it. One connection may come twice. Ends where each()
 * returns false. */
struct unix_clients {
	const struct listeners *all;
	bool (*wanted)(const struct listener *l, void *arg);
	bool (*each)(uint64_t inode, size_t listener, void *arg);
	void *arg;
};
int unix_clients_walk(const struct unix_clients *, struct err *e);
