#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "commands/command.h"
#include "commands/tuning.h"
#include "epolltune/cleanup.h"
#include "tune/execute.h"
#include "tune/persist.h"
#include "tune/plan.h"

struct confirm {
	struct tuning tuning;
	const struct given *given;
	bool persist;
	bool partly; /* a value of the run is not in force */
	struct host_identity here;
	struct plan *plan; /* the lines of files to write */
};

static void print_step(void *arg, const struct change *c, const char *text)
{
	const struct confirm *of = arg;
	tuning_print_step(&of->tuning, c, text);
}

/* Whether a change of the run that is in force still lacks a line. Of a run that was closed before,
 * an administrator may have edited its line. */
static bool lacks_line(struct confirm *c, const struct run *r, const struct change *of)
{
	return (run_is_open(r) || !run_has_line(r, of->name)) &&
	       persist_in_force(r, of, &c->tuning.site, &c->here);
}

/* Plans the lines for the changes of the run. Copies them, as writing adds changes to the run. */
static int plan_lines(struct confirm *c, const struct run *r, struct err *e)
{
	CLEAN(free_pointer) struct change *standing = calloc(r->count + 1, sizeof(*standing));
	size_t count = 0;
	if (!standing)
		return err_errno(e, "cannot plan the lines of files");
	for (size_t i = 0; i < r->count; i++)
		if (lacks_line(c, r, &r->items[i]))
			standing[count++] = r->items[i];
	const struct change_author author = {.by = c->tuning.by, .when = time(NULL), .run = r->id};
	return plan_persist(c->plan, standing, count, &author, &c->tuning.site, e);
}

static bool same_boot(const struct confirm *c, const struct run *r)
{
	return strcmp(r->boot, c->here.boot) == 0;
}

/* Whether apply or confirm had --persist. A reboot has reset what was not written before it. */
static bool lines_due(const struct confirm *c, const struct run *r)
{
	return (r->persist || c->persist) && same_boot(c, r);
}

/* Writes the planned lines of a confirmed run and closes it. */
static int write_lines(struct confirm *c, struct journal *j, unsigned run, struct err *e)
{
	struct execution x = {
		.plan = c->plan,
		.journal = j,
		.site = &c->tuning.site,
		.by = c->tuning.by,
		.print = print_step,
		.arg = c,
		.run = run,
	};
	return execute_files(&x, e);
}

static int persist_run(struct confirm *c, struct journal *j, unsigned run, struct err *e)
{
	struct run *r = journal_find(j, run);
	int rc = lines_due(c, r) && !c->plan->count ? plan_lines(c, r, e) : 0;
	if (rc == 0)
		return write_lines(c, j, run, e);
	journal_end(j, r, NULL);
	return rc;
}

static int refuse(const struct confirm *c, const struct err *why)
{
	struct plan_result result = {
		.plan = c->plan, .outcome = OUTCOME_REFUSED, .reason = why->text};
	return tuning_finish(&c->tuning, &result, tuning_error(why));
}

/* What is missing of a confirmed run, and how to add it. */
static void explain_missing(const struct confirm *c, const struct run *r, struct err *e)
{
	char option[TUNING_OPTION];
	bool lines = lines_due(c, r);
	err_prefix(e, "run %u is confirmed, but not %s", r->id, lines ? "persisted" : "completed");
	err_remedy(e, "correct that and run: epolltune confirm%s%s", lines ? " --persist" : "",
		   tuning_option(&c->tuning, option));
}

/* `said` of a run that was confirmed before; NULL: by this command. */
static void print_confirmed(struct confirm *c, const struct run *r, bool late, const char *said)
{
	char text[TUNING_STAY];
	if (said)
		printf("Run %u %s\n", r->id, said);
	else
		printf("Run %u is confirmed%s%s: %s\n", r->id, late ? ", after its deadline" : "",
		       c->partly ? ", except for the values below" : "",
		       tuning_stay(&c->tuning, r, lines_due(c, r), c->plan->manual_count, text));
}

/* Prints the outcome of a run that is confirmed. */
static int confirmed(struct confirm *c, struct journal *j, unsigned run, bool late,
		     const char *said, struct err *e)
{
	struct plan_result result = {.plan = c->plan, .outcome = OUTCOME_APPLIED, .run = run};
	int rc = persist_run(c, j, run, e);
	int status = rc < 0 ? EXIT_CRITICAL : EXIT_OK;
	struct err other;
	json_t *lines = json_array();
	if (rc < 0) {
		explain_missing(c, journal_find(j, run), e);
		command_error(e);
		result.reason = e->text;
	} else if (!c->tuning.document) {
		print_confirmed(c, journal_find(j, run), late, said);
	}
	if (rc == 0 && tuning_files(&c->tuning, j, c->plan, lines, &other) < 0) {
		command_error(&other);
		status = EXIT_CRITICAL;
	} else {
		result.persisted = lines;
	}
	status = tuning_finish(&c->tuning, &result, status);
	json_decref(lines);
	return status;
}

/* Refuses a run that its watchdog is rolling back, or of which nothing is in force. The watchdog
 * restores values also where it cannot record it. */
static int check_standing(struct confirm *c, const struct journal *j, const struct run *r,
			  bool late, struct err *e)
{
	char option[TUNING_OPTION];
	if (late && journal_watched(j, r->id))
		return err_set(e, PLAN_REFUSED,
			       "too late: the rollback watchdog of run %u is rolling it back",
			       r->id);
	return persist_check(c->plan, r, &c->tuning.site, &c->here,
			     tuning_option(&c->tuning, option), e);
}

/* Confirms a run that waits, and completes one that was confirmed. */
static int confirm_run(struct confirm *c, struct journal *j, const struct run *r, struct err *e)
{
	unsigned run = r->id;
	bool kept = run_is_kept(r), late = watchdog_clock_ms() >= r->deadline_ms;
	if (check_standing(c, j, r, late && !kept, e) < 0 && !kept) {
		c->plan->manual_count = 0; /* the run is to be closed first */
		return refuse(c, e);
	}
	c->partly = c->plan->manual_count;
	if (kept)
		return confirmed(c, j, run, late,
				 same_boot(c, r) ? "was confirmed before and is complete now."
						 : "was confirmed before a reboot and is complete "
						   "now; what the reboot has reset stays reset.",
				 e);
	if (journal_confirm(j, journal_find(j, run), c->tuning.by, e) < 0) {
		struct plan_result result = {
			.plan = c->plan, .outcome = OUTCOME_REFUSED, .reason = e->text};
		command_error(e);
		return tuning_finish(&c->tuning, &result, EXIT_CRITICAL);
	}
	return confirmed(c, j, run, late, NULL, e);
}

/* Reports that no run waits, and what happened to the newest. */
static int none_waits(const struct confirm *c, const struct journal *j)
{
	const struct run *last = j->count ? &j->runs[j->count - 1] : NULL;
	char option[TUNING_OPTION];
	struct err e;
	if (last && last->status == RUN_UNFINISHED) {
		err_set(&e, PLAN_REFUSED,
			"run %u is unfinished; roll back with: epolltune rollback %u%s", last->id,
			last->id, tuning_option(&c->tuning, option));
		return refuse(c, &e);
	}
	if (last && last->undo != UNDO_NONE && last->undo != UNDO_ASKED) {
		err_set(&e, PLAN_REFUSED, "run %u was already rolled back: %s", last->id,
			last->reason);
		return refuse(c, &e);
	}
	struct plan_result result = {.plan = c->plan, .outcome = OUTCOME_NOT_WAITING};
	if (!c->tuning.document)
		puts("No run waits to be confirmed.");
	return tuning_finish(&c->tuning, &result, EXIT_OK);
}

/* A run that apply made without --persist can do without. */
static int check_persist(struct confirm *c, const struct run *r, struct err *e)
{
	char option[TUNING_OPTION];
	struct err why = {0};
	int rc = persist_allowed(&c->tuning.site, c->tuning.state_dir, &why);
	if (rc == 0 || r->persist || r->status != RUN_WAITING || rc != -PLAN_REFUSED) {
		*e = why;
		return rc;
	}
	return err_set(e, PLAN_REFUSED,
		       "%s; run %u still waits: to confirm it without files, epolltune confirm%s",
		       why.text, r->id, tuning_option(&c->tuning, option));
}

/* Whether a waiting run can be confirmed from here. */
static int check_here(struct confirm *c, const struct run *r, struct err *e)
{
	char option[TUNING_OPTION];
	if (!same_boot(c, r) && run_is_kept(r) &&
	    (run_has_lines(r) || persist_whole(r, &c->tuning.site)))
		return 0;
	if (!same_boot(c, r))
		return err_set(e, PLAN_REFUSED,
			       "run %u was lost at a reboot before it was %s; "
			       "close it with: epolltune rollback %u%s",
			       r->id, run_is_kept(r) ? "completed" : "confirmed", r->id,
			       tuning_option(&c->tuning, option));
	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].scope == CHANGE_NETNS && strcmp(r->netns, c->here.netns) != 0)
			return err_set(e, PLAN_REFUSED,
				       "run %u belongs to network namespace %s, "
				       "this is %s: confirm it there",
				       r->id, r->netns, c->here.netns);
	return r->persist || c->persist ? check_persist(c, r, e) : 0;
}

/* Whether a run is to be confirmed or completed. */
static bool is_due(const struct run *r) { return r->status == RUN_WAITING || run_is_kept(r); }

/* The newest such run that can be confirmed from here; if there is none, *e is the reason for the
 * newest. */
static const struct run *find_waiting(struct confirm *c, const struct journal *j, struct err *e)
{
	const struct run *found = NULL;
	e->code = 0;
	for (size_t i = j->count; i-- > 0 && !found;) {
		struct err why;
		if (!is_due(&j->runs[i]))
			continue;
		if (check_here(c, &j->runs[i], &why) == 0)
			found = &j->runs[i];
		else if (!e->code)
			*e = why;
	}
	return found;
}

/* With --persist also the newest run if it was confirmed without its lines, as where they could not
 * be written. Returns its number; 0: nothing to write, or *e has an error. */
static unsigned find_unwritten(struct confirm *c, const struct journal *j, struct err *e)
{
	const struct run *last = j->count ? &j->runs[j->count - 1] : NULL;
	if (!last || last->status != RUN_APPLIED || !last->confirmed || !c->persist ||
	    !same_boot(c, last))
		return 0;
	return check_here(c, last, e) == 0 && plan_lines(c, last, e) == 0 && c->plan->count
		       ? last->id
		       : 0;
}

static int run(struct confirm *c, struct err *e)
{
	CLEAN(journal_close) struct journal j;
	int rc = journal_open(&j, c->tuning.state_dir, JOURNAL_WRITE, e);
	if (rc == -ENOENT)
		return tuning_absent(&c->tuning, e) < 0 ? refuse(c, e) : none_waits(c, &j);
	if (rc == -EACCES)
		tuning_as_root(c->given, e);
	if (rc < 0)
		return refuse(c, e);
	rc = host_identity(c->tuning.host, &c->here, e);
	if (rc < 0)
		return refuse(c, e);
	const struct run *waiting = find_waiting(c, &j, e);
	if (waiting)
		return confirm_run(c, &j, waiting, e);
	unsigned unwritten = e->code ? 0 : find_unwritten(c, &j, e);
	if (unwritten)
		return confirmed(c, &j, unwritten, false,
				 "was confirmed before; its lines are written now.", e);
	return e->code ? refuse(c, e) : none_waits(c, &j);
}

/* What no file can keep, or another file sets, is a step for the operator. */
static int steps_status(const struct confirm *c, int status)
{
	if (!c->plan || !c->plan->manual_count)
		return status;
	const struct page p = page_open(stdout, &c->tuning.style);
	if (!c->tuning.document)
		plan_put_manual(&p, c->plan);
	return status == EXIT_OK ? EXIT_WARNING : status;
}

static int confirm(void *arguments, const struct given *given)
{
	struct confirm *c = arguments;
	struct err e = {0};
	c->given = given;
	if (tuning_open(&c->tuning, &e) < 0)
		return command_error(&e);
	c->plan = calloc(1, sizeof(*c->plan));
	interrupt_hold(INTERRUPT_HANGUP);
	int status = c->plan ? run(c, &e) : (err_errno(&e, "cannot confirm"), command_error(&e));
	status = steps_status(c, status);
	free(c->plan);
	tuning_close(&c->tuning);
	return status;
}

#define AT(member) OPTION_AT(struct confirm, member)

static const struct option_row options[] = {
	{"persist", NULL, "also write the run's values below /etc", AT(persist), FLAG},
	FORMAT_OPTION(AT(tuning.document)),
	TUNING_OPTIONS(struct confirm, tuning),
	{0},
};

static const struct confirm defaults = {.tuning = TUNING_DEFAULTS};

const struct command confirm_command = {
	.name = "confirm",
	.arguments = "",
	.summary = "Keep the changes of apply --confirm",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.resolves = true,
	.run = confirm,
};
