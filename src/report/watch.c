/* The kinds of limits that are watched, and what a row of them has. */
#include "epolltune/watch.h"
#include "epolltune/counters.h"

#include <stdlib.h>
#include <string.h>

static const struct watch_kind kinds[] = {
	{.wall = "accept-queue",
	 .unit = "connections",
	 .over = true,
	 .listener = true,
	 .wraps = true,
	 .alike = true,
	 .shared = true,
	 .loss = VERDICT_SHORT,
	 .losses = "packets dropped"},
	{.wall = "accept-queue.unix",
	 .unit = "connections",
	 .over = true,
	 .listener = true,
	 .alike = true},
	{.wall = "descriptors.process", .unit = "descriptors"},
	{.wall = "descriptors.system", .unit = "descriptors"},
	{.wall = "ports.ephemeral", .unit = "ports", .constant = "ports"},
	{.wall = "time-wait",
	 .unit = "sockets",
	 .mild = true,
	 .loss = VERDICT_TIGHT,
	 .losses = "closed without TIME_WAIT"},
	{.wall = "orphans",
	 .unit = "sockets",
	 .loss = VERDICT_SHORT,
	 .losses = "connections reset"},
	{.wall = "buffers.memory",
	 .unit = "B",
	 .loss = VERDICT_TIGHT,
	 .losses = "times under pressure, connections reset"},
	{.wall = "cgroup.memory",
	 .unit = "B",
	 .alike = true,
	 .loss = VERDICT_SHORT,
	 .losses = "processes killed"},
	{.wall = "cgroup.pids",
	 .unit = "processes",
	 .alike = true,
	 .loss = VERDICT_SHORT,
	 .losses = "processes refused"},
	{.wall = "cgroup.cpu", .unit = "periods", .paired = true, .alike = true},
	{.wall = "conntrack",
	 .unit = "entries",
	 .loss = VERDICT_SHORT,
	 .losses = "packets dropped"},
	{.wall = "softnet.backlog",
	 .unit = "packets",
	 .over = true,
	 .mild = true, /* what it refuses counts as lost */
	 .loss = VERDICT_TIGHT,
	 .few = 10, /* the machine's: they may be of any container */
	 .losses = "packets dropped"},
	{.wall = "softnet.budget",
	 .unit = "packets",
	 .limitless = true,
	 .loss = VERDICT_OK,
	 .losses = "rounds ended with work left"},
};

const char *const watch_counter_names[WATCH_COUNTERS] = {
	[WATCH_ESTABLISHED] = COUNTER_ESTABLISHED, [WATCH_ACCEPTED] = COUNTER_PASSIVE_OPENS,
	[WATCH_OPENED] = COUNTER_ACTIVE_OPENS,     [WATCH_OVERFLOWS] = COUNTER_LISTEN_OVERFLOWS,
	[WATCH_COOKIES] = COUNTER_COOKIES_SENT,    [WATCH_RETRANSMITS] = COUNTER_RETRANSMITS,
	[WATCH_SYNS_DROPPED] = "syns_dropped",
};

const struct watch_kind *watch_kind_find(const char *wall)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].wall, wall))
			return &kinds[i];
	return NULL;
}

struct watch_gauge *watch_gauge(struct watch_sample *s, const char *wall)
{
	static struct watch_gauge scratch;
	struct watch_gauge *g = s->count < WATCH_GAUGES ? &s->at[s->count++] : &scratch;
	s->omitted += g == &scratch;
	*g = (struct watch_gauge){.kind = watch_kind_find(wall),
				  .owner = REMEDY_KERNEL,
				  .value = REPORT_NONE,
				  .limit = REPORT_NONE,
				  .lost = REPORT_NONE,
				  .half_open = REPORT_NONE,
				  .syn_room = REPORT_NONE};
	return g;
}

void watch_aborts_add(struct watch_aborts *a, int64_t grown, int64_t orphans, int64_t limit)
{
	if (grown > 0)
		*(orphans > 0 && limit >= 0 && orphans > limit / 4 ? &a->orphans : &a->memory) +=
			grown;
}

bool watch_same(const struct watch_gauge *a, const struct watch_gauge *b)
{
	return a->kind == b->kind && a->key == b->key && (a->key || !strcmp(a->what, b->what));
}

size_t watch_remembered(const struct watch *w)
{
	return w->looks < WATCH_HISTORY ? (size_t)w->looks : WATCH_HISTORY;
}

size_t watch_place(const struct watch *w, size_t i)
{
	return (size_t)((w->looks - watch_remembered(w) + i) % WATCH_HISTORY);
}

void watch_free(struct watch *w)
{
	free(w->rows);
	free(w->nearest);
	memset(w, 0, sizeof(*w));
}

int64_t watch_holds(const struct watch_kind *k, int64_t limit)
{
	int64_t holds;
	if (limit == REPORT_NONE)
		return REPORT_NONE;
	return __builtin_add_overflow(limit, k->over, &holds) ? INT64_MAX : holds;
}

int64_t watch_capacity(const struct watch_row *r) { return watch_holds(r->now.kind, r->limit); }

bool watch_limited(const struct watch_row *r)
{
	return watch_capacity(r) > 0 && r->used != REPORT_NONE;
}

double watch_share(const struct watch_row *r)
{
	return watch_limited(r) ? (double)r->recent / (double)watch_capacity(r) : -1;
}

int64_t watch_lost(const struct watch_row *r)
{
	if (r->now.lost == REPORT_NONE)
		return REPORT_NONE;
	return r->now.lost > r->stray ? r->now.lost - r->stray : 0;
}

bool watch_listens(const struct watch *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (!w->rows[i].ended && w->rows[i].now.kind->listener)
			return true;
	return false;
}
