/* plan: the changes that raise the short walls of a report to the target, and the manual steps that
 * remain. Planning writes nothing. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/report.h"
#include "tune/change.h"

/* The code of an err that is a refusal by epolltune's own rules (a lower value, a stale report, too
 * much memory), not a failure: EXIT_CRITICAL instead of EXIT_UNKNOWN. */
#define PLAN_REFUSED ECANCELED

struct plan_options {
	bool tight;                  /* plan changes for tight walls too */
	bool allow_lower;            /* `set` may lower a value */
	bool allow_reset;            /* an interface may lose its link for a moment */
	bool confirm;                /* all is rolled back unless confirmed */
	const struct target *target; /* without a report; NULL: the default */
	bool foreign;                /* accept a report of another machine or boot */
	bool preview;                /* nothing will be written, see plan.elsewhere */
	/* The changes of earlier runs that are in force, see persist_standing(). */
	const struct change *standing;
	size_t standing_count;
	/* Knobs, comma separated; one of interfaces means all of them or, with @NAME, one. */
	const char *only;   /* NULL: all */
	const char *except; /* NULL: none */
	/* "KNOB=VALUE", comma separated; NULL: none. Values may hold commas. Of no knob that `only`
	 * or `except` leaves out. */
	const char *set;
};

/* Makes a plan for the running machine, or previews one for the machine of a foreign report, from
 * the values of the report. `r` may be NULL if everything comes from `set`. Proposals never lower a
 * value. A value that a standing change made of the wanted one is that value. -PLAN_REFUSED if a
 * knob differs from what the report says. */
int plan_make(struct plan *p, const struct report *r, const struct plan_options *options,
	      struct change_site *site, struct err *e);
/* Refuses a plan that raises the worst case above the machine's memory. Called by plan_make(). */
int budget_check(struct plan *p, const struct change_site *site, struct err *e);
/* The maximum cost of a change in bytes at the target's load; REPORT_NONE without a formula. */
int64_t budget_cost(const struct plan *p, const struct change *c, const struct change_site *site);
/* Turns changes that this process may not make into manual steps. If all are such, and need
 * privilege, they stay in the plan, to be shown, and p->blocked counts them. */
void plan_permit(struct plan *p, struct change_site *site);
/* Adds to the plan the lines of files for its changes, and for `standing`, the changes of earlier
 * runs that are in force and in no file. Skips what the files say already. */
int plan_persist(struct plan *p, const struct change *standing, size_t standing_count,
		 const struct change_author *author, struct change_site *site, struct err *e);
/* Adds a manual step for each knob, out of those that the options let change, that the files set to
 * less than its running or planned value at the next boot. */
int plan_drift(struct plan *p, const struct plan_options *options, struct change_site *site,
	       struct err *e);
/* Whether `only` and `except` let a knob ("device.ring.rx@eth0") be changed. */
bool plan_wants(const struct plan_options *options, const char *name);
