/* The table of the probes, and the walls of each. */
#include "epolltune/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/knob.h"
#include "epolltune/list.h"

#define PROBE(name) extern const struct probe probe_##name;
#include "probes.def"
#undef PROBE

static const struct probe *const probe_table[] = {
#define PROBE(name) &probe_##name,
#include "probes.def"
#undef PROBE
};

/* A report has them all, and the walls of each (tests/unit/test_report.c). */
_Static_assert(sizeof(probe_table) / sizeof(*probe_table) <= REPORT_PROBES, "REPORT_PROBES");
_Static_assert(REPORT_PROBES <= 8 * sizeof(probe_set), "probe_set");

size_t probe_count(void) { return sizeof(probe_table) / sizeof(*probe_table); }

const struct probe *probe_at(size_t i) { return i < probe_count() ? probe_table[i] : NULL; }

const struct probe *probe_find(const char *name)
{
	for (size_t i = 0; i < probe_count(); i++)
		if (!strcmp(probe_table[i]->name, name))
			return probe_table[i];
	return NULL;
}

probe_set probes_parse(const char *list, struct err *e)
{
	probe_set set = 0;
	struct list_item item;
	while (list_next(&list, &item)) {
		size_t i = 0;
		while (i < probe_count() && !list_item_is(&item, probe_table[i]->name))
			i++;
		if (i == probe_count()) {
			err_set(e, EINVAL, "no probe \"%.*s\"; epolltune list probes", item.length,
				item.text);
			return 0;
		}
		set |= (probe_set)1 << i;
	}
	return set;
}

char *probes_text(probe_set set, char text[PROBES_TEXT])
{
	char *end = text;
	*end = 0;
	for (size_t i = 0; i < probe_count(); i++)
		if (set >> i & 1)
			end += sprintf(end, "%s%s", end > text ? "," : "", probe_table[i]->name);
	return text;
}

const char *probe_wall(const struct probe *p, size_t i)
{
	for (const struct experiment *x = p->experiments; x && x->wall; x++)
		if (!i--)
			return x->wall;
	if (p->observation)
		for (const char *const *wall = p->observation->walls; wall && *wall; wall++)
			if (!i--)
				return *wall;
	return NULL;
}

bool probe_has_wall(const struct probe *p, const char *wall)
{
	const char *name;
	for (size_t i = 0; (name = probe_wall(p, i)); i++)
		if (!strcmp(name, wall))
			return true;
	return false;
}

const struct experiment *experiment_find(const char *wall)
{
	for (size_t i = 0; i < probe_count(); i++)
		for (const struct experiment *x = probe_table[i]->experiments; x && x->wall; x++)
			if (!strcmp(x->wall, wall))
				return x;
	return NULL;
}

bool experiment_uses(const struct experiment *x, const char *knob)
{
	for (size_t i = 0; x && i < SETTINGS_MAX && x->knobs[i]; i++)
		if (!strcmp(x->knobs[i], knob))
			return true;
	return false;
}

bool wall_depends(const char *wall, const struct knob *k)
{
	return list_has(k->walls, wall) || experiment_uses(experiment_find(wall), k->name);
}

bool probe_depends(const struct probe *p, const struct knob *k)
{
	const char *wall;
	for (size_t i = 0; (wall = probe_wall(p, i)); i++)
		if (list_has(k->walls, wall))
			return true;
	for (const struct experiment *x = p->experiments; x && x->wall; x++)
		if (experiment_uses(x, k->name))
			return true;
	return false;
}

bool probe_experiments(const struct probe *p, const struct target *t, const struct probe_options *o)
{
	if (p->measure)
		return true;
	for (const struct experiment *x = p->experiments; x && x->wall; x++)
		if (x->run && experiment_applies(x, t, o))
			return true;
	return false;
}
