/* What a target's connections need of memory. */
#include "epolltune/connection_memory.h"

#include <stdlib.h>

#include "epolltune/buffers.h"
#include "epolltune/cleanup.h"
#include "epolltune/connections.h"
#include "epolltune/quantity.h"

/* Fewer are no evidence: the rest of the server's memory outweighs theirs. */
#define SEEN 100
/* The maximum that is assumed where nothing is known of the server. */
#define GUESS_BYTES (256 << 10)
/* So many of the target have to be there, or caches count for clients. */
#define SEEN_PART 8
/* Of a machine without a limit: memory that each process of a server may have without a client, as
 * of its runtime and its caches. */
#define RUNTIME_BYTES (UINT64_C(256) << 20)
/* The kernel counts a socket's inode and dentry as reclaimable (Linux 6.18: 862 and 195 bytes). */
#define PINNED_BYTES 1060

/* Bytes of the server's own memory for one socket. */
struct own {
	uint64_t min, busy, max;
	uint64_t held; /* what an open one has of it now */
	bool seen;     /* its memory now has changed `max` */
};

static uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t larger(uint64_t a, uint64_t b) { return a > b ? a : b; }

static const struct server_row *row_of(const struct settings *s) { return subject_row(s->subject); }

static bool is_known(const struct server_row *row) { return row && row->own.tls; }

static bool is_running(const struct settings *s) { return s->subject && !s->guest; }

static uint64_t runtime_bytes(const struct settings *s)
{
	return saturated_product(RUNTIME_BYTES, larger(s->subject->accepting, 1));
}

/* That the server itself has more memory than its runtime, for clients that have used their
 * connections; of one of the catalogue it may be a cache, which does not grow with them. */
static bool shows_memory(const struct target *t, const struct settings *s)
{
	return is_running(s) && !row_of(s) && s->taken.heard >= SEEN &&
	       s->taken.heard >= t->connections / SEEN_PART &&
	       s->taken.own_memory > runtime_bytes(s);
}

/* Whether the server's own memory has an upper end: a group's limit is reached by what is only
 * assumed of it, too. */
static bool is_range(const struct target *t, const struct settings *s)
{
	return is_running(s) && !s->taken.kernel_only &&
	       (s->taken.limited || is_known(row_of(s)) || shows_memory(t, s));
}

/* Whether each client comes twice, through a listener of its own: at least, or at most. */
static bool comes_twice(const struct target *t, const struct subject *s, bool most)
{
	return s && s->behind.own[0] && (most || (t->role == TARGET_PROXY && s->behind.only_own));
}

/* The sockets of one that does: those to and of its own listener besides, and then one to another
 * server. */
static uint64_t sockets_twice(const struct target *t, const struct subject *s)
{
	return t->role == TARGET_PROXY && !s->behind.only_own ? 4 : 3;
}

struct target connection_target(const struct target *t, const struct subject *s, bool most)
{
	struct target out = *t;
	if (!comes_twice(t, s, most))
		return out;
	uint64_t sockets = saturated_product(t->connections, sockets_twice(t, s));
	out.connections = t->role == TARGET_PROXY ? sockets / 2 + sockets % 2 : sockets;
	return out;
}

/* Sockets that so many open connections have. */
static uint64_t sockets(const struct target *target, const struct settings *s, uint64_t connections)
{
	bool proxy = target->role == TARGET_PROXY;
	return saturated_sum(connections, proxy ? smaller(connections, s->taken.opened) : 0);
}

uint64_t connection_sides(const struct target *target, const struct settings *s, bool most)
{
	if (!s->portless && comes_twice(target, s->subject, most))
		return sockets_twice(target, s->subject);
	return target->role == TARGET_PROXY && !s->portless ? 2 : 1;
}

uint64_t connection_flows(const struct target *target, const struct settings *s, bool most)
{
	return connection_sides(target, s, most) -
	       (!s->portless && comes_twice(target, s->subject, most));
}

uint64_t connection_sockets_open(const struct target *target, const struct settings *s)
{
	return sockets(target, s, s->taken.open);
}

static uint64_t each(const struct target *target, const struct settings *s, uint64_t connections)
{
	return connections < SEEN ? 0 : s->taken.own_memory / sockets(target, s, connections);
}

/* What the server has now shows a maximum only where clients have used their connections: one that
 * is silent has no buffer and no TLS yet. */
static struct own own_of(const struct target *target, const struct settings *s)
{
	const struct server_row *row = row_of(s);
	uint64_t seen = each(target, s, s->taken.heard);
	if (s->taken.kernel_only)
		return (struct own){0};
	struct own o = {.min = s->taken.own_bytes, .busy = s->taken.own_bytes, .max = GUESS_BYTES};
	o.held = larger(o.min, each(target, s, s->taken.open));
	if (is_known(row)) {
		o.busy = larger(o.min, row->own.busy);
		o.max = seen ? smaller(larger(seen, o.busy), row->own.tls) : row->own.tls;
		o.seen = o.max < row->own.tls;
		return o;
	}
	if (!s->taken.limited) {
		o.seen = shows_memory(target, s);
		o.max = o.seen ? (s->taken.own_memory - runtime_bytes(s)) /
					 sockets(target, s, s->taken.heard)
			       : o.min;
		o.held = larger(o.min, smaller(o.held, o.max));
		return o;
	}
	bool forks = subject_forks(s->subject);
	if (forks && !seen)
		o.max = UINT64_MAX;
	o.seen = seen > GUESS_BYTES || (forks && seen);
	o.max = larger(o.max, seen);
	return o;
}

void connection_open_read(const struct host *h, struct settings *s)
{
	CLEAN(free_pointer) struct connections *c = calloc(1, sizeof(*c));
	if (!s->subject || s->guest || !c || connections_read_subject(h, s->subject, c, NULL))
		return;
	s->taken.open = c->open;
	s->taken.opened = s->subject->opened;
	s->taken.accepted = c->accepted;
	s->taken.heard = c->heard;
	s->taken.left = c->left;
}

/* Those of the target that are. */
static uint64_t pages_open(const struct target *target, const struct settings *s)
{
	return smaller(target_sockets(target), connection_sockets_open(target, s));
}

uint64_t connection_needed(uint64_t all, uint64_t open, uint64_t next)
{
	return all > open ? larger(all - open, next) : next;
}

uint64_t connection_sockets_left(const struct target *target, const struct settings *s)
{
	const struct target next = {.role = target->role, .connections = 1};
	return connection_needed(target_sockets(target), pages_open(target, s),
				 target_sockets(&next));
}

void connection_memory_read(const struct host *h, bool limited, struct settings *s)
{
	const struct server_row *row = row_of(s);
	s->taken.connection_bytes = host_connection_bytes(h, &s->taken.socket_bytes);
	s->taken.basis = "by the size of its objects";
	s->taken.own_bytes = row ? row->own.idle : 0;
	s->taken.limited = limited;
	if (!s->subject || s->guest)
		return;
	connection_open_read(h, s);
	if (limited || ((is_known(row) || !row) && s->taken.heard >= SEEN))
		subject_memory_read(h, s->subject, &s->taken.own_memory, NULL);
}

uint64_t connection_memory_kernel(const struct settings *s)
{
	return s->taken.connection_bytes ? s->taken.connection_bytes : CONNECTION_BYTES;
}

/* Of an accepted connection, what is not charged to the group: a softirq has made its socket, which
 * accept() charges since Linux 6.12, and only where it charges buffers (net/ipv4/af_inet.c,
 * __inet_accept(), before in inet_csk_accept()). */
static uint64_t uncharged_bytes(const struct settings *s)
{
	if (!s->taken.limited || (s->machine.sockets_charged && s->machine.kernel >= KERNEL(6, 12)))
		return 0;
	return s->taken.connection_bytes ? s->taken.socket_bytes : SOCKET_BYTES;
}

/* That of the clients which are not connected yet. */
static uint64_t uncharged(const struct target *target, const struct settings *s)
{
	return saturated_product(connection_needed(target->connections, s->taken.open, 1),
				 uncharged_bytes(s));
}

/* Of the sockets that are not open yet all, of the others what they may add. */
static uint64_t need(const struct target *target, const struct settings *s, const struct own *o,
		     uint64_t own)
{
	return saturated_sum(
		saturated_product(connection_sockets_left(target, s),
				  saturated_sum(connection_memory_kernel(s), own)),
		saturated_product(pages_open(target, s), own > o->held ? own - o->held : 0));
}

/* Where the size of a page is not known. */
#define PAGE_MAX 65536

/* Of a waiting request: cgroup v2 charges a page for each quantum (mm/memcontrol.c,
 * mem_cgroup_charge_skmem(), which net/core/sock.c gives their number), v1 does not count it as
 * memory. */
static uint64_t buffer_bytes(const struct settings *s)
{
	uint64_t page = s->machine.page_bytes ? s->machine.page_bytes : PAGE_MAX;
	int64_t quantum = machine_quantum(&s->machine);
	if (!s->taken.limited)
		return TCP_REQUEST_BYTES;
	if (!s->machine.sockets_charged)
		return 0;
	return tcp_request_bytes(s) * page / (quantum ? (uint64_t)quantum : TCP_REQUEST_BYTES);
}

/* Whether what a group is charged for is known up to a factor only. */
static bool is_unsized(const struct settings *s)
{
	return s->taken.limited && s->machine.sockets_charged && !s->machine.page_bytes;
}

/* An idle connection has no data in its buffers, and what is in them of those that are open is in
 * use already. */
static uint64_t buffered(const struct target *target, const struct settings *s)
{
	return saturated_product(connection_sockets_left(target, s), buffer_bytes(s));
}

static uint64_t pinned(const struct target *target, const struct settings *s)
{
	return saturated_product(connection_sockets_open(target, s), PINNED_BYTES);
}

static uint64_t without(uint64_t all, uint64_t less)
{
	return all == UINT64_MAX || all < less ? all : all - less;
}

/* A group of cgroup v1 counts the pinned ones as used: there they are no part of the minimum. */
static uint64_t need_min(const struct target *target, const struct settings *s, const struct own *o)
{
	uint64_t all =
		saturated_sum(need(target, s, o, o->min), s->taken.limited ? 0 : pinned(target, s));
	return without(all, uncharged(target, s));
}

/* Without a range of the server's own memory that of a waiting request is the difference. An older
 * kernel of a distribution may charge sockets of cgroup v2 too. */
static uint64_t need_max(const struct target *target, const struct settings *s, const struct own *o)
{
	uint64_t own = is_range(target, s) ? o->max : o->min;
	uint64_t less = s->machine.sockets_charged ? 0 : uncharged(target, s);
	return without(saturated_sum(saturated_sum(need(target, s, o, own), pinned(target, s)),
				     buffered(target, s)),
		       less);
}

void connection_memory_bound(const struct target *target, const struct settings *s,
			     struct bound *out)
{
	const struct target least = connection_target(target, s->subject, false);
	const struct target most = connection_target(target, s->subject, true);
	const struct own o = own_of(target, s);
	out->need.min = saturated(need_min(&least, s, &o));
	out->origin = OF_ASSUMPTION;
	if (is_range(target, s) || buffered(target, s) || most.connections > least.connections)
		out->need.max = saturated(need_max(&most, s, &o));
	out->need.unsure = (is_range(target, s) && !is_known(row_of(s))) || is_unsized(s);
}

uint64_t connection_memory_enough(const struct target *asked, const struct settings *s,
				  int64_t left)
{
	const struct target most = connection_target(asked, s->subject, true), *target = &most;
	const struct own o = own_of(target, s);
	bool suffices = left >= saturated(need_min(target, s, &o));
	if (is_range(target, s) && o.max < UINT64_MAX && (suffices || !is_known(row_of(s))))
		return report_margin(need_max(target, s, &o));
	return report_margin(
		saturated_sum(saturated_sum(need(target, s, &o, o.busy), pinned(target, s)),
			      buffered(target, s)));
}

static void own_words(const struct target *target, const struct settings *s, struct wording *w)
{
	const struct own o = own_of(target, s);
	const struct server_row *row = row_of(s);
	char text[WORDING_TEXT];
	struct wording own = {0};
	bool range = is_range(target, s);
	wording_flag(&own, "named", s->subject);
	wording_flag(&own, "assumed", range || is_known(row));
	wording_set(&own, "server", "%s", is_known(row) ? row->name : "");
	wording_set(&own, "min", "%s", quantity_show(QUANTITY_SIZE, o.min).text);
	wording_set(&own, "max", "%s", quantity_show(QUANTITY_SIZE, o.max).text);
	wording_flag(&own, "range", range);
	wording_flag(&own, "bounded", o.max < UINT64_MAX);
	wording_flag(&own, "tls", range && is_known(row) && !o.seen);
	wording_flag(&own, "seen", range && o.seen);
	wording_set(&own, "heard", "%s", quantity_count(s->taken.heard).text);
	wording_set(&own, "open", "%s", s->taken.open ? quantity_count(s->taken.open).text : "");
	wording_fill(&own, server_own_memory, text, sizeof(text));
	bool counts = (s->subject || s->taken.limited) && !s->taken.kernel_only;
	wording_set(w, "own", "%s", counts ? text : "");
}

void connection_memory_words(const struct target *target, const struct settings *s,
			     struct wording *w)
{
	uint64_t less = uncharged_bytes(s);
	wording_set(w, "each", "%s",
		    quantity_show(QUANTITY_SIZE, connection_memory_kernel(s) - less).text);
	wording_set(w, "uncharged", "%s", less ? quantity_show(QUANTITY_SIZE, less).text : "");
	wording_set(w, "basis", "%s",
		    s->taken.connection_bytes ? s->taken.basis
					      : "as measured on Linux 6.18, not here");
	wording_flag(w, "range", is_range(target, s) || buffered(target, s));
	wording_set(w, "buffer", "%s",
		    buffered(target, s) ? quantity_show(QUANTITY_SIZE, buffer_bytes(s)).text : "");
	own_words(target, s, w);
}
