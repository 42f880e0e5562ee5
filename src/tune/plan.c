#include "tune/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/knob.h"
#include "epolltune/ports.h"
#include "epolltune/setting.h"
#include "epolltune/sysctl_d.h"
#include "tune/device.h"
#include "tune/device_files.h"
#include "tune/dropin.h"

static int check_list(const char *option, const char *list, struct err *e)
{
	for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',') {
		char one[CHANGE_NAME];
		snprintf(one, sizeof(one), "%.*s", (int)strcspn(at, ","), at);
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

/* Reports are untrusted: one line, no control characters. */
static void flatten(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

static void describe(char why[200], const struct finding *f)
{
	report_text_into(why, 200, "%s: %s", f->id, f->title);
	flatten(why);
}

/* Adds a manual step; NULL: the plan is full. */
static struct manual_step *manual_add(struct plan *p, const char *knob)
{
	if (p->manual_count == PLAN_MANUAL)
		return NULL;
	struct manual_step *m = &p->manual[p->manual_count++];
	*m = (struct manual_step){0};
	report_text(m->knob, "%s", knob);
	flatten(m->knob);
	return m;
}

/* The manual step for a knob, found or added; NULL: the plan is full. */
static struct manual_step *manual_for(struct plan *p, const char *knob)
{
	for (size_t i = 0; i < p->manual_count; i++)
		if (strcmp(p->manual[i].knob, knob) == 0)
			return &p->manual[i];
	return manual_add(p, knob);
}

/* The ports of both lists. */
static bool join_ports(const char *running, const char *want, char joined[KNOB_VALUE], bool *lower)
{
	struct port_set both = {0}, wanted = {0};
	if (!port_set_parse(&both, running) || !port_set_parse(&both, want) ||
	    !port_set_parse(&wanted, want))
		return false;
	*lower = memcmp(&both, &wanted, sizeof(both)) != 0;
	port_set_format(&both, joined, KNOB_VALUE);
	return true;
}

/* The field-wise maximum of the running and the wanted value; of a range, the wider one. *lower:
 * whether the wanted value has a smaller field. False: not comparable. */
static bool join(const struct knob *k, const char *running, const char *want,
		 char joined[KNOB_VALUE], bool *lower)
{
	*lower = false;
	if (k->shape == KNOB_PORTS)
		return join_ports(running, want, joined, lower);
	if (k->shape == KNOB_WORD || k->choice) {
		snprintf(joined, KNOB_VALUE, "%s", want);
		return true;
	}
	size_t fields = k->shape == KNOB_NUMBER ? 1 : k->shape == KNOB_RANGE ? 2 : 3, at = 0;
	for (size_t i = 0; i < fields; i++) {
		int64_t was, to;
		if (knob_field(running, i, &was) < 0 || knob_field(want, i, &to) < 0)
			return false;
		bool down = k->shape == KNOB_RANGE && i == 0 ? to > was : to < was;
		*lower |= down;
		at += (size_t)snprintf(joined + at, KNOB_VALUE - at, "%s%lld", i ? " " : "",
				       (long long)(down ? was : to));
	}
	return at < KNOB_VALUE;
}

/* Whether an earlier finding asks for at least as much of the same step. */
static bool manual_covers(const struct manual_step *m, const struct knob *k, const char *proposed)
{
	char joined[KNOB_VALUE];
	int64_t was, wanted;
	bool lower;
	if (!m->proposed[0] || !proposed[0])
		return false;
	if (!k || k->scope == KNOB_PROCESS) /* one number: of RLIMIT_NOFILE, one of its fields */
		return knob_field(m->proposed, 0, &was) == 0 &&
		       knob_field(proposed, 0, &wanted) == 0 && wanted <= was;
	return join(k, m->proposed, proposed, joined, &lower) && strcmp(joined, m->proposed) == 0;
}

/* The step before a limit of a process: fs.nr_open is its maximum (kernel/sys.c do_prlimit()). */
static void add_ceiling(struct manual_step *m, const char *limit, const struct change_site *site)
{
	char value[KNOB_VALUE], action[sizeof(m->action)];
	int64_t now, wanted;
	struct err ignored;
	if (knob_read(knob_find("fs.nr_open"), site->host, value, &ignored) < 0 ||
	    knob_field(value, 0, &now) < 0 || knob_field(limit, 0, &wanted) < 0 || wanted <= now)
		return;
	snprintf(action, sizeof(action), "%s", m->action);
	report_text_into(m->action, sizeof(m->action),
			 "first raise fs.nr_open from %s: epolltune apply --only fs.nr_open "
			 "--set fs.nr_open=%s\n%s",
			 value, limit, action);
}

/* What an operator has to do, in the words of the knob's row, or of the finding. */
static void describe_action(struct manual_step *m, const struct finding *f,
			    const struct proposal *c, const struct knob *k)
{
	struct wording words = {0};
	wording_set(&words, "proposed", "%s", m->proposed);
	wording_set(&words, "soft", "%s", c && strcmp(c->field, "soft") == 0 ? "yes" : "");
	if (k && k->steps && m->proposed[0])
		wording_fill(&words, k->steps, m->action, sizeof(m->action));
	else
		report_text(m->action, "%s", f->advice);
}

/* The manual step for a finding: of one of its proposals, or NULL. */
static void add_manual(struct plan *p, const struct finding *f, const struct proposal *c,
		       const struct change_site *site)
{
	const struct knob *k = c ? knob_find(c->knob) : NULL;
	struct manual_step *m = manual_for(p, c && c->knob[0] ? c->knob : f->wall);
	if (!m || (c && manual_covers(m, k, c->proposed)))
		return;
	report_text(m->current, "%s", c ? c->current : "");
	report_text(m->proposed, "%s", c ? c->proposed : "");
	flatten(m->current);
	flatten(m->proposed);
	describe(m->why, f);
	describe_action(m, f, c, k);
	if (k && k->scope == KNOB_PROCESS && m->proposed[0])
		add_ceiling(m, m->proposed, site);
}

/* What a name refers to, if epolltune can write it: a sysctl, or a setting of one interface. */
struct subject {
	const struct knob *knob;
	const char *kind;
	char name[CHANGE_NAME];
};

static bool subject_find(const char *name, struct subject *s)
{
	struct device_name d;
	*s = (struct subject){.knob = knob_find(name)};
	if (!s->knob)
		return false;
	if (s->knob->scope == KNOB_NETNS || s->knob->scope == KNOB_SYSTEM) {
		s->kind = "sysctl";
		snprintf(s->name, sizeof(s->name), "%s", s->knob->name);
	} else if (device_parse(name, &d) && strlen(name) < sizeof(s->name)) {
		s->kind = "device";
		snprintf(s->name, sizeof(s->name), "%s", name);
	}
	return s->kind;
}

static int subject_read(const struct subject *s, const struct change_site *site,
			char value[KNOB_VALUE], struct err *e)
{
	char text[CHANGE_VALUE];
	int r = change_kind_find(s->kind)->read(site, s->name, text, e);
	if (r < 0)
		return r;
	if (strlen(text) >= KNOB_VALUE)
		return err_set(e, EFBIG, "%s: its value is too long", s->name);
	memcpy(value, text, strlen(text) + 1);
	return 0;
}

static int subject_normal(const struct subject *s, const struct change_site *site,
			  const char *value, char normal[KNOB_VALUE], struct err *e)
{
	char text[CHANGE_VALUE];
	if (strcmp(s->kind, "device") != 0)
		return knob_check(s->knob, value, normal, e);
	int r = device_normal(site, s->name, value, text, e);
	if (r == 0 && strlen(text) >= KNOB_VALUE)
		return err_set(e, EFBIG, "%s: its value is too long", s->name);
	if (r == 0)
		memcpy(normal, text, strlen(text) + 1);
	return r;
}

/* Whether the options allow a change that resets the link; if not, why. */
static bool link_allowed(const struct subject *s, const struct plan_options *o,
			 const struct change_site *site, char why[200])
{
	struct device_name d;
	char what[40];
	if (!device_parse(s->name, &d) || !d.setting->resets)
		return true;
	bool management_path = nic_lifeline(site->host, d.nic, what);
	if (o->allow_reset && (o->confirm || !management_path))
		return true;
	if (!management_path)
		snprintf(why, 200, "%s may briefly lose its link: add --allow-link-reset", d.nic);
	else
		snprintf(why, 200,
			 "%s carries %s and may briefly lose its link: "
			 "add --allow-link-reset and --confirm TIME",
			 d.nic, what);
	return false;
}

static struct change *find_change(struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->changes[i].name, name) == 0 && p->changes[i].scope != CHANGE_FILES)
			return &p->changes[i];
	return NULL;
}

static int add_change(struct plan *p, const struct subject *s, const char *from, const char *to,
		      const struct finding *f, struct err *e)
{
	struct change *c = find_change(p, s->name);
	if (!c && p->count == PLAN_CHANGES)
		return err_set(e, E2BIG, "more than %d changes: use --only", PLAN_CHANGES);
	if (!c) {
		c = &p->changes[p->count++];
		*c = (struct change){.effect = knob_effect_text(s->knob->effect),
				     .cost = s->knob->cost,
				     .cost_bytes = REPORT_NONE};
		report_text(c->kind, "%s", s->kind);
		report_text(c->name, "%s", s->name);
		c->scope = change_kind_find(s->kind)->scope(s->name);
		snprintf(c->from, sizeof(c->from), "%s", from);
		if (f) {
			describe(c->why, f);
			report_text(c->wall, "%s", f->wall);
			report_text(c->finding, "%s", f->id);
		} else {
			report_text(c->why, "set with --set");
		}
	}
	snprintf(c->to, sizeof(c->to), "%s", to);
	return 0;
}

/* The value as planned so far, or the running one. */
static int planned_value(struct plan *p, const struct subject *s, const struct change_site *site,
			 char running[KNOB_VALUE], struct err *e)
{
	const struct change *c = find_change(p, s->name);
	if (!c)
		return subject_read(s, site, running, e);
	snprintf(running, KNOB_VALUE, "%.*s", KNOB_VALUE - 1, c->to);
	return 0;
}

static int plan_proposal(struct plan *p, const struct finding *f, const struct proposal *c,
			 const struct subject *s, const struct plan_options *o,
			 const struct change_site *site, struct err *e)
{
	char running[KNOB_VALUE], now[KNOB_VALUE], want[KNOB_VALUE], joined[KNOB_VALUE];
	bool lower;
	int r = subject_read(s, site, running, e);
	bool device = !strcmp(s->kind, "device");
	if (r == -ENOENT || (r < 0 && device)) {
		struct manual_step *m = manual_for(p, s->name);
		if (m && !manual_covers(m, s->knob, c->proposed)) {
			report_text(m->proposed, "%s", c->proposed);
			describe(m->why, f);
			if (device)
				report_text(m->action, "%s", e->text);
			else
				report_text(m->action,
					    "not visible in this network namespace: set it on "
					    "the host.");
		}
		*e = (struct err){0};
		return 0;
	}
	if (r < 0 || (r = subject_normal(s, site, c->proposed, want, e)) < 0 ||
	    (r = planned_value(p, s, site, now, e)) < 0)
		return err_prefix(e, "finding %s", f->id);
	if (!join(s->knob, running, want, joined, &lower) ||
	    (lower && strcmp(joined, running) == 0)) {
		/* Only a lower value would do: not without --allow-lower. */
		p->in_force += lower && strcmp(running, c->current) != 0;
		if (!o->foreign && lower && strcmp(running, c->current) == 0) {
			add_manual(p, f, c, site);
			struct manual_step *m = manual_for(p, s->name);
			if (m)
				report_text(m->action,
					    "lowers the value: epolltune apply --only %s --set "
					    "'%s=%s' --allow-lower",
					    s->name, s->name, c->proposed);
		}
		return 0;
	}
	/* Joined with what another finding wants. */
	snprintf(want, sizeof(want), "%s", joined);
	if (!join(s->knob, now, want, joined, &lower))
		return 0;
	if (strcmp(joined, now) == 0) {
		p->in_force++;
		return 0;
	}
	if (!o->foreign && c->current[0] && strcmp(c->current, running) != 0)
		return err_set(e, PLAN_REFUSED,
			       "%s is %s, but was %s in the report: run epolltune check again",
			       s->name, running, c->current);
	char why[200];
	if (!link_allowed(s, o, site, why)) {
		add_manual(p, f, c, site);
		struct manual_step *m = manual_for(p, s->name);
		if (m)
			report_text(m->action, "%s", why);
		return 0;
	}
	return add_change(p, s, running, joined, f, e);
}

/* Whether it fails as the machine runs: no change of a knob ends that. */
static bool finding_happens(const struct finding *f)
{
	return f->observed && f->level == LEVEL_CRITICAL && f->remedy != REMEDY_NONE;
}

/* Whether a finding asks for a change under these options. */
static bool finding_acts(const struct finding *f, const struct wall *w,
			 const struct plan_options *o)
{
	if (!w || finding_happens(f) || f->remedy == REMEDY_NONE ||
	    (f->level != LEVEL_WARNING && f->level != LEVEL_CRITICAL))
		return false;
	return w->verdict == VERDICT_SHORT || (o->tight && w->verdict == VERDICT_TIGHT);
}

/* Whether --tight would take it up. */
static bool finding_waits(const struct finding *f, const struct wall *w,
			  const struct plan_options *o)
{
	const struct proposal *c = finding_knob(f);
	return w && w->verdict == VERDICT_TIGHT && !o->tight && f->level == LEVEL_WARNING &&
	       f->remedy != REMEDY_NONE && plan_wants(o, c ? c->knob : "");
}

/* All knobs that a finding proposes: those that epolltune can set, and steps for the others. */
static int plan_finding(struct plan *p, const struct finding *f, const struct plan_options *o,
			const struct change_site *site, struct err *e)
{
	if (!finding_proposes(f) && !o->only)
		add_manual(p, f, finding_knob(f), site);
	for (size_t i = 0; finding_proposes(f) && i < f->proposal_count; i++) {
		const struct proposal *c = &f->proposals[i];
		const struct knob *k = knob_find(c->knob);
		struct subject s;
		if (!c->proposed[0] || (k && !plan_wants(o, c->knob)) || (!k && o->only))
			continue;
		if (!subject_find(c->knob, &s)) {
			add_manual(p, f, c, site);
			continue;
		}
		int failed = plan_proposal(p, f, c, &s, o, site, e);
		if (failed < 0)
			return failed;
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
	flatten(m->why);
}

static int plan_findings(struct plan *p, const struct report *r, const struct plan_options *o,
			 const struct change_site *site, struct err *e)
{
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct finding *f = &r->findings[i];
		const struct wall *w = report_find(r, f->wall);
		p->tight += finding_waits(f, w, o);
		if (!o->only)
			add_observed(p, f);
		int failed = finding_acts(f, w, o) ? plan_finding(p, f, o, site, e) : 0;
		if (failed < 0)
			return failed;
	}
	return 0;
}

static int set_one(struct plan *p, const struct setting *set, const struct plan_options *o,
		   const struct change_site *site, struct err *e)
{
	char running[KNOB_VALUE], want[KNOB_VALUE], joined[KNOB_VALUE];
	const char *name = set->name;
	const struct knob *k = set->knob;
	if (!k)
		return err_set(e, EINVAL, "--set %s: unknown knob; see epolltune list knobs", name);
	struct subject s;
	if (!subject_find(name, &s) && k->scope == KNOB_DEVICE)
		return err_set(e, EINVAL, "--set %s: missing interface, as in %s@eth0", name,
			       k->name);
	if (!s.kind)
		return err_set(e, EINVAL, "--set %s: not a sysctl but %s (see epolltune explain)",
			       name, knob_scope_name(k->scope));
	int r = subject_normal(&s, site, set->value, want, e);
	if (r == 0)
		r = subject_read(&s, site, running, e);
	if (r == -ENOENT)
		return err_set(e, ENOENT, "--set %s: not available in this kernel or namespace",
			       name);
	if (r < 0 && e && !strncmp(e->text, name, strlen(name)))
		return err_prefix(e, "--set");
	if (r < 0)
		return err_prefix(e, "--set %s", name);
	char why[200];
	if (!link_allowed(&s, o, site, why))
		return err_set(e, PLAN_REFUSED, "--set %s: %s", name, why);
	bool lower;
	if (!join(k, running, want, joined, &lower))
		return err_set(e, EINVAL, "--set %s: %s and %s cannot be compared", name, running,
			       want);
	if (lower && !o->allow_lower)
		return err_set(e, PLAN_REFUSED,
			       "--set %s: %s is lower than the running value %s: "
			       "refused without --allow-lower",
			       name, want, running);
	const struct change *c = find_change(p, s.name);
	if (!c && strcmp(running, want) == 0)
		return 0;
	r = add_change(p, &s, running, want, NULL, e);
	/* --set cancels a proposal if it names the running value. */
	struct change *made = find_change(p, s.name);
	if (r == 0 && made && strcmp(made->from, made->to) == 0)
		*made = p->changes[--p->count];
	return r;
}

static int plan_set(struct plan *p, const struct plan_options *o, const struct change_site *site,
		    struct err *e)
{
	const char *rest = o->set;
	struct setting set;
	int r = 0;
	while (r == 0 && (r = setting_next(&rest, &set, e)) > 0)
		r = set_one(p, &set, o, site, e);
	return r;
}

static int check_report(const struct report *r, const struct change_site *site, struct err *e)
{
	struct host_identity here;
	int failed = host_identity(site->host, &here, e);
	if (failed < 0)
		return failed;
	if (!r->host.boot[0])
		return err_set(e, PLAN_REFUSED,
			       "the report has no boot id (a captured machine?): "
			       "refused without --foreign");
	if (strcmp(r->host.boot, here.boot) != 0)
		return err_set(e, PLAN_REFUSED,
			       "the report is from another machine or boot (%s, Linux %s): "
			       "refused without --foreign",
			       r->host.name, r->host.kernel);
	return 0;
}

int plan_make(struct plan *p, const struct report *r, const struct plan_options *o,
	      const struct change_site *site, struct err *e)
{
	memset(p, 0, sizeof(*p));
	p->target = r ? r->target : o->target ? *o->target : target_default();
	p->unknown = r ? report_summarize(r).unknown : 0;
	int failed = check_list("only", o->only, e);
	if (failed == 0)
		failed = check_list("except", o->except, e);
	if (failed == 0 && r && !o->foreign)
		failed = check_report(r, site, e);
	if (failed == 0 && r)
		failed = plan_findings(p, r, o, site, e);
	if (failed == 0)
		failed = plan_set(p, o, site, e);
	for (size_t i = 0; i < p->count; i++)
		p->changes[i].cost_bytes = budget_cost(p, &p->changes[i], site);
	return failed < 0 ? failed : budget_check(p, site, e);
}

static void add_blocked(struct plan *p, const struct change *c, const struct err *why)
{
	struct manual_step *m = manual_for(p, c->name);
	if (!m)
		return;
	report_text(m->current, "%.79s", c->from);
	report_text(m->proposed, "%.79s", c->to);
	report_text(m->why, "%s", c->why);
	report_text(m->action, "%s. Set it %s.", why->text,
		    c->scope == CHANGE_NETNS ? "as root of this network namespace" : "on the host");
}

void plan_permit(struct plan *p, const struct change_site *site)
{
	bool blocked[PLAN_CHANGES] = {false};
	struct err why[PLAN_CHANGES];
	p->blocked = 0;
	for (size_t i = 0; i < p->count; i++) {
		struct change *c = &p->changes[i];
		char normal[CHANGE_VALUE];
		why[i] = (struct err){0};
		int r = change_kind_find(c->kind)->check(site, c->name, c->to, normal, &why[i]);
		blocked[i] = r < 0;
		if (r < 0 && !p->blocked++)
			p->blocker = why[i];
	}
	if (p->blocked == p->count)
		return;
	size_t kept = 0;
	for (size_t i = 0; i < p->count; i++) {
		if (blocked[i])
			add_blocked(p, &p->changes[i], &why[i]);
		else
			p->changes[kept++] = p->changes[i];
	}
	p->count = kept;
	p->blocked = 0;
}

/* A manual step where a later file overrides the line of ours. */
static int check_override(struct plan *p, const char *name, const char *to,
			  const struct change_site *site, struct err *e)
{
	struct sysctl_setting later;
	char value[KNOB_VALUE];
	struct err ignored;
	int r = sysctl_d_override(site->root, name, &later, e);
	const struct knob *k = knob_find(name);
	if (r < 0 || !later.file[0] ||
	    (k && knob_check(k, later.value, value, &ignored) == 0 && strcmp(value, to) == 0))
		return r;
	struct manual_step *m = manual_for(p, name);
	if (!m)
		return 0;
	report_text(m->current, "%.79s", to);
	report_text(m->why, "at the next boot %s:%u overrides our line: %s%.60s", later.file,
		    later.line, later.value[0] ? "sets " : "excludes the knob", later.value);
	report_text(m->action, "remove or change that line to keep the value");
	return 0;
}

static int persist_one(struct plan *p, const struct change *of, const char *who, time_t when,
		       unsigned run, const struct change_site *site, struct err *e)
{
	char found[CHANGE_VALUE], setting[CHANGE_VALUE];
	const char *to = of->became[0] ? of->became : of->to;
	int r = dropin_read(site, of->name, found, e);
	if (r < 0)
		return r;
	dropin_setting(found, setting);
	r = check_override(p, of->name, to, site, e);
	if (r < 0 || strcmp(setting, to) == 0)
		return r;
	if (p->count == PLAN_CHANGES)
		return err_set(e, E2BIG, "more than %d changes: use --only", PLAN_CHANGES);
	struct change *c = &p->changes[p->count];
	*c = *of;
	report_text(c->kind, "sysctl.d");
	c->scope = CHANGE_FILES;
	c->state = CHANGE_PLANNED;
	c->became[0] = 0;
	c->effect = "the next boot";
	c->cost = NULL;
	c->cost_bytes = REPORT_NONE;
	snprintf(c->from, sizeof(c->from), "%s", found);
	r = dropin_value(c->to, of->name, to, who, when, run, of->why, e);
	if (r == 0)
		p->count++;
	return r;
}

/* Likewise for a setting of an interface, in a .link file or a udev rule. */
static int persist_device(struct plan *p, const struct change *of, const char *who, time_t when,
			  unsigned run, const struct change_site *site, struct err *e)
{
	char found[CHANGE_VALUE], setting[CHANGE_VALUE];
	const char *to = of->became[0] ? of->became : of->to, *kind = device_file_kind(of->name);
	struct err why = {0};
	int r = kind ? device_file_read(site, of->name, found, &why)
		     : err_set(&why, EOPNOTSUPP, "no file can hold a setting of one NAPI instance");
	if (r == 0) {
		device_file_setting(of->name, found, setting);
		if (strcmp(setting, to) == 0)
			return 0;
	}
	if (p->count == PLAN_CHANGES)
		return err_set(e, E2BIG, "more than %d changes: use --only", PLAN_CHANGES);
	struct change *c = &p->changes[p->count];
	*c = *of;
	if (r == 0)
		r = device_file_line(site, of->name, to, who, when, run, of->why, c->to, &why);
	if (r == -ENOENT || r == -EOPNOTSUPP) {
		struct manual_step *m = manual_for(p, of->name);
		if (m)
			report_text(m->action, "lost at the next boot: %s", why.text);
		return 0;
	}
	if (r < 0) {
		*e = why;
		return r;
	}
	report_text(c->kind, "%s", kind);
	c->scope = CHANGE_FILES;
	c->state = CHANGE_PLANNED;
	c->became[0] = 0;
	c->effect = "the next boot";
	c->cost = NULL;
	c->cost_bytes = REPORT_NONE;
	snprintf(c->from, sizeof(c->from), "%s", found);
	p->count++;
	return 0;
}

static int persist_any(struct plan *p, const struct change *of, const char *who, time_t when,
		       unsigned run, const struct change_site *site, struct err *e)
{
	return strcmp(of->kind, "device") == 0 ? persist_device(p, of, who, when, run, site, e)
					       : persist_one(p, of, who, when, run, site, e);
}

int plan_persist(struct plan *p, const struct change *standing_changes, size_t standing_count,
		 const char *who, time_t when, unsigned run, const struct change_site *site,
		 struct err *e)
{
	int r = 0;
	size_t planned = p->count;
	for (size_t i = 0; i < standing_count && r == 0; i++)
		if (!find_change(p, standing_changes[i].name))
			r = persist_any(p, &standing_changes[i], who, when, run, site, e);
	for (size_t i = 0; i < planned && r == 0; i++)
		if (p->changes[i].scope != CHANGE_FILES)
			r = persist_any(p, &p->changes[i], who, when, run, site, e);
	return r;
}

/* The knob's step is there already, as that of a line which overrides ours. */
static bool has_manual(const struct plan *p, const char *knob)
{
	for (size_t i = 0; i < p->manual_count; i++)
		if (strcmp(p->manual[i].knob, knob) == 0)
			return true;
	return false;
}

static bool has_line(const struct plan *p, const char *knob)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->changes[i].scope == CHANGE_FILES && strcmp(p->changes[i].name, knob) == 0)
			return true;
	return false;
}

static void add_drift(struct plan *p, const struct knob *k, const struct sysctl_setting *set,
		      const struct change_site *site)
{
	char boot[KNOB_VALUE], running[KNOB_VALUE], joined[KNOB_VALUE];
	struct subject s;
	struct err ignored;
	bool lower;
	if (!set->value[0] || has_manual(p, k->name) || has_line(p, k->name) ||
	    !subject_find(k->name, &s) || knob_check(k, set->value, boot, &ignored) < 0 ||
	    planned_value(p, &s, site, running, &ignored) < 0 ||
	    !join(k, running, boot, joined, &lower) || !lower)
		return;
	struct manual_step *m = manual_for(p, k->name);
	if (!m)
		return;
	report_text(m->current, "%s", running);
	report_text(m->why, "%.100s:%u sets %s at the next boot", set->file, set->line, boot);
	report_text(m->action, "change that line to keep the value");
}

int plan_drift(struct plan *p, const struct plan_options *o, const struct change_site *site,
	       struct err *e)
{
	enum { KNOBS = 96 };
	const char *names[KNOBS];
	size_t count = 0;
	CLEAN(free_pointer) struct sysctl_setting *set = calloc(KNOBS, sizeof(*set));
	if (!set)
		return err_errno(e, "cannot compare with the files");
	for (size_t i = 0; i < knob_count() && count < KNOBS; i++)
		if (knob_at(i)->walls[0] && plan_wants(o, knob_at(i)->name))
			names[count++] = knob_at(i)->name;
	int r = sysctl_d_find_all(site->root, names, count, set, e);
	for (size_t i = 0; i < count && r == 0; i++)
		add_drift(p, knob_find(names[i]), &set[i], site);
	return r;
}

bool plan_runtime(const struct plan *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->changes[i].scope != CHANGE_FILES)
			return true;
	return false;
}
