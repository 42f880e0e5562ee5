/* published: what accepts in user space, outside, the clients of the published ports of a container
 * that an ordinary user runs. */
#pragma once

#include "epolltune/subject.h"

struct published {
	pid_t pid; /* of such a process that may listen for the server; 0: none is visible */
	char name[16];
	bool hidden; /* there may be one, as the server is in such a container, and so is this
			process */
};
/* By the user namespace of the server. Zeros: not known, or nothing says so. */
void published_read(const struct host *h, const struct subject *s, struct published *out);

/* Of a uid_map (user_namespaces(7)): whether an id is mapped, one of this namespace (`inside`), or
 * one of the reader's. Pure. */
bool id_map_has(const char *map, uint32_t id, bool inside);
/* Whether it maps one id alone, as newuidmap(1) does with that of an ordinary user, and not that of
 * root. Pure. */
bool id_map_of_user(const char *map);
