/* /proc/net/softnet_stat. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "host/cpu_list.h"
#include "host/nic_reply.h"

/* Hexadecimal columns, counted from 0: net/core/net-procfs.c, softnet_seq_show(). Newer kernels
 * append columns: flow_limit since 3.11, backlog length and CPU since 5.10, since 6.4 the lengths
 * of the two queues whose sum that is. */
enum {
	COLUMN_PROCESSED = 0,
	COLUMN_DROPPED = 1,
	COLUMN_TIME_SQUEEZE = 2,
	COLUMN_RECEIVED_RPS = 9,
	COLUMN_FLOW_LIMIT = 10,
	COLUMN_BACKLOG = 11,
	COLUMN_CPU = 12,
	COLUMN_INPUT = 13,
	COLUMNS = 14,
};

static bool columns_read(const char *line, uint64_t column[COLUMNS], unsigned *count)
{
	*count = 0;
	while (*count < COLUMNS) {
		line += strspn(line, " \t");
		if (!*line)
			break;
		size_t digits = strspn(line, "0123456789abcdef");
		if (digits == 0 || digits > 8 || (line[digits] && !isblank(line[digits])))
			return false;
		column[(*count)++] = strtoul(line, NULL, 16);
		line += digits;
	}
	return *count > COLUMN_RECEIVED_RPS;
}

int softnet_parse(const char *text, const char *online, struct softnet *out, struct err *e)
{
	*out = (struct softnet){0};
	CLEAN(softnet_freep) struct softnet s = {0};
	CLEAN(free_pointer) char *copy = strdup(text);
	if (!copy)
		return err_set(e, ENOMEM, "softnet_stat: out of memory");
	struct cpu_list cpus = {0};
	uint32_t next = 0;
	if (online)
		cpu_list_add(&cpus, online);
	for (char *save, *line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		uint64_t column[COLUMNS];
		unsigned count;
		if (!columns_read(line, column, &count))
			return err_set(e, EBADMSG, "softnet_stat: malformed row: \"%.40s\"", line);
		struct softnet_cpu *c = nic_array_add(&s.at, &s.count, sizeof(*c), e);
		if (!c)
			return -ENOMEM;
		c->cpu = cpu_list_next(&cpus, next);
		if (count > COLUMN_CPU)
			c->cpu = (uint32_t)column[COLUMN_CPU];
		next = c->cpu + 1;
		c->processed = column[COLUMN_PROCESSED];
		c->dropped = column[COLUMN_DROPPED];
		c->time_squeeze = column[COLUMN_TIME_SQUEEZE];
		c->received_rps = column[COLUMN_RECEIVED_RPS];
		if (count > COLUMN_FLOW_LIMIT)
			c->flow_limit = (struct nic_number){true, column[COLUMN_FLOW_LIMIT]};
		if (count > COLUMN_CPU)
			c->backlog = (struct nic_number){true, column[COLUMN_BACKLOG]};
		if (count > COLUMN_INPUT)
			c->input = (struct nic_number){true, column[COLUMN_INPUT]};
	}
	if (!s.count)
		return err_set(e, EBADMSG, "softnet_stat: empty");
	*out = s;
	s = (struct softnet){0};
	return 0;
}

int softnet_read(const struct host *h, struct softnet *out, struct err *e)
{
	*out = (struct softnet){0};
	CLEAN(free_pointer) char *text = NULL;
	CLEAN(free_pointer) char *online = NULL;
	ssize_t n = host_read_all(h, "proc/net/softnet_stat", &text, e);
	if (n < 0)
		return (int)n;
	if (host_read_all(h, "sys/devices/system/cpu/online", &online, NULL) < 0)
		online = NULL;
	return softnet_parse(text, online, out, e);
}

void softnet_free(struct softnet *s)
{
	free(s->at);
	*s = (struct softnet){0};
}

struct softnet_cpu softnet_total(const struct softnet *s)
{
	struct softnet_cpu sum = {0};
	for (size_t i = 0; i < s->count; i++) {
		const struct softnet_cpu *c = &s->at[i];
		sum.processed += c->processed;
		sum.dropped += c->dropped;
		sum.time_squeeze += c->time_squeeze;
		sum.received_rps += c->received_rps;
		sum.flow_limit.known |= c->flow_limit.known;
		sum.flow_limit.value += c->flow_limit.value;
		sum.backlog.known |= c->backlog.known;
		sum.backlog.value += c->backlog.value;
	}
	return sum;
}

struct softnet_fill softnet_fullest(const struct softnet *s, int64_t max_backlog)
{
	struct softnet_fill f = {.packets = REPORT_NONE, .limit = max_backlog};
	for (size_t i = 0; i < s->count; i++) {
		const struct softnet_cpu *c = &s->at[i];
		const struct nic_number *n = c->input.known ? &c->input : &c->backlog;
		f.both |= n->known && !c->input.known;
		if (n->known && (int64_t)n->value > f.packets)
			f.packets = (int64_t)n->value;
	}
	if (f.both && max_backlog >= 0 && max_backlog <= INT32_MAX)
		f.limit = 2 * (max_backlog + 1) - 1;
	return f;
}

int64_t softnet_dropped(const struct host *h)
{
	CLEAN(softnet_freep) struct softnet all = {0};
	return softnet_read(h, &all, NULL) ? -1 : (int64_t)softnet_total(&all).dropped;
}

/* The growth of one CPU's row. */
static struct softnet_cpu grown(const struct softnet *before, const struct softnet_cpu *after)
{
	struct softnet_cpu g = {.cpu = after->cpu};
	for (size_t i = 0; i < before->count; i++) {
		const struct softnet_cpu *b = &before->at[i];
		if (b->cpu != after->cpu)
			continue;
		g.processed = (uint32_t)(after->processed - b->processed);
		g.dropped = (uint32_t)(after->dropped - b->dropped);
		g.time_squeeze = (uint32_t)(after->time_squeeze - b->time_squeeze);
		break;
	}
	return g;
}

struct softnet_growth softnet_growth(const struct softnet *before, const struct softnet *after)
{
	struct softnet_growth all = {0};
	uint64_t max = 0;
	for (size_t i = 0; i < after->count; i++) {
		struct softnet_cpu g = grown(before, &after->at[i]);
		all.total.processed += g.processed;
		all.total.dropped += g.dropped;
		all.total.time_squeeze += g.time_squeeze;
		if (g.processed > max) {
			max = g.processed;
			all.busiest = g.cpu;
		}
	}
	if (!max)
		return all;
	all.busiest_share = (double)max / (double)all.total.processed;
	for (size_t i = 0; i < after->count; i++)
		all.cpus += grown(before, &after->at[i]).processed * 10 >= all.total.processed;
	return all;
}

void softnet_follow(struct softnet_follow *f, struct softnet *now)
{
	const struct softnet_cpu more =
		f->last.count ? softnet_growth(&f->last, now).total : softnet_total(now);
	f->dropped += more.dropped;
	f->time_squeeze += more.time_squeeze;
	softnet_free(&f->last);
	f->last = *now;
	*now = (struct softnet){0};
}

bool softnet_mask(const struct softnet *s, char mask[SOFTNET_MASK])
{
	uint32_t words[8] = {0};
	size_t used = 0;
	for (size_t i = 0; i < s->count; i++) {
		if (s->at[i].cpu >= 256)
			return false;
		words[s->at[i].cpu / 32] |= 1u << s->at[i].cpu % 32;
	}
	for (size_t i = 8; i-- > 0;)
		if (used || words[i])
			used += (size_t)snprintf(mask + used, SOFTNET_MASK - used,
						 used ? ",%08x" : "%x", words[i]);
	return used;
}
