/* Kernel memory in slabs, by cache and altogether. */
#include "host/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"

/* Parses "name active_objs num_objs objsize …": mm/slab_common.c, cache_show(). */
static bool slab_parse(const char *line, struct host_slab *out)
{
	size_t length = strcspn(line, " \t");
	uint64_t all;
	if (!length || length >= sizeof(out->name))
		return false;
	memcpy(out->name, line, length);
	out->name[length] = 0;
	line += length;
	return text_number(&line, &out->active) && text_number(&line, &all) &&
	       text_number(&line, &out->object_bytes);
}

int host_slabs(const struct host *h, struct host_slabs *out, struct err *e)
{
	out->count = 0;
	CLEAN(free_pointer) char *text = NULL;
	ssize_t n = host_read_all(h, "proc/slabinfo", &text, e);
	if (n < 0)
		return (int)n;
	char *at = NULL;
	for (char *line = strtok_r(text, "\n", &at); line && out->count < HOST_SLABS;
	     line = strtok_r(NULL, "\n", &at))
		if (*line != '#' && slab_parse(line, &out->at[out->count]))
			out->count++;
	if (!out->count)
		return err_set(e, EBADMSG, "%s/proc/slabinfo: contains no slab cache", h->root);
	return 0;
}

int host_slab_bytes(const struct host *h, uint64_t *bytes, struct err *e)
{
	CLEAN(free_pointer) char *text = NULL;
	ssize_t n = host_read_all(h, "proc/meminfo", &text, e);
	if (n < 0)
		return (int)n;
	uint64_t reclaimable, other;
	if (!text_keyed_bytes(text, "SReclaimable", &reclaimable) ||
	    !text_keyed_bytes(text, "SUnreclaim", &other) ||
	    __builtin_add_overflow(reclaimable, other, bytes))
		return err_set(e, EBADMSG, "%s/proc/meminfo: no SReclaimable and SUnreclaim",
			       h->root);
	return 0;
}

void host_slab_memory(const struct host *h, struct host_slab_memory *out)
{
	if (host_slabs(h, &out->slabs, NULL))
		out->slabs.count = 0;
	if (host_slab_bytes(h, &out->bytes, NULL))
		out->bytes = 0;
}

const struct host_slab *host_slab_find(const struct host_slabs *slabs, const char *name)
{
	for (size_t i = 0; i < slabs->count; i++)
		if (!strcmp(slabs->at[i].name, name))
			return &slabs->at[i];
	return NULL;
}

int64_t host_slab_growth(const struct host_slabs *before, const struct host_slab *after)
{
	const struct host_slab *was = host_slab_find(before, after->name);
	int64_t objects = (int64_t)after->active - (int64_t)(was ? was->active : 0);
	return objects * (int64_t)after->object_bytes;
}

uint64_t host_slab_taken(const struct host_slab_memory *before,
			 const struct host_slab_memory *after, uint64_t connections, bool *by_cache)
{
	uint64_t bytes = 0;
	*by_cache = before->slabs.count && after->slabs.count;
	if (!*by_cache)
		return before->bytes && after->bytes > before->bytes ? after->bytes - before->bytes
								     : 0;
	for (size_t i = 0; i < after->slabs.count; i++) {
		const struct host_slab *cache = &after->slabs.at[i];
		int64_t growth = host_slab_growth(&before->slabs, cache);
		if (growth > 0 && (uint64_t)growth >= connections / 2 * cache->object_bytes)
			bytes += (uint64_t)growth;
	}
	return bytes;
}

/* What a connection has at one end, its socket first. */
static const char *const connection_caches[] = {"TCP",    "sock_inode_cache", "filp",
						"dentry", "eventpoll_epi",    "eventpoll_pwq"};
#define CONNECTION_CACHES (sizeof(connection_caches) / sizeof(*connection_caches))

uint64_t host_slab_connection(const struct host_slabs *slabs)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < CONNECTION_CACHES; i++) {
		const struct host_slab *cache = host_slab_find(slabs, connection_caches[i]);
		bytes += cache ? cache->object_bytes : 0;
	}
	return bytes;
}

/* The sizes alone, of SLUB. The kernel counts all objects for each reading of slabinfo, which takes
 * milliseconds. */
static uint64_t sizes_sum(const struct host *h, uint64_t *socket)
{
	uint64_t bytes = 0, one;
	char path[64];
	for (size_t i = 0; i < CONNECTION_CACHES; i++) {
		snprintf(path, sizeof(path), "sys/kernel/slab/%s/slab_size", connection_caches[i]);
		if (!host_read_u64(h, path, &one, NULL))
			bytes += one;
		else if (!i)
			return 0;
		if (!i)
			*socket = one;
	}
	return bytes;
}

uint64_t host_connection_bytes(const struct host *h, uint64_t *socket)
{
	uint64_t unused, *of = socket ? socket : &unused;
	uint64_t bytes = sizes_sum(h, of);
	if (bytes)
		return bytes;
	CLEAN(free_pointer) struct host_slabs *slabs = malloc(sizeof(*slabs));
	*of = 0;
	if (!slabs || host_slabs(h, slabs, NULL))
		return 0;
	const struct host_slab *cache = host_slab_find(slabs, connection_caches[0]);
	*of = cache ? cache->object_bytes : 0;
	return host_slab_connection(slabs);
}
