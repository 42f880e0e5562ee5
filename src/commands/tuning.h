/* tuning: what apply, confirm, rollback and history share. */
#ifndef EPOLLTUNE_TUNING_H
#define EPOLLTUNE_TUNING_H

#include <stdbool.h>

#include "epolltune/change.h"
#include "report/page.h"

#define TUNING_OPTION 1200

struct tuning {
	const char *state_dir;
	bool json;
	const char *color;
	char by[64];
	struct host *host;
	struct change_site site;
	struct render_style style; /* of standard output */
};

/* " --state-dir DIR" where it is not the usual one, else "": for commands that a person is to
 * paste. */
const char *tuning_option(const struct tuning *t, char option[TUNING_OPTION]);

struct tuning tuning_defaults(void);
int tuning_open(struct tuning *t, struct err *e);
void tuning_close(struct tuning *t);

/* Of a journal that is not there (*e): 0 where that only says that nothing was ever changed, the
 * error where the directory was named: a wrong name must not pass for "nothing to do". */
int tuning_absent(const struct tuning *t, struct err *e);
/* Prints the error. Returns EXIT_CRITICAL for what was refused (another run, our own rules), else
 * EXIT_UNKNOWN. */
int tuning_error(const struct err *e);
/* "  NAME: TEXT" for a person; nothing where JSON is wanted, which tells the same. */
void tuning_tell(const struct tuning *t, const char *name, const char *text);

#endif
