#include "topics/topic.h"

#include <errno.h>
#include <string.h>

#include "catalogue/lint_rules.h"
#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/knob_value.h"
#include "epolltune/list.h"
#include "epolltune/probe.h"
#include "epolltune/report.h"

/* Makes ["a","b"] from "a,b". */
static json_t *names_json(const char *names)
{
	json_t *list = json_array();
	struct list_item item;
	while (list_next(&names, &item))
		if (item.length)
			json_array_append_new(list, json_stringn(item.text, (size_t)item.length));
	return list;
}

/* "" for all supported kernels. */
static const char *since_text(const char *since) { return since ? since : ""; }

static const char *knob_name_at(size_t i) { return knob_at(i)->name; }

/* Also one that is too long for a plan. */
static json_t *knob_value_json(const struct knob *k, const struct host *h)
{
	char value[KNOB_VALUE], path[KNOB_PATH];
	CLEAN(free_pointer) char *whole = NULL;
	int rc = knob_read(k, h, value, NULL);
	knob_path(k, path);
	if (rc == -EFBIG && host_read_all(h, path, &whole, NULL) > 0)
		return json_string(whole);
	return rc ? json_null() : json_string(value);
}

static json_t *knob_describe(size_t i, const struct host *h)
{
	static const char *const shapes[] = {"number", "triple", "range", "word", "ports"};
	const struct knob *k = knob_at(i);
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s}", "kind",
		"knob", "name", k->name, "what", k->what, "value", knob_value_json(k, h), "unit",
		k->unit, "shape", shapes[k->shape], "scope", knob_scope_name(k->scope),
		"scope_text", knob_scope_text(k->scope), "takes_effect",
		knob_effect_text(k->effect), "cost", k->cost, "proof", k->counter, "walls",
		names_json(k->walls), "source", k->source, "since", since_text(k->since));
	if (knob_fields(k->shape)) {
		json_object_set_new(object, "min", json_integer(k->min));
		json_object_set_new(object, "max", json_integer(k->max));
	}
	return object;
}

static const char *wall_name_at(size_t i) { return wall_row_at(i)->name; }

const char *wall_probe(const char *wall)
{
	for (size_t i = 0; i < probe_count(); i++)
		if (probe_has_wall(probe_at(i), wall))
			return probe_at(i)->name;
	return NULL;
}

/* What its finding WALL.short says, or its first one. */
static const char *wall_action(const char *wall)
{
	char id[80];
	snprintf(id, sizeof(id), "%s.short", wall);
	const struct finding_row *row = finding_row_find(id);
	for (size_t i = 0; !row && i < finding_row_count(); i++)
		if (strcmp(finding_wall(finding_row_at(i)), wall) == 0)
			row = finding_row_at(i);
	return row ? row->action : "";
}

/* "" without a chapter. */
static void runbook_text(char text[static 80], const char *chapter)
{
	text[0] = '\0';
	if (chapter && *chapter)
		snprintf(text, 80, "epolltune-runbook(7), %s", chapter);
}

static json_t *wall_describe(size_t i, const struct host *h)
{
	const struct wall_row *w = wall_row_at(i);
	char runbook[80];
	json_t *knobs = json_array(), *findings = json_array();
	for (size_t k = 0; k < knob_count(); k++)
		if (list_has(knob_at(k)->walls, w->name))
			json_array_append_new(knobs, json_string(knob_at(k)->name));
	for (size_t f = 0; f < finding_row_count(); f++) {
		const struct finding_row *row = finding_row_at(f);
		if (strcmp(finding_wall(row), w->name) == 0)
			json_array_append_new(findings, json_string(row->id));
	}
	runbook_text(runbook, w->runbook);
	return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s, s:o, s:o, s:s}", "kind", "wall", "name",
			 w->name, "what", w->what, "unit", w->unit, "probe", wall_probe(w->name),
			 "remedy", wall_action(w->name), "knobs", knobs, "findings", findings,
			 "runbook", runbook);
}

static const char *finding_name_at(size_t i) { return finding_row_at(i)->id; }

static json_t *finding_describe(size_t i, const struct host *h)
{
	const struct finding_row *f = finding_row_at(i);
	char runbook[80];
	runbook_text(runbook, finding_runbook(f));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kind", "finding", "name", f->id, "what",
			 f->meaning, "remedy", f->action, "proof", f->proof, "runbook", runbook);
}

static const char *counter_name_at(size_t i) { return counter_row_at(i)->name; }
static const char *counter_match_at(size_t i) { return counter_row_at(i)->match; }

static json_t *counter_describe(size_t i, const struct host *h)
{
	const struct counter_row *c = counter_row_at(i);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "kind", "counter", "name",
			 c->name, "what", c->what, "where", c->where, "owner",
			 finding_remedy_name(c->whose), "show", c->show, "remedy", c->action,
			 "walls", names_json(c->walls));
}

static json_t *clue_describe(const char *kind, const struct clue_row *c)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s}", "kind", kind, "name", c->name,
			 "what", c->what, "owner", finding_remedy_name(c->whose), "show", c->show,
			 "remedy", c->action, "walls", names_json(c->walls), "source", c->source);
}

static const char *symptom_name_at(size_t i) { return symptom_row_at(i)->name; }
static const char *symptom_match_at(size_t i) { return symptom_row_at(i)->match; }

static json_t *symptom_describe(size_t i, const struct host *h)
{
	return clue_describe("symptom", symptom_row_at(i));
}

static const char *complaint_name_at(size_t i) { return complaint_row_at(i)->name; }
static const char *complaint_match_at(size_t i) { return complaint_row_at(i)->match; }

static json_t *complaint_describe(size_t i, const struct host *h)
{
	return clue_describe("complaint", complaint_row_at(i));
}

static const char *directive_name_at(size_t i) { return directive_row_at(i)->name; }
static const char *directive_match_at(size_t i) { return directive_row_at(i)->match; }

static json_t *directive_describe(size_t i, const struct host *h)
{
	return clue_describe("directive", directive_row_at(i));
}

static const char *probe_name_at(size_t i) { return probe_at(i)->name; }

static json_t *probe_describe(size_t i, const struct host *h)
{
	const struct probe *p = probe_at(i);
	json_t *walls = json_array();
	const char *wall;
	for (size_t k = 0; (wall = probe_wall(p, k)); k++)
		json_array_append_new(walls, json_string(wall));
	return json_pack("{s:s, s:s, s:s, s:o}", "kind", "probe", "name", p->name, "what",
			 p->summary, "walls", walls);
}

static const char *myth_name_at(size_t i) { return myth_at(i)->name; }

static json_t *myth_describe(size_t i, const struct host *h)
{
	const struct myth *m = myth_at(i);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kind", "myth", "name", m->name, "claim",
			 m->claim, "truth", m->truth, "source", m->source, "since",
			 since_text(m->since));
}

static const char *rule_name_at(size_t i) { return lint_rule_at(i)->name; }

static json_t *rule_describe(size_t i, const struct host *h)
{
	const struct lint_rule *r = lint_rule_at(i);
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "kind", "rule", "name", r->name, "what",
			 r->what, "remedy", r->action, "source", r->source);
}

static const char *guide_name_at(size_t i) { return guide_at(i)->name; }

static json_t *guide_describe(size_t i, const struct host *h)
{
	const struct guide *g = guide_at(i);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kind", "guide", "name", g->name, "what",
			 g->what, "code", g->code, "source", g->source, "since",
			 since_text(g->since));
}

const struct topic_kind topic_kinds[] = {
	{"wall", "walls", wall_row_count, wall_name_at, wall_describe, MATCH_NAME, NULL, true},
	{"probe", "probes", probe_count, probe_name_at, probe_describe, MATCH_NAME, NULL, true},
	{"knob", "knobs", knob_count, knob_name_at, knob_describe, MATCH_SHORT, NULL, true},
	{"finding", "findings", finding_row_count, finding_name_at, finding_describe, MATCH_TEXT,
	 NULL, false},
	{"counter", "counters", counter_row_count, counter_name_at, counter_describe, MATCH_COUNTER,
	 counter_match_at, false},
	{"symptom", "symptoms", symptom_row_count, symptom_name_at, symptom_describe, MATCH_LOG,
	 symptom_match_at, false},
	{"complaint", "complaints", complaint_row_count, complaint_name_at, complaint_describe,
	 MATCH_TEXT, complaint_match_at, false},
	{"directive", "directives", directive_row_count, directive_name_at, directive_describe,
	 MATCH_SHORT, directive_match_at, false},
	{"myth", "myths", myth_count, myth_name_at, myth_describe, MATCH_SHORT, NULL, false},
	{"rule", "rules", lint_rule_count, rule_name_at, rule_describe, MATCH_TEXT, NULL, false},
	{"guide", "guides", guide_count, guide_name_at, guide_describe, MATCH_TEXT, NULL, false},
};
const size_t topic_kind_count = sizeof(topic_kinds) / sizeof(*topic_kinds);

const struct topic_kind *topic_find(const char *name, size_t *i)
{
	const struct knob *k = knob_find(name);
	for (size_t kind = 0; kind < topic_kind_count; kind++) {
		const struct topic_kind *t = &topic_kinds[kind];
		for (*i = 0; *i < t->count(); ++*i)
			if (strcmp(t->name_at(*i), k ? k->name : name) == 0)
				return t;
	}
	return NULL;
}
