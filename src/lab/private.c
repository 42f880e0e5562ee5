/* What a command finds at /tmp, /run and /var of the host: its own copies, made as it writes. */
#include "lab/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/array.h"
#include "epolltune/cleanup.h"
#include "epolltune/list.h"
#include "epolltune/listener.h"

/* That one lab makes writable. */
#define DIRECTORIES 8
/* Copied: of the file systems mounted below /var, which may be hundreds, the rest is read-only. */
#define LAYERS 64
/* Of what is removed from the copies: bounds of the walk, and bytes of a log that is kept. */
#define DEPTH 6
#define ENTRIES 65536
#define LOG_BYTES 65536

static const char written[] = "mode=1777,size=64m";
/* Holds what the layers' upper directories get, until it is covered. */
static const char store[] = "/dev/shm";

struct layer {
	char path[PATH_MAX];
	int fd;       /* of the host's, O_PATH */
	bool mounted; /* below another one, as a file system of its own */
	bool laid;
	dev_t device; /* of the layer's own directories */
};

struct layers {
	size_t count;
	struct layer *at;
};

static void close_mounts(FILE **mounts)
{
	if (*mounts)
		endmntent(*mounts);
}

static void layers_free(struct layers *all)
{
	for (size_t i = 0; i < all->count; i++)
		close_fd(&all->at[i].fd);
	free(all->at);
}

static int layer_add(struct layers *all, const char *path, bool mounted)
{
	struct stat st;
	for (size_t i = 0; i < all->count; i++)
		if (!strcmp(all->at[i].path, path))
			return 0;
	CLEAN(close_fd) int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	/* A link to another one is that one's matter. */
	if (fd < 0 || strlen(path) >= PATH_MAX || fstat(fd, &st) ||
	    (!mounted && !S_ISDIR(st.st_mode)))
		return 0;
	struct layer *l = array_add(&all->at, &all->count, sizeof(*l));
	if (!l)
		return -ENOMEM;
	*l = (struct layer){.fd = fd, .mounted = mounted};
	strcpy(l->path, path);
	fd = -1;
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct layer *)a)->path, ((const struct layer *)b)->path);
}

/* The directories, and the file systems below /var, each after the one it is mounted in. What is
 * mounted below /tmp and /run stays hidden: namespaces, users' sockets. */
static int layers_find(struct layers *all)
{
	static const char *const directories[] = {"/tmp", "/run", "/var", "/var/tmp"};
	const struct mntent *m;
	int rc = 0;
	for (size_t i = 0; !rc && i < sizeof(directories) / sizeof(*directories); i++)
		rc = layer_add(all, directories[i], false);
	CLEAN(close_mounts) FILE *mounts = setmntent("/proc/self/mounts", "re");
	while (!rc && mounts && (m = getmntent(mounts)))
		if (!strncmp(m->mnt_dir, "/var/", strlen("/var/")))
			rc = layer_add(all, m->mnt_dir, true);
	if (all->count)
		qsort(all->at, all->count, sizeof(*all->at), by_path);
	return rc;
}

/* In the kernel's log each overlay says that its upper directory has no such attributes. */
static bool has_attributes(void)
{
	if (setxattr(store, "user.epolltune", "", 0, 0))
		return false;
	removexattr(store, "user.epolltune");
	return true;
}

/* Root of a user namespace has no attributes of the kernel's, trusted.*. */
static bool in_user_namespace(void)
{
	unsigned inside = 1, outside = 1, count = 0;
	CLEAN(close_file) FILE *map = fopen("/proc/self/uid_map", "re");
	return !map || fscanf(map, "%u %u %u", &inside, &outside, &count) != 3 || inside ||
	       outside || count != UINT_MAX;
}

/* An overlay (Documentation/filesystems/overlayfs.rst): it shows the host's files, and what is
 * written goes to the store. With xino, which the kernel logs, sock_diag(7) reports the inode
 * numbers of stat(2): for kernels that show no others. False: there is none. */
static bool layer_lay(struct layer *l, size_t number, const struct lab_options *o,
		      bool user_namespace)
{
	char upper[64], work[64], options[256];
	struct stat st;
	uint64_t file, device;
	bool exact = false,
	     xino = o->socket && (!listener_path("/", &file, &device, &exact) || !exact);
	snprintf(upper, sizeof(upper), "%s/upper-%zu", store, number);
	snprintf(work, sizeof(work), "%s/work-%zu", store, number);
	if (fstat(l->fd, &st) || !S_ISDIR(st.st_mode) || mkdir(upper, 0700) || mkdir(work, 0700))
		return false;
	/* The directory itself has the owner and the mode of the upper one. A user namespace has
	 * no owner but one, and nothing of another one can be copied there: /var/tmp is a layer. */
	if ((!user_namespace && chown(upper, st.st_uid, st.st_gid)) ||
	    chmod(upper, st.st_mode & 07777))
		return false;
	snprintf(options, sizeof(options),
		 "lowerdir=/proc/self/fd/%d,upperdir=%s,workdir=%s,index=off,xino=%s%s", l->fd,
		 upper, work, xino ? "on" : "off", user_namespace ? ",userxattr" : "");
	if (mount("overlay", l->path, "overlay", MS_NOSUID | MS_NODEV, options) ||
	    stat(l->path, &st))
		return false;
	l->laid = true;
	l->device = st.st_dev;
	return true;
}

/* Shows an open file or directory of the host at `path`. */
static int show(int fd, const char *path)
{
	char source[64];
	snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
	return mount(source, path, NULL, MS_BIND | MS_REC, NULL) ? -errno : 0;
}

static int layers_lay(struct layers *all, const struct lab_options *o, bool user_namespace,
		      struct err *e)
{
	if (mount("tmpfs", store, "tmpfs", MS_NOSUID | MS_NODEV, written))
		return err_errno(e, "lab: mount %s", store);
	bool lays = !user_namespace || has_attributes();
	for (size_t i = 0; i < all->count; i++) {
		struct layer *l = &all->at[i];
		if (lays && i < LAYERS && layer_lay(l, i, o, user_namespace))
			continue;
		/* The kernel has no overlays, or none here (in a user namespace before Linux 6.6):
		 * /tmp, /run and /var/tmp are empty, and /var stays as it is. */
		if (l->mounted) {
			int rc = show(l->fd, l->path);
			if (rc)
				return err_set(e, -rc, "lab: show %s: %s", l->path, strerror(-rc));
		} else if (strcmp(l->path, "/var") &&
			   mount("tmpfs", l->path, "tmpfs", MS_NOSUID | MS_NODEV, written))
			return err_errno(e, "lab: mount %s", l->path);
	}
	return 0;
}

/* Sockets and FIFOs are those of servers of the host, in the way of the command's own. A log is
 * copied before it grows. */
static bool is_dropped(const struct stat *st, bool logs)
{
	if (logs)
		return S_ISREG(st->st_mode) && st->st_size > LOG_BYTES;
	return S_ISSOCK(st->st_mode) || S_ISFIFO(st->st_mode);
}

static void drop_below(int fd, dev_t device, bool logs, unsigned depth, unsigned *left)
{
	CLEAN(close_directory) DIR *d = fdopendir(fd);
	const struct dirent *at;
	if (!d)
		close(fd);
	while (d && *left && (at = readdir(d))) {
		struct stat st;
		if (!strcmp(at->d_name, ".") || !strcmp(at->d_name, ".."))
			continue;
		(*left)--;
		if (fstatat(dirfd(d), at->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (S_ISDIR(st.st_mode) && st.st_dev == device && depth) {
			int below = openat(dirfd(d), at->d_name,
					   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (below >= 0)
				drop_below(below, device, logs, depth - 1, left);
		} else if (is_dropped(&st, logs)) {
			unlinkat(dirfd(d), at->d_name, 0);
		}
	}
}

/* Opens a directory of a copy; -1: it is none. One of the host itself is on another device. */
static int copy_open(const struct layers *all, const char *path, dev_t *device)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	for (size_t i = 0; !fstat(fd, &st) && i < all->count; i++)
		if (all->at[i].laid && all->at[i].device == st.st_dev) {
			*device = st.st_dev;
			return fd;
		}
	close(fd);
	return -1;
}

static void layers_drop(const struct layers *all, const char *path, bool logs)
{
	unsigned left = ENTRIES;
	dev_t device;
	int fd = copy_open(all, path, &device);
	if (fd >= 0)
		drop_below(fd, device, logs, DEPTH, &left);
}

/* Of a server of the host, also below a directory with more than the bounds. */
static void socket_drop(const struct layers *all, const char *path)
{
	char directory[PATH_MAX];
	const char *name = strrchr(path, '/') + 1;
	struct stat st;
	dev_t device;
	snprintf(directory, sizeof(directory), "%.*s", (int)(name - path), path);
	CLEAN(close_fd) int fd = copy_open(all, directory, &device);
	if (fd >= 0 && !fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) && is_dropped(&st, false))
		unlinkat(fd, name, 0);
}

static int layers_make(const struct lab_options *o, struct err *e)
{
	CLEAN(layers_free) struct layers all = {0};
	if (layers_find(&all))
		return err_set(e, ENOMEM, "lab: no memory");
	int rc = layers_lay(&all, o, in_user_namespace(), e);
	if (rc)
		return rc;
	layers_drop(&all, "/tmp", false);
	layers_drop(&all, "/run", false);
	layers_drop(&all, "/var/log", true);
	if (o->socket)
		socket_drop(&all, o->socket);
	return mount("tmpfs", store, "tmpfs", MS_NOSUID | MS_NODEV, written)
		       ? err_errno(e, "lab: mount %s", store)
		       : 0;
}

/* Makes a directory and those above it, where they are missing. */
static int directory_make(const char *path)
{
	char part[PATH_MAX];
	for (const char *at = path + 1;; at++) {
		if (*at && *at != '/')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
		if (mkdir(part, 0755) && errno != EEXIST && errno != EROFS)
			return -errno;
		if (!*at)
			return 0;
	}
}

/* Mounts an open directory of the host, writable, at its own path. */
static int directory_open_up(int fd, const char *path, struct err *e)
{
	int rc = directory_make(path);
	if (!rc)
		rc = show(fd, path);
	if (!rc)
		rc = seal_readonly(path, false, false);
	return rc ? err_set(e, -rc, "lab: make %s writable: %s", path, strerror(-rc)) : 0;
}

int seal_private(const struct lab_options *o, struct err *e)
{
	const char *directories = o->directories;
	char paths[DIRECTORIES][PATH_MAX];
	int fds[DIRECTORIES];
	size_t count = 0;
	int rc = 0;
	for (struct list_item item; !rc && list_next(&directories, &item); count++) {
		if (count == DIRECTORIES) {
			rc = err_set(e, E2BIG, "lab: more than %d writable directories",
				     DIRECTORIES);
			break;
		}
		snprintf(paths[count], PATH_MAX, "%.*s", item.length, item.text);
		fds[count] = open(paths[count], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fds[count] < 0 || paths[count][0] != '/') {
			rc = err_set(e, fds[count] < 0 ? errno : EINVAL,
				     "lab: %s is not the path of a directory", paths[count]);
		}
	}
	if (!rc)
		rc = layers_make(o, e);
	for (size_t i = 0; i < count; i++) {
		if (!rc)
			rc = directory_open_up(fds[i], paths[i], e);
		close_fd(&fds[i]);
	}
	return rc;
}

int seal_overlay(const struct lab_overlay *overlay, struct err *e)
{
	static const char copy[] = "/dev/shm/overlay";
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
