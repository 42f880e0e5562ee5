#include "host/socket_unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "host/machine.h"
#include "host/unit_command.h"

/* Of ListenStream=: a port alone is one of all addresses. */
static bool is_address(const char *value, const struct subject *s)
{
	const char *port = value + strspn(value, "0123456789");
	for (size_t i = 0; i < s->listeners.count; i++) {
		const struct listener *l = &s->listeners.at[i];
		char plain[LISTENER_ADDRESS];
		if (l->kind == LISTENER_UNIX && !strcmp(l->address + strlen("unix:"), value))
			return true;
		listener_plain(l, plain);
		bool any = !strncmp(plain, "[::]:", 5) || !strncmp(plain, "0.0.0.0:", 8);
		if (l->kind == LISTENER_TCP &&
		    (*port ? !strcmp(plain, value) : any && strtoul(value, NULL, 10) == l->port))
			return true;
	}
	return false;
}

static bool is_yes(const char *value)
{
	static const char *const words[] = {"yes", "true", "on", "1", "y", "t"};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcasecmp(value, words[i]))
			return true;
	return false;
}

/* An empty value ends what was set before. */
static void line_take(const char *key, const char *value, const struct subject *s,
		      struct socket_unit_lines *out)
{
	if (!strcmp(key, "Accept")) {
		out->accepts = is_yes(value);
	} else if (!strcmp(key, "ListenStream") || !strcmp(key, "ListenSequentialPacket")) {
		out->listens = *value && (out->listens || is_address(value, s));
	} else if (!strcmp(key, "MaxConnections")) {
		out->unit.preset = !*value;
		out->unit.max = *value ? strtoull(value, NULL, 10) : SOCKET_UNIT_CONNECTIONS;
	} else if (!strcmp(key, "MaxConnectionsPerSource")) {
		out->unit.per_source = strtoull(value, NULL, 10);
	}
}

static char *trim(char *text)
{
	text += strspn(text, " \t");
	for (size_t end = strlen(text); end && strchr(" \t\r", text[end - 1]); end--)
		text[end - 1] = 0;
	return text;
}

void socket_unit_parse(char *text, const struct subject *s, struct socket_unit_lines *out)
{
	bool inside = false;
	char *rest = NULL;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		line = trim(line);
		char *equals = strchr(line, '=');
		if (*line == '[')
			inside = !strcmp(line, "[Socket]");
		if (!inside || !equals || strchr("#;[", *line))
			continue;
		*equals = 0;
		line_take(trim(line), trim(equals + 1), s, out);
	}
}

/* Whose view of the files: systemd's; that of pid 1, which other users may not look at, is ours. */
static pid_t viewer(const struct subject *s) { return s->pid == 1 ? getpid() : s->pid; }

static void file_parse(const struct host *h, const struct subject *s, const char *path,
		       struct socket_unit_lines *out)
{
	CLEAN(free_pointer) char *text = NULL;
	struct timespec changed;
	if (machine_read_as(h, viewer(s), path, &text, &changed, NULL) >= 0)
		socket_unit_parse(text, s, out);
}

static DIR *directory_open(const struct host *h, const struct subject *s, const char *path)
{
	struct timespec changed;
	int fd = machine_open_as(h, viewer(s), path, O_DIRECTORY, &changed, NULL);
	DIR *all = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !all)
		close_fd(&fd);
	return all;
}

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), of = strlen(end);
	return length > of && !strcmp(name + length - of, end);
}

/* The drop-ins of all trees, those of the highest last. */
static void dropins_parse(const struct host *h, const struct subject *s, const char *unit,
			  struct socket_unit_lines *out)
{
	char path[PATH_MAX], file[PATH_MAX + NAME_MAX + 2];
	const struct dirent *entry;
	for (size_t i = UNIT_TREES; i-- > 0;) {
		snprintf(path, sizeof(path), "%s/%s.d", unit_trees[i], unit);
		CLEAN(close_directory) DIR *all = directory_open(h, s, path);
		while (all && (entry = readdir(all))) {
			if (!ends_with(entry->d_name, ".conf"))
				continue;
			snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
			file_parse(h, s, file, out);
		}
	}
}

/* Whether the unit, of a tree that the search has reached, is the one; a file of that name in a
 * higher tree has been looked at already. */
static bool unit_is(const struct host *h, const struct subject *s, const char *tree,
		    const char *name, struct socket_unit *out)
{
	struct socket_unit_lines lines = {.unit = {.max = SOCKET_UNIT_CONNECTIONS, .preset = true}};
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", tree, name);
	file_parse(h, s, path, &lines);
	dropins_parse(h, s, name, &lines);
	if (!lines.accepts || !lines.listens)
		return false;
	*out = lines.unit;
	snprintf(out->file, sizeof(out->file), "%.127s", path);
	return true;
}

bool socket_unit_find(const struct host *h, const struct subject *s, struct socket_unit *out)
{
	const struct dirent *entry;
	for (size_t i = 0; i < UNIT_TREES; i++) {
		CLEAN(close_directory) DIR *all = directory_open(h, s, unit_trees[i]);
		while (all && (entry = readdir(all)))
			if (ends_with(entry->d_name, ".socket") &&
			    unit_is(h, s, unit_trees[i], entry->d_name, out))
				return true;
	}
	return false;
}
