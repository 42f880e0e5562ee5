/* churn: a client that opens connections as fast as it goes, and what becomes of its ports. One
 * epoll loop on each side. */
#ifndef EPOLLTUNE_CHURN_H
#define EPOLLTUNE_CHURN_H

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/lab.h"

/* Who closes first is who keeps the connection in TIME_WAIT for 60 s. */
enum churn_close {
	CHURN_CLIENT_FIRST,
	CHURN_SERVER_FIRST,
	CHURN_RESET, /* the client resets: no TIME_WAIT anywhere */
	CHURN_HOLD,  /* nobody closes until the end */
};

struct churn_config {
	enum churn_close close;
	unsigned sources;      /* addresses of the client, in turn, at most CHURN_SOURCES; 0 is 1 */
	unsigned first_source; /* which of the client's addresses is the first of them */
	unsigned
		destinations; /* ports of the server, in turn, at most CHURN_DESTINATIONS; 0 is 1 */
	bool loopback;        /* both ends on the client's host, over 127.0.0.0/8 */
	bool bind_port;       /* bind() without IP_BIND_ADDRESS_NO_PORT: it takes the port */
	uint16_t port;        /* the first destination; 0: any */
	uint64_t most;        /* connections; 0: as many as there are */
	unsigned ms;          /* and for so long at most; 0: 10 s */
};

struct churn_result {
	uint64_t connections; /* established in time */
	uint64_t elapsed_ns;  /* from the first connect() to the end */
	int error;            /* of the connect() or bind() that ended it, such as EADDRNOTAVAIL */
};

#define CHURN_DESTINATIONS 4
#define CHURN_SOURCES 16

/* Runs it and returns when it has ended: at `most`, at its time, or at the first connect() that
 * fails. Held connections are gone then, too, and what the client closed first is in TIME_WAIT, or
 * four seconds were not enough for it. */
int churn_run(struct lab *lab, const struct churn_config *config, struct churn_result *out,
	      struct err *e);
const char *churn_close_name(enum churn_close close);

#endif
