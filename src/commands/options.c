#include "commands/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct options options_begin(const char *command, int argc, char **argv)
{
	return (struct options){
		.command = command_find(command),
		.argc = argc,
		.argv = argv,
		.next = 1,
	};
}

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
	if (strncmp(name, "--", 2) == 0 && values_nearest(names, name + 2, nearest))
		return err_set(e, EINVAL, "%s: unknown option \"%s\"; did you mean --%s?", c->name,
			       name, nearest);
	return err_set(e, EINVAL, "%s: unknown option \"%s\"; see epolltune %s --help", c->name,
		       name, c->name);
}

static int check_value(const struct option_row *row, const char *text, struct err *e)
{
	char value[128];
	int list = strstr(row->argument, ",…") != NULL;
	do {
		size_t length = list ? strcspn(text, ",") : strlen(text);
		snprintf(value, sizeof(value), "%.*s", (int)length, text);
		if (length >= sizeof(value) || !values_have(row->values, value))
			return values_unknown(row->name, row->values, value, e);
		text += length;
	} while (*text++ == ',');
	return 0;
}

/* Find the row of a word, "--name" or "--name=value"; NULL with e set. */
static const struct option_row *row_find(struct options *o, const char *word, struct err *e)
{
	size_t length = strcspn(word, "=");
	for (const struct option_row *row = o->command->options; row->name; row++)
		if (length == strlen(row->name) + 2 && strncmp(word, "--", 2) == 0 &&
		    strncmp(word + 2, row->name, length - 2) == 0) {
			unsigned long long bit = 1ULL << (row - o->command->options);
			if (o->seen & bit) {
				err_set(e, EINVAL, "--%s: given twice", row->name);
				return NULL;
			}
			o->seen |= bit;
			return row;
		}
	unknown_option(o->command, word, e);
	return NULL;
}

const struct option_row *options_next(struct options *o, const char **value, struct err *e)
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
		o->help = 1;
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
	if (*value && values_closed(row->values) && check_value(row, *value, e))
		return NULL;
	bring_forward(o, at, words);
	return row;
}
