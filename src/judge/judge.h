/* judge: runs a probe and writes its report: settings → bound → run → verdict → proof → finding,
 * once for all probes. */
#ifndef EPOLLTUNE_JUDGE_H
#define EPOLLTUNE_JUDGE_H

#include "epolltune/probe.h"

/* What a probe is judged with. The judge owns none of it. */
struct judging {
	const struct target *target;
	const struct probe_options *options;
	const struct host *host; /* the calling namespace, read only */
	struct lab *lab;         /* at the running values; NULL: no experiment */
	struct lab *proof;       /* to try values in; may be `lab`; NULL: there is none */
	/* Why there is no lab though experiments were due; NULL: none were asked for. */
	const char *missing;
	const char *unasked; /* why none were asked for, a clause; NULL where they were */
	/* Waits while an observation's window passes, at least `us`, and says whether experiments
	 * ran meanwhile. NULL: there is no window, one sample is taken. */
	bool (*wait)(void *arg, uint64_t us);
	void *wait_arg;
	char *progress; /* PROBE_PROGRESS bytes; NULL: nobody looks */
	struct report *report;
};

/* Runs what the judging allows. An error is one of an experiment: the walls are judged then as far
 * as that came, and the caller says what failed. */
int judge_probe(const struct probe *p, const struct judging *j, struct err *e);

#endif
