/* A ring of packets with due times, and the pacing of the link. */
#include "lab/delay_line.h"

#define NS 1000000000u

struct packet {
	uint64_t due;
	uint32_t length;
	uint32_t stride; /* to the next packet */
	unsigned char data[];
};

#define ALIGN ((size_t)16)
#define SLOT (sizeof(struct packet) + DELAY_LINE_PACKET)

static size_t rounded(size_t size) { return (size + ALIGN - 1) & ~(ALIGN - 1); }

/* SplitMix64 (Steele, Lea, Flood 2014): accepts any seed, 0 included. */
static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static double random_share(uint64_t *state) { return (double)(random_next(state) >> 11) * 0x1p-53; }

static double time_on_link(double bytes, uint64_t bandwidth_bps)
{
	return bandwidth_bps ? bytes * 8 * NS / (double)bandwidth_bps : 0;
}

size_t delay_line_memory(const struct delay_line_config *config, uint64_t assumed_bps)
{
	uint64_t bps = config->bandwidth_bps ? config->bandwidth_bps : assumed_bps;
	double bytes =
		(double)bps / 8 * (double)config->delay_ns / NS + (double)config->queue_bytes;
	/* Half more for the records of short packets; slots for the wrap and the next one. */
	bytes += bytes / 2 + 4 * SLOT;
	return bytes > (double)(SIZE_MAX / 4) ? 0 : rounded((size_t)bytes);
}

void delay_line_init(struct delay_line *line, const struct delay_line_config *config, void *memory,
		     size_t size)
{
	line->config = *config;
	double queue_ns = time_on_link((double)config->queue_bytes, config->bandwidth_bps);
	bool bound = config->bandwidth_bps && queue_ns < (double)(UINT64_MAX / 4);
	line->queue_ns = bound ? (uint64_t)queue_ns : UINT64_MAX;
	line->free_at = 0;
	line->random = config->seed;
	line->memory = memory;
	line->size = size;
	line->head = line->tail = line->edge = 0;
	line->wrapped = false;
	line->count = 0;
	line->in_spare = false;
}

static struct packet *packet_at(const struct delay_line *line, size_t offset)
{
	return (void *)(line->memory + offset);
}

void *delay_line_space(struct delay_line *line)
{
	if (line->count == 0) {
		/* Back to the start: a nearly empty line touches little memory. */
		line->head = line->tail = 0;
		line->wrapped = false;
	}
	if (!line->wrapped && line->size - line->tail < SLOT && line->head >= SLOT) {
		line->edge = line->tail;
		line->tail = 0;
		line->wrapped = true;
	}
	size_t room = (line->wrapped ? line->head : line->size) - line->tail;
	line->in_spare = room < SLOT;
	return line->in_spare ? line->spare : packet_at(line, line->tail)->data;
}

enum delay_line_fate delay_line_push(struct delay_line *line, size_t length, uint64_t now)
{
	const struct delay_line_config *c = &line->config;
	if (c->loss > 0 && random_share(&line->random) < c->loss)
		return DELAY_LINE_LOST;
	uint64_t start = line->free_at > now ? line->free_at : now;
	if (line->in_spare || start - now > line->queue_ns)
		return DELAY_LINE_DROPPED;
	uint64_t bytes = length > c->header_bytes ? length - c->header_bytes : 0;
	line->free_at = start + (uint64_t)time_on_link((double)bytes, c->bandwidth_bps);
	struct packet *p = packet_at(line, line->tail);
	p->due = line->free_at + c->delay_ns;
	p->length = (uint32_t)length;
	p->stride = (uint32_t)rounded(sizeof(*p) + length);
	line->tail += p->stride;
	line->count++;
	return DELAY_LINE_TAKEN;
}

uint64_t delay_line_next(const struct delay_line *line)
{
	return line->count ? packet_at(line, line->head)->due : UINT64_MAX;
}

const void *delay_line_peek(const struct delay_line *line, uint64_t now, size_t *length)
{
	if (delay_line_next(line) > now)
		return NULL;
	const struct packet *p = packet_at(line, line->head);
	*length = p->length;
	return p->data;
}

void delay_line_pop(struct delay_line *line)
{
	line->head += packet_at(line, line->head)->stride;
	line->count--;
	if (line->wrapped && line->head == line->edge) {
		line->head = 0;
		line->wrapped = false;
	}
}
