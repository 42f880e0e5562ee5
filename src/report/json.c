#include "report/render.h"

#include <string.h>

#include "epolltune/target.h"
#include "report/figure.h"
#include "report/json_fields.h"
#include "report/json_value.h"

static uint64_t number_at(const char *at, const struct json_field *f)
{
	uint32_t small;
	uint64_t number;
	if (f->size == sizeof(number)) {
		memcpy(&number, at, sizeof(number));
		return number;
	}
	memcpy(&small, at, sizeof(small));
	return small;
}

static json_t *value_at(const char *at, const struct json_field *f)
{
	const char *word;
	switch (f->kind) {
	case FIELD_STRING:
		return value_text(at);
	case FIELD_NULLABLE:
		return value_text_or_null(at);
	case FIELD_FLAG:
		return json_boolean(*(const bool *)at);
	case FIELD_WORD:
		word = f->word((int)number_at(at, f));
		return word ? value_text(word) : json_null();
	case FIELD_QUANTITY:
		return value_quantity((int64_t)number_at(at, f));
	case FIELD_COUNT:
		return value_count(number_at(at, f));
	case FIELD_FACT:
	case FIELD_PID:
		return value_fact(number_at(at, f));
	case FIELD_PERCENT:
		return json_real((double)number_at(at, f) / 100);
	case FIELD_OTHER:
		break;
	}
	return json_null();
}

static void set_fields(struct json_writer *w, json_t *o, const struct json_field *f,
		       const void *from)
{
	for (; f->key; f++)
		value_set(w, o, f->key, value_at((const char *)from + f->offset, f));
}

static json_t *fields(struct json_writer *w, const struct json_field *f, const void *from)
{
	json_t *o = json_object();
	set_fields(w, o, f, from);
	return o;
}

static json_t *target(struct json_writer *w, const struct target *t)
{
	json_t *o = json_object();
	value_set(w, o, "role", value_text(target_role_name(t->role)));
	for (const struct target_field *f = target_fields; f->key; f++)
		value_set(w, o, f->key, value_count(target_number(t, f)));
	value_set(w, o, "datagrams_only", json_boolean(t->datagrams_only));
	return o;
}

static json_t *observed(struct json_writer *w, const struct report_observed *from)
{
	char arguments[256];
	if (!from->us)
		return json_null();
	json_t *o = fields(w, json_observed, from);
	value_set(w, o, "rtt_us", fields(w, json_share, &from->rtt_us));
	value_set(w, o, "bandwidth_bps", fields(w, json_share, &from->bandwidth_bps));
	value_set(w, o, "target", target(w, &from->target));
	target_arguments(&from->target, arguments, sizeof(arguments));
	value_set(w, o, "options", value_text(arguments[0] ? arguments + 1 : ""));
	return o;
}

static json_t *proposals(struct json_writer *w, const struct finding *from)
{
	json_t *list = json_array();
	for (size_t i = 0; i < from->proposal_count; i++)
		if (from->proposals[i].proposed[0])
			value_add(w, list, fields(w, json_proposal, &from->proposals[i]));
	return list;
}

static json_t *axis(struct json_writer *w, const char *name, const char *unit)
{
	json_t *o = json_object();
	value_set(w, o, "name", value_text(name));
	value_set(w, o, "unit", value_text(unit));
	return o;
}

static json_t *table(struct json_writer *w, const struct finding_table *from)
{
	if (!from->row_count)
		return json_null();
	json_t *o = json_object(), *columns = json_array(), *rows = json_array();
	for (size_t i = 0; i < from->column_count; i++)
		value_add(w, columns, axis(w, from->column[i].head, from->column[i].unit));
	for (size_t i = 0; i < from->row_count; i++) {
		json_t *row = json_object(), *values = json_array();
		for (size_t k = 0; k < from->column_count; k++)
			value_add(w, values, value_number(from->row[i].value[k]));
		value_set(w, row, "name", value_text(from->row[i].name));
		value_set(w, row, "values", values);
		value_add(w, rows, row);
	}
	value_set(w, o, "rows_are", value_text(from->corner));
	value_set(w, o, "columns", columns);
	value_set(w, o, "rows", rows);
	return o;
}

static json_t *curve(struct json_writer *w, const struct finding_curve *from)
{
	if (!from->line_count)
		return json_null();
	json_t *o = json_object(), *lines = json_array();
	value_set(w, o, "title", value_text(from->title));
	value_set(w, o, "x", axis(w, from->x.name, from->x.unit));
	value_set(w, o, "y", axis(w, from->y.name, from->y.unit));
	for (size_t i = 0; i < from->line_count; i++) {
		const struct curve_line *l = &from->line[i];
		json_t *line = json_object(), *points = json_array();
		for (size_t k = 0; k < l->count; k++) {
			json_t *point = json_array();
			value_add(w, point, value_number(l->at[k].x));
			value_add(w, point, value_number(l->at[k].y));
			value_add(w, points, point);
		}
		value_set(w, line, "name", value_text(l->name));
		value_set(w, line, "points", points);
		value_add(w, lines, line);
	}
	value_set(w, o, "lines", lines);
	return o;
}

/* State and outcome of a proposal in one text. */
static json_t *tried(const struct finding *from)
{
	const char *state = finding_tried_name(from->tried);
	char line[FINDING_OUTCOME];
	if (!state)
		return json_null();
	if (from->tried == TRIED_DONE)
		return value_text(from->outcome);
	report_text(line, "%s: %s", state, from->outcome);
	return value_text(line);
}

static json_t *acceptance(struct json_writer *w, const struct finding *from)
{
	char date[16];
	if (!from->acceptance)
		return json_null();
	json_t *o = fields(w, json_acceptance, from);
	value_set(w, o, "until", value_text_or_null(acceptance_date(from->accepted_until, date)));
	return o;
}

static json_t *evidence(struct json_writer *w, const struct finding *from)
{
	json_t *list = json_array();
	for (size_t i = 0; i < from->evidence_count; i++) {
		json_t *ev = json_object();
		value_set(w, ev, "name", value_text(from->evidence[i].name));
		value_set(w, ev, "at_current", value_number(from->evidence[i].at_current));
		value_set(w, ev, "at_proposed", value_number(from->evidence[i].at_proposed));
		value_set(w, ev, "unit", value_text(from->evidence[i].unit));
		value_add(w, list, ev);
	}
	return list;
}

static json_t *finding(struct json_writer *w, const struct finding *from)
{
	json_t *o = fields(w, json_finding, from);
	const struct proposal *first = finding_knob(from);
	const char *state = finding_tried_name(from->tried);
	value_set(w, o, "acceptance", acceptance(w, from));
	if (first) {
		value_set(w, o, "knob", value_text_or_null(first->knob));
		value_set(w, o, "current", value_text_or_null(first->current));
		value_set(w, o, "proposed", value_text_or_null(first->proposed));
	}
	value_set(w, o, "proposals", proposals(w, from));
	value_set(w, o, "tried_state", state ? value_text(state) : json_null());
	value_set(w, o, "tried", tried(from));
	value_set(w, o, "evidence", evidence(w, from));
	value_set(w, o, "table", table(w, &from->table));
	value_set(w, o, "curve", curve(w, &from->curve));
	return o;
}

static json_t *listener(struct json_writer *w, const struct report_listener *from)
{
	json_t *o = fields(w, json_listener, from);
	if (from->kind == LISTENER_TCP)
		return o;
	value_set(w, o, "drops", json_null());
	value_set(w, o, "half_open", json_null());
	return o;
}

static json_t *listeners(struct json_writer *w, const struct report *r)
{
	json_t *list = json_array();
	for (size_t i = 0; i < r->listed; i++)
		value_add(w, list, listener(w, &r->listeners[i]));
	return list;
}

static json_t *counters(struct json_writer *w, const struct report *r)
{
	json_t *o = json_object();
	for (size_t i = 0; i < r->counter_count; i++)
		value_set(w, o, r->counters[i].name, json_integer(r->counters[i].value));
	return o;
}

static json_t *summary(struct json_writer *w, const struct report *r)
{
	struct report_summary s = report_summarize(r);
	char answer[REPORT_ANSWER];
	json_t *o = json_object();
	report_answer(r, answer);
	value_set(w, o, "status", value_text(report_status_name(s.status)));
	value_set(w, o, "answer", value_text(answer));
	value_set(w, o, "ok", value_count(s.ok));
	value_set(w, o, "tight", value_count(s.tight));
	value_set(w, o, "short", value_count(s.short_));
	value_set(w, o, "unknown", value_count(s.unknown));
	value_set(w, o, "not_applicable", value_count(s.na));
	value_set(w, o, "missed", value_count(s.missed));
	value_set(w, o, "assumed", value_count(s.assumed));
	value_set(w, o, "accepted", value_count(s.accepted));
	value_set(w, o, "lost", value_count(r->lost));
	return o;
}

int render_json(FILE *out, const struct report *r, const struct render_style *style, struct err *e)
{
	char stamp[REPORT_STAMP];
	struct json_writer w = {false};
	json_t *root = json_object(), *walls = json_array(), *findings = json_array();
	json_t *probes = json_array();
	value_set(&w, root, "schema", value_text("epolltune.report/1"));
	value_set(&w, root, "version", value_text(EPOLLTUNE_VERSION));
	value_set(&w, root, "time", value_text(report_stamp(r->time.tv_sec, stamp)));
	value_set(&w, root, "host", fields(&w, json_host, &r->host));
	value_set(&w, root, "server",
		  r->server.asked[0] ? fields(&w, json_server, &r->server) : json_null());
	value_set(&w, root, "observed", observed(&w, &r->observed));
	value_set(&w, root, "target", target(&w, &r->target));
	for (size_t i = 0; i < r->wall_count; i++)
		value_add(&w, walls, fields(&w, json_wall, &r->walls[i]));
	for (size_t i = 0; i < r->finding_count; i++)
		value_add(&w, findings, finding(&w, &r->findings[i]));
	for (size_t i = 0; i < r->probe_count; i++)
		value_add(&w, probes, fields(&w, json_probe, &r->ran[i]));
	value_set(&w, root, "probes", probes);
	set_fields(&w, root, json_options, r);
	value_set(&w, root, "walls", walls);
	value_set(&w, root, "findings", findings);
	value_set(&w, root, "listeners", listeners(&w, r));
	value_set(&w, root, "listener_count", value_count(r->listener_count));
	value_set(&w, root, "counters", counters(&w, r));
	value_set(&w, root, "summary", summary(&w, r));
	int status = value_print(out, root, &w, "the report", e);
	return status < 0 ? status : render_flush(out, "the report", e);
}
