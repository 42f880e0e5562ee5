/* The changes of --set. */
#include <errno.h>
#include <string.h>

#include "catalogue/setting.h"
#include "epolltune/knob_value.h"
#include "tune/plan.h"
#include "tune/plan_internal.h"

/* Drops the step to lower the knob, if the value does it. */
static void drop_done_step(struct plan *p, const struct plan_knob *k, const char *value)
{
	struct manual_step *m = manual_find(p, k->name);
	char joined[KNOB_VALUE];
	bool lower;
	if (m && plan_join(k->knob, value, m->proposed, joined, &lower) && !lower)
		*m = p->manual[--p->manual_count];
}

/* Refuses a knob that another option leaves out. */
static int check_wanted(const struct plan_options *o, const struct setting *set, struct err *e)
{
	if (o->except && setting_listed(o->except, set->name))
		return err_set(e, EINVAL, "--set and --except both name %s", set->name);
	if (!plan_wants(o, set->name))
		return err_set(e, EINVAL, "--set %s: --only does not name it", set->name);
	return 0;
}

/* What --set names, if epolltune can write it. */
static int find_knob(const struct setting *set, struct plan_knob *k, struct err *e)
{
	const char *name = set->name;
	const struct knob *knob = set->knob;
	if (!knob)
		return err_set(e, EINVAL, "--set %s: unknown knob; see epolltune list knobs", name);
	if (plan_knob_find(name, k))
		return 0;
	if (knob->scope == KNOB_DEVICE)
		return err_set(e, EINVAL, "--set %s: missing interface, as in %s@eth0", name,
			       knob->name);
	return err_set(e, EINVAL, "--set %s: %s, not a sysctl; see epolltune explain %s", name,
		       knob->scope == KNOB_PROCESS ? "a limit of a process"
						   : "an argument of an application",
		       knob->name);
}

/* The running and the wanted value. */
static int read_values(const struct planner *at, const struct setting *set,
		       const struct plan_knob *k, char running[KNOB_VALUE], char want[KNOB_VALUE],
		       struct err *e)
{
	int rc = plan_knob_normal(at, k, set->value, want, e);
	if (rc == 0)
		rc = plan_knob_read(at, k, running, e);
	if (rc == -ENOENT)
		return err_set(e, ENOENT, "--set %s: not available in this kernel or namespace",
			       set->name);
	if (rc < 0)
		return err_prefix(e, "--set");
	plan_knob_settle(at, k, running, want);
	return 0;
}

static int check_value(const struct planner *at, const struct setting *set,
		       const struct plan_knob *k, const char *running, const char *want,
		       struct err *e)
{
	char why[200], joined[KNOB_VALUE];
	bool lower;
	if (!plan_knob_allowed(at, k, why))
		return err_set(e, PLAN_REFUSED, "--set %s: %s", set->name, why);
	if (!plan_join(k->knob, running, want, joined, &lower))
		return err_set(e, EINVAL, "--set %s: %s and %s cannot be compared", set->name,
			       change_shown(running), change_shown(want));
	if (lower && !at->options->allow_lower)
		return err_set(e, PLAN_REFUSED,
			       "--set %s: %s is lower than the running value %s: "
			       "refused without --allow-lower",
			       set->name, change_shown(want), change_shown(running));
	return 0;
}

/* Of another machine whose report does not say what the knob is: that is left to its operator. */
static int leave_step(const struct planner *at, const struct plan_knob *k,
		      const struct setting *set, struct err *e)
{
	char want[KNOB_VALUE];
	int rc = plan_knob_normal(at, k, set->value, want, e);
	if (rc < 0)
		return err_prefix(e, "--set");
	*e = (struct err){0};
	struct manual_step *m = manual_for(at->plan, k->name);
	if (m) {
		report_text(m->proposed, "%s", want);
		report_text(m->why, "set with --set");
		report_text(m->action,
			    "the report does not have its value: set it on that machine.");
	}
	return 0;
}

static int set_one(const struct planner *at, const struct setting *set, struct err *e)
{
	struct plan *p = at->plan;
	char running[KNOB_VALUE], want[KNOB_VALUE];
	struct plan_knob k;
	int rc = find_knob(set, &k, e);
	if (rc == 0)
		rc = check_wanted(at->options, set, e);
	if (rc == 0)
		rc = read_values(at, set, &k, running, want, e);
	if (rc == -ENODATA && at->of)
		return leave_step(at, &k, set, e);
	if (rc == 0)
		rc = check_value(at, set, &k, running, want, e);
	if (rc < 0 || (!plan_change_find(p, k.name) && strcmp(running, want) == 0))
		return rc;
	rc = plan_change_add(p, &k, running, want, NULL, e);
	/* --set cancels a proposal if it names the running value. */
	struct change *made = plan_change_find(p, k.name);
	if (rc == 0 && made)
		drop_done_step(p, &k, made->to);
	if (rc == 0 && made && strcmp(made->from, made->to) == 0)
		*made = p->changes[--p->count];
	return rc;
}

int plan_set(const struct planner *at, struct err *e)
{
	const char *rest = at->options->set;
	struct setting set;
	int rc = 0;
	while (rc == 0 && (rc = setting_next(&rest, &set, e)) > 0)
		rc = set_one(at, &set, e);
	return rc;
}
