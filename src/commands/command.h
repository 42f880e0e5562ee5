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
	/* Choices, comma separated; "@targets", "@probes", "@walls", "@knobs", "@findings",
	 * "@myths", "@topics", "@commands" for lists that the program holds (values.c); "@files",
	 * "@directories" and NULL are not checked. */
	const char *values;
	const char *help; /* one line */
};

struct command {
	const char *name;
	const char *arguments;            /* "KNOB|FINDING", "" if none */
	const char *summary;              /* one line, no full stop */
	const struct option_row *options; /* ends with a NULL name */
	/* argv[0] is the command's name. Returns an exit_status; errors already printed by
	 * command_error(). */
	int (*run)(int argc, char **argv);
};

extern const struct command command_table[];
extern const size_t command_table_size;
const struct command *command_find(const char *name);

/* The whole program but for its streams: finds the command and runs it. Returns an exit_status. */
int command_main(int argc, char **argv);

/* "epolltune: TEXT", one line on standard error. Returns EXIT_UNKNOWN. */
int command_error(const struct err *e);

/* Walks the options of one command: long options only, "--name value" or "--name=value", before,
 * between or behind the operands; "--" ends them, --help asks for the command's help.
 *
 *	struct options o = options_begin(command, argc, argv);
 *	while ((row = options_next(&o, &value, &e)))
 *		…compare row->name…
 *	if (e.code) return command_error(&e);
 *	if (o.help) return command_help(o.command);
 *	operands: argv[o.next] … (argv is put in that order)
 *
 * An option whose argument ends in ",…" takes a comma separated list. Refused by name: unknown
 * options (with the nearest known one), a missing or an unwanted argument, a value outside
 * `values`, an option given twice, an operand where the command has none. */
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

/* Calls each(value, arg) for every value of a list such as "text,json" or "@knobs", until it
 * returns non-zero, which is passed on. Returns 0 otherwise. */
int values_each(const char *values, int (*each)(const char *value, void *arg), void *arg);
/* Whether the values are known, so that others can be refused. */
int values_closed(const char *values);
/* The values of the word that stands for an operand: "KNOB", "FINDING", "COMMAND"; NULL if free. */
const char *values_of_operand(const char *word);
/* Finds the value that looks most like `text`, for "did you mean". Returns 0 when none comes close.
 */
#define VALUE_SIZE 64
int values_nearest(const char *values, const char *text, char nearest[VALUE_SIZE]);

/* Whether to write colour to standard output: "auto" (a terminal, NO_COLOR unset or empty, TERM not
 * dumb), "always", "never". */
int color_wanted(const char *when);

int command_bench(int argc, char **argv);
int command_load(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_check(int argc, char **argv);
int command_help_command(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_list(int argc, char **argv);
int command_apply(int argc, char **argv);
int command_confirm(int argc, char **argv);
int command_rollback(int argc, char **argv);
int command_history(int argc, char **argv);
int command_diff(int argc, char **argv);
int command_path(int argc, char **argv);
int command_version(int argc, char **argv);
int command_completion(int argc, char **argv);

#endif
