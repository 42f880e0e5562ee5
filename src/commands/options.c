/* Parses options into the fields of their rows. */
#include "commands/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/list.h"

const struct option_row no_options[] = {{0}};

/* A command line as far as it is read. */
struct options {
	const struct command *command;
	int argc;
	char **argv;
	int next;
	bool help;
	uint64_t seen;
};

/* Move `count` words from position `from` to o->next, and advance o->next past them. */
static void bring_forward(struct options *o, int from, int count)
{
	for (int i = 0; i < count; i++) {
		char *word = o->argv[from + i];
		memmove(&o->argv[o->next + 1], &o->argv[o->next],
			(size_t)(from + i - o->next) * sizeof(*o->argv));
		o->argv[o->next++] = word;
	}
}

static int unknown_option(const struct command *c, const char *word, struct err *e)
{
	char names[1024] = "help", name[VALUE_SIZE], nearest[VALUE_SIZE];
	size_t used = strlen(names);
	for (const struct option_row *row = c->options; row->name && used < sizeof(names); row++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, ",%s", row->name);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	if (strncmp(name, "--", 2) == 0 && values_nearest(values_words(names), name + 2, nearest))
		return err_set(e, EINVAL, "%s: unknown option \"%s\"; did you mean --%s?", c->name,
			       name, nearest);
	return err_set(e, EINVAL, "%s: unknown option \"%s\"; see epolltune %s --help", c->name,
		       name, c->name);
}

static int check_value(const struct option_row *row, const char *text, struct err *e)
{
	const char *list = text;
	struct list_item item;
	while (list_next(&list, &item)) {
		char value[128];
		if (row->kind != OPTION_LIST) {
			item = (struct list_item){text, (int)strlen(text)};
			list = NULL;
		}
		snprintf(value, sizeof(value), "%.*s", item.length, item.text);
		if ((size_t)item.length >= sizeof(value) || !values_have(row->values, value))
			return values_unknown(row->name, row->values, value, e);
	}
	return 0;
}

/* Find the row of a word, "--name" or "--name=value"; NULL: it is no option. */
static const struct option_row *row_of(const struct command *c, const char *word)
{
	if (!strcmp(word, "-o")) /* as everywhere */
		word = "--output";
	size_t length = strcspn(word, "=");
	for (const struct option_row *row = c->options; row->name; row++)
		if (length == strlen(row->name) + 2 && strncmp(word, "--", 2) == 0 &&
		    strncmp(word + 2, row->name, length - 2) == 0)
			return row;
	return NULL;
}

/* The same for a row that is not given yet; NULL with e set. */
static const struct option_row *row_find(struct options *o, const char *word, struct err *e)
{
	const struct option_row *row = row_of(o->command, word);
	if (!row) {
		unknown_option(o->command, word, e);
		return NULL;
	}
	uint64_t bit = UINT64_C(1) << (row - o->command->options);
	if (o->seen & bit) {
		err_set(e, EINVAL, "--%s: given twice", row->name);
		return NULL;
	}
	o->seen |= bit;
	return row;
}

/* Takes the next option; NULL at the end, at --help and at an error. */
static const struct option_row *options_next(struct options *o, const char **value, struct err *e)
{
	int at = o->next;
	while (at < o->argc && (o->argv[at][0] != '-' || o->argv[at][1] == 0))
		at++;
	*value = NULL;
	if (at == o->argc || strcmp(o->argv[at], "--") == 0) {
		if (at < o->argc)
			bring_forward(o, at, 1);
		if (o->next < o->argc && o->command->arguments[0] == 0)
			err_set(e, EINVAL, "%s: unexpected argument \"%s\"", o->command->name,
				o->argv[o->next]);
		return NULL;
	}
	const char *word = o->argv[at];
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		o->help = true;
		return NULL;
	}
	const struct option_row *row = row_find(o, word, e);
	if (!row)
		return NULL;
	const char *equals = strchr(word, '=');
	int words = 1;
	if (!row->argument && equals) {
		err_set(e, EINVAL, "--%s: takes no argument", row->name);
		return NULL;
	}
	if (row->argument && equals) {
		*value = equals + 1;
	} else if (row->argument) {
		if (at + 1 == o->argc || strncmp(o->argv[at + 1], "--", 2) == 0) {
			err_set(e, EINVAL, "--%s: missing argument %s", row->name, row->argument);
			return NULL;
		}
		*value = o->argv[at + 1];
		words = 2;
	}
	if (*value && !**value && row->kind == OPTION_TEXT && !row->parse) {
		err_set(e, EINVAL, "--%s needs %s: it is empty", row->name, row->argument);
		return NULL;
	}
	if (*value && values_closed(row->values) && check_value(row, *value, e))
		return NULL;
	bring_forward(o, at, words);
	return row;
}

static void store(void *field, size_t size, uint64_t number)
{
	if (size == sizeof(uint8_t))
		*(uint8_t *)field = (uint8_t)number;
	else if (size == sizeof(uint16_t))
		*(uint16_t *)field = (uint16_t)number;
	else if (size == sizeof(uint32_t))
		*(uint32_t *)field = (uint32_t)number;
	else
		*(uint64_t *)field = number;
}

static uint64_t position(const char *values, const char *value)
{
	struct list_item item;
	uint64_t i = 0;
	while (list_next(&values, &item) && !list_item_is(&item, value))
		i++;
	return i;
}

static int number_store(const struct option_row *row, const char *value, void *field, struct err *e)
{
	char name[VALUE_SIZE];
	uint64_t number;
	snprintf(name, sizeof(name), "--%s", row->name);
	int rc = quantity_parse(name, (enum quantity_kind)row->kind, value, row->min, row->max,
				&number, e);
	if (!rc)
		store(field, row->size, number);
	return rc;
}

static int option_store(const struct option_row *row, const char *value, void *arguments,
			struct err *e)
{
	void *field = (char *)arguments + row->field;
	if (row->parse)
		return row->parse(value, field, e);
	switch (row->kind) {
	case OPTION_FLAG:
		store(field, row->size, true);
		return 0;
	case OPTION_CHOICE:
		store(field, row->size, position(row->values.words, value));
		return 0;
	case OPTION_TEXT:
	case OPTION_LIST:
		memcpy(field, &value, sizeof(value));
		return 0;
	default:
		return number_store(row, value, field, e);
	}
}

int option_take(const struct option_row *row, const char *value, void *arguments, struct err *e)
{
	int rc = values_closed(row->values) ? check_value(row, value, e) : 0;
	return rc ? rc : option_store(row, value, arguments, e);
}

int options_parse(const struct command *c, int argc, char **argv, void *arguments,
		  struct given *given, struct err *e)
{
	struct options o = {.command = c, .argc = argc, .argv = argv, .next = 1};
	const char *values[64] = {NULL}, *value;
	const struct option_row *row;
	e->code = 0;
	while ((row = options_next(&o, &value, e)))
		values[row - c->options] = value ? value : "";
	*given = (struct given){c, argc - o.next, argv + o.next, argc, argv, o.seen, o.help};
	if (e->code || o.help)
		return -e->code;
	for (size_t i = 0; c->options[i].name; i++)
		if (values[i] && option_store(&c->options[i], values[i], arguments, e))
			return -e->code;
	return 0;
}

bool given_option(const struct given *given, const char *name)
{
	const struct option_row *rows = given->command->options;
	for (size_t i = 0; rows[i].name; i++)
		if (given->rows >> i & 1 && !strcmp(rows[i].name, name))
			return true;
	return false;
}

int given_repeatable(const struct given *given, char **words)
{
	int count = 0, options = given->argc - given->count;
	for (int i = 0, taken; i < given->argc; i += taken) {
		char **word = &given->argv[i];
		const struct option_row *row = i < options ? row_of(given->command, *word) : NULL;
		taken = row && row->argument && !strchr(*word, '=') ? 2 : 1;
		for (int k = 0; k < taken && !(row && row->writes); k++)
			words[count++] = word[k];
	}
	return count;
}

int given_check(const struct given *given, int max, struct err *e)
{
	if (given->count <= max)
		return 0;
	return err_set(e, EINVAL, "%s: unexpected argument \"%.100s\"", given->command->name,
		       given->operands[max]);
}
