/* The walls, in the order of a report. */
#include <string.h>

#include "catalogue/phrase.h"
#include "catalogue/runbook.h"
#include "epolltune/catalogue.h"

static int64_t need_sockets(const struct target *t) { return (int64_t)target_sockets(t); }

static int64_t need_connections(const struct target *t) { return (int64_t)t->connections; }

static int64_t need_accept_queue(const struct target *t) { return (int64_t)target_accept_queue(t); }

static int64_t need_datagrams(const struct target *t)
{
	return t->datagrams_per_s ? (int64_t)target_datagrams(t) : REPORT_NONE;
}

static int64_t need_syn_queue(const struct target *t) { return (int64_t)target_syn_queue(t); }

static int64_t need_rate(const struct target *t) { return (int64_t)t->rate_per_s; }

static int64_t need_ports(const struct target *t)
{
	return t->role == TARGET_PROXY ? (int64_t)target_part(t, t->connections) : REPORT_NONE;
}

static int64_t need_ports_rate(const struct target *t)
{
	return t->role == TARGET_PROXY ? (int64_t)target_part(t, t->rate_per_s) : REPORT_NONE;
}

static int64_t need_throughput(const struct target *t)
{
	return (int64_t)((t->bandwidth_bps + 7) / 8);
}

/* A column of softnet_stat since boot, and in the window that was watched. */
#define SOFTNET(counts)                                                                            \
	"{readable?{count} " counts                                                                \
	" since boot{age? {age}}{grown?, {grown} in the {window} watched"                          \
	"{foreign?, in which most packets were those of other network namespaces}"                 \
	"{elsewhere?, none of them at an interface of this network namespace}}{hidden?; the "      \
	"knob is not visible in this network namespace}.:/proc/net/softnet_stat could not be "     \
	"read.}"
/* A setting of the main interface. */
#define DEVICE                                                                                     \
	"{device?{max?The maximum of {device}{master?, the function of {master},:} is {max}.:The " \
	"driver of {device} does not report it.}:{why?The interfaces could not be listed\\: {why}.:No network card is up.}}"

/* What sockets of one address hold together. */
#define HASHED                                                                                     \
	"if a hash spreads what arrives (SO_ATTACH_REUSEPORT_EBPF and SO_INCOMING_CPU, which are " \
	"not visible, select the socket otherwise)"
#define HASHED_SENDERS                                                                             \
	"if many senders share the load (a hash of the sender's address and port selects the "     \
	"socket, or SO_ATTACH_REUSEPORT_EBPF, which is not visible)"
/* The queue of a running server, by backlog_words(). */
#define QUEUE_OF_A_SERVER                                                                                                  \
	"{listener} {paused?accepts none now, by listen(fd, 0)\\; otherwise its backlog is {limit}, and the "              \
	"kernel admits one more:{sockets?has {sockets} sockets (SO_REUSEPORT), the smallest of backlog {limit}; together " \
	"they hold {sum}, and {capacity} without loss " HASHED ":has backlog "                                             \
	"{limit} since listen(); the kernel admits one more}}."

#define SEVERAL_GROUPS                                                                             \
	"The server's processes are in several control groups with different limits\\: which "     \
	"share of the load each has is not known, and the smallest does not suffice for all."
#define NO_TCP_LISTENER                                                                            \
	"The server has no TCP listener, or only one on loopback beside UDP sockets that other "   \
	"hosts reach."
#define NOT_A_SERVERS "Not needed with --role server."

/* Why no limit of a control group is known. A hierarchy of v1 is mounted with all its controllers
 * or not at all (kernel/cgroup/cgroup-v1.c, cgroup1_root_to_use()). */
#define GROUP_HIDDEN                                                                               \
	"{v1?No cgroup v1 file system with this limit is mounted here\\: mount -t cgroup -o "      \
	"CONTROLLERS cgroup DIRECTORY, with the controllers of its line in "                       \
	"/proc/self/cgroup.:{v2?No cgroup2 file system is mounted here\\: "                        \
	"mount -t cgroup2 cgroup2 /sys/fs/cgroup.:{above?Groups above this container are not "     \
	"visible here, and may have a limit\\: run the check on the host.:The control group of "   \
	"the process could not be read.}}}"

static const struct wall_row walls[] = {
	{
		.name = "descriptors.process",
		.connections = true,
		.runbook = RUNBOOK_FILES,
		.absent = "systemd holds the socket: the service does not run, and its limit is "
			  "LimitNOFILE= of its unit.",
		.unit = "connections",
		.need = need_sockets,
		.what = "The connections that one process can hold before accept() fails with "
			"EMFILE: its limit on descriptors less those that it holds for other "
			"purposes. Needed: the target's connections, two for each of a proxy. A "
			"server with a process for each connection (PostgreSQL, sshd), or with few for "
			"each process by a limit of its own (php-fpm, Apache, uWSGI, synchronous "
			"workers of gunicorn), has no such wall.",
		.detail =
			"The limit is {knob} less the {held} descriptor{held=1?:s} that {holder} "
			"holds besides its connections{processes?, for each of {processes} "
			"processes}.{unshown? {unshown} process{unshown=1?:es} "
			"{unshown=1?holds:hold} the listener, which of them accept is not visible, "
			"and the limit is that of one process.}{hands? It may hand connections over "
			"to its other processes, and the limit is that of this one.}{files? {server} "
			"takes {files} descriptor{files=1?:s} for each connection.}{inner? It connects to its own "
			"listener {inner}\\: a client that comes through it takes more sockets.}" TWO_EACH,
	},
	{
		.name = "descriptors.system",
		.connections = true,
		.near_percent = 95,
		.runbook = RUNBOOK_FILES,
		.unit = "descriptors",
		.need = need_sockets,
		.what = "The files and sockets that the machine can open in addition before every "
			"process without CAP_SYS_ADMIN gets ENFILE. epolltune reads this limit and does not exhaust it. "
			"Needed: the target's connections, two for each of a proxy.",
		.detail =
			"{open} of {knob}={value} {open=1?is:are} in use. A connection takes one "
			"at each end. The limit does not apply to a process with CAP_SYS_ADMIN." TWO_EACH,
	},
	{
		.name = "epoll.watches",
		.connections = true,
		.runbook = RUNBOOK_FILES,
		.unit = "watches",
		.need = need_sockets,
		.what = "The descriptors that one user can register in epoll sets before "
			"EPOLL_CTL_ADD fails with ENOSPC, without those that other processes of "
			"the server's user have registered (tfd in /proc/PID/fdinfo; those with "
			"fewer than 64 descriptors are not counted). Where not all of these are visible, the verdict is unknown while the capacity is between the need and 2.5 times the need. Needed: the "
			"target's connections, two for each of a proxy.",
		.detail =
			"All processes of one user share this limit; a connection takes one "
			"watch.{others? Other processes of the server's user have registered {others}.}{unseen? Further watches of that user, such as those of other containers, are not visible here\\: run the check as root on the host.}" TWO_EACH,
	},
	{
		.name = "memory.connection",
		.connections = true,
		.runbook = RUNBOOK_SALE,
		.unit = "B",
		.memory = true,
		.what = "The kernel memory that idle connections take at this end, compared with "
			"the memory that is available. Needed: the target's connections that the "
			"server of --server does not have open yet, two for each of a proxy, times "
			"the memory of one and the minimum of its own. At the upper end each has a "
			"request in its buffer, and takes what a known server does with TLS. A server "
			"outside the catalogue counts with its present memory beyond 256 MiB, divided "
			"by its used connections (100 or more). A control group's limit is cgroup.memory.",
		.detail = "The limit is MemAvailable; an idle connection takes {each} of kernel "
			  "memory at this end, {basis}" WITH_BUFFER ".{own? {own}}" TWO_EACH,
	},
	{
		.name = "accept-queue",
		.arrivals = true,
		.runbook = RUNBOOK_TIMEOUTS,
		.absent = NO_TCP_LISTENER,
		.unit = "connections",
		.need = need_accept_queue,
		.what = "The connections that can wait for accept() after their handshake: one "
			"more than the smaller of the backlog passed to listen() and "
			"net.core.somaxconn. The kernel drops clients beyond that; they "
			"retransmit after 1 s. Needed: rate times stall.",
		.detail = "{listener?" QUEUE_OF_A_SERVER ":{knob} is {value}; the kernel admits "
			  "one more.}",
	},
	{
		.name = "accept-queue.unix",
		.arrivals = true,
		.runbook = RUNBOOK_TIMEOUTS,
		.unit = "connections",
		.need = need_accept_queue,
		.what = "The connections that can wait for accept() at a UNIX socket of the server "
			"that --server or --port names: one more than its limit since listen(). "
			"connect() fails with EAGAIN beyond that, or sleeps. Needed: rate times stall. "
			"Where the server listens at TCP too, only --server unix:PATH judges it.",
		.detail =
			"{listener?" QUEUE_OF_A_SERVER
			"{beside? The server listens at TCP too\\: whether the target's clients come "
			"by this socket is not known. epolltune check --server {address} judges it.}:This "
			"kernel cannot list UNIX sockets (its module unix_diag is missing)\\: whether "
			"clients connect to one of the server is not known.}",
	},
	{
		.name = "syn-queue",
		.arrivals = true,
		.runbook = RUNBOOK_SYN,
		.absent = NO_TCP_LISTENER,
		.unit = "connections",
		.need = need_syn_queue,
		.what = "The handshakes that can be half open at a listener. Beyond that the "
			"kernel sends SYN cookies, or drops SYNs. Needed: rate times round trip.",
		.detail =
			"{always?tcp_syncookies=2 answers every SYN with a cookie\\: nothing waits in "
			"the queue.:{cookies?The listener's backlog ({backlog}) is the bound; "
			"the kernel answers SYNs beyond it with cookies. tcp_max_syn_backlog "
			"has no effect while tcp_syncookies is on.:Without tcp_syncookies the "
			"listener's backlog ({backlog}) and three quarters of "
			"tcp_max_syn_backlog ({max_syn}) are the bounds.}}",
	},
	{
		.name = "accept.rate",
		.tcp = true,
		.absent = NO_TCP_LISTENER,
		.runbook = RUNBOOK_SALE,
		.unit = "accepts/s",
		.need = need_rate,
		.what = "The new connections a second that the CPUs can accept: an upper bound for "
			"any server, from the CPU time that a connection takes. No knob raises it. "
			"Needed: the target's rate.",
		.detail =
			"{both?{cpus}{online? of {online}, by "
			"{by_quota?the CPU quota of the control group:{by_threads?the threads that "
			"accept:affinity and cpuset}},} at {each} of CPU time a connection, {proxy?at both ends, "
			"softirqs included\\: a proxy opens one of its own for each that it "
			"accepts:which accept4(), epoll and close() take in the test server's "
			"process; the softirqs of the handshake are not in it}. The test server "
			"and a client on the same CPUs together took {both}\\: {shown}/s."
			":Only an experiment shows what the CPUs can accept.}",
	},
	{
		.name = "ports.ephemeral",
		.tcp = true,
		.absent = NO_TCP_LISTENER,
		.runbook = RUNBOOK_PORTS,
		.unit = "connections",
		.need = need_ports,
		.no_need = NOT_A_SERVERS,
		.what = "The connections that one source address can have to one destination "
			"address and port before connect() fails with EADDRNOTAVAIL. Needed by a "
			"proxy only: its connections, an even part of them with --destinations. A proxy whose servers are all UNIX "
			"sockets needs no port.",
		.detail =
			"The limit applies to connections at a time from one source address to one "
			"destination{reserved?; {reserved} port{reserved=1?:s} of the range {reserved=1?is:are} reserved}{listening?; {listening} "
			"{listening=1?is that of a listener:are those of listeners}, which connect() "
			"does not take}.{destinations? The target has {destinations} destination{destinations=1?:s}\\: "
			"the need is that of one.}",
	},
	{
		.name = "ports.rate",
		.tcp = true,
		.absent = NO_TCP_LISTENER,
		.runbook = RUNBOOK_TIME_WAIT,
		.unit = "connects/s",
		.need = need_ports_rate,
		.no_need = NOT_A_SERVERS,
		.what = "The new connections a second that one source address can open to one "
			"destination address and port, and close first, before connect() fails "
			"with EADDRNOTAVAIL: the ports that are left beside the open connections, "
			"divided by the time that a closed one keeps its port. That is 60 s of "
			"TIME_WAIT, or 1 s where net.ipv4.tcp_tw_reuse lets connect() take it, which "
			"needs TCP timestamps at both ends. "
			"Needed by a proxy only: its rate, an even part of it with --destinations. A proxy whose servers are all UNIX "
			"sockets needs no port.",
		.detail =
			"{buckets?net.ipv4.tcp_max_tw_buckets={buckets} ends TIME_WAIT before "
			"the ports are used up.:{proxy?Of {ports} ports to {destination} "
			"{used?{used} {used=1?is:are} in use and }{part} "
			"{part=1?is:are} for open connections; a closed one keeps its "
			"port for {rest}{unstamped?, as the open ones have no TCP "
			"timestamps}{assumed?, if the destination has TCP timestamps}\\: "
			"{exact}/s{differs? ({near}/s over loopback)}{foreign?. {foreign} of "
			"these ports {foreign=1?seems:seem} to be bound by other "
			"processes{owner?, such as {owner}}\\: what they leave is not "
			"enough}.:Each of {ports} ports to one destination is kept for {rest} "
			"after a close by this side\\: {lasting}/s.}{destinations? The target has "
			"{destinations} destination{destinations=1?:s}\\: the need is that of one.}}",
	},
	{
		.name = "time-wait",
		.tcp = true,
		.absent = NO_TCP_LISTENER,
		.runbook = RUNBOOK_TIME_WAIT,
		.unit = "connections",
		.no_need = "No target needs more: one address has at most as many to one "
			   "destination as it has ports.",
		.what = "The closed connections that can be in TIME_WAIT. No target needs a "
			"number: a client that closes first has at most as many to one "
			"destination as it has ports.",
		.detail = "The kernel ends TIME_WAIT of connections beyond that at once.",
	},
	{
		.name = "orphans",
		.tcp = true,
		.absent = NO_TCP_LISTENER,
		.unit = "connections",
		.what = "The connections that a process has closed and whose last data or FIN is not "
			"acknowledged: the kernel keeps up to net.ipv4.tcp_max_orphans of them, of "
			"all network namespaces together, and resets those beyond. What is in use "
			"is subtracted. Needed: rate times two round trips, twice that for a proxy: "
			"what an answer's first window does not hold is sent a round trip after "
			"close(). Clients that vanish make orphans that last for minutes: no target foresees them. "
			"Where net.ipv4.tcp_fin_timeout is above 60 s, one whose peer does not close is "
			"one for the difference, too: the need is a range. "
			"With --server those in use may be its own: the need is a range.",
		.detail =
			"{known?net.ipv4.tcp_max_orphans is:By default tcp_max_orphans is} {max}, {used} {used=1?is:are} in "
			"use{shared?, by this server or by others}.{timeout? net.ipv4.tcp_fin_timeout is {timeout}\\: "
			"one whose peer does not close is an orphan for {longer} more.} Above half of it the kernel ends, at a retransmission, those that sent nothing for 240 s or met an ICMP error.",
	},
	{
		.name = "buffers.receive",
		.tcp = true,
		.absent = NO_TCP_LISTENER,
		.runbook = RUNBOOK_FAR,
		.unit = "B/s",
		.need = need_throughput,
		.what = "The throughput at which one connection can receive over the target's "
			"round trip, by the receive window that the kernel offers. Needed: the "
			"target's bandwidth.",
		.detail = "{measured?:{share?Before Linux 6.6 {share} of a buffer are offered as "
			  "window (net.ipv4.tcp_adv_win_scale).:At most a whole buffer in each "
			  "round trip; only an experiment shows how much of it becomes window.}}",
	},
	{
		.name = "buffers.send",
		.tcp = true,
		.absent = NO_TCP_LISTENER,
		.runbook = RUNBOOK_FAR,
		.unit = "B/s",
		.need = need_throughput,
		.what = "The throughput at which one connection can send over the target's round "
			"trip, by what the send buffer keeps in flight. Needed: the target's "
			"bandwidth.",
		.detail =
			"{measured?:At most a whole buffer in each round trip; only an "
			"experiment shows how much of it becomes window.}{inverted? The second field of "
			"tcp_wmem is above the third\\: the buffer begins with the second and "
			"shrinks to the third as the connection speeds up.}",
	},
	{
		.name = "buffers.memory",
		.tcp = true,
		.absent = NO_TCP_LISTENER,
		.runbook = RUNBOOK_FAR,
		.unit = "B",
		.memory = true,
		.what = "The memory that the buffers of all TCP connections together may take. "
			"Needed: the target's connections, two for each of a proxy, times what one "
			"holds. With --server its open connections may hold some of what is in "
			"use: the need is a range.",
		.detail =
			"A connection with a waiting request {held?was measured to hold "
			"{held}:holds about {assumed}} of buffer. {unsized?tcp_mem counts pages, and "
			"this capture does not show their size.:{unsure?A kernel 5.14 may count what is in "
			"use by 4 KiB, or by its larger pages, as that of RHEL 9 may.:{several?" SEVERAL_GROUPS
			":{group?The memory limit of {group} leaves less than "
			"tcp_mem.:{knob?{current?Beyond the {field} field of tcp_mem, in pages, for "
			"all sockets together, {third?nothing is allocated:no buffer grows}.:By default the kernel stops growing "
			"buffers when those of all TCP sockets together hold 6 % of the "
			"memory.}:The limit is half of "
			"the memory; tcp_mem allows more.}}}}}{used? {used} {used=1?is:are} in use "
			"now{shared?, of which up to {shared} may be of connections that the server "
			"has open}.}" TWO_EACH,
	},
	{
		.name = "udp.receive",
		.absent = "The server has no UDP socket.",
		.unit = "datagrams",
		.need = need_datagrams,
		.no_need = "Needed with --datagrams only, or by a server of UDP alone.",
		.what = "The datagrams that a UDP socket holds while the server does not read: its "
			"receive buffer divided by what a datagram takes of it. The buffer is "
			"twice what SO_RCVBUF asks for, at most twice net.core.rmem_max, and "
			"net.core.rmem_default without it. The kernel drops those beyond. Needed: "
			"datagrams times stall. The server's control group is charged for what "
			"waits, before net.ipv4.udp_mem is.",
		.detail =
			"{ownerless?{activated?The service does not run\\: which UDP sockets it "
			"opens is not known.:No UDP socket here is known as the server's, and of "
			"some the process is not visible. Run the check as root, in a container "
			"with --pid=host, or give the address\\: --server "
			"\\:PORT.}:{socket?{socket} has {sockets?{sockets} sockets (SO_REUSEPORT), "
			"which hold {capacity} without loss " HASHED_SENDERS "{few?, and {few} of "
			"{senders?{senders} senders:one sender}}; the smallest has }a receive buffer of {buffer}{capped?, all that "
			"net.core.rmem_max allows}{then?, as much as "
			"net.core.rmem_max={then} grants}{unasked?, net.core.rmem_default{outdated? when it was made ({default} now)}}{waits?, of "
			"which {waits} wait to be read{full?\\: there is no room for another one}}{drops?, and dropped {drops} "
			"datagram{drops=1?:s} since it was made}:A socket that asks for all that "
			"net.core.rmem_max allows has a receive buffer of {buffer}{held?; one "
			"without SO_RCVBUF has {default} and {page?may hold only:holds} {held}{card? from a network card}}}. A datagram of {size} "
			"takes {measured?:about }{each}{card?; from a network card, whose driver {page?may "
			"give:gives} each packet {page?a page:2 048 B}, it takes {page?up to {card}:{card} "
			"or more}\\: room for {card_holds}}.{memory? net.ipv4.udp_mem leaves {left} "
			"for all UDP sockets.}{group? The memory limit of {group} leaves {left}.}{load?: Add --datagrams N\\: "
			"how many arrive is not known{most?; with the headroom at most {most}/s}.}}",
	},
	{
		.name = "idle.keepalive",
		.unit = "us",
		.what = "The idle timeout of a load balancer or NAT in the path (--idle): it "
			"forgets a connection without packets for that long, and drops what comes "
			"later. Needed: the idle time after which TCP keepalive sends a probe, "
			"net.ipv4.tcp_keepalive_time or TCP_KEEPIDLE of the application, which "
			"counts for sockets with SO_KEEPALIVE only.",
		.detail =
			"{all?{on?{on}:None} of {all} connections of {who} {several?have:has} "
			"SO_KEEPALIVE{on?, with {longest} or more until a probe{own? "
			"(TCP_KEEPIDLE)}}.{unsure? They are too few to show whether that is "
			"TCP_KEEPIDLE or the rest of net.ipv4.tcp_keepalive_time={value}.} "
			":{unseen?No open connection of {who} is visible\\: "
			"net.ipv4.tcp_keepalive_time={value} suffices only if it sets "
			"SO_KEEPALIVE. Check while clients are connected. :Only sockets with "
			"SO_KEEPALIVE send probes. }}{hang?A write into a forgotten "
			"connection fails after {hang} or more (net.ipv4.tcp_retries2={retries}).}",
	},
	{
		.name = "cgroup.memory",
		.connections = true,
		.runbook = RUNBOOK_CONTAINER,
		.quiet = true,
		.unit = "B",
		.memory = true,
		.what = "The memory that the limit of the control group, or of one above it, "
			"leaves; memory that is in use and cannot be reclaimed is subtracted, of cgroup v1 "
			"for a short wall that of processes alone. "
			"Needed: the target's connections that are not open yet, two for each of a "
			"proxy, times the kernel memory of one (before Linux 6.12, and with cgroup "
			"v1, without its socket) and the memory that the server of "
			"--server takes of its own for one, and what it may add for those that are "
			"open. That need is a range: epolltune assumes the server's memory by its "
			"name and by what it has now, and of cgroup v2, which counts socket "
			"buffers, a request in each at the upper end. The wall is short where the limit leaves less than the lower end, "
			"and ok where it leaves 1.25 times the upper end. In between it is tight for a "
			"server that epolltune knows, and unknown for any other. Of cgroup v1 before Linux 5.16 "
			"memory.kmem.limit_in_bytes is a limit on the kernel memory alone.",
		.detail =
			"{hidden?" GROUP_HIDDEN ":{several?" SEVERAL_GROUPS
			" }{file} of {path} is {max}, {used} of it {used=1?is:are} in use "
			"and {reclaimable?at most {reclaimable} of that can:cannot} "
			"be reclaimed{unshown? (how much decides the verdict, and cgroup v1 does not show it)}; an idle connection takes {each} of kernel "
			"memory at this end, {basis}" UNCHARGED WITH_BUFFER ".{own? {own}}" TWO_EACH
			"}",
		.absent = "No memory limit applies to the control group.",
	},
	{
		.name = "cgroup.cpu",
		.runbook = RUNBOOK_CONTAINER,
		.watched = true,
		.quiet = true,
		.unit = "%",
		.what = "The CPU time that the quota of the control group, or of one above it, "
			"allows, in percent of one CPU. A group that has used its quota is "
			"stopped for the rest of the period: that pause is a stall of the server. "
			"Of several quotas the wall is the one that stops it most.",
		.detail = "{hidden?" GROUP_HIDDEN
			  ":{path} may run {quota} in each {period}. {ran?It was throttled in "
			  "{throttled} of {periods} periods {watched?of the window:since it was "
			  "made}." CHECK_USED ":It did not run{watched? in the window:}.}}",
		.absent = "No CPU quota applies to the control group.",
	},
	{
		.name = "cgroup.pids",
		.near_percent = 90,
		.runbook = RUNBOOK_CONTAINER,
		.quiet = true,
		.unit = "processes",
		.what = "The processes and threads that the control group, or one above it, may "
			"start in addition before fork() fails with EAGAIN. Needed: of a server "
			"with a process or a thread for each connection (PostgreSQL, MySQL, and what "
			"shows it while it "
			"has clients; not sshd, whose sessions systemd-logind moves out) one for each of "
			"the target's connections that is not open yet. That need is a range, as it "
			"is not visible how many of them have a connection, or whether a pool of threads "
			"serves all. Of other servers no target needs more.",
		.detail = "{hidden?" GROUP_HIDDEN ":{several?" SEVERAL_GROUPS
			  " }{used} of pids.max={max} of {path} "
			  "{used=1?is:are} in use.{server? {server} has a "
			  "{threads?thread:process} for each connection.}}",
		.absent = "No limit on processes applies to the control group.",
	},
	{
		.name = "tasks",
		.quiet = true,
		.unit = "processes",
		.what = "The processes and threads that a server with one for each connection may "
			"start in addition, by the tightest of RLIMIT_NPROC of its user, "
			"kernel.threads-max and kernel.pid_max, and by the memory that each maps. A "
			"thread's stack counts in RLIMIT_AS and RLIMIT_DATA of a server that accepts in one "
			"process, and as two mappings in its vm.max_map_count. With "
			"vm.overcommit_memory=2 it counts in CommitLimit of the machine, as does what the "
			"parent of a process may write. Stacks that show no guard in /proc/PID/maps are not counted. "
			"Since Linux 6.14 a container does not "
			"show kernel.pid_max of the host: there the smallest default of it counts, and "
			"a need beyond that is unknown. Needed: as for cgroup.pids, the limit "
			"of its control group.",
		.detail =
			"{unknown?{hidden?RLIMIT_NPROC of the server, or what its user has in use of it, is not readable."
			":{unmapped?RLIMIT_AS or RLIMIT_DATA applies, and what a thread takes of it is not visible in /proc/PID/maps."
			":{veiled?kernel.pid_max of the host is not visible in this container, and the need exceeds its smallest default."
			":kernel.threads-max or the number of threads is not readable.}}}"
			":{used} of {max} {used=1?is:are} in use ({name}{each?, {each} a {threads?thread:process}}{assumed?, its smallest default\\: that of the host is not visible in this container}).{server? {server} has a "
			"{threads?thread:process} for each connection.}}",
	},
	{
		.name = "conntrack",
		.runbook = RUNBOOK_CONNTRACK,
		.quiet = true,
		.unit = "entries",
		.what = "The connections that connection tracking (NAT, stateful firewall rules) "
			"can hold beside those that it tracks now. The kernel drops the packets "
			"of new ones beyond that. Needed: an entry for each of the target's "
			"connections that is not open yet, two for each of a proxy, and for closed ones that are "
			"still in the table: rate times net.netfilter.nf_conntrack_tcp_timeout_time_wait. "
			"With --server some of the entries in use may be those already: the need "
			"is a range. "
			"Each flow of UDP has an entry too: up to datagrams times the larger of "
			"nf_conntrack_udp_timeout and nf_conntrack_udp_timeout_stream, if each comes from a "
			"new address or port or is the keepalive of a flow. Without "
			"--datagrams a server of UDP alone is judged by the entries in use.",
		.detail =
			"{used} of nf_conntrack_max={max} entries {used=1?is:are} in use{own?, "
			"{own} of them by connections that the server has open}{closed?, up to "
			"{closed} by connections that {own?it:the server} has closed}.{tcp? A closed "
			"connection keeps its entry for {rest}.}{flows? A flow of UDP keeps its "
			"entry for {udp_rest} after a datagram, up to {flows} at a time; how many "
			"flows the datagrams belong to is not known.}{use? Without --datagrams the "
			"entries in use are the need\\: how many more flows of UDP come is not "
			"known.}{buckets? With the target's entries the hash chains of {buckets} "
			"buckets have {chain} on average{chains?; from {chains} "
			"entr{chains=1?y:ies} on this kernel {unsure?may drop:drops} new "
			"connections, as chains are too long}.} Those take up to "
			"{memory}.{outside? The table is that of the network namespace that the "
			"check was started in, which forwards to the server's.}" TWO_EACH,
		.absent = "No connection is tracked in this network namespace.",
	},
	{
		.name = "neighbours",
		.unit = "neighbours",
		.what = "The entries that the neighbour table can still take: hosts on the same "
			"link, IPv4 or IPv6. The kernel drops packets to further hosts. Needed: the peers of "
			"--peers; what is behind a gateway does not count, nor does the table of IPv4 "
			"or IPv6 where this machine has no address of it, or one of the link only.",
		.detail =
			"{max?IPv4 has {used} of gc_thresh3={max}}{max6?{max?, }IPv6 has {used6} of "
			"{max6}}; the tables are those of all network namespaces.",
	},
	{
		.name = "application.limit",
		.connections = true,
		.runbook = RUNBOOK_FILES,
		.quiet = true,
		.unit = "connections",
		.need = need_connections,
		.what = "The connections that the configuration of the server of --server allows: "
			"worker_connections of nginx (which closes idle ones when a sixteenth is "
			"left, has one for each of its listeners, and with --role proxy counts two for each client), maxconn of "
			"HAProxy, maxclients of Redis, -c of memcached, --worker-connections of gunicorn "
			"(1 for each synchronous worker: where only its accept queue takes the others it "
			"is unknown), --limit-concurrency of uvicorn (with that many open it answers "
			"503), --connections-max= of "
			"systemd-socket-proxyd, MaxConnections= of a socket unit with Accept=yes. It is "
			"unknown where epolltune does not read it: max_connections of PostgreSQL and "
			"MySQL, max_client_conn of PgBouncer, MaxRequestWorkers of Apache, "
			"pm.max_children of php-fpm, processes and threads of uWSGI, maxConnections of "
			"Tomcat, net.maxIncomingConnections of MongoDB, maxclients of Redis Sentinel, "
			"tcp-clients of BIND, incoming-num-tcp of Unbound, MaxStartups of OpenSSH beyond "
			"the first number in the title of sshd, and "
			"the limits of Envoy, Varnish, lighttpd, Squid, stunnel, MySQL Router, OpenLDAP, Postfix, Dovecot, "
			"Exim, RabbitMQ, Mosquitto, NATS, vsftpd, dnsmasq and others that have one by "
			"default. What clients of its other listeners have open now is subtracted, and what "
			"clients closed a minute ago or earlier and it has not. Needed: the target's "
			"connections.",
		.detail =
			"{unknown?{command?The command of {who} is not "
			"readable:}{option?epolltune does not understand {file} in the "
			"command of {server}:}{unnamed?The configuration of {server} is not "
			"visible{asked?\\; {asked} shows the limit}:}{unreadable?{file} of {server} is not "
			"readable:}{changed?{file}, its owner, mode or directory, or a link to "
			"it changed, and it is not visible that {server} read it since\\: restart it "
			"and check again:}{invalid?{name} in {file} is not a plain number:}{parts?{file} "
			"has parts that epolltune does not follow, and they may set "
			"{name}:}{elsewhere?{server} may read its limit from {file}, which "
			"epolltune does not follow:}{units?{file} both have a listener of {server}, "
			"with different limits, and which is active is not visible (systemctl "
			"list-sockets shows it):}{unlisted?No socket unit is known to have each "
			"listener of {server}{file?, and {file} may be its own} (systemctl list-sockets "
			"shows it):}{unread?epolltune does not read {name} of {server} (default\\: {default})\\; to see "
			"it\\: {asked}{waits?\\; further clients wait in the accept queue}:}{further?{further}{file? in {file}} limits "
			"connections, too, and epolltune does not evaluate it:}{looped?{server} connects to its own listener {inner}, and a client that comes through it takes {takes} of {name}:}{several?Sections that serve the listeners of {server}, or "
			"may, have different limits\\: name one listener (--server "
			"ADDRESS\\:PORT):}{unserved?No section of {file} is known to bind each "
			"listener of {server}:}{spread?How many processes of {server} accept "
			"is not visible:}{served?{server} serves {served} "
			"connection{served=1?:s} at a time, and the others wait in its accept queue\\: "
			"whether they wait too long depends on how long each request and each idle client "
			"takes:}{automatic?{name} is not set, and RLIMIT_NOFILE of "
			"{server} is not visible:}{builtin?{name} is not set, and without it some versions "
			"of {server} take no more than {builtin} descriptor{builtin=1?:s}:}; check --run measures the limit:" LIMIT_OF_A_SERVER
			"{processes? for each of {processes} processes{alone?, of which one may get most "
			"connections}}{waiting?, and its accept queue "
			"holds {waiting} more}{both?, connections to "
			"servers behind it included}{inner?, {takes} for each client, as it connects to its "
			"own listener {inner}}{listening?, {listening} for its listeners and the "
			"channel to its master included}{held?, {held} descriptor{held=1?:s} that it "
			"holds besides included}{besides?, {besides} connection{besides=1?:s} to "
			"its other listeners included}{left?, {left} that clients closed and it has "
			"not closed included}{doubles?\\; a client that asks may take a "
			"second one, to a server behind it\\: --role proxy counts both}{answer?\\; with "
			"that many open it answers {answer}}{asked?\\; "
			"that is the limit at its start\\: {asked} shows the present one}}.",
		.absent =
			"systemd accepts no connection of this socket itself (Accept=no): the limit is "
			"that of the service, which check --run measures.",
	},
	{
		.name = "application.starts",
		.quiet = true,
		.unit = "connections/s",
		.need = need_rate,
		.what = "The new connections a second for which systemd starts a process, of a "
			"socket unit with Accept=yes. Beyond TriggerLimitBurst= (200 in 2 s by "
			"default) the unit fails, and its listener is closed until it is restarted. "
			"Since systemd 255 it stops accepting before, beyond PollLimitBurst= (150), "
			"until the interval ends. Needed: the target's rate.",
		.detail =
			"{unknown?The socket unit is not known\\: see application.limit."
			":{trigger?TriggerLimitBurst is {trigger} in {trigger_in}"
			":TriggerLimitBurst sets no limit}"
			"{poll?, PollLimitBurst{unversioned?, which systemd has since version 255,:} is "
			"{poll} in {poll_in}}.}",
		.absent = "systemd starts one process for this socket (Accept=no).",
	},
	{
		.name = "application.connections",
		.unit = "connections",
		.need = need_connections,
		.what = "The connections that the server of --run holds until it refuses, closes "
			"or resets one, stops accepting, or no longer answers. Needed: the "
			"target's connections.",
	},
	{
		.name = "application.memory",
		.unit = "connections",
		.need = need_connections,
		.what = "The connections that the available memory holds at the server of --run: an "
			"idle one takes memory of the server and, at the server's end, of the kernel. "
			"Needed: the target's connections.",
		.detail = "{held?Each of {held} connections took {own} of the server's own memory, "
			  "pages that its processes share counted once, and {kernel} of kernel "
			  "memory at its end, {counted?counted in slab caches:by the size of its "
			  "objects}.:Too few connections were held to measure the memory of one.}",
	},
	{
		.name = "application.throughput",
		.unit = "B/s",
		.need = need_throughput,
		.what = "The throughput at which one connection of the server of --run sends over "
			"the target's round trip: replies of HTTP, or an echo. Needed: the "
			"target's bandwidth.",
		.detail = "{why?Not measured\\: {why}.}",
	},
	{
		.name = "application.accepts",
		.unit = "connections/s",
		.need = need_rate,
		.what = "The new connections a second that the server of --run accepts, each with "
			"one request and reset, of a UNIX socket closed, after the reply. Needed: the "
			"target's rate.",
		.detail =
			"{reached?{cpu?One of its threads used up a CPU at {reached}.:}{overflows? Its accept queue "
			"overflowed meanwhile.}}",
	},
	{
		.name = "application.rate",
		.unit = "requests/s",
		.what = "The requests per second that the server of --run answers, one at a time "
			"on each connection. Needed: --requests.",
		.no_need = "No rate was given (--requests).",
	},
	{
		.name = "application.latency.p50",
		.unit = "us",
		.what = "The median time from when a request was due to its reply, at the rate of "
			"--requests or half of the highest rate, in an open loop over connections "
			"of the server of --run.",
		.lower_is_better = true,
		.at_rate_of = "application.rate",
	},
	{
		.name = "application.latency.p99",
		.unit = "us",
		.what = "The 99th percentile of the time from when a request was due to its reply, "
			"measured as application.latency.p50.",
		.lower_is_better = true,
		.at_rate_of = "application.rate",
	},
	{
		.name = "softnet.backlog",
		.runbook = RUNBOOK_SALE,
		.unit = "packets",
		.what = "The packets that can wait for a CPU where they do not arrive through "
			"NAPI. The kernel drops those beyond.",
		.detail = SOFTNET("packet{count=1?:s} dropped"),
	},
	{
		.name = "softnet.budget",
		.runbook = RUNBOOK_SALE,
		.unit = "packets",
		.what = "The packets, and the time, that one round of the receive softirq takes "
			"before it yields with work left.",
		.detail = SOFTNET("round{count=1?:s} ended with work left"),
	},
	{
		.name = "nic.ring",
		.runbook = RUNBOOK_SALE,
		.unit = "packets",
		.what = "The packets that an interface can hold until the kernel fetches them. The "
			"device drops those beyond.",
		.detail = DEVICE
		"{silent? {driver} does not count the packets that are lost at a full ring.:}",
	},
	{
		.name = "nic.queues",
		.runbook = RUNBOOK_SALE,
		.unit = "queues",
		.what = "The queues, and so CPUs, over which an interface spreads received "
			"packets.",
		.detail = DEVICE
		"{device? Online CPUs\\: {cpus}{took?, with packets in the {window} watched\\: {took}}.{irqs? "
		"Interrupts go to CPUs {irqs}{rps?, RPS is {rps}:}{xps?, XPS is {xps}:}.:}}",
	},
	{
		.name = "napi.latency",
		.unit = "us",
		.what = "The time that a request takes to the test server and back, by the way "
			"that packets are fetched: interrupt, deferred interrupt or busy polling.",
		.detail = "{took?Over a veth wire the request p50 is {took} with {way}."
			  ":{unreadable?The interfaces could not be read."
			  ":{device?{flush?gro_flush_timeout={flush} ns and "
			  "napi_defer_hard_irqs={polls} of {device} delay a packet by up to that "
			  "time when nothing polls.:{device} does not defer interrupts.}"
			  ":No interface is up.}}}",
		.lower_is_better = true,
	},
};

size_t wall_row_count(void) { return sizeof(walls) / sizeof(*walls); }

const struct wall_row *wall_row_at(size_t i) { return &walls[i]; }

const struct wall_row *wall_row_find(const char *name)
{
	for (size_t i = 0; i < wall_row_count(); i++)
		if (!strcmp(walls[i].name, name))
			return &walls[i];
	return NULL;
}

bool wall_is_near(const char *name, int64_t used, int64_t limit)
{
	const struct wall_row *row = wall_row_find(name);
	unsigned percent = row && row->near_percent ? row->near_percent : NEAR_PERCENT;
	return limit > 0 && (double)used * 100 > (double)limit * percent;
}
