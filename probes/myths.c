/* Finds running values from common advice that has no effect or does harm. The rules are in the
 * catalogue; probe accept-queue reports tcp_abort_on_overflow. */
#include "epolltune/probe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/knob_value.h"

#define VALUES 32

struct sample {
	struct machine machine;
	size_t count;
	struct value {
		const struct myth *myth;
		const char *knob;
		char text[KNOB_VALUE];
	} at[VALUES];
};

/* The table of knobs lacks those that later kernels removed, numbers all of them. */
static bool value_read(const struct host *h, struct value *v)
{
	const struct knob *k = knob_find(v->knob), removed = {.name = v->knob};
	return !knob_read(k ? k : &removed, h, v->text, NULL);
}

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	machine_read(h, NULL, &s->machine);
	for (size_t i = 0; i < myth_count(); i++) {
		const struct myth *m = myth_at(i);
		for (size_t k = 0; k < 3 && m->knobs[k] && s->count < VALUES; k++) {
			s->at[s->count] = (struct value){.myth = m, .knob = m->knobs[k]};
			s->count += value_read(h, &s->at[s->count]);
		}
	}
	return 0;
}

/* Whether a field of the default is below the running one. */
static bool is_lower(const struct value_rule *rule)
{
	int64_t proposed;
	for (size_t i = 0; i < 3; i++)
		if (!knob_field(rule->default_value, i, &proposed) && proposed < rule->field[i])
			return true;
	return false;
}

/* The command that sets the kernel's default; "" if that is unknown. */
static void command_format(const struct value *v, const struct value_rule *rule, char text[200])
{
	text[0] = 0;
	if (rule->default_value[0] && knob_find(v->knob))
		knob_command("", v->knob, rule->default_value, is_lower(rule), text, 200);
	else if (rule->default_value[0])
		snprintf(text, 200, "sysctl -w %s=%s", v->knob, rule->default_value);
}

static void value_report(const struct value *v, const struct value_rule *rule, struct report *r)
{
	struct wording words = {0};
	char command[200];
	command_format(v, rule, command);
	wording_set(&words, "knob", "%s", v->knob);
	wording_set(&words, "current", "%s", v->text);
	wording_set(&words, "does", "%s", v->myth->effect);
	wording_set(&words, "reason", "%s", myth_reason(v->myth));
	wording_set(&words, "command", "%s", command);
	wording_set(&words, "myth", "%s", v->myth->name);
	struct finding *f = report_finding(r, "knob.myth", &words);
	f->level = rule->level;
	finding_propose(f, v->knob, v->text, rule->default_value);
	if (rule->counter)
		finding_evidence(f, rule->counter, rule->counter_unit, (double)rule->count, NAN);
	if (finding_proposes(f)) {
		f->tried = TRIED_NOT;
		report_text(f->outcome, "epolltune does not test the kernel's own defaults");
	}
}

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	for (size_t i = 0; i < after->count; i++) {
		const struct value *v = &after->at[i];
		struct value_rule rule = {.machine = &after->machine,
					  .connections = m->target ? m->target->connections : 0,
					  .level = v->myth->level};
		for (size_t f = 0; f < 3; f++)
			if (knob_field(v->text, f, &rule.field[f]))
				rule.field[f] = REPORT_NONE;
		if (rule.field[0] != REPORT_NONE && v->myth->followed(&rule))
			value_report(v, &rule, r);
	}
}

static const struct observation observation = {
	.size = sizeof(struct sample),
	.sample = sample_take,
	.judge = observation_judge,
};

const struct probe probe_myths = {
	.name = "myths",
	.summary = "running values from common advice that has no effect or does harm",
	.place = PROBE_HOST,
	.observation = &observation,
};
