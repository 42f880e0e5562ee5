/* What operators start from in their own words: what they see before they know an error or a
 * counter.
 */
#include "epolltune/catalogue.h"

static const struct clue_row complaints[] = {
	{"port exhaustion",
	 "out of ports\nno free ports\nno ports left\nports are exhausted\nports exhausted\n"
	 "ran out of*ports\nrunning out of*ports\nephemeral port*exhaust*\nexhausts*ports",
	 "connect() finds no free port to one destination (EADDRNOTAVAIL): each open connection keeps "
	 "one, and each that this side closed first keeps it for 60 s more (TIME_WAIT). This concerns "
	 "clients and proxies; a server needs one port for all its connections.",
	 "ports.ephemeral,ports.rate", REMEDY_KERNEL,
	 "sysctl net.ipv4.ip_local_port_range; ss -tan | awk '{print $1}' | sort | uniq -c",
	 "Keep connections to the backend open, use more source addresses or destinations, widen "
	 "net.ipv4.ip_local_port_range, set net.ipv4.tcp_tw_reuse=1: epolltune check --role proxy.",
	 "ip(7); net/ipv4/inet_hashtables.c __inet_hash_connect()"},
	{"clients time out",
	 "connections time out\nconnection timeouts\nconnect timeouts\ntimeouts under load\n"
	 "requests time out\ntimeouts*server is idle",
	 "The kernel drops SYNs or complete handshakes, as the accept queue or the conntrack table is full, or "
	 "the path loses them. The server itself sees nothing, and may be idle.",
	 "accept-queue,syn-queue,conntrack", REMEDY_APPLICATION,
	 "nstat -az TcpExtListenOverflows TcpExtListenDrops TcpExtTCPTimeouts; ss -ltn",
	 "Where ListenOverflows grows: epolltune check --server :PORT names the queue and its limit.",
	 "listen(2); net/ipv4/tcp_ipv4.c tcp_v4_syn_recv_sock()"},
	{"connects take one second",
	 "takes*1 second*connect\ntakes*1 s*connect\ntakes*3 seconds*connect\ntakes*second*to connect\n"
	 "connect*takes*second\nslow to connect\nslow connects\nconnecting is slow\n"
	 "one second delay\n1 second delay\n3 second delay",
	 "Clients retransmit a dropped SYN after 1 s: a connect() that takes 1 s lost one SYN. Further "
	 "ones follow at 3 s and 7 s, from Linux 6.5 on at 2, 3, 4 and 5 s "
	 "(net.ipv4.tcp_syn_linear_timeouts).",
	 "accept-queue,syn-queue", REMEDY_APPLICATION,
	 "nstat -az TcpExtListenOverflows TcpExtTCPReqQFullDrop TcpExtTCPSynRetrans",
	 "On the server: epolltune check --server :PORT. Without drops there, look at the path and at "
	 "name resolution.",
	 "RFC 6298; net/ipv4/tcp_timer.c"},
	{"slow downloads",
	 "downloads are slow\nslow uploads\nuploads are slow\nslow transfer*\nlow throughput\n"
	 "low bandwidth\nslow*long distance\nslow*far away\nslow*high latency",
	 "One connection carries at most its window a round trip: the sender's buffer (tcp_wmem) or "
	 "the receiver's (tcp_rmem), or what the congestion control allows after losses.",
	 "buffers.send,buffers.receive", REMEDY_KERNEL,
	 "ss -tin dst ADDRESS; sysctl net.ipv4.tcp_wmem",
	 "epolltune check --rtt TIME --bandwidth RATE --probe buffers, on both sides; epolltune path "
	 "runs your own programs over such a path.",
	 "tcp(7); net/ipv4/tcp_output.c"},
	{"packet loss",
	 "packets are lost\npacket drops\npackets lost\nlost packets\ndropped packets\npackets are dropped\n"
	 "drops packets\nrx drops",
	 "A queue was full: the ring of the network card, the softnet backlog, a socket's receive "
	 "buffer, or the provider's limit. Each has a counter of its own.",
	 "nic.ring,softnet.backlog,softnet.budget,udp.receive", REMEDY_DEVICE,
	 "ip -s link; ethtool -S DEVICE | grep -i drop; cat /proc/net/softnet_stat; "
	 "nstat -az UdpRcvbufErrors Udp6RcvbufErrors",
	 "epolltune check --probe nic names the queue that grows, and what moves it.",
	 "Documentation/networking/statistics.rst; net/core/dev.c"},
	{"UDP packets lost", "lost datagrams\ndatagrams are lost\nudp loss\nudp drops\nudp*dropped",
	 "The receive buffer of the socket was full while the application did not read. It is charged "
	 "for the memory of the packets, which is more than their payload.",
	 "udp.receive", REMEDY_APPLICATION, "nstat -az UdpRcvbufErrors Udp6RcvbufErrors; ss -uanm",
	 "Set SO_RCVBUF and raise net.core.rmem_max: epolltune check --datagrams N --probe udp.",
	 "udp(7); net/ipv4/udp.c __udp_enqueue_schedule_skb()"},
	{"one CPU at 100 %",
	 "one cpu*100*\none core*100*\nksoftirqd*100*\nksoftirqd\nirqbalance\nksoftirqd uses\nksoftirqd at the top\nhigh softirq\n"
	 "softirq on one cpu\nall interrupts on one cpu",
	 "One CPU takes all packets of an interface (ksoftirqd is at the top): it has one queue, or all "
	 "its queues interrupt the same CPU. Or a thread of the server spins, as at its limit on "
	 "descriptors.",
	 "nic.queues,softnet.budget,descriptors.process", REMEDY_DEVICE,
	 "top -H; grep -E 'CPU|DEVICE' /proc/interrupts; mpstat -P ALL 1",
	 "epolltune check --probe nic; ethtool -L DEVICE combined N, or RPS where there is one queue.",
	 "Documentation/networking/scaling.rst"},
	{"latency spikes",
	 "high latency\nhigh tail latency\np99*high\nlatency is high\nlatency under load\nbufferbloat",
	 "Requests wait: in the accept queue, for a CPU (quota of the container, other processes), for "
	 "deferred interrupts, or in a send buffer that is far larger than the path needs.",
	 "napi.latency,cgroup.cpu,accept.rate", REMEDY_APPLICATION,
	 "ss -ltn; ss -tin; cat /sys/fs/cgroup/cpu.stat",
	 "epolltune check --server :PORT --window 10s; TCP_NOTSENT_LOWAT keeps the send buffer short.",
	 "tcp(7); Documentation/networking/napi.rst"},
	{"memory grows with connections",
	 "memory per connection\nhigh memory*connections\nout of memory*connections\n"
	 "memory usage*connections",
	 "An idle TCP connection takes about 4 KiB of kernel memory at each end; one with data takes "
	 "up to tcp_rmem and tcp_wmem, all together up to tcp_mem.",
	 "memory.connection,buffers.memory,cgroup.memory", REMEDY_KERNEL,
	 "cat /proc/net/sockstat; slabtop -o | head -20; sysctl net.ipv4.tcp_mem",
	 "epolltune check --connections N; do not write tcp_mem in bytes, it counts pages.",
	 "tcp(7); net/ipv4/tcp.c"},
	{"uneven load between workers",
	 "one worker*all*connections\nworkers are uneven\nworkers*unevenly\nuneven*workers\n"
	 "uneven distribution\nworker imbalance\nthundering herd",
	 "With one listener for all, the kernel wakes the same idle worker first, and that one gets "
	 "most connections; with SO_REUSEPORT a hash spreads them, also to a worker that hangs.",
	 "accept-queue,accept.rate", REMEDY_APPLICATION,
	 "ss -ltnp 'sport = :PORT'; ss -tnp | grep -o 'pid=[0-9]*' | sort | uniq -c",
	 "epolltune explain SO_REUSEPORT; nginx: listen ADDRESS reuseport.",
	 "epoll_ctl(2); socket(7)"},
	{"lost after reboot",
	 "gone after*reboot\nnot persistent\nreset after*reboot\nreverted after*reboot\n"
	 "settings*lost*reboot",
	 "The value was written to the running kernel only, another file sets it later, or its module "
	 "is loaded after the files were read.",
	 "", REMEDY_NONE,
	 "epolltune lint; grep -rs KEY /etc/sysctl.d /usr/lib/sysctl.d /etc/sysctl.conf",
	 "Write NAME = VALUE to /etc/sysctl.d/90-NAME.conf, or epolltune apply --persist.",
	 "sysctl.d(5)"},
	{"container is throttled",
	 "container throttled\ncontainer*cpu*throttled\npod*throttled\ncpu throttling\ncfs throttled",
	 "The container has used its CPU quota for the period: for the rest of it nothing is accepted, "
	 "and the queues have to hold what arrives.",
	 "cgroup.cpu,accept-queue", REMEDY_CONTAINER,
	 "cat /sys/fs/cgroup/cpu.stat /sys/fs/cgroup/cpu.max",
	 "Raise the quota (cpu.max, limits.cpu), or run fewer threads than it has CPUs.",
	 "Documentation/admin-guide/cgroup-v2.rst"},
	{"too many connections",
	 "cannot reach*connections\nstops at*connections\nnot more than*connections\n"
	 "max*connections reached\nc10k\nc100k",
	 "A limit stops the connections: the process' descriptors, a client's ports, conntrack, memory, "
	 "or the server's own setting. The count suggests which: near 1 024 or 65 536 it is "
	 "descriptors, near 28 232 a client's ephemeral ports.",
	 "descriptors.process,application.limit,ports.ephemeral,conntrack,accept-queue",
	 REMEDY_PROCESS, "ss -s; grep 'open files' /proc/PID/limits",
	 "epolltune check --server :PORT --connections N names each wall, and what it takes.",
	 "accept(2)"},
};

size_t complaint_row_count(void) { return sizeof(complaints) / sizeof(*complaints); }

const struct clue_row *complaint_row_at(size_t i) { return &complaints[i]; }
