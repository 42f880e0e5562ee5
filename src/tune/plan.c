#include "tune/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "catalogue/setting.h"
#include "epolltune/list.h"
#include "tune/plan_internal.h"
#include "tune/site.h"

static int check_list(const char *option, const char *list, struct err *e)
{
	struct list_item item;
	for (const char *at = list; list_next(&at, &item);) {
		char one[CHANGE_NAME];
		snprintf(one, sizeof(one), "%.*s", item.length, item.text);
		if (!knob_find(one))
			return err_set(e, EINVAL,
				       "--%s: unknown knob \"%s\"; see epolltune list knobs",
				       option, one);
	}
	return list && !*list ? err_set(e, EINVAL, "--%s: empty", option) : 0;
}

bool plan_wants(const struct plan_options *o, const char *knob)
{
	return (!o->only || setting_listed(o->only, knob)) &&
	       !(o->except && setting_listed(o->except, knob));
}

void plan_describe(char why[200], const struct finding *f)
{
	report_text_into(why, 200, "%s: %s", f->id, f->title);
}

struct change *plan_change_find(struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->changes[i].name, name) == 0 && p->changes[i].scope != CHANGE_FILES)
			return &p->changes[i];
	return NULL;
}

struct change *plan_change_next(struct plan *p, struct err *e)
{
	if (p->count < PLAN_CHANGES)
		return &p->changes[p->count++];
	err_set(e, E2BIG, "more than %d changes: use --only", PLAN_CHANGES);
	return NULL;
}

int plan_change_add(struct plan *p, const struct plan_knob *k, const char *from, const char *to,
		    const struct finding *f, struct err *e)
{
	struct change *c = plan_change_find(p, k->name);
	if (!c) {
		c = plan_change_next(p, e);
		if (!c)
			return -E2BIG;
		*c = (struct change){.kind = k->kind,
				     .effect = knob_effect_text(k->knob->effect),
				     .cost = k->knob->cost,
				     .cost_bytes = REPORT_NONE,
				     .scope = k->kind->running->scope(k->name)};
		report_text(c->name, "%s", k->name);
		snprintf(c->from, sizeof(c->from), "%s", from);
		if (f) {
			plan_describe(c->why, f);
			report_text(c->wall, "%s", f->wall);
			report_text(c->finding, "%s", f->id);
		} else {
			report_text(c->why, "set with --set");
		}
	}
	snprintf(c->to, sizeof(c->to), "%s", to);
	return 0;
}

/* Refuses a report of another machine or boot, unless the options accept it. */
static int check_report(struct planner *at, const struct report *r, struct err *e)
{
	const struct plan_options *o = at->options;
	struct host_identity here;
	int rc = host_identity(at->site->host, &here, o->foreign ? NULL : e);
	bool known = rc == 0 && strcmp(r->host.boot, here.boot) == 0;
	if (!known && o->foreign && o->preview)
		at->of = r;
	at->plan->elsewhere = at->of;
	if (rc < 0 && !o->foreign)
		return rc;
	if (known || o->foreign)
		return 0;
	if (!r->host.boot[0])
		return err_set(e, PLAN_REFUSED,
			       "the report has no boot id (a captured machine?): "
			       "refused without --foreign");
	return err_set(e, PLAN_REFUSED,
		       "the report is from another machine or boot (%s, Linux %s): "
		       "refused without --foreign",
		       r->host.name, r->host.kernel);
}

/* Reports are not trusted: what of them becomes a line of a script or a file stays one line. */
static void flatten_texts(struct plan *p)
{
	for (size_t i = 0; i < p->count; i++)
		text_flatten(p->changes[i].why, 0);
	for (size_t i = 0; i < p->manual_count; i++) {
		struct manual_step *m = &p->manual[i];
		text_flatten(m->knob, 0);
		text_flatten(m->current, 0);
		text_flatten(m->proposed, 0);
		text_flatten(m->why, 0);
		text_flatten(m->action, '\n');
	}
}

int plan_make(struct plan *p, const struct report *r, const struct plan_options *o,
	      struct change_site *site, struct err *e)
{
	struct planner at = {.plan = p, .options = o, .site = site, .from = r};
	memset(p, 0, sizeof(*p));
	site_refresh(site);
	p->target = r ? r->target : o->target ? *o->target : target_default();
	p->unknown = r ? report_summarize(r).unknown : 0;
	int rc = check_list("only", o->only, e);
	if (rc == 0)
		rc = check_list("except", o->except, e);
	if (rc == 0 && r)
		rc = check_report(&at, r, e);
	if (rc == 0 && r)
		rc = plan_findings(&at, r, e);
	if (rc == 0)
		rc = plan_set(&at, e);
	flatten_texts(p);
	if (rc < 0 || p->elsewhere)
		return rc;
	for (size_t i = 0; i < p->count; i++)
		p->changes[i].cost_bytes = budget_cost(p, &p->changes[i], site);
	return budget_check(p, site, e);
}

static void add_blocked(struct plan *p, const struct change *c, const struct err *why)
{
	struct manual_step *m = manual_for(p, c->name);
	const struct change_running *running = c->kind->running;
	char elsewhere[CHANGE_VALUE] = "Set it on the host";
	if (!m)
		return;
	if (c->scope == CHANGE_NETNS)
		report_text(elsewhere, "Set it as root of this network namespace");
	else if (running && running->elsewhere)
		running->elsewhere(c, elsewhere);
	report_text(m->current, "%.79s", c->from);
	report_text(m->proposed, "%.79s", c->to);
	report_text(m->why, "%s", c->why);
	report_text(m->action, "%s. %s.", why->text, elsewhere);
}

/* Moves the changes that are marked to the manual steps. */
static void move_blocked(struct plan *p, const bool *blocked, const struct err *why)
{
	size_t kept = 0;
	for (size_t i = 0; i < p->count; i++) {
		if (blocked[i])
			add_blocked(p, &p->changes[i], &why[i]);
		else
			p->changes[kept++] = p->changes[i];
	}
	p->count = kept;
}

void plan_permit(struct plan *p, struct change_site *site)
{
	bool blocked[PLAN_CHANGES] = {false}, elsewhere[PLAN_CHANGES] = {false};
	struct err why[PLAN_CHANGES];
	size_t left = p->count;
	p->blocked = 0;
	if (p->elsewhere)
		return;
	for (size_t i = 0; i < p->count; i++) {
		struct change *c = &p->changes[i];
		why[i] = (struct err){0};
		int rc = c->kind->check(site, c->name, c->to, &why[i]);
		blocked[i] = rc < 0;
		elsewhere[i] = rc == -EROFS && c->scope == CHANGE_SYSTEM && host_live(site->host);
		left -= blocked[i];
		if (blocked[i] && !elsewhere[i] && !p->blocked++)
			p->blocker = why[i];
	}
	/* With more privilege it would make what is left. */
	bool denied = p->blocked && !left;
	move_blocked(p, denied ? elsewhere : blocked, why);
	if (!denied)
		p->blocked = 0;
}
