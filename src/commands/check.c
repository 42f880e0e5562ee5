/* check: the command that measures the limits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "check/since.h"
#include "commands/check_versus.h"
#include "commands/command.h"
#include "commands/saved_target.h"
#include "commands/target_options.h"
#include "epolltune/cleanup.h"
#include "epolltune/quantity.h"
#include "report/comparison.h"
#include "report/output.h"
#include "report/render.h"
#include "terminal/progress.h"
#include "tune/operator.h"

/* Parses --headroom into percent: a number of times the load, with a fraction. */
static int headroom_parse(const char *value, void *field, struct err *e)
{
	char *end;
	double times = strtod(value, &end);
	if (end == value || *end || strspn(value, "0123456789.") != strlen(value) ||
	    !(times >= 1 && times <= 100))
		return err_set(e, EINVAL, "--headroom %.20s: not a number from 1 to 100", value);
	*(uint64_t *)field = (uint64_t)(times * 100 + 0.5);
	return 0;
}

#define OBSERVE_MIN_US 1000000

struct arguments {
	struct check_options check;
	const char *format, *output, *color, *save;
	bool verbose;
};
#define AT(member) OPTION_AT(struct arguments, member)

static const struct option_row options[] = {
	TARGET_OPTIONS(struct arguments, check),
	PROBE_OPTIONS(struct arguments, check),
	{"format", "FORMAT", RENDER_REPORT_FORMATS_HELP, AT(format), TEXT(RENDER_REPORT_FORMATS),
	 .explained = true},
	{"verbose", NULL, "explain each wall and note", AT(verbose), FLAG},
	OUTPUT_OPTION("report", AT(output)),
	{"since", "FILE", "compare the counters with this earlier report", AT(check.since),
	 TEXT_OF(FILES), .run = RUN_EXCLUDED},
	{"observe", "TIME", "take the target from the load of --server, observed for TIME",
	 AT(check.observe_us), NUMBER(DURATION, OBSERVE_MIN_US, 24 * HOUR_US), .run = RUN_EXCLUDED},
	{"headroom", "N", "check for N times the observed load (2)", AT(check.headroom_percent),
	 PARSED(headroom_parse), .explained = true},
	{"save", "NAME|FILE", "save the target for --target NAME|FILE", AT(save), TEXT(NULL),
	 .writes = true},
	SYSROOT_OPTION(AT(check.sysroot)),
	{"netns", "PATH|PID", "check another network namespace: path, name or pid", AT(check.netns),
	 TEXT(NULL), .run = RUN_EXCLUDED},
	{"run", "COMMAND", "start this server in a lab, and find its limits",
	 AT(check.guest.command), TEXT(NULL)},
	{"versus", "COMMAND", "with --run: compare it with this one, in several rounds",
	 AT(check.versus), TEXT(NULL), .run = RUN_NEEDED},
	{"port", "N|unix:PATH", "with --run: the TCP port or UNIX socket at which it listens",
	 AT(check.guest), PARSED(guest_port_parse), .run = RUN_NEEDED},
	{"protocol", "NAME", "with --run: what it speaks", AT(check.guest.protocol),
	 CHOICE(PROTOCOLS), .run = RUN_NEEDED},
	{"path", "PATH", "with --protocol http: path of the requests", AT(check.guest.path),
	 TEXT(NULL), .run = RUN_NEEDED},
	{"requests", "N", "with --run: requests per second that it has to answer",
	 AT(check.guest.requests_per_s), NUMBER(RATE, 1, 100000000), .run = RUN_NEEDED},
	{"writable", "DIRECTORY,…", "with --run: directories of this host that it may write",
	 AT(check.guest.directories), LIST_OF(DIRECTORIES), .run = RUN_NEEDED},
	{"no-proof", NULL, "do not try the proposed values", AT(check.probe.no_proof), FLAG},
	{"allow-kernel-log", NULL, "experiments may make the kernel log SYN floods",
	 AT(check.probe.kernel_log), FLAG},
	{"quick", NULL, "inspect only, run no experiments", AT(check.quick), FLAG,
	 .run = RUN_EXCLUDED},
	{"measured", NULL, "exit with 3 unless every due experiment was run", AT(check.measured),
	 FLAG},
	COLOR_OPTION(AT(color)),
	{0},
};

static int observe_check(const struct check_options *o, const struct given *given, struct err *e)
{
	if (!o->observe_us)
		return given_option(given, "headroom")
			       ? err_set(e, EINVAL, "check: --headroom needs --observe TIME")
			       : 0;
	if (!o->server)
		return err_set(e, EINVAL, "check: --observe needs --server WHO");
	return 0;
}

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

/* What --run excludes, and what needs it. */
static int guest_options(const struct arguments *a, const struct given *given, struct err *e)
{
	bool run = a->check.guest.command != NULL;
	for (size_t i = 0; options[i].name; i++) {
		const struct option_row *row = &options[i];
		if (!(given->rows >> i & 1) || row->run != (run ? RUN_EXCLUDED : RUN_NEEDED))
			continue;
		return run ? err_set(e, EINVAL, "check: --run and --%s exclude each other",
				     row->name)
			   : err_set(e, EINVAL, "check: --%s needs --run COMMAND", row->name);
	}
	if (!run)
		return 0;
	if (!a->check.guest.port && !a->check.guest.socket)
		return err_set(e, EINVAL, "check: --run needs --port N or --port unix:PATH");
	if (a->check.versus && !comparison_render_find(a->format))
		return err_set(e, EINVAL, "check: --versus supports only --format %s",
			       COMPARISON_FORMATS);
	if (a->check.versus && (a->output || a->save))
		return err_set(e, EINVAL, "check: --versus and --%s exclude each other",
			       a->output ? "output" : "save");
	if (given_option(given, "path") && a->check.guest.protocol != PROTOCOL_HTTP)
		return err_set(e, EINVAL, "--path: valid only with --protocol http");
	if (given_option(given, "requests") && a->check.guest.protocol == PROTOCOL_CONNECT)
		return err_set(e, EINVAL,
			       "check: --requests needs --protocol echo, http, redis or memcached: "
			       "with connect no request is sent");
	return 0;
}

struct report_rendering {
	const char *format;
	const struct report *report;
	const struct render_style *style;
};

static int render_to(FILE *out, void *arg, struct err *e)
{
	const struct report_rendering *r = arg;
	return render_find(r->format)(out, r->report, r->style, e);
}

static int arguments_render(const struct arguments *a, const struct report *report, struct err *e)
{
	struct render_style style = command_style(a->output, a->color);
	style.verbose = a->verbose;
	struct report_rendering r = {a->format, report, &style};
	return a->output ? output_write(a->output, render_to, &r, e) : render_to(stdout, &r, e);
}

/* The command to repeat: a repetition must not replace what this one has written. */
static void command_keep(const struct given *given, char *command, size_t size)
{
	CLEAN(free_pointer) char **words = calloc((size_t)given->argc + 1, sizeof(*words));
	if (!words || !operator_command(command, size, given_repeatable(given, words), words))
		command[0] = 0;
}

static int check_all(struct arguments *a, const struct given *given)
{
	struct err e = {0};
	char path[PATH_MAX];
	check_saved(&a->check, given);
	if (guest_options(a, given, &e) || arguments_check(&a->check, &e) ||
	    observe_check(&a->check, given, &e) || target_used(&a->check, given, &e) ||
	    (a->output && output_check(a->output, &e)) ||
	    (a->save && saved_target_check(a->save, &a->check, &e)))
		return command_error(&e);
	CLEAN(free_pointer) struct report *report = calloc(2, sizeof(*report));
	if (!report)
		return err_set(&e, ENOMEM, "report: out of memory"), command_error(&e);
	if (a->check.since && since_load(a->check.since, &report[1], &e))
		return command_error(&e);
	a->check.probe.since = a->check.since ? &report[1] : NULL;
	a->check.progress = progress_usable();
	if (a->check.versus) {
		struct render_style style = command_style(NULL, a->color);
		return check_versus(&a->check, a->format, &style);
	}
	if (a->check.sysroot && !a->output && !a->save)
		command_confine(a->check.sysroot);
	int rc = check_run(&a->check, report, &e);
	if (interrupt_came())
		return EXIT_UNKNOWN;
	if (rc)
		return command_error(&e);
	command_keep(given, report->command, sizeof(report->command));
	/* The report is printed also if the target cannot be saved. */
	struct err unsaved = {0};
	a->check.target = report->target;
	int saved = a->save ? saved_target_save(a->save, &a->check, &unsaved) : 0;
	if (a->save && !saved && strlen(a->save) < sizeof(report->stored_as)) {
		saved_target_path(a->save, path);
		report_text(report->stored, "%s", path);
		report_text(report->stored_as, "%s", a->save);
	}
	if (arguments_render(a, report, &e))
		return command_error(&e);
	return saved ? command_error(&unsaved) : report_exit_status(report);
}

static int check(void *arguments, const struct given *given)
{
	struct arguments *a = arguments;
	/* The command has its grace. */
	if (a->check.guest.command)
		interrupt_hold(INTERRUPT_HANGUP | INTERRUPT_ONCE);
	int status = check_all(a, given);
	if (interrupt_came())
		interrupt_obey();
	return status;
}

static const struct arguments defaults = {
	.check = {.target = TARGET_DEFAULT,
		  .headroom_percent = 200,
		  .guest = {.path = "/", .protocol = PROTOCOL_CONNECT}},
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
