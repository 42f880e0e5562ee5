/* What operators start from: errors of system calls, lines of the kernel log. */
#include "epolltune/catalogue.h"

static const struct symptom_row symptoms[] = {
	{"EMFILE",
	 "A process has as many descriptors open as its soft limit allows: accept(), socket() or "
	 "open() fails. A level-triggered server that keeps watching its listener then uses a "
	 "whole CPU.",
	 "descriptors.process", "grep 'open files' /proc/PID/limits; ls /proc/PID/fd | wc -l",
	 "Raise the limit where the process is started: LimitNOFILE= in its systemd unit."},
	{"ENFILE",
	 "The machine has as many files open as fs.file-max allows: every process without "
	 "CAP_SYS_ADMIN fails to open one more.",
	 "descriptors.system", "cat /proc/sys/fs/file-nr",
	 "Find the process that holds them; raise fs.file-max."},
	{"ENOSPC",
	 "From epoll_ctl(): one user has registered as many descriptors as "
	 "fs.epoll.max_user_watches allows, over all its processes.",
	 "epoll.watches", "cat /proc/sys/fs/epoll/max_user_watches",
	 "Raise fs.epoll.max_user_watches, or run the workers as different users."},
	{"EADDRNOTAVAIL",
	 "From connect(): every port of net.ipv4.ip_local_port_range is in use between this source "
	 "address and this destination, by connections or in TIME_WAIT.",
	 "ports.ephemeral,ports.rate", "ss -tan state time-wait | wc -l",
	 "Reuse connections, add source addresses or destinations, widen "
	 "net.ipv4.ip_local_port_range, set net.ipv4.tcp_tw_reuse=1."},
	{"EAGAIN",
	 "From connect() to a UNIX socket: the accept queue of its listener is full. The kernel "
	 "refuses a non-blocking connect() at once; a blocking one sleeps.",
	 "accept-queue.unix", "ss -lx",
	 "Add workers where Recv-Q stays above Send-Q; raise the server's backlog where bursts "
	 "fill the queue."},
	{"Possible SYN flooding",
	 "Kernel log: a listener's SYN queue was full for the first time. With "
	 "net.ipv4.tcp_syncookies=1 the kernel sends cookies and no client is lost; the cause is "
	 "more often a small backlog than an attack.",
	 "syn-queue", "nstat -az TcpExtTCPReqQFullDoCookies TcpExtTCPReqQFullDrop",
	 "Raise the backlog that the server passes to listen(), and net.core.somaxconn."},
	{"TCP: out of memory",
	 "Kernel log: all TCP sockets together exceed the third field of net.ipv4.tcp_mem. The "
	 "kernel drops received packets and resets orphans.",
	 "buffers.memory", "grep TCP: /proc/net/sockstat; cat /proc/sys/net/ipv4/tcp_mem",
	 "Find sockets with full queues (ss -tm); raise net.ipv4.tcp_mem (pages)."},
	{"too many orphaned sockets",
	 "Kernel log: net.ipv4.tcp_max_orphans connections are closed by their processes and wait "
	 "for their last data to be acknowledged. The kernel resets further ones.",
	 "buffers.memory", "grep TCP: /proc/net/sockstat; nstat -az TcpExtTCPAbortOnMemory",
	 "Find the clients that do not acknowledge (ss -tan state fin-wait-1); raise "
	 "net.ipv4.tcp_max_orphans where memory allows."},
	{"time wait bucket table overflow",
	 "Kernel log: net.ipv4.tcp_max_tw_buckets connections are in TIME_WAIT. The kernel closes "
	 "further ones at once.",
	 "time-wait", "grep TCP: /proc/net/sockstat; nstat -az TcpExtTCPTimeWaitOverflow",
	 "Reuse connections. A larger net.ipv4.tcp_max_tw_buckets does not allow more connections."},
	{"VFS: file-max limit reached",
	 "Kernel log: the machine has as many files open as fs.file-max allows.",
	 "descriptors.system", "cat /proc/sys/fs/file-nr",
	 "Find the process that holds them; raise fs.file-max."},
	{"nf_conntrack: table full",
	 "Kernel log: connection tracking has net.netfilter.nf_conntrack_max entries. The kernel "
	 "drops the packets of new connections; sendto() here fails with EPERM.",
	 "conntrack", "conntrack -S; sysctl net.netfilter.nf_conntrack_count",
	 "Raise net.netfilter.nf_conntrack_max, or do not track the port (nft: notrack)."},
	{"ENOBUFS",
	 "From sendto() with IP_RECVERR, as of ping: the neighbour table has no room for a host on the "
	 "same link (gc_thresh3). Without IP_RECVERR the packet is dropped without an error.",
	 "neighbours", "lnstat -f arp_cache -c 1; ip -s neigh",
	 "Raise gc_thresh3 and gc_thresh2 of net.ipv4.neigh.default or net.ipv6.neigh.default."},
	{"neighbor table overflow",
	 "Kernel log: the neighbour table of IPv4 (arp_cache) or IPv6 (ndisc_cache) has gc_thresh3 "
	 "entries. Packets to further hosts on the same link are dropped.",
	 "neighbours", "lnstat -f arp_cache -c 1; ip -s neigh",
	 "Raise gc_thresh3 and gc_thresh2 of net.ipv4.neigh.default or net.ipv6.neigh.default."},
	{"prefer different parity",
	 "Kernel log: both ends of net.ipv4.ip_local_port_range are even, or both odd. connect() "
	 "then searches longer for a free port.",
	 "ports.ephemeral", "cat /proc/sys/net/ipv4/ip_local_port_range",
	 "Set a range whose ends differ in parity."},
};

size_t symptom_row_count(void) { return sizeof(symptoms) / sizeof(*symptoms); }

const struct symptom_row *symptom_row_at(size_t i) { return &symptoms[i]; }
