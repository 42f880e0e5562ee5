#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "commands/command.h"
#include "commands/tuning.h"
#include "epolltune/cleanup.h"
#include "report/json_value.h"
#include "tune/journal.h"
#include "tune/orphans.h"
#include "tune/persist.h"
#include "tune/undo.h"

struct rollback {
	struct tuning tuning;
	const struct given *given;
	uint64_t run; /* 0: chosen by newest() */
	bool force, pending;
};

/* The newest unfinished or waiting run, otherwise (without --pending) the newest in force. Prefers
 * runs of this network namespace. */
static struct run *newest(struct rollback *b, struct journal *j)
{
	struct host_identity here;
	bool known = host_identity(b->tuning.host, &here, NULL) == 0;
	struct run *r = journal_open_run(j, known ? &here : NULL);
	if (b->pending)
		return r;
	for (size_t i = j->count; i-- > 0 && !r;)
		if (run_in_force(&j->runs[i]) &&
		    (!known || !run_in_other_netns(&j->runs[i], &here)))
			r = &j->runs[i];
	for (size_t i = j->count; i-- > 0 && !r;)
		if (run_in_force(&j->runs[i]))
			r = &j->runs[i];
	return r;
}

static void print_step(void *arg, const struct change *c, const char *text)
{
	const struct rollback *b = arg;
	tuning_print_step(&b->tuning, c, text);
}

static json_t *change_json(struct json_writer *w, const struct change *c)
{
	json_t *o = json_object();
	value_set(w, o, "kind", value_text(change_kind_name(c)));
	value_set(w, o, "name", value_text(c->name));
	value_set(w, o, "state", value_text(change_state_name(c->state)));
	value_set(w, o, "restores", value_text(c->from));
	return o;
}

/* Prints schema epolltune.rollback/2, always with the same keys. `r` may be NULL. */
static int print_json(const struct undo *u, const struct run *r, const char *outcome,
		      const char *reason, struct err *e)
{
	struct json_writer w = {false};
	json_t *root = json_object(), *changes = json_array();
	value_set(&w, root, "schema", value_text("epolltune.rollback/2"));
	value_set(&w, root, "version", value_text(EPOLLTUNE_VERSION));
	value_set(&w, root, "changed", json_boolean(u->reverted > 0));
	value_set(&w, root, "outcome", value_text(outcome));
	value_set(&w, root, "reason", reason ? value_text(reason) : json_null());
	value_set(&w, root, "run", r ? value_count(r->id) : json_null());
	value_set(&w, root, "reverted", value_count(u->reverted));
	value_set(&w, root, "unchanged", value_count(u->unchanged));
	value_set(&w, root, "conflict", value_count(u->conflict));
	value_set(&w, root, "unreachable", value_count(u->unreachable));
	value_set(&w, root, "stale", value_count(u->stale));
	value_set(&w, root, "other_netns", value_count(u->other_netns));
	value_set(&w, root, "set_at_boot", value_count(u->set_at_boot));
	value_set(&w, root, "failed", value_count(u->failed));
	for (size_t i = r ? r->count : 0; i-- > 0;)
		value_add(&w, changes, change_json(&w, &r->items[i]));
	value_set(&w, root, "changes", changes);
	return value_print(stdout, root, &w, "the outcome", e);
}

/* Prints the outcome if the format is JSON; returns the exit status. */
static int finish(const struct rollback *b, const struct undo *u, const struct run *r,
		  const char *outcome, const char *reason, int status)
{
	struct err e;
	int rc = b->tuning.document ? print_json(u, r, outcome, reason, &e) : 0;
	return tuning_written(&b->tuning, r ? r->id : 0, outcome, status, rc, &e);
}

static int refuse(const struct rollback *b, const struct err *why)
{
	return finish(b, &(struct undo){0}, NULL, "refused", why->text, tuning_error(why));
}

/* An orphaned line is in force after each boot, and no rollback removes it. With --state-dir, its
 * run may be in the journal of the default directory. */
static int nothing(const struct rollback *b, struct journal *j)
{
	char file[512], text[1024];
	bool own = !b->run && !b->pending && strcmp(b->tuning.state_dir, STATE_DIR) == 0;
	if (own && orphans_find(&b->tuning.site, j, file)) {
		snprintf(text, sizeof(text),
			 "%s has lines of runs that the journal in %s does not have: give the "
			 "--state-dir of these runs, or remove the lines",
			 file, b->tuning.state_dir);
		if (!b->tuning.document)
			printf("Nothing to roll back, but %s.\n", text);
		return finish(b, &(struct undo){0}, NULL, "nothing to roll back", text,
			      EXIT_WARNING);
	}
	if (!b->tuning.document && b->run)
		printf("Run %llu was rolled back already.\n", (unsigned long long)b->run);
	else if (!b->tuning.document)
		puts("Nothing to roll back.");
	return finish(b, &(struct undo){0}, NULL, "nothing to roll back", NULL, EXIT_OK);
}

static void summarize(const struct rollback *b, const struct undo *u, const struct run *r)
{
	char option[TUNING_OPTION];
	tuning_option(&b->tuning, option);
	/* Also where the journal could not record it. */
	bool restored = !run_in_force(r) && !u->set_at_boot;
	bool whole = restored && r->status == RUN_ROLLED_BACK;
	if (whole && u->stale && !u->reverted && !u->unchanged)
		printf("Run %u rolled back; none of its changes was in force.\n", r->id);
	else if (whole)
		printf("Run %u rolled back; all values restored.\n", r->id);
	else if (restored)
		printf("All values of run %u are restored, but not all is recorded. Retry: epolltune "
		       "rollback %u%s\n",
		       r->id, r->id, option);
	else if (u->failed)
		printf("Run %u only PARTLY rolled back. Retry: epolltune rollback %u%s\n", r->id,
		       r->id, option);
	else if (!u->reverted && !u->unchanged && (u->other_netns || u->unreachable))
		printf("Run %u was not rolled back: epolltune cannot access its values from "
		       "here.\n",
		       r->id);
	else if (!u->reverted && !u->unchanged && u->conflict)
		printf("Run %u was not rolled back: its values were modified since. To restore "
		       "them anyway: epolltune rollback %u --force%s\n",
		       r->id, r->id, option);
	else
		printf("Run %u rolled back except for the values above.\n", r->id);
}

static int roll_back(struct rollback *b, struct journal *j, struct err *e)
{
	struct run *r = b->run ? journal_find(j, (unsigned)b->run) : newest(b, j);
	if (b->run && !r) {
		tuning_no_run(&b->tuning, b->run, false, e);
		return refuse(b, e);
	}
	if (!r || (!run_in_force(r) && r->status != RUN_UNFINISHED))
		return nothing(b, j);
	struct undo u = {.site = &b->tuning.site,
			 .by = b->tuning.by,
			 .reason = UNDO_ASKED,
			 .force = b->force,
			 .print = print_step,
			 .arg = b};
	int rc = undo_run(&u, j, r, e);
	if (rc < 0)
		command_error(e);
	if (!b->tuning.document)
		summarize(b, &u, r);
	int status = rc < 0                                                          ? EXIT_CRITICAL
		     : u.conflict || u.other_netns || u.unreachable || u.set_at_boot ? EXIT_WARNING
										     : EXIT_OK;
	/* Values that are restored without a record: the journal has an earlier status. */
	bool unrecorded = !run_in_force(r) && r->status != RUN_ROLLED_BACK;
	return finish(b, &u, r, run_status_name(unrecorded ? RUN_UNFINISHED : r->status),
		      rc < 0 ? e->text : NULL, status);
}

/* Completes the runs that were confirmed: they stay, also if their last record was lost. Not where
 * lines are missing: some of them would be half of a run. */
static int keep_confirmed(struct rollback *b, struct journal *j, struct err *e)
{
	for (size_t i = 0; i < j->count; i++) {
		struct run *r = &j->runs[i];
		if (!run_is_kept(r) || (!run_has_lines(r) && !persist_whole(r, &b->tuning.site)))
			continue;
		int rc = journal_end(j, r, e);
		if (rc < 0)
			return err_prefix(e, "run %u was confirmed and stays, but", r->id);
		if (!b->tuning.document)
			printf("Run %u was confirmed: it stays.\n", r->id);
	}
	return 0;
}

static int run(struct rollback *b, struct err *e)
{
	CLEAN(journal_close) struct journal j;
	int rc = journal_open(&j, b->tuning.state_dir, JOURNAL_WRITE, e);
	if (rc == -ENOENT && b->run)
		tuning_no_run(&b->tuning, b->run, true, e);
	else if (rc == -ENOENT && tuning_absent(&b->tuning, e) == 0)
		return nothing(b, NULL);
	if (rc == -EACCES)
		tuning_as_root(b->given, e);
	if (rc < 0)
		return refuse(b, e);
	tuning_torn(&j);
	if (b->pending && keep_confirmed(b, &j, e) < 0)
		return refuse(b, e);
	return roll_back(b, &j, e);
}

static int rollback(void *arguments, const struct given *given)
{
	struct rollback *b = arguments;
	struct err e = {0};
	b->given = given;
	if (b->pending && given->count) {
		err_set(&e, EINVAL, "rollback: --pending chooses the run itself; it takes no RUN");
		return command_error(&e);
	}
	if (tuning_run(&b->tuning, given, &b->run, &e) || tuning_open(&b->tuning, &e) < 0)
		return command_error(&e);
	/* Signals must not interrupt a rollback. */
	interrupt_hold(INTERRUPT_HANGUP);
	int status = run(b, &e);
	tuning_close(&b->tuning);
	return status;
}

#define AT(member) OPTION_AT(struct rollback, member)

static const struct option_row options[] = {
	{"force", NULL, "also restore values modified since the run", AT(force), FLAG},
	{"pending", NULL, "only a run that is unfinished or waits to be confirmed", AT(pending),
	 FLAG},
	FORMAT_OPTION(AT(tuning.document)),
	TUNING_OPTIONS(struct rollback, tuning),
	{0},
};

static const struct rollback defaults = {.tuning = TUNING_DEFAULTS};

const struct command rollback_command = {
	.name = "rollback",
	.arguments = "[RUN]",
	.summary = "Roll back the changes of a run, by default the newest",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.resolves = true,
	.run = rollback,
};
