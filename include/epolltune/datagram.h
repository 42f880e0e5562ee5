/* datagram: what a UDP datagram with a payload of so many bytes takes of a receive buffer, headers
 * included. Pure. */
#pragma once

#include <stdint.h>

/* Where the sender's sk_buff is received (veth, loopback); of a larger one than fits into 1500
 * bytes, those of its fragments: SKB_TRUESIZE() of include/linux/skbuff.h, with a buffer that is
 * the small head since Linux 6.3, or a power of two. */
uint64_t datagram_truesize(uint64_t bytes);
/* Where a network card receives it: drivers such as ixgbe, igb, i40e and ice give each packet half
 * a page (build_skb()), and the kernel does not copy it to a smaller one. Others take more, for
 * jumbo frames a page or two. */
uint64_t datagram_card_truesize(uint64_t bytes);
