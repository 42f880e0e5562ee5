#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "commands/apply.h"
#include "commands/command.h"
#include "commands/target_options.h"
#include "tune/execute.h"
#include "tune/notice.h"
#include "tune/operator.h"
#include "tune/persist.h"
#include "tune/state.h"

#define CONFIRM_MIN_US 1000000
#define CONFIRM_MAX_US 86400000000u /* a day */

#define AT(member) OPTION_AT(struct apply, member)

static const struct option_row options[] = {
	{"from", "FILE", "apply this report of check --format json", AT(from), TEXT_OF(FILES)},
	{"foreign", NULL, "accept a report of another machine or boot", AT(plan_options.foreign),
	 FLAG},
	{"tight", NULL, "include tight walls", AT(plan_options.tight), FLAG},
	{"only", "KNOB,…", "change only these knobs", AT(plan_options.only), LIST_OF(KNOBS)},
	{"except", "KNOB,…", "do not change these knobs", AT(plan_options.except), LIST_OF(KNOBS)},
	{"set", "KNOB=VALUE,…", "set these values, with the same checks", AT(plan_options.set),
	 LIST(NULL)},
	{"allow-lower", NULL, "let --set lower a value", AT(plan_options.allow_lower), FLAG},
	{"allow-link-reset", NULL, "allow changes that reset the link of an interface",
	 AT(plan_options.allow_reset), FLAG},
	{"dry-run", NULL, "print the plan, change nothing", AT(dry_run), FLAG},
	{"format", "FORMAT", "text (default), json or html; with --dry-run sysctl or shell",
	 AT(format), TEXT(PLAN_FORMATS), .explained = true},
	{"yes", NULL, "apply without asking", AT(yes), FLAG},
	{"confirm", "TIME", "roll back unless confirmed within TIME", AT(confirm_us),
	 NUMBER(DURATION, CONFIRM_MIN_US, CONFIRM_MAX_US)},
	{"persist", NULL, "also write the values below /etc, for the next boot", AT(persist), FLAG},
	{"no-proof", NULL, "do not verify the changes by a second check", AT(no_proof), FLAG},
	TARGET_OPTIONS(struct apply, check),
	PROBE_OPTIONS(struct apply, check),
	TUNING_OPTIONS(struct apply, tuning),
	{0},
};

static int arguments_check(struct apply *a, const struct given *given, struct err *e)
{
	const struct plan_format *format = plan_format_find(a->format);
	a->tuning.document = format->use == PLAN_DOCUMENT;
	a->tuning.render = format->render;
	a->plan_options.confirm = a->confirm_us != 0;
	a->plan_options.preview = a->dry_run;
	if (!a->dry_run && format->use == PLAN_PREVIEW)
		return err_set(e, EINVAL, "--format %s only prints a plan: add --dry-run",
			       a->format);
	if (a->plan_options.foreign && !a->from)
		return err_set(e, EINVAL, "--foreign needs --from FILE");
	if (a->from && target_given(given))
		return err_set(e, EINVAL,
			       "--from uses the target of its report: no other can be given");
	if (target_used(&a->check, given, e))
		return -e->code;
	if (a->from && a->check.ignore)
		return err_set(e, EINVAL,
			       "--from accepts what its report does: give --ignore to check");
	if (a->plan_options.allow_lower && !a->plan_options.set)
		return err_set(
			e, EINVAL,
			"--allow-lower needs --set KNOB=VALUE: proposals never lower a value");
	return 0;
}

static void print_step(void *arg, const struct change *c, const char *text)
{
	const struct apply *a = arg;
	tuning_print_step(&a->tuning, c, text);
}

static int show(const struct apply *a, plan_render_function *render, struct err *e)
{
	return render(stdout, &a->result, &a->tuning.style, e);
}

static int refuse(struct apply *a, const struct err *why, int status)
{
	a->result.outcome = OUTCOME_REFUSED;
	a->result.reason = why->text;
	command_error(why);
	return tuning_finish(&a->tuning, &a->result, status);
}

/* Refuses a plan whose changes this process is not allowed to make. */
static int refuse_blocked(struct apply *a)
{
	struct err e = a->plan->blocker;
	if (!a->tuning.document && show(a, plan_render_text, &e) < 0)
		return command_error(&e);
	bool denied = e.code == EACCES || e.code == EPERM;
	bool sudo = denied && geteuid() != 0 && host_owns_machine(a->tuning.host);
	err_set(&e, e.code, "%s: nothing was changed%s", a->plan->blocker.text,
		denied && !sudo ? "; set it on the host" : "");
	if (sudo)
		tuning_as_root(a->given, &e);
	return refuse(a, &e, EXIT_UNKNOWN);
}

/* Fails if another command has written the journal since it had `planned` bytes: what the plan
 * leaves alone may have another value now. */
static int check_written(const struct apply *a, off_t planned, struct err *e)
{
	if (planned == a->journal.good)
		return 0;
	return err_set(e, PLAN_REFUSED,
		       "another epolltune command changed settings meanwhile: run epolltune "
		       "apply again");
}

/* The same where nothing has to be written: also if another command is about to. */
static int check_still(struct apply *a, off_t planned, struct err *e)
{
	bool locked = journal_locked(&a->journal);
	journal_refresh(&a->journal, NULL);
	return check_written(a, locked ? -1 : planned, e);
}

/* Locks the journal. */
static int open_journal(struct apply *a, off_t planned, struct err *e)
{
	struct host_identity here;
	int rc = journal_lock(&a->journal, a->tuning.state_dir, e);
	if (rc < 0)
		return rc;
	tuning_torn(&a->journal);
	rc = host_identity(a->tuning.host, &here, e);
	if (rc < 0)
		return rc;
	const struct run *open = journal_open_run(&a->journal, &here);
	if (open)
		return apply_refuse_pending(a, open, &here, e);
	return check_written(a, planned, e);
}

static uint64_t confirm_seconds(const struct apply *a)
{
	return (a->confirm_us + 999999) / 1000000;
}

/* Without --persist, unless files say the same. */
static void print_until_boot(struct apply *a)
{
	const struct run *r = journal_find(&a->journal, a->result.run);
	struct err ignored;
	if (!a->persist && r &&
	    persist_allowed(&a->tuning.site, a->tuning.state_dir, &ignored) == 0 &&
	    !persist_whole(r, &a->tuning.site))
		puts("The values last until the next boot; the same command with --persist keeps "
		     "them.");
}

static void summarize(struct apply *a)
{
	const struct plan_result *x = &a->result;
	char option[TUNING_OPTION];
	tuning_option(&a->tuning, option);
	if (a->tuning.document)
		return;
	if (x->outcome == OUTCOME_APPLIED) {
		printf("Applied as run %u%s. Roll back with: epolltune rollback %u%s\n", x->run,
		       a->proof.doubtful ? ", but not all of it proven" : "", x->run, option);
		print_until_boot(a);
	} else if (x->outcome == OUTCOME_WAITING)
		printf("Applied as run %u. "
		       "Will be rolled back in %llu s unless confirmed: epolltune confirm%s\n",
		       x->run, (unsigned long long)confirm_seconds(a), option);
	else if (x->outcome == OUTCOME_REVERTED)
		printf("Run %u rolled back; all values restored.\n", x->run);
	else if (x->outcome == OUTCOME_PARTLY)
		printf("Run %u only PARTLY rolled back, see above. Retry: epolltune rollback %u%s; "
		       "--force also overwrites values changed by others\n",
		       x->run, x->run, option);
	fflush(stdout);
}

/* Validate file changes before the first write. */
static int check_files(struct apply *a, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < a->plan->count && rc == 0; i++) {
		const struct change *c = &a->plan->changes[i];
		if (c->scope == CHANGE_FILES)
			rc = c->kind->check(&a->tuning.site, c->name, c->to, e);
	}
	return rc;
}

/* Makes the changes, and proves them. `trouble` is the first error of a rollback. */
static int execute(struct apply *a, struct err *trouble, struct err *e)
{
	bool provable = plan_runtime(a->plan) && !a->no_proof;
	bool proves = provable && apply_choose_proof(a);
	struct execution x = {
		.plan = a->plan,
		.journal = &a->journal,
		.site = &a->tuning.site,
		.by = a->tuning.by,
		.command = a->command,
		.confirm_s = confirm_seconds(a),
		.prove_s = proves ? apply_proof_limit(a) : 0,
		.persist = a->persist,
		.print = print_step,
		.prove = proves ? apply_prove : NULL,
		.arg = a,
		.outcome = a->result.outcome,
	};
	if (provable && !proves && !a->tuning.document)
		puts("No probe covers these knobs: values were verified, their effect was not.");
	int rc = execute_plan(&x, e);
	a->result.outcome = x.outcome;
	a->result.run = x.run;
	*trouble = x.trouble;
	return rc;
}

static int do_plan(struct apply *a, off_t planned)
{
	struct err e = {0}, trouble;
	struct plan_result *result = &a->result;
	int rc = check_files(a, &e);
	if (rc == 0)
		rc = open_journal(a, planned, &e);
	if (rc < 0)
		err_prefix(&e, "nothing was changed");
	if (rc < 0)
		return refuse(a, &e,
			      rc == -PLAN_REFUSED || rc == -EBUSY || rc == -ENOSPC ? EXIT_CRITICAL
										   : EXIT_UNKNOWN);
	rc = execute(a, &trouble, &e);
	if (rc == 0) {
		result->persisted = json_array();
		rc = tuning_files(&a->tuning, &a->journal, a->plan, result->persisted, &e);
	}
	summarize(a);
	if (rc == 0)
		return tuning_finish(&a->tuning, result, apply_status(a));
	if (!result->run) {
		result->outcome = OUTCOME_REFUSED;
		err_prefix(&e, "nothing was changed");
	} else if (result->outcome == OUTCOME_REVERTED)
		err_prefix(&e, "run %u was rolled back", result->run);
	else if (result->outcome == OUTCOME_PARTLY)
		err_prefix(&e, "run %u was only partly rolled back", result->run);
	result->reason = e.text;
	command_error(&e);
	if (trouble.code)
		command_error(&trouble);
	return tuning_finish(&a->tuning, result, EXIT_CRITICAL);
}

/* Reads the journal, before anything is measured, and fails where it cannot be written. A user who
 * is not root gets the plan, which says who can make it. */
static int read_journal(struct apply *a, struct err *e)
{
	int rc = journal_open(&a->journal, a->tuning.state_dir, JOURNAL_READ, e);
	if (rc == -ENOENT || (rc == 0 && !a->dry_run))
		rc = a->dry_run ? 0 : state_check(a->tuning.state_dir, e);
	if (rc == 0 || (rc == -EACCES && geteuid() != 0))
		return 0;
	if (a->dry_run)
		command_error(e);
	else
		err_prefix(e, "nothing was changed");
	return a->dry_run ? 0 : rc;
}

static int run(struct apply *a)
{
	struct err e = {0};
	if (read_journal(a, &e) < 0)
		return command_error(&e);
	off_t planned = a->journal.good;
	int rc = apply_plan(a, &e);
	a->result.plan = a->plan;
	if (rc < 0 && !a->plan)
		return command_error(&e);
	if (rc < 0)
		return refuse(a, &e, rc == -PLAN_REFUSED ? EXIT_CRITICAL : EXIT_UNKNOWN);
	a->result.outcome = a->plan->count ? OUTCOME_PLANNED : OUTCOME_NOTHING;
	a->result.reason = apply_no_change(a);
	a->result.before = a->reported ? a->before : NULL;
	a->result.reasons = a->reported && !a->from ? hint_check(a->before, a->reasons) : NULL;
	a->result.command = a->command_cut ? NULL : a->command;
	a->result.option = tuning_option(&a->tuning, a->option);
	if (a->dry_run) {
		journal_refresh(&a->journal, NULL);
		notice_of_journal(&a->journal);
	} else if (!a->plan->count && check_still(a, planned, &e) < 0) {
		return refuse(a, &e, EXIT_CRITICAL);
	}
	if (a->dry_run || !a->plan->count)
		return show(a, a->tuning.render, &e) < 0 ? command_error(&e)
							 : apply_preview_status(a);
	if (a->plan->blocked)
		return refuse_blocked(a);
	if (!a->tuning.document && show(a, plan_render_text, &e) < 0)
		return command_error(&e);
	if (!a->yes && (rc = apply_ask(a, &e)) < 0)
		return refuse(a, &e, rc == -ENOTTY ? EXIT_UNKNOWN : EXIT_CRITICAL);
	interrupt_hold(INTERRUPT_HANGUP);
	int status = do_plan(a, planned);
	journal_unlock(&a->journal);
	status = apply_watch(a, status);
	interrupt_release();
	const struct run *r = journal_find(&a->journal, a->result.run);
	return tuning_written(&a->tuning, a->result.run, r ? run_status_name(r->status) : "applied",
			      status, 0, &e);
}

static int apply(void *arguments, const struct given *given)
{
	struct apply *a = arguments;
	struct err e = {0};
	a->given = given;
	a->command_cut =
		!operator_command(a->command, sizeof(a->command), given->argc, given->argv);
	if (!a->command_cut && strlen(a->command) < sizeof(((struct err *)0)->text) / 2)
		a->check.command = a->command;
	check_saved(&a->check, given);
	if (arguments_check(a, given, &e) || tuning_open(&a->tuning, &e) < 0)
		return command_error(&e);
	int status = run(a);
	tuning_close(&a->tuning);
	journal_close(&a->journal);
	json_decref(a->result.proof);
	json_decref(a->result.persisted);
	free(a->standing);
	free(a->before);
	free(a->after);
	free(a->plan);
	return status;
}

static const struct apply defaults = {
	.tuning = TUNING_DEFAULTS,
	.check = {.target = TARGET_DEFAULT, .stay = true},
	.format = "text",
};

const struct command apply_command = {
	.name = "apply",
	.arguments = "",
	.summary = "Apply the recommended settings, verify them, roll back on failure",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.resolves = true,
	.run = apply,
};
