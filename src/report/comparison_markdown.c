/* Prints a comparison in Markdown, for tickets and merge requests. */
#include "report/comparison.h"
#include "report/conditions.h"
#include "report/markdown.h"

static void heads(FILE *out, const struct table_column *columns)
{
	for (const struct table_column *c = columns; c->head; c++) {
		char head[TABLE_HEAD];
		table_head(c, head);
		fprintf(out, "| %c%s ", c->head[0], head + 1);
	}
	fputs("|\n", out);
	for (const struct table_column *c = columns; c->head; c++)
		fputs(c->align == TABLE_RIGHT ? "| ---: " : "| --- ", out);
	fputs("|\n", out);
}

static void rows(FILE *out, const struct comparison *c)
{
	if (!c->row_count)
		return;
	heads(out, c->columns);
	for (size_t i = 0; i < c->row_count; i++) {
		const struct comparison_row *row = &c->rows[i];
		const char *strong = row->change == COMPARE_WORSE ? "**" : "";
		for (size_t k = 0; c->columns[k].head; k++) {
			bool last = !c->columns[k + 1].head;
			fprintf(out, "| %s", last ? strong : "");
			if (k)
				markdown_put(out, row->cell[k]);
			else
				markdown_code(out, row->cell[k]);
			fprintf(out, "%s ", last ? strong : "");
		}
		fputs("|\n", out);
	}
	fputc('\n', out);
}

static void conditions(FILE *out, const json_t *differing)
{
	struct condition_text t;
	for (size_t i = 0; condition_text(differing, i, &t); i++) {
		fprintf(out, "%s- %s: ", i ? "" : "The conditions differ:\n\n", t.label);
		markdown_put(out, t.before);
		fputs(" → ", out);
		markdown_put(out, t.after);
		fputc('\n', out);
	}
	fputs(json_array_size(differing) ? "\n" : "", out);
}

static void findings(FILE *out, const struct comparison *c)
{
	for (size_t i = 0; i < c->line_count; i++) {
		fprintf(out, "- %s: ", c->lines[i].gone ? "gone" : "new");
		markdown_code(out, c->lines[i].id);
		fputs(": ", out);
		markdown_put(out, c->lines[i].text);
		fputc('\n', out);
	}
	fputs(c->line_count ? "\n" : "", out);
}

int comparison_render_markdown(FILE *out, const struct comparison *c,
			       const struct render_style *style, struct err *e)
{
	char text[200];
	fprintf(out, "## %s of ", c->command);
	markdown_put(out, c->names[0]);
	fputs(" and ", out);
	markdown_put(out, c->names[1]);
	fprintf(out, "\n\n**%s**\n\n", comparison_summary(c, text, sizeof(text)));
	conditions(out, c->conditions);
	rows(out, c);
	findings(out, c);
	for (size_t i = 0; i < COMPARISON_NOTES; i++)
		if (c->notes[i][0]) {
			markdown_put(out, c->notes[i]);
			fputs("\n", out);
		}
	return render_flush(out, "the comparison", e);
}
