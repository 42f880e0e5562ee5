/* effects: what the lines of a file of sysctls change for a target. They are laid over the values
 * of this machine, and the experiments of check run with them. */
#pragma once

#include "check/check.h"
#include "epolltune/knob.h"
#include "epolltune/sysctls.h"
#include "lint/lint.h"

struct wall_effect {
	struct wall before, after;
	bool better;
};

#define EFFECT_WALLS 8
enum effect_kind { EFFECT_NONE, EFFECT_GAINS, EFFECT_HARMS, EFFECT_UNTESTED };
const char *effect_name(enum effect_kind kind); /* "no effect here" … */

struct effect {
	size_t count;
	struct wall_effect walls[EFFECT_WALLS]; /* that change */
	const char *differs; /* a wall that changed in one of two runs only; NULL: none */
};
/* Harms, if it harms one of them; untested, if none changed in both runs. */
enum effect_kind effect_kind(const struct effect *x);

struct line_effect {
	const char *file; /* of the lint */
	unsigned line;
	size_t side;            /* 1: of the first file, 2: of the other one */
	unsigned winner;        /* the line that overrides or excludes it; 0: none */
	unsigned refused_after; /* because of what that line sets; 0: of none */
	bool excluded;          /* by the winner */
	char name[SYSCTL_NAME], value[SYSCTL_D_VALUE];
	const struct knob *knob; /* NULL: none of the catalogue's */
	enum { LINE_LEFT_OUT, LINE_IN_LAB, LINE_INSPECTED } way;
	probe_set probes; /* whose experiments depend on it */
	enum effect_kind kind;
	char why[400]; /* of "no effect here" and "not testable here": a clause */
	struct effect effect;
};

/* Reports of the machine as it is, with the first file, and with the other one. */
enum { SIDE_NOW, SIDE_FILE, SIDE_OTHER, SIDES };

struct effects {
	struct line_effect *lines;
	size_t count;
	const char *files[SIDES];
	struct effect together[SIDES];
	struct report *measured[SIDES], *inspected[SIDES]; /* NULL: no such line */
};
void effects_free(struct effects *s);
/* Adds the values that a lint has kept, in the order of their lines. -EINVAL: there is none. */
int effects_add(struct effects *s, const struct lint *l, size_t side, const char *file,
		struct err *e);
/* Tries the lines, each alone and all of a file together: one check of the machine as it is, one
 * for all lines, and one for each group of lines that share no probe. What seems to have an effect
 * on a figure that differs between runs is tried twice. */
int effects_measure(struct effects *s, const struct check_options *o, struct err *e);
/* The same of lines of which is known how they can be tried, by such a check_run(). */
typedef int effects_check(const struct check_options *o, struct report *out, struct err *e);
int effects_try(struct effects *s, const struct check_options *o, effects_check *check,
		struct err *e);
/* The lines of a file that set something, and those of which it is known what they do together. */
struct effects_count {
	size_t lines, tried;
};
struct effects_count effects_count(const struct effects *s, size_t side);
/* Of all lines of a file: untested too where none of them could be tried. */
enum effect_kind effects_together(const struct effects *s, size_t side);
/* An exit_status: EXIT_WARNING a line or a whole file harms, EXIT_CRITICAL a wall becomes short,
 * EXIT_UNKNOWN no line could be tried. */
int effects_status(const struct effects *s);
/* Wall i of those that lines of the files concern; NULL beyond the last. */
const struct wall *effects_wall(const struct effects *s, size_t i, size_t side);
