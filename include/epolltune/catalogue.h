/* catalogue: all that is known and printed about walls, findings, counters, symptoms, myths and
 * guides, as rows.
 *Reports, `explain`, `list`, completion and epolltune-knobs(7) follow the rows; knobs are in
 *knob.h.
 *
 * A text with {names} is filled when it is printed (wording.h). Every finding of a wall knows
 *	{connections} {rate} {stall} {rtt} {bandwidth}	the target's numbers
 *	{needed} {capacity} {unraised}	of the wall; {unraised} without raising a soft limit
 *	{knob} {current} {proposed}	the knob that binds
 *	{others}			"A 1 → 2 and B 3 → 4", of the other knobs
 *	{effect} {cost}			of that knob
 *	{tight}				set where the wall is tight, not short
 * and what its probe adds. */
#ifndef EPOLLTUNE_CATALOGUE_H
#define EPOLLTUNE_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/target.h"

#define REPORT_NONE INT64_MIN /* a quantity that is unknown or does not apply: null in JSON */

enum finding_level { LEVEL_NOTE, LEVEL_WARNING, LEVEL_CRITICAL, LEVEL_SKIPPED };
/* Whose the limit is, and so who has to act. */
enum finding_remedy {
	REMEDY_NONE,
	REMEDY_KERNEL,
	REMEDY_PROCESS,
	REMEDY_APPLICATION,
	REMEDY_CONTAINER,
	REMEDY_DEVICE,
	REMEDY_PROVIDER,
};

struct wall_row {
	const char *name; /* API: never renamed */
	const char *unit; /* of its limit in a report */
	const char *what; /* what it is, and what the target needs of it */
	/* REPORT_NONE: the target does not need it. NULL: no target needs it, or only the probe
	 * can say how much (bound.needed). */
	int64_t (*need)(const struct target *);
	const char *no_need; /* a sentence for a target that does not need it; NULL: none */
	const char *detail; /* what its limit is made of, a text with {names}; "": the probe says */
	bool lower_is_better;
};

size_t wall_row_count(void);
const struct wall_row *wall_row_at(size_t i);
/* NULL if unknown. */
const struct wall_row *wall_row_find(const char *name);

struct finding_row {
	const char *id; /* <wall or probe>.<problem>: API, never renamed or reused */
	enum finding_level level;
	enum finding_remedy remedy; /* where the knob that binds does not say */
	const char *wall;           /* "" if it belongs to none */
	bool observed;
	bool quiet; /* no news: a text report prints it with --verbose only */
	/* What a report prints: texts with {names}. */
	const char *title, *detail, *advice;
	/* What the answer says of it, a clause with {names}; NULL: its id. */
	const char *answer;
	/* What `explain` and the manual say. */
	const char *meaning; /* one or two sentences */
	const char *action;  /* what to do */
	const char *proof;   /* what shows it: a counter, an errno, an experiment */
};

size_t finding_row_count(void);
const struct finding_row *finding_row_at(size_t i);
/* NULL if unknown. */
const struct finding_row *finding_row_find(const char *id);

/* A counter of the kernel or of a driver that shows that a wall is met. */
struct counter_row {
	const char *name;  /* as the kernel writes it: "TcpExt.ListenOverflows" */
	const char *where; /* the file or command that has it */
	const char *what;  /* what it counts, and what it does not */
	const char *walls; /* comma separated; "" for none of ours */
	const char *show;  /* a command that prints it */
};

size_t counter_row_count(void);
const struct counter_row *counter_row_at(size_t i);

/* What an operator starts from: an errno, a line of the kernel log. */
struct symptom_row {
	const char *name;   /* "EMFILE", "Possible SYN flooding" */
	const char *what;   /* what has happened */
	const char *walls;  /* comma separated; "" for none of ours */
	const char *show;   /* a command that shows it now */
	const char *action; /* what to do */
};

size_t symptom_row_count(void);
const struct symptom_row *symptom_row_at(size_t i);

/* The machine, as far as rules about values need it. */
struct machine {
	uint64_t cpus;
	uint64_t memory_bytes, available_bytes, page_bytes; /* 0: unknown */
	uint64_t files_open, files_max;                     /* fs.file-nr; both 0: unknown */
	unsigned kernel;                                    /* KERNEL(6, 18); UINT_MAX: unknown */
	int64_t ehash_entries;                              /* of the TCP hash table; 0: unknown */
	int64_t time_wait_overflow;                         /* TCPTimeWaitOverflow; -1: unknown */
};
#define KERNEL(major, minor) ((unsigned)(major) << 16 | (unsigned)(minor))

/* A running value, as a rule about it sees it. */
struct value_rule {
	const struct machine *machine;
	int64_t field[3];         /* REPORT_NONE where there is none */
	enum finding_level level; /* of the finding; the rule may change it */
	char default_value[80];   /* the kernel's own, set by the rule; "": unknown */
	const char *counter;      /* of the harm since boot, set by the rule; NULL: none */
	const char *counter_unit;
	int64_t count;
};

/* Advice that gains nothing or does harm. */
struct myth {
	const char *name;   /* the sysctl's name, or a few words joined by hyphens */
	const char *claim;  /* what is said */
	const char *truth;  /* what is so */
	const char *source; /* kernel commit or file, man page, RFC */
	const char *since;  /* the kernel since which it is so; "" for always */
	/* Where a running value shows that it was followed: */
	const char *knobs[3]; /* NULL at the end; none: no value shows it */
	/* Whether it was followed, from the value alone. Pure. */
	bool (*followed)(struct value_rule *);
	enum finding_level level;
	const char *effect; /* what the value does here, a predicate: "has no effect" */
	const char *reason; /* one or two sentences */
};

size_t myth_count(void);
const struct myth *myth_at(size_t i);

/* A server that many run. What it is started with is not visible in its socket: `backlog` is the
 * default of the application, never what this one asks for. */
struct server_row {
	const char *process; /* names of its process, comma separated; "php-fpm*": beginnings */
	const char *name;    /* as people write it */
	const char *backlog; /* its default, a number or a few words */
	const char *backlog_line;   /* of its configuration, with {backlog} */
	const char *backlog_effect; /* when that line takes effect, a clause */
	const char *files_line;     /* for its limit on descriptors, with {files}; NULL: none */
	bool inherits; /* a reload hands the socket on, which may keep its old backlog */
};

size_t server_row_count(void);
const struct server_row *server_row_at(size_t i);
/* By the name of a process; NULL if unknown. */
const struct server_row *server_row_find(const char *process);

/* What an application has to do itself, with the code that does it. */
struct guide {
	const char *name;
	const char *what;   /* what it gains, for whom, at what price */
	const char *code;   /* C that compiles; lines of at most 76 columns, no tabs */
	const char *source; /* kernel file or documentation, man page */
	const char *since;  /* first kernel that has it, "" for all that we support */
};

size_t guide_count(void);
const struct guide *guide_at(size_t i);

#endif
