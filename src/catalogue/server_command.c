#include "catalogue/server_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/list.h"

#define COMMAND_TEXT 64 /* of a name */

/* Of a line; more are read as commands. */
#define HERE 4

/* Goes through the words of a shell's text. */
struct shell {
	const char *text;
	size_t at;
	bool expands; /* the word has what only the shell knows */
	char *out;    /* the word without quotes */
	size_t room;
	/* Here-documents that begin behind the next newline. */
	size_t here_count;
	struct {
		char end[COMMAND_TEXT]; /* the line after it */
		bool tabs;              /* which may begin with tabs */
	} here[HERE];
};

static void put(struct shell *s, char c)
{
	if (s->room > 1) {
		*s->out++ = c;
		s->room--;
	} else {
		s->expands = true;
	}
}

/* Skips what begins with a dollar sign or a backquote. */
static void expansion_skip(struct shell *s)
{
	const char *text = s->text + s->at;
	size_t length = 1, depth = 0;
	s->expands = true;
	if (*text == '`') {
		length += strcspn(text + 1, "`");
		length += text[length] != 0;
	} else if (text[1] == '(' || text[1] == '{') {
		do {
			depth += text[length] == '(' || text[length] == '{';
			depth -= text[length] == ')' || text[length] == '}';
			length++;
		} while (depth && text[length]);
	}
	s->at += length;
}

/* This line and the next. */
#define SHELL_JOINS "\\\n"

static void double_quoted(struct shell *s)
{
	s->at++;
	while (s->text[s->at] && s->text[s->at] != '"') {
		char c = s->text[s->at];
		if (c == '$' || c == '`') {
			expansion_skip(s);
			continue;
		}
		if (!strncmp(s->text + s->at, SHELL_JOINS, 2)) {
			s->at += 2;
			continue;
		}
		if (c == '\\' && s->text[s->at + 1] && strchr("$`\"\\", s->text[s->at + 1]))
			c = s->text[++s->at];
		put(s, c);
		s->at++;
	}
	s->at += s->text[s->at] != 0;
}

#define SHELL_BLANKS " \t"
#define SHELL_ENDS ";&|\n(){}<>"

static void shell_word_read(struct shell *s)
{
	size_t begin = s->at;
	s->expands = false;
	while (s->text[s->at] && !strchr(SHELL_BLANKS SHELL_ENDS, s->text[s->at])) {
		char c = s->text[s->at];
		if (c == '\'') {
			for (s->at++; s->text[s->at] && s->text[s->at] != '\''; s->at++)
				put(s, s->text[s->at]);
			s->at += s->text[s->at] != 0;
		} else if (c == '"') {
			double_quoted(s);
		} else if (c == '$' || c == '`') {
			expansion_skip(s);
		} else if (!strncmp(s->text + s->at, SHELL_JOINS, 2)) {
			s->at += 2;
		} else {
			if (c == '\\' && s->text[s->at + 1])
				c = s->text[++s->at];
			else
				s->expands |= strchr("*?[", c) || (c == '~' && s->at == begin);
			put(s, c);
			s->at++;
		}
	}
	put(s, 0);
}

static bool is_assignment(const char *word)
{
	size_t name = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
				   "0123456789");
	return name && word[name] == '=';
}

static bool is_before_program(const char *word)
{
	static const char before[] = "exec,command,env,nohup,then,do,else,if";
	return is_assignment(word) || list_has(before, word);
}

static void blanks_skip(struct shell *s)
{
	for (;;) {
		s->at += strspn(s->text + s->at, SHELL_BLANKS);
		if (strncmp(s->text + s->at, SHELL_JOINS, 2))
			return;
		s->at += 2;
	}
}

/* Its operator and the word after that: ">>file", "2>&1" without the number. */
static void redirection_skip(struct shell *s)
{
	struct shell word = *s;
	char end[COMMAND_TEXT] = "";
	bool here = strspn(s->text + s->at, "<") == 2;
	word.at += strspn(s->text + s->at, "<>&|");
	bool tabs = here && s->text[word.at] == '-';
	word.at += tabs;
	blanks_skip(&word);
	word.out = end;
	word.room = sizeof(end);
	shell_word_read(&word);
	s->at = word.at;
	if (!here || word.expands || s->here_count == HERE)
		return;
	memcpy(s->here[s->here_count].end, end, sizeof(end));
	s->here[s->here_count++].tabs = tabs;
}

/* Behind a newline. */
static void here_skip(struct shell *s)
{
	for (size_t i = 0; i < s->here_count; i++) {
		const char *end = s->here[i].end;
		for (bool ended = false; !ended && s->text[s->at];) {
			const char *line = s->text + s->at;
			size_t length = strcspn(line, "\n");
			size_t tabs = s->here[i].tabs ? strspn(line, "\t") : 0;
			ended = length - tabs == strlen(end) &&
				!strncmp(line + tabs, end, strlen(end));
			s->at += length + (line[length] != 0);
		}
	}
	s->here_count = 0;
}

/* Reads one simple command; false at the end of the text. */
static bool command_next(struct shell *s, struct server_command *c)
{
	bool options_end = false;
	*c = (struct server_command){.first = c->first};
	s->out = c->text;
	s->room = sizeof(c->text);
	for (;;) {
		blanks_skip(s);
		char now = s->text[s->at];
		if (now == '<' || now == '>') {
			redirection_skip(s);
			continue;
		}
		if (now == '#')
			s->at += strcspn(s->text + s->at, "\n");
		if (!now || strchr(SHELL_ENDS, s->text[s->at]))
			break;
		size_t begin = s->at;
		const char *word = s->out;
		shell_word_read(s);
		char after = s->text[s->at];
		bool redirects = after && strchr("<>", after) &&
				 strspn(s->text + begin, "0123456789") == s->at - begin;
		if (redirects || (!c->count && !s->expands && is_before_program(word)))
			continue;
		options_end |= !s->expands && !strcmp(word, "--");
		if (!options_end)
			c->end = s->at;
		if (c->count < SERVER_COMMAND_WORDS)
			c->word[c->count++] = s->expands ? NULL : word;
	}
	bool more = s->text[s->at], line = s->text[s->at] == '\n';
	s->at += more;
	if (line)
		here_skip(s);
	return more || c->count;
}

void server_command_split(char *text, const char *title, struct server_command *c)
{
	size_t length = title ? strlen(title) : 0;
	bool titled = length && !strncmp(text, title, length);
	char *rest = NULL;
	*c = (struct server_command){.first = true};
	for (char *word = strtok_r(text + (titled ? length : 0), titled ? " \n" : "\n", &rest);
	     word && c->count < SERVER_COMMAND_WORDS;
	     word = strtok_r(NULL, titled ? " \n" : "\n", &rest))
		c->word[c->count++] = word;
}

int server_command_find(const char *text, const struct server_row *row, struct server_command *out,
			struct err *e)
{
	struct shell s = {.text = text};
	struct server_command c = {.first = true};
	size_t found = 0;
	while (command_next(&s, &c)) {
		server_script_skip(&c);
		if (c.count && c.word[0] && server_row_find(basename(c.word[0])) == row) {
			*out = c;
			for (size_t i = 0; i < c.count; i++)
				out->word[i] = c.word[i] ? out->text + (c.word[i] - c.text) : NULL;
			found++;
		}
		c.first &= !c.count;
	}
	if (found == 1)
		return 0;
	return err_set(e, ENOTSUP,
		       found ? "the command starts %s more than once"
			     : "the command does not start %s itself",
		       row->name);
}

bool server_command_option(const struct server_command *c, const char *option, size_t *at,
			   const char **value)
{
	size_t length = strlen(option);
	for (size_t i = *at ? *at : 1; i < c->count; i++) {
		const char *word = c->word[i];
		if (word && !strcmp(word, "--"))
			return false;
		if (!word || strncmp(word, option, length))
			continue;
		bool is_long = option[1] == '-';
		if (!word[length]) {
			*value = i + 1 < c->count ? c->word[i + 1] : NULL;
			*at = i + 2;
			return true;
		}
		if (!is_long || word[length] == '=') {
			*value = word + length + is_long;
			*at = i + 1;
			return true;
		}
	}
	return false;
}

/* The words that follow an option as its arguments: of so many. */
static bool option_takes(const char *options, const char *word, size_t length, char *takes)
{
	struct list_item item;
	while (list_next(&options, &item)) {
		bool marked = strchr(":+", item.text[item.length - 1]);
		*takes = marked ? item.text[item.length - 1] : 0;
		if ((size_t)(item.length - marked) == length && !strncmp(item.text, word, length))
			return true;
	}
	return false;
}

const char *server_command_unknown(const struct server_command *c, const struct server_row *row,
				   const struct server_setting *set)
{
	const char *const of_row[] = {set->option, set->long_option, row->file.option};
	for (size_t i = 1; i < c->count; i++) {
		const char *word = c->word[i] ? c->word[i] : "";
		size_t length = strncmp(word, "--", 2) ? strlen(word) : strcspn(word, "=");
		char takes = 0;
		bool known = *word != '-' && list_has(row->options, "*");
		if (!strcmp(word, "--") && row->file.directory)
			return NULL;
		for (size_t k = 0; !known && k < sizeof(of_row) / sizeof(*of_row); k++)
			if (of_row[k] && strlen(of_row[k]) == length &&
			    !strncmp(of_row[k], word, length)) {
				known = true;
				takes = ':';
			}
		known = known || option_takes(row->options, word, length, &takes);
		if (!known || (takes == ':' && !word[length] && ++i == c->count))
			return word;
		while (takes == '+' && i + 1 < c->count && c->word[i + 1] && *c->word[i + 1] != '-')
			i++;
	}
	return c->count == SERVER_COMMAND_WORDS ? c->word[0] : NULL;
}

/* That of the last of set->class_options; NULL: none is there. */
static const char *class_named(const struct server_command *c, const struct server_setting *set)
{
	const char *class = NULL, *value;
	size_t last = 0;
	struct list_item item;
	for (const char *names = set->class_options; list_next(&names, &item);) {
		char name[COMMAND_TEXT];
		snprintf(name, sizeof(name), "%.*s", item.length, item.text);
		for (size_t at = 0; server_command_option(c, name, &at, &value);)
			if (at > last) {
				last = at;
				class = value ? value : "";
			}
	}
	return class;
}

bool server_command_names_class(const struct server_command *c, const struct server_setting *set)
{
	return class_named(c, set);
}

const char *server_command_class(const struct server_command *c, const struct server_setting *set)
{
	const char *named = class_named(c, set), *class = named ? named : set->class_default;
	const char *threads = "1";
	size_t at = 0;
	if (!class || !set->class_threads || strcmp(class, set->class_default) != 0)
		return class;
	while (server_command_option(c, set->class_threads, &at, &threads))
		;
	if (!threads || threads[strspn(threads, "0123456789")])
		return "";
	return strtoull(threads, NULL, 10) > 1 ? set->class_threaded : class;
}

bool server_command_acts(const struct server_command *c, const struct server_setting *set)
{
	return !set->class_options || list_has(set->classes, server_command_class(c, set));
}

char *server_command_add(const char *text, const struct server_command *c, const char *option,
			 uint64_t value)
{
	char *out;
	int length = asprintf(&out, "%.*s %s %llu%s", (int)c->end, text, option,
			      (unsigned long long)value, text + c->end);
	return length < 0 ? NULL : out;
}
