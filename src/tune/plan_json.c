/* A plan and its outcome as JSON, schema epolltune.apply/2. */
#include <errno.h>

#include "report/json_value.h"
#include "report/render.h"
#include "tune/plan_render.h"

static json_t *json_change(struct json_writer *w, const struct change *c)
{
	json_t *o = json_object();
	value_set(w, o, "kind", value_text(change_kind_name(c)));
	value_set(w, o, "name", value_text(c->name));
	value_set(w, o, "scope", value_text(change_scope_name(c->scope)));
	value_set(w, o, "from", value_text(c->from));
	value_set(w, o, "to", value_text(c->to));
	value_set(w, o, "became", value_text_or_null(c->became));
	value_set(w, o, "state", value_text(change_state_name(c->state)));
	value_set(w, o, "wall", value_text_or_null(c->wall));
	value_set(w, o, "finding", value_text_or_null(c->finding));
	value_set(w, o, "why", value_text(c->why));
	value_set(w, o, "effect", value_text_or_null(c->effect ? c->effect : ""));
	value_set(w, o, "cost_bytes", value_quantity(c->cost_bytes));
	return o;
}

static json_t *json_manual(struct json_writer *w, const struct manual_step *m)
{
	json_t *o = json_object();
	value_set(w, o, "knob", value_text(m->knob));
	value_set(w, o, "current", value_text_or_null(m->current));
	value_set(w, o, "proposed", value_text_or_null(m->proposed));
	value_set(w, o, "why", value_text(m->why));
	value_set(w, o, "action", value_text(m->action));
	return o;
}

static json_t *json_budget(struct json_writer *w, const struct budget *b)
{
	if (!b->machine)
		return json_null();
	json_t *o = json_object();
	value_set(w, o, "connections", value_count(b->connections));
	value_set(w, o, "sockets_bytes", value_count(b->fixed));
	value_set(w, o, "receive_bytes", value_count(b->receive));
	value_set(w, o, "send_bytes", value_count(b->send));
	value_set(w, o, "buffers_limit_bytes", value_count(b->cap));
	value_set(w, o, "limit_assumed", json_boolean(b->cap_assumed));
	value_set(w, o, "worst_case_bytes", value_count(b->sum));
	value_set(w, o, "machine_bytes", value_count(b->machine));
	return o;
}

static json_t *json_plan(struct json_writer *w, const struct plan_result *r)
{
	bool changed = r->outcome == OUTCOME_APPLIED || r->outcome == OUTCOME_WAITING ||
		       r->outcome == OUTCOME_PARTLY;
	json_t *root = json_object(), *changes = json_array(), *manual = json_array();
	value_set(w, root, "schema", value_text("epolltune.apply/2"));
	value_set(w, root, "version", value_text(EPOLLTUNE_VERSION));
	value_set(w, root, "changed", json_boolean(changed));
	value_set(w, root, "outcome", value_text(plan_outcome_name(r->outcome)));
	value_set(w, root, "run", value_fact(r->run));
	value_set(w, root, "answer", value_text_or_null(r->answer ? r->answer : ""));
	value_set(w, root, "reason", r->reason ? value_text(r->reason) : json_null());
	for (size_t i = 0; i < r->plan->count; i++)
		value_add(w, changes, json_change(w, &r->plan->changes[i]));
	for (size_t i = 0; i < r->plan->manual_count; i++)
		value_add(w, manual, json_manual(w, &r->plan->manual[i]));
	value_set(w, root, "changes", changes);
	value_set(w, root, "manual", manual);
	value_set(w, root, "unknown", value_count(r->plan->unknown));
	value_set(w, root, "memory", json_budget(w, &r->plan->after));
	value_set(w, root, "proof", r->proof ? json_incref(r->proof) : json_null());
	value_set(w, root, "persisted", r->persisted ? json_incref(r->persisted) : json_array());
	return root;
}

int plan_render_json(FILE *out, const struct plan_result *r, const struct render_style *style,
		     struct err *e)
{
	struct json_writer w = {false};
	int rc = value_print(out, json_plan(&w, r), &w, "the plan", e);
	return rc ? rc : render_flush(out, "the plan", e);
}
