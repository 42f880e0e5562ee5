#include "commands/command.h"
#include "commands/target_options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands/lint_output.h"
#include "effects/print.h"
#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "lint/lint.h"

struct arguments {
	struct check_options check; /* of --try */
	const char *kernel, *root, *versus;
	enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_SARIF } format;
	bool fix, tries;
};

static int files_judge(struct lint *l, const struct given *given, struct err *e)
{
	int rc = 0;
	for (int i = 0; i < given->count; i++)
		lint_path_look(l, given->operands[i]);
	for (int i = 0; i < given->count && rc == 0; i++)
		rc = lint_path(l, given->operands[i], e);
	return rc;
}

/* Whether the files of a machine are below its root, where patch(1) finds them. */
static bool is_unpacked(const char *root)
{
	struct stat st;
	char etc[PATH_MAX];
	snprintf(etc, sizeof(etc), "%s/etc", root);
	return stat(etc, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Opens the machine, which must outlive the lint. */
static int machine_judge(struct lint *l, struct host **h, const struct arguments *a, struct err *e)
{
	int rc = host_open(h, a->root, e);
	if (rc < 0)
		return rc;
	if (!host_has(*h, "etc") && !host_has(*h, "usr"))
		return err_set(e, ENOENT,
			       "lint: %s has neither etc/ nor usr/: it has no files to judge",
			       a->root);
	if (a->fix && !is_unpacked(a->root))
		return err_set(e, EINVAL, "lint: --fix needs files; unpack %s first", a->root);
	if (!a->kernel)
		l->kernel = host_kernel(*h);
	l->host = *h;
	return lint_machine(l, e);
}

static int output_print(const struct lint *l, const struct effects *tried,
			const struct arguments *a, struct err *e)
{
	if (a->fix)
		return lint_fix(l, stdout, e);
	if (a->format == FORMAT_JSON)
		return lint_print_json(l, tried, stdout, e);
	if (a->format == FORMAT_SARIF)
		return lint_print_sarif(l, stdout, e);
	lint_print_text(l, stdout);
	return tried ? effects_print_text(tried, stdout, e) : 0;
}

/* Judges the files of --try and --versus, for the kernel that runs, and tries their lines. */
static int files_try(struct lint *l, struct effects *tried, const struct arguments *a,
		     const struct given *given, struct err *e)
{
	const char *files[] = {given->operands[0], a->versus};
	CLEAN(host_closep) struct host *h = NULL;
	int rc = host_open(&h, "/", e);
	if (rc < 0)
		return rc;
	if (!a->kernel)
		l->kernel = host_kernel(h);
	l->keeps = true;
	for (size_t i = 0; i < 2 && files[i] && !rc; i++) {
		rc = lint_path(l, files[i], e);
		if (!rc)
			rc = effects_add(tried, l, SIDE_FILE + i, files[i], e);
		sysctl_values_clear(l);
	}
	return rc ? rc : effects_measure(tried, &a->check, e);
}

static int options_check(const struct arguments *a, const struct given *given, struct err *e)
{
	static const char *const only[] = {"versus", "probe", "family"};
	if (given->count && given_option(given, "sysroot"))
		return err_set(e, EINVAL, "lint: FILE and --sysroot exclude each other");
	if (a->tries && given->count != 1)
		return err_set(e, EINVAL, "lint: --try needs one FILE");
	if (a->tries && (a->fix || a->format == FORMAT_SARIF))
		return err_set(e, EINVAL,
			       "lint: --try supports only --format text and json, and not --fix");
	if (a->fix && a->format != FORMAT_TEXT)
		return err_set(e, EINVAL, "lint: --fix prints a diff; it takes no --format %s",
			       a->format == FORMAT_JSON ? "json" : "sarif");
	for (size_t i = 0; i < sizeof(only) / sizeof(*only) && !a->tries; i++)
		if (given_option(given, only[i]))
			return err_set(e, EINVAL, "lint: --%s needs --try FILE", only[i]);
	if (!a->tries && target_given(given))
		return err_set(e, EINVAL, "lint: a target needs --try FILE");
	return target_used(&a->check, given, e);
}

struct run {
	struct host *host; /* that is judged; NULL: files are */
	struct lint lint;
	struct effects tried;
};

static void run_free(struct run *r)
{
	lint_close(&r->lint);
	effects_free(&r->tried);
	host_close(r->host);
}

static int lint_run(struct run *r, const struct arguments *a, const struct given *given,
		    struct err *e)
{
	struct lint *l = &r->lint;
	l->kernel = a->kernel ? kernel_parse(a->kernel) : UINT_MAX;
	if (a->kernel && l->kernel == UINT_MAX)
		return err_set(e, EINVAL, "--kernel: \"%.60s\" is not a version such as 5.10",
			       a->kernel);
	int rc = options_check(a, given, e);
	if (rc == 0 && !a->tries && (given->count || strcmp(a->root, "/") != 0))
		command_confine(given->count ? NULL : a->root);
	if (rc == 0)
		rc = a->tries       ? files_try(l, &r->tried, a, given, e)
		     : given->count ? files_judge(l, given, e)
				    : machine_judge(l, &r->host, a, e);
	if (rc == 0 && l->failed)
		rc = err_set(e, ENOMEM, "lint: out of memory");
	if (rc < 0)
		return rc;
	lint_sort(l);
	return output_print(l, a->tries ? &r->tried : NULL, a, e);
}

static int lint(void *arguments, const struct given *given)
{
	CLEAN(run_free) struct run r = {0};
	struct err e = {0};
	enum finding_level worst;
	if (lint_run(&r, arguments, given, &e) < 0)
		return command_error(&e);
	int status = effects_status(&r.tried);
	if (!lint_worst(&r.lint, &worst))
		return status;
	return worst == LEVEL_CRITICAL || status == EXIT_CRITICAL ? EXIT_CRITICAL : EXIT_WARNING;
}

#define AT(member) OPTION_AT(struct arguments, member)
static const struct arguments defaults = {.check = {.target = TARGET_DEFAULT}, .root = "/"};
static const struct option_row options[] = {
	{"kernel", "VERSION", "judge for this kernel (default: that of the machine, or the newest)",
	 AT(kernel), TEXT(NULL), .explained = true},
	{"try", NULL, "try the lines of FILE in a lab: which of them gain or harm", AT(tries),
	 FLAG},
	{"versus", "OTHER", "with --try: try that file too, and compare", AT(versus),
	 TEXT_OF(FILES)},
	TARGET_OPTIONS(struct arguments, check),
	{"probe", "NAME,…", "with --try: run only these probes", AT(check.probes), PROBES_OPTION},
	FAMILY_OPTION(AT(check.family)),
	{"fix", NULL, "print the corrected files as a diff; write nothing", AT(fix), FLAG},
	{"format", "FORMAT", "", AT(format), CHOICE("text,json,sarif")},
	SYSROOT_OPTION(AT(root)),
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
