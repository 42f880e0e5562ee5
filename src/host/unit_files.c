#include "host/unit_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "epolltune/cleanup.h"
#include "epolltune/order.h"
#include "host/machine.h"

const char *const unit_trees[UNIT_TREES] = {
	"/etc/systemd/system.control", "/run/systemd/system.control",
	"/run/systemd/transient",      "/run/systemd/generator.early",
	"/etc/systemd/system",         "/etc/systemd/system.attached",
	"/run/systemd/system",         "/run/systemd/system.attached",
	"/run/systemd/generator",      "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system",     "/lib/systemd/system",
	"/run/systemd/generator.late"};

const char *const manager_trees[MANAGER_TREES] = {"/etc/systemd", "/run/systemd",
						  "/usr/local/lib/systemd", "/usr/lib/systemd",
						  "/lib/systemd"};

/* The tree of a list that has a file, and the path below it; `count`: none. */
static size_t tree_of(const char *const *trees, size_t count, const char *file, const char **below)
{
	size_t i = 0, n = 0;
	for (; i < count; i++) {
		n = strlen(trees[i]);
		if (!strncmp(file, trees[i], n) && file[n] == '/')
			break;
	}
	*below = file + n;
	return i;
}

size_t unit_file_rank(const char *file)
{
	const char *below;
	size_t rank = tree_of(unit_trees, UNIT_TREES, file, &below);
	return rank < UNIT_TREES ? rank : tree_of(manager_trees, MANAGER_TREES, file, &below);
}

bool unit_file_hidden(const struct host *h, const char *file)
{
	const char *const *trees = unit_trees, *below;
	size_t rank = tree_of(unit_trees, UNIT_TREES, file, &below);
	bool hidden = false;
	if (rank == UNIT_TREES) {
		trees = manager_trees;
		rank = tree_of(manager_trees, MANAGER_TREES, file, &below);
		rank = rank < MANAGER_TREES ? rank : 0;
	}
	for (size_t i = 0; i < rank && !hidden; i++) {
		char path[PATH_MAX];
		snprintf(path, sizeof(path), "%s%s", trees[i] + 1, below);
		hidden = host_has(h, path);
	}
	return hidden;
}

DIR *unit_directory_open(const struct host *h, pid_t viewer, const char *path,
			 struct timespec *changed, int *rc)
{
	int fd = machine_open_as(h, viewer, path, O_DIRECTORY, changed, NULL);
	*rc = fd == -ENOENT ? 0 : -ENOTSUP;
	DIR *all = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !all)
		close_fd(&fd);
	return all;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* Whether a file of a tree is a link; to a file of which name. */
static bool link_read(const struct host *h, pid_t viewer, const char *tree, const char *name,
		      char base[NAME_MAX + 1])
{
	char target[PATH_MAX];
	struct timespec changed;
	CLEAN(close_fd) int fd = machine_open_as(h, viewer, tree, O_DIRECTORY, &changed, NULL);
	ssize_t size = fd < 0 ? -1 : readlinkat(fd, name, target, sizeof(target) - 1);
	target[size < 0 ? 0 : size] = 0;
	snprintf(base, NAME_MAX + 1, "%.*s", NAME_MAX, base_of(target));
	return size > 0;
}

static bool is_link_to(const struct host *h, pid_t viewer, const char *name, const char *unit)
{
	char base[NAME_MAX + 1];
	for (size_t i = 0; i < UNIT_TREES; i++)
		if (link_read(h, viewer, unit_trees[i], name, base) && !strcmp(base, unit))
			return true;
	return false;
}

/* Whose drop-ins hide those of the same name: the first. */
enum kind { OF_NAME, OF_LINK, OF_TYPE, NOT_OF_UNIT };

static enum kind kind_of(const struct host *h, pid_t viewer, const char *name, const char *unit)
{
	const char *type = strrchr(unit, '.');
	size_t length = strlen(name), dash = type ? length - strlen(type) : 0;
	if (!strcmp(name, unit))
		return OF_NAME;
	if (type && !strcmp(name, type + 1))
		return OF_TYPE;
	if (!type || !text_ends(name, length, type))
		return NOT_OF_UNIT;
	if (dash && name[dash - 1] == '-' && !strncmp(name, unit, dash))
		return OF_NAME;
	return is_link_to(h, viewer, name, unit) ? OF_LINK : NOT_OF_UNIT;
}

static int file_add(struct unit_files *f, const char *directory, const char *name, size_t rank)
{
	char *path = NULL;
	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return -ENOMEM;
	struct unit_file *more = array_add(&f->at, &f->count, sizeof(*more));
	if (!more) {
		free(path);
		return -ENOMEM;
	}
	*more = (struct unit_file){path, rank};
	return 0;
}

/* Adds the files of a directory whose names end so. */
static int directory_add(const struct host *h, pid_t viewer, const char *directory,
			 const char *ending, size_t rank, struct unit_files *out)
{
	struct timespec changed;
	const struct dirent *entry;
	int rc;
	CLEAN(close_directory)
	DIR *all = unit_directory_open(h, viewer, directory, &changed, &rc);
	rc = 0;
	while (all && !rc && (entry = readdir(all)))
		if (entry->d_name[0] != '.' &&
		    text_ends(entry->d_name, strlen(entry->d_name), ending))
			rc = file_add(out, directory, entry->d_name, rank);
	return rc;
}

static int by_base_and_rank(const void *a, const void *b)
{
	const struct unit_file *x = a, *y = b;
	int by = strcmp(base_of(x->path), base_of(y->path));
	return by ? by : ORDER(x->rank, y->rank);
}

static void hidden_drop(struct unit_files *f)
{
	size_t kept = 0;
	if (f->count)
		qsort(f->at, f->count, sizeof(*f->at), by_base_and_rank);
	for (size_t i = 0; i < f->count; i++) {
		if (kept && !strcmp(base_of(f->at[kept - 1].path), base_of(f->at[i].path)))
			free(f->at[i].path);
		else
			f->at[kept++] = f->at[i];
	}
	f->count = kept;
}

/* Whether the file is a link to another unit of the list. */
static bool is_other_name(const struct host *h, pid_t viewer, const struct unit_files *f, size_t i)
{
	char tree[PATH_MAX], target[NAME_MAX + 1];
	const char *name = base_of(f->at[i].path);
	bool other = false;
	snprintf(tree, sizeof(tree), "%.*s", (int)(name - 1 - f->at[i].path), f->at[i].path);
	if (!link_read(h, viewer, tree, name, target) || !strcmp(target, name))
		return false;
	for (size_t k = 0; k < f->count && !other; k++)
		other = f->at[k].path && !strcmp(base_of(f->at[k].path), target);
	return other;
}

int unit_files_list(const struct host *h, pid_t viewer, const char *type, struct unit_files *out)
{
	size_t kept = 0;
	int rc = 0;
	*out = (struct unit_files){0};
	for (size_t i = 0; i < UNIT_TREES && !rc; i++)
		rc = directory_add(h, viewer, unit_trees[i], type, i, out);
	hidden_drop(out);
	for (size_t i = 0; i < out->count; i++)
		out->at[i].rank = is_other_name(h, viewer, out, i);
	for (size_t i = 0; i < out->count; i++) {
		if (out->at[i].rank)
			free(out->at[i].path);
		else
			out->at[kept++] = out->at[i];
	}
	out->count = kept;
	return rc;
}

int unit_tree_dropins(const struct host *h, pid_t viewer, size_t tree, const char *unit,
		      struct timespec *changed,
		      int (*each)(const char *directory, size_t rank, void *arg), void *arg)
{
	char path[PATH_MAX], name[NAME_MAX + 1];
	const struct dirent *entry;
	int rc;
	CLEAN(close_directory)
	DIR *all = unit_directory_open(h, viewer, unit_trees[tree], changed, &rc);
	if (!all)
		return rc;
	rc = 0;
	while (!rc && (entry = readdir(all))) {
		size_t length = strlen(entry->d_name);
		if (!text_ends(entry->d_name, length, ".d"))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)length - 2, entry->d_name);
		snprintf(path, sizeof(path), "%s/%s", unit_trees[tree], entry->d_name);
		size_t kind = kind_of(h, viewer, name, unit);
		/* A longer beginning comes before a shorter one. */
		if (kind != NOT_OF_UNIT)
			rc = each(path, (kind * UNIT_TREES + tree + 1) * NAME_MAX - length, arg);
	}
	return rc;
}

struct adding {
	const struct host *host;
	pid_t viewer;
	struct unit_files *files;
};

static int dropins_add(const char *directory, size_t rank, void *arg)
{
	const struct adding *a = arg;
	return directory_add(a->host, a->viewer, directory, ".conf", rank, a->files);
}

int unit_files_dropins(const struct host *h, pid_t viewer, const char *unit, struct unit_files *out)
{
	struct adding a = {h, viewer, out};
	struct timespec changed;
	int rc = 0;
	*out = (struct unit_files){0};
	for (size_t i = 0; i < UNIT_TREES && rc != -ENOMEM; i++)
		rc = unit_tree_dropins(h, viewer, i, unit, &changed, dropins_add, &a);
	hidden_drop(out);
	return rc == -ENOMEM ? rc : 0;
}

void unit_files_free(struct unit_files *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->at[i].path);
	free(f->at);
	*f = (struct unit_files){0};
}
