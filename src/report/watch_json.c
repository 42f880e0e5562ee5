/* A look at what is watched as a line of JSON, and back: what replay reads is what was recorded. */
#include "report/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "report/document.h"
#include "report/utf8.h"

/* Members, each with a comma before it. Building a document first would take most of the time of a
 * look. */

static void put_text(FILE *out, const char *key, const char *text)
{
	char valid[256];
	fprintf(out, ",\"%s\":", key);
	if (!*text) {
		fputs("null", out);
		return;
	}
	utf8_copy(valid, sizeof(valid), text);
	fputc('"', out);
	for (const char *c = valid; *c; c++)
		if ((unsigned char)*c < ' ')
			fprintf(out, "\\u%04x", *c);
		else
			fprintf(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
	fputc('"', out);
}

static void put_count(FILE *out, const char *key, int64_t value)
{
	if (value == REPORT_NONE)
		fprintf(out, ",\"%s\":null", key);
	else
		fprintf(out, ",\"%s\":%" PRId64, key, value);
}

static void put_number(FILE *out, const char *key, double value)
{
	if (isfinite(value))
		fprintf(out, ",\"%s\":%.15g", key, value);
	else
		fprintf(out, ",\"%s\":null", key);
}

static void put_row(FILE *out, const struct watch_row *r)
{
	const struct watch_gauge *g = &r->now;
	fprintf(out, "{\"wall\":\"%s\"", g->kind->wall);
	put_text(out, "what", g->what);
	put_count(out, "key", (int64_t)(g->key & INT64_MAX));
	put_text(out, "verdict", wall_verdict_name(r->verdict));
	put_text(out, "owner", finding_remedy_name(g->owner));
	put_text(out, "unit", g->kind->unit);
	put_count(out, "used", r->used);
	put_count(out, "limit", r->limit);
	put_count(out, "recent_max", r->recent);
	put_number(out, "growth_per_s", r->growth);
	put_number(out, "seconds_left", r->left_s);
	put_count(out, "lost", g->lost);
	put_number(out, "lost_per_s", r->lost);
	put_count(out, "half_open", g->half_open);
	put_count(out, "syn_room", g->syn_room);
	put_count(out, "used_counter", g->kind->paired ? g->value : REPORT_NONE);
	put_count(out, "limit_counter", g->kind->paired ? g->limit : REPORT_NONE);
	fprintf(out, ",\"stuck\":%s", g->stuck ? "true" : "false");
	fprintf(out, ",\"made\":%s", g->made ? "true" : "false");
	put_text(out, "note", g->note);
	put_text(out, "server", g->server);
	fputc('}', out);
}

void watch_json(FILE *out, const struct watch *w)
{
	const char *comma = "";
	fputs("{\"schema\":\"" WATCH_SCHEMA "\"", out);
	put_text(out, "host", w->host);
	put_text(out, "server", w->server);
	fprintf(out, ",\"listening\":%s", watch_listens(w) ? "true" : "false");
	put_text(out, "waiting", w->waiting);
	fprintf(out, ",\"time\":%lld.%03ld", (long long)w->time.tv_sec, w->time.tv_nsec / 1000000);
	put_number(out, "seconds", w->seconds > 0 ? w->seconds : NAN);
	fputs(",\"counters\":{", out);
	for (size_t i = 0; i < WATCH_COUNTERS; i++, comma = ",") {
		if (w->counters[i] == REPORT_NONE)
			fprintf(out, "%s\"%s\":null", comma, watch_counter_names[i]);
		else
			fprintf(out, "%s\"%s\":%" PRId64, comma, watch_counter_names[i],
				w->counters[i]);
	}
	fputs("},\"rows\":[", out);
	comma = "";
	for (size_t i = 0; i < w->count; i++) {
		if (w->nearest[i]->ended)
			continue;
		fputs(comma, out);
		put_row(out, w->nearest[i]);
		comma = ",";
	}
	fprintf(out, "],\"omitted\":%zu}\n", w->omitted);
}

struct line_reader {
	struct err *e;
	int failed; /* 0 or the negative errno */
};

static void wrong(struct line_reader *r, const char *key, const char *want)
{
	if (!r->failed)
		r->failed = err_set(r->e, EBADMSG, "\"%s\" is not %s", key, want);
}

static int64_t quantity(struct line_reader *r, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	if (v && !json_is_null(v) && (!json_is_integer(v) || json_integer_value(v) < 0))
		wrong(r, key, "null or a number of zero or more");
	return json_is_integer(v) ? json_integer_value(v) : REPORT_NONE;
}

static double number(struct line_reader *r, const json_t *o, const char *key, double max)
{
	const json_t *v = json_object_get(o, key);
	double n = json_is_number(v) ? json_number_value(v) : 0;
	if (v && !json_is_null(v) && (!json_is_number(v) || n < 0 || n > max))
		wrong(r, key, "null or a number of zero or more");
	return r->failed ? 0 : n;
}

static void text(struct line_reader *r, const json_t *o, const char *key, char *out, size_t size)
{
	const json_t *v = json_object_get(o, key);
	if (v && !json_is_null(v) && !json_is_string(v))
		wrong(r, key, "null or a string");
	report_text_into(out, size, "%s", json_is_string(v) ? json_string_value(v) : "");
}

static enum finding_remedy owner(struct line_reader *r, const json_t *o)
{
	char name[24];
	text(r, o, "owner", name, sizeof(name));
	for (unsigned i = REMEDY_NONE; i <= REMEDY_PROVIDER; i++)
		if (!strcmp(name, finding_remedy_name((enum finding_remedy)i)))
			return (enum finding_remedy)i;
	wrong(r, "owner", "one of a limit");
	return REMEDY_NONE;
}

static void row_read(struct line_reader *r, const json_t *o, struct watch_sample *out)
{
	char wall[32];
	text(r, o, "wall", wall, sizeof(wall));
	if (!watch_kind_find(wall)) {
		wrong(r, "wall", "one that is watched");
		return;
	}
	struct watch_gauge *g = watch_gauge(out, wall);
	int64_t key = quantity(r, o, "key");
	g->key = key > 0 ? (uint64_t)key : 0;
	text(r, o, "what", g->what, sizeof(g->what));
	text(r, o, "note", g->note, sizeof(g->note));
	text(r, o, "server", g->server, sizeof(g->server));
	g->owner = owner(r, o);
	g->value = quantity(r, o, g->kind->paired ? "used_counter" : "used");
	g->limit = quantity(r, o, g->kind->paired ? "limit_counter" : "limit");
	g->stuck = json_is_true(json_object_get(o, "stuck"));
	g->lost = quantity(r, o, "lost");
	g->made = json_is_true(json_object_get(o, "made"));
	g->half_open = quantity(r, o, "half_open");
	g->syn_room = quantity(r, o, "syn_room");
}

static void line_read(struct line_reader *r, const json_t *o, struct watch_sample *out)
{
	const json_t *counters = json_object_get(o, "counters"), *row;
	const json_t *rows = json_object_get(o, "rows");
	size_t i;
	text(r, o, "host", out->host, sizeof(out->host));
	text(r, o, "server", out->server, sizeof(out->server));
	text(r, o, "waiting", out->waiting, sizeof(out->waiting));
	int64_t time_ms = (int64_t)floor(number(r, o, "time", 1e11) * 1000 + 0.5);
	out->time.tv_sec = (time_t)(time_ms / 1000);
	out->time.tv_nsec = (long)(time_ms % 1000) * 1000000;
	out->seconds = number(r, o, "seconds", 1e9);
	for (size_t k = 0; k < WATCH_COUNTERS; k++)
		out->counters[k] = quantity(r, counters, watch_counter_names[k]);
	int64_t omitted = quantity(r, o, "omitted");
	out->omitted = omitted > 0 ? (size_t)omitted : 0;
	if (!json_is_array(rows))
		wrong(r, "rows", "a list");
	json_array_foreach(rows, i, row) { row_read(r, row, out); }
}

int watch_parse(const char *line, size_t length, struct watch_sample *out, struct err *e)
{
	json_error_t why;
	struct line_reader r = {.e = e};
	char schema[32];
	json_t *o = document_read(line, length, &why);
	out->count = 0;
	if (!o && errno == ENOMEM)
		return err_set(e, ENOMEM, "out of memory");
	if (!o)
		return err_set(e, EBADMSG, "not a line of a recording of epolltune watch");
	text(&r, o, "schema", schema, sizeof(schema));
	if (!r.failed && strcmp(schema, WATCH_SCHEMA))
		r.failed = err_set(e, EBADMSG, "the schema is not " WATCH_SCHEMA);
	if (!r.failed)
		line_read(&r, o, out);
	json_decref(o);
	return r.failed;
}
