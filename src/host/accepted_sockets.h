/* accepted_sockets: internal to src/host/: the connections that listeners have accepted, by
 * sock_diag. */
#pragma once

#include "epolltune/listener.h"

struct accepted {
	uint64_t inode; /* first: its order */
	bool own;       /* by one of the listeners in question; otherwise by another one */
	bool opened;    /* by none: a process opened it. Only of those that are left */
	bool left;      /* sock_diag_is_left() */
};
struct accepted_list {
	struct accepted *at; /* by inode */
	size_t count;
};

/* Those of all TCP listeners of the calling network namespace and of the UNIX ones in `own`, which
 * are the listeners in question, ordered, and `clients` of these; and those that are left of all
 * others. At most ACCEPTED_MAX, and
 * what cannot be listed is missing. */
#define ACCEPTED_MAX ((size_t)1 << 22)
void accepted_sockets_read(const struct host *h, struct listeners *own, struct accepted_list *out);
/* NULL: it is no such connection. */
const struct accepted *accepted_sockets_find(const struct accepted_list *l, uint64_t inode);
