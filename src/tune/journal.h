/* journal: the changes of all runs, step by step, as JSON Lines in STATE_DIR/journal.jsonl.
 *
 * Each step is one record, written and synced before the next step is made:
 *
 *	begin        a run starts: time, by, command, boot, netns, confirm_s, persist
 *	intent       item n is about to be written: kind, scope, name, object, from, to, why
 *	done         item n was written and read back: became
 *	wait         all items are done; deadline_ms (CLOCK_BOOTTIME) for a confirmation
 *	confirm      the run was confirmed: by
 *	rollback     a rollback starts: by, reason, boot
 *	revert       item n is about to be written back
 *	reverted     item n has its old value
 *	conflict     item n was modified by others and skipped: found
 *	unreachable  item n was not readable and skipped
 *	stale        item n: nothing to revert
 *	end          the run, or its rollback, is complete
 *
 * Version 1, still readable, wrote undo/undone/spared/gone for revert, reverted, conflict (or, with
 * an empty `found`, unreachable) and stale.
 *
 * The state of every item follows from the records alone, so a crash at any point loses nothing. A
 * torn last record (no newline, or blocks that never reached the disk) was never acknowledged: the
 * next writer cuts it off and says so. A whole record that is damaged was acknowledged: the journal
 * is refused. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "epolltune/err.h"
#include "tune/run.h"

#define JOURNAL_FILE "journal.jsonl"
#define JOURNAL_PATH 256 /* bytes that hold the state directory's name */
/* A separate file of mode 0600: any process that can open a file can lock it. */
#define JOURNAL_LOCK "lock"
#define JOURNAL_VERSION 2

enum journal_access {
	JOURNAL_READ,  /* no lock; -ENOENT if there is no journal */
	JOURNAL_WRITE, /* -ENOENT likewise; -EBUSY if another process writes it */
	JOURNAL_MAKE,  /* as WRITE; creates it */
};

struct journal {
	char path[JOURNAL_PATH]; /* of the state directory */
	int dir, fd;
	int lock;   /* held for writing */
	bool torn;  /* a torn last record was found (and, for writing, cut off) */
	bool dirty; /* a record that failed could not be cut off yet */
	off_t good; /* bytes up to the end of the last whole record */
	size_t count;
	struct run *runs; /* oldest first */
};

#define JOURNAL_CLOSED                                                                             \
	{                                                                                          \
		.dir = -1, .fd = -1, .lock = -1                                                    \
	}

/* Opens and reads the journal. -EPROTO: unknown version; -EBADMSG: damaged; -EPERM: see state.h.
 * Does not modify such a journal. */
int journal_open(struct journal *j, const char *path, enum journal_access access, struct err *e);
void journal_close(struct journal *j);
/* Whether the file was written or replaced since it was read. */
bool journal_changed(const struct journal *j);
/* Reads it again then. On failure the old content stays. */
int journal_refresh(struct journal *j, struct err *e);
/* Reads the file that `j` has open, even if it has no name any more, as another journal. */
int journal_reread(const struct journal *j, struct journal *out, struct err *e);
/* Opens an open or closed journal for writing (JOURNAL_MAKE), read again if it changed. On failure
 * it stays as it is. */
int journal_lock(struct journal *j, const char *path, struct err *e);
/* Lets others write it. */
void journal_unlock(struct journal *j);
/* Whether a process has the journal open for writing; false without permission to test the lock. */
bool journal_locked(const struct journal *j);
/* The same. Without permission: whether the last record is younger than five minutes. */
bool journal_busy(const struct journal *j);

/* Locks run `id` as watched, until this process ends. */
int journal_watch(const char *path, unsigned id, struct err *e);
/* Whether a process watches the run; true where that cannot be tested. */
bool journal_watched(const struct journal *j, unsigned id);

/* The run of that number, NULL if none. Valid until the next journal_begin(). */
struct run *journal_find(const struct journal *j, unsigned id);
/* The number of the next run. */
unsigned journal_next(const struct journal *j);
/* The newest open run; NULL if none. With `here`, without those for which run_in_other_netns() is
 * true. */
struct run *journal_open_run(const struct journal *j, const struct host_identity *here);

/* Each writes and syncs one record and updates the run. On failure the journal is unchanged in
 * memory, and in the file if it can be truncated. -EPROTO: the record does not fit the run.
 *
 * journal_begin() sets id and time and takes the rest from `r`. */
int journal_begin(struct journal *j, const struct run *r, struct run **out, struct err *e);
/* Appends an item; *n is its number. */
int journal_intent(struct journal *j, struct run *r, const struct change *c, size_t *n,
		   struct err *e);
int journal_done(struct journal *j, struct run *r, size_t n, const char *became, struct err *e);
int journal_wait(struct journal *j, struct run *r, uint64_t deadline_ms, struct err *e);
int journal_confirm(struct journal *j, struct run *r, const char *by, struct err *e);
int journal_rollback(struct journal *j, struct run *r, const char *by, const char *reason,
		     const char *boot, struct err *e);
/* state: CHANGE_REVERTING, _REVERTED, _CONFLICT, _UNREACHABLE or _STALE; found: the value read, for
 * a conflict. */
int journal_item(struct journal *j, struct run *r, size_t n, enum change_state state,
		 const char *found, struct err *e);
int journal_end(struct journal *j, struct run *r, struct err *e);
