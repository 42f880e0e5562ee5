/* Prints a report as JUnit XML, for CI systems: a test case for each wall, for each finding that no
 * wall accounts for, and for each probe without a result. No failure and no error is exit status 0.
 */
#include "report/render.h"

#include <string.h>

#include "report/figure.h"
#include "report/junit.h"

static void finding_lines(const struct junit *j, const struct report *r, const struct finding *f)
{
	char text[FINDING_OUTCOME], accepted[ACCEPTANCE_TEXT];
	junit_line(j, f->title);
	junit_line(j, f->detail);
	for (size_t i = 0; i < f->proposal_count; i++) {
		const struct proposal *p = &f->proposals[i];
		report_text(text, "%s %s%s%s", p->knob, proposal_current(p),
			    p->proposed[0] ? " → " : "", p->proposed);
		if (proposal_known(p))
			junit_line(j, text);
	}
	junit_line(j, finding_outcome(f, text));
	junit_line(j, f->advice);
	junit_line(j, acceptance_text(r, f, accepted));
}

static enum junit_result result_of(const struct report *r, const struct wall *w)
{
	/* No wall has a verdict: that, too, is not known. */
	if (w->verdict == VERDICT_UNKNOWN && report_summarize(r).unjudged)
		return JUNIT_BROKEN;
	if (w->accepted)
		return JUNIT_SKIPPED;
	if (verdict_asks(w->verdict))
		return JUNIT_FAILED;
	bool missed = w->experiment == EXPERIMENT_MISSED || w->assumed[0];
	if (wall_undecided(r, w) || (r->require_measured && missed && w->needed != REPORT_NONE))
		return JUNIT_BROKEN;
	return w->verdict == VERDICT_OK ? JUNIT_PASSED : JUNIT_SKIPPED;
}

/* The figure or, where there is none, why: the first sentence about the wall. */
static void figure_or_reason(const struct wall *w, char text[300])
{
	const char *why = w->reason[0] ? w->reason : w->detail;
	const char *end = strstr(why, ". ");
	size_t length = end ? (size_t)(end - why) : strlen(why);
	text[0] = 0;
	if (figure_of(w) != REPORT_NONE)
		figure_text(text, 300, w);
	else
		report_text_into(text, 300, "%.*s",
				 (int)(length - (!end && length && why[length - 1] == '.')), why);
}

static void wall(struct junit *j, const struct report *r, const struct wall *w)
{
	enum junit_result is = result_of(r, w);
	char figure[300], needed[64] = "", message[400];
	if (w->needed != REPORT_NONE)
		figure_needed(needed, sizeof(needed), w);
	figure_or_reason(w, figure);
	report_text(message, "%s%s%s%s%s%s", w->accepted ? "accepted, " : "",
		    wall_verdict_name(w->verdict), figure[0] ? ": " : "", figure,
		    !needed[0]                    ? ""
		    : figure_of(w) == REPORT_NONE ? "; needed "
						  : ", needed ",
		    needed);
	junit_begin(j, "epolltune.wall", w->name, is, wall_verdict_name(w->verdict), message);
	junit_line(j, w->detail);
	junit_line(j, w->reason);
	for (size_t i = 0; i < r->finding_count; i++)
		if (!strcmp(r->findings[i].wall, w->name) && report_accounts(r, &r->findings[i]))
			finding_lines(j, r, &r->findings[i]);
	junit_end(j, is);
}

static void finding(struct junit *j, const struct report *r, const struct finding *f)
{
	bool asks = f->level == LEVEL_WARNING || f->level == LEVEL_CRITICAL;
	if (report_accounts(r, f) || (!asks && f->level != LEVEL_SKIPPED))
		return;
	bool missing = finding_untried(f) && (r->require_measured || !r->wall_count);
	enum junit_result is = finding_asks(f) ? JUNIT_FAILED
			       : missing       ? JUNIT_BROKEN
					       : JUNIT_SKIPPED;
	junit_begin(j, "epolltune.finding", f->id, is, finding_level_name(f->level), f->title);
	finding_lines(j, r, f);
	junit_end(j, is);
}

/* A probe that failed makes the status where nothing else was due. */
static void probe(struct junit *j, const struct report *r, const struct report_probe *p)
{
	if (p->state == PROBE_DONE)
		return;
	bool counts = p->state != PROBE_FAILED || r->require_measured || !r->wall_count;
	enum junit_result is = counts ? JUNIT_BROKEN : JUNIT_SKIPPED;
	junit_begin(j, "epolltune.probe", p->name, is, probe_state_name(p->state),
		    probe_state_name(p->state));
	junit_end(j, is);
}

static void cases(struct junit *j, const struct report *r)
{
	for (size_t i = 0; i < r->wall_count; i++)
		wall(j, r, &r->walls[i]);
	for (size_t i = 0; i < r->finding_count; i++)
		finding(j, r, &r->findings[i]);
	for (size_t i = 0; i < r->probe_count; i++)
		probe(j, r, &r->ran[i]);
}

int render_junit(FILE *out, const struct report *r, const struct render_style *style, struct err *e)
{
	char stamp[REPORT_STAMP], answer[REPORT_ANSWER], omitted[RENDER_OMITTED];
	struct junit count = {0}, j = {.out = out};
	cases(&count, r);
	report_answer(r, answer);
	junit_open(&j, &count, "epolltune check", report_stamp(r->time.tv_sec, stamp),
		   r->host.name);
	cases(&j, r);
	junit_output(&j, answer);
	if (render_omitted(r, omitted)[0])
		fprintf(out, "\n%s", omitted);
	junit_close(&j);
	return render_flush(out, "the report", e);
}
