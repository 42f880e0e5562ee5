/* conntrack: the table of connection tracking of a network namespace. */
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
