/* What apply asks and shows on a terminal. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands/apply.h"
#include "commands/command.h"
#include "epolltune/cleanup.h"
#include "tune/interrupt.h"
#include "tune/undo.h"
#include "tune/watchdog.h"

/* Where the answer is read: standard input or, if that is the report, the terminal of the session.
 * NULL: there is no terminal. */
static FILE *open_answers(const struct apply *a)
{
	if (a->from && strcmp(a->from, "-") == 0)
		return fopen("/dev/tty", "re");
	return isatty(0) ? fdopen(dup(0), "r") : NULL;
}

/* On the terminal, even if the output goes to a file or a pipe. */
int apply_ask(const struct apply *a, struct err *e)
{
	CLEAN(close_file) FILE *in = open_answers(a);
	const char *what = a->plan->count == 1 ? "this change" : "these changes";
	if (!in)
		return err_set(e, ENOTTY,
			       "nothing was changed: there is no terminal to ask on; "
			       "add --yes to make %s",
			       what);
	CLEAN(close_file) FILE *terminal = isatty(2) ? NULL : fopen("/dev/tty", "we");
	FILE *out = terminal ? terminal : stderr;
	char answer[16] = "";
	fflush(stdout);
	fprintf(out, "Make %s? [y/N] ", what);
	fflush(out);
	if (!fgets(answer, sizeof(answer), in))
		fputc('\n', out);
	return answer[0] == 'y' || answer[0] == 'Y'
		       ? 0
		       : err_set(e, ECANCELED, "nothing was changed: declined");
}

static int decided(const struct apply *a, const struct run *r, int status)
{
	char option[TUNING_OPTION];
	fprintf(stderr, "\r\033[K");
	if (!r || !r->reason[0]) {
		puts("Confirmed: the changes stay.");
		return status;
	}
	const char *why = strcmp(r->reason, UNDO_ASKED) ? r->reason : "by epolltune rollback";
	if (r->status == RUN_ROLLED_BACK)
		printf("Run %u rolled back, %s; all values restored.\n", a->result.run, why);
	else
		printf("Run %u only PARTLY rolled back, %s; see: epolltune history %u%s\n",
		       a->result.run, why, a->result.run, tuning_option(&a->tuning, option));
	return EXIT_CRITICAL;
}

/* Updates the count-down. Returns -1 while it continues, otherwise the exit status. `unwatched`:
 * how often in a row the watchdog was not found. */
static int watch_once(struct apply *a, unsigned *unwatched, int status)
{
	struct err e;
	const struct journal *j = &a->journal;
	char option[TUNING_OPTION];
	unsigned run = a->result.run;
	if (journal_refresh(&a->journal, &e) < 0)
		return command_error(&e);
	const struct run *r = journal_find(j, run);
	if (!r || !run_is_open(r))
		return decided(a, r, status);
	if (interrupt_came()) {
		fprintf(stderr, "\nepolltune: the count-down continues without this display\n");
		return status;
	}
	tuning_option(&a->tuning, option);
	*unwatched = journal_watched(j, run) || journal_busy(j) ? 0 : *unwatched + 1;
	/* Once: it may have decided the run since the journal was read. */
	if (*unwatched > 1) {
		fprintf(stderr,
			"\r\033[Kepolltune: run %u is not confirmed and its rollback watchdog has "
			"exited; confirm with: epolltune confirm%s, or roll back with: "
			"epolltune rollback %u%s\n",
			run, option, run, option);
		return EXIT_CRITICAL;
	}
	fprintf(stderr,
		"\r\033[KRun %u will be rolled back in %llu s. Confirm with: epolltune confirm%s ",
		run, watchdog_seconds_left(r->deadline_ms), option);
	return -1;
}

/* A signal ends the display, not the count-down. */
int apply_watch(struct apply *a, int status)
{
	unsigned unwatched = 0;
	int now;
	if (a->result.outcome != OUTCOME_WAITING || !isatty(2) || a->tuning.document)
		return status;
	while ((now = watch_once(a, &unwatched, status)) < 0)
		poll(NULL, 0, 200);
	return now;
}
