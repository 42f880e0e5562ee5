/* The counters of loss and of lack. */
#include <string.h>

#include "epolltune/counters.h"

#define PACKETS "Ip.InReceives"
#define PACKETS6 "Ip6.InReceives"

#define COUNTS(name, as)                                                                           \
	{                                                                                          \
		.counter = name, .kind = as                                                        \
	}
/* TCP sends such packets again, and IP has no connection that one of them ends. */
#define PACKET(name, of)                                                                           \
	{                                                                                          \
		.counter = name, .kind = LOSS_PLAIN, .all = of                                     \
	}
#define STRAY(name, of)                                                                            \
	{                                                                                          \
		.counter = name, .kind = LOSS_STRAY, .all = of                                     \
	}

/* Neighbours' broadcasts for another network, and traceroute, may be most packets of an idle host.
 */
#define STRAY_FEW 10
#define FOREIGN(name, of, use)                                                                     \
	{                                                                                          \
		.counter = name, .kind = LOSS_STRAY, .all = of, .served = use, .few = STRAY_FEW    \
	}

#define FEW(name, of)                                                                              \
	{                                                                                          \
		.counter = name, .kind = LOSS_STRAY, .all = of, .few = STRAY_FEW                   \
	}
/* Those that are lost on the path, or to a neighbour that does not answer, are those of one peer
 * where they are fewer of all that are sent. Far clients of mobile networks lose 1 to 3 %. */
#define SENT_PART 20
#define SENT(name, of)                                                                             \
	{                                                                                          \
		.counter = name, .kind = LOSS_STRAY, .all = of, .few = STRAY_FEW,                  \
		.part = SENT_PART                                                                  \
	}
/* Of segments that the path lost each counts in one of these, by how the kernel learnt of it: after
 * fewer than three more that arrived there is no fast retransmit, and a probe repairs the tail. */
#define PATH_LOST(name)                                                                            \
	{                                                                                          \
		.counter = name, .kind = LOSS_STRAY, .all = COUNTER_SEGMENTS_OUT,                  \
		.few = STRAY_FEW, .part = SENT_PART, .summed = true                                \
	}

/* A report lists them in this order. TcpExt.BeyondWindow is none: probes of a closed window count
 * there. Nor is Tcp.RetransSegs: on a host whose connections are idle most are to clients that have
 * gone. TCPFastRetrans, TCPSlowStartRetrans and TCPLossProbeRecovery are what a peer that answers
 * has missed: the last one counts at the acknowledgement of later data, where no duplicate says
 * that the original arrived too (net/ipv4/tcp_input.c, tcp_process_tlp_ack()). */
static const struct loss_row losses[] = {
	COUNTS(COUNTER_LISTEN_OVERFLOWS, LOSS_ELSEWHERE),
	{.counter = COUNTER_LISTEN_DROPS,
	 .kind = LOSS_REST,
	 .named = "ListenDrops without ListenOverflows"},
	COUNTS(COUNTER_SYN_DROPS, LOSS_ELSEWHERE),
	COUNTS(COUNTER_ABORTS_ON_MEMORY, LOSS_PLAIN),
	COUNTS(COUNTER_TIME_WAIT_OVERFLOWS, LOSS_PLAIN),
	PACKET("TcpExt.RcvPruned", COUNTER_SEGMENTS_IN),
	PACKET("TcpExt.TCPRcvQDrop", COUNTER_SEGMENTS_IN),
	PACKET("TcpExt.TCPBacklogDrop", COUNTER_SEGMENTS_IN),
	PACKET("TcpExt.OfoPruned", COUNTER_SEGMENTS_IN),
	PACKET("TcpExt.TCPOFODrop", COUNTER_SEGMENTS_IN),
	PACKET("Ip.InDiscards", PACKETS),
	/* The kernel drops from its reserve of memory for a moment on a busy host. */
	STRAY("TcpExt.PFMemallocDrop", PACKETS),
	FOREIGN("TcpExt.IPReversePathFilter", PACKETS, COUNTER_PASSIVE_OPENS),
	FOREIGN("Ip.InAddrErrors", PACKETS, COUNTER_PASSIVE_OPENS),
	FOREIGN("Ip6.InAddrErrors", PACKETS6, COUNTER_PASSIVE_OPENS),
	FOREIGN("IpExt.InNoRoutes", PACKETS, "Ip.ForwDatagrams"),
	FOREIGN("Ip6.InNoRoutes", PACKETS6, "Ip6.OutForwDatagrams"),
	FEW(COUNTER_DISCARDS6, PACKETS6),
	STRAY("IpExt.InCsumErrors", PACKETS),
	{.counter = "Ip.InHdrErrors",
	 .kind = LOSS_STRAY,
	 .less = "IpExt.InCsumErrors",
	 .all = PACKETS,
	 .few = STRAY_FEW},
	FOREIGN("Ip6.InHdrErrors", PACKETS6, NULL),
	STRAY("IpExt.InTruncatedPkts", PACKETS),
	STRAY("Ip6.InTruncatedPkts", PACKETS6),
	STRAY("TcpExt.PAWSTimewait", COUNTER_PASSIVE_OPENS),
	STRAY("TcpExt.PAWSEstab", COUNTER_SEGMENTS_IN),
	STRAY("TcpExt.PAWSActive", COUNTER_ACTIVE_OPENS),
	STRAY("TcpExt.TSEcrRejected", COUNTER_PASSIVE_OPENS),
	STRAY("TcpExt.TCPMD5NotFound", COUNTER_SEGMENTS_IN),
	STRAY("TcpExt.TCPMD5Unexpected", COUNTER_SEGMENTS_IN),
	STRAY("TcpExt.TCPMD5Failure", COUNTER_SEGMENTS_IN),
	STRAY("TcpExt.TCPAORequired", COUNTER_SEGMENTS_IN),
	STRAY("TcpExt.TCPAOKeyNotFound", COUNTER_SEGMENTS_IN),
	STRAY("TcpExt.TCPAOBad", COUNTER_SEGMENTS_IN),
	STRAY("TcpExt.TCPMinTTLDrop", COUNTER_SEGMENTS_IN),
	STRAY("TcpExt.TCPZeroWindowDrop", COUNTER_SEGMENTS_IN),
	COUNTS("TcpExt.TCPMigrateReqFailure", LOSS_PLAIN),
	PACKET("TcpExt.TCPWqueueTooBig", COUNTER_SEGMENTS_OUT),
	COUNTS(COUNTER_MEMORY_PRESSURES, LOSS_PLAIN),
	COUNTS("nf_conntrack.drop", LOSS_ELSEWHERE),
	COUNTS("nf_conntrack.early_drop", LOSS_PLAIN),
	COUNTS("nf_conntrack.insert_failed", LOSS_PLAIN),
	COUNTS("nf_conntrack.chainlength", LOSS_PLAIN),
	COUNTS("arp_cache.table_fulls", LOSS_ELSEWHERE),
	COUNTS("ndisc_cache.table_fulls", LOSS_ELSEWHERE),
	FEW("nfnetlink_queue.dropped", PACKETS),
	FEW("nfnetlink_queue.user_dropped", PACKETS),
	SENT("arp_cache.unresolved_discards", "Ip.OutRequests"),
	SENT("ndisc_cache.unresolved_discards", "Ip6.OutRequests"),
	FEW("xfrm_stat.XfrmInNoStates", PACKETS),
	FEW("xfrm_stat.XfrmInStateProtoError", PACKETS),
	FEW("xfrm_stat.XfrmInStateSeqError", PACKETS),
	FEW("xfrm_stat.XfrmInNoPols", PACKETS),
	FEW("xfrm_stat.XfrmInBufferError", PACKETS),
	FEW("xfrm_stat.XfrmOutNoStates", "Ip.OutRequests"),
	PATH_LOST("TcpExt.TCPFastRetrans"),
	PATH_LOST("TcpExt.TCPSlowStartRetrans"),
	PATH_LOST("TcpExt.TCPLossProbeRecovery"),
	FEW("TcpExt.TCPRetransFail", COUNTER_RETRANSMITS),
	{.counter = COUNTER_SOFTNET_DROPPED,
	 .kind = LOSS_MACHINE,
	 .all = PACKETS,
	 .all6 = PACKETS6},
	COUNTS(COUNTER_UDP_FULL, LOSS_DATAGRAMS),
	COUNTS(COUNTER_UDP6_FULL, LOSS_DATAGRAMS),
	COUNTS(COUNTER_UDP_MEMORY, LOSS_DATAGRAMS),
	COUNTS(COUNTER_UDP6_MEMORY, LOSS_DATAGRAMS),
	COUNTS("Udp.SndbufErrors", LOSS_HARMLESS),
	COUNTS("Udp6.SndbufErrors", LOSS_HARMLESS),
	STRAY("Udp.InCsumErrors", "Udp.InDatagrams"),
	STRAY("Udp6.InCsumErrors", "Udp6.InDatagrams"),
	STRAY("Tcp.InCsumErrors", COUNTER_SEGMENTS_IN),
	/* The path has lost a fragment. */
	{.counter = "Ip.ReasmFails", .kind = LOSS_PLAIN, .less = "Ip.ReasmTimeout", .all = PACKETS},
	{.counter = "Ip6.ReasmFails",
	 .kind = LOSS_PLAIN,
	 .less = "Ip6.ReasmTimeout",
	 .all = PACKETS6},
	COUNTS(COUNTER_SYN_COOKIES, LOSS_HARMLESS),
	/* It counts before anything is freed: what is dropped then counts in RcvPruned, OfoPruned,
	 * TCPRcvQDrop or TCPOFODrop (net/ipv4/tcp_input.c, tcp_prune_queue()). */
	COUNTS("TcpExt.PruneCalled", LOSS_HARMLESS),
	COUNTS("TcpExt.TCPRcvCollapsed", LOSS_HARMLESS),
};

size_t loss_row_count(void) { return sizeof(losses) / sizeof(*losses); }

const struct loss_row *loss_row_at(size_t i) { return &losses[i]; }

const struct loss_row *loss_row_find(const char *counter)
{
	for (size_t i = 0; i < loss_row_count(); i++)
		if (!strcmp(losses[i].counter, counter))
			return &losses[i];
	return NULL;
}

static const struct syn_drops_cause causes[] = {
	{"Ip.OutNoRoutes", NULL},
	{"Ip6.OutNoRoutes", NULL},
	{"Icmp.InDestUnreachs", "Icmp.OutDestUnreachs"},
	{"Icmp.InTimeExcds", "Icmp.OutTimeExcds"},
	{"Icmp.InParmProbs", "Icmp.OutParmProbs"},
	{"Icmp6.InDestUnreachs", "Icmp6.OutDestUnreachs"},
	{"Icmp6.InParmProblems", "Icmp6.OutParmProblems"},
	{"Icmp6.InTimeExcds", "Icmp6.OutTimeExcds"},
};

const struct syn_drops_cause *syn_drops_cause(size_t i)
{
	return i < sizeof(causes) / sizeof(*causes) ? &causes[i] : NULL;
}

bool syn_drops_is_sent(const char *counter)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++)
		if (causes[i].sent && !strcmp(causes[i].sent, counter))
			return true;
	return false;
}

const char *counter_elsewhere(size_t i)
{
	static const char *const counters[ELSEWHERE_COUNTERS] = {
		COUNTER_LISTEN_OVERFLOWS, COUNTER_LISTEN_DROPS,    COUNTER_SYN_DROPS,
		"Icmp.InDestUnreachs",    "Icmp.InTimeExcds",      "Icmp.InParmProbs",
		"Icmp6.InDestUnreachs",   "Icmp6.InParmProblems",  "Icmp6.InTimeExcds",
		COUNTER_UDP_FULL,         COUNTER_UDP6_FULL,       COUNTER_UDP_MEMORY,
		COUNTER_UDP6_MEMORY,      "Icmp.OutDestUnreachs",  "Icmp.OutTimeExcds",
		"Icmp.OutParmProbs",      "Icmp6.OutDestUnreachs", "Icmp6.OutParmProblems",
		"Icmp6.OutTimeExcds",
	};
	return counters[i];
}

const char *counter_short(const char *counter)
{
	static const char group[] = "TcpExt.";
	return strncmp(counter, group, sizeof(group) - 1) ? counter : counter + sizeof(group) - 1;
}

const char *loss_name(const struct loss_row *l)
{
	return l->named ? l->named : counter_short(l->counter);
}
