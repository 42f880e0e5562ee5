#include "host/udev.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/cleanup.h"

/* Runs "PROGRAM --version" and keeps the beginning of what it prints. */
static void ask(char *program, char *text, size_t size)
{
	char option[] = "--version", *const words[] = {program, option, NULL}, *none[] = {NULL};
	posix_spawn_file_actions_t actions;
	int out[2];
	pid_t pid;
	text[0] = 0;
	if (pipe2(out, O_CLOEXEC) < 0)
		return;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	int rc = posix_spawn(&pid, program, &actions, NULL, words, none);
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	ssize_t n = rc == 0 ? read(out[0], text, size - 1) : 0;
	close(out[0]);
	if (rc == 0)
		waitpid(pid, NULL, 0);
	text[n > 0 ? n : 0] = 0;
}

/* "systemd 252 (252.30-1)" or, of older ones, "219". */
unsigned udev_version(const char *root)
{
	static const char *const programs[] = {"usr/lib/systemd/systemd-udevd",
					       "lib/systemd/systemd-udevd"};
	char path[4096], text[64] = "";
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs) && !text[0]; i++) {
		snprintf(path, sizeof(path), "%s/%s", root, programs[i]);
		if (access(path, X_OK) == 0)
			ask(path, text, sizeof(text));
	}
	return (unsigned)strtoul(text + strcspn(text, "0123456789"), NULL, 10);
}
