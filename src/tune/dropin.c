#include "tune/dropin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/knob.h"
#include "tune/sysctl_d.h"

#define DROPIN_MAX ((off_t)1 << 20)
#define DROPIN_NEW ".90-epolltune.conf.new"
#define DROPIN_MARK "# run "

const char dropin_head[] =
	"# Written by epolltune apply --persist. The comment above each line tells its run;\n"
	"# `epolltune rollback RUN` takes the lines of that run out again.\n";

/* What tells our file from others. */
static const char own[] = "# Written by epolltune";

int dropin_value(char value[CHANGE_VALUE], const char *name, const char *set_to, const char *who,
		 time_t when, unsigned run, const char *why, struct err *e)
{
	char date[32];
	struct tm utc;
	strftime(date, sizeof(date), "%FT%TZ", gmtime_r(&when, &utc));
	int n = snprintf(value, CHANGE_VALUE, DROPIN_MARK "%u, %s, %s: %s", run, date, who, why);
	if (n < 0 || n >= CHANGE_VALUE)
		return err_set(e, EFBIG, "the line for %s is too long", name);
	/* One line of comment, whatever stands in it. */
	for (char *c = value; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	size_t room = CHANGE_VALUE - (size_t)n;
	if ((size_t)snprintf(value + n, room, "\n%s = %s", name, set_to) >= room)
		return err_set(e, EFBIG, "the line for %s is too long", name);
	return 0;
}

void dropin_setting(const char *value, char setting[CHANGE_VALUE])
{
	setting[0] = 0;
	const char *line = strrchr(value, '\n');
	line = line ? line + 1 : value;
	const char *equals = strchr(line, '=');
	if (!equals)
		return;
	equals += 1 + strspn(equals + 1, " \t");
	snprintf(setting, CHANGE_VALUE, "%s", equals);
}

static const char *directory(const struct change_site *site, char path[4096])
{
	snprintf(path, 4096, "%s" DROPIN_DIRECTORY, site->root);
	return path;
}

static int open_directory(const struct change_site *site, struct err *e)
{
	char path[4096];
	int fd = open(directory(site, path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return err_set(e, EPERM, "%s is no directory (or a symbolic link): refused", path);
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
		ssize_t n = read(fd, d->text + at, d->size - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "cannot read %s", path);
		if (n == 0)
			break;
		at += (size_t)n;
	}
	d->text[at] = 0;
	if (at != d->size || memchr(d->text, 0, at) || at == 0 || d->text[at - 1] != '\n')
		return err_set(e, EBADMSG, "%s is not whole lines of text: left as it is", path);
	if (strncmp(d->text, own, strlen(own)) != 0)
		return err_set(e, EEXIST, "%s was not written by epolltune: left as it is", path);
	return 0;
}

static int load(int dir, const struct change_site *site, struct dropin *d, struct err *e)
{
	char path[4200];
	snprintf(path, sizeof(path), "%s" DROPIN_DIRECTORY "/" DROPIN_FILE, site->root);
	*d = (struct dropin){.mode = 0644, .uid = geteuid(), .gid = getegid()};
	CLEAN(close_fd)
	int fd = openat(dir, DROPIN_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		d->text = strdup("");
		return d->text ? 0 : err_errno(e, "cannot read %s", path);
	}
	if (fd < 0 && errno == ELOOP)
		return err_set(e, EPERM, "%s is a symbolic link: refused", path);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, "cannot read %s", path);
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_size > DROPIN_MAX)
		return err_set(e, EPERM, "%s is not a plain file of its own: refused", path);
	*d = (struct dropin){.text = malloc((size_t)st.st_size + 1),
			     .size = (size_t)st.st_size,
			     .exists = true,
			     .mode = st.st_mode & 07777,
			     .uid = st.st_uid,
			     .gid = st.st_gid};
	return d->text ? read_text(fd, path, d, e) : err_errno(e, "cannot read %s", path);
}

/* Where the last setting of `name` stands, its comment of ours included, without the newline. Both
 * at the text's end when there is none. */
static void locate(const char *text, const char *name, size_t *from, size_t *to)
{
	*from = *to = strlen(text);
	size_t comment = SIZE_MAX;
	for (size_t at = 0; text[at];) {
		size_t length = strcspn(text + at, "\n");
		struct sysctl_line line;
		if (strncmp(text + at, DROPIN_MARK, strlen(DROPIN_MARK)) == 0) {
			comment = at;
		} else {
			if (sysctl_d_line(text + at, length, &line) && !line.pattern &&
			    strcmp(line.name, name) == 0) {
				*from = comment == SIZE_MAX ? at : comment;
				*to = at + length;
			}
			comment = SIZE_MAX;
		}
		at += length + (text[at + length] == '\n');
	}
}

int dropin_read(const struct change_site *site, const char *name, char value[CHANGE_VALUE],
		struct err *e)
{
	CLEAN(close_fd) int dir = open_directory(site, e);
	if (dir < 0)
		return dir;
	CLEAN(dropin_free) struct dropin d;
	int r = load(dir, site, &d, e);
	if (r < 0)
		return r;
	size_t from, to;
	locate(d.text, name, &from, &to);
	if (to - from >= CHANGE_VALUE)
		return err_set(e, EFBIG,
			       "%s" DROPIN_DIRECTORY "/" DROPIN_FILE
			       ": the line for %s is too long",
			       site->root, name);
	memcpy(value, d.text + from, to - from);
	value[to - from] = 0;
	return 0;
}

int dropin_check(const struct change_site *site, const char *name, const char *value,
		 char normal[CHANGE_VALUE], struct err *e)
{
	char now[CHANGE_VALUE];
	int r = dropin_read(site, name, now, e);
	if (r < 0)
		return r;
	char path[4096];
	if (access(directory(site, path), W_OK) < 0)
		return err_errno(e, "cannot write to %s", path);
	if (normal != value)
		snprintf(normal, CHANGE_VALUE, "%s", value);
	return 0;
}

/* The file's text with the lines [from, to) replaced; NULL without memory. */
static char *edited(const struct dropin *d, const char *value, size_t from, size_t to)
{
	char *text = NULL;
	const char *rest = d->text + to;
	if (*rest == '\n')
		rest++;
	int n = asprintf(&text, "%s%.*s%s%s%s", d->exists ? "" : dropin_head, (int)from, d->text,
			 value, *value ? "\n" : "", rest);
	return n < 0 ? NULL : text;
}

static int write_new(int dir, const struct dropin *d, const char *text)
{
	CLEAN(close_fd)
	int fd =
		openat(dir, DROPIN_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	size_t length = strlen(text), at = 0;
	while (at < length) {
		ssize_t n = write(fd, text + at, length - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		at += (size_t)n;
	}
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -1;
	if ((st.st_uid != d->uid || st.st_gid != d->gid) && fchown(fd, d->uid, d->gid) < 0)
		return -1;
	return fchmod(fd, d->mode) < 0 || fsync(fd) < 0 ? -1 : 0;
}

/* By rename, so that whoever reads sees the old file or the new one. */
static int replace(int dir, const struct dropin *d, const char *text)
{
	if (unlinkat(dir, DROPIN_NEW, 0) < 0 && errno != ENOENT)
		return -1;
	if (strcmp(text, dropin_head) == 0) {
		if (unlinkat(dir, DROPIN_FILE, 0) < 0 && errno != ENOENT)
			return -1;
	} else if (write_new(dir, d, text) < 0 || renameat(dir, DROPIN_NEW, dir, DROPIN_FILE) < 0) {
		int code = errno;
		unlinkat(dir, DROPIN_NEW, 0);
		errno = code;
		return -1;
	}
	return fsync(dir);
}

int dropin_write(const struct change_site *site, const char *name, const char *value, struct err *e)
{
	CLEAN(close_fd) int dir = open_directory(site, e);
	if (dir < 0)
		return dir;
	CLEAN(dropin_free) struct dropin d;
	int r = load(dir, site, &d, e);
	if (r < 0)
		return r;
	size_t from, to;
	locate(d.text, name, &from, &to);
	if (!d.exists && !*value)
		return 0;
	CLEAN(free_pointer) char *text = edited(&d, value, from, to);
	if (!text || replace(dir, &d, text) < 0)
		return err_errno(e, "cannot write %s" DROPIN_DIRECTORY "/" DROPIN_FILE, site->root);
	return 0;
}

int dropin_tidy(const struct change_site *site, struct err *e)
{
	CLEAN(close_fd) int dir = open_directory(site, e);
	if (dir < 0)
		return dir;
	/* Looked for first: on a read-only file system even what is not there cannot be removed. */
	struct stat st;
	if (fstatat(dir, DROPIN_NEW, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	if (unlinkat(dir, DROPIN_NEW, 0) < 0)
		return err_errno(e, "cannot remove %s" DROPIN_DIRECTORY "/" DROPIN_NEW, site->root);
	return 0;
}
