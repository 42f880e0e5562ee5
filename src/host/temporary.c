/* Files that are written under a temporary name and then renamed. */
#include "host/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epolltune/cleanup.h"

/* Under its lock, so that a new file of that name is not removed. */
int temporary_remove(int directory, const char *name)
{
	struct stat opened, named;
	CLEAN(close_fd)
	int fd = openat(directory, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &opened) < 0)
		return -1;
	if (fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	errno = EWOULDBLOCK;
	if (named.st_ino != opened.st_ino || named.st_dev != opened.st_dev)
		return -1;
	return unlinkat(directory, name, 0) == 0 || errno == ENOENT ? 0 : -1;
}

/* A file system may have no locks. Another process may have taken the file for a leftover before
 * it was locked. */
static bool lock(int fd)
{
	struct stat st;
	return (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) && fstat(fd, &st) == 0 &&
	       st.st_nlink;
}

int temporary_open(int directory, const char *name, mode_t mode)
{
	for (unsigned i = 0; i < 2; i++) {
		CLEAN(close_fd)
		int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		if (fd < 0 && errno != EEXIST)
			return -1;
		if (fd >= 0 && lock(fd)) {
			int mine = fd;
			fd = -1;
			return mine;
		}
		if (fd < 0 && temporary_remove(directory, name) < 0)
			break;
	}
	errno = EBUSY;
	return -1;
}
