#include "host/modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "epolltune/cleanup.h"
#include "epolltune/host.h"
#include "epolltune/knob.h"
#include "epolltune/sysctls.h"
#include "host/machine.h"

static const char *const directories[] = {"etc/modules-load.d", "run/modules-load.d",
					  "usr/local/lib/modules-load.d", "usr/lib/modules-load.d"};
#define DIRECTORIES (sizeof(directories) / sizeof(*directories))

struct search {
	const struct host *host;
	const char *module;
	size_t directory; /* of search_directory() */
};

/* "-" and "_" are the same in the name of a module. */
static bool is_module(const char *name, const char *module)
{
	while (*name && (*name == '-' ? '_' : *name) == *module)
		name++, module++;
	return *name == *module;
}

/* 1: the first word of a line of the file is the module's name. */
static int search_file(const char *path, void *arg)
{
	struct search *s = arg;
	CLEAN(free_pointer) char *text = NULL;
	if (host_read_all(s->host, path, &text, NULL) < 0)
		return 0;
	char *rest = text, *line;
	while ((line = strsep(&rest, "\n"))) {
		line += strspn(line, " \t");
		line[strcspn(line, " \t\r#")] = 0;
		if (is_module(line, s->module))
			return 1;
	}
	return 0;
}

/* As modules-load.d(5): only NAME.conf, which masks those of the same name in later directories. */
static int search_directory(const char *path, void *arg)
{
	struct search *s = arg;
	char above[256];
	const char *name = strrchr(path, '/') + 1;
	if (!text_ends(name, strlen(name), ".conf"))
		return 0;
	for (size_t i = 0; i < s->directory; i++)
		if ((size_t)snprintf(above, sizeof(above), "%s/%s", directories[i], name) <
			    sizeof(above) &&
		    host_has(s->host, above))
			return 0;
	return search_file(path, s);
}

/* By modules-load.d(5), or by the older file. */
static bool loads_at_boot(struct search *s)
{
	for (s->directory = 0; s->directory < DIRECTORIES; s->directory++)
		if (host_walk(s->host, directories[s->directory], 1, search_directory, s, NULL) ==
		    1)
			return true;
	return search_file("etc/modules", s) == 1;
}

/* What has its sysctls and is not in the list of those loaded. A captured machine lacks the list.
 */
static bool is_built_in(struct search *s, const char *name)
{
	char path[KNOB_PATH];
	knob_path(&(struct knob){.name = name}, path);
	return s->host->live && host_has(s->host, path) && search_file("proc/modules", s) == 0;
}

const char *module_late(const struct host *h, const char *name)
{
	struct search s = {.host = h, .module = sysctl_module(name)};
	return s.module && !loads_at_boot(&s) && !is_built_in(&s, name) ? s.module : NULL;
}

const char *module_command(const char *module, char command[MODULE_COMMAND])
{
	snprintf(command, MODULE_COMMAND, "echo %s >/etc/modules-load.d/%s.conf", module, module);
	return command;
}
