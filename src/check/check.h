/* check: what a check is asked for, and running it. */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "check/accepted.h"
#include "epolltune/err.h"
#include "epolltune/probe.h"
#include "epolltune/report.h"
#include "epolltune/target.h"
#include "options/option.h"

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
	probe_set probes;    /* 0: all */
	const char *sysroot; /* a captured machine; NULL: this one */
	const char *server;  /* the server in question, as subject_find(); NULL: none */
	const char *netns;   /* a pid, path or name; NULL: the calling network namespace */
	struct guest guest;  /* --run; its command NULL: none */
	const char *versus;  /* another command to compare it with; NULL: none */
	const char *ignore; /* findings to accept: ID[@WALL][=ABOUT], comma separated; NULL: none */
	const char *since;  /* the file of probe.since, for errors; NULL: none */
	enum ip_family family;         /* of the experiments */
	uint64_t observe_us;           /* take the target from the server's load; 0: do not */
	uint64_t headroom_percent;     /* of that load to check for */
	unsigned kept;                 /* bits of TARGET_OPTIONS: given, and not to be observed */
	const struct check_laid *laid; /* over the values of the machine */
	size_t laid_count;
	const char *command; /* "epolltune apply …", to paste; NULL: not to be, or too long */
	bool proxy;          /* the role of the target is that of the server, as none was given */
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
