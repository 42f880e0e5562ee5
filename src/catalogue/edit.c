#include "catalogue/edit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/server_address.h"
#include "epolltune/list.h"

#define CHANGES 64

/* What replaces a part of the text. */
struct change {
	struct scan_word at;
	char text[SCAN_TEXT];
	char section[SCAN_TEXT];
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
	char word[SCAN_TEXT];
	for (size_t i = 2; i < s->count; i++) {
		scan_word_copy(s, i, word, sizeof(word));
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

/* Whether the socket of a wildcard serves it, unless it has options of its own; a name may have
 * addresses of both families. */
static bool is_covered(const struct edit_addresses *all, const char *address)
{
	const char *port = strrchr(address, ':');
	bool ipv6 = address[0] == '[', digits = address[0] >= '0' && address[0] <= '9';
	char wildcard[2][SCAN_TEXT];
	if (!port || server_address_is_local(address))
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
	bool narrower = !scan_section_is(s, edit->set->section);
	snprintf(c.section, sizeof(c.section), "%s", scan_section(s));
	for (size_t i = 0; edit->set->counts == SERVER_FIRST && !narrower && i < all->count; i++)
		if (!strcmp(all->at[i].section, c.section))
			return 0;
	int rc = scan_number(s, 1, 0, &c.present, e);
	snprintf(c.text, sizeof(c.text), "%llu", (unsigned long long)edit->value);
	if (edit->set->counts == SERVER_LAST)
		all->count = 0;
	if (!rc)
		change_add(all, &c);
	return rc;
}

static int change_of_parameter(const struct edit *edit, const struct scan *s, struct changes *all,
			       struct err *e)
{
	const char *parameter = edit->set->parameter;
	size_t skip, end = s->word[s->count - 1].end;
	struct change c = {.at = {end, end}, .present = EDIT_NONE};
	unsigned fit = fit_of(s);
	char address[SCAN_TEXT * 4];
	scan_word_copy(s, 1, address, sizeof(address));
	if (!server_address_names(address, edit->address) || scan_is_datagram(s))
		return 0;
	server_address_spell_wildcard(address, sizeof(address));
	snprintf(c.text, sizeof(c.text), " %s%llu", parameter, (unsigned long long)edit->value);
	for (size_t i = 2; (i = scan_parameter_find(s, parameter, i, &skip)); i++) {
		int rc = scan_number(s, i, skip, &c.present, e);
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
	return scan_section_is(s, set->section) ||
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
	char name[SCAN_TEXT];
	if (s->opens && narrower) {
		own_section_end(own, all);
		own->first = all->count;
		scan_word_copy(s, 0, name, sizeof(name));
		/* The first kind is for those after it. */
		size_t shared = strcspn(narrower, ",");
		own->others = list_has(narrower, name) &&
			      (strlen(name) != shared || strncmp(name, narrower, shared) != 0);
	} else if (own->others && s->count > 1 && scan_word_is(s, 0, s->file->listens)) {
		char address[SCAN_TEXT * 4];
		scan_word_copy(s, 1, address, sizeof(address));
		own->others = !server_address_names(address, edit->address);
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
		if (!s.opens && s.count > 1 && scan_name_is(&s, edit->set->directive) &&
		    setting_is_in(edit->set, &s))
			rc = edit->set->parameter ? change_of_parameter(edit, &s, all, e)
						  : change_of_value(edit, &s, all, e);
		scan_enter(&s);
	}
	own_section_end(&own, all);
	return rc;
}

static char *replaced(const char *text, struct scan_word at, const char *with)
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
			rc = more ? 0 : err_set(e, ENOMEM, "configuration file: out of memory");
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

bool edit_included_find(const struct server_file *file, const struct server_setting *set,
			const char *text, size_t from, struct edit_included *out)
{
	struct scan s = scan_begin(file, text, "");
	const char *section = !set ? NULL : scan_section_has(file, set, text) ? set->section : "";
	while (file->include && scan_next(&s)) {
		if (!s.opens && s.count > 1 && s.word[0].begin >= from &&
		    scan_name_is(&s, file->include) && scan_section_is(&s, section)) {
			scan_word_copy(&s, 1, out->name, sizeof(out->name));
			out->begin = s.word[0].begin;
			out->end = s.at;
			return true;
		}
		scan_enter(&s);
	}
	return false;
}

/* The word of the directive with the number, and what is before that; 0: none sets the limit. */
static size_t number_find(const struct scan *s, const struct server_setting *set, const char **name,
			  size_t *skip)
{
	bool shared = set->shared && scan_name_is(s, set->shared);
	*skip = 0;
	*name = shared ? set->shared : set->parameter ? set->parameter : set->directive;
	if (s->opens || s->count < 2 || (!shared && !scan_name_is(s, set->directive)))
		return 0;
	if (shared || !set->parameter)
		return 1;
	return scan_is_datagram(s) ? 0 : scan_parameter_find(s, set->parameter, 2, skip);
}

void edit_each(const struct server_file *file, const struct server_setting *set, const char *text,
	       void (*each)(const struct edit_number *number, void *arg), void *arg)
{
	struct scan s = scan_begin(file, text, "");
	struct edit_number number = {.line = 1};
	size_t seen = 0, skip;
	for (; set->directive && scan_next(&s); scan_enter(&s)) {
		size_t i = number_find(&s, set, &number.name, &skip);
		if (!i || scan_number(&s, i, skip, &number.value, NULL))
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
		if (s.opens && !s.depth && scan_word_is(&s, 0, edit->set->section))
			return true;
		if (s.opens && edit->file->syntax == SERVER_BLOCKS)
			scan_enter(&s);
	}
	return false;
}

int edit_insert(const struct edit *edit, const char *text, char **out, struct err *e)
{
	const struct server_setting *set = edit->set;
	char line[SCAN_TEXT * 2];
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
	*out = replaced(text, (struct scan_word){at, at}, line);
	return *out ? 0 : err_set(e, ENOMEM, "configuration file: out of memory");
}

int edit_includes(const struct server_file *file, const char *text, const char *around, size_t from,
		  edit_include fn, void *arg, struct err *e)
{
	struct scan s = scan_begin(file, text, around);
	char name[PATH_MAX];
	int rc = 0;
	while (file->include && !rc && scan_next(&s)) {
		if (!s.opens && scan_name_is(&s, file->include) && s.count > 1 &&
		    s.word[0].begin >= from) {
			scan_word_copy(&s, 1, name, sizeof(name));
			rc = fn(name, scan_section(&s), arg, e);
		}
		scan_enter(&s);
	}
	return rc;
}

/* Commands. */
