/* The table of knobs. Ranges are those of Linux 6.18 where the kernel enforces one, and otherwise
 * the values that make sense. Bytes of memory are those of x86_64 slabs: request_sock_TCP 304,
 * tw_sock_TCP 256, epitem with its wait entry 211, filp 256 with dentry 192, a full skb 2304. */
#include "epolltune/device_setting.h"
#include "epolltune/knob.h"

/* SOCK_MIN_RCVBUF and SOCK_MIN_SNDBUF of include/net/sock.h on 64-bit machines. */
#define RCVBUF_MIN 2304
#define SNDBUF_MIN 4608
/* kernel/sysctl.c, proc_dointvec_jiffies(): INT_MAX / HZ, with HZ at its highest. */
#define SECONDS_MAX 2147483
/* fs/file.c, sysctl_nr_open_max on 64-bit machines. */
#define NR_OPEN_MAX 2147483584

#define WAITING_CONNECTIONS                                                                         \
	"Unused entries cost nothing. Each waiting connection takes the memory of a socket, about " \
	"4 KiB."

/* The rows of a neighbour table: IPv4's or IPv6's. */
#define NEIGHBOURS_EVICT(table, tree, counts)                                                      \
	{                                                                                          \
		.name = "net." tree ".neigh.default.gc_thresh2", .scope = KNOB_SYSTEM,             \
		.unit = "neighbours", .max = INT32_MAX, .refuses_less = "", .refuses_more = "",    \
		.round = KNOB_POWER, .round_min = 512, .walls = "neighbours",                      \
		.what = "When the " table " neighbour table has more entries than this, a new "    \
			"entry makes the kernel evict unused entries that have failed or were "    \
			"not updated for 5 s. The default is 512.",                                \
		.cost = "Unused entries stay longer and keep their memory.",                       \
		.counter = counts ".table_fulls",                                                  \
		.source = "ip-sysctl.rst; net/core/neighbour.c neigh_forced_gc()",                 \
	}
#define NEIGHBOURS_LIMIT(table, tree, counts)                                                      \
	{                                                                                          \
		.name = "net." tree ".neigh.default.gc_thresh3", .scope = KNOB_SYSTEM,             \
		.unit = "neighbours", .max = INT32_MAX, .refuses_less = "", .refuses_more = "",    \
		.round = KNOB_POWER, .round_min = 1024, .walls = "neighbours",                     \
		.what = "Limits the entries of the " table " neighbour table, the hosts on the "   \
			"same link, of all network namespaces together. Permanent entries do "     \
			"not count. The default is 1024.",                                         \
		.cost = "An entry takes 512 bytes of kernel memory.",                              \
		.counter = counts ".table_fulls",                                                  \
		.source = "ip-sysctl.rst; net/core/neighbour.c neigh_alloc()",                     \
		.memory = {512, KNOB_PER_ENTRY, KNOB_UNLIMITED},                                   \
	}

static const struct knob knobs[] = {
	{
		.name = "RLIMIT_NOFILE",
		.scope = KNOB_PROCESS,
		.shape = KNOB_RANGE,
		.effect = KNOB_NEXT_PROCESS,
		.unit = "descriptors",
		.max = NR_OPEN_MAX,
		.round = KNOB_POWER,
		.round_min = 1024,
		.how = "Set {openrc?rc_ulimit=\"-{soft_flag}n {proposed}\" in /etc/conf.d/NAME:"
		       "LimitNOFILE={proposed}{keep} in the systemd unit of the server}, or run "
		       "ulimit -{soft_flag}n {proposed} in the shell that starts the server. Then "
		       "restart the server{openrc? (rc-service NAME restart)}.",
		.steps = "Set the limit of the process. {openrc?In /etc/conf.d/NAME\\:\n"
			 "    rc_ulimit=\"-{soft?S}n {proposed}\"\n"
			 "  rc-service NAME restart\n"
			 ":With systemd\\:\n"
			 "  systemctl edit UNIT      and add\n"
			 "    [Service]\n"
			 "    LimitNOFILE={proposed}{soft?\\:HARD}\n"
			 "  systemctl restart UNIT\n}"
			 "For a running process{soft?, with HARD from /proc/PID/limits}, as root\n"
			 "(repeat it for each worker process of the server):\n"
			 "  prlimit --pid PID --nofile={proposed}{soft?\\:HARD}\n"
			 "Redis, HAProxy, MySQL and MongoDB compute a limit of their own from\n"
			 "RLIMIT_NOFILE when they start: restart them instead.",
		.walls = "descriptors.process,application.connections",
		.what = "Limits the descriptors that a process may have open. The soft limit is in "
			"force; the process may raise it itself up to the hard limit. Each "
			"connection takes one descriptor. A service of systemd has it from "
			"LimitNOFILE= of its unit; a login session from /etc/security/limits.conf, "
			"which services ignore; a process that a shell starts from ulimit -n. "
			"prlimit(1) changes it for a running process.",
		.cost = "Unused descriptors cost nothing. Each slot of the process' descriptor "
			"table takes 8 bytes. A very high soft limit slows programs that close "
			"every possible descriptor, and breaks those that use select().",
		.counter = "EMFILE from accept(2), socket(2), open(2)",
		.source = "getrlimit(2); fs/file.c alloc_fd()",
	},
	{
		.name = "fs.nr_open",
		.scope = KNOB_SYSTEM,
		.anywhere = true,
		.unit = "descriptors",
		.min = 64,
		.max = NR_OPEN_MAX,
		.refuses_less = "",
		.refuses_more = "",
		.round = KNOB_POWER,
		.round_min = 1024,
		.walls = "descriptors.process",
		.what = "Limits the value to which any process, root included, may raise "
			"RLIMIT_NOFILE, and the descriptors of a process whose limit is higher. "
			"The kernel's default is 1048576. Since version 240 systemd raises it to the maximum, but not on Debian and Ubuntu.",
		.cost = "The value itself costs nothing. It allows a process a descriptor table "
			"of 8 bytes a slot.",
		.counter = "EPERM from setrlimit(2) with RLIMIT_NOFILE above it; EMFILE from "
			   "accept(2) below RLIMIT_NOFILE",
		.source = "proc(5); kernel/sys.c do_prlimit(); fs/file.c expand_files()",
	},
	{
		.name = "fs.file-max",
		.scope = KNOB_SYSTEM,
		.anywhere = true,
		.unit = "files",
		.max = INT64_MAX,
		.refuses_less = "5.17",
		.round = KNOB_POWER,
		.round_min = 1024,
		.walls = "descriptors.system",
		.what = "Limits the files, sockets included, that the whole machine may have open. "
			"Processes with CAP_SYS_ADMIN may exceed it. The default is one file for "
			"each 10 KiB of memory; systemd raises it to the maximum since version 240.",
		.cost = "Unused entries cost nothing. Each open file takes about 450 bytes of "
			"kernel memory, a TCP socket about 4 KiB.",
		.counter = "ENFILE; \"file-max limit reached\" in the kernel log; fs.file-nr "
			   "shows the files in use",
		.source = "proc(5); fs/file_table.c alloc_empty_file(), files_maxfiles_init()",
		.memory = {448, KNOB_PER_ENTRY, KNOB_MAX_CONNECTIONS},
	},
	{
		.name = "fs.epoll.max_user_watches",
		.scope = KNOB_SYSTEM,
		.anywhere = true,
		.unit = "watches",
		.max = INT64_MAX,
		.refuses_less = "5.17",
		.round = KNOB_POWER,
		.round_min = 1024,
		.walls = "epoll.watches",
		.what = "Limits the descriptors that one user may have registered in all epoll "
			"sets together. The default is as many watches as fit into 4 % of the low "
			"memory.",
		.cost = "Unused entries cost nothing. Each watch takes about 200 bytes of kernel "
			"memory on a 64-bit machine.",
		.counter = "ENOSPC from epoll_ctl(2) EPOLL_CTL_ADD",
		.source = "epoll(7); fs/eventpoll.c ep_insert(), eventpoll_init()",
		.memory = {211, KNOB_PER_ENTRY, KNOB_MAX_CONNECTIONS},
	},

	{
		.name = "net.core.somaxconn",
		.scope = KNOB_NETNS,
		.effect = KNOB_NEXT_LISTEN,
		.unit = "connections",
		.max = INT32_MAX,
		.refuses_less = "",
		.refuses_more = "",
		.round = KNOB_POWER,
		.round_min = 128,
		.walls = "accept-queue,accept-queue.unix,syn-queue",
		.what = "Limits the backlog that listen() may ask for; the kernel reduces a "
			"larger one without an error. The accept queue of a listener holds one "
			"connection more than the smaller of the two. The default is 4096 since "
			"5.4, 128 before.",
		.cost = WAITING_CONNECTIONS
		" From a queue that takes longer to empty than the clients' timeout the "
		"server accepts connections that their clients have closed.",
		.how = "net.core.somaxconn takes effect at the next listen(): restart the server, "
		       "with a backlog of {proposed} or more.",
		.counter = "TcpExt.ListenOverflows",
		.source = "listen(2); net/socket.c __sys_listen(); include/net/sock.h "
			  "sk_acceptq_is_full()",
		.memory = {KNOB_SOCKET_BYTES, KNOB_PER_ENTRY, KNOB_MAX_CONNECTIONS},
	},
	{
		.name = "net.ipv4.tcp_abort_on_overflow",
		.scope = KNOB_NETNS,
		.effect = KNOB_NEXT_PACKET,
		.unit = "",
		.max = 1,
		.lower_is_better = true,
		.refuses_less = "",
		.walls = "accept-queue",
		.what = "Selects what the kernel does when a handshake completes while the accept "
			"queue is full. With 0 (the default) it drops the client's ACK, keeps the "
			"connection half-open and retransmits the SYN-ACK; with 1 it resets the "
			"connection. With either it drops new SYNs meanwhile.",
		.cost = "With 1, a burst that fills the queue makes clients report errors; with 0 "
			"they wait for a retransmission.",
		.counter = "TcpExt.EmbryonicRsts with TcpExt.ListenOverflows",
		.source = "tcp(7); net/ipv4/tcp_minisocks.c tcp_check_req()",
	},
	{
		.name = "listen.backlog",
		.scope = KNOB_APPLICATION,
		.effect = KNOB_NEXT_LISTEN,
		.unit = "connections",
		.max = INT32_MAX,
		.round = KNOB_POWER,
		.round_min = 128,
		.how = "Pass backlog {proposed} to listen() (nginx: listen ADDRESS "
		       "backlog={proposed};) and restart the server.",
		.steps = "Set the application's argument to listen() and restart the application.\n"
			 "nginx: listen ADDRESS backlog={proposed};\n"
			 "Redis: tcp-backlog {proposed}\n"
			 "With socket activation systemd holds the listener, and does not open it\n"
			 "again while the service runs:\n"
			 "  systemctl edit NAME.socket      and add\n"
			 "    [Socket]\n"
			 "    Backlog={proposed}\n"
			 "  systemctl stop NAME.socket NAME.service\n"
			 "  systemctl start NAME.socket NAME.service",
		.walls = "accept-queue,accept-queue.unix,syn-queue",
		.what = "Sets the accept queue that the application asks for: the second argument "
			"of listen(), reduced to net.core.somaxconn. It is in the application's "
			"configuration, such as backlog= of nginx' listen (511 by default) or "
			"tcp-backlog of Redis, or, where systemd opens the listener, Backlog= of "
			"the socket unit.",
		.cost = WAITING_CONNECTIONS,
		.counter = "TcpExt.ListenOverflows; ss -ltn shows the limit as Send-Q",
		.source = "listen(2); net/ipv4/af_inet.c inet_listen()",
	},
	{
		.name = "server.max_connections",
		.scope = KNOB_APPLICATION,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_PROCESS,
		.unit = "connections",
		.min = 1,
		.max = INT32_MAX,
		.round = KNOB_SIXTEENTH,
		.round_min = 16,
		.how = "{server}\\: {line} (default\\: {default}).",
		.steps = "Set the server's own limit on connections to {proposed} and restart the\n"
			 "server.\n"
			 "nginx, for each worker: events \\{ worker_connections {proposed}; \\}\n"
			 "Redis: maxclients {proposed}; HAProxy: maxconn {proposed} in section "
			 "global; memcached -c {proposed}",
		.walls = "application.limit,application.connections",
		.what = "Sets the connections that a server holds by its own configuration, such "
			"as maxclients of Redis, maxconn of HAProxy or -c of memcached. "
			"worker_connections of nginx is a limit of each worker process, and counts "
			"connections to upstream servers too.",
		.cost = "Servers allocate tables, and some buffers, by it; each connection takes a "
			"descriptor, one to another server behind it a second one.",
		.counter = "A refused or reset connection, and the server's log",
		.source = "nginx ngx_event_core_module; redis.conf; HAProxy configuration.txt; "
			  "memcached(1)",
		.since = "",
	},
	{
		.name = "net.ipv4.tcp_max_syn_backlog",
		.scope = KNOB_NETNS,
		.effect = KNOB_NEXT_PACKET,
		.unit = "connections",
		.max = INT32_MAX,
		.refuses_more = "",
		.round = KNOB_POWER,
		.round_min = 128,
		.walls = "syn-queue",
		.what = "Limits the half-open connections of a listener while SYN cookies are "
			"off: beyond three quarters of it the kernel drops the SYN of a client "
			"that it does not know from earlier connections. With "
			"net.ipv4.tcp_syncookies=1 it has no effect: the listener's backlog is "
			"then the limit.",
		.cost = "Each half-open connection takes about 300 bytes.",
		.counter = "TcpExt.ListenDrops without TcpExt.ListenOverflows",
		.source = "net/ipv4/tcp_input.c tcp_conn_request(); ip-sysctl.rst",
		.memory = {304, KNOB_PER_ENTRY, KNOB_MAX_CONNECTIONS},
	},
	{
		.name = "net.ipv4.tcp_syncookies",
		.scope = KNOB_NETNS,
		.effect = KNOB_NEXT_PACKET,
		.unit = "",
		.max = 2,
		.rank = "021",
		.refuses_less = "",
		.walls = "syn-queue",
		.what = "Selects what happens when a listener's SYN queue is full: 1 (the "
			"default) answers with a cookie and keeps no state, 0 drops the SYN. 2 "
			"always answers with a cookie.",
		.cost = "Connections made with a cookie lose the TCP options that do not fit into "
			"a timestamp; without timestamps they have neither window scaling nor "
			"SACK.",
		.counter = "TcpExt.TCPReqQFullDoCookies, TcpExt.TCPReqQFullDrop, "
			   "TcpExt.SyncookiesSent",
		.source = "net/ipv4/tcp_input.c tcp_syn_flood_action(); net/ipv4/syncookies.c; "
			  "RFC 4987",
	},
	{
		.name = "net.ipv4.tcp_synack_retries",
		.scope = KNOB_NETNS,
		.effect = KNOB_NEXT_PACKET,
		.unit = "retries",
		.max = 255,
		.lower_is_better = true,
		.refuses_less = "",
		.refuses_more = "",
		.walls = "syn-queue",
		.what = "Sets how many times the kernel retransmits a SYN-ACK before it gives up a "
			"half-open connection. The default is 5, which takes 63 seconds in all. A "
			"lower value frees the SYN queue sooner from clients that never answer.",
		.cost = "A higher value keeps dead entries in the SYN queue; a lower one gives up "
			"clients behind a lossy path.",
		.counter = "TcpExt.TCPSynRetrans",
		.source = "tcp(7); net/ipv4/inet_connection_sock.c reqsk_timer_handler()",
	},

	{
		.name = "net.ipv4.tcp_rmem",
		.scope = KNOB_NETNS,
		.shape = KNOB_TRIPLE,
		.effect = KNOB_NEXT_SOCKET_MIDDLE,
		.unit = "B",
		.min = 1,
		.max = INT32_MAX,
		.refuses_less = "",
		.refuses_more = "",
		.round = KNOB_SIXTEENTH,
		.round_min = 65536,
		.walls = "buffers.receive,memory.connection",
		.what = "Sets the receive buffer of a TCP socket: what it keeps under memory "
			"pressure, what it starts with, and the size up to which autotuning grows "
			"it. The third field limits the receive window, and so throughput times "
			"round-trip time. net.core.rmem_max does not cap it. The window scale is "
			"agreed when a connection opens, so that existing connections gain little.",
		.cost = "The third field costs memory only on connections that hold that much data "
			"out of order or unread. The second is what each connection may hold from "
			"its start: at megabytes, a machine with many connections can run out of "
			"memory.",
		.counter = "rwnd_limited of the sender's tcp_info (ss -ti); TcpExt.PruneCalled",
		.source = "tcp(7); net/ipv4/tcp_input.c tcp_rcv_space_adjust(); "
			  "net/ipv4/tcp_output.c tcp_select_initial_window()",
		.memory = {1, KNOB_PER_CONNECTION, KNOB_MAX_TCP_MEMORY},
	},
	{
		.name = "net.ipv4.tcp_wmem",
		.scope = KNOB_NETNS,
		.shape = KNOB_TRIPLE,
		.effect = KNOB_NEXT_SOCKET_MIDDLE,
		.unit = "B",
		.min = 1,
		.max = INT32_MAX,
		.refuses_less = "",
		.refuses_more = "",
		.round = KNOB_SIXTEENTH,
		.round_min = 65536,
		.walls = "buffers.send,memory.connection,application.throughput",
		.what = "Sets the send buffer of a TCP socket: what it keeps under memory "
			"pressure, what it starts with, and the size up to which autotuning grows "
			"it. The third field limits the data in flight. net.core.wmem_max does "
			"not cap it.",
		.cost = "The third field costs memory only for connections that have that much "
			"unacknowledged data: each of them holds that much unswappable memory.",
		.counter = "sndbuf_limited of the sender's tcp_info (ss -ti)",
		.source = "tcp(7); net/ipv4/tcp_input.c tcp_sndbuf_expand()",
		.memory = {1, KNOB_PER_CONNECTION, KNOB_MAX_TCP_MEMORY},
	},
	{
		.name = "net.core.rmem_max",
		.scope = KNOB_SYSTEM,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "B",
		.min = RCVBUF_MIN,
		.max = INT32_MAX,
		.refuses_less = "",
		.refuses_more = "",
		.round = KNOB_SIXTEENTH,
		.round_min = 262144,
		.walls = "buffers.receive,udp.receive",
		.what = "Limits the receive buffer that an application may ask for with "
			"SO_RCVBUF; the kernel then doubles it for its own overhead. It does not "
			"limit autotuning.",
		.cost = "The value itself costs nothing. Where an application asks for such a "
			"buffer, its peers can fill that much unswappable memory.",
		.counter = "getsockopt(2) SO_RCVBUF returns less than twice what was asked for",
		.source = "socket(7); net/core/sock.c sk_setsockopt()",
	},
	{
		.name = "net.core.wmem_max",
		.scope = KNOB_SYSTEM,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "B",
		.min = SNDBUF_MIN,
		.max = INT32_MAX,
		.refuses_less = "",
		.refuses_more = "",
		.walls = "buffers.send",
		.what = "Limits the send buffer that an application may ask for with SO_SNDBUF; "
			"the kernel then doubles it for its own overhead. It does not limit "
			"autotuning.",
		.cost = "The value itself costs nothing. Where an application asks for such a "
			"buffer, it can fill that much unswappable memory.",
		.counter = "getsockopt(2) SO_SNDBUF returns less than twice what was asked for",
		.source = "socket(7); net/core/sock.c sk_setsockopt()",
	},
	{
		.name = "net.core.rmem_default",
		.scope = KNOB_SYSTEM,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "B",
		.min = RCVBUF_MIN,
		.max = INT32_MAX,
		.refuses_less = "",
		.refuses_more = "",
		.round = KNOB_SIXTEENTH,
		.round_min = 262144,
		.walls = "buffers.receive,udp.receive",
		.what = "Sets the receive buffer that sockets other than TCP start with. TCP uses "
			"the second field of net.ipv4.tcp_rmem instead.",
		.cost = "Each UDP, raw and netlink socket may hold that much unread data.",
		.counter = "Udp.RcvbufErrors; TCP has none",
		.source = "socket(7); net/core/sock.c sock_init_data(); net/ipv4/tcp.c "
			  "tcp_init_sock()",
	},
	{
		.name = "net.core.wmem_default",
		.scope = KNOB_SYSTEM,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "B",
		.min = SNDBUF_MIN,
		.max = INT32_MAX,
		.refuses_less = "",
		.refuses_more = "",
		.walls = "buffers.send",
		.what = "Sets the send buffer that sockets other than TCP start with. TCP uses "
			"the second field of net.ipv4.tcp_wmem instead.",
		.cost = "Each UDP, raw, netlink and UNIX socket may queue that much data.",
		.counter = "Udp.SndbufErrors; TCP has none",
		.source = "socket(7); net/core/sock.c sock_init_data(); net/ipv4/tcp.c "
			  "tcp_init_sock()",
	},
	{
		.name = "net.ipv4.udp_mem",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_TRIPLE,
		.unit = "pages",
		.max = INT32_MAX,
		.walls = "udp.receive",
		.what = "Limits the memory of all UDP sockets together, in pages. Above the first "
			"field the kernel drops received datagrams, even where the buffer of the "
			"socket has room, unless the socket holds less than net.ipv4.udp_rmem_min; "
			"above the third field it drops all of them. By default the first field is "
			"3/32 of the memory.",
		.cost = "UDP sockets may hold that much unswappable memory, which their peers can "
			"fill.",
		.counter = "Udp.MemErrors; sockstat.UDP.mem shows what is in use",
		.source = "udp(7); net/core/sock.c __sk_mem_raise_allocated()",
		.memory = {1, KNOB_PER_PAGE, KNOB_UNLIMITED},
		.first = true,
	},
	{
		.name = "SO_RCVBUF",
		.scope = KNOB_APPLICATION,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "B",
		.max = INT32_MAX,
		.round = KNOB_SIXTEENTH,
		.round_min = 262144,
		.walls = "buffers.receive,udp.receive",
		.what = "Sets a receive buffer that the application chooses, capped by "
			"net.core.rmem_max and doubled by the kernel. It turns autotuning off for "
			"the socket. The window scale follows it only if it is set before "
			"connect() or listen().",
		.cost = "The buffer neither grows on a long path nor shrinks; most applications "
			"do better without it.",
		.counter = "rwnd_limited of the sender's tcp_info (ss -ti)",
		.source = "socket(7), tcp(7); net/core/sock.c __sock_set_rcvbuf()",
	},
	{
		.name = "SO_SNDBUF",
		.scope = KNOB_APPLICATION,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "B",
		.max = INT32_MAX,
		.walls = "buffers.send,application.throughput",
		.what = "Sets a send buffer that the application chooses, capped by "
			"net.core.wmem_max and doubled by the kernel. It turns autotuning off for "
			"the socket.",
		.cost = "The buffer does not grow on a long path; most applications do better "
			"without it.",
		.counter = "sndbuf_limited of tcp_info (ss -ti)",
		.source = "socket(7), tcp(7); net/core/sock.c sk_setsockopt()",
	},
	{
		.name = "net.ipv4.tcp_mem",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_TRIPLE,
		.unit = "pages",
		.max = INT64_MAX,
		.refuses_less = "5.17",
		.walls = "buffers.memory",
		.what = "Limits the buffers of all TCP sockets together, in pages, not bytes. "
			"Below the first field memory pressure ends; above the second it begins, "
			"and buffers stop growing; above the third allocations fail. By default "
			"pressure begins at a sixteenth of the memory.",
		.cost = "Connections that fill it hold unswappable memory that nothing else can "
			"use.",
		.counter = "TcpExt.TCPMemoryPressures, TcpExt.TCPAbortOnMemory; sockstat.TCP.mem "
			   "shows the pages in use",
		.source = "tcp(7); net/core/sock.c __sk_mem_raise_allocated()",
		.memory = {1, KNOB_PER_PAGE, KNOB_UNLIMITED},
	},
	{
		.name = "net.core.bypass_prot_mem",
		.scope = KNOB_NETNS,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "",
		.max = 1,
		.refuses_less = "",
		.refuses_more = "",
		.choice = true,
		.rank = "01",
		.walls = "buffers.memory",
		.what = "With 1 no socket of the network namespace counts in net.ipv4.tcp_mem and "
			"net.ipv4.udp_mem, whether its memory control group has a limit or not: "
			"only such a limit limits its buffers then. The default is 0.",
		.cost = "Without a memory limit of the group nothing limits the buffers of all "
			"sockets together.",
		.counter = "sockstat.TCP.mem stays at 0 while sockets hold data",
		.source = "ip-sysctl.rst; net/core/sock.c sk_alloc(), "
			  "__sk_mem_raise_allocated()",
		.since = "6.19",
	},
	{
		.name = "net.ipv4.tcp_max_orphans",
		.scope = KNOB_SYSTEM,
		.unit = "connections",
		.max = INT32_MAX,
		.refuses_more = "",
		.round = KNOB_POWER,
		.round_min = 4096,
		.walls = "orphans",
		.what = "Limits the connections that an application has closed and that the "
			"kernel serves until their last data is acknowledged. The kernel resets "
			"those beyond the limit.",
		.cost = "Each such connection takes up to 64 KiB of unswappable memory.",
		.counter = "TcpExt.TCPAbortOnMemory; sockstat.TCP.orphan shows those in use",
		.source = "tcp(7); net/ipv4/tcp.c tcp_check_oom()",
	},
	{
		.name = "net.ipv4.tcp_moderate_rcvbuf",
		.scope = KNOB_NETNS,
		.unit = "",
		.max = 1,
		.refuses_less = "",
		.walls = "buffers.receive",
		.what = "Selects whether the kernel tunes receive buffers, up to the third field "
			"of net.ipv4.tcp_rmem. The default is 1; 0 leaves every socket at the "
			"second field.",
		.cost = "With 1, connections that need it hold more unread data than the second "
			"field. With 0, throughput on a long path is limited to the second field a "
			"round trip.",
		.counter = "rwnd_limited of the sender's tcp_info (ss -ti)",
		.source = "tcp(7); net/ipv4/tcp_input.c tcp_rcv_space_adjust()",
	},
	{
		.name = "net.ipv4.tcp_window_scaling",
		.scope = KNOB_NETNS,
		.effect = KNOB_NEXT_ACCEPT,
		.unit = "",
		.max = 1,
		.refuses_less = "",
		.walls = "buffers.receive,buffers.send",
		.what = "Selects whether TCP offers and accepts windows above 65 535 bytes. The "
			"default is 1. With 0 no buffer helps: a connection carries at most 64 "
			"KiB a round trip.",
		.cost = "It costs nothing; some very old middleboxes damage the option.",
		.counter = "no wscale in ss -ti",
		.source = "tcp(7); RFC 7323; net/ipv4/tcp_output.c tcp_syn_options()",
	},
	{
		.name = "net.ipv4.tcp_adv_win_scale",
		.scope = KNOB_NETNS,
		.unit = "",
		.min = -31,
		.max = 31,
		.refuses_less = "",
		.refuses_more = "",
		.walls = "buffers.receive",
		.what = "Before 6.6, sets the share of the receive buffer that is offered as "
			"window. It has no effect since 6.6: the kernel measures the overhead of "
			"each connection.",
		.cost = "It costs nothing since 6.6.",
		.counter = "none",
		.source = "ip-sysctl.rst; net/ipv4/tcp_input.c, scaling_ratio",
	},
	{
		.name = "net.ipv4.tcp_congestion_control",
		.scope = KNOB_NETNS,
		.shape = KNOB_WORD,
		.effect = KNOB_NEXT_ACCEPT,
		.unit = "",
		.walls = "buffers.send",
		.what = "Selects the congestion control of new connections by name, such as cubic, "
			"bbr or reno. Writing a name loads its module, tcp_NAME; "
			"net.ipv4.tcp_available_congestion_control lists only those that are "
			"loaded. An accepted connection has what its listener set with "
			"TCP_CONGESTION, if it set one.",
		.cost = "Connections with bbr take more of a path than those with cubic that share "
			"it, and lose less throughput to packet loss.",
		.counter = "cwnd and retrans of tcp_info (ss -ti)",
		.source = "tcp(7); net/ipv4/tcp_cong.c tcp_assign_congestion_control()",
	},
	{
		.name = "net.core.default_qdisc",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_WORD,
		.effect = KNOB_NEXT_DEVICE,
		.unit = "",
		.walls = "buffers.send",
		.what = "Selects the queueing discipline that an interface gets when it is first "
			"brought up. An interface that was up keeps its own, even after ip link "
			"set down and up: tc qdisc replace dev DEVICE root fq changes it, with mq "
			"instead of fq where it has several transmit queues. fq paces "
			"connections; fq_codel shares the link between them and keeps queues "
			"short. bbr does not need fq since 4.13: TCP then paces itself.",
		.cost = "The discipline fq costs some CPU time a packet, but fewer timers than "
			"TCP's own pacing.",
		.counter = "drops and backlog of tc -s qdisc",
		.source = "Documentation/admin-guide/sysctl/net.rst; net/sched/sch_generic.c "
			  "dev_activate()",
	},
	{
		.name = "net.ipv4.tcp_slow_start_after_idle",
		.scope = KNOB_NETNS,
		.unit = "",
		.max = 1,
		.lower_is_better = true,
		.refuses_less = "",
		.walls = "buffers.send",
		.what = "Selects whether a connection that was idle for a retransmission timeout "
			"starts again with a small congestion window. The default is 1. "
			"Long-lived connections that send bursts over a long path are faster with "
			"0.",
		.cost = "With 0, a burst after a pause loses more packets if the path has changed "
			"meanwhile.",
		.counter = "cwnd of tcp_info (ss -ti) after a pause",
		.source = "RFC 2861, RFC 5681; net/ipv4/tcp_output.c tcp_cwnd_restart()",
	},
	{
		.name = "net.ipv4.tcp_notsent_lowat",
		.scope = KNOB_NETNS,
		.unit = "B",
		.max = UINT32_MAX,
		.lower_is_better = true,
		.refuses_less = "",
		.refuses_more = "",
		.walls = "buffers.send,memory.connection",
		.what = "Limits the unsent data that a socket may hold before epoll no longer "
			"reports it writable. By default there is no limit. With 16 to 128 KiB the "
			"application keeps what the path cannot take yet, and can still choose "
			"what to send next, as servers of HTTP/2 do.",
		.cost = "A lower value costs more wakeups and system calls for the same bytes.",
		.counter = "notsent of ss -ti",
		.source = "tcp(7) TCP_NOTSENT_LOWAT; include/net/tcp.h tcp_notsent_lowat()",
	},

	{
		.name = "net.ipv4.ip_local_port_range",
		.scope = KNOB_NETNS,
		.shape = KNOB_RANGE,
		.effect = KNOB_NEXT_CONNECTION,
		.unit = "ports",
		.min = 1,
		.max = 65535,
		.refuses_less = "",
		.refuses_more = "",
		.walls = "ports.ephemeral,ports.rate",
		.what = "Sets the ports that connect() chooses from, and so the number of "
			"connections that one source address can have to one destination address "
			"and port. The default is 32768 60999. The first may not be below "
			"net.ipv4.ip_unprivileged_port_start. Where both ends are even or both "
			"odd, the kernel takes them and logs a warning (\"prefer different parity\").",
		.cost = "A connection may take the port of a service before that service starts: "
			"keep such ports in net.ipv4.ip_local_reserved_ports.",
		.counter = "EADDRNOTAVAIL from connect(2)",
		.source = "ip(7); net/ipv4/inet_hashtables.c __inet_hash_connect()",
	},
	{
		.name = "net.ipv4.ip_local_reserved_ports",
		.scope = KNOB_NETNS,
		.shape = KNOB_PORTS,
		.effect = KNOB_NEXT_CONNECTION,
		.unit = "ports",
		.max = 65535,
		.walls = "ports.ephemeral,ports.rate",
		.what = "Lists the ports of net.ipv4.ip_local_port_range that connect() does not "
			"choose: those of services, which could not start while a connection has "
			"their port. bind() to such a port succeeds. The default is empty.",
		.cost = "Each port in the range is one less to connect from.",
		.counter = "EADDRINUSE from bind(2) of a service",
		.source = "ip-sysctl.rst; net/ipv4/inet_hashtables.c __inet_hash_connect()",
	},
	{
		.name = "net.ipv4.tcp_tw_reuse",
		.scope = KNOB_NETNS,
		.effect = KNOB_NEXT_CONNECTION,
		.unit = "",
		.max = 2,
		.refuses_less = "",
		.refuses_more = "",
		.choice = true,
		.rank = "021",
		.walls = "ports.rate,time-wait",
		.what = "Selects whether connect() may take a port whose connection is in "
			"TIME_WAIT: 0 never, 1 where timestamps make it safe, 2 (the default "
			"since 4.19) the same over loopback only. It helps the side that connects "
			"and closes first, not a server.",
		.cost = "A peer without usable timestamps, or several peers behind one address, "
			"may refuse the new connection.",
		.counter = "TcpExt.TWRecycled; EADDRNOTAVAIL from connect(2)",
		.source = "tcp(7); RFC 6191; net/ipv4/tcp_ipv4.c tcp_twsk_unique()",
	},
	{
		.name = "net.ipv4.tcp_tw_reuse_delay",
		.scope = KNOB_NETNS,
		.effect = KNOB_NEXT_CONNECTION,
		.unit = "ms",
		.min = 1,
		.max = 60000,
		.lower_is_better = true,
		.refuses_less = "",
		.refuses_more = "",
		.walls = "ports.rate",
		.what = "Sets how old a connection in TIME_WAIT must be before "
			"net.ipv4.tcp_tw_reuse allows its port to be taken. The default is 1000; "
			"before 6.14 it is one second and cannot be set.",
		.cost = "Below the tick of the peer's timestamps (mostly 1 to 10 ms) the kernel "
			"may take data of the old connection for new data.",
		.counter = "TcpExt.TWRecycled; EADDRNOTAVAIL from connect(2)",
		.source = "ip-sysctl.rst; RFC 7323; net/ipv4/tcp_ipv4.c tcp_twsk_unique()",
		.since = "6.14",
	},
	{
		.name = "net.ipv4.tcp_timestamps",
		.scope = KNOB_NETNS,
		.effect = KNOB_NEXT_ACCEPT,
		.unit = "",
		.max = 2,
		.refuses_less = "",
		.walls = "syn-queue,ports.rate,time-wait",
		.what = "Selects whether segments carry timestamps: 1 (the default) with a random "
			"offset for each connection, 2 without an offset, 0 none. "
			"net.ipv4.tcp_tw_reuse, protection against wrapped sequence numbers and "
			"SYN cookies with window scaling need them.",
		.cost = "Timestamps take 12 bytes of each segment.",
		.counter = "none; TcpExt.TWRecycled stays 0 without timestamps",
		.source = "tcp(7); RFC 7323; net/ipv4/tcp_output.c tcp_syn_options()",
	},
	{
		.name = "net.ipv4.tcp_max_tw_buckets",
		.scope = KNOB_NETNS,
		.unit = "connections",
		.max = INT32_MAX,
		.refuses_more = "",
		.round = KNOB_POWER,
		.round_min = 4096,
		.walls = "time-wait",
		.what = "Limits the connections in TIME_WAIT. Those beyond close at once, without "
			"the protection against old segments. It is a limit against attacks, not "
			"a cure for TIME_WAIT, and a larger one does not allow more connections: "
			"one address has at most as many in TIME_WAIT to one destination as it "
			"has ports.",
		.cost = "Each such connection takes about 250 bytes of kernel memory.",
		.counter = "TcpExt.TCPTimeWaitOverflow; sockstat.TCP.tw shows those in use",
		.source = "tcp(7); net/ipv4/inet_timewait_sock.c inet_twsk_alloc()",
		.memory = {256, KNOB_PER_ENTRY, KNOB_MAX_TIME_WAIT},
	},
	{
		.name = "net.ipv4.tcp_fin_timeout",
		.scope = KNOB_NETNS,
		.unit = "s",
		.min = 1,
		.max = SECONDS_MAX,
		.lower_is_better = true,
		.walls = "time-wait,orphans",
		.what = "Sets how long a connection that the application has closed waits in "
			"FIN_WAIT_2 for the peer to close too. The default is 60. It does not "
			"shorten TIME_WAIT, which always lasts 60 seconds (TCP_TIMEWAIT_LEN). "
			"Above 60 the connection is an orphan for the difference.",
		.cost = "A shorter time cuts off peers that still send; a longer one keeps memory "
			"for peers that have disappeared.",
		.counter = "sockets in FIN-WAIT-2 (ss -tan)",
		.source = "tcp(7); net/ipv4/tcp.c __tcp_close(); include/net/tcp.h "
			  "TCP_TIMEWAIT_LEN",
	},

	{
		.name = "net.ipv4.tcp_keepalive_time",
		.scope = KNOB_NETNS,
		.effect = KNOB_NEXT_ACCEPT,
		.unit = "s",
		.min = 1,
		.max = SECONDS_MAX,
		.lower_is_better = true,
		.walls = "idle.keepalive",
		.what = "Sets how long a connection is idle until the kernel sends the first "
			"keepalive probe, for sockets with SO_KEEPALIVE and without "
			"TCP_KEEPIDLE. An open connection takes a new value when its present timer "
			"expires. The default is 7200. Load balancers and NAT forget idle "
			"connections earlier, after 350 s for example.",
		.cost = "A shorter time sends a packet more often over each idle connection; a "
			"longer one keeps connections of peers that have disappeared.",
		.counter = "ss -tno: timer:keepalive; TcpExt.TCPKeepAlive",
		.source = "tcp(7); net/ipv4/tcp_timer.c tcp_keepalive_timer()",
	},
	{
		.name = "TCP_KEEPIDLE",
		.scope = KNOB_APPLICATION,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "s",
		.min = 1,
		.max = 32767,
		.walls = "idle.keepalive",
		.what = "Sets net.ipv4.tcp_keepalive_time for one socket. It has an "
			"effect with SO_KEEPALIVE only; accepted sockets inherit both from their "
			"listener.",
		.cost = "A shorter time sends a packet more often over each idle connection.",
		.counter = "ss -tno: timer:keepalive",
		.source = "tcp(7); net/ipv4/tcp.c tcp_sock_set_keepidle_locked()",
	},

	{
		.name = "net.core.netdev_budget",
		.scope = KNOB_SYSTEM,
		.unit = "packets",
		.max = INT32_MAX,
		.refuses_more = "",
		.walls = "softnet.budget",
		.what = "Limits the packets that one round of the receive softirq takes from all "
			"of a CPU's interfaces. The default is 300; the time of "
			"net.core.netdev_budget_usecs ends a round as well.",
		.cost = "Longer rounds delay the processes on that CPU.",
		.counter = "softnet_stat column 3 (squeezed)",
		.source = "net/core/dev.c net_rx_action(); net.rst",
		.softnet = true,
	},
	{
		.name = "net.core.netdev_budget_usecs",
		.scope = KNOB_SYSTEM,
		.unit = "us",
		.min = 2000,
		.max = INT32_MAX,
		.refuses_more = "",
		.walls = "softnet.budget",
		.what = "Limits the duration of one round of the receive softirq. The default is "
			"two ticks of the kernel's clock: 2000 with HZ=1000, 8000 with HZ=250. "
			"Since 6.14, and in stable kernels that took its change, the kernel "
			"refuses less.",
		.cost = "Longer rounds delay the processes on that CPU.",
		.counter = "softnet_stat column 3 (squeezed)",
		.source = "net/core/dev.c net_rx_action(); net.rst",
		.since = "4.12",
		.softnet = true,
	},
	NEIGHBOURS_EVICT("IPv4", "ipv4", "arp_cache"),
	NEIGHBOURS_LIMIT("IPv4", "ipv4", "arp_cache"),
	NEIGHBOURS_EVICT("IPv6", "ipv6", "ndisc_cache"),
	NEIGHBOURS_LIMIT("IPv6", "ipv6", "ndisc_cache"),
	{
		.name = "net.netfilter.nf_conntrack_max",
		.scope = KNOB_SYSTEM,
		.unit = "entries",
		.max = INT32_MAX,
		.refuses_less = "6.15",
		.refuses_more = "",
		.round = KNOB_POWER,
		.round_min = 65536,
		.walls = "conntrack",
		.what = "Limits the connections that connection tracking holds in each network "
			"namespace; 0 removes the limit, and is refused since Linux 6.19. It "
			"exists while the module nf_conntrack is loaded, and only the initial "
			"namespace can set it. The default is nf_conntrack_buckets, and four times "
			"that before Linux 5.15; where the module option hashsize= sets the "
			"buckets, it is eight times that.",
		.cost = "An entry takes 256 bytes of kernel memory, and 128 more with NAT or "
			"accounting.",
		.counter = "nf_conntrack.drop; \"nf_conntrack: table full\" in the kernel log",
		.source = "nf_conntrack-sysctl.rst; nf_conntrack_core.c __nf_conntrack_alloc()",
		.memory = {384, KNOB_PER_ENTRY, KNOB_UNLIMITED},
	},
	{
		.name = "net.netfilter.nf_conntrack_buckets",
		.scope = KNOB_SYSTEM,
		.unit = "buckets",
		.min = 1024,
		.max = INT32_MAX,
		.refuses_more = "",
		.round = KNOB_POWER,
		.round_min = 1024,
		.kept = KNOB_UP_TO_PAGE,
		.walls = "conntrack",
		.what = "Sets the size of connection tracking's hash table, which all network "
			"namespaces share. The kernel rounds it up to whole pages: multiples of "
			"512 where a page has 4096 bytes. An entry is in two chains: the average "
			"length is twice the entries divided by the buckets. Where a chain is too "
			"long the kernel drops the packet (since Linux 5.15, and in RHEL 9).",
		.cost = "Each bucket takes 8 bytes, which the kernel allocates at once. A change "
			"moves all entries.",
		.counter = "nf_conntrack.chainlength",
		.source = "nf_conntrack-sysctl.rst; nf_conntrack_core.c nf_conntrack_hash_resize()",
		.memory = {8, KNOB_PER_ENTRY, KNOB_UNLIMITED},
	},
	{
		.name = "net.core.netdev_max_backlog",
		.scope = KNOB_SYSTEM,
		.unit = "packets",
		.max = INT32_MAX,
		.refuses_more = "",
		.walls = "softnet.backlog",
		.what = "Limits the packets that may wait for a CPU's softirq where they do not "
			"arrive by NAPI: loopback, RPS, veth without GRO. It is also the limit of "
			"the queue that a tunnel with GRO has on each CPU. Packets of NAPI drivers "
			"do not pass through the backlog. The default is 1000.",
		.cost = "Waiting packets take memory and add delay while a CPU is behind; a "
			"higher value hides the lack of CPU time for longer.",
		.counter =
			"softnet_stat column 2 (dropped); rx_dropped of the interface of a tunnel",
		.source = "net/core/dev.c enqueue_to_backlog(); net/core/gro_cells.c "
			  "gro_cells_receive(); net.rst",
		.memory = {2304, KNOB_PER_CPU, KNOB_UNLIMITED},
		.softnet = true,
	},
	{
		.name = "net.core.dev_weight",
		.scope = KNOB_SYSTEM,
		.unit = "packets",
		.min = 1,
		.max = INT32_MAX,
		.refuses_less = "6.14",
		.refuses_more = "",
		.walls = "softnet.budget",
		.what = "Limits the packets of the backlog (net.core.netdev_max_backlog) that the "
			"softirq takes at a time, and those that it sends in a row. The default "
			"is 64. NAPI drivers have their own weight.",
		.cost = "A higher value gives the backlog a larger share at the expense of other "
			"interfaces.",
		.counter = "softnet_stat column 3 (squeezed)",
		.source = "net/core/dev.c process_backlog(); net.rst",
		.softnet = true,
	},
	{
		.name = "net.core.busy_poll",
		.scope = KNOB_SYSTEM,
		.unit = "us",
		.max = INT32_MAX,
		.refuses_less = "",
		.refuses_more = "",
		.walls = "napi.latency",
		.what = "Sets how long epoll_wait(), and poll() and select() on sockets with "
			"SO_BUSY_POLL (net.core.busy_read sets it for new sockets), poll the "
			"device for packets before they sleep. 0 (the default) turns it off. Since "
			"6.9 EPIOCSPARAMS does this for one epoll set alone.",
		.cost = "Every process of the machine that waits in epoll_wait() takes CPU time "
			"for that long, whether it needs the latency or not. So does every process that waits in poll() or select() for such sockets.",
		.counter = "TcpExt.BusyPollRxPackets",
		.source = "socket(7); net.rst; net/core/dev.c napi_busy_loop(); net/socket.c "
			  "sock_poll(); fs/eventpoll.c ep_busy_loop_on()",
		.softnet = true,
	},
	{
		.name = "net.core.busy_read",
		.scope = KNOB_SYSTEM,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "us",
		.max = INT32_MAX,
		.refuses_less = "",
		.refuses_more = "",
		.walls = "napi.latency",
		.what = "Sets the SO_BUSY_POLL that new sockets start with: how long a blocking "
			"read polls the device for packets before it sleeps. 0 (the default) "
			"turns it off.",
		.cost = "It takes CPU time of every reader that blocks.",
		.counter = "TcpExt.BusyPollRxPackets",
		.source = "socket(7) SO_BUSY_POLL; net.rst; include/net/busy_poll.h",
		.softnet = true,
	},
	{
		.name = "net.core.gro_normal_batch",
		.scope = KNOB_SYSTEM,
		.unit = "segments",
		.min = 1,
		.max = INT32_MAX,
		.refuses_less = "",
		.refuses_more = "",
		.walls = "softnet.budget",
		.what = "Limits the segments that GRO gathers, in merged packets or single ones, "
			"before it passes them up the stack together. The default is 8.",
		.cost = "A higher value delays the first of them.",
		.counter = "none",
		.source = "net.rst; include/net/gro.h gro_normal_one()",
		.since = "5.4",
		.softnet = true,
	},
	{
		.name = "net.core.rps_sock_flow_entries",
		.scope = KNOB_SYSTEM,
		.unit = "flows",
		.max = 1 << 29,
		.refuses_less = "",
		.refuses_more = "",
		.kept = KNOB_UP_TO_POWER,
		.walls = "nic.queues,softnet.backlog",
		.what = "Sets for how many connections receive flow steering remembers the CPU "
			"that reads them, rounded up to a power of two; 0 (the default) turns it "
			"off. rps_flow_cnt of each queue must be set too.",
		.cost = "Each entry takes 4 bytes, and packets that move cost inter-processor "
			"interrupts.",
		.counter = "softnet_stat column 10 (received_rps)",
		.source = "Documentation/networking/scaling.rst; net/core/sysctl_net_core.c "
			  "rps_sock_flow_sysctl()",
		.softnet = true,
	},
	{
		.name = "net.core.dev_weight_rx_bias",
		.scope = KNOB_SYSTEM,
		.unit = "",
		.min = 1,
		.max = INT32_MAX,
		.refuses_less = "6.14",
		.refuses_more = "",
		.walls = "softnet.budget",
		.what = "Multiplies net.core.dev_weight for received packets: the softirq takes "
			"up to dev_weight times this number of packets of the backlog at a time. "
			"The default is 1.",
		.cost = "A higher value gives the backlog, and so RPS, a larger share of "
			"net.core.netdev_budget at the expense of NAPI drivers.",
		.counter = "softnet_stat column 3 (squeezed)",
		.source = "net/core/sysctl_net_core.c proc_do_dev_weight(); net/core/dev.c "
			  "process_backlog(); net.rst",
		.since = "4.11",
		.softnet = true,
	},
	{
		.name = "net.core.netdev_tstamp_prequeue",
		.scope = KNOB_SYSTEM,
		.effect = KNOB_NEXT_PACKET,
		.unit = "",
		.max = 1,
		.walls = "softnet.backlog",
		.what = "Selects when a received packet gets its software timestamp, where a "
			"socket asks for one: 1 (the default) before the packet enters the "
			"backlog, 0 after it, on the CPU to which RPS has moved the packet.",
		.cost = "With 0 the timestamps include the delay in the backlog; with 1 the CPU "
			"that receives takes all timestamps itself.",
		.counter = "none; timestamps of packets",
		.source = "net/core/dev.c netif_rx_internal(), netif_receive_skb_internal(); "
			  "net.rst",
		.softnet = true,
	},

	{
		.name = "EPIOCSPARAMS",
		.scope = KNOB_APPLICATION,
		.unit = "us",
		.max = INT32_MAX,
		.walls = "napi.latency",
		.what = "Sets busy polling for one epoll set, by ioctl: for how long (this "
			"number, busy_poll_usecs), how many packets a round (busy_poll_budget, "
			"above 64 with CAP_NET_ADMIN only), and whether device interrupts stay "
			"off meanwhile (prefer_busy_poll). All sockets of the set should share "
			"one NAPI instance.",
		.cost = "It takes CPU time of the thread that waits: up to a whole CPU when idle.",
		.counter = "TcpExt.BusyPollRxPackets",
		.source = "ioctl_eventpoll(2); fs/eventpoll.c ep_eventpoll_bp_ioctl(); "
			  "Documentation/networking/napi.rst",
		.since = "6.9",
	},
	{
		.name = "device.gro_flush_timeout",
		.scope = KNOB_DEVICE,
		.unit = "ns",
		.max = INT64_MAX,
		.walls = "napi.latency",
		.what = "Sets how long NAPI waits for more packets to merge and, with "
			"napi_defer_hard_irqs, how long the device's interrupt stays off between "
			"two polls. 0 (the default) turns it off. It is in "
			"/sys/class/net/*/gro_flush_timeout; since 6.13 each NAPI instance also "
			"has its own.",
		.cost = "Every packet is delayed by up to that time while no process polls.",
		.counter = "none; measured latency",
		.source = "Documentation/networking/napi.rst; net/core/dev.c napi_complete_done()",
		.device = &(const struct device_setting){.means = NIC_BY_SYSFS,
							 .group = GROUP_NAPI,
							 .name = "gro_flush_timeout",
							 .by_napi = true,
							 .napi = NAPI_GRO_FLUSH_TIMEOUT,
							 .sysfs = "gro_flush_timeout"},
	},
	{
		.name = "device.napi_defer_hard_irqs",
		.scope = KNOB_DEVICE,
		.unit = "polls",
		.max = INT32_MAX,
		.walls = "napi.latency",
		.what = "Sets after how many empty polls NAPI turns the device's interrupt on "
			"again; until then a timer of gro_flush_timeout drives the polls. 0 (the "
			"default) turns it on at once. It is in "
			"/sys/class/net/*/napi_defer_hard_irqs; since 6.13 each NAPI instance "
			"also has its own.",
		.cost = "With gro_flush_timeout it delays packets while no process polls, and "
			"saves interrupts while one does.",
		.counter = "none; measured latency",
		.source = "Documentation/networking/napi.rst; net/core/dev.c napi_complete_done()",
		.since = "5.8",
		.device = &(const struct device_setting){.means = NIC_BY_SYSFS,
							 .group = GROUP_NAPI,
							 .name = "napi_defer_hard_irqs",
							 .by_napi = true,
							 .napi = NAPI_DEFER_HARD_IRQS,
							 .sysfs = "napi_defer_hard_irqs"},
	},
	{
		.name = "device.irq-suspend-timeout",
		.scope = KNOB_DEVICE,
		.unit = "ns",
		.max = INT64_MAX,
		.walls = "napi.latency",
		.what = "Limits how long an epoll set with prefer_busy_poll may keep the "
			"interrupt of its NAPI instance off while it finds events. It is set for "
			"each NAPI instance by netlink only (netdev, napi-set). 0 (the default) "
			"turns it off.",
		.cost = "A process that hangs leaves its queue unserved for that time.",
		.counter = "none; measured latency and CPU time",
		.source = "Documentation/networking/napi.rst; net/core/dev.c napi_suspend_irqs()",
		.since = "6.13",
		.device = &(const struct device_setting){.means = NIC_BY_NAPI_SET,
							 .by_napi = true,
							 .napi = NAPI_IRQ_SUSPEND_TIMEOUT},
	},
	{
		.name = "device.ring.rx",
		.scope = KNOB_DEVICE,
		.unit = "packets",
		.min = 1,
		.max = INT32_MAX,
		.walls = "nic.ring",
		.what = "Sets how many packets an interface's receive queue holds until the "
			"kernel fetches them (ethtool -g, -G rx). The device has its own maximum.",
		.cost = "A larger ring takes memory and causes cache misses; under overload it "
			"turns loss into delay. Most drivers reset the link to change it.",
		.counter = "rx_missed_errors, rx_fifo_errors, rx-hw-drop-overruns of the interface",
		.source = "ethtool(8); Documentation/networking/ethtool-netlink.rst RINGS_SET",
		.device = &(const struct device_setting){.group = GROUP_RINGS,
							 .name = "rx",
							 .max = "rx-max",
							 .resets = true,
							 .link = "RxBufferSize",
							 .link_since = 244,
							 .ethtool = {"-G", "rx", "RX"}},
	},
	{
		.name = "device.ring.tx",
		.scope = KNOB_DEVICE,
		.unit = "packets",
		.min = 1,
		.max = INT32_MAX,
		.walls = "nic.ring",
		.what = "Sets how many packets an interface's transmit queue holds until the "
			"device has sent them (ethtool -g, -G tx). The device has its own maximum.",
		.cost = "A larger ring takes memory, and adds delay when the link is full. Most "
			"drivers reset the link to change it.",
		.counter = "tx_dropped of the interface; the driver's tx_busy or queue stops",
		.source = "ethtool(8); Documentation/networking/ethtool-netlink.rst RINGS_SET",
		.device = &(const struct device_setting){.group = GROUP_RINGS,
							 .name = "tx",
							 .max = "tx-max",
							 .resets = true,
							 .link = "TxBufferSize",
							 .link_since = 244,
							 .ethtool = {"-G", "tx", "TX"}},
	},
	{
		.name = "device.channels",
		.scope = KNOB_DEVICE,
		.unit = "queues",
		.min = 1,
		.max = INT32_MAX,
		.walls = "nic.queues",
		.what = "Sets over how many queues, each with its own interrupt and NAPI "
			"instance, an interface spreads connections (ethtool -l, -L combined). "
			"The device has its own maximum.",
		.cost = "Each queue takes memory and an interrupt. More queues than CPUs do not "
			"spread the load further. Most drivers reset the link to change it.",
		.counter = "softnet_stat column 1 of one CPU far above the others; NET_RX of "
			   "/proc/softirqs",
		.source = "ethtool(8); Documentation/networking/ethtool-netlink.rst CHANNELS_SET; "
			  "scaling.rst",
		.device = &(const struct device_setting){.group = GROUP_CHANNELS,
							 .name = "combined",
							 .max = "combined-max",
							 .resets = true,
							 .link = "CombinedChannels",
							 .link_since = 239,
							 .ethtool = {"-L", "combined", "Combined"}},
	},
	{
		.name = "device.rps_cpus",
		.scope = KNOB_DEVICE,
		.shape = KNOB_WORD,
		.effect = KNOB_NEXT_PACKET,
		.unit = "CPU mask",
		.walls = "nic.queues,softnet.backlog",
		.what = "Selects the CPUs to which a receive queue hands its packets (receive "
			"packet steering), as a hexadecimal mask in "
			"/sys/class/net/*/queues/rx-*/rps_cpus. 0 (the default) turns it off. It "
			"helps an interface with fewer queues than CPUs.",
		.cost = "Packets that move cost an inter-processor interrupt and cache misses, "
			"and pass through net.core.netdev_max_backlog.",
		.counter = "softnet_stat column 1 of one CPU far above the others; column 10 "
			   "(received_rps)",
		.source = "Documentation/networking/scaling.rst; net/core/dev.c get_rps_cpu()",
		.device = &(const struct device_setting){.means = NIC_BY_SYSFS,
							 .masks = true,
							 .sysfs = "queues/rx-*/rps_cpus"},
	},
	{
		.name = "device.coalesce.rx-usecs",
		.scope = KNOB_DEVICE,
		.unit = "us",
		.max = INT32_MAX,
		.walls = "napi.latency",
		.what = "Sets how long a device waits after a packet has arrived before it "
			"interrupts (ethtool -c, -C rx-usecs). With adaptive-rx on, the driver "
			"changes it itself.",
		.cost = "The first packet is delayed by that time, in return for fewer interrupts.",
		.counter = "none; measured latency, and the rate of the device in /proc/interrupts",
		.source = "ethtool(8); Documentation/networking/ethtool-netlink.rst COALESCE_SET",
		.device = &(const struct device_setting){.group = GROUP_COALESCE,
							 .name = "rx-usecs",
							 .link = "RxCoalesceSec",
							 .link_since = 250,
							 .unit = "us",
							 .ethtool = {"-C", "rx-usecs", "rx-usecs"}},
	},
	{
		.name = "device.coalesce.tx-usecs",
		.scope = KNOB_DEVICE,
		.unit = "us",
		.max = INT32_MAX,
		.walls = "napi.latency",
		.what = "Sets how long a device waits after it has sent a packet before it "
			"interrupts (ethtool -c, -C tx-usecs).",
		.cost = "Packets stay charged to their socket for that much longer, in return for "
			"fewer interrupts.",
		.counter = "none; the rate of the device in /proc/interrupts",
		.source = "ethtool(8); Documentation/networking/ethtool-netlink.rst COALESCE_SET",
		.device = &(const struct device_setting){.group = GROUP_COALESCE,
							 .name = "tx-usecs",
							 .link = "TxCoalesceSec",
							 .link_since = 250,
							 .unit = "us",
							 .ethtool = {"-C", "tx-usecs", "tx-usecs"}},
	},
	{
		.name = "device.coalesce.adaptive-rx",
		.scope = KNOB_DEVICE,
		.unit = "",
		.max = 1,
		.walls = "napi.latency",
		.what = "Selects whether the driver adapts the wait before an interrupt to the "
			"load (ethtool -c, -C adaptive-rx).",
		.cost = "Packets are delayed a little when the load changes.",
		.counter = "none; measured latency, and the rate of the device in /proc/interrupts",
		.source = "ethtool(8); Documentation/networking/net_dim.rst",
		.device = &(const struct device_setting){.group = GROUP_COALESCE,
							 .name = "adaptive-rx",
							 .boolean = true,
							 .link = "UseAdaptiveRxCoalesce",
							 .link_since = 250,
							 .ethtool = {"-C", "adaptive-rx",
								     "Adaptive RX"}},
	},
	{
		.name = "device.threaded",
		.scope = KNOB_DEVICE,
		.unit = "",
		.max = 1,
		.walls = "napi.latency",
		.what = "Selects whether kernel threads, one for each NAPI instance, fetch packets "
			"instead of softirqs; the scheduler places them. It is in "
			"/sys/class/net/*/threaded; the kernel refuses writes to it until the driver has added its NAPI instances. Most drivers add them when the interface comes "
			"up, which is after the udev rules of boot; some when they find the device.",
		.cost = "Each burst of packets costs a switch between threads.",
		.counter = "none; measured latency",
		.source = "Documentation/networking/napi.rst; net/core/dev.c napi_threaded_poll()",
		.since = "5.12",
		.device = &(const struct device_setting){.means = NIC_BY_SYSFS,
							 .group = GROUP_NAPI,
							 .name = "threaded",
							 .threads = true,
							 .sysfs = "threaded",
							 .when_up = true},
	},
};

_Static_assert(sizeof(knobs) / sizeof(*knobs) <= KNOBS_MAX, "KNOBS_MAX");

size_t knob_count(void) { return sizeof(knobs) / sizeof(*knobs); }

const struct knob *knob_at(size_t i) { return &knobs[i]; }
