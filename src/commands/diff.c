#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "check/check.h"
#include "commands/command.h"
#include "epolltune/cleanup.h"
#include "report/compare.h"
#include "report/compare_bench.h"
#include "report/conditions.h"
#include "report/document.h"
#include "report/parse.h"

struct diff {
	const char *format, *color;
	const char *paths[2];
	json_t *documents[2];
	json_t *conditions; /* those that differ */
};

static int diff_print(const struct diff *d, struct comparison *c, int *status, struct err *e)
{
	struct render_style style = command_style(NULL, d->color);
	c->command = "epolltune diff";
	c->names[0] = d->paths[0];
	c->names[1] = d->paths[1];
	c->conditions = json_incref(d->conditions);
	c->time = time(NULL);
	*status = c->status;
	return comparison_render_find(d->format)(stdout, c, &style, e);
}

static int diff_reports(const struct diff *d, int *status, struct err *e)
{
	CLEAN(comparison_free) struct comparison c = {0};
	CLEAN(free_pointer) struct report *r = calloc(2, sizeof(*r));
	if (!r)
		return err_errno(e, "cannot read the reports");
	int failed = 0;
	for (int i = 0; i < 2 && !failed; i++)
		failed = report_parse_document(d->paths[i], d->documents[i], &r[i], e);
	if (!failed)
		failed = compare_reports(&c, &r[0], &r[1], COMPARE_TO_DIFF, e);
	return failed ? failed : diff_print(d, &c, status, e);
}

static void pairs_free(struct bench_comparison **c) { bench_comparison_free(*c); }

static int diff_benches(const struct diff *d, int *status, struct err *e)
{
	CLEAN(comparison_free) struct comparison c = {0};
	CLEAN(pairs_free) struct bench_comparison *pairs = NULL;
	const json_t *documents[2] = {d->documents[0], d->documents[1]};
	int failed = bench_comparison_make(&pairs, documents, d->paths, e);
	if (!failed)
		failed = compare_benches(&c, pairs, e);
	return failed ? failed : diff_print(d, &c, status, e);
}

/* Whether a file is no report: a directory, or one that does not begin with "{". */
static bool is_capture(const char *path)
{
	struct stat st;
	char first = ' ';
	if (!strcmp(path, "-"))
		return false;
	CLEAN(close_fd) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOTDIR;
	if (!fstat(fd, &st) && S_ISDIR(st.st_mode))
		return true;
	while (S_ISREG(st.st_mode) && isspace((unsigned char)first))
		if (read(fd, &first, 1) != 1)
			return false;
	return S_ISREG(st.st_mode) && first != '{';
}

/* The report about a captured machine, for the default target. */
static int capture_load(const char *path, json_t **out, struct err *e)
{
	const struct check_options o = {.target = TARGET_DEFAULT, .sysroot = path};
	const struct render_style style = {0};
	CLEAN(free_pointer) struct report *report = calloc(1, sizeof(*report));
	CLEAN(free_pointer) char *text = NULL;
	size_t size = 0;
	int failed = report ? check_run(&o, report, e) : err_errno(e, "cannot check %s", path);
	if (failed)
		return failed;
	CLEAN(close_file) FILE *memory = open_memstream(&text, &size);
	failed = memory ? render_find("json")(memory, report, &style, e)
			: err_errno(e, "cannot check %s", path);
	close_file(&memory);
	*out = failed ? NULL : document_read(text, size, NULL);
	return failed || *out ? failed : err_set(e, ENOMEM, "diff: out of memory");
}

static int documents_compare(struct diff *d, int *status, struct err *e)
{
	for (int i = 0; i < 2; i++) {
		int failed = is_capture(d->paths[i])
				     ? capture_load(d->paths[i], &d->documents[i], e)
				     : document_load(d->paths[i], &d->documents[i], e);
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
		err_set(&e, EINVAL, "diff: expected two reports or captures: epolltune diff A B");
		return command_error(&e);
	}
	d->paths[0] = given->operands[0];
	d->paths[1] = given->operands[1];
	int status = EXIT_OK;
	struct stat st;
	bool first = stat(d->paths[0], &st) == 0 && S_ISDIR(st.st_mode);
	command_confine(d->paths[first ? 0 : 1]);
	int failed = documents_compare(d, &status, &e);
	json_decref(d->documents[0]);
	json_decref(d->documents[1]);
	json_decref(d->conditions);
	return failed ? command_error(&e) : status;
}

static const struct diff defaults = {.format = "text", .color = "auto"};
static const struct option_row options[] = {
	{"format", "FORMAT", COMPARISON_FORMATS_HELP, OPTION_AT(struct diff, format),
	 TEXT(COMPARISON_FORMATS), .explained = true},
	COLOR_OPTION(OPTION_AT(struct diff, color)),
	{0},
};

const struct command diff_command = {
	.name = "diff",
	.arguments = "A B",
	.summary = "Compare two reports of check or bench, or two captured machines",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.run = diff,
};
