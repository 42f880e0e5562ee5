#include "tune/verify.h"

#include <errno.h>
#include <math.h>
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

static bool is_touched(const struct verification *v, const char *wall)
{
	for (size_t i = 0; i < v->plan->count; i++)
		if (coverage_touches(&v->plan->changes[i], wall))
			return true;
	return false;
}

/* Whether it is a wall of interfaces, and the plan changes one: that moves interrupts and packets
 * to other CPUs. */
static bool is_by_device(const struct verification *v, const char *wall)
{
	bool device = false, changes = false;
	for (size_t i = 0; i < knob_count() && !device; i++)
		device = knob_at(i)->device && list_has(knob_at(i)->walls, wall);
	for (size_t i = 0; i < v->plan->count && device && !changes; i++) {
		const struct knob *k = knob_find(v->plan->changes[i].name);
		changes = k && k->device && v->plan->changes[i].scope != CHANGE_FILES;
	}
	return changes;
}

/* How far the figure became worse; 0 where one of the two has none. */
static double fall(const struct wall *before, const struct wall *after)
{
	const struct wall_row *row = wall_row_find(after->name);
	int64_t was = figure_of(before), is = figure_of(after);
	if (was == REPORT_NONE || is == REPORT_NONE)
		return 0;
	return row && row->lower_is_better ? (double)is - (double)was : (double)was - (double)is;
}

/* Whether it is a wall of memory, and the changes may take what it lost. */
static bool is_by_memory(const struct verification *v, const struct wall *before,
			 const struct wall *after)
{
	double taken = 0;
	const struct wall_row *row = wall_row_find(after->name);
	for (size_t i = 0; i < v->plan->count; i++)
		if (v->plan->changes[i].cost_bytes > 0)
			taken += (double)v->plan->changes[i].cost_bytes;
	return row && row->memory && taken > 0 && fall(before, after) <= taken;
}

/* Whether an experiment has both figures, and they differ by more than those of two runs: the use
 * of the machine meanwhile rarely does that. */
static bool is_collapsed(const struct wall *before, const struct wall *after)
{
	int64_t was = figure_of(before), is = figure_of(after);
	if (before->method != METHOD_MEASURED || after->method != METHOD_MEASURED)
		return false;
	return was == REPORT_NONE || is == REPORT_NONE ||
	       fall(before, after) > PROOF_MOVED * fabs((double)was);
}

/* Whether the wall, which became worse, may have done so by the plan: others do by the use of a
 * machine that is busy, and between two servers much else differs. */
static bool is_by_plan(const struct verification *v, const struct wall *before,
		       const struct wall *after)
{
	if (v->other_subject)
		return is_touched(v, after->name) && !is_of_server(v, after->name);
	return is_touched(v, after->name) || is_by_device(v, after->name) ||
	       is_by_memory(v, before, after) || is_collapsed(before, after);
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

/* The wall before, if it is worse now. One that `before` does not have, as a report of other
 * probes, was not judged: that it is short is not the plan's doing. */
static const struct wall *worse_than(const struct verification *v, const struct wall *after)
{
	const struct wall *before = v->foreign ? NULL : report_find(v->before, after->name);
	bool worse = before && !is_quiet(after) && compare_wall(before, after) == COMPARE_WORSE;
	return worse ? before : NULL;
}

static int check_worse(const struct verification *v, struct err *e)
{
	for (size_t i = 0; i < v->after->wall_count; i++) {
		const struct wall *after = &v->after->walls[i], *before = worse_than(v, after);
		if (before && is_by_plan(v, before, after))
			return err_set(e, ECANCELED, "%s became worse: %s before, %s after",
				       after->name, wall_verdict_name(before->verdict),
				       wall_verdict_name(after->verdict));
	}
	return 0;
}

bool verify_unrelated(const struct verification *v, const struct wall *after)
{
	const struct wall *before = worse_than(v, after);
	return before && !v->other_subject && !is_by_plan(v, before, after);
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
