/* A plan and its outcome as HTML, see html_page.h: what was changed and why, the walls before and
 * after, and how to roll back. */
#include <stdio.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "report/compare.h"
#include "report/comparison_html.h"
#include "report/html_curve.h"
#include "report/html_page.h"
#include "report/markup.h"
#include "report/render.h"
#include "tune/plan_render.h"

static void outcome(const struct html *h, const struct plan_result *r)
{
	static const enum tone tones[] = {
		[OUTCOME_PLANNED] = TONE_BOLD, [OUTCOME_NOTHING] = TONE_BOLD,
		[OUTCOME_APPLIED] = TONE_GOOD, [OUTCOME_WAITING] = TONE_WARN,
		[OUTCOME_REVERTED] = TONE_BAD, [OUTCOME_PARTLY] = TONE_BAD,
		[OUTCOME_REFUSED] = TONE_BAD,  [OUTCOME_NOT_WAITING] = TONE_BOLD,
	};
	const char *option = r->option ? r->option : "";
	char text[PAGE_TEXT], class[32], command[PAGE_TEXT] = "";
	report_text(text, "%c%s", plan_outcome_name(r->outcome)[0] - 'a' + 'A',
		    plan_outcome_name(r->outcome) + 1);
	if (r->run)
		report_append(text, ", run %u", r->run);
	report_append(text, "%s%s", r->reason ? ": " : "", r->reason ? r->reason : "");
	report_text(class, "answer %s", html_tone(tones[r->outcome]));
	html_element(h, "p", class, text);
	if (r->outcome == OUTCOME_WAITING)
		report_text(command, "epolltune confirm%s", option);
	else if (r->outcome == OUTCOME_APPLIED || r->outcome == OUTCOME_PARTLY)
		report_text(command, "epolltune rollback %u%s", r->run, option);
	html_element(h, "p", "small",
		     r->outcome == OUTCOME_WAITING ? "To keep the changes:"
		     : command[0]                  ? "To roll back:"
						   : "");
	html_lines(h, command);
}

static void answers(const struct html *h, const struct plan_result *r)
{
	char answer[REPORT_ANSWER], text[REPORT_ANSWER + 16] = "", omitted[RENDER_OMITTED];
	fputs("<div class=\"head\">\n", h->out);
	if (r->answer)
		report_text(text, "Before: %s", r->answer);
	html_element(h, "p", "fact", text);
	html_element(h, "p", "fact", r->before ? render_omitted(r->before, omitted) : "");
	if (r->after) {
		report_answer(r->after, answer);
		report_text(text, "After: %s", answer);
		html_element(h, "p", "fact", text);
	}
	fputs("</div>\n", h->out);
}

static const struct finding *finding_of(const struct report *r, const struct change *c)
{
	for (size_t i = 0; r && i < r->finding_count; i++)
		if (c->finding[0] && !strcmp(r->findings[i].id, c->finding) &&
		    !strcmp(r->findings[i].wall, c->wall))
			return &r->findings[i];
	return NULL;
}

/* Whether an earlier change is of the same finding, which has one curve. */
static bool is_shown(const struct plan *plan, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(plan->changes[k].finding, plan->changes[i].finding) &&
		    !strcmp(plan->changes[k].wall, plan->changes[i].wall))
			return true;
	return false;
}

/* The value of a file is two lines: a comment and the setting. */
static void change_values(const struct html *h, const struct change *c)
{
	const char *to = c->became[0] ? c->became : c->to;
	char lines[2 * CHANGE_VALUE + 64];
	if (!strchr(c->from, '\n') && !strchr(to, '\n')) {
		fputs("<p>", h->out);
		html_code(h, change_shown(c->from));
		fputs(" → <strong>", h->out);
		html_code(h, change_shown(to));
		fputs("</strong></p>\n", h->out);
		return;
	}
	report_text(lines, "%s%s%s", c->from, c->from[0] && to[0] ? "\n→\n" : "", to);
	html_lines(h, lines);
}

static void field(const struct html *h, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	html_element(h, "dt", NULL, name);
	html_element(h, "dd", NULL, text);
}

static const char *scope_text(enum change_scope s)
{
	return s == CHANGE_NETNS ? "this network namespace" : "the whole machine";
}

static void change(const struct html *h, const struct plan_result *r, size_t i)
{
	const struct change *c = &r->plan->changes[i];
	const struct finding *f = finding_of(r->before, c);
	char cost[PAGE_TEXT], file[CHANGE_FILE];
	fputs("<article>\n<h3>", h->out);
	html_code(h, c->name);
	fputs("</h3>\n", h->out);
	change_values(h, c);
	fputs("<dl class=\"pairs\">\n", h->out);
	field(h, "state", change_state_name(c->state));
	if (c->scope == CHANGE_FILES) {
		c->kind->file->path(c->name, file);
		field(h, "file", file);
		fputs("</dl>\n</article>\n", h->out);
		return;
	}
	plan_cost_text(c, cost);
	field(h, "why", c->why);
	field(h, "effect", c->effect);
	field(h, "scope", scope_text(c->scope));
	field(h, "costs", cost);
	fputs("</dl>\n", h->out);
	if (f && !is_shown(r->plan, i))
		html_curve(h, r->before, f);
	fputs("</article>\n", h->out);
}

static void changes(const struct html *h, const struct plan_result *r)
{
	char text[PAGE_TEXT];
	if (r->plan->count)
		html_element(h, "h2", NULL, "Changes");
	for (size_t i = 0; i < r->plan->count; i++)
		change(h, r, i);
	if (!plan_runtime(r->plan))
		return;
	plan_budget_text(r->plan, text);
	html_element(h, "p", NULL, text);
}

static int proof(struct html *h, const struct plan_result *r, struct err *e)
{
	CLEAN(comparison_free) struct comparison c = {0};
	if (!r->before || !r->after)
		return 0;
	int rc = compare_reports(&c, r->before, r->after, COMPARE_TO_PROVE, e);
	if (rc)
		return rc;
	html_element(h, "h2", NULL, "Proof: before and after");
	comparison_html(h, &c);
	return 0;
}

static void next_boot(struct html *h, const json_t *persisted)
{
	static const struct table_column columns[] = {{"KNOB", TABLE_LEFT},
						      {"RUNNING", TABLE_LEFT},
						      {"AFTER A REBOOT", TABLE_LEFT},
						      {"FILE", TABLE_LEFT},
						      {0}};
	static const char *const keys[] = {"knob", "running", "after_reboot", "file"};
	if (!json_array_size(persisted))
		return;
	html_element(h, "h2", NULL, "At the next boot");
	html_table(h, "What the files set at the next boot", columns);
	for (size_t i = 0; i < json_array_size(persisted); i++) {
		html_row(h);
		for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
			const char *text = json_string_value(
				json_object_get(json_array_get(persisted, i), keys[k]));
			html_cell_code(h, text && *text ? text : "-");
		}
	}
	html_table_end(h);
}

static void manual_steps(const struct html *h, const struct plan *plan)
{
	if (plan->manual_count)
		html_element(h, "h2", NULL, "Manual steps");
	for (size_t i = 0; i < plan->manual_count; i++) {
		const struct manual_step *m = &plan->manual[i];
		fputs("<article>\n<h3>", h->out);
		html_code(h, m->knob);
		fputs("</h3>\n", h->out);
		bool both = m->current[0] && m->proposed[0];
		fputs(m->current[0] || m->proposed[0] ? "<p>" : "", h->out);
		if (m->current[0])
			html_code(h, m->current);
		fputs(both ? " → " : "", h->out);
		fputs(m->proposed[0] ? "<strong>" : "", h->out);
		if (m->proposed[0])
			html_code(h, m->proposed);
		fputs(m->proposed[0] ? "</strong>" : "", h->out);
		fputs(m->current[0] || m->proposed[0] ? "</p>\n" : "", h->out);
		html_element(h, "p", NULL, m->why);
		html_lines(h, m->action);
		fputs("</article>\n", h->out);
	}
}

int plan_render_html(FILE *out, const struct plan_result *r, const struct render_style *style,
		     struct err *e)
{
	char text[PAGE_TEXT] = "";
	struct html h = html_begin(out, "epolltune apply", r->before ? r->before->host.name : "");
	answers(&h, r);
	outcome(&h, r);
	fputs("</header>\n", out);
	changes(&h, r);
	int rc = proof(&h, r, e);
	if (rc)
		return rc;
	next_boot(&h, r->persisted);
	manual_steps(&h, r->plan);
	if (r->plan->tight)
		report_text(text, "Tight walls are not changed; add --tight to include them.");
	html_element(&h, "p", NULL, text);
	plan_unknown_text(r, text);
	html_element(&h, "p", NULL, text);
	if (r->command) {
		html_element(&h, "h2", NULL, "Command");
		html_lines(&h, r->command);
	}
	html_end(&h, time(NULL));
	return render_flush(out, "the plan", e);
}
