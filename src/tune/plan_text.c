/* A plan as a diff for a person. */
#include <stdio.h>
#include <string.h>

#include "report/render.h"
#include "tune/plan_render.h"

/* The value of a file is two lines: a comment and the setting. */
void plan_put_value(const struct page *p, enum tone tone, int indent, const char *mark,
		    const char *value)
{
	char line[PAGE_TEXT];
	for (const char *at = value; at && *at; at = strchr(at, '\n')) {
		at += *at == '\n';
		page_text(p, line, sizeof(line), "%s %.*s", mark, (int)strcspn(at, "\n"), at);
		fprintf(p->out, "%*s", indent, "");
		page_put(p, tone, line);
		fputc('\n', p->out);
	}
}

static void put_field(const struct page *p, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	char line[PAGE_TEXT];
	page_text(p, line, sizeof(line), "%s", text);
	fprintf(p->out, "    %-8s", name);
	page_wrap(p, TONE_PLAIN, 12, 12, line);
}

static void put_cost(const struct page *p, const struct change *c)
{
	char text[PAGE_TEXT];
	plan_cost_text(c, text);
	put_field(p, "costs", text);
}

static void put_change(const struct page *p, const struct change *c)
{
	page_put(p, TONE_BOLD, c->name);
	if (c->scope == CHANGE_FILES) {
		char file[CHANGE_FILE];
		c->kind->file->path(c->name, file);
		fprintf(p->out, "  (%s)", file);
	}
	fputc('\n', p->out);
	plan_put_value(p, TONE_BAD, 2, "-", change_value(c, c->from));
	plan_put_value(p, TONE_GOOD, 2, "+", change_value(c, c->to));
	if (c->scope != CHANGE_FILES) {
		put_field(p, "why", c->why);
		put_field(p, "effect", c->effect);
		put_field(p, "scope",
			  c->scope == CHANGE_NETNS ? "this network namespace"
						   : "the whole machine");
		put_cost(p, c);
	}
	fputc('\n', p->out);
}

static void put_manual(const struct page *p, const struct manual_step *m)
{
	char line[PAGE_TEXT];
	page_text(p, line, sizeof(line), "%s%s%s%s%s", m->knob,
		  m->current[0] || m->proposed[0] ? "  " : "", m->current,
		  m->current[0] && m->proposed[0] ? " → " : "", m->proposed);
	fputs("  ", p->out);
	page_wrap(p, TONE_BOLD, 2, 4, line);
	page_paragraph(p, TONE_PLAIN, 4, m->why);
	for (const char *at = m->action; at && *at; at = strchr(at, '\n')) {
		at += *at == '\n';
		size_t indent = 4 + strspn(at, " ");
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
		page_paragraph(p, TONE_PLAIN, indent, line + strspn(line, " "));
	}
}

void plan_put_manual(const struct page *p, const struct plan *plan)
{
	fputs("Manual steps:\n", p->out);
	for (size_t i = 0; i < plan->manual_count; i++)
		put_manual(p, &plan->manual[i]);
}

static void put_budget(const struct page *p, const struct plan *plan)
{
	char text[PAGE_TEXT];
	plan_budget_text(plan, text);
	page_paragraph(p, TONE_PLAIN, 0, text);
}

static void put_unknown(const struct page *p, const struct plan_result *r)
{
	char text[PAGE_TEXT];
	bool unknown = plan_unknown_text(r, text);
	page_paragraph(p, TONE_PLAIN, 0, text);
	if (unknown && r->reasons && r->reasons[0])
		fprintf(p->out, "For the reasons:\n  %s\n", r->reasons);
}

int plan_render_text(FILE *out, const struct plan_result *r, const struct render_style *style,
		     struct err *e)
{
	struct page p = page_open(out, style);
	const struct plan *plan = r->plan;
	char omitted[RENDER_OMITTED];
	if (r->answer) {
		page_paragraph(&p, TONE_BOLD, 0, r->answer);
		page_paragraph(&p, TONE_PLAIN, 0,
			       r->before ? render_omitted(r->before, omitted) : "");
		fputc('\n', out);
	}
	for (size_t i = 0; i < plan->count; i++)
		put_change(&p, &plan->changes[i]);
	if (!plan->count)
		page_paragraph(&p, TONE_PLAIN, 0, plan_no_change(r));
	if (plan->manual_count) {
		fputs(plan->count ? "" : "\n", out);
		plan_put_manual(&p, plan);
		if (plan->count)
			fputc('\n', out);
	}
	if (plan->tight)
		fputs("Tight walls are not changed; add --tight to include them.\n", out);
	put_unknown(&p, r);
	if (plan_runtime(plan))
		put_budget(&p, plan);
	return render_flush(out, "the plan", e);
}
