#include "epolltune/sysctl_d.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/layer.h"
#include "base/text.h"
#include "epolltune/cleanup.h"
#include "epolltune/host.h"
#include "epolltune/sysctls.h"
#include "host/capture.h"
#include "host/machine.h"
#include "host/modules.h"
#include "host/sysctl_boot.h"

static const char blanks[] = " \t\r\n";

/* Without the blanks around it. */
static const char *trim(const char *from, size_t *length)
{
	while (*length && strchr(blanks, from[*length - 1]))
		--*length;
	while (*length && strchr(blanks, *from))
		from++, --*length;
	return from;
}

static bool name_take(struct sysctl_line *line, const char *from, size_t length)
{
	from = trim(from, &length);
	if (!length || length >= sizeof(line->name))
		return false;
	memcpy(line->name, from, length);
	return true;
}

static void value_take(struct sysctl_line *line, const char *from, size_t length)
{
	line->whole = trim(from, &length);
	line->length = length;
	line->cut = length >= sizeof(line->value);
	memcpy(line->value, line->whole, line->cut ? sizeof(line->value) - 1 : length);
}

/* As systemd's path_simplify(): without empty parts and parts of one dot. */
static void path_simplify(char *path)
{
	char *to = path;
	for (const char *at = path; *at; at += *at == '/') {
		size_t part = strcspn(at, "/");
		if (part && (part > 1 || *at != '.')) {
			if (to != path)
				*to++ = '/';
			memmove(to, at, part);
			to += part;
		}
		at += part;
	}
	*to = 0;
}

/* As systemd's sysctl_normalize(): the first of "." and "/" is the separator, the other one is
 * literal. The result has dots as separators. */
static void normalize(char *name)
{
	size_t first = strcspn(name, "./");
	if (name[first] == '.')
		sysctl_swap(name);
	path_simplify(name);
	sysctl_swap(name);
}

bool sysctl_d_line(const char *text, size_t length, struct sysctl_line *line)
{
	*line = (struct sysctl_line){0};
	while (length && strchr(blanks, *text))
		text++, length--;
	if (!length || *text == '#' || *text == ';')
		return false;
	bool dash = *text == '-';
	text += dash;
	length -= dash;
	const char *equals = memchr(text, '=', length);
	size_t name = equals ? (size_t)(equals - text) : length;
	if ((!equals && !dash) || !name_take(line, text, name))
		return false;
	if (equals)
		value_take(line, equals + 1, length - name - 1);
	normalize(line->name);
	if (!line->name[0])
		return false;
	line->pattern = strpbrk(line->name, "*?[");
	line->exclude = !equals;
	line->dash = dash;
	line->blank = dash && strchr(blanks, *text);
	return true;
}

/* A line that sets a name, and its place in the order in which such lines are written. */
struct placed {
	struct sysctl_setting set;
	size_t at;
};

/* A pattern that matches the name, in the order in which they apply. */
struct pattern_setting {
	char pattern[sizeof(((struct sysctl_line *)0)->name)];
	struct placed line; /* `exclude`: it sets nothing */
};

struct name_search {
	const char *name; /* NULL: none */
	struct placed by_name;
	struct pattern_setting *patterns;
	size_t count;
};

/* What one reading of the files sets, of those behind `after` only, if it is not NULL. */
struct reading {
	const struct host *host;
	enum sysctl_reader reader;
	const char *after;
};

/* What sets a value: lines of its name and of its second one. */
struct setting_search {
	struct name_search of[2];
	size_t lines; /* that were read */
	enum sysctl_reader reader;
	bool named;  /* a line before all that are read has the name: it beats patterns */
	bool failed; /* no memory */
};

static struct setting_search search_begin(const char *name, const struct reading *of)
{
	return (struct setting_search){.of = {{.name = name}, {.name = sysctl_twin(name)}},
				       .reader = of->reader,
				       .named = of->after != NULL};
}

bool sysctl_line_moves(enum sysctl_reader reader, const char *earlier_value, bool earlier_exclude,
		       const char *value, bool exclude)
{
	return reader != SYSCTL_SYSTEMD || earlier_exclude != exclude ||
	       strcmp(earlier_value, value) != 0;
}

static bool moves(const struct setting_search *s, const struct sysctl_setting *set,
		  const struct sysctl_line *line)
{
	return sysctl_line_moves(s->reader, set->value, set->exclude, line->value, line->exclude);
}

static void place_take(const struct setting_search *s, struct placed *p, const char *file,
		       unsigned number, const struct sysctl_line *line)
{
	struct sysctl_setting *set = &p->set;
	if (!set->file[0] || moves(s, set, line))
		p->at = s->lines;
	snprintf(set->file, sizeof(set->file), "%s", file);
	snprintf(set->value, sizeof(set->value), "%s", line->value);
	set->exclude = line->exclude;
	set->line = number;
	set->ours = strcmp(file, DROPIN_DIRECTORY "/" DROPIN_FILE) == 0;
}

/* A line replaces an earlier one of the same pattern. */
static void pattern_take(struct setting_search *s, struct name_search *of,
			 const struct sysctl_line *line, const char *file, unsigned number)
{
	for (size_t i = 0; i < of->count; i++) {
		struct pattern_setting *p = &of->patterns[i];
		if (strcmp(p->pattern, line->name) != 0)
			continue;
		if (!moves(s, &p->line.set, line))
			return;
		memmove(p, p + 1, (--of->count - i) * sizeof(*p));
		break;
	}
	struct pattern_setting *p = array_add(&of->patterns, &of->count, sizeof(*p));
	s->failed |= !p;
	if (!p)
		return;
	*p = (struct pattern_setting){0};
	snprintf(p->pattern, sizeof(p->pattern), "%s", line->name);
	place_take(s, &p->line, file, number, line);
}

/* What applies of a name: an assignment of it, or the last pattern. */
static const struct placed *search_last(const struct name_search *of)
{
	for (size_t i = of->count; i-- > 0 && !of->by_name.set.file[0];)
		if (!of->patterns[i].line.set.exclude)
			return &of->patterns[i].line;
	return &of->by_name;
}

static bool is_set(const struct sysctl_setting *set) { return set->file[0] && !set->exclude; }

/* What applies: of two names the later line. Releases the search. -ENOMEM. */
static int setting_end(struct setting_search *s, struct sysctl_setting *out, struct err *e)
{
	const struct placed *own = search_last(&s->of[0]), *twin = search_last(&s->of[1]);
	bool second = is_set(&twin->set) && (!is_set(&own->set) || twin->at > own->at);
	*out = second ? twin->set : own->set;
	for (size_t i = 0; i < 2; i++)
		free(s->of[i].patterns);
	*s = (struct setting_search){.failed = s->failed};
	return s->failed ? err_set(e, ENOMEM, "cannot read the files of sysctl.d: out of memory")
			 : 0;
}

static bool matches(const struct sysctl_line *line, const char *name)
{
	if (!line->pattern)
		return strcmp(line->name, name) == 0;
	/* FNM_PATHNAME matches part by part, between slashes. */
	char pattern[sizeof(line->name)], path[256];
	snprintf(pattern, sizeof(pattern), "%s", line->name);
	snprintf(path, sizeof(path), "%s", name);
	sysctl_swap(pattern);
	sysctl_swap(path);
	return fnmatch(pattern, path, FNM_PATHNAME) == 0;
}

/* Whether a reader takes a line for what it says of a name. procps takes a blank behind the dash as
 * a part of the name, and "-NAME" alone ends patterns only; TuneD knows no dashes and no patterns.
 */
static bool is_taken(const struct setting_search *s, const struct name_search *of,
		     const struct sysctl_line *line)
{
	bool own = of == s->of;
	if (line->pattern && own && s->named)
		return false;
	if (s->reader == SYSCTL_TUNED)
		return !line->pattern && !line->dash;
	if (s->reader == SYSCTL_PROCPS)
		return !line->blank &&
		       (!line->exclude || line->pattern || !of->by_name.set.file[0]);
	return true;
}

/* "-name" alone replaces an earlier "name = value", like an assignment. */
static void take_line(struct setting_search *s, const char *file, unsigned number, const char *text,
		      size_t length)
{
	struct sysctl_line line;
	s->lines++;
	if (!sysctl_d_line(text, length, &line))
		return;
	for (size_t i = 0; i < 2; i++) {
		struct name_search *of = &s->of[i];
		if (!of->name || !matches(&line, of->name) || !is_taken(s, of, &line))
			continue;
		if (line.pattern)
			pattern_take(s, of, &line, file, number);
		else
			place_take(s, &of->by_name, file, number, &line);
	}
}

static void take_text(struct setting_search *s, size_t count, const char *file, const char *text)
{
	for (unsigned number = 1; *text; number++) {
		size_t n = strcspn(text, "\n");
		for (size_t i = 0; i < count; i++)
			take_line(&s[i], file, number, text, n);
		text += n + (text[n] == '\n');
	}
}

static const char *const directories[] = {
	DROPIN_DIRECTORY,    "/run/sysctl.d", "/usr/local/lib/sysctl.d",
	"/usr/lib/sysctl.d", "/lib/sysctl.d", NULL,
};
/* The first hides those of its names in the second, other than above. */
static const char *const tuned_directories[] = {"/run/sysctl.d", DROPIN_DIRECTORY, NULL};
/* Not read by systemd-sysctl. */
static const char conf[] = "/etc/sysctl.conf";

struct listing {
	char **files; /* "/etc/sysctl.d/99-local.conf" */
	size_t count;
};

static void listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->files[i]);
	free(l->files);
}

static const char *base(const char *file) { return strrchr(file, '/') + 1; }

static int by_base(const void *a, const void *b)
{
	return strcmp(base(*(char *const *)a), base(*(char *const *)b));
}

static bool is_conf_name(const char *name)
{
	return name[0] != '.' && text_ends(name, strlen(name), ".conf");
}

static int add_file(struct listing *l, const char *directory, const char *name)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(base(l->files[i]), name) == 0)
			return 0; /* masked */
	char *path;
	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return -ENOMEM;
	char **more = array_add(&l->files, &l->count, sizeof(*more));
	if (more)
		*more = path;
	else
		free(path);
	return more ? 0 : -ENOMEM;
}

static int name_add(const char *path, void *listing)
{
	char directory[PATH_MAX];
	const char *name = strrchr(path, '/') + 1;
	if (!is_conf_name(name))
		return 0;
	snprintf(directory, sizeof(directory), "/%.*s", (int)(name - path - 1), path);
	return add_file(listing, directory, name);
}

/* Skips what is not there, what is no text, such as the /dev/null of a masked one, and what is
 * unreadable, as the readers do. A NUL ends a line, as for systemd. */
static int file_take(struct setting_search *s, size_t count, const struct host *h, const char *file,
		     struct err *e)
{
	CLEAN(free_pointer) char *text = NULL;
	ssize_t n = host_read_strings(h, file + 1, &text, e);
	if (n > 0)
		take_text(s, count, file, text);
	bool skipped = n == -ENOENT || n == -EINVAL || n == -EISDIR || n == -ELOOP ||
		       n == -EACCES || n == -ENXIO;
	return n < 0 && !skipped ? (int)n : 0;
}

/* The files of a host, running or captured, with their links resolved below its root. An entry of
 * any type masks one of its name in a later directory, as for conf_files_list() of systemd. Without
 * openat2(2) a directory behind a link of a captured one is skipped (-ELOOP). */
static int files_list(struct listing *l, const struct host *h, enum sysctl_reader reader,
		      struct err *e)
{
	const char *const *directory = reader == SYSCTL_TUNED ? tuned_directories : directories;
	for (; *directory; directory++) {
		int r = host_names(h, *directory + 1, name_add, l, e);
		if (r == -ENOMEM)
			return err_set(e, ENOMEM,
				       "cannot read the files of sysctl.d: out of memory");
		if (r < 0 && r != -ENOENT && r != -ENOTDIR && r != -ELOOP)
			return r;
	}
	if (l->count)
		qsort(l->files, l->count, sizeof(*l->files), by_base);
	return 0;
}

static int files_read(const struct reading *of, const char *const *names, size_t count,
		      struct sysctl_setting *out, struct err *e)
{
	CLEAN(free_pointer) struct setting_search *s = calloc(count + 1, sizeof(*s));
	CLEAN(listing_free) struct listing l = {0};
	if (!s)
		return err_errno(e, "cannot read the files of sysctl.d");
	for (size_t i = 0; i < count; i++)
		s[i] = search_begin(names[i], of);
	int r = files_list(&l, of->host, of->reader, e);
	for (size_t i = 0; i < l.count && r == 0; i++)
		if (!of->after || strcmp(base(l.files[i]), of->after) > 0)
			r = file_take(s, count, of->host, l.files[i], e);
	if (r == 0 && of->reader != SYSCTL_SYSTEMD)
		r = file_take(s, count, of->host, conf, e);
	for (size_t i = 0; i < count; i++) {
		int ended = setting_end(&s[i], &out[i], e);
		r = r < 0 ? r : ended;
	}
	return r;
}

enum sysctl_reader sysctl_d_reader(const struct host *h)
{
	if (!host_has_systemd(h))
		return SYSCTL_PROCPS;
	return tuned_reapplies(h) ? SYSCTL_TUNED : SYSCTL_SYSTEMD;
}

/* Of many names, reading each file once. */
static int sysctl_d_find_all(const struct host *files, enum sysctl_reader reader,
			     const char *const *names, size_t count, struct sysctl_setting *out,
			     struct err *e)
{
	struct reading first = {files, reader == SYSCTL_TUNED ? SYSCTL_SYSTEMD : reader, NULL};
	int r = files_read(&first, names, count, out, e);
	if (r < 0 || reader != SYSCTL_TUNED)
		return r;
	CLEAN(free_pointer) struct sysctl_setting *again = calloc(count + 1, sizeof(*again));
	if (!again)
		return err_errno(e, "cannot read the files of sysctl.d");
	r = files_read(&(struct reading){files, reader, NULL}, names, count, again, e);
	for (size_t i = 0; i < count && r == 0; i++)
		if (again[i].file[0])
			out[i] = again[i];
	return r;
}

int sysctl_d_find(const struct host *files, enum sysctl_reader reader, const char *name,
		  struct sysctl_setting *out, struct err *e)
{
	return sysctl_d_find_all(files, reader, &name, 1, out, e);
}

static int conf_read(const struct host *h, const char *const *names, size_t count,
		     struct sysctl_setting *out, struct err *e);

/* A line that no program applies: its reader does not run, or the sysctl does not exist yet. */
static void unapplied_fill(const struct host *h, const char *name, struct sysctl_setting *set)
{
	const struct sysctl_idle *idle = sysctl_boot_idle(h);
	/* TuneD applies the files of others again, after modules; a module's option sets its table.
	 */
	bool again = tuned_reapplies(h) && file_layer(set->file) != LAYER_SHIPPED;
	const char *module = idle || again || module_sizes(h, name) ? NULL : module_late(h, name);
	char command[MODULE_COMMAND];
	if (idle) {
		snprintf(set->unapplied, sizeof(set->unapplied), "%s", idle->why);
		snprintf(set->remedy, sizeof(set->remedy), "run: %s", idle->command);
	} else if (module) {
		snprintf(
			set->unapplied, sizeof(set->unapplied),
			"the sysctl exists only while %s is loaded, often after the files are read",
			module);
		snprintf(set->remedy, sizeof(set->remedy),
			 "load the module before the files are read: %s",
			 module_command(module, command));
	}
}

/* Of the names that nothing sets at boot: systemd-sysctl does not read the file. */
static int conf_take(const struct host *h, const char *const *names, size_t count,
		     struct sysctl_setting *out, struct err *e)
{
	if (sysctl_d_reader(h) != SYSCTL_SYSTEMD)
		return 0;
	CLEAN(free_pointer) struct sysctl_setting *of = calloc(count + 1, sizeof(*of));
	if (!of)
		return err_errno(e, "cannot read the files of sysctl.d");
	int r = conf_read(h, names, count, of, e);
	for (size_t i = 0; i < count && r == 0; i++) {
		if (out[i].file[0] || !of[i].file[0] || of[i].exclude)
			continue;
		out[i] = of[i];
		snprintf(out[i].unapplied, sizeof(out[i].unapplied),
			 "systemd-sysctl does not read that file");
		snprintf(out[i].remedy, sizeof(out[i].remedy),
			 "move the line to " DROPIN_DIRECTORY "/NAME.conf");
	}
	return r;
}

int sysctl_d_at_boot(const struct host *h, const char *const *names, size_t count,
		     struct sysctl_setting *out, struct err *e)
{
	struct host_identity here;
	int r = host_identity(h, &here, e);
	if (r < 0 && h->live)
		return r;
	if (!r && (!here.initial || (!host_has_systemd(h) && !here.first_pids)))
		return err_set(e, EOPNOTSUPP, "the files of sysctl.d do not apply here");
	CLEAN(free_pointer) bool *unknown = calloc(count + 1, sizeof(*unknown));
	if (!unknown)
		return err_errno(e, "cannot read the files of sysctl.d");
	r = sysctl_d_find_all(h, sysctl_d_reader(h), names, count, out, e);
	for (size_t i = 0; i < count && r == 0; i++) {
		char file[sizeof(out->file)];
		memcpy(file, out[i].file, sizeof(file));
		unknown[i] = sysctl_boot_settle(h, names[i], &out[i]) == SYSCTL_BOOT_UNKNOWN;
		if (file[0] && !out[i].exclude && !strcmp(out[i].file, file))
			unapplied_fill(h, names[i], &out[i]);
	}
	if (r == 0)
		r = conf_take(h, names, count, out, e);
	for (size_t i = 0; i < count && r == 0; i++)
		if (unknown[i])
			out[i] = (struct sysctl_setting){0};
	return r;
}

int sysctl_d_override(const struct host *files, enum sysctl_reader reader, const char *name,
		      struct sysctl_setting *out, struct err *e)
{
	const struct reading later = {files, reader, DROPIN_FILE};
	return files_read(&later, &name, 1, out, e);
}

int sysctl_d_files(const struct host *h, int (*each)(const char *file, void *arg), void *arg,
		   struct err *e)
{
	CLEAN(listing_free) struct listing l = {0};
	int r = files_list(&l, h, SYSCTL_SYSTEMD, e);
	for (size_t i = 0; i < l.count && r == 0; i++)
		r = each(l.files[i], arg);
	return r;
}

/* Whether two paths of a host lead to the same file. */
static bool is_same(const struct host *h, const char *path, const char *other)
{
	struct stat st, also;
	if (h->files) {
		const struct capture_file *file = capture_find(h->files, path);
		return file && file == capture_find(h->files, other);
	}
	CLEAN(close_fd) int fd = machine_open(h, path, O_PATH, "read", NULL);
	CLEAN(close_fd) int with = machine_open(h, other, O_PATH, "read", NULL);
	return fd >= 0 && with >= 0 && fstat(fd, &st) == 0 && fstat(with, &also) == 0 &&
	       st.st_dev == also.st_dev && st.st_ino == also.st_ino;
}

int sysctl_d_conf(const struct host *h, const char **file, struct err *e)
{
	CLEAN(listing_free) struct listing l = {0};
	int r = files_list(&l, h, SYSCTL_SYSTEMD, e);
	bool linked = !host_has(h, conf + 1);
	for (size_t i = 0; i < l.count && r == 0 && !linked; i++)
		linked = is_same(h, l.files[i] + 1, conf + 1);
	*file = r == 0 && !linked ? conf : NULL;
	return r;
}

static int conf_read(const struct host *h, const char *const *names, size_t count,
		     struct sysctl_setting *out, struct err *e)
{
	const struct reading reading = {h, SYSCTL_PROCPS, NULL};
	CLEAN(free_pointer) struct setting_search *s = calloc(count + 1, sizeof(*s));
	const char *file;
	if (!s)
		return err_errno(e, "cannot read the files of sysctl.d");
	for (size_t i = 0; i < count; i++)
		s[i] = search_begin(names[i], &reading);
	int r = sysctl_d_conf(h, &file, e);
	if (r == 0 && file)
		r = file_take(s, count, h, file, e);
	for (size_t i = 0; i < count; i++) {
		int ended = setting_end(&s[i], &out[i], e);
		r = r < 0 ? r : ended;
	}
	return r;
}

int sysctl_d_find_conf(const struct host *files, const char *name, struct sysctl_setting *out,
		       struct err *e)
{
	*out = (struct sysctl_setting){0};
	return conf_read(files, &name, 1, out, e);
}
