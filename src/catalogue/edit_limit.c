#include <stdio.h>
#include <string.h>

#include "catalogue/edit.h"
#include "catalogue/server_address.h"
#include "epolltune/list.h"

/* What a limit is at least and at most. */
struct range {
	uint64_t least, most;
	bool preset; /* nothing sets it */
};

/* Of a section that does not set it. */
static struct range unset_of(const struct server_setting *set)
{
	uint64_t value = set->narrower_preset ? set->narrower_preset : EDIT_NONE;
	return (struct range){value, value, true};
}

static uint64_t lower_of(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t sum_of(uint64_t a, uint64_t b) { return a > EDIT_NONE - b ? EDIT_NONE : a + b; }

/* A section of set->narrower, and those before it. */
struct narrower {
	const char *listeners;
	char first[SCAN_TEXT], name[SCAN_TEXT];
	uint64_t own; /* EDIT_NONE: no limit */
	bool has_own;
	struct range sockets;     /* by the parameters of its directives with addresses */
	bool serves;              /* it may have one of the listeners */
	bool inherits;            /* from one of the first kind that it names */
	struct range unset;       /* of one that does not set it */
	struct range before, any; /* of the last of the first kind, of all of them */
	uint64_t sum;             /* of those that serve */
	uint64_t served;          /* listeners, a bit each */
	uint64_t apart;           /* the same of what serves none of its clients */
	bool conditional;         /* parts of the text may not count */
	const char *further;      /* of the section, as struct edit_limit has it */
};

/* Which of the listeners a directive with addresses, "*:80,:8080", as that word may have, a bit
 * each. */
static uint64_t listeners_served(const struct scan *s, size_t word, const char *listeners)
{
	char text[SCAN_TEXT * 4];
	uint64_t served = 0;
	struct list_item item, other;
	scan_word_copy(s, word, text, sizeof(text));
	for (const char *list = text; list_next(&list, &item);) {
		char bound[SCAN_TEXT * 4];
		const char *all = listeners;
		snprintf(bound, sizeof(bound), "%.*s", item.length, item.text);
		for (uint64_t bit = 1; bit && list_next(&all, &other); bit <<= 1) {
			char listener[SCAN_TEXT * 4];
			snprintf(listener, sizeof(listener), "%.*s", other.length, other.text);
			if (!other.length || server_address_serves(bound, listener))
				served |= bit;
		}
	}
	return served;
}

static void narrower_end(struct narrower *n, struct edit_limit *out)
{
	bool first = !strcmp(n->name, n->first), own = n->has_own;
	struct range r = n->inherits && n->any.most ? n->any : first ? n->unset : n->before;
	if ((first || n->serves) && !out->further)
		out->further = n->further;
	if (own)
		r = (struct range){n->own, n->own, false};
	if (first) {
		n->before = r;
		n->any.least = lower_of(n->any.least, r.least);
		n->any.most = r.most > n->any.most ? r.most : n->any.most;
	} else if (n->serves) {
		bool here = own || n->sockets.least < r.least;
		const char *section = here || r.preset ? n->name : n->first;
		uint64_t least = lower_of(r.least, n->sockets.least);
		if (least < out->least) {
			out->least = least;
			out->preset = r.preset && !here;
			snprintf(out->section, sizeof(out->section), "%s", section);
		}
		n->sum = sum_of(n->sum, lower_of(r.most, n->sockets.most));
	}
}

/* Whether a word is one with a port, be it with the name of a family. */
static bool is_plain(const struct scan *s, size_t word)
{
	char text[SCAN_TEXT * 4];
	scan_word_copy(s, word, text, sizeof(text));
	const char *at = strchr(text, '@');
	return strchr(text, ':') && server_address_is_digits(at ? at + 1 : text);
}

/* Whether a directive with addresses makes one socket, which its parameters are of. */
static bool is_one_socket(const struct scan *s)
{
	char text[SCAN_TEXT * 4];
	scan_word_copy(s, 1, text, sizeof(text));
	bool one = server_address_is_digits(text);
	for (size_t i = 2; i < s->count; i++)
		one &= !scan_word_is(s, i, s->file->splits);
	return one;
}

static int narrower_next(struct narrower *n, const struct scan *s, const struct server_setting *set,
			 struct edit_limit *out, struct err *e)
{
	uint64_t value, parameter = EDIT_NONE;
	n->conditional |= s->text[s->word[0].begin] == s->file->condition ||
			  scan_word_is(s, 0, s->file->splits_all);
	if (s->opens) {
		narrower_end(n, out);
		n->has_own = false;
		n->sockets = (struct range){EDIT_NONE, 0, false};
		n->serves = n->inherits = false;
		n->further = NULL;
		scan_word_copy(s, 0, n->name, sizeof(n->name));
		for (size_t i = 1; i < s->count; i++)
			n->inherits |= scan_word_is(s, i, s->file->inherits);
	}
	if (s->opens || !list_has(set->narrower, n->name))
		return 0;
	uint64_t served = scan_word_is(s, 0, s->file->listens) && s->count > 1
				  ? listeners_served(s, 1, n->listeners)
				  : 0;
	for (size_t i = 0; i + 1 < s->count; i++) {
		if (!scan_word_is(s, i, set->directive) || (i && !served))
			continue;
		int rc = scan_number(s, i + 1, 0, &value, e);
		if (rc)
			return rc;
		/* 0: none, also where the section above has one. */
		value = value ? value : EDIT_NONE;
		n->has_own |= !i;
		out->sections = true;
		*(i ? &parameter : &n->own) = value;
	}
	if (served) {
		n->serves = true;
		n->served |= served;
		n->sockets.least = lower_of(n->sockets.least, parameter);
		n->sockets.most = sum_of(n->sockets.most, is_one_socket(s) ? parameter : EDIT_NONE);
	}
	return 0;
}

/* Takes the listeners that a directive of set->apart has for sure. */
static void apart_take(const struct scan *s, const struct server_setting *set, struct narrower *n)
{
	for (const struct server_apart *a = set->apart; a && a->words; a++)
		if (list_has(a->sections, scan_section(s)) && scan_words_begin(s, a->words) &&
		    a->address < s->count && is_plain(s, a->address))
			n->apart |= listeners_served(s, a->address, n->listeners);
}

/* Joins what the sections allow with the limit above them. */
static void narrower_join(struct narrower *n, const struct server_setting *set,
			  struct edit_limit *out)
{
	uint64_t all = 0, bit = 1;
	struct list_item item;
	narrower_end(n, out);
	for (const char *list = n->listeners; bit && list_next(&list, &item); bit <<= 1)
		/* What no directive may name is for commands: "stats socket", "-S". */
		all |= server_address_is_local(item.text) ? 0 : bit;
	bool found = n->served && !(all & ~n->served & ~n->apart);
	bool preset = out->value == EDIT_NONE;
	if (preset)
		out->value = n->unset.most;
	if (out->value <= out->least) {
		snprintf(out->section, sizeof(out->section), "%s", set->section);
		out->preset = preset && out->value != EDIT_NONE;
	}
	out->sections |= set->narrower_preset != 0;
	out->shared = out->value;
	out->least = found ? lower_of(out->value, out->least) : 0;
	out->value = found ? lower_of(out->value, n->sum) : out->value;
	out->elsewhere |= n->conditional;
}

/* The last one, the first one, or the lowest one; 0 is none. */
static void limit_take(const struct server_setting *set, uint64_t value, uint64_t *out)
{
	bool taken = *out != EDIT_NONE;
	value = value ? value : EDIT_NONE;
	if (set->counts == SERVER_LAST || (set->counts == SERVER_FIRST && !taken) ||
	    (set->counts == SERVER_EACH && value < *out))
		*out = value;
}

/* Takes what a directive sets for all sections. */
static int shared_take(const struct scan *s, const struct server_setting *set,
		       struct edit_limit *out, struct err *e)
{
	bool files = set->files_cap_directive && scan_name_is(s, set->files_cap_directive);
	uint64_t value;
	if (s->opens || s->count < 2 || !scan_section_is(s, set->section) ||
	    (!files && !scan_name_is(s, set->directive)))
		return 0;
	int rc = scan_number(s, 1, 0, &value, e);
	if (!rc)
		limit_take(set, value, files ? &out->files : &out->value);
	return rc;
}

/* Whether it has a word, be it none, that makes it one of these. */
static bool further_has(const struct scan *s, const struct server_further *f)
{
	struct list_item item;
	bool has = !f->with;
	for (const char *list = f->with; !has && list_next(&list, &item);) {
		char beginning[SCAN_TEXT];
		snprintf(beginning, sizeof(beginning), "%.*s", item.length, item.text);
		has = scan_has_word(s, beginning);
	}
	return has;
}

static void further_take(const struct scan *s, const struct server_setting *set, struct narrower *n,
			 struct edit_limit *out)
{
	bool narrower = set->narrower && list_has(set->narrower, scan_section(s));
	const char **further = narrower ? &n->further : &out->further;
	for (const struct server_further *f = set->further; f && f->words; f++) {
		const char *section = scan_section(s);
		if (!(*section ? list_has(f->sections, section) : !*f->sections) ||
		    !scan_words_begin(s, f->words) || !further_has(s, f) ||
		    scan_word_is(s, s->count - 1, "0"))
			continue;
		if (f->effect == FURTHER_DOUBLES)
			out->doubles = true;
		else if (!*further)
			*further = f->words;
	}
}

int edit_limit(const struct server_file *file, const struct server_setting *set,
	       const char *listeners, const char *text, uint64_t above, struct edit_limit *out,
	       struct err *e)
{
	struct scan s = scan_begin(file, text, "");
	struct narrower n = {.listeners = listeners,
			     .own = EDIT_NONE,
			     .unset = unset_of(set),
			     .any = {EDIT_NONE, 0, false}};
	struct edit_included ignored;
	int rc = 0;
	n.before = n.unset;
	if (set->narrower)
		snprintf(n.first, sizeof(n.first), "%.*s", (int)strcspn(set->narrower, ","),
			 set->narrower);
	*out = (struct edit_limit){.value = EDIT_NONE, .least = EDIT_NONE, .files = EDIT_NONE};
	out->elsewhere = edit_included_find(file, set, text, 0, &ignored) ||
			 !scan_section_has(file, set, text);
	while (!rc && scan_next(&s)) {
		rc = shared_take(&s, set, out, e);
		if (!rc && set->narrower)
			rc = narrower_next(&n, &s, set, out, e);
		apart_take(&s, set, &n);
		if (!s.opens && s.count)
			further_take(&s, set, &n, out);
		scan_enter(&s);
	}
	if (above != EDIT_NONE)
		out->value = above;
	if (set->narrower)
		narrower_join(&n, set, out);
	else
		out->least = out->shared = out->value;
	return rc;
}
