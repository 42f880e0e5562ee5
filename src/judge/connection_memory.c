/* What a target's connections need of memory. */
#include "epolltune/connection_memory.h"

#include <stdlib.h>

#include "epolltune/cleanup.h"
#include "epolltune/connections.h"
#include "epolltune/quantity.h"

/* Of so many open connections the server's memory shows what one takes at most. */
#define SEEN 100
/* That is assumed to be the most where nothing is known of the server. */
#define GUESS_BYTES (256 << 10)
/* The kernel counts a socket's inode and dentry as reclaimable (Linux 6.18: 862 and 195 bytes). */
#define PINNED_BYTES 1060

static uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;
	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static int64_t bytes_of(uint64_t n) { return n > INT64_MAX ? INT64_MAX : (int64_t)n; }

static const struct server_row *row_of(const struct settings *s)
{
	return s->subject ? server_row_find(s->subject->name) : NULL;
}

static bool is_known(const struct server_row *row) { return row && row->own.tls; }

static uint64_t open_connections(const struct host *h, const struct subject *s)
{
	CLEAN(listeners_free) struct listeners l = {0};
	CLEAN(free_pointer) struct connections *c = calloc(1, sizeof(*c));
	bool read = c && !listeners_read_tcp(h, &l, NULL) &&
		    !connections_read(h, &l, subject_receives, (void *)s, c, NULL);
	return read ? c->open : 0;
}

uint64_t connection_memory_least(const struct server_row *row) { return row ? row->own.idle : 0; }

void connection_memory_own(const struct server_row *row, uint64_t memory, struct taken *t)
{
	uint64_t seen = t->open >= SEEN ? memory / t->open : 0;
	t->own_busy = row ? row->own.busy : 0;
	t->own_most = is_known(row) ? row->own.tls : GUESS_BYTES;
	if (row && row->forks)
		t->own_most = UINT64_MAX;
	t->own_seen = seen && (!is_known(row) || seen < t->own_most);
	if (t->own_seen)
		t->own_most = seen > t->own_bytes ? seen : t->own_bytes;
}

void connection_memory_read(const struct host *h, bool limited, struct settings *s)
{
	const struct server_row *row = row_of(s);
	uint64_t memory = 0;
	s->taken.connection_bytes = host_connection_bytes(h);
	s->taken.basis = "by the size of its objects";
	s->taken.own_bytes = connection_memory_least(row);
	if (!s->subject || !limited || s->guest)
		return;
	s->taken.open = open_connections(h, s->subject);
	subject_memory_read(h, s->subject, &memory, NULL);
	connection_memory_own(row, memory, &s->taken);
}

uint64_t connection_memory_kernel(const struct settings *s)
{
	return s->taken.connection_bytes ? s->taken.connection_bytes : CONNECTION_BYTES;
}

/* Sockets of the target that are not open yet. */
static uint64_t missing(const struct target *target, const struct settings *s)
{
	struct target rest = *target;
	rest.connections -= s->taken.open < rest.connections ? s->taken.open : rest.connections;
	return target_sockets(&rest);
}

static uint64_t need(const struct target *target, const struct settings *s, uint64_t own)
{
	return times(missing(target, s), add(connection_memory_kernel(s), own));
}

static uint64_t need_most(const struct target *target, const struct settings *s)
{
	return missing(target, s)
		       ? add(need(target, s, s->taken.own_most), times(s->taken.open, PINNED_BYTES))
		       : 0;
}

void connection_memory_bound(const struct target *target, const struct settings *s,
			     struct bound *out)
{
	out->needed = bytes_of(need(target, s, s->taken.own_bytes));
	out->assumed = true;
	if (!s->taken.own_most)
		return;
	out->needed_most = bytes_of(need_most(target, s));
	out->unsure = !is_known(row_of(s));
}

uint64_t connection_memory_enough(const struct target *target, const struct settings *s,
				  int64_t left)
{
	bool bounded = s->taken.own_most && s->taken.own_most < UINT64_MAX;
	bool most = left >= bytes_of(need(target, s, s->taken.own_bytes));
	uint64_t own =
		s->taken.own_busy > s->taken.own_bytes ? s->taken.own_busy : s->taken.own_bytes;
	if (bounded && (most || !is_known(row_of(s))))
		return report_margin(need_most(target, s));
	return report_margin(need(target, s, own));
}

static void own_words(const struct settings *s, bool limited, struct wording *w)
{
	const struct taken *t = &s->taken;
	const struct server_row *row = row_of(s);
	char text[WORDING_TEXT];
	struct wording own = {0};
	bool is_said = s->subject ? t->own_most || is_known(row) : limited;
	wording_flag(&own, "named", s->subject);
	wording_set(&own, "server", "%s", is_known(row) ? row->name : "");
	wording_set(&own, "least", "%s", quantity_show(QUANTITY_SIZE, t->own_bytes).text);
	wording_set(&own, "most", "%s", quantity_show(QUANTITY_SIZE, t->own_most).text);
	wording_flag(&own, "range", t->own_most);
	wording_flag(&own, "bounded", t->own_most < UINT64_MAX);
	wording_flag(&own, "seen", t->own_seen);
	wording_set(&own, "open", "%s", t->open ? quantity_count(t->open).text : "");
	wording_fill(&own, server_own_memory, text, sizeof(text));
	wording_set(w, "own", "%s", is_said ? text : "");
}

void connection_memory_words(const struct settings *s, bool limited, struct wording *w)
{
	wording_set(w, "each", "%s",
		    quantity_show(QUANTITY_SIZE, connection_memory_kernel(s)).text);
	wording_set(w, "basis", "%s",
		    s->taken.connection_bytes ? s->taken.basis
					      : "as measured on Linux 6.18, not here");
	wording_flag(w, "range", s->taken.own_most);
	own_words(s, limited, w);
}
