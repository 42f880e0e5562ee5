/* command: the table of commands; dispatch, --help, completion and the test of the manual pages
 * use it. */
#ifndef EPOLLTUNE_COMMAND_H
#define EPOLLTUNE_COMMAND_H

#include <stddef.h>

#include "epolltune/err.h"

/* The monitoring plugins' convention. */
enum exit_status { EXIT_OK, EXIT_WARNING, EXIT_CRITICAL, EXIT_UNKNOWN };

struct option_row {
	const char *name;     /* "connections", without dashes */
	const char *argument; /* "N", "TIME"; NULL: a flag */
	/* Comma-separated choices, or the name of a list in values.c such as "@targets" or
	 * "@knobs". "@files", "@directories" and NULL are not checked. */
	const char *values;
	const char *help; /* one line */
};

struct command {
	const char *name;
	const char *arguments;            /* "ADDRESS:PORT", "[RUN]", "" if none */
	const char *summary;              /* one line, no full stop */
	const struct option_row *options; /* ends with a NULL name */
	/* argv[0] is the command's name. Prints its own errors with command_error(). */
	int (*run)(int argc, char **argv); /* returns an exit_status */
};

extern const struct command command_table[];
extern const size_t command_table_size;
const struct command *command_find(const char *name);

/* Find the command and run it. Returns an exit_status. */
int command_main(int argc, char **argv);

/* Print "epolltune: TEXT" to standard error. Returns EXIT_UNKNOWN. */
int command_error(const struct err *e);

/* Parse the options of one command: "--name value" or "--name=value", before, between or after the
 * operands; "--" ends them, --help sets o.help.
 *
 *	struct options o = options_begin(command, argc, argv);
 *	while ((row = options_next(&o, &value, &e)))
 *		…compare row->name…
 *	if (e.code) return command_error(&e);
 *	if (o.help) return command_help(o.command);
 *	operands: argv[o.next] … (argv is reordered)
 *
 * An option whose argument ends in ",…" takes a comma-separated list. Errors: an unknown option
 * (with the nearest known one), a missing or unexpected argument, a value outside `values`, an
 * option given twice, an operand where the command has none. */
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
/* Print the help of one command. Returns EXIT_OK. */
int command_help(const struct command *c);

/* Call each(value, arg) for every value of a list such as "text,json" or "@knobs", until it returns
 * non-zero. Returns the last result. */
int values_each(const char *values, int (*each)(const char *value, void *arg), void *arg);
/* True if the list is complete, so that other values are errors. */
int values_closed(const char *values);
/* Whether a list has the value; a knob also with slashes, or with the "@NAME" of an interface. */
int values_have(const char *values, const char *text);
/* Sets the error for a value of --OPTION that the list does not have: the most similar one, or
 * what there is. */
int values_unknown(const char *option, const char *values, const char *text, struct err *e);
/* The values of an operand such as "KNOB" or "COMMAND"; NULL if it is free text. */
const char *values_of_operand(const char *word);
/* Find the value most similar to `text`, for "did you mean". Returns 0 if none is close. */
#define VALUE_SIZE 64
int values_nearest(const char *values, const char *text, char nearest[VALUE_SIZE]);

/* Prints the words of `text` in lines of at most `width` columns. The first line continues at
 * column `indent`; the others are indented to it. Counts a byte as a column. */
void print_wrapped(const char *text, size_t indent, size_t width);

/* True if standard output gets colour. `when` is "always", "never" or "auto": on a terminal, unless
 * NO_COLOR is set or TERM is "dumb". */
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
