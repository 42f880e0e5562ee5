#include "apply.h"

#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

char base[64];
const char *enter;

static void namespaces_find(void)
{
	static const char *const ways[] = {"unshare -Urn", "unshare -n"};
	for (size_t i = 0; i < 2 && !enter; i++) {
		struct output o = run("%s test -e /proc/sys/net/core/somaxconn", ways[i]);
		enter = o.status ? NULL : ways[i];
		output_free(&o);
	}
}

int base_make(void **state)
{
	if (!enter)
		namespaces_find();
	if (!enter)
		skip_because("no network namespace of its own with net.core in it");
	strcpy(base, "/tmp/epolltune-apply-XXXXXX");
	if (!mkdtemp(base))
		return -1;
	struct output o = run("mkdir %s/sysctl.d; ln -s \"$PROGRAM\" %s/epolltune", base, base);
	int status = o.status;
	output_free(&o);
	return status;
}

int base_remove(void **state)
{
	struct output o = run("rm -rf %s", base);
	output_free(&o);
	return 0;
}

struct output inside(const char *more, const char *script)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/script", base);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out,
		"B=%s S=%s/state PATH=%s:$PATH LC_ALL=C.UTF-8 NO_COLOR=1\n"
		"export B S PATH LC_ALL NO_COLOR\n"
		"somaxconn() { if [ $# = 0 ]; then cat /proc/sys/net/core/somaxconn\n"
		"else echo $1 >/proc/sys/net/core/somaxconn; fi; }\n"
		"within() { tries=0; until eval \"$1\"; do sleep 0.02; tries=$((tries + 1))\n"
		"[ $tries -lt 3000 ] || { echo \"never: $1\"; return; }; done; }\n"
		"apply() { epolltune apply --state-dir $S \"$@\"; }\n"
		"boots() { mount --bind $B/sysctl.d /etc/sysctl.d && mount -t tmpfs none /run && "
		"mkdir -p /run/systemd/system || exit 77; }\n"
		"%s\n",
		base, base, base, script);
	fclose(out);
	return run("%s %s sh %s </dev/null", enter, more, path);
}

void text_has(const char *text, const char *needle)
{
	if (!strstr(text, needle))
		fail_msg("no \"%s\" in:\n%s", needle, text);
}

void text_lacks(const char *text, const char *needle)
{
	if (strstr(text, needle))
		fail_msg("\"%s\" in:\n%s", needle, text);
}

void output_good(struct output *o)
{
	if (o->status)
		fail_msg("status %d\n%s\n%s", o->status, o->out, o->errors);
}

int terminal_run(const char *command, const char *answer, char *shown, size_t size)
{
	return terminal_run_typed(command, "", answer, shown, size);
}

int terminal_run_typed(const char *command, const char *ahead, const char *answer, char *shown,
		       size_t size)
{
	int master;
	pid_t pid = forkpty(&master, NULL, NULL, NULL);
	assert_true(pid >= 0);
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(write(master, ahead, strlen(ahead)), strlen(ahead));
	size_t n = 0;
	bool typed = false;
	shown[0] = 0;
	for (;;) {
		struct pollfd p = {master, POLLIN, 0};
		if (poll(&p, 1, 60000) == 0) {
			struct output o = run("ps -s %d -o pid,stat,wchan:20,args", (int)pid);
			fail_msg("nothing for a minute after \"%s\" from\n%s", shown, o.out);
		}
		ssize_t got = n < size - 1 ? read(master, shown + n, size - 1 - n) : 0;
		if (got <= 0)
			break;
		n += (size_t)got;
		shown[n] = 0;
		if (!typed && strstr(shown, "[y/N]"))
			typed = write(master, answer, strlen(answer)) > 0;
	}
	shown[n] = 0;
	int status;
	close(master);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
