#include "commands/command.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/knob.h"
#include "epolltune/quantity.h"
#include "report/json_value.h"
#include "report/page.h"
#include "report/utf8.h"
#include "topics/log.h"
#include "topics/recognise.h"

#define LABEL_WIDTH 17

static void print_labelled(const struct page *p, const char *label, const char *text)
{
	printf("  %-*s", LABEL_WIDTH - 2, label);
	page_labelled(p, LABEL_WIDTH, LABEL_WIDTH, text);
}

/* On one line, or a line for each command: a command that is wrapped cannot be pasted. */
static void print_commands(const struct page *p, const char *label, const char *commands)
{
	char shown[PAGE_TEXT], quote = 0;
	page_text(p, shown, sizeof(shown), "%s", commands);
	bool fits = LABEL_WIDTH + utf8_length(shown) <= p->width;
	printf("  %-*s", LABEL_WIDTH - 2, label);
	for (const char *text = shown; *text; text++) {
		if (quote ? *text == quote : *text == '\'' || *text == '"')
			quote = quote ? 0 : *text;
		if (fits || quote || strncmp(text, "; ", 2) != 0)
			putchar(*text);
		else
			printf("\n%*s", LABEL_WIDTH - 1, "");
	}
	putchar('\n');
}

/* NULL: it is about another thing. */
static const struct knob *knob_of(json_t *topic)
{
	return knob_find(json_string_value(json_object_get(topic, "name")));
}

static void print_range(const struct page *p, json_t *topic)
{
	const struct knob *k = knob_of(topic);
	char text[160];
	if (!k)
		return;
	snprintf(text, sizeof(text), "%s%" PRId64 " to %" PRId64 "%s%s",
		 k->shape == KNOB_TRIPLE  ? "three numbers, each "
		 : k->shape == KNOB_RANGE ? "two numbers, ascending, each "
					  : "",
		 k->min, k->max, *k->unit ? " " : "", k->unit);
	print_labelled(p, "range", text);
}

static void print_names(const struct page *p, const char *label, json_t *names)
{
	char text[2048] = "";
	size_t i;
	json_t *name;
	json_array_foreach(names, i, name)
	{
		report_append(text, "%s%s", i ? ", " : "", json_string_value(name));
	}
	if (i)
		print_labelled(p, label, text);
}

enum row_kind {
	ROW_TEXT,     /* or names */
	ROW_VALUE,    /* of a knob */
	ROW_RANGE,    /* of its values */
	ROW_COMMANDS, /* to paste */
};

/* The text follows the JSON object, in this order and under these labels. */
static const struct row {
	const char *key, *label;
	enum row_kind kind;
} rows[] = {
	{"claim", "claim", ROW_TEXT},          {"truth", "fact", ROW_TEXT},
	{"value", "running value", ROW_VALUE}, {"min", "range", ROW_RANGE},
	{"scope_text", "scope", ROW_TEXT},     {"takes_effect", "takes effect", ROW_TEXT},
	{"cost", "raising costs", ROW_TEXT},   {"owner", "whose limit", ROW_TEXT},
	{"where", "counted in", ROW_TEXT},     {"show", "to see it", ROW_COMMANDS},
	{"remedy", "what to do", ROW_TEXT},    {"proof", "proof", ROW_TEXT},
	{"probe", "probe", ROW_TEXT},          {"knobs", "knobs", ROW_TEXT},
	{"findings", "findings", ROW_TEXT},    {"walls", "walls", ROW_TEXT},
	{"runbook", "runbook", ROW_TEXT},      {"source", "source", ROW_TEXT},
	{"since", "since Linux", ROW_TEXT},    {"also", "see also", ROW_TEXT},
};

/* A sysctl that this kernel or namespace lacks is shown as missing. The knob of a device or an
 * application has no single value, as its scope says. */
static bool may_be_missing(json_t *topic)
{
	const struct knob *k = knob_of(topic);
	return !k || k->scope == KNOB_NETNS || k->scope == KNOB_SYSTEM;
}

/* One that is missing is NULL; a long one is cut. */
static void print_value(const struct page *p, const char *label, const char *text)
{
	char cut[KNOB_VALUE];
	report_text(cut, "%s", text ? text : "not available here");
	print_labelled(p, label, cut);
}

static void print_row(const struct page *p, const struct row *row, json_t *topic)
{
	json_t *value = json_object_get(topic, row->key);
	const char *text = json_string_value(value);
	if (!value || (json_is_null(value) && !may_be_missing(topic)))
		return;
	if (row->kind == ROW_RANGE)
		print_range(p, topic);
	else if (row->kind == ROW_VALUE)
		print_value(p, row->label, text);
	else if (json_is_array(value))
		print_names(p, row->label, value);
	else if (row->kind == ROW_COMMANDS && text)
		print_commands(p, row->label, text);
	else if (!text || *text)
		print_labelled(p, row->label, text ? text : "none");
}

static void print_lines(const struct page *p, json_t *topic)
{
	static const struct {
		const char *label, *line, *text;
	} ends[] = {{"first", "first_line", "first"}, {"last", "last_line", "last"}};
	json_int_t lines = json_integer_value(json_object_get(topic, "lines"));
	for (size_t i = 0; i < (lines > 1 ? 2 : 1); i++) {
		char text[512];
		snprintf(text, sizeof(text), "line %lld: %s",
			 (long long)json_integer_value(json_object_get(topic, ends[i].line)),
			 json_string_value(json_object_get(topic, ends[i].text)));
		print_labelled(p, ends[i].label, text);
	}
}

static void topic_print(const struct page *p, json_t *topic)
{
	printf("%s (%s)\n", json_string_value(json_object_get(topic, "name")),
	       json_string_value(json_object_get(topic, "kind")));
	const char *what = json_string_value(json_object_get(topic, "what"));
	if (what) {
		printf("  ");
		page_labelled(p, 2, 2, what);
		putchar('\n');
	}
	json_t *code = json_object_get(topic, "code");
	if (code)
		printf("%s\n", json_string_value(code));
	if (json_object_get(topic, "lines"))
		print_lines(p, topic);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		print_row(p, &rows[i], topic);
}

static void log_print(json_t *topics, json_t *log)
{
	size_t i;
	json_t *topic;
	char name[256];
	utf8_copy_printable(name, sizeof(name), json_string_value(json_object_get(log, "file")));
	printf("%s: %s, %lld of them recognised\n", name,
	       quantity_of((uint64_t)json_integer_value(json_object_get(log, "lines")), "line")
		       .text,
	       (long long)json_integer_value(json_object_get(log, "recognised")));
	json_array_foreach(topics, i, topic)
	{
		printf("%8lld  %s\n",
		       (long long)json_integer_value(json_object_get(topic, "lines")),
		       json_string_value(json_object_get(topic, "name")));
	}
	if (i)
		putchar('\n');
}

/* `log` NULL: the topics are not those of a log. */
static int topics_print(json_t *topics, json_t *log, bool json, struct err *e)
{
	if (json) {
		json_t *whole =
			json_pack("{s:s, s:s, s:O, s:O?}", "schema", "epolltune.explain/1",
				  "version", EPOLLTUNE_VERSION, "topics", topics, "log", log);
		return value_print(stdout, whole, NULL, "the topics", e);
	}
	const struct render_style style = render_style_for(stdout, "never");
	const struct page p = page_open(stdout, &style);
	size_t i;
	json_t *topic;
	if (log)
		log_print(topics, log);
	json_array_foreach(topics, i, topic)
	{
		if (i)
			putchar('\n');
		topic_print(&p, topic);
	}
	return 0;
}

#define TEXT_MAX 65536 /* bytes of a pasted text that are read */
#define ALSO_MAX 4

struct explainer {
	struct recogniser *recogniser;
	const struct host *host;
};

static int unknown(const struct explainer *x, const char *text, struct err *e)
{
	const char *names[NEAREST_MAX];
	char shown[101], list[NEAREST_MAX * VALUE_SIZE] = "";
	size_t count = topics_nearest(text, x->host, names);
	utf8_copy_printable(shown, sizeof(shown), text);
	for (size_t i = 0; i < count; i++)
		report_append(list, "%s%s", i ? ", " : "", names[i]);
	if (count)
		return err_set(e, EINVAL, "explain: unknown name \"%s\"; did you mean %s?", shown,
			       list);
	return err_set(e, EINVAL, "explain: unknown name \"%s\"; epolltune list prints the names",
		       shown);
}

/* Appends what a text is the name of, or else what its most specific pattern belongs to. */
static bool topic_append(const struct explainer *x, const char *text, json_t *topics)
{
	struct topic_hit hits[1 + ALSO_MAX] = {{0}};
	size_t count = 1;
	hits[0].kind = topic_find(text, &hits[0].at);
	if (!hits[0].kind)
		count = recognise(x->recogniser, text, hits, 1 + ALSO_MAX);
	if (!count)
		return false;
	json_t *topic = hits[0].kind->describe(hits[0].at, x->host), *also = json_array();
	for (size_t i = 1; i < count; i++)
		json_array_append_new(also, json_string(hits[i].kind->name_at(hits[i].at)));
	json_object_set_new(topic, "also", also);
	json_array_append_new(topics, topic);
	return true;
}

/* Each word by itself where all are known; otherwise they are one text. */
static int topics_collect(const struct explainer *x, json_t *topics, char **words, int count,
			  struct err *e)
{
	CLEAN(free_pointer) char *whole = calloc(1, TEXT_MAX), *text = calloc(1, TEXT_MAX);
	bool all = true;
	if (!whole || !text)
		return err_set(e, ENOMEM, "explain: out of memory");
	for (int i = 0; i < count; i++) {
		report_append_to(whole, TEXT_MAX, "%s%s", i ? " " : "", words[i]);
		text_clean(text, TEXT_MAX, words[i], strlen(words[i]));
		all = all && topic_append(x, text, topics);
	}
	if (all)
		return 0;
	json_array_clear(topics);
	text_clean(text, TEXT_MAX, whole, strlen(whole));
	return topic_append(x, text, topics) ? 0 : unknown(x, text, e);
}

/* What is piped in, as one text; "" at a terminal. */
static int input_read(char *text, struct err *e)
{
	size_t used = 0;
	CLEAN(free_pointer) char *bytes = malloc(TEXT_MAX);
	*text = 0;
	if (!bytes)
		return err_set(e, ENOMEM, "explain: out of memory");
	while (used < TEXT_MAX && !isatty(STDIN_FILENO)) {
		ssize_t got = read(STDIN_FILENO, bytes + used, TEXT_MAX - used);
		if (got < 0 && errno != EINTR)
			return err_errno(e, "explain: standard input");
		if (got == 0)
			break;
		used += got > 0 ? (size_t)got : 0;
	}
	text_clean(text, TEXT_MAX, bytes, used);
	return 0;
}

struct arguments {
	bool json;
	const char *root, *log;
};

static int explain_words(const struct explainer *x, const struct given *given, json_t *topics,
			 struct err *e)
{
	char input[TEXT_MAX], *text = input;
	bool piped = !given->count || (given->count == 1 && !strcmp(given->operands[0], "-"));
	if (!piped)
		return topics_collect(x, topics, given->operands, given->count, e);
	if (input_read(input, e) < 0)
		return -e->code;
	if (!*input)
		return err_set(e, EINVAL,
			       "explain: missing NAME or TEXT; epolltune list prints the names");
	return topics_collect(x, topics, &text, 1, e);
}

static int explain(void *arguments, const struct given *given)
{
	const struct arguments *a = arguments;
	struct err e = {0};
	CLEAN(host_closep) struct host *h = NULL;
	CLEAN(recogniser_closep) struct recogniser *r = NULL;
	CLEAN(json_decrefp) json_t *topics = NULL;
	CLEAN(json_decrefp) json_t *log = NULL;
	if (a->log && given_check(given, 0, &e) < 0)
		return command_error(&e);
	if (a->log || a->root)
		command_confine(a->root);
	if (host_open(&h, a->root ? a->root : "/", &e) < 0)
		return command_error(&e);
	topics = a->log ? explain_log(a->log, h, &log, &e) : json_array();
	if (!topics)
		return command_error(&e);
	if (!a->log && (recogniser_open(&r, false, &e) < 0 ||
			explain_words(&(struct explainer){r, h}, given, topics, &e) < 0))
		return command_error(&e);
	return topics_print(topics, log, a->json, &e) < 0 ? command_error(&e) : EXIT_OK;
}

static const struct arguments defaults;
static const struct option_row options[] = {
	{"log", "FILE", "list the symptoms in a log; - is standard input",
	 OPTION_AT(struct arguments, log), TEXT_OF(FILES)},
	FORMAT_OPTION(OPTION_AT(struct arguments, json)),
	SYSROOT_OPTION(OPTION_AT(struct arguments, root)),
	{0},
};

const struct command explain_command = {
	.name = "explain",
	.arguments = "[NAME ... | TEXT]",
	.summary = "Explain a name, an error, or a line of a log or configuration",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.run = explain,
};
