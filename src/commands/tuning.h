/* tuning: options, errors and output that apply, confirm, rollback and history share. */
#pragma once

#include <stdbool.h>

#include "commands/command.h"
#include "report/page.h"
#include "tune/change.h"
#include "tune/journal.h"
#include "tune/plan_render.h"
#include "tune/state.h"

#define TUNING_OPTION 1200 /* bytes that hold tuning_option() */

struct tuning {
	const char *state_dir;
	bool document; /* prints one document at the end, instead of text as it goes */
	plan_render_function *render; /* of the document; NULL: as JSON */
	const char *color;
	char by[64];
	struct host *host;
	struct change_site site;
	struct render_style style; /* of standard output */
};

/* Writes " --state-dir DIR" if it is not the default, otherwise "": for commands to paste. */
const char *tuning_option(const struct tuning *t, char option[TUNING_OPTION]);

/* clang-format off */
#define TUNING_DEFAULTS {.state_dir = STATE_DIR, .color = "auto"}
/* The options of commands that read or write the journal. */
#define TUNING_OPTIONS(type, tuning) \
	{"state-dir", "DIR", "journal directory", OPTION_AT(type, tuning.state_dir), \
	 TEXT_OF(DIRECTORIES)}, \
	COLOR_OPTION(OPTION_AT(type, tuning.color))
/* clang-format on */

/* Appends, for a user who is not root, the command to run as root: as it was given. Returns
 * -e->code. */
int tuning_as_root(const struct given *given, struct err *e);

/* The number of a run, the only operand that a command has; unchanged if there is none. */
int tuning_run(const struct tuning *t, const struct given *given, uint64_t *run, struct err *e);
int tuning_open(struct tuning *t, struct err *e);
void tuning_close(struct tuning *t);

/* For a missing journal (*e): returns 0 for the default directory, as nothing was changed; an error
 * for a directory of --state-dir, as its name may be wrong. */
int tuning_absent(const struct tuning *t, struct err *e);
/* The error for a RUN that the journal does not have; `absent`: there is no journal. */
int tuning_no_run(const struct tuning *t, uint64_t run, bool absent, struct err *e);
/* Checks the form and the knobs of a --set, NULL for none. */
int tuning_settings(const char *list, struct err *e);
/* Prints the error. Returns EXIT_CRITICAL for a refusal (another run, a rule of epolltune),
 * otherwise EXIT_UNKNOWN. */
int tuning_error(const struct err *e);
/* Prints "  NAME: TEXT", unless a document is printed. A second line of the text is a command: it
 * is not wrapped. */
void tuning_print(const struct tuning *t, const char *name, const char *text);
/* Prints a step of a change, of which a line of a file is marked as such. */
void tuning_print_step(const struct tuning *t, const struct change *c, const char *text);

/* Prints that a torn record was cut off, if there was one. */
void tuning_torn(const struct journal *j);
/* Prints what the files will set at the next boot of the knobs whose lines a plan changed, and adds
 * it to a list of JSON. */
int tuning_files(struct tuning *t, const struct journal *j, const struct plan *plan, json_t *list,
		 struct err *e);
#define TUNING_STAY (TUNING_OPTION + 100)
/* How long the changes of a confirmed run stay, and how to keep them: sentences behind a colon.
 * `lines`: its lines of files are written, `steps`: the manual steps that remain. Returns `text`.
 */
const char *tuning_stay(struct tuning *t, const struct run *r, bool lines, size_t steps,
			char text[TUNING_STAY]);
/* Prints the document, if one is printed; returns the exit status. */
int tuning_finish(const struct tuning *t, const struct plan_result *result, int status);
/* Flushes standard output; rc and *e: whether all could be printed. Returns the status or, after an
 * error, EXIT_UNKNOWN, which means that nothing was changed: for a run (0: none) EXIT_CRITICAL.
 * `is` says what the run is now: "applied". */
int tuning_written(const struct tuning *t, unsigned run, const char *is, int status, int rc,
		   struct err *e);
