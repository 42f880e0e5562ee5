/* Prints the help of commands. */
#include "commands/command.h"

#include <stdio.h>
#include <string.h>

#include "epolltune/list.h"
#include "epolltune/quantity.h"
#include "report/page.h"
#include "report/utf8.h"

#define HELP_WIDTH 80
#define HELP_COLUMN 22 /* of the text of an option */

int commands_help(void)
{
	printf("Usage: epolltune COMMAND [options]\n\n"
	       "Finds the kernel and process limits of an epoll server by experiment, and\n"
	       "proposes values for a target load.\n\nCommands:\n");
	for (size_t i = 0; i < command_count(); i++)
		printf("  %-12s %s\n", command_at(i)->name, command_at(i)->summary);
	printf("\nRun 'epolltune COMMAND --help' for options; see epolltune(1).\n"
	       "Exit status: 0 ok, 1 warning, 2 critical, 3 unknown: an error, or no verdict.\n");
	return EXIT_OK;
}

/* "text (default), json or csv", after what the help says already. */
static void append_choices(char text[HELP_TEXT], const char *values, const char *standard)
{
	struct list_item item;
	size_t at = strlen(text);
	const char *before = at ? ": " : "";
	while (list_next(&values, &item) && at < HELP_TEXT) {
		at += (size_t)snprintf(text + at, HELP_TEXT - at, "%s%.*s%s", before, item.length,
				       item.text,
				       list_item_is(&item, standard) ? " (default)" : "");
		before = values && strchr(values, ',') ? ", " : " or ";
	}
}

/* The default of an option as an operator writes it; "" for 0 and NULL. */
static void default_text(const struct command *c, const struct option_row *row, char *text,
			 size_t size)
{
	text[0] = 0;
	if (!c->defaults || row->kind == OPTION_FLAG || row->parse)
		return;
	if (row->kind == OPTION_TEXT || row->kind == OPTION_LIST) {
		const char *standard;
		memcpy(&standard, (const char *)c->defaults + row->field, sizeof(standard));
		snprintf(text, size, "%s", standard ? standard : "");
		return;
	}
	uint64_t number = option_number(row, c->defaults);
	struct list_item item = {"", 0};
	const char *values = row->kind == OPTION_CHOICE ? row->values.words : NULL;
	for (uint64_t i = 0; i <= number && list_next(&values, &item); i++)
		;
	if (row->kind == OPTION_CHOICE)
		snprintf(text, size, "%.*s", item.length, item.text);
	else if (number)
		quantity_word(text, size, (enum quantity_kind)row->kind, number);
}

char *option_help(const struct command *c, const struct option_row *row, char text[HELP_TEXT])
{
	char standard[128];
	snprintf(text, HELP_TEXT, "%s", row->help);
	if (row->explained)
		return text;
	default_text(c, row, standard, sizeof(standard));
	if (row->kind != OPTION_LIST && row->values.words)
		append_choices(text, row->values.words, standard);
	else if (standard[0])
		snprintf(text, HELP_TEXT, "%s (%s)", row->help, standard);
	return text;
}

static void print_option(const char *name, const char *argument, const char *text)
{
	char left[64];
	const struct render_style style = render_style_for(stdout, "never");
	struct page p = page_open(stdout, &style);
	p.width = HELP_WIDTH;
	page_text(&p, left, sizeof(left), "--%s%s%s", name, argument ? " " : "",
		  argument ? argument : "");
	size_t columns = utf8_length(left);
	int blanks = columns + 3 < HELP_COLUMN ? HELP_COLUMN - 2 - (int)columns : 1;
	printf("  %s%*s", left, blanks, "");
	page_labelled(&p, 2 + columns + (size_t)blanks, HELP_COLUMN, text);
}

struct words {
	char text[HELP_WIDTH];
	size_t used; /* length of all words, even if they do not fit */
};

static int word_add(const char *word, void *arg)
{
	struct words *w = arg;
	size_t before = w->used;
	w->used += strlen(word) + (before ? 2 : 0);
	if (w->used < sizeof(w->text))
		snprintf(w->text + before, sizeof(w->text) - before, "%s%s", before ? ", " : "",
			 word);
	return 0;
}

/* Print the values of an operand if they fit on one line. */
static void print_operand(const char *arguments)
{
	char word[VALUE_SIZE];
	arguments += strspn(arguments, "[");
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(arguments, "]|. "), arguments);
	struct values values = values_of_operand(word);
	struct words w = {0};
	if (values_listed(values) && arguments[strlen(word)] != '|')
		values_each(values, word_add, &w);
	if (w.used && strlen(word) + 2 + w.used < sizeof(w.text))
		printf("%s: %s\n\n", word, w.text);
}

int command_help(const struct command *c)
{
	char text[HELP_TEXT];
	printf("Usage: epolltune %s%s%s%s\n\n%s.\n\n", c->name,
	       c->options[0].name ? " [options]" : "", c->arguments[0] ? " " : "", c->arguments,
	       c->summary);
	print_operand(c->arguments);
	printf("Options%s:\n", c->options[0].name ? " (defaults in parentheses)" : "");
	for (const struct option_row *row = c->options; row->name; row++)
		print_option(row->name, row->argument, option_help(c, row, text));
	print_option("help", NULL, "print this help");
	/* epolltune(1) describes commands without options. */
	printf("\nSee epolltune%s%s(1).\n", c->options[0].name ? "-" : "",
	       c->options[0].name ? c->name : "");
	return EXIT_OK;
}

static int help(void *arguments, const struct given *given)
{
	if (!given->count)
		return commands_help();
	const struct command *c = command_require(given->operands[0]);
	return c ? command_help(c) : EXIT_UNKNOWN;
}

const struct command help_command = {
	.name = "help",
	.arguments = "[COMMAND]",
	.summary = "Print the list of commands, or the help of one",
	.options = no_options,
	.run = help,
};
