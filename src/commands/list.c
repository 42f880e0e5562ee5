#include "commands/command.h"

#include <errno.h>
#include <string.h>

#include "commands/list_nic.h"
#include "epolltune/cleanup.h"
#include "epolltune/knob.h"
#include "report/json_value.h"
#include "report/render.h"
#include "report/table.h"
#include "topics/topic.h"

#define COLUMNS 4
#define CELL_SIZE 2048

/* The columns of each kind's table, as keys of the JSON object. The last column gets the rest of
 * the line. */
static const struct layout {
	const char *kind;
	struct {
		const char *title, *key;
	} columns[COLUMNS];
} layouts[] = {
	{"probe", {{"PROBE", "name"}, {"WHAT IT DOES", "what"}}},
	{"wall", {{"WALL", "name"}, {"PROBE", "probe"}, {"KNOBS", "knobs"}}},
	{"knob", {{"KNOB", "name"}, {"VALUE", "value"}, {"UNIT", "unit"}, {"SCOPE", "scope"}}},
	{"finding", {{"FINDING", "name"}, {"MEANING", "what"}}},
	{"counter", {{"COUNTER", "name"}, {"WHAT IT COUNTS", "what"}}},
	{"symptom", {{"SYMPTOM", "name"}, {"WHAT HAPPENED", "what"}}},
	{"complaint", {{"COMPLAINT", "name"}, {"WHAT HAPPENS", "what"}}},
	{"directive", {{"DIRECTIVE", "name"}, {"WHAT IT SETS", "what"}}},
	{"myth", {{"MYTH", "name"}, {"CLAIM", "claim"}}},
	{"guide", {{"GUIDE", "name"}, {"PURPOSE", "what"}}},
};

static size_t layout_columns(const struct layout *l)
{
	size_t count = 0;
	while (count < COLUMNS && l->columns[count].title)
		count++;
	return count;
}

static const struct layout *layout_find(const char *kind)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
		if (strcmp(layouts[i].kind, kind) == 0)
			return &layouts[i];
	static const struct layout any = {NULL, {{"NAME", "name"}, {"WHAT", "what"}}};
	return &any;
}

/* The text for a value that this machine does not have. */
static const char *cell_empty(json_t *topic, const char *key)
{
	const struct knob *k = knob_find(json_string_value(json_object_get(topic, "name")));
	if (strcmp(key, "value") != 0 || !k)
		return "-";
	return k->scope == KNOB_DEVICE        ? "see list --nic"
	       : k->scope == KNOB_APPLICATION ? "set by application"
					      : "-";
}

/* Writes a value as one text; joins lists, and cuts the long value of a knob. */
static void cell_text(json_t *topic, const char *key, char text[CELL_SIZE])
{
	size_t i, size = strcmp(key, "value") ? CELL_SIZE : KNOB_VALUE;
	json_t *value = json_object_get(topic, key), *name;
	report_text_into(text, size, "%s",
			 json_is_string(value) ? json_string_value(value) : cell_empty(topic, key));
	json_array_foreach(value, i, name)
	{
		if (!i)
			text[0] = 0;
		report_append_to(text, CELL_SIZE, "%s%s", i ? " " : "", json_string_value(name));
	}
}

static int topics_print(const struct layout *l, json_t *topics, size_t width, struct err *e)
{
	size_t row, columns = layout_columns(l);
	json_t *topic;
	struct table t = {.width = width};
	for (size_t c = 0; c < columns; c++)
		table_column(&t, l->columns[c].title, c == columns - 1 ? TABLE_LINES : TABLE_LEFT);
	json_array_foreach(topics, row, topic)
	{
		table_row(&t);
		for (size_t c = 0; c < columns; c++) {
			char text[CELL_SIZE];
			cell_text(topic, l->columns[c].key, text);
			table_cell(&t, "%s", text);
		}
	}
	return table_print(&t, stdout, e);
}

static json_t *topics_of(const struct topic_kind *kind, const struct host *h)
{
	json_t *topics = json_array();
	for (size_t i = 0; i < kind->count(); i++)
		json_array_append_new(topics, kind->describe(i, h));
	return topics;
}

/* Whether to list the kind; `only`: NULL, or its operand. */
static bool wanted(const struct topic_kind *kind, const char *only)
{
	return only ? !strcmp(kind->plural, only) : kind->listed;
}

static int list_json(const char *only, const struct host *h, struct err *e)
{
	struct json_writer w = {false};
	json_t *whole = json_object();
	value_set(&w, whole, "schema", value_text("epolltune.list/1"));
	value_set(&w, whole, "version", value_text(EPOLLTUNE_VERSION));
	for (size_t i = 0; i < topic_kind_count; i++)
		if (wanted(&topic_kinds[i], only))
			value_set(&w, whole, topic_kinds[i].plural, topics_of(&topic_kinds[i], h));
	return value_print(stdout, whole, &w, "the list", e);
}

static int list_text(const char *only, const struct host *h, struct err *e)
{
	size_t width = render_style_for(stdout, "never").width;
	bool first = true;
	for (size_t i = 0; i < topic_kind_count; i++) {
		if (!wanted(&topic_kinds[i], only))
			continue;
		CLEAN(json_decrefp) json_t *topics = topics_of(&topic_kinds[i], h);
		if (!first)
			putchar('\n');
		first = false;
		int r = topics_print(layout_find(topic_kinds[i].name), topics, width, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int only_check(const char *only, struct err *e)
{
	char names[200] = "";
	for (size_t i = 0; i < topic_kind_count; i++) {
		if (strcmp(topic_kinds[i].plural, only) == 0)
			return 0;
		report_append(names, "%s%s", names[0] ? ", " : "", topic_kinds[i].plural);
	}
	return err_set(e, EINVAL, "list: \"%.100s\" is not one of %s", only, names);
}

struct arguments {
	bool json, nic;
	const char *root;
};

static int list(void *arguments, const struct given *given)
{
	const struct arguments *a = arguments;
	struct err e = {0};
	const char *only = given->count ? given->operands[0] : NULL;
	CLEAN(host_closep) struct host *h = NULL;
	if (given_check(given, 1, &e) || (only && !a->nic && only_check(only, &e) < 0))
		return command_error(&e);
	if (a->root)
		command_confine(a->root);
	if (host_open(&h, a->root ? a->root : "/", &e) < 0)
		return command_error(&e);
	if (a->nic)
		return list_nic(stdout, h, only, a->json, &e) < 0 ? command_error(&e) : EXIT_OK;
	int r = a->json ? list_json(only, h, &e) : list_text(only, h, &e);
	return r < 0 ? command_error(&e) : EXIT_OK;
}

static const struct arguments defaults;
static const struct option_row options[] = {
	{"nic", NULL, "list interfaces, or INTERFACE: rings, queues, NAPI, softnet",
	 OPTION_AT(struct arguments, nic), FLAG},
	FORMAT_OPTION(OPTION_AT(struct arguments, json)),
	SYSROOT_OPTION(OPTION_AT(struct arguments, root)),
	{0},
};

const struct command list_command = {
	.name = "list",
	.arguments = "[KIND|INTERFACE]",
	.summary = "List probes, walls, and knobs with their current values",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.run = list,
};
