#include "tune/coverage.h"

#include <stdlib.h>
#include <string.h>

#include "epolltune/knob.h"

bool coverage_listed(const char *list, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',')
		if (strcspn(at, ",") == length && strncmp(at, name, length) == 0)
			return length;
	return false;
}

/* Whether a change is meant to move a wall: that of its finding, or one of its knob. */
static bool touches(const struct change *c, const char *wall)
{
	const struct knob *k = knob_find(c->name);
	if (c->scope == CHANGE_FILES)
		return false;
	return strcmp(c->wall, wall) == 0 || (k && coverage_listed(k->walls, wall));
}

static bool measures(const struct probe *probe, const struct plan *p)
{
	const char *wall;
	for (size_t i = 0; (wall = probe_wall(probe, i)); i++)
		for (size_t k = 0; k < p->count; k++)
			if (touches(&p->changes[k], wall))
				return true;
	return false;
}

char *coverage_probes(const struct plan *p, const struct probe *const *probes, size_t count,
		      const char *allowed)
{
	size_t size = 1;
	for (size_t i = 0; i < count; i++)
		size += strlen(probes[i]->name) + 1;
	char *list = calloc(1, size), *end = list;
	for (size_t i = 0; i < count && list; i++) {
		if ((allowed && !coverage_listed(allowed, probes[i]->name)) ||
		    !measures(probes[i], p))
			continue;
		if (end != list)
			*end++ = ',';
		end = stpcpy(end, probes[i]->name);
	}
	return list;
}
