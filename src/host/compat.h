/* What kernel headers and glibc before those of Debian 12 lack: calls, and numbers that are part of
 * the kernel's interface. */
#pragma once

#include <fcntl.h>
#include <linux/if_link.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

#if !__GLIBC_PREREQ(2, 34)
static inline void closefrom(int first)
{
	if (syscall(SYS_close_range, first, ~0U, 0))
		for (int fd = first, end = (int)sysconf(_SC_OPEN_MAX); fd < end; fd++)
			close(fd);
}
#endif

/* fork() with flags, as of new namespaces; s390x has the first two arguments the other way round
 * (CONFIG_CLONE_BACKWARDS2). 0 in the child, whose pid in the parent; -1 and errno. */
static inline long raw_clone(unsigned long flags)
{
#ifdef __s390x__
	return syscall(SYS_clone, NULL, flags | SIGCHLD, NULL, NULL, 0);
#else
	return syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0);
#endif
}

/* Their sys/mount.h and linux/mount.h exclude each other. */
#if !__GLIBC_PREREQ(2, 36)
#define MOUNT_ATTR_RDONLY 1
#define FSOPEN_CLOEXEC 1
#define FSCONFIG_CMD_CREATE 6
#define FSMOUNT_CLOEXEC 1
#define OPEN_TREE_CLONE 1
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#define MOVE_MOUNT_F_EMPTY_PATH 4

struct mount_attr {
	uint64_t attr_set, attr_clr, propagation, userns_fd;
};

static inline int fsopen(const char *name, unsigned flags)
{
	return (int)syscall(SYS_fsopen, name, flags);
}

static inline int fsconfig(int fd, unsigned command, const char *key, const void *value, int aux)
{
	return (int)syscall(SYS_fsconfig, fd, command, key, value, aux);
}

static inline int fsmount(int fd, unsigned flags, unsigned attributes)
{
	return (int)syscall(SYS_fsmount, fd, flags, attributes);
}
#endif

/* Of include/uapi/linux/if_link.h and ethtool_netlink_generated.h, where they are enumerators. */
enum {
	LINK_PARENT_DEV_NAME = 56,
	RINGS_RX_BUF_LEN = 10,
	RINGS_TCP_DATA_SPLIT = 11,
	RINGS_CQE_SIZE = 12,
	RINGS_TX_PUSH = 13,
	RINGS_RX_PUSH = 14,
	COALESCE_USE_CQE_MODE_TX = 24,
	COALESCE_USE_CQE_MODE_RX = 25,
	COALESCE_TX_AGGR_MAX_BYTES = 26,
	COALESCE_TX_AGGR_MAX_FRAMES = 27,
	COALESCE_TX_AGGR_TIME_USECS = 28,
	LINK_MAX = (int)IFLA_MAX > LINK_PARENT_DEV_NAME ? (int)IFLA_MAX : LINK_PARENT_DEV_NAME,
};
