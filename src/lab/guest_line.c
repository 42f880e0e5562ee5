/* Finds where the configuration of the operator's server sets a limit, and changes a copy. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalogue/edit.h"
#include "catalogue/server_command.h"
#include "epolltune/cleanup.h"
#include "epolltune/guest.h"
#include "epolltune/host.h"
#include "epolltune/list.h"
#include "host/program_text.h"

/* Files that include each other. */
#define DEPTH 8
#define FILES 256

/* Goes through the files of a configuration. */
struct walk {
	const struct host *host;
	const char *command;
	struct edit edit;
	struct guest_line *line;
	char directory[PATH_MAX]; /* where the names of included files begin */
	char usual[PROGRAM_FILE]; /* the file where the command names none */
	size_t depth, files, found;
	uint64_t present;
};

static void overlays_free(struct guest_line *line)
{
	for (size_t i = 0; i < line->file_count; i++) {
		free(line->file[i].path);
		free(line->file[i].text);
	}
	line->file_count = 0;
}

void guest_line_free(struct guest_line *line)
{
	overlays_free(line);
	free(line->command);
}

/* Takes over the text. */
static int overlay_add(struct guest_line *line, const char *path, char *text, struct err *e)
{
	char *copy = strdup(path);
	if (line->file_count == GUEST_FILES || !copy) {
		free(copy);
		free(text);
		return err_set(e, ENOTSUP, "it is set in more than %d files", GUEST_FILES);
	}
	line->file[line->file_count++] = (struct lab_overlay){copy, text};
	return 0;
}

static int files_walk(const char *pattern, const char *section, void *arg, struct err *e);

static int file_walk(struct walk *w, const char *path, const char *section, struct err *e)
{
	CLEAN(free_pointer) char *text = NULL;
	struct edited edited;
	if (w->edit.set->counts == SERVER_FIRST && w->found)
		return 0;
	if (++w->files > FILES || w->depth >= DEPTH)
		return err_set(e, ENOTSUP, "its configuration has too many files");
	ssize_t size = host_read_all(w->host, path + 1, &text, e);
	int rc = size < 0 ? (int)size : edit_text(&w->edit, text, section, &edited, e);
	/* What came before it has no effect. */
	if (!rc && w->edit.set->counts == SERVER_LAST && edited.found) {
		overlays_free(w->line);
		w->present = EDIT_NONE;
	}
	if (!rc && edited.text)
		rc = overlay_add(w->line, path, edited.text, e);
	if (rc)
		return rc;
	w->found += edited.found;
	if (strcmp(edited.sections, w->edit.set->section ? w->edit.set->section : "") != 0)
		snprintf(w->line->sections, sizeof(w->line->sections), "%s", edited.sections);
	if (edited.present < w->present)
		w->present = edited.present;
	w->depth++;
	rc = edit_includes(w->edit.file, text, section, edited.at, files_walk, w, e);
	w->depth--;
	return rc;
}

static void absolute_make(const char *name, const char *directory, char path[PATH_MAX])
{
	int length = *name == '/' ? snprintf(path, PATH_MAX, "%s", name)
				  : snprintf(path, PATH_MAX, "%s/%s", directory, name);
	if (length >= PATH_MAX)
		snprintf(path, PATH_MAX, "/");
}

/* All that a name with wildcards means; a directory means its *.cfg (HAProxy). */
static int files_walk(const char *pattern, const char *section, void *arg, struct err *e)
{
	struct walk *w = arg;
	char path[PATH_MAX];
	struct stat st;
	glob_t files;
	int rc = 0;
	absolute_make(pattern, w->directory, path);
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		strncat(path, "/*.cfg", sizeof(path) - strlen(path) - 1);
	if (glob(path, 0, NULL, &files))
		return strpbrk(path, "*?[") ? 0 : file_walk(w, path, section, e);
	for (size_t i = 0; !rc && i < files.gl_pathc; i++)
		rc = file_walk(w, files.gl_pathv[i], section, e);
	globfree(&files);
	return rc;
}

/* Where relative names in the command begin. */
static int base_find(const struct server_command *c, const struct server_file *file,
		     char path[PATH_MAX], struct err *e)
{
	const char *prefix = NULL;
	for (size_t at = 0; file->prefix && server_command_option(c, file->prefix, &at, &prefix);)
		;
	bool known = file->prefix ? prefix && *prefix == '/' : c->first && getcwd(path, PATH_MAX);
	if (!known)
		return err_set(e, ENOTSUP,
			       "the directory of its configuration is not known: name "
			       "the file with its full path");
	if (file->prefix)
		snprintf(path, PATH_MAX, "%s", prefix);
	return 0;
}

static int main_walk(struct walk *w, const struct server_command *c, const char *name,
		     struct err *e)
{
	char base[PATH_MAX] = "", path[PATH_MAX];
	if (!name)
		return err_set(e, ENOTSUP, "the shell expands the name of its configuration file");
	int rc = *name == '/' ? 0 : base_find(c, w->edit.file, base, e);
	if (rc)
		return rc;
	absolute_make(name, base, path);
	snprintf(w->directory, sizeof(w->directory), "%s", path);
	*strrchr(w->directory, '/') = 0;
	return files_walk(path, "", w, e);
}

/* Whether it is known which file the program of the command reads where it names none, w->usual. */
static bool usual_find(struct walk *w, const char *word)
{
	const char *given = getenv("PATH");
	CLEAN(free_pointer) char *all = strdup(given ? given : "");
	char path[PATH_MAX], real[PATH_MAX], *rest = all, *directory;
	if (!word)
		return false;
	snprintf(path, sizeof(path), "%s", word);
	if (!strchr(word, '/')) {
		if (!all || strstr(w->command, "PATH="))
			return false;
		do {
			directory = strsep(&rest, ":");
			absolute_make(word, directory ? directory : "", path);
		} while (directory && access(path, X_OK));
	}
	if (*path != '/' || !realpath(path, real))
		return false;
	CLEAN(close_fd) int program = open(real, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return program_usual_file(program, real, w->edit.file, w->usual);
}

/* The first file that the command names; NULL: none. */
static int files_named(struct walk *w, const struct server_command *c, const char **first,
		       struct err *e)
{
	const struct server_file *file = w->edit.file;
	const char *name = file->usual;
	size_t at = 0;
	int rc = 0;
	*first = NULL;
	if (!*file->option) {
		bool named = c->count > 1 && (!c->word[1] || *c->word[1] != '-');
		*first = named ? c->word[1] : NULL;
		return named ? main_walk(w, c, c->word[1], e) : 0;
	}
	while (!rc && server_command_option(c, file->option, &at, &name)) {
		*first = *first ? *first : name;
		rc = main_walk(w, c, name, e);
	}
	if (at || !name)
		return rc;
	if (!usual_find(w, c->word[0]))
		return err_set(e, ENOTSUP, "its configuration file is not known");
	*first = w->usual;
	return main_walk(w, c, w->usual, e);
}

/* Adds the directive to the first file. */
static int file_insert(struct walk *w, const struct server_command *c, const char *name,
		       struct err *e)
{
	CLEAN(free_pointer) char *text = NULL;
	char base[PATH_MAX] = "", path[PATH_MAX], *more;
	int rc = *name == '/' ? 0 : base_find(c, w->edit.file, base, e);
	if (rc)
		return rc;
	absolute_make(name, base, path);
	ssize_t size = host_read_all(w->host, path + 1, &text, e);
	rc = size < 0 ? (int)size : edit_insert(&w->edit, text, &more, e);
	return rc ? rc : overlay_add(w->line, path, more, e);
}

/* Names the option, with what it needs, and reads its last argument. False: it is not there, or has
 * no effect. */
static bool option_find(const struct server_command *c, const struct server_setting *set,
			struct guest_line *out)
{
	bool acts = server_command_acts(c, set), found = false;
	const char *value = NULL;
	snprintf(out->name, sizeof(out->name), "%s%s%s", acts ? "" : set->class_option,
		 acts ? "" : " ", set->option);
	for (size_t at = 0; acts && server_command_option(c, set->option, &at, &value);)
		found = true;
	out->present = value ? strtoull(value, NULL, 10) : 0;
	return found;
}

static int option_make(const struct guest *r, const struct server_command *c,
		       struct guest_line *out, struct err *e)
{
	if (!out->value)
		return 0;
	if (out->present >= out->value)
		return -EALREADY;
	out->command = server_command_add(r->command, c, out->name, out->value);
	return out->command ? 0 : err_set(e, ENOMEM, "command: out of memory");
}

static int file_make(struct walk *w, const struct server_command *c, bool *has_file, struct err *e)
{
	const char *first = NULL;
	struct guest_line *line = w->line;
	int rc = 0;
	if (w->edit.set->once && line->value) {
		w->edit.value = 0;
		rc = files_named(w, c, &first, e);
		w->edit.value = line->value;
		w->found = w->files = 0;
	}
	if (!rc)
		rc = files_named(w, c, &first, e);
	*has_file = rc || first;
	if (rc || !first)
		return rc;
	if (w->present != EDIT_NONE)
		line->present = w->present;
	if (!line->value || line->file_count)
		return 0;
	return w->found ? -EALREADY : file_insert(w, c, first, e);
}

int guest_line_make(const struct guest *r, const struct host *calling, const char *process,
		    enum server_limit limit, uint64_t value, struct guest_line *out, struct err *e)
{
	const struct server_row *row = server_row_find(process);
	const struct server_setting *set = row ? &row->set[limit] : NULL;
	struct edit_addresses addresses = {0};
	CLEAN(free_pointer) struct server_command *c = malloc(sizeof(*c));
	char address[128];
	bool has_file = false;
	*out = (struct guest_line){.value = value};
	if (!c)
		return err_set(e, ENOMEM, "command: out of memory");
	if (!set || (!set->option && !(set->directive && row->file.option)))
		return err_set(e, ENOTSUP, "epolltune does not know how %s sets it",
			       row ? row->name : process);
	int rc = server_command_find(r->command, row, c, e);
	if (rc)
		return rc;
	if (r->socket)
		snprintf(address, sizeof(address), "unix:%s", r->socket);
	else
		snprintf(address, sizeof(address), "%u", (unsigned)r->port);
	const char *class = server_command_class(c, set);
	if (class && strcmp(class, set->class_default) && !list_has(set->classes, class))
		return err_set(e, ENOTSUP,
			       "epolltune does not know what limits the worker class %s",
			       *class ? class : "that the shell expands");
	if (set->option && (option_find(c, set, out) || !set->directive))
		return option_make(r, c, out, e);
	struct walk w = {.host = calling,
			 .command = r->command,
			 .edit = {&row->file, set, address, value, &addresses},
			 .line = out,
			 .present = EDIT_NONE};
	snprintf(out->name, sizeof(out->name), "%s%s%.*s", set->directive,
		 set->parameter ? " … " : "",
		 set->parameter ? (int)strcspn(set->parameter, " ") : 0,
		 set->parameter ? set->parameter : "");
	rc = file_make(&w, c, &has_file, e);
	if (has_file || !set->option)
		return rc;
	snprintf(out->name, sizeof(out->name), "%s", set->option);
	return option_make(r, c, out, e);
}

char *guest_line_text(const struct guest_line *line, char text[GUEST_LINE])
{
	size_t length = strlen(line->name);
	bool joined = length && line->name[length - 1] == '=';
	const char *sections = line->command ? "" : line->sections;
	snprintf(text, GUEST_LINE, "%s%s%llu%s%s%s in %.100s%s", line->name, joined ? "" : " ",
		 (unsigned long long)line->value, *sections ? " (" : "", sections,
		 *sections ? ")" : "",
		 line->command      ? "its command"
		 : line->file_count ? line->file[0].path
				    : "its configuration",
		 line->file_count > 1 ? " and other files" : "");
	return text;
}
