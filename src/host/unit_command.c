#include "host/unit_command.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "host/machine.h"
#include "host/processes.h"

#define KEY "ExecStart"

/* Of systemd.unit(5), the highest first. */
static const char *const trees[] = {"/etc/systemd/system", "/run/systemd/system",
				    "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
				    "/lib/systemd/system"};

/* As systemd sees it, which shares the root of this process. */
static ssize_t unit_read(const struct host *h, const char *name, uint64_t started, char **text)
{
	struct timespec changed;
	ssize_t size = machine_read_as(h, getpid(), name, text, &changed, NULL);
	return size >= 0 && process_precedes(started, &changed) ? -ENOTSUP : size;
}

/* Whether a drop-in of that name sets the command, or the directory changed. */
static int dropins_check(const struct host *h, const char *tree, const char *unit, uint64_t started)
{
	char path[PATH_MAX];
	struct timespec changed;
	snprintf(path, sizeof(path), "%s/%s.d", tree, unit);
	int fd = machine_open_as(h, getpid(), path, O_DIRECTORY, &changed, NULL);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	CLEAN(close_directory) DIR *all = fdopendir(fd);
	const struct dirent *entry;
	if (!all)
		return close_fd(&fd), -ENOTSUP;
	if (process_precedes(started, &changed))
		return -ENOTSUP;
	while ((entry = readdir(all))) {
		CLEAN(free_pointer) char *text = NULL;
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s.d/%s", tree, unit, entry->d_name);
		if (unit_read(h, path, started, &text) < 0 || strstr(text, KEY))
			return -ENOTSUP;
	}
	return 0;
}

/* Reads the file of that name in the highest tree that has one. */
static int unit_find(const struct host *h, const char *unit, uint64_t started, char **text)
{
	int rc = -ENOENT;
	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++) {
		char path[PATH_MAX];
		int checked = dropins_check(h, trees[i], unit, started);
		if (checked)
			return checked;
		snprintf(path, sizeof(path), "%s/%s", trees[i], unit);
		ssize_t size = rc == -ENOENT ? unit_read(h, path, started, text) : 0;
		if (rc == -ENOENT)
			rc = size < 0 ? (int)size : 0;
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
