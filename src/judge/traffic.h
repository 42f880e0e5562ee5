/* traffic: what the clients of a running server ask of it, from looks at its queues and
 * connections. All functions are pure. */
#pragma once

#include "epolltune/connections.h"
#include "epolltune/listener.h"
#include "epolltune/report.h"
#include "epolltune/target.h"

/* Sockets of the server that are looked at. */
#define TRAFFIC_QUEUES 512
#define TRAFFIC_SLOT_NS 100000000u

/* One look. */
struct traffic_look {
	uint64_t at_ns;
	int64_t opened; /* Tcp.PassiveOpens of the network namespace */
	/* TcpExt.ListenDrops likewise; -1: not read at this look. */
	int64_t dropped;
	/* That have arrived at its UDP sockets, read or dropped; 0 where they do not count. */
	int64_t datagrams;
	bool udp;                  /* the server has UDP sockets */
	bool only_udp;             /* it has no TCP listener */
	const struct listeners *l; /* its TCP listeners */
	/* Those of the server. */
	bool (*wanted)(const struct listener *l, void *arg);
	/* Of these, those that show how long it pauses; NULL: all. */
	bool (*timed)(const struct listener *l, void *arg);
	void *arg;
	bool begins; /* in another network namespace than the look before */
};

struct traffic {
	uint64_t looks, first_ns, last_ns;
	int64_t last_opened;
	int64_t last_datagrams;
	uint64_t opened, datagrams; /* since the first look */
	int64_t last_dropped;       /* -1: not read yet, in this network namespace */
	uint64_t dropped;           /* since the first look */
	uint64_t slot_ns;           /* the beginning of the present slot */
	uint64_t slot_opened, slot_datagrams;
	double peak_per_s, datagrams_peak_per_s; /* of all slots that are over */
	bool udp;                                /* of the last look */
	uint64_t waiting;            /* in the accept queues of the namespace at the last look */
	uint64_t absent_ns;          /* without a listener of the server */
	bool others;                 /* some listener of the namespace is not the server's */
	uint64_t longest_ns, gap_ns; /* the longest pause, and the longest time between two looks */
	size_t queue_count;          /* of the server at the last look, up to TRAFFIC_QUEUES */
	struct traffic_queue {
		uint64_t cookie;
		uint32_t depth;
		uint32_t usual;      /* the deepest that it was while something was accepted */
		unsigned still;      /* looks since something was accepted from it */
		uint64_t moved_ns;   /* the last look by which something was, or it was empty */
	} queues[2][TRAFFIC_QUEUES]; /* of this look and the one before, in turn */
};

/* Adds a look; `t` is zeroed before the first. */
void traffic_add(struct traffic *t, const struct traffic_look *look);
/* Writes what was seen. `max_open`: connections open at a time. */
void traffic_sum(const struct traffic *t, const struct connections *c, uint64_t max_open,
		 struct report_observed *out);

/* The target that was seen: numbers that are not known keep those of `usual`, and so does a stall
 * that is longer than any that was seen. The bandwidth is what makes bandwidth × round trip the
 * 95th percentile of these products. */
struct target observed_target(const struct report_observed *o, const struct target *usual);
/* The same for `percent` of the load: of the connections, and of the rate, which is at least that
 * of the busiest slot. */
struct target observed_headroom(const struct report_observed *o, const struct target *seen,
				uint64_t percent);
/* Of the datagrams a second likewise, also where others received them. */
uint64_t observed_datagrams(const struct report_observed *o, uint64_t percent);
