/* command: one row a command; dispatch, --help, completion and the check of the manuals' synopses
 * all follow the table in command.c. */
#ifndef EPOLLTUNE_COMMAND_H
#define EPOLLTUNE_COMMAND_H

#include <stddef.h>

#include "epolltune/err.h"

/* The monitoring plugins' convention. */
enum exit_status { EXIT_OK, EXIT_WARNING, EXIT_CRITICAL, EXIT_UNKNOWN };

struct option_row {
	const char *name;     /* "connections", without dashes */
	const char *argument; /* "N", "TIME"; NULL: a flag */
	const char *values;   /* choices for completion, comma separated; "@probes", "@knobs", "@findings",
	                         "@files", "@directories" for lists made by the program; NULL: free */
	const char *help;     /* one line */
};

struct command {
	const char *name;
	const char *arguments; /* "KNOB|FINDING", "" if none */
	const char *summary;   /* one line, no full stop */
	const struct option_row *options; /* ends with a NULL name */
	/* argv[0] is the command's name. Returns an exit_status; errors already printed by
	 * command_error(). */
	int (*run)(int argc, char **argv);
};

extern const struct command command_table[];
extern const size_t command_table_size;
const struct command *command_find(const char *name);

/* "epolltune: TEXT", one line on standard error. Returns EXIT_UNKNOWN. */
int command_error(const struct err *e);

/* Walks the options of one command: long options only, "--name value" or "--name=value", "--" ends
 * them, --help prints the command's help.
 *
 *	struct options o = options_begin(command, argc, argv);
 *	while ((row = options_next(&o, &value, &e)))
 *		…compare row->name…
 *	if (e.code) return command_error(&e);
 *	if (o.help) return command_help(o.command);
 *	operands: argv[o.next] …
 *
 * Refused by name: unknown options (with the nearest known one), a missing or an unwanted argument,
 * a value outside `values`, an option given twice. */
struct options {
	const struct command *command;
	int argc;
	char **argv;
	int next;
	int help;
	unsigned long long seen;
};
struct options options_begin(const char *command, int argc, char **argv);
const struct option_row *options_next(struct options *o, const char **value, struct err *e);
/* Prints the help of one command to standard output. Returns EXIT_OK. */
int command_help(const struct command *c);

/* Whether to write colour to standard output: "auto" (a terminal, NO_COLOR unset or empty, TERM not
 * dumb), "always", "never". */
int color_wanted(const char *when);

int command_check(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_list(int argc, char **argv);
int command_version(int argc, char **argv);
int command_completion(int argc, char **argv);

#endif
