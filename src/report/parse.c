#include "report/parse.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/target.h"
#include "report/document.h"
#include "report/figure.h"
#include "report/json_fields.h"

#define PARSE_MAX ((size_t)16 << 20)

/* The position in the document, for errors. After the first error nothing more is read. */
struct reader {
	const char *path;
	char at[96];
	int failed; /* 0 or the negative errno */
	struct err *e;
};

static void wrong(struct reader *r, const char *key, const char *want)
{
	if (!r->failed)
		r->failed = err_set(r->e, EBADMSG, "%s: %s%s is not %s", r->path, r->at, key, want);
}

/* The member; NULL: it is missing or null. */
static const json_t *member(const json_t *o, const char *key)
{
	const json_t *value = json_object_get(o, key);
	return json_is_null(value) ? NULL : value;
}

/* The string of a member; NULL: it is missing, or an error. */
static const char *string(struct reader *r, const json_t *o, const char *key, size_t max)
{
	const json_t *s = member(o, key);
	if (!s || r->failed)
		return NULL;
	if (!json_is_string(s) || strlen(json_string_value(s)) != json_string_length(s))
		wrong(r, key, "a string");
	else if (json_string_length(s) > max)
		r->failed = err_set(r->e, EBADMSG, "%s: %s%s is longer than %zu bytes", r->path,
				    r->at, key, max);
	return r->failed ? NULL : json_string_value(s);
}

static void text(struct reader *r, const json_t *o, const char *key, char *field, size_t size)
{
	const char *s = string(r, o, key, size - 1);
	snprintf(field, size, "%s", s ? s : "");
}
#define TEXT(r, o, key, field) text(r, o, key, field, sizeof(field))

/* Text with bytes that a machine, a program or a user chose: each that is not UTF-8 became U+FFFD,
 * of three bytes, so that it may be longer than the field. */
static void text_cut(struct reader *r, const json_t *o, const char *key, char *field, size_t size)
{
	const char *s = string(r, o, key, 3 * (size - 1));
	report_text_into(field, size, "%s", s ? s : "");
}
#define TEXT_CUT(r, o, key, field) text_cut(r, o, key, field, sizeof(field))

static int64_t quantity(struct reader *r, const json_t *o, const char *key)
{
	const json_t *n = member(o, key);
	if (n && !json_is_integer(n))
		wrong(r, key, "an integer");
	return n ? json_integer_value(n) : REPORT_NONE;
}

static uint64_t count_to(struct reader *r, const json_t *o, const char *key, int64_t max,
			 const char *want)
{
	int64_t n = quantity(r, o, key);
	if (n == REPORT_NONE)
		return 0;
	if (n < 0 || n > max)
		wrong(r, key, n < 0 ? "a non-negative integer" : want);
	return (uint64_t)n;
}

static uint64_t count(struct reader *r, const json_t *o, const char *key)
{
	return count_to(r, o, key, INT64_MAX, "");
}

static uint32_t count32(struct reader *r, const json_t *o, const char *key)
{
	return (uint32_t)count_to(r, o, key, UINT32_MAX, "a number of 32 bits");
}

static double number(struct reader *r, const json_t *o, const char *key)
{
	const json_t *n = member(o, key);
	if (n && !json_is_number(n))
		wrong(r, key, "a number");
	return n ? json_number_value(n) : NAN;
}

static int64_t percent(struct reader *r, const json_t *o, const char *key)
{
	double n = number(r, o, key) * 100;
	if (n < 0 || n > 1e9)
		wrong(r, key, "a factor");
	return isnan(n) || r->failed ? 0 : (int64_t)(n + 0.5);
}

static bool flag(const json_t *o, const char *key) { return json_is_true(json_object_get(o, key)); }

static unsigned word(struct reader *r, const json_t *o, const struct json_field *f)
{
	const char *given = json_string_value(json_object_get(o, f->key));
	bool nullable = !f->word(0);
	int i = nullable;
	if ((f->newer || nullable) && !member(o, f->key))
		return 0;
	while (given && i < f->last && strcmp(given, f->word(i)) != 0)
		i++;
	if (!given || strcmp(given, f->word(i)) != 0)
		wrong(r, f->key, "a word of this schema");
	return (unsigned)i;
}

static void put_count(struct reader *r, const json_t *o, const struct json_field *f, char *at)
{
	uint32_t small = 0;
	uint64_t number = 0;
	if (f->newer && !member(o, f->key))
		return;
	if (f->size == sizeof(number)) {
		number = count_to(r, o, f->key, f->last ? f->last : INT64_MAX, "in its range");
		memcpy(at, &number, sizeof(number));
	} else {
		small = count32(r, o, f->key);
		memcpy(at, &small, sizeof(small));
	}
}

static void field(struct reader *r, const json_t *o, const struct json_field *f, char *at)
{
	int64_t wide = 0;
	unsigned chosen = 0;
	switch (f->kind) {
	case FIELD_STRING:
	case FIELD_NULLABLE:
		(f->foreign ? text_cut : text)(r, o, f->key, at, f->size);
		break;
	case FIELD_FLAG:
		*(bool *)at = flag(o, f->key);
		break;
	case FIELD_WORD:
		chosen = word(r, o, f);
		memcpy(at, &chosen, sizeof(chosen));
		break;
	case FIELD_QUANTITY:
		wide = quantity(r, o, f->key);
		memcpy(at, &wide, sizeof(wide));
		break;
	case FIELD_COUNT:
	case FIELD_FACT:
		put_count(r, o, f, at);
		break;
	case FIELD_PID:
		wide = (int64_t)count_to(r, o, f->key, f->last, "a pid");
		memcpy(at, &wide, sizeof(wide));
		break;
	case FIELD_PERCENT:
		wide = percent(r, o, f->key);
		memcpy(at, &wide, sizeof(wide));
		break;
	case FIELD_OTHER:
		break;
	}
}

static void fields(struct reader *r, const json_t *o, const struct json_field *f, void *out)
{
	for (; f->key; f++)
		field(r, o, f, (char *)out + f->offset);
}

static const char *role_of(int role) { return target_role_name((enum target_role)role); }

static void read_target(struct reader *r, const json_t *o, struct target *t)
{
	static const struct json_field role = {
		.key = "role", .word = role_of, .last = TARGET_PROXY};
	*t = target_default();
	t->role = (enum target_role)word(r, o, &role);
	for (const struct target_field *f = target_fields; f->key; f++)
		if (!f->newer || member(o, f->key)) {
			uint64_t number = count(r, o, f->key);
			memcpy((char *)t + f->offset, &number, sizeof(number));
		}
	t->datagrams_only = flag(o, "datagrams_only");
}

static void read_observed(struct reader *r, const json_t *o, struct report_observed *out)
{
	fields(r, o, json_observed, out);
	fields(r, json_object_get(o, "rtt_us"), json_share, &out->rtt_us);
	fields(r, json_object_get(o, "bandwidth_bps"), json_share, &out->bandwidth_bps);
	read_target(r, json_object_get(o, "target"), &out->target);
}

static void read_wall(struct reader *r, const json_t *o, struct report *out)
{
	char name[sizeof(out->walls[0].name)];
	TEXT(r, o, "name", name);
	if (!name[0] || report_find(out, name))
		wrong(r, "name", "a unique wall name");
	else
		fields(r, o, json_wall, report_wall(out, name));
}

static void read_evidence(struct reader *r, const json_t *o, struct finding *f)
{
	char name[sizeof(f->evidence[0].name)], unit[sizeof(f->evidence[0].unit)];
	TEXT(r, o, "name", name);
	TEXT(r, o, "unit", unit);
	finding_evidence(f, name, unit, number(r, o, "at_current"), number(r, o, "at_proposed"));
}

static void read_proposal(struct reader *r, const json_t *o, struct finding *f)
{
	struct proposal p = {0};
	fields(r, o, json_proposal, &p);
	if (p.knob[0])
		*finding_propose(f, p.knob, "", "") = p;
}

/* Reports from before 0.2 have only the first proposal, as members of the finding. */
static void read_proposals(struct reader *r, const json_t *o, struct finding *f)
{
	const json_t *list = json_object_get(o, "proposals");
	if (!json_array_size(list))
		read_proposal(r, o, f);
	for (size_t i = 0; i < json_array_size(list); i++)
		read_proposal(r, json_array_get(list, i), f);
}

/* Splits "not tried: why" into state and text. */
static void read_tried(struct reader *r, const json_t *o, struct finding *f)
{
	const char *state = json_string_value(json_object_get(o, "tried_state"));
	char whole[FINDING_OUTCOME];
	TEXT_CUT(r, o, "tried", whole);
	for (int i = TRIED_DONE; state && i <= TRIED_NOT; i++)
		if (!strcmp(state, finding_tried_name((enum finding_tried)i)))
			f->tried = (enum finding_tried)i;
	size_t skip = f->tried == TRIED_INCONCLUSIVE || f->tried == TRIED_NOT
			      ? strlen(finding_tried_name(f->tried)) + 2
			      : 0;
	if (strlen(whole) >= skip)
		report_text(f->outcome, "%s", whole + skip);
}

static void read_row(struct reader *r, const json_t *o, struct finding *f)
{
	char name[sizeof(f->table.row[0].name)];
	TEXT_CUT(r, o, "name", name);
	double *values = finding_row(f, name);
	const json_t *list = json_object_get(o, "values");
	for (size_t i = 0; i < json_array_size(list) && i < TABLE_COLUMNS; i++)
		if (json_is_number(json_array_get(list, i)))
			values[i] = json_number_value(json_array_get(list, i));
}

static void read_table(struct reader *r, const json_t *o, struct finding *f)
{
	char name[64], unit[sizeof(f->table.column[0].unit)];
	const json_t *columns = json_object_get(o, "columns"), *rows = json_object_get(o, "rows");
	TEXT(r, o, "rows_are", name);
	finding_table(f, name);
	for (size_t i = 0; i < json_array_size(columns); i++) {
		const json_t *column = json_array_get(columns, i);
		TEXT(r, column, "name", name);
		TEXT(r, column, "unit", unit);
		finding_column(f, name, unit);
	}
	for (size_t i = 0; i < json_array_size(rows); i++)
		read_row(r, json_array_get(rows, i), f);
}

static void read_line(struct reader *r, const json_t *o, struct finding *f)
{
	struct curve_line line = {.count = 0};
	const json_t *points = json_object_get(o, "points");
	TEXT(r, o, "name", line.name);
	for (size_t i = 0; i < json_array_size(points); i++) {
		const json_t *x = json_array_get(json_array_get(points, i), 0);
		const json_t *y = json_array_get(json_array_get(points, i), 1);
		if (!json_is_number(x) || !json_is_number(y))
			wrong(r, "points", "a list of pairs of numbers");
		else
			curve_point(&line, json_number_value(x), json_number_value(y));
	}
	finding_curve_line(f, line.name, &line);
}

static void read_axis(struct reader *r, const json_t *o, struct curve_axis *axis, char name[40],
		      char unit[16])
{
	text(r, o, "name", name, 40);
	text(r, o, "unit", unit, 16);
	*axis = (struct curve_axis){name, unit};
}

static void read_curve(struct reader *r, const json_t *o, struct finding *f)
{
	char title[sizeof(f->curve.title)], name[2][40], unit[2][16];
	struct curve_axes axes = {.title = title};
	const json_t *lines = json_object_get(o, "lines");
	TEXT(r, o, "title", title);
	read_axis(r, json_object_get(o, "x"), &axes.x, name[0], unit[0]);
	read_axis(r, json_object_get(o, "y"), &axes.y, name[1], unit[1]);
	finding_curve(f, &axes);
	for (size_t i = 0; i < json_array_size(lines); i++)
		read_line(r, json_array_get(lines, i), f);
}

static void read_acceptance(struct reader *r, const json_t *o, struct finding *f)
{
	char date[16];
	fields(r, o, json_acceptance, f);
	TEXT(r, o, "until", date);
	if (date[0] && !acceptance_until(date, &f->accepted_until))
		wrong(r, "until", "a date");
}

static void read_finding(struct reader *r, const json_t *o, struct report *out)
{
	struct finding *f = report_finding_blank(out);
	const json_t *evidence = json_object_get(o, "evidence");
	fields(r, o, json_finding, f);
	read_proposals(r, o, f);
	read_tried(r, o, f);
	if (json_is_object(json_object_get(o, "acceptance")))
		read_acceptance(r, json_object_get(o, "acceptance"), f);
	if (evidence && !json_is_array(evidence))
		wrong(r, "evidence", "a list");
	for (size_t i = 0; i < json_array_size(evidence); i++)
		read_evidence(r, json_array_get(evidence, i), f);
	if (json_is_object(json_object_get(o, "table")))
		read_table(r, json_object_get(o, "table"), f);
	/* Older versions do not write it. */
	if (json_is_object(json_object_get(o, "curve")))
		read_curve(r, json_object_get(o, "curve"), f);
}

static void read_probe(struct reader *r, const json_t *o, struct report *out)
{
	struct report_probe p = {0};
	fields(r, o, json_probe, &p);
	if (out->probe_count < REPORT_PROBES)
		out->ran[out->probe_count++] = p;
}

static void read_listener(struct reader *r, const json_t *o, struct report *out)
{
	fields(r, o, json_listener, report_listener(out));
}

static void read_counters(struct reader *r, const json_t *root, struct report *out)
{
	json_t *counters = json_object_get(root, "counters"), *value;
	const char *counter;
	bool valid = !counters || json_is_object(counters);
	json_object_foreach(counters, counter, value)
	{
		valid &= json_is_integer(value) && json_integer_value(value) >= 0;
		report_counter(out, counter, json_integer_value(value));
	}
	if (!valid)
		wrong(r, "counters", "an object of non-negative integers");
}

static void read_list(struct reader *r, const json_t *root, const char *key, struct report *out,
		      void (*read)(struct reader *r, const json_t *o, struct report *out))
{
	const json_t *list = json_object_get(root, key);
	r->at[0] = 0;
	if (!json_is_array(list))
		wrong(r, key, "a list");
	for (size_t i = 0; i < json_array_size(list) && !r->failed; i++) {
		snprintf(r->at, sizeof(r->at), "%s[%zu].", key, i);
		read(r, json_array_get(list, i), out);
	}
	r->at[0] = 0;
}

static void read_head(struct reader *r, const json_t *root, struct report *out)
{
	static const char schema[] = "epolltune.report/1";
	const char *given = json_string_value(json_object_get(root, "schema"));
	const char *stamp = json_string_value(json_object_get(root, "time"));
	struct tm tm = {0};
	const char *end = stamp ? strptime(stamp, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
	if (strcmp(given, schema) != 0)
		r->failed = err_set(r->e, EPROTO, "%s: schema %.40s; expected %s", r->path, given,
				    schema);
	else if (!end || *end)
		wrong(r, "time", "a time such as 2026-01-31T23:59:59Z");
	report_init(out);
	out->time = (struct timespec){.tv_sec = timegm(&tm)};
}

/* Reads a member that is one object, or null. */
static const json_t *part(struct reader *r, const json_t *root, const char *key)
{
	snprintf(r->at, sizeof(r->at), "%s.", key);
	return member(root, key);
}

static void read_report(struct reader *r, const json_t *root, struct report *out)
{
	const json_t *o;
	read_head(r, root, out);
	fields(r, part(r, root, "host"), json_host, &out->host);
	if ((o = part(r, root, "server")))
		fields(r, o, json_server, &out->server);
	if ((o = part(r, root, "observed")))
		read_observed(r, o, &out->observed);
	read_target(r, part(r, root, "target"), &out->target);
	read_list(r, root, "walls", out, read_wall);
	read_list(r, root, "findings", out, read_finding);
	/* Reports from before 0.2 lack these members. */
	if (json_object_get(root, "probes"))
		read_list(r, root, "probes", out, read_probe);
	if (json_object_get(root, "listeners"))
		read_list(r, root, "listeners", out, read_listener);
	uint64_t all = count(r, root, "listener_count");
	if (all > out->listener_count)
		out->listener_count = all;
	read_counters(r, root, out);
	fields(r, root, json_options, out);
	out->lost += count(r, json_object_get(root, "summary"), "lost");
}

struct source {
	FILE *in;
	size_t taken;
	int error; /* the errno of a failed read */
};

static size_t take(void *buffer, size_t size, void *arg)
{
	struct source *s = arg;
	if (s->taken > PARSE_MAX)
		return (size_t)-1;
	size_t n = fread(buffer, 1, size, s->in);
	s->taken += n;
	s->error = errno;
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
	CLEAN(json_decrefp)
	json_t *loaded = document_read_from(take, &s, &why);
	bool memory = !loaded && errno == ENOMEM;
	if (memory)
		return err_set(e, ENOMEM, "cannot read the report %s: out of memory", name);
	if (!loaded && ferror(in))
		return err_set(e, s.error, "cannot read the report %s: %s", name,
			       strerror(s.error));
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
	read_report(&r, root, out);
	return r.failed;
}

int report_parse(const char *path, struct report *out, struct err *e)
{
	CLEAN(json_decrefp) json_t *root = NULL;
	int failed = document_load(path, &root, e);
	return failed < 0 ? failed : report_parse_document(path, root, out, e);
}
