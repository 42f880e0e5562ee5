/* Copies the knobs of the calling network namespace into the lab. */
#include "base/array.h"
#include "lab/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/knob.h"
#include "epolltune/lab.h"

struct copy_walk {
	struct knob_copy *copy;
	const struct host *h;
	struct err *e;
};

/* Out of descriptors or memory: skipping the knob would silently leave the kernel's default. */
static bool error_is_ours(int rc) { return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM; }

static int copy_one(const char *path, void *arg)
{
	struct copy_walk *walk = arg;
	struct knob_copy *copy = walk->copy;
	char *value = NULL;
	ssize_t n = host_read_all(walk->h, path, &value, walk->e);
	/* Write-only triggers and files that only root reads are not copied. */
	if (n < 0)
		return error_is_ours((int)n) ? (int)n : 0;
	char *name = strdup(path);
	struct knob_copied *at = name ? array_add(&copy->at, &copy->count, sizeof(*at)) : NULL;
	if (!at) {
		free(name);
		free(value);
		return err_set(walk->e, ENOMEM, "lab: copy %s: out of memory", path);
	}
	*at = (struct knob_copied){name, value};
	return 0;
}

/* No experiment depends on what is below conf and neigh: with arp_ignore=8 a host answers no ARP
 * request, and the kernel warns about some others. */
static const char *const dirs[] = {"core", "ipv4", "ipv6", "unix"};

bool lab_copies(const char *sysctl)
{
	if (strncmp(sysctl, "net.", 4) != 0)
		return false;
	const char *dir = sysctl + 4;
	size_t length = strcspn(dir, ".");
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (strlen(dirs[i]) == length && !strncmp(dir, dirs[i], length))
			return dir[length] && !strpbrk(dir + length + 1, "./");
	return false;
}

int knob_copy_read(struct knob_copy *copy, const struct host *h, struct err *e)
{
	struct copy_walk walk = {copy, h, e};
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		char dir[64];
		snprintf(dir, sizeof(dir), "proc/sys/net/%s", dirs[i]);
		/* A directory may be missing: without IPv6, for example. */
		int rc = host_walk(h, dir, 1, copy_one, &walk, e);
		if (error_is_ours(rc)) {
			err_prefix(e, "lab: copy the knobs of this namespace");
			return rc;
		}
	}
	return err_recode(e, 0);
}

/* Writes the knobs that differ and counts those that still differ. */
static size_t copy_pass(const struct knob_copy *copy, const struct host *h, char *uncopied,
			size_t size)
{
	size_t differing = 0;
	for (size_t i = 0; i < copy->count; i++) {
		CLEAN(free_pointer) char *now = NULL;
		CLEAN(free_pointer) char *after = NULL;
		const struct knob_copied *k = &copy->at[i];
		const struct knob *row = knob_find(k->path + strlen("proc/sys/"));
		char silent[KNOB_VALUE];
		const char *value = row ? knob_silent(row->name, k->value, silent) : k->value;
		/* Absent here: a global knob, which all namespaces share. */
		if (host_read_all(h, k->path, &now, NULL) < 0 || !strcmp(now, value))
			continue;
		int rc = host_write(h, k->path, value, NULL);
		/* Read-only information such as tcp_ehash_entries. */
		if (rc == -EACCES || rc == -EPERM)
			continue;
		if (!rc && host_read_all(h, k->path, &after, NULL) >= 0 && !strcmp(after, value))
			continue;
		differing++;
		/* Report only differing knobs that a wall depends on. */
		if (uncopied && row) {
			size_t length = strlen(uncopied);
			snprintf(uncopied + length, size - length, "%s%s", length ? "," : "",
				 row->name);
		}
	}
	return differing;
}

void knob_copy_write(const struct knob_copy *copy, const struct host *h, char *uncopied,
		     size_t size)
{
	/* Twice: the kernel accepts some values only after another knob is set. */
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
