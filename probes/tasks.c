/* The limits on processes and threads of a user and of the machine, and on the memory that these
 * map, for a server that starts one for each connection. Those of its control group are
 * probes/container.c's. */
#include "epolltune/tasks.h"

#include <stdio.h>

#include "epolltune/connection_memory.h"
#include "epolltune/doing.h"
#include "epolltune/quantity.h"

/* The first field is the limit, the second one what is in use of it, the third one what another
 * thread or process takes. */
enum {
	NPROC,
	THREADS,
	SPACE,
	PIDS = SPACE + SUBJECT_SPACES,
	LIMITS,
};
static const char *const names[LIMITS] = {
	[NPROC] = "RLIMIT_NPROC",
	[THREADS] = "kernel.threads-max",
	[SPACE + SPACE_ADDRESS] = "RLIMIT_AS",
	[SPACE + SPACE_DATA] = "RLIMIT_DATA",
	[SPACE + SPACE_MAPS] = "vm.max_map_count",
	[SPACE + SPACE_COMMIT] = "CommitLimit",
	[PIDS] = "kernel.pid_max",
};
/* How the limit of a process is raised: by a line of its unit, and by prlimit(1). */
static const struct {
	const char *line, *option;
} raised[LIMITS] = {
	[NPROC] = {"LimitNPROC", "nproc"},
	[SPACE + SPACE_ADDRESS] = {"LimitAS", "as"},
	[SPACE + SPACE_DATA] = {"LimitDATA", "data"},
};

/* The kernel's default on a machine of up to 32 CPUs; others have more (kernel/pid.c,
 * pid_idr_init()). */
#define PID_MAX_DEFAULT 32768

static bool tasks_applies(const struct target *t, const struct probe_options *o)
{
	return !o->guest && tasks_each(o->subject);
}

static void limit_keep(struct settings *s, size_t i, uint64_t max, uint64_t used)
{
	s->at[i][0] = saturated(max);
	s->at[i][1] = (int64_t)used;
	s->at[i][2] = 1;
}

/* Threads or processes. */
static int64_t left(const struct settings *s, size_t i)
{
	return s->at[i][0] > s->at[i][1] ? (s->at[i][0] - s->at[i][1]) / s->at[i][2] : 0;
}

static void spaces_keep(struct settings *s, const struct subject_tasks *t)
{
	for (size_t i = 0; i < SUBJECT_SPACES; i++) {
		const struct subject_space *p = &t->space[i];
		if (!p->max)
			continue;
		limit_keep(s, SPACE + i, p->max, p->used);
		s->at[SPACE + i][2] = saturated(p->each);
	}
	s->taken.space_hidden = t->space_hidden;
}

/* Of a limit of this namespace and one of the machine that is not visible the tighter one. */
static void pids_keep(struct settings *s, const struct subject_tasks *t)
{
	if (t->pids && t->pids_max)
		limit_keep(s, PIDS, t->pids_max, t->pids);
	if (!t->pids_hidden || !t->threads ||
	    (s->at[PIDS][0] != REPORT_NONE &&
	     left(s, PIDS) <= PID_MAX_DEFAULT - PIDS_RESERVED - (int64_t)t->threads))
		return;
	limit_keep(s, PIDS, PID_MAX_DEFAULT - PIDS_RESERVED, t->threads);
	s->taken.pids_hidden = true;
}

static void limits_read(const struct host *h, struct settings *s)
{
	struct subject_tasks t;
	tasks_read(h, s);
	s->taken.nproc_hidden = subject_tasks_read(h, s->subject, &t, NULL) || t.hidden;
	if (t.max != HOST_UNLIMITED && !s->taken.nproc_hidden)
		limit_keep(s, NPROC, t.max, t.used);
	if (t.threads && t.threads_max)
		limit_keep(s, THREADS, t.threads_max, t.threads);
	spaces_keep(s, &t);
	pids_keep(s, &t);
}

/* The first of `of` limits that leaves least; LIMITS: none is known. */
static size_t tightest(const struct settings *s, size_t of)
{
	size_t least = LIMITS;
	for (size_t i = 0; i < of; i++)
		if (s->at[i][0] != REPORT_NONE && (least == LIMITS || left(s, i) < left(s, least)))
			least = i;
	return least;
}

/* A limit that is not visible: the need fits the smallest default, or it is unknown. */
static bool pids_fit(const struct settings *s, const struct bound *b)
{
	return !s->taken.pids_hidden || b->need.max == REPORT_NONE ||
	       report_verdict(left(s, PIDS), b->need.max) == VERDICT_OK;
}

static void limits_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	tasks_need(t, s, b);
	/* Those of the machine bind each server. */
	bool fit = pids_fit(s, b);
	bool known = s->at[THREADS][0] != REPORT_NONE && !s->taken.nproc_hidden &&
		     !s->taken.space_hidden && fit;
	size_t i = tightest(s, fit ? LIMITS : PIDS);
	if (i < LIMITS)
		b->capacity = left(s, i);
	if (!known && b->need.min != REPORT_NONE &&
	    (i == LIMITS || report_verdict(left(s, i), b->need.min) != VERDICT_SHORT)) {
		b->capacity = REPORT_NONE;
		b->state = BOUND_UNKNOWN;
	}
}

static bool is_bytes(size_t i)
{
	return i >= SPACE && i < SPACE + SUBJECT_SPACES && i != SPACE + SPACE_MAPS;
}

static struct quantity_shown amount(size_t i, uint64_t n)
{
	return is_bytes(i) ? quantity_measured(QUANTITY_SIZE, n) : quantity_count(n);
}

static void limits_words(const struct target *t, const struct settings *s, const struct outcome *o,
			 const struct bound *b, struct wording *w)
{
	bool fit = pids_fit(s, b);
	size_t i = tightest(s, fit ? LIMITS : PIDS);
	uint64_t needed = connection_needed(t->connections, s->taken.open, 1);
	tasks_words(t, s, w);
	wording_flag(w, "unknown", b->state == BOUND_UNKNOWN);
	wording_flag(w, "hidden", s->taken.nproc_hidden);
	wording_flag(w, "unmapped", s->taken.space_hidden);
	wording_flag(w, "veiled", !fit);
	wording_flag(w, "assumed", s->taken.pids_hidden && i == PIDS);
	wording_set(w, "who", "%s", s->subject->name);
	wording_set(w, "pid", "%d", (int)s->subject->pid);
	unit_words(w, unit_service(s->subject->unit), s->subject->manager);
	if (i == LIMITS)
		return;
	uint64_t used = (uint64_t)s->at[i][1], max = (uint64_t)s->at[i][0];
	uint64_t each = (uint64_t)s->at[i][2];
	wording_set(w, "name", "%s", names[i]);
	wording_flag(w, "machine", !raised[i].line);
	wording_flag(w, "commit", i == SPACE + SPACE_COMMIT);
	wording_set(w, "line", "%s", raised[i].line ? raised[i].line : "");
	wording_set(w, "option", "%s", raised[i].line ? raised[i].option : "");
	wording_set(w, "used", "%s", amount(i, used).text);
	wording_set(w, "max", "%s", amount(i, max).text);
	wording_set(w, "each", "%s", i >= SPACE && i < PIDS ? amount(i, each).text : "");
	uint64_t enough = saturated_sum(used, saturated_product(report_margin(needed), each));
	if (i == PIDS)
		enough += PIDS_RESERVED;
	if (i == SPACE + SPACE_COMMIT)
		enough = enough / 1024 + 1;
	wording_set(w, "enough", "%s", quantity_plain(enough).text);
	char others[WORDING_TEXT] = "";
	for (size_t k = 0; k < LIMITS; k++)
		if (k != i && s->at[k][0] != REPORT_NONE && (k != PIDS || !s->taken.pids_hidden) &&
		    report_verdict(left(s, k), (int64_t)needed) != VERDICT_OK)
			report_append(others, "%s%s", others[0] ? " and " : "", names[k]);
	wording_set(w, "others", "%s", others);
}

static const struct experiment experiments[] = {
	{
		.wall = "tasks",
		.applies = tasks_applies,
		.knobs = {"nproc", "threads-max", "as", "data", "max_map_count", "CommitLimit",
			  "pid_max"},
		.read = limits_read,
		.bound = limits_bound,
		.words = limits_words,
	},
	{0},
};

const struct probe probe_tasks = {
	.name = "tasks",
	.summary = "the processes and threads that a server may start for its connections",
	.mode = PROBE_FIRST,
	.place = PROBE_HOST,
	.experiments = experiments,
};
