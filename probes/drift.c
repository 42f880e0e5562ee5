/* Drift: running values of knobs that the next boot changes: the files in sysctl.d set another one,
 * or no program applies their lines. */
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
		char running[KNOB_VALUE], boot[KNOB_VALUE]; /* boot "": not known */
		bool about;                                 /* boot is an estimate */
		struct sysctl_setting set;
	} at[KNOBS_MAX];
};

static bool is_sysctl(const struct knob *k)
{
	return (k->scope == KNOB_NETNS || k->scope == KNOB_SYSTEM) && k->walls[0];
}

/* What cannot be read, or what the kernel refuses at boot, is not compared. A line that is in force
 * and that no program applies at boot leaves the kernel's own value. */
static void value_take(const struct host *h, const struct knob *k, const struct sysctl_setting *set,
		       struct sample *s)
{
	struct value *v = &s->at[s->count];
	v->knob = k;
	v->set = *set;
	if (!set->value[0] || knob_read(k, h, v->running, NULL) < 0 ||
	    !knob_at_boot(k, host_kernel(h), host_page_bytes(h), set->value, v->running, v->boot))
		return;
	bool differs = strcmp(v->running, v->boot) != 0;
	if (differs && set->unapplied[0] && !sysctl_module(k->name))
		return;
	if (differs)
		v->set.unapplied[0] = 0;
	else if (set->unapplied[0] && !knob_own(k, h, v->boot))
		v->boot[0] = 0;
	v->about = !knob_default(k, host_kernel(h));
	s->count++;
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

static void value_report(const struct value *v, struct report *r)
{
	struct wording words = {0};
	char command[WORDING_TEXT];
	bool worse = !v->boot[0] || knob_worse(v->knob, v->running, v->boot);
	if (v->set.unapplied[0] && !worse)
		return;
	const char *module = sysctl_module(v->knob->name);
	wording_set(&words, "knob", "%s", v->knob->name);
	wording_set(&words, "current", "%s", v->running);
	wording_set(&words, "boot", "%s", v->boot);
	wording_set(&words, "about", "%s", v->about ? "yes" : "");
	wording_set(&words, "worse", "%s", worse ? "yes" : "");
	wording_set(&words, "unapplied", "%s", v->set.unapplied);
	wording_set(&words, "remedy", "%s", v->set.remedy);
	wording_set(&words, "module", "%s", module ? module : "");
	wording_set(&words, "file", "%s:%u", v->set.file, v->set.line);
	wording_set(&words, "command", "%s",
		    knob_command("", v->knob->name, v->boot,
				 knob_lower(v->knob, v->running, v->boot), command,
				 sizeof(command)));
	struct finding *f = report_finding(r, "knob.drift", &words);
	f->level = worse ? LEVEL_WARNING : LEVEL_NOTE;
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
