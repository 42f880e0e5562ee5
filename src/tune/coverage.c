#include "tune/coverage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/knob.h"
#include "epolltune/list.h"

bool coverage_touches(const struct change *c, const char *wall)
{
	const struct knob *k = knob_find(c->name);
	if (c->scope == CHANGE_FILES)
		return false;
	return strcmp(c->wall, wall) == 0 || (k && list_has(k->walls, wall));
}

static bool measures(const struct probe *probe, const void *arg)
{
	const struct plan *p = arg;
	const char *wall;
	for (size_t i = 0; (wall = probe_wall(probe, i)); i++)
		for (size_t k = 0; k < p->count; k++)
			if (coverage_touches(&p->changes[k], wall))
				return true;
	return false;
}

static bool concerns(const struct probe *probe, const void *arg)
{
	char name[CHANGE_NAME];
	const char *names = arg;
	struct list_item item;
	while (list_next(&names, &item)) {
		snprintf(name, sizeof(name), "%.*s", item.length, item.text);
		const struct knob *k = knob_find(name);
		if (k && probe_depends(probe, k))
			return true;
	}
	return false;
}

static char *choose(const struct probe *const *probes, size_t count, const char *allowed,
		    bool (*wanted)(const struct probe *, const void *), const void *arg)
{
	size_t size = 1;
	for (size_t i = 0; i < count; i++)
		size += strlen(probes[i]->name) + 1;
	char *list = calloc(1, size), *end = list;
	for (size_t i = 0; i < count && list; i++) {
		if ((allowed && !list_has(allowed, probes[i]->name)) || !wanted(probes[i], arg))
			continue;
		if (end != list)
			*end++ = ',';
		end = stpcpy(end, probes[i]->name);
	}
	return list;
}

char *coverage_probes(const struct plan *p, const struct probe *const *probes, size_t count,
		      const char *allowed)
{
	return choose(probes, count, allowed, measures, p);
}

char *coverage_concerned(const char *names, const struct probe *const *probes, size_t count,
			 const char *allowed)
{
	return choose(probes, count, allowed, concerns, names);
}

static bool measured(const struct wall *w, const char *list, const struct probe *const *probes,
		     size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list_has(list, probes[i]->name) && probe_has_wall(probes[i], w->name))
			return true;
	return false;
}

void coverage_narrow(struct report *r, const char *list, const struct probe *const *probes,
		     size_t count)
{
	size_t walls = 0, findings = 0;
	for (size_t i = 0; i < r->wall_count; i++)
		if (measured(&r->walls[i], list, probes, count))
			r->walls[walls++] = r->walls[i];
	r->wall_count = walls;
	for (size_t i = 0; i < r->finding_count; i++)
		if (r->findings[i].wall[0] && report_find(r, r->findings[i].wall))
			r->findings[findings++] = r->findings[i];
	r->finding_count = findings;
}
