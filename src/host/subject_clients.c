/* Reads how many connections a running server allows itself: from its command, or the file that the
 * command names. Files that this one includes are not read. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/edit.h"
#include "epolltune/list.h"
#include "epolltune/subject.h"
#include "host/machine.h"
#include "host/processes.h"

/* nginx writes "nginx: master process COMMAND" over its command. */
#define TITLE " process "

/* The words of the command, which `text` keeps. */
static void command_split(char *text, struct edit_command *c)
{
	const char *ends = strstr(text, TITLE) ? " \n" : "\n";
	char *rest = NULL;
	*c = (struct edit_command){.first = true};
	for (char *word = strtok_r(text, ends, &rest); word && c->count < EDIT_WORDS;
	     word = strtok_r(NULL, ends, &rest))
		c->word[c->count++] = word;
}

/* The number that an option has; EDIT_NONE: it is not there. False: it is not a plain number. */
static bool option_number(const struct edit_command *c, const char *option, uint64_t *number)
{
	const char *value = NULL;
	char *end = NULL;
	bool found = false;
	for (size_t at = 0; option && edit_command_option(c, option, &at, &value);)
		found = true;
	*number = EDIT_NONE;
	if (!found)
		return true;
	if (!value || *value < '0' || *value > '9')
		return false;
	*number = strtoull(value, &end, 10);
	return !*end;
}

/* Whether a word may have a short option behind others: "-vc 100". */
static bool option_hides(const struct edit_command *c, const char *option)
{
	if (!option || option[1] == '-')
		return false;
	for (size_t i = 1; i < c->count; i++)
		if (c->word[i][0] == '-' && c->word[i][1] && c->word[i][1] != '-' &&
		    strchr(c->word[i] + 2, option[1]))
			return true;
	return false;
}

/* Whether the server is the distribution's, by its file or, where another user's is not visible, by
 * its command. */
static bool is_distributed(const struct host *h, const struct subject *s,
			   const struct edit_command *c, const char *program)
{
	char file[PATH_MAX];
	size_t length = strlen(program);
	CLEAN(close_fd) int process = process_open(h, s->pid, NULL);
	ssize_t size = process < 0 ? -1 : readlinkat(process, "exe", file, sizeof(file) - 1);
	if (size < 0)
		return c->count && !strcmp(c->word[0], program);
	file[size] = 0;
	/* An update has replaced it: "/usr/sbin/nginx (deleted)". */
	return !strncmp(file, program, length) && (!file[length] || file[length] == ' ');
}

/* The file with the configuration; NULL: none is known. */
static const char *file_named(const struct host *h, const struct subject *s,
			      const struct edit_command *c, const struct server_file *file)
{
	const char *name = NULL;
	size_t count = 0;
	if (!*file->option && c->count > 1 && *c->word[1] == '/')
		return c->word[1];
	for (size_t at = 0; *file->option && edit_command_option(c, file->option, &at, &name);)
		count++;
	if (count)
		return count == 1 && name && *name == '/' ? name : NULL;
	bool usual = file->usual && (!file->units || list_has(file->units, s->unit)) &&
		     is_distributed(h, s, c, file->program);
	return usual ? file->usual : NULL;
}

/* Clocks of the kernel count its ticks and the time of files differently. */
#define SLACK_S 0.03

static double seconds_of(clockid_t clock)
{
	struct timespec t = {0};
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Whether the file changed after the first process of those that accept had started: what a reload
 * starts has read it. */
static bool file_is_newer(const struct subject *s, const struct timespec *changed)
{
	uint64_t ticks = s->oldest ? s->oldest : s->started;
	double ran = seconds_of(CLOCK_BOOTTIME) - (double)ticks / (double)sysconf(_SC_CLK_TCK);
	double age = seconds_of(CLOCK_REALTIME) -
		     ((double)changed->tv_sec + (double)changed->tv_nsec / 1e9);
	return age + SLACK_S < ran;
}

/* "80,443"; "": all, or those of UNIX sockets too. */
static void ports_list(const struct subject *s, char *list, size_t size)
{
	size_t used = 0;
	list[0] = 0;
	for (size_t i = 0; i < s->listeners.count && used < size; i++)
		used += (size_t)snprintf(list + used, size - used, "%s%u", used ? "," : "",
					 (unsigned)s->listeners.at[i].port);
	if (used >= size)
		list[0] = 0;
}

static void unknown(struct subject_clients *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void unknown(struct subject_clients *out, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(out->where, sizeof(out->where), fmt, args);
	va_end(args);
}

static void known(struct subject_clients *out, uint64_t limit)
{
	out->known = true;
	out->limit = limit;
}

static void file_look(const struct host *h, const struct subject *s, const struct server_row *row,
		      const char *name, struct subject_clients *out)
{
	const struct server_setting *set = &row->set[SERVER_CLIENTS];
	CLEAN(free_pointer) char *text = NULL;
	struct timespec changed;
	struct edit_limit limit;
	struct err why = {0};
	char ports[512];
	ports_list(s, ports, sizeof(ports));
	if (machine_read_as(h, s->pid, name, &text, &changed, NULL) < 0)
		unknown(out, "%.140s of %s is not readable", name, row->name);
	else if (file_is_newer(s, &changed))
		unknown(out, "%.140s changed since the server started", name);
	else if (edit_limit(&row->file, set, ports, text, &limit, &why))
		unknown(out, "%.180s", why.text);
	else if (limit.elsewhere)
		unknown(out, "%.110s includes files that may set %s", name, set->directive);
	else {
		bool found = limit.value != EDIT_NONE, section = set->narrower && found;
		known(out, found ? limit.value : set->preset);
		snprintf(out->where, sizeof(out->where), "%s%s%s %s %.110s%s", set->directive,
			 section ? " in section " : "", section ? limit.section : "",
			 found ? "of" : "(not in", name, found ? "" : ")");
	}
}

int subject_clients_read(const struct host *h, const struct subject *s, struct subject_clients *out,
			 struct err *e)
{
	const struct server_row *row = server_row_find(s->name);
	const struct server_setting *set = row ? &row->set[SERVER_CLIENTS] : NULL;
	CLEAN(free_pointer) char *command = NULL;
	struct edit_command c;
	uint64_t number = EDIT_NONE, other = EDIT_NONE;
	char path[64];
	*out = (struct subject_clients){0};
	if (!set || (!set->directive && !set->option))
		return err_set(e, ENOTSUP, "epolltune does not know how %s is configured", s->name);
	snprintf(path, sizeof(path), "proc/%d/cmdline", (int)s->pid);
	ssize_t size = host_read_strings(h, path, &command, e);
	if (size < 0)
		return (int)size;
	command_split(command, &c);
	bool plain = option_number(&c, set->option, &number) &&
		     option_number(&c, set->long_option, &other);
	if (!plain || (number != EDIT_NONE && other != EDIT_NONE)) {
		unknown(out, "%s of the command of %s is not one plain number", set->option,
			row->name);
	} else if (number != EDIT_NONE || other != EDIT_NONE) {
		bool first = number != EDIT_NONE;
		known(out, first ? number : other);
		snprintf(out->where, sizeof(out->where), "%s of its command",
			 first ? set->option : set->long_option);
	} else if (set->directive) {
		const char *file = file_named(h, s, &c, &row->file);
		out->hidden = !file && row->file.units;
		if (file)
			file_look(h, s, row, file, out);
		else
			unknown(out, "the configuration of %s is not visible", row->name);
	} else if (!set->preset) {
		return err_set(e, ENOENT, "%s of %s is not set", set->option, row->name);
	} else if (option_hides(&c, set->option)) {
		unknown(out, "the command of %s may have %s behind another option", row->name,
			set->option);
	} else {
		known(out, set->preset);
		snprintf(out->where, sizeof(out->where), "%s (not in its command)", set->option);
	}
	return 0;
}
