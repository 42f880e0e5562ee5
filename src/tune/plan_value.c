/* Values of a plan: read, in the kernel's form, compared. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/knob_value.h"
#include "epolltune/ports.h"
#include "report/hint.h"
#include "tune/plan.h"
#include "tune/plan_internal.h"

bool plan_knob_find(const char *name, struct plan_knob *k)
{
	*k = (struct plan_knob){.knob = knob_find(name)};
	k->kind = k->knob ? change_kind_of(name, k->name) : NULL;
	return k->kind;
}

static int fit(const struct plan_knob *k, int rc, const char *text, char value[KNOB_VALUE],
	       struct err *e)
{
	if (rc == 0 && strlen(text) >= KNOB_VALUE)
		return err_set(e, EFBIG, "%s: its value is too long", k->name);
	if (rc == 0)
		memcpy(value, text, strlen(text) + 1);
	return rc;
}

/* Whether a proposal says what the knob is; only a list of ports may be empty. */
static bool says_current(const struct proposal *c, const struct plan_knob *k)
{
	struct plan_knob of;
	return plan_knob_find(c->knob, &of) && strcmp(of.name, k->name) == 0 &&
	       (c->current[0] || k->knob->shape == KNOB_PORTS);
}

static int read_report(const struct report *r, const struct plan_knob *k, char text[CHANGE_VALUE],
		       struct err *e)
{
	for (size_t i = 0; i < r->finding_count; i++)
		for (size_t n = 0; n < r->findings[i].proposal_count; n++) {
			const struct proposal *c = &r->findings[i].proposals[n];
			if (says_current(c, k))
				return k->kind->running->form(k->name, c->current, text, e);
		}
	return err_set(e, ENODATA, "the report does not have the value of %s", k->name);
}

int plan_knob_read(const struct planner *at, const struct plan_knob *k, char value[KNOB_VALUE],
		   struct err *e)
{
	char text[CHANGE_VALUE];
	int rc = at->of ? read_report(at->of, k, text, e)
			: k->kind->read(at->site, k->name, text, e);
	return fit(k, rc, text, value, e);
}

int plan_knob_normal(const struct planner *at, const struct plan_knob *k, const char *value,
		     char normal[KNOB_VALUE], struct err *e)
{
	char text[CHANGE_VALUE];
	const struct change_running *running = k->kind->running;
	int rc = at->of ? running->form(k->name, value, text, e)
			: running->normal(at->site, k->name, value, text, e);
	return fit(k, rc, text, normal, e);
}

void plan_knob_settle(const struct planner *at, const struct plan_knob *k, const char *running,
		      char want[KNOB_VALUE])
{
	const struct plan_options *o = at->options;
	for (size_t i = 0; i < o->standing_count && !at->of; i++)
		if (strcmp(o->standing[i].name, k->name) == 0 &&
		    strcmp(o->standing[i].to, want) == 0 &&
		    strcmp(o->standing[i].became, running) == 0)
			snprintf(want, KNOB_VALUE, "%s", running);
}

bool plan_knob_allowed(const struct planner *at, const struct plan_knob *k, char why[200])
{
	const struct change_running *running = k->kind->running;
	return !running->allowed ||
	       running->allowed(at->of ? NULL : at->site, k->name, at->options, why);
}

int plan_knob_planned(const struct planner *at, const struct plan_knob *k, char value[KNOB_VALUE],
		      struct err *e)
{
	const struct change *c = plan_change_find(at->plan, k->name);
	if (!c)
		return plan_knob_read(at, k, value, e);
	snprintf(value, KNOB_VALUE, "%.*s", KNOB_VALUE - 1, c->to);
	return 0;
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

bool plan_join(const struct knob *k, const char *running, const char *want, char joined[KNOB_VALUE],
	       bool *lower)
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

char *plan_command(const struct planner *at, const char *knob, const char *value, bool lower,
		   char *text, size_t size)
{
	char arguments[HINT_ARGUMENTS] = "";
	if (at->from)
		hint_arguments(at->from, arguments);
	/* A command that is cut off does something else. */
	if (strlen(arguments) + 3 * strlen(knob) + strlen(value) + 64 > size)
		arguments[0] = 0;
	return knob_command(arguments, knob, value, lower, text, size);
}
