#include "tune/operator.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/shell.h"
#include "epolltune/cleanup.h"
#include "tune/state.h"

/* False: a character was replaced. */
static bool plain(char *text)
{
	bool was = true;
	for (; *text; text++)
		if (*text < ' ' || *text > '~') {
			*text = '?';
			was = false;
		}
	return was;
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

bool operator_command(char *line, size_t size, int argc, char **argv)
{
	size_t room = size - strlen(OPERATOR_CUT);
	size_t at = (size_t)snprintf(line, room, "epolltune"), whole = at;
	for (int i = 0; i < argc; i++) {
		at += (size_t)snprintf(line + at, room - at, " ");
		at += shell_word(line + at, room - at, argv[i]);
		if (at >= room) {
			snprintf(line + whole, size - whole, OPERATOR_CUT);
			plain(line);
			return false;
		}
		whole = at;
	}
	return plain(line);
}

void operator_state_option(char *option, size_t size, const char *state_dir)
{
	static const char name[] = " --state-dir ";
	/* A new login starts in another directory. */
	CLEAN(free_pointer) char *whole = realpath(state_dir, NULL);
	if (whole)
		state_dir = whole;
	option[0] = 0;
	if (strcmp(state_dir, STATE_DIR) == 0)
		return;
	size_t n = (size_t)snprintf(option, size, "%s", name);
	if (n + shell_word(option + n, size - n, state_dir) >= size)
		option[0] = 0;
}
