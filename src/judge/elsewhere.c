/* Judges the listeners of other network namespaces. */
#include "epolltune/elsewhere.h"

#include <math.h>
#include <string.h>

#include "epolltune/counters.h"
#include "epolltune/quantity.h"
#include "epolltune/syn_queue.h"

/* Servers of other network namespaces that a note names. */
#define ELSEWHERE_NAMED 4
/* Connections that wait for a server that runs, and how long, before that is worth a word. */
#define WAITING_MANY 100
#define WAITING_S 1.0

void elsewhere_judge(const struct listeners_elsewhere *x, struct report *r)
{
	char names[WORDING_TEXT] = "";
	struct wording words = {0};
	size_t count = 0, late = 0, denied = 0;
	pid_t pid = 0;
	for (size_t i = 0; i < x->count; i++) {
		const struct netns_elsewhere *n = &x->at[i];
		late += n->unread;
		denied += n->denied && !n->unread;
		if (!n->listens && !n->unread && !n->denied)
			continue;
		if (!pid || (n->listens && !count))
			pid = n->pid;
		if (n->listens && count++ < ELSEWHERE_NAMED)
			report_append(names, "%s%s (pid %d)", names[0] ? ", " : "", n->name,
				      (int)n->pid);
	}
	if (!pid)
		return;
	const size_t unread = late + denied;
	wording_set(&words, "count", "%s", count ? quantity_count(count).text : "");
	wording_flag(&words, "several", count > 1);
	wording_set(&words, "names", "%s", names);
	wording_set(&words, "more", "%s",
		    count > ELSEWHERE_NAMED ? quantity_count(count - ELSEWHERE_NAMED).text : "");
	wording_set(&words, "unread", "%s", unread ? quantity_count(unread).text : "");
	wording_flag(&words, "late", late);
	wording_flag(&words, "denied", denied);
	wording_set(&words, "pid", "%d", (int)pid);
	struct finding *f = report_finding(r, "listeners.elsewhere", &words);
	finding_evidence(f, "network namespaces with listeners", "", (double)count, NAN);
	if (unread)
		finding_evidence(f, "network namespaces not looked at", "", (double)unread, NAN);
}

/* The two looks at a namespace. */
struct pair {
	const struct netns_elsewhere *was, *now;
};

/* -1: unknown. */
static int64_t growth_of(const void *of, const char *counter)
{
	const struct pair *p = of;
	for (size_t i = 0; i < ELSEWHERE_COUNTERS; i++) {
		int64_t was = p->was->counted[i], now = p->now->counted[i];
		if (!strcmp(counter_elsewhere(i), counter))
			return was < 0 || now < was ? -1 : now - was;
	}
	return -1;
}

static int64_t grown(const struct pair *p, const char *counter)
{
	int64_t n = growth_of(p, counter);
	return n > 0 ? n : 0;
}

/* Whether a socket on a client's port was there at both looks, and goes on dropping: a server that
 * has such a port. */
static bool drops_again(const struct netns_elsewhere *was, const struct netns_elsewhere *now)
{
	for (size_t i = 0; i < now->dropping_count; i++)
		for (size_t k = 0; k < was->dropping_count; k++)
			if (was->dropping[k].inode == now->dropping[i].inode &&
			    was->dropping[k].drops != now->dropping[i].drops)
				return true;
	return false;
}

/* What the servers of another network namespace dropped between the looks. */
struct drops_elsewhere {
	int64_t handshakes, overflows, datagrams;
};

/* ListenDrops has the half-open connections, too, that an ICMP error ended, as those of scans.
 * Whether SYN cookies answer there is not known: what remains is lost with them and without. */
static struct drops_elsewhere drops_between(const struct listeners_elsewhere *before,
					    const struct netns_elsewhere *now)
{
	struct drops_elsewhere all = {0};
	for (size_t i = 0; i < before->count; i++) {
		const struct pair p = {&before->at[i], now};
		if (p.was->netns != now->netns)
			continue;
		struct syn_drops d = syn_drops_of(growth_of, &p);
		int64_t rest = d.rest - d.ended;
		all.overflows = grown(&p, COUNTER_LISTEN_OVERFLOWS);
		all.handshakes = all.overflows + (rest > d.flooded ? rest : d.flooded);
		if (!now->listens && !now->denied && !drops_again(p.was, now))
			continue; /* clients that do not read */
		all.datagrams = grown(&p, COUNTER_UDP_FULL) + grown(&p, COUNTER_UDP6_FULL) +
				grown(&p, COUNTER_UDP_MEMORY) + grown(&p, COUNTER_UDP6_MEMORY);
	}
	return all;
}

static int64_t drops_sum(const struct drops_elsewhere *d) { return d->handshakes + d->datagrams; }

static void count_set(struct wording *words, const char *name, int64_t count)
{
	wording_set(words, name, "%s", count > 0 ? quantity_count((uint64_t)count).text : "");
}

/* By the one that drops most. */
void elsewhere_drops_judge(const struct listeners_elsewhere *before,
			   const struct listeners_elsewhere *after, double seconds,
			   struct report *r)
{
	const struct netns_elsewhere *worst = NULL;
	struct drops_elsewhere max = {0};
	struct wording words = {0};
	int64_t count = 0;
	for (size_t i = 0; i < after->count && seconds > 0; i++) {
		struct drops_elsewhere one = drops_between(before, &after->at[i]);
		count += drops_sum(&one) > 0;
		if (drops_sum(&one) <= drops_sum(&max))
			continue;
		max = one;
		worst = &after->at[i];
	}
	if (!worst)
		return;
	wording_set(&words, "who", "%s", worst->name);
	wording_set(&words, "pid", "%d", (int)worst->pid);
	count_set(&words, "handshakes", max.handshakes);
	count_set(&words, "datagrams", max.datagrams);
	wording_flag(&words, "both", max.handshakes && max.datagrams);
	wording_set(&words, "overflows", "%s", quantity_count((uint64_t)max.overflows).text);
	wording_set(&words, "window", "%s", quantity_seconds(seconds).text);
	count_set(&words, "more", count - 1);
	struct finding *f = report_finding(r, "listeners.elsewhere.dropping", &words);
	if (max.handshakes) {
		finding_evidence(f, "handshakes", "packets", (double)max.handshakes, NAN);
		finding_evidence(f, "ListenOverflows", "packets", (double)max.overflows, NAN);
	}
	if (max.datagrams)
		finding_evidence(f, "dropped by UDP sockets", "datagrams", (double)max.datagrams,
				 NAN);
}

static const char *halted_as(const struct netns_elsewhere *n)
{
	switch (n->state) {
	case 'T':
		return "stopped (state T)";
	case 't':
		return "stopped by a tracer (state t)";
	default:
		return n->state && n->frozen ? "frozen with its control group" : NULL;
	}
}

/* Connections a second that all servers of the namespace accept, at most; -1: unknown. */
static double accepts_of(const struct pair *p, double seconds)
{
	int64_t arrived = p->now->arrived - p->was->arrived,
		grown = (int64_t)p->now->waiting - p->was->waiting;
	if (p->was->arrived < 0 || arrived < 0 || seconds <= 0)
		return -1;
	return arrived > grown ? (double)(arrived - grown) / seconds : 0;
}

/* One that runs may be about to accept them. */
static bool pair_waits(const struct pair *p, double seconds)
{
	double accepts = accepts_of(p, seconds);
	if (!p->now->waits_at || p->was->waits_at != p->now->waits_at ||
	    p->now->waiting < p->was->waiting)
		return false;
	return halted_as(p->now) || (accepts >= 0 && p->was->waiting >= WAITING_MANY &&
				     p->was->waiting > WAITING_S * accepts);
}

void elsewhere_waiting_judge(const struct listeners_elsewhere *before,
			     const struct listeners_elsewhere *after, double seconds,
			     struct report *r)
{
	struct pair worst = {0};
	struct wording words = {0};
	size_t count = 0;
	for (size_t i = 0; i < before->count * after->count; i++) {
		const struct pair p = {&before->at[i / after->count], &after->at[i % after->count]};
		if (p.was->netns != p.now->netns || !pair_waits(&p, seconds))
			continue;
		count++;
		if (!worst.now || p.now->waiting > worst.now->waiting)
			worst = p;
	}
	if (!count)
		return;
	const char *halted = halted_as(worst.now);
	double accepts = accepts_of(&worst, seconds);
	bool seen = worst.now->waits_for;
	wording_set(&words, "who", "%s", seen ? worst.now->waits_name : worst.now->name);
	wording_set(&words, "pid", "%d", (int)(seen ? worst.now->waits_for : worst.now->pid));
	wording_set(&words, "waiting", "%s", quantity_count(worst.now->waiting).text);
	wording_set(&words, "was", "%s", quantity_count(worst.was->waiting).text);
	wording_set(&words, "halted", "%s", halted ? halted : "");
	count_set(&words, "accepts", (int64_t)ceil(accepts));
	wording_set(&words, "window", "%s", seconds > 0 ? quantity_seconds(seconds).text : "");
	count_set(&words, "more", (int64_t)count - 1);
	struct finding *f = report_finding(r, "listeners.elsewhere.waiting", &words);
	finding_evidence(f, "accept queue", "connections", (double)worst.now->waiting, NAN);
}
