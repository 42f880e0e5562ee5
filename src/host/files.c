/* Opens a host; reads and writes files below its root. */
#include "host/capture.h"
#include "host/machine.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/hash.h"
#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "host/compat.h"
#include "host/files.h"

#define KEPT_FILES 512
#define KEPT_BYTES ((size_t)8 << 20)

struct kept_files {
	size_t count, bytes;
	struct kept_file {
		uint64_t hash; /* of the path */
		char *path, *text;
		size_t length;
	} at[KEPT_FILES];
};

struct host *machine_make(const char *root)
{
	struct host *h = calloc(1, sizeof(*h));
	if (h)
		h->root = strdup(root);
	if (!h || !h->root) {
		free(h);
		return NULL;
	}
	h->fd = -1;
	for (size_t n = strlen(h->root); n && h->root[n - 1] == '/'; n--)
		h->root[n - 1] = 0;
	return h;
}

/* Whether it is no machine's root, but has one below, or is what sos writes. */
static bool is_support_tree(int fd)
{
	return !faccessat(fd, "sos_commands", F_OK, 0) || faccessat(fd, "proc", F_OK, 0);
}

int host_open(struct host **out, const char *root, struct err *e)
{
	struct stat given, running;
	*out = NULL;
	CLEAN(close_fd) int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno != ENOTDIR)
		return err_errno(e, "cannot open %s", root);
	CLEAN(host_closep) struct host *h = machine_make(root);
	if (!h)
		return err_errno(e, "cannot open %s", root);
	if (fd >= 0 && (fstat(fd, &given) < 0 || stat("/", &running) < 0))
		return err_errno(e, "cannot examine the directory %s", root);
	h->live = fd >= 0 && given.st_dev == running.st_dev && given.st_ino == running.st_ino;
	if (h->live)
		h->root[0] = 0;
	if (fd < 0 || (!h->live && is_support_tree(fd))) {
		struct err own = {0};
		int rc = capture_read(&h->files, root, fd, &own);
		if (rc < 0 && (fd < 0 || rc != -ENODATA))
			return err_copy(e, &own);
		h->owns_files = !rc;
	}
	if (!h->files) {
		h->fd = fd;
		fd = -1;
	}
	*out = h;
	h = NULL;
	return 0;
}

int host_open_earlier(struct host **out, const struct host *h, struct err *e)
{
	*out = NULL;
	if (h->live || !host_has(h, CAPTURE_EARLIER "proc"))
		return err_set(e, ENOENT, "%s has one sample only", h->root);
	struct host *earlier = machine_make(h->root);
	if (!earlier)
		return err_set(e, ENOMEM, "%s: out of memory", h->root);
	earlier->files = h->files;
	earlier->earlier = true;
	earlier->fd = h->fd < 0 ? -1 : fcntl(h->fd, F_DUPFD_CLOEXEC, 3);
	*out = earlier;
	return 0;
}

void host_close(struct host *h)
{
	if (!h)
		return;
	if (h->fd >= 0)
		close(h->fd);
	for (size_t i = 0; h->kept && i < h->kept->count; i++) {
		free(h->kept->at[i].path);
		free(h->kept->at[i].text);
	}
	free(h->kept);
	free(h->root);
	if (h->owns_files)
		capture_free(&h->files);
	filling_free(h->filling);
	free(h);
}

bool host_live(const struct host *h) { return h->live; }

void host_freeze(struct host *h)
{
	if (!h->kept)
		h->kept = calloc(1, sizeof(*h->kept));
	h->frozen = true;
}

/* What was laid last. */
static const struct kept_file *kept_find(const struct kept_files *kept, const char *path)
{
	uint64_t hash = text_hash(path);
	for (size_t i = kept->count; i-- > 0;)
		if (kept->at[i].hash == hash && !strcmp(kept->at[i].path, path))
			return &kept->at[i];
	return NULL;
}

/* Keeps a copy. Without room or memory the file is read again. */
static bool kept_add(struct kept_files *kept, const char *path, const char *text, size_t length)
{
	if (kept->count == KEPT_FILES || length > KEPT_BYTES - kept->bytes)
		return false;
	struct kept_file file = {text_hash(path), strdup(path), strdup(text), length};
	if (file.path && file.text) {
		kept->bytes += length;
		kept->at[kept->count++] = file;
		return true;
	}
	free(file.path);
	free(file.text);
	return false;
}

int host_lay(struct host *h, const char *path, const char *text, struct err *e)
{
	if (!h->kept)
		h->kept = calloc(1, sizeof(*h->kept));
	if (!h->kept || !kept_add(h->kept, path, text, strlen(text)))
		return err_set(e, ENOMEM, "%s/%s: out of memory", h->root, path);
	return 0;
}

bool machine_path_allowed(const char *path)
{
	if (!*path || *path == '/' || strlen(path) >= PATH_MAX)
		return false;
	for (const char *part = path; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2]))
			return false;
	}
	return true;
}

/* O_PATH with O_NOFOLLOW opens a link itself. */
static bool is_link(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISLNK(st.st_mode);
}

/* Follows no links: without openat2(2) links cannot be resolved inside a root without races. */
static int open_no_links(int root, const char *path, int flags)
{
	char rest[PATH_MAX];
	snprintf(rest, sizeof(rest), "%s", path);
	CLEAN(close_fd) int at = -1;
	char *save = NULL;
	char *part = strtok_r(rest, "/", &save);
	while (part) {
		char *next = strtok_r(NULL, "/", &save);
		int through = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
		int fd = openat(at < 0 ? root : at, part, next ? through : flags | O_NOFOLLOW);
		if (fd >= 0 && !next && is_link(fd) && !(flags & O_NOFOLLOW)) {
			close(fd);
			errno = ELOOP;
			return -1;
		}
		if (fd < 0 || !next)
			return fd;
		close_fd(&at);
		at = fd;
		part = next;
	}
	errno = EINVAL;
	return -1;
}

int files_open_in(int root, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {.flags = (unsigned)flags,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve};
	/* EAGAIN: a file below the root was renamed meanwhile. */
	for (int i = 0; i < 8; i++) {
		int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
		if (fd >= 0)
			return fd;
		/* A container's seccomp filter may refuse unknown system calls with EPERM. */
		if (errno == ENOSYS || errno == EPERM)
			return open_no_links(root, path, flags);
		if (errno != EAGAIN && errno != EINTR)
			break;
	}
	return -1;
}

/* Crosses no mount point: a /proc mounted below the root is the running machine's. */
static int open_captured(int root, const char *path, int flags)
{
	return files_open_in(root, path, flags, RESOLVE_NO_XDEV);
}

/* The file or directory in a capture, from the running machine where it is filled; NULL: errno. */
static const struct capture_file *captured_find(const struct host *h, const char *path)
{
	const struct capture_file *f = capture_find(h->files, path);
	if (!f && h->filling) {
		filling_take(h, path);
		f = capture_find(h->files, path);
	}
	return f;
}

/* A descriptor of a copy in memory, for those that read one. */
static int captured_open(const struct host *h, const char *path, int flags)
{
	const struct capture_file *f = captured_find(h, path);
	if (!f)
		return -1;
	if (f->error)
		return errno = f->error, -1;
	if (f->kind != CAPTURE_FILE || flags & (O_DIRECTORY | O_WRONLY | O_RDWR)) {
		/* A directory of a capture has no descriptor. */
		errno = f->kind == CAPTURE_FILE ? ENOTDIR : EISDIR;
		return -1;
	}
	int fd = memfd_create("capture", MFD_CLOEXEC);
	if (fd >= 0 && (write(fd, f->data, f->size) != (ssize_t)f->size || lseek(fd, 0, SEEK_SET)))
		close_fd(&fd);
	return fd;
}

/* What the list of a capture says of a file that is not in its directory. */
static int left_out(const struct host *h, const char *path)
{
	CLEAN(free_pointer) char *list = NULL;
	CLEAN(close_fd)
	int fd = open_captured(h->fd, CAPTURE_LEFT_OUT, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || files_text(h, fd, CAPTURE_LEFT_OUT, false, &list, NULL) < 0)
		return ENOENT;
	return capture_left_out_error(list, path);
}

static int open_now(const struct host *h, const char *path, int flags)
{
	if (h->files)
		return captured_open(h, path, flags);
	if (h->live)
		return openat(h->fd, path, flags);
	int fd = open_captured(h->fd, path, flags);
	if (fd < 0 && errno == ENOENT)
		errno = left_out(h, path);
	return fd;
}

int files_open_below(const struct host *h, const char *path, int flags)
{
	if (!machine_path_allowed(path)) {
		errno = EINVAL;
		return -1;
	}
	flags |= O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	if (flags & O_PATH) /* openat2() refuses flags that O_PATH ignores */
		flags &= ~(O_NOCTTY | O_NONBLOCK);
	char first[PATH_MAX];
	int n = h->earlier ? snprintf(first, sizeof(first), CAPTURE_EARLIER "%s", path) : 0;
	int fd = n > 0 && n < PATH_MAX ? open_now(h, first, flags) : -1;
	bool later = fd < 0 && !(n > 0 && capture_left_out_reason(errno)[0]);
	return later ? open_now(h, path, flags) : fd;
}

static int too_large(const struct host *h, const char *path, struct err *e)
{
	return err_set(e, EFBIG, "%s/%s: more than %zu MiB", h->root, path, HOST_FILE_MAX >> 20);
}

int machine_open(const struct host *h, const char *path, int flags, const char *verb, struct err *e)
{
	int fd = files_open_below(h, path, flags);
	if (fd < 0 && errno == EFBIG)
		return too_large(h, path, e);
	if (fd < 0)
		return err_errno(e, "cannot %s %s/%s", verb, h->root, path);
	return fd;
}

/* What one read of a sysctl returns is all of it only where the buffer has room left: the kernel
 * fills the first buffer as far as it goes, and then reports end of file (kernel/sysctl.c,
 * proc_dointvec(), proc_do_large_bitmap()). */
static bool is_sysctl(const char *path) { return !strncmp(path, "proc/sys/", strlen("proc/sys/")); }

/* 1: the file is longer than `max`, and this is its beginning. */
static int read_whole(const struct host *h, int fd, const char *path, size_t max, char **text,
		      size_t *length, struct err *e)
{
	bool at_once = is_sysctl(path);
	size_t n = 0, size = 16384;
	CLEAN(free_pointer) char *buf = malloc(size);
	for (;;) {
		if (!buf)
			return err_set(e, ENOMEM, "cannot read %s/%s: out of memory", h->root,
				       path);
		ssize_t got = TEMP_FAILURE_RETRY(at_once ? pread(fd, buf, size, 0)
							 : read(fd, buf + n, size - n));
		if (got < 0)
			return err_errno(e, "cannot read %s/%s", h->root, path);
		n = at_once ? (size_t)got : n + (size_t)got;
		if (n > max || got == 0 || (at_once && n < size))
			break;
		if (n == size) {
			char *more = realloc(buf, size *= 2);
			if (!more)
				return err_set(e, ENOMEM, "cannot read %s/%s: out of memory",
					       h->root, path);
			buf = more;
		}
	}
	bool longer = n > max;
	n = longer ? max : n;
	buf[n] = 0; /* n < size: a full buffer was doubled */
	*text = buf;
	*length = n;
	buf = NULL;
	return longer;
}

ssize_t files_text(const struct host *h, int fd, const char *path, bool strings, char **text,
		   struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_errno(e, "cannot read %s/%s", h->root, path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, S_ISDIR(st.st_mode) ? EISDIR : EINVAL,
			       "cannot read %s/%s: not a regular file", h->root, path);
	char *buf = NULL;
	size_t n = 0;
	int r = read_whole(h, fd, path, HOST_FILE_MAX, &buf, &n, e);
	if (r < 0)
		return r;
	if (r) {
		free(buf);
		return too_large(h, path, e);
	}
	for (char *at = buf; strings && (at = memchr(at, 0, n - (size_t)(at - buf)));)
		*at++ = '\n';
	if (memchr(buf, 0, n)) {
		free(buf);
		return err_set(e, EBADMSG, "%s/%s: not a text file: it contains a NUL byte",
			       h->root, path);
	}
	if (n && buf[n - 1] == '\n')
		buf[--n] = 0;
	*text = buf;
	return (ssize_t)n;
}

bool files_is_mask(const struct host *h, const char *path)
{
	char target[sizeof("/dev/null")];
	bool directory = !h->live && !h->files;
	CLEAN(close_fd) int fd = directory ? files_open_below(h, path, O_PATH | O_NOFOLLOW) : -1;
	ssize_t n = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof(target));
	return n == (ssize_t)strlen("/dev/null") && !memcmp(target, "/dev/null", (size_t)n);
}

static ssize_t text_now(const struct host *h, const char *path, bool strings, char **text,
			struct err *e)
{
	CLEAN(close_fd) int fd = machine_open(h, path, O_RDONLY, "read", e);
	ssize_t n = fd < 0 ? fd : files_text(h, fd, path, strings, text, e);
	if (*text)
		return n;
	if (!files_is_mask(h, path))
		return n < 0 ? n : -EIO;
	*text = strdup("");
	if (*text)
		return 0;
	err_set(e, ENOMEM, "cannot read %s/%s: out of memory", h->root, path);
	return -ENOMEM;
}

static ssize_t text_read(const struct host *h, const char *path, bool strings, char **text,
			 struct err *e)
{
	const struct kept_file *kept = h->kept ? kept_find(h->kept, path) : NULL;
	if (h->shadow)
		filling_shadow(h->shadow, path);
	*text = kept ? strdup(kept->text) : NULL;
	if (*text)
		return (ssize_t)kept->length;
	ssize_t n = text_now(h, path, strings, text, e);
	if (n >= 0 && h->frozen && h->kept)
		kept_add(h->kept, path, *text, (size_t)n);
	return n;
}

ssize_t host_read_all(const struct host *h, const char *path, char **text, struct err *e)
{
	return text_read(h, path, false, text, e);
}

ssize_t host_read_begin(const struct host *h, const char *path, size_t max, char **text,
			struct err *e)
{
	size_t n = 0;
	*text = NULL;
	CLEAN(close_fd) int fd = machine_open(h, path, O_RDONLY, "read", e);
	int r = fd < 0 ? fd : read_whole(h, fd, path, max, text, &n, e);
	return r < 0 ? r : (ssize_t)n;
}

ssize_t host_read_strings(const struct host *h, const char *path, char **text, struct err *e)
{
	return text_read(h, path, true, text, e);
}

ssize_t host_read(const struct host *h, const char *path, char *buf, size_t size, struct err *e)
{
	CLEAN(free_pointer) char *text = NULL;
	ssize_t n = host_read_all(h, path, &text, e);
	if (n < 0)
		return n;
	if ((size_t)n >= size)
		return err_set(e, EFBIG, "%s/%s: %zd bytes, more than the %zu expected", h->root,
			       path, n, size ? size - 1 : 0);
	memcpy(buf, text, (size_t)n + 1);
	return n;
}

int host_read_u64(const struct host *h, const char *path, uint64_t *value, struct err *e)
{
	char text[64];
	ssize_t n = host_read(h, path, text, sizeof(text), e);
	if (n == -EFBIG)
		return err_set(e, EBADMSG, "%s/%s: not a number", h->root, path);
	if (n < 0)
		return (int)n;
	const char *at = text;
	if (!text_number(&at, value) || at[strspn(at, " \t\n")])
		return err_set(e, EBADMSG, "%s/%s: not a number: \"%.40s\"", h->root, path, text);
	return 0;
}

int64_t host_number(const struct host *h, const char *path)
{
	char text[64];
	uint64_t value;
	if (host_read(h, path, text, sizeof(text), NULL) < 0)
		return REPORT_NONE;
	const char *at = text + strspn(text, " \t\n");
	bool negative = *at == '-';
	at += negative;
	if (!isdigit((unsigned char)*at) || !text_number(&at, &value) || at[strspn(at, " \t\n")] ||
	    value > INT64_MAX)
		return REPORT_NONE;
	return negative ? -(int64_t)value : (int64_t)value;
}

int host_write(const struct host *h, const char *path, const char *text, struct err *e)
{
	if (!h->live)
		return err_set(e, EROFS, "cannot write %s/%s: a captured machine is read-only",
			       h->root, path);
	CLEAN(close_fd) int fd = machine_open(h, path, O_WRONLY, "write", e);
	if (fd < 0)
		return fd;
	CLEAN(free_pointer) char *line = NULL;
	int length = asprintf(&line, "%s\n", text);
	if (length < 0) {
		line = NULL;
		return err_set(e, ENOMEM, "cannot write %s/%s: out of memory", h->root, path);
	}
	/* Of a list the kernel takes less than a page at a time, up to a comma, and joins the
	 * parts: kernel/sysctl.c, proc_do_large_bitmap(). */
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	for (size_t done = 0, left = (size_t)length; left; left = (size_t)length - done) {
		ssize_t n = write(fd, line + done, left);
		if (n < 0)
			return err_errno(e, "cannot write \"%s\" to %s/%s", text, h->root, path);
		done += (size_t)n;
		if ((size_t)n < left && (!n || left < page))
			return err_set(
				e, EIO,
				"cannot write \"%s\" to %s/%s: the kernel took %zu of %d bytes",
				text, h->root, path, done, length);
	}
	return 0;
}

bool host_has(const struct host *h, const char *path)
{
	if (h->files)
		return machine_path_allowed(path) && captured_find(h, path);
	CLEAN(close_fd) int fd = files_open_below(h, path, O_PATH);
	return fd >= 0 || capture_left_out_reason(errno)[0] || files_is_mask(h, path);
}
