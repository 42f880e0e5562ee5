/* The catalogue's texts agree with a number that is one: "1 packet was", not "1 packets were". */
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "../support/support.h"
#include "epolltune/catalogue.h"
#include "epolltune/wording.h"

#define NAMES_MAX 80

/* Names that have no number, and numbers that are never one. All others are set to 1. */
static const char *const texts[] = {
	"who",   "holder",  "server",      "listener", "process", "device",  "socket",  "cpu",
	"asked", "path",    "knob",        "file",     "qdisc",   "pid",     "address", "online",
	"share", "driver",  "value",       "parts",    "owner",   "subject", "worker",  "source",
	"now",   "further", "destination", "rest",     "front",
};
static const char *const several[] = {"group", "sockets", "looks",     "each",  "processes",
				      "cpus",  "ports",   "available", "theirs"};
/* They say that another number is not one. */
static const char *const plural[] = {"several", "several_stuck", "plural", "lacks"};

static const char *const wrong[] = {
	"1 ((more|new|open|half-open|handshake|source|other) )?([a-z]+s|SYNs|CPUs|are|were|have)",
	"1 [a-z-]+ (are|were|have|arrive|wait|drop|seem)",
	"1 of [^,.;:()]*[^,.;:() ] (are|were)",
};
/* Verbs and units. */
static const char *const right[] = {"is",   "was",     "has",     "does", "us",   "less",
				    "lets", "process", "address", "fs",   "times"};

static bool listed(const char *const *list, size_t count, const char *name, size_t length)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(list[i]) == length && !strncmp(list[i], name, length))
			return true;
	return false;
}
#define LISTED(list, name, length) listed(list, sizeof(list) / sizeof(*(list)), name, length)

static void name_set(struct wording *w, const char *name, size_t length)
{
	char own[16];
	snprintf(own, sizeof(own), "%.*s", (int)length, name);
	wording_set(w, own, "%s",
		    LISTED(texts, name, length)     ? "x"
		    : LISTED(plural, name, length)  ? ""
		    : LISTED(several, name, length) ? "2"
						    : "1");
}

static struct wording names_of(const char *text)
{
	struct wording w = {0};
	for (const char *at = text; (at = strchr(at, '{'));) {
		size_t length = strspn(++at, "abcdefghijklmnopqrstuvwxyz_0123456789");
		if (length)
			name_set(&w, at, length);
	}
	return w;
}

/* The last word of a match. */
static bool is_right(const char *text, const regmatch_t *m)
{
	int start = (int)m->rm_eo;
	while (start > m->rm_so && text[start - 1] != ' ')
		start--;
	bool part = m->rm_so >= 3 && !strncmp(text + m->rm_so - 3, "of ", 3);
	bool tail = m->rm_so && strchr("0123456789./=-", text[m->rm_so - 1]);
	return part || tail || LISTED(right, text + start, (size_t)(m->rm_eo - start));
}

static unsigned check(const char *id, const char *text)
{
	unsigned bad = 0;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		regex_t pattern;
		regmatch_t m;
		assert_int_equal(regcomp(&pattern, wrong[i], REG_EXTENDED), 0);
		for (const char *at = text; !regexec(&pattern, at, 1, &m, 0); at += m.rm_so + 1)
			if (strchr(" .,;:)", at[m.rm_eo]) && !is_right(at, &m)) {
				print_error("%s: \"%.*s\"\n", id, (int)(m.rm_eo - m.rm_so),
					    at + m.rm_so);
				bad++;
			}
		regfree(&pattern);
	}
	return bad;
}

/* All conditions hold, then each in turn does not. */
static unsigned numbers_are_one(const char *id, const char *text)
{
	char filled[4096];
	unsigned bad = 0;
	const struct wording all = names_of(text ? text : "");
	for (size_t i = 0; i <= all.count && text; i++) {
		struct wording w = all;
		if (i)
			w.at[i - 1].text[0] = 0;
		wording_fill(&w, text, filled, sizeof(filled));
		bad += check(id, filled);
	}
	return bad;
}

static void texts_agree_with_one(void **state)
{
	unsigned bad = 0;
	for (size_t i = 0; i < finding_row_count(); i++) {
		const struct finding_row *f = finding_row_at(i);
		const char *const of[] = {f->title, f->detail, f->advice, f->answer};
		for (size_t k = 0; k < sizeof(of) / sizeof(*of); k++)
			bad += numbers_are_one(f->id, of[k]);
	}
	for (size_t i = 0; i < wall_row_count(); i++)
		bad += numbers_are_one(wall_row_at(i)->name, wall_row_at(i)->detail);
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_agree_with_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
