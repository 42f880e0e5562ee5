#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands/apply.h"
#include "commands/command.h"
#include "epolltune/cleanup.h"
#include "epolltune/quantity.h"
#include "epolltune/setting.h"
#include "report/parse.h"
#include "tune/execute.h"
#include "tune/interrupt.h"
#include "tune/notice.h"
#include "tune/operator.h"
#include "tune/persist.h"

#define CONFIRM_MAX_US 86400000000u /* a day */
static bool flag_option(struct apply *a, const char *name)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{"foreign", &a->plan_options.foreign},
		{"tight", &a->plan_options.tight},
		{"allow-lower", &a->plan_options.allow_lower},
		{"allow-link-reset", &a->plan_options.allow_reset},
		{"dry-run", &a->dry_run},
		{"yes", &a->yes},
		{"no-proof", &a->no_proof},
		{"persist", &a->persist},
	};
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (!strcmp(name, flags[i].name))
			return *flags[i].flag = true;
	return false;
}

static bool text_option(struct apply *a, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **text;
	} texts[] = {
		{"from", &a->from},
		{"only", &a->plan_options.only},
		{"except", &a->plan_options.except},
		{"set", &a->plan_options.set},
		{"format", &a->format},
		{"state-dir", &a->tuning.state_dir},
		{"color", &a->tuning.color},
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!strcmp(name, texts[i].name)) {
			*texts[i].text = value;
			return true;
		}
	return false;
}

static int arguments_read(struct options *o, struct apply *a, struct err *e)
{
	struct target_option seen = {0};
	const struct option_row *row;
	const char *value;
	bool target = false;
	while ((row = options_next(o, &value, e))) {
		const char *name = row->name;
		int r = target_option(name, value, &a->check.target, &seen, e);
		target |= r > 0;
		if (!r)
			r = check_option(name, value, &a->check, e);
		if (r < 0)
			return r;
		if (r || flag_option(a, name) || text_option(a, name, value))
			continue;
		if (!strcmp(name, "confirm"))
			r = quantity_parse("--confirm", QUANTITY_DURATION, value, 1000000,
					   CONFIRM_MAX_US, &a->confirm_us, e);
		if (r < 0)
			return r;
	}
	if (e->code || o->help)
		return -e->code;
	a->tuning.json = !strcmp(a->format, "json");
	a->plan_options.confirm = a->confirm_us != 0;
	if (!a->dry_run && !a->tuning.json && strcmp(a->format, "text") != 0)
		return err_set(e, EINVAL, "--format %s only prints a plan: add --dry-run",
			       a->format);
	if (a->from && target)
		return err_set(e, EINVAL,
			       "--from uses the target of its report: no other can be given");
	if (a->plan_options.allow_lower && !a->plan_options.set)
		return err_set(
			e, EINVAL,
			"--allow-lower needs --set KNOB=VALUE: proposals never lower a value");
	return 0;
}

/* Whether --set gives each knob of --only its value: then no proposal can change anything. */
static bool set_decides(const struct apply *a)
{
	char one[CHANGE_NAME];
	const char *only = a->plan_options.only;
	if (!only || !a->plan_options.set || a->from)
		return false;
	for (const char *at = only; *at; at += strcspn(at, ","), at += *at == ',') {
		const char *rest = a->plan_options.set;
		struct setting set;
		struct err ignored;
		bool found = false;
		snprintf(one, sizeof(one), "%.*s", (int)strcspn(at, ","), at);
		/* A knob of interfaces without "@NAME" means the others too. */
		while (!found && setting_next(&rest, &set, &ignored) > 0)
			found = setting_listed(one, set.name) &&
				!strchr(set.name, '@') == !strchr(one, '@');
		if (!found)
			return false;
	}
	return true;
}

/* Runs only the probes that the selected knobs concern; false: none has to be run. */
static bool choose_checked(struct apply *a)
{
	bool decided = set_decides(a);
	if (decided && (a->no_proof || a->dry_run || !plan_runtime(a->plan)))
		return false;
	if (!a->plan_options.only)
		return true;
	a->concerned = apply_probes(a, decided ? NULL : a->plan_options.only);
	if (a->concerned && *a->concerned)
		a->check.probes = a->concerned;
	return !decided || !a->concerned || *a->concerned;
}

static int get_report(struct apply *a, struct err *e)
{
	a->reported = a->from || choose_checked(a);
	if (!a->reported)
		return 0;
	if (a->from) {
		int r = report_parse(a->from, a->before, e);
		a->check.target = a->before->target; /* for the proof */
		return r ? r : target_check(&a->before->target, e);
	}
	a->check.progress = isatty(2) && !a->tuning.json;
	return check_run(&a->check, a->before, e);
}

/* The lines of files. */
static int plan_lines(struct apply *a, struct err *e)
{
	CLEAN(free_pointer) struct change *standing = calloc(PLAN_CHANGES, sizeof(*standing));
	if (!standing)
		return err_errno(e, "cannot make a plan");
	journal_refresh(&a->journal, NULL);
	size_t found = persist_standing(&a->journal, &a->tuning.site, standing, PLAN_CHANGES);
	size_t count = 0;
	for (size_t i = 0; i < found; i++)
		if (plan_wants(&a->plan_options, standing[i].name))
			standing[count++] = standing[i];
	const struct change_author author = {
		.by = a->tuning.by, .when = time(NULL), .run = journal_next(&a->journal)};
	return plan_persist(a->plan, standing, count, &author, &a->tuning.site, e);
}

/* Another run has to be decided first. */
static int refuse_pending(const struct apply *a, const struct run *open,
			  const struct host_identity *here, struct err *e)
{
	char option[TUNING_OPTION];
	uint64_t now = watchdog_clock_ms();
	tuning_option(&a->tuning, option);
	if (open->status != RUN_WAITING || strcmp(open->boot, here->boot) != 0)
		return err_set(e, PLAN_REFUSED,
			       "run %u is unfinished: first run epolltune rollback %u%s", open->id,
			       open->id, option);
	if (now > open->deadline_ms || !journal_watched(&a->journal, open->id))
		return err_set(
			e, PLAN_REFUSED,
			"run %u is not confirmed and its rollback watchdog has exited: first run epolltune confirm%s or "
			"epolltune rollback %u%s",
			open->id, option, open->id, option);
	return err_set(e, PLAN_REFUSED,
		       "run %u waits for confirmation and will be rolled back in %llu s: first run "
		       "epolltune confirm%s or epolltune rollback %u%s",
		       open->id, (unsigned long long)((open->deadline_ms - now + 999) / 1000),
		       option, open->id, option);
}

/* Refuses while another run waits or is unfinished. A journal that is written just now, or cannot
 * be read, is an error later. */
static int check_pending(const struct apply *a, struct err *e)
{
	struct host_identity here;
	if (journal_busy(&a->journal) || host_identity(a->tuning.host, &here, NULL) < 0)
		return 0;
	const struct run *open = journal_open_here(&a->journal, &here);
	return open ? refuse_pending(a, open, &here, e) : 0;
}

/* Refuses what can be refused before anything is measured. */
static int check_wishes(struct apply *a, struct err *e)
{
	int r = tuning_settings(a->plan_options.set, e);
	a->plan_options.target = &a->check.target;
	if (r == 0)
		r = plan_make(a->plan, NULL, &a->plan_options, &a->tuning.site, e);
	if (r == 0 && a->persist)
		r = persist_allowed(&a->tuning.site, e);
	return r < 0 || a->dry_run ? r : check_pending(a, e);
}

static int make_plan(struct apply *a, struct err *e)
{
	a->before = calloc(1, sizeof(*a->before));
	a->after = calloc(1, sizeof(*a->after));
	a->plan = calloc(1, sizeof(*a->plan));
	if (!a->before || !a->after || !a->plan)
		return err_errno(e, "cannot make a plan");
	int r = check_wishes(a, e);
	if (r == 0)
		r = get_report(a, e);
	if (r == 0 && a->reported) {
		report_answer(a->before, a->answer);
		a->result.answer = a->answer;
		r = plan_make(a->plan, a->before, &a->plan_options, &a->tuning.site, e);
	}
	if (r < 0)
		return r;
	plan_permit(a->plan, &a->tuning.site);
	/* With --confirm, epolltune confirm writes the files. */
	if (a->persist && !a->plan->blocked && (!a->confirm_us || a->dry_run))
		r = plan_lines(a, e);
	if (r == 0 && a->persist)
		r = plan_drift(a->plan, &a->plan_options, &a->tuning.site, e);
	return r;
}

static void print_step(void *arg, const struct change *c, const char *text)
{
	const struct apply *a = arg;
	tuning_print(&a->tuning, c->name, text);
}

static int show(const struct apply *a, const char *format, struct err *e)
{
	return plan_render_find(format)(stdout, &a->result, &a->tuning.style, e);
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
	if (!a->tuning.json && show(a, "text", &e) < 0)
		return command_error(&e);
	bool denied = e.code == EACCES || e.code == EPERM;
	if (denied && geteuid() != 0 && host_owns_machine(a->tuning.host))
		err_set(&e, e.code, "%s: nothing was changed; run as root: %s%s",
			a->plan->blocker.text, a->command_cut ? "the same command" : "sudo ",
			a->command_cut ? "" : a->command);
	else
		err_set(&e, e.code, "%s: nothing was changed%s", a->plan->blocker.text,
			denied ? "; set it on the host" : "");
	return refuse(a, &e, EXIT_UNKNOWN);
}

/* Locks the journal; fails if another run has begun since it was read. */
static int open_journal(struct apply *a, unsigned expected, struct err *e)
{
	struct host_identity here;
	int r = journal_lock(&a->journal, a->tuning.state_dir, e);
	if (r < 0)
		return r;
	if (a->journal.torn)
		fprintf(stderr, "epolltune: the journal's last record was torn (a crash while it "
				"was written): removed, nothing depends on it\n");
	r = host_identity(a->tuning.host, &here, e);
	if (r < 0)
		return r;
	const struct run *open = journal_open_here(&a->journal, &here);
	if (open)
		return refuse_pending(a, open, &here, e);
	if (expected != journal_next(&a->journal))
		return err_set(e, PLAN_REFUSED,
			       "another run was made meanwhile: run epolltune apply again");
	return 0;
}

static uint64_t confirm_seconds(const struct apply *a)
{
	return (a->confirm_us + 999999) / 1000000;
}

static void summarize(const struct apply *a)
{
	const struct plan_result *x = &a->result;
	char option[TUNING_OPTION];
	tuning_option(&a->tuning, option);
	if (a->tuning.json)
		return;
	if (x->outcome == OUTCOME_APPLIED)
		printf("Applied as run %u%s. Roll back with: epolltune rollback %u%s\n", x->run,
		       a->proof.doubtful ? ", but not all of it proven" : "", x->run, option);
	else if (x->outcome == OUTCOME_WAITING)
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
	int r = 0;
	for (size_t i = 0; i < a->plan->count && r == 0; i++) {
		const struct change *c = &a->plan->changes[i];
		if (c->scope == CHANGE_FILES)
			r = change_kind_find(c->kind)->check(&a->tuning.site, c->name, c->to, e);
	}
	return r;
}

/* EXIT_WARNING if manual steps remain or a change is not proven. */
static int status_of(const struct apply *a)
{
	return a->proof.doubtful || a->plan->manual_count ? EXIT_WARNING : EXIT_OK;
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
		.persist = a->persist,
		.print = print_step,
		.prove = proves ? apply_prove : NULL,
		.arg = a,
		.outcome = a->result.outcome,
	};
	if (provable && !proves && !a->tuning.json)
		puts("No probe covers these knobs: values were verified, their effect was not.");
	int r = execute_plan(&x, e);
	a->result.outcome = x.outcome;
	a->result.run = x.run;
	*trouble = x.trouble;
	return r;
}

static int do_plan(struct apply *a, unsigned expected)
{
	struct err e = {0}, trouble;
	struct plan_result *result = &a->result;
	int r = check_files(a, &e);
	if (r == 0)
		r = open_journal(a, expected, &e);
	if (r == -EACCES || r == -EPERM)
		err_prefix(&e, "nothing was changed");
	if (r < 0)
		return refuse(a, &e,
			      r == -PLAN_REFUSED || r == -EBUSY || r == -ENOSPC ? EXIT_CRITICAL
										: EXIT_UNKNOWN);
	r = execute(a, &trouble, &e);
	if (r == 0) {
		result->persisted = json_array();
		r = tuning_files(&a->tuning, a->plan, result->persisted, &e);
	}
	summarize(a);
	if (r == 0)
		return tuning_finish(&a->tuning, result, status_of(a));
	if (!result->run)
		result->outcome = OUTCOME_REFUSED;
	else if (result->outcome == OUTCOME_REVERTED)
		err_prefix(&e, "run %u was rolled back", result->run);
	else if (result->outcome == OUTCOME_PARTLY)
		err_prefix(&e, "run %u was only partly rolled back", result->run);
	result->reason = e.text;
	command_error(&e);
	if (trouble.code)
		command_error(&trouble);
	return tuning_finish(&a->tuning, result, EXIT_CRITICAL);
}

/* A report without any verdict is not ready. */
static bool is_ready(const struct apply *a)
{
	enum wall_verdict status = report_summarize(a->before).status;
	return (status == VERDICT_OK || status == VERDICT_TIGHT) &&
	       a->plan->unknown < a->before->wall_count;
}

/* Why a report that is not ready leads to no change. */
static const char *no_change(const struct apply *a)
{
	const struct plan_options *o = &a->plan_options;
	if (!a->reported)
		return a->plan->count ? NULL
				      : "Nothing to change: the values of --set are in force.";
	if (a->plan->count || is_ready(a))
		return NULL;
	if (a->plan->in_force)
		return "Nothing to change: the proposed values are in force; run epolltune check.";
	if (o->set)
		return "Nothing to change: the values of --set are in force.";
	if (a->plan->manual_count)
		return "epolltune can change nothing here.";
	if (o->only || o->except)
		return "Nothing to change among the selected knobs: see epolltune check.";
	return "epolltune can change nothing here: see epolltune check.";
}

/* The exit status of a preview, and of a plan without changes. */
static int preview_status(const struct apply *a)
{
	const struct plan *p = a->plan;
	if (status_of(a) != EXIT_OK || p->count || p->in_force || a->plan_options.set ||
	    is_ready(a))
		return status_of(a);
	return report_summarize(a->before).status == VERDICT_SHORT ? EXIT_WARNING : EXIT_UNKNOWN;
}

static int run(struct apply *a)
{
	struct err e = {0};
	/* What prevents reading it is an error later, when it is to be written. */
	journal_open(&a->journal, a->tuning.state_dir, JOURNAL_READ, NULL);
	unsigned expected = journal_next(&a->journal);
	int r = make_plan(a, &e);
	a->result.plan = a->plan;
	if (r < 0 && !a->plan)
		return command_error(&e);
	if (r < 0)
		return refuse(a, &e, r == -PLAN_REFUSED ? EXIT_CRITICAL : EXIT_UNKNOWN);
	a->result.outcome = a->plan->count ? OUTCOME_PLANNED : OUTCOME_NOTHING;
	a->result.reason = no_change(a);
	if (a->dry_run) {
		journal_refresh(&a->journal, NULL);
		notice_of_journal(&a->journal);
	}
	if (a->dry_run || !a->plan->count)
		return show(a, a->format, &e) < 0 ? command_error(&e) : preview_status(a);
	if (a->plan->blocked)
		return refuse_blocked(a);
	if (!a->tuning.json && show(a, "text", &e) < 0)
		return command_error(&e);
	if (!a->yes && (r = apply_ask(a, &e)) < 0)
		return refuse(a, &e, r == -ENOTTY ? EXIT_UNKNOWN : EXIT_CRITICAL);
	interrupt_hold();
	int status = do_plan(a, expected);
	journal_unlock(&a->journal);
	status = apply_watch(a, status);
	interrupt_release();
	return status;
}

int command_apply(int argc, char **argv)
{
	struct err e = {0};
	struct options o = options_begin("apply", argc, argv);
	struct apply a = {.tuning = tuning_defaults(), .check = check_defaults(), .format = "text"};
	a.check.stay = true;
	a.command_cut = !operator_command(a.command, sizeof(a.command), argc, argv);
	if (arguments_read(&o, &a, &e))
		return command_error(&e);
	if (o.help)
		return command_help(o.command);
	if (tuning_open(&a.tuning, &e) < 0)
		return command_error(&e);
	int status = run(&a);
	tuning_close(&a.tuning);
	journal_close(&a.journal);
	json_decref(a.result.proof);
	json_decref(a.result.persisted);
	free(a.probes);
	free(a.concerned);
	free(a.before);
	free(a.after);
	free(a.plan);
	return status;
}
