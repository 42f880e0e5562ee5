/* Prints a report in Markdown (GitHub's, with tables), for tickets and merge requests. */
#include "report/render.h"

#include <inttypes.h>
#include <string.h>

#include "epolltune/quantity.h"
#include "report/figure.h"
#include "report/markdown.h"

static void paragraph(FILE *out, const char *text)
{
	if (!*text)
		return;
	markdown_put(out, text);
	fputs("\n\n", out);
}

static void target(FILE *out, const struct target *t)
{
	const struct {
		enum quantity_kind kind;
		uint64_t value;
		const char *what;
	} numbers[] = {
		{QUANTITY_COUNT, t->connections, " connections"},
		{QUANTITY_RATE, t->rate_per_s, " new"},
		{QUANTITY_DURATION, t->stall_us, " accept stalls"},
		{QUANTITY_DURATION, t->rtt_us, " RTT"},
		{QUANTITY_BANDWIDTH, t->bandwidth_bps, " per connection"},
	};
	char text[64];
	fprintf(out, "Target of a %s: ", target_role_name(t->role));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		quantity_format(text, sizeof(text), numbers[i].kind, numbers[i].value);
		fprintf(out, "%s%s%s", i ? ", " : "", text, numbers[i].what);
	}
	fputs("\n\n", out);
}

static void wall(FILE *out, const struct wall *w)
{
	char capacity[64], needed[64];
	bool asks = verdict_asks(w->verdict);
	fputs("| ", out);
	markdown_code(out, w->name);
	fputs(" | ", out);
	markdown_put(out, figure_text(capacity, sizeof(capacity), w));
	fputs(" | ", out);
	markdown_put(out, figure_needed(needed, sizeof(needed), w));
	fprintf(out, " | %s | %s%s%s%s |\n",
		w->verdict == VERDICT_NA ? "-" : wall_method_name(w->method), asks ? "**" : "",
		wall_verdict_name(w->verdict), asks ? "**" : "", w->accepted ? ", accepted" : "");
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

static void proposals(FILE *out, const struct finding *f)
{
	for (size_t i = 0; i < f->proposal_count; i++) {
		const struct proposal *p = &f->proposals[i];
		if (!p->proposed[0])
			continue;
		fputs("- ", out);
		markdown_code(out, p->knob);
		fputs(": ", out);
		markdown_code(out, p->current[0] ? p->current : "unknown");
		fputs(" → ", out);
		markdown_code(out, p->proposed);
		fputc('\n', out);
	}
	if (!finding_proposes(f))
		return;
	const char *tried = finding_tried_name(f->tried);
	if (tried) {
		fprintf(out, "- %s: ", tried);
		markdown_put(out, f->outcome);
		fputc('\n', out);
	}
	fputc('\n', out);
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
	report_answer(r, answer);
	fputs("## epolltune check of ", out);
	markdown_put(out, r->host.name);
	fputs("\n\n**", out);
	markdown_put(out, answer);
	fputs("**\n\nLinux ", out);
	markdown_put(out, r->host.kernel);
	fprintf(out, ", %" PRIu64 " CPUs, %s, epolltune %s", r->host.cpus,
		report_stamp(r->time.tv_sec, stamp), EPOLLTUNE_VERSION);
	if (r->server.asked[0]) {
		fputs(", server ", out);
		markdown_put(out, r->server.name[0] ? r->server.name : r->server.asked);
	}
	fputs("\n\n", out);
	target(out, &r->target);
	walls(out, r);
	findings(out, r);
	if (render_omitted(r, omitted)[0])
		fprintf(out, "%s\n", omitted);
	return render_flush(out, "the report", e);
}
