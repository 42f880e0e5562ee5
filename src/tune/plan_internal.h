/* plan_internal: what the files of a plan share. */
#pragma once

#include "epolltune/knob_value.h"
#include "epolltune/report.h"
#include "tune/change.h"

struct planner {
	struct plan *plan;
	const struct plan_options *options;
	struct change_site *site;
	const struct report *from; /* that it is made from; NULL: only of --set */
	const struct report *of;   /* whose machine the plan is for; NULL: this one */
};

/* What a name refers to, if epolltune can write it: a sysctl, or a setting of one interface. */
struct plan_knob {
	const struct knob *knob;
	const struct change_kind *kind;
	char name[CHANGE_NAME];
};
bool plan_knob_find(const char *name, struct plan_knob *k);
/* The running value; of another machine that of its report, -ENODATA without one. */
int plan_knob_read(const struct planner *at, const struct plan_knob *k, char value[KNOB_VALUE],
		   struct err *e);
int plan_knob_normal(const struct planner *at, const struct plan_knob *k, const char *value,
		     char normal[KNOB_VALUE], struct err *e);
/* Replaces a wanted value by the running one if that is what the kernel or the driver made of it:
 * it rounds, and would do so again. */
void plan_knob_settle(const struct planner *at, const struct plan_knob *k, const char *running,
		      char want[KNOB_VALUE]);
/* Whether the options allow it; if not, why. */
bool plan_knob_allowed(const struct planner *at, const struct plan_knob *k, char why[200]);
/* The value as planned so far, or the running one. */
int plan_knob_planned(const struct planner *at, const struct plan_knob *k, char value[KNOB_VALUE],
		      struct err *e);
/* The field-wise maximum of the running and the wanted value; of a range, the wider one. *lower:
 * whether the wanted value has a smaller field. False: not comparable. */
bool plan_join(const struct knob *k, const char *running, const char *want, char joined[KNOB_VALUE],
	       bool *lower);

/* The change of the running kernel of that name; NULL if none. */
struct change *plan_change_find(struct plan *p, const char *name);
/* Changes `to` of the change of a knob, or adds one. `f`: the finding that asks for it, NULL:
 * --set. */
int plan_change_add(struct plan *p, const struct plan_knob *k, const char *from, const char *to,
		    const struct finding *f, struct err *e);
/* Room for one more change; NULL with an error if there is none. */
struct change *plan_change_next(struct plan *p, struct err *e);

int plan_findings(const struct planner *at, const struct report *r, struct err *e);
int plan_set(const struct planner *at, struct err *e);

/* Why, of a finding: "accept-queue.short: …". */
void plan_describe(char why[200], const struct finding *f);

/* The command that sets a knob and proves it by the target of the report; `lower`: as in
 * knob_command(). Returns `text`. */
char *plan_command(const struct planner *at, const char *knob, const char *value, bool lower,
		   char *text, size_t size);

/* Adds a manual step; NULL: the plan is full. */
struct manual_step *manual_add(struct plan *p, const char *knob);
/* The manual step for a knob; NULL: none. */
struct manual_step *manual_find(struct plan *p, const char *knob);
/* Found or added; NULL: the plan is full. */
struct manual_step *manual_for(struct plan *p, const char *knob);
/* Whether an earlier finding asks for at least as much of the same step. */
bool manual_covers(const struct manual_step *m, const struct knob *k, const char *proposed);
/* Adds the step for a finding: of one of its proposals, or NULL. */
void manual_of_finding(const struct planner *at, const struct finding *f, const struct proposal *c);
