/* delay_line: one direction of a path as data: packets wait for the link (pacing), then travel
 * (delay), then are due. Pure: no clock, no descriptors; time is what the caller passes.
 *
 *	A packet of n bytes that comes at t leaves the link at  f = max(t, f of the last) +
 *8n/bandwidth and is due at                                            f + delay
 *
 * so packets are due in the order in which they came. What would wait longer for the link than the
 * queue allows is dropped; with a loss, each packet is lost with that probability, drawn for every
 * packet from a seeded generator, so that a run can be repeated. */
#ifndef EPOLLTUNE_LAB_DELAY_LINE_H
#define EPOLLTUNE_LAB_DELAY_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest packet: a virtio_net_hdr and 64 KiB, which is what a TUN device with TSO passes. */
#define DELAY_LINE_PACKET ((size_t)65536 + 16)

struct delay_line_config {
	uint64_t delay_ns;
	uint64_t bandwidth_bps; /* 0: no pacing */
	uint64_t queue_bytes;   /* that may wait for the link; one packet always may */
	uint64_t header_bytes;  /* of each packet, that take no time on the link */
	double loss;            /* 0 to 1 */
	uint64_t seed;
};

enum delay_line_fate { DELAY_LINE_TAKEN, DELAY_LINE_DROPPED, DELAY_LINE_LOST };

struct delay_line {
	struct delay_line_config config;
	uint64_t queue_ns; /* the queue as time on the link; UINT64_MAX without pacing */
	uint64_t free_at;  /* when the link has sent all that it took */
	uint64_t random;
	unsigned char *memory;
	size_t size;
	size_t head, tail; /* offsets of the oldest packet and of the next one */
	size_t edge;       /* while wrapped: where the packets before the wrap end */
	bool wrapped;
	size_t count;
	unsigned char spare[DELAY_LINE_PACKET]; /* for a packet that finds the memory full */
	bool spared;
};

/* Memory that holds all which may be under way at a time, or 0 if that is beyond a size_t. Without
 * pacing, `assumed_bps` stands for the bandwidth. */
size_t delay_line_memory(const struct delay_line_config *config, uint64_t assumed_bps);
/* Uses `memory` (at least two longest packets, 8-byte aligned), which stays the caller's. */
void delay_line_init(struct delay_line *line, const struct delay_line_config *config, void *memory,
		     size_t size);
/* Where to put the next packet, DELAY_LINE_PACKET bytes; never NULL. Holds until the next push or
 * pop. */
void *delay_line_space(struct delay_line *line);
/* Sends what was put there, `length` bytes, at the time `now` (ns, never going back). */
enum delay_line_fate delay_line_push(struct delay_line *line, size_t length, uint64_t now);
/* When the next packet is due; UINT64_MAX when there is none. */
uint64_t delay_line_next(const struct delay_line *line);
/* The next packet, NULL if none is due at `now`. It stays until delay_line_pop(). */
const void *delay_line_peek(const struct delay_line *line, uint64_t now, size_t *length);
void delay_line_pop(struct delay_line *line);

#endif
