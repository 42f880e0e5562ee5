/* Ports in use by destination: what the sockets of the calling network namespace show. */
#include "epolltune/ports_used.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/order.h"
#include "epolltune/ports.h"
#include "host/inode_table.h"
#include "host/owners.h"
#include "host/port_sockets.h"

#define NO_MEMORY "cannot count the ports in use: out of memory"
/* All but LISTEN and CLOSE. Only the side that accepts is in SYN_RECV. */
#define STATES (TCP_CONNECTED | 1u << TCP_SYN_SENT | 1u << TCP_TIME_WAIT)
/* TCP_BOUND_INACTIVE: what bind() has chosen for a socket without a connection. Kernels before 6.8
 * list none. */
#define BOUND_INACTIVE 13
/* Of a larger range, on a machine with more sockets, so many ports are looked at first, in windows:
 * kernel and applications spread ports. (The order of a dump is no sample: since 6.15
 * inet_ehashfn() puts the sockets of a destination side by side.) */
#define SAMPLE 1024
#define SAMPLE_FROM 16384
#define TALLIES ((size_t)1 << 17)
#define PORTS (UINT16_MAX + 1)
/* Sockets of a destination to find its owner by: one is enough, among the low descriptors. */
#define OWNER_SOCKETS 64

struct tally {
	struct port_route route;
	uint32_t count; /* 0: a free slot */
	uint16_t port;  /* of the last socket */
	enum ports_stamps stamps;
};

struct tallies {
	struct tally *at;
	size_t size, used; /* a power of two, at most half full */
	const struct inodes *of;
	bool others; /* those that are not of these */
};

struct candidate {
	struct port_route route;
	uint32_t used, waiting, opening, own;
	uint16_t port; /* one of them */
	uint16_t first, last;
	bool others; /* not of the subject: shows only what others have bound */
	enum ports_stamps stamps;
	uint64_t inodes[OWNER_SOCKETS];
	size_t inode_count;
	/* A dump in several parts may repeat sockets. Those of the subject, and of others. */
	uint8_t seen[2][PORTS / 8];
};

/* A source address of candidates: by local port the first destination seen, as a hash. */
struct source {
	struct in6_addr address;
	struct source_port {
		uint32_t first; /* 0: free */
		bool shared, own, foreign;
	} port[PORTS];
};

/* By local port the first destination of others' sockets, as a hash. */
struct others {
	struct {
		uint32_t first; /* 0: free */
		bool shared;
	} port[PORTS];
	uint64_t inodes[OWNER_SOCKETS];
	size_t inode_count;
	struct port_set reserved;
	uint32_t sorted[PORTS];
	bool of_group[PORTS], bound[PORTS]; /* a group of them; those that bind() has chosen */
};

struct candidates {
	struct candidate *at;
	size_t count;
	struct source *from;
	size_t from_count;
	struct others others;
	int64_t low; /* of the range */
	bool listens[PORTS];
	const struct inodes *of;
};

/* The sockets of the processes in question, sorted; NULL: all count. */
struct inodes {
	uint64_t *at;
	size_t count;
};

static bool inodes_have(const struct inodes *i, uint64_t inode)
{
	return inode_table_find(i->at, i->count, sizeof(*i->at), inode);
}

static size_t route_hash(const struct port_route *r)
{
	uint32_t words[sizeof(*r) / 4];
	uint64_t hash = 0;
	memcpy(words, r, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		hash = (hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(hash >> 32);
}

/* Routes beyond the capacity are dropped: one that is frequent comes early. */
static void tally_seen(const struct port_socket *s, void *arg)
{
	struct tallies *t = arg;
	if (t->of && (inodes_have(t->of, s->inode) == t->others || (t->others && !s->inode)))
		return;
	size_t i = route_hash(&s->route) & (t->size - 1);
	while (t->at[i].count && memcmp(&t->at[i].route, &s->route, sizeof(s->route)) != 0)
		i = (i + 1) & (t->size - 1);
	if (!t->at[i].count && t->used >= t->size / 2)
		return;
	t->used += !t->at[i].count;
	t->at[i].route = s->route;
	t->at[i].count++;
	t->at[i].port = s->port;
	if (s->stamps > t->at[i].stamps)
		t->at[i].stamps = s->stamps;
}

static struct source *source_find(const struct candidates *c, const struct in6_addr *address)
{
	for (size_t i = 0; i < c->from_count; i++)
		if (IN6_ARE_ADDR_EQUAL(&c->from[i].address, address))
			return &c->from[i];
	return NULL;
}

static void source_seen(const struct candidates *c, const struct port_socket *s, bool foreign)
{
	struct source *from = source_find(c, &s->route.source);
	if (!from)
		return;
	struct source_port *port = &from->port[s->port];
	uint32_t destination = (uint32_t)route_hash(&s->route) | 1;
	port->own |= c->of && inodes_have(c->of, s->inode);
	port->foreign |= foreign;
	port->shared |= port->first && port->first != destination;
	port->first = port->first ? port->first : destination;
}

/* What no process holds may be the subject's: in TIME_WAIT, or closed and not yet acknowledged. So
 * may all be where its descriptors are not visible. */
static bool is_foreign(const struct candidates *c, const struct port_socket *s)
{
	bool own = c->of && (!s->inode || !c->of->count || inodes_have(c->of, s->inode));
	return !own && !port_set_has(&c->others.reserved, s->port);
}

/* `chosen`: by bind(), so that the owner is one of those in question. */
static void inode_add(struct others *o, const struct port_socket *s, bool chosen)
{
	if (chosen && s->inode && o->inode_count < OWNER_SOCKETS)
		o->inodes[o->inode_count++] = s->inode;
}

static void other_seen(struct candidates *c, const struct port_socket *s)
{
	struct others *o = &c->others;
	uint32_t destination = (uint32_t)route_hash(&s->route) | 1;
	o->port[s->port].shared |= o->port[s->port].first && o->port[s->port].first != destination;
	o->port[s->port].first = destination;
	inode_add(o, s, (s->port - c->low) & 1 && !c->listens[s->port]);
}

static bool port_is_seen(const struct candidate *at, bool foreign, size_t port)
{
	return at->seen[foreign][port / 8] >> port % 8 & 1;
}

static void candidate_seen(const struct port_socket *s, void *arg)
{
	struct candidates *c = arg;
	size_t i = 0;
	if (s->state == TCP_LISTEN) {
		c->listens[s->port] = true;
		return;
	}
	bool foreign = is_foreign(c, s);
	if (s->state == TCP_CLOSE || s->state == BOUND_INACTIVE) {
		c->others.bound[s->port] |= foreign;
		inode_add(&c->others, s, foreign);
		return;
	}
	source_seen(c, s, foreign);
	while (i < c->count && memcmp(&c->at[i].route, &s->route, sizeof(s->route)) != 0)
		i++;
	if (foreign)
		other_seen(c, s);
	if (i == c->count)
		return;
	struct candidate *at = &c->at[i];
	bool again = port_is_seen(at, !foreign, s->port) || port_is_seen(at, foreign, s->port);
	at->seen[foreign][s->port / 8] |= (uint8_t)(1u << s->port % 8);
	if (again)
		return;
	if (!at->used || s->port < at->first)
		at->first = s->port;
	if (s->port > at->last)
		at->last = s->port;
	at->used++;
	at->waiting += s->state == TCP_TIME_WAIT;
	at->opening += s->state == TCP_SYN_SENT;
	at->own += c->of && inodes_have(c->of, s->inode);
	if (s->inode && at->inode_count < OWNER_SOCKETS)
		at->inodes[at->inode_count++] = s->inode;
}

static uint64_t near(const struct ports_used *u)
{
	return ((uint64_t)u->available * PORTS_NEAR + 99) / 100;
}

/* The sum of fields of a line "name: field value …"; a file that is not there has none. */
static uint64_t sockstat_sum(const struct host *h, const char *path, const char *line)
{
	char text[1024] = "";
	uint64_t sum = 0, value;
	ssize_t n = host_read(h, path, text, sizeof(text), NULL);
	if (n < 0 && n != -ENOENT)
		return TALLIES;
	const char *at = strstr(text, line);
	for (const char *field = at ? strchr(at, ' ') : NULL; field && *field == ' ';) {
		bool counts = !strncmp(field, " inuse ", 7) || !strncmp(field, " tw ", 4);
		field = strchr(field + 1, ' ');
		if (!field)
			break;
		field++;
		if (!text_number(&field, &value))
			break;
		sum += counts ? value : 0;
	}
	return sum;
}

/* Listeners and both families included: the ports in use are not more. A capture may lack it. */
static uint64_t sockets_count(const struct host *h)
{
	if (!h->live)
		return TALLIES;
	return sockstat_sum(h, "proc/net/sockstat", "TCP: ") +
	       sockstat_sum(h, "proc/net/sockstat6", "TCP6: ");
}

static int range_read(const struct host *h, struct ports_used *u, struct err *e)
{
	int rc = host_port_range(h, &u->low, &u->high, e);
	if (!rc)
		u->available =
			port_range_free(u->low, u->high, host_reserved_ports(h, u->low, u->high));
	return rc;
}

/* The windows to look at, at equal distances; returns their number. */
static size_t windows_make(const struct ports_used *u, uint64_t sockets,
			   struct port_window w[PORT_WINDOWS])
{
	uint64_t size = (uint64_t)(u->high - u->low + 1);
	w[0] = (struct port_window){(uint16_t)u->low, (uint16_t)u->high};
	/* Reserved ports are not spread. */
	if (size <= SAMPLE || (uint64_t)u->available < size / 2 || sockets <= SAMPLE_FROM)
		return 1;
	for (size_t i = 0; i < PORT_WINDOWS; i++) {
		uint64_t from = (uint64_t)u->low + i * (size / PORT_WINDOWS);
		w[i] = (struct port_window){(uint16_t)from,
					    (uint16_t)(from + SAMPLE / PORT_WINDOWS - 1)};
	}
	return PORT_WINDOWS;
}

static int by_count(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;
	return ORDER(y->count, x->count);
}

static int sources_choose(struct candidates *c, struct err *e)
{
	c->from = calloc(PORTS_FROM_MAX, sizeof(*c->from));
	if (!c->from)
		return err_set(e, ENOMEM, NO_MEMORY);
	for (size_t i = 0; i < c->count && c->from_count < PORTS_FROM_MAX; i++)
		if (!source_find(c, &c->at[i].route.source))
			c->from[c->from_count++].address = c->at[i].route.source;
	return 0;
}

/* Adds the routes that have most sockets. */
static void candidates_choose(struct tallies *t, struct candidates *c)
{
	size_t max = c->count + PORTS_USED_MAX;
	/* Most of the table is free, and never written: only what is used is sorted. */
	size_t used = 0;
	for (size_t i = 0; i < t->size; i++)
		if (t->at[i].count)
			t->at[used++] = t->at[i];
	qsort(t->at, used, sizeof(*t->at), by_count);
	for (size_t i = 0; i < used && c->count < max; i++)
		c->at[c->count++] = (struct candidate){.route = t->at[i].route,
						       .port = t->at[i].port,
						       .others = t->others,
						       .stamps = t->at[i].stamps};
}

static int candidates_add(const struct host *h, const struct ports_used *u, uint64_t sockets,
			  bool others, struct candidates *c, struct err *e)
{
	struct port_window windows[PORT_WINDOWS];
	size_t count = windows_make(u, sockets, windows);
	struct tallies t = {.size = 64, .of = c->of, .others = others};
	while (t.size < TALLIES && t.size < 2 * sockets)
		t.size *= 2;
	CLEAN(free_pointer) struct tally *at = calloc(t.size, sizeof(*at));
	t.at = at;
	if (!at)
		return err_set(e, ENOMEM, NO_MEMORY);
	int r = port_sockets_walk(h, STATES, true, windows, count, tally_seen, &t, e);
	if (!r)
		candidates_choose(&t, c);
	return r;
}

/* Those of the subject first. */
static int candidates_find(const struct host *h, const struct ports_used *u, uint64_t sockets,
			   struct candidates *c, struct err *e)
{
	c->at = calloc((size_t)2 * PORTS_USED_MAX, sizeof(*c->at));
	int r = c->at ? candidates_add(h, u, sockets, false, c, e) : err_set(e, ENOMEM, NO_MEMORY);
	if (!r && c->of)
		r = candidates_add(h, u, sockets, true, c, e);
	return r ? r : sources_choose(c, e);
}

static void address_text(const struct in6_addr *a, char text[INET6_ADDRSTRLEN])
{
	bool four = IN6_IS_ADDR_V4MAPPED(a);
	inet_ntop(four ? AF_INET : AF_INET6, four ? &a->s6_addr[12] : a->s6_addr, text,
		  INET6_ADDRSTRLEN);
}

/* `accepted`: by a listener on a port of the range. */
static void ports_add(struct ports_used *u, const struct candidate *c, bool accepted)
{
	const struct port_route *r = &c->route;
	struct ports_to *to = &u->at[u->count++];
	char address[INET6_ADDRSTRLEN];
	address_text(&r->source, address);
	snprintf(to->source, sizeof(to->source), "%s", address);
	address_text(&r->destination, address);
	snprintf(to->destination, sizeof(to->destination),
		 strchr(address, ':') ? "[%s]:%u" : "%s:%u", address, r->port);
	to->loopback =
		port_address_is_loopback(&r->source) || port_address_is_loopback(&r->destination);
	to->used = c->used;
	to->waiting = c->waiting;
	to->opening = c->opening;
	to->first = c->first;
	to->last = c->last;
	to->own = c->own;
	to->stamps = accepted ? PORTS_STAMPS_UNKNOWN : c->stamps;
	to->owner = -1;
}

static bool port_counts(const struct candidates *c, int64_t port)
{
	return !c->listens[port] && !port_set_has(&c->others.reserved, port);
}

/* `to`: of the destination with most ports. */
static void source_add(struct ports_used *u, const struct candidates *c, const struct source *s,
		       size_t to)
{
	struct ports_from *from = &u->from[u->from_count++];
	from->largest = u->at[to].used;
	from->to = to;
	struct ports_group own = {0};
	for (size_t i = 0; i < PORTS; i++) {
		bool odd = ((int64_t)i - u->low) & 1;
		own.free += (int64_t)i >= u->low && (int64_t)i <= u->high && !odd &&
			    port_counts(c, (int64_t)i) && !s->port[i].first;
		if (!s->port[i].first || c->listens[i])
			continue;
		own.odd += odd && s->port[i].own;
		own.even += !odd && s->port[i].own;
		own.shared += s->port[i].own && s->port[i].shared;
		from->used++;
		from->shared += s->port[i].shared;
		from->own += s->port[i].own;
		from->resting += !s->port[i].own && !s->port[i].foreign;
	}
	from->binds = ports_group_bound(&own);
}

static void sources_add(struct ports_used *u, const struct candidates *c)
{
	for (size_t i = 0; i < c->from_count; i++) {
		size_t to = 0;
		while (to < u->count &&
		       !IN6_ARE_ADDR_EQUAL(&c->at[to].route.source, &c->from[i].address))
			to++;
		if (to < u->count)
			source_add(u, c, &c->from[i], to);
	}
}

/* The longest run of one destination. Sorts. */
static uint32_t largest_of(uint32_t *destinations, uint32_t count)
{
	uint32_t largest = 0, run = 0;
	qsort(destinations, count, sizeof(*destinations), u32_compare);
	for (uint32_t i = 0; i < count; i++) {
		run = i && destinations[i] == destinations[i - 1] ? run + 1 : 1;
		largest = run > largest ? run : largest;
	}
	return largest;
}

/* Marks the ports of others.of_group as bound where they show that, or only the odd ones. */
static void group_mark(const struct ports_used *u, struct candidates *c, const struct source *from,
		       bool whole)
{
	struct others *o = &c->others;
	struct ports_group g = {0};
	for (int64_t port = u->low; port <= u->high; port++) {
		bool odd = (port - u->low) & 1, has = o->of_group[port];
		if (!port_counts(c, port))
			continue;
		g.free += !has && !odd && !(from && from->port[port].first);
		g.even += has && !odd;
		g.odd += has && odd;
		g.shared += has && from && from->port[port].shared;
		g.first = has && !g.first ? (uint16_t)port : g.first;
		g.last = has ? (uint16_t)port : g.last;
	}
	if (!ports_group_bound(&g))
		return;
	for (int64_t port = u->low; port <= u->high; port++)
		o->bound[port] |= o->of_group[port] && (whole || (port - u->low) & 1);
}

/* connect() prefers even ports for each destination of each source. A source may have few ports to
 * each of many destinations. */
static void groups_mark(const struct ports_used *u, struct candidates *c)
{
	for (size_t i = 0; i < c->count; i++) {
		for (size_t port = 0; port < PORTS; port++)
			c->others.of_group[port] = port_is_seen(&c->at[i], true, port);
		group_mark(u, c, source_find(c, &c->at[i].route.source), true);
	}
	for (size_t i = 0; i < c->from_count; i++) {
		for (size_t port = 0; port < PORTS; port++)
			c->others.of_group[port] = c->from[i].port[port].foreign;
		group_mark(u, c, &c->from[i], false);
	}
}

static void others_count(struct ports_used *u, struct candidates *c)
{
	struct others *o = &c->others;
	struct ports_others *to = &u->others;
	for (size_t i = 0; i < PORTS; i++) {
		if (!o->port[i].first || c->listens[i])
			continue;
		o->sorted[to->used++] = o->port[i].first;
		to->shared += o->port[i].shared;
		to->odd += ((int64_t)i - u->low) & 1;
	}
	to->largest = largest_of(o->sorted, to->used);
	groups_mark(u, c);
	for (int64_t port = u->low; port <= u->high; port++) {
		o->bound[port] &= port_counts(c, port);
		to->bound += o->bound[port];
		for (size_t i = 0; i < u->count && o->bound[port]; i++)
			u->at[i].bound += port_is_seen(&c->at[i], true, (size_t)port);
	}
}

static int by_use(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	if (x->others != y->others)
		return x->others - y->others;
	return x->used != y->used ? ORDER(y->used, x->used)
				  : memcmp(&x->route, &y->route, sizeof(x->route));
}

/* Whether its owner is in question. */
static bool is_near(const struct ports_used *u, size_t to)
{
	for (size_t i = 0; i < u->from_count; i++)
		if (u->from[i].to == to && ports_from_bound(u, &u->from[i]))
			return true;
	return u->at[to].used >= near(u) || ports_to_interval(u, &u->at[to], u->at[to].used);
}

/* Whether there is a socket whose owner can be found. */
static bool thing_add(struct owners *o, const uint64_t *inodes, size_t count)
{
	for (size_t k = 0; k < count; k++)
		o->sockets[o->socket_count++] =
			(struct owned_socket){.inode = inodes[k], .thing = o->thing_count};
	if (count)
		o->owner[o->thing_count++] = -1;
	return count;
}

static int ports_own(const struct host *h, struct ports_used *u, const struct candidates *c,
		     struct err *e)
{
	int owner[PORTS_USED_MAX + 1] = {0}, *of[PORTS_USED_MAX + 1];
	CLEAN(free_pointer)
	struct owned_socket *sockets = calloc((u->count + 1) * OWNER_SOCKETS, sizeof(*sockets));
	struct owners o = {.sockets = sockets, .owner = owner};
	if (!sockets)
		return err_set(e, ENOMEM, NO_MEMORY);
	size_t count = 0;
	for (size_t i = 0; i < u->count; i++) {
		if (!is_near(u, i))
			continue;
		of[count] = &u->at[i].owner;
		count += thing_add(&o, c->at[i].inodes, c->at[i].inode_count);
	}
	if (ports_others_bound(&u->others)) {
		of[count] = &u->others.owner;
		count += thing_add(&o, c->others.inodes, c->others.inode_count);
	}
	int r = count && h->live ? owners_find(h, &o, e) : 0;
	for (size_t i = 0; i < count; i++)
		*of[i] = owner[i];
	u->processes = o.processes;
	u->process_count = o.process_count;
	u->hidden = o.denied;
	return r;
}

static int candidates_count(const struct host *h, struct ports_used *u, struct candidates *c,
			    struct err *e)
{
	const struct port_window all = {(uint16_t)u->low, (uint16_t)u->high};
	int r = port_sockets_walk(h, STATES | 1u << BOUND_INACTIVE | 1u << TCP_LISTEN, false, &all,
				  1, candidate_seen, c, e);
	if (r)
		return r;
	qsort(c->at, c->count, sizeof(*c->at), by_use);
	for (size_t i = 0; i < c->count && c->at[i].used && !c->at[i].others; i++)
		ports_add(u, &c->at[i], c->listens[c->at[i].port]);
	sources_add(u, c);
	others_count(u, c);
	return ports_own(h, u, c, e);
}

int ports_used_read(const struct host *h, const struct subject *subject, struct ports_used *out,
		    struct err *e)
{
	CLEAN(free_pointer) uint64_t *inodes = NULL;
	struct inodes of = {0};
	CLEAN(free_pointer) struct candidates *c = calloc(1, sizeof(*c));
	memset(out, 0, sizeof(*out));
	out->others.owner = -1;
	if (!c)
		return err_set(e, ENOMEM, NO_MEMORY);
	int r = range_read(h, out, e);
	uint64_t sockets = r ? 0 : sockets_count(h);
	if (r || out->available <= 0 || !sockets)
		return r;
	/* A kernel without IPv6 has no tcp6. */
	if (!h->live && !host_has(h, "proc/net/tcp"))
		return err_set(e, ENODATA, "the sockets of this machine were not captured");
	if (subject)
		r = subject_sockets(h, subject, &inodes, &of.count, e);
	of.at = inodes;
	c->of = subject ? &of : NULL;
	c->low = out->low;
	inode_table_sort(of.at, of.count, sizeof(*of.at));
	host_reserved_set(h, &c->others.reserved);
	if (!r)
		r = candidates_find(h, out, sockets, c, e);
	if (!r)
		r = candidates_count(h, out, c, e);
	free(c->at);
	free(c->from);
	return r;
}

void ports_used_free(struct ports_used *u)
{
	free(u->processes);
	memset(u, 0, sizeof(*u));
}
