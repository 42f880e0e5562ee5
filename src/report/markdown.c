/* Prints a report in Markdown (GitHub's, with tables), for tickets and merge requests. */
#include "report/render.h"

#include <string.h>

#include "report/figure.h"
#include "report/head.h"
#include "report/markdown.h"

static void paragraph(FILE *out, const char *text)
{
	if (!*text)
		return;
	markdown_put(out, text);
	fputs("\n\n", out);
}

/* A paragraph of the report's head. */
static void head_line(const struct page *p, enum tone tone, size_t indent, const char *separator,
		      const struct page_segments *s)
{
	for (size_t i = 0; i < s->count; i++) {
		fputs(i ? separator : "", p->out);
		markdown_put(p->out, s->at[i]);
	}
	fputs(s->count ? "\n\n" : "", p->out);
}

static void wall(FILE *out, const struct wall *w)
{
	char capacity[64], needed[64], verdict[RENDER_VERDICT];
	bool asks = verdict_asks(w->verdict) && !w->accepted;
	fputs("| ", out);
	markdown_code(out, w->name);
	fputs(" | ", out);
	markdown_put(out, figure_text(capacity, sizeof(capacity), w));
	fputs(" | ", out);
	markdown_put(out, figure_needed(needed, sizeof(needed), w));
	fprintf(out, " | %s | %s%s%s |\n", figure_basis(w), asks ? "**" : "",
		render_verdict(w, verdict), asks ? "**" : "");
}

static void walls(FILE *out, const struct report *r)
{
	if (!r->wall_count)
		return;
	fputs("| Wall | Capacity | Needed | Basis | Verdict |\n"
	      "| --- | ---: | ---: | --- | --- |\n",
	      out);
	for (size_t i = 0; i < r->wall_count; i++)
		if (!figure_is_absent(&r->walls[i]))
			wall(out, &r->walls[i]);
	fputc('\n', out);
}

/* Why a wall that the target needs has no verdict. */
static void wall_notes(FILE *out, const struct report *r)
{
	char note[RENDER_NOTE];
	size_t printed = 0;
	for (size_t i = 0; i < r->wall_count; i++) {
		const struct wall *w = &r->walls[i];
		if (!wall_undecided(r, w) || !render_wall_note(w, note)[0])
			continue;
		fputs("- ", out);
		markdown_code(out, w->name);
		fputs(": ", out);
		markdown_put(out, note);
		fputc('\n', out);
		printed++;
	}
	fputs(printed ? "\n" : "", out);
}

static void proposals(FILE *out, const struct finding *f)
{
	char outcome[FINDING_OUTCOME];
	size_t printed = 0;
	for (size_t i = 0; i < f->proposal_count; i++) {
		const struct proposal *p = &f->proposals[i];
		if (!proposal_known(p))
			continue;
		fputs("- ", out);
		markdown_code(out, p->knob);
		fputs(": ", out);
		markdown_code(out, proposal_current(p));
		fputs(p->proposed[0] ? " → " : "", out);
		if (p->proposed[0])
			markdown_code(out, p->proposed);
		fputc('\n', out);
		printed++;
	}
	if (finding_outcome(f, outcome)[0]) {
		fputs("- ", out);
		markdown_put(out, outcome);
		fputc('\n', out);
	}
	fputs(printed ? "\n" : "", out);
}

static void evidence(FILE *out, const struct finding *f)
{
	char text[160];
	for (size_t i = 0; i < f->evidence_count; i++) {
		const struct evidence *ev = &f->evidence[i];
		fputs("- ", out);
		markdown_put(out, ev->name);
		fputs(": ", out);
		markdown_put(out, figure_evidence(text, sizeof(text), ev));
		fputc('\n', out);
	}
	fputs(f->evidence_count ? "\n" : "", out);
}

static void figures(FILE *out, const struct finding_table *t)
{
	char text[64];
	if (!t->row_count)
		return;
	fputs("| ", out);
	markdown_put(out, t->corner);
	for (size_t k = 0; k < t->column_count; k++) {
		fputs(" | ", out);
		markdown_put(out, t->column[k].head);
	}
	fputs(" |\n| ---", out);
	for (size_t k = 0; k < t->column_count; k++)
		fputs(" | ---:", out);
	fputs(" |\n", out);
	for (size_t i = 0; i < t->row_count; i++) {
		fputs("| ", out);
		markdown_put(out, t->row[i].name);
		for (size_t k = 0; k < t->column_count; k++) {
			fputs(" | ", out);
			markdown_put(out, figure_value(text, sizeof(text), t->row[i].value[k],
						       t->column[k].unit));
		}
		fputs(" |\n", out);
	}
	fputc('\n', out);
}

static void finding_section(FILE *out, const struct report *r, const struct finding *f)
{
	char text[ACCEPTANCE_TEXT];
	fputs("### ", out);
	markdown_put(out, f->id);
	fprintf(out, " (%s%s%s)\n\n", finding_level_name(f->level),
		f->remedy == REMEDY_NONE ? "" : ", ",
		f->remedy == REMEDY_NONE ? "" : finding_remedy_name(f->remedy));
	paragraph(out, f->title);
	paragraph(out, f->detail);
	proposals(out, f);
	evidence(out, f);
	figures(out, &f->table);
	paragraph(out, f->advice);
	paragraph(out, acceptance_text(r, f, text));
}

/* Notes, what is accepted and what was skipped, one a line. */
static void finding_item(FILE *out, const struct report *r, const struct finding *f)
{
	char text[ACCEPTANCE_TEXT];
	fprintf(out, "- %s: ", f->accepted ? "accepted" : finding_level_name(f->level));
	markdown_code(out, f->id);
	fputs(": ", out);
	markdown_put(out, f->title);
	if (acceptance_text(r, f, text)[0]) {
		fputs(". ", out);
		markdown_put(out, text);
	}
	fputc('\n', out);
}

static void findings(FILE *out, const struct report *r)
{
	for (int level = LEVEL_CRITICAL; level >= LEVEL_WARNING; level--)
		for (size_t i = 0; i < r->finding_count; i++)
			if ((int)r->findings[i].level == level && finding_asks(&r->findings[i]))
				finding_section(out, r, &r->findings[i]);
	size_t printed = 0;
	for (size_t i = 0; i < r->finding_count; i++) {
		if (finding_asks(&r->findings[i]) || r->findings[i].quiet)
			continue;
		finding_item(out, r, &r->findings[i]);
		printed++;
	}
	fputs(printed ? "\n" : "", out);
}

int render_markdown(FILE *out, const struct report *r, const struct render_style *style,
		    struct err *e)
{
	char answer[REPORT_ANSWER], stamp[REPORT_STAMP], omitted[RENDER_OMITTED];
	const struct page p = {.out = out, .utf8 = true};
	report_answer(r, answer);
	fprintf(out, "## epolltune check%s", r->host.name[0] ? " of " : "");
	markdown_put(out, r->host.name);
	fprintf(out, ", %s\n\n**", report_stamp(r->time.tv_sec, stamp));
	markdown_put(out, answer);
	fputs("**\n\n", out);
	head_lines(&p, r, head_line);
	walls(out, r);
	wall_notes(out, r);
	findings(out, r);
	if (render_omitted(r, omitted)[0])
		fprintf(out, "%s\n", omitted);
	return render_flush(out, "the report", e);
}
