/* judge: runs a probe and writes its report: settings → bound → run → verdict → proof → finding,
 * once for all probes. */
#pragma once

#include "epolltune/probe.h"

/* The arguments of judge_probe(). The caller owns them. */
struct judging {
	const struct target *target;
	const struct probe_options *options;
	const struct host *host; /* the calling namespace, read only */
	/* A captured machine at the first of its two samples; NULL: there is one. */
	const struct host *earlier;
	struct lab *lab;     /* with the running values; NULL: no experiments */
	struct lab *proof;   /* to try values in; may be `lab`; NULL: no proofs */
	const char *missing; /* why experiments have no lab; NULL: they have, or are unasked */
	const char *unasked; /* why no experiments were requested; NULL: they were */
	/* Waits `us` microseconds, the window of an observation. NULL: no window, one sample. */
	void (*wait)(uint64_t us);
	char *progress; /* PROBE_PROGRESS bytes; NULL: not shown */
	struct report *report;
	bool *unobserved; /* set where the observation failed; NULL: not asked */
};

/* Runs the probe and writes its walls and findings to j->report, its experiments also after an
 * error of its observation. After an error of an experiment they are judged by the settings and by
 * the experiments that ran before; the caller reports the error. */
int judge_probe(const struct probe *p, const struct judging *j, struct err *e);

/* Runs the observation of the probe alone, which it has, and writes what that judges. */
int judge_observation(const struct probe *p, const struct judging *j, struct err *e);

/* Whether the caller's limit on descriptors stopped something; names it in `e`. */
bool judge_descriptors(const struct host *h, int rc, struct err *e);
