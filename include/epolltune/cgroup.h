/* cgroup: the limits of a process' control group, v1 and v2, with those of its ancestors as far as
 * this process can see them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "epolltune/host.h"

struct container_row;

/* That of a container of a Kubernetes in a container has about 400 bytes. */
#define CGROUP_PATH 1024

/* That has a limit. */
enum cgroup_file {
	CGROUP_NONE, /* without a limit */
	CGROUP_MEMORY_MAX,
	CGROUP_MEMORY_HIGH,
	CGROUP_MEMORY_LIMIT, /* v1 */
	CGROUP_TCP_LIMIT,    /* v1 */
	CGROUP_KMEM_LIMIT,   /* v1, before Linux 5.16 */
	CGROUP_PIDS_MAX,
};
/* "memory.max"; "": CGROUP_NONE. */
const char *cgroup_file_name(enum cgroup_file file);

/* A limit of the process' group, or of one above it. */
struct cgroup_bound {
	uint64_t max;  /* HOST_UNLIMITED: none */
	uint64_t used; /* in that group */
	/* Of `used`, what the kernel may be able to reclaim, at most: v1 does not show it. */
	uint64_t reclaimable;
	enum cgroup_file file;
	char path[CGROUP_PATH]; /* of that group, as in /proc/PID/cgroup; "": no limit */
};

/* Whether the limits of one kind are visible here. */
struct cgroup_sight {
	bool hidden;   /* the process' own group is not visible: it may have a smaller one */
	int unmounted; /* hidden, as no file system of that version is mounted here; 0: it is */
	/* The last group that is visible is the root of a container, and has no limit: one above it
	 * may have one. It is hidden, too, unless what runs the container is known to set limits
	 * for that root, or the machine's memory is shown within them. */
	bool above;
};

/* Limits of one kind that are kept. */
#define CGROUP_BOUNDS 4

/* The limits of one kind, by what they leave: the first is the tightest. */
struct cgroup_limit {
	struct cgroup_bound at[CGROUP_BOUNDS];
	size_t count;
	struct cgroup_sight sight;
	bool several; /* groups of one server have different ones: these are of the smallest */
};

/* A quota of CPU time of the process' group, or of one above it. */
struct cgroup_quota {
	uint64_t quota_us, period_us;
	char path[CGROUP_PATH]; /* of that group */
	bool shared;            /* one above: others may use it up */
	size_t groups;          /* of those joined, how many it is of */
	uint64_t threads;       /* in that group; 0: unknown, and of one above */
	/* Since the group was made: periods in which it ran, and in which it was throttled. */
	uint64_t periods, throttled;
	uint64_t used_us; /* CPU time of its processes since then; 0: unknown */
};

/* What the lack of memory has done since the groups were made. v1 counts a part of it. */
struct cgroup_pressure {
	uint64_t killed; /* processes of the group, by its own limit, one above, or the machine */
	uint64_t exhausted; /* how often that was a limit of the group, or of a visible one above */
	uint64_t reached;   /* how often such a limit made the kernel reclaim: also of page cache */
	/* In which a process of the group waited for memory, in us; -1: unknown. */
	int64_t stalled_us;
};

/* Groups above each other that have one. */
#define CGROUP_QUOTAS 8

struct cgroup {
	char path[CGROUP_PATH]; /* of the process; "": not known */
	/* Bytes. Used is what the kernel cannot reclaim: page cache is not in it. Above memory.high
	 * it makes processes sleep, above the others it kills one. */
	struct cgroup_limit memory;
	struct cgroup_limit tcp; /* socket buffers, of v1 only: memory.kmem.tcp */
	/* Kernel memory, of v1 only: memory.kmem. Linux 5.16 and later ignore it. */
	struct cgroup_limit kernel;
	struct cgroup_pressure pressure;
	/* Processes of other containers of its pod that were killed for lack of memory, and those
	 * that were so before a container was restarted, in a new group; 0: of no pod, too. */
	uint64_t pod_killed;
	/* Of that pod, the start of its first process, as in struct process; 0: unknown. */
	uint64_t pod_started;
	/* How often the kernel found a socket of the group under memory pressure, in v2; 0 where it
	 * does not count that, too. */
	uint64_t sockets_throttled;
	bool sockets_charged; /* socket buffers count as memory: v2 */
	struct cgroup_limit pids;
	/* How often a limit on processes has refused one, since the groups were made: one of the
	 * process' own group, where older kernels count all that is refused to it, and of those
	 * below it, and the limit that leaves least. */
	uint64_t pids_refused;
	uint64_t pids_refused_above; /* of these, by the group above whose limit leaves least */
	/* Each of them stops the process, also one that is not the tightest. */
	struct cgroup_quota quotas[CGROUP_QUOTAS];
	size_t quota_count;
	struct cgroup_sight cpu; /* hidden: or there are more */
	uint64_t cpus;           /* that the group may use; 0: unknown */
	size_t groups;           /* of which these are the limits: more than one by cgroup_join() */
};

/* One without limits; `hidden`: as it is not known which there are. Pure. */
struct cgroup cgroup_none(bool hidden);
/* Reads the groups of a process; 0: this one. What cannot be read has no limit, but is hidden. A
 * captured machine has those of its server, or of the process that captured it, for each that has
 * none of its own there. */
void cgroup_read(const struct host *h, pid_t pid, struct cgroup *out);
/* Whether there are groups of that process, and not of another in its place. */
bool cgroup_shown(const struct host *h, pid_t pid);
/* Whether the group of a process is frozen, itself or by one above it: docker pause, systemctl
 * freeze. */
bool cgroup_frozen(const struct host *h, pid_t pid);
/* Adds the limits of another group, which has other processes of the same server: of each kind the
 * smallest counts, and all quotas. Pure. */
void cgroup_join(struct cgroup *c, const struct cgroup *other);
/* What runs the container that has a process, 0: this one, by its group or, of a process in the
 * same container as this one, by a file that such containers have; NULL: none that is known. */
const struct container_row *cgroup_container(const struct host *h, pid_t pid);
/* What the limit leaves; HOST_UNLIMITED without one. Pure. */
uint64_t cgroup_left(const struct cgroup_limit *l);
/* The tightest limit (0), and those that leave more. There are fewer: one whose max is
 * HOST_UNLIMITED, and whose path is "". Pure. */
const struct cgroup_bound *cgroup_bound_at(const struct cgroup_limit *l, size_t i);
/* Takes what the processes of a check use out of the limits that bind it too. `before`: the groups
 * of this process before it made others; the use of the shared ones is at most what it was then,
 * without this process. Pure. */
void cgroup_spare(struct cgroup *c, const struct cgroup *before);
/* The one with the smallest share of CPU time: quota per period; NULL: there is none. Pure. */
const struct cgroup_quota *cgroup_tightest(const struct cgroup *c);
/* The CPUs that the quotas allow, of several groups together at most; 0: all. Pure. */
double cgroup_quota_cpus(const struct cgroup *c);
/* That of a group; NULL: it has none. Pure. */
const struct cgroup_quota *cgroup_quota_find(const struct cgroup *c, const char *path);
/* The pause in each period of one of its quotas, in us, when the threads of the group run all the
 * time, those that accept and all others: what is left of the period after they have used the quota
 * together on at most `cpus`, and on those of the group. Of both 0 is unknown: as many threads as
 * CPUs, which pause longest. Those of others that share the quota are unknown too. Pure. */
uint64_t cgroup_pause_us(const struct cgroup *c, const struct cgroup_quota *q, uint64_t cpus);
/* The quota with the longest pause of those that were used up before, and that pause; NULL, 0:
 * none was. Pure. */
const struct cgroup_quota *cgroup_paused(const struct cgroup *c, uint64_t cpus, uint64_t *pause_us);
