#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/knob_value.h"
#include "epolltune/quantity.h"
#include "tune/plan.h"

static int64_t last_field(const char *value)
{
	int64_t field = 0;
	for (size_t i = 0; knob_field(value, i, &field) == 0; i++)
		;
	return field;
}

/* The field that the memory of the knob depends on. */
static int64_t limit_field(const struct knob *k, const char *value)
{
	int64_t field = 0;
	if (!k->first)
		return last_field(value);
	knob_field(value, 0, &field);
	return field;
}

/* The last field of a knob, as it is or as planned; -1 if it is not visible here. */
static int64_t level(const struct plan *p, bool after, const char *name,
		     const struct change_site *site)
{
	for (size_t i = 0; i < p->count && after; i++)
		if (strcmp(p->changes[i].name, name) == 0)
			return last_field(p->changes[i].to);
	char value[KNOB_VALUE];
	struct err ignored;
	const struct knob *k = knob_find(name);
	return k && knob_read(k, site->host, value, &ignored) == 0 ? last_field(value) : -1;
}

static uint64_t min(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* The limit of all TCP buffers together in bytes: tcp_mem or, where that or the size of a page is
 * not visible, the kernel's default (net/ipv4/tcp.c tcp_init_mem(): 3/32 of the memory). */
static uint64_t tcp_memory(const struct host_facts *facts, int64_t pages)
{
	return pages < 0 || !facts->page_bytes
		       ? facts->memory_bytes / 32 * 3
		       : saturated_product((uint64_t)pages, facts->page_bytes);
}

int64_t budget_cost(const struct plan *p, const struct change *c, const struct change_site *site)
{
	const struct knob *k = knob_find(c->name);
	if (!k || !k->memory.bytes)
		return REPORT_NONE;
	const struct knob_memory *m = &k->memory;
	int64_t more = limit_field(k, c->to) - limit_field(k, c->from);
	const struct target *t = &p->target;
	struct host_facts facts;
	host_facts(site->host, &facts);
	const uint64_t by[] = {
		[KNOB_PER_ENTRY] = 1,
		[KNOB_PER_CONNECTION] = target_sockets(t),
		[KNOB_PER_CPU] = facts.cpus ? facts.cpus : 1,
		[KNOB_PER_PAGE] = facts.page_bytes,
	};
	const uint64_t max[] = {
		[KNOB_UNLIMITED] = UINT64_MAX,
		[KNOB_MAX_CONNECTIONS] = saturated_product(target_sockets(t), m->bytes),
		[KNOB_MAX_TIME_WAIT] = saturated_product(target_time_wait(t), m->bytes),
		[KNOB_MAX_TCP_MEMORY] =
			tcp_memory(&facts, level(p, true, "net.ipv4.tcp_mem", site)),
	};
	uint64_t bytes = more <= 0 ? 0
				   : saturated_product(saturated_product((uint64_t)more, m->bytes),
						       by[m->per]);
	return (int64_t)min(min(bytes, max[m->max]), INT64_MAX);
}

static void budget_make(struct budget *b, const struct plan *p, bool after,
			const struct change_site *site)
{
	struct host_facts facts;
	host_facts(site->host, &facts);
	int64_t receive = level(p, after, "net.ipv4.tcp_rmem", site);
	int64_t send = level(p, after, "net.ipv4.tcp_wmem", site);
	int64_t pages = level(p, after, "net.ipv4.tcp_mem", site);
	*b = (struct budget){
		.connections = target_sockets(&p->target),
		.fixed = saturated_product(target_sockets(&p->target), KNOB_SOCKET_BYTES),
		.receive = receive > 0 ? (uint64_t)receive : 0,
		.send = send > 0 ? (uint64_t)send : 0,
		.machine = facts.memory_bytes,
		.cap_assumed = pages < 0 || !facts.page_bytes,
	};
	b->cap = tcp_memory(&facts, pages);
	uint64_t buffers = saturated_product(b->connections, saturated_sum(b->receive, b->send));
	b->sum = saturated_sum(b->fixed, buffers < b->cap ? buffers : b->cap);
}

int budget_check(struct plan *p, const struct change_site *site, struct err *e)
{
	budget_make(&p->before, p, false, site);
	budget_make(&p->after, p, true, site);
	const struct budget *b = &p->after;
	if (!b->machine || b->sum <= b->machine || b->sum <= p->before.sum)
		return 0;
	char n[32], fixed[32], receive[32], send[32], cap[32], sum[32], machine[32];
	return err_set(
		e, PLAN_REFUSED,
		"refused: %s connections × (%s + %s of buffers), capped by tcp_mem at %s, and %s "
		"for sockets need %s in the worst case; this machine has %s",
		quantity_format(n, sizeof(n), QUANTITY_COUNT, b->connections),
		quantity_format(receive, sizeof(receive), QUANTITY_SIZE, b->receive),
		quantity_format(send, sizeof(send), QUANTITY_SIZE, b->send),
		quantity_format(cap, sizeof(cap), QUANTITY_SIZE, b->cap),
		quantity_format(fixed, sizeof(fixed), QUANTITY_SIZE, b->fixed),
		quantity_format(sum, sizeof(sum), QUANTITY_SIZE, b->sum),
		quantity_format(machine, sizeof(machine), QUANTITY_SIZE, b->machine));
}
