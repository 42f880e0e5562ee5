/* check: run the probes and their options, for the commands that need a new report. */
#ifndef EPOLLTUNE_CHECK_H
#define EPOLLTUNE_CHECK_H

#include <limits.h>
#include <stdbool.h>

#include "commands/command.h"
#include "epolltune/err.h"
#include "epolltune/probe.h"
#include "epolltune/report.h"
#include "epolltune/target.h"

struct check_options {
	struct target target;
	struct probe_options probe;
	const char *probes;    /* names, comma separated; NULL: all */
	const char *sysroot;   /* a captured machine; NULL: this one */
	const char *server;    /* the server in question, as subject_find(); NULL: none */
	const char *netns;     /* a pid or path; NULL: the calling network namespace */
	const char *since;     /* the file of probe.since, for errors; NULL: none */
	enum ip_family family; /* of the experiments */
	bool stay;             /* refuse a server in another network namespace */
	bool quick;            /* inspect only */
	bool measured;         /* a missed experiment makes the status unknown */
	bool progress;         /* show progress in a line on standard error */
};

/* Runs each probe in its own process and lab, and joins their reports in the order of probes.def. A
 * probe that fails or crashes reports its walls by their settings, and a skipped finding. Moves
 * this process into the network namespace of options->netns or of the server. Returns an error only
 * if the whole check is not possible: unknown probe or server, invalid sysroot, no memory. */
int check_run(const struct check_options *options, struct report *out, struct err *e);

/* Loads the report of --since; refuses one without counters or from the future. */
int since_load(const char *path, struct report *since, struct err *e);
/* Refuses the report of --since if it is of another machine or network namespace. */
int since_check(const struct check_options *o, const struct host *host, struct err *e);

/* Whether the options of a target could have made this one, which a file says. 0 or -ERANGE. */
int target_check(const struct target *t, struct err *e);

/* Whether an option of the target was given. */
bool target_given(const struct given *given);

#define HOUR_US 3600000000u
#define WINDOW_MIN_US 500000

/* Parses --target into a struct target. */
int target_parse(const char *value, void *field, struct err *e);

/* clang-format off */
/* The options of the target, for all commands that take one: `target` is a member of `type`. A
 * preset comes first, so that it does not override the numbers that are given. */
#define TARGET_OPTIONS(type, target) \
	{"target", "NAME", "target load: c10k (default), c100k or c1m", \
	 OPTION_AT(type, target), PARSED(target_parse), .values = "@targets", .explained = true}, \
	{"connections", "N", "concurrent connections", \
	 OPTION_AT(type, target.connections), NUMBER(COUNT, 1, 100000000)}, \
	{"rate", "N", "new connections per second", \
	 OPTION_AT(type, target.rate_per_s), NUMBER(RATE, 1, 100000000)}, \
	{"stall", "TIME", "longest pause between two accepts", \
	 OPTION_AT(type, target.stall_us), NUMBER(DURATION, 1, HOUR_US)}, \
	{"rtt", "TIME", "round-trip time to the clients", \
	 OPTION_AT(type, target.rtt_us), NUMBER(DURATION, 1, HOUR_US)}, \
	{"bandwidth", "RATE", "bandwidth of each connection", \
	 OPTION_AT(type, target.bandwidth_bps), NUMBER(BANDWIDTH, 1000, 10000000000000)}, \
	{"role", "ROLE", "server (default) accepts; proxy also connects out", \
	 OPTION_AT(type, target.role), CHOICE("server,proxy"), .explained = true}

/* The options of the probes, for all commands that run them: `check` is a struct check_options in
 * `type`. */
#define PROBE_OPTIONS(type, check) \
	{"server", "WHO", "judge this server: pid, unit, :PORT, ADDRESS:PORT, unix:PATH, name", \
	 OPTION_AT(type, check.server), TEXT(NULL)}, \
	{"backlog", "N", "backlog that the application passes to listen()", \
	 OPTION_AT(type, check.probe.backlog), NUMBER(COUNT, 1, INT_MAX)}, \
	{"window", "TIME", "watch the interfaces for at least TIME (500ms)", \
	 OPTION_AT(type, check.probe.window_us), NUMBER(DURATION, WINDOW_MIN_US, HOUR_US)}, \
	{"probe", "NAME,…", "run only these probes", OPTION_AT(type, check.probes), LIST("@probes")}, \
	IN_PLACE_OPTION(OPTION_AT(type, check.probe.in_place)), \
	FAMILY_OPTION(OPTION_AT(type, check.family)), \
	{"gentle", NULL, "lowest priority, one CPU, bounded rates: beside a server in use", \
	 OPTION_AT(type, check.probe.gentle), FLAG}
/* clang-format on */

#endif
