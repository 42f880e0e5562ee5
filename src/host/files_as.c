/* Paths without links: as another process sees its files, and below the root of a host. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/order.h"
#include "host/capture.h"
#include "host/files.h"
#include "host/machine.h"

static int time_compare(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? ORDER(a->tv_sec, b->tv_sec) : ORDER(a->tv_nsec, b->tv_nsec);
}

static void later_take(struct timespec *latest, const struct timespec *t)
{
	if (time_compare(t, latest) > 0)
		*latest = *t;
}

static void last_part_drop(char *path)
{
	char *slash = strrchr(path, '/');
	*(slash ? slash : path) = 0;
}

/* As many as the kernel follows. */
#define LINKS 40

/* Takes when a directory may have been renamed last: that changes it, and what the one above has. A
 * change of its own content hides the time, so that it is before both changes. */
static void renamed_take(int root, const char *path, const struct stat *st,
			 struct timespec *changed)
{
	char above[PATH_MAX];
	struct stat of;
	struct timespec when = st->st_ctim;
	snprintf(above, sizeof(above), "%s", path);
	last_part_drop(above);
	CLEAN(close_fd) int fd = files_open_in(root, *above ? above : ".", O_PATH | O_CLOEXEC, 0);
	if (!time_compare(&when, &st->st_mtim) && fd >= 0 && !fstat(fd, &of) &&
	    time_compare(&of.st_mtim, &when) < 0)
		when = of.st_mtim;
	later_take(changed, &when);
}

/* Resolves a relative path in a root into one without links, `out`, and takes the change of each
 * link, and that of the name of each directory. */
static int path_resolve(int root, const char *path, char out[static PATH_MAX],
			struct timespec *changed)
{
	char rest[PATH_MAX], target[PATH_MAX], more[PATH_MAX];
	unsigned links = 0;
	struct stat st;
	snprintf(rest, sizeof(rest), "%s", path);
	*out = 0;
	for (char *at = rest; *(at += strspn(at, "/"));) {
		size_t length = strcspn(at, "/"), had = strlen(out);
		char *part = at;
		at += length;
		if (length == 2 && !strncmp(part, "..", 2))
			last_part_drop(out);
		if (*part == '.' && (length == 1 || (length == 2 && part[1] == '.')))
			continue;
		if (had + length + 2 > PATH_MAX)
			return errno = ENAMETOOLONG, -1;
		snprintf(out + had, PATH_MAX - had, "%s%.*s", had ? "/" : "", (int)length, part);
		CLEAN(close_fd)
		int fd = files_open_in(root, out, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
		if (fd < 0 || fstat(fd, &st))
			return -1;
		if (S_ISDIR(st.st_mode))
			renamed_take(root, out, &st, changed);
		if (!S_ISLNK(st.st_mode))
			continue;
		later_take(changed, &st.st_ctim);
		ssize_t size = readlinkat(fd, "", target, sizeof(target) - 1);
		if (size < 0 || ++links > LINKS)
			return size < 0 ? -1 : (errno = ELOOP, -1);
		target[size] = 0;
		if (snprintf(more, sizeof(more), "%s%s", target, at) >= (int)sizeof(more))
			return errno = ENAMETOOLONG, -1;
		memcpy(rest, more, sizeof(rest));
		at = rest;
		last_part_drop(out);
		if (*rest == '/')
			*out = 0;
	}
	return 0;
}

int host_resolve(const struct host *h, const char *path, char real[static PATH_MAX], struct err *e)
{
	struct timespec changed = {0};
	bool found = false;
	errno = EINVAL;
	if (machine_path_allowed(path))
		found = h->files ? !!capture_resolve(h->files, path, real)
				 : path_resolve(h->fd, path, real, &changed) == 0;
	return found ? 0 : err_errno(e, "cannot find %s/%s", h->root, path);
}

/* Whether reading a file of that file system may do something, or wait. */
static bool is_special(int fd)
{
	static const long special[] = {PROC_SUPER_MAGIC, SYSFS_MAGIC,        DEBUGFS_MAGIC,
				       TRACEFS_MAGIC,    CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
				       SECURITYFS_MAGIC, BPF_FS_MAGIC,       PSTOREFS_MAGIC,
				       EFIVARFS_MAGIC};
	struct statfs fs;
	bool found = fstatfs(fd, &fs) != 0;
	for (size_t i = 0; !found && i < sizeof(special) / sizeof(*special); i++)
		found = (unsigned long)fs.f_type == (unsigned long)special[i];
	return found;
}

/* Opens what a descriptor of O_PATH names: only a directory, or a file whose opening does nothing.
 */
static int reopened(int path, int flags, struct stat *st)
{
	char name[40];
	if (fstat(path, st))
		return -1;
	if (is_special(path) ||
	    !(flags & O_DIRECTORY ? S_ISDIR(st->st_mode) : S_ISREG(st->st_mode)))
		return errno = S_ISDIR(st->st_mode)  ? EISDIR
			       : flags & O_DIRECTORY ? ENOTDIR
						     : EINVAL,
		       -1;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", path);
	return open(name, flags | O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

int machine_open_as(const struct host *h, pid_t pid, const char *name, int flags,
		    struct timespec *changed, struct err *e)
{
	char path[PATH_MAX], real[PATH_MAX];
	struct stat st;
	*changed = (struct timespec){0};
	if (!h->live)
		return err_set(e, EOPNOTSUPP, "%s: a captured machine has no such file", name);
	if (!machine_path_allowed(name + 1) && strcmp(name, "/") != 0)
		return err_set(e, EINVAL, "%s: not an absolute path without \"..\"", name);
	snprintf(path, sizeof(path), "proc/%d/root", (int)pid);
	CLEAN(close_fd) int root = files_open_below(h, path, O_PATH | O_DIRECTORY);
	if (root < 0 || path_resolve(root, name + 1, real, changed))
		return err_errno(e, "cannot read %s", name);
	CLEAN(close_fd)
	int file = files_open_in(root, *real ? real : ".", O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	int fd = file < 0 ? -1 : reopened(file, flags, &st);
	if (fd < 0)
		return err_errno(e, "cannot read %s", name);
	later_take(changed, &st.st_ctim);
	return fd;
}

ssize_t machine_read_as(const struct host *h, pid_t pid, const char *name, char **text,
			struct timespec *changed, struct err *e)
{
	*text = NULL;
	CLEAN(close_fd) int fd = machine_open_as(h, pid, name, 0, changed, e);
	return fd < 0 ? fd : files_text(h, fd, name + 1, false, text, e);
}
