/* Messages that servers print at a limit: of their own, of the process, of the kernel. */
#include "catalogue/server_messages.h"

static const struct clue_row messages[] = {
	/* nginx. */
	{"worker_connections are not enough", "",
	 "nginx: a worker has as many connections as worker_connections allows (512 by default); "
	 "new ones are closed. A proxied request takes two.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "nginx -T | grep -E 'worker_(conn|rlimit|proc)'",
	 "events { worker_connections N; } with worker_rlimit_nofile twice as high, above the present "
	 "values; then nginx -s reload. epolltune check --server NAME --connections N judges it.",
	 "nginx src/core/ngx_connection.c ngx_get_connection()"},
	{"worker_connections exceed open files",
	 "worker_connections exceed open file resource limit",
	 "nginx: worker_connections is above the soft limit of descriptors, so accept() or socket() "
	 "will fail first (EMFILE).",
	 "descriptors.process", REMEDY_PROCESS, FILES_SHOW,
	 "worker_rlimit_nofile above worker_connections (twice as high on a proxy), or LimitNOFILE= of "
	 "the unit; then restart nginx.",
	 "nginx src/event/ngx_event.c ngx_event_module_init()"},
	{"setrlimit(RLIMIT_NOFILE) failed",
	 "setrlimit(RLIMIT_NOFILE*failed\nCannot raise FD limit to\n"
	 "can't set maximum open files to\nopen files: cannot modify limit\n"
	 "error setting rlimit*nofile\nerror setting rlimit type 7",
	 "The server asked for more descriptors than its hard limit; only CAP_SYS_RESOURCE may raise "
	 "that, and no process above fs.nr_open. It continues with less.",
	 "descriptors.process", REMEDY_PROCESS,
	 "grep 'open files' /proc/PID/limits; sysctl fs.nr_open",
	 "LimitNOFILE=65536 in its systemd unit; docker run --ulimit nofile=65536:65536; then restart.",
	 "setrlimit(2); kernel/sys.c do_prlimit()"},
	{"upstream timed out", "upstream timed out (110:\n504 Gateway",
	 "nginx: the server behind it did not accept or answer within proxy_connect_timeout or "
	 "proxy_read_timeout (60 s). \"While connecting\": its accept queue is full or the path drops "
	 "SYNs. \"While reading\": it is slow.",
	 "accept-queue", REMEDY_APPLICATION,
	 "ss -ltn 'sport = :PORT'; nstat -az TcpExtListenOverflows  # both on the upstream",
	 "While connecting: epolltune check --server :PORT on the upstream. While reading: more "
	 "workers there; no kernel setting helps.",
	 "nginx src/http/ngx_http_upstream.c"},
	{"no live upstreams", "",
	 "nginx: every server of the upstream failed max_fails times within fail_timeout. The errors "
	 "before it in the log have the cause.",
	 "", REMEDY_APPLICATION, "grep -B20 'no live upstreams' /var/log/nginx/error.log",
	 "Look at the errors before it; max_fails=0 keeps a server that fails at times.",
	 "nginx src/http/ngx_http_upstream_round_robin.c"},
	{"upstream prematurely closed connection", "",
	 "nginx: the upstream closed without a whole answer: it ended, was killed, or closed an idle "
	 "connection at the moment nginx used it.",
	 "", REMEDY_APPLICATION, "journalctl -u UNIT -S -1h; dmesg -T | grep -i 'killed process'",
	 "Make the upstream's keep-alive timeout longer than nginx's keepalive_timeout; look for "
	 "crashes and OOM kills.",
	 "nginx src/http/ngx_http_upstream.c"},

	/* HAProxy. */
	{"reached process FD limit", "",
	 "HAProxy: EMFILE: its descriptors are used up; accepting pauses.", "descriptors.process",
	 REMEDY_PROCESS, FILES_SHOW,
	 "Remove ulimit-n (HAProxy computes it from maxconn) and raise LimitNOFILE= of haproxy.service; "
	 "each connection takes two.",
	 "HAProxy src/sock.c sock_accept_conn()"},
	{"reached system memory limit", "",
	 "HAProxy: ENOBUFS or ENOMEM from accept() or socket(): kernel memory is short.",
	 "buffers.memory,memory.connection", REMEDY_KERNEL,
	 "free -m; grep TCP: /proc/net/sockstat; cat /proc/sys/net/ipv4/tcp_mem",
	 "Lower maxconn, or raise the memory of machine or container.",
	 "HAProxy src/sock.c sock_accept_conn()"},
	{"FD limit too low for maxconn",
	 "FD limit*too low for maxconn\nFD limit*too low*raise 'ulimit-n'",
	 "HAProxy: its limit of descriptors does not hold maxconn connections with two descriptors "
	 "each.",
	 "descriptors.process", REMEDY_PROCESS, FILES_SHOW,
	 "systemctl edit haproxy: [Service] LimitNOFILE=N with the number that the message names.",
	 "HAProxy src/haproxy.c main()"},
	{"reached the maximum connection limit", "reached the configured maximum connection limit",
	 "HAProxy: global maxconn connections are open; further ones wait in the accept queue.",
	 "application.limit,application.connections,accept-queue", REMEDY_APPLICATION,
	 "echo 'show info' | socat stdio /run/haproxy/admin.sock | grep -i conn",
	 "global: a higher maxconn, with memory and descriptors for it (two for each connection)."
	 " epolltune check --server NAME --connections N judges it.",
	 "HAProxy src/listener.c"},

	/* Redis and Valkey. */
	{"TCP backlog setting cannot be enforced", "TCP backlog setting of * cannot be enforced",
	 "Redis: tcp-backlog (511) is above net.core.somaxconn of its network namespace, which cuts "
	 "it without an error. It matters only where that many clients connect within one stall.",
	 "accept-queue", REMEDY_KERNEL, "sysctl net.core.somaxconn; ss -ltn 'sport = :6379'",
	 "Where it is lower: sysctl -w net.core.somaxconn=4096, then restart Redis. In a container: docker run --sysctl "
	 "net.core.somaxconn=4096; Kubernetes: securityContext.sysctls (unsafe).",
	 "Redis src/server.c checkTcpBacklogSettings()"},
	{"maxclients has been reduced",
	 "maxclients has been reduced to\nYou requested maxclients of\n"
	 "is not enough for the server to start",
	 "Redis: its limit of descriptors does not hold maxclients + 32, so it accepts fewer clients.",
	 "descriptors.process", REMEDY_PROCESS, "redis-cli config get maxclients; " FILES_SHOW,
	 "LimitNOFILE= in redis-server.service above maxclients + 32, or docker run --ulimit nofile=65536:65536; then "
	 "restart.",
	 "Redis src/server.c adjustOpenFilesLimit()"},
	{"OOM command not allowed", "OOM command not allowed when used memory",
	 "Redis: its data take maxmemory bytes and its policy evicts none of them: writes get this "
	 "error. The kernel has killed no process.",
	 "", REMEDY_APPLICATION,
	 "redis-cli info memory; redis-cli config get maxmemory; redis-cli config get maxmemory-policy",
	 "redis-cli config set maxmemory N, below the memory of the machine and of its container; or "
	 "a maxmemory-policy that evicts keys.",
	 "Redis src/server.c processCommand()"},
	{"max number of clients reached", "max number of clients + cluster connections reached",
	 "Redis: maxclients connections are open (10000 by default); the client got an error.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "redis-cli info clients; redis-cli info stats | grep rejected",
	 "redis-cli config set maxclients N, with descriptors for it; timeout 300 ends idle ones; close "
	 "connections in the clients (a pool). epolltune check --server NAME --connections N judges it.",
	 "Redis src/networking.c acceptCommonHandler()"},

	/* uWSGI, php-fpm, gunicorn. */
	{"uWSGI listen queue full",
	 "uWSGI listen queue of socket*full\nlisten queue of socket*full\nlisten queue full",
	 "uWSGI: the accept queue of its socket is full (waiting / limit). A burst needs a longer "
	 "queue; arrivals above the rate of service need workers, and no queue helps.",
	 "accept-queue,accept-queue.unix", REMEDY_APPLICATION,
	 "ss -ltn 'sport = :PORT'; ss -lx  # repeat it: a Recv-Q that stays at Send-Q is no burst",
	 "Recv-Q stays full: processes = N or threads = N. It falls in between: listen = 1024, with "
	 "net.core.somaxconn as high; then restart (a reload keeps the socket).",
	 "uWSGI core/master.c get_linux_tcp_info()"},
	{"Listen queue size above the system max",
	 "Listen queue size is greater than the system max",
	 "uWSGI: listen is above net.core.somaxconn of this network namespace: it does not start.",
	 "accept-queue", REMEDY_KERNEL, "sysctl net.core.somaxconn",
	 "sysctl -w net.core.somaxconn=4096 (in a container: docker run --sysctl), or a smaller listen.",
	 "uWSGI core/socket.c bind_to_tcp()"},
	{"server socket listen backlog is limited to", "",
	 "uWSGI: a notice at its start: the accept queue has the default of 100.", "accept-queue",
	 REMEDY_APPLICATION, "ss -ltn 'sport = :PORT'",
	 "listen = 1024 where bursts are longer; the kernel cuts it at net.core.somaxconn.",
	 "uWSGI core/uwsgi.c"},
	{"server reached pm.max_children setting", "reached pm.max_children",
	 "php-fpm: all pm.max_children processes are busy; further requests wait in the accept queue "
	 "(listen.backlog, 511), and clients of a UNIX socket get EAGAIN when it is full.",
	 "accept-queue,accept-queue.unix", REMEDY_APPLICATION,
	 "ss -lx; ss -ltn  # and the status page of php-fpm: listen queue, max listen queue",
	 "pm.max_children = memory for PHP / memory of a process; make slow requests faster "
	 "(request_slowlog_timeout).",
	 "php-src sapi/fpm/fpm/fpm_process_ctl.c"},
	{"pool seems busy", "seems busy (you may need to increase pm.start_servers",
	 "php-fpm: requests arrive faster than it starts processes; they wait in the accept queue.",
	 "accept-queue.unix", REMEDY_APPLICATION, "ss -lx  # and the status page of php-fpm",
	 "pm.start_servers, pm.min_spare_servers and pm.max_spare_servers higher, or pm = static.",
	 "php-src sapi/fpm/fpm/fpm_process_ctl.c"},
	{"WORKER TIMEOUT", "CRITICAL*WORKER TIMEOUT",
	 "gunicorn: a worker did not report for timeout seconds (30): a request blocked it. It is "
	 "killed; meanwhile it does not accept.",
	 "accept-queue", REMEDY_APPLICATION, "ss -ltn 'sport = :PORT'",
	 "workers = 2 * CPUs + 1, threads = N (gthread) for requests that wait; timeout = 60 only "
	 "where requests may take that long.",
	 "gunicorn arbiter.py murder_workers()"},

	{"was sent SIGKILL! Perhaps out of memory", "",
	 "gunicorn: a worker was killed: by the OOM killer, or by gunicorn itself after a WORKER "
	 "TIMEOUT.",
	 "cgroup.memory", REMEDY_CONTAINER,
	 "dmesg -T | grep -i 'killed process'; cat /sys/fs/cgroup/GROUP/memory.events",
	 "Raise the memory limit of the container or unit, or fewer workers.",
	 "gunicorn arbiter.py reap_workers()"},

	/* Databases and others. */
	{"sorry, too many clients already", "",
	 "PostgreSQL: max_connections are open. Each is a process.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "psql -c 'select state, count(*) from pg_stat_activity group by 1'",
	 "Put a pooler before it (pgbouncer); else raise max_connections and restart.",
	 "PostgreSQL src/backend/storage/lmgr/proc.c InitProcess()"},
	{"remaining connection slots are reserved", "",
	 "PostgreSQL: all connections but those reserved (superuser_reserved_connections, 3) are "
	 "open.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "psql -c 'select state, count(*) from pg_stat_activity group by 1'",
	 "Put a pooler before it (pgbouncer); else raise max_connections and restart.",
	 "PostgreSQL src/backend/utils/init/postinit.c"},
	{"out of file descriptors: release and retry", "out of file descriptors*release and retry",
	 "PostgreSQL: EMFILE or ENFILE from open(): it closes cached files and continues, slower.",
	 "descriptors.process,descriptors.system", REMEDY_PROCESS,
	 FILES_SHOW "; cat /proc/sys/fs/file-nr",
	 "LimitNOFILE= of its unit, or a smaller max_files_per_process.",
	 "PostgreSQL src/backend/storage/file/fd.c BasicOpenFile()"},
	{"no more connections allowed", "no more connections allowed (max_client_conn)",
	 "PgBouncer: max_client_conn clients are connected (100 by default).",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "psql -p 6432 pgbouncer -c 'show pools'",
	 "A higher max_client_conn, with LimitNOFILE= of its unit above it and all server connections.",
	 "PgBouncer src/client.c"},
	{"reached MaxRequestWorkers setting", "reached MaxRequestWorkers\nAH00161\nAH00484",
	 "Apache: all workers are busy; further clients wait in the accept queue (ListenBacklog, "
	 "511).",
	 "accept-queue", REMEDY_APPLICATION, "ss -ltn 'sport = :80'; apachectl status",
	 "A higher MaxRequestWorkers with ServerLimit, as far as memory allows; KeepAliveTimeout 2; or mpm "
	 "event.",
	 "httpd server/mpm/event/event.c, prefork.c"},
	{"ERROR 1040: Too many connections", "Too many connections",
	 "MySQL and others: max_connections of the server are open.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "mysql -e \"show status like 'Threads_connected'; show variables like 'max_connections'\"",
	 "Use a pool in the clients; else a higher max_connections with LimitNOFILE= of its unit.",
	 "MySQL Reference Manual, ER_CON_COUNT_ERROR"},
	{"receive buffer not sufficiently increased",
	 "failed to sufficiently increase receive buffer size\n"
	 "failed to sufficiently increase send buffer size",
	 "A QUIC server (quic-go: Caddy, cloudflared, Syncthing) asked for a larger UDP buffer than "
	 "net.core.rmem_max (wmem_max) allows. Bursts above it are dropped: UdpRcvbufErrors counts.",
	 "udp.receive", REMEDY_KERNEL,
	 "sysctl net.core.rmem_max; nstat -az UdpRcvbufErrors Udp6RcvbufErrors; ss -uanm",
	 "Where UdpRcvbufErrors grows and they are lower: sysctl -w net.core.rmem_max=7500000 "
	 "net.core.wmem_max=7500000, then restart the server.",
	 "socket(7); quic-go sys_conn_buffers.go"},
};

size_t server_message_count(void) { return sizeof(messages) / sizeof(*messages); }

const struct clue_row *server_message_at(size_t i) { return &messages[i]; }
