/* Interrupts that interfaces defer. */
#include <stdio.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/nic.h"

static struct nic_deferral deferral_of(const struct nic_napi *p)
{
	return (struct nic_deferral){.flush_ns = p->gro_flush_timeout.value,
				     .polls = p->defer_hard_irqs.value,
				     .suspend_ns = p->irq_suspend_timeout.value};
}

static void take(struct nic_deferred *out, const struct nic *n, struct nic_deferral d, int queue)
{
	bool longer = nic_defers(&d) &&
		      (!nic_defers(&out->longest) || d.flush_ns > out->longest.flush_ns);
	if (out->nic[0] && !longer)
		return;
	snprintf(out->nic, sizeof(out->nic), "%s", n->name);
	out->longest = d;
	out->queue = queue;
}

static int queue_of(const struct nic *n, const struct nic_napi *p)
{
	for (size_t i = 0; i < n->queue_count; i++)
		if (n->queues[i].direction == NIC_RX && nic_napi_of(n, n->queues[i].id) == p)
			return (int)n->queues[i].id;
	return -1;
}

/* Since 6.13 each NAPI instance has its own setting. */
static void take_nic(struct nic_deferred *out, const struct nic *n)
{
	const struct nic_napi device = {.gro_flush_timeout = n->napi.gro_flush_timeout,
					.defer_hard_irqs = n->napi.napi_defer_hard_irqs};
	bool each = n->napi_count && n->napis[0].gro_flush_timeout.known, alike = true;
	const struct nic_napi *napis = each ? n->napis : &device;
	size_t count = each ? n->napi_count : 1;
	struct nic_deferral first = deferral_of(&napis[0]);
	for (size_t i = 1; i < count; i++) {
		struct nic_deferral d = deferral_of(&napis[i]);
		alike &= !memcmp(&d, &first, sizeof(d));
	}
	for (size_t i = 0; i < count; i++)
		take(out, n, deferral_of(&napis[i]), alike ? -1 : queue_of(n, &napis[i]));
}

struct nic_deferred nics_deferred(const struct nics *n)
{
	struct nic_deferred out = {.queue = -1};
	for (size_t i = 0; i < n->count; i++)
		if (n->at[i].up && strcmp(n->at[i].name, "lo") != 0)
			take_nic(&out, &n->at[i]);
	return out;
}

int nic_deferred_read(const struct host *h, struct nic_deferred *out, struct err *e)
{
	CLEAN(nics_freep) struct nics nics = {0};
	uint64_t busy_poll_us = 0;
	int r = nics_read(h, NIC_ALL, &nics, e);
	if (host_read_u64(h, "proc/sys/net/core/busy_poll", &busy_poll_us, NULL) < 0)
		busy_poll_us = 0;
	*out = nics_deferred(&nics);
	out->busy_poll_us = busy_poll_us;
	return r;
}

int nic_defer(const struct host *h, const char *nic, const struct nic_deferral *d, struct err *e)
{
	const struct nic_field *flush = nic_field_find(GROUP_NAPI, "gro_flush_timeout");
	const struct nic_field *polls = nic_field_find(GROUP_NAPI, "napi_defer_hard_irqs");
	int r = nic_settable(h, NULL, NIC_BY_NAPI_SET, e); /* nic_set() checks sysfs */
	if (r == 0)
		r = nic_set(h, nic, flush, d->flush_ns, e);
	if (r == 0)
		r = nic_set(h, nic, polls, d->polls, e);
	return r;
}
