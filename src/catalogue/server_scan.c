#include "catalogue/server_scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "epolltune/list.h"

struct scan scan_begin(const struct server_file *file, const char *text, const char *around)
{
	struct scan s = {.text = text, .file = file, .depth = *around != 0};
	snprintf(s.section[0], SCAN_TEXT, "%s", around);
	return s;
}

const char *scan_section(const struct scan *s)
{
	return s->depth ? s->section[(s->depth < SCAN_DEPTH ? s->depth : SCAN_DEPTH) - 1] : "";
}

static void section_enter(struct scan *s, const char *name, size_t length)
{
	if (s->depth < SCAN_DEPTH)
		snprintf(s->section[s->depth], SCAN_TEXT, "%.*s", (int)length, name);
	s->depth++;
}

/* Whether nothing goes on behind it: of lines, also at the end of one. */
static bool is_end(const struct server_file *file, char c)
{
	return !c || (c == '\n' && file->syntax != SERVER_BLOCKS);
}

/* To the end of a quoted part. */
static size_t quoted_end(const struct server_file *file, const char *text, size_t at)
{
	char quote = text[at++];
	bool escapes = quote == '"' || !file->literal;
	while (!is_end(file, text[at]) && text[at] != quote)
		at += escapes && text[at] == '\\' && !is_end(file, text[at + 1]) ? 2 : 1;
	return at + (text[at] == quote);
}

/* Reads a word, which ends before a blank or one of `ends`. */
static void word_read(struct scan *s, const char *ends)
{
	size_t begin = s->at, at = begin;
	const char *text = s->text, *braces = s->file->syntax != SERVER_BLOCKS ? "}\n" : "}";
	while (text[at] && !strchr(ends, text[at])) {
		bool quotes = text[at] == '"' || text[at] == '\'';
		/* nginx takes a quote inside of a word as any character. */
		if (quotes && (at == begin || s->file->syntax != SERVER_BLOCKS))
			at = quoted_end(s->file, text, at);
		else if (text[at] == '\\' && !is_end(s->file, text[at + 1]))
			at += 2;
		else if (text[at] == '$' && text[at + 1] == '{') {
			at += strcspn(text + at, braces);
			at += text[at] == '}';
		} else
			at++;
	}
	if (s->count < SCAN_WORDS)
		s->word[s->count++] = (struct scan_word){begin, at};
	s->at = at;
}

static bool blocks_next(struct scan *s)
{
	s->count = 0;
	for (;;) {
		s->at += strspn(s->text + s->at, " \t\r\n");
		char c = s->text[s->at];
		if (!c)
			return false;
		if (c == '#') {
			s->at += strcspn(s->text + s->at, "\n");
		} else if (c == '}') {
			s->at++;
			s->count = 0;
			s->depth -= s->depth > 0;
		} else if (c == ';' || c == '{') {
			s->at++;
			s->opens = c == '{';
			if (s->opens || s->count)
				return true;
		} else {
			word_read(s, " \t\r\n;{}");
		}
	}
}

static bool lines_next(struct scan *s)
{
	const bool assigns = s->file->syntax == SERVER_ASSIGNMENTS;
	const char *between = assigns ? " \t=" : " \t", *comment = assigns ? ";" : "#";
	do {
		s->count = 0;
		s->at += strspn(s->text + s->at, " \t\r\n");
		if (!s->text[s->at])
			return false;
		while (s->text[s->at] && !strchr("\r\n", s->text[s->at]) &&
		       s->text[s->at] != *comment) {
			word_read(s, assigns ? " \t\r\n=;" : " \t\r\n");
			s->at += strspn(s->text + s->at, between);
		}
		s->at += strcspn(s->text + s->at, "\n");
	} while (!s->count);
	size_t length = s->word[0].end - s->word[0].begin;
	struct list_item item;
	s->opens = false;
	for (const char *names = s->file->sections; list_next(&names, &item);)
		s->opens |= (size_t)item.length == length &&
			    !strncmp(item.text, s->text + s->word[0].begin, length);
	return true;
}

bool scan_next(struct scan *s)
{
	return s->file->syntax == SERVER_BLOCKS ? blocks_next(s) : lines_next(s);
}

void scan_enter(struct scan *s)
{
	if (!s->opens)
		return;
	if (s->file->syntax == SERVER_LINES)
		s->depth = 0;
	size_t length = s->count ? s->word[0].end - s->word[0].begin : 0;
	section_enter(s, s->text + (s->count ? s->word[0].begin : 0), length);
}

void scan_word_copy(const struct scan *s, size_t i, char *out, size_t size)
{
	struct scan_word w = s->word[i];
	char first = s->text[w.begin];
	if ((first == '"' || first == '\'') && w.end - w.begin > 1) {
		w.begin++;
		w.end--;
	}
	snprintf(out, size, "%.*s", (int)(w.end - w.begin), s->text + w.begin);
}

bool scan_word_is(const struct scan *s, size_t i, const char *text)
{
	char word[SCAN_TEXT] = "";
	if (i < s->count)
		scan_word_copy(s, i, word, sizeof(word));
	return !strcmp(word, text);
}

bool scan_name_is(const struct scan *s, const char *text)
{
	char word[SCAN_TEXT] = "";
	if (!s->file->folds)
		return scan_word_is(s, 0, text);
	if (s->count)
		scan_word_copy(s, 0, word, sizeof(word));
	return !strcasecmp(word, text);
}

bool scan_section_is(const struct scan *s, const char *section)
{
	return !section || !strcmp(scan_section(s), section);
}

bool scan_words_begin(const struct scan *s, const char *words)
{
	size_t i = 0;
	for (const char *at = words; *at; i++) {
		char word[SCAN_TEXT];
		size_t length = strcspn(at, " ");
		snprintf(word, sizeof(word), "%.*s", (int)length, at);
		if (!(i ? scan_word_is(s, i, word) : scan_name_is(s, word)))
			return false;
		at += length + (at[length] != 0);
	}
	return true;
}

int scan_number(const struct scan *s, size_t i, size_t skip, uint64_t *value, struct err *e)
{
	char name[SCAN_TEXT], text[SCAN_TEXT], *end;
	scan_word_copy(s, 0, name, sizeof(name));
	scan_word_copy(s, i, text, sizeof(text));
	*value = strtoull(text + skip, &end, 10);
	if (!*end && text[skip] >= '0' && text[skip] <= '9')
		return 0;
	return err_set(e, ENOTSUP, "%s is not a plain number: \"%s\"", name, text + skip);
}

bool scan_is_datagram(const struct scan *s)
{
	for (size_t i = 2; i < s->count; i++)
		if (scan_word_is(s, i, "quic") || scan_word_is(s, i, "udp"))
			return true;
	return false;
}

size_t scan_parameter_find(const struct scan *s, const char *parameter, size_t i, size_t *skip)
{
	size_t length = strlen(parameter);
	bool apart = parameter[length - 1] == ' ';
	for (; i < s->count; i++) {
		char word[SCAN_TEXT];
		scan_word_copy(s, i, word, sizeof(word));
		if (strncmp(word, parameter, length - apart) || (apart && word[length - 1]))
			continue;
		*skip = apart ? 0 : length;
		return apart && i + 1 < s->count ? i + 1 : i;
	}
	return 0;
}

bool scan_has_word(const struct scan *s, const char *beginning)
{
	bool has = false;
	for (size_t i = 1; i < s->count && !has; i++) {
		char word[SCAN_TEXT];
		scan_word_copy(s, i, word, sizeof(word));
		has = !strncmp(word, beginning, strlen(beginning));
	}
	return has;
}

bool scan_section_has(const struct server_file *file, const struct server_setting *set,
		      const char *text)
{
	struct scan s = scan_begin(file, text, "");
	bool has = file->syntax == SERVER_LINES || !*set->section;
	while (!has && scan_next(&s)) {
		has = s.opens && !s.depth && scan_word_is(&s, 0, set->section);
		scan_enter(&s);
	}
	return has;
}
