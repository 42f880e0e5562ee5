/* datagram: what a UDP datagram with a payload of so many bytes takes of a receive buffer, headers
 * included. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the sender's sk_buff is received (veth, loopback); of a larger one than fits into 1500
 * bytes, those of its fragments: SKB_TRUESIZE() of include/linux/skbuff.h, with a buffer that is
 * the small head since Linux 6.3, or a power of two. */
uint64_t datagram_truesize(uint64_t bytes);
/* Where a network card receives it: drivers such as igb, i40e and ice give each packet half a page
 * (build_skb()), and the kernel does not copy it to a smaller one. `page`: at most where the driver
 * gives a page beside a small head. */
uint64_t datagram_card_truesize(uint64_t bytes, bool page);
/* The same of both, from a card at least what it takes where no card is between. */
struct datagram_taken {
	uint64_t local, card;
};
struct datagram_taken datagram_taken(uint64_t bytes, bool page);
/* Whether a driver is not known to give a packet of this MTU (0: unknown) half a page or less on
 * this kernel, KERNEL(). */
bool datagram_takes_page(const char *driver, uint64_t mtu, unsigned kernel);
