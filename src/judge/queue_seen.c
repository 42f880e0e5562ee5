/* What the ticks of a window show of each accept queue. */
#include "judge/queue_seen.h"

#include <errno.h>

#include "base/array.h"
#include "epolltune/counters.h"
#include "judge/blame.h"

/* Packets that listeners of a machine that is well may drop in a window: stray RST, FIN. */
#define STRAYS 4

bool queue_is_full(const struct listener *l) { return l->depth > l->limit; }

const struct queue_seen *queue_seen_find(const struct accept_queues *s, uint64_t cookie)
{
	for (size_t i = 0; i < s->seen_count; i++)
		if (s->seen[i].cookie == cookie)
			return &s->seen[i];
	return NULL;
}

static struct queue_seen *seen_add(struct accept_queues *s, uint64_t cookie)
{
	const struct queue_seen *found = queue_seen_find(s, cookie);
	if (found)
		return &s->seen[found - s->seen];
	struct queue_seen *more = array_add(&s->seen, &s->seen_count, sizeof(*more));
	if (more)
		more->cookie = cookie;
	return more;
}

static uint64_t drops_of(const struct listeners *all)
{
	uint64_t drops = 0;
	for (size_t i = 0; i < all->count; i++)
		drops += all->at[i].kind == LISTENER_TCP ? all->at[i].drops : 0;
	return drops;
}

bool queues_drop(const struct accept_queues *s)
{
	return s->ticks && drops_of(&s->listeners) > s->drops_begun + STRAYS;
}

/* The count of a socket begins at 0, and wraps. */
bool queues_may_drop(const struct queue_watch *w, int64_t lost)
{
	const struct listeners *all = &w->after->listeners;
	const struct subject *s = w->after->subject;
	uint64_t drops = 0;
	for (size_t i = 0; i < all->count; i++) {
		const struct listener *l = &all->at[i],
				      *was = listeners_find(&w->before->listeners, l->cookie);
		if (l->kind == LISTENER_TCP && (!s || subject_has(s, l)))
			drops += (uint32_t)(l->drops - (was ? was->drops : 0));
	}
	return lost > 0 && drops > STRAYS && !blame_is_little(drops, (uint64_t)lost);
}

bool accept_queues_halved(const struct accept_queues *s) { return s->ticks == QUEUE_MIDDLE_TICK; }

int accept_queues_tick(struct accept_queues *s, const struct listeners *now, struct err *e)
{
	if (!s->ticks++)
		s->drops_begun = drops_of(now);
	for (size_t i = 0; i < now->count; i++) {
		const struct listener *l = &now->at[i];
		bool dropped = accept_queues_halved(s) && l->kind == LISTENER_TCP && l->drops;
		if (!l->depth && !dropped && !queue_seen_find(s, l->cookie))
			continue;
		struct queue_seen *seen = seen_add(s, l->cookie);
		if (!seen)
			return err_set(e, ENOMEM, "listeners: out of memory");
		seen->waiting += l->depth > 0;
		seen->drained += l->depth < seen->last ? seen->last - l->depth : 0;
		seen->last = l->depth;
		if (s->ticks == 1 || l->depth < seen->min)
			seen->min = l->depth;
		if (accept_queues_halved(s)) {
			seen->middle = l->depth;
			seen->dropped = l->drops;
		}
		seen->full += queue_is_full(l);
		if (l->depth > seen->depth)
			seen->depth = l->depth;
	}
	return 0;
}

bool queue_dropped(const struct accept_queues *s, const struct listener *l, uint32_t *drops)
{
	const struct queue_seen *seen = queue_seen_find(s, l->cookie);
	*drops = seen ? seen->dropped : 0;
	return s->ticks >= QUEUE_MIDDLE_TICK;
}

bool queue_waits(const struct accept_queues *s, const struct listener *l)
{
	const struct queue_seen *seen = queue_seen_find(s, l->cookie);
	return l->depth && (!s->ticks || (seen && seen->waiting == s->ticks));
}

bool queue_lingers(const struct listener *l, void *queues)
{
	const struct accept_queues *s = queues;
	const struct queue_seen *seen = queue_seen_find(s, l->cookie);
	return queue_is_full(l) || (seen && 2 * seen->waiting >= s->ticks);
}

bool queue_compares(const struct listener *l, void *queues)
{
	const struct accept_queues *s = queues;
	const struct queue_seen *seen = queue_seen_find(s, l->cookie);
	return seen && seen->waiting == s->ticks && (!seen->drained || l->kind == LISTENER_UNIX);
}

/* Those of a listener that wait since the middle of the window, or that do not. */
static uint64_t waiting_count(const struct accept_queues *s, const struct waiting_list *now,
			      const struct listener *l, bool since)
{
	uint64_t count = 0;
	for (size_t i = 0; i < now->count; i++)
		count += now->at[i].listener == l->cookie &&
			 waiting_has(&s->waited, now->at[i]) == since;
	return count;
}

/* Of those that came, a queue has grown by no more than were not accepted. One that shares arrivals
 * is left out. */
void accept_queues_compare(struct accept_queues *s, const struct waiting_list *now)
{
	const struct listeners *all = &s->listeners;
	size_t end = 0;
	for (size_t i = 0; i < all->count; i = end) {
		const struct listener *l = &all->at[i];
		end = listeners_group(all, i);
		if (end - i > 1 || !queue_compares(l, s))
			continue;
		struct queue_seen *seen = seen_add(s, l->cookie);
		uint64_t fresh = waiting_count(s, now, l, false);
		uint64_t grown = l->depth > seen->middle ? l->depth - seen->middle : 0;
		if (!seen->drained)
			seen->drained += fresh > grown ? fresh - grown : 0;
		if (l->kind != LISTENER_UNIX)
			continue;
		seen->stayed = waiting_count(s, now, l, true);
		seen->left = seen->middle + fresh > l->depth ? seen->middle + fresh - l->depth : 0;
	}
}

bool queue_was_full(const struct accept_queues *s, const struct listener *l)
{
	const struct queue_seen *seen = queue_seen_find(s, l->cookie);
	return queue_is_full(l) || (seen && seen->full);
}

uint64_t queue_dropped_since(const struct accept_queues *s, const struct listener *l)
{
	return since_growth(&s->since, COUNTER_LISTEN_OVERFLOWS) > 0 ? since_drops(&s->since, l)
								     : 0;
}

bool queue_in_trouble(const struct accept_queues *s, const struct listener *l)
{
	return queue_was_full(s, l) || queue_waits(s, l) || queue_dropped_since(s, l);
}
