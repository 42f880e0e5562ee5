/* Driver, driver counters and RSS table by the ethtool ioctl, or as a capture has them. */
#include "host/nic_sources.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "epolltune/cleanup.h"
#include "host/machine.h"

#define COUNTERS_MAX 65536
/* Room for counters that the driver adds between the three calls: older kernels write all of them,
 * also beyond the caller's size (net/ethtool/ioctl.c, ethtool_get_stats()). */
#define COUNTERS_SLACK 1024

static int ask(int fd, const char *name, void *command)
{
	struct ifreq request = {0};
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	request.ifr_data = command;
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

static void text_take(char *field, size_t size, const char *from, size_t room)
{
	size_t n = strnlen(from, room);
	n = n < size ? n : size - 1;
	for (size_t i = 0; i < n; i++)
		field[i] = from[i] >= ' ' && from[i] < 0x7f ? from[i] : '?';
	field[n] = 0;
}

static uint32_t take_driver(int fd, struct nic *n)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	if (ask(fd, n->name, &info) < 0)
		return 0;
#define TAKE(to, from) text_take(n->to, sizeof(n->to), info.from, sizeof(info.from))
	TAKE(driver, driver);
	TAKE(driver_version, version);
	TAKE(firmware, fw_version);
	TAKE(bus, bus_info);
#undef TAKE
	return info.n_stats;
}

static int take_counters(int fd, uint32_t count, struct nic *n, struct err *e)
{
	if (count == 0 || count > COUNTERS_MAX)
		return 0;
	size_t room = (size_t)count + COUNTERS_SLACK;
	CLEAN(free_pointer)
	struct ethtool_gstrings *names = calloc(1, sizeof(*names) + room * ETH_GSTRING_LEN);
	CLEAN(free_pointer)
	struct ethtool_stats *values = calloc(1, sizeof(*values) + room * sizeof(uint64_t));
	if (!names || !values)
		return err_set(e, ENOMEM, "cannot read the interfaces: out of memory");
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_STATS;
	names->len = count;
	values->cmd = ETHTOOL_GSTATS;
	values->n_stats = count;
	if (ask(fd, n->name, names) < 0 || ask(fd, n->name, values) < 0)
		return 0;
	if (names->len != count || values->n_stats != count)
		return 0; /* changed meanwhile: names and values do not match */
	for (uint32_t i = 0; i < count; i++) {
		struct nic_counter *c =
			nic_array_add(&n->counters, &n->counter_count, sizeof(*c), e);
		if (!c)
			return -ENOMEM;
		const char *name = (const char *)names->data + (size_t)i * ETH_GSTRING_LEN;
		text_take(c->name, sizeof(c->name), name, ETH_GSTRING_LEN);
		c->value = values->data[i];
	}
	return 0;
}

static int take_rss(int fd, struct nic *n, struct err *e)
{
	struct ethtool_rxfh_indir size = {.cmd = ETHTOOL_GRXFHINDIR};
	if (ask(fd, n->name, &size) < 0 || size.size == 0 || size.size > 65536)
		return 0;
	CLEAN(free_pointer)
	struct ethtool_rxfh_indir *table = calloc(1, sizeof(*table) + size.size * sizeof(uint32_t));
	if (!table)
		return err_set(e, ENOMEM, "cannot read the interfaces: out of memory");
	table->cmd = ETHTOOL_GRXFHINDIR;
	table->size = size.size;
	if (ask(fd, n->name, table) == 0 && table->size <= size.size)
		rss_count(&n->rss, table->ring_index, table->size);
	return 0;
}

int nic_take_ioctl(struct nic *n, struct err *e)
{
	CLEAN(close_fd) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	uint32_t counters = take_driver(fd, n);
	int r = take_counters(fd, counters, n, e);
	if (r == 0 && !n->rss.table_size.known)
		r = take_rss(fd, n, e);
	return r;
}

/* "     rx_packets: 1234"; names may have blanks and colons: "[0]: rx_discards: 5". */
static int counter_line(const char *line, struct nic *n, struct err *e)
{
	const char *colon = strrchr(line, ':');
	size_t length = colon ? (size_t)(colon - line) : 0;
	const char *at = colon ? colon + 1 : "";
	uint64_t value;
	at += strspn(at, " ");
	if (!length || !text_number(&at, &value))
		return 0;
	struct nic_counter *c = nic_array_add(&n->counters, &n->counter_count, sizeof(*c), e);
	if (!c)
		return -ENOMEM;
	text_take(c->name, sizeof(c->name), line, length);
	c->value = value;
	return 0;
}

static int counters_record(const struct host *h, const char *path, const struct nic *of,
			   struct err *e)
{
	CLEAN(nics_freep) struct nics one = {.at = calloc(1, sizeof(*of)), .count = 1};
	CLEAN(free_pointer) char *text = NULL;
	size_t size = 0;
	if (!one.at)
		return err_set(e, ENOMEM, "cannot read the interfaces: out of memory");
	memcpy(one.at->name, of->name, sizeof(of->name));
	int r = nic_take_ioctl(one.at, e);
	FILE *to = r ? NULL : open_memstream(&text, &size);
	for (size_t i = 0; to && i < one.at->counter_count; i++)
		fprintf(to, "%s: %" PRIu64 "\n", one.at->counters[i].name,
			one.at->counters[i].value);
	if (to && !fclose(to) && size)
		filling_text(h, path, text);
	return r;
}

int nic_take_counters(const struct host *h, struct nic *n, struct err *e)
{
	char path[64];
	CLEAN(free_pointer) char *text = NULL;
	int r = 0;
	snprintf(path, sizeof(path), "netlink/%s.counters", n->name);
	if (filling_live(h) && !host_has(h, path))
		r = counters_record(h, path, n, e);
	if (r || host_read_all(h, path, &text, NULL) < 0)
		return r;
	for (char *save, *line = strtok_r(text, "\n", &save); line && !r;
	     line = strtok_r(NULL, "\n", &save))
		r = n->counter_count < COUNTERS_MAX ? counter_line(line, n, e) : 0;
	return r;
}
