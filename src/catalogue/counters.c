/* The counters that prove that a wall is met. */
#include <string.h>

#include "epolltune/catalogue.h"

#define NETSTAT "/proc/net/netstat"
#define SNMP "/proc/net/snmp"
#define SNMP6 "/proc/net/snmp6"
#define SOFTNET "/proc/net/softnet_stat"
#define CONNTRACK "/proc/net/stat/nf_conntrack"
#define NFQUEUE "/proc/net/netfilter/nfnetlink_queue"
#define XFRM "/proc/net/xfrm_stat"
#define NSTAT(name) "nstat -az " name
#define UNSIGNED(how) "Packets " how ": the kernel drops them, and their sender times out."
#define UNSIGNED_REMEDY                                                                            \
	"Give both sides the same key for each other's address (BGP: the neighbour's password)."
#define WRONG_CHECKSUM(what) what " with a wrong checksum: a card, cable or switch damages them."
#define WRONG_CHECKSUM_REMEDY                                                                      \
	"Look for the card or cable whose error counters grow; try ethtool -K DEVICE rx off."

static const struct counter_row counters[] = {
	{"TcpExt.ListenOverflows", "times the listen queue of a socket overflowed", NETSTAT,
	 "SYNs and handshakes that met a full accept queue. It counts packets, retransmissions "
	 "included, not clients.",
	 "accept-queue", REMEDY_APPLICATION, NSTAT("TcpExtListenOverflows"),
	 "Raise the backlog of the listener that is full, and net.core.somaxconn; where its queue stays full, add workers: epolltune check --server :PORT."},
	{"TcpExt.ListenDrops", "SYNs to LISTEN sockets dropped\nSYNs to LISTEN sockets ignored",
	 NETSTAT,
	 "SYNs and handshakes that a listener dropped for any reason: ListenOverflows are part of "
	 "it. With net.ipv4.tcp_syncookies=0 the others are SYNs at a full SYN queue; with cookies there "
	 "was no memory for them, or no route back to the client (Ip.OutNoRoutes). Half-open "
	 "connections that an ICMP error ended count too.",
	 "accept-queue,syn-queue", REMEDY_APPLICATION, NSTAT("TcpExtListenDrops"),
	 "Where ListenOverflows grows as much: epolltune explain ListenOverflows. Otherwise, with net.ipv4.tcp_syncookies=0, set it to 1 or raise net.ipv4.tcp_max_syn_backlog; with cookies compare with IpOutNoRoutes (nstat -az), and ask for the route to a client: ip route get ADDRESS."},
	{"TcpExt.TCPReqQFullDoCookies", "", NETSTAT,
	 "SYNs that met a full SYN queue and were answered with a cookie. That drops no "
	 "SYN.",
	 "syn-queue", REMEDY_APPLICATION, NSTAT("TcpExtTCPReqQFullDoCookies"),
	 "Find the listener (ss -ltn: a small Send-Q) and raise its backlog; harmless while clients are few. net.core.somaxconn alone does not help where the application's backlog is smaller."},
	{"TcpExt.TCPReqQFullDrop", "", NETSTAT,
	 "SYNs that met a full SYN queue and were dropped, as net.ipv4.tcp_syncookies is 0.",
	 "syn-queue", REMEDY_KERNEL, NSTAT("TcpExtTCPReqQFullDrop"),
	 "Set net.ipv4.tcp_syncookies=1, and raise the backlog of the server."},
	{"TcpExt.SyncookiesSent", "SYN cookies sent", NETSTAT, "SYN cookies sent.", "syn-queue",
	 REMEDY_APPLICATION, NSTAT("TcpExtSyncookiesSent"),
	 "Raise the backlog of the listener where no attack runs."},
	{"TcpExt.SyncookiesRecv", "SYN cookies received", NETSTAT,
	 "Connections that were established by a valid SYN cookie.", "syn-queue",
	 REMEDY_APPLICATION, NSTAT("TcpExtSyncookiesRecv"), "Nothing: these clients were served."},
	{"TcpExt.EmbryonicRsts", "resets received for embryonic SYN_RECV sockets", NETSTAT,
	 "Resets for connections in SYN_RECV. With net.ipv4.tcp_abort_on_overflow=1 it grows with "
	 "ListenOverflows.",
	 "accept-queue", REMEDY_APPLICATION, NSTAT("TcpExtEmbryonicRsts"),
	 "Set net.ipv4.tcp_abort_on_overflow=0; otherwise clients reset during the handshake: scans, health checks."},
	{"TcpExt.TCPSynRetrans", "", NETSTAT,
	 "SYNs and SYN-ACKs that were retransmitted: on a client, the SYNs of connections that "
	 "wait.",
	 "syn-queue", REMEDY_APPLICATION, NSTAT("TcpExtTCPSynRetrans"),
	 "On a client: look at the server's ListenDrops. On a server: clients do not answer, or it accepts too slowly."},
	{"TcpExt.TCPTimeWaitOverflow", "", NETSTAT,
	 "Connections that the kernel closed at once instead of keeping them in TIME_WAIT, as "
	 "net.ipv4.tcp_max_tw_buckets was reached.",
	 "time-wait", REMEDY_KERNEL, NSTAT("TcpExtTCPTimeWaitOverflow"),
	 "Reuse connections. Raise net.ipv4.tcp_max_tw_buckets only where an old setting has lowered it."},
	{"TcpExt.TCPMemoryPressures", "", NETSTAT,
	 "How often TCP came under memory pressure: its memory exceeded the second field of "
	 "net.ipv4.tcp_mem.",
	 "buffers.memory", REMEDY_KERNEL, NSTAT("TcpExtTCPMemoryPressures"),
	 "Find sockets with full queues (ss -tm); raise net.ipv4.tcp_mem (pages) where memory allows."},
	{"TcpExt.TCPAbortOnMemory", "connections aborted due to memory pressure", NETSTAT,
	 "Connections that the kernel reset for lack of memory or for too many orphans.",
	 "orphans,buffers.memory", REMEDY_KERNEL, NSTAT("TcpExtTCPAbortOnMemory"),
	 "grep TCP: /proc/net/sockstat shows which: orphan against net.ipv4.tcp_max_orphans, mem against the third field of net.ipv4.tcp_mem."},
	{"TcpExt.PruneCalled", "packets pruned from receive queue because of socket buffer overrun",
	 NETSTAT,
	 "How often the kernel had to free memory in the receive queue of a socket: no loss, as what "
	 "is dropped counts in RcvPruned, OfoPruned, TCPRcvQDrop or TCPOFODrop too.",
	 "buffers.receive,buffers.memory", REMEDY_APPLICATION, NSTAT("TcpExtPruneCalled"),
	 "The process reads too slowly: find Recv-Q (ss -tm). Raise the third field of net.ipv4.tcp_rmem where bursts fill it, net.ipv4.tcp_mem where its third field is met."},
	{"TcpExt.RcvPruned", "packets pruned from receive queue", NETSTAT,
	 "Received packets that were dropped as a socket's queue was full and nothing in it could "
	 "be freed.",
	 "buffers.receive,buffers.memory", REMEDY_APPLICATION, NSTAT("TcpExtRcvPruned"),
	 "Let the process read faster, or raise the third field of net.ipv4.tcp_rmem."},
	{"TcpExt.TCPRcvCollapsed", "packets collapsed in receive queue due to low socket buffer",
	 NETSTAT,
	 "Packets in receive queues that were merged to free memory: no loss, but CPU time.",
	 "buffers.receive,buffers.memory", REMEDY_APPLICATION, NSTAT("TcpExtTCPRcvCollapsed"),
	 "Remove SO_RCVBUF from the application (it ends autotuning), raise the third field of net.ipv4.tcp_rmem."},
	{"TcpExt.TCPRcvQDrop", "", NETSTAT,
	 "Received packets that were dropped as the socket could not be charged for them.",
	 "buffers.receive,buffers.memory", REMEDY_KERNEL, NSTAT("TcpExtTCPRcvQDrop"),
	 "Raise the third field of net.ipv4.tcp_rmem, or net.ipv4.tcp_mem."},
	{"TcpExt.TCPBacklogDrop", "", NETSTAT,
	 "Received packets that were dropped as the process held the socket's lock and its backlog "
	 "was full.",
	 "buffers.receive", REMEDY_APPLICATION, NSTAT("TcpExtTCPBacklogDrop"),
	 "Raise the third field of net.ipv4.tcp_rmem; read in larger pieces."},
	{"ss.LISTEN.Recv-Q", "LISTEN *:*:\ntcp*LISTEN\nu_str LISTEN", "ss -lntux",
	 "Of a listener: the connections that wait in its accept queue now. Send-Q is its backlog, "
	 "the smaller of what the application passed to listen() and net.core.somaxconn (netstat "
	 "prints 0). The queue is full where Recv-Q is above Send-Q.",
	 "accept-queue,accept-queue.unix", REMEDY_APPLICATION,
	 "ss -ltn 'sport = :PORT'; " NSTAT("TcpExtListenOverflows"),
	 "Where it stays near Send-Q, add workers; where only bursts fill it, raise the backlog: "
	 "epolltune check --server :PORT says which."},
	{"sockstat.TCP.mem", "", "/proc/net/sockstat",
	 "Pages that all TCP sockets of the machine hold. net.ipv4.tcp_mem bounds it.",
	 "buffers.memory", REMEDY_KERNEL, "grep TCP: /proc/net/sockstat",
	 "Compare with the third field of net.ipv4.tcp_mem; find sockets with full queues: ss -tm."},
	{"sockstat.TCP.orphan", "", "/proc/net/sockstat",
	 "Connections of the machine that their process has closed and whose last data is not "
	 "acknowledged. net.ipv4.tcp_max_orphans bounds them.",
	 "orphans", REMEDY_KERNEL, "grep TCP: /proc/net/sockstat",
	 "Compare with net.ipv4.tcp_max_orphans; find the clients that do not acknowledge: ss -tan state fin-wait-1."},
	{"sockstat.TCP.tw", "", "/proc/net/sockstat",
	 "Connections of this network namespace in TIME_WAIT.", "time-wait,ports.rate",
	 REMEDY_KERNEL, "grep TCP: /proc/net/sockstat",
	 "Nothing on a server. On a proxy reuse connections, or net.ipv4.tcp_tw_reuse=1."},
	{"vmstat.oom_kill", "", "/proc/vmstat",
	 "Processes of the machine that the kernel has killed for lack of memory since boot: "
	 "memory of the machine, or of a control group. Those of a group are in its memory.events too, until a restart of "
	 "the service or container makes a new group.",
	 "memory.connection,cgroup.memory", REMEDY_NONE, "grep oom_kill /proc/vmstat",
	 "journalctl -k --grep oom-kill names the processes and what ran out."},
	{"memory.events.sock_throttled", "sock_throttled", "memory.events of a control group",
	 "Times that the kernel found a socket of the control group under memory pressure: for a "
	 "second after it could free little memory, buffers do not grow and receive windows "
	 "shrink. Newer kernels count it.",
	 "cgroup.memory,buffers.memory", REMEDY_CONTAINER, "cat /sys/fs/cgroup/GROUP/memory.events",
	 "Only whether it grows counts, not how much. Where max or high grow too, raise that "
	 "limit, or let the processes take less; otherwise the machine, or a group above, has too "
	 "little memory: cat /proc/pressure/memory."},
	{"nf_conntrack.drop", "", CONNTRACK,
	 "Packets that connection tracking dropped: net.netfilter.nf_conntrack_max was reached and "
	 "no entry could be evicted, or, where insert_failed grows as much, two packets of a new "
	 "connection arrived at the same time.",
	 "conntrack", REMEDY_KERNEL, "conntrack -S",
	 "Raise net.netfilter.nf_conntrack_max where nf_conntrack_count is near it, or do not track "
	 "the port (nft: notrack)."},
	{"nf_conntrack.early_drop", "", CONNTRACK,
	 "Entries of connections without a reply, or with a handshake that is not complete, that the "
	 "kernel evicted as net.netfilter.nf_conntrack_max was reached.",
	 "conntrack", REMEDY_KERNEL, "conntrack -S",
	 "Raise net.netfilter.nf_conntrack_max, shorten its timeouts, or do not track the port (nft: "
	 "notrack)."},
	{"nf_conntrack.insert_failed", "", CONNTRACK,
	 "Packets dropped as their entry could not be inserted: another packet of the connection "
	 "was faster (two DNS queries from one socket, for example), or NAT found no free port.",
	 "conntrack", REMEDY_APPLICATION, "conntrack -S",
	 "For DNS: options single-request-reopen in resolv.conf, or a local cache. For NAT: "
	 "--random-fully in the rule, or more source addresses."},
	{"nf_conntrack.chainlength", "", CONNTRACK,
	 "Packets dropped as the hash chain of their entry was too long (since Linux 5.15, and in RHEL 9): "
	 "net.netfilter.nf_conntrack_buckets is too small for the entries.",
	 "conntrack", REMEDY_KERNEL, "conntrack -S", "Raise net.netfilter.nf_conntrack_buckets."},
	{"arp_cache.table_fulls", "", "/proc/net/stat/arp_cache",
	 "Entries that the IPv4 neighbour table refused, as net.ipv4.neigh.default.gc_thresh3 was "
	 "reached: the packets were dropped.",
	 "neighbours", REMEDY_KERNEL, "lnstat -f arp_cache -c 1",
	 "Raise gc_thresh3 and gc_thresh2 of net.ipv4.neigh.default."},
	{"ndisc_cache.table_fulls", "", "/proc/net/stat/ndisc_cache",
	 "The same of the IPv6 neighbour table and net.ipv6.neigh.default.gc_thresh3.",
	 "neighbours", REMEDY_KERNEL, "lnstat -f ndisc_cache -c 1",
	 "Raise gc_thresh3 and gc_thresh2 of net.ipv6.neigh.default."},
	{"arp_cache.unresolved_discards", "", "/proc/net/stat/arp_cache",
	 "Packets that the kernel dropped because too many waited for the hardware address of an IPv4 neighbour, which answers too slowly or not at all.",
	 "neighbours", REMEDY_NONE,
	 "lnstat -f arp_cache -c 1; ip -4 neigh show nud failed nud incomplete",
	 "Find what sends to a neighbour that is off (a collector of logs or metrics), or why the gateway does not answer ARP; net.ipv4.neigh.DEVICE.unres_qlen_bytes bounds what waits."},
	{"ndisc_cache.unresolved_discards", "", "/proc/net/stat/ndisc_cache",
	 "Packets that the kernel dropped because too many waited for the hardware address of an IPv6 neighbour, which answers too slowly or not at all.",
	 "neighbours", REMEDY_NONE,
	 "lnstat -f ndisc_cache -c 1; ip -6 neigh show nud failed nud incomplete",
	 "Find what sends to a neighbour that is off, or why the gateway does not answer; net.ipv6.neigh.DEVICE.unres_qlen_bytes bounds what waits."},
	{"nfnetlink_queue.dropped", "", NFQUEUE,
	 "Packets that a rule of the firewall (NFQUEUE, queue) passed to a process, and that the kernel dropped because the queue was full.",
	 "", REMEDY_APPLICATION, "cat " NFQUEUE,
	 "The second column is the pid of the process, the sixth its drops: give it more CPU or queues (--queue-balance, fanout), a longer queue, or let the process set fail-open (NFQA_CFG_F_FAIL_OPEN), so that the kernel accepts packets while the queue is full. --queue-bypass helps only while no process reads the queue."},
	{"nfnetlink_queue.user_dropped", "", NFQUEUE,
	 "Packets that a rule of the firewall (NFQUEUE, queue) gave to a process and the kernel dropped, as the process's socket was full.",
	 "", REMEDY_APPLICATION, "cat " NFQUEUE,
	 "The second column is the pid of the process, the seventh its drops: raise the receive buffer of its netlink socket (SO_RCVBUFFORCE), or give it more CPU or queues."},
	{"xfrm_stat.XfrmInNoStates", "", XFRM,
	 "IPsec packets that were dropped as this host has no security association for them: the peer uses one that has expired or was lost in a restart.",
	 "", REMEDY_APPLICATION, "cat " XFRM "; ip -s xfrm state",
	 "Negotiate again: swanctl --terminate --ike NAME; swanctl --initiate --child CHILD. Enable dead peer detection on both peers."},
	{"xfrm_stat.XfrmInStateProtoError", "", XFRM,
	 "IPsec packets that were dropped as their signature or their keys are wrong.", "",
	 REMEDY_APPLICATION, "cat " XFRM "; ip -s xfrm state",
	 "Compare the keys and algorithms of both peers (ip xfrm state)."},
	{"xfrm_stat.XfrmInStateSeqError", "", XFRM,
	 "IPsec packets that were dropped as too old for the replay window: the path, or several queues of the card, reordered them.",
	 "", REMEDY_APPLICATION, "cat " XFRM "; ip -s xfrm state",
	 "Raise the replay window of both peers (strongSwan: replay_window; replay-window of ip-xfrm(8))."},
	{"xfrm_stat.XfrmInNoPols", "", XFRM,
	 "Packets that were dropped as no IPsec policy allows them.", "", REMEDY_APPLICATION,
	 "cat " XFRM "; ip xfrm policy", "Correct the policies (ip xfrm policy), or the peer's."},
	{"xfrm_stat.XfrmInBufferError", "", XFRM,
	 "IPsec packets that were dropped as no memory was free for them.", "", REMEDY_KERNEL,
	 "cat " XFRM, "Find what holds the memory; raise vm.min_free_kbytes."},
	{"xfrm_stat.XfrmOutNoStates", "", XFRM,
	 "Packets to send that were dropped as an IPsec policy wants them encrypted and there is no security association.",
	 "", REMEDY_APPLICATION, "cat " XFRM "; ip xfrm state; ip xfrm policy",
	 "See why the peers do not negotiate: the log of the IKE daemon."},
	{"fs.file-nr", "file-nr", "/proc/sys/fs/file-nr",
	 "Open files of the machine, 0, and fs.file-max. The first number is approximate before "
	 "Linux 7.0.",
	 "descriptors.system", REMEDY_KERNEL, "cat /proc/sys/fs/file-nr",
	 "Raise fs.file-max where the first number is near the third. fs.file-nr itself is read-only: a line for it in sysctl.conf fails."},
	{"softnet_stat-processed", "", SOFTNET,
	 "Column 1, hexadecimal, a line for each CPU: packets that the receive softirq processed.",
	 "nic.queues,softnet.budget", REMEDY_KERNEL, "cat " SOFTNET,
	 "Where one CPU has nearly all: spread queues (ethtool -L), interrupts or RPS (rps_cpus)."},
	{"softnet.dropped", "softnet_stat-dropped\nsoftnet*dropped", SOFTNET,
	 "Column 2: packets that were dropped at a full backlog of that CPU.", "softnet.backlog",
	 REMEDY_KERNEL, "cat " SOFTNET,
	 "Raise net.core.netdev_max_backlog; spread by RPS over more CPUs."},
	{"softnet_stat-time_squeeze", "time_squeeze\ntime_squeezed\nsqueezed", SOFTNET,
	 "Column 3: rounds of the receive softirq that ended with work left.", "softnet.budget",
	 REMEDY_KERNEL, "cat " SOFTNET,
	 "Raise net.core.netdev_budget and net.core.netdev_budget_usecs together: the one that is met first ends the round."},
	{"rx_missed_errors", "missed_errors", "/sys/class/net/*/statistics",
	 "Packets that an interface lost as its receive ring was full. Some drivers count them "
	 "elsewhere.",
	 "nic.ring", REMEDY_DEVICE, "ip -s -s link show",
	 "Enlarge the ring: ethtool -G DEVICE rx N (ethtool -g prints the maximum); spread over more queues."},
	{"rx_fifo_errors", "fifo_errors", "/sys/class/net/*/statistics",
	 "Packets that an interface lost as its own buffer was full.", "nic.ring", REMEDY_DEVICE,
	 "ip -s -s link show",
	 "Enlarge the ring: ethtool -G DEVICE rx N; look at pause frames and the PCIe link."},
	{"TcpExt.SyncookiesFailed", "invalid SYN cookies received", NETSTAT,
	 "ACKs that looked like an answer to a SYN cookie and were not: late ones, or scans.",
	 "syn-queue", REMEDY_KERNEL, NSTAT("TcpExtSyncookiesFailed"),
	 "Nothing while SyncookiesRecv is near SyncookiesSent."},
	{"TcpExt.OfoPruned",
	 "packets dropped from out-of-order queue because of socket buffer overrun", NETSTAT,
	 "Out-of-order queues that were freed for lack of receive buffer; the peer retransmits them.",
	 "buffers.receive,buffers.memory", REMEDY_KERNEL, NSTAT("TcpExtOfoPruned"),
	 "Raise the third field of net.ipv4.tcp_rmem; look for loss on the path."},
	{"TcpExt.TCPOFODrop", "", NETSTAT,
	 "Out-of-order packets that were dropped as the receive buffer was full.",
	 "buffers.receive,buffers.memory", REMEDY_KERNEL, NSTAT("TcpExtTCPOFODrop"),
	 "Raise the third field of net.ipv4.tcp_rmem; look for loss on the path."},
	{"TcpExt.TCPTimeouts", "other TCP timeouts", NETSTAT,
	 "Retransmission timeouts: an acknowledgement did not arrive, in each state, SYNs included.",
	 "", REMEDY_NONE, NSTAT("TcpExtTCPTimeouts"),
	 "Where TCPSynRetrans grows as much, connections are not accepted; otherwise packets are lost on the path."},
	{"TcpExt.TCPFastRetrans", "fast retransmits", NETSTAT,
	 "Segments that the kernel retransmitted because the acknowledgements of the peer show that the path lost or reordered them.",
	 "", REMEDY_PROVIDER, "nstat -az TcpExtTCPFastRetrans TcpOutSegs; ss -ti", "Exclude this host: the drops of its cards and queueing disciplines (ip -s link; tc -s qdisc). Where a few peers have most (retrans of ss -ti), the path to them is the limit; where all have, a policer or a lossy uplink: ask the provider for the rate that it allows, and stay below it (fq maxrate, tc-fq(8))."},
	{"TcpExt.TCPSlowStartRetrans", "retransmits in slow start", NETSTAT,
	 "Segments that the kernel retransmitted after a retransmission timeout, once the peer acknowledged data again: the path lost most of a window.",
	 "", REMEDY_PROVIDER, "nstat -az TcpExtTCPSlowStartRetrans TcpOutSegs; ss -ti",
	 "epolltune explain TCPFastRetrans."},
	{"TcpExt.TCPLossProbeRecovery", "", NETSTAT,
	 "Losses at the end of what a connection had to send, which a tail loss probe repaired. A "
	 "lost answer of one segment counts here and in no other counter of losses: it is late by "
	 "two round trips and 200 ms.",
	 "", REMEDY_PROVIDER, "nstat -az TcpExtTCPLossProbeRecovery TcpOutSegs; ss -ti",
	 "epolltune explain TCPFastRetrans."},
	{"TcpExt.TCPLossProbes", "", NETSTAT,
	 "Tail loss probes: no acknowledgement arrived in two round trips, so the kernel sent the "
	 "last segment again, or a new one. Most are no loss: the peer acknowledges late, or has "
	 "gone.",
	 "", REMEDY_NONE, NSTAT("TcpExtTCPLossProbes"),
	 "Nothing, unless TCPLossProbeRecovery grows too: epolltune explain TCPLossProbeRecovery."},
	{"TcpExt.TCPRetransFail", "", NETSTAT,
	 "Segments that the kernel could not retransmit: a queueing discipline of this host dropped them, a firewall rule rejected them, or there was no memory or no route.",
	 "", REMEDY_KERNEL, "nstat -az TcpExtTCPRetransFail TcpRetransSegs; tc -s qdisc",
	 "Where the drops of tc -s qdisc grow as much, the queue of the interface is full: raise its limit, or use fq; otherwise see the rules of OUTPUT and the routes."},
	{"TcpExt.TCPLostRetransmit", "retransmits lost", NETSTAT,
	 "Retransmitted segments that were lost again: a policer or a full link.", "", REMEDY_NONE,
	 NSTAT("TcpExtTCPLostRetransmit"),
	 "Look at the path and at limits of the provider (ethtool -S DEVICE | grep allowance)."},
	{"TcpExt.TCPAbortOnTimeout", "connections aborted due to timeout", NETSTAT,
	 "Connections that ended with ETIMEDOUT: data, keepalive probes or a SYN without an answer.",
	 "", REMEDY_NONE, NSTAT("TcpExtTCPAbortOnTimeout"),
	 "Peers or middleboxes vanish: set keepalive below their timeout."},
	{"TcpExt.TCPAbortOnData", "connections reset due to unexpected data", NETSTAT,
	 "Connections that the process closed with SO_LINGER 0, or that received data after it had "
	 "closed them: the peer gets RST (ECONNRESET).",
	 "", REMEDY_APPLICATION, NSTAT("TcpExtTCPAbortOnData"),
	 "Let the application read until the end before close(), without SO_LINGER 0."},
	{"TcpExt.TCPAbortOnClose", "connections reset due to early user close", NETSTAT,
	 "Connections that were closed while data was unread: the peer gets RST (ECONNRESET).", "",
	 REMEDY_APPLICATION, NSTAT("TcpExtTCPAbortOnClose"),
	 "Let the application read until the end before close()."},
	{"TcpExt.TCPAbortOnLinger", "connections aborted after user close in linger timeout",
	 NETSTAT,
	 "Closed connections that were reset in FIN_WAIT2, as the application set a negative "
	 "TCP_LINGER2.",
	 "", REMEDY_APPLICATION, NSTAT("TcpExtTCPAbortOnLinger"),
	 "Nothing: the application asked for it."},
	{"TcpExt.TCPDeferAcceptDrop", "", NETSTAT,
	 "Final ACKs of handshakes that were ignored, as TCP_DEFER_ACCEPT waits for data. Clients are not lost.",
	 "accept-queue", REMEDY_APPLICATION, NSTAT("TcpExtTCPDeferAcceptDrop"),
	 "Nothing, unless a SYN queue is full too: these handshakes stay in it. Then remove deferred (nginx) from the listener."},
	{"TcpExt.TCPToZeroWindowAdv", "", NETSTAT,
	 "How often a socket closed its receive window: its process reads too slowly.",
	 "buffers.receive", REMEDY_APPLICATION, NSTAT("TcpExtTCPToZeroWindowAdv"),
	 "Find the process by Recv-Q: ss -tnp. No buffer helps a reader that is too slow."},
	{"TcpExt.TCPZeroWindowDrop", "", NETSTAT,
	 "Packets that arrived at a closed window and were dropped.", "buffers.receive",
	 REMEDY_APPLICATION, NSTAT("TcpExtTCPZeroWindowDrop"),
	 "Find the process by Recv-Q: ss -tnp."},
	{"TcpExt.TCPWqueueTooBig", "", NETSTAT,
	 "Retransmissions that were refused as the send queue was too large (the defence against SACK attacks).",
	 "buffers.send", REMEDY_APPLICATION, NSTAT("TcpExtTCPWqueueTooBig"),
	 "Raise a small SO_SNDBUF of the application, with net.core.wmem_max as high, or remove it."},
	{"TcpExt.PAWSTimewait", "", NETSTAT,
	 "SYNs to a connection in TIME_WAIT whose timestamp is older than its last one, as of "
	 "clients behind one NAT address (since Linux 6.16; before, PAWSEstab). The kernel "
	 "answers with an ACK, and the client tries again after 1 s; with "
	 "net.ipv4.tcp_rfc1337=1 it fails until TIME_WAIT ends, for 60 s.",
	 "time-wait", REMEDY_KERNEL, NSTAT("TcpExtPAWSTimewait"),
	 "Set net.ipv4.tcp_rfc1337=0 where it is 1. Let clients close first, which leaves "
	 "TIME_WAIT on their side, or keep connections open."},
	{"TcpExt.PAWSEstab",
	 "packets rejects in established connections because of timestamp\npackets rejected in "
	 "established connections because of timestamp",
	 NETSTAT,
	 "Packets whose timestamp is older than the last one of their connection: old "
	 "duplicates, or, before Linux 6.16, SYNs to a connection in TIME_WAIT from clients "
	 "behind one NAT address.",
	 "", REMEDY_KERNEL, NSTAT("TcpExtPAWSEstab"),
	 "A few are usual where the path reorders packets. Where clients behind NAT fail to "
	 "connect: epolltune explain PAWSTimewait."},
	{"TcpExt.PAWSActive", "active connections rejected because of time stamp", NETSTAT,
	 "SYN-ACKs that echo a timestamp that connect() did not send: of an old handshake of "
	 "the same port, or changed by a device on the path.",
	 "", REMEDY_NONE, NSTAT("TcpExtPAWSActive"),
	 "Where connect() is slow to that destination, look for a NAT or firewall that "
	 "rewrites timestamps."},
	{"TcpExt.TSEcrRejected", "", NETSTAT,
	 "Final ACKs of handshakes that echo a timestamp that no SYN-ACK had (since Linux "
	 "6.15): forged, or changed by a device on the path.",
	 "", REMEDY_NONE, NSTAT("TcpExtTSEcrRejected"),
	 "Where clients of one network fail, look for a NAT or firewall that rewrites "
	 "timestamps."},
	{"TcpExt.TCPMD5NotFound", "", NETSTAT,
	 UNSIGNED("without the MD5 signature that the socket wants of that address (TCP_MD5SIG)"),
	 "", REMEDY_APPLICATION, NSTAT("TcpExtTCPMD5NotFound"), UNSIGNED_REMEDY},
	{"TcpExt.TCPMD5Unexpected", "", NETSTAT,
	 UNSIGNED("with an MD5 signature, where the socket has no key for that address"), "",
	 REMEDY_APPLICATION, NSTAT("TcpExtTCPMD5Unexpected"), UNSIGNED_REMEDY},
	{"TcpExt.TCPMD5Failure", "", NETSTAT,
	 UNSIGNED("with a wrong MD5 signature: the keys differ"), "", REMEDY_APPLICATION,
	 NSTAT("TcpExtTCPMD5Failure"), UNSIGNED_REMEDY},
	{"TcpExt.TCPAORequired", "", NETSTAT,
	 UNSIGNED("without the signature that the socket wants of that address (TCP-AO)"), "",
	 REMEDY_APPLICATION, NSTAT("TcpExtTCPAORequired"), UNSIGNED_REMEDY},
	{"TcpExt.TCPAOKeyNotFound", "", NETSTAT,
	 UNSIGNED("with a signature by a key that the socket does not have (TCP-AO)"), "",
	 REMEDY_APPLICATION, NSTAT("TcpExtTCPAOKeyNotFound"), UNSIGNED_REMEDY},
	{"TcpExt.TCPAOBad", "", NETSTAT, UNSIGNED("with a wrong signature (TCP-AO)"), "",
	 REMEDY_APPLICATION, NSTAT("TcpExtTCPAOBad"), UNSIGNED_REMEDY},
	{"TcpExt.TCPMinTTLDrop", "", NETSTAT,
	 "Packets that were dropped as their TTL is below the minimum that the application set "
	 "(IP_MINTTL): their sender is further away.",
	 "", REMEDY_APPLICATION, NSTAT("TcpExtTCPMinTTLDrop"),
	 "Lower the minimum in the application where these are clients (BGP: ttl-security "
	 "hops)."},
	{"TcpExt.TCPMigrateReqFailure", "", NETSTAT,
	 "Handshakes and waiting connections of a closed listener that no other socket of its "
	 "SO_REUSEPORT group could take (net.ipv4.tcp_migrate_req): they were lost.",
	 "accept-queue", REMEDY_APPLICATION, NSTAT("TcpExtTCPMigrateReqFailure"),
	 "Let the new process listen before the old one closes its listener, with a backlog "
	 "that has room for what waits."},
	{"TcpExt.TWRecycled", "time wait sockets recycled by time stamp", NETSTAT,
	 "Connections in TIME_WAIT whose port connect() took again (net.ipv4.tcp_tw_reuse).",
	 "ports.rate", REMEDY_KERNEL, NSTAT("TcpExtTWRecycled"),
	 "Nothing: it is what the setting is for."},
	{"TcpExt.TW", "TCP sockets finished time wait in fast timer\nsockets finished time wait",
	 NETSTAT, "Connections that ended their TIME_WAIT: how many this machine closes first.",
	 "ports.rate", REMEDY_KERNEL, NSTAT("TcpExtTW"),
	 "On a proxy reuse connections where ports are short."},
	{"TcpExt.TCPFastOpenListenOverflow", "", NETSTAT,
	 "Fast Open SYNs above the limit of the listener; they become ordinary handshakes.",
	 "accept-queue", REMEDY_APPLICATION, NSTAT("TcpExtTCPFastOpenListenOverflow"),
	 "Raise the length that the server passes to TCP_FASTOPEN."},
	{"TcpExt.PFMemallocDrop", "", NETSTAT,
	 "Packets that were dropped because only the emergency reserve of memory was left: the "
	 "machine was out of free memory for a moment. A finding names it above 1 % of received "
	 "packets.",
	 "memory.connection", REMEDY_KERNEL, NSTAT("TcpExtPFMemallocDrop"),
	 "Find what holds the memory; raise vm.min_free_kbytes."},
	{"Tcp.AttemptFails", "failed connection attempts", SNMP,
	 "Connections that failed before they were established, as client (refused, timed out) or server (reset in SYN_RECV).",
	 "", REMEDY_NONE, "nstat -az TcpAttemptFails",
	 "Compare with TcpExt.ListenOverflows here and on the servers."},
	{"Tcp.EstabResets", "connection resets received", SNMP,
	 "Established connections that ended by RST, sent or received, or by a timeout.", "",
	 REMEDY_APPLICATION, "nstat -az TcpEstabResets TcpOutRsts",
	 "Where TcpOutRsts grows as much, a process here closes with unread data, or memory is short: TcpExt.TCPAbortOnMemory."},
	{"Tcp.RetransSegs", "segments retransmitted\nsegments retransmited", SNMP,
	 "Segments that were retransmitted, SYNs included. Below 1 % of Tcp.OutSegs is usual.", "",
	 REMEDY_NONE, "nstat -az TcpRetransSegs TcpOutSegs TcpExtTCPSynRetrans",
	 "Loss on the path or at a ring; where TCPSynRetrans is most of it, an accept queue."},
	{"Tcp.CurrEstab", "connections established", SNMP,
	 "Connections of this network namespace in ESTABLISHED or CLOSE_WAIT now.",
	 "descriptors.process", REMEDY_NONE, "nstat -az TcpCurrEstab; ss -s",
	 "Nothing: it is the current number, not a loss."},
	{"Tcp.PassiveOpens", "passive connection openings", SNMP,
	 "Connections that clients of this namespace's listeners have opened: the rate of new clients, also of those not accepted yet.",
	 "accept.rate", REMEDY_NONE, "nstat TcpPassiveOpens",
	 "Nothing: the rate to check for is epolltune check --rate N."},
	{"Tcp.ActiveOpens", "active connection openings\nactive connections openings", SNMP,
	 "Connections that processes of this namespace have begun: the rate that takes ports.",
	 "ports.rate", REMEDY_NONE, "nstat TcpActiveOpens",
	 "Nothing by itself; near ports / 60 s to one destination reuse connections."},
	{"Udp.RcvbufErrors", "receive buffer errors", SNMP,
	 "Datagrams that were dropped as the socket's receive buffer was full.", "udp.receive",
	 REMEDY_APPLICATION, "nstat -az UdpRcvbufErrors; ss -uanm",
	 "Read faster; raise SO_RCVBUF in the application and net.core.rmem_max (net.core.rmem_default where it sets none)."},
	{"Udp6.RcvbufErrors", "", SNMP6,
	 "Datagrams over IPv6 that were dropped as the socket's receive buffer was full.",
	 "udp.receive", REMEDY_APPLICATION, "nstat -az Udp6RcvbufErrors; ss -uanm",
	 "As for Udp.RcvbufErrors: read faster; raise SO_RCVBUF in the application and net.core.rmem_max (net.core.rmem_default where it sets none)."},
	{"Udp6.MemErrors", "", SNMP6,
	 "Datagrams over IPv6 that were dropped as all UDP sockets hold the first field of net.ipv4.udp_mem.",
	 "udp.receive", REMEDY_KERNEL, "nstat -az Udp6MemErrors; grep UDP: /proc/net/sockstat",
	 "Raise all fields of net.ipv4.udp_mem (pages); find the socket with a full queue: ss -uanm."},
	{"Udp.SndbufErrors", "send buffer errors", SNMP,
	 "Datagrams that did not fit the send buffer or the queue of the interface: not sent, or a server without blocking waits (EAGAIN).",
	 "", REMEDY_APPLICATION, "nstat -az UdpSndbufErrors; tc -s qdisc",
	 "Raise SO_SNDBUF and net.core.wmem_max, or pace the sender."},
	{"Udp6.SndbufErrors", "", SNMP6,
	 "Datagrams over IPv6 that did not fit the send buffer or the queue of the interface: not sent, or a server without blocking waits (EAGAIN).",
	 "", REMEDY_APPLICATION, "nstat -az Udp6SndbufErrors; tc -s qdisc",
	 "Raise SO_SNDBUF and net.core.wmem_max, or pace the sender."},
	{"Udp.InCsumErrors", "", SNMP, WRONG_CHECKSUM("Datagrams"), "", REMEDY_NONE,
	 "nstat -az UdpInCsumErrors; ethtool -S DEVICE | grep -i err", WRONG_CHECKSUM_REMEDY},
	{"Udp6.InCsumErrors", "", SNMP6, WRONG_CHECKSUM("Datagrams over IPv6"), "", REMEDY_NONE,
	 "nstat -az Udp6InCsumErrors; ethtool -S DEVICE | grep -i err", WRONG_CHECKSUM_REMEDY},
	{"Tcp.InCsumErrors", "", SNMP, WRONG_CHECKSUM("Segments"), "", REMEDY_NONE,
	 "nstat -az TcpInCsumErrors; ethtool -S DEVICE | grep -i err", WRONG_CHECKSUM_REMEDY},
	{"Ip.ReasmFails", "packet reassemblies failed\npacket reassembles failed", SNMP,
	 "Fragments that were dropped: no memory for them (net.ipv4.ipfrag_high_thresh), or a part did not arrive in time (Ip.ReasmTimeout).",
	 "", REMEDY_KERNEL, "nstat -az IpReasmFails IpReasmTimeout; grep FRAG: /proc/net/sockstat",
	 "Send datagrams that fit into a packet; or raise net.ipv4.ipfrag_high_thresh where it is not ReasmTimeout that grows."},
	{"Ip6.ReasmFails", "", SNMP6,
	 "Fragments over IPv6 that were dropped: no memory for them (net.ipv6.ip6frag_high_thresh), or a part did not arrive in time (Ip6.ReasmTimeout).",
	 "", REMEDY_KERNEL,
	 "nstat -az Ip6ReasmFails Ip6ReasmTimeout; grep FRAG6: /proc/net/sockstat6",
	 "Send datagrams that fit into a packet; or raise net.ipv6.ip6frag_high_thresh where it is not ReasmTimeout that grows."},
	{"TcpExt.IPReversePathFilter", "", NETSTAT,
	 "Packets that rp_filter dropped, as the route back to their source leaves by another interface.",
	 "", REMEDY_KERNEL, NSTAT("TcpExtIPReversePathFilter"),
	 "Correct the routes (ip route get ADDRESS), or set net.ipv4.conf.DEVICE.rp_filter=2 on a host with several links; net.ipv4.conf.all.log_martians=1 logs the sources."},
	{"Ip.InDiscards", "incoming packets discarded", SNMP,
	 "Received packets that the kernel dropped, as no memory was free for them.", "",
	 REMEDY_KERNEL, "nstat -az IpInDiscards",
	 "Find what holds the memory; raise vm.min_free_kbytes."},
	{"Ip6.InDiscards", "", SNMP6,
	 "IPv6 packets that the kernel dropped because no memory was free, an IPsec policy refused them, or their interface has disable_ipv6=1. The last is no loss: epolltune then ignores the counter.",
	 "", REMEDY_NONE, "nstat -az Ip6InDiscards; sysctl -a -r disable_ipv6",
	 "Nothing where disable_ipv6 is 1; otherwise find what holds the memory."},
	{"Ip.InAddrErrors", "with invalid addresses", SNMP,
	 "Packets to an address that this host does not have, while it does not forward: their "
	 "senders time out. A few are broadcasts of another network.",
	 "", REMEDY_KERNEL, "nstat -az IpInAddrErrors; ip -4 addr",
	 "Where a load balancer sends them (direct server return), add its address to lo; "
	 "otherwise see what arrives: tcpdump -n, and correct the route of the sender."},
	{"IpExt.InNoRoutes", "with no route in input", NETSTAT,
	 "Received packets that were to be forwarded and for which there is no route.", "",
	 REMEDY_KERNEL, "nstat -az IpExtInNoRoutes; ip route",
	 "Add the route, or see who sends them: tcpdump -n."},
	{"Ip6.InAddrErrors", "", SNMP6,
	 "Packets over IPv6 to an address that this host does not have, while it does not forward, "
	 "or that cannot be one of a host: their senders time out.",
	 "", REMEDY_KERNEL, "nstat -az Ip6InAddrErrors; ip -6 addr",
	 "Where a load balancer sends them (direct server return), add its address to lo; "
	 "otherwise see what arrives: tcpdump -n ip6, and correct the route of the sender."},
	{"Ip6.InNoRoutes", "", SNMP6,
	 "Packets over IPv6 to an address that is not this host's and for which there is no route.",
	 "", REMEDY_KERNEL, "nstat -az Ip6InNoRoutes; ip -6 route",
	 "Add the route, or see who sends them: tcpdump -n ip6."},
	{"Ip6.InHdrErrors", "", SNMP6,
	 "Packets over IPv6 whose header is damaged or has a wrong option, or, where this host "
	 "forwards, whose hop limit expired: a routing loop, or traceroute.",
	 "", REMEDY_NONE, "nstat -az Ip6InHdrErrors",
	 "On a host that forwards, look for a routing loop (ip -6 route get ADDRESS on each "
	 "router); otherwise for the card or cable whose error counters grow."},
	{"IpExt.InCsumErrors", "", NETSTAT, WRONG_CHECKSUM("IP headers"), "", REMEDY_NONE,
	 "nstat -az IpExtInCsumErrors; ethtool -S DEVICE | grep -i err", WRONG_CHECKSUM_REMEDY},
	{"Ip.InHdrErrors", "with invalid headers", SNMP,
	 "Packets whose header is damaged, or, where this host forwards, whose TTL expired: a "
	 "routing loop, or traceroute.",
	 "", REMEDY_NONE, "nstat -az IpInHdrErrors IpExtInCsumErrors",
	 "On a host that forwards, look for a routing loop (ip route get ADDRESS on each router); otherwise "
	 "for the card or cable whose error counters grow."},
	{"IpExt.InTruncatedPkts", "truncated packets", NETSTAT,
	 "Packets that are shorter than their header says: a card or a device on the path cuts "
	 "them.",
	 "", REMEDY_NONE, "nstat -az IpExtInTruncatedPkts; ethtool -S DEVICE | grep -i err",
	 "Look for the card, switch or tunnel that cuts packets; compare MTUs."},
	{"Ip6.InTruncatedPkts", "", SNMP6,
	 "Packets over IPv6 that are shorter than their header says: a card or a device on the "
	 "path cuts them.",
	 "", REMEDY_NONE, "nstat -az Ip6InTruncatedPkts; ethtool -S DEVICE | grep -i err",
	 "Look for the card, switch or tunnel that cuts packets; compare MTUs."},
	{"TcpExt.BeyondWindow", "", NETSTAT,
	 "Segments that are not within the receive window (since Linux 6.17): also probes of a "
	 "closed window and old duplicates, which are no loss.",
	 "buffers.receive", REMEDY_NONE, NSTAT("TcpExtBeyondWindow"),
	 "Nothing by itself; where TCPToZeroWindowAdv grows too, find the process by Recv-Q: ss -tnp."},
	{"Udp.InErrors", "packet receive errors", SNMP,
	 "Datagrams that were not delivered: full buffers (RcvbufErrors), wrong checksums, no memory (MemErrors).",
	 "", REMEDY_APPLICATION,
	 "nstat -az UdpInErrors UdpRcvbufErrors UdpInCsumErrors UdpMemErrors",
	 "Act on the part that grows."},
	{"Udp.MemErrors", "", SNMP,
	 "Datagrams that were dropped as all UDP sockets hold the first field of net.ipv4.udp_mem.",
	 "udp.receive", REMEDY_KERNEL, "nstat -az UdpMemErrors; grep UDP: /proc/net/sockstat",
	 "Raise all fields of net.ipv4.udp_mem (pages); find the socket with a full queue: ss -uanm."},
	{"softnet_stat-received_rps", "received_rps", SOFTNET,
	 "Column 10: packets that another CPU handed to this one by RPS.", "nic.queues",
	 REMEDY_KERNEL, "cat /proc/net/softnet_stat", "Nothing: a share of each CPU, not a loss."},
	{"softnet_stat-flow_limit_count", "flow_limit_count", SOFTNET,
	 "Column 11: packets of a large flow that were dropped as the backlog was more than half full.",
	 "softnet.backlog", REMEDY_KERNEL, "cat /proc/net/softnet_stat",
	 "Raise net.core.netdev_max_backlog, or turn the limit off: sysctl -w net.core.flow_limit_cpu_bitmap=0."},
	{"rx_out_of_buffer", "", "ethtool -S",
	 "mlx5: packets that were dropped as no receive buffer was posted: the CPU is too slow for the ring.",
	 "nic.ring", REMEDY_DEVICE, "ethtool -S DEVICE | grep rx_out_of_buffer",
	 "Enlarge the ring: ethtool -G DEVICE rx N; spread over more queues and CPUs."},
	{"rx_no_buffer", "", "ethtool -S",
	 "ibmveth (IBM Power): frames that the hypervisor dropped, as no posted receive buffer was "
	 "free that holds them.",
	 "nic.ring", REMEDY_DEVICE, "ethtool -S DEVICE | grep rx_no_buffer",
	 "Give more buffers to the pools of such frames: raise num in "
	 "/sys/class/net/DEVICE/device/poolN, whose size is at least the MTU; each write restarts "
	 "the interface. Spread the load over more CPUs."},
	{"rx_no_buffer_count", "", "ethtool -S",
	 "Intel: no receive descriptor was free. With rx_missed_errors the packet was lost.",
	 "nic.ring", REMEDY_DEVICE, "ethtool -S DEVICE | grep rx_no_buffer_count",
	 "Enlarge the ring: ethtool -G DEVICE rx N; spread over more queues and CPUs."},
	{"rx_no_dma_resources", "", "ethtool -S",
	 "ixgbe: packets that were dropped as no receive descriptor was free.", "nic.ring",
	 REMEDY_DEVICE, "ethtool -S DEVICE | grep rx_no_dma_resources",
	 "Enlarge the ring: ethtool -G DEVICE rx N; spread over more queues and CPUs."},
	{"rx_discards_phy", "outbound_pci_buffer_overflow", "ethtool -S",
	 "mlx5 and bnxt: packets that the card's own buffer could not hold. Where "
	 "outbound_pci_buffer_overflow grows, the PCIe bus is too slow.",
	 "nic.ring", REMEDY_DEVICE, "ethtool -S DEVICE | grep -e rx_discards_phy -e pci",
	 "Turn on pause frames (ethtool -A DEVICE rx on tx on), enlarge the ring, or send less in "
	 "bursts."},
	{"rx_over_errors", "over_errors", "ethtool -S",
	 "Packets that a card received faster than its buffer was emptied.", "nic.ring",
	 REMEDY_DEVICE, "ethtool -S DEVICE | grep rx_over_errors",
	 "Enlarge the ring: ethtool -G DEVICE rx N; spread over more queues and CPUs."},
	{"rx_discards",
	 ""
	 "port.rx_discards\nport.rx_dropped\nrx_dropped.nic\nrx_total_ring_discards\nrx_fw_discards\n"
	 "rx_overruns\nrx_queue_full\nrx_no_bufs\nrx_out_of_resource\nhc_rx_discards_no_wqe\n"
	 "rx_queue_0_drops\npkts rx OOB\nrx-hw-drop-overruns\nrx_discard_packets_cos0\n"
	 "port_rx_nodesc_drops\nno_buff_discards\nbrb_discards\nrxq0: rx_drops_no_frags\n"
	 "[hw] rx nobuffer discards",
	 "ethtool -S",
	 "Packets that the card dropped as its receive ring was full: bnxt_en (also "
	 "rx_total_ring_discards; rx_discard_packets_cosN: the buffer of its port), tg3 "
	 "(rx_discards), bnx2 (rx_fw_discards), igb and igc "
	 "(rx_queue_N_drops), i40e (port.rx_discards), ice (rx_dropped, rx_dropped.nic), enic "
	 "(rx_no_bufs), mana (hc_rx_discards_no_wqe), vmxnet3 (pkts rx OOB), sfc "
	 "(port_rx_nodesc_drops), qede (no_buff_discards, brb_discards), be2net "
	 "(rx_drops_no_frags), fsl_dpaa2_eth ([hw] rx nobuffer discards), the netdev family "
	 "(rx-hw-drop-overruns). The rx_queue_N_drops of virtio_net count packets that the "
	 "driver could not take.",
	 "nic.ring", REMEDY_DEVICE,
	 "ethtool -i DEVICE; ethtool -S DEVICE | grep -i -e discard -e drop",
	 "Enlarge the ring: ethtool -G DEVICE rx N; spread over more queues and CPUs."},
	{"rx_no_buffers_posted", "rx_queue_drop_cnt", "ethtool -S",
	 "gVNIC (gve): packets that the card of the host dropped, as no receive buffer was "
	 "posted or as the queue was full. The card reports them at intervals. gVNIC has no "
	 "counter of the provider's bandwidth limits: there packets are sent later (tx_stop of "
	 "a queue grows), and the provider's own monitoring shows them.",
	 "nic.ring", REMEDY_DEVICE, "ethtool -S DEVICE | grep -e rx_no_buffers -e rx_queue_drop",
	 "Enlarge the ring where the driver can (ethtool -g DEVICE), spread over more queues "
	 "and CPUs; otherwise a larger instance type."},
	{"hw-drop-ratelimits", "rx-hw-drop-ratelimits\ntx-hw-drop-ratelimits", "netdev qstats-get",
	 "virtio_net, Linux 6.10: packets that the device dropped beyond its rate limit, which "
	 "the provider sets.",
	 "", REMEDY_PROVIDER, "epolltune check --probe nic",
	 "The limit is the provider's, for that type of instance: no sysctl helps. Use a larger "
	 "type, or less traffic."},
	{"rx-alloc-fail",
	 "alloc_rx_buff_failed\nrx_alloc_fail\nrx_queue_0_alloc_failed\nrx_buff_alloc_err\n"
	 "rx_total_oom_discards\nqueue_0_rx_page_alloc_fail\nrx_buf_alloc_fail\nrx buf alloc fail\n"
	 "rx_no_memory\nrx0_drops\nalloc_rx_page_failed\nrx_pg_alloc_fail\nrx_skb_alloc_fail\n"
	 "queue_0_rx_skb_alloc_fail",
	 "ethtool -S",
	 "Packets that the driver dropped, or receive buffers that it could not fill, as no "
	 "memory was free: alloc_rx_buff_failed (e1000e, ixgbe), alloc_rx_page_failed (ixgbe), "
	 "rx_alloc_fail and rx_pg_alloc_fail (i40e, ice), rx_buff_alloc_err (mlx5), "
	 "rx_total_oom_discards (bnxt_en), rx_page_alloc_fail and rx_skb_alloc_fail (ena), "
	 "rx_buf_alloc_fail and rx_skb_alloc_fail (gve), "
	 "rx_no_memory (hv_netvsc), rxN_drops (virtio_net).",
	 "", REMEDY_KERNEL,
	 "ethtool -S DEVICE | grep -i -e alloc -e memory; dmesg | grep 'page allocation'",
	 "Raise vm.min_free_kbytes, or find what holds the memory. A larger ring needs more of "
	 "it."},
	{"rx_errors",
	 "rx_desc_err_dropped_pkt\nrx_crc_errors\nrx_drops_packet_over_mru[0]\n"
	 "rx_drops_invalid_checksum[0]",
	 "/sys/class/net/*/statistics",
	 "Received packets that were damaged or of a wrong length. Some drivers add packets "
	 "lost at a full ring.",
	 "", REMEDY_DEVICE, "ip -s -s link show DEVICE; ethtool -S DEVICE",
	 "Look at the cable, the transceiver and the port of the switch; in a virtual machine "
	 "at its host."},
	{"tx_errors", "", "/sys/class/net/*/statistics",
	 "Packets that a card could not send: its queue stopped, the carrier was lost, or a "
	 "descriptor was wrong.",
	 "", REMEDY_DEVICE, "ip -s -s link show DEVICE; ethtool -S DEVICE; dmesg",
	 "Look at the kernel's log for a queue that timed out, then at the driver, the cable, the "
	 "transceiver and the port of the switch."},
	{"tx_dropped", "TX*dropped", "/sys/class/net/*/statistics",
	 "Packets that the kernel or the driver of an interface dropped instead of sending them. "
	 "Without a carrier that is usual.",
	 "", REMEDY_DEVICE, "ip -s -s link show DEVICE; ethtool -S DEVICE",
	 "On a card with a carrier, look at its driver and its firmware (ethtool -i DEVICE)."},
	{"rx_dropped", "RX*dropped", "/sys/class/net/*/statistics",
	 "Packets that the driver or the kernel dropped. With ena, enic, cxgb4 and idpf a full ring "
	 "is among them; vmxnet3 and hv_netvsc count packets there that they had no memory for; "
	 "elsewhere it counts protocols that nothing receives.",
	 "nic.ring", REMEDY_DEVICE, "ip -s -s link show DEVICE; ethtool -i DEVICE",
	 "With one of these drivers: enlarge the ring: ethtool -G DEVICE rx N; spread over more queues and CPUs. Otherwise see what arrives: tcpdump -e not ip and not ip6 and not arp."},
	{"bw_in_allowance_exceeded", "", "ethtool -S",
	 "EC2 (ena): packets that were queued or dropped as the instance's inbound bandwidth was used up.",
	 "", REMEDY_PROVIDER, "ethtool -S DEVICE | grep bw_in_allowance_exceeded",
	 "The limit is the provider's, for that type of instance: no sysctl helps. Use a larger or a network-optimised type, or less traffic."},
	{"bw_out_allowance_exceeded", "", "ethtool -S",
	 "EC2 (ena): packets that were queued or dropped as the instance's outbound bandwidth was used up.",
	 "", REMEDY_PROVIDER, "ethtool -S DEVICE | grep bw_out_allowance_exceeded",
	 "The limit is the provider's, for that type of instance: no sysctl helps. Use a larger or a network-optimised type, or less traffic."},
	{"pps_allowance_exceeded", "", "ethtool -S",
	 "EC2 (ena): packets that were queued or dropped as the instance's packets per second were used up.",
	 "", REMEDY_PROVIDER, "ethtool -S DEVICE | grep pps_allowance_exceeded",
	 "The limit is the provider's, for that type of instance: no sysctl helps. Use a larger or a network-optimised type, or less traffic."},
	{"conntrack_allowance_available", "", "ethtool -S",
	 "EC2 (ena): entries that are left in the security groups' connection tracking: the "
	 "current number, not a loss.",
	 "", REMEDY_PROVIDER, "ethtool -S DEVICE | grep conntrack_allowance",
	 "Near 0 new connections are dropped: see conntrack_allowance_exceeded."},
	{"conntrack_allowance_exceeded", "", "ethtool -S",
	 "EC2 (ena): packets of new connections that were dropped as the security groups' connection tracking was full.",
	 "", REMEDY_PROVIDER, "ethtool -S DEVICE | grep conntrack_allowance_exceeded",
	 "EC2 does not track a port whose rules allow 0.0.0.0/0 both inbound and outbound: use such rules "
	 "for a public port only. Otherwise use a larger instance. net.netfilter.nf_conntrack_max is a "
	 "different limit."},
	{"linklocal_allowance_exceeded", "", "ethtool -S",
	 "EC2 (ena): packets to DNS, metadata and time services above 1024 a second, dropped.", "",
	 REMEDY_PROVIDER, "ethtool -S DEVICE | grep linklocal_allowance_exceeded",
	 "Cache DNS on the instance (systemd-resolved, dnsmasq)."},
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

bool counter_is_gauge(const char *name)
{
	static const char sockstat[] = "sockstat.";
	return !strncmp(name, sockstat, sizeof(sockstat) - 1) || !strcmp(name, "Tcp.CurrEstab");
}
