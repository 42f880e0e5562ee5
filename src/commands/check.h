/* check: what the commands that need a fresh report share. */
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
	bool quick;          /* inspect only */
	bool measured;       /* an experiment that was due and is missed makes the status unknown */
	bool progress;       /* one line that rewrites itself on standard error */
};

struct check_options check_defaults(void);

/* Runs the probes, each in a process and a lab of its own, and joins what they report in the order
 * of probes.def. A probe that fails or dies leaves what it inspected and a skipped finding; only
 * what concerns the whole check is an error: no such probe, no such sysroot, no memory. */
int check_run(const struct check_options *options, struct report *out, struct err *e);

/* The options that say what the probes do, shared by the commands that run them: --backlog --window
 * --probe --in-place. Returns as target_option() does. */
int check_option(const char *name, const char *value, struct check_options *options, struct err *e);

/* The options that describe a target, shared by the commands that take one: --target --connections
 * --rate --stall --rtt --bandwidth --role. Returns 1 when `name` is one of them and was taken, 0
 * when it is none, or a negative errno. A preset given after a number does not override it. */
struct target_option {
	bool given[5];
	bool preset;
};
int target_option(const char *name, const char *value, struct target *t, struct target_option *seen,
		  struct err *e);

#endif
