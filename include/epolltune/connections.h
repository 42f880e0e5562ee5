/* connections: the open connections that clients have to TCP listeners: what tcp_info says of a
 * bounded sample of them, drawn from many readings, or of the same ones at two moments. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/endpoint.h"
#include "epolltune/host.h"
#include "epolltune/listener.h"

#define CONNECTIONS_SAMPLE 2048

/* In CLOSE_WAIT without a segment for so long, a connection is of no use to its client: where that
 * has closed it, FIN_WAIT2 has ended there by default (net.ipv4.tcp_fin_timeout). */
#define CONNECTION_LEFT_MS 60000

/* Of struct tcp_info, include/uapi/linux/tcp.h. */
struct connection {
	uint32_t rtt_us;    /* tcpi_min_rtt, before Linux 4.6 tcpi_rtt; 0: none was taken */
	bool app_limited;   /* delivery_rate is what the application sent, not what the path took */
	uint64_t delivered; /* tcpi_delivery_rate, bytes/s; 0: nothing was sent */
	uint64_t received;  /* tcpi_bytes_received; 0 before Linux 4.1 */
};

struct connections {
	uint64_t open;     /* in the last reading, without those that are left */
	uint64_t accepted; /* of these, that the server has accepted */
	uint64_t heard;    /* of those, that clients have sent data on */
	uint64_t left;     /* that clients closed CONNECTION_LEFT_MS ago, and the server did not */
	uint64_t seen;     /* in all readings */
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

struct subject;
/* The same of a server's listeners; of a captured machine the numbers only. */
int connections_read_subject(const struct host *h, const struct subject *s, struct connections *c,
			     struct err *e);

/* How long ago the server closed one of them, and not its client: milliseconds since it came to
 * TIME_WAIT, or to FIN_WAIT2 where net.ipv4.tcp_fin_timeout is as long; UINT64_MAX: none of the
 * last minute is known. One that ended with a reset is not there. */
int connections_closed(const struct host *h, const struct listeners *l,
		       bool (*wanted)(const struct listener *l, void *arg), void *arg, uint64_t *ms,
		       struct err *e);

/* One connection at one moment. Bytes unless named otherwise; what the kernel does not have is 0.
 */
struct connection_state {
	uint64_t cookie; /* first: its order */
	union endpoint peer;
	uint64_t at_us; /* CLOCK_MONOTONIC */
	/* Microseconds since it was opened, of struct tcp_info: with data to send, and of these
	 * limited by the peer's receive window, and by the send buffer. */
	uint64_t busy_us, window_us, buffer_us;
	uint64_t retransmits; /* packets */
	uint32_t rtt_us;      /* smoothed */
	uint32_t unsent;      /* written, not sent yet */
	uint32_t queued;      /* what was written and not acknowledged takes of send_buffer */
	bool recovering;      /* retransmits now: tcpi_ca_state Recovery or Loss */
	/* SO_KEEPALIVE; hidden while a retransmission or a window probe is due: idiag_timer. */
	enum { KEEPALIVE_HIDDEN, KEEPALIVE_OFF, KEEPALIVE_ON } keepalive;
	uint32_t silent_ms; /* since a segment came */
	uint32_t data_ms;   /* since one with data came */
	/* The least that the idle time of keepalive can be, TCP_KEEPIDLE or the sysctl: the kernel
	 * sets its timer to the rest of it, and again when it ends, not with each segment. */
	uint64_t keepalive_ms;
	/* SO_RCVBUF and SO_SNDBUF as the kernel counts them, and what received data takes of it. */
	uint32_t receive_buffer, send_buffer, received;
	/* Of one that waits for accept(), and of one whose client has closed and waits for nothing,
	 * 0 and false. */
	uint32_t unread;   /* that the application has not read */
	bool heard;        /* its client has sent data */
	bool left;         /* as in struct connections */
	int receive_scale; /* of the receive window it offers; -1: not scaled, or not known */
};

struct connection_states {
	size_t count;
	bool more;  /* there are further ones */
	bool timed; /* the kernel has the times (Linux 4.10) */
	struct connection_state at[CONNECTIONS_SAMPLE];
};

/* Counts those of them that are left, of all. Errors as of connections_read(). */
int connections_left(const struct host *h, const struct listeners *l,
		     bool (*wanted)(const struct listener *l, void *arg), void *arg, uint64_t *left,
		     struct err *e);

/* Reads the state of those connections, at most CONNECTIONS_SAMPLE: the first ones of the kernel's
 * hash table, whose order does not depend on what they do. Errors as of connections_read(). */
int connections_states(const struct host *h, const struct listeners *l,
		       bool (*wanted)(const struct listener *l, void *arg), void *arg,
		       struct connection_states *out, struct err *e);
