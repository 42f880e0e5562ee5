/* Prints a comparison as HTML, see html_page.h. */
#include "report/comparison_html.h"
#include "report/comparison.h"
#include "report/conditions.h"
#include "report/markup.h"

static void conditions(struct html *h, const json_t *differing)
{
	static const struct table_column columns[] = {
		{"CONDITION", TABLE_LEFT}, {"BEFORE", TABLE_LEFT}, {"AFTER", TABLE_LEFT}, {0}};
	struct condition_text t;
	if (!json_array_size(differing))
		return;
	html_element(h, "h2", NULL, "The conditions differ");
	html_table(h, "Conditions that differ", columns);
	for (size_t i = 0; condition_text(differing, i, &t); i++) {
		html_row(h);
		html_cell(h, TONE_PLAIN, t.label);
		html_cell(h, TONE_PLAIN, t.before);
		html_cell(h, TONE_PLAIN, t.after);
	}
	html_table_end(h);
}

static void findings(struct html *h, const struct comparison *c, bool gone, const char *heading)
{
	size_t printed = 0;
	for (size_t i = 0; i < c->line_count; i++) {
		const struct comparison_line *l = &c->lines[i];
		if (l->gone != gone)
			continue;
		if (!printed++)
			html_element(h, "h3", NULL, heading);
		fputs(printed == 1 ? "<ul>\n<li>" : "<li>", h->out);
		html_code(h, l->id);
		fputs(" ", h->out);
		html_text(h, l->text);
		fputs("</li>\n", h->out);
	}
	fputs(printed ? "</ul>\n" : "", h->out);
}

void comparison_html(struct html *h, const struct comparison *c)
{
	html_table(h, "Comparison", c->columns);
	for (size_t i = 0; i < c->row_count; i++) {
		const struct comparison_row *row = &c->rows[i];
		html_row(h);
		html_cell_code(h, row->cell[0]);
		for (size_t k = 1; c->columns[k].head; k++) {
			bool last = !c->columns[k + 1].head;
			html_cell(h, last ? comparison_tone(row->change) : TONE_PLAIN,
				  row->cell[k]);
		}
	}
	html_table_end(h);
	findings(h, c, true, "Findings that are gone");
	findings(h, c, false, "New findings");
	for (size_t i = 0; i < COMPARISON_NOTES; i++)
		html_element(h, "p", "small", c->notes[i]);
}

int comparison_render_html(FILE *out, const struct comparison *c, const struct render_style *style,
			   struct err *e)
{
	static const enum tone tones[] = {[EXIT_OK] = TONE_GOOD,
					  [EXIT_WARNING] = TONE_WARN,
					  [EXIT_CRITICAL] = TONE_BAD,
					  [EXIT_UNKNOWN] = TONE_WARN};
	char text[480], class[32];
	report_text(text, "%s → %s", c->names[0], c->names[1]);
	struct html h = html_begin(out, c->command, text);
	report_text(class, "answer %s", html_tone(tones[c->status]));
	html_element(&h, "p", class, comparison_summary(c, text, sizeof(text)));
	fputs("</header>\n", out);
	conditions(&h, c->conditions);
	html_element(&h, "h2", NULL, "Before and after");
	comparison_html(&h, c);
	html_end(&h, c->time);
	return render_flush(out, "the comparison", e);
}
