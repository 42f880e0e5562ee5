/* The lines of files that a plan adds for the next boot, and what the files say otherwise. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/layer.h"
#include "epolltune/cleanup.h"
#include "epolltune/sysctl_d.h"
#include "epolltune/sysctls.h"
#include "tune/persist.h"
#include "tune/plan.h"
#include "tune/plan_internal.h"
#include "tune/site.h"

/* A manual step where something keeps our line from taking effect. */
static int add_override(struct plan *p, const struct change_kind *kind, const struct change *of,
			struct change_site *site, struct err *e)
{
	struct manual_step step = {0};
	int rc = kind->file->overridden ? kind->file->overridden(site, of, &step, e) : 0;
	struct manual_step *m = rc == 0 && step.why[0] ? manual_for(p, of->name) : NULL;
	if (m) {
		report_text(m->current, "%.79s", of->to);
		memcpy(m->why, step.why, sizeof(m->why));
		memcpy(m->action, step.action, sizeof(m->action));
	}
	return rc;
}

/* Whether files of others set the knob at boot. Those of /run end with this boot. */
static bool others_set(const struct change_kind *kind, const struct change *of,
		       struct change_site *site, struct persisted *p)
{
	struct err ignored;
	*p = (struct persisted){0};
	return kind->file->look(site, of->name, p, &ignored) == 0 && p->file[0] && !p->ours &&
	       !p->unread && !p->module && file_layer(p->file) != LAYER_RUN && !p->excluded;
}

/* Whether they give it as much as the change does, without a line of ours. */
static bool set_by_others(const struct change_kind *kind, const struct change *of,
			  struct change_site *site)
{
	struct persisted p;
	return others_set(kind, of, site, &p) && change_met(of, p.files);
}

/* The value of our line: no field is below that of another file, which ours overrides. */
static void line_value(const struct change_kind *kind, const struct change *of,
		       struct change_site *site, char value[CHANGE_VALUE])
{
	const struct knob *k = knob_find(of->name);
	struct persisted p;
	char normal[KNOB_VALUE], joined[KNOB_VALUE];
	bool lower, fields = k && knob_is_sysctl(k) && k->shape != KNOB_NUMBER;
	memcpy(value, of->to, CHANGE_VALUE);
	if (fields && !change_worsens(of) && others_set(kind, of, site, &p) &&
	    knob_normalise(k, p.files, normal) && plan_join(k, normal, of->to, joined, &lower))
		snprintf(value, CHANGE_VALUE, "%s", joined);
}

/* The kind of file that holds a change for the next boot; NULL: none can. */
static const struct change_kind *file_of(const struct change *c)
{
	return c->kind && c->kind->running ? c->kind->running->file(c->name) : NULL;
}

/* Whether no line has to be added: the files say so already, or none can. */
static bool is_set(const struct change *of, struct change_site *site)
{
	char found[CHANGE_VALUE], setting[CHANGE_VALUE];
	struct err ignored;
	const struct change_kind *kind = file_of(of);
	if (!kind || kind->read(site, of->name, found, &ignored) < 0)
		return !kind;
	struct manual_step step = {0};
	if (set_by_others(kind, of, site))
		return true;
	if (!found[0])
		return false;
	kind->file->setting(of->name, found, setting);
	if (kind->file->overridden && kind->file->overridden(site, of, &step, &ignored) < 0)
		return false;
	return change_met(of, setting) && !step.why[0];
}

bool persist_whole(const struct run *r, struct change_site *site)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].scope != CHANGE_FILES && r->items[i].state == CHANGE_DONE &&
		    !run_has_line(r, r->items[i].name) && !is_set(&r->items[i], site))
			return false;
	return true;
}

/* "net.core.somaxconn is 4096, run 1 set 9000" */
static void describe_standing(const struct run *r, const struct change *c, enum standing s,
			      const char *now, const struct err *why, char text[200])
{
	if (s == STANDING_UNKNOWN || s == STANDING_LOST)
		report_text_into(text, 200, "%s", why->text);
	else
		report_text_into(text, 200, "%s is %s, run %u set %s", c->name, change_shown(now),
				 r->id, change_shown(c->became));
}

/* The step for a value of a run that is not in force. */
static void add_lost(struct plan *p, const struct change *c, const char *now, const char *why)
{
	struct manual_step *m = manual_for(p, c->name);
	char joined[KNOB_VALUE], command[600];
	struct plan_knob k;
	bool lower = false;
	if (!m)
		return;
	report_text(m->current, "%.79s", now);
	report_text(m->proposed, "%.79s", c->became);
	report_text(m->why, "%s", why);
	if (!now[0] || !plan_knob_find(c->name, &k))
		return;
	plan_join(k.knob, now, c->became, joined, &lower);
	report_text(m->action, "To set it again:\n  %s",
		    plan_command(&(struct planner){.plan = p}, c->name, c->became, lower, command,
				 sizeof(command)));
}

int persist_check(struct plan *p, const struct run *r, struct change_site *site,
		  const struct host_identity *here, const char *option, struct err *e)
{
	size_t made = 0, restored = 0, lost = 0;
	char names[400] = "";
	site_refresh(site);
	for (size_t i = 0; i < r->count; i++) {
		const struct change *c = &r->items[i];
		char now[CHANGE_VALUE], text[200];
		struct err why;
		enum standing s = persist_find(r, c, site, here, now, &why);
		made += s != STANDING_NONE;
		restored += s == STANDING_RESTORED;
		lost += s == STANDING_RESTORED || s == STANDING_MODIFIED || s == STANDING_LOST;
		if (s == STANDING_NONE || s == STANDING_IN_FORCE)
			continue;
		describe_standing(r, c, s, now, &why, text);
		report_append(names, "%s%s", names[0] ? "; " : "", text);
		if (p)
			add_lost(p, c, now, text);
	}
	if (!made || lost < made)
		return 0;
	if (restored == made)
		return err_set(e, PLAN_REFUSED,
			       "run %u was rolled back, but that was not recorded; "
			       "close it with: epolltune rollback %u%s",
			       r->id, r->id, option);
	return err_set(e, PLAN_REFUSED,
		       "run %u is not in force: %s; close it with: epolltune rollback %u%s", r->id,
		       names, r->id, option);
}

static int no_file(const struct change *c, struct err *e)
{
	char why[CHANGE_WHY] = "no file can hold it";
	if (c->kind && c->kind->running && c->kind->running->no_file)
		c->kind->running->no_file(c, why);
	return err_set(e, EOPNOTSUPP, "%s", why);
}

/* Adds the line of a file for the change `of`, unless the file says so already. */
static int add_line(struct plan *p, const struct change_kind *kind, const struct change *of,
		    const struct change_author *author, struct change_site *site, struct err *e)
{
	char found[CHANGE_VALUE], setting[CHANGE_VALUE], to[CHANGE_VALUE];
	if (!kind)
		return no_file(of, e);
	int rc = kind->read(site, of->name, found, e);
	if (rc < 0)
		return rc;
	kind->file->setting(of->name, found, setting);
	rc = add_override(p, kind, of, site, e);
	if (rc < 0 || (found[0] && change_met(of, setting)) || set_by_others(kind, of, site))
		return rc;
	line_value(kind, of, site, to);
	struct change *c = plan_change_next(p, e);
	if (!c)
		return -E2BIG;
	*c = *of;
	c->kind = kind;
	c->scope = CHANGE_FILES;
	c->state = CHANGE_PLANNED;
	c->became[0] = 0;
	c->effect = "the next boot";
	c->cost = NULL;
	c->cost_bytes = REPORT_NONE;
	memcpy(c->from, found, sizeof(c->from));
	rc = kind->file->line(site, of->name, to, of->why, author, c->to, e);
	if (rc < 0)
		p->count--;
	return rc;
}

static int persist_one(struct plan *p, const struct change *of, const struct change_author *author,
		       struct change_site *site, struct err *e)
{
	struct err why = {0};
	const struct change_kind *kind = file_of(of);
	/* Of a change that was made: not of another card that has its name by now. */
	int rc = change_find_object(site, of, &why);
	bool lost = rc == -ENODEV || rc == -ESTALE;
	if (rc == 0)
		rc = add_line(p, kind, of, author, site, &why);
	if (lost || ((!kind || kind->file->optional) && (rc == -ENOENT || rc == -EOPNOTSUPP))) {
		struct manual_step *m = manual_for(p, of->name);
		if (m)
			report_text(m->action, "lost at the next boot: %s", why.text);
		return 0;
	}
	if (rc < 0)
		*e = why;
	return rc;
}

int plan_persist(struct plan *p, const struct change *standing, size_t standing_count,
		 const struct change_author *author, struct change_site *site, struct err *e)
{
	int rc = 0;
	size_t planned = p->count;
	for (size_t i = 0; i < standing_count && rc == 0; i++)
		if (!plan_change_find(p, standing[i].name))
			rc = persist_one(p, &standing[i], author, site, e);
	for (size_t i = 0; i < planned && rc == 0; i++)
		if (p->changes[i].scope != CHANGE_FILES)
			rc = persist_one(p, &p->changes[i], author, site, e);
	return rc;
}

static bool has_line(const struct plan *p, const char *knob)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->changes[i].scope == CHANGE_FILES && strcmp(p->changes[i].name, knob) == 0)
			return true;
	return false;
}

/* The step for a line that is in force, and that no program applies at boot. */
static void add_unapplied(struct plan *p, const struct change_site *site, const struct knob *of,
			  const struct sysctl_setting *set, const char *running)
{
	char own[KNOB_VALUE];
	if (knob_own(of, site->host, own) && !knob_worse(of, running, own))
		return;
	struct manual_step *m = manual_for(p, of->name);
	if (!m)
		return;
	report_text(m->current, "%s", running);
	report_text(m->why, "%.60s:%u is not applied at boot: %s", set->file, set->line,
		    set->unapplied);
	report_text(m->action, "%s", set->remedy);
}

/* Unless the knob has a step already, as that of a line which overrides ours. */
static void add_drift(const struct planner *at, const struct knob *of,
		      const struct sysctl_setting *set)
{
	struct plan *p = at->plan;
	char boot[KNOB_VALUE], running[KNOB_VALUE];
	struct plan_knob k;
	struct err ignored;
	if (!set->file[0] || set->exclude || manual_find(p, of->name) || has_line(p, of->name) ||
	    !plan_knob_find(of->name, &k) || plan_knob_planned(at, &k, running, &ignored) < 0 ||
	    !knob_at_boot(of, host_kernel(at->site->host), host_page_bytes(at->site->host),
			  set->value, running, boot))
		return;
	plan_knob_settle(at, &k, running, boot);
	if (set->unapplied[0] && strcmp(running, boot) == 0)
		add_unapplied(p, at->site, of, set, running);
	/* With a module the line is applied where that is loaded early. */
	if ((set->unapplied[0] && !sysctl_module(of->name)) || !knob_worse(of, running, boot))
		return;
	struct manual_step *m = manual_for(p, of->name);
	if (!m)
		return;
	report_text(m->current, "%s", running);
	report_text(m->why, "%.100s:%u sets %s at the next boot", set->file, set->line,
		    change_shown(boot));
	report_text(m->action, "change that line to keep the value");
}

int plan_drift(struct plan *p, const struct plan_options *o, struct change_site *site,
	       struct err *e)
{
	const struct planner at = {.plan = p, .options = o, .site = site};
	const char *names[KNOBS_MAX];
	size_t count = 0;
	CLEAN(free_pointer) struct sysctl_setting *set = calloc(KNOBS_MAX, sizeof(*set));
	if (!set)
		return err_errno(e, "cannot compare with the files");
	for (size_t i = 0; i < knob_count(); i++)
		if (knob_is_sysctl(knob_at(i)) && knob_at(i)->walls[0] &&
		    plan_wants(o, knob_at(i)->name))
			names[count++] = knob_at(i)->name;
	int rc = sysctl_d_at_boot(site->files, names, count, set, e);
	if (rc == -EOPNOTSUPP)
		return 0;
	for (size_t i = 0; i < count && rc == 0; i++)
		add_drift(&at, knob_find(names[i]), &set[i]);
	return rc;
}
