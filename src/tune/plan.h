/* plan: the changes that raise the short walls of a report to the target, and the manual steps that
 * remain. Planning writes nothing. */
#ifndef EPOLLTUNE_TUNE_PLAN_H
#define EPOLLTUNE_TUNE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/change.h"
#include "epolltune/report.h"

#define PLAN_CHANGES 64
#define PLAN_MANUAL 32

/* The code of an err that is a refusal by epolltune's own rules (a lower value, a stale report, too
 * much memory), not a failure: exit status 2 instead of 3. */
#define PLAN_REFUSED ECANCELED

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
	size_t unknown;     /* walls without a verdict */
	size_t in_force;    /* proposals that the running values meet already */
	size_t tight;       /* findings of tight walls that --tight would act on */
	size_t blocked;     /* changes that this process may not make, see plan_permit() */
	struct err blocker; /* the reason for the first */
};

struct plan_options {
	bool tight;                  /* plan changes for tight walls too */
	bool allow_lower;            /* `set` may lower a value */
	bool allow_reset;            /* an interface may lose its link for a moment */
	bool confirm;                /* all is rolled back unless confirmed */
	const struct target *target; /* without a report; NULL: the default */
	bool foreign;                /* accept a report of another machine or boot */
	/* Knobs, comma separated; one of interfaces means all of them or, with @NAME, one. */
	const char *only;   /* NULL: all */
	const char *except; /* NULL: none */
	const char *set;    /* "KNOB=VALUE", comma separated; NULL: none. Values may hold commas */
};

/* Makes a plan for the running machine. `r` may be NULL if everything comes from `set`. Proposals
 * never lower a value. -PLAN_REFUSED if a knob differs from what the report says. */
int plan_make(struct plan *p, const struct report *r, const struct plan_options *options,
	      const struct change_site *site, struct err *e);
/* Refuses a plan that raises the worst case above the machine's memory. Called by plan_make(). */
int budget_check(struct plan *p, const struct change_site *site, struct err *e);
/* The maximum cost of a change in bytes at the target's load; REPORT_NONE without a formula. */
int64_t budget_cost(const struct plan *p, const struct change *c, const struct change_site *site);
/* Turns changes that this process may not make into manual steps. If all are such, they stay in the
 * plan, to be shown, and p->blocked counts them. */
void plan_permit(struct plan *p, const struct change_site *site);
/* Adds to the plan the lines of files for its changes, and for `standing`, the changes of earlier
 * runs that are in force and in no file. Skips what the files say already. */
int plan_persist(struct plan *p, const struct change *standing, size_t standing_count,
		 const char *who, time_t when, unsigned run, const struct change_site *site,
		 struct err *e);
/* Adds a manual step for each knob, out of those that the options let change, that the files set to
 * less than its running or planned value at the next boot. */
int plan_drift(struct plan *p, const struct plan_options *options, const struct change_site *site,
	       struct err *e);
/* Whether `only` and `except` let a knob ("device.ring.rx@eth0") be changed. */
bool plan_wants(const struct plan_options *options, const char *name);
/* Whether a plan changes the running kernel. */
bool plan_runtime(const struct plan *p);

#endif
