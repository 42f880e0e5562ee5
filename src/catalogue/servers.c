/* Servers that many run: their default backlog, and the lines that change their limits. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "catalogue/servers_unread.h"
#include "epolltune/catalogue.h"
#include "epolltune/list.h"
#include "epolltune/quantity.h"
#include "epolltune/wording.h"

/* Bytes of a name in /proc/PID/stat. */
#define PROCESS_NAME 15

const char server_own_memory[] =
	"{named?{assumed?{bounded?epolltune assumes that {server?{server} takes {min}{range? to "
	"{max}}:the server takes up to {max}} of its own memory per connection{tls? ({max} with "
	"TLS)}{seen? (the upper figure by its memory now, with {heard} connections in use)}:epolltune does not know how much of its own memory the server "
	"takes per connection}.{range? check --run measures it (application.memory).}}{open?"
	"{assumed? }For the {open} open connections epolltune counts only what they may add."
	"}:The need does not include a server's own memory\\: --server adds it.}";

#define NGINX "http,server,location,if"
#define NGINX_PROXIES NGINX ",stream,limit_except"
#define HAPROXY "defaults,frontend,listen"
#define HAPROXY_ALL HAPROXY ",backend"
/* What a stick table counts of a client (section 7.3.3 of HAProxy's configuration manual), and what
 * refuses by that or with 429. */
#define BY_COUNT                                                                                   \
	"sc_,sc0_,sc1_,sc2_,src_bytes_,src_clr_gp,src_conn_,src_get_gp,src_glitch_,src_gpc,"       \
	"src_gpt,src_http_,src_inc_gp,src_kbytes_,src_sess_,src_updt_"
#define BY_RATE "429," BY_COUNT

/* A client that asks takes a connection to the server behind it, too. */
static const struct server_further nginx_further[] = {
	{"limit_conn", NGINX ",stream", NULL, FURTHER_LIMITS},
	{"limit_req", NGINX, NULL, FURTHER_LIMITS},
	{"return", NGINX, "429", FURTHER_LIMITS},
	{"server", "upstream", "max_conns=", FURTHER_LIMITS},
	{"proxy_pass", NGINX_PROXIES, NULL, FURTHER_DOUBLES},
	{"fastcgi_pass", NGINX, NULL, FURTHER_DOUBLES},
	{"uwsgi_pass", NGINX, NULL, FURTHER_DOUBLES},
	{"scgi_pass", NGINX, NULL, FURTHER_DOUBLES},
	{"grpc_pass", NGINX, NULL, FURTHER_DOUBLES},
	{"memcached_pass", NGINX, NULL, FURTHER_DOUBLES},
	{0},
};
static const struct server_apart nginx_upstreams[] = {
	{"server", "upstream", 1},    {"proxy_pass", NGINX_PROXIES, 1},
	{"fastcgi_pass", NGINX, 1},   {"uwsgi_pass", NGINX, 1},
	{"scgi_pass", NGINX, 1},      {"grpc_pass", NGINX, 1},
	{"memcached_pass", NGINX, 1}, {0},
};
/* Redis 7: clients that take more memory are closed. */
static const struct server_further redis_further[] = {
	{"maxmemory-clients", "", NULL, FURTHER_LIMITS},
	{0},
};
static const struct server_further haproxy_further[] = {
	{"maxconnrate", "global", NULL, FURTHER_LIMITS},
	{"maxsessrate", "global", NULL, FURTHER_LIMITS},
	{"maxsslconn", "global", NULL, FURTHER_LIMITS},
	{"maxsslrate", "global", NULL, FURTHER_LIMITS},
	{"rate-limit sessions", HAPROXY, NULL, FURTHER_LIMITS},
	{"tcp-request connection reject", HAPROXY, NULL, FURTHER_LIMITS},
	{"tcp-request connection silent-drop", HAPROXY, NULL, FURTHER_LIMITS},
	{"tcp-request session reject", HAPROXY, NULL, FURTHER_LIMITS},
	{"tcp-request session silent-drop", HAPROXY, NULL, FURTHER_LIMITS},
	{"tcp-request content reject", HAPROXY_ALL, NULL, FURTHER_LIMITS},
	{"tcp-request content silent-drop", HAPROXY_ALL, NULL, FURTHER_LIMITS},
	{"acl", HAPROXY_ALL, BY_COUNT, FURTHER_LIMITS},
	{"http-request deny", HAPROXY_ALL, BY_RATE, FURTHER_LIMITS},
	{"http-request return", HAPROXY_ALL, BY_RATE, FURTHER_LIMITS},
	{"http-request reject", HAPROXY_ALL, BY_COUNT, FURTHER_LIMITS},
	{"http-request tarpit", HAPROXY_ALL, BY_RATE, FURTHER_LIMITS},
	{"http-request silent-drop", HAPROXY_ALL, BY_COUNT, FURTHER_LIMITS},
	/* Further ones wait, and get 503 after timeout queue. */
	{"server", "backend,listen", "maxconn", FURTHER_LIMITS},
	{"default-server", "defaults,backend,listen", "maxconn", FURTHER_LIMITS},
	{0},
};

static const struct server_apart haproxy_upstreams[] = {
	{"server", "backend,listen", 2},
	{"server-template", "backend,listen", 3},
	{"dispatch", "backend,listen", 1},
	{0},
};
static const struct server_apart haproxy_apart[] = {
	{"bind", "peers,log-forward", 1},
	{"peer", "peers", 2},
	{"server", "peers", 2},
	{"stats socket", "global", 2},
	{0},
};

static const struct server_row servers[] = {
	{
		.process = "nginx",
		.name = "nginx",
		.trees = "/etc/nginx",
		.files = "*nginx*",
		.files_directive = "worker_rlimit_nofile",
		.backlog = "511",
		.backlog_line = "listen ADDRESS backlog={backlog};",
		.backlog_effect = "after nginx -s reload; check it with ss -ltn, and restart nginx "
				  "where Send-Q is still the old one",
		.clients = "512 for each worker",
		.clients_line = "events \\{ worker_connections {clients}; \\}, for each worker",
		.clients_closed = true,
		.version = "nginx version: ",
		/* src/event/ngx_event_accept.c ngx_reorder_accept_events() */
		.turns_since = SERVER_VERSION(1, 21, 6),
		.spread_line = "reuseport in each listen",
		.files_line =
			"worker_rlimit_nofile {files}; events \\{ worker_connections {files}; \\}",
		.keepalive_line = "listen ADDRESS so_keepalive={seconds}s;",
		.stalled_line = "client_header_timeout 10s; send_timeout 10s;",
		.send_line = "remove sndbuf= from listen",
		.own = {500, 650, 16000}, /* 1.22 */
		/* events in -g and in its file are an error. */
		.options = "-p:,-e:,-q,-g+",
		.upstreams = nginx_upstreams,
		.file = {.option = "-c",
			 .title = "nginx: master process ",
			 .prefix = "-p",
			 .usual = "/etc/nginx/nginx.conf",
			 .program = "/usr/sbin/nginx,/usr/bin/nginx",
			 /* "configure arguments", as nginx -V prints them */
			 .built = "--conf-path=",
			 .include = "include",
			 .kept = true},
		.set = {[SERVER_CLIENTS] = {.directive = "worker_connections",
					    .section = "events",
					    .spare = 16, /* idle ones are closed then */
					    .preset = 512,
					    .both = true,
					    .further = nginx_further},
			[SERVER_BACKLOG] =
				{.directive = "listen", .parameter = "backlog=", .once = true}},
	},
	{
		.process = "redis-server,valkey-server",
		.name = "Redis",
		.trees = "/etc/redis,/etc/redis.conf,/etc/valkey",
		.files = "*redis*.conf,*valkey*.conf",
		.backlog = "511",
		.backlog_line = "tcp-backlog {backlog}",
		.backlog_effect = "after a restart",
		.clients = "10 000",
		.clients_line = "maxclients {clients}",
		.clients_closed = true,
		.files_line = "maxclients {files}",
		.keepalive_line = "tcp-keepalive {seconds}",
		.stalled_line = "timeout 60, and client-output-buffer-limit normal 64mb 32mb 60",
		.own = {1200, 10000, 36000}, /* 7.0 */
		.file = {.option = "", .syntax = SERVER_LINES, .folds = true, .include = "include"},
		.set = {[SERVER_CLIENTS] = {.directive = "maxclients",
					    .section = "",
					    .counts = SERVER_LAST,
					    .option = "--maxclients",
					    .preset = 10000,
					    /* src/server.c adjustOpenFilesLimit() */
					    .files_each = 1,
					    .files_kept = 32,
					    .asked = "redis-cli CONFIG GET maxclients",
					    .further = redis_further},
			[SERVER_BACKLOG] = {.directive = "tcp-backlog",
					    .section = "",
					    .counts = SERVER_LAST,
					    .option = "--tcp-backlog"}},
		.files_raised = true,
		.accepts_in_one = true,
	},
	{
		.process = "redis-sentinel,valkey-sentinel",
		.name = "Redis Sentinel",
		.backlog = "511",
		.backlog_line = "tcp-backlog {backlog}",
		.backlog_effect = "after a restart",
		.clients = "10 000",
		.clients_line = "maxclients {clients}",
		.clients_closed = true,
		/* It writes its file again at each change. */
		.set = {[SERVER_CLIENTS] = {.unread = "maxclients",
					    .asked = "redis-cli -p 26379 INFO clients"}},
		.accepts_in_one = true,
	},
	{
		.process = "haproxy",
		.name = "HAProxy",
		.trees = "/etc/haproxy",
		.files = "*haproxy*.cfg",
		.files_directive = "ulimit-n",
		.backlog = "its maxconn",
		.backlog_line = "bind ADDRESS backlog {backlog}",
		.backlog_effect = "after a restart; a reload may inherit the sockets (expose-fd "
				  "listeners) with their old backlog",
		.clients = "half of its limit on descriptors (HAProxy before 2.0: 2 000, and "
			   "2 000 for each frontend)",
		.clients_line = "maxconn {clients} in section global",
		.files_line = "maxconn {half}; remove ulimit-n",
		.files_bytes = 64, /* src/fd.c init_pollers() */
		.files_bound = "maxconn {half} in section global, or fd-hard-limit {files}",
		.keepalive_line = "option clitcpka and clitcpka-idle {seconds}s, for servers "
				  "option srvtcpka and srvtcpka-idle {seconds}s",
		.stalled_line = "timeout client 10s and timeout http-request 10s",
		.send_line = "remove tune.sndbuf.client",
		.own = {1000, 1300, 17000}, /* 2.6 */
		/* Before 2.0: what it prints then has the number in the same text. */
		.version = "HA-Proxy version ",
		.options = "-D,-W,-Ws,-db,-q,-V,-p:,-L:,-S:,-x:,-sf+,-st+",
		.upstreams = haproxy_upstreams,
		.proxies = true,
		.file = {.option = "-f",
			 .directory = "*.cfg",
			 .syntax = SERVER_LINES,
			 .sections = "global,defaults,frontend,backend,listen,peers,userlist,"
				     "resolvers,mailers,cache,program,ring,http-errors,fcgi-app,"
				     "log-forward,crt-store,traces",
			 .literal = true,
			 .listens = "bind",
			 .splits = "shards",
			 .splits_all = "tune.listener.default-shards",
			 .inherits = "from",
			 .condition = '.'},
		.set = {[SERVER_CLIENTS] = {.directive = "maxconn",
					    .section = "global",
					    .counts = SERVER_FIRST,
					    .narrower = "defaults,frontend,listen",
					    /* src/cfgparse.c cfg_maxpconn */
					    .old_preset = 2000,
					    .old_before = SERVER_VERSION(2, 0, 0),
					    .option = "-n",
					    .apart = haproxy_apart,
					    /* src/limits.c compute_ideal_maxconn(); DEFAULT_MAXFD
					     * since 3.1 */
					    .files_each = 2,
					    .files_cap_directive = "fd-hard-limit",
					    .files_preset = 1048576,
					    .asked = "show info on its stats socket",
					    .further = haproxy_further},
			[SERVER_BACKLOG] = {.directive = "bind",
					    .parameter = "backlog ",
					    .shared = "backlog"}},
		.files_raised = true,
	},
	{
		.process = "gunicorn*",
		.name = "gunicorn",
		.interpreted = true,
		.backlog = "2048",
		.backlog_line = "backlog = {backlog}",
		.backlog_effect = "after a restart; HUP keeps the socket",
		.clients = "1 000 for each worker, 1 for a synchronous one",
		.clients_line = "worker_class = \"gevent\", worker_connections = {clients}",
		.stalled_line =
			"worker_class = \"gevent\", or a proxy in front of synchronous workers",
		.options = "*,-b:,--bind:,-w:,--workers:,-k:,--worker-class:,--threads:,-t:,"
			   "--timeout:,--graceful-timeout:,--keep-alive:,--max-requests:,"
			   "--max-requests-jitter:,--backlog:,--access-logfile:,--error-logfile:,"
			   "--log-level:,--log-file:,--access-logformat:,--capture-output,"
			   "--preload,--reload,-D,--daemon,-p:,--pid:,-u:,--user:,-g:,--group:,"
			   "-n:,--name:,--chdir:,-e:,--env:,--worker-tmp-dir:,"
			   "-m:,--umask:,--forwarded-allow-ips:,--certfile:,--keyfile:",
		.set = {[SERVER_CLIENTS] = {.option = "--worker-connections",
					    .class_options = "--worker-class,-k",
					    .classes = "gevent,eventlet,gthread,gevent_wsgi,"
						       "gevent_pywsgi",
					    .class_default = "sync",
					    .class_option = "--worker-class gevent",
					    /* gunicorn/config.py worker_class() */
					    .class_threads = "--threads",
					    .class_threaded = "gthread",
					    .class_preset = 1,
					    .preset = 1000,
					    .elsewhere_file = "gunicorn.conf.py",
					    .elsewhere_directory = "--chdir",
					    .elsewhere_variables = "GUNICORN_CMD_ARGS="},
			[SERVER_BACKLOG] = {.option = "--backlog"}},
		.accepts_in_one = true,
	},
	{
		.process = "uwsgi*",
		.name = "uWSGI",
		.backlog = "100",
		.backlog_line = "listen = {backlog}",
		.backlog_effect = "after a restart; a reload keeps the socket",
		.files_line = "max-fd = {files}",
		.files_bytes = 8, /* plugins/corerouter uwsgi_corerouter_loop() */
		.files_start = true,
		.files_bound = "max-fd = {files}",
		.stalled_line = "socket-timeout = 10 and harakiri = 30",
		.clients = "1",
		.clients_line = "processes and threads whose product is {clients}",
		.few_each = true,
		.set = {[SERVER_CLIENTS] = {.unread = "processes × threads",
					    .asked = "uwsgi --connect-and-read of its stats "
						     "socket (cores)"},
			[SERVER_BACKLOG] = {.option = "--listen"}},
	},
	{
		.process = "uvicorn",
		.name = "uvicorn",
		.interpreted = true,
		.backlog = "2048",
		.backlog_line = "uvicorn --backlog {backlog}",
		.backlog_effect = "after a restart",
		.clients = "no limit",
		.clients_line = "uvicorn --limit-concurrency {clients}",
		.clients_closed = true,
		.clients_answer = "503",
		/* uvicorn/protocols/http: connections, with that of the request, >= the limit. */
		.set = {[SERVER_CLIENTS] = {.option = "--limit-concurrency",
					    .unused = 1,
					    .elsewhere_variables = "UVICORN_LIMIT_CONCURRENCY="},
			[SERVER_BACKLOG] = {.option = "--backlog"}},
		.accepts_in_one = true,
	},
	{
		/* As its titles begin under PM2 and Next.js, which the kernel cuts. */
		.process = "node,nodejs,node-MainThread,MainThread,node *,PM2 v*,next-server*",
		.runtime = true,
		.name = "Node.js",
		.backlog = "511",
		.backlog_line = "server.listen(\\{ port, backlog: {backlog} \\})",
		.backlog_effect = "after a restart",
		.stalled_line = "server.requestTimeout and server.timeout, in ms",
		.clients = "no limit",
		.clients_line = "server.maxConnections = {clients}",
		.own = {9000, 22000, 76000}, /* 20 */
		.accepts_in_one = true,
		.hands_over = true, /* cluster, SCHED_RR */
	},
	{
		.process = "postgres",
		.name = "PostgreSQL",
		.backlog = "2 × max_connections",
		.backlog_line = "max_connections = {half}",
		.backlog_effect = "after a restart; a pooler before it is often better",
		.clients = "100",
		.clients_line = "max_connections = {clients}",
		.clients_closed = true,
		.keepalive_line = "tcp_keepalives_idle = {seconds}",
		.set = {[SERVER_CLIENTS] = {.unread = "max_connections",
					    .asked = "psql -c 'show max_connections'"}},
		.forks = true,
	},
	{
		.process = "mysqld,mariadbd",
		.name = "MySQL",
		.backlog = "max_connections, or 50 and a fifth of it",
		.backlog_line = "back_log = {backlog}",
		.backlog_effect = "after a restart",
		.clients = "151",
		.clients_line = "max_connections = {clients}",
		.clients_closed = true,
		.files_line = "open_files_limit = {files}",
		.files_start = true,
		.set = {[SERVER_CLIENTS] = {.unread = "max_connections",
					    .asked = "mysql -e \"show variables like "
						     "'max_connections'\""}},
		.accepts_in_one = true,
		.threads = true,
	},
	{
		.process = "pgbouncer",
		.name = "PgBouncer",
		.backlog = "128",
		.backlog_line = "listen_backlog = {backlog}",
		.backlog_effect = "after a restart",
		.clients = "100",
		.clients_line = "max_client_conn = {clients}",
		.clients_closed = true,
		.set = {[SERVER_CLIENTS] = {.unread = "max_client_conn",
					    .asked = "psql -p 6432 pgbouncer -c 'show config'"}},
		.accepts_in_one = true,
	},
	{
		.process = "php-fpm*",
		.name = "php-fpm",
		.trees = "/etc/php,/etc/php-fpm.conf,/etc/php-fpm.d",
		.files = "*php*.conf",
		.file = {.syntax = SERVER_ASSIGNMENTS},
		.clients = "5 in Debian's pool",
		.clients_line = "pm.max_children = {clients}",
		.few_each = true,
		.set = {[SERVER_CLIENTS] = {.unread = "pm.max_children", .asked = "php-fpm -tt"},
			[SERVER_BACKLOG] = {.directive = "listen.backlog"}},
		.backlog = "511",
		.backlog_line = "listen.backlog = {backlog}",
		.backlog_effect = "after a restart; a reload keeps the socket",
		.files_line = "rlimit_files = {files}",
	},
	{
		.process = "apache2,httpd",
		.name = "Apache",
		.backlog = "511", /* include/mpm_common.h DEFAULT_LISTENBACKLOG */
		.backlog_line = "ListenBacklog {backlog}",
		.backlog_effect = "after a stop and a start; a reload keeps the socket",
		.trees = "/etc/apache2,/etc/httpd",
		.files = "*apache2*.conf,*httpd*.conf",
		.file = {.syntax = SERVER_LINES, .folds = true},
		/* server/mpm/event/event.c holds AsyncRequestWorkerFactor + 1 for each. */
		.clients = "400 (256 with mpm prefork, 150 in Debian's files; mpm event holds 3 "
			   "connections for each)",
		.clients_line = "MaxRequestWorkers {clients} and ServerLimit",
		.few_each = true,
		.set = {[SERVER_CLIENTS] = {.unread = "MaxRequestWorkers",
					    .asked = "grep -ri MaxRequestWorkers /etc/apache2 "
						     "/etc/httpd"},
			[SERVER_BACKLOG] = {.directive = "ListenBacklog"}},
	},
	{
		.process = "envoy",
		.name = "Envoy",
		.proxies = true,
		.backlog = "net.core.somaxconn",
		.backlog_line = "tcp_backlog_size: {backlog}",
		.backlog_effect = "after a restart; a hot restart hands the sockets on",
		.clients =
			"no limit of clients, but 1 024 connections and requests to each cluster",
		.clients_line =
			"max_connections, max_pending_requests and max_requests: {clients} in "
			"circuit_breakers of each cluster",
		.clients_closed = true,
		.clients_answer = "503",
		.set = {[SERVER_CLIENTS] = {.unread = "circuit_breakers and connection limits",
					    .asked = "curl of /clusters and /runtime at its admin "
						     "address"}},
	},
	{
		.process = "memcached",
		.name = "memcached",
		.backlog = "1024",
		.backlog_line = "memcached -b {backlog}",
		.backlog_effect = "after a restart",
		.pauses = true, /* memcached.c accept_new_conns() */
		.clients = "1 024",
		.clients_line = "memcached -c {clients}",
		.clients_files = true,
		.files_start = true, /* memcached.c conn_init() */
		.files_line = "memcached -c {files}",
		.stalled_line = "memcached -o idle_timeout=60",
		.own = {500, 700, 16000}, /* 1.6.18 */
		.options = "-p:,--port:,-U:,--udp-port:,-s:,--unix-socket:,-a:,--unix-mask:,-l:,"
			   "--listen:,-d,--daemon,-u:,--user:,-m:,--memory-limit:,-M,"
			   "--disable-evictions,-k,--lock-memory,-v,-vv,-vvv,--verbose,-P:,"
			   "--pidfile:,-f:,--slab-growth-factor:,-n:,--slab-min-size:,-L,"
			   "--enable-largepages,-t:,--threads:,-R:,-C,--disable-cas,-b:,"
			   "--listen-backlog:,-B:,--protocol:,-I:,--max-item-size:,-S,"
			   "--enable-sasl,-F,--disable-flush-all,-X,--disable-dumping,-Y:,"
			   "--auth-file:,-Z,--enable-ssl,-o:,--extended:,-A,--enable-shutdown",
		.set = {[SERVER_CLIENTS] = {.option = "-c",
					    .long_option = "--conn-limit",
					    .preset = 1024},
			[SERVER_BACKLOG] = {.option = "-b", .long_option = "--listen-backlog"}},
		.accepts_in_one = true,
	},
	{
		.process = "java",
		.name = "Java",
		.runtime = true,
		/* Before Java 13: linux_close.c init() has a table of that size. */
		.files_start = true,
		.backlog = "50 (ServerSocket), 100 (acceptCount of Tomcat)",
		.backlog_line =
			"acceptCount=\"{backlog}\" of Tomcat, "
			"server.tomcat.accept-count={backlog} of Spring Boot, acceptQueueSize of "
			"Jetty, socket.listen.backlog.size={backlog} of Kafka, SO_BACKLOG (Netty)",
		.backlog_effect = "after a restart",
		.clients = "8 192 in Tomcat, 1 000 in ActiveMQ's file, 60 from one address in "
			   "ZooKeeper",
		.clients_line = "maxConnections=\"{clients}\" of Tomcat, "
				"server.tomcat.max-connections={clients} of Spring Boot, "
				"maximumConnections={clients} of ActiveMQ, "
				"maxClientCnxns={clients} of ZooKeeper",
		/* Connectors of Tomcat, transports of ActiveMQ, also of its clients, and what
		 * accepts in ZooKeeper, also where Java cuts the middle of a name. */
		.set = {[SERVER_CLIENTS] = {.unread = "maxConnections, maximumConnections or "
						      "maxClientCnxns",
					    .threads = "http-ni*,http-ap*,http-bi*,https-j*,"
						       "https-o*,ajp-nio*,ajp-apr*,ajp-bio*,"
						       "ActiveM*,NIOServ*",
					    .asked = "server.xml, server.tomcat.max-connections "
						     "of Spring Boot, activemq.xml or zoo.cfg"}},
	},
	{
		.process = "prometheus",
		.name = "Prometheus",
		.backlog = "net.core.somaxconn",
		.backlog_effect = "after a restart",
		.clients = "512",
		.clients_line = "prometheus --web.max-connections={clients}",
		.set = {[SERVER_CLIENTS] = {.option = "--web.max-connections", .preset = 512}},
	},
	{
		.process = "mongod,mongos",
		.name = "MongoDB",
		.backlog = "SOMAXCONN of its build",
		.backlog_line = "net.listenBacklog: {backlog}",
		.backlog_effect = "after a restart",
		.clients = "80 % of its limit on descriptors",
		.clients_line = "net.maxIncomingConnections: {clients}",
		.clients_closed = true,
		/* https://www.mongodb.com/docs/manual/reference/ulimit: two and a thread. */
		.files_start = true,
		.files_per_client = 2,
		.threads = true,
		.set = {[SERVER_CLIENTS] = {.unread = "net.maxIncomingConnections",
					    .asked = "mongosh --eval "
						     "'db.serverStatus().connections'"}},
	},
	{
		.process = "sshd",
		.name = "OpenSSH",
		.backlog = "128", /* SSH_LISTEN_BACKLOG, not configurable */
		.backlog_effect = "after a restart",
		/* sshd.c should_drop_connection() */
		.clients =
			"10:30:100 of those that have not logged in yet (from 10 on it closes 30 % "
			"of the new ones, from 100 on all)",
		.clients_line = "MaxStartups {clients}",
		.clients_closed = true,
		/* sshd.c server_accept_loop() */
		.set = {[SERVER_CLIENTS] = {.unread = "MaxStartups",
					    .told = "[listener]",
					    .asked = "sshd -T | grep -i maxstartups"}},
		.forks = true,
		.sessions = true,
	},
	{
		.process = "named",
		.name = "BIND",
		.backlog = "10",
		.backlog_line = "tcp-listen-queue {backlog};",
		.backlog_effect = "after a restart",
		.clients = "150",
		.clients_line = "tcp-clients {clients};",
		.set = {[SERVER_CLIENTS] = {.unread = "tcp-clients", .asked = "rndc status"}},
		.datagrams = true,
	},
	{
		.process = "unbound",
		.name = "Unbound",
		.backlog = "256", /* TCP_BACKLOG, not configurable */
		.backlog_effect = "after a restart",
		.clients = "10 for each thread",
		.clients_line = "incoming-num-tcp: {clients}",
		.set = {[SERVER_CLIENTS] = {.unread = "incoming-num-tcp",
					    .asked = "unbound-control get_option "
						     "incoming-num-tcp"}},
		.datagrams = true,
	},
	{
		/* As the kernel cuts it. */
		.process = "systemd-socket-",
		.name = "systemd-socket-proxyd",
		.backlog = "that of its socket unit",
		.backlog_line = "Backlog={backlog} in section [Socket] of its unit",
		.backlog_effect =
			"after systemctl daemon-reload, systemctl stop NAME.socket NAME.service, "
			"then systemctl start NAME.socket NAME.service",
		.proxies = true,
		.clients = "256",
		.clients_line = "systemd-socket-proxyd --connections-max={clients}",
		.clients_closed = true,
		.options = "*,--exit-idle-time:",
		.set = {[SERVER_CLIENTS] = {.option = "-c",
					    .long_option = "--connections-max",
					    .preset = 256,
					    /* Two sockets and two pipes. */
					    .files_each = 6,
					    .files_kept = 12}},
		.accepts_in_one = true,
	},
	{
		.process = "systemd",
		.name = "systemd",
		.backlog = "4096 before systemd 254, now as large as the kernel allows",
		.backlog_line = "Backlog={backlog} in section [Socket] of its unit",
		.backlog_effect =
			"after systemctl daemon-reload, then systemctl restart NAME.socket",
		.clients = "64 with Accept=yes",
		.clients_line = "MaxConnections={clients} in section [Socket] of its unit",
		.clients_closed = true,
		.version = "libsystemd-shared-",
		.set = {[SERVER_CLIENTS] = {.directive = "MaxConnections",
					    .section = "Socket",
					    .preset = 64,
					    .asked =
						    "systemctl show -p MaxConnections,NConnections "
						    "UNIT"}},
	},
};

#define READ (sizeof(servers) / sizeof(*servers))

size_t server_row_count(void) { return READ + servers_unread_count; }

const struct server_row *server_row_at(size_t i)
{
	return i < READ ? &servers[i] : &servers_unread[i - READ];
}

uint32_t server_backlog(const struct server_row *row)
{
	return row ? (uint32_t)strtoul(row->backlog, NULL, 10) : 0;
}

bool process_named(const char *names, const char *process)
{
	struct list_item item;
	while (list_next(&names, &item)) {
		bool beginning = item.text[item.length - 1] == '*';
		item.length -= beginning;
		if (!strncmp(item.text, process, (size_t)item.length) &&
		    (beginning || !process[item.length]))
			return true;
	}
	return false;
}

const struct server_row *server_row_find(const char *process)
{
	for (size_t i = 0; i < server_row_count(); i++)
		if (process_named(server_row_at(i)->process, process))
			return server_row_at(i);
	return NULL;
}

const struct server_setting *server_clients_setting(const struct server_row *row)
{
	const struct server_setting *set = row ? &row->set[SERVER_CLIENTS] : NULL;
	return set && (set->directive || set->option || set->unread) ? set : NULL;
}

struct server_setting server_setting_of(const struct server_setting *set, uint32_t version)
{
	struct server_setting of = *set;
	if (version && version < set->old_before)
		of.narrower_preset = set->old_preset;
	return of;
}

uint32_t server_version_parse(const char *text)
{
	unsigned major, minor = 0, patch = 0;
	text += strcspn(text, "0123456789");
	if (sscanf(text, "%4u.%4u.%4u", &major, &minor, &patch) < 1 || major > 4095 ||
	    minor > 1023 || patch > 1023)
		return 0;
	return SERVER_VERSION(major, minor, patch);
}

static bool is_named_by(const char *patterns, const char *path)
{
	struct list_item item;
	while (list_next(&patterns, &item)) {
		char pattern[64];
		snprintf(pattern, sizeof(pattern), "%.*s", item.length, item.text);
		if (!fnmatch(pattern, path, 0))
			return true;
	}
	return false;
}

/* Of a path relative to the root of a machine. */
static bool is_in_trees(const char *trees, const char *path)
{
	struct list_item item;
	while (list_next(&trees, &item)) {
		size_t length = (size_t)item.length - 1;
		if (!strncmp(path, item.text + 1, length) && (!path[length] || path[length] == '/'))
			return true;
	}
	return false;
}

/* The machine may be unpacked in any directory. */
static bool is_below_trees(const char *trees, const char *path)
{
	for (const char *at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (is_in_trees(trees, at))
			return true;
	}
	return false;
}

const struct server_row *server_row_of_file(const char *path)
{
	const struct server_row *named = NULL;
	for (size_t i = 0; i < server_row_count(); i++) {
		if (!is_named_by(server_row_at(i)->files, path))
			continue;
		if (is_below_trees(server_row_at(i)->trees, path))
			return server_row_at(i);
		if (!named)
			named = server_row_at(i);
	}
	return named;
}

bool server_tree_has(const char *path)
{
	for (size_t i = 0; i < server_row_count(); i++)
		if (is_in_trees(server_row_at(i)->trees, path))
			return true;
	return false;
}

bool server_files_at_start(const struct server_row *row)
{
	return row && (row->files_start || row->set[SERVER_CLIENTS].files_each);
}

/* For listeners and for what connects them with each other. */
#define SPARE 16

uint64_t server_clients(const struct server_row *row, uint64_t clients, uint64_t held)
{
	unsigned spare = row->set[SERVER_CLIENTS].spare;
	return clients + (spare ? clients / (spare - 1) + 1 : 0) + SPARE +
	       (row->clients_files ? held : 0);
}

char *server_line(const char *line, const char *name, uint64_t value, char *out, size_t size)
{
	struct wording words = {0};
	wording_set(&words, name, "%s", quantity_plain(value).text);
	wording_set(&words, "half", "%s", quantity_plain(value / 2 + value % 2).text);
	out[0] = 0;
	if (line)
		wording_fill(&words, line, out, size);
	return out;
}

/* Whether a list of names begins with this one. */
static bool first_is(const char *names, const char *name)
{
	size_t length = strcspn(names, ",*");
	return strlen(name) == length && !strncmp(names, name, length);
}

bool server_named(const char *who, const char *process)
{
	const struct server_row *row = server_row_find(process);
	size_t length = strlen(process);
	/* The kernel cuts the name of a process. */
	if (!strncmp(who, process, length) && (!who[length] || length == PROCESS_NAME))
		return true;
	return row && (!strcasecmp(who, row->name) || first_is(row->process, who));
}
