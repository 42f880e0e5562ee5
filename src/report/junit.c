/* Prints a report as JUnit XML, for CI systems: a test case for each wall, for each finding that no
 * wall accounts for, and for each probe without a result. No failure and no error is exit status 0.
 */
#include "report/render.h"

#include <string.h>

#include "report/figure.h"
#include "report/markup.h"

enum result { PASSED, FAILED, BROKEN, SKIPPED };
#define RESULTS 4

/* Where `out` is NULL a case is only counted. */
struct suite {
	FILE *out;
	size_t count[RESULTS];
};

/* Prints the begin of a test case up to its text; end() must follow. */
static void begin(struct suite *s, const char *class, const char *name, enum result is,
		  const char *type, const char *message)
{
	static const char *const elements[] = {
		[FAILED] = "failure", [BROKEN] = "error", [SKIPPED] = "skipped"};
	s->count[is]++;
	if (!s->out)
		return;
	fputs("    <testcase", s->out);
	markup_attribute(s->out, "classname", class);
	markup_attribute(s->out, "name", name);
	fputs(" time=\"0\">", s->out);
	if (is == PASSED) {
		fputs("<system-out>", s->out);
		markup_put(s->out, message);
		return;
	}
	fprintf(s->out, "<%s", elements[is]);
	if (is != SKIPPED)
		markup_attribute(s->out, "type", type);
	markup_attribute(s->out, "message", message);
	fputs(is == SKIPPED ? "/><system-out>" : ">", s->out);
}

static void line(const struct suite *s, const char *text)
{
	if (!s->out || !*text)
		return;
	fputc('\n', s->out);
	markup_put(s->out, text);
}

static void end(const struct suite *s, enum result is)
{
	static const char *const ends[] = {[PASSED] = "system-out",
					   [FAILED] = "failure",
					   [BROKEN] = "error",
					   [SKIPPED] = "system-out"};
	if (s->out)
		fprintf(s->out, "</%s></testcase>\n", ends[is]);
}

static void finding_lines(const struct suite *s, const struct report *r, const struct finding *f)
{
	char text[ACCEPTANCE_TEXT];
	line(s, f->title);
	line(s, f->detail);
	for (size_t i = 0; i < f->proposal_count; i++) {
		const struct proposal *p = &f->proposals[i];
		report_text(text, "%s %s → %s", p->knob, p->current, p->proposed);
		if (p->proposed[0])
			line(s, text);
	}
	line(s, f->advice);
	line(s, acceptance_text(r, f, text));
}

static enum result result_of(const struct report *r, const struct wall *w)
{
	if (w->accepted)
		return SKIPPED;
	if (verdict_asks(w->verdict))
		return FAILED;
	bool needed = w->needed != REPORT_NONE;
	if (needed && (w->verdict == VERDICT_UNKNOWN ||
		       (r->require_measured && w->experiment == EXPERIMENT_MISSED)))
		return BROKEN;
	return w->verdict == VERDICT_OK ? PASSED : SKIPPED;
}

static void wall(struct suite *s, const struct report *r, const struct wall *w)
{
	enum result is = result_of(r, w);
	char capacity[64], needed[64] = "", message[200];
	if (w->needed != REPORT_NONE)
		figure_format(needed, sizeof(needed), w->unit, w->needed);
	report_text(message, "%s%s: %s%s%s", w->accepted ? "accepted, " : "",
		    wall_verdict_name(w->verdict), figure_text(capacity, sizeof(capacity), w),
		    needed[0] ? ", needed " : "", needed);
	begin(s, "epolltune.wall", w->name, is, wall_verdict_name(w->verdict), message);
	line(s, w->detail);
	line(s, w->reason);
	for (size_t i = 0; i < r->finding_count; i++)
		if (!strcmp(r->findings[i].wall, w->name) && report_accounts(r, &r->findings[i]))
			finding_lines(s, r, &r->findings[i]);
	end(s, is);
}

static void finding(struct suite *s, const struct report *r, const struct finding *f)
{
	bool asks = f->level == LEVEL_WARNING || f->level == LEVEL_CRITICAL;
	if (report_accounts(r, f) || (!asks && f->level != LEVEL_SKIPPED))
		return;
	enum result is = finding_asks(f) ? FAILED : SKIPPED;
	begin(s, "epolltune.finding", f->id, is, finding_level_name(f->level), f->title);
	finding_lines(s, r, f);
	end(s, is);
}

/* A probe that failed makes the status where nothing else was due. */
static void probe(struct suite *s, const struct report *r, const struct report_probe *p)
{
	if (p->state == PROBE_DONE)
		return;
	bool counts = p->state == PROBE_CRASHED || r->require_measured || !r->wall_count;
	enum result is = counts ? BROKEN : SKIPPED;
	begin(s, "epolltune.probe", p->name, is, probe_state_name(p->state),
	      probe_state_name(p->state));
	end(s, is);
}

static void cases(struct suite *s, const struct report *r)
{
	for (size_t i = 0; i < r->wall_count; i++)
		wall(s, r, &r->walls[i]);
	for (size_t i = 0; i < r->finding_count; i++)
		finding(s, r, &r->findings[i]);
	for (size_t i = 0; i < r->probe_count; i++)
		probe(s, r, &r->ran[i]);
}

static void counts(FILE *out, const size_t count[RESULTS])
{
	fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"",
		count[PASSED] + count[FAILED] + count[BROKEN] + count[SKIPPED], count[FAILED],
		count[BROKEN]);
}

int render_junit(FILE *out, const struct report *r, const struct render_style *style, struct err *e)
{
	(void)style;
	char stamp[REPORT_STAMP], answer[REPORT_ANSWER];
	struct suite s = {0}, printed = {.out = out};
	cases(&s, r);
	report_answer(r, answer);
	report_stamp(r->time.tv_sec, stamp);
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"epolltune\"", out);
	counts(out, s.count);
	fputs(">\n  <testsuite name=\"epolltune check\"", out);
	counts(out, s.count);
	fprintf(out, " skipped=\"%zu\" time=\"0\" timestamp=\"%.19s\"", s.count[SKIPPED], stamp);
	markup_attribute(out, "hostname", r->host.name);
	fputs(">\n", out);
	cases(&printed, r);
	fputs("    <system-out>", out);
	markup_put(out, answer);
	if (r->lost)
		fprintf(out, "\n%zu further walls or findings omitted: the report is full.",
			r->lost);
	fputs("</system-out>\n  </testsuite>\n</testsuites>\n", out);
	return render_flush(out, "the report", e);
}
