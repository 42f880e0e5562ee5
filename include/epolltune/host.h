/* host: the machine as read from the kernel. `src/host/` is the only code that opens /proc, /sys or
 * netlink. A host has a root directory: "/" is the running machine, another one a captured machine
 * (files as in /proc and /sys, read only). Absent is absent, never zero: -ENOENT. */
#ifndef EPOLLTUNE_HOST_H
#define EPOLLTUNE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "epolltune/err.h"

struct host;

/* Opens the machine under `root` (an existing directory). Paths below are relative to it, without a
 * leading slash: "proc/sys/net/core/somaxconn"; an absolute one, or one with "..", is -EINVAL.
 * Links in a captured machine lead nowhere outside its root. Owned by the caller; host_close()
 * releases it. */
int host_open(struct host **out, const char *root, struct err *e);
void host_close(struct host *h);
static inline void host_closep(struct host **h) { host_close(*h); }
/* False for a captured machine: nothing is written, no netlink, no experiment. */
bool host_live(const struct host *h);

/* Reads a whole text file, at most size-1 bytes (-EFBIG beyond), NUL-terminated, the last newline
 * cut. Returns the length. Text with a NUL inside is -EBADMSG. */
ssize_t host_read(const struct host *h, const char *path, char *buf, size_t size, struct err *e);
/* The same into memory that the caller frees; at most 16 MiB. */
ssize_t host_read_all(const struct host *h, const char *path, char **text, struct err *e);
/* One decimal number, blanks around it allowed; -EBADMSG for anything else. */
int host_read_u64(const struct host *h, const char *path, uint64_t *value, struct err *e);
/* One write(2) of `text` and a newline to an existing file; -EROFS for a captured machine. A short
 * write is -EIO. */
int host_write(const struct host *h, const char *path, const char *text, struct err *e);
/* Whether a file exists. */
bool host_has(const struct host *h, const char *path);
/* Calls `each` for the path (relative to the root) of every regular file below `dir`, at most
 * `depth` levels down (1: those in `dir` itself), in name order per directory. Symbolic links below
 * `dir` are not followed. A non-zero return ends the walk and is passed on. */
int host_walk(const struct host *h, const char *dir, unsigned depth,
	      int (*each)(const char *path, void *arg), void *arg, struct err *e);

struct host_facts {
	char name[72];
	char kernel[72]; /* the release, "6.18.44" */
	uint64_t cpus;   /* online */
	uint64_t memory_bytes;
	uint64_t available_bytes; /* MemAvailable */
	uint64_t page_bytes;      /* captured: by proc/self/smaps or proc/meminfo */
};
/* What the head of a report tells. Parts that cannot be read stay empty or 0. */
void host_facts(const struct host *h, struct host_facts *out);

#define HOST_UNLIMITED UINT64_MAX

struct host_nofile {
	uint64_t soft, hard; /* RLIMIT_NOFILE of this process (captured: proc/self/limits) */
};
int host_nofile(const struct host *h, struct host_nofile *out, struct err *e);

struct host_files {
	uint64_t allocated, max; /* fs.file-nr, fs.file-max */
};
int host_files(const struct host *h, struct host_files *out, struct err *e);

/* Kernel counters of the calling network namespace: /proc/net/netstat, snmp and sockstat, named
 * "TcpExt.ListenOverflows", "Tcp.ActiveOpens", "sockstat.TCP.inuse". What is missing or damaged is
 * absent; an error only where nothing could be read. */
#define HOST_COUNTERS 640
struct host_counters {
	size_t count;
	struct host_counter {
		char name[44];
		int64_t value;
	} at[HOST_COUNTERS];
};
int host_counters(const struct host *h, struct host_counters *out, struct err *e);
/* The value of one, or -1 when this kernel has no such counter. */
int64_t host_counter(const struct host_counters *c, const char *name);
/* after - before of one counter, or -1 when either lacks it. */
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
/* Slab memory in bytes by /proc/meminfo (SReclaimable + SUnreclaim): coarse, but readable by all.
 */
int host_slab_bytes(const struct host *h, uint64_t *bytes, struct err *e);

/* A listening TCP socket of the calling network namespace, by inet_diag. */
struct host_listener {
	char address[64]; /* "0.0.0.0:80", "[::]:443" */
	uint32_t depth;   /* accept queue now (idiag_rqueue) */
	uint32_t limit; /* its limit: min(listen argument, somaxconn at listen()) (idiag_wqueue) */
	uint32_t inode;
	char process[32]; /* its owner's name where /proc tells, else "" */
};
/* Fills `out` with at most `max` of the *total that there are. Owners' names are sought within
 * bounds: on a busy machine some stay empty. -EOPNOTSUPP without inet_diag and for a captured
 * machine. */
int host_listeners(const struct host *h, struct host_listener *out, size_t max, size_t *total,
		   struct err *e);

/* Which boot and network namespace this is: what does not persist can be undone only there. */
struct host_identity {
	char boot[40];  /* proc/sys/kernel/random/boot_id */
	char netns[48]; /* "4026531840", with ".COOKIE" (SO_NETNS_COOKIE, 5.14) where the kernel has
			   it: inode numbers are used again, cookies are not */
	bool initial;   /* the network namespace of process 1; false if /proc does not tell */
};
int host_identity(const struct host *h, struct host_identity *out, struct err *e);
/* Whether this process' user namespace is the machine's own, not a container's: what belongs to the
 * whole machine is set from there only. True on kernels without user namespaces. */
bool host_owns_machine(const struct host *h);
/* Whether this process has a capability (CAP_…) in effect, in its own user namespace. */
bool host_capable(unsigned capability);
/* Whether this process may write an existing file: 0, or -EACCES, -EPERM, -EROFS, -ENOENT. */
int host_writable(const struct host *h, const char *path, struct err *e);

/* How many handshakes are half open (SYN_RECV) at a local port (network byte order) of the calling
 * network namespace, by inet_diag. -EOPNOTSUPP without it. */
int host_half_open(const struct host *h, uint16_t port, uint64_t *count, struct err *e);
/* How many sockets of the calling network namespace have closed first and are not yet in TIME_WAIT
 * (FIN_WAIT1, FIN_WAIT2, CLOSING), likewise. */
int host_closing(const struct host *h, uint64_t *count, struct err *e);

/* Has the kernel at least this version? Unknown versions count as new. */
bool host_kernel_since(const struct host *h, unsigned major, unsigned minor);

#endif
