/* What a UDP datagram takes of a receive buffer. */
#include "epolltune/datagram.h"

#include <string.h>

#include "epolltune/catalogue.h"

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
/* What net/core/gro.c, napi_get_frags(), allocates beside a page, and that. */
#define PAGE_AND_HEAD (4096 + 512)
#define USUAL_MTU 1500

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

uint64_t datagram_card_truesize(uint64_t bytes, bool page)
{
	return truesize(bytes, page ? PAGE_AND_HEAD : HALF_PAGE);
}

struct datagram_taken datagram_taken(uint64_t bytes, bool page)
{
	uint64_t local = datagram_truesize(bytes), card = datagram_card_truesize(bytes, page);
	return (struct datagram_taken){local, card < local ? local : card};
}

/* Without ixgbe, which gives 4 KiB where LRO is on, and virtio_net, whose buffers grow with the
 * packets that come, up to a page. */
static const struct {
	const char *driver;
	unsigned since; /* the first kernel that does */
	bool jumbo;     /* by the size of the packet, also with a larger MTU */
} halves[] = {
	{"e1000e", 0, false},
	/* "net: ena: Add dynamic recycling mechanism for rx buffers"; before a page each. */
	{"ena", KERNEL(6, 5), true},
	{"hv_netvsc", 0, true},
	{"i40e", 0, false},
	{"iavf", 0, false},
	{"ice", 0, false},
	{"igb", 0, false},
	{"igc", 0, false},
	{"ixgbevf", 0, false},
	{"mlx5_core", 0, true},
	{"tg3", 0, false},
	{"vmxnet3", 0, false},
};

bool datagram_takes_page(const char *driver, uint64_t mtu, unsigned kernel)
{
	for (size_t i = 0; i < sizeof(halves) / sizeof(*halves); i++)
		if (!strcmp(driver, halves[i].driver))
			return kernel < halves[i].since || (mtu > USUAL_MTU && !halves[i].jumbo);
	return true;
}
