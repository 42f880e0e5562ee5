#include "watch/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "report/watch.h"

/* WATCH_GAUGES rows are less. */
#define LINE_MAX_BYTES ((size_t)2 << 20)
#define BEGIN "{\"schema\":\"" WATCH_SCHEMA "\""

struct recording {
	int fd;
	char *path, *before; /* PATH, PATH.1 */
	uint64_t half, size;
	bool gap; /* the look before was not recorded, or is in a file that is elsewhere now */
};

static int file_begin(struct recording *r, struct err *e)
{
	struct stat st;
	r->fd = open(r->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		     0644);
	if (r->fd < 0 || fstat(r->fd, &st) < 0)
		return err_errno(e, "%s", r->path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EEXIST, "%s: not a file", r->path);
	if (flock(r->fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, EBUSY, "%s: another process records there", r->path);
	r->size = (uint64_t)st.st_size;
	return 0;
}

/* Cuts off what an interrupted writer left of a line. */
static int tail_cut(struct recording *r, struct err *e)
{
	char part[4096];
	char begin[sizeof(BEGIN) - 1];
	if (r->size && (pread(r->fd, begin, sizeof(begin), 0) != sizeof(begin) ||
			memcmp(begin, BEGIN, sizeof(begin)) != 0))
		return err_set(e, EEXIST, "%s: not a recording; it is not overwritten", r->path);
	while (r->size) {
		size_t n = r->size < sizeof(part) ? (size_t)r->size : sizeof(part);
		if (pread(r->fd, part, n, (off_t)(r->size - n)) != (ssize_t)n)
			return err_errno(e, "%s", r->path);
		const char *end = memrchr(part, '\n', n);
		r->size -= end ? n - (size_t)(end + 1 - part) : n;
		if (end)
			break;
	}
	return ftruncate(r->fd, (off_t)r->size) < 0 ? err_errno(e, "%s", r->path) : 0;
}

static int file_open(struct recording *r, struct err *e)
{
	int rc = file_begin(r, e);
	if (!rc)
		rc = tail_cut(r, e);
	if (rc)
		close_fd(&r->fd);
	return rc;
}

int recording_open(struct recording **out, const char *path, uint64_t size, struct err *e)
{
	struct recording *r = *out = calloc(1, sizeof(*r));
	if (!r)
		return err_set(e, ENOMEM, "--record: out of memory");
	r->fd = -1;
	r->half = size / 2;
	r->path = strdup(path);
	if (!r->path || asprintf(&r->before, "%s.1", path) < 0) {
		r->before = NULL;
		return err_set(e, ENOMEM, "--record: out of memory");
	}
	return file_open(r, e);
}

/* Whether the file is at its path: where it was moved away or removed, what follows goes into a new
 * one. */
static bool file_stays(const struct recording *r)
{
	struct stat opened, now;
	if (fstat(r->fd, &opened) || lstat(r->path, &now))
		return errno != ENOENT && errno != ENOTDIR;
	return opened.st_dev == now.st_dev && opened.st_ino == now.st_ino;
}

static int half_begin(struct recording *r, struct err *e)
{
	/* It may be gone since file_stays(). */
	if (rename(r->path, r->before) < 0 && errno != ENOENT)
		return err_errno(e, "%s", r->before);
	close_fd(&r->fd);
	return file_open(r, e);
}

/* All of the line, or nothing: a part would be one line with the next one. */
static int line_add(struct recording *r, const char *line, size_t size, struct err *e)
{
	int rc = 0;
	for (size_t at = 0; !rc && at < size;) {
		ssize_t n = write(r->fd, line + at, size - at);
		if (n < 0 && errno != EINTR)
			rc = err_errno(e, "%s", r->path);
		at += n > 0 ? (size_t)n : 0;
	}
	if (!rc)
		r->size += size;
	else if (ftruncate(r->fd, (off_t)r->size) < 0)
		close_fd(&r->fd);
	return rc;
}

int recording_add(struct recording *r, const struct watch *w, struct err *e)
{
	CLEAN(free_pointer) char *line = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&line, &size);
	struct watch one = *w;
	if (r->fd >= 0 && !file_stays(r)) {
		close_fd(&r->fd);
		r->gap = true;
	}
	/* Its growth is since a look that is not there: a run begins. */
	if (r->gap)
		one.seconds = 0;
	r->gap = true; /* until it is written */
	if (!out)
		return err_set(e, ENOMEM, "--record: out of memory");
	watch_json(out, &one);
	if (fclose(out))
		return err_set(e, ENOMEM, "--record: out of memory");
	int rc = r->fd < 0 ? file_open(r, e) : 0;
	if (!rc && r->size && r->size + size > r->half)
		rc = half_begin(r, e);
	if (!rc)
		rc = line_add(r, line, size, e);
	r->gap = rc < 0;
	return rc;
}

void recording_close(struct recording **out)
{
	struct recording *r = *out;
	if (!r)
		return;
	close_fd(&r->fd);
	free(r->path);
	free(r->before);
	free(r);
	*out = NULL;
}

struct replay {
	FILE *in;
	char *paths[2], *line;
	unsigned at, number; /* file and line */
	bool any;            /* a whole line was read */
};

static int part_open(struct replay *r, struct err *e)
{
	struct stat st;
	const char *path = r->paths[r->at];
	CLEAN(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EBADMSG, "%s: not a file", path);
	if (!(r->in = fdopen(fd, "r")))
		return err_errno(e, "%s", path);
	fd = -1;
	r->number = 0;
	return 0;
}

int replay_open(struct replay **out, const char *path, struct err *e)
{
	struct replay *r = *out = calloc(1, sizeof(*r));
	if (!r || !(r->line = malloc(LINE_MAX_BYTES)) || !(r->paths[1] = strdup(path)) ||
	    asprintf(&r->paths[0], "%s.1", path) < 0)
		return err_set(e, ENOMEM, "--replay: out of memory");
	int rc = part_open(r, e);
	if (rc != -ENOENT)
		return rc;
	r->at = 1;
	return part_open(r, e);
}

/* A recording that was cut off ends before the rest. */
static int replay_end(const struct replay *r, struct err *e)
{
	return r->any ? 0 : err_set(e, ENODATA, "%s: has no complete line", r->paths[r->at]);
}

int replay_next(struct replay *r, struct watch_sample *out, struct err *e)
{
	for (;;) {
		memset(r->line, ' ', LINE_MAX_BYTES);
		if (fgets(r->line, LINE_MAX_BYTES, r->in))
			break;
		if (ferror(r->in))
			return err_errno(e, "%s", r->paths[r->at]);
		if (r->at == 1)
			return replay_end(r, e);
		close_file(&r->in);
		r->at = 1;
		int rc = part_open(r, e);
		if (rc)
			return rc;
	}
	r->number++;
	/* A NUL byte that is not the end of the string is of the file. */
	const char *end = memrchr(r->line, 0, LINE_MAX_BYTES);
	size_t length = (size_t)(end - r->line);
	if (length == LINE_MAX_BYTES - 1)
		return err_set(e, EBADMSG, "%s:%u: longer than %zu bytes", r->paths[r->at],
			       r->number, LINE_MAX_BYTES - 1);
	if (r->line[length - 1] != '\n')
		return replay_end(r, e);
	r->any = true;
	int rc = watch_parse(r->line, length, out, e);
	return rc ? err_prefix(e, "%s:%u", r->paths[r->at], r->number) : 1;
}

void replay_close(struct replay **out)
{
	struct replay *r = *out;
	if (!r)
		return;
	close_file(&r->in);
	free(r->paths[0]);
	free(r->paths[1]);
	free(r->line);
	free(r);
	*out = NULL;
}
