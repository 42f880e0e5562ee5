/* change: one setting, from, to, why. A plan is a list of them, the journal their history.
 *
 * What epolltune can change is of a kind: a row of operations in the table of src/tune/kind.c.
 * Plan, execution, rollback and renderers call these and know no kind by name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "epolltune/err.h"
#include "epolltune/host.h"
#include "epolltune/nic.h"
#include "epolltune/target.h"

#define CHANGE_NAME 64   /* bytes that hold any name */
#define CHANGE_VALUE 512 /* bytes that hold any value */
#define CHANGE_OBJECT 24
#define CHANGE_FILE 128
#define CHANGE_WHY 400

enum change_scope {
	CHANGE_NETNS,  /* lost with its network namespace and at a reboot */
	CHANGE_SYSTEM, /* lost at a reboot */
	CHANGE_FILES,  /* persistent */
};

enum change_state {
	CHANGE_PLANNED,
	CHANGE_INTENDED,  /* in the journal; perhaps written */
	CHANGE_DONE,      /* written and read back */
	CHANGE_REVERTING, /* about to be written back; perhaps written */
	CHANGE_REVERTED,
	CHANGE_CONFLICT,    /* not reverted: modified by others since */
	CHANGE_UNREACHABLE, /* not reverted: not readable at that time */
	CHANGE_STALE,       /* nothing to revert: lost with its boot, namespace or device */
};

struct change_kind;

struct change {
	const struct change_kind *kind; /* NULL: of a newer epolltune */
	char kind_name[16];             /* as the journal has it; "" in plans */
	char name[CHANGE_NAME];         /* "net.core.somaxconn" */
	/* Identifies the object within its boot where names can be reused: an interface's index
	 * and, on PCI, its card: "3 0000:00:03.0". "": the name is enough, or a journal lacks it.
	 */
	char object[CHANGE_OBJECT];
	enum change_scope scope;
	enum change_state state;
	char from[CHANGE_VALUE];
	char to[CHANGE_VALUE];
	char became[CHANGE_VALUE]; /* as read back: kernels clamp and round; "" until then */
	char why[200];
	char wall[32];      /* "" if set by hand */
	char finding[48];   /* "" if set by hand */
	const char *effect; /* when it takes effect; static text, set in plans only */
	const char *cost;   /* what it costs; likewise */
	int64_t cost_bytes; /* extra memory at the target's load, worst case; or REPORT_NONE */
};

#define PLAN_CHANGES 64
#define PLAN_MANUAL 32

/* A remedy that epolltune cannot apply: a limit of a process, an argument of an application, a knob
 * that is not writable from here. */
struct manual_step {
	char knob[CHANGE_NAME];
	char current[80], proposed[80];
	char why[200];
	char action[640]; /* what to do, lines */
};

/* Memory at the target's load in the worst case, in bytes. */
struct budget {
	uint64_t connections;
	uint64_t fixed;   /* sockets and their files: connections × KNOB_SOCKET_BYTES */
	uint64_t receive; /* maximum of one connection: tcp_rmem[2] */
	uint64_t send;    /* tcp_wmem[2] */
	uint64_t cap;     /* tcp_mem[2], the limit of all TCP buffers together */
	bool cap_assumed; /* tcp_mem is not visible here: the kernel's default */
	uint64_t sum;     /* fixed + min(connections × (receive + send), cap) */
	uint64_t machine;
};

struct plan {
	struct target target;
	size_t count;
	struct change changes[PLAN_CHANGES];
	size_t manual_count;
	struct manual_step manual[PLAN_MANUAL];
	struct budget before, after;
	/* A preview for the machine of the report: nothing here is read, or judged by what this one
	 * permits; the memory is unknown. */
	bool elsewhere;
	size_t unknown;     /* walls without a verdict */
	size_t in_force;    /* proposals that the running values meet already */
	size_t tight;       /* findings of tight walls that --tight would act on */
	size_t blocked;     /* changes that this process may not make, see plan_permit() */
	struct err blocker; /* the reason for the first */
};

/* Whether a plan changes the running kernel. */
static inline bool plan_runtime(const struct plan *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->changes[i].scope != CHANGE_FILES)
			return true;
	return false;
}

/* The outcome of a plan. */
enum plan_outcome {
	OUTCOME_PLANNED,
	OUTCOME_NOTHING, /* nothing to change */
	OUTCOME_APPLIED,
	OUTCOME_WAITING,  /* for epolltune confirm */
	OUTCOME_REVERTED, /* rolled back after a failure */
	OUTCOME_PARTLY,   /* rolled back only in part */
	OUTCOME_REFUSED,
	OUTCOME_NOT_WAITING, /* nothing to confirm */
};

/* Where changes are made. */
struct change_site {
	const struct host *host;
	const char *root;         /* prefix of "/etc/sysctl.d"; "" outside of tests */
	const struct host *files; /* what is below it: `host` outside of tests */
	/* The interfaces as last read: all by name, and those looked at with their settings. Filled
	 * by site_nics() and site_nic(), emptied by site_refresh() and by a write. */
	struct nics all_nics, nics;
	unsigned udev; /* the version of systemd-udevd once site_udev() has looked */
	bool udev_read;
};

struct plan_options;
struct persisted;

/* A kind whose changes are in force at once. The functions get names for which has() is true. */
struct change_running {
	/* Whether a knob's name ("net/core/somaxconn", "device.ring.rx@eth0") is of this kind, and
	 * how plan and journal spell it. */
	bool (*has)(const char *name, char spelled[CHANGE_NAME]);
	enum change_scope (*scope)(const char *name);
	/* `normal` gets a value as read() returns it; -EINVAL or -ERANGE if it is out of range. */
	int (*normal)(struct change_site *site, const char *name, const char *value,
		      char normal[CHANGE_VALUE], struct err *e);
	/* The same by the knob alone, for another machine. */
	int (*form)(const char *name, const char *value, char normal[CHANGE_VALUE], struct err *e);
	/* Fills change.object; NULL: a name is enough. */
	int (*object)(struct change_site *site, const char *name, char object[CHANGE_OBJECT],
		      struct err *e);
	/* Whether the options allow to disturb what the change disturbs; if not, why. NULL: it
	 * disturbs nothing. `site` is NULL for another machine. */
	bool (*allowed)(struct change_site *site, const char *name, const struct plan_options *o,
			char why[200]);
	/* Whether a setting that read() refused is a manual step (what to do), not an error. */
	bool (*hidden)(const struct err *why, char action[CHANGE_VALUE]);
	/* What makes a change of the whole machine that check() refused with -EROFS: a sentence
	 * without full stop. NULL: "Set it on the host". */
	void (*elsewhere)(const struct change *c, char action[CHANGE_VALUE]);
	/* Whether the name of a change of this boot still leads to its object: 0, also where
	 * change.object is ""; -ENODEV: to another one or to none, *e says which; -ESTALE: the
	 * object was removed. NULL: a name always does. */
	int (*find)(struct change_site *site, const struct change *c, struct err *e);
	/* For a rollback in a later boot: replaces c->from, which is of an earlier one, by the
	 * value that this boot would have without the change, unless that is not known. `why`, a
	 * clause in brackets, says whose it is. NULL: it stays. */
	void (*at_boot)(struct change_site *site, struct change *c, char why[CHANGE_WHY]);
	/* The kind of file that holds the setting for the next boot; NULL: none can. */
	const struct change_kind *(*file)(const char *name);
	/* Why file() is NULL for a change, and what to do instead: a clause. NULL: file() never is.
	 */
	void (*no_file)(const struct change *c, char why[CHANGE_WHY]);
	/* Lines of a script and of a sysctl.d file that make the change, or a comment. */
	void (*shell)(FILE *out, const struct change *c);
	void (*sysctl)(FILE *out, const struct change *c);
};

/* Who writes a line of a file, for the comment above it. */
struct change_author {
	const char *by;
	time_t when;
	unsigned run;
};

/* A kind whose changes are lines of files below /etc; names are those of the running kind. */
struct change_file {
	bool optional;         /* a setting that no file can hold is a manual step, not an error */
	const char *directory; /* "/etc/sysctl.d" */
	void (*path)(const char *name, char path[CHANGE_FILE]);
	/* The setting of a line as read() returns it; "" for no line. */
	void (*setting)(const char *name, const char *line, char setting[CHANGE_VALUE]);
	/* The line that sets it, with its comment. */
	int (*line)(struct change_site *site, const char *name, const char *set_to, const char *why,
		    const struct change_author *author, char line[CHANGE_VALUE], struct err *e);
	/* Fills why and action of a step if something keeps our line of the change from taking
	 * effect at the next boot; NULL: nothing does. */
	int (*overridden)(struct change_site *site, const struct change *of,
			  struct manual_step *step, struct err *e);
	/* Fills what the files will set at the next boot. */
	int (*look)(struct change_site *site, const char *name, struct persisted *out,
		    struct err *e);
};

struct change_kind {
	const char *name;
	/* Whether `value` is in range (-EINVAL, -ERANGE) and this process may write it here
	 * (-EACCES, -EPERM, -ENOENT; -EROFS: no process may, with any privilege). */
	int (*check)(struct change_site *site, const char *name, const char *value, struct err *e);
	/* -ENOTUNIQ: several values, as those of queues. write() makes them one. */
	int (*read)(struct change_site *site, const char *name, char value[CHANGE_VALUE],
		    struct err *e);
	int (*write)(struct change_site *site, const char *name, const char *value, struct err *e);
	/* One of the two. */
	const struct change_running *running;
	const struct change_file *file;
};

/* By exact name; NULL if unknown. */
const struct change_kind *change_kind_find(const char *name);
/* The kinds in turn, from 0; NULL behind the last. */
const struct change_kind *change_kind_at(size_t i);
/* The name of the kind of a change, also of an unknown one. */
const char *change_kind_name(const struct change *c);
/* The running kind of a knob's name; NULL if epolltune cannot write it. */
const struct change_kind *change_kind_of(const char *name, char spelled[CHANGE_NAME]);
/* What running.find() returns of a change of this boot; 0 where its kind has no such function. */
int change_find_object(struct change_site *site, const struct change *c, struct err *e);
/* Whether a value, set again at boot, has the result of a change that was made: what it wrote, or
 * what the kernel made of it. */
bool change_gives(const struct change *c, const char *value);
/* Whether it makes its knob worse, as --set may ask for. */
bool change_worsens(const struct change *c);
/* Whether such a value gives the walls at least as much: that result, or of a sysctl that a finding
 * asks for a better one, unless the change makes it worse. */
bool change_met(const struct change *c, const char *value);
/* A value for a person: "(empty)" for an empty one. */
const char *change_shown(const char *value);
/* The same of one that a change has; "" for a line that is not in its file. */
const char *change_value(const struct change *c, const char *value);
const char *change_scope_name(enum change_scope s);
const char *change_state_name(enum change_state s);
/* 0, or -EINVAL. */
int change_scope_parse(const char *text, enum change_scope *s);
