/* Lists of listeners. */
#include "epolltune/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

int listeners_add(struct listeners *l, const struct listener *more, struct err *e)
{
	struct listener *at = array_add(&l->at, &l->count, sizeof(*at));
	if (!at)
		return err_set(e, ENOMEM, "cannot list sockets: out of memory");
	*at = *more;
	at->owner = -1;
	return 0;
}

void listeners_free(struct listeners *l)
{
	free(l->at);
	free(l->processes);
	memset(l, 0, sizeof(*l));
}

const struct listener *listeners_find(const struct listeners *l, uint64_t cookie)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->at[i].cookie == cookie)
			return &l->at[i];
	return NULL;
}

static int cookie_order(const void *a, const void *b)
{
	const struct listener *const *x = a, *const *y = b;
	return ((*x)->cookie > (*y)->cookie) - ((*x)->cookie < (*y)->cookie);
}

struct listener_index listener_index_make(const struct listeners *l)
{
	struct listener_index index = {l, calloc(l->count + 1, sizeof(*index.at))};
	for (size_t i = 0; index.at && i < l->count; i++)
		index.at[i] = &l->at[i];
	if (index.at && l->count)
		qsort(index.at, l->count, sizeof(*index.at), cookie_order);
	return index;
}

const struct listener *listener_index_find(const struct listener_index *i, uint64_t cookie)
{
	const struct listener key = {.cookie = cookie}, *wanted = &key;
	if (!i->at)
		return listeners_find(i->of, cookie);
	const struct listener **found =
		bsearch(&wanted, i->at, i->of->count, sizeof(*i->at), cookie_order);
	return found ? *found : NULL;
}

void listener_index_free(struct listener_index *i)
{
	free(i->at);
	i->at = NULL;
}

size_t listeners_group(const struct listeners *l, size_t first)
{
	size_t end = first + 1;
	while (end < l->count && listener_shares_arrivals(&l->at[first], &l->at[end]))
		end++;
	return end;
}
