#include "commands/lint_output.h"

#include <limits.h>
#include <string.h>

#include "base/text.h"
#include "effects/print.h"
#include "report/json_value.h"
#include "report/utf8.h"

static const char *const level_names[] = {
	[LEVEL_NOTE] = "note",
	[LEVEL_WARNING] = "warning",
	[LEVEL_CRITICAL] = "critical",
	[LEVEL_SKIPPED] = "note",
};

static const char *plural(size_t count) { return count == 1 ? "" : "s"; }

static void unjudged_print(const struct lint *l, FILE *out)
{
	char names[2 * sizeof(l->unjudged_names)];
	utf8_copy_printable(names, sizeof(names), l->unjudged_names);
	if (l->unjudged)
		fprintf(out, "Not judged, as epolltune does not know the name%s: %s.\n",
			plural(l->unjudged), names);
}

void lint_print_text(const struct lint *l, FILE *out)
{
	size_t levels[LEVEL_SKIPPED + 1] = {0};
	for (size_t i = 0; i < l->count; i++) {
		const struct lint_problem *p = &l->problems[i];
		char file[4096], text[LINT_TEXT];
		utf8_copy_printable(file, sizeof(file), p->file);
		utf8_copy_printable(text, sizeof(text), p->text);
		levels[p->level]++;
		if (p->line)
			fprintf(out, "%s:%u: ", file, p->line);
		else
			fprintf(out, "%s: ", file);
		fprintf(out, "%s: %s\n", lint_rule_at(p->rule)->name, text);
	}
	unjudged_print(l, out);
	if (!l->count)
		fprintf(out, "No problems in %zu file%s.\n", l->files, plural(l->files));
	else
		fprintf(out, "%zu file%s: %zu critical, %zu warning%s, %zu note%s.\n", l->files,
			plural(l->files), levels[LEVEL_CRITICAL], levels[LEVEL_WARNING],
			plural(levels[LEVEL_WARNING]), levels[LEVEL_NOTE],
			plural(levels[LEVEL_NOTE]));
}

int lint_print_json(const struct lint *l, const struct effects *tried, FILE *out, struct err *e)
{
	struct json_writer w = {false};
	json_t *root = json_object(), *problems = json_array();
	for (size_t i = 0; i < l->count; i++) {
		const struct lint_problem *p = &l->problems[i];
		json_t *problem = json_object();
		value_set(&w, problem, "file", value_text(p->file));
		value_set(&w, problem, "line", value_fact(p->line));
		value_set(&w, problem, "rule", value_text(lint_rule_at(p->rule)->name));
		value_set(&w, problem, "level", value_text(level_names[p->level]));
		value_set(&w, problem, "text", value_text(p->text));
		value_set(&w, problem, "fix", p->fix ? value_text(p->fix) : json_null());
		value_add(&w, problems, problem);
	}
	value_set(&w, root, "schema", value_text("epolltune.lint/1"));
	value_set(&w, root, "version", value_text(EPOLLTUNE_VERSION));
	value_set(&w, root, "files", value_count(l->files));
	value_set(&w, root, "problems", problems);
	value_set(&w, root, "tried", tried ? effects_json(&w, tried) : json_null());
	return value_print(out, root, &w, "the problems", e);
}

static json_t *sarif_rules(struct json_writer *w)
{
	json_t *rules = json_array();
	for (size_t i = 0; i < lint_rule_count(); i++) {
		const struct lint_rule *r = lint_rule_at(i);
		value_add(w, rules,
			  json_pack("{s:s, s:{s:s}, s:{s:s}}", "id", r->name, "shortDescription",
				    "text", r->what, "help", "text", r->action));
	}
	return rules;
}

/* A path as a URI reference: RFC 3986, its unreserved characters and "/". */
static json_t *sarif_uri(const char *path)
{
	char uri[3 * PATH_MAX + 1];
	size_t used = 0;
	for (; *path && used + 3 < sizeof(uri); path++)
		if (text_is_word(*path) || strchr("-._~/", *path))
			uri[used++] = *path;
		else
			used += (size_t)sprintf(uri + used, "%%%02X", (unsigned char)*path);
	uri[used] = 0;
	return value_text(uri);
}

static json_t *sarif_result(struct json_writer *w, const struct lint_problem *p)
{
	static const char *const levels[] = {"note", "warning", "error", "note"};
	json_t *file = sarif_uri(p->file), *text = value_text(p->text);
	json_t *place = json_pack("{s:{s:o}}", "artifactLocation", "uri", file);
	if (p->line)
		value_set(w, place, "region", json_pack("{s:i}", "startLine", (int)p->line));
	return json_pack("{s:s, s:i, s:s, s:{s:o}, s:[{s:o}]}", "ruleId",
			 lint_rule_at(p->rule)->name, "ruleIndex", (int)p->rule, "level",
			 levels[p->level], "message", "text", text, "locations", "physicalLocation",
			 place);
}

int lint_print_sarif(const struct lint *l, FILE *out, struct err *e)
{
	struct json_writer w = {false};
	json_t *results = json_array();
	for (size_t i = 0; i < l->count; i++)
		value_add(&w, results, sarif_result(&w, &l->problems[i]));
	json_t *root = json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:o}]}", "$schema",
				 "https://json.schemastore.org/sarif-2.1.0.json", "version",
				 "2.1.0", "runs", "tool", "driver", "name", "epolltune", "version",
				 EPOLLTUNE_VERSION, "rules", sarif_rules(&w), "results", results);
	w.failed |= !root;
	return value_print(out, root, &w, "the problems", e);
}
