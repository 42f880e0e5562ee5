/* server_scan: the directives of a server's configuration, one after the other, in the syntax that
 * its row of the catalogue names. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/catalogue.h"
#include "epolltune/err.h"

#define SCAN_TEXT 64 /* of a name, a word or a section; longer ones are cut */
#define SCAN_WORDS 64
#define SCAN_DEPTH 16

/* From `begin` to before `end`, with its quotes. */
struct scan_word {
	size_t begin, end;
};

struct scan {
	const char *text;
	const struct server_file *file;
	size_t at;
	char section[SCAN_DEPTH][SCAN_TEXT]; /* those around it, the innermost last */
	size_t depth;
	struct scan_word word[SCAN_WORDS]; /* of the directive, its name first */
	size_t count;
	bool opens; /* it begins a section */
};

/* `around`: the section that includes the text; "": none. */
struct scan scan_begin(const struct server_file *file, const char *text, const char *around);
/* The next directive; scan_enter() after it enters the section that it begins, if any. */
bool scan_next(struct scan *s);
void scan_enter(struct scan *s);
/* The innermost section around the directive; "": none. */
const char *scan_section(const struct scan *s);
/* Whether it is that one; NULL: any. */
bool scan_section_is(const struct scan *s, const char *section);
/* Whether a text has the section of a limit; of lines it need not. */
bool scan_section_has(const struct server_file *file, const struct server_setting *set,
		      const char *text);
/* A word without the quotes around it. */
void scan_word_copy(const struct scan *s, size_t i, char *out, size_t size);
bool scan_word_is(const struct scan *s, size_t i, const char *text);
/* The same of the first word, with the case that the server minds. */
bool scan_name_is(const struct scan *s, const char *text);
/* Whether the directive begins with these words. */
bool scan_words_begin(const struct scan *s, const char *words);
/* Whether one of its words behind the name begins so. */
bool scan_has_word(const struct scan *s, const char *beginning);
/* Whether it is of a listener of UDP or QUIC. */
bool scan_is_datagram(const struct scan *s);
/* The number that follows so many characters of a word. -ENOTSUP: it is no plain number. */
int scan_number(const struct scan *s, size_t i, size_t skip, uint64_t *value, struct err *e);
/* The next word, from i on, that has the number of the parameter, behind so many characters; 0:
 * there is none. */
size_t scan_parameter_find(const struct scan *s, const char *parameter, size_t i, size_t *skip);
