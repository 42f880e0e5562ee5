/* Drift: running values of knobs that the files in sysctl.d set to another one at boot. */
#include "epolltune/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/knob_value.h"
#include "epolltune/sysctl_d.h"
#include "epolltune/sysctls.h"

struct sample {
	size_t count;
	struct value {
		const struct knob *knob;
		char running[KNOB_VALUE], boot[KNOB_VALUE];
		char file[sizeof(((struct sysctl_setting *)0)->file)];
		unsigned line;
	} at[KNOBS_MAX];
};

static bool is_sysctl(const struct knob *k)
{
	return (k->scope == KNOB_NETNS || k->scope == KNOB_SYSTEM) && k->walls[0];
}

/* What cannot be read, or what the kernel refuses at boot, is not compared. */
static void value_take(const struct host *h, const struct knob *k, const struct sysctl_setting *set,
		       struct sample *s)
{
	struct value *v = &s->at[s->count];
	v->knob = k;
	v->line = set->line;
	memcpy(v->file, set->file, sizeof(v->file));
	s->count += set->value[0] && knob_read(k, h, v->running, NULL) == 0 &&
		    knob_at_boot(k, host_kernel(h), host_page_bytes(h), set->value, v->running,
				 v->boot);
}

static int sample_take(const struct host *h, const struct probe_options *o, struct sample *s,
		       struct err *e)
{
	const struct knob *knobs[KNOBS_MAX];
	const char *names[KNOBS_MAX];
	struct sysctl_setting set[KNOBS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < knob_count(); i++)
		if (is_sysctl(knob_at(i))) {
			knobs[count] = knob_at(i);
			names[count++] = knob_at(i)->name;
		}
	int rc = sysctl_d_at_boot(h, names, count, set, e);
	if (rc < 0)
		return rc == -EOPNOTSUPP || rc == -EACCES ? 0 : rc;
	for (size_t i = 0; i < count; i++)
		value_take(h, knobs[i], &set[i], s);
	return 0;
}

/* Whether a reboot takes something away: a smaller field, or a narrower range. */
static bool is_less(const struct value *v)
{
	for (size_t i = 0; i < knob_fields(v->knob->shape); i++) {
		int64_t now, then;
		bool low = v->knob->shape == KNOB_RANGE && i == 0;
		if (knob_field(v->running, i, &now) == 0 && knob_field(v->boot, i, &then) == 0 &&
		    (low ? then > now : then < now))
			return true;
	}
	return false;
}

static void value_report(const struct value *v, struct report *r)
{
	struct wording words = {0};
	char command[WORDING_TEXT], general[SYSCTL_NAME] = "";
	sysctl_general(v->knob->name, general);
	const char *module = sysctl_module(general);
	wording_set(&words, "knob", "%s", v->knob->name);
	wording_set(&words, "current", "%s", v->running);
	wording_set(&words, "boot", "%s", v->boot);
	wording_set(&words, "less", "%s", is_less(v) ? "yes" : "");
	wording_set(&words, "module", "%s", module ? module : "");
	wording_set(&words, "file", "%s:%u", v->file, v->line);
	wording_set(&words, "command", "%s",
		    knob_command("", v->knob->name, v->boot, is_less(v), command, sizeof(command)));
	struct finding *f = report_finding(r, "knob.drift", &words);
	f->level = is_less(v) ? LEVEL_WARNING : LEVEL_NOTE;
	finding_propose(f, v->knob->name, v->running, "");
}

static void observation_judge(const struct sample *before, const struct sample *after,
			      const struct moment *m, struct report *r)
{
	for (size_t i = 0; i < after->count; i++)
		if (strcmp(after->at[i].running, after->at[i].boot) != 0)
			value_report(&after->at[i], r);
}

static const struct observation observation = {
	.size = sizeof(struct sample),
	.sample = sample_take,
	.judge = observation_judge,
};

const struct probe probe_drift = {
	.name = "drift",
	.summary = "running values that a reboot changes",
	.place = PROBE_HOST,
	.observation = &observation,
};
