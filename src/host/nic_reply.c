/* Parsers of netlink replies about interfaces. */
#include "host/nic_reply.h"

#include "base/array.h"
#include "host/compat.h"
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/gen_stats.h>
#include <linux/genetlink.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEATURES_MAX 512 /* the kernel has about 64 */

void *nic_array_add(void *array, size_t *count, size_t size, struct err *e)
{
	void *element = array_add(array, count, size);
	if (!element)
		err_set(e, ENOMEM, "cannot read the interfaces: out of memory");
	return element;
}

struct nic_queue *nic_queue_get(struct nic *n, enum nic_direction direction, uint32_t id,
				struct err *e)
{
	for (size_t i = 0; i < n->queue_count; i++)
		if (n->queues[i].direction == direction && n->queues[i].id == id)
			return &n->queues[i];
	struct nic_queue *q = nic_array_add(&n->queues, &n->queue_count, sizeof(*q), e);
	if (q)
		*q = (struct nic_queue){.direction = direction, .id = id};
	return q;
}

void reply_free(struct reply *r)
{
	free(r->data);
	*r = (struct reply){0};
}

void nic_release(struct nic *n)
{
	for (size_t i = 0; i < n->queue_count; i++)
		free(n->queues[i].cpus);
	for (size_t i = 0; i < n->irq_count; i++) {
		free(n->irqs[i].affinity);
		free(n->irqs[i].effective);
	}
	free(n->features);
	free(n->counters);
	free(n->queues);
	free(n->napis);
	free(n->qdiscs);
	free(n->irqs);
	*n = (struct nic){0};
}

/* An unsigned integer of any width: the netdev family uses 4 or 8 bytes depending on the value. */
static struct nic_number number(const struct nlattr *a)
{
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	struct nic_number none = {0};
	if (!a)
		return none;
	switch (nla_len(a)) {
	case 1:
		memcpy(&u8, nla_data(a), sizeof(u8));
		return (struct nic_number){true, u8};
	case 2:
		memcpy(&u16, nla_data(a), sizeof(u16));
		return (struct nic_number){true, u16};
	case 4:
		memcpy(&u32, nla_data(a), sizeof(u32));
		return (struct nic_number){true, u32};
	case 8:
		memcpy(&u64, nla_data(a), sizeof(u64));
		return (struct nic_number){true, u64};
	default:
		return none;
	}
}

/* Copies a name, truncated to the field; other bytes than printable ASCII become "?". */
static void name_take(char *field, size_t size, const struct nlattr *a)
{
	field[0] = 0;
	if (!a || nla_len(a) < 1)
		return;
	const char *from = nla_data(a);
	size_t n = strnlen(from, (size_t)nla_len(a));
	n = n < size ? n : size - 1;
	for (size_t i = 0; i < n; i++)
		field[i] = from[i] > ' ' && from[i] < 0x7f ? from[i] : '?';
	field[n] = 0;
}

/* Checks a name as net/core/dev.c, dev_valid_name() does: it becomes part of paths. */
static bool link_name(char name[NIC_NAME], const struct nlattr *a)
{
	if (!a || nla_len(a) < 2)
		return false;
	const char *from = nla_data(a);
	size_t n = strnlen(from, (size_t)nla_len(a));
	if (n == 0 || n >= NIC_NAME || (from[0] == '.' && (n == 1 || (from[1] == '.' && n == 2))))
		return false;
	for (size_t i = 0; i < n; i++)
		if (from[i] == '/' || from[i] == ':' || (unsigned char)from[i] <= ' ')
			return false;
	memcpy(name, from, n);
	name[n] = 0;
	return true;
}

static bool parse(struct nlattr *tb[], int max, const struct nlmsghdr *m, size_t header)
{
	if (nlmsg_datalen(m) < (int)header)
		return false;
	return nla_parse(tb, max, nlmsg_attrdata(m, (int)header), nlmsg_attrlen(m, (int)header),
			 NULL) == 0;
}

static bool parse_nested(struct nlattr *tb[], int max, const struct nlattr *a)
{
	return a && nla_parse(tb, max, nla_data(a), nla_len(a), NULL) == 0;
}

/* The next message of a reply that is not a control message. */
static const struct nlmsghdr *next_message(const struct reply *r, size_t *at)
{
	while (*at + sizeof(struct nlmsghdr) <= r->size) {
		const struct nlmsghdr *m = (const void *)(r->data + *at);
		if (m->nlmsg_len < sizeof(*m) || m->nlmsg_len > r->size - *at)
			return NULL;
		*at += NLMSG_ALIGN((size_t)m->nlmsg_len);
		if (m->nlmsg_type >= NLMSG_MIN_TYPE)
			return m;
	}
	return NULL;
}

static void take_statistics(struct nic_statistics *s, const struct nlattr *a)
{
#define STATISTIC(member)                                                                          \
	{                                                                                          \
		offsetof(struct rtnl_link_stats64, member),                                        \
			offsetof(struct nic_statistics, member)                                    \
	}
	static const struct {
		size_t from, to;
	} map[] = {
		STATISTIC(rx_packets),     STATISTIC(tx_packets),       STATISTIC(rx_bytes),
		STATISTIC(tx_bytes),       STATISTIC(rx_errors),        STATISTIC(tx_errors),
		STATISTIC(rx_dropped),     STATISTIC(tx_dropped),       STATISTIC(rx_over_errors),
		STATISTIC(rx_fifo_errors), STATISTIC(rx_missed_errors), STATISTIC(rx_nohandler),
	};
#undef STATISTIC
	for (size_t i = 0; a && i < sizeof(map) / sizeof(*map); i++) {
		struct nic_number *to = (struct nic_number *)((char *)s + map[i].to);
		if ((size_t)nla_len(a) < map[i].from + sizeof(uint64_t))
			continue;
		memcpy(&to->value, (const char *)nla_data(a) + map[i].from, sizeof(uint64_t));
		to->known = true;
	}
}

static void take_address(char text[24], const struct nlattr *a)
{
	unsigned char b[6];
	text[0] = 0;
	if (!a || nla_len(a) != (int)sizeof(b))
		return;
	memcpy(b, nla_data(a), sizeof(b));
	if (b[0] | b[1] | b[2] | b[3] | b[4] | b[5])
		snprintf(text, 24, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
			 b[5]);
}

int reply_links(const struct reply *r, struct nics *out, struct err *e)
{
	size_t at = 0;
	const struct nlmsghdr *m;
	while ((m = next_message(r, &at))) {
		struct nlattr *tb[LINK_MAX + 1], *info[IFLA_INFO_MAX + 1];
		char name[NIC_NAME];
		if (m->nlmsg_type != RTM_NEWLINK ||
		    !parse(tb, LINK_MAX, m, sizeof(struct ifinfomsg)) ||
		    !link_name(name, tb[IFLA_IFNAME]))
			continue;
		const struct ifinfomsg *link = nlmsg_data(m);
		if (link->ifi_index <= 0)
			continue;
		struct nic *n = nic_array_add(&out->at, &out->count, sizeof(*n), e);
		if (!n)
			return -ENOMEM;
		memcpy(n->name, name, sizeof(name));
		n->index = (uint32_t)link->ifi_index;
		n->up = link->ifi_flags & IFF_UP;
		n->running = link->ifi_flags & IFF_RUNNING;
		n->physical = tb[LINK_PARENT_DEV_NAME]; /* Linux 5.14; also in sysfs */
		name_take(n->qdisc, sizeof(n->qdisc), tb[IFLA_QDISC]);
		if (parse_nested(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO]))
			name_take(n->kind, sizeof(n->kind), info[IFLA_INFO_KIND]);
		n->master = (uint32_t)number(tb[IFLA_MASTER]).value;
		/* The other end of a veth pair is not below it, and may be in another namespace. */
		if (!strcmp(n->kind, "veth"))
			n->peer = (uint32_t)number(tb[IFLA_LINK]).value;
		else if (!tb[IFLA_LINK_NETNSID])
			n->below = (uint32_t)number(tb[IFLA_LINK]).value;
		take_address(n->address, tb[IFLA_ADDRESS]);
		take_address(n->permanent, tb[IFLA_PERM_ADDRESS]); /* Linux 5.6 */
		n->link.mtu = number(tb[IFLA_MTU]);
		n->link.tx_queue_len = number(tb[IFLA_TXQLEN]);
		n->link.rx_queues = number(tb[IFLA_NUM_RX_QUEUES]);
		n->link.tx_queues = number(tb[IFLA_NUM_TX_QUEUES]);
		take_statistics(&n->statistics, tb[IFLA_STATS64]);
	}
	return 0;
}

int reply_qdiscs(const struct reply *r, struct nics *n, struct err *e)
{
	size_t at = 0;
	const struct nlmsghdr *m;
	while ((m = next_message(r, &at))) {
		struct nlattr *tb[TCA_MAX + 1], *stats[TCA_STATS_MAX + 1];
		struct gnet_stats_queue queue;
		if (m->nlmsg_type != RTM_NEWQDISC || !parse(tb, TCA_MAX, m, sizeof(struct tcmsg)))
			continue;
		const struct tcmsg *tc = nlmsg_data(m);
		if (!parse_nested(stats, TCA_STATS_MAX, tb[TCA_STATS2]) ||
		    !stats[TCA_STATS_QUEUE] ||
		    (size_t)nla_len(stats[TCA_STATS_QUEUE]) < sizeof(queue))
			continue;
		memcpy(&queue, nla_data(stats[TCA_STATS_QUEUE]), sizeof(queue));
		for (size_t i = 0; i < n->count; i++) {
			struct nic *nic = &n->at[i];
			if (nic->index != (uint32_t)tc->tcm_ifindex)
				continue;
			struct nic_qdisc *q = &nic->filters; /* it has no queue */
			if (tc->tcm_parent != TC_H_INGRESS)
				q = nic_array_add(&nic->qdiscs, &nic->qdisc_count, sizeof(*q), e);
			if (!q)
				return -ENOMEM;
			name_take(q->kind, sizeof(q->kind), tb[TCA_KIND]);
			q->handle = tc->tcm_handle;
			q->parent = tc->tcm_parent;
			q->drops = queue.drops;
		}
	}
	return 0;
}

/* Rings, channels, coalescing: copies each attribute to the field with its number. */
static void take_fields(enum nic_group group, struct nlattr *tb[], int max, struct nic *n)
{
	for (size_t i = 0; i < nic_field_count; i++) {
		const struct nic_field *f = &nic_fields[i];
		if (!f->attribute || f->attribute > max || f->group != group)
			continue;
		struct nic_number v = number(tb[f->attribute]);
		if (v.known)
			*(struct nic_number *)((char *)n + f->offset) = v;
	}
}

static void take_rings(struct nlattr *tb[], int max, struct nic *n)
{
	take_fields(GROUP_RINGS, tb, max, n);
	/* ETHTOOL_TCP_DATA_SPLIT_UNKNOWN, _DISABLED, _ENABLED */
	struct nic_number *split = &n->rings.tcp_data_split;
	if (split->known) {
		split->known = split->value == 1 || split->value == 2;
		split->value = split->value == 2;
	}
}

static void take_speed(struct nlattr *tb[], struct nic *n)
{
	struct nic_number speed = number(tb[ETHTOOL_A_LINKMODES_SPEED]);
	if (speed.known && speed.value != (uint32_t)SPEED_UNKNOWN && speed.value)
		n->link.speed = speed;
}

static struct nic_feature *feature_find(struct nic *n, const char *name)
{
	for (size_t i = 0; i < n->feature_count; i++)
		if (!strcmp(n->features[i].name, name))
			return &n->features[i];
	return NULL;
}

enum bitset { BITSET_HW, BITSET_WANTED, BITSET_ACTIVE, BITSET_NOCHANGE };

/* Verbose bit set: with a mask every bit is listed and a flag marks those that are set; without a
 * mask only set bits are listed (Documentation/networking/ethtool-netlink.rst, "Bit sets"). */
static int take_bitset(enum bitset which, const struct nlattr *set, struct nic *n, struct err *e)
{
	struct nlattr *tb[ETHTOOL_A_BITSET_MAX + 1], *bit[ETHTOOL_A_BITSET_BIT_MAX + 1];
	if (!parse_nested(tb, ETHTOOL_A_BITSET_MAX, set) || !tb[ETHTOOL_A_BITSET_BITS])
		return 0;
	struct nlattr *a;
	int left;
	nla_for_each_nested(a, tb[ETHTOOL_A_BITSET_BITS], left)
	{
		struct nic_feature f = {0};
		if (!parse_nested(bit, ETHTOOL_A_BITSET_BIT_MAX, a))
			continue;
		name_take(f.name, sizeof(f.name), bit[ETHTOOL_A_BITSET_BIT_NAME]);
		bool on = tb[ETHTOOL_A_BITSET_NOMASK] || bit[ETHTOOL_A_BITSET_BIT_VALUE];
		struct nic_feature *at = feature_find(n, f.name);
		if (!f.name[0] || (!at && n->feature_count >= FEATURES_MAX))
			continue;
		if (!at) {
			at = nic_array_add(&n->features, &n->feature_count, sizeof(*at), e);
			if (!at)
				return -ENOMEM;
			*at = f;
		}
		if (which == BITSET_HW)
			at->changeable = on;
		else if (which == BITSET_WANTED)
			at->wanted = on;
		else if (which == BITSET_ACTIVE)
			at->active = on;
		else if (on)
			at->changeable = false;
	}
	return 0;
}

static int take_features(struct nlattr *tb[], struct nic *n, struct err *e)
{
	static const unsigned attribute[] = {
		[BITSET_HW] = ETHTOOL_A_FEATURES_HW,
		[BITSET_WANTED] = ETHTOOL_A_FEATURES_WANTED,
		[BITSET_ACTIVE] = ETHTOOL_A_FEATURES_ACTIVE,
		[BITSET_NOCHANGE] = ETHTOOL_A_FEATURES_NOCHANGE,
	};
	for (enum bitset i = BITSET_HW; i <= BITSET_NOCHANGE; i++) {
		int r = take_bitset(i, tb[attribute[i]], n, e);
		if (r < 0)
			return r;
	}
	return 0;
}

void rss_count(struct nic_rss *rss, const void *table, size_t entries)
{
	bool seen[NIC_QUEUES_MAX] = {false};
	uint64_t queues = 0;
	for (size_t i = 0; i < entries; i++) {
		uint32_t queue;
		memcpy(&queue, (const char *)table + i * sizeof(queue), sizeof(queue));
		if (queue >= NIC_QUEUES_MAX || seen[queue])
			continue;
		seen[queue] = true;
		queues++;
	}
	rss->table_size = (struct nic_number){true, entries};
	rss->queues = (struct nic_number){entries > 0, queues};
}

static void take_rss(struct nlattr *tb[], struct nic *n)
{
	const struct nlattr *table = tb[RSS_INDIR];
	struct nic_number context = number(tb[RSS_CONTEXT]);
	if (!table || (context.known && context.value))
		return;
	rss_count(&n->rss, nla_data(table), (size_t)nla_len(table) / sizeof(uint32_t));
}

static int take_queue(struct nlattr *tb[], struct nic *n, struct err *e)
{
	struct nic_number id = number(tb[NETDEV_A_QUEUE_ID]);
	struct nic_number type = number(tb[NETDEV_A_QUEUE_TYPE]);
	if (!id.known || id.value >= NIC_QUEUES_MAX || !type.known || type.value > NIC_TX)
		return 0;
	struct nic_queue *q =
		nic_queue_get(n, (enum nic_direction)type.value, (uint32_t)id.value, e);
	if (!q)
		return -ENOMEM;
	q->napi = number(tb[NETDEV_A_QUEUE_NAPI_ID]);
	return 0;
}

static int take_napi(struct nlattr *tb[], struct nic *n, struct err *e)
{
	struct nic_number id = number(tb[NETDEV_A_NAPI_ID]);
	if (!id.known || id.value > UINT32_MAX)
		return 0;
	struct nic_napi *napi = nic_array_add(&n->napis, &n->napi_count, sizeof(*napi), e);
	if (!napi)
		return -ENOMEM;
	napi->id = (uint32_t)id.value;
	napi->irq = number(tb[NETDEV_A_NAPI_IRQ]);
	napi->pid = number(tb[NETDEV_A_NAPI_PID]);
	napi->defer_hard_irqs = number(tb[NETDEV_A_NAPI_DEFER_HARD_IRQS]);
	napi->gro_flush_timeout = number(tb[NETDEV_A_NAPI_GRO_FLUSH_TIMEOUT]);
	napi->irq_suspend_timeout = number(tb[NETDEV_A_NAPI_IRQ_SUSPEND_TIMEOUT]);
	napi->threaded = number(tb[NETDEV_A_NAPI_THREADED]);
	return 0;
}

static int take_qstats(struct nlattr *tb[], struct nic *n, struct err *e)
{
	struct nic_number id = number(tb[NETDEV_A_QSTATS_QUEUE_ID]);
	struct nic_number type = number(tb[NETDEV_A_QSTATS_QUEUE_TYPE]);
	if (!id.known || id.value >= NIC_QUEUES_MAX || !type.known || type.value > NIC_TX)
		return 0;
	bool rx = type.value == NIC_RX;
	struct nic_queue *q = nic_queue_get(n, rx ? NIC_RX : NIC_TX, (uint32_t)id.value, e);
	if (!q)
		return -ENOMEM;
	q->packets = number(tb[rx ? NETDEV_A_QSTATS_RX_PACKETS : NETDEV_A_QSTATS_TX_PACKETS]);
	q->bytes = number(tb[rx ? NETDEV_A_QSTATS_RX_BYTES : NETDEV_A_QSTATS_TX_BYTES]);
	q->hw_drops = number(tb[rx ? NETDEV_A_QSTATS_RX_HW_DROPS : NETDEV_A_QSTATS_TX_HW_DROPS]);
	q->hw_drop_ratelimits = number(tb[rx ? NETDEV_A_QSTATS_RX_HW_DROP_RATELIMITS
					     : NETDEV_A_QSTATS_TX_HW_DROP_RATELIMITS]);
	if (rx) {
		q->hw_drop_overruns = number(tb[NETDEV_A_QSTATS_RX_HW_DROP_OVERRUNS]);
		q->alloc_fail = number(tb[NETDEV_A_QSTATS_RX_ALLOC_FAIL]);
	}
	return 0;
}

/* Whether a message is about the interface: the ethtool family has its index in a nest. */
static bool about(enum nic_request what, struct nlattr *tb[], const struct nic *n)
{
	struct nlattr *header[ETHTOOL_A_HEADER_MAX + 1];
	struct nic_number index = {0};
	switch (what) {
	case NIC_QUEUES:
		index = number(tb[NETDEV_A_QUEUE_IFINDEX]);
		break;
	case NIC_NAPIS:
		index = number(tb[NETDEV_A_NAPI_IFINDEX]);
		break;
	case NIC_QSTATS:
		index = number(tb[NETDEV_A_QSTATS_IFINDEX]);
		break;
	default:
		/* Attribute 1 of every reply of the family is the header. */
		if (parse_nested(header, ETHTOOL_A_HEADER_MAX, tb[ETHTOOL_A_RINGS_HEADER]))
			index = number(header[ETHTOOL_A_HEADER_DEV_INDEX]);
	}
	return index.known && index.value == n->index;
}

int reply_take(enum nic_request what, const struct reply *r, struct nic *n, struct err *e)
{
	enum { ATTRIBUTES = 63 }; /* more than any of these messages has */
	size_t at = 0;
	const struct nlmsghdr *m;
	int status = 0;
	while (status == 0 && (m = next_message(r, &at))) {
		struct nlattr *tb[ATTRIBUTES + 1];
		if (!parse(tb, ATTRIBUTES, m, GENL_HDRLEN) || !about(what, tb, n))
			continue;
		switch (what) {
		case NIC_LINKMODES:
			take_speed(tb, n);
			break;
		case NIC_RINGS:
			take_rings(tb, ATTRIBUTES, n);
			break;
		case NIC_CHANNELS:
			take_fields(GROUP_CHANNELS, tb, ATTRIBUTES, n);
			break;
		case NIC_COALESCE:
			take_fields(GROUP_COALESCE, tb, ATTRIBUTES, n);
			break;
		case NIC_FEATURES:
			status = take_features(tb, n, e);
			break;
		case NIC_RSS:
			take_rss(tb, n);
			break;
		case NIC_QUEUES:
			status = take_queue(tb, n, e);
			break;
		case NIC_NAPIS:
			status = take_napi(tb, n, e);
			break;
		case NIC_QSTATS:
			status = take_qstats(tb, n, e);
			break;
		case NIC_LINKS:
		case NIC_REQUESTS:
			break;
		}
	}
	return status;
}
