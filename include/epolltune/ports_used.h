/* ports_used: the ports in use from one source address to one destination, on the machine as it
 * runs. connect() needs a port that has no connection to that destination yet. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/host.h"
#include "epolltune/listener.h"
#include "epolltune/subject.h"

struct report;

#define PORTS_USED_MAX 64
/* Ports side by side that are no chance. */
#define PORTS_INTERVAL_MIN 16
/* From these shares on, in percent, ports are nearly and entirely used up. */
#define PORTS_NEAR 80
#define PORTS_GONE 99

/* Whether open connections have TCP timestamps, without which tcp_tw_reuse has no effect: none of
 * them, or some. */
enum ports_stamps {
	PORTS_STAMPS_UNKNOWN, /* no connection is open, or a captured machine */
	PORTS_STAMPS_NONE,
	PORTS_STAMPS_SOME,
};

struct ports_to {
	char source[48];          /* "10.0.0.1", "2001:db8::1" */
	char destination[56];     /* "10.0.0.2:80", "[2001:db8::2]:80" */
	bool loopback;            /* one of both */
	uint32_t used;            /* ports, those in TIME_WAIT included */
	uint32_t waiting;         /* in TIME_WAIT */
	uint32_t opening;         /* in SYN_SENT */
	uint16_t first, last;     /* of the ports */
	uint32_t own;             /* of the subject's sockets; 0 without a subject */
	uint32_t bound;           /* of ports_others.bound */
	enum ports_stamps stamps; /* of these, or without a subject of all; of a sample */
	int owner; /* of one of the sockets, an index into `processes`; -1: not visible, all in
		      TIME_WAIT, or below PORTS_NEAR, neither the source is bound nor the interval
		      full */
};

/* The ports of a source address that sockets to any destination have. bind() to port 0 without
 * IP_BIND_ADDRESS_NO_PORT takes one that no other socket of that address has; connect() alone
 * shares ports between destinations. */
struct ports_from {
	uint32_t used;    /* ports */
	uint32_t shared;  /* of them, with sockets to several destinations */
	uint32_t largest; /* those of the destination that has most */
	uint32_t own;     /* of them, of the subject's sockets; 0 without a subject */
	bool binds;       /* the subject's own show bind(): ports_group_bound() */
	uint32_t resting; /* of them, of no process, so that they may be the subject's: in TIME_WAIT
			   */
	size_t to;        /* that destination, which has the source: an index into ports_used.at */
};
#define PORTS_FROM_MAX 8

/* The ports that sockets of others than the subject have, with any source address, without those of
 * listeners and reserved ones: all but the sockets in TIME_WAIT to its destinations. */
struct ports_others {
	uint32_t used;    /* ports */
	uint32_t shared;  /* of them, with sockets to several destinations */
	uint32_t largest; /* those of the destination that has most */
	uint32_t odd;     /* at an odd distance from the low end of the range */
	uint32_t bound;   /* of groups that bind() has chosen: ports_group_bound() */
	int owner; /* of one of the sockets, an index into `processes`; -1: not visible, or not
		      looked for */
};

struct ports_used {
	int64_t low, high; /* net.ipv4.ip_local_port_range; 0, 0: unknown */
	int64_t available; /* without net.ipv4.ip_local_reserved_ports; -1: unknown */
	size_t count;      /* most used first */
	struct ports_to at[PORTS_USED_MAX];
	size_t from_count; /* of the sources of those; without ports that have a listener */
	struct ports_from from[PORTS_FROM_MAX];
	struct ports_others others;
	size_t process_count;
	struct process *processes;
	bool hidden; /* owners of some are not visible to this user */
};

/* The destinations that most ports are in use to, of the network namespace or of a captured
 * machine; with a subject those that its processes have sockets to. -EOPNOTSUPP without inet_diag,
 * -ENODATA where no sockets were captured.
 * The caller frees, also after an error. */
int ports_used_read(const struct host *h, const struct subject *subject, struct ports_used *out,
		    struct err *e);
void ports_used_free(struct ports_used *u);

/* What is in use to the fullest destination, `held` without those in TIME_WAIT. */
struct ports_taken {
	uint32_t held, all;
	uint32_t beside;         /* of ports_others.bound, those that it does not use */
	const char *destination; /* with most of `all`; "" without one */
};
/* Of the destinations over loopback, or of the others. `own`: what the subject has in use does not
 * count. False: there are none. Pure. */
bool ports_used_taken(const struct ports_used *u, bool loopback, bool own, struct ports_taken *out);

/* The subject's own open connections, by the pairs of a source address and a destination that have
 * at least ten of them: each pair has all ports for itself. Pure. */
struct ports_spread {
	uint64_t pairs, fullest, all;
};
struct ports_spread ports_used_spread(const struct ports_used *u);

/* Of the fullest destination with open connections, over loopback or others. Pure. */
enum ports_stamps ports_used_stamps(const struct ports_used *u, bool loopback);

/* Whether the ports to a destination fill an interval of their own: the kernel takes every second
 * port of the range first, so that the application gives the interval, by IP_LOCAL_PORT_RANGE or
 * bind(). `used`: those that connect() cannot take. Pure. */
bool ports_to_interval(const struct ports_used *u, const struct ports_to *to, int64_t used);

/* Whether each socket of that source has a port of its own, so that all destinations share one
 * range: nearly all ports are in use, to several destinations, and rarely one to two of them.
 * connect() alone takes every second port first, so that it shares from half of the range on. Pure.
 */
bool ports_from_bound(const struct ports_used *u, const struct ports_from *f);

/* The sources of the subject that are bound, to destinations over loopback or others: what other
 * processes have in use of the fullest one, `held` all of it. False: there are none. Pure. */
bool ports_used_bound(const struct ports_used *u, bool loopback, struct ports_taken *out);

/* The ports from a source address, to one destination or to all. */
struct ports_group {
	uint32_t even, odd;   /* by their distance from the low end of the range */
	uint32_t shared;      /* of them, with sockets of that source to several destinations */
	uint32_t free;        /* even ones that the group does not have, and connect() could take */
	uint16_t first, last; /* 0, 0: an interval shows nothing */
};
/* Whether bind() has most likely chosen them: connect() alone takes an odd port only where no even
 * one is free, and none side by side. Pure. */
bool ports_group_bound(const struct ports_group *g);

/* The ports of others that are most likely bound: those of such groups, or those of all: several
 * destinations share few of them, and not all are those that connect() takes first.
 * net/ipv4/inet_hashtables.c, __inet_hash_connect(): it takes no port that a socket has bound, of
 * any address, and first the ports at an even distance from the low end;
 * net/ipv4/inet_connection_sock.c, inet_csk_find_open_port(): bind() takes the others first. 0:
 * none. Pure. */
uint32_t ports_others_bound(const struct ports_others *o);

/* The destination to which connect() cannot take most ports: those in use without those in
 * TIME_WAIT that it reuses; or a source that is bound, where that has more. Of the latter `to` is
 * the destination that has most of its ports; NULL: none is in use. The knobs as below. Pure. */
struct ports_fullest {
	const struct ports_to *to;
	int64_t used; /* of ports_used.available at most */
	bool bound;
};
struct ports_fullest ports_used_fullest(const struct ports_used *u, int64_t reuse,
					int64_t timestamps);

/* Adds the findings ports.ephemeral.used, ports.ephemeral.interval and ports.ephemeral.bound.
 * `reuse`: net.ipv4.tcp_tw_reuse, `timestamps`: net.ipv4.tcp_timestamps; REPORT_NONE: unknown.
 * Pure. */
void ports_used_judge(const struct ports_used *u, int64_t reuse, int64_t timestamps,
		      struct report *r);
