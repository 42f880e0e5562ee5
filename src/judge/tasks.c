#include "epolltune/tasks.h"

#include "epolltune/cleanup.h"
#include "epolltune/connection_memory.h"

/* Open connections that show by their threads whether each has one. */
#define SHOWN 8

bool tasks_each(const struct subject *s) { return subject_forks(s) || subject_threads_each(s); }

static uint64_t threads_count(const struct host *h, const struct subject *s)
{
	CLEAN(subject_threads_free) struct subject_threads all = {0};
	return subject_threads_read(h, s, &all, NULL) ? 0 : all.count;
}

void tasks_read(const struct host *h, struct settings *s)
{
	struct subject_open open;
	connection_open_read(h, s);
	if (s->guest)
		return;
	if (subject_threads_each(s->subject))
		s->taken.processes = threads_count(h, s->subject);
	else if (!subject_open_read(h, s->subject, &open, NULL))
		s->taken.processes = open.processes;
}

/* Fewer threads than connections: a pool of them serves all. */
static bool is_pool(const struct settings *s)
{
	return subject_threads_each(s->subject) && s->taken.processes &&
	       s->taken.processes < s->taken.open;
}

/* Those of the target's connections that do not run yet. */
static int64_t needed(const struct target *t, uint64_t running)
{
	return (int64_t)connection_needed(t->connections, running, 1);
}

/* Of those that run it is not known how many are for connections: at least for those over TCP, at
 * most all but the first. */
static int64_t needed_min(const struct target *t, const struct settings *s)
{
	uint64_t own = s->taken.processes ? s->taken.processes - 1 : 0;
	/* A pool may serve them. */
	if (subject_threads_each(s->subject) && s->taken.open < SHOWN)
		return 1;
	return needed(t, own > s->taken.open ? own : s->taken.open);
}

void tasks_need(const struct target *t, const struct settings *s, struct bound *b)
{
	if (!tasks_each(s->subject) || is_pool(s) || t->datagrams_only)
		return;
	b->need.min = needed_min(t, s);
	b->need.max = needed(t, s->taken.open);
}

void tasks_words(const struct target *t, const struct settings *s, struct wording *w)
{
	const struct server_row *row = subject_server_row(s->subject);
	bool each = tasks_each(s->subject) && !is_pool(s);
	wording_set(w, "server", "%s", !each ? "" : row ? row->name : s->subject->name);
	wording_flag(w, "threads", subject_threads_each(s->subject));
	wording_flag(w, "range", needed(t, s->taken.open) != needed_min(t, s));
}
