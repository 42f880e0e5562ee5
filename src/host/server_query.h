/* server_query: internal to src/host/: what --server names. */
#pragma once

#include <net/if.h>
#include <netinet/in.h>

#include "epolltune/endpoint.h"
#include "epolltune/listener.h"

enum query_kind { BY_PID, BY_UNIT, BY_NAME, BY_ADDRESS, BY_PATH };

struct server_query {
	enum query_kind kind;
	const char *who;
	const char *path; /* of a UNIX socket, or "@name" */
	pid_t pid;
	uint16_t port;
	char address[INET6_ADDRSTRLEN + 3]; /* as listeners write it, "[::1]"; "": any */
	union endpoint binary;              /* the same, where there is one */
	char device[IF_NAMESIZE];           /* of "ADDRESS%DEVICE:PORT"; "": any */
	uint64_t file, file_device;         /* of a path that exists */
};

/* -EINVAL: it is none of them. `who` must live as long as the query. */
int server_query_make(const char *who, struct server_query *q, struct err *e);
/* Drops the listeners that an address or a path does not name. Of an address those of all addresses
 * remain if no other listens, and the address is one of this host. -ENOENT: it names none, and all
 * remain. */
int server_query_keep(struct listeners *l, const struct server_query *q, struct err *e);
