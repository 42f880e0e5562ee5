/* Packets that an interface loses because its ring is full. */
#include <string.h>

#include "epolltune/nic.h"

static struct nic_number statistic(const struct nic *n, const char *name)
{
	return nic_get(n, nic_field_find("statistics", name));
}

static struct nic_number counter(const struct nic *n, const char *name)
{
	for (size_t i = 0; i < n->counter_count; i++)
		if (!strcmp(n->counters[i].name, name))
			return (struct nic_number){true, n->counters[i].value};
	return (struct nic_number){0};
}

static struct nic_number overruns(const struct nic *n, const char *name)
{
	struct nic_number sum = {0};
	(void)name;
	for (size_t i = 0; i < n->queue_count; i++) {
		sum.known |= n->queues[i].hw_drop_overruns.known;
		sum.value += n->queues[i].hw_drop_overruns.value;
	}
	return sum;
}

/* The counters of a full ring: the kernel's, and those of drivers. */
static const struct {
	struct nic_number (*read)(const struct nic *, const char *);
	const char *name;
} counters[] = {
	{statistic, "rx_missed_errors"},   {statistic, "rx_fifo_errors"},
	{statistic, "rx_over_errors"},     {counter, "rx_no_dma_resources"},
	{counter, "rx_out_of_buffer"},     {counter, "rx_discards_phy"},
	{counter, "rx_discards"},          {counter, "port.rx_dropped"},
	{counter, "rx_dropped.nic"},       {counter, "rx_overruns"},
	{counter, "rx_queue_full"},        {counter, "rx_no_bufs"},
	{counter, "rx_fw_discards"},       {counter, "rx_out_of_resource"},
	{overruns, "rx-hw-drop-overruns"},
};

static void loss_add(struct nic_loss *l, const char *name, struct nic_number before,
		     struct nic_number after)
{
	bool both = before.known && after.known && after.value > before.value;
	if (both && after.value - before.value > l->grown) {
		l->grew = name;
		l->grown = after.value - before.value;
	}
	if (after.known && after.value > l->total) {
		l->counter = name;
		l->total = after.value;
	}
}

struct nic_loss nic_loss(const struct nic *before, const struct nic *after)
{
	struct nic_loss l = {0};
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++) {
		const char *name = counters[i].name;
		struct nic_number then = {0};
		if (before)
			then = counters[i].read(before, name);
		loss_add(&l, name, then, counters[i].read(after, name));
	}
	return l;
}
