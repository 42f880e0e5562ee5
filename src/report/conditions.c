#include "report/conditions.h"

#include <string.h>

#include "epolltune/quantity.h"
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
	{"target", "role", "role", 0, NULL},
	{"target", "connections", "connections", QUANTITY_COUNT, NULL},
	{"target", "rate_per_s", "rate", QUANTITY_RATE, NULL},
	{"target", "stall_us", "stall", QUANTITY_DURATION, NULL},
	{"target", "rtt_us", "RTT", QUANTITY_DURATION, NULL},
	{"target", "bandwidth_bps", "bandwidth", QUANTITY_BANDWIDTH, NULL},
	{"target", "datagrams_per_s", "datagrams", QUANTITY_RATE, NULL},
	{"target", "datagram_bytes", "datagram", QUANTITY_SIZE, NULL},
	{"target", "idle_us", "idle timeout", QUANTITY_DURATION, NULL},
};
#define ROWS (sizeof(rows) / sizeof(*rows))

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

static const char *name_of(const struct condition *r, char *name, size_t size)
{
	snprintf(name, size, "%s%s%s", r->object, r->object[0] ? "." : "", r->key);
	return name;
}

json_t *conditions_compare(json_t *const documents[2])
{
	struct json_writer w = {false};
	json_t *list = json_array();
	for (size_t i = 0; i < ROWS; i++) {
		char name[48], before[80], after[80];
		json_t *a = value_of(&rows[i], documents[0]), *b = value_of(&rows[i], documents[1]);
		/* Compare as printed: memory differs by a few pages between boots. */
		if ((!a && !b) || (a && b && json_equal(a, b)) ||
		    strcmp(shown(before, sizeof(before), &rows[i], a),
			   shown(after, sizeof(after), &rows[i], b)) == 0)
			continue;
		name_of(&rows[i], name, sizeof(name));
		value_add(&w, list,
			  json_pack("{s:s, s:O?, s:O?}", "name", name, "before", a, "after", b));
	}
	return value_complete(list, &w);
}

static const struct condition *row_named(const char *name)
{
	char one[48];
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(name_of(&rows[i], one, sizeof(one)), name) == 0)
			return &rows[i];
	return NULL;
}

bool condition_text(const json_t *differing, size_t i, struct condition_text *out)
{
	const json_t *one = json_array_get(differing, i);
	if (!one)
		return false;
	const struct condition *r = row_named(json_string_value(json_object_get(one, "name")));
	out->label = r->label;
	shown(out->before, sizeof(out->before), r, json_object_get(one, "before"));
	shown(out->after, sizeof(out->after), r, json_object_get(one, "after"));
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
