#include "commands/command.h"

#include <errno.h>
#include <string.h>

#include "commands/topic.h"
#include "epolltune/cleanup.h"
#include "report/json_value.h"
#include "report/render.h"

#define LABEL_WIDTH 17
#define TEXT_WIDTH 100 /* lines longer than this are hard to read */

static void print_labelled(const char *label, const char *text, size_t width)
{
	printf("  %-*s", LABEL_WIDTH - 2, label);
	print_wrapped(text, LABEL_WIDTH, width);
}

static void print_range(json_t *topic, size_t width)
{
	const char *shape = json_string_value(json_object_get(topic, "shape"));
	const char *of = strcmp(shape, "triple") == 0  ? "three numbers, ascending, each "
			 : strcmp(shape, "range") == 0 ? "two numbers, ascending, each "
						       : "";
	char text[160];
	snprintf(text, sizeof(text), "%s%lld to %lld %s", of,
		 (long long)json_integer_value(json_object_get(topic, "min")),
		 (long long)json_integer_value(json_object_get(topic, "max")),
		 json_string_value(json_object_get(topic, "unit")));
	print_labelled("range", text, width);
}

static void print_names(const char *label, json_t *names, size_t width)
{
	char text[2048] = "";
	size_t i;
	json_t *name;
	json_array_foreach(names, i, name)
	{
		report_append(text, "%s%s", i ? ", " : "", json_string_value(name));
	}
	print_labelled(label, i ? text : "none", width);
}

/* The text follows the JSON object, in this order and under these labels. */
static const struct {
	const char *key, *label;
} rows[] = {
	{"claim", "claim"},        {"truth", "fact"},        {"value", "running value"},
	{"min", "range"},          {"scope_text", "scope"},  {"takes_effect", "takes effect"},
	{"cost", "raising costs"}, {"remedy", "what to do"}, {"proof", "proof"},
	{"where", "counted in"},   {"show", "to see it"},    {"probe", "probe"},
	{"knobs", "knobs"},        {"findings", "findings"}, {"walls", "walls"},
	{"source", "source"},      {"since", "since Linux"},
};

/* A sysctl that this kernel or namespace lacks is shown as missing. The knob of a device or an
 * application has no single value, as its scope says. */
static bool may_be_missing(json_t *topic)
{
	const char *scope = json_string_value(json_object_get(topic, "scope"));
	return !scope || strcmp(scope, "netns") == 0 || strcmp(scope, "system") == 0;
}

static void topic_print(json_t *topic, size_t width)
{
	printf("%s (%s)\n", json_string_value(json_object_get(topic, "name")),
	       json_string_value(json_object_get(topic, "kind")));
	const char *what = json_string_value(json_object_get(topic, "what"));
	if (what) {
		printf("  ");
		print_wrapped(what, 2, width);
		putchar('\n');
	}
	json_t *code = json_object_get(topic, "code");
	if (code)
		printf("%s\n", json_string_value(code));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *value = json_object_get(topic, rows[i].key);
		if (!value || (json_is_null(value) && !may_be_missing(topic)))
			continue;
		if (strcmp(rows[i].key, "min") == 0)
			print_range(topic, width);
		else if (json_is_array(value))
			print_names(rows[i].label, value, width);
		else if (json_is_null(value))
			print_labelled(rows[i].label, "none", width);
		else if (*json_string_value(value))
			print_labelled(rows[i].label, json_string_value(value), width);
	}
}

static int topics_print(json_t *topics, bool json, struct err *e)
{
	if (json) {
		json_t *whole = json_pack("{s:s, s:s, s:O}", "schema", "epolltune.explain/1",
					  "version", EPOLLTUNE_VERSION, "topics", topics);
		return value_print(stdout, whole, NULL, "the topics", e);
	}
	size_t i, width = render_style_for(stdout, "never").width;
	json_t *topic;
	json_array_foreach(topics, i, topic)
	{
		if (i)
			putchar('\n');
		topic_print(topic, width < TEXT_WIDTH ? width : TEXT_WIDTH);
	}
	return 0;
}

static int unknown(const char *name, struct err *e)
{
	char nearest[VALUE_SIZE];
	if (values_nearest("@topics", name, nearest))
		return err_set(e, EINVAL, "explain: unknown name \"%.100s\"; did you mean %s?",
			       name, nearest);
	return err_set(e, EINVAL,
		       "explain: unknown name \"%.100s\"; epolltune list prints the names", name);
}

/* Look up all names before printing anything. */
static int topics_collect(json_t *topics, char **names, int count, const struct host *h,
			  struct err *e)
{
	for (int i = 0; i < count; i++) {
		size_t at;
		const struct topic_kind *kind = topic_find(names[i], &at);
		if (!kind)
			return unknown(names[i], e);
		if (json_array_append_new(topics, kind->describe(at, h)))
			return err_set(e, ENOMEM, "explain: out of memory");
	}
	return 0;
}

struct arguments {
	bool json;
	const char *root;
};

static int explain(void *arguments, const struct given *given)
{
	const struct arguments *a = arguments;
	struct err e = {0};
	if (!given->count) {
		err_set(&e, EINVAL, "explain: missing NAME; epolltune list prints the names");
		return command_error(&e);
	}
	CLEAN(host_closep) struct host *h = NULL;
	CLEAN(json_decrefp) json_t *topics = json_array();
	if (host_open(&h, a->root ? a->root : "/", &e) < 0 ||
	    topics_collect(topics, given->operands, given->count, h, &e) < 0 ||
	    topics_print(topics, a->json, &e) < 0)
		return command_error(&e);
	return EXIT_OK;
}

static const struct arguments defaults;
static const struct option_row options[] = {
	FORMAT_OPTION(OPTION_AT(struct arguments, json)),
	SYSROOT_OPTION(OPTION_AT(struct arguments, root)),
	{0},
};

const struct command explain_command = {
	.name = "explain",
	.arguments = "NAME ...",
	.summary = "Explain a knob, finding, wall or any other name that list prints",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.run = explain,
};
