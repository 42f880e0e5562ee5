/* conntrack: the table of connection tracking of a network namespace, and what it drops. */
#pragma once

#include <stdint.h>

struct host;

/* REPORT_NONE: not readable. */
struct conntrack {
	int64_t used;       /* entries */
	int64_t max;        /* nf_conntrack_max; 0: no limit */
	int64_t rest_s;     /* nf_conntrack_tcp_timeout_time_wait */
	int64_t udp_rest_s; /* nf_conntrack_udp_timeout or _stream, the larger */
};

void conntrack_read(const struct host *h, struct conntrack *out);
/* The same where the namespace forwards packets; zeroed where it does not. */
void conntrack_forwarding(const struct host *h, struct conntrack *out);
/* What a full table has dropped between two looks, by the growth of its counters; below 0 growth is
 * unknown. Two packets of a new connection that arrive at the same time count as dropped too, and
 * as insert_failed: net/netfilter/nf_conntrack_core.c, nf_ct_resolve_clash(). These are left out,
 * unless `used`, the larger number of entries of both looks, was near `max`. Pure. */
int64_t conntrack_dropped(int64_t drops, int64_t clashes, int64_t used, int64_t max);
