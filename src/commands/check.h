/* check: run the probes and their options, for the commands that need a new report. */
#ifndef EPOLLTUNE_CHECK_H
#define EPOLLTUNE_CHECK_H

#include <stdbool.h>

#include "epolltune/err.h"
#include "epolltune/probe.h"
#include "epolltune/report.h"
#include "epolltune/target.h"

struct check_options {
	struct target target;
	struct probe_options probe;
	const char *probes;  /* names, comma separated; NULL: all */
	const char *sysroot; /* a captured machine; NULL: this one */
	const char *server;  /* the server in question, as subject_find(); NULL: none */
	const char *netns;   /* a pid or path; NULL: the calling network namespace */
	const char *since;   /* the file of probe.since, for errors; NULL: none */
	bool stay;           /* refuse a server in another network namespace */
	bool quick;          /* inspect only */
	bool measured;       /* a missed experiment makes the status unknown */
	bool progress;       /* show progress in a line on standard error */
};

struct check_options check_defaults(void);

/* Runs each probe in its own process and lab, and joins their reports in the order of probes.def. A
 * probe that fails or crashes reports its walls by their settings, and a skipped finding. Moves
 * this process into the network namespace of options->netns or of the server. Returns an error only
 * if the whole check is not possible: unknown probe or server, invalid sysroot, no memory. */
int check_run(const struct check_options *options, struct report *out, struct err *e);

/* Loads the report of --since; refuses one without counters or from the future. */
int since_load(const char *path, struct report *since, struct err *e);
/* Refuses the report of --since if it is of another machine or network namespace. */
int since_check(const struct check_options *o, const struct host *host, struct err *e);

/* Parses an option of the probes, for all commands that run them: --server --backlog --window
 * --probe --in-place --gentle. Returns as target_option(). */
int check_option(const char *name, const char *value, struct check_options *options, struct err *e);

/* Parses an option of the target, for all commands that take one: --target --connections --rate
 * --stall --rtt --bandwidth --role. Returns 1 if `name` is such an option, 0 if not, or a negative
 * errno. A preset does not override numbers given before it. */
struct target_option {
	bool given[5];
};
int target_option(const char *name, const char *value, struct target *t, struct target_option *seen,
		  struct err *e);
/* Whether these options could have made the target, which a file says. 0 or -ERANGE. */
int target_check(const struct target *t, struct err *e);

#endif
