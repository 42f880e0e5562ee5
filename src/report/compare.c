#include "report/compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/figure.h"
#include "report/page.h"
#include "report/table.h"

static bool moved(const struct wall *before, const struct wall *after)
{
	int64_t a = figure_of(before), b = figure_of(after);
	if (a == b)
		return false;
	return fabs((double)b - (double)a) > COMPARE_NOISE * fabs((double)a);
}

static bool has_verdict(const struct wall *w)
{
	return w->verdict != VERDICT_UNKNOWN && w->verdict != VERDICT_NA;
}

enum compare_verdict compare_wall(const struct wall *before, const struct wall *after)
{
	if (!before)
		return COMPARE_NEW;
	if (!after)
		return COMPARE_GONE;
	if (!has_verdict(before) || !has_verdict(after))
		return before->verdict == after->verdict ? COMPARE_SAME : COMPARE_UNKNOWN;
	if (after->verdict != before->verdict)
		return after->verdict > before->verdict ? COMPARE_WORSE : COMPARE_BETTER;
	/* A figure cannot be compared with a missing one or with a bound. */
	if ((figure_of(before) == REPORT_NONE) != (figure_of(after) == REPORT_NONE) ||
	    figure_bound(before) != figure_bound(after) ||
	    (figure_bound(before) != FIGURE_EXACT && before->method != after->method))
		return COMPARE_UNKNOWN;
	return moved(before, after) ? COMPARE_MOVED : COMPARE_SAME;
}

int compare_status(const struct report *before, const struct report *after)
{
	int status = 0;
	for (size_t i = 0; i < after->wall_count; i++) {
		const struct wall *w = &after->walls[i];
		if (compare_wall(report_find(before, w->name), w) != COMPARE_WORSE)
			continue;
		int this = w->verdict == VERDICT_SHORT ? 2 : 1;
		status = this > status ? this : status;
	}
	return status;
}

const char *compare_name(enum compare_verdict v)
{
	static const char *const names[] = {
		[COMPARE_SAME] = "same",   [COMPARE_BETTER] = "better",   [COMPARE_WORSE] = "worse",
		[COMPARE_MOVED] = "moved", [COMPARE_UNKNOWN] = "unknown", [COMPARE_NEW] = "new",
		[COMPARE_GONE] = "gone",
	};
	return names[v];
}

/* Call `each` for every wall: those of the first report, then those only in the second. */
typedef bool (*wall_pair)(void *arg, const struct wall *before, const struct wall *after);
static bool each_wall(const struct report *before, const struct report *after, wall_pair each,
		      void *arg)
{
	bool good = true;
	for (size_t i = 0; i < before->wall_count && good; i++)
		good = each(arg, &before->walls[i], report_find(after, before->walls[i].name));
	for (size_t i = 0; i < after->wall_count && good; i++)
		if (!report_find(before, after->walls[i].name))
			good = each(arg, NULL, &after->walls[i]);
	return good;
}

static const char *knob_name(const struct finding *f)
{
	return finding_knob(f) ? finding_knob(f)->knob : "";
}

static bool has_finding(const struct report *r, const struct finding *f)
{
	for (size_t i = 0; i < r->finding_count; i++)
		if (strcmp(r->findings[i].id, f->id) == 0 &&
		    strcmp(knob_name(&r->findings[i]), knob_name(f)) == 0)
			return true;
	return false;
}

/* Text */

static const char *format_figure(char *text, size_t size, const struct wall *w)
{
	snprintf(text, size, "-");
	return w ? figure_text(text, size, w) : text;
}

static bool add_line(void *arg, const struct wall *before, const struct wall *after)
{
	static const enum tone tones[] = {
		[COMPARE_SAME] = TONE_PLAIN,   [COMPARE_BETTER] = TONE_GOOD,
		[COMPARE_WORSE] = TONE_BAD,    [COMPARE_MOVED] = TONE_PLAIN,
		[COMPARE_UNKNOWN] = TONE_WARN, [COMPARE_NEW] = TONE_WARN,
		[COMPARE_GONE] = TONE_WARN,
	};
	struct table *t = arg;
	char figure[64];
	enum compare_verdict change = compare_wall(before, after);
	const char *was = before ? wall_verdict_name(before->verdict) : "";
	const char *is = after ? wall_verdict_name(after->verdict) : "";
	table_row(t);
	table_cell(t, "%s", before ? before->name : after->name);
	table_cell(t, "%s", format_figure(figure, sizeof(figure), before));
	table_cell(t, "%s", format_figure(figure, sizeof(figure), after));
	table_cell(t, "%s%s%s", was, *was && strcmp(was, is) != 0 ? " → " : "",
		   strcmp(was, is) != 0 ? is : "");
	if (tones[change] == TONE_PLAIN)
		table_cell(t, "%s", compare_name(change));
	else
		table_cell_tone(t, tones[change], compare_name(change));
	return true;
}

static int put_walls(const struct page *p, const struct report *before, const struct report *after,
		     struct err *e)
{
	static const struct table_column columns[] = {
		{"WALL", TABLE_LEFT},    {"BEFORE", TABLE_RIGHT}, {"AFTER", TABLE_RIGHT},
		{"VERDICT", TABLE_LEFT}, {"CHANGE", TABLE_LEFT},  {0}};
	struct table t = {.page = p, .gap = page_gap(p), .columns = columns};
	each_wall(before, after, add_line, &t);
	return table_print(&t, p->out, e);
}

static void put_findings(const struct page *p, const char *mark, enum tone tone,
			 const struct report *of, const struct report *other)
{
	for (size_t i = 0; i < of->finding_count; i++) {
		const struct finding *f = &of->findings[i];
		char line[PAGE_TEXT];
		/* Why something was skipped explains a figure that is unknown or derived. */
		bool reason = f->level == LEVEL_SKIPPED && f->detail[0];
		if (has_finding(other, f))
			continue;
		page_text(p, line, sizeof(line), "%s %s: %s%s%s", mark, f->id, f->title,
			  reason ? ". " : "", reason ? f->detail : "");
		page_wrap(p, tone, 0, 2, line);
	}
}

int compare_text(FILE *out, const struct report *before, const struct report *after,
		 const struct render_style *style, struct err *e)
{
	struct page p = page_open(out, style);
	int status = put_walls(&p, before, after, e);
	if (status < 0)
		return status;
	put_findings(&p, "-", TONE_GOOD, before, after);
	put_findings(&p, "+", TONE_WARN, after, before);
	errno = 0;
	if (fflush(out) || ferror(out))
		return err_errno(e, "cannot write the comparison");
	return 0;
}

/* JSON */

static json_t *json_side(const struct wall *w)
{
	if (!w)
		return json_null();
	int64_t value = figure_of(w);
	return json_pack("{s:s, s:o}", "verdict", wall_verdict_name(w->verdict), "value",
			 value == REPORT_NONE ? json_null() : json_integer(value));
}

static bool add_pair(void *arg, const struct wall *before, const struct wall *after)
{
	const struct wall *any = before ? before : after;
	json_t *o = json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", any->name, "unit", any->unit,
			      "change", compare_name(compare_wall(before, after)), "before",
			      json_side(before), "after", json_side(after));
	return json_array_append_new(arg, o) == 0;
}

static bool add_findings(json_t *list, const struct report *of, const struct report *other)
{
	bool good = true;
	for (size_t i = 0; i < of->finding_count && good; i++)
		if (!has_finding(other, &of->findings[i]))
			good = json_array_append_new(list, json_string(of->findings[i].id)) == 0;
	return good;
}

json_t *compare_json(const struct report *before, const struct report *after)
{
	json_t *walls = json_array(), *gone = json_array(), *new = json_array();
	bool good = each_wall(before, after, add_pair, walls) &&
		    add_findings(gone, before, after) && add_findings(new, after, before);
	json_t *root = json_pack("{s:o, s:{s:o, s:o}}", "walls", walls, "findings", "gone", gone,
				 "new", new);
	if (good)
		return root;
	json_decref(root);
	return NULL;
}
