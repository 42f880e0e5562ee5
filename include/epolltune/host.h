/* host: the machine as read from the kernel. Only `src/host/` opens /proc, /sys or netlink. A host
 * has a root directory: "/" is the running machine, any other a captured machine (files as in /proc
 * and /sys, read-only). A missing file is -ENOENT, never zero. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "epolltune/err.h"

struct host;

/* Opens the machine under `root`, an existing directory. Paths are relative to it:
 * "proc/sys/net/core/somaxconn"; absolute paths and those with ".." are -EINVAL. Links in a
 * captured machine cannot leave its root. The caller owns it; host_close() releases it. */
int host_open(struct host **out, const char *root, struct err *e);
void host_close(struct host *h);
static inline void host_closep(struct host **h) { host_close(*h); }
/* False for a captured machine: no writes, no netlink, no experiments. */
bool host_live(const struct host *h);
/* From now on each file is read once and its text kept, 8 MiB in all: for a check that takes one
 * sample, but asks for the same facts in many places. */
void host_freeze(struct host *h);
/* From now on the file reads as `text`, also where there is none: a value that is to be judged. The
 * machine keeps its own. */
int host_lay(struct host *h, const char *path, const char *text, struct err *e);

/* Reads a whole text file without its last newline, NUL-terminated. Returns the length; -EFBIG
 * beyond size-1 bytes, -EBADMSG if the text contains a NUL. */
ssize_t host_read(const struct host *h, const char *path, char *buf, size_t size, struct err *e);
/* The same into memory that the caller frees; maximum 64 MiB. */
ssize_t host_read_all(const struct host *h, const char *path, char **text, struct err *e);
/* Of a longer file its first `max` bytes. */
ssize_t host_read_begin(const struct host *h, const char *path, size_t max, char **text,
			struct err *e);
/* The same of strings that end with a NUL each, as /proc/PID/cmdline: with a newline instead. */
ssize_t host_read_strings(const struct host *h, const char *path, char **text, struct err *e);
/* One decimal number with optional blanks around it; -EBADMSG for anything else. */
int host_read_u64(const struct host *h, const char *path, uint64_t *value, struct err *e);
/* The same, which a minus may precede; REPORT_NONE: there is no file, or it is no such number. */
int64_t host_number(const struct host *h, const char *path);
/* Write `text` and a newline to an existing file; of a long list of ports the kernel takes parts,
 * and after an error of a later part the earlier ones are in force. -EROFS for a captured machine,
 * -EIO for a short write. */
int host_write(const struct host *h, const char *path, const char *text, struct err *e);
/* The path without links that a path leads to below the root: "etc/sysctl.conf". */
int host_resolve(const struct host *h, const char *path, char real[static PATH_MAX], struct err *e);
/* Whether a file exists. */
bool host_has(const struct host *h, const char *path);
/* Whether a file that is not there was not on the machine either: of a running one, one that
 * `epolltune capture` recorded, and for proc/sys one with the text of `sysctl -a`. Another captured
 * tree may lack what its machine has. */
bool host_whole(const struct host *h, const char *path);
/* Whether systemd runs the machine: as sd_booted(3) of a running one and of one that `epolltune
 * capture` recorded, of others by the files that systemd has. */
bool host_has_systemd(const struct host *h);
/* Whether OpenRC runs it. */
bool host_has_openrc(const struct host *h);
/* Calls `each` for the path (relative to the root) of every regular file below `dir`, up to `depth`
 * levels down (1: only `dir` itself), in name order per directory, and of every symbolic link to
 * one or to /dev/null, which reads as empty in a captured machine. Follows no links to directories.
 * A non-zero return ends the walk and is returned. A directory below that this user cannot read
 * does not end it: -EACCES is returned after all others. */
int host_walk(const struct host *h, const char *dir, unsigned depth,
	      int (*each)(const char *path, void *arg), void *arg, struct err *e);
/* The same for the path of every entry of `dir`, of any type: also of links to nothing. */
int host_names(const struct host *h, const char *dir, int (*each)(const char *path, void *arg),
	       void *arg, struct err *e);

struct host_facts {
	char name[72];
	char kernel[72]; /* the release, "6.18.44" */
	uint64_t cpus;   /* online */
	uint64_t memory_bytes;
	uint64_t available_bytes; /* MemAvailable */
	uint64_t page_bytes;      /* captured: from proc/self/smaps or proc/meminfo */
};
/* Facts for the head of a report. Those that cannot be read stay empty or 0. */
void host_facts(const struct host *h, struct host_facts *out);
/* Processes of the machine that the kernel has killed for lack of memory since boot, of it or of a
 * control group; -1: unknown. */
int64_t host_oom_kills(const struct host *h);
/* Seconds since boot; 0: unknown. */
double host_uptime(const struct host *h);

#define HOST_UNLIMITED UINT64_MAX

struct host_nofile {
	uint64_t soft, hard; /* RLIMIT_NOFILE of this process (captured: proc/self/limits) */
};
int host_nofile(const struct host *h, struct host_nofile *out, struct err *e);
/* The descriptors that a process with such a limit may have open: at most fs.nr_open, also where
 * that was lowered below the limit (fs/file.c, expand_files()); negative: unknown. Pure. */
int64_t host_nofile_bound(int64_t limit, int64_t nr_open);

struct host_files {
	uint64_t allocated, max; /* fs.file-nr, fs.file-max */
};
int host_files(const struct host *h, struct host_files *out, struct err *e);

/* Kernel counters of the calling network namespace: /proc/net/netstat, snmp, snmp6, sockstat and
 * xfrm_stat, named "TcpExt.ListenOverflows", "Tcp.ActiveOpens", "Udp6.RcvbufErrors",
 * "sockstat.TCP.inuse", "xfrm_stat.XfrmInNoStates".
 * Missing or damaged counters are absent; fails only if none can be read. */
#define HOST_COUNTERS 640
struct host_counters {
	size_t count;
	struct host_counter {
		char name[44];
		int64_t value;
	} at[HOST_COUNTERS];
	struct err
		unread; /* of the first file that could not be read or is damaged; code 0: none */
};
int host_counters(const struct host *h, struct host_counters *out, struct err *e);
/* Adds the sums over the CPUs of /proc/net/stat/TABLE, "nf_conntrack.drop"; nothing where there is
 * no such table. "entries" is the table's own count. */
void host_table_counters(const struct host *h, const char *table, struct host_counters *out);
/* Adds "nfnetlink_queue.dropped" and "nfnetlink_queue.user_dropped", the sums of all queues that
 * the rules NFQUEUE and queue have a process for; nothing where there is none, or only root may
 * read that. */
void host_filter_counters(const struct host *h, struct host_counters *out);
/* Whether IPv6 is disabled on an interface of this network namespace, or that is not known. */
bool host_ipv6_disabled(const struct host *h);
/* Adds "GROUP.NAME"; not a name that is too long, nor one beyond the capacity. */
void host_counter_add(struct host_counters *out, const char *group, const char *name,
		      int64_t value);
/* One of them; -1: there is none, or it cannot be read. */
int64_t host_table_counter(const struct host *h, const char *table, const char *column);
/* Of the neighbours (AF_INET, AF_INET6) of this network namespace those that gc_thresh3 does not
 * count: permanent ones and those that a daemon has learned. -EOPNOTSUPP: of a captured machine. */
int host_neighbours_exempt(const struct host *h, int family, uint64_t *count, struct err *e);
/* Those of /proc/net/snmp alone, and of snmp6 if `six` and it is there. */
int host_counters_snmp(const struct host *h, bool six, struct host_counters *out, struct err *e);
/* The value of a counter, or -1 if the kernel has no such counter. */
int64_t host_counter(const struct host_counters *c, const char *name);
/* after - before of a counter, or -1 if it is absent in one of them. */
int64_t host_counter_delta(const struct host_counters *before, const struct host_counters *after,
			   const char *name);

/* Kernel memory by slab cache (/proc/slabinfo: root only; -EACCES otherwise). */
#define HOST_SLABS 512
struct host_slabs {
	size_t count;
	struct host_slab {
		char name[32];
		uint64_t active; /* objects in use */
		uint64_t object_bytes;
	} at[HOST_SLABS];
};
int host_slabs(const struct host *h, struct host_slabs *out, struct err *e);
/* Slab memory in bytes from /proc/meminfo (SReclaimable + SUnreclaim): coarse, but needs no
 * privilege. */
int host_slab_bytes(const struct host *h, uint64_t *bytes, struct err *e);
/* Both, as far as they are readable. */
struct host_slab_memory {
	struct host_slabs slabs; /* count 0: not readable */
	uint64_t bytes;          /* of all slabs; 0: not readable */
};
void host_slab_memory(const struct host *h, struct host_slab_memory *out);
/* The cache of that name or NULL. */
const struct host_slab *host_slab_find(const struct host_slabs *slabs, const char *name);
/* Growth in bytes of the cache `after`. Pure. */
int64_t host_slab_growth(const struct host_slabs *before, const struct host_slab *after);
/* The bytes that `connections` new connections took between two readings. Sums the caches that grew
 * by an object per two connections or more, as smaller growth has other causes; if the caches are
 * not readable, all slabs (*by_cache false). 0: unknown. Pure. */
uint64_t host_slab_taken(const struct host_slab_memory *before,
			 const struct host_slab_memory *after, uint64_t connections,
			 bool *by_cache);
/* The sum of the object sizes of an idle connection at one end, in bytes. Pure. */
uint64_t host_slab_connection(const struct host_slabs *slabs);
/* That of Linux 6.18, measured (TCP, sock_inode_cache, filp, dentry and epoll's objects): for a
 * machine where it is neither measured nor readable. */
#define CONNECTION_BYTES 4100
#define SOCKET_BYTES 2520 /* of these, of TCP */
/* The same of this machine; 0: not readable. `socket`: NULL leaves it out. */
uint64_t host_connection_bytes(const struct host *h, uint64_t *socket);

/* Clock ticks of each CPU since boot (/proc/stat); 0 for a CPU that is not listed. */
#define HOST_CPUS 1024
struct host_cpu_times {
	struct host_cpu_time {
		uint64_t softirq, idle, steal, all;
	} at[HOST_CPUS];
};
int host_cpu_times(const struct host *h, struct host_cpu_times *out, struct err *e);
/* The share of its time (0 to 1) that a CPU spent on softirqs between two readings; 0 if unknown.
 */
double host_softirq_share(const struct host_cpu_times *before, const struct host_cpu_times *after,
			  uint32_t cpu);

/* CPUs that were idle between two readings, of those on which this process may run: 1.5 is one and
 * half of the time of another. */
double host_idle_cpus(const struct host_cpu_times *before, const struct host_cpu_times *after);

/* Boot and network namespace: a value that does not persist can be reverted only there. */
struct host_identity {
	char boot[40];   /* proc/sys/kernel/random/boot_id */
	char netns[48];  /* "4026531840", with ".COOKIE" (SO_NETNS_COOKIE) since 5.14: inode numbers
			    are reused, cookies are not */
	bool initial;    /* the network namespace of process 1; where /proc hides that one, as from
			    an ordinary user, the first of the machine */
	bool first_pids; /* the initial PID namespace: no container's */
	bool first_cgroups; /* host_has_first_cgroups() */
	bool first_netns;   /* the machine's first network namespace; a container may have it: its
			       process 1 is not evidence */
};
int host_identity(const struct host *h, struct host_identity *out, struct err *e);
/* Whether this network namespace is not the machine's first one, as in a container; false where
 * that is not known. */
bool host_own_netns(const struct host *h);
/* Whether the network namespace of an identity of this boot exists still. Unknown where processes
 * that could hold it are hidden. Enters a namespace in a process of its own. */
enum host_netns { HOST_NETNS_EXISTS, HOST_NETNS_GONE, HOST_NETNS_UNKNOWN };
enum host_netns host_netns_look(const struct host *h, const char *netns);
/* Moves this process, which must have one thread, into another network namespace: that of a pid,
 * of a path, or of a name in /run/netns. Its /sys then shows the devices of that one; hosts opened
 * before keep the old /sys. -ESRCH, -ENOENT: there is none; -EACCES, -EPERM: not allowed; -EINVAL:
 * the path is something else. */
int host_enter_netns(const char *where, struct err *e);
/* Whether this process is in it. Errors as above. */
int host_in_netns(const char *where, bool *here, struct err *e);
/* Whether a process has the same root directory; `unknown`: where that is hidden. Of process 1:
 * this is no container that only shares its namespaces. */
bool host_has_root_of(const struct host *h, pid_t pid, bool unknown);
/* Whether what is written below a directory ("/etc") is lost at the next boot: it is in memory, or
 * on an overlay whose upper directory is, or the kernel's command line is that of a live system.
 * `type` gets the name of its file system. False where that is not known, as of an overlay whose
 * upper directory is not among the mounts. */
bool host_is_volatile(const struct host *h, const char *path, char type[32]);
/* Whether this process is in the initial cgroup namespace, or the kernel has none, so that "/" is
 * the root of all groups. Of a captured machine, of the process that captured it; true where that
 * was not recorded. */
bool host_has_first_cgroups(const struct host *h);
/* Whether this process is in the initial user namespace, not a container's: global settings can be
 * changed only from there. True on kernels without user namespaces. */
bool host_owns_machine(const struct host *h);
/* Whether this process has an effective capability (CAP_…) in its user namespace. */
bool host_capable(unsigned capability);
/* Whether this process may write an existing file: 0, -EACCES, -EPERM, -EROFS or -ENOENT. */
int host_writable(const struct host *h, const char *path, struct err *e);
/* Whether an existing file of /proc/sys has no write bit: then the kernel refuses each write, also
 * with CAP_DAC_OVERRIDE (fs/proc/proc_sysctl.c, proc_sys_permission()). */
bool host_is_read_only(const struct host *h, const char *path);

/* Counts half-open connections (SYN_RECV) of a local port (network byte order) in the calling
 * network namespace, by inet_diag. -EOPNOTSUPP without it. */
int host_half_open(const struct host *h, uint16_t port, uint64_t *count, struct err *e);
/* Counts sockets that closed first and are not yet in TIME_WAIT (FIN_WAIT1, FIN_WAIT2, CLOSING),
 * likewise. */
int host_closing(const struct host *h, uint64_t *count, struct err *e);

/* How many ports from `low` to `high` net.ipv4.ip_local_reserved_ports keeps from connect(); 0
 * where there is no such file, -1 where that is not known (host_whole()). */
int64_t host_reserved_ports(const struct host *h, int64_t low, int64_t high);

/* AF_INET where an interface beside loopback has an IPv4 address, or none has an address; otherwise
 * AF_INET6. AF_INET for a captured machine. */
int host_family(const struct host *h);

/* The bytes of a page of memory; 0: unknown. */
uint64_t host_page_bytes(const struct host *h);
/* A tick of the kernel's clock, 1/HZ; 0 for a captured machine. */
int64_t host_tick_us(const struct host *h);
/* KERNEL() of its release; UINT_MAX: unknown. */
unsigned host_kernel(const struct host *h);
