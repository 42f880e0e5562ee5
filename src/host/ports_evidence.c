/* What the ports in use are evidence of: bind(), an interval, timestamps, the fullest destination.
 */
#include "epolltune/ports_used.h"

/* Destinations that may share one port in so many, and sockets that are evidence. */
#define SHARED_SHARE 10
#define EVIDENCE_FROM 10
/* The even ports of a group, one in so many, and those that connect() could have taken. */
#define EVEN_SHARE 2
/* The least share of bound ports that are not those that connect() takes first: one in so many. */
#define ODD_SHARE 4

/* Those that TIME_WAIT keeps are the server's own where it has connections to that destination. */
bool ports_used_taken(const struct ports_used *u, bool loopback, bool own, struct ports_taken *out)
{
	bool any = false;
	*out = (struct ports_taken){.destination = ""};
	for (size_t i = 0; i < u->count; i++) {
		const struct ports_to *to = &u->at[i];
		uint32_t held = to->used - to->waiting - to->own;
		uint32_t all = held + (own ? 0 : to->waiting);
		if (to->loopback != loopback)
			continue;
		if (!any || all > out->all) {
			out->destination = to->destination;
			out->beside = u->others.bound - to->bound;
		}
		any = true;
		out->held = held > out->held ? held : out->held;
		out->all = all > out->all ? all : out->all;
	}
	return any;
}

/* Few connections without timestamps that stay open may be a pool, and another destination the one
 * whose closed connections take the ports. */
static bool is_evidence(const struct ports_to *to, bool loopback)
{
	return to->loopback == loopback && to->stamps &&
	       (to->stamps != PORTS_STAMPS_NONE || to->waiting || to->used >= EVIDENCE_FROM);
}

enum ports_stamps ports_used_stamps(const struct ports_used *u, bool loopback)
{
	for (size_t i = 0; i < u->count; i++)
		if (is_evidence(&u->at[i], loopback))
			return u->at[i].stamps;
	return PORTS_STAMPS_UNKNOWN;
}

struct ports_spread ports_used_spread(const struct ports_used *u)
{
	struct ports_spread s = {0};
	for (size_t i = 0; i < u->count; i++) {
		uint64_t own = u->at[i].own;
		if (own < EVIDENCE_FROM)
			continue;
		s.pairs++;
		s.all += own;
		s.fullest = own > s.fullest ? own : s.fullest;
	}
	return s;
}

bool ports_to_interval(const struct ports_used *u, const struct ports_to *to, int64_t used)
{
	return u->available > 0 && used >= PORTS_INTERVAL_MIN && used == to->last - to->first + 1 &&
	       used * 100 < u->available * PORTS_NEAR;
}

bool ports_from_bound(const struct ports_used *u, const struct ports_from *f)
{
	uint32_t others = f->used > f->largest ? f->used - f->largest : 0;
	return u->available > 0 && (uint64_t)f->used * 100 >= (uint64_t)u->available * PORTS_NEAR &&
	       others >= EVIDENCE_FROM && (uint64_t)f->shared * SHARED_SHARE <= others;
}

bool ports_group_bound(const struct ports_group *g)
{
	uint32_t used = g->even + g->odd;
	bool odd = g->odd >= EVIDENCE_FROM && g->odd >= EVEN_SHARE * g->even;
	bool interval = used >= PORTS_INTERVAL_MIN && used == (uint32_t)(g->last - g->first) + 1;
	return (odd || interval) && g->free >= EVIDENCE_FROM && g->shared * SHARED_SHARE <= used;
}

static uint32_t spread_bound(const struct ports_others *o)
{
	uint32_t alone = o->used - o->shared, others = o->used - o->largest;
	if (others < EVIDENCE_FROM || (uint64_t)o->shared * SHARED_SHARE > others ||
	    o->odd < o->used / ODD_SHARE)
		return 0;
	/* bind() takes the odd ones first: of its ports at most every second is even. */
	return alone < 2 * o->odd ? alone : 2 * o->odd;
}

uint32_t ports_others_bound(const struct ports_others *o)
{
	uint32_t spread = spread_bound(o);
	return spread > o->bound ? spread : o->bound;
}

bool ports_used_bound(const struct ports_used *u, bool loopback, struct ports_taken *out)
{
	bool any = false;
	*out = (struct ports_taken){.destination = "all destinations"};
	for (size_t i = 0; i < u->from_count; i++) {
		const struct ports_from *from = &u->from[i];
		if (!from->own || u->at[from->to].loopback != loopback ||
		    !ports_from_bound(u, from))
			continue;
		uint32_t others = from->used - from->own - from->resting;
		any = true;
		out->held = out->all = others > out->all ? others : out->all;
	}
	return any;
}
