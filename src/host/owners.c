/* The processes that hold sockets, by /proc/PID/fd. */
#include "host/owners.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/order.h"
#include "host/descriptors.h"
#include "host/inode_table.h"
#include "host/machine.h"
#include "host/processes.h"

/* Limit the search: of one process, first and then; at last it is all. Listeners have low
 * descriptors. */
#define OWNER_LOW 128
#define OWNER_DESCRIPTORS 32768
/* Of what is looked at after the search, whether that ended at its limit or not. */
#define OWNER_RESERVE 65536
/* Descendants of a process that holds a socket. */
#define OWNER_DEPTH 8
#define OWNER_THREADS 64
/* Of a process whose epoll sets are listed. */
#define WATCHED_DESCRIPTORS 4096
#define CHILDREN 4096

#define NO_MEMORY "cannot find the owners of sockets: out of memory"

struct mark {
	bool held, watched; /* by the process that is looked at */
};

struct owner_search {
	const struct host *host;
	struct owners *o;
	struct mark *marks; /* of each thing */
	size_t *marked;     /* the things that have a mark */
	size_t marked_count;
	size_t *owned; /* how many things each process owns; first: how many none does */
	size_t owned_count;
	unsigned descriptors; /* that may still be read */
	unsigned each;        /* of a process */
	bool cut;             /* the one that is looked at has more */
	pid_t *more;          /* those that have */
	size_t more_count;
	bool full;
};

/* The thing that has this socket; thing_count: none. */
static size_t thing_find(const struct owner_search *s, uint64_t inode)
{
	const struct owned_socket *found =
		inode_table_find(s->o->sockets, s->o->socket_count, sizeof(*found), inode);
	return found ? found->thing : s->o->thing_count;
}

static size_t owned_by(const struct owner_search *s, int index) { return s->owned[index + 1]; }

static void owner_set(struct owner_search *s, size_t thing, int index)
{
	s->owned[s->o->owner[thing] + 1]--;
	s->owned[index + 1]++;
	s->o->owner[thing] = index;
}

static bool owned_prepare(struct owner_search *s)
{
	while (s->owned_count < s->o->process_count + 1)
		if (!array_add(&s->owned, &s->owned_count, sizeof(*s->owned)))
			return false;
	return s->owned != NULL;
}

/* With many things and processes it matters that each process costs what it holds only. */
static struct mark *mark_add(struct owner_search *s, size_t thing)
{
	struct mark *m = &s->marks[thing];
	if (!m->held && !m->watched)
		s->marked[s->marked_count++] = thing;
	return m;
}

static void marks_clear(struct owner_search *s)
{
	while (s->marked_count)
		s->marks[s->marked[--s->marked_count]] = (struct mark){0};
}

/* The index of the process in owners.processes; -1: it is gone, or there is no memory. */
static int process_add(struct owner_search *s, int dir, pid_t pid)
{
	struct process p;
	struct owners *o = s->o;
	if (process_read_at(dir, pid, &p, NULL) < 0)
		return -1;
	process_freezer_look(s->host, &p);
	for (size_t i = 0; i < o->process_count; i++)
		if (process_same(&o->processes[i], &p))
			return (int)i;
	struct process *more = array_add(&o->processes, &o->process_count, sizeof(*more));
	if (!more || !owned_prepare(s)) {
		o->process_count -= more != NULL;
		s->full = true;
		return -1;
	}
	*more = p;
	return (int)o->process_count - 1;
}

static void denied_note(struct owner_search *s)
{
	s->o->denied |= errno == EACCES || errno == EPERM;
}

static void watched_mark(uint64_t inode, void *arg)
{
	struct owner_search *s = arg;
	size_t i = thing_find(s, inode);
	if (i < s->o->thing_count)
		mark_add(s, i)->watched = true;
}

/* Marks what the process holds of those that `from` owns, and what its epoll sets watch. */
static void held_mark(struct owner_search *s, int dir, int from, bool watched)
{
	size_t left = owned_by(s, from);
	CLEAN(descriptors_close) struct descriptors all;
	struct descriptor d;
	marks_clear(s);
	if (descriptors_open(&all, dir) < 0) {
		denied_note(s);
		return;
	}
	for (unsigned n = 0; s->descriptors && (left || watched) && descriptors_next(&all, &d);
	     n++) {
		s->cut |= n == s->each;
		if (n == s->each)
			return;
		s->descriptors--;
		if (!d.link[0])
			denied_note(s); /* root without CAP_SYS_PTRACE */
		if (watched && strcmp(d.link, "anon_inode:[eventpoll]") == 0)
			watched_walk(dir, d.fd, watched_mark, s);
		size_t i = d.socket ? thing_find(s, d.socket) : s->o->thing_count;
		if (i < s->o->thing_count && s->o->owner[i] == from && !s->marks[i].held) {
			mark_add(s, i)->held = true;
			left--;
		}
	}
}

/* An owner, and what shows that it accepts itself. */
struct keeper {
	int dir, index; /* in owners.processes */
	bool looked;    /* the rest is known */
	bool busy;      /* it has more descriptors than a process that only holds the sockets */
	bool *keeps;    /* each thing, as an epoll set of it watches that */
};

/* Makes the process the owner of those that it holds, and by an epoll set watches if `watched`, of
 * those that `from` owns: another process, or -1. Those that `keeper` keeps stay its own; NULL:
 * none does. Returns its index, or -1 if there are none. */
static int process_own(struct owner_search *s, int dir, pid_t pid, int from, bool watched,
		       const struct keeper *keeper)
{
	int self = -1;
	held_mark(s, dir, from, watched);
	for (size_t k = 0; k < s->marked_count; k++) {
		size_t i = s->marked[k];
		if (!s->marks[i].held || (watched && !s->marks[i].watched) ||
		    (keeper && keeper->keeps[i]))
			continue;
		if (self < 0 && (self = process_add(s, dir, pid)) < 0)
			return -1;
		owner_set(s, i, self);
	}
	return self;
}

static bool any_held(const struct owner_search *s)
{
	for (size_t k = 0; k < s->marked_count; k++)
		if (s->marks[s->marked[k]].held)
			return true;
	return false;
}

/* The children of all threads; 0 on a kernel without CONFIG_PROC_CHILDREN. */
static size_t children_read(int dir, pid_t *pids, size_t max)
{
	int fd = process_directory(dir, "task");
	CLEAN(close_directory) DIR *threads = fd < 0 ? NULL : fdopendir(fd);
	CLEAN(free_pointer) char *text = malloc(CHILDREN * 11);
	size_t count = 0;
	if (!threads || !text) {
		if (!threads)
			close_fd(&fd);
		return 0;
	}
	const struct dirent *entry;
	for (int n = 0; n < OWNER_THREADS && (entry = readdir(threads)); n++) {
		char path[300];
		uint64_t pid;
		snprintf(path, sizeof(path), "%s/children", entry->d_name);
		if (entry->d_name[0] == '.' || process_file(fd, path, text, CHILDREN * 11) <= 0)
			continue;
		for (const char *at = text; count < max && text_number(&at, &pid);)
			pids[count++] = (pid_t)pid;
	}
	qsort(pids, count, sizeof(*pids), int_compare);
	return count;
}

/* Whether a parent of that name holds sockets for a child of that name. A helper that it runs,
 * another program, may have inherited them by accident. */
static bool serves_for(const char *parent, const char *child)
{
	return strcmp(parent, "systemd") == 0 || process_family(parent, child);
}

bool may_list_watched(const struct process *p) { return p->open && p->open <= WATCHED_DESCRIPTORS; }

static bool may_list_of(int dir)
{
	struct process p;
	return !process_read_at(dir, 0, &p, NULL) && may_list_watched(&p);
}

/* Whether it has more than a helper or a supervisor: it is at its limit, where an event loop stops
 * watching its listener for a while, or its epoll sets are too large to list. */
static bool is_busy(int dir)
{
	struct process p;
	return !process_read_at(dir, 0, &p, NULL) &&
	       (p.open > WATCHED_DESCRIPTORS || (p.open && p.open + 1 >= p.soft));
}

/* Whether the owner may leave sockets to a child of another name: it may be a supervisor. */
static bool may_supervise(struct owner_search *s, struct keeper *k)
{
	if (k->looked)
		return !k->busy;
	k->looked = true;
	k->keeps = calloc(s->o->thing_count + 1, sizeof(*k->keeps));
	s->full |= !k->keeps;
	k->busy = !k->keeps || is_busy(k->dir);
	if (k->busy)
		return false;
	held_mark(s, k->dir, k->index, true);
	for (size_t i = 0; i < s->marked_count; i++)
		k->keeps[s->marked[i]] = s->marks[s->marked[i]].watched;
	return true;
}

/* A process whose children may have what `owner` owns: the owner, or one below that only holds it,
 * as a shell that starts the server. */
struct parent {
	int dir;
	pid_t pid;
	struct keeper *owner;
};

static void children_own(struct owner_search *s, const struct parent *p, int depth);

/* What the owner's own children may have. */
static void owned_pass(struct owner_search *s, int dir, pid_t pid, int self, int depth)
{
	struct keeper owner = {.dir = dir, .index = self};
	children_own(s, &(struct parent){dir, pid, &owner}, depth);
	free(owner.keeps);
}

static void child_own(struct owner_search *s, pid_t pid, const struct parent *p, int depth,
		      bool watched)
{
	struct process_stat stat;
	CLEAN(close_fd) int child = process_open(s->host, pid, NULL);
	if (child < 0 || process_stat_at(child, pid, &stat, NULL) < 0 || stat.parent != p->pid)
		return;
	struct keeper *owner = p->owner;
	const struct process *holder = &s->o->processes[owner->index];
	bool served = holder->pid == p->pid && serves_for(holder->name, stat.name);
	if ((watched && !may_list_of(child)) || (!served && !may_supervise(s, owner)))
		return;
	int self = -1;
	if (served || watched || is_busy(child))
		self = process_own(s, child, pid, owner->index, watched, served ? NULL : owner);
	else
		held_mark(s, child, owner->index, false);
	if (self >= 0)
		owned_pass(s, child, pid, self, depth - 1);
	else if (!watched && any_held(s))
		children_own(s, &(struct parent){child, pid, owner}, depth - 1);
}

/* Passes what the owner has to those below the parent that hold it too: to a process of the same
 * program, and to any other one that shows that it accepts where the owner does not. What none of
 * them shows at this moment stays where it is. Workers with a socket each (SO_REUSEPORT) may hold
 * those of all: first to the child that watches it. */
static void children_own(struct owner_search *s, const struct parent *p, int depth)
{
	CLEAN(free_pointer) pid_t *pids = depth > 0 ? calloc(CHILDREN, sizeof(*pids)) : NULL;
	size_t count = pids ? children_read(p->dir, pids, CHILDREN) : 0;
	for (size_t i = 0; i < count && owned_by(s, p->owner->index); i++)
		child_own(s, pids[i], p, depth, true);
	for (size_t i = 0; i < count && owned_by(s, p->owner->index); i++)
		child_own(s, pids[i], p, depth, false);
}

/* A child may have a lower pid than its parent: pids wrap around. */
static void family_own(struct owner_search *s, int dir, pid_t pid, int self)
{
	struct process_stat stat;
	CLEAN(close_fd) int parent = -1;
	if (!process_stat_at(dir, pid, &stat, NULL) && stat.parent > pid)
		parent = process_open(s->host, stat.parent, NULL);
	int above = parent < 0 ? -1 : process_own(s, parent, stat.parent, self, false, NULL);
	if (above >= 0)
		owned_pass(s, parent, stat.parent, above, OWNER_DEPTH);
	owned_pass(s, dir, pid, self, OWNER_DEPTH);
}

static pid_t pid_of(const char *name)
{
	uint64_t n;
	return text_number(&name, &n) && !*name && n && n <= INT32_MAX ? (pid_t)n : -1;
}

static bool is_chosen(const struct owner_search *s, int process, pid_t pid)
{
	struct process p;
	return !s->o->chosen || (!process_read_at(process, pid, &p, NULL) && s->o->chosen(&p));
}

/* Adds to what the parent, another program, keeps what the process at `dir` holds as well and does
 * not show that it accepts from. */
static void parent_keep(struct owner_search *s, struct keeper *k, int dir)
{
	CLEAN(free_pointer) bool *shown = calloc(s->o->thing_count + 1, sizeof(*shown));
	bool all = is_busy(dir);
	if (may_supervise(s, k) && shown && !all && may_list_of(dir)) {
		held_mark(s, dir, k->index, true);
		for (size_t i = 0; i < s->marked_count; i++)
			shown[s->marked[i]] = s->marks[s->marked[i]].watched;
	}
	s->full |= !shown;
	held_mark(s, k->dir, k->index, false);
	for (size_t i = 0; shown && k->keeps && i < s->marked_count; i++) {
		size_t at = s->marked[i];
		k->keeps[at] |= s->marks[at].held && (k->busy || !(all || shown[at]));
	}
}

/* A chosen process has what it holds, but for what it may have inherited by accident. */
static void chosen_own(struct owner_search *s, int dir, pid_t pid)
{
	struct process_stat stat, above;
	held_mark(s, dir, -1, false);
	if (!any_held(s) || process_stat_at(dir, pid, &stat, NULL) < 0)
		return;
	CLEAN(close_fd) int up = process_open(s->host, stat.parent, NULL);
	struct keeper parent = {.dir = up, .index = -1};
	if (up >= 0 && !process_stat_at(up, stat.parent, &above, NULL) &&
	    !serves_for(above.name, stat.name))
		parent_keep(s, &parent, dir);
	process_own(s, dir, pid, -1, false, parent.keeps ? &parent : NULL);
	free(parent.keeps);
}

static void process_search(struct owner_search *s, pid_t pid)
{
	CLEAN(close_fd) int process = process_open(s->host, pid, NULL);
	if (process < 0 || !is_chosen(s, process, pid))
		return;
	if (s->o->chosen) {
		chosen_own(s, process, pid);
		return;
	}
	int self = process_own(s, process, pid, -1, false, NULL);
	if (self >= 0)
		family_own(s, process, pid, self);
}

static void more_add(struct owner_search *s, pid_t pid)
{
	pid_t *more = reallocarray(s->more, s->more_count + 1, sizeof(*more));
	s->full |= !more;
	if (!more)
		return;
	s->more = more;
	more[s->more_count++] = pid;
}

static bool goes_on(const struct owner_search *s)
{
	return owned_by(s, -1) && s->descriptors && !s->full;
}

/* One that has more is looked at again. */
static void pid_search(struct owner_search *s, pid_t pid)
{
	s->cut = false;
	process_search(s, pid);
	if (s->cut)
		more_add(s, pid);
}

/* By ascending pid, as the kernel lists them. */
static void processes_search(struct owner_search *s)
{
	int fd = machine_open(s->host, "proc", O_RDONLY | O_DIRECTORY, "read", NULL);
	CLEAN(close_directory) DIR *proc = fd < 0 ? NULL : fdopendir(fd);
	if (!proc) {
		s->o->denied = true;
		close_fd(&fd);
		return;
	}
	const struct dirent *entry;
	while (goes_on(s) && (entry = readdir(proc))) {
		pid_t pid = pid_of(entry->d_name);
		if (pid > 0)
			pid_search(s, pid);
	}
}

static void more_search(struct owner_search *s, unsigned each)
{
	CLEAN(free_pointer) pid_t *pids = s->more;
	size_t count = s->more_count;
	s->more = NULL;
	s->more_count = 0;
	s->each = each;
	for (size_t i = 0; i < count && goes_on(s); i++)
		pid_search(s, pids[i]);
}

static void all_search(struct owner_search *s)
{
	s->each = OWNER_LOW;
	for (size_t i = 0; i < s->o->among_count && goes_on(s); i++)
		pid_search(s, s->o->among[i]);
	if (!s->o->among)
		processes_search(s);
	more_search(s, OWNER_DESCRIPTORS);
	more_search(s, UINT_MAX);
	free(s->more);
	s->more = NULL;
}

/* Where the others have used up the limit. */
static void known_search(struct owner_search *s)
{
	CLEAN(free_pointer) struct process_stat *all = NULL;
	size_t count;
	s->descriptors = OWNER_RESERVE;
	s->each = OWNER_DESCRIPTORS;
	if (process_list(s->host, &all, &count, NULL))
		return;
	for (size_t i = 0; i < count && goes_on(s); i++)
		if (server_row_find(all[i].name))
			process_search(s, all[i].pid);
}

/* The nearest systemd among its ancestors, an O_PATH descriptor; -1: none. */
static int systemd_above(const struct owner_search *s, pid_t pid)
{
	struct process_stat stat = {.parent = pid};
	for (int depth = 0; depth <= OWNER_DEPTH && stat.parent; depth++) {
		CLEAN(close_fd) int at = process_open(s->host, stat.parent, NULL);
		if (at < 0 || process_stat_at(at, stat.parent, &stat, NULL) < 0)
			return -1;
		if (depth && !strcmp(stat.name, "systemd"))
			return dup(at);
	}
	return -1;
}

static void systemd_mark(struct owner_search *s)
{
	for (size_t p = 0; p < s->o->process_count; p++) {
		if (!owned_by(s, (int)p))
			continue;
		CLEAN(close_fd) int systemd = systemd_above(s, s->o->processes[p].pid);
		if (systemd < 0)
			continue;
		held_mark(s, systemd, (int)p, false);
		for (size_t i = 0; i < s->marked_count; i++)
			s->o->systemd[s->marked[i]] |= s->marks[s->marked[i]].held;
	}
}

static int search(struct owner_search *s, struct err *e)
{
	struct owners *o = s->o;
	struct host_identity here;
	o->denied = o->cut = o->apart = false;
	s->marks = calloc(o->thing_count + 1, sizeof(*s->marks));
	s->marked = calloc(o->thing_count + 1, sizeof(*s->marked));
	if (!s->marks || !s->marked || !owned_prepare(s))
		return err_set(e, ENOMEM, NO_MEMORY);
	for (size_t i = 0; i < o->thing_count; i++)
		s->owned[o->owner[i] + 1]++;
	all_search(s);
	bool ended = !s->descriptors;
	if (ended && !o->among && !o->chosen)
		known_search(s);
	bool denied = o->denied;
	s->descriptors = OWNER_RESERVE;
	s->each = OWNER_DESCRIPTORS;
	if (o->systemd)
		systemd_mark(s);
	/* That of systemd hides no owner. With hidepid (proc(5)) the processes of other users are
	 * not listed. */
	o->denied = owned_by(s, -1) && (denied || !host_has(s->host, "proc/1/stat"));
	o->cut = owned_by(s, -1) && ended;
	/* One of this namespace that is hidden is more likely. */
	o->apart = owned_by(s, -1) && !o->denied && !host_identity(s->host, &here, NULL) &&
		   !here.first_pids;
	return s->full ? err_set(e, ENOMEM, NO_MEMORY) : 0;
}

int owners_find(const struct host *h, struct owners *o, struct err *e)
{
	struct owner_search s = {
		.host = h, .o = o, .descriptors = o->limit ? o->limit : OWNERS_LIMIT};
	inode_table_sort(o->sockets, o->socket_count, sizeof(*o->sockets));
	int rc = search(&s, e);
	free(s.marks);
	free(s.marked);
	free(s.owned);
	return rc;
}
