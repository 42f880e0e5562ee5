/* connections: the open connections that clients have to TCP listeners, with what tcp_info says of
 * a bounded sample of them. */
#ifndef EPOLLTUNE_CONNECTIONS_H
#define EPOLLTUNE_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/host.h"
#include "epolltune/listener.h"

#define CONNECTIONS_SAMPLE 2048

/* Of struct tcp_info, include/uapi/linux/tcp.h. */
struct connection {
	uint32_t rtt_us;    /* tcpi_min_rtt, before Linux 4.6 tcpi_rtt; 0: none was taken */
	bool app_limited;   /* delivery_rate is what the application sent, not what the path took */
	uint64_t delivered; /* tcpi_delivery_rate, bytes/s; 0: nothing was sent */
};

struct connections {
	uint64_t open; /* in the last reading */
	uint64_t seen; /* in all readings */
	size_t count;
	struct connection at[CONNECTIONS_SAMPLE]; /* drawn evenly from all that were seen */
};

/* Counts the connections (ESTABLISHED, CLOSE_WAIT) that came to those of the listeners `l` (all of
 * the calling network namespace) that `wanted` chooses, and draws from them. `c` is zeroed before
 * the first reading and kept for the next. The kernel walks all its connections. -EOPNOTSUPP for a
 * captured machine and without inet_diag. */
int connections_read(const struct host *h, const struct listeners *l,
		     bool (*wanted)(const struct listener *l, void *arg), void *arg,
		     struct connections *c, struct err *e);

#endif
