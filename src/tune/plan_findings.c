/* Findings to changes: per knob the largest value that a finding asks for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/knob_value.h"
#include "tune/plan.h"
#include "tune/plan_internal.h"

/* The step for a setting that cannot be read here. */
static void add_hidden(struct plan *p, const struct finding *f, const struct proposal *c,
		       const struct plan_knob *k, const char *action)
{
	struct manual_step *m = manual_for(p, k->name);
	if (!m || manual_covers(m, k->knob, c->proposed))
		return;
	report_text(m->proposed, "%s", c->proposed);
	plan_describe(m->why, f);
	report_text(m->action, "%s", action);
}

/* Whether a value that was not read is a step for the operator, not an error. */
static bool is_hidden(const struct planner *at, const struct plan_knob *k, const struct err *why,
		      char action[CHANGE_VALUE])
{
	if (!at->of)
		return k->kind->running->hidden(why, action);
	snprintf(action, CHANGE_VALUE, "%.200s: set it on that machine.", why->text);
	return why->code == ENODATA;
}

/* The step for a proposal that only the operator may decide. */
static void add_step(const struct planner *at, const struct finding *f, const struct proposal *c,
		     const struct plan_knob *k, const char *action)
{
	manual_of_finding(at, f, c);
	struct manual_step *m = manual_for(at->plan, k->name);
	if (m)
		report_text(m->action, "%s", action);
}

/* A proposal that only a lower value would meet: not without --allow-lower. */
static void add_lower(const struct planner *at, const struct finding *f, const struct proposal *c,
		      const struct plan_knob *k, const char *running, const char *want)
{
	char action[640], command[600];
	if (!at->of && strcmp(running, c->current) != 0) {
		at->plan->in_force++;
	} else if (!at->options->foreign || at->of) {
		report_text(action, "This lowers the value; to allow it:\n  %s",
			    plan_command(at, k->name, want, true, command, sizeof(command)));
		add_step(at, f, c, k, action);
	}
}

/* Joins the wanted value with what another finding wants. */
static int plan_joined(const struct planner *at, const struct finding *f, const struct proposal *c,
		       const struct plan_knob *k, const char *running, const char *want,
		       struct err *e)
{
	char now[KNOB_VALUE], joined[KNOB_VALUE], why[200];
	bool lower;
	int rc = plan_knob_planned(at, k, now, e);
	if (rc < 0)
		return err_prefix(e, "finding %s", f->id);
	if (!plan_join(k->knob, now, want, joined, &lower))
		return 0;
	if (strcmp(joined, now) == 0) {
		at->plan->in_force++;
		return 0;
	}
	if (!at->options->foreign && c->current[0] && strcmp(c->current, running) != 0)
		return err_set(e, PLAN_REFUSED,
			       "%s is %s, but was %s in the report: run epolltune check again",
			       k->name, running, c->current);
	if (!plan_knob_allowed(at, k, why)) {
		add_step(at, f, c, k, why);
		return 0;
	}
	return plan_change_add(at->plan, k, running, joined, f, e);
}

static int plan_proposal(const struct planner *at, const struct finding *f,
			 const struct proposal *c, const struct plan_knob *k, struct err *e)
{
	char running[KNOB_VALUE], want[KNOB_VALUE], joined[KNOB_VALUE], action[CHANGE_VALUE];
	bool lower;
	int rc = plan_knob_read(at, k, running, e);
	if (rc < 0 && is_hidden(at, k, e, action)) {
		add_hidden(at->plan, f, c, k, action);
		*e = (struct err){0};
		return 0;
	}
	if (rc == 0)
		rc = plan_knob_normal(at, k, c->proposed, want, e);
	/* What this machine does not take: the other proposals are planned. */
	if (rc == -ERANGE) {
		report_text(action, "Not possible here: %s.", e->text);
		add_step(at, f, c, k, action);
		*e = (struct err){0};
		return 0;
	}
	if (rc < 0)
		return err_prefix(e, "finding %s", f->id);
	plan_knob_settle(at, k, running, want);
	bool comparable = plan_join(k->knob, running, want, joined, &lower);
	if (comparable && !(lower && strcmp(joined, running) == 0))
		return plan_joined(at, f, c, k, running, joined, e);
	if (lower)
		add_lower(at, f, c, k, running, want);
	return 0;
}

/* Whether it fails as the machine runs: a change may not end that. */
static bool finding_happens(const struct finding *f)
{
	return f->observed && f->level == LEVEL_CRITICAL && f->remedy != REMEDY_NONE;
}

/* Whether a finding asks for a change under these options. */
static bool finding_acts(const struct finding *f, const struct wall *w,
			 const struct plan_options *o)
{
	if (!w || finding_happens(f) || f->remedy == REMEDY_NONE || !finding_asks(f))
		return false;
	return w->verdict == VERDICT_SHORT || (o->tight && w->verdict == VERDICT_TIGHT);
}

/* Whether --tight would take it up. */
static bool finding_waits(const struct finding *f, const struct wall *w,
			  const struct plan_options *o)
{
	const struct proposal *c = finding_knob(f);
	return w && w->verdict == VERDICT_TIGHT && !o->tight && finding_asks(f) &&
	       f->remedy != REMEDY_NONE && plan_wants(o, c ? c->knob : "");
}

/* All knobs that a finding proposes: those that epolltune can set, and steps for the others. */
static int plan_finding(const struct planner *at, const struct finding *f, struct err *e)
{
	const struct plan_options *o = at->options;
	for (size_t i = 0; finding_proposes(f) && i < f->proposal_count; i++) {
		const struct proposal *c = &f->proposals[i];
		const struct knob *known = knob_find(c->knob);
		struct plan_knob k;
		if (!c->proposed[0] || (known && !plan_wants(o, c->knob)) || (!known && o->only))
			continue;
		if (!plan_knob_find(c->knob, &k)) {
			manual_of_finding(at, f, c);
			continue;
		}
		int rc = plan_proposal(at, f, c, &k, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A step for each: two servers may have the same trouble. */
static void add_observed(struct plan *p, const struct finding *f)
{
	struct manual_step *m = finding_happens(f) ? manual_add(p, f->id) : NULL;
	if (!m)
		return;
	report_text(m->why, "%s", f->title);
	report_text(m->action, "%s", f->advice);
}

int plan_findings(const struct planner *at, const struct report *r, struct err *e)
{
	const struct plan_options *o = at->options;
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];
		const struct wall *w = report_find(r, f->wall);
		at->plan->tight += finding_waits(f, w, o);
		int rc = finding_acts(f, w, o) ? plan_finding(at, f, e) : 0;
		if (rc < 0)
			return rc;
	}
	/* What has no value is left to the operator, unless the plan changes its knob. */
	for (size_t i = 0; !o->only && i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];
		const struct proposal *c = finding_knob(f);
		if (c && plan_change_find(at->plan, c->knob))
			continue;
		add_observed(at->plan, f);
		if (finding_acts(f, report_find(r, f->wall), o) && !finding_proposes(f))
			manual_of_finding(at, f, c);
	}
	return 0;
}
