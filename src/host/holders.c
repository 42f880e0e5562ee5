/* What the processes that hold a listener or connections show of how their server accepts. */
#include <string.h>

#include "epolltune/catalogue.h"
#include "host/acceptors.h"

/* A pool of workers is made within that time of its parent: 2 s of USER_HZ. */
#define POOL_TICKS 200

/* Whether its children have what it accepts. */
static bool hands_over(const struct holder *all, size_t count, const struct holder *h)
{
	for (size_t i = 0; i < count; i++)
		if (all[i].parent == h->p.pid && !all[i].accepts && all[i].clients > h->clients)
			return true;
	return false;
}

/* Whether it has closed the listener that a sibling has: it drains after a reload. */
static bool drains(const struct holder *all, size_t count, const struct holder *h)
{
	for (size_t i = 0; i < count && !h->listens && !h->accepts; i++)
		if (all[i].parent == h->parent && all[i].listens && all[i].accepts)
			return true;
	return false;
}

struct subject_drained acceptors_drained(const struct holder *all, size_t count)
{
	struct subject_drained sum = {0};
	for (size_t i = 0; i < count; i++) {
		const struct holder *h = &all[i];
		uint64_t besides = h->left + h->others;
		if (!drains(all, count, h))
			continue;
		sum.open += h->accepted > besides ? h->accepted - besides : 0;
		sum.left += h->left;
		sum.others += h->others;
	}
	return sum;
}

/* Whether it may be as its sibling, which has clients now: workers that poll the listener. */
static bool works_beside(const struct holder *all, size_t count, const struct holder *h)
{
	for (size_t i = 0; i < count && h->listens && h->may_accept; i++)
		if (all[i].parent == h->parent && all[i].listens && all[i].clients)
			return true;
	return false;
}

/* Whether it may accept when its sibling, which does so now, does not. */
static bool takes_turns(const struct holder *all, size_t count, const struct holder *h)
{
	for (size_t i = 0; i < count && h->listens; i++)
		if (all[i].parent == h->parent && all[i].listens &&
		    (all[i].accepts || all[i].clients) && !strcmp(all[i].p.name, h->p.name))
			return h->polls || h->may_accept || h->locks;
	return false;
}

size_t acceptors_choose(struct holder *all, size_t count, bool *unshown, size_t *in_turns)
{
	enum { ANY, MAY, DOES } best = ANY, is;
	size_t kept = 0;
	*in_turns = 0;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < count; i++) {
			const struct holder *h = &all[i];
			is = h->clients || h->accepts || works_beside(all, count, h) ? DOES
			     : h->may_accept                                         ? MAY
										     : ANY;
			if (!pass) {
				best = is > best ? is : best;
			} else if (is == best && !hands_over(all, count, h) &&
				   !drains(all, count, h)) {
				struct holder chosen = *h;
				all[i] = all[kept];
				all[kept++] = chosen;
			} else if (is != best) {
				*in_turns += takes_turns(all, count, h);
			}
		}
	*unshown = false;
	for (size_t i = 1; i < kept && best != DOES; i++)
		*unshown |= all[i].parent != all[0].parent;
	return kept;
}

/* Whether it is the process of one connection of a server that has others for the rest. */
static bool is_fork(const struct holder *all, size_t count, const struct holder *h)
{
	for (size_t i = 0; i < count && h->clients == 1 && !h->listens && !h->polls; i++)
		if (all[i].p.pid == h->parent)
			return all[i].listens && (all[i].accepts || all[i].may_accept);
	return false;
}

/* Whether it is as old as its parent, as one of a pool of workers is. */
static bool is_of_pool(const struct holder *all, size_t count, const struct holder *h)
{
	for (size_t i = 0; i < count; i++)
		if (all[i].p.pid == h->parent)
			return h->p.started - all[i].p.started <= POOL_TICKS;
	return false;
}

bool acceptors_fork(const struct holder *all, size_t count)
{
	size_t forks = 0;
	bool later = false;
	for (size_t i = 0; i < count; i++) {
		if (all[i].clients && !is_fork(all, count, &all[i]))
			return false;
		forks += all[i].clients > 0;
		later |= all[i].clients && !is_of_pool(all, count, &all[i]);
	}
	return forks > 1 && later;
}

/* Of so few, or of event loops in threads of their own, the numbers may be alike by chance. */
#define CLIENTS_SHOWN 16
#define CLIENTS_MANY 64
/* More than the pools of Tomcat and Jetty have, of 200 threads, and threads of other work. */
#define CLIENTS_BEYOND_POOLS 256
/* Threads of other work. */
#define THREADS_OWN 8

static bool has_thread_each(const struct holder *h, bool runtime)
{
	uint64_t threads = h->p.threads, clients = h->accepted;
	uint64_t many = runtime ? CLIENTS_BEYOND_POOLS : CLIENTS_MANY;
	return threads >= clients && threads - clients <= THREADS_OWN + clients / 8 &&
	       (h->looked ? 2 * h->reads > h->looked : clients >= many);
}

bool acceptors_thread(const struct holder *all, size_t count, bool runtime)
{
	bool any = false;
	for (size_t i = 0; i < count; i++) {
		if (all[i].accepted < CLIENTS_SHOWN)
			continue;
		if (!has_thread_each(&all[i], runtime))
			return false;
		any = true;
	}
	return any;
}

bool acceptors_have_child(const struct holder *all, size_t count,
			  const struct process_stat *running, size_t running_count,
			  const char *names)
{
	for (size_t i = 0; i < running_count; i++) {
		bool child = false, holds = false;
		for (size_t k = 0; k < count; k++) {
			child |= all[k].p.pid == running[i].parent;
			holds |= all[k].p.pid == running[i].pid;
		}
		if (child && !holds && process_named(names, running[i].name))
			return true;
	}
	return false;
}

uint64_t acceptors_held(uint64_t others, uint64_t accepted, uint64_t each)
{
	uint64_t further = each ? accepted * (each - 1) : 0;
	return others > further ? others - further : 0;
}

size_t acceptors_hand(const struct holder *all, size_t count)
{
	size_t hand = 0;
	for (size_t i = 0; i < count; i++)
		hand += all[i].accepts && hands_over(all, count, &all[i]);
	return hand;
}
