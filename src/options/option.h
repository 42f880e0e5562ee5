/* option: what an option of a command takes, and the field that it fills, as a row of a table. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/quantity.h"

/* What an option takes, and the type of its field. */
enum option_kind {
	/* A quantity from `min` to `max`; an integer of any size. */
	OPTION_COUNT = QUANTITY_COUNT,
	OPTION_RATE = QUANTITY_RATE,
	OPTION_DURATION = QUANTITY_DURATION,
	OPTION_BANDWIDTH = QUANTITY_BANDWIDTH,
	OPTION_SIZE = QUANTITY_SIZE,
	OPTION_FLAG,   /* nothing; bool */
	OPTION_CHOICE, /* one of `values`; an enum in their order, a bool for two */
	OPTION_TEXT,   /* const char * */
	OPTION_LIST,   /* comma-separated; const char * */
	OPTION_PARSED, /* what `parse` takes and writes */
};

/* Sets of words that options and operands take; values.c has what is in them. */
enum value_set {
	VALUES_WORDS, /* those of struct values */
	VALUES_FILES, /* not checked, like directories and targets */
	VALUES_DIRECTORIES,
	VALUES_COMMANDS,
	VALUES_PROBES,
	VALUES_KNOBS,
	VALUES_FINDINGS,
	VALUES_BENCHES,
	VALUES_KINDS,
	VALUES_TOPICS,
	VALUES_TARGETS,
};

struct values {
	enum value_set set;
	const char *words; /* comma-separated; NULL: any text, or another set */
};

/* How an option of `check` goes with --run. */
enum option_run { RUN_EITHER, RUN_NEEDED, RUN_EXCLUDED };

struct option_row {
	const char *name;     /* "connections", without dashes */
	const char *argument; /* "N", "TIME"; NULL for a flag */
	/* One line. --help appends the default, and the values of a choice or a text. */
	const char *help;
	enum option_kind kind;
	size_t field, size; /* in the struct of the command */
	uint64_t min, max;
	struct values values;
	bool explained; /* `help` has the values and the default */
	bool writes;    /* names a file to write: a repetition of the command must not */
	enum option_run run;
	/* Writes what `kind` cannot; NULL: not needed. */
	int (*parse)(const char *value, void *field, struct err *e);
};

/* clang-format off */
/* The parts of a row, after its help. */
#define OPTION_AT(type, member) \
	.field = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define FLAG .kind = OPTION_FLAG
#define NUMBER(unit, lowest, highest) .kind = OPTION_##unit, .min = (lowest), .max = (highest)
#define CHOICE(names) .kind = OPTION_CHOICE, .values.words = (names)
#define TEXT(names) .kind = OPTION_TEXT, .values.words = (names)
#define TEXT_OF(name) .kind = OPTION_TEXT, .values.set = VALUES_##name
#define LIST(names) .kind = OPTION_LIST, .values.words = (names)
#define LIST_OF(name) .kind = OPTION_LIST, .values.set = VALUES_##name
#define PARSED(function) .kind = OPTION_PARSED, .parse = (function)

enum ip_family { FAMILY_OF_HOST, FAMILY_4, FAMILY_6 };
#define FAMILY_OPTION(at) {"family", "VERSION", "IPv4 or IPv6 in the lab: 4, 6 or auto (default)", at, \
	CHOICE("auto,4,6"), .explained = true}
/* clang-format on */

/* The field of a number or a choice. */
uint64_t option_number(const struct option_row *row, const void *arguments);
/* A list such as "text,json". */
static inline struct values values_words(const char *words)
{
	return (struct values){VALUES_WORDS, words};
}
