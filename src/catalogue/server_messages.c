/* Messages that servers print at a limit: of their own, of the process, of the kernel. */
#include "catalogue/server_messages.h"

#include "catalogue/phrase.h"

/* How many connections each client address has; a mapped address of IPv4 is in brackets. */
#define PEERS_SHOW(port)                                                                           \
	"ss -Htn state established 'sport = :" port                                                \
	"' | awk '{sub(/:[0-9]+$/,\"\",$4); print $4}' | sort | uniq -c"

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
	 "nginx: worker_connections is above the soft limit on descriptors, so accept() or socket() "
	 "will fail first (EMFILE).",
	 "descriptors.process", REMEDY_PROCESS, FILES_SHOW,
	 "Set worker_rlimit_nofile above worker_connections (twice as high on a proxy), or LimitNOFILE= "
	 "of the unit; then restart nginx.",
	 "nginx src/event/ngx_event.c ngx_event_module_init()"},
	{"setrlimit(RLIMIT_NOFILE) failed",
	 "setrlimit(RLIMIT_NOFILE*failed\nCannot raise FD limit to\n"
	 "can't set maximum open files to\nopen files: cannot modify limit\n"
	 "error setting rlimit*nofile\nerror setting rlimit type 7\n"
	 "failed to set rlimit for open files\ncannot increase max open fds\n"
	 "Insufficient number of filedescriptors available",
	 "The server asked for more descriptors than its hard limit; only CAP_SYS_RESOURCE may raise "
	 "that, and no process above fs.nr_open. It continues with less, or exits (memcached).",
	 "descriptors.process", REMEDY_PROCESS,
	 "grep 'open files' /proc/PID/limits; sysctl fs.nr_open",
	 "Set LimitNOFILE= of its unit to the number that it asks for, which is above the hard limit in "
	 "/proc/PID/limits; then restart it. Docker, \"error setting rlimit type 7\": the value of --ulimit is "
	 "above the hard limit of the daemon: lower the value, or raise LimitNOFILE= of docker.service "
	 "or containerd.service.",
	 "setrlimit(2); kernel/sys.c do_prlimit()"},
	{"upstream timed out",
	 "upstream timed out (110:\nupstream timed out (110: Connection timed out\n"
	 "upstream timed out (110: Operation timed out",
	 "nginx: the server behind it did not accept or answer within proxy_connect_timeout or "
	 "proxy_read_timeout (60 s). \"While connecting\": its accept queue is full or the path drops "
	 "SYNs. \"While reading\": it is slow.",
	 "accept-queue", REMEDY_APPLICATION,
	 "ss -ltn 'sport = :PORT'; nstat -az TcpExtListenOverflows  # both on the upstream",
	 "While connecting: epolltune check --server :PORT on the upstream. While reading: more "
	 "workers there; no kernel setting helps.",
	 "nginx src/http/ngx_http_upstream.c"},
	{"client timed out (110:",
	 "client timed out (110: Connection timed out\ntimed out (110: Connection timed out\n"
	 "timed out (110: Operation timed out",
	 "nginx: one of its own timers ended: the client, or the peer that the message names, sent nothing or took "
	 "nothing for client_header_timeout, client_body_timeout or send_timeout (60 s), or proxy_timeout "
	 "of stream. That is normal for idle clients and scanners. No system call has failed, and no queue "
	 "of the kernel is concerned.",
	 "", REMEDY_NONE, "nginx -T | grep -E '_timeout|error_log'",
	 "Change nothing; error_log FILE notice; keeps these lines out of the log.",
	 "nginx src/http/ngx_http_request.c, src/stream/ngx_stream_proxy_module.c"},
	{"504 Gateway Timeout", "504 Gateway",
	 "A proxy (nginx, HAProxy, a load balancer): the server behind it did not accept or answer within "
	 "the timeout of the proxy. Its log says which.",
	 "accept-queue", REMEDY_APPLICATION,
	 "ss -ltn 'sport = :PORT'; nstat -az TcpExtListenOverflows  # both on the server behind it",
	 "Where ListenOverflows grows: epolltune check --server :PORT there. Otherwise that server is slow: "
	 "more workers; no kernel setting helps.",
	 "RFC 9110, 504 Gateway Timeout"},
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
	{"limiting connections by zone", "limiting connections*by zone",
	 "nginx: limit_conn of a zone is reached, mostly for one client address: further requests of "
	 "it get 503. No limit of the kernel is reached.",
	 "", REMEDY_APPLICATION, "nginx -T | grep limit_conn",
	 "Raise limit_conn where these are no attacks: behind a proxy or NAT many clients share an "
	 "address (real_ip_header).",
	 "nginx src/http/modules/ngx_http_limit_conn_module.c"},
	{"limiting requests, excess", "limiting requests*excess*by zone",
	 "nginx: limit_req of a zone is exceeded, mostly by one client address: the request gets 503. "
	 "No limit of the kernel is reached.",
	 "", REMEDY_APPLICATION, "nginx -T | grep limit_req",
	 "Raise rate= of limit_req_zone, or burst= of limit_req, where these are no attacks: behind a "
	 "proxy or NAT many clients share an address (real_ip_header).",
	 "nginx src/http/modules/ngx_http_limit_req_module.c"},

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
	 "HAProxy: its limit on descriptors does not hold maxconn connections with two descriptors "
	 "each.",
	 "descriptors.process", REMEDY_PROCESS, FILES_SHOW,
	 "Raise it: " UNIT_LINE(
		 "haproxy.service", "Service",
		 "LimitNOFILE=N") " with the number that the message names; then systemctl restart haproxy.",
	 "HAProxy src/haproxy.c main()"},
	{"reached the maximum connection limit", "reached the configured maximum connection limit",
	 "HAProxy: global maxconn connections are open; further ones wait in the accept queue.",
	 "application.limit,application.connections,accept-queue", REMEDY_APPLICATION,
	 "echo 'show info' | socat stdio /run/haproxy/admin.sock | grep -i conn",
	 "Raise maxconn in section global, with memory and descriptors for it (two for each "
	 "connection). epolltune check --server NAME --connections N judges it.",
	 "HAProxy src/listener.c"},
	{"is DOWN, reason: Layer4 timeout", "reason: Layer4 timeout",
	 "HAProxy: connect() of a health check got no answer in time: the accept queue of that server "
	 "is full and the kernel drops SYNs, a firewall drops them, or the host is down.",
	 "accept-queue,syn-queue", REMEDY_APPLICATION,
	 "ss -ltn 'sport = :PORT'; nstat -az TcpExtListenOverflows  # both on that server",
	 "On that server: epolltune check --server :PORT.", "HAProxy src/check.c, src/tcpcheck.c"},
	{"has no server available", "",
	 "HAProxy: every server of a backend has failed its health checks: clients get 503. The lines "
	 "\"is DOWN, reason\" before it have the cause.",
	 "", REMEDY_APPLICATION, "journalctl -u haproxy | grep 'is DOWN' | tail",
	 "Look up the reason: Layer4 timeout is an unanswered SYN, Layer4 connection problem a refusal.",
	 "HAProxy src/server.c set_backend_down()"},

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
	 "Redis: its limit on descriptors does not hold maxclients + 32, so it accepts fewer clients.",
	 "descriptors.process", REMEDY_PROCESS, "redis-cli config get maxclients; " FILES_SHOW,
	 "Set LimitNOFILE= in redis-server.service above maxclients + 32, or docker run --ulimit "
	 "nofile=65536:65536; then restart.",
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
	{"closed for overcoming of output buffer limits", "overcoming of output buffer limits",
	 "Redis: a client reads too slowly: its replies exceed client-output-buffer-limit of its class "
	 "(normal, replica, pubsub), and Redis closes it. Socket buffers are not the limit.",
	 "", REMEDY_APPLICATION,
	 "redis-cli client list | grep -o 'omem=[0-9]*' | sort -t= -k2n | tail",
	 "Make the subscriber or replica read faster; else, above the present values (redis-cli config "
	 "get client-output-buffer-limit): redis-cli config set client-output-buffer-limit "
	 "'pubsub 64mb 16mb 60'.",
	 "Redis src/networking.c checkClientOutputBufferLimits()"},
	{"Memory overcommit must be enabled",
	 "overcommit_memory is set to 0*Background save may fail",
	 "Redis: a warning at its start: vm.overcommit_memory is not 1, so fork() for a snapshot may "
	 "fail with ENOMEM although memory is free.",
	 "", REMEDY_KERNEL, "sysctl vm.overcommit_memory",
	 "sysctl -w vm.overcommit_memory=1, and the same line in /etc/sysctl.d; in a container: on the "
	 "host.",
	 "Redis src/syscheck.c checkOvercommit(); Documentation/mm/overcommit-accounting.rst"},

	/* uWSGI, php-fpm, gunicorn. */
	{"uWSGI listen queue full",
	 "uWSGI listen queue of socket*full\nlisten queue of socket*full\nlisten queue full",
	 "uWSGI: the accept queue of its socket is full (waiting / limit). A burst needs a longer "
	 "queue; arrivals above the rate of service need workers, and no queue helps.",
	 "accept-queue,accept-queue.unix", REMEDY_APPLICATION,
	 "ss -ltn 'sport = :PORT'; ss -lx  # repeat it: a Recv-Q that stays above Send-Q is no burst",
	 "Where Recv-Q stays full, set processes = N or threads = N; where it falls in between, listen = "
	 "1024, with net.core.somaxconn as high; then restart (a reload keeps the socket).",
	 "uWSGI core/master.c get_linux_tcp_info()"},
	{"Listen queue size above the system max",
	 "Listen queue size is greater than the system max",
	 "uWSGI: listen is above net.core.somaxconn of this network namespace: it does not start.",
	 "accept-queue", REMEDY_KERNEL, "sysctl net.core.somaxconn",
	 "sysctl -w net.core.somaxconn=4096 (in a container: docker run --sysctl), or lower listen.",
	 "uWSGI core/socket.c bind_to_tcp()"},
	{"server socket listen backlog is limited to", "",
	 "uWSGI: a notice at its start: the accept queue has the default of 100.", "accept-queue",
	 REMEDY_APPLICATION, "ss -ltn 'sport = :PORT'",
	 "Where bursts are longer, set listen = 1024; the kernel cuts it at net.core.somaxconn.",
	 "uWSGI core/uwsgi.c"},
	{"server reached pm.max_children setting", "reached pm.max_children",
	 "php-fpm: all pm.max_children processes are busy; further requests wait in the accept queue "
	 "(listen.backlog, 511), and clients of a UNIX socket get EAGAIN when it is full.",
	 "accept-queue,accept-queue.unix", REMEDY_APPLICATION,
	 "ss -lx; ss -ltn  # and the status page of php-fpm: listen queue, max listen queue",
	 "Set pm.max_children = memory for PHP / memory of a process; make slow requests faster "
	 "(request_slowlog_timeout).",
	 "php-src sapi/fpm/fpm/fpm_process_ctl.c"},
	{"pool seems busy", "seems busy (you may need to increase pm.start_servers",
	 "php-fpm: requests arrive faster than it starts processes; they wait in the accept queue.",
	 "accept-queue.unix", REMEDY_APPLICATION, "ss -lx  # and the status page of php-fpm",
	 "Raise pm.start_servers, pm.min_spare_servers and pm.max_spare_servers, or set pm = static.",
	 "php-src sapi/fpm/fpm/fpm_process_ctl.c"},
	{"WORKER TIMEOUT", "CRITICAL*WORKER TIMEOUT",
	 "gunicorn: a worker did not report for timeout seconds (30): a request blocked it. It is "
	 "killed; meanwhile it does not accept.",
	 "accept-queue", REMEDY_APPLICATION, "ss -ltn 'sport = :PORT'",
	 "Set workers = 2 * CPUs + 1, and threads = N (gthread) for requests that wait; set timeout = 60 "
	 "only where requests may take that long.",
	 "gunicorn arbiter.py murder_workers()"},

	{"was sent SIGKILL! Perhaps out of memory", "",
	 "gunicorn: a worker was killed: by the OOM killer, or by gunicorn itself after a WORKER "
	 "TIMEOUT.",
	 "cgroup.memory", REMEDY_CONTAINER,
	 "dmesg -T | grep -i 'killed process'; cat /sys/fs/cgroup/GROUP/memory.events",
	 "Raise the memory limit of the container or unit, or run fewer workers.",
	 "gunicorn arbiter.py reap_workers()"},

	/* Databases and others. */
	{"sorry, too many clients already", "",
	 "PostgreSQL: max_connections are open. Each is a process. Pgpool-II with reserved_connections "
	 "prints this message at num_init_children.",
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
	 "Raise LimitNOFILE= of its unit, or lower max_files_per_process.",
	 "PostgreSQL src/backend/storage/file/fd.c BasicOpenFile()"},
	{"too many connections for role", "too many connections for database",
	 "PostgreSQL: CONNECTION LIMIT of a role or database is reached; max_connections is not.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "psql -c 'select rolname, rolconnlimit from pg_roles' -c 'select datname, datconnlimit from "
	 "pg_database'",
	 "Use a smaller pool in the clients; else: ALTER ROLE NAME CONNECTION LIMIT N, or ALTER DATABASE "
	 "NAME CONNECTION LIMIT N, whichever the message names.",
	 "PostgreSQL src/backend/utils/init/postinit.c, miscinit.c"},
	{"pooler error: query_wait_timeout",
	 "error*query_wait_timeout\nProtocolViolation: query_wait_timeout",
	 "PgBouncer: no connection to the server was free for query_wait_timeout (120 s): all "
	 "default_pool_size (20) of the database and user are in use.",
	 "", REMEDY_APPLICATION, "psql -p 6432 pgbouncer -c 'show pools'  # cl_waiting, maxwait",
	 "End long transactions; set pool_mode = transaction; else raise default_pool_size, within "
	 "max_connections of PostgreSQL.",
	 "PgBouncer src/janitor.c"},
	{"no more connections allowed", "no more connections allowed (max_client_conn)",
	 "PgBouncer: max_client_conn clients are connected (100 by default).",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "psql -p 6432 pgbouncer -c 'show pools'",
	 "Raise max_client_conn, with LimitNOFILE= of its unit above it and all server connections.",
	 "PgBouncer src/client.c"},
	{"reached MaxRequestWorkers setting",
	 "reached MaxRequestWorkers\nAH00161\nAH00484\nwithin MinSpareThreads of MaxRequestWorkers\n"
	 "within MinSpareServers of MaxRequestWorkers\nAH10159",
	 "Apache: all workers are busy (AH10159: all but a few); further clients wait in the accept queue (ListenBacklog, "
	 "511).",
	 "accept-queue", REMEDY_APPLICATION, "ss -ltn 'sport = :80'; apachectl status",
	 "Raise MaxRequestWorkers and ServerLimit, as far as memory allows; set KeepAliveTimeout 2; or use "
	 "mpm event.",
	 "httpd server/mpm/event/event.c, prefork.c"},
	{"scoreboard is full, not at MaxRequestWorkers",
	 "scoreboard is full\nAH03490\nAH00485\nAH00288",
	 "Apache: all ServerLimit slots are taken, mostly by processes that still end old requests "
	 "after a reload: no new process starts, although MaxRequestWorkers are not in use.",
	 "accept-queue", REMEDY_APPLICATION, "apachectl status  # G: gracefully finishing",
	 "Set ServerLimit to twice MaxRequestWorkers / ThreadsPerChild, then stop and start (a reload does "
	 "not change it); reload less often.",
	 "httpd server/mpm/event/event.c perform_idle_server_maintenance()"},
	{"Too many connections from ADDRESS - max is N", "Too many connections from*max is",
	 "ZooKeeper: one client address has maxClientCnxns connections (60 by default): it closes the "
	 "next one. Other clients are not concerned.",
	 "application.limit,application.connections", REMEDY_APPLICATION, PEERS_SHOW("2181"),
	 "Close connections in that client (one is enough for a process); else maxClientCnxns=N in "
	 "zoo.cfg and restart.",
	 "ZooKeeper NIOServerCnxnFactory.java"},
	{"Could not increase number of max_open_files",
	 "Changed limits: max_connections\nChanged limits: max_open_files\n"
	 "Changed limits: table_open_cache",
	 "MySQL, MariaDB: the limit on descriptors does not hold open_files_limit, so at its start the "
	 "server lowers max_connections (MySQL: to 214 at 1024 descriptors) and table_open_cache.",
	 "descriptors.process,application.limit,application.connections", REMEDY_PROCESS,
	 "mysql -e \"show variables like 'max_connections'\"; " FILES_SHOW,
	 "Raise it: " UNIT_LINE(
		 "UNIT", "Service",
		 "LimitNOFILE=N") " with the number that it requested (UNIT: mysql.service or mariadb.service); then systemctl "
				  "restart UNIT.",
	 "MySQL sql/mysqld.cc adjust_open_files_limit(), adjust_max_connections()"},
	{"max_user_connections exceeded",
	 "already has more than 'max_user_connections' active connections\n"
	 "has exceeded the 'max_user_connections' resource",
	 "MySQL, MariaDB: one user has max_user_connections connections; max_connections is not the "
	 "limit.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "mysql -e \"select user, count(*) from information_schema.processlist group by user\"",
	 "Use a smaller pool in the clients; else: ALTER USER NAME WITH MAX_USER_CONNECTIONS N, or "
	 "max_user_connections where that is 0.",
	 "MySQL Reference Manual, ER_TOO_MANY_USER_CONNECTIONS"},
	{"is blocked because of many connection errors", "",
	 "MySQL, MariaDB: max_connect_errors handshakes in a row from one address were not completed "
	 "(100 by default): a health check that only opens the port, or a broken path.",
	 "", REMEDY_APPLICATION, "mysql -e 'select * from performance_schema.host_cache\\G'",
	 "mysqladmin flush-hosts; let the health check log in, or raise max_connect_errors.",
	 "MySQL Reference Manual, ER_HOST_IS_BLOCKED"},
	{"ERROR 1040: Too many connections",
	 "1040*Too many connections\nER_CON_COUNT_ERROR\nmessage from server: \"Too many connections",
	 "MySQL, MariaDB: max_connections of the server are open.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "mysql -e \"show status like 'Threads_connected'; show variables like 'max_connections'\"",
	 "Use a pool in the clients; else raise max_connections, with LimitNOFILE= of its unit.",
	 "MySQL Reference Manual, ER_CON_COUNT_ERROR"},
	{"Too many connections to MySQL Router", "reached max active connections",
	 "MySQL Router: max_total_connections of all routes (512 by default), or max_connections of one, "
	 "are open: it closes the next client. The limit of the MySQL server is another one.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "grep -rE 'max_(total_)?connections' /etc/mysqlrouter",
	 "Set max_total_connections=N in [DEFAULT] of mysqlrouter.conf, with LimitNOFILE= above 2N and "
	 "max_connections of MySQL as high; then restart.",
	 "MySQL Router Manual, max_total_connections"},
	{"refused: too many connections", "Too many connections\nToo many open connections",
	 "A server has as many connections as its own limit allows: of all its clients, or of one address "
	 "where the message names that. The name of the server is before the message.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "ss -tn state established 'sport = :PORT' | wc -l",
	 "epolltune check --server NAME --connections N names the limit of that server. Find clients that "
	 "open too many: ss -tn 'sport = :PORT'.",
	 "the manual of that server"},
	{"refused because there are too many open connections",
	 "refused because too many open connections",
	 "MongoDB: as many connections are open as it allows: 80 % of its limit on descriptors (819 of "
	 "1024), unless net.maxIncomingConnections is lower.",
	 "descriptors.process,application.limit,application.connections", REMEDY_APPLICATION,
	 "mongosh --quiet --eval 'db.serverStatus().connections'; " FILES_SHOW,
	 "Where it is lower, set LimitNOFILE=64000 in mongod.service, then restart; else lower maxPoolSize "
	 "in the clients.",
	 "MongoDB src/mongo/transport/session_manager_common.cpp"},
	{"ERROR Too many open connections", "",
	 "memcached: -c connections are open (1024 by default): a further client gets this error and is "
	 "closed.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "printf 'stats\\r\\nquit\\r\\n' | nc 127.0.0.1 11211 | grep -E 'max_conn|curr_conn|rejected'",
	 "Raise -c in its command (/etc/memcached.conf), then restart. epolltune check --server "
	 "memcached --connections N judges it.",
	 "memcached.c drive_machine()"},
	{"max file descriptors are too low", "max file descriptors*too low",
	 "Elasticsearch, OpenSearch: the limit on descriptors is below 65535: a bootstrap check, without "
	 "which the server does not start.",
	 "descriptors.process", REMEDY_PROCESS, FILES_SHOW,
	 "Raise it: " UNIT_LINE(
		 "elasticsearch.service", "Service",
		 "LimitNOFILE=65535") "; then systemctl restart elasticsearch. In a container: docker run --ulimit "
				      "nofile=65535:65535.",
	 "Elasticsearch BootstrapChecks.java"},
	{"vm.max_map_count is too low",
	 "vm.max_map_count*is too low\nmax virtual memory areas*too low",
	 "Elasticsearch, OpenSearch, Cassandra: a process may have vm.max_map_count mappings (65530 by "
	 "default), and the server asks for more at its start.",
	 "", REMEDY_KERNEL, "sysctl vm.max_map_count",
	 "sysctl -w vm.max_map_count=N with the number that the message names, and the same line in "
	 "/etc/sysctl.d; for a container: on the host.",
	 "Elasticsearch BootstrapChecks.java; mm/mmap.c"},
	{"max number of threads is too low", "max number of threads*for user*too low",
	 "Elasticsearch, OpenSearch: RLIMIT_NPROC of the user is below 4096: a bootstrap check, without "
	 "which the server does not start.",
	 "tasks", REMEDY_PROCESS, "grep processes /proc/PID/limits",
	 "Raise it: " UNIT_LINE(
		 "elasticsearch.service", "Service",
		 "LimitNPROC=4096") "; then systemctl restart elasticsearch. limits.conf: nproc for a login.",
	 "Elasticsearch BootstrapChecks.java"},
	{"maximum connections exceeded", "",
	 "NATS: max_connections clients are connected (65536 by default): the next one gets this error.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "curl -s localhost:8222/varz | grep -E '\"(max_)?connections\"'",
	 "Raise max_connections: N in nats-server.conf, then nats-server --signal reload, with descriptors "
	 "for it.",
	 "nats-server server/errors.go ErrTooManyConnections"},
	{"reset reason: overflow", "upstream_reset_before_response_started{overflow}",
	 "Envoy: a circuit breaker of the cluster is open: max_connections, max_pending_requests or "
	 "max_requests (1024 each by default). The client gets 503 without a request to the upstream.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "curl -s localhost:9901/stats | grep -E 'overflow|circuit_breakers.*open'",
	 "Raise circuit_breakers.thresholds of the cluster (Istio: connectionPool of the "
	 "DestinationRule), with ports and descriptors for it, where the upstream can serve more.",
	 "Envoy: Circuit breaking"},
	{"running out of filedescriptors", "Your cache is running out of filedescriptors",
	 "Squid: few descriptors are left: it stops accepting until some are free, and clients wait in "
	 "the accept queue.",
	 "descriptors.process,accept-queue", REMEDY_PROCESS,
	 "squidclient mgr:info | grep -i 'file desc'; " FILES_SHOW,
	 "Set max_filedescriptors 65536 in squid.conf, with LimitNOFILE= of its unit as high; then "
	 "restart.",
	 "Squid src/comm/TcpAcceptor.cc okToAccept()"},
	{"sockets disabled, connection limit reached", "sockets disabled, out-of-fds",
	 "lighttpd: server.max-connections are open, or descriptors are used up: it accepts no more until "
	 "some close, and clients wait in the accept queue.",
	 "application.limit,application.connections,descriptors.process,accept-queue",
	 REMEDY_APPLICATION,
	 "grep -E 'max-(fds|connections)' /etc/lighttpd/lighttpd.conf; " FILES_SHOW,
	 "Set server.max-connections = N (at most 65535) and server.max-fds = 10 * N (2 * N before 1.4.83), "
	 "then restart.",
	 "lighttpd src/server.c"},
	{"has reached its process limit",
	 "has reached its process limit*new clients may experience",
	 "Postfix: all processes of a service are busy (default_process_limit, 100, or maxproc in "
	 "master.cf): further clients wait in the accept queue.",
	 "accept-queue,application.limit,application.connections", REMEDY_APPLICATION,
	 "ss -ltn 'sport = :25'; postconf default_process_limit",
	 "postconf -e default_process_limit=N above that, then postfix reload; postscreen keeps bots "
	 "away from these processes.",
	 "Postfix src/master/master_avail.c"},
	{"421 Error: too many connections from ADDRESS",
	 "421*too many connections from\nError: too many connections from\n"
	 "Connection concurrency limit exceeded\nConnection rate limit exceeded\n"
	 "Error: too many new TLS sessions from",
	 "Postfix: one client address has smtpd_client_connection_count_limit connections (50 by default), "
	 "or exceeds a rate of anvil. Other clients are not concerned.",
	 "application.limit", REMEDY_APPLICATION,
	 "postconf | grep -E '^smtpd_client_.*(limit|rate|exceptions)'; " PEERS_SHOW("25"),
	 "Lower the parallel deliveries of that client, or add its network: postconf -e "
	 "'smtpd_client_event_limit_exceptions = $mynetworks, NETWORK', then postfix reload.",
	 "Postfix src/smtpd/smtpd.c, src/anvil/anvil.c"},
	{"refused: too many connections of Exim",
	 "Connection from*refused: too many connections\n"
	 "Too many concurrent SMTP connections; please try again later",
	 "Exim: smtp_accept_max connections are open (20 by default), or smtp_accept_max_per_host of that "
	 "address: it answers 421 and closes.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "exim -bP smtp_accept_max smtp_accept_max_per_host; " PEERS_SHOW("25"),
	 "Raise smtp_accept_max, or smtp_accept_max_per_host where all come from one address, in the "
	 "configuration of Exim; then restart.",
	 "Exim src/daemon.c handle_smtp_call()"},
	{"Maximum number of connections from user+IP exceeded",
	 "number of connections from user+IP exceeded",
	 "Dovecot: one user has mail_max_userip_connections connections from one address (10 by default): "
	 "clients with many folders or devices behind one NAT. Other users are not concerned.",
	 "application.limit", REMEDY_APPLICATION,
	 "doveconf -a | grep mail_max_userip_connections; doveadm who",
	 "protocol imap { mail_max_userip_connections = 50 } in dovecot.conf where it is lower, then "
	 "doveadm reload.",
	 "Dovecot src/login-common/sasl-server.c"},
	{"reached, client connections are being dropped",
	 "process_limit*reached, client connections are being dropped\n"
	 "client_limit*reached, client connections are being dropped",
	 "Dovecot: a service has process_limit processes with client_limit clients each: new clients "
	 "wait or are dropped.",
	 "application.limit,application.connections,accept-queue", REMEDY_APPLICATION,
	 "doveadm service status",
	 "service imap-login { process_limit = N } (or the service that the message names), then "
	 "doveadm reload.",
	 "Dovecot src/master/service-monitor.c"},
	{"beginning MaxStartups throttling",
	 "past MaxStartups\nMaxStartups throttling\ndrop connection*MaxStartups\n"
	 "Maxstartups logging rate-limited\nExceeded MaxStartups",
	 "sshd: MaxStartups connections (10:30:100) are open that have not logged in: it closes new ones, "
	 "at random. Their clients print kex_exchange_identification.",
	 "application.limit", REMEDY_APPLICATION,
	 "sshd -T | grep -i -E 'maxstartups|logingracetime'",
	 "Set MaxStartups 100:30:300 and LoginGraceTime 30 in sshd_config, then systemctl reload ssh (sshd on RHEL); where "
	 "the internet can connect, restrict port 22 first.",
	 "OpenSSH sshd.c drop_connection()"},
	{"drop connection, penalty",
	 "drop connection*penalty\ndrop connection*PerSourcePenalties\n"
	 "PerSourcePenalties logging rate-limited\ntoo many penalised addresses",
	 "sshd 9.8 and later closes all connections of an address for some seconds (PerSourcePenalties), also "
	 "those of other clients behind the same NAT. A client of that address did not log in (a health check "
	 "that only opens the port), failed to, or ended early. MaxStartups is not the limit.",
	 "application.limit", REMEDY_APPLICATION, "sshd -T | grep -i persource",
	 "Exempt health checks and the NAT, if no attacks come from there: PerSourcePenaltyExemptList CIDR "
	 "in sshd_config, then systemctl reload ssh (sshd on RHEL).",
	 "OpenSSH srclimit.c, sshd.c drop_connection()"},
	{"kex_exchange_identification: closed by remote host",
	 "kex_exchange_identification*Connection closed by remote host\n"
	 "kex_exchange_identification*Connection reset by peer\n"
	 "banner exchange: Connection to*Connection reset by peer\n"
	 "ssh_exchange_identification*Connection closed by remote host\n"
	 "ssh_exchange_identification*Connection reset by peer\nNot allowed at this time",
	 "ssh: the server closed before it sent its banner: MaxStartups or PerSourcePenalties of sshd, its "
	 "PerSourceMaxStartups, a proxy without a server behind it, or fail2ban. The log of sshd says which.",
	 "application.limit", REMEDY_APPLICATION,
	 "journalctl -u ssh -u sshd --grep 'drop connection|MaxStartups'  # on the server",
	 "Run epolltune explain with the line of sshd's log.", "OpenSSH sshd.c drop_connection()"},
	{"too many tcp sessions - dropping incoming request", "",
	 "rsyslog: imtcp has MaxSessions senders connected (200 by default) and closes the next one.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "ss -tn state established 'sport = :514' | wc -l",
	 "Set module(load=\"imtcp\" MaxSessions=\"2000\"), with LimitNOFILE= of rsyslog.service; then "
	 "restart.",
	 "rsyslog runtime/tcpsrv.c SessAccept()"},
	{"Client connection from ADDRESS denied: max_connections exceeded",
	 "Client connection from*denied: max_connections exceeded",
	 "Mosquitto: max_connections of the listener, or global_max_connections, clients are connected: "
	 "the next one is closed.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "mosquitto_sub -t '$SYS/broker/clients/connected' -C 1",
	 "Raise max_connections in mosquitto.conf, with LimitNOFILE= of its unit; then restart.",
	 "Mosquitto src/net.c"},
	{"file descriptor limit alarm set", "",
	 "RabbitMQ: its limit on descriptors is nearly used up: it accepts no new connections until some "
	 "close.",
	 "descriptors.process", REMEDY_PROCESS,
	 "rabbitmq-diagnostics status | grep -i -A4 'file desc'; " FILES_SHOW,
	 "Where it is lower, " UNIT_LINE(
		 "rabbitmq-server.service", "Service",
		 "LimitNOFILE=65536") "; then systemctl restart rabbitmq-server.",
	 "RabbitMQ rabbit_alarm.erl"},
	{"address already has the configured maximum of N connections",
	 "address already has the configured maximum of*connections",
	 "Kafka: one client address has max.connections.per.ip connections (or its override): the "
	 "broker closes the next one.",
	 "application.limit,application.connections", REMEDY_APPLICATION, PEERS_SHOW("9092"),
	 "For clients behind one NAT, set max.connections.per.ip.overrides=ADDRESS:N in server.properties.",
	 "Kafka core SocketServer.scala"},
	{"There are too many connected users",
	 "There are too many connections from your internet address",
	 "vsftpd: max_clients sessions are open (2000 by default), or max_per_ip of that address (50).",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "grep -E 'max_(clients|per_ip)' /etc/vsftpd.conf; ss -tn state established 'sport = :21' | wc -l",
	 "Raise max_clients or max_per_ip in vsftpd.conf; then restart.", "vsftpd.conf(5)"},
	{"new incoming connection would exceed maximum number of clients", "",
	 "OpenVPN: max-clients clients are connected (1024 by default).",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "grep max-clients /etc/openvpn/server/*.conf /etc/openvpn/*.conf",
	 "Raise max-clients in the configuration of the server; then restart.",
	 "OpenVPN src/openvpn/multi.c"},
	{"refusing client connection - proto-fd-max", "",
	 "Aerospike: proto-fd-max connections of clients are open (15000 by default): it closes the next "
	 "one.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "asinfo -v 'get-config:context=service' | tr ';' '\\n' | grep proto-fd",
	 "asinfo -v 'set-config:context=service;proto-fd-max=N', below the limit of the process on "
	 "descriptors, and the same in aerospike.conf.",
	 "Aerospike as/src/base/service.c"},
	{"beyond descriptor table size", "",
	 "OpenLDAP slapd: a connection got a descriptor above its limit, which slapd reads at its start: "
	 "it closes that connection.",
	 "descriptors.process", REMEDY_PROCESS, FILES_SHOW,
	 "Where it is lower, " UNIT_LINE(
		 "slapd.service", "Service",
		 "LimitNOFILE=65536") "; then systemctl restart slapd. idletimeout 300 ends idle connections.",
	 "OpenLDAP servers/slapd/daemon.c"},
	{"Too many simultaneous queries", "TOO_MANY_SIMULTANEOUS_QUERIES",
	 "ClickHouse: max_concurrent_queries run: the query gets this error. Connections are not the "
	 "limit.",
	 "", REMEDY_APPLICATION, "clickhouse-client -q 'select count() from system.processes'",
	 "Insert in larger batches; else raise max_concurrent_queries in config.xml, within CPUs and "
	 "memory.",
	 "ClickHouse src/Interpreters/ProcessList.cpp"},
	{"open connections, consider increasing the number of threads",
	 "open connections, consider increasing number of threads",
	 "Kernel log: nfsd has more TCP connections than 20 * (threads + 3): it closes the oldest.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "cat /proc/fs/nfsd/threads; ss -tn state established 'sport = :2049' | wc -l",
	 "Where it has fewer threads, run rpc.nfsd 64, and for the boot set threads=64 in section "
	 "[nfsd] of /etc/nfs.conf.",
	 "net/sunrpc/svc_xprt.c svc_check_conn_limits()"},
	{"open connections, consider increasing the max number",
	 "open connections, consider increasing max number of connections",
	 "Kernel log: nfsd has more TCP connections than /proc/fs/nfsd/max_connections: it closes the "
	 "oldest. More threads do not change that.",
	 "application.limit,application.connections", REMEDY_APPLICATION,
	 "cat /proc/fs/nfsd/max_connections; ss -tn state established 'sport = :2049' | wc -l",
	 "echo N >/proc/fs/nfsd/max_connections with a higher number, or with 0 for 20 * (threads + 3); "
	 "then systemctl restart nfs-server.",
	 "net/sunrpc/svc_xprt.c svc_check_conn_limits(); fs/nfsd/nfssvc.c nfsd_create_serv()"},
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

	/* Name servers. */
	{"so-rcvbuf was not granted", "so-rcvbuf * was not granted\nso-sndbuf * was not granted",
	 "Unbound: it asked for a larger UDP buffer than net.core.rmem_max (wmem_max) allows and has "
	 "twice that value. Bursts above it are dropped: UdpRcvbufErrors counts.",
	 "udp.receive", REMEDY_KERNEL,
	 "sysctl net.core.rmem_max; nstat -az UdpRcvbufErrors Udp6RcvbufErrors; ss -uanm",
	 "Where UdpRcvbufErrors grows and they are lower: sysctl -w net.core.rmem_max=4194304 "
	 "net.core.wmem_max=4194304, then restart Unbound. Otherwise lower so-rcvbuf.",
	 "socket(7); Unbound services/listen_dnsport.c"},
	{"Maximum number of concurrent DNS queries reached", "",
	 "dnsmasq: dns-forward-max queries (150 by default) wait for the servers that it asks; it refuses "
	 "further ones. Mostly one of those servers does not answer.",
	 "", REMEDY_APPLICATION,
	 "grep -E '^(server|dns-forward-max)' /etc/dnsmasq.conf; grep . "
	 "/etc/resolv.conf; dig @SERVER example.org  # each of them",
	 "Remove servers that do not answer; else set dns-forward-max=1000 in dnsmasq.conf and restart.",
	 "dnsmasq src/forward.c get_new_frec()"},
	{"no more TCP clients",
	 "no more TCP clients*quota reached\nTCP connection failed: quota reached",
	 "BIND: tcp-clients connections are open (150 by default): further clients wait in the accept "
	 "queue.",
	 "application.limit,application.connections,accept-queue", REMEDY_APPLICATION,
	 "rndc status | grep 'tcp clients'; ss -ltn 'sport = :53'",
	 "options { tcp-clients 1000; }; in named.conf, then rndc reconfig.",
	 "BIND 9 Administrator Reference Manual, tcp-clients"},
	{"no more recursive clients", "no more recursive clients*quota reached",
	 "BIND: recursive-clients queries (1000 by default) wait for other servers: it drops the oldest, "
	 "or answers SERVFAIL. Mostly those servers do not answer.",
	 "", REMEDY_APPLICATION, "rndc status | grep 'recursive clients'; rndc recursing",
	 "See in named.recursing which domains do not answer (fetches-per-server limits their share); "
	 "else set options { recursive-clients 4000; }; and run rndc reconfig.",
	 "BIND 9 Administrator Reference Manual, recursive-clients"},
	{"Limit of simultaneous TCP connections reached", "",
	 "PowerDNS: max-tcp-connections are open (20 by default): further clients wait in the accept "
	 "queue.",
	 "application.limit,application.connections,accept-queue", REMEDY_APPLICATION,
	 "pdns_control show open-tcp-connections; ss -ltn 'sport = :53'",
	 "Where it is lower, set max-tcp-connections=200 in pdns.conf; then restart.",
	 "PowerDNS pdns/tcpreceiver.cc"},
	{"concurrent queries exceeded maximum", "",
	 "CoreDNS: max_concurrent of forward is reached: it refuses further queries. Mostly the servers "
	 "that it asks are slow.",
	 "", REMEDY_APPLICATION,
	 "kubectl -n kube-system get configmap coredns -o yaml | grep -A3 forward; curl -s "
	 "localhost:9153/metrics | grep forward_max_concurrent_rejects",
	 "Look at the servers of forward; else raise max_concurrent (a query takes 2 KiB), or run more "
	 "replicas and node-local DNS.",
	 "CoreDNS plugin/forward"},
};

size_t server_message_count(void) { return sizeof(messages) / sizeof(*messages); }

const struct clue_row *server_message_at(size_t i) { return &messages[i]; }
