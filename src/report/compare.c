#include "report/compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/order.h"
#include "report/figure.h"
#include "report/json_value.h"

static bool moved(const struct wall *before, const struct wall *after)
{
	int64_t a = figure_of(before), b = figure_of(after);
	if (a == b)
		return false;
	return fabs((double)b - (double)a) > COMPARE_NOISE * fabs((double)a);
}

/* Whether the ranges of repeated runs overlap: then what differs is noise. */
static bool overlap(const struct wall *a, const struct wall *b)
{
	return a->highest && b->highest && a->lowest <= b->highest && b->lowest <= a->highest;
}

static bool has_verdict(const struct wall *w)
{
	return w->verdict != VERDICT_UNKNOWN && w->verdict != VERDICT_NA;
}

enum compare_verdict compare_wall(const struct wall *before, const struct wall *after)
{
	bool applied = before && before->verdict != VERDICT_NA;
	if (!applied && after && verdict_asks(after->verdict))
		return COMPARE_WORSE;
	if (!before)
		return COMPARE_NEW;
	if (!after)
		return COMPARE_GONE;
	if (!has_verdict(before) || !has_verdict(after))
		return before->verdict == after->verdict ? COMPARE_SAME : COMPARE_UNKNOWN;
	if (overlap(before, after))
		return COMPARE_SAME;
	if (after->verdict != before->verdict)
		return after->verdict > before->verdict ? COMPARE_WORSE : COMPARE_BETTER;
	/* A figure cannot be compared with a missing one or with a bound. */
	if ((figure_of(before) == REPORT_NONE) != (figure_of(after) == REPORT_NONE) ||
	    figure_bound(before) != figure_bound(after) ||
	    (figure_bound(before) != FIGURE_EXACT && before->method != after->method))
		return COMPARE_UNKNOWN;
	return moved(before, after) ? COMPARE_MOVED : COMPARE_SAME;
}

/* Whether the figure moves that way by more than `spread` percent; true without figures. */
static bool is_beyond(const struct wall *before, const struct wall *after, bool better,
		      unsigned spread)
{
	const struct wall_row *row = wall_row_find(after->name);
	int64_t a = before ? figure_of(before) : REPORT_NONE, b = figure_of(after);
	if (a == REPORT_NONE || b == REPORT_NONE)
		return true;
	double moves = ((double)b - (double)a) * 100;
	if (better == (row && row->lower_is_better))
		moves = -moves;
	return moves > spread * fabs((double)a);
}

enum compare_verdict compare_gain(const struct wall *before, const struct wall *after,
				  unsigned spread)
{
	enum compare_verdict v = compare_wall(before, after);
	if (v == COMPARE_BETTER || v == COMPARE_WORSE)
		return is_beyond(before, after, v == COMPARE_BETTER, spread) ? v : COMPARE_SAME;
	if (v == COMPARE_UNKNOWN && has_verdict(before) && has_verdict(after))
		return COMPARE_SAME; /* the same verdict, by figures of different kinds */
	if (v != COMPARE_MOVED)
		return v;
	if (after->verdict == VERDICT_OK)
		return COMPARE_SAME;
	return is_beyond(before, after, true, spread)    ? COMPARE_BETTER
	       : is_beyond(before, after, false, spread) ? COMPARE_WORSE
							 : COMPARE_SAME;
}

/* An accepted wall asks for nothing, as one that is ok. `copy` is room for that; NULL stays so. */
static const struct wall *as_accepted(const struct wall *w, struct wall *copy)
{
	if (!w || !w->accepted)
		return w;
	*copy = *w;
	copy->verdict = VERDICT_OK;
	return copy;
}

/* The change that a comparison prints: a wall that asks now, and had no verdict, must not pass as
 * no difference, nor one that is accepted no more. That it was otherwise before is not known: a
 * proof does not blame the change. */
static enum compare_verdict change_of(const struct wall *before, const struct wall *after,
				      enum compare_purpose purpose)
{
	struct wall was, is;
	if (purpose == COMPARE_TO_PROVE)
		return compare_wall(before, after);
	/* One that is ok now is better, accepted before or not. */
	if (after && verdict_asks(after->verdict))
		before = as_accepted(before, &was);
	after = as_accepted(after, &is);
	if (before && after && before->verdict == VERDICT_UNKNOWN && verdict_asks(after->verdict))
		return COMPARE_WORSE;
	return compare_wall(before, after);
}

static const char *knob_name(const struct finding *f)
{
	return finding_knob(f) ? finding_knob(f)->knob : "";
}

/* One that does not say what it is about may be of any. */
static bool is_same_finding(const struct finding *a, const struct finding *b)
{
	return strcmp(a->id, b->id) == 0 && strcmp(knob_name(a), knob_name(b)) == 0 &&
	       (!a->about[0] || !b->about[0] || strcmp(a->about, b->about) == 0);
}

/* How many of the first `count` findings are the same. */
static size_t alike(const struct report *r, size_t count, const struct finding *f)
{
	size_t same = 0;
	for (size_t i = 0; i < count; i++)
		same += is_same_finding(&r->findings[i], f);
	return same;
}

/* Whether the other report has finding i, too: of several that are the same, as many. */
static bool has_finding(const struct report *other, const struct report *of, size_t i)
{
	const struct finding *f = &of->findings[i];
	return alike(other, other->finding_count, f) > alike(of, i, f);
}

/* How many of the first `count` findings are the same, and as grave. */
static size_t grave_alike(const struct report *r, size_t count, const struct finding *f)
{
	size_t same = 0;
	for (size_t i = 0; i < count; i++) {
		const struct finding *one = &r->findings[i];
		same += is_same_finding(one, f) && finding_asks(one) && one->level >= f->level;
	}
	return same;
}

/* The exit status that finding i makes: it is new, or graver, and no wall accounts for it. */
static int finding_status(const struct report *before, const struct report *after, size_t i)
{
	const struct finding *f = &after->findings[i];
	if (!finding_asks(f) || report_accounts(after, f) ||
	    grave_alike(before, before->finding_count, f) > grave_alike(after, i, f))
		return EXIT_OK;
	return f->level == LEVEL_CRITICAL ? EXIT_CRITICAL : EXIT_WARNING;
}

/* Whether the target needs the wall, and it has a verdict no more. */
static bool is_lost(const struct report *r, const struct wall *before, const struct wall *after)
{
	return after && wall_undecided(r, after) && !after->accepted &&
	       !(before && before->verdict == VERDICT_UNKNOWN);
}

static int wall_status(const struct report *r, const struct wall *before, const struct wall *after)
{
	if (is_lost(r, before, after))
		return EXIT_UNKNOWN;
	if (change_of(before, after, COMPARE_TO_DIFF) != COMPARE_WORSE)
		return EXIT_OK;
	return after->verdict == VERDICT_SHORT ? EXIT_CRITICAL : EXIT_WARNING;
}

static bool is_unknown(const struct report *r)
{
	return report_summarize(r).status == VERDICT_UNKNOWN;
}

/* The graver of two, in the order of check. */
static int status_join(int a, int b)
{
	static const int order[] = {
		[EXIT_OK] = 0, [EXIT_WARNING] = 1, [EXIT_UNKNOWN] = 2, [EXIT_CRITICAL] = 3};
	return order[a] > order[b] ? a : b;
}

int compare_status(const struct report *before, const struct report *after)
{
	int status = is_unknown(after) && !is_unknown(before) ? EXIT_UNKNOWN : EXIT_OK;
	for (size_t i = 0; i < after->wall_count; i++) {
		const struct wall *w = &after->walls[i];
		status = status_join(status, wall_status(after, report_find(before, w->name), w));
	}
	for (size_t i = 0; i < after->finding_count; i++)
		status = status_join(status, finding_status(before, after, i));
	return status;
}

static int measured_order(const void *a, const void *b)
{
	const struct wall *x = a, *y = b;
	return ORDER(x->measured, y->measured);
}

/* Whether most rounds have more than `nth` findings that are the same. */
static bool most_have(const struct report *rounds, size_t count, const struct finding *f,
		      size_t nth)
{
	size_t having = 0;
	for (size_t k = 0; k < count; k++)
		having += alike(&rounds[k], rounds[k].finding_count, f) > nth;
	return 2 * having > count;
}

/* Keeps in the first round the findings that most rounds have, and adds those that it lacks. */
static void findings_join(struct report *rounds, size_t count)
{
	bool most[REPORT_FINDINGS];
	size_t kept = 0;
	for (size_t i = 0; i < rounds->finding_count; i++) {
		const struct finding *f = &rounds->findings[i];
		most[i] = most_have(rounds, count, f, alike(rounds, i, f));
	}
	for (size_t i = 0; i < rounds->finding_count; i++)
		if (most[i])
			rounds->findings[kept++] = rounds->findings[i];
	rounds->finding_count = kept;
	for (size_t k = 1; k < count; k++)
		for (size_t i = 0; i < rounds[k].finding_count; i++) {
			const struct finding *f = &rounds[k].findings[i];
			size_t nth = alike(&rounds[k], i, f);
			if (alike(rounds, rounds->finding_count, f) <= nth &&
			    most_have(rounds, count, f, nth) &&
			    rounds->finding_count < REPORT_FINDINGS)
				rounds->findings[rounds->finding_count++] = *f;
		}
}

static void wall_exclude(struct wall *w)
{
	w->verdict = VERDICT_UNKNOWN;
	w->measured = REPORT_NONE;
	w->experiment = EXPERIMENT_MISSED;
}

uint64_t compare_rate(struct report *r)
{
	for (size_t i = 0; i < r->wall_count; i++) {
		struct wall *w = &r->walls[i];
		const struct wall_row *row = wall_row_find(w->name);
		if (!row || !row->at_rate_of)
			continue;
		const struct wall *rate = report_find(r, row->at_rate_of);
		if (rate && rate->measured > 1)
			return (uint64_t)rate->measured / 2;
		if (w->measured == REPORT_NONE)
			continue;
		wall_exclude(w);
		report_text(w->reason, "its rate is not that of the other rounds");
	}
	return 0;
}

void compare_rounds(struct report *rounds, size_t count)
{
	struct wall at[COMPARE_ROUNDS];
	findings_join(rounds, count);
	for (size_t i = 0; i < rounds->wall_count; i++) {
		struct wall *w = &rounds->walls[i];
		size_t measured = 0, agreed = 0;
		for (size_t k = 0; k < count; k++) {
			const struct wall *one = report_find(&rounds[k], w->name);
			agreed += one && one->verdict == w->verdict;
			if (one && has_verdict(one) && one->measured != REPORT_NONE)
				at[measured++] = *one;
		}
		if (measured == count) {
			qsort(at, count, sizeof(*at), measured_order);
			*w = at[count / 2];
			w->lowest = at[0].measured;
			w->highest = at[count - 1].measured;
		} else if (measured || agreed < count) {
			wall_exclude(w);
			report_text(w->reason, "the rounds differ: %zu of %zu measured it",
				    measured, count);
		}
	}
}

/* Finds pair i of the walls: those of the first report, then those only in the second. */
static bool wall_pair(const struct report *before, const struct report *after, size_t i,
		      const struct wall **was, const struct wall **is)
{
	if (i < before->wall_count) {
		*was = &before->walls[i];
		*is = report_find(after, before->walls[i].name);
		return true;
	}
	*was = NULL;
	i -= before->wall_count;
	for (size_t k = 0; k < after->wall_count; k++) {
		*is = &after->walls[k];
		if (!report_find(before, (*is)->name) && i-- == 0)
			return true;
	}
	return false;
}

/* The comparison */

static const char *format_figure(char *text, size_t size, const struct wall *w)
{
	snprintf(text, size, "-");
	return w ? figure_text(text, size, w) : text;
}

static int add_wall(struct comparison *c, const struct wall *before, const struct wall *after,
		    bool lost, enum compare_purpose purpose, struct err *e)
{
	struct comparison_row *row = comparison_row(c);
	char was[RENDER_VERDICT] = "", is[RENDER_VERDICT] = "";
	if (!row)
		return err_set(e, ENOMEM, "out of memory for the comparison");
	if (before)
		render_verdict(before, was);
	if (after)
		render_verdict(after, is);
	row->change = change_of(before, after, purpose);
	row->lost = lost;
	report_text(row->cell[0], "%s", before ? before->name : after->name);
	format_figure(row->cell[1], sizeof(row->cell[1]), before);
	format_figure(row->cell[2], sizeof(row->cell[2]), after);
	report_text(row->cell[3], "%s%s%s", was, *was && strcmp(was, is) != 0 ? " → " : "",
		    strcmp(was, is) != 0 ? is : "");
	report_text(row->cell[4], "%s", compare_name(row->change));
	return 0;
}

static int add_findings(struct comparison *c, const struct report *of, const struct report *other,
			bool gone, struct err *e)
{
	for (size_t i = 0; i < of->finding_count; i++) {
		const struct finding *f = &of->findings[i];
		int status = gone ? EXIT_OK : finding_status(other, of, i);
		/* Why something was skipped explains a figure that is unknown or derived. */
		bool reason = f->level == LEVEL_SKIPPED && f->detail[0];
		if (status == EXIT_OK && has_finding(other, of, i))
			continue;
		struct comparison_line *line = comparison_line(c);
		if (!line)
			return err_set(e, ENOMEM, "out of memory for the comparison");
		line->gone = gone;
		line->status = status;
		report_text(line->id, "%s", f->id);
		report_text(line->text, "%s%s%s%s%s",
			    status != EXIT_OK ? finding_level_name(f->level) : "",
			    status != EXIT_OK ? ": " : "", f->title, reason ? ". " : "",
			    reason ? f->detail : "");
	}
	return 0;
}

/* What no row shows: a probe that crashed, for one. */
static int add_answer(struct comparison *c, const struct report *before, const struct report *after,
		      struct err *e)
{
	char answer[REPORT_ANSWER];
	if (!is_unknown(after) || is_unknown(before))
		return 0;
	struct comparison_line *line = comparison_line(c);
	if (!line)
		return err_set(e, ENOMEM, "out of memory for the comparison");
	line->status = EXIT_UNKNOWN;
	report_text(line->id, "verdict");
	report_answer(after, answer);
	report_text(line->text, "%s", answer);
	return 0;
}

int compare_reports(struct comparison *c, const struct report *before, const struct report *after,
		    enum compare_purpose purpose, struct err *e)
{
	static const struct table_column columns[] = {
		{"WALL", TABLE_LEFT},    {"BEFORE", TABLE_RIGHT}, {"AFTER", TABLE_RIGHT},
		{"VERDICT", TABLE_LEFT}, {"CHANGE", TABLE_LEFT},  {0}};
	const struct report *const sides[] = {before, after};
	const struct wall *was, *is;
	char omitted[RENDER_OMITTED];
	int rc = 0;
	*c = (struct comparison){.kind = "wall",
				 .columns = columns,
				 .labels = 1,
				 .wide = true,
				 .names = {before->host.name, after->host.name},
				 .status = compare_status(before, after),
				 .body = compare_json(before, after, purpose)};
	for (size_t i = 0; i < 2; i++)
		if (render_omitted(sides[i], omitted)[0])
			report_append(c->notes[0], "%s%s: %s", c->notes[0][0] ? " " : "",
				      i ? "After" : "Before", omitted);
	for (size_t i = 0; !rc && wall_pair(before, after, i, &was, &is); i++)
		if ((was && !figure_is_absent(was)) || (is && !figure_is_absent(is)) ||
		    is_lost(after, was, is))
			rc = add_wall(c, was, is, is_lost(after, was, is), purpose, e);
	if (!rc)
		rc = add_findings(c, before, after, true, e);
	if (!rc)
		rc = add_findings(c, after, before, false, e);
	return rc ? rc : add_answer(c, before, after, e);
}

int compare_text(FILE *out, const struct report *before, const struct report *after,
		 enum compare_purpose purpose, const struct render_style *style, struct err *e)
{
	CLEAN(comparison_free) struct comparison c;
	int rc = compare_reports(&c, before, after, purpose, e);
	return rc ? rc : comparison_render_text(out, &c, style, e);
}

/* JSON */

static json_t *json_side(struct json_writer *w, const struct wall *wall)
{
	if (!wall)
		return json_null();
	json_t *o = json_object();
	value_set(w, o, "verdict", value_text(wall_verdict_name(wall->verdict)));
	value_set(w, o, "value", value_quantity(figure_of(wall)));
	value_set(w, o, "accepted", json_boolean(wall->accepted));
	return o;
}

static void json_findings(struct json_writer *w, json_t *object, const char *key,
			  const struct report *of, const struct report *other)
{
	json_t *list = json_array();
	for (size_t i = 0; i < of->finding_count; i++)
		if (!has_finding(other, of, i))
			value_add(w, list, value_text(of->findings[i].id));
	value_set(w, object, key, list);
}

static void json_worse(struct json_writer *w, json_t *object, const struct report *before,
		       const struct report *after)
{
	json_t *list = json_array();
	for (size_t i = 0; i < after->finding_count; i++) {
		const struct finding *f = &after->findings[i];
		if (finding_status(before, after, i) == EXIT_OK)
			continue;
		json_t *o = json_object();
		value_set(w, o, "id", value_text(f->id));
		value_set(w, o, "level", value_text(finding_level_name(f->level)));
		value_add(w, list, o);
	}
	value_set(w, object, "worse", list);
}

json_t *compare_json(const struct report *before, const struct report *after,
		     enum compare_purpose purpose)
{
	struct json_writer writer = {false}, *w = &writer;
	json_t *root = json_object(), *walls = json_array(), *findings = json_object();
	const struct wall *was, *is;
	for (size_t i = 0; wall_pair(before, after, i, &was, &is); i++) {
		const struct wall *any = was ? was : is;
		json_t *o = json_object();
		value_set(w, o, "name", value_text(any->name));
		value_set(w, o, "unit", value_text(any->unit));
		value_set(w, o, "change", value_text(compare_name(change_of(was, is, purpose))));
		value_set(w, o, "before", json_side(w, was));
		value_set(w, o, "after", json_side(w, is));
		value_add(w, walls, o);
	}
	json_findings(w, findings, "gone", before, after);
	json_findings(w, findings, "new", after, before);
	json_worse(w, findings, before, after);
	value_set(w, root, "walls", walls);
	value_set(w, root, "findings", findings);
	return value_complete(root, w);
}
