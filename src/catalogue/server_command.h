/* server_command: the command that starts a server, as a text for sh -c: its words, and an option
 * more. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/catalogue.h"
#include "epolltune/err.h"

/* A simple command in a text for sh -c. */
#define SERVER_COMMAND_WORDS 64
struct server_command {
	bool first; /* nothing is before it that could change the working directory */
	size_t end; /* of its last word in the text, or of that before "--" */
	size_t count;
	const char *word[SERVER_COMMAND_WORDS]; /* without quotes, its program first; NULL: unknown,
					 since the shell expands it */
	char text[4096];
};
/* Finds the one that starts a process of that server. -ENOTSUP: none does, or several do. */
int server_command_find(const char *text, const struct server_row *row, struct server_command *out,
			struct err *e);
/* The words of a running one, a line each, which `text` keeps, without `title` before them; NULL:
 * it has none. */
void server_command_split(char *text, const char *title, struct server_command *out);
/* Leaves the words out that are before the script or the module of its interpreter; none, where its
 * program is no interpreter or runs no such file. */
void server_script_skip(struct server_command *c);
/* The name of a server of the catalogue that it is of: the file name of its script, the module of
 * python -m, or the first word of a title that it has written over its command, "gunicorn: …"; of
 * servers that are `interpreted` only. "": it is of none. */
void server_script_name(struct server_command *c, char *name, size_t size);
/* The argument of the next such option: "-c FILE", "-cFILE", "--name VALUE", "--name=VALUE". *at: 0
 * at first. False: there is none; *value NULL: it is unknown. */
bool server_command_option(const struct server_command *c, const char *option, size_t *at,
			   const char **value);
/* The first word that neither is an option that the row knows, apart from its argument, nor that;
 * NULL: all is understood. */
const char *server_command_unknown(const struct server_command *c, const struct server_row *row,
				   const struct server_setting *set);
/* The worker class that the command names, or else that of set->class_threads or the default one;
 * "": the shell expands it; NULL: the server has none. */
const char *server_command_class(const struct server_command *c, const struct server_setting *set);
/* Whether the command has one of set->class_options. */
bool server_command_names_class(const struct server_command *c, const struct server_setting *set);
/* Whether the option has an effect, by that class. */
bool server_command_acts(const struct server_command *c, const struct server_setting *set);
/* The text with an option more; the caller frees it. NULL: no memory. */
char *server_command_add(const char *text, const struct server_command *c, const char *option,
			 uint64_t value);
