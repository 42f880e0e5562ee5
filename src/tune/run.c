#include "tune/run.h"

#include <stdio.h>
#include <string.h>

/* The words of the journal; a signal follows those of UNDO_INTERRUPTED. */
static const char *const reasons[] = {
	[UNDO_NONE] = "",
	[UNDO_ASKED] = "asked for",
	[UNDO_LATE] = "not confirmed in time",
	[UNDO_CHANGE_FAILED] = "a change failed",
	[UNDO_PROOF_FAILED] = "the proof failed",
	[UNDO_UNWATCHED] = "the rollback watchdog has exited",
	[UNDO_UNRECORDED] = "the journal could not be written",
	[UNDO_INTERRUPTED] = "interrupted by ",
	[UNDO_OTHER] = "for another reason",
};

void undo_reason_words(enum undo_reason r, const char *signal, char words[UNDO_WORDS])
{
	const char *more = r == UNDO_INTERRUPTED ? signal : "";
	snprintf(words, UNDO_WORDS, "%s%s", reasons[r], more);
}

enum undo_reason undo_reason_find(const char *words)
{
	for (enum undo_reason r = UNDO_NONE; r < UNDO_OTHER; r++)
		if (r == UNDO_INTERRUPTED ? !strncmp(words, reasons[r], strlen(reasons[r]))
					  : !strcmp(words, reasons[r]))
			return r;
	return UNDO_OTHER;
}

bool run_is_open(const struct run *r)
{
	return r->status == RUN_UNFINISHED || r->status == RUN_WAITING;
}

bool run_is_kept(const struct run *r)
{
	return r->status == RUN_UNFINISHED && r->confirmed && r->undo == UNDO_NONE;
}

bool run_has_line(const struct run *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].scope == CHANGE_FILES && r->items[i].state == CHANGE_DONE &&
		    strcmp(r->items[i].name, name) == 0)
			return true;
	return false;
}

bool run_has_lines(const struct run *r)
{
	bool due = r->persist, whole = true;
	for (size_t i = 0; i < r->count; i++) {
		due |= r->items[i].scope == CHANGE_FILES;
		whole &= run_has_line(r, r->items[i].name);
	}
	return !due || whole;
}

bool run_in_other_netns(const struct run *r, const struct host_identity *here)
{
	size_t theirs = 0;
	if (strcmp(r->boot, here->boot) != 0 || strcmp(r->netns, here->netns) == 0)
		return false;
	for (size_t i = 0; i < r->count; i++) {
		if (r->items[i].state == CHANGE_REVERTED || r->items[i].state == CHANGE_STALE)
			continue;
		if (r->items[i].scope != CHANGE_NETNS)
			return false;
		theirs++;
	}
	return theirs;
}

bool run_in_force(const struct run *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].state != CHANGE_REVERTED && r->items[i].state != CHANGE_STALE)
			return true;
	return false;
}

const char *run_status_name(enum run_status s)
{
	static const char *const names[] = {
		[RUN_UNFINISHED] = "unfinished",  [RUN_WAITING] = "waiting",
		[RUN_APPLIED] = "applied",        [RUN_ROLLED_BACK] = "reverted",
		[RUN_PARTLY] = "partly reverted",
	};
	return names[s];
}

const char *run_undo_text(const struct run *r)
{
	return r->undo == UNDO_ASKED ? "by epolltune rollback" : r->reason;
}
