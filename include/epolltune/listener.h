/* listener: the listening sockets of a network namespace, and the processes that accept from them.
 *
 * TCP by inet_diag, UNIX stream and seqpacket sockets by unix_diag; owners by /proc/PID/fd, for the
 * listeners that the caller asks for only. Compare two readings by `cookie`, processes by pid and
 * start time: the kernel reuses numbers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "epolltune/counters.h"
#include "epolltune/err.h"
#include "epolltune/host.h"

#define LISTENER_UID_UNKNOWN UINT32_MAX
#define LISTENER_ADDRESS 128

enum listener_kind {
	LISTENER_TCP,
	LISTENER_UNIX,
	LISTENER_UDP,      /* a socket that is bound to a port; only of listeners_read_udp() */
	LISTENER_DATAGRAM, /* a UNIX one with a name; only of listeners_read_datagram(): without
			      depth and limit, which the kernel does not show */
	LISTENER_VSOCK,    /* only of listeners_read_vsock(): without depth and limit */
};

struct listener {
	enum listener_kind kind;
	/* "0.0.0.0:80", "[::]:443", "unix:/run/app.sock", "unix:@name", "udp:0.0.0.0:443",
	 * "vsock:*:50000"; bound to a device, as by SO_BINDTODEVICE, "0.0.0.0%eth0:80",
	 * "[fe80::1]%eth0:80" (ss(8)): sockets of two devices share no connections. */
	char address[LISTENER_ADDRESS];
	uint32_t device; /* that it is bound to, an interface index; 0: none, or captured */
	uint16_t port;   /* host byte order; 0 for UNIX */
	uint32_t depth;  /* connections that wait for accept(); UDP: bytes that wait */
	uint32_t limit;  /* min(backlog, somaxconn) at listen(); full is depth > limit; UDP: bytes
			    of the receive buffer (sk_rcvbuf) */
	/* Packets since the socket was made, modulo 2^32 (SKMEMINFO); not UNIX. An ACK that ends a
	 * handshake at a full queue counts twice: tcp_v4_syn_recv_sock(), tcp_v4_rcv(). */
	uint32_t drops;
	/* SO_RCVBUF and SO_SNDBUF as the kernel counts them, which its connections begin with; TCP
	 * only, 0: unknown. */
	uint32_t receive_buffer, send_buffer;
	/* Handshakes in SYN_RECV, by listeners_half_open(). The kernel does not say which socket of
	 * a SO_REUSEPORT group has one: each has an even part. */
	uint32_t half_open;
	uint64_t inode, cookie;
	uint32_t uid;   /* of the socket; LISTENER_UID_UNKNOWN for UNIX before Linux 5.3 */
	bool systemd;   /* a systemd above its owner holds it, too: that may have called listen() */
	int owner;      /* index into listeners.processes; -1: not looked for, or not visible */
	bool ipv6;      /* a socket of AF_INET6 */
	bool v6only;    /* of "[::]": it does not receive for IPv4 */
	bool connected; /* of UDP: it receives from one peer only */
	bool aside;     /* of a subject, by subject_set_aside() */
	bool used;      /* one of these that may be what its clients connect to */
	/* Of a subject: connections to its address that are accepted and not closed, whichever
	 * process has them. */
	uint32_t clients;
	/* Of a subject: it accepts none for now, by listen(fd, 0); `limit` is its other one, 0:
	 * unknown. */
	bool paused;
	bool upstream; /* the subject connects to it, by subject_upstreams_read() */
	bool pooled;   /* likewise, by its connections alone: they may be those of a pool */
	bool front;    /* it is of what most of the subject's clients come from, by front_read() */
	/* Of an upstream: those with the same number get an even part of a load each, and so do
	 * `beyond` more servers, which are not here. */
	uint32_t pool, beyond;
	uint64_t file, file_device; /* inode and device (stat(2)) of a UNIX path; 0, 0: none */
};

/* Whose systemd has a unit, by the path of its control group. */
enum unit_manager {
	UNIT_SYSTEM,
	UNIT_USER,   /* of a user: systemctl --user */
	UNIT_INSIDE, /* one of a container, or any other that is below a group of something else */
};

/* What a process waits for. */
enum process_wait { WAIT_OTHER, WAIT_EPOLL, WAIT_ACCEPT, WAIT_FROZEN };
/* By the kernel function of its wchan. Pure. */
enum process_wait process_wait_of(const char *function);

#define PROCESS_FREEZER "do_freezer_trap"

struct process {
	pid_t pid;
	pid_t root; /* its topmost ancestor of the same family: a worker's master; pid if none */
	uint64_t started; /* clock ticks from boot to its start (field 22 of proc_pid_stat(5)) */
	char name[16];    /* comm, which a process may choose */
	bool own;         /* it runs this program, epolltune, also from another directory */
	char unit[96];    /* systemd unit by its cgroup, "nginx.service"; "" if none */
	enum unit_manager manager; /* of the unit */
	uint64_t threads;          /* but for a first one that has exited; 0: unknown */
	char state;                /* of proc_pid_stat(5): R S D T t Z …; 0: unknown. Of several
				      threads that of the first, as is waits_in. */
	/* Kernel function, by /proc/PID/wchan; "" if running or not visible. Of one in a frozen
	 * control group PROCESS_FREEZER, or another function of the freezer. */
	char waits_in[32];
	enum process_wait wait; /* process_wait_of() that */
	bool alike;             /* each of its threads waits in that function; false: unknown too */
	uint64_t soft, hard;    /* RLIMIT_NOFILE; HOST_UNLIMITED; 0, 0: unknown */
	uint64_t open;          /* descriptors; 0: unknown */
};

struct listeners {
	size_t count;
	struct listener *at;
	size_t process_count;
	struct process *processes;
	bool hidden;  /* owners of some were looked for and are not visible to this user */
	bool cut;     /* or were not found before the search ended at its limit */
	bool apart;   /* or may be in another PID namespace: this one is not the initial one */
	bool unheld;  /* all processes were looked at: the kernel itself has some, or io_uring */
	bool counted; /* by listeners_half_open() */
	/* Kinds, as 1 << LISTENER_UNIX | …, that this kernel cannot list: it has no such module. */
	unsigned unlisted;
};

/* All listeners of the host's network namespace, ordered by address: without owners and half-open
 * connections, but for those of a capture, which has both. -EOPNOTSUPP without inet_diag, and for a
 * captured machine without them; without unix_diag UNIX listeners are missing and `unlisted`. The
 * caller frees with listeners_free(), also after an error. */
int listeners_read(const struct host *h, struct listeners *out, struct err *e);
/* The same of TCP only. */
int listeners_read_tcp(const struct host *h, struct listeners *out, struct err *e);
/* The UDP sockets that are bound to a port, those that are connected too if `connected`. */
int listeners_read_udp(const struct host *h, bool connected, struct listeners *out, struct err *e);
/* The UNIX datagram sockets that receive at a name from any sender. */
int listeners_read_datagram(const struct host *h, struct listeners *out, struct err *e);
/* The listeners of AF_VSOCK, of all namespaces. Loads no module but vsock_diag. */
int listeners_read_vsock(const struct host *h, struct listeners *out, struct err *e);
/* The inode and device of a path as listener.file has them: of a file system as overlayfs or btrfs
 * stat(2) has others. *exact: they are so there too, since Linux 5.14. False: there is no file. */
bool listener_path(const char *path, uint64_t *file, uint64_t *device, bool *exact);
/* The kinds that are unlisted: "UNIX sockets: its module unix_diag is missing". */
const char *listeners_unlisted(unsigned unlisted);
/* Appends a listener of another reading, without its owner; -ENOMEM. */
int listeners_add(struct listeners *l, const struct listener *more, struct err *e);
/* Appends all of another reading with their owners; -ENOMEM. */
int listeners_join(struct listeners *l, const struct listeners *more, struct err *e);
void listeners_free(struct listeners *l);
/* Counts the half-open connections of each TCP listener. The kernel walks all its connections. */
int listeners_half_open(const struct host *h, struct listeners *l, struct err *e);
/* A connection that waits for accept(). */
struct waiting {
	uint64_t listener; /* its cookie */
	uint64_t id;       /* of TCP its cookie, of a UNIX socket the inode of its client */
};
struct waiting_list {
	size_t count;
	struct waiting *at; /* in order */
};
/* Those at the listeners that `wanted` chooses, without those whose client has gone. Of several
 * that share arrivals one has all: which has them the kernel does not show. -EOPNOTSUPP for a
 * captured machine and without inet_diag. The kernel walks all its connections. The caller frees
 * with waiting_free(), also after an error. */
int listeners_waiting(const struct host *h, const struct listeners *l,
		      bool (*wanted)(const struct listener *l, void *arg), void *arg,
		      struct waiting_list *out, struct err *e);
bool waiting_has(const struct waiting_list *l, struct waiting one);
void waiting_free(struct waiting_list *l);
#define ELSEWHERE_SOCKETS 16
/* Another network namespace, as of a container. */
struct netns_elsewhere {
	uint64_t netns; /* an inode that no other has */
	/* The first process in it, or if `listens` the first that holds such a listener. */
	pid_t pid;
	char name[16];
	/* A visible process holds a TCP listener there that is not on loopback, or such a UDP
	 * socket that is not connected, on no port that the kernel gives to clients by default. */
	bool listens;
	bool unread; /* not known: the search ended at its limit before */
	bool denied; /* there is such a listener; who holds it this user may not see */
	int64_t counted[ELSEWHERE_COUNTERS]; /* of counter_elsewhere() there; -1: unknown */
	/* Of its UDP sockets on ports that the kernel gives to clients, not connected and not on
	 * loopback, some of those that have dropped datagrams. */
	size_t dropping_count;
	struct {
		uint64_t inode;
		uint32_t drops;
	} dropping[ELSEWHERE_SOCKETS];
	int64_t arrived; /* Tcp.PassiveOpens there; -1: unknown */
	/* Of its TCP listeners that are not on loopback that where most connections wait: its
	 * inode, 0 if none waits, and how many do. */
	uint64_t waits_at;
	uint32_t waiting;
	/* The process that holds it, and as of struct process: 0, 0 if it is not visible. */
	pid_t waits_for;
	char waits_name[16];
	char state;
	bool frozen;
};
struct listeners_elsewhere {
	size_t count;
	struct netns_elsewhere *at;
};
/* Those of the processes that are visible to this user; none of a captured machine. The caller
 * frees with listeners_elsewhere_free(). */
int listeners_elsewhere(const struct host *h, struct listeners_elsewhere *out, struct err *e);
void listeners_elsewhere_free(struct listeners_elsewhere *x);
/* Finds the processes that accept from the listeners that `wanted` chooses. Of several that share a
 * socket: a child of the same program before its parent, and of its children one that watches the
 * socket by epoll; a child of another program before a parent that does not watch it, if it does,
 * or is at its limit of descriptors. Stops when all are found; sets `hidden` if one exists that is
 * not visible, and `cut` if the search ended before. Those of a capture have their owners already.
 */
int listeners_own(const struct host *h, struct listeners *l,
		  bool (*wanted)(const struct listener *l, void *arg), void *arg, struct err *e);
/* The same of listeners that have no owner yet, by processes that are `chosen` only: it looks at
 * the descriptors of no other. */
int listeners_own_by(const struct host *h, struct listeners *l,
		     bool (*chosen)(const struct process *p), struct err *e);
/* The same, by these processes and their children only: its limit is for them alone. */
int listeners_own_among(const struct host *h, struct listeners *l, const pid_t *pids, size_t count,
			struct err *e);
/* Reuses the owners of an earlier reading whose processes still exist, with their state read again;
 * those of a capture have theirs already. */
int listeners_adopt(const struct host *h, struct listeners *l, const struct listeners *earlier,
		    struct err *e);
/* Takes its listeners from a process that no longer holds them, as one that drains after a reload.
 */
void listeners_disown(const struct host *h, struct listeners *l, int owner);
/* Finds the workers that share listeners with their owners: of the same parent and program, and not
 * owners themselves. Those of two owners may be there twice. The caller frees *out. */
int listeners_sharers(const struct host *h, const struct listeners *l, struct process **out,
		      size_t *count, struct err *e);
/* By cookie; NULL: it is not there. */
const struct listener *listeners_find(const struct listeners *l, uint64_t cookie);
/* The same of many cookies: by a list that is ordered by them, as long as the listeners do not
 * change. */
struct listener_index {
	const struct listeners *of;
	const struct listener **at; /* NULL: there was no memory, and the search is slow */
};
struct listener_index listener_index_make(const struct listeners *l);
const struct listener *listener_index_find(const struct listener_index *i, uint64_t cookie);
void listener_index_free(struct listener_index *i);
/* The address to compare by: without "udp:" and without the device, and as IPv4 where an IPv6
 * socket is bound to an address of it, "[::ffff:10.0.0.5]:80"; of UNIX and vsock sockets as it is.
 * Returns `text`. */
char *listener_plain(const struct listener *l, char text[LISTENER_ADDRESS]);
/* Whether it is bound to all addresses, of IPv4 or of IPv6; a device does not count. */
bool listener_is_wild(const struct listener *l);
bool listener_on_loopback(const struct listener *l);
/* Whether they have one address, as text: of UNIX sockets a path, of which each mount namespace and
 * each directory of a process may have its own. */
bool listener_same_address(const struct listener *a, const struct listener *b);
/* Whether clients of an address reach both, as by SO_REUSEPORT, or they are one. A UNIX socket
 * shares with none, as a path leads to one inode (net/unix/af_unix.c, unix_find_bsd()), and a
 * connected UDP socket neither. */
bool listener_shares_arrivals(const struct listener *a, const struct listener *b);
/* The end of the group of sockets that share arrivals with the first one, at `first`: the index
 * behind it, as listeners are ordered by address. */
size_t listeners_group(const struct listeners *l, size_t first);
/* "nginx (pid 812) on 0.0.0.0:443", "0.0.0.0:443" where the owner is unknown. Returns `text`. */
char *listener_name(const struct listeners *l, const struct listener *at, char *text, size_t size);

/* -ENOENT, -ESRCH: it is gone; what is not visible to this user is unknown, not an error. */
int process_read(const struct host *h, pid_t pid, struct process *out, struct err *e);
/* Whose systemd has the last part of the path, or a unit at its end. Pure. */
enum unit_manager unit_manager(const char *path);
/* The unit if its file can set limits; "" for a scope, whose processes something else starts. Pure.
 */
const char *unit_service(const char *unit);
/* Whether both are the same process. */
bool process_same(const struct process *a, const struct process *b);
