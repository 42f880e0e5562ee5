/* The counters that prove that a wall is met. */
#include <string.h>

#include "epolltune/catalogue.h"

#define NETSTAT "/proc/net/netstat"
#define SOFTNET "/proc/net/softnet_stat"
#define CONNTRACK "/proc/net/stat/nf_conntrack"
#define NSTAT(name) "nstat -az " name

static const struct counter_row counters[] = {
	{"TcpExt.ListenOverflows", NETSTAT,
	 "SYNs and handshakes that met a full accept queue. It counts packets, retransmissions "
	 "included, not clients.",
	 "accept-queue", NSTAT("TcpExtListenOverflows")},
	{"TcpExt.ListenDrops", NETSTAT,
	 "SYNs and handshakes that a listener dropped for any reason: ListenOverflows are part of "
	 "it.",
	 "accept-queue,syn-queue", NSTAT("TcpExtListenDrops")},
	{"TcpExt.TCPReqQFullDoCookies", NETSTAT,
	 "SYNs that met a full SYN queue and were answered with a cookie. No client is lost by "
	 "that.",
	 "syn-queue", NSTAT("TcpExtTCPReqQFullDoCookies")},
	{"TcpExt.TCPReqQFullDrop", NETSTAT,
	 "SYNs that met a full SYN queue and were dropped, as net.ipv4.tcp_syncookies is 0.",
	 "syn-queue", NSTAT("TcpExtTCPReqQFullDrop")},
	{"TcpExt.SyncookiesSent", NETSTAT, "SYN cookies sent.", "syn-queue",
	 NSTAT("TcpExtSyncookiesSent")},
	{"TcpExt.SyncookiesRecv", NETSTAT,
	 "Connections that were established by a valid SYN cookie.", "syn-queue",
	 NSTAT("TcpExtSyncookiesRecv")},
	{"TcpExt.EmbryonicRsts", NETSTAT,
	 "Resets for connections in SYN_RECV. With net.ipv4.tcp_abort_on_overflow=1 it grows with "
	 "ListenOverflows.",
	 "accept-queue", NSTAT("TcpExtEmbryonicRsts")},
	{"TcpExt.TCPSynRetrans", NETSTAT,
	 "SYNs and SYN-ACKs that were retransmitted: on a client, the SYNs of connections that "
	 "wait.",
	 "syn-queue", NSTAT("TcpExtTCPSynRetrans")},
	{"TcpExt.TCPTimeWaitOverflow", NETSTAT,
	 "Connections that the kernel closed at once instead of keeping them in TIME_WAIT, as "
	 "net.ipv4.tcp_max_tw_buckets was reached.",
	 "time-wait", NSTAT("TcpExtTCPTimeWaitOverflow")},
	{"TcpExt.TCPMemoryPressures", NETSTAT,
	 "How often TCP came under memory pressure: its memory exceeded the second field of "
	 "net.ipv4.tcp_mem.",
	 "buffers.memory", NSTAT("TcpExtTCPMemoryPressures")},
	{"TcpExt.TCPAbortOnMemory", NETSTAT,
	 "Connections that the kernel reset for lack of memory or for too many orphans.",
	 "buffers.memory", NSTAT("TcpExtTCPAbortOnMemory")},
	{"TcpExt.PruneCalled", NETSTAT,
	 "How often the kernel had to free memory from the receive queue of a socket.",
	 "buffers.receive,buffers.memory", NSTAT("TcpExtPruneCalled")},
	{"TcpExt.RcvPruned", NETSTAT,
	 "Received packets that were dropped as a socket's queue was full and nothing in it could "
	 "be freed.",
	 "buffers.receive,buffers.memory", NSTAT("TcpExtRcvPruned")},
	{"TcpExt.TCPRcvCollapsed", NETSTAT,
	 "Packets in receive queues that were merged to free memory: no loss, but CPU time.",
	 "buffers.receive,buffers.memory", NSTAT("TcpExtTCPRcvCollapsed")},
	{"TcpExt.TCPRcvQDrop", NETSTAT,
	 "Received packets that were dropped as the socket could not be charged for them.",
	 "buffers.receive,buffers.memory", NSTAT("TcpExtTCPRcvQDrop")},
	{"TcpExt.TCPBacklogDrop", NETSTAT,
	 "Received packets that were dropped as the process held the socket's lock and its backlog "
	 "was full.",
	 "buffers.receive", NSTAT("TcpExtTCPBacklogDrop")},
	{"sockstat.TCP.mem", "/proc/net/sockstat",
	 "Pages that all TCP sockets of the machine hold. net.ipv4.tcp_mem bounds it.",
	 "buffers.memory", "grep TCP: /proc/net/sockstat"},
	{"sockstat.TCP.orphan", "/proc/net/sockstat",
	 "Connections of the machine that their process has closed and whose last data is not "
	 "acknowledged. net.ipv4.tcp_max_orphans bounds them.",
	 "buffers.memory", "grep TCP: /proc/net/sockstat"},
	{"sockstat.TCP.tw", "/proc/net/sockstat",
	 "Connections of this network namespace in TIME_WAIT.", "time-wait,ports.rate",
	 "grep TCP: /proc/net/sockstat"},
	{"nf_conntrack.drop", CONNTRACK,
	 "Packets dropped as connection tracking had no entry for their connection: "
	 "net.netfilter.nf_conntrack_max was reached and no entry could be evicted.",
	 "conntrack", "conntrack -S"},
	{"nf_conntrack.early_drop", CONNTRACK,
	 "Entries of connections without traffic in both directions that were evicted as "
	 "net.netfilter.nf_conntrack_max was reached.",
	 "conntrack", "conntrack -S"},
	{"nf_conntrack.insert_failed", CONNTRACK,
	 "Packets dropped as their entry could not be inserted: another packet of the connection "
	 "was faster (two DNS queries from one socket, for example), or NAT found no free port.",
	 "conntrack", "conntrack -S"},
	{"nf_conntrack.chainlength", CONNTRACK,
	 "Packets dropped as the hash chain of their entry was too long (since Linux 5.15): "
	 "net.netfilter.nf_conntrack_buckets is too small for the entries.",
	 "conntrack", "conntrack -S"},
	{"arp_cache.table_fulls", "/proc/net/stat/arp_cache",
	 "Entries that the IPv4 neighbour table refused, as net.ipv4.neigh.default.gc_thresh3 was reached: the packets were dropped.",
	 "neighbours", "lnstat -f arp_cache -c 1"},
	{"ndisc_cache.table_fulls", "/proc/net/stat/ndisc_cache",
	 "The same of the IPv6 neighbour table and net.ipv6.neigh.default.gc_thresh3.",
	 "neighbours", "lnstat -f ndisc_cache -c 1"},
	{"fs.file-nr", "/proc/sys/fs/file-nr",
	 "Open files of the machine, 0, and fs.file-max. The first number is approximate before "
	 "Linux 7.0.",
	 "descriptors.system", "cat /proc/sys/fs/file-nr"},
	{"softnet_stat-processed", SOFTNET,
	 "Column 1, hexadecimal, a line for each CPU: packets that the receive softirq processed.",
	 "nic.queues,softnet.budget", "cat " SOFTNET},
	{"softnet_stat-dropped", SOFTNET,
	 "Column 2: packets that were dropped at a full backlog of that CPU.", "softnet.backlog",
	 "cat " SOFTNET},
	{"softnet_stat-time_squeeze", SOFTNET,
	 "Column 3: rounds of the receive softirq that ended with work left.", "softnet.budget",
	 "cat " SOFTNET},
	{"rx_missed_errors", "/sys/class/net/*/statistics",
	 "Packets that an interface lost as its receive ring was full. Some drivers count them "
	 "elsewhere.",
	 "nic.ring", "ip -s -s link show"},
	{"rx_fifo_errors", "/sys/class/net/*/statistics",
	 "Packets that an interface lost as its own buffer was full.", "nic.ring",
	 "ip -s -s link show"},
};

size_t counter_row_count(void) { return sizeof(counters) / sizeof(*counters); }

const struct counter_row *counter_row_at(size_t i) { return &counters[i]; }

const struct counter_row *counter_row_find(const char *name)
{
	for (size_t i = 0; i < counter_row_count(); i++)
		if (!strcmp(counters[i].name, name))
			return &counters[i];
	return NULL;
}
