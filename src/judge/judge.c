#include "judge/judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/knob_value.h"
#include "epolltune/nic.h"
#include "epolltune/quantity.h"
#include "judge/container_advice.h"
#include "judge/cost.h"
#include "judge/proof.h"
#include "judge/settings.h"
#include "judge/verdict.h"

#define WINDOW_US 500000
/* Further windows while the check disturbs them itself. */
#define WINDOWS_MORE 6
#define NETDEV_BACKLOG_KNOB "net.core.netdev_max_backlog"

/* One experiment of a probe, and its outcome. */
struct judged {
	const struct experiment *x;
	struct settings now;
	struct outcome outcome;
};

/* Why the probe cannot try this target; "": it can. */
static const char *refusal(const struct probe *p, const struct judging *j)
{
	const char *why = p->refuses ? p->refuses(j->target) : NULL;
	return why ? why : "";
}

/* Why the experiment does not fit into this machine; "": it does. */
static void cost_check(const struct experiment *x, const struct judging *j,
		       const struct settings *s, char why[COST_WHY])
{
	why[0] = 0;
	if (!x->cost)
		return;
	const struct bound b = bound_of(x, j->target, s);
	const struct cost c = x->cost(j->target, s, &b);
	cost_refusal(&c, &s->machine, j->options->gentle, why);
}

/* `line`: of the server's configuration, which was tried; "": none was. */
static void finding_done(const struct judged *d, const struct proof *p, const char *line,
			 struct trial *t, struct finding *f)
{
	char text[160] = "", half[80] = "";
	d->x->describe(t, &p->outcome, text, sizeof(text));
	if (p->halved)
		d->x->describe(t, &p->half, half, sizeof(half));
	f->tried = TRIED_DONE;
	report_text(f->outcome, "%s%s%s%s%s", text, half[0] ? "; with half the value " : "", half,
		    line[0] ? ", with " : "", line);
}

/* Removes the proposals: the proof showed that they do not suffice. */
static void finding_refuted(const struct judged *d, const struct proof *p, const char *line,
			    struct trial *t, struct finding *f)
{
	char text[200] = "";
	d->x->describe(t, &p->outcome, text, sizeof(text));
	if (line[0])
		report_append(f->detail, " %s was tried too and is not enough: %s.", line, text);
	else
		report_append(f->detail, " %s %s was tried too and is not enough: %s.",
			      f->proposals[0].knob, f->proposals[0].proposed, text);
	f->tried = TRIED_DONE;
	f->remedy = line[0] ? REMEDY_APPLICATION : REMEDY_NONE;
	report_text(f->outcome, "%s", text);
	/* It is about the value. */
	f->advice[0] = 0;
	if (line[0] && p->kept)
		report_text(f->advice, "The listener still has a backlog of %s.",
			    quantity_count(p->kept).text);
	else if (line[0])
		report_text(f->advice,
			    "Another limit of its configuration, or of a server behind it, is "
			    "lower.");
	for (size_t i = 0; i < f->proposal_count; i++)
		f->proposals[i].proposed[0] = 0;
}

static void proposals_show(const struct judged *d, const struct settings *then, struct finding *f)
{
	for (size_t k = 0; k < f->proposal_count; k++)
		for (size_t i = 0; i < settings_count(d->x); i++)
			if (!strcmp(d->x->knobs[i], f->proposals[k].knob))
				settings_show(d->x, i, &d->now, then, f->proposals[k].current,
					      f->proposals[k].proposed);
}

/* Why the proposals of a finding are not tried; NULL: they can be. */
static const char *unprovable(const struct judged *d, const struct judging *j,
			      const struct finding *f)
{
	if (!finding_proposes(f))
		return "no value suffices";
	for (size_t i = 0; i < f->proposal_count && !d->x->emulates; i++) {
		const struct knob *k = knob_find(f->proposals[i].knob);
		if (k && knob_scope_untried(k->scope))
			return knob_scope_untried(k->scope);
	}
	if (!d->x->run)
		return "there is no experiment for it";
	if (j->unasked)
		return j->unasked;
	if (j->options->no_proof)
		return "--no-proof was given";
	if (!j->proof)
		return j->missing ? j->missing : "that needs a private lab";
	return NULL;
}

bool judge_descriptors(const struct host *h, int rc, struct err *e)
{
	struct host_nofile limit;
	if (rc != -EMFILE || host_nofile(h, &limit, NULL))
		return false;
	err_append(e, ": RLIMIT_NOFILE is %s, raise it with ulimit -n",
		   quantity_count(limit.soft).text);
	return true;
}

static bool is_application(const struct proposal *c)
{
	const struct knob *k = knob_find(c->knob);
	return k && k->scope == KNOB_APPLICATION;
}

/* Without the line that sets a limit of the server (--run) where another limit binds first, and
 * with it where that does not suffice. */
static int prove(const struct judged *d, struct trial *t, struct proof *p, char line[GUEST_LINE],
		 const struct finding *f, struct err *e)
{
	struct proof with = *p;
	struct err untried = {0};
	bool first = t->options->guest && is_application(&f->proposals[0]);
	int rc = first ? -ENOTSUP : proof_search(t, d->x, &d->now, p, e);
	if (!t->options->guest || (rc && rc != -ENOTSUP && rc != -ERANGE) || !rc)
		return rc;
	int lined = proof_search_line(t, d->x, &d->now, &with, line, &untried);
	if (!first && !line[0])
		return rc;
	*p = with;
	*e = untried;
	return lined;
}

static void finding_prove(const struct judged *d, const struct judging *j, struct trial *t,
			  const struct settings *then, struct finding *f)
{
	struct proof p = {.at = *then};
	struct err e = {0};
	char line[GUEST_LINE] = "";
	const char *why = unprovable(d, j, f);
	int rc = -ENOTSUP;
	if (!why && d->outcome.state != OUTCOME_CONCLUSIVE)
		why = d->outcome.why;
	if (!why) {
		trial_progress(t, "trying %s %s", f->proposals[0].knob, f->proposals[0].proposed);
		t->lab = j->proof;
		rc = prove(d, t, &p, line, f, &e);
		judge_descriptors(j->host, rc, &e);
		t->lab = j->lab;
	}
	metrics_report(d->x, &d->outcome, rc == 0 ? &p.outcome : NULL, f);
	t->proof = true;
	if (!why)
		proposals_show(d, &p.at, f);
	if (rc == 0)
		finding_done(d, &p, line, t, f);
	else if (rc == -ERANGE)
		finding_refuted(d, &p, line, t, f);
	else if (finding_proposes(f)) {
		f->tried = rc == -EAGAIN ? TRIED_INCONCLUSIVE : TRIED_NOT;
		report_text(f->outcome, "%s%s%s%s", line[0] ? "with " : "", line,
			    line[0] ? ": " : "", why ? why : e.text);
	}
	t->proof = false;
}

static void finding_alternatives(const struct judged *d, struct trial *t, struct finding *f)
{
	struct err e = {0};
	if (!trial_end(t, d->x->alternatives(t, &d->now, f, &e), &e))
		return;
	f->table.row_count = 0;
	report_append(f->detail, " Other remedies could not be tried: %s.", e.text);
}

/* Adds the finding of a wall, with the outcome of the experiment and a proof. */
static void judged_finding(const struct judged *d, const struct judging *j, struct trial *t)
{
	struct settings then;
	const struct wall *w = report_wall(j->report, d->x->wall);
	const struct outcome *o = d->outcome.state == OUTCOME_CONCLUSIVE ? &d->outcome : NULL;
	if (!verdict_asks(w->verdict))
		return;
	bool solved = settings_solve(d->x, j->target, &d->now, o, &then);
	struct finding *f =
		wall_finding(d->x, j->target, &d->now, solved ? &then : NULL, o, w, j->report);
	char text[sizeof(f->detail)] = "";
	if (o && d->x->describe && d->x->run)
		d->x->describe(t, o, text, sizeof(text));
	if (text[0])
		report_text(f->detail, "%s", text);
	if (d->x->run || finding_proposes(f))
		finding_prove(d, j, t, &then, f);
	if (o && d->x->alternatives && j->lab && !j->options->no_proof)
		finding_alternatives(d, t, f);
	container_advise(&d->now.machine, f);
}

static struct trial trial_make(const struct judging *j, struct context *context)
{
	return (struct trial){.target = j->target,
			      .options = j->options,
			      .host = j->host,
			      .lab = j->lab,
			      .context = context,
			      .progress = j->progress};
}

/* Packets that the machine has dropped at a full backlog; a veth wire's wait there too. */
static uint64_t backlog_drops(const struct host *h)
{
	struct softnet s = {0};
	if (softnet_read(h, &s, NULL))
		return 0;
	uint64_t dropped = softnet_total(&s).dropped;
	softnet_free(&s);
	return dropped;
}

/* Runs the experiment, and says so if it failed while such packets were dropped. */
static int watched_run(struct judged *d, const struct judging *j, struct trial *t, struct err *e)
{
	char value[KNOB_VALUE] = "", text[96];
	uint64_t before = backlog_drops(j->host);
	int rc = trial_run(t, d->x, &d->now, &d->outcome, e);
	uint64_t dropped = backlog_drops(j->host) - before;
	if (judge_descriptors(j->host, rc, e)) {
		d->outcome = outcome_blank();
		outcome_unsupported(&d->outcome, "%s", e->text);
		return err_recode(e, 0);
	}
	if (!dropped)
		return rc;
	if (knob_read(knob_find(NETDEV_BACKLOG_KNOB), j->host, value, NULL))
		value[0] = 0; /* not visible in a network namespace */
	report_text(text, "; %s %s dropped at " NETDEV_BACKLOG_KNOB "%s%s",
		    quantity_of(dropped, "packet").text, dropped == 1 ? "was" : "were",
		    value[0] ? "=" : "", value);
	if (rc)
		err_append(e, "%s", text);
	else
		outcome_dropped(&d->outcome, text);
	return rc;
}

static int experiment_run(struct judged *d, const struct judging *j, struct trial *t, struct err *e)
{
	struct wall *w = report_wall(j->report, d->x->wall);
	char why[160];
	t->needed = w->needed > 0 ? (uint64_t)w->needed : 0;
	cost_check(d->x, j, &d->now, why);
	if (!d->x->due && w->limit == REPORT_NONE &&
	    (w->verdict != VERDICT_NA || w->needed == REPORT_NONE))
		return 0;
	if (why[0]) {
		outcome_unsupported(&d->outcome, "%s", why);
	} else {
		int rc = watched_run(d, j, t, e);
		if (rc)
			return rc;
	}
	wall_measure(d->x, j->target, &d->now, &d->outcome, w);
	return 0;
}

static int prepare_lab(const struct probe *p, struct lab *lab, struct trial *t, struct err *e)
{
	struct lab *was = t->lab;
	t->lab = lab;
	int rc = p->prepare(t, e);
	trial_keep(t);
	t->lab = was;
	return rc;
}

static int prepare(const struct probe *p, const struct judging *j, struct trial *t, struct err *e)
{
	int rc = p->prepare ? prepare_lab(p, j->lab, t, e) : 0;
	if (!rc && p->prepare && j->proof && j->proof != j->lab)
		rc = prepare_lab(p, j->proof, t, e);
	return rc;
}

/* Marks the experiment as missed, unless it has no run() or was done. */
static void miss(struct judged *d, const struct judging *j, const char *why)
{
	struct wall *w = report_wall(j->report, d->x->wall);
	if (!d->x->run || w->experiment == EXPERIMENT_DONE)
		return;
	wall_miss(w, why);
	outcome_unsupported(&d->outcome, "%s", why);
}

static size_t experiments_count(const struct probe *p)
{
	size_t count = 0;
	while (p->experiments[count].wall)
		count++;
	return count;
}

static int experiments_judge(const struct probe *p, const struct judging *j, struct trial *t,
			     struct err *e)
{
	size_t count = experiments_count(p);
	CLEAN(free_pointer) struct judged *all = calloc(count + 1, sizeof(*all));
	int rc = 0;
	if (!all)
		return err_set(e, ENOMEM, "experiments: out of memory");
	struct machine machine;
	machine_read(j->host, j->options->subject, &machine);
	const struct subject *subject = j->options->guest ? NULL : j->options->subject;
	bool portless =
		subject && j->target->role == TARGET_PROXY && subject_upstreams_local(subject);
	for (size_t i = 0; i < count; i++) {
		const struct experiment *x = &p->experiments[i];
		struct judged *d = &all[i];
		if (!experiment_applies(x, j->target, j->options))
			continue;
		*d = (struct judged){.x = x, .outcome = outcome_blank()};
		outcome_unneeded(&d->outcome, "");
		settings_read(x, j->host, &machine, j->options, &d->now);
		d->now.portless = portless;
		wall_inspect(x, j->target, &d->now, report_wall(j->report, x->wall));
	}
	const char *why = j->missing ? j->missing : j->unasked ? "" : refusal(p, j);
	bool runs = j->lab && !*why;
	if (runs)
		rc = prepare(p, j, t, e);
	for (size_t i = 0; i < count; i++) {
		struct judged *d = &all[i];
		if (!d->x)
			continue;
		if (runs && !rc && d->x->run)
			rc = experiment_run(d, j, t, e);
		if (rc)
			miss(d, j, e->text);
		else if (*why)
			miss(d, j, why);
		judged_finding(d, j, t);
		if (runs && !rc && d->x->notice)
			d->x->notice(t, j->report);
	}
	return rc;
}

static void samples_release(const struct observation *o, struct sample *before,
			    struct sample *after)
{
	if (o->release && before)
		o->release(before);
	if (o->release && after && after != before)
		o->release(after);
	free(before);
	if (after != before)
		free(after);
}

static uint64_t window_us(const struct observation *o, const struct judging *j,
			  const struct sample *before)
{
	uint64_t us = j->options->window_us ? j->options->window_us : WINDOW_US;
	uint64_t min = o->window_us ? o->window_us(before) : 0;
	return us > min ? us : min;
}

/* Lets the window pass, with ticks in between. */
static int window_pass(const struct observation *o, const struct judging *j, uint64_t us,
		       struct sample *during, struct err *e)
{
	uint64_t slice = us / (OBSERVATION_TICKS + 1);
	for (unsigned i = 0; o->tick && i < OBSERVATION_TICKS; i++) {
		clock_sleep_us(slice);
		us -= slice;
		int rc = o->tick(j->host, during, e);
		if (rc)
			return rc;
	}
	j->wait(us);
	return 0;
}

/* And the sample after it. One that the check itself has disturbed is followed by another, unless
 * its time was given. */
static int window_observe(const struct observation *o, const struct judging *j,
			  struct sample *before, struct sample *after, struct err *e)
{
	unsigned left = o->again && !j->options->window_us ? WINDOWS_MORE : 0;
	for (;;) {
		int rc = window_pass(o, j, window_us(o, j, before), after, e);
		if (!rc)
			rc = o->sample(j->host, j->options, after, e);
		if (rc || !left-- || !o->again(before, after))
			return rc;
		if (o->release)
			o->release(after);
		memset(after, 0, o->size);
	}
}

/* The time between the samples of a captured machine; 0: unknown. */
static double captured_window(const struct judging *j)
{
	double seconds = j->earlier ? host_uptime(j->host) - host_uptime(j->earlier) : 0;
	return seconds > 0 ? seconds : 0;
}

static int unread(const struct observation *o, const struct sample *s, struct err *e)
{
	const struct err *error = o->unread ? o->unread(s) : NULL;
	return error && error->code ? err_copy(e, error) : 0;
}

static int observe(const struct observation *o, const struct judging *j, struct err *e)
{
	double captured = captured_window(j);
	struct moment m = {.target = j->target, .options = j->options, .live = host_live(j->host)};
	bool recorded = o->window && captured > 0, twice = recorded || (o->window && j->wait);
	const struct host *first = recorded ? j->earlier : j->host;
	struct sample *before = calloc(1, o->size);
	struct sample *after = twice ? calloc(1, o->size) : before;
	int rc = before && after ? o->sample(first, j->options, before, e)
				 : err_set(e, ENOMEM, "observation: out of memory");
	if (!rc && twice) {
		double began = clock_s();
		rc = recorded ? o->sample(j->host, j->options, after, e)
			      : window_observe(o, j, before, after, e);
		m.seconds = recorded ? captured : clock_s() - began;
	}
	if (!rc) {
		o->judge(before, after, &m, j->report);
		rc = unread(o, before, e);
	}
	if (!rc)
		rc = unread(o, after, e);
	samples_release(o, before, after);
	return rc;
}

int judge_observation(const struct probe *p, const struct judging *j, struct err *e)
{
	return observe(p->observation, j, e);
}

/* Marks the observation's walls and the untried findings with the reason why measure() has no
 * result. */
static void unmeasured(const struct probe *p, const struct judging *j, const char *why)
{
	const char *const *walls = p->observation ? p->observation->walls : NULL;
	for (size_t i = 0; !j->unasked && walls && walls[i]; i++)
		wall_miss(report_wall(j->report, walls[i]), why);
	for (size_t i = 0; i < j->report->finding_count; i++) {
		struct finding *f = &j->report->findings[i];
		if (f->tried == TRIED_NOT && !f->outcome[0])
			report_text(f->outcome, "%s", why);
	}
}

static int measure(const struct probe *p, const struct judging *j, struct trial *t, struct err *e)
{
	const char *why = j->unasked ? j->unasked : j->missing ? j->missing : refusal(p, j);
	int rc = 0;
	if (!*why && j->options->gentle && p->mode == PROBE_EXCLUSIVE)
		why = GENTLE_REFUSES;
	if (j->lab && !*why) {
		rc = trial_end(t, p->measure(t, j->report, e), e);
		if (!rc)
			return 0;
		if (judge_descriptors(j->host, rc, e))
			rc = -ENOTSUP;
		why = e->text;
	}
	unmeasured(p, j, why);
	/* This machine lacks what measure() needs: that is not an error. */
	if (rc == -ENOTSUP) {
		*e = (struct err){0};
		rc = 0;
	}
	return rc;
}

int judge_probe(const struct probe *p, const struct judging *j, struct err *e)
{
	CLEAN(free_pointer)
	struct context *context = calloc(1, p->context_size ? p->context_size : 1);
	struct trial t = trial_make(j, context);
	struct err later = {0};
	int rc = 0;
	if (!context)
		return err_set(e, ENOMEM, "probe: out of memory");
	int observed = p->observation ? observe(p->observation, j, e) : 0;
	if (observed && j->unobserved)
		*j->unobserved = true;
	if (p->experiments)
		rc = experiments_judge(p, j, &t, &later);
	if (!rc && p->measure)
		rc = measure(p, j, &t, &later);
	if (!rc || observed)
		return observed;
	*e = later;
	return rc;
}
