/* nic_reply: parses netlink replies about interfaces. Pure functions that accept recorded,
 * truncated and hostile replies (tests/fuzz). */
#pragma once

#include <stddef.h>

#include "epolltune/nic.h"

/* Requests about interfaces. */
enum nic_request {
	NIC_LINKS, /* all interfaces; each other request is about one */
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

/* Consecutive netlink messages as received. `data` is aligned as by malloc(). */
struct reply {
	unsigned char *data;
	size_t size;
};

#define REPLY_MAX ((size_t)16 << 20)
void reply_free(struct reply *r);
/* Converts a reply that a machine with the other byte order recorded. */
void reply_swap(enum nic_request what, struct reply *r);

enum { RSS_CONTEXT = 2, RSS_INDIR = 4 }; /* ETHTOOL_A_RSS_…, Linux 6.3 */

/* Attributes of the `netdev` family (include/uapi/linux/netdev.h) that Debian 12's headers lack. */
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
	NETDEV_A_QSTATS_RX_HW_DROP_RATELIMITS = 23,
	NETDEV_A_QSTATS_TX_HW_DROPS = 24,
	NETDEV_A_QSTATS_TX_HW_DROP_RATELIMITS = 32,
};

/* Appends the interfaces of a reply to NIC_LINKS, except those whose names no kernel allows. Fails
 * with -ENOMEM only. */
int reply_links(const struct reply *r, struct nics *out, struct err *e);
/* Adds the qdiscs of a reply to RTM_GETQDISC to the interfaces. Fails with -ENOMEM only. */
int reply_qdiscs(const struct reply *r, struct nics *n, struct err *e);
/* Adds the data of a reply to any other request to the interface; ignores messages about other
 * interfaces. Fails with -ENOMEM only. */
int reply_take(enum nic_request what, const struct reply *r, struct nic *n, struct err *e);

/* Appends a zeroed element to an array that only this function grows. NULL and ENOMEM on failure.
 */
void *nic_array_add(void *array, size_t *count, size_t size, struct err *e);

/* There are no more of a direction: devices have some hundreds. */
#define NIC_QUEUES_MAX 4096
/* Finds or appends the queue of a direction and number. */
struct nic_queue *nic_queue_get(struct nic *n, enum nic_direction direction, uint32_t id,
				struct err *e);
/* Sets the size of an indirection table and the number of queues in it. */
void rss_count(struct nic_rss *rss, const void *table, size_t entries);

void nic_release(struct nic *n);
