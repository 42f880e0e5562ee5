#include "tune/execute.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/interrupt.h"
#include "tune/site.h"
#include "tune/undo.h"

/* The longest that a change may take, with a reset of the link. */
#define CHANGE_S 10

static struct run *run_of(const struct execution *x) { return journal_find(x->journal, x->run); }

static int begin(struct execution *x, struct err *e)
{
	struct host_identity here;
	int rc = host_identity(x->site->host, &here, e);
	if (rc < 0)
		return rc;
	struct run about = {.confirm_s = x->confirm_s, .persist = x->persist}, *made;
	snprintf(about.by, sizeof(about.by), "%s", x->by);
	snprintf(about.command, sizeof(about.command), "%s", x->command);
	memcpy(about.boot, here.boot, sizeof(about.boot));
	memcpy(about.netns, here.netns, sizeof(about.netns));
	rc = journal_begin(x->journal, &about, &made, e);
	if (rc == 0)
		x->run = made->id;
	if (rc == 0 && x->confirm_s)
		rc = watchdog_start(&x->watchdog, x->journal->path, x->site, x->run, x->confirm_s,
				    x->confirm_s + x->prove_s + CHANGE_S * x->plan->count, e);
	return rc;
}

static int check_interrupt(struct err *e)
{
	int signal = interrupt_came();
	return signal ? err_set(e, EINTR, "interrupted by %s", interrupt_name(signal)) : 0;
}

static int as_planned(const struct change_kind *kind, struct change_site *site,
		      const struct change *c, struct err *e)
{
	char now[CHANGE_VALUE];
	int rc = kind->read(site, c->name, now, e);
	if (rc < 0)
		return rc;
	if (strcmp(now, c->from) != 0)
		return err_set(e, ESTALE,
			       "%s is \"%s\" now, but was \"%s\" when the plan was made: "
			       "modified by another process",
			       c->name, now, c->from);
	return 0;
}

static int make_change(struct execution *x, struct change *c, struct err *e)
{
	const struct change_kind *kind = c->kind;
	size_t n = 0;
	site_refresh(x->site);
	int rc = check_interrupt(e);
	if (rc == 0)
		rc = as_planned(kind, x->site, c, e);
	if (rc == 0 && kind->running && kind->running->object)
		rc = kind->running->object(x->site, c->name, c->object, e);
	if (rc == 0)
		rc = journal_intent(x->journal, run_of(x), c, &n, e);
	if (rc < 0)
		return rc;
	c->state = CHANGE_INTENDED;
	rc = kind->write(x->site, c->name, c->to, e);
	if (rc == 0)
		rc = kind->read(x->site, c->name, c->became, e);
	if (rc == 0 && strcmp(c->became, c->from) == 0)
		rc = err_set(e, EIO, "%s: the kernel accepted \"%s\", but it still reads \"%s\"",
			     c->name, c->to, c->from);
	if (rc == 0)
		rc = journal_done(x->journal, run_of(x), n, c->became, e);
	if (rc < 0)
		return rc;
	c->state = CHANGE_DONE;
	if (x->print && strcmp(c->became, c->to) != 0 && c->scope != CHANGE_FILES) {
		char text[CHANGE_VALUE * 2 + 64];
		snprintf(text, sizeof(text), "the kernel adjusted %s to %s", change_shown(c->to),
			 change_shown(c->became));
		x->print(x->arg, c, text);
	}
	return 0;
}

static int settle(struct execution *x, struct err *e)
{
	if (!x->confirm_s) {
		x->outcome = OUTCOME_APPLIED;
		return journal_end(x->journal, run_of(x), e);
	}
	uint64_t deadline = watchdog_clock_ms() + x->confirm_s * 1000;
	int rc = journal_wait(x->journal, run_of(x), deadline, e);
	if (rc == 0)
		rc = watchdog_arm(&x->watchdog, deadline, e);
	x->outcome = OUTCOME_WAITING;
	return rc;
}

/* Roll back this run; keep the original error. */
static void roll_back(struct execution *x, enum undo_reason reason, bool files_only)
{
	struct err trouble = {0};
	struct undo u = {.site = x->site,
			 .by = x->by,
			 .reason = reason,
			 .own = true,
			 .files_only = files_only,
			 .print = x->print,
			 .arg = x->arg};
	undo_run(&u, x->journal, run_of(x), &trouble);
	x->outcome = run_in_force(run_of(x)) ? OUTCOME_PARTLY : OUTCOME_REVERTED;
	if (trouble.code)
		x->trouble = trouble;
	/* The plan's changes are the last items of the run. */
	const struct run *r = run_of(x);
	size_t begun = 0, n = r->count;
	while (begun < x->plan->count && x->plan->changes[begun].state != CHANGE_PLANNED)
		begun++;
	while (begun-- > 0)
		x->plan->changes[begun].state = r->items[--n].state;
}

static int end(struct execution *x, int rc, struct err *e)
{
	if (!x->run)
		return rc; /* no run was begun */
	enum undo_reason reason = UNDO_CHANGE_FAILED;
	if (rc == 0 && x->prove && (rc = x->prove(x->arg, e)) < 0)
		reason = UNDO_PROOF_FAILED;
	if (rc == 0)
		rc = check_interrupt(e);
	if (rc == 0 && (rc = settle(x, e)) < 0)
		reason = rc == -ECHILD ? UNDO_UNWATCHED : UNDO_UNRECORDED;
	if (interrupt_came() && rc)
		reason = UNDO_INTERRUPTED;
	if (rc < 0)
		roll_back(x, reason, false);
	watchdog_leave(&x->watchdog);
	return rc;
}

static int make_changes(struct execution *x, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < x->plan->count && rc == 0; i++)
		rc = make_change(x, &x->plan->changes[i], e);
	return rc;
}

int execute_plan(struct execution *x, struct err *e)
{
	x->watchdog = (struct watchdog){.channel = -1};
	int rc = begin(x, e);
	if (rc == 0)
		rc = make_changes(x, e);
	return end(x, rc, e);
}

int execute_files(struct execution *x, struct err *e)
{
	int rc = make_changes(x, e);
	if (rc == 0)
		rc = journal_end(x->journal, run_of(x), e);
	if (rc < 0)
		roll_back(x, UNDO_NONE, true);
	x->outcome = OUTCOME_APPLIED; /* the run stays applied even if the files failed */
	return rc;
}
