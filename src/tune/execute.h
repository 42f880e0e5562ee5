/* execute: make the changes of a plan. Each one: compare with the plan, journal the intent, write
 * once, read back, journal the result. Any error rolls the whole run back. */
#pragma once

#include <stdbool.h>

#include "tune/change.h"
#include "tune/journal.h"
#include "tune/watchdog.h"

struct execution {
	struct plan *plan;
	struct journal *journal; /* open for writing */
	struct change_site *site;
	const char *by;      /* the user, for comments and the journal */
	const char *command; /* the command line */
	uint64_t confirm_s;  /* 0: needs no confirmation */
	uint64_t prove_s; /* at most how long prove() takes; after that the watchdog rolls back */
	bool persist;
	/* Prints a step for a person; NULL: silent. */
	void (*print)(void *arg, const struct change *c, const char *text);
	/* Called when all changes are made; an error rolls them back. NULL: no proof. */
	int (*prove)(void *arg, struct err *e);
	void *arg;

	enum plan_outcome outcome;
	unsigned run;       /* its number in the journal; 0: none */
	struct err trouble; /* the first error of the rollback */
	struct watchdog watchdog;
};

/* Makes a run of the plan, and proves it. */
int execute_plan(struct execution *x, struct err *e);
/* Adds the file changes of a plan to a confirmed run (x->run). */
int execute_files(struct execution *x, struct err *e);
