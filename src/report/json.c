#include "report/render.h"

#include "report/json_value.h"
#include "report/target_fields.h"

static json_t *host(struct json_writer *w, const struct report_host *h)
{
	json_t *o = json_object();
	value_set(w, o, "name", value_text(h->name));
	value_set(w, o, "kernel", value_text(h->kernel));
	value_set(w, o, "boot", value_text_or_null(h->boot));
	value_set(w, o, "netns", value_text_or_null(h->netns));
	value_set(w, o, "cpus", value_fact(h->cpus));
	value_set(w, o, "memory_bytes", value_fact(h->memory_bytes));
	value_set(w, o, "isolation", value_text(report_isolation_name(h->isolation)));
	value_set(w, o, "family", value_fact(h->family));
	return o;
}

static json_t *server(struct json_writer *w, const struct report_server *s)
{
	if (!s->asked[0])
		return json_null();
	json_t *o = json_object();
	value_set(w, o, "asked", value_text(s->asked));
	value_set(w, o, "run", json_boolean(s->run));
	value_set(w, o, "name", value_text_or_null(s->name));
	value_set(w, o, "pid", value_fact((uint64_t)s->pid));
	value_set(w, o, "processes", value_fact(s->processes));
	value_set(w, o, "unit", value_text_or_null(s->unit));
	value_set(w, o, "addresses", value_text(s->addresses));
	return o;
}

static json_t *target(struct json_writer *w, const struct target *t)
{
	json_t *o = json_object();
	value_set(w, o, "role", value_text(target_role_name(t->role)));
	for (const struct target_field *f = target_fields; f->key; f++)
		value_set(w, o, f->key, value_count(target_number(t, f)));
	return o;
}

static json_t *share(struct json_writer *w, const struct observed_share *s)
{
	json_t *o = json_object();
	value_set(w, o, "samples", value_count(s->count));
	value_set(w, o, "p50", value_fact(s->p50));
	value_set(w, o, "p95", value_fact(s->p95));
	value_set(w, o, "p99", value_fact(s->p99));
	return o;
}

static json_t *observed(struct json_writer *w, const struct report_observed *from)
{
	char arguments[256];
	if (!from->us)
		return json_null();
	json_t *o = json_object();
	value_set(w, o, "duration_us", value_count(from->us));
	value_set(w, o, "connections", value_count(from->connections));
	value_set(w, o, "opened", value_count(from->opened));
	value_set(w, o, "rate_per_s", value_count(from->rate_per_s));
	value_set(w, o, "rate_peak_per_s", value_count(from->peak_per_s));
	value_set(w, o, "other_listeners", json_boolean(from->others));
	value_set(w, o, "stall_us", value_fact(from->stall_us));
	value_set(w, o, "gap_us", value_count(from->gap_us));
	value_set(w, o, "sampled", value_count(from->sampled));
	value_set(w, o, "rtt_us", share(w, &from->rtt_us));
	value_set(w, o, "bandwidth_bps", share(w, &from->bandwidth_bps));
	value_set(w, o, "headroom", json_real((double)from->headroom_percent / 100));
	value_set(w, o, "target", target(w, &from->target));
	target_arguments(&from->target, arguments, sizeof(arguments));
	value_set(w, o, "options", value_text(arguments[0] ? arguments + 1 : ""));
	return o;
}

static json_t *wall(struct json_writer *w, const struct wall *from)
{
	json_t *o = json_object();
	value_set(w, o, "name", value_text(from->name));
	value_set(w, o, "unit", value_text(from->unit));
	value_set(w, o, "method", value_text(wall_method_name(from->method)));
	value_set(w, o, "experiment", value_text(wall_experiment_name(from->experiment)));
	value_set(w, o, "reason", value_text_or_null(from->reason));
	value_set(w, o, "assumed", value_text_or_null(from->assumed));
	value_set(w, o, "limit", value_quantity(from->limit));
	value_set(w, o, "measured", value_quantity(from->measured));
	value_set(w, o, "at_least", json_boolean(from->at_least));
	value_set(w, o, "at_most", json_boolean(from->at_most));
	value_set(w, o, "needed", value_quantity(from->needed));
	value_set(w, o, "needed_max", value_quantity(from->needed_max));
	value_set(w, o, "verdict", value_text(wall_verdict_name(from->verdict)));
	value_set(w, o, "accepted", json_boolean(from->accepted));
	value_set(w, o, "knob", value_text_or_null(from->knob));
	value_set(w, o, "detail", value_text(from->detail));
	return o;
}

static json_t *proposals(struct json_writer *w, const struct finding *from)
{
	json_t *list = json_array();
	for (size_t i = 0; i < from->proposal_count; i++) {
		const struct proposal *p = &from->proposals[i];
		json_t *o = json_object();
		if (!p->proposed[0]) {
			json_decref(o);
			continue;
		}
		value_set(w, o, "knob", value_text(p->knob));
		value_set(w, o, "current", value_text_or_null(p->current));
		value_set(w, o, "proposed", value_text(p->proposed));
		value_set(w, o, "field", value_text_or_null(p->field));
		value_add(w, list, o);
	}
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
	char line[320];
	if (!state)
		return json_null();
	if (from->tried == TRIED_DONE)
		return value_text(from->outcome);
	snprintf(line, sizeof(line), "%s: %s", state, from->outcome);
	return value_text(line);
}

static json_t *acceptance(struct json_writer *w, const struct finding *from)
{
	char date[16];
	if (!from->acceptance)
		return json_null();
	json_t *o = json_object();
	value_set(w, o, "state", value_text(acceptance_name(from->acceptance)));
	value_set(w, o, "until", value_text_or_null(acceptance_date(from->accepted_until, date)));
	value_set(w, o, "value", value_quantity(from->accepted_value));
	value_set(w, o, "reason", value_text_or_null(from->accepted_reason));
	return o;
}

static json_t *finding(struct json_writer *w, const struct finding *from)
{
	json_t *o = json_object(), *evidence = json_array();
	const struct proposal *first = finding_knob(from);
	const char *state = finding_tried_name(from->tried);
	value_set(w, o, "id", value_text(from->id));
	value_set(w, o, "level", value_text(finding_level_name(from->level)));
	value_set(w, o, "wall", value_text_or_null(from->wall));
	value_set(w, o, "observed", json_boolean(from->observed));
	value_set(w, o, "accepted", json_boolean(from->accepted));
	value_set(w, o, "acceptance", acceptance(w, from));
	value_set(w, o, "title", value_text(from->title));
	value_set(w, o, "detail", value_text(from->detail));
	value_set(w, o, "remedy", value_text(finding_remedy_name(from->remedy)));
	value_set(w, o, "knob", first ? value_text_or_null(first->knob) : json_null());
	value_set(w, o, "current", first ? value_text_or_null(first->current) : json_null());
	value_set(w, o, "proposed", first ? value_text_or_null(first->proposed) : json_null());
	value_set(w, o, "proposals", proposals(w, from));
	value_set(w, o, "tried_state", state ? value_text(state) : json_null());
	value_set(w, o, "tried", tried(from));
	value_set(w, o, "advice", value_text_or_null(from->advice));
	value_set(w, o, "answer", value_text_or_null(from->answer));
	for (size_t i = 0; i < from->evidence_count; i++) {
		json_t *ev = json_object();
		value_set(w, ev, "name", value_text(from->evidence[i].name));
		value_set(w, ev, "at_current", value_number(from->evidence[i].at_current));
		value_set(w, ev, "at_proposed", value_number(from->evidence[i].at_proposed));
		value_set(w, ev, "unit", value_text(from->evidence[i].unit));
		value_add(w, evidence, ev);
	}
	value_set(w, o, "evidence", evidence);
	value_set(w, o, "table", table(w, &from->table));
	value_set(w, o, "curve", curve(w, &from->curve));
	return o;
}

static json_t *probe(struct json_writer *w, const struct report_probe *from)
{
	json_t *o = json_object();
	value_set(w, o, "name", value_text(from->name));
	value_set(w, o, "state", value_text(probe_state_name(from->state)));
	value_set(w, o, "isolation", value_text(report_isolation_name(from->isolation)));
	return o;
}

static json_t *listener(struct json_writer *w, const struct report_listener *from)
{
	bool tcp = from->kind == LISTENER_TCP;
	json_t *o = json_object();
	value_set(w, o, "kind", value_text(tcp ? "tcp" : "unix"));
	value_set(w, o, "address", value_text(from->address));
	value_set(w, o, "depth", value_count(from->depth));
	value_set(w, o, "limit", value_count(from->limit));
	value_set(w, o, "drops", tcp ? value_count(from->drops) : json_null());
	value_set(w, o, "half_open", tcp ? value_quantity(from->half_open) : json_null());
	value_set(w, o, "pid", from->pid ? json_integer(from->pid) : json_null());
	value_set(w, o, "process", value_text_or_null(from->process));
	value_set(w, o, "unit", value_text_or_null(from->unit));
	value_set(w, o, "cookie", value_count(from->cookie));
	value_set(w, o, "subject", json_boolean(from->subject));
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
	value_set(&w, root, "host", host(&w, &r->host));
	value_set(&w, root, "server", server(&w, &r->server));
	value_set(&w, root, "observed", observed(&w, &r->observed));
	value_set(&w, root, "target", target(&w, &r->target));
	for (size_t i = 0; i < r->wall_count; i++)
		value_add(&w, walls, wall(&w, &r->walls[i]));
	for (size_t i = 0; i < r->finding_count; i++)
		value_add(&w, findings, finding(&w, &r->findings[i]));
	for (size_t i = 0; i < r->probe_count; i++)
		value_add(&w, probes, probe(&w, &r->ran[i]));
	value_set(&w, root, "probes", probes);
	value_set(&w, root, "quick", json_boolean(r->quick));
	value_set(&w, root, "gentle", json_boolean(r->gentle));
	value_set(&w, root, "measured", json_boolean(r->require_measured));
	value_set(&w, root, "only", value_text_or_null(r->probes));
	value_set(&w, root, "walls", walls);
	value_set(&w, root, "findings", findings);
	value_set(&w, root, "listeners", listeners(&w, r));
	value_set(&w, root, "listener_count", value_count(r->listener_count));
	value_set(&w, root, "counters", counters(&w, r));
	value_set(&w, root, "summary", summary(&w, r));
	int status = value_print(out, root, &w, "the report", e);
	return status < 0 ? status : render_flush(out, "the report", e);
}
