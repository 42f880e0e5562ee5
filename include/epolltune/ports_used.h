/* ports_used: the ports in use from one source address to one destination, on the machine as it
 * runs. connect() needs a port that has no connection to that destination yet. */
#ifndef EPOLLTUNE_PORTS_USED_H
#define EPOLLTUNE_PORTS_USED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/host.h"
#include "epolltune/listener.h"

struct report;

#define PORTS_USED_MAX 64
/* From these shares on, in percent, ports are nearly and entirely used up. */
#define PORTS_NEAR 80
#define PORTS_GONE 99

struct ports_to {
	char source[48];      /* "10.0.0.1", "2001:db8::1" */
	char destination[56]; /* "10.0.0.2:80", "[2001:db8::2]:80" */
	bool loopback;        /* one of both */
	uint32_t used;        /* ports, those in TIME_WAIT included */
	uint32_t waiting;     /* in TIME_WAIT */
	int owner; /* of one of the sockets, an index into `processes`; -1: not visible, or all in
		      TIME_WAIT */
};

struct ports_used {
	int64_t low, high; /* net.ipv4.ip_local_port_range; 0, 0: unknown */
	int64_t available; /* without net.ipv4.ip_local_reserved_ports */
	size_t count;      /* from PORTS_NEAR on; most used first */
	struct ports_to at[PORTS_USED_MAX];
	size_t process_count;
	struct process *processes;
	bool hidden; /* owners of some are not visible to this user */
};

/* Looks for destinations to which PORTS_NEAR percent of the ports are in use. -EOPNOTSUPP for a
 * captured machine and without inet_diag. The caller frees, also after an error. */
int ports_used_read(const struct host *h, struct ports_used *out, struct err *e);
void ports_used_free(struct ports_used *u);

/* Adds the finding ports.ephemeral.used. `reuse`: net.ipv4.tcp_tw_reuse, `timestamps`:
 * net.ipv4.tcp_timestamps; REPORT_NONE: unknown. Pure. */
void ports_used_judge(const struct ports_used *u, int64_t reuse, int64_t timestamps,
		      struct report *r);

#endif
