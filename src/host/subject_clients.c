/* Reads how many connections a running server allows itself: from its command, or the file that the
 * command names. Files that this one includes are not read. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/edit.h"
#include "epolltune/subject.h"

/* nginx writes "nginx: master process COMMAND" over its command. */
#define TITLE " process "

/* The words of the command, which `text` keeps. */
static void command_split(char *text, struct edit_command *c)
{
	const char *ends = strstr(text, TITLE) ? " \n" : "\n";
	char *rest = NULL;
	*c = (struct edit_command){.first = true};
	for (char *word = strtok_r(text, ends, &rest); word && c->count < EDIT_WORDS;
	     word = strtok_r(NULL, ends, &rest))
		c->word[c->count++] = word;
}

/* The last value of an option; false: it is not there, or not a number. */
static bool option_number(const struct edit_command *c, const char *option, uint64_t *number)
{
	const char *value = NULL;
	char *end;
	for (size_t at = 0; edit_command_option(c, option, &at, &value);)
		;
	if (!value || *value < '0' || *value > '9')
		return false;
	*number = strtoull(value, &end, 10);
	return !*end;
}

/* The file with the configuration; NULL: none is known. */
static const char *file_named(const struct edit_command *c, const struct server_file *file)
{
	const char *name = file->usual;
	if (!file->option)
		return NULL;
	if (!*file->option)
		return c->count > 1 && *c->word[1] == '/' ? c->word[1] : name;
	for (size_t at = 0; edit_command_option(c, file->option, &at, &name);)
		;
	return name && *name == '/' ? name : NULL;
}

/* As the server sees it, or this process where it may not look there. */
static int file_read(const struct host *h, pid_t pid, const char *name, char **text, struct err *e)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "proc/%d/root%s", (int)pid, name);
	ssize_t size = host_read_all(h, path, text, NULL);
	if (size == -EACCES || size == -EPERM)
		size = host_read_all(h, name + 1, text, e);
	return size < 0 ? err_set(e, ENOENT, "cannot read %s", name) : 0;
}

int subject_clients_read(const struct host *h, const struct subject *s, struct subject_clients *out,
			 struct err *e)
{
	const struct server_row *row = server_row_find(s->name);
	const struct server_setting *set = row ? &row->set[SERVER_CLIENTS] : NULL;
	CLEAN(free_pointer) char *command = NULL, *text = NULL;
	struct edit_command c;
	struct edited edited = {.present = EDIT_NONE};
	char path[64];
	if (!set || (!set->directive && !set->option))
		return err_set(e, ENOTSUP, "epolltune does not know how %s is configured", s->name);
	snprintf(path, sizeof(path), "proc/%d/cmdline", (int)s->pid);
	ssize_t size = host_read_strings(h, path, &command, e);
	if (size < 0)
		return (int)size;
	command_split(command, &c);
	if (set->option && option_number(&c, set->option, &out->limit)) {
		snprintf(out->where, sizeof(out->where), "%s of its command", set->option);
		return 0;
	}
	const char *file = set->directive ? file_named(&c, &row->file) : NULL;
	int rc = file ? file_read(h, s->pid, file, &text, e) : -ENOENT;
	struct edit_addresses addresses = {0};
	const struct edit edit = {&row->file, set, "", 0, &addresses};
	if (!rc)
		rc = edit_text(&edit, text, "", &edited, e);
	free(edited.text);
	if (rc || edited.present == EDIT_NONE)
		return err_set(e, ENOENT, "the limit of %s is not visible", row->name);
	out->limit = edited.present;
	snprintf(out->where, sizeof(out->where), "%s of %s", set->directive, file);
	return 0;
}
