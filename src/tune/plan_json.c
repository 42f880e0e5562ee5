/* A plan and its outcome as JSON, schema epolltune.apply/2. */
#include <errno.h>

#include "report/json_value.h"
#include "report/render.h"
#include "tune/plan_render.h"

static json_t *json_text(const char *s) { return *s ? json_string(s) : json_null(); }

static json_t *json_change(const struct change *c)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:s, s:o, s:o}", "kind",
			 c->kind, "name", c->name, "scope", change_scope_name(c->scope), "from",
			 c->from, "to", c->to, "became", json_text(c->became), "state",
			 change_state_name(c->state), "wall", json_text(c->wall), "finding",
			 json_text(c->finding), "why", c->why, "effect",
			 json_text(c->effect ? c->effect : ""), "cost_bytes",
			 c->cost_bytes == REPORT_NONE ? json_null() : json_integer(c->cost_bytes));
}

static json_t *json_manual(const struct manual_step *m)
{
	return json_pack("{s:s, s:o, s:o, s:s, s:s}", "knob", m->knob, "current",
			 json_text(m->current), "proposed", json_text(m->proposed), "why", m->why,
			 "action", m->action);
}

static json_t *json_budget(const struct budget *b)
{
	if (!b->machine)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:I}", "connections",
			 (json_int_t)b->connections, "sockets_bytes", (json_int_t)b->fixed,
			 "receive_bytes", (json_int_t)b->receive, "send_bytes", (json_int_t)b->send,
			 "buffers_limit_bytes", (json_int_t)b->cap, "limit_assumed", b->cap_assumed,
			 "worst_case_bytes", (json_int_t)b->sum, "machine_bytes",
			 (json_int_t)b->machine);
}

static json_t *json_plan(const struct plan_result *r)
{
	bool changed = r->outcome == OUTCOME_APPLIED || r->outcome == OUTCOME_WAITING ||
		       r->outcome == OUTCOME_PARTLY;
	json_t *root = json_pack("{s:s, s:s, s:b, s:s}", "schema", "epolltune.apply/2", "version",
				 EPOLLTUNE_VERSION, "changed", changed, "outcome",
				 plan_outcome_name(r->outcome));
	json_t *changes = json_array(), *manual = json_array();
	int rc = json_object_set_new(root, "run", r->run ? json_integer(r->run) : json_null());
	rc |= json_object_set_new(root, "answer", json_text(r->answer ? r->answer : ""));
	rc |= json_object_set_new(root, "reason", r->reason ? json_string(r->reason) : json_null());
	for (size_t i = 0; i < r->plan->count; i++)
		rc |= json_array_append_new(changes, json_change(&r->plan->changes[i]));
	for (size_t i = 0; i < r->plan->manual_count; i++)
		rc |= json_array_append_new(manual, json_manual(&r->plan->manual[i]));
	rc |= json_object_set_new(root, "changes", changes);
	rc |= json_object_set_new(root, "manual", manual);
	rc |= json_object_set_new(root, "unknown", json_integer((json_int_t)r->plan->unknown));
	rc |= json_object_set_new(root, "memory", json_budget(&r->plan->after));
	rc |= json_object_set(root, "proof", r->proof ? r->proof : json_null());
	rc |= r->persisted ? json_object_set(root, "persisted", r->persisted)
			   : json_object_set_new(root, "persisted", json_array());
	if (rc) {
		json_decref(root);
		return NULL;
	}
	return root;
}

int plan_render_json(FILE *out, const struct plan_result *r, const struct render_style *style,
		     struct err *e)
{
	int rc = value_print(out, json_plan(r), NULL, "the plan", e);
	return rc ? rc : render_flush(out, "the plan", e);
}
