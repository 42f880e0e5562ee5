/* What a UDP datagram takes of a receive buffer. */
#include "epolltune/datagram.h"

/* On 64-bit machines: sizeof(struct sk_buff) and of struct skb_shared_info, aligned, the small head
 * (SKB_SMALL_HEAD_CACHE_SIZE), and the headers with the room before them. */
#define SKB 256
#define SHARED_INFO 320
#define SMALL_HEAD 576
#define HEADERS 64
/* Of IPv4 over Ethernet: what the first fragment carries, and the others. */
#define FRAGMENT 1480
/* Of a card's driver. */
#define HALF_PAGE 2048

static uint64_t truesize(uint64_t bytes, uint64_t smallest)
{
	uint64_t rest = bytes + 8, sum = 0;
	do {
		uint64_t part = rest > FRAGMENT ? FRAGMENT : rest, head = smallest;
		for (uint64_t size = 1024; head < part + HEADERS + SHARED_INFO; size *= 2)
			head = size;
		sum += head + SKB;
		rest -= part;
	} while (rest);
	return sum;
}

uint64_t datagram_truesize(uint64_t bytes) { return truesize(bytes, SMALL_HEAD); }

uint64_t datagram_card_truesize(uint64_t bytes) { return truesize(bytes, HALF_PAGE); }
