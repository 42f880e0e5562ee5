#include "lab/flow_memory.h"

#include <netinet/in.h>

#define IPV4_MIN 20
#define IPV6_HEADER 40
#define TCP_MIN 20
#define TCP_FLAGS 13
#define TCP_SYN 2

/* The TCP header; NULL: it is another protocol. */
static const unsigned char *tcp_of(const unsigned char *packet, size_t length)
{
	size_t header = 0;
	if (length >= IPV4_MIN && packet[0] >> 4 == 4 && packet[9] == IPPROTO_TCP)
		header = (size_t)(packet[0] & 15) * 4;
	else if (length >= IPV6_HEADER && packet[0] >> 4 == 6 && packet[6] == IPPROTO_TCP)
		header = IPV6_HEADER;
	return header && length >= header + TCP_MIN ? packet + header : NULL;
}

bool flow_memory_passes(struct flow_memory *f, const unsigned char *packet, size_t length,
			uint64_t now)
{
	const unsigned char *tcp = tcp_of(packet, length);
	if (!tcp)
		return true;
	unsigned source = (unsigned)tcp[0] << 8 | tcp[1], target = (unsigned)tcp[2] << 8 | tcp[3];
	uint64_t *last = &f->last[(source + target) & 0xffff];
	if (!(tcp[TCP_FLAGS] & TCP_SYN) && now - *last > f->idle_ns)
		return false;
	*last = now;
	return true;
}
