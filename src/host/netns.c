/* Whether another network namespace of this boot exists still. */
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
#include "host/processes.h"

struct netns_search {
	const struct host *host;
	const char *netns; /* "4026532177.5" */
	char link[40];     /* "net:[4026532177]" */
	enum host_netns found;
	bool blind; /* a process or a mount could hide it */
};

/* Enters it in a process of its own, which compares the identity: inode numbers are reused. */
static enum host_netns compare(const struct netns_search *s, int ns)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct host_identity there;
		if (setns(ns, CLONE_NEWNET) < 0 || host_identity(s->host, &there, NULL) < 0)
			_exit(HOST_NETNS_UNKNOWN);
		_exit(strcmp(there.netns, s->netns) ? HOST_NETNS_GONE : HOST_NETNS_EXISTS);
	}
	int status = -1;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) ? (enum host_netns)WEXITSTATUS(status)
					    : HOST_NETNS_UNKNOWN;
}

/* Only one namespace has the number at a time: the first that does decides. */
static bool decide(struct netns_search *s, const char *path)
{
	CLEAN(close_fd) int ns = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	s->found = ns < 0 ? HOST_NETNS_UNKNOWN : compare(s, ns);
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
