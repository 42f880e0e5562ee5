/* Kernel memory by slab cache. */
#include "host/machine.h"

#include <errno.h>
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
