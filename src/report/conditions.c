#include "report/conditions.h"

#include <string.h>

#include "epolltune/quantity.h"
#include "epolltune/target.h"
#include "report/page.h"

static const struct condition {
	const char *object, *key; /* the object "" is the document itself */
	const char *label;
	enum quantity_kind kind;
	const char *none; /* what null means, or no such member; NULL: it is unknown */
} rows[] = {
	{"", "version", "epolltune", 0, NULL},
	{"host", "name", "host", 0, NULL},
	{"host", "kernel", "kernel", 0, NULL},
	{"host", "cpus", "CPUs", QUANTITY_COUNT, NULL},
	{"host", "memory_bytes", "memory", QUANTITY_SIZE, NULL},
	{"host", "isolation", "measured in", 0, NULL},
	{"server", "asked", "server", 0, "none"},
	{"server", "name", "process", 0, NULL},
	{"", "only", "probes", 0, "all"},
	{"", "backlog", "backlog", QUANTITY_COUNT, "none given"},
	{"", "peers", "peers", QUANTITY_COUNT, "none given"},
	{"target", "role", "role", 0, NULL},
};

/* Those above, then the numbers of the target. False: there is no such row. */
static bool row_at(size_t i, struct condition *out)
{
	const size_t count = sizeof(rows) / sizeof(*rows);
	const struct target_field *f = &target_fields[i < count ? 0 : i - count];
	*out = i < count ? rows[i] : (struct condition){"target", f->key, f->label, f->kind, NULL};
	return out->key != NULL;
}

static json_t *value_of(const struct condition *r, json_t *document)
{
	json_t *in = r->object[0] ? json_object_get(document, r->object) : document;
	return json_object_get(in, r->key);
}

static const char *shown(char *text, size_t size, const struct condition *r, const json_t *value)
{
	if (json_is_string(value))
		snprintf(text, size, "%.72s", json_string_value(value));
	else if (json_is_integer(value) && json_integer_value(value) >= 0)
		quantity_format(text, size, r->kind, (uint64_t)json_integer_value(value));
	else
		snprintf(text, size, "%s", r->none ? r->none : "unknown");
	return text;
}

/* Whether it is the default of the target, as a document of a version without that number means. */
static bool is_usual(const struct condition *r, const json_t *value)
{
	const struct target usual = target_default();
	const struct target_field *f = target_fields;
	while (f->key && (strcmp(r->object, "target") != 0 || strcmp(r->key, f->key) != 0))
		f++;
	return f->key && f->newer &&
	       (!value || (json_is_integer(value) &&
			   (uint64_t)json_integer_value(value) == target_number(&usual, f)));
}

static const char *name_of(const struct condition *r, char *name, size_t size)
{
	snprintf(name, size, "%s%s%s", r->object, r->object[0] ? "." : "", r->key);
	return name;
}

json_t *conditions_compare(json_t *const documents[2])
{
	struct json_writer w = {false};
	json_t *list = json_array();
	struct condition row;
	for (size_t i = 0; row_at(i, &row); i++) {
		char name[48], before[80], after[80];
		json_t *a = value_of(&row, documents[0]), *b = value_of(&row, documents[1]);
		/* Compare as printed: memory differs by a few pages between boots. */
		if ((!a && !b) || (a && b && json_equal(a, b)) ||
		    (is_usual(&row, a) && is_usual(&row, b)) ||
		    strcmp(shown(before, sizeof(before), &row, a),
			   shown(after, sizeof(after), &row, b)) == 0)
			continue;
		name_of(&row, name, sizeof(name));
		json_t *o = json_object();
		value_set(&w, o, "name", value_text(name));
		value_set(&w, o, "before", a ? json_incref(a) : json_null());
		value_set(&w, o, "after", b ? json_incref(b) : json_null());
		value_add(&w, list, o);
	}
	return value_complete(list, &w);
}

static bool row_named(const char *name, struct condition *out)
{
	char one[48];
	for (size_t i = 0; row_at(i, out); i++)
		if (strcmp(name_of(out, one, sizeof(one)), name) == 0)
			return true;
	return false;
}

bool condition_text(const json_t *differing, size_t i, struct condition_text *out)
{
	const json_t *one = json_array_get(differing, i);
	if (!one)
		return false;
	struct condition r;
	row_named(json_string_value(json_object_get(one, "name")), &r);
	out->label = r.label;
	shown(out->before, sizeof(out->before), &r, json_object_get(one, "before"));
	shown(out->after, sizeof(out->after), &r, json_object_get(one, "after"));
	return true;
}

void conditions_print(FILE *out, const json_t *differing, const struct render_style *style)
{
	struct page p = page_open(out, style);
	struct condition_text t;
	if (json_array_size(differing) == 0)
		return;
	page_put(&p, TONE_BOLD, "The conditions differ:");
	fputc('\n', out);
	for (size_t i = 0; condition_text(differing, i, &t); i++) {
		char line[PAGE_TEXT];
		page_text(&p, line, sizeof(line), "  %-12s %s → %s", t.label, t.before, t.after);
		page_wrap(&p, TONE_PLAIN, 0, 15, line);
	}
	fputc('\n', out);
}
