/* Which server a script is that an interpreter runs. */
#include "catalogue/server_command.h"

#include <stdio.h>
#include <string.h>

#include "epolltune/list.h"

/* Options with a word after them, and those in place of a script. */
static const struct {
	const char *names, *argument, *no_script;
} interpreters[] = {
	{"python*,pypy*", "-W,-X", "-c,-"},
	{"ruby*", "-I,-r,-C,-E", "-e,-"},
	{"perl*", "-I", "-e,-E,-"},
};
#define INTERPRETERS (sizeof(interpreters) / sizeof(*interpreters))

/* Its index; 0: there is none. */
static size_t script_word(const struct server_command *c)
{
	size_t of = 0;
	while (c->count && c->word[0] && of < INTERPRETERS &&
	       !process_named(interpreters[of].names, basename(c->word[0])))
		of++;
	if (!c->count || !c->word[0] || of == INTERPRETERS)
		return 0;
	for (size_t i = 1; i < c->count && c->word[i]; i++) {
		if (*c->word[i] != '-')
			return i;
		if (!of && !strcmp(c->word[i], "-m"))
			return i + 1 < c->count && c->word[i + 1] ? i + 1 : 0;
		if (list_has(interpreters[of].no_script, c->word[i]))
			return 0;
		i += list_has(interpreters[of].argument, c->word[i]);
	}
	return 0;
}

void server_script_skip(struct server_command *c)
{
	size_t script = script_word(c);
	c->count -= script;
	memmove(c->word, c->word + script, c->count * sizeof(*c->word));
}

void server_script_name(struct server_command *c, char *name, size_t size)
{
	const char *word = NULL;
	size_t script = script_word(c);
	if (script)
		word = c->word[script];
	else if (c->count == 1 && c->word[0] && strpbrk(c->word[0], " :"))
		word = c->word[0];
	name[0] = 0;
	if (!word)
		return;
	/* A title may name a path after the server, a module a part of its package. */
	size_t length = strcspn(word, script ? " " : " :");
	for (size_t i = length; i > 0; i--)
		if (word[i - 1] == '/') {
			word += i;
			length -= i;
			break;
		}
	if (script && !strcmp(c->word[script - 1], "-m"))
		length = strcspn(word, ".");
	snprintf(name, size, "%.*s", (int)length, word);
	const struct server_row *row = server_row_find(name);
	if (!row || !row->interpreted)
		name[0] = 0;
}
