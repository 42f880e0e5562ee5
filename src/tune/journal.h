/* journal: what was changed, step by step, in JSON Lines: STATE_DIR/journal.jsonl.
 *
 * Each step is a record, written whole and synced before the next step is made:
 *
 *	begin     a run starts: time, by, command, boot, netns, confirm_s, persist
 *	intent    item n is about to be written: kind, scope, name, object, from, to, why
 *	done      item n was written and read back: became
 *	wait      all is done; deadline_ms (CLOCK_BOOTTIME) for a confirmation
 *	confirm   it came: by
 *	rollback  going back: by, reason, boot
 *	undo      item n is about to be written back
 *	undone    item n is as it was
 *	spared    item n was left alone: found
 *	gone      item n: there is nothing to undo
 *	end       the run, or its way back, is over
 *
 * What a run's items are now follows from the records alone, so a crash at any point loses nothing.
 * A last record that is torn (no newline, or blocks that never reached the disk) was never
 * acknowledged: it is cut off by the next writer, who says so. One that is whole but damaged was,
 * and the journal is refused. */
#ifndef EPOLLTUNE_TUNE_JOURNAL_H
#define EPOLLTUNE_TUNE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "epolltune/change.h"
#include "epolltune/err.h"

#define JOURNAL_FILE "journal.jsonl"
#define JOURNAL_PATH 256 /* bytes that hold the state directory's name */
/* A file of its own, for root's eyes only: whoever can open a file can lock it. */
#define JOURNAL_LOCK "lock"
#define JOURNAL_VERSION 1
#define JOURNAL_RUN_ITEMS 4096 /* at most */

enum run_status {
	RUN_UNFINISHED,  /* cut off between begin (or rollback) and end */
	RUN_WAITING,     /* for a confirmation */
	RUN_APPLIED,     /* and in force, as far as this program did it */
	RUN_ROLLED_BACK, /* every item is as it was */
	RUN_PARTLY,      /* rolled back but for what was spared or could not be */
};

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
	uint64_t deadline_ms; /* of a run that waits, CLOCK_BOOTTIME */
	bool confirmed;
	char reason[40]; /* why it went back: "asked for", "not confirmed in time", …; "" if not */
	char back_boot[40]; /* the boot in which it went back last; "" if not, or not told */
	time_t ended;       /* the last record's time */
	size_t count;
	struct change *items;
};

enum journal_access {
	JOURNAL_READ,  /* no lock; -ENOENT when nothing was ever changed */
	JOURNAL_WRITE, /* -ENOENT likewise; -EBUSY when another process has it */
	JOURNAL_MAKE,  /* as WRITE, and made if it is not there */
};

struct journal {
	char path[JOURNAL_PATH]; /* of the state directory */
	int dir, fd;
	int lock;   /* held by a writer */
	bool torn;  /* a torn last record was found (and, when writing, cut off) */
	bool dirty; /* a record of ours that failed could not be cut off yet */
	off_t good; /* bytes up to the end of the last whole record */
	size_t count;
	struct run *runs; /* oldest first */
};

/* Opens and reads the journal. -EPROTO: another version's; -EBADMSG: garbage; -EPERM: see state.h.
 * Such a journal is left as it is. */
int journal_open(struct journal *j, const char *path, enum journal_access access, struct err *e);
void journal_close(struct journal *j);
/* Whether a process holds the journal for writing; who may not look at the lock gets true while
 * the last record is younger than five minutes. */
bool journal_busy(const struct journal *j);

/* The run of that number, NULL if none. Valid until the next journal_begin(). */
struct run *journal_find(struct journal *j, unsigned id);
/* The newest that is unfinished or waits; NULL if none. */
struct run *journal_open_run(struct journal *j);
/* Likewise, but none of which all that is in force belongs to another network namespace of this
 * boot. */
struct run *journal_open_here(struct journal *j, const struct host_identity *here);
/* Whether a rollback has anything to do in it. */
bool run_in_force(const struct run *r);
/* Whether all that is in force of it belongs to another network namespace of this boot: nothing of
 * it can be seen, undone or confirmed from here. */
bool run_elsewhere(const struct run *r, const struct host_identity *here);
const char *run_status_name(enum run_status s);

/* Each writes one record, syncs it and brings the run up to date. On failure the journal is as
 * before, in memory and, where the disk lets, in the file.
 *
 * Begins a run: id and time are set, the rest is taken from `r`. */
int journal_begin(struct journal *j, const struct run *r, struct run **out, struct err *e);
/* Appends an item to the run. *n is its number. */
int journal_intent(struct journal *j, struct run *r, const struct change *c, size_t *n,
		   struct err *e);
int journal_done(struct journal *j, struct run *r, size_t n, const char *became, struct err *e);
int journal_wait(struct journal *j, struct run *r, uint64_t deadline_ms, struct err *e);
int journal_confirm(struct journal *j, struct run *r, const char *by, struct err *e);
int journal_rollback(struct journal *j, struct run *r, const char *by, const char *reason,
		     const char *boot, struct err *e);
/* state: CHANGE_UNDOING, _UNDONE, _SPARED or _GONE; found: the value seen, for a spared one. */
int journal_item(struct journal *j, struct run *r, size_t n, enum change_state state,
		 const char *found, struct err *e);
int journal_end(struct journal *j, struct run *r, struct err *e);

#endif
