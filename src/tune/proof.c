#include "tune/proof.h"

#include <stdlib.h>
#include <string.h>

#include "epolltune/knob.h"

static bool listed(const char *list, const char *name, size_t length)
{
	for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',')
		if (strcspn(at, ",") == length && strncmp(at, name, length) == 0)
			return length;
	return false;
}

bool proof_listed(const char *list, const char *name) { return listed(list, name, strlen(name)); }

/* Whether a change is meant to move a wall of the list: that of its finding, or one of its knob. */
static bool touches(const struct change *c, const char *walls)
{
	const struct knob *k = knob_find(c->name);
	if (c->scope == CHANGE_FILES)
		return false;
	for (const char *at = k ? k->walls : NULL; at && *at; at += *at == ',') {
		size_t length = strcspn(at, ",");
		if (listed(walls, at, length))
			return true;
		at += length;
	}
	return proof_listed(walls, c->wall);
}

static bool measures(const struct probe *probe, const struct plan *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (touches(&p->changes[i], probe->walls))
			return true;
	return false;
}

char *proof_probes(const struct plan *p, const struct probe *const *probes, size_t count,
		   const char *allowed)
{
	size_t size = 1;
	for (size_t i = 0; i < count; i++)
		size += strlen(probes[i]->name) + 1;
	char *list = calloc(1, size), *end = list;
	for (size_t i = 0; i < count && list; i++) {
		if ((allowed && !proof_listed(allowed, probes[i]->name)) || !measures(probes[i], p))
			continue;
		if (end != list)
			*end++ = ',';
		end = stpcpy(end, probes[i]->name);
	}
	return list;
}
