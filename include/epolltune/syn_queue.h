/* syn_queue: the half-open connections that listeners hold without SYN cookies. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/accept_queues.h"
#include "epolltune/wording.h"

/* What the SYN queue of one listening socket holds: net/ipv4/tcp_input.c, tcp_conn_request(). */
struct syn_room {
	/* Half-open connections, of clients that the kernel does not know from earlier. INT64_MAX:
	 * any number, as a cookie answers every SYN. */
	int64_t holds;
	bool by_max_syn; /* tcp_max_syn_backlog is the limit, otherwise the listener's backlog */
	bool at_most;    /* tcp_max_syn_backlog counts, and is unknown */
};
/* `limit`: of the listener, as the kernel keeps it since listen(). `max_syn`: tcp_max_syn_backlog,
 * `cookies`: tcp_syncookies; REPORT_NONE: unknown, cookies then count as 1. `kernel`: as in struct
 * machine. The queue is full above the limit, before 6.14 at the limit
 * (include/net/inet_connection_sock.h, inet_csk_reqsk_queue_is_full()); stable kernels that took
 * that change hold one more. */
struct syn_room syn_queue_room(int64_t limit, int64_t max_syn, int64_t cookies, unsigned kernel);
/* The smallest limit with which a queue holds `enough`, where tcp_max_syn_backlog allows that. */
int64_t syn_queue_limit(int64_t enough, unsigned kernel);

/* The smallest tcp_max_syn_backlog that admits `enough` of those clients: its last quarter is kept
 * for those that the kernel knows. */
int64_t syn_queue_setting(int64_t enough);

/* What ListenDrops counts beyond full accept queues: net/ipv4/tcp_input.c, tcp_conn_request(), and
 * net/ipv4/tcp_ipv4.c, tcp_req_err(). Without cookies these are SYNs at a full SYN queue, but for a
 * few causes that have counters of their own. */
struct syn_drops {
	int64_t rest;    /* 0: none, or not known */
	int64_t flooded; /* of these, what TCPReqQFullDrop counts as well: beyond the backlog */
	/* At most so many of these are no SYNs of clients that wait: ICMP errors end half-open
	 * connections, and no route leads back to a source. */
	int64_t other;
	int64_t ended; /* the first part of `other` */
};
/* By values of counters, or by their growth; negative: unknown. */
struct syn_drops syn_drops_of(int64_t (*value)(const void *of, const char *counter),
			      const void *of);
/* By their growth. */
struct syn_drops syn_drops_between(const struct host_counters *before,
				   const struct host_counters *after);
/* How many of these clients may wait for, at most; `cookies`: as of syn_queue_room(). With cookies
 * only a listener that is flooded drops any. */
int64_t syn_drops_lost(const struct syn_drops *d, int64_t cookies);
/* The same `rest` since boot. */
int64_t syn_queue_drops(const struct host_counters *c);
/* Whether a queue is full, or hovers there: it has room for a moment whenever a handshake ends.
 * `holds`: as in struct syn_room. */
bool syn_queue_is_full(int64_t half_open, int64_t holds);
/* The listener whose SYN queue is fullest; NULL: none is full. */
const struct listener *syn_queue_full(const struct accept_queues *q);
/* The TCP listener with the smallest backlog; NULL: there is none. */
const struct listener *syn_queue_smallest(const struct accept_queues *q);
/* Adds {deferred}, how many handshakes TCP_DEFER_ACCEPT has left half open in all, or "": where
 * clients send nothing these fill a SYN queue. */
void deferred_words(struct wording *words, const struct accept_queues *q);
/* Adds a finding on each SYN queue that is full, or else was full between the looks, without
 * cookies: no counter of its own shows that. SYNs that were dropped at a full queue and are of no
 * known listener have one as well. */
void syn_queue_judge(const struct queue_watch *w);
/* Adds a finding on each listener that drops most of what arrives before its queues, as a filter on
 * the socket does: ListenDrops counts none of that. */
void syn_filter_judge(const struct queue_watch *w);
