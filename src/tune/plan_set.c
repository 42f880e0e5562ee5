/* The changes of --set. */
#include <errno.h>
#include <string.h>

#include "epolltune/knob_value.h"
#include "epolltune/setting.h"
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

static int set_one(const struct planner *at, const struct setting *set, struct err *e)
{
	struct plan *p = at->plan;
	char running[KNOB_VALUE], want[KNOB_VALUE], joined[KNOB_VALUE];
	const char *name = set->name;
	const struct knob *knob = set->knob;
	struct plan_knob k;
	if (!knob)
		return err_set(e, EINVAL, "--set %s: unknown knob; see epolltune list knobs", name);
	if (!plan_knob_find(name, &k) && knob->scope == KNOB_DEVICE)
		return err_set(e, EINVAL, "--set %s: missing interface, as in %s@eth0", name,
			       knob->name);
	if (!k.kind)
		return err_set(e, EINVAL, "--set %s: not a sysctl but %s (see epolltune explain)",
			       name, knob_scope_name(knob->scope));
	int rc = plan_knob_normal(at, &k, set->value, want, e);
	if (rc == 0)
		rc = plan_knob_read(at, &k, running, e);
	if (rc == -ENOENT)
		return err_set(e, ENOENT, "--set %s: not available in this kernel or namespace",
			       name);
	if (rc < 0 && e && !strncmp(e->text, name, strlen(name)))
		return err_prefix(e, "--set");
	if (rc < 0)
		return err_prefix(e, "--set %s", name);
	char why[200];
	if (!plan_knob_allowed(at, &k, why))
		return err_set(e, PLAN_REFUSED, "--set %s: %s", name, why);
	bool lower;
	if (!plan_join(knob, running, want, joined, &lower))
		return err_set(e, EINVAL, "--set %s: %s and %s cannot be compared", name, running,
			       want);
	if (lower && !at->options->allow_lower)
		return err_set(e, PLAN_REFUSED,
			       "--set %s: %s is lower than the running value %s: "
			       "refused without --allow-lower",
			       name, want, running);
	const struct change *c = plan_change_find(p, k.name);
	if (!c && strcmp(running, want) == 0)
		return 0;
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
