/* undo: roll back the changes of a run, newest first, as far as they are still ours. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tune/change.h"
#include "tune/journal.h"

struct undo {
	struct change_site *site;
	const char *by;          /* the user, or the watchdog */
	enum undo_reason reason; /* UNDO_INTERRUPTED: by the signal that arrived here */
	bool force;              /* overwrite values changed by others; drop what is unreachable */
	bool own;        /* the run rolls itself back: no other process can have written since */
	bool files_only; /* revert lines of files only; the run stays applied */
	/* Prints one step for a person, with a command maybe on a second line; NULL: silent. */
	void (*print)(void *arg, const struct change *c, const char *text);
	void *arg;

	/* How many changes ended which way. */
	size_t reverted;    /* written back */
	size_t unchanged;   /* had the old value already */
	size_t conflict;    /* modified by others: skipped */
	size_t unreachable; /* not readable now; a later rollback can revert it */
	size_t stale;       /* nothing to revert: another boot, a removed object */
	size_t other_netns; /* belongs to another network namespace of this boot */
	size_t set_at_boot; /* reverted, but a line that another run wrote sets it at boot */
	size_t failed;      /* could not be written back; the run stays unfinished */
};

/* Fills the counts. Records nothing where all that remains belongs to another network namespace:
 * the run stays as it is, and its watchdog keeps running. Values are written back even if the
 * journal cannot be written; the first error is returned at the end. */
int undo_run(struct undo *u, struct journal *j, struct run *r, struct err *e);
