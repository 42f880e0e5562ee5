#include "tune/coverage.h"

#include <stdio.h>
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

static probe_set choose(probe_set allowed, bool (*wanted)(const struct probe *, const void *),
			const void *arg)
{
	probe_set set = 0;
	for (size_t i = 0; i < probe_count(); i++)
		if (probe_chosen(allowed, i) && wanted(probe_at(i), arg))
			set |= (probe_set)1 << i;
	return set;
}

probe_set coverage_probes(const struct plan *p, probe_set allowed)
{
	return choose(allowed, measures, p);
}

probe_set coverage_concerned(const char *names, probe_set allowed)
{
	return choose(allowed, concerns, names);
}

static bool measured(const struct wall *w, probe_set of)
{
	for (size_t i = 0; i < probe_count(); i++)
		if (of >> i & 1 && probe_has_wall(probe_at(i), w->name))
			return true;
	return false;
}

void coverage_narrow(struct report *r, probe_set of)
{
	size_t walls = 0, findings = 0;
	for (size_t i = 0; i < r->wall_count; i++)
		if (measured(&r->walls[i], of))
			r->walls[walls++] = r->walls[i];
	r->wall_count = walls;
	for (size_t i = 0; i < r->finding_count; i++)
		if (r->findings[i].wall[0] && report_find(r, r->findings[i].wall))
			r->findings[findings++] = r->findings[i];
	r->finding_count = findings;
}
