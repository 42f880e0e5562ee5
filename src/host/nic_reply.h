/* nic_reply: from the bytes of a netlink reply to numbers. Pure functions: they trust nothing, so
 * that recorded, truncated and hostile replies can drive them (tests/fuzz). */
#ifndef EPOLLTUNE_HOST_NIC_REPLY_H
#define EPOLLTUNE_HOST_NIC_REPLY_H

#include <stddef.h>

#include "epolltune/nic.h"

/* What is asked about interfaces. */
enum nic_request {
	NIC_LINKS, /* all interfaces at once; each of the others is about one */
	NIC_LINKMODES,
	NIC_RINGS,
	NIC_CHANNELS,
	NIC_COALESCE,
	NIC_FEATURES,
	NIC_RSS,
	NIC_QUEUES,
	NIC_NAPIS,
	NIC_QSTATS,
	NIC_REQUESTS,
};

/* Netlink messages one behind the other, as received. `data` is aligned as malloc() aligns. */
struct reply {
	unsigned char *data;
	size_t size;
};

#define REPLY_MAX ((size_t)16 << 20)
void reply_free(struct reply *r);

/* Attributes of the `netdev` family (include/uapi/linux/netdev.h), which Debian 12's headers lack.
 */
enum {
	NETDEV_CMD_QUEUE_GET = 10,
	NETDEV_CMD_NAPI_GET = 11,
	NETDEV_CMD_QSTATS_GET = 12,
	NETDEV_CMD_NAPI_SET = 14,

	NETDEV_A_QUEUE_ID = 1,
	NETDEV_A_QUEUE_IFINDEX = 2,
	NETDEV_A_QUEUE_TYPE = 3,
	NETDEV_A_QUEUE_NAPI_ID = 4,

	NETDEV_A_NAPI_IFINDEX = 1,
	NETDEV_A_NAPI_ID = 2,
	NETDEV_A_NAPI_IRQ = 3,
	NETDEV_A_NAPI_PID = 4,
	NETDEV_A_NAPI_DEFER_HARD_IRQS = 5,
	NETDEV_A_NAPI_GRO_FLUSH_TIMEOUT = 6,
	NETDEV_A_NAPI_IRQ_SUSPEND_TIMEOUT = 7,
	NETDEV_A_NAPI_THREADED = 8,

	NETDEV_A_QSTATS_IFINDEX = 1,
	NETDEV_A_QSTATS_QUEUE_TYPE = 2,
	NETDEV_A_QSTATS_QUEUE_ID = 3,
	NETDEV_A_QSTATS_SCOPE = 4,
	NETDEV_A_QSTATS_RX_PACKETS = 8,
	NETDEV_A_QSTATS_RX_BYTES = 9,
	NETDEV_A_QSTATS_TX_PACKETS = 10,
	NETDEV_A_QSTATS_TX_BYTES = 11,
	NETDEV_A_QSTATS_RX_ALLOC_FAIL = 12,
	NETDEV_A_QSTATS_RX_HW_DROPS = 13,
	NETDEV_A_QSTATS_RX_HW_DROP_OVERRUNS = 14,
	NETDEV_A_QSTATS_TX_HW_DROPS = 24,
	NETDEV_A_QSTATS_MAX = 31,
};

/* Appends the interfaces of a reply to NIC_LINKS. Names that no kernel would allow are left out.
 * -ENOMEM is the only error. */
int reply_links(const struct reply *r, struct nics *out, struct err *e);
/* Fills what a reply to any other request tells of the interface; messages about another one are
 * ignored. -ENOMEM is the only error. */
int reply_take(enum nic_request what, const struct reply *r, struct nic *n, struct err *e);

/* Room for one more element of an array that is only ever grown by this: NULL with -ENOMEM. The
 * element is zeroed and counted. */
void *array_add(void *array, size_t *count, size_t size, struct err *e);

/* The queue of that direction and number, made if it is not there. */
struct nic_queue *nic_queue_get(struct nic *n, enum nic_direction direction, uint32_t id,
				struct err *e);
/* From an indirection table: its size, and how many different queues it names. */
void rss_count(struct nic_rss *rss, const void *table, size_t entries);

void nic_release(struct nic *n);

#endif
