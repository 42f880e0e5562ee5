/* A look at what is watched as a line of JSON, and back: what replay reads is what was recorded. */
#include "report/watch.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "report/json_value.h"

static json_t *counters_json(const struct watch *w, struct json_writer *out)
{
	json_t *o = json_object();
	for (size_t i = 0; i < WATCH_COUNTERS; i++)
		value_set(out, o, watch_counter_names[i], value_quantity(w->counters[i]));
	return o;
}

static json_t *pair_json(const struct watch_gauge *g, struct json_writer *out)
{
	if (!g->kind->paired)
		return json_null();
	json_t *pair = json_array();
	value_add(out, pair, value_quantity(g->value));
	value_add(out, pair, value_quantity(g->limit));
	return pair;
}

static json_t *row_json(const struct watch_row *r, struct json_writer *out)
{
	json_t *o = json_object();
	value_set(out, o, "wall", value_text(r->now.kind->wall));
	value_set(out, o, "what", value_text(r->now.what));
	value_set(out, o, "key", value_count(r->now.key));
	value_set(out, o, "verdict", value_text(wall_verdict_name(r->verdict)));
	value_set(out, o, "owner", value_text(finding_remedy_name(r->now.owner)));
	value_set(out, o, "unit", value_text(r->now.kind->unit));
	value_set(out, o, "used", value_quantity(r->used));
	value_set(out, o, "limit", value_quantity(r->limit));
	value_set(out, o, "recent_max", value_quantity(r->recent));
	value_set(out, o, "growth_per_s", value_number(r->growth));
	value_set(out, o, "seconds_left", value_number(r->left_s));
	value_set(out, o, "lost", value_quantity(r->now.lost));
	value_set(out, o, "lost_per_s", value_number(r->lost));
	value_set(out, o, "half_open", value_quantity(r->now.half_open));
	value_set(out, o, "counted", pair_json(&r->now, out));
	value_set(out, o, "note", value_text_or_null(r->now.note));
	value_set(out, o, "server", value_text_or_null(r->now.server));
	return o;
}

int watch_json(FILE *out, const struct watch *w, struct err *e)
{
	struct json_writer failed = {false};
	json_t *o = json_object(), *rows = json_array();
	double time = (double)w->time.tv_sec + (double)(w->time.tv_nsec / 1000000) / 1000;
	value_set(&failed, o, "schema", value_text(WATCH_SCHEMA));
	value_set(&failed, o, "host", value_text(w->host));
	value_set(&failed, o, "server", value_text_or_null(w->server));
	value_set(&failed, o, "time", value_number(time));
	value_set(&failed, o, "seconds", w->seconds > 0 ? value_number(w->seconds) : json_null());
	value_set(&failed, o, "counters", counters_json(w, &failed));
	for (size_t i = 0; i < w->count; i++)
		if (!w->nearest[i]->ended)
			value_add(&failed, rows, row_json(w->nearest[i], &failed));
	value_set(&failed, o, "rows", rows);
	value_set(&failed, o, "omitted", value_count(w->omitted));
	json_t *line = value_complete(o, &failed);
	bool written = line && (!json_dumpf(line, out, JSON_COMPACT | JSON_REAL_PRECISION(15)) ||
				ferror(out));
	json_decref(line);
	if (!written)
		return err_set(e, ENOMEM, "out of memory for a line of the watch");
	fputc('\n', out);
	return 0;
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
	return n;
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
	for (int i = REMEDY_NONE; i <= REMEDY_PROVIDER; i++)
		if (!strcmp(name, finding_remedy_name(i)))
			return i;
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
	const json_t *pair = json_object_get(o, "counted");
	int64_t key = quantity(r, o, "key");
	g->key = key > 0 ? (uint64_t)key : 0;
	text(r, o, "what", g->what, sizeof(g->what));
	text(r, o, "note", g->note, sizeof(g->note));
	text(r, o, "server", g->server, sizeof(g->server));
	g->owner = owner(r, o);
	g->value = quantity(r, o, "used");
	g->limit = quantity(r, o, "limit");
	if (g->kind->paired) {
		const json_t *value = json_array_get(pair, 0), *of = json_array_get(pair, 1);
		g->value = json_is_integer(value) ? json_integer_value(value) : REPORT_NONE;
		g->limit = json_is_integer(of) ? json_integer_value(of) : REPORT_NONE;
	}
	g->lost = quantity(r, o, "lost");
	g->half_open = quantity(r, o, "half_open");
}

static void line_read(struct line_reader *r, const json_t *o, struct watch_sample *out)
{
	const json_t *counters = json_object_get(o, "counters"), *row;
	const json_t *rows = json_object_get(o, "rows");
	size_t i;
	text(r, o, "host", out->host, sizeof(out->host));
	text(r, o, "server", out->server, sizeof(out->server));
	double time = number(r, o, "time", 1e11);
	out->time.tv_sec = (time_t)time;
	out->time.tv_nsec = (long)floor((time - floor(time)) * 1000 + 0.5) * 1000000;
	out->seconds = number(r, o, "seconds", 1e9);
	for (size_t k = 0; k < WATCH_COUNTERS; k++)
		out->counters[k] = quantity(r, counters, watch_counter_names[k]);
	int64_t omitted = quantity(r, o, "omitted");
	out->omitted = omitted > 0 ? (size_t)omitted : 0;
	if (!json_is_array(rows))
		wrong(r, "rows", "a list");
	json_array_foreach(rows, i, row) row_read(r, row, out);
}

int watch_parse(const char *line, size_t length, struct watch_sample *out, struct err *e)
{
	json_error_t why;
	struct line_reader r = {.e = e};
	char schema[32];
	json_t *o = json_loadb(line, length, JSON_REJECT_DUPLICATES, &why);
	out->count = 0;
	if (!o)
		return err_set(e, EBADMSG, "not JSON from byte %d on", why.position);
	text(&r, o, "schema", schema, sizeof(schema));
	if (!r.failed && strcmp(schema, WATCH_SCHEMA))
		r.failed = err_set(e, EBADMSG, "the schema is not " WATCH_SCHEMA);
	if (!r.failed)
		line_read(&r, o, out);
	json_decref(o);
	return r.failed;
}
