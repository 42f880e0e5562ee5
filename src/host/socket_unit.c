#include "host/socket_unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "host/machine.h"
#include "host/unit_files.h"

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

/* Whether the file says something. */
static bool file_parse(const struct host *h, const struct subject *s, const char *path,
		       struct socket_unit_lines *out)
{
	CLEAN(free_pointer) char *text = NULL;
	struct timespec changed;
	ssize_t size = machine_read_as(h, viewer(s), path, &text, &changed, NULL);
	if (size > 0)
		socket_unit_parse(text, s, out);
	return size > 0;
}

/* Adds what the unit of that file and its drop-ins say. A file that is empty or /dev/null masks the
 * unit. */
static int unit_parse(const struct host *h, const struct subject *s, const char *path,
		      struct socket_unit_lines *out)
{
	CLEAN(unit_files_free) struct unit_files dropins = {0};
	*out = (struct socket_unit_lines){.unit = {.max = SOCKET_UNIT_CONNECTIONS, .preset = true}};
	if (!file_parse(h, s, path, out))
		return 0;
	snprintf(out->unit.file, sizeof(out->unit.file), "%.127s", path);
	int rc = unit_files_dropins(h, viewer(s), strrchr(path, '/') + 1, &dropins);
	for (size_t i = 0; i < dropins.count; i++)
		file_parse(h, s, dropins.at[i].path, out);
	return rc;
}

static bool limits_differ(const struct socket_unit_lines *a, const struct socket_unit_lines *b)
{
	return a->accepts != b->accepts || a->unit.max != b->unit.max ||
	       a->unit.per_source != b->unit.per_source;
}

bool socket_unit_find(const struct host *h, const struct subject *s, struct socket_unit *out)
{
	CLEAN(unit_files_free) struct unit_files all = {0};
	struct socket_unit_lines found = {0}, next;
	size_t first = 0;
	int rc = unit_files_list(h, viewer(s), ".socket", &all);
	for (size_t i = 0; i < all.count && !rc && !found.unit.several; i++) {
		rc = unit_parse(h, s, all.at[i].path, &next);
		if (rc || !next.listens)
			continue;
		if (!found.listens) {
			found = next;
			first = i;
		} else if ((found.accepts || next.accepts) && limits_differ(&found, &next)) {
			found.unit.several = true;
			snprintf(found.unit.file, sizeof(found.unit.file), "%.61s and %.61s",
				 all.at[first].path, all.at[i].path);
		}
	}
	*out = found.unit;
	return !rc && (found.accepts || found.unit.several);
}
