/* Finds the smallest port range that suffices, and the services that it would take ports of. */
#include "epolltune/ports.h"

#include "epolltune/knob.h"

#define LAST 65535
/* Ports below belong to privileged services, even if the kernel allows them. */
#define FIRST 1024

/* Ports of services that may start later. */
static const struct {
	int64_t low, high;
	bool node; /* of a Kubernetes node only */
} known[] = {
	{9090, 9090, false},   /* Prometheus, Cockpit */
	{10250, 10259, false}, /* kubelet and its neighbours */
	{30000, 32767, true},  /* node ports */
	{4789, 4789, true},    /* VXLAN */
	{6081, 6081, true},    /* GENEVE */
	{8472, 8472, true},    /* VXLAN of flannel and Cilium */
};

/* UDP ports of services: a list of reserved ones is short (KNOB_VALUE). */
#define DATAGRAMS_FEW 16

void port_services_beside(struct port_services *s, int64_t low, int64_t high)
{
	/* RADIUS, VXLAN, SIP, GENEVE, StatsD, flannel, WireGuard, Cilium. */
	static const uint16_t well_known[] = {1812, 1813, 4789,  5060, 6081,
					      8125, 8472, 51820, 51871};
	struct port_set clients = {0}, all = {0};
	port_set_add(&all, FIRST, LAST);
	if (low > 0)
		port_set_add(&clients, low, high);
	port_set_remove(&s->datagrams, &clients);
	if (port_set_count(&s->datagrams, FIRST, LAST) <= DATAGRAMS_FEW)
		return;
	for (size_t i = 0; i < sizeof(well_known) / sizeof(*well_known); i++)
		if (port_set_has(&s->datagrams, well_known[i])) {
			struct port_set one = {0};
			port_set_add(&one, well_known[i], well_known[i]);
			port_set_remove(&all, &one);
		}
	port_set_remove(&s->datagrams, &all);
}

static int64_t first_port(const struct port_rules *r)
{
	int64_t first = r->first > FIRST ? r->first : FIRST;
	return first < r->low ? first : r->low;
}

/* Rounds up to a multiple of a power of two that is at most a sixteenth. An even number of ports
 * has ends of different parity, as the kernel wants. */
static int64_t size_round(int64_t size)
{
	int64_t step = 2;
	while (step * 32 <= size)
		step *= 2;
	return (size + step - 1) / step * step;
}

/* The ends of a range of that size around the running one. */
static void range_place(const struct port_rules *r, int64_t size, struct port_range *out)
{
	int64_t first = first_port(r);
	out->high = r->low + size - 1 < LAST ? r->low + size - 1 : LAST;
	out->low = out->high - size + 1 > first ? out->high - size + 1 : first;
	if (((out->low ^ out->high) & 1) == 0) {
		if (out->low < r->low)
			out->low++;
		else if (out->high > r->high)
			out->high--;
	}
}

static void services_of(const struct port_rules *r, struct port_set *out)
{
	*out = r->services.listeners;
	port_set_join(out, &r->services.datagrams);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!known[i].node || r->services.kubernetes)
			port_set_add(out, known[i].low, known[i].high);
}

/* Reserves the services within the range. */
static void range_reserve(const struct port_rules *r, struct port_range *out)
{
	struct port_set services;
	char text[KNOB_VALUE];
	services_of(r, &services);
	out->reserved = r->reserved;
	out->added = (struct port_set){0};
	for (int64_t port = out->low; port <= out->high; port++) {
		if (!port_set_has(&services, port) || port_set_has(&r->reserved, port))
			continue;
		port_set_add(&out->added, port, port);
		port_set_add(&out->reserved, port, port);
	}
	if (!r->reserved_fixed)
		port_set_format(&out->reserved, text, sizeof(text));
	out->free = out->high - out->low + 1 - port_set_count(&out->reserved, out->low, out->high);
}

bool port_range_for(const struct port_rules *r, int64_t enough, struct port_range *out)
{
	int64_t running = r->high - r->low + 1, size = enough > running ? enough : running;
	struct port_set taken = r->reserved;
	port_set_join(&taken, &r->services.listeners);
	int64_t free = running - port_set_count(&taken, r->low, r->high);
	for (;;) {
		size = size < LAST ? size_round(size) : LAST + 1;
		range_place(r, size, out);
		range_reserve(r, out);
		if (out->free >= enough || out->high - out->low + 1 < size)
			break;
		size += enough - out->free;
	}
	if (r->reserved_fixed && port_set_count(&out->added, 0, LAST))
		return false;
	return out->free > free;
}
