#include "tune/operator.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void plain(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

void operator_name(char name[64])
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *user = getpwuid(geteuid());
	if (sudo && *sudo && geteuid() == 0)
		snprintf(name, 64, "%.50s (sudo)", sudo);
	else if (user)
		snprintf(name, 64, "%.60s", user->pw_name);
	else
		snprintf(name, 64, "uid %u", geteuid());
	plain(name);
}

void operator_command(char *line, size_t size, int argc, char **argv)
{
	size_t at = (size_t)snprintf(line, size, "epolltune");
	for (int i = 0; i < argc && at < size; i++) {
		const char *quote = !*argv[i] || strpbrk(argv[i], " \t\n'\"") ? "'" : "";
		at += (size_t)snprintf(line + at, size - at, " %s%s%s", quote, argv[i], quote);
	}
	plain(line);
}
