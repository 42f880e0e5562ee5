#include "host/unit_command.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "host/machine.h"
#include "host/processes.h"

#define KEY "ExecStart"

const char *const unit_trees[UNIT_TREES] = {
	"/etc/systemd/system.control", "/run/systemd/system.control",
	"/run/systemd/transient",      "/run/systemd/generator.early",
	"/etc/systemd/system",         "/etc/systemd/system.attached",
	"/run/systemd/system",         "/run/systemd/system.attached",
	"/run/systemd/generator",      "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system",     "/lib/systemd/system",
	"/run/systemd/generator.late"};

bool unit_is_system(const char *cgroup, const char *unit)
{
	static const char system[] = ":/system.slice/", slice[] = ".slice";
	const char *at = strstr(cgroup, system);
	bool inside = *unit && at;
	at = inside ? at + sizeof(system) - 1 : "";
	for (const char *slash;
	     inside && (slash = strchr(at, '/')) && slash < at + strcspn(at, "\n"); at = slash + 1)
		inside = slash - at >= (ptrdiff_t)sizeof(slice) &&
			 !strncmp(slash - sizeof(slice) + 1, slice, sizeof(slice) - 1);
	return inside && strcspn(at, "\n") == strlen(unit) && !strncmp(at, unit, strlen(unit));
}

/* As systemd sees it, which shares the root of this process. */
static ssize_t unit_read(const struct host *h, const char *name, uint64_t started, char **text)
{
	struct timespec changed;
	ssize_t size = machine_read_as(h, getpid(), name, text, &changed, NULL);
	return size >= 0 && process_precedes(started, &changed) ? -ENOTSUP : size;
}

/* Opens a directory; NULL with *rc: 0, there is none. */
static DIR *directory_open(const struct host *h, const char *path, struct timespec *changed,
			   int *rc)
{
	int fd = machine_open_as(h, getpid(), path, O_DIRECTORY, changed, NULL);
	*rc = fd == -ENOENT ? 0 : -ENOTSUP;
	DIR *all = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !all)
		close_fd(&fd);
	return all;
}

/* Whether a drop-in may set the command, or the directory changed. */
static int dropins_check(const struct host *h, const char *directory, uint64_t started)
{
	char path[PATH_MAX + NAME_MAX + 2];
	struct timespec changed;
	const struct dirent *entry;
	int rc;
	CLEAN(close_directory) DIR *all = directory_open(h, directory, &changed, &rc);
	if (!all || process_precedes(started, &changed))
		return all ? -ENOTSUP : rc;
	while ((entry = readdir(all))) {
		CLEAN(free_pointer) char *text = NULL;
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if (unit_read(h, path, started, &text) < 0 || strstr(text, KEY))
			return -ENOTSUP;
	}
	return 0;
}

/* Whether drop-ins for that name are for the unit: it is all services, a beginning up to a dash, or
 * a link to the unit. */
static bool is_name_of(const char *name, const char *unit)
{
	static const char type[] = ".service";
	char path[PATH_MAX], target[PATH_MAX];
	size_t length = strlen(name);
	if (!strcmp(name, unit) || !strcmp(name, type + 1))
		return true;
	size_t dash = length > sizeof(type) ? length - (sizeof(type) - 1) : 0;
	if (dash && name[dash - 1] == '-' && !strncmp(name, unit, dash))
		return true;
	for (size_t i = 0; i < UNIT_TREES; i++) {
		snprintf(path, sizeof(path), "%s/%s", unit_trees[i], name);
		ssize_t size = readlink(path, target, sizeof(target) - 1);
		target[size < 0 ? 0 : size] = 0;
		if (size >= 0 && !strcmp(basename(target), unit))
			return true;
	}
	return false;
}

/* Checks all drop-ins of a tree that are for the unit. */
static int tree_check(const struct host *h, const char *tree, const char *unit, uint64_t started,
		      struct timespec *changed)
{
	char path[PATH_MAX], name[NAME_MAX + 1];
	const struct dirent *entry;
	int rc;
	CLEAN(close_directory) DIR *all = directory_open(h, tree, changed, &rc);
	if (!all)
		return rc;
	rc = 0;
	while (!rc && (entry = readdir(all))) {
		size_t length = strlen(entry->d_name);
		if (length < 3 || strcmp(entry->d_name + length - 2, ".d") != 0)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)length - 2, entry->d_name);
		snprintf(path, sizeof(path), "%s/%s", tree, entry->d_name);
		if (is_name_of(name, unit))
			rc = dropins_check(h, path, started);
	}
	return rc;
}

/* Reads the file of that name in the highest tree that has one; those above it may have had one
 * where they changed. */
static int unit_find(const struct host *h, const char *unit, uint64_t started, char **text)
{
	int rc = -ENOENT;
	for (size_t i = 0; i < UNIT_TREES; i++) {
		char path[PATH_MAX];
		struct timespec changed = {0};
		int checked = tree_check(h, unit_trees[i], unit, started, &changed);
		if (checked)
			return checked;
		if (!rc)
			continue;
		snprintf(path, sizeof(path), "%s/%s", unit_trees[i], unit);
		ssize_t size = unit_read(h, path, started, text);
		rc = size < 0 ? (int)size : 0;
		if (rc && (rc != -ENOENT || process_precedes(started, &changed)))
			return -ENOTSUP;
	}
	return rc;
}

/* The words behind "ExecStart=", which is there once. */
static bool line_split(char *text, struct edit_command *out)
{
	char *rest = NULL, *line = strstr(text, "\n" KEY "=");
	if (!line || strstr(line + 1, "\n" KEY "="))
		return false;
	line += sizeof("\n" KEY);
	line[strcspn(line, "\n")] = 0;
	line += strspn(line, "-@:+!");
	if (strpbrk(line, "%$\"'\\"))
		return false;
	*out = (struct edit_command){.first = true};
	for (char *word = strtok_r(line, " \t", &rest); word && out->count < EDIT_WORDS;
	     word = strtok_r(NULL, " \t", &rest))
		out->word[out->count++] = word;
	return out->count;
}

int unit_command_read(const struct host *h, const char *unit, uint64_t started, char **text,
		      struct edit_command *out)
{
	*text = NULL;
	int rc = *unit ? unit_find(h, unit, started, text) : -ENOENT;
	return rc ? rc : line_split(*text, out) ? 0 : -ENOTSUP;
}
