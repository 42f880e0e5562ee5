/* check: run the probes and their options, for the commands that need a new report. */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "commands/command.h"
#include "epolltune/err.h"
#include "epolltune/probe.h"
#include "epolltune/report.h"
#include "epolltune/target.h"

#define ACCEPTED_MAX 64
struct accepted {
	size_t count;
	struct acceptance at[ACCEPTED_MAX];
};

/* What a saved target has beside the numbers. */
struct saved_target {
	char name[256];   /* as --target names it; "": none was given */
	char server[128]; /* "": none */
	char netns[128];  /* likewise */
	unsigned asked;   /* bits of TARGET_NUMBERS that it, or a preset, sets */
	struct accepted accepted;
};

/* A sysctl to be judged as if it had another value. */
struct check_laid {
	const char *name, *value;
};

struct check_options {
	struct target target;
	struct saved_target saved;
	struct probe_options probe;
	probe_set probes;          /* 0: all */
	const char *sysroot;       /* a captured machine; NULL: this one */
	const char *server;        /* the server in question, as subject_find(); NULL: none */
	const char *netns;         /* a pid, path or name; NULL: the calling network namespace */
	struct guest guest;        /* --run; its command NULL: none */
	const char *versus;        /* another command to compare it with; NULL: none */
	const char *ignore;        /* findings to accept: ID[@WALL], comma separated; NULL: none */
	const char *since;         /* the file of probe.since, for errors; NULL: none */
	enum ip_family family;     /* of the experiments */
	uint64_t observe_us;       /* take the target from the server's load; 0: do not */
	uint64_t headroom_percent; /* of that load to check for */
	unsigned kept;             /* bits of TARGET_OPTIONS: given, and not to be observed */
	const struct check_laid *laid; /* over the values of the machine */
	size_t laid_count;
	const char *command; /* "epolltune apply …", to paste; NULL: not to be, or too long */
	bool stay;           /* refuse a server in another network namespace */
	bool quick;          /* inspect only */
	bool measured;       /* a missed experiment makes the status unknown */
	bool progress;       /* show progress in a line on standard error */
};

/* Runs each probe in its own process and lab, and joins their reports in the order of probes.def. A
 * probe that fails or crashes reports its walls by their settings, and a skipped finding. Moves
 * this process into the network namespace of options->netns or of the server. Returns an error only
 * if the whole check is not possible: unknown probe or server, invalid sysroot, no memory. */
int check_run(const struct check_options *options, struct report *out, struct err *e);

/* At most how many seconds the probes of check_run() take. */
uint64_t check_limit(const struct check_options *options);

/* Runs `check` of the command of --run and that of --versus in turn, several times, and prints them
 * side by side, in a format of a comparison. Returns an exit status. */
int check_versus(const struct check_options *options, const char *format,
		 const struct render_style *style);

/* Opens the machine, in the network namespace of options->netns or of the server, and finds the
 * server if one is named. `enter`: the command that enters that namespace, or "". */
int check_open(const struct check_options *options, struct host **host, struct subject *subject,
	       char enter[REPORT_ENTER], struct err *e);
/* The server in question, and the machine as its network namespace shows it. */
struct check_subject {
	struct host *host;
	struct subject subject;
	char enter[REPORT_ENTER]; /* the command that enters that namespace; "": none was entered */
	bool moved;               /* by the last check_again(), into another one */
};
/* Finds the server again, which may have restarted, also in another network namespace. Then, and
 * where it is found, `host` is a new one, which has the limits of the machine as they are now.
 * After an error `subject` is as it was, and `host` is of the namespace in which this process is.
 * Errors as of check_open(). */
int check_again(const struct check_options *o, struct check_subject *of, struct err *e);
/* Judges a machine by its settings and what it shows, once, in this process. */
int check_inspect(const struct check_options *options, struct host *host, struct report *out,
		  struct err *e);

/* Loads the report of --since; refuses one without counters or from the future. */
int since_load(const char *path, struct report *since, struct err *e);
/* Refuses the report of --since if it is of another machine or network namespace; not if this check
 * has `entered` that of the same server, which has a new one after a restart. */
int since_check(const struct check_options *o, const struct host *host, bool entered,
		struct err *e);

/* Whether the options of a target could have made this one, which a file says. 0 or -ERANGE. */
int target_check(const struct target *t, struct err *e);

/* The nearest target that the options can make. */
struct target target_fit(const struct target *t);

/* Refuses a number of the target that nothing uses. */
int target_used(const struct check_options *o, const struct given *given, struct err *e);
/* Uses server and network namespace of a saved target where none was given, and notes which options
 * of the target were given. */
void check_saved(struct check_options *o, const struct given *given);
/* `other` with the numbers of `given` whose bits in `kept` are set. */
struct target target_keep(const struct target *given, unsigned kept, const struct target *other);
/* Writes the options that make this target of a saved one, quoted for a shell; "": none was used.
 */
void saved_options(const struct check_options *o, char out[REPORT_SAVED]);
/* Whether an option of the target was given. */
bool target_given(const struct given *given);

/* Adds ID[@WALL] of the catalogue to a struct accepted. */
int accepted_parse(const char *value, void *accepted, struct err *e);
/* Adds the lines of a file, "ID[@WALL] UNTIL VALUE REASON"; errors as lines_read(). */
int accepted_read(const char *path, struct accepted *out, struct err *e);
/* All that is accepted, from options, saved target and, on this machine, /etc/epolltune/accepted.
 */
int accepted_gather(const struct check_options *o, struct accepted *out, struct err *e);

/* Reads a saved target: "name = value" lines of the options' names, server, and accept, several
 * times. `where`: a file, if it has a "/", otherwise a name in /etc/epolltune/targets. -ENOENT:
 * there is none of that name; -EINVAL and -ERANGE name file and line. */
int saved_target_load(const char *where, struct check_options *out, struct err *e);
/* The error for a name that is neither predefined nor saved. */
int saved_target_unknown(const char *name, struct err *e);
/* The file of a name, or the file itself. */
void saved_target_path(const char *where, char path[PATH_MAX]);
/* Writes one atomically, and keeps what a present one accepts. */
int saved_target_save(const char *where, const struct check_options *o, struct err *e);
/* Calls each(name, arg) for those in /etc/epolltune/targets until it returns non-zero. Returns the
 * last result. */
int saved_target_names(int (*each)(const char *value, void *arg), void *arg);
/* Refuses what saved_target_save() could not write, before time is spent. */
int saved_target_check(const char *where, const struct check_options *o, struct err *e);

#define HOUR_US UINT64_C(3600000000)
#define WINDOW_MIN_US 500000
#define OBSERVE_MIN_US 1000000

/* Parses --target into a struct check_options: a preset, a saved target, or the file of one. */
int target_parse(const char *value, void *field, struct err *e);

/* clang-format off */
/* The options of the target, for all commands that take one: `check` is a struct check_options in
 * `type`. A named target comes first, so that it does not override the numbers that are given. */
#define TARGET_OPTIONS(type, check) \
	{"target", "NAME|FILE", "target load: c10k (default), c100k, c1m, or a saved one", \
	 OPTION_AT(type, check), PARSED(target_parse), .values.set = VALUES_TARGETS, .explained = true}, \
	TARGET_NUMBERS(type, check.target)
#define TARGET_NUMBERS(type, target) \
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
	{"datagrams", "N", "UDP datagrams per second that arrive at one address", \
	 OPTION_AT(type, target.datagrams_per_s), NUMBER(RATE, 0, 100000000)}, \
	{"datagram", "SIZE", "payload of each of them", \
	 OPTION_AT(type, target.datagram_bytes), NUMBER(SIZE, 1, 65507)}, \
	{"idle", "TIME", "time after which a load balancer or NAT forgets a connection", \
	 OPTION_AT(type, target.idle_us), NUMBER(DURATION, 1000000, 720 * HOUR_US)}, \
	{"role", "ROLE", "server (default) accepts; proxy also connects out", \
	 OPTION_AT(type, target.role), CHOICE("server,proxy"), .explained = true}

/* Writes the probe_set of a list. */
int probes_option(const char *list, void *field, struct err *e);
#define PROBES_OPTION LIST_OF(PROBES), .parse = probes_option

/* The options of the probes, for all commands that run them: `check` is a struct check_options in
 * `type`. */
#define PROBE_OPTIONS(type, check) \
	{"server", "WHO", "judge this server: pid, unit, :PORT, ADDRESS:PORT, unix:PATH, name", \
	 OPTION_AT(type, check.server), TEXT(NULL), .run = RUN_EXCLUDED}, \
	{"backlog", "N", "backlog that the application passes to listen()", \
	 OPTION_AT(type, check.probe.backlog), NUMBER(COUNT, 1, INT_MAX), .run = RUN_EXCLUDED}, \
	{"peers", "N", "hosts on the same link to talk to at a time", \
	 OPTION_AT(type, check.probe.peers), NUMBER(COUNT, 1, INT_MAX)}, \
	{"window", "TIME", "watch the interfaces for at least TIME (500ms)", \
	 OPTION_AT(type, check.probe.window_us), NUMBER(DURATION, WINDOW_MIN_US, HOUR_US)}, \
	{"probe", "NAME,…", "run only these probes", OPTION_AT(type, check.probes), PROBES_OPTION}, \
	IN_PLACE_OPTION(OPTION_AT(type, check.probe.in_place)), \
	FAMILY_OPTION(OPTION_AT(type, check.family)), \
	{"ignore", "ID[@WALL],…", "accept these findings: they do not change the exit status", \
	 OPTION_AT(type, check.ignore), LIST_OF(FINDINGS)}, \
	{"gentle", NULL, "lowest priority, one CPU, bounded rates: beside a server in use", \
	 OPTION_AT(type, check.probe.gentle), FLAG}
/* clang-format on */
