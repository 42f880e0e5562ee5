/* probe_options: what the options of a check say to its probes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/guest.h"
#include "epolltune/report.h"
#include "epolltune/subject.h"

struct cgroup;
struct own_time;

/* The network namespace that the check left for that of the server. */
enum outside_look {
	OUTSIDE_UNSEEN,  /* none was left, or packets to the server are not known to cross it, or
			  * this  process may not return there */
	OUTSIDE_WATCHED, /* it is observed too */
	OUTSIDE_HERE,    /* this is its observation */
};
/* Ends of veth pairs whose other end is in the namespace of the server. */
#define OUTSIDE_ENDS 8
struct outside {
	enum outside_look look;
	size_t end_count;
	uint32_t ends[OUTSIDE_ENDS]; /* their indices there */
};

struct probe_options {
	bool no_proof;              /* do not try proposed values */
	bool in_place;              /* loopback of the calling namespace instead of a lab */
	bool kernel_log;            /* experiments may make the kernel write to its log */
	bool gentle;                /* on one CPU at the lowest priority, within the bounds below */
	uint64_t backlog;           /* what the application passes to listen(); 0: the maximum */
	uint64_t peers;             /* on the same link, at a time; 0: not given */
	uint64_t window_us;         /* minimum time between the samples; 0: the probe's default */
	const struct report *since; /* an earlier report to compare with; NULL: none */
	bool since_began;           /* `since` is how this check began to observe the server */
	/* A second, at most, that the server was seen to receive where others did too; 0: no. */
	uint64_t datagrams_most;
	bool stall_seen; /* the target's stall is one that this server was seen to have */
	/* The server in question, that of a captured machine too (subject_captured()); NULL: none
	 * was named. */
	const struct subject *subject;
	struct guest *guest; /* that server in a lab (--run); NULL: it is not */
	uint64_t pause_us;   /* of a CPU quota, which became the target's stall; 0: did not */
	bool entered;        /* the check moved into another network namespace */
	struct outside outside;
	/* The groups of this process before the check made others; NULL: not read. */
	const struct cgroup *before;
	const struct own_time *own; /* of this check, as it runs; NULL: not counted */
};

/* The bounds of --gentle: new connections/s, handshakes at a time, and bytes/s. What exceeds them
 * is not run, nor is measure() of an exclusive probe. */
#define GENTLE_PER_S 2000
#define GENTLE_AT_ONCE 1024
#define GENTLE_BYTES_PER_S 20000000
#define GENTLE_REFUSES "--gentle runs no experiment that fills a CPU or the wire"
