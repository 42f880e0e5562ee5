/* What the queues of a running server hold. */
#include "epolltune/subject.h"

#include <math.h>
#include <string.h>

#include "epolltune/catalogue.h"
#include "epolltune/datagram.h"
#include "epolltune/target.h"

/* The root of m + 3 √m = each. */
uint64_t subject_spread(uint64_t each, size_t n)
{
	if (n <= 1)
		return each;
	double root = (sqrt(9 + 4 * (double)each) - 3) / 2;
	uint64_t all = (uint64_t)(root * root * (double)n);
	return all > each ? all : each;
}

uint64_t subject_part(uint64_t enough, size_t n)
{
	double each = (double)enough / (double)n;
	uint64_t part = n <= 1 ? enough : (uint64_t)ceil(each + 3 * sqrt(each)) + 1;
	return part < enough ? part : enough;
}

size_t subject_uncertain(const struct subject *s)
{
	return s->unshown || s->in_turns ? s->accepting + s->in_turns : 0;
}

size_t subject_sharing(const struct subject *s)
{
	return s && s->accepting && !s->unshown ? s->accepting : 1;
}

uint64_t subject_held(const struct subject *s, uint64_t held, bool proxy)
{
	uint64_t upstream = s && proxy ? s->upstream : 0;
	return upstream < held ? held - upstream : 0;
}

bool subject_has(const struct subject *s, const struct listener *l)
{
	return s && listeners_find(&s->listeners, l->cookie);
}

/* Whether both are of one process tree, or of one user where that is not visible. */
static bool same_owner(const struct listeners *a, const struct listener *x,
		       const struct listeners *b, const struct listener *y)
{
	if (x->owner < 0 || y->owner < 0)
		return x->owner == y->owner && x->uid == y->uid;
	return a->processes[x->owner].root == b->processes[y->owner].root;
}

bool subject_has_datagrams(const struct subject *s, const struct listeners *all,
			   const struct listener *l)
{
	if (!s || subject_has(s, l))
		return s;
	bool own = l->owner >= 0 && subject_has_root(s, all->processes[l->owner].root);
	for (size_t i = 0; i < s->listeners.count; i++) {
		const struct listener *named = &s->listeners.at[i];
		if (named->kind == LISTENER_UDP && named->port == l->port && !named->aside &&
		    (own || same_owner(&s->listeners, named, all, l)))
			return true;
	}
	return false;
}

bool subject_receives(const struct listener *l, void *subject)
{
	const struct subject *s = subject;
	for (size_t i = 0; i < s->listeners.count; i++)
		if (l->kind == LISTENER_TCP && listener_shares_arrivals(l, &s->listeners.at[i]))
			return true;
	return false;
}

bool subject_listens(const struct subject *s, enum listener_kind kind)
{
	for (size_t i = 0; s && i < s->listeners.count; i++)
		if (s->listeners.at[i].kind == kind && !s->listeners.at[i].aside)
			return true;
	return false;
}

bool subject_is_local(const struct subject *s)
{
	return subject_listens(s, LISTENER_UNIX) && !subject_listens(s, LISTENER_TCP);
}

bool subject_is_datagrams(const struct subject *s)
{
	for (size_t i = 0; s && i < s->listeners.count; i++)
		if (s->listeners.at[i].kind != LISTENER_UDP && !s->listeners.at[i].aside)
			return false;
	return s && s->listeners.count && !s->listeners.unlisted;
}

bool subject_is_unheld(const struct subject *s)
{
	return s && !s->pid && !s->activated && s->listeners.unheld;
}

/* Protocols that are UDP's first, and have the same port over TCP: DNS, NTP, SNMP, syslog, RADIUS,
 * TURN, SIP. */
static bool is_of_datagrams(uint16_t port)
{
	static const uint16_t ports[] = {53, 123, 161, 514, 1812, 3478, 5060};
	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++)
		if (ports[i] == port)
			return true;
	return false;
}

bool subject_prefers_datagrams(const struct subject *s)
{
	const struct server_row *row = subject_row(s);
	struct port_set streams = {0};
	if (row && !row->datagrams)
		return false;
	for (size_t i = 0; s && i < s->listeners.count; i++)
		if (s->listeners.at[i].kind == LISTENER_TCP)
			port_set_add(&streams, s->listeners.at[i].port, s->listeners.at[i].port);
	for (size_t i = 0; s && i < s->listeners.count; i++) {
		const struct listener *l = &s->listeners.at[i];
		/* A server that is not known may be one of HTTP/3, whose clients mostly come by
		 * TCP. */
		if (l->kind == LISTENER_UDP && !l->connected && !l->aside &&
		    (row || is_of_datagrams(l->port)) && port_set_has(&streams, l->port))
			return true;
	}
	return false;
}

/* The ports that several listeners have: no client's socket is one of them (SO_REUSEPORT), and the
 * kernel does not choose a port for another address or kind as well. */
static void shared_ports(const struct listeners *all, struct port_set *out)
{
	struct port_set seen = {0};
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < all->count; i++) {
		uint16_t port = all->at[i].port;
		port_set_add(port_set_has(&seen, port) ? out : &seen, port, port);
	}
}

/* Connections that a port for management may have: a monitor, an administrator. */
#define CLIENTS_FEW 3

/* What has most clients is not for management, and what has clients may not be. Where the others
 * have none, the server may be idle and one is a monitor's. */
static void clients_judge(struct listeners *all)
{
	uint32_t most = 0;
	for (size_t i = 0; i < all->count; i++)
		if (all->at[i].kind == LISTENER_TCP && !all->at[i].aside &&
		    all->at[i].clients > most)
			most = all->at[i].clients;
	for (size_t i = 0; i < all->count; i++) {
		struct listener *l = &all->at[i];
		bool many = l->clients > CLIENTS_FEW, busiest = l->clients > most;
		l->aside &= !(many && busiest);
		l->used = l->aside && (many || (most && busiest));
	}
}

/* The dynamic ports of RFC 6335, of which a TURN or RTP server takes one for each call: above those
 * that the kernel chooses, and often reserved. */
#define DYNAMIC_PORT 49152

static bool is_chosen(const struct port_set *ephemeral, const struct port_set *shared,
		      const struct listener *l)
{
	bool relay = l->kind == LISTENER_UDP && l->port >= DYNAMIC_PORT;
	return l->port && (relay || port_set_has(ephemeral, l->port)) &&
	       !port_set_has(shared, l->port);
}

void subject_set_aside(struct subject *s, const struct port_set *ephemeral)
{
	struct listeners *all = &s->listeners;
	bool others[LISTENER_VSOCK + 1] = {false};
	struct port_set shared;
	shared_ports(all, &shared);
	for (size_t i = 0; i < all->count; i++) {
		struct listener *l = &all->at[i];
		l->aside = listener_on_loopback(l) || is_chosen(ephemeral, &shared, l);
		others[l->kind] |= !l->aside;
	}
	for (size_t i = 0; i < all->count; i++) {
		struct listener *l = &all->at[i];
		bool beside = l->kind == LISTENER_TCP && listener_on_loopback(l);
		l->aside &= others[l->kind] || (beside && others[LISTENER_UDP]);
	}
	clients_judge(all);
}

/* What one of them holds. No network card leads to a socket on loopback. An empty UDP socket takes
 * a datagram of any size: net/ipv4/udp.c, __udp_enqueue_schedule_skb(). */
static uint64_t holds(const struct listener *l, const struct datagram_taken *each)
{
	if (l->kind != LISTENER_UDP)
		return l->limit + UINT64_C(1);
	uint64_t datagrams = l->limit / (listener_on_loopback(l) ? each->local : each->card);
	return datagrams ? datagrams : 1;
}

/* The group of sockets that starts at `i`; moves it behind the group. */
static struct subject_queue group_queue(const struct listeners *l,
					const struct datagram_taken *each, size_t *i)
{
	const struct listener *first = &l->at[*i];
	struct subject_queue q = {.smallest = first};
	for (size_t end = listeners_group(l, *i); *i < end; ++*i) {
		q.sockets++;
		q.sum += holds(&l->at[*i], each);
		if (l->at[*i].limit < q.smallest->limit)
			q.smallest = &l->at[*i];
	}
	q.holds = subject_spread(holds(q.smallest, each), q.sockets);
	return q;
}

static struct subject_queue smallest_queue(const struct subject *s, enum listener_kind kind,
					   struct datagram_taken each, bool aside)
{
	struct subject_queue min = {0};
	for (size_t i = 0; i < s->listeners.count;) {
		struct subject_queue q = group_queue(&s->listeners, &each, &i);
		if (q.smallest->kind == kind && q.smallest->aside == aside &&
		    (!min.smallest || q.holds < min.holds))
			min = q;
	}
	return min;
}

struct subject_queue subject_queue(const struct subject *s, enum listener_kind kind)
{
	return smallest_queue(s, kind, (struct datagram_taken){1, 1}, false);
}

struct subject_queue subject_datagrams(const struct subject *s, bool page)
{
	return smallest_queue(s, LISTENER_UDP,
			      datagram_taken(target_default().datagram_bytes, page), false);
}

struct subject_queue subject_aside(const struct subject *s, enum listener_kind kind,
				   struct datagram_taken each)
{
	return smallest_queue(s, kind, each, true);
}
