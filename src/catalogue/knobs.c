/* The table of knobs. Ranges are those of Linux 6.18 where the kernel enforces one, and otherwise
 * the values that make sense. Bytes of memory are those of x86_64 slabs: request_sock_TCP 304,
 * tw_sock_TCP 256, epitem with its wait entry 211, filp 256 with dentry 192, a full skb 2304. */
#include "epolltune/knob.h"
#include "epolltune/nic.h"

/* SOCK_MIN_RCVBUF and SOCK_MIN_SNDBUF of include/net/sock.h on 64-bit machines. */
#define RCVBUF_MIN 2304
#define SNDBUF_MIN 4608
/* kernel/sysctl.c, proc_dointvec_jiffies(): INT_MAX / HZ, with HZ at its highest. */
#define SECONDS_MAX 2147483
/* fs/file.c, sysctl_nr_open_max on 64-bit machines. */
#define NR_OPEN_MAX 2147483584

static const struct knob knobs[] = {
	{
		.name = "RLIMIT_NOFILE",
		.scope = KNOB_PROCESS,
		.shape = KNOB_RANGE,
		.effect = KNOB_NEXT_PROCESS,
		.unit = "descriptors",
		.min = 0,
		.max = NR_OPEN_MAX,
		.round = KNOB_POWER,
		.round_min = 1024,
		.how = "Takes effect at the next start of the server: "
		       "LimitNOFILE={proposed}{keep} in its systemd unit, or ulimit -{soft_flag}n.",
		.steps = "a limit of the process. With systemd:\n"
			 "  systemctl edit UNIT      and add\n"
			 "    [Service]\n"
			 "    LimitNOFILE={proposed}{soft?\\:HARD   (the hard limit of "
			 "/proc/PID/limits)}\n"
			 "  systemctl restart UNIT\n"
			 "For a running process: prlimit --pid PID --nofile={proposed}{soft?\\:}",
		.walls = "descriptors.process",
		.what = "How many descriptors a process may have open: its soft limit, which is "
			"in force, and the hard limit, up to which the process may raise the soft "
			"one itself. Each connection takes one. Set by LimitNOFILE= of a systemd "
			"unit, limits.conf or ulimit -n; prlimit(1) changes a running process.",
		.cost = "Nothing until used: then 8 bytes a slot of the process' descriptor "
			"table. A very high soft limit slows programs that close every possible "
			"descriptor, and breaks those that use select().",
		.counter = "EMFILE from accept(2), socket(2), open(2)",
		.source = "getrlimit(2); fs/file.c alloc_fd()",
		.since = "",
	},
	{
		.name = "fs.nr_open",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "descriptors",
		.min = 64,
		.max = NR_OPEN_MAX,
		.walls = "descriptors.process",
		.what = "The ceiling to which RLIMIT_NOFILE may be raised, by anybody. 1048576 by "
			"default.",
		.cost = "Nothing by itself; it allows a process a descriptor table of 8 bytes a "
			"slot.",
		.counter = "EPERM from setrlimit(2) with RLIMIT_NOFILE above it",
		.source = "proc(5); kernel/sys.c do_prlimit(); fs/file.c",
		.since = "",
	},
	{
		.name = "fs.file-max",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "files",
		.min = 0,
		.max = INT64_MAX,
		.round = KNOB_POWER,
		.round_min = 1024,
		.walls = "descriptors.system",
		.what = "How many files, sockets included, the whole machine may have open. It "
			"does not bind a process with CAP_SYS_ADMIN. A tenth of the memory by "
			"default, counted as 1 KiB a file; recent systemd raises it to the "
			"highest number there is.",
		.cost = "Nothing until used: then kernel memory for each file, about 200 bytes, "
			"and for a TCP socket about 4 KiB.",
		.counter = "ENFILE; the kernel's log says \"file-max limit reached\"; fs.file-nr "
			   "is in use",
		.source = "proc(5); fs/file_table.c alloc_empty_file(), files_maxfiles_init()",
		.since = "",
		.memory = {448, KNOB_PER_ENTRY, KNOB_MAX_CONNECTIONS},
	},
	{
		.name = "fs.epoll.max_user_watches",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "watches",
		.min = 0,
		.max = INT64_MAX,
		.round = KNOB_POWER,
		.round_min = 1024,
		.walls = "epoll.watches",
		.what = "How many descriptors one user may have registered in all of its epoll "
			"sets together. 4 % of the low memory by default.",
		.cost = "Nothing until used: then about 180 bytes of kernel memory a watch on a "
			"64-bit machine.",
		.counter = "ENOSPC from epoll_ctl(2) EPOLL_CTL_ADD",
		.source = "epoll(7); fs/eventpoll.c ep_insert(), eventpoll_init()",
		.since = "",
		.memory = {211, KNOB_PER_ENTRY, KNOB_MAX_CONNECTIONS},
	},

	{
		.name = "net.core.somaxconn",
		.scope = KNOB_NETNS,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_LISTEN,
		.unit = "connections",
		.min = 0,
		.max = INT32_MAX,
		.round = KNOB_POWER,
		.round_min = 128,
		.walls = "accept-queue,syn-queue",
		.what = "The highest backlog that listen() may ask for; more is cut without a "
			"word. The accept queue of a listener holds one connection more than the "
			"smaller of the two. 4096 by default since 5.4, 128 before.",
		.cost = "Nothing until used: then the memory of each connection that waits, and "
			"the time that it waits. A queue longer than the clients' patience serves "
			"nobody.",
		.counter = "TcpExt.ListenOverflows",
		.source = "listen(2); net/socket.c __sys_listen(); include/net/sock.h "
			  "sk_acceptq_is_full()",
		.since = "",
		.memory = {KNOB_SOCKET_BYTES, KNOB_PER_ENTRY, KNOB_MAX_CONNECTIONS},
	},
	{
		.name = "net.ipv4.tcp_abort_on_overflow",
		.scope = KNOB_NETNS,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_PACKET,
		.unit = "",
		.min = 0,
		.max = 1,
		.walls = "accept-queue",
		.what = "Whether a connection that finds the accept queue full is reset (1) or "
			"left to be tried again by its client's retransmission (0, the default).",
		.cost = "With 1 a burst that a retransmission would have survived becomes errors "
			"for clients.",
		.counter = "TcpExt.EmbryonicRsts with TcpExt.ListenOverflows",
		.source = "tcp(7); net/ipv4/tcp_minisocks.c tcp_check_req()",
		.since = "",
	},
	{
		.name = "listen.backlog",
		.scope = KNOB_APPLICATION,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_LISTEN,
		.unit = "connections",
		.min = 0,
		.max = INT32_MAX,
		.round = KNOB_POWER,
		.round_min = 128,
		.how = "Pass backlog {proposed} to listen() (nginx: listen … backlog={proposed}) "
		       "and restart the server.",
		.steps = "the application's argument to listen(). nginx: listen … "
			 "backlog={proposed};\n"
			 "Redis: tcp-backlog {proposed}; systemd sockets: Backlog={proposed}. Then "
			 "restart it.",
		.walls = "accept-queue,syn-queue",
		.what = "The second argument of listen(): the accept queue that the application "
			"asks for, cut to net.core.somaxconn. It is in the application's "
			"configuration, such as backlog= of nginx' listen (511 by default) or "
			"tcp-backlog of Redis.",
		.cost = "As net.core.somaxconn.",
		.counter = "TcpExt.ListenOverflows; ss -ltn shows it as Send-Q",
		.source = "listen(2); net/ipv4/af_inet.c inet_listen()",
		.since = "",
	},
	{
		.name = "net.ipv4.tcp_max_syn_backlog",
		.scope = KNOB_NETNS,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_PACKET,
		.unit = "connections",
		.min = 0,
		.max = INT32_MAX,
		.round = KNOB_POWER,
		.round_min = 128,
		.walls = "syn-queue",
		.what = "How many half-open connections a listener may have when SYN cookies are "
			"off: beyond three quarters of it, new clients are dropped unless known "
			"from earlier. With net.ipv4.tcp_syncookies=1 it has no effect: the "
			"listener's backlog is then the bound.",
		.cost = "About 300 bytes for each half-open connection.",
		.counter = "TcpExt.ListenDrops without TcpExt.ListenOverflows",
		.source = "net/ipv4/tcp_input.c tcp_conn_request(); ip-sysctl.rst",
		.since = "",
		.memory = {304, KNOB_PER_ENTRY, KNOB_MAX_CONNECTIONS},
	},
	{
		.name = "net.ipv4.tcp_syncookies",
		.scope = KNOB_NETNS,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_PACKET,
		.unit = "",
		.min = 0,
		.max = 2,
		.walls = "syn-queue",
		.what = "What happens when a listener's SYN queue is full: 1 (the default) "
			"answers with a cookie and keeps no state, 0 drops the SYN, 2 uses "
			"cookies always.",
		.cost = "Connections made by a cookie lose the TCP options that do not fit into a "
			"timestamp; without timestamps they have no window scaling and no SACK.",
		.counter = "TcpExt.TCPReqQFullDoCookies, TcpExt.TCPReqQFullDrop, "
			   "TcpExt.SyncookiesSent",
		.source = "net/ipv4/tcp_input.c tcp_syn_flood_action(); net/ipv4/syncookies.c; "
			  "RFC 4987",
		.since = "",
	},
	{
		.name = "net.ipv4.tcp_synack_retries",
		.scope = KNOB_NETNS,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_PACKET,
		.unit = "retries",
		.min = 0,
		.max = 255,
		.walls = "syn-queue",
		.what = "How often a SYN-ACK is sent again before a half-open connection is given "
			"up; 5 by default: 63 seconds in all. Fewer free the SYN queue sooner "
			"from clients that will never answer.",
		.cost = "More keeps dead entries in the SYN queue; fewer gives up on clients "
			"behind a lossy path.",
		.counter = "TcpExt.TCPSynRetrans",
		.source = "tcp(7); net/ipv4/inet_connection_sock.c reqsk_timer_handler()",
		.since = "",
	},

	{
		.name = "net.ipv4.tcp_rmem",
		.scope = KNOB_NETNS,
		.shape = KNOB_TRIPLE,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "B",
		.min = 1,
		.max = INT32_MAX,
		.round = KNOB_SIXTEENTH,
		.round_min = 65536,
		.walls = "buffers.receive,memory.connection",
		.what = "The receive buffer of a TCP socket: what it keeps under memory pressure, "
			"what it starts with, and what autotuning may grow it to. The third "
			"bounds the receive window, and so throughput times round trip. It is not "
			"capped by net.core.rmem_max. The window's scale is agreed when a "
			"connection opens, so that old ones gain little.",
		.cost = "The third costs only connections whose peer fills the path; the second "
			"is a promise to every connection, and of megabytes it starves machines "
			"with many.",
		.counter = "rwnd_limited of the sender's tcp_info (ss -ti); TcpExt.PruneCalled",
		.source = "tcp(7); net/ipv4/tcp_input.c tcp_rcv_space_adjust(); "
			  "net/ipv4/tcp_output.c tcp_select_initial_window()",
		.since = "",
		.memory = {1, KNOB_PER_CONNECTION, KNOB_MAX_TCP_MEMORY},
	},
	{
		.name = "net.ipv4.tcp_wmem",
		.scope = KNOB_NETNS,
		.shape = KNOB_TRIPLE,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "B",
		.min = 1,
		.max = INT32_MAX,
		.round = KNOB_SIXTEENTH,
		.round_min = 65536,
		.walls = "buffers.send,memory.connection",
		.what = "The send buffer of a TCP socket: what it keeps under memory pressure, "
			"what it starts with, and what autotuning may grow it to. The third "
			"bounds what can be in flight. It is not capped by net.core.wmem_max.",
		.cost = "The third costs only connections that have that much unacknowledged: "
			"each of them that much unswappable memory.",
		.counter = "sndbuf_limited of the sender's tcp_info (ss -ti)",
		.source = "tcp(7); net/ipv4/tcp_input.c tcp_sndbuf_expand()",
		.since = "",
		.memory = {1, KNOB_PER_CONNECTION, KNOB_MAX_TCP_MEMORY},
	},
	{
		.name = "net.core.rmem_max",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "B",
		.min = RCVBUF_MIN,
		.max = INT32_MAX,
		.walls = "buffers.receive",
		.what = "The largest receive buffer that a program may ask for with SO_RCVBUF; "
			"the kernel then doubles it for its own overhead. It does not bound "
			"autotuning.",
		.cost = "Nothing until a program asks; then as much unswappable memory as that "
			"program can make its peers send.",
		.counter = "getsockopt(2) SO_RCVBUF below twice of what was asked for",
		.source = "socket(7); net/core/sock.c sk_setsockopt()",
		.since = "",
	},
	{
		.name = "net.core.wmem_max",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "B",
		.min = SNDBUF_MIN,
		.max = INT32_MAX,
		.walls = "buffers.send",
		.what = "The largest send buffer that a program may ask for with SO_SNDBUF; the "
			"kernel then doubles it for its own overhead. It does not bound "
			"autotuning.",
		.cost = "Nothing until a program asks; then as much unswappable memory as that "
			"program writes.",
		.counter = "getsockopt(2) SO_SNDBUF below twice of what was asked for",
		.source = "socket(7); net/core/sock.c sk_setsockopt()",
		.since = "",
	},
	{
		.name = "net.core.rmem_default",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "B",
		.min = RCVBUF_MIN,
		.max = INT32_MAX,
		.walls = "buffers.receive",
		.what = "The receive buffer that sockets other than TCP start with. TCP takes the "
			"second field of net.ipv4.tcp_rmem instead.",
		.cost = "Each UDP, raw and local socket may hold that much unread.",
		.counter = "Udp.RcvbufErrors; none of TCP",
		.source = "socket(7); net/core/sock.c sock_init_data(); net/ipv4/tcp.c "
			  "tcp_init_sock()",
		.since = "",
	},
	{
		.name = "net.core.wmem_default",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "B",
		.min = SNDBUF_MIN,
		.max = INT32_MAX,
		.walls = "buffers.send",
		.what = "The send buffer that sockets other than TCP start with. TCP takes the "
			"second field of net.ipv4.tcp_wmem instead.",
		.cost = "Each UDP, raw and local socket may queue that much.",
		.counter = "Udp.SndbufErrors; none of TCP",
		.source = "socket(7); net/core/sock.c sock_init_data(); net/ipv4/tcp.c "
			  "tcp_init_sock()",
		.since = "",
	},
	{
		.name = "SO_RCVBUF",
		.scope = KNOB_APPLICATION,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "B",
		.min = 0,
		.max = INT32_MAX,
		.walls = "buffers.receive",
		.what = "A receive buffer of the application's own choice, cut to "
			"net.core.rmem_max and doubled by the kernel. It turns autotuning off for "
			"the socket. For the window's scale to follow it must be set before "
			"connect() or listen().",
		.cost = "The socket neither grows on a long path nor shrinks; most programs do "
			"better without.",
		.counter = "rwnd_limited of the sender's tcp_info (ss -ti)",
		.source = "socket(7), tcp(7); net/core/sock.c __sock_set_rcvbuf()",
		.since = "",
	},
	{
		.name = "SO_SNDBUF",
		.scope = KNOB_APPLICATION,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "B",
		.min = 0,
		.max = INT32_MAX,
		.walls = "buffers.send",
		.what = "A send buffer of the application's own choice, cut to net.core.wmem_max "
			"and doubled by the kernel. It turns autotuning off for the socket.",
		.cost = "The socket does not grow on a long path; most programs do better without.",
		.counter = "sndbuf_limited of tcp_info (ss -ti)",
		.source = "socket(7), tcp(7); net/core/sock.c sk_setsockopt()",
		.since = "",
	},
	{
		.name = "net.ipv4.tcp_mem",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_TRIPLE,
		.effect = KNOB_AT_ONCE,
		.unit = "pages",
		.min = 0,
		.max = INT64_MAX,
		.walls = "buffers.memory",
		.what = "The buffers of all TCP sockets together, in pages, not bytes: where "
			"pressure ends, where it begins and buffers stop growing, and what is "
			"never exceeded. Pressure begins at a sixteenth of the memory by default.",
		.cost = "Memory that nothing else can have, unswappable, when connections fill it.",
		.counter = "TcpExt.TCPMemoryPressures, TcpExt.TCPAbortOnMemory; sockstat.TCP.mem "
			   "is in use",
		.source = "tcp(7); net/core/sock.c __sk_mem_raise_allocated()",
		.since = "",
		.memory = {1, KNOB_PER_PAGE, KNOB_UNLIMITED},
	},
	{
		.name = "net.ipv4.tcp_max_orphans",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "connections",
		.min = 0,
		.max = INT32_MAX,
		.walls = "buffers.memory",
		.what = "How many connections that their programs have closed the kernel goes on "
			"serving until their last data is acknowledged. Those beyond are reset.",
		.cost = "Up to 64 KiB of unswappable memory each.",
		.counter = "TcpExt.TCPAbortOnMemory; sockstat.TCP.orphan is in use",
		.source = "tcp(7); net/ipv4/tcp.c tcp_check_oom()",
		.since = "",
	},
	{
		.name = "net.ipv4.tcp_moderate_rcvbuf",
		.scope = KNOB_NETNS,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "",
		.min = 0,
		.max = 1,
		.walls = "buffers.receive",
		.what = "Whether the kernel tunes receive buffers by itself, up to the third "
			"field of net.ipv4.tcp_rmem. 1 by default; 0 leaves every socket at the "
			"second.",
		.cost = "None worth having it off.",
		.counter = "rwnd_limited of the sender's tcp_info (ss -ti)",
		.source = "tcp(7); net/ipv4/tcp_input.c tcp_rcv_space_adjust()",
		.since = "",
	},
	{
		.name = "net.ipv4.tcp_window_scaling",
		.scope = KNOB_NETNS,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_CONNECTION,
		.unit = "",
		.min = 0,
		.max = 1,
		.walls = "buffers.receive,buffers.send",
		.what = "Whether windows above 65 535 bytes are offered and accepted. 1 by "
			"default. With 0 no buffer helps: 64 KiB a round trip is the end.",
		.cost = "None; some very old middleboxes damage the option.",
		.counter = "no wscale in ss -ti",
		.source = "tcp(7); RFC 7323; net/ipv4/tcp_output.c tcp_syn_options()",
		.since = "",
	},
	{
		.name = "net.ipv4.tcp_adv_win_scale",
		.scope = KNOB_NETNS,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "",
		.min = -31,
		.max = 31,
		.walls = "buffers.receive",
		.what = "Which share of the receive buffer was offered as window. Without effect "
			"since 6.6: the kernel now measures each connection's overhead.",
		.cost = "None since 6.6.",
		.counter = "none",
		.source = "ip-sysctl.rst; net/ipv4/tcp_input.c, scaling_ratio",
		.since = "",
	},
	{
		.name = "net.ipv4.tcp_congestion_control",
		.scope = KNOB_NETNS,
		.shape = KNOB_WORD,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "",
		.walls = "buffers.send",
		.what = "The congestion control of new connections, by name: cubic, bbr, reno or "
			"another of net.ipv4.tcp_available_congestion_control. A listener that "
			"chose its own hands that on.",
		.cost = "Another share of a common path: bbr takes more than cubic where they "
			"meet, and bears loss better.",
		.counter = "cwnd and retrans of tcp_info (ss -ti)",
		.source = "tcp(7); net/ipv4/tcp_cong.c tcp_assign_congestion_control()",
		.since = "",
	},
	{
		.name = "net.core.default_qdisc",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_WORD,
		.effect = KNOB_NEXT_DEVICE,
		.unit = "",
		.walls = "buffers.send",
		.what = "The queueing discipline that interfaces get when they are brought up. fq "
			"paces connections and fq_codel shares and keeps queues short. bbr needs "
			"no fq since 4.13: TCP then paces itself.",
		.cost = "fq costs some CPU time a packet, fewer timers than TCP's own pacing.",
		.counter = "drops and backlog of tc -s qdisc",
		.source = "Documentation/admin-guide/sysctl/net.rst; net/sched/sch_generic.c",
		.since = "",
	},
	{
		.name = "net.ipv4.tcp_slow_start_after_idle",
		.scope = KNOB_NETNS,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "",
		.min = 0,
		.max = 1,
		.walls = "buffers.send",
		.what = "Whether a connection that was idle for a retransmission timeout begins "
			"again with a small congestion window (1, the default). Long-lived "
			"connections that talk in bursts over a long path are faster with 0.",
		.cost = "With 0 a burst after a pause meets a path that may have changed "
			"meanwhile: more loss.",
		.counter = "cwnd of tcp_info (ss -ti) after a pause",
		.source = "RFC 2861, RFC 5681; net/ipv4/tcp_output.c tcp_cwnd_restart()",
		.since = "",
	},
	{
		.name = "net.ipv4.tcp_notsent_lowat",
		.scope = KNOB_NETNS,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "B",
		.min = 0,
		.max = UINT32_MAX,
		.walls = "buffers.send,memory.connection",
		.what = "How much unsent data a socket may hold before epoll no longer reports it "
			"writable. No bound by default. 16 to 128 KiB keeps what was written "
			"close to what is sent, which helps servers that choose late, such as for "
			"HTTP/2.",
		.cost = "A lower one costs more wakeups and system calls for the same bytes.",
		.counter = "notsent of ss -ti",
		.source = "tcp(7) TCP_NOTSENT_LOWAT; include/net/tcp.h tcp_notsent_lowat()",
		.since = "",
	},

	{
		.name = "net.ipv4.ip_local_port_range",
		.scope = KNOB_NETNS,
		.shape = KNOB_RANGE,
		.effect = KNOB_NEXT_CONNECTION,
		.unit = "ports",
		.min = 1,
		.max = 65535,
		.walls = "ports.ephemeral",
		.what = "The ports that connect() chooses from: so many connections can one "
			"source address have to one destination address and port. 32768 60999 by "
			"default. The first may not be below net.ipv4.ip_unprivileged_port_start.",
		.cost = "A port that a service listens on may be taken before that starts: keep "
			"those in net.ipv4.ip_local_reserved_ports.",
		.counter = "EADDRNOTAVAIL from connect(2)",
		.source = "ip(7); net/ipv4/inet_hashtables.c __inet_hash_connect()",
		.since = "",
	},
	{
		.name = "net.ipv4.tcp_tw_reuse",
		.scope = KNOB_NETNS,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_CONNECTION,
		.unit = "",
		.min = 0,
		.max = 2,
		.walls = "ports.ephemeral,time-wait",
		.what = "Whether connect() may take a port whose connection is in TIME_WAIT: 0 "
			"never, 1 where timestamps make it safe, 2 (the default since 4.19) so "
			"but over loopback only. It helps the side that connects and closes "
			"first, and does nothing for a server.",
		.cost = "A peer without usable timestamps, or several behind one address, may "
			"refuse the new connection.",
		.counter = "TcpExt.TWRecycled; EADDRNOTAVAIL from connect(2)",
		.source = "tcp(7); RFC 6191; net/ipv4/tcp_ipv4.c tcp_twsk_unique()",
		.since = "",
	},
	{
		.name = "net.ipv4.tcp_tw_reuse_delay",
		.scope = KNOB_NETNS,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_CONNECTION,
		.unit = "ms",
		.min = 1,
		.max = 60000,
		.walls = "ports.ephemeral",
		.what = "How old a connection in TIME_WAIT must be before net.ipv4.tcp_tw_reuse "
			"lets its port be taken. 1000 by default, and one second before it could "
			"be set.",
		.cost = "Below the tick of the peer's timestamps (mostly 1 to 10 ms) data of the "
			"old connection could be taken for new.",
		.counter = "TcpExt.TWRecycled; EADDRNOTAVAIL from connect(2)",
		.source = "ip-sysctl.rst; RFC 7323; net/ipv4/tcp_ipv4.c tcp_twsk_unique()",
		.since = "6.14",
	},
	{
		.name = "net.ipv4.tcp_timestamps",
		.scope = KNOB_NETNS,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_CONNECTION,
		.unit = "",
		.min = 0,
		.max = 2,
		.walls = "ports.ephemeral,time-wait",
		.what = "Whether segments carry timestamps: 1 (the default) with a random offset "
			"for each connection, 2 without, 0 none. net.ipv4.tcp_tw_reuse, "
			"protection against wrapped sequence numbers and SYN cookies with window "
			"scaling need them.",
		.cost = "12 bytes a segment.",
		.counter = "none; without them TcpExt.TWRecycled stays 0",
		.source = "tcp(7); RFC 7323; net/ipv4/tcp_output.c tcp_syn_options()",
		.since = "",
	},
	{
		.name = "net.ipv4.tcp_max_tw_buckets",
		.scope = KNOB_NETNS,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "connections",
		.min = 0,
		.max = INT32_MAX,
		.round = KNOB_POWER,
		.round_min = 4096,
		.walls = "time-wait",
		.what = "How many connections may be in TIME_WAIT. Those beyond close at once, "
			"without the protection against old segments. It is a bound against "
			"attacks, not a cure for TIME_WAIT.",
		.cost = "About 250 bytes of kernel memory each.",
		.counter = "TcpExt.TCPTimeWaitOverflow; sockstat.TCP.tw is in use",
		.source = "tcp(7); net/ipv4/inet_timewait_sock.c inet_twsk_alloc()",
		.since = "",
		.memory = {256, KNOB_PER_ENTRY, KNOB_MAX_TIME_WAIT},
	},
	{
		.name = "net.ipv4.tcp_fin_timeout",
		.scope = KNOB_NETNS,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "s",
		.min = 1,
		.max = SECONDS_MAX,
		.walls = "time-wait",
		.what = "How long a connection that its program has closed waits in FIN_WAIT_2 "
			"for the peer to close too. 60 by default. It does not shorten TIME_WAIT, "
			"which is 60 seconds, always (TCP_TIMEWAIT_LEN).",
		.cost = "Shorter cuts off peers that still send; longer keeps memory for those "
			"that went away.",
		.counter = "sockets in FIN-WAIT-2 (ss -tan)",
		.source = "tcp(7); net/ipv4/tcp.c __tcp_close(); include/net/tcp.h "
			  "TCP_TIMEWAIT_LEN",
		.since = "",
	},

	{
		.name = "net.core.netdev_budget",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "packets",
		.min = 0,
		.max = INT32_MAX,
		.walls = "softnet.budget",
		.what = "How many packets one round of receive softirq may take over all of a "
			"CPU's interfaces before it gives way. 300 by default; the time of "
			"net.core.netdev_budget_usecs ends a round as well.",
		.cost = "Longer rounds delay the programs on that CPU.",
		.counter = "softnet_stat column 3 (squeezed)",
		.source = "net/core/dev.c net_rx_action(); net.rst",
		.since = "",
		.softnet = true,
	},
	{
		.name = "net.core.netdev_budget_usecs",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "us",
		.min = 0,
		.max = INT32_MAX,
		.walls = "softnet.budget",
		.what = "How long one round of receive softirq may last. Two ticks of the "
			"kernel's clock by default: 2000 with HZ=1000, 8000 with HZ=250.",
		.cost = "Longer rounds delay the programs on that CPU.",
		.counter = "softnet_stat column 3 (squeezed)",
		.source = "net/core/dev.c net_rx_action(); net.rst",
		.since = "4.12",
		.softnet = true,
	},
	{
		.name = "net.core.netdev_max_backlog",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "packets",
		.min = 0,
		.max = INT32_MAX,
		.walls = "softnet.backlog",
		.what = "How many packets may wait for a CPU's softirq where they did not come by "
			"NAPI: loopback, RPS, tunnels, veth without GRO. Drivers with NAPI do not "
			"pass through it. 1000 by default.",
		.cost = "Packet memory and delay while a CPU is behind; more hides the lack of "
			"CPU for longer.",
		.counter = "softnet_stat column 2 (dropped)",
		.source = "net/core/dev.c enqueue_to_backlog(); net.rst",
		.since = "",
		.memory = {2304, KNOB_PER_CPU, KNOB_UNLIMITED},
		.softnet = true,
	},
	{
		.name = "net.core.dev_weight",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "packets",
		.min = 1,
		.max = INT32_MAX,
		.walls = "softnet.budget",
		.what = "How many packets of the backlog (net.core.netdev_max_backlog) are taken "
			"at a time, and how many are sent in a row. 64 by default. NAPI drivers "
			"have their own weight.",
		.cost = "Larger shares for the backlog at the expense of other interfaces.",
		.counter = "softnet_stat column 3 (squeezed)",
		.source = "net/core/dev.c process_backlog(); net.rst",
		.since = "",
		.softnet = true,
	},
	{
		.name = "net.core.busy_poll",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "us",
		.min = 0,
		.max = INT32_MAX,
		.walls = "napi.latency",
		.what = "How long every poll(), select() and epoll_wait() of the machine looks "
			"for packets at the device before it sleeps. 0 (off) by default. Since "
			"6.9 EPIOCSPARAMS does this for one epoll set alone.",
		.cost = "CPU time of every waiting program, whether it needs the latency or not.",
		.counter = "TcpExt.BusyPollRxPackets",
		.source = "socket(7); net.rst; net/core/dev.c napi_busy_loop()",
		.since = "",
		.softnet = true,
	},
	{
		.name = "net.core.busy_read",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "us",
		.min = 0,
		.max = INT32_MAX,
		.walls = "napi.latency",
		.what = "The SO_BUSY_POLL that new sockets start with: how long a blocking read "
			"looks for packets at the device before it sleeps. 0 (off) by default.",
		.cost = "CPU time of every reader that blocks.",
		.counter = "TcpExt.BusyPollRxPackets",
		.source = "socket(7) SO_BUSY_POLL; net.rst; include/net/busy_poll.h",
		.since = "",
		.softnet = true,
	},
	{
		.name = "net.core.gro_normal_batch",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "packets",
		.min = 1,
		.max = INT32_MAX,
		.walls = "softnet.budget",
		.what = "How many packets that GRO could not merge are gathered before they go up "
			"the stack together. 8 by default.",
		.cost = "More costs delay for the first of them.",
		.counter = "none",
		.source = "net.rst; net/core/gro.c gro_normal_one()",
		.since = "5.4",
		.softnet = true,
	},
	{
		.name = "net.core.rps_sock_flow_entries",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "flows",
		.min = 0,
		.max = 1 << 29,
		.walls = "nic.queues,softnet.backlog",
		.what = "How many connections receive flow steering remembers the reading CPU of, "
			"rounded up to a power of two; 0 (the default) is off. Each queue's "
			"rps_flow_cnt must be set too.",
		.cost = "4 bytes an entry, and inter-processor interrupts to move packets.",
		.counter = "softnet_stat column 10 (received_rps)",
		.source = "Documentation/networking/scaling.rst; net/core/sysctl_net_core.c "
			  "rps_sock_flow_sysctl()",
		.since = "",
		.softnet = true,
	},
	{
		.name = "net.core.dev_weight_rx_bias",
		.scope = KNOB_SYSTEM,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "",
		.min = 1,
		.max = INT32_MAX,
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
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_PACKET,
		.unit = "",
		.min = 0,
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
		.since = "",
		.softnet = true,
	},

	{
		.name = "EPIOCSPARAMS",
		.scope = KNOB_APPLICATION,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "us",
		.min = 0,
		.max = INT32_MAX,
		.walls = "napi.latency",
		.what = "An ioctl that sets busy polling for one epoll set: for how long (this "
			"number, busy_poll_usecs), how many packets a round (busy_poll_budget, "
			"above 64 with CAP_NET_ADMIN only), and whether device interrupts stay "
			"off meanwhile (prefer_busy_poll). All sockets of the set should share "
			"one NAPI.",
		.cost = "CPU time of the thread that waits: up to the whole of a CPU when idle.",
		.counter = "TcpExt.BusyPollRxPackets",
		.source = "ioctl_eventpoll(2); fs/eventpoll.c ep_eventpoll_bp_ioctl(); "
			  "Documentation/networking/napi.rst",
		.since = "6.9",
	},
	{
		.name = "device.gro_flush_timeout",
		.scope = KNOB_DEVICE,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "ns",
		.min = 0,
		.max = INT64_MAX,
		.walls = "napi.latency",
		.what = "How long NAPI waits for more packets to merge, and, with "
			"napi_defer_hard_irqs, how long the device's interrupt stays off between "
			"two looks. 0 (off) by default. In /sys/class/net/*/gro_flush_timeout, "
			"since 6.13 also for each NAPI.",
		.cost = "Up to that much delay for every packet when nobody polls.",
		.counter = "none; measured latency",
		.source = "Documentation/networking/napi.rst; net/core/dev.c napi_complete_done()",
		.since = "",
		.device = &(const struct device_setting){.group = "napi",
							 .name = "gro_flush_timeout",
							 .by_napi = true,
							 .napi = NAPI_GRO_FLUSH_TIMEOUT,
							 .udev = "gro_flush_timeout"},
	},
	{
		.name = "device.napi_defer_hard_irqs",
		.scope = KNOB_DEVICE,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "polls",
		.min = 0,
		.max = INT32_MAX,
		.walls = "napi.latency",
		.what = "After how many empty looks NAPI turns the device's interrupt on again; "
			"until then a timer of gro_flush_timeout drives it. 0 (at once) by "
			"default. In /sys/class/net/*/napi_defer_hard_irqs, since 6.13 also for "
			"each NAPI.",
		.cost = "With gro_flush_timeout: delay when nobody polls, fewer interrupts when "
			"somebody does.",
		.counter = "none; measured latency",
		.source = "Documentation/networking/napi.rst; net/core/dev.c napi_complete_done()",
		.since = "5.8",
		.device = &(const struct device_setting){.group = "napi",
							 .name = "napi_defer_hard_irqs",
							 .by_napi = true,
							 .napi = NAPI_DEFER_HARD_IRQS,
							 .udev = "napi_defer_hard_irqs"},
	},
	{
		.name = "device.irq-suspend-timeout",
		.scope = KNOB_DEVICE,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "ns",
		.min = 0,
		.max = INT64_MAX,
		.walls = "napi.latency",
		.what = "For how long at most an epoll set with prefer_busy_poll may keep the "
			"interrupt of its NAPI off while it finds events. Set for each NAPI by "
			"netlink (netdev, napi-set) only. 0 (off) by default.",
		.cost = "A program that hangs leaves its queue unserved for that long.",
		.counter = "none; measured latency and CPU time",
		.source = "Documentation/networking/napi.rst; net/core/dev.c napi_suspend_irqs()",
		.since = "6.13",
		.device = &(const struct device_setting){.by_napi = true,
							 .napi = NAPI_IRQ_SUSPEND_TIMEOUT},
	},
	{
		.name = "device.ring.rx",
		.scope = KNOB_DEVICE,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "packets",
		.min = 1,
		.max = INT32_MAX,
		.walls = "nic.ring",
		.what = "How many packets an interface's receive queue can hold until the kernel "
			"fetches them (ethtool -g, -G rx). The device has a maximum of its own.",
		.cost = "Memory and cache misses; under overload, delay in place of loss. Most "
			"drivers reset the link to change it.",
		.counter = "rx_missed_errors, rx_fifo_errors, rx-hw-drop-overruns of the interface",
		.source = "ethtool(8); Documentation/networking/ethtool-netlink.rst RINGS_SET",
		.since = "",
		.device = &(const struct device_setting){.group = "rings",
							 .name = "rx",
							 .max = "rx-max",
							 .resets = true,
							 .link = "RxBufferSize",
							 .ethtool = {"-G", "rx", "RX"}},
	},
	{
		.name = "device.ring.tx",
		.scope = KNOB_DEVICE,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "packets",
		.min = 1,
		.max = INT32_MAX,
		.walls = "nic.ring",
		.what = "How many packets an interface's transmit queue can hold until the device "
			"has sent them (ethtool -g, -G tx). The device has a maximum of its own.",
		.cost = "Memory, and delay when the wire is full. Most drivers reset the link to "
			"change it.",
		.counter = "tx_dropped of the interface; the driver's tx_busy or queue stops",
		.source = "ethtool(8); Documentation/networking/ethtool-netlink.rst RINGS_SET",
		.since = "",
		.device = &(const struct device_setting){.group = "rings",
							 .name = "tx",
							 .max = "tx-max",
							 .resets = true,
							 .link = "TxBufferSize",
							 .ethtool = {"-G", "tx", "TX"}},
	},
	{
		.name = "device.channels",
		.scope = KNOB_DEVICE,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "queues",
		.min = 1,
		.max = INT32_MAX,
		.walls = "nic.queues",
		.what = "How many queues, each with an interrupt and a NAPI of its own, an "
			"interface spreads connections over (ethtool -l, -L combined). The device "
			"has a maximum of its own.",
		.cost = "Memory and interrupts; more than there are CPUs gain nothing. Most "
			"drivers reset the link to change it.",
		.counter = "softnet_stat column 1 of one CPU far above the others; NET_RX of "
			   "/proc/softirqs",
		.source = "ethtool(8); Documentation/networking/ethtool-netlink.rst CHANNELS_SET; "
			  "scaling.rst",
		.since = "",
		.device = &(const struct device_setting){.group = "channels",
							 .name = "combined",
							 .max = "combined-max",
							 .resets = true,
							 .link = "CombinedChannels",
							 .ethtool = {"-L", "combined", "Combined"}},
	},
	{
		.name = "device.rps_cpus",
		.scope = KNOB_DEVICE,
		.shape = KNOB_WORD,
		.effect = KNOB_NEXT_PACKET,
		.unit = "CPU mask",
		.walls = "nic.queues,softnet.backlog",
		.what = "Which CPUs a receive queue hands its packets to (receive packet "
			"steering), as a hexadecimal mask in "
			"/sys/class/net/*/queues/rx-*/rps_cpus. 0 (off) by default. The way out "
			"for an interface with fewer queues than CPUs.",
		.cost = "An inter-processor interrupt and cache misses for packets that move; "
			"they pass through net.core.netdev_max_backlog.",
		.counter = "softnet_stat column 1 of one CPU far above the others; column 10 "
			   "(received_rps)",
		.source = "Documentation/networking/scaling.rst; net/core/dev.c get_rps_cpu()",
		.since = "",
		.device = &(const struct device_setting){.masks = true,
							 .udev = "queues/rx-*/rps_cpus"},
	},
	{
		.name = "device.coalesce.rx-usecs",
		.scope = KNOB_DEVICE,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "us",
		.min = 0,
		.max = INT32_MAX,
		.walls = "napi.latency",
		.what = "How long a device waits after a packet before it interrupts (ethtool -c, "
			"-C rx-usecs). With adaptive-rx on, the driver changes it by itself.",
		.cost = "That much delay for the first packet, against fewer interrupts.",
		.counter = "none; measured latency, and the rate of the device in /proc/interrupts",
		.source = "ethtool(8); Documentation/networking/ethtool-netlink.rst COALESCE_SET",
		.since = "",
		.device = &(const struct device_setting){.group = "coalesce",
							 .name = "rx-usecs",
							 .link = "RxCoalesceSec",
							 .unit = "us",
							 .ethtool = {"-C", "rx-usecs", "rx-usecs"}},
	},
	{
		.name = "device.coalesce.tx-usecs",
		.scope = KNOB_DEVICE,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "us",
		.min = 0,
		.max = INT32_MAX,
		.walls = "napi.latency",
		.what = "How long a device waits after a packet was sent before it interrupts "
			"(ethtool -c, -C tx-usecs).",
		.cost = "Packets stay accounted to their socket for that much longer, against "
			"fewer interrupts.",
		.counter = "none; the rate of the device in /proc/interrupts",
		.source = "ethtool(8); Documentation/networking/ethtool-netlink.rst COALESCE_SET",
		.since = "",
		.device = &(const struct device_setting){.group = "coalesce",
							 .name = "tx-usecs",
							 .link = "TxCoalesceSec",
							 .unit = "us",
							 .ethtool = {"-C", "tx-usecs", "tx-usecs"}},
	},
	{
		.name = "device.coalesce.adaptive-rx",
		.scope = KNOB_DEVICE,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "",
		.min = 0,
		.max = 1,
		.walls = "napi.latency",
		.what = "Whether the driver changes the wait before an interrupt by itself, by "
			"the load (ethtool -c, -C adaptive-rx).",
		.cost = "A little delay when the load changes.",
		.counter = "none; measured latency, and the rate of the device in /proc/interrupts",
		.source = "ethtool(8); Documentation/networking/net_dim.rst",
		.since = "",
		.device = &(const struct device_setting){.group = "coalesce",
							 .name = "adaptive-rx",
							 .boolean = true,
							 .link = "UseAdaptiveRxCoalesce",
							 .ethtool = {"-C", "adaptive-rx",
								     "Adaptive RX"}},
	},
	{
		.name = "device.threaded",
		.scope = KNOB_DEVICE,
		.shape = KNOB_NUMBER,
		.effect = KNOB_AT_ONCE,
		.unit = "",
		.min = 0,
		.max = 1,
		.walls = "napi.latency",
		.what = "Whether packets are fetched by a kernel thread for each NAPI, which the "
			"scheduler places, rather than by softirqs. In /sys/class/net/*/threaded.",
		.cost = "A switch between threads for each burst of packets.",
		.counter = "none; measured latency",
		.source = "Documentation/networking/napi.rst; net/core/dev.c napi_threaded_poll()",
		.since = "5.12",
		.device = &(const struct device_setting){.group = "napi",
							 .name = "threaded",
							 .udev = "threaded"},
	},
};

size_t knob_count(void) { return sizeof(knobs) / sizeof(*knobs); }

const struct knob *knob_at(size_t i) { return &knobs[i]; }
