/* Buffers that an application has set itself, by its listener and the connections to that. */
#include <stdlib.h>

#include "epolltune/buffers.h"
#include "epolltune/cleanup.h"
#include "epolltune/sysctls.h"

static const char *const triples[BUFFER_SIDES] = {
	[BUFFER_RECEIVE] = "net.ipv4.tcp_rmem", [BUFFER_SEND] = "net.ipv4.tcp_wmem"};
/* The second field is not set lower in practice. */
static const int64_t usual_min[BUFFER_SIDES] = {[BUFFER_RECEIVE] = 65536, [BUFFER_SEND] = 16384};
/* Twice ten segments of the smallest usual MSS with their headers: from the handshake on an
 * autotuned send buffer is larger (tcp_sndbuf_expand()). */
#define SEND_BEGINS 25600

/* As tcp_select_initial_window() scales the window of a buffer of that size. */
static int scale_of(int64_t bytes)
{
	int scale = 0;
	while (scale < 14 && bytes >> (scale + 16))
		scale++;
	return scale;
}

/* The scale follows the third field, or the size of a buffer that was set. */
static enum buffer_origin receive_origin(int64_t bytes, int64_t third,
					 const struct connection_states *c)
{
	enum buffer_origin origin = BUFFER_UNSURE;
	for (size_t i = 0; i < c->count; i++) {
		const struct connection_state *s = &c->at[i];
		if ((int64_t)s->receive_buffer > bytes || s->receive_scale > scale_of(bytes))
			return BUFFER_AUTOTUNED;
		if (s->receive_scale >= 0 && s->receive_scale < scale_of(third))
			origin = BUFFER_SET;
	}
	return origin;
}

static enum buffer_origin send_origin(int64_t bytes, int64_t third,
				      const struct connection_states *c)
{
	for (size_t i = 0; i < c->count; i++)
		if ((int64_t)c->at[i].send_buffer > bytes)
			return BUFFER_AUTOTUNED;
	return c->count && bytes < SEND_BEGINS && bytes < third ? BUFFER_SET : BUFFER_UNSURE;
}

enum buffer_origin buffer_origin(enum buffer_side side, int64_t bytes, const int64_t triple[3],
				 const struct connection_states *c)
{
	bool usual = bytes == triple[1] || sysctl_is_own(triples[side], 1, bytes);
	if (!bytes || triple[2] == REPORT_NONE || (usual && side == BUFFER_RECEIVE))
		return BUFFER_AUTOTUNED;
	enum buffer_origin seen = side == BUFFER_SEND ? send_origin(bytes, triple[2], c)
						      : receive_origin(bytes, triple[2], c);
	if (seen != BUFFER_UNSURE)
		return seen;
	return usual ? BUFFER_AUTOTUNED : bytes < usual_min[side] ? BUFFER_SET : BUFFER_UNSURE;
}

static int64_t buffer_of(const struct listener *l, enum buffer_side side)
{
	return side == BUFFER_SEND ? l->send_buffer : l->receive_buffer;
}

static bool is_same(const struct listener *l, void *smallest)
{
	const struct listener *s = smallest;
	return l->cookie == s->cookie;
}

void buffer_fixed_read(const struct host *h, enum buffer_side side, struct settings *s)
{
	CLEAN(listeners_free) struct listeners all = {0};
	CLEAN(free_pointer) struct connection_states *c = calloc(1, sizeof(*c));
	struct listener *smallest = NULL;
	if (!s->subject || s->guest || !c || listeners_read_tcp(h, &all, NULL))
		return;
	for (size_t i = 0; i < all.count; i++)
		if (subject_receives(&all.at[i], (void *)s->subject) &&
		    (!smallest || buffer_of(&all.at[i], side) < buffer_of(smallest, side)))
			smallest = &all.at[i];
	if (!smallest)
		return;
	/* Without its connections, as in a capture, the listener alone shows it. */
	connections_states(h, &all, is_same, smallest, c, NULL);
	int64_t bytes = buffer_of(smallest, side);
	switch (buffer_origin(side, bytes, s->at[BUFFER_TRIPLE], c)) {
	case BUFFER_AUTOTUNED:
		return;
	case BUFFER_SET:
		s->at[BUFFER_FIXED][0] = bytes;
		report_text(s->text[BUFFER_FIXED], "%lld", (long long)bytes / 2);
		return;
	case BUFFER_UNSURE:
		s->at[BUFFER_FIXED][1] = bytes;
	}
}
