#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/knob.h"
#include "epolltune/quantity.h"
#include "tune/plan.h"

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;
	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
	uint64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* Bytes that one more of a knob's last field can take: `bytes` for each of `per`, at most what
 * `max` allows. x86_64 slabs: struct sock and its companions as in BUDGET_CONNECTION,
 * request_sock_TCP 304, tw_sock_TCP 256, epitem with its wait entry 211, filp 256 with dentry 192,
 * a full skb 2304. */
static const struct cost {
	const char *knob;
	uint64_t bytes;
	enum { PER_ONE, PER_CONNECTION, PER_CPU, PER_PAGE } per;
	enum { UNLIMITED, CONNECTIONS, TIME_WAITS, TCP_MEMORY } max;
} costs[] = {
	{"net.core.somaxconn", BUDGET_CONNECTION, PER_ONE, CONNECTIONS},
	{"net.ipv4.tcp_max_syn_backlog", 304, PER_ONE, CONNECTIONS},
	{"net.ipv4.tcp_max_tw_buckets", 256, PER_ONE, TIME_WAITS},
	{"net.ipv4.tcp_rmem", 1, PER_CONNECTION, TCP_MEMORY},
	{"net.ipv4.tcp_wmem", 1, PER_CONNECTION, TCP_MEMORY},
	{"net.ipv4.tcp_mem", 1, PER_PAGE, UNLIMITED},
	{"net.core.netdev_max_backlog", 2304, PER_CPU, UNLIMITED},
	{"fs.file-max", 448, PER_ONE, CONNECTIONS},
	{"fs.epoll.max_user_watches", 211, PER_ONE, CONNECTIONS},
};

static int64_t last_field(const char *value)
{
	int64_t field = 0;
	for (size_t i = 0; knob_field(value, i, &field) == 0; i++)
		;
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

/* The limit of all TCP buffers together in bytes: tcp_mem or, where that is not visible, the
 * kernel's default (net/ipv4/tcp.c tcp_init_mem(): 3/32 of the memory). */
static uint64_t tcp_memory(const struct host_facts *facts, int64_t pages)
{
	return pages < 0 ? facts->memory_bytes / 32 * 3 : times((uint64_t)pages, facts->page_bytes);
}

int64_t budget_cost(const struct plan *p, const struct change *c, const struct change_site *site)
{
	const struct cost *cost = NULL;
	for (size_t i = 0; i < sizeof(costs) / sizeof(*costs); i++)
		if (strcmp(costs[i].knob, c->name) == 0)
			cost = &costs[i];
	if (!cost)
		return REPORT_NONE;
	int64_t more = last_field(c->to) - last_field(c->from);
	const struct target *t = &p->target;
	struct host_facts facts;
	host_facts(site->host, &facts);
	const uint64_t by[] = {
		[PER_ONE] = 1,
		[PER_CONNECTION] = t->connections,
		[PER_CPU] = facts.cpus ? facts.cpus : 1,
		[PER_PAGE] = facts.page_bytes,
	};
	const uint64_t max[] = {
		[UNLIMITED] = UINT64_MAX,
		[CONNECTIONS] = times(t->connections, cost->bytes),
		[TIME_WAITS] = times(target_time_wait(t), cost->bytes),
		[TCP_MEMORY] = tcp_memory(&facts, level(p, true, "net.ipv4.tcp_mem", site)),
	};
	uint64_t bytes = more <= 0 ? 0 : times(times((uint64_t)more, cost->bytes), by[cost->per]);
	return (int64_t)min(min(bytes, max[cost->max]), INT64_MAX);
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
		.connections = p->target.connections,
		.fixed = times(p->target.connections, BUDGET_CONNECTION),
		.receive = receive > 0 ? (uint64_t)receive : 0,
		.send = send > 0 ? (uint64_t)send : 0,
		.machine = facts.memory_bytes,
		.cap_assumed = pages < 0,
	};
	b->cap = tcp_memory(&facts, pages);
	uint64_t buffers = times(b->connections, plus(b->receive, b->send));
	b->sum = plus(b->fixed, buffers < b->cap ? buffers : b->cap);
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
