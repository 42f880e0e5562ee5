#include "tune/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epolltune/cleanup.h"

static int check_owner(const struct stat *st, const char *what, struct err *e)
{
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return err_set(e, EPERM, "%s belongs to user %u, not to root: refused", what,
			       st->st_uid);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return err_set(e, EPERM, "%s is writable by others (mode %04o): refused", what,
			       st->st_mode & 07777u);
	return 0;
}

/* The directory that holds `path` and its last component. */
static int split(const char *path, char *parent, char *base, size_t size, struct err *e)
{
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	size_t slash = n;
	while (slash > 0 && path[slash - 1] != '/')
		slash--;
	if (n == 0 || n >= size || slash == n)
		return err_set(e, EINVAL, "\"%s\" is not a valid state directory", path);
	snprintf(base, size, "%.*s", (int)(n - slash), path + slash);
	snprintf(parent, size, "%.*s", slash ? (int)slash : 1, slash ? path : ".");
	return 0;
}

static int made(int fd, int parent, const char *path, struct err *e)
{
	if (fchmod(fd, 0755) < 0 || fsync(fd) < 0 || fsync(parent) < 0)
		return err_errno(e, "cannot create the state directory %s", path);
	return 0;
}

int state_open(const char *path, bool create, struct err *e)
{
	char parent[4096], base[4096];
	int rc = split(path, parent, base, sizeof(parent), e);
	if (rc < 0)
		return rc;
	CLEAN(close_fd) int up = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (up < 0)
		return err_errno(e, "cannot open %s, the parent of the state directory", parent);
	bool fresh = create && mkdirat(up, base, 0755) == 0;
	if (create && !fresh && errno != EEXIST)
		return err_errno(e, "cannot create the state directory %s", path);

	CLEAN(close_fd) int fd = openat(up, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		int code = errno;
		struct stat link;
		if (fstatat(up, base, &link, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(link.st_mode))
			return err_set(e, EPERM,
				       "the state directory %s is a symbolic link: refused", path);
		errno = code;
		return err_errno(e, "cannot open the state directory %s", path);
	}
	if (fresh && (rc = made(fd, up, path, e)) < 0)
		return rc;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_errno(e, "cannot examine the state directory %s", path);
	char what[4160];
	snprintf(what, sizeof(what), "the state directory %s", path);
	rc = check_owner(&st, what, e);
	if (rc < 0)
		return rc;
	int own = fd;
	fd = -1;
	return own;
}

int state_check(const char *path, struct err *e)
{
	char parent[4096], base[4096];
	int rc = split(path, parent, base, sizeof(parent), e);
	if (rc < 0)
		return rc;
	if (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0)
		return 0;
	if (errno != ENOENT)
		return err_errno(e, "cannot write to the state directory %s", path);
	if (faccessat(AT_FDCWD, parent, W_OK | X_OK, AT_EACCESS) < 0)
		return err_errno(e, "cannot create the state directory %s", path);
	return 0;
}

void state_resolve(const char *path, char real[PATH_MAX])
{
	char parent[4096], base[4096];
	if (realpath(path, real) ||
	    (split(path, parent, base, sizeof(parent), NULL) == 0 && realpath(parent, real)))
		return;
	snprintf(real, PATH_MAX, "%s", path);
}

int state_file(int dir, const char *path, const char *name, int flags, mode_t mode, struct err *e)
{
	int base = (flags & ~O_CREAT) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	bool fresh = false;
	CLEAN(close_fd) int fd = openat(dir, name, base);
	if (fd < 0 && errno == ENOENT && flags & O_CREAT) {
		fd = openat(dir, name, base | O_CREAT | O_EXCL, mode);
		fresh = fd >= 0;
		/* Another command made it in between. */
		if (fd < 0 && errno == EEXIST)
			fd = openat(dir, name, base);
	}
	if (fd < 0 && errno == ELOOP)
		return err_set(e, EPERM, "%s/%s is a symbolic link: refused", path, name);
	if (fd < 0)
		return err_errno(e, "cannot open %s/%s", path, name);
	if (fresh && (fchmod(fd, mode) < 0 || fsync(dir) < 0))
		return err_errno(e, "cannot create %s/%s", path, name);

	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_errno(e, "cannot examine %s/%s", path, name);
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return err_set(e, EPERM, "%s/%s is not a regular file with a single link: refused",
			       path, name);
	char what[4160];
	snprintf(what, sizeof(what), "%s/%s", path, name);
	int rc = check_owner(&st, what, e);
	if (rc < 0)
		return rc;
	int own = fd;
	fd = -1;
	return own;
}
