/* Reads files, finds out their kind and passes their lines to the rules. */
#include "base/array.h"
#include "epolltune/order.h"
#include "lint/lint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/layer.h"
#include "base/text.h"
#include "epolltune/cleanup.h"
#include "host/unit_files.h"

#define DEPTH_MAX 16

const char *lint_name(struct lint *l, const char *name)
{
	if (l->name_count && strcmp(l->names[l->name_count - 1], name) == 0)
		return l->names[l->name_count - 1];
	char *copy = strdup(name);
	char **at = copy ? array_add(&l->names, &l->name_count, sizeof(*at)) : NULL;
	if (!at) {
		free(copy);
		l->failed = true;
		return "";
	}
	return *at = copy;
}

void lint_add(struct lint *l, const struct lint_line *line, enum lint_id rule, const char *fix,
	      const char *fmt, ...)
{
	char text[LINT_TEXT];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	struct lint_problem *p = array_add(&l->problems, &l->count, sizeof(*p));
	l->failed |= !p;
	if (!p)
		return;
	*p = (struct lint_problem){line->file,   line->number,
				   rule,         lint_rule_at(rule)->level,
				   strdup(text), fix ? strdup(fix) : NULL};
	l->failed |= !p->text || (fix && !p->fix);
	if (!p->text) {
		free(p->fix);
		l->count--;
	}
}

void lint_level(struct lint *l, enum finding_level level)
{
	if (l->count)
		l->problems[l->count - 1].level = level;
}

static void values_clear(struct lint_values *v)
{
	for (size_t i = 0; i < v->count; i++) {
		free(v->at[i].name);
		free(v->at[i].value);
		free(v->at[i].written);
	}
	v->count = 0;
}

void sysctl_values_clear(struct lint *l) { values_clear(&l->values); }

void lint_close(struct lint *l)
{
	values_clear(&l->values);
	values_clear(&l->units);
	for (size_t i = 0; i < l->count; i++) {
		free(l->problems[i].text);
		free(l->problems[i].fix);
	}
	for (size_t i = 0; i < l->name_count; i++)
		free(l->names[i]);
	free(l->problems);
	free(l->values.at);
	free(l->units.at);
	free(l->names);
}

static int problem_compare(const void *a, const void *b)
{
	const struct lint_problem *x = a, *y = b;
	int file = strcmp(x->file, y->file);
	if (file || x->line != y->line)
		return file ? file : ORDER(x->line, y->line);
	return x->rule == y->rule ? strcmp(x->text, y->text) : ORDER(x->rule, y->rule);
}

void lint_sort(struct lint *l)
{
	if (l->count)
		qsort(l->problems, l->count, sizeof(*l->problems), problem_compare);
}

bool lint_worst(const struct lint *l, enum finding_level *worst)
{
	*worst = LEVEL_NOTE;
	for (size_t i = 0; i < l->count; i++)
		if (l->problems[i].level > *worst)
			*worst = l->problems[i].level;
	return *worst > LEVEL_NOTE;
}

/* The directory of a drop-in comes first: the files in it have any name. */
static const struct place {
	const char *part, *end;
	enum lint_kind kind;
	bool only; /* a program reads no other names there */
} places[] = {
	{".service.d/", ".conf", FILE_UNIT, true},
	{".socket.d/", ".conf", FILE_UNIT, true},
	{".slice.d/", ".conf", FILE_UNIT, true},
	{"system.conf.d/", ".conf", FILE_UNIT, true},
	{"user.conf.d/", ".conf", FILE_UNIT, true},
	{"sysctl.d/", ".conf", FILE_SYSCTL, true},
	{"", "/sysctl.conf", FILE_SYSCTL, false},
	{"limits.d/", ".conf", FILE_LIMITS, true},
	{"", "security/limits.conf", FILE_LIMITS, false},
	{"", ".service", FILE_UNIT, false},
	{"", ".socket", FILE_UNIT, false},
	{"", ".slice", FILE_UNIT, false},
	{"systemd/", ".conf", FILE_UNIT, false},
};
#define PLACES (sizeof(places) / sizeof(*places))

/* By the place where one program reads it; FILE_NONE: another place. */
static enum lint_kind kind_by_place(const char *path)
{
	for (size_t i = 0; i < PLACES; i++)
		if (strstr(path, places[i].part) &&
		    (!strcmp(path, places[i].end) || text_ends(path, strlen(path), places[i].end)))
			return places[i].kind;
	return FILE_NONE;
}

bool lint_is_beside(const char *file)
{
	bool only = false;
	for (size_t i = 0; i < PLACES; i++)
		only |= places[i].only && strstr(file, places[i].part);
	return only && kind_by_place(file) == FILE_NONE;
}

/* Whether a name, or that of a directory, is one of those that put something aside. */
static bool is_marked(const char *name)
{
	static const char *const marks[] = {
		".bak",      ".backup",    ".old",      ".orig",     ".save",    ".off",
		".disabled", ".default",   ".rpmsave",  ".rpmnew",   ".rpmorig", ".dpkg-old",
		".dpkg-new", ".dpkg-dist", ".dpkg-bak", ".dpkg-tmp", ".ucf-old", ".ucf-new",
		".ucf-dist", ".pacsave",   ".pacnew",   ".pacorig"};
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		const char *at = strstr(name, marks[i]);
		/* ".bak2", ".old-1", not ".oldest". */
		if (at && !text_is_letter(at[strlen(marks[i])]))
			return true;
	}
	return text_ends(name, strlen(name), "~");
}

bool lint_is_aside(const char *file)
{
	const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
	size_t length = strlen(name);
	/* nginx includes all names of that directory. */
	bool read = text_ends(name, length, ".conf") || text_ends(name, length, ".cfg") ||
		    kind_by_place(file) != FILE_NONE || strstr(file, "nginx/sites-enabled/");
	return !read && is_marked(name);
}

/* By a name that says what is in a file, also where that cannot be read: a directory of a server
 * has images too. */
static enum lint_kind kind_by_name(const char *path, const struct server_row *server)
{
	size_t length = strlen(path);
	if (server)
		return text_ends(path, length, ".conf") || text_ends(path, length, ".cfg")
			       ? FILE_SERVER
			       : FILE_NONE;
	return text_ends(path, length, "limits.conf") ? FILE_LIMITS : FILE_NONE;
}

/* An assignment to a name of a tree that all kernels have. */
static bool is_sysctl(const char *text)
{
	static const char *const roots[] = {"net.", "fs.", "vm.", "kernel.", "dev.", "user."};
	struct sysctl_line line;
	if (!sysctl_d_line(text, strlen(text), &line) || strpbrk(line.name, " \t"))
		return false;
	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
		if (!strncmp(line.name, roots[i], strlen(roots[i])))
			return true;
	return false;
}

/* By the first lines that have the form of one kind. */
static enum lint_kind kind_by_text(const char *text)
{
	char line[LINT_LINE];
	for (unsigned i = 0; i < 256 && *text; i++) {
		size_t length = strcspn(text, "\n");
		snprintf(line, sizeof(line), "%.*s",
			 (int)(length < sizeof(line) ? length : sizeof(line) - 1), text);
		text += length + (text[length] == '\n');
		const char *word = line + strspn(line, " \t");
		if (!strncmp(word, "[Service]", 9) || !strncmp(word, "[Unit]", 6) ||
		    !strncmp(word, "[Socket]", 8) || !strncmp(word, "[Manager]", 9))
			return FILE_UNIT;
		if (limits_line_is(line))
			return FILE_LIMITS;
		if (is_sysctl(line))
			return FILE_SYSCTL;
	}
	return FILE_NONE;
}

struct state {
	struct limits_state limits;
	struct unit_state unit;
};

static void line_judge(struct lint *l, const struct lint_line *line, enum lint_kind kind,
		       struct state *s)
{
	switch (kind) {
	case FILE_SYSCTL:
		sysctl_line_judge(l, line);
		break;
	case FILE_LIMITS:
		limits_line_judge(l, line, &s->limits);
		break;
	case FILE_UNIT:
		unit_line_judge(l, line, &s->unit);
		break;
	case FILE_SERVER:
	case FILE_NONE:
		break;
	}
}

/* The bytes of a byte order mark at the beginning. */
static size_t mark_length(const char *text) { return strncmp(text, "\xef\xbb\xbf", 3) ? 0 : 3; }

/* systemd skips it. */
static void mark_judge(struct lint *l, const char *file, enum lint_kind kind)
{
	const struct lint_line first = {file, "", 1};
	if (kind != FILE_UNIT)
		lint_add(l, &first, LINT_SYNTAX, NULL,
			 "the file begins with a byte order mark, which is part of the first word: "
			 "save it without");
}

/* The next line, without its end. */
static char *line_cut(char **next)
{
	char *at = *next;
	size_t length = strcspn(at, "\n");
	*next = at + length + (at[length] == '\n');
	at[length] = 0;
	if (length && at[length - 1] == '\r')
		at[length - 1] = 0;
	return at;
}

static bool is_comment(const char *text)
{
	text += strspn(text, " \t");
	return *text == '#' || *text == ';';
}

/* Whether a line ends with a backslash that no other one escapes; it becomes a blank. */
static bool continuation_cut(char *text)
{
	size_t length = strlen(text), count = 0;
	while (count < length && text[length - 1 - count] == '\\')
		count++;
	if (count % 2)
		text[length - 1] = ' ';
	return count % 2;
}

/* Appends the lines of a unit that continue this one, without the comments among them: systemd
 * src/shared/conf-parser.c, config_parse(). Returns how many lines it took. */
static unsigned unit_join(char *line, char **next)
{
	unsigned taken = 0;
	for (char *end = line; !is_comment(line) && continuation_cut(end) && **next;) {
		const char *more;
		end += strlen(end);
		do {
			more = line_cut(next);
			taken++;
		} while (is_comment(more) && **next);
		more = is_comment(more) ? "" : more;
		memmove(end, more, strlen(more) + 1);
	}
	return taken;
}

static void lines_judge(struct lint *l, const char *file, char *text, enum lint_kind kind)
{
	struct state s = {.limits = {.soft = -1, .hard = -1}};
	unsigned number = 1;
	for (char *next = text; *next;) {
		char *at = line_cut(&next);
		struct lint_line line = {file, at, number++};
		if (kind == FILE_UNIT)
			number += unit_join(at, &next);
		if (strlen(at) >= LINT_LINE)
			at[LINT_LINE - 1] = 0;
		line_judge(l, &line, kind, &s);
	}
}

/* `server`: of FILE_SERVER. */
static void text_judge(struct lint *l, const char *file, char *text, enum lint_kind kind,
		       const struct server_row *server, bool boot)
{
	if (mark_length(text))
		mark_judge(l, file, kind);
	text += mark_length(text);
	if (kind == FILE_SERVER)
		server_text_judge(l, file, server, text);
	else
		lines_judge(l, file, text, kind);
	if (kind == FILE_SYSCTL && !boot) {
		int64_t nr_open;
		sysctl_values_judge(l);
		if (sysctl_value_number(l, "fs.nr_open", &nr_open) && nr_open > l->nr_open_set)
			l->nr_open_set = nr_open;
		if (!l->keeps)
			sysctl_values_clear(l);
	}
	l->files++;
}

static const char too_large[] = "the file is larger than 4 MiB";
static const char no_text[] = "the file has NUL bytes, it is no text";

static int path_read(const char *path, struct lint_text *out, struct err *e)
{
	struct stat st;
	size_t size = 0;
	CLEAN(close_fd) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, "lint: %s", path);
	if (S_ISREG(st.st_mode) && st.st_size > LINT_FILE)
		out->unread = too_large;
	if (!S_ISREG(st.st_mode) || st.st_size > LINT_FILE)
		return 0;
	CLEAN(free_pointer) char *bytes = calloc(1, (size_t)st.st_size + 1);
	if (!bytes)
		return err_errno(e, "lint: %s", path);
	while (size < (size_t)st.st_size) {
		ssize_t n = read(fd, bytes + size, (size_t)st.st_size - size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "lint: %s", path);
		if (n == 0)
			break;
		size += (size_t)n;
	}
	if (memchr(bytes, 0, size)) {
		out->unread = no_text;
		return 0;
	}
	out->bytes = bytes;
	bytes = NULL;
	return 0;
}

static int file_read(const struct host *h, const char *file, struct lint_text *out, struct err *e)
{
	CLEAN(free_pointer) char *bytes = NULL;
	struct err unread;
	ssize_t n = host_read_begin(h, file + 1, LINT_FILE + 1, &bytes, &unread);
	if (n == -EFBIG || n > LINT_FILE)
		out->unread = too_large;
	else if (n > 0 && memchr(bytes, 0, (size_t)n))
		out->unread = no_text;
	else if (n > 0) { /* an empty one of a captured machine may mask another */
		out->bytes = bytes;
		bytes = NULL;
	}
	return n == -ENOMEM ? err_copy(e, &unread) : 0;
}

int lint_text_read(const struct lint *l, const char *file, struct lint_text *out, struct err *e)
{
	*out = (struct lint_text){0};
	return l->host ? file_read(l->host, file, out, e) : path_read(file, out, e);
}

static int read_judge(struct lint *l, const struct lint_text *t, const char *shown, bool boot,
		      struct err *e)
{
	if (!t->bytes && !t->unread)
		return 0;
	struct lint_line whole = {lint_name(l, shown), "", 0};
	/* Files of other kinds may have such names too: nginx's own limits.conf, a drop-in that is
	 * called nginx-limits.conf. */
	const struct server_row *server = server_row_of_file(shown);
	enum lint_kind kind = kind_by_place(shown), named = kind_by_name(shown, server);
	if (!t->bytes) {
		if (kind != FILE_NONE || named != FILE_NONE)
			lint_add(l, &whole, LINT_UNREADABLE, NULL, "%s: not judged", t->unread);
		return 0;
	}
	if (kind == FILE_NONE)
		kind = kind_by_text(t->bytes + mark_length(t->bytes));
	if (kind == FILE_NONE)
		kind = server ? FILE_SERVER : named;
	if (kind != FILE_NONE)
		text_judge(l, whole.file, t->bytes, kind, server, boot);
	if (kind != FILE_NONE && lint_is_beside(shown) && !lint_is_aside(shown))
		lint_add(l, &whole, LINT_UNREAD, NULL,
			 "the name does not end in .conf, and nothing reads it: rename the file");
	return l->failed ? err_set(e, ENOMEM, "lint: out of memory") : 0;
}

int lint_file(struct lint *l, const char *path, const char *shown, struct err *e)
{
	CLEAN(lint_text_free) struct lint_text t = {0};
	int rc = path_read(path, &t, e);
	return rc < 0 ? rc : read_judge(l, &t, shown, false, e);
}

int lint_machine_file(struct lint *l, const char *file, bool boot, struct err *e)
{
	CLEAN(lint_text_free) struct lint_text t = {0};
	int rc = file_read(l->host, file, &t, e);
	return rc < 0 ? rc : read_judge(l, &t, file, boot, e);
}

static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* Whether a directory has nothing to judge: it was put aside, or has links to units, each of which
 * has a place of its own. */
static bool is_off(const char *name)
{
	static const char *const links[] = {".wants", ".requires", ".upholds"};
	bool off = is_marked(name);
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		off |= text_ends(name, strlen(name), links[i]);
	return off;
}

/* Follows links to files, not to directories: there is no circle. */
static int directory_judge(struct lint *l, const char *path, unsigned depth, struct err *e)
{
	struct dirent **entries = NULL;
	int n = scandir(path, &entries, visible, alphasort), rc = 0;
	if (n < 0)
		return err_errno(e, "lint: %s", path);
	for (int i = 0; i < n; i++) {
		CLEAN(free_pointer) char *below = NULL;
		struct stat st;
		if (asprintf(&below, "%s/%s", path, entries[i]->d_name) < 0) {
			below = NULL;
			l->failed = true;
		}
		bool off = is_off(entries[i]->d_name);
		free(entries[i]);
		if (!below || rc < 0 || lstat(below, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) ? off || depth >= DEPTH_MAX : lint_is_aside(below))
			continue;
		if (S_ISDIR(st.st_mode))
			rc = directory_judge(l, below, depth + 1, e);
		/* A link without a target, or in a circle: readers skip it. */
		else if (S_ISREG(st.st_mode) || (S_ISLNK(st.st_mode) && stat(below, &st) == 0))
			rc = lint_file(l, below, below, e);
	}
	free(entries);
	return rc;
}

/* Whether a unit is a link to another one, which is judged in its own place. */
static bool is_alias(const struct host *h, const char *path)
{
	static const char units[] = "systemd/system/";
	const char *in = strstr(path, units);
	char real[PATH_MAX];
	return in && !strchr(in + strlen(units), '/') && host_resolve(h, path, real, NULL) == 0 &&
	       strstr(real, units) && strcmp(real, path) != 0;
}

/* Whether a file of a machine is below such a directory, or is available, which does not enable it.
 */
static bool is_below_off(const char *path)
{
	char above[PATH_MAX], *next = above, *name;
	snprintf(above, sizeof(above), "%s", path);
	while ((name = strsep(&next, "/")) && next)
		if (is_off(name) || text_ends(name, strlen(name), "-available"))
			return true;
	return false;
}

struct tree {
	struct lint *lint;
	struct err *err;
};

static int tree_file(const char *path, void *arg)
{
	struct tree *t = arg;
	char file[PATH_MAX + 1];
	if (*path == '.' || strstr(path, "/.") || lint_is_aside(path) || is_below_off(path) ||
	    is_alias(t->lint->host, path))
		return 0;
	snprintf(file, sizeof(file), "/%s", path);
	/* What a package ships is meant to be hidden. */
	if (file_layer(file) == LAYER_SHIPPED && unit_file_hidden(t->lint->host, file))
		return 0;
	return lint_machine_file(t->lint, file, false, t->err);
}

int lint_tree(struct lint *l, const char *path, struct err *e)
{
	struct tree t = {l, e};
	int rc = host_walk(l->host, path + 1, DEPTH_MAX, tree_file, &t, e);
	return rc == -ENOTDIR ? tree_file(path + 1, &t) : rc == -ENOENT ? 0 : rc;
}

int lint_path(struct lint *l, const char *path, struct err *e)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return err_errno(e, "lint: %s", path);
	if (S_ISDIR(st.st_mode))
		return directory_judge(l, path, 0, e);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "lint: %s is neither a file nor a directory", path);
	size_t before = l->files;
	int rc = lint_file(l, path, path, e);
	/* A file that the user named, in no form that is known. */
	if (rc == 0 && l->files == before && st.st_size) {
		struct lint_line whole = {lint_name(l, path), "", 0};
		if (!l->count || l->problems[l->count - 1].file != whole.file)
			lint_add(l, &whole, LINT_UNREADABLE, NULL,
				 "no line has the form of a sysctl, a limit or a unit: not judged");
	}
	return rc;
}

void lint_path_look(struct lint *l, const char *path)
{
	struct lint look = {.kernel = l->kernel};
	struct err ignored;
	lint_path(&look, path, &ignored);
	/* The files may be of several machines: a lower value need not be that of the others. */
	if (look.nr_open_set >= NR_OPEN_DEFAULT && look.nr_open_set > l->nr_open)
		l->nr_open = look.nr_open_set;
	lint_close(&look);
}
