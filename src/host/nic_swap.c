/* Recordings of a machine with the other byte order. */
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>

#include "host/nic_reply.h"

#define TYPE 0x3fff /* NLA_TYPE_MASK, of 16 bits */

enum content { BYTES, NUMBER, WORDS, LONGS, NEST };

/* What an attribute that nic_reply.c reads holds, `depth` nests down; others may stay as they are.
 */
static enum content link_content(unsigned depth, uint16_t type)
{
	switch (depth ? IFLA_UNSPEC : type) {
	case IFLA_MASTER:
	case IFLA_LINK:
	case IFLA_MTU:
	case IFLA_TXQLEN:
	case IFLA_NUM_RX_QUEUES:
	case IFLA_NUM_TX_QUEUES:
		return NUMBER;
	case IFLA_STATS64:
		return LONGS;
	case IFLA_LINKINFO:
		return NEST;
	default:
		return BYTES;
	}
}

static enum content content_of(enum nic_request what, unsigned depth, uint16_t type)
{
	if (what == NIC_LINKS)
		return link_content(depth, type);
	if (what == NIC_QUEUES || what == NIC_NAPIS || what == NIC_QSTATS)
		return NUMBER;
	/* Bit sets: a nest of bits, each a nest of index, name and flag. */
	if (what == NIC_FEATURES && (depth == 1 ? type == ETHTOOL_A_BITSET_BITS : depth < 3))
		return NEST;
	/* Attribute 1 of every reply of the family is the header. */
	if (depth)
		return type == ETHTOOL_A_HEADER_DEV_INDEX ? NUMBER : BYTES;
	if (type == ETHTOOL_A_RINGS_HEADER)
		return NEST;
	if (what == NIC_RSS && type == RSS_INDIR)
		return WORDS;
	if (what == NIC_RSS)
		return type == RSS_CONTEXT ? NUMBER : BYTES;
	return what != NIC_LINKMODES || type == ETHTOOL_A_LINKMODES_SPEED ? NUMBER : BYTES;
}

static void reverse(unsigned char *at, size_t size)
{
	for (size_t i = 0; i < size / 2; i++) {
		unsigned char byte = at[i];
		at[i] = at[size - 1 - i];
		at[size - 1 - i] = byte;
	}
}

static void reverse_each(unsigned char *at, size_t size, size_t width)
{
	for (; size >= width; at += width, size -= width)
		reverse(at, width);
}

/* The headers too have the size of a multiple of four. */
static size_t aligned(size_t length) { return (length + 3) & ~(size_t)3; }

static void attributes_swap(enum nic_request what, unsigned depth, unsigned char *at, size_t size)
{
	while (size >= sizeof(struct nlattr)) {
		struct nlattr a;
		reverse_each(at, sizeof(a), sizeof(a.nla_len));
		memcpy(&a, at, sizeof(a));
		if (a.nla_len < sizeof(a) || a.nla_len > size)
			return;
		unsigned char *data = at + sizeof(a);
		size_t length = a.nla_len - sizeof(a);
		switch (content_of(what, depth, a.nla_type & TYPE)) {
		case BYTES:
			break;
		case NUMBER:
			reverse(data, length);
			break;
		case WORDS:
			reverse_each(data, length, sizeof(uint32_t));
			break;
		case LONGS:
			reverse_each(data, length, sizeof(uint64_t));
			break;
		case NEST:
			attributes_swap(what, depth + 1, data, length);
			break;
		}
		size_t step = aligned(a.nla_len);
		if (step >= size)
			return;
		at += step;
		size -= step;
	}
}

void reply_swap(enum nic_request what, struct reply *r)
{
	size_t header = what == NIC_LINKS ? sizeof(struct ifinfomsg) : GENL_HDRLEN;
	for (size_t at = 0; r->size - at >= sizeof(struct nlmsghdr);) {
		unsigned char *start = r->data + at, *data = start + sizeof(struct nlmsghdr);
		struct nlmsghdr m;
		reverse(start, sizeof(m.nlmsg_len));
		reverse_each(start + offsetof(struct nlmsghdr, nlmsg_type), 4, 2);
		reverse_each(start + offsetof(struct nlmsghdr, nlmsg_seq), 8, 4);
		memcpy(&m, start, sizeof(m));
		if (m.nlmsg_len < sizeof(m) || m.nlmsg_len > r->size - at)
			return;
		if (m.nlmsg_type >= NLMSG_MIN_TYPE && m.nlmsg_len >= sizeof(m) + header) {
			if (what == NIC_LINKS) {
				reverse(data + offsetof(struct ifinfomsg, ifi_type), 2);
				reverse_each(data + offsetof(struct ifinfomsg, ifi_index), 12, 4);
			}
			attributes_swap(what, 0, data + header, m.nlmsg_len - sizeof(m) - header);
		}
		size_t step = aligned(m.nlmsg_len);
		if (step >= r->size - at)
			return;
		at += step;
	}
}
