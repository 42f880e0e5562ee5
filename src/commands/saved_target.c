/* Saved targets: files of "name = value" lines with the options' names, for check, apply and what
 * runs by a timer. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/lines.h"
#include "base/text.h"
#include "check/target_numbers.h"
#include "commands/command.h"
#include "commands/saved_target.h"
#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "report/output.h"

#define DIRECTORY "/etc/epolltune/targets"

static int word_take(const char *name, const char *value, char word[128], struct err *e)
{
	if (strlen(value) >= 128)
		return err_set(e, EINVAL, "%s: longer than 127 bytes", name);
	strcpy(word, value);
	return 0;
}

static int server_parse(const char *value, void *field, struct err *e)
{
	return word_take("server", value, ((struct saved_target *)field)->server, e);
}

static int netns_parse(const char *value, void *field, struct err *e)
{
	return word_take("netns", value, ((struct saved_target *)field)->netns, e);
}

static int accept_parse(const char *value, void *field, struct err *e)
{
	return accepted_parse(value, field, e) ? err_prefix(e, "accept") : 0;
}

static const struct option_row rows[] = {
	TARGET_NUMBERS(struct check_options, target),
	{"backlog", "N", "", OPTION_AT(struct check_options, probe.backlog),
	 NUMBER(COUNT, 1, INT_MAX)},
	{"peers", "N", "", OPTION_AT(struct check_options, probe.peers), NUMBER(COUNT, 1, INT_MAX)},
	{"server", "WHO", "", OPTION_AT(struct check_options, saved), PARSED(server_parse)},
	{"netns", "PATH|PID", "", OPTION_AT(struct check_options, saved), PARSED(netns_parse)},
	{"accept", "ID[@WALL][=ABOUT]", "", OPTION_AT(struct check_options, saved.accepted),
	 PARSED(accept_parse)},
	{0},
};

/* Files have a "/", names in the directory have none. */
static bool is_file(const char *where) { return strchr(where, '/') != NULL; }

static bool is_name(const char *where)
{
	return text_is_word(where[0]) && strlen(where) < 64 &&
	       where[strspn(where, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789._-")] == 0;
}

void saved_target_path(const char *where, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s%s", is_file(where) ? "" : DIRECTORY "/", where);
}

/* What goes before the next name of a list. */
struct names {
	struct err *e;
	const char *between;
};

#define MORE ", …"

/* Ends the list with MORE at the first name that does not fit before it. */
static int name_add(const char *value, void *arg)
{
	struct names *all = arg;
	if (!err_append_before(all->e, MORE, "%s%s", all->between, value)) {
		err_append(all->e, MORE);
		return 1;
	}
	all->between = ", ";
	return 0;
}

struct taking {
	struct check_options *out;
	unsigned seen; /* bits of rows */
};

static int line_take(char *line, void *arg, struct err *e)
{
	struct taking *t = arg;
	char *equals = strchr(line, '=');
	if (!equals)
		return err_set(e, EINVAL, "not \"name = value\"");
	*equals = 0;
	const char *name = line_trim(line), *value = line_trim(equals + 1);
	for (size_t i = 0; rows[i].name; i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		if (t->seen >> i & 1 && rows[i].parse != accept_parse)
			return err_set(e, EINVAL, "%s: given twice", name);
		t->seen |= 1u << i;
		return option_take(&rows[i], value, t->out, e);
	}
	err_set(e, EINVAL, "no \"%.40s\" in a target; there are ", name);
	for (size_t i = 0; rows[i].name; i++)
		err_append(e, "%s%s", !i ? "" : rows[i + 1].name ? ", " : " and ", rows[i].name);
	return -EINVAL;
}

int saved_target_load(const char *where, struct check_options *out, struct err *e)
{
	char path[PATH_MAX];
	struct taking t = {.out = out};
	saved_target_path(where, path);
	if (!is_file(where) && !is_name(where))
		return err_set(e, ENOENT, "no target \"%.60s\"", where);
	if (strlen(where) < sizeof(out->saved.name))
		strcpy(out->saved.name, where);
	int rc = lines_read(path, line_take, &t, e);
	out->saved.asked = t.seen;
	return rc;
}

int saved_target_names(int (*each)(const char *value, void *arg), void *arg)
{
	struct dirent **names;
	int count = scandir(DIRECTORY, &names, NULL, alphasort), status = 0;
	for (int i = 0; i < count; i++) {
		if (!status && is_name(names[i]->d_name))
			status = each(names[i]->d_name, arg);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	return status;
}

int saved_target_unknown(const char *name, struct err *e)
{
	struct names predefined = {e, ""}, saved = {e, "; saved: "};
	err_set(e, EINVAL,
		"--target: no target \"%.60s\" in " DIRECTORY
		"; a file needs a \"/\"; predefined: ",
		name);
	values_each(values_words(target_presets()), name_add, &predefined);
	saved_target_names(name_add, &saved);
	return -EINVAL;
}

/* What a present file accepts is the operator's. */
static int accepted_keep(const char *where, struct check_options *o, struct err *e)
{
	struct check_options *before = calloc(1, sizeof(*before));
	if (!before)
		return err_set(e, ENOMEM, "target: out of memory");
	int rc = saved_target_load(where, before, e);
	if (!rc)
		o->saved.accepted = before->saved.accepted;
	free(before);
	return rc == -ENOENT ? 0 : rc;
}

static int directory_make(struct err *e)
{
	static const char *const parts[] = {"/etc/epolltune", DIRECTORY};
	for (size_t i = 0; i < 2; i++)
		if (mkdir(parts[i], 0755) < 0 && errno != EEXIST)
			return err_errno(e, "%s", parts[i]);
	return 0;
}

/* What a line of the file can hold. */
static int line_check(const char *name, const char *value, struct err *e)
{
	char word[128];
	int rc = value ? word_take(name, value, word, e) : 0;
	if (!rc && value && (strpbrk(value, "\r\n") || strcmp(value, line_trim(word)) != 0))
		return err_set(e, EINVAL, "%s: begins or ends with a blank, or has two lines",
			       name);
	return rc;
}

int saved_target_check(const char *where, const struct check_options *given, struct err *e)
{
	char path[PATH_MAX];
	struct check_options *o;
	struct target preset;
	if (line_check("server", given->server, e) || line_check("netns", given->netns, e))
		return err_prefix(e, "--save %s", where);
	if (!is_file(where) && !is_name(where))
		return err_set(
			e, EINVAL,
			"--save %.60s: a name has letters, digits, \".\", \"_\" and \"-\"; a "
			"file has a \"/\"",
			where);
	if (!is_file(where) && !target_preset(where, &preset, NULL))
		return err_set(e, EINVAL, "--save %s: this target is predefined", where);
	if (!is_file(where) && directory_make(e))
		return err_prefix(e, "--save %s", where);
	saved_target_path(where, path);
	if (!(o = calloc(1, sizeof(*o))))
		return err_set(e, ENOMEM, "target: out of memory");
	int rc = accepted_keep(where, o, e);
	free(o);
	if (rc)
		return err_prefix(e, "--save %s", where);
	if (output_check(path, e))
		return err_prefix(e, "--save");
	*strrchr(path, '/') = 0;
	return access(*path ? path : "/", W_OK) < 0 ? err_errno(e, "--save %s: %s", where, path)
						    : 0;
}

/* A number that the target has; the size of datagrams has a default also without them. One
 * destination is none that was given: versions without the option read the file. */
static bool is_set(const struct option_row *row, const struct check_options *o)
{
	uint64_t number = option_number(row, o);
	bool size = row->field == offsetof(struct check_options, target.datagram_bytes);
	bool single =
		row->field == offsetof(struct check_options, target.destinations) && number == 1;
	bool streams = row->field == offsetof(struct check_options, target.connections) ||
		       row->field == offsetof(struct check_options, target.rate_per_s);
	return number && number >= row->min && !single && (!size || o->target.datagrams_per_s) &&
	       (!streams || !o->target.datagrams_only);
}

static void acceptance_write(FILE *out, const struct acceptance *a)
{
	fprintf(out, "accept = %s%s%s%s%s\n", a->id, a->wall[0] ? "@" : "", a->wall,
		a->about[0] ? "=" : "", a->about);
}

static int target_write(FILE *out, void *arg, struct err *e)
{
	const struct check_options *o = arg;
	char word[32];
	fputs("# A target of epolltune: epolltune check --target NAME|FILE\n", out);
	if (o->server)
		fprintf(out, "server = %s\n", o->server);
	if (o->netns)
		fprintf(out, "netns = %s\n", o->netns);
	for (const struct option_row *row = rows; row->name; row++)
		if (row->kind == OPTION_CHOICE && target_is_asked(o, row->name))
			fprintf(out, "%s = %s\n", row->name, target_role_name(o->target.role));
		else if (row->kind == OPTION_CHOICE)
			continue; /* the server says it */
		else if (!row->parse && is_set(row, o))
			fprintf(out, "%s = %s\n", row->name,
				quantity_word(word, sizeof(word), (enum quantity_kind)row->kind,
					      option_number(row, o)));
	for (size_t i = 0; i < o->saved.accepted.count; i++)
		acceptance_write(out, &o->saved.accepted.at[i]);
	return 0;
}

int saved_target_save(const char *where, const struct check_options *o, struct err *e)
{
	char path[PATH_MAX];
	struct check_options *copy = malloc(sizeof(*copy));
	if (!copy)
		return err_set(e, ENOMEM, "target: out of memory");
	*copy = *o;
	saved_target_path(where, path);
	int rc = accepted_keep(where, copy, e);
	if (!rc)
		rc = output_write(path, target_write, copy, e);
	free(copy);
	return rc;
}
