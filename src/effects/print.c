#include "effects/print.h"

#include "report/figure.h"
#include "report/table.h"

/* "accept-queue 129 → 4 097 (1 000 needed; short → ok, measured)" */
static void wall_describe(const struct wall_effect *x, char *text, size_t size)
{
	char from[64], to[64], needed[48];
	const struct wall *was = &x->before, *is = &x->after;
	const char *before = wall_verdict_name(was->verdict);
	const char *after = wall_verdict_name(is->verdict);
	bool same = was->verdict == is->verdict;
	figure_format(needed, sizeof(needed), is->unit, is->needed);
	report_append_to(text, size, "%s %s → %s (", is->name, figure_text(from, sizeof(from), was),
			 figure_text(to, sizeof(to), is));
	if (is->needed != REPORT_NONE)
		report_append_to(text, size, "%s needed; ", needed);
	report_append_to(text, size, "%s%s%s, %s)", before, same ? "" : " → ", same ? "" : after,
			 wall_method_name(is->method));
}

/* "harms: …; gains: …" */
static void effect_describe(const struct effect *x, char *text, size_t size)
{
	text[0] = 0;
	for (int better = 0; better < 2; better++) {
		bool first = true;
		for (size_t i = 0; i < x->count; i++) {
			if (x->walls[i].better != better)
				continue;
			if (text[0])
				report_append_to(text, size, first ? "; gains: " : ", ");
			wall_describe(&x->walls[i], text, size);
			first = false;
		}
	}
}

/* Why all lines together have no effect, where not all of them could be tried; empty: they have, or
 * have none. */
static void together_why(const struct effects *s, size_t side, char *why, size_t size)
{
	const struct effect *all = &s->together[side];
	struct effects_count n = effects_count(s, side);
	why[0] = 0;
	if (all->count)
		return;
	if (!n.tried)
		report_append_to(why, size, "no line could be tried");
	else if (all->differs)
		report_append_to(why, size, "%s differs between two runs", all->differs);
	else if (n.tried < n.lines)
		report_append_to(why, size, "%zu of %zu lines could not be tried",
				 n.lines - n.tried, n.lines);
}

static int walls_print(const struct page *p, const struct effects *s, struct err *e)
{
	struct table t = {.page = p, .gap = page_gap(p)};
	char figure[64];
	table_column(&t, "WALL", TABLE_LEFT);
	table_column(&t, "NEEDED", TABLE_RIGHT);
	for (size_t side = 0; side < SIDES; side++) {
		table_column(&t, side ? s->files[side] : "NOW", TABLE_RIGHT);
		table_column(&t, "VERDICT", TABLE_LEFT);
	}
	for (size_t i = 0; effects_wall(s, i, SIDE_NOW); i++) {
		const struct wall *now = effects_wall(s, i, SIDE_NOW);
		figure_format(figure, sizeof(figure), now->unit, now->needed);
		table_row(&t);
		table_cell(&t, "%s", now->name);
		table_cell(&t, "%s", now->needed == REPORT_NONE ? "-" : figure);
		for (size_t side = 0; side < SIDES; side++) {
			const struct wall *w = effects_wall(s, i, side);
			table_cell(&t, "%s", w ? figure_text(figure, sizeof(figure), w) : "-");
			table_cell(&t, "%s", w ? wall_verdict_name(w->verdict) : "-");
		}
	}
	return table_print(&t, p->out, e);
}

int effects_print_text(const struct effects *s, FILE *out, struct err *e)
{
	const struct render_style style = render_style_for(stdout, "auto");
	const struct page p = page_open(out, &style);
	char text[PAGE_TEXT], line[PAGE_TEXT];
	for (size_t i = 0; i < s->count; i++) {
		const struct line_effect *x = &s->lines[i];
		effect_describe(&x->effect, text, sizeof(text));
		page_text(&p, line, sizeof(line), "%s:%u: %s: %s: %s", x->file, x->line,
			  effect_name(x->kind), x->name, x->effect.count ? text : x->why);
		fprintf(out, "%s\n", line);
	}
	for (size_t side = 1; side < SIDES; side++) {
		if (!s->files[side])
			continue;
		const struct effect *all = &s->together[side];
		if (all->count)
			effect_describe(all, text, sizeof(text));
		else
			together_why(s, side, text, sizeof(text));
		page_text(&p, line, sizeof(line), "%s: all lines together: %s%s%s", s->files[side],
			  effect_name(effects_together(s, side)), text[0] ? ": " : "", text);
		fprintf(out, "%s\n", line);
	}
	return s->files[SIDE_OTHER] ? walls_print(&p, s, e) : 0;
}

static json_t *side_json(struct json_writer *w, const struct wall *wall)
{
	if (!wall)
		return json_null();
	json_t *o = json_object();
	value_set(w, o, "verdict", value_text(wall_verdict_name(wall->verdict)));
	value_set(w, o, "value", value_quantity(figure_of(wall)));
	value_set(w, o, "method", value_text(wall_method_name(wall->method)));
	return o;
}

static json_t *effect_json(struct json_writer *w, const struct effect *x)
{
	json_t *list = json_array();
	for (size_t i = 0; i < x->count; i++) {
		const struct wall_effect *one = &x->walls[i];
		json_t *o = json_object();
		value_set(w, o, "name", value_text(one->after.name));
		value_set(w, o, "unit", value_text(one->after.unit));
		value_set(w, o, "change", value_text(one->better ? "better" : "worse"));
		value_set(w, o, "needed", value_quantity(one->after.needed));
		value_set(w, o, "before", side_json(w, &one->before));
		value_set(w, o, "after", side_json(w, &one->after));
		value_add(w, list, o);
	}
	return list;
}

static json_t *kind_json(enum effect_kind kind)
{
	static const char *const names[] = {
		[EFFECT_NONE] = "none",
		[EFFECT_GAINS] = "gains",
		[EFFECT_HARMS] = "harms",
		[EFFECT_UNTESTED] = "untested",
	};
	return value_text(names[kind]);
}

/* All lines of a file. */
static json_t *together_json(struct json_writer *w, const struct effects *s, size_t side)
{
	char why[200];
	json_t *o = json_object();
	struct effects_count n = effects_count(s, side);
	together_why(s, side, why, sizeof(why));
	value_set(w, o, "file", value_text(s->files[side]));
	value_set(w, o, "lines", value_count(n.lines));
	value_set(w, o, "tried", value_count(n.tried));
	value_set(w, o, "effect", kind_json(effects_together(s, side)));
	value_set(w, o, "why", value_text_or_null(why));
	value_set(w, o, "walls", effect_json(w, &s->together[side]));
	return o;
}

static json_t *line_json(struct json_writer *w, const struct line_effect *x)
{
	json_t *o = json_object();
	value_set(w, o, "file", value_text(x->file));
	value_set(w, o, "line", value_count(x->line));
	value_set(w, o, "name", value_text(x->name));
	value_set(w, o, "value", value_text(x->value));
	value_set(w, o, "effect", kind_json(x->kind));
	value_set(w, o, "why", value_text_or_null(x->effect.count ? "" : x->why));
	value_set(w, o, "walls", effect_json(w, &x->effect));
	return o;
}

json_t *effects_json(struct json_writer *w, const struct effects *s)
{
	json_t *root = json_object(), *files = json_array(), *lines = json_array();
	json_t *walls = json_array();
	for (size_t side = 1; side < SIDES; side++)
		if (s->files[side])
			value_add(w, files, together_json(w, s, side));
	for (size_t i = 0; i < s->count; i++)
		value_add(w, lines, line_json(w, &s->lines[i]));
	for (size_t i = 0; effects_wall(s, i, SIDE_NOW); i++) {
		const struct wall *now = effects_wall(s, i, SIDE_NOW);
		json_t *o = json_object();
		value_set(w, o, "name", value_text(now->name));
		value_set(w, o, "unit", value_text(now->unit));
		value_set(w, o, "needed", value_quantity(now->needed));
		value_set(w, o, "now", side_json(w, now));
		value_set(w, o, "file", side_json(w, effects_wall(s, i, SIDE_FILE)));
		value_set(
			w, o, "other",
			side_json(w, s->files[SIDE_OTHER] ? effects_wall(s, i, SIDE_OTHER) : NULL));
		value_add(w, walls, o);
	}
	value_set(w, root, "files", files);
	value_set(w, root, "lines", lines);
	value_set(w, root, "walls", walls);
	return root;
}
