/* delay_line: one direction of a path as data: packets wait for the link (pacing), travel (delay),
 * then are due. Pure: no clock, no descriptors; the caller passes the time.
 *
 * A packet of n bytes that arrives at t leaves the link at f and is due at f + delay, where
 *
 *	f = max(t, f of the packet before) + 8 n / bandwidth
 *
 * so packets are due in the order of arrival. A packet that would wait for the link longer than the
 * queue allows is dropped. A seeded generator draws the losses, so runs are repeatable. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Maximum packet: a virtio_net_hdr and 64 KiB, as a TUN device with TSO passes them. */
#define DELAY_LINE_PACKET ((size_t)65536 + 16)

struct delay_line_config {
	uint64_t delay_ns;
	uint64_t bandwidth_bps; /* 0: no pacing */
	uint64_t queue_bytes;   /* bytes that may wait for the link; one packet always may */
	uint64_t header_bytes;  /* per packet, excluded from the time on the link */
	double loss;            /* 0 to 1 */
	uint64_t seed;
};

enum delay_line_fate { DELAY_LINE_TAKEN, DELAY_LINE_DROPPED, DELAY_LINE_LOST };

struct delay_line {
	struct delay_line_config config;
	uint64_t queue_ns; /* the queue as time on the link; UINT64_MAX without pacing */
	uint64_t free_at;  /* when the link has sent every packet it took */
	uint64_t random;
	unsigned char *memory;
	size_t size;
	size_t head, tail; /* offsets of the oldest packet and of the next one */
	size_t edge;       /* while wrapped: where the packets before the wrap end */
	bool wrapped;
	size_t count;
	unsigned char spare[DELAY_LINE_PACKET]; /* takes a packet while the memory is full */
	bool in_spare;
};

/* Bytes that hold all packets in flight, or 0 if a size_t is too small. Without pacing,
 * `assumed_bps` is the bandwidth. */
size_t delay_line_memory(const struct delay_line_config *config, uint64_t assumed_bps);
/* Uses `memory` (room for two maximum packets at least, 8-byte aligned), which the caller owns. */
void delay_line_init(struct delay_line *line, const struct delay_line_config *config, void *memory,
		     size_t size);
/* Buffer for the next packet, DELAY_LINE_PACKET bytes; never NULL. Valid until the next push or
 * pop. */
void *delay_line_space(struct delay_line *line);
/* Sends `length` bytes of that buffer at the time `now` (ns, monotonic). */
enum delay_line_fate delay_line_push(struct delay_line *line, size_t length, uint64_t now);
/* Due time of the next packet; UINT64_MAX if there is none. */
uint64_t delay_line_next(const struct delay_line *line);
/* The next packet, or NULL if none is due at `now`. Valid until delay_line_pop(). */
const void *delay_line_peek(const struct delay_line *line, uint64_t now, size_t *length);
void delay_line_pop(struct delay_line *line);
