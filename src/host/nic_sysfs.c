/* NAPI settings, queues and parent device of an interface, from sysfs. */
#include "host/nic_sources.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "host/compat.h"
#include "host/machine.h"

static struct nic_number read_number(const struct host *h, const char *path)
{
	struct nic_number n = {0};
	n.known = host_read_u64(h, path, &n.value, NULL) == 0;
	return n;
}

/* Compares the mounted sysfs with a detached new mount, which shows the caller's network namespace.
 * 1 if they are the same, 0 if not, -1 without the privilege to mount. */
static int sysfs_is_ours(const struct host *h)
{
	struct stat ours, mounted;
	if (!host_capable(CAP_SYS_ADMIN))
		return -1;
	CLEAN(close_fd) int context = fsopen("sysfs", FSOPEN_CLOEXEC);
	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	CLEAN(close_fd) int own = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	CLEAN(close_fd)
	int now = machine_open(h, "sys/class/net", O_PATH | O_DIRECTORY, "read", NULL);
	if (own < 0 || now < 0 || fstat(own, &ours) < 0 || fstat(now, &mounted) < 0)
		return -1;
	return ours.st_dev == mounted.st_dev;
}

bool nic_in_sysfs(const struct host *h, const struct nic *n)
{
	char path[64], address[24] = "";
	snprintf(path, sizeof(path), "sys/class/net/%s/ifindex", n->name);
	struct nic_number index = read_number(h, path);
	if (!index.known || index.value != n->index)
		return false;
	if (!host_live(h))
		return true;
	/* Indexes repeat: eth0 is interface 2 in many containers. */
	snprintf(path, sizeof(path), "sys/class/net/%s/address", n->name);
	if (n->address[0] && (host_read(h, path, address, sizeof(address), NULL) < 0 ||
			      strncmp(address, n->address, strlen(n->address)) != 0))
		return false;
	return sysfs_is_ours(h) != 0;
}

static int take_queues(const struct host *h, enum nic_direction direction, struct nic *n,
		       struct err *e)
{
	const char *rx_or_tx = direction == NIC_RX ? "rx" : "tx";
	for (uint32_t id = 0; id < NIC_QUEUES_MAX; id++) {
		char queue[64], path[96];
		snprintf(queue, sizeof(queue), "sys/class/net/%s/queues/%s-%u", n->name, rx_or_tx,
			 id);
		if (!host_has(h, queue))
			break;
		struct nic_queue *q = nic_queue_get(n, direction, id, e);
		if (!q)
			return -ENOMEM;
		snprintf(path, sizeof(path), "%s/%s", queue,
			 direction == NIC_RX ? "rps_cpus" : "xps_cpus");
		if (host_read_all(h, path, &q->cpus, NULL) < 0)
			q->cpus = NULL;
		snprintf(path, sizeof(path), "%s/rps_flow_cnt", queue);
		if (direction == NIC_RX)
			q->flows = read_number(h, path);
	}
	return 0;
}

/* Driver and bus from the parent device's uevent ("DRIVER=e1000e"), if still unknown. */
static void take_parent(const struct host *h, struct nic *n)
{
	char path[64];
	CLEAN(free_pointer) char *text = NULL;
	snprintf(path, sizeof(path), "sys/class/net/%s/device/uevent", n->name);
	if (host_read_all(h, path, &text, NULL) < 0)
		return;
	n->physical = true;
	for (char *save, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!n->driver[0] && !strncmp(line, "DRIVER=", 7))
			snprintf(n->driver, sizeof(n->driver), "%.31s", line + 7);
		if (!n->bus[0] && !strncmp(line, "PCI_SLOT_NAME=", 14))
			snprintf(n->bus, sizeof(n->bus), "%.31s", line + 14);
	}
}

bool nic_card_gone(const struct host *h, const char *bus)
{
	char path[64];
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%.31s", bus);
	return host_has(h, "sys/bus/pci/devices") && !host_has(h, path);
}

int nic_take_sysfs(const struct host *h, struct nic *n, struct err *e)
{
	if (!nic_in_sysfs(h, n))
		return 0;
	char path[96];
	for (size_t i = 0; i < nic_field_count; i++) {
		const struct nic_field *f = &nic_fields[i];
		if (f->group != GROUP_NAPI)
			continue;
		snprintf(path, sizeof(path), "sys/class/net/%s/%s", n->name, f->name);
		*(struct nic_number *)((char *)n + f->offset) = read_number(h, path);
	}
	if (!n->link.speed.known) {
		/* -1, an invalid number here, if unknown. */
		snprintf(path, sizeof(path), "sys/class/net/%s/speed", n->name);
		n->link.speed = read_number(h, path);
		n->link.speed.known &= n->link.speed.value && n->link.speed.value < INT32_MAX;
	}
	take_parent(h, n);
	int r = take_queues(h, NIC_RX, n, e);
	return r < 0 ? r : take_queues(h, NIC_TX, n, e);
}
