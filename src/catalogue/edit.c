#include "epolltune/edit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "epolltune/list.h"

#define WORDS 64
#define DEPTH 16
#define CHANGES 64

/* From `begin` to before `end`, with its quotes. */
struct word {
	size_t begin, end;
};

/* Goes through the directives of a text. */
struct scan {
	const char *text;
	const struct server_file *file;
	size_t at;
	char section[DEPTH][EDIT_NAME]; /* those around it, the innermost last */
	size_t depth;
	struct word word[WORDS]; /* of the directive, its name first */
	size_t count;
	bool opens; /* it begins a section */
};

static struct scan scan_begin(const struct server_file *file, const char *text, const char *around)
{
	struct scan s = {.text = text, .file = file, .depth = *around != 0};
	snprintf(s.section[0], EDIT_NAME, "%s", around);
	return s;
}

static const char *scan_section(const struct scan *s)
{
	return s->depth ? s->section[(s->depth < DEPTH ? s->depth : DEPTH) - 1] : "";
}

static void section_enter(struct scan *s, const char *name, size_t length)
{
	if (s->depth < DEPTH)
		snprintf(s->section[s->depth], EDIT_NAME, "%.*s", (int)length, name);
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
	if (s->count < WORDS)
		s->word[s->count++] = (struct word){begin, at};
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

/* The next directive; section_of_next() after it enters the section that it begins. */
static bool scan_next(struct scan *s)
{
	return s->file->syntax == SERVER_BLOCKS ? blocks_next(s) : lines_next(s);
}

static void section_of_next(struct scan *s)
{
	if (!s->opens)
		return;
	if (s->file->syntax == SERVER_LINES)
		s->depth = 0;
	size_t length = s->count ? s->word[0].end - s->word[0].begin : 0;
	section_enter(s, s->text + (s->count ? s->word[0].begin : 0), length);
}

/* A word without the quotes around it. */
static void word_copy(const struct scan *s, size_t i, char *out, size_t size)
{
	struct word w = s->word[i];
	char first = s->text[w.begin];
	if ((first == '"' || first == '\'') && w.end - w.begin > 1) {
		w.begin++;
		w.end--;
	}
	snprintf(out, size, "%.*s", (int)(w.end - w.begin), s->text + w.begin);
}

static bool word_is(const struct scan *s, size_t i, const char *text)
{
	char word[EDIT_NAME] = "";
	if (i < s->count)
		word_copy(s, i, word, sizeof(word));
	return !strcmp(word, text);
}

static bool name_is(const struct scan *s, const char *text)
{
	char word[EDIT_NAME] = "";
	if (!s->file->folds)
		return word_is(s, 0, text);
	if (s->count)
		word_copy(s, 0, word, sizeof(word));
	return !strcasecmp(word, text);
}

static bool section_is(const struct scan *s, const char *section)
{
	return !section || !strcmp(scan_section(s), section);
}

/* Whether the directive begins with these words. */
static bool words_begin(const struct scan *s, const char *words)
{
	size_t i = 0;
	for (const char *at = words; *at; i++) {
		char word[EDIT_NAME];
		size_t length = strcspn(at, " ");
		snprintf(word, sizeof(word), "%.*s", (int)length, at);
		if (!(i ? word_is(s, i, word) : name_is(s, word)))
			return false;
		at += length + (at[length] != 0);
	}
	return true;
}

static bool is_local(const char *address) { return !strncmp(address, "unix:", 5); }

/* Whether one of the addresses of listen or bind is that of the server: "8080", "[::]:8080",
 * "*:80,*:8080", "unix:/run/app.sock", "unix@/run/app.sock", "/run/app.sock". */
static bool address_names(const char *list, const char *address)
{
	static const char prefix[] = "unix";
	const char *path = strncmp(address, "unix:", 5) ? NULL : address + 5;
	struct list_item item;
	while (list_next(&list, &item)) {
		char one[EDIT_NAME * 4];
		snprintf(one, sizeof(one), "%.*s", item.length, item.text);
		const char *last = strrchr(one, ':');
		if (!strncmp(one, "quic4@", 6) || !strncmp(one, "quic6@", 6))
			continue;
		if (path && !strncmp(one, prefix, 4) && (one[4] == ':' || one[4] == '@')) {
			if (!strcmp(one + 5, path))
				return true;
		} else if (!strcmp(path ? path : address, path || !last ? one : last + 1)) {
			return true;
		}
	}
	return false;
}

/* Reads the number that follows so many characters of a word. */
static int number_read(const struct scan *s, size_t i, size_t skip, uint64_t *value, struct err *e)
{
	char name[EDIT_NAME], text[EDIT_NAME], *end;
	word_copy(s, 0, name, sizeof(name));
	word_copy(s, i, text, sizeof(text));
	*value = strtoull(text + skip, &end, 10);
	if (!*end && text[skip] >= '0' && text[skip] <= '9')
		return 0;
	return err_set(e, ENOTSUP, "%s is not a plain number: \"%s\"", name, text + skip);
}

/* What replaces a part of the text. */
struct change {
	struct word at;
	char text[EDIT_NAME];
	char section[EDIT_NAME];
	uint64_t present;
};

struct changes {
	size_t count;
	struct change at[CHANGES];
};

static void change_add(struct changes *all, const struct change *c)
{
	if (all->count < CHANGES)
		all->at[all->count++] = *c;
}

/* How well one of several directives takes the parameter: nginx refuses options of the socket at
 * two for one address. */
enum { FIT_ANY, FIT_OPTIONS, FIT_PARAMETER };
static unsigned fit_of(const struct scan *s)
{
	static const char options[] = "bind,deferred,reuseport";
	unsigned fit = FIT_ANY;
	char word[EDIT_NAME];
	for (size_t i = 2; i < s->count; i++) {
		word_copy(s, i, word, sizeof(word));
		if (strchr(word, '=') || list_has(options, word))
			fit = FIT_OPTIONS;
	}
	return fit;
}

static size_t address_find(const struct edit_addresses *all, const char *address)
{
	size_t i = 0;
	while (i < all->count && strcmp(all->at[i].text, address))
		i++;
	return i;
}

/* One spelling of a wildcard of IPv4: "8080", "0.0.0.0:8080" and "*:8080". */
static void wildcard_spell(char *address, size_t size)
{
	static const char zero[] = "0.0.0.0:";
	size_t skip = strncmp(address, zero, sizeof(zero) - 1) ? 0 : sizeof(zero) - 1;
	char port[EDIT_NAME];
	if (address[strspn(address, "0123456789")] && !skip)
		return;
	snprintf(port, sizeof(port), "%s", address + skip);
	snprintf(address, size, "*:%s", port);
}

/* Whether the socket of a wildcard serves it, unless it has options of its own; a name may have
 * addresses of both families. */
static bool is_covered(const struct edit_addresses *all, const char *address)
{
	const char *port = strrchr(address, ':');
	bool ipv6 = address[0] == '[', digits = address[0] >= '0' && address[0] <= '9';
	char wildcard[2][EDIT_NAME];
	if (!port || is_local(address))
		return false;
	snprintf(wildcard[0], sizeof(wildcard[0]), "*%s", port);
	snprintf(wildcard[1], sizeof(wildcard[1]), "[::]%s", port);
	for (size_t i = digits ? 0 : ipv6; i < (digits ? 1 : 2); i++)
		if (strcmp(address, wildcard[i]) && address_find(all, wildcard[i]) < all->count)
			return true;
	return false;
}

/* Whether it is the one for its address. */
static bool is_best(const struct edit *edit, const char *address, unsigned fit)
{
	struct edit_addresses *all = edit->addresses;
	size_t i = address_find(all, address);
	if (edit->value) {
		bool best = i < all->count && !all->at[i].taken && all->at[i].fit == fit &&
			    (fit > FIT_ANY || !is_covered(all, address));
		if (best)
			all->at[i].taken = true;
		return best;
	}
	if (i == EDIT_ADDRESSES)
		return false;
	if (i == all->count)
		snprintf(all->at[all->count++].text, sizeof(all->at[i].text), "%s", address);
	if (fit > all->at[i].fit)
		all->at[i].fit = fit;
	return true;
}

static int change_of_value(const struct edit *edit, const struct scan *s, struct changes *all,
			   struct err *e)
{
	struct change c = {.at = s->word[1]};
	bool narrower = !section_is(s, edit->set->section);
	snprintf(c.section, sizeof(c.section), "%s", scan_section(s));
	for (size_t i = 0; edit->set->counts == SERVER_FIRST && !narrower && i < all->count; i++)
		if (!strcmp(all->at[i].section, c.section))
			return 0;
	int rc = number_read(s, 1, 0, &c.present, e);
	snprintf(c.text, sizeof(c.text), "%llu", (unsigned long long)edit->value);
	if (edit->set->counts == SERVER_LAST)
		all->count = 0;
	if (!rc)
		change_add(all, &c);
	return rc;
}

/* Not a listener of TCP. */
static bool is_datagram(const struct scan *s)
{
	for (size_t i = 2; i < s->count; i++)
		if (word_is(s, i, "quic") || word_is(s, i, "udp"))
			return true;
	return false;
}

/* The next word, from i on, that has the number of the parameter, behind so many characters; 0:
 * there is none. */
static size_t parameter_find(const struct scan *s, const char *parameter, size_t i, size_t *skip)
{
	size_t length = strlen(parameter);
	bool apart = parameter[length - 1] == ' ';
	for (; i < s->count; i++) {
		char word[EDIT_NAME];
		word_copy(s, i, word, sizeof(word));
		if (strncmp(word, parameter, length - apart) || (apart && word[length - 1]))
			continue;
		*skip = apart ? 0 : length;
		return apart && i + 1 < s->count ? i + 1 : i;
	}
	return 0;
}

static int change_of_parameter(const struct edit *edit, const struct scan *s, struct changes *all,
			       struct err *e)
{
	const char *parameter = edit->set->parameter;
	size_t skip, end = s->word[s->count - 1].end;
	struct change c = {.at = {end, end}, .present = EDIT_NONE};
	unsigned fit = fit_of(s);
	char address[EDIT_NAME * 4];
	word_copy(s, 1, address, sizeof(address));
	if (!address_names(address, edit->address) || is_datagram(s))
		return 0;
	wildcard_spell(address, sizeof(address));
	snprintf(c.text, sizeof(c.text), " %s%llu", parameter, (unsigned long long)edit->value);
	for (size_t i = 2; (i = parameter_find(s, parameter, i, &skip)); i++) {
		int rc = number_read(s, i, skip, &c.present, e);
		if (rc)
			return rc;
		c.at = s->word[i];
		fit = FIT_PARAMETER;
		snprintf(c.text, sizeof(c.text), "%s%llu", skip ? parameter : "",
			 (unsigned long long)edit->value);
	}
	if (!edit->set->once || is_best(edit, address, fit))
		change_add(all, &c);
	return 0;
}

static bool setting_is_in(const struct server_setting *set, const struct scan *s)
{
	return section_is(s, set->section) ||
	       (set->narrower && list_has(set->narrower, scan_section(s)));
}

/* A section of set->narrower that serves other listeners stays as it is. */
struct own_section {
	size_t first; /* its first change */
	bool others;
};

static void own_section_end(const struct own_section *own, struct changes *all)
{
	if (own->others)
		all->count = own->first;
}

static void own_section_next(struct own_section *own, const struct edit *edit, const struct scan *s,
			     struct changes *all)
{
	const char *narrower = edit->set->narrower;
	char name[EDIT_NAME];
	if (s->opens && narrower) {
		own_section_end(own, all);
		own->first = all->count;
		word_copy(s, 0, name, sizeof(name));
		/* The first kind is for those after it. */
		size_t shared = strcspn(narrower, ",");
		own->others = list_has(narrower, name) &&
			      (strlen(name) != shared || strncmp(name, narrower, shared) != 0);
	} else if (own->others && s->count > 1 && word_is(s, 0, "bind")) {
		char address[EDIT_NAME * 4];
		word_copy(s, 1, address, sizeof(address));
		own->others = !address_names(address, edit->address);
	}
}

static int changes_find(const struct edit *edit, const char *text, const char *around,
			struct changes *all, struct err *e)
{
	struct scan s = scan_begin(edit->file, text, around);
	struct own_section own = {0};
	int rc = 0;
	while (!rc && scan_next(&s)) {
		own_section_next(&own, edit, &s, all);
		if (!s.opens && s.count > 1 && name_is(&s, edit->set->directive) &&
		    setting_is_in(edit->set, &s))
			rc = edit->set->parameter ? change_of_parameter(edit, &s, all, e)
						  : change_of_value(edit, &s, all, e);
		section_of_next(&s);
	}
	own_section_end(&own, all);
	return rc;
}

static char *replaced(const char *text, struct word at, const char *with)
{
	char *out;
	if (asprintf(&out, "%.*s%s%s", (int)at.begin, text, with, text + at.end) < 0)
		return NULL;
	return out;
}

/* An open quote or a backslash at the end of a line joins what is added to it. */
static int reads_back(const struct edit *edit, const char *text, const char *around, struct err *e)
{
	struct changes all = {0};
	int rc = changes_find(edit, text, around, &all, e);
	for (size_t i = 0; !rc && i < all.count; i++)
		if (all.at[i].present == EDIT_NONE || all.at[i].present < edit->value)
			rc = err_set(e, ENOTSUP, "a line with %s cannot be changed",
				     edit->set->directive);
	return rc;
}

/* Those in which a value is raised. */
static void sections_note(const struct edit *edit, const struct changes *all, char *list,
			  size_t size)
{
	for (size_t i = 0, used = 0; i < all->count && used < size; i++)
		if (all->at[i].present < edit->value && !list_has(list, all->at[i].section))
			used += (size_t)snprintf(list + used, size - used, "%s%s", used ? "," : "",
						 all->at[i].section);
}

int edit_text(const struct edit *edit, const char *text, const char *around, struct edited *out,
	      struct err *e)
{
	struct changes all = {0};
	int rc = changes_find(edit, text, around, &all, e);
	*out = (struct edited){.found = all.count, .present = EDIT_NONE};
	if (edit->set->counts == SERVER_LAST && all.count)
		out->at = all.at[0].at.begin;
	if (edit->set->narrower)
		sections_note(edit, &all, out->sections, sizeof(out->sections));
	/* From the end, so that what is before stays where it was. */
	for (size_t left = all.count; !rc && left; left--) {
		struct change *last = &all.at[0];
		for (size_t i = 1; i < left; i++)
			if (all.at[i].at.begin > last->at.begin)
				last = &all.at[i];
		if (last->present < out->present)
			out->present = last->present;
		if (edit->value && (last->present == EDIT_NONE || last->present < edit->value)) {
			char *more = replaced(out->text ? out->text : text, last->at, last->text);
			free(out->text);
			out->text = more;
			rc = more ? 0 : err_set(e, ENOMEM, "no memory for a configuration file");
		}
		*last = all.at[left - 1];
	}
	if (!rc && out->text && !edit->set->once)
		rc = reads_back(edit, out->text, around, e);
	if (rc) {
		free(out->text);
		out->text = NULL;
	}
	return rc;
}

/* Whether a text has the section of the limit; of lines it need not. */
static bool section_has(const struct server_file *file, const struct server_setting *set,
			const char *text)
{
	struct scan s = scan_begin(file, text, "");
	bool has = file->syntax == SERVER_LINES || !*set->section;
	while (!has && scan_next(&s)) {
		has = s.opens && !s.depth && word_is(&s, 0, set->section);
		section_of_next(&s);
	}
	return has;
}

bool edit_included_find(const struct server_file *file, const struct server_setting *set,
			const char *text, size_t from, struct edit_included *out)
{
	struct scan s = scan_begin(file, text, "");
	const char *section = !set ? NULL : section_has(file, set, text) ? set->section : "";
	while (file->include && scan_next(&s)) {
		if (!s.opens && s.count > 1 && s.word[0].begin >= from &&
		    name_is(&s, file->include) && section_is(&s, section)) {
			word_copy(&s, 1, out->name, sizeof(out->name));
			out->begin = s.word[0].begin;
			out->end = s.at;
			return true;
		}
		section_of_next(&s);
	}
	return false;
}

/* What a limit is at least and at most. */
struct range {
	uint64_t least, most;
};

static const struct range unset = {EDIT_NONE, EDIT_NONE};

static uint64_t lower_of(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t sum_of(uint64_t a, uint64_t b) { return a > EDIT_NONE - b ? EDIT_NONE : a + b; }

/* A section of set->narrower, and those before it. */
struct narrower {
	const char *listeners;
	char first[EDIT_NAME], name[EDIT_NAME];
	uint64_t own; /* EDIT_NONE: no limit */
	bool has_own;
	struct range sockets;     /* by the parameters of its directives with addresses */
	bool serves;              /* it may have one of the listeners */
	bool inherits;            /* from one of the first kind that it names */
	struct range before, any; /* of the last of the first kind, of all of them */
	uint64_t sum;             /* of those that serve */
	uint64_t served;          /* listeners, a bit each */
	uint64_t apart;           /* the same of what serves none of its clients */
	bool conditional;         /* parts of the text may not count */
	const char *further;      /* of the section, as struct edit_limit has it */
};

/* The host part, without brackets. */
static void host_copy(const char *address, const char *colon, char *host, size_t size)
{
	bool brackets = *address == '[' && colon[-1] == ']';
	snprintf(host, size, "%.*s", (int)(colon - address) - 2 * brackets, address + brackets);
}

/* Whether it may be that of a listener, as those below. */
static bool host_serves(const char *bound, const char *listener)
{
	static const int families[] = {AF_INET, AF_INET6};
	if (!*bound || !strcmp(bound, "*"))
		return !strcmp(listener, "0.0.0.0") || !strcmp(listener, "::");
	for (size_t i = 0; i < 2; i++) {
		unsigned char a[16] = {0}, b[16] = {0};
		if (inet_pton(families[i], bound, a) == 1)
			return inet_pton(families[i], listener, b) == 1 && !memcmp(a, b, sizeof(a));
	}
	return true; /* a name */
}

/* "80", "8000-8010". */
static bool port_serves(const char *bound, const char *listener)
{
	char *end;
	unsigned long low = strtoul(bound, &end, 10), high = low,
		      port = strtoul(listener, NULL, 10);
	if (end != bound && *end == '-')
		high = strtoul(end + 1, &end, 10);
	if (end == bound || *end)
		return true;
	return port >= low && port <= high;
}

static bool address_serves(const char *bound, const char *listener)
{
	static const char streams[] = "ipv4,ipv6,tcp,tcp4,tcp6", paths[] = "unix,uxst,abns,abnsz",
			  datagrams[] = "udp,udp4,udp6,quic4,quic6,dgram";
	char family[EDIT_NAME] = "", own[EDIT_NAME * 4], other[EDIT_NAME * 4];
	const char *at = strchr(bound, '@'), *colon, *port = strrchr(listener, ':');
	bool local = is_local(listener);
	if (strpbrk(bound, "$\"'\\%"))
		return true;
	if (at) {
		snprintf(family, sizeof(family), "%.*s", (int)(at - bound), bound);
		bound = at + 1;
	}
	if (*bound == '/' || list_has(paths, family))
		return local;
	if (at && list_has(datagrams, family))
		return false;
	colon = strrchr(bound, ':');
	if ((at && !list_has(streams, family)) || !colon || !port)
		return true;
	if (local)
		return false;
	host_copy(bound, colon, own, sizeof(own));
	host_copy(listener, port, other, sizeof(other));
	return port_serves(colon + 1, port + 1) && host_serves(own, other);
}

/* Which of the listeners a directive with addresses, "*:80,:8080", as that word may have, a bit
 * each. */
static uint64_t listeners_served(const struct scan *s, size_t word, const char *listeners)
{
	char text[EDIT_NAME * 4];
	uint64_t served = 0;
	struct list_item item, other;
	word_copy(s, word, text, sizeof(text));
	for (const char *list = text; list_next(&list, &item);) {
		char bound[EDIT_NAME * 4];
		const char *all = listeners;
		snprintf(bound, sizeof(bound), "%.*s", item.length, item.text);
		for (uint64_t bit = 1; bit && list_next(&all, &other); bit <<= 1) {
			char listener[EDIT_NAME * 4];
			snprintf(listener, sizeof(listener), "%.*s", other.length, other.text);
			if (!other.length || address_serves(bound, listener))
				served |= bit;
		}
	}
	return served;
}

static void narrower_end(struct narrower *n, struct edit_limit *out)
{
	bool first = !strcmp(n->name, n->first), own = n->has_own;
	struct range r = n->inherits && n->any.most ? n->any : first ? unset : n->before;
	if ((first || n->serves) && !out->further)
		out->further = n->further;
	if (own)
		r = (struct range){n->own, n->own};
	if (first) {
		n->before = r;
		n->any.least = lower_of(n->any.least, r.least);
		n->any.most = r.most > n->any.most ? r.most : n->any.most;
	} else if (n->serves) {
		const char *section = own || n->sockets.least < r.least ? n->name : n->first;
		uint64_t least = lower_of(r.least, n->sockets.least);
		if (least < out->least) {
			out->least = least;
			snprintf(out->section, sizeof(out->section), "%s", section);
		}
		n->sum = sum_of(n->sum, lower_of(r.most, n->sockets.most));
	}
}

/* Whether a text is one address in digits, without the name of a family. */
static bool is_digits(const char *text)
{
	return !text[strspn(text, "0123456789abcdefABCDEF:.*[]")];
}

/* Whether a word is one with a port, be it with the name of a family. */
static bool is_plain(const struct scan *s, size_t word)
{
	char text[EDIT_NAME * 4];
	word_copy(s, word, text, sizeof(text));
	const char *at = strchr(text, '@');
	return strchr(text, ':') && is_digits(at ? at + 1 : text);
}

/* Whether a directive with addresses makes one socket, which its parameters are of. */
static bool is_one_socket(const struct scan *s)
{
	char text[EDIT_NAME * 4];
	word_copy(s, 1, text, sizeof(text));
	bool one = is_digits(text);
	for (size_t i = 2; i < s->count; i++)
		one &= !word_is(s, i, "shards");
	return one;
}

static int narrower_next(struct narrower *n, const struct scan *s, const struct server_setting *set,
			 struct edit_limit *out, struct err *e)
{
	static const char addresses[] = "bind";
	uint64_t value, parameter = EDIT_NONE;
	n->conditional |=
		s->text[s->word[0].begin] == '.' || word_is(s, 0, "tune.listener.default-shards");
	if (s->opens) {
		narrower_end(n, out);
		n->has_own = false;
		n->sockets = (struct range){EDIT_NONE, 0};
		n->serves = n->inherits = false;
		n->further = NULL;
		word_copy(s, 0, n->name, sizeof(n->name));
		for (size_t i = 1; i < s->count; i++)
			n->inherits |= word_is(s, i, "from");
	}
	if (s->opens || !list_has(set->narrower, n->name))
		return 0;
	uint64_t served =
		word_is(s, 0, addresses) && s->count > 1 ? listeners_served(s, 1, n->listeners) : 0;
	for (size_t i = 0; i + 1 < s->count; i++) {
		if (!word_is(s, i, set->directive) || (i && !served))
			continue;
		int rc = number_read(s, i + 1, 0, &value, e);
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
		if (list_has(a->sections, scan_section(s)) && words_begin(s, a->words) &&
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
		all |= is_local(item.text) ? 0 : bit;
	bool found = n->served && !(all & ~n->served & ~n->apart);
	if (out->value <= out->least)
		snprintf(out->section, sizeof(out->section), "%s", set->section);
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
	bool files = set->files_cap_directive && name_is(s, set->files_cap_directive);
	uint64_t value;
	if (s->opens || s->count < 2 || !section_is(s, set->section) ||
	    (!files && !name_is(s, set->directive)))
		return 0;
	int rc = number_read(s, 1, 0, &value, e);
	if (!rc)
		limit_take(set, value, files ? &out->files : &out->value);
	return rc;
}

/* Whether one of its words begins so. */
static bool has_word(const struct scan *s, const char *beginning)
{
	bool has = false;
	for (size_t i = 1; i < s->count && !has; i++) {
		char word[EDIT_NAME];
		word_copy(s, i, word, sizeof(word));
		has = !strncmp(word, beginning, strlen(beginning));
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
		    !words_begin(s, f->words) || (f->with && !has_word(s, f->with)) ||
		    word_is(s, s->count - 1, "0"))
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
	struct narrower n = {
		.listeners = listeners, .own = EDIT_NONE, .before = unset, .any = {EDIT_NONE, 0}};
	struct edit_included ignored;
	int rc = 0;
	if (set->narrower)
		snprintf(n.first, sizeof(n.first), "%.*s", (int)strcspn(set->narrower, ","),
			 set->narrower);
	*out = (struct edit_limit){.value = EDIT_NONE, .least = EDIT_NONE, .files = EDIT_NONE};
	out->elsewhere =
		edit_included_find(file, set, text, 0, &ignored) || !section_has(file, set, text);
	while (!rc && scan_next(&s)) {
		rc = shared_take(&s, set, out, e);
		if (!rc && set->narrower)
			rc = narrower_next(&n, &s, set, out, e);
		apart_take(&s, set, &n);
		if (!s.opens && s.count)
			further_take(&s, set, &n, out);
		section_of_next(&s);
	}
	if (above != EDIT_NONE)
		out->value = above;
	if (set->narrower)
		narrower_join(&n, set, out);
	else
		out->least = out->shared = out->value;
	return rc;
}

/* The word of the directive with the number, and what is before that; 0: none sets the limit. */
static size_t number_find(const struct scan *s, const struct server_setting *set, const char **name,
			  size_t *skip)
{
	bool shared = set->shared && name_is(s, set->shared);
	*skip = 0;
	*name = shared ? set->shared : set->parameter ? set->parameter : set->directive;
	if (s->opens || s->count < 2 || (!shared && !name_is(s, set->directive)))
		return 0;
	if (shared || !set->parameter)
		return 1;
	return is_datagram(s) ? 0 : parameter_find(s, set->parameter, 2, skip);
}

void edit_each(const struct server_file *file, const struct server_setting *set, const char *text,
	       void (*each)(const struct edit_number *number, void *arg), void *arg)
{
	struct scan s = scan_begin(file, text, "");
	struct edit_number number = {.line = 1};
	size_t seen = 0, skip;
	for (; set->directive && scan_next(&s); section_of_next(&s)) {
		size_t i = number_find(&s, set, &number.name, &skip);
		if (!i || number_read(&s, i, skip, &number.value, NULL))
			continue;
		for (; seen < s.word[i].begin; seen++)
			number.line += text[seen] == '\n';
		each(&number, arg);
	}
}

/* Behind what opens the section, or at the end of the text for a directive without one. */
static bool place_find(const struct edit *edit, const char *text, size_t *at)
{
	struct scan s = scan_begin(edit->file, text, "");
	*at = strlen(text);
	if (!*edit->set->section)
		return true;
	while (scan_next(&s)) {
		*at = s.at;
		if (s.opens && !s.depth && word_is(&s, 0, edit->set->section))
			return true;
		if (s.opens && edit->file->syntax == SERVER_BLOCKS)
			section_of_next(&s);
	}
	return false;
}

int edit_insert(const struct edit *edit, const char *text, char **out, struct err *e)
{
	const struct server_setting *set = edit->set;
	char line[EDIT_NAME * 2];
	size_t at;
	*out = NULL;
	if (set->parameter)
		return err_set(e, ENOTSUP, "its configuration has no %s for %s", set->directive,
			       edit->address);
	if (!place_find(edit, text, &at))
		return err_set(e, ENOTSUP, "its configuration has no section %s", set->section);
	snprintf(line, sizeof(line), "\n%s%s %llu%s", *set->section ? "\t" : "", set->directive,
		 (unsigned long long)edit->value,
		 edit->file->syntax == SERVER_BLOCKS ? ";"
		 : *set->section                     ? ""
						     : "\n");
	*out = replaced(text, (struct word){at, at}, line);
	return *out ? 0 : err_set(e, ENOMEM, "no memory for a configuration file");
}

int edit_includes(const struct server_file *file, const char *text, const char *around, size_t from,
		  edit_include fn, void *arg, struct err *e)
{
	struct scan s = scan_begin(file, text, around);
	char name[PATH_MAX];
	int rc = 0;
	while (file->include && !rc && scan_next(&s)) {
		if (!s.opens && name_is(&s, file->include) && s.count > 1 &&
		    s.word[0].begin >= from) {
			word_copy(&s, 1, name, sizeof(name));
			rc = fn(name, scan_section(&s), arg, e);
		}
		section_of_next(&s);
	}
	return rc;
}

/* Commands. */

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
		char end[EDIT_NAME]; /* the line after it */
		bool tabs;           /* which may begin with tabs */
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
	char end[EDIT_NAME] = "";
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
static bool command_next(struct shell *s, struct edit_command *c)
{
	bool options_end = false;
	*c = (struct edit_command){.first = c->first};
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
		if (c->count < EDIT_WORDS)
			c->word[c->count++] = s->expands ? NULL : word;
	}
	bool more = s->text[s->at], line = s->text[s->at] == '\n';
	s->at += more;
	if (line)
		here_skip(s);
	return more || c->count;
}

int edit_command_find(const char *text, const struct server_row *row, struct edit_command *out,
		      struct err *e)
{
	struct shell s = {.text = text};
	struct edit_command c = {.first = true};
	size_t found = 0;
	while (command_next(&s, &c)) {
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

bool edit_command_option(const struct edit_command *c, const char *option, size_t *at,
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

const char *edit_command_unknown(const struct edit_command *c, const struct server_row *row,
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
	return c->count == EDIT_WORDS ? c->word[0] : NULL;
}

/* That of the last of set->class_options; NULL: none is there. */
static const char *class_named(const struct edit_command *c, const struct server_setting *set)
{
	const char *class = NULL, *value;
	size_t last = 0;
	struct list_item item;
	for (const char *names = set->class_options; list_next(&names, &item);) {
		char name[EDIT_NAME];
		snprintf(name, sizeof(name), "%.*s", item.length, item.text);
		for (size_t at = 0; edit_command_option(c, name, &at, &value);)
			if (at > last) {
				last = at;
				class = value ? value : "";
			}
	}
	return class;
}

bool edit_command_names_class(const struct edit_command *c, const struct server_setting *set)
{
	return class_named(c, set);
}

const char *edit_command_class(const struct edit_command *c, const struct server_setting *set)
{
	const char *named = class_named(c, set), *class = named ? named : set->class_default;
	const char *threads = "1";
	size_t at = 0;
	if (!class || !set->class_threads || strcmp(class, set->class_default) != 0)
		return class;
	while (edit_command_option(c, set->class_threads, &at, &threads))
		;
	if (!threads || threads[strspn(threads, "0123456789")])
		return "";
	return strtoull(threads, NULL, 10) > 1 ? set->class_threaded : class;
}

bool edit_command_acts(const struct edit_command *c, const struct server_setting *set)
{
	return !set->class_options || list_has(set->classes, edit_command_class(c, set));
}

char *edit_command_add(const char *text, const struct edit_command *c, const char *option,
		       uint64_t value)
{
	char more[EDIT_NAME * 2];
	snprintf(more, sizeof(more), " %s %llu", option, (unsigned long long)value);
	return replaced(text, (struct word){c->end, c->end}, more);
}
