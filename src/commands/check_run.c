#include "commands/check.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "tune/interrupt.h"

#define PROBES 32
/* A probe that has not ended by then never will. */
#define PROBE_SECONDS 60
#define PROGRESS_MS 100

/* What a probe's process shares with this one. */
struct seat {
	struct report report;
	char progress[PROBE_PROGRESS];
	bool in_place; /* it ran in the calling namespace */
};

struct stage {
	const struct check_options *options;
	struct host *host;
	int ended; /* an eventfd for those that watch: all others have ended */
	size_t count;
	struct runner {
		const struct probe *probe;
		struct seat *seat;
		pid_t pid; /* 0: not running */
		bool done;
	} at[PROBES];
};

struct check_options check_defaults(void)
{
	return (struct check_options){.target = target_default()};
}

static void skipped(struct report *r, const char *id, const struct probe *probe, const char *text)
{
	struct finding *f = report_finding(r, id, LEVEL_SKIPPED, "%s", probe->name);
	report_text(f->detail, "%s", text);
}

/* Opens the lab that the probe wants; falls back to the calling namespace where none is to be had.
 */
static int run_open(struct runner *runner, struct probe_run *run, struct err *e)
{
	struct lab_options options = runner->probe->lab;
	options.rtt_us = run->target->rtt_us;
	options.bandwidth_bps = run->target->bandwidth_bps;
	if (runner->probe->shape)
		runner->probe->shape(run->target, &options);
	struct err refused = {0};
	int private_rc = -EPERM;
	probe_progress(run, "making a lab");
	if (!run->options->in_place || !run->options->no_proof || runner->probe->private_only)
		private_rc = lab_open(&run->proof, &options, run->host, &refused);
	if (private_rc)
		run->proof = NULL;
	/* In place is for what can be there. */
	if (!private_rc && (!run->options->in_place || runner->probe->private_only)) {
		run->lab = run->proof;
		return 0;
	}
	if (private_rc && (!run->options->in_place || runner->probe->private_only)) {
		struct finding *f = report_finding(
			run->report, "lab.refused", LEVEL_SKIPPED, "No %s%s%s",
			options.wire == LAB_WIRE_DELAY ? "delay wire" : "private lab",
			runner->probe->private_only ? " for probe "
						    : ": measured in the calling namespace",
			runner->probe->private_only ? runner->probe->name : "");
		report_text(f->detail, "%s", refused.text);
		if (runner->probe->private_only)
			return 1;
	}
	options.place = LAB_IN_PLACE;
	runner->seat->in_place = true;
	return lab_open(&run->lab, &options, run->host, e);
}

static void run_uncopied(struct probe_run *run)
{
	if (!run->lab || !lab_uncopied(run->lab)[0])
		return;
	struct finding *f =
		report_finding(run->report, "lab.uncopied", LEVEL_SKIPPED,
			       "Some knobs of this namespace could not be copied into the lab");
	report_text(f->detail, "%s", lab_uncopied(run->lab));
}

static bool others_run(const struct stage *stage)
{
	for (size_t i = 0; i < stage->count; i++)
		if (!stage->at[i].probe->watches)
			return true;
	return false;
}

/* Inspects, and measures when `lab` allows; in the probe's own process, or in this one. */
static void runner_run(const struct stage *stage, struct runner *runner, bool measure)
{
	struct err e = {0};
	struct probe_run run = {.target = &stage->options->target,
				.options = &stage->options->probe,
				.host = stage->host,
				.report = &runner->seat->report,
				.others = others_run(stage) ? stage->ended : -1,
				.progress = runner->seat->progress};
	const struct probe *probe = runner->probe;
	int rc = 1;
	if (measure && probe->measure)
		rc = probe->no_lab ? 0 : run_open(runner, &run, &e);
	if (probe->inspect && rc >= 0)
		rc = probe->inspect(&run, &e) ? -e.code : rc;
	if (!rc && probe->measure)
		rc = probe->measure(&run, &e);
	if (rc >= 0)
		run_uncopied(&run);
	if (run.proof != run.lab)
		lab_close(run.proof);
	lab_close(run.lab);
	if (rc >= 0)
		return;
	/* What inspection alone tells, and why there is no more. */
	report_init(run.report);
	run.lab = run.proof = NULL;
	struct err ignored = {0};
	if (probe->inspect)
		probe->inspect(&run, &ignored);
	skipped(run.report, "probe.failed", probe, e.text);
}

static void runner_start(const struct stage *stage, struct runner *runner)
{
	pid_t parent = getpid();
	runner->pid = fork();
	if (runner->pid < 0) {
		struct err e;
		err_errno(&e, "start its process");
		runner->pid = 0;
		runner->done = true;
		runner_run(stage, runner, false);
		skipped(&runner->seat->report, "probe.failed", runner->probe, e.text);
	}
	if (runner->pid || runner->done)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	runner_run(stage, runner, true);
	_exit(0);
}

static void runner_ended(struct runner *runner, int status)
{
	runner->pid = 0;
	runner->done = true;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return;
	char text[80];
	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(text, sizeof(text), "ended with status %d", WEXITSTATUS(status));
	skipped(&runner->seat->report, "probe.failed", runner->probe, text);
}

static void progress_show(const struct stage *stage)
{
	char line[256] = "";
	for (size_t i = 0; i < stage->count; i++) {
		const struct runner *r = &stage->at[i];
		size_t used = strlen(line);
		if (r->pid)
			snprintf(line + used, sizeof(line) - used, "%s%s: %s", used ? "; " : "",
				 r->probe->name, r->seat->progress);
	}
	fprintf(stderr, "\r\033[K%.78s", line);
	fflush(stderr);
}

/* Waits for all that run, and watch or do not. Bounded: what outlives its time is ended. */
static void stage_wait(struct stage *stage, bool watching)
{
	struct timespec start, now, tick = {.tv_nsec = 2000000};
	long shown_ms = 0;
	long patience_ms = PROBE_SECONDS * 1000 + (long)(stage->options->probe.window_us / 1000);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		size_t running = 0;
		clock_gettime(CLOCK_MONOTONIC, &now);
		long ms = (long)(now.tv_sec - start.tv_sec) * 1000 +
			  (now.tv_nsec - start.tv_nsec) / 1000000;
		for (size_t i = 0; i < stage->count; i++) {
			struct runner *r = &stage->at[i];
			int status = 0;
			if (!r->pid || r->probe->watches != watching)
				continue;
			if (ms > patience_ms || interrupt_came())
				kill(r->pid, SIGKILL);
			if (waitpid(r->pid, &status, WNOHANG) == r->pid)
				runner_ended(r, status);
			else
				running++;
		}
		if (!running)
			break;
		if (stage->options->progress && ms - shown_ms >= PROGRESS_MS) {
			progress_show(stage);
			shown_ms = ms;
		}
		nanosleep(&tick, NULL);
	}
	if (stage->options->progress && shown_ms)
		fputs("\r\033[K", stderr);
}

/* Side by side what does not disturb each other, then one by one what fills CPUs or wire; what
 * watches, all the time. */
static void stage_measure(struct stage *stage)
{
	for (size_t i = 0; i < stage->count; i++)
		if (!stage->at[i].probe->alone)
			runner_start(stage, &stage->at[i]);
	stage_wait(stage, false);
	for (size_t i = 0; i < stage->count; i++) {
		if (!stage->at[i].probe->alone || interrupt_came())
			continue;
		runner_start(stage, &stage->at[i]);
		stage_wait(stage, false);
	}
	eventfd_write(stage->ended, 1);
	stage_wait(stage, true);
}

static bool probe_wanted(const char *names, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = names; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (!strncmp(at, name, length) && (at[length] == ',' || !at[length]))
			return true;
	return !names;
}

static int probes_known(const char *names, struct err *e)
{
	char name[64];
	for (const char *at = names; at && *at;
	     at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, ","), at);
		if (!probe_find(name))
			return err_set(e, EINVAL, "no probe \"%s\"; epolltune list probes", name);
	}
	return 0;
}

/* The same finding of several probes, such as a refused lab, is told once. */
static void join_once(struct report *whole, const struct report *part)
{
	size_t had = whole->finding_count;
	report_join(whole, part);
	size_t kept = had;
	for (size_t i = had; i < whole->finding_count; i++) {
		bool told = false;
		for (size_t k = 0; k < had && !told; k++)
			told = !strncmp(whole->findings[i].id, "lab.", 4) &&
			       !strcmp(whole->findings[k].id, whole->findings[i].id) &&
			       !strcmp(whole->findings[k].detail, whole->findings[i].detail);
		if (!told && kept++ != i)
			whole->findings[kept - 1] = whole->findings[i];
	}
	whole->finding_count = kept;
}

static void report_head(const struct stage *stage, struct report *out)
{
	struct host_facts facts;
	struct host_identity identity;
	struct err untold;
	const struct check_options *o = stage->options;
	report_init(out);
	clock_gettime(CLOCK_REALTIME, &out->time);
	host_facts(stage->host, &facts);
	report_text(out->host.name, "%s", facts.name);
	report_text(out->host.kernel, "%s", facts.kernel);
	if (host_identity(stage->host, &identity, &untold) == 0)
		report_text(out->host.boot, "%s", identity.boot);
	out->host.cpus = facts.cpus;
	out->host.memory_bytes = facts.memory_bytes;
	out->target = o->target;
	report_text(out->probes, "%s", o->probes ? o->probes : "");
	out->host.isolation = o->sysroot ? ISOLATION_SYSROOT
			      : o->quick ? ISOLATION_NONE
					 : ISOLATION_LAB;
	for (size_t i = 0; i < stage->count; i++)
		if (stage->at[i].seat->in_place)
			out->host.isolation = ISOLATION_IN_PLACE;
}

static void close_seats(struct seat **seats)
{
	if (*seats)
		munmap(*seats, PROBES * sizeof(**seats));
}

int check_run(const struct check_options *o, struct report *out, struct err *e)
{
	CLEAN(host_closep) struct host *host = NULL;
	CLEAN(close_seats) struct seat *seats = NULL;
	CLEAN(close_fd) int ended = eventfd(0, EFD_CLOEXEC);
	struct stage stage = {.options = o, .ended = ended};
	if (ended < 0)
		return err_errno(e, "an eventfd for the probes");
	int rc = probes_known(o->probes, e);
	if (!rc)
		rc = host_open(&host, o->sysroot ? o->sysroot : "/", e);
	if (rc)
		return rc;
	if (o->sysroot && host_live(host))
		return err_set(e, EINVAL, "--sysroot %s is this machine itself", o->sysroot);
	if (o->sysroot && !host_has(host, "proc/sys"))
		return err_set(e, EINVAL, "--sysroot %s is no captured machine: it has no proc/sys",
			       o->sysroot);
	void *shared = mmap(NULL, PROBES * sizeof(*seats), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return err_errno(e, "memory for the probes' reports");
	seats = shared;
	stage.host = host;
	for (size_t i = 0; i < probe_count() && stage.count < PROBES; i++) {
		if (!probe_wanted(o->probes, probe_at(i)->name))
			continue;
		struct runner *r = &stage.at[stage.count];
		*r = (struct runner){.probe = probe_at(i), .seat = &seats[stage.count]};
		report_init(&r->seat->report);
		stage.count++;
	}
	if (!o->quick && !o->sysroot)
		stage_measure(&stage);
	else
		for (size_t i = 0; i < stage.count; i++)
			runner_run(&stage, &stage.at[i], false);
	report_head(&stage, out);
	for (size_t i = 0; i < stage.count; i++)
		join_once(out, &stage.at[i].seat->report);
	return 0;
}
