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
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/list.h"

/* That one lab makes writable. */
#define DIRECTORIES 8
/* File systems mounted below /var: containers' storage may have hundreds. */
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
	struct layer at[LAYERS];
};

static void close_mounts(FILE **mounts)
{
	if (*mounts)
		endmntent(*mounts);
}

static void layers_free(struct layers **all)
{
	for (size_t i = 0; *all && i < (*all)->count; i++)
		close_fd(&(*all)->at[i].fd);
	free(*all);
}

static void layer_add(struct layers *all, const char *path, bool mounted)
{
	struct layer *l = &all->at[all->count];
	for (size_t i = 0; i < all->count; i++)
		if (!strcmp(all->at[i].path, path))
			return;
	if (all->count == LAYERS || strlen(path) >= PATH_MAX)
		return;
	*l = (struct layer){.mounted = mounted};
	l->fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	strcpy(l->path, path);
	all->count += l->fd >= 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct layer *)a)->path, ((const struct layer *)b)->path);
}

/* The directories, and the file systems below /var, each after the one it is mounted in. What is
 * mounted below /tmp and /run stays hidden: namespaces, users' sockets. */
static void layers_find(struct layers *all)
{
	const struct mntent *m;
	layer_add(all, "/tmp", false);
	layer_add(all, "/run", false);
	layer_add(all, "/var", false);
	layer_add(all, "/var/tmp", false);
	CLEAN(close_mounts) FILE *mounts = setmntent("/proc/self/mounts", "re");
	while (mounts && (m = getmntent(mounts)))
		if (!strncmp(m->mnt_dir, "/var/", strlen("/var/")))
			layer_add(all, m->mnt_dir, true);
	qsort(all->at, all->count, sizeof(*all->at), by_path);
}

/* An overlay (Documentation/filesystems/overlayfs.rst): it shows the host's files, and what is
 * written goes to the store. With xino, which the kernel logs, sock_diag(7) reports the inode
 * numbers of stat(2). */
static int layer_lay(struct layer *l, size_t number, const struct lab_options *o,
		     bool user_namespace)
{
	char upper[64], work[64], options[256];
	struct stat st;
	snprintf(upper, sizeof(upper), "%s/upper-%zu", store, number);
	snprintf(work, sizeof(work), "%s/work-%zu", store, number);
	if (fstat(l->fd, &st) || !S_ISDIR(st.st_mode) || mkdir(upper, 0700) || mkdir(work, 0700))
		return -1;
	/* The directory itself has the owner and the mode of the upper one. A user namespace has
	 * no owner but one, and nothing of another one can be copied there: /var/tmp is a layer. */
	if ((!user_namespace && chown(upper, st.st_uid, st.st_gid)) ||
	    chmod(upper, st.st_mode & 07777))
		return -1;
	snprintf(options, sizeof(options),
		 "lowerdir=/proc/self/fd/%d,upperdir=%s,workdir=%s,index=off,xino=%s%s", l->fd,
		 upper, work, o->paths ? "on" : "off", user_namespace ? ",userxattr" : "");
	if (mount("overlay", l->path, "overlay", MS_NOSUID | MS_NODEV, options) ||
	    stat(l->path, &st))
		return -1;
	l->laid = true;
	l->device = st.st_dev;
	return 0;
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
	for (size_t i = 0; i < all->count; i++) {
		struct layer *l = &all->at[i];
		if (!layer_lay(l, i, o, user_namespace))
			continue;
		/* The kernel has no overlays, or none here (in a user namespace before Linux 5.11):
		 * /tmp, /run and /var/tmp are empty, and /var stays as it is. */
		if (l->mounted)
			show(l->fd, l->path);
		else if (strcmp(l->path, "/var") &&
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

/* Only in a copy: a directory of the host itself is on another device. */
static void layers_drop(const struct layers *all, const char *path, bool logs)
{
	unsigned left = ENTRIES;
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool copy = false;
	if (fd < 0)
		return;
	for (size_t i = 0; !fstat(fd, &st) && i < all->count; i++)
		copy = copy || (all->at[i].laid && all->at[i].device == st.st_dev);
	if (copy)
		drop_below(fd, st.st_dev, logs, DEPTH, &left);
	else
		close(fd);
}

static int layers_make(const struct lab_options *o, bool user_namespace, struct err *e)
{
	CLEAN(layers_free) struct layers *all = calloc(1, sizeof(*all));
	if (!all)
		return err_set(e, ENOMEM, "lab: no memory");
	layers_find(all);
	int rc = layers_lay(all, o, user_namespace, e);
	if (rc)
		return rc;
	layers_drop(all, "/tmp", false);
	layers_drop(all, "/run", false);
	layers_drop(all, "/var/log", true);
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

int seal_private(const struct lab_options *o, bool user_namespace, struct err *e)
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
		rc = layers_make(o, user_namespace, e);
	for (size_t i = 0; i < count; i++) {
		if (!rc)
			rc = directory_open_up(fds[i], paths[i], e);
		close_fd(&fds[i]);
	}
	return rc;
}
