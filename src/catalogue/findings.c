/* The findings, in the order of the walls. */
#include <string.h>

#include "catalogue/phrase.h"
#include "catalogue/runbook.h"
#include "epolltune/catalogue.h"

/* The findings of a short and of a tight wall. `unsolved`: who has to act if no knob helps;
 * `holds`: what a tight wall still achieves, a clause. */
#define SHORT(wall_name, unsolved, title_text, detail_text, advice_text, meaning_text,             \
	      action_text, proof_text, holds)                                                      \
	{.id = wall_name ".short",                                                                 \
	 .level = LEVEL_CRITICAL,                                                                  \
	 .remedy = unsolved,                                                                       \
	 .title = title_text,                                                                      \
	 .detail = detail_text,                                                                    \
	 .advice = advice_text,                                                                    \
	 .meaning = meaning_text,                                                                  \
	 .action = action_text,                                                                    \
	 .proof = proof_text},                                                                     \
	{                                                                                          \
		.id = wall_name ".tight", .level = LEVEL_WARNING, .remedy = unsolved,              \
		.title = title_text, .detail = detail_text, .advice = advice_text,                 \
		.meaning = holds ", with less than 25 % headroom.",                                \
		.action = "As for " wall_name ".short, before the wall is short.",                 \
		.proof = proof_text                                                                \
	}

/* vm.overcommit_memory=1 brings the OOM killer instead. */
#define RAISE_COMMIT                                                                               \
	"Add swap, or raise vm.overcommit_ratio or vm.overcommit_kbytes, until CommitLimit in "    \
	"/proc/meminfo is at least "
#define TAKES_EFFECT "Takes effect {effect}."
/* Ports that a wider range takes in. */
#define SERVICES                                                                                   \
	"{added?net.ipv4.ip_local_reserved_ports keeps {added} for listeners and known services "  \
	"of this host. }"
#define NOFILE_DETAIL                                                                               \
	"RLIMIT_NOFILE is {soft} soft, {hard} hard; {holder} holds {held} descriptor{held=1?:s} "   \
	"besides its connections.{nr_open? fs.nr_open is {nr_open}\\: no process opens more, also " \
	"with a higher limit.}{wakeups? At its limit a level-triggered server that keeps watching " \
	"its listener takes a whole CPU and wakes {wakeups} times/s.}" TWO_EACH
#define NOFILE_WHOSE                                                                               \
	"This is the limit of the process that ran epolltune; that of a server is in "             \
	"/proc/PID/limits."
#define WHOSE_BACKLOG                                                                              \
	"{somaxconn?net.core.somaxconn {kernel?({somaxconn}) is the limit:allows {somaxconn}}"     \
	"{default?; {server}'s default backlog is {default}}.}"
/* Of ports, which each pair has for itself. */
#define SPREAD                                                                                             \
	"{pairs? The open connections of the server are spread over {pairs} pair{pairs=1?:s} of a source " \
	"address and a destination, and the fullest has {share} % of them\\: how the load will "           \
	"be is not known.}"
/* Where the target does not have it. */
#define DESTINATIONS                                                                               \
	"{bound?:{destinations?:{even? If the load will be spread as the open connections are, "   \
	"add --destinations {even} to the check.: If the proxy has several servers behind it or "  \
	"several source addresses, add --destinations N to the check, their product.}}}"
/* A server behind the one that is checked. */
#define UPSTREAM(name, address, beyond, shown)                                                                                              \
	{                                                                                                                                   \
		.id = name, .level = LEVEL_WARNING, .remedy = REMEDY_APPLICATION,                                                           \
		.observed = true, .about = "{endpoint}",                                                                                    \
		.title = "{listener}, to which {who} (pid {pid}) connects, has backlog {limit}; "                                           \
			 "this load {sure?needs:may need} {needed}{tight? and 25 % headroom}",                                              \
		.detail =                                                                                                                   \
			"{pooled?{who} has connections open there, which may be those of a "                                                \
			"pool\\: then few arrive:{who} opens a connection there for "                                                       \
			"{proxy?each client:each request that it passes on}}. If all of this "                                              \
			"load goes there, {needed} connection{needed=1?:s} "                                                                \
			"{needed=1?arrives:arrive} in a stall of {stall}{part?, {part} if it "                                              \
			"is spread evenly over {all} listener{all=1?:s}}; the queue holds {capacity}. "                                     \
			"Beyond that " beyond ". " WHOSE_BACKLOG,                                                                           \
		.advice =                                                                                                                   \
			"{raise?First, in the network namespace of the server (now {somaxconn})\\: sysctl -w net.core.somaxconn={wanted}. " \
			"}{line?{server}\\: {line}:Pass backlog {wanted} to listen()} "                                                     \
			"(effective {line_effect}). To judge all limits of that server\\: "                                                 \
			"epolltune check --server {endpoint}",                                                                              \
		.answer = "{endpoint} behind {who} has backlog {limit}; this load "                                                         \
			  "{sure?needs:may need} {needed}",                                                                                 \
		.meaning = "The server that --server names connects to " address                                                            \
			   " of another server for its clients: its configuration names that "                                              \
			   "(nginx, HAProxy), or it has more than 3 connections to it. The "                                                \
			   "accept queue there holds fewer connections than arrive in a stall of "                                          \
			   "the target. Critical with --role proxy where all servers behind it "                                            \
			   "are listeners here and hold too few together; otherwise it is not "                                             \
			   "known how many requests go there. A note where those of one section "                                           \
			   "of its configuration, with the same weight, get even parts that fit, "                                          \
			   "or where only open connections show it, which may be those of a "                                               \
			   "pool.",                                                                                                         \
		.action = "Raise the backlog of the server behind, and net.core.somaxconn where "                                           \
			  "it is the limit. Check that server by its address, too.",                                                        \
		.proof = shown                                                                                                              \
	}
/* What a server has and needs, and its remedy, by backlog_words(). */
#define BACKLOG_TITLE(what)                                                                                          \
	"{listener} has {sockets?{sockets} sockets, the smallest of }backlog {limit}; this load needs {needed}" what \
	"{tight? and 25 % headroom}"
#define BACKLOG_OF_A_SERVER                                                                        \
	"{needed} connection{needed=1?:s} {needed=1?arrives:arrive} in a stall of {stall}; "       \
	"{sockets?the {sockets} sockets (SO_REUSEPORT) hold {capacity} without loss, and {sum} "   \
	"together:the queue holds {capacity}}. " WHOSE_BACKLOG
#define BACKLOG_UNHELD                                                                              \
	"No process has a descriptor of it\\: neither net.core.somaxconn nor a configuration sets " \
	"the backlog of the kernel's own listeners{nfs?. More threads of nfsd accept sooner\\: "    \
	"threads= in section nfsd of /etc/nfs.conf, or rpc.nfsd N:; a server of io_uring passes "   \
	"its own to listen()}."
#define BACKLOG_REMEDY                                                                                                                                                            \
	"{unheld?" BACKLOG_UNHELD                                                                                                                                                 \
	":{possible?{raise?First, in the network namespace of the server (now {somaxconn})\\: sysctl -w net.core.somaxconn={wanted}. }{cut?If {server?{server}:the application} " \
	"is not configured for {limit}, net.core.somaxconn was {limit} when it called listen()\\: "                                                                               \
	"restart it first. }{line?{server}\\: "                                                                                                                                   \
	"{line}:Pass backlog {wanted} to listen()} (effective {line_effect}).:No accept queue "                                                                                   \
	"holds that many\\: shorten the server's stalls.}}"
/* Of a queue that suffices until the server calls listen() again. */
#define RESTART(wall_name, shown)                                                                  \
	{                                                                                          \
		.id = wall_name ".restart", .level = LEVEL_WARNING, .remedy = REMEDY_KERNEL,       \
		.title = "A restart cuts the backlog of {listener} from {limit} to {somaxconn}; "  \
			 "this load needs {needed}",                                               \
		.detail = "net.core.somaxconn is {somaxconn} now, and was higher when the server " \
			  "called listen(){sockets? for each of its {sockets} sockets}.",          \
		.advice = "{possible?Before the server is restarted, in its network "              \
			  "namespace\\: sysctl -w net.core.somaxconn={wanted}. To keep it, set "   \
			  "it in a file in /etc/sysctl.d, or in a container's definition.:No "     \
			  "queue holds that many\\: shorten the server's stalls.}",                \
		.meaning = "The queue of the running server suffices, but net.core.somaxconn is "  \
			   "lower than when it called listen(): after its next start the queue "   \
			   "does not hold the target's connections.",                              \
		.action = "Raise net.core.somaxconn, and set it in sysctl.d, before the server "   \
			  "is restarted.",                                                         \
		.proof = "The listener's limit (" shown ") is above net.core.somaxconn"            \
	}
/* Of a total of this network namespace. {initial}: it is the machine's first. */
#define SINCE_BEGUN "since {initial?boot{age?, {age}}:this network namespace was made}"
#define ONE_LOOK                                                                                   \
	"One sample does not show whether a longer queue helps\\: run the check without --quick."
#define IN_THE_CONTAINER "{inside?In the container\\: :}"
/* The line of a unit for {files} descriptors, and of the server. {keep}: ":HARD", where one number
 * would lower the hard limit; {soft_flag}: "S" then. */
#define NOFILE_REMEDY                                                                                                  \
	"{unit?" IN_THE_CONTAINER SERVICE_DROP_IN(                                                                     \
		"LimitNOFILE={files}{keep}",                                                                           \
		"LimitNOFILE") ".{user?{keep?: The hard limit of that user's manager, user@UID.service, has to be as " \
			       "high.}}:{openrc?Set rc_ulimit=\"-{soft_flag}n {files}\" in /etc/conf.d/NAME, then "    \
			       "rc-service NAME restart.:Raise RLIMIT_NOFILE where the process is started "            \
			       "(LimitNOFILE={files}{keep} in a systemd unit, ulimit -{soft_flag}n {files} in a "      \
			       "script), and restart it.}}{line? {server} has a limit of its own\\: {line}}"
#define NOFILE_CEILING "{ceiling? fs.nr_open ({ceiling}) has to be raised first.}"
/* Of one socket of several. */
#define OF_ITS_SIBLINGS                                                                            \
	"{siblings? At {laggards} of {siblings} sockets of this address (SO_REUSEPORT) the "       \
	"server accepts too slowly{worker? ({laggards=1?:one is }that of worker {pid})}. The "     \
	"kernel does not send fewer clients to a socket whose queue is long.{even? The rate "      \
	"assumes that each socket gets an equal part.}}"
#define CONNTRACK_OUTSIDE                                                                          \
	"{outside? That table is of the network namespace that the check was started in, which "   \
	"forwards to the server's.}"
/* {half}: of {more}, for {middle}, which has to be below {knob}. */
#define MORE_NEIGHBOURS                                                                            \
	"{more?In the initial network namespace, until the next boot\\: sysctl -w {knob}={more} "  \
	"{middle}={half}:Raise {knob}, and gc_thresh2 to half of it}\\; ip neigh shows the entries."
#define CONNTRACK_REST "net.netfilter.nf_conntrack_tcp_timeout_time_wait"
/* Why a line in sysctl.d does not hold. */
#define MODULE_HOLDS(module)                                                                       \
	"A line in sysctl.d holds only if the module is loaded before (echo " module               \
	" >/etc/modules-load.d/" module ".conf)."
/* Of the group, or of one above it. */
#define NEXT_LIMIT "{further? Then the limit is {further}.}"
#define CONNTRACK_HOLDS                                                                            \
	MODULE_HOLDS("nf_conntrack")                                                               \
	" kube-proxy overwrites the value (conntrack.maxPerCore and conntrack.min of its configuration)."
#define UNTRACKED                                                                                         \
	"nft 'table inet untracked \\{ chain incoming \\{ type filter hook prerouting priority raw; "     \
	"{protocol} dport {port} notrack; \\}; chain outgoing \\{ type filter hook output priority raw; " \
	"{protocol} sport {port} notrack; \\}; \\}'"
/* Of a socket that is older than the present net.core.rmem_default. */
#define UDP_RESTART                                                                                    \
	"Restart the server\\: its socket does not set SO_RCVBUF, and has what net.core.rmem_default " \
	"was when it was made; {default} is enough."
/* What an application has to do, beside the kernel. */
#define UDP_REMEDY                                                                                 \
	"{how} {then?Restart the server first\\: its socket has what net.core.rmem_max={then} "    \
	"grants, a kernel's default, not the present one. If it then has no more, let it set "     \
	":{socket?{unasked?It does not set SO_RCVBUF\\: instead set "                              \
	"{granted?:net.core.rmem_max={wanted} and }:Let it set }:Let the application set }}"       \
	"SO_RCVBUF={wanted} or more (nginx\\: listen ADDRESS quic rcvbuf=; unbound\\: "            \
	"so-rcvbuf; quic-go sets 7 MiB)."
#define BY_EXPERIMENT "The experiment, in the finding"

/* What a write into a connection meets that the path has forgotten. */
#define FORGOTTEN                                                                                  \
	"In the lab, scaled down to seconds, the wire dropped a write after the timeout and its "  \
	"retransmissions. "
#define HANGS                                                                                      \
	"A write into a forgotten connection fails with ETIMEDOUT after {hang} or more "           \
	"(net.ipv4.tcp_retries2={retries})."

/* A deviation of epoll from epoll(7). */
#define DEVIATION(problem, weight, title_text, meaning_text, action_text)                          \
	{                                                                                          \
		.id = "readiness." problem, .level = weight, .title = title_text, .detail = "",    \
		.advice = action_text, .meaning = meaning_text, .action = action_text,             \
		.proof = BY_EXPERIMENT                                                             \
	}

/* Of handshakes whose clients send nothing, which the kernel keeps half open. */
#define DEFERRED_DETAIL                                                                            \
	"{deferred? The kernel has counted {deferred} TCPDeferAcceptDrop\\: with "                 \
	"TCP_DEFER_ACCEPT handshakes stay half open until their clients send data.}"
#define DEFERRED_ADVICE                                                                            \
	"{deferred?If it has TCP_DEFER_ACCEPT (deferred of nginx, defer-accept of HAProxy), "      \
	"remove that. }"

static const struct finding_row findings[] = {
	SHORT("descriptors.process", REMEDY_PROCESS,
	      "{who?{who}{processes? with {processes} processes}:A process} {tight?can "
	      "just:cannot} hold {connections} connection{connections=1?:s}",
	      NOFILE_DETAIL,
	      "{possible?{nr_open?Raise fs.nr_open. {how}:{who?" NOFILE_REMEDY
	      ":{how} " NOFILE_WHOSE "}" NOFILE_CEILING
	      "}:No limit on descriptors is that high: spread the connections over more "
	      "processes.}",
	      "The hard limit on descriptors prevents a process from holding the target's "
	      "connections.",
	      "Raise RLIMIT_NOFILE where the server is started: LimitNOFILE= in its systemd unit; "
	      "limits.conf counts for login sessions only. Above fs.nr_open, raise that first.",
	      "EMFILE from accept(2)", "The hard limit on descriptors suffices for the target"),
	{.id = "descriptors.process.large",
	 .remedy = REMEDY_PROCESS,
	 .observed = true,
	 .about = "{process}",
	 .title =
		 "{process} (pid {pid}) may size tables by its soft limit of {soft} descriptors\\: {bytes}",
	 .detail =
		 "{server} takes {each} bytes for each, unless its configuration has a bound{memory?; this "
		 "machine has {memory}}.",
	 .advice =
		 "{server}\\: {line}; then restart it. Or {unit?lower RLIMIT_NOFILE{inside? in the "
		 "container}\\: " SERVICE_DROP_IN(
			 "LimitNOFILE={files}",
			 "LimitNOFILE") ":lower RLIMIT_NOFILE where it is started (LimitNOFILE={files} in its unit, --ulimit "
					"nofile={files} of its container), then restart it}.",
	 .answer = "the soft limit of {who} makes it size tables beyond the memory",
	 .meaning =
		 "The server that --server named is one that allocates tables by its soft limit on "
		 "descriptors, which is so high that they take 1 GiB or more; a warning where they "
		 "exceed the memory.",
	 .action = "Bound the tables in the server's configuration, or lower the soft limit.",
	 .proof =
		 "RSS of the process (ps -o rss= -p PID) beside the soft limit in /proc/PID/limits"},
	{.id = "descriptors.process.exhausted",
	 .level = LEVEL_CRITICAL,
	 .remedy = REMEDY_PROCESS,
	 .observed = true,
	 .about = "{who}",
	 .unserved = true,
	 .title =
		 "{process} (pid {pid}) has {open} of {soft} descriptors open{waiting? while {waiting} "
		 "{several?connections wait:connection waits}}",
	 .detail =
		 "accept() fails with EMFILE at the soft limit of {soft} (hard limit {hard}){waiting?, "
		 "and a level-triggered server spins. {waiting} {several?connections wait:connection "
		 "waits} in the queue of {listener}.:. No connection waits in the queue of {listener}\\: "
		 "{others?{others} other {several?processes:process} of this server {several?accept:"
		 "accepts}:another process accepts its clients, or it closes them at once with a "
		 "descriptor that it keeps in reserve, as Node.js does}.}",
	 .advice =
		 "{now?{help}. This holds until the process exits. For its next start\\: :}" NOFILE_REMEDY
			 NOFILE_CEILING,
	 .answer = "{who} is at its limit on descriptors",
	 .meaning =
		 "A process that accepts connections has as many descriptors open as its soft "
		 "limit allows, and connections wait in its queue, or it closes them at once. Where "
		 "none waits it is critical for the server that --server names.",
	 .action =
		 "Raise the limit of the running process by prlimit(1), which closes no connection, "
		 "then where it is started: LimitNOFILE= in its systemd unit; a proxy needs two descriptors for each connection. Or find the "
		 "descriptors that it does not close.",
	 .proof = "The number of entries in /proc/PID/fd, the soft limit in /proc/PID/limits, and "
		  "the queue's depth by inet_diag"},
	{.id = "descriptors.process.soft-limit",
	 .level = LEVEL_WARNING,
	 .title = "A server that does not raise its soft limit stops at {unraised} "
		  "connection{unraised=1?:s}",
	 .detail = NOFILE_DETAIL,
	 .advice = "{possible?{how} }" NOFILE_WHOSE,
	 .meaning = "The hard limit suffices, but a server that does not raise its soft limit by "
		    "itself stops below the target.",
	 .action = "Let the server raise it (worker_rlimit_nofile of nginx, for example), or "
		   "raise the soft limit where it is started.",
	 .proof = "EMFILE from accept(2)"},
	SHORT("descriptors.system", REMEDY_KERNEL,
	      "The machine {tight?has barely enough:has too few} descriptors left",
	      "{capacity} of fs.file-max ({current}) {capacity=1?is:are} left, {open} "
	      "{open=1?is:are} in use; {needed} {needed=1?is:are} needed." TWO_EACH,
	      TAKES_EFFECT " {cost}",
	      "The machine as a whole has too few open files left for the target's connections.",
	      "Raise fs.file-max; fs.file-nr shows how many are in use.",
	      "ENFILE from accept(2); fs.file-nr close to fs.file-max",
	      "The machine as a whole has enough open files left for the target"),
	{.id = "descriptors.system.exhausted",
	 .level = LEVEL_CRITICAL,
	 .remedy = REMEDY_KERNEL,
	 .observed = true,
	 .title =
		 "The machine has {open} of {max} files open{spent?:\\: {left} {left=1?is:are} left}",
	 .detail =
		 "{spent?accept() fails with ENFILE at fs.file-max:At fs.file-max accept() fails with "
		 "ENFILE}, in every process without CAP_SYS_ADMIN, also below its own limits.",
	 .advice =
		 "Find the process that has most of them (ls /proc/PID/fd | wc -l), or raise the limit\\: "
		 "sysctl -w fs.file-max={more}.",
	 .answer = "the machine {spent?is:is nearly} at fs.file-max",
	 .meaning = "All files of the machine that fs.file-max allows are open, or nearly all: a "
		    "warning where less than 5 % are left, critical where less than 0.1 % are.",
	 .action = "Find the process that opens them, or raise fs.file-max.",
	 .proof = "ENFILE from accept(2); the first and third number in /proc/sys/fs/file-nr"},
	SHORT("epoll.watches", REMEDY_KERNEL,
	      "One user {tight?can barely:cannot} watch {connections} connection{connections=1?:s}",
	      "fs.epoll.max_user_watches is {current}, for all processes of one user; {needed} "
	      "{needed=1?is:are} needed." TWO_EACH,
	      TAKES_EFFECT " {cost}",
	      "One user may not register the target's connections in epoll sets.",
	      "Raise fs.epoll.max_user_watches, or run the workers as different users.",
	      "ENOSPC from epoll_ctl(2)", "One user may register the target's connections"),
	SHORT("memory.connection", REMEDY_NONE,
	      "The connections alone {tight?{range?may:would nearly}:would} fill the memory",
	      "{needed} {needed=1?is:are} needed and {capacity} {capacity=1?is:are} available: an "
	      "idle connection takes {each} of kernel memory at this end, {basis}" WITH_BUFFER
	      ".{own? {own}}" TWO_EACH,
	      "No knob makes a connection smaller: add memory, or spread the connections over "
	      "more machines.",
	      "The target's connections need more memory than the machine has available.",
	      "No knob makes a connection smaller: add memory, or spread the connections over "
	      "more machines.",
	      "Slab caches (TCP, sock_inode_cache, filp, dentry, eventpoll) counted for each "
	      "connection, compared with MemAvailable",
	      "The target's connections fit into the available memory"),

	SHORT("application.limit", REMEDY_APPLICATION,
	      "{who} {tight?can barely:cannot} hold {needed} connection{needed=1?:s}\\: its own "
	      "limit is {limit}",
	      LIMIT_OF_A_SERVER
	      "{processes? for each of {processes} processes{alone?:{uneven?, and the kernel spreads "
	      "connections unevenly}}}{waiting?, and its accept queue holds {waiting} more}. {both?Connections to servers behind it count, too. }{inner?It connects to its own listener {inner}\\: a client that comes through it takes {takes}. }{held?It holds "
	      "{held} descriptor{held=1?:s} besides. }{besides?{besides} connection{besides=1?:s} "
	      "to its other listeners {besides=1?counts:count}, too. }{left?" LEFT_OPEN
	      " }{listening?Its "
	      "listeners and the channel to its master take {listening}. }{idle?It closes idle ones when a sixteenth is "
	      "left. }{answer?With as many open it answers requests with {answer}. }{alone?The kernel does not wake the processes evenly\\: one may get most connections, and "
	      "closes those beyond its limit while the others have room. It suffices for {alone} to "
	      "{capacity}.:It suffices for {capacity}.}",
	      "{unit?" IN_THE_CONTAINER UNIT_DROP_IN(
		      "Socket", "{line}",
		      "{name}") ".:{possible?{how}:{server}\\: {line}.}{hashed? Or set {hashed}\\: a hash "
				"spreads connections then.}{narrower? Raise it in each section "
				"({narrower}) that has it lower, too.} Then reload nginx (nginx -s reload) or HAProxy, or restart another server, which closes its connections, and check again.}",
	      "The configuration of the server allows fewer connections than the "
	      "target needs.",
	      "Raise the directive that the finding names.",
	      "The option in /proc/PID/cmdline, or the directive in the file that the command names",
	      "The configuration of the server allows the target's connections"),
	{.id = "application.limit.reached",
	 .runbook = RUNBOOK_FILES,
	 .level = LEVEL_CRITICAL,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{process}",
	 .unserved = true,
	 .title =
		 "{one?{process} (pid {one}), one of {processes} processes,:{who}} has {open} of {max} "
		 "connection{max=1?:s} open, its own limit\\: "
		 "{lost?{closes?it {answer?answers new clients with {answer} and closes them:closes "
		 "new clients}:new clients wait in its accept queue}:{closes?it would {answer?answer "
		 "the next client with {answer}:close the next client}:the next client would wait in "
		 "its accept queue}}",
	 .detail = LIMIT_OF_A_SERVER
	 "{processes? for each of {processes} processes}.{both? Connections to servers behind it "
	 "count, too.}{besides? {besides} connection{besides=1?:s} to its other listeners "
	 "{besides=1?counts:count}, too.}{left? " LEFT_OPEN
	 "}{asked? That is the limit at its start\\: {asked} shows the "
	 "present one.}",
	 .advice = "{unit?" IN_THE_CONTAINER UNIT_DROP_IN(
		 "Socket", "{line}",
		 "{name}") ":{server}\\: {line}}.{narrower? Raise it in each section ({narrower}) "
			   "that has it lower, too.}{unit?: Then reload nginx (nginx -s reload) or HAProxy, or restart another server, which closes its connections.} Or close idle clients sooner.",
	 .answer = "{process} is at its own limit on connections",
	 .meaning =
		 "The server that --server named, or one of several processes of it that close new "
		 "clients or have a listener of their own, has as many connections open as its configuration "
		 "allows: a client that it does not accept or closes at once grows no counter. "
		 "Critical where clients wait in its accept queue in both samples, or, of a server "
		 "that closes them, where connections arrived in between, it has no more of them "
		 "than before, and the kernel shows that it closed one of their connections in "
		 "between (TIME_WAIT, FIN_WAIT2) or, where the listeners of its clients are the only "
		 "TCP listeners here, that one was reset (EstabResets). Otherwise a warning, also "
		 "of nginx, which closes idle connections then, and others after an answer.",
	 .action = "Raise the directive that the finding names, or find the clients that keep "
		   "connections they do not use.",
	 .proof = "Connections of the server's listeners by inet_diag, beside the directive"},
	SHORT("application.starts", REMEDY_APPLICATION,
	      "{who} {tight?can barely:cannot} take {needed} new connections/s",
	      "systemd starts a process for each.{trigger? Beyond {trigger} in {trigger_in} "
	      "(TriggerLimitBurst) the unit fails\\: its listener is closed, and clients are refused "
	      "until it is restarted.}{poll? {unversioned?Since version 255 systemd:systemd} takes {poll} in "
	      "{poll_in} (PollLimitBurst), and the others wait in the accept queue.}",
	      IN_THE_CONTAINER UNIT_DROP_IN(
		      "Socket",
		      "{trigger_line?TriggerLimitBurst={trigger_line}{poll_line?\\\\n}}"
		      "{poll_line?PollLimitBurst={poll_line}}",
		      "LimitBurst") ". Or Accept=no, where one "
				    "process of the service can take all connections.",
	      "systemd starts fewer processes a second for a socket unit with Accept=yes than the "
	      "target has new connections.",
	      "Raise TriggerLimitBurst= and PollLimitBurst= of the socket unit; Accept=no where one "
	      "process can take all connections.",
	      "systemctl show -p TriggerLimitBurst,TriggerLimitIntervalUSec,PollLimitBurst UNIT; "
	      "\"Trigger limit hit\" in the journal",
	      "The socket unit takes the target's new connections"),
	SHORT("application.connections", REMEDY_APPLICATION,
	      "{who} {tight?can barely:cannot} hold {connections} "
	      "connection{connections=1?:s}{process?\\: RLIMIT_NOFILE is the limit}",
	      "It held {reached}; {needed} {needed=1?is:are} needed.",
	      "{possible?{how}:{present?{server} already has {present}\\: another limit of its "
	      "configuration, or of a server behind it, is lower.:{line?{server}\\: {line} (default\\: "
	      "{default}). epolltune cannot set that line\\: try it with another check --run.:epolltune met no "
	      "limit of the kernel or of the process\\: look for one in the application, its number of "
	      "workers or its configuration.}}}",
	      "The server of check --run held fewer connections than the target needs, and neither "
	      "the kernel nor its RLIMIT_NOFILE was the limit, or that limit was.",
	      "Raise the directive that the finding names, or RLIMIT_NOFILE where the server is "
	      "started.",
	      "Connections are opened one after the other until one fails; descriptors in "
	      "/proc/PID/fd beside the limit in /proc/PID/limits",
	      "The server holds the target's connections"),
	SHORT("application.memory", REMEDY_APPLICATION,
	      "{connections} connection{connections=1?:s} of {who} would {tight?nearly :}fill the "
	      "memory",
	      "A connection took {own} of the server's own memory and {kernel} of kernel memory\\: "
	      "the available memory holds {reached}.",
	      "Give each connection smaller buffers, or no process or thread of its own; or add "
	      "memory, or spread the connections over more machines.",
	      "The target's connections take more memory at the server of check --run than is "
	      "available.",
	      "Give each connection smaller buffers in the server's configuration; add memory.",
	      "Pss_Anon, Pss_Shmem and SwapPss in /proc/PID/smaps_rollup before and with the connections",
	      "The memory suffices for the target's connections at that server"),
	SHORT("application.throughput", REMEDY_APPLICATION,
	      "One connection of {who} {tight?barely carries:cannot carry} {needed} over {rtt}",
	      "It carried {carried}\\: the send buffer of {buffer} was full, and {window} "
	      "{window=1?was:were} in flight in each round trip. {own?The kernel does not grow a buffer that the "
	      "application sets (SO_SNDBUF).:It had grown to the third field of "
	      "net.ipv4.tcp_wmem.}",
	      "{own?{line?{server}\\: {line}:Do not set SO_SNDBUF in the application}, so that the "
	      "kernel sizes the buffer.:Raise the third field of net.ipv4.tcp_wmem\\: see "
	      "buffers.send.}",
	      "The send buffer of a connection of the server of check --run limits it to less than "
	      "the target's bandwidth over its round trip.",
	      "Do not set SO_SNDBUF in the server, or raise the third field of net.ipv4.tcp_wmem.",
	      "sndbuf_limited of its connection (ss -ti), and tb of ss -tm, which does not grow",
	      "One connection carries the target's bandwidth"),
	SHORT("application.accepts", REMEDY_APPLICATION,
	      "{who} {tight?can barely:cannot} accept {needed} new connections/s",
	      "It accepted {reached}{cpu?, and one of its threads used up a CPU:; neither its threads nor the "
	      "client used up a CPU\\: the server waited for something else}.{overflows? Its accept queue overflowed meanwhile\\: the kernel "
	      "dropped SYNs, and clients retransmit them after 1 s.}",
	      "{overflows?Raise its backlog first (wall accept-queue). }{cpu?Give it more workers, up "
	      "to the number of CPUs:Give it more workers or threads, so that one accepts while others wait "
	      "(for a disk, another server, a lock)}, and compare with --versus. Clients that keep "
	      "connections alive open fewer.",
	      "The server of check --run accepted fewer new connections per second than the target "
	      "has.",
	      "Give it more workers or CPUs, and compare two commands with --versus; keep "
	      "connections alive, so that clients open fewer.",
	      "Clients that connect, send a request and reset (UNIX: close), in a closed loop",
	      "The server accepts the target's new connections"),
	SHORT("application.rate", REMEDY_APPLICATION,
	      "{who} {tight?can barely:cannot} answer {needed} requests/s",
	      "It answered {reached}.",
	      "Give it more workers or CPUs, and compare with --versus. No kernel limit was met.",
	      "The server of check --run answered fewer requests per second than --requests needs.",
	      "Give it more workers or CPUs, and compare two commands with --versus.",
	      "A closed loop over 64 connections; an open loop shows the latency at a rate",
	      "The server answers the requests"),
	{.id = "application.errors",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .title = "{who} does not answer all requests",
	 .detail = "{bad}",
	 .advice =
		 "Look for the cause in its log; a limit that it sets for requests is one. Where the "
		 "request is not what it expects, choose another with --protocol and --path.",
	 .answer = "{who} does not answer all requests",
	 .meaning =
		 "Of the requests of check --run one in 100 or more got an error, or the server reset "
		 "or closed the connection, so that the rate of the others is no measure of its "
		 "speed.",
	 .action = "Look for the cause in its log, or choose a request that it answers.",
	 .proof = "The replies to clients that send requests in a closed and in an open loop"},
	{.id = "application.stuck",
	 .runbook = RUNBOOK_TIMEOUTS,
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .title = "{who} does not answer {what}",
	 .detail =
		 "{end?It {end}.:It no longer accepted another client, or did not answer it, in two "
		 "attempts of 2 s each.}",
	 .advice =
		 "Any client can cause this.{line? {server}\\: {line}:{emfile?: Set timeouts for "
		 "clients, or put a proxy in front of it.}}{emfile? A server at its limit has to go on "
		 "when a descriptor is closed.}",
	 .answer = "{who} does not answer {what}",
	 .meaning =
		 "The server of check --run did not serve another client while clients did not "
		 "read its replies, or after clients reset or closed their connections, sent invalid "
		 "requests, or used up its descriptors. Critical where the server exited: one client "
		 "ends the connections of all.",
	 .action = "Find in its log what it waits for, or why it exited; set its timeouts.",
	 .proof = "Another client connects and sends a request"},
	{.id = "application.spins",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .title = "{who} spins {what}",
	 .detail = "For {elapsed} one of its threads ran or waited for a CPU nearly all the time; "
		   "before, none did.{emfile? accept() then "
		   "fails with EMFILE, and the listener stays readable.}",
	 .advice =
		 "{emfile?Let it stop watching its listener until a descriptor is closed, and raise "
		 "its RLIMIT_NOFILE{files?; {server}\\: {files}}:Find the socket that it reads in "
		 "a loop\\: strace -f -p PID}.",
	 .answer = "{who} spins {what}",
	 .meaning =
		 "A thread of the server of check --run took all the CPU time that it could get "
		 "when its descriptors were used up and clients waited, or after clients had "
		 "gone. A level-triggered server that goes on watching its listener at EMFILE does "
		 "so.",
	 .action =
		 "Stop watching the listener at EMFILE until a descriptor is closed; close sockets "
		 "at EPOLLHUP and EPOLLERR.",
	 .proof = "/proc/PID/task/TID/schedstat: the time that its threads ran or waited for a CPU "
		  "grows as fast as the clock"},
	{.id = "manners.untried",
	 .level = LEVEL_SKIPPED,
	 .title = "Some experiments of probe manners have no result",
	 .detail = "{late?No time was left to try the server {late}.{why? }:}{why}",
	 .advice = "Repeat the check on a quiet machine.",
	 .answer = "some experiments of probe manners have no result",
	 .meaning = "The server of check --run was not tried with all clients that misbehave, or "
		    "what it did then is not known: the machine was too slow or too busy, or the "
		    "server did not answer a client before.",
	 .action = "Repeat the check on a quiet machine. Where the server answers no client, check "
		   "--protocol and --path.",
	 .proof = "The experiments, with the reason, in the finding"},

	SHORT("accept-queue", REMEDY_APPLICATION,
	      "{listener?" BACKLOG_TITLE(
		      "") ":The accept queue is {tight?tight:too short} for a stall "
			  "of {stall}}",
	      "{listener?" BACKLOG_OF_A_SERVER ":{needed} connection{needed=1?:s} "
	      "{needed=1?arrives:arrive} in a stall of {stall}; "
	      "the queue holds {capacity}.}",
	      "{listener?" BACKLOG_REMEDY ":{possible?{how} Costs nothing until used.:No accept "
	      "queue holds that many: shorten the server's stalls.}}",
	      "While the server stalls, more clients arrive than its accept queue holds. The "
	      "kernel drops the packets of those beyond, which clients retransmit after 1 s or more.",
	      "Raise net.core.somaxconn and the backlog that the server passes to listen(), then "
	      "restart the server. Or shorten its stalls.",
	      "TcpExt.ListenOverflows grows, and does not at the proposed value",
	      "The accept queue holds the clients of a stall"),
	SHORT("accept-queue.unix", REMEDY_APPLICATION, BACKLOG_TITLE(""),
	      BACKLOG_OF_A_SERVER " Beyond that queue a non-blocking connect() "
				  "fails with EAGAIN, a blocking one sleeps.",
	      BACKLOG_REMEDY,
	      "While the server stalls, more clients arrive at its UNIX socket than its accept "
	      "queue holds. A non-blocking connect() of the others fails with EAGAIN, a blocking one "
	      "waits.",
	      "Raise net.core.somaxconn and the backlog that the server passes to listen(), then "
	      "restart the server. Or shorten its stalls.",
	      "The socket's limit by unix_diag (Send-Q of ss -lx); EAGAIN from connect(2) at that depth",
	      "The accept queue of the UNIX socket holds the clients of a stall"),
	UPSTREAM(
		"accept-queue.upstream", "a TCP port",
		"the kernel drops the SYN, and retransmits it after 1 s\\: connect() of {who} takes that long",
		"The listener's limit by inet_diag (Send-Q of ss -ltn)"),
	UPSTREAM(
		"accept-queue.unix.upstream", "a UNIX socket",
		"connect() fails with EAGAIN, and clients get an error (502 of nginx, 503 of HAProxy)",
		"The socket's limit by unix_diag (Send-Q of ss -lx)"),
	RESTART("accept-queue", "Send-Q of ss -ltn"),
	RESTART("accept-queue.unix", "Send-Q of ss -lx"),
	{.id = "accept-queue.application",
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .title = "{listener} has backlog {limit}; this load needs {needed}",
	 .detail = "For this listener the application's backlog is the limit; raising "
		   "net.core.somaxconn ({somaxconn}) does not help.{others? The same holds for "
		   "{others}.}",
	 .meaning = "A server that runs here passed a smaller backlog to listen() than the target "
		    "needs: its own configuration limits its accept queue, not the kernel.",
	 .action = "Raise the backlog in the server's configuration and restart it.",
	 .proof = "The listener's limit by inet_diag (Send-Q of ss -ltn) is below "
		  "net.core.somaxconn"},
	{.id = "accept-queue.long",
	 .remedy = REMEDY_KERNEL,
	 .observed = true,
	 .title = "net.core.somaxconn {limit} lets a client wait {wait} in a full accept queue",
	 .detail =
		 "That is {limit} connection{limit=1?:s} accepted at {rate}. Most clients give up "
		 "after 10 to 30 s: the server would then accept connections that their clients "
		 "have closed.",
	 .advice = "Keep the queue for stalls, not for overload\\: a value that empties within the "
		   "clients' timeout. Unused entries cost nothing.",
	 .meaning =
		 "net.core.somaxconn is above the kernel's default and above what the target needs, and a "
		 "full queue takes longer to empty at the target's rate than clients wait (30 s).",
	 .action = "Nothing while the queue is not full; lower net.core.somaxconn or the backlog "
		   "where clients time out during overload.",
	 .proof = "somaxconn divided by the accepts a second"},
	{.id = "accept-queue.overflowing",
	 .level = LEVEL_CRITICAL,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{endpoint}",
	 .title = "{listener}: {seen?its accept queue {now?is:was} full ({depth} of {capacity}) "
		  "and }{rate} handshake packet{rate=1?:s}/s {rate=1?is:are} "
		  "dropped now",
	 .detail =
		 "Retransmissions included; {total} since the socket was made. {many?Workers {pids} "
		 "accept from it. :{worker?Worker {pid} accepts from it. }}{group?{stuck} of {group} sockets of this address "
		 "(SO_REUSEPORT) {stuck=1?was:were} full; together they hold {sum} of {room}. }" WHOSE_BACKLOG
		 "{slow?:{cpu? {cpu}}}{more? {more} more listener{more=1?:s} {more=1?is:are} in trouble.}",
	 .advice =
		 "{slow?See accept-queue.slow.:{looks?{min?A longer queue helps only if the "
		 "server catches up\\: this one was full in {full} of {looks} samples and never "
		 "below {min}. }:Two samples do not show whether a longer queue helps\\: it does "
		 "where the server's stalls are short. }{raise?First, in the network namespace of the server\\: sysctl -w net.core.somaxconn={backlog}. }"
		 "{line?{server}\\: {line}:Pass backlog {backlog} to listen()} (effective "
		 "{effect}). Costs nothing until used.}",
	 .answer = "{who} is dropping connections now",
	 .meaning = "A listener's accept queue was full during the check and the kernel dropped "
		    "handshakes that arrived at it. Their clients retransmit after 1 s or more.",
	 .action = "Raise the backlog of that server, and net.core.somaxconn where it is the "
		   "limit; where accept-queue.slow is reported as well, no backlog helps.",
	 .proof = "Depth above the limit by inet_diag (Recv-Q and Send-Q of ss -ltn), while the "
		  "socket's drops and TcpExt.ListenOverflows grow"},
	{.id = "accept-queue.slow",
	 .level = LEVEL_CRITICAL,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{endpoint}",
	 .title = "{listener}: {sampled?the queue was full in {full} of {looks} samples{min? and "
		  "never below {min} of {capacity}}\\: :}more "
		  "connections arrive than {process?{process}:the server} accepts",
	 .detail =
		 "{needed?It accepts {accept}/s of {needed}/s that this load needs. }{process?{whose} {doing?{doing}:is in an unknown state}.{cpu? {cpu}}:{unheld?No "
		 "process has it open\\: the kernel itself does, io_uring, or a message that passes "
		 "it on.:The process {cut?was not found before the search ended:is not visible "
		 "{apart?in this PID namespace:to this user}}.}}",
	 .advice =
		 "No backlog helps. {help?{help}:Run the check as root to see the process, or add "
		 "workers}.",
	 .answer = "{who} is dropping connections now",
	 .meaning = "A listener's accept queue overflowed and was full all the time or never half "
		    "empty, or its process does not accept at all, or it accepts less than the "
		    "load of --server needs: more connections arrive than the server accepts. A "
		    "longer queue only makes clients wait longer.",
	 .action = "Look at the state of the process, which the finding names: resume or restart "
		   "one that is stopped, raise a limit that it has met, otherwise add workers.",
	 .proof = "The queue was full in nine of ten samples or more, or full in one and never "
		  "half empty in a window longer than two stalls of the target; or the state of "
		  "the process"},
	{.id = "accept-queue.dropped",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{endpoint}",
	 .title =
		 "{listener} dropped {most?up to }{dropped} handshake packet{dropped=1?:s} {after}",
	 .detail =
		 "ListenOverflows of this network namespace grew by {overflows} {since}, "
		 "retransmissions included.{most? The drops of this socket grew by {drops}\\: they "
		 "count stray packets too.} " WHOSE_BACKLOG
		 "{reboot? The machine has rebooted since the report of {report}.}{netns? The server "
		 "had another network namespace in the report of {report}.}{in_place? The "
		 "experiments of that report ran in this namespace; their drops are counted "
		 "too.}{more? {more} more listener{more=1?:s} {more=1?has:have} dropped packets "
		 "since.}",
	 .advice = "Where its stalls are short, raise the backlog{raise? and net.core.somaxconn}. "
		   "{line?{server}\\: {line}:Pass backlog {backlog} to listen()} (effective "
		   "{effect}). Costs nothing until used.",
	 .answer = "{who} dropped handshakes {after}",
	 .meaning = "A listener's accept queue was full some time since the earlier report of "
		    "check --since, or while check --observe ran, and the kernel dropped "
		    "handshakes that arrived at it.",
	 .action = "Raise the backlog of that server where its stalls are short; otherwise find "
		   "what it waited for in that time, in its own logs.",
	 .proof = "The socket's drops by inet_diag and TcpExt.ListenOverflows, each against the "
		  "earlier report"},
	{.id = "accept-queue.full",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{endpoint}",
	 .unserved = true,
	 .title =
		 "{listener}: its accept queue is full ({depth} of {capacity}){looks?; nothing was "
		 "dropped during this check:}",
	 .detail =
		 "The kernel drops the next client. {process?{whose} {doing?{doing}:is in an "
		 "unknown state}. }{cpu?{cpu} }{group?{stuck} of {group} "
		 "sockets of this address (SO_REUSEPORT) {stuck=1?was:were} full; together they "
		 "hold {sum} of {room}. }{looks?It was full in {full} of {looks} samples. }{total} "
		 "packet{total=1?:s} {total=1?was:were} dropped before, since the socket was "
		 "made.{more? {more} more listener{more=1?:s} {more=1?is:are} full.}",
	 .advice =
		 "{slow?{help?No backlog helps a server that accepts too slowly, or not at all. {help}.}:"
		 "{process?{once?" ONE_LOOK
		 ":{raise?First, in the network namespace of the server\\: sysctl -w net.core.somaxconn={backlog}. }"
		 "{line?{server}\\: {line}:"
		 "Pass backlog {backlog} to listen()} (effective {effect}).}:"
		 "{help}. A longer backlog helps only a server that accepts.}}",
	 .answer = "the accept queue of {who} is full",
	 .meaning = "A listener's accept queue is full; no client arrived in that moment, or only "
		    "one sample was taken. Critical where the process does not accept, or the "
		    "queue was full all the time.",
	 .action = "Check again while clients arrive, without --quick. Look at the process that "
		   "does not accept.",
	 .proof = "Depth above the limit by inet_diag (Recv-Q and Send-Q of ss -ltn)"},
	{.id = "accept-queue.waiting",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{endpoint}",
	 .unserved = true,
	 .title = "{listener}: {depth} {several?connections wait:connection waits} {none?and "
		  "{process?{process}:its server} accepts none:in a queue that did not become "
		  "shorter}",
	 .detail =
		 "{process?{whose} {doing?{doing}:is in an "
		 "unknown state}.{cpu? {cpu}}}{looks?{process? }The queue did not become shorter in {looks} "
		 "samples{accept?\\: its server accepts {accept}/s at most}.}{longer? The window of "
		 "{window} is shorter than two stalls of the target.}{group? That is so "
		 "at {stuck} of {group} sockets of this address (SO_REUSEPORT).}{more? {more} "
		 "more listener{more=1?:s} {more=1?is:are} in trouble.}",
	 .advice = "{longer?To see whether this is a stall, run the check with a --window of more "
		   "than {longer}. }{help}.",
	 .answer = "{none?{who} does not accept connections:{who} has an accept queue that does "
		   "not become shorter}",
	 .meaning = "Connections wait in a listener's accept queue and none is seen to be "
		    "accepted: the process is stopped, has exited or is at its limit, or the "
		    "queue did not become shorter during the check, as far as PassiveOpens and the "
		    "connections that wait in the middle and at the end show: with SO_REUSEPORT, "
		    "where other listeners accept, its server may accept some. Clients wait. "
		    "Critical where its process shows that it does not accept, and for the server "
		    "that --server names, unless the window is shorter than two stalls of the "
		    "target.",
	 .action = "Look at the process that the finding names.",
	 .proof = "Depth by inet_diag or unix_diag (Recv-Q of ss -ltn, ss -lx) and the state of "
		  "the process"},
	{.id = "accept-queue.growing",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{endpoint}",
	 .unserved = true,
	 .title = "{listener}{known? accepts {others?up to }{accept}/s of {arrive}/s that "
		  "arrive:\\: its accept queue grows}\\: {sum} connection{sum=1?:s} "
		  "{sum=1?waits:wait}{wait?{known?, a new one for {wait} or more}}",
	 .detail = "In {window} the queue grew from {from} to {sum}; it holds {room}, and clients "
		   "beyond are refused or dropped." OF_ITS_SIBLINGS "{cpu? {cpu}}"
		   "{more? {more} more listener{more=1?:s} "
		   "{more=1?is:are} in trouble.}",
	 .advice =
		 "{denied?No backlog helps. {help}.:"
		 "No backlog helps\\: add workers or CPUs, or find out what {process?{process}:the "
		 "server} waits for (a disk, a lock, another server).}",
	 .answer = "{who} accepts {known?{others?up to }{accept}/s of {arrive}/s that arrive:too "
		   "slowly}",
	 .meaning =
		 "An accept queue grew during the whole check, by more than chance and a stall of the "
		 "target explain: its server accepts fewer connections than arrive. What it has accepted "
		 "is what arrived in this network namespace (PassiveOpens) without the growth, so that "
		 "the server may accept fewer, and clients wait longer, where other listeners accept too. "
		 "Critical for the server that --server names.",
	 .action =
		 "Add workers or CPUs, or let the server do less for each connection; find out what "
		 "it waits for.",
	 .proof =
		 "Depth by inet_diag (Recv-Q of ss -ltn) at the start, in the middle and at the end "
		 "of the window; Tcp.PassiveOpens"},
	{.id = "accept-queue.standing",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{endpoint}",
	 .unserved = true,
	 .title = "{listener}{saturated? accepts {others?up to }{accept}/s{needed? of {needed}/s "
		  "that this load needs}}\\: {sum} connection{sum=1?:s} "
		  "{sum=1?waits:wait}{saturated?, a new one for {wait} or more: now}",
	 .detail =
		 "{looks?The queue was not empty in any of {looks} samples{from?\\: in {window} it "
		 "came from {from} to {sum}}.:One sample does not show how fast the server accepts "
		 "them.}" OF_ITS_SIBLINGS "{cpu? {cpu}}"
		 "{more? {more} more listener{more=1?:s} {more=1?is:are} in trouble.}",
	 .advice =
		 "{saturated?{denied?No backlog helps. {help}.:No backlog helps\\: add workers or CPUs, or find out what "
		 "{process?{process}:the server} waits for (a disk, a lock, another server).}:"
		 "{looks?Look at how long its clients wait.:Check again without --quick.}}",
	 .answer = "{who} accepts {others?up to }{accept}/s{needed? of {needed}/s needed}; its "
		   "accept queue is never empty",
	 .meaning =
		 "An accept queue was not empty in any sample of the check, for longer than a stall "
		 "of the target explains: what the server accepted is all that it can accept. That "
		 "is what arrived in this network namespace (PassiveOpens) and by how much the queue "
		 "fell, so that the server may accept fewer where other listeners accept too. At a "
		 "UNIX socket it is how many left the queue while a client that came before them "
		 "waited for half of the check. "
		 "Critical for the server that --server names where it is less than the target's "
		 "rate; a note where 100 connections or more wait and the rate is not known. A socket "
		 "of several of one address (SO_REUSEPORT) is judged by itself too.",
	 .action =
		 "Add workers or CPUs, or let the server do less for each connection; find out what "
		 "it waits for.",
	 .proof = "Depth by inet_diag or unix_diag (Recv-Q of ss -ltn, ss -lx) in all samples; "
		  "Tcp.PassiveOpens, or the clients that wait at the UNIX socket"},
	{.id = "accept-queue.unix.full",
	 .runbook = RUNBOOK_TIMEOUTS,
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .wall = "",
	 .observed = true,
	 .about = "{endpoint}",
	 .unserved = true,
	 .title = "{listener}: its accept queue {now?is:was} full ({depth} of {capacity}){now?; "
		  "clients get EAGAIN:; clients that did not block got EAGAIN}",
	 .detail =
		 "{sampled?It was full in {full} of {looks} samples. }A non-blocking connect() to a "
		 "UNIX socket fails with EAGAIN then, a blocking one sleeps; no counter shows it. "
		 "{process?{whose} {doing?{doing}:is in an unknown state}. }{cpu?{cpu} }" WHOSE_BACKLOG
		 "{more? {more} more listener{more=1?:s} {more=1?is:are} in trouble.}",
	 .advice =
		 "{slow?No backlog helps a server that accepts too slowly, or not at all.{help? {help}.}:"
		 "{process?{once?" ONE_LOOK
		 ":{raise?First, in the network namespace of the server\\: sysctl -w net.core.somaxconn={backlog}. }"
		 "{line?{server}\\: {line}:"
		 "Pass backlog {backlog} to listen()} (effective {effect}).}:"
		 "{help}. A longer backlog helps only a server that accepts.}}",
	 .answer = "the accept queue of {who} {now?is:was} full",
	 .meaning =
		 "The accept queue of a UNIX socket was full in some sample of the check. The kernel "
		 "refuses clients that do not block at once, with EAGAIN, and there is no "
		 "retransmission that admits them later; those that block wait. Critical where the "
		 "queue was full all the time, the process does not accept, or the server that "
		 "--server names accepts less than the target's rate.",
	 .action = "Add workers where it is full all the time; raise the backlog of that server "
		   "where bursts fill it.",
	 .proof = "Depth above the limit by unix_diag (Recv-Q and Send-Q of ss -lx)"},
	{.id = "accept-queue.abort-on-overflow",
	 .observed = true,
	 .title = "A full accept queue resets clients",
	 .detail =
		 "The kernel resets a client that meets a full queue after its handshake, and the client gives up. "
		 "With net.ipv4.tcp_abort_on_overflow=0 it retransmits the SYN-ACK, and admits the client once the queue has room.",
	 .advice = "More: epolltune explain tcp_abort_on_overflow-1. To set the kernel's default: "
		   "epolltune apply --only net.ipv4.tcp_abort_on_overflow --set "
		   "net.ipv4.tcp_abort_on_overflow=0 --allow-lower",
	 .meaning = "net.ipv4.tcp_abort_on_overflow is set: the kernel resets clients that meet a "
		    "full accept queue, where a retransmission would have admitted them.",
	 .action = "Set it to 0, unless something before the server turns resets into another "
		   "attempt.",
	 .proof = "TcpExt.EmbryonicRsts grows with TcpExt.ListenOverflows"},

	SHORT("syn-queue", REMEDY_APPLICATION,
	      "{suffices?net.ipv4.tcp_max_syn_backlog is {max_syn}\\: {listener} holds {capacity} "
	      "half-open connection{capacity=1?:s}; this load needs {needed}:{listener?" BACKLOG_TITLE(
		      " half-open connection{needed=1?:s}") ":The SYN queue is {tight?tight:too "
							    "short} for {rate} over a round trip of {rtt}}}",
	      "At {rate} over {rtt}, {needed} handshake{needed=1?:s} {needed=1?is:are} half open "
	      "at a time; the queue {held?held {held}:holds {capacity}}{by_cookie?, and the kernel "
	      "answered {by_cookie} SYN{by_cookie=1?:s} with a cookie:{dropped?, and the kernel dropped {dropped} "
	      "SYN{dropped=1?:s}}}. {cookies?The kernel answers those beyond with a cookie\\: it drops no "
	      "SYN, but cookies cost CPU and, {unstamped?as net.ipv4.tcp_timestamps is "
	      "0:without timestamps}, window scaling and SACK:The "
	      "kernel drops those beyond, and clients retransmit a dropped SYN after 1 s}.",
	      "{possible?{suffices?{how}:{listener?" BACKLOG_REMEDY
	      ":{how}}}:{unheld?" BACKLOG_UNHELD
	      ":No setting makes it longer\\: spread the clients over several "
	      "listeners (SO_REUSEPORT) or machines.}}"
	      "{cookies? net.ipv4.tcp_max_syn_backlog has no effect while tcp_syncookies is on.: "
	      "tcp_syncookies=1 would answer with cookies instead of dropping.}",
	      "More handshakes are half open at a time, rate times round trip, than the "
	      "listener's SYN queue holds, and the kernel drops those beyond where "
	      "net.ipv4.tcp_syncookies is 0; clients retransmit after 1 s or more.",
	      "With tcp_syncookies=1 raise net.core.somaxconn and the backlog that the server "
	      "passes to listen(); net.ipv4.tcp_max_syn_backlog has no effect then. With "
	      "tcp_syncookies=0 raise net.ipv4.tcp_max_syn_backlog as well: three quarters of it "
	      "are for new clients.",
	      "TcpExt.TCPReqQFullDoCookies or TcpExt.ListenDrops grows, and does not at the "
	      "proposed value; half-open connections by inet_diag",
	      "With tcp_syncookies=1 the kernel answers those beyond the SYN queue with a cookie: "
	      "it drops no SYN, but cookies cost CPU and, without timestamps, window scaling "
	      "and SACK. Without cookies the queue holds the target's half-open connections"),

	RESTART("syn-queue", "Send-Q of ss -ltn"),
	{.id = "syn-queue.cookies",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .title =
		 "{always?The kernel answers every SYN with a cookie, as net.ipv4.tcp_syncookies is 2:"
		 "{grown?The kernel answers SYNs with cookies now\\: {grown} in {window}:The kernel "
		 "has answered {total} SYN{total=1?:s} with cookies " SINCE_BEGUN
		 "{watched?, none during this check:}}}",
	 .detail =
		 "{always?No SYN queue was full\\: with 2 none is used.:A listener's SYN queue was "
		 "full.} Cookies drop no SYN; they cost CPU and, without timestamps, window "
		 "scaling and SACK.{listener? The queue of {listener} is full\\: {half_open} "
		 "half-open connection{half_open=1?:s}; its backlog is {limit}.:{grown? No SYN "
		 "queue is full now, so that the listener is not known{smallest?; the smallest backlog is {limit}, of {smallest}:}.}}" DEFERRED_DETAIL,
	 .advice =
		 "{always?That value is for tests\\: sysctl -w net.ipv4.tcp_syncookies=1 sends "
		 "cookies only where a SYN queue is full.:}{grown?" DEFERRED_ADVICE
		 "Raise the backlog of {listener?that listener:the listener that gets most new clients (ss -ltn\\: Send-Q is the backlog)}; "
		 "net.ipv4.tcp_max_syn_backlog has no effect while tcp_syncookies is on. Where no "
		 "more clients come than usual, look for a SYN flood.}",
	 .answer = "SYN cookies are being sent",
	 .meaning =
		 "A listener's SYN queue was full and the kernel answered SYNs with cookies, or "
		 "net.ipv4.tcp_syncookies is 2 and it answers every SYN so. That drops "
		 "no SYN, but the kernel does not retransmit a SYN-ACK with a cookie: a client that waits for the server to send first hangs if the final ACK of its handshake is lost.",
	 .action =
		 "Raise the backlog of the listener whose SYN queue is full, often one with a "
		 "small one. Where it has TCP_DEFER_ACCEPT, clients that send nothing fill it. Otherwise "
		 "it is a SYN flood, against which cookies help.",
	 .proof = "TcpExt.TCPReqQFullDoCookies; half-open connections by inet_diag (ss -tn state "
		  "syn-recv)"},

	{.id = "syn-queue.dropping",
	 .level = LEVEL_CRITICAL,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{endpoint}",
	 .unserved = true,
	 .title =
		 "{listener}: its SYN queue {between?was full between two samples (it holds "
		 "{capacity}):is full ({half_open} of {capacity})}{grown? and the kernel {between?dropped:drops} "
		 "SYNs\\: {grown} in {window}:{watched?; none was dropped during this check}}",
	 .detail =
		 "net.ipv4.tcp_syncookies is 0\\: {max_syn?the kernel keeps the last quarter of "
		 "net.ipv4.tcp_max_syn_backlog ({max_syn}) for clients that it knows from earlier, and "
		 "drops the SYNs of all others:beyond the listener's backlog of {limit} the kernel drops "
		 "SYNs}. Clients retransmit after 1 s or more." DEFERRED_DETAIL
		 "{more? {more} more listener{more=1?:s} {more=1?drops:drop} SYNs.}",
	 .advice = DEFERRED_ADVICE
	 "sysctl -w net.ipv4.tcp_syncookies=1 has the kernel answer those beyond with a cookie "
	 "instead{max_syn?; without cookies raise net.ipv4.tcp_max_syn_backlog}. Where no more "
	 "clients come than usual, look for a SYN flood.",
	 .answer = "{grown?{who} is dropping SYNs now:the SYN queue of {who} is full}",
	 .meaning =
		 "The kernel sends no SYN cookies, and a listener has as many half-open "
		 "connections as net.ipv4.tcp_max_syn_backlog or its backlog admits of new "
		 "clients: it drops the SYNs of further ones. Critical where its drops grew during "
		 "the check, and ListenDrops by more than ListenOverflows. Where the drops of a few "
		 "others grew as much, that shows queues that were full between two samples as well: critical for "
		 "the server that --server names. ICMP errors and packets without a route, which may count in "
		 "ListenDrops too, are then subtracted.",
	 .action = "Set net.ipv4.tcp_syncookies=1, or raise net.ipv4.tcp_max_syn_backlog and the "
		   "backlog of the listener; three quarters of the former are for new clients.",
	 .proof =
		 "TcpExt.ListenDrops grows without TcpExt.ListenOverflows; half-open connections by "
		 "inet_diag (ss -tn state syn-recv); drops of the listener (ss -ltnm)"},
	{.id = "syn-queue.filtered",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{endpoint}",
	 .unserved = true,
	 .title = "{listener} drops {rate} packet{rate=1?:s}/s before they reach its queues",
	 .detail =
		 "Its drops grew by {count} in {window}, and {opens} connection{opens=1? was:s were} "
		 "opened in this network namespace\\: a client whose SYN it drops gets no answer. "
		 "{counter?{counter} grew as well\\: {what}:ListenDrops counts none of them\\: a filter on "
		 "the socket (SO_ATTACH_FILTER) or on its control group drops them, as IPAddressDeny= "
		 "of a unit does.}",
	 .advice =
		 "{counter?{action}:{unit?{manager} show {unit} -p IPAddressAllow -p IPAddressDeny -p "
		 "IPIngressFilterPath. }bpftool cgroup tree lists the filters of control groups, perf "
		 "trace -e skb\\:kfree_skb the reason of each drop (Linux 5.17).}",
	 .answer = "{who} drops the packets of clients before its queues",
	 .meaning =
		 "A listener dropped packets in both halves of the window, more than the connections that "
		 "were opened and a tenth of all segments received, and neither a full queue nor SYN "
		 "cookies, resets or half-open connections explain them. A socket filter, a BPF "
		 "program of the control group or a signature that is missing (TCP_MD5SIG, TCP-AO) "
		 "drops them before the SYN queue, and clients time out.",
	 .action = "Find the filter and remove it, or let it pass the clients: bpftool cgroup "
		   "tree; IPAddressAllow= of the unit.",
	 .proof = "Drops of the listener (ss -ltnm) grow without TcpExt.ListenDrops, and few "
		  "Tcp.PassiveOpens"},

	SHORT("accept.rate", REMEDY_APPLICATION,
	      "{cpus} {tight?might not:cannot} accept {needed} new connections/s",
	      "{capacity}/s is an upper bound, by the CPU time that a connection takes {proxy?at "
	      "both ends, as a proxy opens one of its own for each that it accepts:in the test "
	      "server's process, without the softirqs of its handshake}. The CPU time that the "
	      "test server and a client took together allows {shown}/s.",
	      "{online?{by_quota?Raise or remove the CPU quota of the control group (CPUQuota= of "
	      "its unit, the CPU limit of its container):{by_threads?Let more workers or threads "
	      "of the server accept, up to the {online} CPUs:Let the server run on more of the "
	      "{online} CPUs (AllowedCPUs= or CPUAffinity= of its unit, cpuset of its "
	      "container)}}. }Keep connections alive, so that clients "
	      "open fewer, or spread the clients over more CPUs: a larger machine, or several behind a load balancer. A server uses all CPUs "
	      "only if it accepts on each: several workers, each with its own listener "
	      "(SO_REUSEPORT).",
	      "The target's new connections a second take more CPU time than this machine has, "
	      "even for a server that only accepts and closes them. For a proxy, the "
	      "connection that it opens itself for each counts as well.",
	      "Keep connections alive, so that clients open fewer; add CPUs, or machines behind a "
	      "load balancer; accept on every CPU, with several workers and SO_REUSEPORT.",
	      "The CPU time per connection of the test server, and of both ends, in the finding",
	      "The upper bound allows the target's rate, but with a client on the same CPUs it is "
	      "reached, if at all"),

	{.id = "ports.connect-cost",
	 .wall = "ports.ephemeral",
	 .title =
		 "With {share} of the ports to one destination in use, connect() takes {cost} of CPU "
		 "time, {times} times as much as with free ports",
	 .detail = "The kernel tries every other port first, and those between them when all of "
		   "these are in use\\: from {from} of the {ports} ports on, each connect() takes "
		   "more than ten times the {plain} of one with free ports. Measured on {measured} "
		   "port{measured=1?:s}, and scaled to the ports that the kernel tries.",
	 .advice =
		 "Use less than half of the ports to each destination\\: keep connections open, add "
		 "source addresses or destinations, or widen net.ipv4.ip_local_port_range.",
	 .meaning =
		 "connect() searches for a free port: above half of the range it first tries all "
		 "ports of one parity, which are in use. The cost grows with the size of the range; "
		 "from half of the range on it rises little until the last ports.",
	 .action = "Use less than half of the ports to each destination: keep-alive, more source "
		   "addresses or destinations, a wider range.",
	 .proof = BY_EXPERIMENT "; perf top shows __inet_hash_connect()"},
	{.id = "ports.connect-rate",
	 .quiet = true,
	 .wall = "ports.ephemeral",
	 .title = "Connect rates, by the side that closes first",
	 .detail = "{lasting?With {ports} ports, TIME_WAIT of 60 s and tcp_tw_reuse={reuse}"
		   "{no_timestamps? (without effect as tcp_timestamps is off)}, a client that "
		   "closes first can open {lasting} connections/s from one address to one "
		   "destination, {loopback}/s over loopback. Once half of the ports are in use, "
		   "each connect() searches long for a free one.}",
	 .meaning = "The connections/s that one client opens here, by the side that closes first, "
		    "from one and from several source addresses, over veth and over loopback.",
	 .action = "Compare only connect rates that name all three. The side that closes first "
		   "keeps the connection in TIME_WAIT for 60 s; a client keeps its port, too.",
	 .proof = BY_EXPERIMENT},
	SHORT("ports.rate", REMEDY_APPLICATION,
	      "{foreign?{foreign} of {ports} ports {foreign=1?seems:seem} to be bound by other "
	      "processes{owner?, such as {owner}}:TIME_WAIT allows {exact} new connections/s from "
	      "one address to {destination}; {rate} {rate=1?is:are} needed{destinations? to each of "
	      "{destinations}}{tight? with 25 % headroom}}",
	      "{foreign?Other processes seem to have chosen these ports by bind()\\: no two "
	      "destinations share one, or they have the parity that connect() tries last, or no "
	      "connection has them. connect() takes none of them for any destination. What they "
	      "leave is not enough for {connections} connection{connections=1?:s} and {rate} new "
	      "one{rate=1?:s}{destinations? to each of {destinations}}.:A proxy that closes first keeps each port for {rest} "
	      "(tcp_tw_reuse={reuse}{bound?, without effect on bind():{no_timestamps?, without "
	      "effect as tcp_timestamps is off:{unstamped?, without effect as its open connections "
	      "have no TCP timestamps}}}). {bound?The proxy calls bind() before connect()\\: all "
	      "destinations share one range. }{used?{used} port{used=1?:s} to {destination} "
	      "{used=1?is:are} in use now{named?:; with --server those of the server itself do not count}. }{full?Its "
	      "open connections take {used?the rest of the:all} {ports} ports.:{part} of "
	      "{ports} ports {part=1?is:are} for open connections\\: beyond {exact}/s "
	      "connect() fails with EADDRNOTAVAIL.}}" SPREAD,
	      "{possible?Takes effect {effect}. {reuses?{cost} }" SERVICES
	      "Otherwise:No value suffices\\:} {foreign?set IP_BIND_ADDRESS_NO_PORT before bind() in "
	      "{owner?{owner}:the other processes}:{bound?set IP_BIND_ADDRESS_NO_PORT before bind() "
	      "in the proxy:use {addresses?{addresses}:more} source addresses or "
	      "destinations{destinations? instead of {destinations}}}}, reuse connections (keep-alive), "
	      "or let the other side close first.{foreign?:" DESTINATIONS "}",
	      "A proxy opens and closes more connections a second than it has ports for: each "
	      "stays in TIME_WAIT for 60 s.",
	      "Reuse connections (keep-alive); set net.ipv4.tcp_tw_reuse=1; add source addresses "
	      "or destinations, with IP_BIND_ADDRESS_NO_PORT; widen net.ipv4.ip_local_port_range. "
	      "net.ipv4.tcp_max_tw_buckets does not help.",
	      "EADDRNOTAVAIL from connect(2) once the ports are used up, and not with the "
	      "proposed values",
	      "TIME_WAIT leaves a proxy as many ports as its rate needs"),
	SHORT("ports.ephemeral", REMEDY_APPLICATION,
	      "There are {tight?barely enough:not enough} ports to connect from",
	      "From one source address to one destination {capacity} connection{capacity=1?:s} "
	      "{capacity=1?is:are} possible at a time; {needed} {needed=1?is:are} "
	      "needed{destinations? to each of {destinations}}.{bound? The proxy calls bind() before "
	      "connect()\\: all destinations share one range.}" SPREAD,
	      "{reserved?net.ipv4.ip_local_reserved_ports takes {reserved} port{reserved=1?:s} of "
	      "the range. }{sources?{proposed?Even with that range:No range is wider\\:} it takes "
	      "{sources} source address{sources=1?:es}{bound?: or destinations}{destinations? instead "
	      "of {destinations}}. }{proposed?Takes effect {effect}. " SERVICES "}{bound?Set "
	      "IP_BIND_ADDRESS_NO_PORT before bind()\\: then each destination has all ports. }Idle "
	      "connections that are reused take no new ports." DESTINATIONS,
	      "A proxy has fewer ports from one source address to one destination than it needs "
	      "connections.",
	      "Widen net.ipv4.ip_local_port_range, give it more source addresses or "
	      "destinations, set IP_BIND_ADDRESS_NO_PORT where it calls bind(), and reuse idle "
	      "connections.",
	      "EADDRNOTAVAIL from connect(2) at that number, and not at the proposed range",
	      "A proxy has as many ports as it needs connections"),
	{.id = "ports.ephemeral.bound",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{who}",
	 .title = "{used} of {available} ports of {source} {used=1?is:are} in use, each for one "
		  "connection{process?, by {process} (pid {pid})}",
	 .detail = "Destinations share no port, as where bind() to port 0 chooses it before "
		   "connect()\\: all of them have one range. {left?bind() fails with EADDRINUSE "
		   "after {left} more:No port is left\\: bind() fails with EADDRINUSE}. {largest} "
		   "of the ports {largest=1?is:are} to {destination}.{hidden? Run the check as "
		   "root to see the process.}",
	 .advice = "Set IP_BIND_ADDRESS_NO_PORT before bind() in {process?{process}:the "
		   "application}, or do not call bind()\\: then each destination has all "
		   "{available} ports. Otherwise add a source address{narrow?, or widen "
		   "net.ipv4.ip_local_port_range}. net.ipv4.tcp_tw_reuse does not help.",
	 .answer = "{who} has bound {used} of {available} ports of {source}",
	 .meaning =
		 "Most or all ports of a source address are in use and no port is shared by two "
		 "destinations, although there are several: the application calls bind() to port "
		 "0 before connect(), which needs a port that no other socket has.",
	 .action = "Set IP_BIND_ADDRESS_NO_PORT before bind(), or leave the source address to "
		   "the kernel. Another source address has ports of its own; another destination "
		   "has not.",
	 .proof = "The sockets by sock_diag(7): ss -tan src ADDRESS. connect() alone prefers "
		  "every second port, so that destinations share ports before half of the range "
		  "is in use"},
	{.id = "ports.ephemeral.used",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{who} to {destination}",
	 .title = "{used} of {available} ports from {source} to {destination} {used=1?is:are} in "
		  "use{process?, by {process} (pid {pid})}",
	 .detail =
		 "{left?connect() to it fails with EADDRNOTAVAIL after {left} more; above half of "
		 "the range it searches long for a free port.:No port is left\\: connect() to it "
		 "fails with EADDRNOTAVAIL.}{closes? {waiting} of them {waiting=1?is:are} in "
		 "TIME_WAIT, where the side that closes first keeps its port for 60 s.}{reusable? "
		 "Another {reusable} {reusable=1?is:are} in TIME_WAIT\\: connect() reuses "
		 "those.}{others? More destinations\\: {others}.}{hidden? Run the check as root to "
		 "see the process.}",
	 .advice = "Reuse connections (keep-alive){closes?, let the other side close "
		   "first{reuse?, or set net.ipv4.tcp_tw_reuse=1{no_timestamps? and "
		   "net.ipv4.tcp_timestamps=1} (connect() then takes ports that have been in "
		   "TIME_WAIT for 1 s)}}. Otherwise add an address or a port of the destination, "
		   "or a source address{narrow?, or widen net.ipv4.ip_local_port_range}.",
	 .answer = "{who} uses {used} of {available} ports to {destination}",
	 .meaning =
		 "Most or all ports from one source address to one destination are in use. "
		 "Without a free port connect() fails with EADDRNOTAVAIL; before that it searches "
		 "long, as the kernel tries half of the range last.",
	 .action = "Reuse connections, or add addresses or ports of the destination, or source "
		   "addresses: each combination has ports of its own. Where the application calls "
		   "bind(), set IP_BIND_ADDRESS_NO_PORT. A wider net.ipv4.ip_local_port_range adds "
		   "at most what is left up to 65535.",
	 .proof = "The sockets by sock_diag(7): ss -tan dst ADDRESS:PORT. Ports in TIME_WAIT do "
		  "not count where net.ipv4.tcp_tw_reuse lets connect() take them"},
	{.id = "ports.ephemeral.interval",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{who} to {destination}",
	 .title =
		 "{process?{process} (pid {pid}) uses every port:Every port} from {first} to "
		 "{last}{process?: is in use} from {source} to {destination}, and no other ({used} "
		 "port{used=1?:s})",
	 .detail = "The kernel spreads ports over the {available} of "
		   "net.ipv4.ip_local_port_range\\: the application gives this interval, by "
		   "IP_LOCAL_PORT_RANGE or bind(). If these are all that it may use, the next "
		   "connect() fails with EADDRNOTAVAIL, or bind() with EADDRINUSE.{hidden? Run the "
		   "check as root to see the process.}",
	 .advice = "Give it a wider interval, or none, or reuse connections (keep-alive). More "
		   "destinations or source addresses help too.",
	 .answer = "{who} uses each port of an interval of its own to {destination}",
	 .meaning =
		 "The ports from one source address to one destination lie side by side and none "
		 "between them is free, while the range has many. connect() without a range of the "
		 "socket takes every second port first. The application sets the socket option "
		 "IP_LOCAL_PORT_RANGE (Linux 6.3), or calls bind() with ports of its own, as "
		 "HAProxy does by \"source ADDRESS:FIRST-LAST\". A warning where some are in "
		 "TIME_WAIT or SYN_SENT: it opens and closes connections; otherwise a note: they "
		 "may be a pool.",
	 .action = "Widen that interval in the application, or reuse connections.",
	 .proof = "ss -tan dst ADDRESS:PORT"},
	{.id = "ports.ephemeral.udp",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{process}",
	 .title =
		 "UDP sockets have {used} of {available} ephemeral ports{process?, most of them of "
		 "{process} (pid {pid})}",
	 .detail =
		 "A UDP port is taken for all destinations. {left?After {left} more no:No} port is left "
		 "for an {six?IPv6:IPv4} socket without an address\\: bind() fails with EADDRINUSE, "
		 "connect() and sendto() with EAGAIN. Resolvers, TURN servers and QUIC clients need "
		 "one for each socket.{address? {address} has {bound} of "
		 "them.}{hidden? Run the check as root to see the process.}",
	 .advice =
		 "Let {process?{process}:the application} have fewer UDP sockets open (unbound\\: "
		 "outgoing-range; BIND\\: recursive-clients), or bind() each to one of several local "
		 "addresses\\: each has ports of its own.{narrow? Otherwise widen "
		 "net.ipv4.ip_local_port_range.}",
	 .answer = "UDP sockets have {used} of {available} ephemeral ports",
	 .meaning =
		 "Most or all ports of net.ipv4.ip_local_port_range have a UDP socket. A socket that "
		 "chooses no port, as for a query of a resolver, needs one that no other socket of "
		 "its address has; a socket without an address needs one that none has.",
	 .action =
		 "Let the application have fewer UDP sockets open, or bind() them to several "
		 "local addresses. A wider net.ipv4.ip_local_port_range adds at most what is left "
		 "up to 65535; tcp_tw_reuse and several destinations do not help.",
	 .proof = "The sockets by sock_diag(7): ss -uan. udp_lib_get_port() in net/ipv4/udp.c"},
	{.id = "time-wait.early",
	 .title = "net.ipv4.tcp_max_tw_buckets={buckets} ends TIME_WAIT early at this load",
	 .detail = "A proxy that closes {rate} first would have {closed} connection{closed=1?:s} "
		   "in TIME_WAIT to one destination; the kernel ends those beyond {buckets} at "
		   "once, without the protection against old segments. That raises the rate at "
		   "which one address can connect.",
	 .advice = "A larger value does not allow more connections.",
	 .meaning = "The limit on connections in TIME_WAIT is below what a proxy's load leaves "
		    "there. More of its connects succeed, some without the protection against "
		    "old segments.",
	 .action = "Leave it, or return to the kernel's default where segments of old connections "
		   "may do harm. Where ports run out, set net.ipv4.tcp_tw_reuse=1 instead.",
	 .proof = "TcpExt.TCPTimeWaitOverflow grows"},

	SHORT("buffers.receive", REMEDY_APPLICATION,
	      "{switch?{knob}={current} keeps the window:The receive buffer {fixed?that {who} sets :}is} {tight?tight:too "
	      "small} for one connection over {rtt}",
	      "{needed} {needed=1?is:are} needed over {rtt}; "
	      "{switch?{knob}={current}:{share?{share} of a buffer (net.ipv4.tcp_adv_win_scale):a "
	      "whole buffer} in each round trip} allows at most {capacity}.",
	      "{impossible?No TCP window is larger than 1 GiB\\: spread the "
	      "load over several connections.:{fixed?{who} sets {knob}\\: its connections have a buffer of "
	      "{buffer}, which the kernel does not grow. Do not set it, or to more than twice "
	      "the target's bandwidth × RTT, with net.core.rmem_max at least as high.:Takes effect {effect}. {switch?{cost}:Costs "
	      "memory only on connections that fill the path.{measured? The lab merges packets of "
	      "1 500 bytes; the value has a reserve for cards that do not merge them, but where each takes a page, "
	      "twice as much may be needed.}}}}",
	      "The receive buffer limits one connection to less than the target's bandwidth over "
	      "its round trip.",
	      "Raise the third field of net.ipv4.tcp_rmem. Where they are 0, set "
	      "net.ipv4.tcp_moderate_rcvbuf=1 and net.ipv4.tcp_window_scaling=1; before Linux 6.6 "
	      "net.ipv4.tcp_adv_win_scale=1.",
	      "The buffer has grown to its bound while the sender waited for the window "
	      "(rwnd_limited); the same connection at the proposed value",
	      "The receive buffer carries the target's bandwidth over its round trip"),
	{.id = "buffers.receive.application",
	 .remedy = REMEDY_APPLICATION,
	 .title = "An application that sets SO_RCVBUF itself gets less than the target",
	 .detail = "At the largest buffer that {knob} allows ({granted}, which the kernel has "
		   "doubled) one connection carried {carried} of {needed}: the kernel does not "
		   "autotune such a socket. Most programs do better without SO_RCVBUF.",
	 .meaning = "A program that sets SO_RCVBUF itself turns autotuning off and gets less than "
		    "the target, even with the largest value that it may set.",
	 .action = "Do not set SO_RCVBUF. Where a program must, raise net.core.rmem_max for it.",
	 .proof = "A connection with SO_RCVBUF at net.core.rmem_max over the target's round trip"},
	SHORT("buffers.send", REMEDY_APPLICATION,
	      "{switch?{knob}={current} keeps the window:The send buffer {fixed?that {who} sets :}is} {tight?tight:too "
	      "small} for one connection over {rtt}",
	      "{needed} {needed=1?is:are} needed over {rtt}; {switch?{knob}={current}:a whole "
	      "buffer in each round trip} allows at most {capacity}.",
	      "{impossible?No TCP window is larger than 1 GiB\\: spread the "
	      "load over several connections.:{fixed?{who} sets {knob}\\: its connections have a buffer of "
	      "{buffer}, which the kernel does not grow. Do not set it, or to more than twice "
	      "the target's bandwidth × RTT, with net.core.wmem_max at least as high.:Takes effect {effect}. {switch?{cost}:Costs "
	      "memory only on connections that fill the path.{measured? The lab merges packets of "
	      "1 500 bytes; the value has a reserve for cards that do not merge them.}}}}",
	      "The send buffer limits one connection to less than the target's bandwidth over its "
	      "round trip.",
	      "Raise the third field of net.ipv4.tcp_wmem.",
	      "The buffer has grown to its bound while the sender waited for it "
	      "(sndbuf_limited); the same connection at the proposed value",
	      "The send buffer carries the target's bandwidth over its round trip"),
	{.id = "buffers.send.application",
	 .remedy = REMEDY_APPLICATION,
	 .title = "An application that sets SO_SNDBUF itself gets less than the target",
	 .detail = "At the largest buffer that {knob} allows ({granted}, which the kernel has "
		   "doubled) one connection carried {carried} of {needed}: the kernel does not "
		   "autotune such a socket. Most programs do better without SO_SNDBUF.",
	 .meaning = "A program that sets SO_SNDBUF itself turns autotuning off and gets less than "
		    "the target, even with the largest value that it may set.",
	 .action = "Do not set SO_SNDBUF. Where a program must, raise net.core.wmem_max for it.",
	 .proof = "A connection with SO_SNDBUF at net.core.wmem_max over the target's round trip"},
	SHORT("buffers.memory", REMEDY_NONE,
	      "{group?The memory limit of {group}:{knob?{current?{knob}:The default of {knob}}:Half of "
	      "the memory}} leaves {capacity} for TCP buffers; this load needs {needed}",
	      "{group?:{knob?{current?Its {field} field:It}:That} allows {allowed}{used?, and {used} {used=1?is:are} "
	      "in use{shared?, of which up to {shared} may be of connections that the server has "
	      "open}}. }{connections} connection{connections=1?:s}{proxy? of a proxy, two for each,} "
	      "need {needed} of this machine's {memory}: one with a waiting request {held?was measured "
	      "to hold {held}:holds about {assumed}}.",
	      "{possible?Takes effect {effect}. The unit is pages, not bytes.:With 25 % headroom "
	      "that is more than half of the memory\\: it takes more memory or another machine, "
	      "not a knob.}",
	      "The buffers of the target's connections, each with a waiting request, are more "
	      "than all TCP sockets together may take.",
	      "Raise net.ipv4.tcp_mem (pages, not bytes) where the machine has the memory; add "
	      "memory where it has not.",
	      "sockstat.TCP.mem near the second field of net.ipv4.tcp_mem; "
	      "TcpExt.TCPMemoryPressures",
	      "The buffers of the target's connections fit into what all TCP sockets together may "
	      "take"),
	{.id = "buffers.memory.exhausted",
	 .level = LEVEL_CRITICAL,
	 .remedy = REMEDY_KERNEL,
	 .observed = true,
	 .title = "TCP holds more memory than tcp_mem allows{bytes?\\: {bytes} of {max_bytes}}",
	 .detail = "{used} page{used=1?:s} {used=1?is:are} in use; the third field of "
		   "net.ipv4.tcp_mem is {max}. The kernel drops received packets, senders stall, "
		   "and orphans are reset.",
	 .advice = "Find the sockets with full queues (ss -tm) and the process that does not read "
		   "them; raise net.ipv4.tcp_mem (pages) if the load is meant to hold that much.",
	 .answer = "TCP memory is exhausted",
	 .meaning = "All TCP sockets of the machine hold more memory than the third field of "
		    "net.ipv4.tcp_mem allows: packets and connections are lost.",
	 .action = "Find the sockets with full queues (ss -tm) and the process that does not read "
		   "them; raise net.ipv4.tcp_mem, which counts pages.",
	 .proof = "sockstat.TCP.mem above the third field of tcp_mem; TcpExt.TCPAbortOnMemory "
		  "grows; \"TCP: out of memory\" in the kernel log"},
	SHORT("orphans", REMEDY_KERNEL,
	      "net.ipv4.tcp_max_orphans {tight?barely leaves:leaves no} room for {needed} more orphaned "
	      "socket{needed=1?:s}",
	      "Connections close at {rate}, and each is an orphan for two round trips of "
	      "{rtt}{proxy?; a proxy has two for each client}. {used} of {max} {used=1?is:are} in "
	      "use{over? (above the limit)}{shared?, by this server or by others}.{timeout? "
	      "net.ipv4.tcp_fin_timeout is {timeout}\\: a connection whose peer does not close stays an orphan for "
	      "{longer} longer; with 60, the default, it does not.} The kernel resets those beyond\\: their "
	      "clients lose the end of the answer.",
	      "{possible?" TAKES_EFFECT " {cost}:tcp_max_orphans is not visible in this network "
	      "namespace\\: set it in the initial one.}",
	      "The target's closed connections, orphans for two round trips each, are more than the "
	      "kernel keeps.",
	      "Raise net.ipv4.tcp_max_orphans; find clients that have vanished: ss -tan state "
	      "fin-wait-1.",
	      "TcpExt.TCPAbortOnMemory; sockstat.TCP.orphan",
	      "The kernel keeps the target's orphans"),
	{.id = "orphans.near",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_KERNEL,
	 .observed = true,
	 .title =
		 "{now} of {max} orphaned sockets: the kernel {over?resets:soon resets} connections "
		 "that a server has closed",
	 .detail =
		 "An orphan is a connection that its process has closed and whose last data is "
		 "not acknowledged. Beyond net.ipv4.tcp_max_orphans the kernel resets it, and its "
		 "client loses the end of the answer.",
	 .advice =
		 "Where memory allows{more?\\: sysctl -w net.ipv4.tcp_max_orphans={more}:, raise "
		 "net.ipv4.tcp_max_orphans}. ss -tan state fin-wait-1 shows the clients. Only if all of "
		 "them have disappeared\\: sysctl -w net.ipv4.tcp_orphan_retries=5. After 13 s without an ACK the kernel then drops a connection that a process has closed; with 0, the default, which means 8, after 102 s. A client whose path fails for 13 s then loses the end of the answer.",
	 .answer = "orphaned sockets {over?have reached:are near} their limit",
	 .meaning = "The machine has more than 80 % of the orphaned sockets that "
		    "net.ipv4.tcp_max_orphans allows. Critical where it has all of them: the "
		    "kernel then resets each further connection that a process closes before its "
		    "data is acknowledged.",
	 .action = "Find the clients that do not acknowledge; raise net.ipv4.tcp_max_orphans where "
		   "memory allows.",
	 .proof = "sockstat.TCP.orphan; TcpExt.TCPAbortOnMemory grows beyond the limit"},
	{.id = "buffers.memory.pressure",
	 .level = LEVEL_WARNING,
	 .observed = true,
	 .title = "TCP is under memory pressure now: no buffer grows",
	 .detail =
		 "All TCP sockets of this machine hold {used} page{used=1?:s}, and pressure begins "
		 "at {pressure}. Until the pages are freed windows shrink and connections slow "
		 "down.",
	 .advice = "Look for sockets with full queues (ss -tm) before you raise the bound.",
	 .meaning = "All TCP sockets together hold more than the second field of net.ipv4.tcp_mem "
		    "now: no buffer grows, and windows shrink.",
	 .action = "Find the sockets with full queues (ss -tm) and their programs. Raise "
		   "net.ipv4.tcp_mem only when their data is wanted.",
	 .proof = "sockstat.TCP.mem at or above the second field; TcpExt.TCPMemoryPressures grows"},

	{.id = "softnet.backlog.drops",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_KERNEL,
	 .observed = true,
	 .title = "The kernel drops packets at a full softnet backlog",
	 .detail = "{count} packet{count=1?:s} dropped in {window}.",
	 .advice = "{hidden?{knob} is one value for the whole machine, not visible in this network "
		   "namespace\\: raise it in the initial network namespace. :}{cost}",
	 .meaning = "The kernel dropped packets during the check because a CPU's backlog was "
		    "full: packets of loopback, of RPS and of veth without NAPI wait there. "
		    "Those of a tunnel count as rx_dropped of its interface.",
	 .action = "Raise net.core.netdev_max_backlog. If one CPU takes all packets, spread them "
		   "first.",
	 .proof =
		 "Column 2 of /proc/net/softnet_stat and the dropped packets of an interface grow, "
		 "while most packets arrived through interfaces of this namespace, or by ten a "
		 "second or more"},
	{.id = "softnet.backlog.past",
	 .observed = true,
	 .title = "Packets were dropped at the softnet backlog since boot{none?, none during this "
		  "check:}",
	 .detail = "{history}",
	 .meaning = "The kernel has dropped packets at a full backlog since boot, at least one in "
		    "a thousand, but not during the check.",
	 .action = "Nothing yet; watch longer with --window, under load.",
	 .proof = "Column 2 of /proc/net/softnet_stat"},
	{.id = "softnet.budget.squeezed",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_KERNEL,
	 .observed = true,
	 .title = "Receive softirqs end with work left",
	 .detail = "{count} round{count=1?:s} ended with work left in {window}.",
	 .advice = "{cost}",
	 .meaning = "Receive softirqs end again and again with work left: the budget of packets "
		    "or of time is too small for the packets that arrive.",
	 .action = "Raise net.core.netdev_budget and netdev_budget_usecs if the CPU has idle "
		   "time; otherwise spread the packets over more CPUs.",
	 .proof =
		 "Column 3 of /proc/net/softnet_stat grows by ten a second or more, while the "
		 "busiest CPU spends half of its time on softirqs or packets are dropped, and most "
		 "packets arrived through interfaces of this namespace"},
	{.id = "softnet.budget.past",
	 .observed = true,
	 .title = "Receive softirqs ended with work left since boot{none?, none during this "
		  "check:}",
	 .detail = "{history}",
	 .meaning = "Receive softirqs have often ended with work left since boot, for one in a "
		    "thousand packets or more, but not during the check.",
	 .action = "Nothing yet; watch longer with --window, under load.",
	 .proof = "Column 3 of /proc/net/softnet_stat"},
	{.id = "nic.ring.overrun",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_DEVICE,
	 .observed = true,
	 .about = "{device}",
	 .title = "{device}{master?, the function of {master},:} loses packets: its receive ring "
		  "overflows",
	 .detail = "{counter} grew by {count} in {window}.{among? With the driver {driver} "
		   "packets lost at a full ring are among these.:}",
	 .advice =
		 "{proposed?The proposal is twice the present size; the maximum is {max}. The link may go down for a "
		 "moment\\: apply requires --allow-link-reset.:{settable?The ring is at its "
		 "maximum:The driver cannot set the ring}. Serve it more often instead\\: add "
		 "queues (ethtool -L {device} combined N), or move its interrupts to CPUs with idle time "
		 "(/proc/irq/*/smp_affinity_list).}",
	 .meaning = "An interface lost packets during the check because its receive ring was "
		    "full.",
	 .action = "Raise the ring (ethtool -G) if it is below its maximum; otherwise serve it "
		   "more often: more queues, or CPUs with idle time.",
	 .proof = "rx_missed_errors, rx_fifo_errors, rx-hw-drop-overruns or a counter of the "
		  "driver grows by one in 100 000 packets or more"},
	{.id = "nic.ring.past",
	 .remedy = REMEDY_DEVICE,
	 .observed = true,
	 .about = "{device}",
	 .title = "{device} has lost packets since boot{none?, none during this check:}",
	 .detail = "{counter} counted {count} since the driver was loaded{age?; the machine "
		   "booted{age? {age}}:}.{among? With the driver {driver} packets lost at a full "
		   "ring are among these.:}",
	 .meaning = "An interface has lost packets since boot, at least one in a thousand, but "
		    "not during the check.",
	 .action = "Nothing yet; watch longer with --window, under load.",
	 .proof = "rx_missed_errors, rx_fifo_errors, rx-hw-drop-overruns or a counter of the "
		  "driver"},
	{.id = "nic.since",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_DEVICE,
	 .observed = true,
	 .about = "{device} {counter}",
	 .title = "{device}{master?, the function of {master},:} {provider?exceeded what its "
		  "provider allows:lost packets} {since}",
	 .detail =
		 "{counter} grew by {count}{provider?\\: packets that the provider {refused?dropped:"
		 "queued or dropped}}.{among? With the driver {driver} packets lost at a full ring are among "
		 "these.:}{reboot? The machine has rebooted since the report of {report}\\: that is "
		 "the total since the reboot.}",
	 .advice =
		 "{ring?ethtool -g {device} shows whether its receive ring can be larger\\: ethtool "
		 "-G {device} rx N. Otherwise serve it more often\\: add queues (ethtool -L {device} combined N), or move its interrupts to "
		 "CPUs with idle time.:{action}}",
	 .answer = "{device} {provider?exceeded what its provider allows:lost packets} {after}",
	 .meaning = "An interface lost packets since the earlier report of check --since, or while "
		    "check --observe ran: at its receive ring, by errors, or beyond the provider's "
		    "limits.",
	 .action =
		 "Run epolltune explain with the counter that the finding names, and check with a "
		 "longer --window under the same load.",
	 .proof = "The counters of kernel and driver against those of the earlier report: 10 "
		  "packets or more, and of all packets 0.001 % at a ring, 0.1 % otherwise; of what "
		  "the provider refuses 10"},
	{.id = "nic.allowance.exceeded",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_PROVIDER,
	 .observed = true,
	 .about = "{device} {counter}",
	 .answer = "{device} exceeds what its provider allows",
	 .title = "{device} exceeds what its provider allows: {counter}",
	 .detail = "{counter} grew by {count} in {window}: packets that the provider "
		   "{refused?dropped:queued or dropped}.",
	 .advice = "{action}",
	 .meaning = "The provider limits the network of this instance, and packets beyond that "
		    "were queued or dropped during the check. No setting of the machine is the "
		    "reason.",
	 .action = "Use a larger or a network-optimised instance type, or send less; epolltune "
		   "explain COUNTER names that counter's own remedy.",
	 .proof = "ethtool -S DEVICE | grep allowance; hw-drop-ratelimits of the netdev family"},
	{.id = "nic.allowance.past",
	 .remedy = REMEDY_PROVIDER,
	 .observed = true,
	 .about = "{device}",
	 .title =
		 "{device} has exceeded since boot what its provider allows{none?, not during this "
		 "check:}",
	 .detail =
		 "{counter} counted {count} packet{count=1?:s} since the driver was loaded{age?; "
		 "the machine booted{age? {age}}:}. To see whose limit it is, and what helps\\: epolltune explain "
		 "{counter}",
	 .meaning =
		 "The provider has queued or dropped packets beyond its allowance since boot, at "
		 "least one in a thousand, but not as many during the check.",
	 .action = "Watch longer with --window, under load.",
	 .proof = "ethtool -S DEVICE | grep allowance; hw-drop-ratelimits of the netdev family"},
	{.id = "nic.errors",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_DEVICE,
	 .observed = true,
	 .about = "{device}",
	 .answer = "{device} loses packets",
	 .title = "{device} loses packets{sends? that it sends:, not at its ring}",
	 .detail =
		 "{counter} grew by {count} in {window}: {tun?the process that reads {device} "
		 "did not take these packets in time:{veth?the other end of {device} did not take "
		 "these packets:{sends?the card or its driver did not send these packets:packets "
		 "were damaged, or the kernel had no memory for them. A larger ring does not "
		 "help}}}.",
	 .advice =
		 "{tun?Find what holds up that process, such as a full CPU. For bursts let more "
		 "packets wait\\: ip link set {device} txqueuelen N.:{veth?Check the other "
		 "end of {device}\\: its CPU may be busy, or its MTU smaller than these packets.:"
		 "ethtool -S {device} shows which counter grows. {sends?See the kernel's log, too "
		 "(dmesg)\\: a queue that stops, a link that comes and goes. Check the driver, "
		 "the cable, the transceiver and the switch.:Damaged packets\\: check the "
		 "cable, the transceiver and the switch. No memory\\: double vm.min_free_kbytes (sysctl vm.min_free_kbytes prints it; sysctl -w vm.min_free_kbytes=N).}}}",
	 .meaning =
		 "An interface dropped received packets that were damaged or for which no "
		 "memory was free, or packets that it had to send; of a virtual one, a TUN or TAP "
		 "device or a veth, its other end did not take them. Of a card it is a note where "
		 "they were fewer than 10, or less than one in a thousand.",
	 .action =
		 "Damaged packets: look at the cable, the transceiver and the switch (ethtool -S). "
		 "No memory: raise vm.min_free_kbytes, or find what holds the memory. A TUN device: "
		 "find what holds up the process that reads it.",
	 .proof = "rx_errors, rx-alloc-fail, tx_errors, tx_dropped or a counter of the driver "
		  "grows"},
	{.id = "nic.queues.one-cpu",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_DEVICE,
	 .observed = true,
	 .about = "{device}",
	 .title = "CPU {cpu} takes almost all packets{device? of {device}}",
	 .detail = "In {window} it took {share} of the packets and spent {softirq} of its time on "
		   "softirqs{device?; there are {cpus} CPUs, and {device} has {queues} receive "
		   "queue{plural}:. The packets came through several interfaces, or through none "
		   "that is a card, such as loopback\\: there is no queue to add}.",
	 .advice =
		 "{irqs?All interrupts of {device} go to CPU {irqs}\\: spread them (irqbalance, or "
		 "/proc/irq/*/smp_affinity_list). More queues do not help.:{table?The RSS table of "
		 "{device} uses one of its {queues} queue{plural}\\: ethtool -X {device} "
		 "default.:{more?The proposal is one queue for each CPU, up to the device's maximum. The link may "
		 "go down for a moment\\: apply requires --allow-link-reset.:{rps?The device has one "
		 "queue\\: RPS spreads its packets in software, at the cost of interrupts "
		 "between CPUs.:{device?Check where its interrupts go (epolltune list "
		 "--nic), and whether few connections carry all the traffic\\: one connection "
		 "stays on one queue.}}}}}",
	 .meaning = "One CPU takes almost all packets and spends at least half of its time on "
		    "them, while others are idle.",
	 .action = "Add queues (ethtool -L) as far as the device has them; use RPS where it has "
		   "one only. Reset an RSS table that uses one queue (ethtool -X DEVICE default).",
	 .proof = "Column 1 of /proc/net/softnet_stat by CPU; softirq time in /proc/stat"},
	{.id = "nic.outside",
	 .observed = true,
	 .title = "Network cards, qdiscs, neighbour table and losses of conntrack of the network "
		  "namespace that this check was started in were not watched",
	 .detail =
		 "The check moved into the network namespace of {who?{who}:--netns}, which does "
		 "not show them. epolltune found no interface that connects the two namespaces, or may not return to the first.",
	 .advice = "Watch them there, under load, without --server and --netns\\: epolltune check "
		   "--window 10s --probe nic,neighbours,conntrack,counters",
	 .meaning =
		 "The server is in another network namespace, as those of containers are, and "
		 "the check moved there. What drops packets outside of it, a full ring or qdisc "
		 "of the machine, its neighbour table, its conntrack, is not part of the answer: "
		 "epolltune found no veth pair and no other virtual interface that connects the two, or may not return to the namespace in which the check was started.",
	 .action = "Run epolltune check --window 10s --probe nic,neighbours,conntrack,counters "
		   "where the check was started, without --server and --netns.",
	 .proof = "The network namespace that the report names"},
	{.id = "nic.offload",
	 .remedy = REMEDY_DEVICE,
	 .observed = true,
	 .about = "{device}",
	 .title = "{device}: {offload} is off",
	 .detail = "{reason} To turn it on: ethtool -K {device} {option} on",
	 .meaning = "An offload that helps an epoll server is off, though the device has it.",
	 .action = "Turn it on: ethtool -K.",
	 .proof = "ethtool -k"},
	{.id = "nic.qdisc",
	 .observed = true,
	 .about = "{device}",
	 .title = "{device}: its qdisc shapes outgoing packets",
	 .detail = "{qdisc} delays or limits packets on purpose. Remove it if it is not intended: "
		   "tc qdisc del dev {device} root",
	 .meaning = "An interface sends through a qdisc that delays or limits on purpose.",
	 .action = "Remove it if it is not intended.",
	 .proof = "tc qdisc show"},
	{.id = "nic.qdisc.dropping",
	 .level = LEVEL_WARNING,
	 .observed = true,
	 .about = "{device}",
	 .title = "The qdisc ({qdisc}{parent?, parent {parent}}{others? and {others} more}) of "
		  "{device} drops {count} packet{several?s} in {window}",
	 .detail = "More is sent than it lets out and holds\\: TCP retransmits what it drops, and "
		   "datagrams are lost.",
	 .advice =
		 "See its rate and its limit with tc -s qdisc show dev {device}, and raise the one that it meets (tc qdisc change, tc(8)), or send less.",
	 .answer = "the qdisc of {device} drops packets now",
	 .meaning =
		 "A qdisc of an interface dropped outgoing packets during the check: the root, or "
		 "one below it, such as that of a queue of the card (mq). Those that drop to "
		 "control congestion (fq_codel, codel, cake, fq_pie, pie, red) are "
		 "nic.qdisc.congested.",
	 .action = "Raise the rate or the limit of the qdisc (tc qdisc change), or send less.",
	 .proof = "dropped of tc -s qdisc show grows"},
	{.id = "nic.qdisc.congested",
	 .level = LEVEL_WARNING,
	 .observed = true,
	 .about = "{device}",
	 .title = "The qdisc ({qdisc}) of {device} drops {share} % of what is sent\\: {count} "
		  "packet{count=1?:s} in {window}",
	 .detail =
		 "This qdisc drops packets to slow senders down. It drops this many only where the machine sends more than the link or the rate limit carries. TCP retransmits what the "
		 "qdisc drops, and datagrams are lost. tc -s qdisc show dev {device} counts the drops.",
	 .advice = "Use a faster link or raise the rate limit, or send less.",
	 .answer = "the qdisc of {device} drops {share} % of the packets now",
	 .meaning =
		 "A qdisc that drops to control congestion (fq_codel, codel, cake, fq_pie, pie, "
		 "red) dropped 10 packets or more during the check, and at least 1 % of those that "
		 "the interface sent: the link, or the rate limit of the qdisc, is full. Fewer drops are normal congestion control and are not reported.",
	 .action = "Use a faster link or raise the rate limit, or send less.",
	 .proof = "dropped of tc -s qdisc show grows"},
	{.id = "nic.tunnel.dropping",
	 .level = LEVEL_WARNING,
	 .observed = true,
	 .about = "{device}",
	 .title = "The tunnel {device} ({kind}) drops {count} received packets in {window}",
	 .detail =
		 "rx_dropped of {device} grew, and not because of the softnet backlog. On each CPU the kernel queues the decapsulated packets, up to net.core.netdev_max_backlog "
		 "packets{backlog? ({backlog})}, and drops the rest\\: TCP retransmits it, and "
		 "datagrams are lost. Packets of protocols that nothing receives "
		 "{macsec?and those without a valid tag }count too.",
	 .advice = "Where a CPU is busy with softirqs, spread the outer packets over more CPUs "
		   "(receive queues, RPS on the card below). Otherwise these are bursts\\: raise "
		   "net.core.netdev_max_backlog. ip -s -s link show dev {device} shows whether "
		   "dropped still grows.",
	 .answer = "the tunnel {device} drops packets now",
	 .meaning =
		 "A tunnel (such as VXLAN, Geneve, GRE or MACsec) dropped received packets during "
		 "the check: 10 a second or more, and at least 0.1 %. It has a queue of its own "
		 "for what it unpacks, with the length of the softnet backlog, and no counter in "
		 "/proc/net/softnet_stat has what it drops.",
	 .action = "Spread the outer packets over more CPUs, or raise net.core.netdev_max_backlog "
		   "for bursts.",
	 .proof = "dropped of ip -s link show dev DEVICE grows, and column 2 of "
		  "/proc/net/softnet_stat does not; net/core/gro_cells.c"},
	{.id = "nic.filters.dropping",
	 .observed = true,
	 .about = "{device}",
	 .title = "{device}: filters of its {clsact?ingress or egress (clsact):ingress} dropped "
		  "{count} packet{count=1?:s} in {window}",
	 .detail =
		 "They are a rate limit or a firewall. TCP and IP do not count these packets. "
		 "To see the filters: tc -s filter show dev {device} ingress{clsact? (and egress)}",
	 .advice = "Remove or raise the limit if it is not intended.",
	 .meaning = "Filters of traffic control (tc) dropped packets of an interface during the "
		    "check, 10 or more and at least 0.1 %: a rate limit (police), or a "
		    "firewall. Programs that are attached by TCX have no such counter.",
	 .action = "Look at the filters with tc -s filter show dev DEVICE ingress; remove or raise "
		   "a limit that is not intended.",
	 .proof = "dropped of the qdisc ingress or clsact in tc -s qdisc show grows"},
	{.id = "nic.coalesce",
	 .remedy = REMEDY_DEVICE,
	 .observed = true,
	 .about = "{device}",
	 .title = "{device}: its interrupts are delayed by {usecs} us",
	 .detail =
		 "Interrupt coalescing delays the first packet after an idle period by up to "
		 "{usecs} us. That is good for throughput and bad for a server that answers small "
		 "requests.",
	 .advice = "ethtool -C {device} adaptive-rx on, or a smaller rx-usecs, if the latency of "
		   "small requests matters.",
	 .meaning = "An interface delays its interrupts for long and does not adapt the delay.",
	 .action = "Lower rx-usecs, or turn adaptive-rx on (ethtool -C), if the latency of small "
		   "requests matters.",
	 .proof = "ethtool -c"},
	{.id = "nic.affinity",
	 .observed = true,
	 .about = "{device}",
	 .title = "{device}: all its interrupts go to one CPU",
	 .detail = "CPU {cpu} serves all {queues} queue{queues=1?:s}. irqbalance, or "
		   "/proc/irq/*/smp_affinity_list, spreads them.",
	 .meaning = "An interface has several queues, but all their interrupts go to one CPU.",
	 .action = "Run irqbalance, or set /proc/irq/*/smp_affinity_list.",
	 .proof = "/proc/irq/*/smp_affinity_list; epolltune list --nic"},
	{.id = "nic.server-cpus",
	 .observed = true,
	 .about = "{device}",
	 .quiet = true,
	 .title = "{device}: its interrupts go only to CPUs of the server",
	 .detail = "Interrupts go to CPUs {irqs}, the server may use CPUs {server}, online are "
		   "{online}. Where these CPUs are full, let others serve the interrupts\\: "
		   "/proc/irq/*/smp_affinity_list.",
	 .meaning = "The CPUs to which a cpuset or an affinity binds the server also take all "
		    "interrupts of an interface, and other CPUs none.",
	 .action = "Where softirqs fill these CPUs, move the interrupts to other CPUs.",
	 .proof = "/proc/irq/*/effective_affinity_list; Cpus_allowed_list in /proc/PID/status"},
	{.id = "nic.offline-cpus",
	 .observed = true,
	 .about = "{device}",
	 .quiet = true,
	 .title = "{device}: interrupts are bound to CPUs that are offline",
	 .detail =
		 "CPUs {online} are online; the kernel has moved these interrupts to other CPUs, or "
		 "shut their queues down\\: epolltune list --nic prints them.",
	 .meaning = "An interrupt of an interface may go only to CPUs that are not online. The "
		    "kernel moves it to another CPU, or shuts its queue down.",
	 .action =
		 "Set /proc/irq/*/smp_affinity_list to CPUs that are online, or as many queues as "
		 "there are CPUs.",
	 .proof = "/proc/irq/*/smp_affinity_list; /sys/devices/system/cpu/online"},
	{.id = "nic.one-queue",
	 .wall = "nic.queues",
	 .observed = true,
	 .about = "{device}",
	 .quiet = true,
	 .title = "{device}: one CPU takes all packets",
	 .detail =
		 "There are {cpus} CPUs, one receive queue, and RPS is off. Where that CPU is full, "
		 "RPS spreads the packets in software\\: echo {mask} "
		 ">/sys/class/net/{device}/queues/rx-0/rps_cpus",
	 .meaning =
		 "An interface has one receive queue in use and no RPS: one CPU of several takes "
		 "all its packets.",
	 .action =
		 "Change nothing while that CPU has idle time; otherwise use more queues (ethtool "
		 "-L) or RPS.",
	 .proof = "ethtool -l; rps_cpus in /sys/class/net"},

	{.id = "napi.latency.deferred",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_DEVICE,
	 .title = "{device} defers interrupts: packets are delayed unless the server busy polls",
	 .detail =
		 "{now?With gro_flush_timeout={flush} ns and napi_defer_hard_irqs={polls}, as on "
		 "{device}, the request p50 is {now}."
		 ":gro_flush_timeout={flush} ns and napi_defer_hard_irqs={polls} delay a packet by "
		 "up to that time when nothing polls.}",
	 .advice =
		 "Set both to 0, their default, unless the server busy polls with "
		 "prefer_busy_poll (epolltune explain epoll-busy-poll).{queue? This NAPI instance "
		 "has a setting of its own.} Takes effect at once.",
	 .meaning = "An interface defers its interrupts, which delays every packet unless the "
		    "server busy polls.",
	 .action = "Set gro_flush_timeout and napi_defer_hard_irqs to 0, unless the server polls "
		   "with prefer_busy_poll.",
	 .proof = "Request latency with the host's setting and with both at 0, measured in a lab"},
	{.id = "napi.latency.busy-poll",
	 .remedy = REMEDY_APPLICATION,
	 .title = "Epoll busy polling answers in {then} us instead of {now} us",
	 .detail = "Over a veth wire the request p50 is {is}, and {best} with {how}.",
	 .advice =
		 "For latency, where CPUs are idle: at one request each ms the server takes "
		 "{cpu_then} us of CPU a request instead of {cpu_now} us. For efficiency leave it "
		 "off; for both see epolltune explain epoll-busy-poll.",
	 .meaning = "Epoll busy polling would answer requests faster, for CPU time.",
	 .action = "The application sets it; epolltune explain epoll-busy-poll has code for that.",
	 .proof = "Request latency and CPU time without and with it, measured in a lab in "
		  "interleaved rounds"},
	{.id = "napi.latency.too-busy",
	 .level = LEVEL_SKIPPED,
	 .title = "{few?Too few rounds were measured to show:The machine was too busy to measure} "
		  "the gain of busy polling",
	 .detail = "{few?{few=1?One round was:{few} were} measured:The rounds differ too much}: "
		   "over a veth wire the request p50 is {is}, and {best} with {how}.",
	 .advice = "Repeat the check on a quiet machine; --window allows more rounds.",
	 .meaning = "The rounds of the measurement differ too much to show the gain of busy "
		    "polling, or there were too few: something else kept the machine busy.",
	 .action = "Repeat the check on a quiet machine; --window allows more rounds.",
	 .proof = "The spread of the rounds, in the finding"},
	{.id = "napi.latency.untried",
	 .level = LEVEL_SKIPPED,
	 .title = "Some ways to receive were not measured",
	 .detail = "{why}",
	 .meaning = "Some ways to receive need a newer kernel, root, or a second CPU, and were not "
		    "measured.",
	 .action = "The finding names them and what they need.",
	 .proof = "ENOTTY from ioctl_eventpoll(2); no irq-suspend-timeout in napi-get"},

	DEVIATION("level-lost", LEVEL_CRITICAL, "Level-triggered epoll loses readiness here",
		  "Level-triggered epoll lost readiness: data was waiting and epoll reported no "
		  "event. Servers that read once per event hang.",
		  "Report it to the provider of this kernel; until it is fixed drain every socket "
		  "to EAGAIN and keep a timer for stuck connections."),
	DEVIATION(
		"level-spin", LEVEL_WARNING,
		"Level-triggered epoll reports descriptors that are not ready",
		"Level-triggered epoll reported descriptors that were not ready: each such wakeup "
		"costs a wait and a read that finds nothing.",
		"Report it to the provider of this kernel."),
	DEVIATION("lost-edge", LEVEL_CRITICAL, "Edge-triggered epoll loses events here",
		  "Edge-triggered epoll lost an event: a server with EPOLLET hangs on it.",
		  "Use level triggering on this kernel."),
	DEVIATION("edge-repeats", LEVEL_NOTE, "Edge-triggered epoll repeats events here",
		  "Edge-triggered epoll reported an event again without new data: EPOLLET saves "
		  "nothing here.",
		  "No action is needed: correct servers handle it."),
	DEVIATION("oneshot", LEVEL_WARNING, "EPOLLONESHOT does not hold here",
		  "EPOLLONESHOT reported a descriptor again before it was rearmed: two threads may "
		  "handle one connection at a time.",
		  "Lock each connection, or give each thread an epoll set of its own."),
	DEVIATION("exclusive", LEVEL_NOTE, "EPOLLEXCLUSIVE does not spread wakeups as documented",
		  "EPOLLEXCLUSIVE woke all waiters, or none.",
		  "Use SO_REUSEPORT with a listener for each worker."),
	DEVIATION("duplicate", LEVEL_WARNING,
		  "epoll handles a closed descriptor with a duplicate differently here",
		  "epoll handled a closed descriptor with a duplicate differently from Linux.",
		  "Remove a descriptor with EPOLL_CTL_DEL before closing it."),
	DEVIATION("rdhup", LEVEL_WARNING,
		  "epoll does not report a half-closed connection as documented",
		  "epoll did not report a half-closed connection as documented.",
		  "Do not rely on EPOLLRDHUP: read until 0."),
	DEVIATION("nested", LEVEL_WARNING,
		  "An epoll set inside another does not work as documented",
		  "An epoll set inside another did not work as documented. Event loops that nest "
		  "sets (language runtimes do) may hang or spin.",
		  "Do not nest sets on this kernel."),
	DEVIATION(
		"shared-memory", LEVEL_NOTE, "epoll shares memory with the process here",
		"epoll shared memory with the process. Linux copies events and maps nothing: this "
		"is another kernel.",
		"No action is needed."),
	DEVIATION("select-size", LEVEL_NOTE, "select() does not end at 1024 descriptors",
		  "select() did not end at 1024 descriptors: programs built against another C "
		  "library disagree.",
		  "Use epoll or poll()."),
	{.id = "readiness.as-documented",
	 .quiet = true,
	 .title = "epoll works as documented: {kept} of {count} experiments",
	 .meaning = "epoll behaved as documented in every experiment on this kernel.",
	 .action = "No action is needed.",
	 .proof = "The experiments, counted in the finding"},
	{.id = "readiness.skipped",
	 .level = LEVEL_SKIPPED,
	 .title = "Experiments on epoll that were skipped: {skipped} of {count}",
	 .detail = "{why}",
	 .meaning = "Some experiments on epoll are not possible here.",
	 .action = "The finding names them, with the reason.",
	 .proof = "The reasons, in the finding"},

	SHORT("cgroup.memory", REMEDY_CONTAINER,
	      "The memory limit of {path} {tight?{range?may leave too little:leaves just "
	      "enough}:leaves too little} for {connections} connection{connections=1?:s}",
	      "{file} is {max}, {used} of it {used=1?is:are} in use and {reclaimable?at most {reclaimable} of that can:cannot} be reclaimed, "
	      "{capacity} {capacity=1?is:are} left; {needed} {needed=1?is:are} needed\\: an idle "
	      "connection takes {each} of kernel memory at this end, {basis}" UNCHARGED WITH_BUFFER
	      ".{own? {own}}" TWO_EACH
	      " Above the limit {kmem?accept() fails with ENFILE, epoll_ctl() and fork() with ENOMEM:the kernel {high?makes the processes of the group wait, and "
	      "kills none:kills a process of the group}}." NEXT_LIMIT,
	      "{engine}\\: {line}",
	      "The memory limit of the control group leaves less than the target's connections "
	      "take of kernel memory and of the server's own.",
	      "Raise the memory limit of the container or unit, or spread the connections.",
	      "oom_kill in memory.events (v1: memory.failcnt)",
	      "The memory limit of the control group suffices for the target"),
	{.id = "cgroup.memory.killed",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_CONTAINER,
	 .observed = true,
	 .title = "The kernel killed {count} {several?processes:process} of {path} for lack of "
		  "memory {window?in {window}:since the group was made}",
	 .detail =
		 "{limit?A memory limit of the group, or of one above it, was reached.:No visible "
		 "memory limit was reached\\: the machine, or a group above that is not visible "
		 "here, had no memory left.} The clients of a killed process lose their "
		 "connections. What it had is free afterwards, so that the limit seems to "
		 "suffice.",
	 .advice =
		 "{limit?{line?{engine}\\: {line}. Or let:No limit is visible now\\: let} the server "
		 "take less (buffers, workers, connections):journalctl -k --grep oom-kill names the process and what ran out}.",
	 .answer = "processes of {path} {window?are killed:were killed} for lack of memory",
	 .meaning =
		 "The kernel killed processes of the control group because its memory limit, one "
		 "above it, or the machine had no memory left. During the check it is critical "
		 "for the server that --server names; earlier kills are a warning for that "
		 "server, otherwise a note.",
	 .action = "Raise the memory limit of the container or unit, or let the server take less. "
		   "The kernel log says which process it was, and when.",
	 .proof = "oom_kill in memory.events (v1: memory.oom_control)"},
	{.id = "cgroup.memory.pod-killed",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_CONTAINER,
	 .observed = true,
	 .title = "The kernel killed {count} {several?processes:process} of a container of this "
		  "pod for lack of memory {window?in {window}:since the pod was made}",
	 .detail =
		 "{path} does not count {several?them:it}\\: it was another container of the "
		 "pod, or this one before its restart. A restarted container has a new group and "
		 "free memory, so that the limit seems to suffice.{again? {again} started {age}, after its "
		 "pod\\: the kernel may have killed {again}.}",
	 .advice = "The last state of each container (kubectl describe pod), and journalctl -k "
		   "--grep oom-kill, say which one it was. If it was the server's: "
		   "{line?{engine}\\: {line}, or let:let} it take less (buffers, workers, "
		   "connections).",
	 .answer = "a container of the pod was killed for lack of memory",
	 .meaning =
		 "The group of the pod counts processes killed for lack of memory that the "
		 "group of the server's container does not: of another container, or of this "
		 "one before it was restarted. A warning for the server that --server names where "
		 "the count grew during the check, otherwise a note. epolltune sees it on the node only, where the group of the pod is visible.",
	 .action = "Find out which container was killed; raise its memory limit, or let it take "
		   "less.",
	 .proof = "oom_kill in memory.events of the pod's group and of the container's"},
	{.id = "container.killed",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_NONE,
	 .observed = true,
	 .title =
		 "The kernel killed {count} {several?processes:process} of this machine for lack of "
		 "memory {since?{since}:{window?in {window}:since boot{age?, {age}}}}",
	 .detail =
		 "/proc/vmstat counts the kills of all control groups{who?; it does not show whether {who} "
		 "was killed}. A restarted service or "
		 "container has a new control group, which does not count earlier kills. Its memory "
		 "is free again, so that cgroup.memory may be ok.",
	 .advice = "journalctl -k --grep oom-kill names {several?the processes:the process}.{unit? "
		   "{manager} show {unit} -p Result,NRestarts says whether it was restarted.}"
		   "{engine? RestartCount and OOMKilled of docker inspect say whether it was this "
		   "container.}",
	 .answer = "processes of this machine {after?were killed for lack of memory {after}:are "
		   "killed for lack of memory}",
	 .meaning =
		 "The kernel killed processes of this machine because it, or a control group, had no "
		 "memory left, and the control group of the server, or of epolltune, does not count "
		 "them: they are of another group, or of one that a restart has removed. A warning "
		 "since the earlier report of check --since or while check --observe ran, and without "
		 "--server also during the check; otherwise a note.",
	 .action =
		 "Find out which process was killed, and when. If it is the server: let it take less, "
		 "raise its memory limit, or add memory.",
	 .proof = "oom_kill in /proc/vmstat beside memory.events; mm/oom_kill.c"},
	{.id = "cgroup.memory.reclaim",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_CONTAINER,
	 .observed = true,
	 .title = "{path} is at its memory limit{share?\\: its processes waited for memory in "
		  "{share} % of {window}}{asleep?\\: the kernel stops {asleep} above memory.high}",
	 .detail =
		 "{asleep?At the start and at the end of the check a process of the server slept in "
		 "mem_cgroup_handle_over_high (/proc/PID/wchan)\\: the group takes memory faster "
		 "than the kernel reclaims it, and the kernel stops its processes for up to 2 s "
		 "each time.:{file?{v1?memory.limit_in_bytes:memory.high or memory.max}:A memory limit} was "
		 "reached {count} {several?times:time} in {window}: "
		 "the kernel reclaims memory before the process goes on{v1?:, and above memory.high "
		 "makes it sleep}.{share?: Memory pressure could not be read\\: where page cache "
		 "is reclaimed that costs little.}}",
	 .advice = "{line?{engine}\\: {line}{high?:{v1?:, and MemoryHigh= (memory.high) "
		   "likewise}}. Or let:No limit is visible now\\: let} the server take less.",
	 .answer = "{path} waits for memory at its limit",
	 .meaning =
		 "The processes of the control group waited for memory in at least a twentieth of "
		 "the check's window, and a memory limit of the group, or of one above it, was "
		 "reached meanwhile. Where memory pressure could not be read (the kernel was not "
		 "booted with psi=1, or cgroup v1) it is a warning if processes of the server "
		 "slept above memory.high at the start and at the end of the check, otherwise a "
		 "note: a limit that only bounds page cache is reached all the time.",
	 .action = "Raise memory.high and memory.max of the container or unit, or let the server "
		   "take less.",
	 .proof = "high and max in memory.events, total of some in memory.pressure (v1: "
		  "memory.failcnt)"},
	{.id = "cgroup.memory.sockets",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_CONTAINER,
	 .observed = true,
	 .title =
		 "The kernel throttles the sockets of {path}\\: {reached?a memory limit of it, or of a group above "
		 "or below it, was reached:memory is short}",
	 .detail =
		 "sock_throttled of memory.events grew by {count} in {window}. {reached?{file?memory.high or "
		 "memory.max:A memory limit} was reached {reached} {repeated?times:time} meanwhile, and "
		 "the kernel found little to free:No visible limit was reached meanwhile\\: the memory of "
		 "the machine, or of a group above, was short}. For a second after that the buffers of these sockets do "
		 "not grow, and the kernel may shrink their receive windows\\: uploads become slower.",
	 .advice =
		 "{reached?{line?{engine}\\: {line}{high?:. If memory.high of its group is lower than memory.max, raise it, too}. "
		 "Or let:No limit is visible now\\: let} the server take less.:Look for what "
		 "takes the memory of the machine\\: free -m; cat /proc/pressure/memory.}",
	 .answer = "sockets of {path} are throttled as memory is short",
	 .meaning =
		 "The kernel held sockets of the control group back during the check, as it could free "
		 "little of its memory, and a memory limit of the group, or of one above it, was reached "
		 "meanwhile. A note where none was reached, and without --server. Kernels before "
		 "sock_throttled do not show it.",
	 .action = "Raise memory.high and memory.max of the container or unit, or let the server "
		   "take less.",
	 .proof = "sock_throttled, high and max in memory.events"},
	{.id = "cgroup.cpu.short",
	 .level = LEVEL_CRITICAL,
	 .remedy = REMEDY_CONTAINER,
	 .observed = true,
	 .title =
		 "The kernel throttled {path} in {share} % of its periods: the server pauses {shared?up to }"
		 "{pause} in each {period}",
	 .detail =
		 "The group used up its CPU quota of {quota} in {period} in {throttled} of {periods} "
		 "periods of the window{shared?, by this server and others of that group}." CHECK_USED
		 " In such a pause the server accepts no client\\: a stall of the target is at least as long.",
	 .advice = "{engine}\\: {line}. Or give the server fewer threads that run at a time.",
	 .answer = "the CPU quota of {path} stops the server",
	 .meaning = "The control group used up its CPU quota in most periods, and was stopped for "
		    "the rest of each.",
	 .action = "Raise or remove the CPU limit of the container or unit; a limit of at least "
		   "one CPU for each busy thread throttles none.",
	 .proof = "nr_throttled and nr_periods of cpu.stat"},
	{.id = "cgroup.cpu.tight",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_CONTAINER,
	 .observed = true,
	 .title =
		 "The kernel throttled {path} in {share} % of its periods: the server pauses up to "
		 "{pause}",
	 .detail =
		 "The group used up its CPU quota of {quota} in {period} in {throttled} of {periods} "
		 "periods of the window{shared?, by this server and others of that group}." CHECK_USED,
	 .advice = "{engine}\\: {line}",
	 .answer = "the CPU quota of {path} throttles it",
	 .meaning = "The control group used up its CPU quota in some periods, and was stopped for "
		    "the rest of each.",
	 .action = "As for cgroup.cpu.short, before the load grows.",
	 .proof = "nr_throttled and nr_periods of cpu.stat"},
	{.id = "cgroup.cpu.pause",
	 .observed = true,
	 .title =
		 "This check assumes a stall of {pause}\\: the CPU quota of {path} stops the server that long",
	 .detail = "The group used up its quota of {quota} in {period} in {throttled} of {periods} "
		   "periods since it was made. The accept queue must hold what arrives "
		   "in such a pause.",
	 .answer = "",
	 .meaning = "The control group has used up its CPU quota before, and the rest of such a "
		    "period is longer than the stall of the target: the check uses that pause as "
		    "the stall.",
	 .action = "Raise or remove the CPU limit, or keep accept queues that hold the pause.",
	 .proof = "cpu.max and nr_throttled of cpu.stat (v1: cpu.cfs_quota_us)"},
	SHORT("cgroup.pids", REMEDY_CONTAINER,
	      "The process limit of {path} {tight?{range?may leave too little:leaves just "
	      "enough}:leaves too little} for {connections} connection{connections=1?:s}",
	      "{server} has a {threads?thread:process} for each connection\\: {used} of pids.max={max} "
	      "{used=1?is:are} in use, {capacity} {capacity=1?is:are} left; {needed} "
	      "{needed=1?is:are} needed. At the limit fork() fails with EAGAIN, and the server "
	      "closes the new connection." NEXT_LIMIT,
	      "A limit of {enough} suffices. {engine}\\: {line}",
	      "The process limit of the control group leaves fewer processes and threads than the target has "
	      "connections that are not open yet, and the server has one for each.",
	      "Raise the process limit of the container or unit, or put a pooler before the server.",
	      "max in pids.events grows",
	      "The process limit of the control group suffices for the target"),
	SHORT("tasks", REMEDY_PROCESS,
	      "{who} (pid {pid}) {tight?{range?may start too few:can start just enough}:can start too "
	      "few} {threads?threads:processes} for {connections} connection{connections=1?:s}",
	      "{server} has a {threads?thread:process} for each connection\\: {used} of {max} "
	      "{used=1?is:are} in use ({name}{each?, {each} a {threads?thread:process}}), "
	      "{each?room for {capacity} is:{capacity} {capacity=1?is:are}} left; {needed} "
	      "{needed=1?is:are} needed. At the limit {threads?pthread_create() fails with EAGAIN:"
	      "fork() fails with {each?ENOMEM:EAGAIN}}, and the server closes the new connection.",
	      "{others?Raise {others}, too. :}{commit?" RAISE_COMMIT
	      "{enough} kB, or put a pooler before the server."
	      ":{machine?sysctl -w {name}={enough}, or put a pooler before the server."
	      ":{unit?" IN_THE_CONTAINER SERVICE_DROP_IN(
		      "{line}={enough}",
		      "{line}") ".:prlimit --pid {pid} --{option}={enough} raises it for that process.} Or put a pooler "
				"before the server.}}",
	      "RLIMIT_NPROC of the server's user, kernel.threads-max or kernel.pid_max leaves fewer "
	      "processes and threads than the target has connections that are not open yet, and the "
	      "server has one for each. Or the memory that these map does not fit: a thread takes a "
	      "stack of RLIMIT_AS and RLIMIT_DATA, and two of vm.max_map_count; with "
	      "vm.overcommit_memory=2 that stack, or what the parent of a process may write, counts in "
	      "CommitLimit of /proc/meminfo.",
	      "Raise the limit that the finding names, or put a pooler before the server.",
	      "EAGAIN and ENOMEM from fork(2); \"Max processes\" and \"Max address space\" of "
	      "/proc/PID/limits, /proc/PID/maps, /proc/loadavg",
	      "The limits on processes and threads suffice for the target"),
	{.id = "cgroup.pids.refused",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_CONTAINER,
	 .observed = true,
	 .title =
		 "fork() fails in {path} now{max?, which has {used} of {max} processes and threads}",
	 .detail = "Its process limit refused {refused} in {window}: fork() and pthread_create() "
		   "return EAGAIN.",
	 .advice = "{engine}\\: {line}",
	 .answer = "the process limit of {path} refuses processes now",
	 .meaning = "A limit on processes of the control group refused new ones while epolltune "
		    "watched.",
	 .action = "Raise the process limit of the container or unit; find what makes so many "
		   "processes or threads.",
	 .proof = "max in pids.events grows"},
	{.id = "cgroup.pids.near",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_CONTAINER,
	 .observed = true,
	 .title = "{used} of {max} processes and threads that {path} may have {used=1?is:are} in "
		  "use",
	 .detail = "At the limit fork() and pthread_create() fail with EAGAIN.",
	 .advice = "{engine}\\: {line}",
	 .answer = "the process limit of {path} is near",
	 .meaning = "The control group has less than a tenth of its processes left.",
	 .action = "Raise the process limit of the container or unit.",
	 .proof = "pids.current and pids.max; max in pids.events"},

	SHORT("udp.receive", REMEDY_APPLICATION,
	      "{socket?{socket}:A UDP socket} {sockets?has {sockets} sockets {waiting?with room "
	      "for:that hold}:{waiting?has room for:holds}} {capacity} datagram{capacity=1?:s} of "
	      "{size}{waiting?\\: {waiting} of its {size_of} wait to be read{sockets? in the "
	      "smallest}}; this load needs {needed}{tight? and 25 % headroom}",
	      "{needed} datagram{needed=1?:s} {needed=1?arrives:arrive} in a stall of {stall}, and "
	      "each takes about {each}{card? (from a network card {page?up to }{card})} of the receive buffer, which is {buffer}{sockets? of each "
	      "socket; a hash of the sender's address and port selects one of the {sockets} "
	      "(SO_REUSEPORT)}.{memory? "
	      "net.ipv4.udp_mem leaves {left} for all UDP sockets.}{group? The memory limit of {group} "
	      "leaves {left}.}",
	      "{group?Raise the memory limit of {group}\\: beyond it the kernel drops datagrams{killed?, "
	      "or kills the server}. A larger receive buffer alone does not help.:{restart?" UDP_RESTART
	      ":{possible?" UDP_REMEDY
	      ":{full?No buffer helps a server that does not read, or reads "
	      "too slowly\\: find out what it waits for.:No receive buffer holds that many\\: shorten "
	      "the server's stalls, or spread the datagrams over more sockets (SO_REUSEPORT).}}}}",
	      "A UDP socket does not hold the datagrams that arrive while its server stalls: the "
	      "kernel drops the others.",
	      "Raise net.core.rmem_max, and let the application set SO_RCVBUF.",
	      "Udp.RcvbufErrors; the drops of the socket: ss -uanm, /proc/net/udp",
	      "A UDP socket holds the target's datagrams"),
	{.id = "udp.receive.card",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .title =
		 "From a network card {socket?{socket}:a UDP socket} {page?may {waiting?have room "
		 "for:hold} only:{waiting?has room for:holds}} {unraised} "
		 "datagram{unraised=1?:s} of {size}; this load needs {needed}{enough? and 25 % headroom}",
	 .detail =
		 "The driver of a network card {page?may give:gives} each packet {page?a page:a buffer "
		 "of 2 048 B or more}, however small it is\\: such a datagram takes {page?up to }{card} "
		 "of the receive buffer of {buffer}. On "
		 "loopback and veth, as in the lab, it takes {each}\\: room for "
		 "{capacity}.{memory? net.ipv4.udp_mem leaves {left} for all UDP sockets.}",
	 .advice =
		 "{restart?" UDP_RESTART ":{possible?" UDP_REMEDY
		 ":No receive buffer holds that many\\: shorten the server's "
		 "stalls, or spread the datagrams over more sockets (SO_REUSEPORT).}} Not needed where "
		 "all clients run on this machine.",
	 .meaning =
		 "The target's datagrams fit into the receive buffer if their senders run on this "
		 "machine, but not if a network card receives them: most drivers take 2 304 B of "
		 "the receive buffer for each packet, however small it is, and some a page, such as "
		 "ena before Linux 6.5.",
	 .action =
		 "Raise net.core.rmem_max, and let the application set SO_RCVBUF, for 2 304 B for "
		 "each datagram or fragment.",
	 .proof = "Udp.RcvbufErrors; under load ss -uanm: what the waiting datagrams take (r)"},
	{.id = "udp.receive.flows",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .title =
		 "The {sockets} sockets of {socket} {waiting?have room for:hold} {unraised} "
		 "datagram{unraised=1?:s} of {size} from {senders?{senders} sender{senders=1?:s}:one sender}; "
		 "this load needs {needed}{margin? and 25 % headroom}",
	 .detail =
		 "A hash of the sender's address and port selects the socket (SO_REUSEPORT)\\: all "
		 "datagrams of one sender go to the same socket. From many senders the {sockets} "
		 "sockets hold {capacity} datagram{capacity=1?:s}. Each takes about {each}{card? "
		 "(from a network card {page?up to }{card})} of the receive buffer of {buffer}.",
	 .advice =
		 "{restart?" UDP_RESTART ":{possible?" UDP_REMEDY
		 ":No receive buffer holds that many\\: shorten the server's stalls.}} Not needed "
		 "where many senders share the load.",
	 .meaning =
		 "The target's datagrams fit into the receive buffers of a group of UDP sockets "
		 "(SO_REUSEPORT) if many senders share the load, but not into one of them. The "
		 "kernel selects the socket by a hash of the sender's address and port. With few "
		 "senders (syslog, statsd, NetFlow, a load balancer) one socket may get most of "
		 "the datagrams. Only with --peers, the minimum number of senders, and not "
		 "for ports 53, 443 and 853.",
	 .action =
		 "Let the application set an SO_RCVBUF that suffices for one socket, and raise net.core.rmem_max to it.",
	 .proof = "The drops of each socket: ss -uanm, /proc/net/udp"},
	{.id = "udp.receive.default",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .title =
		 "A UDP socket without SO_RCVBUF {page?may hold only:holds} {unraised} datagram{unraised=1?:s} of "
		 "{size}{card? from a network card}; this load needs {needed}",
	 .detail =
		 "net.core.rmem_max allows a receive buffer of {buffer}, which holds {capacity}; a "
		 "socket that does not ask for it has {default} (net.core.rmem_default).{card? A "
		 "datagram takes {each} of it on loopback and veth, {page?up to {card}:{card} or more} "
		 "from a network card, whose driver {page?may give:gives} each packet {page?a page:2 048 "
		 "B}.}",
	 .advice =
		 "Let the application set SO_RCVBUF to {wanted} or more, and read how much it has "
		 "with epolltune check --server NAME, or ss -uanm (rb). A QUIC library asks by "
		 "itself.",
	 .meaning = "The target's datagrams fit into the largest receive buffer that "
		    "net.core.rmem_max allows, but not into that of a socket which asks for none.",
	 .action = "Let the application set SO_RCVBUF.",
	 .proof = "Udp.RcvbufErrors, Udp6.RcvbufErrors"},
	{.id = "udp.receive.overflowing",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{endpoint}",
	 .unserved = true,
	 .title = "{socket} drops datagrams now: {grown} in {window}",
	 .detail =
		 "{memory?{exhausted?The UDP sockets of this machine have used up their memory "
		 "(net.ipv4.udp_mem):The kernel had no memory for more datagrams}. Its receive "
		 "buffer holds {queued} of {buffer}:Its receive buffer of {buffer} "
		 "was full; {queued} wait in it}. {group?{stuck} of "
		 "{group} sockets of this address (SO_REUSEPORT) "
		 "{several_stuck?drop:drops}{apart?; the others have room}. }{process?{whose} {halted?{doing}:has the socket open{state? (state "
		 "{state}{waits_in?, {waits_in}})}}. }{drops} datagram{drops=1?:s} "
		 "{drops=1?was:were} dropped since the socket was made.{others? {others} other "
		 "{several?sockets drop:socket drops} datagrams too.}",
	 .advice =
		 "{unserved?No buffer helps. {halted?{help}:Find out why that {worker?worker:process} "
		 "does not read the socket, or reads too slowly\\: the others of its address keep "
		 "up}.:{memory?{exhausted?Raise all fields of net.ipv4.udp_mem (pages), or find the "
		 "socket that holds the memory\\: ss -uanm:Find the limit\\: the memory of the "
		 "server's control group, or net.ipv4.udp_mem (grep UDP\\: /proc/net/sockstat)}. A "
		 "larger receive buffer does not help.:The server "
		 "reads too slowly, or its stalls are too long for its buffer\\: epolltune "
		 "check --server {port} --datagrams N says which buffer N datagrams a second need.}}",
	 .answer = "{socket} drops datagrams now",
	 .meaning =
		 "A UDP socket dropped datagrams during the check, before any experiment, and the "
		 "kernel counted them as receive buffer errors, or as memory errors, or all UDP "
		 "sockets of the machine hold what net.ipv4.udp_mem allows (Linux before 5.11, 6.18 "
		 "and 6.19 do not count what they drop then). Critical for the server that "
		 "--server names: its sockets come first, also those that it has connected to a "
		 "client.",
	 .action = "Let the server read faster, or give it a larger receive buffer. Where its "
		   "process is stopped, or the buffer stays full while others of its address "
		   "(SO_REUSEPORT) have room, look at that process: no buffer helps.",
	 .proof = "The drops of the socket in /proc/net/udp; Udp.RcvbufErrors, "
		  "Udp6.RcvbufErrors, Udp.MemErrors, Udp6.MemErrors"},
	{.id = "udp.receive.full",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{endpoint}",
	 .unserved = true,
	 .title = "{socket}: its receive buffer is full ({queued} of {buffer}); the kernel drops "
		  "the next datagram",
	 .detail = "{process?{whose} {halted?{doing}:has the socket "
		   "open{state? (state {state}{waits_in?, {waits_in}})}}. }{group?Of the {group} "
		   "sockets of this address (SO_REUSEPORT) {stuck} {several_stuck?are:is} full. "
		   "}{drops} datagram{drops=1?:s} {drops=1?was:were} dropped since the socket was "
		   "made.{others? {others} other {several?sockets are:socket is} full too.}",
	 .advice = "{halted?{help}:{watched?Nothing was read in {window}, which may be a stall of "
		   "the target\\: run the check with a --window of more than {longer}:One sample "
		   "does not show whether it reads\\: run the check without --quick}}.",
	 .answer = "the receive buffer of {who} is full",
	 .meaning =
		 "The receive buffer of a UDP socket was full in the only sample of the check, or "
		 "in a window no longer than two stalls of the target: a burst that its server "
		 "reads a moment later, or a server that does not read. Critical where its "
		 "process is stopped.",
	 .action =
		 "Check again without --quick, or with a longer --window. Look at the process that does not read.",
	 .proof = "Recv-Q and rb of ss -uanm"},
	{.id = "udp.receive.waiting",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{endpoint}",
	 .unserved = true,
	 .title = "{socket}: its receive buffer is full ({queued} of {buffer}) and "
		  "{process?{process}:its server} reads none",
	 .detail =
		 "Nothing was read from it in {window}\\: the kernel drops the datagrams that "
		 "arrive. {process?{whose} {halted?{doing}:has "
		 "the socket open{state? (state {state}{waits_in?, {waits_in}})}}. }{group?Of the "
		 "{group} sockets of this address (SO_REUSEPORT) {stuck} {several_stuck?are:is} "
		 "like that. }{drops} datagram{drops=1?:s} {drops=1?was:were} dropped since the "
		 "socket was made.{others? Nor is anything read from {others} other "
		 "{several?sockets:socket}.}",
	 .advice = "{halted?{help}:Find out why the server does not read it\\: a thread that has "
		   "ended, or a socket of a SO_REUSEPORT group that no worker reads}.",
	 .answer = "{who} does not read its datagrams",
	 .meaning =
		 "The receive buffer of a UDP socket was full at the start and at the end of the "
		 "check, and nothing was read from it meanwhile. The kernel drops the datagrams that "
		 "arrive. Critical for the server that --server names.",
	 .action = "Look at the process that the finding names, or close the socket that nothing "
		   "reads.",
	 .proof = "Recv-Q and rb of ss -uanm, twice"},

	{.id = "udp.receive.unjudged",
	 .level = LEVEL_NOTE,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{endpoint}",
	 .title = "Whether the receive buffer of {socket} is large enough is not judged: how many "
		  "datagrams arrive is not known",
	 .detail =
		 "It holds {capacity} datagram{capacity=1?:s} of {size} that arrive while its server "
		 "stalls.{most? All programs of this network namespace received up to {most} "
		 "datagrams/s while the server was observed.}",
	 .advice = "Add --datagrams N (datagrams/s in a burst){others?:, or --observe 1min under "
		   "load}.",
	 .meaning =
		 "The server that --server names has UDP sockets, and the target no datagrams: "
		 "neither --datagrams nor --observe gave their number, or --observe counted those of "
		 "other programs, too. A server of UDP alone has no verdict "
		 "then, unless all that was observed there fits into its buffer.",
	 .action = "Repeat the check with --datagrams N.",
	 .proof = "nstat UdpInDatagrams Udp6InDatagrams, of the network namespace; ss -uanm"},

	SHORT("conntrack", REMEDY_KERNEL,
	      "{use?{used} of {max} entries of connection tracking {used=1?is:are} in "
	      "use:Connection tracking {tight?can barely:cannot} hold {needed} more "
	      "entr{needed=1?y:ies}}",
	      "{use?How many more flows of UDP come is not known without "
	      "--datagrams.:{tcp?{connections} open connection{connections=1?:s} and {closing} that closed in the last "
	      "{rest} have an entry each; }{used}{unlimited?: of {max}} "
	      "{used=1?is:are} in use{own?, {own} of them by connections that the server has open}{closed?, up to "
	      "{closed} by connections that {own?it:the server} has closed}. All of "
	      "them take up to {memory}.} {chains?The hash chains{buckets? of {buckets} buckets} "
	      "{unsure?may be:are} too long from {chains} entr{chains=1?y:ies} on with any value "
	      "of nf_conntrack_max{unsure? (Linux before 6.3 may lack \"adopt safer max chain "
	      "length\" of March 2023)}\\: the kernel drops new connections whose chain is, and "
	      "counts them as nf_conntrack.chainlength.:Beyond the maximum the kernel drops the "
	      "packets of new {tcp?connections:flows}.}" CONNTRACK_OUTSIDE "{tcp?" TWO_EACH "}",
	      "{possible?" CONNTRACK_HOLDS " }{shorter?sysctl -w " CONNTRACK_REST
	      "=30 lowers the need to {shorter}. }Only where no NAT and no ct rule applies to the port (nft list ruleset; "
	      "iptables-save), do not track it, until the next boot\\: " UNTRACKED
	      ". To undo\\: nft delete table inet untracked",
	      "Connection tracking does not hold an entry for each connection of the target and "
	      "for those that closed recently: packets of new ones are dropped.",
	      "Raise net.netfilter.nf_conntrack_max, shorten " CONNTRACK_REST
	      ", or do not track the port. " CONNTRACK_HOLDS,
	      "nf_conntrack.drop; \"nf_conntrack: table full, dropping packet\" in the kernel log",
	      "Connection tracking holds the target's entries"),
	{.id = "conntrack.full",
	 .level = LEVEL_CRITICAL,
	 .remedy = REMEDY_KERNEL,
	 .observed = true,
	 .title =
		 "{full?Connection tracking is full\\: {used} of {max} entries}{dropped?{full? and "
		 ":Connection tracking dropped }{dropped} packet{several?s}{full? dropped} in "
		 "{window}}",
	 .detail =
		 "{total?So far the kernel has dropped {total} packet{total=1?:s}{early? and evicted {early} "
		 "entr{early=1?y:ies} of connections that were not ASSURED}. }At the maximum the kernel drops "
		 "the packets of new connections\\: their clients retransmit, and sendto() "
		 "{outside?there:here} fails with EPERM." CONNTRACK_OUTSIDE,
	 .advice = "{more?In the initial network namespace, until the next boot\\: sysctl -w "
		   "net.netfilter.nf_conntrack_max={more}; an entry takes 256 to 384 B:Raise "
		   "net.netfilter.nf_conntrack_max}. " CONNTRACK_HOLDS " conntrack -L shows the "
		   "entries; those of vanished peers stay for "
		   "nf_conntrack_tcp_timeout_established.",
	 .answer = "connection tracking {full?is full:drops packets}",
	 .meaning = "The table of connection tracking has as many entries as "
		    "net.netfilter.nf_conntrack_max allows, or dropped packets during the check.",
	 .action = "Raise net.netfilter.nf_conntrack_max, or do not track the port.",
	 .proof = "nf_conntrack_count at nf_conntrack_max; drop in /proc/net/stat/nf_conntrack "
		  "grows"},

	{.id = "conntrack.uncounted",
	 .level = LEVEL_SKIPPED,
	 .title =
		 "{outside?What connection tracking drops in the network namespace that forwards to the "
		 "server was not read:The kernel has no /proc/net/stat/nf_conntrack\\: what the table "
		 "drops is not known}",
	 .advice = "conntrack -S, as root{outside? and in that namespace}, prints drop and "
		   "early_drop\\: watch whether they grow under load.",
	 .answer = "whether connection tracking drops packets is not known",
	 .meaning =
		 "Connections are tracked, and the kernel was built without "
		 "CONFIG_NF_CONNTRACK_PROCFS, so that epolltune cannot read how many packets the table "
		 "has dropped; or the table of the network namespace that forwards to the server "
		 "is fuller than the server's own, and its counters are not read. A table that is "
		 "full when epolltune looks is reported anyway.",
	 .action = "Compare two outputs of conntrack -S.",
	 .proof =
		 "nf_conntrack_count is above 0, and /proc/net/stat/nf_conntrack is missing, or of "
		 "another network namespace"},
	{.id = "conntrack.idle",
	 .level = LEVEL_NOTE,
	 .title = "Connection tracking has no entry yet: if a rule tracks connections, "
		  "nf_conntrack_max={max} {flows?may not be:is not} enough",
	 .detail =
		 "The kernel tracks connections from the first one on where a rule needs that "
		 "(NAT, ct state). Nothing here shows whether one does. This "
		 "target would need {udp?up to }{needed} entr{needed=1?y:ies}, and 25 % headroom.",
	 .advice =
		 "nft list ruleset and iptables-save show such rules. Where there are "
		 "none, this does not limit the server; otherwise raise net.netfilter.nf_conntrack_max, or do not track the port.",
	 .meaning = "The table of connection tracking is empty, and no connection is open, nor does a "
		    "datagram arrive, that shows whether a rule tracks it. With such a rule the target's entries would not fit "
		    "into net.netfilter.nf_conntrack_max. In a container, which cannot change "
		    "that, only --server and --netns note it.",
	 .action = "Look for rules that track (nft list ruleset, iptables-save); with one raise "
		   "net.netfilter.nf_conntrack_max.",
	 .proof = "nf_conntrack_count is 0 and Tcp.CurrEstab is 0; of a server of UDP alone "
		  "Udp.InDatagrams does not grow"},

	SHORT("idle.keepalive", REMEDY_KERNEL,
	      "{own?{who} sends a keepalive probe:TCP keepalive sends a probe} after {own?{longest}:{time}}; "
	      "the path forgets idle connections after {idle}",
	      "{measured?" FORGOTTEN "}{hang?" HANGS
	      "}{detect? Keepalive notices a peer that vanished "
	      "{detect} after its first probe.}{longest? The longest keepalive timer of {on} connections of "
	      "{who} shows {longest}.}{off? {off} of {all} connections of {who} "
	      "{lacks?have:has} no SO_KEEPALIVE.}",
	      "{possible?{own?{line?{server}\\: {line}:Set TCP_KEEPIDLE={seconds} in the "
	      "application.}:" TAKES_EFFECT " An application that sets TCP_KEEPIDLE keeps its own "
	      "value.}:TCP_KEEPIDLE counts whole seconds\\: no value is below {idle}.}",
	      "TCP keepalive sends its first probe after a load balancer or NAT in the path has "
	      "forgotten an idle connection: the path drops the probe and all later data, and an end "
	      "gets ETIMEDOUT only after net.ipv4.tcp_keepalive_probes lost probes, or the "
	      "retransmissions of a write.",
	      "Set net.ipv4.tcp_keepalive_time, or TCP_KEEPIDLE where the application sets it, to at "
	      "most four fifths of the timeout. A lost probe is repeated in time only if "
	      "net.ipv4.tcp_keepalive_intvl (75 s) is shorter than the rest.",
	      "ss -tno: timer:keepalive; TcpExt.TCPAbortOnTimeout",
	      "TCP keepalive sends its probes before the path forgets idle connections"),
	{.id = "idle.keepalive.application",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .title =
		 "{off} of {all} connections of {who} {lacks?have:has} no SO_KEEPALIVE; the path forgets "
		 "idle ones after {idle}",
	 .detail =
		 "{gone?One has been idle for {silent}\\: the path has forgotten it. }{measured?" FORGOTTEN
		 "}{hang?" HANGS "} {who} needs no keepalive if it closes idle connections, or "
		 "sends something over them, before {idle}.",
	 .advice = "{line?{server}\\: {line}:Set SO_KEEPALIVE and TCP_KEEPIDLE={seconds} in the "
		   "application.}",
	 .meaning =
		 "Connections of the server that --server names have no SO_KEEPALIVE: the kernel "
		 "sends nothing over an idle one, and a load balancer or NAT in the path forgets it.",
	 .action = "Set SO_KEEPALIVE and TCP_KEEPIDLE in the application, or let it close idle "
		   "connections before the timeout.",
	 .proof = "ss -tno: no timer:keepalive"},

	SHORT("neighbours", REMEDY_KERNEL,
	      "The neighbour table {tight?may not:cannot} hold {peers} peer{peers=1?:s}",
	      "{knob} is {current}, for all network namespaces; IPv4 has {used} "
	      "entr{used=1?y:ies}{max6?, IPv6 {used6}}, of these peers or of others. Beyond it the "
	      "kernel drops packets to further peers, and beyond gc_thresh2 it evicts entries that "
	      "have not changed for 5 s, also those in use.",
	      TAKES_EFFECT " {cost}",
	      "The machine talks to more hosts on its links than the neighbour table of IPv4 or "
	      "IPv6 holds.",
	      "Raise gc_thresh3 and gc_thresh2 of net.ipv4.neigh.default and "
	      "net.ipv6.neigh.default.",
	      "arp_cache.table_fulls; ENOBUFS from sendto(2) with IP_RECVERR; \"neighbor table "
	      "overflow\" in the kernel log",
	      "The neighbour tables hold the peers"),
	{.id = "neighbours.full",
	 .level = LEVEL_CRITICAL,
	 .remedy = REMEDY_KERNEL,
	 .observed = true,
	 .about = "{family}",
	 .title = "The neighbour table of {family} refused {grown} entr{several?ies:y} in "
		  "{window}{max?\\: {used} of {max}}",
	 .detail =
		 "The kernel drops packets to peers without an entry\\: TCP retransmits them, UDP counts SndbufErrors. The table is one for all "
		 "network namespaces.",
	 .advice = MORE_NEIGHBOURS,
	 .answer = "the neighbour table of {family} is full",
	 .meaning = "The kernel could not make an entry for a host on the same link during the "
		    "check, as gc_thresh3 was reached.",
	 .action = "Raise gc_thresh3 and gc_thresh2.",
	 .proof = "table_fulls in /proc/net/stat/arp_cache or ndisc_cache grows"},
	{.id = "neighbours.near",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_KERNEL,
	 .observed = true,
	 .about = "{family}",
	 .title = "The neighbour table of {family} has {used} of {max} entries",
	 .detail =
		 "Beyond {knob} the kernel drops packets to further peers.{mixed? How many of the "
		 "entries are permanent or externally learned is not known here\\: that limit "
		 "does not count those.}",
	 .advice = MORE_NEIGHBOURS,
	 .answer = "the neighbour table of {family} is nearly full",
	 .meaning = "A neighbour table has more than 80 % of the entries that gc_thresh3 allows.",
	 .action = "Raise gc_thresh3 and gc_thresh2.",
	 .proof = "entries in /proc/net/stat/arp_cache or ndisc_cache"},

	{.id = "counters.growing",
	 .runbook = RUNBOOK_SALE,
	 .level = LEVEL_WARNING,
	 .observed = true,
	 .title = "The kernel counted {counters} in this network namespace in {window}",
	 .detail = "{what}{dropping? Several listeners dropped packets meanwhile\\: which of them "
		   "dropped these is not known.}",
	 .advice =
		 "{dropping?Compare two outputs of ss -ltnm\\: d is what each listener dropped, "
		 "and Send-Q its backlog. Then check the one whose d grows most\\: epolltune check "
		 "--server ADDRESS\\:PORT.:{remedy?{remedy}:The counters do not name a socket\\: ss "
		 "-tmi shows queues, memory and drops of each connection.}}{others? For the others\\: epolltune "
		 "explain{others}.:}",
	 .answer =
		 "{dropping?listeners of this network namespace drop connections now:the kernel's "
		 "loss counters grow}",
	 .meaning =
		 "The kernel counted losses during the check, before any experiment, that belong "
		 "to no listener that was seen full. Critical where connections met a full accept queue, or with --server SYNs met a full SYN queue, and several listeners (with --server: of that server) dropped packets meanwhile, so that the one that lost the connections is not known.",
	 .action = "Run epolltune explain with the counters that the finding names.",
	 .proof = "Two readings of /proc/net/netstat, snmp and snmp6"},
	{.id = "counters.since",
	 .runbook = RUNBOOK_SALE,
	 .level = LEVEL_WARNING,
	 .observed = true,
	 .title = "The kernel counted {counters} {since}",
	 .detail =
		 "{what}{reboot? The machine has rebooted since the report of {report}\\: these "
		 "are totals since the reboot, what was counted before it is lost.}{netns? "
		 "The server had another network namespace in the report of {report}\\: these are totals "
		 "of the one that it has now.}{restart? "
		 "Counters are smaller than in the report of {report}\\: of {restart} these are the "
		 "totals since they began again at 0.}{in_place? Experiments of that report ran in this "
		 "namespace after it had read the counters, and are counted too.}",
	 .advice =
		 "{syns?sysctl -w net.ipv4.tcp_syncookies=1 has the kernel answer SYNs beyond a full SYN "
		 "queue instead of dropping them. :}{softnet?softnet.dropped counts packets "
		 "dropped at a CPU's full backlog\\: raise net.core.netdev_max_backlog.{sockets? :}:}"
		 "{sockets?{queues?Where a listener is known to have "
		 "dropped handshakes, accept-queue.dropped names it. :}The counters do not name a "
		 "socket\\: ss -tmi shows queues, memory and drops of each.:}",
	 .answer = "the kernel's loss counters grew {after}",
	 .meaning = "The kernel has counted losses since the earlier report of check --since, or "
		    "while check --observe ran. It is a note where the growth cost no "
		    "client, or was fewer than 10 packets or less than 0.001 % of them.",
	 .action = "Run epolltune explain COUNTER for each counter that the finding names.",
	 .proof = "/proc/net/netstat, snmp and snmp6, and the counters in that report"},
	{.id = "counters.past",
	 .runbook = RUNBOOK_SALE,
	 .observed = true,
	 .title = "The kernel counted {counters} " SINCE_BEGUN,
	 .detail = "Totals do not show when it happened: compare with an earlier report (--since).",
	 .meaning = "The kernel has counted losses since boot, or since this network namespace was "
		    "made.",
	 .action = "Nothing by itself. Run epolltune explain COUNTER for each counter that grows.",
	 .proof = "/proc/net/netstat, snmp and snmp6"},
	{.id = "listeners.closed",
	 .runbook = RUNBOOK_TIMEOUTS,
	 .level = LEVEL_CRITICAL,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{endpoint}",
	 .title = "{listener}: the server closed its socket during this check",
	 .detail = "{left?The server has closed one of its listeners.:The server has stopped "
		   "listening or was restarted.} The walls describe the closed socket.",
	 .advice = "Run the check again once the server listens.",
	 .answer = "{who} has closed its listener",
	 .meaning = "A listener of the server that --server named was closed while the check ran: "
		    "its walls are not those of the server that runs now.",
	 .action = "Run the check again.",
	 .proof = "The socket's cookie by inet_diag or unix_diag"},
	{.id = "listeners.halted",
	 .runbook = RUNBOOK_TIMEOUTS,
	 .level = LEVEL_CRITICAL,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{who}",
	 .unserved = true,
	 .title =
		 "{many?{process}\\: {many} of {acceptors} workers {doing}\\: pids {pids}:{process} (pid "
		 "{pid}){address? on {address}:} {doing}}{others?, and {others} {several?others are:other is} "
		 "halted too}",
	 .detail =
		 "{many?:{acceptors?It is one of {acceptors} processes that {served?accept "
		 "connections:read the sockets} of this server. }}{served?The clients whose "
		 "connections {many?they have:it has} accepted get no answer.}{datagrams?{served? "
		 ":}Datagrams that arrive wait in {many?their receive buffers:its receive buffer}, "
		 "and the kernel drops those beyond.}",
	 .advice = "{help}.",
	 .answer = "{who} {many?workers:pid {pid}} {doing}",
	 .meaning =
		 "A process that accepts connections or reads datagrams is stopped, by a signal, a tracer, or the "
		 "freezer of its control group (docker pause, systemctl freeze). Others that "
		 "share its listener may keep the queue short, but the clients of the halted one "
		 "wait. A warning under a tracer, which stops a process for moments, and if it is "
		 "none of the server that --server names.",
	 .action =
		 "Resume the process (kill -CONT; docker unpause, systemctl thaw), end the tracer, "
		 "or restart the server.",
	 .proof = "The state of the process in /proc/PID/stat: T or t, or frozen in "
		  "cgroup.events (v1: freezer.state), at the start and the end of "
		  "the check's window"},
	{.id = "listeners.processes",
	 .level = LEVEL_CRITICAL,
	 .remedy = REMEDY_PROCESS,
	 .observed = true,
	 .about = "{who}",
	 .title =
		 "{who} (pid {pid}) can start no {each?{commit?process or thread:thread}:process or thread}\\: "
		 "{each?{used} of {max} of {limit} {used=1?is:are} in use:{machine?this machine:its "
		 "user} runs {used} of {max}}",
	 .detail =
		 "{each?Another {commit?process or thread:thread} takes {each}{mappings? mappings}\\: "
		 "{commit?fork() fails with ENOMEM, and }pthread_create() fails with EAGAIN.:The limit is "
		 "{limit}\\: fork() and pthread_create() fail with EAGAIN.{machine?: "
		 "Processes and threads of all programs of that user count.}}",
	 .advice =
		 "{commit?" RAISE_COMMIT
		 "{more} kB.:{machine?sysctl -w {limit}={more}, or find what makes so many threads.:"
		 "{unit?" IN_THE_CONTAINER SERVICE_DROP_IN(
			 "{line}={more}",
			 "{line}") ".:prlimit --pid {pid} --{option}={more} raises it for that process.}}}",
	 .answer = "{who} can start no {each?{commit?process or thread:thread}:process or thread}",
	 .meaning =
		 "The server that --server names is at its limit on processes and threads, "
		 "RLIMIT_NPROC of its user, or kernel.threads-max or kernel.pid_max of the machine, or on "
		 "the memory that these map, RLIMIT_AS, RLIMIT_DATA, vm.max_map_count or CommitLimit, at the "
		 "start and "
		 "at the end of the check. A server that starts one for each connection serves no "
		 "new client.",
	 .action = "Raise the limit, or find what makes so many processes or threads.",
	 .proof =
		 "\"Max processes\" of /proc/PID/limits against \"Threads\" of /proc/*/status of that "
		 "user; \"Max address space\" against VmSize; /proc/PID/maps; EAGAIN and ENOMEM from "
		 "fork(2)"},
	{.id = "listeners.siblings",
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{who}",
	 .title =
		 "{who} (pid {pid}) has {own} of {all} sockets of {address}\\: the smallest backlog of the "
		 "others is {limit}",
	 .detail =
		 "The kernel spreads the clients of an address over all its sockets (SO_REUSEPORT). "
		 "The walls are those of this process.",
	 .advice = "To check all of them as one server: epolltune check --server {address}",
	 .meaning = "The server that --server names by a process shares an address with sockets of "
		    "other processes: its clients meet their queues as well.",
	 .action = "Check the address instead of the process.",
	 .proof = "ss -ltnp: several sockets of one address"},
	{.id = "listeners.aside",
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .title =
		 "{listener} is not judged\\: {loopback?it is on loopback:its port is an ephemeral "
		 "one}, and the server has {only?a UDP socket that other hosts reach:others}",
	 .detail =
		 "{small?{udp?Its receive buffer of {limit} B holds less than the {needed} "
		 "datagram{needed=1?:s}:Its backlog is {limit}, less than the {needed} "
		 "connection{needed=1?:s}} of this load that arrive in a stall. :The connections of "
		 "this load have no verdict. }{clients?It has {clients} open "
		 "connection{clients=1?:s}\\: this load may come there. }{udp?A socket of a client\\: of DNS or of statistics,:"
		 "{loopback?A shutdown or management port:A port that the kernel chose, as of JMX or "
		 "of a transfer by FTP,}} needs no more; one {loopback?behind a reverse proxy of this "
		 "host:with a configured port} does.",
	 .advice = "If the load comes there\\: epolltune check --server {address}"
		   "{only?. If it is datagrams\\: add --datagrams N}",
	 .answer = "{listener} is not judged",
	 .meaning =
		 "Of a server that --server names by process or unit, the walls are those of the listeners "
		 "that clients of other hosts reach. A TCP listener or UDP socket on loopback is "
		 "left out where it has others, and one of TCP also beside a UDP socket that other "
		 "hosts reach. So is one on an ephemeral port (net.ipv4.ip_local_port_range without "
		 "ip_local_reserved_ports) that no other one has. One that has more than 3 open "
		 "connections, and more than each of those, is judged. A warning where the target "
		 "has no datagrams and no TCP listener is left to judge, or where one would be short "
		 "that has more than 3 connections or, where those that are judged have some, more "
		 "than each of them, or such a port with a backlog above 50, as a configured one may have.",
	 .action = "Check the address if the load comes there.",
	 .proof = "ss -ltnp, ss -uanp"},
	{.id = "listeners.forwarder",
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{who}",
	 .title =
		 "{who} (pid {pid}) forwards to a server behind it, which this check does not judge",
	 .detail = "The queue and limits of {who} are the walls. The server behind it gets a "
		   "connection for each that {who} accepts, and has walls of its own.",
	 .advice = "Check that server by its pid, too. --role proxy counts the connection that "
		   "{who} opens for each.",
	 .meaning =
		 "The server that --server names accepts the clients of a published port or of a socket unit "
		 "in user space, for another one (rootlessport, rootlesskit, slirp4netns, pasta, passt, "
		 "systemd-socket-proxyd, on loopback docker-proxy).",
	 .action = "Check the server behind it as well, by its pid.",
	 .proof = "ss -ltnp: the process that listens"},
	{.id = "listeners.role",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{who}",
	 .title = "{who} (pid {pid}) connects to servers behind it, and is not judged as a proxy",
	 .detail =
		 "{opened?It has opened {opened} connection{opened=1?:s}, and its clients {clients}:Its "
		 "configuration names servers behind it}. With a connection of its own for each "
		 "client of the target {walls} would not suffice.",
	 .advice = "epolltune check --server {asked}{options}. Where it answers most clients "
		   "itself, --role server instead.",
	 .answer = "{who} is not judged as a proxy",
	 .meaning =
		 "Without --role the server that --server names is judged as one that accepts only. "
		 "Its configuration (nginx) names servers behind it, or it has opened at least 500 "
		 "connections and half as many as its clients, and as a proxy it would not have "
		 "enough of everything. HAProxy, Envoy, stunnel, MySQL Router and systemd-socket-proxyd are "
		 "judged as proxies, unless their configuration names no other server.",
	 .action = "Repeat the check with --role proxy, or with --role server.",
	 .proof = "The files of its configuration; connections of its processes to other "
		  "addresses than those of its listeners"},
	{.id = "listeners.upstream",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{who}",
	 .title = "The configuration of {who} (pid {pid}) names {address}, which this check does "
		  "not judge",
	 .detail = "{unlisted?The kernel does not list UNIX sockets\\: its module unix_diag is "
		   "missing.:No listener in this network namespace has that socket. Either the "
		   "server behind {who} runs in another namespace, as in a container, or it has "
		   "ended\\: then connect() fails with ECONNREFUSED, and clients get an error "
		   "(502 of nginx, 503 of HAProxy).}",
	 .advice =
		 "{unlisted?sudo modprobe unix_diag, and run the check again:If that server runs, "
		 "check it by its pid\\: epolltune check --server PID. If not, start it}.",
	 .answer = "{address} behind {who} is not judged",
	 .meaning =
		 "The configuration of the server that --server names (nginx, HAProxy) has the "
		 "path of a UNIX socket of another server, which exists. A network namespace lists "
		 "its own sockets only, and none of these has it.",
	 .action = "Check the server behind it as well, by its pid.",
	 .proof = "The files of its configuration; ss -lx lists no such path"},
	{.id = "listeners.published",
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{who}",
	 .title = "{forwarder?{forwarder} (pid {front}), which this check does not judge, may "
		  "accept the clients of {who} (pid {pid}) on the host:A process outside this "
		  "container, which is not visible here, may accept the clients of {who} (pid "
		  "{pid})}",
	 .detail =
		 "Where an ordinary user runs a container, a process on the host accepts the clients "
		 "of its published ports. The accept queue and RLIMIT_NOFILE of that process limit "
		 "clients before they reach {who}; the walls are those of {who} alone.",
	 .advice =
		 "{forwarder?Check it, too\\: epolltune check --role proxy --server {front}:On the host "
		 "find it with ss -ltnp (rootlessport, rootlesskit, slirp4netns, pasta), and check "
		 "it, too\\: epolltune check --role proxy --server PID}",
	 .answer = "{forwarder} may accept the clients of {who}, and is not judged",
	 .meaning =
		 "The server that --server names is in a container of an ordinary user. Clients of "
		 "published ports connect to a process outside of it, which copies their data "
		 "(rootlessport, rootlesskit, slirp4netns, pasta, passt). It is a warning where "
		 "such a process runs as a user of the container and may listen, and a note where "
		 "the check runs in the container and cannot see it. Which ports it forwards is "
		 "not visible.",
	 .action = "Check that process as well, by its pid, on the host.",
	 .proof = "ss -ltnp on the host: the process that listens"},
	{.id = "listeners.front",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{who}",
	 .title =
		 "{theirs} of {clients} connections to {who}{pid? (pid {pid})} come from {front?{front} (pid {before}), which this check does not judge:unknown processes of this machine}",
	 .detail =
		 "{front?The limits of {front}{address?, which listens on {address},} apply to these clients before they reach {who}:{cut?The search for the process that opened these connections ended at its limit:The process that opened these connections is not visible to this user, or is in another PID namespace}. If that process is a proxy, its limits apply to the clients of {who} first}. The walls of this report are those of {who} alone.{soft? RLIMIT_NOFILE of {front} is "
		 "{soft}{several? in each of {accepting} processes}; with {proxy?two descriptors:a "
		 "descriptor} for each of its clients its part of this load needs {needed}.}"
		 "{full? The accept queue of {full} {drops?drops connections:is full}.}{cpu? {cpu}}",
	 .advice =
		 "{front?Check it, too\\: epolltune check --server {before}{options}:Find it on the "
		 "host as root with ss -tnp, then check it, too\\: epolltune check --server PID{options}}",
	 .answer = "{front} limits the clients of {who}",
	 .meaning =
		 "More than half of the open connections of the server that --server names, and more "
		 "than 3, come from one process of the same network namespace that listens on a port "
		 "which other hosts reach, or is a known proxy: a proxy in the same pod (Envoy), a TLS "
		 "terminator or cache before it, or an application that uses it. It is a note while "
		 "nothing is wrong there. It is a warning where the CPU quota of its control group "
		 "stopped that process, where its accept queue is full or drops, and where the "
		 "RLIMIT_NOFILE of a proxy is below its part of the target.",
	 .action = "Check that process as well, by its pid.",
	 .proof = "ss -tnp: the process at the other end of the connections"},
	{.id = "listeners.elsewhere",
	 .observed = true,
	 .title = "{count?{count} other network {several?namespaces have listeners:namespace has a "
		  "listener}, which this check does not judge:{unread} other network "
		  "namespace{unread=1?:s} may have listeners, which this check does not judge}",
	 .detail = "{count?{names}{more? and {more} more}. {unread?{unread} further "
		   "namespace{unread=1?:s} may have listeners. }:}{late?The search for them ended "
		   "after 200 ms. }{denied?This user may not read which process holds a listener "
		   "there. }Servers in containers have queues, ports and sysctls of their own.",
	 .advice = "Check each by its pid\\: epolltune check {count?--server:--netns} {pid}"
		   "{unread?. lsns -t net lists the namespaces}",
	 .answer = "",
	 .meaning =
		 "Without --server the check judges the network namespace in which it runs. "
		 "Processes of others, such as containers, hold TCP listeners or UDP sockets there, "
		 "which clients may reach by forwarded ports or by addresses of their own. The search among them "
		 "ends after 200 ms, as the kernel may walk all sockets of the machine for each. "
		 "To an ordinary user /proc does not show which process holds a listener there.",
	 .action = "Run the check with --server PID, or --netns PID, for each that counts.",
	 .proof = "lsns -t net; nsenter -t PID -n ss -ltun"},
	{.id = "listeners.elsewhere.dropping",
	 .level = LEVEL_WARNING,
	 .observed = true,
	 .about = "{who}",
	 .title = "The network namespace of {who} (pid {pid}) dropped {handshakes?{handshakes} "
		  "handshake packet{handshakes=1?:s}}{both? and }{datagrams?{datagrams} "
		  "datagram{datagrams=1?:s}} in {window}",
	 .detail = "{handshakes?ListenOverflows there grew by {overflows}; retransmissions are "
		   "included. }{datagrams?The receive buffers of UDP sockets there were full, or "
		   "UDP memory was used up. }{more?{more} other network namespace{more=1? drops:s "
		   "drop} packets too. }This check judges none of {more?them:its sockets}.",
	 .advice = "Check its {datagrams?sockets:listeners}\\: epolltune check --netns {pid}",
	 .answer = "the network namespace of {who} (pid {pid}) is dropping "
		   "{handshakes?connections}{both? and }{datagrams?datagrams} now",
	 .meaning =
		 "Between the two samples, listeners of another network namespace, as of a container, "
		 "dropped handshakes, or its UDP sockets dropped datagrams. An accept queue was full "
		 "if ListenOverflows grew. Half-open connections that an ICMP error ended do not "
		 "count. The counters are those of all its sockets. The namespace is named by a "
		 "process that holds one, or else by the first process in it.",
	 .action = "Check that namespace with --netns PID, which names the socket.",
	 .proof =
		 "/proc/PID/net/netstat: ListenOverflows and ListenDrops; RcvbufErrors and MemErrors "
		 "in /proc/PID/net/snmp and snmp6"},
	{.id = "listeners.elsewhere.waiting",
	 .level = LEVEL_WARNING,
	 .observed = true,
	 .about = "{who}",
	 .title =
		 "{waiting} connection{waiting=1? waits:s wait} in the network namespace of {who} "
		 "(pid {pid}){halted?\\: {who} is {halted}:{accepts?; its servers accept {accepts}/s "
		 "at most:; its servers accept none}}",
	 .detail =
		 "{window?{window} earlier {was} waited. }This check does not judge the listeners "
		 "of that namespace.{more? Connections wait in {more} other network "
		 "namespace{more=1?:s} too.}",
	 .advice = "Check its listeners\\: epolltune check --netns {pid}",
	 .answer = "connections wait in the network namespace of {who} (pid {pid})",
	 .meaning = "Connections wait in an accept queue of another network namespace, as of a "
		    "container, at the first and the last sample, and no fewer at the last. Their "
		    "server is stopped or frozen; or 100 connections or more wait for over a "
		    "second, as Tcp.PassiveOpens shows there. Listeners on loopback do not count.",
	 .action = "Resume the container or process; otherwise check that namespace with --netns "
		   "PID.",
	 .proof = "rx_queue of the listener in /proc/PID/net/tcp; the state of its process"},
	{.id = "live.unread",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{who}",
	 .unserved = true,
	 .title = "{who}{pid? (pid {pid})} has not read what clients sent on {stuck} of {count} "
		  "connection{count=1?:s} for {waited} or longer",
	 .detail = "{more?Further connections were not looked at. }{busy?On {busy} "
		   "connection{busy=1?:s} data arrived meanwhile, on the others none:On no "
		   "connection did data arrive meanwhile}. The kernel has acknowledged what is "
		   "unread\\: clients see no error, and wait.",
	 .advice = "See what its threads wait for{pid? (grep -s . /proc/{pid}/task/*/wchan)}\\: a "
		   "lock, a disk, another server, or workers that are all in use.",
	 .answer = "{who} does not read from {stuck} connection{stuck=1?:s}",
	 .meaning =
		 "On most of the connections of the server that --server names on which clients "
		 "have ever sent something, the same bytes were unread in both samples, and no others "
		 "arrived in between, for longer than the stall of the target. Those that wait for "
		 "accept() and those whose client has closed do not count. The "
		 "application has accepted them and does not read. Critical where that is so on each "
		 "of these connections, for 10 s or longer.",
	 .action = "Find out what its workers wait for. More of them help only if they are all in "
		   "use.",
	 .proof = "Recv-Q of ss -tn; lastrcv of ss -ti"},
	{.id = "live.unclosed",
	 .level = LEVEL_WARNING,
	 .remedy = REMEDY_APPLICATION,
	 .observed = true,
	 .about = "{who}",
	 .title =
		 "{who}{pid? (pid {pid})} has not closed {left} connection{left=1?:s} that clients "
		 "closed {time} ago or earlier",
	 .detail =
		 "They are in CLOSE_WAIT, and no segment has arrived since. Each holds a "
		 "descriptor that no client can use, and counts towards the server's own limit on "
		 "connections, where it has one, until the process closes it or exits: the capacity "
		 "of descriptors.process is without them.",
	 .advice =
		 "When read() returns 0 or epoll reports EPOLLRDHUP, send the pending answer, then close the connection. When read() or write() fails, close it at once. To list these connections\\: ss -tnp "
		 "state close-wait. A restart frees them, and closes all other connections too.",
	 .answer = "{who} has not closed {left} connection{left=1?:s} that clients closed",
	 .meaning =
		 "A tenth or more of the connections of the server that --server names are in "
		 "CLOSE_WAIT and have received no segment for 60 s: the kernel of a Linux client has forgotten them by then, unless the client closed only its sending side. The application does not close them, or works on for clients "
		 "that have given up. If their number grows, accept() fails with EMFILE in the "
		 "end.",
	 .action =
		 "Close what clients have closed; in a proxy for TCP set a timeout for connections "
		 "that one side has closed (HAProxy: timeout client-fin).",
	 .proof = "ss -tn state close-wait; lastrcv and lastack of ss -ti"},
	{.id = "live.causes",
	 .observed = true,
	 .title =
		 "{count} connection{several?s} of {who}, limited for most of {window}\\: {causes}",
	 .detail =
		 "{more?Further connections were not looked at. }{send?The send buffer of {send} does not grow "
		 "(SO_SNDBUF; inferred). }{receive?The receive buffer of {receive} does not grow "
		 "(SO_RCVBUF; inferred). }TCP_USER_TIMEOUT and TCP_NOTSENT_LOWAT of a connection, and a "
		 "fixed buffer above the initial size that limits nothing, are not visible from outside.",
	 .advice =
		 "{peer?The peer's window\\: the peer reads slowly, or has a small buffer; no setting of this "
		 "host helps. }{buffer?The send buffer\\: remove SO_SNDBUF from the application, else raise "
		 "net.ipv4.tcp_wmem. }{path?The congestion window and loss are of the path\\: ss -ti shows cwnd "
		 "and retransmissions. }{unread?{who} leaves received data unread\\: see what its "
		 "processes wait for.}",
	 .meaning =
		 "What limits the open connections of the server that --server names now, by the kernel's times of "
		 "each connection at two moments. A connection is limited by what took most of the time in which it "
		 "had data to send; one that had none for half of the time, or waits only for the "
		 "acknowledgement of what is sent, by the application. At most 2 048 connections are "
		 "looked at.",
	 .action = "Look at the connections that live.worst names; the advice names who can act on "
		   "each cause.",
	 .proof = "busy, rwnd_limited and sndbuf_limited of ss -ti; rb and tb of ss -tm"},
	{.id = "live.worst",
	 .observed = true,
	 .title = "The connection{several?s} limited most\\: {worst}",
	 .advice = "ss -tmi dst ADDRESS shows one of them.",
	 .meaning =
		 "The three connections of live.causes that were limited for the largest share of "
		 "the time by something else than an application without data, by the "
		 "address of the peer.",
	 .action = "See live.causes.",
	 .proof = "ss -tmi"},
	{.id = "listeners.hidden",
	 .level = LEVEL_SKIPPED,
	 .title =
		 "The {several?processes of {count} listeners:process of a listener}"
		 "{subject?: with waiting clients} {several?are:is} not visible {apart?in this PID namespace:to "
		 "this user}",
	 .detail = "{several?Their names, states:Its name, state} and descriptors are unknown.",
	 .advice = "Run the check {apart?in the PID namespace of the host (docker run --pid=host, "
		   "hostPID\\: true):as root} to name the processes.",
	 .meaning = "Clients wait at a listener, or --server named it, whose process belongs to "
		    "another user, or runs in another PID namespace: its name and limits are "
		    "unknown.",
	 .action = "Run the check as root, or as the user of the server; in a container in the PID "
		   "namespace of the host.",
	 .proof = "EACCES from /proc/PID/fd; NSpid in /proc/PID/status"},
	{.id = "listeners.veiled",
	 .level = LEVEL_SKIPPED,
	 .title =
		 "The descriptors of {several?{count} processes:a process} of {who} are not visible "
		 "to this user",
	 .detail = "Whether {several?they accept:it accepts} connections, and what "
		   "{several?they hold:it holds}, is unknown.",
	 .advice = "Run the check as root with CAP_SYS_PTRACE\\: on the host, or in a container "
		   "that was started with --cap-add=SYS_PTRACE.",
	 .meaning = "Processes of the server run as another user, as the workers of nginx do, and "
		    "this user may not look into them: which of them accept, and how near they are "
		    "to their limits on descriptors, is unknown.",
	 .action = "Run the check as root with CAP_SYS_PTRACE. Docker gives a container that "
		   "capability by --cap-add=SYS_PTRACE.",
	 .proof = "EACCES from the links in /proc/PID/fd"},
	{.id = "listeners.unsearched",
	 .level = LEVEL_WARNING,
	 .observed = true,
	 .title = "The search for the {several?processes of {count} listeners:process of a "
		  "listener}{subject?: with waiting clients} ended at its limit",
	 .detail = "The processes of this machine have more descriptors than a check looks at. "
		   "{several?Their names, states:Its name, state} and descriptors are unknown.",
	 .advice = "Find the pid of the server with ss -lnp and run the check with --server PID\\: "
		   "it looks at the descriptors of that server only.",
	 .answer = "the {several?processes of {count} listeners:process of a listener} "
		   "{several?were:was} not found",
	 .meaning = "Clients wait at a listener, or --server named it, and its process was not "
		    "found among the first descriptors of the processes of this machine: whether "
		    "it is stopped, or at its limit on descriptors, is unknown.",
	 .action = "Run the check with --server and the pid of the server.",
	 .proof = "More than 524 288 links of /proc/PID/fd were read"},
	{.id = "listeners.unlisted",
	 .level = LEVEL_WARNING,
	 .observed = true,
	 .title = "The {local?UNIX }listeners of this machine could not be listed",
	 .detail = "{local?This kernel cannot list UNIX sockets\\: its module unix_diag is "
		   "missing.:{why}}",
	 .answer = "whether a listener is full is not known",
	 .meaning =
		 "The kernel lacks what lists sockets: full queues and processes at their limits "
		 "are unknown.",
	 .action = "Load the modules tcp_diag, inet_diag and unix_diag.",
	 .proof = "The error, in the finding"},
	{.id = "listeners.uncaptured",
	 .level = LEVEL_WARNING,
	 .observed = true,
	 .title = "The capture has no list of listeners",
	 .answer = "whether a listener was full is not known",
	 .meaning = "The captured machine could not list its sockets, or the capture is of an "
		    "older version, or made by hand: full queues and processes at their limits are "
		    "unknown.",
	 .action = "Capture the machine again by epolltune capture.",
	 .proof = "The file listeners is not in the capture"},

	{.id = "knob.myth",
	 .runbook = RUNBOOK_UPDATE,
	 .remedy = REMEDY_KERNEL,
	 .observed = true,
	 .title = "{knob}={current} {does}",
	 .detail = "{reason}",
	 .advice =
		 "Remove the setting from its file\\: epolltune lint names it. More\\: epolltune explain {myth}{command?. "
		 "To set the kernel's default\\: {command}}",
	 .meaning = "A knob has a value of common but ineffective or harmful advice.",
	 .action = "Remove the setting from its file in /etc, and set the kernel's default; the "
		   "finding names the command.",
	 .proof = "The running value, in the finding"},

	{.id = "knob.drift",
	 .runbook = RUNBOOK_UPDATE,
	 .remedy = REMEDY_KERNEL,
	 .observed = true,
	 .title =
		 "{knob} is {current} now, and {unapplied?will be the kernel's default{boot? ({about?about }{boot})}:{boot}} "
		 "after a reboot{unapplied?:{module? if {module} is loaded early}}",
	 .detail =
		 "{unapplied?{file} sets {current}, but has no effect at boot\\: {unapplied}.:{file} sets {boot} at "
		 "boot.{worse? That is worse than the running value.}{module? " MODULE_HOLDS(
			 "{module}") "}}",
	 .advice =
		 "To keep {current}{unapplied?\\: {remedy}:, change that line. To set the file's value "
		 "now\\: {command}}",
	 .meaning = "The running value of a knob that limits a wall differs from the value that "
		    "the next boot sets by the files in sysctl.d, or no program applies the line "
		    "that sets it.",
	 .action = "Change the line that the finding names, or set the running value to it. Where "
		   "no program applies it, follow the advice of the finding.",
	 .proof = "The running value, and the last line in the order of sysctl.d(5)"},

	{.id = "lab.refused",
	 .level = LEVEL_SKIPPED,
	 .title = "The lab, or its wire with a round trip, is not available here",
	 .detail = "Reason: {why}",
	 .meaning =
		 "This system refuses the private namespaces that experiments run in, or the "
		 "TUN device of a wire with a round trip: epolltune measured what is harmless in "
		 "place, or nothing.",
	 .action = "Run as root, or allow what the finding names: /dev/net/tun, or user "
		   "namespaces: user.max_user_namespaces above 0, "
		   "kernel.unprivileged_userns_clone=1 (Debian), "
		   "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), or the container's "
		   "seccomp profile.",
	 .proof = "EPERM from unshare(2), EACCES or ENOENT from /dev/net/tun"},
	{.id = "lab.uncopied",
	 .level = LEVEL_SKIPPED,
	 .title = "Some knobs of this namespace could not be copied into the lab",
	 .detail = "{why}",
	 .meaning = "Some knobs of the calling network namespace could not be copied into the "
		    "lab, where they have the kernel's defaults.",
	 .action = "Run as root, or see the finding: what depends on these knobs is derived, not "
		   "measured.",
	 .proof = "The names, in the finding"},
	{.id = "probe.failed",
	 .level = LEVEL_SKIPPED,
	 .title = "Probe {probe} {unobserved?could not observe this machine:{crashed?crashed:"
		  "failed}}",
	 .detail = "Reason: {why}",
	 .meaning = "An experiment ended with an error, or its process died. Its walls are judged "
		    "by their settings. No setting shows what a probe observes of the running "
		    "machine: without that the answer is \"Not known\".",
	 .action = "See the error in the finding; repeat the check, or run that probe alone with "
		   "--probe.",
	 .proof = "The error, in the finding"},
};

size_t finding_row_count(void) { return sizeof(findings) / sizeof(*findings); }

const struct finding_row *finding_row_at(size_t i) { return &findings[i]; }

const struct finding_row *finding_row_find(const char *id)
{
	for (size_t i = 0; i < finding_row_count(); i++)
		if (!strcmp(findings[i].id, id))
			return &findings[i];
	return NULL;
}

const char *finding_wall(const struct finding_row *f)
{
	const char *wall = "";
	for (size_t i = 0; !f->wall && i < wall_row_count(); i++) {
		const char *name = wall_row_at(i)->name;
		size_t n = strlen(name);
		if (!strncmp(f->id, name, n) && f->id[n] == '.' && n > strlen(wall))
			wall = name;
	}
	return f->wall ? f->wall : wall;
}

const char *finding_runbook(const struct finding_row *f)
{
	const struct wall_row *w = f->runbook ? NULL : wall_row_find(finding_wall(f));
	const char *chapter = w ? w->runbook : f->runbook;
	return chapter ? chapter : "";
}
