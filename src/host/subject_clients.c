/* Reads how many connections a running server allows itself: from its command, or the files that
 * the command names. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/edit.h"
#include "epolltune/subject.h"
#include "host/machine.h"
#include "host/processes.h"
#include "host/server_config.h"
#include "host/unit_command.h"

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

/* The number that an option has; EDIT_NONE: it is not there. False: it is not a plain number. */
static bool option_number(const struct edit_command *c, const char *option, uint64_t *number)
{
	const char *value = NULL;
	char *end = NULL;
	bool found = false;
	for (size_t at = 0; option && edit_command_option(c, option, &at, &value);)
		found = true;
	*number = EDIT_NONE;
	if (!found)
		return true;
	if (!value || *value < '0' || *value > '9')
		return false;
	*number = strtoull(value, &end, 10);
	return !*end;
}

/* Whether a word may have a short option behind others: "-vc 100". */
static bool option_hides(const struct edit_command *c, const char *option)
{
	if (!option || option[1] == '-')
		return false;
	for (size_t i = 1; i < c->count; i++)
		if (c->word[i][0] == '-' && c->word[i][1] && c->word[i][1] != '-' &&
		    strchr(c->word[i] + 2, option[1]))
			return true;
	return false;
}

/* Whether the server is the distribution's, by its file or, where another user's is not visible, by
 * its command. */
static bool is_distributed(const struct host *h, const struct subject *s,
			   const struct edit_command *c, const char *program)
{
	char file[PATH_MAX];
	size_t length = strlen(program);
	CLEAN(close_fd) int process = process_open(h, s->pid, NULL);
	ssize_t size = process < 0 ? -1 : readlinkat(process, "exe", file, sizeof(file) - 1);
	if (size < 0)
		return c->count && !strcmp(c->word[0], program);
	file[size] = 0;
	/* An update has replaced it: "/usr/sbin/nginx (deleted)". */
	return !strncmp(file, program, length) && (!file[length] || file[length] == ' ');
}

/* The command of its unit, if that starts such a server. */
static bool unit_find(const struct host *h, const struct subject *s, const struct server_row *row,
		      char **text, struct edit_command *c)
{
	if (unit_command_read(h, unit_service(s->unit), s->started, text, c))
		return false;
	const char *slash = strrchr(c->word[0], '/');
	return server_row_find(slash ? slash + 1 : c->word[0]) == row;
}

/* The addresses of its listeners of connections; "": all, as they do not fit. */
static void listeners_list(const struct subject *s, char *list, size_t size)
{
	size_t used = 0;
	list[0] = 0;
	for (size_t i = 0; i < s->listeners.count && used < size; i++)
		if (s->listeners.at[i].kind != LISTENER_UDP)
			used += (size_t)snprintf(list + used, size - used, "%s%s", used ? "," : "",
						 s->listeners.at[i].address);
	if (used >= size)
		list[0] = 0;
}

/* The limit that the files set; `number`: the option of the command, which replaces that of all
 * sections. */
static void files_read(const struct host *h, const struct subject *s, const struct server_row *row,
		       const struct edit_command *c, uint64_t number, struct subject_clients *out)
{
	const struct server_setting *set = &row->set[SERVER_CLIENTS];
	struct edit_limit limit;
	struct server_config config;
	char listeners[4096];
	bool usual = row->file.usual && is_distributed(h, s, c, row->file.program);
	server_config_read(h, s, c, usual, &config);
	listeners_list(s, listeners, sizeof(listeners));
	out->state = config.state;
	snprintf(out->file, sizeof(out->file), "%.127s", config.file);
	if (out->state == CLIENTS_READ &&
	    edit_limit(&row->file, set, listeners, config.text ? config.text : "", number, &limit,
		       NULL))
		out->state = CLIENTS_INVALID;
	else if (out->state == CLIENTS_READ && limit.elsewhere)
		out->state = CLIENTS_PARTS;
	free(config.text);
	if (out->state != CLIENTS_READ)
		return;
	out->preset = limit.value == EDIT_NONE;
	out->limit = out->preset ? set->preset : limit.value;
	out->several = limit.least != limit.value;
	out->least = limit.least;
	if (set->narrower && strcmp(limit.section, set->section) != 0)
		snprintf(out->section, sizeof(out->section), "%.31s", limit.section);
	if (number != EDIT_NONE && !out->section[0])
		out->file[0] = 0;
	else
		out->name = set->directive;
}

static void command_read(const struct host *h, const struct subject *s,
			 const struct server_row *row, const struct edit_command *c,
			 struct subject_clients *out)
{
	const struct server_setting *set = &row->set[SERVER_CLIENTS];
	uint64_t number = EDIT_NONE, other = EDIT_NONE;
	bool plain = option_number(c, set->option, &number) &&
		     option_number(c, set->long_option, &other);
	bool given = number != EDIT_NONE || other != EDIT_NONE, first = number != EDIT_NONE;
	out->name = first || !given ? set->option : set->long_option;
	if (!plain || (number != EDIT_NONE && other != EDIT_NONE)) {
		out->state = CLIENTS_OPTION;
	} else if (given && !edit_command_acts(c, set)) {
		out->state = CLIENTS_NONE;
	} else if (given && !set->narrower) {
		out->state = CLIENTS_READ;
		out->limit = first ? number : other;
	} else if (set->directive) {
		out->name = given ? out->name : set->directive;
		files_read(h, s, row, c, number, out);
	} else if (set->preset) {
		out->state = option_hides(c, set->option) ? CLIENTS_JOINED : CLIENTS_READ;
		out->preset = true;
		out->limit = set->preset;
	}
}

/* Whether the server has written a title over its command: one text with blanks. */
static bool is_title(const struct edit_command *c)
{
	return c->count == 1 && strchr(c->word[0], ' ');
}

int subject_clients_read(const struct host *h, const struct subject *s, struct subject_clients *out,
			 struct err *e)
{
	const struct server_row *row = server_row_find(s->name);
	const struct server_setting *set = row ? &row->set[SERVER_CLIENTS] : NULL;
	CLEAN(free_pointer) char *command = NULL, *unit = NULL;
	CLEAN(free_pointer) struct edit_command *c = malloc(sizeof(*c));
	char path[64];
	*out = (struct subject_clients){0};
	if (!c)
		return err_set(e, ENOMEM, "no memory for a command");
	if (!set || (!set->directive && !set->option))
		return err_set(e, ENOTSUP, "epolltune does not know how %s is configured", s->name);
	snprintf(path, sizeof(path), "proc/%d/cmdline", (int)s->pid);
	out->state = CLIENTS_COMMAND;
	if (host_read_strings(h, path, &command, NULL) < 0)
		return 0;
	command_split(command, c);
	out->state = CLIENTS_NONE;
	if (row->file.overwrites && is_title(c) && !unit_find(h, s, row, &unit, c)) {
		out->state = CLIENTS_UNNAMED;
		out->name = set->directive;
	} else {
		command_read(h, s, row, c, out);
	}
	return 0;
}
