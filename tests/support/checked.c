#include "checked.h"

#include <math.h>
#include <string.h>

struct checked checked_parse(struct output o)
{
	json_error_t error;
	struct checked c = {o.status, json_loads(o.out, JSON_REJECT_DUPLICATES, &error)};
	if (!c.report)
		fail_msg("no JSON (%s): status %d, out \"%.200s\", errors \"%.200s\"", error.text,
			 o.status, o.out, o.errors);
	output_free(&o);
	return c;
}

void checked_free(struct checked *c)
{
	json_decref(c->report);
	c->report = NULL;
}

static json_t *row_find(json_t *list, const char *key, const char *value)
{
	size_t i;
	json_t *row;
	json_array_foreach(list, i, row)
	{
		if (!strcmp(checked_text(row, key), value))
			return row;
	}
	return NULL;
}

json_t *checked_wall(const struct checked *c, const char *name)
{
	json_t *w = row_find(json_object_get(c->report, "walls"), "name", name);
	if (!w)
		fail_msg("no wall %s", name);
	return w;
}

bool checked_has_finding(const struct checked *c, const char *id)
{
	return row_find(json_object_get(c->report, "findings"), "id", id) != NULL;
}

json_t *checked_finding(const struct checked *c, const char *id)
{
	json_t *f = row_find(json_object_get(c->report, "findings"), "id", id);
	if (!f) {
		char *all = json_dumps(json_object_get(c->report, "findings"), JSON_COMPACT);
		fail_msg("no finding %s in %s", id, all);
	}
	return f;
}

const char *checked_text(json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value ? value : "";
}

long long checked_number(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);
	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

double checked_evidence(json_t *finding, const char *name, const char *which)
{
	json_t *row = row_find(json_object_get(finding, "evidence"), "name", name);
	if (!row)
		fail_msg("no evidence %s", name);
	json_t *value = json_object_get(row, which);
	return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

bool namespaces_allowed(void) { return run_succeeds("unshare -Urn true"); }
