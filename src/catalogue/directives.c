/* Lines of units, limits.conf and configuration files of servers, and sysctls that epolltune does
 * not set. */
#include "catalogue/phrase.h"
#include "epolltune/catalogue.h"

#define FILES_SHOW "grep 'open files' /proc/PID/limits"
#define CONNTRACK_SHOW                                                                             \
	"sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max; cat "             \
	"/proc/net/stat/nf_conntrack"
#define LISTENER_SHOW "ss -ltn 'sport = :PORT'  # Send-Q of a listener is its backlog"
#define CONNTRACK_FILE                                                                             \
	" A line in sysctl.d holds only if the module is loaded before: echo nf_conntrack "        \
	">/etc/modules-load.d/nf_conntrack.conf."

static const struct clue_row directives[] = {
	/* Resource limits. */
	{"LimitNOFILE", "DefaultLimitNOFILE\nLimitNOFILE=\nLimitNOFILESoft",
	 "systemd: RLIMIT_NOFILE of a service, \"soft:hard\" or both as one. The default is "
	 "1024:524288; programs that do not raise their soft limit keep 1024. \"infinity\" is "
	 "fs.nr_open, a billion on some systems, which slows programs that size tables by it.",
	 "descriptors.process", REMEDY_PROCESS,
	 "systemctl show -p LimitNOFILE,LimitNOFILESoft UNIT; " FILES_SHOW,
	 "Where they are lower, " UNIT_LINE(
		 "UNIT", "Service", "LimitNOFILE=65536:524288") "; then systemctl restart UNIT.",
	 "systemd.exec(5)"},
	{"nofile", "ulimit\nlimits.conf\nulimit -n\nsoft nofile\nhard nofile\nopen files (-n)",
	 "limits.conf: RLIMIT_NOFILE of sessions that PAM opens (ssh, su, cron). Services of systemd "
	 "do not read it: LimitNOFILE= is theirs. A value above fs.nr_open is refused.",
	 "descriptors.process", REMEDY_PROCESS, "ulimit -Sn; ulimit -Hn; " FILES_SHOW,
	 "/etc/security/limits.d/90-nofile.conf: USER - nofile 65536, then log in again. For a "
	 "service: LimitNOFILE=65536.",
	 "limits.conf(5), pam_limits(8), getrlimit(2)"},
	{"TasksMax", "DefaultTasksMax\npids.max\nLimitNPROC\nnproc\npids-limit\nPodPidsLimit",
	 "systemd and containers: processes and threads of a control group; above it fork() fails "
	 "with EAGAIN. LimitNPROC and nproc count all of one user instead.",
	 "cgroup.pids,tasks", REMEDY_CONTAINER,
	 "systemctl show -p TasksMax,TasksCurrent UNIT; cat /sys/fs/cgroup/GROUP/pids.events",
	 "systemctl set-property UNIT TasksMax=N, with N above the present limit.",
	 "systemd.resource-control(5); cgroup-v2.rst"},
	{"MemoryMax", "MemoryHigh\nMemoryLimit\nmemory.max\nmemory.high\nmemory.limit_in_bytes",
	 "systemd and containers: memory of a control group, kernel memory and (version 2) socket "
	 "buffers included. Above it a process is killed, above MemoryHigh it is slowed.",
	 "cgroup.memory", REMEDY_CONTAINER,
	 "systemctl show -p MemoryMax,MemoryCurrent UNIT; cat /sys/fs/cgroup/GROUP/memory.events",
	 "systemctl set-property UNIT MemoryMax=N, with N above the present limit.",
	 "systemd.resource-control(5); cgroup-v2.rst"},
	{"CPUQuota", "cpu.max\ncpu.cfs_quota_us\nlimits.cpu",
	 "systemd and containers: CPU time in each period of 100 ms. A server that used it up is "
	 "paused until the next: the accept queue must hold what arrives meanwhile.",
	 "cgroup.cpu,accept-queue", REMEDY_CONTAINER,
	 "cat /sys/fs/cgroup/GROUP/cpu.stat  # nr_throttled / nr_periods",
	 "systemctl set-property UNIT CPUQuota=N%, with N above the present quota; or a longer backlog; or no limit, with weights "
	 "(CPUWeight=).",
	 "systemd.resource-control(5); sched-bwc.rst"},

	/* Backlogs. */
	{"backlog=", "Backlog=\nlisten*backlog=",
	 "nginx (listen ... backlog=511, the default) and systemd sockets (Backlog=, 4096 before "
	 "systemd 254): what listen() asks for. The kernel cuts it at net.core.somaxconn; the queue "
	 "holds one more.",
	 "accept-queue,syn-queue", REMEDY_APPLICATION, LISTENER_SHOW,
	 "nginx: listen 443 ssl backlog=4096; a socket unit: Backlog=4096 in section [Socket]. After a "
	 "reload check ss -ltn; restart where Send-Q is the old one.",
	 "listen(2); nginx ngx_http_core_module; systemd.socket(5)"},
	{"tcp-backlog", "",
	 "Redis: the backlog of its listener (511 by default), cut at net.core.somaxconn.",
	 "accept-queue", REMEDY_APPLICATION, "ss -ltn 'sport = :6379'",
	 "redis.conf: tcp-backlog 4096, with net.core.somaxconn as high; then restart.",
	 "redis.conf; Redis src/anet.c"},
	{"acceptCount", "server.tomcat.accept-count\naccept-count",
	 "Tomcat: the backlog of its connector (100 by default).", "accept-queue",
	 REMEDY_APPLICATION, LISTENER_SHOW,
	 "<Connector acceptCount=\"1024\" maxConnections=\"8192\"> with net.core.somaxconn as high; "
	 "then restart.",
	 "Tomcat Configuration Reference, HTTP connector"},
	{"ListenBacklog", "", "Apache: the backlog of its listeners (511 by default).",
	 "accept-queue", REMEDY_APPLICATION, LISTENER_SHOW, "ListenBacklog 4096; then restart.",
	 "httpd mpm_common"},
	{"SO_REUSEPORT", "reuseport",
	 "Several sockets listen on one port, each with an accept queue of its own; a hash spreads "
	 "the clients, not the load. n queues of q hold less than n * q, and a worker that hangs "
	 "keeps its clients.",
	 "accept-queue", REMEDY_APPLICATION, "ss -ltnp 'sport = :PORT'  # one line for each socket",
	 "nginx: listen 443 ssl reuseport; use as many workers as CPUs, and a backlog that holds an "
	 "uneven share.",
	 "socket(7); net/core/sock_reuseport.c"},

	/* Connections of servers. */
	{"worker_connections", "",
	 "nginx: connections of one worker (512 by default), to clients and to upstreams together: "
	 "a proxied request takes two.",
	 "application.limit,application.connections,descriptors.process", REMEDY_APPLICATION,
	 "nginx -T | grep -E 'worker_(conn|rlimit|proc)'",
	 "events { worker_connections N; } with worker_rlimit_nofile twice as high, above the present "
	 "values; then nginx -s reload.",
	 "nginx ngx_core_module"},
	{"worker_rlimit_nofile", "",
	 "nginx: RLIMIT_NOFILE (soft and hard) that each worker sets for itself before it gives up "
	 "root; it may be above the limit that systemd gave.",
	 "descriptors.process", REMEDY_APPLICATION,
	 "grep 'open files' /proc/$(pgrep -n nginx)/limits",
	 "worker_rlimit_nofile above worker_connections (twice as high on a proxy); then nginx -s "
	 "reload.",
	 "nginx ngx_core_module"},
	{"MaxConnections", "MaxConnections=\nMaxConnectionsPerSource",
	 "systemd sockets with Accept=yes, one process for each connection: systemd closes the "
	 "connections beyond that (64 by default), of one client beyond MaxConnectionsPerSource (no "
	 "limit by default). No counter of the kernel shows it.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "systemctl show -p MaxConnections,MaxConnectionsPerSource,NConnections,NRefused UNIT",
	 "Raise it: " UNIT_LINE(
		 "UNIT", "Socket",
		 "MaxConnections=N") "; then systemctl restart UNIT. A server with Accept=no takes many connections in one "
				     "process.",
	 "systemd.socket(5)"},
	{"TriggerLimitBurst", "TriggerLimitIntervalSec\nPollLimitBurst\nPollLimitIntervalSec",
	 "systemd sockets: activations in an interval (2 s): with Accept=yes 200, otherwise 20. Beyond "
	 "that the unit fails, and its listener is closed until it is restarted. PollLimitBurst "
	 "(systemd 255; 150 or 15) makes it ignore the socket for the rest of the interval instead.",
	 "application.starts", REMEDY_APPLICATION,
	 "systemctl show -p TriggerLimitBurst,TriggerLimitIntervalUSec,PollLimitBurst UNIT",
	 "Raise it: " UNIT_LINE(
		 "UNIT", "Socket",
		 "TriggerLimitBurst=2000") ", or 0 for no limit; then systemctl restart UNIT. Accept=no where each connection starts a process.",
	 "systemd.socket(5)"},
	{"maxclients", "",
	 "Redis: clients at one time (10000 by default). It needs maxclients + 32 descriptors and "
	 "is reduced without them.",
	 "application.limit,application.connections,descriptors.process", REMEDY_APPLICATION,
	 "redis-cli config get maxclients; redis-cli info clients",
	 "redis.conf: a higher maxclients, with LimitNOFILE= of its unit at least 32 above it.",
	 "redis.conf; Redis src/server.c adjustOpenFilesLimit()"},
	{"maxconn", "",
	 "HAProxy: connections at one time: global (from ulimit -n if absent), of a frontend, or of a "
	 "server (further requests are queued in HAProxy). A frontend's is its backlog too.",
	 "application.limit,application.connections,descriptors.process,accept-queue",
	 REMEDY_APPLICATION,
	 "echo 'show info' | socat stdio /run/haproxy/admin.sock | grep -i conn",
	 "global: a higher maxconn (two descriptors each); frontend: maxconn below it, backlog 8192.",
	 "HAProxy configuration.txt"},
	{"ulimit-n", "",
	 "HAProxy: its RLIMIT_NOFILE. HAProxy computes it from maxconn: a lower one fails.",
	 "descriptors.process", REMEDY_APPLICATION,
	 "grep 'open files' /proc/$(pgrep -n haproxy)/limits",
	 "Remove the line; raise LimitNOFILE= of haproxy.service instead.",
	 "HAProxy configuration.txt"},
	{"max-fd", "", "uWSGI: its RLIMIT_NOFILE, as far as the hard limit allows.",
	 "descriptors.process", REMEDY_APPLICATION, FILES_SHOW,
	 "max-fd = 65536, with LimitNOFILE=65536 in its unit.", "uWSGI options"},
	{"rlimit_files", "", "php-fpm: RLIMIT_NOFILE of a pool or of the master.",
	 "descriptors.process", REMEDY_APPLICATION, FILES_SHOW,
	 "rlimit_files = 65536, within LimitNOFILE= of its unit.", "php-fpm.conf"},
	{"pm.max_children", "",
	 "php-fpm: processes of a pool: so many requests run at one time; the others wait in the "
	 "accept queue (listen.backlog).",
	 "application.limit,application.connections,accept-queue,accept-queue.unix",
	 REMEDY_APPLICATION, "ss -lx  # and the status page of php-fpm",
	 "pm.max_children = memory for PHP / memory of a process; then reload.", "php-fpm.conf"},
	{"MaxRequestWorkers", "",
	 "Apache: requests at one time; mpm event holds AsyncRequestWorkerFactor (2) more connections "
	 "for each. Further clients wait in the accept queue.",
	 "application.limit,application.connections,accept-queue", REMEDY_APPLICATION,
	 "apachectl status", "Raise MaxRequestWorkers and ServerLimit; then restart.",
	 "httpd mpm_common"},
	{"max_connections", "",
	 "PostgreSQL (100) and MySQL (151): clients at one time. PostgreSQL derives its backlog from "
	 "it: twice as many.",
	 "application.limit,application.connections,accept-queue", REMEDY_APPLICATION,
	 "psql -c 'show max_connections'",
	 "Put a pooler before it; else raise it with memory for each (work_mem), and restart.",
	 "PostgreSQL documentation 19.3; src/backend/libpq/pqcomm.c"},
	{"max_client_conn", "", "PgBouncer: clients at one time (100 by default).",
	 "application.limit,application.connections,descriptors.process", REMEDY_APPLICATION,
	 "psql -p 6432 pgbouncer -c 'show config'",
	 "Raise max_client_conn, with LimitNOFILE= of its unit above it and all server connections.",
	 "PgBouncer config.md"},
	{"IP_BIND_ADDRESS_NO_PORT", "",
	 "A socket option: bind() to a source address does not choose a port yet, so connect() can use "
	 "each port for each destination. Without it bind() takes one port for all destinations and "
	 "ends with EADDRINUSE. Since Linux 4.2.",
	 "ports.ephemeral", REMEDY_APPLICATION,
	 "ss -tan | awk '{print $4}' | sort | uniq -d | head",
	 "Set it before bind() (nginx does in proxy_bind, HAProxy in source), or do not bind.",
	 "ip(7); net/ipv4/af_inet.c __inet_bind()"},

	/* Sysctls. */
	{"quotes in sysctl.conf",
	 "net.ipv4.ip_local_port_range*=*\"*\"\nnet.ipv4.ip_local_port_range*=*'*'\n"
	 "net.ipv4.tcp_rmem*=*\"*\"\nnet.ipv4.tcp_wmem*=*\"*\"\nnet.ipv4.tcp_mem*=*\"*\"\n"
	 "net.*=*\"*\"\nnet.*=*'*'\nfs.*=*\"*\"\nvm.*=*\"*\"\nkernel.*=*\"*\"",
	 "The files of sysctl.d have no quotes: the kernel gets them as part of the value and refuses "
	 "it, so the previous value stays. In a shell, sysctl -w KEY=\"A B\" is right.",
	 "", REMEDY_NONE, "epolltune lint",
	 "Write it without quotes: net.ipv4.ip_local_port_range = 10240 65535.",
	 "sysctl.d(5); kernel/sysctl.c proc_dointvec_minmax()"},
	{"net.nf_conntrack_max", "ip_conntrack_max\nnet.ipv4.netfilter.ip_conntrack_max",
	 "The connections that a network namespace tracks; one number for all, writable in the "
	 "initial one only. ip_conntrack_max is an old name that no longer exists. "
	 "kube-proxy writes net.netfilter.nf_conntrack_max at its start.",
	 "conntrack", REMEDY_KERNEL, CONNTRACK_SHOW,
	 "Where they are lower, for example: sysctl -w net.netfilter.nf_conntrack_max=1048576 "
	 "net.netfilter.nf_conntrack_buckets=262144." CONNTRACK_FILE,
	 "nf_conntrack-sysctl.rst; net/netfilter/nf_conntrack_core.c"},
	{"ip_conntrack_buckets", "nf_conntrack*hashsize",
	 "The size of conntrack's hash table. Each entry is in it twice: the mean chain is 2 * entries "
	 "/ buckets.",
	 "conntrack", REMEDY_KERNEL, "sysctl net.netfilter.nf_conntrack_buckets; conntrack -S",
	 "As many as nf_conntrack_max, or a quarter. Where it is lower, for example: sysctl -w "
	 "net.netfilter.nf_conntrack_buckets=262144." CONNTRACK_FILE,
	 "nf_conntrack-sysctl.rst"},
	{"nf_conntrack_tcp_timeout_time_wait",
	 "net.netfilter.nf_conntrack_tcp_timeout_time_wait\nip_conntrack_tcp_timeout_time_wait",
	 "How long conntrack keeps a closed connection (120 s): the table needs closed/s * 120 entries "
	 "for them.",
	 "", REMEDY_KERNEL, CONNTRACK_SHOW,
	 "sysctl -w net.netfilter.nf_conntrack_tcp_timeout_time_wait=30." CONNTRACK_FILE,
	 "nf_conntrack-sysctl.rst"},
	{"nf_conntrack_tcp_timeout_established",
	 "net.netfilter.nf_conntrack_tcp_timeout_established\nip_conntrack_tcp_timeout_established",
	 "How long conntrack keeps an idle established connection (5 days): peers that vanished fill "
	 "the table.",
	 "", REMEDY_KERNEL, CONNTRACK_SHOW,
	 "sysctl -w net.netfilter.nf_conntrack_tcp_timeout_established=7440 (above "
	 "net.ipv4.tcp_keepalive_time)." CONNTRACK_FILE,
	 "nf_conntrack-sysctl.rst"},
	{"net.ipv4.neigh.default.gc_thresh1", "net.ipv6.neigh.default.gc_thresh1\ngc_thresh1",
	 "Neighbour entries (ARP, NDP) of all network namespaces: below gc_thresh1 (128) none is "
	 "freed, above gc_thresh3 (1024) none is made: \"neighbor table overflow\".",
	 "neighbours", REMEDY_KERNEL, "ip neigh | wc -l; cat /proc/net/stat/arp_cache",
	 "Where they are lower, for example: sysctl -w net.ipv4.neigh.default.gc_thresh1=4096 net.ipv4.neigh.default.gc_thresh2=8192 "
	 "net.ipv4.neigh.default.gc_thresh3=16384 (above the number of neighbours).",
	 "arp(7); net/core/neighbour.c neigh_alloc()"},
	{"net.ipv4.tcp_keepalive_intvl",
	 "net.ipv4.tcp_keepalive_probes\ntcp_keepalive_probes\n"
	 "TCP_KEEPINTVL\nTCP_KEEPCNT",
	 "After the first keepalive probe the kernel sends tcp_keepalive_probes (9), one every "
	 "tcp_keepalive_intvl (75 s), before it ends a connection with ETIMEDOUT.",
	 "", REMEDY_KERNEL, "ss -tno state established | grep timer:keepalive",
	 "TCP_KEEPINTVL and TCP_KEEPCNT in the application; or sysctl -w "
	 "net.ipv4.tcp_keepalive_intvl=15.",
	 "tcp(7)"},
	{"SO_KEEPALIVE",
	 "so_keepalive\noption clitcpka\noption srvtcpka\noption tcpka\nclitcpka-idle\n"
	 "tcp-keepalive\ntcp_keepalives_idle",
	 "Makes the kernel send probes over idle connections of a socket, the first after TCP_KEEPIDLE "
	 "or net.ipv4.tcp_keepalive_time. A load balancer or NAT forgets connections without packets, "
	 "after 350 s for example.",
	 "idle.keepalive", REMEDY_APPLICATION, "ss -tno state established | grep timer:keepalive",
	 "nginx: listen ADDRESS so_keepalive=280s; HAProxy: option clitcpka and clitcpka-idle 280s; "
	 "Redis: tcp-keepalive 280; PostgreSQL: tcp_keepalives_idle = 280. epolltune check --idle 350s "
	 "--server NAME reads the timers.",
	 "tcp(7); nginx ngx_http_core_module; HAProxy configuration.txt; redis.conf"},
	{"net.ipv4.ip_unprivileged_port_start", "",
	 "Ports below it need CAP_NET_BIND_SERVICE (1024). The low end of "
	 "net.ipv4.ip_local_port_range cannot be below it.",
	 "ports.ephemeral", REMEDY_KERNEL,
	 "sysctl net.ipv4.ip_unprivileged_port_start net.ipv4.ip_local_port_range",
	 "sysctl -w net.ipv4.ip_unprivileged_port_start=80 lets a service without root listen there.",
	 "ip-sysctl.rst; net/ipv4/sysctl_net_ipv4.c. Since Linux 4.11"},
	{"net.ipv4.tcp_retries2", "TCP_USER_TIMEOUT",
	 "Retransmissions of an established connection until ETIMEDOUT: 15 are 13 to 30 minutes. "
	 "Connections to a dead peer hold descriptors and buffers until then.",
	 "descriptors.process,idle.keepalive", REMEDY_KERNEL,
	 "ss -tno state established | grep timer:.on",
	 "TCP_USER_TIMEOUT in the application; or sysctl -w net.ipv4.tcp_retries2=8 (100 s and more).",
	 "tcp(7); RFC 1122"},
	{"net.ipv4.tcp_syn_retries", "",
	 "Retransmissions of a SYN until connect() fails with ETIMEDOUT: 6 are 131 s, before "
	 "Linux 6.5 127 s. Lower values "
	 "hide a short queue, they do not help.",
	 "accept-queue,syn-queue", REMEDY_KERNEL, "ss -tan state syn-sent",
	 "Set a timeout for connect() in the application, and check the server: epolltune check "
	 "--server :PORT.",
	 "tcp(7)"},
	{"net.ipv4.tcp_orphan_retries", "",
	 "Retransmissions for a connection that its process has closed: 0 is 8, 102 s or more. They are the orphans "
	 "of net.ipv4.tcp_max_orphans.",
	 "orphans", REMEDY_KERNEL, "grep TCP: /proc/net/sockstat",
	 "Leave it. Only where orphans pile up whose clients have all vanished: sysctl -w "
	 "net.ipv4.tcp_orphan_retries=5. The kernel then drops them after 13 s without an ACK, and a client "
	 "whose path fails for so long loses the end of the answer.",
	 "tcp(7); net/ipv4/tcp_timer.c tcp_orphan_retries()"},
	{"net.ipv4.udp_rmem_min", "udp_wmem_min",
	 "Bytes that a UDP socket may hold even above the first field of net.ipv4.udp_mem.",
	 "udp.receive", REMEDY_KERNEL, "grep UDP: /proc/net/sockstat; nstat -az UdpMemErrors",
	 "Leave it; where UdpMemErrors grows raise all fields of net.ipv4.udp_mem.", "udp(7)"},
	{"net.core.optmem_max", "",
	 "Bytes of options and control messages of a socket. No limit of connections or windows.",
	 "", REMEDY_KERNEL, "sysctl net.core.optmem_max",
	 "Leave it; for MSG_ZEROCOPY more may be needed.",
	 "Documentation/admin-guide/sysctl/net.rst"},
	{"net.ipv4.tcp_rfc1337", "",
	 "Set to 1, a reset does not end a connection in TIME_WAIT. A client behind NAT whose SYN meets "
	 "one answers the kernel's ACK with a reset: it then fails until TIME_WAIT ends, and "
	 "TcpExt.PAWSTimewait grows.",
	 "time-wait", REMEDY_KERNEL, "sysctl net.ipv4.tcp_rfc1337; nstat -az TcpExtPAWSTimewait",
	 "sysctl -w net.ipv4.tcp_rfc1337=0, the default, on a server with clients behind NAT.",
	 "ip-sysctl.rst; net/ipv4/tcp_minisocks.c tcp_timewait_state_process()"},
	{"net.unix.max_dgram_qlen", "max_dgram_qlen",
	 "Datagrams that the queue of a UNIX datagram socket holds (one more), such as /dev/log or that of "
	 "a statsd: beyond it a blocking send() sleeps and another gets EAGAIN. The value counts when "
	 "the receiver makes its socket. systemd sets 512 at boot; a new network namespace, as of a "
	 "container, begins with 10.",
	 "", REMEDY_KERNEL, "sysctl net.unix.max_dgram_qlen; ss -xa",
	 "sysctl -w net.unix.max_dgram_qlen=512 in the network namespace of the receiver, then "
	 "restart it; read faster where its queue (Recv-Q) stays full.",
	 "unix(7), ip-sysctl.rst; net/unix/af_unix.c unix_create1(), unix_dgram_sendmsg()"},
	{"net.ipv4.ip_nonlocal_bind", "IP_FREEBIND",
	 "Set to 1, bind() takes an address that no interface has (yet): for addresses that move.",
	 "", REMEDY_KERNEL, "sysctl net.ipv4.ip_nonlocal_bind; ip -br address",
	 "sysctl -w net.ipv4.ip_nonlocal_bind=1, or IP_FREEBIND in the server (systemd: FreeBind=yes).",
	 "ip-sysctl.rst, ip(7)"},
	{"fs.inotify.max_user_watches", "max_user_instances\nmax_queued_events",
	 "inotify: watches and instances of one user. Not those of epoll: "
	 "fs.epoll.max_user_watches.",
	 "", REMEDY_KERNEL, "sysctl fs.inotify",
	 "For example: sysctl -w fs.inotify.max_user_watches=1048576 fs.inotify.max_user_instances=1024 "
	 "where the running values are lower.",
	 "inotify(7)"},
	{"kernel.threads-max", "kernel.pid_max",
	 "Threads and process numbers of the machine; above them fork() fails with EAGAIN. Control "
	 "groups (TasksMax=) mostly limit earlier.",
	 "tasks,cgroup.pids", REMEDY_KERNEL,
	 "sysctl kernel.threads-max kernel.pid_max; ps -eLf | wc -l",
	 "For example: sysctl -w kernel.pid_max=4194304 on 64-bit machines.",
	 "proc(5); kernel/fork.c"},
	{"net.ipv6.route.max_size", "net.ipv4.route.max_size",
	 "Routes that the kernel caches. Without effect for IPv4 since Linux 3.6, for IPv6 since 6.3 "
	 "(and stable kernels that took it).",
	 "", REMEDY_KERNEL, "cat /proc/net/rt6_stats",
	 "Before 6.3: sysctl -w "
	 "net.ipv6.route.max_size=1048576.",
	 "ip-sysctl.rst; af6d10345ca7"},
	{"vm.min_free_kbytes", "",
	 "Memory that the kernel keeps free for interrupts: drivers take packets from it.",
	 "memory.connection", REMEDY_KERNEL,
	 "sysctl vm.min_free_kbytes; dmesg | grep 'page allocation'",
	 "Raise it where \"page allocation failure\" is logged.",
	 "Documentation/admin-guide/sysctl/vm.rst"},
};

size_t directive_row_count(void) { return sizeof(directives) / sizeof(*directives); }

const struct clue_row *directive_row_at(size_t i) { return &directives[i]; }
