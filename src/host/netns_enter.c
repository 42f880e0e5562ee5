/* Moves this process into another network namespace. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/host.h"
#include "host/compat.h"
#include "host/netns.h"

#define CGROUPS "/sys/fs/cgroup"

static bool pid_given(const char *where)
{
	return *where && strlen(where) <= 10 && strspn(where, "0123456789") == strlen(where);
}

static int ns_open(const char *where, struct err *e)
{
	char path[PATH_MAX];
	bool pid = pid_given(where);
	if (pid)
		snprintf(path, sizeof(path), "/proc/%s/ns/net", where);
	else /* as ip netns names it */
		snprintf(path, sizeof(path), "%s%s", strchr(where, '/') ? "" : "/run/netns/",
			 where);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		return fd;
	if (pid && errno == ENOENT)
		return err_set(e, ESRCH, "--netns %s: no such process", where);
	int rc = err_errno(e, "cannot open the network namespace %s", path);
	if (rc == -EACCES || rc == -EPERM)
		err_remedy(e, "run the check as root");
	return rc;
}

/* sysfs shows the network namespace that it was mounted in. A mount namespace of this process gets
 * another sysfs, with the cgroups of the first. */
static void sysfs_mount(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return;
	CLEAN(close_fd) int cgroups = -1;
#ifdef SYS_open_tree
	cgroups = (int)syscall(SYS_open_tree, AT_FDCWD, CGROUPS,
			       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
#endif
	if (mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL) < 0)
		return;
#ifdef SYS_move_mount
	if (cgroups >= 0)
		syscall(SYS_move_mount, cgroups, "", AT_FDCWD, CGROUPS, MOVE_MOUNT_F_EMPTY_PATH);
#endif
}

int host_in_netns(const char *where, bool *here, struct err *e)
{
	struct stat there, own;
	CLEAN(close_fd) int fd = ns_open(where, e);
	if (fd < 0)
		return fd;
	if (fstat(fd, &there) || stat("/proc/self/ns/net", &own))
		return err_errno(e, "cannot compare the network namespace of %s", where);
	*here = there.st_ino == own.st_ino && there.st_dev == own.st_dev;
	return 0;
}

int netns_return(int ns, struct err *e)
{
	if (setns(ns, CLONE_NEWNET) < 0)
		return err_errno(e, "cannot return to the network namespace that was left");
	sysfs_mount();
	return 0;
}

int host_enter_netns(const char *where, struct err *e)
{
	CLEAN(close_fd) int fd = ns_open(where, e);
	if (fd < 0)
		return fd;
	if (setns(fd, CLONE_NEWNET) < 0) {
		int rc = err_errno(e, "cannot enter the network namespace of %s%s",
				   pid_given(where) ? "process " : "", where);
		if (rc == -EINVAL)
			return err_set(e, EINVAL, "--netns %s: not a network namespace", where);
		if (rc == -EPERM)
			err_remedy(e, "run the check as root");
		return rc;
	}
	sysfs_mount();
	return 0;
}
