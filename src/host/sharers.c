/* Whether the owners of listeners still hold them, and the workers that share them. */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "epolltune/cleanup.h"
#include "epolltune/order.h"
#include "host/descriptors.h"
#include "host/processes.h"

/* Bound the search: of one process, and of those that share. Listeners have low descriptors. */
#define LOW 1024
#define ONE 65536
#define SHARERS 256

/* Marks those of the owner that the process holds; `left`: their number. False: it may hold more
 * than was looked at. */
static bool held_mark(const struct host *h, pid_t pid, const struct listeners *l, int owner,
		      size_t left, unsigned max, bool *held)
{
	CLEAN(close_fd) int process = process_open(h, pid, NULL);
	CLEAN(descriptors_close) struct descriptors all = {.directory = -1};
	struct descriptor d;
	if (process < 0 || descriptors_open(&all, process) < 0)
		return false;
	for (unsigned n = 0; left && descriptors_next(&all, &d); n++) {
		if (n == max || !d.link[0])
			return false;
		for (size_t i = 0; i < l->count && d.socket; i++)
			if (l->at[i].owner == owner && l->at[i].inode == d.socket && !held[i]) {
				held[i] = true;
				left--;
			}
	}
	return true;
}

static size_t owned(const struct listeners *l, int owner)
{
	size_t n = 0;
	for (size_t i = 0; i < l->count; i++)
		n += l->at[i].owner == owner;
	return n;
}

void listeners_disown(const struct host *h, struct listeners *l, int owner)
{
	CLEAN(free_pointer) bool *held = calloc(l->count + 1, sizeof(*held));
	if (!held || !held_mark(h, l->processes[owner].pid, l, owner, owned(l, owner), ONE, held))
		return;
	for (size_t i = 0; i < l->count; i++)
		if (l->at[i].owner == owner && !held[i])
			l->at[i].owner = -1;
}

/* Whether it is another process of the same parent and program as the owner, and holds one of its
 * listeners. */
static bool shares_with(const struct host *h, const struct listeners *l, int owner,
			const struct process_stat *of, const struct process_stat *p)
{
	if (!of || of->pid == p->pid || of->parent != p->parent ||
	    !process_family(of->name, p->name))
		return false;
	CLEAN(free_pointer) bool *held = calloc(l->count + 1, sizeof(*held));
	if (held)
		held_mark(h, p->pid, l, owner, 1, LOW, held);
	for (size_t i = 0; held && i < l->count; i++)
		if (held[i])
			return true;
	return false;
}

static bool owns_any(const struct listeners *l, pid_t pid)
{
	for (size_t i = 0; i < l->process_count; i++)
		if (l->processes[i].pid == pid && owned(l, (int)i))
			return true;
	return false;
}

int listeners_sharers(const struct host *h, const struct listeners *l, struct process **out,
		      size_t *count, struct err *e)
{
	CLEAN(free_pointer) struct process_stat *all = NULL;
	size_t all_count;
	*out = NULL;
	*count = 0;
	int rc = process_list(h, &all, &all_count, e);
	for (size_t o = 0; o < l->process_count && !rc; o++) {
		const struct process_stat key = {.pid = l->processes[o].pid}, *of = NULL;
		if (all_count && owned(l, (int)o))
			of = bsearch(&key, all, all_count, sizeof(key), int_compare);
		for (size_t i = 0; i < all_count && of && *count < SHARERS; i++) {
			struct process p;
			if (!shares_with(h, l, (int)o, of, &all[i]) || owns_any(l, all[i].pid) ||
			    process_read(h, all[i].pid, &p, NULL) < 0)
				continue;
			struct process *more = array_add(out, count, sizeof(*more));
			if (!more)
				return err_set(e, ENOMEM, "cannot list processes: out of memory");
			*more = p;
		}
	}
	return rc;
}
