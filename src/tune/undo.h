/* undo: takes the changes of a run back, newest first, as far as they are still ours. */
#ifndef EPOLLTUNE_TUNE_UNDO_H
#define EPOLLTUNE_TUNE_UNDO_H

#include <stdbool.h>
#include <stddef.h>

#include "epolltune/change.h"
#include "tune/journal.h"

/* The reason of a run that somebody took back by hand. */
#define UNDO_ASKED "asked for"

struct undo {
	const struct change_site *site;
	const char *by;     /* who asks */
	const char *reason; /* "asked for", "not confirmed in time", … */
	bool force;         /* also what somebody else has changed since; gives up the unseen */
	bool own;           /* by the run itself, which knows that nobody came between */
	bool files_only;    /* only what was written into files; the run stays applied */
	void (*tell)(void *arg, const struct change *c, const char *text);
	void *arg;

	size_t restored;  /* written back */
	size_t already;   /* stood as before */
	size_t spared;    /* changed by somebody else */
	size_t unseen;    /* not to be seen now; left, to be undone when it is there again */
	size_t gone;      /* nothing to undo: another boot, a vanished object */
	size_t elsewhere; /* of another network namespace of this boot */
	size_t returns;   /* undone, but a line of ours that another run wrote sets it at boot */
	size_t failed;    /* could not be written back; the run stays unfinished */
};

/* Fills the counts. Where all that is left belongs to another network namespace of this boot,
 * nothing is recorded: the run is as it was, and a guardian goes on. A journal that cannot be
 * written does not keep values from going back: the error is returned when all is done. So is the
 * first failure. */
int undo_run(struct undo *u, struct journal *j, struct run *r, struct err *e);

#endif
