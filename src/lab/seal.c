/* Seals a lab: user ids, mounts, files, devices and capabilities. */
#include "lab/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "host/compat.h"

static int write_own(const char *path, const char *text, struct err *e)
{
	CLEAN(close_fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "%s", path);
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return err_errno(e, "%s", path);
	return 0;
}

int seal_ids(uid_t uid, gid_t gid, struct err *e)
{
	char map[64];
	/* Required for an unprivileged gid_map (user_namespaces(7)); since 3.19. */
	int rc = write_own("/proc/self/setgroups", "deny", e);
	if (rc && rc != -ENOENT)
		return rc;
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	rc = write_own("/proc/self/uid_map", map, e);
	if (rc)
		return rc;
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	return write_own("/proc/self/gid_map", map, e);
}

/* Without mount_setattr(2): each mount at `path` and below. */
static int mounts_remount(const char *path)
{
	static const struct {
		const char *name;
		unsigned long flag;
	} kept[] = {{"nosuid", MS_NOSUID}, {"nodev", MS_NODEV}, {"noexec", MS_NOEXEC}};
	size_t length = path[1] ? strlen(path) : 0;
	const struct mntent *m;
	int rc = 0;
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	if (!mounts)
		return -errno;
	while (!rc && (m = getmntent(mounts))) {
		const char *at = m->mnt_dir;
		unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY;
		if (strncmp(at, path, length) || (at[length] && at[length] != '/'))
			continue;
		for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
			flags |= hasmntopt(m, kept[i].name) ? kept[i].flag : 0;
		/* The path of a mount that another one hides may be missing, or none of a mount. */
		if (mount(NULL, at, NULL, flags, NULL) && errno != ENOENT && errno != ENOTDIR &&
		    errno != EINVAL)
			rc = -errno;
	}
	endmntent(mounts);
	return rc;
}

int seal_readonly(const char *path, bool readonly, bool recursive)
{
	struct mount_attr attr = {0};
	if (readonly)
		attr.attr_set = MOUNT_ATTR_RDONLY;
	else
		attr.attr_clr = MOUNT_ATTR_RDONLY;
	if (!syscall(SYS_mount_setattr, AT_FDCWD, path, recursive ? AT_RECURSIVE : 0, &attr,
		     sizeof(attr)))
		return 0;
	if (errno != ENOSYS)
		return -errno;
	if (recursive)
		return mounts_remount(path);
	/* Repeat the flags that a user namespace has locked (mount_namespaces(7)). */
	struct statvfs fs;
	if (statvfs(path, &fs))
		return -errno;
	/* Not an int: some headers have the bits as an unsigned enum, others as plain numbers. */
	unsigned long flags = MS_BIND | MS_REMOUNT;
	flags |= fs.f_flag & ST_NOSUID ? MS_NOSUID : 0UL;
	flags |= fs.f_flag & ST_NODEV ? MS_NODEV : 0UL;
	flags |= fs.f_flag & ST_NOEXEC ? MS_NOEXEC : 0UL;
	flags |= fs.f_flag & ST_RELATIME ? MS_RELATIME : 0UL;
	flags |= readonly ? MS_RDONLY : 0UL;
	return mount(NULL, path, NULL, flags, NULL) ? -errno : 0;
}

static int bind_on_itself(const char *path)
{
	return mount(path, path, NULL, MS_BIND | MS_REC, NULL) ? -errno : 0;
}

/* Device nodes that the lab keeps. */
static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "net/tun"};
#define DEVICES (sizeof(devices) / sizeof(*devices))

/* Links in /dev that shells and programs expect. */
static const struct {
	const char *name, *to;
} links[] = {
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
};

/* Mounts a new /dev under `root` with bind mounts of `nodes` (O_PATH descriptors; -1: absent). */
static int make_devices(const char *root, const int nodes[DEVICES], struct err *e)
{
	char path[64], source[64];
	snprintf(path, sizeof(path), "%s/dev", root);
	if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k"))
		return err_errno(e, "lab: mount %s", path);
	snprintf(path, sizeof(path), "%s/dev/net", root);
	if (mkdir(path, 0755))
		return err_errno(e, "lab: %s", path);
	snprintf(path, sizeof(path), "%s/dev/shm", root);
	if (mkdir(path, 0755))
		return err_errno(e, "lab: %s", path);
	for (size_t i = 0; i < DEVICES; i++) {
		if (nodes[i] < 0)
			continue;
		snprintf(path, sizeof(path), "%s/dev/%s", root, devices[i]);
		snprintf(source, sizeof(source), "/proc/self/fd/%d", nodes[i]);
		CLEAN(close_fd) int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		if (fd < 0 || mount(source, path, NULL, MS_BIND, NULL))
			return err_errno(e, "lab: %s", path);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		snprintf(path, sizeof(path), "%s/dev/%s", root, links[i].name);
		if (symlink(links[i].to, path))
			return err_errno(e, "lab: %s", path);
	}
	return 0;
}

/* Enters an empty root with /proc, /sys and /dev only: tasks see no file, socket or pipe of the
 * host. */
static int leave_files(const int nodes[DEVICES], struct err *e)
{
	static const char root[] = "/tmp";
	if (mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=64k") ||
	    mkdir("/tmp/proc", 0755) || mkdir("/tmp/sys", 0755) || mkdir("/tmp/dev", 0755) ||
	    mkdir("/tmp/old", 0755))
		return err_errno(e, "lab: create an empty root");
	if (mount("/proc", "/tmp/proc", NULL, MS_BIND | MS_REC, NULL) ||
	    mount("/sys", "/tmp/sys", NULL, MS_BIND | MS_REC, NULL))
		return err_errno(e, "lab: bind /proc and /sys");
	int rc = make_devices(root, nodes, e);
	if (rc)
		return rc;
	if (!syscall(SYS_pivot_root, root, "/tmp/old"))
		return chdir("/") || umount2("/old", MNT_DETACH)
			       ? err_errno(e, "lab: leave the host's root")
			       : 0;
	/* pivot_root(2) cannot leave an initramfs: cover it. Without CAP_SYS_CHROOT, which is
	 * dropped later, tasks cannot return. */
	if (chdir(root) || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		return err_errno(e, "lab: leave the host's root");
	return 0;
}

static int seal_files(bool files, struct err *e)
{
	int nodes[DEVICES], rc;
	for (size_t i = 0; i < DEVICES; i++) {
		char path[32];
		snprintf(path, sizeof(path), "/dev/%s", devices[i]);
		nodes[i] = open(path, O_PATH | O_CLOEXEC);
	}
	rc = files ? make_devices("", nodes, e) : leave_files(nodes, e);
	for (size_t i = 0; i < DEVICES; i++)
		close_fd(&nodes[i]);
	return rc;
}

/* Makes /proc and /sys read-only except for the network namespace's settings, and without
 * `writable` everything else too. */
static int seal_kernel(bool writable, struct err *e)
{
	/* A container may refuse a new sysfs: then the host's stays, read-only. */
	bool own_sys = !mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	int rc = bind_on_itself("/proc/sys");
	if (!rc)
		rc = bind_on_itself("/proc/sys/net");
	if (rc)
		return err_set(e, -rc, "lab: bind /proc/sys: %s", strerror(-rc));
	if (own_sys)
		bind_on_itself("/sys/devices/virtual/net");
	rc = seal_readonly(writable ? "/proc" : "/", true, true);
	if (!rc && writable)
		rc = seal_readonly("/sys", true, true);
	if (!rc)
		rc = seal_readonly("/proc/sys", true, false);
	if (rc)
		return err_set(e, -rc, "lab: make /proc/sys read-only: %s", strerror(-rc));
	if (own_sys) {
		seal_readonly("/sys", true, false);
		seal_readonly("/sys/devices/virtual/net", false, false);
	}
	/* Fails where the caller's is read-only: setting a knob then reports EROFS. */
	seal_readonly("/proc/sys/net", false, false);
	return 0;
}

int seal_mounts(bool files, bool writable, struct err *e)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return err_errno(e, "lab: make the mounts private%s",
				 errno == EINVAL ? " (in a chroot the root must be a mount point)"
						 : "");
	int rc = seal_files(files, e);
	return rc ? rc : seal_kernel(files && writable, e);
}

int seal_overlay(const struct lab_overlay *overlay, struct err *e)
{
	static const char copy[] = "/tmp/overlay";
	struct stat st;
	if (stat(overlay->path, &st))
		return err_errno(e, "lab: %s", overlay->path);
	CLEAN(close_fd) int fd = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, "lab: %s", copy);
	/* Its owner may have no id here; the file is then that of the command. */
	if (fchown(fd, st.st_uid, st.st_gid))
		errno = 0;
	int rc = fchmod(fd, st.st_mode & 0777) || dprintf(fd, "%s\n", overlay->text) < 0 ||
				 mount(copy, overlay->path, NULL, MS_BIND, NULL)
			 ? err_errno(e, "lab: put a copy over %s", overlay->path)
			 : 0;
	unlink(copy);
	if (rc)
		return rc;
	rc = seal_readonly(overlay->path, true, false);
	return rc ? err_set(e, -rc, "lab: make %s read-only: %s", overlay->path, strerror(-rc)) : 0;
}

/* Of servers that start as root. CAP_DAC_OVERRIDE opens their logs, which the mounts make
 * read-only.
 */
#define SERVER_CAPABILITIES                                                                        \
	(1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER | 1u << CAP_FSETID |          \
	 1u << CAP_KILL | 1u << CAP_SETGID | 1u << CAP_SETUID | 1u << CAP_SETPCAP |                \
	 1u << CAP_IPC_LOCK | 1u << CAP_SYS_CHROOT | 1u << CAP_SYS_NICE | 1u << CAP_SYS_RESOURCE)

int seal_capabilities(enum seal_kept kept, struct err *e)
{
	static const uint32_t more[] = {
		[SEAL_FILES] = 1u << CAP_DAC_OVERRIDE, [SEAL_SERVERS] = SERVER_CAPABILITIES};
	const uint32_t keep =
		1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW | 1u << CAP_NET_BIND_SERVICE | more[kept];
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++)
		if ((cap >= 32 || !(keep & 1u << cap)) && prctl(PR_CAPBSET_READ, cap) == 1 &&
		    prctl(PR_CAPBSET_DROP, cap))
			return err_errno(e, "lab: drop capability %u", cap);
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	/* A container may have less. */
	if (syscall(SYS_capget, &header, data))
		return err_errno(e, "lab: read capabilities");
	data[0] = (struct __user_cap_data_struct){.effective = keep & data[0].permitted,
						  .permitted = keep & data[0].permitted};
	data[1] = (struct __user_cap_data_struct){0};
	if (syscall(SYS_capset, &header, data))
		return err_errno(e, "lab: drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_errno(e, "lab: set no_new_privs");
	return 0;
}
