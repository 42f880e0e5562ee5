/* subject: the server that --server names: its processes, its listeners and their limits.
 *
 * A process tree is a process and its descendants of the same name: the master and the workers of
 * one server. Trees that share one address by SO_REUSEPORT are one server too. Pid and start time
 * identify a process, the cookie a socket. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "epolltune/conntrack.h"
#include "epolltune/datagram.h"
#include "epolltune/err.h"
#include "epolltune/host.h"
#include "epolltune/listener.h"
#include "epolltune/port_set.h"

/* Of its acceptors the one with the most TCP connections; pid 0: none has any, or that is not
 * visible. */
struct subject_fullest {
	pid_t pid;
	uint64_t open;             /* descriptors */
	uint64_t accepted, opened; /* connections, estimated where they are many */
};

/* TCP connections that processes have which accept no more, as after a reload: they count towards
 * no limit of those that do. */
struct subject_drained {
	uint64_t open;   /* without: */
	uint64_t left;   /* as in struct connections */
	uint64_t others; /* to other listeners of the server */
};

struct subject {
	char name[16]; /* of the process; "": not visible to this user */
	/* What that runs, where it is an interpreter, or its title, of a server that the catalogue
	 * has under that name and not under the other; "": none. */
	char program[16];
	char unit[96]; /* systemd unit; "" if none */
	enum unit_manager manager;
	pid_t pid;        /* the first process of its tree; 0: not visible */
	uint64_t started; /* its start time, as in struct process */
	bool activated;   /* systemd holds the socket of a service that does not run */
	/* The processes that accept from its listeners. */
	size_t accepting;          /* their number; 0: not visible */
	struct process *acceptors; /* those, as they were found; NULL: not visible */
	size_t acceptor_count;
	uint64_t oldest, newest; /* the first and the last start time of them; 0: not visible */
	uint64_t soft, hard; /* the smallest RLIMIT_NOFILE of them; HOST_UNLIMITED; 0, 0: unknown */
	pid_t limited;       /* the process that has it; 0: unknown */
	/* The most descriptors besides connections of clients that one holds; 0: unknown. Of these,
	 * TCP connections that it opened: as a proxy it has them for its clients. */
	uint64_t held, upstream;
	uint64_t opened; /* TCP connections that all of them opened; 0: unknown, too */
	bool unshown;    /* which of the acceptors accept is not visible: one of them, or several */
	size_t in_turns; /* processes besides them that may accept at other times */
	bool turns;      /* they take turns: one that holds the listener does not watch it now */
	struct subject_fullest fullest;
	struct subject_drained drained; /* when it was found: they become fewer */
	/* Processes that accept for the acceptors, which have the connections. */
	size_t handing;
	bool may_hand; /* it has other processes, and may do so for them, as other servers of its
			  kind */
	bool forks;    /* its processes show that each connection has one of its own */
	bool threaded; /* the same of its threads */
	/* Kinds of listeners, as 1 << LISTENER_TCP | …, of which it may have more: the search of
	 * its descriptors ended at its limit. */
	unsigned cut;
	struct listeners listeners; /* its own only, with the processes that are visible */
	/* Processes of its tree whose descriptors are not visible to this user: they may accept,
	 * and what they hold is unknown. */
	size_t veiled;
	bool ownerless; /* no UDP socket is known as its own, and some have no visible owner */
	/* Of a captured machine, what was read of it then; 0: unknown. */
	struct subject_then {
		uint64_t threads, processes, memory;
		uint64_t open, accepted, heard, left; /* as in struct connections */
	} then;
	/* Of the namespace that the caller left for the server's, where it forwards to that: what
	 * comes through it has an entry in both tables. `used` 0: none. */
	struct conntrack outside;
	/* Of the servers behind it, by its configuration: subject_behind_read(). */
	struct subject_behind {
		bool known; /* all of it was read */
		bool any;   /* it names one */
		bool local; /* all of these are UNIX sockets */
		bool near;  /* `known`, and all of these are UNIX sockets or over loopback */
		/* That is a listener of its own, so that a client may come to it twice, and is the
		 * only one; "": none is. */
		char own[LISTENER_ADDRESS];
		bool only_own;
	} behind;
};

/* Finds the server that `who` names, by what listens, or where nothing does by UDP sockets; its
 * listeners are both: a pid, "UNIT.service", ":PORT", "ADDRESS:PORT", "[V6]:PORT",
 * with "%DEVICE" before the last colon where it is bound to one,
 * "unix:PATH", "unix:@NAME", or the name of a process, also as operators write it ("redis"). The
 * caller frees `out` with subject_free(), also after an error. `here_only`: leaves out processes of
 * other network namespaces.
 * -EXDEV: its listeners are in the network namespace of out->pid, which the caller may enter.
 * -ENOENT, -ESRCH: there is none; -ENOTUNIQ: several, which the error lists; -EREMOTE: the one
 * that listens only holds the port, and its clients reach another one; -EACCES: its
 * descriptors are not visible to this user; -E2BIG: it has more than are looked at; -EOPNOTSUPP: a
 * captured machine. */
int subject_find(const struct host *h, const char *who, bool here_only, struct subject *out,
		 struct err *e);
/* The same of listeners that were read elsewhere, as those of a lab: the server at the address
 * `who`. Takes over l->at. */
int subject_among(const struct host *h, struct listeners *l, const char *who, struct subject *out,
		  struct err *e);
void subject_free(struct subject *s);
struct capture;
/* Adds what bounds its connections beside the limits, which the capture has as those of proc/self,
 * what names it, and which of the listeners in the capture are its own. */
int subject_capture(const struct host *h, const struct subject *s, struct capture *c,
		    struct err *e);
/* The server of a captured machine, with the same fields, the limits and its listeners; `cut` has
 * all kinds where none of these is known. The caller frees it. 1; 0: it was captured without one.
 * An error: with one that is lost. */
int subject_captured(const struct host *h, struct subject *out, struct err *e);

/* Its processes and the descriptors that they have open. */
struct subject_open {
	uint64_t processes;
	uint64_t sum;
	uint64_t most,
		soft; /* of the process that is nearest to its RLIMIT_NOFILE; soft 0: unknown */
};
/* Adds a process. Pure. */
void subject_open_add(struct subject_open *o, const struct process *p);
/* Of a captured machine only their number. */
int subject_open_read(const struct host *h, const struct subject *s, struct subject_open *out,
		      struct err *e);

/* Those of kernel.pid_max that processes of users do not get (kernel/pid.c, RESERVED_PIDS). */
#define PIDS_RESERVED 300
/* Bytes, but mappings of SPACE_MAPS. SPACE_COMMIT: CommitLimit, with vm.overcommit_memory=2. */
enum subject_space_kind { SPACE_ADDRESS, SPACE_DATA, SPACE_MAPS, SPACE_COMMIT, SUBJECT_SPACES };
/* The processes and threads that bound fork() and pthread_create() of its accepting processes. */
struct subject_tasks {
	pid_t pid; /* of whom: one of them */
	/* RLIMIT_NPROC, and what it counts: those of its real user in its user namespace, as far as
	 * they are visible. HOST_UNLIMITED: none applies, or it is unknown. */
	uint64_t max, used;
	bool hidden;          /* unknown: one may apply. Of a service that does not run none does */
	uint64_t threads;     /* all of the machine; 0: unknown */
	uint64_t threads_max; /* kernel.threads-max; 0: unknown */
	/* Of kernel.pid_max, what the kernel gives to processes of users, and what it counts; 0:
	 * unknown. `pids_hidden`: that is of this PID namespace alone, and what holds for the
	 * machine is not visible. That of a namespace below this one, which is as large as it can
	 * be until it is written, is not visible either. */
	uint64_t pids_max, pids;
	bool pids_hidden;
	/* Of one with a thread or a process for each connection, what bounds the memory that it
	 * maps. RLIMIT_AS, RLIMIT_DATA and vm.max_map_count are of a process: only of one that
	 * starts threads, and accepts alone. `space_hidden`: one of the first two applies, and what
	 * a thread takes is not visible. */
	struct subject_space {
		uint64_t max;        /* 0: no limit, or it is not known */
		uint64_t used, each; /* now, and what another thread or process takes; each > 0 */
	} space[SUBJECT_SPACES];
	bool space_hidden;
};
int subject_tasks_read(const struct host *h, const struct subject *s, struct subject_tasks *out,
		       struct err *e);

/* A thread of its processes, or how much more it took between two reads. */
struct subject_thread {
	pid_t tid;
	uint64_t ran_ns;   /* CPU time */
	uint64_t ready_ns; /* the same and the time that it waited for a CPU: it grows as fast as
			      the clock where the thread spins, also on a busy machine */
};
struct subject_threads {
	struct subject_thread *at;
	size_t count;
};
/* The caller frees `out` with subject_threads_free(), also after an error. No thread: unknown. */
int subject_threads_read(const struct host *h, const struct subject *s, struct subject_threads *out,
			 struct err *e);
void subject_threads_free(struct subject_threads *t);
/* Whether one of them has such a name, in the form of the names of struct server_row, or may have:
 * they are not visible, or none has another name than its process, as before Java 9. */
bool subject_may_have_thread(const struct host *h, const struct subject *s, const char *names);
/* What they took between two reads, without those that ended meanwhile: all together, and the one
 * that was ready for longest. Zeros: none took any. */
struct subject_taken {
	struct subject_thread all, busiest;
};
struct subject_taken subject_threads_taken(const struct subject_threads *before,
					   const struct subject_threads *after);

/* Those of its accepting processes that are `chosen` now, of a captured machine then. The caller
 * frees *out, also after an error. */
int subject_acceptors(const struct host *h, const struct subject *s,
		      bool (*chosen)(const struct process *p), struct process **out, size_t *count,
		      struct err *e);

struct cgroup;
struct server_row;
/* The control group of its processes that accept, or else of the first of its tree, where they have
 * several these joined; NULL: this process'. That of a server whose processes are not visible, or
 * that systemd has not started yet, is hidden: systemd, which holds the socket then, has another.
 */
void subject_group(const struct host *h, const struct subject *s, struct cgroup *out);

/* The memory of all its processes, bytes: pages that some share count once, and those of files not
 * at all; 0: unknown. */
int subject_memory_read(const struct host *h, const struct subject *s, uint64_t *bytes,
			struct err *e);

/* The limit on connections that its command, or else the files of its configuration that the
 * command names, give each of its processes, by default where neither sets it. */
enum subject_clients_state {
	/* There is none: the socket unit `file` starts a service that accepts, or the server has
	 * none by its command or by default. */
	CLIENTS_NONE,
	CLIENTS_READ,
	/* Why it is not known. */
	CLIENTS_COMMAND,    /* the command is not readable */
	CLIENTS_OPTION,     /* the word `file` of the command is not understood */
	CLIENTS_UNNAMED,    /* it is not visible which files it reads */
	CLIENTS_UNREADABLE, /* `file` */
	CLIENTS_CHANGED,    /* `file`, or its owner or mode, after the server had started */
	CLIENTS_INVALID,    /* `name` in `file` is not a plain number */
	CLIENTS_PARTS,      /* `file` includes, or has conditions, that are not followed */
	CLIENTS_ELSEWHERE,  /* `file`, or the variable `file`, may set it, and is not read */
	CLIENTS_UNITS,      /* each of the socket units `file` may be the active one */
	CLIENTS_UNIT,       /* no socket unit is known to be its own; `file` may be, "": none is */
	CLIENTS_UNREAD,     /* epolltune does not read where such a server has `name` */
};
/* New connections in an interval; either 0: no limit. */
struct subject_burst {
	uint64_t count, interval_us;
};
struct subject_clients {
	enum subject_clients_state state;
	uint32_t version; /* subject_version() */
	bool preset;      /* nothing sets it: it is the default */
	/* With CLIENTS_READ: its listeners have at most; 0: nothing sets it, and the server takes
	 * what RLIMIT_NOFILE allows. */
	uint64_t limit;
	uint64_t told;  /* with CLIENTS_UNREAD: so many it takes, by its title; 0: not visible */
	uint64_t files; /* the server takes that instead of a higher RLIMIT_NOFILE; 0: none */
	/* Of its workers, if they serve so many, and the others wait in the accept queue; static,
	 * NULL: there is no such class. */
	const char *class;
	bool sections;   /* any has a limit of its own */
	bool several;    /* sections that serve them, or may, have different limits */
	uint64_t least;  /* the lowest of those; 0: unknown */
	uint64_t shared; /* that of its process, where sections have lower ones; 0: not set */
	uint64_t others; /* TCP connections open to other listeners of its processes */
	bool uncounted;  /* it may have clients at others, which are not in `others` */
	/* The addresses of those listeners, of any kind. */
	uint64_t listeners;
	/* As struct edit_limit has them. */
	const char *further;
	bool doubles;
	const char *name; /* "worker_connections", "-c"; static, NULL: none */
	char section[32]; /* that lowers it; "": none */
	char file[128];   /* "": `name` is of the command; of a socket unit that of the unit */
	/* Of a socket unit with Accept=yes, systemd.socket(5): TriggerLimitBurst=, beyond which the
	 * unit fails and its listener is closed, and PollLimitBurst= (systemd 255), beyond which
	 * clients wait in the accept queue for the rest of the interval. */
	struct subject_burst trigger, poll;
};
/* -ENOTSUP: epolltune does not know how such a server is configured. */
int subject_clients_read(const struct host *h, const struct subject *s, struct subject_clients *out,
			 struct err *e);

/* Its row of the catalogue, by its program or its process; NULL: there is none, or no subject. */
const struct server_row *subject_row(const struct subject *s);
/* The same, but NULL of a runtime, whose row is not that of the server that it runs. */
const struct server_row *subject_server_row(const struct subject *s);

/* The version of its program, as SERVER_VERSION(), by the text that the catalogue has for it; 0: it
 * has none, or the file is not readable. */
uint32_t subject_version(const struct host *h, const struct subject *s);

/* Finds the listeners that are paused (struct listener), as of a server that does so at its limit
 * on connections, or whose processes have no descriptor left; their limit is what its command sets,
 * or its default, otherwise. */
void subject_paused_read(const struct host *h, struct subject *s);

/* s->fullest with what it has now, by the descriptors that it opened or closed since; pid 0: it has
 * ended. */
struct subject_fullest subject_fullest_read(const struct host *h, const struct subject *s);

/* The inodes of the sockets that its processes hold, those of the same name below `pid`. None are
 * visible to another user. The caller frees *inodes, also after an error. */
int subject_sockets(const struct host *h, const struct subject *s, uint64_t **inodes, size_t *count,
		    struct err *e);
/* The servers behind it that do not listen here. */
struct subject_upstreams {
	/* The first path of a UNIX socket that its configuration names; "": there is none. */
	char unseen[LISTENER_ADDRESS];
	/* Those that it names, or may name where some of it is not known: they may have a part of
	 * its load. One that is off may be enabled. */
	size_t away;
};
/* Sets `upstream` of those TCP and UNIX listeners, not its own, that its processes connect to for
 * their clients: its configuration names them, or it has more connections to them than to a daemon
 * of the system, as for its log. Of a captured machine, or of what this user may not see, it sets
 * none. */
int subject_upstreams_read(const struct host *h, const struct subject *s, struct listeners *all,
			   struct subject_upstreams *out, struct err *e);
/* Whether it connects to servers behind it by UNIX sockets only, which take no port: all that its
 * configuration names are such, and it has opened no TCP connection. By s->behind. Pure. */
bool subject_upstreams_local(const struct subject *s);
/* Reads s->behind; of a captured machine nothing. */
void subject_behind_read(const struct host *h, struct subject *s);
/* How many threads may accept: all of its accepting processes, or one of each where such a server
 * accepts in one (struct server_row) or hands over what it accepts; 0: unknown. */
uint64_t subject_accept_threads(const struct host *h, const struct subject *s);
/* The CPUs that one of its threads or another may use, by affinity and cpuset; 0: unknown. */
uint64_t subject_cpus(const struct host *h, const struct subject *s);
/* The same as a list, "0-3,8"; "": unknown. */
void subject_cpu_list(const struct host *h, const struct subject *s, char *list, size_t size);

/* Whether a tree of processes with that root is one of the subject's. */
bool subject_has_root(const struct subject *s, pid_t root);
/* Whether it has a process for each connection, as epolltune knows of such a server, or as its
 * processes show while it has clients. False for NULL. */
bool subject_forks(const struct subject *s);
/* The same of a thread, unless a pool of them serves all. */
bool subject_threads_each(const struct subject *s);
/* The processes that may accept, where it is not visible how many of them do; otherwise 0. */
size_t subject_uncertain(const struct subject *s);
/* The processes that share its connections; 1 where it is not visible which do, or there is no
 * subject. */
size_t subject_sharing(const struct subject *s);
/* What is left of the `held` descriptors of a server besides the connections that the load has of
 * it: those of a proxy include its own. `s`: NULL has none. */
uint64_t subject_held(const struct subject *s, uint64_t held, bool proxy);

/* Whether the listener is one of the subject's. NULL has none. */
bool subject_has(const struct subject *s, const struct listener *l);
/* The same of a UDP socket of the reading `all`, also a connected one: its processes have it, at a
 * port that it receives at. NULL has none. */
bool subject_has_datagrams(const struct subject *s, const struct listeners *all,
			   const struct listener *l);
/* The same of TCP listeners by address, as a reload may make new sockets; `subject` is not NULL. */
bool subject_receives(const struct listener *l, void *subject);

/* Whether it has a socket of that kind, of UDP one that is bound to a port, that is not set aside.
 * NULL has none. */
bool subject_listens(const struct subject *s, enum listener_kind kind);
/* Whether it listens at UNIX sockets and not at TCP: beside TCP they are rarely what clients
 * connect to. False for NULL. */
bool subject_is_local(const struct subject *s);
/* Whether it has sockets of UDP and no listener but those that are set aside: no client connects to
 * it. False for NULL. */
bool subject_is_datagrams(const struct subject *s);
/* Whether no process has its listeners, all of which were looked at: the kernel's own, as of nfsd,
 * whose backlog no setting changes, or one of io_uring. False for NULL. */
bool subject_is_unheld(const struct subject *s);
/* Whether TCP is beside what its clients use: it receives datagrams at the port of a TCP listener,
 * as a server of DNS or SIP, and is not one that epolltune knows for connections. False for NULL.
 */
bool subject_prefers_datagrams(const struct subject *s);

/* Sets listeners aside that are rarely those of its clients: on loopback, as a shutdown or
 * management port is, and on an ephemeral port, of UDP also on one from 49152 on, that no other one
 * has: it was chosen for a client of UDP, a relay, or for a while, as of JMX or of a transfer by
 * FTP. None where the subject has no other one of that kind; one of TCP on loopback also beside a
 * UDP socket that others reach; not one that has more than a few clients, and more than each that
 * remains. Sets `used` of those that have more than a few, or than each that remains. Pure. */
void subject_set_aside(struct subject *s, const struct port_set *ephemeral);
/* The address of a subject whose accept queues hold least. */
struct subject_queue {
	const struct listener *smallest; /* its smallest socket; NULL: no listener of that kind */
	size_t sockets;                  /* of the address, by SO_REUSEPORT */
	uint64_t sum;                    /* that they hold together */
	uint64_t holds;                  /* arrivals without loss; of UDP datagrams */
};
/* Of UDP by its bytes. */
struct subject_queue subject_queue(const struct subject *s, enum listener_kind kind);
/* The same of UDP for datagrams of the default target; `page`: as of nics_take_page(). */
struct subject_queue subject_datagrams(const struct subject *s, bool page);
/* The same of those that were set aside, of UDP for datagrams that take so much. */
struct subject_queue subject_aside(const struct subject *s, enum listener_kind kind,
				   struct datagram_taken each);
/* How many arrivals `n` parts of `each` hold where a hash spreads them: the largest N with
 * N/n + 3 √(N/n) <= each, as a part's share deviates by √(N/n), and `each`, which fit even if all
 * of them come to one. */
uint64_t subject_spread(uint64_t each, size_t n);
/* The smallest part with which n of them hold `enough`. */
uint64_t subject_part(uint64_t enough, size_t n);
