/* The table of commands and their dispatch. */
#include "commands/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "host/confine.h"
#include "tune/notice.h"
#include "tune/state.h"

static const struct command *const commands[] = {
#define COMMAND(name) &name##_command,
#include "commands/commands.def"
#undef COMMAND
};

size_t command_count(void) { return sizeof(commands) / sizeof(*commands); }

const struct command *command_at(size_t i) { return commands[i]; }

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < command_count(); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

int command_error(const struct err *e)
{
	/* Flush what can be written; report a write error once. */
	fflush(stdout);
	__fpurge(stdout);
	clearerr(stdout);
	fprintf(stderr, "epolltune: %s\n", e->text);
	return EXIT_UNKNOWN;
}

void command_confine(const char *root)
{
	struct err e;
	if (confine_to_reading(root, &e) < 0)
		fprintf(stderr, "epolltune: warning: files of others are read with %s\n", e.text);
}

struct render_style command_style(const char *output, const char *color)
{
	/* A file is no terminal: no colour in it unless asked for. */
	return render_style_for(stdout, output && !strcmp(color, "auto") ? "never" : color);
}

const struct command *command_require(const char *name)
{
	const struct command *c = command_find(name);
	if (c)
		return c;
	struct err e;
	char nearest[VALUE_SIZE];
	if (values_nearest((struct values){VALUES_COMMANDS, NULL}, name, nearest))
		err_set(&e, EINVAL, "unknown command \"%s\"; did you mean %s?", name, nearest);
	else
		err_set(&e, EINVAL, "unknown command \"%s\"; see epolltune --help", name);
	command_error(&e);
	return NULL;
}

static int command_run(const struct command *c, int argc, char **argv)
{
	CLEAN(free_pointer) void *arguments = calloc(1, c->size + 1);
	struct given given;
	struct err e = {0};
	if (!arguments)
		return err_errno(&e, "cannot read the options"), command_error(&e);
	if (c->defaults)
		memcpy(arguments, c->defaults, c->size);
	if (options_parse(c, argc, argv, arguments, &given, &e))
		return command_error(&e);
	return given.help ? command_help(c) : c->run(arguments, &given);
}

int command_main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: epolltune COMMAND [options]; see epolltune --help\n");
		return EXIT_UNKNOWN;
	}
	const char *name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return commands_help();
	if (strcmp(name, "--version") == 0)
		name = "version";
	if (name[0] == '-') {
		struct err e;
		err_set(&e, EINVAL,
			"unknown option \"%s\" before the command; see epolltune --help", name);
		return command_error(&e);
	}
	const struct command *c = command_require(name);
	if (!c)
		return EXIT_UNKNOWN;
	if (!c->resolves)
		notice_unfinished(STATE_DIR);
	return command_run(c, argc - 1, argv + 1);
}
