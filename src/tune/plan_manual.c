/* Manual steps: what epolltune cannot apply. */
#include <stdio.h>
#include <string.h>

#include "epolltune/knob_value.h"
#include "epolltune/wording.h"
#include "tune/plan_internal.h"

struct manual_step *manual_add(struct plan *p, const char *knob)
{
	if (p->manual_count == PLAN_MANUAL)
		return NULL;
	struct manual_step *m = &p->manual[p->manual_count++];
	*m = (struct manual_step){0};
	report_text(m->knob, "%s", knob);
	return m;
}

struct manual_step *manual_find(struct plan *p, const char *knob)
{
	for (size_t i = 0; i < p->manual_count; i++)
		if (strcmp(p->manual[i].knob, knob) == 0)
			return &p->manual[i];
	return NULL;
}

struct manual_step *manual_for(struct plan *p, const char *knob)
{
	struct manual_step *m = manual_find(p, knob);
	return m ? m : manual_add(p, knob);
}

bool manual_covers(const struct manual_step *m, const struct knob *k, const char *proposed)
{
	char joined[KNOB_VALUE];
	int64_t was, wanted;
	bool lower;
	if (!m->proposed[0] || !proposed[0])
		return false;
	if (!k || k->scope == KNOB_PROCESS) /* one number: of RLIMIT_NOFILE, one of its fields */
		return knob_field(m->proposed, 0, &was) == 0 &&
		       knob_field(proposed, 0, &wanted) == 0 && wanted <= was;
	return plan_join(k, m->proposed, proposed, joined, &lower) &&
	       strcmp(joined, m->proposed) == 0;
}

/* The step before a limit of a process: fs.nr_open is its maximum (kernel/sys.c do_prlimit()). */
static void add_ceiling(const struct planner *at, struct manual_step *m, const char *limit)
{
	struct plan_knob nr_open;
	plan_knob_find("fs.nr_open", &nr_open);
	char value[KNOB_VALUE], command[400], action[sizeof(m->action)];
	int64_t now, wanted;
	struct err ignored;
	if (plan_knob_read(at, &nr_open, value, &ignored) < 0 || knob_field(value, 0, &now) < 0 ||
	    knob_field(limit, 0, &wanted) < 0 || wanted <= now)
		return;
	snprintf(action, sizeof(action), "%s", m->action);
	report_text_into(
		m->action, sizeof(m->action), "first raise fs.nr_open from %s: %s\n%s", value,
		plan_command(at, "fs.nr_open", limit, false, command, sizeof(command)), action);
}

/* Whether a command of the catalogue may have it: only numbers, as "1024" or "1024:4096".
 */
static bool is_number(const char *value) { return *value && !value[strspn(value, "0123456789 :")]; }

/* What an operator has to do, in the words of the knob's row, or of the finding where that is about
 * a server that is known. */
static void describe_action(const struct planner *at, struct manual_step *m,
			    const struct finding *f, const struct proposal *c, const struct knob *k)
{
	bool known = at->from && at->from->server.asked[0] && f->advice[0];
	struct wording words = {0};
	wording_set(&words, "proposed", "%s", m->proposed);
	wording_flag(&words, "soft", c && c->field == LIMIT_SOFT);
	wording_flag(&words, "openrc", !at->of && host_has_openrc(at->site->host));
	if (k && k->steps && is_number(m->proposed) && !known)
		wording_fill(&words, k->steps, m->action, sizeof(m->action));
	else
		report_text(m->action, "%s", f->advice);
}

void manual_of_finding(const struct planner *at, const struct finding *f, const struct proposal *c)
{
	const struct knob *k = c ? knob_find(c->knob) : NULL;
	struct manual_step *m = manual_for(at->plan, c && c->knob[0] ? c->knob : f->wall);
	if (!m || (c && manual_covers(m, k, c->proposed)))
		return;
	report_text(m->current, "%s", c ? c->current : "");
	report_text(m->proposed, "%s", c ? c->proposed : "");
	plan_describe(m->why, f);
	describe_action(at, m, f, c, k);
	if (k && k->scope == KNOB_PROCESS && m->proposed[0])
		add_ceiling(at, m, m->proposed);
}
