/* Walks directories below the root of a host. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "host/capture.h"
#include "host/files.h"
#include "host/machine.h"

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

struct walk {
	const struct host *host;
	int (*each)(const char *path, void *arg);
	void *arg;
	bool all;          /* entries of any type, of one directory */
	struct err denied; /* the first directory below that this user cannot read */
};

static int walk(struct walk *w, int fd, const char *dir, unsigned depth, struct err *e);

/* Whether a link leads to a file, or masks one. */
static bool is_text_link(const struct host *h, const char *path)
{
	struct stat st;
	CLEAN(close_fd) int fd = files_open_below(h, path, O_PATH);
	if (fd >= 0 && fstat(fd, &st) == 0 &&
	    (S_ISREG(st.st_mode) || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))))
		return true;
	return files_is_mask(h, path);
}

static int walk_below(struct walk *w, const char *path, unsigned depth, struct err *e)
{
	struct err why = {0};
	CLEAN(close_fd) int fd = machine_open(w->host, path, O_RDONLY | O_DIRECTORY, "read", &why);
	if (fd == -ENOENT)
		return 0; /* removed meanwhile */
	if (fd == -EACCES) {
		if (!w->denied.code)
			w->denied = why;
		return 0;
	}
	return fd < 0 ? err_copy(e, &why) : walk(w, fd, path, depth, e);
}

static int walk_entry(struct walk *w, const char *path, const struct dirent *entry, unsigned depth,
		      struct err *e)
{
	unsigned char type = entry->d_type;
	if (w->all)
		return w->each(path, w->arg);
	if (type == DT_UNKNOWN) {
		CLEAN(close_fd) int fd = files_open_below(w->host, path, O_PATH | O_NOFOLLOW);
		struct stat st;
		if (fd < 0 || fstat(fd, &st) < 0)
			return 0;
		type = (unsigned char)IFTODT(st.st_mode);
	}
	if (type == DT_REG || (type == DT_LNK && is_text_link(w->host, path)))
		return w->each(path, w->arg);
	return type == DT_DIR && depth > 1 ? walk_below(w, path, depth - 1, e) : 0;
}

static int walk(struct walk *w, int fd, const char *dir, unsigned depth, struct err *e)
{
	struct dirent **entries = NULL;
	int count = scandirat(fd, ".", &entries, NULL, by_name);
	if (count < 0)
		return err_errno(e, "cannot read %s/%s", w->host->root, dir);
	int r = 0;
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		char path[PATH_MAX];
		int n = snprintf(path, sizeof(path), "%s/%s", dir, name);
		bool fits = n > 0 && (size_t)n < sizeof(path);
		if (r == 0 && fits && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			r = walk_entry(w, path, entries[i], depth, e);
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* `r`: of a captured directory. */
static int captured_end(const struct host *h, const char *dir, int r, struct err *e)
{
	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -EACCES)
		return err_set(e, -r, "cannot read %s/%s: %s", h->root, dir, strerror(-r));
	return r;
}

int host_walk(const struct host *h, const char *dir, unsigned depth,
	      int (*each)(const char *path, void *arg), void *arg, struct err *e)
{
	int r = 0;
	if (h->filling)
		filling_list(h, dir);
	if (h->files)
		return captured_end(h, dir, capture_walk(h->files, dir, depth, each, arg), e);
	if (!depth)
		return 0;
	struct walk w = {.host = h, .each = each, .arg = arg};
	CLEAN(close_fd) int fd = machine_open(h, dir, O_RDONLY | O_DIRECTORY, "read", e);
	r = fd < 0 ? fd : walk(&w, fd, dir, depth, e);
	return r || !w.denied.code ? r : err_copy(e, &w.denied);
}

int host_names(const struct host *h, const char *dir, int (*each)(const char *path, void *arg),
	       void *arg, struct err *e)
{
	if (h->filling)
		filling_names(h, dir);
	if (h->files)
		return captured_end(h, dir, capture_names(h->files, dir, each, arg), e);
	struct walk w = {.host = h, .each = each, .arg = arg, .all = true};
	CLEAN(close_fd) int fd = machine_open(h, dir, O_RDONLY | O_DIRECTORY, "read", e);
	return fd < 0 ? fd : walk(&w, fd, dir, 1, e);
}
