#include "tune/verify.h"

#include <errno.h>
#include <stdio.h>

#include "epolltune/catalogue.h"
#include "epolltune/knob.h"
#include "epolltune/list.h"
#include "tune/coverage.h"

/* The improvement that counts if the verdict is unchanged; the throughput of two runs often differs
 * by less. */
#define PROOF_MOVED 0.2

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

/* Whether the wall is also limited by a setting of that scope which belongs to the server, and the
 * reports are of two servers. */
static bool is_own(const struct verification *v, const char *wall, enum knob_scope scope)
{
	for (size_t i = 0; i < knob_count() && v->other_subject; i++)
		if (knob_at(i)->scope == scope && knob_at(i)->walls &&
		    list_has(knob_at(i)->walls, wall))
			return true;
	return false;
}

static bool is_of_server(const struct verification *v, const char *wall)
{
	return is_own(v, wall, KNOB_PROCESS) || is_own(v, wall, KNOB_APPLICATION);
}

/* Whether the wall became worse by the plan if it is worse: between two servers much else differs.
 */
static bool is_comparable(const struct verification *v, const char *wall)
{
	for (size_t i = 0; i < v->plan->count && v->other_subject; i++)
		if (coverage_touches(&v->plan->changes[i], wall))
			return !is_of_server(v, wall);
	return !v->other_subject;
}

static bool proven(const struct verification *v, const struct change *c, const struct wall *after)
{
	return !c->wall[0] || c->scope == CHANGE_FILES ||
	       (is_quiet(after) && !is_observed(c) && !is_own(v, c->wall, KNOB_PROCESS));
}

/* Fails unless the change improved its wall. */
static int check_moved(struct verification *v, const struct change *c, struct err *e)
{
	const struct wall *before = report_find(v->before, c->wall);
	const struct wall *after = report_find(v->after, c->wall);
	if (proven(v, c, after))
		return 0;
	v->doubtful = true;
	if (is_quiet(after) || !after || after->verdict == VERDICT_UNKNOWN)
		return 0;
	/* A report of another machine is not a baseline: only the outcome counts. */
	bool moved =
		v->foreign ? after->verdict == VERDICT_TIGHT : before && improved(before, after);
	/* The new server has one queue and this shell's limits, the other may have eight. */
	return moved || is_of_server(v, c->wall) ? 0 : still_short(c, after, e);
}

/* A wall that `before` does not have, as a report of other probes, was not judged: that it is short
 * is not the plan's doing. */
static int check_worse(const struct verification *v, struct err *e)
{
	for (size_t i = 0; i < v->after->wall_count && !v->foreign; i++) {
		const struct wall *after = &v->after->walls[i];
		const struct wall *before = report_find(v->before, after->name);
		if (before && !is_quiet(after) && is_comparable(v, after->name) &&
		    compare_wall(before, after) == COMPARE_WORSE)
			return err_set(e, ECANCELED, "%s became worse: %s before, %s after",
				       after->name, wall_verdict_name(before->verdict),
				       wall_verdict_name(after->verdict));
	}
	return 0;
}

int verify_plan(struct verification *v, struct err *e)
{
	int rc = 0;
	v->doubtful = false;
	for (size_t i = 0; i < v->plan->count && rc == 0; i++)
		rc = check_moved(v, &v->plan->changes[i], e);
	return rc < 0 ? rc : check_worse(v, e);
}

bool verify_unproven(const struct verification *v, const struct change *c, char text[80])
{
	const struct wall *after = report_find(v->after, c->wall);
	if (proven(v, c, after))
		return false;
	if (is_quiet(after) && !is_observed(c))
		snprintf(text, 80, "measured with the limits of this shell: not proven");
	else if (is_quiet(after))
		snprintf(text, 80, "no loss while observed: proven only under load");
	else if (!after || after->verdict == VERDICT_UNKNOWN)
		snprintf(text, 80, "could not be measured again: not proven");
	else
		snprintf(text, 80, "is still %s", wall_verdict_name(after->verdict));
	return true;
}
