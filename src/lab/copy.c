#include "lab/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/knob.h"

/* Directories of a device are its own; those of "all" and "default" are the namespace's. */
static bool path_is_namespace_wide(const char *path)
{
	static const char *const families[] = {"/ipv4/conf/", "/ipv6/conf/", "/ipv4/neigh/",
					       "/ipv6/neigh/"};
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		const char *device = strstr(path, families[i]);
		if (!device)
			continue;
		device += strlen(families[i]);
		return !strncmp(device, "all/", 4) || !strncmp(device, "default/", 8);
	}
	return true;
}

struct copy_walk {
	struct knob_copy *copy;
	const struct host *h;
};

static int copy_one(const char *path, void *arg)
{
	struct copy_walk *walk = arg;
	struct knob_copy *copy = walk->copy;
	struct err ignored = {0};
	char *value = NULL;
	if (!path_is_namespace_wide(path))
		return 0;
	/* Some are write-only triggers or for root alone: nothing to copy. */
	if (host_read_all(walk->h, path, &value, &ignored) < 0)
		return 0;
	if (copy->count == copy->capacity) {
		size_t capacity = copy->capacity ? 2 * copy->capacity : 256;
		struct knob_copied *at = realloc(copy->at, capacity * sizeof(*at));
		if (!at) {
			free(value);
			return -ENOMEM;
		}
		copy->at = at;
		copy->capacity = capacity;
	}
	char *name = strdup(path);
	if (!name) {
		free(value);
		return -ENOMEM;
	}
	copy->at[copy->count++] = (struct knob_copied){name, value};
	return 0;
}

int knob_copy_read(struct knob_copy *copy, const struct host *h, struct err *e)
{
	static const char *const trees[] = {"core", "ipv4", "ipv6", "unix"};
	struct copy_walk walk = {copy, h};
	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++) {
		char dir[64];
		snprintf(dir, sizeof(dir), "proc/sys/net/%s", trees[i]);
		struct err ignored = {0};
		int rc = host_walk(h, dir, 3, copy_one, &walk, &ignored);
		if (rc == -ENOMEM)
			return err_set(e, ENOMEM, "lab: no memory for the knobs of this namespace");
	}
	return 0;
}

/* Writes what differs; counts what still does. */
static size_t copy_pass(const struct knob_copy *copy, const struct host *h, char *uncopied,
			size_t size)
{
	size_t differing = 0;
	for (size_t i = 0; i < copy->count; i++) {
		CLEAN(free_pointer) char *now = NULL;
		CLEAN(free_pointer) char *after = NULL;
		struct err ignored = {0};
		const struct knob_copied *k = &copy->at[i];
		/* Absent here: global, shared by every namespace, so not a difference. */
		if (host_read_all(h, k->path, &now, &ignored) < 0 || !strcmp(now, k->value))
			continue;
		int rc = host_write(h, k->path, k->value, &ignored);
		/* Told by the kernel, not set: tcp_ehash_entries and the like. */
		if (rc == -EACCES || rc == -EPERM)
			continue;
		if (!rc && host_read_all(h, k->path, &after, &ignored) >= 0 &&
		    !strcmp(after, k->value))
			continue;
		differing++;
		/* Of all that differs only what some wall stands on matters to anybody. */
		const char *name = k->path + strlen("proc/sys/");
		if (uncopied && knob_find(name)) {
			size_t length = strlen(uncopied);
			snprintf(uncopied + length, size - length, "%s%s", length ? "," : "", name);
		}
	}
	return differing;
}

void knob_copy_write(const struct knob_copy *copy, const struct host *h, char *uncopied,
		     size_t size)
{
	/* Some values are only accepted once another has been set, hence a second pass. */
	uncopied[0] = 0;
	if (copy_pass(copy, h, NULL, 0))
		copy_pass(copy, h, uncopied, size);
}

void knob_copy_free(struct knob_copy *copy)
{
	for (size_t i = 0; i < copy->count; i++) {
		free(copy->at[i].path);
		free(copy->at[i].value);
	}
	free(copy->at);
	*copy = (struct knob_copy){0};
}
