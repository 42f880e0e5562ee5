#include "commands/check.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands/command.h"
#include "epolltune/cleanup.h"
#include "epolltune/quantity.h"
#include "report/output.h"
#include "report/render.h"

int target_parse(const char *value, void *field, struct err *e)
{
	return target_preset(value, field, e);
}

/* A target alone, with the bounds of its options. */
struct bounded {
	struct target target;
};
static const struct option_row target_rows[] = {
	TARGET_OPTIONS(struct bounded, target),
	{0},
};

int target_check(const struct target *t, struct err *e)
{
	const struct bounded checked = {*t};
	for (const struct option_row *row = target_rows; row->name; row++) {
		uint64_t value = option_number(row, &checked);
		if (row->max && (value < row->min || value > row->max))
			return err_set(e, ERANGE, "the target of the report: no --%s takes %llu",
				       row->name, (unsigned long long)value);
	}
	return 0;
}

bool target_given(const struct given *given)
{
	for (const struct option_row *row = target_rows; row->name; row++)
		if (given_option(given, row->name))
			return true;
	return false;
}

struct arguments {
	struct check_options check;
	const char *format, *output, *color;
	bool verbose;
};
#define AT(member) OPTION_AT(struct arguments, member)

static const struct option_row options[] = {
	TARGET_OPTIONS(struct arguments, check.target),
	PROBE_OPTIONS(struct arguments, check),
	{"format", "FORMAT", RENDER_REPORT_FORMATS_HELP, AT(format), TEXT(RENDER_REPORT_FORMATS),
	 .explained = true},
	{"verbose", NULL, "explain each wall and note", AT(verbose), FLAG},
	OUTPUT_OPTION("report", AT(output)),
	{"since", "FILE", "compare the counters with this earlier report", AT(check.since),
	 TEXT("@files")},
	{"sysroot", "DIR", "inspect the machine captured in DIR", AT(check.sysroot),
	 TEXT("@directories")},
	{"netns", "PATH|PID", "check another network namespace: path, name or pid", AT(check.netns),
	 TEXT(NULL)},
	{"no-proof", NULL, "do not try the proposed values", AT(check.probe.no_proof), FLAG},
	{"allow-kernel-log", NULL, "experiments may make the kernel log SYN floods",
	 AT(check.probe.kernel_log), FLAG},
	{"quick", NULL, "inspect only, run no experiments", AT(check.quick), FLAG},
	{"measured", NULL, "exit with 3 unless every due experiment was run", AT(check.measured),
	 FLAG},
	COLOR_OPTION(AT(color)),
	{0},
};

static int arguments_check(const struct check_options *o, struct err *e)
{
	if (o->sysroot && (o->server || o->netns))
		return err_set(e, EINVAL, "check: --%s needs a running machine; --sysroot has none",
			       o->server ? "server" : "netns");
	if (o->server && o->probe.backlog)
		return err_set(
			e, EINVAL,
			"check: --backlog and --server exclude each other: --server reads the "
			"backlog from the kernel");
	if (o->measured && (o->quick || o->sysroot))
		return err_set(e, EINVAL, "check: --measured needs experiments; %s runs none",
			       o->quick ? "--quick" : "--sysroot");
	return 0;
}

struct rendering {
	const char *format;
	const struct report *report;
	const struct render_style *style;
};

static int render_to(FILE *out, void *arg, struct err *e)
{
	const struct rendering *r = arg;
	return render_find(r->format)(out, r->report, r->style, e);
}

static int arguments_render(const struct arguments *a, const struct report *report, struct err *e)
{
	struct render_style style = command_style(a->output, a->color);
	style.verbose = a->verbose;
	struct rendering r = {a->format, report, &style};
	return a->output ? output_write(a->output, render_to, &r, e) : render_to(stdout, &r, e);
}

static int check(void *arguments, const struct given *given)
{
	struct arguments *a = arguments;
	struct err e = {0};
	(void)given;
	if (arguments_check(&a->check, &e))
		return command_error(&e);
	CLEAN(free_pointer) struct report *report = calloc(2, sizeof(*report));
	if (!report)
		return err_set(&e, ENOMEM, "no memory for a report"), command_error(&e);
	if (a->check.since && since_load(a->check.since, &report[1], &e))
		return command_error(&e);
	a->check.probe.since = a->check.since ? &report[1] : NULL;
	a->check.progress = isatty(2);
	if (check_run(&a->check, report, &e) || arguments_render(a, report, &e))
		return command_error(&e);
	return report_exit_status(report);
}

static const struct arguments defaults = {
	.check.target = TARGET_DEFAULT,
	.format = "text",
	.color = "auto",
};

const struct command check_command = {
	.name = "check",
	.arguments = "",
	.summary = "Measure the limits of this machine against a target load",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.run = check,
};
