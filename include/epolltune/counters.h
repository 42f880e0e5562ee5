/* counters: names of counters of the kernel that code asks for, and which of them are losses. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNTER_LISTEN_OVERFLOWS "TcpExt.ListenOverflows"
#define COUNTER_LISTEN_DROPS "TcpExt.ListenDrops"
#define COUNTER_SYN_DROPS "TcpExt.TCPReqQFullDrop"        /* at a full SYN queue */
#define COUNTER_SYN_COOKIES "TcpExt.TCPReqQFullDoCookies" /* likewise, answered */
#define COUNTER_COOKIES_SENT "TcpExt.SyncookiesSent"
#define COUNTER_COOKIES_RECEIVED "TcpExt.SyncookiesRecv"
#define COUNTER_DEFER_DROPS "TcpExt.TCPDeferAcceptDrop"
#define COUNTER_EMBRYONIC_RESETS "TcpExt.EmbryonicRsts"
#define COUNTER_TIME_WAIT_OVERFLOWS "TcpExt.TCPTimeWaitOverflow"
#define COUNTER_ABORTS_ON_MEMORY "TcpExt.TCPAbortOnMemory"
#define COUNTER_MEMORY_PRESSURES "TcpExt.TCPMemoryPressures"
#define COUNTER_ESTABLISHED "Tcp.CurrEstab"
#define COUNTER_PASSIVE_OPENS "Tcp.PassiveOpens"
#define COUNTER_ACTIVE_OPENS "Tcp.ActiveOpens"
#define COUNTER_ESTABLISHED_RESETS "Tcp.EstabResets"
#define COUNTER_SEGMENTS_IN "Tcp.InSegs"
#define COUNTER_SEGMENTS_OUT "Tcp.OutSegs"
#define COUNTER_RETRANSMITS "Tcp.RetransSegs"
#define COUNTER_DISCARDS6 "Ip6.InDiscards"
#define COUNTER_SOFTNET_DROPPED "softnet.dropped" /* of the machine */
#define COUNTER_OOM_KILLS "vmstat.oom_kill"       /* likewise */
#define COUNTER_UDP_FULL "Udp.RcvbufErrors"
#define COUNTER_UDP6_FULL "Udp6.RcvbufErrors"
#define COUNTER_UDP_MEMORY "Udp.MemErrors"
#define COUNTER_UDP6_MEMORY "Udp6.MemErrors"
#define COUNTER_CONNTRACK_DROPS "nf_conntrack.drop"
#define COUNTER_CONNTRACK_CLASHES "nf_conntrack.insert_failed" /* and other failures */

enum loss_kind {
	LOSS_PLAIN,     /* growth is a warning */
	LOSS_ELSEWHERE, /* growth has a finding of its own, which names what is full */
	LOSS_MACHINE,   /* likewise, and so has its total; of all network namespaces */
	LOSS_DATAGRAMS, /* likewise where the socket is seen */
	LOSS_REST,      /* likewise without cookies; the counter has other parts */
	LOSS_STRAY,     /* any host sends some: a loss where it is a share of all */
	LOSS_HARMLESS,
};

/* A counter of loss or of lack; each has a row of struct counter_row too. */
struct loss_row {
	const char *counter;
	enum loss_kind kind;
	const char *less; /* the part that is no loss of this host; NULL: none */
	/* Of packets: what it is a share of; NULL: each one is a client's. */
	const char *all, *all6; /* the sum of both */
	/* Of a stray that may be a client's first packet: what grows where those are served, which
	 * packets of loopback and of long connections do not hide. NULL: none. */
	const char *served;
	int64_t few;       /* of a stray: so many a second show nothing; 0: as one */
	int64_t part;      /* likewise: one of so many shows nothing; 0: STRAY_PART */
	bool summed;       /* likewise: all rows that have this are judged by their sum */
	const char *named; /* NULL: as counter_short() */
};

/* The worst first. */
size_t loss_row_count(void);
const struct loss_row *loss_row_at(size_t i);
/* NULL: it is none. */
const struct loss_row *loss_row_find(const char *counter);
const char *loss_name(const struct loss_row *l);
/* Of packets that their sender sends again: fewer of all delay no load. */
#define LOSS_SHARE 0.00001
/* So few are of one slow reader, or damaged anywhere. */
#define LOSS_FEW 10
/* Of so many packets one may be spoofed or damaged. */
#define STRAY_PART 100
/* Whether so many lost packets cost clients. `all`: that arrived in the same time; below 0:
 * unknown. Pure. */
static inline bool loss_matters(int64_t lost, int64_t all)
{
	return lost >= LOSS_FEW && (double)lost >= LOSS_SHARE * (double)all;
}
/* What explains drops of a listener which cost no client (struct syn_drops, `other`). */
struct syn_drops_cause {
	const char *counter;
	/* The same that this host has sent: over loopback, as of datagrams to a closed port, each
	 * is received too and ends no handshake. NULL: none. */
	const char *sent;
};
/* The first two are of missing routes, the others of ICMP errors. NULL at the end. */
const struct syn_drops_cause *syn_drops_cause(size_t i);
/* Whether it is one of the counters `sent`. */
bool syn_drops_is_sent(const char *counter);
/* What a check reads of another network namespace: what its servers lose, and what explains drops
 * that cost no client. `i` is below ELSEWHERE_COUNTERS. */
#define ELSEWHERE_COUNTERS 19
const char *counter_elsewhere(size_t i);
/* As nstat and ss name it: without the group "TcpExt.". */
const char *counter_short(const char *counter);
