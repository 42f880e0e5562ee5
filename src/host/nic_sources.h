/* nic_sources: what tells of an interface beside netlink. Each fills what it knows and leaves the
 * rest; what cannot be read is absent. -ENOMEM is the only error. */
#ifndef EPOLLTUNE_HOST_NIC_SOURCES_H
#define EPOLLTUNE_HOST_NIC_SOURCES_H

#include "host/nic_reply.h"

/* The ioctls of the ethtool interface that have no netlink counterpart: driver, driver counters,
 * and, before Linux 6.3, the RSS table. Live hosts only. */
int nic_take_ioctl(struct nic *n, struct err *e);

/* sysfs: NAPI settings of the device, queues, parent device, driver. */
int nic_take_sysfs(const struct host *h, struct nic *n, struct err *e);
/* Whether the sysfs that is mounted shows this very interface, and not another network namespace's
 * of the same name: `unshare -n` and `nsenter -n` leave the old one mounted. */
bool nic_in_sysfs(const struct host *h, const struct nic *n);

/* /proc/interrupts, read once for all interfaces. */
struct interrupts {
	struct nic_irq *at;
	size_t count;
};
int interrupts_read(const struct host *h, struct interrupts *out, struct err *e);
void interrupts_free(struct interrupts *i);
/* One line: "38:  0  645  PCI-MSIX-0000:00:03.0  1-edge  virtio2-input.0". Counts are added up over
 * all CPUs. False for the lines that are no device's (the header, "NMI:", …). */
bool interrupts_line(const char *line, struct nic_irq *out);
/* The interrupts of a device: its bus device's MSI vectors, else those that its NAPI instances
 * name, else those whose action is named for the interface. */
int nic_take_interrupts(const struct host *h, const struct interrupts *all, struct nic *n,
			struct err *e);

/* Marks the interfaces that a default route leaves by: /proc/net/route, /proc/net/ipv6_route. */
void nics_take_routes(const struct host *h, struct nics *n);

#endif
