/* Checks whether epoll behaves as documented on this kernel. Reports a deviation (an emulation
 * layer, a sandbox such as gVisor, a broken kernel) as a finding; writes no wall. */
#include "epolltune/probe.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/semantics.h"
#include "epolltune/task.h"

#define PATIENCE_MS 30000

/* A task of the lab; arg is a struct semantics in its memory. */
static int readiness_main(struct task_port *port, void *arg)
{
	CLEAN(host_closep) struct host *h = NULL;
	struct err e = {0};
	int rc = host_open(&h, "/", &e);
	if (rc == 0)
		rc = semantics_run(h, arg, &e);
	task_answer(port, rc, &e, NULL, 0);
	return 0;
}

/* The finding of a problem, which several checks may share. */
static struct finding *finding_of(struct report *r, const char *problem)
{
	char id[48];
	snprintf(id, sizeof(id), "readiness.%s", problem);
	for (size_t i = 0; i < r->finding_count; i++)
		if (!strcmp(r->findings[i].id, id))
			return &r->findings[i];
	return report_finding(r, id, NULL);
}

/* "Expected 0 to 1 (the same socket again: no event), seen 3." */
static void deviation_report(struct report *r, const struct semantics_check *c)
{
	struct finding *f = finding_of(r, c->finding);
	char range[48] = "";
	if (c->min != c->max)
		snprintf(range, sizeof(range), " to %lld", (long long)c->max);
	report_append(f->detail, "%sExpected %lld%s (%s), seen %lld.", f->detail[0] ? " " : "",
		      (long long)c->min, range, c->expected, (long long)c->seen);
	finding_evidence(f, c->name, "count", (double)c->seen, (double)NAN);
}

static void semantics_report(const struct semantics *s, struct report *r)
{
	struct wording words = {0};
	char why[WORDING_TEXT] = "";
	size_t kept = 0, skipped = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct semantics_check *c = &s->at[i];
		kept += c->state == SEMANTICS_AS_EXPECTED;
		skipped += c->state == SEMANTICS_SKIPPED;
		if (c->state == SEMANTICS_DEVIATES)
			deviation_report(r, c);
		if (c->state == SEMANTICS_SKIPPED)
			report_append(why, "%s%s: %s.", why[0] ? " " : "", c->name, c->detail);
	}
	wording_set(&words, "count", "%zu", s->count);
	wording_set(&words, "kept", "%zu", kept);
	wording_set(&words, "skipped", "%zu", skipped);
	wording_set(&words, "why", "%s", why);
	if (skipped)
		report_finding(r, "readiness.skipped", &words);
	if (kept == s->count)
		report_finding(r, "readiness.as-documented", &words);
}

static int readiness_measure(struct trial *t, struct report *report, struct err *e)
{
	const struct task_context where = {t->lab, LAB_SERVER};
	struct semantics *s = lab_alloc(t->lab, sizeof(*s), e);
	struct task task = {0};
	if (!s)
		return -ENOMEM;
	trial_progress(t, "level, edge, oneshot, exclusive");
	int rc = task_start(&task, &where, readiness_main, s, e);
	if (rc == 0)
		rc = task_await(&task, NULL, 0, PATIENCE_MS, e);
	task_end(&task);
	if (rc < 0)
		return err_prefix(e, "experiments on epoll");
	semantics_report(s, report);
	return 0;
}

const struct probe probe_readiness = {
	.name = "readiness",
	.summary = "level, edge, oneshot, exclusive and the rest of epoll's documented behaviour",
	.measure = readiness_measure,
};
