/* front: the process of this network namespace that most clients of a server are connections of, as
 * of a proxy before it. */
#pragma once

#include "epolltune/subject.h"

struct front {
	pid_t pid; /* the first process of its tree; 0: none is known */
	char name[16];
	char address[LISTENER_ADDRESS]; /* of a listener of its own; "": none is known */
	/* Open connections of the server's clients; of these, those that come from a socket of this
	 * machine, and those that the front has. */
	uint64_t clients, local, theirs;
	uint64_t accepted;  /* connections of its own clients */
	uint64_t accepting; /* its processes that accept; 0: unknown */
	/* The smallest RLIMIT_NOFILE of them; HOST_UNLIMITED; 0: unknown, or one of them is for a
	 * connection alone. */
	uint64_t soft;
	/* Of those that no visible process has, whether there may be one, and whether the search
	 * ended at its limit. */
	bool hidden, cut;
};

/* Whether that many connections show it: most of the clients, and more than a monitor or a health
 * check has. Pure. */
bool front_shown(uint64_t clients, uint64_t connections);
/* A front listens itself, at a port that other hosts reach, or is a known proxy. Sets `front` of
 * its listeners in `all`. Zeros: not known, or nothing shows one. */
void front_read(const struct host *h, const struct subject *s, struct listeners *all,
		struct front *out);
