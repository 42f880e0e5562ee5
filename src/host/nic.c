/* Reads network interfaces from all their sources. */
#include "epolltune/nic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/order.h"
#include "host/nic_ask.h"
#include "host/nic_sources.h"

static void reply_freep(struct reply *r) { reply_free(r); }
static void interrupts_freep(struct interrupts *i) { interrupts_free(i); }

static int by_index(const void *a, const void *b)
{
	const struct nic *x = a, *y = b;
	return ORDER(x->index, y->index);
}

/* An unsupported request leaves its fields absent. Fails only without memory or when the interface
 * is removed. */
static int take_replies(struct nic_asker *a, struct nic *n, struct err *e)
{
	for (enum nic_request what = NIC_LINKS + 1; what < NIC_REQUESTS; what++) {
		CLEAN(reply_freep) struct reply reply = {0};
		struct err absent = {0};
		int r = nic_ask(a, what, n, &reply, &absent);
		if (r == 0)
			r = reply_take(what, &reply, n, &absent);
		if (r == -ENOMEM || r == -ENODEV)
			return err_set(e, -r, "%s", absent.text);
	}
	return 0;
}

static int by_queue(const void *a, const void *b)
{
	const struct nic_queue *x = a, *y = b;
	return x->direction != y->direction ? ORDER(x->direction, y->direction)
					    : ORDER(x->id, y->id);
}

static int nic_take(struct nic_asker *a, const struct host *h, const struct interrupts *all,
		    struct nic *n, struct err *e)
{
	int r = take_replies(a, n, e);
	if (r == 0)
		r = host_live(h) ? nic_take_ioctl(n, e) : nic_take_counters(h, n, e);
	if (r == 0)
		r = nic_take_sysfs(h, n, e);
	if (r == 0)
		r = nic_take_interrupts(h, all, n, e);
	if (n->queue_count)
		qsort(n->queues, n->queue_count, sizeof(*n->queues), by_queue);
	if (n->napi_count)
		qsort(n->napis, n->napi_count, sizeof(*n->napis), u32_compare);
	return r;
}

static void nics_drop(struct nics *n, size_t i)
{
	nic_release(&n->at[i]);
	n->count--;
	memmove(&n->at[i], &n->at[i + 1], (n->count - i) * sizeof(*n->at));
}

struct wanted {
	enum nic_choice choice;
	const char *name; /* NULL: by choice */
};

/* Whether to read the interface. Virtual devices have a kind; devices of a driver have none. */
static bool worth(const struct wanted *w, const struct nic *n)
{
	if (w->name)
		return !strcmp(n->name, w->name);
	return w->choice != NIC_REAL || (!n->kind[0] && strcmp(n->name, "lo") != 0);
}

static int read_wanted(const struct host *h, const struct wanted *w, struct nics *out,
		       struct err *e)
{
	*out = (struct nics){0};
	CLEAN(nics_freep) struct nics list = {0};
	CLEAN(nic_asker_closep) struct nic_asker *a = NULL;
	CLEAN(reply_freep) struct reply links = {0};
	CLEAN(reply_freep) struct reply qdiscs = {0};
	CLEAN(interrupts_freep) struct interrupts all = {0};
	bool whole = w->choice != NIC_STATISTICS;
	int r = nic_asker_open(&a, h, e);
	if (r == 0)
		r = nic_ask(a, NIC_LINKS, NULL, &links, e);
	if (r == 0)
		r = reply_links(&links, &list, e);
	if (r == 0 && whole)
		r = interrupts_read(h, &all, e);
	if (r < 0)
		return r;
	for (size_t i = 0; whole && i < list.count;) {
		struct nic *n = &list.at[i];
		r = worth(w, n) ? nic_take(a, h, &all, n, e) : -ENODEV;
		if (r == 0 && w->choice == NIC_REAL && !n->physical)
			r = -ENODEV;
		if (r == -ENODEV)
			nics_drop(&list, i);
		else if (r < 0)
			return r;
		else
			i++;
	}
	if (list.count)
		qsort(list.at, list.count, sizeof(*list.at), by_index);
	nics_take_routes(h, &list);
	/* A kernel without them has no such drops. */
	if (!nic_ask_qdiscs(a, &qdiscs, NULL) && reply_qdiscs(&qdiscs, &list, e))
		return -ENOMEM;
	*out = list;
	list = (struct nics){0};
	return 0;
}

int nics_read(const struct host *h, enum nic_choice choice, struct nics *out, struct err *e)
{
	struct wanted w = {.choice = choice};
	return read_wanted(h, &w, out, e);
}

int nics_read_one(const struct host *h, const char *name, struct nics *out, struct err *e)
{
	struct wanted w = {.choice = NIC_ALL, .name = name};
	int r = read_wanted(h, &w, out, e);
	return r == 0 && !out->count ? err_set(e, ENODEV, "%.40s: no such interface", name) : r;
}

void nics_free(struct nics *n)
{
	for (size_t i = 0; i < n->count; i++)
		nic_release(&n->at[i]);
	free(n->at);
	*n = (struct nics){0};
}

const struct nic *nics_find(const struct nics *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++)
		if (!strcmp(n->at[i].name, name))
			return &n->at[i];
	return NULL;
}

const struct nic *nics_at(const struct nics *n, uint32_t index)
{
	for (size_t i = 0; index && i < n->count; i++)
		if (n->at[i].index == index)
			return &n->at[i];
	return NULL;
}

const struct nic_napi *nic_napi_of(const struct nic *n, uint32_t queue)
{
	size_t receiving = 0, with_napi = 0;
	for (size_t i = 0; i < n->queue_count; i++) {
		const struct nic_queue *q = &n->queues[i];
		if (q->direction != NIC_RX)
			continue;
		receiving++;
		with_napi += q->napi.known;
		for (size_t k = 0; q->napi.known && k < n->napi_count; k++)
			if (q->id == queue && n->napis[k].id == q->napi.value)
				return &n->napis[k];
	}
	bool in_order = !with_napi && n->napi_count == receiving && queue < receiving;
	return in_order ? &n->napis[queue] : NULL;
}

const struct nic_feature *nic_feature(const struct nic *n, const char *name)
{
	for (size_t i = 0; i < n->feature_count; i++)
		if (!strcmp(n->features[i].name, name))
			return &n->features[i];
	return NULL;
}
