/* The options of the commands that parse them themselves: apply, confirm, rollback, history. */
#include "commands/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/quantity.h"
#include "report/plan_render.h"
#include "report/render.h"
#include "tune/state.h"

#define STATE_DIR_ROW                                                                              \
	{                                                                                          \
		"state-dir", "DIR", "journal directory (" STATE_DIR ")", TEXT("@directories")      \
	}
#define COLOR_ROW                                                                                  \
	{"color", "WHEN", "colour output: auto (default), always or never",                        \
	 TEXT("auto,always,never"), .explained = true},
#define FORMAT_ROW                                                                                 \
	{                                                                                          \
		"format", "FORMAT", "text (default) or json", TEXT(RENDER_FORMATS),                \
			.explained = true                                                          \
	}

struct apply_fields {
	struct check_options check;
};

static const struct option_row apply_options[] = {
	{"from", "FILE", "apply this report of check --format json", TEXT("@files")},
	{"foreign", NULL, "accept a report of another machine or boot", FLAG},
	{"tight", NULL, "include tight walls", FLAG},
	{"only", "KNOB,…", "change only these knobs", LIST("@knobs")},
	{"except", "KNOB,…", "do not change these knobs", LIST("@knobs")},
	{"set", "KNOB=VALUE,…", "set these values, with the same checks", LIST(NULL)},
	{"allow-lower", NULL, "let --set lower a value", FLAG},
	{"allow-link-reset", NULL, "allow changes that reset the link of an interface", FLAG},
	{"dry-run", NULL, "print the plan, change nothing", FLAG},
	{"format", "FORMAT", "text (default) or json; with --dry-run sysctl or shell",
	 TEXT(PLAN_FORMATS), .explained = true},
	{"yes", NULL, "apply without asking", FLAG},
	{"confirm", "TIME", "roll back unless confirmed within TIME", TEXT(NULL)},
	{"persist", NULL, "also write the values below /etc, for the next boot", FLAG},
	{"no-proof", NULL, "do not verify the changes by a second check", FLAG},
	TARGET_OPTIONS(struct apply_fields, check.target),
	PROBE_OPTIONS(struct apply_fields, check),
	STATE_DIR_ROW,
	COLOR_ROW{0},
};

static const struct option_row confirm_options[] = {
	{"persist", NULL, "also write the run's values below /etc", FLAG},
	FORMAT_ROW,
	STATE_DIR_ROW,
	COLOR_ROW{0},
};

static const struct option_row rollback_options[] = {
	{"force", NULL, "also restore values modified since the run", FLAG},
	FORMAT_ROW,
	STATE_DIR_ROW,
	COLOR_ROW{0},
};

static const struct option_row history_options[] = {
	FORMAT_ROW,
	STATE_DIR_ROW,
	COLOR_ROW{0},
};

static const struct apply_fields apply_defaults = {{.target = TARGET_DEFAULT}};

const struct command apply_command = {
	.name = "apply",
	.arguments = "",
	.summary = "Apply the recommended settings, verify them, roll back on failure",
	.options = apply_options,
	.defaults = &apply_defaults,
	.size = sizeof(apply_defaults),
	.resolves = true,
	.run_argv = command_apply,
};

const struct command confirm_command = {
	.name = "confirm",
	.arguments = "",
	.summary = "Keep the changes of apply --confirm",
	.options = confirm_options,
	.resolves = true,
	.run_argv = command_confirm,
};

const struct command rollback_command = {
	.name = "rollback",
	.arguments = "[RUN]",
	.summary = "Roll back the changes of a run, by default the newest",
	.options = rollback_options,
	.resolves = true,
	.run_argv = command_rollback,
};

const struct command history_command = {
	.name = "history",
	.arguments = "[RUN]",
	.summary = "List the runs of apply: what they changed and their state",
	.options = history_options,
	.resolves = false,
	.run_argv = command_history,
};

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

int check_option(const char *name, const char *value, struct check_options *o, struct err *e)
{
	int rc = 0;
	if (!strcmp(name, "backlog"))
		rc = quantity_parse("--backlog", QUANTITY_COUNT, value, 1, INT_MAX,
				    &o->probe.backlog, e);
	else if (!strcmp(name, "window"))
		rc = quantity_parse("--window", QUANTITY_DURATION, value, WINDOW_MIN_US, HOUR_US,
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
