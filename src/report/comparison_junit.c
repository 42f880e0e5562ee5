/* Prints a comparison as JUnit XML: a test case for each row, and for each line that makes the exit
 * status. What is worse is a failure, what has no verdict any more an error; none of both is
 * EXIT_OK. */
#include <string.h>

#include "report/comparison.h"
#include "report/conditions.h"
#include "report/junit.h"

static enum junit_result result_of(const struct comparison_row *r)
{
	if (r->lost)
		return JUNIT_BROKEN;
	switch (r->change) {
	case COMPARE_WORSE:
		return JUNIT_FAILED;
	case COMPARE_UNKNOWN:
	case COMPARE_GONE:
		return JUNIT_SKIPPED;
	default:
		return JUNIT_PASSED;
	}
}

/* "worse: before 8 193, after 4 097, verdict ok → short" */
static void row(struct junit *j, const struct comparison *c, const struct comparison_row *r)
{
	char class[48], name[COMPARISON_CELL * 3], message[COMPARISON_CELL * 5];
	const char *between = ": ";
	report_text(class, "epolltune.%s", c->kind);
	report_text(message, "%s", compare_name(r->change));
	for (size_t i = c->labels; c->columns[i + 1].head; i++) {
		char head[TABLE_HEAD];
		if (!r->cell[i][0])
			continue;
		report_append(message, "%s%s %s", between, table_head(&c->columns[i], head),
			      r->cell[i]);
		between = ", ";
	}
	junit_begin(j, class, comparison_name(c, r, name, sizeof(name)), result_of(r),
		    compare_name(r->change), message);
	junit_end(j, result_of(r));
}

static void line(struct junit *j, const struct comparison_line *l)
{
	enum junit_result is = l->status == EXIT_UNKNOWN ? JUNIT_BROKEN : JUNIT_FAILED;
	junit_begin(j, "epolltune.finding", l->id, is, is == JUNIT_BROKEN ? "unknown" : "worse",
		    l->text);
	junit_end(j, is);
}

static void cases(struct junit *j, const struct comparison *c)
{
	for (size_t i = 0; i < c->row_count; i++)
		row(j, c, &c->rows[i]);
	for (size_t i = 0; i < c->line_count; i++)
		if (c->lines[i].status != EXIT_OK)
			line(j, &c->lines[i]);
}

int comparison_render_junit(FILE *out, const struct comparison *c, const struct render_style *style,
			    struct err *e)
{
	char text[1024];
	struct condition_text differs;
	struct junit count = {0}, j = {.out = out};
	cases(&count, c);
	junit_open(&j, &count, c->command, NULL, "");
	cases(&j, c);
	junit_output(&j, comparison_summary(c, text, sizeof(text)));
	for (size_t i = 0; condition_text(c->conditions, i, &differs); i++) {
		report_text(text, "%s: %s → %s", differs.label, differs.before, differs.after);
		junit_line(&j, text);
	}
	for (size_t i = 0; i < c->line_count; i++) {
		const struct comparison_line *l = &c->lines[i];
		report_text(text, "%s %s: %s", l->gone ? "-" : "+", l->id, l->text);
		junit_line(&j, text);
	}
	for (size_t i = 0; i < COMPARISON_NOTES; i++)
		junit_line(&j, c->notes[i]);
	junit_close(&j);
	return render_flush(out, "the comparison", e);
}
