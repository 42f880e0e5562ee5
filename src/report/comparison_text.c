/* Prints a comparison for a terminal. */
#include "report/comparison.h"
#include "report/conditions.h"
#include "report/page.h"

static int rows(const struct page *p, const struct comparison *c, struct err *e)
{
	struct table t = {.page = p, .gap = c->wide ? page_gap(p) : NULL, .columns = c->columns};
	for (size_t i = 0; i < c->row_count; i++) {
		const struct comparison_row *row = &c->rows[i];
		table_row(&t);
		for (size_t k = 0; c->columns[k].head; k++) {
			enum tone tone = comparison_tone(row->change);
			if (c->columns[k + 1].head || !c->wide || tone == TONE_PLAIN)
				table_cell(&t, "%s", row->cell[k]);
			else
				table_cell_tone(&t, tone, row->cell[k]);
		}
	}
	return table_print(&t, p->out, e);
}

int comparison_render_text(FILE *out, const struct comparison *c, const struct render_style *style,
			   struct err *e)
{
	struct page p = page_open(out, style);
	conditions_print(out, c->conditions, style);
	int status = rows(&p, c, e);
	if (status < 0)
		return status;
	for (size_t i = 0; i < c->line_count; i++) {
		const struct comparison_line *l = &c->lines[i];
		char line[PAGE_TEXT];
		page_text(&p, line, sizeof(line), "%s %s: %s", l->gone ? "-" : "+", l->id, l->text);
		page_wrap(&p, l->gone ? TONE_GOOD : TONE_WARN, 0, 2, line);
	}
	for (size_t i = 0; i < sizeof(c->notes) / sizeof(*c->notes); i++)
		page_paragraph(&p, TONE_PLAIN, 0, c->notes[i]);
	return render_flush(out, "the comparison", e);
}
