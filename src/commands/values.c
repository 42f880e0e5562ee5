#include "commands/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/metrics.h"
#include "catalogue/similar.h"
#include "commands/saved_target.h"
#include "epolltune/catalogue.h"
#include "epolltune/knob.h"
#include "epolltune/list.h"
#include "epolltune/probe.h"
#include "epolltune/target.h"
#include "topics/topic.h"

typedef int (*each_function)(const char *value, void *arg);

static const char *command_name(size_t i) { return command_at(i)->name; }
static const char *bench_name(size_t i) { return bench_at(i)->name; }
static const char *probe_name(size_t i) { return probe_at(i)->name; }
static const char *knob_name(size_t i) { return knob_at(i)->name; }
static const char *kind_name(size_t i) { return topic_kinds[i].plural; }
static size_t kind_count(void) { return topic_kind_count; }

static const char *finding_name(size_t i) { return finding_row_at(i)->id; }

static int names_each(size_t count, const char *(*name_at)(size_t i), each_function each, void *arg)
{
	int status = 0;
	for (size_t i = 0; i < count && !status; i++)
		status = each(name_at(i), arg);
	return status;
}

static int topics_each(each_function each, void *arg)
{
	int status = 0;
	for (size_t k = 0; k < topic_kind_count && !status; k++)
		status = names_each(topic_kinds[k].count(), topic_kinds[k].name_at, each, arg);
	return status;
}

static int targets_each(each_function each, void *arg)
{
	int status = values_each(values_words(target_presets()), each, arg);
	return status ? status : saved_target_names(each, arg);
}

static const struct value_list {
	const char *name, *one; /* "knobs" and "knob" in messages */
	const char *operand;    /* the word for it in a command's arguments */
	size_t (*count)(void);
	const char *(*name_at)(size_t i);
	int (*each)(each_function each, void *arg); /* instead of both */
	bool open;                                  /* others are valid too */
} lists[] = {
	[VALUES_COMMANDS] = {"commands", "command", "COMMAND", command_count, command_name, NULL,
			     false},
	[VALUES_PROBES] = {"probes", "probe", "PROBE", probe_count, probe_name, NULL, false},
	[VALUES_KNOBS] = {"knobs", "knob", "KNOB", knob_count, knob_name, NULL, false},
	[VALUES_FINDINGS] = {"findings", "finding", "FINDING", finding_row_count, finding_name,
			     NULL, true},
	[VALUES_BENCHES] = {"benches", "bench", "BENCH", bench_count, bench_name, NULL, false},
	[VALUES_KINDS] = {"kinds", "kind", "KIND", kind_count, kind_name, NULL, false},
	[VALUES_TOPICS] = {"topics", "topic", "NAME", .each = topics_each},
	[VALUES_TARGETS] = {"targets", "target", "TARGET", .each = targets_each, .open = true},
};
#define LISTS (sizeof(lists) / sizeof(lists[0]))

bool values_listed(struct values values)
{
	return values.set == VALUES_WORDS ? values.words != NULL : lists[values.set].name != NULL;
}

bool values_closed(struct values values)
{
	return values_listed(values) && !lists[values.set].open;
}

int values_each(struct values values, each_function each, void *arg)
{
	const struct value_list *l = &lists[values.set];
	if (l->name)
		return l->each ? l->each(each, arg) : names_each(l->count(), l->name_at, each, arg);
	struct list_item item;
	int status = 0;
	while (values.words && !status && list_next(&values.words, &item)) {
		char value[VALUE_SIZE];
		snprintf(value, sizeof(value), "%.*s", item.length, item.text);
		status = each(value, arg);
	}
	return status;
}

static int same(const char *value, void *text) { return strcmp(value, text) == 0; }

bool values_have(struct values values, const char *text)
{
	char copy[128];
	if (values.set == VALUES_KNOBS)
		return knob_find(text) != NULL;
	return (size_t)snprintf(copy, sizeof(copy), "%s", text) < sizeof(copy) &&
	       values_each(values, same, copy);
}

struct values values_of_operand(const char *word)
{
	for (size_t i = 0; i < LISTS; i++)
		if (lists[i].operand && strcmp(lists[i].operand, word) == 0)
			return (struct values){(enum value_set)i, NULL};
	return values_words(NULL);
}

struct nearest_search {
	const char *text;
	char *nearest;
	unsigned similar;
};

static int compare(const char *value, void *arg)
{
	struct nearest_search *s = arg;
	unsigned alike = similar(value, s->text);
	if (alike > s->similar) {
		s->similar = alike;
		strcpy(s->nearest, value);
	}
	return 0;
}

bool values_nearest(struct values values, const char *text, char nearest[VALUE_SIZE])
{
	struct nearest_search s = {text, nearest, 0};
	values_each(values, compare, &s);
	return s.similar > 0;
}

#define KNOWN 256
/* Non-zero: no room for all. */
static int append_value(const char *value, void *text)
{
	size_t used = strlen(text);
	return (size_t)snprintf((char *)text + used, KNOWN - used, "%s%s", used ? ", " : "",
				value) >= KNOWN - used;
}

int values_unknown(const char *option, struct values values, const char *text, struct err *e)
{
	const struct value_list *l = &lists[values.set];
	char known[KNOWN] = "", dots[VALUE_SIZE], nearest[VALUE_SIZE];
	snprintf(dots, sizeof(dots), "%s", text);
	for (char *c = dots; values.set == VALUES_KNOBS && (c = strchr(c, '/'));)
		*c = '.';
	if (l->name && values_nearest(values, dots, nearest))
		return err_set(e, EINVAL, "--%s: unknown %s \"%.100s\"; did you mean %s?", option,
			       l->one, text, nearest);
	if (!values_each(values, append_value, known))
		return err_set(e, EINVAL, "--%s: \"%.100s\" is not one of %s", option, text, known);
	return err_set(e, EINVAL, "--%s: unknown %s \"%.100s\"; see epolltune list %s", option,
		       l->one, text, l->name);
}
