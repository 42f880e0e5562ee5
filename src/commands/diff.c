#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/command.h"
#include "epolltune/cleanup.h"
#include "report/compare.h"
#include "report/compare_bench.h"
#include "report/conditions.h"
#include "report/parse.h"

struct diff {
	bool json;
	const char *color;
	const char *paths[2];
	json_t *documents[2];
	json_t *conditions; /* those that differ */
};

static int print_json(const struct diff *d, json_t *body, struct err *e)
{
	struct json_writer w = {false};
	json_t *root = json_object();
	value_set(&w, root, "schema", value_text("epolltune.diff/1"));
	value_set(&w, root, "version", value_text(EPOLLTUNE_VERSION));
	value_set(&w, root, "conditions", json_incref(d->conditions));
	w.failed |= json_object_update(root, body) < 0;
	json_decref(body);
	return value_print(stdout, root, &w, "the comparison", e);
}

static int diff_reports(const struct diff *d, int *status, struct err *e)
{
	CLEAN(free_pointer) struct report *r = calloc(2, sizeof(*r));
	if (!r)
		return err_errno(e, "cannot read the reports");
	int failed = 0;
	for (int i = 0; i < 2 && !failed; i++)
		failed = report_parse_document(d->paths[i], d->documents[i], &r[i], e);
	if (failed)
		return failed;
	*status = compare_status(&r[0], &r[1]);
	if (d->json)
		return print_json(d, compare_json(&r[0], &r[1]), e);
	struct render_style style = command_style(NULL, d->color);
	conditions_print(stdout, d->conditions, &style);
	return compare_text(stdout, &r[0], &r[1], &style, e);
}

static void comparison_free(struct bench_comparison **c) { bench_comparison_free(*c); }

static int diff_benches(const struct diff *d, int *status, struct err *e)
{
	CLEAN(comparison_free) struct bench_comparison *c = NULL;
	const json_t *documents[2] = {d->documents[0], d->documents[1]};
	int failed = bench_comparison_make(&c, documents, d->paths, e);
	if (failed)
		return failed;
	*status = bench_comparison_status(c);
	if (d->json)
		return print_json(d, bench_comparison_json(c), e);
	struct render_style style = command_style(NULL, d->color);
	conditions_print(stdout, d->conditions, &style);
	return bench_comparison_text(c, stdout, &style, e);
}

static int documents_compare(struct diff *d, int *status, struct err *e)
{
	for (int i = 0; i < 2; i++) {
		int failed = document_load(d->paths[i], &d->documents[i], e);
		if (failed)
			return failed;
	}
	d->conditions = conditions_compare(d->documents);
	if (!d->conditions)
		return err_set(e, ENOMEM, "diff: out of memory");
	const char *schema = json_string_value(json_object_get(d->documents[0], "schema"));
	return strcmp(schema, COMPARE_BENCH_SCHEMA) == 0 ? diff_benches(d, status, e)
							 : diff_reports(d, status, e);
}

static int diff(void *arguments, const struct given *given)
{
	struct diff *d = arguments;
	struct err e = {0};
	if (given->count != 2) {
		err_set(&e, EINVAL, "diff: expected two reports: epolltune diff A.json B.json");
		return command_error(&e);
	}
	d->paths[0] = given->operands[0];
	d->paths[1] = given->operands[1];
	int status = EXIT_OK;
	int failed = documents_compare(d, &status, &e);
	json_decref(d->documents[0]);
	json_decref(d->documents[1]);
	json_decref(d->conditions);
	return failed ? command_error(&e) : status;
}

static const struct diff defaults = {.color = "auto"};
static const struct option_row options[] = {
	FORMAT_OPTION(OPTION_AT(struct diff, json)),
	COLOR_OPTION(OPTION_AT(struct diff, color)),
	{0},
};

const struct command diff_command = {
	.name = "diff",
	.arguments = "A.json B.json",
	.summary = "Compare two reports of check or bench",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.run = diff,
};
