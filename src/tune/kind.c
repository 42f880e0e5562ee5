#include "epolltune/change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/knob.h"
#include "tune/device.h"
#include "tune/device_files.h"
#include "tune/dropin.h"

static const struct knob *sysctl_find(const char *name, struct err *e)
{
	const struct knob *k = knob_find(name);
	if (k && (k->scope == KNOB_NETNS || k->scope == KNOB_SYSTEM))
		return k;
	err_set(e, EINVAL, "%s is not a sysctl that epolltune knows", name);
	return NULL;
}

static enum change_scope sysctl_scope(const char *name)
{
	const struct knob *k = knob_find(name);
	return k && k->scope == KNOB_NETNS ? CHANGE_NETNS : CHANGE_SYSTEM;
}

static int sysctl_check(const struct change_site *site, const char *name, const char *value,
			char normal[CHANGE_VALUE], struct err *e)
{
	const struct knob *k = sysctl_find(name, e);
	if (!k)
		return -EINVAL;
	char path[KNOB_PATH];
	knob_path(k, path);
	int r = knob_check(k, value, normal, e);
	if (r < 0)
		return r;
	/* The kernel allows uid 0 to write it even from a namespace that maps that uid. */
	if (k->scope == KNOB_SYSTEM && !host_owns_machine(site->host))
		return err_set(e, EACCES,
			       "%s applies to the whole machine: not writable from a namespace",
			       name);
	return host_writable(site->host, path, e);
}

static int sysctl_read(const struct change_site *site, const char *name, char value[CHANGE_VALUE],
		       struct err *e)
{
	const struct knob *k = sysctl_find(name, e);
	return k ? knob_read(k, site->host, value, e) : -EINVAL;
}

static int sysctl_write(const struct change_site *site, const char *name, const char *value,
			struct err *e)
{
	const struct knob *k = sysctl_find(name, e);
	if (!k)
		return -EINVAL;
	/* Not checked by knob_check(): rollback must be able to restore any old value. */
	char path[KNOB_PATH];
	knob_path(k, path);
	return host_write(site->host, path, value, e);
}

static enum change_scope dropin_scope(const char *name)
{
	(void)name;
	return CHANGE_FILES;
}

static const struct change_kind kinds[] = {
	{"sysctl", sysctl_scope, sysctl_check, sysctl_read, sysctl_write, NULL, NULL, NULL},
	{"device", device_scope, device_check, device_read, device_write, NULL, device_object,
	 device_gone},
	{"sysctl.d", dropin_scope, dropin_check, dropin_read, dropin_write, dropin_tidy, NULL,
	 NULL},
	{"link", dropin_scope, device_file_check, device_file_read, device_file_write,
	 device_file_tidy, NULL, NULL},
	{"udev", dropin_scope, device_file_check, device_file_read, device_file_write,
	 device_file_tidy, NULL, NULL},
};

const struct change_kind *change_kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
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
