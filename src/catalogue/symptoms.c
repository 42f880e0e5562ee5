/* What operators start from: errors of system calls, lines of the kernel log, messages of systemd.
 */
#include "catalogue/phrase.h"
#include "catalogue/server_messages.h"
#include "epolltune/catalogue.h"

#define SYSTEM_FILES_SHOW "cat /proc/sys/fs/file-nr"
#define SYSTEM_FILES_ACTION                                                                           \
	"Find the process that holds them: ls -d /proc/[0-9]*/fd/* | cut -d/ -f3 | sort | uniq -c | " \
	"sort -n | tail; raise fs.file-max."
#define PORTS_SHOW                                                                                 \
	"sysctl net.ipv4.ip_local_port_range; ss -tan dst ADDRESS | awk '{print $1}' | sort | uniq -c"
#define PORTS_ACTION                                                                                  \
	"Reuse connections (keep-alive to the backend), add source addresses or destinations, widen " \
	"net.ipv4.ip_local_port_range, set net.ipv4.tcp_tw_reuse=1."
/* Files of the control group of PID. */
#define GROUP_SHOW(files)                                                                          \
	"(cd /sys/fs/cgroup$(sed -n 's/^0:://p' /proc/PID/cgroup) && grep . " files ")"
#define SYSCTL_SHOW "sysctl KEY; grep -rs KEY /etc/sysctl.conf /etc/sysctl.d /usr/lib/sysctl.d"

static const struct clue_row symptoms[] = {
	/* Errors of system calls. */
	{"EMFILE", "Too many open files\nErrno 24\nNo file descriptors available",
	 "A process has as many descriptors open as its soft limit allows: accept(), socket() or "
	 "open() fails. A level-triggered server that keeps watching its listener then uses a "
	 "whole CPU.",
	 "descriptors.process", REMEDY_PROCESS, FILES_SHOW, FILES_ACTION,
	 "accept(2); fs/file.c alloc_fd()"},
	{"accept: Too many open files",
	 "accept() failed (24:\naccept4() failed (24:\naccept EMFILE\naccept4: Too many open "
	 "files\naccept tcp*Too many open files\nToo many open files (Accept failed)\n"
	 "accept*Too many open files\nsocket.accept() out of system resource\n"
	 "ServerSocketChannelImpl.accept*Too many open files",
	 "EMFILE from accept(): the server has no descriptor for the next client. Connected "
	 "clients wait in the accept queue until it is full too, then the kernel drops SYNs. "
	 "A longer queue does not help.",
	 "descriptors.process,accept-queue", REMEDY_PROCESS, FILES_SHOW,
	 FILES_ACTION "; nginx sets its own: worker_rlimit_nofile N;",
	 "accept(2); nginx src/event/ngx_event_accept.c"},
	{"socket: Too many open files",
	 "socket() failed (24:\nsocket: too many open files\nsocket*Too many open files",
	 "EMFILE from socket(): a proxy has no descriptor for its connection to the backend. It "
	 "needs two for each client.",
	 "descriptors.process", REMEDY_PROCESS, FILES_SHOW,
	 FILES_ACTION "; nginx sets its own: worker_rlimit_nofile N;",
	 "socket(2); nginx src/event/ngx_event_connect.c"},
	{"ENFILE",
	 "Too many open files in system\nErrno 23\nreached system FD limit\naccept4() failed (23:\n"
	 "socket() failed (23:\naccept*Too many open files in system\n"
	 "accept tcp*Too many open files in system\nsocket*Too many open files in system\n"
	 "inotify_init*Too many open files in system\ninotify instance*Too many open files in system\n"
	 "ServerSocketChannelImpl.accept*Too many open files in system",
	 "The machine has as many files open as fs.file-max allows: every process without "
	 "CAP_SYS_ADMIN fails to open one more.",
	 "descriptors.system", REMEDY_KERNEL, SYSTEM_FILES_SHOW, SYSTEM_FILES_ACTION,
	 "accept(2); fs/file_table.c alloc_empty_file()"},
	{"ENOSPC", "No space left on device\nErrno 28",
	 "From epoll_ctl(): one user has registered as many descriptors as "
	 "fs.epoll.max_user_watches allows, over all its processes. From inotify_add_watch(): "
	 "fs.inotify.max_user_watches. From semget(): kernel.sem. From write(): a full disk.",
	 "epoll.watches", REMEDY_KERNEL, "cat /proc/sys/fs/epoll/max_user_watches; df -h; df -i",
	 "Raise fs.epoll.max_user_watches, or run the workers as different users; free the disk "
	 "where write() failed.",
	 "epoll_ctl(2); fs/eventpoll.c ep_insert()"},
	{"epoll_ctl: No space left on device",
	 "epoll_ctl*No space left on device\nepoll_ctl*failed (28:\nepoll_ctl*ENOSPC\n"
	 "ENOSPC*epoll_ctl\nEpollCtl*No space left",
	 "ENOSPC from epoll_ctl(): one user has registered as many descriptors as "
	 "fs.epoll.max_user_watches allows, over all its processes. The disk is not full.",
	 "epoll.watches", REMEDY_KERNEL,
	 "cat /proc/sys/fs/epoll/max_user_watches; grep -c ^tfd: /proc/PID/fdinfo/EPOLL_FD",
	 "sysctl -w fs.epoll.max_user_watches=VALUE, or run the workers as different users.",
	 "epoll_ctl(2); fs/eventpoll.c ep_insert()"},
	{"inotify watch limit reached",
	 "System limit for number of file watchers reached\ninotify_add_watch*No space left\n"
	 "inotify watches*limit\nFailed to allocate directory watch\n"
	 "inotify_init*Too many open files\ninotify instance*Too many open files\n"
	 "inotify*No space left",
	 "One user has as many inotify watches (ENOSPC) or instances (EMFILE) as "
	 "fs.inotify.max_user_watches or fs.inotify.max_user_instances allows. Descriptors and "
	 "disks are not the limit.",
	 "", REMEDY_KERNEL, "sysctl fs.inotify",
	 "For example: sysctl -w fs.inotify.max_user_instances=1024 fs.inotify.max_user_watches=1048576 where "
	 "the running values are lower, and the same lines in /etc/sysctl.d.",
	 "inotify(7); fs/notify/inotify/inotify_user.c"},
	{"ENOBUFS", "No buffer space available\nErrno 105\nfailed (105:",
	 "From send() of a UDP or raw socket with IP_RECVERR: the neighbour table is full "
	 "(net.ipv4.neigh.default.gc_thresh3, in networks with many addresses), or the queue of an "
	 "interface dropped the packet. From connect() of TCP: the kernel had no memory for the SYN.",
	 "neighbours", REMEDY_KERNEL,
	 "ip neigh | wc -l; sysctl net.ipv4.neigh.default.gc_thresh3; tc -s qdisc",
	 "Raise net.ipv4.neigh.default.gc_thresh1, gc_thresh2 and gc_thresh3 above the number of "
	 "neighbours; where tc shows drops, send more slowly.",
	 "arp(7); net/core/neighbour.c ___neigh_create(); send(2)"},
	{"EADDRNOTAVAIL",
	 "Cannot assign requested address\nErrno 99\nCan't assign requested address\n"
	 "BindException: Cannot assign requested address",
	 "From connect(): every port of net.ipv4.ip_local_port_range is in use between this source "
	 "address and this destination, by connections or in TIME_WAIT. From bind() to a fixed "
	 "address: no interface has that address. Java throws BindException for both: the frame "
	 "below it (Net.connect0, Net.bind0) says which.",
	 "ports.ephemeral,ports.rate", REMEDY_KERNEL, PORTS_SHOW, PORTS_ACTION,
	 "connect(2); net/ipv4/inet_hashtables.c __inet_hash_connect()"},
	{"connect: Cannot assign requested address",
	 "connect() failed (99:\nconnect: cannot assign requested address\nconnect EADDRNOTAVAIL\n"
	 "connect*Cannot assign requested address\nconnecting to*Cannot assign requested address\n"
	 "backend*no free ports\n"
	 "NoRouteToHostException: Cannot assign requested address\n"
	 "AnnotatedSocketException: Cannot assign requested address\n"
	 "BindException: Cannot assign requested address*Net.connect\n"
	 "BindException: Cannot assign requested address*Net.connect0",
	 "EADDRNOTAVAIL from connect(): a proxy or client has every port of "
	 "net.ipv4.ip_local_port_range in use between its address and this destination, by "
	 "connections or in TIME_WAIT. Ports count for each destination. A program that binds its "
	 "source address first, without IP_BIND_ADDRESS_NO_PORT, takes a port for all destinations.",
	 "ports.ephemeral,ports.rate", REMEDY_KERNEL, PORTS_SHOW,
	 PORTS_ACTION " nginx: keepalive 32; in upstream, with proxy_http_version 1.1; and "
		      "proxy_set_header Connection \"\";",
	 "connect(2), ip(7); net/ipv4/inet_hashtables.c __inet_hash_connect()"},
	{"bind: Cannot assign requested address",
	 "bind() to*failed (99:\nbind*Cannot assign requested address\nlisten EADDRNOTAVAIL\n"
	 "BindException: Cannot assign requested address*Net.bind\n"
	 "BindException: Cannot assign requested address*Net.bind0\n"
	 "BindException: Cannot assign requested address (Bind failed)\n"
	 "cannot bind*Cannot assign requested address\nlisten*Cannot assign requested address",
	 "EADDRNOTAVAIL from bind(): no interface of this network namespace has that address (yet). "
	 "Ports are not the limit.",
	 "", REMEDY_APPLICATION, "ip -br address",
	 "Start the server after its address: Wants=network-online.target and "
	 "After=network-online.target in section [Unit] of its unit; or for an address that moves: "
	 "net.ipv4.ip_nonlocal_bind=1.",
	 "bind(2), ip(7); net/ipv4/af_inet.c __inet_bind()"},
	{"EADDRINUSE", "Address already in use\nErrno 98\nfailed (98:",
	 "From bind(): another socket has the port: a listener, a connection whose automatic port "
	 "it is, or one in TIME_WAIT where the server does not set SO_REUSEADDR. From bind() to port "
	 "0: no port is free; a UDP port is taken for all destinations.",
	 "ports.ephemeral", REMEDY_APPLICATION, "ss -tuanp 'sport = :PORT'",
	 "Stop the other process. Where a client took the port of a service, add PORT to "
	 "the list that sysctl -n net.ipv4.ip_local_reserved_ports prints, and write the whole list: a "
	 "write replaces it.",
	 "bind(2), ip(7); net/ipv4/inet_connection_sock.c inet_csk_get_port()"},
	{"EAGAIN", "Resource temporarily unavailable\nEWOULDBLOCK\nErrno 11",
	 "From connect() to a UNIX socket: the accept queue of its listener is full. The kernel "
	 "refuses a non-blocking connect() at once; a blocking one sleeps. From connect() and "
	 "sendto() of a UDP socket: no port of net.ipv4.ip_local_port_range is free. From fork(): a "
	 "limit on processes. From read(), write() and accept() of a non-blocking socket it is "
	 "normal.",
	 "accept-queue.unix,ports.ephemeral,cgroup.pids,tasks", REMEDY_APPLICATION, "ss -lx",
	 "Add workers where Recv-Q stays above Send-Q; raise the server's backlog where bursts "
	 "fill the queue.",
	 "connect(2), unix(7); net/unix/af_unix.c unix_stream_connect()"},
	{"connect to UNIX: temporarily unavailable",
	 "connect() to unix:*failed (11:\nconnect*unix*Resource temporarily unavailable\n"
	 "connect EAGAIN\nunix socket, check backlog size on the server\n"
	 ".sock*Resource temporarily unavailable",
	 "EAGAIN from connect() to a UNIX socket: the accept queue of the server behind it (php-fpm, "
	 "gunicorn, uWSGI, puma) is full. The client is refused at once: UNIX sockets do not "
	 "retransmit. The queue holds min(backlog, net.core.somaxconn) + 1.",
	 "accept-queue.unix", REMEDY_APPLICATION, "ss -lx",
	 "Add workers where Recv-Q stays above Send-Q; else raise the server's backlog "
	 "(php-fpm: listen.backlog = 4096) and net.core.somaxconn, and restart it.",
	 "unix(7); net/unix/af_unix.c unix_stream_connect()"},
	{"fork: Resource temporarily unavailable",
	 "fork*Resource temporarily unavailable\nunable to create native thread\n"
	 "can't start new thread\npthread_create*Resource temporarily unavailable\n"
	 "could not fork new process for connection\nfork*failed (11:\n"
	 "failed to create new OS thread\nspawn EAGAIN\nspawn*EAGAIN\n"
	 "Can't create a new thread (errno 11\nCan't create a new thread*errno*11\n"
	 "Can't create thread to handle*errno*11\n"
	 "create*thread*Resource temporarily unavailable\n"
	 "creating*thread*Resource temporarily unavailable",
	 "EAGAIN from fork() or clone(): a limit on processes and threads is reached: pids.max of "
	 "the control group (TasksMax=), RLIMIT_NPROC of the user, kernel.threads-max or "
	 "kernel.pid_max.",
	 "cgroup.pids,tasks", REMEDY_CONTAINER,
	 GROUP_SHOW(
		 "pids.current pids.max pids.events") "; grep processes /proc/PID/limits; sysctl kernel.threads-max kernel.pid_max",
	 "Read the present limit: systemctl show -p TasksMax UNIT. Raise it: systemctl set-property UNIT "
	 "TasksMax=N; docker update --pids-limit N CONTAINER; or LimitNPROC= of the unit.",
	 "fork(2); kernel/fork.c copy_process(); kernel/cgroup/pids.c"},
	{"fork: Cannot allocate memory",
	 "fork*Cannot allocate memory\n"
	 "could not fork new process for connection: Cannot allocate memory\nspawn ENOMEM\n"
	 "spawn*ENOMEM\nfork*failed (12:\npthread_create*Cannot allocate memory\n"
	 "create*thread*Cannot allocate memory\ncreating*thread*Cannot allocate memory\n"
	 "Can't create a new thread (errno 12",
	 "ENOMEM from fork() or clone(): with vm.overcommit_memory=2 the memory that processes may "
	 "use has reached CommitLimit, although some is free; otherwise the machine, or the control "
	 "group at its memory.max, had none for the new process. A limit on processes gives EAGAIN.",
	 "cgroup.memory,memory.connection", REMEDY_KERNEL,
	 "sysctl vm.overcommit_memory; grep -E 'CommitLimit|Committed_AS|MemAvailable' /proc/meminfo; " GROUP_SHOW(
		 "memory.max memory.current memory.events"),
	 "Where vm.overcommit_memory is 2 and Committed_AS is near CommitLimit, for example: sysctl -w "
	 "vm.overcommit_ratio=80 where it is lower, add swap, or run fewer processes (PostgreSQL: a "
	 "pooler before it). Otherwise: MemoryMax= of the unit, or more memory.",
	 "fork(2); kernel/fork.c dup_mmap(); mm/util.c __vm_enough_memory()"},
	{"ECONNRESET",
	 "Connection reset by peer\nconnection reset\nErrno 104\nfailed (104:\nsocket hang up",
	 "The other side sent RST: its process closed with unread data or ended; or the server has "
	 "net.ipv4.tcp_abort_on_overflow=1 and a full accept queue, closed a listener with waiting "
	 "connections, or its kernel ended orphans for lack of memory. A middlebox may also forget "
	 "idle connections.",
	 "accept-queue,buffers.memory", REMEDY_APPLICATION,
	 "nstat -az TcpOutRsts TcpExtTCPAbortOnData TcpExtTCPAbortOnClose "
	 "TcpExtTCPAbortOnMemory TcpExtListenOverflows  # on the side that sent RST",
	 "Act on the counter that grows: epolltune explain NAME. For idle connections make the "
	 "keep-alive of the client shorter than that of the server and of the load balancer.",
	 "tcp(7); net/ipv4/tcp.c __tcp_close(), tcp_send_active_reset()"},
	{"ECONNREFUSED", "Connection refused\nErrno 111\nfailed (111:",
	 "No socket listens on that address and port in that network namespace, or a firewall "
	 "rejects. A full accept queue does not refuse: it drops, and the client retransmits.",
	 "", REMEDY_APPLICATION, "ss -ltnp 'sport = :PORT'; systemctl status UNIT",
	 "Start the server, or let it listen on the address that clients use (0.0.0.0 or [::]).",
	 "connect(2); net/ipv4/tcp_ipv4.c tcp_v4_send_reset()"},
	{"ETIMEDOUT",
	 "Connection timed out\nErrno 110\nfailed (110:\nconnect timed out\ndial tcp*i/o timeout\n"
	 "connection timeout",
	 "From connect(): no answer to the SYN and its retransmissions (about 130 s with the "
	 "default net.ipv4.tcp_syn_retries=6): a full accept queue, a full conntrack table, a firewall or a "
	 "dead host. Later: data or keepalive probes were not acknowledged.",
	 "accept-queue,syn-queue", REMEDY_NONE,
	 "nstat -az TcpExtListenOverflows TcpExtListenDrops TcpExtTCPTimeouts; ss -ltn  # both on the server",
	 "Where ListenOverflows grows, the server accepts too slowly or its backlog is short: "
	 "epolltune check --server :PORT. Where it does not, look at conntrack and the path.",
	 "connect(2), tcp(7); net/ipv4/tcp_timer.c"},
	{"TLS handshake timeout",
	 "SSL connection timeout\nConnection timed out during banner exchange",
	 "A client (Go, curl, ssh): the TCP connection is open, but no TLS handshake or banner came within "
	 "the client's own timeout: the kernel of the server completes the TCP handshake, and the server does "
	 "not accept, or is too busy to answer. Or the path loses large packets (MTU).",
	 "accept-queue", REMEDY_APPLICATION, "ss -ltn 'sport = :PORT'  # on the server: Recv-Q",
	 "Where Recv-Q stays above 0: epolltune check --server :PORT there says what the server does "
	 "instead. Otherwise look at its CPUs, and at the path: ping -M do -s 1472 ADDRESS.",
	 "listen(2), tcp(7)"},
	{"lookup: i/o timeout",
	 "dial tcp: lookup*i/o timeout\ndial udp: lookup*i/o timeout\nlookup*read udp*i/o timeout",
	 "A Go program: the name server did not answer in time: the name server, the path or the conntrack "
	 "table lost the packets. No connection was tried, and accept queues are not concerned.",
	 "conntrack", REMEDY_NONE,
	 "dig @SERVER NAME; cat /proc/net/stat/nf_conntrack; nstat -az UdpRcvbufErrors",
	 "Where dig fails too, look at the name server and the path. Kubernetes: insert_failed grows where "
	 "two queries of one socket race; a name server on the node (NodeLocal DNSCache) avoids that.",
	 "Go net/dnsclient_unix.go; net/netfilter/nf_conntrack_core.c"},
	{"sendto: Operation not permitted",
	 "sendto*Operation not permitted\nsendmsg*Operation not permitted\nEPERM*sendto\nsendto*EPERM\n"
	 "sendto*failed (1: Operation not permitted",
	 "EPERM from sendto(): a rule of the firewall drops what leaves, or the table of "
	 "connection tracking is full: nf_conntrack_max entries. A TCP connect() then gets no answer "
	 "and ends with ETIMEDOUT.",
	 "conntrack", REMEDY_KERNEL,
	 "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max; nft list ruleset",
	 "Where the two are equal: epolltune check --probe conntrack. Otherwise look for the rule in the "
	 "chains of the hook output.",
	 "send(2); net/netfilter/nf_conntrack_core.c resolve_normal_ct()"},
	{"EPIPE", "Broken pipe\nErrno 32\nfailed (32:",
	 "From write(): the other side has closed the connection, mostly a client that no longer "
	 "waits. Where many do, the answer comes too late: time in the accept queue is part of it.",
	 "accept-queue", REMEDY_APPLICATION, "ss -ltn 'sport = :PORT'",
	 "Where Recv-Q of the listener stays high, add workers. A longer queue makes it worse.",
	 "write(2), tcp(7)"},
	{"ECONNABORTED",
	 "Software caused connection abort\nErrno 103\nfailed (103:\n"
	 "client prematurely closed connection",
	 "The client was gone before the server accepted or answered it: it waited longer than its "
	 "timeout.",
	 "accept-queue", REMEDY_APPLICATION, "ss -ltn 'sport = :PORT'",
	 "Accept faster: add workers. A longer queue makes it worse.", "accept(2)"},
	{"timeout of N ms exceeded",
	 "AxiosError: timeout of*exceeded\ntimeout of*exceeded*ECONNABORTED\n"
	 "ECONNABORTED*timeout of*exceeded",
	 "axios: no whole answer came within its own timeout. It calls that ECONNABORTED, although no "
	 "system call has failed.",
	 "accept-queue", REMEDY_APPLICATION,
	 "ss -ltn 'sport = :PORT'; nstat -az TcpExtListenOverflows  # both on the server",
	 "Where ListenOverflows grows: epolltune check --server :PORT there. Otherwise the server answers "
	 "slowly: look at its requests.",
	 "axios lib/adapters/http.js"},
	{"EHOSTUNREACH", "No route to host\nErrno 113\nfailed (113:",
	 "No answer to ARP or neighbour discovery from the next hop, or a router or firewall sent an "
	 "ICMP error.",
	 "", REMEDY_NONE, "ip route get ADDRESS; ip neigh show to ADDRESS",
	 "Where the neighbour is FAILED, the host is down or in another network; otherwise look at "
	 "the firewall of the destination.",
	 "ip(7); net/core/neighbour.c"},
	{"ENOMEM", "Cannot allocate memory\nErrno 12\nfailed (12:",
	 "The kernel or a limit refused memory: the control group, vm.overcommit_memory=2, or the "
	 "machine itself.",
	 "cgroup.memory,memory.connection", REMEDY_KERNEL,
	 "free -m; " GROUP_SHOW("memory.max memory.current memory.events"),
	 "Raise the limit of the container or unit (MemoryMax=), or serve fewer connections for "
	 "each machine: epolltune check --connections N says what they take.",
	 "accept(2), mmap(2)"},
	{"filedescriptor out of range in select()",
	 "file descriptor out of range in select\nfd*FD_SETSIZE\ntoo large for select",
	 "The program waits by select(), which takes descriptors below 1024 (FD_SETSIZE) on any "
	 "limit.",
	 "", REMEDY_APPLICATION, "ls /proc/PID/fd | wc -l",
	 "Use epoll or poll in the program (in Python: selectors.DefaultSelector). No setting helps.",
	 "select(2); Python Modules/selectmodule.c"},

	/* States of connections. */
	{"TIME_WAIT", "TIME-WAIT\ntime wait\ntimewait\ntime wait state",
	 "The side that closed first keeps address and port of a connection for 60 s, a constant. "
	 "It is harmless on a server (about 250 bytes each) and limits only the side that connects: ports "
	 "/ 60 s new connections a second to one destination.",
	 "ports.rate,time-wait", REMEDY_KERNEL,
	 "ss -tan state time-wait | awk '{print $4}' | sort | uniq -c | sort -n | tail",
	 "Reuse connections; on a proxy set net.ipv4.tcp_tw_reuse=1. Do not lower "
	 "net.ipv4.tcp_max_tw_buckets; net.ipv4.tcp_fin_timeout does not change it.",
	 "tcp(7); include/net/tcp.h TCP_TIMEWAIT_LEN"},
	{"CLOSE_WAIT", "CLOSE-WAIT",
	 "The other side has closed and this process has not: it leaks descriptors or is blocked. No "
	 "timeout of the kernel ends it.",
	 "descriptors.process", REMEDY_APPLICATION, "ss -tanp state close-wait",
	 "Repair the program: close() after read() returned 0. Until then a restart frees them, and closes all other connections too.",
	 "tcp(7); RFC 9293"},
	{"SYN_RECV", "SYN-RECV\nSYN_RCVD",
	 "A handshake whose last ACK has not arrived, or that a full accept queue does not take: the "
	 "SYN queue.",
	 "syn-queue,accept-queue", REMEDY_APPLICATION,
	 "ss -tan state syn-recv; ss -ltn; nstat -az TcpExtListenOverflows TcpExtTCPReqQFullDoCookies",
	 "Where Recv-Q of the listener is above Send-Q, the accept queue is the cause; raise the "
	 "backlog or accept faster. Otherwise clients do not answer: keep net.ipv4.tcp_syncookies=1.",
	 "tcp(7); net/ipv4/tcp_input.c tcp_conn_request()"},
	{"SYN_SENT", "SYN-SENT",
	 "A connect() that waits for an answer. If many connect to one server, it or a device "
	 "on the path drops SYNs.",
	 "accept-queue,syn-queue", REMEDY_NONE,
	 "ss -tan state syn-sent; nstat -az TcpExtListenDrops  # on the server",
	 "On the server: epolltune check --server :PORT.", "tcp(7)"},

	/* Lines of the kernel log. */
	{"Possible SYN flooding", "SYN flood\nSYN flooding",
	 "Kernel log: a listener's SYN queue was full. With net.ipv4.tcp_syncookies=1 the kernel "
	 "answers with cookies instead of dropping SYNs; the cause is more often a small backlog than an "
	 "attack. The kernel logs it once for each listener: later overflows only count.",
	 "syn-queue", REMEDY_APPLICATION,
	 "nstat -az TcpExtTCPReqQFullDoCookies TcpExtTCPReqQFullDrop; ss -ltn 'sport = :PORT'",
	 "Raise the backlog that the server passes to listen(), and net.core.somaxconn.",
	 "net/ipv4/tcp_input.c tcp_syn_flood_action()"},
	{"SYN flooding: Dropping request", "Possible SYN flooding on port*Dropping request",
	 "Kernel log: a listener's SYN queue was full and net.ipv4.tcp_syncookies is 0: the kernel drops "
	 "SYNs, and clients wait 1 s and more.",
	 "syn-queue", REMEDY_KERNEL,
	 "sysctl net.ipv4.tcp_syncookies; nstat -az TcpExtTCPReqQFullDrop; ss -ltn 'sport = :PORT'",
	 "Set net.ipv4.tcp_syncookies=1, and raise the backlog of the server.",
	 "net/ipv4/tcp_input.c tcp_syn_flood_action()"},
	{"TCP: out of memory",
	 "out of memory -- consider tuning tcp_mem\nOut of socket memory\nconsider tuning tcp_mem",
	 "Kernel log: all TCP sockets together exceed the third field of net.ipv4.tcp_mem. The "
	 "kernel drops received packets and resets orphans.",
	 "buffers.memory", REMEDY_KERNEL,
	 "grep TCP: /proc/net/sockstat; cat /proc/sys/net/ipv4/tcp_mem; ss -tan | sort -k2,2n -k3,3n | tail",
	 "Find sockets with full queues (ss -tnpm: Recv-Q is the process' own delay, Send-Q the "
	 "peer's); raise net.ipv4.tcp_mem (pages).",
	 "net/ipv4/tcp.c tcp_check_oom()"},
	{"too many orphaned sockets", "too many of orphaned sockets",
	 "Kernel log: net.ipv4.tcp_max_orphans connections are closed by their processes and wait "
	 "for their last data to be acknowledged. The kernel resets further ones.",
	 "orphans", REMEDY_KERNEL, "grep TCP: /proc/net/sockstat; nstat -az TcpExtTCPAbortOnMemory",
	 "Find the clients that do not acknowledge (ss -tan state fin-wait-1); raise "
	 "net.ipv4.tcp_max_orphans where memory allows.",
	 "net/ipv4/tcp.c tcp_check_oom()"},
	{"time wait bucket table overflow", "",
	 "Kernel log of old kernels: net.ipv4.tcp_max_tw_buckets connections are in TIME_WAIT. The "
	 "kernel closes further ones at once. Newer kernels only count TCPTimeWaitOverflow.",
	 "time-wait", REMEDY_KERNEL,
	 "grep TCP: /proc/net/sockstat; nstat -az TcpExtTCPTimeWaitOverflow",
	 "Reuse connections. A larger net.ipv4.tcp_max_tw_buckets does not allow more connections.",
	 "net/ipv4/inet_timewait_sock.c inet_twsk_alloc()"},
	{"nf_conntrack: expectation table full", "expectation table full",
	 "A helper of connection tracking (FTP, SIP) has net.netfilter.nf_conntrack_expect_max "
	 "connections that it expects: the kernel drops the packet that announces the next one. "
	 "net.netfilter.nf_conntrack_max is not the limit.",
	 "", REMEDY_KERNEL,
	 "sysctl net.netfilter.nf_conntrack_expect_max; wc -l </proc/net/nf_conntrack_expect",
	 "sysctl -w net.netfilter.nf_conntrack_expect_max=VALUE, or remove the helper from the rules "
	 "where its protocol is not used.",
	 "net/netfilter/nf_conntrack_expect.c nf_ct_expect_related_report()"},
	{"nf_queue: full", "nf_queue: full at*entries, dropping packet",
	 "The queue to a user space program (NFQUEUE, as of Suricata or a firewall daemon) is full: the "
	 "program reads too slowly, and the kernel drops the packets beyond, or lets them pass where the "
	 "program asks for that.",
	 "", REMEDY_APPLICATION, "cat /proc/net/netfilter/nfnetlink_queue",
	 "Raise the length in that program (nfq_set_queue_maxlen(), 1024 by default), spread over several "
	 "queues (iptables --queue-balance), or have the program let packets pass at a full one "
	 "(NFQA_CFG_F_FAIL_OPEN).",
	 "net/netfilter/nfnetlink_queue.c __nfqnl_enqueue_packet()"},
	{"nf_conntrack: table full",
	 "nf_conntrack: table full, dropping packet\nip_conntrack: table full\n"
	 "table full, dropping packet\nconntrack*table full",
	 "Kernel log: this network namespace tracks net.netfilter.nf_conntrack_max connections; the kernel "
	 "drops the packets of new ones. A closed one stays 120 s in TIME_WAIT, an established one "
	 "5 days: need = connections + closed/s * 120.",
	 "conntrack", REMEDY_KERNEL,
	 "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max; cat "
	 "/proc/net/stat/nf_conntrack",
	 "Where they are lower, in the initial network namespace, for example: sysctl -w "
	 "net.netfilter.nf_conntrack_max=1048576 net.netfilter.nf_conntrack_buckets=262144; an entry takes "
	 "a few hundred bytes. Against peers that vanished: sysctl -w "
	 "net.netfilter.nf_conntrack_tcp_timeout_established=7440. Or do not track the port (nft: "
	 "notrack). A line in sysctl.d holds only if the module is loaded before: echo nf_conntrack "
	 ">/etc/modules-load.d/nf_conntrack.conf.",
	 "net/netfilter/nf_conntrack_core.c __nf_conntrack_alloc()"},
	{"neighbor table overflow", "neighbour table overflow",
	 "Kernel log: the ARP or NDP table has net.ipv4.neigh.default.gc_thresh3 entries (1024) of "
	 "all network namespaces, and the kernel could free none: it drops packets to new neighbours.",
	 "neighbours", REMEDY_KERNEL, "ip neigh | wc -l; cat /proc/net/stat/arp_cache",
	 "Where they are lower, for example: sysctl -w net.ipv4.neigh.default.gc_thresh1=4096 "
	 "net.ipv4.neigh.default.gc_thresh2=8192 net.ipv4.neigh.default.gc_thresh3=16384 (net.ipv6 for "
	 "ndisc_cache).",
	 "net/core/neighbour.c neigh_alloc(); arp(7)"},
	{"VFS: file-max limit reached", "file-max limit * reached",
	 "Kernel log: the machine has as many files open as fs.file-max allows.",
	 "descriptors.system", REMEDY_KERNEL, SYSTEM_FILES_SHOW, SYSTEM_FILES_ACTION,
	 "fs/file_table.c alloc_empty_file()"},
	{"prefer different parity", "",
	 "Kernel log: both ends of net.ipv4.ip_local_port_range are even, or both odd. connect() "
	 "then searches longer for a free port.",
	 "ports.ephemeral", REMEDY_KERNEL, "cat /proc/sys/net/ipv4/ip_local_port_range",
	 "Set a range whose ends differ in parity: net.ipv4.ip_local_port_range = 32768 60999.",
	 "net/ipv4/sysctl_net_ipv4.c ipv4_local_port_range()"},
	{"callbacks suppressed", "",
	 "Kernel log: more messages of that kind came than the rate limit prints (10 in 5 s). Counts "
	 "of lines in the log are lower bounds.",
	 "", REMEDY_NONE, "sysctl net.core.message_cost net.core.message_burst",
	 "Read the counters instead: nstat -az.", "lib/ratelimit.c ___ratelimit()"},
	{"invoked oom-killer", "OOM\nOOM killer",
	 "The OOM killer of the kernel kills a process for lack of memory: of the machine, or of a control "
	 "group (a container's or unit's) at its limit. This line does not say which; oom-kill:constraint= "
	 "after it does (CONSTRAINT_MEMCG: a group, CONSTRAINT_NONE: the machine).",
	 "cgroup.memory,memory.connection", REMEDY_NONE,
	 "journalctl -k --grep 'oom-kill:constraint|Killed process'",
	 "Run epolltune explain with the line \"Killed process\" that follows.",
	 "mm/oom_kill.c dump_header()"},
	{"Out of memory: Killed process",
	 "Out of memory: Kill process\nOut of memory: Killed process\noom-kill:constraint="
	 "CONSTRAINT_NONE",
	 "Kernel log: the machine ran out of memory and the kernel killed a process. Each idle "
	 "connection takes about 4 KiB of kernel memory, its buffers more.",
	 "memory.connection,buffers.memory", REMEDY_KERNEL,
	 "free -m; grep -E 'MemAvailable|Slab|SUnreclaim' /proc/meminfo; grep TCP: /proc/net/sockstat",
	 "Lower what grows (buffers, workers, connections) or add memory: epolltune check "
	 "--connections N says what N connections take.",
	 "mm/oom_kill.c oom_kill_process()"},
	{"Memory cgroup out of memory",
	 "Memory cgroup out of memory: Killed process\noom-kill:constraint=CONSTRAINT_MEMCG\nOOMKilled\nkilled as a result of limit of",
	 "Kernel log: the processes of a control group reached its memory limit (memory.max; a "
	 "container's or unit's), and one of them was killed. Socket buffers count.",
	 "cgroup.memory", REMEDY_CONTAINER,
	 "journalctl -k | grep -o 'oom_memcg=[^,]*' | tail -n 1; (cd /sys/fs/cgroup/GROUP && grep -s . "
	 "memory.max memory.peak memory.events)  # the group that the first prints",
	 "Read the present limit: systemctl show -p MemoryMax UNIT. Raise it: systemctl set-property "
	 "UNIT MemoryMax=N; docker update --memory N --memory-swap 2N CONTAINER; Kubernetes: resources.limits.memory.",
	 "mm/memcontrol.c mem_cgroup_out_of_memory()"},
	{"Too many incoming connections",
	 "Too many incoming connections (*dropping connection\n"
	 "Too many incoming connections (*from source*dropping connection",
	 "systemd: a socket unit with Accept=yes has MaxConnections= connections (64 by default), or "
	 "MaxConnectionsPerSource= of one client: it closes the next one. No counter of the kernel "
	 "grows.",
	 "application.limit", REMEDY_APPLICATION,
	 "systemctl show -p MaxConnections,MaxConnectionsPerSource,NConnections,NRefused UNIT",
	 "Raise it: " UNIT_LINE(
		 "UNIT", "Socket",
		 "MaxConnections=N") "; then systemctl restart UNIT. Or Accept=no: one process for all connections.",
	 "systemd src/core/socket.c socket_enter_running()"},
	{"Trigger limit hit, refusing further activation", "Trigger limit hit\ntrigger-limit-hit",
	 "systemd: a socket unit was activated more often than TriggerLimitBurst= in "
	 "TriggerLimitIntervalSec= (with Accept=yes 200 connections in 2 s, otherwise 20): the unit has "
	 "failed, its listener is closed, and clients are refused until it is restarted. With Accept=no "
	 "the service mostly ends at once, without taking the connection.",
	 "application.starts", REMEDY_APPLICATION,
	 "systemctl status UNIT; journalctl -u UNIT -u SERVICE",
	 "Find why the service ends (its log); for a high rate, " UNIT_LINE(
		 "UNIT", "Socket", "TriggerLimitBurst=2000") ". Then systemctl restart UNIT.",
	 "systemd src/core/socket.c socket_enter_running(); systemd.socket(5)"},
	{"killed by the OOM killer",
	 "killed by the OOM killer\nFailed with result 'oom-kill'\ncode=killed, status=9/KILL\n"
	 "code=killed, signal=KILL",
	 "systemd: a process of the unit got SIGKILL, mostly from the kernel for lack of memory: its "
	 "control group reached MemoryMax=, or the machine ran out. The kernel log says which.",
	 "cgroup.memory,memory.connection", REMEDY_CONTAINER,
	 "journalctl -k | grep -E 'oom-kill:|Killed process'; systemctl show -p MemoryMax,MemoryCurrent "
	 "UNIT",
	 "CONSTRAINT_MEMCG: systemctl set-property UNIT MemoryMax=N, with N above the present limit. "
	 "CONSTRAINT_NONE: the machine is "
	 "short of memory: lower what grows. Neither: a stop timeout (TimeoutStopSec=) or an "
	 "administrator.",
	 "systemd.service(5); mm/oom_kill.c"},
	{"fork rejected by pids controller", "",
	 "Kernel log: a control group has pids.max processes and threads; fork() fails with EAGAIN. "
	 "It is logged once for each group.",
	 "cgroup.pids", REMEDY_CONTAINER,
	 "(cd /sys/fs/cgroup/GROUP && grep . pids.current pids.max pids.events)",
	 "Read the present limit: systemctl show -p TasksMax UNIT. Raise it: systemctl set-property UNIT "
	 "TasksMax=N; docker update --pids-limit N CONTAINER.",
	 "kernel/cgroup/pids.c pids_can_fork()"},
	{"Route cache is full", "",
	 "Kernel log: net.ipv6.route.max_size IPv6 routes are in use; packets to new destinations are "
	 "dropped. IPv4 has no such cache since 3.6, IPv6 no such limit since 6.3 (and stable kernels "
	 "that took it).",
	 "", REMEDY_KERNEL, "cat /proc/net/rt6_stats; sysctl net.ipv6.route.max_size",
	 "For example: sysctl -w net.ipv6.route.max_size=1048576.",
	 "net/core/dst.c dst_alloc(); af6d10345ca7"},
	{"NETDEV WATCHDOG: queue timed out", "NETDEV WATCHDOG\ntransmit queue * timed out",
	 "Kernel log: a network card did not send for seconds and was reset. A hardware or driver "
	 "problem, not a setting.",
	 "", REMEDY_DEVICE, "ethtool -i DEVICE; ip -s link show DEVICE",
	 "Update driver and firmware; as a test switch off offloads: ethtool -K DEVICE tso off gso off.",
	 "net/sched/sch_generic.c dev_watchdog()"},
	{"Driver has suspect GRO implementation", "",
	 "Kernel log: a driver delivers packets larger than the MSS of the connection, so receivers "
	 "compute their window from a wrong size.",
	 "buffers.receive", REMEDY_DEVICE, "ethtool -k DEVICE | grep receive-offload",
	 "ethtool -K DEVICE lro off, or gro off where that does not help; update the driver.",
	 "net/ipv4/tcp_input.c tcp_gro_dev_warn()"},
	{"page allocation failure", "page allocation failure: order",
	 "Kernel log: the kernel found no free memory in an interrupt, mostly for received packets, "
	 "which are dropped.",
	 "memory.connection", REMEDY_KERNEL, "cat /proc/buddyinfo; sysctl vm.min_free_kbytes",
	 "Raise vm.min_free_kbytes, and lower MTU or rings where the order is above 0.",
	 "mm/page_alloc.c warn_alloc()"},

	/* sysctl and systemd-sysctl. */
	{"sysctl: Invalid argument",
	 "setting key*Invalid argument\nCouldn't write*Invalid argument\nsysctl*Invalid argument\n"
	 ".proc.sys.*Invalid argument",
	 "The kernel refused the value: quotes in the file, a number out of range (a port above "
	 "65535), ends in the wrong order, or the low end of ip_local_port_range below "
	 "ip_unprivileged_port_start.",
	 "", REMEDY_NONE, "sysctl KEY; epolltune explain KEY",
	 "Write the value without quotes: net.ipv4.ip_local_port_range = 10240 65535.",
	 "kernel/sysctl.c; net/ipv4/sysctl_net_ipv4.c ipv4_local_port_range()"},
	{"sysctl: No such file or directory",
	 "cannot stat /proc/sys\nCouldn't write*No such file or directory\nis an unknown key\n"
	 "setting key*No such file or directory",
	 "This kernel has no such setting: removed, misspelt, or of a module that is not loaded yet "
	 "(nf_conntrack), or not visible in this network namespace. Of default_qdisc and "
	 "tcp_congestion_control: no such name; quotes and a comment behind it are part of it.",
	 "", REMEDY_NONE, SYSCTL_SHOW "; lsmod | grep conntrack",
	 "epolltune lint names the line. Remove it, or load the module: modprobe nf_conntrack, and for "
	 "the boot: echo nf_conntrack >/etc/modules-load.d/nf_conntrack.conf. epolltune explain KEY says "
	 "since when.",
	 "sysctl.d(5); fs/proc/proc_sysctl.c"},
	{"sysctl: permission denied on key",
	 "permission denied on key\nsetting key*Read-only file system\n"
	 "Couldn't write*Read-only file system\nCouldn't write*Permission denied\n"
	 "forbidden sysctl\nSysctlForbidden\n"
	 ".proc.sys.*Read-only file system",
	 "A user other than root cannot write settings. In a container root cannot either: /proc/sys is "
	 "read-only, and global settings can be written in the initial network namespace only.",
	 "", REMEDY_NONE, "id -u; readlink /proc/self/ns/net; grep /proc/sys /proc/mounts",
	 "Run the command with sudo. In a container set it from outside: docker run --sysctl KEY=VALUE, securityContext.sysctls of the pod "
	 "(Kubernetes forbids most until --allowed-unsafe-sysctls of the kubelet lists them); global "
	 "ones on the host.",
	 "sysctl(8); net/sysctl_net.c net_ctl_permissions()"},
};

#define ROWS (sizeof(symptoms) / sizeof(*symptoms))

size_t symptom_row_count(void) { return ROWS + server_message_count(); }

const struct clue_row *symptom_row_at(size_t i)
{
	return i < ROWS ? &symptoms[i] : server_message_at(i - ROWS);
}
