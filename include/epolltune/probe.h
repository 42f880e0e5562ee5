/* probe: an experiment on, or an inspection of, one area. It writes walls and findings.
 *
 * A probe is one file in probes/ that defines `const struct probe probe_<name>`, and one line in
 * probes/probes.def, which orders them. It includes these headers and the system's only. */
#ifndef EPOLLTUNE_PROBE_H
#define EPOLLTUNE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/host.h"
#include "epolltune/lab.h"
#include "epolltune/report.h"
#include "epolltune/target.h"

struct probe_options {
	bool no_proof; /* do not try proposed values */
	bool in_place; /* loopback of the calling namespace instead of a lab */
	uint64_t
		backlog; /* what the application passes to listen(); 0: all that the kernel gives */
	uint64_t window_us; /* the host itself is watched for so long at least; 0: as the probe
			     * sees fit */
};

/* What a probe is given. It owns none of it. */
struct probe_run {
	const struct target *target;
	const struct probe_options *options;
	const struct host *host; /* the calling namespace, read only */
	struct lab *lab;         /* at the running values; NULL while inspecting */
	struct lab *proof; /* a private lab to try values in (may be `lab`); NULL: none to be had */
	struct report *report;
	int others;     /* of a probe that watches: readable when all others have ended; -1: it is
			 * the only one */
	char *progress; /* PROBE_PROGRESS bytes shown to a person while it runs */
};

#define PROBE_PROGRESS 64

struct probe {
	const char *name;
	const char *summary;    /* one line */
	const char *walls;      /* those that it writes, comma separated, in order */
	bool alone;             /* fills CPUs or wire: nothing else may run beside it */
	bool watches;           /* measure() sleeps beside all the others until they have ended */
	bool private_only;      /* measure() makes no sense, or harm, in the calling namespace */
	bool no_lab;            /* measure() watches the host itself: run->lab stays NULL */
	struct lab_options lab; /* the wire it wants; rtt and bandwidth come from the target */
	/* Makes another wire of the target than one of its RTT and bandwidth; NULL: that one. */
	void (*shape)(const struct target *target, struct lab_options *lab);
	/* Reads only, on a live or captured host, within milliseconds. Fills every wall, as
	 * inspected or derived. What cannot be read is an unknown wall, not an error. */
	int (*inspect)(struct probe_run *run, struct err *e);
	/* The experiment: replaces what inspect() wrote by what was measured. NULL if none. An
	 * error leaves what was inspected and becomes a skipped finding. */
	int (*measure)(struct probe_run *run, struct err *e);
};

/* In the order of probes.def. */
size_t probe_count(void);
const struct probe *probe_at(size_t i);
const struct probe *probe_find(const char *name);

/* printf into run->progress. */
void probe_progress(struct probe_run *run, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
