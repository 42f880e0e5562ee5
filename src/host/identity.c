/* Boot, network namespace and privileges of this process. */
#include "host/capture.h"
#include "host/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "epolltune/cleanup.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* A file that only the initial network namespace has: net/ipv4/sysctl_net_ipv4.c, ipv4_table. */
#define INITIAL_ONLY "proc/sys/net/ipv4/tcp_mem"

/* The inode number in "net:[4026531840]". */
static int netns_inode(const struct host *h, const char *path, char inode[24], struct err *e)
{
	char link[64];
	ssize_t n = readlinkat(h->fd, path, link, sizeof(link) - 1);
	if (n < 0)
		return err_errno(e, "cannot read %s/%s", h->root, path);
	link[n] = 0;
	if (sscanf(link, "net:[%20[0-9]]", inode) != 1)
		return err_set(e, EBADMSG, "%s/%s: not a network namespace: \"%s\"", h->root, path,
			       link);
	return 0;
}

/* Only a capture has it, no support archive. */
static int captured_identity(const struct host *h, struct host_identity *out, struct err *e)
{
	char text[256];
	int initial, first_pids;
	int first_cgroups = true, first_netns = -1; /* older captures lack the last ones */
	if (host_read(h, HOST_IDENTITY_FILE, text, sizeof(text), NULL) < 0 ||
	    sscanf(text,
		   "boot %39s netns %47s initial %d first_pids %d first_cgroups %d first_netns %d",
		   out->boot, out->netns, &initial, &first_pids, &first_cgroups, &first_netns) < 4)
		return err_set(e, EROFS, "a captured machine has no boot or network namespace");
	out->initial = initial;
	out->first_pids = first_pids;
	out->first_cgroups = first_cgroups;
	out->first_netns = first_netns < 0 ? initial && first_pids : first_netns;
	return 0;
}

/* Whether this process is in that namespace; `absent`: the answer of a kernel without such ones. */
static bool is_in(const struct host *h, const char *path, const char *namespace, bool absent)
{
	char link[40] = "";
	if (readlinkat(h->fd, path, link, sizeof(link) - 1) < 0)
		return absent && errno == ENOENT;
	return strcmp(link, namespace) == 0;
}

bool host_has_first_cgroups(const struct host *h)
{
	struct host_identity captured;
	if (!h->live)
		return captured_identity(h, &captured, NULL) || captured.first_cgroups;
	return is_in(h, "proc/self/ns/cgroup", MACHINE_FIRST_CGROUPS, true);
}

int host_identity(const struct host *h, struct host_identity *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	if (!h->live)
		return captured_identity(h, out, e);
	ssize_t n = host_read(h, "proc/sys/kernel/random/boot_id", out->boot, sizeof(out->boot), e);
	if (n < 0)
		return (int)n;
	char own[24], first[24];
	int r = netns_inode(h, "proc/self/ns/net", own, e);
	if (r < 0)
		return r;
	r = netns_inode(h, "proc/1/ns/net", first, e);
	bool hidden = r == -EACCES || r == -EPERM || r == -ENOENT || r == -ESRCH;
	if (r < 0 && !hidden)
		return r;
	out->initial = hidden ? host_has(h, INITIAL_ONLY) : strcmp(own, first) == 0;
	out->first_pids = is_in(h, "proc/self/ns/pid", MACHINE_FIRST_PIDS, false);
	/* In another PID namespace process 1 is a container's, in whichever network. */
	out->first_netns = out->first_pids ? out->initial : host_has(h, INITIAL_ONLY);
	out->first_cgroups = host_has_first_cgroups(h);

	uint64_t cookie;
	socklen_t size = sizeof(cookie);
	CLEAN(close_fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool known = fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) == 0;
	/* Without it the same namespace would be another one than with it. */
	if (!known && errno != ENOPROTOOPT)
		return err_errno(e, "cannot read the cookie of the network namespace");
	if (known)
		snprintf(out->netns, sizeof(out->netns), "%s.%llu", own,
			 (unsigned long long)cookie);
	else
		snprintf(out->netns, sizeof(out->netns), "%s", own);
	return 0;
}

bool host_own_netns(const struct host *h)
{
	struct host_identity here;
	return !host_identity(h, &here, NULL) && !here.first_netns;
}

bool host_has_root_of(const struct host *h, pid_t pid, bool unknown)
{
	char path[32];
	struct stat own, other;
	snprintf(path, sizeof(path), "proc/%d/root", (int)pid);
	if (fstatat(h->fd, ".", &own, 0) < 0 || fstatat(h->fd, path, &other, 0) < 0)
		return unknown;
	return own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

/* The initial user namespace maps every id to itself (user_namespaces(7)). */
bool host_owns_machine(const struct host *h)
{
	char map[64];
	unsigned long inside, outside, count;
	ssize_t n = host_read(h, "proc/self/uid_map", map, sizeof(map), NULL);
	if (n < 0)
		return n == -ENOENT;
	return sscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3 && !inside && !outside &&
	       count == 4294967295UL;
}

bool host_capable(unsigned capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	return syscall(SYS_capget, &header, data) == 0 &&
	       data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

bool host_is_read_only(const struct host *h, const char *path)
{
	struct stat st;
	return h->live && !fstatat(h->fd, path, &st, 0) && !(st.st_mode & 0222);
}

int host_writable(const struct host *h, const char *path, struct err *e)
{
	if (!h->live)
		return err_set(e, EROFS, "cannot write %s/%s: a captured machine is read-only",
			       h->root, path);
	if (faccessat(h->fd, path, W_OK, AT_EACCESS) < 0)
		return err_errno(e, "cannot write %s/%s", h->root, path);
	return 0;
}

bool host_has_systemd(const struct host *h)
{
	static const char *const files[] = {"usr/lib/systemd/systemd-sysctl",
					    "lib/systemd/systemd-sysctl", "etc/systemd"};
	bool systemd = host_has(h, "run/systemd/system");
	bool whole = host_live(h) || filling_live(h) || host_has(h, HOST_IDENTITY_FILE);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files) && !whole; i++)
		systemd |= host_has(h, files[i]);
	return systemd;
}

bool host_has_openrc(const struct host *h)
{
	return !host_has_systemd(h) && host_has(h, "run/openrc/softlevel");
}

bool host_whole(const struct host *h, const char *path)
{
	bool sysctl = !strncmp(path, "proc/sys/", strlen("proc/sys/"));
	const struct capture_file *listed = h->files ? capture_find(h->files, SOS_SYSCTL) : NULL;
	return host_live(h) || filling_live(h) || host_has(h, HOST_IDENTITY_FILE) ||
	       (sysctl && listed && !listed->error);
}
