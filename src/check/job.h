/* job: a probe in a process of its own, from its start to its report. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "check/check.h"
#include "epolltune/cgroup.h"
#include "epolltune/own_time.h"

/* Modes of probes, as a set. */
#define MODE(mode) (1u << (mode))
#define EXPERIMENTS (MODE(PROBE_SHARED) | MODE(PROBE_EXCLUSIVE))

/* What the jobs of one check share. */
struct check {
	const struct check_options *options;
	struct host *host;
	struct host *earlier; /* of a captured machine with two samples; NULL */
	const char *unasked;  /* why no experiments are run; NULL: they are */
	struct cgroup group;  /* those of this process, before the probes are made */
	struct own_time *own; /* its CPU time; NULL: not counted */
	char cramped[320];    /* why the labs do not fit into the control group; "": they do */
	char spoilt[128];     /* why the lab of --run is not used any more; "": it is as it was */
	bool limited;         /* by its group: making labs would use that up in the quiet window */
	int watched;          /* an eventfd for experiments: the quiet window is over */
};

/* The memory that a probe's process shares with this one. */
struct shared {
	struct report report;
	char progress[PROBE_PROGRESS];
	struct report_probe is;
};

struct job {
	const struct check *check;
	const struct probe *probe;
	struct shared *shared;
	pid_t pid; /* 0: not running */
	int pidfd; /* -1: none */
	uint64_t deadline_ms;
	char killed[128]; /* why this process killed it; "" */
	char crash[128];  /* how it ended: what runs now reads its settings; "" */
	bool outside;     /* it observes the network namespace that the check left */
	bool starved;     /* and that is because other work kept the CPU busy */
};

struct job job_make(const struct check *check, const struct probe *probe, struct shared *shared);
bool job_has_mode(const struct job *job, unsigned modes);
bool job_has_experiments(const struct job *job);
/* Starts its process. A probe whose process cannot be started is judged by its settings. */
void job_start(struct job *job);
/* Marks it as interrupted before its start. */
void job_interrupt(struct job *job);
/* How many seconds a job may take, with a second look after a crash. */
unsigned job_longest(const struct check_options *options);
/* Kills it after its timeout or when the check is interrupted, and reaps it if it has ended. A
 * probe that crashed is started again, to read its settings. */
void job_reap(struct job *job);
/* Judges its probe by the settings in the calling process. */
void job_inspect_here(struct job *job);

/* Whether its experiments use IPv6. */
bool check_ipv6(const struct check *check);

/* What the process of a probe runs (measure.c). */

/* Runs the probe. Returns the exit status. */
int job_measure(const struct job *job);
/* Judges the probe by the settings alone. `missing`: why its experiments did not run; NULL: it has
 * none. */
int job_inspect(const struct job *job, const char *missing);
void job_report_failure(const struct job *job, enum probe_state state, const char *why);
/* Whether the wall is due with these options. */
bool job_wall_is_due(const struct job *job, const char *wall);
