/* The files of a captured machine in memory. */
#include "host/capture.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/array.h"
#include "epolltune/cleanup.h"
#include "host/machine.h"

#define LINKS_MAX 40

const struct capture_file capture_directory = {.path = "", .kind = CAPTURE_DIRECTORY};

int capture_make(struct capture **out, struct err *e)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : err_set(e, ENOMEM, "capture: out of memory");
}

void capture_free(struct capture **c)
{
	if (!*c)
		return;
	for (size_t i = 0; i < (*c)->count; i++) {
		free((*c)->at[i].path);
		free((*c)->at[i].data);
	}
	free((*c)->at);
	free(*c);
	*c = NULL;
}

/* The index of a path, or of the first one behind it. */
static size_t position(const struct capture *c, const char *path, bool *found)
{
	size_t low = 0, high = c->count;
	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(c->at[middle].path, path);
		if (!order) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int file_copy(struct capture_file *out, const char *path, const struct capture_file *from,
		     struct err *e)
{
	*out = *from;
	out->path = strdup(path);
	out->data = malloc(from->size + 1);
	if (!out->path || !out->data) {
		free(out->path);
		free(out->data);
		return err_set(e, ENOMEM, "capture: out of memory");
	}
	if (from->size)
		memcpy(out->data, from->data, from->size);
	out->data[from->size] = 0;
	return 0;
}

int capture_put(struct capture *c, const char *path, const struct capture_file *file, struct err *e)
{
	struct capture_file copy;
	bool found;
	if (!machine_path_allowed(path))
		return err_set(e, EINVAL, "\"%.100s\" is no path in a capture", path);
	size_t at = position(c, path, &found);
	size_t freed = found ? c->at[at].size : 0;
	if (c->count == CAPTURE_FILES && !found)
		return err_set(e, E2BIG, "more than %d files", CAPTURE_FILES);
	if (file->size > CAPTURE_BYTES - (c->bytes - freed))
		return err_set(e, E2BIG, "more than %zu MiB", CAPTURE_BYTES >> 20);
	int rc = file_copy(&copy, path, file, e);
	if (rc)
		return rc;
	if (found) {
		free(c->at[at].path);
		free(c->at[at].data);
	} else if (!array_add(&c->at, &c->count, sizeof(*c->at))) {
		free(copy.path);
		free(copy.data);
		return err_set(e, ENOMEM, "capture: out of memory");
	} else {
		memmove(&c->at[at + 1], &c->at[at], (c->count - 1 - at) * sizeof(*c->at));
	}
	c->at[at] = copy;
	c->bytes += copy.size - freed;
	return 0;
}

static bool is_below(const char *path, const char *directory, size_t length)
{
	return !length || (strncmp(path, directory, length) == 0 && path[length] == '/');
}

/* What has exactly that path, without following links; NULL: nothing. */
static const struct capture_file *exact(const struct capture *c, const char *path)
{
	bool found;
	size_t length = strlen(path), at = position(c, path, &found);
	if (found)
		return &c->at[at];
	/* "a-b" is between "a" and "a/b". */
	char inside[PATH_MAX];
	if (!length)
		return &capture_directory;
	snprintf(inside, sizeof(inside), "%s/", path);
	at = position(c, inside, &found);
	return at < c->count && is_below(c->at[at].path, path, length) ? &capture_directory : NULL;
}

/* Appends a link's target to the directory `out`, without what "." and ".." say; ".." of the root
 * is the root. */
static bool path_join(char out[PATH_MAX], const char *target)
{
	if (*target == '/')
		out[0] = 0;
	for (size_t n; *target; target += n) {
		target += strspn(target, "/");
		n = strcspn(target, "/");
		char *slash = strrchr(out, '/');
		size_t used = strlen(out);
		if (!n || (n == 1 && *target == '.'))
			continue;
		if (n == 2 && !strncmp(target, "..", 2))
			*(slash ? slash : out) = 0;
		else if (used + n + 2 > PATH_MAX)
			return false;
		else
			snprintf(out + used, PATH_MAX - used, "%s%.*s", used ? "/" : "", (int)n,
				 target);
	}
	return true;
}

const struct capture_file *capture_resolve(const struct capture *c, const char *path,
					   char out[static PATH_MAX])
{
	char rest[PATH_MAX], next[PATH_MAX];
	const struct capture_file *file = &capture_directory;
	out[0] = 0;
	snprintf(rest, sizeof(rest), "%s", path);
	for (unsigned links = 0; rest[0];) {
		char above[PATH_MAX];
		size_t n = strcspn(rest, "/");
		snprintf(above, sizeof(above), "%s", out);
		char after = rest[n];
		rest[n] = 0;
		if (!path_join(out, rest))
			return errno = ENAMETOOLONG, NULL;
		memmove(rest, rest + n + (after == '/'), strlen(rest + n + (after == '/')) + 1);
		const struct capture_file *in = file;
		file = exact(c, out);
		if (!file)
			return errno = in->error ? in->error : ENOENT, NULL;
		if (file->kind == CAPTURE_FILE && rest[0])
			return errno = ENOTDIR, NULL;
		if (file->kind != CAPTURE_LINK)
			continue;
		int length = snprintf(next, sizeof(next), "%s%s%s", file->data, rest[0] ? "/" : "",
				      rest);
		if (++links > LINKS_MAX)
			return errno = ELOOP, NULL;
		if (length >= PATH_MAX)
			return errno = ENAMETOOLONG, NULL;
		snprintf(out, PATH_MAX, "%s", next[0] == '/' ? "" : above);
		snprintf(rest, sizeof(rest), "%s", next + strspn(next, "/"));
	}
	return file;
}

const struct capture_file *capture_find(const struct capture *c, const char *path)
{
	char at[PATH_MAX];
	return capture_resolve(c, path, at);
}

/* The path of a directory behind its links, and the index of the first file that may be in it. */
static int directory_find(const struct capture *c, const char *directory, char at[PATH_MAX],
			  size_t *first)
{
	char inside[PATH_MAX + 1];
	bool found;
	const struct capture_file *start = capture_resolve(c, directory, at);
	*first = c->count;
	if (!start)
		return -errno;
	if (start->kind != CAPTURE_DIRECTORY)
		return -ENOTDIR;
	snprintf(inside, sizeof(inside), "%s/", at);
	*first = position(c, inside, &found);
	return -start->error;
}

int capture_names(const struct capture *c, const char *directory,
		  int (*each)(const char *path, void *arg), void *arg)
{
	char at[PATH_MAX], last[PATH_MAX] = "";
	size_t i;
	int rc = directory_find(c, directory, at, &i);
	size_t length = strlen(at);
	for (; rc == 0 && i < c->count && is_below(c->at[i].path, at, length); i++) {
		char path[PATH_MAX];
		const char *name = c->at[i].path + length + (length > 0);
		if (snprintf(path, sizeof(path), "%s/%.*s", directory, (int)strcspn(name, "/"),
			     name) >= PATH_MAX ||
		    !strcmp(path, last))
			continue;
		memcpy(last, path, sizeof(last));
		rc = each(path, arg);
	}
	return rc;
}

int capture_walk(const struct capture *c, const char *directory, unsigned depth,
		 int (*each)(const char *path, void *arg), void *arg)
{
	char at[PATH_MAX];
	size_t i;
	int start = directory_find(c, directory, at, &i);
	if (start < 0)
		return start;
	size_t length = strlen(at);
	for (; i < c->count && is_below(c->at[i].path, at, length); i++) {
		char path[PATH_MAX];
		const char *name = c->at[i].path + length + (length > 0);
		unsigned levels = 1;
		for (const char *s = name; (s = strchr(s, '/')); s++)
			levels++;
		const struct capture_file *to =
			c->at[i].kind == CAPTURE_LINK ? capture_find(c, c->at[i].path) : &c->at[i];
		if (levels > depth || !to || to->kind != CAPTURE_FILE ||
		    snprintf(path, sizeof(path), "%s/%s", directory, name) >= PATH_MAX)
			continue;
		int rc = each(path, arg);
		if (rc)
			return rc;
	}
	return 0;
}

int capture_join(struct capture *last, const struct capture *first, struct err *e)
{
	for (size_t i = 0; i < first->count; i++) {
		const struct capture_file *was = &first->at[i], *now = exact(last, was->path);
		char path[PATH_MAX];
		if (now && now->kind == was->kind && now->size == was->size &&
		    now->error == was->error &&
		    (!was->size || !memcmp(now->data, was->data, was->size)))
			continue;
		snprintf(path, sizeof(path), CAPTURE_EARLIER "%s", was->path);
		int rc = capture_put(last, path, was, e);
		if (rc)
			return rc;
	}
	return 0;
}
