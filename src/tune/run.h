/* run: what the journal knows of one run, and what follows from it. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "tune/change.h"

#define JOURNAL_RUN_ITEMS 4096 /* maximum */

enum run_status {
	RUN_UNFINISHED, /* cut off between begin (or rollback) and end */
	RUN_WAITING,    /* for a confirmation */
	RUN_APPLIED,
	RUN_ROLLED_BACK, /* every item is reverted or stale */
	RUN_PARTLY,      /* rolled back except for conflicts and unreachable items */
};

/* Why a run was rolled back. */
enum undo_reason {
	UNDO_NONE, /* it was not */
	UNDO_ASKED,
	UNDO_LATE,
	UNDO_CHANGE_FAILED,
	UNDO_PROOF_FAILED,
	UNDO_UNWATCHED,
	UNDO_UNRECORDED,
	UNDO_INTERRUPTED,
	UNDO_OTHER, /* in words of another version */
};
#define UNDO_WORDS 40 /* bytes that hold the words of a reason */

struct run {
	unsigned id; /* 1, 2, 3 … */
	enum run_status status;
	time_t time;
	char by[64];
	char command[512];
	char boot[40];
	char netns[48];
	uint64_t confirm_s; /* 0: not asked for */
	bool persist;
	uint64_t deadline_ms; /* of a waiting run, CLOCK_BOOTTIME */
	bool confirmed;
	enum undo_reason undo;
	char reason[UNDO_WORDS]; /* its words; "" if it was not rolled back */
	char rollback_boot[40];  /* the boot of its last rollback; "" if none or unknown */
	time_t ended;            /* the last record's time */
	size_t count;
	struct change *items;
};

/* The words of the journal. `signal`: its name, which only UNDO_INTERRUPTED takes. */
void undo_reason_words(enum undo_reason r, const char *signal, char words[UNDO_WORDS]);
/* The reason with these words; UNDO_OTHER: none has them. */
enum undo_reason undo_reason_find(const char *words);

/* Whether a run is unfinished or waiting. */
bool run_is_open(const struct run *r);
/* Whether an unfinished run was confirmed: only lines of files or its last record may be missing.
 */
bool run_is_kept(const struct run *r);
/* Whether the run has written a line for the knob. */
bool run_has_line(const struct run *r, const char *name);
/* Whether no line of a confirmed run is missing, as far as the journal knows. */
bool run_has_lines(const struct run *r);
/* Whether a rollback has anything left to do. */
bool run_in_force(const struct run *r);
/* Whether all that is in force belongs to another network namespace of this boot, from where alone
 * it can be rolled back or confirmed. */
bool run_in_other_netns(const struct run *r, const struct host_identity *here);
const char *run_status_name(enum run_status s);
/* Why the run was rolled back, for a person; "" if it was not. */
const char *run_undo_text(const struct run *r);
