/* nic_sources: sources of interface data other than netlink. Each fills the fields it knows; what
 * it cannot read stays absent. Fails with -ENOMEM only. */
#pragma once

#include "host/nic_reply.h"

/* ethtool ioctls without a netlink counterpart: driver, driver counters and, before Linux 6.3, the
 * RSS table. Of this machine. */
int nic_take_ioctl(struct nic *n, struct err *e);

/* Of a captured machine the driver counters, in the form of `ethtool -S`; of one that is filled,
 * writes them first. */
int nic_take_counters(const struct host *h, struct nic *n, struct err *e);

/* sysfs: NAPI settings of the device, queues, parent device, driver. */
int nic_take_sysfs(const struct host *h, struct nic *n, struct err *e);
/* Whether the mounted sysfs shows this interface, not one with the same name in another network
 * namespace: `unshare -n` and `nsenter -n` keep the old mount. */
bool nic_in_sysfs(const struct host *h, const struct nic *n);

/* /proc/interrupts, read once for all interfaces. */
struct interrupts {
	struct nic_irq *at;
	size_t count;
};
int interrupts_read(const struct host *h, struct interrupts *out, struct err *e);
void interrupts_free(struct interrupts *i);
/* The interrupts of a device: MSI vectors of its bus device, interrupts of its NAPI instances, and
 * those whose action has the interface's name. */
int nic_take_interrupts(const struct host *h, const struct interrupts *all, struct nic *n,
			struct err *e);

/* Marks the interfaces with a default route: /proc/net/route, /proc/net/ipv6_route. */
void nics_take_routes(const struct host *h, struct nics *n);
