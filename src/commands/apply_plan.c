/* The plan of apply: of a report or of --set, with what the files need. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalogue/setting.h"
#include "check/target_numbers.h"
#include "commands/apply.h"
#include "commands/command.h"
#include "epolltune/cleanup.h"
#include "epolltune/list.h"
#include "report/parse.h"
#include "terminal/progress.h"
#include "tune/coverage.h"
#include "tune/persist.h"
#include "tune/site.h"
#include "tune/watchdog.h"

/* Whether --set gives each knob of --only its value: then no proposal can change anything. */
static bool set_decides(const struct apply *a)
{
	char one[CHANGE_NAME];
	struct list_item item;
	const char *only = a->plan_options.only;
	if (!only || !a->plan_options.set || a->from)
		return false;
	while (list_next(&only, &item)) {
		const char *rest = a->plan_options.set;
		struct setting set;
		bool found = false;
		snprintf(one, sizeof(one), "%.*s", item.length, item.text);
		/* A knob of interfaces without "@NAME" means the others too. */
		while (!found && setting_next(&rest, &set, NULL) > 0)
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
	probe_set concerned = decided ? coverage_probes(a->plan, a->check.probes)
				      : coverage_concerned(a->plan_options.only, a->check.probes);
	if (concerned)
		a->check.probes = concerned;
	return !decided || concerned;
}

static int get_report(struct apply *a, struct err *e)
{
	a->reported = a->from || choose_checked(a);
	if (!a->reported)
		return 0;
	if (a->from) {
		int rc = report_parse(a->from, a->before, e);
		/* For the proof: what its check was given. */
		a->check.target = a->before->target;
		a->check.kept |= target_bit("role");
		if (!a->check.probe.backlog)
			a->check.probe.backlog = a->before->backlog;
		if (!a->check.probe.peers)
			a->check.probe.peers = a->before->peers;
		return rc ? rc : target_check(&a->before->target, e);
	}
	a->check.progress = progress_usable() && !a->tuning.document;
	return check_run(&a->check, a->before, e);
}

/* Reads which changes of earlier runs are in force. */
static void find_standing(struct apply *a)
{
	struct plan_options *o = &a->plan_options;
	journal_refresh(&a->journal, NULL);
	site_refresh(&a->tuning.site);
	o->standing = a->standing;
	o->standing_count =
		persist_standing(&a->journal, &a->tuning.site, a->standing, PLAN_CHANGES);
}

/* The lines of files. */
static int plan_lines(struct apply *a, struct err *e)
{
	CLEAN(free_pointer) struct change *standing = calloc(PLAN_CHANGES, sizeof(*standing));
	if (!standing)
		return err_errno(e, "cannot make a plan");
	size_t count = 0;
	for (size_t i = 0; i < a->plan_options.standing_count; i++)
		if (plan_wants(&a->plan_options, a->standing[i].name))
			standing[count++] = a->standing[i];
	const struct change_author author = {
		.by = a->tuning.by, .when = time(NULL), .run = journal_next(&a->journal)};
	return plan_persist(a->plan, standing, count, &author, &a->tuning.site, e);
}

int apply_refuse_pending(struct apply *a, const struct run *open, const struct host_identity *here,
			 struct err *e)
{
	char option[TUNING_OPTION];
	unsigned long long left = watchdog_seconds_left(open->deadline_ms);
	tuning_option(&a->tuning, option);
	if (run_is_kept(open))
		return err_set(
			e, PLAN_REFUSED,
			"run %u was confirmed, but not completed: first run epolltune confirm%s",
			open->id, option);
	if (open->status != RUN_WAITING || strcmp(open->boot, here->boot) != 0)
		return err_set(e, PLAN_REFUSED,
			       "run %u is unfinished: first run epolltune rollback %u%s", open->id,
			       open->id, option);
	bool watched = left && journal_watched(&a->journal, open->id);
	if (!watched &&
	    persist_check(NULL, open, &a->tuning.site, here, option, e) == -PLAN_REFUSED)
		return -PLAN_REFUSED;
	if (!watched)
		return err_set(
			e, PLAN_REFUSED,
			"run %u is not confirmed and its rollback watchdog has exited: first run epolltune confirm%s or "
			"epolltune rollback %u%s",
			open->id, option, open->id, option);
	return err_set(e, PLAN_REFUSED,
		       "run %u waits for confirmation and will be rolled back in %llu s: first run "
		       "epolltune confirm%s or epolltune rollback %u%s",
		       open->id, left, option, open->id, option);
}

/* Refuses while another run waits or is unfinished. A journal that is written just now, or cannot
 * be read, is an error later. */
static int check_pending(struct apply *a, struct err *e)
{
	struct host_identity here;
	if (journal_busy(&a->journal) || host_identity(a->tuning.host, &here, NULL) < 0)
		return 0;
	const struct run *open = journal_open_run(&a->journal, &here);
	return open ? apply_refuse_pending(a, open, &here, e) : 0;
}

/* Refuses what can be refused before anything is measured. */
static int check_wishes(struct apply *a, struct err *e)
{
	int rc = tuning_settings(a->plan_options.set, e);
	a->plan_options.target = &a->check.target;
	find_standing(a);
	/* A preview for another machine compares with its report, which is read at once. */
	bool elsewhere = a->from && a->plan_options.foreign && a->dry_run;
	if (rc == 0 && !elsewhere)
		rc = plan_make(a->plan, NULL, &a->plan_options, &a->tuning.site, e);
	if (rc == 0 && a->persist && !elsewhere)
		rc = persist_allowed(&a->tuning.site, a->tuning.state_dir, e);
	return rc < 0 || a->dry_run ? rc : check_pending(a, e);
}

int apply_plan(struct apply *a, struct err *e)
{
	a->before = calloc(1, sizeof(*a->before));
	a->after = calloc(1, sizeof(*a->after));
	a->plan = calloc(1, sizeof(*a->plan));
	a->standing = calloc(PLAN_CHANGES, sizeof(*a->standing));
	if (!a->before || !a->after || !a->plan || !a->standing)
		return err_errno(e, "cannot make a plan");
	int rc = check_wishes(a, e);
	if (rc == 0)
		rc = get_report(a, e);
	if (rc == 0 && a->reported) {
		report_answer(a->before, a->answer);
		a->result.answer = a->answer;
		find_standing(a);
		rc = plan_make(a->plan, a->before, &a->plan_options, &a->tuning.site, e);
	}
	if (rc == 0 && a->persist && !a->plan->elsewhere)
		rc = persist_allowed(&a->tuning.site, a->tuning.state_dir, e);
	if (rc == 0 && a->plan->elsewhere && a->persist)
		rc = err_set(e, EINVAL,
			     "--persist writes files of this machine, and the report is of another "
			     "one or boot: --format sysctl prints the lines");
	if (rc < 0)
		return rc;
	plan_permit(a->plan, &a->tuning.site);
	/* With --confirm, epolltune confirm writes the files. */
	if (a->persist && !a->plan->blocked && (!a->confirm_us || a->dry_run))
		rc = plan_lines(a, e);
	if (rc == 0 && a->persist)
		rc = plan_drift(a->plan, &a->plan_options, &a->tuning.site, e);
	return rc;
}

static bool is_ready(const struct apply *a)
{
	enum wall_verdict status = report_summarize(a->before).status;
	return status == VERDICT_OK || status == VERDICT_TIGHT;
}

/* Whether the finding asks for a change that --only or --except leaves out. */
static bool leaves_out(const struct apply *a, const struct finding *f, const struct proposal *c)
{
	const struct wall *w = report_find(a->before, f->wall);
	return w && c->proposed[0] && finding_asks(f) && f->remedy != REMEDY_NONE &&
	       (w->verdict == VERDICT_SHORT ||
		(w->verdict == VERDICT_TIGHT && a->plan_options.tight)) &&
	       !plan_wants(&a->plan_options, c->knob);
}

/* Whether a proposal before it of the report is of the same wall and knob. */
static bool named_before(const struct apply *a, size_t finding, size_t proposal)
{
	const struct finding *of = &a->before->findings[finding];
	for (size_t i = 0; i <= finding; i++) {
		const struct finding *f = &a->before->findings[i];
		size_t count = i < finding ? f->proposal_count : proposal;
		for (size_t k = 0; k < count; k++)
			if (leaves_out(a, f, &f->proposals[k]) && !strcmp(f->wall, of->wall) &&
			    !strcmp(f->proposals[k].knob, of->proposals[proposal].knob))
				return true;
	}
	return false;
}

/* "accept-queue needs net.core.somaxconn, which --except excludes", each once. */
static void name_excluded(struct apply *a)
{
	const char *except = a->plan_options.except;
	a->excluded[0] = 0;
	for (size_t i = 0; i < a->before->finding_count; i++)
		for (size_t k = 0; k < a->before->findings[i].proposal_count; k++) {
			const struct finding *f = &a->before->findings[i];
			const struct proposal *c = &f->proposals[k];
			if (leaves_out(a, f, c) && !named_before(a, i, k))
				report_append(a->excluded, "%s%s needs %s, which %s",
					      a->excluded[0] ? "; " : "", f->wall, c->knob,
					      except && setting_listed(except, c->knob)
						      ? "--except excludes"
						      : "--only does not name");
		}
	if (a->excluded[0])
		report_append(a->excluded, ".");
}

/* Whether all that is left is up to a process or its program. */
static bool steps_of_application(const struct plan *p)
{
	for (size_t i = 0; i < p->manual_count; i++) {
		const struct knob *k = knob_find(p->manual[i].knob);
		if (!k || (k->scope != KNOB_APPLICATION && k->scope != KNOB_PROCESS))
			return false;
	}
	return p->manual_count;
}

#define STEPS_REMAIN "epolltune can change nothing here: the manual steps remain."

const char *apply_no_change(struct apply *a)
{
	const struct plan_options *o = &a->plan_options;
	if (a->plan->count)
		return NULL;
	if (o->set && a->plan->manual_count)
		return STEPS_REMAIN;
	if (!a->reported)
		return "Nothing to change: the values of --set are in force.";
	if (is_ready(a))
		return NULL;
	if (a->plan->in_force)
		return "Nothing to change: the proposed values are in force; run epolltune check.";
	if (o->set)
		return "Nothing to change: the values of --set are in force.";
	name_excluded(a);
	if (a->excluded[0])
		return a->excluded;
	if (steps_of_application(a->plan))
		return "No kernel setting helps here: the manual steps are for the application.";
	if (a->plan->manual_count)
		return STEPS_REMAIN;
	if (o->only || o->except)
		return "Nothing to change among the selected knobs: see epolltune check.";
	return "epolltune can change nothing here: see epolltune check.";
}

int apply_preview_status(const struct apply *a)
{
	const struct plan *p = a->plan;
	if (apply_status(a) != EXIT_OK || p->count || p->in_force || a->plan_options.set ||
	    is_ready(a))
		return apply_status(a);
	return report_summarize(a->before).status == VERDICT_SHORT ? EXIT_WARNING : EXIT_UNKNOWN;
}

int apply_status(const struct apply *a)
{
	return a->proof.doubtful || a->plan->manual_count ? EXIT_WARNING : EXIT_OK;
}
