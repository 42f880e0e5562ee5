#include "host/server_config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "epolltune/cleanup.h"
#include "host/machine.h"
#include "host/processes.h"

/* What is read at most: any user may name such a server and its files. */
#define FILES 256
#define BYTES ((size_t)1 << 20) /* in all */
#define INCLUDES 32

struct reading {
	const struct host *host;
	const struct subject *subject;
	const struct server_file *file;
	struct server_config *out;
	size_t files, bytes, includes;
	uint64_t since; /* its processes have read what did not change after that */
};

/* Ticks of the clock in which a reload starts all workers. */
#define RELOAD 10

/* The start of those that accept: what a reload starts has read the files. A worker that replaces
 * one that ended has not, if the master keeps the configuration: there only several that started
 * together show a reload. */
static uint64_t since_when(const struct subject *s, const struct server_file *file)
{
	bool together = s->accepting > 1 && s->newest - s->oldest <= RELOAD;
	return s->oldest && (!file->kept || together) ? s->oldest : s->started;
}

/* `file`: NULL: the first one. */
static bool refuse(struct reading *r, enum subject_clients_state state, const char *file)
{
	r->out->state = state;
	if (file)
		snprintf(r->out->file, sizeof(r->out->file), "%s", file);
	return false;
}

/* Appends a file to the text. False: it is not known, as r->out says. */
static bool file_append(struct reading *r, const char *name, char **text)
{
	CLEAN(free_pointer) char *more = NULL;
	struct timespec changed;
	size_t had = *text ? strlen(*text) : 0;
	ssize_t size = machine_read_as(r->host, r->subject->pid, name, &more, &changed, NULL);
	if (size < 0)
		return refuse(r, CLIENTS_UNREADABLE, name);
	if (process_precedes(r->since, &changed))
		return refuse(r, CLIENTS_CHANGED, name);
	r->bytes += (size_t)size + 1;
	if (++r->files > FILES || r->bytes > BYTES)
		return refuse(r, CLIENTS_PARTS, name);
	char *longer = realloc(*text, had + (size_t)size + 2);
	if (!longer)
		return refuse(r, CLIENTS_UNREADABLE, name);
	snprintf(longer + had, (size_t)size + 2, "%s\n", more);
	*text = longer;
	return true;
}

static int name_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in an open directory that match, in their order. */
static bool names_read(DIR *all, const char *match, char ***names, size_t *count)
{
	const struct dirent *entry;
	while ((entry = readdir(all))) {
		if (fnmatch(match, entry->d_name, FNM_PERIOD))
			continue;
		char **name = array_add(names, count, sizeof(*name));
		if (!name || !(*name = strdup(entry->d_name)))
			return false;
	}
	if (*count)
		qsort(*names, *count, sizeof(**names), name_order);
	return true;
}

/* Appends those files of an open directory. */
static bool directory_append(struct reading *r, int fd, const char *name, const char *match,
			     const struct timespec *changed, char **text)
{
	char **names = NULL, path[PATH_MAX];
	size_t count = 0;
	CLEAN(close_directory) DIR *all = fdopendir(fd);
	if (!all) {
		close_fd(&fd);
		return refuse(r, CLIENTS_UNREADABLE, name);
	}
	/* One of its files may be gone. */
	bool ok = process_precedes(r->since, changed)       ? refuse(r, CLIENTS_CHANGED, name)
		  : !names_read(all, match, &names, &count) ? refuse(r, CLIENTS_UNREADABLE, name)
							    : true;
	for (size_t i = 0; i < count; i++) {
		int length = snprintf(path, sizeof(path), "%s/%s", name, names[i] ? names[i] : "");
		ok = ok && (length < PATH_MAX ? file_append(r, path, text)
					      : refuse(r, CLIENTS_PARTS, name));
		free(names[i]);
	}
	free(names);
	return ok;
}

/* Appends the file of that name, those of a directory that the server takes for one, or those that
 * a name with wildcards at its end means. */
static bool named_append(struct reading *r, const char *name, char **text)
{
	char directory[PATH_MAX];
	struct timespec changed;
	const char *base = strrchr(name, '/'), *wild = strpbrk(name, "*?[");
	if (!base || *name != '/' || (wild && wild < base))
		return refuse(r, CLIENTS_PARTS, name);
	if (!wild && !r->file->directory)
		return file_append(r, name, text);
	snprintf(directory, sizeof(directory), "%.*s",
		 wild ? (int)(base - name) : (int)strlen(name), name);
	int fd = machine_open_as(r->host, r->subject->pid, *directory ? directory : "/",
				 O_DIRECTORY, &changed, NULL);
	if (fd < 0)
		return wild ? refuse(r, CLIENTS_UNREADABLE, name) : file_append(r, name, text);
	return directory_append(r, fd, directory, wild ? base + 1 : r->file->directory, &changed,
				text);
}

/* Puts what a directive includes in its place. */
static bool included_read(struct reading *r, const struct edit_included *i)
{
	CLEAN(free_pointer) char *more = NULL;
	char name[PATH_MAX];
	char *text = r->out->text, *all;
	const char *slash = strrchr(r->out->file, '/');
	int length = *i->name == '/' ? snprintf(name, sizeof(name), "%s", i->name)
				     : snprintf(name, sizeof(name), "%.*s/%s",
						(int)(slash - r->out->file), r->out->file, i->name);
	/* Where the working directory counts, that of the start is not known. */
	if (length >= PATH_MAX || (*i->name != '/' && !r->file->prefix) || ++r->includes > INCLUDES)
		return refuse(r, CLIENTS_PARTS, NULL);
	if (!named_append(r, name, &more))
		return false;
	if (asprintf(&all, "%.*s%s%s", (int)i->begin, text, more ? more : "", text + i->end) < 0)
		return refuse(r, CLIENTS_UNREADABLE, name);
	free(text);
	r->out->text = all;
	return true;
}

/* Appends the words from `first` on, of a server that reads them as lines: "--name argument". */
static bool words_append(struct reading *r, const struct server_command *c, size_t first)
{
	for (size_t i = first; i < c->count; i++) {
		const char *word = c->word[i], *text = r->out->text ? r->out->text : "";
		bool begins = !strncmp(word, "--", 2);
		char *longer;
		if (strpbrk(word, "\"'\\") || !strcmp(word, "-") || (i == first && !begins))
			return refuse(r, CLIENTS_OPTION, word);
		if (asprintf(&longer, begins ? "%s\n%s" : "%s \"%s\"", text,
			     word + (begins ? 2 : 0)) < 0)
			return refuse(r, CLIENTS_UNREADABLE, word);
		free(r->out->text);
		r->out->text = longer;
	}
	return true;
}

/* The words of the command that name files; 0: none. */
static size_t words_find(const struct server_command *c, const struct server_file *file,
			 const char *words[SERVER_COMMAND_WORDS])
{
	size_t count = 0, at = 0;
	const char *name;
	if (!*file->option && c->count > 1 && *c->word[1] == '/')
		words[count++] = c->word[1];
	while (*file->option && count < SERVER_COMMAND_WORDS &&
	       server_command_option(c, file->option, &at, &name))
		words[count++] = name ? name : "";
	for (size_t i = 1; i < c->count && file->directory; i++)
		if (!strcmp(c->word[i], "--"))
			while (++i < c->count && count < SERVER_COMMAND_WORDS)
				words[count++] = c->word[i];
	return count;
}

/* Includes the other files, where directives may limit further: what is not known of them is left
 * out. */
static void further_read(struct reading *r)
{
	struct server_config *out = r->out;
	char file[sizeof(out->file)];
	struct edit_included i;
	snprintf(file, sizeof(file), "%s", out->file);
	for (size_t from = 0; edit_included_find(r->file, NULL, out->text, from, &i);) {
		from = included_read(r, &i) ? i.begin : i.end;
		out->state = CLIENTS_READ;
		snprintf(out->file, sizeof(out->file), "%s", file);
	}
}

void server_config_read(const struct host *h, const struct subject *s,
			const struct server_command *c, const char *usual,
			struct server_config *out)
{
	const struct server_row *row = subject_row(s);
	const struct server_file *file = &row->file;
	const char *words[SERVER_COMMAND_WORDS];
	struct reading r = {
		.host = h, .subject = s, .file = file, .out = out, .since = since_when(s, file)};
	struct edit_included included;
	size_t count = words_find(c, file, words);
	*out = (struct server_config){.state = CLIENTS_UNNAMED};
	if (!count && usual)
		words[count++] = usual;
	bool lines = !row->options && c->count > 1 && !strncmp(c->word[1], "--", 2);
	/* Of several only a server that takes directories reads all. */
	if ((!count && !lines) || c->count == SERVER_COMMAND_WORDS ||
	    (count > 1 && !file->directory))
		return;
	for (size_t i = 0; i < count; i++)
		if (*words[i] != '/')
			return;
	out->state = CLIENTS_READ;
	snprintf(out->file, sizeof(out->file), "%s", count ? words[0] : "");
	for (size_t i = 0; i < count; i++)
		if (!named_append(&r, words[i], &out->text))
			return;
	if (!row->options && !words_append(&r, c, count + 1))
		return;
	while (edit_included_find(file, &row->set[SERVER_CLIENTS], out->text ? out->text : "", 0,
				  &included))
		if (!included_read(&r, &included))
			return;
	if (out->text && row->set[SERVER_CLIENTS].further)
		further_read(&r);
}
