/* executor: what is done with a plan: print it in a format, or make the changes. */
#ifndef EPOLLTUNE_TUNE_EXECUTOR_H
#define EPOLLTUNE_TUNE_EXECUTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "epolltune/change.h"
#include "report/render.h"
#include "tune/journal.h"
#include "tune/plan.h"
#include "tune/watchdog.h"

/* Of a preview, OUTCOME_PLANNED or _NOTHING. */
enum run_outcome {
	OUTCOME_PLANNED,
	OUTCOME_NOTHING, /* nothing to change */
	OUTCOME_APPLIED,
	OUTCOME_WAITING,  /* for epolltune confirm */
	OUTCOME_REVERTED, /* rolled back after a failure */
	OUTCOME_PARTLY,   /* rolled back only in part */
	OUTCOME_REFUSED,
	OUTCOME_NOT_WAITING, /* nothing to confirm */
};
const char *run_outcome_name(enum run_outcome o);

struct execution {
	struct plan *plan;
	enum run_outcome outcome;
	unsigned run;              /* its number in the journal; 0: none */
	const char *answer;        /* of the report that was planned from; NULL: none */
	const char *reason;        /* why refused, rolled back or nothing to change; or NULL */
	json_t *proof, *persisted; /* of the JSON; NULL: none */
	const char *by;            /* the user, for comments and the journal */

	/* Of previews. */
	FILE *out;
	struct render_style style;

	/* Of the real one. `print` prints a step for a person. */
	struct journal *journal;
	const struct change_site *site;
	const char *command; /* the command line */
	uint64_t confirm_s;  /* 0: needs no confirmation */
	bool persist;
	struct watchdog watchdog;
	struct err trouble; /* the first error of the rollback */
	void (*print)(void *arg, const struct change *c, const char *text);
	/* Called when all changes are made; an error rolls them back. NULL: no proof. */
	int (*prove)(void *arg, struct err *e);
	void *arg;
};

struct executor {
	const char *name;
	int (*begin)(struct execution *x, struct err *e);
	int (*change)(struct execution *x, struct change *c, struct err *e);
	/* Called after begin() in any case. `failed` is the negative errno of the first error or
	 * 0, which it returns unless it has a worse one. */
	int (*end)(struct execution *x, int failed, struct err *e);
};

extern const struct executor executor_diff, executor_json, executor_sysctl, executor_shell;
extern const struct executor executor_real;
/* Adds the file changes of a plan to a confirmed run (x->run). */
extern const struct executor executor_persist;

#define EXECUTOR_PREVIEWS "text,json,sysctl,shell"
/* The preview of that name; NULL if unknown. */
const struct executor *executor_preview(const char *format);
int executor_run(const struct executor *executor, struct execution *x, struct err *e);

#endif
