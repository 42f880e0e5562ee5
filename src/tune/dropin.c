#include "tune/dropin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "epolltune/cleanup.h"
#include "host/temporary.h"

#define DROPIN_MAX ((off_t)1 << 20)
#define DROPIN_MARK "# run "

int dropin_line(char value[CHANGE_VALUE], const char *line, const char *why,
		const struct change_author *author, struct err *e)
{
	char date[32];
	struct tm utc;
	strftime(date, sizeof(date), "%FT%TZ", gmtime_r(&author->when, &utc));
	int n = snprintf(value, CHANGE_VALUE, DROPIN_MARK "%u, %s, %s: %s", author->run, date,
			 author->by, why);
	if (n < 0 || n >= CHANGE_VALUE)
		return err_set(e, EFBIG, "the comment above \"%.80s\" is too long", line);
	text_flatten(value, 0); /* a single line */
	size_t room = CHANGE_VALUE - (size_t)n;
	if ((size_t)snprintf(value + n, room, "\n%s", line) >= room)
		return err_set(e, EFBIG, "the line \"%.80s\" is too long", line);
	return 0;
}

unsigned dropin_run(const char *value)
{
	unsigned run;
	return sscanf(value, DROPIN_MARK "%u,", &run) == 1 ? run : 0;
}

const char *dropin_setting(const char *value)
{
	const char *line = strrchr(value, '\n');
	return line ? line + 1 : value;
}

static const char *directory(const struct change_site *site, const struct dropin_place *place,
			     char path[4096])
{
	snprintf(path, 4096, "%s%s", site->root, place->directory);
	return path;
}

static int open_directory(const struct change_site *site, const struct dropin_place *place,
			  struct err *e)
{
	char path[4096];
	int fd =
		open(directory(site, place, path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return err_set(e, EPERM, "%s is not a directory (or is a symbolic link): refused",
			       path);
	if (fd < 0)
		return err_errno(e, "cannot open %s", path);
	return fd;
}

struct dropin {
	char *text; /* "" when there is no file */
	size_t size;
	bool exists;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

static void dropin_free(struct dropin *d) { free(d->text); }

static int read_text(int fd, const char *path, struct dropin *d, struct err *e)
{
	size_t at = 0;
	while (at < d->size) {
		ssize_t n = TEMP_FAILURE_RETRY(read(fd, d->text + at, d->size - at));
		if (n < 0)
			return err_errno(e, "cannot read %s", path);
		if (n == 0)
			break;
		at += (size_t)n;
	}
	d->text[at] = 0;
	if (at != d->size || memchr(d->text, 0, at) || at == 0 || d->text[at - 1] != '\n')
		return err_set(e, EBADMSG,
			       "%s is empty, binary or lacks a final newline: "
			       "repair it or move it away",
			       path);
	if (strncmp(d->text, DROPIN_OWN, strlen(DROPIN_OWN)) != 0)
		return err_set(e, EEXIST,
			       "%s does not begin with \"" DROPIN_OWN
			       "\", and is not changed: restore that line or move the file away",
			       path);
	return 0;
}

static int load(int dir, const struct change_site *site, const struct dropin_place *place,
		struct dropin *d, struct err *e)
{
	char path[4200];
	snprintf(path, sizeof(path), "%s%s/%s", site->root, place->directory, place->file);
	*d = (struct dropin){.mode = 0644, .uid = geteuid(), .gid = getegid()};
	CLEAN(close_fd)
	int fd = openat(dir, place->file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		d->text = strdup("");
		return d->text ? 0 : err_errno(e, "cannot read %s", path);
	}
	if (fd < 0 && errno == ELOOP)
		return err_set(e, EPERM, "%s is a symbolic link: move it away", path);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, "cannot read %s", path);
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_size > DROPIN_MAX)
		return err_set(e, EPERM,
			       "%s is not a regular file with a single link: move it away", path);
	*d = (struct dropin){.text = malloc((size_t)st.st_size + 1),
			     .size = (size_t)st.st_size,
			     .exists = true,
			     .mode = st.st_mode & 07777,
			     .uid = st.st_uid,
			     .gid = st.st_gid};
	return d->text ? read_text(fd, path, d, e) : err_errno(e, "cannot read %s", path);
}

/* The range of the last line that sets place->of with our comment above it, without its newline;
 * empty and at the end of the text if there is none. */
static void locate(const char *text, const struct dropin_place *place, size_t *from, size_t *to)
{
	*from = *to = strlen(text);
	size_t comment = SIZE_MAX;
	for (size_t at = 0; text[at];) {
		size_t length = strcspn(text + at, "\n");
		if (strncmp(text + at, DROPIN_MARK, strlen(DROPIN_MARK)) == 0) {
			comment = at;
		} else {
			if (place->sets(text + at, length, place->of)) {
				*from = comment == SIZE_MAX ? at : comment;
				*to = at + length;
			}
			comment = SIZE_MAX;
		}
		at += length + (text[at + length] == '\n');
	}
}

int place_read(const struct change_site *site, const struct dropin_place *place,
	       char value[CHANGE_VALUE], struct err *e)
{
	CLEAN(close_fd) int dir = open_directory(site, place, e);
	if (dir < 0)
		return dir;
	CLEAN(dropin_free) struct dropin d;
	int rc = load(dir, site, place, &d, e);
	if (rc < 0)
		return rc;
	size_t from, to;
	locate(d.text, place, &from, &to);
	if (to - from >= CHANGE_VALUE)
		return err_set(e, EFBIG, "%s%s/%s: the line for %s is too long: shorten it",
			       site->root, place->directory, place->file, place->of);
	memcpy(value, d.text + from, to - from);
	value[to - from] = 0;
	return 0;
}

int place_check(const struct change_site *site, const struct dropin_place *place, struct err *e)
{
	char now[CHANGE_VALUE], path[4096];
	int rc = place_read(site, place, now, e);
	if (rc == 0 && access(directory(site, place, path), W_OK) < 0)
		return err_errno(e, "cannot write to %s", path);
	return rc;
}

/* The file's text with the lines [from, to) replaced; NULL without memory. */
static char *edited(const struct dropin *d, const struct dropin_place *place, const char *value,
		    size_t from, size_t to)
{
	char *text = NULL;
	const char *rest = d->text + to;
	if (*rest == '\n')
		rest++;
	int n = asprintf(&text, "%s%.*s%s%s%s", d->exists ? "" : place->head, (int)from, d->text,
			 value, *value ? "\n" : "", rest);
	return n < 0 ? NULL : text;
}

/* The temporary file, before it is renamed. */
static const char *fresh(const struct dropin_place *place, char name[80])
{
	snprintf(name, 80, ".%s.new", place->file);
	return name;
}

static int write_new(int fd, const struct dropin *d, const char *text)
{
	size_t length = strlen(text), at = 0;
	while (at < length) {
		ssize_t n = TEMP_FAILURE_RETRY(write(fd, text + at, length - at));
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += (size_t)n;
	}
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_uid != d->uid || st.st_gid != d->gid) && fchown(fd, d->uid, d->gid) < 0)
		return -errno;
	return fchmod(fd, d->mode) < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Whether a line is one of the head; one that ends with "=" there matches any value. */
static bool is_head_line(const char *line, size_t length, const char *head, size_t head_length)
{
	bool open = head_length && head[head_length - 1] == '=';
	return (open ? length >= head_length : length == head_length) &&
	       strncmp(line, head, head_length) == 0;
}

/* Whether only our head is left, in its order: any other line, even a comment, keeps the file. */
static bool only_head(const struct dropin_place *place, const char *text)
{
	const char *head = place->head;
	while (*text) {
		size_t length = strcspn(text, "\n"), of = strcspn(head, "\n");
		if (!*head)
			return false;
		if (is_head_line(text, length, head, of))
			text += length + (text[length] == '\n');
		head += of + (head[of] == '\n');
	}
	return true;
}

/* Removes a temporary file, but not another writer's: -EBUSY. Where the file system has no locks,
 * the journal's must do. */
static int clear(int dir, const char *name)
{
	if (temporary_remove(dir, name) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return -EBUSY;
	return unlinkat(dir, name, 0) == 0 || errno == ENOENT ? 0 : -errno;
}

/* By rename, so that readers see the old file or the new one. */
static int rewrite(int dir, const struct dropin *d, const struct dropin_place *place,
		   const char *name, const char *text)
{
	CLEAN(close_fd) int fd = temporary_open(dir, name, 0600);
	if (fd < 0)
		return -errno;
	int rc = write_new(fd, d, text);
	if (!rc && renameat(dir, name, dir, place->file) < 0)
		rc = -errno;
	if (rc)
		unlinkat(dir, name, 0);
	return rc;
}

/* Removal needs no room: a full file system does not stop a rollback. */
static int replace(int dir, const struct dropin *d, const struct dropin_place *place,
		   const char *text)
{
	char name[80];
	int rc = clear(dir, fresh(place, name));
	if (!rc && !only_head(place, text))
		rc = rewrite(dir, d, place, name, text);
	else if (!rc && unlinkat(dir, place->file, 0) < 0 && errno != ENOENT)
		rc = -errno;
	return rc ? rc : fsync(dir) < 0 ? -errno : 0;
}

int place_write(const struct change_site *site, const struct dropin_place *place, const char *value,
		struct err *e)
{
	CLEAN(close_fd) int dir = open_directory(site, place, e);
	if (dir < 0)
		return dir;
	CLEAN(dropin_free) struct dropin d;
	int rc = load(dir, site, place, &d, e);
	if (rc < 0)
		return rc;
	size_t from, to;
	locate(d.text, place, &from, &to);
	if (!d.exists && !*value)
		return 0;
	CLEAN(free_pointer) char *text = edited(&d, place, value, from, to);
	rc = text ? replace(dir, &d, place, text) : -ENOMEM;
	if (rc)
		return err_set(e, -rc, "cannot write %s%s/%s: %s", site->root, place->directory,
			       place->file, strerror(-rc));
	return 0;
}

static bool is_fresh(const char *name)
{
	static const char head[] = "." DROPIN_PREFIX, tail[] = ".new";
	size_t n = strlen(name), ends = strlen(tail);
	return n > strlen(head) + ends && !strncmp(name, head, strlen(head)) &&
	       !strcmp(name + n - ends, tail);
}

int dropin_tidy(const struct change_site *site, const char *of, struct err *e)
{
	char path[512];
	int rc = 0;
	bool removed = false;
	snprintf(path, sizeof(path), "%.400s%s", site->root, of);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	while (list && rc == 0 && (entry = readdir(list))) {
		if (!is_fresh(entry->d_name))
			continue;
		int cleared = clear(dirfd(list), entry->d_name);
		removed |= !cleared;
		if (cleared && cleared != -EBUSY)
			rc = err_set(e, -cleared, "cannot remove %s/%s: %s", path, entry->d_name,
				     strerror(-cleared));
	}
	/* Or it is there again after a power cut, when no run is left that would remove it. */
	if (removed && rc == 0 && fsync(dirfd(list)) < 0)
		rc = err_errno(e, "cannot remove a temporary file from %s", path);
	if (list)
		closedir(list);
	return rc;
}
