#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands/check.h"
#include "commands/command.h"
#include "commands/tuning.h"
#include "epolltune/cleanup.h"
#include "epolltune/knob.h"
#include "epolltune/quantity.h"
#include "epolltune/setting.h"
#include "report/compare.h"
#include "report/figure.h"
#include "report/parse.h"
#include "tune/coverage.h"
#include "tune/executor.h"
#include "tune/interrupt.h"
#include "tune/notice.h"
#include "tune/operator.h"
#include "tune/persist.h"
#include "tune/undo.h"

#define CONFIRM_MAX_US 86400000000u /* a day */
/* The improvement that counts if the verdict is unchanged; the throughput of two runs often differs
 * by less. */
#define PROOF_MOVED 0.2

struct apply {
	struct tuning tuning;
	struct check_options check;
	struct plan_options plan_options;
	const char *from, *format;
	bool dry_run, yes, no_proof, persist;
	uint64_t confirm_us;
	char command[1024];
	bool command_cut; /* `command` is incomplete */

	struct report *before, *after; /* `after` is the proof's */
	bool reported;                 /* `before` is filled */
	char answer[REPORT_ANSWER];    /* of `before` */
	char *concerned;               /* probes of `before`; NULL: those of `check` */
	struct check_options again;    /* options of the proof */
	char *probes;                  /* probes of the proof; NULL: all */
	struct plan *plan;
	struct execution x;
	unsigned unwatched; /* how often in a row the watchdog was not found */
	bool doubtful;      /* a wall is not proven, or still short */
};

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

static char *probes_for(const struct apply *a, const char *knobs)
{
	CLEAN(free_pointer) const struct probe **all = calloc(probe_count(), sizeof(*all));
	for (size_t i = 0; i < probe_count() && all; i++)
		all[i] = probe_at(i);
	if (!all)
		return NULL;
	return knobs ? coverage_concerned(knobs, all, probe_count(), a->check.probes)
		     : coverage_probes(a->plan, all, probe_count(), a->check.probes);
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
	a->concerned = probes_for(a, decided ? NULL : a->plan_options.only);
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

/* The number of the next run, for the comments in files. */
static unsigned next_run(const struct apply *a)
{
	struct journal j;
	struct err ignored;
	if (journal_open(&j, a->tuning.state_dir, JOURNAL_READ, &ignored) < 0)
		return 1;
	unsigned next = j.count ? j.runs[j.count - 1].id + 1 : 1;
	journal_close(&j);
	return next;
}

static int plan_lines(struct apply *a, struct err *e)
{
	CLEAN(free_pointer) struct change *standing = calloc(PLAN_CHANGES, sizeof(*standing));
	if (!standing)
		return err_errno(e, "cannot make a plan");
	size_t found =
		persist_standing(a->tuning.state_dir, &a->tuning.site, standing, PLAN_CHANGES);
	size_t count = 0;
	for (size_t i = 0; i < found; i++)
		if (plan_wants(&a->plan_options, standing[i].name))
			standing[count++] = standing[i];
	return plan_persist(a->plan, standing, count, a->tuning.by, time(NULL), next_run(a),
			    &a->tuning.site, e);
}

/* Another run has to be decided first. */
static int refuse_pending(const struct apply *a, const struct journal *j, const struct run *open,
			  const struct host_identity *here, struct err *e)
{
	char option[TUNING_OPTION];
	uint64_t now = watchdog_clock_ms();
	tuning_option(&a->tuning, option);
	if (open->status != RUN_WAITING || strcmp(open->boot, here->boot) != 0)
		return err_set(e, PLAN_REFUSED,
			       "run %u is unfinished: first run epolltune rollback %u%s", open->id,
			       open->id, option);
	if (now > open->deadline_ms || !journal_watched(j, open->id))
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
	CLEAN(journal_close) struct journal j;
	struct host_identity here;
	struct err later;
	if (journal_open(&j, a->tuning.state_dir, JOURNAL_READ, &later) < 0 || journal_busy(&j) ||
	    host_identity(a->tuning.host, &here, &later) < 0)
		return 0;
	const struct run *open = journal_open_here(&j, &here);
	return open ? refuse_pending(a, &j, open, &here, e) : 0;
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
		a->x.answer = a->answer;
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

/* Selects the probes of the proof: those of the check or, with --from, --only or --set, those that
 * measure the changes. False: there are none. */
static bool choose_probes(struct apply *a)
{
	a->again = a->check;
	/* A running server keeps its queue and its limits until it is restarted. */
	a->again.server = NULL;
	if (!a->from && !a->plan_options.only && !a->plan_options.set)
		return true;
	a->probes = probes_for(a, NULL);
	if (!a->probes)
		return true; /* without memory, all of them */
	a->again.probes = a->probes;
	return *a->probes;
}

/* Reduces a report to the walls and findings of the probes of the proof. */
static void narrow(const struct apply *a, struct report *r)
{
	size_t walls = 0, findings = 0;
	for (size_t i = 0; i < r->wall_count; i++) {
		bool kept = false;
		for (size_t n = 0; n < probe_count() && !kept; n++)
			kept = coverage_listed(a->probes, probe_at(n)->name) &&
			       probe_has_wall(probe_at(n), r->walls[i].name);
		if (kept)
			r->walls[walls++] = r->walls[i];
	}
	r->wall_count = walls;
	for (size_t i = 0; i < r->finding_count; i++)
		if (r->findings[i].wall[0] && report_find(r, r->findings[i].wall))
			r->findings[findings++] = r->findings[i];
	r->finding_count = findings;
}

static int still_short(const struct change *c, const struct wall *after, struct err *e)
{
	return err_set(e, ECANCELED, "%s → %s did not improve %s: it is still %s", c->from, c->to,
		       c->wall, wall_verdict_name(after->verdict));
}

/* Whether the wall improved by more than two runs usually differ. */
static bool improved(const struct wall *before, const struct wall *after)
{
	int64_t was = figure_of(before), is = figure_of(after);
	if (compare_wall(before, after) != COMPARE_MOVED)
		return compare_wall(before, after) == COMPARE_BETTER;
	if (was == REPORT_NONE || is == REPORT_NONE)
		return false;
	double rise = ((double)is - (double)was) / (was ? (double)was : 1);
	const struct wall_row *row = wall_row_find(after->name);
	return (row && row->lower_is_better ? -rise : rise) > PROOF_MOVED;
}

/* Whether the wall is observed, not measured by an experiment: then the absence of loss is a proof
 * only under load, and an interface that was just reset may carry no traffic. */
static bool is_observed(const struct change *c)
{
	const struct finding_row *row = finding_row_find(c->finding);
	return row && row->observed;
}

/* Whether the wall has no problem: it is ok or n/a. */
static bool is_quiet(const struct wall *w)
{
	return w && (w->verdict == VERDICT_OK || w->verdict == VERDICT_NA);
}

static bool proven(const struct change *c, const struct wall *after)
{
	return !c->wall[0] || c->scope == CHANGE_FILES || (is_quiet(after) && !is_observed(c));
}

/* Fails unless the change improved its wall. */
static int check_moved(struct apply *a, const struct change *c, struct err *e)
{
	const struct wall *before = report_find(a->before, c->wall);
	const struct wall *after = report_find(a->after, c->wall);
	if (proven(c, after))
		return 0;
	a->doubtful = true;
	if (is_quiet(after))
		return 0;
	if (!after || after->verdict == VERDICT_UNKNOWN)
		return 0;
	/* A report of another machine is not a baseline: only the outcome counts. */
	bool foreign = a->plan_options.foreign;
	bool moved = !foreign && before && improved(before, after);
	return moved || (foreign && after->verdict == VERDICT_TIGHT) ? 0 : still_short(c, after, e);
}

static void print_unproven(const struct apply *a)
{
	for (size_t i = 0; i < a->plan->count; i++) {
		const struct change *c = &a->plan->changes[i];
		const struct wall *after = report_find(a->after, c->wall);
		char text[80];
		if (proven(c, after))
			continue;
		if (is_quiet(after))
			snprintf(text, sizeof(text),
				 "no loss while observed: proven only under load");
		else if (!after || after->verdict == VERDICT_UNKNOWN)
			snprintf(text, sizeof(text), "could not be measured again: not proven");
		else
			snprintf(text, sizeof(text), "is still %s",
				 wall_verdict_name(after->verdict));
		tuning_print(&a->tuning, c->wall, text);
	}
}

static int check_worse(const struct apply *a, struct err *e)
{
	for (size_t i = 0; i < a->after->wall_count && !a->plan_options.foreign; i++) {
		const struct wall *after = &a->after->walls[i];
		const struct wall *before = report_find(a->before, after->name);
		if (!is_quiet(after) && compare_wall(before, after) == COMPARE_WORSE)
			return err_set(e, ECANCELED, "%s became worse: %s before, %s after",
				       after->name, wall_verdict_name(before->verdict),
				       wall_verdict_name(after->verdict));
	}
	return 0;
}

static int prove_once(struct apply *a, struct err *e)
{
	a->doubtful = false;
	int r = check_run(&a->again, a->after, e);
	if (interrupt_came())
		return err_set(e, EINTR, "interrupted by %s during the proof",
			       interrupt_name(interrupt_came()));
	if (r < 0)
		return err_prefix(e, "the proof");
	for (size_t i = 0; i < a->plan->count && r == 0; i++)
		r = check_moved(a, &a->plan->changes[i], e);
	return r < 0 ? r : check_worse(a, e);
}

/* Repeats a failed proof once, so that a busy moment does not cause a rollback. */
static int prove(void *arg, struct err *e)
{
	struct apply *a = arg;
	if (a->probes)
		narrow(a, a->before);
	int r = prove_once(a, e);
	if (r < 0 && !interrupt_came())
		r = prove_once(a, e);
	if (a->tuning.json) {
		a->x.proof = compare_json(a->before, a->after);
	} else {
		struct err ignored; /* a closed pipe must not cause a rollback either */
		char head[PAGE_TEXT];
		struct page p = page_open(stdout, &a->tuning.style);
		snprintf(head, sizeof(head), "Proof, %s%s before and after:",
			 a->probes ? "check --probe " : "the same probes",
			 a->probes ? a->probes : "");
		page_paragraph(&p, TONE_PLAIN, 0, head);
		putchar('\n');
		compare_text(stdout, a->before, a->after, &a->tuning.style, &ignored);
		print_unproven(a);
	}
	return r;
}

static void print_step(void *arg, const struct change *c, const char *text)
{
	const struct apply *a = arg;
	tuning_print(&a->tuning, c->name, text);
}

static int show(struct apply *a, const struct executor *executor, struct err *e)
{
	a->x.out = stdout;
	return executor_run(executor, &a->x, e);
}

/* Prints the outcome if the format is JSON; returns the exit status. */
static int finish(struct apply *a, int status)
{
	struct err e;
	if (a->tuning.json && show(a, &executor_json, &e) < 0)
		return command_error(&e);
	return status;
}

static int refuse(struct apply *a, const struct err *why, int status)
{
	a->x.outcome = OUTCOME_REFUSED;
	a->x.reason = why->text;
	command_error(why);
	return finish(a, status);
}

/* Refuses a plan whose changes this process is not allowed to make. */
static int refuse_blocked(struct apply *a)
{
	struct err e = a->plan->blocker;
	if (!a->tuning.json && show(a, &executor_diff, &e) < 0)
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

/* Where the answer is read: standard input or, if that is the report, the terminal of the session.
 * NULL: there is no terminal. */
static FILE *open_answers(const struct apply *a)
{
	if (a->from && strcmp(a->from, "-") == 0)
		return fopen("/dev/tty", "re");
	return isatty(0) ? fdopen(dup(0), "r") : NULL;
}

/* Asks on the terminal, even if the output goes to a file or a pipe. */
static int ask(const struct apply *a, struct err *e)
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

static int open_journal(struct apply *a, struct journal *j, unsigned expected, struct err *e)
{
	int r = journal_open(j, a->tuning.state_dir, JOURNAL_MAKE, e);
	if (r < 0)
		return r;
	if (j->torn)
		fprintf(stderr, "epolltune: the journal's last record was torn (a crash while it "
				"was written): removed, nothing depends on it\n");
	struct host_identity here;
	r = host_identity(a->tuning.host, &here, e);
	if (r < 0)
		return r;
	const struct run *open = journal_open_here(j, &here);
	if (open)
		return refuse_pending(a, j, open, &here, e);
	if (expected != (j->count ? j->runs[j->count - 1].id + 1 : 1))
		return err_set(e, PLAN_REFUSED,
			       "another run was made meanwhile: run epolltune apply again");
	return 0;
}

/* Prints what the files will set at the next boot. */
static int print_lines(struct apply *a, struct err *e)
{
	json_t *list = json_array();
	int r = 0;
	for (size_t i = 0; i < a->plan->count && r == 0; i++) {
		const struct change *c = &a->plan->changes[i];
		struct persisted p;
		char text[CHANGE_VALUE * 3];
		if (c->scope != CHANGE_FILES)
			continue;
		r = persist_look(c, &a->tuning.site, &p, e);
		if (r < 0)
			break;
		persist_text(&p, text, sizeof(text));
		json_array_append_new(list, persist_json(&p));
		if (!a->tuning.json)
			tuning_print(&a->tuning, p.knob, text);
	}
	a->x.persisted = list;
	return r;
}

static void summarize(const struct apply *a)
{
	const struct execution *x = &a->x;
	char option[TUNING_OPTION];
	tuning_option(&a->tuning, option);
	if (a->tuning.json)
		return;
	if (x->outcome == OUTCOME_APPLIED)
		printf("Applied as run %u%s. Roll back with: epolltune rollback %u%s\n", x->run,
		       a->doubtful ? ", but not all of it proven" : "", x->run, option);
	else if (x->outcome == OUTCOME_WAITING)
		printf("Applied as run %u. "
		       "Will be rolled back in %llu s unless confirmed: epolltune confirm%s\n",
		       x->run, (unsigned long long)x->confirm_s, option);
	else if (x->outcome == OUTCOME_REVERTED)
		printf("Run %u rolled back; all values restored.\n", x->run);
	else if (x->outcome == OUTCOME_PARTLY)
		printf("Run %u only PARTLY rolled back, see above. Retry: epolltune rollback %u%s; "
		       "--force also overwrites values changed by others\n",
		       x->run, x->run, option);
	fflush(stdout);
}

/* Validate file changes before the first write. */
static int check_files(const struct apply *a, struct err *e)
{
	int r = 0;
	for (size_t i = 0; i < a->plan->count && r == 0; i++) {
		struct change *c = &a->plan->changes[i];
		if (c->scope == CHANGE_FILES)
			r = change_kind_find(c->kind)->check(&a->tuning.site, c->name, c->to, c->to,
							     e);
	}
	return r;
}

/* EXIT_WARNING if manual steps remain or a change is not proven. */
static int status_of(const struct apply *a)
{
	return a->doubtful || a->plan->manual_count ? EXIT_WARNING : EXIT_OK;
}

static int do_plan(struct apply *a, unsigned expected)
{
	struct err e = {0};
	CLEAN(journal_close) struct journal j = {.dir = -1, .fd = -1, .lock = -1};
	int r = check_files(a, &e);
	if (r == 0)
		r = open_journal(a, &j, expected, &e);
	if (r == -EACCES || r == -EPERM)
		err_prefix(&e, "nothing was changed");
	if (r < 0)
		return refuse(a, &e,
			      r == -PLAN_REFUSED || r == -EBUSY || r == -ENOSPC ? EXIT_CRITICAL
										: EXIT_UNKNOWN);
	a->x.journal = &j;
	a->x.site = &a->tuning.site;
	a->x.command = a->command;
	a->x.confirm_s = (a->confirm_us + 999999) / 1000000;
	a->x.persist = a->persist;
	a->x.print = print_step;
	a->x.arg = a;
	a->x.prove = a->no_proof || !plan_runtime(a->plan) || !choose_probes(a) ? NULL : prove;
	if (!a->x.prove && !a->no_proof && plan_runtime(a->plan) && !a->tuning.json)
		puts("No probe covers these knobs: values were verified, their effect was not.");
	r = executor_run(&executor_real, &a->x, &e);
	if (r == 0)
		r = print_lines(a, &e);
	summarize(a);
	if (r == 0)
		return finish(a, status_of(a));
	if (!a->x.run)
		a->x.outcome = OUTCOME_REFUSED;
	else if (a->x.outcome == OUTCOME_REVERTED)
		err_prefix(&e, "run %u was rolled back", a->x.run);
	else if (a->x.outcome == OUTCOME_PARTLY)
		err_prefix(&e, "run %u was only partly rolled back", a->x.run);
	a->x.reason = e.text;
	command_error(&e);
	if (a->x.trouble.code)
		command_error(&a->x.trouble);
	return finish(a, EXIT_CRITICAL);
}

static int decided(const struct apply *a, const struct run *r, int status)
{
	fprintf(stderr, "\r\033[K");
	if (!r || !r->reason[0]) {
		puts("Confirmed: the changes stay.");
		return status;
	}
	const char *why = strcmp(r->reason, UNDO_ASKED) ? r->reason : "by epolltune rollback";
	if (r->status == RUN_ROLLED_BACK)
		printf("Run %u rolled back, %s; all values restored.\n", a->x.run, why);
	else
		printf("Run %u only PARTLY rolled back, %s; see: epolltune history %u\n", a->x.run,
		       why, a->x.run);
	return EXIT_CRITICAL;
}

/* Updates the count-down. Returns -1 while it continues, otherwise the exit status. */
static int watch_once(struct apply *a, int status)
{
	CLEAN(journal_close) struct journal j;
	struct err e;
	char option[TUNING_OPTION];
	if (journal_open(&j, a->tuning.state_dir, JOURNAL_READ, &e) < 0)
		return command_error(&e);
	const struct run *r = journal_find(&j, a->x.run);
	if (!r || (r->status != RUN_WAITING && r->status != RUN_UNFINISHED))
		return decided(a, r, status);
	if (interrupt_came()) {
		fprintf(stderr, "\nepolltune: the count-down continues without this display\n");
		return status;
	}
	uint64_t clock = watchdog_clock_ms();
	tuning_option(&a->tuning, option);
	a->unwatched = journal_watched(&j, a->x.run) || journal_busy(&j) ? 0 : a->unwatched + 1;
	/* Once: it may have decided the run since the journal was read. */
	if (a->unwatched > 1) {
		fprintf(stderr,
			"\r\033[Kepolltune: run %u is not confirmed and its rollback watchdog has "
			"exited; confirm with: epolltune confirm%s, or roll back with: "
			"epolltune rollback %u%s\n",
			a->x.run, option, a->x.run, option);
		return EXIT_CRITICAL;
	}
	fprintf(stderr,
		"\r\033[KRun %u will be rolled back in %llu s. Confirm with: epolltune confirm%s ",
		a->x.run,
		(unsigned long long)(r->deadline_ms > clock ? (r->deadline_ms - clock + 999) / 1000
							    : 0),
		option);
	return -1;
}

/* Shows the count-down on a terminal. A signal ends the display, not the count-down. */
static int watch(struct apply *a, int status)
{
	if (a->x.outcome != OUTCOME_WAITING || !isatty(2) || a->tuning.json)
		return status;
	int now;
	while ((now = watch_once(a, status)) < 0)
		poll(NULL, 0, 200);
	return now;
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
	unsigned expected = next_run(a);
	a->x = (struct execution){.plan = a->plan,
				  .by = a->tuning.by,
				  .style = a->tuning.style,
				  .watchdog = {.channel = -1}};
	int r = make_plan(a, &e);
	a->x.plan = a->plan;
	if (r < 0 && !a->plan)
		return command_error(&e);
	if (r < 0)
		return refuse(a, &e, r == -PLAN_REFUSED ? EXIT_CRITICAL : EXIT_UNKNOWN);
	a->x.outcome = a->plan->count ? OUTCOME_PLANNED : OUTCOME_NOTHING;
	a->x.reason = no_change(a);
	if (a->dry_run)
		notice_unfinished(a->tuning.state_dir);
	if (a->dry_run || !a->plan->count)
		return show(a, executor_preview(a->format), &e) < 0 ? command_error(&e)
								    : preview_status(a);
	if (a->plan->blocked)
		return refuse_blocked(a);
	if (!a->tuning.json && show(a, &executor_diff, &e) < 0)
		return command_error(&e);
	if (!a->yes && (r = ask(a, &e)) < 0)
		return refuse(a, &e, r == -ENOTTY ? EXIT_UNKNOWN : EXIT_CRITICAL);
	interrupt_hold();
	int status = do_plan(a, expected);
	status = watch(a, status);
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
	json_decref(a.x.proof);
	json_decref(a.x.persisted);
	free(a.probes);
	free(a.concerned);
	free(a.before);
	free(a.after);
	free(a.plan);
	return status;
}
