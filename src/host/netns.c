/* Other network namespaces of this boot: asks in one, and whether one exists still. */
#include "host/machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "host/mounts.h"
#include "host/netns.h"
#include "host/processes.h"

struct netns_search {
	const struct host *host;
	const char *netns; /* "4026532177.5" */
	char link[40];     /* "net:[4026532177]" */
	enum host_netns found;
	bool blind; /* a process or a mount could hide it */
};

int netns_own(struct err *e)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_errno(e, "cannot open the network namespace of this process") : fd;
}

bool netns_ask(int ns, netns_answer answer, const void *arg, void *out, size_t size)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	pid_t pid = fork();
	if (pid == 0)
		_exit(setns(ns, CLONE_NEWNET) < 0 || !answer(arg, out) ||
		      write(ends[1], out, size) != (ssize_t)size);
	close(ends[1]);
	bool got = pid > 0 && read(ends[0], out, size) == (ssize_t)size;
	close(ends[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return got;
}

/* Inode numbers are reused: the identity decides. */
static bool compare(const void *arg, void *out)
{
	const struct netns_search *s = arg;
	struct host_identity there;
	if (host_identity(s->host, &there, NULL) < 0)
		return false;
	*(enum host_netns *)out =
		strcmp(there.netns, s->netns) ? HOST_NETNS_GONE : HOST_NETNS_EXISTS;
	return true;
}

/* Only one namespace has the number at a time: the first that does decides. */
static bool decide(struct netns_search *s, const char *path)
{
	CLEAN(close_fd) int ns = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (ns < 0 || !netns_ask(ns, compare, s, &s->found, sizeof(s->found)))
		s->found = HOST_NETNS_UNKNOWN;
	return true;
}

/* A link in /proc that may lead to the namespace; true: decided. */
static bool look(struct netns_search *s, const char *path, bool hides)
{
	char link[40];
	ssize_t n = readlink(path, link, sizeof(link) - 1);
	if (n < 0) {
		s->blind |= hides && (errno == EACCES || errno == EPERM);
		return false;
	}
	link[n] = 0;
	return strcmp(link, s->link) == 0 && decide(s, path);
}

/* The links of a directory of a process: its threads' namespaces, or its descriptors. */
static bool look_in(struct netns_search *s, const char *pid, const char *in, const char *of,
		    bool hides)
{
	char path[96];
	snprintf(path, sizeof(path), "/proc/%.16s/%s", pid, in);
	CLEAN(close_directory) DIR *d = opendir(path);
	struct dirent *entry;
	if (!d)
		s->blind |= hides && (errno == EACCES || errno == EPERM);
	while (d && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/%s/%.16s%s", pid, in, entry->d_name, of);
		if (look(s, path, hides))
			return true;
	}
	return false;
}

/* Bind mounts, as of ip netns. */
static bool look_at_mounts(struct netns_search *s, const char *pid)
{
	char path[PATH_MAX + 64];
	struct mount mount;
	CLEAN(free_pointer) char *mounts = NULL;
	snprintf(path, sizeof(path), "/proc/%.16s/mountinfo", pid);
	if (process_text(AT_FDCWD, path, &mounts) < 0)
		return false;
	for (const char *at = mounts; mounts_next(&at, &mount);) {
		if (strcmp(mount.root, s->link) != 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/root%s", pid, mount.point);
		return decide(s, path);
	}
	return false;
}

/* Process 1 is in the initial namespaces, readable or not. */
static bool look_at_process(struct netns_search *s, const char *pid)
{
	bool hides = strcmp(pid, "1") != 0;
	return look_in(s, pid, "task", "/ns/net", hides) || look_at_mounts(s, pid) ||
	       look_in(s, pid, "fd", "", hides);
}

enum host_netns host_netns_look(const struct host *h, const char *netns)
{
	struct netns_search s = {.host = h, .netns = netns, .found = HOST_NETNS_UNKNOWN};
	struct host_identity here;
	struct dirent *entry;
	size_t inode = strcspn(netns, ".");
	if (host_identity(h, &here, NULL) < 0 || inode > 20)
		return HOST_NETNS_UNKNOWN;
	if (strcmp(here.netns, netns) == 0)
		return HOST_NETNS_EXISTS;
	if (strncmp(here.netns, netns, inode + 1) == 0)
		return HOST_NETNS_GONE; /* its number is ours now */
	snprintf(s.link, sizeof(s.link), "net:[%.*s]", (int)inode, netns);
	s.blind = !here.first_pids;
	CLEAN(close_directory) DIR *d = opendir("/proc");
	while (d && (entry = readdir(d)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    look_at_process(&s, entry->d_name))
			return s.found;
	return !d || s.blind ? HOST_NETNS_UNKNOWN : HOST_NETNS_GONE;
}
