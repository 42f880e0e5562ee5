/* Prints a report as HTML, see html_page.h. */
#include "report/render.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "catalogue/unit.h"
#include "report/figure.h"
#include "report/head.h"
#include "report/hint.h"
#include "report/html_curve.h"
#include "report/markup.h"

static enum tone level_tone(const struct finding *f)
{
	return f->level == LEVEL_CRITICAL  ? TONE_BAD
	       : f->level == LEVEL_WARNING ? TONE_WARN
					   : TONE_FAINT;
}

static void answer(const struct html *h, const struct report *r)
{
	static const enum tone tones[] = {[VERDICT_OK] = TONE_GOOD,
					  [VERDICT_TIGHT] = TONE_WARN,
					  [VERDICT_SHORT] = TONE_BAD,
					  [VERDICT_UNKNOWN] = TONE_WARN};
	char text[REPORT_ANSWER], command[HINT_COMMAND], class[32];
	report_answer(r, text);
	snprintf(class, sizeof(class), "answer %s", html_tone(tones[report_summarize(r).status]));
	html_element(h, "p", class, text);
	const char *purpose = hint_next(r, true, command);
	if (!command[0])
		return;
	html_element(h, "p", "small", purpose);
	html_lines(h, command);
}

static void walls(struct html *h, const struct report *r)
{
	static const struct table_column columns[] = {
		{"WALL", TABLE_LEFT},    {"VERDICT", TABLE_LEFT}, {"CAPACITY", TABLE_RIGHT},
		{"NEEDED", TABLE_RIGHT}, {"BASIS", TABLE_LEFT},   {0}};
	if (!r->wall_count)
		return;
	html_element(h, "h2", NULL, "Walls");
	html_table(h, "Capacity and need of each wall", columns);
	for (size_t i = 0; i < r->wall_count; i++) {
		const struct wall *w = &r->walls[i];
		char capacity[64], needed[64], verdict[RENDER_VERDICT];
		if (figure_is_absent(w))
			continue;
		html_row(h);
		html_cell_code(h, w->name);
		html_cell(h, page_wall_tone(w), render_verdict(w, verdict));
		html_cell(h, TONE_PLAIN, figure_text(capacity, sizeof(capacity), w));
		html_cell(h, TONE_PLAIN, figure_needed(needed, sizeof(needed), w));
		html_cell(h, TONE_FAINT, figure_basis(w));
	}
	html_table_end(h);
}

static void proposals(const struct html *h, const struct finding *f)
{
	char outcome[FINDING_OUTCOME];
	size_t printed = 0;
	for (size_t i = 0; i < f->proposal_count; i++) {
		const struct proposal *p = &f->proposals[i];
		if (!proposal_known(p))
			continue;
		fputs(printed++ ? "<li>" : "<ul class=\"change\">\n<li>", h->out);
		html_code(h, p->knob);
		fputc(' ', h->out);
		html_code(h, proposal_current(p));
		if (p->proposed[0]) {
			fputs(" → <strong>", h->out);
			html_code(h, p->proposed);
			fputs("</strong>", h->out);
		}
		fputs("</li>\n", h->out);
	}
	html_element(h, "li", NULL, finding_outcome(f, outcome));
	fputs(printed ? "</ul>\n" : "", h->out);
}

static bool was_proposed(const struct finding *f)
{
	for (size_t i = 0; i < f->evidence_count; i++)
		if (!isnan(f->evidence[i].at_proposed))
			return true;
	return false;
}

/* A unit that is not scaled is printed beside the name. */
static void evidence(struct html *h, const struct finding *f)
{
	struct table_column columns[] = {
		{"EVIDENCE", TABLE_LEFT}, {"CURRENT", TABLE_RIGHT}, {"PROPOSED", TABLE_RIGHT}, {0}};
	if (!f->evidence_count)
		return;
	if (!was_proposed(f))
		columns[2] = (struct table_column){0};
	html_table(h, "Evidence", columns);
	for (size_t i = 0; i < f->evidence_count; i++) {
		const struct evidence *ev = &f->evidence[i];
		bool scaled = unit_row_find(ev->unit)->form == UNIT_SCALED || !ev->unit[0];
		const char *unit = scaled ? ev->unit : "";
		char name[96], value[64];
		report_text(name, "%s%s%s", ev->name, scaled ? "" : ", ", scaled ? "" : ev->unit);
		html_row(h);
		html_cell(h, TONE_PLAIN, name);
		html_cell(h, TONE_PLAIN, figure_value(value, sizeof(value), ev->at_current, unit));
		if (columns[2].head)
			html_cell(h, TONE_PLAIN,
				  figure_value(value, sizeof(value), ev->at_proposed, unit));
	}
	html_table_end(h);
}

static void figures(struct html *h, const struct finding_table *t)
{
	struct table_column columns[TABLE_COLUMNS + 2] = {{t->corner, TABLE_LEFT}};
	if (!t->row_count)
		return;
	for (size_t k = 0; k < t->column_count; k++)
		columns[k + 1] = (struct table_column){t->column[k].head, TABLE_RIGHT};
	html_table(h, t->corner, columns);
	for (size_t i = 0; i < t->row_count; i++) {
		html_row(h);
		html_cell(h, TONE_PLAIN, t->row[i].name);
		for (size_t k = 0; k < t->column_count; k++) {
			char text[64];
			html_cell(h, TONE_PLAIN,
				  figure_value(text, sizeof(text), t->row[i].value[k],
					       t->column[k].unit));
		}
	}
	html_table_end(h);
}

static void finding_label(const struct html *h, const struct finding *f)
{
	fputs("<p class=\"label\">", h->out);
	fprintf(h->out, "<span class=\"%s\">%s</span>", html_tone(level_tone(f)),
		f->accepted ? "accepted" : finding_level_name(f->level));
	if (f->remedy != REMEDY_NONE)
		fprintf(h->out, " · %s", finding_remedy_name(f->remedy));
	fputs(" · ", h->out);
	html_code(h, f->id);
	fputs("</p>\n", h->out);
}

static void finding_article(struct html *h, const struct report *r, const struct finding *f)
{
	char accepted[ACCEPTANCE_TEXT];
	fputs("<article>\n", h->out);
	finding_label(h, f);
	html_element(h, "h3", NULL, f->title);
	html_element(h, "p", NULL, f->detail);
	proposals(h, f);
	html_curve(h, r, f);
	evidence(h, f);
	figures(h, &f->table);
	html_element(h, "p", NULL, f->advice);
	html_element(h, "p", NULL, acceptance_text(r, f, accepted));
	fputs("</article>\n", h->out);
}

/* Prints the findings of a kind, under a heading if there is one. */
static void findings(struct html *h, const struct report *r, const char *heading,
		     bool (*chosen)(const struct finding *))
{
	size_t printed = 0;
	for (int level = LEVEL_SKIPPED; level >= 0; level--)
		for (size_t i = 0; i < r->finding_count; i++) {
			const struct finding *f = &r->findings[i];
			if ((int)f->level != level || !chosen(f))
				continue;
			if (!printed++)
				html_element(h, "h2", NULL, heading);
			finding_article(h, r, f);
		}
}

static bool is_note(const struct finding *f) { return f->level == LEVEL_NOTE && !f->accepted; }
static bool is_accepted(const struct finding *f) { return f->accepted; }
static bool is_skipped(const struct finding *f)
{
	return f->level == LEVEL_SKIPPED && !f->accepted;
}

static void wall_details(const struct html *h, const struct report *r)
{
	size_t printed = 0;
	char note[RENDER_NOTE];
	for (size_t i = 0; i < r->wall_count; i++) {
		const struct wall *w = &r->walls[i];
		if (!render_wall_note(w, note)[0] || figure_is_absent(w))
			continue;
		fputs(printed++ ? "<dt>" : "<dl>\n<dt>", h->out);
		html_code(h, w->name);
		fputs("</dt>\n<dd>", h->out);
		markup_print(h->out, "%s", note);
		fputs("</dd>\n", h->out);
	}
	fputs(printed ? "</dl>\n" : "", h->out);
}

static void probes(struct html *h, const struct report *r)
{
	static const struct table_column columns[] = {
		{"PROBE", TABLE_LEFT}, {"RESULT", TABLE_LEFT}, {"EXPERIMENTS", TABLE_LEFT}, {0}};
	static const char *const places[] = {
		[ISOLATION_LAB] = "in a private lab",
		[ISOLATION_IN_PLACE] = "in this namespace",
		[ISOLATION_SYSROOT] = "none (captured machine)",
		[ISOLATION_NONE] = "none, settings only",
	};
	if (!r->probe_count)
		return;
	html_element(h, "h2", NULL, "Probes");
	html_table(h, "Probes that ran", columns);
	for (size_t i = 0; i < r->probe_count; i++) {
		const struct report_probe *p = &r->ran[i];
		html_row(h);
		html_cell_code(h, p->name);
		html_cell(h, p->state == PROBE_DONE ? TONE_PLAIN : TONE_BAD,
			  probe_state_name(p->state));
		html_cell(h, TONE_PLAIN, places[p->isolation]);
	}
	html_table_end(h);
}

static void listeners(struct html *h, const struct report *r)
{
	static const struct table_column columns[] = {
		{"LISTENER", TABLE_LEFT}, {"PROCESS", TABLE_LEFT},  {"QUEUED", TABLE_RIGHT},
		{"LIMIT", TABLE_RIGHT},   {"DROPPED", TABLE_RIGHT}, {0}};
	if (!r->listed)
		return;
	html_element(h, "h2", NULL, "Listeners");
	html_table(h, "Accept queues of the listeners", columns);
	for (size_t i = 0; i < r->listed; i++) {
		const struct report_listener *l = &r->listeners[i];
		char process[64] = "-", number[3][32];
		if (l->process[0])
			report_text(process, "%s (pid %" PRId64 ")", l->process, l->pid);
		figure_format(number[0], sizeof(number[0]), "", l->depth);
		figure_format(number[1], sizeof(number[1]), "", l->limit);
		report_text(number[2], "-");
		if (l->kind == LISTENER_TCP)
			figure_format(number[2], sizeof(number[2]), "", l->drops);
		html_row(h);
		html_cell_code(h, l->address);
		html_cell(h, TONE_PLAIN, process);
		for (size_t k = 0; k < 3; k++)
			html_cell(h, TONE_PLAIN, number[k]);
	}
	html_table_end(h);
	if (r->listed < r->listener_count) {
		char text[96];
		report_text(text, "%zu of %zu listeners: in trouble first, then the fullest.",
			    r->listed, r->listener_count);
		html_element(h, "p", "small", text);
	}
}

int render_html(FILE *out, const struct report *r, const struct render_style *style, struct err *e)
{
	char omitted[RENDER_OMITTED];
	struct html h = html_begin(out, "epolltune check", r->host.name);
	fputs("<div class=\"head\">\n", out);
	head_lines(&h.page, r, html_segments);
	fputs("</div>\n", out);
	answer(&h, r);
	fputs("</header>\n", out);
	walls(&h, r);
	findings(&h, r, "Findings", finding_asks);
	findings(&h, r, "Accepted", is_accepted);
	findings(&h, r, "Notes", is_note);
	findings(&h, r, "Skipped", is_skipped);
	html_element(&h, "p", NULL, render_omitted(r, omitted));
	if (r->wall_count)
		html_element(&h, "h2", NULL, "The walls in detail");
	wall_details(&h, r);
	listeners(&h, r);
	probes(&h, r);
	html_end(&h, r->time.tv_sec);
	return render_flush(out, "the report", e);
}
