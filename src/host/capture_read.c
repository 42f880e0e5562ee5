/* Reads a captured machine from an archive, a directory tree, or the text of `sysctl -a`.
 *
 * Nothing is unpacked: what the host layer reads is kept in memory, all else is skipped. */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/sysctl_d.h"
#include "epolltune/sysctls.h"
#include "host/capture.h"
#include "host/listener_file.h"
#include "host/machine.h"
#include "host/subject_file.h"

/* What openshift's gather-sysinfo wrote about a node. */
#define NESTED "sysinfo.tgz"
#define TREE_DEPTH 32
#define TREE_ENTRIES 2000000
/* Of archives: support archives compress to a tenth or a twentieth. */
#define BOMB_FROM (INT64_C(256) << 20)
#define BOMB_RATIO 200
#define BOMB_MAX (INT64_C(64) << 30)
#define MACHINES 8

static const char earlier_files[] = CAPTURE_EARLIER "*";

/* What the host layer reads of a machine; "*" stands for "/" too. */
static const char *const wanted[] = {
	"proc/*",
	"sys/class/net/*",
	"sys/devices/*/net/*",
	"sys/devices/*/msi_irqs/*",
	"sys/devices/system/cpu/online",
	"sys/bus/pci/devices/*",
	"sys/fs/cgroup/*",
	"sys/kernel/slab/*/slab_size",
	"etc/sysctl.conf",
	"etc/sysctl.d/*",
	"etc/security/limits.conf",
	"etc/security/limits.d/*",
	"run/sysctl.d/*",
	"usr/local/lib/sysctl.d/*",
	"usr/lib/sysctl.d/*",
	"lib/sysctl.d/*",
	"run/systemd/system",
	/* Of lint alone. */
	"etc/systemd/*",
	"run/systemd/system/*",
	"run/systemd/system.conf",
	"run/systemd/system.conf.d/*",
	"usr/local/lib/systemd/system.conf",
	"usr/local/lib/systemd/system.conf.d/*",
	"usr/lib/systemd/system.conf",
	"usr/lib/systemd/system.conf.d/*",
	"lib/systemd/system.conf",
	"lib/systemd/system.conf.d/*",
	"usr/local/lib/systemd/system/*",
	"usr/lib/systemd/system/*",
	"lib/systemd/system/*",
	"usr/lib/systemd/systemd-sysctl",
	"lib/systemd/systemd-sysctl",
	"etc/modules",
	"etc/modules-load.d/*",
	"run/modules-load.d/*",
	"usr/local/lib/modules-load.d/*",
	"usr/lib/modules-load.d/*",
	"etc/modprobe.d/*",
	"run/modprobe.d/*",
	"usr/local/lib/modprobe.d/*",
	"usr/lib/modprobe.d/*",
	"lib/modprobe.d/*",
	"etc/udev/rules.d/*",
	"run/udev/rules.d/*",
	"usr/local/lib/udev/rules.d/*",
	"usr/lib/udev/rules.d/*",
	"lib/udev/rules.d/*",
	"etc/ufw/sysctl.conf",
	"etc/ufw/ufw.conf",
	"etc/default/ufw",
	"run/tuned*",
	"etc/tuned/tuned-main.conf",
	"run/NetworkManager*",
	"run/systemd/netif/links*",
	"var/lib/kube-proxy*",
	"netlink/*",
	HOST_IDENTITY_FILE,
	SUBJECT_FILE,
	LISTENER_FILE,
	CAPTURE_LEFT_OUT,
	earlier_files,
	SOS_SYSCTL,
	NESTED,
};

/* Of single processes only what the one behind the link proc/self has. */
static const char *const wanted_of_processes[] = {"limits", "cgroup", "mountinfo", "net", "net/*"};

/* What only a machine has. */
static const char *const marks[] = {"proc/sys", "proc/meminfo", "proc/net/netstat", SOS_SYSCTL};

static bool matches(const char *const *patterns, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (!fnmatch(patterns[i], path, 0))
			return true;
	return false;
}

static bool is_wanted(const char *path)
{
	unsigned pid;
	int length = 0;
	if (sscanf(path, "proc/%u/%n", &pid, &length) == 1 && length)
		return matches(wanted_of_processes,
			       sizeof(wanted_of_processes) / sizeof(*wanted_of_processes),
			       path + length);
	return matches(wanted, sizeof(wanted) / sizeof(*wanted), path) || server_tree_has(path);
}

/* The part of a path that is below the root of a machine; NULL: it is not wanted. All of a capture
 * is wanted: another version may have written it. */
static const char *below_root(const char *path)
{
	const char *capture = strncmp(path, CAPTURE_NAME, strlen(CAPTURE_NAME))
				      ? strstr(path, "/" CAPTURE_NAME)
				      : path - 1;
	const char *inside = capture ? strchr(capture + 1, '/') : NULL;
	if (inside)
		return inside[1] ? inside + 1 : NULL;
	for (const char *at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (is_wanted(at))
			return at;
	}
	return NULL;
}

struct reader {
	struct capture *all; /* of all machines, by their paths in the archive */
	const char *name;    /* of the archive, for errors */
	size_t entries;
	bool nested;          /* in an archive within an archive */
	bool text;            /* it is no archive: its text is of `sysctl -a` */
	char under[PATH_MAX]; /* where the nested one is, "nodes/a/" */
};

static int reader_put(struct reader *r, const char *path, const struct capture_file *f,
		      struct err *e)
{
	/* It masks a file of the same name, and reads as empty. */
	static char nothing[1];
	const struct capture_file masked = {.data = nothing};
	bool masks = f->kind == CAPTURE_LINK && !strcmp(f->data, "/dev/null");
	int rc = capture_put(r->all, path, masks ? &masked : f, e);
	return rc == -EINVAL ? 0 : rc < 0 ? err_prefix(e, "%s", r->name) : 0;
}

/* Archives write "./proc" as well. */
static const char *path_plain(const char *path)
{
	while (*path == '/' || (path[0] == '.' && path[1] == '/'))
		path++;
	return path;
}

/* --- archives --- */

static void reading_free(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

static int damaged(const struct reader *r, struct archive *a, struct err *e)
{
	const char *why = archive_error_string(a);
	return err_set(e, EBADMSG, "%s: cannot be read as an archive: %s", r->name,
		       why ? why : "damaged");
}

static int bomb_check(const struct reader *r, struct archive *a, struct err *e)
{
	la_int64_t whole = archive_filter_bytes(a, 0), packed = archive_filter_bytes(a, -1);
	if (whole > BOMB_MAX || (whole > BOMB_FROM && whole / BOMB_RATIO > packed))
		return err_set(e, EFBIG,
			       "%s: expands to more than any support archive; unpack it yourself, "
			       "and give the directory",
			       r->name);
	return 0;
}

struct content {
	char *data;
	size_t size, room;
	bool large; /* more than is ever read */
};

static bool content_add(struct content *c, const void *data, size_t size, la_int64_t offset)
{
	if (c->large || offset < 0 || (uint64_t)offset > HOST_FILE_MAX ||
	    size > HOST_FILE_MAX - (size_t)offset) {
		c->large = true;
		return true;
	}
	size_t end = (size_t)offset + size;
	if (end > c->room) {
		size_t room = end < 4096 ? 4096 : 2 * end;
		char *more = realloc(c->data, room);
		if (!more)
			return false;
		c->data = more;
		c->room = room;
	}
	if ((size_t)offset > c->size)
		memset(c->data + c->size, 0, (size_t)offset - c->size);
	memcpy(c->data + offset, data, size);
	if (end > c->size)
		c->size = end;
	return true;
}

/* Reads the data of an entry, and drops it where `c` is NULL. */
static int entry_data(const struct reader *r, struct archive *a, struct content *c, struct err *e)
{
	for (;;) {
		const void *data = NULL;
		size_t size = 0;
		la_int64_t offset = 0;
		int status = archive_read_data_block(a, &data, &size, &offset);
		if (status == ARCHIVE_EOF)
			return 0;
		if (status < ARCHIVE_WARN)
			return damaged(r, a, e);
		int rc = bomb_check(r, a, e);
		if (rc)
			return rc;
		if (c && !content_add(c, data, size, offset))
			return err_set(e, ENOMEM, "%s: out of memory", r->name);
	}
}

static int archive_take(struct reader *r, struct archive *a, struct err *e);

static int nested_take(struct reader *r, const char *path, const struct content *c, struct err *e)
{
	CLEAN(reading_free) struct archive *a = archive_read_new();
	struct reader inner = {.all = r->all, .name = path, .nested = true};
	snprintf(inner.under, sizeof(inner.under), "%.*s", (int)(strlen(path) - strlen(NESTED)),
		 path);
	if (!a)
		return err_set(e, ENOMEM, "%s: out of memory", r->name);
	archive_read_support_filter_gzip(a);
	archive_read_support_format_tar(a);
	if (archive_read_open_memory(a, c->data, c->size) != ARCHIVE_OK)
		return damaged(&inner, a, e);
	return archive_take(&inner, a, e);
}

/* A file that could not be read. */
static int unread_put(struct reader *r, const char *path, int error, struct err *e)
{
	const struct capture_file f = {.error = error};
	return reader_put(r, path, &f, e);
}

static int content_put(struct reader *r, const char *path, const struct content *c, struct err *e)
{
	const struct capture_file f = {.data = c->data, .size = c->size};
	if (c->large)
		return unread_put(r, path, EFBIG, e);
	return c->size && !r->nested && !strcmp(basename(path), NESTED)
		       ? nested_take(r, path, c, e)
		       : reader_put(r, path, &f, e);
}

static int file_take(struct reader *r, struct archive *a, const char *path, struct err *e)
{
	struct content content = {0};
	int rc = entry_data(r, a, &content, e);
	if (!rc)
		rc = content_put(r, path, &content, e);
	free(content.data);
	return rc;
}

/* A hard link's target is a path of the archive. */
static int hard_link_take(struct reader *r, const char *path, const char *target, struct err *e)
{
	char full[PATH_MAX];
	if (snprintf(full, sizeof(full), "%s%s", r->under, path_plain(target)) >= PATH_MAX)
		return 0;
	const struct capture_file *to = capture_find(r->all, full);
	if (!to || to->kind != CAPTURE_FILE)
		return 0;
	const struct capture_file copy = *to;
	return reader_put(r, path, &copy, e);
}

static int entry_take(struct reader *r, struct archive *a, struct archive_entry *entry,
		      struct err *e)
{
	const char *name = archive_entry_pathname(entry);
	char path[PATH_MAX] = "";
	int length = name ? snprintf(path, sizeof(path), "%s%s", r->under, path_plain(name)) : 0;
	mode_t type = archive_entry_filetype(entry);
	const char *hard = archive_entry_hardlink(entry), *soft = archive_entry_symlink(entry);
	if (length <= 0 || length >= PATH_MAX || !below_root(path))
		return entry_data(r, a, NULL, e);
	if (hard)
		return hard_link_take(r, path, hard, e);
	if (type == AE_IFREG)
		return file_take(r, a, path, e);
	struct capture_file f = {.kind = CAPTURE_LINK, .data = (char *)soft};
	while (length && path[length - 1] == '/')
		path[--length] = 0;
	if (type == AE_IFLNK && soft)
		f.size = strlen(soft);
	else if (type == AE_IFDIR)
		f = capture_directory;
	else
		return entry_data(r, a, NULL, e);
	return reader_put(r, path, &f, e);
}

static int archive_take(struct reader *r, struct archive *a, struct err *e)
{
	for (;;) {
		struct archive_entry *entry;
		int status = archive_read_next_header(a, &entry);
		if (status == ARCHIVE_EOF)
			return 0;
		if (status < ARCHIVE_WARN)
			return damaged(r, a, e);
		int rc = bomb_check(r, a, e);
		if (!rc && archive_format(a) == ARCHIVE_FORMAT_RAW) {
			r->text = true;
			return file_take(r, a, SOS_SYSCTL, e);
		}
		if (!rc)
			rc = entry_take(r, a, entry, e);
		if (rc)
			return rc;
	}
}

/* All that tar packs with, and nothing for which the library starts a program. */
static int archive_read(struct reader *r, int fd, struct err *e)
{
	CLEAN(reading_free) struct archive *a = archive_read_new();
	if (!a)
		return err_set(e, ENOMEM, "%s: out of memory", r->name);
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_compress(a);
	archive_read_support_filter_lzma(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_lzip(a);
	archive_read_support_filter_lz4(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_tar(a);
	archive_read_support_format_raw(a);
	if (archive_read_open_fd(a, fd, 65536) != ARCHIVE_OK)
		return damaged(r, a, e);
	return archive_take(r, a, e);
}

/* --- directory trees --- */

static int tree_take(struct reader *r, int directory, const char *path, dev_t device,
		     unsigned depth, struct err *e);

static int tree_file(struct reader *r, int directory, const char *name, const char *path,
		     const struct stat *st, struct err *e)
{
	if (st->st_size < 0 || (size_t)st->st_size > HOST_FILE_MAX)
		return unread_put(r, path, EFBIG, e);
	CLEAN(close_fd)
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat opened;
	if (fd < 0 && errno != ENOENT && errno != ELOOP) /* removed or replaced meanwhile */
		return unread_put(r, path, errno, e);
	if (fd < 0 || fstat(fd, &opened) || !S_ISREG(opened.st_mode))
		return 0;
	struct content content = {0};
	char part[16384];
	ssize_t n;
	while ((n = read(fd, part, sizeof(part))) > 0)
		if (!content_add(&content, part, (size_t)n, (la_int64_t)content.size)) {
			free(content.data);
			return err_set(e, ENOMEM, "%s: out of memory", r->name);
		} else if (content.large)
			break;
	int rc = n < 0 ? unread_put(r, path, errno, e) : content_put(r, path, &content, e);
	free(content.data);
	return rc;
}

static int tree_entry(struct reader *r, int directory, const char *name, const char *path,
		      dev_t device, unsigned depth, struct err *e)
{
	struct stat st;
	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev != device)
		return 0;
	bool taken = below_root(path);
	if (S_ISDIR(st.st_mode)) {
		int rc = taken ? reader_put(r, path, &capture_directory, e) : 0;
		return rc || !depth ? rc : tree_take(r, directory, path, device, depth - 1, e);
	}
	if (S_ISREG(st.st_mode))
		return taken ? tree_file(r, directory, name, path, &st, e) : 0;
	char target[PATH_MAX];
	ssize_t n = S_ISLNK(st.st_mode) && taken
			    ? readlinkat(directory, name, target, sizeof(target) - 1)
			    : -1;
	if (n < 0)
		return 0;
	target[n] = 0;
	const struct capture_file link = {.kind = CAPTURE_LINK, .data = target, .size = (size_t)n};
	return reader_put(r, path, &link, e);
}

/* Takes what is below the entry of an open directory that the last component of `path` names; "":
 * below that directory itself. */
static int tree_take(struct reader *r, int directory, const char *path, dev_t device,
		     unsigned depth, struct err *e)
{
	int fd = openat(directory, *path ? basename(path) : ".",
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN(close_directory) DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	if (!list) {
		const struct capture_file unread = {.kind = CAPTURE_DIRECTORY, .error = errno};
		close_fd(&fd);
		return unread.error == ENOENT || !below_root(path) /* removed meanwhile */
			       ? 0
			       : reader_put(r, path, &unread, e);
	}
	while ((entry = readdir(list))) {
		char inside[PATH_MAX];
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    snprintf(inside, sizeof(inside), "%s%s%s", path, *path ? "/" : "",
			     entry->d_name) >= PATH_MAX)
			continue;
		if (++r->entries > TREE_ENTRIES)
			return err_set(e, E2BIG, "%s: more than %d files", r->name, TREE_ENTRIES);
		int rc = tree_entry(r, dirfd(list), entry->d_name, inside, device, depth, e);
		if (rc)
			return rc;
	}
	return 0;
}

/* --- machines in it --- */

struct machines {
	char at[MACHINES][PATH_MAX]; /* their roots, "" or "nodes/a" */
	size_t count;
	unsigned depth; /* of those: the least */
};

static unsigned depth_of(const char *path)
{
	unsigned depth = *path != 0;
	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

static bool is_machine(const struct capture *all, const char *root)
{
	char path[2 * PATH_MAX];
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		snprintf(path, sizeof(path), "%s%s%s", root, *root ? "/" : "", marks[i]);
		if (strlen(path) < PATH_MAX && capture_find(all, path))
			return true;
	}
	return false;
}

/* Whether a root is what `inner` names: "nodes/a" of "must-gather/nodes/a". */
static bool is_named(const char *root, const char *inner)
{
	size_t n = strlen(root), named = strlen(inner);
	return !named || (n >= named && !strcmp(root + n - named, inner) &&
			  (n == named || root[n - named - 1] == '/'));
}

static void machines_find(const struct capture *all, const char *inner, struct machines *out)
{
	char last[PATH_MAX] = "/"; /* no root */
	for (size_t i = 0; i < all->count; i++) {
		char root[PATH_MAX];
		const char *path = all->at[i].path, *below = below_root(path);
		snprintf(root, sizeof(root), "%.*s", (int)(below > path ? below - path - 1 : 0),
			 path);
		unsigned depth = depth_of(root);
		if (!strcmp(root, last) || (out->count && depth > out->depth) ||
		    !is_named(root, inner) || !is_machine(all, root))
			continue;
		snprintf(last, sizeof(last), "%s", root);
		bool known = false;
		for (size_t k = 0; k < out->count; k++)
			known |= !strcmp(out->at[k], root);
		if (out->count && depth < out->depth)
			out->count = 0;
		out->depth = depth;
		if (!known && out->count < MACHINES)
			memcpy(out->at[out->count++], root, sizeof(root));
	}
}

/* Values that a file in proc/sys has are not replaced. */
static int sysctl_lines_take(struct capture *c, char *text, size_t *taken, struct err *e)
{
	static const char roots[] = "abi debug dev fs kernel net sunrpc user vm crypto";
	for (char *line, *rest = text; (line = strsep(&rest, "\n"));) {
		struct sysctl_line s;
		char path[SYSCTL_PATH], top[16];
		const char *known;
		if (!sysctl_d_line(line, strlen(line), &s) || s.pattern || s.exclude ||
		    s.name[strspn(s.name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					  "0123456789_-./@:")])
			continue;
		snprintf(top, sizeof(top), "%.*s", (int)strcspn(s.name, "."), s.name);
		known = strstr(roots, top);
		if (!known || !top[0] || (known[strlen(top)] && known[strlen(top)] != ' '))
			continue;
		sysctl_path(s.name, path);
		++*taken;
		if (capture_find(c, path))
			continue;
		const struct capture_file f = {.data = (char *)s.whole, .size = s.length};
		int rc = capture_put(c, path, &f, e);
		if (rc && rc != -EINVAL)
			return rc;
	}
	return 0;
}

static int sysctl_take(struct capture *c, size_t *taken, struct err *e)
{
	static const struct capture_file damaged_list = {.error = EBADMSG};
	const struct capture_file *list = capture_find(c, SOS_SYSCTL);
	bool there = list && list->kind == CAPTURE_FILE && !list->error;
	CLEAN(free_pointer) char *text = there ? strdup(list->data) : NULL;
	if (!there)
		return 0;
	if (!text)
		return err_set(e, ENOMEM, "capture: out of memory");
	/* What is behind a NUL is lost: the list is not all of proc/sys. */
	int rc = strlen(text) < list->size ? capture_put(c, SOS_SYSCTL, &damaged_list, e) : 0;
	return rc ? rc : sysctl_lines_take(c, text, taken, e);
}

static int reroot(const struct reader *r, const char *root, struct capture **out, struct err *e)
{
	CLEAN(capture_free) struct capture *c = NULL;
	size_t length = strlen(root), taken = 0;
	int rc = capture_make(&c, e);
	for (size_t i = 0; i < r->all->count && !rc; i++) {
		const struct capture_file *f = &r->all->at[i];
		if (!length)
			rc = capture_put(c, f->path, f, e);
		else if (!strncmp(f->path, root, length) && f->path[length] == '/')
			rc = capture_put(c, f->path + length + 1, f, e);
	}
	if (!rc)
		rc = sysctl_take(c, &taken, e);
	if (!rc)
		rc = capture_take_left_out(c, e);
	if (!rc && r->text && !taken)
		rc = err_set(e, ENODATA,
			     "%s is neither an archive of tar nor the text of sysctl -a", r->name);
	*out = rc ? NULL : c;
	if (!rc)
		c = NULL;
	return rc;
}

#define MORE ", …"

static int machine_choose(const struct reader *r, const char *inner, struct capture **out,
			  struct err *e)
{
	CLEAN(free_pointer) struct machines *m = calloc(1, sizeof(*m));
	if (!m)
		return err_set(e, ENOMEM, "%s: out of memory", r->name);
	machines_find(r->all, inner, m);
	if (m->count == 1)
		return reroot(r, m->at[0], out, e);
	if (!m->count && r->text)
		return err_set(e, ENODATA,
			       "%s is neither an archive of tar nor the text of sysctl -a",
			       r->name);
	if (!m->count)
		return err_set(e, ENODATA, "no machine is captured in %s%s%s: it has no proc/sys",
			       r->name, *inner ? "/" : "", inner);
	err_set(e, ENOTUNIQ, "%s has several machines; name one: ", r->name);
	size_t named = 0;
	while (named < m->count &&
	       err_append_before(e, MORE, "%s%.60s", named ? ", " : "", m->at[named]))
		named++;
	if (named < m->count)
		err_append(e, MORE);
	return -ENOTUNIQ;
}

/* Opens the longest part of the path that is a file. */
static int archive_open(const char *path, char name[PATH_MAX], const char **inner, struct err *e)
{
	struct stat st;
	snprintf(name, PATH_MAX, "%s", path);
	for (;;) {
		char *slash = strrchr(name, '/');
		int fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0 && errno == ENOTDIR && slash && slash > name) {
			*slash = 0;
			continue;
		}
		if (fd < 0)
			return err_errno(e, "cannot open %s", path);
		*inner = path + strlen(name);
		*inner += strspn(*inner, "/");
		if (!fstat(fd, &st) && S_ISREG(st.st_mode))
			return fd;
		close(fd);
		return err_set(e, EINVAL, "cannot read %s: not a regular file", name);
	}
}

int capture_read(struct capture **out, const char *path, int directory, struct err *e)
{
	char name[PATH_MAX];
	const char *inner = "";
	struct reader r = {.name = path};
	struct stat st;
	*out = NULL;
	int rc = capture_make(&r.all, e);
	CLEAN(capture_free) struct capture *all = r.all;
	if (rc)
		return rc;
	if (directory >= 0) {
		if (fstat(directory, &st) < 0)
			return err_errno(e, "cannot read %s", path);
		rc = tree_take(&r, directory, "", st.st_dev, TREE_DEPTH, e);
	} else {
		CLEAN(close_fd) int fd = archive_open(path, name, &inner, e);
		r.name = name;
		rc = fd < 0 ? fd : archive_read(&r, fd, e);
	}
	return rc ? rc : machine_choose(&r, inner, out, e);
}
