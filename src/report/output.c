#include "report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "host/temporary.h"

#define WAIT_MS 200

/* Write to a descriptor and close it. */
static int fill(int fd, bool sync, const char *path, output_writer write, void *arg, struct err *e)
{
	FILE *out = fdopen(fd, "w");
	if (!out) {
		int status = err_errno(e, "%s", path);
		close(fd);
		return status;
	}
	int status = write(out, arg, e);
	errno = 0;
	if (status < 0)
		err_prefix(e, "%s", path);
	else if (ferror(out) | fflush(out) || (sync && fsync(fd)))
		status = err_errno(e, "%s: cannot write", path);
	if (fclose(out) && status == 0)
		status = err_errno(e, "%s: cannot write", path);
	return status;
}

enum way {
	WAY_DURABLE, /* replaces a file, synced */
	WAY_NEW,     /* the same, but replaces none */
	WAY_BRIEF,   /* for a caller that writes again soon and takes its signals itself */
};

static int write_waiting(const char *path, output_writer write, void *arg, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_errno(e, "%s: cannot open for writing", path);
	return fill(fd, false, path, write, arg, e);
}

static sigset_t ending_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	return set;
}

/* Whether a signal waits that the caller has blocked. */
static bool is_interrupted(void)
{
	sigset_t pending;
	sigpending(&pending);
	return sigismember(&pending, SIGHUP) || sigismember(&pending, SIGINT) ||
	       sigismember(&pending, SIGTERM);
}

static int pour(int fd, const char *path, const char *text, size_t size, struct err *e)
{
	while (size) {
		ssize_t n = write(fd, text, size);
		struct pollfd full = {fd, POLLOUT, 0};
		if (n >= 0) {
			text += n;
			size -= (size_t)n;
		} else if (errno == EAGAIN && is_interrupted()) {
			return err_set(e, EINTR, "%s: not written, a signal came first", path);
		} else if (errno == EAGAIN) {
			poll(&full, 1, WAIT_MS);
		} else if (errno != EINTR) {
			return err_errno(e, "%s: cannot write", path);
		}
	}
	return 0;
}

static int write_polling(const char *path, output_writer write, void *arg, struct err *e)
{
	CLEAN(free_pointer) char *text = NULL;
	size_t size = 0;
	CLEAN(close_fd) int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 && errno == ENXIO)
		return err_set(e, ENXIO, "%s: cannot open for writing: no process reads it", path);
	if (fd < 0)
		return err_errno(e, "%s: cannot open for writing", path);
	CLEAN(close_file) FILE *memory = open_memstream(&text, &size);
	int rc = memory ? write(memory, arg, e) : err_errno(e, "%s", path);
	if (rc == 0 && (ferror(memory) | fflush(memory)))
		rc = err_errno(e, "%s: cannot write", path);
	close_file(&memory);
	return rc < 0 ? rc : pour(fd, path, text, size, e);
}

/* Make the rename durable if the file system can. The content is durable already. */
static void sync_directory(const char *path, size_t length)
{
	char directory[PATH_MAX];
	snprintf(directory, sizeof(directory), "%.*s", length ? (int)length : 1,
		 length ? path : ".");
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* The names of temporary files in a directory. */
#define TEMPORARIES 100

static bool temporary_name(const char *path, size_t directory, unsigned i, char name[PATH_MAX])
{
	int n = snprintf(name, PATH_MAX, "%.*s.epolltune-%u", (int)directory, path, i);
	return n >= 0 && n < PATH_MAX;
}

static void sweep(const char *path, size_t directory)
{
	char name[PATH_MAX];
	for (unsigned i = 0; i < TEMPORARIES; i++)
		if (temporary_name(path, directory, i, name))
			temporary_remove(AT_FDCWD, name);
}

static int exists(const char *path, struct err *e)
{
	return err_set(e, EEXIST, "%s: exists; remove it, or give --output another name", path);
}

/* The name of a file that is filled; -1 with errno. Not every file system knows the first ways. */
static int name_set(const char *temporary, const char *path, enum way way)
{
	if (way != WAY_NEW)
		return rename(temporary, path);
	int rc = renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE);
	if (rc == 0 || (errno != EINVAL && errno != ENOSYS))
		return rc;
	rc = link(temporary, path);
	if (rc == 0)
		unlink(temporary);
	if (rc == 0 || errno == EEXIST || faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return rc;
	/* One without hard links. */
	return rename(temporary, path);
}

/* Each writer has a temporary file of its own: two may write to the same path at once. */
static int replace(const char *path, enum way way, output_writer write, void *arg, struct err *e)
{
	bool durable = way != WAY_BRIEF;
	const char *slash = strrchr(path, '/');
	size_t directory = slash ? (size_t)(slash + 1 - path) : 0;
	char temporary[PATH_MAX];
	CLEAN(close_fd) int fd = -1;
	for (unsigned i = 0; i < TEMPORARIES && fd < 0; i++) {
		if (!temporary_name(path, directory, i, temporary))
			return err_set(e, ENAMETOOLONG, "%s: name too long", path);
		fd = temporary_open(AT_FDCWD, temporary, 0644);
		if (fd < 0 && errno != EBUSY)
			break;
	}
	if (fd < 0 && errno == EBUSY)
		return err_set(e, EBUSY,
			       "%s: the names of temporary files are taken in its directory, "
			       ".epolltune-0 to .epolltune-%d",
			       path, TEMPORARIES - 1);
	if (fd < 0)
		return err_errno(e, "%s: cannot create a file in its directory", path);
	/* The copy is closed when it is filled, this one, with its lock, after the rename. */
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	int status = copy < 0 ? err_errno(e, "%s", path) : fill(copy, durable, path, write, arg, e);
	if (status == 0 && name_set(temporary, path, way) < 0)
		status = errno == EEXIST ? exists(path, e)
					 : err_errno(e, "%s: cannot %s", path,
						     way == WAY_NEW ? "create" : "replace");
	if (status < 0)
		unlink(temporary);
	else
		sweep(path, directory);
	if (status == 0 && durable)
		sync_directory(path, directory);
	return status;
}

/* Check the path; *direct: it is a device or a pipe, so write to it directly. */
static int inspect(const char *path, bool *direct, struct err *e)
{
	struct stat at;
	*direct = false;
	if (lstat(path, &at) < 0)
		return errno == ENOENT ? 0 : err_errno(e, "%s", path);
	bool link = S_ISLNK(at.st_mode);
	bool dangling = link && stat(path, &at) < 0;
	if (!dangling && S_ISDIR(at.st_mode))
		return err_set(e, EISDIR, "%s: is a directory; give a file name", path);
	if (dangling || (link && S_ISREG(at.st_mode)))
		return err_set(e, ELOOP, "%s: is a symbolic link; give the file it points to",
			       path);
	*direct = !S_ISREG(at.st_mode);
	return 0;
}

int output_check(const char *path, struct err *e)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	bool direct = !strcmp(path, "-");
	int rc = direct ? 0 : inspect(path, &direct, e);
	if (rc || direct)
		return rc;
	snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	if (access(directory, W_OK | X_OK) < 0)
		return err_errno(e, "%s: cannot create a file in its directory", path);
	return 0;
}

int output_check_new(const char *path, struct err *e)
{
	struct stat st;
	if (strcmp(path, "-") != 0 && !lstat(path, &st) && S_ISREG(st.st_mode))
		return exists(path, e);
	return output_check(path, e);
}

static int put(const char *path, enum way way, output_writer write, void *arg, struct err *e)
{
	bool direct;
	if (strcmp(path, "-") == 0)
		return write(stdout, arg, e);
	int status = inspect(path, &direct, e);
	if (status < 0)
		return status;
	if (direct)
		return way == WAY_BRIEF ? write_polling(path, write, arg, e)
					: write_waiting(path, write, arg, e);
	sigset_t held = ending_signals(), before;
	sigprocmask(SIG_BLOCK, &held, &before);
	status = replace(path, way, write, arg, e);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}

int output_write(const char *path, output_writer write, void *arg, struct err *e)
{
	return put(path, WAY_DURABLE, write, arg, e);
}

int output_replace(const char *path, output_writer write, void *arg, struct err *e)
{
	return put(path, WAY_BRIEF, write, arg, e);
}

int output_create(const char *path, output_writer write, void *arg, struct err *e)
{
	return put(path, WAY_NEW, write, arg, e);
}
