#include "report/render.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "report/utf8.h"

/* The functions below make values. NULL means out of memory: set() and add() record it. */
struct writer {
	bool failed;
};

static void set(struct writer *w, json_t *object, const char *key, json_t *value)
{
	w->failed |= json_object_set_new(object, key, value) != 0;
}

static void add(struct writer *w, json_t *array, json_t *value)
{
	w->failed |= json_array_append_new(array, value) != 0;
}

/* A field of a report; invalid UTF-8 becomes U+FFFD. */
static json_t *text(const char *field)
{
	char valid[4096];
	utf8_copy(valid, sizeof(valid), field);
	return json_string(valid);
}

static json_t *text_or_null(const char *field) { return field[0] ? text(field) : json_null(); }

static json_t *quantity(int64_t value)
{
	return value == REPORT_NONE ? json_null() : json_integer(value);
}

static json_t *count(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

/* A fact of the host; 0 means unknown: null. */
static json_t *fact(uint64_t value) { return value ? count(value) : json_null(); }

static json_t *number(double value)
{
	if (!isfinite(value))
		return json_null();
	if (value == rint(value) && fabs(value) < 1e15)
		return json_integer((json_int_t)value);
	return json_real(value);
}

static json_t *time_of(const struct report *r)
{
	char stamp[REPORT_STAMP];
	return json_string(report_stamp(r, stamp));
}

static json_t *host(struct writer *w, const struct report_host *h)
{
	json_t *o = json_object();
	set(w, o, "name", text(h->name));
	set(w, o, "kernel", text(h->kernel));
	set(w, o, "boot", text_or_null(h->boot));
	set(w, o, "netns", text_or_null(h->netns));
	set(w, o, "cpus", fact(h->cpus));
	set(w, o, "memory_bytes", fact(h->memory_bytes));
	set(w, o, "isolation", text(report_isolation_name(h->isolation)));
	return o;
}

static json_t *server(struct writer *w, const struct report_server *s)
{
	if (!s->asked[0])
		return json_null();
	json_t *o = json_object();
	set(w, o, "asked", text(s->asked));
	set(w, o, "name", text_or_null(s->name));
	set(w, o, "pid", fact((uint64_t)s->pid));
	set(w, o, "processes", fact(s->processes));
	set(w, o, "unit", text_or_null(s->unit));
	set(w, o, "addresses", text(s->addresses));
	return o;
}

static json_t *target(struct writer *w, const struct target *t)
{
	json_t *o = json_object();
	set(w, o, "role", text(target_role_name(t->role)));
	set(w, o, "connections", count(t->connections));
	set(w, o, "rate_per_s", count(t->rate_per_s));
	set(w, o, "stall_us", count(t->stall_us));
	set(w, o, "rtt_us", count(t->rtt_us));
	set(w, o, "bandwidth_bps", count(t->bandwidth_bps));
	return o;
}

static json_t *wall(struct writer *w, const struct wall *from)
{
	json_t *o = json_object();
	set(w, o, "name", text(from->name));
	set(w, o, "unit", text(from->unit));
	set(w, o, "method", text(wall_method_name(from->method)));
	set(w, o, "experiment", text(wall_experiment_name(from->experiment)));
	set(w, o, "reason", text_or_null(from->reason));
	set(w, o, "limit", quantity(from->limit));
	set(w, o, "measured", quantity(from->measured));
	set(w, o, "at_least", json_boolean(from->at_least));
	set(w, o, "at_most", json_boolean(from->at_most));
	set(w, o, "needed", quantity(from->needed));
	set(w, o, "verdict", text(wall_verdict_name(from->verdict)));
	set(w, o, "knob", text_or_null(from->knob));
	set(w, o, "detail", text(from->detail));
	return o;
}

static json_t *proposals(struct writer *w, const struct finding *from)
{
	json_t *list = json_array();
	for (size_t i = 0; i < from->proposal_count; i++) {
		const struct proposal *p = &from->proposals[i];
		json_t *o = json_object();
		if (!p->proposed[0]) {
			json_decref(o);
			continue;
		}
		set(w, o, "knob", text(p->knob));
		set(w, o, "current", text_or_null(p->current));
		set(w, o, "proposed", text(p->proposed));
		set(w, o, "field", text_or_null(p->field));
		add(w, list, o);
	}
	return list;
}

static json_t *table(struct writer *w, const struct finding_table *from)
{
	if (!from->row_count)
		return json_null();
	json_t *o = json_object(), *columns = json_array(), *rows = json_array();
	for (size_t i = 0; i < from->column_count; i++) {
		json_t *column = json_object();
		set(w, column, "name", text(from->column[i].head));
		set(w, column, "unit", text(from->column[i].unit));
		add(w, columns, column);
	}
	for (size_t i = 0; i < from->row_count; i++) {
		json_t *row = json_object(), *values = json_array();
		for (size_t k = 0; k < from->column_count; k++)
			add(w, values, number(from->row[i].value[k]));
		set(w, row, "name", text(from->row[i].name));
		set(w, row, "values", values);
		add(w, rows, row);
	}
	set(w, o, "rows_are", text(from->corner));
	set(w, o, "columns", columns);
	set(w, o, "rows", rows);
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
		return text(from->outcome);
	snprintf(line, sizeof(line), "%s: %s", state, from->outcome);
	return text(line);
}

static json_t *finding(struct writer *w, const struct finding *from)
{
	json_t *o = json_object(), *evidence = json_array();
	const struct proposal *first = finding_knob(from);
	const char *state = finding_tried_name(from->tried);
	set(w, o, "id", text(from->id));
	set(w, o, "level", text(finding_level_name(from->level)));
	set(w, o, "wall", text_or_null(from->wall));
	set(w, o, "observed", json_boolean(from->observed));
	set(w, o, "title", text(from->title));
	set(w, o, "detail", text(from->detail));
	set(w, o, "remedy", text(finding_remedy_name(from->remedy)));
	set(w, o, "knob", first ? text_or_null(first->knob) : json_null());
	set(w, o, "current", first ? text_or_null(first->current) : json_null());
	set(w, o, "proposed", first ? text_or_null(first->proposed) : json_null());
	set(w, o, "proposals", proposals(w, from));
	set(w, o, "tried_state", state ? text(state) : json_null());
	set(w, o, "tried", tried(from));
	set(w, o, "advice", text_or_null(from->advice));
	set(w, o, "answer", text_or_null(from->answer));
	for (size_t i = 0; i < from->evidence_count; i++) {
		json_t *ev = json_object();
		set(w, ev, "name", text(from->evidence[i].name));
		set(w, ev, "at_current", number(from->evidence[i].at_current));
		set(w, ev, "at_proposed", number(from->evidence[i].at_proposed));
		set(w, ev, "unit", text(from->evidence[i].unit));
		add(w, evidence, ev);
	}
	set(w, o, "evidence", evidence);
	set(w, o, "table", table(w, &from->table));
	return o;
}

static json_t *probe(struct writer *w, const struct report_probe *from)
{
	json_t *o = json_object();
	set(w, o, "name", text(from->name));
	set(w, o, "state", text(probe_state_name(from->state)));
	set(w, o, "isolation", text(report_isolation_name(from->isolation)));
	return o;
}

static json_t *listener(struct writer *w, const struct report_listener *from)
{
	bool tcp = from->kind == LISTENER_TCP;
	json_t *o = json_object();
	set(w, o, "kind", text(tcp ? "tcp" : "unix"));
	set(w, o, "address", text(from->address));
	set(w, o, "depth", count(from->depth));
	set(w, o, "limit", count(from->limit));
	set(w, o, "drops", tcp ? count(from->drops) : json_null());
	set(w, o, "half_open", tcp ? quantity(from->half_open) : json_null());
	set(w, o, "pid", from->pid ? json_integer(from->pid) : json_null());
	set(w, o, "process", text_or_null(from->process));
	set(w, o, "unit", text_or_null(from->unit));
	set(w, o, "cookie", count(from->cookie));
	set(w, o, "subject", json_boolean(from->subject));
	return o;
}

static json_t *listeners(struct writer *w, const struct report *r)
{
	json_t *list = json_array();
	for (size_t i = 0; i < r->listed; i++)
		add(w, list, listener(w, &r->listeners[i]));
	return list;
}

static json_t *counters(struct writer *w, const struct report *r)
{
	json_t *o = json_object();
	for (size_t i = 0; i < r->counter_count; i++)
		set(w, o, r->counters[i].name, json_integer(r->counters[i].value));
	return o;
}

static json_t *summary(struct writer *w, const struct report *r)
{
	struct report_summary s = report_summarize(r);
	char answer[REPORT_ANSWER];
	json_t *o = json_object();
	report_answer(r, answer);
	set(w, o, "status", text(report_status_name(s.status)));
	set(w, o, "answer", text(answer));
	set(w, o, "ok", count(s.ok));
	set(w, o, "tight", count(s.tight));
	set(w, o, "short", count(s.short_));
	set(w, o, "unknown", count(s.unknown));
	set(w, o, "not_applicable", count(s.na));
	set(w, o, "missed", count(s.missed));
	set(w, o, "lost", count(r->lost));
	return o;
}

int render_json(FILE *out, const struct report *r, const struct render_style *style, struct err *e)
{
	(void)style;
	struct writer w = {false};
	json_t *root = json_object(), *walls = json_array(), *findings = json_array();
	json_t *probes = json_array();
	set(&w, root, "schema", text("epolltune.report/1"));
	set(&w, root, "version", text(EPOLLTUNE_VERSION));
	set(&w, root, "time", time_of(r));
	set(&w, root, "host", host(&w, &r->host));
	set(&w, root, "server", server(&w, &r->server));
	set(&w, root, "target", target(&w, &r->target));
	for (size_t i = 0; i < r->wall_count; i++)
		add(&w, walls, wall(&w, &r->walls[i]));
	for (size_t i = 0; i < r->finding_count; i++)
		add(&w, findings, finding(&w, &r->findings[i]));
	for (size_t i = 0; i < r->probe_count; i++)
		add(&w, probes, probe(&w, &r->ran[i]));
	set(&w, root, "probes", probes);
	set(&w, root, "quick", json_boolean(r->quick));
	set(&w, root, "gentle", json_boolean(r->gentle));
	set(&w, root, "walls", walls);
	set(&w, root, "findings", findings);
	set(&w, root, "listeners", listeners(&w, r));
	set(&w, root, "listener_count", count(r->listener_count));
	set(&w, root, "counters", counters(&w, r));
	set(&w, root, "summary", summary(&w, r));

	int status = 0;
	errno = 0;
	if (w.failed)
		status = err_set(e, ENOMEM, "not enough memory for the report");
	else if (json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) ||
		 fputc('\n', out) == EOF || fflush(out) || ferror(out))
		status = err_errno(e, "cannot write the report");
	json_decref(root);
	return status;
}
