/* target_options: the options of the target and of the probes, for all commands that take them. */
#pragma once

#include <limits.h>

#include "check/check.h"
#include "check/target_numbers.h"
#include "commands/command.h"

#define WINDOW_MIN_US 500000

/* Parses --target into a struct check_options: a preset, a saved target, or the file of one. */
int target_parse(const char *value, void *field, struct err *e);

/* Refuses a number of the target that nothing uses. */
int target_used(const struct check_options *o, const struct given *given, struct err *e);
/* Uses server and network namespace of a saved target where none was given, and notes which options
 * of the target were given. */
void check_saved(struct check_options *o, const struct given *given);
/* Whether an option of the target was given. */
bool target_given(const struct given *given);

/* Writes the probe_set of a list. */
int probes_option(const char *list, void *field, struct err *e);
#define PROBES_OPTION LIST_OF(PROBES), .parse = probes_option

/* clang-format off */
/* The options of the target, for all commands that take one: `check` is a struct check_options in
 * `type`. A named target comes first, so that it does not override the numbers that are given. */
#define TARGET_OPTIONS(type, check) \
	{"target", "NAME|FILE", "target load: c10k (default), c100k, c1m, or a saved one", \
	 OPTION_AT(type, check), PARSED(target_parse), .values.set = VALUES_TARGETS, .explained = true}, \
	TARGET_NUMBERS(type, check.target)
/* The options of the probes, for all commands that run them: `check` is a struct check_options in
 * `type`. */
#define PROBE_OPTIONS(type, check) \
	{"server", "WHO", "judge this server: pid, unit, :PORT, ADDRESS:PORT, unix:PATH, name", \
	 OPTION_AT(type, check.server), TEXT(NULL), .run = RUN_EXCLUDED}, \
	{"backlog", "N", "backlog that the application passes to listen()", \
	 OPTION_AT(type, check.probe.backlog), NUMBER(COUNT, 1, INT_MAX), .run = RUN_EXCLUDED}, \
	{"peers", "N", "hosts on the same link to talk to at a time", \
	 OPTION_AT(type, check.probe.peers), NUMBER(COUNT, 1, INT_MAX)}, \
	{"window", "TIME", "watch queues, counters and interfaces for at least TIME (500ms)", \
	 OPTION_AT(type, check.probe.window_us), NUMBER(DURATION, WINDOW_MIN_US, HOUR_US)}, \
	{"probe", "NAME,…", "run only these probes", OPTION_AT(type, check.probes), PROBES_OPTION}, \
	IN_PLACE_OPTION(OPTION_AT(type, check.probe.in_place)), \
	FAMILY_OPTION(OPTION_AT(type, check.family)), \
	{"ignore", "ID[@WALL][=ABOUT],…", "accept these findings: they do not change the exit status", \
	 OPTION_AT(type, check.ignore), LIST_OF(FINDINGS)}, \
	{"gentle", NULL, "lowest priority, one CPU, bounded rates: beside a server in use", \
	 OPTION_AT(type, check.probe.gentle), FLAG}
/* clang-format on */
