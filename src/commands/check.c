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

#define HOUR_US 3600000000u
#define WINDOW_LEAST_US 500000

static const struct {
	const char *name;
	enum quantity_kind kind;
	uint64_t min, max;
	size_t field;
} target_numbers[] = {
	{"connections", QUANTITY_COUNT, 1, 100000000, offsetof(struct target, connections)},
	{"rate", QUANTITY_RATE, 1, 100000000, offsetof(struct target, rate_per_s)},
	{"stall", QUANTITY_DURATION, 1, HOUR_US, offsetof(struct target, stall_us)},
	{"rtt", QUANTITY_DURATION, 1, HOUR_US, offsetof(struct target, rtt_us)},
	{"bandwidth", QUANTITY_BANDWIDTH, 1000, 10000000000000,
	 offsetof(struct target, bandwidth_bps)},
};
#define TARGET_NUMBERS (sizeof(target_numbers) / sizeof(*target_numbers))

static uint64_t *target_field(struct target *t, size_t i)
{
	return (uint64_t *)(void *)((char *)t + target_numbers[i].field);
}

int target_option(const char *name, const char *value, struct target *t, struct target_option *seen,
		  struct err *e)
{
	int rc = 0;
	if (!strcmp(name, "role"))
		return (rc = target_role_parse(value, &t->role, e)) ? rc : 1;
	if (!strcmp(name, "target")) {
		struct target preset, given = *t;
		rc = target_preset(value, &preset, e);
		if (rc)
			return rc;
		preset.role = t->role;
		*t = preset;
		for (size_t i = 0; i < TARGET_NUMBERS; i++)
			if (seen->given[i])
				*target_field(t, i) = *target_field(&given, i);
		return 1;
	}
	for (size_t i = 0; i < TARGET_NUMBERS; i++) {
		char option[32];
		if (strcmp(name, target_numbers[i].name))
			continue;
		snprintf(option, sizeof(option), "--%s", name);
		seen->given[i] = true;
		rc = quantity_parse(option, target_numbers[i].kind, value, target_numbers[i].min,
				    target_numbers[i].max, target_field(t, i), e);
		return rc ? rc : 1;
	}
	return 0;
}

int target_check(const struct target *t, struct err *e)
{
	struct target checked = *t;
	for (size_t i = 0; i < TARGET_NUMBERS; i++) {
		uint64_t value = *target_field(&checked, i);
		if (value < target_numbers[i].min || value > target_numbers[i].max)
			return err_set(e, ERANGE, "the target of the report: no --%s takes %llu",
				       target_numbers[i].name, (unsigned long long)value);
	}
	return 0;
}

int check_option(const char *name, const char *value, struct check_options *o, struct err *e)
{
	int rc = 0;
	if (!strcmp(name, "backlog"))
		rc = quantity_parse("--backlog", QUANTITY_COUNT, value, 1, INT_MAX,
				    &o->probe.backlog, e);
	else if (!strcmp(name, "window"))
		rc = quantity_parse("--window", QUANTITY_DURATION, value, WINDOW_LEAST_US, HOUR_US,
				    &o->probe.window_us, e);
	else if (!strcmp(name, "probe"))
		o->probes = value;
	else if (!strcmp(name, "server"))
		o->server = value;
	else if (!strcmp(name, "in-place"))
		o->probe.in_place = true;
	else if (!strcmp(name, "gentle"))
		o->probe.gentle = true;
	else
		return 0;
	return rc ? rc : 1;
}

struct check_arguments {
	struct check_options check;
	const char *format, *output, *color;
	bool verbose;
};

static int arguments_read(struct options *o, struct check_arguments *a, struct err *e)
{
	struct target_option seen = {0};
	const struct option_row *row;
	const char *value;
	while ((row = options_next(o, &value, e))) {
		const char *name = row->name;
		int rc = target_option(name, value, &a->check.target, &seen, e);
		if (!rc)
			rc = check_option(name, value, &a->check, e);
		if (rc < 0)
			return rc;
		if (rc)
			continue;
		if (!strcmp(name, "format"))
			a->format = value;
		else if (!strcmp(name, "output"))
			a->output = value;
		else if (!strcmp(name, "since"))
			a->check.since = value;
		else if (!strcmp(name, "sysroot"))
			a->check.sysroot = value;
		else if (!strcmp(name, "netns"))
			a->check.netns = value;
		else if (!strcmp(name, "no-proof"))
			a->check.probe.no_proof = true;
		else if (!strcmp(name, "quick"))
			a->check.quick = true;
		else if (!strcmp(name, "measured"))
			a->check.measured = true;
		else if (!strcmp(name, "verbose"))
			a->verbose = true;
		else if (!strcmp(name, "color"))
			a->color = value;
	}
	if (!e->code && !o->help && o->next < o->argc)
		err_set(e, EINVAL, "check: unexpected argument \"%s\"", o->argv[o->next]);
	if (!e->code && a->check.sysroot && (a->check.server || a->check.netns))
		err_set(e, EINVAL, "check: --%s needs a running machine; --sysroot has none",
			a->check.server ? "server" : "netns");
	if (!e->code && a->check.server && a->check.probe.backlog)
		err_set(e, EINVAL,
			"check: --backlog and --server exclude each other: --server reads the "
			"backlog from the kernel");
	if (!e->code && a->check.measured && (a->check.quick || a->check.sysroot))
		err_set(e, EINVAL, "check: --measured needs experiments; %s runs none",
			a->check.quick ? "--quick" : "--sysroot");
	return -e->code;
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

static int arguments_render(const struct check_arguments *a, const struct report *report,
			    struct err *e)
{
	/* A file is no terminal: no colour in it unless asked for. */
	const char *color = a->output && !strcmp(a->color, "auto") ? "never" : a->color;
	struct render_style style = render_style_for(stdout, color);
	style.verbose = a->verbose;
	struct rendering r = {a->format, report, &style};
	return a->output ? output_write(a->output, render_to, &r, e) : render_to(stdout, &r, e);
}

int command_check(int argc, char **argv)
{
	struct err e = {0};
	struct options o = options_begin("check", argc, argv);
	struct check_arguments a = {.check = check_defaults(), .format = "text", .color = "auto"};
	if (arguments_read(&o, &a, &e))
		return command_error(&e);
	if (o.help)
		return command_help(o.command);
	CLEAN(free_pointer) struct report *report = calloc(2, sizeof(*report));
	if (!report)
		return err_set(&e, ENOMEM, "no memory for a report"), command_error(&e);
	if (a.check.since && since_load(a.check.since, &report[1], &e))
		return command_error(&e);
	a.check.probe.since = a.check.since ? &report[1] : NULL;
	a.check.progress = isatty(2);
	if (check_run(&a.check, report, &e) || arguments_render(&a, report, &e))
		return command_error(&e);
	return report_exit_status(report);
}
