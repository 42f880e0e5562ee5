/* Reads how many connections a running server allows itself: from its command, or the files that
 * the command names. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalogue/edit.h"
#include "catalogue/server_command.h"
#include "catalogue/server_upstreams.h"
#include "epolltune/cleanup.h"
#include "epolltune/connections.h"
#include "epolltune/list.h"
#include "epolltune/subject.h"
#include "host/machine.h"
#include "host/mounts.h"
#include "host/processes.h"
#include "host/program_text.h"
#include "host/server_config.h"
#include "host/socket_unit.h"
#include "host/subject_upstreams.h"
#include "host/unit_command.h"

/* Of what an interpreter runs its words. */
static void command_split(char *text, const char *title, struct server_command *c)
{
	server_command_split(text, title, c);
	server_script_skip(c);
}

/* The number that an option has; EDIT_NONE: it is not there. False: it is not a plain number. */
static bool command_number(const struct server_command *c, const char *option, uint64_t *number)
{
	const char *value = NULL;
	char *end = NULL;
	bool found = false;
	for (size_t at = 0; option && server_command_option(c, option, &at, &value);)
		found = true;
	*number = EDIT_NONE;
	if (!found)
		return true;
	if (!value || *value < '0' || *value > '9')
		return false;
	*number = strtoull(value, &end, 10);
	return !*end;
}

/* The file that the server reads where its command names none, by its program or, where another
 * user's is not visible, by its command. False: it is not known. */
static bool usual_file(const struct host *h, const struct subject *s,
		       const struct server_command *c, const struct server_file *file,
		       char out[PROGRAM_FILE])
{
	char path[PATH_MAX];
	CLEAN(close_fd) int process = process_open(h, s->pid, NULL);
	ssize_t size = process < 0 ? -1 : readlinkat(process, "exe", path, sizeof(path) - 1);
	CLEAN(close_fd)
	int program = size < 0 ? -1 : openat(process, "exe", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	path[size < 0 ? 0 : size] = 0;
	return program_usual_file(program,
				  size >= 0  ? path
				  : c->count ? c->word[0]
					     : NULL,
				  file, out);
}

/* Whether the process sees the files that this one sees: a sandbox of systemd has the same root. */
static bool root_is_ours(const struct host *h, const struct subject *s)
{
	struct stat own, other;
	CLEAN(close_fd) int process = process_open(h, s->pid, NULL);
	return process >= 0 && !stat("/", &own) && !fstatat(process, "root", &other, 0) &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

/* The command of the system's unit that it is in, if that starts such a server. A title may be
 * written over the environment, too: what the unit sets of that is unknown. */
static bool command_of_unit(const struct host *h, const struct subject *s,
			    const struct server_row *row, char **text, struct server_command *c)
{
	CLEAN(free_pointer) char *cgroup = NULL;
	char path[64];
	snprintf(path, sizeof(path), "proc/%d/cgroup", (int)s->pid);
	if (host_read_all(h, path, &cgroup, NULL) < 0 ||
	    !unit_is_system(cgroup, unit_service(s->unit)) || !root_is_ours(h, s) ||
	    unit_command_read(h, unit_service(s->unit),
			      row->set[SERVER_CLIENTS].elsewhere_variables, s->started, text, c))
		return false;
	server_script_skip(c);
	return server_row_find(basename(c->word[0])) == row;
}

/* Whether "/" of the process is a directory of a file system, that of chroot(2): it has read its
 * files before. */
static bool has_changed_root(const struct host *h, const struct subject *s)
{
	CLEAN(free_pointer) char *mounts = NULL;
	char path[64];
	struct mount mount;
	snprintf(path, sizeof(path), "proc/%d/mountinfo", (int)s->pid);
	if (host_read_all(h, path, &mounts, NULL) < 0)
		return false;
	for (const char *at = mounts; mounts_next(&at, &mount);)
		if (!strcmp(mount.point, "/"))
			return false;
	return true;
}

/* The addresses of its listeners of connections that are not set aside, each once; "": all, as
 * they do not fit. */
static void listeners_list(const struct subject *s, char *list, size_t size)
{
	size_t used = 0, count = 0;
	list[0] = 0;
	for (size_t i = 0; i < s->listeners.count && used < size; i++) {
		const struct listener *l = &s->listeners.at[i];
		char own[LISTENER_ADDRESS];
		if (l->kind == LISTENER_UDP || l->aside ||
		    (used && list_has(list, listener_plain(l, own))))
			continue;
		count++;
		used += (size_t)snprintf(list + used, size - used, "%s%s", used ? "," : "",
					 listener_plain(l, own));
	}
	if (used >= size || count > EDIT_LISTENERS)
		list[0] = 0;
}

/* The limit that the files set; `number`: the option of the command, which replaces that of all
 * sections. */
static void files_read(const struct host *h, const struct subject *s, const struct server_row *row,
		       const struct server_command *c, uint64_t number, struct subject_clients *out)
{
	const struct server_setting of = server_setting_of(&row->set[SERVER_CLIENTS], out->version);
	const struct server_setting *set = &of;
	struct edit_limit limit;
	struct server_config config;
	char listeners[4096], usual[PROGRAM_FILE];
	bool known = usual_file(h, s, c, &row->file, usual);
	if (has_changed_root(h, s)) {
		out->state = CLIENTS_UNNAMED;
		return;
	}
	server_config_read(h, s, c, known ? usual : NULL, &config);
	listeners_list(s, listeners, sizeof(listeners));
	out->state = config.state;
	snprintf(out->file, sizeof(out->file), "%.127s", config.file);
	if (out->state == CLIENTS_READ &&
	    edit_limit(&row->file, set, listeners, config.text ? config.text : "",
		       row->options ? number : EDIT_NONE, &limit, NULL))
		out->state = CLIENTS_INVALID;
	else if (out->state == CLIENTS_READ && limit.elsewhere)
		out->state = CLIENTS_PARTS;
	free(config.text);
	if (out->state != CLIENTS_READ)
		return;
	out->preset = limit.value == EDIT_NONE || limit.preset;
	out->limit = limit.value == EDIT_NONE ? set->preset : limit.value;
	out->files = limit.files == EDIT_NONE || limit.value != EDIT_NONE ? 0 : limit.files;
	out->sections = limit.sections;
	out->several = limit.least != limit.value;
	out->least = limit.least;
	out->shared = limit.shared == EDIT_NONE ? 0 : limit.shared;
	out->further = limit.further;
	out->doubles = limit.doubles;
	if (set->narrower && strcmp(limit.section, set->section) != 0)
		snprintf(out->section, sizeof(out->section), "%.31s", limit.section);
	if (number != EDIT_NONE && !out->section[0])
		out->file[0] = 0; /* of the command */
	else
		out->name = set->directive;
}

/* A word of the command keeps the limit unknown. */
static void option_refuse(struct subject_clients *out, const char *word)
{
	out->state = CLIENTS_OPTION;
	snprintf(out->file, sizeof(out->file), "%s", word);
}

/* Whether it may read its limit from where epolltune does not look, which out->file names then. */
static bool is_elsewhere(const struct host *h, const struct subject *s,
			 const struct server_command *c, const struct server_setting *set,
			 struct subject_clients *out)
{
	CLEAN(free_pointer) char *environment = NULL;
	CLEAN(close_fd) int process = process_open(h, s->pid, NULL);
	char path[PATH_MAX], *rest = NULL;
	const char *began = NULL, *value = NULL;
	struct list_item item;
	struct stat st;
	size_t at = 0;
	if (!set->elsewhere_variables)
		return false;
	snprintf(out->file, sizeof(out->file), "%s",
		 set->elsewhere_file ? set->elsewhere_file : "its environment");
	snprintf(path, sizeof(path), "proc/%d/environ", (int)s->pid);
	if (process < 0 || host_read_strings(h, path, &environment, NULL) < 0)
		return true;
	for (char *line = strtok_r(environment, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		for (const char *all = set->elsewhere_variables; list_next(&all, &item);)
			if (!strncmp(line, item.text, (size_t)item.length)) {
				snprintf(out->file, sizeof(out->file), "$%.*s",
					 (int)strcspn(line, "="), line);
				return true;
			}
		if (!strncmp(line, "PWD=/", 5))
			began = line + 4;
	}
	out->file[0] = 0;
	if (!set->elsewhere_file)
		return false;
	snprintf(out->file, sizeof(out->file), "%s", set->elsewhere_file);
	/* Of a server that changed its directory that of its start counts. */
	bool moved = server_command_option(c, set->elsewhere_directory, &at, &value);
	snprintf(path, sizeof(path), "root%s/%s", began ? began : "", set->elsewhere_file);
	if (moved && (!began || !fstatat(process, path, &st, 0) || errno != ENOENT))
		return true;
	snprintf(path, sizeof(path), "cwd/%s", set->elsewhere_file);
	if (!fstatat(process, path, &st, 0) || errno != ENOENT)
		return true;
	out->file[0] = 0;
	return false;
}

static void command_read(const struct host *h, const struct subject *s,
			 const struct server_row *row, const struct server_command *c,
			 struct subject_clients *out)
{
	const struct server_setting *set = &row->set[SERVER_CLIENTS];
	const char *unknown = row->options ? server_command_unknown(c, row, set) : NULL;
	uint64_t number = EDIT_NONE, other = EDIT_NONE;
	bool plain = command_number(c, set->option, &number) &&
		     command_number(c, set->long_option, &other);
	bool given = number != EDIT_NONE || other != EDIT_NONE, first = number != EDIT_NONE;
	const char *class = server_command_class(c, set);
	bool acts = server_command_acts(c, set);
	out->name = first || !given ? set->option : set->long_option;
	if (unknown) {
		option_refuse(out, unknown);
	} else if (!plain || (number != EDIT_NONE && other != EDIT_NONE)) {
		option_refuse(out, out->name);
	} else if (!(given && acts && (!class || server_command_names_class(c, set))) &&
		   is_elsewhere(h, s, c, set, out)) {
		/* That may set the class of its workers, too. */
		out->state = CLIENTS_ELSEWHERE;
	} else if (set->directive) {
		out->name = given ? out->name : set->directive;
		files_read(h, s, row, c, number, out);
	} else if (acts && !given && !set->preset && !set->files_each) {
		out->state = CLIENTS_NONE;
	} else if (acts) {
		out->state = CLIENTS_READ;
		out->preset = !given;
		out->limit = first ? number : given ? other : set->preset;
	} else if (set->class_preset && !strcmp(class, set->class_default)) {
		out->state = CLIENTS_READ;
		out->class = set->class_default;
		out->limit = set->class_preset;
	} else {
		option_refuse(out, *class ? class : set->class_option);
	}
}

/* Whether the server has written a title over its command: one text with blanks. */
static bool is_title(const struct server_command *c)
{
	return c->count == 1 && strchr(c->word[0], ' ');
}

/* Of listeners with their owners, those that its processes have besides. */
struct others {
	const struct subject *subject;
	const struct listeners *all;
};

static bool may_be_other(const struct listener *l, void *arg)
{
	const struct others *o = arg;
	bool same = false;
	for (size_t i = 0; i < o->subject->listeners.count && !same; i++)
		same = o->subject->listeners.at[i].uid == l->uid;
	return same && !subject_has(o->subject, l);
}

static bool is_other(const struct listener *l, void *arg)
{
	const struct others *o = arg;
	return l->owner >= 0 && may_be_other(l, arg) &&
	       subject_has_root(o->subject, o->all->processes[l->owner].root);
}

/* What clients of its other listeners use of the limit of its processes. */
static void others_read(const struct host *h, const struct subject *s, struct subject_clients *out)
{
	CLEAN(listeners_free) struct listeners all = {0};
	CLEAN(free_pointer) struct connections *c = calloc(1, sizeof(*c));
	struct others o = {s, &all};
	bool any = false;
	out->uncounted = true;
	if (!c || listeners_read(h, &all, NULL) || listeners_own(h, &all, may_be_other, &o, NULL))
		return;
	out->uncounted = all.cut || (!s->accepting && all.hidden);
	for (size_t i = 0; i < all.count; i++) {
		bool other = is_other(&all.at[i], &o);
		any |= other && all.at[i].kind == LISTENER_TCP;
		out->uncounted |= other && all.at[i].kind != LISTENER_TCP;
	}
	for (size_t i = 0; i < all.count; i = listeners_group(&all, i))
		out->listeners += is_other(&all.at[i], &o);
	if (any && connections_read(h, &all, is_other, &o, c, NULL))
		out->uncounted = true;
	out->others = c->open + c->left;
}

/* Of a socket that systemd holds for a service: the limit of its unit, if it accepts itself. */
static void unit_read(const struct host *h, const struct subject *s, const struct server_command *c,
		      const char *name, struct subject_clients *out)
{
	static const enum subject_clients_state states[] = {
		[SOCKET_UNIT_UNKNOWN] = CLIENTS_UNIT,
		[SOCKET_UNIT_SERVICE] = CLIENTS_NONE,
		[SOCKET_UNIT_ACCEPTS] = CLIENTS_READ,
		[SOCKET_UNIT_SEVERAL] = CLIENTS_UNITS,
	};
	struct socket_unit unit;
	const char *value;
	size_t at = 0;
	/* That of a user has other units. */
	if (server_command_option(c, "--user", &at, &value)) {
		option_refuse(out, "--user");
		return;
	}
	socket_unit_find(h, s, &unit);
	out->state = states[unit.is];
	out->name = name;
	out->limit = unit.max;
	out->preset = unit.preset;
	out->further = unit.per_source ? "MaxConnectionsPerSource" : NULL;
	out->trigger = unit.trigger;
	out->poll = unit.poll;
	snprintf(out->file, sizeof(out->file), "%s", unit.file);
}

/* Of a server whose files are not read: what its title shows. */
static void title_read(const struct host *h, const struct subject *s,
		       const struct server_setting *set, struct subject_clients *out)
{
	CLEAN(free_pointer) char *title = NULL;
	char path[64];
	snprintf(path, sizeof(path), "proc/%d/cmdline", (int)s->pid);
	if (!set->told || host_read_strings(h, path, &title, NULL) < 0)
		return;
	const char *at = strstr(title, set->told);
	if (at && sscanf(at + strlen(set->told), " %*9u of %9" SCNu64, &out->told) == 1)
		snprintf(out->file, sizeof(out->file), "its title");
}

int subject_clients_read(const struct host *h, const struct subject *s, struct subject_clients *out,
			 struct err *e)
{
	const struct server_row *row = subject_row(s);
	const struct server_setting *set = server_clients_setting(row);
	CLEAN(free_pointer) char *command = NULL, *unit = NULL;
	CLEAN(free_pointer) struct server_command *c = malloc(sizeof(*c));
	char path[64];
	*out = (struct subject_clients){0};
	if (!c)
		return err_set(e, ENOMEM, "command: out of memory");
	if (!set)
		return err_set(e, ENOTSUP, "epolltune does not know how %s is configured", s->name);
	out->version = subject_version(h, s);
	if (set->unread) {
		bool has = !set->threads || subject_may_have_thread(h, s, set->threads);
		out->state = has ? CLIENTS_UNREAD : CLIENTS_NONE;
		out->name = set->unread;
		title_read(h, s, set, out);
		return 0;
	}
	snprintf(path, sizeof(path), "proc/%d/cmdline", (int)s->pid);
	out->state = CLIENTS_COMMAND;
	if (host_read_strings(h, path, &command, NULL) < 0)
		return 0;
	command_split(command, row->file.title, c);
	if (s->activated) {
		unit_read(h, s, c, set->directive, out);
		return 0;
	}
	out->state = CLIENTS_NONE;
	if (is_title(c) && !command_of_unit(h, s, row, &unit, c)) {
		out->state = CLIENTS_UNNAMED;
		out->name = set->directive ? set->directive : set->option;
	} else {
		command_read(h, s, row, c, out);
	}
	if (out->state != CLIENTS_NONE)
		others_read(h, s, out);
	return 0;
}

/* Its configuration, which the caller frees; NULL: it is not known. False: or not all of it. */
static bool upstreams_text(const struct host *h, const struct subject *s,
			   const struct server_row *row, char **text)
{
	CLEAN(free_pointer) char *command = NULL, *unit = NULL;
	CLEAN(free_pointer) struct server_command *c = malloc(sizeof(*c));
	struct server_config config;
	struct edit_included left;
	char path[64], usual[PROGRAM_FILE];
	*text = NULL;
	snprintf(path, sizeof(path), "proc/%d/cmdline", (int)s->pid);
	if (!c || !row || !row->upstreams || has_changed_root(h, s) ||
	    host_read_strings(h, path, &command, NULL) < 0)
		return false;
	command_split(command, row->file.title, c);
	if (is_title(c) && !command_of_unit(h, s, row, &unit, c))
		return false;
	bool known = usual_file(h, s, c, &row->file, usual);
	server_config_read(h, s, c, known ? usual : NULL, &config);
	/* What a file that has changed names may not be what the server connects to. */
	if (config.state != CLIENTS_READ) {
		free(config.text);
		return false;
	}
	*text = config.text;
	return *text && !edit_included_find(&row->file, NULL, *text, 0, &left);
}

bool subject_upstreams_named(const struct host *h, const struct subject *s,
			     void (*each)(const struct server_upstream *, void *arg), void *arg)
{
	const struct server_row *row = subject_row(s);
	CLEAN(free_pointer) char *text = NULL;
	bool known = upstreams_text(h, s, row, &text);
	if (text)
		server_upstreams_each(row, text, each, arg);
	return known;
}

struct behind_search {
	struct others others;
	struct listeners all;
	const struct listener_table *table;
	struct subject_behind *out;
	bool own;       /* the one that is looked for is a listener of the server */
	bool elsewhere; /* one is none */
	bool far;       /* one is neither at a UNIX socket nor over loopback */
};

static void own_take(struct listener *l, void *arg)
{
	struct behind_search *b = arg;
	char own[LISTENER_ADDRESS];
	if (b->own || (!subject_has(b->others.subject, l) && !is_other(l, &b->others)))
		return;
	b->own = true;
	snprintf(b->out->own, sizeof(b->out->own), "%s", listener_plain(l, own));
}

static void behind_take(const struct server_upstream *u, void *arg)
{
	struct behind_search *b = arg;
	char endpoint[LISTENER_ADDRESS];
	b->own = false;
	subject_upstream_find(b->others.subject, &b->all, b->table, u, own_take, b);
	b->out->local = u->path && (b->out->local || !b->out->any);
	b->out->any = true;
	b->elsewhere |= !b->own;
	b->far |= !u->path && !(server_upstream_endpoint(u->address, endpoint, sizeof(endpoint)) &&
				server_upstream_is_near(endpoint));
}

void subject_behind_read(const struct host *h, struct subject *s)
{
	const struct server_row *row = subject_row(s);
	CLEAN(listener_table_free) struct listener_table *table = NULL;
	CLEAN(free_pointer) char *text = NULL;
	struct behind_search b = {.out = &s->behind};
	b.others = (struct others){s, &b.all};
	s->behind = (struct subject_behind){0};
	if (!host_live(h) || !s->pid || s->activated)
		return;
	s->behind.known = upstreams_text(h, s, row, &text);
	if (text && !listeners_read(h, &b.all, NULL) &&
	    !listeners_own(h, &b.all, may_be_other, &b.others, NULL))
		b.table = table = listener_table_make(&b.all);
	if (table)
		server_upstreams_each(row, text, behind_take, &b);
	else
		s->behind.known = false;
	s->behind.only_own = s->behind.known && s->behind.own[0] && !b.elsewhere;
	s->behind.near = s->behind.known && s->behind.any && !b.far;
	listeners_free(&b.all);
}

/* What the command passes to listen(), or else the server's default; 0: unknown. */
static uint64_t backlog_written(const struct host *h, const struct subject *s,
				const struct server_row *row)
{
	const struct server_setting *set = &row->set[SERVER_BACKLOG];
	CLEAN(free_pointer) char *command = NULL;
	CLEAN(free_pointer) struct server_command *c = malloc(sizeof(*c));
	uint64_t number = EDIT_NONE, other = EDIT_NONE;
	char path[64];
	snprintf(path, sizeof(path), "proc/%d/cmdline", (int)s->pid);
	if (!c || host_read_strings(h, path, &command, NULL) < 0)
		return 0;
	command_split(command, row->file.title, c);
	if (is_title(c) || !command_number(c, set->option, &number) ||
	    !command_number(c, set->long_option, &other))
		return 0;
	return number != EDIT_NONE ? number : other != EDIT_NONE ? other : server_backlog(row);
}

static bool is_spent(const struct process *p)
{
	return p->soft && p->soft != HOST_UNLIMITED && p->open + 1 >= p->soft;
}

void subject_paused_read(const struct host *h, struct subject *s)
{
	const struct server_row *row = subject_row(s);
	bool pauses = row && row->pauses, any = false;
	uint64_t usual = 0, somaxconn = UINT32_MAX;
	for (size_t i = 0; i < s->acceptor_count && !pauses; i++)
		pauses = is_spent(&s->acceptors[i]);
	for (size_t i = 0; i < s->listeners.count; i++) {
		struct listener *l = &s->listeners.at[i];
		l->paused = pauses && l->kind != LISTENER_UDP && !l->limit;
		any |= l->paused;
	}
	if (!any || !row || !row->pauses)
		return;
	usual = backlog_written(h, s, row);
	host_read_u64(h, "proc/sys/net/core/somaxconn", &somaxconn, NULL);
	for (size_t i = 0; i < s->listeners.count; i++)
		if (s->listeners.at[i].paused)
			s->listeners.at[i].limit =
				(uint32_t)(usual < somaxconn ? usual : somaxconn);
}
