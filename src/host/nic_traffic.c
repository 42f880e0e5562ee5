/* Which interfaces carry the traffic, and over how many queues and CPUs. */
#include <stdio.h>
#include <string.h>

#include "epolltune/nic.h"
#include "host/cpu_list.h"

static bool has_default_route(const struct nics *all, const struct nic *n)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->at[i].default_route && nic_stands_on(all, all->at[i].name, n->name))
			return true;
	return false;
}

const struct nic *nics_master(const struct nics *all, const struct nic *vf)
{
	const struct nic *master = nics_at(all, vf->master);
	return master && !master->kind[0] ? master : NULL;
}

const struct nic *nics_vf(const struct nics *real, const struct nic *master)
{
	for (size_t i = 0; i < real->count; i++) {
		const struct nic *n = &real->at[i];
		if (!master->kind[0] && n->master == master->index && n->up && n->running)
			return n;
	}
	return NULL;
}

const struct nic *nics_main(const struct nics *real, const struct nics *all)
{
	const struct nic *first = NULL;
	for (size_t i = 0; i < real->count; i++) {
		const struct nic *n = &real->at[i];
		bool beside = nics_vf(real, n) || (nics_master(all, n) && !n->running);
		if (!n->up || beside)
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

bool nic_unpacks(const struct nic *n)
{
	/* Those that call gro_cells_receive() (net/core/gro_cells.c). */
	static const char *const kinds[] = {"vxlan",  "geneve",    "gre",       "gretap", "erspan",
					    "ip6gre", "ip6gretap", "ip6erspan", "ipip",   "ip6tnl",
					    "macsec", "bareudp",   "vti",       "vti6",   "xfrm",
					    "amt",    "ovpn"};
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
		if (!stacked(&after->at[i]) && !nics_master(after, &after->at[i]))
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
	const struct nic *max = NULL;
	for (size_t i = 0; all > 0 && i < real->count; i++) {
		const struct nic *n = &real->at[i];
		/* A function before its master, which counts the same packets. */
		if ((double)nic_received(before, after, n->index) >= share * all &&
		    (!max || nics_master(after, n)))
			max = n;
	}
	return max;
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

enum nic_spread nic_spread(const struct nic *n, enum nic_direction direction)
{
	enum nic_spread state = NIC_SPREAD_UNKNOWN;
	for (size_t i = 0; i < n->queue_count; i++) {
		const struct nic_queue *q = &n->queues[i];
		if (q->direction != direction || !q->cpus)
			continue;
		if (strspn(q->cpus, "0,") != strlen(q->cpus))
			return NIC_SPREAD_ON;
		state = NIC_SPREAD_OFF;
	}
	return state;
}

const char *nic_spread_name(enum nic_spread s)
{
	static const char *const names[] = {
		[NIC_SPREAD_UNKNOWN] = "",
		[NIC_SPREAD_OFF] = "off",
		[NIC_SPREAD_ON] = "on",
	};
	return names[s];
}

static const char *irq_cpus(const struct nic_irq *irq)
{
	return irq->effective && irq->effective[0] ? irq->effective : irq->affinity;
}

const char *nic_irq_cpu(const struct nic *n)
{
	const char *first = n->irq_count ? irq_cpus(&n->irqs[0]) : NULL;
	if (!first || !*first || strpbrk(first, ",-"))
		return NULL;
	for (size_t i = 1; i < n->irq_count; i++) {
		const char *cpus = irq_cpus(&n->irqs[i]);
		if (!cpus || strcmp(cpus, first) != 0)
			return NULL;
	}
	return first;
}

struct nic_placement nic_placement(const struct nic *n, const char *online, const char *server)
{
	struct nic_placement p = {0};
	struct cpu_list machine = {0}, servers = {0}, all = {0};
	bool known = cpu_list_add(&machine, online) && *online;
	bool named = cpu_list_add(&servers, server) && *server;
	for (size_t i = 0; i < n->irq_count; i++) {
		struct cpu_list one = {0}, may = {0};
		const char *cpus = irq_cpus(&n->irqs[i]), *allowed = n->irqs[i].affinity;
		if (cpus && cpu_list_add(&one, cpus))
			cpu_list_add(&all, cpus);
		p.offline |= known && allowed && cpu_list_add(&may, allowed) &&
			     cpu_list_count(&may) && !cpu_list_meets(&may, &machine);
	}
	cpu_list_text(&all, p.irq_cpus, sizeof(p.irq_cpus));
	p.beside_server = known && named && p.irq_cpus[0] && cpu_list_holds(&servers, &all) &&
			  !cpu_list_holds(&servers, &machine);
	p.rps = nic_spread(n, NIC_RX);
	p.xps = nic_spread(n, NIC_TX);
	return p;
}
