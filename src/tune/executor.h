/* executor: what is done with a plan. To show it as a diff, as data, as a drop-in or as a script is
 * one; to change the kernel is another. */
#ifndef EPOLLTUNE_TUNE_EXECUTOR_H
#define EPOLLTUNE_TUNE_EXECUTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "epolltune/change.h"
#include "report/render.h"
#include "tune/guardian.h"
#include "tune/journal.h"
#include "tune/plan.h"

/* How it ended; of a preview OUTCOME_PLANNED or _NOTHING. */
enum outcome {
	OUTCOME_PLANNED,
	OUTCOME_NOTHING, /* nothing to change */
	OUTCOME_APPLIED,
	OUTCOME_WAITING, /* for epolltune confirm */
	OUTCOME_TAKEN_BACK,
	OUTCOME_PARTLY, /* taken back, but not all of it could be */
	OUTCOME_REFUSED,
};
const char *outcome_name(enum outcome o);

struct execution {
	struct plan *plan;
	enum outcome outcome;
	unsigned run;       /* its number in the journal; 0: none */
	const char *reason; /* why it was refused or taken back; NULL if not */
	json_t *extra;      /* members that the JSON gets as well; NULL: none */
	const char *by;     /* who asks, for comments and the journal */

	/* Of previews. */
	FILE *out;
	struct render_style style;

	/* Of the real one. `tell` hears of each step, for a person. */
	struct journal *journal;
	const struct change_site *site;
	const char *command; /* the command line */
	uint64_t confirm_s;  /* 0: no confirmation is asked for */
	bool persist;
	struct guardian guardian;
	struct err trouble; /* what went wrong on the way back, after the error that led to it */
	void (*tell)(void *arg, const struct change *c, const char *text);
	/* Called when all is written: an error takes it all back. NULL: nothing to prove. */
	int (*prove)(void *arg, struct err *e);
	void *arg;
};

struct executor {
	const char *name;
	int (*begin)(struct execution *x, struct err *e);
	int (*change)(struct execution *x, struct change *c, struct err *e);
	/* After begin() in any case; `failed` is the negative errno of what went wrong, 0 if
	 * nothing did, and is to be returned unless something worse is. */
	int (*end)(struct execution *x, int failed, struct err *e);
};

extern const struct executor executor_diff, executor_json, executor_sysctl, executor_shell;
extern const struct executor executor_real;
/* Adds the changes of a plan, of files only, to a run that was confirmed (x->run). */
extern const struct executor executor_persist;

#define EXECUTOR_PREVIEWS "text,json,sysctl,shell"
/* The preview of that name; NULL if unknown. */
const struct executor *executor_preview(const char *format);
int executor_run(const struct executor *executor, struct execution *x, struct err *e);

#endif
