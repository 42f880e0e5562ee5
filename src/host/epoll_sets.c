/* Epoll sets of other processes, with the NAPI instances of their connections. */
#include "epolltune/epoll_set.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "host/array.h"
#include "host/compat.h"
#include "host/machine.h"

/* Limits the time on machines with many processes. */
#define PROCESSES 4096
#define DESCRIPTORS 32768

struct set_search {
	const struct host *host;
	struct epoll_set *out;
	size_t max, count, hidden;
	unsigned processes, descriptors;
};

static DIR *dir_open(const struct host *h, const char *path)
{
	int fd = machine_open(h, path, O_RDONLY | O_DIRECTORY, "read", NULL);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !d)
		close(fd);
	return d;
}

/* The number in the name of a directory in /proc, or -1. */
static int number_of(const char *name)
{
	const char *at = name;
	uint64_t n;
	return text_number(&at, &n) && !*at && n <= INT32_MAX ? (int)n : -1;
}

/* Whether /proc/PID/fd/N links to `kind`, such as "socket:". */
static bool fd_is(int dir, const char *name, const char *kind)
{
	char target[64];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = 0;
	return !strncmp(target, kind, strlen(kind));
}

/* The NAPI of a connected TCP socket of another process; 0: none. */
static unsigned napi_of(int pidfd, int number)
{
	CLEAN(close_fd) int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	int protocol = 0, listening = 1;
	unsigned napi = 0;
	socklen_t size = sizeof(int);
	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) ||
	    protocol != IPPROTO_TCP ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) || listening ||
	    getsockopt(fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, &napi, &size))
		return 0;
	return napi;
}

/* The watched descriptors: lines "tfd: 7 events: …" (proc_pid_fdinfo(5)). */
static int *targets_read(const struct host *h, int pid, int fd, size_t *count)
{
	char path[64];
	CLEAN(free_pointer) char *text = NULL;
	int *targets = NULL, *more;
	*count = 0;
	snprintf(path, sizeof(path), "proc/%d/fdinfo/%d", pid, fd);
	if (host_read_all(h, path, &text, NULL) < 0)
		return NULL;
	for (char *save, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		int number;
		if (sscanf(line, "tfd: %d", &number) != 1)
			continue;
		if (!(more = array_add(&targets, count, sizeof(*more))))
			break;
		*more = number;
	}
	return targets;
}

static void set_keep(struct set_search *s, const struct epoll_set *set)
{
	size_t at = s->count;
	while (at && s->out[at - 1].connections < set->connections)
		at--;
	if (at == s->max)
		return;
	size_t last = s->count < s->max ? s->count++ : s->max - 1;
	memmove(&s->out[at + 1], &s->out[at], (last - at) * sizeof(*s->out));
	s->out[at] = *set;
}

static void set_look(struct set_search *s, int pidfd, int dir, const char *pid, const char *fd)
{
	struct epoll_set set = {.pid = number_of(pid), .fd = number_of(fd)};
	unsigned napis[EPOLL_SET_SAMPLE];
	size_t watched;
	CLEAN(free_pointer) int *targets = targets_read(s->host, set.pid, set.fd, &watched);
	size_t step = watched > EPOLL_SET_SAMPLE ? watched / EPOLL_SET_SAMPLE : 1;
	set.watched = watched;
	for (size_t i = 0, looked = 0; i < watched && looked < EPOLL_SET_SAMPLE;
	     i += step, looked++) {
		char name[16];
		snprintf(name, sizeof(name), "%d", targets[i]);
		if (!fd_is(dir, name, "socket:"))
			continue;
		unsigned napi = napi_of(pidfd, targets[i]);
		uint64_t known = 0;
		if (!napi)
			continue;
		set.connections++;
		while (known < set.napis && napis[known] != napi)
			known++;
		if (known == set.napis)
			napis[set.napis++] = napi;
	}
	char path[64];
	snprintf(path, sizeof(path), "proc/%d/comm", set.pid);
	if (host_read(s->host, path, set.process, sizeof(set.process), NULL) < 0)
		set.process[0] = 0;
	if (set.connections)
		set_keep(s, &set);
}

static void process_look(struct set_search *s, const char *pid)
{
	char path[64];
	snprintf(path, sizeof(path), "proc/%.20s/fd", pid);
	CLEAN(close_directory) DIR *dir = dir_open(s->host, path);
	CLEAN(close_fd) int pidfd = -1;
	if (!dir) {
		s->hidden += errno == EACCES || errno == EPERM;
		return;
	}
	const struct dirent *entry;
	while (s->descriptors && (entry = readdir(dir))) {
		s->descriptors--;
		if (number_of(entry->d_name) < 0 ||
		    !fd_is(dirfd(dir), entry->d_name, "anon_inode:[eventpoll]"))
			continue;
		if (pidfd < 0)
			pidfd = (int)syscall(SYS_pidfd_open, number_of(pid), 0);
		if (pidfd < 0)
			return;
		set_look(s, pidfd, dirfd(dir), pid, entry->d_name);
	}
}

int epoll_sets_read(const struct host *h, struct epoll_set *out, size_t max, size_t *count,
		    size_t *hidden, struct err *e)
{
	struct set_search s = {.host = h,
			       .out = out,
			       .max = max,
			       .processes = PROCESSES,
			       .descriptors = DESCRIPTORS};
	*count = *hidden = 0;
	if (!h->live)
		return err_set(e, EOPNOTSUPP, "a captured machine has no running processes");
	if (syscall(SYS_pidfd_getfd, -1, 0, 0) < 0 && errno == ENOSYS)
		return err_set(e, EOPNOTSUPP,
			       "this kernel has no pidfd_getfd(2), which needs Linux 5.6");
	CLEAN(close_directory) DIR *proc = dir_open(h, "proc");
	if (!proc)
		return err_errno(e, "cannot read /proc");
	const struct dirent *entry;
	while (s.processes && s.descriptors && (entry = readdir(proc))) {
		int pid = number_of(entry->d_name);
		if (pid < 0 || pid == getpid())
			continue;
		s.processes--;
		process_look(&s, entry->d_name);
	}
	*count = s.count;
	*hidden = s.hidden;
	return 0;
}
