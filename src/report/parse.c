#include "report/parse.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/cleanup.h"

#define PARSE_MAX ((size_t)16 << 20)

static void free_json(json_t **o) { json_decref(*o); }

/* The position in the document, for errors. */
struct reader {
	const char *path;
	char at[96];
	struct err *e;
};

static int wrong(struct reader *r, const char *key, const char *want)
{
	return err_set(r->e, EBADMSG, "%s: %s%s is not %s", r->path, r->at, key, want);
}

static int text(struct reader *r, const json_t *o, const char *key, char *field, size_t size)
{
	const json_t *s = json_object_get(o, key);
	field[0] = 0;
	if (!s || json_is_null(s))
		return 0;
	if (!json_is_string(s) || strlen(json_string_value(s)) != json_string_length(s))
		return wrong(r, key, "a string");
	if (json_string_length(s) >= size)
		return err_set(r->e, EBADMSG, "%s: %s%s is longer than %zu bytes", r->path, r->at,
			       key, size - 1);
	memcpy(field, json_string_value(s), json_string_length(s) + 1);
	return 0;
}
#define TEXT(r, o, key, field) text(r, o, key, field, sizeof(field))

static int quantity(struct reader *r, const json_t *o, const char *key, int64_t *value)
{
	const json_t *n = json_object_get(o, key);
	*value = REPORT_NONE;
	if (!n || json_is_null(n))
		return 0;
	if (!json_is_integer(n))
		return wrong(r, key, "an integer");
	*value = json_integer_value(n);
	return 0;
}

static int count(struct reader *r, const json_t *o, const char *key, uint64_t *value)
{
	int64_t n;
	int failed = quantity(r, o, key, &n);
	if (failed < 0)
		return failed;
	if (n != REPORT_NONE && n < 0)
		return wrong(r, key, "a non-negative integer");
	*value = n == REPORT_NONE ? 0 : (uint64_t)n;
	return 0;
}

static int number(struct reader *r, const json_t *o, const char *key, double *value)
{
	const json_t *n = json_object_get(o, key);
	*value = NAN;
	if (!n || json_is_null(n))
		return 0;
	if (!json_is_number(n))
		return wrong(r, key, "a number");
	*value = json_number_value(n);
	return 0;
}

/* Read one of the words name(0) … name(last). */
static int word(struct reader *r, const json_t *o, const char *key, const char *(*name)(int),
		int last, int *value)
{
	const char *s = json_string_value(json_object_get(o, key));
	*value = last;
	for (int i = 0; s && i <= last; i++)
		if (strcmp(s, name(i)) == 0) {
			*value = i;
			return 0;
		}
	return wrong(r, key, "a word of this schema");
}

static const char *method_word(int i) { return wall_method_name((enum wall_method)i); }
static const char *verdict_word(int i) { return wall_verdict_name((enum wall_verdict)i); }
static const char *experiment_word(int i) { return wall_experiment_name((enum wall_experiment)i); }
static const char *level_word(int i) { return finding_level_name((enum finding_level)i); }
static const char *remedy_word(int i) { return finding_remedy_name((enum finding_remedy)i); }
static const char *isolation_word(int i) { return report_isolation_name((enum report_isolation)i); }
static const char *state_word(int i) { return probe_state_name((enum probe_state)i); }
static const char *role_word(int i) { return target_role_name((enum target_role)i); }

/* The same; 0 if an older report lacks the member. */
static int word_if_any(struct reader *r, const json_t *o, const char *key, const char *(*name)(int),
		       int last, int *value)
{
	const json_t *s = json_object_get(o, key);
	*value = 0;
	return s && !json_is_null(s) ? word(r, o, key, name, last, value) : 0;
}

static int read_host(struct reader *r, const json_t *o, struct report_host *h)
{
	int isolation, failed;
	snprintf(r->at, sizeof(r->at), "host.");
	if ((failed = TEXT(r, o, "name", h->name)) || (failed = TEXT(r, o, "kernel", h->kernel)) ||
	    (failed = TEXT(r, o, "boot", h->boot)) || (failed = TEXT(r, o, "netns", h->netns)) ||
	    (failed = count(r, o, "cpus", &h->cpus)) ||
	    (failed = count(r, o, "memory_bytes", &h->memory_bytes)) ||
	    (failed = word(r, o, "isolation", isolation_word, ISOLATION_NONE, &isolation)))
		return failed;
	h->isolation = (enum report_isolation)isolation;
	return 0;
}

static int read_server(struct reader *r, const json_t *o, struct report_server *s)
{
	uint64_t pid;
	int failed;
	snprintf(r->at, sizeof(r->at), "server.");
	if (!o || json_is_null(o))
		return 0;
	if ((failed = TEXT(r, o, "asked", s->asked)) || (failed = TEXT(r, o, "name", s->name)) ||
	    (failed = TEXT(r, o, "unit", s->unit)) ||
	    (failed = TEXT(r, o, "addresses", s->addresses)) ||
	    (failed = count(r, o, "pid", &pid)) ||
	    (failed = count(r, o, "processes", &s->processes)))
		return failed;
	if (pid > INT32_MAX)
		return wrong(r, "pid", "a pid");
	s->pid = (int64_t)pid;
	return 0;
}

static int read_target(struct reader *r, const json_t *o, struct target *t)
{
	int role, failed;
	snprintf(r->at, sizeof(r->at), "target.");
	if ((failed = word(r, o, "role", role_word, TARGET_PROXY, &role)) ||
	    (failed = count(r, o, "connections", &t->connections)) ||
	    (failed = count(r, o, "rate_per_s", &t->rate_per_s)) ||
	    (failed = count(r, o, "stall_us", &t->stall_us)) ||
	    (failed = count(r, o, "rtt_us", &t->rtt_us)) ||
	    (failed = count(r, o, "bandwidth_bps", &t->bandwidth_bps)))
		return failed;
	t->role = (enum target_role)role;
	return 0;
}

static int read_wall(struct reader *r, const json_t *o, struct report *out)
{
	char name[sizeof(out->walls[0].name)];
	int method, verdict, experiment, failed = TEXT(r, o, "name", name);
	if (failed)
		return failed;
	if (!name[0] || report_find(out, name))
		return wrong(r, "name", "a unique wall name");
	struct wall *w = report_wall(out, name);
	if ((failed = TEXT(r, o, "unit", w->unit)) ||
	    (failed = word(r, o, "method", method_word, METHOD_RUNNING, &method)) ||
	    (failed = word(r, o, "verdict", verdict_word, VERDICT_NA, &verdict)) ||
	    (failed = quantity(r, o, "limit", &w->limit)) ||
	    (failed = quantity(r, o, "measured", &w->measured)) ||
	    (failed = quantity(r, o, "needed", &w->needed)) ||
	    (failed = TEXT(r, o, "knob", w->knob)) || (failed = TEXT(r, o, "detail", w->detail)) ||
	    (failed = TEXT(r, o, "reason", w->reason)) ||
	    (failed = word_if_any(r, o, "experiment", experiment_word, EXPERIMENT_MISSED,
				  &experiment)))
		return failed;
	w->experiment = (enum wall_experiment)experiment;
	/* Older versions do not write these. */
	w->at_least = json_is_true(json_object_get(o, "at_least"));
	w->at_most = json_is_true(json_object_get(o, "at_most"));
	w->method = (enum wall_method)method;
	w->verdict = (enum wall_verdict)verdict;
	return 0;
}

static int read_evidence(struct reader *r, const json_t *o, struct finding *f)
{
	char name[sizeof(f->evidence[0].name)], unit[sizeof(f->evidence[0].unit)];
	double current, proposed;
	int failed;
	if ((failed = TEXT(r, o, "name", name)) || (failed = TEXT(r, o, "unit", unit)) ||
	    (failed = number(r, o, "at_current", &current)) ||
	    (failed = number(r, o, "at_proposed", &proposed)))
		return failed;
	finding_evidence(f, name, unit, current, proposed);
	return 0;
}

static int read_proposal(struct reader *r, const json_t *o, struct finding *f)
{
	struct proposal p = {0};
	int failed;
	if ((failed = TEXT(r, o, "knob", p.knob)) || (failed = TEXT(r, o, "current", p.current)) ||
	    (failed = TEXT(r, o, "proposed", p.proposed)) ||
	    (failed = TEXT(r, o, "field", p.field)))
		return failed;
	if (p.knob[0])
		*finding_propose(f, p.knob, "", "") = p;
	return 0;
}

/* Reports from before 0.2 have only the first proposal, as members of the finding. */
static int read_proposals(struct reader *r, const json_t *o, struct finding *f)
{
	const json_t *list = json_object_get(o, "proposals");
	int failed = 0;
	if (!json_array_size(list))
		return read_proposal(r, o, f);
	for (size_t i = 0; i < json_array_size(list) && !failed; i++)
		failed = read_proposal(r, json_array_get(list, i), f);
	return failed;
}

/* Splits "not tried: why" into state and text. */
static int read_tried(struct reader *r, const json_t *o, struct finding *f)
{
	const char *state = json_string_value(json_object_get(o, "tried_state"));
	char text_of[sizeof(f->outcome) + 32];
	int failed = TEXT(r, o, "tried", text_of);
	for (int i = TRIED_DONE; state && i <= TRIED_NOT; i++)
		if (!strcmp(state, finding_tried_name((enum finding_tried)i)))
			f->tried = (enum finding_tried)i;
	size_t skip = f->tried == TRIED_INCONCLUSIVE || f->tried == TRIED_NOT
			      ? strlen(finding_tried_name(f->tried)) + 2
			      : 0;
	if (!failed && strlen(text_of) >= skip)
		report_text(f->outcome, "%s", text_of + skip);
	return failed;
}

static int read_row(struct reader *r, const json_t *o, struct finding *f)
{
	char name[sizeof(f->table.row[0].name)];
	int failed = TEXT(r, o, "name", name);
	double *values = finding_row(f, name);
	const json_t *list = json_object_get(o, "values");
	for (size_t i = 0; i < json_array_size(list) && i < TABLE_COLUMNS; i++)
		if (json_is_number(json_array_get(list, i)))
			values[i] = json_number_value(json_array_get(list, i));
	return failed;
}

static int read_table(struct reader *r, const json_t *o, struct finding *f)
{
	char text_of[64], unit[sizeof(f->table.column[0].unit)];
	const json_t *columns = json_object_get(o, "columns"), *rows = json_object_get(o, "rows");
	int failed = TEXT(r, o, "rows_are", text_of);
	finding_table(f, text_of);
	for (size_t i = 0; i < json_array_size(columns) && !failed; i++) {
		const json_t *column = json_array_get(columns, i);
		if (!(failed = TEXT(r, column, "name", text_of)) &&
		    !(failed = TEXT(r, column, "unit", unit)))
			finding_column(f, text_of, unit);
	}
	for (size_t i = 0; i < json_array_size(rows) && !failed; i++)
		failed = read_row(r, json_array_get(rows, i), f);
	return failed;
}

static int read_finding(struct reader *r, const json_t *o, struct report *out)
{
	int level, remedy, failed;
	struct finding *f = report_finding_blank(out);
	if ((failed = TEXT(r, o, "id", f->id)) || (failed = TEXT(r, o, "title", f->title)) ||
	    (failed = word(r, o, "level", level_word, LEVEL_SKIPPED, &level)) ||
	    (failed = word(r, o, "remedy", remedy_word, REMEDY_PROVIDER, &remedy)) ||
	    (failed = TEXT(r, o, "wall", f->wall)) || (failed = TEXT(r, o, "detail", f->detail)) ||
	    (failed = read_proposals(r, o, f)) || (failed = read_tried(r, o, f)) ||
	    (failed = TEXT(r, o, "advice", f->advice)) ||
	    (failed = TEXT(r, o, "answer", f->answer)))
		return failed;
	f->level = (enum finding_level)level;
	f->remedy = (enum finding_remedy)remedy;
	f->observed = json_is_true(json_object_get(o, "observed"));
	const json_t *evidence = json_object_get(o, "evidence");
	if (evidence && !json_is_array(evidence))
		return wrong(r, "evidence", "a list");
	for (size_t i = 0; i < json_array_size(evidence) && !failed; i++)
		failed = read_evidence(r, json_array_get(evidence, i), f);
	if (!failed && json_is_object(json_object_get(o, "table")))
		failed = read_table(r, json_object_get(o, "table"), f);
	return failed;
}

static int read_probe(struct reader *r, const json_t *o, struct report *out)
{
	struct report_probe p = {0};
	int state, isolation, failed;
	if ((failed = TEXT(r, o, "name", p.name)) ||
	    (failed = word(r, o, "state", state_word, PROBE_CRASHED, &state)) ||
	    (failed = word(r, o, "isolation", isolation_word, ISOLATION_NONE, &isolation)))
		return failed;
	p.state = (enum probe_state)state;
	p.isolation = (enum report_isolation)isolation;
	if (out->probe_count < REPORT_PROBES)
		out->ran[out->probe_count++] = p;
	return 0;
}

/* Text that a program or a user chose: U+FFFD may have made it longer than the field. */
static int text_cut(struct reader *r, const json_t *o, const char *key, char *field, size_t size)
{
	char whole[1024];
	int failed = TEXT(r, o, key, whole);
	report_text_into(field, size, "%s", failed ? "" : whole);
	return failed;
}
#define TEXT_CUT(r, o, key, field) text_cut(r, o, key, field, sizeof(field))

static int count32(struct reader *r, const json_t *o, const char *key, uint32_t *value)
{
	uint64_t n;
	int failed = count(r, o, key, &n);
	if (!failed && n > UINT32_MAX)
		return wrong(r, key, "a number of 32 bits");
	*value = failed ? 0 : (uint32_t)n;
	return failed;
}

static const char *kind_word(int i) { return i == LISTENER_TCP ? "tcp" : "unix"; }

static int read_listener(struct reader *r, const json_t *o, struct report *out)
{
	struct report_listener *l = report_listener(out);
	uint64_t pid;
	int kind, failed;
	if ((failed = word(r, o, "kind", kind_word, LISTENER_UNIX, &kind)) ||
	    (failed = TEXT_CUT(r, o, "address", l->address)) ||
	    (failed = count32(r, o, "depth", &l->depth)) ||
	    (failed = count32(r, o, "limit", &l->limit)) ||
	    (failed = count32(r, o, "drops", &l->drops)) ||
	    (failed = quantity(r, o, "half_open", &l->half_open)) ||
	    (failed = count(r, o, "pid", &pid)) ||
	    (failed = TEXT_CUT(r, o, "process", l->process)) ||
	    (failed = TEXT_CUT(r, o, "unit", l->unit)) ||
	    (failed = count(r, o, "cookie", &l->cookie)))
		return failed;
	l->subject = json_is_true(json_object_get(o, "subject"));
	l->kind = (enum listener_kind)kind;
	l->pid = (int64_t)pid;
	return 0;
}

static int read_counters(struct reader *r, const json_t *root, struct report *out)
{
	json_t *counters = json_object_get(root, "counters"), *value;
	const char *counter;
	bool valid = !counters || json_is_object(counters);
	json_object_foreach(counters, counter, value)
	{
		valid &= json_is_integer(value) && json_integer_value(value) >= 0;
		report_counter(out, counter, json_integer_value(value));
	}
	r->at[0] = 0;
	return valid ? 0 : wrong(r, "counters", "an object of non-negative integers");
}

static int read_list(struct reader *r, const json_t *root, const char *key, struct report *out,
		     int (*read)(struct reader *r, const json_t *o, struct report *out))
{
	r->at[0] = 0;
	const json_t *list = json_object_get(root, key);
	if (!json_is_array(list))
		return wrong(r, key, "a list");
	for (size_t i = 0; i < json_array_size(list); i++) {
		snprintf(r->at, sizeof(r->at), "%s[%zu].", key, i);
		int failed = read(r, json_array_get(list, i), out);
		if (failed)
			return failed;
	}
	return 0;
}

/* Reports from before 0.2 lack these members. */
static int read_observed(struct reader *r, const json_t *root, struct report *out)
{
	uint64_t all;
	int failed = 0;
	if (json_object_get(root, "listeners"))
		failed = read_list(r, root, "listeners", out, read_listener);
	r->at[0] = 0;
	if (!failed)
		failed = count(r, root, "listener_count", &all);
	if (!failed && all > out->listener_count)
		out->listener_count = all;
	return failed ? failed : read_counters(r, root, out);
}

static int read_report(struct reader *r, const json_t *root, struct report *out)
{
	static const char schema[] = "epolltune.report/1";
	const char *given = json_string_value(json_object_get(root, "schema"));
	if (strcmp(given, schema) != 0)
		return err_set(r->e, EPROTO, "%s: schema %.40s; expected %s", r->path, given,
			       schema);
	const char *stamp = json_string_value(json_object_get(root, "time"));
	struct tm tm = {0};
	const char *end = stamp ? strptime(stamp, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
	if (!end || *end)
		return wrong(r, "time", "a time such as 2026-01-31T23:59:59Z");
	report_init(out);
	out->time = (struct timespec){.tv_sec = timegm(&tm)};
	int failed = read_host(r, json_object_get(root, "host"), &out->host);
	if (!failed)
		failed = read_server(r, json_object_get(root, "server"), &out->server);
	if (!failed)
		failed = read_target(r, json_object_get(root, "target"), &out->target);
	if (!failed)
		failed = read_list(r, root, "walls", out, read_wall);
	if (!failed)
		failed = read_list(r, root, "findings", out, read_finding);
	/* Reports from before 0.2 lack this member. */
	if (!failed && json_object_get(root, "probes"))
		failed = read_list(r, root, "probes", out, read_probe);
	out->quick = json_is_true(json_object_get(root, "quick"));
	out->gentle = json_is_true(json_object_get(root, "gentle"));
	return failed ? failed : read_observed(r, root, out);
}

struct source {
	FILE *in;
	size_t taken;
};

static size_t take(void *buffer, size_t size, void *arg)
{
	struct source *s = arg;
	if (s->taken > PARSE_MAX)
		return (size_t)-1;
	size_t n = fread(buffer, 1, size, s->in);
	s->taken += n;
	return ferror(s->in) ? (size_t)-1 : n;
}

static const char *source_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

int document_load(const char *path, json_t **root, struct err *e)
{
	const char *name = source_name(path);
	CLEAN(close_file) FILE *in = name == path ? fopen(path, "re") : fdopen(dup(0), "r");
	*root = NULL;
	if (!in)
		return err_errno(e, "cannot read the report %s", path);
	struct source s = {.in = in};
	json_error_t why;
	errno = 0;
	CLEAN(free_json)
	json_t *loaded = json_load_callback(take, &s, JSON_REJECT_DUPLICATES, &why);
	if (!loaded && ferror(in))
		return err_errno(e, "cannot read the report %s", name);
	if (!loaded && s.taken > PARSE_MAX)
		return err_set(e, EFBIG, "%s: larger than 16 MiB, not a report", name);
	if (!loaded)
		return err_set(e, EBADMSG, "%s: invalid JSON: line %d: %s", name, why.line,
			       why.text);
	if (!json_string_value(json_object_get(loaded, "schema")))
		return err_set(e, EPROTO, "%s: not written by epolltune --format json", name);
	*root = loaded;
	loaded = NULL;
	return 0;
}

int report_parse_document(const char *path, const json_t *root, struct report *out, struct err *e)
{
	struct reader r = {.path = source_name(path), .e = e};
	return read_report(&r, root, out);
}

int report_parse(const char *path, struct report *out, struct err *e)
{
	CLEAN(free_json) json_t *root = NULL;
	int failed = document_load(path, &root, e);
	return failed < 0 ? failed : report_parse_document(path, root, out, e);
}
