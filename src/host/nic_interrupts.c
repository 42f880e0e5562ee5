/* Interrupts of an interface. */
#include "host/nic_sources.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "epolltune/cleanup.h"
#include "epolltune/order.h"
#include "host/machine.h"

static int no_memory(struct err *e)
{
	return err_set(e, ENOMEM, "cannot read the interfaces: out of memory");
}

/* Parses "38:  0  645  PCI-MSIX-0000:00:03.0  1-edge  virtio2-input.0"; `total` is the sum over all
 * CPUs. False for other lines (the header, "NMI:", …). */
static bool interrupts_line(const char *line, struct nic_irq *out)
{
	*out = (struct nic_irq){0};
	const char *at = line + strspn(line, " ");
	char *end;
	unsigned long irq = strtoul(at, &end, 10);
	if (!isdigit((unsigned char)*at) || *end != ':' || irq > UINT32_MAX)
		return false;
	out->irq = (uint32_t)irq;
	at = end + 1;
	for (uint64_t count; text_number(&at, &count);)
		out->total = (struct nic_number){true, out->total.value + count};
	/* The action follows the last two blanks: kernel/irq/proc.c, show_interrupts(). */
	const char *action = NULL;
	for (const char *p = at; (p = strstr(p, "  ")); p++)
		action = p + 2;
	if (action && *action && *action != ' ')
		snprintf(out->action, sizeof(out->action), "%.47s", action);
	return true;
}

int interrupts_read(const struct host *h, struct interrupts *out, struct err *e)
{
	*out = (struct interrupts){0};
	CLEAN(free_pointer) char *text = NULL;
	ssize_t n = host_read_all(h, "proc/interrupts", &text, NULL);
	if (n < 0)
		return n == -ENOMEM ? no_memory(e) : 0;
	for (char *save, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct nic_irq irq, *to;
		if (!interrupts_line(line, &irq))
			continue;
		to = nic_array_add(&out->at, &out->count, sizeof(*to), e);
		if (!to) {
			interrupts_free(out);
			return -ENOMEM;
		}
		*to = irq;
	}
	return 0;
}

void interrupts_free(struct interrupts *i)
{
	free(i->at);
	*i = (struct interrupts){0};
}

static int irq_add(const struct host *h, const struct interrupts *all, uint32_t number,
		   struct nic *n, struct err *e)
{
	for (size_t i = 0; i < n->irq_count; i++)
		if (n->irqs[i].irq == number)
			return 0;
	struct nic_irq *irq = nic_array_add(&n->irqs, &n->irq_count, sizeof(*irq), e);
	if (!irq)
		return -ENOMEM;
	irq->irq = number;
	for (size_t i = 0; i < all->count; i++)
		if (all->at[i].irq == number)
			*irq = all->at[i];
	char path[64];
	snprintf(path, sizeof(path), "proc/irq/%u/smp_affinity_list", number);
	if (host_read_all(h, path, &irq->affinity, NULL) < 0)
		irq->affinity = NULL;
	snprintf(path, sizeof(path), "proc/irq/%u/effective_affinity_list", number);
	if (host_read_all(h, path, &irq->effective, NULL) < 0)
		irq->effective = NULL;
	return 0;
}

struct vectors {
	const struct host *host;
	const struct interrupts *all;
	struct nic *nic;
	struct err *e;
};

static int vector_add(const char *path, void *arg)
{
	struct vectors *v = arg;
	const char *name = strrchr(path, '/') + 1;
	char *end;
	unsigned long irq = strtoul(name, &end, 10);
	if (!isdigit((unsigned char)*name) || *end || irq > UINT32_MAX)
		return 0;
	return irq_add(v->host, v->all, (uint32_t)irq, v->nic, v->e);
}

/* "eth0", "eth0-TxRx-3", "eth0:v0-TxRx", but not "eth01-rx". */
static bool action_of(const char *action, const char *name)
{
	size_t n = strlen(name);
	return !strncmp(action, name, n) && !text_is_word(action[n]);
}

int nic_take_interrupts(const struct host *h, const struct interrupts *all, struct nic *n,
			struct err *e)
{
	struct vectors v = {h, all, n, e};
	char path[96];
	int r = 0;
	/* The bus address is that of the PCI device, even behind a virtio device. */
	if (n->bus[0] && !strchr(n->bus, '/')) {
		snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/msi_irqs", n->bus);
		r = host_walk(h, path, 1, vector_add, &v, NULL);
	}
	if (r != -ENOMEM && !n->irq_count && n->physical) {
		snprintf(path, sizeof(path), "sys/class/net/%s/device/msi_irqs", n->name);
		r = host_walk(h, path, 1, vector_add, &v, NULL);
	}
	if (r == -ENOMEM)
		return no_memory(e);
	r = 0;
	for (size_t i = 0; r == 0 && i < n->napi_count; i++)
		if (n->napis[i].irq.known && n->napis[i].irq.value <= UINT32_MAX)
			r = irq_add(h, all, (uint32_t)n->napis[i].irq.value, n, e);
	for (size_t i = 0; r == 0 && i < all->count; i++)
		if (action_of(all->at[i].action, n->name))
			r = irq_add(h, all, all->at[i].irq, n, e);
	if (n->irq_count)
		qsort(n->irqs, n->irq_count, sizeof(*n->irqs), u32_compare);
	return r;
}
