#include "report/comparison.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "epolltune/quantity.h"

static const struct {
	const char *name;
	comparison_render_function *render;
} formats[] = {
#define FORMAT(name, help) {#name, comparison_render_##name},
#include "report/comparison_formats.def"
#undef FORMAT
};

const char comparison_format_names[] =
#define FORMAT(name, help) "," #name
#include "report/comparison_formats.def"
#undef FORMAT
	;

const char comparison_format_help[] =
#define FORMAT(name, help) ", " help
#include "report/comparison_formats.def"
#undef FORMAT
	;

comparison_render_function *comparison_render_find(const char *format)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (strcmp(formats[i].name, format) == 0)
			return formats[i].render;
	return NULL;
}

const char *compare_name(enum compare_verdict v)
{
	static const char *const names[] = {
		[COMPARE_SAME] = "same",   [COMPARE_BETTER] = "better",   [COMPARE_WORSE] = "worse",
		[COMPARE_MOVED] = "moved", [COMPARE_UNKNOWN] = "unknown", [COMPARE_NEW] = "new",
		[COMPARE_GONE] = "gone",
	};
	return names[v];
}

struct comparison_row *comparison_row(struct comparison *c)
{
	return array_add(&c->rows, &c->row_count, sizeof(*c->rows));
}

struct comparison_line *comparison_line(struct comparison *c)
{
	return array_add(&c->lines, &c->line_count, sizeof(*c->lines));
}

void comparison_free(struct comparison *c)
{
	free(c->rows);
	free(c->lines);
	json_decref(c->conditions);
	json_decref(c->body);
	*c = (struct comparison){0};
}

char *comparison_summary(const struct comparison *c, char *text, size_t size)
{
	static const enum compare_verdict order[] = {COMPARE_WORSE,   COMPARE_BETTER, COMPARE_MOVED,
						     COMPARE_UNKNOWN, COMPARE_NEW,    COMPARE_GONE,
						     COMPARE_SAME};
	const char *between = ": ";
	snprintf(text, size, "%s", quantity_of(c->row_count, c->kind).text);
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		size_t count = 0;
		for (size_t k = 0; k < c->row_count; k++)
			count += c->rows[k].change == order[i];
		if (!count)
			continue;
		report_append_to(text, size, "%s%zu %s", between, count, compare_name(order[i]));
		between = ", ";
	}
	size_t worse = 0;
	for (size_t i = 0; i < c->line_count; i++)
		worse += c->lines[i].status == EXIT_WARNING || c->lines[i].status == EXIT_CRITICAL;
	if (worse)
		report_append_to(text, size, "; %s %s worse", quantity_of(worse, "finding").text,
				 worse == 1 ? "is" : "are");
	return text;
}

char *comparison_name(const struct comparison *c, const struct comparison_row *row, char *text,
		      size_t size)
{
	text[0] = 0;
	for (size_t i = 0; i < c->labels; i++)
		report_append_to(text, size, "%s%s", i ? " " : "", row->cell[i]);
	return text;
}

enum tone comparison_tone(enum compare_verdict change)
{
	static const enum tone tones[] = {
		[COMPARE_SAME] = TONE_PLAIN,   [COMPARE_BETTER] = TONE_GOOD,
		[COMPARE_WORSE] = TONE_BAD,    [COMPARE_MOVED] = TONE_PLAIN,
		[COMPARE_UNKNOWN] = TONE_WARN, [COMPARE_NEW] = TONE_WARN,
		[COMPARE_GONE] = TONE_WARN,
	};
	return tones[change];
}
