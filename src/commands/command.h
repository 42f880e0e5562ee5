/* command: the commands and their options as data. Dispatch, parsing, --help, completion and the
 * tests of the manual pages use the rows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalogue/similar.h"
#include "epolltune/err.h"
#include "epolltune/exit_status.h"
#include "options/option.h"
#include "report/render.h"

/* clang-format off */
/* Rows of several commands. `at`: the OPTION_AT() of their field. */
#define FORMAT_OPTION(at) {"format", "FORMAT", "", at, CHOICE(RENDER_FORMATS)} /* bool json */
#define COLOR_OPTION(at) {"color", "WHEN", "colour output", at, TEXT("auto,always,never")}
#define OUTPUT_OPTION(what, at) \
	{"output", "FILE", "write the " what " to FILE, atomically", at, TEXT_OF(FILES), .writes = true}
#define SYSROOT_OPTION(at) \
	{"sysroot", "PATH", "read a captured machine: a capture, sosreport or directory", at, \
	 TEXT_OF(FILES), .run = RUN_EXCLUDED}
#define IN_PLACE_OPTION(at) \
	{"in-place", NULL, "use this namespace's loopback, not a private lab", at, FLAG, .run = RUN_EXCLUDED}
/* clang-format on */

/* A command line. */
struct given {
	const struct command *command;
	int count;
	char **operands;
	int argc; /* all words, from the command on; options before operands */
	char **argv;
	uint64_t rows; /* bit i: row i was given */
	bool help;
};

struct command {
	const char *name;
	const char *arguments;            /* "ADDRESS:PORT", "[RUN]", "" if none */
	const char *summary;              /* one line, no full stop */
	const struct option_row *options; /* ends with a NULL name; at most 64 */
	const void *defaults;             /* the struct of the options' fields; NULL: no options */
	size_t size;                      /* of that struct */
	bool resolves;                    /* prints or ends unfinished runs itself */
	/* Gets a copy of the defaults with what was given. Prints its own errors with
	 * command_error(). Returns an exit_status. */
	int (*run)(void *arguments, const struct given *given);
};

/* The commands in the order of commands.def. */
size_t command_count(void);
const struct command *command_at(size_t i);
/* NULL, with a printed error, if there is no such command. */
const struct command *command_require(const char *name);
#define COMMAND(name) extern const struct command name##_command;
#include "commands/commands.def"
#undef COMMAND
extern const struct option_row no_options[];

/* Find the command and run it. Returns an exit_status. */
int command_main(int argc, char **argv);

/* Print "epolltune: TEXT" to standard error. Returns EXIT_UNKNOWN. */
int command_error(const struct err *e);
/* confine_to_reading(); prints a warning where nothing confines this process. */
void command_confine(const char *root);

/* The style of output to a file or, for NULL, to standard output. */
struct render_style command_style(const char *output, const char *color);

/* Parse the options of one command: "--name value" or "--name=value", before, between or after the
 * operands; "--" ends them, --help sets given->help. Writes what was given into the fields, in the
 * order of the rows. Reorders argv. Errors: an unknown option (with the nearest known one), a
 * missing or unexpected argument, a value outside the bounds or `values`, an option given twice, an
 * operand where the command has none. */
int options_parse(const struct command *c, int argc, char **argv, void *arguments,
		  struct given *given, struct err *e);
/* Writes the value of one option into its field, with the same checks. */
int option_take(const struct option_row *row, const char *value, void *arguments, struct err *e);
bool given_option(const struct given *given, const char *name);
/* The words after the command without the options that write files; `words` holds as many as
 * given->argc. Returns their number. */
int given_repeatable(const struct given *given, char **words);
/* Refuses more than `max` operands. */
int given_check(const struct given *given, int max, struct err *e);

/* The help of an option with its default and values. Returns `text`. */
#define HELP_TEXT 256
char *option_help(const struct command *c, const struct option_row *row, char text[HELP_TEXT]);
/* Print the list of commands. Returns EXIT_OK. */
int commands_help(void);
/* Print the help of one command. Returns EXIT_OK. */
int command_help(const struct command *c);

/* Call each(value, arg) for every value until it returns non-zero. Returns the last result. */
int values_each(struct values values, int (*each)(const char *value, void *arg), void *arg);
/* True if there is a list to offer. */
bool values_listed(struct values values);
/* True if the list is complete, so that other values are errors. */
bool values_closed(struct values values);
/* Whether a list has the value; a knob also with slashes, or with the "@NAME" of an interface. */
bool values_have(struct values values, const char *text);
/* Sets the error for a value of --OPTION that the list does not have: the most similar one, or
 * what there is. */
int values_unknown(const char *option, struct values values, const char *text, struct err *e);
/* The values of an operand such as "KNOB" or "COMMAND"; not listed if it is free text. */
struct values values_of_operand(const char *word);
/* Find the value most similar to `text`, for "did you mean". Returns false if none is close. */
#define VALUE_SIZE SIMILAR_MAX
bool values_nearest(struct values values, const char *text, char nearest[VALUE_SIZE]);
