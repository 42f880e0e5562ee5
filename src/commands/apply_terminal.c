/* What apply asks and shows on a terminal, and how long it waits for a confirmation. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "commands/apply.h"
#include "commands/command.h"
#include "epolltune/cleanup.h"
#include "terminal/progress.h"
#include "tune/persist.h"
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
	/* What was typed while epolltune measured answers another question. */
	tcflush(fileno(in), TCIFLUSH);
	fprintf(out, "Make %s? [y/N] ", what);
	fflush(out);
	if (!fgets(answer, sizeof(answer), in))
		fputc('\n', out);
	answer[strcspn(answer, "\n")] = 0;
	return !strcasecmp(answer, "y") || !strcasecmp(answer, "yes")
		       ? 0
		       : err_set(e, ECANCELED, "nothing was changed: declined");
}

/* What waits for the confirmation of a run. */
struct wait {
	bool shown;         /* the command to confirm is due, on a terminal */
	bool counts;        /* that can replace a line: the seconds follow */
	bool last;          /* the watchdog does not survive this process */
	unsigned unwatched; /* how often in a row the watchdog was not found */
	int status;
};

/* Whether the kernel ends the watchdog when this process exits: it is process 1 of a container, or
 * the one for which a container's init waits. */
static bool ends_container(const struct host *h)
{
	static const char *const inits[] = {"tini", "docker-init", "dumb-init", "catatonit"};
	char name[24];
	struct err unread;
	if (getpid() == 1)
		return true;
	if (getppid() != 1 || host_read(h, "proc/1/comm", name, sizeof(name), &unread) <= 0)
		return false;
	name[strcspn(name, "\n")] = 0;
	for (size_t i = 0; i < sizeof(inits) / sizeof(*inits); i++)
		if (strcmp(name, inits[i]) == 0)
			return true;
	return false;
}

/* The changes may be in force: EXIT_UNKNOWN means that nothing was changed. */
static int failed(const struct err *e)
{
	command_error(e);
	return EXIT_CRITICAL;
}

static int decided(struct apply *a, const struct run *r, const struct wait *w)
{
	char option[TUNING_OPTION], text[TUNING_STAY];
	bool confirmed = !r || r->undo == UNDO_NONE;
	int status = confirmed ? w->status : EXIT_CRITICAL;
	if (w->counts)
		progress_clear();
	if (a->tuning.document)
		return status;
	if (confirmed && r)
		printf("Confirmed: %s\n",
		       tuning_stay(&a->tuning, r, a->persist, a->plan->manual_count, text));
	else if (confirmed)
		puts("Confirmed.");
	if (confirmed)
		return status;
	const char *why = run_undo_text(r);
	if (!run_in_force(r))
		printf("Run %u rolled back, %s; all values restored.\n", a->result.run, why);
	else
		printf("Run %u only PARTLY rolled back, %s; see: epolltune history %u%s\n",
		       a->result.run, why, a->result.run, tuning_option(&a->tuning, option));
	return status;
}

/* Rolls the run back in place of the watchdog; -1: another command writes the journal. */
static int roll_back(struct apply *a, const struct wait *w)
{
	struct err e;
	int rc = journal_lock(&a->journal, a->tuning.state_dir, &e);
	if (rc == -EBUSY)
		return -1;
	if (rc < 0)
		return failed(&e);
	struct run *r = journal_find(&a->journal, a->result.run);
	struct undo u = {.site = &a->tuning.site, .by = a->tuning.by, .reason = UNDO_INTERRUPTED};
	bool open = r && run_is_open(r) && !run_is_kept(r);
	if (open && undo_run(&u, &a->journal, r, &e) < 0) {
		command_error(&e);
		r->undo = u.reason; /* perhaps not recorded */
		undo_reason_words(u.reason, interrupt_name(interrupt_came()), r->reason);
	}
	int status = decided(a, r, w);
	journal_unlock(&a->journal);
	return status;
}

static int interrupted(struct apply *a, const struct wait *w)
{
	if (w->last)
		return roll_back(a, w);
	fprintf(stderr, "\nepolltune: the count-down continues without this display\n");
	return w->status;
}

/* Waits for the watchdog, where the journal does not say what it does: it is a child of process 1,
 * which may be this one. */
static void wait_for_watchdog(uint64_t confirm_us)
{
	uint64_t until = watchdog_clock_ms() + confirm_us / 1000 + WATCHDOG_PATIENCE_MS;
	while ((getpid() != 1 || waitpid(-1, NULL, WNOHANG) >= 0) && watchdog_clock_ms() < until)
		poll(NULL, 0, 200);
}

/* The command is printed once and whole; the seconds are cut to the window, as a line that wraps
 * cannot be replaced. */
static void count_down(struct wait *w, const struct run *r, const char *option)
{
	unsigned long long left = watchdog_seconds_left(r->deadline_ms);
	if (w->shown)
		fprintf(stderr,
			"Run %u will be rolled back in %llu s. Confirm with: epolltune confirm%s\n",
			r->id, left, option);
	if (w->counts)
		progress_print("Run %u will be rolled back in %llu s", r->id, left);
	w->shown = false;
}

/* Updates the count-down. Returns -1 while it continues, otherwise the exit status. */
static int watch_once(struct apply *a, struct wait *w)
{
	struct err e;
	const struct journal *j = &a->journal;
	char option[TUNING_OPTION];
	unsigned run = a->result.run;
	if (journal_refresh(&a->journal, &e) < 0) {
		if (w->last)
			wait_for_watchdog(a->confirm_us);
		return failed(&e);
	}
	const struct run *r = journal_find(j, run);
	if (!r || !run_is_open(r) || run_is_kept(r))
		return decided(a, r, w);
	if (interrupt_came())
		return interrupted(a, w);
	tuning_option(&a->tuning, option);
	w->unwatched = journal_watched(j, run) || journal_busy(j) ? 0 : w->unwatched + 1;
	/* Once: it may have decided the run since the journal was read. */
	if (w->unwatched > 1) {
		struct host_identity here;
		if (w->counts)
			progress_clear();
		if (host_identity(a->tuning.host, &here, NULL) == 0 &&
		    persist_check(NULL, r, &a->tuning.site, &here, option, &e) < 0)
			return failed(&e);
		fprintf(stderr,
			"epolltune: run %u is not confirmed and its rollback watchdog has "
			"exited; confirm with: epolltune confirm%s, or roll back with: "
			"epolltune rollback %u%s\n",
			run, option, run, option);
		return EXIT_CRITICAL;
	}
	count_down(w, r, option);
	return -1;
}

/* A signal ends the display, not the count-down, which continues in the watchdog. */
int apply_watch(struct apply *a, int status)
{
	struct wait w = {.shown = isatty(2) && !a->tuning.document,
			 .counts = progress_usable() && !a->tuning.document,
			 .last = ends_container(a->tuning.host),
			 .status = status};
	int now;
	if (a->result.outcome != OUTCOME_WAITING || (!w.shown && !w.last))
		return status;
	fflush(stdout);
	while ((now = watch_once(a, &w)) < 0)
		poll(NULL, 0, 200);
	return now;
}
