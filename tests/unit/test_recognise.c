/* What operators paste is recognised: errors, lines of logs, counters, directives. */
#include "../fuzz/fuzz_recognise.c"
#include "../support/support.h"

#include <stdio.h>

#include "epolltune/catalogue.h"
#include "epolltune/list.h"

static int close_recognisers(void **state)
{
	recogniser_closep((struct recogniser **)&state[0]);
	return 0;
}

static int open_all(void **state)
{
	return recogniser_open((struct recogniser **)state, false, NULL);
}

static int open_log(void **state)
{
	return recogniser_open((struct recogniser **)state, true, NULL);
}

static const char *name_of(const struct topic_hit *hit) { return hit->kind->name_at(hit->at); }

/* The name of the topic that a text is explained by; "" if none. */
static const char *explained(struct recogniser *r, const char *text)
{
	char clean[4096];
	struct topic_hit hit;
	text_clean(clean, sizeof(clean), text, strlen(text));
	const struct topic_kind *kind = topic_find(clean, &hit.at);
	if (kind)
		return kind->name_at(hit.at);
	return recognise(r, clean, &hit, 1) ? name_of(&hit) : "";
}

static void patterns_match_as_documented(void **state)
{
	static const struct {
		const char *pattern, *text;
		size_t fixed;
	} cases[] = {
		{"EMFILE", "accept: EMFILE", 6},
		{"emfile", "Error: EMFILE, read", 6},
		{"EMFILE", "xEMFILE", 0},
		{"EMFILE", "EMFILES", 0},
		{"EMFILE", "EMFILE_", 0},
		{"nofile", "LimitNOFILE=3", 0},
		{"file-max limit * reached", "VFS: file-max limit 9 reached", 23},
		{"file-max limit * reached", "VFS: file-max limit 9", 0},
		{"a*c", "a b c", 2},
		{"a*c", "c b a", 0},
		{"a*b*a", "a b", 0},
		{"a*b*a", "a b a", 3},
		{"(24:", "failed (24: Too", 4},
		{"net.core.somaxconn", "/proc/sys/net/core/somaxconn", 18},
		{"net/core", "net.core", 0},
		{"accept", "", 0},
		{"", "accept", 0},
		{"*", "accept", 0},
		{"accept*", "accept", 6},
		{"*accept", "4 accept", 6},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (pattern_find(cases[i].pattern, cases[i].text) != cases[i].fixed)
			fail_msg("\"%s\" in \"%s\"", cases[i].pattern, cases[i].text);
}

#define BYTES(text) text, sizeof(text) - 1

static void texts_are_cleaned(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		const char *clean;
	} cases[] = {
		{BYTES("  a \t\r\n b  "), "a b"},
		{BYTES("a\0b"), "a b"},
		{BYTES("\033[1;31mToo many\033[0m files"), "Too many files"},
		{BYTES("\033]0;title\aToo\033]8;;x\033\\ many"), "Too many"},
		{BYTES("\033"), ""},
		{BYTES("\033["), ""},
		{BYTES("\033]0;title"), ""},
		{BYTES("a\033cb"), "ab"},
		{BYTES("\001\177a"), "a"},
		{BYTES(""), ""},
	};
	char clean[64];
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		text_clean(clean, sizeof(clean), cases[i].text, cases[i].length);
		assert_string_equal(clean, cases[i].clean);
	}
	text_clean(clean, 4, "abcdef", 6);
	assert_string_equal(clean, "abc");
}

/* A text, and the row that it is explained by. */
static const struct {
	const char *text, *name;
} pasted[] = {
	/* Errors, by name and by text. */
	{"EMFILE", "EMFILE"},
	{"Too many open files", "EMFILE"},
	{"OSError: [Errno 24] Too many open files: '/etc/hosts'", "EMFILE"},
	{"ENFILE", "ENFILE"},
	{"accept: Too many open files in system", "ENFILE"},
	{"http: Accept error: accept tcp [::]:8080: accept4: too many open files in system; retrying in 1s",
	 "ENFILE"},
	{"ENOSPC", "ENOSPC"},
	{"epoll_ctl(EPOLL_CTL_ADD): No space left on device", "epoll_ctl: No space left on device"},
	{"2026/11/28 10:00:00 [alert] 7#7: *9 epoll_ctl(1, 12) failed (28: No space left on device)",
	 "epoll_ctl: No space left on device"},
	{"Error: ENOSPC: System limit for number of file watchers reached, watch '/app'",
	 "inotify watch limit reached"},
	{"ENOBUFS", "ENOBUFS"},
	{"sendto: No buffer space available", "ENOBUFS"},
	{"EADDRNOTAVAIL", "EADDRNOTAVAIL"},
	{"Cannot assign requested address", "EADDRNOTAVAIL"},
	{"EAGAIN", "EAGAIN"},
	{"ECONNRESET", "ECONNRESET"},
	{"Error: read ECONNRESET at TCP.onStreamRead", "ECONNRESET"},
	{"curl: (56) Recv failure: Connection reset by peer", "ECONNRESET"},
	{"ETIMEDOUT", "ETIMEDOUT"},
	{"EPIPE", "EPIPE"},
	{"listen EADDRINUSE: address already in use :::3000", "EADDRINUSE"},

	/* The kernel log. */
	{"Nov 28 10:00:01 web-1 kernel: [16427.22] TCP: request_sock_TCP: Possible SYN flooding on "
	 "port 0.0.0.0:443. Sending cookies.",
	 "Possible SYN flooding"},
	{"possible SYN flooding on port 4671. Sending cookies.", "Possible SYN flooding"},
	{"[Fri Mar 12 17:26:31 2021] TCP: request_sock_TCPv6: Possible SYN flooding on port 34391. "
	 "Dropping request.  Check SNMP counters.",
	 "SYN flooding: Dropping request"},
	{"<6>[  9.1] TCP: out of memory -- consider tuning tcp_mem", "TCP: out of memory"},
	{"kernel: Out of socket memory", "TCP: out of memory"},
	{"Nov 28 h kernel: nf_conntrack: nf_conntrack: table full, dropping packet",
	 "nf_conntrack: table full"},
	{"ip_conntrack: table full, dropping packet.", "nf_conntrack: table full"},
	{"nf_conntrack: expectation table full", "nf_conntrack: expectation table full"},
	{"kernel: nf_queue: full at 1024 entries, dropping packets(s)", "nf_queue: full"},
	{"neighbour: arp_cache: neighbor table overflow!", "neighbor table overflow"},
	{"kernel: Neighbour table overflow.", "neighbor table overflow"},
	{"TCP: too many orphaned sockets", "too many orphaned sockets"},
	{"TCP: too many of orphaned sockets", "too many orphaned sockets"},
	{"TCP: time wait bucket table overflow (CT123)", "time wait bucket table overflow"},
	{"VFS: file-max limit 98990 reached", "VFS: file-max limit reached"},
	{"ip_local_port_range: prefer different parity for start/end values.",
	 "prefer different parity"},
	{"net_ratelimit: 4711 callbacks suppressed", "callbacks suppressed"},
	{"Out of memory: Killed process 812 (nginx) total-vm:1kB", "Out of memory: Killed process"},
	{"nginx invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=999",
	 "invoked oom-killer"},
	{"OOM killer", "invoked oom-killer"},
	{"Memory cgroup out of memory: Killed process 812 (node)", "Memory cgroup out of memory"},
	{"cgroup: fork rejected by pids controller in /system.slice/docker-2e3d.scope",
	 "fork rejected by pids controller"},
	{"systemd[1]: nginx.service: Failed with result 'oom-kill'.", "killed by the OOM killer"},
	{"nginx.service: A process of this unit has been killed by the OOM killer.",
	 "killed by the OOM killer"},
	{"nginx.service: Main process exited, code=killed, status=9/KILL",
	 "killed by the OOM killer"},
	{"Route cache is full: consider increasing sysctl net.ipv6.route.max_size.",
	 "Route cache is full"},
	{"NETDEV WATCHDOG: eth0 (r8169): transmit queue 0 timed out",
	 "NETDEV WATCHDOG: queue timed out"},
	{"TCP: eth0: Driver has suspect GRO implementation, TCP performance may be compromised.",
	 "Driver has suspect GRO implementation"},
	{"swapper/0: page allocation failure: order:0, mode:0x20", "page allocation failure"},

	/* Counters: /proc/net/netstat and snmp, nstat, netstat -s, exporters, softnet, ethtool. */
	{"ListenOverflows", "TcpExt.ListenOverflows"},
	{"TcpExtListenDrops 5729 0.0", "TcpExt.ListenDrops"},
	{"    5729 times the listen queue of a socket overflowed", "TcpExt.ListenOverflows"},
	{"    5729 SYNs to LISTEN sockets dropped", "TcpExt.ListenDrops"},
	{"    31 packets rejected in established connections because of timestamp",
	 "TcpExt.PAWSEstab"},
	{"    PAWSTimewait: 31", "TcpExt.PAWSTimewait"},
	{"rate(node_netstat_TcpExt_TCPReqQFullDoCookies[5m])", "TcpExt.TCPReqQFullDoCookies"},
	{"TCPTimeWaitOverflow: 27360", "TcpExt.TCPTimeWaitOverflow"},
	{"20560 packets pruned from receive queue because of socket buffer overrun",
	 "TcpExt.PruneCalled"},
	{"997586 packets collapsed in receive queue due to low socket buffer",
	 "TcpExt.TCPRcvCollapsed"},
	{"RcvbufErrors", "Udp.RcvbufErrors"},
	{"UdpRcvbufErrors 12 0.0", "Udp.RcvbufErrors"},
	{"time_squeeze", "softnet_stat-time_squeeze"},
	{"rx_missed_errors: 81", "rx_missed_errors"},
	{"     bw_in_allowance_exceeded: 3241329", "bw_in_allowance_exceeded"},
	{"insert_failed=7", "nf_conntrack.insert_failed"},
	{"table_fulls", "arp_cache.table_fulls"},
	{"fs.file-nr = 1024 0 98990", "fs.file-nr"},
	{"     rx_queue_0_drops: 99", "rx_discards"},
	{"  pkts rx OOB: 4", "rx_discards"},
	{"     [0]: rx_discards: 5", "rx_discards"},
	{"rx_no_buffers_posted[3]: 7", "rx_no_buffers_posted"},
	{"     rx_no_buffer: 12", "rx_no_buffer"},
	{"     rx_no_buffer_count: 12", "rx_no_buffer_count"},
	{"     [hw] rx nobuffer discards: 12", "rx_discards"},
	{"LISTEN 512    511          0.0.0.0:443       0.0.0.0:*    users:((\"nginx\",pid=812,fd=6))",
	 "ss.LISTEN.Recv-Q"},
	{"tcp        0      0 0.0.0.0:443       0.0.0.0:*    LISTEN      812/nginx",
	 "ss.LISTEN.Recv-Q"},

	/* Directives, short and old names. */
	{"LimitNOFILE=1024", "LimitNOFILE"},
	{"net.unix.max_dgram_qlen = 10", "net.unix.max_dgram_qlen"},
	{"max_dgram_qlen", "net.unix.max_dgram_qlen"},
	{"net.ipv4.tcp_rfc1337=1", "net.ipv4.tcp_rfc1337"},
	{"DefaultTasksMax=512", "TasksMax"},
	{"worker_connections 1024;", "worker_connections"},
	{"tcp-backlog 511", "tcp-backlog"},
	{"maxclients 10000", "maxclients"},
	{"maxconn 2000", "maxconn"},
	{"somaxconn", "net.core.somaxconn"},
	{"nofile", "nofile"},
	{"* soft nofile 65536", "nofile"},
	{"backlog", "listen.backlog"},
	{"listen 80 default_server backlog=511;", "backlog="},
	{"ip_conntrack_max", "net.nf_conntrack_max"},
	{"net.nf_conntrack_max = 655360", "net.nf_conntrack_max"},
	{"nf_conntrack_max", "net.netfilter.nf_conntrack_max"},
	{"TIME_WAIT", "TIME_WAIT"},
	{"tcp_keepalive_time", "net.ipv4.tcp_keepalive_time"},
	{"ip_local_reserved_ports", "net.ipv4.ip_local_reserved_ports"},
	{"ip_unprivileged_port_start", "net.ipv4.ip_unprivileged_port_start"},
	{"net.ipv4.tcp_tw_recycle = 1", "net.ipv4.tcp_tw_recycle"},
	{"net.ipv4.ip_local_port_range=\"1024 65535\"", "quotes in sysctl.conf"},
	{"net.ipv4.ip_local_port_range = 1024 65535", "net.ipv4.ip_local_port_range"},
	{"echo 4096 > /proc/sys/net/core/somaxconn", "net.core.somaxconn"},

	/* Messages of servers. */
	{"2026/11/28 10:00:00 [crit] 12#12: accept4() failed (24: Too many open files)",
	 "accept: Too many open files"},
	{"socket() failed (24: Too many open files) while connecting to upstream, client: 10.0.0.1",
	 "socket: Too many open files"},
	{"[crit] 7#7: *1 connect() to 10.0.0.2:80 failed (99: Cannot assign requested address) while "
	 "connecting to upstream",
	 "connect: Cannot assign requested address"},
	{"[alert] 512 worker_connections are not enough while connecting to upstream",
	 "worker_connections are not enough"},
	{"[warn] 4096 worker_connections exceed open file resource limit: 1024",
	 "worker_connections exceed open files"},
	{"[alert] setrlimit(RLIMIT_NOFILE, 65535) failed (1: Operation not permitted)",
	 "setrlimit(RLIMIT_NOFILE) failed"},
	{"connect() to unix:/run/php/php-fpm.sock failed (11: Resource temporarily unavailable) while "
	 "connecting to upstream",
	 "connect to UNIX: temporarily unavailable"},
	{"upstream timed out (110: Connection timed out) while connecting to upstream",
	 "upstream timed out"},
	{"[info] 7#7: *7 client timed out (110: Connection timed out) while waiting for request, client: "
	 "10.0.0.1",
	 "client timed out (110:"},
	{"*3 connection timed out (110: Connection timed out) while proxying connection, client: 10.0.0.1",
	 "client timed out (110:"},
	{"recv() failed (110: Connection timed out) while reading response header from upstream",
	 "ETIMEDOUT"},
	{"504 Gateway Time-out The server didn't respond in time.", "504 Gateway Timeout"},
	{"AxiosError: timeout of 5000ms exceeded { code: 'ECONNABORTED' }",
	 "timeout of N ms exceeded"},
	{"dial tcp: lookup api on 10.96.0.10:53: read udp 10.0.0.1:9->10.96.0.10:53: i/o timeout",
	 "lookup: i/o timeout"},
	{"dial tcp 10.0.0.1:443: i/o timeout", "ETIMEDOUT"},
	{"Get \"https://a/\": net/http: TLS handshake timeout", "TLS handshake timeout"},
	{"curl: (28) SSL connection timeout", "TLS handshake timeout"},
	{"ssh: connect to host a port 22: Connection timed out", "ETIMEDOUT"},
	{"connect() failed (111: Connection refused) while connecting to upstream", "ECONNREFUSED"},
	{"no live upstreams while connecting to upstream", "no live upstreams"},
	{"bind() to 0.0.0.0:80 failed (98: Address already in use)", "EADDRINUSE"},
	{"bind() to 10.9.9.9:80 failed (99: Cannot assign requested address)",
	 "bind: Cannot assign requested address"},
	{"1:M 18 Nov 12:29:31.725 # WARNING: The TCP backlog setting of 511 cannot be enforced because "
	 "/proc/sys/net/core/somaxconn is set to the lower value of 128.",
	 "TCP backlog setting cannot be enforced"},
	{"# Current maximum open files is 4096. maxclients has been reduced to 4064 to compensate for "
	 "low ulimit. If you need higher maxclients increase 'ulimit -n'.",
	 "maxclients has been reduced"},
	{"# Server can't set maximum open files to 10032 because of OS error: Operation not permitted.",
	 "setrlimit(RLIMIT_NOFILE) failed"},
	{"ERR max number of clients reached", "max number of clients reached"},
	{"OOM command not allowed when used memory > 'maxmemory'.", "OOM command not allowed"},
	{"Proxy fe reached process FD limit (maxsock=4013). Please check 'ulimit-n' and restart.",
	 "reached process FD limit"},
	{"Proxy fe reached system FD limit (maxsock=4013). Please check system tunables.",
	 "ENFILE"},
	{"[WARNING] [haproxy.main()] FD limit (1024) too low for maxconn=2000/maxsock=4013. Please "
	 "raise 'ulimit-n' to 4013 or more to avoid any trouble.",
	 "FD limit too low for maxconn"},
	{"Connect() failed for backend app: no free ports.",
	 "connect: Cannot assign requested address"},
	{"*** uWSGI listen queue of socket \":8080\" (fd: 3) full !!! (501/500) ***",
	 "uWSGI listen queue full"},
	{"Listen queue size is greater than the system max net.core.somaxconn (128).",
	 "Listen queue size above the system max"},
	{"WARNING: [pool www] server reached pm.max_children setting (5), consider raising it",
	 "server reached pm.max_children setting"},
	{"[2026-11-28 10:00:00 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:9)", "WORKER TIMEOUT"},
	{"[ERROR] Worker (pid:9) was sent SIGKILL! Perhaps out of memory?",
	 "was sent SIGKILL! Perhaps out of memory"},
	{"FATAL:  sorry, too many clients already", "sorry, too many clients already"},
	{"systemd[1]: foo.socket: Too many incoming connections (64), dropping connection.",
	 "Too many incoming connections"},
	{"foo.socket: Too many incoming connections (5) from source 10.0.0.1:33, dropping "
	 "connection.",
	 "Too many incoming connections"},
	{"systemd[1]: foo.socket: Trigger limit hit, refusing further activation.",
	 "Trigger limit hit, refusing further activation"},
	{"foo.socket: Failed with result 'trigger-limit-hit'.",
	 "Trigger limit hit, refusing further activation"},
	{"FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute",
	 "remaining connection slots are reserved"},
	{"LOG:  out of file descriptors: Too many open files; release and retry",
	 "out of file descriptors: release and retry"},
	{"could not fork new process for connection: Resource temporarily unavailable",
	 "fork: Resource temporarily unavailable"},
	{"Error: connect EADDRNOTAVAIL 10.0.0.1:80 - Local (10.0.0.2:0)",
	 "connect: Cannot assign requested address"},
	{"Error: accept EMFILE", "accept: Too many open files"},
	{"Error: spawn EAGAIN", "fork: Resource temporarily unavailable"},
	{"redis.exceptions.ConnectionError: Error 99 connecting to localhost:6379. Cannot assign "
	 "requested address.",
	 "connect: Cannot assign requested address"},
	{"forbidden sysctl: \"net.core.somaxconn\" not allowlisted",
	 "sysctl: permission denied on key"},
	{"error setting rlimits for ready process: error setting rlimit type 7: operation not permitted",
	 "setrlimit(RLIMIT_NOFILE) failed"},
	{"Error: connect EAGAIN /run/app.sock", "connect to UNIX: temporarily unavailable"},
	{"java.net.SocketException: Too many open files (Accept failed)",
	 "accept: Too many open files"},
	{"java.io.IOException: Too many open files", "EMFILE"},
	{"java.net.NoRouteToHostException: Cannot assign requested address (Address not available)",
	 "connect: Cannot assign requested address"},
	{"java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory",
	 "fork: Resource temporarily unavailable"},
	{"http: Accept error: accept tcp [::]:8080: accept4: too many open files; retrying in 5ms",
	 "accept: Too many open files"},
	{"dial tcp 10.0.0.1:80: connect: cannot assign requested address",
	 "connect: Cannot assign requested address"},
	{"dial tcp 10.0.0.1:80: socket: too many open files", "socket: Too many open files"},
	{"dial unix /run/app.sock: connect: resource temporarily unavailable",
	 "connect to UNIX: temporarily unavailable"},
	{"failed to sufficiently increase receive buffer size (was: 208 kiB, wanted: 7168 kiB, got: 416 "
	 "kiB)",
	 "receive buffer not sufficiently increased"},
	{"BlockingIOError: [Errno 11] Resource temporarily unavailable", "EAGAIN"},
	{"ValueError: filedescriptor out of range in select()",
	 "filedescriptor out of range in select()"},
	{"socket.accept() out of system resource", "accept: Too many open files"},
	{"no more connections allowed (max_client_conn)", "no more connections allowed"},
	{"[mpm_prefork:error] [pid 7] AH00161: server reached MaxRequestWorkers setting, consider "
	 "raising the MaxRequestWorkers setting",
	 "reached MaxRequestWorkers setting"},
	{"java.net.BindException: Cannot assign requested address at "
	 "java.base/sun.nio.ch.Net.connect0(Native Method)",
	 "connect: Cannot assign requested address"},
	{"java.net.BindException: Cannot assign requested address at sun.nio.ch.Net.bind0(Native Method)",
	 "bind: Cannot assign requested address"},
	{"java.net.BindException: Cannot assign requested address", "EADDRNOTAVAIL"},
	{"java.net.BindException: Cannot assign requested address (Bind failed)",
	 "bind: Cannot assign requested address"},
	{"io.netty.channel.AbstractChannel$AnnotatedSocketException: Cannot assign requested address: "
	 "/10.0.0.1:80",
	 "connect: Cannot assign requested address"},
	{"[ERROR] Can't create a new thread (errno 11); if you are not out of available memory, you can "
	 "consult the manual for a possible OS-dependent bug",
	 "fork: Resource temporarily unavailable"},
	{"[ERROR] Can't create thread to handle new connection(errno= 11)",
	 "fork: Resource temporarily unavailable"},
	{"{\"msg\":\"Error creating service thread\",\"attr\":{\"error\":\"Resource temporarily "
	 "unavailable\"}}",
	 "fork: Resource temporarily unavailable"},
	{"LOG:  could not fork new process for connection: Cannot allocate memory",
	 "fork: Cannot allocate memory"},
	{"# Can't save in background: fork: Cannot allocate memory",
	 "fork: Cannot allocate memory"},
	{"WARN [NIOServerCxn.Factory:2181] - Too many connections from /10.0.0.5 - max is 60",
	 "Too many connections from ADDRESS - max is N"},
	{"ERROR 1040 (HY000): Too many connections", "ERROR 1040: Too many connections"},
	{"SQLSTATE[HY000] [1040] Too many connections", "ERROR 1040: Too many connections"},
	{"Data source rejected establishment of connection, message from server: \"Too many connections\"",
	 "ERROR 1040: Too many connections"},
	{"ERROR 1040 (HY000): Too many connections to MySQL Router",
	 "Too many connections to MySQL Router"},
	{"Too many connections to MySQL Router (1040)", "Too many connections to MySQL Router"},
	{"WARNING [7f] [routing:rw] reached max active connections (512 max=512)",
	 "Too many connections to MySQL Router"},
	{"421 Too many connections (50) from this IP", "refused: too many connections"},
	{"postfix/smtpd[7]: warning: Connection concurrency limit exceeded: 51 from unknown[192.0.2.7] for "
	 "service smtp",
	 "421 Error: too many connections from ADDRESS"},
	{"warning: Connection rate limit exceeded: 61 from unknown[192.0.2.7] for service smtp",
	 "421 Error: too many connections from ADDRESS"},
	{"host mx1[192.0.2.1] refused to talk to me: 421 4.7.0 mx1 Error: too many connections from "
	 "192.0.2.7",
	 "421 Error: too many connections from ADDRESS"},
	{"Connection from [192.0.2.7]:9 refused: too many connections",
	 "refused: too many connections of Exim"},
	{"421 mx1: Too many concurrent SMTP connections; please try again later.",
	 "refused: too many connections of Exim"},
	{"imap-login: Maximum number of connections from user+IP exceeded "
	 "(mail_max_userip_connections=10): user=<a>, rip=192.0.2.7",
	 "Maximum number of connections from user+IP exceeded"},
	{"[Warning] Could not increase number of max_open_files to more than 1024 (request: 4407)",
	 "Could not increase number of max_open_files"},
	{"[Warning] Changed limits: max_connections: 214 (requested 1000)",
	 "Could not increase number of max_open_files"},
	{"unbound[537:0] warning: so-rcvbuf 1048576 was not granted. Got 425984. To fix: start with root "
	 "permissions(linux) or sysctl bigger net.core.rmem_max(linux) or kern.ipc.maxsockbuf(bsd) values.",
	 "so-rcvbuf was not granted"},
	{"unbound[537:0] warning: cannot increase max open fds from 4096 to 33046",
	 "setrlimit(RLIMIT_NOFILE) failed"},
	{"dnsmasq[253]: Maximum number of concurrent DNS queries reached (max: 150)",
	 "Maximum number of concurrent DNS queries reached"},
	{"client 192.0.2.4#42229: no more TCP clients: quota reached", "no more TCP clients"},
	{"named[7]: client @0x7f 10.0.0.1#9: no more recursive clients (1000/900/1000): quota reached",
	 "no more recursive clients"},
	{"kernel: nfsd: too many open connections, consider increasing the number of threads",
	 "open connections, consider increasing the number of threads"},
	{"kernel: nfsd: too many open connections, consider increasing number of threads",
	 "open connections, consider increasing the number of threads"},
	{"kernel: nfsd: too many open connections, consider increasing the max number of connections",
	 "open connections, consider increasing the max number"},
	{"ERROR Too many open connections", "ERROR Too many open connections"},
	{"# Client id=9 addr=10.4.1.2:99 cmd=subscribe scheduled to be closed ASAP for overcoming of "
	 "output buffer limits.",
	 "closed for overcoming of output buffer limits"},
	{"[1]: max file descriptors [4096] for elasticsearch process is too low, increase to at least "
	 "[65535]",
	 "max file descriptors are too low"},
	{"[2]: max virtual memory areas vm.max_map_count [65530] is too low, increase to at least "
	 "[262144]",
	 "vm.max_map_count is too low"},
	{"Maximum number of memory map areas per process (vm.max_map_count) 65530 is too low, "
	 "recommended value: 1048575",
	 "vm.max_map_count is too low"},
	{"max number of threads [1024] for user [elk] is too low, increase to at least [4096]",
	 "max number of threads is too low"},
	{"[7] 2026/11/28 10:00:00 [ERR] 10.0.0.1:4 - cid:9 - maximum connections exceeded",
	 "maximum connections exceeded"},
	{"AH03490: scoreboard is full, not at MaxRequestWorkers.Increase ServerLimit.",
	 "scoreboard is full, not at MaxRequestWorkers"},
	{"AH10159: server is within MinSpareThreads of MaxRequestWorkers, consider raising the "
	 "MaxRequestWorkers setting",
	 "reached MaxRequestWorkers setting"},
	{"upstream connect error or disconnect/reset before headers. reset reason: overflow",
	 "reset reason: overflow"},
	{"Server be/web1 is DOWN, reason: Layer4 timeout, check duration: 2001ms. 1 active and 0 backup "
	 "servers left. 0 sessions active, 0 requeued, 0 remaining in queue.",
	 "is DOWN, reason: Layer4 timeout"},
	{"backend be has no server available!", "has no server available"},
	{"WARNING! Your cache is running out of filedescriptors", "running out of filedescriptors"},
	{"(server.c.1468) [note] sockets disabled, connection limit reached",
	 "sockets disabled, connection limit reached"},
	{"warning: service \"smtp\" (25) has reached its process limit \"100\": new clients may "
	 "experience noticeable delays",
	 "has reached its process limit"},
	{"master: Warning: service(imap-login): process_limit (100) reached, client connections are being "
	 "dropped",
	 "reached, client connections are being dropped"},
	{"sshd[620]: error: beginning MaxStartups throttling", "beginning MaxStartups throttling"},
	{"sshd[620]: drop connection #10 from [10.0.0.1]:46482 on [10.0.0.2]:22 past MaxStartups",
	 "beginning MaxStartups throttling"},
	{"sshd[620]: drop connection #10 from [10.0.0.1]:46482 on [10.0.0.2]:22 Maxstartups",
	 "beginning MaxStartups throttling"},
	{"sshd[620]: Maxstartups logging rate-limited: additional 9 connections dropped",
	 "beginning MaxStartups throttling"},
	{"sshd[620]: drop connection #0 from [10.0.0.1]:46482 on [10.0.0.2]:22 penalty: connections without "
	 "attempting authentication",
	 "drop connection, penalty"},
	{"kex_exchange_identification: Connection closed by remote host",
	 "kex_exchange_identification: closed by remote host"},
	{"rsyslogd: too many tcp sessions - dropping incoming request [v8.2102.0]",
	 "too many tcp sessions - dropping incoming request"},
	{"1764: Client connection from 10.0.0.1 denied: max_connections exceeded.",
	 "Client connection from ADDRESS denied: max_connections exceeded"},
	{"{\"c\":\"NETWORK\",\"id\":22942,\"msg\":\"Connection refused because there are too many open "
	 "connections\",\"attr\":{\"connectionCount\":301}}",
	 "refused because there are too many open connections"},
	{"[listener] connection refused because too many open connections: 819",
	 "refused because there are too many open connections"},
	{"[warning] file descriptor limit alarm set.", "file descriptor limit alarm set"},
	{"INFO Rejected connection from /10.0.0.1, address already has the configured maximum of 100 "
	 "connections. (kafka.network.Acceptor)",
	 "address already has the configured maximum of N connections"},
	{"421 There are too many connected users, please try later.",
	 "There are too many connected users"},
	{"MULTI: new incoming connection would exceed maximum number of clients (1024)",
	 "new incoming connection would exceed maximum number of clients"},
	{"slapd[18506]: daemon: 1025 beyond descriptor table size 1024",
	 "beyond descriptor table size"},
	{"Code: 202. DB::Exception: Too many simultaneous queries. Maximum: 100",
	 "Too many simultaneous queries"},
	{"Limit of simultaneous TCP connections reached - raise max-tcp-connections",
	 "Limit of simultaneous TCP connections reached"},
	{"Insufficient number of filedescriptors available for max-mthreads*threads setting! (4096 < "
	 "4121), reducing max-mthreads to 2035",
	 "setrlimit(RLIMIT_NOFILE) failed"},
	{"[ERROR] plugin/errors: 2 example.org. A: concurrent queries exceeded maximum 1000",
	 "concurrent queries exceeded maximum"},
	{"FATAL:  too many connections for role \"app\"", "too many connections for role"},
	{"FATAL:  too many connections for database \"shop\"", "too many connections for role"},
	{"closing because: query_wait_timeout (age=120s) pooler error: query_wait_timeout",
	 "pooler error: query_wait_timeout"},
	{"ERROR 1203 (42000): User app already has more than 'max_user_connections' active connections",
	 "max_user_connections exceeded"},
	{"Host '10.0.0.1' is blocked because of many connection errors; unblock with 'mysqladmin "
	 "flush-hosts'",
	 "is blocked because of many connection errors"},
	{"[error] 7#7: *9 limiting connections by zone \"addr\", client: 10.0.0.1",
	 "limiting connections by zone"},
	{"[error] 7#7: *9 limiting requests, excess: 0.588 by zone \"one\", client: 10.0.0.1",
	 "limiting requests, excess"},
	{"sysctl: setting key \"net.ipv4.ip_local_port_range\": Invalid argument",
	 "sysctl: Invalid argument"},
	{"systemd-sysctl[301]: Couldn't write '1024 65536' to 'net/ipv4/ip_local_port_range': Invalid "
	 "argument",
	 "sysctl: Invalid argument"},
	{"sysctl: cannot stat /proc/sys/net/ipv4/tcp_tw_recycle: No such file or directory",
	 "sysctl: No such file or directory"},

	/* Everyday words name nothing. */
	{"listeners", "listeners"}, /* the probe, by its whole name */
	{"GET / HTTP/1.1 200 served from memory in 3 ms", ""},
	{"the server is ready", ""},
	{"", ""},
	/* In their own words. */
	{"port exhaustion", "port exhaustion"},
	{"nginx ran out of ephemeral ports", "port exhaustion"},
	{"why do clients time out", "clients time out"},
	{"it takes 3 seconds to connect", "connects take one second"},
	{"downloads are slow over a long distance", "slow downloads"},
	{"we see packet loss on eth0", "packet loss"},
	{"lost datagrams", "UDP packets lost"},
	{"ksoftirqd/3 at 100%", "one CPU at 100 %"},
	{"latency spikes", "latency spikes"},
	{"high memory with many connections", "memory grows with connections"},
	{"one worker gets all connections", "uneven load between workers"},
	{"sysctl settings are lost after a reboot", "lost after reboot"},
	{"pod is CPU throttled", "container is throttled"},
	{"cannot reach 10k connections", "too many connections"},
};

static void each_pasted_text_has_its_row(void **state)
{
	for (size_t i = 0; i < sizeof(pasted) / sizeof(*pasted); i++) {
		const char *name = explained(*state, pasted[i].text);
		if (strcmp(name, pasted[i].name) != 0)
			fail_msg("\"%s\" is explained by \"%s\"", pasted[i].text, name);
	}
}

/* Also in upper case, with a prefix of a log, broken lines, colours and quotes around it. */
static void its_surroundings_do_not_matter(void **state)
{
	for (size_t i = 0; i < sizeof(pasted) / sizeof(*pasted); i++) {
		char text[1024];
		if (!*pasted[i].name || !strcmp(pasted[i].name, "listeners"))
			continue;
		snprintf(text, sizeof(text),
			 "\033[1m2026-11-28T10:00:00.000+01:00 host-1 app[7]:\033[0m (%s)\r\n  ",
			 pasted[i].text);
		for (char *c = text; (c = strchr(c, ' ')) && c[1]; c++)
			if (c[1] == 'o' || c[1] == 'f')
				*c = '\n';
		const char *name = explained(*state, text);
		if (strcmp(name, pasted[i].name) != 0)
			fail_msg("\"%s\" is explained by \"%s\"", text, name);
	}
}

/* Writes the next pattern with each "*" as a text. */
static const char *example(const char *patterns, char text[256])
{
	size_t used = 0;
	for (; *patterns && *patterns != '\n'; patterns++)
		used += (size_t)snprintf(text + used, 256 - used, "%.*s", *patterns == '*' ? 5 : 1,
					 *patterns == '*' ? " 12: " : patterns);
	return patterns + (*patterns == '\n');
}

/* No pattern is hidden by that of another row. */
static void every_row_is_reached_by_its_patterns(void **state)
{
	for (size_t k = 0; k < topic_kind_count; k++)
		for (size_t i = 0; i < topic_kinds[k].count(); i++) {
			const struct topic_kind *kind = &topic_kinds[k];
			const char *more = kind->match_at ? kind->match_at(i) : "";
			char text[256];
			while (*more) {
				more = example(more, text);
				const char *name = explained(*state, text);
				if (strcmp(name, kind->name_at(i)) != 0)
					fail_msg("\"%s\" of \"%s\" leads to \"%s\"", text,
						 kind->name_at(i), name);
			}
			snprintf(text, sizeof(text), "at 10:00 %s.", kind->name_at(i));
			struct topic_hit hits[8];
			size_t count = recognise(*state, text, hits, 8), at = 0;
			while (at < count && (hits[at].kind != kind || hits[at].at != i))
				at++;
			if (kind->match != MATCH_NAME && at == count)
				fail_msg("\"%s\" is not recognised in a text", kind->name_at(i));
		}
}

static void row_is_complete(const char *name, const char *const *texts, const char *walls)
{
	struct list_item item;
	for (; *texts; texts++)
		if (strlen(*texts) < 5)
			fail_msg("\"%s\" lacks a text", name);
	while (list_next(&walls, &item)) {
		char wall[64];
		snprintf(wall, sizeof(wall), "%.*s", item.length, item.text);
		if (item.length && !wall_row_find(wall))
			fail_msg("\"%s\" names \"%s\", which is not a wall", name, wall);
	}
}

static void rows_are_complete(void **state)
{
	static const struct {
		size_t (*count)(void);
		const struct clue_row *(*at)(size_t i);
	} clues[] = {
		{symptom_row_count, symptom_row_at},
		{complaint_row_count, complaint_row_at},
		{directive_row_count, directive_row_at},
	};
	for (size_t k = 0; k < sizeof(clues) / sizeof(*clues); k++)
		for (size_t i = 0; i < clues[k].count(); i++) {
			const struct clue_row *c = clues[k].at(i);
			row_is_complete(
				c->name,
				(const char *const[]){c->what, c->show, c->action, c->source, NULL},
				c->walls);
			/* It says what to do. */
			if (strstr(c->action, "A higher ") || strstr(c->action, "else a higher ") ||
			    strstr(c->action, "else a smaller ") ||
			    strstr(c->action, "or a smaller ") ||
			    strstr(c->action, "wise a smaller "))
				fail_msg("\"%s\": %s", c->name, c->action);
		}
	for (size_t i = 0; i < counter_row_count(); i++) {
		const struct counter_row *c = counter_row_at(i);
		assert_ptr_equal(counter_row_find(c->name), c); /* so no name stands twice */
		row_is_complete(c->name,
				(const char *const[]){c->what, c->where, c->show, c->action, NULL},
				c->walls);
	}
}

static void a_log_names_symptoms_only(void **state)
{
	assert_string_equal(explained(*state, "at 9: net.core.somaxconn ListenOverflows"), "");
	assert_string_equal(explained(*state, "conn: max_connections exceeded"), "");
	assert_string_equal(explained(*state, "at 9: accept4() failed (24: Too many open files)"),
			    "accept: Too many open files");
}

static void the_most_specific_is_first(void **state)
{
	struct topic_hit hits[4];
	assert_int_equal(recognise(*state, "tcp-backlog 511, accept EMFILE", hits, 4), 4);
	assert_string_equal(name_of(&hits[0]), "accept: Too many open files");
	assert_string_equal(name_of(&hits[1]), "tcp-backlog");
	assert_string_equal(name_of(&hits[2]), "listen.backlog");
	assert_string_equal(name_of(&hits[3]), "EMFILE");
	assert_int_equal(recognise(*state, "tcp-backlog 511, accept EMFILE", hits, 2), 2);
	assert_string_equal(name_of(&hits[1]), "tcp-backlog");
}

/* Every text of the table, cut anywhere, with any byte replaced. */
static void damaged_texts_are_harmless(void **state)
{
	for (size_t i = 0; i < sizeof(pasted) / sizeof(*pasted); i += 9) {
		size_t length = strlen(pasted[i].text);
		uint8_t bytes[512];
		for (size_t at = 0; at < length; at += 5) {
			memcpy(bytes, pasted[i].text, length);
			bytes[at] = (uint8_t)(at % 3 == 0 ? '\033' : at % 3 == 1 ? 0 : 0xff);
			LLVMFuzzerTestOneInput(bytes, length);
			LLVMFuzzerTestOneInput(bytes, at);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_as_documented),
		cmocka_unit_test(texts_are_cleaned),
		cmocka_unit_test_setup_teardown(each_pasted_text_has_its_row, open_all,
						close_recognisers),
		cmocka_unit_test_setup_teardown(its_surroundings_do_not_matter, open_all,
						close_recognisers),
		cmocka_unit_test_setup_teardown(every_row_is_reached_by_its_patterns, open_all,
						close_recognisers),
		cmocka_unit_test(rows_are_complete),
		cmocka_unit_test_setup_teardown(a_log_names_symptoms_only, open_log,
						close_recognisers),
		cmocka_unit_test_setup_teardown(the_most_specific_is_first, open_all,
						close_recognisers),
		cmocka_unit_test(damaged_texts_are_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
