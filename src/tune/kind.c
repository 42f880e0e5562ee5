#include "tune/kind.h"

#include <errno.h>
#include <string.h>

#include "epolltune/knob.h"

static const struct change_kind *const kinds[] = {&kind_sysctl, &kind_device, &kind_sysctl_d,
						  &kind_link, &kind_udev};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

const struct change_kind *change_kind_find(const char *name)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

const struct change_kind *change_kind_at(size_t i) { return i < KINDS ? kinds[i] : NULL; }

const char *change_kind_name(const struct change *c)
{
	return c->kind ? c->kind->name : c->kind_name;
}

const struct change_kind *change_kind_of(const char *name, char spelled[CHANGE_NAME])
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i]->running && kinds[i]->running->has(name, spelled))
			return kinds[i];
	return NULL;
}

int change_find_object(struct change_site *site, const struct change *c, struct err *e)
{
	bool finds = c->kind && c->kind->running && c->kind->running->find;
	return finds ? c->kind->running->find(site, c, e) : 0;
}

bool change_gives(const struct change *c, const char *value)
{
	return strcmp(value, c->to) == 0 ||
	       (c->state == CHANGE_DONE && strcmp(value, c->became) == 0);
}

bool change_worsens(const struct change *c)
{
	const struct knob *k = knob_find(c->name);
	bool had = k && (c->from[0] || k->shape == KNOB_PORTS);
	return had && knob_worse(k, c->from, c->to);
}

bool change_met(const struct change *c, const char *value)
{
	const struct knob *k = knob_find(c->name);
	char normal[KNOB_VALUE];
	return change_gives(c, value) || (c->finding[0] && k && k->shape != KNOB_WORD &&
					  knob_is_sysctl(k) && knob_normalise(k, value, normal) &&
					  !change_worsens(c) && !knob_worse(k, c->to, normal));
}

const char *change_shown(const char *value) { return *value ? value : "(empty)"; }

const char *change_value(const struct change *c, const char *value)
{
	return c->scope == CHANGE_FILES ? value : change_shown(value);
}

static const char *const scopes[] = {
	[CHANGE_NETNS] = "netns",
	[CHANGE_SYSTEM] = "system",
	[CHANGE_FILES] = "files",
};

const char *change_scope_name(enum change_scope s) { return scopes[s]; }

int change_scope_parse(const char *text, enum change_scope *s)
{
	for (size_t i = 0; i < sizeof(scopes) / sizeof(*scopes); i++)
		if (strcmp(scopes[i], text) == 0) {
			*s = (enum change_scope)i;
			return 0;
		}
	return -EINVAL;
}

const char *change_state_name(enum change_state s)
{
	static const char *const names[] = {
		[CHANGE_PLANNED] = "planned",
		[CHANGE_INTENDED] = "intended",
		[CHANGE_DONE] = "done",
		[CHANGE_REVERTING] = "reverting",
		[CHANGE_REVERTED] = "reverted",
		[CHANGE_CONFLICT] = "conflict",
		[CHANGE_UNREACHABLE] = "unreachable",
		[CHANGE_STALE] = "stale",
	};
	return names[s];
}
