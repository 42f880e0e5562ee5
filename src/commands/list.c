#include "commands/command.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <string.h>

#include "commands/list_nic.h"
#include "commands/topic.h"
#include "epolltune/cleanup.h"
#include "report/render.h"

#define COLUMNS 4
#define CELL_SIZE 2048
#define WRAPPED_LEAST 20

/* The columns of each kind's table, as keys of the JSON object. The last column gets the rest of
 * the line. */
static const struct layout {
	const char *kind;
	struct {
		const char *title, *key;
	} columns[COLUMNS];
} layouts[] = {
	{"probe", {{"PROBE", "name"}, {"WHAT IT DOES", "what"}}},
	{"wall", {{"WALL", "name"}, {"UNIT", "unit"}, {"PROBE", "probe"}, {"KNOBS", "knobs"}}},
	{"knob", {{"KNOB", "name"}, {"VALUE", "value"}, {"UNIT", "unit"}, {"SCOPE", "scope"}}},
	{"finding", {{"FINDING", "name"}, {"MEANING", "what"}}},
	{"counter", {{"COUNTER", "name"}, {"WHAT IT COUNTS", "what"}}},
	{"symptom", {{"SYMPTOM", "name"}, {"WHAT HAPPENED", "what"}}},
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

static void table_free(struct libscols_table **t) { scols_unref_table(*t); }

/* The text for a value that this machine does not have. */
static const char *cell_empty(json_t *topic, const char *key)
{
	const char *scope = json_string_value(json_object_get(topic, "scope"));
	if (strcmp(key, "value") != 0 || !scope)
		return "-";
	return !strcmp(scope, "device")        ? "see list --nic"
	       : !strcmp(scope, "application") ? "set by application"
					       : "-";
}

/* Writes a value as one text; joins lists. */
static void cell_text(json_t *topic, const char *key, char text[CELL_SIZE])
{
	size_t used = 0, i;
	json_t *value = json_object_get(topic, key), *name;
	snprintf(text, CELL_SIZE, "%s",
		 json_is_string(value) ? json_string_value(value) : cell_empty(topic, key));
	json_array_foreach(value, i, name)
	{
		used += (size_t)snprintf(text + used, CELL_SIZE - used, "%s%s", used ? " " : "",
					 json_string_value(name));
		if (used >= CELL_SIZE)
			return;
	}
}

/* Wraps ASCII text: replaces blanks by newlines, so that only longer words exceed the width. */
static void cell_wrap(char *text, size_t width)
{
	char *line = text, *blank = NULL;
	for (char *at = text; *at; at++) {
		if (*at == ' ')
			blank = at;
		if ((size_t)(at - line) >= width && blank) {
			*blank = '\n';
			line = blank + 1;
			blank = NULL;
		}
	}
}

/* The width of the last column. */
static size_t last_width(const struct layout *l, json_t *topics, size_t width)
{
	size_t last = layout_columns(l) - 1, taken = 0, row;
	json_t *topic;
	for (size_t c = 0; c < last; c++) {
		size_t widest = strlen(l->columns[c].title);
		json_array_foreach(topics, row, topic)
		{
			char text[CELL_SIZE];
			cell_text(topic, l->columns[c].key, text);
			widest = strlen(text) > widest ? strlen(text) : widest;
		}
		taken += widest + 1;
	}
	return width > taken + WRAPPED_LEAST ? width - taken : WRAPPED_LEAST;
}

static int table_fill(struct libscols_table *table, const struct layout *l, json_t *topics,
		      size_t width)
{
	size_t row, columns = layout_columns(l), rest = last_width(l, topics, width);
	json_t *topic;
	json_array_foreach(topics, row, topic)
	{
		struct libscols_line *line = scols_table_new_line(table, NULL);
		if (!line)
			return -ENOMEM;
		for (size_t c = 0; c < columns; c++) {
			char text[CELL_SIZE];
			cell_text(topic, l->columns[c].key, text);
			if (c == columns - 1)
				cell_wrap(text, rest);
			if (scols_line_set_data(line, c, text))
				return -ENOMEM;
		}
	}
	return 0;
}

static int table_print(const struct layout *l, json_t *topics, size_t width)
{
	CLEAN(table_free) struct libscols_table *table = scols_new_table();
	if (!table)
		return -ENOMEM;
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	for (size_t c = 0; c < layout_columns(l); c++) {
		bool last = c == layout_columns(l) - 1;
		struct libscols_column *column = scols_table_new_column(
			table, l->columns[c].title, 0, last ? SCOLS_FL_WRAP : 0);
		if (!column)
			return -ENOMEM;
		if (last) {
			scols_column_set_safechars(column, "\n");
			scols_column_set_wrapfunc(column, scols_wrapnl_chunksize,
						  scols_wrapnl_nextchunk, NULL);
		}
	}
	int r = table_fill(table, l, topics, width);
	return r < 0 ? r : scols_print_table(table);
}

static json_t *topics_of(const struct topic_kind *kind, const struct host *h)
{
	json_t *topics = json_array();
	for (size_t i = 0; i < kind->count(); i++)
		json_array_append_new(topics, kind->describe(i, h));
	return topics;
}

/* Whether to list the kind. `only` NULL: walls, probes and knobs. */
static bool wanted(const struct topic_kind *kind, const char *only)
{
	if (only)
		return strcmp(kind->plural, only) == 0;
	return strcmp(kind->name, "wall") == 0 || strcmp(kind->name, "probe") == 0 ||
	       strcmp(kind->name, "knob") == 0;
}

static int list_json(const char *only, const struct host *h)
{
	CLEAN(json_decrefp)
	json_t *whole =
		json_pack("{s:s, s:s}", "schema", "epolltune.list/1", "version", EPOLLTUNE_VERSION);
	for (size_t i = 0; i < topic_kind_count; i++)
		if (wanted(&topic_kinds[i], only) &&
		    json_object_set_new(whole, topic_kinds[i].plural,
					topics_of(&topic_kinds[i], h)))
			return -ENOMEM;
	json_dumpf(whole, stdout, JSON_INDENT(2));
	putchar('\n');
	return 0;
}

static int list_text(const char *only, const struct host *h)
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
		int r = table_print(layout_find(topic_kinds[i].name), topics, width);
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
	if (given_check(given, a->nic ? 0 : 1, &e) || (only && only_check(only, &e) < 0) ||
	    host_open(&h, a->root ? a->root : "/", &e) < 0)
		return command_error(&e);
	if (a->nic) {
		struct render_style style = command_style(NULL, "never");
		return list_nic(stdout, h, a->json, &style, &e) < 0 ? command_error(&e) : EXIT_OK;
	}
	/* main() reports an error of standard output, once. */
	if ((a->json ? list_json(only, h) : list_text(only, h)) < 0) {
		err_set(&e, ENOMEM, "list: out of memory");
		return command_error(&e);
	}
	return EXIT_OK;
}

static const struct arguments defaults;
static const struct option_row options[] = {
	{"nic", NULL, "list interfaces: rings, queues, NAPI, softnet",
	 OPTION_AT(struct arguments, nic), FLAG},
	FORMAT_OPTION(OPTION_AT(struct arguments, json)),
	SYSROOT_OPTION(OPTION_AT(struct arguments, root)),
	{0},
};

const struct command list_command = {
	.name = "list",
	.arguments = "[KIND]",
	.summary = "List probes, walls, and knobs with their current values",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.run = list,
};
