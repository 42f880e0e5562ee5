#include "judge/cost.h"

#include <stdint.h>

#include "epolltune/buffers.h"
#include "epolltune/probe.h"
#include "epolltune/quantity.h"

/* Of both ends of a client. */
#define CLIENT_FILES 2
#define CLIENT_BYTES 16384
/* What bulk connections take for each byte in flight, measured on 6.18 at windows of 1 to 19 MB:
 * TCP memory 4.8 to 6.7, and the process that delays their packets 4.4 to 6.3, which has a ring of
 * at most 256 MiB. */
#define FLOW_TIMES 7
#define RING_MAX (UINT64_C(256) << 20)

static uint64_t flow_tcp_bytes(const struct cost *c)
{
	uint64_t bytes;
	return __builtin_mul_overflow(c->flow_bytes, FLOW_TIMES, &bytes) ? UINT64_MAX / 2 : bytes;
}

/* Flows take it for seconds, one probe at a time: a quarter. */
static bool flows_fit(const struct cost *c, const struct machine *m)
{
	uint64_t tcp = flow_tcp_bytes(c), ring = tcp < RING_MAX ? tcp : RING_MAX;
	return !m->room_bytes || tcp + ring <= m->room_bytes / 4;
}

/* Half of what the sockets of the whole machine may take before the kernel limits all of them. By
 * default that begins at a sixteenth of the memory (net/ipv4/tcp.c, tcp_init_mem()), and tcp_mem is
 * not visible in a container. */
static bool tcp_memory_fits(const struct cost *c, const struct machine *m)
{
	uint64_t pressure = m->memory_bytes / 16, used = 0;
	if (!pressure)
		return true;
	if (m->tcp_pages > 0)
		used = (uint64_t)m->tcp_pages * (uint64_t)machine_quantum(m);
	return used <= pressure && flow_tcp_bytes(c) <= (pressure - used) / 2;
}

void cost_refusal(const struct cost *c, const struct machine *m, bool gentle, char why[COST_WHY])
{
	why[0] = 0;
	if (c->clients_max && c->clients > c->clients_max)
		report_text_into(why, COST_WHY, "the experiment sends at most %s clients",
				 quantity_show(QUANTITY_COUNT, c->clients_max).text);
	else if (gentle && (c->at_once > GENTLE_AT_ONCE || c->bytes_per_s > GENTLE_BYTES_PER_S))
		report_text_into(why, COST_WHY, GENTLE_REFUSES);
	else if (c->clients > machine_share(machine_files_left(m)) / CLIENT_FILES)
		report_text_into(why, COST_WHY,
				 "the experiment would use too many of the descriptors left "
				 "under fs.file-max");
	else if ((m->room_bytes && c->clients > machine_share(m->room_bytes) / CLIENT_BYTES) ||
		 !flows_fit(c, m))
		report_text_into(why, COST_WHY,
				 "the experiment would use too much of the available memory");
	else if (c->flow_bytes && !tcp_memory_fits(c, m))
		report_text_into(why, COST_WHY,
				 "the experiment would use too much of the TCP memory of the "
				 "machine (tcp_mem)");
}
