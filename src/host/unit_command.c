#include "host/unit_command.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/list.h"
#include "host/machine.h"
#include "host/processes.h"
#include "host/unit_files.h"

#define KEY "ExecStart"

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

static bool has_any(const char *text, size_t size, const char *names)
{
	struct list_item item;
	while (list_next(&names, &item))
		if (memmem(text, size, item.text, (size_t)item.length))
			return true;
	return false;
}

/* Whether lines of a unit may give its service one of these variables: by its name, or by what has
 * others (a session of PAM those of /etc/environment). */
static bool may_set(const char *text, const char *variables)
{
	static const char others[] = "EnvironmentFile,PassEnvironment,PAMName";
	return variables &&
	       (has_any(text, strlen(text), others) || has_any(text, strlen(text), variables));
}

struct checking {
	const struct host *host;
	const char *variables;
	uint64_t started;
};

/* Whether a drop-in may set the command or a variable, or the directory changed. */
static int dropins_check(const char *directory, size_t rank, void *arg)
{
	const struct checking *c = arg;
	char path[PATH_MAX + NAME_MAX + 2];
	struct timespec changed;
	const struct dirent *entry;
	int rc;
	CLEAN(close_directory)
	DIR *all = unit_directory_open(c->host, getpid(), directory, &changed, &rc);
	if (!all || process_precedes(c->started, &changed))
		return all ? -ENOTSUP : rc;
	while ((entry = readdir(all))) {
		CLEAN(free_pointer) char *text = NULL;
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if (unit_read(c->host, path, c->started, &text) < 0 || strstr(text, KEY) ||
		    may_set(text, c->variables))
			return -ENOTSUP;
	}
	return 0;
}

/* Reads the file of that name in the highest tree that has one; those above it may have had one
 * where they changed. */
static int unit_find(const struct host *h, const char *unit, const char *variables,
		     uint64_t started, char **text)
{
	struct checking c = {h, variables, started};
	int rc = -ENOENT;
	for (size_t i = 0; i < UNIT_TREES; i++) {
		char path[PATH_MAX];
		struct timespec changed = {0};
		int checked = unit_tree_dropins(h, getpid(), i, unit, &changed, dropins_check, &c);
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

/* Whether a file of systemd itself may give all services one of the variables, as
 * DefaultEnvironment= does. One that is not there does not. */
static bool file_gives(const struct checking *c, const char *path)
{
	CLEAN(free_pointer) char *text = NULL;
	ssize_t size = unit_read(c->host, path, c->started, &text);
	return size < 0 ? size != -ENOENT : has_any(text, (size_t)size, c->variables);
}

static bool directory_gives(const struct checking *c, const char *directory)
{
	char path[PATH_MAX + NAME_MAX + 2];
	struct timespec changed;
	const struct dirent *entry;
	int rc;
	bool gives = false;
	CLEAN(close_directory)
	DIR *all = unit_directory_open(c->host, getpid(), directory, &changed, &rc);
	if (!all || process_precedes(c->started, &changed))
		return all || rc;
	while (!gives && (entry = readdir(all))) {
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		gives = entry->d_name[0] != '.' && file_gives(c, path);
	}
	return gives;
}

/* systemd-system.conf(5), systemd.environment-generator(7), systemd.setenv= of
 * kernel-command-line(7).
 */
static bool manager_gives(const struct checking *c)
{
	static const char *const directories[] = {"system.conf.d", "system-environment-generators"};
	CLEAN(free_pointer) char *line = NULL;
	char path[PATH_MAX];
	if (!c->variables)
		return false;
	ssize_t size = host_read_all(c->host, "proc/cmdline", &line, NULL);
	bool gives = size < 0 || has_any(line, (size_t)size, c->variables);
	for (size_t i = 0; i < MANAGER_TREES && !gives; i++) {
		snprintf(path, sizeof(path), "%s/system.conf", manager_trees[i]);
		gives = file_gives(c, path);
		for (size_t k = 0; k < sizeof(directories) / sizeof(*directories) && !gives; k++) {
			snprintf(path, sizeof(path), "%s/%s", manager_trees[i], directories[k]);
			gives = directory_gives(c, path);
		}
	}
	return gives;
}

/* The words behind "ExecStart=", which is there once. */
static bool line_split(char *text, struct server_command *out)
{
	char *rest = NULL, *line = strstr(text, "\n" KEY "=");
	if (!line || strstr(line + 1, "\n" KEY "="))
		return false;
	line += sizeof("\n" KEY);
	line[strcspn(line, "\n")] = 0;
	line += strspn(line, "-@:+!");
	if (strpbrk(line, "%$\"'\\"))
		return false;
	*out = (struct server_command){.first = true};
	for (char *word = strtok_r(line, " \t", &rest); word && out->count < SERVER_COMMAND_WORDS;
	     word = strtok_r(NULL, " \t", &rest))
		out->word[out->count++] = word;
	return out->count;
}

int unit_command_read(const struct host *h, const char *unit, const char *variables,
		      uint64_t started, char **text, struct server_command *out)
{
	const struct checking c = {h, variables, started};
	*text = NULL;
	int rc = *unit ? unit_find(h, unit, variables, started, text) : -ENOENT;
	if (rc)
		return rc;
	bool known = !may_set(*text, variables) && !manager_gives(&c);
	return known && line_split(*text, out) ? 0 : -ENOTSUP;
}
