/* Which interfaces carry the traffic, and over how many queues and CPUs. */
#include <string.h>

#include "epolltune/nic.h"

static bool has_default_route(const struct nics *all, const struct nic *n)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->at[i].default_route && nic_stands_on(all, all->at[i].name, n->name))
			return true;
	return false;
}

const struct nic *nics_main(const struct nics *real, const struct nics *all)
{
	const struct nic *first = NULL;
	for (size_t i = 0; i < real->count; i++) {
		const struct nic *n = &real->at[i];
		if (!n->up)
			continue;
		if (has_default_route(all, n))
			return n;
		if (!first)
			first = n;
	}
	return first;
}

/* Another interface has received what it receives. */
static bool stacked(const struct nic *n)
{
	static const char *const kinds[] = {"bond",    "bridge", "team",   "vlan",
					    "macvlan", "ipvlan", "macsec", "vrf"};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(n->kind, kinds[i]))
			return true;
	return false;
}

uint64_t nic_received(const struct nics *before, const struct nics *after, uint32_t index)
{
	const struct nic *b = nics_at(before, index), *a = nics_at(after, index);
	if (!a || !b || a->statistics.rx_packets.value < b->statistics.rx_packets.value)
		return 0;
	return a->statistics.rx_packets.value - b->statistics.rx_packets.value;
}

uint64_t nics_received(const struct nics *before, const struct nics *after)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < after->count; i++)
		if (!stacked(&after->at[i]))
			sum += nic_received(before, after, after->at[i].index);
	return sum;
}

uint64_t nics_dropped(const struct nics *before, const struct nics *after)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < after->count; i++) {
		const struct nic *a = &after->at[i], *b = nics_at(before, a->index);
		if (!b)
			continue;
		uint64_t now = a->statistics.rx_dropped.value + a->statistics.tx_dropped.value;
		uint64_t then = b->statistics.rx_dropped.value + b->statistics.tx_dropped.value;
		sum += now > then ? now - then : 0;
	}
	return sum;
}

const struct nic *nics_carrier(const struct nics *real, const struct nics *before,
			       const struct nics *after, double share)
{
	double all = (double)nics_received(before, after);
	for (size_t i = 0; all > 0 && i < real->count; i++)
		if ((double)nic_received(before, after, real->at[i].index) >= share * all)
			return &real->at[i];
	return NULL;
}

uint64_t nic_receive_queues(const struct nic *n, uint64_t *max)
{
	const struct nic_channels *c = &n->channels;
	if (c->combined.known && c->combined.value) {
		*max = c->combined_max.value;
		return c->combined.value;
	}
	if (c->rx.known && c->rx.value) {
		*max = c->rx_max.value;
		return c->rx.value;
	}
	*max = n->link.rx_queues.value;
	return n->link.rx_queues.value;
}

bool nic_rps_on(const struct nic *n)
{
	for (size_t i = 0; i < n->queue_count; i++)
		if (n->queues[i].direction == NIC_RX && n->queues[i].cpus &&
		    strspn(n->queues[i].cpus, "0,") != strlen(n->queues[i].cpus))
			return true;
	return false;
}

const char *nic_irq_cpu(const struct nic *n)
{
	const char *first = n->irq_count ? n->irqs[0].affinity : NULL;
	if (!first || strpbrk(first, ",-"))
		return NULL;
	for (size_t i = 1; i < n->irq_count; i++)
		if (!n->irqs[i].affinity || strcmp(n->irqs[i].affinity, first) != 0)
			return NULL;
	return first;
}
