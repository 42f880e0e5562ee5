#include "lab/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "epolltune/cleanup.h"

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
	/* Without it an unprivileged gid_map is refused (user_namespaces(7)); absent before 3.19.
	 */
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

/* Changes the read-only flag of one mount, or of all below it where the kernel can (5.12). */
static int mount_readonly(const char *path, bool readonly, bool recursive)
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
	/* The flags that a user namespace has locked must be repeated (mount_namespaces(7)). */
	struct statvfs fs;
	if (statvfs(path, &fs))
		return -errno;
	unsigned long flags = MS_BIND | MS_REMOUNT | (fs.f_flag & ST_NOSUID ? MS_NOSUID : 0) |
			      (fs.f_flag & ST_NODEV ? MS_NODEV : 0) |
			      (fs.f_flag & ST_NOEXEC ? MS_NOEXEC : 0) |
			      (fs.f_flag & ST_RELATIME ? MS_RELATIME : 0);
	return mount(NULL, path, NULL, flags | (readonly ? MS_RDONLY : 0), NULL) ? -errno : 0;
}

static int bind_on_itself(const char *path)
{
	return mount(path, path, NULL, MS_BIND | MS_REC, NULL) ? -errno : 0;
}

/* Device nodes that stay in view. */
static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "net/tun"};
#define DEVICES (sizeof(devices) / sizeof(*devices))

/* Names of descriptors that shells and programs expect there. */
static const struct {
	const char *name, *to;
} links[] = {
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
};

/* A /dev of its own under `root`, with bind mounts of the nodes in `nodes` (O_PATH, -1: absent). */
static int make_devices(const char *root, const int nodes[DEVICES], struct err *e)
{
	char path[64], source[64];
	snprintf(path, sizeof(path), "%s/dev", root);
	if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k"))
		return err_errno(e, "lab: its own /dev");
	snprintf(path, sizeof(path), "%s/dev/net", root);
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

/* An empty root with nothing but proc, sys and dev: no file, device node, socket or pipe of the
 * host's is in view of what runs in the lab. */
static int leave_files(const int nodes[DEVICES], struct err *e)
{
	static const char root[] = "/tmp";
	if (mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=64k") ||
	    mkdir("/tmp/proc", 0755) || mkdir("/tmp/sys", 0755) || mkdir("/tmp/dev", 0755) ||
	    mkdir("/tmp/old", 0755))
		return err_errno(e, "lab: its own root");
	if (mount("/proc", "/tmp/proc", NULL, MS_BIND | MS_REC, NULL) ||
	    mount("/sys", "/tmp/sys", NULL, MS_BIND | MS_REC, NULL))
		return err_errno(e, "lab: proc and sys in its own root");
	int rc = make_devices(root, nodes, e);
	if (rc)
		return rc;
	if (!syscall(SYS_pivot_root, root, "/tmp/old"))
		return chdir("/") || umount2("/old", MNT_DETACH)
			       ? err_errno(e, "lab: leave the host's root")
			       : 0;
	/* An initramfs cannot be left by pivot_root(2), but be covered; without CAP_SYS_CHROOT,
	 * which is dropped later, there is no way back. */
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

/* What the kernel says of itself: readable, but for the network namespace's own settings. All else
 * is read-only too, unless it is to be writable. */
static int seal_kernel(bool writable, struct err *e)
{
	/* A container may refuse a fresh sysfs; then the host's stays, read-only like the rest. */
	bool own_sys = !mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	int rc = bind_on_itself("/proc/sys");
	if (!rc)
		rc = bind_on_itself("/proc/sys/net");
	if (rc)
		return err_set(e, -rc, "lab: bind /proc/sys: %s", strerror(-rc));
	if (own_sys)
		bind_on_itself("/sys/devices/virtual/net");
	rc = mount_readonly(writable ? "/proc" : "/", true, true);
	if (!rc && writable)
		rc = mount_readonly("/sys", true, true);
	if (!rc)
		rc = mount_readonly("/proc/sys", true, false);
	if (rc)
		return err_set(e, -rc, "lab: make /proc/sys read-only: %s", strerror(-rc));
	if (own_sys) {
		mount_readonly("/sys", true, false);
		mount_readonly("/sys/devices/virtual/net", false, false);
	}
	/* Stays read-only where the caller's was: then no knob can be set and its user is told so.
	 */
	mount_readonly("/proc/sys/net", false, false);
	return 0;
}

int seal_mounts(bool files, bool writable, struct err *e)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return err_errno(e, "lab: make mounts private%s",
				 errno == EINVAL ? " (in a chroot the root must be a mount point)"
						 : "");
	int rc = seal_files(files, e);
	return rc ? rc : seal_kernel(files && writable, e);
}

int seal_capabilities(struct err *e)
{
	const uint32_t keep = 1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW | 1u << CAP_NET_BIND_SERVICE;
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++)
		if ((cap >= 32 || !(keep & 1u << cap)) && prctl(PR_CAPBSET_READ, cap) == 1 &&
		    prctl(PR_CAPBSET_DROP, cap))
			return err_errno(e, "lab: drop capability %u", cap);
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{.effective = keep, .permitted = keep}};
	if (syscall(SYS_capset, &header, data))
		return err_errno(e, "lab: drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_errno(e, "lab: no new privileges");
	return 0;
}
