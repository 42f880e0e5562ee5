/* plan: what to change so that the target's walls stand far enough, and what only the operator can
 * change. Made from a report; nothing is written while planning. */
#ifndef EPOLLTUNE_TUNE_PLAN_H
#define EPOLLTUNE_TUNE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/change.h"
#include "epolltune/report.h"

#define PLAN_CHANGES 64
#define PLAN_TOLD 32

/* The code of an err that is a refusal by our own rules (a lower value, a stale report, too much
 * memory), not a failure: exit status 2 instead of 3. */
#define PLAN_REFUSED ECANCELED

/* A remedy that is not a change of ours: a limit of a process, an argument of an application, a
 * knob that cannot be written from here. */
struct told {
	char knob[CHANGE_NAME];
	char current[80], proposed[80];
	char why[200];
	char what[640]; /* what to do, lines */
};

/* Memory at the target's load in the worst case, in bytes. */
struct budget {
	uint64_t connections;
	uint64_t fixed;   /* sockets and their files: connections × BUDGET_CONNECTION */
	uint64_t receive; /* the most of one connection: tcp_rmem[2] */
	uint64_t send;    /* tcp_wmem[2] */
	uint64_t cap;     /* tcp_mem[2], what all TCP buffers together may take */
	bool cap_assumed; /* tcp_mem is not visible here: the kernel's default is assumed */
	uint64_t sum;     /* fixed + min(connections × (receive + send), cap) */
	uint64_t machine;
};
/* Memory that a TCP socket takes before any data: TCP, sock_inode, filp, dentry and epoll objects,
 * measured as 4.0 kB by slab counts (shared/DESIGN.md: 8.2 KB for both ends). */
#define BUDGET_CONNECTION 4096

struct plan {
	struct target target;
	size_t count;
	struct change changes[PLAN_CHANGES];
	size_t told_count;
	struct told told[PLAN_TOLD];
	struct budget before, after;
	size_t unknown;     /* walls that the report could not tell */
	size_t tight;       /* findings of tight walls that --tight would act on */
	size_t left;        /* findings of walls that are to move, but not by a change of ours */
	size_t denied;      /* changes that this process may not make, told in place of made */
	size_t overridden;  /* lines of our file that a later one makes useless */
	size_t blocked;     /* changes that this process may not make, see plan_permit() */
	struct err blocker; /* why, of the first */
};

struct plan_options {
	bool tight;       /* walls that are tight lead to changes too */
	bool allow_lower; /* `set` may lower a value */
	bool allow_reset; /* an interface may lose its link for a moment */
	bool confirm;     /* all goes back unless it is confirmed */
	bool foreign;     /* the report may be of another machine or boot */
	/* Knobs, comma separated; one of interfaces stands for all of them or, with @NAME, for one.
	 */
	const char *only;   /* NULL: all */
	const char *except; /* NULL: none */
	const char *set;    /* "KNOB=VALUE", comma separated; NULL: none. Values may hold commas */
};

/* Makes a plan for the running machine. `r` may be NULL when everything comes from `set`. Values of
 * walls never go down; a knob that stands differently than the report says, is refused. */
int plan_make(struct plan *p, const struct report *r, const struct plan_options *options,
	      const struct change_site *site, struct err *e);
/* Refuses a plan that needs more memory than the machine has, with the sum, unless it does not make
 * it worse. Called by plan_make(). */
int budget_check(struct plan *p, const struct change_site *site, struct err *e);
/* What a change of the plan costs at most in bytes at the target's load; REPORT_NONE if there is no
 * formula. */
int64_t budget_cost(const struct plan *p, const struct change *c, const struct change_site *site);
/* Tells changes that this process may not write; where all are such, they stay in the plan and
 * p->blocked counts them, so that the plan can be shown to whoever may. */
void plan_permit(struct plan *p, const struct change_site *site);
/* Adds to the plan a change of the files for each sysctl in the plan, and for each of `standing`:
 * changes of earlier runs that are in force and in no file. What the files say already is left. */
int plan_persist(struct plan *p, const struct change *standing, size_t standing_count,
		 const char *who, time_t when, unsigned run, const struct change_site *site,
		 struct err *e);
/* Whether `only` and `except` let a knob ("device.ring.rx@eth0") be changed. */
bool plan_wants(const struct plan_options *options, const char *name);
/* Whether a plan changes the running kernel. */
bool plan_runtime(const struct plan *p);

#endif
