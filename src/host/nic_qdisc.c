/* Packets that the qdiscs of an interface drop for lack of room. */
#include <linux/pkt_sched.h>
#include <string.h>

#include "epolltune/nic.h"

/* What two counters that are not read at one moment may differ by: packets, one in so many. */
#define SLACK_MIN 64
#define SLACK_SHARE 16

/* Whether it counts only what those below it drop. */
static bool only_sums(const struct nic_qdisc *q)
{
	return !strcmp(q->kind, "mq") || !strcmp(q->kind, "mqprio");
}

/* Whether it drops to say that a queue is long, as that is how it works, or none itself. */
static bool by_design(const struct nic_qdisc *q)
{
	static const char *const kinds[] = {"fq_codel", "codel", "cake",  "fq_pie", "pie",
					    "red",      "gred",  "choke", "sfb",    "dualpi2"};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(q->kind, kinds[i]))
			return true;
	return only_sums(q);
}

/* A root that the kernel chose has the handle 0, and so have those below it. */
static bool is_below(const struct nic_qdisc *q, const struct nic_qdisc *of)
{
	return q->parent != TC_H_ROOT && TC_H_MAJ(q->parent) == of->handle &&
	       (of->handle || of->parent == TC_H_ROOT);
}

/* A count that fell is of another qdisc; one that was not there began at 0. */
static uint32_t growth(const struct nic *before, const struct nic_qdisc *q)
{
	for (size_t i = 0; i < before->qdisc_count; i++) {
		const struct nic_qdisc *b = &before->qdiscs[i];
		uint32_t grown = q->drops - b->drops;
		if (b->handle == q->handle && b->parent == q->parent && !strcmp(b->kind, q->kind))
			return grown > INT32_MAX ? 0 : grown;
	}
	return q->drops;
}

uint32_t nic_filters_loss(const struct nic *before, const struct nic *after)
{
	const struct nic_qdisc *b = &before->filters, *a = &after->filters;
	uint32_t grown = a->drops - b->drops;
	return strcmp(a->kind, b->kind) != 0 || grown > INT32_MAX ? 0 : grown;
}

/* A parent counts what those below it drop. It is read before them while packets pass: beside one
 * that drops by design a small difference may be what that one dropped in between. */
static uint32_t own_growth(const struct nic *before, const struct nic *after,
			   const struct nic_qdisc *q)
{
	uint32_t own = growth(before, q), designed = 0;
	bool beside = false;
	for (size_t i = 0; i < after->qdisc_count; i++) {
		const struct nic_qdisc *below = &after->qdiscs[i];
		if (!is_below(below, q))
			continue;
		uint32_t theirs = growth(before, below);
		own -= theirs < own ? theirs : own;
		beside |= by_design(below);
		designed += by_design(below) ? theirs : 0;
	}
	return !beside || (own > SLACK_MIN && own > designed / SLACK_SHARE) ? own : 0;
}

static void controlled_add(struct nic_qdisc_loss *loss, const struct nic_qdisc *q, uint32_t own,
			   uint32_t *most)
{
	loss->controlled += own;
	if (own > *most)
		loss->controls = q;
	*most = own > *most ? own : *most;
}

struct nic_qdisc_loss nic_qdisc_loss(const struct nic *before, const struct nic *after)
{
	struct nic_qdisc_loss loss = {0};
	uint32_t most = 0, controlled = 0;
	for (size_t i = 0; before->qdisc_count && i < after->qdisc_count; i++) {
		const struct nic_qdisc *q = &after->qdiscs[i];
		uint32_t own = only_sums(q) ? 0 : own_growth(before, after, q);
		if (by_design(q)) {
			controlled_add(&loss, q, own, &controlled);
			continue;
		}
		loss.grown += own;
		loss.count += own > 0;
		if (own > most)
			loss.most = q;
		most = own > most ? own : most;
	}
	return loss;
}
