#include "commands/command.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands/lint_output.h"
#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "lint/lint.h"

struct arguments {
	const char *kernel, *root;
	enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_SARIF } format;
	bool fix;
};

/* "5.10" or "6.1.0-18-amd64". */
static int kernel_parse(const char *text, unsigned *kernel, struct err *e)
{
	unsigned major = 0, minor = 0;
	int end = 0;
	if (!isdigit((unsigned char)*text) ||
	    sscanf(text, "%4u.%4u%n", &major, &minor, &end) != 2 ||
	    (text[end] && !strchr(".-+", text[end])))
		return err_set(e, EINVAL, "--kernel: \"%.60s\" is not a version such as 5.10",
			       text);
	*kernel = KERNEL(major, minor);
	return 0;
}

static int files_judge(struct lint *l, const struct given *given, struct err *e)
{
	int rc = 0;
	for (int i = 0; i < given->count && rc == 0; i++)
		rc = lint_path(l, given->operands[i], e);
	return rc;
}

static int machine_judge(struct lint *l, const struct arguments *a, struct err *e)
{
	CLEAN(host_closep) struct host *h = NULL;
	struct host_facts facts;
	struct stat st;
	char etc[PATH_MAX];
	snprintf(etc, sizeof(etc), "%s/etc", a->root);
	if (stat(etc, &st) < 0 || !S_ISDIR(st.st_mode)) {
		err_set(e, ENOTDIR, "lint: %s is not a directory with etc/ in it", a->root);
		return err_remedy(e, "unpack an archive and name its directory");
	}
	int rc = host_open(&h, a->root, e);
	if (rc < 0)
		return rc;
	host_facts(h, &facts);
	if (!a->kernel)
		kernel_parse(facts.kernel, &l->kernel, NULL);
	l->host = h;
	l->root = host_live(h) ? "" : a->root;
	rc = lint_machine(l, e);
	l->host = NULL;
	return rc;
}

static int output_print(const struct lint *l, const struct arguments *a, struct err *e)
{
	if (a->fix)
		return lint_fix(l, stdout, e);
	if (a->format == FORMAT_JSON)
		return lint_print_json(l, stdout, e);
	if (a->format == FORMAT_SARIF)
		return lint_print_sarif(l, stdout, e);
	lint_print_text(l, stdout);
	return 0;
}

static int lint_run(struct lint *l, const struct arguments *a, const struct given *given,
		    struct err *e)
{
	int rc = a->kernel ? kernel_parse(a->kernel, &l->kernel, e) : 0;
	if (rc == 0 && given->count && given_option(given, "sysroot"))
		return err_set(e, EINVAL, "lint: FILE and --sysroot exclude each other");
	if (rc == 0)
		rc = given->count ? files_judge(l, given, e) : machine_judge(l, a, e);
	if (rc == 0 && l->failed)
		rc = err_set(e, ENOMEM, "lint: out of memory");
	if (rc < 0)
		return rc;
	lint_sort(l);
	return output_print(l, a, e);
}

static int lint(void *arguments, const struct given *given)
{
	CLEAN(lint_close) struct lint l = {.kernel = UINT_MAX, .root = ""};
	struct err e = {0};
	enum finding_level worst;
	if (lint_run(&l, arguments, given, &e) < 0)
		return command_error(&e);
	if (!lint_worst(&l, &worst))
		return EXIT_OK;
	return worst == LEVEL_CRITICAL ? EXIT_CRITICAL : EXIT_WARNING;
}

static const struct arguments defaults = {.root = "/"};
static const struct option_row options[] = {
	{"kernel", "VERSION", "judge for this kernel (default: that of the machine, or the newest)",
	 OPTION_AT(struct arguments, kernel), TEXT(NULL), .explained = true},
	{"fix", NULL, "print the corrected files as a diff; write nothing",
	 OPTION_AT(struct arguments, fix), FLAG},
	{"format", "FORMAT", "", OPTION_AT(struct arguments, format), CHOICE("text,json,sarif")},
	SYSROOT_OPTION(OPTION_AT(struct arguments, root)),
	{0},
};

const struct command lint_command = {
	.name = "lint",
	.arguments = "[FILE|DIR]...",
	.summary = "Find faults in the files that set sysctls and limits",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.run = lint,
};
