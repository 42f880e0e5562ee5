/* Readiness: whether epoll keeps its promises on this kernel. It writes no wall: a deviation (an
 * emulation layer, a sandbox such as gVisor, a broken kernel) is a finding, none is one line. */
#include "epolltune/probe.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "epolltune/cleanup.h"
#include "epolltune/semantics.h"

#define PATIENCE_MS 30000

/* What a deviation means for a server. */
static const struct {
	const char *problem; /* as in struct semantics_check */
	enum finding_level level;
	const char *title, *advice;
} deviations[] = {
	{"level-lost", LEVEL_WARNING, "Level-triggered epoll loses readiness here",
	 "Servers that read once per event hang. Report it to whoever provides this kernel; until "
	 "then drain every socket to EAGAIN and keep a timer for stuck connections."},
	{"level-spin", LEVEL_WARNING, "Level-triggered epoll reports what is not ready",
	 "Each such wakeup costs a wait and a read that finds nothing. Report it to whoever "
	 "provides "
	 "this kernel."},
	{"lost-edge", LEVEL_WARNING, "Edge-triggered epoll loses events here",
	 "A server with EPOLLET hangs on the lost one. Use level triggering on this kernel."},
	{"edge-repeats", LEVEL_NOTE, "Edge-triggered epoll repeats events here",
	 "Correct servers bear it; what EPOLLET was to save is not saved."},
	{"oneshot", LEVEL_WARNING, "EPOLLONESHOT does not hold here",
	 "Two threads may handle one connection at a time. Lock it, or give each thread a set of "
	 "its own."},
	{"exclusive", LEVEL_NOTE, "EPOLLEXCLUSIVE does not spread wakeups as documented",
	 "Workers that share a listener all wake for each connection, or none does. Use "
	 "SO_REUSEPORT "
	 "with a listener for each worker."},
	{"duplicate", LEVEL_WARNING, "A closed descriptor is handled differently here",
	 "Take a descriptor out with EPOLL_CTL_DEL before closing it."},
	{"rdhup", LEVEL_WARNING, "A half-closed connection is not reported as documented",
	 "Do not count on EPOLLRDHUP: read until 0."},
	{"nested", LEVEL_WARNING, "An epoll set inside another does not work as documented",
	 "Event loops that nest sets (language runtimes do) may hang or spin."},
	{"shared-memory", LEVEL_NOTE, "epoll shares memory with the process here",
	 "Linux copies events out and maps nothing; this kernel is another one."},
	{"select-size", LEVEL_NOTE, "select() ends elsewhere than at 1024 descriptors",
	 "Programs built against another C library disagree. Use epoll."},
};
#define DEVIATIONS (sizeof(deviations) / sizeof(deviations[0]))

/* What the task leaves behind, in the lab's memory. */
struct result {
	struct semantics semantics;
	int rc;
	struct err e;
};

static int readiness_task(int channel, void *arg)
{
	struct result *r = arg;
	struct host *h = NULL;
	r->rc = host_open(&h, "/", &r->e);
	if (r->rc == 0)
		r->rc = semantics_run(h, &r->semantics, &r->e);
	host_close(h);
	send(channel, "d", 1, MSG_NOSIGNAL);
	return r->rc;
}

static void deviation_report(struct report *report, const struct semantics *s, size_t i)
{
	struct finding *f = NULL;
	for (size_t k = 0; k < s->count; k++) {
		const struct semantics_check *c = &s->at[k];
		if (c->state != SEMANTICS_DEVIATES || strcmp(c->finding, deviations[i].problem))
			continue;
		if (!f) {
			char id[48];
			snprintf(id, sizeof(id), "readiness.%s", deviations[i].problem);
			f = report_finding(report, id, deviations[i].level, "%s",
					   deviations[i].title);
			report_text(f->advice, "%s", deviations[i].advice);
		}
		size_t used = strlen(f->detail);
		char range[48] = "";
		if (c->least != c->most)
			snprintf(range, sizeof(range), " to %lld", (long long)c->most);
		report_text_into(f->detail + used, sizeof(f->detail) - used,
				 "%sExpected %lld%s (%s), seen %lld.", used ? " " : "",
				 (long long)c->least, range, c->expected, (long long)c->seen);
		finding_evidence(f, c->name, "count", (double)c->seen, (double)NAN);
	}
}

static void skips_report(struct report *report, const struct semantics *s, size_t skipped)
{
	struct finding *f =
		report_finding(report, "readiness.skipped", LEVEL_SKIPPED,
			       "%zu of %zu experiments on epoll were not made", skipped, s->count);
	for (size_t k = 0; k < s->count; k++) {
		size_t used = strlen(f->detail);
		if (s->at[k].state == SEMANTICS_SKIPPED)
			report_text_into(f->detail + used, sizeof(f->detail) - used, "%s%s: %s.",
					 used ? " " : "", s->at[k].name, s->at[k].detail);
	}
}

static int readiness_measure(struct probe_run *run, struct err *e)
{
	struct result *r = lab_alloc(run->lab, sizeof(*r), e);
	if (!r)
		return -e->code;
	CLEAN(close_fd) int channel = -1;
	char done;
	probe_progress(run, "level, edge, oneshot, exclusive");
	int rc = lab_spawn(run->lab, LAB_SERVER, readiness_task, r, &channel, e);
	if (rc == 0)
		rc = (int)lab_receive(channel, &done, 1, PATIENCE_MS, e);
	if (rc < 0)
		return err_prefix(e, "experiments on epoll");
	if (r->rc < 0) {
		*e = r->e;
		return r->rc;
	}
	const struct semantics *s = &r->semantics;
	size_t kept = 0, skipped = 0;
	for (size_t k = 0; k < s->count; k++) {
		kept += s->at[k].state == SEMANTICS_AS_EXPECTED;
		skipped += s->at[k].state == SEMANTICS_SKIPPED;
	}
	for (size_t i = 0; i < DEVIATIONS; i++)
		deviation_report(run->report, s, i);
	if (skipped)
		skips_report(run->report, s, skipped);
	if (kept == s->count)
		report_finding(run->report, "readiness.as-documented", LEVEL_NOTE,
			       "epoll keeps its promises here: %zu of %zu experiments", kept,
			       s->count);
	return 0;
}

const struct probe probe_readiness = {
	.name = "readiness",
	.summary = "level, edge, oneshot, exclusive and the rest of epoll's promises, each tried",
	.walls = "",
	.measure = readiness_measure,
};
