/* What the process of a probe runs: its labs, and the judge. */
#include "check/job.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "check/gently.h"
#include "check/netns.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "judge/judge.h"

/* The labs of a probe. */
struct labs {
	struct lab *lab, *proof;      /* may be the same */
	struct guest far;             /* of GUEST_FAR; its lab NULL: none */
	struct probe_options options; /* with it */
	bool in_place;
	struct guest *borrowed; /* whose lab it is; NULL: none */
	char missing[256];      /* why there is none; "" */
};

static void labs_close(struct labs *l)
{
	/* The end of the lab would not leave the server its grace. */
	if (l->borrowed) {
		guest_end(l->borrowed);
		return;
	}
	if (l->options.guest) {
		guest_close(&l->far);
		return;
	}
	if (l->proof != l->lab)
		lab_close(l->proof);
	lab_close(l->lab);
}

static void labs_refused(struct labs *l, struct report *r, const struct err *refused)
{
	struct wording words = {0};
	wording_set(&words, "why", "%s", refused->text);
	report_finding(r, "lab.refused", &words);
	err_reason(refused, l->missing, sizeof(l->missing));
}

bool check_ipv6(const struct check *check)
{
	enum ip_family family = check->options->family;
	return family == FAMILY_OF_HOST ? host_family(check->host) == AF_INET6 : family == FAMILY_6;
}

/* The operator's server in a lab with the probe's wire. */
static void far_open(struct labs *l, const struct job *job, const struct lab_options *wire)
{
	struct err refused = {0};
	l->options = job->check->options->probe;
	int rc = guest_open_far(&l->far, l->options.guest, job->check->host, wire, &refused);
	judge_descriptors(job->check->host, rc, &refused);
	l->options.guest = &l->far;
	if (!rc)
		l->lab = l->proof = l->far.lab;
	else if (l->far.lab)
		err_reason(&refused, l->missing, sizeof(l->missing));
	else
		labs_refused(l, &job->shared->report, &refused);
}

/* Opens the lab that the probe wants; falls back to the calling namespace where that is allowed and
 * harmless. */
static int labs_open(struct labs *l, const struct job *job, struct err *e)
{
	const struct probe *p = job->probe;
	const struct check_options *o = job->check->options;
	struct lab_options options = p->lab;
	struct err refused = {0};
	bool in_place = o->probe.in_place && p->place != PROBE_LAB;
	int rc = -EPERM;
	l->borrowed = p->guest && p->guest != GUEST_FAR ? o->probe.guest : NULL;
	if (l->borrowed) {
		l->lab = l->proof = o->probe.guest->lab;
		return 0;
	}
	options.ipv6 = check_ipv6(job->check);
	options.rtt_us = o->target.rtt_us;
	options.bandwidth_bps = o->target.bandwidth_bps;
	if (p->shape)
		p->shape(&o->target, &options);
	report_text(job->shared->progress, "making a lab");
	if (p->guest == GUEST_FAR) {
		far_open(l, job, &options);
		return 0;
	}
	if (!in_place || !o->probe.no_proof)
		rc = lab_open(&l->proof, &options, job->check->host, &refused);
	if (rc)
		l->proof = NULL;
	if (!rc && !in_place) {
		l->lab = l->proof;
		return 0;
	}
	judge_descriptors(job->check->host, rc, &refused);
	if (rc && !in_place)
		labs_refused(l, &job->shared->report, &refused);
	if (p->place == PROBE_LAB)
		return 0;
	options.place = LAB_IN_PLACE;
	l->in_place = true;
	rc = lab_open(&l->lab, &options, job->check->host, e);
	judge_descriptors(job->check->host, rc, e);
	return rc;
}

static void labs_uncopied(const struct labs *l, struct report *r)
{
	struct wording words = {0};
	if (!l->lab || !lab_uncopied(l->lab)[0])
		return;
	wording_set(&words, "why", "%s", lab_uncopied(l->lab));
	report_finding(r, "lab.uncopied", &words);
}

static void eventfd_wait(int fd)
{
	struct pollfd event = {.fd = fd, .events = POLLIN};
	while (poll(&event, 1, -1) < 0 && errno == EINTR)
		;
}

bool job_wall_is_due(const struct job *job, const char *wall)
{
	for (const struct experiment *x = job->probe->experiments; x && x->wall; x++)
		if (!strcmp(x->wall, wall))
			return experiment_applies(x, &job->check->options->target,
						  &job->check->options->probe);
	return true;
}

void job_report_failure(const struct job *job, enum probe_state state, const char *why)
{
	struct wording words = {0};
	wording_set(&words, "probe", "%s", job->probe->name);
	wording_flag(&words, "crashed", state == PROBE_CRASHED);
	wording_flag(&words, "unobserved", state == PROBE_UNOBSERVED);
	wording_set(&words, "why", "%s", why);
	report_finding(&job->shared->report, "probe.failed", &words);
	job->shared->is.state = state;
}

static struct judging judging_of(const struct job *job)
{
	return (struct judging){.target = &job->check->options->target,
				.options = &job->check->options->probe,
				.host = job->check->host,
				.earlier = job->check->earlier,
				.report = &job->shared->report,
				.progress = job->shared->progress,
				.unasked = job->check->unasked};
}

/* Whether an error left the walls judged as far as they can be. */
static bool job_is_judged(const struct job *job)
{
	const char *name;
	for (size_t i = 0; (name = probe_wall(job->probe, i)); i++)
		if (job_wall_is_due(job, name) && !report_find(&job->shared->report, name))
			return false;
	return true;
}

/* In the network namespace that the check left, from where this process does not return. */
static int job_look_outside(const struct job *job, bool window)
{
	CLEAN(host_closep) struct host *host = NULL;
	struct probe_options options = job->check->options->probe;
	struct judging j = judging_of(job);
	struct err e = {0};
	options.outside.look = OUTSIDE_HERE;
	report_init(j.report);
	int rc = netns_left_return(&host, &e);
	j.host = host;
	j.options = &options;
	j.wait = window && !j.unasked ? clock_sleep_us : NULL;
	if (!rc)
		rc = judge_observation(job->probe, &j, &e);
	if (rc)
		job_report_failure(job, PROBE_UNOBSERVED, e.text);
	return 0;
}

int job_inspect(const struct job *job, const char *missing)
{
	if (job->outside)
		return job_look_outside(job, false);
	struct judging j = judging_of(job);
	struct err e = {0};
	bool unobserved = false;
	report_init(j.report);
	j.missing = missing;
	j.unobserved = &unobserved;
	int rc = judge_probe(job->probe, &j, &e);
	if (!unobserved || !job_is_judged(job))
		return rc;
	job_report_failure(job, PROBE_UNOBSERVED, e.text);
	return 0;
}

static int job_measure_now(const struct job *job)
{
	struct judging j = judging_of(job);
	struct labs labs = {0};
	struct err e = {0};
	int rc = 0;
	bool experiments = job_has_experiments(job);
	bool gentle = job->check->options->probe.gentle;
	const char *skipped = gentle && gently_skips(job->probe)           ? GENTLE_REFUSES
			      : job->check->cramped[0]                     ? job->check->cramped
			      : job->probe->guest && job->check->spoilt[0] ? job->check->spoilt
									   : NULL;
	if (experiments && !skipped && job->check->limited && job->probe->mode != PROBE_FIRST)
		eventfd_wait(job->check->watched);
	if (experiments && !skipped)
		rc = labs_open(&labs, job, &e);
	if (labs.options.guest)
		j.options = &labs.options;
	j.lab = labs.lab;
	j.proof = labs.proof;
	if (rc)
		report_text(labs.missing, "%s", e.text);
	if (experiments && !labs.lab)
		j.missing = skipped ? skipped : labs.missing;
	if (job->probe->mode == PROBE_FIRST)
		j.wait = clock_sleep_us;
	else
		eventfd_wait(job->check->watched);
	if (labs.lab)
		job->shared->is.isolation = labs.in_place ? ISOLATION_IN_PLACE : ISOLATION_LAB;
	struct err failed = {0};
	bool unobserved = false;
	j.unobserved = &unobserved;
	int judged = judge_probe(job->probe, &j, &failed);
	labs_uncopied(&labs, j.report);
	labs_close(&labs);
	if (judged && !job_is_judged(job))
		return 1;
	if (unobserved)
		job_report_failure(job, PROBE_UNOBSERVED, failed.text);
	else if (rc || judged)
		job_report_failure(job, PROBE_FAILED, rc ? e.text : failed.text);
	return 0;
}

/* With --gentle. What a probe found beside other work that leaves it no CPU time does not count:
 * it is judged by its settings. */
static int job_measure_gently(const struct job *job)
{
	bool waits = job_has_experiments(job) && !gently_skips(job->probe);
	int status = 0;
	gently_enter(job->check->host);
	report_text(job->shared->progress, "waiting for an idle CPU");
	if (waits && !gently_idle())
		return job_inspect(job, GENTLY_STARVED) ? 1 : 0;
	status = job_measure_now(job);
	if (!waits || gently_idle())
		return status;
	job->shared->is.state = PROBE_DONE;
	job->shared->is.isolation = ISOLATION_NONE;
	return job_inspect(job, GENTLY_STARVED) ? 1 : 0;
}

int job_measure(const struct job *job)
{
	if (job->outside) {
		if (job->check->options->probe.gentle)
			gently_enter(job->check->host);
		return job_look_outside(job, true);
	}
	return job->check->options->probe.gentle ? job_measure_gently(job) : job_measure_now(job);
}
