#include "server_checks.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

struct checked server_judged(const char *options, const char *who)
{
	return checked_parse(run("$PROGRAM check " QUICK "%s --server %s", options, who));
}

void server_refused(const char *options, const char *who, const char *why)
{
	struct output o = run("$PROGRAM check --quick %s --server '%s'", options, who);
	assert_int_equal(o.status, 3);
	assert_string_equal(o.out, "");
	if (!strstr(o.errors, why))
		fail_msg("--server %s: \"%s\" is not in \"%s\"", who, why, o.errors);
	assert_ptr_equal(strchr(o.errors, '\n'), o.errors + strlen(o.errors) - 1);
	output_free(&o);
}

const char *server_text(const struct checked *c, const char *key)
{
	return checked_text(json_object_get(c->report, "server"), key);
}

json_t *server_wall(const struct checked *c, const char *name)
{
	json_t *w = checked_wall(c, name);
	assert_string_equal(checked_text(w, "method"), "running");
	return w;
}

void server_serve(uint16_t port, int backlog, const char *name)
{
	prctl(PR_SET_NAME, name);
	int fd = listen_at(port, backlog);
	(void)fd;
	for (;;)
		pause();
}

const char *ready_path(void)
{
	static char path[160];
	snprintf(path, sizeof(path), "%s/ready", servers_directory);
	return path;
}

void ready_say(void) { close(creat(ready_path(), 0600)); }

pid_t ready_start(void (*fn)(const void *), const void *arg)
{
	unlink(ready_path());
	pid_t pid = child_start(fn, arg);
	WAIT_UNTIL(!access(ready_path(), F_OK));
	return pid;
}

void connect_all(uint16_t port, int count)
{
	struct sockaddr_storage a = address_of(port, false);
	for (int i = 0; i < count; i++)
		if (connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof(a)))
			_exit(1);
}

void epoll_serve(int fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	int set = epoll_create1(0);
	epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
	ready_say();
	while (epoll_wait(set, &event, 1, -1) > 0)
		accept(fd, NULL, NULL);
}
