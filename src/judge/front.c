#include "judge/front.h"

#include <math.h>

#include "epolltune/catalogue.h"
#include "epolltune/quantity.h"
#include "judge/blame.h"
#include "judge/queue_seen.h"

/* More connections than a pool has, as of an application that uses a database. */
#define POOL_CONNECTIONS 500

/* Whether it has a connection to the server for each client of its own. */
static bool is_proxy(const struct front *p)
{
	return reverse_proxy_named(p->name) ||
	       (p->theirs >= POOL_CONNECTIONS && p->accepted >= p->theirs / 2);
}

/* The descriptors that its part of the load takes; 0: how many is not known. */
static uint64_t files_needed(const struct front *p, const struct target *t)
{
	double part = p->clients ? (double)p->theirs / (double)p->clients : 1;
	return is_proxy(p) ? 2 * (uint64_t)ceil((double)t->connections * part) : 0;
}

static bool files_short(const struct front *p, uint64_t needed)
{
	uint64_t processes = p->accepting ? p->accepting : 1;
	return p->soft && p->soft != HOST_UNLIMITED && p->soft < needed / processes;
}

static bool drops(const struct queue_watch *w, const struct listener *l)
{
	const struct listener *earlier = listeners_find(&w->before->listeners, l->cookie);
	uint32_t grown = earlier ? l->drops - earlier->drops : 0;
	int64_t lost = queue_growth(w, COUNTER_LISTEN_OVERFLOWS);
	return lost > 0 && grown && !blame_is_little(grown, (uint64_t)lost);
}

/* A listener of it whose accept queue refuses clients; NULL: none does. */
static const struct listener *front_full(const struct queue_watch *w)
{
	const struct listeners *all = &w->after->listeners;
	for (size_t i = 0; i < all->count; i++) {
		const struct listener *l = &all->at[i];
		if (l->front && (queue_was_full(w->after, l) || drops(w, l)))
			return l;
	}
	return NULL;
}

/* That has its listeners; NULL: it is not known. */
static const struct process *front_process(const struct queue_watch *w)
{
	const struct listeners *all = &w->after->listeners;
	for (size_t i = 0; i < all->count; i++)
		if (all->at[i].front && all->at[i].owner >= 0)
			return &all->processes[all->at[i].owner];
	return NULL;
}

static void front_words(const struct queue_watch *w, struct wording *words)
{
	const struct front *p = &w->after->front;
	const struct subject *s = w->after->subject;
	struct target load = *w->target;
	char options[256];
	load.role = is_proxy(p) ? TARGET_PROXY : TARGET_SERVER;
	target_arguments(&load, options, sizeof(options));
	wording_set(words, "who", "%s", s->name[0] ? s->name : s->listeners.at[0].address);
	wording_set(words, "pid", "%s", s->pid ? quantity_plain((uint64_t)s->pid).text : "");
	wording_set(words, "front", "%s", p->pid ? p->name : "");
	wording_set(words, "before", "%d", (int)p->pid);
	wording_set(words, "address", "%s", p->address);
	wording_set(words, "clients", "%s", quantity_count(p->clients).text);
	wording_set(words, "theirs", "%s", quantity_count(p->theirs).text);
	wording_set(words, "accepting", "%s", quantity_count(p->accepting).text);
	wording_set(words, "options", "%s", options);
	wording_flag(words, "several", p->accepting > 1);
	wording_flag(words, "proxy", is_proxy(p));
	wording_flag(words, "cut", p->cut);
}

void front_judge(const struct queue_watch *w)
{
	const struct front *p = &w->after->front;
	const struct owner_cpu_watch cpu = {&w->before->cpu, &w->after->cpu_middle, &w->after->cpu};
	struct wording words = {0};
	if (!w->after->subject || (!p->pid && !p->hidden) || w->target->datagrams_only)
		return;
	const uint64_t needed = files_needed(p, w->target);
	const struct listener *full = p->pid ? front_full(w) : NULL;
	const struct process *process = p->pid ? front_process(w) : NULL;
	bool few = p->pid && files_short(p, needed);
	bool stopped = process && owner_cpu_remedy(&cpu, process) == REMEDY_CONTAINER;
	front_words(w, &words);
	wording_set(&words, "soft", "%s", few ? quantity_count(p->soft).text : "");
	wording_set(&words, "needed", "%s", quantity_count(needed).text);
	wording_set(&words, "full", "%s", full ? full->address : "");
	wording_flag(&words, "drops", full && drops(w, full));
	wording_set(&words, "cpu", "%s", "");
	if (stopped)
		owner_cpu_words(&cpu, process, &words);
	struct finding *f = report_finding(w->report, "listeners.front", &words);
	finding_evidence(f, "clients from one process", "connections", (double)p->theirs, NAN);
	if (stopped)
		f->remedy = REMEDY_CONTAINER;
	else if (few)
		f->remedy = REMEDY_PROCESS;
	if (!stopped && !few && !full)
		finding_to_note(f);
}
