/* What the processes of a server hold and may use. */
#include "epolltune/subject.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "epolltune/catalogue.h"
#include "epolltune/cgroup.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "host/cgroup_tree.h"
#include "host/cpu_list.h"
#include "host/descriptors.h"
#include "host/processes.h"

/* Bound the search. */
#define SOCKETS_MAX ((size_t)1 << 20)
#define THREADS_MAX 32768

struct inodes {
	uint64_t *at;
	size_t count;
};

static bool inode_add(struct inodes *i, uint64_t inode)
{
	uint64_t *more = array_add(&i->at, &i->count, sizeof(*more));
	if (more)
		*more = inode;
	return more;
}

static bool sockets_add(int process, void *arg)
{
	struct inodes *i = arg;
	CLEAN(descriptors_close) struct descriptors all;
	struct descriptor d;
	if (descriptors_open(&all, process) < 0)
		return true;
	while (i->count < SOCKETS_MAX && descriptors_next(&all, &d))
		if (d.socket && !inode_add(i, d.socket))
			return false;
	return true;
}

/* Servers that share an address by SO_REUSEPORT have several trees. */
bool subject_has_root(const struct subject *s, pid_t root)
{
	bool is = root == s->pid;
	for (size_t i = 0; i < s->acceptor_count && !is; i++)
		is = s->acceptors[i].root == root;
	return is;
}

const struct server_row *subject_row(const struct subject *s)
{
	return s ? server_row_find(s->program[0] ? s->program : s->name) : NULL;
}

const struct server_row *subject_server_row(const struct subject *s)
{
	const struct server_row *row = subject_row(s);
	return row && !row->runtime ? row : NULL;
}

/* Of a server of the catalogue that says it. */
bool subject_forks(const struct subject *s)
{
	const struct server_row *row = subject_server_row(s);
	return s && (row ? row->forks : s->forks);
}

bool subject_threads_each(const struct subject *s)
{
	const struct server_row *row = subject_server_row(s);
	return s && (row ? row->threads : s->threaded) && !subject_forks(s);
}

/* Each process of the trees, until `look` is false; -ENOMEM then. */
static int tree_walk(const struct host *h, const struct subject *s,
		     bool (*look)(int process, void *arg), void *arg, struct err *e)
{
	CLEAN(free_pointer) struct process_stat *all = NULL;
	size_t count = 0;
	int rc = s->pid && !s->activated ? process_list(h, &all, &count, e) : 0;
	for (size_t i = 0; i < count && !rc; i++) {
		struct process p;
		if (!process_family(s->name, all[i].name))
			continue;
		CLEAN(close_fd) int process = process_open(h, all[i].pid, NULL);
		if (process < 0 || process_read_at(process, all[i].pid, &p, NULL) < 0 ||
		    !subject_has_root(s, p.root))
			continue;
		if (!look(process, arg))
			rc = err_set(e, ENOMEM,
				     "cannot look at the server's processes: out of memory");
	}
	return rc;
}

int subject_sockets(const struct host *h, const struct subject *s, uint64_t **inodes, size_t *count,
		    struct err *e)
{
	struct inodes i = {0};
	int rc = tree_walk(h, s, sockets_add, &i, e);
	if (!rc && i.count == SOCKETS_MAX)
		rc = err_set(e, E2BIG, "%s (pid %d) has too many sockets to look at", s->name,
			     (int)s->pid);
	*inodes = i.at;
	*count = i.count;
	return rc;
}

int subject_acceptors(const struct host *h, const struct subject *s,
		      bool (*chosen)(const struct process *p), struct process **out, size_t *count,
		      struct err *e)
{
	*out = NULL;
	*count = 0;
	for (size_t i = 0; i < s->acceptor_count; i++) {
		struct process now = s->acceptors[i];
		if ((host_live(h) && (process_read(h, s->acceptors[i].pid, &now, NULL) < 0 ||
				      !process_same(&now, &s->acceptors[i]))) ||
		    !chosen(&now))
			continue;
		struct process *more = array_add(out, count, sizeof(*more));
		if (!more)
			return err_set(e, ENOMEM, "cannot list processes: out of memory");
		*more = now;
	}
	/* Of those of which it is not visible which accept, one that does not is no fault. */
	if (s->unshown && *count < s->acceptor_count)
		*count = 0;
	return 0;
}

struct subject_fullest subject_fullest_read(const struct host *h, const struct subject *s)
{
	struct subject_fullest out = s->fullest;
	struct process now;
	for (size_t i = 0; i < s->acceptor_count && out.pid; i++) {
		if (s->acceptors[i].pid != out.pid)
			continue;
		if (process_read(h, out.pid, &now, NULL) < 0 ||
		    !process_same(&now, &s->acceptors[i]))
			break;
		uint64_t all = out.accepted + now.open;
		out.accepted = all > out.open ? all - out.open : 0;
		out.open = now.open;
		return out;
	}
	return (struct subject_fullest){0};
}

/* A limit that was lowered later may be below what is open. */
static uint64_t left(uint64_t soft, uint64_t open) { return soft > open ? soft - open : 0; }

void subject_open_add(struct subject_open *o, const struct process *p)
{
	o->processes++;
	o->sum += p->open;
	/* By what is left, as processes may have different limits. */
	if (p->open && (!o->soft || (p->soft && left(p->soft, p->open) < left(o->soft, o->most)))) {
		o->most = p->open;
		o->soft = p->soft;
	}
}

static bool open_add(int process, void *arg)
{
	struct process p;
	if (process_read_at(process, 0, &p, NULL) == 0)
		subject_open_add(arg, &p);
	return true;
}

int subject_open_read(const struct host *h, const struct subject *s, struct subject_open *out,
		      struct err *e)
{
	*out = (struct subject_open){.processes = s->then.processes};
	return !host_live(h) ? 0 : tree_walk(h, s, open_add, out, e);
}

/* "Pss_Anon:           4096 kB", in bytes; 0: there is no such line. */
static uint64_t line_bytes(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	return at ? strtoull(at + strlen(key), NULL, 10) * 1024 : 0;
}

static void threads_walk(int process, void (*look)(int threads, const char *thread, void *arg),
			 void *arg)
{
	int fd = process_directory(process, "task");
	DIR *threads = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	if (!threads) {
		close_fd(&fd);
		return;
	}
	for (int n = 0; n < THREADS_MAX && (entry = readdir(threads)); n++)
		if (entry->d_name[0] != '.')
			look(fd, entry->d_name, arg);
	closedir(threads);
}

/* "RAN WAITED TIMES", ns and a count (sched-stats.rst). */
static bool thread_read(int threads, const char *thread, struct subject_thread *out)
{
	char path[300], text[96];
	unsigned long long ran, waited;
	snprintf(path, sizeof(path), "%s/schedstat", thread);
	if (process_file(threads, path, text, sizeof(text)) <= 0 ||
	    sscanf(text, "%llu %llu", &ran, &waited) != 2)
		return false;
	*out = (struct subject_thread){(pid_t)strtol(thread, NULL, 10), ran, ran + waited};
	return true;
}

/* How long the kernel may walk the pages of processes: of much memory that many share it takes a
 * second for each. */
#define PAGES_MS 1000

struct memory {
	uint64_t until;  /* clock_ms() */
	uint64_t bytes;  /* but for: */
	uint64_t shared; /* the most that one process has of shared memory */
};

/* The proportional share of each process (proc_pid_smaps_rollup(5)), swapped or not; where another
 * user's is hidden, or there is no time, RssAnon and VmSwap, which count what workers share with
 * their master once in each, and RssShmem, which is that of all. */
static bool memory_add(int process, void *arg)
{
	struct memory *m = arg;
	CLEAN(free_pointer) char *status = NULL;
	char text[4096];
	if (clock_ms() < m->until &&
	    process_file(process, "smaps_rollup", text, sizeof(text)) > 0) {
		m->bytes += line_bytes(text, "\nPss_Anon:") + line_bytes(text, "\nPss_Shmem:") +
			    line_bytes(text, "\nSwapPss:");
	} else if (process_text(process, "status", &status) > 0) {
		uint64_t shared = line_bytes(status, "\nRssShmem:");
		m->bytes += line_bytes(status, "\nRssAnon:") + line_bytes(status, "\nVmSwap:");
		m->shared = shared > m->shared ? shared : m->shared;
	}
	return true;
}

int subject_memory_read(const struct host *h, const struct subject *s, uint64_t *bytes,
			struct err *e)
{
	struct memory m = {.until = clock_ms() + PAGES_MS, .bytes = s->then.memory};
	int rc = host_live(h) ? tree_walk(h, s, memory_add, &m, e) : 0;
	*bytes = m.bytes + m.shared;
	return rc;
}

struct thread_list {
	struct subject_threads *to;
	size_t size;
	bool full; /* no memory */
};

static void thread_add(int threads, const char *thread, void *arg)
{
	struct thread_list *l = arg;
	struct subject_thread one;
	if (l->full || !thread_read(threads, thread, &one))
		return;
	if (l->to->count == l->size) {
		size_t size = l->size ? 2 * l->size : 64;
		struct subject_thread *more = reallocarray(l->to->at, size, sizeof(*more));
		l->full = !more;
		if (!more)
			return;
		l->to->at = more;
		l->size = size;
	}
	l->to->at[l->to->count++] = one;
}

static bool threads_add(int process, void *arg)
{
	struct thread_list *l = arg;
	threads_walk(process, thread_add, l);
	return !l->full;
}

int subject_threads_read(const struct host *h, const struct subject *s, struct subject_threads *out,
			 struct err *e)
{
	struct thread_list l = {.to = out};
	*out = (struct subject_threads){0};
	return tree_walk(h, s, threads_add, &l, e);
}

void subject_threads_free(struct subject_threads *t)
{
	free(t->at);
	*t = (struct subject_threads){0};
}

struct thread_names {
	const char *wanted, *process;
	bool found, others;
};

static void thread_name(int threads, const char *thread, void *arg)
{
	struct thread_names *n = arg;
	char path[300], name[32];
	snprintf(path, sizeof(path), "%s/comm", thread);
	if (process_file(threads, path, name, sizeof(name)) <= 0)
		return;
	name[strcspn(name, "\n")] = 0;
	n->found |= process_named(n->wanted, name);
	n->others |= strcmp(name, n->process) != 0;
}

static bool thread_names_add(int process, void *arg)
{
	threads_walk(process, thread_name, arg);
	return true;
}

bool subject_may_have_thread(const struct host *h, const struct subject *s, const char *names)
{
	struct thread_names n = {.wanted = names, .process = s->name};
	return tree_walk(h, s, thread_names_add, &n, NULL) || n.found || !n.others;
}

/* What it had taken before; less than now, or it is another one of the same number. */
static struct subject_thread thread_before(const struct subject_threads *before,
					   const struct subject_thread *now)
{
	for (size_t i = 0; i < before->count; i++)
		if (before->at[i].tid == now->tid && before->at[i].ready_ns <= now->ready_ns &&
		    before->at[i].ran_ns <= now->ran_ns)
			return before->at[i];
	return (struct subject_thread){0};
}

struct subject_taken subject_threads_taken(const struct subject_threads *before,
					   const struct subject_threads *after)
{
	struct subject_taken t = {0};
	for (size_t i = 0; i < after->count; i++) {
		const struct subject_thread *now = &after->at[i];
		struct subject_thread was = thread_before(before, now);
		struct subject_thread more = {now->tid, now->ran_ns - was.ran_ns,
					      now->ready_ns - was.ready_ns};
		t.all.ran_ns += more.ran_ns;
		t.all.ready_ns += more.ready_ns;
		if (more.ready_ns > t.busiest.ready_ns)
			t.busiest = more;
	}
	return t;
}

static void thread_count(int threads, const char *thread, void *arg) { ++*(uint64_t *)arg; }

/* 0: it has ended, or is not visible. */
static uint64_t threads_of(const struct host *h, const struct process *p)
{
	struct process_stat now;
	uint64_t count = 0;
	CLEAN(close_fd) int process = process_open(h, p->pid, NULL);
	if (process >= 0 && process_stat_at(process, p->pid, &now, NULL) == 0 &&
	    now.started == p->started)
		threads_walk(process, thread_count, &count);
	return count;
}

uint64_t subject_accept_threads(const struct host *h, const struct subject *s)
{
	const struct server_row *row = subject_row(s);
	uint64_t sum = 0;
	if (!host_live(h))
		return s->then.threads;
	if (subject_uncertain(s) || s->acceptor_count < s->accepting)
		return 0;
	if (subject_forks(s))
		return 1;
	if (s->handing)
		return s->handing;
	for (size_t i = 0; i < s->acceptor_count; i++) {
		uint64_t threads = threads_of(h, &s->acceptors[i]);
		if (!threads)
			return 0;
		sum += row && row->accepts_in_one ? 1 : threads;
	}
	return sum;
}

/* Groups of a server that were read: the texts of /proc/PID/cgroup, and the paths. */
struct groups {
	struct group_seen {
		char *text;
		char path[CGROUP_PATH];
	} * at;
	size_t count;
};

static void groups_free(struct groups *g)
{
	for (size_t i = 0; i < g->count; i++)
		free(g->at[i].text);
	free(g->at);
}

/* A limit binds where the work is done: in the groups of the processes that accept, which a manager
 * of the tree may have moved out of its own, and of the trees that hold a listener: one that is
 * stopped now has no connection that shows it as accepting. pid 0: it is not visible, or its tree
 * has one that accepts. */
static struct process worker_at(const struct subject *s, size_t i)
{
	if (!s->acceptor_count && !i)
		return (struct process){.pid = s->pid, .root = s->pid};
	i -= !s->acceptor_count;
	if (i < s->acceptor_count)
		return s->acceptors[i];
	int owner = s->listeners.at[i - s->acceptor_count].owner;
	pid_t root = owner < 0 ? 0 : s->listeners.processes[owner].root;
	bool known = !s->acceptor_count && root == s->pid;
	for (size_t k = 0; k < s->acceptor_count && !known; k++)
		known = s->acceptors[k].root == root;
	return known ? (struct process){0} : (struct process){.pid = root, .root = root};
}

/* The process by which the host has the groups of another one; 0: of the server that it was
 * captured with; -1: it has none of that. */
static pid_t shown_as(const struct host *h, const struct subject *s, const struct process *p)
{
	if (cgroup_shown(h, p->pid))
		return p->pid;
	if (cgroup_shown(h, p->root))
		return p->root;
	return p->root == s->pid ? 0 : -1;
}

/* Whether it ended since it was found: another one may have its number. */
static bool has_ended(const struct host *h, const struct process *p)
{
	struct process_stat now;
	if (!host_live(h) || !p->started)
		return false;
	CLEAN(close_fd) int process = process_open(h, p->pid, NULL);
	return process < 0 || process_stat_at(process, p->pid, &now, NULL) < 0 ||
	       now.started != p->started;
}

/* Adds the text of the groups of a process, "": they are not readable. False: it is among them, or
 * there is no memory. */
static bool text_add(const struct host *h, pid_t pid, struct groups *g)
{
	CLEAN(free_pointer) char *text = NULL;
	if (pid < 0 || group_paths(h, pid, &text) <= 0) {
		free_pointer(&text);
		text = strdup("");
	}
	for (size_t i = 0; text && i < g->count; i++)
		if (!strcmp(g->at[i].text, text))
			return false;
	struct group_seen *more = text ? array_add(&g->at, &g->count, sizeof(*more)) : NULL;
	if (!more)
		return false;
	more->text = text;
	text = NULL;
	return true;
}

/* Whether the groups that were added last have a path that others have. */
static bool path_is_known(struct groups *g, const char *path)
{
	struct group_seen *last = &g->at[g->count - 1];
	strcpy(last->path, path);
	for (size_t i = 0; i + 1 < g->count; i++)
		if (!strcmp(g->at[i].path, path))
			return true;
	return false;
}

/* Joins the groups of a process. `pid`: as of shown_as(). */
static void group_add(const struct host *h, pid_t pid, struct groups *g, struct cgroup *out)
{
	struct cgroup other = cgroup_none(true);
	if (!text_add(h, pid, g))
		return;
	if (pid >= 0)
		cgroup_read(h, pid, &other);
	bool known = path_is_known(g, other.path);
	if (g->count == 1)
		*out = other;
	else if (!known || !other.sockets_charged) /* the path of v1 is that of one hierarchy */
		cgroup_join(out, &other);
}

void subject_group(const struct host *h, const struct subject *s, struct cgroup *out)
{
	CLEAN(groups_free) struct groups g = {0};
	if (!s) {
		cgroup_read(h, 0, out);
		return;
	}
	*out = cgroup_none(true);
	if (!s->pid || s->activated)
		return;
	size_t count = s->acceptor_count ? s->acceptor_count : 1;
	for (size_t i = 0; i < count + s->listeners.count; i++) {
		struct process p = worker_at(s, i);
		if (p.pid && !has_ended(h, &p))
			group_add(h, shown_as(h, s, &p), &g, out);
	}
	/* Its workers were replaced since. */
	struct process root = {.pid = s->pid, .root = s->pid};
	if (!g.count)
		group_add(h, shown_as(h, s, &root), &g, out);
}

static void thread_cpus(int threads, const char *thread, void *arg)
{
	static const char key[] = "\nCpus_allowed_list:\t";
	CLEAN(free_pointer) char *text = NULL;
	char path[300];
	snprintf(path, sizeof(path), "%s/status", thread);
	const char *list = process_text(threads, path, &text) > 0 ? strstr(text, key) : NULL;
	if (list)
		cpu_list_add(arg, list + sizeof(key) - 1);
}

static bool cpus_add(int process, void *arg)
{
	threads_walk(process, thread_cpus, arg);
	return true;
}

uint64_t subject_cpus(const struct host *h, const struct subject *s)
{
	struct cpu_list cpus = {0};
	tree_walk(h, s, cpus_add, &cpus, NULL);
	return cpu_list_count(&cpus);
}

void subject_cpu_list(const struct host *h, const struct subject *s, char *list, size_t size)
{
	struct cpu_list cpus = {0};
	tree_walk(h, s, cpus_add, &cpus, NULL);
	cpu_list_text(&cpus, list, size);
}
