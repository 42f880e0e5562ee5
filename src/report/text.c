#include "report/render.h"

#include <string.h>

#include "base/shell.h"
#include "report/figure.h"
#include "report/head.h"
#include "report/hint.h"
#include "report/page.h"
#include "report/table.h"
#include "report/utf8.h"

static void add_wall(struct table *t, const struct wall *w)
{
	char capacity[64], needed[64], verdict[RENDER_VERDICT];
	table_row(t);
	table_cell(t, "%s", w->name);
	table_cell(t, "%s", figure_text(capacity, sizeof(capacity), w));
	table_cell(t, "%s", figure_needed(needed, sizeof(needed), w));
	table_cell(t, "%s", figure_basis(w));
	table_cell_tone(t, page_wall_tone(w),
			w->accepted ? render_verdict(w, verdict) : page_verdict(w->verdict));
}

/* Prints the details of the walls, and why one that is needed has no verdict. */
static void wall_details(const struct page *p, const struct report *r)
{
	bool begun = false;
	char note[RENDER_NOTE];
	for (size_t i = 0; i < r->wall_count; i++) {
		const struct wall *w = &r->walls[i];
		if (!p->verbose && !wall_undecided(r, w))
			continue;
		if (!render_wall_note(w, note)[0])
			continue;
		if (p->verbose && !begun)
			fputc('\n', p->out);
		begun = true;
		char line[PAGE_TEXT];
		page_text(p, line, sizeof(line), "%s: %s", w->name, note);
		page_wrap(p, TONE_PLAIN, 0, 2, line);
	}
}

static int walls(const struct page *p, const struct report *r, struct err *e)
{
	static const struct table_column columns[] = {
		{"WALL", TABLE_LEFT},  {"CAPACITY", TABLE_RIGHT}, {"NEEDED", TABLE_RIGHT},
		{"BASIS", TABLE_LEFT}, {"VERDICT", TABLE_LEFT},   {0}};
	struct table t = {.page = p, .gap = page_gap(p), .columns = columns, .spare = 3};
	for (size_t i = 0; i < r->wall_count; i++)
		if (p->verbose || !figure_is_absent(&r->walls[i]))
			add_wall(&t, &r->walls[i]);
	int status = table_print(&t, p->out, e);
	if (status == 0)
		wall_details(p, r);
	return status;
}

/* Prints "ListenOverflows 903 → 0 SYNs · …": at the current value, and at the proposed one if
 * tried. */
static void evidence(const struct page *p, const struct finding *f)
{
	struct page_segments s = {0};
	char value[160];
	for (size_t i = 0; i < f->evidence_count; i++) {
		const struct evidence *ev = &f->evidence[i];
		page_segment(p, &s, "%s %s", ev->name, figure_evidence(value, sizeof(value), ev));
	}
	page_segments(p, TONE_FAINT, 2, " · ", &s);
}

/* Prints the finding's table; nothing if out of memory. */
static void figures(const struct page *p, const struct finding *f, size_t indent)
{
	const struct finding_table *of = &f->table;
	struct table t = {.page = p, .gap = "  ", .indent = indent};
	if (!of->row_count)
		return;
	table_column(&t, of->corner, TABLE_LEFT);
	for (size_t k = 0; k < of->column_count; k++)
		table_column(&t, of->column[k].head, TABLE_RIGHT);
	for (size_t i = 0; i < of->row_count; i++) {
		table_row(&t);
		table_cell(&t, "%s", of->row[i].name);
		for (size_t k = 0; k < of->column_count; k++) {
			char text[64];
			table_cell(&t, "%s",
				   figure_value(text, sizeof(text), of->row[i].value[k],
						of->column[k].unit));
		}
	}
	table_print(&t, p->out, NULL);
}

static void knob_line(const struct page *p, const struct proposal *c)
{
	char knob[PAGE_TEXT], change[PAGE_TEXT];
	page_text(p, knob, sizeof(knob), "%s", c->knob);
	page_text(p, change, sizeof(change), "%s%s%s", proposal_current(c),
		  c->proposed[0] ? " → " : "", c->proposed);
	size_t column = 2 + utf8_length(knob) + 3 + utf8_length(change);
	fputs("  ", p->out);
	page_put(p, TONE_BOLD, knob);
	if (column <= p->width) {
		fputs("   ", p->out);
		page_put(p, TONE_BOLD, change);
		fputc('\n', p->out);
	} else {
		fputc('\n', p->out);
		page_paragraph(p, TONE_BOLD, 4, change);
	}
}

static void knob_lines(const struct page *p, const struct finding *f)
{
	char outcome[FINDING_OUTCOME];
	for (size_t i = 0; i < f->proposal_count; i++)
		if (proposal_known(&f->proposals[i]))
			knob_line(p, &f->proposals[i]);
	page_paragraph(p, TONE_PLAIN, 4, finding_outcome(f, outcome));
}

/* Prints the id, the level and who has to act: "critical · application". */
static void finding_head(const struct page *p, const struct finding *f)
{
	char id[64], level[64];
	page_text(p, id, sizeof(id), "%s", f->id);
	page_text(p, level, sizeof(level), "%s%s%s", finding_level_name(f->level),
		  f->remedy == REMEDY_NONE ? "" : " · ",
		  f->remedy == REMEDY_NONE ? "" : finding_remedy_name(f->remedy));
	size_t used = utf8_length(id) + utf8_length(level);
	page_put(p, TONE_BOLD, id);
	fprintf(p->out, "%*s", p->width > used ? (int)(p->width - used) : 1, "");
	page_put(p, f->level == LEVEL_CRITICAL ? TONE_BAD : TONE_WARN, level);
	fputc('\n', p->out);
}

static void finding_block(const struct page *p, const struct report *r, const struct finding *f)
{
	char accepted[ACCEPTANCE_TEXT];
	finding_head(p, f);
	page_paragraph(p, TONE_PLAIN, 2, f->title);
	page_paragraph(p, TONE_PLAIN, 2, f->detail);
	knob_lines(p, f);
	evidence(p, f);
	figures(p, f, 2);
	page_paragraph(p, TONE_PLAIN, 2, f->advice);
	page_paragraph(p, TONE_PLAIN, 2, acceptance_text(r, f, accepted));
	fputc('\n', p->out);
}

/* Appends a sentence, and first a full stop if the text ends without one. */
static void append_sentence(char *text, size_t size, const char *sentence)
{
	size_t used = strlen(text);
	if (used && *sentence)
		used += (size_t)snprintf(text + used, size - used, "%s ",
					 strchr(".:;!?", text[used - 1]) ? "" : ".");
	snprintf(text + used, size - used, "%s", sentence);
}

/* Prints "note     knob.myth: …", the short form of notes and skipped experiments. */
static void finding_line(const struct page *p, const struct report *r, const struct finding *f)
{
	char text[PAGE_TEXT], line[PAGE_TEXT], accepted[ACCEPTANCE_TEXT];
	snprintf(text, sizeof(text), "%s:", f->id);
	append_sentence(text, sizeof(text), f->title);
	if (p->verbose || f->level != LEVEL_NOTE) {
		append_sentence(text, sizeof(text), f->detail);
		append_sentence(text, sizeof(text), f->advice);
	}
	append_sentence(text, sizeof(text), acceptance_text(r, f, accepted));
	page_text(p, line, sizeof(line), "%s", text);
	fprintf(p->out, "%-8s ", f->accepted ? "accepted" : finding_level_name(f->level));
	page_wrap(p, TONE_PLAIN, 9, 9, line);
	if (p->verbose)
		figures(p, f, 9);
}

static bool is_quiet(const struct page *p, const struct finding *f)
{
	return !p->verbose && f->quiet;
}

static size_t findings(const struct page *p, const struct report *r, enum finding_level level,
		       void (*print)(const struct page *, const struct report *,
				     const struct finding *))
{
	size_t printed = 0;
	for (size_t i = 0; i < r->finding_count; i++)
		if (r->findings[i].level == level && !r->findings[i].accepted &&
		    !is_quiet(p, &r->findings[i])) {
			print(p, r, &r->findings[i]);
			printed++;
		}
	return printed;
}

static size_t accepted(const struct page *p, const struct report *r)
{
	size_t printed = 0;
	for (size_t i = 0; i < r->finding_count; i++)
		if (r->findings[i].accepted) {
			finding_line(p, r, &r->findings[i]);
			printed++;
		}
	return printed;
}

/* A command stays on one line, so that it can be pasted. */
static void command_line(const struct page *p, const char *purpose, const char *command)
{
	char shown[HINT_COMMAND];
	page_text(p, shown, sizeof(shown), "%s", command);
	bool fits = utf8_length(purpose) + utf8_length(shown) <= p->width;
	fprintf(p->out, "%.*s%s", (int)strlen(purpose) - !fits, purpose, fits ? "" : "\n  ");
	page_put(p, TONE_BOLD, shown);
	fputc('\n', p->out);
}

static void stored(const struct page *p, const struct report *r)
{
	char purpose[sizeof(r->stored) + 64], command[4 * sizeof(r->stored_as) + 64];
	char word[4 * sizeof(r->stored_as)];
	if (!r->stored[0])
		return;
	shell_word(word, sizeof(word), r->stored_as);
	snprintf(command, sizeof(command), "epolltune check --target %s", word);
	page_text(p, purpose, sizeof(purpose), "Saved as %s%s. Use it with: ", r->stored,
		  r->observed.dropped && !r->observed.rate_given
			  ? ", with a rate that is a lower bound"
			  : "");
	command_line(p, purpose, command);
}

static void closing(const struct page *p, const struct report *r)
{
	char answer[REPORT_ANSWER], command[HINT_COMMAND];
	char omitted[RENDER_OMITTED];
	if (render_omitted(r, omitted)[0])
		fprintf(p->out, "%s\n", omitted);
	stored(p, r);
	report_answer(r, answer);
	page_paragraph(p, TONE_BOLD, 0, answer);
	const char *purpose = hint_next(r, p->verbose, command);
	if (command[0])
		command_line(p, purpose, command);
}

int render_text(FILE *out, const struct report *r, const struct render_style *style, struct err *e)
{
	struct page p = page_open(out, style);
	head_lines(&p, r, page_segments);
	fputc('\n', out);
	int status = walls(&p, r, e);
	if (status < 0)
		return status;
	if (r->wall_count)
		fputc('\n', out);
	findings(&p, r, LEVEL_CRITICAL, finding_block);
	findings(&p, r, LEVEL_WARNING, finding_block);
	if (accepted(&p, r) + findings(&p, r, LEVEL_NOTE, finding_line) +
	    findings(&p, r, LEVEL_SKIPPED, finding_line))
		fputc('\n', out);
	closing(&p, r);
	return render_flush(out, "the report", e);
}
