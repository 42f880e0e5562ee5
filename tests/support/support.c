#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void skip_because(const char *fmt, ...)
{
	char text[256];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (getenv("EPOLLTUNE_MUST_RUN"))
		fail_msg("must run here, but: %s", text);
	print_message("skipped: %s\n", text);
	skip();
}

#define RUN_LIMIT_S 400
#define TRY_AGAIN_S 300 /* half of tests/run's limit */

struct stream {
	int fd;
	char *text;
	size_t length;
};

static void stream_read(struct stream *s)
{
	char buf[65536];
	ssize_t n = read(s->fd, buf, sizeof(buf));
	if (n <= 0) {
		close(s->fd);
		s->fd = -1;
		return;
	}
	s->text = realloc(s->text, s->length + (size_t)n + 1);
	assert_non_null(s->text);
	memcpy(s->text + s->length, buf, (size_t)n);
	s->length += (size_t)n;
	s->text[s->length] = 0;
}

bool may_try_again(void)
{
	static time_t since;
	if (!since)
		since = time(NULL);
	return time(NULL) - since < TRY_AGAIN_S;
}

bool loopback_of_its_own(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	if (unshare(CLONE_NEWNET))
		return false;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up = ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	close(fd);
	return up;
}

unsigned tcp_waiting(uint16_t port, unsigned state)
{
	char line[256];
	unsigned sum = 0, at, is, waiting;
	FILE *f = fopen("/proc/net/tcp", "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " %*d: %*x:%x %*x:%*x %x %*x:%x", &at, &is, &waiting) == 3 &&
		    at == port && is == state)
			sum += waiting;
	if (f)
		fclose(f);
	return sum;
}

/* Keeps a document of epolltune for tests/schemas. */
static void json_keep(const char *text)
{
	static const char begin[] = "{\n  \"schema\": \"epolltune.";
	const char *directory = getenv("EPOLLTUNE_JSON");
	char path[4096];
	if (!directory || strncmp(text, begin, sizeof(begin) - 1) != 0)
		return;
	snprintf(path, sizeof(path), "%s/XXXXXX", directory);
	int fd = mkstemp(path);
	if (fd < 0)
		return;
	dprintf(fd, "%s", text);
	close(fd);
}

static struct output run_v(const char *fmt, va_list args)
{
	char command[8192];
	int n = vsnprintf(command, sizeof(command), fmt, args);
	assert_true(n > 0 && (size_t)n < sizeof(command));

	int out[2], errors[2];
	assert_int_equal(pipe(out), 0);
	assert_int_equal(pipe(errors), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		setpgid(0, 0);
		dup2(out[1], 1);
		dup2(errors[1], 2);
		close(out[0]), close(out[1]), close(errors[0]), close(errors[1]);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(out[1]), close(errors[1]);
	struct stream streams[2] = {{out[0], calloc(1, 1), 0}, {errors[0], calloc(1, 1), 0}};
	time_t deadline = time(NULL) + RUN_LIMIT_S;
	while (streams[0].fd >= 0 || streams[1].fd >= 0) {
		struct pollfd p[2] = {{streams[0].fd, POLLIN, 0}, {streams[1].fd, POLLIN, 0}};
		poll(p, 2, 1000);
		for (int i = 0; i < 2; i++)
			if (streams[i].fd >= 0 && p[i].revents)
				stream_read(&streams[i]);
		if (time(NULL) > deadline) {
			kill(-pid, SIGKILL);
			fail_msg("did not end within %d s: %s", RUN_LIMIT_S, command);
		}
	}
	int status = 0;
	waitpid(pid, &status, 0);
	json_keep(streams[0].text);
	return (struct output){
		.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
		.out = streams[0].text,
		.errors = streams[1].text,
	};
}

struct output run(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	struct output o = run_v(fmt, args);
	va_end(args);
	return o;
}

bool run_succeeds(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	struct output o = run_v(fmt, args);
	va_end(args);
	output_free(&o);
	return !o.status;
}

void output_free(struct output *o)
{
	free(o->out);
	free(o->errors);
	o->out = o->errors = NULL;
}

void file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail_msg("%s: %s", path, strerror(errno));
	close(fd);
}

bool loopback_up(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up = ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	close(fd);
	return up;
}

int namespace_enter(void)
{
	char uid[32], gid[32];
	snprintf(uid, sizeof(uid), "0 %u 1", geteuid());
	snprintf(gid, sizeof(gid), "0 %u 1", getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return errno;
	file_write("/proc/self/setgroups", "deny");
	file_write("/proc/self/uid_map", uid);
	file_write("/proc/self/gid_map", gid);
	assert_true(loopback_up());
	return 0;
}
