/* Judges Limit* and Backlog= of systemd's units and of system.conf. */
#include "lint/lint.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/layer.h"
#include "catalogue/similar.h"
#include "epolltune/list.h"
#include "epolltune/order.h"
#include "host/unit_files.h"

static const char limits[] = "LimitCPU,LimitFSIZE,LimitDATA,LimitSTACK,LimitCORE,LimitRSS,"
			     "LimitNOFILE,LimitAS,LimitNPROC,LimitMEMLOCK,LimitLOCKS,"
			     "LimitSIGPENDING,LimitMSGQUEUE,LimitNICE,LimitRTPRIO,LimitRTTIME";

static const char *nearest_limit(const char *key, char out[SIMILAR_MAX])
{
	const char *list = limits;
	struct list_item item;
	unsigned best = 0;
	out[0] = 0;
	while (list_next(&list, &item)) {
		char name[SIMILAR_MAX];
		snprintf(name, sizeof(name), "%.*s", item.length, item.text);
		unsigned alike = !strcasecmp(name, key) ? 100 : similar(name, key);
		if (alike > best) {
			best = alike;
			memcpy(out, name, sizeof(name));
		}
	}
	return out;
}

/* The base that mangle_base() of systemd finds; 0: strtoull() finds it. */
static int prefix_base(const char *text)
{
	bool mangled = text[0] == '0' && text[1] && strchr("bBoO", text[1]);
	return !mangled ? 0 : tolower(text[1]) == 'b' ? 2 : 8;
}

/* systemd's safe_atou64(): a number whose base its prefix says. */
static bool number_parse(const char *text, long long *value)
{
	char *end;
	text += strspn(text, " \t");
	int base = prefix_base(text);
	text += base ? 2 : 0;
	unsigned long long number = strtoull(text, &end, base);
	*value = number < LLONG_MAX ? (long long)number : LLONG_MAX;
	return end != text && !*end && *text != '-' && number != ULLONG_MAX;
}

/* systemd's rlimit_parse_u64(): "infinity" is -1. */
static bool limit_parse(const char *text, long long *value)
{
	*value = -1;
	return !strcmp(text, "infinity") || number_parse(text, value);
}

static void octal_judge(struct lint *l, const struct lint_line *line, const char *key,
			const char *text, long long value)
{
	text += strspn(text, " \t");
	if (*text == '0' && isdigit((unsigned char)text[1]) && strtoll(text, NULL, 10) != value)
		lint_add(l, line, LINT_MISREAD, NULL,
			 "%s: systemd reads %s as octal, which is %lld: write %s", key, text, value,
			 text + strspn(text, "0"));
}

/* `known`: fs.nr_open is. */
static void above_add(struct lint *l, const struct lint_line *line, const char *key,
		      const char *value, const char *nr_open, bool known)
{
	lint_add(l, line, LINT_CAPPED, NULL,
		 "%s=%s is above fs.nr_open %s, which is what the service gets%s", key, value,
		 nr_open, known ? ": raise fs.nr_open as well" : " there: check sysctl fs.nr_open");
	if (!known)
		lint_level(l, LEVEL_NOTE);
}

static void files_judge(struct lint *l, const struct lint_line *line, const char *key,
			const char *value)
{
	long long nr_open, soft, hard;
	char text[LINT_LINE], open[64];
	snprintf(text, sizeof(text), "%s", value);
	char *colon = strchr(text, ':');
	if (colon)
		*colon++ = 0;
	const char *upper = colon ? colon : text;
	if (!limit_parse(text, &soft) || !limit_parse(upper, &hard)) {
		lint_add(
			l, line, LINT_REFUSED, NULL,
			"%s=%s is not a number, \"infinity\" or SOFT:HARD: systemd skips the line; "
			"write digits alone",
			key, value);
		return;
	}
	octal_judge(l, line, key, text, soft);
	if (colon)
		octal_judge(l, line, key, upper, hard);
	if (hard >= 0 && (soft > hard || soft < 0)) {
		lint_add(l, line, LINT_REFUSED, NULL,
			 "%s=%s: the soft limit is above the hard one, and systemd skips the line",
			 key, value);
		return;
	}
	bool known = nr_open_format(l, soft, &nr_open, open);
	if (soft < 0)
		lint_add(
			l, line, LINT_CLASSIC, NULL,
			"%s=%s is fs.nr_open, a billion on some systems: programs that size tables "
			"by the soft limit take gigabytes; write a number, such as 65536",
			key, value);
	else if (soft > nr_open)
		above_add(l, line, key, value, open, known);
	else if (hard >= 0 && hard < 524288 && (hard < 1024 || !strcmp(key, "DefaultLimitNOFILE")))
		lint_add(
			l, line, LINT_LOWERS, NULL,
			"%s=%s lowers systemd's own 1024:524288: write SOFT:524288, or remove the line",
			key, value);
}

/* The unit that a file is of, and whether it is a drop-in; false: of many units, or of none, as
 * drop-ins that systemd does not read. */
static bool unit_of(const char *file, char unit[256], bool *dropin)
{
	const char *base = strrchr(file, '/'), *parent = base;
	while (parent && parent > file && parent[-1] != '/')
		parent--;
	if (!base)
		return false;
	size_t n = (size_t)(base - parent);
	*dropin = n > 2 && !strncmp(base - 2, ".d", 2);
	if (*dropin)
		snprintf(unit, 256, "%.*s", (int)(n - 2), parent);
	else
		snprintf(unit, 256, "%s", base + 1);
	/* Links in NAME.wants/ are the same files again. */
	bool linked = !*dropin && strcspn(parent, ".") < n;
	return !linked && strchr(unit, '.') && !strchr(unit, '@') && !lint_is_beside(file);
}

static void unit_keep(struct lint *l, const struct lint_line *line, const char *key,
		      const char *value)
{
	char unit[256], name[320];
	bool dropin;
	if (!l->host || !unit_of(line->file, unit, &dropin))
		return;
	snprintf(name, sizeof(name), "%s %s", unit, key);
	lint_value_keep(l, &l->units, line, name, value, false);
}

static const char *base_of(const char *file) { return strrchr(file, '/') + 1; }

/* As systemd reads them: the unit, then its drop-ins by name; of one name only the file of the
 * highest tree (systemd.unit(5)), which comes last here. */
static int unit_compare(const void *a, const void *b)
{
	const struct lint_value *x = a, *y = b;
	char unit[256];
	bool later, earlier;
	int by = strcmp(x->name, y->name);
	unit_of(x->file, unit, &later);
	unit_of(y->file, unit, &earlier);
	if (!by)
		by = later - earlier;
	if (!by)
		by = strcmp(base_of(x->file), base_of(y->file));
	if (!by)
		by = ORDER(unit_file_rank(y->file), unit_file_rank(x->file));
	return by ? by : ORDER(x->order, y->order);
}

static void overridden_add(struct lint *l, const struct lint_value *v,
			   const struct lint_value *next, bool hidden)
{
	struct lint_line line = {v->file, "", v->line};
	lint_add(l, &line, LINT_OVERRIDDEN, NULL,
		 "%s=%s is overridden by %s:%u, which %s and sets %s: change that line",
		 strchr(v->name, ' ') + 1, v->value, next->file, next->line,
		 hidden ? "hides this file" : "is read later", next->value);
}

/* The values of one key of a unit, in their order. A file that another one hides sets nothing, also
 * where that one does not set the key. */
static void key_judge(struct lint *l, const struct lint_value *first, size_t count)
{
	const struct lint_value *next = NULL; /* the last line of the file that is read next */
	for (const struct lint_value *v = first + count; v-- > first;) {
		bool hidden = unit_file_hidden(l->host, v->file);
		bool other = next && strcmp(v->file, next->file) != 0;
		/* That the administrator overrides what the distribution ships is as it should be.
		 */
		if (other && strcmp(v->value, next->value) != 0 &&
		    file_layer(v->file) != LAYER_SHIPPED &&
		    (!hidden || !strcmp(base_of(v->file), base_of(next->file))))
			overridden_add(l, v, next, hidden);
		if (!hidden && (!next || other))
			next = v;
	}
}

void unit_values_judge(struct lint *l)
{
	const struct lint_values *u = &l->units;
	if (u->count)
		qsort(u->at, u->count, sizeof(*u->at), unit_compare);
	for (size_t i = 0, end; i < u->count; i = end) {
		for (end = i + 1; end < u->count && !strcmp(u->at[i].name, u->at[end].name);)
			end++;
		if (end - i > 1)
			key_judge(l, &u->at[i], end - i);
	}
}

/* The sections that have limits of processes, by the ending of the unit's name. */
static const struct {
	const char *ending, *section; /* "": none of this unit */
} owners[] = {
	{"service", "Service"}, {"socket", "Socket"}, {"mount", "Mount"}, {"swap", "Swap"},
	{"slice", ""},          {"scope", ""},        {"target", ""},     {"timer", ""},
	{"path", ""},           {"automount", ""},    {"device", ""},
};

static bool is_dropin(const char *file)
{
	const char *slash = strrchr(file, '/');
	return slash && slash - file > 2 && !strncmp(slash - 2, ".d", 2);
}

/* The ending of the name of the unit that a file, or the directory of a drop-in, has. */
static void ending_of(const char *file, char ending[32])
{
	const char *name = file, *end = file + strlen(file), *slash = strrchr(file, '/');
	if (is_dropin(file))
		end = slash - 2;
	for (const char *c = file; c < end; c++)
		name = *c == '/' || *c == '.' ? c + 1 : name;
	snprintf(ending, 32, "%.*s", (int)(end - name), name);
}

/* Whether systemd reads a key in a section of a file: a limit of processes, or with `only` a
 * key that no other section has. A file with another ending, which may become a unit, can have any
 * section. */
static bool is_read(const char *file, const char *section, const char *only)
{
	char ending[32];
	bool any = false;
	ending_of(file, ending);
	for (size_t i = 0; i < sizeof(owners) / sizeof(*owners); i++) {
		bool same = owners[i].section[0] && !strcmp(owners[i].section, section) &&
			    (!only || !strcmp(only, section));
		if (!strcmp(owners[i].ending, ending))
			return same;
		any |= same;
	}
	return any;
}

static void unread_add(struct lint *l, const struct lint_line *line, const char *key,
		       const struct unit_state *s, const char *where)
{
	char ending[32];
	ending_of(line->file, ending);
	if (s->section[0])
		lint_add(l, line, LINT_UNREAD, NULL,
			 "systemd does not read %s= in [%s] of a .%s file: move it to %s", key,
			 s->section, ending, where);
	else
		lint_add(l, line, LINT_UNREAD, NULL,
			 "systemd does not read %s= before the first section: move it to %s", key,
			 where);
}

/* Of numbers, other than of lists, an empty value resets nothing: systemd
 * src/shared/conf-parser.c, config_parse_rlimit(), config_parse_unsigned(). */
static bool empty_judge(struct lint *l, const struct lint_line *line, const char *key,
			const char *value, struct unit_state *s)
{
	if (!*value) {
		lint_add(l, line, LINT_REFUSED, "",
			 "%s= is empty, and systemd skips the line: the earlier value stays; write "
			 "the one that is wanted",
			 key);
		/* No file is read before the unit's own. */
		if (!is_dropin(line->file))
			lint_level(l, LEVEL_NOTE);
		snprintf(s->empty, sizeof(s->empty), "%s", key);
		s->problem = l->count - 1;
		return true;
	}
	/* The common pair of lines, the first of which resets other directives. */
	if (!strcmp(s->empty, key) && s->problem < l->count)
		l->problems[s->problem].level = LEVEL_NOTE;
	s->empty[0] = 0;
	return false;
}

static void limit_judge(struct lint *l, const struct lint_line *line, const char *key,
			const char *value, struct unit_state *s)
{
	bool manager = !strncasecmp(key, "Default", 7);
	const char *limit = key + (manager ? 7 : 0);
	char near[SIMILAR_MAX];
	if (!list_has(limits, limit) || (manager && strncmp(key, "Default", 7) != 0)) {
		nearest_limit(limit, near);
		lint_add(l, line, LINT_UNKNOWN, NULL,
			 "systemd has no %s= and ignores the line: %s%s%s", key,
			 near[0] ? "write " : "remove it", near[0] && manager ? "Default" : "",
			 near);
		return;
	}
	bool read =
		manager ? !strcmp(s->section, "Manager") : is_read(line->file, s->section, NULL);
	if (!read) {
		unread_add(l, line, key, s,
			   manager ? "[Manager] of system.conf" : "[Service] of a service");
		return;
	}
	if (empty_judge(l, line, key, value, s))
		return;
	unit_keep(l, line, key, value);
	if (!strcmp(limit, "LimitNOFILE"))
		files_judge(l, line, key, value);
}

static void backlog_judge(struct lint *l, const struct lint_line *line, const char *key,
			  const char *value, struct unit_state *s)
{
	long long backlog;
	if (strcmp(key, "Backlog") != 0)
		lint_add(l, line, LINT_UNKNOWN, NULL,
			 "systemd has no %s= and ignores the line: write Backlog", key);
	else if (!is_read(line->file, s->section, "Socket"))
		unread_add(l, line, key, s, "[Socket] of a socket");
	else if (empty_judge(l, line, key, value, s))
		return;
	else if (!number_parse(value, &backlog) || backlog > UINT_MAX)
		lint_add(
			l, line, LINT_REFUSED, NULL,
			"Backlog=%s is not a number up to %u: systemd skips the line; write digits "
			"alone",
			value, UINT_MAX);
	else
		backlog_value_judge(l, line, "Backlog=", (uint64_t)backlog);
}

static bool is_limit(const char *key)
{
	return !strncasecmp(key, "Limit", 5) || !strncasecmp(key, "DefaultLimit", 12);
}

void unit_line_judge(struct lint *l, const struct lint_line *line, struct unit_state *s)
{
	char text[LINT_LINE], *key = text;
	snprintf(text, sizeof(text), "%s", line->text);
	key += strspn(key, " \t");
	for (size_t n = strlen(key); n && isspace((unsigned char)key[n - 1]); n--)
		key[n - 1] = 0;
	if (*key == '[') {
		snprintf(s->section, sizeof(s->section), "%.*s", (int)strcspn(key + 1, "]"),
			 key + 1);
		return;
	}
	char *value = strchr(key, '=');
	if (!*key || *key == '#' || *key == ';' || !value)
		return;
	*value++ = 0;
	value += strspn(value, " \t");
	for (size_t n = strlen(key); n && isspace((unsigned char)key[n - 1]); n--)
		key[n - 1] = 0;
	if (is_limit(key))
		limit_judge(l, line, key, value, s);
	else if (!strcasecmp(key, "Backlog"))
		backlog_judge(l, line, key, value, s);
}
